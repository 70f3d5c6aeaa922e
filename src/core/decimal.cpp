// Exact decimals of the preference fold: parsed, added, negated, written.
#include "decimal.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "ascii.hpp"

namespace mega::core {

namespace {

constexpr int places = 6;
constexpr std::int64_t unit = 1000000;

// The parts of a JSON number: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
struct number_parts {
    bool negative = false;
    std::string_view whole;
    std::string_view fraction;
    std::int64_t exponent = 0;
};

std::string_view take_digits(std::string_view &s) noexcept {
    std::size_t n = 0;
    while (n < s.size() && is_digit(s[n]))
        ++n;
    const std::string_view digits = s.substr(0, n);
    s.remove_prefix(n);
    return digits;
}

bool take(std::string_view &s, char c) noexcept {
    if (!s.starts_with(c))
        return false;
    s.remove_prefix(1);
    return true;
}

std::optional<std::int64_t> take_exponent(std::string_view &s) noexcept {
    const bool negative = take(s, '-');
    if (!negative)
        take(s, '+');
    const std::string_view digits = take_digits(s);
    if (digits.empty())
        return std::nullopt;
    // No text is long enough for its digits to make up for an exponent at this bound.
    constexpr std::int64_t bound = std::int64_t{1} << 50;
    std::int64_t value = 0;
    for (char c : digits)
        value = std::min(bound, value * 10 + (c - '0'));
    return negative ? -value : value;
}

std::optional<number_parts> split_number(std::string_view s) noexcept {
    number_parts parts;
    parts.negative = take(s, '-');
    parts.whole = take_digits(s);
    if (parts.whole.empty() || (parts.whole[0] == '0' && parts.whole.size() > 1))
        return std::nullopt;
    if (take(s, '.')) {
        parts.fraction = take_digits(s);
        if (parts.fraction.empty())
            return std::nullopt;
    }
    if (take(s, 'e') || take(s, 'E')) {
        const auto exponent = take_exponent(s);
        if (!exponent)
            return std::nullopt;
        parts.exponent = *exponent;
    }
    return s.empty() ? std::optional(parts) : std::nullopt;
}

// Digit i of whole and fraction written one behind the other.
char digit_at(const number_parts &parts, std::size_t i) noexcept {
    return i < parts.whole.size() ? parts.whole[i] : parts.fraction[i - parts.whole.size()];
}

} // namespace

std::optional<decimal> decimal::parse(std::string_view json_number) noexcept {
    const auto parts = split_number(json_number);
    if (!parts)
        return std::nullopt;

    // The first `kept` digits are the micro-units; the digit behind them decides the rounding.
    const std::int64_t count = static_cast<std::int64_t>(parts->whole.size() + parts->fraction.size());
    const std::int64_t kept = static_cast<std::int64_t>(parts->whole.size()) + parts->exponent + places;
    if (kept < 0)
        return decimal();

    std::int64_t value = 0; // negative while it grows: that side has one value more
    for (std::int64_t i = 0; i < kept; ++i) {
        if (i >= count && value == 0)
            break; // zero times any power of ten
        const int digit = i < count ? digit_at(*parts, static_cast<std::size_t>(i)) - '0' : 0;
        if (__builtin_mul_overflow(value, std::int64_t{10}, &value))
            return std::nullopt;
        if (__builtin_sub_overflow(value, std::int64_t{digit}, &value))
            return std::nullopt;
    }
    const bool round_up = kept < count && digit_at(*parts, static_cast<std::size_t>(kept)) >= '5';
    if (round_up && __builtin_sub_overflow(value, std::int64_t{1}, &value))
        return std::nullopt;
    if (parts->negative)
        return decimal(value);
    return decimal(value).negated();
}

std::optional<decimal> decimal::sum(decimal a, decimal b) noexcept {
    std::int64_t micros = 0;
    if (__builtin_add_overflow(a.micros_, b.micros_, &micros))
        return std::nullopt;
    return decimal(micros);
}

std::optional<decimal> decimal::negated() const noexcept {
    if (micros_ == std::numeric_limits<std::int64_t>::min())
        return std::nullopt;
    return decimal(-micros_);
}

std::string decimal::text() const {
    std::string text = std::to_string(micros_ / unit);
    if (micros_ < 0 && text[0] != '-')
        text.insert(0, 1, '-'); // -0.5: the whole part alone has no sign
    std::int64_t rest = micros_ % unit;
    if (rest == 0)
        return text;
    if (rest < 0)
        rest = -rest;
    std::string fraction = std::to_string(rest);
    fraction.insert(0, static_cast<std::size_t>(places) - fraction.size(), '0');
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return text + '.' + fraction;
}

} // namespace mega::core
