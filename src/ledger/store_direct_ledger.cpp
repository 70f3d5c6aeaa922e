#include "ledger/consequences.hpp"
#include "ledger/direct_tables.hpp"
#include "ledger/notify.hpp"
#include "ledger/project.hpp"
#include "ledger/store_direct.hpp"
#include "pg/clock.hpp"
#include "pg/snapshot.hpp"

namespace mega::ledger {

using column = schema::ledger;
using namespace direct;

namespace {

constexpr std::size_t width = schema::ledger_columns.size();

written_columns of_record(std::span<const ledger_change> changes) {
    return numbered(changes, column::mg_updated_at, [] { return pg::clock_time(); });
}

void find_texts(std::size_t index, std::span<const Datum> keys, std::span<const std::string_view> texts,
                std::span<bool> found) {
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    records.find_texts(index, keys, texts, found);
    records.close();
    snapshot.done();
}

} // namespace

bool direct_store::read_record(std::string_view mg_id, std::span<const column> columns,
                               std::span<pg::nullable_datum> values, ItemPointerData *place) {
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    const bool exists = find_record(mg_id, place);
    if (exists) {
        copy_columns(records, record_columns, columns, values);
        if (place != nullptr)
            *place = records.place();
    }
    records.close();
    snapshot.done();
    return exists;
}

bool direct_store::read_by_reference(std::string_view ref_type, std::string_view ref_id, std::string_view reason,
                                     std::span<const column> columns, std::span<pg::nullable_datum> values) {
    const Datum key[] = {pg::to_datum(ref_type).value, pg::to_datum(ref_id).value, pg::to_datum(reason).value};
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    const bool exists = records.find(by_reference_key, key);
    if (exists)
        copy_columns(records, record_columns, columns, values);
    records.close();
    snapshot.done();
    return exists;
}

bool direct_store::lock_record(std::string_view mg_id, LockTupleMode mode, std::span<const column> columns,
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

bool direct_store::change_record(std::string_view mg_id, std::span<const ledger_change> changes,
                                 const ItemPointerData *place) {
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

void direct_store::change_generation(std::string_view mg_id, std::span<const column> columns,
                                     std::span<const pg::nullable_datum> values) {
    std::array<column, width> all{};
    for (std::size_t i = 0; i < width; ++i)
        all[i] = static_cast<column>(i);
    std::array<pg::nullable_datum, width> stored;
    if (!read_record(mg_id, all, stored, nullptr))
        throw pg::sql_error{"XX000", "a row that was locked is gone", "mg_id=" + pg::quoted(mg_id), {}};
    const pg::pinned_shape shape = records.shape();
    pg::row before(shape.get()), after(shape.get());
    ledger_record old_row(where().generations, before), changed(where().generations, after);
    for (std::size_t i = 0; i < width; ++i) {
        old_row.set(all[i], stored[i]);
        changed.set(all[i], stored[i]);
    }
    for (std::size_t i = 0; i < columns.size(); ++i)
        changed.set(columns[i], values[i]);
    check_changed_record(old_row, changed, in_flight::moment::before);
    std::vector<ledger_change> changes;
    for (const column c : all)
        if (!old_row.same(changed, c))
            changes.emplace_back(c, changed.get(c));
    change_record(mg_id, changes, nullptr);
    if (!old_row.same(changed, column::mg_mma_status))
        notify_status(changed);
}

std::int64_t direct_store::pending_holds(std::string_view pass_id) {
    if (!records.has_index(by_pending_hold))
        return sql_store::pending_holds(pass_id);
    const Datum key[] = {pg::to_datum(pass_id).value};
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    const std::int64_t deltas = records.sum(by_pending_hold, key, number(column::mg_delta));
    records.close();
    snapshot.done();
    return -deltas;
}

void direct_store::settle_hold(const std::string &mg_id, std::string_view status, const ItemPointerData &place) {
    const ledger_change change[] = {{column::mg_status, pg::to_datum(status)}};
    change_record(mg_id, change, &place);
}

std::optional<std::int32_t> direct_store::last_step(std::string_view generation_id) {
    // A step does not change its generation, so that above READ COMMITTED the lock tells nothing of steps that came
    // since: they are looked for.
    if (pg::keeps_its_snapshot())
        return sql_store::last_step(generation_id);
    const Datum key[] = {pg::to_datum(generation_id).value, pg::to_datum("mma_step").value};
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    std::optional<std::int32_t> number_found;
    if (records.find_last(by_generation, key))
        if (const auto value = records.column(number(column::mg_step_no)); !value.is_null)
            number_found = DatumGetInt32(value.value);
    records.close();
    snapshot.done();
    return number_found;
}

bool direct_store::insert_checked(const new_row &row, ledger_record &record) {
    check_to_append(where(), row, record);
    std::array<pg::nullable_datum, width> checked;
    for (std::size_t i = 0; i < width; ++i)
        checked[i] = record.get(static_cast<column>(i));
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    const bool appended = records.insert(checked, row.keyed());
    records.close();
    snapshot.done();
    if (!appended)
        require_taken(row);
    return appended;
}

// What the triggers do for SQL, done here: check, insert, and settle what follows.
bool direct_store::append(const new_row &row) {
    const pg::pinned_shape shape = records.shape();
    pg::row columns(shape.get());
    ledger_record record(where().generations, columns);
    if (!insert_checked(row, record))
        return false;
    consequences all;
    all.add(record);
    all.settle(*this);
    return true;
}

appended direct_store::append_movement(const new_row &row, std::string_view, std::int32_t, const char *) {
    const pg::pinned_shape shape = records.shape();
    pg::row columns(shape.get());
    ledger_record record(where().generations, columns);
    return insert_checked(row, record) ? appended::unprojected : appended::no;
}

appended direct_store::append_one_of_many(const new_row &row, std::string_view, std::int32_t, const char *) {
    const pg::pinned_shape shape = records.shape();
    pg::row columns(shape.get());
    ledger_record record(where().generations, columns);
    check_to_append(where(), row, record);
    for (std::size_t i = 0; i < width; ++i)
        rest_.push_back(record.get(static_cast<column>(i)));
    if (rest_.size() == pg::direct_table::most_rows * width)
        append_rest();
    return appended::unprojected;
}

void direct_store::append_rest() {
    if (rest_.empty())
        return;
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    records.insert_many(rest_, width);
    records.close();
    snapshot.done();
    rest_.clear();
}

void direct_store::may_have_ids(std::span<const std::string_view> mg_ids, std::span<bool> found) {
    find_texts(by_key, {}, mg_ids, found);
}

void direct_store::may_have_references(std::string_view ref_type, std::span<const std::string_view> ref_ids,
                                       std::span<bool> found) {
    const Datum type[] = {pg::to_datum(ref_type).value};
    find_texts(by_reference_key, type, ref_ids, found);
}

void direct_store::may_have_pending_holds(std::span<const std::string_view> pass_ids, std::span<bool> found) {
    if (records.has_index(by_pending_hold))
        find_texts(by_pending_hold, {}, pass_ids, found);
    else
        sql_store::may_have_pending_holds(pass_ids, found);
}

} // namespace mega::ledger
