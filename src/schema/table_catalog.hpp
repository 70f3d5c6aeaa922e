// The table catalog: where the three tables are, their oids, owner and column positions, looked up once per backend and
// forgotten when one of them changes.
#pragma once

#include "pg/relation.hpp"
#include "pg/role.hpp"
#include "pg/row.hpp"
#include "schema/columns.hpp"
#include "schema/verdict.hpp"

namespace mega::schema {

// One of the three tables. Adopted tables have their columns in any order, dropped ones in between.
template <class Column> struct table_entry {
    static constexpr std::size_t width = static_cast<std::size_t>(Column::count);

    Oid id = InvalidOid;
    Oid owner = InvalidOid;
    const char *off_guard = nullptr; // the first trigger of ours that is not there, not enabled or another; null: none
    bool reference_key = true;       // of the ledger: Postgres keeps references unique, save those of types left out
    bool id_key = true;              // Postgres keeps ids unique
    bool shopify_id_key = true;      // of customers: and these
    bool user_id_key = true;
    bool computes_verified = false;  // of customers: mg_verified_any is a generated column
    bool dated = false;              // every row has a time
    bool keyed = false;              // no two rows have the same id, and none has none
    bool foreign_before_row = false; // somebody else's BEFORE ROW trigger may change a row after ours looked at it
    bool others_act = false;         // code of somebody else's may act when a row is written
    verdict may_be_written;
    std::vector<std::string> left_out; // of the ledger: types of references that its key leaves out
    std::array<Oid, 5> own_triggers{}; // those that are as mega makes them
    std::array<AttrNumber, width> attributes{};

    bool has_own_trigger(Oid trigger) const { return std::ranges::find(own_triggers, trigger) != own_triggers.end(); }
    AttrNumber at(Column column) const { return attributes[static_cast<std::size_t>(column)]; }
};

struct table_catalog {
    Oid schema = InvalidOid;
    table_entry<customer> customers;
    table_entry<ledger> generations;
    table_entry<admin> admins;
};

// The tables that belong to the extension whose function this is (always through the extension's namespace, never
// through search_path). Raises 42P01 when one is missing and 42703 when a column is. A copy, which stays what it is
// for as long as the caller names it: what runs within his call may find other tables.
table_catalog catalog_of(Oid function);

// Which tables a function writes. Customers and generations that are there are changed; what new_customers, ledger and
// admins write has rows that are inserted, too.
enum class written : unsigned {
    customers = 1,
    generations = 2,
    new_customers = 8 | customers,
    ledger = 16 | generations,
    admins = 4,
    books = customers | ledger,
    people = customers | admins,
    all = books | admins,
    imported = all | new_customers
};

// Why functions write none of the tables in this session: a guard is missing or disabled, or the session is a replica.
std::optional<pg::sql_error> refusal_unguarded(const table_catalog &found);

// For writers: the same, with the tables that are written locked as their rows will be (ROW EXCLUSIVE), so that they
// stay as they were found until the transaction ends. Raises 55000 when a guard is missing or disabled or the session
// is a replica, because then nothing would keep the books, or when a rewrite rule keeps rows out that the function has
// to insert; and what the verdict on a table says that the function writes.
table_catalog guarded_catalog_of(Oid function, written what = written::books);

// One of the tables that the call which is under way was given last. For what has no call at hand: errors.
template <class Column> const table_entry<Column> &known_entry();

void watch_tables(); // called once, when the library is loaded

// How a trigger of ours stands: on guard, not there, not enabled, or another trigger under its name.
enum class trigger_state { on_guard, missing, disabled, replaced };
struct named_definition;
trigger_state state_of_trigger(Oid table, const named_definition &ours, Oid schema);

// A row seen through its table's column names.
template <class Column> class named_row {
public:
    named_row(const table_entry<Column> &of, pg::row &columns) : of_(of), columns_(columns) {}

    std::optional<std::string_view> text(Column c) const { return columns_.text(of_.at(c)); }
    std::optional<pg::jsonb> json(Column c) const { return columns_.json(of_.at(c)); }
    std::optional<pg::timestamp> time(Column c) const { return columns_.time(of_.at(c)); }
    std::optional<pg::uuid> uuid(Column c) const { return columns_.uuid(of_.at(c)); }
    std::optional<std::int32_t> int4(Column c) const { return columns_.int4(of_.at(c)); }
    std::optional<bool> boolean(Column c) const { return columns_.boolean(of_.at(c)); }
    pg::nullable_datum get(Column c) const { return columns_.get(of_.at(c)); }
    bool is_null(Column c) const { return columns_.is_null(of_.at(c)); }
    template <class Value> void set(Column c, const Value &value) { columns_.set(of_.at(c), pg::to_datum(value)); }
    bool same(const named_row &other, Column c) const { return pg::row::same(columns_, other.columns_, of_.at(c)); }

private:
    const table_entry<Column> &of_;
    pg::row &columns_;
};

inline constexpr const char *name(customer c) { return customer_columns[static_cast<std::size_t>(c)].name; }
inline constexpr const char *name(ledger c) { return ledger_columns[static_cast<std::size_t>(c)].name; }
inline constexpr const char *name(admin c) { return admin_columns[static_cast<std::size_t>(c)].name; }

} // namespace mega::schema
