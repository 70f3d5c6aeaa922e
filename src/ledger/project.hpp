// Projecting the ledger onto customers: the one place where mg_credits and the managed keys of mg_mma_preferences are
// written. Every caller locks first, then looks: a snapshot taken before the lock would read the past. Or it changes
// what it saw only as long as that is the newest version.
#pragma once

#include "core/preferences.hpp"
#include "ledger/store.hpp"
#include "ledger/unprojected.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

// What the balance becomes; raises 22003 when it leaves int4.
std::int32_t balance_after(const locked_customer &customer, std::int64_t delta);

// Raises 22003 when the balance has no room for what pending holds may bring back: every hold can go back.
void require_room(const locked_customer &after, std::int64_t pending);

// Raises MG001. given: whether the caller said what is needed.
[[noreturn]] void throw_overdraft(std::int64_t balance, std::int64_t needed, bool given, const char *hint);

// The columns by which a customer becomes what rows of the ledger make of it. preferences: null to leave the snapshot
// as it is. The balance is among them even when it stays the same: mg_updated_at tells that there are new rows.
// meta: mg_meta with the lots that the rows make, when they change.
std::vector<customer_change> projection(const locked_customer &before, const locked_customer &after,
                                        const std::optional<pg::jsonb> &meta, const Jsonb *preferences = nullptr);

// Writes them. The customer is locked.
void project(store &store, const locked_customer &before, const locked_customer &after, const Jsonb *preferences);

// Adds delta to the balance of a customer that is locked.
void project_credits(store &store, const locked_customer &customer, std::int64_t delta);

// What credit rows change of a balance, one behind the other.
class balance_change {
public:
    // overdraft_hint: of the error when the row takes the balance below zero; null when it may. needs_room: whether
    // what is held has to have room beside it.
    void add(std::int32_t delta, const char *overdraft_hint, bool needs_room);
    void add(std::int32_t delta, const char *overdraft_hint) { add(delta, overdraft_hint, delta > 0); }

    // A row that takes credits and may do so only where all rows together leave no debt.
    void add_spend_of_statement(std::int32_t delta, const char *overdraft_hint);

    void add(const balance_change &other);

    // What the balance becomes. Raises 22003 and MG001.
    std::int32_t balance_behind(store &store, const locked_customer &customer) const;

private:
    std::int64_t sum_ = 0;
    bool needs_room_ = false;
    std::int64_t needed_ = 0; // at least, for the rows that must be covered
    const char *overdraft_hint_ = nullptr;
    const char *debt_hint_ = nullptr; // of rows that count together
};

// Credit rows of a locked customer that were appended and wait for their projection.
struct appended_rows {
    void add(const new_row &row, std::int32_t delta, const char *overdraft_hint, bool needs_room) {
        credits.add(delta, overdraft_hint, needs_room);
        waiting.add(row.mg_id());
        any = true;
    }

    balance_change credits;
    unprojected::row_ids waiting;
    bool any = false;
};

// Projects them: they make `after` of the customer, or, when triggers of others may have moved him on, what they change
// is added to what he has. `after` becomes what stands there then. Raises 22003 and MG001 then.
void project_appended(store &store, const locked_customer &before, locked_customer &after, const appended_rows &rows);

// Behind any other write of a row while the customer is locked: somebody's trigger may have moved him on.
void see_what_others_did(store &store, locked_customer &customer);

// Writes when the credits of a locked customer expire. Raises 55000 when a trigger of somebody's changes that.
void write_expiry(store &store, locked_customer &customer, std::optional<pg::timestamp> expires_at);

// The preference snapshot of a customer that is locked.
pg::jsonb preferences_of(store &store, std::string_view pass_id);

// Folds the customer's snapshot anew from the ledger and writes it. The customer is locked.
void refold_preferences(store &store, const locked_customer &customer);

// Raises 55000: a trigger of somebody's keeps a change from a customer.
[[noreturn]] void refuse_kept_out(const store &store, std::string_view pass_id);

// What the rows of one statement make of customers, each projected once, in byte order of pass id.
class statement_projection {
public:
    void add_credits(std::string_view pass_id, std::int32_t delta, const char *overdraft_hint) {
        of(pass_id).credits.add(delta, overdraft_hint);
    }
    void add_spend_of_statement(std::string_view pass_id, std::int32_t delta, const char *overdraft_hint) {
        of(pass_id).credits.add_spend_of_statement(delta, overdraft_hint);
    }
    void add_event(std::string_view pass_id, core::preference_event event) {
        of(pass_id).events.push_back(std::move(event));
    }

    // A row that waits for the projection. False when nothing of its customer is projected.
    bool add_waiting(std::string_view pass_id, std::string_view mg_id) {
        const auto found = by_customer_.find(pass_id);
        if (found == by_customer_.end())
            return false;
        found->second.waiting.add(mg_id);
        return true;
    }

    // Rows that were appended for a customer and wait for their projection. end: when his credits expire behind them,
    // if that changes; one that lies later by now stays.
    void add_appended(std::string_view pass_id, const appended_rows &rows,
                      std::optional<std::optional<pg::timestamp>> end);

    // What moves for one customer moves for another one: he was merged into that one.
    void follow(std::string_view from, std::string_view to);

    // Whose rows are projected, in byte order of pass id.
    std::vector<std::string> customers() const;

    bool empty() const { return by_customer_.empty(); }

    // Projects onto each customer once, in order; a customer stays locked, as after any change. Raises 23503, 22003
    // and, for a spend, MG001.
    void project(store &store);

private:
    struct change {
        balance_change credits;
        std::optional<std::optional<pg::timestamp>> end;
        std::vector<core::preference_event> events;
        unprojected::row_ids waiting;
    };

    change &of(std::string_view pass_id);
    static locked_customer behind(store &store, const change &moved, const locked_customer &customer);
    static void project_credits(store &store, const std::string &pass_id, const change &moved);
    static void project_events(store &store, const std::string &pass_id, change &moved);

    std::map<std::string, change, std::less<>> by_customer_;
};

// The time to stamp a row with: the clock, or a microsecond after `last` when the clock stands behind that by less than
// five seconds. To be read under the lock of the customer or generation whose last change that was, or for a change
// that is made only if it still is the last one.
pg::timestamp stamp_behind(pg::timestamp last) noexcept;
pg::timestamp stamp_behind(pg::timestamp last, pg::timestamp now) noexcept;

} // namespace mega::ledger
