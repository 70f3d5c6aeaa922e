// Makes the statements that look for persons: those of legacy who have several pass ids, and those who were erased.
#include "moving/legacy_digest.hpp"
#include "moving/legacy_sql.hpp"
#include "pg/spi.hpp"

namespace mega::moving {

namespace {

// The customers' rows that share a user id or an e-mail address with another one. A row without a key is nobody's.
std::string shared_rows(const legacy_schema &from) {
    const std::string all = from.readable(legacy::customers);
    const char *key = definition_of(legacy::customers).key;
    if (!is_plain(from, legacy::customers, key))
        return all;
    std::string keys;
    for (const char *column : {"user_id", "email"}) {
        if (from.column(legacy::customers, column) == nullptr)
            continue;
        if (!is_plain(from, legacy::customers, column))
            return all;
        keys += filled(std::string(keys.empty() ? "" : " UNION ALL ") +
                           "SELECT @key@ FROM @table@ l JOIN (SELECT @value@ AS value FROM @table@ l WHERE "
                           "pg_catalog.btrim(@value@) OPERATOR(pg_catalog.<>) '' GROUP BY 1 HAVING pg_catalog.count(*) "
                           "OPERATOR(pg_catalog.>) 1) s ON s.value OPERATOR(pg_catalog.=) @value@",
                       {{"@value@", "pg_catalog.lower(l.@column@::pg_catalog.text COLLATE pg_catalog.\"default\")"},
                        {"@column@", column},
                        {"@key@", plain_text(key)},
                        {"@table@", all}});
    }
    return keys.empty() ? "(SELECT l.* FROM " + all + " l WHERE false)"
                        : "(SELECT l.* FROM " + all + " l WHERE " + plain_text(key) + " OPERATOR(pg_catalog.=) ANY (" +
                              keys + "))";
}

} // namespace

std::string persons_query(const legacy_schema &from, Oid schema) {
    return pg::with_schema_name(
        filled(people_among(from, schema, shared_rows(from)) +
                   " SELECT DISTINCT ON (w.first, w.second) w.kind, w.value, w.first, w.second FROM ("
                   "SELECT v.kind, v.value, pg_catalog.min(v.root COLLATE pg_catalog.\"C\") AS first, "
                   "pg_catalog.max(v.root COLLATE pg_catalog.\"C\") AS second FROM ("
                   "SELECT 'user_id'::pg_catalog.text AS kind, p.user_id AS value, p.root FROM @people@ p UNION ALL "
                   "SELECT 'email', pg_catalog.lower(p.doc OPERATOR(pg_catalog.->>) 'email') COLLATE pg_catalog.\"C\", "
                   "p.root "
                   "FROM @people@ p) v WHERE pg_catalog.btrim(v.value) OPERATOR(pg_catalog.<>) '' "
                   "AND v.root OPERATOR(pg_catalog.<>) 'pass:anon:" MEGA_ANONYMOUS_ID "' GROUP BY v.kind, v.value) w "
                   "WHERE w.first OPERATOR(pg_catalog.<>) w.second ORDER BY w.first, w.second, w.kind DESC, w.value",
               {{"@people@", "people"}}),
        schema);
}

set_of_ids ids_of(const pg::rows &found) {
    set_of_ids all;
    for (std::uint64_t i = 0; i < found.count(); ++i)
        all.emplace(found.text(i, 0).value_or(""));
    return all;
}

std::string erased_keys_query(Oid schema) {
    return pg::with_schema_name(
        "SELECT k.digest FROM ONLY @schema@.mega_customers c, LATERAL pg_catalog.jsonb_array_elements_text(CASE WHEN "
        "pg_catalog.jsonb_typeof(c.mg_meta OPERATOR(pg_catalog.#>) '{mega,erased_keys}') OPERATOR(pg_catalog.=) "
        "'array' "
        "THEN c.mg_meta OPERATOR(pg_catalog.#>) '{mega,erased_keys}' END) k(digest) WHERE c.mg_meta "
        "OPERATOR(pg_catalog.#>) '{mega,erased_keys}' IS NOT NULL",
        schema);
}

} // namespace mega::moving
