// Customers whose lots mega notes otherwise than the ledger records (I15), read with the rights of who is current.
#pragma once

#include "pg/jsonb.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

#include <functional>

namespace mega::ledger {

using tell_lots = std::function<void(std::string_view pass_id, const pg::jsonb &stored, const pg::jsonb &folded)>;

// Of one customer.
void compare_lots(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                  const tell_lots &tell);

// Of all, in byte order of pass id.
void compare_all_lots(const schema::table_catalog &where, const tell_lots &tell);

} // namespace mega::ledger
