// mega_balance: what a customer has, holds and can spend now; mega_balance_at: what it had at a time.
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/resolve.hpp"
#include "ledger/store.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

struct next_end {
    std::optional<pg::timestamp> at;
    std::optional<std::int32_t> credits;
};

// When something ends next of what stands, and how much.
next_end next_end_of(const core::holdings &has) {
    std::optional<std::int64_t> at;
    const std::int64_t free = has.free_end ? std::max<std::int64_t>(has.free(), 0) : 0;
    if (free > 0)
        at = has.free_end;
    if (!has.lots.empty())
        at = std::min(at.value_or(INT64_MAX), has.lots.front().ends);
    if (!at)
        return {};
    std::int64_t credits = has.free_end == at ? free : 0;
    for (const core::lot &one : has.lots)
        credits += one.ends == *at ? one.left : 0;
    return {pg::from_unix_micros(*at), static_cast<std::int32_t>(credits)};
}

Datum balance(FunctionCallInfo fcinfo) {
    using in = arguments::balance;
    const std::string_view given = ledger::require_text("pass_id", pg::arguments(fcinfo).text(in::pass_id));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, given, pg::access::read_only);
    const auto now = ledger::balance_of(where, pass_id);
    if (!now)
        ledger::throw_unknown_customer(given);
    core::holdings has{now->credits, now->lots,
                       now->expires_at ? std::optional(pg::unix_micros(*now->expires_at)) : std::nullopt};
    core::stand(has, pg::unix_micros(pg::clock_time()));
    const auto spendable = static_cast<std::int32_t>(now->may_spend ? std::max<std::int64_t>(has.credits, 0) : 0);
    const next_end next = next_end_of(has);
    return pg::return_row(fcinfo, now->credits, static_cast<std::int32_t>(-now->pending_holds), spendable,
                          now->expires_at, next.at, next.credits);
}

constexpr Oid moment_types[] = {TEXTOID, TIMESTAMPTZOID};
constinit pg::statement
    sum_until("SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)::pg_catalog.int8 FROM ONLY @schema@.mega_generations g "
              "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
              "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
              "AND g.mg_created_at OPERATOR(pg_catalog.<=) $2",
              moment_types);

Datum balance_at(FunctionCallInfo fcinfo) {
    using in = arguments::balance_at;
    const pg::arguments given(fcinfo);
    const std::string_view written = ledger::require_text("pass_id", given.text(in::pass_id));
    const pg::timestamp at = ledger::require_time("at", given.time(in::at));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, written, pg::access::read_only);
    pg::spi_connection spi;
    ledger::require_visible_customer(spi, where, pass_id, written);
    const std::int64_t sum =
        spi.run(sum_until, where.schema, pg::access::read_only, pass_id, at).int8(0, 0).value_or(0);
    spi.finish();
    return pg::to_datum(sum).value;
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_balance, mega::credits::balance);
PG_ENTRY(mega_balance_at, mega::credits::balance_at);
