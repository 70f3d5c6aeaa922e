// Unique and exclusion constraints that are DEFERRABLE: with one on a table Postgres refuses INSERT ... ON CONFLICT
// that names no key, whether the constraint is deferred at the moment or not.
#pragma once

#include "pg/guard.hpp"

namespace pg {

struct deferrable_key {
    std::string name;       // of the constraint, quoted; empty: there is none
    std::string definition; // behind ADD CONSTRAINT <name>, without DEFERRABLE
};

// The first one.
deferrable_key deferrable_key_of(Relation relation);

} // namespace pg
