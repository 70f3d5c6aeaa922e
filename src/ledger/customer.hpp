// A customer as it stands under the lock, or as it is seen by who changes it only if it still stands so.
#pragma once

#include "core/lots.hpp"
#include "pg/datum.hpp"

namespace mega::ledger {

// A customer's mg_meta, and the open lots that stand in it.
struct noted_meta {
    std::string document; // its bytes
    core::open_lots lots;
};

// A customer's open lots, which copies of him share.
class shared_lots {
public:
    shared_lots() = default;
    shared_lots(core::open_lots lots) : lots_(std::make_shared<const core::open_lots>(std::move(lots))) {}
    explicit shared_lots(const std::shared_ptr<const noted_meta> &meta) : lots_(meta, &meta->lots) {}

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
    std::shared_ptr<const noted_meta> meta;  // when it has members; copies of him share it
    bool may_spend = true;                   // neither disabled nor deleted
    pg::timestamp updated_at{};
    bool erased = false;
    std::optional<std::string> merged_into{}; // the pass id of the customer that goes on
    std::optional<pg::timestamp> settled_at;  // as of when it was settled what has ended
    bool changed_meanwhile = true; // since the snapshot by which it was looked for; true when that is not known
    ItemPointerData place{};       // where it stood; a hint only
};

} // namespace mega::ledger
