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
              "a b c");
    EXPECT_EQ(without_control_characters("\r\n a\t\n"), "  a ");
    EXPECT_EQ(without_control_characters("\xC3\xA9\xC2\xA0\xE4\xB8\xAD"), "\xC3\xA9\xC2\xA0\xE4\xB8\xAD");
}

// The same bytes in a database of another encoding.
class text_of_another_host : public testing::Test {
protected:
    static inline character_set now = character_set::utf8;
    static character_set set() noexcept { return now; }
    static std::size_t by_twos(std::string_view, std::size_t room) noexcept { return room / 2 * 2; }
    static std::size_t by_letters(std::string_view s, std::size_t room) noexcept {
        while (room > 0 && (static_cast<unsigned char>(s[room]) & 0xC0) == 0x80)
            --room;
        return room;
    }
    void SetUp() override { use_text_host({set, by_twos}); }
    void TearDown() override {
        now = character_set::utf8;
        use_text_host({set, by_letters});
    }
};

TEST_F(text_of_another_host, has_its_own_control_characters) {
    const auto controls = [](character_set which, std::string_view s) {
        now = which;
        return has_control_character(s);
    };
    EXPECT_TRUE(controls(character_set::utf8, "a\xC2\x85"));
    EXPECT_FALSE(controls(character_set::utf8, "\xE6\x85\x85")); // U+6145
    EXPECT_TRUE(controls(character_set::iso_8859, "a\x85"));
    EXPECT_FALSE(controls(character_set::iso_8859, "a\xE9"));
    for (const auto which : {character_set::windows, character_set::euc, character_set::other}) {
        EXPECT_FALSE(controls(which, "\xC2\x85\x8E\xB1"));
        EXPECT_TRUE(controls(which, "\xC2\x85\x7F"));
    }
}

TEST_F(text_of_another_host, has_its_own_blanks) {
    const auto blank = [](character_set which, std::string_view s) {
        now = which;
        return is_blank(s) && has_blank_ends(s) && has_blank_ends("x" + std::string(s));
    };
    EXPECT_TRUE(blank(character_set::utf8, "\xC2\xA0\xE3\x80\x80"));
    EXPECT_TRUE(blank(character_set::iso_8859, "\xA0"));
    EXPECT_TRUE(blank(character_set::windows, "\xA0"));
    EXPECT_TRUE(blank(character_set::euc, "\xA1\xA1"));
    EXPECT_FALSE(blank(character_set::euc, "\xA1\xA2"));
    EXPECT_FALSE(blank(character_set::utf8, "\xA0"));
    EXPECT_FALSE(blank(character_set::other, "\xA0"));
}

TEST_F(text_of_another_host, is_cut_where_the_host_says) {
    EXPECT_EQ(beginning_of("abcde", 3), "ab");
    EXPECT_EQ(beginning_of("abc", 3), "abc");
}

} // namespace
} // namespace mega::core
