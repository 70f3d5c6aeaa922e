// A claim on a customer's next automatic top-up: whoever has it charges the card, once. It stands in mega's own key of
// the customer's row, until it lapses; a lapsed one is handed out again under the same id, so that the payment provider
// sees the same charge.
#pragma once

#include "ledger/store.hpp"
#include "pg/clock.hpp"

namespace mega::credits {

struct claim {
    std::string topup_id;
    std::int32_t packs = 0;
    std::int64_t until = 0; // microseconds since 1970: nobody is handed it before
    bool released = false;  // the charge was declined: the next one has another id

    bool stands(pg::timestamp now) const { return !released && pg::unix_micros(now) < until; }
};

// Of a customer, as it stands now; nothing when there is none.
std::optional<claim> claim_of(ledger::store &store, std::string_view pass_id);

// Writes it, or ends what is there. The customer is locked.
void write_claim(ledger::store &store, const ledger::locked_customer &customer, const std::optional<claim> &what);

// The packs that a claim on the customer holds of its month; 0 when none stands.
inline std::int32_t packs_claimed(const std::optional<claim> &standing, pg::timestamp now) {
    return standing && standing->stands(now) ? standing->packs : 0;
}

} // namespace mega::credits
