// Joining: what credits have beside their sum, when two customers become one.
#include "credits/joining.hpp"

#include "credits/posting.hpp"

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

} // namespace mega::credits
