#include "credits/recording.hpp"

#include "ledger/checked.hpp"
#include "ledger/direct.hpp"
#include "pg/clock.hpp"
#include "pg/snapshot.hpp"

namespace mega::credits {

namespace {

using movements = std::span<const movement *const>;

// Where the movements of one customer stand.
struct group {
    std::size_t first, last; // behind the last one
};

std::vector<group> groups_of(movements all) {
    std::vector<group> groups;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == 0 || all[i]->pass_id != all[i - 1]->pass_id)
            groups.push_back({i, i});
        groups.back().last = i + 1;
    }
    return groups;
}

using customer_changes = std::vector<ledger::direct::customer_change>;

customer_changes changes_between(const ledger::locked_customer &before, const ledger::locked_customer &after) {
    using column = schema::customer;
    customer_changes changes{{column::mg_credits, pg::to_datum(after.credits)},
                             {column::mg_updated_at, pg::to_datum(after.updated_at)}};
    if (after.expires_at != before.expires_at)
        changes.emplace_back(column::mg_expires_at, pg::to_datum(after.expires_at));
    return changes;
}

} // namespace

// What movements make of a customer, and the rows that say so.
struct recording::plan {
    struct row {
        std::size_t number; // of the movement, for the caller's error
        const movement *what;
        pg::timestamp stamp;
    };

    explicit plan(const ledger::locked_customer &customer) : after(customer) {}

    void take(std::size_t number, const movement &what) {
        check_spend(after, what);
        after.credits = ledger::balance_after(after, what.delta);
        after.updated_at = ledger::stamp_behind(after.updated_at);
        if (what.expires_at && (!after.expires_at || *after.expires_at < *what.expires_at))
            after.expires_at = what.expires_at;
        rows.push_back({number, &what, after.updated_at});
    }

    ledger::locked_customer after;
    std::vector<row> rows;
};

namespace {

// Which of many movements are said twice among them, and which may be in the ledger. Most are in neither, and their
// keys mostly stand side by side: so a stretch of keys is looked for at once before one of them is looked for alone.
class known_keys {
public:
    explicit known_keys(movements all)
        : all_(all), by_txn_id_(all.size()), by_reference_(all.size()), may_be_recorded_(all.size()) {
        std::vector<std::string> mg_ids(all.size());
        std::vector<key> ids, references;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i]->txn_id)
                ids.push_back({{}, mg_ids[i] = mg_id_of(*all[i]->txn_id), {}, i});
            if (all[i]->ref_id)
                references.push_back({*all[i]->ref_type, *all[i]->ref_id, all[i]->reason, i});
        }
        note(ids, by_txn_id_, [](std::string_view, auto texts, auto found) { ledger::direct::find_ids(texts, found); });
        note(references, by_reference_, ledger::direct::find_references);
    }

    // Whether an earlier movement has a key of this one; raises MG002 when it says something else.
    bool said_before(std::size_t number) const {
        const movement *first = by_txn_id_[number], *other = by_reference_[number];
        if (first != nullptr && other != nullptr && first != other)
            refuse(*other, *all_[number]);
        if (first == nullptr)
            first = other;
        if (first != nullptr && (first->pass_id != all_[number]->pass_id || first->delta != all_[number]->delta))
            refuse(*first, *all_[number]);
        return first != nullptr;
    }

    bool may_be_recorded(std::size_t number) const { return may_be_recorded_[number]; }

private:
    struct key {
        std::string_view type, id, reason; // of an mg_id only the id
        std::size_t number;

        bool same(const key &other) const { return type == other.type && id == other.id && reason == other.reason; }
        auto operator<=>(const key &) const = default;
    };

    using firsts = std::vector<const movement *>; // by number: the first movement with the same key, if not itself

    template <class Find> void note(std::vector<key> &keys, firsts &first_with, Find find) {
        std::ranges::sort(keys);
        for (std::size_t i = 1, first = 0; i < keys.size(); ++i) {
            if (keys[i].same(keys[first]))
                first_with[keys[i].number] = all_[keys[first].number];
            else
                first = i;
        }
        constexpr std::size_t stretch = 128; // what is looked for at once
        for (std::size_t first = 0, size = 0; first < keys.size(); first += size) {
            std::array<std::string_view, stretch> texts;
            std::array<bool, stretch> found{};
            for (size = 0; size < stretch && first + size < keys.size(); ++size) {
                if (keys[first + size].type != keys[first].type)
                    break;
                texts[size] = keys[first + size].id;
            }
            find(keys[first].type, std::span(texts).first(size), std::span(found).first(size));
            for (std::size_t i = 0; i < size; ++i)
                if (found[i])
                    may_be_recorded_[keys[first + i].number] = true;
        }
    }

    [[noreturn]] static void refuse(const movement &first, const movement &again) {
        refuse_other_content({first.txn_id ? mg_id_of(*first.txn_id) : std::string("an earlier entry of this call"),
                              first.pass_id, first.delta, ""},
                             again);
    }

    movements all_;
    firsts by_txn_id_, by_reference_;
    std::vector<bool> may_be_recorded_;
};

} // namespace

struct recording::late_customer {
    ledger::locked_customer customer;
    std::vector<std::size_t> waiting; // the numbers of the movements
};

void recording::add(movements all, std::size_t &under_way) {
    for (late_customer &late : add_to_unlocked(all, under_way)) {
        pg::check_for_interrupts();
        add_to_locked(late, all, under_way);
    }
}

// Returns those who are locked and have to wait until the snapshot is given back.
std::vector<recording::late_customer> recording::add_to_unlocked(movements all, std::size_t &under_way) {
    std::vector<late_customer> late;
    // The looks for replays and the changes are by one snapshot: a customer whom nobody changed since has no new rows.
    // What is written here is not read here.
    pg::same_moment moment;
    const known_keys known(all);
    for (const group &own : groups_of(all)) {
        pg::check_for_interrupts();
        std::vector<std::size_t> fresh;
        for (under_way = own.first; under_way < own.last; ++under_way) {
            const bool recorded =
                known.may_be_recorded(under_way) && find_replay(session_, where_, *all[under_way]).has_value();
            if (!known.said_before(under_way) && !recorded)
                fresh.push_back(under_way);
        }
        if (fresh.empty())
            continue;
        under_way = own.first;
        std::optional<plan> made;
        const auto make = [&](const ledger::locked_customer &customer) -> std::optional<customer_changes> {
            if (customer.expires_at && *customer.expires_at <= pg::clock_time())
                return std::nullopt; // what expired goes first
            made.emplace(customer);
            for (const std::size_t number : fresh)
                made->take(number, *all[number]);
            return changes_between(customer, made->after);
        };
        auto visited = ledger::direct::change_or_lock_customer(all[own.first]->pass_id, make);
        if (!visited)
            ledger::throw_unknown_customer(all[own.first]->pass_id);
        if (visited->locked)
            late.push_back({*std::move(visited->locked), std::move(fresh)});
        else
            write_rows(*made, under_way);
    }
    moment.done();
    return late;
}

void recording::add_to_locked(late_customer &late, movements all, std::size_t &under_way) {
    const auto is_replay = [&](std::size_t number) {
        under_way = number;
        return (all[number]->txn_id || all[number]->ref_id) && find_replay(session_, where_, *all[number]);
    };
    if (late.customer.changed_meanwhile) // whoever changed it may have recorded them
        std::erase_if(late.waiting, is_replay);
    if (late.waiting.empty())
        return;
    under_way = late.waiting.front();
    settle_expiry(session_, where_, late.customer, pg::clock_time());
    plan made(late.customer);
    for (const std::size_t number : late.waiting) {
        under_way = number;
        made.take(number, *all[number]);
    }
    change(late.customer, made, under_way);
}

void recording::add_new(const ledger::locked_customer &customer, std::span<const movement> all) {
    plan made(customer);
    for (std::size_t i = 0; i < all.size(); ++i)
        made.take(i, all[i]);
    std::size_t under_way = 0;
    change(customer, made, under_way);
}

std::int32_t recording::write() {
    rows_.append();
    return written_;
}

void recording::change(const ledger::locked_customer &customer, const plan &made, std::size_t &under_way) {
    ledger::direct::update_customer(customer.pass_id, changes_between(customer, made.after), &customer.place);
    write_rows(made, under_way);
}

void recording::write_rows(const plan &made, std::size_t &under_way) {
    for (const auto &[number, what, stamp] : made.rows) {
        under_way = number;
        rows_.add(row_of(*what, stamp));
        ++written_;
    }
}

} // namespace mega::credits
