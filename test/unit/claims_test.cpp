#include "core/claims.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mega::core {
namespace {

const std::string ben = "bbbbbbbb-0000-4000-8000-000000000002";

TEST(claims, name_their_subject) {
    for (const std::string &text :
         {"{\"sub\":\"" + ben + "\"}", " \t\r\n{ \"sub\" :\n\"" + ben + "\" } ",
          "{\"a\": [1, -2.5e+3, {\"b\": null}], \"sub\": \"" + ben +
              "\", \"z\": {}, \"y\": [], \"t\": true, \"f\": false}",
          "{\"user\": {\"sub\": \"aaaaaaaa-0000-4000-8000-000000000001\"}, \"sub\": \"" + ben + "\"}",
          "{\"s\\u0075b\": \"\\u0062" + ben.substr(1) + "\"}",
          "{\"x\": \"\\ud83d\\ude00 \\\"quoted\\\" \\\\ \\/ \\b\\f\\n\\r\\t \xC3\xA9\", \"sub\": \"" + ben + "\"}"})
        EXPECT_EQ(subject_of_claims(text), ben) << text;
    EXPECT_EQ(subject_of_claims("{\"sub\": \"BBBBBBBB-0000-4000-8000-000000000002\"}"),
              "BBBBBBBB-0000-4000-8000-000000000002");
}

TEST(claims, without_a_user_name_nobody) {
    for (const std::string &text :
         {std::string("{}"), std::string("{\"role\": \"anon\"}"), std::string("{\"sub\": null}"),
          std::string("{\"sub\": 1}"), "{\"sub\": [\"" + ben + "\"]}", "{\"sub\": {\"sub\": \"" + ben + "\"}}",
          "{\"sub\": \"" + ben + " \"}", "{\"sub\": \"{" + ben + "}\"}", "{\"SUB\": \"" + ben + "\"}",
          "{\"user\": {\"sub\": \"" + ben + "\"}}", "{\"subs\": \"" + ben + "\"}", "{\"\\u0173ub\": \"" + ben + "\"}"})
        EXPECT_EQ(subject_of_claims(text), std::nullopt) << text;
}

TEST(claims, that_are_malformed_name_nobody) {
    const std::string good = "\"sub\": \"" + ben + "\"";
    for (const std::string &text : {std::string(),
                                    std::string(" "),
                                    ben,
                                    "\"" + ben + "\"",
                                    "[{" + good + "}]",
                                    "{" + good,
                                    "{" + good + ",}",
                                    "{," + good + "}",
                                    "{" + good + "} x",
                                    "{" + good + "}{}",
                                    "{" + good + "]",
                                    "{" + good + " \"a\": 1}",
                                    "{" + good + ", \"a\" 1}",
                                    "{" + good + ", \"a\": }",
                                    "{" + good + ", a: 1}",
                                    "{" + good + ", \"a\": 01}",
                                    "{" + good + ", \"a\": 1.}",
                                    "{" + good + ", \"a\": +1}",
                                    "{" + good + ", \"a\": 1e}",
                                    "{" + good + ", \"a\": nul}",
                                    "{" + good + ", \"a\": \"\\x\"}",
                                    "{" + good + ", \"a\": \"\\u12\"}",
                                    "{" + good + ", \"a\": \"\\u0000\"}",
                                    "{" + good + ", \"a\": \"\n\"}",
                                    "{" + good + ", \"a\": \"}",
                                    "{" + good + ", \"a\": [1,]}",
                                    "{" + good + ", \"a\": [,1]}",
                                    "{" + good + ", \"a\": [1 2]}",
                                    "{" + good + ", \"a\": {\"b\"}}",
                                    "{" + good + ", \"a\": \"\\",
                                    "{" + good + ", " + good + "}"})
        EXPECT_EQ(subject_of_claims(text), std::nullopt) << text;
}

TEST(claims, are_read_however_deep_and_long) {
    const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
    EXPECT_EQ(subject_of_claims("{\"a\": " + deep + ", \"sub\": \"" + ben + "\"}"), ben);
    EXPECT_EQ(subject_of_claims(std::string(1000000, '[')), std::nullopt);
    EXPECT_EQ(subject_of_claims("{\"a\": \"" + std::string(1000000, 'x') + "\", \"sub\": \"" + ben + "\"}"), ben);
}

} // namespace
} // namespace mega::core
