// Code that a table carries: what runs when its rows are written, and who wrote it. Finding only: nothing is judged
// here.
#pragma once

#include "pg/guard.hpp"

namespace pg {

struct carried_code {
    std::string place; // what it runs in, as the owner of the table would call it: trigger "a_mine"
    std::string name;  // the function, with its schema
    Oid author;        // who may change it: the function's owner; InvalidOid when that cannot be told
    bool runs_early;   // Postgres may run it already while a statement on the table is planned
};

// All of it, in triggers that are enabled and their conditions, CHECKs, defaults, indexes, statistics, keys of
// partitions, rules, policies, and in the types of columns and expressions, with what domains check and fill in.
// Functions that Postgres brings along are left out, unless they may run any statement and stand where somebody else
// than the table's owner may have put them: in the condition of a trigger, which whoever has the privilege TRIGGER
// makes, and in a domain of another role's.
struct all_carried_code {
    std::vector<carried_code> pieces;
    bool types;   // whether there are types in it, which may change without the table being changed
    bool by_name; // whether any of it looks up by name, when it runs, what it uses
};
all_carried_code code_carried_by(Relation relation);

} // namespace pg
