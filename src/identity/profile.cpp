// Reads the profile that mega_ensure_customer is given, and makes columns of it.
#include "identity/profile.hpp"

#include "core/text_rule.hpp"
#include "ledger/checked.hpp"
#include "pg/jsonb.hpp"

namespace mega::identity {

namespace {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void refuse_type(std::string_view key, const char *wanted, const pg::json_value &value) {
    throw pg::sql_error{ledger::bad_argument,
                        "profile." + std::string(key) + " must be " + wanted,
                        std::string("It is of type ") + value.type_name() + ".",
                        {}};
}

[[noreturn]] void refuse(std::string_view key, const std::string &what, std::string_view value, const char *hint) {
    throw pg::sql_error{ledger::bad_argument, "profile." + std::string(key) + " " + what, "value=" + pg::quoted(value),
                        hint};
}

// BCP 47 in outline: a language of 2 to 8 letters, then subtags of 1 to 8 letters or digits.
bool is_locale(std::string_view text) {
    std::size_t from = 0;
    for (bool first = true; from <= text.size(); first = false) {
        const std::size_t end = std::min(text.find('-', from), text.size());
        const std::string_view tag = text.substr(from, end - from);
        if (tag.empty() || tag.size() > 8 || (first && tag.size() < 2))
            return false;
        if (!std::ranges::all_of(tag, [&](char c) { return is_letter(c) || (!first && is_digit(c)); }))
            return false;
        from = end + 1;
    }
    return true;
}

// A name of the IANA database. Postgres would also take POSIX rules such as FOO3, which are no time zone's name.
bool is_timezone(std::string_view text) {
    const bool plain = std::ranges::all_of(
        text, [](char c) { return is_letter(c) || is_digit(c) || c == '/' || c == '_' || c == '-' || c == '+'; });
    const bool named = text.find('/') != std::string_view::npos || std::ranges::none_of(text, is_digit);
    if (!plain || !named || text.size() > TZ_STRLEN_MAX)
        return false;
    const std::string name(text);
    return pg::call([&name] {
        pg_tz *zone = pg_tzset(name.c_str());
        return zone != nullptr && pg_tz_acceptable(zone);
    });
}

std::string_view read_text(std::string_view key, const pg::json_value &value) {
    if (!value.is_string())
        refuse_type(key, "a string", value);
    const std::string_view text = core::trim(value.string());
    ledger::check_text(("profile." + std::string(key)).c_str(), text, ledger::bad_argument);
    return text;
}

bool read_flag(std::string_view key, const pg::json_value &value) {
    if (!value.is_boolean())
        refuse_type(key, "true or false", value);
    return value.boolean();
}

} // namespace

profile read_profile(pg::jsonb document) {
    profile read;
    std::optional<std::string_view> locale;
    pg::for_each_member(pg::root_of(document), [&](std::string_view key, const pg::json_value &value) {
        const bool absent = value.is_null() || (value.is_string() && core::is_blank(value.string()));
        const auto text = [&](std::optional<std::string_view> &field) {
            if (!absent)
                field = read_text(key, value);
        };
        if (key == "first_name")
            text(read.first_name);
        else if (key == "last_name")
            text(read.last_name);
        else if (key == "display_name")
            text(read.display_name);
        else if (key == "locale")
            text(locale);
        else if (key == "timezone")
            text(read.timezone);
        else if (key == "marketing_opt_in")
            read.marketing_opt_in = absent ? std::nullopt : std::optional(read_flag(key, value));
        else if (key == "product_updates_opt_in")
            read.product_updates_opt_in = absent ? std::nullopt : std::optional(read_flag(key, value));
        else
            throw pg::sql_error{ledger::bad_argument,
                                "profile has an unknown key " + pg::quoted(key),
                                {},
                                "Known are first_name, last_name, display_name, locale, timezone, marketing_opt_in and "
                                "product_updates_opt_in."};
    });
    if (locale) {
        read.locale = std::string(*locale);
        std::ranges::replace(*read.locale, '_', '-'); // as phones and POSIX write it
        if (!is_locale(*read.locale))
            refuse("locale", "is malformed", *locale, "Use BCP 47, for example en-US.");
    }
    if (read.timezone && !is_timezone(*read.timezone))
        refuse("timezone", "is not a time zone", *read.timezone, "Use an IANA name, for example Asia/Dubai.");
    return read;
}

} // namespace mega::identity
