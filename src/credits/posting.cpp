// Postings: checked, made a row, posted under the customer's lock; credits that have expired are written off.
#include "credits/posting.hpp"

#include "core/record_id.hpp"
#include "core/utc_time.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/held_key.hpp"
#include "ledger/merged.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
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
    if (!customer.may_spend && customer.erased)
        ledger::refuse_erased(customer.pass_id);
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

void refuse_passed_end(const posting &what) {
    if (what.expires_at && !what.own_names && *what.expires_at <= pg::clock_time())
        throw pg::sql_error{ledger::bad_argument, "expires_at has passed already",
                            "expires_at=" + core::iso_utc(pg::unix_micros(*what.expires_at)),
                            "Give a time ahead, or leave it out."};
}

void refuse_more_lots(const ledger::locked_customer &customer) {
    throw pg::sql_error{"54000", "the customer has as many open lots as he can have",
                        ledger::to_readers({schema::customer::mg_pass_id, schema::customer::mg_meta},
                                           "pass_id=" + pg::quoted(customer.pass_id) + " ") +
                            "limit=" + std::to_string(core::most_open_lots),
                        "Try again once some have ended or were spent, or grant without expires_at."};
}

// Credits come: a lot, or what goes back to where it was taken from, or what has no lot.
void receive(core::holdings &has, const ledger::locked_customer &customer, const posting &what, applied &made) {
    if (what.expires_at) {
        if (has.lots.size() >= core::most_open_lots && !what.of_merge)
            refuse_more_lots(customer);
        made.lots.ends = pg::unix_micros(*what.expires_at);
        if (const std::int64_t paid = core::grant(has, *made.id, what.delta, *made.lots.ends); paid > 0)
            made.lots.cover.push_back({*made.id, -paid});
    } else if (what.returns) {
        made.lots.lots = core::give_back(has, what.delta, *what.returns);
    } else {
        has.credits += what.delta;
    }
}

// What the posting does to lots. Who has none and gets none moves what has no lot.
void move_lots(ledger::locked_customer &customer, const posting &what, applied &made) {
    core::holdings has = ledger::holdings_of(customer);
    made.lots.cover = core::stand(has, INT64_MIN).cover;
    if (what.delta >= 0)
        receive(has, customer, what, made);
    else if (!what.of_free_alone)
        made.drawn = core::draw(has, -std::int64_t{what.delta}, what.draws);
    if (what.delta < 0)
        made.lots.lots = core::changes_of(made.drawn);
    customer.lots = std::move(has.lots);
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

ledger::new_row row_of(const posting &what, const applied &made) {
    ledger::new_row row = what.txn_id ? ledger::new_row(record_type, *what.txn_id)
                          : made.id   ? ledger::new_row::fresh(record_type, *made.id)
                                      : ledger::new_row::fresh(record_type);
    row.set(column::mg_pass_id, what.pass_id)
        .set(column::mg_delta, what.delta)
        .set(column::mg_reason, what.reason)
        .set(column::mg_source, what.source)
        .set(column::mg_ref_type, what.ref_type)
        .set(column::mg_ref_id, what.ref_id)
        .set(column::mg_generation_id, what.generation_id)
        .set(column::mg_status, what.status)
        .set(column::mg_created_at, made.stamp)
        .set(column::mg_updated_at, made.stamp);
    const pg::jsonb meta = what.meta.value_or(pg::empty_object());
    if (made.lots.any())
        row.set_noted(ledger::with_row_lots(meta, what.own, made.lots));
    else if (what.meta || what.own)
        row.set_meta(meta, what.own);
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

applied apply(ledger::locked_customer &customer, const posting &what) {
    refuse_reserved_names(what);
    refuse_passed_end(what);
    check_spend(customer, what);
    const std::int32_t credits = ledger::balance_after(customer, what.delta);
    applied made;
    if (what.expires_at)
        made.id = what.txn_id ? *what.txn_id : ledger::new_id();
    if (!customer.lots->empty() || what.expires_at || what.returns)
        move_lots(customer, what, made);
    customer.credits = credits;
    customer.updated_at = ledger::stamp_behind(customer.updated_at, customer.settled_at.value_or(pg::clock_time()));
    made.stamp = customer.updated_at;
    return made;
}

std::optional<std::string> post(ledger::store &store, ledger::locked_customer &customer, const posting &what,
                                std::vector<core::drawn_part> *drawn) {
    ledger::locked_customer after = customer;
    applied made = apply(after, what);
    std::optional<expiry> behind;
    if (what.returns)
        behind = expire_behind(after, made);
    if (needs_room(what) && !store.others_act()) // where others act the projection asks, behind what they did
        ledger::require_room(after, store.pending_holds(after.pass_id));
    std::vector<row_to_post> rows{{what, made}};
    if (behind)
        rows.push_back({behind->what, behind->made});
    auto mg_id = append_and_project(store, customer, after, rows);
    if (!mg_id)
        return std::nullopt;
    mark_ended(store, behind, after);
    if (drawn != nullptr)
        *drawn = std::move(made.drawn);
    customer = std::move(after);
    return mg_id;
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

ledger::locked_customer lock_customer_of(ledger::store &store, const credit_row &row) {
    auto customer = ledger::lock_who_goes_on(store, row.pass_id); // he may have been merged since the row was seen
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
    if (ledger::key_locks keys(store.where()); has_key && keys.are_needed()) {
        keys.add(what.txn_id ? mg_id_of(*what.txn_id) : std::string(), what.ref_type, what.ref_id, what.reason);
        keys.take();
    }
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

void require_whole_reference(std::optional<std::string_view> ref_type, std::optional<std::string_view> ref_id) {
    const auto told = [](std::optional<std::string_view> given) { return given ? pg::quoted(*given) : "NULL"; };
    if (ref_type.has_value() != ref_id.has_value())
        throw pg::sql_error{ledger::bad_argument, "a reference needs both ref_type and ref_id",
                            "ref_type=" + told(ref_type) + " ref_id=" + told(ref_id), "Give both or neither."};
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
    require_whole_reference(what.ref_type, what.ref_id);
    ledger::check_writable("expires_at", what.expires_at);
    if (what.expires_at && what.delta < 0)
        throw pg::sql_error{ledger::bad_argument, "only a grant can have expires_at",
                            "delta=" + std::to_string(what.delta), "Leave expires_at out when you spend."};
}

std::string read_txn_id(std::string_view given) {
    const std::string_view bare = core::strip_prefix(core::record_type::credit_transaction, given);
    ledger::check_text("txn_id", bare, ledger::bad_argument);
    return std::string(bare);
}

std::string_view read_own_id(const char *name, std::optional<std::string_view> given, std::string_view prefix,
                             std::string_view longest) {
    std::string_view id = core::strip_prefix(core::record_type::credit_transaction, ledger::require(name, given));
    if (id.starts_with(prefix))
        id.remove_prefix(prefix.size());
    ledger::check_text(name, id, ledger::bad_argument, room_in_txn_id(longest));
    return id;
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
