// Single ASCII characters, classified without the locale: a database's LC_CTYPE must never change what a rule says.
#pragma once

#include <array>
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

// A set of single bytes. Finding one of them in a text costs a look at a table for each byte, where find_first_of calls
// memchr for each.
class byte_set {
public:
    explicit constexpr byte_set(std::string_view members) noexcept {
        for (char c : members)
            has_[static_cast<unsigned char>(c)] = true;
    }

    constexpr bool has(char c) const noexcept { return has_[static_cast<unsigned char>(c)]; }

    // Where the first member stands at or behind `from`, the text's size if there is none.
    constexpr std::size_t find(std::string_view text, std::size_t from = 0) const noexcept {
        while (from < text.size() && !has(text[from]))
            ++from;
        return from;
    }

private:
    std::array<bool, 256> has_{};
};

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
