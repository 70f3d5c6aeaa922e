// A trigger function that runs on one relation only.
#pragma once

#include "pg/trigger.hpp"
#include "schema/tables.hpp"

namespace mega::ledger {

inline void require_bound(const pg::trigger_call &call, Oid relation) {
    if (RelationGetRelid(call.relation()) != relation)
        throw pg::sql_error{"39P01", "this trigger function belongs to the tables of mega",
                            "It was called for " + pg::quoted(RelationGetRelationName(call.relation())) + ".",
                            "It does not run on any other table."};
}

// The tables, when the trigger fired on the one named by `member`; raises 39P01 otherwise.
template <class Table> const schema::tables &bound_tables(const pg::trigger_call &call, Table schema::tables::*member) {
    const schema::tables &where = schema::tables_of(call.function());
    require_bound(call, (where.*member).id);
    return where;
}

} // namespace mega::ledger
