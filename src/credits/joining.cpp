// Joining: what credits have beside their sum, when two customers become one.
#include "credits/joining.hpp"

#include "credits/make_lot.hpp"
#include "credits/posting.hpp"
#include "credits/topup_claim.hpp"
#include "ledger/lots.hpp"
#include "ledger/own_key.hpp"

namespace mega::credits {

namespace {

// What has no lot becomes one, with the end that it had.
void make_lot_of_the_rest(ledger::store &store, ledger::locked_customer &customer) {
    if (!customer.expires_at)
        return;
    const pg::timestamp end = *customer.expires_at;
    ledger::write_expiry(store, customer, std::nullopt);
    core::holdings has = ledger::holdings_of(customer);
    core::stand(has, INT64_MIN); // a debt is paid before
    if (has.free() > 0 &&
        !make_lot(store, customer, ledger::new_id(), static_cast<std::int32_t>(has.free()), end, true))
        ledger::refuse_appended_meanwhile("lot", customer);
}

} // namespace

void settle_both(ledger::store &store, ledger::locked_customer &source, ledger::locked_customer &target) {
    settle(store, source);
    settle(store, target);
    if (source.expires_at == target.expires_at)
        return;
    make_lot_of_the_rest(store, source);
    make_lot_of_the_rest(store, target);
}

pg::jsonb joined_meta(pg::jsonb source_meta, pg::jsonb target_meta) {
    const core::open_lots lots = core::joined(ledger::open_lots_of(source_meta), ledger::open_lots_of(target_meta));
    std::vector<claim> all = claims_in(target_meta);
    for (claim &one : claims_in(source_meta))
        all.push_back(std::move(one));
    return with_claims(ledger::with_open_lots(target_meta, lots), all);
}

} // namespace mega::credits
