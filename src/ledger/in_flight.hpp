// The writes that mega itself has under way. The projection's own write to a derived column passes the guard because it
// is exactly the value on this stack, which only the projection can push: not by trigger depth, not by a flag, not by
// comparing with the ledger's sum.
#pragma once

#include "pg/postgres.hpp"

#include <string_view>

namespace mega::ledger::in_flight {

// Pushed for the length of a scope. What it points to must outlive it.
class projection {
public:
    // preferences: the snapshot about to be written, null when it stays as it is.
    projection(std::string_view pass_id, std::int32_t credits, const Jsonb *preferences) noexcept;
    ~projection();
    projection(const projection &) = delete;
    projection &operator=(const projection &) = delete;

private:
    friend bool writes_credits(std::string_view, std::int32_t) noexcept;
    friend bool writes_preferences(std::string_view, const Jsonb *) noexcept;

    std::string_view pass_id_;
    std::int32_t credits_;
    const Jsonb *preferences_;
    SubTransactionId subtransaction_;
    projection *below_;
};

// Whether the write on top of the stack is of this customer, this balance and this subtransaction.
bool writes_credits(std::string_view pass_id, std::int32_t credits) noexcept;

// Whether the write on top of the stack is of this customer, this snapshot and this subtransaction.
bool writes_preferences(std::string_view pass_id, const Jsonb *preferences) noexcept;

// Holds that are being settled: their mg_ids, sorted.
class settlement {
public:
    explicit settlement(std::span<const std::string> mg_ids) noexcept;
    ~settlement();
    settlement(const settlement &) = delete;
    settlement &operator=(const settlement &) = delete;

private:
    friend bool settles(std::string_view) noexcept;

    std::span<const std::string> mg_ids_;
    SubTransactionId subtransaction_;
    settlement *below_;
};

// Whether the settlement on top of the stack is of this hold and this subtransaction.
bool settles(std::string_view mg_id) noexcept;

} // namespace mega::ledger::in_flight
