#pragma once

#include "pg/datum.hpp"
#include "pg/guard.hpp"

#include <utils/timestamp.h>

namespace pg {

// The time of now, not of the transaction's beginning.
inline timestamp clock_time() noexcept { return {GetCurrentTimestamp()}; }

inline constexpr std::int64_t microseconds_per_second = 1'000'000;
inline constexpr std::int64_t unix_epoch_offset =
    (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * microseconds_per_second;

// The last thirty years that Postgres' calendar has, and infinity, lie beyond what counts from 1970: they become its
// end.
inline std::int64_t unix_micros(timestamp time) noexcept {
    return time.value > INT64_MAX - unix_epoch_offset ? INT64_MAX : time.value + unix_epoch_offset;
}
inline timestamp from_unix_micros(std::int64_t micros) noexcept {
    return {micros < INT64_MIN + unix_epoch_offset ? INT64_MIN : micros - unix_epoch_offset};
}

inline bool is_finite(timestamp time) noexcept { return !TIMESTAMP_NOT_FINITE(time.value); }

// The time an interval after another, or, with sign -1, before it. Raises 22008 beyond the calendar's ends.
inline timestamp moved(timestamp from, const Interval *by, int sign = 1) {
    return {call([=] {
        return DatumGetTimestampTz(DirectFunctionCall2(sign > 0 ? timestamptz_pl_interval : timestamptz_mi_interval,
                                                       TimestampTzGetDatum(from.value), IntervalPGetDatum(by)));
    })};
}

// A text as a time, as Postgres reads it. Raises what that raises.
inline timestamp parse_time(const std::string &text) {
    return {call([&text] {
        return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text.c_str()),
                                                       ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    })};
}

} // namespace pg
