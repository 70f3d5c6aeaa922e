#include "credits/movement.hpp"

#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "pg/jsonb.hpp"

namespace mega::credits {

namespace {

using column = schema::ledger;

constexpr std::string_view record_type = "credit_transaction";
constexpr std::string_view reserved_prefixes[] = {
    "hold:", "capture:", "release:", "refund:", "transfer:", "expire:", "opening:"};

struct recorded {
    std::string mg_id;
    std::string pass_id;
    std::int32_t delta;
};

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement by_id("SELECT g.mg_id, g.mg_pass_id, g.mg_delta FROM ONLY @schema@.mega_generations g "
                              "WHERE g.mg_id OPERATOR(pg_catalog.=) $1",
                              id_type);

constexpr Oid reference_types[] = {TEXTOID, TEXTOID, TEXTOID};
constinit pg::statement
    by_reference("SELECT g.mg_id, g.mg_pass_id, g.mg_delta FROM ONLY @schema@.mega_generations g "
                 "WHERE g.mg_ref_type OPERATOR(pg_catalog.=) $1 AND g.mg_ref_id OPERATOR(pg_catalog.=) $2 "
                 "AND coalesce(g.mg_reason, '') OPERATOR(pg_catalog.=) $3 "
                 "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                 "AND g.mg_ref_type IS NOT NULL AND g.mg_ref_id IS NOT NULL",
                 reference_types);

constexpr Oid expiry_types[] = {TEXTOID, TIMESTAMPTZOID};
constinit pg::statement extend_expiry("UPDATE ONLY @schema@.mega_customers SET mg_expires_at = $2 "
                                      "WHERE mg_pass_id OPERATOR(pg_catalog.=) $1",
                                      expiry_types);

std::optional<recorded> first_of(const pg::rows &found) {
    if (found.empty())
        return std::nullopt;
    return recorded{std::string(*found.text(0, 0)), std::string(found.text(0, 1).value_or("")),
                    found.int4(0, 2).value_or(0)};
}

[[noreturn]] void refuse_other_content(const recorded &first, const movement &again) {
    throw pg::sql_error{"MG002", "this credit movement was recorded with other content",
                        "mg_id=" + pg::quoted(first.mg_id) + " recorded: pass_id=" + pg::quoted(first.pass_id) +
                            " delta=" + std::to_string(first.delta) + "; given: pass_id=" + pg::quoted(again.pass_id) +
                            " delta=" + std::to_string(again.delta),
                        "Repeat a call with the same arguments, or use another txn_id or reference."};
}

// The row that was recorded under the same txn_id or reference. Raises MG002 when it says something else.
std::optional<recorded> find_replay(pg::session &session, const schema::tables &where, const movement &what) {
    const pg::as_role owner(where.generations.owner);
    std::optional<recorded> first;
    if (what.txn_id)
        first = first_of(
            session.run(by_id, where.schema, pg::access::read_write, std::string(record_type) + ":" + *what.txn_id));
    if (what.ref_id) {
        const auto other = first_of(
            session.run(by_reference, where.schema, pg::access::read_write, what.ref_type, what.ref_id, what.reason));
        if (first && other && first->mg_id != other->mg_id)
            refuse_other_content(*other, what);
        if (!first)
            first = other;
    }
    if (first && (first->pass_id != what.pass_id || first->delta != what.delta))
        refuse_other_content(*first, what);
    return first;
}

constinit pg::statement balance_of("SELECT c.mg_credits FROM ONLY @schema@.mega_customers c "
                                   "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                   id_type);

outcome replayed(pg::session &session, const schema::tables &where, const recorded &first) {
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = session.run(balance_of, where.schema, pg::access::read_write, first.pass_id);
    return {first.mg_id, found.empty() ? 0 : found.int4(0, 0).value_or(0), true};
}

void check_spend(const ledger::locked_customer &customer, const movement &what) {
    if (what.delta >= 0)
        return;
    if (!customer.may_spend)
        throw pg::sql_error{"MG004", "the customer is disabled or deleted and cannot spend",
                            "pass_id=" + pg::quoted(customer.pass_id), "Enable or restore the customer first."};
    const std::int64_t needed = -std::int64_t{what.delta};
    if (!what.allow_negative && customer.credits < needed)
        throw pg::sql_error{"MG001", "the customer has not enough credits",
                            "balance=" + std::to_string(customer.credits) + " needed=" + std::to_string(needed),
                            "Grant credits first, or pass allow_negative => true."};
}

void extend(pg::session &session, const schema::tables &where, const ledger::locked_customer &customer,
            pg::timestamp expires_at) {
    if (customer.expires_at && *customer.expires_at >= expires_at)
        return;
    const pg::as_role owner(where.customers.owner);
    session.run(extend_expiry, where.schema, pg::access::read_write, customer.pass_id, expires_at);
}

ledger::new_row row_of(const movement &what, const ledger::locked_customer &customer) {
    ledger::new_row row(record_type, what.txn_id ? *what.txn_id : ledger::new_id());
    const pg::timestamp now = ledger::stamp_behind(customer.updated_at);
    row.set(column::mg_pass_id, what.pass_id)
        .set(column::mg_delta, what.delta)
        .set(column::mg_reason, what.reason)
        .set(column::mg_source, what.source)
        .set(column::mg_ref_type, what.ref_type)
        .set(column::mg_ref_id, what.ref_id)
        .set(column::mg_status, "succeeded")
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    if (what.meta)
        row.set(column::mg_meta, *what.meta);
    return row;
}

} // namespace

outcome record(pg::session &session, const schema::tables &where, const movement &what) {
    const bool has_key = what.txn_id || what.ref_id;
    if (has_key)
        if (const auto first = find_replay(session, where, what))
            return replayed(session, where, *first);
    const ledger::locked_customer customer = ledger::require_locked_customer(session, where, what.pass_id);
    if (has_key) // whoever held the lock may have recorded it
        if (const auto first = find_replay(session, where, what))
            return replayed(session, where, *first);
    check_spend(customer, what);
    const std::int32_t balance = ledger::balance_after(customer, what.delta);
    const ledger::new_row row = row_of(what, customer);
    if (!ledger::append(session, where, row)) {
        // Under another customer's lock, or by a raw row: the unique index saw it first.
        if (const auto first = find_replay(session, where, what))
            return replayed(session, where, *first);
        throw pg::sql_error{"40001", "the same movement was recorded meanwhile", "mg_id=" + pg::quoted(row.mg_id()),
                            "Try again."};
    }
    if (what.expires_at)
        extend(session, where, customer, *what.expires_at);
    return {row.mg_id(), balance, false};
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

} // namespace mega::credits
