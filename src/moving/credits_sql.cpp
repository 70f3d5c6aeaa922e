// Makes the statements about credit rows of legacy's.
#include "moving/credits_sql.hpp"

#include "moving/legacy_digest.hpp"
#include "moving/legacy_sql.hpp"
#include "moving/mapping.hpp"

namespace mega::moving {

namespace {

constexpr const char *owner_column = "shopify_customer_id";

constexpr const char *new_credits =
    " UNION SELECT coalesce(p.root, k.root, t.pass, '') FROM (SELECT @pass@ AS pass FROM (SELECT @key@ AS key FROM "
    "@table@ l WHERE @id@ OPERATOR(pg_catalog.=) ANY (@new_ids@) OR @id@ IS NULL) d) t LEFT JOIN @known@ k ON k.name "
    "OPERATOR(pg_catalog.=) t.pass LEFT JOIN (SELECT DISTINCT p.pass, p.root FROM @people@ p) p ON p.pass "
    "OPERATOR(pg_catalog.=) t.pass";

// By which keys credit rows have these customers; in one condition, so that it becomes a join.
constexpr const char *keys_of_news =
    ", keys AS MATERIALIZED (SELECT t.key FROM (SELECT d.key, @pass@ AS pass FROM (SELECT DISTINCT coalesce(@key@, '') "
    "AS key FROM @table@ l) d) t LEFT JOIN @known@ k ON k.name OPERATOR(pg_catalog.=) t.pass LEFT JOIN (SELECT "
    "DISTINCT p.pass, p.root FROM @people@ p) p ON p.pass OPERATOR(pg_catalog.=) t.pass WHERE coalesce(p.root, k.root, "
    "t.pass, '') OPERATOR(pg_catalog.=) ANY (SELECT n.root FROM @news@ n))";

constexpr const char *credits_of_news =
    "(SELECT l.* FROM @table@ l WHERE coalesce(@key@, '') OPERATOR(pg_catalog.=) ANY (SELECT k.key FROM @keys@ k))";

// Whether a row of mega's is of the customer whose legacy's row is: also behind a merge, and when she had it before she
// was erased and became a customer again.
constexpr const char *is_theirs =
    "((m.mg_pass_id COLLATE pg_catalog.\"C\") OPERATOR(pg_catalog.=) ANY (ARRAY[@root@, t.pass]) OR EXISTS (SELECT "
    "FROM ONLY @schema@.mega_customers e WHERE e.mg_pass_id OPERATOR(pg_catalog.=) (SELECT m.mg_pass_id COLLATE "
    "pg_catalog.\"default\") AND ((e.mg_meta "
    "OPERATOR(pg_catalog.#>>) '{mega,merged_into}') OPERATOR(pg_catalog.=) @root@ OR (e.mg_meta "
    "OPERATOR(pg_catalog.#>) '{mega,erased_keys}') OPERATOR(pg_catalog.?) pg_catalog.encode(pg_catalog.sha256("
    "pg_catalog.convert_to(t.pass, pg_catalog.getdatabaseencoding())), 'hex'))))";

// Credit rows that mega has and no import noted, by the customers whose legacy's rows are.
constexpr const char *credits_there =
    "SELECT DISTINCT t.root, m.mg_id, m.mg_delta FROM (SELECT @id@ AS id, k.pass, k.root FROM @table@ l JOIN (SELECT "
    "d.key, d.pass, coalesce(p.root, k.root, d.pass) AS root FROM (SELECT d.key, @pass@ AS pass FROM (SELECT DISTINCT "
    "coalesce(@key@, '') AS key FROM @table@ l) d) d LEFT JOIN @known@ k ON k.name OPERATOR(pg_catalog.=) d.pass LEFT "
    "JOIN (SELECT DISTINCT p.pass, p.root FROM @people@ p) p ON p.pass OPERATOR(pg_catalog.=) d.pass) k ON k.key "
    "OPERATOR(pg_catalog.=) coalesce(@key@, '')) t JOIN ONLY @schema@.mega_generations m ON m.mg_id "
    "OPERATOR(pg_catalog.=) (('credit_transaction:' OPERATOR(pg_catalog.||) t.id) COLLATE pg_catalog.\"C\") AND "
    "m.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND m.mg_meta OPERATOR(pg_catalog.#>) "
    "'{mega,import}' IS NULL WHERE @theirs@";

// Whether a row with a reference shows that it will be refused: without a delta, or with an id that cannot be.
constexpr const char *is_refused =
    "CASE WHEN s.ref_type IS NULL OR s.ref_id IS NULL THEN false ELSE coalesce(pg_catalog.btrim(s.doc "
    "OPERATOR(pg_catalog.->>) 'delta', ' -0.'), '') OPERATOR(pg_catalog.=) '' OR s.id OPERATOR(pg_catalog.~) "
    "'^(@reserved@)' OR NOT coalesce(@schema@.mega_is_record_id('credit_transaction'::pg_catalog.text, "
    "('credit_transaction:' OPERATOR(pg_catalog.||) s.id)::pg_catalog.text), false) END";

// The first row with a reference that comes in keeps it, and what mega has already: that is looked for row by row,
// because a table of all references in memory would know no bounds.
constexpr const char *credit_rows =
    "SELECT w.root, 1, w.id, w.document, w.there, w.imported, CASE WHEN w.ref_type IS NULL OR w.ref_id IS NULL OR "
    "w.there THEN true ELSE w.taken IS NULL AND pg_catalog.row_number() OVER (PARTITION BY w.ref_type, w.ref_id, "
    "w.reason, w.there, w.refused ORDER BY w.time, w.made, w.id) OPERATOR(pg_catalog.=) 1 END, false, w.delta, "
    "w.digest, "
    "w.made FROM (SELECT coalesce(p.root, k.root, t.pass) AS root, t.id, CASE WHEN coalesce(m.mg_payload "
    "OPERATOR(pg_catalog.=) t.doc, false) AND m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import}' IS NOT NULL THEN NULL "
    "ELSE t.doc END AS document, m.mg_id IS NOT NULL AS there, m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import}' IS "
    "NOT NULL AS imported, CASE WHEN m.mg_id IS NOT NULL AND m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import}' IS "
    "NULL AND @theirs@ THEN coalesce(m.mg_delta, 0)::pg_catalog.int8 END AS delta, t.digest, t.time, t.made, "
    "t.ref_type, "
    "t.ref_id, t.reason, t.refused OR t.pass IS NULL OR CASE WHEN t.ref_type IS NULL OR t.ref_id IS NULL THEN false "
    "ELSE EXISTS (SELECT FROM ONLY @schema@.mega_customers e WHERE e.mg_pass_id OPERATOR(pg_catalog.=) (SELECT "
    "coalesce(p.root, k.root, t.pass) COLLATE pg_catalog.\"default\") AND e.mg_meta OPERATOR(pg_catalog.#>) "
    "'{mega,erased_at}' IS NOT NULL) END AS refused, x.taken FROM (SELECT s.*, @pass@ AS pass, @refused@ "
    "AS refused FROM (SELECT d.doc, d.digest, d.time, (d.doc OPERATOR(pg_catalog.->>) 'id') COLLATE pg_catalog.\"C\" "
    "AS id, "
    "(d.doc OPERATOR(pg_catalog.->>) 'shopify_customer_id') COLLATE pg_catalog.\"C\" AS key, (d.doc "
    "OPERATOR(pg_catalog.->>) 'ref_type') COLLATE pg_catalog.\"C\" AS ref_type, (d.doc OPERATOR(pg_catalog.->>) "
    "'ref_id') COLLATE pg_catalog.\"C\" AS ref_id, coalesce($1 OPERATOR(pg_catalog.->>) (d.doc "
    "OPERATOR(pg_catalog.->>) 'reason'), d.doc OPERATOR(pg_catalog.->>) 'reason', '') COLLATE pg_catalog.\"C\" AS "
    "reason, (d.doc OPERATOR(pg_catalog.->>) 'created_at') COLLATE pg_catalog.\"C\" AS made FROM (SELECT "
    "pg_catalog.to_jsonb(l) AS doc, @digest@ AS digest, @time@ AS time FROM @table@ l OFFSET 0) d OFFSET 0) s OFFSET "
    "0) t LEFT JOIN "
    "@known@ k ON k.name OPERATOR(pg_catalog.=) t.pass LEFT JOIN (SELECT DISTINCT p.pass, p.root FROM @people@ p) p "
    "ON p.pass OPERATOR(pg_catalog.=) t.pass LEFT JOIN ONLY @schema@.mega_generations m ON m.mg_id "
    "OPERATOR(pg_catalog.=) (('credit_transaction:' OPERATOR(pg_catalog.||) t.id) COLLATE pg_catalog.\"C\") AND "
    "m.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' LEFT JOIN LATERAL (SELECT true AS taken FROM ONLY "
    "@schema@.mega_generations r WHERE m.mg_id IS NULL AND r.mg_ref_type OPERATOR(pg_catalog.=) t.ref_type AND "
    "r.mg_ref_id OPERATOR(pg_catalog.=) t.ref_id AND coalesce(r.mg_reason, '') OPERATOR(pg_catalog.=) t.reason AND "
    "r.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND r.mg_ref_type IS NOT NULL AND r.mg_ref_id IS "
    "NOT NULL LIMIT 1) x ON true OFFSET 0) w";

std::string about_credits(const legacy_schema &from, const char *text) {
    return filled(text, {{"@pass@", pass_of("d.key")},
                         {"@key@", plain_text(owner_column)},
                         {"@id@", plain_text("id")},
                         {"@new_ids@", given_texts(3)},
                         {"@table@", from.readable(legacy::credit_transactions)}});
}

} // namespace

std::string news_of_credits(const legacy_schema &from) { return about_credits(from, new_credits); }

std::string keys_of_credits(const legacy_schema &from) { return about_credits(from, keys_of_news); }

std::string rows_of_credits(const legacy_schema &from, bool few) {
    std::string reserved;
    for (const std::string_view beginning : reserved_beginnings)
        reserved += (reserved.empty() ? "" : "|") + std::string(beginning);
    constexpr legacy credits = legacy::credit_transactions;
    return filled(credit_rows, {{"@theirs@", filled(is_theirs, {{"@root@", "coalesce(p.root, k.root, t.pass)"}})},
                                {"@refused@", filled(is_refused, {{"@reserved@", reserved}})},
                                {"@pass@", pass_of("s.key")},
                                {"@digest@", digest_of_row(from, credits)},
                                {"@time@", made_time(from, credits)},
                                {"@table@", few ? about_credits(from, credits_of_news) : from.readable(credits)}});
}

std::string unnoted_credits(const legacy_schema &from) {
    constexpr legacy credits = legacy::credit_transactions;
    return filled(credits_there,
                  {{"@theirs@", filled(is_theirs, {{"@root@", "t.root"}})},
                   {"@known@", "known"},
                   {"@people@", "people"},
                   {"@pass@", pass_of("d.key")},
                   {"@id@", key_text(from, credits)},
                   {"@key@", is_plain(from, credits, owner_column)
                                 ? plain_text(owner_column)
                                 : filled("((pg_catalog.to_jsonb(l) OPERATOR(pg_catalog.->>) '@owner@') COLLATE "
                                          "pg_catalog.\"C\")",
                                          {{"@owner@", owner_column}})},
                   {"@table@", from.readable(credits)}});
}

} // namespace mega::moving
