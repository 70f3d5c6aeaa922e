// The levels of mega_grant, and which one each of the extension's functions needs.
#pragma once

#include "pg/spi.hpp"

namespace mega::admin {

// In the order of what they may; each may call what those before it may. What is everybody's is not handed out, what is
// the owner's is handed out by GRANT alone. A user reads as a reader does, and only its own customer's rows.
enum class level { everybody, user, reader, app, worker, admin, owner };

// Of the words that mega_grant takes; std::nullopt for another one.
std::optional<level> level_named(std::string_view word);

struct granted_function {
    Oid id;
    std::string name;
    std::string target; // as GRANT names it: FUNCTION f(text)
    level needed;
};

// The extension's functions, save those that are everybody's.
std::vector<granted_function> granted_functions(pg::spi_connection &spi, Oid schema);

// Raises 42501 for a caller who does not own the functions and has no grant option: his GRANT would do nothing, and
// only warn.
void require_grantor(pg::spi_connection &spi, const std::vector<granted_function> &functions);

// Grants USAGE on the schema; raises 42501 where that did nothing.
void let_enter(pg::spi_connection &spi, Oid role, Oid schema);
bool may_enter(pg::spi_connection &spi, Oid role, Oid schema);

// Whether the role may call the function, by whatever right.
bool may_call(pg::spi_connection &spi, Oid role, Oid function);

} // namespace mega::admin
