// Whether a table may be written directly: what it carries, against what the caller knows.
#include "pg/code.hpp"
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

// What an obstacle is called. Each part is a text of Postgres' world.
template <class... Parts> const char *worded(Parts... parts) {
    StringInfoData text;
    initStringInfo(&text);
    (appendStringInfoString(&text, parts), ...);
    return text.data;
}

// Whoever may create a function in C may do anything.
bool is_foreign_and_not_c(Oid function) {
    return function >= FirstNormalObjectId && get_language_of(function) != ClanguageId;
}

bool is_foreign(Oid function, void *) { return function >= FirstNormalObjectId; }
bool is_foreign_code(Oid function, void *) { return is_foreign_and_not_c(function); }

// Whether an expression may run somebody's code, in which the table might be used again: a function's, or that of a
// domain's check, which does not show and may change without news.
template <check_function_callback Foreign> bool runs_foreign_code(Node *node, void *) {
    if (node == nullptr)
        return false;
    if (type_runs_code(type_of_expression(node)) || check_functions_in_node(node, Foreign, nullptr))
        return true;
    return walk_expression(node, runs_foreign_code<Foreign>, nullptr);
}

bool is_kept_by_caller(const ForeignKeyCacheInfo *key, Relation relation, const direct_reference &known) {
    return key->nkeys == 1 && key->conkey[0] == attribute_of(relation->rd_att, known.column) &&
           key->confrelid == get_relname_relid(known.table, RelationGetNamespace(relation)) &&
           key->confkey[0] == get_attnum(key->confrelid, known.key);
}

// The foreign keys that the caller keeps itself.
List *known_keys(Relation relation, const direct_shape &shape) {
    List *known = NIL;
    ListCell *cell;
    foreach (cell, RelationGetFKeyList(relation)) {
        const auto *key = static_cast<ForeignKeyCacheInfo *>(lfirst(cell));
        if (shape.foreign_key != nullptr && is_kept_by_caller(key, relation, *shape.foreign_key))
            known = lappend_oid(known, key->conoid);
    }
    return known;
}

// Whether a foreign key of another table rests on columns that no update changes. An update through SQL would have the
// other table looked at.
bool rests_on_fixed_columns(Relation relation, Oid constraint, const direct_shape &shape) {
    HeapTuple found = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(found))
        return false;
    bool is_null;
    const Datum keys = SysCacheGetAttr(CONSTROID, found, Anum_pg_constraint_confkey, &is_null);
    bool fixed = !is_null;
    if (!is_null) {
        const ArrayType *columns = DatumGetArrayTypeP(keys);
        const auto *numbers = reinterpret_cast<const int16 *>(ARR_DATA_PTR(columns));
        for (int i = 0; i < ARR_DIMS(columns)[0]; ++i) {
            const char *column = NameStr(TupleDescAttr(relation->rd_att, numbers[i] - 1)->attname);
            const bool of_shape = std::ranges::any_of(
                shape.columns, [column](const direct_column &one) { return std::strcmp(one.name, column) == 0; });
            fixed = fixed && (!of_shape || named(column, shape.fixed));
        }
    }
    ReleaseSysCache(found);
    return fixed;
}

// Each of the following names the first thing found that the direct path does not do as SQL would; nullptr: none.

const char *obstacle_of_key(Relation relation, const Trigger &trigger, int kind, List *known,
                            const direct_shape &shape) {
    const char *key = get_constraint_name(trigger.tgconstraint);
    if (kind == RI_TRIGGER_FK && !list_member_oid(known, trigger.tgconstraint))
        return worded("the foreign key ", key == nullptr ? "" : key, " is not mega's");
    if (kind == RI_TRIGGER_PK && !rests_on_fixed_columns(relation, trigger.tgconstraint, shape))
        return worded("the foreign key ", key == nullptr ? "" : key, " of ",
                      trigger.tgconstrrelid == InvalidOid ? "another table" : get_rel_name(trigger.tgconstrrelid),
                      " rests on a column that may change");
    return nullptr;
}

const char *obstacle_in_triggers(Relation relation, const direct_shape &shape) {
    List *known = known_keys(relation, shape);
    const TriggerDesc *all = CopyTriggerDesc(relation->trigdesc); // a look into a catalog may replace the relation's
    for (int i = 0; all != nullptr && i < all->numtriggers; ++i) {
        const Trigger &trigger = all->triggers[i];
        const int kind = RI_FKey_trigger_type(trigger.tgfoid);
        const char *found = nullptr;
        if (kind != RI_TRIGGER_NONE)
            found = obstacle_of_key(relation, trigger, kind, known, shape);
        else if (!named(trigger.tgname, shape.triggers))
            found = worded("the trigger ", trigger.tgname, " is not mega's");
        if (found != nullptr)
            return found;
    }
    return nullptr;
}

const char *obstacle_in_columns(Relation relation, const direct_shape &shape, AttrNumber *attributes) {
    const TupleDesc columns = relation->rd_att;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
        attributes[i] = attribute_of(columns, shape.columns[i].name);
        if (attributes[i] == 0 || TupleDescAttr(columns, attributes[i] - 1)->atttypid != shape.columns[i].type)
            return worded("the column ", shape.columns[i].name, " is of another type");
    }
    for (int i = 0; i < columns->natts; ++i) {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        const bool known = std::find(attributes, attributes + shape.columns.size(), column->attnum) !=
                           attributes + shape.columns.size();
        const char *name = NameStr(column->attname);
        if (column->attgenerated != '\0' || column->attidentity != '\0')
            return worded("the column ", name, " is generated");
        if (column->attisdropped || known)
            continue;
        if (column->atthasdef || column->attnotnull)
            return worded("the column ", name, " is not mega's and has a default or is NOT NULL");
        if (get_typtype(column->atttypid) == TYPTYPE_DOMAIN) // which may have a default, and NOT NULL
            return worded("the column ", name, " is not mega's and of a domain");
    }
    return nullptr;
}

// The functions by which an index orders and looks up values: those of somebody's operator class.
bool has_plain_support(Relation index) {
    const int count = index->rd_att->natts * index->rd_indam->amsupport;
    for (int i = 0; i < count; ++i)
        if (is_foreign_and_not_c(index->rd_support[i]))
            return false;
    return true;
}

const char *obstacle_in_index(Relation index, IndexInfo *info) {
    const char *name = RelationGetRelationName(index);
    if (!index->rd_index->indisvalid && index->rd_index->indisready)
        return worded("the index ", name, " is being built, or its building failed");
    if (!index->rd_index->indimmediate || info->ii_ExclusionOps != nullptr)
        return worded("the key ", name, " is deferrable, or an exclusion constraint");
    if (!has_plain_support(index) ||
        runs_foreign_code<is_foreign>(reinterpret_cast<Node *>(info->ii_Expressions), nullptr) ||
        runs_foreign_code<is_foreign>(reinterpret_cast<Node *>(info->ii_Predicate), nullptr))
        return worded("the index ", name, " calls a function that Postgres does not bring along");
    return nullptr;
}

// Whether an index is what the caller will ask for. Its definition tells the columns, their order, the predicate and
// everything else that decides which rows are found.
bool is_probed(Relation index, const direct_index &wanted) {
    const char *found = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, RelationGetRelid(index)));
    const char *behind = std::strstr(found, " USING ");
    return index->rd_index->indisvalid && index->rd_index->indisunique == wanted.unique && behind != nullptr &&
           std::strcmp(behind + std::strlen(" USING "), wanted.definition) == 0;
}

// A built-in function that is not immutable may run SQL, and with it anything.
const char *obstacle_in_checks(Relation relation, const direct_shape &shape) {
    const TupleConstr *constraints = relation->rd_att->constr;
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
        const ConstrCheck &check = constraints->check[i];
        auto *expression = static_cast<Node *>(stringToNode(check.ccbin));
        const auto runs =
            named(check.ccname, shape.checks) ? runs_foreign_code<is_foreign_code> : runs_foreign_code<is_foreign>;
        if (runs(expression, nullptr) || contain_mutable_functions(expression))
            return worded("the constraint ", check.ccname, " calls a function that is somebody's or not immutable");
    }
    return nullptr;
}

const char *obstacle_in_table(Relation relation) {
    const Form_pg_class form = relation->rd_rel;
    if (form->relkind != RELKIND_RELATION || form->relam != HEAP_TABLE_AM_OID)
        return "it is not a plain table";
    if (form->relispartition)
        return "it is a partition";
    if (form->relhassubclass)
        return "it has children, or had some before the last ANALYZE";
    if (form->relhasrules)
        return "it has rules, or had some before the last VACUUM";
    return form->relforcerowsecurity ? "row security is forced on its owner" : nullptr;
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

// Returns what stands against it.
const char *direct_table::decide(Relation relation) {
    retire();
    const char *obstacle = obstacle_in_table(relation);
    if (obstacle == nullptr)
        obstacle = obstacle_in_triggers(relation, shape_);
    if (obstacle == nullptr)
        obstacle = obstacle_in_checks(relation, shape_);
    if (obstacle != nullptr)
        return obstacle;
    const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "mega table", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext outer = MemoryContextSwitchTo(context);
    auto *made = static_cast<state *>(palloc0(sizeof(state)));
    made->context = context;
    made->attributes = static_cast<AttrNumber *>(palloc0(sizeof(AttrNumber) * shape_.columns.size()));
    made->probed = static_cast<int *>(palloc(sizeof(int) * shape_.probed.size()));
    std::fill_n(made->probed, shape_.probed.size(), -1);
    obstacle = obstacle_in_columns(relation, shape_, made->attributes);
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
        if (obstacle == nullptr)
            obstacle = obstacle_in_index(index, info);
        for (std::size_t p = 0; p < shape_.probed.size(); ++p)
            if (is_probed(index, shape_.probed[p]))
                made->probed[p] = i;
        index_close(index, AccessShareLock);
    }
    for (std::size_t p = 0; p < shape_.probed.size(); ++p)
        if (obstacle == nullptr && made->probed[p] < 0 && shape_.probed[p].required)
            obstacle = worded("there is no index USING ", shape_.probed[p].definition);
    MemoryContextSwitchTo(outer);
    MemoryContextSetParent(context, CacheMemoryContext);
    made->closed = true;
    state_ = made;
    return obstacle;
}

void direct_table::decide_now(Relation relation) {
    decided_ = true;  // an invalidation that comes in while the table is read takes it back
    eligible_ = true; // not to be believed while there is no state, as when an error comes in between
    const char *obstacle = decide(relation);
    eligible_ = obstacle == nullptr;
    obstacle_ = obstacle == nullptr ? "" : obstacle;
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

const char *direct_table::obstacle() const {
    if (ExecutorCheckPerms_hook != nullptr)
        return "another extension wants to be asked about every access";
    return is_in_use() ? "it is being written by the call that this one is part of" : obstacle_.c_str();
}

bool direct_table::eligible(Oid relation) {
    if (ExecutorCheckPerms_hook != nullptr) // somebody wants to be asked about every access
        return false;
    if (is_in_use()) {
        entered_ = true;
        return false;
    }
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

// What was under way where an error ends is no more.
void direct_table::on_transaction_end(XactEvent event, void *) {
    if (event != XACT_EVENT_ABORT)
        return;
    for (direct_table *table = all_tables; table != nullptr; table = table->next_)
        table->opened_in_ = InvalidSubTransactionId;
}

void direct_table::on_subtransaction_end(SubXactEvent event, SubTransactionId own, SubTransactionId, void *) {
    if (event != SUBXACT_EVENT_ABORT_SUB)
        return;
    for (direct_table *table = all_tables; table != nullptr; table = table->next_)
        if (table->opened_in_ == own)
            table->opened_in_ = InvalidSubTransactionId;
}

void watch_direct_tables() {
    RegisterXactCallback(direct_table::on_transaction_end, nullptr);
    RegisterSubXactCallback(direct_table::on_subtransaction_end, nullptr);
    CacheRegisterRelcacheCallback(direct_table::on_relation_change, 0);
    CacheRegisterSyscacheCallback(PROCOID, direct_table::on_function_change, 0);
}

} // namespace pg
