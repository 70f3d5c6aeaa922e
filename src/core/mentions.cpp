// Finds mentions of pass ids in texts that somebody wrote.
#include "mentions.hpp"

#include "ascii.hpp"
#include "pass_id.hpp"

namespace mega::core {

namespace {

constexpr std::string_view word = "erased";

bool is_alphanumeric(char c) noexcept { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z'); }

// Whether it may be looked for within a text. What has blanks or what parts a path in it could be made to swallow what
// stands behind another's, and any word at all may be a pass id where an application has them so.
bool is_plain(std::string_view pass_id) noexcept {
    constexpr byte_set parts(" \t\r\n\v\f/?&#%,;|\"'`()[]{}<>");
    return is_pass_id(pass_id) && parts.find(pass_id) == pass_id.size();
}

bool is_part_of_word(char c) noexcept { return is_alphanumeric(c) || c == '_' || c == '-'; }

bool is_encoded(std::string_view text, std::size_t at) noexcept {
    return at + 2 < text.size() && text[at] == '%' && hex_value(text[at + 1]) >= 0 && hex_value(text[at + 2]) >= 0;
}

bool may_begin(std::string_view text, std::size_t at) noexcept {
    return at == 0 || !is_part_of_word(text[at - 1]) || (at >= 3 && is_encoded(text, at - 3));
}

// What joins two parts of an id joins nothing at the end of a sentence.
bool may_end(std::string_view text, std::size_t at) noexcept {
    constexpr std::string_view joints = ".:-_\\@+=~$*!^%";
    while (at < text.size() && !is_encoded(text, at) && joints.find(text[at]) != std::string_view::npos)
        ++at;
    return at == text.size() || is_encoded(text, at) || !is_alphanumeric(text[at]);
}

void replace(std::string &text, std::string_view mention, bool &any) {
    std::string left;
    std::size_t copied = 0;
    for (std::size_t at = text.find(mention); at != std::string::npos; at = text.find(mention, at)) {
        const std::size_t end = at + mention.size();
        if (!may_begin(text, at) || !may_end(text, end)) {
            ++at;
            continue;
        }
        left.append(text, copied, at - copied).append(word);
        at = copied = end;
    }
    if (copied == 0)
        return;
    text = left.append(text, copied);
    any = true;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF", plain = "-_.!~*'()";
    std::string encoded;
    for (const char c : text) {
        if (is_alphanumeric(c) || plain.find(c) != std::string_view::npos) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4U];
        encoded += digits[byte & 15U];
    }
    return encoded;
}

std::string in_lower_case_digits(std::string text) {
    for (std::size_t i = 0; i < text.size(); ++i)
        if (is_encoded(text, i)) {
            text[i + 1] = lower(text[i + 1]);
            text[i + 2] = lower(text[i + 2]);
        }
    return text;
}

} // namespace

std::optional<std::string> without_mentions(std::string_view text, std::span<const std::string> pass_ids) {
    for (const std::string &one : pass_ids)
        if (text == one)
            return std::string(word);
    if (is_pass_id(text) && text.find(' ') == std::string_view::npos) // somebody else's
        return std::nullopt;
    std::string left(text);
    bool any = false;
    for (const std::string &one : pass_ids)
        for (const std::string &spelling : is_plain(one) ? spellings_of(one) : std::vector<std::string>())
            replace(left, spelling, any);
    return any ? std::optional(std::move(left)) : std::nullopt;
}

std::vector<std::string> spellings_of(const std::string &pass_id) {
    const std::string encoded = percent_encoded(pass_id);
    return {pass_id, encoded, in_lower_case_digits(encoded)};
}

} // namespace mega::core
