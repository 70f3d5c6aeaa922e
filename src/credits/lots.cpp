// mega_credit_lots: what is open of a customer's lots, in the order they are drawn; mega_reconcile_lots: customers
// whose lots differ from what their rows make (I15). There should be none.
#include "ledger/lots.hpp"
#include "function_arguments.hpp"

#include "ledger/checked.hpp"
#include "ledger/differing_lots.hpp"
#include "ledger/resolve.hpp"
#include "ledger/store.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement select_customer("SELECT c.mg_credits, c.mg_expires_at, c.mg_meta FROM ONLY "
                                        "@schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                        id_type);
constinit pg::statement select_grant("SELECT g.mg_created_at, g.mg_delta, g.mg_source FROM ONLY "
                                     "@schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) $1",
                                     id_type);

Datum credit_lots(FunctionCallInfo fcinfo) {
    const std::string_view given =
        ledger::require_text("pass_id", pg::arguments(fcinfo).text(arguments::credit_lots::pass_id));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, given, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows customer = spi.run(select_customer, where.schema, pg::access::read_only, pass_id);
    if (customer.empty())
        ledger::throw_unknown_customer(given);
    core::holdings has = ledger::holdings_in(customer, 0, 0);
    core::stand(has, pg::unix_micros(pg::clock_time()));
    for (const core::lot &one : has.lots) {
        const std::string mg_id = "credit_transaction:" + std::string(one.name);
        const pg::rows grant = spi.run(select_grant, where.schema, pg::access::read_only, mg_id);
        const auto column = [&](int i) { return grant.empty() ? pg::nullable_datum{} : grant.column(0, i); };
        result.add(mg_id, column(0), column(1), one.left, pg::from_unix_micros(one.ends), column(2));
    }
    spi.finish();
    return pg::return_null(fcinfo);
}

Datum reconcile_lots(FunctionCallInfo fcinfo) {
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const auto given = pg::arguments(fcinfo).text(arguments::reconcile_lots::pass_id);
    const auto pass_id = ledger::resolve_optional(where, given, pg::access::read_only);
    pg::row_set result(fcinfo);
    const auto tell = [&](std::string_view one, const pg::jsonb &stored, const pg::jsonb &folded) {
        result.add(one, stored, folded);
    };
    if (!pass_id) {
        ledger::compare_all_lots(where, tell);
        return pg::return_null(fcinfo);
    }
    pg::spi_connection spi;
    ledger::require_visible_customer(spi, where, *pass_id, *given);
    ledger::compare_lots(spi, where, *pass_id, tell);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_credit_lots, mega::credits::credit_lots);
PG_ENTRY(mega_reconcile_lots, mega::credits::reconcile_lots);
