#include "pg/direct_table.hpp"

#include "pg/direct_state.hpp"
#include "pg/gin.hpp"
#include "pg/relation.hpp"
#include "pg/role.hpp"
#include "pg/version.hpp"

namespace pg {

namespace {

// Postgres was told of a function on the table that it never changes, and it runs SQL.
[[noreturn]] void throw_entered_again() {
    throw sql_error{
        "55006",
        "what a table of mega carries used it while it was being written",
        {},
        "A function on the table runs SQL though it is called immutable; SET mega.write_path = sql lets it."};
}

} // namespace

bool direct_table::open(LOCKMODE lock) {
    if (is_in_use())
        throw_entered_again();
    lock_ = lock;
    return call([this] {
        Relation relation = table_open(relation_, lock_);
        // The lock brought news, or an error left behind what access methods keep for the length of a statement.
        if (!is_decided() || (state_ != nullptr && !state_->closed))
            decide_now(relation);
        if (!eligible_) {
            table_close(relation, NoLock);
            return false;
        }
        state_->closed = false;
        opened_in_ = GetCurrentSubTransactionId();
        entered_ = false;
        state_->relation = relation;
        state_->info->ri_RelationDesc = relation;
        std::fill_n(state_->info->ri_IndexRelationDescs, state_->indexes, nullptr);
        ResetPerTupleExprContext(state_->estate);
        return true;
    });
}

void direct_table::close() {
    call([this] {
        ExecClearTuple(state_->found);
        ExecClearTuple(state_->built);
        for (int i = 0; i < state_->indexes; ++i) {
            Relation index = state_->info->ri_IndexRelationDescs[i];
            if (index == nullptr)
                continue;
            finish_index_inserts(index, state_->info->ri_IndexRelationInfo[i]);
            index_close(index, NoLock);
        }
        table_close(state_->relation, NoLock);
        state_->closed = true;
        opened_in_ = InvalidSubTransactionId;
    });
    if (entered_)
        throw_entered_again();
}

pinned_shape direct_table::shape() const {
    if (state_ == nullptr)
        throw sql_error{"40001", "a table of mega was changed while it was being written", {}, "Try again."};
    return {state_->shape, state_->pins};
}

bool direct_table::has_index(std::size_t probed_index) const {
    return state_ != nullptr && state_->probed[probed_index] >= 0;
}

Relation direct_table::open_index(int i) {
    Relation &index = state_->info->ri_IndexRelationDescs[i];
    if (index == nullptr) {
        index = index_open(state_->index_ids[i], lock_);
        // GIN and GiST remember where the index's relcache entry was; with the news it may have moved.
        if (!is_decided())
            state_->info->ri_IndexRelationInfo[i]->ii_AmCache = nullptr;
    }
    return index;
}

void direct_table::open_indexes() {
    for (int i = 0; i < state_->indexes; ++i)
        open_index(i);
}

bool direct_table::find(std::size_t probed_index, std::span<const Datum> keys) {
    return scan(probed_index, keys, ForwardScanDirection);
}

bool direct_table::find_last(std::size_t probed_index, std::span<const Datum> keys) {
    return scan(probed_index, keys, BackwardScanDirection);
}

struct direct_table::range {
    Datum low, high;
};

IndexScanDesc direct_table::begin_scan(std::size_t probed_index, std::span<const Datum> keys, const range *behind) {
    Relation index = open_index(state_->probed[probed_index]);
    ScanKeyData scan_keys[6];
    int count = 0;
    const auto add = [&](std::size_t i, StrategyNumber strategy, RegProcedure compare, Datum value) {
        ScanKeyEntryInitialize(&scan_keys[count++], 0, static_cast<AttrNumber>(i + 1), strategy, InvalidOid,
                               index->rd_indcollation[i], compare, value);
    };
    for (std::size_t i = 0; i < keys.size(); ++i)
        add(i, BTEqualStrategyNumber, index->rd_opcintype[i] == UUIDOID ? F_UUID_EQ : F_TEXTEQ, keys[i]);
    if (behind != nullptr) {
        add(keys.size(), BTGreaterEqualStrategyNumber, F_TEXT_GE, behind->low);
        add(keys.size(), BTLessEqualStrategyNumber, F_TEXT_LE, behind->high);
    }
    IndexScanDesc scan = begin_index_scan(state_->relation, index, GetActiveSnapshot(), count);
    scan->xs_want_itup = behind != nullptr;
    index_rescan(scan, scan_keys, count, nullptr, 0);
    return scan;
}

namespace {

// Marks those of the texts, in order, that the column of the entries of the scan has; all from where it gives up.
void mark_texts(IndexScanDesc scan, int column, std::span<const std::string_view> texts, std::span<bool> found) {
    const std::size_t most = 2 * texts.size();
    std::size_t i = 0;
    for (std::size_t seen = 0; i < texts.size() && index_getnext_tid(scan, ForwardScanDirection) != nullptr; ++seen) {
        if (seen == most) {
            std::ranges::fill(found.subspan(i), true);
            return;
        }
        bool is_null;
        const Datum value = index_getattr(scan->xs_itup, column, scan->xs_itupdesc, &is_null);
        const text *entry = DatumGetTextPP(value); // not NULL: it is between two texts
        const std::string_view said(VARDATA_ANY(entry), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(entry)));
        while (i < texts.size() && texts[i] < said)
            ++i;
        for (; i < texts.size() && texts[i] == said; ++i)
            found[i] = true;
    }
}

} // namespace

void direct_table::find_texts(std::size_t probed_index, std::span<const Datum> keys,
                              std::span<const std::string_view> texts, std::span<bool> found) {
    const range between{to_datum(texts.front()).value, to_datum(texts.back()).value};
    call([this, probed_index, keys, &between, texts, found] {
        const int column = static_cast<int>(keys.size());
        if (open_index(state_->probed[probed_index])->rd_indcollation[column] != C_COLLATION_OID) {
            std::ranges::fill(found, true);
            return;
        }
        IndexScanDesc scan = begin_scan(probed_index, keys, &between);
        mark_texts(scan, column + 1, texts, found);
        index_endscan(scan);
    });
}

bool direct_table::scan(std::size_t probed_index, std::span<const Datum> keys, ScanDirection direction) {
    return call([this, probed_index, keys, direction] {
        IndexScanDesc scan = begin_scan(probed_index, keys);
        const bool exists = index_getnext_slot(scan, direction, state_->found);
        if (exists)
            ExecMaterializeSlot(state_->found);
        index_endscan(scan);
        return exists;
    });
}

std::int64_t direct_table::sum(std::size_t probed_index, std::span<const Datum> keys, std::size_t column) {
    return call([this, probed_index, keys, column] {
        IndexScanDesc scan = begin_scan(probed_index, keys);
        std::int64_t total = 0;
        while (index_getnext_slot(scan, ForwardScanDirection, state_->found)) {
            CHECK_FOR_INTERRUPTS();
            bool is_null;
            const Datum value = slot_getattr(state_->found, state_->attributes[column], &is_null);
            total += is_null ? 0 : DatumGetInt32(value);
        }
        index_endscan(scan);
        return total;
    });
}

bool direct_table::find_at(const ItemPointerData &place) {
    return call([this, &place] {
        ItemPointerData at = place;
        // The table may have become shorter since, or be another one.
        if (ItemPointerGetBlockNumber(&at) >= table_relation_size(state_->relation, MAIN_FORKNUM) / BLCKSZ)
            return false;
        return table_tuple_fetch_row_version(state_->relation, &at, GetActiveSnapshot(), state_->found);
    });
}

namespace {

// As Postgres says it.
[[noreturn]] void throw_concurrent_update() {
    throw sql_error{"40001", "could not serialize access due to concurrent update", {}, "Try the transaction again."};
}

} // namespace

locked direct_table::lock_found(LockTupleMode mode, LockWaitPolicy wait) {
    bool newer = false;
    const TM_Result result = call([this, mode, wait, &newer] {
        TM_FailureData failure;
        failure.traversed = false;
        ItemPointerData at = state_->found->tts_tid;
        const uint8 flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
                            (IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION);
        const TM_Result done = table_tuple_lock(state_->relation, &at, GetActiveSnapshot(), state_->found,
                                                GetCurrentCommandId(false), mode, wait, flags, &failure);
        newer = failure.traversed;
        return done;
    });
    if (result == TM_Ok)
        return newer ? locked::newer : locked::yes;
    if (result == TM_WouldBlock)
        return locked::skipped;
    if (result == TM_Deleted && !IsolationUsesXactSnapshot())
        return locked::absent;
    if (result == TM_Updated || result == TM_Deleted)
        throw_concurrent_update();
    throw sql_error{"27000", "the row was changed by an operation that this command triggered", {}, {}};
}

nullable_datum direct_table::column(std::size_t i) const {
    nullable_datum value;
    value.value =
        call([this, i, &value] { return slot_getattr(state_->found, state_->attributes[i], &value.is_null); });
    return value;
}

ItemPointerData direct_table::place() const { return state_->found->tts_tid; }

void direct_table::update_found(std::span<const std::pair<std::size_t, nullable_datum>> changes) {
    if (!write_version(changes))
        throw sql_error{"27000", "the row was changed by an operation that this command triggered", {}, {}};
}

bool direct_table::try_update_found(std::span<const std::pair<std::size_t, nullable_datum>> changes) {
    const auto is_checked = [this](const auto &change) {
        constexpr int whole_row = 0 - FirstLowInvalidHeapAttributeNumber;
        const int attribute = state_->attributes[change.first] - FirstLowInvalidHeapAttributeNumber;
        return bms_is_member(attribute, state_->checked) || bms_is_member(whole_row, state_->checked);
    };
    return std::ranges::none_of(changes, is_checked) && !found_is_held() && write_version(changes);
}

bool direct_table::found_is_held() const {
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
bool direct_table::write_version(std::span<const std::pair<std::size_t, nullable_datum>> changes) {
    const as_role owner(state_->relation->rd_rel->relowner);
    return call([this, changes] {
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
            open_indexes();
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
claim insert_keyed(ResultRelInfo *info, TupleTableSlot *slot, TupleTableSlot *other, EState *estate) {
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

TupleTableSlot *direct_table::make_slot() {
    const MemoryContext outer = MemoryContextSwitchTo(state_->context);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(state_->shape, &TTSOpsVirtual);
    MemoryContextSwitchTo(outer);
    return slot;
}

// The row as a virtual tuple, held against the table's constraints.
void direct_table::build(TupleTableSlot *slot, std::span<const nullable_datum> columns) {
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

nullable_datum direct_table::default_of(std::size_t i) {
    nullable_datum value;
    value.value = call([this, i, &value] {
        Relation relation = table_open(relation_, AccessShareLock);
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

bool direct_table::insert(std::span<const nullable_datum> columns, bool keyed) {
    const as_role owner(state_->relation->rd_rel->relowner);
    const claim done = call([this, columns, keyed] {
        TupleTableSlot *built = state_->built;
        build(built, columns);
        open_indexes();
        if (keyed)
            return insert_keyed(state_->info, built, state_->found, state_->estate);
        table_tuple_insert(state_->relation, built, GetCurrentCommandId(true), 0, nullptr);
        insert_index_entries(state_->info, built, state_->estate, false, false, nullptr);
        return claim::made;
    });
    if (done == claim::taken_unseen)
        throw_concurrent_update();
    return done == claim::made;
}

void direct_table::insert_many(std::span<const nullable_datum> columns, std::size_t width) {
    const as_role owner(state_->relation->rd_rel->relowner);
    call([this, columns, width] {
        const std::size_t rows = columns.size() / width;
        Assert(rows <= most_rows);
        TupleTableSlot **slots = state_->many;
        BulkInsertState bulk = GetBulkInsertState();
        open_indexes();
        for (std::size_t i = 0; i < rows; ++i) {
            if (slots[i] == nullptr)
                slots[i] = make_slot();
            build(slots[i], columns.subspan(i * width, width));
        }
        table_multi_insert(state_->relation, slots, static_cast<int>(rows), GetCurrentCommandId(true), 0, bulk);
        Relation *indexes = state_->info->ri_IndexRelationDescs;
        for (int i = 0; i < state_->indexes; ++i) {
            Relation index = indexes[i];
            IndexInfo *info = state_->info->ri_IndexRelationInfo[i];
            if (rows > 1 && has_pending_list(index, info)) {
                insert_pending(index, info, slots, rows, state_->estate);
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

void require_writable(const char *what) {
    call([what] {
        PreventCommandIfReadOnly(what);
        PreventCommandIfParallelMode(what);
    });
}

} // namespace pg
