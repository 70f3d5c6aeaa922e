// What an event's payload says about tags.
#include "preferences.hpp"
#include "text_rule.hpp"

namespace mega::core {

namespace {

constexpr decimal max_weight = decimal::from_micros(1'000'000'000);
constexpr decimal default_weight = decimal::from_micros(1000000);
constexpr decimal download_weight = decimal::from_micros(500000);

// The beginning of a text for an error's detail.
std::string shortened(std::string_view s) {
    constexpr std::size_t limit = 64;
    return s.size() <= limit ? std::string(s) : std::string(beginning_of(s, limit)) + "...";
}

std::string quoted(std::string_view s) { return '"' + shortened(s) + '"'; }

std::string_view kind_name(const json &value) noexcept {
    switch (value.type()) {
    case json::kind::null:
        return "null";
    case json::kind::boolean:
        return "a boolean";
    case json::kind::number:
        return "a number";
    case json::kind::string:
        return "a string";
    case json::kind::array:
        return "an array";
    case json::kind::object:
        return "an object";
    }
    return "unknown";
}

[[noreturn]] void fail_kind(std::string_view key, std::string_view wanted, const json &value) {
    throw payload_error("payload member \"" + std::string(key) + "\" must be " + std::string(wanted),
                        "It is " + std::string(kind_name(value)) + ".");
}

[[noreturn]] void fail_item(std::string_view key, const json &item) {
    throw payload_error("payload member \"" + std::string(key) + "\" must be an array of strings",
                        "One of its items is " + std::string(kind_name(item)) + ".");
}

[[noreturn]] void fail_tag(std::string_view key, std::string_view tag, text_fault fault) {
    const std::string place = "payload member \"" + std::string(key) + "\" has a tag ";
    if (fault == text_fault::blank)
        throw payload_error(place + "that is blank", "A tag is a text with something in it.");
    if (fault == text_fault::too_long)
        throw payload_error(place + "that is too long", "Tag " + quoted(tag) + " has " + std::to_string(tag.size()) +
                                                            " bytes; at most 512 are allowed.");
    throw payload_error(place + "with a control character", "Tags are printable text.");
}

// The member, if it is there and not null.
const json *find_member(const json &payload, std::string_view key) noexcept {
    const json *value = payload.find(key);
    return value && !value->is_null() ? value : nullptr;
}

class effect_reader {
public:
    explicit effect_reader(const json &payload) noexcept : payload_(payload) {}

    void read_additions(decimal weight_when_absent, bool negative) {
        decimal weight = weight_when_absent;
        if (const json *value = find_member(payload_, "weight"))
            weight = given_weight(*value);
        const decimal added = negative ? decimal::from_micros(-weight.micros()) : weight;
        const auto add = [&](tag_effect &effect) {
            effect.added = added;
            effect.adds = true;
        };
        read_tag("tag", add);
        read_tags("tags", add);
    }

    // Whether a like or dislike is taken back.
    bool read_undo() const {
        const json *value = find_member(payload_, "undo");
        if (value && !value->is_boolean())
            fail_kind("undo", "true or false", *value);
        return value && value->boolean();
    }

    void read_blocks() {
        const auto block = [](tag_effect &effect) { effect.block = true; };
        read_tag("hard_block", block);
        read_tags("hard_blocks", block);
    }

    void read_unblocks() {
        read_tags("remove_hard_blocks", [](tag_effect &effect) { effect.unblock = true; });
    }

    void read_sets() {
        constexpr std::string_view key = "tag_weights";
        const json *weights = find_member(payload_, key);
        if (!weights)
            return;
        if (!weights->is_object())
            fail_kind(key, "an object", *weights);
        for (const auto &[tag, value] : weights->object()) {
            tag_effect &effect = effect_on(key, tag);
            effect.drop = value.is_null();
            effect.set = value.is_null() ? std::nullopt : std::optional(set_weight(key, tag, value));
        }
    }

    // Settles what one event says twice about a tag: block beats set beats unblock. An addition is beside that, and to
    // drop a weight is no contradiction to an unblock, which drops it as well.
    std::vector<tag_effect> take() {
        std::vector<tag_effect> effects;
        effects.reserve(by_tag_.size());
        for (auto &[tag, effect] : by_tag_) {
            effect.tag = tag;
            if (effect.block || effect.set)
                effect.unblock = false;
            if (effect.block)
                effect.set.reset();
            effect.drop = !effect.block && !effect.set && (effect.drop || effect.unblock);
            effects.push_back(std::move(effect));
        }
        return effects;
    }

private:
    static decimal given_weight(const json &value) {
        if (!value.is_number())
            fail_kind("weight", "a number", value);
        const auto weight = decimal::parse(value.number());
        if (!weight || *weight <= decimal() || *weight > max_weight)
            throw payload_error("payload member \"weight\" is out of range",
                                "It is " + shortened(value.number()) + "; a weight lies above 0 and is at most 1000.");
        return *weight;
    }

    static decimal set_weight(std::string_view key, std::string_view tag, const json &value) {
        if (!value.is_number())
            throw payload_error("values of payload member \"" + std::string(key) + "\" must be numbers or null",
                                "That of tag " + quoted(tag) + " is " + std::string(kind_name(value)) + ".");
        const auto weight = decimal::parse(value.number());
        if (!weight || *weight > max_weight || *weight < decimal::from_micros(-max_weight.micros()))
            throw payload_error("payload member \"" + std::string(key) + "\" has a weight out of range",
                                "That of tag " + quoted(tag) + " is " + shortened(value.number()) +
                                    "; a weight lies between -1000 and 1000.");
        return *weight;
    }

    tag_effect &effect_on(std::string_view key, std::string_view written) {
        if (++mentioned_ > max_tags_per_event)
            throw payload_error("payload names too many tags",
                                "One event names at most " + std::to_string(max_tags_per_event) + ".");
        const std::string_view tag = trim(written);
        if (const text_fault fault = check_text(tag); fault != text_fault::none)
            fail_tag(key, tag, fault);
        return by_tag_.try_emplace(std::string(tag)).first->second;
    }

    template <class F> void read_tag(std::string_view key, F change) {
        const json *value = find_member(payload_, key);
        if (!value)
            return;
        if (!value->is_string())
            fail_kind(key, "a string", *value);
        change(effect_on(key, value->string()));
    }

    template <class F> void read_tags(std::string_view key, F change) {
        const json *value = find_member(payload_, key);
        if (!value)
            return;
        if (!value->is_array())
            fail_kind(key, "an array of strings", *value);
        for (const json &item : value->array()) {
            if (!item.is_string())
                fail_item(key, item);
            change(effect_on(key, item.string()));
        }
    }

    const json &payload_;
    std::map<std::string, tag_effect, std::less<>> by_tag_;
    std::size_t mentioned_ = 0;
};

bool is_word(std::string_view event_type) noexcept { return event_type == "like" || event_type == "dislike"; }

} // namespace

std::span<const std::string_view> members_read(std::string_view event_type) noexcept {
    static constexpr std::string_view of_words[] = {"tag", "tags", "weight", "undo", "hard_block", "hard_blocks"};
    static constexpr std::string_view of_sets[] = {"hard_block", "hard_blocks", "tag_weights", "remove_hard_blocks"};
    constexpr std::size_t without_undo = 3, without_blocks = 4;
    if (event_type == "dislike")
        return of_words;
    if (event_type == "like")
        return std::span(of_words).first(without_blocks);
    if (event_type == "download")
        return std::span(of_words).first(without_undo);
    return event_type == "preference_set" ? std::span<const std::string_view>(of_sets)
                                          : std::span<const std::string_view>();
}

std::vector<tag_effect> read_effects(std::string_view event_type, const json &payload) {
    if (members_read(event_type).empty())
        return {};
    if (!payload.is_null() && !payload.is_object())
        throw payload_error("payload must be an object", "It is " + std::string(kind_name(payload)) + ".");
    effect_reader reader(payload);
    const bool undone = is_word(event_type) && reader.read_undo();
    if (is_word(event_type))
        reader.read_additions(default_weight, (event_type == "dislike") != undone);
    if (event_type == "download")
        reader.read_additions(download_weight, false);
    if (event_type == "preference_set") {
        reader.read_sets();
        reader.read_unblocks();
    }
    if (event_type == "preference_set" || (event_type == "dislike" && !undone))
        reader.read_blocks();
    return reader.take();
}

} // namespace mega::core
