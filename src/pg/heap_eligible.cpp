// Whether a table may be written directly, and what is kept of one that may; forgotten with every change.
#include "pg/heap_obstacles.hpp"
#include "pg/heap_writer_state.hpp"
#include "pg/owners_terms.hpp"
#include "pg/relation.hpp"

namespace pg {

namespace {

constinit heap_writer *all_writers = nullptr;

} // namespace

constinit heap_writer::state *heap_writer::retired_ = nullptr;

// What was known of the table is forgotten, and freed as soon as nobody holds its shape.
void heap_writer::retire(inside) {
    if (state_ != nullptr)
        state_->older = std::exchange(retired_, state_);
    state_ = nullptr;
    for (state **link = &retired_; *link != nullptr;) {
        state *one = *link;
        if (one->pins > 0) {
            link = &one->older;
            continue;
        }
        *link = one->older;
        MemoryContextDelete(one->context);
    }
}

// Returns what stands against it.
const char *heap_writer::decide(inside in, Relation relation) {
    retire(in);
    const char *obstacle = obstacle_in_table(in, relation);
    if (obstacle == nullptr && !shape_.only_read)
        obstacle = obstacle_in_triggers(in, relation, shape_);
    if (obstacle == nullptr && !shape_.only_read)
        obstacle = obstacle_in_checks(in, relation, shape_);
    return obstacle == nullptr ? make_state(in, relation) : obstacle;
}

const char *heap_writer::make_state(inside in, Relation relation) {
    const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "mega table", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext outer = MemoryContextSwitchTo(context);
    auto *made = static_cast<state *>(palloc0(sizeof(state)));
    made->context = context;
    made->attributes = static_cast<AttrNumber *>(palloc0(sizeof(AttrNumber) * shape_.columns.size()));
    const char *of_columns = obstacle_in_columns(in, relation, shape_, made->attributes);
    made->estate = CreateExecutorState();
    made->info = makeNode(ResultRelInfo);
    InitResultRelInfo(made->info, relation, 0, nullptr, 0);
    made->shape = CreateTupleDescCopyConstr(relation->rd_att);
    reference_validated_ = is_reference_validated(in, relation, shape_);
    made->checked = checked_columns(in, relation->rd_att->constr);
    made->found = MakeSingleTupleTableSlot(made->shape, table_slot_callbacks(relation));
    made->built = MakeSingleTupleTableSlot(made->shape, &TTSOpsVirtual);
    const char *of_indexes = take_indexes(in, relation, made);
    MemoryContextSwitchTo(outer);
    MemoryContextSetParent(context, CacheMemoryContext);
    made->closed = true;
    state_ = made;
    return of_columns == nullptr ? of_indexes : of_columns;
}

// Notes for which of the looks the index is, the i-th of the table.
bool heap_writer::is_probed_at(inside in, Relation index, state *made, int i) {
    bool probed = false;
    for (std::size_t p = 0; p < shape_.probed.size(); ++p)
        if (is_probed(in, index, shape_.probed[p])) {
            made->probed[p] = i;
            probed = true;
        }
    return probed;
}

const char *heap_writer::take_indexes(inside in, Relation relation, state *made) {
    List *indexes = RelationGetIndexList(relation);
    made->indexes = list_length(indexes);
    const Size room = static_cast<Size>(made->indexes) + 1;
    made->index_ids = static_cast<Oid *>(palloc(sizeof(Oid) * room));
    made->info->ri_NumIndices = made->indexes;
    made->info->ri_IndexRelationDescs = static_cast<RelationPtr>(palloc0(sizeof(Relation) * room));
    made->info->ri_IndexRelationInfo = static_cast<IndexInfo **>(palloc0(sizeof(IndexInfo *) * room));
    made->probed = static_cast<int *>(palloc(sizeof(int) * shape_.probed.size()));
    std::fill_n(made->probed, shape_.probed.size(), -1);
    has_other_keys_ = false;
    const char *obstacle = nullptr;
    for (int i = 0; i < made->indexes; ++i) {
        made->index_ids[i] = list_nth_oid(indexes, i);
        Relation index = index_open(made->index_ids[i], AccessShareLock);
        IndexInfo *info = BuildIndexInfo(index);
        if (info->ii_Unique)
            BuildSpeculativeIndexInfo(index, info);
        made->info->ri_IndexRelationInfo[i] = info;
        const bool probed = is_probed_at(in, index, made, i);
        has_other_keys_ = has_other_keys_ || (info->ii_Unique && !probed);
        if (obstacle == nullptr && (probed || !shape_.only_read))
            obstacle = obstacle_in_index(in, index, info);
        index_close(index, AccessShareLock);
    }
    for (std::size_t p = 0; p < shape_.probed.size(); ++p)
        if (obstacle == nullptr && made->probed[p] < 0 && shape_.probed[p].required)
            obstacle = obstacle_of_missing(in, shape_.probed[p]);
    return obstacle;
}

void heap_writer::decide_now(inside in, Relation relation) {
    decided_ = true;  // an invalidation that comes in while the table is read takes it back
    eligible_ = true; // not to be believed while there is no state, as when an error comes in between
    const char *obstacle = decide(in, relation);
    eligible_ = obstacle == nullptr;
    obstacle_ = obstacle == nullptr ? "" : obstacle;
}

// What an index asks is simplified while it is looked at: on the owner's terms.
void heap_writer::decide_anew(Relation relation) {
    const as_role owner(relation->rd_rel->relowner);
    owners_terms terms(RelationGetNamespace(relation), owners_terms::code::unknown);
    call([this, relation](inside in) { decide_now(in, relation); });
    terms.end();
}

bool heap_writer::depends_on(Oid relation) const {
    if (relation == InvalidOid || relation == relation_)
        return true;
    if (state_ == nullptr)
        return eligible_; // being decided: it may be one of the indexes
    Oid *const end = state_->index_ids + state_->indexes;
    return std::find(state_->index_ids, end, relation) != end;
}

void heap_writer::forget(Oid relation) {
    for (heap_writer *table = all_writers; table != nullptr; table = table->next_)
        if (table->depends_on(relation))
            table->decided_ = false;
}

const char *heap_writer::obstacle() const {
    if (ExecutorCheckPerms_hook != nullptr)
        return "another extension wants to be asked about every access";
    return is_in_use() ? "it is being written by the call that this one is part of" : obstacle_.c_str();
}

bool heap_writer::eligible(Oid relation) {
    if (ExecutorCheckPerms_hook != nullptr) // somebody wants to be asked about every access
        return false;
    if (is_in_use()) {
        entered_ = true;
        return false;
    }
    if (is_decided() && relation_ == relation)
        return eligible_;
    if (!watched_) {
        next_ = std::exchange(all_writers, this);
        watched_ = true;
    }
    relation_ = relation;
    Relation opened = call([relation] { return try_table_open(relation, AccessShareLock); });
    if (opened == nullptr) {
        obstacle_ = "it was dropped";
        return false;
    }
    decide_anew(opened);
    call([opened] { table_close(opened, NoLock); });
    return eligible_;
}

// What was under way where an error ends is no more.
void heap_writer::on_transaction_end(XactEvent event, void *) {
    if (event != XACT_EVENT_ABORT)
        return;
    for (heap_writer *table = all_writers; table != nullptr; table = table->next_)
        table->opened_in_ = InvalidSubTransactionId;
}

void heap_writer::on_subtransaction_end(SubXactEvent event, SubTransactionId own, SubTransactionId, void *) {
    if (event != SUBXACT_EVENT_ABORT_SUB)
        return;
    for (heap_writer *table = all_writers; table != nullptr; table = table->next_)
        if (table->opened_in_ == own)
            table->opened_in_ = InvalidSubTransactionId;
}

void watch_heap_writers() {
    RegisterXactCallback(heap_writer::on_transaction_end, nullptr);
    RegisterSubXactCallback(heap_writer::on_subtransaction_end, nullptr);
    CacheRegisterRelcacheCallback(heap_writer::on_relation_change, 0);
    CacheRegisterSyscacheCallback(PROCOID, heap_writer::on_function_change, 0);
}

} // namespace pg
