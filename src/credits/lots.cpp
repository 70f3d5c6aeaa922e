// mega_credit_lots: what is open of a customer's lots, in the order they are drawn; mega_reconcile_lots: customers
// whose lots differ from what their rows make (I15). There should be none.
#include "ledger/lots.hpp"
#include "function_arguments.hpp"

#include "ledger/checked.hpp"
#include "ledger/fold_lots.hpp"
#include "ledger/resolve.hpp"
#include "ledger/store.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"

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

// Customers with lots, as they are noted or as rows say, in order, a page at a time.
constinit pg::statement customers_behind(
    "SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id COLLATE pg_catalog.\"C\" "
    "OPERATOR(pg_catalog.>) $1 AND ((c.mg_meta OPERATOR(pg_catalog.#>) '{mega,lots}') IS NOT NULL OR EXISTS (SELECT "
    "FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) c.mg_pass_id AND " MEGA_LOT_ROW
    ")) ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT 1000",
    id_type);

void compare(pg::spi_connection &spi, const schema::table_catalog &where, pg::row_set &result,
             std::string_view pass_id) {
    const pg::rows customer = spi.run(select_customer, where.schema, pg::access::read_only, pass_id);
    if (customer.empty())
        return;
    const core::folded_lots folded = ledger::fold_lots(spi, where, pass_id, pg::access::read_only);
    const pg::jsonb expected = ledger::lots_document(folded.lots);
    const pg::jsonb none = ledger::lots_document({});
    const auto meta = customer.json(0, 2);
    std::optional<pg::json_value> stored;
    if (meta)
        if (const auto own = pg::find(*meta, "mega"); own && own->is_object())
            stored = pg::find(own->container(), "lots");
    const pg::jsonb shown = stored ? pg::json_builder::document_of(*stored) : none;
    const bool same = meta ? ledger::says_open_lots(*meta, folded.lots) : folded.lots.empty();
    if (!same || !folded.sound)
        result.add(pass_id, shown, expected);
}

Datum reconcile_lots(FunctionCallInfo fcinfo) {
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const auto given = pg::arguments(fcinfo).text(arguments::reconcile_lots::pass_id);
    const auto pass_id = ledger::resolve_optional(where, given, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::rounds customers;
    if (pass_id) {
        customers.run([&](pg::spi_connection &spi) {
            ledger::require_visible_customer(spi, where, *pass_id, *given);
            compare(spi, where, result, *pass_id);
        });
        return pg::return_null(fcinfo);
    }
    std::string last;
    for (bool more = true; more;) {
        std::vector<std::string> page;
        customers.run([&](pg::spi_connection &spi) {
            const pg::rows found = spi.run(customers_behind, where.schema, pg::access::read_only, last);
            for (std::uint64_t i = 0; i < found.count(); ++i)
                page.emplace_back(*found.text(i, 0));
        });
        for (const std::string &one : page)
            customers.run([&](pg::spi_connection &spi) { compare(spi, where, result, one); });
        more = page.size() == 1000;
        if (more)
            last = page.back();
    }
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_credit_lots, mega::credits::credit_lots);
PG_ENTRY(mega_reconcile_lots, mega::credits::reconcile_lots);
