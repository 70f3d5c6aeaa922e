// The credits of two customers who become one: the one place where a merge meets what credits have beside their sum.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::credits {

// Both are locked. Settles what has ended of each, before a row moves.
void settle_both(ledger::store &store, ledger::locked_customer &source, ledger::locked_customer &target);

// When what both have without a lot comes to its end: one end for both, or none. With the mg_meta of both.
std::optional<pg::timestamp> joined_end(const ledger::locked_customer &source, pg::jsonb source_meta,
                                        const ledger::locked_customer &target, pg::jsonb target_meta);

// Mega's own key of the target with what both have in theirs of credits: open lots, and claims on top-ups.
pg::jsonb joined_own_key(pg::jsonb source_meta, pg::jsonb target_meta);

} // namespace mega::credits
