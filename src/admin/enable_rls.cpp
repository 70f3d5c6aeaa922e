// mega_enable_rls: a role for signed-in people reads the rows of its customer alone.
#include "admin/levels.hpp"
#include "admin/policies.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "pg/result.hpp"
#include "pg/writable.hpp"

namespace mega::admin {

namespace {

// What a policy calls, it calls as whoever reads.
void let_call(pg::spi_connection &spi, pg::row_set &report, Oid role, Oid schema,
              const std::vector<granted_function> &functions) {
    const std::string name = quoted_role(role);
    if (!may_enter(spi, role, schema)) {
        let_enter(spi, role, schema);
        report.add("schema", "grant", "USAGE: " + name);
    }
    for (const granted_function &one : functions)
        if (one.name == "mega_current_pass_id" && !may_call(spi, role, one.id)) {
            require_grantor(spi, {one});
            spi.run_text("GRANT EXECUTE ON " + one.target + " TO " + name);
            report.add("mega_current_pass_id", "grant", "EXECUTE: " + name);
        }
}

// Policies do not hold a function that writes: it answers for whatever pass id it is given.
void tell_of_writers(pg::spi_connection &spi, pg::row_set &report, Oid role,
                     const std::vector<granted_function> &functions) {
    for (const granted_function &one : functions)
        if (one.needed > level::user && may_call(spi, role, one.id)) {
            report.add(quoted_role(role), "look",
                       "may still call " + one.name +
                           " and others that write; mega_grant with level user takes that away");
            return;
        }
}

Datum enable_rls(FunctionCallInfo fcinfo) {
    using in = arguments::enable_rls;
    const Oid role = ledger::require("role", pg::arguments(fcinfo).oid(in::role));
    pg::require_writable("mega_enable_rls");
    const Oid schema = pg::schema_of_function(fcinfo->flinfo->fn_oid);
    pg::row_set report(fcinfo);
    pg::spi_connection spi;
    policies standing(spi, schema);
    standing.bind(role);
    for (const policy_change &one : standing.changes())
        report.add(one.object, one.action, one.detail);
    const std::vector<granted_function> functions = granted_functions(spi, schema);
    let_call(spi, report, role, schema, functions);
    tell_of_writers(spi, report, role, functions);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_enable_rls, mega::admin::enable_rls);
