// mega_install: creates what is missing of the three tables and leaves what is there. The installer of an empty
// database, the patch of one that has such tables already, and the upgrader, in one (design, section 4).
#include "pg/direct_table.hpp"
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "pg/result.hpp"
#include "pg/version.hpp"
#include "schema/adoption.hpp"
#include "schema/indexes.hpp"
#include "schema/tables.hpp"

namespace mega::schema {

namespace {

class installer {
public:
    installer(pg::row_set &report, pg::session &session, Oid schema, bool dry_run)
        : report_(report), session_(session), schema_(schema), dry_run_(dry_run) {}

    void install(const table_definition &definition) {
        table_ = {&definition, schema_, pg::relation_named(definition.name, schema_)};
        created_ = table_.relation == InvalidOid;
        if (created_)
            create_table();
        else
            complete_table();
        for (const named_definition &index : definition.indexes)
            complete_index(index);
        for (const named_definition &trigger : definition.triggers)
            complete_trigger(trigger);
        if (table_.relation != InvalidOid)
            complete_comments();
    }

private:
    // Reports what is done, and does it unless this is a dry run.
    void change(const std::string &object, const char *action, const std::string &command,
                const std::string &detail = {}) {
        if (!dry_run_)
            session_.run_text(command);
        report_.add(object, action, detail.empty() ? command : detail);
    }

    bool exists(const std::string &query) { return !session_.run_text(query).empty(); }

    static std::string column_clause(const column &c, const char *default_value) {
        std::string clause = std::string(c.name) + " " + c.type;
        if (default_value != nullptr)
            clause += std::string(" DEFAULT ") + default_value;
        if (c.not_null)
            clause += " NOT NULL";
        return clause;
    }

    void create_table() {
        const table_definition &table = *table_.definition;
        std::string body;
        for (const column &c : table.columns)
            body += (body.empty() ? "" : ", ") + column_clause(c, c.default_value);
        const std::string obstacle = why_no_foreign_key(session_, schema_);
        std::size_t constraints = 0;
        for (const named_definition &constraint : table.constraints) {
            if (!obstacle.empty() && !column_of_foreign_key(constraint).empty()) {
                report_.add(constraint.name, "skip constraint", obstacle);
                continue;
            }
            body += std::string(", CONSTRAINT ") + constraint.name + " " + table_.text_of(constraint);
            ++constraints;
        }
        change(table.name, "create table",
               "CREATE TABLE " + table_.qualified() + " (" + body + ") WITH (" + table.storage + ")",
               std::to_string(table.columns.size()) + " columns, " + std::to_string(constraints) + " constraints");
        if (!dry_run_)
            table_.relation = pg::relation_named(table.name, schema_);
    }

    // Looks first, without a lock that stops a writer, then changes the table.
    void complete_table() {
        require_own_table();
        require_own_types(session_, table_);
        report_oddities(session_, table_, report_);
        const std::vector<open_rule> rules = open_rules(session_, table_, false);
        for (const column &c : table_.definition->columns)
            complete_column(c);
        std::vector<open_rule> ready;
        for (const open_rule &rule : rules) {
            if (rule.may_be_held()) {
                ready.push_back(rule);
                continue;
            }
            if (!rule.meanwhile.empty())
                change(rule.object, "add constraint", "ALTER TABLE " + table_.qualified() + " " + rule.meanwhile);
            report_.add(rule.object, skipped(rule), why(rule));
        }
        const auto refused =
            dry_run_ ? std::vector<std::pair<std::string, std::string>>{} : hold(session_, table_, ready);
        for (const open_rule &rule : ready) {
            const auto found = std::ranges::find(refused, rule.object, &std::pair<std::string, std::string>::first);
            if (found == refused.end())
                report_.add(rule.object, added(rule), command_of(rule));
            else
                report_.add(rule.object, skipped(rule), found->second);
        }
    }

    static std::string why(const open_rule &rule) {
        if (rule.offenders == 0)
            return rule.obstacle;
        return std::to_string(rule.offenders) + " rows break it, for example " + rule.example;
    }

    static const char *skipped(const open_rule &rule) {
        switch (rule.what) {
        case open_rule::kind::not_null:
            return "skip not null";
        case open_rule::kind::unique_index:
            return "skip index";
        default:
            return validates(rule) || (rule.offenders > 0 && !rule.meanwhile.empty()) ? "skip validation"
                                                                                      : "skip constraint";
        }
    }

    static const char *added(const open_rule &rule) {
        switch (rule.what) {
        case open_rule::kind::not_null:
            return "set not null";
        case open_rule::kind::unique_index:
            return "create index";
        default:
            return validates(rule) ? "validate constraint" : "add constraint";
        }
    }

    static bool validates(const open_rule &rule) { return rule.clause.starts_with("VALIDATE "); }

    std::string command_of(const open_rule &rule) const {
        return rule.what == open_rule::kind::unique_index ? "CREATE " + rule.clause
                                                          : "ALTER TABLE " + table_.qualified() + " " + rule.clause;
    }

    void require_own_table() {
        const bool own = pg::call([this] { return pg::owns_relation(table_.relation, GetUserId()); });
        const std::string name = table_.definition->name;
        if (!own)
            throw pg::sql_error{"42501",
                                "the table " + name + " belongs to another role",
                                {},
                                "Call mega_install as the owner of the table."};
        if (get_rel_relkind(table_.relation) != RELKIND_RELATION)
            throw pg::sql_error{"42809", name + " is not a plain table", {}, {}};
    }

    void complete_column(const column &c) {
        const pg::rows found = session_.run_text(
            "SELECT a.atthasdef, pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attribute a LEFT JOIN "
            "pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = " +
            std::to_string(table_.relation) + " AND a.attname = " + sql_literal(c.name) + " AND NOT a.attisdropped");
        const std::string object = std::string(table_.definition->name) + "." + c.name;
        if (found.empty())
            return add_column(c, object);
        // A derived column begins empty: another default would be a balance that no row of the ledger explains.
        const bool wrong = is_derived(c.name) && found.text(0, 1) != c.default_value;
        if (c.default_value != nullptr && (wrong || !found.boolean(0, 0).value_or(false)))
            change(object, "set default",
                   "ALTER TABLE " + table_.qualified() + " ALTER COLUMN " + c.name + " SET DEFAULT " + c.default_value);
    }

    // Without a rewrite: a volatile default would make Postgres write every row anew, so the column comes with the time
    // of now and gets its real default behind that. Without a default it gets its NOT NULL like any other rule.
    void add_column(const column &c, const std::string &object) {
        const bool is_volatile = c.default_value != nullptr && std::string_view(c.default_value) == MEGA_NOW;
        const std::string alter = "ALTER TABLE " + table_.qualified() + " ";
        const std::string clause = c.default_value == nullptr
                                       ? std::string(c.name) + " " + c.type
                                       : column_clause(c, is_volatile ? "now()" : c.default_value);
        change(object, "add column", alter + "ADD COLUMN " + clause);
        if (is_volatile && !dry_run_)
            session_.run_text(alter + "ALTER COLUMN " + c.name + " SET DEFAULT " + c.default_value);
    }

    static bool is_derived(std::string_view column) {
        return column == name(customer::mg_credits) || column == name(customer::mg_mma_preferences);
    }

    std::string index_name(const named_definition &index) const {
        return pg::with_schema_name("@schema@.", schema_) + index.name;
    }

    void complete_index(const named_definition &index) {
        using state = index_place::state;
        const index_place place = place_of(session_, table_, index);
        switch (place.what) {
        case state::free:
            // A unique one of a table that was there is a rule: it is made already, or there is a reason.
            if (shape_of(index).unique && !created_)
                return;
            change(index.name, "create index", "CREATE " + table_.text_of(index));
            if (!dry_run_)
                comment_on(session_, "INDEX " + index_name(index), index.comment);
            return;
        case state::there:
            if (!dry_run_ && lacks_description("pg_class", "relname", index.name, "relnamespace", schema_))
                comment_on(session_, "INDEX " + index_name(index), index.comment);
            return;
        case state::invalid:
            return report_.add(index.name, "keep", "it is not valid: its building failed; drop it or REINDEX it");
        case state::elsewhere:
            return report_.add(index.name, "keep", same_work(index.name, place.other));
        case state::taken:
            return report_.add(index.name, "skip index", "its name belongs to " + place.other);
        }
    }

    void complete_trigger(const named_definition &trigger) {
        const std::string on_table = std::string(trigger.name) + " ON " + table_.qualified();
        if (table_.relation != InvalidOid &&
            exists("SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = " + std::to_string(table_.relation) +
                   " AND tgname = " + sql_literal(trigger.name))) {
            if (!dry_run_ && lacks_description("pg_trigger", "tgname", trigger.name, "tgrelid", table_.relation))
                comment_on(session_, "TRIGGER " + on_table, trigger.comment);
            return;
        }
        change(trigger.name, "create trigger",
               "CREATE TRIGGER " + std::string(trigger.name) + " " + table_.text_of(trigger));
        if (!dry_run_)
            comment_on(session_, "TRIGGER " + on_table, trigger.comment);
    }

    // Whether there is an object of that name in that place, without a comment.
    bool lacks_description(const std::string &catalog, const std::string &name_column, std::string_view name,
                           const std::string &place_column, Oid place) {
        return exists("SELECT FROM pg_catalog." + catalog + " o WHERE o." + name_column + " = " + sql_literal(name) +
                      " AND o." + place_column + " = " + std::to_string(place) +
                      " AND pg_catalog.obj_description(o.oid, '" + catalog + "') IS NULL");
    }

    void complete_comments() {
        if (dry_run_)
            return;
        const auto described = [this](AttrNumber number) {
            return exists("SELECT FROM pg_catalog.pg_description WHERE classoid = 'pg_catalog.pg_class'::regclass AND "
                          "objoid = " +
                          std::to_string(table_.relation) + " AND objsubid = " + std::to_string(number));
        };
        const table_definition &table = *table_.definition;
        if (!described(0))
            comment_on(session_, "TABLE " + table_.qualified(), table.comment);
        for (const column &c : table.columns) {
            const AttrNumber number = pg::call([this, &c] { return get_attnum(table_.relation, c.name); });
            if (number > 0 && !described(number))
                comment_on(session_, "COLUMN " + table_.qualified() + "." + c.name, c.comment);
        }
        for (const named_definition &constraint : table.constraints)
            if (lacks_description("pg_constraint", "conname", constraint.name, "conrelid", table_.relation))
                comment_on(session_, "CONSTRAINT " + std::string(constraint.name) + " ON " + table_.qualified(),
                           constraint.comment);
    }

    pg::row_set &report_;
    pg::session &session_;
    Oid schema_;
    bool dry_run_;
    bool created_ = false;
    found_table table_{};
};

Datum install(FunctionCallInfo fcinfo) {
    pg::row_set report(fcinfo);
    pg::session session;
    const bool dry_run = pg::arguments(fcinfo).boolean(0).value_or(false);
    if (!dry_run)
        pg::require_writable("mega_install"); // also where nothing would be left to do, as on a standby
    installer work(report, session, pg::schema_of_function(fcinfo->flinfo->fn_oid), dry_run);
    for (const table_definition &table : manifest)
        work.install(table);
    session.finish();
    return pg::return_null(fcinfo);
}

// The settings that pg_dump and pg_restore set at the start of every restore, and ordinary sessions do not.
constinit pg::statement restore_settings("SELECT pg_catalog.count(*) FROM pg_catalog.pg_settings s WHERE s.name IN "
                                         "('row_security', 'xmloption', 'statement_timeout', 'lock_timeout', "
                                         "'idle_in_transaction_session_timeout') AND s.source = 'session'");

Datum is_restoring(FunctionCallInfo) {
    pg::session session;
    const std::int64_t set = session.run(restore_settings, InvalidOid, pg::access::read_only).int8(0, 0).value_or(0);
    session.finish();
    return BoolGetDatum(set == 5);
}

} // namespace

} // namespace mega::schema

PG_ENTRY(mega_install, mega::schema::install);
PG_ENTRY(mega_is_restoring, mega::schema::is_restoring);
