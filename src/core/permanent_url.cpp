// Checks a URL (I10), and cuts the secret part out of one.
#include "permanent_url.hpp"

#include <uriparser/Uri.h>

#include <new>
#include <utility>

#include "ascii.hpp"
#include "text_rule.hpp"
#include "url_parts.hpp"
#include "url_signature.hpp"

namespace mega::core {

namespace {

// uriparser recurses once per byte, so it gets the head of the URL only, and not without end. A host name has at most
// 253 characters; percent-encoded letters take up to nine bytes for one.
constexpr std::size_t max_authority_bytes = 2048;

class parsed_uri {
public:
    // Takes text that must outlive the object. Raises std::bad_alloc.
    explicit parsed_uri(std::string_view text) {
        const char *error_at = nullptr;
        const int result = uriParseSingleUriExA(&uri_, text.data(), text.data() + text.size(), &error_at);
        if (result == URI_ERROR_MALLOC)
            throw std::bad_alloc();
        valid_ = result == URI_SUCCESS;
    }
    ~parsed_uri() {
        if (valid_)
            uriFreeUriMembersA(&uri_);
    }
    parsed_uri(const parsed_uri &) = delete;
    parsed_uri &operator=(const parsed_uri &) = delete;

    bool valid() const noexcept { return valid_; }
    std::string_view host() const noexcept { return text(uri_.hostText); }
    std::string_view port() const noexcept { return text(uri_.portText); }
    bool has_userinfo() const noexcept { return uri_.userInfo.first != nullptr; }
    bool is_ip_literal() const noexcept {
        return uri_.hostData.ip6 != nullptr || uri_.hostData.ipFuture.first != nullptr;
    }

private:
    static std::string_view text(const UriTextRangeA &range) noexcept {
        if (!range.first)
            return {};
        return {range.first, static_cast<std::size_t>(range.afterLast - range.first)};
    }

    UriUriA uri_{};
    bool valid_ = false;
};

bool is_scheme(std::string_view s) noexcept {
    if (s.empty() || lower(s[0]) < 'a' || lower(s[0]) > 'z')
        return false;
    for (char c : s)
        if (!is_digit(c) && (lower(c) < 'a' || lower(c) > 'z') && c != '+' && c != '-' && c != '.')
            return false;
    return true;
}

bool is_web_scheme(std::string_view s) noexcept {
    return equal_ignoring_case(s, "http") || equal_ignoring_case(s, "https");
}

// Path, query and fragment: every byte but a '%' that encodes nothing and a second '#'. Controls were refused before.
bool is_tail(std::string_view tail) noexcept {
    bool in_fragment = false;
    for (std::size_t i = 0; i < tail.size(); ++i) {
        if (tail[i] == '%' && !is_percent_triple(tail.substr(i)))
            return false;
        if (tail[i] == '#' && in_fragment)
            return false;
        in_fragment = in_fragment || tail[i] == '#';
    }
    return true;
}

// `http://<authority>` with the bytes beyond ASCII percent-encoded, as uriparser knows ASCII only.
std::string head_for_parser(std::string_view authority) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string head = "http://";
    for (char c : authority) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            head += c;
            continue;
        }
        head += '%';
        head += digits[byte >> 4];
        head += digits[byte & 0x0F];
    }
    return head;
}

std::string decode_host(std::string_view host) {
    std::string decoded;
    decoded.reserve(host.size());
    for (std::size_t i = 0; i < host.size(); ++i) {
        char c = host[i];
        if (is_percent_triple(host.substr(i))) {
            c = static_cast<char>(hex_value(host[i + 1]) * 16 + hex_value(host[i + 2]));
            i += 2;
        }
        decoded += lower(c);
    }
    if (decoded.ends_with('.'))
        decoded.pop_back();
    return decoded;
}

// Percent-encoding must not bring in what would be read as the end of the host elsewhere.
bool is_decoded_host(std::string_view host) noexcept {
    if (host.empty() || host.front() == '.' || host.back() == '.' || host.find("..") != std::string_view::npos)
        return false; // an empty label
    return !has_control_character(host) && host.find_first_of(" \"#%/:<>?@[\\]^`{|}") == std::string_view::npos;
}

bool is_port(std::string_view port) noexcept {
    int value = 0;
    for (char c : port) {
        value = value * 10 + (c - '0');
        if (value > 65535)
            return false;
    }
    return true;
}

struct authority_verdict {
    bool valid = false;
    bool has_userinfo = false;
    std::string host;
};

authority_verdict read_authority(std::string_view authority) {
    if (authority.empty() || authority.size() > max_authority_bytes)
        return {};
    const std::string head = head_for_parser(authority);
    const parsed_uri uri(head);
    if (!uri.valid() || uri.host().empty() || !is_port(uri.port()))
        return {};
    std::string host = decode_host(uri.host());
    if (uri.is_ip_literal())
        host = '[' + host + ']';
    else if (!is_decoded_host(host))
        return {};
    return {true, uri.has_userinfo(), std::move(host)};
}

std::string_view without_trailing_dot(std::string_view host) noexcept {
    if (host.ends_with('.'))
        host.remove_suffix(1);
    return host;
}

// True when the host stands below the domain, by whole labels.
bool is_below(std::string_view host, std::string_view domain) noexcept {
    if (domain.empty() || host.size() <= domain.size() + 1)
        return false;
    const std::size_t dot = host.size() - domain.size() - 1;
    return host[dot] == '.' && equal_ignoring_case(host.substr(dot + 1), domain);
}

// The first signature of the URL or of one that stands in its path or query as it is.
std::optional<url_signature> find_signature_within(std::string_view whole) {
    const std::string_view url = whole.substr(0, whole.find('#'));
    if (const auto found = find_signature(url))
        return found;
    if (url.find("://", url.find("://") + 1) == std::string_view::npos)
        return std::nullopt; // there is none inside
    url_scanner scanner(url);
    while (const auto inner = scanner.next())
        if (inner->offset > 0)
            if (auto found = find_signature(inner->url)) {
                found->nested = true;
                return found;
            }
    return std::nullopt;
}

// The same, also of what the URL means where it was cut out of JSON, which is what a search in texts looks at.
std::optional<url_signature> find_signature_as_meant(std::string_view url) {
    if (const auto found = find_signature_within(url))
        return found;
    const auto plain = without_escapes(url);
    return plain ? find_signature_within(*plain) : std::nullopt;
}

// Not frozen: only triggers and functions ask.
constexpr std::string_view delivery_domains[] = {
    "replicate.delivery",                        // Replicate: an hour
    "klingai.com",                               // Kling: 30 days
    "oaidalleapiprodscus.blob.core.windows.net", // OpenAI images: an hour
    "oaiusercontent.com",                        // OpenAI files, ChatGPT
    "fal.media",                                 // fal.ai
    "bfl.ai",                                    // Black Forest Labs: ten minutes
    "bfl.ml",                                    // Black Forest Labs, before
    "volces.com",                                // Volcengine Ark, Seedream and Seedance: a day
    "bytepluses.com",                            // BytePlus ModelArk, the same abroad
    "runware.ai",                                // Runware
    "aiquickdraw.com",                           // kie.ai
    "cdn-luma.com",                              // Luma
    "dnznrvs05pmza.cloudfront.net",              // Runway: one to two days
    "imgen.x.ai",                                // xAI images
    "vidgen.x.ai",                               // xAI video
    "generativelanguage.googleapis.com",         // Google Veo: two days
    "discordapp.com",                            // Discord attachments, Midjourney: a day
    "discordapp.net",                            // the same, resized
};

} // namespace

url_verdict check_url(std::string_view url) {
    if (has_control_character(url) || has_blank_ends(url))
        return {url_fault::malformed};
    const url_parts parts = split_url(url);
    if (!is_scheme(parts.scheme))
        return {url_fault::malformed};
    if (!is_web_scheme(parts.scheme))
        return {url_fault::scheme};
    if (!parts.has_authority || !is_tail(parts.tail))
        return {url_fault::malformed};

    const authority_verdict authority = read_authority(parts.authority);
    if (!authority.valid)
        return {url_fault::malformed};
    if (authority.has_userinfo)
        return {url_fault::credentials};

    if (const auto found = find_signature_as_meant(url)) {
        if (found->what == url_signature::kind::credentials)
            return {url_fault::credentials};
        return {url_fault::signature, found->family, found->parameter, found->nested};
    }
    return {};
}

bool is_permanent_url(std::string_view url) { return check_url(url).fault == url_fault::none; }

std::string host_of(std::string_view url) {
    const url_parts parts = split_url(url);
    if (!is_web_scheme(parts.scheme) || !parts.has_authority)
        return {};
    return read_authority(parts.authority).host;
}

bool is_delivery_host(std::string_view host) noexcept {
    host = without_trailing_dot(host);
    for (std::string_view domain : delivery_domains)
        if (equal_ignoring_case(host, domain) || is_below(host, domain))
            return true;
    return false;
}

bool host_matches(std::string_view host, std::string_view pattern) noexcept {
    host = without_trailing_dot(host);
    pattern = without_trailing_dot(pattern);
    if (host.empty())
        return false;
    if (pattern.starts_with("*."))
        return is_below(host, pattern.substr(2));
    if (pattern.starts_with('.'))
        return is_below(host, pattern.substr(1));
    return equal_ignoring_case(host, pattern);
}

} // namespace mega::core
