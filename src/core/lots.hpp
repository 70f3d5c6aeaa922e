// Lots (I15): a grant with an end is a lot of its own, which ends by itself; what has no lot is free. One code for
// whoever reads what stands and whoever writes it.
#pragma once

#include "lot_name.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mega::core {

// An open lot: name is its grant's id, left above zero, ends in microseconds since 1970.
struct lot {
    lot_name name;
    std::int32_t left = 0;
    std::int64_t ends = 0;

    bool operator==(const lot &) const = default;
};

// By ends, then name by bytes: the order in which they are drawn and stored (S).
using open_lots = std::vector<lot>;

// Beyond this many open ones a grant makes no other.
inline constexpr std::size_t most_open_lots = 1000;

// What a row says of a lot: drawn (-) or given back (+).
struct lot_change {
    std::string name;
    std::int64_t credits = 0;

    bool operator==(const lot_change &) const = default;
};
using lot_changes = std::vector<lot_change>;

// Adds the next of the stored ones. False, and nothing added, when it is none: what is left fits an integer and is
// above zero, and the order holds.
bool add_stored(open_lots &lots, std::string_view name, std::int64_t left, std::int64_t ends);

// A whole number as it is written, nothing around it.
std::optional<std::int64_t> whole_number(std::string_view text);

// The same of lots that two customers have.
open_lots joined(open_lots left, const open_lots &right);

// What a customer has: the balance, its open lots, and the end of what has no lot.
struct holdings {
    std::int64_t credits = 0;
    open_lots lots;
    std::optional<std::int64_t> free_end;

    std::int64_t in_lots() const noexcept;
    std::int64_t free() const noexcept { return credits - in_lots(); } // below zero: a debt

    bool operator==(const holdings &) const = default;
};

// What came of time: gaps that lots paid, and what ended, a lot that had nothing left any more at zero.
struct settlement {
    lot_changes cover, ended;
    std::int64_t free_ended = 0;
    bool end_passed = false; // that of what has no lot

    bool anything_ended() const noexcept { return free_ended > 0 || !ended.empty(); }
    bool nothing_happened() const noexcept { return !anything_ended() && cover.empty() && !end_passed; }
    std::int64_t total() const noexcept; // of what ended
};

// While there is a debt the lots pay it, in order; then lots whose end has come end; then what has no lot does. A
// second time it finds nothing to do.
settlement stand(holdings &what, std::int64_t now);

// What of a draw came from where; without a name: what has no lot.
struct drawn_part {
    std::string name;
    std::int64_t credits = 0;
    std::optional<std::int64_t> ends;

    bool operator==(const drawn_part &) const = default;
};

// From where a draw takes before it goes by ends.
struct draw_first {
    bool free = false;
    std::string_view name = {}; // of a lot; empty for none
};

// Takes credits: by their end, what has no lot at its end's place, last without one. Only what has no lot falls below
// zero; whether it may is the caller's to ask. What stands was settled.
std::vector<drawn_part> draw(holdings &what, std::int64_t amount, draw_first first = {});

// Of these the lots, as a row says it.
lot_changes changes_of(std::span<const drawn_part> parts);

// What a posting and its family took and has not given back: of what has no lot, and of each lot.
struct taken {
    struct of_lot {
        std::string name;
        std::int64_t credits = 0;
        std::int64_t room = 0; // what was granted, and neither revoked nor ended
        std::int64_t ends = 0;
        bool ended = false; // its end was settled, whatever the clock says by now
    };

    std::int64_t free = 0;
    std::vector<of_lot> lots;
};

// Gives credits back: to what has no lot its share first, then to lots, the latest end first, none above its room; the
// rest has no lot. A lot may have ended: `stand` behind it, at any time, says what of it ends again.
lot_changes give_back(holdings &what, std::int64_t amount, const taken &from);

// Grants credits with an end. A debt is paid from them: returns how much.
std::int64_t grant(holdings &what, std::string_view name, std::int64_t amount, std::int64_t ends);

// What of a draw goes elsewhere, one part for each end, in the order they were drawn; what has none last.
std::vector<std::pair<std::int64_t, std::optional<std::int64_t>>> by_end(std::span<const drawn_part> parts);

// What a row of the ledger says of lots.
struct lot_facts {
    std::string name; // the row's own
    std::int64_t delta = 0;
    std::optional<std::int64_t> ends; // it is a lot
    lot_changes lots, cover;
    std::optional<std::string> revoke_of, refund_of;
};

// The open lots that a customer's rows make, whatever their order.
struct folded_lots {
    open_lots lots;
    bool sound = true; // every lot is within its bounds (I15), and every key names a lot
};
folded_lots fold_lots(std::span<const lot_facts> rows);

} // namespace mega::core
