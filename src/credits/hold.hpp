// Holds: credits set aside before the work, settled after it, returned when it fails; exactly once, whatever order the
// provider's answers come in.
//
// A hold's row is pending, then succeeded (captured) or failed (released). Whoever holds the customer's lock first
// decides; a capture that comes after a release draws the credits again, because the work was delivered after all.
#pragma once

#include "credits/posting.hpp"
#include "ledger/call.hpp"

namespace mega::credits {

inline constexpr std::string_view pending_status = "pending";
inline constexpr std::string_view captured_status = "succeeded";
inline constexpr std::string_view released_status = "failed";

// A hold of before there were rules may have no status: nobody has settled it.
inline bool is_pending(const credit_row &hold) { return hold.status == pending_status || hold.status.empty(); }

// Whether a row with a hold's id takes credits: a raw row may call itself a hold and say anything.
inline bool takes_credits(const credit_row &hold) { return hold.delta < 0 && hold.delta > PG_INT32_MIN; }

// The row that settles a hold under its bare id; kind is capture or release.
posting settlement_of(const credit_row &hold, std::string_view hold_id, std::string_view kind, std::int32_t delta);

// Why it went back, as the application's document of the row that says so; std::nullopt for who was erased.
std::optional<pg::jsonb> note_of_release(const ledger::locked_customer &customer, std::string_view reason);

inline constexpr std::string_view released_outcome = "released";

struct settlement {
    std::string_view outcome; // captured, already_captured, recaptured; released, already_released
    std::int32_t credits;     // the balance of now
    std::string pass_id;
};

// Both: hold_id as read_hold_id gives it, bare. Raise MG003 when there is no such hold, 23514 when pass_id is given and
// is not its customer's. Lock the customer FOR NO KEY UPDATE.

// Takes amount of the hold, all of it when there is none; what is more is drawn, what is less flows back. Raises MG001
// when more is drawn than there is, MG002 when it was captured with another amount.
settlement capture(ledger::store &store, std::string_view hold_id, std::optional<std::int32_t> amount,
                   std::optional<std::string_view> pass_id);

settlement release(ledger::store &store, std::string_view hold_id, std::string_view reason,
                   std::optional<std::string_view> pass_id);

// A hold whose time was over and whose credits went back.
struct expired_hold {
    std::string hold_id; // bare
    std::string pass_id;
    std::int32_t amount;
    std::optional<std::string> generation_id;
};

// Releases pending holds whose time is over, at most so many, of customers that nobody else has locked. Locks these FOR
// NO KEY UPDATE in byte order of pass id.
std::vector<expired_hold> release_expired(ledger::call &call, std::size_t most);

// A bare hold id as an argument. Raises 22023.
std::string read_hold_id(std::optional<std::string_view> given);

// The hold's row and those that settled it; none when there is no such hold.
std::vector<credit_row> rows_of_hold(ledger::store &store, std::string_view hold_id);

// What a settled hold took in the end, 0 when it was released. std::nullopt while it is pending or when there is none.
std::optional<std::int64_t> captured_amount(ledger::store &store, std::string_view hold_id);

} // namespace mega::credits
