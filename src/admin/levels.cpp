// Who may call what: EXECUTE is the gate of a function; reads need SELECT besides, because they run with the caller's
// rights and row policies.
#include "admin/levels.hpp"

#include "admin/policies.hpp"
#include "pg/code.hpp"

namespace mega::admin {

namespace {

constexpr std::pair<std::string_view, level> granted_levels[] = {{"reader", level::reader},
                                                                 {"user", level::user},
                                                                 {"app", level::app},
                                                                 {"worker", level::worker},
                                                                 {"admin", level::admin}};

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
                     "OPERATOR(pg_catalog.=) 'p', p.oid::pg_catalog.int8 FROM pg_catalog.pg_depend d "
                     "JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid AND e.extname "
                     "OPERATOR(pg_catalog.=) 'mega' "
                     "JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid WHERE d.classid "
                     "OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass "
                     "AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass AND "
                     "d.deptype OPERATOR(pg_catalog.=) 'e' AND p.pronamespace OPERATOR(pg_catalog.=) $1 "
                     "ORDER BY p.oid",
                     schema_type);

constexpr Oid right_types[] = {OIDOID, OIDOID};
constinit pg::statement execute_right("SELECT pg_catalog.has_function_privilege($1, $2, 'EXECUTE')", right_types);
constinit pg::statement usage_right("SELECT pg_catalog.has_schema_privilege($1, $2, 'USAGE')", right_types);
constinit pg::statement grant_right("SELECT pg_catalog.has_function_privilege($1, $2, 'EXECUTE WITH GRANT OPTION')",
                                    right_types);

pg::nullable_datum id_datum(Oid id) { return {ObjectIdGetDatum(id), false}; }

} // namespace

std::optional<level> level_named(std::string_view word) { return level_in(granted_levels, word); }

std::vector<granted_function> granted_functions(pg::spi_connection &spi, Oid schema) {
    const pg::rows found = spi.run(member_functions, schema, pg::access::read_write, id_datum(schema));
    std::vector<granted_function> functions;
    for (std::uint64_t i = 0; i < found.count(); ++i) {
        const level needed = level_in(function_levels, *found.text(i, 0)).value_or(level::owner);
        if (needed != level::everybody)
            functions.push_back(
                {static_cast<Oid>(*found.int8(i, 3)), std::string(*found.text(i, 0)),
                 (found.boolean(i, 2).value_or(false) ? "PROCEDURE " : "FUNCTION ") + std::string(*found.text(i, 1)),
                 needed});
    }
    return functions;
}

void require_grantor(pg::spi_connection &spi, const std::vector<granted_function> &functions) {
    for (const granted_function &one : functions)
        if (!pg::call([&one] { return has_privs_of_role(GetUserId(), pg::owner_of_function(one.id)); }) &&
            !spi.run(grant_right, InvalidOid, pg::access::read_write, id_datum(GetUserId()), id_datum(one.id))
                 .boolean(0, 0)
                 .value_or(false))
            throw pg::sql_error{"42501",
                                "rights on the functions of the extension are given by their owner",
                                {},
                                "Call it as the role that owns them."};
}

void let_enter(pg::spi_connection &spi, Oid role, Oid schema) {
    const std::string name = pg::with_schema_name("@schema@", schema);
    spi.run_text("GRANT USAGE ON SCHEMA " + name + " TO " + quoted_role(role));
    if (!may_enter(spi, role, schema))
        throw pg::sql_error{"42501",
                            "USAGE on the schema " + name + " is given by its owner",
                            {},
                            "Have him GRANT USAGE ON SCHEMA " + name + " TO " + quoted_role(role) + " first."};
}

bool may_enter(pg::spi_connection &spi, Oid role, Oid schema) {
    return spi.run(usage_right, InvalidOid, pg::access::read_write, id_datum(role), id_datum(schema))
        .boolean(0, 0)
        .value_or(false);
}

bool may_call(pg::spi_connection &spi, Oid role, Oid function) {
    return spi.run(execute_right, InvalidOid, pg::access::read_write, id_datum(role), id_datum(function))
        .boolean(0, 0)
        .value_or(false);
}

} // namespace mega::admin
