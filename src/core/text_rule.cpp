// Texts that are ids, references, reasons or addresses: length, control characters, encoding.
#include "text_rule.hpp"

#include <algorithm>
#include <span>

#include "ascii.hpp"

namespace mega::core {

namespace {

constinit text_host host{[]() noexcept { return character_set::utf8; },
                         [](std::string_view s, std::size_t room) noexcept {
                             while (room > 0 && (static_cast<unsigned char>(s[room]) & 0xC0) == 0x80)
                                 --room;
                             return room;
                         }};

// What Unicode calls White_Space beyond ASCII, and the characters without width that copied texts begin or end with:
// U+180E, U+200B, U+2060, U+FEFF. (U+0085 is a control character.) Other encodings have few of them.
std::span<const std::string_view> wide_spaces(character_set set) noexcept {
    static constexpr std::string_view in_utf8[] = {
        "\xC2\xA0",     "\xE1\x9A\x80", "\xE1\xA0\x8E", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
        "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88",
        "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\x8B", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
        "\xE2\x81\x9F", "\xE2\x81\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF"};
    static constexpr std::string_view in_one_byte[] = {"\xA0"};
    static constexpr std::string_view in_euc[] = {"\xA1\xA1"};
    switch (set) {
    case character_set::utf8:
        return in_utf8;
    case character_set::iso_8859:
    case character_set::windows:
        return in_one_byte;
    case character_set::euc:
        return in_euc;
    default:
        return {};
    }
}

bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }

// Bytes of the whitespace character that the text begins with, 0 if it begins with something else.
std::size_t leading_space(std::string_view s) noexcept {
    if (s.empty())
        return 0;
    if (is_ascii(s[0]))
        return is_ascii_space(s[0]) ? 1 : 0;
    for (const std::string_view space : wide_spaces(host.set()))
        if (s.starts_with(space))
            return space.size();
    return 0;
}

// The same at its end.
std::size_t trailing_space(std::string_view s) noexcept {
    if (s.empty())
        return 0;
    if (is_ascii(s.back()))
        return is_ascii_space(s.back()) ? 1 : 0;
    for (const std::string_view space : wide_spaces(host.set()))
        if (s.ends_with(space))
            return space.size();
    return 0;
}

} // namespace

void use_text_host(const text_host &other) noexcept { host = other; }

std::string_view beginning_of(std::string_view s, std::size_t room) noexcept {
    return s.size() <= room ? s : s.substr(0, host.whole_characters(s, room));
}

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
    if (byte < 0x80)
        return 0;
    const auto is_c1 = [&s](std::size_t at) {
        return at < s.size() && (static_cast<unsigned char>(s[at]) & 0xE0) == 0x80;
    };
    const character_set set = host.set();
    if (set == character_set::utf8 && byte == 0xC2 && is_c1(i + 1))
        return 2;
    if (set == character_set::iso_8859 && is_c1(i))
        return 1;
    return 0;
}

} // namespace

bool has_control_character(std::string_view s) noexcept {
    const auto is_printable_ascii = [](char c) { return static_cast<unsigned char>(c - ' ') < 0x7F - ' '; };
    if (std::ranges::all_of(s, is_printable_ascii)) // nearly all texts, each checked at every call
        return false;
    for (std::size_t i = 0; i < s.size(); ++i)
        if (control_at(s, i) != 0)
            return true;
    return false;
}

std::string without_control_characters(std::string_view s) {
    std::string text;
    bool in_run = false;
    for (std::size_t i = 0, size = 0; i < s.size(); i += std::max<std::size_t>(size, 1)) {
        size = control_at(s, i);
        if (size == 0 || !in_run)
            text += size == 0 ? s[i] : ' ';
        in_run = size != 0;
    }
    return text;
}

} // namespace mega::core
