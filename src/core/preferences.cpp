#include "preferences.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace mega::core {

namespace {

bool is_behind(const position &at, const std::optional<position> &other) { return !other || at > *other; }

bool sets_weight(const tag_effect &effect) noexcept { return effect.set || effect.drop; }

void take_block(tag_state &state, const position &at, const tag_effect &effect) {
    if (!effect.block && !effect.unblock)
        return;
    state.block_at = at;
    state.blocked = effect.block;
}

void take_weight(tag_state &state, const position &at, const tag_effect &effect) {
    if (sets_weight(effect)) {
        state.set_at = at;
        state.weight = effect.set;
    } else if (effect.adds) {
        const auto sum = decimal::sum(state.weight.value_or(decimal()), effect.added);
        if (!sum)
            throw std::overflow_error("tag weight out of range");
        state.weight = sum;
    }
}

// An event that is not the newest one. Returns false, the weight untouched, when the additions that it voids are mixed
// up with those that it does not.
bool fold_late(tag_state &state, const position &at, const tag_effect &effect) {
    if (is_behind(at, state.block_at))
        take_block(state, at, effect);
    if (!is_behind(at, state.set_at))
        return true;
    if (sets_weight(effect) && state.weight)
        return false;
    take_weight(state, at, effect);
    return true;
}

void sort_by_position(std::vector<preference_event> &events) {
    std::sort(events.begin(), events.end(),
              [](const preference_event &a, const preference_event &b) { return a.at < b.at; });
}

} // namespace

void fold_into(tag_state &state, const position &at, const tag_effect &effect) {
    take_block(state, at, effect);
    take_weight(state, at, effect);
}

void snapshot::append(const position &at, const std::vector<tag_effect> &effects) {
    if (!is_behind(at, newest_))
        throw std::logic_error("event is not behind the newest one");
    for (const tag_effect &effect : effects)
        fold_into(tags_[effect.tag], at, effect);
    newest_ = at;
}

void snapshot::apply(std::vector<preference_event> batch, const refold_function &refold) {
    sort_by_position(batch);
    std::set<std::string> stale;
    for (const preference_event &event : batch) {
        if (is_behind(event.at, newest_)) {
            append(event.at, event.effects);
            for (const tag_effect &effect : event.effects)
                if (sets_weight(effect))
                    stale.erase(effect.tag); // nothing of what came before counts
            continue;
        }
        for (const tag_effect &effect : event.effects)
            if (!fold_late(tags_[effect.tag], event.at, effect))
                stale.insert(effect.tag);
    }
    // Blocks need no refolding, and one that an application wrote is not in the ledger.
    for (const std::string &tag : stale) {
        tag_state folded = refold(tag);
        tag_state &state = tags_[tag];
        state.set_at = std::move(folded.set_at);
        state.weight = folded.weight;
    }
}

json fold_all(std::vector<preference_event> events) {
    sort_by_position(events);
    snapshot result;
    for (const preference_event &event : events)
        result.append(event.at, event.effects);
    return result.emit();
}

} // namespace mega::core
