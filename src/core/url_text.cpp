// The URLs inside a longer text: scan lines, notes, provider payloads (I10).
#include <algorithm>
#include <cstddef>
#include <vector>

#include "ascii.hpp"
#include "permanent_url.hpp"
#include "url_parts.hpp"

namespace mega::core {

namespace {

constexpr std::string_view redacted = "REDACTED";
constexpr std::string_view openers = "([{";
constexpr std::string_view closers = ")]}";
constexpr std::string_view end_punctuation = ",.;:!?'`\\)]}";

// How far a URL reaches in the text, if `quote` stands before it.
std::size_t find_end(std::string_view text, char quote) noexcept {
    const bool quoted = quote == '\'' || quote == '`';
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        const char c = text[end];
        if (is_ascii_space(c) || c == '"' || c == '<' || c == '>' || (quoted && c == quote))
            break;
    }
    return end;
}

struct scheme_mark {
    std::size_t begin = std::string_view::npos; // of the scheme
    std::size_t end = std::string_view::npos;   // behind the "://"
};

// The next http:// or https:// that begins at or behind `from`; npos if there is none.
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

std::string_view drop_end_punctuation(std::string_view s) noexcept {
    const std::size_t last = s.find_last_not_of(end_punctuation);
    return s.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// Drops punctuation at the end, but keeps a closing bracket that was opened inside.
std::string_view drop_unbalanced_end(std::string_view url) noexcept {
    if (drop_end_punctuation(url).size() == url.size())
        return url;
    std::ptrdiff_t spare[closers.size()] = {}; // by kind of bracket: how many openers have no closer
    for (char c : url) {
        if (const auto kind = openers.find(c); kind != std::string_view::npos)
            ++spare[kind];
        if (const auto kind = closers.find(c); kind != std::string_view::npos)
            --spare[kind];
    }
    while (!url.empty() && end_punctuation.find(url.back()) != std::string_view::npos) {
        if (const auto kind = closers.find(url.back()); kind != std::string_view::npos) {
            if (spare[kind] >= 0)
                break;
            ++spare[kind];
        }
        url.remove_suffix(1);
    }
    return url;
}

} // namespace

// Where a URL inside the last outer one ends at the latest. Reading on to the outer end would make a chain of URLs cost
// the square of its length, and reading over the outer's parameters would take them for part of a password.
std::size_t url_scanner::nested_end(std::size_t from) const noexcept {
    const std::size_t end = std::min(outer_end_, find_scheme(text_, from).begin);
    if (from < query_begin_ || from >= query_end_)
        return end;
    const std::string_view parameter = text_.substr(from, end - from);
    return from + parameter.substr(0, find_separator(parameter)).size();
}

std::optional<url_scanner::found> url_scanner::next() noexcept {
    for (;;) {
        const scheme_mark mark = find_scheme(text_, at_);
        if (mark.begin == std::string_view::npos)
            return std::nullopt;
        at_ = mark.end;

        const bool nested = mark.begin < outer_end_;
        const char quote = mark.begin > 0 ? text_[mark.begin - 1] : '\0';
        const std::size_t end = nested ? nested_end(mark.end) : text_.size();
        const std::size_t length = find_end(text_.substr(mark.end, end - mark.end), quote);
        const std::string_view whole = text_.substr(mark.begin, mark.end - mark.begin + length);
        if (!nested) {
            outer_end_ = mark.end + length;
            const std::string_view query = split_url(whole).query;
            query_begin_ = query.empty() ? 0 : static_cast<std::size_t>(query.data() - text_.data());
            query_end_ = query_begin_ + query.size();
        }

        const std::string_view url = drop_unbalanced_end(whole);
        if (url.size() > mark.end - mark.begin)
            return found{url, mark.begin};
    }
}

bool has_expiring_url(std::string_view text) noexcept {
    url_scanner scanner(text);
    while (const auto found = scanner.next()) {
        const url_parts parts = split_url(found->url);
        if (userinfo_of(parts.authority) || find_signing_parameter(parts.query))
            return true;
    }
    return false;
}

namespace {

// The secret parts of the texts' URLs, as views into the text.
class secret_list {
public:
    void add_url(std::string_view url) {
        const url_parts parts = split_url(url);
        if (const auto userinfo = userinfo_of(parts.authority))
            add_userinfo(*userinfo);
        std::string_view query = parts.query;
        while (const auto parameter = take_parameter(query)) {
            // Punctuation at the end of a value may belong to the text around; it is no part of any signature.
            if (is_secret_parameter(parameter->name))
                add(drop_end_punctuation(parameter->value));
        }
    }

    // In the order of the text, none inside another.
    std::vector<std::string_view> take() {
        std::sort(parts_.begin(), parts_.end(), [](std::string_view a, std::string_view b) {
            return a.data() != b.data() ? a.data() < b.data() : a.size() > b.size();
        });
        std::vector<std::string_view> disjoint;
        for (std::string_view part : parts_)
            if (disjoint.empty() || part.data() >= disjoint.back().data() + disjoint.back().size())
                disjoint.push_back(part);
        return disjoint;
    }

private:
    void add_userinfo(std::string_view userinfo) {
        const std::size_t colon = userinfo.find(':');
        const bool has_password = colon != std::string_view::npos && colon + 1 < userinfo.size();
        add(has_password ? userinfo.substr(colon + 1) : userinfo.substr(0, colon));
    }

    void add(std::string_view part) {
        if (!part.empty() && part != redacted)
            parts_.push_back(part);
    }

    std::vector<std::string_view> parts_;
};

} // namespace

std::optional<std::string> redact_urls(std::string_view text) {
    secret_list secrets;
    for_each_url(text, [&](std::string_view url, std::size_t) { secrets.add_url(url); });
    const auto parts = secrets.take();
    if (parts.empty())
        return std::nullopt;

    std::string result;
    result.reserve(text.size());
    const char *copied = text.data();
    for (std::string_view part : parts) {
        result.append(copied, part.data());
        result += redacted;
        copied = part.data() + part.size();
    }
    result.append(copied, text.data() + text.size());
    return result;
}

} // namespace mega::core
