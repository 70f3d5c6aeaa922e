#include "core/decimal.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace mega::core {
namespace {

std::string shown(std::string_view s) {
    const auto value = decimal::parse(s);
    return value ? value->text() : "none";
}

TEST(decimal, parses_and_writes_the_shortest_form) {
    const std::pair<const char *, const char *> cases[] = {{"1.8", "1.8"},
                                                           {"-999", "-999"},
                                                           {"2.50", "2.5"},
                                                           {"1E-3", "0.001"},
                                                           {"0", "0"},
                                                           {"-0", "0"},
                                                           {"-0.0000004", "0"},
                                                           {"0.0000005", "0.000001"},
                                                           {"-0.0000005", "-0.000001"},
                                                           {"0.00000049999", "0"},
                                                           {"1.0000005", "1.000001"},
                                                           {"1e3", "1000"},
                                                           {"1.5e+2", "150"},
                                                           {"-0.5", "-0.5"},
                                                           {"12345e-4", "1.2345"},
                                                           {"5e-7", "0.000001"},
                                                           {"4e-7", "0"},
                                                           {"9e-8", "0"},
                                                           {"1e-400", "0"},
                                                           {"0e400", "0"},
                                                           {"0.0e99999999999999999999", "0"},
                                                           {"1e-99999999999999999999", "0"},
                                                           {"999999.9999995", "1000000"},
                                                           {"9223372036854.775807", "9223372036854.775807"},
                                                           {"-9223372036854.775807", "-9223372036854.775807"},
                                                           {"-9223372036854.775808", "-9223372036854.775808"},
                                                           {"0.100000", "0.1"},
                                                           {"10", "10"},
                                                           {"100.010", "100.01"}};
    for (const auto &[in, out] : cases)
        EXPECT_EQ(shown(in), out) << in;
}

TEST(decimal, refuses_what_is_no_number_or_too_large) {
    for (const char *s : {"",
                          "-",
                          "+1",
                          "01",
                          ".5",
                          "1.",
                          "1e",
                          "1e+",
                          "NaN",
                          "Infinity",
                          "0x1",
                          " 1",
                          "1 ",
                          "1,5",
                          "--1",
                          "1e1.5",
                          "1e400",
                          "-1e400",
                          "1e99999999999999999999",
                          "9223372036854.775808",
                          "9223372036855",
                          "1e13",
                          "9223372036854.7758075",
                          "-9223372036854.7758085"})
        EXPECT_EQ(shown(s), "none") << s;
}

TEST(decimal, adds_exactly) {
    EXPECT_EQ(decimal::sum(*decimal::parse("1.8"), *decimal::parse("1"))->text(), "2.8");
    EXPECT_EQ(decimal::sum(*decimal::parse("0.1"), *decimal::parse("0.2"))->text(), "0.3");
    EXPECT_EQ(decimal::sum(*decimal::parse("1"), *decimal::parse("-1"))->text(), "0");
    EXPECT_FALSE(decimal::sum(decimal::from_micros(INT64_MAX), decimal::from_micros(1)));
    EXPECT_FALSE(decimal::sum(decimal::from_micros(INT64_MIN), decimal::from_micros(-1)));
    EXPECT_FALSE(decimal::from_micros(INT64_MIN).negated());
    EXPECT_EQ(decimal::from_micros(5).negated()->micros(), -5);
}

TEST(decimal, takes_time_linear_in_the_text) {
    EXPECT_EQ(shown("0." + std::string(1 << 20, '0') + "1"), "0");
    EXPECT_EQ(shown("1." + std::string(1 << 20, '9')), "2");
    EXPECT_EQ(shown(std::string(1 << 20, '9')), "none");
    EXPECT_EQ(shown("0." + std::string(1 << 20, '0') + "1e1048577"), "1");
}

RC_GTEST_PROP(decimal, round_trips, (std::int64_t micros)) {
    const decimal value = decimal::from_micros(micros);
    RC_ASSERT(decimal::parse(value.text()) == value);
}

} // namespace
} // namespace mega::core
