// mega_expire_credits. Safe to run from any scheduler and at the same time: customers that somebody else has locked are
// skipped and left to the next run.
#include "credits/movement.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"

namespace mega::credits {

namespace {

constexpr Oid expired_types[] = {TIMESTAMPTZOID, INT8OID};
constinit pg::statement lock_expired(
    "SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_expires_at "
    "OPERATOR(pg_catalog.<=) $1 AND c.mg_pass_id IS NOT NULL ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT $2 "
    "FOR NO KEY UPDATE SKIP LOCKED",
    expired_types);

std::vector<std::string> column_of(const pg::rows &found, int column, const char *name) {
    std::vector<std::string> texts;
    texts.reserve(found.count());
    for (std::uint64_t i = 0; i < found.count(); ++i)
        texts.emplace_back(ledger::require_column(name, found.text(i, column)));
    return texts;
}

Datum expire_credits(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    const pg::timestamp as_of = ledger::require("as_of", given.time(0));
    ledger::check_finite("as_of", as_of);
    const std::int32_t limit = require_positive("max_customers", given.int4(1));
    const schema::tables &where = schema::guarded_tables_of(fcinfo->flinfo->fn_oid);
    pg::rounds customers;
    std::vector<std::string> due;
    customers.run([&](pg::session &session) {
        const auto store = ledger::open_store(session, where);
        due = column_of(store->run(where.customers, lock_expired, as_of, std::int64_t{limit}), 0, "mg_pass_id");
    });
    std::int64_t credits = 0;
    std::int32_t expired = 0;
    for (const std::string &pass_id : due)
        customers.run([&](pg::session &session) {
            const auto store = ledger::open_store(session, where);
            ledger::locked_customer customer = ledger::require_locked_customer(*store, pass_id);
            if (!customer.expires_at || *customer.expires_at > as_of)
                return; // another sweep was here between the look and the lock
            credits += settle_expiry(*store, customer, as_of);
            ++expired;
        });
    return pg::return_row(fcinfo, expired, credits);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_expire_credits, mega::credits::expire_credits);
