// What an expression or a type may run. Everything here is of Postgres' world: to be used inside `call`.
#pragma once

#include "pg/postgres.hpp"

namespace pg {

// The type of what an expression makes; InvalidOid for a node that is no expression.
Oid type_of_expression(Node *node);

// Whether making, converting or comparing a value of the type may run code that somebody wrote in another language
// than C: a domain's check does, and so does anything that has a domain inside.
bool type_runs_code(Oid type);

// InvalidOid when there is no such function.
Oid get_language_of(Oid function);
Oid owner_of_function(Oid function);

} // namespace pg
