// Writing rows of a table that may be written directly.
#include "pg/gin.hpp"
#include "pg/heap_writer_state.hpp"
#include "pg/relation.hpp"
#include "pg/role.hpp"
#include "pg/version.hpp"

namespace pg {

void heap_writer::update_found(std::span<const std::pair<std::size_t, nullable_datum>> changes) {
    if (!write_version(changes))
        throw_changed_by_itself();
}

bool heap_writer::try_update_found(std::span<const std::pair<std::size_t, nullable_datum>> changes) {
    const auto is_checked = [this](const auto &change) {
        constexpr int whole_row = 0 - FirstLowInvalidHeapAttributeNumber;
        const int attribute = state_->attributes[change.first] - FirstLowInvalidHeapAttributeNumber;
        return bms_is_member(attribute, state_->checked) || bms_is_member(whole_row, state_->checked);
    };
    return std::ranges::none_of(changes, is_checked) && !found_is_held() && write_version(changes);
}

bool heap_writer::found_is_held() const {
    return call([this] {
        bool copied;
        const HeapTupleHeader row = ExecFetchSlotHeapTuple(state_->found, false, &copied)->t_data;
        if ((row->t_infomask & HEAP_XMAX_INVALID) != 0)
            return false;
        const TransactionId holder = HeapTupleHeaderGetRawXmax(row);
        return (row->t_infomask & HEAP_XMAX_IS_MULTI) != 0 ||
               (!TransactionIdIsCurrentTransactionId(holder) && TransactionIdIsInProgress(holder));
    });
}

// What the table carries is evaluated as SQL would: as its owner.
bool heap_writer::write_version(std::span<const std::pair<std::size_t, nullable_datum>> changes) {
    const as_role owner(state_->relation->rd_rel->relowner);
    return call([this, changes](inside in) {
        CheckCmdReplicaIdentity(state_->relation, CMD_UPDATE);
        TupleTableSlot *built = state_->built;
        ExecCopySlot(built, state_->found);
        const ItemPointerData old_place = state_->found->tts_tid;
        for (const auto &[i, value] : changes) {
            built->tts_values[state_->attributes[i] - 1] = value.value;
            built->tts_isnull[state_->attributes[i] - 1] = value.is_null;
        }
        ExecConstraints(state_->info, built, state_->estate);
        ItemPointerData at = old_place;
        index_entries wanted = index_entries::none;
        const TM_Result put = put_new_version(state_->relation, &at, built, GetActiveSnapshot(), &wanted);
        if (put == TM_Ok && wanted != index_entries::none) {
            open_indexes(in);
            insert_index_entries(state_->info, built, state_->estate, true, false, nullptr, wanted);
        }
        if (put != TM_Ok)
            return false;
        state_->found->tts_tid = built->tts_tid;
        return true;
    });
}

namespace {

enum class claim { made, taken, taken_unseen };

// Claims the row's unique keys before anybody can see it. taken: by a row that is committed; taken_unseen: by one that
// the transaction's snapshot does not see.
claim insert_keyed(inside, ResultRelInfo *info, TupleTableSlot *slot, TupleTableSlot *other, EState *estate) {
    Relation relation = info->ri_RelationDesc;
    ItemPointerData place;
    // A serialisable transaction asks first, as SQL does: the insertion alone might be called a dependency of others.
    bool free = !IsolationIsSerializable() || unique_keys_are_free(info, slot, estate, &place);
    while (free) {
        CHECK_FOR_INTERRUPTS();
        const TransactionId transaction = GetCurrentTransactionId();
        const uint32 token = SpeculativeInsertionLockAcquire(transaction);
        bool conflict = false;
        table_tuple_insert_speculative(relation, slot, GetCurrentCommandId(true), 0, nullptr, token);
        insert_index_entries(info, slot, estate, false, true, &conflict);
        table_tuple_complete_speculative(relation, slot, token, !conflict);
        SpeculativeInsertionLockRelease(transaction);
        if (!conflict)
            return claim::made;
        // Whoever has the key may be gone again: this waits until that is known.
        free = unique_keys_are_free(info, slot, estate, &place);
    }
    const bool unseen =
        IsolationUsesXactSnapshot() && !table_tuple_fetch_row_version(relation, &place, GetActiveSnapshot(), other);
    return unseen ? claim::taken_unseen : claim::taken;
}

} // namespace

TupleTableSlot *heap_writer::make_slot(inside) {
    const MemoryContext outer = MemoryContextSwitchTo(state_->context);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(state_->shape, &TTSOpsVirtual);
    MemoryContextSwitchTo(outer);
    return slot;
}

// The row as a virtual tuple, held against the table's constraints.
void heap_writer::build(inside, TupleTableSlot *slot, std::span<const nullable_datum> columns) {
    ExecClearTuple(slot);
    const auto width = static_cast<std::size_t>(slot->tts_tupleDescriptor->natts);
    std::memset(slot->tts_isnull, true, width * sizeof(bool));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        slot->tts_values[state_->attributes[i] - 1] = columns[i].value;
        slot->tts_isnull[state_->attributes[i] - 1] = columns[i].is_null;
    }
    ExecStoreVirtualTuple(slot);
    slot->tts_tableOid = relation_;
    ExecConstraints(state_->info, slot, state_->estate);
}

nullable_datum heap_writer::default_of(std::size_t i) {
    nullable_datum value;
    value.value = call([this, i, &value] {
        Relation relation = try_table_open(relation_, AccessShareLock);
        if (relation == nullptr) { // whoever opens it to write is told
            value.is_null = true;
            return Datum{0};
        }
        Node *written = build_column_default(relation, attribute_of(relation->rd_att, shape_.columns[i].name));
        table_close(relation, NoLock);
        value.is_null = true;
        if (written == nullptr)
            return Datum{0};
        ExprState *expression = ExecInitExpr(expression_planner(reinterpret_cast<Expr *>(written)), nullptr);
        ExprContext *context = CreateStandaloneExprContext();
        const Datum made = ExecEvalExpr(expression, context, &value.is_null);
        FreeExprContext(context, true);
        return made;
    });
    return value;
}

bool heap_writer::insert(std::span<const nullable_datum> columns, bool keyed) {
    const as_role owner(state_->relation->rd_rel->relowner);
    const claim done = call([this, columns, keyed](inside in) {
        TupleTableSlot *built = state_->built;
        build(in, built, columns);
        open_indexes(in);
        if (keyed)
            return insert_keyed(in, state_->info, built, state_->found, state_->estate);
        table_tuple_insert(state_->relation, built, GetCurrentCommandId(true), 0, nullptr);
        insert_index_entries(state_->info, built, state_->estate, false, false, nullptr);
        return claim::made;
    });
    if (done == claim::taken_unseen)
        throw_concurrent_update();
    return done == claim::made;
}

void heap_writer::insert_many(std::span<const nullable_datum> columns, std::size_t width) {
    const as_role owner(state_->relation->rd_rel->relowner);
    call([this, columns, width](inside in) {
        const std::size_t rows = columns.size() / width;
        Assert(rows <= most_rows);
        TupleTableSlot **slots = state_->many;
        BulkInsertState bulk = GetBulkInsertState();
        open_indexes(in);
        for (std::size_t i = 0; i < rows; ++i) {
            if (slots[i] == nullptr)
                slots[i] = make_slot(in);
            build(in, slots[i], columns.subspan(i * width, width));
        }
        table_multi_insert(state_->relation, slots, static_cast<int>(rows), GetCurrentCommandId(true), 0, bulk);
        Relation *indexes = state_->info->ri_IndexRelationDescs;
        for (int i = 0; i < state_->indexes; ++i) {
            Relation index = indexes[i];
            IndexInfo *info = state_->info->ri_IndexRelationInfo[i];
            if (rows > 1 && has_pending_list(index, info)) {
                insert_pending(in, index, info, slots, rows, state_->estate);
                indexes[i] = nullptr; // what inserts the other entries passes it over
                index_close(index, NoLock);
            }
        }
        for (std::size_t i = 0; i < rows; ++i) {
            ResetPerTupleExprContext(state_->estate);
            insert_index_entries(state_->info, slots[i], state_->estate, false, false, nullptr);
            ExecClearTuple(slots[i]);
        }
        FreeBulkInsertState(bulk);
    });
}

bool heap_writer::is_of_column(std::string_view index, std::size_t column) const {
    const std::span<const Relation> all(state_->info->ri_IndexRelationDescs, static_cast<std::size_t>(state_->indexes));
    return std::ranges::any_of(all, [&](Relation one) {
        return one != nullptr && index == RelationGetRelationName(one) && one->rd_index->indnkeyatts == 1 &&
               one->rd_index->indkey.values[0] == state_->attributes[column];
    });
}

} // namespace pg
