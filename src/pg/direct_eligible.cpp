// Whether a table may be written directly: what it carries, against what the caller knows.
#include "pg/direct_state.hpp"
#include "pg/relation.hpp"
#include "pg/version.hpp"

namespace pg {

namespace {

constinit direct_table *all_tables = nullptr;

bool named(const char *name, std::span<const char *const> names) {
    return std::ranges::any_of(names, [name](const char *one) { return std::strcmp(one, name) == 0; });
}

// Everything down to the end of this namespace runs in Postgres' world: inside `call`, without objects of ours.

bool is_foreign(Oid function, void *) { return function >= FirstNormalObjectId; }

// Whoever may create a function in C may do anything.
bool is_foreign_and_not_c(Oid function, void *) {
    if (function < FirstNormalObjectId)
        return false;
    HeapTuple found = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(found))
        return true;
    const Oid language = reinterpret_cast<Form_pg_proc>(GETSTRUCT(found))->prolang;
    ReleaseSysCache(found);
    return language != ClanguageId;
}

// Whether an expression may run somebody's code, in which the table might be used again: a function's, or that of a
// domain's check, which does not show and may change without news.
template <check_function_callback Foreign> bool runs_foreign_code(Node *node, void *) {
    if (node == nullptr)
        return false;
    if (IsA(node, CoerceToDomain) || check_functions_in_node(node, Foreign, nullptr))
        return true;
    return walk_expression(node, runs_foreign_code<Foreign>, nullptr);
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
        if (!column->attisdropped && !known &&
            (column->atthasdef || column->attnotnull || get_typtype(column->atttypid) == TYPTYPE_DOMAIN))
            return false; // a domain may have a default, and NOT NULL
    }
    return true;
}

bool index_is_plain(Relation index, IndexInfo *info) {
    if (!index->rd_index->indisvalid && index->rd_index->indisready)
        return false; // being built by somebody: leave it to SQL
    return index->rd_index->indimmediate && info->ii_ExclusionOps == nullptr &&
           !runs_foreign_code<is_foreign>(reinterpret_cast<Node *>(info->ii_Expressions), nullptr) &&
           !runs_foreign_code<is_foreign>(reinterpret_cast<Node *>(info->ii_Predicate), nullptr);
}

// Whether an index is what the caller will ask for. Its definition tells the columns, their order, the predicate and
// everything else that decides which rows are found.
bool is_probed(Relation index, const direct_index &wanted) {
    const char *found = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, RelationGetRelid(index)));
    const char *behind = std::strstr(found, " USING ");
    return index->rd_index->indisvalid && index->rd_index->indisunique == wanted.unique && behind != nullptr &&
           std::strcmp(behind + std::strlen(" USING "), wanted.definition) == 0;
}

bool checks_are_known(Relation relation, const direct_shape &shape) {
    const TupleConstr *constraints = relation->rd_att->constr;
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
        const ConstrCheck &check = constraints->check[i];
        const auto runs =
            named(check.ccname, shape.checks) ? runs_foreign_code<is_foreign_and_not_c> : runs_foreign_code<is_foreign>;
        if (runs(static_cast<Node *>(stringToNode(check.ccbin)), nullptr))
            return false;
    }
    return true;
}

bool relation_is_plain(Relation relation) {
    const Form_pg_class form = relation->rd_rel;
    return form->relkind == RELKIND_RELATION && form->relam == HEAP_TABLE_AM_OID && !form->relhasrules &&
           !form->relhassubclass && !form->relispartition && !form->relforcerowsecurity;
}

Bitmapset *checked_columns(const TupleConstr *constraints) {
    Bitmapset *columns = nullptr;
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i)
        pull_varattnos(static_cast<Node *>(stringToNode(constraints->check[i].ccbin)), 1, &columns);
    return columns;
}

} // namespace

constinit direct_table::state *direct_table::retired_ = nullptr;

// What was known of the table is forgotten, and freed as soon as nobody holds its shape.
void direct_table::retire() {
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

bool direct_table::decide(Relation relation) {
    retire();
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
    made->checked = checked_columns(relation->rd_att->constr);
    made->found = MakeSingleTupleTableSlot(made->shape, table_slot_callbacks(relation));
    made->built = MakeSingleTupleTableSlot(made->shape, &TTSOpsVirtual);
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
            if (is_probed(index, shape_.probed[p]))
                made->probed[p] = i;
        index_close(index, AccessShareLock);
    }
    for (std::size_t p = 0; p < shape_.probed.size(); ++p)
        good = good && (made->probed[p] >= 0 || !shape_.probed[p].required);
    MemoryContextSwitchTo(outer);
    MemoryContextSetParent(context, CacheMemoryContext);
    made->closed = true;
    state_ = made;
    return good;
}

void direct_table::decide_now(Relation relation) {
    decided_ = true;  // an invalidation that comes in while the table is read takes it back
    eligible_ = true; // not to be believed while there is no state, as when an error comes in between
    eligible_ = decide(relation);
}

bool direct_table::depends_on(Oid relation) const {
    if (relation == InvalidOid || relation == relation_)
        return true;
    if (state_ == nullptr)
        return eligible_; // being decided: it may be one of the indexes
    Oid *const end = state_->index_ids + state_->indexes;
    return std::find(state_->index_ids, end, relation) != end;
}

void direct_table::forget(Oid relation) {
    for (direct_table *table = all_tables; table != nullptr; table = table->next_)
        if (table->depends_on(relation))
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

void watch_direct_tables() {
    CacheRegisterRelcacheCallback(direct_table::on_relation_change, 0);
    CacheRegisterSyscacheCallback(PROCOID, direct_table::on_function_change, 0);
}

} // namespace pg
