// Who is low on credits: by what stands of them now, whatever was written of what has ended.
#pragma once

#include "ledger/lots.hpp"
#include "pg/clock.hpp"
#include "pg/spi.hpp"

namespace mega::credits {

// Customers c who may be at most $1 once what has ended is gone; now: microseconds since 1970. `stood` has the last
// word. Who was merged into another one has nothing, and whatever was paid for him would be the other one's.
#define MEGA_MAY_BE_LOW(now)                                                                                           \
    "(c.mg_meta OPERATOR(pg_catalog.#>>) '{mega,merged_into}') IS NULL "                                               \
    "AND (c.mg_credits OPERATOR(pg_catalog.<=) $1 "                                                                    \
    "OR c.mg_expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() "                                         \
    "OR (c.mg_meta OPERATOR(pg_catalog.#>>) '{mega,lots,0,2}')::pg_catalog.int8 OPERATOR(pg_catalog.<=) " now ")"
#define MEGA_STANDING "c.mg_credits, c.mg_expires_at, c.mg_meta"

// The credits that stand of a row with the columns of MEGA_STANDING from `first` on.
inline std::int64_t stood(const pg::rows &found, std::uint64_t row, int first) {
    core::holdings has = ledger::holdings_in(found, row, first);
    core::stand(has, pg::unix_micros(pg::clock_time()));
    return has.credits;
}

} // namespace mega::credits
