#include "schema/rules.hpp"

#include "pg/relation.hpp"
#include "pg/subtransaction.hpp"
#include "schema/indexes.hpp"

namespace mega::schema {

namespace {

// What only triggers keep: for rows that are new or change. `broken` is true of a row that breaks the rule.
struct trigger_rule {
    const char *table;
    const char *column;
    const char *demand;
    const char *broken;
};

constexpr trigger_rule trigger_rules[] = {
    {customers_name, "mg_shopify_customer_id", "'' and anonymous are stored as NULL.",
     "lower(btrim(mg_shopify_customer_id)) IN ('', 'anonymous')"},
    {customers_name, "mg_mma_preferences", "The snapshot is a JSON object.",
     "jsonb_typeof(mg_mma_preferences) <> 'object'"},
    {generations_name, "mg_mma_mode", "still or video.", "mg_mma_mode NOT IN ('still', 'video')"},
    {generations_name, "mg_mma_status", "One of the seven statuses.",
     "mg_mma_status NOT IN ('queued', 'scanning', 'prompting', 'generating', 'postscan', 'done', 'error')"},
    {generations_name, "mg_mma_vars", "A JSON object without URLs that expire.",
     "jsonb_typeof(mg_mma_vars) <> 'object' OR @schema@.mega_has_expiring_url(mg_mma_vars)"},
    {generations_name, "mg_meta", "An event has one of the seven event types, and no URL that expires.",
     "mg_record_type = 'mma_event' AND (coalesce(mg_meta ->> 'event_type', '') NOT IN ('like', 'dislike', 'download', "
     "'preference_set', 'create', 'tweak', 'feedback') OR @schema@.mega_has_expiring_url(mg_meta))"},
    {generations_name, "mg_payload", "A step has its input and output.",
     "mg_record_type = 'mma_step' AND NOT coalesce(mg_payload ?& '{input,output}', false) "
     "AND NOT coalesce(mg_meta ?& '{input,output}', false)"},
};

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
    for (std::size_t at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder, at + value.size()))
        text.replace(at, placeholder.size(), value);
    return text;
}

// Looks for the rules of one table that are open.
class survey {
public:
    survey(pg::session &session, const found_table &table) : session_(session), table_(table) {
        const pg::rows found = session_.run_text(
            "SELECT a.attname::text, a.attnotnull FROM pg_catalog.pg_attribute a WHERE a.attrelid = " +
            std::to_string(table_.relation) + " AND a.attnum > 0 AND NOT a.attisdropped");
        for (std::uint64_t i = 0; i < found.count(); ++i)
            columns_.emplace(*found.text(i, 0), *found.boolean(i, 1));
    }

    std::vector<open_rule> run(bool with_triggers) {
        for (const column &c : table_.definition->columns)
            look_at_column(c);
        for (const named_definition &constraint : table_.definition->constraints)
            look_at_constraint(constraint);
        for (const named_definition &index : table_.definition->indexes)
            if (shape_of(index).unique && place_of(session_, table_, index).what == index_place::state::free)
                add_unique_index(index);
        for (const trigger_rule &rule : trigger_rules)
            if (with_triggers && std::string_view(rule.table) == table_.definition->name)
                count_in_pass(
                    rules_.emplace_back(open_rule{
                        open_rule::kind::by_trigger, std::string(rule.table) + "." + rule.column, rule.demand, {}}),
                    pg::with_schema_name(rule.broken, table_.schema));
        pass();
        std::erase_if(rules_, [](const open_rule &rule) {
            return rule.what == open_rule::kind::by_trigger && rule.offenders == 0;
        });
        return std::move(rules_);
    }

private:
    bool exists(const std::string &query) { return !session_.run_text(query).empty(); }

    void look_at_column(const column &c) {
        const auto found = columns_.find(c.name);
        // A column that is added with a default comes with NOT NULL.
        const bool held = found == columns_.end() ? c.default_value != nullptr : found->second;
        if (!c.not_null || held)
            return;
        const std::string name = c.name;
        count_in_pass(
            rules_.emplace_back(open_rule{open_rule::kind::not_null, std::string(table_.definition->name) + "." + name,
                                          "NOT NULL", "ALTER COLUMN " + name + " SET NOT NULL"}),
            name + " IS NULL");
    }

    void look_at_constraint(const named_definition &constraint) {
        const std::string_view definition = constraint.definition;
        if (definition.starts_with("PRIMARY KEY"))
            return look_at_key(constraint);
        const pg::rows found = session_.run_text(
            "SELECT contype = 'f' AND NOT convalidated FROM pg_catalog.pg_constraint WHERE conrelid = " +
            std::to_string(table_.relation) + " AND conname = " + sql_literal(constraint.name));
        const bool half = !found.empty() && found.boolean(0, 0).value_or(false);
        const bool is_foreign = definition.starts_with("FOREIGN KEY (");
        const std::string_view column = is_foreign ? column_of_foreign_key(constraint) : std::string_view();
        if ((!found.empty() && !half) ||
            (found.empty() && is_foreign && !foreign_key_of(session_, table_, column).empty()))
            return;
        open_rule &rule = add_constraint(constraint, table_.text_of(constraint));
        if (!is_foreign)
            return count_in_pass(rule, "NOT " + table_.text_of(constraint).substr(6));
        // A foreign key looks at rows that are new or change their customer: NOT VALID it stops no other write.
        if (half)
            rule.clause = std::string("VALIDATE CONSTRAINT ") + constraint.name;
        else
            rule.meanwhile = rule.clause + " NOT VALID";
        count_orphans(rule, column);
    }

    open_rule &add_constraint(const named_definition &constraint, const std::string &text) {
        return rules_.emplace_back(open_rule{
            open_rule::kind::constraint, constraint.name, constraint.comment != nullptr ? constraint.comment : text,
            std::string("ADD CONSTRAINT ") + constraint.name + " " + text, constraint.comment});
    }

    // The primary key. A table that has one on a column of its own gets a unique constraint beside it, which is named
    // as Postgres would: the key's name may be taken.
    void look_at_key(const named_definition &constraint) {
        const std::string column = table_.definition->columns[0].name;
        if (is_key(session_, table_.relation, column))
            return;
        const bool has_other = exists("SELECT FROM pg_catalog.pg_constraint WHERE contype = 'p' AND conrelid = " +
                                      std::to_string(table_.relation));
        const std::string name =
            has_other ? std::string(table_.definition->name) + "_" + column + "_key" : constraint.name;
        const std::string text = (has_other ? "UNIQUE (" : "PRIMARY KEY (") + column + ")";
        open_rule &rule = rules_.emplace_back(
            open_rule{open_rule::kind::constraint, name, text, "ADD CONSTRAINT " + name + " " + text});
        count_doubles(rule, column, column + " IS NOT NULL");
    }

    void add_unique_index(const named_definition &index) {
        const index_shape shape = shape_of(index);
        count_doubles(rules_.emplace_back(open_rule{open_rule::kind::unique_index, index.name,
                                                    index.comment != nullptr ? index.comment : "",
                                                    table_.text_of(index), index.comment}),
                      shape.columns, shape.predicate);
    }

    // The table with columns that are missing as they would be added.
    std::string source() const {
        std::string text = "(SELECT t.*";
        for (const column &c : table_.definition->columns)
            if (!columns_.contains(c.name))
                text += std::string(", ") + (c.default_value != nullptr ? c.default_value : "NULL") +
                        "::" + replaced(c.type, " COLLATE \"C\"", "") + " AS " + c.name;
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
                    ("count(*) FILTER (WHERE " + broken + "), min(" + table_.definition->columns[0].name +
                     "::text COLLATE \"C\") FILTER (WHERE " + broken + ")");
        const pg::rows found = session_.run_text(text + " FROM " + source());
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
            session_.run_text("SELECT coalesce(sum(d.rows), 0)::int8, min(d.example) FROM (SELECT count(*) AS rows, "
                              "concat_ws(', ', " +
                              columns + ") COLLATE \"C\" AS example FROM " + source() +
                              (predicate.empty() ? std::string() : " WHERE " + predicate) + " GROUP BY " + columns +
                              " HAVING count(*) > 1) d");
        take(rule, found, 0);
    }

    // Rows whose customer does not exist.
    void count_orphans(open_rule &rule, std::string_view column) {
        const Oid customers = pg::relation_named(customers_name, table_.schema);
        const std::string name = "t." + std::string(column);
        std::string text = "SELECT count(*), min(t." + std::string(table_.definition->columns[0].name) +
                           "::text COLLATE \"C\") FROM " + source() + " WHERE " + name + " IS NOT NULL";
        if (customers != InvalidOid)
            text += " AND NOT EXISTS (SELECT FROM ONLY " +
                    pg::with_schema_name("@schema@.mega_customers", table_.schema) + " c WHERE c.mg_pass_id = " + name +
                    ")";
        take(rule, session_.run_text(text), 0);
        rule.obstacle = why_no_foreign_key(session_, table_.schema);
        if (!rule.obstacle.empty())
            rule.meanwhile.clear();
    }

    pg::session &session_;
    const found_table &table_;
    std::map<std::string, bool, std::less<>> columns_; // and whether they are NOT NULL
    std::vector<open_rule> rules_;
    std::vector<std::pair<std::size_t, std::string>> conditions_; // by the rule's place
};

// Runs the command in a subtransaction. '' when it was done; what Postgres says when it refused. What is not about the
// rows or the definition (a cancel, a deadlock) goes on.
std::string refusal(pg::session &session, const std::string &command) {
    const auto failed = pg::in_subtransaction([&] { session.run_text(command); });
    if (!failed)
        return {};
    const std::string_view kind = failed->data == nullptr ? "53" : unpack_sql_state(failed->data->sqlerrcode);
    for (const std::string_view mine : {"22", "23", "42", "54"})
        if (kind.starts_with(mine))
            return failed->data->message;
    throw *failed;
}

} // namespace

std::string_view column_of_foreign_key(const named_definition &constraint) {
    const std::string_view definition = constraint.definition;
    if (!definition.starts_with("FOREIGN KEY ("))
        return {};
    return definition.substr(13, definition.find(')') - 13);
}

std::string why_no_foreign_key(pg::session &session, Oid schema) {
    const Oid customers = pg::relation_named(customers_name, schema);
    if (customers == InvalidOid || is_key(session, customers, "mg_pass_id"))
        return {};
    const std::string table = pg::with_schema_name("@schema@.mega_customers", schema);
    const pg::rows broken = session.run_text("SELECT FROM ONLY " + table +
                                             " GROUP BY mg_pass_id HAVING count(*) > 1 OR mg_pass_id IS NULL LIMIT 1");
    return broken.empty() ? "" : "mega_customers has no key: some pass ids are missing or there twice";
}

std::string sql_literal(std::string_view text) {
    const std::string owned(text);
    return pg::call([&owned] { return static_cast<const char *>(quote_literal_cstr(owned.c_str())); });
}

void comment_on(pg::session &session, const std::string &object, const char *comment) {
    if (comment != nullptr)
        session.run_text("COMMENT ON " + object + " IS " + sql_literal(comment));
}

std::string found_table::qualified() const { return pg::with_schema_name("@schema@.", schema) + definition->name; }

std::string found_table::text_of(const named_definition &object) const {
    std::string text = pg::with_schema_name(object.definition, schema);
    text = replaced(std::move(text), "@table@", qualified());
    return replaced(std::move(text), "#", object.name);
}

std::vector<open_rule> open_rules(pg::session &session, const found_table &table, bool with_triggers) {
    return survey(session, table).run(with_triggers);
}

std::vector<std::pair<std::string, std::string>> hold(pg::session &session, const found_table &table,
                                                      std::span<const open_rule> rules) {
    std::vector<std::pair<std::string, std::string>> refused;
    const std::string alter = "ALTER TABLE " + table.qualified() + " ";
    std::string together;
    for (const open_rule &rule : rules)
        if (rule.what == open_rule::kind::not_null || rule.what == open_rule::kind::constraint)
            together += (together.empty() ? alter : ", ") + rule.clause;
    // When one is refused, because a row came in meanwhile, the others are still worth having.
    const bool one_by_one = !together.empty() && !refusal(session, together).empty();
    for (const open_rule &rule : rules) {
        std::string why;
        if (rule.what == open_rule::kind::unique_index)
            why = refusal(session, "CREATE " + rule.clause);
        else if (one_by_one)
            why = refusal(session, alter + rule.clause);
        if (!why.empty()) {
            refused.emplace_back(rule.object, why);
            continue;
        }
        const std::string schema = pg::with_schema_name("@schema@.", table.schema);
        if (rule.what == open_rule::kind::unique_index)
            comment_on(session, "INDEX " + schema + rule.object, rule.comment);
        else if (rule.what == open_rule::kind::constraint)
            comment_on(session, "CONSTRAINT " + rule.object + " ON " + table.qualified(), rule.comment);
    }
    return refused;
}

} // namespace mega::schema
