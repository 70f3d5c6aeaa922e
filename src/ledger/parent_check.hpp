// Steps, events and tweaks belong to generations: the generation exists and is the same customer's (I7).
#pragma once

#include "ledger/row_check.hpp"
#include "ledger/store.hpp"

namespace mega::ledger {

// The generations that the rows of one statement name.
class parent_check {
public:
    // column: mg_generation_id, a bare id, or mg_parent_id, a whole one. NULL names nothing.
    void add(const ledger_row &row, schema::ledger column);
    bool empty() const { return named_.empty(); }

    // Locks every generation FOR SHARE, in byte order, so that it stays the customer's while its rows are written.
    // Raises 23503 for one that does not exist and 23514 for one of another customer.
    void verify(store &store) const;

private:
    struct claim {
        std::string row_id;
        std::string pass_id; // '' for NULL
    };

    static void verify_one(store &store, std::string_view generation, std::span<const claim> claims);

    // By the generation's mg_id: one row for each customer that names it.
    std::map<std::string, std::vector<claim>> named_;
};

// Whether there is such a customer, whatever row policies say.
bool customer_exists(const schema::table_catalog &where, std::string_view pass_id);

// Whose a ledger row is, as it is seen without a lock: '' for nobody's, std::nullopt when there is no such row.
std::optional<std::string> owner_seen(store &store, const std::string &mg_id);

// A step that came without a pass id gets its generation's.
void fill_pass_id_of_step(const schema::table_catalog &where, ledger_row &row);

} // namespace mega::ledger
