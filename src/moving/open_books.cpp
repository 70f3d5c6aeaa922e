// mega_open_books: makes I1 and I2 true on tables that were filled before mega kept the books. What is stored stays;
// the ledger is brought to it by facts that say so; or, when it is the ledger that is to be trusted, the other way
// round (open_books_from_ledger.hpp). A second run finds nothing to do.
#include "core/opening.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/fold_lots.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/merged.hpp"
#include "ledger/new_row.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/project.hpp"
#include "ledger/unprojected.hpp"
#include "moving/open_books_from_ledger.hpp"
#include "moving/require_owner.hpp"
#include "moving/standing.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/rounds.hpp"

namespace mega::moving {

namespace {

using column = schema::ledger;

// Those that have to be looked at, in byte order of pass id: the order in which customers are locked.
constinit pg::statement candidates(
    "SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c LEFT JOIN (SELECT g.mg_pass_id, "
    "pg_catalog.sum(g.mg_delta) FILTER (WHERE g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction') AS total, "
    "pg_catalog.bool_or(g.mg_record_type OPERATOR(pg_catalog.=) 'mma_event') AS events, "
    "pg_catalog.bool_or(" MEGA_LOT_ROW ") AS lots "
    "FROM ONLY @schema@.mega_generations g GROUP BY g.mg_pass_id) s ON s.mg_pass_id COLLATE pg_catalog.\"C\" "
    "OPERATOR(pg_catalog.=) "
    "c.mg_pass_id "
    "WHERE c.mg_pass_id IS NOT NULL AND (c.mg_credits IS NULL "
    "OR c.mg_credits::pg_catalog.int8 OPERATOR(pg_catalog.<>) coalesce(s.total, 0) OR s.events OR s.lots "
    "OR (c.mg_meta OPERATOR(pg_catalog.#>) '{mega,lots}') IS NOT NULL "
    "OR c.mg_mma_preferences IS NULL OR c.mg_mma_preferences OPERATOR(pg_catalog.?|) "
    "'{hard_blocks,tag_weights,updated_at,source,positions}'::pg_catalog.text[]) "
    "GROUP BY c.mg_pass_id ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\"");

constexpr Oid prefix_types[] = {TEXTOID, TEXTOID, TEXTOID};
constinit pg::statement openings("SELECT pg_catalog.count(*) FROM ONLY @schema@.mega_generations g "
                                 "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
                                 "AND g.mg_record_type OPERATOR(pg_catalog.=) $2 "
                                 "AND pg_catalog.starts_with(g.mg_id COLLATE pg_catalog.\"C\", $3)",
                                 prefix_types);

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement rows_of("SELECT pg_catalog.count(*) FROM ONLY @schema@.mega_customers c "
                                "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                pass_id_type);

// Opens the books of one customer.
class bookkeeper {
public:
    bookkeeper(ledger::store &store, pg::row_set &report, const std::string &pass_id, bool dry_run)
        : store_(store), report_(report), pass_id_(pass_id), dry_run_(dry_run) {}

    void work() {
        if (!dry_run_) {
            if (store_.run(store_.where().customers, rows_of, pass_id_).int8(0, 0) != 1) {
                stand(); // says so: one such customer must not stop the others
                return;
            }
            auto locked = store_.lock_customer(pass_id_);
            if (!locked)
                return;
            customer_ = *std::move(locked);
        }
        const auto now = stand();
        if (!now)
            return;
        // Nothing was stored, and the ledger says what no balance can: one such customer must not stop the others.
        if (!now->credits && !std::in_range<std::int32_t>(now->ledger_sum))
            return report_.add(pass_id_, "customer",
                               books(now->credits, now->ledger_sum) + ": more than a balance can be", std::nullopt);
        if (!is_written_to())
            return tell_left(*now);
        if (now->credits != now->ledger_sum)
            open_credits(*now);
        open_preferences(*now);
    }

private:
    // Nobody stores anything of who was merged into another one or erased: there is nothing to bring a ledger to, and
    // a fact would be the other one's.
    bool is_written_to() {
        const auto meant = ledger::customer_meant(store_, pass_id_);
        return !meant || (meant->pass_id == pass_id_ && !meant->erased);
    }

    void tell_left(const standing &now) {
        if (now.credits == now.ledger_sum &&
            (!now.preferences || same_document(managed_of(now.preferences), core::fold_all(read_events()))))
            return;
        report_.add(pass_id_, "customer",
                    books(now.credits, now.ledger_sum) + ": merged or erased, trust => 'ledger' sets it", std::nullopt);
    }

    std::optional<standing> stand() { return moving::stand(store_, report_, pass_id_, access()); }

    pg::access access() const { return dry_run_ ? pg::access::read_only : pg::access::read_write; }

    void open_credits(const standing &now) {
        const std::int64_t balance = now.credits ? std::int64_t{*now.credits} : now.ledger_sum;
        std::string after = counted("balance ", balance) + ", " + counted("ledger ", balance);
        if (!dry_run_) {
            ledger::unprojected::note_opening(pass_id_);
            if (now.credits)
                append_difference(*now.credits, now.ledger_sum);
            else // nothing was stored: the ledger's sum is what there is
                ledger::project_credits(store_, customer_, now.ledger_sum);
            after = verified_books();
        }
        report_.add(pass_id_, "credits", books(now.credits, now.ledger_sum), after);
    }

    // Looks again: a trigger of somebody else may have made another row of the opening.
    std::string verified_books() {
        const auto after = stand();
        const std::string found = after ? books(after->credits, after->ledger_sum) : std::string();
        if (!after || after->credits != after->ledger_sum)
            throw pg::sql_error{"55000", "the ledger could not be brought to the balance",
                                "pass_id=" + pg::quoted(pass_id_) + " " + found,
                                "See whether another trigger changes the rows of mega_generations."};
        return found;
    }

    // In steps, because a row's delta is an integer and the difference may be more.
    void append_difference(std::int32_t balance, std::int64_t ledger_sum) {
        while (ledger_sum != balance) {
            pg::check_for_interrupts();
            const auto delta =
                static_cast<std::int32_t>(std::clamp<std::int64_t>(balance - ledger_sum, -PG_INT32_MAX, PG_INT32_MAX));
            append_opening(balance, ledger_sum, delta);
            ledger_sum += delta;
        }
    }

    void append_opening(std::int32_t balance, std::int64_t ledger_sum, std::int32_t delta) {
        pg::json_builder meta;
        meta.begin_object();
        meta.key("balance").number(balance).key("ledger").number(ledger_sum);
        const pg::jsonb found = meta.end_object().finish();
        const pg::timestamp now = ledger::stamp_behind(customer_.updated_at);
        append_numbered("credit_transaction", [&](ledger::new_row &row) {
            row.set(column::mg_delta, delta)
                .set(column::mg_reason, "opening")
                .set(column::mg_source, "opening")
                .set(column::mg_ref_type, "opening")
                .set(column::mg_ref_id, row.id().substr(std::string_view("opening:").size()))
                .set(column::mg_status, "succeeded")
                .set(column::mg_meta, found)
                .set(column::mg_created_at, now)
                .set(column::mg_updated_at, now);
            const in_flight_opening contained(row.mg_id(), pass_id_, delta);
            return store_.append(row);
        });
        customer_.updated_at = now;
    }

    using in_flight_opening = ledger::in_flight::opening;

    // Appends a row under the first number that is free behind opening:<pass id>:
    template <class Append> void append_numbered(std::string_view record_type, Append append) {
        // A pass id of somebody's own making may be too long or too odd to be a part of an id.
        const bool fits = pass_id_.size() <= longest_pass_id && !has_control_character(pass_id_);
        const std::string id = "opening:" + pass_id_ + ":";
        for (std::int64_t number = count(record_type, id) + 1;; ++number) {
            pg::check_for_interrupts();
            ledger::new_row row(record_type, fits ? id + std::to_string(number) : "opening:" + ledger::new_id());
            row.set(column::mg_pass_id, pass_id_);
            if (append(row))
                return;
        }
    }

    std::int64_t count(std::string_view record_type, const std::string &id) {
        return store_.as_owner(store_.where().generations, [&] {
            return store_.spi()
                .run(openings, store_.where().schema, access(), pass_id_, record_type,
                     std::string(record_type) + ":" + id)
                .int8(0, 0)
                .value_or(0);
        });
    }

    static constexpr std::size_t longest_pass_id = 480;

    static bool has_control_character(std::string_view text) {
        return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    }

    void open_preferences(const standing &now) {
        const core::json stored = managed_of(now.preferences);
        auto events = read_events();
        const core::json folded = core::fold_all(events);
        if (now.preferences && same_document(stored, folded))
            return;
        // Nothing was ever stored: the events are what there is.
        if (!stored.object().empty()) {
            auto payloads = core::opening_payloads(stored, folded);
            if (payloads.empty() && events.empty()) // a snapshot that shows nothing is a snapshot
                payloads.push_back(core::json::make_object());
            append_events(payloads, events);
        }
        if (!dry_run_)
            ledger::refold_preferences(store_, customer_of_now());
        report_.add(pass_id_, "preferences", now.preferences ? std::optional(text_of(stored)) : std::nullopt,
                    text_of(core::fold_all(std::move(events))));
    }

    std::vector<core::preference_event> read_events() {
        return store_.as_owner(store_.where().generations,
                               [&] { return ledger::read_events(store_.spi(), store_.where(), pass_id_, access()); });
    }

    // Appends an event for each payload, or only tells what they would make.
    void append_events(const std::vector<core::json> &payloads, std::vector<core::preference_event> &events) {
        pg::timestamp at = behind(events);
        for (const core::json &payload : payloads) {
            const pg::jsonb meta = document_of(core::json::make_object(
                {{"event_type", core::json::make_string("preference_set")}, {"payload", payload}}));
            std::string mg_id = "mma_event:opening:";
            if (!dry_run_)
                append_numbered("mma_event", [&](ledger::new_row &row) {
                    mg_id = row.mg_id();
                    row.set(column::mg_meta, meta).set(column::mg_created_at, at).set(column::mg_updated_at, at);
                    return store_.append(row);
                });
            events.push_back({ledger::position_of(at, mg_id), ledger::effects_of(meta, ledger::bad_column)});
            ++at.value;
        }
    }

    // The clock, or behind the newest event when that is ahead by minutes only: clocks differ. One that lies far ahead
    // stays the last; a set there would void every like until then.
    static pg::timestamp behind(const std::vector<core::preference_event> &events) {
        // Room for what is appended behind it: no row may be dated further ahead.
        constexpr std::int64_t tolerance = ledger::most_ahead - pg::microseconds_per_second;
        pg::timestamp at = pg::clock_time();
        for (const core::preference_event &event : events)
            if (const pg::timestamp other = pg::from_unix_micros(event.at.micros);
                other >= at && other.value - at.value < tolerance)
                at.value = other.value + 1;
        return at;
    }

    ledger::locked_customer customer_of_now() { return ledger::require_locked_customer(store_, pass_id_); }

    ledger::store &store_;
    pg::row_set &report_;
    const std::string &pass_id_;
    bool dry_run_;
    ledger::locked_customer customer_;
};

std::vector<std::string> find_candidates(const schema::table_catalog &where, bool dry_run) {
    pg::spi_connection spi;
    const pg::rows found = ledger::store::as_owner(where.customers, [&] {
        return spi.run(candidates, where.schema, dry_run ? pg::access::read_only : pg::access::read_write);
    });
    std::vector<std::string> pass_ids;
    pass_ids.reserve(found.count());
    for (std::uint64_t i = 0; i < found.count(); ++i)
        pass_ids.emplace_back(found.text(i, 0).value_or(""));
    spi.finish();
    return pass_ids;
}

// Whether the ledger is the truth, and not what is stored.
bool trusts_ledger(std::optional<std::string_view> trust) {
    if (trust != "stored" && trust != "ledger")
        throw pg::sql_error{ledger::bad_argument, "trust is neither stored nor ledger",
                            "trust=" + (trust ? pg::quoted(*trust) : std::string("NULL")),
                            "stored brings the ledger to the balances and snapshots, ledger brings them to it."};
    return trust == "ledger";
}

Datum open_books(FunctionCallInfo fcinfo) {
    using in = arguments::open_books;
    const pg::arguments given(fcinfo);
    const bool dry_run = ledger::require("dry_run", given.boolean(in::dry_run));
    const bool from_ledger = trusts_ledger(given.text(in::trust));
    const Oid function = fcinfo->flinfo->fn_oid;
    const schema::table_catalog &where =
        dry_run ? schema::catalog_of(function)
                : schema::guarded_catalog_of(function, from_ledger ? schema::written::all : schema::written::books);
    require_owner(where, "mega_open_books");
    if (!dry_run)
        ledger::in_flight::require_none(ledger::in_flight::act::merge,
                                        "books are not opened while customers are merged");
    pg::row_set report(fcinfo);
    pg::rounds customers;
    for (const std::string &pass_id : find_candidates(where, dry_run))
        customers.run([&](pg::spi_connection &spi) {
            const auto store = ledger::open_store(spi, where);
            if (from_ledger)
                set_from_ledger(*store, report, pass_id, dry_run);
            else
                bookkeeper(*store, report, pass_id, dry_run).work();
        });
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::moving

PG_ENTRY(mega_open_books, mega::moving::open_books);
