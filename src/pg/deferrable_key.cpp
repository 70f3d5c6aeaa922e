// Finds the deferrable keys of a table.
#include "pg/deferrable_key.hpp"

namespace pg {

namespace {

// Whether Postgres would have to ask this index for a conflict, and cannot.
bool may_be_deferred(inside, Oid id) {
    HeapTuple found = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(id));
    if (!HeapTupleIsValid(found))
        return false;
    const auto *index = reinterpret_cast<Form_pg_index>(GETSTRUCT(found));
    const bool may = (index->indisunique || index->indisexclusion) && index->indisready && !index->indimmediate;
    ReleaseSysCache(found);
    return may;
}

Oid first_of(inside in, Relation relation) {
    const List *all = RelationGetIndexList(relation);
    for (int i = 0; i < list_length(all); ++i)
        if (may_be_deferred(in, list_nth_oid(all, i)))
            return get_index_constraint(list_nth_oid(all, i));
    return InvalidOid;
}

} // namespace

deferrable_key deferrable_key_of(Relation relation) {
    const Oid constraint = call([relation](inside in) { return first_of(in, relation); });
    if (constraint == InvalidOid)
        return {};
    deferrable_key key;
    key.name = call([constraint]() -> const char * {
        const char *name = get_constraint_name(constraint);
        return name == nullptr ? "" : quote_identifier(name);
    });
    if (key.name.empty()) // dropped meanwhile
        return {};
    key.definition = call([constraint] {
        return TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef, ObjectIdGetDatum(constraint)));
    });
    key.definition.erase(std::min(key.definition.rfind(" DEFERRABLE"), key.definition.size()));
    return key;
}

} // namespace pg
