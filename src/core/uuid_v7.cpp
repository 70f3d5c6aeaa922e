// UUIDs of version 7, monotonic within a source.
#include "uuid_v7.hpp"

#include <cstddef>

namespace mega::core {

std::array<std::uint8_t, 16> uuid_v7_source::next(std::int64_t unix_micros,
                                                  std::span<const std::uint8_t, 10> random) noexcept {
    const std::uint64_t micros = unix_micros > 0 ? static_cast<std::uint64_t>(unix_micros) : 0;
    std::uint64_t stamp = (micros / 1000) << 12 | (micros % 1000) * 4096 / 1000;
    if (stamp <= last_stamp_)
        stamp = last_stamp_ + 1;
    last_stamp_ = stamp;

    std::array<std::uint8_t, 16> uuid{};
    for (std::size_t i = 0; i < 6; ++i)
        uuid[i] = static_cast<std::uint8_t>(stamp >> (52 - 8 * i));
    uuid[6] = static_cast<std::uint8_t>(0x70 | (stamp >> 8 & 0x0F));
    uuid[7] = static_cast<std::uint8_t>(stamp);
    for (std::size_t i = 0; i < 8; ++i)
        uuid[8 + i] = random[2 + i];
    uuid[8] = static_cast<std::uint8_t>(0x80 | (uuid[8] & 0x3F));
    return uuid;
}

std::array<char, 36> format_uuid(const std::array<std::uint8_t, 16> &uuid) noexcept {
    constexpr char digits[] = "0123456789abcdef";
    std::array<char, 36> text{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = digits[uuid[i] >> 4];
        text[at++] = digits[uuid[i] & 0x0F];
    }
    return text;
}

} // namespace mega::core
