// Postings: checked, made a row, posted under the customer's lock; credits that have expired are written off.
#include "credits/posting.hpp"

#include "core/record_id.hpp"
#include "core/utc_time.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
#include "pg/snapshot.hpp"
#include "pg/warning.hpp"

namespace mega::credits {

namespace {

using column = schema::ledger;

constexpr std::string_view record_type = "credit_transaction";
constexpr std::string_view reserved_prefixes[] = {
    "hold:", "capture:", "release:", "refund:", "transfer:", "expire:", "opening:", "revoke:", "topup:", "lot:"};
constexpr std::string_view reserved_ref_types[] = {"hold", "expiry", "refund", "transfer", "revoke", "opening"};

void check_spend(const ledger::locked_customer &customer, const posting &what) {
    if (what.delta >= 0 || what.ends_credits) // credits expire whoever the customer is
        return;
    if (!customer.may_spend)
        throw pg::sql_error{"MG004", "the customer is disabled or deleted and cannot spend",
                            ledger::to_readers({schema::customer::mg_pass_id, schema::customer::mg_disabled,
                                                schema::customer::mg_deleted_at},
                                               "pass_id=" + pg::quoted(customer.pass_id)),
                            "Enable or restore the customer first."};
    const std::int64_t needed = -std::int64_t{what.delta};
    if (!what.allow_negative && customer.credits < needed)
        ledger::throw_overdraft(customer.credits, needed, what.given, what.overdraft_hint);
}

// What names an expiry: the pass id and the moment. A pass id may be so long that both would not fit into an id: then
// its beginning stands for it; and one from before there were rules may have characters that an id must not have. A
// number tells apart what comes out the same.
std::string name_of_expiry(const std::string &pass_id, pg::timestamp at) {
    constexpr int room = 400;
    const int size = static_cast<int>(pass_id.size());
    const int kept = size <= room ? size : pg::call([&] { return pg_mbcliplen(pass_id.c_str(), size, room); });
    return core::without_control_characters(pass_id.substr(0, static_cast<std::size_t>(kept))) + ":" +
           std::to_string(pg::unix_micros(at));
}

void refuse_passed_end(const posting &what) {
    if (what.expires_at && *what.expires_at <= pg::clock_time())
        throw pg::sql_error{ledger::bad_argument, "expires_at has passed already",
                            "expires_at=" + core::iso_utc(pg::unix_micros(*what.expires_at)),
                            "Give a time ahead, or leave it out."};
}

posting expiry_of(const std::string &pass_id, std::int32_t rest, const std::string &moment, int round) {
    posting expiry;
    expiry.pass_id = pass_id;
    expiry.delta = -rest;
    expiry.reason = "expired";
    expiry.ref_type = "expiry";
    expiry.ref_id = round == 1 ? moment : moment + ":" + std::to_string(round);
    expiry.txn_id = "expire:" + *expiry.ref_id;
    expiry.own_names = true;
    expiry.ends_credits = true;
    return expiry;
}

} // namespace

std::int32_t balance_of(ledger::store &store, std::string_view pass_id) {
    constexpr schema::customer credits[] = {schema::customer::mg_credits};
    pg::nullable_datum value[1];
    return store.read_customer(pass_id, credits, value) && !value[0].is_null ? DatumGetInt32(value[0].value) : 0;
}

std::int32_t balance_to_tell(ledger::store &store, ledger::locked_customer customer) {
    store.refresh(customer);
    return customer.credits;
}

ledger::new_row row_of(const posting &what, pg::timestamp stamp) {
    ledger::new_row row =
        what.txn_id ? ledger::new_row(record_type, *what.txn_id) : ledger::new_row::fresh(record_type);
    row.set(column::mg_pass_id, what.pass_id)
        .set(column::mg_delta, what.delta)
        .set(column::mg_reason, what.reason)
        .set(column::mg_source, what.source)
        .set(column::mg_ref_type, what.ref_type)
        .set(column::mg_ref_id, what.ref_id)
        .set(column::mg_generation_id, what.generation_id)
        .set(column::mg_status, what.status)
        .set(column::mg_created_at, stamp)
        .set(column::mg_updated_at, stamp);
    if (what.meta || what.own)
        row.set_meta(what.meta.value_or(pg::empty_object()), what.own);
    return row;
}

void refuse_reserved_names(const posting &what) {
    if (what.own_names)
        return;
    if (what.txn_id && !what.own_id)
        for (const std::string_view prefix : reserved_prefixes)
            if (what.txn_id->starts_with(prefix))
                throw pg::sql_error{ledger::bad_argument, "txn_id begins with a reserved word",
                                    "txn_id=" + pg::quoted(*what.txn_id),
                                    "hold:, capture:, release:, refund:, transfer:, expire:, opening:, revoke:, topup: "
                                    "and lot: belong to the functions of these names."};
    if (what.ref_type && std::ranges::find(reserved_ref_types, *what.ref_type) != std::end(reserved_ref_types))
        throw pg::sql_error{ledger::bad_argument, "ref_type is reserved", "ref_type=" + pg::quoted(*what.ref_type),
                            "hold, expiry, refund, transfer, revoke and opening belong to mega's own rows; use another "
                            "word for yours."};
}

const char *hint_of(const posting &what) {
    return what.delta < 0 && !what.allow_negative ? what.overdraft_hint : nullptr;
}

pg::timestamp apply(ledger::locked_customer &customer, const posting &what) {
    refuse_reserved_names(what);
    refuse_passed_end(what);
    check_spend(customer, what);
    customer.credits = ledger::balance_after(customer, what.delta);
    customer.updated_at = ledger::stamp_behind(customer.updated_at);
    if (what.ends_credits)
        customer.expires_at.reset();
    else if (what.expires_at && (!customer.expires_at || *customer.expires_at < *what.expires_at))
        customer.expires_at = what.expires_at;
    return customer.updated_at;
}

std::optional<std::string> post(ledger::store &store, ledger::locked_customer &customer, const posting &what) {
    ledger::locked_customer after = customer;
    const pg::timestamp stamp = apply(after, what);
    if (what.delta > 0 && !store.others_act()) // where others act the projection asks, behind what they did
        ledger::require_room(after, store.pending_holds(after.pass_id));
    ledger::new_row row = row_of(what, stamp);
    row.set(column::mg_pass_id, after.pass_id); // who was named may have been merged before the lock
    const char *hint = hint_of(what);
    ledger::appended_rows rows;
    switch (store.append_credit(row, after.pass_id, what.delta, hint)) {
    case ledger::appended::no:
        return std::nullopt;
    case ledger::appended::unprojected:
        rows.add(row, what.delta, hint);
        [[fallthrough]];
    case ledger::appended::projected:
        project_appended(store, customer, after, rows);
    }
    customer = std::move(after);
    return row.mg_id();
}

std::optional<std::string> post_own(ledger::store &store, ledger::locked_customer &customer, posting what) {
    if (const auto mg_id = post(store, customer, what))
        return mg_id;
    if (!what.ref_id || find_by_txn_id(store, *what.txn_id))
        return std::nullopt;
    pg::warn("another row has the reference of this movement: it is recorded without",
             ledger::to_readers({column::mg_id, column::mg_ref_type, column::mg_ref_id},
                                "mg_id=" + pg::quoted(mg_id_of(*what.txn_id)) +
                                    " ref_type=" + pg::quoted(*what.ref_type) + " ref_id=" + pg::quoted(*what.ref_id)));
    what.ref_type = what.ref_id = std::nullopt;
    return post(store, customer, what);
}

std::int32_t write_off_expired(ledger::store &store, ledger::locked_customer &customer, pg::timestamp as_of) {
    if (!customer.expires_at || *customer.expires_at > as_of)
        return 0;
    const std::int32_t rest = std::max(customer.credits, 0);
    if (rest == 0) {
        write_expiry(store, customer, std::nullopt);
        return 0;
    }
    const std::string moment = name_of_expiry(customer.pass_id, *customer.expires_at);
    // The same moment may be set again by hand after it passed once: then the row gets a number, too.
    for (int round = 1; !post(store, customer, expiry_of(customer.pass_id, rest, moment, round)); ++round)
        pg::check_for_interrupts();
    return rest;
}

ledger::locked_customer lock_customer_of(ledger::store &store, const credit_row &row) {
    auto customer = store.lock_customer(row.pass_id);
    while (customer && customer->merged_into) // since the row was seen
        customer = store.lock_customer(std::string(*customer->merged_into));
    if (!customer)
        throw pg::sql_error{
            "23503", "the customer of this row does not exist",
            ledger::to_readers({column::mg_id, column::mg_pass_id},
                               "mg_id=" + pg::quoted(row.mg_id) + " mg_pass_id=" + pg::quoted(row.pass_id)),
            "Create the customer with mega_ensure_customer first."};
    return *std::move(customer);
}

outcome post_once(ledger::store &store, const posting &what) {
    const bool has_key = what.txn_id || what.ref_id;
    return post_once(
        store, "movement", [&] { return has_key ? find_replay(store, what) : std::nullopt; },
        [&] { return ledger::require_locked_customer(store, what.pass_id); },
        [&](ledger::locked_customer &customer) {
            auto posted = post(store, customer, what);
            if (!posted)
                refuse_taken_reference(store, what);
            return posted;
        });
}

void check_posting(const posting &what) {
    ledger::check_text("pass_id", what.pass_id, ledger::bad_argument);
    if (what.delta == 0)
        throw pg::sql_error{ledger::bad_argument, "delta must not be zero", "delta=0",
                            "Grant with a positive delta, spend with a negative one."};
    ledger::check_text("reason", what.reason, ledger::bad_argument);
    const std::pair<const char *, const std::optional<std::string> &> texts[] = {
        {"source", what.source}, {"ref_type", what.ref_type}, {"ref_id", what.ref_id}};
    for (const auto &[name, text] : texts)
        if (text)
            ledger::check_text(name, *text, ledger::bad_argument);
    if (what.ref_type.has_value() != what.ref_id.has_value())
        throw pg::sql_error{ledger::bad_argument, "a reference needs both ref_type and ref_id",
                            "ref_type=" + pg::quoted(what.ref_type.value_or("NULL")) +
                                " ref_id=" + pg::quoted(what.ref_id.value_or("NULL")),
                            "Give both or neither."};
    ledger::check_finite("expires_at", what.expires_at);
    if (what.expires_at && what.delta < 0)
        throw pg::sql_error{ledger::bad_argument, "only a grant can have expires_at",
                            "delta=" + std::to_string(what.delta), "Leave expires_at out when you spend."};
}

std::string read_txn_id(std::string_view given) {
    const std::string_view bare = core::strip_prefix(core::record_type::credit_transaction, given);
    ledger::check_text("txn_id", bare, ledger::bad_argument);
    return std::string(bare);
}

std::int32_t require_positive(const char *name, std::optional<std::int32_t> given) {
    const std::int32_t value = ledger::require(name, given);
    if (value <= 0)
        throw pg::sql_error{ledger::bad_argument,
                            std::string(name) + " must be above zero",
                            std::string(name) + "=" + std::to_string(value),
                            {}};
    return value;
}

} // namespace mega::credits
