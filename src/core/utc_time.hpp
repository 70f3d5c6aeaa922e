// Points in time as text.
#pragma once

#include <cstdint>
#include <string>

namespace mega::core {

// Takes microseconds since 1970-01-01 UTC and returns ISO 8601 in UTC, "2025-12-19T10:00:00Z", with as many of six
// fractional digits as are needed. Years above 9999 have more digits; years before 1 are counted backwards with " BC"
// behind, as timestamptz reads them. Raises std::bad_alloc only.
std::string iso_utc(std::int64_t unix_micros);

} // namespace mega::core
