// A customer as it stands under the lock, or as it is seen by who changes it only if it still stands so.
#pragma once

#include "pg/datum.hpp"

namespace mega::ledger {

struct locked_customer {
    std::string pass_id;
    std::int32_t credits = 0;
    std::optional<pg::timestamp> expires_at;
    bool may_spend = true; // neither disabled nor deleted
    pg::timestamp updated_at{};
    bool erased = false;
    std::optional<std::string> merged_into{}; // the pass id of the customer that goes on
    bool changed_meanwhile = true; // since the snapshot by which it was looked for; true when that is not known
    ItemPointerData place{};       // where it stood; a hint only
};

} // namespace mega::ledger
