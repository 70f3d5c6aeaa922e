// URLs and texts with URLs in them (I10): no crash, and the rules agree with one another.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/permanent_url.hpp"
#include "require.hpp"

using namespace mega::core;
using mega::test::require;

namespace {

void check_one_url(std::string_view url) {
    const url_verdict verdict = check_url(url);
    require(is_permanent_url(url) == (verdict.fault == url_fault::none));
    require(verdict.fault == url_fault::signature || (verdict.family.empty() && verdict.parameter.empty()));
    require(verdict.family.empty() == verdict.parameter.empty());
    const std::string host = host_of(url);
    if (verdict.fault != url_fault::malformed && verdict.fault != url_fault::scheme) {
        require(!host.empty());
        require(host_matches(host, host));
        require(has_expiring_url(url) || verdict.fault == url_fault::none || url.find_first_of("\"<> ") != url.npos);
    }
    is_delivery_host(host);
}

std::size_t occurrences(std::string_view text, std::string_view word) {
    std::size_t count = 0;
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
        ++count;
    return count;
}

// The input as the value of a parameter, before and behind a signature of a family.
void check_families(std::string_view text) {
    if (text.find_first_of("&;#\\ \t\n\v\f\r\"'`<>") != text.npos)
        return;
    for (std::string_view signature :
         {"X-Amz-Signature=5f0c2b", "expires=1700000000&token=5f0c2b", "token=1700000000_5f0c2b", "se=1&sig=5f0c2b"}) {
        const std::string before = "https://a/?" + std::string(signature) + "&x=" + std::string(text);
        const std::string behind = "https://a/?x=" + std::string(text) + '&' + std::string(signature);
        for (const std::string &url : {before, behind}) {
            require(has_expiring_url(url));
            const auto cut = redact_urls(url);
            require(cut && occurrences(*cut, signature) < occurrences(url, signature));
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    check_one_url(text);

    std::size_t last = 0;
    for_each_url(text, [&](std::string_view url, std::size_t offset) {
        require(offset >= last && text.substr(offset, url.size()) == url);
        last = offset;
        check_one_url(url);
    });

    // A pattern and a host: what stands below a domain matches its pattern, whatever the letters' case.
    if (const std::size_t end = text.find('\n'); end != text.npos) {
        const std::string_view pattern = text.substr(0, end), host = text.substr(end + 1);
        if (host_matches(host, pattern))
            require(!is_delivery_host(pattern) || is_delivery_host(host));
    }

    if (const auto once = redact_urls(text)) {
        require(*once != text);
        require(has_expiring_url(text));
        require(!redact_urls(*once));
    }
    check_families(text);
    return 0;
}
