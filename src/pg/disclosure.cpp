// Whether the caller may read columns, and errors with rows' values taken out of them.
#include "pg/disclosure.hpp"

#include "pg/role.hpp"

namespace pg {

namespace {

bool may_select(Oid relation, Oid role, const AttrNumber *columns, std::size_t count) {
    if (pg_class_aclcheck(relation, role, ACL_SELECT) == ACLCHECK_OK)
        return true;
    bool may = count > 0;
    for (std::size_t i = 0; may && i < count; ++i)
        may = pg_attribute_aclcheck(relation, columns[i], role, ACL_SELECT) == ACLCHECK_OK;
    return may;
}

bool is_for(const RowSecurityPolicy &policy, Oid role) {
    if (policy.polcmd != '*' && policy.polcmd != ACL_SELECT_CHR)
        return false;
    const auto *roles = reinterpret_cast<const Oid *>(ARR_DATA_PTR(policy.roles));
    for (int i = 0; i < ARR_DIMS(policy.roles)[0]; ++i)
        if (roles[i] == ACL_ID_PUBLIC || has_privs_of_role(role, roles[i]))
            return true;
    return false;
}

// In the world of Postgres. Whether the policies show the role every row: one is USING (true), and none restricts it.
bool shows_all_rows(Oid relation, Oid role) {
    if (row_security_policy_hook_permissive != nullptr || row_security_policy_hook_restrictive != nullptr)
        return false;
    bool shows = false, restricts = false;
    Relation table = table_open(relation, AccessShareLock);
    const List *policies = table->rd_rsdesc == nullptr ? NIL : table->rd_rsdesc->policies;
    for (int i = 0; i < list_length(policies); ++i) {
        const auto *policy = static_cast<const RowSecurityPolicy *>(list_nth(policies, i));
        if (!is_for(*policy, role))
            continue;
        restricts = restricts || !policy->permissive;
        const auto *all = reinterpret_cast<const Const *>(policy->qual);
        shows = shows || (policy->permissive && all != nullptr && IsA(all, Const) && !all->constisnull &&
                          DatumGetBool(all->constvalue));
    }
    table_close(table, AccessShareLock);
    return shows && !restricts;
}

// In the world of Postgres. The row security of the relation depends on who is current and in what context.
bool may_read(Oid relation, const AttrNumber *columns, std::size_t count) {
    Oid role, current;
    int context, current_context;
    as_role::caller(role, context);
    GetUserIdAndSecContext(&current, &current_context);
    // Should one of these raise, the scopes around set the role right on their way out.
    SetUserIdAndSecContext(role, context);
    const bool hides = check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED && !shows_all_rows(relation, role);
    const bool may = !hides && may_select(relation, role, columns, count);
    SetUserIdAndSecContext(current, current_context);
    return may;
}

} // namespace

bool caller_may_read(Oid relation, std::span<const AttrNumber> columns) {
    return call([relation, columns] { return may_read(relation, columns.data(), columns.size()); });
}

bool caller_may_select(Oid relation, std::span<const AttrNumber> columns) {
    Oid role;
    int context;
    as_role::caller(role, context);
    return call([=] { return may_select(relation, role, columns.data(), columns.size()); });
}

void keep_from_others(ErrorData *error) {
    const bool about_row = ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
                           error->sqlerrcode == ERRCODE_WITH_CHECK_OPTION_VIOLATION;
    if (!about_row || error->detail == nullptr || error->table_name == nullptr || error->schema_name == nullptr)
        return;
    const Oid schema = get_namespace_oid(error->schema_name, true);
    const Oid relation = OidIsValid(schema) ? get_relname_relid(error->table_name, schema) : InvalidOid;
    if (!OidIsValid(relation) || !may_read(relation, nullptr, 0))
        error->detail = nullptr;
}

} // namespace pg
