// The guard of the derived columns: mg_credits and the managed keys of mg_mma_preferences are written by the projection
// and by nothing else (design, section 6).
#pragma once

#include "schema/tables.hpp"

namespace mega::ledger {

using customer_record = schema::record<schema::customer>;

// An update: what the projection has in flight passes, and so does an unchanged value. Anything else raises MG006, or,
// with mega.derived_writes = ignore, is replaced by the stored value with a WARNING. When `may_replace` is false the
// row is stored already and a foreign value raises in either mode. A projection that a trigger of somebody's made
// another one raises 55000, in either mode.
void guard_changed_customer(const schema::tables &where, const customer_record &old_row, customer_record &new_row,
                            bool may_replace);

// A row that is about to be inserted, with mega.derived_writes = ignore: its derived columns are emptied with a
// WARNING, so that nobody can spend or fold meanwhile what is only claimed.
void ignore_derived_of_new_customer(const schema::tables &where, customer_record &row);

// A row that was inserted: its derived columns must be empty, or raise MG006. Not before it is inserted: an upsert that
// finds its customer may carry the true value.
void guard_new_customer(const customer_record &row);

} // namespace mega::ledger
