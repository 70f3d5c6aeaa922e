// A call by the trigger manager.
#pragma once

#include "pg/row.hpp"

namespace pg {

// How many triggers are under way, one in the other: 0 outside of any.
inline int trigger_depth() noexcept {
    LOCAL_FCINFO(fcinfo, 0);
    InitFunctionCallInfoData(*fcinfo, nullptr, 0, InvalidOid, nullptr, nullptr);
    return DatumGetInt32(pg_trigger_depth(fcinfo));
}

class trigger_call {
public:
    // Raises 39P01 when the function was not called as a trigger.
    explicit trigger_call(FunctionCallInfo fcinfo) {
        if (!CALLED_AS_TRIGGER(fcinfo))
            throw sql_error{"39P01", "this function can only be called by a trigger", {}, {}};
        data_ = reinterpret_cast<TriggerData *>(fcinfo->context);
        function_ = fcinfo->flinfo->fn_oid;
    }

    Relation relation() const { return data_->tg_relation; }
    TupleDesc shape() const { return data_->tg_relation->rd_att; }
    Oid function() const { return function_; }
    const char *name() const { return data_->tg_trigger->tgname; }
    Oid trigger() const { return data_->tg_trigger->tgoid; }

    bool before() const { return TRIGGER_FIRED_BEFORE(data_->tg_event); }
    bool by_row() const { return TRIGGER_FIRED_FOR_ROW(data_->tg_event); }
    bool on_insert() const { return TRIGGER_FIRED_BY_INSERT(data_->tg_event); }
    bool on_update() const { return TRIGGER_FIRED_BY_UPDATE(data_->tg_event); }
    bool on_delete() const { return TRIGGER_FIRED_BY_DELETE(data_->tg_event); }

    HeapTuple tuple() const { return data_->tg_trigtuple; }    // of INSERT and DELETE; of UPDATE the old one
    HeapTuple new_tuple() const { return data_->tg_newtuple; } // of UPDATE
    Tuplestorestate *new_table() const { return data_->tg_newtable; }

    static Datum keep(HeapTuple tuple) { return PointerGetDatum(tuple); }

private:
    TriggerData *data_;
    Oid function_;
};

// Calls visit(const row &) for every row of a transition table. What visit allocates is freed row by row.
template <class Visit> void for_each_row(Tuplestorestate *table, TupleDesc shape, Visit visit) {
    struct cursor {
        int pointer;
        TupleTableSlot *slot;
        MemoryContext per_row;
    };
    const cursor at = call([table, shape] {
        cursor opened;
        opened.pointer = tuplestore_alloc_read_pointer(table, EXEC_FLAG_REWIND);
        tuplestore_select_read_pointer(table, opened.pointer);
        tuplestore_rescan(table);
        opened.slot = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
        opened.per_row = AllocSetContextCreate(CurrentMemoryContext, "transition table row", ALLOCSET_DEFAULT_SIZES);
        return opened;
    });
    while (call([&] {
        tuplestore_select_read_pointer(table, at.pointer);
        return tuplestore_gettupleslot(table, true, false, at.slot);
    })) {
        check_for_interrupts();
        const MemoryContext outer = MemoryContextSwitchTo(at.per_row);
        visit(row(call([&] { return ExecCopySlotHeapTuple(at.slot); }), shape));
        MemoryContextSwitchTo(outer);
        MemoryContextReset(at.per_row);
    }
    call([&] {
        ExecDropSingleTupleTableSlot(at.slot);
        MemoryContextDelete(at.per_row);
    });
}

} // namespace pg
