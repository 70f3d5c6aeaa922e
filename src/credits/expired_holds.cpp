// What mega_release_expired_holds releases. Safe to run from any scheduler and at the same time: customers that
// somebody else has locked are skipped and left to the next run.
#include "core/utc_time.hpp"
#include "credits/hold.hpp"
#include "credits/posting_batch.hpp"
#include "credits/returns.hpp"
#include "ledger/checked.hpp"
#include "ledger/piecemeal.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
#include "pg/planner.hpp"
#include "pg/snapshot.hpp"
#include "schema/pending_hold.hpp"

namespace mega::credits {

namespace {

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
    " AND g.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>=) $2 "
    "AND (g.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $2 "
    "OR g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) $3) "
    "AND (g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,hold_expires_at}') COLLATE pg_catalog.\"C\" "
    "OPERATOR(pg_catalog.<=) $1 "
    "ORDER BY g.mg_pass_id COLLATE pg_catalog.\"C\", g.mg_id COLLATE pg_catalog.\"C\" LIMIT 1000",
    due_types);

bool is_over(std::string_view expires_at, std::string_view now) {
    const auto without_zone = [](std::string_view time) { return time.substr(0, time.size() - 1); };
    return core::is_iso_utc(expires_at) && without_zone(expires_at) <= without_zone(now);
}

struct due_hold {
    credit_row row;
    std::optional<std::string> generation_id;
    bool released = false;
};

struct due_batch {
    std::vector<due_hold> holds; // in byte order of pass id, then id
    bool last;                   // there are no more
};

std::string_view hold_id_of(std::string_view mg_id) { return mg_id.substr(hold_prefix.size()); }

// Whether it is a hold and the row of its release can have an id: a raw row may call itself a hold by any.
bool can_be_released(const credit_row &hold) {
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

// One by one, where a row stands in the way of its release.
bool release_alone(ledger::store &store, const due_hold &hold) {
    return release(store, hold_id_of(hold.row.mg_id), expired_reason, std::nullopt).outcome == released_outcome;
}

// Behind the lock of its customer: whether it is his and pending still. Its place and meta become what they are.
bool is_still_pending(ledger::store &store, credit_row &hold) {
    constexpr schema::ledger columns[] = {schema::ledger::mg_status, schema::ledger::mg_pass_id,
                                          schema::ledger::mg_meta};
    pg::nullable_datum values[3];
    const auto says = [&values](std::size_t i, std::string_view text) {
        return !values[i].is_null && pg::text_of(values[i].value) == text;
    };
    if (!store.read_row(hold.mg_id, columns, values, &hold.place) || !says(0, pending_status) || !says(1, hold.pass_id))
        return false;
    hold.meta.reset();
    if (!values[2].is_null)
        hold.meta = pg::jsonb_of(values[2].value);
    return true;
}

// What of one customer's holds may be released together, under his lock.
struct releases {
    std::vector<posting> rows;
    std::vector<due_hold *> of, in_the_way;
};

releases find_releases(ledger::store &store, std::span<due_hold> due, const ledger::locked_customer &customer) {
    releases found;
    std::int64_t balance = customer.credits;
    const auto note = note_of_release(customer, expired_reason);
    pg::same_moment moment;
    for (due_hold &hold : due) {
        posting release = settlement_of(hold.row, hold_id_of(hold.row.mg_id), "release", -hold.row.delta);
        if (!is_still_pending(store, hold.row))
            continue;
        if (is_posted(store, release) || find_by_txn_id(store, "capture:" + *release.ref_id)) {
            found.in_the_way.push_back(&hold);
            continue;
        }
        release.meta = note;
        balance += release.delta;
        found.rows.push_back(std::move(release));
        found.of.push_back(&hold);
    }
    moment.done();
    return balance > PG_INT32_MAX ? releases{} : found;
}

// Those of one customer's holds, unless somebody else has locked him. A customer whose balance has no room for what
// would come back (a row of before there were rules may make one) is left to whoever settles his holds one by one: he
// must not stop the sweep. The holds are marked first, so that what comes back is no longer pending. Returns those that
// were released, and those that have to be released alone.
releases release_of_one(ledger::store &store, std::span<due_hold> due, posting_batch &all) {
    auto customer = store.lock_customer(due.front().row.pass_id, LockWaitSkip);
    if (!customer || customer->merged_into) // his holds are another one's by now: the next sweep finds them there
        return {};
    write_off_expired(store, *customer);
    releases found = find_releases(store, due, *customer);
    std::vector<const posting *> rows;
    for (std::size_t i = 0; i < found.of.size(); ++i)
        store.settle_hold(found.of[i]->row.mg_id, released_status, found.of[i]->row.place);
    for (std::size_t i = 0; i < found.of.size(); ++i) {
        found.rows[i].returns = taken_by_hold(store, found.of[i]->row);
        rows.push_back(&found.rows[i]);
    }
    ledger::see_what_others_did(store, *customer);
    if (!rows.empty())
        all.add_new(*customer, rows);
    return found;
}

using holds_of_one = std::span<due_hold>;

std::vector<holds_of_one> by_customer(std::span<due_hold> due) {
    std::vector<holds_of_one> customers;
    for (std::size_t first = 0, next = 0; first < due.size(); first = next) {
        while (next < due.size() && due[next].row.pass_id == due[first].row.pass_id)
            ++next;
        customers.push_back(due.subspan(first, next - first));
    }
    return customers;
}

// All rows at once where the store takes them so, and one update per customer. Returns those that were released.
std::vector<due_hold *> release_together(ledger::store &store, std::span<const holds_of_one> customers) {
    posting_batch all(store);
    std::vector<due_hold *> released, in_the_way;
    for (const holds_of_one &own : customers) {
        pg::check_for_interrupts();
        store.apart([&] {
            const releases done = release_of_one(store, own, all);
            released.insert(released.end(), done.of.begin(), done.of.end());
            in_the_way.insert(in_the_way.end(), done.in_the_way.begin(), done.in_the_way.end());
        });
    }
    all.write();
    for (due_hold *hold : in_the_way)
        store.apart([&] {
            if (release_alone(store, *hold))
                released.push_back(hold);
        });
    return released;
}

} // namespace

std::vector<expired_hold> release_expired(ledger::call &call, std::size_t most) {
    ledger::store &store = call.store();
    std::vector<expired_hold> released;
    ledger::piecemeal parts(store.where());
    std::string pass_id, mg_id;
    for (bool more = true; more && released.size() < most && !parts.gives_up();) {
        pg::check_for_interrupts();
        due_batch batch = next_due(store, most - released.size(), pass_id, mg_id);
        const std::vector<holds_of_one> customers = by_customer(batch.holds);
        parts.run(
            std::span(customers),
            [](ledger::store &its_store, std::span<const holds_of_one> some) {
                for (due_hold *hold : release_together(its_store, some))
                    hold->released = true;
            },
            [](const holds_of_one &own) -> std::string_view { return own.front().row.pass_id; });
        for (const due_hold &hold : batch.holds)
            if (hold.released)
                released.push_back(
                    {std::string(hold_id_of(hold.row.mg_id)), hold.row.pass_id, -hold.row.delta, hold.generation_id});
        more = !batch.last;
        call.finish(); // for each batch, so that its memory goes with it
    }
    parts.tell(!released.empty());
    return released;
}

} // namespace mega::credits
