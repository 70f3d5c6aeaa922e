// Reads the profile that mega_ensure_customer is given, and makes columns of it.
#include "identity/profile.hpp"

#include "core/ascii.hpp"
#include "core/text_rule.hpp"
#include "ledger/checked.hpp"
#include "pg/jsonb.hpp"

namespace mega::identity {

namespace {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
using core::is_digit;

// A member of a document, as errors name it.
struct member {
    const char *document;
    std::string_view key;
    const pg::json_value &value;

    std::string name() const { return std::string(document) + "." + std::string(key); }
};

[[noreturn]] void refuse_type(const member &of, const char *wanted) {
    throw pg::sql_error{ledger::bad_argument,
                        of.name() + " must be " + wanted,
                        std::string("It is of type ") + of.value.type_name() + ".",
                        {}};
}

[[noreturn]] void refuse(const member &of, const char *what, const char *hint) {
    throw pg::sql_error{ledger::bad_argument, of.name() + " " + what, "value=" + pg::quoted(of.value.string()), hint};
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

// Etc/GMT0, Etc/GMT+12, Etc/GMT-14 and what is between: the only names of areas that have digits.
bool is_distance(std::string_view text) {
    constexpr std::string_view before = "etc/gmt";
    if (!core::equal_ignoring_case(text.substr(0, before.size()), before))
        return false;
    const std::string_view distance = text.substr(before.size());
    for (int hours = -14; hours <= 12; ++hours)
        if (distance == (hours < 0 ? "" : "+") + std::to_string(hours))
            return true;
    return distance == "0" || distance == "-0";
}

// A name of the IANA database. Postgres would also take POSIX rules such as FOO3, which are no time zone's name.
bool is_timezone(std::string_view text) {
    const bool plain = std::ranges::all_of(
        text, [](char c) { return is_letter(c) || is_digit(c) || c == '/' || c == '_' || c == '-' || c == '+'; });
    const bool named = is_distance(text) || std::ranges::none_of(text, is_digit);
    if (!plain || !named || text.size() > TZ_STRLEN_MAX)
        return false;
    const std::string name(text);
    return pg::call([&name] {
        pg_tz *zone = pg_tzset(name.c_str());
        return zone != nullptr && pg_tz_acceptable(zone);
    });
}

void require_string(const member &of) {
    if (!of.value.is_string())
        refuse_type(of, "a string");
}

std::string_view read_text(const member &of) {
    require_string(of);
    const std::string_view text = core::trim(of.value.string());
    ledger::check_text(of.name().c_str(), text, ledger::bad_argument);
    return text;
}

// Each run of control characters is one blank; std::nullopt when nothing is left.
std::optional<std::string> read_cleaned_name(const member &of) {
    require_string(of);
    const std::string cleaned = core::without_control_characters(of.value.string());
    const std::string_view name = core::trim(cleaned);
    if (core::is_blank(name))
        return std::nullopt;
    ledger::check_text(of.name().c_str(), name, ledger::bad_argument);
    return std::string(name);
}

std::string read_locale(const member &of) {
    std::string locale(read_text(of));
    std::ranges::replace(locale, '_', '-'); // as phones and POSIX write it
    if (!is_locale(locale))
        refuse(of, "is malformed", "Use BCP 47, for example en-US.");
    return locale;
}

std::string_view read_timezone(const member &of) {
    const std::string_view zone = read_text(of);
    if (!is_timezone(zone))
        refuse(of, "is not a time zone", "Use an IANA name, for example Asia/Dubai.");
    return zone;
}

bool read_flag(const member &of) {
    if (!of.value.is_boolean())
        refuse_type(of, "true or false");
    return of.value.boolean();
}

using column = schema::customer;

constexpr std::pair<std::string_view, column> members[] = {
    {"first_name", column::mg_first_name},
    {"last_name", column::mg_last_name},
    {"display_name", column::mg_display_name},
    {"locale", column::mg_locale},
    {"timezone", column::mg_timezone},
    {"marketing_opt_in", column::mg_marketing_opt_in},
    {"product_updates_opt_in", column::mg_product_updates_opt_in}};

pg::nullable_datum value_of(const member &of, column c, names how) {
    if (of.value.is_null() || (of.value.is_string() && core::is_blank(of.value.string())))
        return {};
    switch (c) {
    case column::mg_locale:
        return pg::to_datum(read_locale(of));
    case column::mg_timezone:
        return pg::to_datum(read_timezone(of));
    case column::mg_marketing_opt_in:
    case column::mg_product_updates_opt_in:
        return pg::to_datum(read_flag(of));
    default:
        return how == names::cleaned ? pg::to_datum(read_cleaned_name(of)) : pg::to_datum(read_text(of));
    }
}

} // namespace

std::optional<ledger::customer_change> read_profile_member(const char *document, std::string_view key,
                                                           const pg::json_value &value, names how) {
    const auto known = std::ranges::find(members, key, [](const auto &one) { return one.first; });
    if (known == std::end(members))
        return std::nullopt;
    return ledger::customer_change{known->second, value_of({document, key, value}, known->second, how)};
}

std::vector<ledger::customer_change> read_profile(pg::jsonb document) {
    std::vector<ledger::customer_change> told;
    pg::for_each_member(pg::root_of(document), [&](std::string_view key, const pg::json_value &value) {
        const auto one = read_profile_member("profile", key, value, names::cleaned);
        if (!one)
            throw pg::sql_error{ledger::bad_argument,
                                "profile has an unknown key " + pg::quoted(key),
                                {},
                                "Known are first_name, last_name, display_name, locale, timezone, marketing_opt_in and "
                                "product_updates_opt_in."};
        told.push_back(*one);
    });
    return told;
}

} // namespace mega::identity
