// The ten tables that applications of this family had before mega: what they are called, what is read of them, and what
// a schema has of them. Tables and columns are matched by name; what is missing is normal.
#pragma once

#include "core/record_id.hpp"
#include "pg/datum.hpp"

namespace mega::moving {

// Under this name stands the text of a json document that jsonb does not take.
#define MEGA_UNFIT_JSON "unfit_json"

// In the order in which they move in.
enum class legacy {
    customers,
    credit_transactions,
    sessions,
    generations,
    feedback,
    runtime_config,
    app_config,
    profiles,
    admin_sessions,
    admin_audit,
    count
};
inline constexpr std::size_t legacy_tables = static_cast<std::size_t>(legacy::count);

enum class wanted { text, integer, boolean, time, uuid, json };

struct legacy_column {
    const char *name;
    wanted type;
};

struct legacy_definition {
    const char *name;
    const char *key;
    const char *made;                         // the column that says when a row was made
    std::optional<core::record_type> becomes; // of customers: none
    std::span<const legacy_column> columns;   // that mega reads; the others travel with the row
};

const legacy_definition &definition_of(legacy table);
std::optional<legacy> legacy_named(std::string_view name);

// 'session:' and the like.
std::string prefix_of(legacy table);

// Which of mega's tables its rows go to.
const char *mega_table(legacy table);

// A column that a schema's table has.
struct found_column {
    std::string name;
    Oid type;                      // as `readable` gives it; of a domain the type below
    const char *cast_to = nullptr; // by `readable`; null for a column that is read as it is
};

// The column's name in a statement that is filled in (legacy_sql.hpp).
std::string quoted_column(const found_column &column);

// What a schema has of them.
class legacy_schema {
public:
    // Looks them up as the caller. Raises 42P01 when the schema or all tables are missing, 42703 for a table without
    // its key column, 42804 for a column of a type that cannot be read. only: names of tables; std::nullopt for all.
    // Raises 22023 for a name that is none, and 42P01 for one that is not there.
    legacy_schema(std::string_view name, const std::optional<std::vector<std::string>> &only);

    bool has(legacy table) const { return there_[static_cast<std::size_t>(table)]; }    // in the schema
    bool wants(legacy table) const { return wanted_[static_cast<std::size_t>(table)]; } // has, and was asked for
    // No two rows have one key: an index says so.
    bool has_unique_key(legacy table) const { return unique_[static_cast<std::size_t>(table)]; }
    bool tells_times(legacy table) const { return timed_[static_cast<std::size_t>(table)]; } // in a column of times
    const std::vector<found_column> &columns(legacy table) const { return columns_[static_cast<std::size_t>(table)]; }
    const found_column *column(legacy table, std::string_view name) const; // null when there is none
    const std::string &name() const { return name_; }
    std::string qualified(legacy table) const; // quoted

    // The table for a FROM, in which each row can become a document and a char(n) is the text that it stands for.
    std::string readable(legacy table) const;

private:
    void look(Oid schema, legacy table);
    void choose(const std::vector<std::string> &only);

    std::string name_;
    std::array<bool, legacy_tables> there_{};
    std::array<bool, legacy_tables> wanted_{};
    std::array<bool, legacy_tables> unique_{};
    std::array<bool, legacy_tables> timed_{};
    std::array<std::vector<found_column>, legacy_tables> columns_;
};

} // namespace mega::moving
