// One call of a function that writes: its tables, its session and its store, chosen once.
#pragma once

#include "ledger/store.hpp"

namespace mega::ledger {

class call {
public:
    // Raises what `guarded_tables_of` raises.
    explicit call(FunctionCallInfo fcinfo, schema::written what = schema::written::books)
        : where_(schema::guarded_tables_of(fcinfo->flinfo->fn_oid, what)), store_(open_store(session_, where_)) {}

    ledger::store &store() { return *store_; }
    void finish() { session_.finish(); } // on success

private:
    const schema::tables where_;
    pg::session session_;
    const std::unique_ptr<ledger::store> store_;
};

} // namespace mega::ledger
