// Finds what is new in legacy tables.
#include "moving/news.hpp"

#include "moving/legacy_digest.hpp"
#include "moving/legacy_sql.hpp"

namespace mega::moving {

namespace {

// More are read as all are.
constexpr std::uint64_t most_ids = 10000;

// Rows of mega that no import wrote stay as they are; of credits they are looked at, because a balance goes by them.
constexpr const char *new_rows =
    "SELECT l.id FROM (SELECT @id@ AS id, @digest@ AS digest FROM @table@ l OFFSET 0) l LEFT JOIN (SELECT m.mg_id, "
    "m.mg_meta FROM ONLY @mega@ m WHERE m.mg_record_type OPERATOR(pg_catalog.=) '@type@') m ON m.mg_id "
    "OPERATOR(pg_catalog.=) (('@prefix@' OPERATOR(pg_catalog.||) l.id) COLLATE pg_catalog.\"C\") WHERE NOT "
    "coalesce(l.digest OPERATOR(pg_catalog.=) (m.mg_meta OPERATOR(pg_catalog.#>>) '{mega,import,digest}'), @others@)";

constexpr const char *others = "m.mg_id IS NOT NULL AND m.mg_meta OPERATOR(pg_catalog.#>) '{mega,import}' IS NULL";

// One who was merged answers for nobody any more: his keys go to his target.
constexpr const char *new_customers =
    "SELECT l.id FROM (SELECT coalesce(@id@, 'anonymous') AS id, @digest@ AS digest FROM @table@ l OFFSET 0) l LEFT "
    "JOIN "
    "(SELECT n.key COLLATE pg_catalog.\"C\" AS id, pg_catalog.split_part(n.value, ':', 2) AS digest FROM (SELECT "
    "c.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,keys}' AS keys FROM ONLY @mega@ c WHERE c.mg_meta "
    "OPERATOR(pg_catalog.#>) '{mega,merged_into}' IS NULL) c, LATERAL pg_catalog.jsonb_each_text(CASE WHEN "
    "pg_catalog.jsonb_typeof(c.keys) OPERATOR(pg_catalog.=) 'object' THEN c.keys END) n(key, value)) m ON m.id "
    "OPERATOR(pg_catalog.=) l.id WHERE NOT coalesce(m.digest OPERATOR(pg_catalog.=) l.digest, false)";

std::string news_query(const legacy_schema &from, Oid schema, legacy table, const std::string &rows) {
    const bool people = table == legacy::customers;
    const auto type = definition_of(table).becomes;
    const std::string text = filled(people ? new_customers : new_rows,
                                    {{"@id@", plain_text(definition_of(table).key)},
                                     {"@others@", table == legacy::credit_transactions ? "false" : others},
                                     {"@mega@", std::string("@schema@.") + mega_table(table)},
                                     {"@type@", people ? std::string() : std::string(core::name(*type))},
                                     {"@prefix@", prefix_of(table)},
                                     {"@digest@", digest_of_row(from, table)},
                                     {"@table@", rows}});
    return pg::with_schema_name(text, schema);
}

bool tells(const legacy_schema &from, legacy table) {
    return is_plain(from, table, definition_of(table).key) &&
           (table != legacy::credit_transactions || is_plain(from, table, "shopify_customer_id"));
}

} // namespace

std::string newest_query(const legacy_schema &from, legacy table) {
    return filled("SELECT pg_catalog.max(l.@made@::pg_catalog.timestamptz) FROM @table@ l "
                  "WHERE l.@made@::pg_catalog.timestamptz OPERATOR(pg_catalog.<=) $1 "
                  "AND l.@made@::pg_catalog.timestamptz OPERATOR(pg_catalog.>) '-infinity'::pg_catalog.timestamptz",
                  {{"@table@", from.readable(table)}, {"@made@", definition_of(table).made}});
}

std::optional<std::string> noted_digests::sum_of(Oid schema, legacy table) {
    const char *name = mega_table(table);
    if (read_.insert(name).second)
        read(schema, name);
    const auto found = sums_.find(std::string(core::name(*definition_of(table).becomes)));
    return found == sums_.end() ? std::nullopt : std::optional(found->second);
}

void noted_digests::read(Oid schema, const char *name) {
    pg::read_at_once(
        pg::with_schema_name("SELECT m.mg_record_type, pg_catalog.sum(pg_catalog.hashtextextended((m.mg_meta "
                             "OPERATOR(pg_catalog.#>>) '{mega,import,digest}') COLLATE pg_catalog.\"C\", "
                             "0))::pg_catalog.text FROM ONLY @schema@.",
                             schema) +
            name + " m GROUP BY 1",
        [&](const pg::rows &rows) {
            for (std::uint64_t i = 0; i < rows.count(); ++i)
                if (const auto sum = rows.text(i, 1))
                    sums_.emplace(rows.text(i, 0).value_or(""), *sum);
        });
}

news::news(const legacy_schema &from, Oid schema, std::span<const legacy> tables, noted_digests &noted) {
    for (const legacy table : tables)
        few_ = few_ && tells(from, table);
    for (const legacy table : tables)
        if (few_)
            look(from, schema, table, noted);
}

void news::look(const legacy_schema &from, Oid schema, legacy table, noted_digests &noted) {
    if (table == legacy::customers) {
        find(from, schema, table);
        count(from, table);
        return;
    }
    const auto before = noted.sum_of(schema, table);
    if (!before) // nothing came yet
        few_ = false;
    else if (count(from, table) != before)
        find(from, schema, table);
}

// How many rows the table has. Returns the sum of their digests.
std::optional<std::string> news::count(const legacy_schema &from, legacy table) {
    std::optional<std::string> sum;
    const std::string digests =
        table == legacy::customers
            ? "NULL"
            : "pg_catalog.hashtextextended(" + digest_of_row(from, table) + " COLLATE pg_catalog.\"C\", 0)";
    pg::read_at_once("SELECT pg_catalog.count(*), pg_catalog.sum(" + digests +
                         "::pg_catalog.int8)::pg_catalog.text FROM " + from.readable(table) + " l",
                     [&](const pg::rows &rows) {
                         found_[static_cast<std::size_t>(table)].rows = rows.int8(0, 0).value_or(0);
                         if (const auto text = rows.text(0, 1))
                             sum = std::string(*text);
                     });
    return sum;
}

void news::find(const legacy_schema &from, Oid schema, legacy table) {
    found &one = found_[static_cast<std::size_t>(table)];
    // Where the first rows are all new, most of the others are, too.
    const std::string first = "(SELECT l.* FROM " + from.readable(table) + " l LIMIT 100)";
    if (table != legacy::customers)
        pg::read_at_once("SELECT pg_catalog.count(*) FROM (" + news_query(from, schema, table, first) + ") n",
                         [&](const pg::rows &rows) { few_ = rows.int8(0, 0).value_or(0) < 100; });
    if (!few_)
        return;
    // In their order, so that the plan is made for all of them, whatever there are.
    pg::read_at_once(news_query(from, schema, table, from.readable(table)) + " ORDER BY l.id LIMIT " +
                         std::to_string(most_ids + 1),
                     [&](const pg::rows &rows) {
                         few_ = rows.count() <= most_ids;
                         for (std::uint64_t i = 0; i < rows.count() && few_; ++i)
                             if (const auto id = rows.text(i, 0))
                                 one.ids.emplace_back(*id);
                             else
                                 one.nameless = true;
                     });
}

bool news::nothing() const {
    return few_ && std::ranges::all_of(found_, [](const found &one) { return one.ids.empty() && !one.nameless; });
}

std::int64_t news::rows() const {
    std::int64_t all = 0;
    for (const found &one : found_)
        all += one.rows;
    return all;
}

} // namespace mega::moving
