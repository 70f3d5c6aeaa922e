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
    require((verdict.fault == url_fault::signed_query) == !verdict.parameter.empty());
    const std::string host = host_of(url);
    if (verdict.fault != url_fault::malformed && verdict.fault != url_fault::scheme) {
        require(!host.empty());
        require(host_matches(host, host));
        require(has_expiring_url(url) || verdict.fault == url_fault::none || url.find_first_of("\"<> ") != url.npos);
    }
    is_delivery_host(host);
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
        require(has_expiring_url(text) && has_expiring_url(*once));
        require(!redact_urls(*once));
    }
    return 0;
}
