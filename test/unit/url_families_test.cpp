#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/permanent_url.hpp"
#include "url_shapes.hpp"

namespace mega::core {
namespace {

TEST(url_families, the_table_is_large) { EXPECT_GE(std::size(expiring_shapes) + std::size(lasting_shapes), 120u); }

TEST(url_families, refuses_what_is_signed) {
    for (const auto &[what, url, secret] : expiring_shapes) {
        const url_fault fault = check_url(url).fault;
        EXPECT_TRUE(fault == url_fault::signature || fault == url_fault::credentials) << what << '\n' << url;
        EXPECT_TRUE(has_expiring_url(url)) << what;
        EXPECT_TRUE(has_expiring_url("see (" + std::string(url) + "), please")) << what;
    }
}

TEST(url_families, cuts_the_secret_and_nothing_else) {
    for (const auto &[what, url, secret] : expiring_shapes) {
        const std::string text = "see (" + std::string(url) + "), please";
        const auto cut = redact_urls(text);
        ASSERT_TRUE(cut) << what;
        EXPECT_EQ(cut->find(secret), std::string::npos) << what << '\n' << *cut;
        EXPECT_TRUE(cut->ends_with("), please")) << what << '\n' << *cut;
        EXPECT_FALSE(redact_urls(*cut)) << what << '\n' << *cut;
        // What is left are pieces of the text, in its order.
        std::size_t at = 0;
        for (std::string rest = *cut; !rest.empty();) {
            const std::size_t end = std::min(rest.find("REDACTED"), rest.size());
            at = text.find(rest.substr(0, end), at);
            ASSERT_NE(at, std::string::npos) << what << '\n' << *cut;
            at += end;
            rest.erase(0, std::min(end + 8, rest.size()));
        }
    }
}

TEST(url_families, lets_pass_what_lasts) {
    for (const auto &[what, url, secret] : lasting_shapes) {
        const url_verdict verdict = check_url(url);
        EXPECT_EQ(verdict.fault, url_fault::none) << what << ' ' << verdict.family << '\n' << url;
        EXPECT_FALSE(has_expiring_url("see " + std::string(url) + ", please")) << what;
        EXPECT_FALSE(redact_urls(url)) << what;
    }
}

TEST(url_families, names_the_family) {
    const url_verdict bunny = check_url("https://z.b-cdn.net/a.png?EXPIRES=1598024587&Token=x");
    EXPECT_EQ(bunny.family, "Bunny");
    EXPECT_EQ(bunny.parameter, "token");
    EXPECT_FALSE(bunny.nested);
    const url_verdict inner = check_url("https://a/i?u=https%3A%2F%2Fb%2F%3Fse%3D1%26sig%3D2");
    EXPECT_EQ(inner.family, "Azure");
    EXPECT_TRUE(inner.nested);
    EXPECT_TRUE(check_url("https://a/i?u=https://b/?q-signature=2").family == "Tencent COS");
    const url_verdict token = check_url("https://a/" MEGA_TOKEN_EXPIRING);
    EXPECT_EQ(token.fault, url_fault::signature);
    EXPECT_EQ(token.family, "");
}

// What a family needs at least: a place and the parameters, the one that is the secret first.
struct smallest {
    const char *before;
    std::vector<std::string> names;
    std::vector<std::string> values;
};

const std::vector<smallest> &all_smallest() {
    static const std::vector<smallest> all = {
        {"https://a.example/x?", {"X-Amz-Signature"}, {"5ec4e7"}},
        {"https://a.example/x?", {"X-Amz-Security-Token"}, {"5ec4e7"}},
        {"https://a.example/x?", {"Signature", "AWSAccessKeyId", "Expires"}, {"5ec4e7", "AK", "1700000000"}},
        {"https://a.example/x?", {"Signature", "Key-Pair-Id", "Expires"}, {"5ec4e7", "K2", "1700000000"}},
        {"https://a.example/x?", {"Signature", "Key-Pair-Id", "Policy"}, {"5ec4e7", "K2", "p0l1cy"}},
        {"https://a.example/x?", {"X-Goog-Signature"}, {"5ec4e7"}},
        {"https://a.example/x?", {"Signature", "GoogleAccessId", "Expires"}, {"5ec4e7", "me", "1700000000"}},
        {"https://a.example/x?", {"Signature", "KeyName", "Expires"}, {"5ec4e7", "k", "1700000000"}},
        {"https://a.example/x?", {"sig", "se"}, {"5ec4e7", "2030-01-01"}},
        {"https://a.example/x?", {"sig", "sv", "si"}, {"5ec4e7", "2022-11-02", "readers"}},
        {"https://a.example/x?", {"X-Tos-Signature"}, {"5ec4e7"}},
        {"https://a.example/x?", {"X-Tos-Security-Token"}, {"5ec4e7"}},
        {"https://a.example/x?", {"x-signature", "x-expires"}, {"5ec4e7", "1700000000"}},
        {"https://a.example/x?", {"q-signature"}, {"5ec4e7"}},
        {"https://a.example/x?", {"x-cos-security-token"}, {"5ec4e7"}},
        {"https://a.example/x?", {"x-oss-signature"}, {"5ec4e7"}},
        {"https://a.example/x?", {"x-oss-security-token"}, {"5ec4e7"}},
        {"https://a.example/x?", {"Signature", "OSSAccessKeyId", "Expires"}, {"5ec4e7", "AK", "1700000000"}},
        {"https://a.example/x?", {"security-token", "OSSAccessKeyId"}, {"5ec4e7", "AK"}},
        {"https://a.example/x?", {"auth_key"}, {"1444435200-0-0-23bf85053008f5c0e791667a315ec4e7"}},
        {"https://a.example/x?", {"hdnts"}, {"exp=1700000000~hmac=5ec4e7"}},
        {"https://a.example/x?", {"hdnea"}, {"exp=1700000000~hmac=5ec4e7"}},
        {"https://a.example/x?", {"hdntl"}, {"exp=1700000000~hmac=5ec4e7"}},
        {"https://a.example/x?", {"__token__"}, {"exp=1700000000~hmac=5ec4e7"}},
        {"https://a.example/storage/v1/object/sign/x?", {"token"}, {"5ec4e7"}},
        {"https://a.example/x?", {"token", "expires"}, {"5ec4e7", "1700000000"}},
        {"https://a.example/x?", {"bcdn_token", "expires"}, {"5ec4e7", "1700000000"}},
        {"https://a.example/", {"bcdn_token", "expires"}, {"5ec4e7", "1700000000"}},
        {"https://a.example/", {"hdnts"}, {"exp=1700000000~hmac=5ec4e7"}},
        {"https://a.example/x?", {"token"}, {"1700000000_5ec4e7"}},
        {"https://a.example/x?", {"sig", "exp"}, {"5ec4e7", "1700000000"}},
        {"https://a.example/x?", {"Authorization"}, {"3_2025_5ec4e7"}},
        {"https://f002.backblazeb2.com/x?", {"Authorization"}, {"5ec4e7"}},
    };
    return all;
}

// A name in any letter case, with any of its letters percent-encoded.
std::string spelled(const std::string &name) {
    constexpr char digits[] = "0123456789abcdefABCDEF";
    std::string out;
    for (char c : name) {
        const int how = *rc::gen::inRange(0, 8);
        if (how == 0) {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4];
            out += digits[c & 15];
        } else if (how < 3 && c >= 'a' && c <= 'z') {
            out += static_cast<char>(c - 'a' + 'A');
        } else if (how < 5 && c >= 'A' && c <= 'Z') {
            out += static_cast<char>(c - 'A' + 'a');
        } else {
            out += c;
        }
    }
    return out;
}

std::string encoded(const std::string &text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (char c : text)
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
            c == '.' || c == '~')
            out += c;
        else {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4];
            out += digits[c & 15];
        }
    return out;
}

// The URL with the family's parameters, without the one at `without`, among others, in any order.
std::string url_of(const smallest &family, std::size_t without) {
    std::vector<std::string> parameters;
    for (std::size_t i = 0; i < family.names.size(); ++i)
        if (i != without)
            parameters.push_back(spelled(family.names[i]) + '=' + family.values[i]);
    for (const auto &other : *rc::gen::container<std::vector<std::string>>(
             rc::gen::element<std::string>("w=640", "v=3", "download=", "name=a%20b", "x", "q=75", "format=webp")))
        parameters.push_back(other);
    std::string url = family.before;
    while (!parameters.empty()) {
        const auto at = *rc::gen::inRange<std::size_t>(0, parameters.size());
        url += parameters[at] + *rc::gen::element<std::string>("&", ";", "&amp;", "&&");
        parameters.erase(parameters.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return url + *rc::gen::element<std::string>("z=1", "z=1#top", "z=1#token=abc");
}

constexpr std::size_t nothing = static_cast<std::size_t>(-1);

RC_GTEST_PROP(url_families, each_is_seen_in_any_order_case_and_encoding, ()) {
    for (const smallest &family : all_smallest()) {
        const std::string url = url_of(family, nothing);
        RC_ASSERT(check_url(url).fault == url_fault::signature);
        RC_ASSERT(has_expiring_url("text " + url + ", text"));
        const auto cut = redact_urls("text " + url + ", text");
        RC_ASSERT(cut && cut->find("5ec4e7") == std::string::npos);
        RC_ASSERT(!redact_urls(*cut));
    }
}

RC_GTEST_PROP(url_families, each_needs_all_its_parameters, ()) {
    for (const smallest &family : all_smallest())
        for (std::size_t i = 0; i < family.names.size(); ++i) {
            const std::string url = url_of(family, i);
            RC_ASSERT(is_permanent_url(url));
            RC_ASSERT(!has_expiring_url(url));
            RC_ASSERT(!redact_urls(url));
        }
}

RC_GTEST_PROP(url_families, each_is_seen_two_deep_and_no_deeper, ()) {
    for (const smallest &family : all_smallest()) {
        std::string url = url_of(family, nothing);
        url = url.substr(0, url.find('#'));
        for (int depth = 1; depth <= 3; ++depth) {
            url = "https://proxy.example/image?w=1&url=" + encoded(url) + "&q=75";
            RC_ASSERT(is_permanent_url(url) == (depth == 3));
            RC_ASSERT(has_expiring_url(url) == (depth < 3));
            const auto cut = redact_urls(url);
            RC_ASSERT(cut.has_value() == (depth < 3));
            RC_ASSERT(cut.value_or("").find("5ec4e7") == std::string::npos);
        }
    }
}

RC_GTEST_PROP(url_families, one_general_word_is_none, ()) {
    const std::string name = *rc::gen::element<std::string>("sig", "token", "policy", "expires", "signature", "exp",
                                                            "se", "sv", "si", "KeyName", "x-signature", "auth_key");
    const std::string value = *rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::inRange('a', static_cast<char>('z' + 1)), rc::gen::inRange('0', static_cast<char>('9' + 1))));
    const std::string url = "https://shop.example/a.png?v=2&" + spelled(name) + '=' + value;
    RC_ASSERT(is_permanent_url(url));
    RC_ASSERT(!redact_urls(url));
}

} // namespace
} // namespace mega::core
