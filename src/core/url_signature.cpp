// Whether a URL opens something for a while (I10): by its parameters, its path, its host, or a URL inside it.
#include "url_signature.hpp"

#include <string>
#include <utility>

#include "json_web_token.hpp"
#include "loose_url.hpp"
#include "permanent_url.hpp"
#include "url_families.hpp"
#include "url_parts.hpp"

namespace mega::core {

namespace {

constexpr int max_depth = 2;

bool holds_encoded(std::string_view text, std::string_view wanted) noexcept {
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
        if (equal_ignoring_case(text.substr(at + 1, wanted.size()), wanted))
            return true;
    return false;
}

// True when a URL may stand in the text percent-encoded, once or more: https%3A//, https:%2F%2F, https%253A; or its
// '?'.
bool may_hold_encoded_url(std::string_view text) noexcept {
    bool mark = false;
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
        const std::string_view code = text.substr(at + 1, 2);
        if (code == "25" || equal_ignoring_case(code, "3a"))
            return true;
        mark = mark || equal_ignoring_case(code, "2f") || equal_ignoring_case(code, "3f");
    }
    return mark && text.find(':') != std::string_view::npos;
}

// What is encoded in a URL: a part of its path, in which a URL has its scheme, or the value of a parameter, in which it
// may have none, as proxies of images take it.
enum class place { path, value };

bool may_hold_encoded_url(std::string_view text, place where) noexcept {
    return may_hold_encoded_url(text) || (where == place::value && holds_encoded(text, "3f"));
}

// A text with its percent-encoding taken off, and where each character came from.
struct decoded_text {
    explicit decoded_text(std::string_view written) {
        text.reserve(written.size());
        origin.reserve(written.size() + 1);
        percent_reader reader(written);
        for (; !reader.done(); reader.skip()) {
            text += reader.peek();
            origin.push_back(reader.at());
        }
        origin.push_back(reader.at());
    }

    std::string text;
    std::vector<std::size_t> origin;
};

// Calls f(std::string_view part, place) for the path and for the value of each parameter that may hold an encoded URL.
template <class F> bool any_encoded(const url_parts &parts, F f) {
    if (parts.tail.find('%') == std::string_view::npos)
        return false;
    if (may_hold_encoded_url(parts.path, place::path) && f(parts.path, place::path))
        return true;
    std::string_view query = parts.query;
    while (const auto parameter = take_parameter(query))
        if (may_hold_encoded_url(parameter->value, place::value) && f(parameter->value, place::value))
            return true;
    return false;
}

// Calls f(std::string_view segment) for the segments of the path that have parameters in them.
template <class F> bool any_segment(std::string_view path, F f) {
    if (path.find('=') == std::string_view::npos)
        return false;
    while (!path.empty()) {
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment.find('=') != std::string_view::npos && f(segment))
            return true;
        path.remove_prefix(std::min(segment.size() + 1, path.size()));
    }
    return false;
}

// Where a token may stand: nowhere when there are not two dots, as in most URLs.
std::string_view token_text(const url_parts &parts) noexcept {
    const std::string_view text = before_fragment(parts);
    const std::size_t dot = text.find('.');
    const bool two_dots = dot != std::string_view::npos && text.find('.', dot + 1) != std::string_view::npos;
    return two_dots || holds_encoded(text, "2e") ? text : std::string_view();
}

// A token that expires, or any on a host that tokens open.
bool opens(const web_token &token, const url_parts &parts) noexcept {
    return token.expires ||
           (is_stream_host(parts.authority) && token.text.data() < parts.path.data() + parts.path.size());
}

// What was decoded may go on with parameters of what it stood in: they are no part of a password.
std::optional<std::string_view> credentials_in(const url_parts &parts, int depth) noexcept {
    const auto userinfo = userinfo_of(parts.authority);
    const bool has_more = depth > 0 && userinfo && userinfo->find_first_of("&;,") != std::string_view::npos;
    return has_more ? std::nullopt : userinfo;
}

std::optional<url_signature> find_signature(std::string_view url, int depth);

// Calls f(const url_scanner::found &) for the URLs in a text that was decoded, until one is true; `any` tells whether
// one had its scheme.
template <class F> bool any_decoded(std::string_view text, place where, bool &any, F f) {
    url_scanner scanner(text);
    while (const auto found = scanner.next()) {
        any = true;
        if (f(*found))
            return true;
    }
    loose_scanner loose(where == place::value ? text : std::string_view());
    while (const auto found = loose.next())
        if (!found->encoded && f({found->word, {}, found->offset}))
            return true;
    return false;
}

std::optional<url_signature> find_in_encoded(std::string_view value, place where, int depth) {
    const decoded_text decoded(value);
    std::optional<url_signature> signature;
    bool any = false;
    any_decoded(decoded.text, where, any, [&](const url_scanner::found &found) {
        for (const std::string_view form : {found.url, found.with_blanks})
            if (!signature)
                signature = find_signature(form, depth);
        return signature.has_value();
    });
    if (!any && !signature && depth < max_depth && may_hold_encoded_url(decoded.text, where))
        return find_in_encoded(decoded.text, where, depth + 1);
    return signature;
}

std::optional<url_signature> find_signature(std::string_view url, int depth) {
    using kind = url_signature::kind;
    const url_parts parts = split_url(url);
    if (credentials_in(parts, depth))
        return url_signature{kind::credentials, {}, {}, depth > 0};

    std::optional<url_signature> found;
    const auto matched = [&](const family_match &match) {
        if (match.any())
            found = url_signature{kind::family, match.family(), match.parameter(), depth > 0};
        return match.any();
    };
    if (!parts.query.empty() && matched(family_match::of_query(parts)))
        return found;
    if (any_segment(parts.path, [&](std::string_view segment) { return matched(family_match::of_segment(segment)); }))
        return found;

    token_scanner tokens(token_text(parts));
    while (const auto token = tokens.next())
        if (opens(*token, parts))
            return url_signature{kind::token, {}, {}, depth > 0};

    if (depth < max_depth)
        any_encoded(parts, [&](std::string_view part, place where) {
            found = find_in_encoded(part, where, depth + 1);
            return found.has_value();
        });
    return found;
}

// Finds the secrets of one URL, as offsets into it.
class secret_search {
public:
    secret_search(std::string_view url, int depth, std::vector<text_span> &spans)
        : url_(url), depth_(depth), spans_(spans) {}

    void run() {
        const url_parts parts = split_url(url_);
        if (const auto userinfo = credentials_in(parts, depth_))
            add_userinfo(*userinfo);
        add_parameters(parts.query, family_match::of_query(parts));
        any_segment(parts.path, [&](std::string_view segment) {
            add_parameters(segment, family_match::of_segment(segment));
            return false;
        });
        token_scanner tokens(token_text(parts));
        while (const auto token = tokens.next())
            if (opens(*token, parts))
                add(drop_end_punctuation(token->text));
        if (depth_ < max_depth)
            any_encoded(parts, [&](std::string_view part, place where) {
                add_encoded(part, where, depth_ + 1);
                return false;
            });
    }

private:
    std::size_t offset_of(std::string_view part) const noexcept {
        return static_cast<std::size_t>(part.data() - url_.data());
    }

    void add(std::string_view part) {
        if (!part.empty() && part != redacted)
            spans_.push_back({offset_of(part), offset_of(part) + part.size()});
    }

    void add_userinfo(std::string_view userinfo) {
        const std::size_t colon = userinfo.find(':');
        const bool has_password = colon != std::string_view::npos && colon + 1 < userinfo.size();
        add(has_password ? userinfo.substr(colon + 1) : userinfo.substr(0, colon));
    }

    void add_parameters(std::string_view query, const family_match &match) {
        if (!match.any())
            return;
        while (const auto parameter = take_parameter(query))
            if (match.is_secret(*parameter))
                add(drop_end_punctuation(without_next_url(parameter->value)));
    }

    // Punctuation at the end of a value, and a URL that was joined to it, belong to the text around: neither is part of
    // any signature.
    static std::string_view without_next_url(std::string_view value) noexcept {
        const std::size_t next = find_scheme(value, 0).begin;
        return next == 0 ? value : value.substr(0, next);
    }

    // The secrets of the URLs in a text that stands encoded in this URL, brought to where they came from.
    void add_encoded(std::string_view part, place where, int depth) {
        for (const text_span &span : secrets_in_encoded(part, where, depth))
            spans_.push_back({offset_of(part) + span.begin, offset_of(part) + span.end});
    }

public:
    static std::vector<text_span> secrets_in_encoded(std::string_view value, place where, int depth) {
        const decoded_text decoded(value);
        std::vector<text_span> spans;
        bool any = false;
        any_decoded(decoded.text, where, any, [&](const url_scanner::found &found) {
            find_secrets_of(found, spans, [depth](std::string_view url, std::vector<text_span> &some) {
                secret_search(url, depth, some).run();
            });
            return false;
        });
        if (!any && spans.empty() && depth < max_depth && may_hold_encoded_url(decoded.text, where))
            spans = secrets_in_encoded(decoded.text, where, depth + 1);
        for (text_span &span : spans)
            span = {decoded.origin[span.begin], decoded.origin[span.end]};
        return spans;
    }

private:
    std::string_view url_;
    int depth_;
    std::vector<text_span> &spans_;
};

} // namespace

std::optional<url_signature> find_signature(std::string_view url) { return find_signature(url, 0); }

std::optional<url_signature> find_encoded_signature(std::string_view text) {
    return find_in_encoded(text, place::path, 1);
}

void find_secrets(std::string_view url, std::vector<text_span> &spans) { secret_search(url, 0, spans).run(); }

void find_encoded_secrets(std::string_view text, std::vector<text_span> &spans) {
    for (const text_span &span : secret_search::secrets_in_encoded(text, place::path, 1))
        spans.push_back(span);
}

} // namespace mega::core
