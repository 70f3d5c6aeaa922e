// What a customer made and said, newest first: mega_generation_history, mega_mma_events; one generation,
// mega_generation, and its audit trail, mega_generation_steps. All read with the caller's rights and policies.
#include "core/record_id.hpp"
#include "core/status.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "ledger/words.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"

namespace mega::studio {

namespace {

// Every page: the rows of one type of a customer, newest first. Behind the columns of the position, mg_created_at,
// mg_id and place, come those that the function returns. The limit is the largest page and one row: one plan for a page
// of any size.
#define MEGA_PAGE_OF(place, columns, type)                                                                             \
    "SELECT g.mg_created_at, g.mg_id, " place ", " columns " FROM ONLY @schema@.mega_generations g "                   \
    "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 AND g.mg_record_type OPERATOR(pg_catalog.=) '" type "' "

constexpr Oid filter_types[] = {TEXTOID, TEXTOID, TEXTOID};
constexpr Oid bounded_types[] = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIDOID, TIMESTAMPTZOID};

// A list of a table with a key, and of one without: the statement for the newest rows, the one for what lies between
// two bounds, and the one behind a row without a time. $4 to $6: the position behind which the page begins, without an
// id and a place the time itself is in it. $7: not before.
struct listing {
    ledger::pages keyed, unkeyed;
};
#define MEGA_PAGES(rows, order, bounded_id, behind_id)                                                                 \
    {                                                                                                                  \
        {rows order, filter_types},                                                                                    \
            {rows MEGA_BEHIND("$4", bounded_id) "AND g.mg_created_at OPERATOR(pg_catalog.>=) $7 " order,               \
             bounded_types},                                                                                           \
        {                                                                                                              \
            rows MEGA_BEHIND_UNDATED(behind_id) order, bounded_types                                                   \
        }                                                                                                              \
    }
#define MEGA_LISTING(rows)                                                                                             \
    {                                                                                                                  \
        MEGA_PAGES(rows("NULL"), MEGA_KEYED_ORDER, "$5 IS NULL OR " MEGA_KEYED_BEHIND("$5", "$6"),                     \
                   MEGA_KEYED_BEHIND("$5", "$6")),                                                                     \
            MEGA_PAGES(rows("g.ctid"), MEGA_UNKEYED_ORDER, MEGA_UNKEYED_BEHIND("$5", "$6"),                            \
                       MEGA_UNKEYED_BEHIND("$5", "$6"))                                                                \
    }

#define MEGA_GENERATION_COLUMNS                                                                                        \
    "g.mg_type, g.mg_provider, g.mg_output_url, g.mg_mma_mode, g.mg_mma_status, g.mg_generation_id, g.mg_prompt, "     \
    "g.mg_mma_vars, g.mg_model, g.mg_error, g.mg_latency_ms, g.mg_parent_id, g.mg_content_type, g.mg_meta"
#define MEGA_SCAN_LINES "g.mg_mma_vars OPERATOR(pg_catalog.#>) '{userMessages,scan_lines}'"
#define MEGA_GENERATIONS(place)                                                                                        \
    MEGA_PAGE_OF(place, MEGA_GENERATION_COLUMNS, "generation")                                                         \
    "AND g.mg_deleted_at IS NULL AND CASE WHEN $2 IS NULL THEN true ELSE g.mg_mma_mode OPERATOR(pg_catalog.=) $2 END " \
    "AND CASE WHEN $3 IS NULL THEN true ELSE g.mg_mma_status OPERATOR(pg_catalog.=) $3 END "
constinit listing generations = MEGA_LISTING(MEGA_GENERATIONS);

#define MEGA_EVENTS(place)                                                                                             \
    MEGA_PAGE_OF(place, "g.mg_meta OPERATOR(pg_catalog.->>) 'event_type', g.mg_generation_id, g.mg_meta", "mma_event") \
    "AND g.mg_deleted_at IS NULL AND $3 IS NULL "                                                                      \
    "AND CASE WHEN $2 IS NULL THEN true ELSE g.mg_meta OPERATOR(pg_catalog.->>) 'event_type' OPERATOR(pg_catalog.=) "  \
    "$2 END "
constinit listing events = MEGA_LISTING(MEGA_EVENTS);

constexpr Oid generation_types[] = {TEXTOID, TEXTOID};
constinit pg::statement one_generation(
    "SELECT g.mg_id, g.mg_created_at, " MEGA_GENERATION_COLUMNS ", g.mg_pass_id, g.mg_session_id, g.mg_status, "
    "(SELECT pg_catalog.count(*)::pg_catalog.int4 FROM ONLY @schema@.mega_generations s "
    "WHERE s.mg_generation_id OPERATOR(pg_catalog.=) $1 AND s.mg_record_type OPERATOR(pg_catalog.=) 'mma_step' "
    "AND s.mg_deleted_at IS NULL), "
    "CASE WHEN pg_catalog.jsonb_typeof(" MEGA_SCAN_LINES ") OPERATOR(pg_catalog.=) 'array' "
    "THEN pg_catalog.jsonb_array_length(" MEGA_SCAN_LINES ") ELSE 0 END, g.mg_updated_at "
    "FROM ONLY @schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) "
    "('generation:' OPERATOR(pg_catalog.||) $1) AND g.mg_deleted_at IS NULL "
    "AND ($2 IS NULL OR g.mg_pass_id OPERATOR(pg_catalog.=) $2)",
    generation_types);
// A raw row may say anything about its duration: what fits no bigint is no duration, and hides no other step.
#define MEGA_DURATION "(g.mg_payload OPERATOR(pg_catalog.#>>) '{timing,duration_ms}')::pg_catalog.numeric"
constinit pg::statement
    steps("SELECT g.mg_step_no, g.mg_step_type, g.mg_created_at, g.mg_payload, "
          "CASE WHEN pg_catalog.jsonb_typeof(g.mg_payload OPERATOR(pg_catalog.#>) '{timing,duration_ms}') "
          "OPERATOR(pg_catalog.=) 'number' THEN CASE WHEN pg_catalog.abs(" MEGA_DURATION ") OPERATOR(pg_catalog.<) "
          "1000000000000000::pg_catalog.numeric THEN pg_catalog.round(" MEGA_DURATION ")::pg_catalog.int8 END END "
          "FROM ONLY @schema@.mega_generations g WHERE g.mg_generation_id OPERATOR(pg_catalog.=) $1 "
          "AND g.mg_record_type OPERATOR(pg_catalog.=) 'mma_step' AND g.mg_deleted_at IS NULL "
          "AND NOT EXISTS (SELECT FROM ONLY @schema@.mega_generations d WHERE d.mg_id OPERATOR(pg_catalog.=) "
          "('generation:' OPERATOR(pg_catalog.||) $1) AND d.mg_deleted_at IS NOT NULL) "
          "AND ($2 IS NULL OR g.mg_pass_id OPERATOR(pg_catalog.=) $2) ORDER BY g.mg_step_no",
          generation_types);

struct request {
    std::string_view pass_id;
    std::int32_t size;
    std::optional<ledger::page_cursor> cursor;
    std::optional<std::string_view> first_filter, second_filter;
    std::optional<pg::timestamp> since, until;

    bool bounded() const { return cursor || since || until; }
};

// Both lists begin with these.
request read_page(const pg::arguments &given) {
    using in = arguments::generation_history;
    static_assert(in::pass_id == arguments::mma_events::pass_id && in::page_size == arguments::mma_events::page_size &&
                  in::page_cursor == arguments::mma_events::page_cursor);
    return {ledger::require_text("pass_id", given.text(in::pass_id)),
            ledger::read_page_size(given.int4(in::page_size)),
            ledger::read_cursor(given.text(in::page_cursor)),
            {},
            {},
            {},
            {}};
}

pg::rows read(pg::spi_connection &spi, const schema::table_catalog &where, listing &what, std::string_view pass_id,
              const request &wanted) {
    const auto limit = static_cast<std::uint64_t>(wanted.size) + 1;
    ledger::pages &statements = where.generations.keyed ? what.keyed : what.unkeyed;
    if (!wanted.bounded())
        return spi.run_limited(statements.first, where.schema, limit, pass_id, wanted.first_filter,
                               wanted.second_filter);
    // Behind the cursor, or before `until` (exclusive), whichever is earlier. A row without a time is before none.
    const bool bounds = wanted.since || wanted.until;
    std::optional<pg::timestamp> at{pg::timestamp{PG_INT64_MAX}};
    std::optional<std::string> id;
    ItemPointerData place{};
    if (wanted.cursor && (wanted.cursor->created_at || !bounds)) {
        at = wanted.cursor->created_at;
        id = wanted.cursor->mg_id;
        place = wanted.cursor->place_or_end();
    }
    if (wanted.until && *wanted.until <= *at) {
        at = *wanted.until;
        id = "";
        place = ledger::page_cursor{}.place_or_end();
    }
    return spi.run_limited(at ? statements.next : statements.undated, where.schema, limit, pass_id, wanted.first_filter,
                           wanted.second_filter, at, id, place, wanted.since.value_or(pg::timestamp{PG_INT64_MIN}));
}

Datum list(FunctionCallInfo fcinfo, listing &what, const request &wanted) {
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, wanted.pass_id, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows page = read(spi, where, what, pass_id, wanted);
    if (page.empty())
        ledger::require_visible_customer(spi, where, pass_id, wanted.pass_id);
    ledger::add_page(result, page, wanted.size);
    spi.finish();
    return pg::return_null(fcinfo);
}

Datum generation_history(FunctionCallInfo fcinfo) {
    using in = arguments::generation_history;
    const pg::arguments given(fcinfo);
    request wanted = read_page(given);
    wanted.first_filter = read_mode(given.text(in::mma_mode));
    wanted.second_filter = read_status(given.text(in::mma_status));
    wanted.since = given.time(in::since);
    wanted.until = given.time(in::until);
    return list(fcinfo, generations, wanted);
}

Datum mma_events(FunctionCallInfo fcinfo) {
    using in = arguments::mma_events;
    const pg::arguments given(fcinfo);
    request wanted = read_page(given);
    wanted.first_filter = given.text(in::event_type);
    if (wanted.first_filter && !ledger::is_event_type(*wanted.first_filter))
        throw pg::sql_error{ledger::bad_argument, "event_type is not an event type",
                            "event_type=" + pg::quoted(*wanted.first_filter), ledger::use_event_types()};
    return list(fcinfo, events, wanted);
}

// What a statement finds by a generation and, where it is given, its customer.
Datum look_up(FunctionCallInfo fcinfo, pg::statement &what) {
    using in = arguments::generation;
    static_assert(in::generation_id == arguments::generation_steps::generation_id &&
                  in::pass_id == arguments::generation_steps::pass_id);
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const auto pass_id = ledger::resolve_optional(where, given.text(in::pass_id), pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows found = spi.run(what, where.schema, pg::access::read_only, id, pass_id);
    for (std::uint64_t i = 0; i < found.count(); ++i)
        result.add_row(found, i);
    spi.finish();
    return pg::return_null(fcinfo);
}

Datum generation(FunctionCallInfo fcinfo) { return look_up(fcinfo, one_generation); }

Datum generation_steps(FunctionCallInfo fcinfo) { return look_up(fcinfo, steps); }

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_generation_history, mega::studio::generation_history);
PG_ENTRY(mega_mma_events, mega::studio::mma_events);
PG_ENTRY(mega_generation_steps, mega::studio::generation_steps);
PG_ENTRY(mega_generation, mega::studio::generation);
