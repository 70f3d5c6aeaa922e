#include "ledger/direct_tables.hpp"
#include "ledger/disclosure.hpp"
#include "pg/clock.hpp"
#include "pg/snapshot.hpp"

namespace mega::ledger::direct {

namespace {

using schema::customer;
using column = schema::ledger;

using written_columns = std::vector<std::pair<std::size_t, pg::nullable_datum>>;

// The columns to write into the row found. Without a time of its own mg_updated_at is `now`.
template <class Change>
written_columns numbered(std::span<const Change> changes, std::size_t updated_at, pg::timestamp now) {
    written_columns result;
    result.reserve(changes.size() + 1);
    bool stamped = false;
    for (const auto &[c, value] : changes) {
        result.emplace_back(number(c), value);
        stamped = stamped || number(c) == updated_at;
    }
    if (!stamped)
        result.emplace_back(updated_at, pg::to_datum(now));
    return result;
}

// mg_updated_at of a customer does not run back with the clock: rows are stamped behind it.
written_columns of_customer(std::span<const customer_change> changes) {
    constexpr std::size_t updated_at = number(customer::mg_updated_at);
    return numbered(changes, updated_at, stamp_behind(pg::timestamp_of(customers.column(updated_at).value)));
}

written_columns of_record(std::span<const ledger_change> changes) {
    return numbered(changes, number(column::mg_updated_at), pg::clock_time());
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
    return result;
}

// Locks the row of customers that is found. std::nullopt when it is gone or, with LockWaitSkip, not free.
std::optional<locked_customer> lock_customer_found(std::string_view pass_id, LockWaitPolicy wait) {
    const pg::locked lock = customers.lock_found(LockTupleNoKeyExclusive, wait);
    if (lock != pg::locked::yes && lock != pg::locked::newer)
        return std::nullopt;
    locked_customer customer = customer_found(pass_id);
    customer.changed_meanwhile = lock == pg::locked::newer;
    remember(pass_id, customer.place);
    return customer;
}

} // namespace

std::optional<locked_customer> lock_customer(std::string_view pass_id, LockWaitPolicy wait) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    std::optional<locked_customer> result;
    if (find_customer(pass_id))
        result = lock_customer_found(pass_id, wait);
    customers.close();
    snapshot.done();
    return result;
}

std::optional<visited_customer> change_or_lock_customer(std::string_view pass_id, const change_maker &change) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    std::optional<visited_customer> result;
    if (find_customer(pass_id)) {
        std::optional<std::vector<customer_change>> changes;
        std::optional<pg::sql_error> refused;
        try {
            changes = change(customer_found(pass_id));
        } catch (const pg::sql_error &error) {
            refused = error; // behind the lock it may be another customer
        }
        if (changes && customers.try_update_found(of_customer(*changes))) {
            remember(pass_id, customers.place());
            result.emplace();
        } else if (auto customer = lock_customer_found(pass_id, LockWaitBlock)) {
            if (refused && !customer->changed_meanwhile)
                throw *refused;
            result = visited_customer{std::move(customer)};
        }
    }
    customers.close();
    snapshot.done();
    return result;
}

void update_customer(std::string_view pass_id, std::span<const customer_change> changes, const ItemPointerData *place) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    if (!find_customer(pass_id, place))
        throw pg::sql_error{"XX000",
                            "a projection touched 0 customers instead of one",
                            to_readers({customer::mg_pass_id}, "pass_id=" + pg::quoted(pass_id)),
                            {}};
    customers.update_found(of_customer(changes));
    remember(pass_id, customers.place());
    customers.close();
    snapshot.done();
}

pg::pinned_shape customer_shape() { return customers.shape(); }

void default_customer(std::span<pg::nullable_datum> columns) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        columns[i] = copied(customers.default_of(i), customer_columns[i].type);
}

bool insert_customer(std::span<const pg::nullable_datum> columns) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    const bool inserted = customers.insert(columns, true);
    customers.close();
    snapshot.done();
    return inserted;
}

bool update_record(std::string_view mg_id, std::span<const ledger_change> changes, const ItemPointerData *place) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    bool exists = find_record(mg_id, place);
    if (exists && !records.try_update_found(of_record(changes))) { // locked first, it stays
        exists = records.lock_found(LockTupleNoKeyExclusive, LockWaitBlock) != pg::locked::absent;
        if (exists)
            records.update_found(of_record(changes));
    }
    records.close();
    snapshot.done();
    return exists;
}

bool lock_record(std::string_view mg_id, LockTupleMode mode, std::span<const column> columns,
                 std::span<pg::nullable_datum> values) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    const bool exists = find_record(mg_id, nullptr) && records.lock_found(mode, LockWaitBlock) != pg::locked::absent;
    if (exists)
        copy_columns(records, record_columns, columns, values);
    records.close();
    snapshot.done();
    return exists;
}

bool append(std::span<const pg::nullable_datum> columns, bool keyed) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    const bool appended = records.insert(columns, keyed);
    records.close();
    snapshot.done();
    return appended;
}

void append_many(std::span<const pg::nullable_datum> columns) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    records.insert_many(columns, record_columns.size());
    records.close();
    snapshot.done();
}

pg::pinned_shape record_shape() { return records.shape(); }

} // namespace mega::ledger::direct
