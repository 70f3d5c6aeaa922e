// The key of references where Postgres does not keep it: on a table that was adopted with rows that share references,
// until mega_validate can build the unique index; and of types that the index leaves out, though
// mega.unkeyed_ref_types does not name them any more, or not for this role.
#pragma once

#include "ledger/new_row.hpp"
#include "pg/spi.hpp"

namespace mega::ledger {

// Whether the index leaves out types of references that are keys.
bool leaves_out_keys(const schema::table_catalog &where);

// Whether a credit row with this reference may be appended: takes a lock on the reference until the end of the
// transaction, then looks. Always true where the index holds the key, for a row without a reference, for one of
// mega.unkeyed_ref_types, and for what is restored or replicated.
bool claim_reference(const schema::table_catalog &where, std::optional<std::string_view> ref_type,
                     std::optional<std::string_view> ref_id, std::optional<std::string_view> reason);

// The same for a row on its way through the triggers; raises 23505.
void require_free_reference(const schema::table_catalog &where, const ledger_row &row);

} // namespace mega::ledger
