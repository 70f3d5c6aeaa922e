// Checks addresses of the internet.
#include "pg/address.hpp"

#include <sys/socket.h>

namespace pg {

std::optional<std::string> canonical_address(std::string_view text) {
    if (text.find('/') != std::string_view::npos)
        return std::nullopt;
    const std::string given(text);
    const bool six = text.find(':') != std::string_view::npos;
    const int family = six ? PGSQL_AF_INET6 : PGSQL_AF_INET;
    const int bits = six ? 128 : 32;
    std::array<unsigned char, 16> bytes{};
    // -1: an address of a host, as inet reads it, not the beginning of a network's.
    if (pg_inet_net_pton(family, given.c_str(), bytes.data(), static_cast<std::size_t>(-1)) != bits)
        return std::nullopt;
    std::array<char, 64> written{};
    if (pg_inet_net_ntop(family, bytes.data(), bits, written.data(), written.size()) == nullptr)
        return std::nullopt;
    return std::string(written.data());
}

} // namespace pg
