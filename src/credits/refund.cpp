// mega_refund_credit: what was spent goes back, in parts if need be, never more in sum than was spent.
#include "core/record_id.hpp"
#include "credits/hold.hpp"
#include "credits/returns.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

// A spend as the caller names it: by a transaction, or by the hold that was captured.
struct spend {
    std::string txn_id; // bare; of a hold always hold:<id>
    bool of_hold;
};

constexpr std::string_view hold_prefix = "hold:";
constexpr std::string_view capture_prefix = "capture:";

constexpr Oid refunds_types[] = {TEXTOID};
constinit pg::statement refunded_so_far =
    pg::statement("SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)::pg_catalog.int8 FROM ONLY "
                  "@schema@.mega_generations g WHERE "
                  "g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,refund_of}' "
                  "OPERATOR(pg_catalog.=) $1",
                  refunds_types)
        .by_key();

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement refund_of =
    pg::statement("SELECT g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,refund_of}' FROM ONLY "
                  "@schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) $1",
                  id_type)
        .by_key();

spend read_spend(std::optional<std::string_view> given) {
    const std::string_view id =
        core::strip_prefix(core::record_type::credit_transaction, ledger::require("txn_id", given));
    ledger::check_text("txn_id", id, ledger::bad_argument);
    if (id.starts_with(hold_prefix))
        return {std::string(id), true};
    if (id.starts_with(capture_prefix))
        return {std::string(hold_prefix) + std::string(id.substr(capture_prefix.size())), true};
    return {std::string(id), false};
}

[[noreturn]] void refuse(const std::string &message, const spend &what, const char *hint) {
    throw pg::sql_error{ledger::bad_argument, message, "txn_id=" + pg::quoted(what.txn_id), hint};
}

credit_row require_row(ledger::store &store, const spend &what) {
    const auto row = find_by_txn_id(store, what.txn_id);
    if (!row)
        throw pg::sql_error{"MG003", "there is no transaction " + pg::quoted(what.txn_id),
                            "txn_id=" + pg::quoted(what.txn_id), "Give the txn_id of the spend, or hold:<hold_id>."};
    return *row;
}

// Nothing but its status changes when a hold is captured as it stands: a snapshot from before would show it pending
// though its capture was waited for. Raises 40001 then.
constinit pg::statement share_hold = pg::statement("SELECT FROM ONLY @schema@.mega_generations g "
                                                   "WHERE g.mg_id OPERATOR(pg_catalog.=) $1 FOR SHARE",
                                                   id_type)
                                         .by_key();

void share(ledger::store &store, const credit_row &hold) {
    store.run(store.where().generations, share_hold, hold.mg_id);
}

// What the posting took from the customer.
std::int64_t spent_by(ledger::store &store, const spend &what, const credit_row &row) {
    if (what.of_hold) {
        share(store, row);
        const auto taken = captured_amount(store, std::string_view(what.txn_id).substr(hold_prefix.size()));
        if (!taken)
            refuse("a hold that is pending cannot be refunded", what, "Release it with mega_release_credit.");
        return *taken;
    }
    constexpr std::string_view not_spends[] = {"transfer:", "expire:", "release:", "refund:", "opening:", "lot:"};
    for (const std::string_view prefix : not_spends)
        if (what.txn_id.starts_with(prefix))
            refuse("only a spend can be refunded", what, "Record what has to be corrected with mega_record_credit.");
    if (row.delta > 0)
        refuse("a grant cannot be refunded", what, "Take credits back with mega_revoke_credit.");
    return -std::int64_t{row.delta};
}

std::int64_t left_of(ledger::store &store, const spend &what, const credit_row &row) {
    const std::int64_t spent = spent_by(store, what, row);
    return spent - store.run(store.where().generations, refunded_so_far, what.txn_id).int8(0, 0).value_or(0);
}

// The same refund_id again: the same transaction, and the same amount when one is named.
std::optional<credit_row> find_replay(ledger::store &store, const posting &refund, const spend &what,
                                      const std::optional<std::int32_t> &amount) {
    const auto first = find_by_txn_id(store, *refund.txn_id);
    if (!first)
        return std::nullopt;
    posting again = named_as_in(store, *first, refund);
    again.delta = amount.value_or(first->delta);
    require_same(*first, again);
    const pg::rows found = store.run(store.where().generations, refund_of, first->mg_id);
    if (const auto of = found.text(0, 0); of != what.txn_id)
        throw pg::sql_error{"MG002", "this refund was recorded for another transaction",
                            "refund_id=" + pg::quoted(*refund.ref_id) +
                                ledger::to_readers({schema::ledger::mg_id, schema::ledger::mg_meta},
                                                   " recorded: txn_id=" + pg::quoted(of.value_or("")) + ";") +
                                " given: txn_id=" + pg::quoted(what.txn_id),
                            "Use another refund_id."};
    return first;
}

[[noreturn]] void refuse_more_than(std::int64_t left, const spend &what, const std::optional<std::int32_t> &asked) {
    throw pg::sql_error{
        "MG012", "a refund cannot be more than is left of the spend",
        "txn_id=" + pg::quoted(what.txn_id) +
            ledger::to_readers({schema::ledger::mg_id, schema::ledger::mg_delta, schema::ledger::mg_meta},
                               " left=" + std::to_string(left)) +
            " asked=" + (asked ? std::to_string(*asked) : "all"),
        "See what was refunded already in mega_credit_statement."};
}

// Under the customer's lock: what goes back.
std::int32_t delta_of(ledger::store &store, const spend &what, const std::optional<std::int32_t> &amount) {
    const std::int64_t left = left_of(store, what, require_row(store, what));
    if (left <= 0 || amount.value_or(0) > left)
        refuse_more_than(left, what, amount);
    if (!amount && left > PG_INT32_MAX)
        throw pg::sql_error{"22003", "the refund is out of range", "txn_id=" + pg::quoted(what.txn_id),
                            "One movement is at most 2147483647: give an amount, and the rest in another refund."};
    return amount.value_or(static_cast<std::int32_t>(left));
}

// Under the customer's lock: where that was taken from.
core::taken origin_of(ledger::store &store, const spend &what, std::int32_t amount) {
    if (what.of_hold)
        return taken_by(store, rows_of_hold(store, std::string_view(what.txn_id).substr(hold_prefix.size())),
                        what.txn_id, 0);
    const credit_row row[] = {require_row(store, what)};
    return taken_by(store, row, what.txn_id, amount);
}

Datum refund_credit(FunctionCallInfo fcinfo) {
    using in = arguments::refund_credit;
    const pg::arguments given(fcinfo);
    const spend what = read_spend(given.text(in::txn_id));
    const std::string refund_id(read_own_id("refund_id", given.text(in::refund_id), "refund:", "refund:"));
    const auto amount =
        given.is_null(in::amount) ? std::nullopt : std::optional(require_positive("amount", given.int4(in::amount)));
    posting refund;
    refund.reason = ledger::require_text("reason", given.text(in::reason));
    refund.ref_type = "refund";
    refund.ref_id = refund_id;
    refund.txn_id = "refund:" + refund_id;
    refund.own_names = true;
    refund.own = pg::json_builder().begin_object().key("refund_of").text(what.txn_id).end_object().finish();
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    const credit_row row = require_row(store, what);
    if (const auto pass_id = given.text(in::pass_id);
        pass_id && !ledger::means_customer(store.where(), *pass_id, row.pass_id))
        throw pg::sql_error{ledger::bad_column,
                            "the transaction belongs to another customer",
                            "txn_id=" + pg::quoted(what.txn_id) + " pass_id=" + pg::quoted(*pass_id),
                            {}};
    refund.pass_id = row.pass_id;
    refund.given = false;
    refund.delta = amount.value_or(0);
    const outcome done = post_once(
        store, "refund", [&] { return find_replay(store, refund, what, amount); },
        [&] { return lock_customer_of(store, row); },
        [&](ledger::locked_customer &customer) {
            refund.delta = delta_of(store, what, amount);
            refund.returns = origin_of(store, what, refund.delta);
            const auto posted = post_own(store, customer, refund);
            if (!posted)
                throw pg::sql_error{"MG002", "this refund was recorded for another transaction",
                                    "refund_id=" + pg::quoted(refund_id), "Use another refund_id."};
            return posted;
        });
    call.finish();
    return pg::return_row(fcinfo, done.mg_id, done.credits, done.replayed);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_refund_credit, mega::credits::refund_credit);
