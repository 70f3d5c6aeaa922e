// What a customer made and said, newest first: mega_generation_history, mega_mma_events, mega_likes; and the audit
// trail of a generation, mega_generation_steps. All read with the caller's rights and policies.
#include "core/record_id.hpp"
#include "core/status.hpp"
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"

namespace mega::studio {

namespace {

// Every page: the rows of one type of a customer, newest first. Behind the position columns mg_created_at and mg_id
// come those that the function returns. The limit is the largest page and one row: one plan for a page of any size.
#define MEGA_PAGE_OF(columns, source, type)                                                                            \
    "SELECT g.mg_created_at, g.mg_id, " columns " FROM ONLY @schema@.mega_generations g" source                        \
    " WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 AND g.mg_record_type OPERATOR(pg_catalog.=) '" type "' "
#define MEGA_BEHIND                                                                                                    \
    "AND g.mg_created_at OPERATOR(pg_catalog.<=) $4 AND (g.mg_created_at OPERATOR(pg_catalog.<) $4 "                   \
    "OR g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.<) $5) "
#define MEGA_NEWEST_FIRST "ORDER BY g.mg_created_at DESC, g.mg_id COLLATE pg_catalog.\"C\" DESC LIMIT 1001"

constexpr Oid filter_types[] = {TEXTOID, TEXTOID, TEXTOID};
constexpr Oid position_types[] = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID};

// One listing: the statement for the first page and the one for the pages behind a cursor.
struct listing {
    pg::statement first;
    pg::statement next;
};

#define MEGA_GENERATIONS                                                                                               \
    MEGA_PAGE_OF("g.mg_type, g.mg_provider, g.mg_output_url, g.mg_mma_mode, g.mg_mma_status, g.mg_generation_id, "     \
                 "g.mg_prompt, g.mg_mma_vars",                                                                         \
                 "", "generation")                                                                                     \
    "AND g.mg_deleted_at IS NULL AND CASE WHEN $2 IS NULL THEN true ELSE g.mg_mma_mode OPERATOR(pg_catalog.=) $2 END " \
    "AND CASE WHEN $3 IS NULL THEN true ELSE g.mg_mma_status OPERATOR(pg_catalog.=) $3 END "
constinit listing generations{{MEGA_GENERATIONS MEGA_NEWEST_FIRST, filter_types},
                              {MEGA_GENERATIONS MEGA_BEHIND MEGA_NEWEST_FIRST, position_types}};

#define MEGA_EVENTS                                                                                                    \
    MEGA_PAGE_OF("g.mg_meta OPERATOR(pg_catalog.->>) 'event_type', g.mg_generation_id, g.mg_meta", "", "mma_event")    \
    "AND g.mg_deleted_at IS NULL AND $3 IS NULL "                                                                      \
    "AND CASE WHEN $2 IS NULL THEN true ELSE g.mg_meta OPERATOR(pg_catalog.->>) 'event_type' OPERATOR(pg_catalog.=) "  \
    "$2 END "
constinit listing events{{MEGA_EVENTS MEGA_NEWEST_FIRST, filter_types},
                         {MEGA_EVENTS MEGA_BEHIND MEGA_NEWEST_FIRST, position_types}};

#define MEGA_LIKES                                                                                                     \
    MEGA_PAGE_OF("g.mg_generation_id, o.mg_type, o.mg_provider, o.mg_output_url, o.mg_prompt",                         \
                 " LEFT JOIN ONLY @schema@.mega_generations o ON o.mg_id OPERATOR(pg_catalog.=) "                      \
                 "('generation:' OPERATOR(pg_catalog.||) g.mg_generation_id)",                                         \
                 "mma_event")                                                                                          \
    "AND g.mg_deleted_at IS NULL AND $2 IS NULL AND $3 IS NULL "                                                       \
    "AND g.mg_meta OPERATOR(pg_catalog.->>) 'event_type' OPERATOR(pg_catalog.=) 'like' "
constinit listing likes{{MEGA_LIKES MEGA_NEWEST_FIRST, filter_types},
                        {MEGA_LIKES MEGA_BEHIND MEGA_NEWEST_FIRST, position_types}};

constexpr Oid generation_types[] = {TEXTOID, TEXTOID};
// A raw row may say anything about its duration: what fits no bigint is no duration, and hides no other step.
#define MEGA_DURATION "(g.mg_payload OPERATOR(pg_catalog.#>>) '{timing,duration_ms}')::pg_catalog.numeric"
constinit pg::statement
    steps("SELECT g.mg_step_no, g.mg_step_type, g.mg_created_at, g.mg_payload, "
          "CASE WHEN pg_catalog.jsonb_typeof(g.mg_payload OPERATOR(pg_catalog.#>) '{timing,duration_ms}') "
          "OPERATOR(pg_catalog.=) 'number' THEN CASE WHEN pg_catalog.abs(" MEGA_DURATION ") OPERATOR(pg_catalog.<) "
          "1000000000000000::pg_catalog.numeric THEN pg_catalog.round(" MEGA_DURATION ")::pg_catalog.int8 END END "
          "FROM ONLY @schema@.mega_generations g WHERE g.mg_generation_id OPERATOR(pg_catalog.=) $1 "
          "AND g.mg_record_type OPERATOR(pg_catalog.=) 'mma_step' "
          "AND ($2 IS NULL OR g.mg_pass_id OPERATOR(pg_catalog.=) $2) ORDER BY g.mg_step_no",
          generation_types);

struct request {
    std::string_view pass_id;
    std::int32_t size;
    std::optional<ledger::page_cursor> cursor;
    std::optional<std::string_view> first_filter, second_filter;
};

request read_page(const pg::arguments &given) {
    return {ledger::require_text("pass_id", given.text(0)), ledger::read_page_size(given.int4(1)),
            ledger::read_cursor(given.text(2)), std::nullopt, std::nullopt};
}

Datum list(FunctionCallInfo fcinfo, listing &what, const request &wanted) {
    const schema::tables &where = schema::tables_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, wanted.pass_id, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::session session;
    const auto limit = static_cast<std::uint64_t>(wanted.size) + 1;
    const pg::rows page =
        wanted.cursor
            ? session.run_limited(what.next, where.schema, limit, pass_id, wanted.first_filter, wanted.second_filter,
                                  wanted.cursor->created_at, wanted.cursor->mg_id)
            : session.run_limited(what.first, where.schema, limit, pass_id, wanted.first_filter, wanted.second_filter);
    ledger::add_page(result, page, wanted.size);
    session.finish();
    return pg::return_null(fcinfo);
}

Datum generation_history(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    request wanted = read_page(given);
    wanted.first_filter = read_mode(given.text(3));
    wanted.second_filter = read_status(given.text(4));
    return list(fcinfo, generations, wanted);
}

Datum mma_events(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    request wanted = read_page(given);
    wanted.first_filter = given.text(3);
    if (wanted.first_filter && !core::is_event_type(*wanted.first_filter))
        throw pg::sql_error{ledger::bad_argument, "event_type is not an event type",
                            "event_type=" + pg::quoted(*wanted.first_filter),
                            "Use like, dislike, download, preference_set, create, tweak or feedback."};
    return list(fcinfo, events, wanted);
}

Datum liked(FunctionCallInfo fcinfo) { return list(fcinfo, likes, read_page(pg::arguments(fcinfo))); }

Datum generation_steps(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(0));
    const schema::tables &where = schema::tables_of(fcinfo->flinfo->fn_oid);
    const auto pass_id = ledger::resolve_optional(where, given.text(1), pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::session session;
    const pg::rows found = session.run(steps, where.schema, pg::access::read_only, id, pass_id);
    for (std::uint64_t i = 0; i < found.count(); ++i)
        result.add_row(found, i);
    session.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_generation_history, mega::studio::generation_history);
PG_ENTRY(mega_mma_events, mega::studio::mma_events);
PG_ENTRY(mega_likes, mega::studio::liked);
PG_ENTRY(mega_generation_steps, mega::studio::generation_steps);
