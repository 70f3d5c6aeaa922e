// mega_record_mma_events: many events, all or none, each customer's projected once.
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/held_key.hpp"
#include "ledger/merged.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/entries.hpp"
#include "studio/event.hpp"
#include "studio/generation.hpp"

#include <map>

namespace mega::studio {

namespace {

constexpr std::string_view members[] = {"pass_id", "event_type", "payload", "generation_id", "event_id", "created_at"};

struct batched {
    std::size_t position;
    std::string pass_id;
    std::string type;
    event what;
};

batched read_entry(const entry &given) {
    given.refuse_others(members);
    batched read{given.position(), {}, {}, {}};
    const auto pass_id = given.text("pass_id"), type = given.text("event_type");
    read.pass_id = ledger::require_text("pass_id", pass_id);
    read.type = ledger::require("event_type", type);
    read.what.type = read.type;
    read.what.payload = ledger::require_object("payload", given.document("payload"));
    if (const auto generation = given.text("generation_id"))
        read.what.generation_id = std::string(read_generation_id(generation));
    if (const auto id = given.text("event_id"))
        read.what.id = read_event_id(*id);
    read.what.created_at = given.time("created_at");
    return read;
}

bool say_the_same(const event &one, const event &other) {
    return one.type == other.type && one.generation_id == other.generation_id &&
           pg::equal(pg::root_of(one.payload), pg::root_of(other.payload));
}

class event_batch {
public:
    explicit event_batch(ledger::store &store) : store_(store) {}

    // The events of one customer, who is locked here, in the order in which they were given.
    void add(std::span<const batched *const> of_customer) {
        const std::string &named = of_customer.front()->pass_id;
        const ledger::locked_customer customer = at_entry(of_customer.front()->position, [&] {
            return ledger::require_locked_or_erased_customer(store_, named); // he may have been merged meanwhile
        });
        const std::string &pass_id = customer.pass_id;
        pg::timestamp last =
            ledger::newest_time(ledger::preferences_of(store_, pass_id)).value_or(pg::timestamp{PG_INT64_MIN});
        for (const batched *one : of_customer) {
            pg::check_for_interrupts();
            const bool known = at_entry(one->position, [&] {
                const bool there = is_known(*one);
                if (!there)
                    check(one->what);
                if (!there && customer.erased)
                    ledger::refuse_erased(named);
                return there;
            });
            if (known)
                continue;
            const pg::timestamp at = one->what.created_at ? *one->what.created_at : ledger::stamp_behind(last);
            last = std::max(last, at);
            event what = one->what;
            what.pass_id = pass_id;
            rows_.push_back(row_of(what, at));
            positions_.push_back(one->position);
        }
    }

    // All together: each customer is projected once. Of a row that may not be the error names the id, which is made up
    // where none was given.
    std::int32_t write() {
        const auto position_of = [this](std::string_view detail) {
            for (std::size_t i = 0; i < rows_.size(); ++i)
                if (detail.starts_with("mg_id=" + pg::quoted(rows_[i].mg_id())))
                    return std::optional(positions_[i]);
            return std::optional<std::size_t>();
        };
        at_entry_of(position_of, [this] { store_.append_many(rows_); });
        return static_cast<std::int32_t>(rows_.size());
    }

private:
    // In the ledger, or in this call.
    bool is_known(const batched &one) {
        if (!one.what.id)
            return false;
        const auto [first, is_new] = by_id_.try_emplace(*one.what.id, &one.what);
        if (is_new)
            return is_replay(store_, one.what);
        if (!ledger::means_customer(store_.where(), one.what.pass_id, first->second->pass_id) ||
            !say_the_same(*first->second, one.what))
            throw pg::sql_error{"MG002", "this event was recorded with other content",
                                "mg_id=" + pg::quoted("mma_event:" + *one.what.id),
                                "Repeat a call with the same arguments, or use another event_id."};
        return true;
    }

    ledger::store &store_;
    std::vector<ledger::new_row> rows_;
    std::vector<std::size_t> positions_; // of their entries
    std::map<std::string, const event *, std::less<>> by_id_;
};

Datum record_mma_events(FunctionCallInfo fcinfo) {
    using in = arguments::record_mma_events;
    std::vector<batched> all;
    for_each_entry("events", ledger::require("events", pg::arguments(fcinfo).json(in::events)),
                   [&](const entry &one) { all.push_back(read_entry(one)); });
    ledger::call call(fcinfo);
    std::vector<const batched *> sorted;
    for (batched &one : all) {
        one.pass_id.assign(ledger::resolve_pass_id(call.store().where(), one.pass_id));
        one.what.pass_id = one.pass_id;
        one.what.type = one.type; // where it stands now
        sorted.push_back(&one);
    }
    // In byte order of who is meant, so that customers are locked in order; a customer's events stay in theirs.
    std::ranges::stable_sort(sorted, {}, [](const batched *one) -> const std::string & { return one->pass_id; });
    if (ledger::key_locks keys(call.store().where()); keys.are_needed()) {
        for (const batched &one : all)
            if (one.what.id)
                keys.add("mma_event:" + *one.what.id);
        keys.take();
    }
    event_batch batch(call.store());
    for (auto first = sorted.begin(); first != sorted.end();) {
        const auto last =
            std::find_if(first, sorted.end(), [&](const batched *one) { return one->pass_id != (*first)->pass_id; });
        batch.add({first, last});
        first = last;
    }
    const std::int32_t written = batch.write();
    call.finish();
    return pg::return_row(fcinfo, written, static_cast<std::int32_t>(all.size()) - written);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_record_mma_events, mega::studio::record_mma_events);
