// Settings for the length of a scope, as the SET clauses of a function are.
#pragma once

#include "pg/guard.hpp"

namespace pg {

struct setting {
    const char *name;
    const char *value;
};

// Opens a level of settings that AtEOXact_GUC closes: on success only, because the end of a (sub)transaction gives back
// what was before after an error.
inline int set_in_scope(inside, std::span<const setting> settings) {
    const int level = NewGUCNestLevel();
    for (const setting &one : settings)
        set_config_option(one.name, one.value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    return level;
}

} // namespace pg
