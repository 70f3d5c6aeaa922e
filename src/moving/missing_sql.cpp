// The statements that look for rows of legacy which mega does not have.
#include "moving/legacy_sql.hpp"

namespace mega::moving {

namespace {

// Ids of rows that were refused. One whose customer was erased since has none.
constexpr const char *told_ids =
    "(SELECT (a.mg_detail OPERATOR(pg_catalog.->>) 'id') COLLATE pg_catalog.\"C\" FROM ONLY @schema@.mega_admin a "
    "WHERE "
    "a.mg_action OPERATOR(pg_catalog.=) 'import_refused' AND a.mg_record_type OPERATOR(pg_catalog.=) 'admin_audit' AND "
    "(a.mg_detail OPERATOR(pg_catalog.->>) 'table') OPERATOR(pg_catalog.=) '@name@' AND (a.mg_detail "
    "OPERATOR(pg_catalog.->>) 'id') IS NOT NULL)";

constexpr const char *told_and_others =
    "SELECT q.root, pg_catalog.count(*) FILTER (WHERE q.told), pg_catalog.count(*) FILTER (WHERE NOT q.told) FROM "
    "(SELECT r.root, coalesce(r.id, 'NULL') OPERATOR(pg_catalog.=) ANY @told@ AS told FROM @missing@) q GROUP BY "
    "q.root";

constexpr const char *missing_people =
    "(SELECT p.root, p.key AS id FROM @people@ p) r WHERE NOT (coalesce(r.id, 'anonymous') OPERATOR(pg_catalog.=) ANY "
    "(SELECT n.key COLLATE pg_catalog.\"C\" FROM ONLY @schema@.mega_customers c, LATERAL "
    "pg_catalog.jsonb_object_keys(c.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,keys}') n(key)))";

// What opens a balance is no row of legacy, and of rows with one id one is there at most, as in the counts.
constexpr const char *missing_rows =
    "(SELECT w.root, w.id, w.there AND w.opening IS NULL AND @nth@ OPERATOR(pg_catalog.=) 1 AS there FROM (@rows@) "
    "w(root, kind, id, document, there, imported, keeps, by_session, delta, opening)) r WHERE NOT r.there";
constexpr const char *opening_note = "m.mg_meta OPERATOR(pg_catalog.#>>) '{mega,import,opening}'";
constexpr const char *nth_of_id = "pg_catalog.row_number() OVER (PARTITION BY w.id ORDER BY w.root)";

} // namespace

std::string told_ids_query(Oid schema, legacy table) {
    return pg::with_schema_name(filled(told_ids, {{"@name@", definition_of(table).name}}), schema);
}

std::string missing_query(const legacy_schema &from, Oid schema, legacy table) {
    const bool customers = table == legacy::customers;
    const std::string rows =
        customers ? std::string()
                  : rows_of_table(from, schema, table, from.readable(table), "NULL::pg_catalog.jsonb", opening_note);
    return pg::with_schema_name((customers ? people(from, schema) + " " : std::string()) +
                                    filled(told_and_others, {{"@missing@", customers ? missing_people : missing_rows},
                                                             {"@told@", told_ids_query(schema, table)},
                                                             {"@nth@", from.has_unique_key(table) ? "1" : nth_of_id},
                                                             {"@people@", "people"},
                                                             {"@rows@", rows}}),
                                schema);
}

} // namespace mega::moving
