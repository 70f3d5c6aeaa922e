#include "core/permanent_url.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace mega::core {
namespace {

TEST(permanent_url, accepts_public_urls) {
    for (const char *url : {
             "https://assets.example.com/generations/gen_still_001.png",
             "http://example.com",
             "HTTPS://EXAMPLE.COM/A.PNG",
             "https://example.com:8443/a?w=100&h=200#top",
             "https://example.com:/a",
             "https://192.168.0.1/a.png",
             "https://[2001:db8::1]:443/a.png",
             "https://localhost/a",
             "https://assets.example.com/ملف/صورة 1.png",
             "https://bücher.example/ä?ö=ü#ß",
             "https://example.com/a b|c{d}e^f`g\"h<i>j\\k[l]?x[]=1|2 3",
             "https://example.com/%E2%82%AC?x=%20",
             "https://example.com/a#token=abc",
             "https://example.com/X-Amz-Signature=abc",
             "https://example.com/?x=X-Amz-Signature",
             "https://example.com/?tokens=1&mytoken=2&sigma=3&expire=4",
             "https://example.com/?sig%20=1",
             "https://example.com/?+sig=1",
             "https://example.com/?a=b=c&&;;&=&x",
             "https://example.com?",
             "https://example.com/a@b:c",
             "https://example.com/?u=http://other/a@b:c",
         })
        EXPECT_EQ(check_url(url).fault, url_fault::none) << url;
}

TEST(permanent_url, refuses_malformed_urls) {
    using namespace std::string_view_literals;
    for (std::string_view url : {""sv,
                                 "x"sv,
                                 "example.com/a.png"sv,
                                 "//example.com/a"sv,
                                 "https:"sv,
                                 "https:/a"sv,
                                 "https:example.com"sv,
                                 "https://"sv,
                                 "https:///a"sv,
                                 "https://?a"sv,
                                 "https://:80/"sv,
                                 " https://example.com"sv,
                                 "https://example.com "sv,
                                 "https://example.com/\xC2\xA0"sv,
                                 "https://example.com/a\nb"sv,
                                 "https://example.com/\0"sv,
                                 "https://example.com/\x7F"sv,
                                 "https://example.com/\xC2\x85x"sv,
                                 "https://example.com/100%"sv,
                                 "https://example.com/%zz"sv,
                                 "https://example.com/?a=%4"sv,
                                 "https://example.com/#a#b"sv,
                                 "https://exa mple.com/"sv,
                                 "https://exa|mple.com/"sv,
                                 "https://example.com\\a"sv,
                                 "https://evil.com\\@example.com/"sv,
                                 "https://example.com:80a/"sv,
                                 "https://example.com:65536/"sv,
                                 "https://example.com:99999999999999999999/"sv,
                                 "https://[::1/"sv,
                                 "https://[x]/"sv,
                                 "https://a]/"sv,
                                 "https://a%2Fb/"sv,
                                 "https://a%40b/"sv,
                                 "https://a%00b/"sv,
                                 "https://a%zz/"sv,
                                 "https://./"sv,
                                 "https://.a/"sv,
                                 "https://a..b/"sv,
                                 "https://a../"sv,
                                 "https://a@b@c/"sv,
                                 "1https://a/"sv,
                                 "ht tps://a/"sv})
        EXPECT_EQ(check_url(url).fault, url_fault::malformed) << url;
    EXPECT_EQ(check_url("https://" + std::string(3000, 'a') + "/").fault, url_fault::malformed);
}

TEST(permanent_url, refuses_other_schemes) {
    for (const char *url : {"ftp://example.com/a", "s3://bucket/key", "data:image/png;base64,AAAA",
                            "javascript:alert(1)", "file:///a", "gs://b/k", "httpss://a/"})
        EXPECT_EQ(check_url(url).fault, url_fault::scheme) << url;
}

TEST(permanent_url, refuses_credentials) {
    for (const char *url : {"https://user@example.com/", "https://user:pw@example.com/a", "https://@example.com/",
                            "https://:@example.com/", "https://us%40er:pw@example.com/?token=1",
                            "https://example.com/?u=http://user:pw@other/"})
        EXPECT_EQ(check_url(url).fault, url_fault::credentials) << url;
}

std::string repeated(std::string_view piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i)
        text += piece;
    return text;
}

TEST(permanent_url, reads_what_json_escaped) {
    const std::string token = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDM2MDB9.c2ln";
    for (const std::string tail :
         {R"(?b=1\u0026hdnts=1)", R"(?hdnts\u003d1)", R"(\u003fhdnts=1)", R"(?b=1\\u0026hdnts=1)",
          R"(\u003Fb=1\u0026hdnts\u003D1)", R"(?u=https:\/\/b\/?hdnts=1)"})
        EXPECT_EQ(check_url("https://a/x" + tail).fault, url_fault::signature) << tail;
    for (const std::string before : {R"(?b=1\u0026)", R"(\u0026)", R"(?b\u003d)", R"(\/)"})
        EXPECT_EQ(check_url("https://a/x" + before + token).fault, url_fault::signature) << before;
    EXPECT_EQ(check_url(R"(https://a/?u=https:\/\/u:p@b)").fault, url_fault::credentials);
    for (const std::string tail : {R"(?b\u0026c\u003d1)", R"(\)", R"(\u00)", R"(\/b\/)", R"(#\u003fhdnts=1)"})
        EXPECT_EQ(check_url("https://a/x" + tail).fault, url_fault::none) << tail;
}

TEST(permanent_url, takes_linear_time) {
    std::string url = "https://example.com/a?";
    while (url.size() < (8u << 20))
        url += "&a=%20;b";
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(is_permanent_url(url));
    EXPECT_FALSE(is_permanent_url(url + "&se=1&sig=1"));
    EXPECT_TRUE(is_permanent_url("https://example.com/" + std::string(8u << 20, '/')));
    EXPECT_TRUE(is_permanent_url("https://example.com/" + repeated("/a=b", 2u << 20)));
    EXPECT_TRUE(is_permanent_url("https://example.com/" + repeated("eyJ.", 2u << 20)));
    EXPECT_TRUE(is_permanent_url("https://example.com/?u=" + repeated("https%3A%2F%2Fa%2F%3F", 400u << 10)));
    EXPECT_TRUE(is_permanent_url("https://example.com/?u=" + repeated("https%253A%252F%252Fa%252F%253F", 200u << 10)));
    EXPECT_TRUE(is_permanent_url("https://example.com/?u=" + repeated("http://a/%3A", 600u << 10)));
    EXPECT_TRUE(is_permanent_url("https://example.com/?u=" + repeated("a/b%3F", 1u << 20)));
    EXPECT_TRUE(is_permanent_url("https://example.com/?u=" + repeated("//a/%253F%20", 600u << 10)));
    EXPECT_TRUE(is_permanent_url("https://example.com/?" + std::string(8u << 20, 'x')));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)); // hours, were it quadratic
}

TEST(permanent_url, reads_the_host) {
    const std::pair<const char *, const char *> cases[] = {
        {"https://Assets.Example.COM:8443/A?b#c", "assets.example.com"},
        {"https://example.com./", "example.com"},
        {"http://u:p@example.com", "example.com"},
        {"https://replicate%2Edelivery/x", "replicate.delivery"},
        {"https://[2001:DB8::1]/", "[2001:db8::1]"},
        {"https://bücher.example", "bücher.example"},
        {"https://example.com?x", "example.com"},
        {"ftp://example.com/", ""},
        {"example.com", ""},
        {"https://a b/", ""},
        {"", ""}};
    for (const auto &[url, host] : cases)
        EXPECT_EQ(host_of(url), host) << url;
}

TEST(permanent_url, knows_delivery_hosts) {
    for (const char *host : {"replicate.delivery", "pbxt.replicate.delivery", "v15-kling.klingai.com",
                             "Replicate.Delivery.", "oaidalleapiprodscus.blob.core.windows.net", "delivery-eu1.bfl.ai",
                             "v3.fal.media", "ark-content-generation-cn-beijing.tos-cn-beijing.volces.com",
                             "ark-content-generation-v2-ap-southeast-1.tos-ap-southeast-1.bytepluses.com"})
        EXPECT_TRUE(is_delivery_host(host)) << host;
    for (const char *host : {"", ".", "delivery", "notreplicate.delivery", "replicate.delivery.example.com",
                             "assets.example.com", "blob.core.windows.net", "replicate.com", ".replicate.delivery"})
        EXPECT_FALSE(is_delivery_host(host)) << host;
}

TEST(permanent_url, matches_host_patterns) {
    EXPECT_TRUE(host_matches("assets.example.com", "assets.example.com"));
    EXPECT_TRUE(host_matches("ASSETS.example.com.", "assets.EXAMPLE.com"));
    EXPECT_TRUE(host_matches("a.example.com", "*.example.com"));
    EXPECT_TRUE(host_matches("a.b.example.com", ".Example.com"));
    EXPECT_FALSE(host_matches("example.com", "*.example.com"));
    EXPECT_FALSE(host_matches("example.com", ".example.com"));
    EXPECT_FALSE(host_matches("badexample.com", "*.example.com"));
    EXPECT_FALSE(host_matches("assets.example.com", "example.com"));
    for (const char *pattern : {"", "*", "*.", "."})
        EXPECT_FALSE(host_matches("example.com", pattern)) << pattern;
    EXPECT_FALSE(host_matches("", ""));
    EXPECT_FALSE(host_matches("", "."));
}

} // namespace
} // namespace mega::core
