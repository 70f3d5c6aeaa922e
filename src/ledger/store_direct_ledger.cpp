// The direct store's ledger: rows read, locked, changed, appended.
#include "ledger/direct_writers.hpp"
#include "ledger/notify.hpp"
#include "ledger/project.hpp"
#include "ledger/statement_effects.hpp"
#include "ledger/store_direct.hpp"
#include "pg/clock.hpp"
#include "pg/snapshot.hpp"
#include "pg/unique_violation.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

using column = schema::ledger;
using namespace direct;

namespace {

constexpr std::size_t width = schema::ledger_columns.size();
using schema::every_ledger_column;

written_columns of_ledger_row(std::span<const ledger_change> changes) {
    return numbered(changes, column::mg_updated_at, [] { return pg::clock_time(); });
}

// Copies of the row found, which makes it true; place, if any: becomes where it stands.
bool copy_found(std::span<const column> columns, std::span<pg::nullable_datum> values, ItemPointerData *place) {
    copy_columns(ledger_rows, columns, values);
    if (place != nullptr)
        *place = ledger_rows.place();
    return true;
}

void find_texts(std::size_t index, std::span<const Datum> keys, std::span<const std::string_view> texts,
                std::span<bool> found) {
    operate(ledger_rows, AccessShareLock, [&] {
        ledger_rows.find_texts(index, keys, texts, found);
        return true;
    });
}

} // namespace

bool direct_store::read_row(std::string_view mg_id, std::span<const column> columns,
                            std::span<pg::nullable_datum> values, ItemPointerData *place) {
    return operate(ledger_rows, AccessShareLock,
                   [&] { return find_row(mg_id, place) && copy_found(columns, values, place); });
}

bool direct_store::read_by_reference(std::string_view ref_type, std::string_view ref_id, std::string_view reason,
                                     std::span<const column> columns, std::span<pg::nullable_datum> values) {
    const Datum key[] = {pg::to_datum(ref_type).value, pg::to_datum(ref_id).value, pg::to_datum(reason).value};
    return operate(ledger_rows, AccessShareLock,
                   [&] { return ledger_rows.find(by_reference_key, key) && copy_found(columns, values, nullptr); });
}

bool direct_store::lock_row(std::string_view mg_id, LockTupleMode mode, std::span<const column> columns,
                            std::span<pg::nullable_datum> values, ItemPointerData *place) {
    return operate(ledger_rows, RowExclusiveLock, [&] {
        return find_row(mg_id, place) && ledger_rows.lock_found(mode, LockWaitBlock) != pg::locked::absent &&
               copy_found(columns, values, place);
    });
}

bool direct_store::change_row(std::string_view mg_id, std::span<const ledger_change> changes,
                              const ItemPointerData *place) {
    return operate(ledger_rows, RowExclusiveLock, [&] {
        if (!find_row(mg_id, place))
            return false;
        if (ledger_rows.try_update_found(of_ledger_row(changes)))
            return true;
        if (ledger_rows.lock_found(LockTupleNoKeyExclusive, LockWaitBlock) == pg::locked::absent)
            return false;
        ledger_rows.update_found(of_ledger_row(changes)); // locked first, it stays
        return true;
    });
}

void direct_store::change_generation(std::string_view mg_id, std::span<const column> columns,
                                     std::span<const pg::nullable_datum> values) {
    std::array<pg::nullable_datum, width> stored;
    if (!read_row(mg_id, every_ledger_column, stored, nullptr))
        throw pg::sql_error{"XX000", "a row that was locked is gone", "mg_id=" + pg::quoted(mg_id), {}};
    const pg::pinned_shape shape = ledger_rows.shape();
    pg::row before(shape.get()), after(shape.get());
    ledger_row old_row(where().generations, before), changed(where().generations, after);
    for (const column c : every_ledger_column) {
        old_row.set(c, stored[number(c)]);
        changed.set(c, stored[number(c)]);
    }
    for (std::size_t i = 0; i < columns.size(); ++i)
        changed.set(columns[i], values[i]);
    check_changed_row(old_row, changed, in_flight::moment::before);
    std::vector<ledger_change> changes;
    for (const column c : every_ledger_column)
        if (!old_row.same(changed, c))
            changes.emplace_back(c, changed.get(c));
    change_row(mg_id, changes, nullptr);
    if (!old_row.same(changed, column::mg_mma_status))
        notify_status(changed);
}

std::int64_t direct_store::pending_holds(std::string_view pass_id) {
    if (pg::keeps_its_snapshot() || !ledger_rows.has_index(by_pending_hold))
        return sql_store::pending_holds(pass_id);
    const Datum key[] = {pg::to_datum(pass_id).value};
    return -operate(ledger_rows, AccessShareLock,
                    [&] { return ledger_rows.sum(by_pending_hold, key, number(column::mg_delta)); });
}

bool direct_store::may_be_revoked(std::string_view txn_id) {
    if (!ledger_rows.has_index(by_revoke))
        return true;
    const Datum key[] = {pg::to_datum(txn_id).value};
    return operate(ledger_rows, AccessShareLock, [&] { return ledger_rows.find(by_revoke, key); });
}

void direct_store::settle_hold(const std::string &mg_id, std::string_view status, const ItemPointerData &place) {
    const ledger_change change[] = {{column::mg_status, pg::to_datum(status)}};
    change_row(mg_id, change, &place);
}

void direct_store::note_in_row(const std::string &mg_id, pg::jsonb meta, const ItemPointerData &place) {
    const ledger_change change[] = {{column::mg_meta, pg::to_datum(meta)}};
    change_row(mg_id, change, &place);
}

std::optional<std::int32_t> direct_store::last_step(std::string_view generation_id) {
    // A step does not change its generation, so that above READ COMMITTED the lock tells nothing of steps that came
    // since: they are looked for.
    if (pg::keeps_its_snapshot())
        return sql_store::last_step(generation_id);
    const Datum key[] = {pg::to_datum(generation_id).value, pg::to_datum("mma_step").value};
    const auto last = operate(ledger_rows, AccessShareLock, [&] {
        return ledger_rows.find_last(by_generation, key) ? std::optional(ledger_rows.column(number(column::mg_step_no)))
                                                         : std::nullopt;
    });
    if (last && last->is_null) // adopted steps without a number stand behind those that have one
        return sql_store::last_step(generation_id);
    return last ? std::optional(DatumGetInt32(last->value)) : std::nullopt;
}

bool direct_store::insert_checked(const new_row &row, ledger_row &stored) {
    check_to_append(where(), row, stored);
    std::array<pg::nullable_datum, width> checked;
    std::ranges::transform(every_ledger_column, checked.begin(), [&](column c) { return stored.get(c); });
    const bool appended =
        operate(ledger_rows, RowExclusiveLock, [&] { return ledger_rows.insert(checked, row.keyed()); });
    if (!appended)
        require_taken(row);
    return appended;
}

bool direct_store::lacks_customer(const new_row &row) {
    if (ledger_rows.reference_validated())
        return false;
    const auto pass_id = row.text(column::mg_pass_id);
    return pass_id && !operate(customers, AccessShareLock, [&] { return find_customer(*pass_id); });
}

// What the triggers do for SQL, done here: check, insert, and apply what follows.
bool direct_store::append(const new_row &row) {
    if (lacks_customer(row))
        return sql_store::append(row);
    const pg::pinned_shape shape = ledger_rows.shape();
    pg::row columns(shape.get());
    ledger_row stored(where().generations, columns);
    if (!insert_checked(row, stored))
        return false;
    statement_effects all;
    all.add(stored);
    all.apply(*this);
    return true;
}

appended direct_store::append_credit(const new_row &row, std::string_view, std::int32_t, const char *) {
    const pg::pinned_shape shape = ledger_rows.shape();
    pg::row columns(shape.get());
    ledger_row stored(where().generations, columns);
    return insert_checked(row, stored) ? appended::unprojected : appended::no;
}

bool direct_store::may_have_one(std::span<const new_row> rows) {
    std::vector<std::string_view> ids;
    for (const new_row &row : rows)
        if (row.keyed())
            ids.emplace_back(row.mg_id());
    if (ids.empty())
        return false;
    std::ranges::sort(ids);
    const auto found = std::make_unique<bool[]>(ids.size());
    may_have_ids(ids, {found.get(), ids.size()});
    return std::find(found.get(), found.get() + ids.size(), true) != found.get() + ids.size();
}

void direct_store::put_by(const new_row &row, ledger_row &stored) {
    check_to_append(where(), row, stored);
    for (const column c : every_ledger_column)
        rest_.push_back(stored.get(c));
    if (rest_.size() == pg::heap_writer::most_rows * width)
        append_rest();
}

appended direct_store::append_one_of_many(const new_row &row, std::string_view pass_id, std::int32_t delta,
                                          const char *hint) {
    if (ledger_rows.has_other_keys()) // whose violation is told row by row
        return append_credit(row, pass_id, delta, hint);
    const pg::pinned_shape shape = ledger_rows.shape();
    pg::row columns(shape.get());
    ledger_row stored(where().generations, columns);
    put_by(row, stored);
    return appended::unprojected;
}

// Where an id is about to be taken SQL waits, and tells what became of it.
void direct_store::append_many(std::span<const new_row> rows) {
    if (may_have_one(rows) || std::ranges::any_of(rows, lacks_customer))
        return sql_store::append_many(rows);
    statement_effects all;
    for (const new_row &row : rows) {
        const pg::pinned_shape shape = ledger_rows.shape();
        pg::row columns(shape.get());
        ledger_row stored(where().generations, columns);
        put_by(row, stored);
        all.add(stored);
    }
    append_rest();
    all.apply(*this);
}

namespace {

// Nobody had the key when it was looked for. Who has it since wrote under another customer's lock, so something else.
// References of types that identify nothing are not looked for: Postgres tells of an index that has them still.
void refuse_taken_meanwhile(std::string_view constraint, std::string_view detail) {
    if (!ledger_rows.is_of_column(constraint, number(column::mg_id)) && !unkeyed_ref_types_setting().empty())
        return;
    if (pg::keeps_its_snapshot())
        throw pg::sql_error{"40001", "a row of the batch was written meanwhile", {}, "Try again."};
    throw pg::sql_error{"MG002", "an id or a reference of the batch was used by another call meanwhile", detail,
                        "Repeat a call with the same arguments, or use another id or reference."};
}

} // namespace

void direct_store::append_rest() {
    if (rest_.empty())
        return;
    operate(ledger_rows, RowExclusiveLock, [this] {
        pg::on_unique_violation([this] { ledger_rows.insert_many(rest_, width); },
                                [](std::string_view constraint, std::string_view detail) {
                                    if (!ledger_rows.has_other_keys())
                                        refuse_taken_meanwhile(constraint, detail);
                                });
        return true;
    });
    rest_.clear();
}

// Rows that wait to go in together stand in the memory of the parts that made them.
void direct_store::apart(const std::function<void()> &part) {
    constexpr std::size_t most_bytes = 1 << 19; // above what `most_rows` need, below what a processor keeps at hand
    pg::rounds &parts = run_on(part);
    if (parts.bytes() < most_bytes)
        return;
    run_on([this] { append_rest(); });
    parts.forget();
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
    if (ledger_rows.has_index(by_pending_hold))
        find_texts(by_pending_hold, {}, pass_ids, found);
    else
        sql_store::may_have_pending_holds(pass_ids, found);
}

} // namespace mega::ledger
