#include "pg/direct_table.hpp"

#include "pg/relation.hpp"
#include "pg/version.hpp"

namespace pg {

namespace {

constinit direct_table *all_tables = nullptr;

bool named(const char *name, std::span<const char *const> names) {
    return std::ranges::any_of(names, [name](const char *one) { return std::strcmp(one, name) == 0; });
}

// Everything down to the end of this namespace runs in Postgres' world: inside `call`, without objects of ours.

bool has_foreign_function(Node *node, void *) {
    if (node == nullptr)
        return false;
    const auto foreign = [](Oid function, void *) { return function >= FirstNormalObjectId; };
    if (check_functions_in_node(node, foreign, nullptr))
        return true;
    return walk_expression(node, has_foreign_function, nullptr);
}

bool triggers_are_known(Relation relation, const direct_shape &shape) {
    const Oid foreign_key = shape.foreign_key == nullptr
                                ? InvalidOid
                                : get_relation_constraint_oid(RelationGetRelid(relation), shape.foreign_key, true);
    const TriggerDesc *all = relation->trigdesc; // only now: a look into a catalog may replace it
    for (int i = 0; all != nullptr && i < all->numtriggers; ++i) {
        const Trigger &trigger = all->triggers[i];
        if (named(trigger.tgname, shape.triggers))
            continue;
        const int kind = RI_FKey_trigger_type(trigger.tgfoid);
        // Where this table is referenced, nothing fires: no key is changed and no row deleted.
        if (kind == RI_TRIGGER_PK)
            continue;
        if (kind != RI_TRIGGER_FK || foreign_key == InvalidOid || trigger.tgconstraint != foreign_key)
            return false;
    }
    return true;
}

bool columns_are_known(Relation relation, const direct_shape &shape, AttrNumber *attributes) {
    const TupleDesc columns = relation->rd_att;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
        attributes[i] = attribute_of(columns, shape.columns[i].name);
        if (attributes[i] == 0 || TupleDescAttr(columns, attributes[i] - 1)->atttypid != shape.columns[i].type)
            return false;
    }
    for (int i = 0; i < columns->natts; ++i) {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        const bool known = std::find(attributes, attributes + shape.columns.size(), column->attnum) !=
                           attributes + shape.columns.size();
        if (column->attgenerated != '\0' || column->attidentity != '\0')
            return false;
        if (!column->attisdropped && !known && (column->atthasdef || column->attnotnull))
            return false;
    }
    return true;
}

bool index_is_plain(Relation index, IndexInfo *info) {
    if (!index->rd_index->indisvalid && index->rd_index->indisready)
        return false; // being built by somebody: leave it to SQL
    return index->rd_index->indimmediate && info->ii_ExclusionOps == nullptr &&
           !has_foreign_function(reinterpret_cast<Node *>(info->ii_Expressions), nullptr) &&
           !has_foreign_function(reinterpret_cast<Node *>(info->ii_Predicate), nullptr);
}

bool checks_are_known(Relation relation, const direct_shape &shape) {
    const TupleConstr *constraints = relation->rd_att->constr;
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
        const ConstrCheck &check = constraints->check[i];
        if (!named(check.ccname, shape.checks) &&
            has_foreign_function(static_cast<Node *>(stringToNode(check.ccbin)), nullptr))
            return false;
    }
    return true;
}

bool relation_is_plain(Relation relation) {
    const Form_pg_class form = relation->rd_rel;
    return form->relkind == RELKIND_RELATION && form->relam == HEAP_TABLE_AM_OID && !form->relhasrules &&
           !form->relhassubclass && !form->relispartition && !form->relforcerowsecurity;
}

} // namespace

// Lives in a memory context of its own below CacheMemoryContext.
struct direct_table::state {
    MemoryContext context;
    EState *estate;
    ResultRelInfo *info;
    TupleDesc shape;
    AttrNumber *attributes;
    int indexes;
    Oid *index_ids;
    int *probed; // positions among the indexes
    // Of the operation under way. The slots are made anew for each: one that an error left holding a page would not
    // know that its pin is gone.
    Relation relation;
    TupleTableSlot *found; // the row found
    TupleTableSlot *built; // the row to be written
};

bool direct_table::decide(Relation relation) {
    if (state_ != nullptr)
        MemoryContextDelete(state_->context);
    state_ = nullptr;
    if (!relation_is_plain(relation) || !triggers_are_known(relation, shape_) || !checks_are_known(relation, shape_))
        return false;
    const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "mega table", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext outer = MemoryContextSwitchTo(context);
    auto *made = static_cast<state *>(palloc0(sizeof(state)));
    made->context = context;
    made->attributes = static_cast<AttrNumber *>(palloc0(sizeof(AttrNumber) * shape_.columns.size()));
    made->probed = static_cast<int *>(palloc(sizeof(int) * shape_.probed.size()));
    std::fill_n(made->probed, shape_.probed.size(), -1);
    bool good = columns_are_known(relation, shape_, made->attributes);
    made->estate = CreateExecutorState();
    made->info = makeNode(ResultRelInfo);
    InitResultRelInfo(made->info, relation, 0, nullptr, 0);
    made->shape = CreateTupleDescCopyConstr(relation->rd_att);
    List *indexes = RelationGetIndexList(relation);
    made->indexes = list_length(indexes);
    made->index_ids = static_cast<Oid *>(palloc(sizeof(Oid) * static_cast<Size>(made->indexes + 1)));
    made->info->ri_NumIndices = made->indexes;
    made->info->ri_IndexRelationDescs =
        static_cast<RelationPtr>(palloc0(sizeof(Relation) * static_cast<Size>(made->indexes + 1)));
    made->info->ri_IndexRelationInfo =
        static_cast<IndexInfo **>(palloc0(sizeof(IndexInfo *) * static_cast<Size>(made->indexes + 1)));
    for (int i = 0; i < made->indexes; ++i) {
        made->index_ids[i] = list_nth_oid(indexes, i);
        Relation index = index_open(made->index_ids[i], AccessShareLock);
        IndexInfo *info = BuildIndexInfo(index);
        if (info->ii_Unique)
            BuildSpeculativeIndexInfo(index, info);
        made->info->ri_IndexRelationInfo[i] = info;
        good = good && index_is_plain(index, info);
        for (std::size_t p = 0; p < shape_.probed.size(); ++p)
            if (std::strcmp(RelationGetRelationName(index), shape_.probed[p]) == 0 &&
                index->rd_rel->relam == BTREE_AM_OID)
                made->probed[p] = i;
        index_close(index, AccessShareLock);
    }
    for (std::size_t p = 0; p < shape_.probed.size(); ++p)
        good = good && made->probed[p] >= 0;
    MemoryContextSwitchTo(outer);
    MemoryContextSetParent(context, CacheMemoryContext);
    state_ = made;
    return good;
}

void direct_table::decide_now(Relation relation) {
    decided_ = true;  // an invalidation that comes in while the table is read takes it back
    eligible_ = true; // not to be believed while there is no state, as when an error comes in between
    eligible_ = decide(relation);
}

void direct_table::forget(Oid relation) {
    for (direct_table *table = all_tables; table != nullptr; table = table->next_)
        if (relation == InvalidOid || relation == table->relation_)
            table->decided_ = false;
}

bool direct_table::eligible(Oid relation) {
    if (ExecutorCheckPerms_hook != nullptr) // somebody wants to be asked about every access
        return false;
    if (is_decided() && relation_ == relation)
        return eligible_;
    if (!watched_) {
        next_ = std::exchange(all_tables, this);
        watched_ = true;
    }
    relation_ = relation;
    call([this, relation] {
        Relation opened = table_open(relation, AccessShareLock);
        decide_now(opened);
        table_close(opened, NoLock);
    });
    return eligible_;
}

bool direct_table::open(LOCKMODE lock) {
    lock_ = lock;
    return call([this] {
        Relation relation = table_open(relation_, lock_);
        if (!is_decided()) // the lock brought news
            decide_now(relation);
        if (!eligible_) {
            table_close(relation, NoLock);
            return false;
        }
        state_->relation = relation;
        state_->info->ri_RelationDesc = relation;
        std::fill_n(state_->info->ri_IndexRelationDescs, state_->indexes, nullptr);
        ResetPerTupleExprContext(state_->estate);
        state_->found = MakeSingleTupleTableSlot(state_->shape, table_slot_callbacks(relation));
        state_->built = MakeSingleTupleTableSlot(state_->shape, &TTSOpsVirtual);
        return true;
    });
}

void direct_table::close() {
    call([this] {
        ExecDropSingleTupleTableSlot(state_->found);
        ExecDropSingleTupleTableSlot(state_->built);
        for (int i = 0; i < state_->indexes; ++i)
            if (state_->info->ri_IndexRelationDescs[i] != nullptr)
                index_close(state_->info->ri_IndexRelationDescs[i], NoLock);
        table_close(state_->relation, NoLock);
    });
}

TupleDesc direct_table::shape() const { return state_->shape; }

Relation direct_table::open_index(int i) {
    Relation &index = state_->info->ri_IndexRelationDescs[i];
    if (index == nullptr)
        index = index_open(state_->index_ids[i], lock_);
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

bool direct_table::scan(std::size_t probed_index, std::span<const Datum> keys, ScanDirection direction) {
    return call([this, probed_index, keys, direction] {
        Relation index = open_index(state_->probed[probed_index]);
        ScanKeyData scan_keys[4];
        for (std::size_t i = 0; i < keys.size(); ++i)
            ScanKeyEntryInitialize(&scan_keys[i], 0, static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, InvalidOid,
                                   index->rd_indcollation[i], F_TEXTEQ, keys[i]);
        const int count = static_cast<int>(keys.size());
        IndexScanDesc scan = begin_index_scan(state_->relation, index, GetActiveSnapshot(), count);
        index_rescan(scan, scan_keys, count, nullptr, 0);
        const bool exists = index_getnext_slot(scan, direction, state_->found);
        if (exists)
            ExecMaterializeSlot(state_->found);
        index_endscan(scan);
        return exists;
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

locked direct_table::lock_found(LockTupleMode mode) {
    bool newer = false;
    const TM_Result result = call([this, mode, &newer] {
        TM_FailureData failure;
        failure.traversed = false;
        ItemPointerData at = state_->found->tts_tid;
        const uint8 flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
                            (IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION);
        const TM_Result done = table_tuple_lock(state_->relation, &at, GetActiveSnapshot(), state_->found,
                                                GetCurrentCommandId(false), mode, LockWaitBlock, flags, &failure);
        newer = failure.traversed;
        return done;
    });
    if (result == TM_Ok)
        return newer ? locked::newer : locked::yes;
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
    const TM_Result result = call([this, changes] {
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
        state_->found->tts_tid = built->tts_tid;
        return put;
    });
    if (result != TM_Ok)
        throw sql_error{"XX000", "a row that was locked could not be updated", {}, {}};
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

bool direct_table::insert(std::span<const nullable_datum> columns, bool keyed) {
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
    call([this, columns, width] {
        constexpr int largest_chunk = 500;
        TupleTableSlot *slots[largest_chunk];
        const std::size_t rows = columns.size() / width;
        const int chunk = static_cast<int>(std::min<std::size_t>(rows, largest_chunk));
        for (int i = 0; i < chunk; ++i)
            slots[i] = MakeSingleTupleTableSlot(state_->shape, &TTSOpsVirtual);
        BulkInsertState bulk = GetBulkInsertState();
        open_indexes();
        for (std::size_t first = 0; first < rows; first += largest_chunk) {
            CHECK_FOR_INTERRUPTS();
            const int count = static_cast<int>(std::min<std::size_t>(rows - first, largest_chunk));
            for (int i = 0; i < count; ++i)
                build(slots[i], columns.subspan((first + static_cast<std::size_t>(i)) * width, width));
            table_multi_insert(state_->relation, slots, count, GetCurrentCommandId(true), 0, bulk);
            for (int i = 0; i < count; ++i) {
                ResetPerTupleExprContext(state_->estate);
                insert_index_entries(state_->info, slots[i], state_->estate, false, false, nullptr);
            }
        }
        FreeBulkInsertState(bulk);
        for (int i = 0; i < chunk; ++i)
            ExecDropSingleTupleTableSlot(slots[i]);
    });
}

namespace {

constinit int moments = 0; // depth of same_moment

void push_snapshot() {
    call([] {
        CommandCounterIncrement();
        PushActiveSnapshot(GetTransactionSnapshot());
    });
}

void pop_snapshot() {
    call([] {
        PopActiveSnapshot();
        CommandCounterIncrement();
    });
}

} // namespace

fresh_snapshot::fresh_snapshot() : pushed_(moments == 0) {
    if (pushed_)
        push_snapshot();
}

void fresh_snapshot::done() {
    if (pushed_)
        pop_snapshot();
}

same_moment::same_moment() {
    push_snapshot();
    ++moments;
}

same_moment::~same_moment() { --moments; }

void same_moment::done() { pop_snapshot(); }

void watch_direct_tables() {
    CacheRegisterRelcacheCallback(direct_table::on_relation_change, 0);
    CacheRegisterSyscacheCallback(PROCOID, direct_table::on_function_change, 0);
}

void require_writable(const char *what) {
    call([what] {
        PreventCommandIfReadOnly(what);
        PreventCommandIfParallelMode(what);
    });
}

} // namespace pg
