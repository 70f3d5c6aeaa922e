#include "core/utc_time.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace mega::core {
namespace {

TEST(utc_time, writes_iso_8601) {
    EXPECT_EQ(iso_utc(1766138400000000), "2025-12-19T10:00:00Z");
    EXPECT_EQ(iso_utc(1766138400120000), "2025-12-19T10:00:00.12Z");
    EXPECT_EQ(iso_utc(1766138400000001), "2025-12-19T10:00:00.000001Z");
    EXPECT_EQ(iso_utc(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(iso_utc(-1), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(iso_utc(951782400000000), "2000-02-29T00:00:00Z");
    EXPECT_EQ(iso_utc(951868800000000), "2000-03-01T00:00:00Z");
    EXPECT_EQ(iso_utc(-2203891200000000), "1900-03-01T00:00:00Z");
    EXPECT_EQ(iso_utc(1735689599999999), "2024-12-31T23:59:59.999999Z");
}

TEST(utc_time, writes_years_that_need_more_or_go_backwards) {
    EXPECT_EQ(iso_utc(253402300800000000), "10000-01-01T00:00:00Z");
    EXPECT_EQ(iso_utc(-62135596800000000), "0001-01-01T00:00:00Z");
    EXPECT_EQ(iso_utc(-62135596800000001), "0001-12-31T23:59:59.999999Z BC");
    EXPECT_EQ(iso_utc(std::numeric_limits<std::int64_t>::max()), "294247-01-10T04:00:54.775807Z");
    EXPECT_EQ(iso_utc(std::numeric_limits<std::int64_t>::min()), "290309-12-21T19:59:05.224192Z BC");
}

TEST(utc_time, reads_what_it_writes) {
    // Every hour of years around leap days, and a fraction of every length.
    for (const std::int64_t from :
         {-62135596800000000, -2208988800000000, -1000000L, 946684800000000, 253370592000000000})
        for (std::int64_t at = from; at < from + 366LL * 86400 * 1000000; at += 3600LL * 1000000 + 10) {
            const std::string text = iso_utc(at);
            EXPECT_EQ(read_iso_utc(text), at) << text;
            EXPECT_EQ(read_iso_utc(text.substr(0, text.size() - 1) + "+00:00"), at) << text;
        }
    for (const std::int64_t fraction : {1, 10, 120000, 123456, 500000, 999999})
        EXPECT_EQ(read_iso_utc(iso_utc(951782400000000 + fraction)), 951782400000000 + fraction);
}

TEST(utc_time, reads_nothing_else) {
    for (const char *text :
         {"", "Z", "2025-12-19T10:00:00", "2025-12-19T10:00:00+01:00", "2025-12-19 10:00:00Z", "2025-02-29T00:00:00Z",
          "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-01-00T00:00:00Z", "2025-04-31T00:00:00Z",
          "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:60Z", "0000-01-01T00:00:00Z",
          "10000-01-01T00:00:00Z", "2025-12-19T10:00:00.Z", "2025-12-19T10:00:00.1234567Z", "infinity"})
        EXPECT_EQ(read_iso_utc(text), std::nullopt) << text;
}

TEST(utc_time, knows_its_own_writing) {
    for (const char *text : {"2025-12-19T10:00:00Z", "2025-12-19T10:00:00.5Z", "2025-12-19T10:00:00.000001Z",
                             "2025-12-19T10:00:00.123456Z", "0001-01-01T00:00:00Z", "9999-99-99T99:99:99Z"})
        EXPECT_TRUE(is_iso_utc(text)) << text;
    for (const char *text : {"",
                             "Z",
                             "1",
                             "yesterday",
                             "2025-12-19T10:00:00",
                             "2025-12-19T10:00:00.5",
                             "2025-12-19",
                             "2025-12-19 10:00:00Z",
                             "2025-12-19T10:00:0Z",
                             "2025-12-19T10:00:00.Z",
                             "2025-12-19T10:00:00.",
                             "2025-12-19T10:00:00.1234567Z",
                             "2025-12-19T10:00:00ZZ",
                             "2025-12-19T10:00:00+01",
                             "2025-12-19T10:00:00.12a",
                             "2025-12-19T10:00:00Z BC",
                             "10000-01-01T00:00:00Z",
                             " 2025-12-19T10:00:00Z",
                             "2025-12-19t10:00:00Z",
                             "2025-12-19T10:00:00.5 "})
        EXPECT_FALSE(is_iso_utc(text)) << text;
    EXPECT_FALSE(is_iso_utc(std::string_view("2025-12-19T10:00:0\0Z", 20)));
}

} // namespace
} // namespace mega::core
