// mega_transfer_credit: from one customer to another, both locked in byte order of pass id.
#include "credits/posting.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

struct transfer {
    posting out, in;
    std::optional<std::int32_t> amount; // all that can be spent when there is none
    std::string reason;
};

constexpr const char *reason_key = "reason"; // in mg_meta: mg_reason says which leg a row is

posting leg(std::string_view pass_id, std::string_view transfer_id, std::string_view side) {
    posting what;
    what.pass_id = pass_id;
    what.reason = "transfer_" + std::string(side);
    what.ref_type = "transfer";
    what.ref_id = transfer_id;
    what.txn_id = "transfer:" + std::string(transfer_id) + ":" + std::string(side);
    what.own_names = true;
    return what;
}

void set_amount(transfer &what, std::int32_t amount) {
    what.out.delta = -amount;
    what.in.delta = amount;
}

[[noreturn]] void refuse_one_customer(std::string_view pass_id) {
    throw pg::sql_error{ledger::bad_argument, "a transfer needs two customers", "pass_id=" + pg::quoted(pass_id),
                        "Name another customer as to_pass_id."};
}

transfer read_arguments(const schema::table_catalog &where, const pg::arguments &given) {
    using in = arguments::transfer_credit;
    const std::string_view from =
        ledger::spell_pass_id(where, ledger::require_text("from_pass_id", given.text(in::from_pass_id)));
    const std::string_view to =
        ledger::spell_pass_id(where, ledger::require_text("to_pass_id", given.text(in::to_pass_id)));
    if (from == to)
        refuse_one_customer(from);
    const auto amount =
        given.is_null(in::amount) ? std::nullopt : std::optional(require_positive("amount", given.int4(in::amount)));
    const std::string_view id = read_own_id("transfer_id", given.text(in::transfer_id), "transfer:", "transfer::out");
    const std::string_view reason = ledger::require_text("reason", given.text(in::reason));
    transfer what{leg(from, id, "out"), leg(to, id, "in"), amount, std::string(reason)};
    set_amount(what, amount.value_or(0));
    const auto meta = [&](const char *key, std::string_view other) {
        return pg::json_builder()
            .begin_object()
            .key(reason_key)
            .text(reason)
            .key(key)
            .text(other)
            .end_object()
            .finish();
    };
    what.out.meta = meta("transfer_to", to);
    what.in.meta = meta("transfer_from", from);
    return what;
}

// The reason that was given stands in mg_meta, which applications may change: one that is not there is not compared.
void require_same_reason(ledger::store &store, const transfer &what, const credit_row &first) {
    constexpr schema::ledger columns[] = {schema::ledger::mg_meta};
    pg::nullable_datum meta[1];
    if (!store.read_row(first.mg_id, columns, meta, nullptr) || meta[0].is_null)
        return;
    const auto reason = pg::find(pg::jsonb_of(meta[0].value), reason_key);
    if (!reason || !reason->is_string() || reason->string() == what.reason)
        return;
    throw pg::sql_error{"MG002", "this transfer was recorded with another reason",
                        "transfer_id=" + pg::quoted(*what.out.ref_id) +
                            ledger::to_readers({schema::ledger::mg_id, schema::ledger::mg_meta},
                                               " recorded: reason=" + pg::quoted(reason->string()) + ";") +
                            " given: reason=" + pg::quoted(what.reason),
                        "Repeat a call with the same arguments, or use another transfer_id."};
}

// All rows are written at once, so the outgoing one tells. The first incoming one must name the same customer; it may
// be a part of the amount. Without an amount it is what it was.
bool is_replay(ledger::store &store, const transfer &what) {
    const auto [out, in] = find_pair(store, *what.out.txn_id, *what.in.txn_id);
    for (const auto &[first, leg] : {std::pair{&out, &what.out}, std::pair{&in, &what.in}})
        if (*first) {
            posting again = named_as_in(store, **first, *leg);
            if (!what.amount || (leg == &what.in && out))
                again.delta = (*first)->delta;
            require_same(**first, again);
        }
    if (!out && !in)
        return false;
    if (!out || !in)
        ledger::refuse_half("transfer", "transfer_id", *what.out.ref_id, out ? *what.in.txn_id : *what.out.txn_id);
    require_same_reason(store, what, *out);
    return true;
}

struct two_customers {
    ledger::locked_customer from, to;
};

// Of customers who were merged since their pass ids were looked up, those who go on.
two_customers lock_both(ledger::store &store, const transfer &what) {
    const bool out_first = what.out.pass_id < what.in.pass_id;
    ledger::locked_customer first =
        ledger::require_locked_customer(store, out_first ? what.out.pass_id : what.in.pass_id);
    ledger::locked_customer second =
        ledger::require_locked_customer(store, out_first ? what.in.pass_id : what.out.pass_id);
    if (first.pass_id == second.pass_id)
        refuse_one_customer(what.out.pass_id);
    if (out_first)
        return {std::move(first), std::move(second)};
    return {std::move(second), std::move(first)};
}

// All that can be spent. With nothing there, one credit is what lacks.
std::int32_t all_of(const ledger::locked_customer &from) { return std::max(from.credits, 1); }

// A row for each end, which is a lot there; what has none is the last. The first one tells a replay; the others are not
// kept out by rows of somebody's that have their ids or references.
bool post_parts(ledger::store &store, ledger::locked_customer &to, const posting &in,
                std::span<const std::pair<std::int64_t, std::optional<std::int64_t>>> parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        posting part = in;
        part.delta = static_cast<std::int32_t>(parts[i].first);
        if (parts[i].second)
            part.expires_at = pg::from_unix_micros(*parts[i].second);
        if (i > 0) {
            const std::string number = std::to_string(i + 1);
            part.reason += "_" + number;
            *part.txn_id += ":" + number;
            if (part.txn_id->size() > core::max_id_bytes || find_by_txn_id(store, *part.txn_id))
                part.txn_id = ledger::new_id();
        }
        ledger::see_what_others_did(store, to);
        if (i == 0 ? !post(store, to, part) : !post_own(store, to, part))
            return false;
    }
    return true;
}

void post_both(ledger::store &store, two_customers &both, transfer &what) {
    write_off_expired(store, both.from);
    write_off_expired(store, both.to);
    ledger::see_what_others_did(store, both.from);
    if (!what.amount)
        set_amount(what, all_of(both.from));
    const auto end = both.from.expires_at;
    std::vector<core::drawn_part> drawn;
    const auto posted = post(store, both.from, what.out, &drawn);
    if (drawn.empty()) // he has no lots
        drawn.push_back({{}, what.in.delta, end ? std::optional(pg::unix_micros(*end)) : std::nullopt});
    both.to.settled_at = ledger::stamp_behind(both.from.updated_at); // what comes stands behind what goes
    if (posted && post_parts(store, both.to, what.in, core::by_end(drawn)))
        return;
    if (!posted)
        is_replay(store, what); // raises MG002 when it says something else
    refuse_taken_reference(store, what.out);
    refuse_taken_reference(store, what.in);
    ledger::refuse_appended_meanwhile("transfer", "transfer_id", *what.out.ref_id);
}

Datum transfer_credit(FunctionCallInfo fcinfo) {
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    transfer what = read_arguments(store.where(), pg::arguments(fcinfo));
    std::optional<two_customers> both;
    const bool replayed = ledger::once([&] { return is_replay(store, what); },
                                       [&] {
                                           both = lock_both(store, what);
                                           return both->from.changed_meanwhile || both->to.changed_meanwhile;
                                       },
                                       [&] {
                                           post_both(store, *both, what);
                                           return true;
                                       },
                                       [] {});
    const std::int32_t from_credits = replayed
                                          ? balance_of(store, ledger::resolve_pass_id(store.where(), what.out.pass_id))
                                          : balance_to_tell(store, both->from);
    const std::int32_t to_credits = replayed
                                        ? balance_of(store, ledger::resolve_pass_id(store.where(), what.in.pass_id))
                                        : balance_to_tell(store, both->to);
    call.finish();
    return pg::return_row(fcinfo, from_credits, to_credits, replayed);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_transfer_credit, mega::credits::transfer_credit);
