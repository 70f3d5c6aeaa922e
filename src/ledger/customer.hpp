// A customer as it stands under the lock, or as it is seen by who changes it only if it still stands so.
#pragma once

#include "core/lots.hpp"
#include "pg/datum.hpp"

namespace mega::ledger {

// A customer's open lots, which copies of him share.
class shared_lots {
public:
    shared_lots() = default;
    shared_lots(core::open_lots lots)
        : lots_(lots.empty() ? nullptr : std::make_shared<const core::open_lots>(std::move(lots))) {}

    const core::open_lots &operator*() const noexcept { return lots_ ? *lots_ : none; }
    const core::open_lots *operator->() const noexcept { return &**this; }
    bool operator==(const shared_lots &other) const { return lots_ == other.lots_ || **this == *other; }

private:
    static inline const core::open_lots none;

    std::shared_ptr<const core::open_lots> lots_;
};

struct locked_customer {
    std::string pass_id;
    std::int32_t credits = 0;
    std::optional<pg::timestamp> expires_at; // of what has no lot
    shared_lots lots;                        // (I15)
    std::shared_ptr<const std::string> meta; // mg_meta, when it has members: its bytes, which copies of him share
    shared_lots lots_in_meta;                // what stands there
    bool may_spend = true;                   // neither disabled nor deleted
    pg::timestamp updated_at{};
    bool erased = false;
    std::optional<std::string> merged_into{}; // the pass id of the customer that goes on
    std::optional<pg::timestamp> settled_at;  // as of when it was settled what has ended
    bool changed_meanwhile = true; // since the snapshot by which it was looked for; true when that is not known
    ItemPointerData place{};       // where it stood; a hint only
};

} // namespace mega::ledger
