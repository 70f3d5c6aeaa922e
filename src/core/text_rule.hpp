// What may stand in a text that is an id, a reference, a reason or an e-mail address.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mega::core {

// Which bytes above ASCII mean something to these rules. C1 controls and blanks that are no ASCII are written
// differently in each encoding of a server; no byte of a longer character is ASCII in any of them.
enum class character_set {
    utf8,     // C1 controls and U+00A0 in two bytes, U+3000 in three
    iso_8859, // C1 controls and the no-break space in one byte
    windows,  // the no-break space in one byte; what is a C1 control elsewhere is text
    euc,      // the ideographic space in two bytes
    other     // nothing but ASCII
};

// What the rules ask the place where the texts stand: their character set, only for bytes above ASCII; and how many
// bytes of a text are whole characters and no more than `room`.
struct text_host {
    character_set (*set)() noexcept;
    std::size_t (*whole_characters)(std::string_view s, std::size_t room) noexcept;
};

// Until this is called texts are UTF-8.
void use_text_host(const text_host &host) noexcept;

// The beginning of a text that is whole characters and at most `room` bytes long.
std::string_view beginning_of(std::string_view s, std::size_t room) noexcept;

enum class text_fault { none, blank, too_long, control_character };

inline constexpr std::size_t max_id_bytes = 512;

// Takes text as it would be stored (untrimmed); returns the first fault in the order blank, too_long,
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

// True when a C0 control, DEL or a C1 control (U+0080..U+009F) stands anywhere in the text.
bool has_control_character(std::string_view s) noexcept;

// The text with one blank for each run of these. Raises std::bad_alloc only.
std::string without_control_characters(std::string_view s);

} // namespace mega::core
