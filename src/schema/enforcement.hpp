// Postgres is made to enforce the rules that no row breaks, without letting writers wait for a look at a large table.
#pragma once

#include "schema/rules.hpp"

namespace mega::schema {

// What is to be locked, and how.
struct table_lock {
    std::string table;
    const char *mode;
};

// Takes the locks in this order, to the end of the transaction. While somebody's open transaction holds one of the
// tables, it lets writers through again and again instead of making them queue behind itself. Raises 55P03 when the
// tables have not become free after lock_timeout, or 15 seconds where that is 0.
void lock_tables(pg::spi_connection &spi, std::span<const table_lock> wanted);

// The rules of one table on their way to be enforced: validate() first, then the locks, then add().
class enforcement {
public:
    enforcement(pg::spi_connection &spi, const target_table &table, std::span<const open_rule> rules)
        : spi_(spi), table_(table), rules_(rules), refused_(rules.size()) {}

    // Looks at the rows of constraints that are NOT VALID. Stops no writer.
    void validate();

    // Whether add() has something to do, and with what lock; nullptr for nothing.
    const char *lock_mode() const;

    // Does the rest, under that lock: one ALTER TABLE, so that a small table is read once, then the indexes.
    void add();

    // What Postgres said to the rule; '' when it said nothing against it.
    const std::string &refusal(std::size_t rule) const { return refused_[rule]; }

private:
    bool runs(std::size_t rule) const;
    void comment(const open_rule &rule);

    pg::spi_connection &spi_;
    const target_table &table_;
    std::span<const open_rule> rules_;
    std::vector<std::string> refused_;
};

} // namespace mega::schema
