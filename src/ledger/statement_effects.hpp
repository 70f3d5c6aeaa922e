// Statement effects: what follows from rows that are in the ledger, that is their projection, and that they belong
// where they say. The same for one row of a function and for the million rows of a COPY.
#pragma once

#include "ledger/parent_check.hpp"
#include "ledger/project.hpp"

#include <set>

namespace mega::ledger {

class statement_effects {
public:
    // A row as it was appended.
    void add(const ledger_row &row);

    // The same of a row that came through SQL and waits for its projection: here, or by the function that appends it.
    void add_waiting(const ledger_row &row);

    // The same when they are rows of others than functions: no function has looked who their customers are by now. A
    // merge may have overtaken them: they go where it moved the others. Raises MG004 for a customer who was erased,
    // 40001 above READ COMMITTED, and what `apply` raises.
    void apply_raw(store &store);

    // Projects onto the customers, in byte order of pass id, then looks for the generations that are named. Raises
    // 23503, 23514 and 22003.
    void apply(store &store);

private:
    void look_at_customers(store &store);

    std::set<std::string, std::less<>> raw_; // pass ids of rows that no function wrote
    statement_projection moved_;
    parent_check lines_;
};

} // namespace mega::ledger
