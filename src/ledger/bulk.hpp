// Many credit rows on their way into a store that takes them many at a time. Their projection is left to the caller,
// who holds the locks of their customers or changed them.
#pragma once

#include "ledger/store.hpp"

namespace mega::ledger {

class bulk {
public:
    explicit bulk(store &store) : store_(store) {}

    // In the order they are added, some at a time. Both raise 23505 when a key of one is taken; add, what the row's
    // rules raise.
    void add(const new_row &row);
    void append(); // what is left

private:
    store &store_;
    std::vector<pg::nullable_datum> checked_;
};

} // namespace mega::ledger
