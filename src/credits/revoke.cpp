// mega_revoke_credit: what was granted is taken back, as the shop refunds an order or a bank takes its money, in parts
// if need be, never more in sum than was granted (I16).
#include "core/record_id.hpp"
#include "credits/posting.hpp"
#include "credits/returns.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/resolve.hpp"
#include "ledger/words.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

using column = schema::ledger;

constexpr std::string_view not_grants[] = {"release:", "capture:", "refund:", "transfer:", "lot:", "opening:"};

constexpr Oid reference_types[] = {TEXTOID, TEXTOID};
constinit pg::statement rows_of_reference =
    pg::statement(
        "SELECT g.mg_id, g.mg_delta, g.mg_reason FROM ONLY @schema@.mega_generations g WHERE g.mg_ref_type "
        "OPERATOR(pg_catalog.=) "
        "$1 "
        "AND g.mg_ref_id OPERATOR(pg_catalog.=) $2 AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
        "AND g.mg_ref_type IS NOT NULL AND g.mg_ref_id IS NOT NULL AND g.mg_id IS NOT NULL ORDER BY g.mg_id COLLATE "
        "pg_catalog.\"C\"",
        reference_types)
        .by_key();

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement noted_of = pg::statement("SELECT g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,revoke_of}', "
                                                 "g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,up_to}', "
                                                 "g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,amount}' FROM ONLY "
                                                 "@schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) $1",
                                                 id_type)
                                       .by_key();

// A grant as the caller names it, and how much of it.
struct request {
    posting revoke; // its pass id and delta are found
    std::optional<std::string> txn_id;
    std::optional<std::string> ref_type, ref_id;
    std::optional<std::int32_t> amount, up_to;
    std::optional<std::string_view> pass_id;

    std::string named() const {
        return txn_id ? "txn_id=" + pg::quoted(*txn_id)
                      : "ref_type=" + pg::quoted(*ref_type) + " ref_id=" + pg::quoted(*ref_id);
    }
};

std::optional<std::string> owned(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

void read_grant(request &read, const pg::arguments &given) {
    using in = arguments::revoke_credit;
    if (const auto txn_id = given.text(in::txn_id))
        read.txn_id = read_txn_id(*txn_id);
    read.ref_type = owned(ledger::optional_text("ref_type", given.text(in::ref_type)));
    read.ref_id = owned(ledger::optional_text("ref_id", given.text(in::ref_id)));
    require_whole_reference(read.ref_type, read.ref_id);
    if (read.txn_id.has_value() == read.ref_type.has_value())
        throw pg::sql_error{ledger::bad_argument,
                            "a grant is named by its txn_id or by its reference",
                            {},
                            "Give txn_id alone, or ref_type and ref_id."};
}

request read_arguments(const pg::arguments &given) {
    using in = arguments::revoke_credit;
    request read;
    const std::string revoke_id(read_own_id("revoke_id", given.text(in::revoke_id), "revoke:", "revoke:"));
    read_grant(read, given);
    if (!given.is_null(in::amount))
        read.amount = require_positive("amount", given.int4(in::amount));
    read.up_to = given.int4(in::up_to);
    if (read.amount && read.up_to)
        throw pg::sql_error{ledger::bad_argument, "amount and up_to exclude each other",
                            "amount=" + std::to_string(*read.amount) + " up_to=" + std::to_string(*read.up_to),
                            "amount is what this revoke takes, up_to what all of them have taken behind it."};
    if (read.up_to && *read.up_to < 0)
        throw pg::sql_error{
            ledger::bad_argument, "up_to must not be negative", "up_to=" + std::to_string(*read.up_to), {}};
    read.revoke.reason = ledger::require_text("reason", given.text(in::reason));
    read.revoke.allow_negative = given.boolean(in::allow_negative).value_or(false);
    read.revoke.overdraft_hint = "Revoke less, or pass allow_negative => true: the customer then owes the rest.";
    read.revoke.ref_type = "revoke";
    read.revoke.ref_id = revoke_id;
    read.revoke.txn_id = "revoke:" + revoke_id;
    read.revoke.own_names = true;
    read.revoke.given = false;
    read.pass_id = given.text(in::pass_id);
    return read;
}

std::string_view txn_id_of(std::string_view mg_id) {
    return core::strip_prefix(core::record_type::credit_transaction, mg_id);
}

// A part of a transfer whose id was taken has another: it is known by its reference.
bool is_grant(std::string_view txn_id, std::int32_t delta, std::optional<std::string_view> ref_type,
              std::optional<std::string_view> reason) {
    return delta > 0 && !(ref_type == "transfer" && reason.value_or("").starts_with("transfer_in")) &&
           std::ranges::none_of(not_grants, [&](std::string_view p) { return txn_id.starts_with(p); });
}

credit_row require_row(ledger::store &store, const request &what, std::string_view txn_id) {
    const auto row = find_by_txn_id(store, txn_id);
    if (!row)
        throw pg::sql_error{"MG003", "there is no such transaction", what.named(),
                            "Give the txn_id or the reference of the grant."};
    return *row;
}

credit_row find_by_reference(ledger::store &store, const request &what) {
    if (!ledger::is_keyed(*what.ref_type))
        throw pg::sql_error{ledger::bad_argument, "a reference of this type identifies nothing", what.named(),
                            "It is one of mega.unkeyed_ref_types: name the grant by its txn_id."};
    std::vector<std::string> grants;
    bool found = false;
    {
        const pg::rows rows = store.run(store.where().generations, rows_of_reference, *what.ref_type, *what.ref_id);
        for (std::uint64_t i = 0; i < rows.count(); ++i) {
            found = true;
            const std::string_view txn_id = txn_id_of(*rows.text(i, 0));
            if (is_grant(txn_id, rows.int4(i, 1).value_or(0), what.ref_type, rows.text(i, 2)))
                grants.emplace_back(txn_id);
        }
    }
    if (grants.size() == 1)
        return require_row(store, what, grants.front());
    if (grants.empty())
        throw pg::sql_error{found ? ledger::bad_argument : pg::sql_state{"MG003"},
                            found ? "no grant has this reference" : "there is no such transaction", what.named(),
                            "Give the txn_id or the reference of the grant."};
    std::string listed;
    for (const std::string &txn_id : grants)
        listed += " " + pg::quoted(txn_id);
    throw pg::sql_error{ledger::bad_argument, "several grants have this reference",
                        what.named() + ledger::to_readers({column::mg_id, column::mg_delta}, " txn_ids:" + listed),
                        "Name one of them by its txn_id."};
}

credit_row require_grant(ledger::store &store, const request &what) {
    credit_row row = what.txn_id ? require_row(store, what, *what.txn_id) : find_by_reference(store, what);
    if (what.pass_id && !ledger::means_customer(store.where(), *what.pass_id, row.pass_id))
        throw pg::sql_error{ledger::bad_column,
                            "the grant belongs to another customer",
                            what.named() + " pass_id=" + pg::quoted(*what.pass_id),
                            {}};
    if (!is_grant(txn_id_of(row.mg_id), row.delta, row.ref_type, row.reason))
        throw pg::sql_error{ledger::bad_argument, "only a grant can be revoked", what.named(),
                            "A spend is given back by mega_refund_credit, a hold by mega_release_credit."};
    return row;
}

[[noreturn]] void refuse_other_revoke(const request &what, const std::string &stored_as) {
    throw pg::sql_error{
        "MG002", "this revoke was recorded with other content",
        "revoke_id=" + pg::quoted(*what.revoke.ref_id) +
            ledger::to_readers({column::mg_id, column::mg_delta, column::mg_meta}, " recorded: " + stored_as + ";") +
            " given: " + what.named() +
            (what.amount  ? " amount=" + std::to_string(*what.amount)
             : what.up_to ? " up_to=" + std::to_string(*what.up_to)
                          : ""),
        "Repeat a call with the same arguments, or use another revoke_id."};
}

// The same revoke_id again: the same grant, however it is named now, and the same number when one is named.
std::optional<credit_row> find_replay(ledger::store &store, const request &what) {
    const auto first = find_by_txn_id(store, *what.revoke.txn_id);
    if (!first)
        return std::nullopt;
    std::string of, up_to, amount;
    {
        const pg::rows noted = store.run(store.where().generations, noted_of, first->mg_id);
        of = noted.text(0, 0).value_or("");
        up_to = noted.text(0, 1).value_or("");
        amount = noted.text(0, 2).value_or(std::to_string(-std::int64_t{first->delta}));
    }
    posting again = what.revoke;
    again.pass_id = first->pass_id;
    again.delta = first->delta;
    const auto grant = what.txn_id ? std::nullopt : find_by_txn_id(store, of);
    const bool same_grant =
        what.txn_id ? *what.txn_id == of : grant && grant->ref_type == what.ref_type && grant->ref_id == what.ref_id;
    if (!same_grant || (what.amount && std::to_string(*what.amount) != amount) ||
        (what.up_to && std::to_string(*what.up_to) != up_to))
        refuse_other_revoke(what, "txn_id=" + pg::quoted(of) +
                                      " revoked=" + std::to_string(-std::int64_t{first->delta}) +
                                      (up_to.empty() ? "" : " up_to=" + up_to));
    if (what.pass_id && !ledger::means_customer(store.where(), *what.pass_id, first->pass_id))
        again.pass_id = *what.pass_id;
    require_same(*first, again);
    return first;
}

// Under the lock of the grant's customer: how much it is. Raises MG012.
std::int32_t amount_of(ledger::store &store, const request &what, const credit_row &grant) {
    const std::string_view txn_id = txn_id_of(grant.mg_id);
    const std::int64_t revoked = revoked_of(store, txn_id);
    const std::int64_t ended = grant.meta ? ledger::ended_of(*grant.meta).value_or(0) : 0;
    const std::int64_t left = std::max<std::int64_t>(grant.delta - revoked - ended, 0);
    if (what.amount.value_or(0) > std::max<std::int64_t>(grant.delta - revoked, 0) ||
        what.up_to.value_or(0) > grant.delta)
        throw pg::sql_error{
            "MG012", "no more can be revoked than was granted",
            what.named() +
                ledger::to_readers({column::mg_id, column::mg_delta, column::mg_meta},
                                   " granted=" + std::to_string(grant.delta) + " revoked=" + std::to_string(revoked)) +
                (what.amount ? " amount=" + std::to_string(*what.amount) : " up_to=" + std::to_string(*what.up_to)),
            "Revoke what is left: leave amount and up_to out."};
    const std::int64_t wanted = what.amount  ? *what.amount
                                : what.up_to ? std::max<std::int64_t>(*what.up_to - revoked, 0)
                                             : left;
    return static_cast<std::int32_t>(std::min(wanted, left));
}

// amount: when less was left than was asked for, because the rest has ended.
pg::jsonb noted(const request &what, const credit_row &grant, std::int32_t taken) {
    pg::json_builder builder;
    builder.begin_object().key("revoke_of").text(txn_id_of(grant.mg_id));
    if (what.up_to)
        builder.key("up_to").number(*what.up_to);
    if (what.amount && *what.amount != taken)
        builder.key("amount").number(*what.amount);
    return builder.end_object().finish();
}

Datum revoke_credit(FunctionCallInfo fcinfo) {
    request what = read_arguments(pg::arguments(fcinfo));
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    posting &revoke = what.revoke;
    credit_row grant;
    const auto look = [&] {
        auto first = find_replay(store, what);
        if (first)
            revoke.delta = first->delta;
        return first;
    };
    const auto lock = [&] {
        grant = require_grant(store, what);
        return lock_customer_of(store, grant);
    };
    const outcome done = post_once(store, "revoke", look, lock, [&](ledger::locked_customer &customer) {
        const bool may_spend = std::exchange(customer.may_spend, true); // a bank asks nobody
        revoke.pass_id = customer.pass_id;
        const bool is_lot = grant.meta && ledger::lot_facts_of({}, 0, grant.meta).ends;
        if (is_lot) // what ended is noted by now
            grant = *find_by_txn_id(store, txn_id_of(grant.mg_id));
        revoke.delta = -amount_of(store, what, grant);
        revoke.own = noted(what, grant, -revoke.delta);
        revoke.draws = {!is_lot, is_lot ? txn_id_of(grant.mg_id) : std::string_view()};
        auto posted = post_own(store, customer, revoke);
        customer.may_spend = may_spend;
        return posted;
    });
    call.finish();
    return pg::return_row(fcinfo, done.mg_id, done.credits, -revoke.delta, done.replayed);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_revoke_credit, mega::credits::revoke_credit);
