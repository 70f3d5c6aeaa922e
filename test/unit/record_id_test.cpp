#include "core/record_id.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mega::core {
namespace {

TEST(record_id, names_round_trip) {
    for (int i = 0; i <= static_cast<int>(record_type::app_config); ++i) {
        const auto type = static_cast<record_type>(i);
        EXPECT_EQ(parse_record_type(name(type)), type);
        EXPECT_EQ(is_ledger_type(type), i < 6);
    }
    EXPECT_EQ(name(record_type::credit_transaction), "credit_transaction");
    EXPECT_EQ(name(record_type::admin_session), "admin_session");
    EXPECT_EQ(name(record_type::app_config), "app_config");
    for (const char *s : {"", "Session", "sessions", "credit"})
        EXPECT_FALSE(parse_record_type(s)) << s;
}

TEST(record_id, accepts_the_shapes_of_the_ledger) {
    EXPECT_TRUE(is_record_id("session", "session:1"));
    EXPECT_TRUE(is_record_id("generation", "generation:gen_1"));
    EXPECT_TRUE(is_record_id("generation", "generation:a:b c"));
    EXPECT_TRUE(is_record_id("feedback", "feedback:x"));
    EXPECT_TRUE(is_record_id("credit_transaction", "credit_transaction:hold:h1"));
    EXPECT_TRUE(is_record_id("mma_event", "mma_event:e"));
    EXPECT_TRUE(is_record_id("mma_step", "mma_step:gen_1:0"));
    EXPECT_TRUE(is_record_id("mma_step", "mma_step:a:b:2147483647"));
    EXPECT_TRUE(is_record_id("admin_session", "admin_session:hash"));
    EXPECT_TRUE(is_record_id("admin_audit", "admin_audit:1"));
    EXPECT_TRUE(is_record_id("profile", "profile:0193e0a4-7b1c-7def-8a01-23456789abcd"));
    EXPECT_TRUE(is_record_id("runtime_config", "runtime_config:-2147483648"));
    EXPECT_TRUE(is_record_id("app_config", "app_config:models.still.v2"));
}

TEST(record_id, refuses_other_shapes) {
    EXPECT_FALSE(is_record_id("session", "session"));
    EXPECT_FALSE(is_record_id("session", "session:"));
    EXPECT_FALSE(is_record_id("session", "session: \t"));
    EXPECT_FALSE(is_record_id("session", "session:a\x01"));
    EXPECT_FALSE(is_record_id("session", "sessions:a"));
    EXPECT_FALSE(is_record_id("session", "generation:a"));
    EXPECT_FALSE(is_record_id("session", "Session:a"));
    EXPECT_FALSE(is_record_id("unknown", "unknown:a"));
    EXPECT_FALSE(is_record_id("", ":a"));
    EXPECT_TRUE(is_record_id("session", "session:" + std::string(512, 'x')));
    EXPECT_FALSE(is_record_id("session", "session:" + std::string(513, 'x')));
    EXPECT_FALSE(is_record_id("profile", "profile:1"));
    for (const char *s : {"", "1.0", "01", "-0", "+1", "2147483648", "-2147483649", "x", "-", "99999999999", "--1"})
        EXPECT_FALSE(is_record_id("runtime_config", std::string("runtime_config:") + s)) << s;
    for (const char *s : {"0", "1", "2147483647", "-1"})
        EXPECT_TRUE(is_record_id("runtime_config", std::string("runtime_config:") + s)) << s;
}

TEST(record_id, splits_steps_at_the_last_colon) {
    const auto step = parse_step_id("mma_step:gen:7:12");
    ASSERT_TRUE(step);
    EXPECT_EQ(step->generation_id, "gen:7");
    EXPECT_EQ(step->step_no, 12);
    EXPECT_TRUE(parse_step_id("mma_step:" + std::string(512, 'g') + ":1"));
    EXPECT_FALSE(parse_step_id("mma_step:" + std::string(513, 'g') + ":1"));
    for (const char *s : {"mma_step:gen", "mma_step:gen:", "mma_step::1", "mma_step: :1", "mma_step:gen:01",
                          "mma_step:gen:-1", "mma_step:gen:+1", "mma_step:gen:2147483648", "mma_step:gen:1x",
                          "mma_step:g\n:1", "gen:1", "generation:gen:1", "mma_step:", "mma_step:1",
                          "mma_step:gen:4294967296", "mma_step:gen:99999999999999999999"})
        EXPECT_FALSE(parse_step_id(s)) << s;
}

TEST(record_id, gives_the_rest) {
    EXPECT_EQ(rest_of(record_type::generation, "generation:gen_1"), "gen_1");
    EXPECT_EQ(rest_of(record_type::mma_step, "mma_step:g:0"), "g:0");
    EXPECT_FALSE(rest_of(record_type::generation, "gen_1"));
    EXPECT_FALSE(rest_of(record_type::generation, "session:gen_1"));
    EXPECT_FALSE(rest_of(record_type::generation, "generation:"));
}

TEST(record_id, numbers_versions_of_settings) {
    EXPECT_EQ(app_config_version("models.v1", "models"), 1);
    EXPECT_EQ(app_config_version("models.v2147483647", "models"), 2147483647);
    EXPECT_EQ(app_config_version("models.v1.v2", "models.v1"), 2);
    for (const char *s :
         {"models", "models.v0", "models.v01", "models.v", "models.v2147483648", "models.v99999999999", "model.v1"})
        EXPECT_EQ(app_config_version(s, "models"), std::nullopt) << s;
    for (const char *s : {"a.v1", ".v7", "a.v01", "a.v1.v2", "a.v99999999999"})
        EXPECT_TRUE(looks_like_version(s)) << s;
    for (const char *s : {"", "1", "a.v", "av1", "a.v1.x", "a.1", "v1"})
        EXPECT_FALSE(looks_like_version(s)) << s;
}

TEST(record_id, matches_app_config_keys_and_versions) {
    EXPECT_TRUE(app_config_key_matches("models", "models"));
    EXPECT_TRUE(app_config_key_matches("models.v1", "models"));
    EXPECT_TRUE(app_config_key_matches("models.v120", "models"));
    EXPECT_TRUE(app_config_key_matches("models.v1.v2", "models.v1"));
    for (const char *s : {"model", "modelsx", "models.v", "models.v0", "models.v01", "models.v-1", "models.v1x",
                          "models.w1", "modelsv1", ""})
        EXPECT_FALSE(app_config_key_matches(s, "models")) << s;
}

TEST(record_id, strips_one_prefix) {
    EXPECT_EQ(strip_prefix(record_type::generation, "generation:gen_1"), "gen_1");
    EXPECT_EQ(strip_prefix(record_type::generation, "gen_1"), "gen_1");
    EXPECT_EQ(strip_prefix(record_type::generation, "session:gen_1"), "session:gen_1");
    EXPECT_EQ(strip_prefix(record_type::generation, "generation:generation:x"), "generation:x");
    EXPECT_EQ(strip_prefix(record_type::generation, "generation"), "generation");
    EXPECT_EQ(strip_prefix(record_type::generation, "generation:"), "");
}

} // namespace
} // namespace mega::core
