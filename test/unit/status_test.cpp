#include "core/status.hpp"

#include <gtest/gtest.h>

namespace mega::core {
namespace {

constexpr mma_status all[] = {mma_status::queued,   mma_status::scanning, mma_status::prompting, mma_status::generating,
                              mma_status::postscan, mma_status::done,     mma_status::error};

TEST(status, names_round_trip) {
    for (mma_status s : all)
        EXPECT_EQ(parse_mma_status(name(s)), s);
    EXPECT_EQ(name(mma_status::postscan), "postscan");
    for (const char *s : {"", "Done", "running", "errors"})
        EXPECT_FALSE(parse_mma_status(s)) << s;
}

// I9 written out: row from, column to; the second half is error.
TEST(status, moves_forward_only) {
    const bool without_url[7][7] = {// queued scanning prompting generating postscan done error
                                    {true, true, true, true, true, true, true},        // queued
                                    {false, true, true, true, true, true, true},       // scanning
                                    {false, false, true, true, true, true, true},      // prompting
                                    {false, false, false, true, true, true, true},     // generating
                                    {false, false, false, false, true, true, true},    // postscan
                                    {false, false, false, false, false, true, false},  // done
                                    {false, false, false, false, false, false, true}}; // error
    for (int from = 0; from < 7; ++from)
        for (int to = 0; to < 7; ++to) {
            EXPECT_EQ(may_move(all[from], all[to], false), without_url[from][to])
                << name(all[from]) << " " << name(all[to]);
            const bool late_result = all[from] == mma_status::error && all[to] == mma_status::done;
            EXPECT_EQ(may_move(all[from], all[to], true), without_url[from][to] || late_result);
        }
}

TEST(status, may_begin_anywhere) {
    for (mma_status s : all)
        EXPECT_TRUE(may_move(std::nullopt, s, false));
    EXPECT_FALSE(may_move(std::optional(mma_status::done), mma_status::queued, true));
}

TEST(status, has_an_outcome) {
    for (mma_status s : all)
        EXPECT_EQ(outcome(s), s == mma_status::done ? "succeeded" : s == mma_status::error ? "failed" : "pending");
    for (const char *s : {"pending", "succeeded", "failed"})
        EXPECT_TRUE(is_outcome(s)) << s;
    for (const char *s : {"", "done", "Pending", "rendering"})
        EXPECT_FALSE(is_outcome(s)) << s;
}

TEST(status, knows_modes_and_event_types) {
    EXPECT_TRUE(is_mma_mode("still"));
    EXPECT_TRUE(is_mma_mode("video"));
    EXPECT_FALSE(is_mma_mode("motion"));
    EXPECT_FALSE(is_mma_mode(""));
    for (const char *s : {"like", "dislike", "download", "preference_set", "create", "tweak", "feedback"})
        EXPECT_TRUE(is_event_type(s)) << s;
    for (const char *s : {"", "Like", "love"})
        EXPECT_FALSE(is_event_type(s)) << s;
}

} // namespace
} // namespace mega::core
