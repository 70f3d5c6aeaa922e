// Appending to the ledger: the one place where a function's row enters it.
#pragma once

#include "pg/spi.hpp"
#include "schema/tables.hpp"

namespace mega::ledger {

// A row to be appended. Columns that are not set are NULL, save those with a default.
class new_row {
public:
    // A row whose id the caller was given: somebody may have used it.
    new_row(std::string_view record_type, std::string_view id);

    // A row with a fresh id.
    static new_row fresh(std::string_view record_type);

    template <class Value> new_row &set(schema::ledger column, const Value &value) {
        columns_[static_cast<std::size_t>(column)] = pg::to_datum(value);
        return *this;
    }

    // mg_meta: the application's document, and beside it what mega notes in its own key (I17).
    new_row &set_meta(pg::jsonb meta, std::optional<pg::jsonb> own);
    const Jsonb *own() const { return own_ ? own_->document : nullptr; }

    std::span<const pg::nullable_datum> columns() const { return columns_; }
    const std::string &mg_id() const { return mg_id_; }
    std::string id() const { return mg_id_.substr(mg_id_.find(':') + 1); }

    // Whether a unique key of it may be taken.
    bool keyed() const { return keyed_ || !columns_[static_cast<std::size_t>(schema::ledger::mg_ref_id)].is_null; }

private:
    bool keyed_ = true;
    std::string mg_id_; // <record type>:<id>
    std::optional<pg::jsonb> own_;
    std::array<pg::nullable_datum, schema::ledger_columns.size()> columns_{};
};

// Appends the row as the owner of the ledger and projects it. False, and nothing written, when a row with the same id
// or the same reference is there already: the caller looks which. True: a row with this id is there. Raises what the
// row's rules raise, 55000 when a trigger of somebody's keeps the row out or gives it another id, and 23505 when a key
// of somebody's own does. The caller holds the lock of the customer.
bool append(pg::session &session, const schema::tables &where, const new_row &row);

// The same for a credit row by the direct path, whose projection is left to the caller.
bool append_unprojected(pg::session &session, const schema::tables &where, const new_row &row);

// Many credit rows on their way by the direct path. Their projection is left to the caller, who holds the locks of
// their customers.
class bulk {
public:
    explicit bulk(const schema::tables &where) : where_(where) {}

    // In the order they are added, some at a time. Both raise 23505 when a key of one is taken; add, what the row's
    // rules raise.
    void add(const new_row &row);
    void append(); // what is left

private:
    const schema::tables &where_;
    std::vector<pg::nullable_datum> checked_;
};

// Changes columns of a row by the direct path: held against the rules for changes, as the triggers do it for SQL.
// Raises what check_changed_record raises. The row is locked by the caller.
void change_record(const schema::tables &where, std::string_view mg_id, std::span<const schema::ledger> columns,
                   std::span<const pg::nullable_datum> values);

// A fresh id: a UUID version 7, monotonic within the backend.
std::string new_id();

} // namespace mega::ledger
