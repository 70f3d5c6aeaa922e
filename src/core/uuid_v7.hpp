// Time-ordered identifiers (RFC 9562, version 7).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace mega::core {

// Gives UUIDs that grow strictly within one object, even when the clock stands still or goes back: behind the 48-bit
// millisecond stand 12 bits of sub-millisecond (RFC 9562 §6.2 method 3), and a stamp that is not later than the last
// one becomes the last one plus 1, running over into the milliseconds. Constant-initialised, trivially destructible,
// not thread-safe.
class uuid_v7_source {
public:
    constexpr uuid_v7_source() noexcept = default;

    // Takes microseconds since 1970-01-01 UTC (before that counts as that) and random bytes, of which the last eight
    // fill the 62 random bits. Never raises.
    std::array<std::uint8_t, 16> next(std::int64_t unix_micros, std::span<const std::uint8_t, 10> random) noexcept;

private:
    std::uint64_t last_stamp_ = 0; // milliseconds << 12 | sub-millisecond
};

// The 36 characters of the canonical lower-case form, without a terminator.
std::array<char, 36> format_uuid(const std::array<std::uint8_t, 16> &uuid) noexcept;

} // namespace mega::core
