// Opening the books: the payloads make the fold show what is stored, whatever was recorded before.
#include "core/opening.hpp"

#include <gtest/gtest.h>

#include "core/preferences.hpp"

namespace {

using mega::core::json;

json number(const char *text) { return json::make_number(text); }
json strings(std::initializer_list<const char *> texts) {
    json::items items;
    for (const char *text : texts)
        items.push_back(json::make_string(text));
    return json::make_array(std::move(items));
}
json snapshot(json blocks, json::members weights) {
    return json::make_object(
        {{"hard_blocks", std::move(blocks)}, {"tag_weights", json::make_object(std::move(weights))}});
}

mega::core::preference_event event_at(std::int64_t micros, std::string_view type, const json &payload) {
    return {{micros, "mma_event:" + std::to_string(micros)}, mega::core::read_effects(type, payload)};
}

// What the fold shows behind the history and the opening.
json opened(const json &stored, std::vector<mega::core::preference_event> history = {}) {
    const json folded = mega::core::fold_all(history);
    std::int64_t micros = 1000;
    for (const json &payload : mega::core::opening_payloads(stored, folded))
        history.push_back(event_at(micros++, "preference_set", payload));
    const json result = mega::core::fold_all(std::move(history));
    const json *blocks = result.find("hard_blocks");
    const json *weights = result.find("tag_weights");
    return json::make_object(
        {{"hard_blocks", blocks ? *blocks : json()}, {"tag_weights", weights ? *weights : json()}});
}

json liked(const char *tag) { return json::make_object({{"tag", json::make_string(tag)}}); }

TEST(opening, says_what_is_stored_in_one_event) {
    const json stored =
        snapshot(strings({"a", "b"}), {{"b", number("-999")}, {"c", number("1.8")}, {"d", number("-999")}});
    EXPECT_EQ(mega::core::opening_payloads(stored, json::make_object()).size(), 1U);
    EXPECT_EQ(opened(stored),
              snapshot(strings({"a", "b"}),
                       {{"a", number("-999")}, {"b", number("-999")}, {"c", number("1.8")}, {"d", number("-999")}}));
}

TEST(opening, says_nothing_when_the_fold_shows_it) {
    const json shown = mega::core::fold_all({event_at(1, "like", liked("a"))});
    EXPECT_TRUE(mega::core::opening_payloads(shown, shown).empty());
    EXPECT_TRUE(mega::core::opening_payloads(json::make_object(), json::make_object()).empty());
}

TEST(opening, leaves_out_what_no_event_can_say) {
    const json stored = json::make_object({{"hard_blocks", json::make_array({number("1"), json::make_string(" ")})},
                                           {"tag_weights", json::make_object({{" x ", number("5000")},
                                                                              {"y", number("-5000")},
                                                                              {"z", json::make_string("much")},
                                                                              {"line\nbreak", number("1")}})}});
    EXPECT_EQ(opened(stored), snapshot(strings({}), {{"x", number("1000")}, {"y", number("-1000")}}));
    EXPECT_TRUE(mega::core::opening_payloads(json::make_string("none"), json()).empty());
}

TEST(opening, brings_a_history_to_what_is_stored) {
    const auto block = json::make_object({{"hard_blocks", strings({"kept", "freed", "gone"})}});
    const std::vector<mega::core::preference_event> history = {
        event_at(1, "like", liked("liked")), event_at(2, "like", liked("same")), event_at(3, "like", liked("blocked")),
        event_at(4, "preference_set", block)};
    const json stored = snapshot(strings({"kept", "blocked"}),
                                 {{"blocked", number("2")}, {"freed", number("0.5")}, {"same", number("1")}});
    const json shown = snapshot(
        strings({"blocked", "kept"}),
        {{"blocked", number("-999")}, {"freed", number("0.5")}, {"kept", number("-999")}, {"same", number("1")}});
    EXPECT_EQ(opened(stored, history), shown);
}

TEST(opening, spreads_many_tags_over_events) {
    json::members weights;
    for (int i = 10000; i < 12500; ++i)
        weights.emplace_back("tag " + std::to_string(i), number("2"));
    const json stored = snapshot(strings({}), std::move(weights));
    EXPECT_EQ(mega::core::opening_payloads(stored, json::make_object()).size(), 3U);
    EXPECT_EQ(opened(stored), stored);
}

} // namespace
