#include "schema/verdict.hpp"

#include "schema/manifest.hpp"

namespace mega::schema {

namespace {

struct judged {
    std::optional<pg::sql_error> refusal;
    bool lasts = true;
};

// The last refusal of each table. Kept here and not in the verdict, which is copied by every call.
constinit std::array<std::optional<pg::sql_error>, std::tuple_size_v<decltype(manifest)>> refusals;

// Rows that reach the ledger through a partitioned table fire its row triggers and not those of the statement, which
// project; rows of a child fire none.
judged judge_relatives(Relation relation, const table_definition &definition) {
    const Form_pg_class form = relation->rd_rel;
    if (&definition != &manifest[1])
        return {};
    if (form->relispartition)
        return {pg::sql_error{"55000", "the ledger is a partition of another table",
                              "table=" + pg::quoted(definition.name),
                              "Take it out with ALTER TABLE … DETACH PARTITION: its rows would not be projected."}};
    if (form->relhassubclass &&
        pg::call([relation] { return find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL; }))
        return {pg::sql_error{"55000", "the ledger has child tables", "table=" + pg::quoted(definition.name),
                              "Drop them, or take them out with ALTER TABLE … NO INHERIT: their rows keep no rule."},
                false}; // a child that is dropped says nothing
    return {};
}

} // namespace

verdict judge(Relation relation, const table_definition &definition) {
    const judged found = judge_relatives(relation, definition);
    if (!found.refusal)
        return {nullptr, found.lasts};
    auto &kept = refusals[static_cast<std::size_t>(&definition - manifest.data())];
    kept = found.refusal;
    return {&*kept, found.lasts};
}

} // namespace mega::schema
