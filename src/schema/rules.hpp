// The rules of a table that Postgres itself can hold: NOT NULL, constraints, unique keys. Where rows of an adopted
// table break one it is not added; the triggers keep it for what is new until mega_validate finds no such row any more.
#pragma once

#include "pg/spi.hpp"
#include "schema/manifest.hpp"

namespace mega::schema {

// One of the three tables as it is found.
struct found_table {
    const table_definition *definition;
    Oid schema;
    Oid relation;

    std::string qualified() const;                             // its name behind the schema's
    std::string text_of(const named_definition &object) const; // with the names put in
};

struct open_rule {
    enum class kind { not_null, constraint, unique_index, by_trigger };

    kind what;
    std::string object; // <table>.<column>, or the name of the constraint or index
    std::string demand; // what it asks of a row
    std::string clause; // behind ALTER TABLE <name>, or behind CREATE
    const char *comment = nullptr;
    std::string meanwhile{};    // of a foreign key: the clause that holds it for new rows while old ones break it
    std::string obstacle{};     // why it cannot be held yet, other than rows that break it
    std::int64_t offenders = 0; // rows that break it
    std::string example{};      // one of them: its id; of a unique key the values that are there twice

    bool may_be_held() const { return offenders == 0 && obstacle.empty(); }
};

// The rules that Postgres does not hold yet, each with the rows that break it: one pass over the table, one more for
// each unique key and foreign key. Columns that are missing count as they would be added. Takes no lock that stops a
// writer. with_triggers: also those broken rules that only triggers keep.
std::vector<open_rule> open_rules(pg::session &session, const found_table &table, bool with_triggers);

// Makes Postgres hold these rules: one ALTER TABLE, so that the table is read once, then the indexes. Returns what
// could not be done, with the reason, by object.
std::vector<std::pair<std::string, std::string>> hold(pg::session &session, const found_table &table,
                                                      std::span<const open_rule> rules);

// The column of a constraint that is a foreign key; '' for any other.
std::string_view column_of_foreign_key(const named_definition &constraint);

// Why no foreign key can lead to mega_customers; '' when one can, or could once the table is made.
std::string why_no_foreign_key(pg::session &session, Oid schema);

std::string sql_literal(std::string_view text);

// COMMENT ON, for an object that has none.
void comment_on(pg::session &session, const std::string &object, const char *comment);

} // namespace mega::schema
