// The rules of a table that Postgres itself can enforce: NOT NULL, constraints, unique keys. Where rows of an adopted
// table break one it is not added; the triggers keep it for what is new until mega_validate finds no such row any more.
#pragma once

#include "pg/spi.hpp"
#include "schema/blueprints.hpp"

namespace mega::schema {

// The table that mega_install works on: what it shall be, and where it is, if it is there.
struct target_table {
    const blueprint *definition;
    Oid schema;
    Oid relation;

    std::string qualified() const;                             // its name behind the schema's
    std::string text_of(const named_definition &object) const; // with the names put in
};

// How Postgres comes to enforce a rule.
enum class way {
    not_yet,  // rows break it, or something else stands in its way
    at_once,  // one command that looks at every row while writers wait: for tables that are read in a moment
    for_new,  // a constraint that is NOT VALID: it looks at new and changed rows only, and waits to be validated
    validated // it is there, NOT VALID, and no row breaks it: looking at the rows stops no writer
};

struct open_rule {
    enum class kind { not_null, constraint, foreign_key, unique_index, by_trigger };

    kind what;
    std::string object; // <table>.<column>, or the name of the constraint or index
    std::string demand; // what it asks of a row
    std::string clause; // behind ALTER TABLE <name>, or behind CREATE: holds it, and looks at every row
    const char *comment = nullptr;
    std::string before{};   // of an index: the command that takes an outdated one away; of a key: what it waits for
    std::string behind{};   // of a key: and the one that takes away the index by which it was looked for until then
    std::string stand_in{}; // of a key: the index to make for that look while the key is held by it; '' for none
    std::string make_stand_in{};
    std::string unchecked{};    // the clause that holds it for new and changed rows only; '' when there is none
    std::string witness{};      // of NOT NULL: the CHECK that says the same until then; '' where NOT NULL is NOT VALID
    std::string waiting{};      // the constraint that is there but NOT VALID; '' for none
    std::string obstacle{};     // why it cannot be enforced yet, other than rows that break it
    bool is_kept = false;       // whether the obstacle is what its user made of it, which stays
    bool large = false;         // whether the table is one that is not read while writers wait
    std::int64_t offenders = 0; // rows that break it
    std::string example{};      // one of them: its id; of a unique key the values that are there twice

    bool may_be_enforced() const { return offenders == 0 && obstacle.empty(); }
    way way_to_enforce() const;
    std::string command(const target_table &table) const; // the one that is run under the lock
};

// The rules that Postgres does not enforce yet, each with the rows that break it: one pass over the table, one more for
// each unique key and foreign key. Columns that are missing count as they would be added. Takes no lock that stops a
// writer. with_triggers: also those broken rules that only triggers keep.
std::vector<open_rule> open_rules(pg::spi_connection &spi, const target_table &table, bool with_triggers);

Oid owner_of(const target_table &table);

// Whether reading the table takes longer than writers should wait: then nothing reads it under a lock that stops them.
bool is_large(const target_table &table);

// Why a setting leaves this constraint out: rows may be otherwise (mega.pass_ids, mega.extra_admin_record_types). ''
// when none does.
std::string_view why_left_out(const named_definition &constraint) noexcept;

// The column of a constraint that is a foreign key; '' for any other.
std::string_view column_of_foreign_key(const named_definition &constraint);

// Why no foreign key can lead to mega_customers; '' when one can, or could once the table is made.
std::string why_no_foreign_key(pg::spi_connection &spi, Oid schema);

// The column's type with its schema, and its collation.
std::string sql_type(const column &c);
// A text of ours as Postgres prints it: pg_catalog goes unsaid.
std::string as_postgres_says(std::string text);
std::string sql_literal(std::string_view text);
std::string sql_name(std::string_view name); // quoted where it has to be; '' of none
std::string replaced(std::string text, std::string_view placeholder, std::string_view value);

// COMMENT ON, for an object that has none.
void comment_on(pg::spi_connection &spi, const std::string &object, const char *comment);

} // namespace mega::schema
