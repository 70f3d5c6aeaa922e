// The open lots of a customer as his rows make them (I15).
#pragma once

#include "core/lots.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

// Which rows g say anything of lots.
#define MEGA_LOT_ROW                                                                                                   \
    "g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND (g.mg_meta OPERATOR(pg_catalog.->) 'mega') "     \
    "OPERATOR(pg_catalog.?|) '{ends,lots,cover}'::pg_catalog.text[]"

core::folded_lots fold_lots(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                            pg::access how);

} // namespace mega::ledger
