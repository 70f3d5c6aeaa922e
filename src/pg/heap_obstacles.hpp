// What a table carries that the direct path does not do as SQL would, in words that its owner can act on. Finding only:
// `heap_writer` judges.
#pragma once

#include "pg/heap_writer.hpp"

namespace pg {

// Each names the first thing found; nullptr: none.
const char *obstacle_in_table(inside, Relation relation);
const char *obstacle_in_triggers(inside, Relation relation, const heap_shape &shape);
const char *obstacle_in_checks(inside, Relation relation, const heap_shape &shape);
const char *obstacle_in_index(inside, Relation index, IndexInfo *info);
const char *obstacle_of_missing(inside, const heap_index &wanted);

// The same; attributes become the numbers of the shape's columns.
const char *obstacle_in_columns(inside, Relation relation, const heap_shape &shape, AttrNumber *attributes);

// Whether an index is what the caller will ask for. Its definition tells the columns, their order, the predicate and
// everything else that decides which rows are found.
bool is_probed(inside, Relation index, const heap_index &wanted);

// Whether Postgres vouches for every row's reference by the foreign key that the caller keeps itself: not for rows that
// were there when a key came NOT VALID.
bool is_reference_validated(inside, Relation relation, const heap_shape &shape);

// The columns on which a CHECK depends.
Bitmapset *checked_columns(inside, const TupleConstr *constraints);

} // namespace pg
