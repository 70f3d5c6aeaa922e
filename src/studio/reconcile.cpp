// mega_reconcile_preferences: customers whose snapshot differs from the fold of their events (I2). There should be
// none.
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/json_tree.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"

namespace mega::studio {

namespace {

constexpr Oid page_types[] = {TEXTOID};
// Customers in order, a page at a time; a snapshot that is empty needs events to differ from.
constinit pg::statement
    customers_behind("SELECT c.mg_pass_id, coalesce(c.mg_mma_preferences, '{}') FROM ONLY @schema@.mega_customers c "
                     "WHERE c.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $1 "
                     "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT 1000",
                     page_types);
constinit pg::statement
    one_customer("SELECT c.mg_pass_id, coalesce(c.mg_mma_preferences, '{}') FROM ONLY @schema@.mega_customers c "
                 "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                 page_types);

void compare(pg::spi_connection &spi, const schema::table_catalog &where, pg::row_set &result, std::string_view pass_id,
             pg::jsonb stored) {
    const pg::jsonb managed = ledger::document_of(ledger::members_of(pg::root_of(stored), core::managed_keys));
    const pg::jsonb folded = ledger::document_of(ledger::fold_from_ledger(spi, where, pass_id, pg::access::read_only));
    if (!pg::equal(pg::root_of(managed), pg::root_of(folded)))
        result.add(pass_id, managed, folded);
}

Datum reconcile_preferences(FunctionCallInfo fcinfo) {
    using in = arguments::reconcile_preferences;
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const auto given = pg::arguments(fcinfo).text(in::pass_id);
    const auto pass_id = ledger::resolve_optional(where, given, pg::access::read_only);
    pg::row_set result(fcinfo);
    std::string last;
    for (bool more = true; more;) {
        pg::spi_connection spi; // one for each page, so that its memory goes with it
        spi.connect();
        pg::rounds customers;
        const pg::rows page = pass_id ? spi.run(one_customer, where.schema, pg::access::read_only, *pass_id)
                                      : spi.run(customers_behind, where.schema, pg::access::read_only, last);
        if (pass_id && page.empty())
            ledger::require_visible_customer(spi, where, *pass_id, *given);
        for (std::uint64_t i = 0; i < page.count(); ++i) {
            last = *page.text(i, 0);
            customers.run(
                [&](pg::spi_connection &its_own) { compare(its_own, where, result, last, *page.json(i, 1)); });
        }
        more = !pass_id && page.count() == 1000;
        spi.finish();
    }
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_reconcile_preferences, mega::studio::reconcile_preferences);
