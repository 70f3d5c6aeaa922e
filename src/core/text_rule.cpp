#include "text_rule.hpp"

#include <algorithm>

#include "ascii.hpp"

namespace mega::core {

namespace {

// What Unicode calls White_Space beyond ASCII, and the characters without width that copied texts begin or end with:
// U+180E, U+200B, U+2060, U+FEFF. (U+0085 is a control character.)
constexpr std::string_view wide_spaces[] = {
    "\xC2\xA0",     "\xE1\x9A\x80", "\xE1\xA0\x8E", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
    "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88",
    "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\x8B", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
    "\xE2\x81\x9F", "\xE2\x81\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF"};

// Bytes of the whitespace character that the text begins with, 0 if it begins with something else.
std::size_t leading_space(std::string_view s) noexcept {
    if (s.empty())
        return 0;
    if (static_cast<unsigned char>(s[0]) < 0x80)
        return is_ascii_space(s[0]) ? 1 : 0;
    for (std::string_view space : wide_spaces)
        if (s.starts_with(space))
            return space.size();
    return 0;
}

// The same at its end.
std::size_t trailing_space(std::string_view s) noexcept {
    if (s.empty())
        return 0;
    if (static_cast<unsigned char>(s.back()) < 0x80)
        return is_ascii_space(s.back()) ? 1 : 0;
    for (std::string_view space : wide_spaces)
        if (s.ends_with(space))
            return space.size();
    return 0;
}

} // namespace

text_fault check_text(std::string_view s) noexcept {
    if (is_blank(s))
        return text_fault::blank;
    if (s.size() > max_id_bytes)
        return text_fault::too_long;
    if (has_control_character(s))
        return text_fault::control_character;
    return text_fault::none;
}

std::string_view trim(std::string_view s) noexcept {
    while (!s.empty() && is_ascii_space(s.front()))
        s.remove_prefix(1);
    while (!s.empty() && is_ascii_space(s.back()))
        s.remove_suffix(1);
    return s;
}

std::string_view trim_spaces(std::string_view s) noexcept {
    while (const std::size_t n = leading_space(s))
        s.remove_prefix(n);
    while (const std::size_t n = trailing_space(s))
        s.remove_suffix(n);
    return s;
}

bool is_blank(std::string_view s) noexcept { return trim_spaces(s).empty(); }

bool has_blank_ends(std::string_view s) noexcept { return leading_space(s) != 0 || trailing_space(s) != 0; }

namespace {

// The length of the control character that begins at i, or 0.
std::size_t control_at(std::string_view s, std::size_t i) noexcept {
    const auto byte = static_cast<unsigned char>(s[i]);
    if (byte < 0x20 || byte == 0x7F)
        return 1;
    if (byte == 0xC2 && i + 1 < s.size()) {
        const auto next = static_cast<unsigned char>(s[i + 1]);
        if (next >= 0x80 && next <= 0x9F)
            return 2;
    }
    return 0;
}

} // namespace

bool has_control_character(std::string_view s) noexcept {
    for (std::size_t i = 0; i < s.size(); ++i)
        if (control_at(s, i) != 0)
            return true;
    return false;
}

std::string without_control_characters(std::string_view s) {
    std::string text;
    for (std::size_t i = 0, size = 0; i < s.size(); i += size) {
        size = control_at(s, i);
        text += size == 0 ? s[i] : '?';
        size = std::max<std::size_t>(size, 1);
    }
    return text;
}

} // namespace mega::core
