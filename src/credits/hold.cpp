// mega_hold_credit, mega_capture_credit, mega_release_credit: a hold and its settlement.
#include "credits/hold.hpp"

#include "core/record_id.hpp"
#include "core/utc_time.hpp"
#include "credits/returns.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/parent_check.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/digest.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"
#include "pg/warning.hpp"

namespace mega::credits {

namespace {

credit_row require_hold(ledger::store &store, std::string_view hold_id, ItemPointerData place = {}) {
    const auto hold = find_by_txn_id(store, "hold:" + std::string(hold_id), place);
    if (!hold)
        throw pg::sql_error{"MG003", "there is no hold " + pg::quoted(hold_id), "hold_id=" + pg::quoted(hold_id),
                            "Make it with mega_hold_credit before it is settled."};
    return *hold;
}

// The hold under the lock of its customer.
struct locked_hold {
    credit_row hold;
    ledger::locked_customer customer;
};

locked_hold lock_hold(ledger::store &store, std::string_view hold_id, std::optional<std::string_view> pass_id) {
    const credit_row seen = require_hold(store, hold_id);
    if (pass_id && !ledger::means_customer(store.where(), *pass_id, seen.pass_id))
        throw pg::sql_error{ledger::bad_column,
                            "the hold belongs to another customer",
                            "hold_id=" + pg::quoted(hold_id) + " pass_id=" + pg::quoted(*pass_id),
                            {}};
    if (!takes_credits(seen))
        throw pg::sql_error{"MG003", "there is no hold " + pg::quoted(hold_id) + ", but a row that calls itself so",
                            "mg_id=" + pg::quoted(seen.mg_id) +
                                ledger::to_readers({schema::ledger::mg_id, schema::ledger::mg_delta},
                                                   " delta=" + std::to_string(seen.delta)),
                            "A hold takes credits; make it with mega_hold_credit."};
    ledger::locked_customer customer = lock_customer_of(store, seen);
    credit_row hold = require_hold(store, hold_id, seen.place); // its status as it stands behind the lock
    if (hold.pass_id != customer.pass_id)
        throw pg::sql_error{"40001", "the hold went to another customer meanwhile", "hold_id=" + pg::quoted(hold_id),
                            "Try again."};
    return {std::move(hold), std::move(customer)};
}

} // namespace

std::optional<pg::jsonb> note_of_release(const ledger::locked_customer &customer, std::string_view reason) {
    if (customer.erased) // no text of theirs is stored
        return std::nullopt;
    return pg::json_builder().begin_object().key("reason").text(reason).end_object().finish();
}

posting settlement_of(const credit_row &hold, std::string_view hold_id, std::string_view kind, std::int32_t delta) {
    posting what;
    what.pass_id = hold.pass_id;
    what.delta = delta;
    what.reason = kind;
    what.ref_type = "hold";
    what.ref_id = hold_id;
    what.txn_id = std::string(kind) + ":" + std::string(hold_id);
    what.given = false;
    what.was_held = delta > 0;
    what.own_names = true;
    return what;
}

namespace {

// Rows that other customers have under the ids of a settlement are passed over: the next one has a number behind it.
// Where there is no room for that, the number stands behind the kind and a digest of the rest.
std::string numbered(std::string_view kind, std::string_view hold_id, int round) {
    const std::string first = std::string(kind) + ":" + std::string(hold_id);
    const std::string behind = ":" + std::to_string(round);
    if (round == 1)
        return first;
    if (first.size() + behind.size() <= core::max_id_bytes)
        return first + behind;
    return std::string(kind) + ":" + pg::sha256_of(hold_id) + behind;
}

// Whether a row under the id of a settlement is another hold's: h:2 may be a hold itself.
bool is_of_other_hold(const credit_row &row, std::string_view hold_id) {
    return row.ref_type == "hold" && row.ref_id != hold_id;
}

// Of rows of the customer's own under these ids the one that refers to the hold, else the first that refers to no
// other: a merge may have brought him one that had been somebody else's.
std::optional<credit_row> find_settlement(ledger::store &store, const credit_row &hold, std::string_view kind,
                                          std::string_view hold_id) {
    std::optional<credit_row> first;
    for (int round = 1;; ++round) {
        auto row = find_by_txn_id(store, numbered(kind, hold_id, round));
        if (!row)
            return first;
        if (row->pass_id == hold.pass_id && !is_of_other_hold(*row, hold_id)) {
            if (row->ref_type == "hold")
                return row;
            if (!first)
                first = std::move(row);
        }
        pg::check_for_interrupts();
    }
}

constexpr const char *taken_for_it = "a row with the id of this hold's settlement is taken for it";

// A pending hold beside whose customer's own row under the id of its capture or release: that row settled it, whoever
// wrote it. Marks the hold so, with a WARNING; false when there is none.
bool settled_by_hand(ledger::store &store, credit_row &hold, std::string_view kind, std::string_view status,
                     std::string_view hold_id) {
    const auto row = find_settlement(store, hold, kind, hold_id);
    if (!row)
        return false;
    pg::warn(taken_for_it, ledger::to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(row->mg_id)));
    store.settle_hold(hold.mg_id, status, hold.place);
    hold = require_hold(store, hold_id);
    return true;
}

// The same by a row of either kind.
void settle_by_hand(ledger::store &store, credit_row &hold, std::string_view hold_id) {
    if (!settled_by_hand(store, hold, "capture", captured_status, hold_id))
        settled_by_hand(store, hold, "release", released_status, hold_id);
}

// Appends the row of a hold that is marked already. Nothing jams it: a row of the customer's own that has its id is
// taken for it; where somebody else has its id or its reference, it goes without. WARNINGs say so.
// What comes back goes to where the hold had taken it from, as that stands by then.
void append_settlement(ledger::store &store, ledger::locked_customer &customer, const credit_row &hold, posting what) {
    ledger::see_what_others_did(store, customer);
    write_off_expired(store, customer);
    if (what.delta > 0)
        what.returns = taken_by_hold(store, hold);
    const std::string kind = what.reason, hold_id = *what.ref_id;
    for (int round = 1; !post_own(store, customer, what); ++round) {
        pg::check_for_interrupts();
        const auto there = find_by_txn_id(store, *what.txn_id);
        if (!there)
            throw pg::sql_error{"40001", "a row of this hold's settlement was written meanwhile",
                                "mg_id=" + pg::quoted(mg_id_of(*what.txn_id)), "Try again."};
        const bool theirs = there->pass_id != what.pass_id, own = !theirs && !is_of_other_hold(*there, hold_id);
        pg::warn(own      ? taken_for_it
                 : theirs ? "another customer's row has the id of this hold's settlement: it is recorded under another"
                          : "another hold's row has the id of this hold's settlement: it is recorded under another",
                 ledger::to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(mg_id_of(*what.txn_id))));
        if (own)
            return;
        what.txn_id = numbered(kind, hold_id, round + 1);
    }
}

void refuse_other_amount(std::string_view hold_id, std::int64_t taken, std::int32_t given) {
    throw pg::sql_error{"MG002", "this hold was captured with another amount",
                        "hold_id=" + pg::quoted(hold_id) +
                            ledger::to_readers({schema::ledger::mg_id, schema::ledger::mg_delta},
                                               " captured=" + std::to_string(taken)) +
                            " given=" + std::to_string(given),
                        "Refund what was captured too much with mega_refund_credit."};
}

} // namespace

std::string read_hold_id(std::optional<std::string_view> given) {
    return std::string(read_own_id("hold_id", given, "hold:", "release:"));
}

std::vector<credit_row> rows_of_hold(ledger::store &store, std::string_view hold_id) {
    const auto hold = find_by_txn_id(store, "hold:" + std::string(hold_id));
    if (!hold)
        return {};
    std::vector<credit_row> rows{*hold};
    for (const char *kind : {"capture", "release"})
        if (auto row = find_settlement(store, *hold, kind, hold_id))
            rows.push_back(*std::move(row));
    return rows;
}

std::optional<std::int64_t> captured_amount(ledger::store &store, std::string_view hold_id) {
    const std::vector<credit_row> rows = rows_of_hold(store, hold_id);
    if (rows.empty() || is_pending(rows.front()))
        return std::nullopt;
    std::int64_t taken = 0;
    for (const credit_row &row : rows)
        taken -= row.delta;
    return taken;
}

settlement capture(ledger::store &store, std::string_view hold_id, std::optional<std::int32_t> amount,
                   std::optional<std::string_view> pass_id) {
    auto [hold, customer] = lock_hold(store, hold_id, pass_id);
    if (is_pending(hold)) {
        settle_by_hand(store, hold, hold_id);
        if (hold.status == captured_status)
            return {"captured", balance_to_tell(store, customer), hold.pass_id};
    }
    if (hold.status == captured_status) {
        const std::int64_t taken = captured_amount(store, hold_id).value_or(0);
        if (amount && *amount != taken)
            refuse_other_amount(hold_id, taken, *amount);
        return {"already_captured", customer.credits, hold.pass_id};
    }
    const bool late = !is_pending(hold); // released before: drawn again
    const std::int32_t held = -hold.delta;
    const std::int64_t taken = amount.value_or(held);
    const std::int64_t back = (late ? 0 : std::int64_t{held}) - taken;
    store.settle_hold(hold.mg_id, captured_status, hold.place);
    if (back != 0)
        append_settlement(store, customer, hold,
                          settlement_of(hold, hold_id, "capture", static_cast<std::int32_t>(back)));
    return {late ? "recaptured" : "captured", balance_to_tell(store, customer), hold.pass_id};
}

settlement release(ledger::store &store, std::string_view hold_id, std::string_view reason,
                   std::optional<std::string_view> pass_id) {
    auto [hold, customer] = lock_hold(store, hold_id, pass_id);
    if (is_pending(hold))
        settled_by_hand(store, hold, "capture", captured_status, hold_id);
    if (hold.status == captured_status)
        return {"already_captured", customer.credits, hold.pass_id};
    if (!is_pending(hold))
        return {"already_released", customer.credits, hold.pass_id};
    posting what = settlement_of(hold, hold_id, "release", -hold.delta);
    what.meta = note_of_release(customer, reason);
    store.settle_hold(hold.mg_id, released_status, hold.place);
    append_settlement(store, customer, hold, std::move(what));
    // A trigger of somebody else's may have captured it since.
    const bool captured = require_hold(store, hold_id, hold.place).status == captured_status;
    return {captured ? "already_captured" : released_outcome, balance_to_tell(store, customer), hold.pass_id};
}

namespace {

// A generation may come after its hold; it is the hold's customer's.
void check_generation(ledger::store &store, const posting &hold) {
    const auto owner = ledger::owner_seen(store, "generation:" + *hold.generation_id);
    if (owner && (owner->empty() || !ledger::means_customer(store.where(), hold.pass_id, *owner)))
        throw pg::sql_error{ledger::bad_column,
                            "the generation belongs to another customer",
                            "generation_id=" + pg::quoted(*hold.generation_id) + " pass_id=" + pg::quoted(hold.pass_id),
                            {}};
}

std::optional<std::string> read_generation(std::optional<std::string_view> given) {
    if (!given)
        return std::nullopt;
    const std::string_view id = core::strip_prefix(core::record_type::generation, *given);
    ledger::check_text("generation_id", id, ledger::bad_argument);
    return std::string(id);
}

Datum hold_credit(FunctionCallInfo fcinfo) {
    using in = arguments::hold_credit;
    const pg::arguments given(fcinfo);
    posting what;
    what.pass_id = ledger::require_text("pass_id", given.text(in::pass_id));
    what.delta = -require_positive("amount", given.int4(in::amount));
    const std::string hold_id = read_hold_id(given.text(in::hold_id));
    const pg::timestamp expires_at =
        ledger::require_ahead("expires_in", given.interval(in::expires_in), pg::clock_time());
    what.reason = ledger::require_text("reason", given.text(in::reason));
    if (what.reason == "capture" || what.reason == "release")
        throw pg::sql_error{ledger::bad_argument, "reason is the name of a hold's settlement",
                            "reason=" + pg::quoted(what.reason), "Use another word; the default is hold."};
    what.meta = ledger::require_object("meta", given.json(in::meta));
    what.own = pg::json_builder()
                   .begin_object()
                   .key("hold_expires_at")
                   .text(core::iso_utc(pg::unix_micros(expires_at)))
                   .end_object()
                   .finish();
    what.ref_type = "hold";
    what.ref_id = hold_id;
    what.txn_id = "hold:" + hold_id;
    what.own_names = true;
    what.status = pending_status;
    what.generation_id = read_generation(given.text(in::generation_id));
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    what.pass_id.assign(ledger::spell_pass_id(store.where(), what.pass_id));
    if (what.generation_id && !find_replay(store, what))
        check_generation(store, what);
    const outcome done = post_once(store, what);
    call.finish();
    return pg::return_row(fcinfo, done.mg_id, done.credits, done.replayed);
}

Datum capture_credit(FunctionCallInfo fcinfo) {
    using in = arguments::capture_credit;
    const pg::arguments given(fcinfo);
    const std::string hold_id = read_hold_id(given.text(in::hold_id));
    const auto amount = given.int4(in::amount);
    if (amount && *amount < 0)
        throw pg::sql_error{ledger::bad_argument, "amount must not be negative", "amount=" + std::to_string(*amount),
                            "Capture 0 to return all of the hold."};
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    const settlement done = capture(store, hold_id, amount, given.text(in::pass_id));
    call.finish();
    return pg::return_row(fcinfo, done.outcome, done.credits);
}

Datum release_credit(FunctionCallInfo fcinfo) {
    using in = arguments::release_credit;
    const pg::arguments given(fcinfo);
    const std::string hold_id = read_hold_id(given.text(in::hold_id));
    const std::string_view reason = ledger::require_text("reason", given.text(in::reason));
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    const settlement done = release(store, hold_id, reason, given.text(in::pass_id));
    call.finish();
    return pg::return_row(fcinfo, done.outcome, done.credits);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_hold_credit, mega::credits::hold_credit);
PG_ENTRY(mega_capture_credit, mega::credits::capture_credit);
PG_ENTRY(mega_release_credit, mega::credits::release_credit);
