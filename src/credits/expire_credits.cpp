// mega_expire_credits. Safe to run from any scheduler and at the same time: customers that somebody else has locked are
// skipped and left to the next run.
#include "core/utc_time.hpp"
#include "credits/posting.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/piecemeal.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/planner.hpp"
#include "pg/result.hpp"
#include "schema/due_lot.hpp"

#include <map>
#include <set>

namespace mega::credits {

namespace {

constexpr Oid expired_types[] = {TIMESTAMPTZOID, INT8OID};
// Customers whose end has come for what has no lot.
constinit pg::statement
    due_ends("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_expires_at OPERATOR(pg_catalog.<=) $1 "
             "AND c.mg_expires_at IS NOT NULL AND c.mg_pass_id IS NOT NULL "
             "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT $2",
             expired_types);

constexpr Oid lots_types[] = {INT8OID, INT8OID};
// Lots whose end has come, in the order of their index.
constinit pg::statement due_lots("SELECT g.mg_pass_id, pg_catalog.substr(g.mg_id, 20), g.ctid FROM ONLY "
                                 "@schema@.mega_generations g WHERE " MEGA_DUE_LOT " AND " MEGA_LOT_ENDS
                                 " OPERATOR(pg_catalog.<=) $1 AND g.mg_pass_id IS NOT NULL ORDER BY " MEGA_LOT_ENDS
                                 " LIMIT $2",
                                 lots_types);

class sweep {
public:
    sweep(ledger::call &call, pg::timestamp as_of, std::size_t most) : call_(call), as_of_(as_of), most_(most) {}

    void run() {
        // Those that somebody has locked are looked past, so that others take their place.
        for (bool some_skipped = true; some_skipped && expired_ < most_ && !parts_.gives_up();)
            some_skipped = settle(find());
        parts_.tell(expired_ > 0);
    }

    std::int32_t expired() const { return static_cast<std::int32_t>(expired_); }
    std::int64_t credits() const { return credits_; }

private:
    // Customers in byte order, and of each the lots that are due.
    using due_customers = std::map<std::string, std::vector<due_lot>>;

    // The next ones, none of whom was looked at before.
    due_customers find() {
        ledger::store &store = call_.store();
        due_customers due;
        const auto take = [&](const pg::rows &found, std::uint64_t row) -> std::vector<due_lot> * {
            std::string pass_id(*found.text(row, 0));
            if (seen_.contains(pass_id) || (due.size() >= most_ && !due.contains(pass_id)))
                return nullptr;
            return &due[std::move(pass_id)];
        };
        const auto limit = [this](std::size_t seen) { return static_cast<std::int64_t>(most_ + seen); };
        store.apart([&] {
            const pg::rows found = store.run(store.where().customers, due_ends, as_of_, limit(seen_.size()));
            for (std::uint64_t i = 0; i < found.count(); ++i)
                take(found, i);
        });
        // Of one customer many may be due, most of them spent: then more are looked at.
        const std::int64_t least = limit(lots_seen_), most = least * static_cast<std::int64_t>(core::most_open_lots);
        std::int64_t wanted = least;
        const auto look = [&] {
            pg::only_in_index_order from_the_index; // a plan that sorts reads all that wait
            const pg::rows found = store.run(store.where().generations, due_lots, pg::unix_micros(as_of_), wanted);
            from_the_index.done();
            const bool cut_off = static_cast<std::int64_t>(found.count()) == wanted;
            if (std::exchange(wanted, std::min(wanted * 4, most)) < most && cut_off && customers_in(found) <= most_)
                return false;
            lots_seen_ += found.count();
            for (std::uint64_t i = 0; i < found.count(); ++i)
                if (auto *lots = take(found, i))
                    lots->push_back({std::string(*found.text(i, 1)), found.place(i, 2)});
            return true;
        };
        for (bool done = false; !done;)
            store.apart([&] { done = look(); });
        return due;
    }

    // How many they are, none of whom was looked at before.
    std::size_t customers_in(const pg::rows &found) const {
        std::set<std::string, std::less<>> customers;
        for (std::uint64_t i = 0; i < found.count(); ++i)
            if (const std::string_view pass_id = *found.text(i, 0); !seen_.contains(pass_id))
                customers.emplace(pass_id);
        return customers.size();
    }

    // Whether anybody was passed over.
    bool settle(const due_customers &due) {
        std::vector<const due_customers::value_type *> customers;
        for (const auto &one : due)
            customers.push_back(&one);
        const std::span<const due_customers::value_type *const> all(customers);
        bool some_skipped = false;
        for (std::size_t i = 0; i < all.size() && expired_ < most_;) {
            const auto part = all.subspan(i, std::min(all.size() - i, most_ - expired_));
            i += part.size();
            for (const auto *one : part)
                seen_.insert(one->first);
            const auto settle_all = [&](ledger::store &store, std::span<const due_customers::value_type *const> some) {
                some_skipped = !settle_some(store, some) || some_skipped;
            };
            parts_.run(part, settle_all,
                       [](const due_customers::value_type *one) -> std::string_view { return one->first; });
            some_skipped = some_skipped || parts_.left_out_any();
        }
        return some_skipped;
    }

    // False when somebody was locked.
    bool settle_some(ledger::store &store, std::span<const due_customers::value_type *const> customers) {
        bool all = true;
        std::size_t expired = 0;
        std::int64_t credits = 0;
        for (const auto *one : customers) {
            pg::check_for_interrupts();
            store.apart([&] {
                const auto gone = settle_one(store, one->first, one->second);
                all = all && gone;
                expired += gone && *gone ? 1 : 0;
                credits += gone && *gone ? **gone : 0;
            });
        }
        store.append_rest();
        expired_ += expired;
        credits_ += credits;
        return all;
    }

    // What went; nothing when there was nothing to settle. std::nullopt outside for a customer who is locked.
    std::optional<std::optional<std::int64_t>> settle_one(ledger::store &store, const std::string &pass_id,
                                                          const std::vector<due_lot> &lots) {
        auto customer = store.lock_customer(pass_id, LockWaitSkip);
        if (!customer || customer->merged_into) // what was his is found with another customer
            return std::nullopt;
        return settle_lots(store, *customer, as_of_, lots);
    }

    ledger::call &call_;
    const pg::timestamp as_of_;
    const std::size_t most_;
    std::set<std::string, std::less<>> seen_; // customers
    std::size_t lots_seen_ = 0;
    std::size_t expired_ = 0;
    std::int64_t credits_ = 0;
    ledger::piecemeal parts_{call_.store().where()};
};

Datum expire_credits(FunctionCallInfo fcinfo) {
    using in = arguments::expire_credits;
    const pg::arguments given(fcinfo);
    const pg::timestamp as_of = ledger::require_time("as_of", given.time(in::as_of));
    if (as_of > pg::clock_time())
        throw pg::sql_error{ledger::bad_argument, "as_of lies ahead", "as_of=" + core::iso_utc(pg::unix_micros(as_of)),
                            "What ends later has not ended: leave as_of out."};
    const std::int32_t most = require_positive("max_customers", given.int4(in::max_customers));
    ledger::call call(fcinfo);
    sweep over(call, as_of, static_cast<std::size_t>(most));
    over.run();
    call.finish();
    return pg::return_row(fcinfo, over.expired(), over.credits());
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_expire_credits, mega::credits::expire_credits);
