// Which URLs may be stored (I10): public ones that do not expire.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mega::core {

enum class url_fault { none, malformed, scheme, credentials, signature };

struct url_verdict {
    url_fault fault = url_fault::none;
    std::string_view family{};    // of a signature: who signs so; '' for a token that expires (JWT)
    std::string_view parameter{}; // of a signature: by which parameter; '' for a token
    bool nested = false;          // it stands in a URL inside this one
};

// Takes one URL, nothing around it. none: http or https, a host, no userinfo, and not signed in the way of any of the
// families that url_families.cpp lists (names compared without case, after percent-decoding; '&' and ';' separate), nor
// by a token that says when it ends; the same for URLs that stand in its path or query, as they are or percent-encoded
// to a depth of two, and for what it means where it carries escapes of JSON. Letters beyond ASCII are welcome, and
// behind the authority the characters that browsers tolerate: space | { } ^ ` " < > \ [ ]. A fragment is not looked at.
// Linear in the text. Raises std::bad_alloc only. FROZEN in what it lets pass, as is_permanent_url is.
url_verdict check_url(std::string_view url);

// check_url without the reason. FROZEN: a CHECK constraint calls it, and rows that once passed must pass again when a
// dump is restored. New signing schemes and delivery hosts belong to the triggers.
bool is_permanent_url(std::string_view url);

// The URL's host: percent-decoded, lower case, no port, no trailing dot, an IPv6 address in brackets; '' if there is
// none to be read. Raises std::bad_alloc only.
std::string host_of(std::string_view url);

// True for a provider's host that serves a result for hours or days only, and for the hosts below it. The list may
// grow. Takes a host as host_of gives it; letter case and a trailing dot do not matter. Never raises.
bool is_delivery_host(std::string_view host) noexcept;

// True when the host is the pattern, or the pattern is `*.example.com` or `.example.com` and the host stands below
// example.com. Letter case and a trailing dot do not matter. Never raises.
bool host_matches(std::string_view host, std::string_view pattern) noexcept;

// Finds the URLs in a text, one after the other, in time linear in the text.
class url_scanner {
public:
    struct found {
        std::string_view url;
        std::string_view with_blanks; // the same if the blank behind it is one of its path's, before a query; or empty
        std::size_t offset;
    };

    explicit url_scanner(std::string_view text) noexcept : text_(text) {}

    // The next URL, nullopt at the end. See for_each_url.
    std::optional<found> next() noexcept;

private:
    std::size_t nested_end(std::size_t from) const noexcept;

    std::string_view text_;
    std::size_t at_ = 0;          // where to look on
    std::size_t outer_end_ = 0;   // where the last URL that lies in no other one ended
    std::size_t query_begin_ = 0; // of that URL
    std::size_t query_end_ = 0;
};

// Calls f(std::string_view url, std::size_t offset) for every http:// or https:// (any case) in the text that something
// follows. A URL reaches to whitespace, '"', '<', '>' or the end, to a closing ' or ` when it was opened by one, and
// loses punctuation at its end (,.;:!? quotes, backslashes, and closing brackets that were not opened in it). One that
// stands inside another is given by itself too, but only as far as the next one inside and, in the other's query, as
// far as its parameter reaches unless it has a query of its own by then.
template <class F> void for_each_url(std::string_view text, F f) {
    url_scanner scanner(text);
    while (const auto found = scanner.next())
        f(found->url, found->offset);
}

// Whether there may be a URL in the text: false only when there is none, nor one that is escaped, encoded or without
// its scheme.
bool may_hold_url(std::string_view text) noexcept;

// The text with the ASCII that JSON (`\/`, `\u0026`, however many backslashes stand before it) and HTML (`&#38;`,
// `&#x26;`) escape as it is meant; nullopt when nothing is escaped. Raises std::bad_alloc only.
std::optional<std::string> without_escapes(std::string_view text);

// True when any URL in the text, as it stands or as JSON or HTML means it, carries credentials or is signed; so also
// one without its scheme or its host, and one that is percent-encoded. It looks at the text alone, so that a malformed
// URL is judged all the same. Raises std::bad_alloc only.
bool has_expiring_url(std::string_view text);

// The text with the secret parts of its URLs replaced by REDACTED: the values of signatures, policies and tokens of the
// families, and the userinfo's password (its user name where there is no password: then that is the token), also where
// the URL is escaped as in JSON or HTML, encoded, or without its scheme. All other bytes stay. nullopt if there is
// nothing to cut, so also for a text that was redacted before. A text whose cuts bring out one secret behind the other,
// many times over, becomes REDACTED as a whole. Linear in the text. Raises std::bad_alloc only.
std::optional<std::string> redact_urls(std::string_view text);

// The same of one URL, whatever stands in it.
std::string redact_url(std::string_view url);

} // namespace mega::core
