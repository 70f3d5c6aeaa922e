// Single ASCII characters, classified without the locale: a database's LC_CTYPE must never change what a rule says.
#pragma once

#include <cstddef>
#include <string_view>

namespace mega::core {

constexpr bool is_ascii_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The value of a hexadecimal digit of either case, -1 for any other character.
constexpr int hex_value(char c) noexcept {
    if (is_digit(c))
        return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

// An integer in the one way of writing it that a number printer would choose: no sign '+', no leading zero, no "-0".
constexpr bool is_canonical_unsigned(std::string_view s) noexcept {
    if (s.empty() || (s[0] == '0' && s.size() > 1))
        return false;
    for (char c : s)
        if (!is_digit(c))
            return false;
    return true;
}

} // namespace mega::core
