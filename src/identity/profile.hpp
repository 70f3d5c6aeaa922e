// The profile a caller gives to mega_ensure_customer.
#pragma once

#include "pg/datum.hpp"

namespace mega::identity {

struct profile {
    std::optional<std::string_view> first_name, last_name, display_name, timezone;
    std::optional<std::string> locale;
    std::optional<bool> marketing_opt_in, product_updates_opt_in;
};

// Reads the document; null and blank members count as absent, a locale may be written with underscores (en_US). Raises
// 22023 for a key it does not know, a value of another type, a malformed locale or an unknown time zone, and names it.
profile read_profile(pg::jsonb document);

} // namespace mega::identity
