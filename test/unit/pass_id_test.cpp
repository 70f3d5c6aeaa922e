#include "core/pass_id.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mega::core {
namespace {

constexpr const char *uuid = "0193e0a4-7b1c-7def-8a01-23456789abcd";

TEST(pass_id, accepts_the_shape) {
    for (const char *s : {"pass:shopify:7204411506841", "pass:user:0193e0a4-7b1c-7def-8a01-23456789abcd",
                          "pass:anon:0193e0a4-7b1c-7def-8a01-23456789abcd", "pass:shopify:leila@example.com",
                          "pass:shopify:a:b", "pass:x:y", "pass:shopify:é", "pass:shopify:two words"})
        EXPECT_TRUE(is_pass_id(s)) << s;
}

TEST(pass_id, refuses_other_shapes) {
    for (const char *s :
         {"", "pass:", "pass::", "pass::x", "pass:shopify", "pass:shopify:", "Pass:shopify:1", " pass:shopify:1",
          "pass:Shopify:1", "pass:shop1:1", "pass:shop-ify:1", "pass:shöp:1", "shopify:1", "passshopify:1"})
        EXPECT_FALSE(is_pass_id(s)) << s;
}

TEST(pass_id, refuses_whitespace_at_the_ids_ends_and_controls) {
    for (const char *s : {"pass:shopify: 1", "pass:shopify:1 ", "pass:shopify: ", "pass:shopify:\xC2\xA0",
                          "pass:shopify:1\xE3\x80\x80", "pass:shopify:a\nb", "pass:shopify:a\x7F",
                          "pass:shopify:a\xC2\x85"
                          "b"})
        EXPECT_FALSE(is_pass_id(s)) << s;
}

TEST(pass_id, wants_a_uuid_behind_user_and_anon) {
    for (const char *s :
         {"pass:user:1", "pass:anon:x", "pass:user:0193e0a47b1c7def8a0123456789abcd",
          "pass:user:{0193e0a4-7b1c-7def-8a01-23456789abcd}", "pass:anon:0193e0a4-7b1c-7def-8a01-23456789abcd0"})
        EXPECT_FALSE(is_pass_id(s)) << s;
    EXPECT_TRUE(is_pass_id("pass:users:1"));
    EXPECT_TRUE(is_pass_id("pass:users:ABC"));
}

TEST(pass_id, wants_uuids_in_lower_case) {
    for (const char *s :
         {"pass:user:0193E0A4-7B1C-7DEF-8A01-23456789ABCD", "pass:anon:0193e0a4-7b1c-7def-8a01-23456789abcD"})
        EXPECT_EQ(check_pass_id(s), pass_id_fault::capitals) << s;
}

TEST(pass_id, says_what_is_wrong) {
    const std::pair<const char *, pass_id_fault> cases[] = {{"", pass_id_fault::blank},
                                                            {"\xC2\xA0", pass_id_fault::blank},
                                                            {"pass:x:a\nb", pass_id_fault::control_character},
                                                            {"leila", pass_id_fault::no_prefix},
                                                            {"pass:leila", pass_id_fault::no_prefix},
                                                            {"Pass:x:1", pass_id_fault::no_prefix},
                                                            {"pass::1", pass_id_fault::kind},
                                                            {"pass:X:1", pass_id_fault::kind},
                                                            {"pass:x:", pass_id_fault::no_id},
                                                            {"pass:x: 1", pass_id_fault::blank_ends},
                                                            {"pass:x:1\xE2\x80\xAF", pass_id_fault::blank_ends},
                                                            {"pass:x:\xEF\xBB\xBF"
                                                             "1",
                                                             pass_id_fault::blank_ends},
                                                            {"pass:user:1", pass_id_fault::no_uuid}};
    for (const auto &[s, fault] : cases) {
        EXPECT_EQ(check_pass_id(s), fault) << s;
        EXPECT_TRUE(sentence(fault).ends_with('.')) << s;
    }
    EXPECT_EQ(check_pass_id("pass:x:" + std::string(506, 'x')), pass_id_fault::too_long);
    EXPECT_EQ(sentence(pass_id_fault::none), "");
}

TEST(pass_id, knows_the_canonical_spelling) {
    EXPECT_EQ(canonical_pass_id("pass:user:0193E0A4-7B1C-7DEF-8A01-23456789ABCD"),
              "pass:user:0193e0a4-7b1c-7def-8a01-23456789abcd");
    EXPECT_EQ(canonical_pass_id("pass:anon:0193e0a4-7b1c-7def-8a01-23456789abcD"), std::string("pass:anon:") + uuid);
    EXPECT_EQ(canonical_pass_id("pass:shopify:gid://shopify/Customer/1301"), "pass:shopify:1301");
    for (const char *s : {"pass:user:0193e0a4-7b1c-7def-8a01-23456789abcd", "pass:shopify:1301", "pass:shopify:LEILA",
                          "pass:x:0193E0A4-7B1C-7DEF-8A01-23456789ABCD", "pass:user:LEILA", "pass:shopify:undefined",
                          "pass:shopify:gid://shopify/Customer/", "LEILA", ""})
        EXPECT_FALSE(canonical_pass_id(s)) << s;
}

TEST(pass_id, bounds_the_whole_length) {
    const std::string prefix = "pass:shopify:";
    EXPECT_TRUE(is_pass_id(prefix + std::string(512 - prefix.size(), '1')));
    EXPECT_FALSE(is_pass_id(prefix + std::string(513 - prefix.size(), '1')));
}

TEST(pass_id, knows_canonical_uuids) {
    EXPECT_TRUE(is_uuid(uuid));
    std::string s = uuid;
    for (std::size_t i = 0; i < s.size(); ++i) {
        std::string broken = s;
        broken[i] = s[i] == '-' ? 'a' : 'g';
        EXPECT_FALSE(is_uuid(broken)) << broken;
        broken[i] = s[i] == '-' ? '_' : '-';
        EXPECT_FALSE(is_uuid(broken)) << broken;
    }
    EXPECT_FALSE(is_uuid(s.substr(1)));
    EXPECT_FALSE(is_uuid(s + "0"));
}

TEST(pass_id, knows_absent_shopify_ids) {
    for (const char *s : {"", "  ", "anonymous", " Anonymous\n", "ANONYMOUS", "undefined", "null", "NULL", "NaN",
                          "none", "None", "[object Object]", "\xC2\xA0undefined\xE2\x80\xAF", "\xEF\xBB\xBF",
                          "gid://shopify/Customer/", "gid://shopify/Customer/undefined"})
        EXPECT_EQ(plain_shopify_id(s), "") << s;
    for (const char *s : {"1", "anonymous1", "anon", "nulls", "0", "gid://shopify/Order/1", "a b"})
        EXPECT_EQ(plain_shopify_id(s), s);
}

TEST(pass_id, takes_off_what_stands_around_a_shopify_id) {
    for (const char *s : {"1301", " 1301\n", "1301\xC2\xA0",
                          "\xEF\xBB\xBF"
                          "1301",
                          "\xE2\x80\xAF"
                          "1301",
                          "gid://shopify/Customer/1301", "GID://Shopify/customer/1301 ",
                          " gid://shopify/Customer/\xC2\xA0"
                          "1301"})
        EXPECT_EQ(plain_shopify_id(s), "1301") << s;
}

} // namespace
} // namespace mega::core
