// What the direct path knows of the two tables, and where a row of them is.
#pragma once

#include "ledger/direct.hpp"
#include "pg/heap_writer.hpp"
#include "pg/snapshot.hpp"
#include "schema/types.hpp"

namespace mega::ledger::direct {

template <std::size_t N> constexpr auto columns_of(const std::array<schema::column, N> &described) {
    std::array<pg::heap_column, N> columns{};
    for (std::size_t i = 0; i < N; ++i)
        columns[i] = {described[i].name, schema::type_oid(described[i].type)};
    return columns;
}

extern constinit pg::heap_writer customers, ledger_rows;

// The probed indexes, by their numbers.
constexpr std::size_t by_key = 0; // of either table
constexpr std::size_t by_shopify_id = 1;
constexpr std::size_t by_user_id = 2;
constexpr std::size_t by_reference_key = 1;
constexpr std::size_t by_generation = 2;
constexpr std::size_t by_pending_hold = 3;
constexpr std::size_t by_revoke = 4; // of a grant, by its txn_id

constexpr std::size_t number(schema::customer c) { return static_cast<std::size_t>(c); }
constexpr std::size_t number(schema::ledger c) { return static_cast<std::size_t>(c); }

// In the world of Postgres. Whether the caller may read the table as it is: SELECT was granted, no policy hides rows.
bool may_read_every_row(Oid relation);

// Whether customers can be found by every identity; whether the caller may read both tables as they are: SELECT was
// granted, no policy hides rows, and pending holds can be found. The tables may be written directly.
bool finds_identities();
bool may_read(const schema::table_catalog &where);

// Raises 40001 when the table is not what it was when `possible` was asked.
void open(pg::heap_writer &table, LOCKMODE lock);

// What body() gives of the open table, by a fresh snapshot. After an error the end of the transaction closes.
template <class Body> auto operate(pg::heap_writer &table, LOCKMODE lock, Body body) {
    pg::fresh_snapshot snapshot;
    open(table, lock);
    auto result = body();
    table.close();
    snapshot.done();
    return result;
}

// Finds a row in the open table. place: where it was seen last; a hint only.
bool find_customer(std::string_view pass_id, const ItemPointerData *place = nullptr);
bool find_row(std::string_view mg_id, const ItemPointerData *place = nullptr);

// Notes where a customer stands now, and tells where this transaction noted him last. A hint: nullptr, or a place that
// has to be looked at before it is believed.
void remember(std::string_view pass_id, ItemPointerData place);
const ItemPointerData *last_seen(std::string_view pass_id);

// Copies columns of the row that is found.
template <class Column>
void copy_columns(const pg::heap_writer &table, std::span<const Column> columns, std::span<pg::nullable_datum> values) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        values[i] = table.copy_of(number(columns[i]));
}

using written_columns = std::vector<std::pair<std::size_t, pg::nullable_datum>>;

// The columns to write into the row found. Without a time of its own mg_updated_at is `now`.
template <class Change, class Column, class Now>
written_columns numbered(std::span<const Change> changes, Column updated_at, Now now) {
    written_columns result;
    result.reserve(changes.size() + 1);
    bool stamped = false;
    for (const auto &[c, value] : changes) {
        result.emplace_back(number(c), value);
        stamped = stamped || c == updated_at;
    }
    if (!stamped)
        result.emplace_back(number(updated_at), pg::to_datum(now()));
    return result;
}

} // namespace mega::ledger::direct
