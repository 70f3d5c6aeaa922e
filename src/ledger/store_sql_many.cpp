// The SQL store: many rows by one statement, so that its triggers project them together.
#include "ledger/held_key.hpp"
#include "ledger/statement_texts.hpp"
#include "ledger/store_sql.hpp"

namespace mega::ledger {

using column = schema::ledger;

namespace {

std::vector<column> columns_set(std::span<const new_row> rows) {
    std::vector<column> set;
    for (std::size_t i = 0; i < schema::ledger_columns.size(); ++i)
        if (std::ranges::any_of(rows, [i](const new_row &row) { return !row.columns()[i].is_null; }))
            set.push_back(static_cast<column>(i));
    return set;
}

std::vector<pg::nullable_datum> arrays_of(std::span<const new_row> rows, std::span<const column> columns) {
    std::vector<pg::nullable_datum> arrays, values(rows.size());
    for (const column c : columns) {
        const auto i = static_cast<std::size_t>(c);
        std::ranges::transform(rows, values.begin(), [i](const new_row &row) { return row.columns()[i]; });
        arrays.push_back(pg::array_of(values, schema::type_oid(schema::ledger_columns[i].type)));
    }
    return arrays;
}

} // namespace

void sql_store::append_many(std::span<const new_row> rows) {
    if (rows.empty())
        return;
    const bool free = std::ranges::all_of(rows, [this](const new_row &row) { return claim_keys(where(), row); });
    if (!free)
        throw pg::sql_error{"40001", "the same row was written meanwhile", "One of the rows was there.", "Try again."};
    const std::vector<column> columns = columns_set(rows);
    const pg::as_role owner(where().generations.owner);
    const pg::rows stored = spi().execute(statements::insert_many(columns), where().schema, pg::access::read_write,
                                          arrays_of(rows, columns));
    std::uint64_t there = 0; // they come back in their order
    for (const new_row &row : rows)
        if (there < stored.count() && stored.text(there, 0) == row.mg_id())
            ++there;
        else if (stored.count() < rows.size())
            require_taken(row);
    if (there < stored.count())
        refuse_other_id(rows[there], stored.text(there, 0));
    if (there < rows.size())
        throw pg::sql_error{"40001", "the same row was written meanwhile",
                            std::to_string(rows.size() - there) + " of the rows were there.", "Try again."};
}

} // namespace mega::ledger
