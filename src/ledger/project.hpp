// Projecting the ledger onto customers: the one place where mg_credits is written. Every caller locks first, then
// looks: a snapshot taken before the lock would read the past.
#pragma once

#include "pg/spi.hpp"
#include "schema/tables.hpp"

namespace mega::ledger {

// A customer as it stands under the lock.
struct locked_customer {
    std::string pass_id;
    std::int32_t credits = 0;
    std::optional<pg::timestamp> expires_at;
    bool may_spend = true; // neither disabled nor deleted
    pg::timestamp updated_at{};
};

// Locks the customer's row (FOR NO KEY UPDATE) and reads it as it stands behind the lock. std::nullopt when there is
// none. In REPEATABLE READ and above a customer changed since the snapshot raises 40001.
std::optional<locked_customer> lock_customer(pg::session &session, const schema::tables &where,
                                             std::string_view pass_id);

// The same; raises 23503 when there is no such customer.
locked_customer require_locked_customer(pg::session &session, const schema::tables &where, std::string_view pass_id);

// What the balance becomes; raises 22003 when it leaves int4.
std::int32_t balance_after(const locked_customer &customer, std::int64_t delta);

// Adds delta to the balance of a customer that is locked.
void project_credits(pg::session &session, const schema::tables &where, const locked_customer &customer,
                     std::int64_t delta);

// The movements of one statement, summed by customer, in byte order of pass id.
class movements {
public:
    void add_credits(std::string_view pass_id, std::int32_t delta);
    bool empty() const { return by_customer_.empty(); }

    // Locks the customers in order and projects onto each once.
    void project(pg::session &session, const schema::tables &where) const;

private:
    std::map<std::string, std::int64_t, std::less<>> by_customer_;
};

// The time to stamp a row with: the clock, or a microsecond after the customer's last change when the clock stands
// behind that by less than five seconds. To be read under the lock.
pg::timestamp stamp_for(const locked_customer &customer) noexcept;

} // namespace mega::ledger
