// Rows on their way into the ledger.
#pragma once

#include "ledger/row_check.hpp"

namespace mega::ledger {

// A row to be appended. Columns that are not set are NULL, save those with a default.
class new_row {
public:
    // A row whose id the caller was given: somebody may have used it.
    new_row(std::string_view record_type, std::string_view id);

    // A row with a fresh id.
    static new_row fresh(std::string_view record_type);
    static new_row fresh(std::string_view record_type, std::string_view id);

    template <class Value> new_row &set(schema::ledger column, const Value &value) {
        columns_[static_cast<std::size_t>(column)] = pg::to_datum(value);
        return *this;
    }

    // mg_meta: the application's document, and beside it what mega notes in its own key (I17).
    new_row &set_meta(pg::jsonb meta, std::optional<pg::jsonb> own);
    new_row &set_noted(pg::jsonb meta);          // both in one document
    JsonbContainer *own() const { return own_; } // null when mega notes nothing

    std::span<const pg::nullable_datum> columns() const { return columns_; }
    std::optional<std::string_view> text(schema::ledger column) const;
    const std::string &mg_id() const { return mg_id_; }
    std::string id() const { return mg_id_.substr(mg_id_.find(':') + 1); }

    // Whether a unique key of it may be taken.
    bool keyed() const { return keyed_ || !columns_[static_cast<std::size_t>(schema::ledger::mg_ref_id)].is_null; }

private:
    bool keyed_ = true;
    std::string mg_id_; // <record type>:<id>
    JsonbContainer *own_ = nullptr;
    std::array<pg::nullable_datum, schema::ledger_columns.size()> columns_{};
};

// Makes of `stored` the row as its rules want it stored. Raises what they raise.
void check_to_append(const schema::table_catalog &where, const new_row &row, ledger_row &stored);

// A fresh id: a UUID version 7, monotonic within the backend.
std::string new_id();

} // namespace mega::ledger
