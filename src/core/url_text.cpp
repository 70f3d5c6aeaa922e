// The URLs inside a longer text: scan lines, notes, provider payloads (I10).
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <vector>

#include "ascii.hpp"
#include "loose_url.hpp"
#include "permanent_url.hpp"
#include "url_parts.hpp"
#include "url_signature.hpp"

namespace mega::core {

namespace {

constexpr std::string_view openers = "([{";
constexpr std::string_view closers = ")]}";

constexpr byte_set ends_in_quotes(" \t\n\v\f\r\"<>'");
constexpr byte_set ends_in_backquotes(" \t\n\v\f\r\"<>`");
constexpr byte_set ends_of_lines("\t\n\v\f\r\"<>");

// How far a URL reaches in the text, if `quote` stands before it.
std::size_t find_end(std::string_view text, char quote) noexcept {
    if (quote == '\'')
        return ends_in_quotes.find(text);
    return (quote == '`' ? ends_in_backquotes : url_ends).find(text);
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
    const std::string_view rest = text_.substr(from, end - from);
    const std::string_view parameter = rest.substr(0, find_separator(rest));
    return parameter.find('?') == std::string_view::npos ? from + parameter.size() : end; // behind '?' they are its own
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

// What an escape stands for, and how long it is with all that is in front of it.
struct escape {
    char meant;
    std::size_t size;
};

constexpr bool may_be_meant(int code) noexcept {
    return (code >= ' ' && code <= '~') || code == '\t' || code == '\n' || code == '\r';
}

// The number that digits of this base say, all of them; -1 for anything else.
int read_code(std::string_view digits, int base) noexcept {
    int code = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
    return fault == std::errc() && end == digits.data() + digits.size() ? code : -1;
}

// JSON's: backslashes, as many as JSON stands in JSON, and `/`, or `u` and four digits.
std::optional<escape> read_json_escape(std::string_view text) noexcept {
    const std::size_t behind = std::min(text.find_first_not_of('\\'), text.size());
    const std::string_view rest = text.substr(behind);
    if (rest.starts_with('/'))
        return escape{'/', behind + 1};
    const int code = rest.starts_with("u00") && rest.size() >= 5 ? read_code(rest.substr(3, 2), 16) : -1;
    return may_be_meant(code) ? std::optional(escape{static_cast<char>(code), behind + 5}) : std::nullopt;
}

// HTML's by number: &#38; or &#x26;, and &amp;#38; where it was escaped again. (By name `&amp;` separates as it is.)
std::optional<escape> read_html_escape(std::string_view text) noexcept {
    constexpr std::string_view again = "amp;";
    constexpr std::size_t most_digits = 6;
    std::size_t at = 1;
    while (text.substr(at).starts_with(again))
        at += again.size();
    if (at >= text.size() || text[at] != '#')
        return std::nullopt;
    const std::string_view rest = text.substr(at + 1, most_digits + 1);
    const std::size_t semicolon = rest.find(';');
    if (semicolon == std::string_view::npos)
        return std::nullopt;
    const bool hex = rest.starts_with('x') || rest.starts_with('X');
    const int code = read_code(rest.substr(hex ? 1 : 0, semicolon - (hex ? 1 : 0)), hex ? 16 : 10);
    return may_be_meant(code) ? std::optional(escape{static_cast<char>(code), at + 1 + semicolon + 1}) : std::nullopt;
}

// What a text means that is JSON or HTML itself, or a part of it: many a writer escapes slashes and ampersands.
struct unescaped {
    std::string text;
    std::vector<std::size_t> places; // where its bytes begin in the other, and where that ends
};

bool may_be_escaped(std::string_view text) noexcept {
    const std::size_t ampersand = text.find('&');
    return text.find("\\/") != std::string_view::npos || text.find("\\u00") != std::string_view::npos ||
           (ampersand != std::string_view::npos && (text.find("&#", ampersand) != std::string_view::npos ||
                                                    text.find("&amp;#", ampersand) != std::string_view::npos));
}

// nullopt when nothing is escaped.
std::optional<unescaped> unescape(std::string_view text) {
    if (!may_be_escaped(text))
        return std::nullopt;
    constexpr byte_set marks("\\&");
    unescaped plain;
    std::size_t at = 0; // what comes behind is not copied yet
    const auto copy_to = [&](std::size_t end) {
        for (; at < end; ++at) {
            plain.text += text[at];
            plain.places.push_back(at);
        }
    };
    for (std::size_t mark = marks.find(text); mark < text.size(); mark = marks.find(text, mark)) {
        const std::string_view rest = text.substr(mark);
        const bool json = rest.starts_with('\\');
        if (const auto found = json ? read_json_escape(rest) : read_html_escape(rest)) {
            copy_to(mark);
            plain.text += found->meant;
            plain.places.push_back(mark);
            mark = at = mark + found->size;
        } else {
            mark += json ? std::min(rest.find_first_not_of('\\'), rest.size()) : 1;
        }
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
    const std::string_view url = text.substr(0, url_ends.find(text));
    if (!url.starts_with(slashes))
        return url;
    const std::string_view host = split_url(url).authority; // a remark may begin so, and name somebody's address
    return host.empty() || userinfo_of(host) ? std::string_view() : url;
}

// Calls f(const url_scanner::found &, bool encoded) for every URL in the text, however it is written, until one is
// true.
template <class F> bool any_url(std::string_view text, F f) {
    if (f({relative_url(text), {}, 0}, false))
        return true;
    bool is_url = false; // as a whole
    url_scanner scanner(text);
    while (const auto found = scanner.next()) {
        if (f(*found, false))
            return true;
        is_url = is_url || found->url.size() == text.size();
    }
    if (is_url)
        return false;
    loose_scanner loose(text);
    while (const auto found = loose.next())
        if (f({found->word, {}, found->offset}, found->encoded))
            return true;
    return false;
}

} // namespace

bool may_hold_url(std::string_view text) noexcept {
    return text.starts_with('/') || text.find("://") != std::string_view::npos || may_be_escaped(text) ||
           may_hold_loose_url(text);
}

std::optional<std::string> without_escapes(std::string_view text) {
    auto plain = unescape(text);
    return plain ? std::optional(std::move(plain->text)) : std::nullopt;
}

bool has_expiring_url(std::string_view text) {
    const auto is_signed = [](const url_scanner::found &one, bool encoded) {
        return encoded ? find_encoded_signature(one.url).has_value()
                       : find_signature(one.url) || find_signature(one.with_blanks);
    };
    if (any_url(text, is_signed))
        return true;
    const auto plain = without_escapes(text);
    return plain && any_url(*plain, is_signed);
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
    any_url(text, [&](const url_scanner::found &one, bool encoded) {
        find_secrets_of(one, spans, encoded ? find_encoded_secrets : find_secrets);
        return false;
    });
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
