// mega_expire_credits. Safe to run from any scheduler and at the same time: customers that somebody else has locked are
// skipped and left to the next run.
#include "credits/posting.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"

namespace mega::credits {

namespace {

constexpr std::int64_t batch_size = 1000;

constexpr Oid expired_types[] = {TIMESTAMPTZOID, INT8OID, TEXTOID};
// A batch behind a customer.
constinit pg::statement lock_expired("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_expires_at "
                                     "OPERATOR(pg_catalog.<=) $1 "
                                     "AND c.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $3 "
                                     "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT $2 "
                                     "FOR NO KEY UPDATE SKIP LOCKED",
                                     expired_types);

std::vector<std::string> column_of(const pg::rows &found, int column, const char *name) {
    std::vector<std::string> texts;
    texts.reserve(found.count());
    for (std::uint64_t i = 0; i < found.count(); ++i)
        texts.emplace_back(ledger::require_column(name, found.text(i, column)));
    return texts;
}

// The credits that were written off; std::nullopt when a trigger of somebody's moved the end meanwhile.
std::optional<std::int64_t> expire(ledger::store &store, std::string_view pass_id, pg::timestamp as_of) {
    ledger::locked_customer customer = ledger::require_locked_or_erased_customer(store, pass_id);
    if (!customer.expires_at || *customer.expires_at > as_of)
        return std::nullopt;
    return write_off_expired(store, customer, as_of);
}

Datum expire_credits(FunctionCallInfo fcinfo) {
    using in = arguments::expire_credits;
    const pg::arguments given(fcinfo);
    const pg::timestamp as_of = ledger::require("as_of", given.time(in::as_of));
    ledger::check_finite("as_of", as_of);
    const std::int64_t limit = require_positive("max_customers", given.int4(in::max_customers));
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid);
    pg::rounds customers;
    std::int64_t credits = 0, looked_at = 0;
    std::int32_t expired = 0;
    std::string behind;
    for (bool more = true; more;) {
        const std::int64_t most = std::min(batch_size, limit - looked_at);
        std::vector<std::string> due;
        customers.run([&](pg::spi_connection &spi) {
            const auto store = ledger::open_store(spi, where);
            due = column_of(store->run(where.customers, lock_expired, as_of, most, behind), 0, "mg_pass_id");
        });
        for (const std::string &pass_id : due)
            customers.run([&](pg::spi_connection &spi) {
                if (const auto gone = expire(*ledger::open_store(spi, where), pass_id, as_of)) {
                    credits += *gone;
                    ++expired;
                }
            });
        looked_at += std::ssize(due);
        more = std::ssize(due) == most && looked_at < limit;
        if (more)
            behind = due.back();
    }
    return pg::return_row(fcinfo, expired, credits);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_expire_credits, mega::credits::expire_credits);
