// mega_make_lot: credits that have no end of their own, or share one, get one.
#include "credits/make_lot.hpp"
#include "function_arguments.hpp"

#include "core/record_id.hpp"
#include "core/utc_time.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

constexpr std::string_view prefix = "lot:";

posting leg(std::string_view pass_id, std::string_view lot_id, std::string_view side, std::int32_t delta) {
    posting what;
    what.pass_id = pass_id;
    what.delta = delta;
    what.reason = "lot_" + std::string(side);
    what.txn_id = std::string(prefix) + std::string(lot_id) + ":" + std::string(side);
    what.own_names = true;
    what.of_free_alone = true;
    what.overdraft_hint = "Grant credits first.";
    return what;
}

struct request {
    std::string named, pass_id, lot_id; // named: as the caller said it
    std::optional<std::int32_t> amount;
    std::optional<pg::timestamp> ends;
};

request read_arguments(const schema::table_catalog &where, const pg::arguments &given) {
    using in = arguments::make_lot;
    request read;
    read.named = ledger::require_text("pass_id", given.text(in::pass_id));
    read.pass_id = ledger::resolve_pass_id(where, read.named);
    read.lot_id = read_own_id("lot_id", given.text(in::lot_id), prefix, "lot::out");
    if (!given.is_null(in::amount))
        read.amount = require_positive("amount", given.int4(in::amount));
    read.ends = given.time(in::ends);
    ledger::check_writable("ends", read.ends);
    return read;
}

// The same lot_id again: the same customer, and the same amount when one is named.
std::optional<credit_row> find_replay(ledger::store &store, const request &asked) {
    const posting out = leg(asked.pass_id, asked.lot_id, "out", -asked.amount.value_or(0));
    posting lot = leg(asked.pass_id, asked.lot_id, "in", asked.amount.value_or(0));
    const auto [first, in] = find_pair(store, *out.txn_id, *lot.txn_id);
    if (!first && in) { // somebody's own row, where the lot would stand
        lot.named_as = asked.named;
        lot.delta = asked.amount.value_or(in->delta);
        refuse_other_content(*in, lot);
    }
    if (!first)
        return std::nullopt;
    posting again = out;
    again.named_as = asked.named;
    if (!asked.amount)
        again.delta = first->delta;
    require_same(*first, again);
    if (!in)
        ledger::refuse_half("lot", "lot_id", asked.lot_id, *lot.txn_id);
    return in;
}

// Under the lock: when it ends. What stands at the customer is taken from him.
pg::timestamp end_of(ledger::store &store, ledger::locked_customer &customer, const request &asked) {
    if (asked.ends && *asked.ends <= pg::clock_time())
        throw pg::sql_error{ledger::bad_argument, "ends has passed already",
                            "ends=" + core::iso_utc(pg::unix_micros(*asked.ends)), "Give a time ahead."};
    if (asked.ends)
        return *asked.ends;
    if (!customer.expires_at)
        throw pg::sql_error{ledger::bad_argument, "the customer's credits have no end",
                            ledger::to_readers({schema::customer::mg_pass_id, schema::customer::mg_expires_at},
                                               "pass_id=" + pg::quoted(customer.pass_id)),
                            "Say when the lot ends."};
    const pg::timestamp end = *customer.expires_at;
    ledger::check_writable("mg_expires_at", end);
    ledger::write_expiry(store, customer, std::nullopt);
    return end;
}

// Under the lock: how much.
std::int32_t amount_of(const ledger::locked_customer &customer, const request &asked) {
    core::holdings has = ledger::holdings_of(customer);
    core::stand(has, INT64_MIN); // a debt is paid before
    const std::int64_t free = has.free(),
                       wanted = asked.amount.value_or(static_cast<std::int32_t>(std::max<std::int64_t>(free, 1)));
    if (free < wanted)
        ledger::throw_overdraft(free, wanted, asked.amount.has_value(),
                                "Only credits without a lot become one; balance counts these alone.");
    return static_cast<std::int32_t>(wanted);
}

Datum make(FunctionCallInfo fcinfo) {
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    const request asked = read_arguments(store.where(), pg::arguments(fcinfo));
    const outcome done = post_once(
        store, "lot", [&] { return find_replay(store, asked); },
        [&] { return ledger::require_locked_customer(store, asked.pass_id); },
        [&](ledger::locked_customer &customer) {
            const pg::timestamp ends = end_of(store, customer, asked);
            return make_lot(store, customer, asked.lot_id, amount_of(customer, asked), ends);
        });
    call.finish();
    return pg::return_row(fcinfo, done.mg_id, done.credits, done.replayed);
}

} // namespace

std::optional<std::string> make_lot(ledger::store &store, ledger::locked_customer &customer, std::string_view lot_id,
                                    std::int32_t amount, pg::timestamp ends, bool of_merge) {
    const bool may_spend = std::exchange(customer.may_spend, true); // nothing is spent
    auto posted = post(store, customer, leg(customer.pass_id, lot_id, "out", -amount));
    posting in = leg(customer.pass_id, lot_id, "in", amount);
    in.expires_at = ends;
    in.of_merge = of_merge;
    if (posted && !(posted = post(store, customer, in)))
        ledger::refuse_appended_meanwhile("lot", "lot_id", lot_id);
    customer.may_spend = may_spend;
    return posted;
}

} // namespace mega::credits

PG_ENTRY(mega_make_lot, mega::credits::make);
