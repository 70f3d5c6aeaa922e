#include "text_rule.hpp"

#include <algorithm>

#include "ascii.hpp"

namespace mega::core {

namespace {

constexpr std::string_view no_break_space = "\xC2\xA0";
constexpr std::string_view ideographic_space = "\xE3\x80\x80";

// Bytes of the whitespace character that the text begins with, 0 if it begins with something else.
std::size_t leading_space(std::string_view s) noexcept {
    if (s.empty())
        return 0;
    if (is_ascii_space(s[0]))
        return 1;
    if (s.starts_with(no_break_space))
        return no_break_space.size();
    if (s.starts_with(ideographic_space))
        return ideographic_space.size();
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

bool is_blank(std::string_view s) noexcept {
    while (std::size_t n = leading_space(s))
        s.remove_prefix(n);
    return s.empty();
}

bool has_blank_ends(std::string_view s) noexcept {
    if (s.empty())
        return false;
    return leading_space(s) != 0 || is_ascii_space(s.back()) || s.ends_with(no_break_space) ||
           s.ends_with(ideographic_space);
}

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
