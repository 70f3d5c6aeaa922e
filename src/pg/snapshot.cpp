// Takes and gives back the snapshots by which tables are looked at.
#include "pg/snapshot.hpp"

#include <utility>

namespace pg {

namespace {

constinit int moments = 0; // depth of same_moment and callers_moment

void push_snapshot() {
    call([] {
        CommandCounterIncrement();
        PushActiveSnapshot(GetTransactionSnapshot());
    });
}

void pop_snapshot() {
    call([] {
        PopActiveSnapshot();
        CommandCounterIncrement();
    });
}

} // namespace

fresh_snapshot::fresh_snapshot() : pushed_(moments == 0) {
    if (pushed_)
        push_snapshot();
}

void fresh_snapshot::done() {
    if (pushed_)
        pop_snapshot();
}

callers_moment::callers_moment() { ++moments; }

callers_moment::~callers_moment() { --moments; }

same_moment::same_moment() {
    push_snapshot();
    ++moments;
}

same_moment::~same_moment() { --moments; }

void same_moment::done() { pop_snapshot(); }

own_moments::own_moments() : outer_(std::exchange(moments, 0)) {}

own_moments::~own_moments() { moments = outer_; }

} // namespace pg
