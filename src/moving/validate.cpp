// mega_validate: what rows of adopted tables keep Postgres from holding, and the rest of it held.
#include "moving/owner.hpp"
#include "pg/direct_table.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/rules.hpp"

namespace mega::moving {

namespace {

using kind = schema::open_rule::kind;

// What the owner can do about rows that break the rule.
const char *advice(const schema::found_table &table, const schema::open_rule &rule) {
    if (rule.what == kind::by_trigger)
        return "kept for new rows and changed columns";
    return std::string_view(table.definition->name) == schema::customers_name
               ? "mend these rows, then call mega_validate again"
               : "mend these rows, facts with the triggers off, then call mega_validate again";
}

void validate_table(pg::session &session, pg::row_set &report, const schema::found_table &table) {
    const std::vector<schema::open_rule> rules = schema::open_rules(session, table, true);
    std::vector<schema::open_rule> ready;
    std::ranges::copy_if(rules, std::back_inserter(ready), [](const schema::open_rule &rule) {
        return rule.what != kind::by_trigger && rule.may_be_held();
    });
    const auto refused = schema::hold(session, table, ready);
    for (const schema::open_rule &rule : rules) {
        std::string action = advice(table, rule);
        if (!rule.obstacle.empty())
            action = rule.obstacle;
        if (rule.what != kind::by_trigger && rule.may_be_held()) {
            const auto why = std::ranges::find(refused, rule.object, &std::pair<std::string, std::string>::first);
            action = why == refused.end() ? "added" : why->second;
        }
        report.add(rule.object, rule.demand, rule.offenders,
                   rule.offenders > 0 ? std::optional(rule.example) : std::nullopt, action);
    }
}

Datum validate(FunctionCallInfo fcinfo) {
    const schema::tables where = schema::tables_of(fcinfo->flinfo->fn_oid);
    require_owner(where, "mega_validate");
    pg::require_writable("mega_validate");
    pg::row_set report(fcinfo);
    pg::session session;
    const std::array<Oid, 3> relations{where.customers.id, where.generations.id, where.admins.id};
    for (std::size_t i = 0; i < relations.size(); ++i)
        validate_table(session, report, {&schema::manifest[i], where.schema, relations[i]});
    session.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::moving

PG_ENTRY(mega_validate, mega::moving::validate);
