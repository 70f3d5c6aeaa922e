// Customers whose lots mega notes otherwise than the rows of the ledger say (I15).
#pragma once

#include "pg/jsonb.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

#include <functional>

namespace mega::ledger {

using tell_lots = std::function<void(std::string_view pass_id, const pg::jsonb &stored, const pg::jsonb &folded)>;

// Of one customer, read with the caller's rights.
void compare_lots(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                  const tell_lots &tell);

// Of all, in byte order of pass id.
void compare_all_lots(const schema::table_catalog &where, const tell_lots &tell);

// The same, read as the owner of the tables: code that they carry runs as his.
void compare_all_lots_as_owner(const schema::table_catalog &where, const tell_lots &tell);

} // namespace mega::ledger
