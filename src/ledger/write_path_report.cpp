// mega_write_path: which way functions write, and why.
#include "ledger/direct.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/blueprints.hpp"

namespace mega::ledger {

namespace {

template <class Table>
void tell(pg::row_set &report, const std::optional<pg::sql_error> &unguarded, const char *name, const Table &table,
          const std::string &obstacle) {
    const auto add = [&](const char *path, const pg::sql_error &refusal) {
        report.add(name, path, std::optional<std::string>(refusal.message.c_str()));
    };
    if (unguarded)
        return report.add(name, "refused", std::string(unguarded->message.c_str()) + ": " + unguarded->detail.c_str());
    const schema::verdict &found = table.may_be_written;
    // Nearly all functions insert into the other tables, and nearly none into this one.
    const bool changed = name == schema::customers_name;
    if (found.refusal != nullptr)
        return add("refused", *found.refusal);
    if (found.of_updates != nullptr)
        return add("refused", *found.of_updates);
    if (found.of_new != nullptr)
        return add(changed ? "sql" : "refused", *found.of_new);
    report.add(name, obstacle.empty() ? "direct" : "sql",
               obstacle.empty() ? std::nullopt : std::optional<std::string>(obstacle));
}

Datum write_path_of_tables(FunctionCallInfo fcinfo) {
    pg::row_set report(fcinfo);
    const schema::table_catalog where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string obstacle = direct::why_not(where);
    const auto unguarded = schema::refusal_unguarded(where);
    tell(report, unguarded, schema::customers_name, where.customers, obstacle);
    tell(report, unguarded, schema::generations_name, where.generations, obstacle);
    tell(report, unguarded, schema::admin_name, where.admins, "it is written through SQL always");
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::ledger

PG_ENTRY(mega_write_path, mega::ledger::write_path_of_tables);
