// Finds the code that a table carries: triggers, checks, defaults, indexes, policies, types.
#include "pg/carried_code.hpp"

#include "pg/code.hpp"
#include "pg/version.hpp"

namespace pg {

namespace {

// Everything down to `code_carried_by` runs in Postgres' world: inside `call`, without objects of ours.

struct piece {
    const char *place;
    Oid function;
    Oid author;
    bool runs_early;
};

struct search {
    List *found;       // of pieces
    List *types;       // that were looked at
    bool by_name;      // whether a function was seen that looks up what it names when it runs
    Oid owner;         // of the table
    const char *place; // what is looked at now
    Oid author;        // who made it
    bool runs_early;   // whether that is simplified while a statement is planned
};

const char *called(const char *kind, const char *name) {
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfoString(&text, kind);
    appendStringInfoString(&text, " \"");
    appendStringInfoString(&text, name);
    appendStringInfoChar(&text, '"');
    return text.data;
}

// Volatile, or reading whatever it is told to; save those that only tell the time or make a number.
bool may_run_any_statement(Oid function) {
    const char volatility = func_volatile(function);
    const char *name = get_func_name(function);
    if (volatility == PROVOLATILE_IMMUTABLE)
        return false;
    if (name == nullptr)
        return true;
    constexpr const char *harmless[] = {"clock_timestamp", "timeofday", "random", "gen_random_uuid"};
    constexpr const char *readers[] = {"table_to_xml", "schema_to_xml", "database_to_xml", "pg_input_"};
    if (volatility == PROVOLATILE_VOLATILE)
        return std::ranges::none_of(harmless, [name](const char *one) { return std::strcmp(name, one) == 0; });
    return std::ranges::any_of(
        readers, [name](const char *beginning) { return std::strncmp(name, beginning, std::strlen(beginning)) == 0; });
}

void note(search &all, Oid function, Oid author) {
    auto *one = static_cast<piece *>(palloc(sizeof(piece)));
    *one = {all.place, function, author, all.runs_early};
    all.found = lappend(all.found, one);
}

// A walker over functions: goes on until it has seen them all.
bool see_function(Oid function, void *context) {
    search &all = *static_cast<search *>(context);
    if (function >= FirstNormalObjectId) {
        note(all, function, owner_of_function(function));
        all.by_name = all.by_name || get_language_of(function) != ClanguageId;
    } else if (function != InvalidOid && may_run_any_statement(function)) {
        all.by_name = true;
        if (all.author != all.owner)
            note(all, function, all.author);
    }
    return false;
}

void see_type(search &all, Oid type);

bool see(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (IsA(node, Query))
        return walk_query(reinterpret_cast<Query *>(node), see, context);
    search &all = *static_cast<search *>(context);
    const bool is_simplified = all.runs_early;
    all.runs_early = is_simplified && !contain_var_clause(node); // what depends on a row waits for one
    check_functions_in_node(node, see_function, context);
    see_type(all, type_of_expression(node));
    all.runs_early = is_simplified;
    return walk_expression(node, see, context);
}

void see_text(search &all, const char *expression) { see(static_cast<Node *>(stringToNode(expression)), &all); }

// What a domain checks of its values, and what it puts where none is given.
void see_domain(search &all, HeapTuple type) {
    const Form_pg_type form = reinterpret_cast<Form_pg_type>(GETSTRUCT(type));
    const char *outer_place = all.place;
    const Oid outer_author = all.author;
    all.place = called("domain", NameStr(form->typname));
    all.author = form->typowner;
    bool is_null;
    const Datum filled_in = SysCacheGetAttr(TYPEOID, type, Anum_pg_type_typdefaultbin, &is_null);
    if (!is_null)
        see_text(all, TextDatumGetCString(filled_in));
    Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(form->oid));
    SysScanDesc scan = systable_beginscan(constraints, ConstraintTypidIndexId, true, nullptr, 1, &key);
    for (HeapTuple one = systable_getnext(scan); HeapTupleIsValid(one); one = systable_getnext(scan)) {
        const Datum checked = heap_getattr(one, Anum_pg_constraint_conbin, RelationGetDescr(constraints), &is_null);
        if (!is_null)
            see_text(all, TextDatumGetCString(checked));
    }
    systable_endscan(scan);
    table_close(constraints, AccessShareLock);
    see_type(all, form->typbasetype);
    all.place = outer_place;
    all.author = outer_author;
}

void see_columns(search &all, Oid type) {
    TupleDesc columns = lookup_rowtype_tupdesc_copy(type, -1);
    for (int i = 0; i < columns->natts; ++i)
        if (!TupleDescAttr(columns, i)->attisdropped)
            see_type(all, TupleDescAttr(columns, i)->atttypid);
}

void see_range(search &all, Oid type) {
    HeapTuple found = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(found))
        return;
    const Form_pg_range form = reinterpret_cast<Form_pg_range>(GETSTRUCT(found));
    const Oid functions[] = {form->rngcanonical, form->rngsubdiff};
    const Oid subtype = form->rngsubtype;
    ReleaseSysCache(found);
    for (const Oid one : functions)
        see_function(one, &all);
    see_type(all, subtype);
}

// Functions that make a value of the type another one's, as the conversions to JSON do by themselves.
void see_casts(search &all, Oid type) {
    Relation casts = table_open(CastRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_cast_castsource, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
    SysScanDesc scan = systable_beginscan(casts, CastSourceTargetIndexId, true, nullptr, 1, &key);
    for (HeapTuple one = systable_getnext(scan); HeapTupleIsValid(one); one = systable_getnext(scan))
        see_function(reinterpret_cast<Form_pg_cast>(GETSTRUCT(one))->castfunc, &all);
    systable_endscan(scan);
    table_close(casts, AccessShareLock);
}

void see_parts(search &all, HeapTuple type) {
    const Form_pg_type form = reinterpret_cast<Form_pg_type>(GETSTRUCT(type));
    switch (form->typtype) {
    case TYPTYPE_DOMAIN:
        return see_domain(all, type);
    case TYPTYPE_COMPOSITE:
        return see_columns(all, form->oid);
    case TYPTYPE_RANGE:
        return see_range(all, form->oid);
    case TYPTYPE_MULTIRANGE:
        return see_range(all, get_multirange_range(form->oid));
    default:
        break;
    }
    see_type(all, form->typelem);
    for (const Oid one : {form->typinput, form->typoutput, form->typreceive, form->typsend, form->typsubscript})
        see_function(one, &all);
}

void see_type(search &all, Oid type) {
    if (type < FirstNormalObjectId || list_member_oid(all.types, type))
        return;
    check_stack_depth();
    all.types = lappend_oid(all.types, type);
    HeapTuple found = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(found))
        return;
    see_casts(all, type);
    see_parts(all, found);
    ReleaseSysCache(found);
}

void see_triggers(search &all, const TriggerDesc *triggers) {
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
        const Trigger &trigger = triggers->triggers[i];
        if (trigger.tgenabled == TRIGGER_DISABLED || trigger.tgenabled == TRIGGER_FIRES_ON_REPLICA)
            continue;
        // Those of keys and of deferrable indexes name with their schema whatever they use.
        if (trigger.tgisinternal && trigger.tgfoid < FirstNormalObjectId)
            continue;
        all.place = called("trigger", trigger.tgname);
        see_function(trigger.tgfoid, &all);
        all.author = InvalidOid;
        if (trigger.tgqual != nullptr)
            see_text(all, trigger.tgqual);
        all.author = all.owner;
    }
}

void see_columns_and_checks(search &all, TupleDesc columns) {
    for (int i = 0; i < columns->natts; ++i) {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        all.place = called("column", NameStr(column->attname));
        if (!column->attisdropped)
            see_type(all, column->atttypid);
    }
    const TupleConstr *constraints = columns->constr;
    for (int i = 0; constraints != nullptr && i < constraints->num_defval; ++i) {
        const AttrDefault &filled_in = constraints->defval[i];
        all.place = called("default of column", NameStr(TupleDescAttr(columns, filled_in.adnum - 1)->attname));
        see_text(all, filled_in.adbin);
    }
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
        all.place = called("constraint", constraints->check[i].ccname);
        see_text(all, constraints->check[i].ccbin);
    }
}

void see_index(search &all, Oid id) {
    Relation index = index_open(id, AccessShareLock);
    all.place = called("index", RelationGetRelationName(index));
    // As they were written: Postgres hands them out simplified, and so runs what is immutable.
    all.runs_early = true;
    for (const int part : {Anum_pg_index_indexprs, Anum_pg_index_indpred}) {
        bool is_null;
        const Datum written =
            SysCacheGetAttr(INDEXRELID, index->rd_indextuple, static_cast<AttrNumber>(part), &is_null);
        if (!is_null)
            see_text(all, TextDatumGetCString(written));
    }
    all.runs_early = false;
    const int count = index->rd_att->natts * index->rd_indam->amsupport;
    for (int i = 0; i < count; ++i)
        see_function(index->rd_support[i], &all);
    index_close(index, AccessShareLock);
}

// The planner simplifies and so runs what statistics are about.
void see_statistics(search &all, Relation relation) {
    ListCell *cell;
    foreach (cell, RelationGetStatExtList(relation)) {
        HeapTuple found = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(found))
            continue;
        all.place = called("statistics", NameStr(reinterpret_cast<Form_pg_statistic_ext>(GETSTRUCT(found))->stxname));
        all.runs_early = true;
        bool is_null;
        const Datum written = SysCacheGetAttr(STATEXTOID, found, Anum_pg_statistic_ext_stxexprs, &is_null);
        if (!is_null)
            see_text(all, TextDatumGetCString(written));
        all.runs_early = false;
        ReleaseSysCache(found);
    }
}

// As it was written, for each table that it is a part of; what is built in alone may be simplified.
void see_partition(search &all, Relation relation) {
    if (!relation->rd_rel->relispartition)
        return;
    all.place = "the partition it is";
    all.runs_early = true;
    const int before = list_length(all.found);
    ListCell *cell;
    foreach (cell, get_partition_ancestors(RelationGetRelid(relation))) {
        HeapTuple found = SearchSysCache1(PARTRELID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(found))
            continue;
        bool is_null;
        const Datum written = SysCacheGetAttr(PARTRELID, found, Anum_pg_partitioned_table_partexprs, &is_null);
        if (!is_null)
            see_text(all, TextDatumGetCString(written));
        ReleaseSysCache(found);
    }
    if (list_length(all.found) == before)
        see(reinterpret_cast<Node *>(RelationGetPartitionQual(relation)), &all);
    all.runs_early = false;
}

void see_rules(search &all, const RuleLock *rules) {
    for (int i = 0; rules != nullptr && i < rules->numLocks; ++i) {
        all.place = "a rule";
        see(rules->rules[i]->qual, &all);
        see(reinterpret_cast<Node *>(rules->rules[i]->actions), &all);
    }
}

// Without FORCE they are not the owner's.
void see_policies(search &all, Relation relation) {
    if (!relation->rd_rel->relforcerowsecurity || relation->rd_rsdesc == nullptr)
        return;
    ListCell *cell;
    foreach (cell, relation->rd_rsdesc->policies) {
        const auto *policy = static_cast<RowSecurityPolicy *>(lfirst(cell));
        all.place = called("policy", policy->policy_name);
        see(reinterpret_cast<Node *>(policy->qual), &all);
        see(reinterpret_cast<Node *>(policy->with_check_qual), &all);
    }
}

search find(Relation relation) {
    search all{NIL, NIL, false, relation->rd_rel->relowner, "", relation->rd_rel->relowner, false};
    // Copies: a look into a catalog may replace what the relation has.
    see_triggers(all, CopyTriggerDesc(relation->trigdesc));
    see_columns_and_checks(all, CreateTupleDescCopyConstr(relation->rd_att));
    ListCell *cell;
    foreach (cell, RelationGetIndexList(relation))
        see_index(all, lfirst_oid(cell));
    see_statistics(all, relation);
    see_rules(all, relation->rd_rules);
    see_policies(all, relation);
    see_partition(all, relation);
    return all;
}

} // namespace

all_carried_code code_carried_by(Relation relation) {
    // What the search makes goes with it: a session may search again and again.
    const MemoryContext outer = CurrentMemoryContext;
    const MemoryContext context =
        call([] { return AllocSetContextCreate(CurrentMemoryContext, "mega carried code", ALLOCSET_DEFAULT_SIZES); });
    MemoryContextSwitchTo(context);
    const search found = call([relation] { return find(relation); });
    all_carried_code all{{}, found.types != NIL, found.by_name};
    for (int i = 0; i < list_length(found.found); ++i) {
        const auto &one = *static_cast<const piece *>(list_nth(found.found, i));
        const char *name = call([&one] {
            return static_cast<const char *>(
                format_procedure_extended(one.function, FORMAT_PROC_FORCE_QUALIFY | FORMAT_PROC_INVALID_AS_NULL));
        });
        all.pieces.push_back(
            {one.place, name == nullptr ? "a function that is gone" : name, one.author, one.runs_early});
    }
    MemoryContextSwitchTo(outer);
    MemoryContextDelete(context);
    return all;
}

} // namespace pg
