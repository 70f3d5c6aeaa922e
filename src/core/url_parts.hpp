// A URL cut into parts by its punctuation alone, whether or not it is well formed: what check_url and the search in
// texts look at must be the same.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ascii.hpp"

namespace mega::core {

constexpr bool is_percent_triple(std::string_view s) noexcept {
    return s.size() >= 3 && s[0] == '%' && hex_value(s[1]) >= 0 && hex_value(s[2]) >= 0;
}

// Reads a text with its percent-encoding taken off, character by character. A '%' without two hexadecimal digits stands
// for itself.
class percent_reader {
public:
    explicit constexpr percent_reader(std::string_view text) noexcept : text_(text) {}

    constexpr bool done() const noexcept { return at_ == text_.size(); }
    constexpr std::size_t at() const noexcept { return at_; } // in the text as written
    constexpr char peek() const noexcept {
        return is_triple() ? static_cast<char>(hex_value(text_[at_ + 1]) * 16 + hex_value(text_[at_ + 2])) : text_[at_];
    }
    constexpr void skip() noexcept { at_ += is_triple() ? 3 : 1; }

private:
    constexpr bool is_triple() const noexcept { return text_[at_] == '%' && is_percent_triple(text_.substr(at_)); }

    std::string_view text_;
    std::size_t at_ = 0;
};

struct url_parts {
    std::string_view scheme;    // without the colon; empty if there is none
    std::string_view authority; // between "//" and the next '/', '?', '#' or the end
    std::string_view tail;      // everything behind the authority
    std::string_view path;      // the tail up to the first '?' or '#'
    std::string_view query;     // between the first '?' and '#' of the tail
    bool has_authority = false; // "//" was there
};

struct scheme_mark {
    std::size_t begin = std::string_view::npos; // of the scheme
    std::size_t end = std::string_view::npos;   // behind the "://"
};

// The next http:// or https:// that begins at or behind `from`; npos if there is none. Never raises.
scheme_mark find_scheme(std::string_view text, std::size_t from) noexcept;

// Where in a text a URL ends at the latest.
inline constexpr byte_set url_ends(" \t\n\v\f\r\"<>");

// Views into the URL's bytes. Never raises.
url_parts split_url(std::string_view url) noexcept;

// Path and query: the tail without its fragment. Never raises.
std::string_view before_fragment(const url_parts &parts) noexcept;

// What stands before the last '@' of the authority; nullopt if there is no '@'. Never raises.
std::optional<std::string_view> userinfo_of(std::string_view authority) noexcept;

// Where in the text the first separator of parameters stands: '&', ';' or an '&' that a JSON printer wrote as \u0026
// inside a string inside a document; npos if there is none. Never raises.
std::size_t find_separator(std::string_view query) noexcept;

struct query_parameter {
    std::string_view name;  // as written
    std::string_view value; // as written; empty if there is no '='
};

// Takes the first parameter off the query; nullopt when nothing is left. Never raises.
std::optional<query_parameter> take_parameter(std::string_view &query) noexcept;

// Longer than the name of every parameter that signs: what does not fit is none of them.
using name_buffer = std::array<char, 32>;

// The name of a parameter percent-decoded, a view of itself or of the buffer; a '+' stands for itself, as no name that
// signs has a space. nullopt if it does not fit the buffer. Never raises.
std::optional<std::string_view> decode_name(std::string_view written, name_buffer &buffer) noexcept;

// The text without the punctuation at its end that may belong to the text around. Never raises.
std::string_view drop_end_punctuation(std::string_view s) noexcept;

inline constexpr std::string_view end_punctuation = ",.;:!?'`\\)]}";

} // namespace mega::core
