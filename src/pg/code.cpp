// Finds the functions that an expression or a type may run.
#include "pg/code.hpp"

namespace pg {

Oid type_of_expression(Node *node) {
    switch (nodeTag(node)) {
    case T_Var:
    case T_Const:
    case T_Param:
    case T_FuncExpr:
    case T_OpExpr:
    case T_SubscriptingRef:
    case T_FieldSelect:
    case T_FieldStore:
    case T_RelabelType:
    case T_CoerceViaIO:
    case T_ArrayCoerceExpr:
    case T_ConvertRowtypeExpr:
    case T_CaseExpr:
    case T_ArrayExpr:
    case T_RowExpr:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_CoerceToDomain:
    case T_CoerceToDomainValue:
        return exprType(node);
    default:
        return InvalidOid;
    }
}

bool type_runs_code(Oid type) {
    if (type < FirstNormalObjectId)
        return false;
    const Oid element = get_element_type(type);
    if (element != InvalidOid)
        return type_runs_code(element);
    const char kind = get_typtype(type);
    return kind != TYPTYPE_BASE && kind != TYPTYPE_ENUM;
}

Oid get_language_of(Oid function) {
    HeapTuple found = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(found))
        return InvalidOid;
    const Oid language = reinterpret_cast<Form_pg_proc>(GETSTRUCT(found))->prolang;
    ReleaseSysCache(found);
    return language;
}

Oid owner_of_function(Oid function) {
    HeapTuple found = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(found))
        return InvalidOid;
    const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(found))->proowner;
    ReleaseSysCache(found);
    return owner;
}

} // namespace pg
