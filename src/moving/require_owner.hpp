// The functions of moving in change what everybody relies on: they are the owner's.
#pragma once

#include "pg/version.hpp"
#include "schema/table_catalog.hpp"

namespace mega::moving {

// Raises 42501 unless the caller owns the three tables.
inline void require_owner(const schema::table_catalog &where, const char *function) {
    for (const Oid table : {where.customers.id, where.generations.id, where.admins.id})
        if (!pg::call([table] { return pg::owns_relation(table, GetUserId()); }))
            throw pg::sql_error{"42501",
                                std::string(function) + " is for the owner of the tables",
                                {},
                                "Call it as the role that owns mega_customers, mega_generations and mega_admin."};
}

} // namespace mega::moving
