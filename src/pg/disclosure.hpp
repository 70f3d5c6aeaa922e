// What may be told to the caller of a function. Rules are looked up and rows written as another role (pg/role.hpp), and
// Postgres puts values of rows into the errors of whoever may read the table: here it is asked for the role behind.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// Whether the caller may read these columns of every row as they stand: SELECT is granted, on the table or on each of
// them, and no row policy hides any of them. No columns: all of them. Looks into the catalogs: for the way of an error.
bool caller_may_read(Oid relation, std::span<const AttrNumber> columns = {});

// Whether SELECT is granted on these columns, whatever the policies.
bool caller_may_select(Oid relation, std::span<const AttrNumber> columns);

// In the world of Postgres. Takes the detail out of an error about a row (class 23, and 44000) unless the caller may
// read the table that it is about. It may be called before the transaction is aborted, because what raises these errors
// looks into the same catalogs itself.
void keep_from_others(ErrorData *error);

} // namespace pg
