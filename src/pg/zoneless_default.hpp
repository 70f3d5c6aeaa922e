// Defaults of a column with a time zone that tell the time of some zone without saying of which.
#pragma once

#include "pg/guard.hpp"

namespace pg {

// Whether the default turns a time without a zone into one with it, which is done by the TimeZone of the session: the
// clock of another zone, such as timezone('utc', now()), or what a function of somebody's returns. What was taken by
// the session's zone comes back by it unchanged: LOCALTIMESTAMP, now()::timestamp.
bool has_zoneless_default(Relation relation, AttrNumber column);

} // namespace pg
