// Whether a table may be written at all, whoever writes it and whichever way: judged from what was found on it, once
// for as long as nothing changes.
#pragma once

#include "pg/guard.hpp"

#include <optional>

namespace mega::schema {

struct blueprint;

struct verdict {
    const pg::sql_error *refusal = nullptr;    // what a writer gets; null when the table may be written
    const pg::sql_error *of_updates = nullptr; // what a function gets that writes, though rows of others go on
    const pg::sql_error *of_new = nullptr;     // what a function gets that has to insert
    const pg::sql_error *of_looks = nullptr;   // what a look as the owner gets: to plan it would run others' code
    bool lasts = true;                         // whether news come when what it rests on changes
    bool rests_on_types = false;               // and so on news of types, too
    bool code_by_name = false;                 // whether code on the table looks up by name what it uses

    void require_good() const {
        if (refusal)
            throw *refusal;
    }

    void require_good_for_functions(bool that_insert) const {
        require_good();
        if (of_updates)
            throw *of_updates;
        if (that_insert && of_new)
            throw *of_new;
    }
};

// Of the columns by which mega finds and compares rows one whose collation calls different texts equal: two spellings
// would be one row for an index and two for every rule. What to refuse the table with.
std::optional<pg::sql_error> equal_spellings(Relation relation, const blueprint &definition);

// Columns that Postgres computes behind the BEFORE triggers would get past the rules, and take no value of mega's. What
// to refuse a table with that has such a one: any of the ledger's, those of the others that are never NULL.
std::optional<pg::sql_error> computed_column(Relation relation, const blueprint &definition);

// The hint that goes with a generated column.
const char *make_it_plain(char generation);

// Finds out and judges. replaced_trigger: a trigger of mega's that is another one under its name, or null.
verdict judge(Relation relation, const blueprint &definition, const char *replaced_trigger);

// What functions are refused with that have to insert into a table which has a rewrite rule in the way (new_rows), or
// that write it at all (updates).
struct refusals_of_functions {
    std::optional<pg::sql_error> updates, new_rows;
};
refusals_of_functions refusals_for_rules(Relation relation, const blueprint &definition);

// What functions are refused with that have to insert into a table which has a deferrable key.
std::optional<pg::sql_error> refusal_for_keys(Relation relation, const blueprint &definition);

// Every piece of code on the table that would run with its owner's rights and may not, in words.
std::vector<std::string> code_of_others(Relation relation, const char *table);

} // namespace mega::schema
