// The preference fold (I2): events applied to tags and weights.
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

} // namespace

void fold_into(tag_state &state, const position &at, const tag_effect &effect) {
    take_block(state, at, effect);
    take_weight(state, at, effect);
}

void snapshot::append(const position &at, const std::vector<tag_effect> &effects) {
    if (newest_ && at < *newest_)
        throw std::logic_error("event stands before the newest one");
    for (const tag_effect &effect : effects)
        fold_into(tags_[effect.tag], at, effect);
    newest_ = at;
}

void snapshot::apply(std::vector<preference_event> batch, const refold_function &refold) {
    std::sort(batch.begin(), batch.end());
    std::set<std::string> stale, contested; // tags whose weight, and whose block, only the ledger knows
    for (const preference_event &event : batch) {
        if (is_behind(event.at, newest_)) {
            append(event.at, event.effects);
            for (const tag_effect &effect : event.effects)
                if (sets_weight(effect))
                    stale.erase(effect.tag); // nothing of what came before counts
            continue;
        }
        for (const tag_effect &effect : event.effects) {
            tag_state &state = tags_[effect.tag];
            const bool at_its_block = state.block_at == event.at, at_its_weight = state.set_at == event.at;
            if (!fold_late(state, event.at, effect) || at_its_weight)
                stale.insert(effect.tag);
            if (at_its_block)
                contested.insert(effect.tag);
        }
    }
    stale.insert(contested.begin(), contested.end());
    // Other blocks need no refolding, and one that an application wrote is not in the ledger.
    tag_states in_ledger = stale.empty() ? tag_states() : refold(stale);
    for (const std::string &tag : stale) {
        tag_state &folded = in_ledger[tag], &state = tags_[tag];
        if (contested.contains(tag))
            state.blocked = folded.blocked;
        state.set_at = std::move(folded.set_at);
        state.weight = folded.weight;
    }
}

json fold_all(std::vector<preference_event> events) {
    std::sort(events.begin(), events.end());
    snapshot result;
    for (const preference_event &event : events)
        result.append(event.at, event.effects);
    return result.emit();
}

} // namespace mega::core
