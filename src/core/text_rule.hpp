// What may stand in a text that is an id, a reference, a reason or an e-mail address.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mega::core {

enum class text_fault { none, blank, too_long, control_character };

inline constexpr std::size_t max_id_bytes = 512;

// Takes UTF-8 text as it would be stored (untrimmed); returns the first fault in the order blank, too_long,
// control_character, or none. Never raises.
text_fault check_text(std::string_view s) noexcept;

// The text without ASCII whitespace at either end, a view into the same bytes.
std::string_view trim(std::string_view s) noexcept;

// The text without whitespace of any kind at either end: ASCII's, Unicode's (U+00A0, U+202F, U+3000 …) and the
// characters without width (U+200B, U+2060, U+FEFF). A view into the same bytes.
std::string_view trim_spaces(std::string_view s) noexcept;

// True for '' and for text of nothing but whitespace in the sense of trim_spaces.
bool is_blank(std::string_view s) noexcept;

// True when the first or the last character is whitespace in the sense of is_blank.
bool has_blank_ends(std::string_view s) noexcept;

// True when a C0 control, DEL or a C1 control (U+0080..U+009F as UTF-8) stands anywhere in the text.
bool has_control_character(std::string_view s) noexcept;

// The text with a question mark for each of these. Raises std::bad_alloc only.
std::string without_control_characters(std::string_view s);

} // namespace mega::core
