// Signed tokens (JWT, RFC 7519) inside a URL: header.payload.signature, each in base64url.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mega::core {

struct web_token {
    std::string_view text; // as written, percent-encoding and all
    bool expires = false;  // the payload, decoded, is an object with a member exp
};

// Finds what has the form of such a token: three words or more with dots between, of which the first decodes to the
// beginning of an object. Percent-encoded letters count as what they encode. Linear in the text, never raises.
class token_scanner {
public:
    explicit token_scanner(std::string_view text) noexcept : text_(text) {}
    std::optional<web_token> next() noexcept;

private:
    std::string_view text_;
};

} // namespace mega::core
