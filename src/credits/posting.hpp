// A posting: a change of credits on its way into the ledger: validate, look for a replay, lock, look again, append,
// project. Every function that moves credits goes through here (I1, I3, I4).
#pragma once

#include "core/lots.hpp"
#include "core/text_rule.hpp"
#include "ledger/lots.hpp"
#include "ledger/once.hpp"
#include "ledger/project.hpp"
#include "pg/clock.hpp"

namespace mega::credits {

struct posting {
    std::string pass_id;
    std::optional<std::string> named_as; // as the caller named the customer, where pass_id is who goes on for him
    std::int32_t delta = 0;
    std::string reason;
    std::optional<std::string> source;
    std::optional<std::string> ref_type, ref_id; // both or neither
    std::optional<std::string> txn_id;           // bare; a fresh one when there is none
    std::optional<std::string> generation_id;    // bare; what a hold pays for
    std::optional<pg::timestamp> expires_at;     // of a grant: it is a lot (I15)
    std::optional<pg::jsonb> meta;               // the application's
    std::optional<pg::jsonb> own;                // what mega counts by, in its own key (I17)
    std::string_view status = "succeeded";
    std::optional<core::taken> returns; // it gives back: what its family took, and from where
    core::draw_first draws;             // from where it takes first; what this names outlives the posting
    bool of_free_alone = false;         // it takes only what has no lot
    bool of_merge = false;              // its lot is made however many are open
    bool ends_credits = false;          // an expiry
    bool allow_negative = false;
    bool was_held = false;  // it gives back what a hold set aside
    bool given = true;      // pass id and delta are what the caller said, not what a row says: errors may repeat them
    bool own_id = false;    // the id is of a function's own family, the reference the caller's
    bool own_names = false; // id and reference are of a function's own families: the id alone tells a replay
    const char *overdraft_hint = "Grant credits first.";
};

// Whether it brings credits beside which what is held has to have room to come back.
inline bool needs_room(const posting &what) { return what.delta > 0 && !what.was_held; }

// What a function says about an overdraft that it would allow.
inline constexpr const char *may_allow_negative = "Grant credits first, or pass allow_negative => true.";

// How long an id may be that stands in a txn_id between other words.
constexpr std::size_t room_in_txn_id(std::string_view words) { return core::max_id_bytes - words.size(); }

struct outcome {
    std::string mg_id;
    std::int32_t credits; // the balance of now
    bool replayed;
};

// A credit row as the ledger has it.
struct credit_row {
    std::string mg_id;
    std::string pass_id;
    std::int32_t delta = 0;
    std::string status;
    std::optional<std::string> reason, ref_type, ref_id;
    std::optional<pg::jsonb> meta; // when it has members
    ItemPointerData place{};       // a hint only
};

// Posts once. Raises 23503 for an unknown customer, MG001 for an overdraft, MG002 when its txn_id or
// reference was used for something else, MG010 for a hold that was settled, MG004 for a spend of a disabled customer,
// 22003 for an overflow, 22023 for an end that has passed and for a reserved name. A replay is looked for before any of
// these. Locks the customer FOR NO KEY UPDATE.
outcome post_once(ledger::store &store, const posting &what);

// The row that was posted under the same txn_id or reference, whatever it says.
std::optional<credit_row> find_posted(ledger::store &store, const posting &what);

// place: where it was seen last; a hint only.
std::optional<credit_row> find_by_txn_id(ledger::store &store, std::string_view txn_id, ItemPointerData place = {});

// Two rows that are written together. Between the two looks both may come: then neither is missing.
std::pair<std::optional<credit_row>, std::optional<credit_row>>
find_pair(ledger::store &store, std::string_view first_txn_id, std::string_view second_txn_id);

// The row that says the same; raises MG002 when one says something else, MG010 when it is a hold that was settled.
std::optional<credit_row> find_replay(ledger::store &store, const posting &what);

// The posting with the pass id that the row has, when it means the same customer: he may have been merged since.
posting named_as_in(ledger::store &store, const credit_row &first, posting again);

// Raises MG002 when a row of another id has the reference of a function's own posting.
void refuse_taken_reference(ledger::store &store, const posting &what);

// The id of the credit row with this txn_id.
std::string mg_id_of(std::string_view txn_id);

// Whether a row has its txn_id or its reference, or one row the one and another the other.
bool is_posted(ledger::store &store, const posting &what);

// Raises 22023 for an id or a reference type that only functions of mega give to new rows.
void refuse_reserved_names(const posting &what);

// Raises MG002 with what was posted and what was given: always, or when they differ in customer, delta, reason or
// reference.
[[noreturn]] void refuse_other_content(const credit_row &first, const posting &again);
void require_same(const credit_row &first, const posting &again);

// The row that a posting of this call becomes, for errors about another one that says otherwise.
credit_row as_credit_row(const posting &what);

// The balance of a customer, read anew.
std::int32_t balance_of(ledger::store &store, std::string_view pass_id);

// The balance of a customer behind a posting, for the caller: through SQL triggers of somebody's may have moved it on
// since it was kept in `customer`.
std::int32_t balance_to_tell(ledger::store &store, ledger::locked_customer customer);

// What a posting has come to: its row's id where it needs one, its time, and what it says of lots.
struct applied {
    std::optional<std::string> id;
    pg::timestamp stamp{};
    ledger::row_lots lots;
    std::vector<core::drawn_part> drawn; // where it took from
};

// Makes of the customer what the posting does. Raises MG001, MG004, 22003, 54000 for a lot too many and, for an end
// that has passed or a name that is reserved, 22023.
applied apply(ledger::locked_customer &customer, const posting &what);

// What comes of time: `made` has what ended, its row's delta is what that comes to.
struct expiry {
    core::settlement came;
    posting what;
    applied made;
};

// Whether something has.
bool is_due(const ledger::locked_customer &customer, pg::timestamp as_of);

// What has come to its end as of then; the customer becomes what he is behind it. std::nullopt when nothing ended: what
// lots paid of a debt belongs into the row of whoever moves credits next.
std::optional<expiry> expire(ledger::locked_customer &customer, pg::timestamp as_of);

// Behind postings that gave back: what of it ends again. `last` becomes what the last of them says.
std::optional<expiry> expire_behind(ledger::locked_customer &customer, applied &last);

// Rows of one customer, in order.
struct row_to_post {
    const posting &what;
    const applied &made;
};

// Whether rows go in at once, or with those of other customers when the caller calls `append_rest`.
enum class going_in { at_once, with_others };

// Appends them and makes him what they make of him; `after` becomes what stands there then. Returns the first one's id;
// std::nullopt, and nothing written, when that has a key that is taken.
std::optional<std::string> append_and_project(ledger::store &store, ledger::locked_customer &before,
                                              ledger::locked_customer &after, std::span<const row_to_post> rows,
                                              going_in when = going_in::at_once);

// Where triggers of others act, lots change before the rows are there: what a trigger moves meanwhile finds them as
// they will be, and no lot is drawn twice.
void write_lots_ahead(ledger::store &store, ledger::locked_customer &before, const ledger::locked_customer &after);

// Marks the lots whose end is settled; keeps `customer` true.
void mark_ended(ledger::store &store, const std::optional<expiry> &settled, ledger::locked_customer &customer);

// The hint of the error when it takes the balance below zero; null when it may.
const char *hint_of(const posting &what);

// The row of the posting.
ledger::new_row row_of(const posting &what, const applied &made);

// Under the lock of the customer: appends the posting, projects it, and keeps `customer` true. Raises MG001, MG004 and
// 22003. std::nullopt, and nothing written, when its id or reference is in the ledger already.
// drawn: becomes where it took from.
std::optional<std::string> post(ledger::store &store, ledger::locked_customer &customer, const posting &what,
                                std::vector<core::drawn_part> *drawn = nullptr);

// The same for a row of a function's own: where another row has its reference it is written without, with a WARNING.
// std::nullopt when its id is in the ledger already.
std::optional<std::string> post_own(ledger::store &store, ledger::locked_customer &customer, posting what);

// Under the lock of the customer, before anything moves: what has ended goes, with a row that says so; a passed
// mg_expires_at is cleared. Returns how many credits ended.
std::int64_t write_off_expired(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of);

// As of now; what is posted next is stamped with the same time.
void write_off_expired(ledger::store &store, ledger::locked_customer &customer);

// The same, and what lots pay of a debt, in a row of its own when nothing ended: for who posts nothing behind it that
// could say so.
void settle(ledger::store &store, ledger::locked_customer &customer);

// A lot whose end has come, as it was seen: its name, without what is before it, and its place, a hint.
struct due_lot {
    std::string name;
    ItemPointerData place;
};

// What the sweep of ends does to a customer: the same, and marks these lots, whatever they have left. Its row goes in
// with others. std::nullopt when another sweep was here before.
std::optional<std::int64_t> settle_lots(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of,
                                        std::span<const due_lot> due);

// The one way of a posting into the ledger: looks for a replay, locks the customer, looks again, writes off what has
// expired, posts. find: what was posted under its key; raises MG002 when that says something else. lock: the customer
// under its lock. post: under the lock decides what is left to decide, and posts; returns the row's id, or nothing when
// its key is taken. noun: what it is, for the error when it is taken and nobody is found to have it.
template <class Find, class Lock, class Post>
outcome post_once(ledger::store &store, const char *noun, Find find, Lock lock, Post post) {
    ledger::locked_customer customer;
    std::optional<std::string> posted;
    const std::optional<credit_row> first = ledger::once(
        find,
        [&] {
            customer = lock();
            return customer.changed_meanwhile;
        },
        [&] {
            write_off_expired(store, customer);
            posted = post(customer);
            return posted.has_value();
        },
        [&] { ledger::refuse_appended_meanwhile(noun, customer); });
    return first ? outcome{first->mg_id, balance_of(store, first->pass_id), true}
                 : outcome{*posted, customer.credits, false};
}

// Locks the customer of a row. Raises 23503, without saying whose it is unless the caller may know, when a row of an
// adopted table has none.
ledger::locked_customer lock_customer_of(ledger::store &store, const credit_row &row);

// Raises 22023 for half a reference.
void require_whole_reference(std::optional<std::string_view> ref_type, std::optional<std::string_view> ref_id);

// What mega_record_credit asks of its arguments; raises 22023 and 22008.
void check_posting(const posting &what);

// A transaction id as an argument: bare, checked. Raises 22023. Whether it may be a new one is asked when no replay is
// found: names that are reserved bind new rows.
std::string read_txn_id(std::string_view given);

// The id that a function gives its own rows, as an argument: bare or as their txn_ids and ids have it behind `prefix`.
// longest: what their longest txn_id has besides. Raises 22023.
std::string_view read_own_id(const char *name, std::optional<std::string_view> given, std::string_view prefix,
                             std::string_view longest);

// A count that has to be above zero. Raises 22023.
std::int32_t require_positive(const char *name, std::optional<std::int32_t> given);

} // namespace mega::credits
