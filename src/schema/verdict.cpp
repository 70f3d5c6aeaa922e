// Judges whether a table may be written: its relatives, its triggers, the code it carries.
#include "schema/verdict.hpp"

#include "pg/carried_code.hpp"
#include "pg/deferrable_key.hpp"
#include "pg/relation.hpp"
#include "pg/rewrite_rule.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "schema/blueprints.hpp"
#include "schema/settings.hpp"

namespace mega::schema {

namespace {

struct judged {
    std::optional<pg::sql_error> refusal;
    bool lasts = true;
    bool rests_on_types = false;
    bool code_by_name = false;
    std::optional<pg::sql_error> of_looks{};
};

// The last refusal of each table. Kept here and not in the verdict, which is copied by every call.
template <class Refusal> using of_each_table = std::array<Refusal, std::tuple_size_v<decltype(blueprints)>>;
constinit of_each_table<std::optional<pg::sql_error>> refusals;
constinit of_each_table<std::optional<pg::sql_error>> look_refusals;
constinit of_each_table<refusals_of_functions> rule_refusals;

// Rows that reach the ledger through a partitioned table fire its row triggers and not those of the statement, which
// project; rows of a child fire none.
judged judge_relatives(Relation relation, const blueprint &definition) {
    const Form_pg_class form = relation->rd_rel;
    if (std::string_view(definition.name) != generations_name)
        return {};
    if (form->relispartition)
        return {pg::sql_error{"55000", "the ledger is a partition of another table",
                              "table=" + pg::quoted(definition.name),
                              "Take it out with ALTER TABLE ... DETACH PARTITION: its rows would not be projected."}};
    if (form->relhassubclass &&
        pg::call([relation] { return find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL; }))
        return {pg::sql_error{"55000", "the ledger has child tables", "table=" + pg::quoted(definition.name),
                              "Drop them, or take them out with ALTER TABLE ... NO INHERIT: their rows keep no rule."},
                false}; // a child that is dropped says nothing
    return {};
}

bool finds_rows(const column &one) {
    return std::string_view(one.type) == MEGA_ID || std::string_view(one.name) == "mg_status";
}

std::vector<Oid> trusted_roles() {
    std::vector<Oid> roles;
    const List *found = pg::call([] {
        List *names = NIL, *known = NIL;
        SplitIdentifierString(pstrdup(mega::trusted_owners_setting()), ',', &names);
        ListCell *cell;
        foreach (cell, names)
            if (const Oid role = get_role_oid(static_cast<const char *>(lfirst(cell)), true); role != InvalidOid)
                known = lappend_oid(known, role);
        return known;
    });
    for (int i = 0; i < list_length(found); ++i)
        roles.push_back(list_nth_oid(found, i));
    return roles;
}

// Whether code of the author's borrows nothing when it runs as the owner: the author may do all that anyhow.
bool borrows_nothing(Oid author, Oid owner) {
    return author != InvalidOid && pg::call([=] { return superuser_arg(author) || has_privs_of_role(author, owner); });
}

std::string role_name(Oid role) {
    return pg::call([role] { return static_cast<const char *>(GetUserNameFromId(role, true)); });
}

std::string in_words(const pg::carried_code &piece, const char *table) {
    const std::string text = piece.place + " on " + table + " runs " + piece.name;
    return piece.author == InvalidOid ? text + ", which may run anything"
                                      : text + " of role " + role_name(piece.author);
}

std::vector<const pg::carried_code *> refused(const pg::all_carried_code &found, Oid owner) {
    const std::vector<Oid> trusted = trusted_roles();
    std::vector<const pg::carried_code *> pieces;
    for (const pg::carried_code &piece : found.pieces)
        if (std::ranges::find(trusted, piece.author) == trusted.end() && !borrows_nothing(piece.author, owner))
            pieces.push_back(&piece);
    return pieces;
}

pg::sql_error refusal_of(const pg::carried_code &piece, const char *table) {
    return {"42501", in_words(piece, table), "It would run with the rights of the owner of the table.",
            "Drop it, give the function to the owner of the table, or have a superuser name its role in "
            "mega.trusted_owners."};
}

judged judge_code(Relation relation, const blueprint &definition) {
    const pg::all_carried_code found = pg::code_carried_by(relation);
    const auto pieces = refused(found, relation->rd_rel->relowner);
    judged result{std::nullopt, true, found.types, found.by_name, std::nullopt};
    if (!pieces.empty())
        result.refusal = refusal_of(*pieces.front(), definition.name);
    const auto early = std::ranges::find_if(pieces, [](const pg::carried_code *one) { return one->runs_early; });
    if (early != pieces.end())
        result.of_looks = refusal_of(**early, definition.name);
    return result;
}

// The right TRIGGER is enough to put another trigger in the place of one of ours. What the others of ours see then is
// only a part of what is done to the table.
judged judge_triggers(const blueprint &definition, const char *replaced) {
    if (replaced == nullptr)
        return {};
    return {pg::sql_error{"55000", "another trigger stands in the place of one of mega's",
                          "table=" + pg::quoted(definition.name) + " trigger=" + pg::quoted(replaced),
                          "Drop it and call mega_install(); whoever has the right TRIGGER could put it there."}};
}

std::string qualified(Relation relation) {
    return pg::with_schema_name("@schema@.", RelationGetNamespace(relation)) + RelationGetRelationName(relation);
}

} // namespace

std::optional<pg::sql_error> equal_spellings(Relation relation, const blueprint &definition) {
    for (const column &one : definition.columns) {
        const AttrNumber at = finds_rows(one) ? pg::attribute_of(relation->rd_att, one.name) : AttrNumber{0};
        const Oid collation = at == 0 ? InvalidOid : TupleDescAttr(relation->rd_att, at - 1)->attcollation;
        if (collation == InvalidOid || pg::call([collation] { return get_collation_isdeterministic(collation); }))
            continue;
        const std::string name =
            pg::call([collation] { return static_cast<const char *>(get_collation_name(collation)); });
        return pg::sql_error{"55000",
                             std::string("the column ") + one.name + " of " + definition.name +
                                 " has a collation that calls different texts equal",
                             "collation=" + pg::quoted(name),
                             "Give it one that goes by bytes, such as C, with ALTER TABLE ... ALTER COLUMN ... TYPE."};
    }
    return std::nullopt;
}

const char *make_it_plain(char generation) {
    return generation == pg::virtual_column
               ? "Make it a plain column: drop it and add it anew, Postgres takes no expression off a virtual one."
               : "Make it a plain column: ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION.";
}

std::optional<pg::sql_error> computed_column(Relation relation, const blueprint &definition) {
    for (const column &one : definition.columns) {
        const char generation = pg::generation_of(relation->rd_att, one.name);
        if (generation == '\0' || (!one.not_null && std::string_view(definition.name) != generations_name))
            continue;
        return pg::sql_error{"55000",
                             std::string("the column ") + one.name + " of " + definition.name + " is a generated one",
                             "Mega writes it, or checks it before it is stored.", make_it_plain(generation)};
    }
    return std::nullopt;
}

std::vector<std::string> code_of_others(Relation relation, const char *table) {
    const pg::all_carried_code found = pg::code_carried_by(relation);
    std::vector<std::string> words;
    for (const pg::carried_code *piece : refused(found, relation->rd_rel->relowner))
        words.push_back(in_words(*piece, table));
    return words;
}

refusals_of_functions refusals_for_rules(Relation relation, const blueprint &definition) {
    const pg::rules_in_the_way found = pg::rules_in_the_way_of(relation);
    const auto refusal = [&definition, relation](const std::string &rule, const char *does, const char *detail) {
        if (rule.empty())
            return std::optional<pg::sql_error>{};
        const std::string name = pg::call([&rule] { return quote_identifier(rule.c_str()); });
        return std::optional(
            pg::sql_error{"55000", "the rule " + name + " on " + definition.name + does, detail,
                          "DROP RULE " + name + " ON " + qualified(relation) + ", or make a trigger of it."});
    };
    return {refusal(found.of_updates, " stands in the place of updates",
                    "Postgres does not tell functions what became of their UPDATE then."),
            refusal(found.of_keys, " keeps functions from inserting rows",
                    "With a rule ON INSERT or ON UPDATE Postgres refuses INSERT ... ON CONFLICT, by which they claim "
                    "keys.")};
}

std::optional<pg::sql_error> refusal_for_keys(Relation relation, const blueprint &definition) {
    const pg::deferrable_key found = pg::deferrable_key_of(relation);
    if (found.name.empty())
        return std::nullopt;
    return pg::sql_error{
        "55000", "the constraint " + found.name + " on " + definition.name + " keeps functions from inserting rows",
        "With a key that is DEFERRABLE Postgres refuses INSERT ... ON CONFLICT, by which they claim keys.",
        "ALTER TABLE " + qualified(relation) + " DROP CONSTRAINT " + found.name + ", ADD CONSTRAINT " + found.name +
            " " + found.definition + " NOT DEFERRABLE;"};
}

verdict judge(Relation relation, const blueprint &definition, const char *replaced_trigger) {
    judged found = judge_relatives(relation, definition);
    if (!found.refusal)
        found = judge_triggers(definition, replaced_trigger);
    if (!found.refusal)
        found.refusal = equal_spellings(relation, definition);
    if (!found.refusal)
        found.refusal = computed_column(relation, definition);
    const judged code = judge_code(relation, definition); // runs where the owner's looks go, refused or not
    if (!found.refusal)
        found.refusal = code.refusal;
    found.rests_on_types = code.rests_on_types;
    found.code_by_name = code.code_by_name;
    verdict result{nullptr, nullptr, nullptr, nullptr, found.lasts, found.rests_on_types, found.code_by_name};
    const auto place = static_cast<std::size_t>(&definition - blueprints.data());
    if (relation->rd_rel->relhasrules) {
        auto &[updates, new_rows] = rule_refusals[place]; // what an outer call's verdict points to stays engaged
        const auto found_rules = refusals_for_rules(relation, definition);
        if (found_rules.updates)
            result.of_updates = &updates.emplace(*found_rules.updates);
        if (found_rules.new_rows)
            result.of_new = &new_rows.emplace(*found_rules.new_rows);
    }
    if (result.of_new == nullptr)
        if (const auto keys = refusal_for_keys(relation, definition))
            result.of_new = &rule_refusals[place].new_rows.emplace(*keys);
    if (code.of_looks)
        result.of_looks = &look_refusals[place].emplace(*code.of_looks);
    if (found.refusal) {
        auto &kept = refusals[place];
        kept = found.refusal;
        result.refusal = &*kept;
    }
    return result;
}

} // namespace mega::schema
