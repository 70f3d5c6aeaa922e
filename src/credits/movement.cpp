#include "credits/movement.hpp"

#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/direct.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "pg/clock.hpp"
#include "pg/direct_table.hpp"
#include "pg/jsonb.hpp"
#include "pg/snapshot.hpp"
#include "schema/others.hpp"

namespace mega::credits {

namespace {

using column = schema::ledger;

constexpr std::string_view record_type = "credit_transaction";
constexpr std::string_view reserved_prefixes[] = {
    "hold:", "capture:", "release:", "refund:", "transfer:", "expire:", "opening:"};

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement by_id("SELECT g.mg_id, g.mg_pass_id, g.mg_delta, g.mg_status FROM ONLY "
                              "@schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) $1",
                              id_type);

constexpr Oid reference_types[] = {TEXTOID, TEXTOID, TEXTOID};
constinit pg::statement
    by_reference("SELECT g.mg_id, g.mg_pass_id, g.mg_delta, g.mg_status FROM ONLY @schema@.mega_generations g "
                 "WHERE g.mg_ref_type OPERATOR(pg_catalog.=) $1 AND g.mg_ref_id OPERATOR(pg_catalog.=) $2 "
                 "AND coalesce(g.mg_reason, '') OPERATOR(pg_catalog.=) $3 "
                 "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                 "AND g.mg_ref_type IS NOT NULL AND g.mg_ref_id IS NOT NULL",
                 reference_types);

constexpr Oid expiry_types[] = {TEXTOID, TIMESTAMPTZOID};
constinit pg::statement set_expiry("UPDATE ONLY @schema@.mega_customers SET mg_expires_at = $2 "
                                   "WHERE mg_pass_id OPERATOR(pg_catalog.=) $1 RETURNING mg_expires_at",
                                   expiry_types);

constinit pg::statement select_balance("SELECT c.mg_credits FROM ONLY @schema@.mega_customers c "
                                       "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                       id_type);

constinit pg::statement select_standing("SELECT c.mg_credits, c.mg_expires_at FROM ONLY @schema@.mega_customers c "
                                        "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                        id_type);

constexpr column recorded_columns[] = {column::mg_id, column::mg_pass_id, column::mg_delta, column::mg_status};
using recorded_values = std::array<pg::nullable_datum, std::size(recorded_columns)>;

recorded to_recorded(const recorded_values &values) {
    const auto text = [](pg::nullable_datum value) {
        return value.is_null ? std::string() : std::string(pg::text_of(value.value));
    };
    return {text(values[0]), text(values[1]), values[2].is_null ? 0 : DatumGetInt32(values[2].value), text(values[3])};
}

std::optional<recorded> first_of(const pg::rows &found) {
    if (found.empty())
        return std::nullopt;
    return recorded{std::string(found.text(0, 0).value_or("")), std::string(found.text(0, 1).value_or("")),
                    found.int4(0, 2).value_or(0), std::string(found.text(0, 3).value_or(""))};
}

std::optional<recorded> find_by_reference(pg::session &session, const schema::tables &where, const movement &what) {
    if (ledger::direct::possible(where)) {
        recorded_values values;
        return ledger::direct::read_by_reference(*what.ref_type, *what.ref_id, what.reason, recorded_columns, values)
                   ? std::optional(to_recorded(values))
                   : std::nullopt;
    }
    const pg::as_role owner(where.generations.owner);
    return first_of(
        session.run(by_reference, where.schema, pg::access::read_write, what.ref_type, what.ref_id, what.reason));
}

outcome replayed(pg::session &session, const schema::tables &where, const recorded &first) {
    return {first.mg_id, balance_of(session, where, first.pass_id), true};
}

void check_spend(const ledger::locked_customer &customer, const movement &what) {
    if (what.delta >= 0)
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

void write_expiry(pg::session &session, const schema::tables &where, ledger::locked_customer &customer,
                  std::optional<pg::timestamp> expires_at) {
    customer.expires_at = expires_at;
    if (ledger::direct::possible(where)) {
        const ledger::direct::customer_change change[] = {{schema::customer::mg_expires_at, pg::to_datum(expires_at)}};
        return ledger::direct::update_customer(customer.pass_id, change);
    }
    const pg::as_role owner(where.customers.owner);
    const pg::rows stored = session.run(set_expiry, where.schema, pg::access::read_write, customer.pass_id, expires_at);
    if (stored.empty() || stored.time(0, 0) != expires_at)
        schema::refuse_interference(
            where.customers.id, schema::writing::update, "keeps mg_expires_at from a customer",
            ledger::to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(customer.pass_id)));
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

movement expiry_of(const std::string &pass_id, std::int32_t rest, const std::string &moment, int round) {
    movement expiry;
    expiry.pass_id = pass_id;
    expiry.delta = -rest;
    expiry.reason = "expired";
    expiry.ref_type = "expiry";
    expiry.ref_id = round == 1 ? moment : moment + ":" + std::to_string(round);
    expiry.txn_id = "expire:" + *expiry.ref_id;
    return expiry;
}

} // namespace

void refuse_other_content(const recorded &first, const movement &again) {
    const bool told = ledger::caller_may_read({column::mg_id, column::mg_pass_id, column::mg_delta});
    const auto content = [](std::string_view pass_id, std::int32_t delta) {
        return "pass_id=" + pg::quoted(pass_id) + " delta=" + std::to_string(delta);
    };
    throw pg::sql_error{
        "MG002", "this credit movement was recorded with other content",
        (told ? "mg_id=" + pg::quoted(first.mg_id) + " recorded: " + content(first.pass_id, first.delta) + "; "
              : std::string()) +
            (told || again.given ? "given: " + content(again.pass_id, again.delta) : std::string()),
        "Repeat a call with the same arguments, or use another txn_id or reference."};
}

std::string mg_id_of(std::string_view txn_id) { return std::string(record_type) + ":" + std::string(txn_id); }

std::optional<recorded> find_by_txn_id(pg::session &session, const schema::tables &where, std::string_view txn_id,
                                       ItemPointerData place) {
    const std::string mg_id = mg_id_of(txn_id);
    if (ledger::direct::possible(where)) {
        recorded_values values;
        if (!ledger::direct::read_record(mg_id, recorded_columns, values, &place))
            return std::nullopt;
        recorded found = to_recorded(values);
        found.place = place;
        return found;
    }
    const pg::as_role owner(where.generations.owner);
    return first_of(session.run(by_id, where.schema, pg::access::read_write, mg_id));
}

std::optional<recorded> find_recorded(pg::session &session, const schema::tables &where, const movement &what) {
    std::optional<recorded> first;
    if (what.txn_id)
        first = find_by_txn_id(session, where, *what.txn_id);
    if (what.ref_id) {
        const auto other = find_by_reference(session, where, what);
        if (first && other && first->mg_id != other->mg_id)
            refuse_other_content(*other, what);
        if (!first)
            first = other;
    }
    return first;
}

void require_same(const recorded &first, const movement &again) {
    if (first.pass_id != again.pass_id || first.delta != again.delta)
        refuse_other_content(first, again);
}

std::optional<recorded> find_replay(pg::session &session, const schema::tables &where, const movement &what) {
    auto first = find_recorded(session, where, what);
    if (first)
        require_same(*first, what);
    return first;
}

bool is_recorded(pg::session &session, const schema::tables &where, const movement &what) {
    return (what.txn_id && find_by_txn_id(session, where, *what.txn_id)) ||
           (what.ref_id && find_by_reference(session, where, what));
}

std::int32_t balance_of(pg::session &session, const schema::tables &where, std::string_view pass_id) {
    if (ledger::direct::possible(where)) {
        constexpr schema::customer credits[] = {schema::customer::mg_credits};
        pg::nullable_datum value[1];
        return ledger::direct::read_customer(pass_id, credits, value) ? DatumGetInt32(value[0].value) : 0;
    }
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = session.run(select_balance, where.schema, pg::access::read_write, pass_id);
    return found.empty() ? 0 : found.int4(0, 0).value_or(0);
}

std::int32_t balance_to_tell(pg::session &session, const schema::tables &where,
                             const ledger::locked_customer &customer) {
    return ledger::direct::possible(where) ? customer.credits : balance_of(session, where, customer.pass_id);
}

ledger::new_row row_of(const movement &what, pg::timestamp stamp) {
    ledger::new_row row =
        what.txn_id ? ledger::new_row(record_type, *what.txn_id) : ledger::new_row::fresh(record_type);
    row.set(column::mg_pass_id, what.pass_id)
        .set(column::mg_delta, what.delta)
        .set(column::mg_reason, what.reason)
        .set(column::mg_source, what.source)
        .set(column::mg_ref_type, what.ref_type)
        .set(column::mg_ref_id, what.ref_id)
        .set(column::mg_status, what.status)
        .set(column::mg_created_at, stamp)
        .set(column::mg_updated_at, stamp);
    if (what.meta || what.own)
        row.set_meta(what.meta.value_or(pg::empty_object()), what.own);
    return row;
}

namespace {

bool ends_later(const ledger::locked_customer &customer, const movement &what) {
    return what.expires_at && (!customer.expires_at || *customer.expires_at < *what.expires_at);
}

} // namespace

pg::timestamp apply(ledger::locked_customer &customer, const movement &what) {
    check_spend(customer, what);
    customer.credits = ledger::balance_after(customer, what.delta);
    customer.updated_at = ledger::stamp_behind(customer.updated_at);
    if (ends_later(customer, what))
        customer.expires_at = what.expires_at;
    return customer.updated_at;
}

std::vector<ledger::direct::customer_change> changes_between(const ledger::locked_customer &before,
                                                             const ledger::locked_customer &after) {
    using schema::customer;
    std::vector<ledger::direct::customer_change> changes{{customer::mg_credits, pg::to_datum(after.credits)},
                                                         {customer::mg_updated_at, pg::to_datum(after.updated_at)}};
    if (after.expires_at != before.expires_at)
        changes.emplace_back(customer::mg_expires_at, pg::to_datum(after.expires_at));
    return changes;
}

namespace {

// Through SQL triggers of somebody's may have moved the customer on.
void refresh(pg::session &session, const schema::tables &where, ledger::locked_customer &customer) {
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = session.run(select_standing, where.schema, pg::access::read_write, customer.pass_id);
    customer.credits = found.empty() ? 0 : found.int4(0, 0).value_or(0);
    customer.expires_at = found.empty() ? std::nullopt : found.time(0, 1);
}

bool append_through_sql(pg::session &session, const schema::tables &where, const ledger::new_row &row,
                        const movement &what) {
    std::optional<ledger::in_flight::spend> spending;
    if (what.delta < 0 && !what.allow_negative)
        spending.emplace(row.mg_id(), what.overdraft_hint);
    return ledger::append(session, where, row);
}

} // namespace

std::optional<std::string> post(pg::session &session, const schema::tables &where, ledger::locked_customer &customer,
                                const movement &what) {
    ledger::locked_customer after = customer;
    const pg::timestamp stamp = apply(after, what);
    const ledger::new_row row = row_of(what, stamp);
    if (ledger::direct::possible(where)) {
        if (!ledger::append_unprojected(session, where, row))
            return std::nullopt;
        ledger::direct::update_customer(customer.pass_id, changes_between(customer, after), &customer.place);
    } else {
        if (!append_through_sql(session, where, row, what))
            return std::nullopt;
        after.updated_at = ledger::stamp_behind(stamp);
        refresh(session, where, after);
        if (ends_later(after, what)) {
            write_expiry(session, where, after, what.expires_at);
            refresh(session, where, after);
        }
    }
    customer = std::move(after);
    return row.mg_id();
}

std::int32_t settle_expiry(pg::session &session, const schema::tables &where, ledger::locked_customer &customer,
                           pg::timestamp as_of) {
    if (!customer.expires_at || *customer.expires_at > as_of)
        return 0;
    const std::int32_t rest = std::max(customer.credits, 0);
    if (rest > 0) {
        const bool may_spend = std::exchange(customer.may_spend, true); // credits expire whoever the customer is
        const std::string moment = name_of_expiry(customer.pass_id, *customer.expires_at);
        // The same moment may be set again by hand after it passed once: then the row gets a number, too.
        for (int round = 1; !post(session, where, customer, expiry_of(customer.pass_id, rest, moment, round)); ++round)
            pg::check_for_interrupts();
        customer.may_spend = may_spend;
    }
    write_expiry(session, where, customer, std::nullopt);
    customer.credits = balance_to_tell(session, where, customer);
    return rest;
}

ledger::locked_customer open_customer(pg::session &session, const schema::tables &where, std::string_view pass_id) {
    ledger::locked_customer customer = ledger::require_locked_customer(session, where, pass_id);
    settle_expiry(session, where, customer, pg::clock_time());
    return customer;
}

ledger::locked_customer lock_customer_of(pg::session &session, const schema::tables &where, const recorded &row) {
    auto customer = ledger::lock_customer(session, where, row.pass_id);
    if (!customer)
        throw pg::sql_error{
            "23503", "the customer of this row does not exist",
            ledger::to_readers({column::mg_id, column::mg_pass_id},
                               "mg_id=" + pg::quoted(row.mg_id) + " mg_pass_id=" + pg::quoted(row.pass_id)),
            "Create the customer with mega_ensure_customer first."};
    return *std::move(customer);
}

outcome record(pg::session &session, const schema::tables &where, const movement &what) {
    const bool has_key = what.txn_id || what.ref_id;
    std::optional<recorded> first;
    ledger::locked_customer customer;
    {
        pg::same_moment moment;
        if (has_key)
            first = find_replay(session, where, what);
        if (!first)
            customer = ledger::require_locked_customer(session, where, what.pass_id);
        moment.done();
    }
    if (!first && has_key && customer.changed_meanwhile) // whoever held the lock may have recorded it
        first = find_replay(session, where, what);
    if (first)
        return replayed(session, where, *first);
    settle_expiry(session, where, customer, pg::clock_time());
    if (const auto mg_id = post(session, where, customer, what))
        return {*mg_id, customer.credits, false};
    // Under another customer's lock, or by a raw row: the unique index saw it first.
    if ((first = find_replay(session, where, what)))
        return replayed(session, where, *first);
    throw pg::sql_error{"40001", "the same movement was recorded meanwhile", "pass_id=" + pg::quoted(what.pass_id),
                        "Try again."};
}

void check_movement(const movement &what) {
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
    for (const std::string_view prefix : reserved_prefixes)
        if (bare.starts_with(prefix))
            throw pg::sql_error{ledger::bad_argument, "txn_id begins with a reserved word",
                                "txn_id=" + pg::quoted(bare),
                                "hold:, capture:, release:, refund:, transfer:, expire: and opening: belong to the "
                                "functions of these names."};
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
