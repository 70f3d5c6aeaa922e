// A row of mega_admin by its id, looked at with the caller's rights: by the direct path, or by SQL.
#pragma once

#include "core/record_id.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

// What is wanted of a row of that type that has no deletion mark. The statement takes the id and returns the columns.
struct admin_look {
    core::record_type type;
    std::span<const schema::admin> columns;
    pg::statement &by_sql;
};

// Puts the columns into `values`, where they stay until the connection is finished. False when there is no such row, or
// none that the caller sees.
bool look_at_admin_row(pg::spi_connection &spi, const schema::table_catalog &where, const admin_look &look,
                       std::string_view mg_id, std::span<pg::nullable_datum> values);

} // namespace mega::ledger
