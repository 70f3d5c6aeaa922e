// mega_write_path: which way functions write, and why.
#include "ledger/direct.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/blueprints.hpp"

namespace mega::ledger {

namespace {

template <class Table>
void tell(pg::row_set &report, const char *name, const Table &table, const std::string &obstacle) {
    if (table.may_be_written.refusal != nullptr)
        return report.add(name, "refused", std::optional<std::string>(table.may_be_written.refusal->message.c_str()));
    report.add(name, obstacle.empty() ? "direct" : "sql",
               obstacle.empty() ? std::nullopt : std::optional<std::string>(obstacle));
}

Datum write_path_of_tables(FunctionCallInfo fcinfo) {
    pg::row_set report(fcinfo);
    const schema::table_catalog where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string obstacle = direct::why_not(where);
    tell(report, schema::customers_name, where.customers, obstacle);
    tell(report, schema::generations_name, where.generations, obstacle);
    tell(report, schema::admin_name, where.admins, "it is written through SQL always");
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::ledger

PG_ENTRY(mega_write_path, mega::ledger::write_path_of_tables);
