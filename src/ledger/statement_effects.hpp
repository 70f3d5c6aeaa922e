// Statement effects: what follows from rows that are in the ledger, that is their projection, and that they belong
// where they say. The same for one row of a function and for the million rows of a COPY.
#pragma once

#include "ledger/parent_check.hpp"
#include "ledger/project.hpp"

namespace mega::ledger {

class statement_effects {
public:
    // A row as it was appended.
    void add(const ledger_row &row);

    // The same of a row that came through SQL and waits for its projection: here, or by the function that appends it.
    void add_waiting(const ledger_row &row);

    // Projects onto the customers, in byte order of pass id, then looks for the generations that are named. Raises
    // 23503, 23514 and 22003.
    void apply(store &store);

private:
    statement_projection moved_;
    parent_check lines_;
};

} // namespace mega::ledger
