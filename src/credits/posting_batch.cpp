// A posting batch: looks for replays in stretches, visits each customer once, appends the rows together.
#include "credits/posting_batch.hpp"

#include "credits/batch_keys.hpp"
#include "ledger/checked.hpp"
#include "ledger/held_key.hpp"
#include "ledger/merged.hpp"
#include "pg/clock.hpp"
#include "pg/snapshot.hpp"

#include <numeric>

namespace mega::credits {

// Where the postings of one customer stand.
struct posting_batch::group {
    std::size_t first, last; // behind the last one
};

std::vector<posting_batch::group> posting_batch::groups_of(postings all) {
    std::vector<group> groups;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == 0 || all[i]->pass_id != all[i - 1]->pass_id)
            groups.push_back({i, i});
        groups.back().last = i + 1;
    }
    return groups;
}

// What postings make of a customer, and the rows that say so.
struct posting_batch::plan {
    struct row {
        std::size_t number; // of the posting, for the caller's error
        const posting *what;
        applied made;
    };

    plan(ledger::store &its_store, const ledger::locked_customer &customer) : after(customer), store(its_store) {}

    // known: of new postings that were looked for; null when none was.
    void take(postings all, std::span<const std::size_t> numbers, const known_keys *known, std::size_t &under_way) {
        for (const std::size_t number : numbers) {
            under_way = number;
            const posting &what = *all[number];
            rows.push_back({number, &what, apply(after, what)});
            if (!needs_room(what))
                continue;
            if (!pending)
                pending = known == nullptr || known->may_hold(number) ? store.pending_holds(after.pass_id) : 0;
            ledger::require_room(after, *pending);
        }
        if (std::ranges::any_of(rows, [](const row &one) { return one.what->returns.has_value(); }))
            ended = expire_behind(after, rows.back().made);
        if (ended)
            rows.push_back({rows.back().number, &ended->what, ended->made});
    }

    ledger::locked_customer after;
    ledger::store &store;
    std::optional<std::int64_t> pending; // what holds may bring back, once it was asked for
    std::vector<row> rows;
    std::optional<expiry> ended; // what went back and had ended
};

struct posting_batch::late_customer {
    std::optional<ledger::locked_customer> customer; // std::nullopt when there is none
    group own;
    std::vector<std::size_t> fresh;

    bool changed() const { return customer && customer->changed_meanwhile; }
    bool goes_on_as_another() const { return customer && (customer->merged_into || customer->erased); }
};

void posting_batch::add(postings all, std::size_t &under_way) {
    if (ledger::key_locks keys(store_.where()); keys.are_needed()) {
        for (const posting *one : all)
            keys.add(one->txn_id ? mg_id_of(*one->txn_id) : std::string(), one->ref_type, one->ref_id, one->reason);
        keys.take();
    }
    known_keys known(all);
    std::vector<late_customer> late_ones = add_to_unlocked(all, known, under_way);
    for (late_customer &late : late_ones)
        store_.apart([&] { follow(late, under_way); });
    look_again(late_ones, all, known);
    for (late_customer &late : late_ones) {
        pg::check_for_interrupts();
        store_.apart([&] { add_to_locked(late, all, known, under_way); });
    }
}

// Returns those who are locked and have to wait until the snapshot is given back.
std::vector<posting_batch::late_customer> posting_batch::add_to_unlocked(postings all, known_keys &known,
                                                                         std::size_t &under_way) {
    std::vector<late_customer> late;
    // The looks for replays and the changes are by one snapshot: a customer whom nobody changed since has no new rows.
    // What is written here is not read here. Where others act nothing is seen but behind a lock, and a customer is done
    // with before the next one is waited for.
    std::optional<pg::same_moment> moment;
    const bool at_once = store_.changes_unlocked() || !store_.others_act();
    if (store_.changes_unlocked())
        moment.emplace();
    store_.apart([&] { known.look_for(store_, [](std::size_t) { return true; }); });
    for (const group &own : groups_of(all)) {
        pg::check_for_interrupts();
        store_.apart([&] {
            auto locked = visit(own, all, known, under_way);
            if (locked && !moment)
                follow(*locked, under_way);
            if (locked && at_once && (moment || some_were_merged_ || !is_refused(*locked, all, known)))
                late.push_back(*std::move(locked));
            else if (locked) {
                forget(*locked, known);
                add_to_locked(*locked, all, known, under_way);
            }
        });
    }
    if (moment)
        moment->done();
    return late;
}

// Changes the customer and appends the postings of his that are new; or returns him locked.
std::optional<posting_batch::late_customer> posting_batch::visit(const group &own, postings all, known_keys &known,
                                                                 std::size_t &under_way) {
    std::vector<std::size_t> fresh = select_fresh(own, all, known, under_way);
    if (fresh.empty())
        return std::nullopt;
    std::optional<plan> made;
    const auto make = [&](const ledger::locked_customer &customer,
                          pg::nullable_datum) -> std::optional<std::vector<ledger::customer_change>> {
        ledger::locked_customer now = customer;
        now.settled_at = pg::clock_time();
        if (customer.merged_into || customer.erased || is_due(now, *now.settled_at))
            return std::nullopt; // what expired goes first
        made.emplace(store_, now);
        made->take(all, fresh, &known, under_way);
        return ledger::projection(customer, made->after, ledger::meta_behind(customer, made->after));
    };
    under_way = own.first;
    auto visited = store_.change_or_lock_customer(all[own.first]->pass_id, make);
    if (!visited) // told in its turn
        return late_customer{std::nullopt, own, std::move(fresh)};
    if (visited->locked)
        return late_customer{std::move(visited->locked), own, std::move(fresh)};
    write_rows(*made, under_way);
    return std::nullopt;
}

// Locks whoever goes on for a customer. Not while the snapshot is kept: he may be one whom this call has changed.
void posting_batch::follow(late_customer &late, std::size_t &under_way) {
    if (!late.goes_on_as_another())
        return;
    under_way = late.own.first;
    ledger::lock_anew(store_, *late.customer);
    some_were_merged_ = true;
}

// Whether the postings of a customer who is locked would be refused by what is known so far. Then the error is his
// before anybody else is waited for, or a second look finds that there is none. Not asked when several of the call may
// be one by now: what comes before counts.
bool posting_batch::is_refused(const late_customer &late, postings all, const known_keys &known) {
    try {
        std::size_t number = 0;
        if (late.customer)
            plan(store_, *late.customer).take(all, late.fresh, &known, number);
        return !late.customer;
    } catch (const pg::sql_error &) {
        return true;
    }
}

// Whoever changed the customer since may have posted his postings.
void posting_batch::forget(const late_customer &late, known_keys &known) {
    for (std::size_t number = late.own.first; late.changed() && number < late.own.last; ++number)
        known.forget(number);
}

// Looks for the postings of those who changed: once for all of them.
void posting_batch::look_again(std::span<const late_customer> late_ones, postings all, known_keys &known) {
    std::vector<bool> wanted(all.size());
    for (const late_customer &late : late_ones) {
        forget(late, known);
        std::fill(wanted.begin() + static_cast<std::ptrdiff_t>(late.own.first),
                  wanted.begin() + static_cast<std::ptrdiff_t>(late.own.last), late.changed());
    }
    store_.apart([&] { known.look_for(store_, [&wanted](std::size_t number) { return wanted[number]; }); });
}

void posting_batch::add_to_locked(late_customer &late, postings all, known_keys &known, std::size_t &under_way) {
    under_way = late.own.first;
    if (!late.customer)
        ledger::throw_unknown_customer(all[late.own.first]->pass_id);
    if (some_were_merged_) // several of the call may be one by now
        ledger::lock_anew(store_, *late.customer);
    if (late.changed())
        late.fresh = select_fresh(late.own, all, known, under_way);
    if (late.fresh.empty())
        return;
    under_way = late.fresh.front();
    write_off_expired(store_, *late.customer);
    plan made(store_, *late.customer);
    made.take(all, late.fresh, some_were_merged_ ? nullptr : &known, under_way);
    append(*late.customer, made, under_way);
}

// The numbers of a customer's postings that are not posted yet, neither in the ledger nor by this call.
std::vector<std::size_t> posting_batch::select_fresh(const group &own, postings all, known_keys &known,
                                                     std::size_t &under_way) {
    std::vector<std::size_t> fresh;
    for (under_way = own.first; under_way < own.last; ++under_way) {
        const posting &what = *all[under_way];
        std::optional<credit_row> first;
        if (known.may_be_posted(under_way))
            first = find_replay(store_, what);
        const posting *by_txn_id = known.writer_of_txn_id(under_way), *other = known.writer_of_reference(under_way);
        // Two keys that say two things.
        if (other != nullptr && (first || (by_txn_id != nullptr && by_txn_id != other)))
            refuse_other_content(as_credit_row(*other), what);
        if (first && by_txn_id != nullptr)
            refuse_other_content(*first, what);
        const posting *said = by_txn_id != nullptr ? by_txn_id : other;
        if (said != nullptr) {
            const credit_row row = as_credit_row(*said);
            require_same(row, named_as_in(store_, row, what));
        }
        if (first || said != nullptr)
            continue;
        known.set_writer(under_way, &what);
        fresh.push_back(under_way);
    }
    return fresh;
}

void posting_batch::add_new(const ledger::locked_customer &customer, postings all) {
    std::vector<std::size_t> numbers(all.size());
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    std::size_t under_way = 0;
    plan made(store_, customer);
    made.take(all, numbers, nullptr, under_way);
    append(customer, made, under_way);
}

std::int32_t posting_batch::write() {
    store_.append_rest();
    return written_;
}

void posting_batch::append(const ledger::locked_customer &customer, plan &made, std::size_t &under_way) {
    ledger::locked_customer before = customer;
    write_lots_ahead(store_, before, made.after);
    const ledger::appended_rows rows = write_rows(made, under_way);
    under_way = no_posting;
    ledger::project_appended(store_, before, made.after, rows);
    mark_ended(store_, made.ended, made.after);
}

ledger::appended_rows posting_batch::write_rows(const plan &made, std::size_t &under_way) {
    ledger::appended_rows rows;
    for (const auto &[number, what, said] : made.rows) {
        under_way = number;
        ledger::new_row row = row_of(*what, said);
        row.set(schema::ledger::mg_pass_id, made.after.pass_id); // who goes on for who was named
        const char *hint = hint_of(*what);
        switch (store_.append_one_of_many(row, made.after.pass_id, what->delta, hint)) {
        case ledger::appended::no: // by a raw row, or under another customer's lock
            if (!what->own_names)
                refuse_taken_reference(store_, *what);
            if (said.lots.any() || !find_replay(store_, *what))
                ledger::refuse_appended_meanwhile("movement", "pass_id", what->named_as.value_or(what->pass_id));
            continue;
        case ledger::appended::unprojected:
            rows.add(row, what->delta, hint, needs_room(*what));
            [[fallthrough]];
        case ledger::appended::projected:
            ++written_;
        }
    }
    return rows;
}

} // namespace mega::credits
