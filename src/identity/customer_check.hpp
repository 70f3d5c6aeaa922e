// The rules of a customer's row.
#pragma once

#include "ledger/derived.hpp"
#include "ledger/in_flight.hpp"

namespace mega::identity {

// Fills and computes what a new row leaves open, and holds it against the rules for columns. Raises 23514.
void check_new_customer(ledger::customer_record &row, ledger::in_flight::moment when);

} // namespace mega::identity
