// Joining: what credits have beside their sum, when two customers become one.
#include "credits/joining.hpp"

#include "credits/posting.hpp"
#include "credits/topup_claim.hpp"

namespace mega::credits {

void settle_both(ledger::store &store, ledger::locked_customer &source, ledger::locked_customer &target) {
    const pg::timestamp now = pg::clock_time();
    write_off_expired(store, source, now);
    write_off_expired(store, target, now);
}

std::optional<pg::timestamp> joined_end(const ledger::locked_customer &source, const ledger::locked_customer &target) {
    if (source.expires_at == target.expires_at)
        return target.expires_at;
    // An end is of the credits that it was set for: nothing of the other's comes under it.
    if (source.credits <= 0)
        return target.expires_at;
    return target.credits <= 0 ? source.expires_at : std::nullopt;
}

// In front the one that stands longest: nobody is handed another one before.
pg::jsonb joined_own_key(pg::jsonb source_meta, pg::jsonb target_meta) {
    std::vector<claim> all = claims_in(target_meta);
    for (claim &one : claims_in(source_meta))
        all.push_back(std::move(one));
    std::ranges::stable_sort(all, std::greater{}, [](const claim &one) { return one.released ? 0 : one.until; });
    return own_key_with_claims(target_meta, all);
}

} // namespace mega::credits
