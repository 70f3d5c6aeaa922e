// When what a customer has without a lot comes to its end: for who changes a customer.
#pragma once

#include "ledger/store.hpp"

namespace mega::credits {

// Settles what has ended already, then sets the end. False when it stands so. Raises 22023 for one that has passed.
// The customer is locked.
bool set_customer_end(ledger::store &store, ledger::locked_customer &customer, std::optional<pg::timestamp> end);

} // namespace mega::credits
