// mega_validate: what rows of adopted tables keep Postgres from enforcing, and the rest of it enforced.
#include <list>

#include "ledger/differing_lots.hpp"
#include "moving/require_owner.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/writable.hpp"
#include "schema/enforcement.hpp"

namespace mega::moving {

namespace {

using kind = schema::open_rule::kind;

// What the owner can do about rows that break the rule.
const char *advice(const schema::target_table &table, const schema::open_rule &rule) {
    if (rule.what == kind::by_trigger)
        return "kept for new rows and changed columns";
    return std::string_view(table.definition->name) == schema::customers_name
               ? "mend these rows, then call mega_validate again"
               : "mend these rows, facts with the triggers off, then call mega_validate again";
}

std::string outcome(const schema::target_table &table, const schema::open_rule &rule, const std::string &refusal) {
    if (!rule.obstacle.empty())
        return rule.obstacle;
    if (rule.what == kind::by_trigger || rule.offenders > 0)
        return advice(table, rule);
    if (!refusal.empty())
        return refusal;
    return rule.way_to_enforce() == schema::way::for_new ? "added for what is new, call mega_validate again" : "added";
}

// Lots that a customer's row notes otherwise than the ledger says: nobody else writes them, but what was restored in
// parts, or written with the triggers off, may have.
struct other_lots {
    std::int64_t customers = 0;
    std::string example;
};

other_lots find_other_lots(const schema::table_catalog &where) {
    other_lots found;
    ledger::compare_all_lots_as_owner(where, [&found](std::string_view pass_id, const pg::jsonb &, const pg::jsonb &) {
        if (found.customers++ == 0)
            found.example = pass_id;
    });
    return found;
}

// One table with its rules.
struct examined {
    schema::target_table table;
    std::vector<schema::open_rule> rules;
    schema::enforcement enforcement;

    examined(pg::spi_connection &spi, const schema::target_table &found)
        : table(found), rules(schema::open_rules(spi, table, true)), enforcement(spi, table, rules) {}
    examined(const examined &) = delete;
    examined &operator=(const examined &) = delete;
};

Datum validate(FunctionCallInfo fcinfo) {
    const schema::table_catalog where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    require_owner(where, "mega_validate");
    pg::require_writable("mega_validate");
    pg::row_set report(fcinfo);
    pg::spi_connection spi;
    const std::array<Oid, 3> relations{where.customers.id, where.generations.id, where.admins.id};
    const other_lots lots = find_other_lots(where);
    std::list<examined> all; // everything is looked at before the first lock that stops a writer
    for (std::size_t i = 0; i < relations.size(); ++i)
        all.emplace_back(spi, schema::target_table{&schema::blueprints[i], where.schema, relations[i]});
    std::vector<schema::table_lock> locks;
    for (examined &one : all) {
        one.enforcement.validate();
        if (const char *mode = one.enforcement.lock_mode())
            locks.push_back({one.table.qualified(), mode});
    }
    schema::lock_tables(spi, locks);
    for (examined &one : all) {
        one.enforcement.add();
        for (std::size_t i = 0; i < one.rules.size(); ++i) {
            const schema::open_rule &rule = one.rules[i];
            report.add(rule.object, rule.demand, rule.offenders,
                       rule.offenders > 0 ? std::optional(rule.example) : std::nullopt,
                       outcome(one.table, rule, one.enforcement.refusal(i)));
        }
    }
    if (lots.customers > 0)
        report.add("mega_customers.mg_meta", "The lots that mega notes are those that the ledger records.",
                   lots.customers, lots.example,
                   "mega_reconcile_lots lists them, mega_open_books(trust => 'ledger') makes them anew");
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::moving

PG_ENTRY(mega_validate, mega::moving::validate);
