// The row policies that mega makes: a role of level user reads the rows of mega_current_pass_id() alone, and whoever
// had rights on a table before row security was switched on goes on as before.
#pragma once

#include "pg/spi.hpp"

namespace mega::admin {

// What was done to a table, as mega_enable_rls tells it.
struct policy_change {
    std::string object, action, detail;
};

// A role as SQL writes it.
std::string quoted_role(Oid role);

// The policies of the three tables as they stand, and how they are changed, by one session at a time: Postgres' own
// GRANTs do not wait for each other.
class policies {
public:
    // Takes the lock under which rights and policies are changed. Raises 42501 for a caller who does not own the
    // tables.
    policies(pg::spi_connection &spi, Oid schema);

    // Whether the role reads its customer's rows alone: mega_enable_rls was called for it, and row security is on.
    bool binds(Oid role) const;

    // Raises 22023 for a role that no row security holds, and where everybody has rights on a table that has none.
    void require_bindable(Oid role) const;

    // Whether the role is named in a policy for a customer's own rows, wherever.
    bool names(Oid role) const;

    // Switches row security on where it is off, and binds the role. Raises 22023 and 55000 where that would be for
    // nothing. Takes the tables' locks.
    void bind(Oid role);

    // Where mega switched row security on: the role goes on as if it were off. Takes the tables' locks when there is
    // something to do.
    void let_go_on(Oid role, bool office);

    const std::vector<policy_change> &changes() const { return changes_; }

private:
    struct policy {
        bool exists = false;
        std::vector<Oid> roles;
        std::string definition; // to tell whether a change was one
    };
    struct table {
        const char *name;
        Oid id = InvalidOid;
        Oid owner = InvalidOid;
        bool secured = false;
        policy own{}, own_only{}, others{};
        std::vector<Oid> grantees{}; // whoever has rights on it, save the owner; 0: everybody
    };

    void lock() const;
    void read();
    policy read_policy(const table &of, const char *name) const;
    std::vector<Oid> read_roles(const std::string &query) const;
    void require_owner() const;
    void refuse_kin(Oid bound, Oid other) const;
    void secure(table &on, const std::vector<Oid> &bound, bool first); // first: no role was bound yet
    void make(table &on, policy table::*which, const char *name, const std::string &clause,
              const std::string &condition, std::vector<Oid> roles);
    std::string qualified(const table &of) const;

    pg::spi_connection &spi_;
    const Oid schema_;
    std::array<table, 3> tables_{{{"mega_customers"}, {"mega_generations"}, {"mega_admin"}}};
    std::vector<policy_change> changes_;
};

} // namespace mega::admin
