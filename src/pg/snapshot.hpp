// By which snapshot tables are looked at.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// For the length of a scope: what was written before is visible, and so is what others committed when the isolation
// level lets them be seen. Inside a `same_moment` or a `callers_moment` the snapshot is that one's.
class fresh_snapshot {
public:
    fresh_snapshot();
    fresh_snapshot(const fresh_snapshot &) = delete;
    fresh_snapshot &operator=(const fresh_snapshot &) = delete;

    // On success only; after an error the (sub)transaction's end pops.
    void done();

private:
    bool pushed_;
};

// For the length of a scope every look is by the snapshot that is active: the caller's. Nothing is written inside.
class callers_moment {
public:
    callers_moment();
    ~callers_moment();
    callers_moment(const callers_moment &) = delete;
    callers_moment &operator=(const callers_moment &) = delete;
};

// For the length of a scope every look is by one snapshot: what was looked at first and what was looked at last stood
// there at the same time. What is written inside is not seen inside.
class same_moment {
public:
    same_moment();
    ~same_moment();
    same_moment(const same_moment &) = delete;
    same_moment &operator=(const same_moment &) = delete;

    // On success only; after an error the (sub)transaction's end pops.
    void done();
};

// For the length of a scope inside a `same_moment` each look has a snapshot of its own again: what somebody who was
// waited for has made since may be new to that moment.
class own_moments {
public:
    own_moments();
    ~own_moments();
    own_moments(const own_moments &) = delete;
    own_moments &operator=(const own_moments &) = delete;

private:
    int outer_;
};

} // namespace pg
