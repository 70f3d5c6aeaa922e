#include "core/uuid_v7.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "core/pass_id.hpp"

namespace mega::core {
namespace {

constinit uuid_v7_source static_source;
static_assert(std::is_trivially_destructible_v<uuid_v7_source>);

constexpr std::array<std::uint8_t, 10> ones = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
constexpr std::array<std::uint8_t, 10> zeros = {};

std::string text(const std::array<std::uint8_t, 16> &uuid) {
    const auto chars = format_uuid(uuid);
    return {chars.begin(), chars.end()};
}

TEST(uuid_v7, has_the_layout_of_the_rfc) {
    uuid_v7_source source;
    // RFC 9562 A.6: 2022-02-22 14:22:22 UTC, 0x017F22E279B0 ms
    EXPECT_EQ(text(source.next(1645557742000000, zeros)), "017f22e2-79b0-7000-8000-000000000000");
    EXPECT_EQ(text(source.next(1645557742000500, ones)), "017f22e2-79b0-7800-bfff-ffffffffffff");
    EXPECT_EQ(text(source.next(1645557742000999, ones)), "017f22e2-79b0-7ffb-bfff-ffffffffffff");
    EXPECT_TRUE(is_uuid(text(static_source.next(0, ones))));
}

TEST(uuid_v7, runs_over_into_the_milliseconds) {
    uuid_v7_source source;
    source.next(1645557742000999, zeros);
    std::string last;
    for (int i = 0; i < 5; ++i)
        last = text(source.next(1645557742000999, zeros));
    EXPECT_EQ(last, "017f22e2-79b1-7000-8000-000000000000");
}

TEST(uuid_v7, takes_a_time_before_1970_as_1970) {
    uuid_v7_source source;
    EXPECT_EQ(text(source.next(-5, zeros)), "00000000-0000-7001-8000-000000000000");
}

RC_GTEST_PROP(uuid_v7, grows_whatever_the_clock_does, (const std::vector<std::int32_t> &clock)) {
    uuid_v7_source source;
    std::string last;
    for (std::int32_t t : clock) {
        const std::string next = text(source.next(1645557742000000 + t, zeros));
        RC_ASSERT(last < next);
        last = next;
    }
}

} // namespace
} // namespace mega::core
