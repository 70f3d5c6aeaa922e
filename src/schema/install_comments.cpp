// The comments of the install plan: an object that has one keeps it.
#include "schema/adoption.hpp"
#include "schema/install_plan.hpp"
#include "schema/table_catalog.hpp"

namespace mega::schema {

// Whether there is an object of that name in that place, without a comment.
bool install_plan::lacks_description(const std::string &catalog, const std::string &name_column, std::string_view name,
                                     const std::string &place_column, Oid place) {
    return exists("SELECT FROM pg_catalog." + catalog + " o WHERE o." + name_column + " OPERATOR(pg_catalog.=) " +
                  sql_literal(name) + " AND o." + place_column + " OPERATOR(pg_catalog.=) " + std::to_string(place) +
                  " AND pg_catalog.obj_description(o.oid, '" + catalog + "') IS NULL");
}

void install_plan::comment_on_what_is_there() {
    const blueprint &table = *table_.definition;
    const pg::rows silent =
        spi_.run_text("SELECT n.number, coalesce(a.attname::pg_catalog.text, '') FROM (SELECT 0::pg_catalog.int2 "
                      "AS number UNION ALL SELECT attnum FROM "
                      "pg_catalog.pg_attribute WHERE attrelid OPERATOR(pg_catalog.=) " +
                      std::to_string(table_.relation) +
                      " AND attnum OPERATOR(pg_catalog.>) 0 AND NOT attisdropped) n LEFT JOIN "
                      "pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) " +
                      std::to_string(table_.relation) +
                      " AND a.attnum OPERATOR(pg_catalog.=) n.number AND n.number OPERATOR(pg_catalog.>) 0 WHERE "
                      "NOT EXISTS (SELECT FROM pg_catalog.pg_description d WHERE "
                      "d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid "
                      "OPERATOR(pg_catalog.=) n.number AND d.objoid OPERATOR(pg_catalog.=) " +
                      std::to_string(table_.relation) + ")");
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < silent.count(); ++i)
        names.emplace_back(*silent.text(i, 1));
    const auto is_silent = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
    if (is_silent(""))
        comment_on(spi_, "TABLE " + table_.qualified(), table.comment);
    for (const column &c : table.columns)
        if (is_silent(c.name))
            comment_on(spi_, "COLUMN " + table_.qualified() + "." + c.name, c.comment);
    for (const named_definition &constraint : table.constraints)
        if (lacks_description("pg_constraint", "conname", constraint.name, "conrelid", table_.relation))
            comment_on(spi_, "CONSTRAINT " + std::string(constraint.name) + " ON " + table_.qualified(),
                       constraint.comment);
    for (const named_definition &index : table.indexes)
        if (place_of(spi_, table_, index).what == index_place::state::there &&
            lacks_description("pg_class", "relname", index.name, "relnamespace", table_.schema))
            comment_on(spi_, "INDEX " + index_name(index), index.comment);
    for (const named_definition &trigger : table.triggers)
        if (lacks_description("pg_trigger", "tgname", trigger.name, "tgrelid", table_.relation))
            comment_on(spi_, "TRIGGER " + std::string(trigger.name) + " ON " + table_.qualified(), trigger.comment);
}

} // namespace mega::schema
