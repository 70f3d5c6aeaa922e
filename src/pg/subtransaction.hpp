// A subtransaction for the length of a scope: beside `entry` the only place that may swallow a Postgres error, because
// it rolls back what the error left half done.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// A copy of the error in the memory context that is current.
inline pg_error copy_error(const pg_error &error) {
    if (error.data == nullptr)
        return error;
    try {
        call([&error] { ReThrowError(error.data); });
    } catch (const pg_error &copy) {
        return copy;
    }
    return error;
}

// Runs body in a subtransaction. Returns std::nullopt when it was committed, or the error after it was rolled back.
// Whatever else body throws goes on, after it was rolled back too. A connection that is used inside and goes on behind
// it must be connected before.
template <class Body> std::optional<pg_error> in_subtransaction(Body body) {
    const MemoryContext context = CurrentMemoryContext;
    const ResourceOwner owner = CurrentResourceOwner;
    call([] { BeginInternalSubTransaction(nullptr); });
    MemoryContextSwitchTo(context);
    std::optional<pg_error> failed;
    std::exception_ptr other;
    try {
        body();
        call([] { ReleaseCurrentSubTransaction(); });
    } catch (const pg_error &error) {
        MemoryContextSwitchTo(context); // where the error was caught ends with the subtransaction
        failed = copy_error(error);
    } catch (...) {
        other = std::current_exception();
    }
    MemoryContextSwitchTo(context);
    if (failed || other)
        call([] { RollbackAndReleaseCurrentSubTransaction(); });
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    if (other)
        std::rethrow_exception(other);
    return failed;
}

} // namespace pg
