// What mega_release_expired_holds releases. Safe to run from any scheduler and at the same time: customers that
// somebody else has locked are skipped and left to the next run.
#include "core/utc_time.hpp"
#include "credits/hold.hpp"
#include "credits/recording.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
#include "pg/planner.hpp"
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
constexpr const char *expired_reason = "expired";

constexpr Oid due_types[] = {TEXTOID, TEXTOID, TEXTOID};
// A batch behind a hold, in byte order of pass id, so that locks are taken in order: the order of the index on pending
// holds, which is left after the batch's last one. The time is compared as text, as iso_utc writes it: a cast would let
// one broken raw row stop the sweep. $1 is now, by the second; `is_over` has the last word.
constinit pg::statement due_holds(
    "SELECT g.mg_id, g.mg_pass_id, g.mg_delta, g.ctid, g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,hold_expires_at}', "
    "g.mg_generation_id FROM ONLY @schema@.mega_generations g WHERE " MEGA_PENDING_HOLD
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
// Behind the locks: those holds of these customers that are pending still, and whether a row stands where their release
// would stand, by its id or by its reference. A customer whose balance has no room for what would come back (a row of
// before there were rules may make one) is left to whoever settles its holds one by one: it must not stop the sweep.
constinit pg::statement still_pending(
    "SELECT h.mg_id, EXISTS (SELECT FROM ONLY @schema@.mega_generations r WHERE r.mg_id OPERATOR(pg_catalog.=) "
    "('credit_transaction:release:' OPERATOR(pg_catalog.||) pg_catalog.substr(h.mg_id, 25))) "
    "OR EXISTS (SELECT FROM ONLY @schema@.mega_generations r WHERE r.mg_ref_type OPERATOR(pg_catalog.=) 'hold' "
    "AND r.mg_ref_id OPERATOR(pg_catalog.=) pg_catalog.substr(h.mg_id, 25) "
    "AND coalesce(r.mg_reason, '') OPERATOR(pg_catalog.=) 'release' "
    "AND r.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
    "AND r.mg_ref_type IS NOT NULL AND r.mg_ref_id IS NOT NULL) FROM (SELECT g.mg_id, g.mg_pass_id, "
    "pg_catalog.sum(g.mg_delta) OVER (PARTITION BY g.mg_pass_id) AS deltas FROM ONLY @schema@.mega_generations g WHERE "
    "g.mg_id OPERATOR(pg_catalog.=) ANY ($1) AND g.mg_pass_id OPERATOR(pg_catalog.=) ANY ($2) AND " MEGA_PENDING_HOLD
    ") h JOIN ONLY @schema@.mega_customers c ON c.mg_pass_id OPERATOR(pg_catalog.=) h.mg_pass_id "
    "WHERE c.mg_credits OPERATOR(pg_catalog.-) h.deltas OPERATOR(pg_catalog.<=) 2147483647 "
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

struct due_hold {
    recorded row;
    std::optional<std::string> generation_id;
    bool released = false;
};

struct due_batch {
    std::vector<due_hold> holds; // in byte order of pass id, then id
    bool last;                   // there are no more
};

std::string_view hold_id_of(std::string_view mg_id) { return mg_id.substr(hold_prefix.size()); }

// Whether it is a hold and the row of its release can have an id: a raw row may call itself a hold by any.
bool can_be_released(const recorded &hold) {
    const std::string_view id = hold_id_of(hold.mg_id);
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
        due_hold hold;
        hold.row.mg_id = mg_id;
        hold.row.pass_id = pass_id;
        hold.row.delta = due.int4(i, 2).value_or(0);
        hold.row.status = pending_status;
        hold.row.place = due.place(i, 3);
        if (const auto generation = due.text(i, 5))
            hold.generation_id = std::string(*generation);
        if (is_over(due.text(i, 4).value_or(""), this_moment) && can_be_released(hold.row))
            batch.holds.push_back(std::move(hold));
    }
    return batch;
}

void mark_by_sql(ledger::store &store, const std::vector<std::string> &sorted) {
    const schema::table<schema::ledger> &ledger_rows = store.where().generations;
    const ledger::in_flight::settlement settling(sorted);
    const pg::rows marked = store.run(ledger_rows, mark_released, sorted);
    bool all = marked.count() == sorted.size();
    for (std::uint64_t i = 0; i < marked.count(); ++i)
        all = all && marked.text(i, 0) == released_status;
    if (!all)
        schema::refuse_interference(ledger_rows.id, schema::writing::update, "keeps a hold from being settled",
                                    ledger::to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(sorted.front())));
}

// One by one, where a row stands in the way of its release.
void release_alone(ledger::store &store, due_hold &hold) {
    hold.released =
        release(store, hold_id_of(hold.row.mg_id), expired_reason, std::nullopt).outcome == released_outcome;
}

// A hold that is marked and whose release was not appended: somebody wrote one by hand at this moment, or a trigger
// keeps it out.
void append_release(ledger::store &store, const due_hold &hold) {
    ledger::locked_customer customer = lock_customer_of(store, hold.row);
    append_settlement(store, customer, settlement_of(hold.row, hold_id_of(hold.row.mg_id), "release", -hold.row.delta));
}

// Through SQL: what the ledger's triggers make of it. The holds are marked first, so that what comes back is no longer
// pending.
void release_by_sql(ledger::store &store, std::span<due_hold> due) {
    std::vector<std::string> holds, pass_ids, free, in_the_way;
    for (const due_hold &hold : due) {
        holds.push_back(hold.row.mg_id);
        if (pass_ids.empty() || pass_ids.back() != hold.row.pass_id)
            pass_ids.push_back(hold.row.pass_id);
    }
    const std::vector<std::string> locked = open_free_customers(store, pass_ids);
    const schema::table<schema::ledger> &ledger_rows = store.where().generations;
    {
        const pg::rows pending = store.run(ledger_rows, still_pending, holds, locked);
        for (std::uint64_t i = 0; i < pending.count(); ++i)
            (pending.boolean(i, 1).value_or(false) ? in_the_way : free)
                .emplace_back(ledger::require_column("mg_id", pending.text(i, 0)));
    }
    std::ranges::sort(free);
    std::ranges::sort(in_the_way);
    mark_by_sql(store, free);
    std::vector<std::string> appended = column_of(store.run(ledger_rows, append_releases, free), 0, "mg_ref_id");
    std::ranges::sort(appended);
    for (due_hold &hold : due) {
        if (std::ranges::binary_search(in_the_way, hold.row.mg_id))
            release_alone(store, hold);
        if (!std::ranges::binary_search(free, hold.row.mg_id))
            continue;
        hold.released = true;
        if (!std::ranges::binary_search(appended, hold.row.mg_id))
            append_release(store, hold);
    }
}

// Behind the lock of its customer: whether it is his and pending still. place: becomes where it stands.
bool is_still_pending(ledger::store &store, recorded &hold) {
    constexpr schema::ledger columns[] = {schema::ledger::mg_status, schema::ledger::mg_pass_id};
    pg::nullable_datum values[2];
    const auto says = [&values](std::size_t i, std::string_view text) {
        return !values[i].is_null && pg::text_of(values[i].value) == text;
    };
    return store.read_record(hold.mg_id, columns, values, &hold.place) && says(0, pending_status) &&
           says(1, hold.pass_id);
}

// What of one customer's holds may be released together, under his lock.
struct releases {
    std::vector<movement> rows;
    std::vector<due_hold *> of, in_the_way;
};

releases find_releases(ledger::store &store, std::span<due_hold> due, std::int64_t balance) {
    releases found;
    const pg::jsonb meta = pg::json_builder().begin_object().key("reason").text(expired_reason).end_object().finish();
    pg::same_moment moment;
    for (due_hold &hold : due) {
        movement release = settlement_of(hold.row, hold_id_of(hold.row.mg_id), "release", -hold.row.delta);
        if (!is_still_pending(store, hold.row))
            continue;
        if (is_recorded(store, release)) {
            found.in_the_way.push_back(&hold);
            continue;
        }
        release.meta = meta;
        balance += release.delta;
        found.rows.push_back(std::move(release));
        found.of.push_back(&hold);
    }
    moment.done();
    return balance > PG_INT32_MAX ? releases{} : found;
}

// As `still_pending` says: under the lock of each customer that nobody else has locked; then all rows at once, one
// update per customer, and the holds.
void release_together(ledger::store &store, std::span<due_hold> due) {
    recording all(store);
    std::vector<due_hold *> in_the_way;
    for (std::size_t first = 0, next = 0; first < due.size(); first = next) {
        pg::check_for_interrupts();
        const std::string &pass_id = due[first].row.pass_id;
        while (next < due.size() && due[next].row.pass_id == pass_id)
            ++next;
        auto customer = store.lock_customer(pass_id, LockWaitSkip);
        if (!customer)
            continue;
        settle_expiry(store, *customer, pg::clock_time());
        const releases found = find_releases(store, due.subspan(first, next - first), customer->credits);
        for (due_hold *hold : found.of) {
            store.settle_hold(hold->row.mg_id, released_status, hold->row.place);
            hold->released = true;
        }
        if (!found.rows.empty())
            all.add_new(*customer, found.rows);
        in_the_way.insert(in_the_way.end(), found.in_the_way.begin(), found.in_the_way.end());
    }
    all.write();
    for (due_hold *hold : in_the_way)
        release_alone(store, *hold);
}

} // namespace

std::vector<expired_hold> release_expired(ledger::call &call, std::size_t most) {
    ledger::store &store = call.store();
    std::vector<expired_hold> released;
    std::string pass_id, mg_id;
    for (bool more = true; more && released.size() < most;) {
        pg::check_for_interrupts();
        due_batch batch = next_due(store, most - released.size(), pass_id, mg_id);
        if (store.takes_many())
            release_together(store, batch.holds);
        else
            release_by_sql(store, batch.holds);
        for (const due_hold &hold : batch.holds)
            if (hold.released)
                released.push_back(
                    {std::string(hold_id_of(hold.row.mg_id)), hold.row.pass_id, -hold.row.delta, hold.generation_id});
        more = !batch.last;
        call.finish(); // for each batch, so that its memory goes with it
    }
    return released;
}

} // namespace mega::credits
