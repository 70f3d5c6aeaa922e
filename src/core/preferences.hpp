// The preference fold (I2): what a customer's events, in the order of their positions, make of tags and weights.
//
// Per tag there are two registers, each won by the latest position: blocked or not, and the weight last set or dropped;
// and the sum of the additions behind the latter. Additions commute, so an event that arrives late costs nothing unless
// it sets or drops a weight: then that one tag is folded anew from the ledger. The managed keys are a function of the
// set of events alone: order and grouping of their arrival leave no trace.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "decimal.hpp"
#include "json.hpp"

namespace mega::core {

// Where an event stands among its customer's events: by time, then by id in the order of its bytes.
struct position {
    std::int64_t micros = 0; // since 1970-01-01 UTC
    std::string id;          // mg_id

    friend auto operator<=>(const position &, const position &) = default;
};

// What one event does to one tag. read_effects gives no contradictions: block, set and unblock exclude each other, an
// unblock is a drop as well, and an addition stands alone or beside a block.
struct tag_effect {
    std::string tag;
    bool block = false;
    bool unblock = false;
    bool drop = false;
    std::optional<decimal> set;
    decimal added;
    bool adds = false;

    friend auto operator<=>(const tag_effect &, const tag_effect &) = default;
};

// Ordered by position. Rows without a key of their own may share one: then by what they do, so that the fold does not
// hang on the order in which they are read.
struct preference_event {
    position at;
    std::vector<tag_effect> effects;

    friend auto operator<=>(const preference_event &, const preference_event &) = default;
};

// A payload that says nothing intelligible. The message is lower case without a full stop, the detail a sentence.
struct payload_error : std::exception {
    std::string message;
    std::string detail;

    payload_error(std::string message_text, std::string detail_text)
        : message(std::move(message_text)), detail(std::move(detail_text)) {}
    const char *what() const noexcept override { return message.c_str(); }
};

inline constexpr std::size_t max_tags_per_event = 1000;

// Takes an event type and its payload (an object, or null for an empty one) and returns the effects, by tag in byte
// order. like, dislike and download read tag, tags and weight; like and dislike read undo, which adds the opposite
// weight and blocks nothing; dislike and preference_set read hard_block and hard_blocks; preference_set reads
// tag_weights and remove_hard_blocks. Every other member, and every other event type, whatever its payload is, is
// without effect; a member that is null counts as absent. Of two keys of tag_weights that are one tag after trimming
// the last one counts. Raises payload_error when a member that is read has the wrong type, a tag is no text that
// check_text lets pass, there are more than max_tags_per_event tags in sum, a weight is not 0 < w <= 1000 or a set
// weight not -1000 <= w <= 1000, all after rounding to six places.
std::vector<tag_effect> read_effects(std::string_view event_type, const json &payload);

// The members of the payload that read_effects reads of such an event: none of one without effect. Never raises.
std::span<const std::string_view> members_read(std::string_view event_type) noexcept;

// One tag's registers.
struct tag_state {
    std::optional<position> block_at; // of the last block or unblock
    bool blocked = false;
    std::optional<position> set_at; // of the last set or drop
    std::optional<decimal> weight;  // the set that stands and the additions behind set_at; nullopt if there is neither

    friend bool operator==(const tag_state &, const tag_state &) = default;
};

// The step of the fold: takes an event that comes after all that the state has seen. Raises std::overflow_error beyond
// ±9.2 × 10^12.
void fold_into(tag_state &state, const position &at, const tag_effect &effect);

// The members of mg_mma_preferences that belong to the fold; all others are the application's.
inline constexpr std::array<std::string_view, 5> managed_keys = {"hard_blocks", "tag_weights", "updated_at", "source",
                                                                 "positions"};

using tag_states = std::map<std::string, tag_state, std::less<>>; // by tag

class snapshot {
public:
    // Folds some tags from the ledger, which holds the batch already: fold_into over its events in order.
    using refold_function = std::function<tag_states(const std::set<std::string> &tags)>;

    // Takes the stored document; members other than the managed keys, and a document that is no object, do not matter.
    // Without positions it is one that an application wrote: its blocks and weights stand before every event, and what
    // is unintelligible in it is left out. nullopt when there are positions but they do not fit: then only a fold from
    // the ledger helps.
    static std::optional<snapshot> parse(const json &document);

    // The managed keys in a stated order, as an object; empty as long as there was no event at all.
    json emit() const;

    // Takes events that the snapshot has not seen, in any order. The callback is called at most once, for the tags
    // whose weight a late event sets or drops, or that an event at the very position of their last one changes. Raises
    // std::overflow_error and what the callback raises; the snapshot is of no use then.
    void apply(std::vector<preference_event> batch, const refold_function &refold);

    // Takes the next event in order; std::logic_error if it stands before the newest one. For folds from the ledger.
    void append(const position &at, const std::vector<tag_effect> &effects);

    // The last position of all events, those without effect too; nullopt if there was none.
    const std::optional<position> &newest() const noexcept { return newest_; }

    friend bool operator==(const snapshot &, const snapshot &) = default;

private:
    bool parse_with_positions(const json &document, const json &positions);
    void parse_without_positions(const json &document);

    tag_states tags_;
    std::optional<position> newest_;
};

// The managed keys that these events make, given in any order.
json fold_all(std::vector<preference_event> events);

} // namespace mega::core
