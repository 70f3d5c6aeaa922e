// mega_balance: what a customer has, holds and can spend now.
#include "ledger/checked.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "schema/tables.hpp"

namespace mega::credits {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement
    select_balance("SELECT c.mg_credits, c.mg_expires_at, (SELECT pg_catalog.sum(g.mg_delta) FROM "
                   "@schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) c.mg_pass_id AND "
                   "g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND "
                   "g.mg_status OPERATOR(pg_catalog.=) 'pending' AND "
                   "g.mg_id OPERATOR(pg_catalog.>=) 'credit_transaction:hold:' AND "
                   "g.mg_id OPERATOR(pg_catalog.<) 'credit_transaction:hold;')::pg_catalog.int8 "
                   "FROM @schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                   pass_id_type);

Datum balance(FunctionCallInfo fcinfo) {
    const std::string_view pass_id = ledger::require_text("pass_id", pg::arguments(fcinfo).text(0));
    const schema::tables &where = schema::tables_of(fcinfo->flinfo->fn_oid);
    pg::session session;
    const pg::rows found = session.run(select_balance, where.schema, pg::access::read_only, pass_id);
    if (found.empty())
        ledger::throw_unknown_customer(pass_id);
    const std::int32_t credits = found.int4(0, 0).value_or(0);
    const auto expires_at = found.time(0, 1);
    const auto held = static_cast<std::int32_t>(-found.int8(0, 2).value_or(0));
    session.finish();
    const bool expired = expires_at && *expires_at <= pg::clock_time();
    const std::int32_t spendable = expired ? 0 : std::max(credits, 0);
    return pg::return_row(fcinfo, credits, held, spendable, expires_at);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_balance, mega::credits::balance);
