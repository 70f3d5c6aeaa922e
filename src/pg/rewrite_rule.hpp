// Rewrite rules (CREATE RULE): what they are called, and which keep statements off a table.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// The name of a rule; its memory is that of the context.
const char *name_of_rule(inside, Oid rule);

// Names; empty: none. Whatever a rule keeps off, Postgres refuses with 0A000.
struct rules_in_the_way {
    std::string of_keys;    // keeps off INSERT ... ON CONFLICT
    std::string of_updates; // keeps off UPDATE ... RETURNING
};
rules_in_the_way rules_in_the_way_of(Relation relation);

} // namespace pg
