// One customer that somebody of the office changes: locked, read, written where it differs, and told of when it is said
// who did it.
#pragma once

#include "ledger/call.hpp"

namespace mega::identity {

class change {
public:
    // pass_id, actor: as they were given. more: which tables are written beside customers, and admins when an actor is
    // named. Locks the customer FOR NO KEY UPDATE. Raises 22023, 23503, and MG004 for a customer who was erased.
    change(FunctionCallInfo fcinfo, std::optional<std::string_view> pass_id, std::optional<std::string_view> actor,
           schema::written more = schema::written::customers);

    ledger::store &store() { return call_.store(); }
    ledger::locked_customer &customer() { return *customer_; }
    const std::string &pass_id() const { return customer_->pass_id; }

    // How a column stands; it lives as long as the call.
    pg::nullable_datum read(schema::customer column);

    // Writes what differs from what stands there. False when nothing does.
    bool write(std::span<const ledger::customer_change> wanted);

    // Appends the audit, when it is known who did it, and ends the call.
    void finish(std::string_view action, pg::jsonb detail);
    void finish() { call_.finish(); } // nothing was done

private:
    bool stands_as_before(); // any of what was written

    std::optional<std::string_view> actor_;
    ledger::call call_;
    std::optional<ledger::locked_customer> customer_;
    std::vector<ledger::customer_change> before_; // what stood where something was written
};

} // namespace mega::identity
