// The guard of the derived columns: mg_credits and the managed keys of mg_mma_preferences are written by the projection
// and by nothing else.
#pragma once

#include "schema/table_catalog.hpp"

namespace mega::ledger {

using customer_row = schema::named_row<schema::customer>;

// An update: what the projection has in flight passes, and so does an unchanged value. Anything else raises MG006, or,
// with mega.derived_writes = ignore, is replaced by the stored value with a WARNING. When `may_replace` is false the
// row is stored already and a foreign value raises in either mode. A projection that a trigger of somebody's made
// another one raises 55000, in either mode.
void guard_changed_customer(const schema::table_catalog &where, const customer_row &old_row, customer_row &new_row,
                            bool may_replace);

// A row that is about to be inserted, with mega.derived_writes = ignore: its derived columns are emptied with a
// WARNING, so that nobody can spend or fold meanwhile what is only claimed.
void ignore_derived_of_new_customer(const schema::table_catalog &where, customer_row &row);

// A row that was inserted: its derived columns must be empty, or raise MG006. Not before it is inserted: an upsert that
// finds its customer may carry the true value.
void guard_new_customer(const customer_row &row);

} // namespace mega::ledger
