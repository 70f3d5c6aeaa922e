// mega_grant: who may call what. EXECUTE is the gate of a function; reads need SELECT besides, because they run with
// the caller's rights and row policies.
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "pg/spi.hpp"

namespace mega::admin {

namespace {

// In the order of what they may; each may what those before it may. What is everybody's is not handed out, what is the
// owner's is handed out by GRANT alone.
enum class level { everybody, reader, app, worker, admin, owner };

constexpr std::pair<std::string_view, level> granted_levels[] = {
    {"reader", level::reader}, {"app", level::app}, {"worker", level::worker}, {"admin", level::admin}};

// The Makefile makes it of the lines `-- level:` beside the functions in the rooms' .sql files.
constexpr std::pair<std::string_view, level> function_levels[] = {
#include "function_levels.inc"
};

template <std::size_t N>
std::optional<level> level_in(const std::pair<std::string_view, level> (&named)[N], std::string_view name) {
    const auto found = std::ranges::find(named, name, [](const auto &one) { return one.first; });
    return found == std::end(named) ? std::nullopt : std::optional(found->second);
}

constexpr Oid schema_type[] = {OIDOID};
// The extension's functions.
constinit pg::statement
    member_functions("SELECT p.proname::pg_catalog.text, p.oid::pg_catalog.regprocedure::pg_catalog.text, p.prokind "
                     "OPERATOR(pg_catalog.=) 'p' FROM pg_catalog.pg_depend d "
                     "JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid AND e.extname "
                     "OPERATOR(pg_catalog.=) 'mega' "
                     "JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid WHERE d.classid "
                     "OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass "
                     "AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass AND "
                     "d.deptype OPERATOR(pg_catalog.=) 'e' AND p.pronamespace OPERATOR(pg_catalog.=) $1",
                     schema_type);

Datum grant(FunctionCallInfo fcinfo) {
    using in = arguments::grant;
    const pg::arguments given(fcinfo);
    const Oid role = ledger::require("role", given.oid(in::role));
    const std::string_view word = ledger::require("level", given.text(in::level));
    const auto wanted = level_in(granted_levels, word);
    if (!wanted)
        throw pg::sql_error{
            ledger::bad_argument, pg::quoted(word) + " is not a level", {}, "Use reader, app, worker or admin."};
    const Oid schema = pg::schema_of_function(fcinfo->flinfo->fn_oid);
    const std::string grantee = pg::call([role] { return quote_identifier(GetUserNameFromId(role, false)); });
    pg::spi_connection spi;
    const pg::rows functions =
        spi.run(member_functions, schema, pg::access::read_write, pg::nullable_datum{ObjectIdGetDatum(schema), false});
    std::vector<std::string> commands;
    for (std::uint64_t i = 0; i < functions.count(); ++i) {
        const level needed = level_in(function_levels, *functions.text(i, 0)).value_or(level::owner);
        if (needed == level::everybody)
            continue;
        const std::string target =
            (functions.boolean(i, 2).value_or(false) ? "PROCEDURE " : "FUNCTION ") + std::string(*functions.text(i, 1));
        const bool granted = needed <= *wanted;
        commands.push_back((granted ? "GRANT EXECUTE ON " : "REVOKE EXECUTE ON ") + target +
                           (granted ? " TO " : " FROM ") + grantee);
    }
    const std::string place = pg::with_schema_name("@schema@", schema);
    commands.push_back("GRANT USAGE ON SCHEMA " + place + " TO " + grantee);
    commands.push_back("GRANT SELECT ON " + place + ".mega_customers, " + place + ".mega_generations TO " + grantee);
    if (*wanted == level::admin)
        commands.push_back("GRANT SELECT ON " + place + ".mega_admin TO " + grantee);
    else
        commands.push_back("REVOKE SELECT ON " + place + ".mega_admin FROM " + grantee);
    for (const std::string &command : commands)
        spi.run_text(command);
    spi.finish();
    PG_RETURN_VOID();
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_grant, mega::admin::grant);
