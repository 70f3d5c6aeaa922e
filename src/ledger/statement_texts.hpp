// The store's SQL, put together of the tables' columns in one place. Each statement is made when it is first asked for
// and kept for the life of the backend.
#pragma once

#include "pg/spi.hpp"
#include "schema/columns.hpp"
#include "schema/types.hpp"

namespace mega::ledger::statements {

enum class locking { none, no_key_update, no_key_update_skip_locked, share, key_share };

// SELECT columns of the row with the key $1; of a customer the place behind them.
pg::statement &select(std::span<const schema::customer> columns, locking how);
pg::statement &select(std::span<const schema::ledger> columns, locking how);

// SELECT columns of the credit row with the reference $1, $2, $3: type, id and reason. first: of several, which adopted
// tables may have.
pg::statement &select_by_reference(std::span<const schema::ledger> columns, bool first = false);

// SELECT of the customer with the key $1 who stands at $2, the place behind the columns.
pg::statement &select_at(std::span<const schema::customer> columns, locking how);

// UPDATE of the row with the key $1: columns become $2 and so on. Returns a column of it as it is stored;
// of a customer the place behind it.
pg::statement &update(std::span<const schema::customer> columns, schema::customer returned);
pg::statement &update(std::span<const schema::ledger> columns, schema::ledger returned);

// UPDATE of the customer with the key $1 who stands at $2: columns become $3 and so on. Returns a column and the place.
pg::statement &update_at(std::span<const schema::customer> columns, schema::customer returned);

// INSERT of columns $1 and so on, unless a unique key is taken. Returns the row's key.
pg::statement &insert(std::span<const schema::customer> columns);
pg::statement &insert(std::span<const schema::ledger> columns);

// The same of many rows: $1 and so on are arrays. All other columns are NULL, as in a row that is inserted alone.
pg::statement &insert_many(std::span<const schema::ledger> columns);

} // namespace mega::ledger::statements
