// A subtransaction for the length of a scope: beside `entry` the only place that may swallow a Postgres error, because
// it rolls back what the error left half done.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// Runs body in a subtransaction. Returns std::nullopt when it was committed, or the error after it was rolled back.
template <class Body> std::optional<pg_error> in_subtransaction(Body body) {
    const MemoryContext context = CurrentMemoryContext;
    const ResourceOwner owner = CurrentResourceOwner;
    call([] { BeginInternalSubTransaction(nullptr); });
    MemoryContextSwitchTo(context);
    std::optional<pg_error> failed;
    try {
        body();
        call([] { ReleaseCurrentSubTransaction(); });
    } catch (const pg_error &error) {
        failed = error;
    }
    if (failed) {
        MemoryContextSwitchTo(context);
        call([] { RollbackAndReleaseCurrentSubTransaction(); });
    }
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    return failed;
}

} // namespace pg
