// Projects appended rows onto customers: balance, stamp, end and snapshot in one change each.
#include "ledger/project.hpp"

#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/lots.hpp"
#include "ledger/merged.hpp"
#include "ledger/own_key.hpp"
#include "ledger/preference_fold.hpp"
#include "pg/clock.hpp"
#include "pg/rounds.hpp"
#include "pg/snapshot.hpp"
#include "schema/interference.hpp"

namespace mega::ledger {

locked_customer require_locked_customer(store &store, std::string_view pass_id) {
    locked_customer customer = require_locked_or_erased_customer(store, pass_id);
    if (customer.erased)
        refuse_erased(pass_id);
    return customer;
}

std::optional<locked_customer> lock_who_goes_on(store &store, std::string_view pass_id) {
    auto customer = store.lock_customer(pass_id);
    while (customer && customer->merged_into) {
        const pg::own_moments behind_the_lock; // one transaction may have made the target and merged into it
        customer = store.lock_customer(std::string(*customer->merged_into));
        if (customer)
            customer->changed_meanwhile = true;
    }
    return customer;
}

locked_customer require_locked_or_erased_customer(store &store, std::string_view pass_id) {
    auto customer = lock_who_goes_on(store, pass_id);
    if (!customer)
        throw_unknown_customer(pass_id);
    return *std::move(customer);
}

locked_customer require_locked_row(store &store, std::string_view pass_id) {
    auto customer = store.lock_customer(pass_id);
    if (!customer)
        throw_unknown_customer(pass_id);
    return *std::move(customer);
}

std::int32_t balance_after(const locked_customer &customer, std::int64_t delta) {
    const std::int64_t balance = customer.credits + delta;
    if (balance < PG_INT32_MIN || balance > PG_INT32_MAX)
        throw pg::sql_error{"22003",
                            "the balance would leave the range of an integer",
                            to_readers({schema::customer::mg_pass_id, schema::customer::mg_credits},
                                       "pass_id=" + pg::quoted(customer.pass_id) + " balance=" +
                                           std::to_string(customer.credits) + " delta=" + std::to_string(delta)),
                            {}};
    return static_cast<std::int32_t>(balance);
}

void require_room(const locked_customer &after, std::int64_t pending) {
    if (after.credits + pending > PG_INT32_MAX)
        throw pg::sql_error{"22003",
                            "the balance would leave the range of an integer when pending holds go back",
                            to_readers({schema::customer::mg_pass_id, schema::customer::mg_credits},
                                       "pass_id=" + pg::quoted(after.pass_id) + " balance=" +
                                           std::to_string(after.credits) + " pending=" + std::to_string(pending)),
                            {}};
}

void throw_overdraft(std::int64_t balance, std::int64_t needed, bool given, const char *hint) {
    const bool told = caller_may_read({schema::customer::mg_pass_id, schema::customer::mg_credits});
    throw pg::sql_error{"MG001", "the customer has not enough credits",
                        (told ? "balance=" + std::to_string(balance) + " " : std::string()) +
                            (told || given ? "needed=" + std::to_string(needed) : std::string()),
                        hint};
}

std::vector<customer_change> projection(const locked_customer &before, const locked_customer &after,
                                        const std::optional<pg::jsonb> &meta, const Jsonb *preferences) {
    using schema::customer;
    std::vector<customer_change> changes{{customer::mg_credits, pg::to_datum(after.credits)}};
    if (preferences != nullptr) {
        changes.emplace_back(customer::mg_mma_preferences, pg::to_datum(pg::jsonb{const_cast<Jsonb *>(preferences)}));
        changes.emplace_back(customer::mg_mma_preferences_updated_at, pg::to_datum(pg::clock_time()));
    }
    if (after.updated_at != before.updated_at)
        changes.emplace_back(customer::mg_updated_at, pg::to_datum(after.updated_at));
    if (after.expires_at != before.expires_at)
        changes.emplace_back(customer::mg_expires_at, pg::to_datum(after.expires_at));
    if (meta)
        changes.emplace_back(customer::mg_meta, pg::to_datum(*meta));
    return changes;
}

void project(store &store, const locked_customer &before, const locked_customer &after, const Jsonb *preferences) {
    const std::optional<pg::jsonb> meta = meta_behind(before, after);
    const in_flight::own_key writing(before.pass_id, meta ? own_value_of(*meta) : nullptr);
    const std::uint64_t touched = store.change_customer(before, projection(before, after, meta, preferences));
    if (touched == 1)
        return;
    const std::string whose = to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(before.pass_id));
    if (touched == 0)
        schema::refuse_interference(store.where().customers.id, schema::writing::update,
                                    "keeps a projection from its customer", whose);
    throw pg::sql_error{
        "XX000", "a projection touched " + std::to_string(touched) + " customers instead of one", whose, {}};
}

void project_credits(store &store, const locked_customer &customer, std::int64_t delta) {
    locked_customer after = customer;
    after.credits = balance_after(customer, delta);
    project(store, customer, after, nullptr);
}

void balance_change::add(std::int32_t delta, const char *overdraft_hint, bool needs_room) {
    sum_ += delta;
    needs_room_ = needs_room_ || needs_room;
    if (overdraft_hint != nullptr && -sum_ > needed_) {
        needed_ = -sum_;
        overdraft_hint_ = overdraft_hint;
    }
}

void balance_change::add_spend_of_statement(std::int32_t delta, const char *overdraft_hint) {
    add(delta, nullptr);
    debt_hint_ = overdraft_hint;
}

void balance_change::add(const balance_change &other) {
    if (const std::int64_t needed = other.needed_ - sum_; other.overdraft_hint_ != nullptr && needed > needed_) {
        needed_ = needed;
        overdraft_hint_ = other.overdraft_hint_;
    }
    sum_ += other.sum_;
    needs_room_ = needs_room_ || other.needs_room_;
    debt_hint_ = other.debt_hint_ != nullptr ? other.debt_hint_ : debt_hint_;
}

std::int32_t balance_change::balance_behind(store &store, const locked_customer &customer) const {
    const std::int32_t balance = balance_after(customer, sum_);
    if (needs_room_) {
        locked_customer after = customer;
        after.credits = balance;
        require_room(after, store.pending_holds(customer.pass_id));
    }
    if (needed_ > 0 && customer.credits < needed_)
        throw_overdraft(customer.credits, needed_, false, overdraft_hint_);
    if (debt_hint_ != nullptr && balance < 0 && sum_ < 0)
        throw_overdraft(customer.credits, -sum_, false, debt_hint_);
    return balance;
}

void project_appended(store &store, const locked_customer &before, locked_customer &after, const appended_rows &rows) {
    const bool ends = after.expires_at != before.expires_at;
    if (!store.others_act()) {
        store.arrive(rows.waiting);
        project(store, before, after, nullptr);
        if (!store.others_act())
            return;
    } else if (rows.any || ends || before.lots != after.lots) {
        if (before.lots != after.lots) { // others came in meanwhile
            locked_customer written = before;
            write_lots(store, written, after.lots);
        }
        statement_projection moved;
        moved.add_appended(before.pass_id, rows, ends ? std::make_optional(after.expires_at) : std::nullopt);
        moved.project(store);
    }
    after.updated_at = stamp_behind(after.updated_at);
    store.refresh(after);
}

void see_what_others_did(store &store, locked_customer &customer) {
    if (!store.others_act())
        return;
    customer.updated_at = stamp_behind(customer.updated_at);
    store.refresh(customer);
}

void write_expiry(store &store, locked_customer &customer, std::optional<pg::timestamp> expires_at) {
    const customer_change change[] = {{schema::customer::mg_expires_at, pg::to_datum(expires_at)}};
    const std::uint64_t touched = store.change_customer(customer, change);
    customer.expires_at = expires_at;
    store.refresh(customer);
    if (touched == 0)
        schema::refuse_interference(
            store.where().customers.id, schema::writing::update, "keeps mg_expires_at from a customer",
            to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(customer.pass_id)));
}

void refuse_kept_out(const store &store, std::string_view pass_id) {
    schema::refuse_interference(store.where().customers.id, schema::writing::update, "keeps a change from a customer",
                                to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(pass_id)));
}

namespace {

pg::jsonb snapshot_in(const pg::nullable_datum &preferences) {
    return preferences.is_null ? pg::empty_object() : pg::jsonb_of(preferences.value);
}

} // namespace

pg::jsonb preferences_of(store &store, std::string_view pass_id) {
    constexpr schema::customer column[] = {schema::customer::mg_mma_preferences};
    pg::nullable_datum value[1];
    return store.read_customer(pass_id, column, value) ? snapshot_in(value[0]) : pg::empty_object();
}

void refold_preferences(store &store, const locked_customer &customer) {
    const pg::jsonb stored = preferences_of(store, customer.pass_id);
    const core::json folded = fold_from_ledger(store, customer.pass_id);
    project(store, customer, customer, with_managed_keys(stored, folded).document);
}

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement
    select_books("SELECT c.mg_credits::pg_catalog.int8, (SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)"
                 "::pg_catalog.int8 FROM ONLY @schema@.mega_generations g "
                 "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
                 "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction') "
                 "FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                 pass_id_type);

// Books that were opened while rows waited contain these rows, and the projection has added them once more.
void require_books(store &store, std::string_view pass_id) {
    const pg::rows found = store.run(store.where().customers, select_books, pass_id);
    if (found.empty() || found.int8(0, 0) != found.int8(0, 1))
        throw pg::sql_error{"55000", "the books of a customer were opened in the statement that appends to them",
                            to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(pass_id)),
                            "Call mega_open_books in a statement of its own."};
}

} // namespace

statement_projection::change &statement_projection::of(std::string_view pass_id) {
    const auto found = by_customer_.find(pass_id);
    return found == by_customer_.end() ? by_customer_.emplace(pass_id, change{}).first->second : found->second;
}

void statement_projection::add_appended(std::string_view pass_id, const appended_rows &rows,
                                        std::optional<std::optional<pg::timestamp>> end) {
    change &moved = of(pass_id);
    moved.credits = rows.credits;
    moved.waiting = rows.waiting;
    moved.end = end;
}

void statement_projection::follow(std::string_view from, std::string_view to) {
    const auto found = by_customer_.find(from);
    if (found == by_customer_.end())
        return;
    change moved = std::move(found->second);
    by_customer_.erase(found);
    change &target = of(to);
    target.credits.add(moved.credits);
    target.waiting.add(moved.waiting);
    std::ranges::move(moved.events, std::back_inserter(target.events));
}

std::vector<std::string> statement_projection::customers() const {
    std::vector<std::string> names;
    names.reserve(by_customer_.size());
    for (const auto &one : by_customer_)
        names.push_back(one.first);
    return names;
}

void statement_projection::project(store &store) {
    if (!by_customer_.empty()) // what writes the ledger may not write customers
        store.where().customers.may_be_written.require_good();
    const auto on = [](ledger::store &of_one, const std::string &pass_id, change &moved) {
        unprojected::arrived(moved.waiting);
        if (moved.events.empty())
            project_credits(of_one, pass_id, moved);
        else
            project_events(of_one, pass_id, moved);
        if (unprojected::was_opened(pass_id))
            require_books(of_one, pass_id);
    };
    if (by_customer_.size() == 1)
        return on(store, by_customer_.begin()->first, by_customer_.begin()->second);
    pg::rounds customers;
    for (auto &one : by_customer_)
        customers.run(
            [&](pg::spi_connection &its_own) { on(*open_store(its_own, store.where()), one.first, one.second); });
}

locked_customer statement_projection::behind(ledger::store &store, const change &moved,
                                             const locked_customer &customer) {
    locked_customer after = customer;
    after.credits = moved.credits.balance_behind(store, customer);
    if (moved.end && (!*moved.end || !customer.expires_at || *customer.expires_at < **moved.end))
        after.expires_at = *moved.end;
    return after;
}

// The customer may be locked or not.
void statement_projection::project_credits(store &store, const std::string &pass_id, const change &moved) {
    const auto visited =
        store.change_or_lock_customer(pass_id, [&](const locked_customer &customer, pg::nullable_datum) {
            return projection(customer, behind(store, moved, customer), std::nullopt);
        });
    if (!visited)
        throw_unknown_customer(pass_id);
    if (visited->locked)
        ledger::project(store, *visited->locked, behind(store, moved, *visited->locked), nullptr);
}

// The same, with a fold.
void statement_projection::project_events(store &store, const std::string &pass_id, change &moved) {
    using changes = std::optional<std::vector<customer_change>>;
    auto visited = store.change_or_lock_customer(
        pass_id, [&](const locked_customer &customer, pg::nullable_datum preferences) -> changes {
            const bool few = moved.events.size() <= 128; // to be copied
            if (!few || customer.merged_into || customer.erased || unprojected::was_folded(pass_id))
                return std::nullopt;
            const auto folded = fold_in(snapshot_in(preferences), moved.events);
            if (!folded)
                return std::nullopt;
            return projection(customer, behind(store, moved, customer), std::nullopt, folded->document);
        });
    if (!visited)
        throw_unknown_customer(pass_id);
    if (!visited->locked)
        return;
    locked_customer customer = *std::move(visited->locked);
    if (customer.merged_into || customer.erased)
        customer = require_locked_customer(store, pass_id);
    const pg::jsonb stored = preferences_of(store, pass_id);
    // Somebody folded these events in already, when they were in the ledger and waited for this projection.
    const pg::jsonb folded = unprojected::was_folded(pass_id)
                                 ? with_managed_keys(stored, fold_from_ledger(store, pass_id))
                                 : fold_in(store, pass_id, stored, std::move(moved.events));
    ledger::project(store, customer, behind(store, moved, customer), folded.document);
}

pg::timestamp stamp_behind(pg::timestamp last) noexcept { return stamp_behind(last, pg::clock_time()); }

pg::timestamp stamp_behind(pg::timestamp last, pg::timestamp now) noexcept {
    constexpr std::int64_t tolerance = 5 * pg::microseconds_per_second;
    const bool behind = now <= last && last.value - now.value < tolerance;
    return behind ? pg::timestamp{last.value + 1} : now;
}

} // namespace mega::ledger
