#include "core/text_rule.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mega::core {
namespace {

TEST(text_rule, accepts_ordinary_text) {
    EXPECT_EQ(check_text("order:1042"), text_fault::none);
    EXPECT_EQ(check_text(" with blanks around "), text_fault::none);
    EXPECT_EQ(check_text("ليلى حداد"), text_fault::none);
    EXPECT_EQ(check_text("\xC2\xA0x"), text_fault::none);
    EXPECT_EQ(check_text("\xC2"), text_fault::none); // a cut letter is not this rule's concern
}

TEST(text_rule, refuses_blank) {
    for (const char *s : {"", " ", "\t\r\n\v\f", "\xC2\xA0", " \xE3\x80\x80\xC2\xA0\n"})
        EXPECT_EQ(check_text(s), text_fault::blank) << s;
}

TEST(text_rule, bounds_the_length_in_bytes) {
    EXPECT_EQ(check_text(std::string(512, 'x')), text_fault::none);
    EXPECT_EQ(check_text(std::string(513, 'x')), text_fault::too_long);
    std::string letters;
    for (int i = 0; i < 257; ++i)
        letters += "é";
    EXPECT_EQ(check_text(letters), text_fault::too_long);
}

TEST(text_rule, refuses_control_characters) {
    using namespace std::string_view_literals;
    for (std::string_view s :
         {"a\nb"sv, "a\tb"sv, "a\0b"sv, "\x1F"sv, "a\x7F"sv, "a\xC2\x80"sv, "\xC2\x9Fz"sv, "x\xC2\x85"sv})
        EXPECT_EQ(check_text(s), text_fault::control_character) << s;
    EXPECT_EQ(check_text("\xC2\xA1"), text_fault::none);
    EXPECT_EQ(check_text("\xC3\x80"), text_fault::none);
}

TEST(text_rule, names_the_first_fault) {
    EXPECT_EQ(check_text("\n"), text_fault::blank);
    EXPECT_EQ(check_text(std::string(513, '\x01')), text_fault::too_long);
}

TEST(text_rule, trims_ascii_whitespace) {
    EXPECT_EQ(trim(" \t a b \r\n\v\f"), "a b");
    EXPECT_EQ(trim("a"), "a");
    EXPECT_EQ(trim("  "), "");
    EXPECT_EQ(trim("\xC2\xA0x"), "\xC2\xA0x");
}

TEST(text_rule, trims_every_kind_of_space) {
    const std::string spaces =
        " \t\xC2\xA0\xE1\x9A\x80\xE2\x80\x83\xE2\x80\x8B\xE2\x80\xA8\xE2\x80\xAF\xE2\x81\x9F\xE2\x81\xA0"
        "\xE3\x80\x80\xEF\xBB\xBF\n";
    EXPECT_EQ(trim_spaces(spaces + "a b" + spaces), "a b");
    EXPECT_EQ(trim_spaces(spaces), "");
    EXPECT_EQ(trim_spaces("\xC3\xA9"), "\xC3\xA9");
    EXPECT_TRUE(is_blank(spaces));
    EXPECT_FALSE(is_blank(spaces + "."));
}

TEST(text_rule, sees_blank_ends) {
    for (const char *s : {" a", "a ",
                          "\xC2\xA0"
                          "a",
                          "a\xE3\x80\x80", " "})
        EXPECT_TRUE(has_blank_ends(s)) << s;
    for (const char *s : {"", "a", "a b"})
        EXPECT_FALSE(has_blank_ends(s)) << s;
}

TEST(text_rule, replaces_control_characters) {
    EXPECT_EQ(without_control_characters(""), "");
    EXPECT_EQ(without_control_characters("pass:shopify:1"), "pass:shopify:1");
    EXPECT_EQ(without_control_characters("a\tb\x7F\xC2\x85"
                                         "c"),
              "a?b??c");
    EXPECT_EQ(without_control_characters("\xC3\xA9\xC2\xA0\xE4\xB8\xAD"), "\xC3\xA9\xC2\xA0\xE4\xB8\xAD");
}

} // namespace
} // namespace mega::core
