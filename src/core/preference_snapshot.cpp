// How the fold's state is written into mg_mma_preferences and read again.
//
//     "hard_blocks":  the blocked tags in byte order
//     "tag_weights":  by tag the weight shown, -999 for a blocked one
//     "updated_at":   the newest position's time
//     "source":       "mma"
//     "positions":    {"newest": [micros, id],
//                      "tags": {tag: {"block": [micros, id],     last block or unblock
//                                     "set":   [micros, id],     last set or drop
//                                     "weight": number}}}        the weight under a block
//
// A tag that was only ever added to has no entry in positions: its weight says everything.
#include "preferences.hpp"

#include <charconv>
#include <system_error>

#include "utc_time.hpp"

namespace mega::core {

namespace {

constexpr std::string_view blocked_weight = "-999";

json emit_position(const position &at) {
    return json::make_array({json::make_number(std::to_string(at.micros)), json::make_string(at.id)});
}

std::optional<position> parse_position(const json &value) {
    if (!value.is_array() || value.array().size() != 2)
        return std::nullopt;
    const json &micros = value.array()[0];
    const json &id = value.array()[1];
    if (!micros.is_number() || !id.is_string())
        return std::nullopt;
    const std::string &text = micros.number();
    position at{0, id.string()};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), at.micros);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return at;
}

// Reads a member that may be absent; false if it is there and no position.
bool parse_optional_position(const json &object, std::string_view key, std::optional<position> &at) {
    const json *value = object.find(key);
    if (!value)
        return true;
    at = parse_position(*value);
    return at.has_value();
}

json::members emit_entry(const tag_state &state) {
    json::members entry;
    if (state.block_at)
        entry.emplace_back("block", emit_position(*state.block_at));
    if (state.set_at)
        entry.emplace_back("set", emit_position(*state.set_at));
    if (state.blocked && state.weight)
        entry.emplace_back("weight", json::make_number(state.weight->text()));
    return entry;
}

std::optional<decimal> parse_weight(const json &value) {
    return value.is_number() ? decimal::parse(value.number()) : std::nullopt;
}

} // namespace

json snapshot::emit() const {
    if (tags_.empty() && !newest_)
        return json::make_object();

    json::items blocks;
    json::members weights;
    json::members entries;
    for (const auto &[tag, state] : tags_) {
        if (state.blocked)
            blocks.push_back(json::make_string(tag));
        if (state.blocked)
            weights.emplace_back(tag, json::make_number(std::string(blocked_weight)));
        else if (state.weight)
            weights.emplace_back(tag, json::make_number(state.weight->text()));
        if (json::members entry = emit_entry(state); !entry.empty())
            entries.emplace_back(tag, json::make_object(std::move(entry)));
    }

    json::members positions;
    if (newest_)
        positions.emplace_back("newest", emit_position(*newest_));
    if (!entries.empty())
        positions.emplace_back("tags", json::make_object(std::move(entries)));

    json::members document;
    document.emplace_back("hard_blocks", json::make_array(std::move(blocks)));
    document.emplace_back("tag_weights", json::make_object(std::move(weights)));
    if (newest_)
        document.emplace_back("updated_at", json::make_string(iso_utc(newest_->micros)));
    document.emplace_back("source", json::make_string("mma"));
    if (!positions.empty())
        document.emplace_back("positions", json::make_object(std::move(positions)));
    return json::make_object(std::move(document));
}

std::optional<snapshot> snapshot::parse(const json &document) {
    snapshot result;
    const json *positions = document.find("positions");
    if (!positions || positions->is_null())
        result.parse_without_positions(document);
    else if (!result.parse_with_positions(document, *positions))
        return std::nullopt;
    return result;
}

bool snapshot::parse_with_positions(const json &document, const json &positions) {
    const json *blocks = document.find("hard_blocks");
    const json *weights = document.find("tag_weights");
    if (!positions.is_object() || !blocks || !blocks->is_array() || !weights || !weights->is_object())
        return false;
    if (!parse_optional_position(positions, "newest", newest_))
        return false;
    for (const json &tag : blocks->array()) {
        if (!tag.is_string())
            return false;
        tags_[tag.string()].blocked = true;
    }
    for (const auto &[tag, value] : weights->object()) {
        tag_state &state = tags_[tag];
        if (state.blocked)
            continue; // what is shown is the block
        state.weight = parse_weight(value);
        if (!state.weight)
            return false;
    }
    const json *entries = positions.find("tags");
    if (!entries)
        return true;
    if (!entries->is_object())
        return false;
    for (const auto &[tag, entry] : entries->object()) {
        tag_state &state = tags_[tag];
        if (!entry.is_object() || !parse_optional_position(entry, "block", state.block_at) ||
            !parse_optional_position(entry, "set", state.set_at))
            return false;
        const json *weight = entry.find("weight");
        if (!weight)
            continue;
        if (!state.blocked)
            return false;
        state.weight = parse_weight(*weight);
        if (!state.weight)
            return false;
    }
    return true;
}

void snapshot::parse_without_positions(const json &document) {
    if (const json *blocks = document.find("hard_blocks"); blocks && blocks->is_array())
        for (const json &tag : blocks->array())
            if (tag.is_string())
                tags_[tag.string()].blocked = true;
    if (const json *weights = document.find("tag_weights"); weights && weights->is_object())
        for (const auto &[tag, value] : weights->object()) {
            const auto weight = parse_weight(value);
            if (!weight)
                continue;
            tag_state &state = tags_[tag];
            if (!state.blocked || weight->text() != blocked_weight)
                state.weight = weight;
        }
}

} // namespace mega::core
