// mega_usage: what a customer was granted, spent, got back and lost, by day, month, reason, source or model.
#include "credits/zone.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::credits {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement select_zone("SELECT c.mg_timezone FROM ONLY @schema@.mega_customers c "
                                    "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                    pass_id_type);

// The generation that a row paid for: its own, what its reference names, or that of the hold or spend it goes with.
#define MEGA_PAID_FOR(row)                                                                                             \
    "coalesce(" row ".mg_generation_id, CASE WHEN " row ".mg_ref_type OPERATOR(pg_catalog.=) 'generation' THEN " row   \
    ".mg_ref_id END)"
#define MEGA_MODEL                                                                                                     \
    "coalesce(g.mg_model, (SELECT o.mg_model FROM ONLY @schema@.mega_generations o WHERE o.mg_id "                     \
    "OPERATOR(pg_catalog.=) ('generation:' OPERATOR(pg_catalog.||) coalesce(" MEGA_PAID_FOR(                           \
        "g") ", "                                                                                                      \
             "(SELECT " MEGA_PAID_FOR(                                                                                 \
                 "h") " FROM ONLY @schema@.mega_generations h WHERE h.mg_id OPERATOR(pg_catalog.=) "                   \
                      "('credit_transaction:' OPERATOR(pg_catalog.||) coalesce(g.mg_meta OPERATOR(pg_catalog.#>>) "    \
                      "'{mega,refund_of}', "                                                                           \
                      "'hold:' OPERATOR(pg_catalog.||) CASE WHEN g.mg_ref_type OPERATOR(pg_catalog.=) 'hold' THEN "    \
                      "g.mg_ref_id END)))))))"

#define MEGA_BEGINS(with) "g.mg_id OPERATOR(pg_catalog.~~) 'credit_transaction:" with ":%'"

#define MEGA_BY(word) "WHEN $4 OPERATOR(pg_catalog.=) '" word "' THEN "
#define MEGA_LOCAL(shape) "pg_catalog.to_char(pg_catalog.timezone($5, g.mg_created_at), " shape ") "
#define MEGA_BUCKET                                                                                                    \
    "CASE " MEGA_BY("day") MEGA_LOCAL("'YYYY-MM-DD'") MEGA_BY("month") MEGA_LOCAL("'YYYY-MM'")                         \
        MEGA_BY("reason") "g.mg_reason " MEGA_BY("source") "g.mg_source ELSE " MEGA_MODEL " END AS bucket"

// Every row is of one kind, so that granted - spent + returned - expired is the sum of the deltas. A revoke and what
// restores it belong to what was granted.
#define MEGA_RESTORES                                                                                                  \
    "coalesce(g.mg_meta OPERATOR(pg_catalog.#>>) '{mega,refund_of}', '') OPERATOR(pg_catalog.~~) 'revoke:%'"
#define MEGA_KIND                                                                                                      \
    "CASE WHEN " MEGA_BEGINS(                                                                                          \
        "expire") " THEN 'expired' "                                                                                   \
                  "WHEN " MEGA_BEGINS("revoke") " OR " MEGA_BEGINS(                                                    \
                      "lot") " OR " MEGA_RESTORES " THEN 'granted' "                                                   \
                             "WHEN g.mg_delta OPERATOR(pg_catalog.<) 0 THEN 'spent' "                                  \
                             "WHEN " MEGA_BEGINS("release") " OR " MEGA_BEGINS("capture") " OR " MEGA_BEGINS(          \
                                 "refund") " THEN 'returned' "                                                         \
                                           "ELSE 'granted' END AS kind"

#define MEGA_OF(kind) " FILTER (WHERE u.kind OPERATOR(pg_catalog.=) '" kind "'), 0)::pg_catalog.int8, "
#define MEGA_ADDED(kind) " coalesce(pg_catalog.sum(u.delta)" MEGA_OF(kind)
#define MEGA_TAKEN(kind) " coalesce(OPERATOR(pg_catalog.-) pg_catalog.sum(u.delta)" MEGA_OF(kind)

constexpr Oid usage_types[] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID};
constinit pg::statement usage_rows(
    "SELECT u.bucket, " MEGA_ADDED("granted") MEGA_TAKEN("spent") MEGA_ADDED("returned") MEGA_TAKEN(
        "expired") "pg_catalog.count(*) FROM (SELECT g.mg_delta::pg_catalog.int8 AS delta, " MEGA_BUCKET ", " MEGA_KIND
                   " FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
                   "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                   "AND g.mg_created_at OPERATOR(pg_catalog.>=) $2 AND g.mg_created_at OPERATOR(pg_catalog.<) $3) u "
                   "GROUP BY u.bucket ORDER BY u.bucket COLLATE pg_catalog.\"C\"",
    usage_types);

std::string_view read_by(std::optional<std::string_view> given) {
    constexpr std::string_view words[] = {"day", "month", "reason", "source", "model"};
    const std::string_view by = ledger::require("by", given);
    if (std::ranges::find(words, by) == std::end(words))
        throw pg::sql_error{ledger::bad_argument, "by is not a way to count usage", "by=" + pg::quoted(by),
                            "Use day, month, reason, source or model."};
    return by;
}

Datum usage(FunctionCallInfo fcinfo) {
    using in = arguments::usage;
    const pg::arguments given(fcinfo);
    const std::string_view written = ledger::require_text("pass_id", given.text(in::pass_id));
    const pg::timestamp since = ledger::require_time("since", given.time(in::since));
    const pg::timestamp until = ledger::require_time("until", given.time(in::until));
    const std::string_view by = read_by(given.text(in::by));
    ledger::check_span(since, until);
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, written, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows customer = spi.run(select_zone, where.schema, pg::access::read_only, pass_id);
    if (customer.empty())
        ledger::throw_unknown_customer(written);
    const pg::rows found = spi.run(usage_rows, where.schema, pg::access::read_only, pass_id, since, until, by,
                                   zone_or_utc(customer.text(0, 0)));
    for (std::uint64_t i = 0; i < found.count(); ++i)
        result.add_row(found, i);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_usage, mega::credits::usage);
