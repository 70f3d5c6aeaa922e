// mega_claim_generations, mega_extend_claim: generations for workers, oldest first, none to two at once. What is
// claimed stands in mega's own key of the row (I17): a worker that died holds nothing for longer than its lease. One
// that a rule of somebody else's keeps as it is keeps nobody from those behind it.
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/own_key.hpp"
#include "ledger/piecemeal.hpp"
#include "ledger/words.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/planner.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"

#include <charconv>

namespace mega::studio {

namespace {

using column = schema::ledger;

constexpr std::string_view claim_key = "claim";

// Where the look for the next one begins: behind it.
struct place {
    pg::timestamp created_at;
    std::string mg_id;
};

// By the index of what is pending and not deleted. What somebody else has locked is claimed or ended just now. Most
// of what waits is claimed: that is asked first. What ended is no more to be had, whatever somebody wrote over
// mg_status.
constexpr Oid claimable_types[] = {TIMESTAMPTZOID, TEXTOID, TEXTOID, INT8OID, INT4OID};
constinit pg::statement claimable =
    pg::statement("SELECT g.mg_id, g.mg_created_at FROM ONLY @schema@.mega_generations g "
                  "WHERE g.mg_record_type OPERATOR(pg_catalog.=) 'generation' "
                  "AND g.mg_status OPERATOR(pg_catalog.=) 'pending' AND g.mg_deleted_at IS NULL "
                  "AND coalesce(g.mg_mma_status OPERATOR(pg_catalog.<>) ALL ('{done,error}'), true) "
                  "AND g.mg_id IS NOT NULL AND ROW(g.mg_created_at, g.mg_id) OPERATOR(pg_catalog.>) ROW($1, $2) "
                  "AND CASE WHEN $3 IS NULL THEN true ELSE g.mg_mma_mode OPERATOR(pg_catalog.=) $3 END "
                  "AND CASE WHEN coalesce((g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,claim,until}')::pg_catalog.int8 "
                  "OPERATOR(pg_catalog.<=) $4, g.mg_mma_status OPERATOR(pg_catalog.=) 'queued') THEN "
                  "g.mg_meta OPERATOR(pg_catalog.#>) '{mega,erased}' IS NULL ELSE false END "
                  "ORDER BY g.mg_created_at, g.mg_id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED",
                  claimable_types)
        .by_key();

struct claim {
    std::string worker;
    std::int64_t until; // microseconds since 1970
    std::int32_t attempt;
};

// The time an interval ahead of now, or, with sign -1, behind it. Raises 22023 when that is not where it lies.
pg::timestamp away(const char *name, const std::optional<const Interval *> &interval, int sign) {
    const Interval *distance = ledger::require(name, interval);
    const pg::timestamp now = pg::clock_time();
    const pg::timestamp at = pg::moved(now, distance, sign);
    if (!pg::is_finite(at) || (sign > 0 ? at <= now : at >= now))
        throw pg::sql_error{ledger::bad_argument,
                            std::string(name) + " must be a finite time above zero",
                            {},
                            "Use for example interval '15 minutes'."};
    return at;
}

std::optional<claim> claim_of(const locked_generation &generation) {
    const auto meta = generation.json(column::mg_meta);
    const auto stored = meta ? ledger::own_member(*meta, claim_key) : std::nullopt;
    if (!stored || !stored->is_object())
        return std::nullopt;
    const auto worker = pg::find(stored->container(), "worker"), until = pg::find(stored->container(), "until"),
               attempt = pg::find(stored->container(), "attempt");
    if (!worker || !worker->is_string() || !until || !until->is_number() || !attempt || !attempt->int4())
        return std::nullopt;
    claim read{std::string(worker->string()), 0, *attempt->int4()};
    const std::string number = until->number();
    std::from_chars(number.data(), number.data() + number.size(), read.until);
    return read;
}

// As `claimable` asks.
bool waits(const locked_generation &generation) {
    const auto word = generation.text(column::mg_mma_status);
    const auto outcome = word ? ledger::outcome_of(*word) : std::nullopt;
    return generation.text(column::mg_status) == "pending" && !generation.is_deleted() &&
           (!outcome || *outcome == "pending");
}

void write(ledger::store &store, locked_generation &generation, const claim &made) {
    const pg::jsonb meta = generation.json(column::mg_meta).value_or(pg::empty_object());
    const pg::jsonb noted = ledger::with_own_members(meta, {claim_key}, [&](pg::json_builder &builder) {
        builder.key(claim_key).begin_object();
        builder.key("worker").text(made.worker);
        builder.key("until").number(made.until);
        builder.key("attempt").number(made.attempt);
        builder.end_object();
    });
    generation.set(column::mg_meta, noted);
    const ledger::in_flight::own_key writing(generation.mg_id(), ledger::own_value_of(noted));
    generation.write(store);
}

struct wanted {
    std::string worker;
    std::int64_t until; // microseconds since 1970
    std::optional<std::string_view> mode;
};

// Hands out the oldest behind a place, which becomes that of the last one that was found, and tells them behind the
// last write. Returns how many.
std::size_t claim_next(ledger::store &store, const wanted &asked, place &behind, std::size_t most,
                       pg::row_set &result) {
    pg::only_in_index_order from_the_index; // every claim would sort all that wait otherwise
    const pg::rows found = store.run(store.where().generations, claimable, behind.created_at, behind.mg_id, asked.mode,
                                     pg::unix_micros(pg::clock_time()), static_cast<std::int32_t>(most));
    from_the_index.done();
    std::vector<std::pair<locked_generation, std::int32_t>> claimed;
    for (std::uint64_t i = 0; i < found.count(); ++i) {
        behind = {*found.time(i, 1), std::string(*found.text(i, 0))};
        locked_generation generation(store, behind.mg_id, std::nullopt);
        const auto before = claim_of(generation);
        const claim made{asked.worker, asked.until, before ? before->attempt + 1 : 1};
        write(store, generation, made);
        claimed.emplace_back(std::move(generation), made.attempt);
    }
    for (const auto &[generation, attempt] : claimed)
        result.add(generation.id(), generation.pass_id(), generation.text(column::mg_mma_mode),
                   generation.text(column::mg_mma_status), generation.json(column::mg_mma_vars),
                   generation.json(column::mg_meta), attempt);
    return claimed.size();
}

// All at once; when one of them is refused one after the other, until there are as many, or no more.
void hand_out(const schema::table_catalog &where, const wanted &asked, const place &oldest, std::size_t most,
              pg::row_set &result) {
    ledger::piecemeal parts(where, "a generation was left out", ledger::told_as_row);
    place behind = oldest;
    if (parts.together([&](ledger::store &store) { claim_next(store, asked, behind, most, result); }))
        return;
    behind = oldest;
    std::size_t claimed = 0;
    for (bool more = true; more && claimed < most && !parts.gives_up();) {
        const std::string before = behind.mg_id;
        parts.one([&](ledger::store &store) { claimed += claim_next(store, asked, behind, 1, result); },
                  [&] { return behind.mg_id; });
        more = behind.mg_id != before;
    }
    parts.tell(claimed > 0);
}

Datum claim_generations(FunctionCallInfo fcinfo) {
    using in = arguments::claim_generations;
    const pg::arguments given(fcinfo);
    wanted asked;
    asked.worker = ledger::require_text("worker", given.text(in::worker));
    const std::int32_t most = ledger::require("max_rows", given.int4(in::max_rows));
    if (most < 1 || most > 1000)
        throw pg::sql_error{ledger::bad_argument, "max_rows is out of range", "max_rows=" + std::to_string(most),
                            "Use 1 to 1000."};
    asked.until = pg::unix_micros(away("lease", given.interval(in::lease), 1));
    asked.mode = read_mode(given.text(in::mma_mode));
    const place oldest{away("max_age", given.interval(in::max_age), -1), {}};
    ledger::call call(fcinfo, schema::written::generations);
    pg::row_set result(fcinfo);
    hand_out(call.store().where(), asked, oldest, static_cast<std::size_t>(most), result);
    call.finish();
    return pg::return_null(fcinfo);
}

Datum extend_claim(FunctionCallInfo fcinfo) {
    using in = arguments::extend_claim;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    const std::string_view worker = ledger::require_text("worker", given.text(in::worker));
    const std::int64_t until = pg::unix_micros(away("lease", given.interval(in::lease), 1));
    ledger::call call(fcinfo, schema::written::generations);
    locked_generation generation(call.store(), id, std::nullopt);
    auto made = claim_of(generation);
    // One whose lease is over goes on as long as nobody took it over.
    const bool stands = made && made->worker == worker && waits(generation);
    if (stands) {
        made->until = until;
        write(call.store(), generation, *made);
    }
    call.finish();
    return pg::to_datum(stands).value;
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_claim_generations, mega::studio::claim_generations);
PG_ENTRY(mega_extend_claim, mega::studio::extend_claim);
