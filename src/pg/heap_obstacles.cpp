// Finds what keeps a table off the direct path, in words.
#include "pg/heap_obstacles.hpp"

#include "pg/code.hpp"
#include "pg/relation.hpp"
#include "pg/rewrite_rule.hpp"
#include "pg/settings.hpp"
#include "pg/version.hpp"

namespace pg {

namespace {

bool named(const char *name, std::span<const char *const> names) {
    return std::ranges::any_of(names, [name](const char *one) { return std::strcmp(one, name) == 0; });
}

// What an obstacle is called. Each part is a text of Postgres' world.
template <class... Parts> const char *worded(inside, Parts... parts) {
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

bool is_kept_by_caller(inside, const ForeignKeyCacheInfo *key, Relation relation, const heap_reference &known) {
    return key->nkeys == 1 && key->conkey[0] == attribute_of(relation->rd_att, known.column) &&
           key->confrelid == get_relname_relid(known.table, RelationGetNamespace(relation)) &&
           key->confkey[0] == get_attnum(key->confrelid, known.key);
}

// The foreign keys that the caller keeps itself.
List *known_keys(inside in, Relation relation, const heap_shape &shape) {
    List *known = NIL;
    if (shape.foreign_key == nullptr)
        return known;
    ListCell *cell;
    // A look into a catalog may replace the relation's own list.
    foreach (cell, static_cast<List *>(copyObjectImpl(RelationGetFKeyList(relation)))) {
        const auto *key = static_cast<ForeignKeyCacheInfo *>(lfirst(cell));
        if (is_kept_by_caller(in, key, relation, *shape.foreign_key))
            known = lappend_oid(known, key->conoid);
    }
    return known;
}

} // namespace

bool is_reference_validated(inside in, Relation relation, const heap_shape &shape) {
    bool validated = true;
    ListCell *cell;
    foreach (cell, known_keys(in, relation, shape)) {
        HeapTuple found = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(found))
            return false;
        validated = validated && reinterpret_cast<Form_pg_constraint>(GETSTRUCT(found))->convalidated;
        ReleaseSysCache(found);
    }
    return validated;
}

namespace {

// Whether a foreign key of another table rests on columns that no update changes. An update through SQL would have the
// other table looked at.
bool rests_on_fixed_columns(inside, Relation relation, Oid constraint, const heap_shape &shape) {
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
                shape.columns, [column](const heap_column &one) { return std::strcmp(one.name, column) == 0; });
            fixed = fixed && (!of_shape || named(column, shape.fixed));
        }
    }
    ReleaseSysCache(found);
    return fixed;
}

const char *obstacle_of_key(inside in, Relation relation, const Trigger &trigger, int kind, List *known,
                            const heap_shape &shape) {
    const char *key = get_constraint_name(trigger.tgconstraint);
    if (kind == RI_TRIGGER_FK && !list_member_oid(known, trigger.tgconstraint))
        return worded(in, "the foreign key ", key == nullptr ? "" : key, " is not mega's");
    if (kind == RI_TRIGGER_PK && !rests_on_fixed_columns(in, relation, trigger.tgconstraint, shape))
        return worded(in, "the foreign key ", key == nullptr ? "" : key, " of ",
                      trigger.tgconstrrelid == InvalidOid ? "another table" : get_rel_name(trigger.tgconstrrelid),
                      " rests on a column that may change");
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

} // namespace

const char *obstacle_in_triggers(inside in, Relation relation, const heap_shape &shape) {
    List *known = known_keys(in, relation, shape);
    const TriggerDesc *all = CopyTriggerDesc(relation->trigdesc); // a look into a catalog may replace the relation's
    for (int i = 0; all != nullptr && i < all->numtriggers; ++i) {
        const Trigger &trigger = all->triggers[i];
        const int kind = RI_FKey_trigger_type(trigger.tgfoid);
        const char *found = nullptr;
        if (kind != RI_TRIGGER_NONE)
            found = obstacle_of_key(in, relation, trigger, kind, known, shape);
        else if (trigger.tgfoid != F_UNIQUE_KEY_RECHECK && !named(trigger.tgname, shape.triggers)) // an index tells
            found = worded(in, "the trigger ", trigger.tgname, " is not mega's");
        if (found != nullptr)
            return found;
    }
    return nullptr;
}

const char *obstacle_in_columns(inside in, Relation relation, const heap_shape &shape, AttrNumber *attributes) {
    const TupleDesc columns = relation->rd_att;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
        attributes[i] = attribute_of(columns, shape.columns[i].name);
        if (attributes[i] == 0 || TupleDescAttr(columns, attributes[i] - 1)->atttypid != shape.columns[i].type)
            return worded(in, "the column ", shape.columns[i].name, " is of another type");
        if (shape.only_read && generation_of(columns, shape.columns[i].name) == virtual_column) // computed by a query
            return worded(in, "the column ", shape.columns[i].name, " is a virtual one");
    }
    for (int i = 0; i < columns->natts && !shape.only_read; ++i) {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        const bool known = std::find(attributes, attributes + shape.columns.size(), column->attnum) !=
                           attributes + shape.columns.size();
        const char *name = NameStr(column->attname);
        if (column->attgenerated != '\0' || column->attidentity != '\0')
            return worded(in, "the column ", name, " is generated");
        if (column->attisdropped || known)
            continue;
        if (column->atthasdef || column->attnotnull)
            return worded(in, "the column ", name, " is not mega's and has a default or is NOT NULL");
        if (get_typtype(column->atttypid) == TYPTYPE_DOMAIN) // which may have a default, and NOT NULL
            return worded(in, "the column ", name, " is not mega's and of a domain");
    }
    return nullptr;
}

const char *obstacle_in_index(inside in, Relation index, IndexInfo *info) {
    const char *name = RelationGetRelationName(index);
    if (!index->rd_index->indisvalid && index->rd_index->indisready)
        return worded(in, "the index ", name, " is being built, or its building failed");
    if (!index->rd_index->indimmediate || info->ii_ExclusionOps != nullptr)
        return worded(in, "the key ", name, " is deferrable, or an exclusion constraint");
    if (!has_plain_support(index) ||
        runs_foreign_code<is_foreign>(reinterpret_cast<Node *>(info->ii_Expressions), nullptr) ||
        runs_foreign_code<is_foreign>(reinterpret_cast<Node *>(info->ii_Predicate), nullptr))
        return worded(in, "the index ", name, " calls a function that Postgres does not bring along");
    return nullptr;
}

// Whether `found` is the definition, but for ` AND (<column> <> ALL ('{...}'::text[]))` at the end of its predicate.
bool is_but_for_values(std::string_view found, std::string_view definition, const char *column) {
    if (column == nullptr || definition.empty())
        return false;
    definition.remove_suffix(1);
    if (!found.starts_with(definition))
        return false;
    std::string_view rest = found.substr(definition.size());
    for (const std::string_view part :
         {std::string_view(" AND ("), std::string_view(column), std::string_view(" <> ALL ('{")}) {
        if (!rest.starts_with(part))
            return false;
        rest.remove_prefix(part.size());
    }
    constexpr std::string_view end = "text[])))"; // of the only cast
    return rest.ends_with(end) && rest.ends_with("}'::" + std::string(end)) &&
           rest.find("::") == rest.size() - end.size() - 2;
}

// The definition of an index in the words that Postgres has for it whatever the session has set.
const char *definition_of(inside in, Relation index) {
    constexpr setting plain[] = {{"search_path", "pg_catalog"}, {"quote_all_identifiers", "off"}};
    const int level = set_in_scope(in, plain);
    const char *found = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef, RelationGetRelid(index)));
    AtEOXact_GUC(true, level);
    return found;
}

bool is_probed(inside in, Relation index, const heap_index &wanted) {
    const char *found = definition_of(in, index);
    const char *behind = std::strstr(found, " USING ");
    if (!index->rd_index->indisvalid || index->rd_index->indisunique != wanted.unique || behind == nullptr)
        return false;
    const std::string_view definition(behind + std::strlen(" USING "));
    return definition == wanted.definition || is_but_for_values(definition, wanted.definition, wanted.left_out);
}

// A built-in function that is not immutable may run SQL, and with it anything.
const char *obstacle_in_checks(inside in, Relation relation, const heap_shape &shape) {
    const TupleConstr *constraints = relation->rd_att->constr;
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
        const ConstrCheck &check = constraints->check[i];
        auto *expression = static_cast<Node *>(stringToNode(check.ccbin));
        const auto runs =
            named(check.ccname, shape.checks) ? runs_foreign_code<is_foreign_code> : runs_foreign_code<is_foreign>;
        if (runs(expression, nullptr) || contain_mutable_functions(expression))
            return worded(in, "the constraint ", check.ccname, " calls a function that is somebody's or not immutable");
    }
    return nullptr;
}

const char *obstacle_in_table(inside in, Relation relation) {
    const Form_pg_class form = relation->rd_rel;
    if (form->relkind != RELKIND_RELATION || form->relam != HEAP_TABLE_AM_OID)
        return "it is not a plain table";
    if (form->relispartition)
        return "it is a partition";
    if (form->relhassubclass)
        return "it has children, or had some before the last ANALYZE";
    if (const RuleLock *rules = relation->rd_rules; rules != nullptr && rules->numLocks > 0)
        return worded(in, "it has the rule ", name_of_rule(in, rules->rules[0]->ruleId));
    if (form->relhasrules)
        return "it has rules, or had some before the last VACUUM";
    return form->relforcerowsecurity ? "row security is forced on its owner" : nullptr;
}

Bitmapset *checked_columns(inside, const TupleConstr *constraints) {
    Bitmapset *columns = nullptr;
    for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i)
        pull_varattnos(static_cast<Node *>(stringToNode(constraints->check[i].ccbin)), 1, &columns);
    return columns;
}

const char *obstacle_of_missing(inside in, const heap_index &wanted) {
    return worded(in, "there is no index USING ", wanted.definition);
}

} // namespace pg
