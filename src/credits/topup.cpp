// mega_record_topup and mega_topup_due: packs of credits, by hand or automatic within a monthly limit.
#include "credits/topup.hpp"

#include "core/record_id.hpp"
#include "credits/low.hpp"
#include "credits/topup_claim.hpp"
#include "credits/zone.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/own_key.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"

namespace mega::credits {

namespace {

constexpr std::int32_t usual_packs = 3;
constexpr std::string_view topup_prefix = "topup:";

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement select_settings("SELECT c.mg_topup_default_packs, c.mg_auto_topup_monthly_limit_packs, "
                                        "c.mg_timezone FROM ONLY @schema@.mega_customers c "
                                        "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                        pass_id_type);

constexpr Oid month_types[] = {TEXTOID, TEXTOID};
// Packs that were topped up automatically this month, in the given time zone, by what mega itself noted of them.
constinit pg::statement packs_this_month(
    "SELECT coalesce(pg_catalog.sum((g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,packs}')::pg_catalog.int4), 0)"
    "::pg_catalog.int8 FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
    "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
    "AND g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,automatic}' OPERATOR(pg_catalog.=) 'true' "
    "AND g.mg_created_at OPERATOR(pg_catalog.>=) pg_catalog.timezone($2, pg_catalog.date_trunc('month', "
    "pg_catalog.timezone($2, pg_catalog.clock_timestamp())))",
    month_types);

struct topup {
    posting what;
    std::optional<std::int32_t> packs;
    std::int32_t credits_per_pack = 0;
    bool automatic = false;
    std::optional<std::string> topup_id; // of the claim that it ends
};

// What a customer's row says about its top-ups.
std::string to_readers_of_settings(std::string text) {
    using schema::customer;
    return ledger::to_readers(
        {customer::mg_pass_id, customer::mg_topup_default_packs, customer::mg_auto_topup_monthly_limit_packs},
        std::move(text));
}

topup read_arguments(const pg::arguments &given) {
    using in = arguments::record_topup;
    topup read;
    read.what.pass_id = ledger::require_text("pass_id", given.text(in::pass_id));
    if (!given.is_null(in::packs))
        read.packs = require_positive("packs", given.int4(in::packs));
    read.credits_per_pack = require_positive("credits_per_pack", given.int4(in::credits_per_pack));
    const auto ref_type = ledger::optional_text("ref_type", given.text(in::ref_type));
    const auto ref_id = ledger::optional_text("ref_id", given.text(in::ref_id));
    require_whole_reference(ref_type, ref_id);
    if (ref_type) {
        read.what.ref_type = std::string(*ref_type);
        read.what.ref_id = std::string(*ref_id);
    }
    read.what.source = std::string(ledger::require_text("source", given.text(in::source)));
    read.automatic = given.boolean(in::automatic).value_or(false);
    read.what.expires_at = given.time(in::expires_at);
    ledger::check_writable("expires_at", read.what.expires_at);
    read.what.reason = "topup";
    if (const auto topup_id = given.text(in::topup_id)) {
        read.topup_id = read_topup_id(*topup_id);
        read.what.txn_id = std::string(topup_prefix) + *read.topup_id;
        read.what.own_id = true;
        read.automatic = true;
    }
    return read;
}

// What the packs come to; raises 22003 beyond an integer.
std::int32_t credits_of(std::int32_t packs, std::int32_t credits_per_pack) {
    const std::int64_t credits = std::int64_t{packs} * credits_per_pack;
    if (credits > PG_INT32_MAX)
        throw pg::sql_error{"22003",
                            "the top-up would leave the range of an integer",
                            to_readers_of_settings("packs=" + std::to_string(packs) + " ") +
                                "credits_per_pack=" + std::to_string(credits_per_pack),
                            {}};
    return static_cast<std::int32_t>(credits);
}

void set_packs(topup &wanted, std::int32_t packs) {
    wanted.what.delta = credits_of(packs, wanted.credits_per_pack);
    wanted.what.given = wanted.packs.has_value();
    wanted.what.own = pg::json_builder()
                          .begin_object()
                          .key("packs")
                          .number(packs)
                          .key("automatic")
                          .boolean(wanted.automatic)
                          .end_object()
                          .finish();
}

// What mega noted of a top-up.
std::optional<std::int32_t> packs_of(const credit_row &row) {
    const auto packs = row.meta ? ledger::own_member(*row.meta, "packs") : std::nullopt;
    return packs ? packs->int4() : std::nullopt;
}

// The same reference or claim again. Packs that are not named are what they were; what each of them has must agree.
std::optional<credit_row> find_replay(ledger::store &store, const topup &wanted) {
    if (!wanted.what.ref_id && !wanted.topup_id)
        return std::nullopt;
    const auto first = find_posted(store, wanted.what);
    if (!first)
        return std::nullopt;
    posting again = named_as_in(store, *first, wanted.what);
    again.delta = first->delta;
    again.given = wanted.packs.has_value();
    if (wanted.packs)
        again.delta = credits_of(*wanted.packs, wanted.credits_per_pack);
    else if (const auto packs = packs_of(*first))
        again.delta = static_cast<std::int32_t>(
            std::min<std::int64_t>(std::int64_t{*packs} * wanted.credits_per_pack, PG_INT32_MAX));
    require_same(*first, again);
    return first;
}

// Under the lock: how many packs of a claim. It is ended late, too; the month was asked when it was made.
void decide_claimed_packs(ledger::store &store, topup &wanted) {
    std::vector<claim> all = claims_of(store, wanted.what.pass_id);
    const auto claimed = find_claim(all, *wanted.topup_id);
    if (claimed == all.end())
        throw pg::sql_error{ledger::bad_argument, "the customer has no such claim",
                            "topup_id=" + pg::quoted(*wanted.topup_id) + " pass_id=" + pg::quoted(wanted.what.pass_id),
                            "Give the topup_id that mega_claim_topups returned for this customer."};
    set_packs(wanted, wanted.packs.value_or(claimed->packs));
}

// Under the lock: how many packs, and whether the month allows them.
void decide_packs(ledger::store &store, topup &wanted) {
    if (wanted.topup_id)
        return decide_claimed_packs(store, wanted);
    const topup_settings settings = topup_settings_of(store, wanted.what.pass_id);
    const std::int32_t packs = wanted.packs.value_or(settings.packs);
    if (packs <= 0)
        throw pg::sql_error{ledger::bad_argument, "the customer's default number of packs is not above zero",
                            to_readers_of_settings("mg_topup_default_packs=" + std::to_string(packs)),
                            "Name packs in the call."};
    if (wanted.automatic && settings.limit) {
        const std::int64_t used =
            settings.used + packs_claimed(claims_of(store, wanted.what.pass_id), pg::clock_time());
        if (used + packs > *settings.limit)
            throw pg::sql_error{"MG012", "the monthly limit of automatic top-ups is reached",
                                to_readers_of_settings("packs=" + std::to_string(packs) +
                                                       " used=" + std::to_string(used) +
                                                       " limit=" + std::to_string(*settings.limit)),
                                "Wait for the next month, top up by hand, or raise mg_auto_topup_monthly_limit_packs."};
    }
    set_packs(wanted, packs);
}

// The customer is locked.
void end_claim(ledger::store &store, const ledger::locked_customer &customer, const topup &done) {
    if (!done.topup_id)
        return;
    std::vector<claim> all = claims_of(store, customer.pass_id);
    const auto ended = find_claim(all, *done.topup_id);
    if (ended == all.end())
        return;
    all.erase(ended);
    write_claims(store, customer, all);
}

void mark_customer(ledger::store &store, ledger::locked_customer &customer, const topup &done) {
    using column = schema::customer;
    const ledger::customer_change mark[] = {{column::mg_last_topup_at, pg::to_datum(pg::clock_time())},
                                            {column::mg_topup_source, pg::to_datum(done.what.source)}};
    if (store.change_customer(customer, mark) != 1)
        ledger::refuse_kept_out(store, customer.pass_id);
    store.refresh(customer);
}

} // namespace

topup_settings topup_settings_of(ledger::store &store, std::string_view pass_id) {
    const schema::table_entry<schema::customer> &customers = store.where().customers;
    topup_settings read;
    std::string zone;
    {
        const pg::rows settings = store.run(customers, select_settings, pass_id);
        read.packs = settings.int4(0, 0).value_or(usual_packs);
        read.limit = settings.int4(0, 1);
        zone = zone_or_utc(settings.text(0, 2));
    }
    if (read.limit)
        read.used = store.run(customers, packs_this_month, pass_id, zone).int8(0, 0).value_or(0);
    return read;
}

std::string read_topup_id(std::string_view given) {
    return std::string(read_own_id("topup_id", given, topup_prefix, topup_prefix));
}

namespace {

Datum record_topup(FunctionCallInfo fcinfo) {
    topup wanted = read_arguments(pg::arguments(fcinfo));
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    wanted.what.pass_id.assign(ledger::spell_pass_id(store.where(), wanted.what.pass_id));
    const outcome done = post_once(
        store, "top-up", [&] { return find_replay(store, wanted); },
        [&] {
            ledger::locked_customer customer = ledger::require_locked_customer(store, wanted.what.pass_id);
            wanted.what.pass_id = customer.pass_id; // who goes on, when he was merged meanwhile
            return customer;
        },
        [&](ledger::locked_customer &customer) {
            decide_packs(store, wanted);
            auto posted = post(store, customer, wanted.what);
            if (!posted) {
                refuse_taken_reference(store, wanted.what);
                return posted;
            }
            end_claim(store, customer, wanted);
            mark_customer(store, customer, wanted);
            return posted;
        });
    if (done.replayed && wanted.topup_id) // what was charged may have been posted by its reference alone
        end_claim(store, ledger::require_locked_customer(store, wanted.what.pass_id), wanted);
    call.finish();
    return pg::return_row(fcinfo, done.mg_id, done.credits, done.replayed);
}

constexpr Oid due_types[] = {INT4OID, TEXTOID, INT8OID};
// The customers come from the partial index on mg_auto_topup_enabled; packs are counted for those that are low only.
constinit pg::statement due_customers(
    "SELECT c.mg_pass_id, c.mg_credits, c.mg_topup_default_packs, c.mg_auto_topup_monthly_limit_packs, "
    "c.mg_timezone, " MEGA_STANDING " "
    "FROM ONLY @schema@.mega_customers c WHERE c.mg_auto_topup_enabled AND c.mg_deleted_at IS NULL "
    "AND NOT coalesce(c.mg_disabled, false) AND c.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $2 "
    "AND " MEGA_MAY_BE_LOW("$3") " ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT 1000",
    due_types);

struct due_customer {
    std::string pass_id;
    std::int32_t credits;
    std::int32_t packs;
    std::optional<std::int32_t> packs_left;
};

// What may still be charged of a customer who is low; std::nullopt when the month allows nothing.
std::optional<due_customer> packs_of(pg::spi_connection &spi, const schema::table_catalog &where, const pg::rows &low,
                                     std::uint64_t i) {
    due_customer due{std::string(*low.text(i, 0)), low.int4(i, 1).value_or(0), low.int4(i, 2).value_or(usual_packs),
                     std::nullopt};
    if (const auto limit = low.int4(i, 3)) {
        const std::int64_t used =
            spi.run(packs_this_month, where.schema, pg::access::read_only, due.pass_id, zone_or_utc(low.text(i, 4)))
                .int8(0, 0)
                .value_or(0);
        const auto meta = low.json(i, 7);
        const std::int64_t claimed = meta ? packs_claimed(claims_in(*meta), pg::clock_time()) : 0;
        due.packs_left = static_cast<std::int32_t>(std::max<std::int64_t>(*limit - used - claimed, 0));
        due.packs = std::min(due.packs, *due.packs_left);
    }
    return due.packs > 0 ? std::optional(due) : std::nullopt;
}

// Adds the customers that are due among the next ones that are low, up to `most` in all; `behind` becomes the last one
// that was looked at. False when no more are low.
bool add_due(pg::spi_connection &spi, const schema::table_catalog &where, std::int32_t threshold, std::string &behind,
             std::vector<due_customer> &page, std::size_t most) {
    const pg::rows low = spi.run(due_customers, where.schema, pg::access::read_only, threshold, behind,
                                 pg::unix_micros(pg::clock_time()));
    for (std::uint64_t i = 0; i < low.count() && page.size() < most; ++i) {
        behind = *low.text(i, 0);
        if (stood(low, i, 5) > threshold)
            continue;
        if (auto due = packs_of(spi, where, low, i))
            page.push_back(*std::move(due));
    }
    return low.count() == 1000;
}

Datum topup_due(FunctionCallInfo fcinfo) {
    using in = arguments::topup_due;
    const pg::arguments given(fcinfo);
    const std::int32_t threshold = ledger::require("threshold", given.int4(in::threshold));
    const auto size = static_cast<std::size_t>(ledger::read_page_size(given.int4(in::page_size)));
    const auto cursor = ledger::read_cursor(given.text(in::page_cursor));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    pg::row_set result(fcinfo);
    std::vector<due_customer> page;
    std::string behind = cursor ? cursor->mg_id.value_or("") : "";
    pg::rounds looks; // a page may take several: what is looked for may be low and yet not due
    for (bool more = true; more && page.size() <= size;)
        looks.run([&](pg::spi_connection &spi) { more = add_due(spi, where, threshold, behind, page, size + 1); });
    std::optional<std::string> next_cursor;
    if (page.size() > size) {
        page.pop_back();
        next_cursor = ledger::write_cursor({std::nullopt, page.back().pass_id, 0, 0});
    }
    for (const due_customer &due : page)
        result.add(due.pass_id, due.credits, due.packs, due.packs_left, next_cursor);
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_record_topup, mega::credits::record_topup);
PG_ENTRY(mega_topup_due, mega::credits::topup_due);
