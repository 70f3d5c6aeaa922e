// What follows from rows that are in the ledger: their projection, and that they belong where they say. The same for
// one row of a function and for the million rows of a COPY.
#pragma once

#include "ledger/lineage.hpp"
#include "ledger/project.hpp"

namespace mega::ledger {

class consequences {
public:
    // A row as it was appended.
    void add(const ledger_record &row);

    // The same of a row that came through SQL and waits for its projection: here, or by the function that appends it.
    void add_waiting(const ledger_record &row);

    // Projects onto the customers, in byte order of pass id, then looks for the generations that are named. Raises
    // 23503, 23514 and 22003.
    void settle(store &store);

private:
    movements moved_;
    lineage lines_;
};

} // namespace mega::ledger
