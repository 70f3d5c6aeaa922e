// The URLs inside a longer text: scan lines, notes, provider payloads (I10).
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <vector>

#include "ascii.hpp"
#include "permanent_url.hpp"
#include "url_parts.hpp"
#include "url_signature.hpp"

namespace mega::core {

namespace {

constexpr std::string_view openers = "([{";
constexpr std::string_view closers = ")]}";

constexpr byte_set ends(" \t\n\v\f\r\"<>");
constexpr byte_set ends_in_quotes(" \t\n\v\f\r\"<>'");
constexpr byte_set ends_in_backquotes(" \t\n\v\f\r\"<>`");
constexpr byte_set ends_of_lines("\t\n\v\f\r\"<>");

// How far a URL reaches in the text, if `quote` stands before it.
std::size_t find_end(std::string_view text, char quote) noexcept {
    if (quote == '\'')
        return ends_in_quotes.find(text);
    return (quote == '`' ? ends_in_backquotes : ends).find(text);
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

// How far a URL whose scheme and "://" are cut off reaches if the blank at its end is one of its path's that nobody
// encoded: a query stands behind it in the same line, and no other URL begins before. 0 if it cannot be.
std::size_t find_end_behind_blanks(std::string_view rest, std::size_t end, char quote) noexcept {
    const std::string_view head = rest.substr(0, end);
    if (end >= rest.size() || rest[end] != ' ' || head.find('/') == std::string_view::npos ||
        head.find_first_of("?#") != std::string_view::npos)
        return 0;
    std::string_view line = rest.substr(end, find_scheme(rest, end).begin - end);
    line = line.substr(0, ends_of_lines.find(line));
    const std::size_t mark = line.find_first_of("?#");
    if (mark == std::string_view::npos || line[mark] == '#')
        return 0;
    return end + mark + find_end(line.substr(mark), quote);
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
        const std::string_view rest = text_.substr(mark.end, end - mark.end);
        const std::size_t length = find_end(rest, quote);
        const std::string_view whole = text_.substr(mark.begin, mark.end - mark.begin + length);
        if (!nested) {
            outer_end_ = mark.end + length;
            const std::string_view query = split_url(whole).query;
            query_begin_ = query.empty() ? 0 : static_cast<std::size_t>(query.data() - text_.data());
            query_end_ = query_begin_ + query.size();
        }

        const std::string_view url = drop_unbalanced_end(whole);
        if (url.size() <= mark.end - mark.begin)
            continue;
        const std::size_t longer = find_end_behind_blanks(rest, length, quote);
        return found{url,
                     longer == 0 ? std::string_view()
                                 : drop_unbalanced_end(text_.substr(mark.begin, mark.end - mark.begin + longer)),
                     mark.begin};
    }
}

namespace {

// The byte of printable ASCII that an escape of JSON stands for, behind its backslash: `/` or `u` and four digits.
struct escape {
    char meant;
    std::size_t size;
};
std::optional<escape> read_escape(std::string_view text) noexcept {
    if (text.starts_with('/'))
        return escape{'/', 1};
    if (!text.starts_with("u00") || text.size() < 5)
        return std::nullopt;
    int code = 0;
    const auto [end, fault] = std::from_chars(text.data() + 3, text.data() + 5, code, 16);
    if (fault != std::errc() || end != text.data() + 5 || code < ' ' || code > '~')
        return std::nullopt;
    return escape{static_cast<char>(code), 5};
}

// What a text means that is JSON itself, or a part of it: many a writer of JSON escapes slashes and ampersands.
struct unescaped {
    std::string text;
    std::vector<std::size_t> places; // where its bytes begin in the other, and where that ends
};

// nullopt when nothing is escaped. However deep JSON stands in JSON, the backslashes in front of an escape are its own.
std::optional<unescaped> unescape(std::string_view text) {
    unescaped plain;
    std::size_t at = 0; // what comes behind is not copied yet
    const auto copy_to = [&](std::size_t end) {
        for (; at < end; ++at) {
            plain.text += text[at];
            plain.places.push_back(at);
        }
    };
    for (std::size_t first = text.find('\\'); first != std::string_view::npos; first = text.find('\\', first)) {
        const std::size_t behind = std::min(text.find_first_not_of('\\', first), text.size());
        if (const auto found = read_escape(text.substr(behind))) {
            copy_to(first);
            plain.text += found->meant;
            plain.places.push_back(first);
            at = behind + found->size;
        }
        first = std::max(behind, at);
    }
    if (at == 0)
        return std::nullopt;
    copy_to(text.size());
    plain.places.push_back(text.size());
    return plain;
}

// A text that begins with a URL which leaves out its scheme, or its host too, as signing services give them; up to the
// first blank. Empty where it does not.
std::string_view relative_url(std::string_view text) noexcept {
    constexpr std::string_view slashes = "//";
    if (!text.starts_with('/'))
        return {};
    const std::string_view url = text.substr(0, ends.find(text));
    if (!url.starts_with(slashes))
        return url;
    const std::string_view host = split_url(url).authority; // a remark may begin so, and name somebody's address
    return host.empty() || userinfo_of(host) ? std::string_view() : url;
}

} // namespace

bool may_hold_url(std::string_view text) noexcept {
    return text.starts_with('/') || text.find("://") != std::string_view::npos ||
           text.find("\\/") != std::string_view::npos || text.find("\\u00") != std::string_view::npos;
}

std::optional<std::string> without_escapes(std::string_view text) {
    auto plain = unescape(text);
    return plain ? std::optional(std::move(plain->text)) : std::nullopt;
}

bool has_expiring_url(std::string_view text) {
    const auto expires = [](std::string_view one) {
        if (find_signature(relative_url(one)))
            return true;
        url_scanner scanner(one);
        while (const auto found = scanner.next())
            if (find_signature(found->url) || find_signature(found->with_blanks))
                return true;
        return false;
    };
    if (expires(text))
        return true;
    const auto plain = without_escapes(text);
    return plain && expires(*plain);
}

namespace {

// In the order of the text; what overlaps is one.
std::vector<text_span> disjoint(std::vector<text_span> spans) {
    std::sort(spans.begin(), spans.end(), [](const text_span &a, const text_span &b) { return a.begin < b.begin; });
    std::vector<text_span> joined;
    for (const text_span &span : spans)
        if (joined.empty() || span.begin >= joined.back().end)
            joined.push_back(span);
        else
            joined.back().end = std::max(joined.back().end, span.end);
    return joined;
}

std::vector<text_span> find_all_secrets(std::string_view text) {
    std::vector<text_span> spans;
    find_secrets(relative_url(text), spans);
    url_scanner scanner(text);
    while (const auto found = scanner.next())
        find_secrets_of(*found, spans, find_secrets);
    return spans;
}

// The text without these spans and its secrets, as it stands and as JSON means it.
std::optional<std::string> redact_once(std::string_view text, std::vector<text_span> spans) {
    for (const text_span &span : find_all_secrets(text))
        spans.push_back(span);
    if (const auto plain = unescape(text))
        for (const text_span &span : find_all_secrets(plain->text))
            spans.push_back({plain->places[span.begin], plain->places[span.end]});
    if (spans.empty())
        return std::nullopt;

    std::string result;
    result.reserve(text.size());
    std::size_t copied = 0;
    for (const text_span &span : disjoint(std::move(spans))) {
        result.append(text, copied, span.begin - copied);
        result += redacted;
        copied = span.end;
    }
    result.append(text, copied);
    return result;
}

// What was cut may have hidden another secret, from what encloses it or from the other reading of escapes. Nobody's
// text needs more than two turns; what is made to need more than a few says nothing worth keeping.
std::optional<std::string> redact_all(std::string_view text, std::vector<text_span> spans) {
    constexpr int most_turns = 8;
    std::optional<std::string> result = redact_once(text, std::move(spans));
    for (int turn = 1; result; ++turn) {
        auto more = redact_once(*result, {});
        if (!more)
            break;
        result = turn < most_turns ? std::move(more) : std::string(redacted);
    }
    return result;
}

} // namespace

std::optional<std::string> redact_urls(std::string_view text) {
    return may_hold_url(text) ? redact_all(text, {}) : std::nullopt;
}

std::string redact_url(std::string_view url) {
    std::vector<text_span> spans;
    find_secrets(url, spans);
    return redact_all(url, std::move(spans)).value_or(std::string(url));
}

} // namespace mega::core
