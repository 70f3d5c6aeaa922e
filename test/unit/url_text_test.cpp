#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/permanent_url.hpp"

namespace mega::core {
namespace {

std::vector<std::string> urls_in(std::string_view text) {
    std::vector<std::string> found;
    for_each_url(text, [&](std::string_view url, std::size_t offset) {
        EXPECT_EQ(text.substr(offset, url.size()), url);
        found.emplace_back(url);
    });
    return found;
}

using list = std::vector<std::string>;

TEST(url_text, finds_urls_anywhere) {
    EXPECT_EQ(urls_in("see https://a.example/x and HTTP://b.example"),
              (list{"https://a.example/x", "HTTP://b.example"}));
    EXPECT_EQ(urls_in("url=https://a/x"), (list{"https://a/x"}));
    EXPECT_EQ(urls_in("xhttps://a/x"), (list{"https://a/x"}));
    EXPECT_EQ(urls_in("<img src=\"https://a/x\">https://b<"), (list{"https://a/x", "https://b"}));
    EXPECT_EQ(urls_in("https://a/é\thttps://b\nhttps://c"), (list{"https://a/é", "https://b", "https://c"}));
    EXPECT_EQ(urls_in("'https://a/x' and it's https://a/it's `https://c`x"),
              (list{"https://a/x", "https://a/it's", "https://c"}));
    EXPECT_EQ(urls_in("ftp://a http:/b https:// http"), list{});
    EXPECT_EQ(urls_in(""), list{});
}

TEST(url_text, drops_punctuation_at_the_end) {
    EXPECT_EQ(urls_in("(https://a/x)."), (list{"https://a/x"}));
    EXPECT_EQ(urls_in("https://a/x_(y)"), (list{"https://a/x_(y)"}));
    EXPECT_EQ(urls_in("(https://a/x_(y)),"), (list{"https://a/x_(y)"}));
    EXPECT_EQ(urls_in("[https://a/x]({y})"), (list{"https://a/x]({y})"}));
    EXPECT_EQ(urls_in("https://a/x?!;:"), (list{"https://a/x"}));
    EXPECT_EQ(urls_in("{\\\"u\\\":\\\"https://a/x\\\"}"), (list{"https://a/x"}));
}

TEST(url_text, finds_urls_inside_urls) {
    EXPECT_EQ(urls_in("https://a/https://b/?x=http://c/)"),
              (list{"https://a/https://b/?x=http://c/", "https://b/?x=", "http://c/"}));
}

TEST(url_text, ends_a_url_in_a_query_with_its_parameter) {
    EXPECT_EQ(urls_in("https://a/?u=https://b/x&v=http://c;w"),
              (list{"https://a/?u=https://b/x&v=http://c;w", "https://b/x", "http://c"}));
    EXPECT_EQ(urls_in("https://a/https://b/&c;d"), (list{"https://a/https://b/&c;d", "https://b/&c;d"}));
    EXPECT_EQ(urls_in("https://a/?b#https://c&d https://e/f&https://g"),
              (list{"https://a/?b#https://c&d", "https://c&d", "https://e/f&https://g", "https://g"}));
    EXPECT_EQ(redact_urls("https://a/?u=https://b:c&hdnts=http://d&e=f@g"),
              "https://a/?u=https://b:c&hdnts=REDACTED&e=f@g");
}

TEST(url_text, sees_expiring_urls) {
    for (const char *text :
         {"a https://a/x?X-Amz-Signature=1 b", "https://user:pw@a/", "https://user@a/", "\"https://a/?a=b&HDNTS=\"",
          "https://a/?q-%73ignature=1", "https://bad host/x https://a b?hdnts=1 https://a/%?q-signature=2",
          "https://a/%?q-signature=2", "https:///?q-signature=2", "https://a/?x=https://u:p@b",
          "https://a/#https://b/?q-signature=1", "https://a/?b=https://c/?q-signature=1", "(https://a/?q-signature)"})
        EXPECT_TRUE(has_expiring_url(text)) << text;
    // With blanks in its path that nobody encoded; without its scheme or its host, as Supabase gives them.
    for (const char *text :
         {"https://a/my file.png?X-Amz-Signature=1", "see https://a/ ?q-signature=1", "https://a/b c d?e=1&hdnts=2 f",
          "https://a/hdnts=1 is it ok? y", "https://a/bcdn_token=k&expires=1700000000 is it ok?",
          "https://a/?u=https%3A%2F%2Fb%2Fmy%20file.png%3Fhdnts%3D1", "/object/sign/b/a.png?token=eyJ", "//a/x?hdnts=1",
          "/_next/image?url=https%3A%2F%2Fa%2Fx%3Fq-signature%3D1", R"(\/object\/sign\/b\/a.png?token=eyJ)",
          R"(https\u003a//a/\u0020?q-signature=1)"})
        EXPECT_TRUE(has_expiring_url(text)) << text;
    // As JSON writes it: PHP escapes slashes, Go ampersands, and JSON may stand in JSON.
    for (const char *text :
         {R"({"u":"https:\/\/a\/x?X-Amz-Signature=1"})", R"({"u":"https://a/x?b=1\u0026X-Amz-Signature=1"})",
          R"({"u":"https:\/\/u:p@b\/"})", R"("{\"u\":\"https:\\\/\\\/a\\\/x?b=1\\u0026q-signature=1\"}")",
          R"(https\u003A\u002f/a/?hdnts\u003d1)"})
        EXPECT_TRUE(has_expiring_url(text)) << text;
    // As HTML writes it, once or twice, or a template that escapes slashes, too.
    for (const char *text :
         {"https://a/?Expires=1&#38;Signature=S&#38;Key-Pair-Id=K",
          "https://a/?Expires=1&#x26;Signature=S&#X26;Key-Pair-Id=K", "https://a/?b=1&amp;#038;q-signature=1",
          "https:&#x2F;&#x2F;a&#47;?q-signature&#61;1", "https://a/?b=1&amp;hdnts=1"})
        EXPECT_TRUE(has_expiring_url(text)) << text;
    // Without a scheme: the first line of a request, a bare host; encoded in a form.
    for (const char *text :
         {"\"GET /k?X-Amz-Signature=1 HTTP/1.1\" 403", "see a.s3.example/k?b=1&X-Amz-Signature=1.", "(//a/b?hdnts=1)",
          "a/x?q-signature=1", "status=failed&url=https%3A%2F%2Fa%2Fk%3FX-Amz-Signature%3D1&b=c",
          "u: https%3a%2f%2fa/?q-signature=1", "x=https%253A%252F%252Fa%252F%253Fq-signature%253D1"})
        EXPECT_TRUE(has_expiring_url(text)) << text;
    for (const char *text : {R"({"u":"https:\/\/a\/x"})", R"(https://a/x\u00)", R"(\)", "https://a/?b=1&#38", "&#",
                             "&amp;#", "a?q-signature=1", "https%3A%2F%2Fa%2F%3Fb%3D1", "//u@a/x?hdnts=1", "/?",
                             R"(https:\u002\u00zz a?q-signature=1)", R"(C:\\a?q-signature=1)"})
        EXPECT_FALSE(has_expiring_url(text)) << text;
    for (const char *text :
         {"", "https://a/x", "hdnts=1 https://a/x q-signature=2", "https://a/x#q-signature=1",
          "user@example.com https://a/@x", "ftp://a/?q-signature=1", "https://a ?q-signature=1",
          "https://a/x y\n?q-signature=1", "https://a/x y \"?q-signature=1", "https://a/x#y ?q-signature=1",
          "https://a/x y #?q-signature=1", "https://a/x is ours, http://b is not ?q-signature=1", "/", "//", "/x",
          "// ask bob@a.example?", "//bob@a.example", "/x ?q-signature=1"})
        EXPECT_FALSE(has_expiring_url(text)) << text;
}

// What a text goes on with behind a URL is no part of a value that has to look like something.
TEST(url_text, sees_values_before_what_is_no_part_of_them) {
    const std::string hash = "-0-0-0123456789abcdef0123456789abcdef";
    for (const char *behind : {"", "\\nDone", ",code=403", "|b", ")", "](x", "}{", "'x", "`x", "\\", "\u00a0x",
                               "\u200bx", "\uff0cx", "\u300bx", "*", ".", "&x=1", "#x"}) {
        EXPECT_TRUE(has_expiring_url("https://a/?token=S&expires=1700000000" + std::string(behind))) << behind;
        EXPECT_TRUE(has_expiring_url("https://a/?token=1700000000_abcd" + std::string(behind))) << behind;
        EXPECT_TRUE(has_expiring_url("https://a/?auth_key=1700000000" + hash + behind)) << behind;
        EXPECT_TRUE(has_expiring_url("https://a/?sig=S&exp=1700000000" + std::string(behind))) << behind;
    }
    for (const char *url :
         {"https://a/?token=S&expires=1700000000x", "https://a/?token=S&expires=1700000000_1",
          "https://a/?token=S&expires=1700000000%41", "https://a/?token=abc&expires=2026/01/01",
          "https://a/?token=abc&expires=12:30", "https://a/?token=ab&expires=7%20days",
          "https://a/?token=ab&expires=7+days", "https://a/?token=ab&expires=7,5", "https://a/?sig=abc&exp=1.5",
          "https://a/i.png?token=1234567890_abcd.png", "https://a/?token=123456789_abcdef/foo/bar"}) {
        EXPECT_FALSE(has_expiring_url(url)) << url;
        EXPECT_TRUE(is_permanent_url(url)) << url;
    }
}

// What nobody signed stays as it is.
TEST(url_text, leaves_forms_and_links_alone) {
    for (const char *text :
         {"website=https%3A%2F%2Fexample.com&email=bob%40example.com",
          "utm=1&ref=https%3A%2F%2Fshop.com&contact=me@shop.com&x=2", "https%3A%2F%2Fexample.com,bob@example.com",
          "q=https%253A%252F%252Fexample.com&e=a@b.com", "redirect%3Dhttps%3A%2F%2Fa.com%26login_hint%3Dbob%40a.com",
          "is it 1/2? yes: a=b", "and/or? sig=1 se=2", "a/b?c=d&e=https://x/",
          "is https://a/x ok? [a](/b?c=d) or 'x/y?z'"}) {
        EXPECT_FALSE(has_expiring_url(text)) << text;
        EXPECT_FALSE(redact_urls(text)) << text;
    }
}

// A word ends where what opened before it is closed, and where a URL begins.
TEST(url_text, cuts_no_more_than_the_word) {
    const std::pair<const char *, const char *> cases[] = {
        {"fetch('/b/k?X-Amz-Signature=abc').then(r=>r.json())",
         "fetch('/b/k?X-Amz-Signature=REDACTED').then(r=>r.json())"},
        {"{'path':'/b/k?X-Amz-Signature=abc','x':'keep this'}",
         "{'path':'/b/k?X-Amz-Signature=REDACTED','x':'keep this'}"},
        {"[link](/b/k?X-Amz-Signature=abc)[two](/c/d?x=1)", "[link](/b/k?X-Amz-Signature=REDACTED)[two](/c/d?x=1)"},
        {"`/b/k?X-Amz-Signature=abc`,more/stuff", "`/b/k?X-Amz-Signature=REDACTED`,more/stuff"},
        {"GET /b/k?X-Amz-Signature=abc&redirect=https://foo.com/ HTTP/1.1",
         "GET /b/k?X-Amz-Signature=REDACTED&redirect=https://foo.com/ HTTP/1.1"},
        {"url=https%3A%2F%2Fs3%2Fk%3FX-Amz-Signature%3Dabc&next=https://foo.com/",
         "url=https%3A%2F%2Fs3%2Fk%3FX-Amz-Signature%3DREDACTED&next=https://foo.com/"},
        {"?url=https%3A%2F%2Fs3%2Fk%3FX-Amz-Signature%3Dabc;x",
         "?url=https%3A%2F%2Fs3%2Fk%3FX-Amz-Signature%3DREDACTED;x"},
        {"foo?url=https:%2F%2Fs3%2Fk%3FX-Amz-Signature%3Dabc",
         "foo?url=https:%2F%2Fs3%2Fk%3FX-Amz-Signature%3DREDACTED"},
        {"a=1&url=https%3A//s3/k%3FX-Amz-Signature%3Dabc", "a=1&url=https%3A//s3/k%3FX-Amz-Signature%3DREDACTED"},
    };
    for (const auto &[text, cut] : cases)
        EXPECT_EQ(redact_urls(text).value_or("nothing"), cut) << text;
}

// As a list becomes a text: each keeps its own parameters.
TEST(url_text, cuts_secrets_of_joined_urls) {
    for (const std::string between : {",", ";", "'", "`", ")", "](", "|", "\\", "\uff0c", "&quot;,&quot;", "&lt;"}) {
        const auto joined = [&](const char *first, const char *second) {
            return "https://a/x?token=" + std::string(first) + "&expires=1700000000" + between +
                   "https://b/?token=" + second + "&expires=1700000001";
        };
        EXPECT_EQ(redact_urls(joined("S1", "S2")), joined("REDACTED", "REDACTED"));
        const auto alone = [&](const char *one) { return "https://a/?X-Amz-Signature=" + std::string(one); };
        const std::string cut = redact_urls(alone("S1") + between + alone("S2")).value_or("S1");
        EXPECT_TRUE(cut.starts_with(alone("REDACTED")) && cut.ends_with(alone("REDACTED"))) << cut;
    }
}

TEST(url_text, cuts_secrets_of_escaped_urls_only) {
    const std::pair<const char *, const char *> cases[] = {
        {R"({"u":"https:\/\/a\/x?X-Amz-Signature=5f\/0c","b":"c\/d"})",
         R"({"u":"https:\/\/a\/x?X-Amz-Signature=REDACTED","b":"c\/d"})"},
        {R"({"u":"https://a/x?b=1\u0026X-Amz-Signature=5f0c\u0026c=2","d":"\u0041"})",
         R"({"u":"https://a/x?b=1\u0026X-Amz-Signature=REDACTED\u0026c=2","d":"\u0041"})"},
        {R"("{\"u\":\"https:\\\/\\\/user:pw@a\"}")", R"("{\"u\":\"https:\\\/\\\/user:REDACTED@a\"}")"},
        {R"(https:\/\/a\/?hdnts=1)", R"(https:\/\/a\/?hdnts=REDACTED)"},
        {R"(https://\u0023@\u003fhdnts=a)", R"(https://REDACTED@\u003fhdnts=REDACTED)"}};
    for (const auto &[text, cut] : cases) {
        EXPECT_EQ(redact_urls(text), cut) << text;
        EXPECT_FALSE(redact_urls(cut)) << cut;
    }
}

TEST(url_text, cuts_secrets_only) {
    const std::pair<const char *, const char *> cases[] = {
        {"https://a/x?X-Amz-Expires=86400&X-Amz-Signature=5f0c&b=1",
         "https://a/x?X-Amz-Expires=86400&X-Amz-Signature=REDACTED&b=1"},
        {"x (https://a/?hdnts=abc), y", "x (https://a/?hdnts=REDACTED), y"},
        {"https://user:pw@a/?q=1", "https://user:REDACTED@a/?q=1"},
        {"https://user:p:w@x@a/", "https://user:REDACTED@a/"},
        {"https://ghp_1@a/", "https://REDACTED@a/"},
        {"https://key:@a/", "https://REDACTED:@a/"},
        {"https://:pw@a/", "https://:REDACTED@a/"},
        {"https://a/?Policy=p1;Key-Pair-Id=K;Signature=s1#f",
         "https://a/?Policy=REDACTED;Key-Pair-Id=K;Signature=REDACTED#f"},
        {"{\\\"u\\\":\\\"https://a/?b=1\\u0026q-signature=xyz\\\",\\\"v\\\":1}",
         "{\\\"u\\\":\\\"https://a/?b=1\\u0026q-signature=REDACTED\\\",\\\"v\\\":1}"},
        {"https://a/?q-signature=abc).&b=1", "https://a/?q-signature=REDACTED).&b=1"},
        {"https://a/?q-%73%69gnature=x%20y", "https://a/?q-%73%69gnature=REDACTED"},
        {"https://a/?hdnts=https://b/?q-signature=1&hdnts=2", "https://a/?hdnts=REDACTED&hdnts=REDACTED"},
        {"https://a/"
         "?OSSAccessKeyId=k&x-oss-security-token=t&security-token=u&X-Goog-Signature=v&X-Amz-Security-Token=w&x-oss-"
         "signature=x",
         "https://a/"
         "?OSSAccessKeyId=k&x-oss-security-token=REDACTED&security-token=REDACTED&X-Goog-Signature=REDACTED&X-Amz-"
         "Security-Token="
         "REDACTED&x-oss-signature=REDACTED"},
        {"https://a/my file.png?X-Amz-Signature=5f0c&b=1 and c",
         "https://a/my file.png?X-Amz-Signature=REDACTED&b=1 and c"},
        {"https://a/hdnts=x and much prose, ok? y", "https://a/hdnts=REDACTED and much prose, ok? y"},
        {"https://a/?u=https%3A%2F%2Fb%2Fmy%20file.png%3Fhdnts%3D1",
         "https://a/?u=https%3A%2F%2Fb%2Fmy%20file.png%3Fhdnts%3DREDACTED"},
        {"/object/sign/b/a.png?token=eyJ&c=1", "/object/sign/b/a.png?token=REDACTED&c=1"},
        {"https://h/https://https%3A%2F%2Fh%2F%3FX-Amz-Signature%3DS/&u:S@h/",
         "https://h/https://https%3A%2F%2Fh%2F%3FX-Amz-Signature%3DREDACTED&u:REDACTED@h/"},
        {"'https://a/?q-signature=1' https://b/?q-signature=2",
         "'https://a/?q-signature=REDACTED' https://b/?q-signature=REDACTED"},
    };
    for (const auto &[text, cut] : cases) {
        EXPECT_EQ(redact_urls(text).value_or("nothing"), cut) << text;
        EXPECT_FALSE(redact_urls(cut)) << cut;
    }
}

TEST(url_text, leaves_texts_without_secrets) {
    for (const char *text :
         {"", "x", "https://a/x?b=1", "https://a/?X-Amz-Expires=1&X-Amz-Credential=AK",
          "https://a/?hdnts=", "https://a/?hdnts", "https://a/?q-signature=REDACTED", "https://u:REDACTED@a/",
          "https://@a/", "https://:@a/", "hdnts=abc", "https://a/#hdnts=abc", "https://a/?q-signature=)"})
        EXPECT_FALSE(redact_urls(text)) << text;
}

TEST(url_text, takes_linear_time) {
    const auto begin = std::chrono::steady_clock::now();
    std::string chain;
    std::string brackets = "https://a/?q-signature=";
    while (chain.size() < (8u << 20))
        chain += "http://";
    for (int i = 0; i < (4 << 20); ++i)
        brackets += "(]";
    EXPECT_FALSE(has_expiring_url(chain));
    EXPECT_TRUE(has_expiring_url(chain + "a/?q-signature=1"));
    EXPECT_FALSE(redact_urls(chain));
    EXPECT_TRUE(redact_urls(brackets));
    std::string signatures;
    while (signatures.size() < (8u << 20))
        signatures += "https://a/?q-signature=1&";
    EXPECT_TRUE(redact_urls(signatures));
    std::string escaped;
    while (escaped.size() < (4u << 20))
        escaped += R"(https:\/\/a\/?q-signature=1\u0026)";
    EXPECT_TRUE(redact_urls(escaped));
    std::string chain_of_secrets = "\\ http://?=http://?hdnts=";
    for (int i = 0; i < 100000; ++i)
        chain_of_secrets += "%26http://";
    const auto cut = redact_urls(chain_of_secrets + "%3A");
    EXPECT_TRUE(cut && !redact_urls(*cut));
    for (const char *part :
         {"a/?b%3a%2f%2f", "?", "(a/?", "(a/?)", "%3a%2f%2f,", "(%3a//)", "x-https://?", "//a@b?", "&amp;"}) {
        std::string words;
        while (words.size() < (4u << 20))
            words += part;
        EXPECT_FALSE(redact_urls(words)) << part;
        EXPECT_FALSE(has_expiring_url(words)) << part;
    }
    std::string entities;
    while (entities.size() < (8u << 20))
        entities += "&amp;&#38;";
    EXPECT_FALSE(redact_urls(entities));
    std::string blanks;
    while (blanks.size() < (8u << 20))
        blanks += "https://a/x ";
    EXPECT_FALSE(has_expiring_url(blanks));
    EXPECT_FALSE(has_expiring_url("https://a/x" + std::string(8u << 20, ' ')));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)); // hours, were it quadratic
}

// Texts made of the pieces that the rules look at, in any order.
rc::Gen<std::string> url_text() {
    const auto piece = rc::gen::element<std::string>(
        "https://", "http://", "q-signature=", "hdnts=", "&", ";", "?", "#", "/", "@", ":", "a", "b.example",
        "REDACTED", "(", ")", "[", "]", "{", "}", "'", "`", "\"", "<", " ", ".", ",", "\\", "\\u0026", "\\u003d",
        "\\u0023", "\\u003f", "\\/", "\\\\u0026", "q-%73ignature=", "é", "=", "expires=", "token=", "1", "%3A%2F%2F",
        "%2F", "%25", "%3F", "%26", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDM2MDB9.", "bcdn_token=");
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                        [](const std::vector<std::string> &pieces) {
                            std::string text;
                            for (const auto &p : pieces)
                                text += p;
                            return text;
                        });
}

RC_GTEST_PROP(url_text, redacting_twice_is_redacting_once, ()) {
    const std::string text = *url_text();
    const auto once = redact_urls(text);
    if (once)
        RC_ASSERT(!redact_urls(*once));
    // What there was to cut was expiring.
    if (once)
        RC_ASSERT(has_expiring_url(text));
}

RC_GTEST_PROP(url_text, permanent_urls_hold_nothing_expiring_of_their_own, ()) {
    const std::string url = "https://a/" + *rc::gen::suchThat(url_text(), [](const std::string &s) {
                                return s.find("://") == std::string::npos;
                            });
    const auto fault = check_url(url).fault;
    if (fault == url_fault::credentials || fault == url_fault::signature)
        RC_ASSERT(!is_permanent_url(url));
    // In a text these end a URL; check_url takes one whole.
    const std::string plain = without_escapes(url).value_or(url);
    if (plain.find_first_of("'` \"<>") == std::string::npos && fault == url_fault::none)
        RC_ASSERT(!has_expiring_url(url));
}

} // namespace
} // namespace mega::core
