// Whatever the order and grouping in which events arrive, the fold comes out the same (I2).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "../fuzz/json_text.hpp"
#include "core/preferences.hpp"

namespace mega::core {
namespace {

using events = std::vector<preference_event>;

json strings(const std::vector<std::string> &texts) {
    json::items items;
    for (const auto &text : texts)
        items.push_back(json::make_string(text));
    return json::make_array(std::move(items));
}

// Few tags and few points in time, so that everything meets everything.
rc::Gen<std::vector<std::string>> some_tags() {
    return rc::gen::scale(0.03,
                          rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>("a", "b", "c")));
}

rc::Gen<std::pair<std::string, json>> some_payload() {
    return rc::gen::exec([] {
        const auto type =
            *rc::gen::element<std::string>("like", "dislike", "download", "preference_set", "preference_set", "create");
        json::members members;
        members.emplace_back("tags", strings(*some_tags()));
        if (*rc::gen::inRange(0, 2))
            members.emplace_back("weight", json::make_number(std::to_string(*rc::gen::inRange(1, 1000)) + "e-2"));
        if (*rc::gen::inRange(0, 4) == 0)
            members.emplace_back("hard_blocks", strings(*some_tags()));
        if (*rc::gen::inRange(0, 3) == 0)
            members.emplace_back("remove_hard_blocks", strings(*some_tags()));
        json::members weights;
        for (const auto &tag : *some_tags())
            weights.emplace_back(tag, *rc::gen::inRange(0, 3) == 0
                                          ? json()
                                          : json::make_number(std::to_string(*rc::gen::inRange(-1000, 1001))));
        members.emplace_back("tag_weights", json::make_object(std::move(weights)));
        return std::pair(type, json::make_object(std::move(members)));
    });
}

// Events in the order of their arrival.
rc::Gen<events> some_events() {
    return rc::gen::exec([] {
        events list;
        const auto payloads = *rc::gen::container<std::vector<std::pair<std::string, json>>>(some_payload());
        for (std::size_t i = 0; i < payloads.size(); ++i) {
            // Ids are unique, and in no order that agrees with the arrival.
            const std::string id = std::to_string(i * 7919 % 1009) + "/" + std::to_string(i);
            list.push_back({{*rc::gen::inRange(0, 8), id}, read_effects(payloads[i].first, payloads[i].second)});
        }
        return list;
    });
}

// The rule of the fold as one would say it, over all events at once and tag by tag.
struct model {
    std::set<std::string> blocks;
    std::map<std::string, std::int64_t> weights;

    explicit model(const events &list) {
        std::set<std::string> tags;
        for (const auto &event : list)
            for (const auto &effect : event.effects)
                tags.insert(effect.tag);
        for (const auto &tag : tags)
            fold(tag, list);
    }

    void fold(const std::string &tag, const events &list) {
        const preference_event *last_block = nullptr;
        const preference_event *last_set = nullptr;
        bool blocked = false;
        std::optional<std::int64_t> weight;
        for (const auto &event : list)
            for (const auto &effect : event.effects) {
                if (effect.tag != tag)
                    continue;
                if ((effect.block || effect.unblock) && (!last_block || last_block->at < event.at)) {
                    last_block = &event;
                    blocked = effect.block;
                }
                if ((effect.set || effect.drop) && (!last_set || last_set->at < event.at)) {
                    last_set = &event;
                    weight = effect.set ? std::optional(effect.set->micros()) : std::nullopt;
                }
            }
        for (const auto &event : list)
            for (const auto &effect : event.effects)
                if (effect.tag == tag && effect.adds && (!last_set || last_set->at < event.at))
                    weight = weight.value_or(0) + effect.added.micros();
        if (blocked)
            blocks.insert(tag);
        if (blocked || weight)
            weights[tag] = blocked ? -999000000 : *weight;
    }

    std::string shown() const {
        json::items block_items;
        json::members weight_members;
        for (const auto &tag : blocks)
            block_items.push_back(json::make_string(tag));
        for (const auto &[tag, micros] : weights)
            weight_members.emplace_back(tag, json::make_number(decimal::from_micros(micros).text()));
        return test::write_json(json::make_array(block_items)) + test::write_json(json::make_object(weight_members));
    }
};

std::string shown(const json &keys) {
    if (!keys.find("hard_blocks"))
        return "[]{}";
    return test::write_json(*keys.find("hard_blocks")) + test::write_json(*keys.find("tag_weights"));
}

tag_state folded(const std::string &tag, events ledger) {
    std::sort(ledger.begin(), ledger.end(), [](const auto &a, const auto &b) { return a.at < b.at; });
    tag_state state;
    for (const auto &event : ledger)
        for (const auto &effect : event.effects)
            if (effect.tag == tag)
                fold_into(state, event.at, effect);
    return state;
}

// Lets the events arrive in batches of the given sizes, through the stored form each time.
json arrive(const events &list, const std::vector<std::size_t> &sizes) {
    json stored = json::make_object();
    std::size_t arrived = 0;
    for (std::size_t round = 0; arrived < list.size(); ++round) {
        const std::size_t size = sizes.empty() ? 1 : sizes[round % sizes.size()];
        const std::size_t end = std::min(list.size(), arrived + size);
        const auto batch_begin = list.begin() + static_cast<std::ptrdiff_t>(arrived);
        const auto batch_end = list.begin() + static_cast<std::ptrdiff_t>(end);
        const events ledger(list.begin(), batch_end);
        const events batch(batch_begin, batch_end);

        auto state = snapshot::parse(stored);
        RC_ASSERT(state.has_value());
        bool asked = false;
        state->apply(batch, [&](const std::set<std::string> &tags) {
            RC_ASSERT(!asked);
            asked = true;
            tag_states states;
            for (const std::string &tag : tags) {
                RC_ASSERT(std::any_of(batch.begin(), batch.end(), [&](const auto &event) {
                    return std::any_of(event.effects.begin(), event.effects.end(), [&](const auto &effect) {
                        return effect.tag == tag && (effect.set || effect.drop);
                    });
                }));
                states[tag] = folded(tag, ledger);
            }
            return states;
        });
        stored = state->emit();
        RC_ASSERT(snapshot::parse(stored) == state);
        arrived = end;
    }
    return stored;
}

rc::Gen<std::vector<std::size_t>> some_sizes() {
    return rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 6));
}

RC_GTEST_PROP(preferences_property, the_fold_is_the_rule, ()) {
    const events list = *some_events();
    RC_ASSERT(shown(fold_all(list)) == model(list).shown());
}

RC_GTEST_PROP(preferences_property, arrival_leaves_no_trace, ()) {
    const events list = *some_events();
    const json stored = arrive(list, *some_sizes());
    RC_ASSERT(shown(stored) == model(list).shown());
    RC_ASSERT(test::write_json(stored) == test::write_json(fold_all(list)));
}

RC_GTEST_PROP(preferences_property, every_permutation_and_grouping_is_the_same, ()) {
    const events list = *some_events();
    events other = list;
    for (std::size_t i = other.size(); i > 1; --i)
        std::swap(other[i - 1], other[*rc::gen::inRange<std::size_t>(0, i)]);
    RC_ASSERT(test::write_json(arrive(list, *some_sizes())) == test::write_json(arrive(other, *some_sizes())));
    RC_ASSERT(fold_all(list) == fold_all(other));
}

RC_GTEST_PROP(preferences_property, text_round_trips, ()) {
    const json stored = fold_all(*some_events());
    const auto read = test::json_reader::read(test::write_json(stored));
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == stored);
    RC_ASSERT(snapshot::parse(*read)->emit() == stored);
}

} // namespace
} // namespace mega::core
