// What is kept of a table that may be written directly, from one operation to the next.
#pragma once

#include "pg/heap_writer.hpp"

namespace pg {

// Lives in a memory context of its own below CacheMemoryContext.
struct heap_writer::state {
    MemoryContext context;
    EState *estate;
    ResultRelInfo *info;
    TupleDesc shape;
    AttrNumber *attributes;
    int indexes;
    Oid *index_ids;
    int *probed;        // positions among the indexes
    Bitmapset *checked; // the columns on which a CHECK depends
    bool closed;        // the last operation came to its end
    int pins;           // how often the shape is held by who goes on reading it, whatever becomes of the table
    state *older;       // of those that were replaced while their shape was held
    // Of the operation under way. A slot that an error left with a page does not know that its pin is gone: then all
    // of this is made anew.
    Relation relation;
    TupleTableSlot *found;           // the row found
    TupleTableSlot *built;           // the row to be written
    TupleTableSlot *many[most_rows]; // rows to be written together; made when they are needed
};

// Raise what Postgres raises then.
[[noreturn]] inline void throw_concurrent_update() {
    throw sql_error{"40001", "could not serialize access due to concurrent update", {}, "Try the transaction again."};
}
[[noreturn]] inline void throw_changed_by_itself() {
    throw sql_error{"27000", "the row was changed by an operation that this command triggered", {}, {}};
}

} // namespace pg
