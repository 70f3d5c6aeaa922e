// Addresses of the internet.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// The IPv4 or IPv6 address as Postgres writes it, or std::nullopt when the text is none: a network, an address with a
// port, several of them. Raises nothing.
std::optional<std::string> canonical_address(std::string_view text);

} // namespace pg
