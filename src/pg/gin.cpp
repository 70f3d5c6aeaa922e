// Inserts many rows' entries into a GIN index.
#include "pg/gin.hpp"

extern "C" {
#include <access/gin_private.h>
}

namespace pg {

bool has_pending_list(Relation index, const IndexInfo *info) {
    return index->rd_rel->relam == GIN_AM_OID && GinGetUseFastUpdate(index) && info->ii_Predicate == NIL &&
           info->ii_ReadyForInserts;
}

namespace {

bool fits_a_page(const GinTupleCollector &entries) {
    return entries.sumsize + entries.ntuples * sizeof(ItemIdData) <= GinListPageSize;
}

// Inserts the first entries that were collected and keeps the others.
void insert_first(inside, GinState *state, GinTupleCollector &entries, uint32 count, uint32 size) {
    GinTupleCollector first = entries;
    first.ntuples = count;
    first.sumsize = size;
    ginHeapTupleFastInsert(state, &first);
    entries.ntuples -= count;
    entries.sumsize -= size;
    std::memmove(entries.tuples, entries.tuples + count, entries.ntuples * sizeof(IndexTuple));
}

} // namespace

void insert_pending(inside in, Relation index, IndexInfo *info, TupleTableSlot *const *slots, std::size_t rows,
                    EState *estate) {
    const MemoryContext collected =
        AllocSetContextCreate(CurrentMemoryContext, "entries of a GIN index", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext outer = MemoryContextSwitchTo(collected);
    GinState *state = static_cast<GinState *>(palloc(sizeof(GinState)));
    initGinState(state, index);
    GinTupleCollector entries{};
    for (std::size_t i = 0; i < rows; ++i) {
        CHECK_FOR_INTERRUPTS();
        const uint32 count = entries.ntuples, size = entries.sumsize;
        Datum values[INDEX_MAX_KEYS];
        bool nulls[INDEX_MAX_KEYS];
        GetPerTupleExprContext(estate)->ecxt_scantuple = slots[i];
        FormIndexDatum(info, slots[i], estate, values, nulls);
        for (int column = 0; column < info->ii_NumIndexAttrs; ++column)
            ginHeapTupleFastCollect(state, &entries, static_cast<OffsetNumber>(column + 1), values[column],
                                    nulls[column], &slots[i]->tts_tid);
        // What goes in together has to fit one page of the list: only one row alone may be spread over several.
        if (count > 0 && !fits_a_page(entries))
            insert_first(in, state, entries, count, size);
    }
    if (entries.ntuples > 0)
        ginHeapTupleFastInsert(state, &entries);
    MemoryContextSwitchTo(outer);
    MemoryContextDelete(collected);
}

} // namespace pg
