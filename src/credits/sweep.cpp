// The sweeps: mega_release_expired_holds and mega_expire_credits. Safe to run from any scheduler and at the same time:
// customers that somebody else has locked are skipped and left to the next run.
#include "core/utc_time.hpp"
#include "credits/movement.hpp"
#include "ledger/checked.hpp"
#include "ledger/direct.hpp"
#include "ledger/in_flight.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/planner.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

#define MEGA_PENDING_HOLD                                                                                              \
    "g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND g.mg_status OPERATOR(pg_catalog.=) 'pending' "   \
    "AND g.mg_id OPERATOR(pg_catalog.>=) 'credit_transaction:hold:' "                                                  \
    "AND g.mg_id OPERATOR(pg_catalog.<) 'credit_transaction:hold;' "

constexpr std::uint64_t batch_size = 1000;

constexpr Oid due_types[] = {TEXTOID, TEXTOID, TEXTOID};
// A batch behind a hold, in byte order of pass id, so that locks are taken in order: the order of the index on pending
// holds, which is left after the batch's last one. The time is compared as text, as iso_utc writes it, without its Z: a
// cast would let one broken raw row stop the sweep.
constinit pg::statement
    due_holds("SELECT g.mg_id, g.mg_pass_id FROM ONLY @schema@.mega_generations g WHERE " MEGA_PENDING_HOLD
              "AND g.mg_pass_id COLLATE \"C\" OPERATOR(pg_catalog.>=) $2 "
              "AND (g.mg_pass_id COLLATE \"C\" OPERATOR(pg_catalog.>) $2 "
              "OR g.mg_id COLLATE \"C\" OPERATOR(pg_catalog.>) $3) "
              "AND g.mg_meta OPERATOR(pg_catalog.->>) 'hold_expires_at' OPERATOR(pg_catalog.~) "
              "'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z$' "
              "AND pg_catalog.rtrim(g.mg_meta OPERATOR(pg_catalog.->>) 'hold_expires_at', 'Z') COLLATE \"C\" "
              "OPERATOR(pg_catalog.<=) $1 "
              "ORDER BY g.mg_pass_id COLLATE \"C\", g.mg_id COLLATE \"C\" LIMIT 1000",
              due_types);

constexpr Oid ids_type[] = {TEXTARRAYOID};
constinit pg::statement
    lock_free_customers("SELECT c.mg_pass_id, c.mg_expires_at FROM ONLY @schema@.mega_customers c "
                        "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) ANY ($1) ORDER BY c.mg_pass_id COLLATE \"C\" "
                        "FOR NO KEY UPDATE SKIP LOCKED",
                        ids_type);

constexpr Oid holds_types[] = {TEXTARRAYOID, TEXTARRAYOID};
// Behind the locks: those holds of these customers that are pending still. A hold whose release somebody wrote by hand
// is left alone. A customer whose balance has no room for what would come back is left to whoever settles its holds one
// by one: it must not stop the sweep.
constinit pg::statement still_pending(
    "SELECT h.mg_id, h.mg_pass_id, h.mg_delta FROM (SELECT g.mg_id, g.mg_pass_id, g.mg_delta, "
    "pg_catalog.sum(g.mg_delta) OVER (PARTITION BY g.mg_pass_id) AS deltas FROM ONLY @schema@.mega_generations g WHERE "
    "g.mg_id OPERATOR(pg_catalog.=) ANY ($1) AND g.mg_pass_id OPERATOR(pg_catalog.=) ANY ($2) AND " MEGA_PENDING_HOLD
    ") h JOIN ONLY @schema@.mega_customers c ON c.mg_pass_id OPERATOR(pg_catalog.=) h.mg_pass_id "
    "WHERE c.mg_credits OPERATOR(pg_catalog.-) h.deltas OPERATOR(pg_catalog.<=) 2147483647 "
    "AND NOT EXISTS (SELECT FROM ONLY @schema@.mega_generations r WHERE r.mg_id OPERATOR(pg_catalog.=) "
    "('credit_transaction:release:' OPERATOR(pg_catalog.||) pg_catalog.substr(h.mg_id, 25))) "
    "AND NOT EXISTS (SELECT FROM ONLY @schema@.mega_generations r WHERE r.mg_ref_type OPERATOR(pg_catalog.=) 'hold' "
    "AND r.mg_ref_id OPERATOR(pg_catalog.=) pg_catalog.substr(h.mg_id, 25) "
    "AND coalesce(r.mg_reason, '') OPERATOR(pg_catalog.=) 'release' "
    "AND r.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
    "AND r.mg_ref_type IS NOT NULL AND r.mg_ref_id IS NOT NULL) "
    "ORDER BY h.mg_pass_id COLLATE \"C\", h.mg_id COLLATE \"C\"",
    holds_types);

// One row for each hold; the ledger's own trigger projects them, one update per customer. A release that somebody
// writes by hand at this moment goes before.
constinit pg::statement append_releases(
    "INSERT INTO @schema@.mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, "
    "mg_ref_id, mg_status, mg_meta, mg_source_system) SELECT 'credit_transaction:release:' OPERATOR(pg_catalog.||) "
    "pg_catalog.substr(g.mg_id, 25), 'credit_transaction', g.mg_pass_id, OPERATOR(pg_catalog.-) g.mg_delta, 'release', "
    "'hold', pg_catalog.substr(g.mg_id, 25), 'succeeded', '{\"reason\": \"expired\"}', 'api' "
    "FROM ONLY @schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) ANY ($1) ON CONFLICT DO NOTHING "
    "RETURNING 'credit_transaction:hold:' OPERATOR(pg_catalog.||) mg_ref_id",
    ids_type);

constinit pg::statement mark_released("UPDATE ONLY @schema@.mega_generations SET mg_status = 'failed' "
                                      "WHERE mg_id OPERATOR(pg_catalog.=) ANY ($1)",
                                      ids_type);

constexpr Oid expired_types[] = {TIMESTAMPTZOID, INT8OID};
constinit pg::statement lock_expired(
    "SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_expires_at "
    "OPERATOR(pg_catalog.<=) $1 ORDER BY c.mg_pass_id COLLATE \"C\" LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
    expired_types);

std::string now_without_zone() {
    std::string now = core::iso_utc(pg::unix_micros(pg::clock_time()));
    now.pop_back();
    return now;
}

// A column of the rows, or of the first of them; each value once where it repeats.
std::vector<std::string> column_of(const pg::rows &found, int column, std::uint64_t most = UINT64_MAX) {
    const std::uint64_t rows = std::min(found.count(), most);
    std::vector<std::string> texts;
    texts.reserve(rows);
    for (std::uint64_t i = 0; i < rows; ++i)
        if (texts.empty() || texts.back() != *found.text(i, column))
            texts.emplace_back(*found.text(i, column));
    return texts;
}

// Locks those of the customers that nobody else has locked, and settles what of theirs has expired.
std::vector<std::string> open_free_customers(pg::session &session, const schema::tables &where,
                                             const std::vector<std::string> &pass_ids) {
    const pg::timestamp now = pg::clock_time();
    std::vector<std::string> locked, expired;
    {
        const pg::as_role owner(where.customers.owner);
        const pg::rows found = session.run(lock_free_customers, where.schema, pg::access::read_write, pass_ids);
        locked = column_of(found, 0);
        for (std::uint64_t i = 0; i < found.count(); ++i)
            if (const auto at = found.time(i, 1); at && *at <= now)
                expired.emplace_back(*found.text(i, 0));
    }
    for (const std::string &pass_id : expired)
        open_customer(session, where, pass_id);
    return locked;
}

struct due_batch {
    std::vector<std::string> holds, pass_ids;
    bool last; // there are no more
};

// The next holds whose time is over, behind the one at (pass_id, mg_id), which becomes the batch's last.
due_batch next_due(pg::session &session, const schema::tables &where, std::size_t limit, std::string &pass_id,
                   std::string &mg_id) {
    const pg::as_role owner(where.generations.owner);
    pg::only_in_index_order from_the_index; // every batch would sort all that wait otherwise
    const pg::rows due =
        session.run(due_holds, where.schema, pg::access::read_write, now_without_zone(), pass_id, mg_id);
    from_the_index.done();
    const auto taken = std::min<std::uint64_t>(due.count(), limit);
    due_batch batch{column_of(due, 0, taken), column_of(due, 1, taken), taken == due.count() && taken < batch_size};
    if (!due.empty()) {
        pass_id = *due.text(taken - 1, 1);
        mg_id = *due.text(taken - 1, 0);
    }
    return batch;
}

// Through SQL: what the ledger's triggers make of it.
std::size_t release_by_sql(pg::session &session, const schema::tables &where, const std::vector<std::string> &pending) {
    std::vector<std::string> released =
        column_of(session.run(append_releases, where.schema, pg::access::read_write, pending), 0);
    std::ranges::sort(released);
    const ledger::in_flight::settlement settling(released);
    session.run(mark_released, where.schema, pg::access::read_write, released);
    return released.size();
}

// Directly: all rows at once, one update per customer, then the holds.
std::size_t release_directly(pg::session &session, const schema::tables &where, const pg::rows &pending) {
    constexpr std::size_t prefix = std::string_view("credit_transaction:hold:").size();
    const pg::jsonb meta = pg::json_builder().begin_object().key("reason").text("expired").end_object().finish();
    std::vector<movement> releases(pending.count());
    for (std::size_t i = 0; i < releases.size(); ++i) {
        movement &release = releases[i];
        release.pass_id = *pending.text(i, 1);
        release.delta = -pending.int4(i, 2).value_or(0);
        release.reason = "release";
        release.ref_type = "hold";
        release.ref_id = pending.text(i, 0)->substr(prefix);
        release.txn_id = "release:" + *release.ref_id;
        release.meta = meta;
    }
    recording all(session, where);
    std::vector<const movement *> group;
    for (std::size_t first = 0; first < releases.size(); first += group.size()) {
        group.clear();
        for (std::size_t i = first; i < releases.size() && releases[i].pass_id == releases[first].pass_id; ++i)
            group.push_back(&releases[i]);
        std::size_t under_way = 0;
        all.add(group, under_way);
    }
    const std::int32_t released = all.write();
    const ledger::direct::ledger_change change[] = {{schema::ledger::mg_status, pg::to_datum("failed")}};
    for (std::size_t i = 0; i < releases.size(); ++i)
        ledger::direct::update_record(*pending.text(i, 0), change);
    return static_cast<std::size_t>(released);
}

// Releases those of the batch whose customers nobody else has locked.
std::size_t release_batch(pg::session &session, const schema::tables &where, const due_batch &batch) {
    const std::vector<std::string> locked = open_free_customers(session, where, batch.pass_ids);
    const pg::as_role owner(where.generations.owner);
    const pg::rows pending = session.run(still_pending, where.schema, pg::access::read_write, batch.holds, locked);
    if (pending.empty())
        return 0;
    return ledger::direct::possible(where) ? release_directly(session, where, pending)
                                           : release_by_sql(session, where, column_of(pending, 0));
}

Datum release_expired_holds(FunctionCallInfo fcinfo) {
    const auto limit = static_cast<std::size_t>(require_positive("max_holds", pg::arguments(fcinfo).int4(0)));
    const schema::tables &where = schema::guarded_tables_of(fcinfo->flinfo->fn_oid);
    std::size_t released = 0;
    std::string pass_id, mg_id;
    for (bool more = true; more && released < limit;) {
        pg::check_for_interrupts();
        pg::session session; // one for each batch, so that its memory goes with it
        const due_batch batch = next_due(session, where, limit - released, pass_id, mg_id);
        released += release_batch(session, where, batch);
        more = !batch.last;
        session.finish();
    }
    return pg::to_datum(static_cast<std::int32_t>(released)).value;
}

Datum expire_credits(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    const pg::timestamp as_of = ledger::require("as_of", given.time(0));
    ledger::check_finite("as_of", as_of);
    const std::int32_t limit = require_positive("max_customers", given.int4(1));
    const schema::tables &where = schema::guarded_tables_of(fcinfo->flinfo->fn_oid);
    pg::session session;
    std::vector<std::string> due;
    {
        const pg::as_role owner(where.customers.owner);
        due = column_of(session.run(lock_expired, where.schema, pg::access::read_write, as_of, std::int64_t{limit}), 0);
    }
    std::int64_t credits = 0;
    std::int32_t expired = 0;
    for (const std::string &pass_id : due) {
        pg::check_for_interrupts();
        ledger::locked_customer customer = ledger::require_locked_customer(session, where, pass_id);
        if (!customer.expires_at || *customer.expires_at > as_of)
            continue; // another sweep was here between the look and the lock
        credits += settle_expiry(session, where, customer, as_of);
        ++expired;
    }
    session.finish();
    return pg::return_row(fcinfo, expired, credits);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_release_expired_holds, mega::credits::release_expired_holds);
PG_ENTRY(mega_expire_credits, mega::credits::expire_credits);
