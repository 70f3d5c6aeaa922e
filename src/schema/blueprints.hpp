// The blueprints: what mega_install makes of each table, constraints, indexes and triggers, each by its name and
// definition.
#pragma once

#include "schema/columns.hpp"

#include <span>
#include <string_view>

namespace mega::schema {

struct named_definition {
    const char *name;
    const char *definition; // @schema@ stands for the schema's quoted name
    const char *comment;
    bool uses_functions = false; // dropped with the extension, and checked against existing rows when it comes back
};

struct blueprint {
    const char *name;
    const char *comment;
    const char *storage;      // storage parameters of a table that is made new
    const char *uncompressed; // a column that is written too often to be compressed, or null
    std::span<const column> columns;
    std::span<const named_definition> constraints;
    std::span<const named_definition> indexes;
    std::span<const named_definition> triggers;
};

extern const std::array<blueprint, 3> blueprints;

inline constexpr const char *customers_name = "mega_customers";
inline constexpr const char *generations_name = "mega_generations";
inline constexpr const char *admin_name = "mega_admin";

} // namespace mega::schema
