// The settings and the security context under which an owner's code runs.
#include "pg/owners_terms.hpp"

#include "pg/settings.hpp"
#include "pg/spi.hpp"

namespace pg {

owners_terms::owners_terms(Oid schema, code what) : shown_(Debug_print_plan) {
    GetUserIdAndSecContext(&role_, &context_);
    if (!as_role::acting())
        return;
    if (refusal_ != nullptr && what == code::expected)
        throw *refusal_;
    if (code_by_name_ || what == code::unknown)
        begin(schema);
    Debug_print_plan = false;
}

owners_terms::~owners_terms() {
    Debug_print_plan = shown_;
    SetUserIdAndSecContext(role_, context_);
}

void owners_terms::end() {
    if (level_ != 0)
        call([this] { AtEOXact_GUC(!restricted_, level_); });
}

void owners_terms::begin(Oid schema) {
    const std::string path =
        schema == InvalidOid ? "pg_catalog, pg_temp" : with_schema_name("pg_catalog, @schema@, pg_temp", schema);
    Oid caller;
    int context;
    as_role::caller(caller, context);
    call([this, &path, caller](inside in) {
        restricted_ = superuser_arg(caller) && !superuser_arg(role_);
        const setting names[] = {{"search_path", path.c_str()}};
        level_ = set_in_scope(in, names);
    });
    if (restricted_)
        SetUserIdAndSecContext(role_, context_ | SECURITY_RESTRICTED_OPERATION);
}

void simplify_indexes(Relation relation) {
    call([relation] {
        ListCell *cell;
        foreach (cell, RelationGetIndexList(relation)) {
            Relation index = index_open(lfirst_oid(cell), AccessShareLock);
            RelationGetIndexExpressions(index);
            RelationGetIndexPredicate(index);
            index_close(index, AccessShareLock);
        }
    });
}

} // namespace pg
