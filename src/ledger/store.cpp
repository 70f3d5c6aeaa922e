// Chooses the store of a call: direct or SQL.
#include "ledger/store.hpp"

#include "ledger/direct.hpp"
#include "ledger/store_direct.hpp"

namespace mega::ledger {

std::unique_ptr<store> open_store(pg::spi_connection &spi, const schema::table_catalog &where) {
    if (direct::possible(where))
        return std::make_unique<direct_store>(spi, where);
    return std::make_unique<sql_store>(spi, where);
}

} // namespace mega::ledger
