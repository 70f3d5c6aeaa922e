// Nullable columns of mega's, by whom NULL or any value is written there: what an adopted table that bars NULL, or
// computes the column, keeps from being written.
#pragma once

#include "schema/adoption.hpp"

namespace mega::schema {

// Columns that are NOT NULL though functions write NULL there, and those whose default is a text that is refused.
std::vector<oddity> barred_values(pg::spi_connection &spi, const target_table &table);

// Generated columns that functions write, though raw rows go on.
std::vector<oddity> computed_columns(const target_table &table);

// Raises 55000 for a virtual generated column that an index of mega's names: Postgres makes none of it.
void require_indexable(const target_table &table);

} // namespace mega::schema
