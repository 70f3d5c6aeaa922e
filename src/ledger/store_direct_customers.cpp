// The direct store's customers: found, locked, changed, inserted.
#include "ledger/checked.hpp"
#include "ledger/customer_check.hpp"
#include "ledger/derived.hpp"
#include "ledger/direct_writers.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/lots.hpp"
#include "ledger/merged.hpp"
#include "ledger/own_key.hpp"
#include "ledger/project.hpp"
#include "ledger/store_direct.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
#include "pg/owners_terms.hpp"

#include <set>

namespace mega::ledger {

using schema::customer;
using namespace direct;

namespace {

// mg_updated_at of a customer does not run back with the clock: rows are stamped behind it.
written_columns of_customer(std::span<const customer_change> changes) {
    const Datum last = customers.column(number(customer::mg_updated_at)).value;
    return numbered(changes, customer::mg_updated_at, [last] { return stamp_behind(pg::timestamp_of(last)); });
}

// The row of customers that is found.
locked_customer customer_found(std::string_view pass_id) {
    const auto at = [](customer c) { return customers.column(number(c)); };
    const auto flag = [&](customer c) { return !at(c).is_null && DatumGetBool(at(c).value); };
    locked_customer result;
    result.pass_id = pass_id;
    result.credits = DatumGetInt32(at(customer::mg_credits).value);
    if (!at(customer::mg_expires_at).is_null)
        result.expires_at = pg::timestamp_of(at(customer::mg_expires_at).value);
    result.may_spend = !flag(customer::mg_disabled) && at(customer::mg_deleted_at).is_null;
    result.updated_at = pg::timestamp_of(at(customer::mg_updated_at).value);
    result.place = customers.place();
    note_meta(result, at(customer::mg_meta));
    read_fate(result, meta_of(result));
    return result;
}

// Locks the row of customers that is found. std::nullopt when it is gone or, with LockWaitSkip, not free.
std::optional<locked_customer> lock_customer_found(std::string_view pass_id, LockTupleMode mode, LockWaitPolicy wait) {
    const pg::locked lock = customers.lock_found(mode, wait);
    if (lock != pg::locked::yes && lock != pg::locked::newer)
        return std::nullopt;
    locked_customer customer = customer_found(pass_id);
    customer.changed_meanwhile = lock == pg::locked::newer;
    remember(pass_id, customer.place);
    return customer;
}

std::optional<locked_customer> find_and_lock(std::string_view pass_id, LockTupleMode mode, LockWaitPolicy wait) {
    return operate(customers, RowExclusiveLock,
                   [&] { return find_customer(pass_id) ? lock_customer_found(pass_id, mode, wait) : std::nullopt; });
}

// Whom the row found answers for: a row that was merged, for its target.
void add_answer(std::set<std::string> &answers) {
    const pg::nullable_datum meta = customers.column(number(customer::mg_meta));
    if (!meta.is_null && !pg::has_no_member(meta.value))
        if (const auto target = own_member(pg::jsonb_of(meta.value), "merged_into"); target && target->is_string()) {
            answers.emplace(target->string());
            return;
        }
    const pg::nullable_datum own = customers.column(number(customer::mg_pass_id));
    if (own.is_null)
        throw_null_column(schema::name(customer::mg_pass_id));
    answers.emplace(pg::text_of(own.value));
}

std::set<std::string> texts_of(std::span<const std::optional<std::string>> texts) {
    std::set<std::string> all;
    for (const auto &text : texts)
        if (text)
            all.insert(*text);
    return all;
}

} // namespace

std::optional<locked_customer> direct_store::lock_customer(std::string_view pass_id, LockWaitPolicy wait) {
    return find_and_lock(pass_id, LockTupleNoKeyExclusive, wait);
}

std::optional<locked_customer> direct_store::share_customer(std::string_view pass_id) {
    return find_and_lock(pass_id, LockTupleKeyShare, LockWaitBlock);
}

bool direct_store::read_customer(std::string_view pass_id, std::span<const customer> columns,
                                 std::span<pg::nullable_datum> values) {
    return operate(customers, AccessShareLock, [&] {
        const bool exists = find_customer(pass_id);
        if (exists)
            copy_columns(customers, columns, values);
        return exists;
    });
}

std::optional<visited_customer> direct_store::change_or_lock_customer(std::string_view pass_id,
                                                                      const change_maker &change) {
    return operate(customers, RowExclusiveLock, [&]() -> std::optional<visited_customer> {
        if (!find_customer(pass_id))
            return std::nullopt;
        std::optional<std::vector<customer_change>> changes;
        std::optional<pg::sql_error> refused;
        try {
            changes = change(customer_found(pass_id), customers.column(number(customer::mg_mma_preferences)));
        } catch (const pg::sql_error &error) {
            refused = error; // behind the lock it may be another customer
        }
        if (changes && customers.try_update_found(of_customer(*changes))) {
            remember(pass_id, customers.place());
            return visited_customer{};
        }
        auto customer = lock_customer_found(pass_id, LockTupleNoKeyExclusive, LockWaitBlock);
        if (!customer)
            return std::nullopt;
        if (refused && !customer->changed_meanwhile)
            throw *refused;
        return visited_customer{std::move(customer)};
    });
}

std::uint64_t direct_store::change_customer(const locked_customer &locked, std::span<const customer_change> changes) {
    return operate(customers, RowExclusiveLock, [&] {
        if (!find_customer(locked.pass_id, &locked.place))
            throw pg::sql_error{"XX000",
                                "a projection touched 0 customers instead of one",
                                to_readers({customer::mg_pass_id}, "pass_id=" + pg::quoted(locked.pass_id)),
                                {}};
        customers.update_found(of_customer(changes));
        remember(locked.pass_id, customers.place());
        return std::uint64_t{1};
    });
}

std::vector<std::string> direct_store::find_customers(const identities &known) {
    if (!finds_identities())
        return sql_store::find_customers(known);
    const std::set<std::string> pass_ids = texts_of(known.pass_ids);
    return operate(customers, AccessShareLock, [&] {
        std::set<std::string> answers;
        for (const std::string &pass_id : pass_ids)
            if (find_customer(pass_id))
                add_answer(answers);
        const auto look_by = [&](std::size_t index, const auto &id) {
            if (!id)
                return;
            const Datum key[] = {pg::to_datum(*id).value};
            if (customers.find(index, key))
                add_answer(answers);
        };
        look_by(by_shopify_id, known.shopify_id);
        look_by(by_user_id, known.user_id);
        return std::vector<std::string>(answers.begin(), answers.end());
    });
}

// What the triggers do for SQL, done here.
bool direct_store::insert_customer(std::span<const customer_change> given) {
    if (!finds_identities())
        return sql_store::insert_customer(given);
    std::array<pg::nullable_datum, schema::customer_columns.size()> row;
    std::array<bool, row.size()> is_given{};
    for (const auto &[c, value] : given) {
        row[number(c)] = value;
        is_given[number(c)] = true;
    }
    as_owner(where().customers, [&] { // a default may call a function of the owner's
        pg::owners_terms terms(where().schema);
        for (std::size_t i = 0; i < row.size(); ++i)
            if (!is_given[i])
                row[i] = customers.default_of(i);
        terms.end();
    });
    const pg::pinned_shape shape = customers.shape();
    pg::row columns(shape.get());
    customer_row stored(where().customers, columns);
    for (std::size_t i = 0; i < row.size(); ++i)
        stored.set(static_cast<customer>(i), row[i]);
    check_new_customer(stored, in_flight::moment::before);
    ignore_derived_of_new_customer(where(), stored);
    for (std::size_t i = 0; i < row.size(); ++i)
        row[i] = stored.get(static_cast<customer>(i));
    if (!operate(customers, RowExclusiveLock, [&] { return customers.insert(row, true); }))
        return false;
    guard_new_customer(stored);
    return true;
}

} // namespace mega::ledger
