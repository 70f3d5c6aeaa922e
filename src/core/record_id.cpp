// Record ids (I6): parsed and checked by record type.
#include "record_id.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "ascii.hpp"
#include "pass_id.hpp"
#include "text_rule.hpp"

namespace mega::core {

namespace {

constexpr std::array<std::string_view, 11> type_names = {
    "session",       "generation",  "feedback", "credit_transaction", "mma_step",  "mma_event",
    "admin_session", "admin_audit", "profile",  "runtime_config",     "app_config"};

constexpr std::int64_t int4_max = 2147483647;

// The number that the canonical digits say, nullopt if they say it otherwise or it is above the limit.
std::optional<std::int64_t> canonical_number(std::string_view digits, std::int64_t limit) noexcept {
    if (digits.size() > 10 || !is_canonical_unsigned(digits))
        return std::nullopt;
    std::int64_t value = 0;
    for (char c : digits)
        value = value * 10 + (c - '0');
    return value <= limit ? std::optional(value) : std::nullopt;
}

bool is_canonical_int4(std::string_view s) noexcept {
    const bool negative = s.starts_with('-');
    if (!negative)
        return canonical_number(s, int4_max).has_value();
    s.remove_prefix(1);
    return s != "0" && canonical_number(s, int4_max + 1).has_value();
}

// `<generation_id>:<step_no>`, what stands behind the prefix of a step.
std::optional<step_key> split_step(std::string_view rest) noexcept {
    const std::size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    const std::string_view generation_id = rest.substr(0, colon);
    const auto step_no = canonical_number(rest.substr(colon + 1), int4_max);
    if (!step_no || check_text(generation_id) != text_fault::none)
        return std::nullopt;
    return step_key{generation_id, static_cast<int>(*step_no)};
}

bool is_rest(record_type type, std::string_view rest) noexcept {
    switch (type) {
    case record_type::mma_step:
        return split_step(rest).has_value();
    case record_type::runtime_config:
        return is_canonical_int4(rest);
    case record_type::profile:
        return is_uuid(rest);
    default:
        return check_text(rest) == text_fault::none;
    }
}

} // namespace

std::optional<record_type> parse_record_type(std::string_view s) noexcept {
    for (std::size_t i = 0; i < type_names.size(); ++i)
        if (type_names[i] == s)
            return static_cast<record_type>(i);
    return std::nullopt;
}

std::string_view name(record_type type) noexcept { return type_names[static_cast<std::size_t>(type)]; }

bool is_ledger_type(record_type type) noexcept { return type <= record_type::mma_event; }

bool is_record_id(std::string_view type_name, std::string_view id) noexcept {
    const auto type = parse_record_type(type_name);
    return type && rest_of(*type, id).has_value();
}

std::optional<std::string_view> rest_of(record_type type, std::string_view id) noexcept {
    const std::string_view rest = strip_prefix(type, id);
    if (rest.size() == id.size() || !is_rest(type, rest))
        return std::nullopt;
    return rest;
}

std::optional<step_key> parse_step_id(std::string_view mg_id) noexcept {
    const std::string_view rest = strip_prefix(record_type::mma_step, mg_id);
    if (rest.size() == mg_id.size())
        return std::nullopt;
    return split_step(rest);
}

bool app_config_key_matches(std::string_view rest, std::string_view key) noexcept {
    if (!rest.starts_with(key))
        return false;
    rest.remove_prefix(key.size());
    if (rest.empty())
        return true;
    if (!rest.starts_with(".v"))
        return false;
    rest.remove_prefix(2);
    return rest != "0" && is_canonical_unsigned(rest);
}

std::optional<int> app_config_version(std::string_view rest, std::string_view key) noexcept {
    if (rest.size() == key.size() || !app_config_key_matches(rest, key))
        return std::nullopt;
    const auto number = canonical_number(rest.substr(key.size() + 2), int4_max);
    return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

bool looks_like_version(std::string_view key) noexcept {
    const std::size_t digits = key.find_last_not_of("0123456789") + 1;
    return digits < key.size() && key.substr(0, digits).ends_with(".v");
}

std::string_view strip_prefix(record_type type, std::string_view id) noexcept {
    const std::string_view prefix = name(type);
    if (id.size() <= prefix.size() || !id.starts_with(prefix) || id[prefix.size()] != ':')
        return id;
    return id.substr(prefix.size() + 1);
}

} // namespace mega::core
