// mega_grant: who may call what, and read which tables.
#include "admin/levels.hpp"
#include "admin/policies.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "pg/code.hpp"
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "schema/blueprints.hpp"

namespace mega::admin {

namespace {

struct grantee {
    Oid role;
    std::string name;
    Oid schema;
};

// What the functions' owner may call is left alone: nobody else could give it back to him.
void grant_functions(pg::spi_connection &spi, const grantee &to, level wanted,
                     const std::vector<granted_function> &functions) {
    for (const granted_function &one : functions) {
        if (one.needed <= wanted)
            spi.run_text("GRANT EXECUTE ON " + one.target + " TO " + to.name);
        else if (pg::call([&one] { return pg::owner_of_function(one.id); }) != to.role)
            spi.run_text("REVOKE EXECUTE ON " + one.target + " FROM " + to.name);
    }
}

bool owns(Oid role, Oid table) {
    if (table == InvalidOid)
        return false;
    pg::relation opened(table, AccessShareLock);
    const Oid owner = opened.get()->rd_rel->relowner;
    opened.close();
    return owner == role;
}

// A right on one of the tables. What an owner has there is left alone: mega writes in his name.
void change_right(pg::spi_connection &spi, const grantee &to, const char *table, const char *right, bool given) {
    if (owns(to.role, pg::relation_named(table, to.schema)))
        return;
    spi.run_text(std::string(given ? "GRANT " : "REVOKE ") + right + " ON " +
                 pg::with_schema_name("@schema@.", to.schema) + table + (given ? " TO " : " FROM ") + to.name);
}

void grant_tables(pg::spi_connection &spi, const grantee &to, level wanted) {
    let_enter(spi, to.role, to.schema);
    using schema::admin_name, schema::customers_name, schema::generations_name;
    if (wanted == level::user) // it writes nothing, whatever others gave it
        for (const char *table : {customers_name, generations_name, admin_name})
            change_right(spi, to, table, "ALL", false);
    for (const char *table : {customers_name, generations_name})
        change_right(spi, to, table, "SELECT", true);
    change_right(spi, to, admin_name, "SELECT", wanted == level::admin);
}

// A right on a table that level user does not have: '' when there is none.
std::string table_right_beyond(pg::spi_connection &spi, const grantee &of) {
    const std::string role = std::to_string(of.role) + "::pg_catalog.oid";
    std::string tables;
    for (const char *table : {schema::customers_name, schema::generations_name, schema::admin_name})
        tables += (tables.empty() ? "" : ", ") + std::to_string(pg::relation_named(table, of.schema));
    const pg::rows found = spi.run_text(
        "SELECT r.word OPERATOR(pg_catalog.||) ' on ' OPERATOR(pg_catalog.||) c.relname FROM pg_catalog.pg_class c, "
        "pg_catalog.unnest('{SELECT,INSERT,UPDATE,REFERENCES,DELETE,TRUNCATE,TRIGGER}'::pg_catalog.text[]) WITH "
        "ORDINALITY AS r(word, place) WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[" +
        tables +
        "]::pg_catalog.oid[]) AND (r.place OPERATOR(pg_catalog.>) 1 OR c.relname "
        "OPERATOR(pg_catalog.=) "
        "'mega_admin') AND (CASE WHEN r.place OPERATOR(pg_catalog.>) 4 THEN "
        "pg_catalog.has_table_privilege(" +
        role + ", c.oid, r.word) ELSE pg_catalog.has_any_column_privilege(" + role +
        ", c.oid, r.word) END) ORDER BY c.relname, r.place LIMIT 1");
    return found.empty() ? std::string() : std::string(found.text(0, 0).value_or(""));
}

// What membership in other roles, or everybody's rights, give a role cannot be taken from it alone.
void require_nothing_beyond(pg::spi_connection &spi, const grantee &of,
                            const std::vector<granted_function> &functions) {
    std::string right = table_right_beyond(spi, of);
    for (const granted_function &one : functions)
        if (right.empty() && one.needed > level::user && may_call(spi, of.role, one.id))
            right = "EXECUTE on " + one.target;
    if (!right.empty())
        throw pg::sql_error{"55000", of.name + " may do more than level user",
                            "It has " + right + ", as everybody or as a member of another role.",
                            "REVOKE that, or the membership, first."};
}

void require_policies(const policies &standing, const grantee &of, level wanted) {
    if (wanted == level::user && !standing.binds(of.role))
        throw pg::sql_error{"55000",
                            of.name + " would read every customer's rows",
                            {},
                            "SELECT * FROM mega_enable_rls('" + of.name +
                                "') first: then it reads those of its own customer."};
    if (wanted == level::user)
        standing.require_bindable(of.role); // it may have been given BYPASSRLS since
    if (wanted != level::user && standing.names(of.role))
        throw pg::sql_error{"55000",
                            of.name + " reads its own customer's rows alone",
                            {},
                            "Its level is user. Give another level to another role, or take it out of the policies "
                            "mega_own_rows and mega_own_rows_only first."};
}

Datum grant(FunctionCallInfo fcinfo) {
    using in = arguments::grant;
    const pg::arguments given(fcinfo);
    const Oid role = ledger::require("role", given.oid(in::role));
    const std::string_view word = ledger::require("level", given.text(in::level));
    const auto wanted = level_named(word);
    if (!wanted)
        throw pg::sql_error{
            ledger::bad_argument, pg::quoted(word) + " is not a level", {}, "Use reader, user, app, worker or admin."};
    const grantee to{role, quoted_role(role), pg::schema_of_function(fcinfo->flinfo->fn_oid)};
    pg::spi_connection spi;
    policies standing(spi, to.schema);
    const std::vector<granted_function> functions = granted_functions(spi, to.schema);
    require_grantor(spi, functions);
    require_policies(standing, to, *wanted);
    grant_functions(spi, to, *wanted, functions);
    grant_tables(spi, to, *wanted);
    if (*wanted == level::user)
        require_nothing_beyond(spi, to, functions);
    else
        standing.let_go_on(role, *wanted == level::admin);
    spi.finish();
    PG_RETURN_VOID();
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_grant, mega::admin::grant);
