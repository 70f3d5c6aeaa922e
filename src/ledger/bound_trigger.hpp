// A trigger function that runs on one relation only.
#pragma once

#include "pg/trigger.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

inline void require_bound(const pg::trigger_call &call, Oid relation) {
    if (RelationGetRelid(call.relation()) != relation)
        throw pg::sql_error{"39P01", "this trigger function belongs to the tables of mega",
                            "It was called for " + pg::quoted(RelationGetRelationName(call.relation())) + ".",
                            "It does not run on any other table."};
}

// A function of mega's that is hung on a table a second time, under another name or condition, would do its work twice.
template <class Table> void require_own(const pg::trigger_call &call, const Table &table) {
    require_bound(call, table.id);
    if (!table.has_own_trigger(call.trigger()))
        throw pg::sql_error{"39P01", "this trigger function belongs to a trigger of mega's own making",
                            "It was called for the trigger " + pg::quoted(call.name()) + ".",
                            "Drop that trigger; SELECT mega_install() makes those that are needed."};
}

// The tables, when the trigger fired on the one named by `member`; raises 39P01 otherwise, and what the verdict on that
// table says.
template <class Table>
schema::table_catalog bound_catalog(const pg::trigger_call &call, Table schema::table_catalog::*member) {
    const schema::table_catalog where = schema::catalog_of(call.function());
    require_own(call, where.*member);
    (where.*member).may_be_written.require_good();
    return where;
}

// A row that is stored and was checked again: what the check would still fill or correct, a trigger of somebody else
// has taken away after ours had seen the row. Raises 23514. updated_at: the one column that every check sets.
inline void require_untouched(const pg::trigger_call &call, const pg::row &stored, AttrNumber updated_at) {
    if (const AttrNumber column = stored.first_set(updated_at); column != 0)
        throw pg::sql_error{"23514",
                            "another trigger changed " +
                                std::string(NameStr(TupleDescAttr(call.shape(), column - 1)->attname)) +
                                " so that a rule no longer holds",
                            "table=" + pg::quoted(RelationGetRelationName(call.relation())),
                            "Change what the trigger writes, or give it a name that sorts before mega."};
}

} // namespace mega::ledger
