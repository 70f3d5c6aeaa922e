// mega_install: creates what is missing of the three tables and leaves what is there. The installer of an empty
// database, the patch of one that has such tables already, and the upgrader, in one (design, section 4).
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "pg/version.hpp"
#include "schema/manifest.hpp"

namespace mega::schema {

namespace {

std::string literal(std::string_view text) {
    const std::string owned(text);
    return pg::call([&owned] { return static_cast<const char *>(quote_literal_cstr(owned.c_str())); });
}

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
    for (std::size_t at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder, at + value.size()))
        text.replace(at, placeholder.size(), value);
    return text;
}

class installer {
public:
    installer(FunctionCallInfo fcinfo, pg::row_set &report, pg::session &session, bool dry_run)
        : report_(report), session_(session), schema_(pg::schema_of_function(fcinfo->flinfo->fn_oid)),
          dry_run_(dry_run) {}

    void install(const table_definition &table) {
        table_ = &table;
        qualified_ = pg::with_schema_name("@schema@.", schema_) + table.name;
        relation_ = pg::relation_named(table.name, schema_);
        if (relation_ == InvalidOid) {
            create_table();
        } else {
            require_own_table();
            for (const column &c : table.columns)
                complete_column(c);
            for (const named_definition &constraint : table.constraints)
                complete_constraint(constraint);
        }
        for (const named_definition &index : table.indexes)
            complete_index(index);
        for (const named_definition &trigger : table.triggers)
            complete_trigger(trigger);
        if (relation_ != InvalidOid)
            complete_comments();
    }

private:
    // Runs the command unless this is a dry run, and reports it.
    void change(const std::string &object, const char *action, const std::string &command,
                const std::string &detail = {}) {
        if (!dry_run_)
            session_.run_text(command);
        report_.add(object, action, detail.empty() ? command : detail);
    }

    void leave(const std::string &object, const char *action, const std::string &detail) {
        report_.add(object, action, detail);
    }

    bool exists(const std::string &query) { return !session_.run_text(query).empty(); }

    std::string on_this_table() const { return std::to_string(relation_); }

    std::string definition(const named_definition &what) const {
        std::string text = pg::with_schema_name(what.definition, schema_);
        text = replaced(std::move(text), "@table@", qualified_);
        return replaced(std::move(text), "#", what.name);
    }

    static std::string column_clause(const column &c, const char *default_value) {
        std::string clause = std::string(c.name) + " " + c.type;
        if (default_value != nullptr)
            clause += std::string(" DEFAULT ") + default_value;
        if (c.not_null)
            clause += " NOT NULL";
        return clause;
    }

    void create_table() {
        std::string body;
        for (const column &c : table_->columns)
            body += (body.empty() ? "" : ", ") + column_clause(c, c.default_value);
        for (const named_definition &constraint : table_->constraints)
            body += std::string(", CONSTRAINT ") + constraint.name + " " + definition(constraint);
        change(table_->name, "create table",
               "CREATE TABLE " + qualified_ + " (" + body + ") WITH (" + table_->storage + ")",
               std::to_string(table_->columns.size()) + " columns, " + std::to_string(table_->constraints.size()) +
                   " constraints");
        if (!dry_run_)
            relation_ = pg::relation_named(table_->name, schema_);
    }

    void require_own_table() {
        const bool own = pg::call([this] { return pg::owns_relation(relation_, GetUserId()); });
        if (!own)
            throw pg::sql_error{"42501",
                                std::string("the table ") + table_->name + " belongs to another role",
                                {},
                                "Call mega_install as the owner of the table."};
        if (get_rel_relkind(relation_) != RELKIND_RELATION)
            throw pg::sql_error{"42809", std::string(table_->name) + " is not a plain table", {}, {}};
    }

    void complete_column(const column &c) {
        const pg::rows found = session_.run_text(
            "SELECT pg_catalog.format_type(a.atttypid, NULL), a.attnotnull, a.atthasdef FROM pg_catalog.pg_attribute a "
            "WHERE a.attrelid = " +
            on_this_table() + " AND a.attname = " + literal(c.name) + " AND NOT a.attisdropped");
        const std::string object = std::string(table_->name) + "." + c.name;
        if (found.empty()) {
            add_column(c, object);
            return;
        }
        const std::string type(found.text(0, 0).value_or(""));
        const bool not_null = found.boolean(0, 1).value_or(false);
        const bool has_default = found.boolean(0, 2).value_or(false);
        if (!same_type(type, c.type))
            leave(object, "keep", "its type is " + type + ", not " + c.type);
        if (c.default_value != nullptr && !has_default)
            change(object, "set default",
                   "ALTER TABLE " + qualified_ + " ALTER COLUMN " + c.name + " SET DEFAULT " + c.default_value);
        if (c.not_null && !not_null) {
            const std::string holes = offenders(std::string(c.name) + " IS NULL");
            if (holes.empty())
                change(object, "set not null",
                       "ALTER TABLE " + qualified_ + " ALTER COLUMN " + c.name + " SET NOT NULL");
            else
                leave(object, "skip not null", holes);
        }
    }

    // Without a rewrite: a volatile default would make Postgres write every row anew, so the column comes with the time
    // of now and gets its real default behind that.
    void add_column(const column &c, const std::string &object) {
        const bool is_volatile = c.default_value != nullptr && std::string_view(c.default_value) == MEGA_NOW;
        change(object, "add column",
               "ALTER TABLE " + qualified_ + " ADD COLUMN " +
                   column_clause(c, is_volatile ? "now()" : c.default_value));
        if (is_volatile && !dry_run_)
            session_.run_text("ALTER TABLE " + qualified_ + " ALTER COLUMN " + c.name + " SET DEFAULT " +
                              c.default_value);
    }

    static bool same_type(std::string_view type, std::string_view wanted) {
        if (wanted.starts_with("text"))
            return type == "text" || type.starts_with("character varying");
        return type == wanted || (wanted == "timestamptz" && type == "timestamp with time zone");
    }

    // Number of rows for which the condition holds, with one of them as an example; '' when there is none.
    std::string offenders(const std::string &condition) {
        const pg::rows found = session_.run_text("SELECT count(*), min(" + std::string(table_->columns[0].name) +
                                                 "::text) FROM ONLY " + qualified_ + " t WHERE " + condition);
        const std::int64_t count = found.int8(0, 0).value_or(0);
        if (count == 0)
            return {};
        return std::to_string(count) + " rows break it, for example " + std::string(found.text(0, 1).value_or("NULL"));
    }

    std::string condition_against(const named_definition &constraint) const {
        const std::string text = definition(constraint);
        if (text.starts_with("CHECK "))
            return "NOT (" + text.substr(6) + ")";
        if (text.starts_with("FOREIGN KEY (")) {
            const std::string column(text.substr(13, text.find(')') - 13));
            return column + " IS NOT NULL AND NOT EXISTS (SELECT FROM ONLY " +
                   pg::with_schema_name("@schema@.mega_customers", schema_) + " c WHERE c.mg_pass_id = t." + column +
                   ")";
        }
        return "false";
    }

    void complete_constraint(const named_definition &constraint) {
        const bool is_key = std::string_view(constraint.definition).starts_with("PRIMARY KEY");
        if (exists("SELECT FROM pg_catalog.pg_constraint WHERE conrelid = " + on_this_table() + " AND " +
                   (is_key ? std::string("contype = 'p'") : "conname = " + literal(constraint.name))))
            return;
        const std::string broken = offenders(condition_against(constraint));
        if (!broken.empty())
            leave(constraint.name, "skip constraint", broken);
        else
            change(constraint.name, "add constraint",
                   "ALTER TABLE " + qualified_ + " ADD CONSTRAINT " + constraint.name + " " + definition(constraint));
    }

    void complete_index(const named_definition &index) {
        if (exists("SELECT FROM pg_catalog.pg_class WHERE relnamespace = " + std::to_string(schema_) +
                   " AND relname = " + literal(index.name)))
            return;
        change(index.name, "create index", "CREATE " + definition(index));
        comment_on("INDEX " + pg::with_schema_name("@schema@.", schema_) + index.name, index.comment);
    }

    void complete_trigger(const named_definition &trigger) {
        if (relation_ != InvalidOid && exists("SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = " + on_this_table() +
                                              " AND tgname = " + literal(trigger.name)))
            return;
        change(trigger.name, "create trigger",
               "CREATE TRIGGER " + std::string(trigger.name) + " " + definition(trigger));
        comment_on("TRIGGER " + std::string(trigger.name) + " ON " + qualified_, trigger.comment);
    }

    void comment_on(const std::string &object, const char *comment) {
        if (comment != nullptr && !dry_run_)
            session_.run_text("COMMENT ON " + object + " IS " + literal(comment));
    }

    void complete_comments() {
        const auto described = [this](const std::string &number) {
            return exists("SELECT FROM pg_catalog.pg_description WHERE classoid = 'pg_catalog.pg_class'::regclass AND "
                          "objoid = " +
                          on_this_table() + " AND objsubid = " + number);
        };
        if (!described("0"))
            comment_on("TABLE " + qualified_, table_->comment);
        for (const column &c : table_->columns) {
            const AttrNumber number = pg::call([this, &c] { return get_attnum(relation_, c.name); });
            if (number > 0 && !described(std::to_string(number)))
                comment_on("COLUMN " + qualified_ + "." + c.name, c.comment);
        }
        for (const named_definition &constraint : table_->constraints)
            if (constraint.comment != nullptr && lacks_comment(constraint))
                comment_on("CONSTRAINT " + std::string(constraint.name) + " ON " + qualified_, constraint.comment);
    }

    bool lacks_comment(const named_definition &constraint) {
        return exists("SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = " + on_this_table() +
                      " AND c.conname = " + literal(constraint.name) +
                      " AND pg_catalog.obj_description(c.oid, 'pg_constraint') IS NULL");
    }

    pg::row_set &report_;
    pg::session &session_;
    Oid schema_;
    bool dry_run_;
    const table_definition *table_ = nullptr;
    std::string qualified_;
    Oid relation_ = InvalidOid;
};

Datum install(FunctionCallInfo fcinfo) {
    pg::row_set report(fcinfo);
    pg::session session;
    installer work(fcinfo, report, session, pg::arguments(fcinfo).boolean(0).value_or(false));
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
