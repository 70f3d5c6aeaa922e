// Cuts a URL into parts, and decodes them.
#include "url_parts.hpp"

namespace mega::core {

namespace {

constexpr byte_set scheme_ends(":/?#");
constexpr byte_set authority_ends("/?#");
constexpr byte_set separators("&;\\");
constexpr byte_set end_punctuation_set(end_punctuation);
constexpr std::string_view escaped_ampersand = "\\u0026";

} // namespace

url_parts split_url(std::string_view url) noexcept {
    url_parts parts;
    const std::size_t colon = scheme_ends.find(url);
    std::string_view rest = url;
    if (colon < url.size() && url[colon] == ':') {
        parts.scheme = url.substr(0, colon);
        rest.remove_prefix(colon + 1);
    }
    parts.has_authority = rest.starts_with("//");
    if (parts.has_authority) {
        rest.remove_prefix(2);
        parts.authority = rest.substr(0, authority_ends.find(rest));
        rest.remove_prefix(parts.authority.size());
    }
    parts.tail = rest;
    const std::string_view here = before_fragment(parts);
    const std::size_t mark = here.find('?');
    parts.path = here.substr(0, mark);
    if (mark != std::string_view::npos)
        parts.query = here.substr(mark + 1);
    return parts;
}

scheme_mark find_scheme(std::string_view text, std::size_t from) noexcept {
    constexpr std::string_view mark = "://";
    for (std::size_t at = text.find(mark, from); at != std::string_view::npos; at = text.find(mark, at + 1)) {
        const std::string_view before = text.substr(from, at - from);
        for (std::string_view scheme : {std::string_view("https"), std::string_view("http")}) {
            if (before.size() < scheme.size())
                continue;
            if (equal_ignoring_case(before.substr(before.size() - scheme.size()), scheme))
                return {at - scheme.size(), at + mark.size()};
        }
    }
    return {};
}

std::string_view before_fragment(const url_parts &parts) noexcept { return parts.tail.substr(0, parts.tail.find('#')); }

std::optional<std::string_view> userinfo_of(std::string_view authority) noexcept {
    const std::size_t at = authority.rfind('@');
    if (at == std::string_view::npos)
        return std::nullopt;
    return authority.substr(0, at);
}

std::size_t find_separator(std::string_view query) noexcept {
    for (std::size_t at = separators.find(query); at < query.size(); at = separators.find(query, at + 1))
        if (query[at] != '\\' || query.substr(at).starts_with(escaped_ampersand))
            return at;
    return std::string_view::npos;
}

std::optional<query_parameter> take_parameter(std::string_view &query) noexcept {
    if (query.empty())
        return std::nullopt;
    const std::string_view whole = query.substr(0, find_separator(query));
    query.remove_prefix(whole.size());
    if (!query.empty())
        query.remove_prefix(query[0] == '\\' ? escaped_ampersand.size() : 1);
    const std::size_t equals = whole.find('=');
    if (equals == std::string_view::npos)
        return query_parameter{whole, whole.substr(whole.size())};
    return query_parameter{whole.substr(0, equals), whole.substr(equals + 1)};
}

std::optional<std::string_view> decode_name(std::string_view written, name_buffer &buffer) noexcept {
    if (written.find('%') == std::string_view::npos)
        return written.size() > buffer.size() ? std::nullopt : std::optional(written);
    std::size_t size = 0;
    for (percent_reader text(written); !text.done(); text.skip()) {
        if (size == buffer.size())
            return std::nullopt;
        buffer[size++] = text.peek();
    }
    return std::string_view(buffer.data(), size);
}

std::string_view drop_end_punctuation(std::string_view s) noexcept {
    while (!s.empty() && end_punctuation_set.has(s.back()))
        s.remove_suffix(1);
    return s;
}

} // namespace mega::core
