// mega_expire_credits. Safe to run from any scheduler and at the same time: customers that somebody else has locked are
// skipped and left to the next run.
#include "core/utc_time.hpp"
#include "credits/posting.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/planner.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"
#include "schema/due_lot.hpp"

#include <map>

namespace mega::credits {

namespace {

constexpr Oid expired_types[] = {TIMESTAMPTZOID, INT8OID};
// Customers whose end has come for what has no lot.
constinit pg::statement
    lock_expired("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_expires_at "
                 "OPERATOR(pg_catalog.<=) $1 AND c.mg_expires_at IS NOT NULL AND c.mg_pass_id IS NOT NULL "
                 "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT $2 "
                 "FOR NO KEY UPDATE SKIP LOCKED",
                 expired_types);

constexpr Oid lots_types[] = {INT8OID, INT8OID};
// Lots whose end has come, from their index, with their customers, unless those are locked.
constinit pg::statement lock_lots("SELECT c.mg_pass_id, pg_catalog.substr(g.mg_id, 20) FROM ONLY "
                                  "@schema@.mega_generations g JOIN ONLY @schema@.mega_customers c ON c.mg_pass_id "
                                  "OPERATOR(pg_catalog.=) g.mg_pass_id WHERE " MEGA_DUE_LOT " AND " MEGA_LOT_ENDS
                                  " OPERATOR(pg_catalog.<=) $1 ORDER BY " MEGA_LOT_ENDS
                                  " LIMIT $2 FOR NO KEY UPDATE OF c SKIP LOCKED",
                                  lots_types);

// Customers, and of each the lots that are due.
using due_customers = std::map<std::string, std::vector<std::string>>;

due_customers find_due(pg::rounds &looks, const schema::table_catalog &where, pg::timestamp as_of, std::int64_t most) {
    due_customers due;
    looks.run([&](pg::spi_connection &spi) {
        const auto store = ledger::open_store(spi, where);
        const pg::rows found = store->run(where.customers, lock_expired, as_of, most);
        for (std::uint64_t i = 0; i < found.count(); ++i)
            due.try_emplace(std::string(ledger::require_column("mg_pass_id", found.text(i, 0))));
    });
    looks.run([&](pg::spi_connection &spi) {
        const auto store = ledger::open_store(spi, where);
        pg::only_in_index_order from_the_index; // it ends where it is told to; a plan that sorts reads all that wait
        const pg::rows found = store->run(where.customers, lock_lots, pg::unix_micros(as_of), most);
        from_the_index.done();
        for (std::uint64_t i = 0; i < found.count(); ++i) {
            const std::string pass_id(ledger::require_column("mg_pass_id", found.text(i, 0)));
            if (std::ssize(due) < most || due.contains(pass_id))
                due[pass_id].emplace_back(*found.text(i, 1));
        }
    });
    return due;
}

Datum expire_credits(FunctionCallInfo fcinfo) {
    using in = arguments::expire_credits;
    const pg::arguments given(fcinfo);
    const pg::timestamp as_of = ledger::require("as_of", given.time(in::as_of));
    ledger::check_finite("as_of", as_of);
    if (as_of > pg::clock_time())
        throw pg::sql_error{ledger::bad_argument, "as_of lies ahead", "as_of=" + core::iso_utc(pg::unix_micros(as_of)),
                            "What ends later has not ended: leave as_of out."};
    const std::int64_t limit = require_positive("max_customers", given.int4(in::max_customers));
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid);
    pg::rounds customers;
    std::int64_t credits = 0;
    std::int32_t expired = 0;
    for (const auto &due : find_due(customers, where, as_of, limit)) {
        const auto &pass_id = due.first;
        const auto &lots = due.second;
        customers.run([&](pg::spi_connection &spi) {
            const auto store = ledger::open_store(spi, where);
            ledger::locked_customer customer = ledger::require_locked_or_erased_customer(*store, pass_id);
            if (const auto gone = settle_lots(*store, customer, as_of, lots)) {
                credits += *gone;
                ++expired;
            }
        });
    }
    return pg::return_row(fcinfo, expired, credits);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_expire_credits, mega::credits::expire_credits);
