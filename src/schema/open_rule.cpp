// What an open rule and its table are like: how Postgres comes to enforce it, by which commands.
#include "pg/relation.hpp"
#include "schema/indexes.hpp"
#include "schema/rules.hpp"
#include "schema/settings.hpp"

namespace mega::schema {

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
    for (std::size_t at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder, at + value.size()))
        text.replace(at, placeholder.size(), value);
    return text;
}

std::string_view why_left_out(const named_definition &constraint) noexcept {
    const std::string_view name = constraint.name;
    if (name == "mega_customers_pass_id_shape" && pass_ids_setting() == pass_ids::any)
        return "mega.pass_ids is any";
    if (name == "mega_admin_id_shape" && !extra_admin_record_types_setting().empty())
        return "mega.extra_admin_record_types has words";
    return {};
}

std::string_view column_of_foreign_key(const named_definition &constraint) {
    const std::string_view definition = constraint.definition;
    if (!definition.starts_with("FOREIGN KEY ("))
        return {};
    return definition.substr(13, definition.find(')') - 13);
}

std::string why_no_foreign_key(pg::spi_connection &spi, Oid schema) {
    const Oid customers = pg::relation_named(customers_name, schema);
    if (customers == InvalidOid || is_key(spi, customers, "mg_pass_id"))
        return {};
    const std::string table = pg::with_schema_name("@schema@.mega_customers", schema);
    const pg::rows broken = spi.run_text(
        "SELECT FROM ONLY " + table +
        " GROUP BY mg_pass_id HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1 OR mg_pass_id IS NULL LIMIT 1");
    return broken.empty() ? "" : "mega_customers has no key: some pass ids are missing or there twice";
}

std::string sql_type(const column &c) {
    const std::string_view type = c.type;
    const bool is_grammar = type == "integer" || type == "boolean"; // a word of SQL, not a name
    return (is_grammar ? "" : "pg_catalog.") + std::string(type);
}

std::string as_postgres_says(std::string text) {
    constexpr std::string_view opening = "OPERATOR(pg_catalog.";
    for (std::size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
        text.erase(text.find(')', at), 1);
        text.erase(at, opening.size());
    }
    return replaced(std::move(text), "pg_catalog.", "");
}

std::string sql_literal(std::string_view text) {
    const std::string owned(text);
    return pg::call([&owned] { return static_cast<const char *>(quote_literal_cstr(owned.c_str())); });
}

std::string sql_name(std::string_view name) {
    const std::string owned(name);
    return owned.empty() ? owned : pg::call([&owned] { return quote_identifier(owned.c_str()); });
}

void comment_on(pg::spi_connection &spi, const std::string &object, const char *comment) {
    if (comment != nullptr)
        spi.run_text("COMMENT ON " + object + " IS " + sql_literal(comment));
}

std::string target_table::qualified() const { return pg::with_schema_name("@schema@.", schema) + definition->name; }

std::string target_table::text_of(const named_definition &object) const {
    std::string text = pg::with_schema_name(object.definition, schema);
    text = replaced(std::move(text), "@table@", qualified());
    text = replaced(std::move(text), "@keyed@", keyed_condition());
    return replaced(std::move(text), " # ", std::string(" ") + object.name + " "); // not the # of an operator
}

std::string open_rule::command(const target_table &table) const {
    if (what == kind::unique_index)
        return before + "CREATE " + clause + behind;
    const std::string alter = "ALTER TABLE " + table.qualified() + " ";
    switch (way_to_enforce()) {
    case way::for_new:
        return alter + unchecked;
    case way::validated:
        return alter + (!witness.empty() ? clause + "; " + alter + "DROP CONSTRAINT " + waiting
                                         : "VALIDATE CONSTRAINT " + waiting);
    default:
        return before + alter + clause + behind;
    }
}

way open_rule::way_to_enforce() const {
    if (!waiting.empty())
        return may_be_enforced() ? way::validated : way::not_yet;
    if (may_be_enforced())
        return large && !unchecked.empty() ? way::for_new : way::at_once;
    // A foreign key looks at rows that are new or change their customer: NOT VALID it stops no other write.
    return what == kind::foreign_key && obstacle.empty() ? way::for_new : way::not_yet;
}

Oid owner_of(const target_table &table) {
    pg::relation relation(table.relation, AccessShareLock);
    const Oid owner = relation.get()->rd_rel->relowner;
    relation.close();
    return owner;
}

bool is_large(const target_table &table) {
    constexpr std::uint64_t read_in_a_moment = std::uint64_t{256} * BLCKSZ;
    pg::relation relation(table.relation, AccessShareLock);
    const std::uint64_t size = pg::call([&] { return table_relation_size(relation.get(), MAIN_FORKNUM); });
    relation.close();
    return size > read_in_a_moment;
}

} // namespace mega::schema
