// Moves the key `mega` of others' documents out of the way on the first adoption.
#include "schema/key_adoption.hpp"

#include "pg/relation.hpp"
#include "pg/role.hpp"
#include "schema/enforcement.hpp"
#include "schema/table_catalog.hpp"

namespace mega::schema {

namespace {

#define MEGA_KEY(name) "mg_meta OPERATOR(pg_catalog.->) '" name "'"
#define MEGA_HAS(name) "mg_meta OPERATOR(pg_catalog.?) '" name "'"
constexpr const char *has_key =
    " WHERE pg_catalog.jsonb_typeof(mg_meta) OPERATOR(pg_catalog.=) 'object' AND " MEGA_HAS("mega");

// A row that has a mega_before already keeps that inside the new one.
constexpr const char *renamed =
    "(mg_meta OPERATOR(pg_catalog.-) 'mega'::pg_catalog.text) OPERATOR(pg_catalog.||) "
    "pg_catalog.jsonb_build_object('mega_before', CASE WHEN " MEGA_HAS(
        "mega_before") " THEN "
                       "pg_catalog.jsonb_build_object('mega', " MEGA_KEY("mega") ", 'mega_before', " MEGA_KEY(
                           "mega_before") ") "
                                          "ELSE " MEGA_KEY("mega") " END)";

bool has_meta(pg::spi_connection &spi, Oid relation) {
    return !spi.run_text("SELECT FROM pg_catalog.pg_attribute WHERE attrelid OPERATOR(pg_catalog.=) " +
                         std::to_string(relation) +
                         " AND attname OPERATOR(pg_catalog.=) 'mg_meta' AND NOT attisdropped")
                .empty();
}

// Whether the table is under mega's guard: then the key is mega's own, whatever became of the ledger.
bool has_guard(const target_table &table, Oid schema) {
    return state_of_trigger(table.relation, table.definition->triggers[0], schema) != trigger_state::missing;
}

} // namespace

key_adoption::key_adoption(pg::spi_connection &spi, Oid schema) : spi_(spi), schema_(schema) {
    if (!is_first())
        return;
    for (const blueprint &definition : blueprints) {
        const target_table table{&definition, schema, pg::relation_named(definition.name, schema)};
        if (table.relation == InvalidOid || std::string_view(definition.name) == admin_name ||
            !has_meta(spi, table.relation) || has_guard(table, schema))
            continue;
        holder &one = holders_.emplace_back(holder{table, is_large(table)});
        pg::as_owner owner(owner_of(table)); // who sees his rows here though he forces row security on himself
        const pg::rows found =
            spi.run_text("SELECT pg_catalog.count(*), pg_catalog.min(" + std::string(definition.columns[0].name) +
                         "::pg_catalog.text COLLATE pg_catalog.\"C\") FROM ONLY " + table.qualified() + has_key);
        one.rows = found.int8(0, 0).value_or(0);
        one.example = found.text(0, 1).value_or("NULL");
        owner.end();
    }
}

// Tables that were restored without their indexes, and a ledger that was built anew like the first, have mega's CHECKs.
bool key_adoption::is_first() const {
    const std::string ledger = std::to_string(pg::relation_named(generations_name, schema_)),
                      customers = std::to_string(pg::relation_named(customers_name, schema_));
    return spi_
        .run_text(
            "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) "
            "c.oid WHERE c.relname OPERATOR(pg_catalog.=) " +
            sql_literal(known_ledger_by) + " AND i.indrelid OPERATOR(pg_catalog.=) " + ledger +
            " UNION ALL SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid OPERATOR(pg_catalog.=) ANY (ARRAY[" +
            ledger + ", " + customers +
            "]::pg_catalog.oid[]) AND k.contype OPERATOR(pg_catalog.=) 'c' AND k.conname OPERATOR(pg_catalog.~) "
            "'^mega_(customers|generations)_' AND pg_catalog.pg_get_constraintdef(k.oid) OPERATOR(pg_catalog.~) "
            "'mega_is_'")
        .empty();
}

std::string key_adoption::holder::command() const {
    return "UPDATE ONLY " + table.qualified() + " SET mg_meta = " + renamed + has_key;
}

void key_adoption::rename(holder &one) {
    pg::as_owner owner(owner_of(one.table)); // whose triggers and constraints run
    one.rows = static_cast<std::int64_t>(spi_.run_text(one.command()).count());
    owner.end();
    one.done = true;
}

void key_adoption::prepare() {
    // Another mega_install may have been here, and functions may have written their key since: it holds this lock.
    for (const holder &one : holders_)
        spi_.run_text("LOCK TABLE ONLY " + one.table.qualified() + " IN SHARE UPDATE EXCLUSIVE MODE");
    if (!holders_.empty() && !is_first())
        holders_.clear();
    for (holder &one : holders_)
        if (one.large && one.rows > 0)
            rename(one);
}

void key_adoption::finish() {
    for (holder &one : holders_)
        if (!one.large)
            rename(one);
}

void key_adoption::tell(pg::row_set &report) const {
    for (const holder &one : holders_)
        if (one.rows > 0)
            report.add(
                std::string(one.table.definition->name) + ".mg_meta", "rename key",
                "mega becomes mega_before in " + std::to_string(one.rows) +
                    (one.rows == 1 ? " row: " : " rows, for example ") + one.example +
                    (one.large && !one.done ? "; in parts before mega_install: " + one.command() : std::string()));
}

} // namespace mega::schema
