// Rows of mega_admin that functions write.
#pragma once

#include "core/record_id.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

// A row to be appended. Columns that are not set are NULL, save those with a default.
class new_admin_row {
public:
    new_admin_row(core::record_type type, std::string_view id);

    template <class Value> new_admin_row &set(schema::admin column, const Value &value) {
        columns_[static_cast<std::size_t>(column)] = pg::to_datum(value);
        return *this;
    }

    std::span<const pg::nullable_datum> columns() const { return columns_; }
    const std::string &mg_id() const { return mg_id_; }

private:
    std::string mg_id_; // <record type>:<id>
    std::array<pg::nullable_datum, schema::admin_columns.size()> columns_{};
};

// Appends the row as the owner of the table; its triggers check it. False, and nothing written, when a row with the
// same id is there: one that somebody is writing is waited for. Raises what the row's rules raise, 55000 when a trigger
// of somebody's keeps the row out or gives it another id, and 23505 when a key of somebody's own does.
bool append(pg::spi_connection &spi, const schema::table_catalog &where, const new_admin_row &row);

} // namespace mega::ledger
