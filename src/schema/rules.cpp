// Finds the rules of a table that Postgres does not enforce yet, and the rows that break them.
#include "schema/rules.hpp"

#include "core/status.hpp"
#include "pg/relation.hpp"
#include "pg/role.hpp"
#include "pg/version.hpp"
#include "schema/indexes.hpp"
#include "schema/trigger_rules.hpp"

namespace mega::schema {

namespace {

std::string with_words(std::string text) {
    text = replaced(std::move(text), "@statuses@", core::joined(core::status_names, ",", ","));
    return replaced(std::move(text), "@event_types@", core::joined(core::event_types, ",", ","));
}

// Looks for the rules of one table that are open.
class survey {
public:
    survey(pg::spi_connection &spi, const target_table &table) : spi_(spi), table_(table), large_(is_large(table)) {
        const pg::rows found = spi_.run_text(
            "SELECT a.attname::pg_catalog.text, a.attnotnull AND coalesce(k.convalidated, true), "
            "k.conname::pg_catalog.text, coalesce(k.connoinherit, false) FROM "
            "pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid OPERATOR(pg_catalog.=) "
            "a.attrelid AND k.contype OPERATOR(pg_catalog.=) 'n' AND k.conkey[1] OPERATOR(pg_catalog.=) a.attnum WHERE "
            "a.attrelid OPERATOR(pg_catalog.=) " +
            std::to_string(table_.relation) + " AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped");
        for (std::uint64_t i = 0; i < found.count(); ++i)
            columns_.emplace(
                *found.text(i, 0),
                not_null_there{*found.boolean(i, 1), sql_name(found.text(i, 2).value_or("")), *found.boolean(i, 3)});
    }

    std::vector<open_rule> run(bool with_triggers) {
        for (const column &c : table_.definition->columns)
            look_at_column(c);
        for (const named_definition &constraint : table_.definition->constraints)
            look_at_constraint(constraint);
        for (const named_definition &index : table_.definition->indexes)
            if (shape_of(index).unique)
                look_at_unique_index(index, place_of(spi_, table_, index).what);
        for (const trigger_rule &rule : trigger_rules)
            if (with_triggers && std::string_view(rule.table) == table_.definition->name)
                count_in_pass(
                    rules_.emplace_back(open_rule{
                        open_rule::kind::by_trigger, std::string(rule.table) + "." + rule.column, rule.demand, {}}),
                    with_words(pg::with_schema_name(rule.broken, table_.schema)));
        pass();
        look_at_nulls_of_key();
        for (open_rule &rule : rules_)
            rule.large = large_;
        std::erase_if(rules_, [](const open_rule &rule) {
            return rule.what == open_rule::kind::by_trigger && rule.offenders == 0;
        });
        return std::move(rules_);
    }

private:
    // The NOT NULL of a column. From 18 on it is a constraint: NOT VALID it holds for new rows only.
    struct not_null_there {
        bool held = false;        // by every row
        std::string constraint{}; // its name, quoted where it has to be; '' before 18
        bool no_inherit = false;  // which no primary key may rest on
    };

    bool exists(const std::string &query) { return !spi_.run_text(query).empty(); }

    // Whether it is NOT VALID, and whether Postgres enforces it.
    pg::rows constraint_named(std::string_view name) {
        return spi_.run_text(std::string("SELECT NOT k.convalidated, ") + pg::is_enforced +
                             " FROM pg_catalog.pg_constraint k WHERE k.conrelid OPERATOR(pg_catalog.=) " +
                             std::to_string(table_.relation) + " AND k.conname OPERATOR(pg_catalog.=) " +
                             sql_literal(name));
    }

    void look_at_column(const column &c) {
        const auto found = columns_.find(c.name);
        // A column that is added with a default comes with NOT NULL.
        const bool held = found == columns_.end() ? c.default_value != nullptr : found->second.held;
        if (!c.not_null || held)
            return;
        const std::string name = c.name;
        open_rule &rule =
            rules_.emplace_back(open_rule{open_rule::kind::not_null, std::string(table_.definition->name) + "." + name,
                                          "NOT NULL", "ALTER COLUMN " + name + " SET NOT NULL"});
        if (found != columns_.end() && !found->second.constraint.empty())
            rule.waiting = found->second.constraint;
        else
            look_at_witness(rule, name);
        count_in_pass(rule, name + " IS NULL");
    }

    void look_at_witness(open_rule &rule, const std::string &name) {
        // Postgres believes a constraint that says the same, and does not look at the rows again.
        rule.witness = std::string(table_.definition->name) + "_" + name + "_there";
        rule.unchecked = "ADD CONSTRAINT " + rule.witness + " CHECK (" + name + " IS NOT NULL) NOT VALID";
        const pg::rows found = constraint_named(rule.witness);
        if (found.empty())
            return;
        if (*found.boolean(0, 1))
            rule.waiting = rule.witness;
        else
            rule.obstacle = rule.witness + " is NOT ENFORCED";
    }

    void look_at_constraint(const named_definition &constraint) {
        const std::string_view definition = constraint.definition;
        if (definition.starts_with("PRIMARY KEY"))
            return look_at_key(constraint);
        if (!why_left_out(constraint).empty())
            return;
        const pg::rows found = constraint_named(constraint.name);
        const bool is_waiting = !found.empty() && found.boolean(0, 0).value_or(false);
        const bool is_enforced = !found.empty() && found.boolean(0, 1).value_or(true);
        const std::string_view column = column_of_foreign_key(constraint);
        if ((is_enforced && !is_waiting) ||
            (!is_enforced && !column.empty() && !foreign_key_of(spi_, table_, column).empty()))
            return;
        const std::string text = table_.text_of(constraint);
        open_rule &rule = rules_.emplace_back(
            open_rule{column.empty() ? open_rule::kind::constraint : open_rule::kind::foreign_key, constraint.name,
                      constraint.comment != nullptr ? constraint.comment : text,
                      std::string("ADD CONSTRAINT ") + constraint.name + " " + text, constraint.comment});
        rule.unchecked = rule.clause + " NOT VALID";
        if (is_waiting)
            rule.waiting = constraint.name;
        if (!found.empty() && !is_enforced) {
            rule.is_kept = true;
            rule.obstacle = "it is NOT ENFORCED: ALTER TABLE " + table_.qualified() + " DROP CONSTRAINT " +
                            constraint.name + ", then mega_install again";
        }
        if (column.empty())
            count_in_pass(rule, "NOT " + text.substr(6));
        else
            count_orphans(rule, column);
    }

    // The primary key. A table that has one on a column of its own gets a unique constraint beside it, which is named
    // as Postgres would: the key's name may be taken.
    void look_at_key(const named_definition &constraint) {
        const std::string column = table_.definition->columns[0].name;
        if (is_key(spi_, table_.relation, column))
            return;
        const bool has_other = exists("SELECT FROM pg_catalog.pg_constraint WHERE contype OPERATOR(pg_catalog.=) 'p' "
                                      "AND conrelid OPERATOR(pg_catalog.=) " +
                                      std::to_string(table_.relation));
        const std::string name =
            has_other ? std::string(table_.definition->name) + "_" + column + "_key" : constraint.name;
        const std::string text = (has_other ? "UNIQUE (" : "PRIMARY KEY (") + column + ")";
        open_rule &rule = rules_.emplace_back(
            open_rule{open_rule::kind::constraint, name, text, "ADD CONSTRAINT " + name + " " + text});
        look_at_stand_in(rule, std::string(table_.definition->name) + column.substr(column.find('_')),
                         "INDEX # ON @table@ (" + column + ")");
        const auto found = columns_.find(column);
        if (!has_other && found != columns_.end() && found->second.no_inherit)
            rule.before =
                "ALTER TABLE " + table_.qualified() + " ALTER CONSTRAINT " + found->second.constraint + " INHERIT; ";
        if (!has_other)
            primary_key_ = static_cast<std::size_t>(&rule - rules_.data());
        count_doubles(rule, column, column + " IS NOT NULL");
    }

    // No primary key comes about while a row has no id.
    void look_at_nulls_of_key() {
        if (!primary_key_ || rules_[*primary_key_].offenders > 0)
            return;
        const std::string column = table_.definition->columns[0].name;
        for (const open_rule &rule : rules_)
            if (rule.what == open_rule::kind::not_null && rule.offenders > 0 &&
                rule.object == std::string(table_.definition->name) + "." + column)
                rules_[*primary_key_].obstacle = column + " is NULL in some rows";
    }

    void look_at_unique_index(const named_definition &index, index_place::state place) {
        if (place != index_place::state::free && place != index_place::state::outdated)
            return;
        const index_shape shape = shape_of(index);
        open_rule &rule = rules_.emplace_back(open_rule{open_rule::kind::unique_index, index.name,
                                                        index.comment != nullptr ? index.comment : "",
                                                        table_.text_of(index), index.comment});
        if (place == index_place::state::outdated)
            rule.before = "DROP INDEX " + schema() + index.name + "; ";
        const std::string name = index.name, definition = index.definition;
        look_at_stand_in(rule, name.substr(0, name.rfind("_key")), definition.substr(definition.find("INDEX ")));
        count_doubles(rule, shape.columns, shape.predicate);
    }

    std::string schema() const { return pg::with_schema_name("@schema@.", table_.schema); }

    // The index for the look that holds a key while doubles keep it from being unique (ledger/held_key.hpp).
    void look_at_stand_in(open_rule &rule, const std::string &name, const std::string &definition) {
        const named_definition wanted{name.c_str(), definition.c_str(), nullptr};
        switch (place_of(spi_, table_, wanted).what) {
        case index_place::state::there:
        case index_place::state::outdated:
            if (has_shape_of(spi_, table_, wanted)) // another of that name is the user's
                rule.behind = "; DROP INDEX " + schema() + name;
            return;
        case index_place::state::free:
            rule.stand_in = name;
            rule.make_stand_in = "CREATE " + table_.text_of(wanted);
            return;
        default:
            return;
        }
    }

    // The table with columns that are missing as they would be added.
    std::string source() const {
        std::string text = "(SELECT t.*";
        for (const column &c : table_.definition->columns)
            if (!columns_.contains(c.name))
                text += std::string(", ") + (c.default_value != nullptr ? c.default_value : "NULL") +
                        "::" + replaced(sql_type(c), " COLLATE pg_catalog.\"C\"", "") + " AS " + c.name;
        return text + " FROM ONLY " + table_.qualified() + " t) t";
    }

    // To be counted when `pass` reads the table.
    void count_in_pass(const open_rule &rule, const std::string &broken) {
        conditions_.emplace_back(static_cast<std::size_t>(&rule - rules_.data()), broken);
    }

    void pass() {
        if (conditions_.empty())
            return;
        std::string text;
        for (const auto &[rule, broken] : conditions_)
            text += (text.empty() ? "SELECT " : ", ") +
                    ("pg_catalog.count(*) FILTER (WHERE " + broken + "), pg_catalog.min(" +
                     table_.definition->columns[0].name + "::pg_catalog.text COLLATE pg_catalog.\"C\") FILTER (WHERE " +
                     broken + ")");
        const pg::rows found = spi_.run_text(text + " FROM " + source());
        for (std::size_t i = 0; i < conditions_.size(); ++i)
            take(rules_[conditions_[i].first], found, static_cast<int>(2 * i));
    }

    static void take(open_rule &rule, const pg::rows &found, int column) {
        rule.offenders = found.int8(0, column).value_or(0);
        rule.example = found.text(0, column + 1).value_or("NULL");
    }

    // Rows that share their key with others.
    void count_doubles(open_rule &rule, const std::string &columns, const std::string &predicate) {
        const pg::rows found =
            spi_.run_text("SELECT coalesce(pg_catalog.sum(d.rows), 0)::pg_catalog.int8, pg_catalog.min(d.example) "
                          "FROM (SELECT pg_catalog.count(*) AS rows, "
                          "pg_catalog.concat_ws(', ', " +
                          columns + ") COLLATE pg_catalog.\"C\" AS example FROM " + source() +
                          (predicate.empty() ? std::string() : " WHERE " + predicate) + " GROUP BY " + columns +
                          " HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1) d");
        take(rule, found, 0);
    }

    // Rows whose customer does not exist.
    void count_orphans(open_rule &rule, std::string_view column) {
        const Oid customers = pg::relation_named(customers_name, table_.schema);
        const std::string name = "t." + std::string(column);
        std::string text =
            "SELECT pg_catalog.count(*), pg_catalog.min(t." + std::string(table_.definition->columns[0].name) +
            "::pg_catalog.text COLLATE pg_catalog.\"C\") FROM " + source() + " WHERE " + name + " IS NOT NULL";
        if (customers != InvalidOid)
            text += " AND NOT EXISTS (SELECT FROM ONLY " +
                    pg::with_schema_name("@schema@.mega_customers", table_.schema) +
                    " c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) " + name + " COLLATE pg_catalog.\"C\")";
        take(rule, spi_.run_text(text), 0);
        if (!rule.is_kept)
            rule.obstacle = why_no_foreign_key(spi_, table_.schema);
    }

    pg::spi_connection &spi_;
    const target_table &table_;
    bool large_;
    std::map<std::string, not_null_there, std::less<>> columns_;
    std::vector<open_rule> rules_;
    std::optional<std::size_t> primary_key_;                      // its rule's place
    std::vector<std::pair<std::size_t, std::string>> conditions_; // by the rule's place
};

} // namespace

std::vector<open_rule> open_rules(pg::spi_connection &spi, const target_table &table, bool with_triggers) {
    pg::as_owner owner(owner_of(table)); // who sees his rows here though he forces row security on himself
    std::vector<open_rule> found = survey(spi, table).run(with_triggers);
    owner.end();
    return found;
}

} // namespace mega::schema
