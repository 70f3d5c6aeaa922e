// Points in time as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mega::core {

// Takes microseconds since 1970-01-01 UTC and returns ISO 8601 in UTC, "2025-12-19T10:00:00Z", with as many of six
// fractional digits as are needed. Years above 9999 have more digits; years before 1 are counted backwards with " BC"
// behind, as timestamptz reads them. Raises std::bad_alloc only.
std::string iso_utc(std::int64_t unix_micros);

// Whether the text looks as iso_utc writes a time in a year of four digits. Such texts without their Z are in the order
// of their times. Days and hours that do not exist pass.
bool is_iso_utc(std::string_view text) noexcept;

// Reads what iso_utc writes in years of four digits, be its Z +00:00, as microseconds since 1970-01-01 UTC.
// std::nullopt for any other text, and for days and hours that do not exist.
std::optional<std::int64_t> read_iso_utc(std::string_view text) noexcept;

} // namespace mega::core
