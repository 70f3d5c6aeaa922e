// Between Postgres' jsonb and the tree that the rules read.
#pragma once

#include "core/json.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

core::json to_tree(const pg::json_value &value);

// An object of those members only that are named: the rest of a large document is not copied. Empty when the container
// is no object.
core::json members_of(JsonbContainer *object, std::span<const std::string_view> keys);

// Writes a tree where the builder stands.
void build(pg::json_builder &builder, const core::json &tree);

pg::jsonb document_of(const core::json &tree);

} // namespace mega::ledger
