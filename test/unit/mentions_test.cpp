#include "core/mentions.hpp"

#include <gtest/gtest.h>

namespace mega::core {
namespace {

const std::vector<std::string> erased_ids{"pass:shopify:7401", "pass:ad:CORP\\ada"};

std::string left(std::string_view text) { return without_mentions(text, erased_ids).value_or("(none)"); }

TEST(mentions, alone) {
    EXPECT_EQ(left("pass:shopify:7401"), "erased");
    EXPECT_EQ(left("pass:ad:CORP\\ada"), "erased");
    EXPECT_EQ(left(""), "(none)");
    EXPECT_EQ(left("nobody"), "(none)");
}

TEST(mentions, in_sentences) {
    EXPECT_EQ(left("asked for pass:shopify:7401."), "asked for erased.");
    EXPECT_EQ(left("pass:shopify:7401 and (pass:ad:CORP\\ada), pass:shopify:7401"), "erased and (erased), erased");
    EXPECT_EQ(left("customer=pass:shopify:7401;"), "customer=erased;");
    EXPECT_EQ(left("of pass:shopify:7401's"), "of erased's");
}

TEST(mentions, in_paths) {
    EXPECT_EQ(left("/customers/pass:shopify:7401/credits?x=1"), "/customers/erased/credits?x=1");
    EXPECT_EQ(left("/customers/pass%3Ashopify%3A7401"), "/customers/erased");
    EXPECT_EQ(left("/customers/pass%3ashopify%3a7401%2Fcredits"), "/customers/erased%2Fcredits");
    EXPECT_EQ(left("/go?to=%2Fpass%3Ashopify%3A7401"), "/go?to=%2Ferased");
    EXPECT_EQ(left("/customers/pass%3Aad%3ACORP%5Cada"), "/customers/erased");
}

TEST(mentions, not_of_another) {
    for (const char *text : {"pass:shopify:74011", "see pass:shopify:74011", "/customers/pass:shopify:7401-2/x",
                             "bypass:shopify:7401 x", "pass:ad:CORP\\adam", "x pass:shopify:7401.2",
                             "pass:shopify:7401/2", "of pass:shopify:7401@example.com", "a%3Apass%3Ashopify%3A74019"})
        EXPECT_EQ(left(text), "(none)") << text;
}

TEST(mentions, of_an_unusual_form_alone_only) {
    const std::vector<std::string> ids{"7401", "pass:shopify:7401/credits", "pass:shopify:7401 was refunded"};
    for (const std::string &one : ids)
        EXPECT_EQ(without_mentions(one, ids).value_or("(none)"), "erased");
    for (const char *text : {"order 7401", "/customers/pass:shopify:7401/credits", "as pass:shopify:7401 was refunded"})
        EXPECT_FALSE(without_mentions(text, ids)) << text;
}

TEST(mentions, goes_on_behind_another) {
    EXPECT_EQ(left("pass:shopify:74011 pass:shopify:7401"), "pass:shopify:74011 erased");
}

} // namespace
} // namespace mega::core
