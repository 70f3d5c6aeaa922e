// What differs between the supported versions of Postgres, in one place.
#pragma once

#include "pg/postgres.hpp"

namespace pg {

inline bool owns_relation(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

// Of a row `k` of pg_constraint, in SQL: whether Postgres enforces it. Before 18 it enforces each.
inline constexpr const char *is_enforced =
#if PG_VERSION_NUM >= 180000
    "k.conenforced";
#else
    "true";
#endif

// Whether no row of an open relation has NULL in this column. From 18 on NOT NULL may be NOT VALID: then new rows have
// none, and old ones may.
inline bool has_no_null(TupleDesc shape, AttrNumber column) {
#if PG_VERSION_NUM >= 180000
    return TupleDescCompactAttr(shape, column - 1)->attnullability == ATTNULLABLE_VALID;
#else
    return TupleDescAttr(shape, column - 1)->attnotnull;
#endif
}

// Which transaction of this session runs; transactions that write nothing have one, too.
inline LocalTransactionId local_transaction() {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

// Calls visit for the parts of an expression until it returns true; tells whether it did.
inline bool walk_expression(Node *node, bool (*visit)(Node *, void *), void *context) {
#if PG_VERSION_NUM >= 160000
    return expression_tree_walker(node, visit, context);
#else
    // Before 16 the walker is declared without parameters; void (*)() is the type that every function may pass through.
    return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(visit)), context);
#endif
}

// The same for what a statement is made of.
inline bool walk_query(Query *query, bool (*visit)(Node *, void *), void *context) {
#if PG_VERSION_NUM >= 160000
    return query_tree_walker(query, visit, context, 0);
#else
    return query_tree_walker(query, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(visit)), context, 0);
#endif
}

inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
    return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
    return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

// What the indexes of a table need for a row that was written. A HOT update needs no entries, from 16 on save in
// indexes that summarise pages (BRIN): an entry for it in any other would be a second one.
enum class index_entries { none, summaries, all };

// Inserts the entries for a row that is in the table. no_duplicates: unique keys are claimed, *conflict
// tells whether one is taken.
inline void insert_index_entries(ResultRelInfo *info, TupleTableSlot *slot, EState *estate, bool update,
                                 bool no_duplicates, bool *conflict, index_entries wanted = index_entries::all) {
#if PG_VERSION_NUM >= 160000
    List *recheck = ExecInsertIndexTuples(info, slot, estate, update, no_duplicates, conflict, NIL,
                                          wanted == index_entries::summaries);
#else
    static_cast<void>(wanted); // there were no summaries yet
    List *recheck = ExecInsertIndexTuples(info, slot, estate, update, no_duplicates, conflict, NIL);
#endif
    list_free(recheck);
}

// Ends what an index's access method keeps open over the insertions of a statement: BRIN pages, from 17 on.
inline void finish_index_inserts(Relation index, IndexInfo *info) {
#if PG_VERSION_NUM >= 170000
    index_insert_cleanup(index, info);
#else
    static_cast<void>(index);
    static_cast<void>(info);
#endif
}

// Whether no other row has one of this row's unique keys; waits for a transaction that is about to insert one.
// Otherwise *conflict is the place of the row that has it.
inline bool unique_keys_are_free(ResultRelInfo *info, TupleTableSlot *slot, EState *estate, ItemPointer conflict) {
#if PG_VERSION_NUM >= 180000
    ItemPointerData invalid;
    ItemPointerSetInvalid(&invalid);
    return ExecCheckIndexConstraints(info, slot, estate, conflict, &invalid, NIL);
#else
    return ExecCheckIndexConstraints(info, slot, estate, conflict, NIL);
#endif
}

// Puts a new version in the place of one that may still be the newest; *wanted tells what indexes need then.
inline TM_Result put_new_version(Relation table, ItemPointer place, TupleTableSlot *slot, Snapshot snapshot,
                                 index_entries *wanted) {
    TM_FailureData failure;
    LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes which = TU_None;
    const TM_Result result = table_tuple_update(table, place, slot, GetCurrentCommandId(true), snapshot,
                                                InvalidSnapshot, true, &failure, &mode, &which);
    *wanted = which == TU_None          ? index_entries::none
              : which == TU_Summarizing ? index_entries::summaries
                                        : index_entries::all;
#else
    bool every = false;
    const TM_Result result = table_tuple_update(table, place, slot, GetCurrentCommandId(true), snapshot,
                                                InvalidSnapshot, true, &failure, &mode, &every);
    *wanted = every ? index_entries::all : index_entries::none;
#endif
    return result;
}

} // namespace pg
