// Finds what has the look of a URL without being written as one.
#include "loose_url.hpp"

#include <algorithm>

#include "ascii.hpp"
#include "url_parts.hpp"

namespace mega::core {

namespace {

// What stands before a word, beside what ends a URL.
constexpr byte_set begins(" \t\n\v\f\r\"<>'`([{=,;");
// What ends a word that is encoded: the value of a form.
constexpr byte_set ends_of_value(" \t\n\v\f\r\"<>&,;");

// Whether "://" stands encoded around the '%'.
bool is_encoded_mark(std::string_view text, std::size_t percent) noexcept {
    for (const std::string_view mark : {"%3a%2f%2f", "%253a%252f%252f", "%3a//"})
        if (equal_ignoring_case(text.substr(percent, mark.size()), mark))
            return true;
    return percent > 0 && text[percent - 1] == ':' && equal_ignoring_case(text.substr(percent, 6), "%2f%2f");
}

// What closes the word, by what stands before it.
char closer_of(char opener) noexcept {
    constexpr std::string_view openers = "'`([{", closers = "'`)]}";
    const std::size_t kind = openers.find(opener);
    return kind == std::string_view::npos ? '\0' : closers[kind];
}

} // namespace

std::optional<loose_scanner::found> loose_scanner::word_at(std::size_t mark) noexcept {
    std::size_t begin = mark;
    while (begin > at_ && !begins.has(text_[begin - 1]))
        --begin;
    at_ = mark + 1;
    const bool encoded = text_[mark] != '?';
    const std::string_view before = text_.substr(begin, mark - begin);
    if (!encoded && before.find('/') == std::string_view::npos)
        return std::nullopt;                            // nothing that could be a path
    if (before.find("://") != std::string_view::npos) { // a URL as it should be
        at_ = url_ends.find(text_, mark);
        return std::nullopt;
    }
    const char closer = begin > 0 ? closer_of(text_[begin - 1]) : '\0';
    const byte_set &stops = encoded ? ends_of_value : url_ends;
    std::size_t end = mark;
    while (end < text_.size() && !stops.has(text_[end]) && (closer == '\0' || text_[end] != closer))
        ++end;
    const std::string_view whole = text_.substr(begin, end - begin),
                           word = whole.substr(0, find_scheme(whole, 0).begin);
    at_ = std::max(at_, begin + word.size());
    if (userinfo_of(split_url(word).authority))
        return std::nullopt;
    return found{word, begin, encoded};
}

std::optional<loose_scanner::found> loose_scanner::next() noexcept {
    for (;;) {
        if (question_ != std::string_view::npos && question_ < at_)
            question_ = text_.find('?', at_);
        while (percent_ != std::string_view::npos && (percent_ < at_ || !is_encoded_mark(text_, percent_)))
            percent_ = text_.find('%', std::max(at_, percent_ + 1));
        const std::size_t mark = std::min(question_, percent_);
        if (mark == std::string_view::npos)
            return std::nullopt;
        if (const auto word = word_at(mark))
            return word;
    }
}

bool may_hold_loose_url(std::string_view text) noexcept {
    return text.find('?') != std::string_view::npos || text.find('%') != std::string_view::npos;
}

} // namespace mega::core
