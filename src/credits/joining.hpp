// The credits of two customers who become one: the one place where a merge meets what credits have beside their sum.
#pragma once

#include "ledger/store.hpp"

namespace mega::credits {

// Both are locked. Settles what has ended of each, before a row moves.
void settle_both(ledger::store &store, ledger::locked_customer &source, ledger::locked_customer &target);

// When what both have without a lot comes to its end: one end for both, or none.
std::optional<pg::timestamp> joined_end(const ledger::locked_customer &source, const ledger::locked_customer &target);

} // namespace mega::credits
