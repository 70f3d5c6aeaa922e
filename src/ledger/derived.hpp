// The guard of the derived columns: mg_credits and the managed keys of mg_mma_preferences are written by the projection
// and by nothing else (design, section 6).
#pragma once

#include "schema/tables.hpp"

namespace mega::ledger {

using customer_record = schema::record<schema::customer>;

// An update: what the projection has in flight passes, and so does an unchanged value. Anything else raises MG006, or,
// with mega.derived_writes = ignore, is replaced by the stored value with a WARNING. When `may_replace` is false the
// row is stored already and a foreign value raises in either mode.
void guard_changed_customer(const customer_record &old_row, customer_record &new_row, bool may_replace);

// A row that was inserted: its derived columns must be empty, or raise MG006; with mega.derived_writes = ignore what
// was written is taken back with a WARNING.
void guard_new_customer(const schema::tables &where, const customer_record &row);

} // namespace mega::ledger
