// Reads and makes the row policies. A role that is bound has two with the same condition: one that shows it its rows,
// and a restrictive one, so that no other policy, of a role it is a member of or for everybody, shows it more. Postgres
// evaluates equal conditions once.
#include "admin/policies.hpp"

#include "ledger/lock_kinds.hpp"
#include "pg/own_lock.hpp"
#include "pg/relation.hpp"
#include "pg/version.hpp"
#include "schema/enforcement.hpp"

namespace mega::admin {

namespace {

constexpr const char *own_name = "mega_own_rows";
constexpr const char *own_only_name = "mega_own_rows_only";
constexpr const char *others_name = "mega_all_rows";

constexpr pg::sql_state not_ready = "55000";

bool has(const std::vector<Oid> &roles, Oid role) { return std::ranges::find(roles, role) != roles.end(); }

std::string list_of(const std::vector<Oid> &roles) {
    std::string list;
    for (const Oid role : roles)
        list += (list.empty() ? "" : ", ") + quoted_role(role);
    return list;
}

bool acts_as(Oid member, Oid role) {
    return pg::call([=] { return has_privs_of_role(member, role); });
}

bool is_superuser(Oid role) {
    return pg::call([role] { return superuser_arg(role); });
}

bool bypasses(Oid role) {
    return pg::call([role] { return has_bypassrls_privilege(role); });
}

} // namespace

std::string quoted_role(Oid role) {
    return pg::call([role] { return quote_identifier(GetUserNameFromId(role, false)); });
}

policies::policies(pg::spi_connection &spi, Oid schema) : spi_(spi), schema_(schema) {
    pg::call([schema] {
        const LOCKTAG wanted = pg::own_lock(ledger::lock_kind::rights, schema);
        LockAcquire(&wanted, ExclusiveLock, false, false);
    });
    read();
    require_owner();
}

void policies::require_owner() const {
    for (const table &one : tables_)
        if (!pg::call([&one] { return pg::owns_relation(one.id, GetUserId()); }))
            throw pg::sql_error{"42501",
                                "rights and policies of " + qualified(one) + " are given by its owner",
                                {},
                                "Call it as the role that owns mega_customers, mega_generations and mega_admin."};
}

std::string policies::qualified(const table &of) const { return pg::with_schema_name("@schema@.", schema_) + of.name; }

std::vector<Oid> policies::read_roles(const std::string &query) const {
    const pg::rows found = spi_.run_text(query);
    std::vector<Oid> roles;
    for (std::uint64_t i = 0; i < found.count(); ++i)
        roles.push_back(static_cast<Oid>(found.int8(i, 0).value_or(0)));
    return roles;
}

policies::policy policies::read_policy(const table &of, const char *name) const {
    const std::string which = " FROM pg_catalog.pg_policy p WHERE p.polrelid OPERATOR(pg_catalog.=) " +
                              std::to_string(of.id) + "::pg_catalog.oid AND p.polname OPERATOR(pg_catalog.=) '" + name +
                              "'";
    policy found;
    const pg::rows rows = spi_.run_text(
        "SELECT pg_catalog.concat_ws(' ', p.polcmd, p.polpermissive, pg_catalog.pg_get_expr(p.polqual, p.polrelid), "
        "pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))" +
        which);
    if (rows.empty())
        return found;
    found.exists = true;
    found.definition = rows.text(0, 0).value_or("");
    found.roles = read_roles("SELECT pg_catalog.unnest(p.polroles)::pg_catalog.int8" + which + " ORDER BY 1");
    if (has(found.roles, InvalidOid))
        throw pg::sql_error{
            not_ready,
            std::string("the policy ") + name + " on " + qualified(of) + " is everybody's",
            {},
            "Name whom it is for, with ALTER POLICY ... TO, or drop it: mega_enable_rls makes it anew."};
    return found;
}

void policies::read() {
    for (table &one : tables_) {
        one.id = pg::relation_named(one.name, schema_);
        if (one.id == InvalidOid)
            throw pg::sql_error{"42P01", "there is no table " + qualified(one), {}, "Create it with mega_install."};
        const std::string of = std::to_string(one.id) + "::pg_catalog.oid";
        const pg::rows row = spi_.run_text("SELECT c.relowner::pg_catalog.int8, c.relrowsecurity FROM "
                                           "pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) " +
                                           of);
        one.owner = static_cast<Oid>(row.int8(0, 0).value_or(0));
        one.secured = row.boolean(0, 1).value_or(false);
        one.own = read_policy(one, own_name);
        one.own_only = read_policy(one, own_only_name);
        one.others = read_policy(one, others_name);
        // Roles that Postgres gives rights on every table have them here, when they have members.
        one.grantees = read_roles(
            "SELECT a.grantee::pg_catalog.int8 FROM pg_catalog.pg_class c, LATERAL (SELECT t.grantee FROM "
            "pg_catalog.aclexplode(c.relacl) t UNION SELECT t.grantee FROM pg_catalog.pg_attribute b, "
            "pg_catalog.aclexplode(b.attacl) t WHERE b.attrelid OPERATOR(pg_catalog.=) c.oid) a "
            "WHERE c.oid OPERATOR(pg_catalog.=) " +
            of +
            " AND a.grantee OPERATOR(pg_catalog.<>) c.relowner UNION SELECT m.roleid::pg_catalog.int8 FROM "
            "pg_catalog.pg_auth_members m WHERE m.roleid OPERATOR(pg_catalog.=) ANY (ARRAY["
            "'pg_read_all_data'::pg_catalog.regrole, 'pg_write_all_data'::pg_catalog.regrole]::pg_catalog.oid[]) ORDER "
            "BY 1");
    }
}

// A policy of these names may have been changed: to another command, to a permissive one, to a condition that does not
// ask whom it shows rows to.
bool policies::binds(Oid role) const {
    const auto is_made_so = [role](const policy &one, std::string_view command, std::string_view condition) {
        return has(one.roles, role) && one.definition.starts_with(command) &&
               one.definition.find(condition) != std::string::npos;
    };
    const auto shows_own = [&](const table &one) {
        constexpr std::string_view own = "mega_current_pass_id";
        return one.secured && is_made_so(one.own, "r t ", own) && is_made_so(one.own_only, "* f ", own);
    };
    const auto &[customers, ledger, office] = tables_;
    return shows_own(customers) && shows_own(ledger) && office.secured && is_made_so(office.own_only, "* f ", "false");
}

bool policies::names(Oid role) const {
    return std::ranges::any_of(
        tables_, [role](const table &one) { return has(one.own.roles, role) || has(one.own_only.roles, role); });
}

void policies::lock() const {
    std::vector<schema::table_lock> locks;
    for (const table &one : tables_)
        locks.push_back({qualified(one), "ACCESS EXCLUSIVE"});
    schema::lock_tables(spi_, locks);
}

// Whoever row security does not hold cannot be bound by it.
void policies::require_bindable(Oid role) const {
    const bool owns = std::ranges::any_of(tables_, [role](const table &one) { return acts_as(role, one.owner); });
    if (is_superuser(role) || bypasses(role) || owns)
        throw pg::sql_error{"22023",
                            "row security does not hold " + quoted_role(role),
                            {},
                            "Use a role that is no superuser, has no BYPASSRLS and has not the rights of the tables' "
                            "owner."};
    for (const table &one : tables_)
        if (!one.secured && has(one.grantees, InvalidOid))
            throw pg::sql_error{not_ready,
                                "everybody has rights on " + qualified(one),
                                {},
                                "REVOKE ALL ON " + qualified(one) +
                                    " FROM PUBLIC first: to let everybody go on as before would show all rows to all."};
}

// Of two roles where one has the rights of the other, one would see more than it should, or less than before.
void policies::refuse_kin(Oid bound, Oid other) const {
    if (bound == other)
        return;
    const auto refuse = [](Oid member, Oid of) {
        throw pg::sql_error{not_ready,
                            quoted_role(member) + " has the rights of " + quoted_role(of),
                            {},
                            "One of them reads its customer's rows alone and the other one reads all: REVOKE the "
                            "membership, or have it give no rights by itself: GRANT ... TO ... WITH INHERIT FALSE, "
                            "before PostgreSQL 16 ALTER ROLE ... NOINHERIT for the member."};
    };
    if (acts_as(bound, other))
        refuse(bound, other);
    const bool owns = std::ranges::any_of(tables_, [other](const table &one) { return acts_as(other, one.owner); });
    if (!owns && !is_superuser(other) && !bypasses(other) && acts_as(other, bound))
        refuse(other, bound);
}

// Makes the policy as it is to be, for these roles; tells it when that is a change.
void policies::make(table &on, policy table::*which, const char *name, const std::string &clause,
                    const std::string &condition, std::vector<Oid> roles) {
    policy &stands = on.*which;
    std::ranges::sort(roles);
    roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
    if (roles.empty() && !stands.exists)
        return;
    const std::string place = std::string(name) + " ON " + qualified(on);
    const policy before = stands;
    if (stands.exists)
        spi_.run_text("DROP POLICY " + place);
    if (!roles.empty())
        spi_.run_text("CREATE POLICY " + place + clause + " TO " + list_of(roles) + condition);
    stands = read_policy(on, name);
    if (stands.definition != before.definition || stands.roles != before.roles)
        changes_.push_back({on.name,
                            roles.empty()   ? "drop policy"
                            : before.exists ? "change policy"
                                            : "create policy",
                            std::string(name) + ": " + list_of(roles)});
}

void policies::secure(table &on, const std::vector<Oid> &bound, bool first) {
    const bool ours = on.others.exists || !on.secured;
    std::vector<Oid> others = on.others.roles;
    if (!on.secured) {
        others.insert(others.end(), on.grantees.begin(), on.grantees.end());
        others.push_back(on.owner); // marks the table as one where mega switched row security on
    }
    std::erase_if(others, [&](Oid one) { return has(bound, one); });
    for (const Oid one : others)
        for (const Oid user : bound)
            refuse_kin(user, one);
    if (ours)
        make(on, &table::others, others_name, "", " USING (true) WITH CHECK (true)", others);
    else if (first)
        changes_.push_back({on.name, "keep", "row security was on: what other roles see stays as it is"});
    if (!on.secured) {
        spi_.run_text("ALTER TABLE " + qualified(on) + " ENABLE ROW LEVEL SECURITY");
        changes_.push_back({on.name, "enable row security", ""});
        on.secured = true;
    }
}

void policies::bind(Oid role) {
    lock();
    read(); // somebody else may have been at it
    require_bindable(role);
    for (table &one : tables_) {
        const bool first = !one.own_only.exists;
        std::vector<Oid> bound = one.own_only.roles;
        bound.push_back(role);
        const bool office = &one == &tables_.back(); // of which a customer has nothing
        const std::string own = " USING (mg_pass_id OPERATOR(pg_catalog.=) (SELECT " +
                                pg::with_schema_name("@schema@.", schema_) + "mega_current_pass_id()))";
        make(one, &table::own_only, own_only_name, " AS RESTRICTIVE", office ? " USING (false)" : own, bound);
        if (!office)
            make(one, &table::own, own_name, " FOR SELECT", own, bound);
        secure(one, bound, first);
    }
}

void policies::let_go_on(Oid role, bool office) {
    const auto lacks = [&](const table &one) {
        return one.others.exists && !has(one.others.roles, role) && (office || &one != &tables_.back());
    };
    if (std::ranges::none_of(tables_, lacks))
        return;
    lock();
    read();
    for (table &one : tables_) {
        if (!lacks(one))
            continue;
        for (const Oid user : one.own_only.roles)
            refuse_kin(user, role);
        std::vector<Oid> others = one.others.roles;
        others.push_back(role);
        make(one, &table::others, others_name, "", " USING (true) WITH CHECK (true)", others);
    }
}

} // namespace mega::admin
