// The install plan of one table: made from what is there, carried out, told.
#include "schema/install_plan.hpp"

#include "pg/relation.hpp"
#include "pg/version.hpp"
#include "schema/adoption.hpp"
#include "schema/key_adoption.hpp"
#include "schema/table_catalog.hpp"

namespace mega::schema {

namespace {

using kind = open_rule::kind;

bool is_derived(std::string_view column) {
    return column == name(customer::mg_credits) || column == name(customer::mg_mma_preferences);
}

std::string column_clause(const column &c, const char *default_value) {
    std::string clause = std::string(c.name) + " " + sql_type(c);
    if (default_value != nullptr)
        clause += std::string(" DEFAULT ") + default_value;
    if (c.not_null)
        clause += " NOT NULL";
    return clause;
}

std::string why(const open_rule &rule) {
    if (rule.offenders == 0)
        return rule.obstacle;
    if (rule.offenders == 1)
        return "1 row breaks it: " + rule.example;
    return std::to_string(rule.offenders) + " rows break it, for example " + rule.example;
}

std::string kept(const open_rule &rule) { return rule.obstacle + (rule.offenders == 0 ? "" : " (" + why(rule) + ")"); }

const char *skipped(const open_rule &rule) {
    switch (rule.what) {
    case kind::not_null:
        return "skip not null";
    case kind::unique_index:
        return "skip index";
    default:
        return !rule.waiting.empty() || rule.way_to_enforce() == way::for_new ? "skip validation" : "skip constraint";
    }
}

const char *added(const open_rule &rule) {
    switch (rule.what) {
    case kind::not_null:
        if (rule.way_to_enforce() == way::validated && rule.witness.empty())
            return "validate constraint";
        return rule.way_to_enforce() == way::for_new ? "add constraint" : "set not null";
    case kind::unique_index:
        return "create index";
    default:
        return rule.way_to_enforce() == way::validated ? "validate constraint" : "add constraint";
    }
}

// The command to have a large table's index before: writers do not wait for that one.
std::string concurrently(const std::string &create, const char *ending = "",
                         const char *then = "which lets writers wait") {
    const std::string_view word = "INDEX ";
    const std::size_t at = create.find(word) + word.size();
    const std::size_t behind_name = create.find(' ', at);
    return create.substr(0, at) + "CONCURRENTLY " + create.substr(at, behind_name - at) + ending +
           create.substr(behind_name) + " -- before mega_install, " + then;
}

std::string told(const open_rule &rule, const target_table &table) {
    const std::string command = rule.command(table);
    if (rule.what == kind::unique_index)
        return rule.large && rule.before.empty() && rule.behind.empty() ? concurrently(command) : command;
    return rule.way_to_enforce() == way::for_new ? command + " -- then SELECT * FROM mega_validate()" : command;
}

} // namespace

install_plan::install_plan(pg::spi_connection &spi, const blueprint &definition, Oid schema)
    : spi_(spi), table_{&definition, schema, pg::relation_named(definition.name, schema)},
      created_(table_.relation == InvalidOid) {
    if (created_) {
        plan_table();
    } else {
        require_own_table();
        require_own_types(spi_, table_);
        for (const oddity &odd : oddities(spi_, table_))
            oddities_.push_back({odd.object, odd.action, odd.detail});
        for (const column &c : definition.columns)
            plan_column(c);
        plan_rules();
    }
    for (const named_definition &index : definition.indexes)
        plan_index(index);
    for (const named_definition &trigger : definition.triggers)
        plan_trigger(trigger);
}

void install_plan::require_own_table() {
    const bool own = pg::call([this] { return pg::owns_relation(table_.relation, GetUserId()); });
    const std::string name = table_.definition->name;
    if (!own)
        throw pg::sql_error{"42501",
                            "the table " + name + " belongs to another role",
                            {},
                            "Call mega_install as the owner of the table."};
    if (pg::call([this] { return get_rel_relkind(table_.relation); }) != RELKIND_RELATION)
        throw pg::sql_error{"42809", name + " is not a plain table", {}, {}};
}

void install_plan::plan_table() {
    const blueprint &table = *table_.definition;
    std::string body;
    for (const column &c : table.columns)
        body += (body.empty() ? "" : ", ") + column_clause(c, c.default_value);
    const std::string obstacle = why_no_foreign_key(spi_, table_.schema);
    std::size_t constraints = 0;
    for (const named_definition &constraint : table.constraints) {
        if (!obstacle.empty() && !column_of_foreign_key(constraint).empty()) {
            columns_.push_back({constraint.name, "skip constraint", obstacle});
            continue;
        }
        if (const std::string_view why = why_left_out(constraint); !why.empty()) {
            columns_.push_back({constraint.name, "skip constraint", std::string(why)});
            continue;
        }
        body += std::string(", CONSTRAINT ") + constraint.name + " " + table_.text_of(constraint);
        ++constraints;
    }
    columns_.push_back(
        {table.name, "create table",
         std::to_string(table.columns.size()) + " columns, " + std::to_string(constraints) + " constraints"});
    commands_.push_back("CREATE TABLE " + table_.qualified() + " (" + body + ") WITH (" + table.storage + ")");
    if (table.uncompressed != nullptr)
        commands_.push_back("ALTER TABLE " + table_.qualified() + " ALTER COLUMN " + table.uncompressed +
                            " SET STORAGE EXTERNAL");
}

void install_plan::plan_column(const column &c) {
    const pg::rows found = spi_.run_text(
        "SELECT a.atthasdef, pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attribute a LEFT JOIN "
        "pg_catalog.pg_attrdef d ON d.adrelid OPERATOR(pg_catalog.=) a.attrelid AND d.adnum OPERATOR(pg_catalog.=) "
        "a.attnum WHERE a.attrelid OPERATOR(pg_catalog.=) " +
        std::to_string(table_.relation) + " AND a.attname OPERATOR(pg_catalog.=) " + sql_literal(c.name) +
        " AND NOT a.attisdropped");
    const std::string object = std::string(table_.definition->name) + "." + c.name;
    if (found.empty())
        return plan_new_column(c, object);
    // A derived column begins empty: another default would be a balance that no row of the ledger explains.
    const bool wrong = is_derived(c.name) && found.text(0, 1) != as_postgres_says(c.default_value);
    if (c.default_value == nullptr || (!wrong && found.boolean(0, 0).value_or(false)))
        return;
    const std::string clause = std::string("ALTER COLUMN ") + c.name + " SET DEFAULT " + c.default_value;
    clauses_ += (clauses_.empty() ? "" : ", ") + clause;
    columns_.push_back({object, "set default", "ALTER TABLE " + table_.qualified() + " " + clause});
}

// Without a rewrite: a volatile default would make Postgres write every row anew, so the column comes with the time of
// now and gets its real default behind that. Without a default it gets its NOT NULL like any other rule.
void install_plan::plan_new_column(const column &c, const std::string &object) {
    const bool is_volatile = c.default_value != nullptr && std::string_view(c.default_value) == MEGA_NOW;
    std::string clause = "ADD COLUMN " + (c.default_value == nullptr
                                              ? std::string(c.name) + " " + sql_type(c)
                                              : column_clause(c, is_volatile ? "pg_catalog.now()" : c.default_value));
    if (is_volatile)
        clause += std::string(", ALTER COLUMN ") + c.name + " SET DEFAULT " + c.default_value;
    clauses_ += (clauses_.empty() ? "" : ", ") + clause;
    columns_.push_back({object, "add column", "ALTER TABLE " + table_.qualified() + " " + clause});
}

void install_plan::plan_rules() {
    for (const named_definition &constraint : table_.definition->constraints) {
        const std::string_view why = why_left_out(constraint);
        if (why.empty() || !exists("SELECT FROM pg_catalog.pg_constraint WHERE conrelid OPERATOR(pg_catalog.=) " +
                                   std::to_string(table_.relation) + " AND conname OPERATOR(pg_catalog.=) " +
                                   sql_literal(constraint.name)))
            continue;
        columns_.push_back({constraint.name, "drop constraint", std::string(why)});
        clauses_ += (clauses_.empty() ? "" : ", ") + std::string("DROP CONSTRAINT ") + constraint.name;
    }
    rules_ = open_rules(spi_, table_, false);
    for (const open_rule &rule : rules_)
        if (!rule.stand_in.empty() && rule.way_to_enforce() == way::not_yet) {
            objects_.push_back({rule.stand_in, "create index",
                                is_read_slowly() ? concurrently(rule.make_stand_in) : rule.make_stand_in});
            commands_.push_back(rule.make_stand_in);
        }
    enforcement_.emplace(spi_, table_, rules_);
}

std::string install_plan::index_name(const named_definition &index) const {
    return pg::with_schema_name("@schema@.", table_.schema) + index.name;
}

// By the name of this one the ledger is known again: it gets it whatever else is there.
void install_plan::plan_known_by(const named_definition &index, const index_place &place) {
    using state = index_place::state;
    const std::string create = "CREATE " + table_.text_of(index);
    switch (place.what) {
    case state::elsewhere: {
        const std::string rename = "ALTER INDEX " + pg::with_schema_name("@schema@.", table_.schema) +
                                   sql_name(place.other) + " RENAME TO " + index.name;
        objects_.push_back({index.name, "rename index", rename});
        commands_.push_back(rename);
        return;
    }
    case state::taken:
        throw pg::sql_error{"42P07", "the name " + std::string(index.name) + " belongs to " + place.other,
                            "By an index of this name mega knows a ledger that was its own before.",
                            "Rename the other one first."};
    default:
        objects_.push_back({index.name, "create index",
                            is_read_slowly() ? concurrently(create, "_ready", "which gives it its name") : create});
        commands_.push_back(create);
    }
}

void install_plan::plan_index(const named_definition &index) {
    using state = index_place::state;
    const index_place place = place_of(spi_, table_, index);
    if (index.name == known_ledger_by && place.what != state::there && place.what != state::invalid)
        return plan_known_by(index, place);
    switch (place.what) {
    case state::free: {
        // A unique one of a table that was there is a rule.
        if (shape_of(index).unique && !created_)
            return;
        const std::string create = "CREATE " + table_.text_of(index);
        objects_.push_back({index.name, "create index", is_read_slowly() ? concurrently(create) : create});
        commands_.push_back(create);
        return;
    }
    case state::there:
    case state::outdated: // a rule
        return;
    case state::invalid:
        objects_.push_back({index.name, "keep", "it is not valid: its building failed; drop it or REINDEX it"});
        return;
    case state::elsewhere:
        objects_.push_back({index.name, "keep", same_work(place.other)});
        return;
    case state::taken:
        objects_.push_back({index.name, "skip index", "its name belongs to " + place.other});
        return;
    }
}

void install_plan::plan_trigger(const named_definition &trigger) {
    const std::string on_table = std::string(trigger.name) + " ON " + table_.qualified();
    switch (created_ ? trigger_state::missing : state_of_trigger(table_.relation, trigger, table_.schema)) {
    case trigger_state::on_guard:
        return;
    case trigger_state::disabled:
        objects_.push_back({trigger.name, "keep",
                            "it is disabled, so functions refuse to write: ALTER TABLE " + table_.qualified() +
                                " ENABLE TRIGGER " + trigger.name});
        return;
    case trigger_state::replaced:
        objects_.push_back(
            {trigger.name, "keep",
             "it is not mega's, so every writer is refused: DROP TRIGGER " + on_table + ", then mega_install again"});
        return;
    case trigger_state::missing:
        break;
    }
    const std::string create = "CREATE TRIGGER " + std::string(trigger.name) + " " + table_.text_of(trigger);
    objects_.push_back({trigger.name, "create trigger", create});
    commands_.push_back(create);
    makes_triggers_ = true;
}

void install_plan::prepare() {
    if (created_)
        return;
    comment_on_what_is_there();
    enforcement_->validate();
}

std::optional<table_lock> install_plan::lock() const {
    if (created_)
        return std::nullopt;
    const char *mode = enforcement_->lock_mode();
    if (!clauses_.empty() || makes_triggers_)
        mode = "ACCESS EXCLUSIVE";
    else if (mode == nullptr && !commands_.empty())
        mode = "SHARE"; // indexes alone: readers go on
    if (mode == nullptr)
        return std::nullopt;
    return table_lock{table_.qualified(), mode};
}

void install_plan::carry_out() {
    if (!clauses_.empty())
        spi_.run_text("ALTER TABLE " + table_.qualified() + " " + clauses_);
    if (enforcement_)
        enforcement_->add();
    for (const std::string &one : commands_)
        spi_.run_text(one);
    if (created_) {
        table_.relation = pg::relation_named(table_.definition->name, table_.schema);
        revoke_default_grants(spi_, table_);
    }
    comment_on_what_is_there();
}

void install_plan::tell(pg::row_set &report) const {
    const auto add = [&](const std::vector<entry> &entries) {
        for (const entry &one : entries)
            report.add(one.object, one.action, one.detail);
    };
    add(oddities_);
    add(columns_);
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const open_rule &rule = rules_[i];
        const std::string &refusal = enforcement_->refusal(i);
        if (rule.way_to_enforce() == way::for_new && rule.offenders > 0)
            report.add(rule.object, "add constraint", rule.command(table_));
        if (rule.is_kept)
            report.add(rule.object, "keep", kept(rule));
        else if (!rule.may_be_enforced() || !refusal.empty())
            report.add(rule.object, skipped(rule), refusal.empty() ? why(rule) : refusal);
        else
            report.add(rule.way_to_enforce() == way::for_new && rule.what == kind::not_null ? rule.witness
                                                                                            : rule.object,
                       added(rule), told(rule, table_));
    }
    add(objects_);
}

} // namespace mega::schema
