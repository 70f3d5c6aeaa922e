// What code that a table carries is owed, and owes, while it runs as the table's owner.
#pragma once

#include "pg/role.hpp"

namespace pg {

// Within a scope of `as_role` for the owner; outside of one it does nothing. Code on the tables finds what it names in
// Postgres' and the extension's schema, wherever the caller would have names looked up; a superuser who calls is left
// with nothing that would run as him later; and a plan, which may have values of rows in it, is shown to nobody.
class owners_terms {
public:
    // The code that may run: as expect_code_by_name told, or not known yet.
    enum class code { expected, unknown };

    // schema: the extension's. Raises what was set to be refused, where the code is as expected.
    explicit owners_terms(Oid schema, code what = code::expected);
    ~owners_terms();
    owners_terms(const owners_terms &) = delete;
    owners_terms &operator=(const owners_terms &) = delete;

    // On success; after an error the end of the (sub)transaction gives the settings back.
    void end();

    // Whether what is written next carries code that looks up by name what it uses.
    static void expect_code_by_name(bool expected) noexcept { code_by_name_ = expected; }

    // What statements as the owner are refused with, as long as it is set: to plan them would run code of others.
    static void refuse(const sql_error *with) noexcept { refusal_ = with; }

private:
    void begin(Oid schema);

    static inline constinit bool code_by_name_ = false;
    static inline constinit const sql_error *refusal_ = nullptr;

    Oid role_;
    int context_;
    int level_ = 0;
    bool restricted_ = false;
    bool shown_;
};

// Has Postgres simplify what the indexes of a table ask, which it does once, whoever needs it first, and which runs
// what is immutable: on the terms on which such code is to run.
void simplify_indexes(Relation relation);

} // namespace pg
