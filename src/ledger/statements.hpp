// The store's SQL, put together of the tables' columns in one place. Each statement is made when it is first asked for
// and kept for the life of the backend.
#pragma once

#include "pg/spi.hpp"
#include "schema/columns.hpp"
#include "schema/types.hpp"

namespace mega::ledger::statements {

enum class locking { none, no_key_update, no_key_update_skip_locked, share, key_share };

// SELECT columns of the row with the key $1.
pg::statement &select(std::span<const schema::customer> columns, locking how);
pg::statement &select(std::span<const schema::ledger> columns, locking how);

// SELECT columns of the credit row with the reference $1, $2, $3: type, id and reason.
pg::statement &select_by_reference(std::span<const schema::ledger> columns);

// UPDATE of the row with the key $1: columns become $2 and so on. Returns a column of it as it is stored.
pg::statement &update(std::span<const schema::customer> columns, schema::customer returned);
pg::statement &update(std::span<const schema::ledger> columns, schema::ledger returned);

// INSERT of columns $1 and so on, unless a unique key is taken. Returns the row's key.
pg::statement &insert(std::span<const schema::customer> columns);
pg::statement &insert(std::span<const schema::ledger> columns);

} // namespace mega::ledger::statements
