// By what a URL opens something for a while (I10): the families, tokens, credentials, and URLs inside it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "permanent_url.hpp"

namespace mega::core {

struct url_signature {
    enum class kind { credentials, family, token };

    kind what;
    std::string_view family;    // of a family: what it is called
    std::string_view parameter; // of a family: the parameter that is the signature
    bool nested = false;        // it stands in a URL that is percent-encoded inside this one
};

// A stretch of a text.
struct text_span {
    std::size_t begin;
    std::size_t end;
};

// The first that is found, nullopt if there is none. Takes one URL, well formed or not; looks at it and at URLs that
// stand percent-encoded in its path or, with or without their scheme, in a parameter, and in theirs, to a depth of two.
// (One that stands there without encoding is found by url_scanner.) A fragment is not looked at. Linear in the URL.
// Raises std::bad_alloc only.
std::optional<url_signature> find_signature(std::string_view url);

// Appends what has to be cut out of the URL for it to open nothing: where in the URL the values of signatures, policies
// and tokens stand, and passwords (the user name where there is no password: then that is the token). They may overlap.
// What says REDACTED already is left out. Otherwise as find_signature.
void find_secrets(std::string_view url, std::vector<text_span> &spans);

// Appends the secrets of a URL that was found in a text, as offsets into that: what find(url, spans) finds of it, and
// of its longer form in the query.
template <class Find> void find_secrets_of(const url_scanner::found &one, std::vector<text_span> &spans, Find find) {
    const auto add = [&](std::string_view url, std::size_t from) {
        std::vector<text_span> some;
        find(url, some);
        for (const text_span &span : some)
            if (span.begin >= from)
                spans.push_back({span.begin + one.offset, span.end + one.offset});
    };
    add(one.url, 0);
    if (!one.with_blanks.empty())
        add(one.with_blanks, one.with_blanks.find('?'));
}

// The same of the URLs in a text that is percent-encoded. The spans are offsets into the text as it stands.
std::optional<url_signature> find_encoded_signature(std::string_view text);
void find_encoded_secrets(std::string_view text, std::vector<text_span> &spans);

inline constexpr std::string_view redacted = "REDACTED";

} // namespace mega::core
