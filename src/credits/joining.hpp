// The credits of two customers who become one: the one place where a merge meets what credits have beside their sum.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::credits {

// Both are locked. Settles what has ended of each, before a row moves. Where what they have without a lot ends at
// different times, that of each becomes a lot (rows `lot:<id>:out` and `:in`): an end is of the credits that it was set
// for. Then both have one end, or none.
void settle_both(ledger::store &store, ledger::locked_customer &source, ledger::locked_customer &target);

// The target's mg_meta with what both have noted of credits: open lots, and claims on top-ups.
pg::jsonb joined_meta(pg::jsonb source_meta, pg::jsonb target_meta);

} // namespace mega::credits
