// Many rows into a GIN index at once: its list of pending entries, and that list's one page of bookkeeping, are written
// for all of them instead of for each.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// Whether the open index collects entries in a list before it sorts them in, and takes every row.
bool has_pending_list(Relation index, const IndexInfo *info);

// Inserts the entries of rows that are in the table, as `index_insert` would one by one. Raises what that raises.
void insert_pending(inside, Relation index, IndexInfo *info, TupleTableSlot *const *slots, std::size_t rows,
                    EState *estate);

} // namespace pg
