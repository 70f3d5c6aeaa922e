// The rules of a customer's row.
#pragma once

#include "ledger/derived.hpp"
#include "ledger/in_flight.hpp"

namespace mega::ledger {

// Fills and computes what a new row leaves open, and holds it against the rules for columns. Raises 23514.
void check_new_customer(customer_row &row, in_flight::moment when);

// Fills and computes what a change leaves open, and holds it against the rules for changes. may_replace as for
// `guard_changed_customer`. Raises 23514 and MG005, and what that raises.
void check_changed_customer(const schema::table_catalog &where, const customer_row &old_row, customer_row &new_row,
                            bool may_replace);

} // namespace mega::ledger
