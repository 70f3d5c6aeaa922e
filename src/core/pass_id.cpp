#include "pass_id.hpp"

#include "ascii.hpp"
#include "text_rule.hpp"

namespace mega::core {

bool is_pass_id(std::string_view s) noexcept {
    constexpr std::string_view prefix = "pass:";
    if (s.size() > max_id_bytes || !s.starts_with(prefix) || has_control_character(s))
        return false;
    s.remove_prefix(prefix.size());

    const std::size_t colon = s.find(':');
    if (colon == std::string_view::npos || colon == 0)
        return false;
    const std::string_view kind = s.substr(0, colon);
    const std::string_view id = s.substr(colon + 1);
    for (char c : kind)
        if (c < 'a' || c > 'z')
            return false;

    if (id.empty() || has_blank_ends(id))
        return false;
    return (kind != "user" && kind != "anon") || is_uuid(id);
}

bool is_uuid(std::string_view s) noexcept {
    if (s.size() != 36)
        return false;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : hex_value(s[i]) < 0)
            return false;
    }
    return true;
}

bool is_absent_shopify_id(std::string_view s) noexcept {
    s = trim(s);
    return s.empty() || equal_ignoring_case(s, "anonymous");
}

} // namespace mega::core
