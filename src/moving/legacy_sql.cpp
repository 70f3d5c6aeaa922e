// Makes the statements by which legacy tables are read.
#include "moving/legacy_sql.hpp"

#include "moving/credits_sql.hpp"
#include "moving/legacy_digest.hpp"

#include "pg/spi.hpp"

namespace mega::moving {

std::string pass_of(const std::string &key) {
    return filled("CASE WHEN @key@ IS NULL OR pg_catalog.btrim(@key@) OPERATOR(pg_catalog.=) '' THEN 'pass:anon:" //
                  MEGA_ANONYMOUS_ID "' WHEN @schema@.mega_is_record_id('session'::pg_catalog.text, "
                  "('session:' OPERATOR(pg_catalog.||) @key@)::pg_catalog.text) "
                  "AND pg_catalog.octet_length(@key@) OPERATOR(pg_catalog.<=) 499 "
                  "THEN @schema@.mega_pass_id((@key@)::pg_catalog.text, NULL::pg_catalog.uuid, '" MEGA_ANONYMOUS_ID
                  "'::pg_catalog.uuid) END COLLATE pg_catalog.\"C\"",
                  {{"@key@", key}});
}

namespace {

// Whom mega knows by which pass id; one that was merged answers for its target, and one who was erased only where
// nobody else has that Shopify id.
constexpr const char *known =
    "WITH known AS MATERIALIZED (SELECT DISTINCT ON (n.name) n.name, n.root, n.own FROM (SELECT "
    "c.mg_pass_id::pg_catalog.text COLLATE pg_catalog.\"C\" AS name, coalesce(c.mg_meta OPERATOR(pg_catalog.#>>) "
    "'{mega,merged_into}', c.mg_pass_id)::pg_catalog.text COLLATE pg_catalog.\"C\" AS root, "
    "c.mg_pass_id::pg_catalog.text COLLATE pg_catalog.\"C\" AS own, CASE WHEN c.mg_meta OPERATOR(pg_catalog.#>) "
    "'{mega,erased_at}' IS NULL THEN 0 ELSE 2 END AS rank FROM ONLY @schema@.mega_customers c UNION ALL SELECT "
    "('pass:shopify:' OPERATOR(pg_catalog.||) c.mg_shopify_customer_id)::pg_catalog.text COLLATE "
    "pg_catalog.\"C\", coalesce(c.mg_meta OPERATOR(pg_catalog.#>>) '{mega,merged_into}', "
    "c.mg_pass_id)::pg_catalog.text COLLATE pg_catalog.\"C\", c.mg_pass_id::pg_catalog.text COLLATE pg_catalog.\"C\", "
    "1 FROM ONLY @schema@.mega_customers c WHERE c.mg_shopify_customer_id IS NOT NULL) n ORDER BY n.name, n.rank, "
    "n.root)";

// The first key of a user whom mega knows by his user id alone becomes that customer, as mega_ensure_customer would
// have it.
constexpr const char *people_of_table =
    ", people AS MATERIALIZED (SELECT l.key, l.pass, l.doc, l.digest, l.user_id, coalesce(k.root, CASE WHEN l.nth "
    "OPERATOR(pg_catalog.=) 1 THEN u.root END, l.pass) AS root, coalesce(k.own, CASE WHEN l.nth "
    "OPERATOR(pg_catalog.=) 1 THEN u.root END, l.pass) AS own FROM (SELECT d.key, @pass@ AS pass, d.doc, d.digest, "
    "d.user_id, pg_catalog.row_number() OVER (PARTITION BY d.user_id ORDER BY d.doc OPERATOR(pg_catalog.->>) "
    "'created_at', d.key) AS nth FROM (SELECT s.doc, s.digest, (s.doc OPERATOR(pg_catalog.->>) 'shopify_customer_id') "
    "COLLATE pg_catalog.\"C\" AS key, pg_catalog.lower(s.doc OPERATOR(pg_catalog.->>) 'user_id') COLLATE "
    "pg_catalog.\"C\" AS user_id FROM (SELECT pg_catalog.to_jsonb(l) AS doc, @digest@ AS digest FROM @table@ l OFFSET "
    "0) s OFFSET 0) d) l LEFT JOIN @known@ k ON k.name OPERATOR(pg_catalog.=) l.pass LEFT JOIN (SELECT "
    "c.mg_user_id::pg_catalog.text COLLATE pg_catalog.\"C\" AS user_id, pg_catalog.min(c.mg_pass_id::pg_catalog.text "
    "COLLATE pg_catalog.\"C\") AS root FROM ONLY @schema@.mega_customers c WHERE c.mg_user_id IS NOT NULL AND "
    "c.mg_shopify_customer_id IS NULL AND c.mg_meta OPERATOR(pg_catalog.#>>) '{mega,merged_into}' IS NULL GROUP BY "
    "c.mg_user_id) u ON u.user_id OPERATOR(pg_catalog.=) l.user_id AND l.pass OPERATOR(pg_catalog.<>) "
    "'pass:anon:" MEGA_ANONYMOUS_ID "')";

constexpr const char *nobody =
    ", people AS (SELECT NULL::pg_catalog.text AS key, NULL::pg_catalog.text COLLATE pg_catalog.\"C\" AS pass, "
    "NULL::pg_catalog.jsonb AS doc, NULL::pg_catalog.text AS digest, NULL::pg_catalog.text AS user_id, "
    "NULL::pg_catalog.text COLLATE pg_catalog.\"C\" AS root, NULL::pg_catalog.text COLLATE pg_catalog.\"C\" AS own "
    "WHERE false)";

// Of whom something is new, by the keys $2 of customers and the ids $3 of credit rows. Nobody's are all new. Each is
// one condition, so that it becomes a join, whatever its size.
constexpr const char *new_people =
    ", news AS MATERIALIZED (SELECT coalesce(p.root, '') AS root FROM @people@ p WHERE coalesce(p.key, 'anonymous') "
    "OPERATOR(pg_catalog.=) ANY (@new_keys@)@new_credits@)";

// His own rows come before those of whom he took over by a merge. Beside them what imports wrote for him, as of the
// same moment: rows that a merge brings him while the import goes on are not of these keys.
constexpr const char *customer_rows =
    "SELECT p.root, 0 AS kind, p.key AS id, p.doc, false AS there, false AS imported, true AS keeps, false AS "
    "by_session, coalesce(w.delta, 0) AS delta, pg_catalog.md5(p.doc::pg_catalog.text) OPERATOR(pg_catalog.||) ':' "
    "OPERATOR(pg_catalog.||) p.digest AS digest, CASE WHEN p.own OPERATOR(pg_catalog.=) p.root THEN '0' ELSE '1' END "
    "OPERATOR(pg_catalog.||) coalesce(p.doc OPERATOR(pg_catalog.->>) 'created_at', '~') AS made FROM @people@ p LEFT "
    "JOIN (SELECT g.mg_pass_id COLLATE pg_catalog.\"C\" AS pass, pg_catalog.sum(g.mg_delta)::pg_catalog.int8 AS "
    "delta FROM ONLY @schema@.mega_generations g WHERE g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
    "AND g.mg_meta OPERATOR(pg_catalog.#>) '{mega,import}' IS NOT NULL GROUP BY 1) w ON w.pass "
    "OPERATOR(pg_catalog.=) p.root";

// The row, unless an import brought it as it is.
constexpr const char *if_new = "CASE WHEN coalesce(m.mg_payload OPERATOR(pg_catalog.=) t.doc, false) "
                               "AND m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import}' IS NOT NULL "
                               "THEN NULL ELSE t.doc END";

// Whose it is stands in the first of its keys that names somebody, or with its session.
constexpr const char *ledger_rows =
    " SELECT coalesce(k.root, t.own) AS root, 0, t.id, @document@, m.mg_id IS NOT NULL, m.mg_meta "
    "OPERATOR(pg_catalog.#>) '{mega,import}' IS NOT NULL, true, t.by_session, NULL::pg_catalog.int8, @last@ FROM "
    "(SELECT "
    "s.id, s.doc, s.digest, coalesce(CASE WHEN s.pass OPERATOR(pg_catalog.=) 'pass:anon:" MEGA_ANONYMOUS_ID "' THEN "
    "@session@ END, s.pass) AS own, coalesce(s.pass OPERATOR(pg_catalog.=) 'pass:anon:" MEGA_ANONYMOUS_ID "' AND "
    "@session@ IS NOT NULL, false) AS by_session FROM (SELECT d.doc, d.digest, d.id, d.session_id, @pass@ AS pass "
    "FROM (SELECT d.doc, d.digest, (d.doc OPERATOR(pg_catalog.->>) '@key@') COLLATE pg_catalog.\"C\" AS id, (d.doc "
    "OPERATOR(pg_catalog.->>) 'session_id') COLLATE pg_catalog.\"C\" AS session_id, @named@ FROM (SELECT "
    "pg_catalog.to_jsonb(l) AS doc, @digest@ AS digest FROM @table@ l OFFSET 0) d OFFSET 0) d OFFSET 0) s@join@) t "
    "LEFT JOIN @known@ k ON k.name OPERATOR(pg_catalog.=) t.own LEFT JOIN ONLY @schema@.mega_generations m ON m.mg_id "
    "OPERATOR(pg_catalog.=) (('@prefix@' OPERATOR(pg_catalog.||) t.id) COLLATE pg_catalog.\"C\") AND m.mg_record_type "
    "OPERATOR(pg_catalog.=) '@type@' ORDER BY 1, t.id";

constexpr const char *session_join =
    " LEFT JOIN (SELECT DISTINCT ON (x.id) x.id, x.pass FROM (SELECT (d.doc OPERATOR(pg_catalog.->>) 'id') COLLATE "
    "pg_catalog.\"C\" AS id, @pass@ AS pass FROM (SELECT d.doc, @named@ FROM (SELECT pg_catalog.to_jsonb(l) AS doc "
    "FROM @table@ l OFFSET 0) d OFFSET 0) d OFFSET 0) x WHERE x.pass OPERATOR(pg_catalog.<>) "
    "'pass:anon:" MEGA_ANONYMOUS_ID "' ORDER BY x.id, x.pass) o ON o.id OPERATOR(pg_catalog.=) s.session_id";

constexpr const char *office_rows =
    " SELECT @root@ AS root, 0, t.id, @document@, m.mg_id IS NOT NULL, m.mg_meta OPERATOR(pg_catalog.#>) "
    "'{mega,import}' IS NOT NULL, true, false, NULL::pg_catalog.int8, @last@ FROM (SELECT d.doc, d.digest, (d.doc "
    "OPERATOR(pg_catalog.->>) '@key@') COLLATE pg_catalog.\"C\" AS id, @pass@ AS pass FROM (SELECT d.doc, d.digest, "
    "@named@ FROM (SELECT pg_catalog.to_jsonb(l) AS doc, @digest@ AS digest FROM @table@ l OFFSET 0) d OFFSET 0) d "
    "OFFSET 0) t LEFT JOIN @known@ k ON k.name OPERATOR(pg_catalog.=) t.pass LEFT JOIN ONLY @schema@.mega_admin m ON "
    "m.mg_id OPERATOR(pg_catalog.=) (('@prefix@' OPERATOR(pg_catalog.||) t.id) COLLATE pg_catalog.\"C\") ORDER BY t.id";

// The keys that a row may name its customer by, once for all that looks at them.
constexpr const char *keys_of_row = "d.doc OPERATOR(pg_catalog.->>) 'shopify_customer_id' AS key, d.doc "
                                    "OPERATOR(pg_catalog.->>) 'customer_id' AS older_key";

// Of generations the older of two columns may say it.
std::string pass_of_row(legacy table) {
    const std::string first = pass_of("d.key");
    if (table != legacy::generations)
        return first;
    return filled("CASE WHEN @first@ OPERATOR(pg_catalog.=) 'pass:anon:" MEGA_ANONYMOUS_ID
                  "' THEN @second@ ELSE @first@ END",
                  {{"@first@", first}, {"@second@", pass_of("d.older_key")}});
}

std::string finished(const std::string &text, Oid schema) {
    return pg::with_schema_name(
        filled(text, {{"@known@", "known"}, {"@people@", "people"}, {"@news@", "news"}, {"@keys@", "keys"}}), schema);
}

bool is_office(legacy table) { return table >= legacy::runtime_config; }

// A text that is a time as ISO 8601 writes it, of a day that the calendar has, so that no cast can fail; of UTC when it
// does not say.
constexpr const char *time_of_text =
    "CASE WHEN @text@ OPERATOR(pg_catalog.~) '^([12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-"
    "(29|30)|(0[13578]|1[02])-31)|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29)([ T]([01][0-9]|"
    "2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?( ?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?))?)?$' THEN (@text@ "
    "OPERATOR(pg_catalog.||) CASE WHEN pg_catalog.substr(@text@, 11) OPERATOR(pg_catalog.~) '[Z+-]' THEN '' ELSE 'Z' "
    "END)::pg_catalog.timestamptz END";

} // namespace

std::string made_time(const legacy_schema &from, legacy table) {
    const found_column *made = from.column(table, definition_of(table).made);
    if (made == nullptr)
        return "NULL::pg_catalog.timestamptz";
    const std::string column = "l." + quoted_column(*made);
    return made->type == TEXTOID || made->type == VARCHAROID
               ? filled(time_of_text, {{"@text@", "(" + column + "::pg_catalog.text)"}})
               : "(" + column + ")::pg_catalog.timestamptz";
}

std::string given_texts(int parameter) {
    return "SELECT x.text COLLATE pg_catalog.\"C\" FROM pg_catalog.unnest($" + std::to_string(parameter) + ") x(text)";
}

std::string filled(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string>> values) {
    std::string result(text);
    for (const auto &[name, value] : values)
        for (std::size_t at = result.find(name); at != std::string::npos; at = result.find(name, at + value.size()))
            result.replace(at, name.size(), value);
    return result;
}

std::string people_among(const legacy_schema &from, Oid schema, const std::string &rows) {
    return finished(known + filled(people_of_table, {{"@pass@", pass_of("d.key")},
                                                     {"@digest@", digest_of_row(from, legacy::customers)},
                                                     {"@table@", rows}}),
                    schema);
}

std::string people(const legacy_schema &from, Oid schema) {
    return from.has(legacy::customers) ? people_among(from, schema, from.readable(legacy::customers))
                                       : finished(std::string(known) + nobody, schema);
}

std::string customers_query(const legacy_schema &from, Oid schema, bool customers, bool credits, bool few) {
    // Credit rows go to whom the customers' rows make of their keys, asked for or not.
    std::string text = people(from, schema);
    if (few)
        text += filled(new_people, {{"@new_keys@", given_texts(2)},
                                    {"@new_credits@", credits ? news_of_credits(from) : std::string()}});
    if (few && credits)
        text += keys_of_credits(from);
    text += " SELECT r.root, r.kind, r.id, r.doc, r.there, r.imported, r.keeps, "
            "r.by_session, r.delta, r.digest FROM (";
    text += customer_rows;
    text += customers ? "" : " WHERE false";
    if (few && customers)
        text += " WHERE coalesce(p.root, '') OPERATOR(pg_catalog.=) ANY (SELECT n.root FROM @news@ n)";
    if (credits)
        text += " UNION ALL " + rows_of_credits(from, few);
    text += ") r ORDER BY r.root COLLATE pg_catalog.\"C\", r.kind, r.made COLLATE pg_catalog.\"C\", "
            "r.id COLLATE pg_catalog.\"C\"";
    return finished(text, schema);
}

namespace {

// The sessions that rows name, or all.
std::string sessions_of(const legacy_schema &from, legacy table, const std::string &rows) {
    const std::string all = from.readable(legacy::sessions);
    if (!is_plain(from, table, "session_id") || !is_plain(from, legacy::sessions, "id") || rows == from.readable(table))
        return all;
    return filled(
        "(SELECT l.* FROM @table@ l WHERE @id@ OPERATOR(pg_catalog.=) ANY (SELECT @session@ FROM @rows@ l))",
        {{"@id@", plain_text("id")}, {"@session@", plain_text("session_id")}, {"@rows@", rows}, {"@table@", all}});
}

// A user whom no key names goes by his user id.
constexpr const char *whose_profile =
    "coalesce(k.root, CASE WHEN t.pass OPERATOR(pg_catalog.<>) 'pass:anon:" MEGA_ANONYMOUS_ID
    "' THEN t.pass END, ('pass:user:' OPERATOR(pg_catalog.||) pg_catalog.lower(t.doc OPERATOR(pg_catalog.->>) "
    "'user_id')) "
    "COLLATE pg_catalog.\"C\")";

} // namespace

std::string rows_of_table(const legacy_schema &from, Oid schema, legacy table, const std::string &rows,
                          const char *document, const char *last) {
    const bool office = is_office(table);
    const bool sessions =
        !office && table != legacy::sessions && table != legacy::credit_transactions && from.has(legacy::sessions);
    const std::string text =
        filled(office ? office_rows : ledger_rows,
               {{"@join@", sessions ? filled(session_join, {{"@pass@", pass_of("d.key")},
                                                            {"@named@", keys_of_row},
                                                            {"@table@", sessions_of(from, table, rows)}})
                                    : std::string()},
                {"@session@", sessions ? "o.pass" : "NULL::pg_catalog.text"},
                {"@root@", table == legacy::profiles ? whose_profile : "NULL::pg_catalog.text"},
                {"@document@", document},
                {"@last@", last},
                {"@digest@", digest_of_row(from, table)},
                {"@pass@", pass_of_row(table)},
                {"@named@", keys_of_row},
                {"@type@", std::string(core::name(*definition_of(table).becomes))},
                {"@key@", definition_of(table).key},
                {"@prefix@", prefix_of(table)},
                {"@table@", rows}});
    return finished(known + text, schema);
}

std::string studio_query(const legacy_schema &from, Oid schema, legacy table, bool few) {
    const std::string rows =
        few ? filled("(SELECT l.* FROM @table@ l WHERE @id@ OPERATOR(pg_catalog.=) ANY (@ids@) OR @id@ IS NULL)",
                     {{"@id@", plain_text(definition_of(table).key)},
                      {"@ids@", given_texts(1)},
                      {"@table@", from.readable(table)}})
            : from.readable(table);
    return rows_of_table(from, schema, table, rows, if_new, "t.digest");
}

std::string sample_query(const legacy_schema &from, Oid schema, legacy table, std::int32_t rows, std::int64_t seed) {
    const std::string some =
        filled("(SELECT l.* FROM @table@ l ORDER BY pg_catalog.hashtextextended(l.@key@::pg_catalog.text COLLATE "
               "pg_catalog.\"C\", @seed@::bigint) LIMIT @rows@)",
               {{"@table@", from.readable(table)},
                {"@key@", definition_of(table).key},
                {"@seed@", "'" + std::to_string(seed) + "'"},
                {"@rows@", std::to_string(rows)}});
    if (table != legacy::customers)
        return rows_of_table(from, schema, table, some, "t.doc", "pg_catalog.to_jsonb(m)");
    return finished(known + filled(std::string(people_of_table) +
                                       " SELECT p.root, 0, p.key, p.doc, m.mg_pass_id IS NOT NULL, m.mg_meta "
                                       "OPERATOR(pg_catalog.#>) '{mega,import}' IS NOT NULL, true, false, "
                                       "NULL::pg_catalog.int8, pg_catalog.to_jsonb(m) FROM @people@ p LEFT JOIN ONLY "
                                       "@schema@.mega_customers m ON m.mg_pass_id OPERATOR(pg_catalog.=) p.root "
                                       "ORDER BY p.root, p.key",
                                   {{"@pass@", pass_of("d.key")},
                                    {"@digest@", digest_of_row(from, legacy::customers)},
                                    {"@table@", some}}),
                    schema);
}

} // namespace mega::moving
