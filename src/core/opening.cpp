// The payloads of the events that open the books of preferences.
#include "opening.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "preferences.hpp"
#include "text_rule.hpp"

namespace mega::core {

namespace {

constexpr decimal max_weight = decimal::from_micros(std::int64_t{1000} * 1000000);
constexpr decimal min_weight = decimal::from_micros(std::int64_t{-1000} * 1000000);

// What a snapshot shows: a tag is blocked, or it has a weight.
struct shown {
    std::set<std::string> blocked;
    std::map<std::string, decimal> weights;

    explicit shown(const json &document) {
        if (const json *blocks = document.find("hard_blocks"); blocks && blocks->is_array())
            for (const json &item : blocks->array())
                if (item.is_string() && is_tag(item.string()))
                    blocked.emplace(trim(item.string()));
        if (const json *stored = document.find("tag_weights"); stored && stored->is_object())
            for (const auto &[key, value] : stored->object()) {
                const auto weight = value.is_number() ? decimal::parse(value.number()) : std::nullopt;
                if (weight && is_tag(key) && !blocked.contains(std::string(trim(key))))
                    weights.insert_or_assign(std::string(trim(key)), std::clamp(*weight, min_weight, max_weight));
            }
    }

    std::optional<decimal> weight(const std::string &tag) const {
        const auto found = weights.find(tag);
        return found == weights.end() ? std::nullopt : std::optional(found->second);
    }

private:
    static bool is_tag(std::string_view text) { return check_text(trim(text)) == text_fault::none; }
};

// Payloads that are filled one behind the other, each with no more tags than an event may name.
class payload_writer {
public:
    void unblock(const std::string &tag) { next().unblocks.push_back(json::make_string(tag)); }
    void block(const std::string &tag) { next().blocks.push_back(json::make_string(tag)); }
    void set(const std::string &tag, std::optional<decimal> weight) {
        next().weights.emplace_back(tag, weight ? json::make_number(weight->text()) : json());
    }

    // What comes now is to be appended behind what came before.
    void begin_another() {
        if (!drafts_.empty())
            drafts_.back().named = max_tags_per_event;
    }

    std::vector<json> take() {
        std::vector<json> payloads;
        for (draft &one : drafts_) {
            json::members members;
            if (!one.unblocks.empty())
                members.emplace_back("remove_hard_blocks", json::make_array(std::move(one.unblocks)));
            if (!one.blocks.empty())
                members.emplace_back("hard_blocks", json::make_array(std::move(one.blocks)));
            if (!one.weights.empty())
                members.emplace_back("tag_weights", json::make_object(std::move(one.weights)));
            payloads.push_back(json::make_object(std::move(members)));
        }
        return payloads;
    }

private:
    struct draft {
        std::size_t named = 0;
        json::items unblocks;
        json::items blocks;
        json::members weights;
    };

    draft &next() {
        if (drafts_.empty() || drafts_.back().named == max_tags_per_event)
            drafts_.emplace_back();
        ++drafts_.back().named;
        return drafts_.back();
    }

    std::vector<draft> drafts_;
};

} // namespace

std::vector<json> opening_payloads(const json &stored, const json &folded) {
    const shown wanted(stored);
    const shown now(folded);
    payload_writer writer;
    for (const std::string &tag : now.blocked) // its weight goes with the block
        if (!wanted.blocked.contains(tag))
            writer.unblock(tag);
    writer.begin_another(); // in one event a weight would beat the unblock
    for (const std::string &tag : wanted.blocked)
        if (!now.blocked.contains(tag))
            writer.block(tag);
    for (const auto &[tag, weight] : wanted.weights)
        if (now.weight(tag) != weight)
            writer.set(tag, weight);
    for (const auto &[tag, weight] : now.weights)
        if (!wanted.weights.contains(tag) && !wanted.blocked.contains(tag))
            writer.set(tag, std::nullopt);
    return writer.take();
}

} // namespace mega::core
