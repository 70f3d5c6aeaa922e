// Finds signed tokens (JWT) and tells whether they end.
#include "json_web_token.hpp"

#include <cstdint>

#include "ascii.hpp"
#include "url_parts.hpp"

namespace mega::core {

namespace {

// The value of a base64url digit, -1 for any other character.
int base64url_value(char c) noexcept {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

// Reads a JSON object byte by byte and tells whether it has a member exp of its own, not of an object inside it.
class exp_finder {
public:
    void feed(char c) noexcept {
        if (in_string_)
            return feed_string(c);
        if (is_ascii_space(c))
            return;
        if (depth_ == 0) { // before the object, or behind it
            broken_ = broken_ || c != '{' || closed_;
            depth_ = 1;
            at_key_ = true;
            return;
        }
        switch (c) {
        case '"':
            in_string_ = true;
            length_ = matched_ = 0;
            break;
        case '{':
        case '[':
            ++depth_;
            break;
        case '}':
        case ']':
            closed_ = --depth_ == 0;
            break;
        case ':':
            found_ = found_ || (at_key_ && length_ == name.size() && matched_ == name.size());
            at_key_ = false; // until the next comma of the object itself
            break;
        case ',':
            at_key_ = at_key_ || depth_ == 1;
            break;
        default:
            break;
        }
    }

    bool found() const noexcept { return found_ && closed_ && !broken_; }

private:
    static constexpr std::string_view name = "exp";

    void feed_string(char c) noexcept {
        if (!escaped_ && c == '"') {
            in_string_ = false;
            return;
        }
        escaped_ = !escaped_ && c == '\\';
        if (length_ < name.size() && length_ == matched_ && c == name[length_])
            ++matched_;
        ++length_;
    }

    std::size_t depth_ = 0;
    std::size_t length_ = 0;  // of the last string
    std::size_t matched_ = 0; // how much of it agrees with the name
    bool at_key_ = false;
    bool in_string_ = false;
    bool escaped_ = false;
    bool found_ = false;
    bool closed_ = false;
    bool broken_ = false;
};

bool is_token_character(char c) noexcept { return c == '.' || base64url_value(c) >= 0; }

// '{' in base64 is an e, and a letter from w to z that begins the next byte.
bool begins_object(percent_reader text) noexcept {
    if (text.done() || text.peek() != 'e')
        return false;
    text.skip();
    return !text.done() && text.peek() >= 'w' && text.peek() <= 'z';
}

// Reads one run of token characters to its end: a token, if its first three words are there.
std::optional<web_token> read_token(percent_reader &text, std::string_view whole) noexcept {
    const std::size_t begin = text.at();
    std::size_t dots = 0, length = 0;
    bool empty_word = false, has_third = false;
    std::uint32_t bits = 0;
    int bit_count = 0;
    exp_finder payload;
    for (; !text.done() && is_token_character(text.peek()); text.skip()) {
        const char c = text.peek();
        if (c == '.') {
            empty_word = empty_word || (dots < 2 && length == 0);
            ++dots;
            length = 0;
            continue;
        }
        ++length;
        has_third = has_third || dots == 2;
        if (dots != 1)
            continue;
        bits = (bits << 6) | static_cast<std::uint32_t>(base64url_value(c));
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            payload.feed(static_cast<char>((bits >> bit_count) & 0xFF));
        }
    }
    if (!has_third || empty_word)
        return std::nullopt;
    return web_token{whole.substr(begin, text.at() - begin), payload.found()};
}

} // namespace

std::optional<web_token> token_scanner::next() noexcept {
    percent_reader text(text_);
    bool inside = false; // behind another token character
    while (!text.done()) {
        if (!inside && begins_object(text)) {
            const auto token = read_token(text, text_);
            if (token) {
                text_.remove_prefix(text.at());
                return token;
            }
            continue;
        }
        inside = is_token_character(text.peek());
        text.skip();
    }
    text_ = {};
    return std::nullopt;
}

} // namespace mega::core
