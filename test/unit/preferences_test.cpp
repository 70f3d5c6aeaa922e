// Worked examples of the fold (I2).
#include "core/preferences.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include <stdexcept>

#include "../fuzz/json_text.hpp"

namespace mega::core {
namespace {

json parsed(std::string_view text) {
    auto value = test::json_reader::read(text);
    if (!value)
        throw std::logic_error("no JSON: " + std::string(text));
    return std::move(*value);
}

constexpr std::int64_t ten_o_clock = 1766138400000000; // 2025-12-19 10:00:00 UTC

// A customer and its ledger: events go in by second and payload, as they arrive.
class customer {
public:
    explicit customer(std::string_view stored = "{}") : stored_(parsed(stored)) {}

    customer &event(std::int64_t second, std::string_view type, std::string_view payload, std::string id = "") {
        preference_event event{{ten_o_clock + second * 1000000, "mma_event:" + (id.empty() ? "e" : id)},
                               read_effects(type, parsed(payload))};
        ledger_.push_back(event);
        auto state = snapshot::parse(stored_);
        EXPECT_TRUE(state);
        state->apply({std::move(event)}, [this](const std::set<std::string> &tags) {
            tag_states states;
            for (const std::string &tag : tags)
                states[tag] = refold(tag);
            return states;
        });
        stored_ = state->emit();
        EXPECT_EQ(snapshot::parse(stored_), state);
        return *this;
    }

    std::string blocks() const { return test::write_json(*stored_.find("hard_blocks")); }
    std::string weights() const { return test::write_json(*stored_.find("tag_weights")); }
    std::string all() const { return test::write_json(stored_); }
    std::string folded() const { return test::write_json(fold_all(ledger_)); }
    int refolds() const { return refolds_; }

private:
    tag_state refold(const std::string &tag) {
        ++refolds_;
        std::vector<preference_event> events = ledger_;
        std::sort(events.begin(), events.end(), [](const auto &a, const auto &b) { return a.at < b.at; });
        tag_state state;
        for (const auto &event : events)
            for (const auto &effect : event.effects)
                if (effect.tag == tag)
                    fold_into(state, event.at, effect);
        return state;
    }

    json stored_;
    std::vector<preference_event> ledger_;
    int refolds_ = 0;
};

TEST(preferences, positions_go_by_time_then_by_the_bytes_of_the_id) {
    EXPECT_LT((position{1, "z"}), (position{2, "a"}));
    EXPECT_LT((position{1, "a"}), (position{1, "b"}));
    EXPECT_LT((position{1, "Z"}), (position{1, "a"}));
    EXPECT_LT((position{1, "z"}), (position{1, "\xC3\xA9"})); // bytes are unsigned
    EXPECT_LT((position{-1, ""}), (position{0, ""}));
}

TEST(preferences, add_up) {
    customer c;
    c.event(0, "preference_set", R"({"tag_weights":{"style.minimal":1.8}})");
    c.event(1, "like", R"({"tags":["style.minimal"]})");
    EXPECT_EQ(c.weights(), R"({"style.minimal":2.8})");
    c.event(2, "dislike", R"({"tag":"style.minimal","weight":3})").event(3, "download", R"({"tag":"x"})");
    EXPECT_EQ(c.weights(), R"({"style.minimal":-0.2,"x":0.5})");
    EXPECT_EQ(c.refolds(), 0);
}

TEST(preferences, are_written_in_one_form) {
    customer c;
    c.event(0, "dislike", R"({"tag":"b","hard_block":"b"})", "1");
    c.event(1, "preference_set", R"({"tag_weights":{"a":1,"c":null}})", "2");
    c.event(2, "create", "{}", "3");
    EXPECT_EQ(c.all(), R"({"hard_blocks":["b"],"tag_weights":{"a":1,"b":-999},"updated_at":"2025-12-19T10:00:02Z",)"
                       R"("source":"mma","positions":{"newest":[1766138402000000,"mma_event:3"],"tags":{)"
                       R"("a":{"set":[1766138401000000,"mma_event:2"]},)"
                       R"("b":{"block":[1766138400000000,"mma_event:1"],"weight":-1},)"
                       R"("c":{"set":[1766138401000000,"mma_event:2"]}}}})");
    EXPECT_EQ(c.all(), c.folded());
}

TEST(preferences, of_tags_that_were_only_added_to_need_no_positions) {
    customer c;
    c.event(0, "like", R"({"tags":["a","b"]})");
    EXPECT_EQ(c.all(), R"({"hard_blocks":[],"tag_weights":{"a":1,"b":1},"updated_at":"2025-12-19T10:00:00Z",)"
                       R"("source":"mma","positions":{"newest":[1766138400000000,"mma_event:e"]}})");
}

TEST(preferences, without_events_are_empty) {
    EXPECT_EQ(test::write_json(fold_all({})), "{}");
    EXPECT_EQ(test::write_json(snapshot().emit()), "{}");
    EXPECT_EQ(test::write_json(snapshot::parse(json())->emit()), "{}");
    EXPECT_EQ(test::write_json(snapshot::parse(parsed(R"({"app":1})"))->emit()), "{}");
}

TEST(preferences, of_events_without_effect_still_have_a_time) {
    customer c;
    c.event(0, "create", "{}");
    EXPECT_EQ(c.all(), R"({"hard_blocks":[],"tag_weights":{},"updated_at":"2025-12-19T10:00:00Z","source":"mma",)"
                       R"("positions":{"newest":[1766138400000000,"mma_event:e"]}})");
}

TEST(preferences, show_a_weight_of_zero) {
    customer c;
    c.event(0, "like", R"({"tag":"a"})").event(1, "dislike", R"({"tag":"a"})");
    EXPECT_EQ(c.weights(), R"({"a":0})");
}

TEST(preferences, keep_the_weight_under_a_block) {
    customer c;
    c.event(0, "like", R"({"tag":"a"})").event(1, "preference_set", R"({"hard_block":"a"})");
    EXPECT_EQ(c.blocks() + c.weights(), R"(["a"]{"a":-999})");
    c.event(2, "like", R"({"tag":"a","weight":0.5})");
    EXPECT_EQ(c.blocks() + c.weights(), R"(["a"]{"a":-999})");
    EXPECT_NE(c.all().find(R"("weight":1.5)"), std::string::npos);
}

TEST(preferences, unblocking_drops_the_weight) {
    customer c;
    c.event(0, "like", R"({"tag":"a"})").event(1, "dislike", R"({"hard_block":"a"})");
    c.event(2, "preference_set", R"({"remove_hard_blocks":["a"]})");
    EXPECT_EQ(c.blocks() + c.weights(), "[]{}");
    c.event(3, "like", R"({"tag":"a"})");
    EXPECT_EQ(c.blocks() + c.weights(), R"([]{"a":1})");
    EXPECT_EQ(c.refolds(), 0);
}

TEST(preferences, a_weight_of_minus_999_is_no_block) {
    customer c;
    c.event(0, "preference_set", R"({"tag_weights":{"a":-999}})").event(1, "like", R"({"tag":"a"})");
    EXPECT_EQ(c.blocks() + c.weights(), R"([]{"a":-998})");
}

TEST(preferences, a_late_addition_counts_or_is_void) {
    customer c;
    c.event(0, "like", R"({"tag":"a"})", "0").event(5, "preference_set", R"({"tag_weights":{"a":3}})", "5");
    c.event(10, "like", R"({"tag":"a"})", "10");
    c.event(3, "like", R"({"tag":"a","weight":100})", "3");
    EXPECT_EQ(c.weights(), R"({"a":4})");
    c.event(7, "like", R"({"tag":"a","weight":100})", "7");
    EXPECT_EQ(c.weights(), R"({"a":104})");
    EXPECT_EQ(c.refolds(), 0);
    EXPECT_EQ(c.all(), c.folded());
}

TEST(preferences, a_late_set_folds_its_tag_anew) {
    customer c;
    c.event(0, "like", R"({"tags":["a","b"]})", "0").event(10, "like", R"({"tags":["a","b"]})", "10");
    c.event(5, "preference_set", R"({"tag_weights":{"a":3}})", "5");
    EXPECT_EQ(c.weights(), R"({"a":4,"b":2})");
    EXPECT_EQ(c.refolds(), 1);
    c.event(4, "preference_set", R"({"tag_weights":{"a":50}})", "4"); // behind the set that stands: void
    EXPECT_EQ(c.weights(), R"({"a":4,"b":2})");
    EXPECT_EQ(c.refolds(), 1);
    c.event(6, "preference_set", R"({"tag_weights":{"a":null}})", "6");
    EXPECT_EQ(c.weights(), R"({"a":1,"b":2})");
    c.event(7, "preference_set", R"({"tag_weights":{"new":2}})", "7"); // nothing to untangle
    EXPECT_EQ(c.weights(), R"({"a":1,"b":2,"new":2})");
    EXPECT_EQ(c.refolds(), 2);
    EXPECT_EQ(c.all(), c.folded());
}

TEST(preferences, a_late_block_counts_unless_a_later_one_stands) {
    customer c;
    c.event(5, "preference_set", R"({"remove_hard_blocks":["a"]})", "5").event(9, "create", "{}", "9");
    c.event(3, "dislike", R"({"hard_block":"a"})", "3");
    EXPECT_EQ(c.blocks(), "[]");
    c.event(7, "dislike", R"({"hard_block":"a"})", "7");
    EXPECT_EQ(c.blocks(), R"(["a"])");
    c.event(6, "preference_set", R"({"remove_hard_blocks":["a"]})", "6");
    EXPECT_EQ(c.blocks(), R"(["a"])");
    c.event(8, "preference_set", R"({"remove_hard_blocks":["a"]})", "8");
    EXPECT_EQ(c.blocks(), "[]");
    EXPECT_EQ(c.all(), c.folded());
}

TEST(preferences, at_one_time_the_id_decides) {
    customer c;
    c.event(0, "preference_set", R"({"tag_weights":{"a":2}})", "b");
    c.event(0, "preference_set", R"({"tag_weights":{"a":1}})", "a");
    EXPECT_EQ(c.weights(), R"({"a":2})");
    c.event(0, "preference_set", R"({"tag_weights":{"a":3}})", "c");
    EXPECT_EQ(c.weights(), R"({"a":3})");
    EXPECT_EQ(c.all(), c.folded());
}

TEST(preferences, of_an_application_stand_before_every_event) {
    customer c(R"({"hard_blocks":["x","y"],"tag_weights":{"a":1.8,"x":-999,"y":0.5},"updated_at":"2025-12-19T10:00:00Z",
                   "source":"mma","theme":"dark"})");
    c.event(0, "like", R"({"tags":["a","x","y"]})", "0");
    EXPECT_EQ(c.blocks() + c.weights(), R"(["x","y"]{"a":2.8,"x":-999,"y":-999})");
    c.event(-5, "preference_set", R"({"remove_hard_blocks":["y"]})", "1");
    EXPECT_EQ(c.blocks() + c.weights(), R"(["x"]{"a":2.8,"x":-999,"y":1})");
    c.event(-3, "preference_set", R"({"tag_weights":{"x":5}})", "2"); // refolded, and blocked as before
    EXPECT_EQ(c.blocks() + c.weights(), R"(["x"]{"a":2.8,"x":-999,"y":1})");
    EXPECT_EQ(c.refolds(), 2);
    EXPECT_EQ(c.all().find("theme"), std::string::npos);
}

TEST(preferences, of_an_application_are_read_as_far_as_they_go) {
    const auto read = [](std::string_view text) { return test::write_json(snapshot::parse(parsed(text))->emit()); };
    EXPECT_EQ(read(R"({"hard_blocks":["b",7,"a"],"tag_weights":{"c":"x","d":1e400,"e":1.50}})"),
              R"({"hard_blocks":["a","b"],"tag_weights":{"a":-999,"b":-999,"e":1.5},"source":"mma"})");
    EXPECT_EQ(read(R"({"hard_blocks":"x","tag_weights":[1]})"), "{}");
    EXPECT_EQ(read(R"({"hard_blocks":["x"],"positions":null})"),
              R"({"hard_blocks":["x"],"tag_weights":{"x":-999},"source":"mma"})");
    EXPECT_EQ(read("[]"), "{}");
    const std::string under_block = read(R"({"hard_blocks":["x"],"tag_weights":{"x":2}})");
    EXPECT_EQ(read(under_block), under_block);
}

TEST(preferences, with_positions_that_do_not_fit_are_not_read) {
    const auto reads = [](std::string_view positions) {
        return snapshot::parse(
                   parsed(R"({"hard_blocks":["b"],"tag_weights":{"a":1},"positions":)" + std::string(positions) + "}"))
            .has_value();
    };
    EXPECT_TRUE(reads("{}"));
    EXPECT_TRUE(reads(R"({"newest":[1,"x"],"tags":{"a":{"set":[1,"x"]},"b":{"weight":1}}})"));
    for (const char *positions :
         {"1", "[]", R"({"newest":1})", R"({"newest":["1","x"]})", R"({"newest":[1.5,"x"]})", R"({"newest":[1]})",
          R"({"newest":[1,2]})", R"({"newest":[99999999999999999999,"x"]})", R"({"tags":[]})", R"({"tags":{"a":1}})",
          R"({"tags":{"a":{"set":1}}})", R"({"tags":{"a":{"block":null}}})", R"({"tags":{"a":{"weight":1}}})",
          R"({"tags":{"b":{"weight":"1"}}})", R"({"newest":[1,"x","y"]})"})
        EXPECT_FALSE(reads(positions)) << positions;
    EXPECT_FALSE(snapshot::parse(parsed(R"({"tag_weights":{},"positions":{}})")));
    EXPECT_FALSE(snapshot::parse(parsed(R"({"hard_blocks":[],"positions":{}})")));
    EXPECT_FALSE(snapshot::parse(parsed(R"({"hard_blocks":[1],"tag_weights":{},"positions":{}})")));
    EXPECT_FALSE(snapshot::parse(parsed(R"({"hard_blocks":[],"tag_weights":{"a":"1"},"positions":{}})")));
}

TEST(preferences, refolding_is_spared_when_a_newer_set_comes_in_the_same_batch) {
    const auto event = [](std::int64_t time, std::string_view type, std::string_view payload) {
        return preference_event{{time, "e"}, read_effects(type, parsed(payload))};
    };
    snapshot state;
    const auto never = [](const std::set<std::string> &) -> tag_states { throw std::logic_error("refolded"); };
    state.apply({event(10, "like", R"({"tag":"a"})")}, never);
    state.apply({event(13, "like", R"({"tag":"a"})"), event(12, "preference_set", R"({"tag_weights":{"a":2}})"),
                 event(11, "like", R"({"tag":"a"})")},
                never); // a batch that is new altogether, in whatever order
    EXPECT_EQ(test::write_json(*state.emit().find("tag_weights")), R"({"a":3})");
    state.apply({event(20, "preference_set", R"({"tag_weights":{"a":7}})"),
                 event(5, "preference_set", R"({"tag_weights":{"a":3}})")},
                never);
    EXPECT_EQ(test::write_json(*state.emit().find("tag_weights")), R"({"a":7})");
    EXPECT_THROW(state.apply({event(15, "preference_set", R"({"tag_weights":{"b":3,"a":3}})"),
                              event(21, "like", R"({"tag":"b"})"), event(19, "like", R"({"tag":"b"})"),
                              event(18, "preference_set", R"({"tag_weights":{"b":null}})")},
                             never),
                 std::logic_error);
}

TEST(preferences, append_wants_order) {
    snapshot state;
    state.append({1, "b"}, {});
    state.append({1, "b"}, {}); // a table without a key
    EXPECT_THROW(state.append({1, "a"}, {}), std::logic_error);
    state.append({1, "c"}, {});
    EXPECT_EQ(state.newest(), (position{1, "c"}));
}

// Rows without a key of their own may stand at one position: in whatever order they come, the snapshot is the fold.
TEST(preferences, events_at_one_position_come_in_any_order) {
    const std::array payloads{
        R"({"tag_weights":{"a":2}})",      R"({"tag_weights":{"a":5}})",
        R"({"tag_weights":{"a":null}})",   R"({"hard_block":"a"})",
        R"({"remove_hard_blocks":["a"]})", R"({"hard_blocks":["b"],"tag_weights":{"a":1}})",
    };
    std::vector<preference_event> all{{{1, ""}, read_effects("like", parsed(R"({"tags":["a","b"]})"))}};
    for (const char *payload : payloads)
        all.push_back({{1, ""}, read_effects("preference_set", parsed(payload))});
    const auto folded = fold_all(all);
    std::ranges::sort(all);
    do {
        snapshot state;
        std::vector<preference_event> seen;
        for (const preference_event &event : all) {
            seen.push_back(event);
            state.apply({event}, [&](const std::set<std::string> &tags) {
                auto sorted = seen;
                std::ranges::sort(sorted);
                tag_states states;
                for (const preference_event &before : sorted)
                    for (const tag_effect &effect : before.effects)
                        if (tags.contains(effect.tag))
                            fold_into(states[effect.tag], before.at, effect);
                return states;
            });
        }
        ASSERT_EQ(test::write_json(state.emit()), test::write_json(folded));
    } while (std::ranges::next_permutation(all).found);
}

TEST(preferences, say_when_a_weight_overflows) {
    auto state = snapshot::parse(parsed(R"({"tag_weights":{"a":9223372036854}})"));
    ASSERT_TRUE(state);
    EXPECT_THROW(state->append({1, "x"}, read_effects("like", parsed(R"({"tag":"a","weight":1000})"))),
                 std::overflow_error);
}

} // namespace
} // namespace mega::core
