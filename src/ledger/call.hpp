// One call of a function that writes: its tables, its SPI connection and its store, chosen once.
#pragma once

#include "ledger/in_flight.hpp"
#include "ledger/store.hpp"

namespace mega::ledger {

class call {
public:
    // Raises what `guarded_catalog_of` raises.
    explicit call(FunctionCallInfo fcinfo, schema::written what = schema::written::books)
        : where_(schema::guarded_catalog_of(fcinfo->flinfo->fn_oid, what)), store_(open_store(spi_, where_)) {}

    ledger::store &store() { return *store_; }
    void finish() { spi_.finish(); } // on success

private:
    const in_flight::under_way working_{in_flight::act::call};
    const schema::table_catalog where_;
    pg::spi_connection spi_;
    const std::unique_ptr<ledger::store> store_;
};

} // namespace mega::ledger
