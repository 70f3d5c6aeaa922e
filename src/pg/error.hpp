// What may be thrown on the C++ side of the border. Both throwables are trivially copyable, so that `entry` can carry
// one out of its catch block and raise it where no exception is current any more.
#pragma once

#include "pg/postgres.hpp"

namespace pg {

// A five-character SQLSTATE in Postgres' packed form, checked while compiling.
struct sql_state {
    int code;

    consteval sql_state(const char (&text)[6]) : code(MAKE_SQLSTATE(text[0], text[1], text[2], text[3], text[4])) {}

    bool operator==(const sql_state &) const = default;
};

// The encoding that a message has to be text of. A database in SQL_ASCII knows no characters: the client does, who has
// to be able to read them.
inline int encoding_of_messages() noexcept {
    return GetDatabaseEncoding() == PG_SQL_ASCII ? pg_get_client_encoding() : GetDatabaseEncoding();
}

// How many bytes of the text are whole characters and no more than `room`.
inline std::size_t whole_characters(std::string_view text, std::size_t room) noexcept {
    if (text.size() <= room)
        return text.size();
    const int size = static_cast<int>(std::min(text.size(), room + MAX_MULTIBYTE_CHAR_LEN)); // no need to see more
    return static_cast<std::size_t>(
        pg_encoding_mbcliplen(encoding_of_messages(), text.data(), size, static_cast<int>(room)));
}

// Text of bounded length kept in place: an error must not need memory. What does not fit is cut at a character's end.
template <std::size_t Capacity> class fixed_text {
public:
    constexpr fixed_text() = default;

    fixed_text(std::string_view text) noexcept {
        length_ = whole_characters(text, Capacity);
        std::memcpy(bytes_.data(), text.data(), length_);
        bytes_[length_] = '\0';
    }

    fixed_text(const std::string &text) noexcept : fixed_text(std::string_view(text)) {}
    fixed_text(const char *text) noexcept : fixed_text(std::string_view(text)) {}

    bool empty() const noexcept { return length_ == 0; }
    const char *c_str() const noexcept { return bytes_.data(); }

private:
    std::array<char, Capacity + 1> bytes_{};
    std::size_t length_ = 0;
};

// A Postgres error in flight; data lives in the memory context that was current where the error was caught.
// data is null when there was no memory left to copy the error.
struct pg_error {
    ErrorData *data;
};

// An error of ours: one sentence, the values, what to do.
struct sql_error {
    sql_state state;
    fixed_text<1000> message;
    fixed_text<1500> detail;
    fixed_text<600> hint;
};

static_assert(std::is_trivially_copyable_v<pg_error> && std::is_trivially_copyable_v<sql_error>);

// A value as it stands in an error message: quoted, cut after 100 bytes at a character's end. What is no text of the
// database (a part of a URL, say, once it is percent-decoded) is shown with question marks.
inline std::string quoted(std::string_view value) {
    const fixed_text<100> head(value);
    std::string shown = head.c_str();
    if (!pg_verify_mbstr(encoding_of_messages(), shown.data(), static_cast<int>(shown.size()), true))
        std::ranges::replace_if(
            shown, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
    return "\"" + shown + (shown.size() < value.size() ? "...\"" : "\"");
}

} // namespace pg
