#include "core/json.hpp"

#include <gtest/gtest.h>

namespace mega::core {
namespace {

TEST(json, keeps_kinds_apart) {
    EXPECT_TRUE(json().is_null());
    EXPECT_TRUE(json::make_boolean(true).boolean());
    EXPECT_EQ(json::make_number("1.50").number(), "1.50");
    EXPECT_EQ(json::make_string("1.50").string(), "1.50");
    EXPECT_FALSE(json::make_number("1") == json::make_string("1"));
    EXPECT_THROW((void)json::make_number("1").string(), std::bad_variant_access);
    EXPECT_EQ(json::make_array({json(), json::make_boolean(false)}).array().size(), 2u);
}

TEST(json, finds_members) {
    const json object = json::make_object({{"a", json::make_number("1")}, {"b", json()}});
    ASSERT_NE(object.find("a"), nullptr);
    EXPECT_EQ(object.find("a")->number(), "1");
    EXPECT_TRUE(object.find("b")->is_null());
    EXPECT_EQ(object.find("c"), nullptr);
    EXPECT_EQ(json::make_array().find("a"), nullptr);
}

} // namespace
} // namespace mega::core
