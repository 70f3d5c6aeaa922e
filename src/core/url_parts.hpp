// A URL cut into parts by its punctuation alone, whether or not it is well formed: what check_url and the search in
// texts look at must be the same.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mega::core {

struct url_parts {
    std::string_view scheme;    // without the colon; empty if there is none
    std::string_view authority; // between "//" and the next '/', '?', '#' or the end
    std::string_view tail;      // everything behind the authority
    std::string_view query;     // between the first '?' and '#' of the tail
    bool has_authority = false; // "//" was there
};

// Views into the URL's bytes. Never raises.
url_parts split_url(std::string_view url) noexcept;

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

// The first parameter of the query whose name, percent-decoded and without case, is one that storage services sign
// with; nullopt if there is none. Never raises.
std::optional<query_parameter> find_signing_parameter(std::string_view query) noexcept;

// The name of a signing parameter percent-decoded, in its own letter case. Raises std::bad_alloc only.
std::string decoded_name(std::string_view written_name);

// True when the value of a parameter written so opens the resource: a signature, a policy or a token. Never raises.
bool is_secret_parameter(std::string_view written_name) noexcept;

} // namespace mega::core
