// The time zone in which a customer's days and months are counted.
#pragma once

#include "pg/guard.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mega::credits {

// The customer's, or UTC when it has none that the server knows.
inline std::string zone_or_utc(std::optional<std::string_view> zone) {
    if (!zone || zone->empty() || zone->size() > TZ_STRLEN_MAX)
        return "UTC";
    const std::string name(*zone);
    return pg::call([&name] { return pg_tzset(name.c_str()) != nullptr; }) ? name : "UTC";
}

} // namespace mega::credits
