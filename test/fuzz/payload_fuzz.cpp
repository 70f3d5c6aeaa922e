// Events from payload to stored snapshot and back (I2). The input is a JSON array of [event type, time, payload], in
// the order of arrival, or any document, to be taken for a stored snapshot.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "core/preferences.hpp"
#include "json_text.hpp"
#include "require.hpp"

using namespace mega::core;
using mega::test::require;

namespace {

using events = std::vector<preference_event>;

std::optional<preference_event> read_event(const json &item, std::size_t number) {
    if (!item.is_array() || item.array().size() != 3 || !item.array()[0].is_string() || !item.array()[1].is_number())
        return std::nullopt;
    preference_event event{{0, std::to_string(number * 7 % 10) + '/' + std::to_string(number)}, {}};
    const std::string &time = item.array()[1].number();
    std::from_chars(time.data(), time.data() + time.size(), event.at.micros);
    try {
        event.effects = read_effects(item.array()[0].string(), item.array()[2]);
    } catch (const payload_error &error) {
        require(!error.message.empty() && !error.detail.empty());
        return std::nullopt;
    }
    for (const tag_effect &effect : event.effects) {
        require(!(effect.block && (effect.set || effect.unblock || effect.drop)));
        require(!(effect.set && (effect.unblock || effect.drop)));
        require(!effect.unblock || effect.drop);
    }
    return event;
}

tag_states fold_tags(events ledger, const std::set<std::string> &tags) {
    std::sort(ledger.begin(), ledger.end(), [](const auto &a, const auto &b) { return a.at < b.at; });
    tag_states states;
    for (const auto &event : ledger)
        for (const auto &effect : event.effects)
            if (tags.contains(effect.tag))
                fold_into(states[effect.tag], event.at, effect);
    return states;
}

void check_stored_form(const snapshot &state) {
    const json stored = state.emit();
    const auto again = snapshot::parse(stored);
    require(again == state);
    require(mega::test::json_reader::read(mega::test::write_json(stored)) == stored);
}

// One at a time, two batches, and all at once leave the same.
void check_arrival(const events &list) {
    snapshot one_by_one;
    snapshot in_two;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const events ledger(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i + 1));
        one_by_one.apply({list[i]}, [&](const std::set<std::string> &tags) { return fold_tags(ledger, tags); });
        check_stored_form(one_by_one);
    }
    const auto middle = list.begin() + static_cast<std::ptrdiff_t>(list.size() / 2);
    in_two.apply(events(middle, list.end()), [&](const std::set<std::string> &) -> tag_states { __builtin_trap(); });
    in_two.apply(events(list.begin(), middle),
                 [&](const std::set<std::string> &tags) { return fold_tags(list, tags); });

    const json all = fold_all(list);
    require(one_by_one.emit() == all);
    require(in_two.emit() == all);
}

void check_foreign_document(const json &document) {
    const auto state = snapshot::parse(document);
    if (!state)
        return;
    const json stored = state->emit();
    const auto again = snapshot::parse(stored);
    require(again && again->emit() == stored);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const auto document = mega::test::json_reader::read({reinterpret_cast<const char *>(data), size});
    if (!document)
        return 0;
    check_foreign_document(*document);
    if (!document->is_array() || document->array().size() > 32)
        return 0;
    events list;
    for (const json &item : document->array())
        if (auto event = read_event(item, list.size()))
            list.push_back(std::move(*event));
    check_arrival(list);
    return 0;
}
