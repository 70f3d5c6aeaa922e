#include <algorithm>
#include <gtest/gtest.h>

#include <string>

#include "../fuzz/json_text.hpp"
#include "core/preferences.hpp"

namespace mega::core {
namespace {

std::vector<tag_effect> effects(std::string_view type, std::string_view payload) {
    const auto value = test::json_reader::read(payload);
    if (!value)
        throw std::logic_error("test payload is no JSON: " + std::string(payload));
    return read_effects(type, *value);
}

// One line per tag, so that expectations can be read.
std::string shown(const std::vector<tag_effect> &list) {
    std::string out;
    for (const auto &e : list) {
        out += out.empty() ? "" : " | ";
        out += e.tag;
        out += e.block ? " block" : "";
        out += e.unblock ? " unblock" : "";
        out += e.drop ? " drop" : "";
        out += e.set ? " =" + e.set->text() : "";
        out += e.adds ? " +" + e.added.text() : "";
    }
    return out;
}

std::string failure(std::string_view type, std::string_view payload) {
    try {
        return "none: " + shown(effects(type, payload));
    } catch (const payload_error &e) {
        EXPECT_FALSE(e.detail.empty());
        EXPECT_EQ(e.what(), e.message);
        return e.message;
    }
}

TEST(preference_payload, reads_additions) {
    EXPECT_EQ(shown(effects("like", R"({"tags":["b"," a ","b"],"tag":"c"})")), "a +1 | b +1 | c +1");
    EXPECT_EQ(shown(effects("dislike", R"({"tag":"a"})")), "a +-1");
    EXPECT_EQ(shown(effects("download", R"({"tag":"a"})")), "a +0.5");
    EXPECT_EQ(shown(effects("like", R"({"tag":"a","weight":2.50})")), "a +2.5");
    EXPECT_EQ(shown(effects("dislike", R"({"tag":"a","weight":1000})")), "a +-1000");
    EXPECT_EQ(shown(effects("download", R"({"tag":"a","weight":0.0000005})")), "a +0.000001");
    EXPECT_EQ(shown(effects("like", R"({"tag":"a","weight":1000.0000004})")), "a +1000");
    EXPECT_EQ(shown(effects("like", R"({"tag":null,"tags":null,"weight":null})")), "");
    EXPECT_EQ(shown(effects("like", R"({"image":"x","hard_block":7,"tag_weights":7})")), "");
}

TEST(preference_payload, reads_blocks_and_sets) {
    EXPECT_EQ(shown(effects("dislike", R"({"tags":["a"],"hard_block":"a","hard_blocks":["b"]})")),
              "a block +-1 | b block");
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{" a ":1.8,"b":null,"c":-999}})")),
              "a =1.8 | b drop | c =-999");
    EXPECT_EQ(shown(effects("preference_set", R"({"remove_hard_blocks":["a"],"hard_blocks":["b"],"tags":7})")),
              "a unblock drop | b block");
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{"a":1000.0000001,"b":-1000}})")),
              "a =1000 | b =-1000");
}

TEST(preference_payload, settles_contradictions) {
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{"a":1},"hard_blocks":["a"]})")), "a block");
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{"a":null},"hard_block":"a"})")), "a block");
    EXPECT_EQ(shown(effects("preference_set", R"({"remove_hard_blocks":["a"],"hard_block":"a"})")), "a block");
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{"a":1},"remove_hard_blocks":["a"]})")), "a =1");
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{"a":null},"remove_hard_blocks":["a"]})")),
              "a unblock drop");
    EXPECT_EQ(
        shown(effects("preference_set", R"({"tag_weights":{"a":1},"remove_hard_blocks":["a"],"hard_block":"a"})")),
        "a block");
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{"a":1," a":null}})")), "a drop");
    EXPECT_EQ(shown(effects("preference_set", R"({"tag_weights":{"a":null," a":2}})")), "a =2");
}

TEST(preference_payload, other_types_have_no_effect) {
    for (const char *type : {"create", "tweak", "feedback", "unheard_of"}) {
        EXPECT_EQ(shown(effects(type, R"({"tag":7,"tags":"x","hard_block":[],"tag_weights":3,"weight":-1})")), "");
        EXPECT_EQ(shown(effects(type, "null")), "");
        EXPECT_EQ(shown(effects(type, "[]")), "");
        EXPECT_EQ(shown(effects(type, "\"a text\"")), "");
    }
    for (const char *type : {"like", "dislike", "download", "preference_set"})
        EXPECT_EQ(failure(type, "[]"), "payload must be an object");
}

TEST(preference_payload, tells_which_members_are_read) {
    const auto has = [](std::span<const std::string_view> all, std::string_view key) {
        return std::find(all.begin(), all.end(), key) != all.end();
    };
    const auto read = [&](const char *type) {
        std::string all;
        for (const char *key :
             {"tag", "tags", "weight", "undo", "hard_block", "hard_blocks", "tag_weights", "remove_hard_blocks", "x"})
            all += has(members_read(type), key) ? std::string(all.empty() ? "" : " ") + key : "";
        return all;
    };
    EXPECT_EQ(read("like"), "tag tags weight undo");
    EXPECT_EQ(read("dislike"), "tag tags weight undo hard_block hard_blocks");
    EXPECT_EQ(read("download"), "tag tags weight");
    EXPECT_EQ(read("preference_set"), "hard_block hard_blocks tag_weights remove_hard_blocks");
    EXPECT_EQ(read("feedback"), "");
}

TEST(preference_payload, refuses_wrong_types) {
    for (const char *payload : {"[]", "1", "\"a\"", "true"})
        EXPECT_EQ(failure("like", payload), "payload must be an object") << payload;
    EXPECT_EQ(failure("like", R"({"tag":1})"), "payload member \"tag\" must be a string");
    EXPECT_EQ(failure("like", R"({"tag":["a"]})"), "payload member \"tag\" must be a string");
    for (const char *tags : {"\"a\"", "{}", "1", "[1]", "[null]", "[[\"a\"]]", "[\"a\",true]"})
        EXPECT_EQ(failure("download", std::string("{\"tags\":") + tags + "}"),
                  "payload member \"tags\" must be an array of strings")
            << tags;
    EXPECT_EQ(failure("dislike", R"({"hard_block":["a"]})"), "payload member \"hard_block\" must be a string");
    EXPECT_EQ(failure("dislike", R"({"hard_blocks":"a"})"),
              "payload member \"hard_blocks\" must be an array of strings");
    EXPECT_EQ(failure("preference_set", R"({"remove_hard_blocks":"a"})"),
              "payload member \"remove_hard_blocks\" must be an array of strings");
    EXPECT_EQ(failure("preference_set", R"({"tag_weights":[]})"), "payload member \"tag_weights\" must be an object");
    for (const char *value : {"\"1\"", "true", "{}", "[]"})
        EXPECT_EQ(failure("preference_set", std::string("{\"tag_weights\":{\"a\":") + value + "}}"),
                  "values of payload member \"tag_weights\" must be numbers or null")
            << value;
}

TEST(preference_payload, refuses_weights_out_of_range) {
    for (const char *weight : {"0", "-1", "0.0000004", "1000.0000005", "1001", "1e400", "1e4"})
        EXPECT_EQ(failure("like", std::string("{\"tag\":\"a\",\"weight\":") + weight + "}"),
                  "payload member \"weight\" is out of range")
            << weight;
    EXPECT_EQ(failure("like", R"({"weight":0})"), "payload member \"weight\" is out of range");
    for (const char *weight : {"\"NaN\"", "\"1\"", "true", "[]"})
        EXPECT_EQ(failure("like", std::string("{\"weight\":") + weight + "}"),
                  "payload member \"weight\" must be a number");
    for (const char *weight : {"1001", "-1000.000001", "1e400", "-1e400"})
        EXPECT_EQ(failure("preference_set", std::string("{\"tag_weights\":{\"a\":") + weight + "}}"),
                  "payload member \"tag_weights\" has a weight out of range")
            << weight;
}

TEST(preference_payload, refuses_bad_tags) {
    EXPECT_EQ(failure("like", R"({"tag":" "})"), "payload member \"tag\" has a tag that is blank");
    EXPECT_EQ(failure("like", R"({"tags":["a",""]})"), "payload member \"tags\" has a tag that is blank");
    EXPECT_EQ(failure("like", R"({"tag":"a\u0001"})"), "payload member \"tag\" has a tag with a control character");
    EXPECT_EQ(failure("preference_set", R"({"tag_weights":{" ":1}})"),
              "payload member \"tag_weights\" has a tag that is blank");
    EXPECT_EQ(failure("preference_set", R"({"hard_blocks":["a\tb"]})"),
              "payload member \"hard_blocks\" has a tag with a control character");
    const std::string longest(512, 'x');
    EXPECT_EQ(shown(effects("like", "{\"tag\":\" " + longest + " \"}")), longest + " +1");
    EXPECT_EQ(failure("like", "{\"tag\":\"" + longest + "x\"}"), "payload member \"tag\" has a tag that is too long");
}

TEST(preference_payload, does_not_cut_letters_in_details) {
    std::string tag = "x";
    while (tag.size() <= 512)
        tag += "é";
    try {
        effects("like", "{\"tag\":\"" + tag + "\"}");
        FAIL();
    } catch (const payload_error &e) {
        EXPECT_EQ(e.detail, "Tag \"" + tag.substr(0, 63) + "...\" has 513 bytes; at most 512 are allowed.");
    }
}

TEST(preference_payload, bounds_the_tags_of_an_event) {
    const auto payload = [](std::size_t tags, std::size_t blocks) {
        std::string list[2];
        for (std::size_t i = 0; i < tags + blocks; ++i)
            (list[i < tags ? 0 : 1] += i == 0 || i == tags ? "\"t" : ",\"t") += std::to_string(i) + '"';
        return "{\"tags\":[" + list[0] + "],\"hard_blocks\":[" + list[1] + "]}";
    };
    EXPECT_EQ(effects("dislike", payload(600, 400)).size(), 1000u);
    EXPECT_EQ(failure("dislike", payload(600, 401)), "payload names too many tags");
    EXPECT_EQ(effects("like", payload(1000, 5)).size(), 1000u);
}

} // namespace
} // namespace mega::core
