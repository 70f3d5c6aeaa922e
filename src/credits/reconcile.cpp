// mega_reconcile_credits: customers whose balance differs from the sum of their ledger (I1). There should be none.
#include "function_arguments.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::credits {

namespace {

constinit pg::statement of_all =
    pg::statement(
        "SELECT c.mg_pass_id, c.mg_credits, coalesce(s.ledger_sum, 0) FROM ONLY @schema@.mega_customers c LEFT JOIN "
        "(SELECT g.mg_pass_id, pg_catalog.sum(g.mg_delta)::pg_catalog.int8 AS ledger_sum "
        "FROM ONLY @schema@.mega_generations g WHERE g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
        "GROUP BY g.mg_pass_id) s ON s.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) c.mg_pass_id "
        "WHERE c.mg_credits IS NULL OR c.mg_credits::pg_catalog.int8 OPERATOR(pg_catalog.<>) coalesce(s.ledger_sum, 0) "
        "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\"")
        .in_parallel();

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement
    of_one("SELECT c.mg_pass_id, c.mg_credits, s.ledger_sum FROM ONLY @schema@.mega_customers c, LATERAL "
           "(SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)::pg_catalog.int8 AS ledger_sum "
           "FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
           "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction') s "
           "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1 "
           "AND (c.mg_credits IS NULL OR c.mg_credits::pg_catalog.int8 OPERATOR(pg_catalog.<>) s.ledger_sum)",
           pass_id_type);

Datum reconcile_credits(FunctionCallInfo fcinfo) {
    using in = arguments::reconcile_credits;
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const auto given = pg::arguments(fcinfo).text(in::pass_id);
    const auto pass_id = ledger::resolve_optional(where, given, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows found = pass_id ? spi.run(of_one, where.schema, pg::access::read_only, *pass_id)
                                   : spi.run(of_all, where.schema, pg::access::read_only);
    if (pass_id && found.empty())
        ledger::require_visible_customer(spi, where, *pass_id, *given);
    for (std::uint64_t i = 0; i < found.count(); ++i)
        result.add_row(found, i);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_reconcile_credits, mega::credits::reconcile_credits);
