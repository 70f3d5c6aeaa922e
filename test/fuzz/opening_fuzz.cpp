// Opening the books of preferences (I2). The input is a JSON array: the stored document, then [event type, payload] of
// events that were recorded before. What is opened can be read, shows what was stored, and needs no second opening.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/opening.hpp"
#include "core/preferences.hpp"
#include "json_text.hpp"
#include "require.hpp"

using namespace mega::core;
using mega::test::require;

namespace {

std::vector<preference_event> read_history(const json &document) {
    std::vector<preference_event> history;
    for (const json &item : document.array()) {
        if (!item.is_array() || item.array().size() != 2 || !item.array()[0].is_string())
            continue;
        try {
            history.push_back({{static_cast<std::int64_t>(history.size()), "before"},
                               read_effects(item.array()[0].string(), item.array()[1])});
        } catch (const payload_error &) {
            continue;
        }
    }
    return history;
}

// The weight that a tag has in a snapshot, if it has one there.
const json *weight_of(const json &snapshot, const std::string &tag) {
    const json *weights = snapshot.find("tag_weights");
    return weights == nullptr || !weights->is_object() ? nullptr : weights->find(tag);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const auto document = mega::test::json_reader::read({reinterpret_cast<const char *>(data), size});
    if (!document || !document->is_array() || document->array().empty() || document->array().size() > 32)
        return 0;
    const json &stored = document->array()[0];
    std::vector<preference_event> history = read_history(*document);

    std::int64_t micros = 1000;
    for (const json &payload : opening_payloads(stored, fold_all(history)))
        history.push_back({{micros++, "opening"}, read_effects("preference_set", payload)});
    const json opened = fold_all(history);
    require(opening_payloads(stored, opened).empty());

    // A snapshot that the fold itself made is shown as it was.
    if (const auto same = snapshot::parse(stored); same && same->emit() == stored) {
        const json *weights = stored.find("tag_weights");
        if (weights != nullptr && weights->is_object())
            for (const auto &[tag, weight] : weights->object())
                require(weight_of(opened, tag) != nullptr && *weight_of(opened, tag) == weight);
    }
    return 0;
}
