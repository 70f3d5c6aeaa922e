// mega_claim_topups and mega_release_topup_claim: whom to charge now, each by one worker and once.
#include "credits/low.hpp"
#include "credits/topup.hpp"
#include "credits/topup_claim.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/piecemeal.hpp"
#include "ledger/project.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

// What is due: low, and no claim stands. The customers come from the partial index on mg_auto_topup_enabled; most of
// them have enough, so that their claims are not looked at.
#define MEGA_DUE                                                                                                       \
    "c.mg_auto_topup_enabled AND c.mg_deleted_at IS NULL AND NOT coalesce(c.mg_disabled, false) "                      \
    "AND CASE WHEN " MEGA_MAY_BE_LOW("$2") " THEN coalesce((c.mg_meta OPERATOR(pg_catalog.#>>) "                       \
                                           "'{mega,claim,until}')::pg_catalog.int8, 0) OPERATOR(pg_catalog.<=) $2 "    \
                                           "ELSE false END "

constexpr std::uint64_t batch_size = 1000;
constexpr Oid due_types[] = {INT4OID, INT8OID, TEXTOID};
constinit pg::statement due_customers("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE " MEGA_DUE
                                      "AND c.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $3 "
                                      "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT 1000",
                                      due_types);

constinit pg::statement still_due("SELECT " MEGA_STANDING " FROM ONLY @schema@.mega_customers c WHERE " MEGA_DUE
                                  "AND c.mg_pass_id OPERATOR(pg_catalog.=) $3",
                                  due_types);

constexpr Oid claim_types[] = {TEXTOID};
// The customer of a claim: first among those with automatic top-ups, which an index lists, then among all.
#define MEGA_HAS_CLAIM                                                                                                 \
    "(c.mg_meta OPERATOR(pg_catalog.#>>) '{mega,claim,id}' OPERATOR(pg_catalog.=) $1 OR c.mg_meta "                    \
    "OPERATOR(pg_catalog.#>) '{mega,claims}' OPERATOR(pg_catalog.@>) "                                                 \
    "pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('id', $1)))"
constinit pg::statement claimed_among_automatic("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c "
                                                "WHERE c.mg_auto_topup_enabled AND " MEGA_HAS_CLAIM,
                                                claim_types);
constinit pg::statement claimed_among_all("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c "
                                          "WHERE " MEGA_HAS_CLAIM,
                                          claim_types);

struct wanted {
    std::int32_t threshold;
    std::size_t most;
    std::int64_t retry_after; // microseconds
};

constexpr std::size_t most_released = 20;

// Ids are in the order of their times.
void forget_oldest(std::vector<claim> &all, std::size_t most) {
    std::ranges::sort(all, std::greater{}, &claim::topup_id);
    all.resize(std::min(all.size(), most));
}

// Under the lock of a customer who is due: the claim to hand out, which takes its place among his. One that lapsed
// keeps its id and its packs, for the card may have been charged. Where all were released there is a new one, and the
// newest of those stay, for a charge that was thought declined may come late.
// Nothing when the month does not allow the packs.
std::optional<claim> next_claim(ledger::store &store, const std::string &pass_id, std::vector<claim> &all,
                                const wanted &asked) {
    const pg::timestamp now = pg::clock_time();
    const topup_settings settings = topup_settings_of(store, pass_id);
    auto next = std::ranges::find(all, false, &claim::released);
    if (next == all.end()) {
        forget_oldest(all, most_released);
        all.push_back({ledger::new_id(), std::min(settings.packs, settings.left(settings.packs)), 0, false});
        next = std::prev(all.end());
    }
    if (next->packs <= 0 || settings.left(next->packs) < next->packs)
        return std::nullopt;
    next->until = pg::unix_micros(now) + asked.retry_after;
    return *next;
}

struct handed_out {
    std::string pass_id;
    claim what;
};

// Customers that somebody else has locked are left to the next call.
std::optional<handed_out> claim_of_one(ledger::store &store, const std::string &pass_id, const wanted &asked) {
    const auto customer = store.lock_customer(pass_id, LockWaitSkip);
    if (!customer || customer->merged_into || customer->erased)
        return std::nullopt;
    const std::int64_t now = pg::unix_micros(pg::clock_time());
    const pg::rows due = store.run(store.where().customers, still_due, asked.threshold, now, pass_id);
    if (due.empty() || stood(due, 0, 0) > asked.threshold)
        return std::nullopt;
    std::vector<claim> all = claims_of(store, pass_id);
    const auto next = next_claim(store, pass_id, all, asked);
    if (!next)
        return std::nullopt;
    write_claims(store, *customer, all);
    return handed_out{pass_id, *next};
}

std::vector<handed_out> claim_of_some(ledger::store &store, std::span<const std::string> due, const wanted &asked) {
    std::vector<handed_out> claims;
    for (const std::string &pass_id : due) {
        pg::check_for_interrupts();
        store.apart([&] {
            if (auto one = claim_of_one(store, pass_id, asked))
                claims.push_back(*std::move(one));
        });
    }
    return claims;
}

std::vector<std::string> find_due(ledger::store &store, const wanted &asked, const std::string &behind) {
    const std::int64_t now = pg::unix_micros(pg::clock_time());
    const pg::rows found = store.run(store.where().customers, due_customers, asked.threshold, now, behind);
    std::vector<std::string> due;
    for (std::uint64_t i = 0; i < found.count(); ++i)
        due.emplace_back(*found.text(i, 0));
    return due;
}

Datum claim_topups(FunctionCallInfo fcinfo) {
    using in = arguments::claim_topups;
    const pg::arguments given(fcinfo);
    wanted asked{};
    asked.threshold = ledger::require("threshold", given.int4(in::threshold));
    asked.most = static_cast<std::size_t>(require_positive("max_customers", given.int4(in::max_customers)));
    const pg::timestamp now = pg::clock_time();
    asked.retry_after = ledger::require_ahead("retry_after", given.interval(in::retry_after), now).value - now.value;
    pg::row_set result(fcinfo);
    ledger::call call(fcinfo);
    std::vector<handed_out> claims;
    ledger::piecemeal parts(call.store().where());
    std::string behind;
    for (bool more = true; more && claims.size() < asked.most && !parts.gives_up();) {
        const std::vector<std::string> due = find_due(call.store(), asked, behind);
        more = due.size() == batch_size;
        const std::span<const std::string> all(due);
        for (std::size_t i = 0; i < all.size() && claims.size() < asked.most;) {
            const auto part = all.subspan(i, std::min(all.size() - i, asked.most - claims.size()));
            i += part.size();
            behind = part.back();
            parts.run(
                part,
                [&](ledger::store &store, std::span<const std::string> some) {
                    std::ranges::move(claim_of_some(store, some, asked), std::back_inserter(claims));
                },
                [](const std::string &one) -> std::string_view { return one; });
        }
        call.finish();
    }
    parts.tell(!claims.empty());
    for (const handed_out &one : claims)
        result.add(one.pass_id, one.what.topup_id, one.what.packs);
    return pg::return_null(fcinfo);
}

std::optional<std::string> customer_of(ledger::store &store, const std::string &topup_id) {
    for (pg::statement *look : {&claimed_among_automatic, &claimed_among_all}) {
        const pg::rows found = store.run(store.where().customers, *look, topup_id);
        if (!found.empty())
            return std::string(*found.text(0, 0));
    }
    return std::nullopt;
}

Datum release_topup_claim(FunctionCallInfo fcinfo) {
    using in = arguments::release_topup_claim;
    const pg::arguments given(fcinfo);
    const std::string topup_id = read_topup_id(ledger::require("topup_id", given.text(in::topup_id)));
    const auto retry_at = given.time(in::retry_at);
    ledger::check_finite("retry_at", retry_at);
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    bool released = false;
    if (const auto pass_id = customer_of(store, topup_id)) {
        const ledger::locked_customer customer = ledger::require_locked_or_erased_customer(store, *pass_id);
        std::vector<claim> all = claims_of(store, customer.pass_id); // as they are behind the lock
        const auto standing = find_claim(all, topup_id);
        if (standing != all.end() && !standing->released) {
            standing->released = true;
            standing->until = retry_at ? pg::unix_micros(*retry_at) : 0;
            write_claims(store, customer, all);
            released = true;
        }
    }
    call.finish();
    return pg::to_datum(released).value;
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_claim_topups, mega::credits::claim_topups);
PG_ENTRY(mega_release_topup_claim, mega::credits::release_topup_claim);
