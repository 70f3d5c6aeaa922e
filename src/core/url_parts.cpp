#include "url_parts.hpp"

#include <array>
#include <cstddef>

#include "ascii.hpp"

namespace mega::core {

namespace {

struct signing_name {
    std::string_view name;
    bool secret; // redact_urls cuts its value; the others say by whom and until when
};

// FROZEN with is_permanent_url: nothing may be added or taken away.
constexpr signing_name signing_names[] = {
    // S3 and R2, version 4
    {"X-Amz-Signature", true},
    {"X-Amz-Credential", false},
    {"X-Amz-Expires", false},
    {"X-Amz-Security-Token", true},
    {"X-Amz-Algorithm", false},
    {"X-Amz-Date", false},
    {"X-Amz-SignedHeaders", false},
    // S3 version 2; Signature and Expires are CloudFront's, GCS' (version 2) and Alibaba OSS' too
    {"AWSAccessKeyId", false},
    {"Signature", true},
    {"Expires", false},
    // Google Cloud Storage
    {"X-Goog-Signature", true},
    {"X-Goog-Credential", false},
    {"X-Goog-Expires", false},
    {"X-Goog-Algorithm", false},
    {"X-Goog-Date", false},
    {"X-Goog-SignedHeaders", false},
    {"GoogleAccessId", false},
    // CloudFront
    {"Key-Pair-Id", false},
    {"Policy", true},
    // Azure shared access signatures
    {"sig", true},
    // Supabase signed links
    {"token", true},
    // Alibaba OSS
    {"OSSAccessKeyId", false},
    {"security-token", true},
    {"x-oss-signature", true},
    {"x-oss-credential", false},
    {"x-oss-expires", false},
    {"x-oss-date", false},
    {"x-oss-signature-version", false},
    {"x-oss-security-token", true},
};

// Longer than every name in the list: what does not fit is none of them.
using name_buffer = std::array<char, 32>;

// The name percent-decoded; a '%' without two hexadecimal digits stands for itself, and so does a '+', as no name in
// the list has a space. nullopt if it does not fit the buffer.
std::optional<std::string_view> decode_name(std::string_view written, name_buffer &buffer) noexcept {
    std::size_t size = 0;
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (size == buffer.size())
            return std::nullopt;
        char c = written[i];
        if (c == '%' && i + 2 < written.size() && hex_value(written[i + 1]) >= 0 && hex_value(written[i + 2]) >= 0) {
            c = static_cast<char>(hex_value(written[i + 1]) * 16 + hex_value(written[i + 2]));
            i += 2;
        }
        buffer[size++] = c;
    }
    return std::string_view(buffer.data(), size);
}

const signing_name *find_signing_name(std::string_view written) noexcept {
    name_buffer buffer;
    const auto decoded = decode_name(written, buffer);
    if (!decoded)
        return nullptr;
    for (const auto &entry : signing_names)
        if (equal_ignoring_case(*decoded, entry.name))
            return &entry;
    return nullptr;
}

constexpr std::string_view escaped_ampersand = "\\u0026";

} // namespace

url_parts split_url(std::string_view url) noexcept {
    url_parts parts;
    const std::size_t colon = url.find_first_of(":/?#");
    std::string_view rest = url;
    if (colon != std::string_view::npos && url[colon] == ':') {
        parts.scheme = url.substr(0, colon);
        rest.remove_prefix(colon + 1);
    }
    parts.has_authority = rest.starts_with("//");
    if (parts.has_authority) {
        rest.remove_prefix(2);
        parts.authority = rest.substr(0, rest.find_first_of("/?#"));
        rest.remove_prefix(parts.authority.size());
    }
    parts.tail = rest;
    const std::string_view before_fragment = rest.substr(0, rest.find('#'));
    const std::size_t mark = before_fragment.find('?');
    if (mark != std::string_view::npos)
        parts.query = before_fragment.substr(mark + 1);
    return parts;
}

std::optional<std::string_view> userinfo_of(std::string_view authority) noexcept {
    const std::size_t at = authority.rfind('@');
    if (at == std::string_view::npos)
        return std::nullopt;
    return authority.substr(0, at);
}

std::size_t find_separator(std::string_view query) noexcept {
    for (std::size_t at = query.find_first_of("&;\\"); at != std::string_view::npos;
         at = query.find_first_of("&;\\", at + 1))
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

std::optional<query_parameter> find_signing_parameter(std::string_view query) noexcept {
    while (const auto parameter = take_parameter(query))
        if (find_signing_name(parameter->name))
            return parameter;
    return std::nullopt;
}

std::string decoded_name(std::string_view written_name) {
    name_buffer buffer;
    return std::string(decode_name(written_name, buffer).value_or(written_name));
}

bool is_secret_parameter(std::string_view written_name) noexcept {
    const signing_name *found = find_signing_name(written_name);
    return found && found->secret;
}

} // namespace mega::core
