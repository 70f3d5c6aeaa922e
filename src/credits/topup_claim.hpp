// A claim on a customer's next automatic top-up: whoever has it charges the card, once. It stands in mega's own key of
// the customer's row, until it lapses; a lapsed one is handed out again under the same id, so that the payment provider
// sees the same charge.
#pragma once

#include "ledger/store.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"

namespace mega::credits {

struct claim {
    std::string topup_id;
    std::int32_t packs = 0;
    std::int64_t until = 0; // microseconds since 1970: nobody is handed it before
    bool released = false;  // the charge was declined: the next one has another id

    bool stands(pg::timestamp now) const { return !released && pg::unix_micros(now) < until; }
};

// Of a customer, as they stand now: in front the one that keeps him longest from being handed out. There are more than
// one after a merge.
std::vector<claim> claims_of(ledger::store &store, std::string_view pass_id);
std::vector<claim> claims_in(pg::jsonb meta);

// A customer's mg_meta with these claims in it.
pg::jsonb with_claims(pg::jsonb meta, std::span<const claim> claims);

// Writes them in place of what is there. The customer is locked.
void write_claims(ledger::store &store, const ledger::locked_customer &customer, std::span<const claim> all);

// The claim with this id; the end when there is none.
inline auto find_claim(std::vector<claim> &all, std::string_view topup_id) {
    return std::ranges::find(all, topup_id, &claim::topup_id);
}

// The packs that claims on the customer hold of its month.
inline std::int64_t packs_claimed(std::span<const claim> all, pg::timestamp now) {
    std::int64_t packs = 0;
    for (const claim &one : all)
        packs += one.stands(now) ? one.packs : 0;
    return packs;
}

} // namespace mega::credits
