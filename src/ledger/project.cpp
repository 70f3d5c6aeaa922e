#include "ledger/project.hpp"

#include "ledger/checked.hpp"
#include "ledger/direct.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/fold.hpp"
#include "ledger/in_flight.hpp"
#include "pg/clock.hpp"
#include "pg/rounds.hpp"
#include "schema/others.hpp"

namespace mega::ledger {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement
    select_for_update("SELECT c.mg_credits, c.mg_expires_at, coalesce(c.mg_disabled, false) OR c.mg_deleted_at IS NOT "
                      "NULL, c.mg_updated_at FROM ONLY @schema@.mega_customers c "
                      "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
                      pass_id_type);

constexpr Oid credits_types[] = {TEXTOID, INT4OID};
constinit pg::statement update_credits("UPDATE ONLY @schema@.mega_customers SET mg_credits = $2 "
                                       "WHERE mg_pass_id OPERATOR(pg_catalog.=) $1",
                                       credits_types);

constexpr Oid snapshot_types[] = {TEXTOID, INT4OID, JSONBOID, TIMESTAMPTZOID};
constinit pg::statement
    update_snapshot("UPDATE ONLY @schema@.mega_customers SET mg_credits = $2, mg_mma_preferences = $3, "
                    "mg_mma_preferences_updated_at = $4 WHERE mg_pass_id OPERATOR(pg_catalog.=) $1",
                    snapshot_types);

constinit pg::statement select_preferences("SELECT c.mg_mma_preferences FROM ONLY @schema@.mega_customers c "
                                           "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                           pass_id_type);

// One update of one customer, in flight while it is written. preferences: null to leave the snapshot as it is.
void write(pg::session &session, const schema::tables &where, const locked_customer &customer, std::int32_t balance,
           const Jsonb *preferences) {
    using column = schema::customer;
    if (direct::possible(where)) {
        std::vector<direct::customer_change> changes{{column::mg_credits, pg::to_datum(balance)}};
        if (preferences != nullptr) {
            changes.emplace_back(column::mg_mma_preferences, pg::to_datum(pg::jsonb{const_cast<Jsonb *>(preferences)}));
            changes.emplace_back(column::mg_mma_preferences_updated_at, pg::to_datum(pg::clock_time()));
        }
        return direct::update_customer(customer.pass_id, changes, &customer.place);
    }
    const pg::as_role owner(where.customers.owner);
    const in_flight::projection projecting(customer.pass_id, balance, preferences);
    const std::uint64_t touched =
        (preferences == nullptr
             ? session.run(update_credits, where.schema, pg::access::read_write, customer.pass_id, balance)
             : session.run(update_snapshot, where.schema, pg::access::read_write, customer.pass_id, balance,
                           pg::jsonb{const_cast<Jsonb *>(preferences)}, pg::clock_time()))
            .count();
    if (touched == 0)
        schema::refuse_interference(
            where.customers.id, schema::writing::update, "keeps a projection from its customer",
            to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(customer.pass_id)));
    if (touched != 1)
        throw pg::sql_error{"XX000",
                            "a projection touched " + std::to_string(touched) + " customers instead of one",
                            to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(customer.pass_id)),
                            {}};
}

} // namespace

std::optional<locked_customer> lock_customer(pg::session &session, const schema::tables &where,
                                             std::string_view pass_id) {
    if (direct::possible(where))
        return direct::lock_customer(pass_id);
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = session.run(select_for_update, where.schema, pg::access::read_write, pass_id);
    if (found.empty())
        return std::nullopt;
    locked_customer customer;
    customer.pass_id = pass_id;
    customer.credits = found.int4(0, 0).value_or(0);
    customer.expires_at = found.time(0, 1);
    customer.may_spend = !found.boolean(0, 2).value_or(false);
    customer.updated_at = found.time(0, 3).value_or(pg::timestamp{});
    return customer;
}

locked_customer require_locked_customer(pg::session &session, const schema::tables &where, std::string_view pass_id) {
    auto customer = lock_customer(session, where, pass_id);
    if (!customer)
        throw_unknown_customer(pass_id);
    return *std::move(customer);
}

std::int32_t balance_after(const locked_customer &customer, std::int64_t delta) {
    const std::int64_t balance = customer.credits + delta;
    if (balance < PG_INT32_MIN || balance > PG_INT32_MAX)
        throw pg::sql_error{"22003",
                            "the balance would leave the range of an integer",
                            to_readers({schema::customer::mg_pass_id, schema::customer::mg_credits},
                                       "pass_id=" + pg::quoted(customer.pass_id) + " balance=" +
                                           std::to_string(customer.credits) + " delta=" + std::to_string(delta)),
                            {}};
    return static_cast<std::int32_t>(balance);
}

void throw_overdraft(std::int64_t balance, std::int64_t needed, bool given, const char *hint) {
    const bool told = caller_may_read({schema::customer::mg_pass_id, schema::customer::mg_credits});
    throw pg::sql_error{"MG001", "the customer has not enough credits",
                        (told ? "balance=" + std::to_string(balance) + " " : std::string()) +
                            (told || given ? "needed=" + std::to_string(needed) : std::string()),
                        hint};
}

void project_credits(pg::session &session, const schema::tables &where, const locked_customer &customer,
                     std::int64_t delta) {
    // Written even when it stays the same: mg_updated_at tells that there are new rows.
    write(session, where, customer, balance_after(customer, delta), nullptr);
}

pg::jsonb preferences_of(pg::session &session, const schema::tables &where, std::string_view pass_id) {
    if (direct::possible(where)) {
        constexpr schema::customer column[] = {schema::customer::mg_mma_preferences};
        pg::nullable_datum value[1];
        const bool stored = direct::read_customer(pass_id, column, value) && !value[0].is_null;
        return stored ? pg::jsonb_of(value[0].value) : pg::empty_object();
    }
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = session.run(select_preferences, where.schema, pg::access::read_write, pass_id);
    const auto stored = found.empty() ? std::nullopt : found.json(0, 0);
    return stored ? *stored : pg::empty_object();
}

void refold_preferences(pg::session &session, const schema::tables &where, const locked_customer &customer) {
    const pg::jsonb stored = preferences_of(session, where, customer.pass_id);
    const pg::as_role owner(where.generations.owner);
    const core::json folded = fold_from_ledger(session, where, customer.pass_id, pg::access::read_write);
    write(session, where, customer, customer.credits, with_managed_keys(stored, folded).document);
}

namespace {

// Adds to the balance of a customer, who may be locked or not.
void add_directly(std::string_view pass_id, std::int64_t delta) {
    const auto sum = [delta](const locked_customer &customer) {
        return std::vector<direct::customer_change>{
            {schema::customer::mg_credits, pg::to_datum(balance_after(customer, delta))}};
    };
    const auto visited = direct::change_or_lock_customer(pass_id, sum);
    if (!visited)
        throw_unknown_customer(pass_id);
    if (visited->locked)
        direct::update_customer(pass_id, sum(*visited->locked), &visited->locked->place);
}

} // namespace

namespace {

constinit pg::statement
    select_books("SELECT c.mg_credits::pg_catalog.int8, (SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)"
                 "::pg_catalog.int8 FROM ONLY @schema@.mega_generations g "
                 "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
                 "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction') "
                 "FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                 pass_id_type);

// Books that were opened while rows waited contain these rows, and the projection has added them once more.
void require_books(pg::session &session, const schema::tables &where, std::string_view pass_id) {
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = session.run(select_books, where.schema, pg::access::read_write, pass_id);
    if (found.empty() || found.int8(0, 0) != found.int8(0, 1))
        throw pg::sql_error{"55000", "the books of a customer were opened in the statement that appends to them",
                            to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(pass_id)),
                            "Call mega_open_books in a statement of its own."};
}

} // namespace

movements::change &movements::of(std::string_view pass_id) {
    const auto found = by_customer_.find(pass_id);
    return found == by_customer_.end() ? by_customer_.emplace(pass_id, change{}).first->second : found->second;
}

void movements::project(pg::session &session, const schema::tables &where) {
    if (!by_customer_.empty()) // what writes the ledger may not write customers
        where.customers.may_be_written.require_good();
    const auto on = [&](pg::session &of_one, const std::string &pass_id, change &moved) {
        unprojected::arrived(moved.waiting);
        if (moved.events.empty() && direct::possible(where))
            add_directly(pass_id, moved.credits);
        else
            project_one(of_one, where, pass_id, moved);
        if (unprojected::was_opened(pass_id))
            require_books(of_one, where, pass_id);
    };
    if (by_customer_.size() == 1)
        return on(session, by_customer_.begin()->first, by_customer_.begin()->second);
    pg::rounds customers;
    for (auto &[pass_id, moved] : by_customer_)
        customers.run([&](pg::session &its_own) { on(its_own, pass_id, moved); });
}

void movements::project_one(pg::session &session, const schema::tables &where, const std::string &pass_id,
                            change &moved) {
    const locked_customer customer = require_locked_customer(session, where, pass_id);
    const std::int32_t balance = balance_after(customer, moved.credits);
    if (moved.overdraft_hint != nullptr && moved.credits < 0 && balance < 0)
        throw_overdraft(customer.credits, -moved.credits, false, moved.overdraft_hint);
    if (moved.events.empty()) // written even when it stays the same: mg_updated_at tells that there are new rows
        return write(session, where, customer, balance, nullptr);
    const pg::as_role owner(where.generations.owner);
    const pg::jsonb stored = preferences_of(session, where, pass_id);
    // Somebody folded these events in already, when they were in the ledger and waited for this projection.
    const pg::jsonb folded =
        unprojected::was_folded(pass_id)
            ? with_managed_keys(stored, fold_from_ledger(session, where, pass_id, pg::access::read_write))
            : fold_in(session, where, pass_id, stored, std::move(moved.events));
    write(session, where, customer, balance, folded.document);
}

pg::timestamp stamp_behind(pg::timestamp last) noexcept {
    constexpr std::int64_t tolerance = 5 * pg::microseconds_per_second;
    const pg::timestamp now = pg::clock_time();
    const bool behind = now <= last && last.value - now.value < tolerance;
    return behind ? pg::timestamp{last.value + 1} : now;
}

} // namespace mega::ledger
