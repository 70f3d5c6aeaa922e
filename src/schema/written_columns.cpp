// Finds columns of adopted tables that do not take what functions write there.
#include "schema/written_columns.hpp"

#include "pg/relation.hpp"
#include "schema/verdict.hpp"

namespace mega::schema {

namespace {

struct use {
    customer column;
    const char *by;           // who writes it
    const char *null_by = ""; // who writes NULL there; '' for nobody who is given a default
};

constexpr const char *new_or_erased = "mega_ensure_customer for somebody new and mega_erase_customer";
constexpr const char *unknown_or_erased = "mega_ensure_customer without it and mega_erase_customer";
constexpr const char *unknown = "calls of mega_ensure_customer without it";
constexpr const char *only_new = "calls of mega_ensure_customer for somebody new";
constexpr const char *verifying = "calls of mega_verify_customer";
constexpr const char *taken_away = "calls of mega_update_customer that take it away";

// A column without a line is written by nobody whom the table could refuse.
constexpr use uses[] = {
    {customer::mg_shopify_customer_id, new_or_erased, unknown_or_erased},
    {customer::mg_user_id, new_or_erased, unknown_or_erased},
    {customer::mg_email, new_or_erased, unknown_or_erased},
    {customer::mg_first_name, new_or_erased, unknown_or_erased},
    {customer::mg_last_name, new_or_erased, unknown_or_erased},
    {customer::mg_display_name, new_or_erased, unknown_or_erased},
    {customer::mg_locale, new_or_erased, unknown_or_erased},
    {customer::mg_timezone, new_or_erased, unknown_or_erased},
    {customer::mg_marketing_opt_in, only_new, unknown},
    {customer::mg_product_updates_opt_in, only_new, unknown},
    {customer::mg_expires_at, "functions that change when credits end", "functions that leave credits without an end"},
    {customer::mg_last_active, "calls of mega_ensure_customer", "rows of mega_import that have none"},
    {customer::mg_verified_email, verifying},
    {customer::mg_verified_google, verifying},
    {customer::mg_verified_apple, verifying},
    {customer::mg_verification_method, verifying},
    {customer::mg_verification_at, verifying},
    {customer::mg_verification_keynumber, "mega_verify_customer and mega_erase_customer",
     "mega_verify_customer without it and mega_erase_customer"},
    {customer::mg_topup_default_packs, "calls of mega_update_customer with it", taken_away},
    {customer::mg_auto_topup_enabled, "mega_update_customer with it, merges and mega_erase_customer", taken_away},
    {customer::mg_auto_topup_monthly_limit_packs, "calls of mega_update_customer with it", taken_away},
    {customer::mg_last_topup_at, "calls of mega_record_topup"},
    {customer::mg_topup_source, "calls of mega_record_topup"},
    {customer::mg_meta, "lots, merges, mega_update_customer with meta and mega_erase_customer"},
    {customer::mg_source_system, only_new},
    {customer::mg_deleted_at, "mega_delete_customer, mega_restore_customer and mega_erase_customer",
     "calls of mega_restore_customer"},
    {customer::mg_mma_preferences_updated_at, "functions that change a preference snapshot"},
};

bool is_customers(const target_table &table) { return table.definition->name == std::string_view(customers_name); }

const use *use_of(std::string_view column) {
    const auto *found = std::ranges::find_if(uses, [column](const use &one) {
        return column == customer_columns[static_cast<std::size_t>(one.column)].name;
    });
    return found == std::end(uses) ? nullptr : found;
}

// Who writes NULL there; '' for nobody.
std::string_view who_writes_null(const target_table &table, const column &c, bool has_default) {
    const std::string_view name = c.name;
    if (c.not_null)
        return {};
    if (!is_customers(table)) // functions append whole rows
        return name == "mg_pass_id" || name == "mg_meta" || name == "mg_source_system"
                   ? ""
                   : "functions that append rows without it";
    const use *known = use_of(name);
    if (known != nullptr && *known->null_by != '\0')
        return known->null_by;
    return has_default || c.default_value != nullptr || name == "mg_source_system" ? "" : only_new;
}

// Texts that a row check refuses when they are blank, of whichever table.
bool must_not_be_blank(std::string_view column) {
    constexpr std::string_view bounded[] = {"mg_email",  "mg_session_id",  "mg_generation_id", "mg_parent_id",
                                            "mg_reason", "mg_ref_type",    "mg_ref_id",        "mg_actor_pass_id",
                                            "mg_key",    "mg_session_hash"};
    return std::ranges::find(bounded, column) != std::end(bounded);
}

// '' or blanks, of a type.
bool is_blank_literal(std::string_view expression) {
    return expression.starts_with("'") &&
           expression.substr(std::min(expression.find_first_not_of(' ', 1), expression.size())).starts_with("'::");
}

} // namespace

std::vector<oddity> barred_values(pg::spi_connection &spi, const target_table &table) {
    // What stands in the way of DROP NOT NULL goes first.
    const pg::rows found = spi.run_text(
        "SELECT a.attname::pg_catalog.text, a.attnotnull, d.oid IS NOT NULL, coalesce(pg_catalog.pg_get_expr(d.adbin, "
        "d.adrelid), ''), coalesce((SELECT pg_catalog.format('DROP CONSTRAINT IF EXISTS %I, ', k.conname) FROM "
        "pg_catalog.pg_constraint "
        "k WHERE k.conrelid OPERATOR(pg_catalog.=) a.attrelid AND k.contype OPERATOR(pg_catalog.=) 'p' AND a.attnum "
        "OPERATOR(pg_catalog.=) ANY (k.conkey)), '') FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d "
        "ON d.adrelid OPERATOR(pg_catalog.=) a.attrelid AND d.adnum OPERATOR(pg_catalog.=) a.attnum AND "
        "a.attgenerated OPERATOR(pg_catalog.=) '' WHERE a.attrelid OPERATOR(pg_catalog.=) " +
        std::to_string(table.relation) + " AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped");
    std::vector<oddity> report;
    for (const column &c : table.definition->columns)
        for (std::uint64_t i = 0; i < found.count(); ++i) {
            if (found.text(i, 0) != c.name)
                continue;
            const std::string object = std::string(table.definition->name) + "." + c.name;
            const std::string alter = "ALTER TABLE " + table.qualified() + " ";
            const std::string_view who = who_writes_null(table, c, *found.boolean(i, 2));
            if (*found.boolean(i, 1) && !who.empty())
                report.push_back({object, "keep",
                                  "it is NOT NULL, so that " + std::string(who) + " are refused with 23502: " + alter +
                                      std::string(*found.text(i, 4)) + "ALTER COLUMN " + c.name + " DROP NOT NULL"});
            if (must_not_be_blank(c.name) && is_blank_literal(*found.text(i, 3)))
                report.push_back({object, "keep",
                                  "its default is a blank text, so that rows which get it are refused with 23514: " +
                                      alter + "ALTER COLUMN " + c.name + " DROP DEFAULT"});
        }
    return report;
}

std::vector<oddity> computed_columns(const target_table &table) {
    std::vector<oddity> report;
    pg::relation relation(table.relation, AccessShareLock);
    for (const column &c : table.definition->columns) {
        const char generation = pg::generation_of(relation.get()->rd_att, c.name);
        const use *known = is_customers(table) ? use_of(c.name) : nullptr;
        if (generation == '\0' || (is_customers(table) && known == nullptr))
            continue;
        const std::string who = known == nullptr ? "functions that append rows" : known->by;
        const std::string name = c.name;
        report.push_back(
            {std::string(table.definition->name) + "." + name, "keep",
             "it is a generated column, so that " + who + " are refused with 428C9: ALTER TABLE " + table.qualified() +
                 (generation == pg::virtual_column ? " DROP COLUMN " + name + ", ADD COLUMN " + name + " " + sql_type(c)
                                                   : " ALTER COLUMN " + name + " DROP EXPRESSION")});
    }
    relation.close();
    return report;
}

void require_indexable(const target_table &table) {
    pg::relation relation(table.relation, AccessShareLock);
    for (const column &c : table.definition->columns)
        if (pg::generation_of(relation.get()->rd_att, c.name) == pg::virtual_column)
            for (const named_definition &index : table.definition->indexes)
                if (std::string_view(index.definition).find(c.name) != std::string_view::npos)
                    throw pg::sql_error{
                        "55000",
                        std::string("the column ") + c.name + " of " + table.definition->name + " is a generated one",
                        std::string("Postgres makes no index of a virtual column, and mega wants ") + index.name + ".",
                        make_it_plain(pg::virtual_column)};
    relation.close();
}

} // namespace mega::schema
