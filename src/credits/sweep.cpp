// The sweeps: mega_release_expired_holds and mega_expire_credits. Safe to run from any scheduler and at the same time:
// customers that somebody else has locked are skipped and left to the next run.
#include "core/utc_time.hpp"
#include "credits/hold.hpp"
#include "credits/recording.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/planner.hpp"
#include "pg/result.hpp"
#include "pg/rounds.hpp"
#include "pg/snapshot.hpp"
#include "schema/others.hpp"

namespace mega::credits {

namespace {

#define MEGA_PENDING_HOLD                                                                                              \
    "g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND g.mg_status OPERATOR(pg_catalog.=) 'pending' "   \
    "AND g.mg_id OPERATOR(pg_catalog.>=) 'credit_transaction:hold:' "                                                  \
    "AND g.mg_id OPERATOR(pg_catalog.<) 'credit_transaction:hold;' "

constexpr std::uint64_t batch_size = 1000;
constexpr std::string_view hold_prefix = "credit_transaction:hold:";

constexpr Oid due_types[] = {TEXTOID, TEXTOID, TEXTOID};
// A batch behind a hold, in byte order of pass id, so that locks are taken in order: the order of the index on pending
// holds, which is left after the batch's last one. The time is compared as text, as iso_utc writes it: a cast would let
// one broken raw row stop the sweep. $1 is now, by the second; `is_over` has the last word.
constinit pg::statement due_holds(
    "SELECT g.mg_id, g.mg_pass_id, g.mg_delta, g.ctid, g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,hold_expires_at}' "
    "FROM ONLY @schema@.mega_generations g WHERE " MEGA_PENDING_HOLD
    "AND g.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>=) $2 "
    "AND (g.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $2 "
    "OR g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $3) "
    "AND (g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,hold_expires_at}') COLLATE pg_catalog.\"C\" "
    "OPERATOR(pg_catalog.<=) $1 "
    "ORDER BY g.mg_pass_id COLLATE pg_catalog.\"C\", g.mg_id COLLATE pg_catalog.\"C\" LIMIT 1000",
    due_types);

constexpr Oid ids_type[] = {TEXTARRAYOID};
constinit pg::statement lock_free_customers(
    "SELECT c.mg_pass_id, c.mg_expires_at FROM ONLY @schema@.mega_customers c "
    "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) ANY ($1) ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" "
    "FOR NO KEY UPDATE SKIP LOCKED",
    ids_type);

constexpr Oid holds_types[] = {TEXTARRAYOID, TEXTARRAYOID};
// Behind the locks: those holds of these customers that are pending still. A hold whose release somebody wrote by hand
// is left alone. A customer whose balance has no room for what would come back is left to whoever settles its holds one
// by one: it must not stop the sweep.
constinit pg::statement still_pending(
    "SELECT h.mg_id FROM (SELECT g.mg_id, g.mg_pass_id, "
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
    "ORDER BY h.mg_pass_id COLLATE pg_catalog.\"C\", h.mg_id COLLATE pg_catalog.\"C\"",
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
                                      "WHERE mg_id OPERATOR(pg_catalog.=) ANY ($1) RETURNING mg_status",
                                      ids_type);

constexpr Oid expired_types[] = {TIMESTAMPTZOID, INT8OID};
constinit pg::statement lock_expired(
    "SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_expires_at "
    "OPERATOR(pg_catalog.<=) $1 AND c.mg_pass_id IS NOT NULL ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT $2 "
    "FOR NO KEY UPDATE SKIP LOCKED",
    expired_types);

bool is_over(std::string_view expires_at, std::string_view now) {
    const auto without_zone = [](std::string_view time) { return time.substr(0, time.size() - 1); };
    return core::is_iso_utc(expires_at) && without_zone(expires_at) <= without_zone(now);
}

std::vector<std::string> column_of(const pg::rows &found, int column, const char *name) {
    std::vector<std::string> texts;
    texts.reserve(found.count());
    for (std::uint64_t i = 0; i < found.count(); ++i)
        texts.emplace_back(ledger::require_column(name, found.text(i, column)));
    return texts;
}

// Locks those of the customers that nobody else has locked, and settles what of theirs has expired.
std::vector<std::string> open_free_customers(ledger::store &store, const std::vector<std::string> &pass_ids) {
    const pg::timestamp now = pg::clock_time();
    std::vector<std::string> locked, expired;
    {
        const pg::rows found = store.run(store.where().customers, lock_free_customers, pass_ids);
        locked = column_of(found, 0, "mg_pass_id");
        for (std::uint64_t i = 0; i < found.count(); ++i)
            if (const auto at = found.time(i, 1); at && *at <= now)
                expired.push_back(locked[i]);
    }
    for (const std::string &pass_id : expired)
        open_customer(store, pass_id);
    return locked;
}

struct due_batch {
    std::vector<recorded> holds;
    bool last; // there are no more
};

std::string_view hold_id_of(const recorded &hold) { return std::string_view(hold.mg_id).substr(hold_prefix.size()); }

// Whether it is a hold and the row of its release can have an id: a raw row may call itself a hold by any.
bool can_be_released(const recorded &hold) {
    const std::string_view id = hold_id_of(hold);
    return takes_credits(hold) && core::check_text(id) == core::text_fault::none &&
           id.size() <= room_in_txn_id("release:");
}

// The next holds whose time is over, behind the one at (pass_id, mg_id), which becomes the batch's last.
due_batch next_due(ledger::store &store, std::size_t limit, std::string &pass_id, std::string &mg_id) {
    const std::int64_t now = pg::unix_micros(pg::clock_time());
    const std::string this_second = core::iso_utc(now - now % 1000000), this_moment = core::iso_utc(now);
    pg::only_in_index_order from_the_index; // every batch would sort all that wait otherwise
    const pg::rows due = store.run(store.where().generations, due_holds, this_second, pass_id, mg_id);
    from_the_index.done();
    due_batch batch{{}, due.count() < batch_size};
    batch.holds.reserve(due.count());
    for (std::uint64_t i = 0; i < due.count(); ++i) {
        if (batch.holds.size() == limit) {
            batch.last = false;
            break;
        }
        mg_id = ledger::require_column("mg_id", due.text(i, 0));
        pass_id = ledger::require_column("mg_pass_id", due.text(i, 1));
        recorded hold{mg_id, pass_id, due.int4(i, 2).value_or(0), std::string(pending_status), due.place(i, 3)};
        if (is_over(due.text(i, 4).value_or(""), this_moment) && can_be_released(hold))
            batch.holds.push_back(std::move(hold));
    }
    return batch;
}

// A hold whose release was not appended: somebody wrote one by hand at this moment, or a trigger keeps it out.
void require_released(ledger::store &store, const std::string &mg_id) {
    const std::string hold_id = mg_id.substr(hold_prefix.size());
    if (!is_recorded(store, settlement_of({mg_id, {}, 0, {}}, hold_id, "release", 0)))
        schema::refuse_interference(
            store.where().generations.id, schema::writing::insert, "keeps a row out of the ledger",
            ledger::to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(mg_id_of("release:" + hold_id))));
}

// Through SQL: what the ledger's triggers make of it.
std::size_t release_by_sql(ledger::store &store, std::span<const recorded> due) {
    std::vector<std::string> holds, pass_ids;
    for (const recorded &hold : due) {
        holds.push_back(hold.mg_id);
        if (pass_ids.empty() || pass_ids.back() != hold.pass_id)
            pass_ids.push_back(hold.pass_id);
    }
    const std::vector<std::string> locked = open_free_customers(store, pass_ids);
    const schema::table<schema::ledger> &ledger_rows = store.where().generations;
    const std::vector<std::string> pending =
        column_of(store.run(ledger_rows, still_pending, holds, locked), 0, "mg_id");
    std::vector<std::string> released = column_of(store.run(ledger_rows, append_releases, pending), 0, "mg_ref_id");
    std::ranges::sort(released);
    for (const std::string &mg_id : pending)
        if (!std::ranges::binary_search(released, mg_id))
            require_released(store, mg_id);
    const ledger::in_flight::settlement settling(released);
    const pg::rows marked = store.run(ledger_rows, mark_released, released);
    bool all = marked.count() == released.size();
    for (std::uint64_t i = 0; i < marked.count(); ++i)
        all = all && marked.text(i, 0) == released_status;
    if (!all)
        schema::refuse_interference(
            ledger_rows.id, schema::writing::update, "keeps a hold from being settled",
            ledger::to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(released.front())));
    return released.size();
}

// Behind the lock of its customer: whether it is his and pending still. place: becomes where it stands.
bool is_pending(ledger::store &store, recorded &hold) {
    constexpr schema::ledger columns[] = {schema::ledger::mg_status, schema::ledger::mg_pass_id};
    pg::nullable_datum values[2];
    const auto says = [&values](std::size_t i, std::string_view text) {
        return !values[i].is_null && pg::text_of(values[i].value) == text;
    };
    return store.read_record(hold.mg_id, columns, values, &hold.place) && says(0, pending_status) &&
           says(1, hold.pass_id);
}

// As `still_pending` says: under the lock of each customer that nobody else has locked; then all rows at
// once, one update per customer, and the holds.
std::size_t release_together(ledger::store &store, std::span<recorded> due) {
    const pg::jsonb meta = pg::json_builder().begin_object().key("reason").text("expired").end_object().finish();
    recording all(store);
    std::vector<const recorded *> settled;
    for (std::size_t first = 0, next = 0; first < due.size(); first = next) {
        pg::check_for_interrupts();
        const std::string &pass_id = due[first].pass_id;
        while (next < due.size() && due[next].pass_id == pass_id)
            ++next;
        auto customer = store.lock_customer(pass_id, LockWaitSkip);
        if (!customer)
            continue;
        settle_expiry(store, *customer, pg::clock_time());
        std::vector<movement> releases;
        std::vector<const recorded *> released;
        std::int64_t balance = customer->credits;
        {
            pg::same_moment moment;
            for (recorded &hold : due.subspan(first, next - first)) {
                movement release = settlement_of(hold, hold_id_of(hold), "release", -hold.delta);
                if (!is_pending(store, hold) || is_recorded(store, release))
                    continue;
                release.meta = meta;
                balance += release.delta;
                releases.push_back(std::move(release));
                released.push_back(&hold);
            }
            moment.done();
        }
        if (releases.empty() || balance > PG_INT32_MAX)
            continue;
        all.add_new(*customer, releases);
        settled.insert(settled.end(), released.begin(), released.end());
    }
    all.write();
    for (const recorded *hold : settled)
        store.settle_hold(hold->mg_id, released_status, hold->place);
    return settled.size();
}

Datum release_expired_holds(FunctionCallInfo fcinfo) {
    const auto limit = static_cast<std::size_t>(require_positive("max_holds", pg::arguments(fcinfo).int4(0)));
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    std::size_t released = 0;
    std::string pass_id, mg_id;
    for (bool more = true; more && released < limit;) {
        pg::check_for_interrupts();
        due_batch batch = next_due(store, limit - released, pass_id, mg_id);
        released += store.takes_many() ? release_together(store, batch.holds) : release_by_sql(store, batch.holds);
        more = !batch.last;
        call.finish(); // for each batch, so that its memory goes with it
    }
    return pg::to_datum(static_cast<std::int32_t>(released)).value;
}

Datum expire_credits(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    const pg::timestamp as_of = ledger::require("as_of", given.time(0));
    ledger::check_finite("as_of", as_of);
    const std::int32_t limit = require_positive("max_customers", given.int4(1));
    const schema::tables &where = schema::guarded_tables_of(fcinfo->flinfo->fn_oid);
    pg::rounds customers;
    std::vector<std::string> due;
    customers.run([&](pg::session &session) {
        const auto store = ledger::open_store(session, where);
        due = column_of(store->run(where.customers, lock_expired, as_of, std::int64_t{limit}), 0, "mg_pass_id");
    });
    std::int64_t credits = 0;
    std::int32_t expired = 0;
    for (const std::string &pass_id : due)
        customers.run([&](pg::session &session) {
            const auto store = ledger::open_store(session, where);
            ledger::locked_customer customer = ledger::require_locked_customer(*store, pass_id);
            if (!customer.expires_at || *customer.expires_at > as_of)
                return; // another sweep was here between the look and the lock
            credits += settle_expiry(*store, customer, as_of);
            ++expired;
        });
    return pg::return_row(fcinfo, expired, credits);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_release_expired_holds, mega::credits::release_expired_holds);
PG_ENTRY(mega_expire_credits, mega::credits::expire_credits);
