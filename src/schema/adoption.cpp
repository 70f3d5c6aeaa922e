// Finds what is worth telling of an adopted table, and refuses what mega cannot read.
#include "schema/adoption.hpp"

#include "pg/relation.hpp"
#include "pg/zoneless_default.hpp"
#include "schema/indexes.hpp"
#include "schema/verdict.hpp"
#include "schema/written_columns.hpp"

namespace mega::schema {

namespace {

bool same_type(std::string_view type, std::string_view wanted) {
    if (wanted.starts_with("text"))
        return type == "text" || type.starts_with("character varying");
    return type == wanted ||
           (wanted == "timestamptz" && (type == "timestamp with time zone" || type == "timestamp(6) with time zone"));
}

const column *column_named(const blueprint &table, std::string_view name) {
    const auto found = std::ranges::find_if(table.columns, [&](const column &c) { return name == c.name; });
    return found == table.columns.end() ? nullptr : &*found;
}

// Name, type, NOT NULL and whether something fills it, of every column.
pg::rows columns_of(pg::spi_connection &spi, const target_table &table) {
    return spi.run_text("SELECT a.attname::pg_catalog.text, pg_catalog.format_type(CASE WHEN t.typbasetype "
                        "OPERATOR(pg_catalog.=) 0 THEN t.oid ELSE t.typbasetype END, "
                        "CASE WHEN t.typbasetype OPERATOR(pg_catalog.=) 0 THEN a.atttypmod ELSE t.typtypmod END), "
                        "a.attnotnull, "
                        "a.atthasdef OR a.attidentity OPERATOR(pg_catalog.<>) '' OR t.typdefault IS NOT NULL FROM "
                        "pg_catalog.pg_attribute a "
                        "JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid WHERE a.attrelid "
                        "OPERATOR(pg_catalog.=) " +
                        std::to_string(table.relation) +
                        " AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped ORDER BY a.attnum");
}

void report_columns(pg::spi_connection &spi, const target_table &table, std::vector<oddity> &report) {
    const pg::rows found = columns_of(spi, table);
    for (std::uint64_t i = 0; i < found.count(); ++i) {
        const std::string name(*found.text(i, 0));
        const bool is_ours = column_named(*table.definition, name) != nullptr;
        if (!is_ours && *found.boolean(i, 2) && !*found.boolean(i, 3))
            report.push_back({std::string(table.definition->name) + "." + name, "keep",
                              "it is NOT NULL without a default: rows that mega writes are refused"});
    }
}

void report_keys(pg::spi_connection &spi, const target_table &table, std::vector<oddity> &report) {
    const named_definition &key = table.definition->constraints[0];
    std::string name;
    if (is_key(spi, table.relation, table.definition->columns[0].name, &name) && name != key.name)
        report.push_back({key.name, "keep", same_work(name)});
    for (const named_definition &constraint : table.definition->constraints)
        if (const std::string_view column = column_of_foreign_key(constraint); !column.empty())
            if (const std::string other = foreign_key_of(spi, table, column);
                !other.empty() && other != constraint.name)
                report.push_back({constraint.name, "keep", same_work(other)});
}

bool has_trigger_of_ours(pg::spi_connection &spi, const target_table &table) {
    std::string names;
    for (const named_definition &trigger : table.definition->triggers)
        names += (names.empty() ? "" : ", ") + sql_literal(trigger.name);
    return !spi.run_text("SELECT FROM pg_catalog.pg_trigger WHERE tgrelid OPERATOR(pg_catalog.=) " +
                         std::to_string(table.relation) + " AND tgname OPERATOR(pg_catalog.=) ANY (ARRAY[" + names +
                         "]::pg_catalog.name[])")
                .empty();
}

// On the table and on its columns. EXECUTE is the gate of mega's functions; who may write the tables raw, may. Of a
// table that mega knows already, only who may write it as default privileges say: a restore gives them that anew.
void report_grants(pg::spi_connection &spi, const target_table &table, bool all, std::vector<oddity> &report) {
    const std::string told =
        all ? ""
            : " WHERE r.right_to OPERATOR(pg_catalog.=) ANY ('{INSERT,UPDATE,DELETE,TRUNCATE}') AND EXISTS (SELECT "
              "FROM "
              "pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) g WHERE d.defaclobjtype "
              "OPERATOR(pg_catalog.=) 'r' AND d.defaclnamespace OPERATOR(pg_catalog.=) ANY (ARRAY[0, " +
                  std::to_string(table.schema) +
                  "]::pg_catalog.oid[]) AND d.defaclrole OPERATOR(pg_catalog.=) r.owner AND g.grantee "
                  "OPERATOR(pg_catalog.=) r.grantee AND g.privilege_type OPERATOR(pg_catalog.=) r.right_to)";
    const pg::rows found = spi.run_text(
        "SELECT r.who OPERATOR(pg_catalog.||) ': ' OPERATOR(pg_catalog.||) pg_catalog.string_agg(r.what, ', ' ORDER BY "
        "r.what COLLATE pg_catalog.\"C\") FROM (SELECT a.privilege_type AS right_to, a.grantee, c.relowner AS owner, "
        "CASE WHEN "
        "a.grantee OPERATOR(pg_catalog.=) 0 "
        "THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::pg_catalog.text END AS who, a.privilege_type AS what FROM "
        "pg_catalog.pg_class c, "
        "pg_catalog.aclexplode(c.relacl) a WHERE c.oid OPERATOR(pg_catalog.=) " +
        std::to_string(table.relation) +
        " AND a.grantee OPERATOR(pg_catalog.<>) c.relowner UNION SELECT a.privilege_type, a.grantee, c.relowner, CASE "
        "WHEN a.grantee "
        "OPERATOR(pg_catalog.=) 0 "
        "THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::pg_catalog.text "
        "END, a.privilege_type OPERATOR(pg_catalog.||) ' (' OPERATOR(pg_catalog.||) t.attname OPERATOR(pg_catalog.||) "
        "')' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid OPERATOR(pg_catalog.=) c.oid, "
        "pg_catalog.aclexplode(t.attacl) a WHERE c.oid OPERATOR(pg_catalog.=) " +
        std::to_string(table.relation) + " AND a.grantee OPERATOR(pg_catalog.<>) c.relowner) r" + told +
        " GROUP BY r.who ORDER BY r.who COLLATE pg_catalog.\"C\"");
    for (std::uint64_t i = 0; i < found.count(); ++i)
        report.push_back({table.definition->name, "grant", std::string(*found.text(i, 0))});
}

bool is_unlogged(Oid table) {
    pg::relation relation(table, AccessShareLock);
    const bool unlogged = relation.get()->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED;
    relation.close();
    return unlogged;
}

// A table that is kept, or made, cannot name what a crash empties.
void require_as_durable(const target_table &table) {
    if (std::string_view(table.definition->name) != customers_name || !is_unlogged(table.relation))
        return;
    for (const blueprint &other : blueprints)
        if (const Oid id = pg::relation_named(other.name, table.schema); id == InvalidOid || !is_unlogged(id))
            throw pg::sql_error{"55000", "mega_customers is UNLOGGED",
                                std::string(other.name) + " is not, or is to be made.",
                                "ALTER TABLE " + table.qualified() + " SET LOGGED;"};
}

void report_unlogged(const target_table &table, std::vector<oddity> &report) {
    if (is_unlogged(table.relation))
        report.push_back({table.definition->name, "keep",
                          "it is UNLOGGED, so that a crash empties it: ALTER TABLE " + table.qualified() +
                              " SET LOGGED, of mega_customers first"});
}

void report_owner(const target_table &table, std::vector<oddity> &report) {
    const Oid ledger = pg::relation_named(generations_name, table.schema);
    if (ledger != InvalidOid && owner_of(table) != owner_of({table.definition, table.schema, ledger}))
        report.push_back({table.definition->name, "keep",
                          "it does not belong to the owner of mega_generations: functions that read both are refused, "
                          "until ALTER TABLE ... OWNER TO gives all three to one role"});
}

void report_code(const target_table &table, std::vector<oddity> &report) {
    pg::relation relation(table.relation, AccessShareLock);
    for (const std::string &words : code_of_others(relation.get(), table.definition->name))
        report.push_back({table.definition->name, "code of others", words});
    relation.close();
}

void report_rules(const target_table &table, std::vector<oddity> &report) {
    pg::relation relation(table.relation, AccessShareLock);
    const auto [updates, new_rows] = refusals_for_rules(relation.get(), *table.definition);
    const auto keys = refusal_for_keys(relation.get(), *table.definition);
    for (const auto &refusal : {updates, new_rows, keys})
        if (refusal)
            report.push_back(
                {table.definition->name, "keep", std::string(refusal->message.c_str()) + ": " + refusal->hint.c_str()});
    relation.close();
}

void report_defaults(const target_table &table, std::vector<oddity> &report) {
    pg::relation relation(table.relation, AccessShareLock);
    for (const column &c : table.definition->columns) {
        const AttrNumber at = pg::attribute_of(relation.get()->rd_att, c.name);
        if (std::string_view(c.type) != "timestamptz" || at == 0 || !pg::has_zoneless_default(relation.get(), at))
            continue;
        const std::string value =
            c.default_value == nullptr ? "pg_catalog.now() -- or what else has a zone" : c.default_value;
        report.push_back(
            {std::string(table.definition->name) + "." + c.name, "keep",
             "its default is a time without a zone, which each session reads in its own TimeZone: where "
             "that is another one rows get another time, west of it one in the future, for which rows of the "
             "ledger are refused: ALTER TABLE " +
                 table.qualified() + " ALTER COLUMN " + c.name + " SET DEFAULT " + value});
    }
    relation.close();
}

} // namespace

std::string same_work(const std::string &other) { return other + " does the same"; }

void require_own_types(pg::spi_connection &spi, const target_table &table) {
    const pg::rows found = columns_of(spi, table);
    for (std::uint64_t i = 0; i < found.count(); ++i) {
        const std::string name(*found.text(i, 0));
        const std::string type(*found.text(i, 1));
        const column *wanted = column_named(*table.definition, name);
        if (wanted == nullptr || same_type(type, wanted->type))
            continue;
        const std::string plain(std::string_view(wanted->type).substr(0, std::string_view(wanted->type).find(' ')));
        throw pg::sql_error{
            "42804", "the column " + name + " of " + table.definition->name + " has another type than mega reads",
            "It is " + type + ", not " + plain + ".",
            "Change it first: ALTER TABLE " + table.qualified() + " ALTER COLUMN " + name + " TYPE " + plain +
                " USING " + name + "::" + plain + ";"};
    }
    pg::relation relation(table.relation, AccessShareLock);
    auto refusal = equal_spellings(relation.get(), *table.definition);
    if (!refusal)
        refusal = computed_column(relation.get(), *table.definition);
    relation.close();
    if (refusal)
        throw *refusal;
    require_indexable(table);
    require_as_durable(table);
}

std::vector<oddity> oddities(pg::spi_connection &spi, const target_table &table) {
    std::vector<oddity> report;
    const bool is_new = !has_trigger_of_ours(spi, table);
    report_owner(table, report);
    report_unlogged(table, report);
    report_code(table, report);
    report_rules(table, report);
    report_columns(spi, table, report);
    std::ranges::move(barred_values(spi, table), std::back_inserter(report));
    std::ranges::move(computed_columns(table), std::back_inserter(report));
    if (is_new)
        report_defaults(table, report);
    report_keys(spi, table, report);
    report_grants(spi, table, is_new, report);
    return report;
}

void revoke_default_grants(pg::spi_connection &spi, const target_table &table) {
    const pg::rows found =
        spi.run_text("SELECT DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE "
                     "a.grantee::pg_catalog.regrole::pg_catalog.text END FROM "
                     "pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a WHERE c.oid OPERATOR(pg_catalog.=) " +
                     std::to_string(table.relation) + " AND a.grantee OPERATOR(pg_catalog.<>) c.relowner");
    for (std::uint64_t i = 0; i < found.count(); ++i)
        spi.run_text("REVOKE ALL ON TABLE " + table.qualified() + " FROM " + std::string(*found.text(i, 0)));
}

} // namespace mega::schema
