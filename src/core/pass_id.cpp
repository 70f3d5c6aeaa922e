// Pass ids (I11): made of identities, parsed, checked.
#include "pass_id.hpp"

#include "ascii.hpp"
#include "text_rule.hpp"

namespace mega::core {

namespace {

constexpr std::string_view prefix = "pass:";
constexpr std::string_view shopify = "pass:shopify:";

// The UUID of a pass id of the kinds user and anon; std::nullopt for other kinds.
std::optional<std::string_view> uuid_of(std::string_view pass_id) noexcept {
    for (std::string_view kind : {std::string_view("pass:user:"), std::string_view("pass:anon:")})
        if (pass_id.starts_with(kind))
            return pass_id.substr(kind.size());
    return std::nullopt;
}

bool has_capitals(std::string_view s) noexcept {
    for (char c : s)
        if (c != lower(c))
            return true;
    return false;
}

} // namespace

pass_id_fault check_pass_id(std::string_view s) noexcept {
    if (is_blank(s))
        return pass_id_fault::blank;
    if (s.size() > max_id_bytes)
        return pass_id_fault::too_long;
    if (has_control_character(s))
        return pass_id_fault::control_character;
    const std::size_t colon = s.find(':', prefix.size());
    if (!s.starts_with(prefix) || colon == std::string_view::npos)
        return pass_id_fault::no_prefix;

    const std::string_view kind = s.substr(prefix.size(), colon - prefix.size());
    const std::string_view id = s.substr(colon + 1);
    if (kind.empty())
        return pass_id_fault::kind;
    for (char c : kind)
        if (c < 'a' || c > 'z')
            return pass_id_fault::kind;
    if (id.empty())
        return pass_id_fault::no_id;
    if (has_blank_ends(id))
        return pass_id_fault::blank_ends;
    const auto uuid = uuid_of(s);
    if (uuid && !is_uuid(*uuid))
        return pass_id_fault::no_uuid;
    return uuid && has_capitals(*uuid) ? pass_id_fault::capitals : pass_id_fault::none;
}

bool is_pass_id(std::string_view s) noexcept { return check_pass_id(s) == pass_id_fault::none; }

std::string_view sentence(pass_id_fault fault) noexcept {
    switch (fault) {
    case pass_id_fault::none:
        return "";
    case pass_id_fault::blank:
        return "It is blank.";
    case pass_id_fault::too_long:
        return "It has more than 512 bytes.";
    case pass_id_fault::control_character:
        return "It has a control character.";
    case pass_id_fault::no_prefix:
        return "It does not begin with pass:<kind>:.";
    case pass_id_fault::kind:
        return "Its kind is not a word of the letters a to z.";
    case pass_id_fault::no_id:
        return "There is no id behind its kind.";
    case pass_id_fault::blank_ends:
        return "Its id begins or ends with whitespace.";
    case pass_id_fault::no_uuid:
        return "Behind pass:user: and pass:anon: there has to be a UUID.";
    case pass_id_fault::capitals:
        return "Its UUID is not in lower case.";
    }
    return "";
}

std::optional<std::string> canonical_pass_id(std::string_view s) {
    if (const auto uuid = uuid_of(s)) {
        if (!is_uuid(*uuid) || !has_capitals(*uuid))
            return std::nullopt;
        std::string canonical(s);
        for (char &c : canonical)
            c = lower(c);
        return canonical;
    }
    if (!s.starts_with(shopify))
        return std::nullopt;
    const std::string_view written = s.substr(shopify.size());
    const std::string_view id = plain_shopify_id(written);
    return id.empty() || id == written ? std::nullopt : std::optional(std::string(shopify) + std::string(id));
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

std::string_view plain_shopify_id(std::string_view s) noexcept {
    constexpr std::string_view global = "gid://shopify/Customer/";
    s = trim_spaces(s);
    if (equal_ignoring_case(s.substr(0, global.size()), global))
        s = trim_spaces(s.substr(global.size()));
    for (std::string_view word : {"anonymous", "undefined", "null", "nan", "none", "[object object]"})
        if (equal_ignoring_case(s, word))
            return {};
    return s;
}

} // namespace mega::core
