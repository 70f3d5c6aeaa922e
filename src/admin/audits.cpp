// mega_admin_audits: what admins did, newest first, a page at a time; read with the caller's rights and policies.
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/table_catalog.hpp"

namespace mega::admin {

namespace {

// One statement for each index by which audits are found, and for pages with and without bounds: which one runs decides
// which index is read. The other filters are held against the rows on the way.
#define MEGA_IF_GIVEN(number, column)                                                                                  \
    " AND CASE WHEN $" number " IS NULL THEN true ELSE g." column " OPERATOR(pg_catalog.=) $" number " END"
#define MEGA_AUDITS(place, lead) MEGA_AUDITS_OF(place, "IS NOT NULL" lead)
#define MEGA_AUDITS_OF(place, lead)                                                                                    \
    "SELECT g.mg_created_at, g.mg_id, " place ", g.mg_action, g.mg_actor_pass_id, g.mg_user_id, g.mg_email, g.mg_ip, " \
    "g.mg_route, g.mg_method, g.mg_status, g.mg_detail FROM ONLY @schema@.mega_admin g "                               \
    "WHERE g.mg_record_type OPERATOR(pg_catalog.=) 'admin_audit' AND g.mg_created_at " lead MEGA_IF_GIVEN(             \
        "1", "mg_action") MEGA_IF_GIVEN("2", "mg_user_id") " AND CASE WHEN $3 IS NULL THEN true ELSE "                 \
                                                           "g.mg_actor_pass_id OPERATOR(pg_catalog.=) ANY ($3) END"
#define MEGA_IN_ORDER(nulls, place)                                                                                    \
    " ORDER BY g.mg_created_at DESC" nulls ", g.mg_id COLLATE pg_catalog.\"C\" DESC" place " LIMIT 1001"
// $4 to $6: the position behind which the page begins, without an id and a place the time itself is in it. $7: not
// before.
#define MEGA_BOUNDED(behind_id) MEGA_BEHIND("$4", behind_id) "AND g.mg_created_at OPERATOR(pg_catalog.>=) $7"

constexpr Oid filter_types[] = {TEXTOID, UUIDOID, TEXTARRAYOID};
constexpr Oid bounded_types[] = {TEXTOID, UUIDOID, TEXTARRAYOID, TIMESTAMPTZOID, TEXTOID, TIDOID, TIMESTAMPTZOID};

struct listing {
    pg::statement newest, bounded;
};
struct listings {
    listing keyed, unkeyed;
};

// The order of the index decides, too: that of all audits by their time has no NULLS LAST, and is not read through for
// the few of a user.
#define MEGA_LISTING(place, lead, order, behind_id)                                                                    \
    {                                                                                                                  \
        {MEGA_AUDITS(place, lead) order, filter_types}, {                                                              \
            MEGA_AUDITS(place, lead) MEGA_BOUNDED(behind_id) order, bounded_types                                      \
        }                                                                                                              \
    }
#define MEGA_LISTINGS(lead, nulls)                                                                                     \
    {                                                                                                                  \
        MEGA_LISTING("NULL", lead, MEGA_IN_ORDER(nulls, ""), "$5 IS NULL OR " MEGA_KEYED_BEHIND("$5", "$6")),          \
            MEGA_LISTING("g.ctid", lead, MEGA_IN_ORDER(nulls, ", g.ctid"), MEGA_UNKEYED_BEHIND("$5", "$6"))            \
    }
constinit listings all = MEGA_LISTINGS("", "");
constinit listings of_action = MEGA_LISTINGS(" AND g.mg_action OPERATOR(pg_catalog.=) $1", " NULLS LAST");
constinit listings of_user = MEGA_LISTINGS(" AND g.mg_user_id OPERATOR(pg_catalog.=) $2", " NULLS LAST");
constinit listings of_customer = MEGA_LISTINGS(" AND g.mg_actor_pass_id OPERATOR(pg_catalog.=) ($3)[1]", " NULLS LAST");
constinit listings of_merged = MEGA_LISTINGS(" AND g.mg_actor_pass_id OPERATOR(pg_catalog.=) ANY ($3)", " NULLS LAST");

// Adopted tables may have audits without a time, which come first; they are few, and no index is for them. $4: whether
// a page begins with them, else behind the row of $5 and $6.
constexpr Oid undated_types[] = {TEXTOID, UUIDOID, TEXTARRAYOID, BOOLOID, TEXTOID, TIDOID};
#define MEGA_UNDATED(place, behind_id, order)                                                                          \
    MEGA_AUDITS_OF(place, "IS NULL")                                                                                   \
    " AND ($4 OR " behind_id ") ORDER BY g.mg_id COLLATE pg_catalog.\"C\" DESC" order " LIMIT 1001"
constinit pg::statement undated_keyed(MEGA_UNDATED("NULL", MEGA_KEYED_BEHIND("$5", "$6"), ""), undated_types);
constinit pg::statement undated_unkeyed(MEGA_UNDATED("g.ctid", MEGA_UNKEYED_BEHIND("$5", "$6"), ", g.ctid"),
                                        undated_types);

struct request {
    std::int32_t size;
    std::optional<ledger::page_cursor> cursor;
    std::optional<std::string_view> action;
    std::optional<pg::uuid> user_id;
    std::optional<std::vector<std::string>> customer; // and who was merged into him
    std::optional<pg::timestamp> since, until;

    bool bounded() const { return (cursor && cursor->created_at) || since || until; }

    // Who narrows most: a customer has fewer audits than an admin, an admin fewer than an action.
    listings &which() const {
        if (customer)
            return customer->size() == 1 ? of_customer : of_merged;
        return user_id ? of_user : action ? of_action : all;
    }
};

pg::rows read_undated(pg::spi_connection &spi, const schema::table_catalog &where, const request &wanted) {
    if (where.admins.dated || wanted.bounded()) // there is none, or none is known to lie within
        return {nullptr, 0};
    const ledger::page_cursor behind = wanted.cursor.value_or(ledger::page_cursor{});
    return spi.run_limited(where.admins.keyed ? undated_keyed : undated_unkeyed, where.schema,
                           static_cast<std::uint64_t>(wanted.size) + 1, wanted.action, wanted.user_id, wanted.customer,
                           !wanted.cursor, behind.mg_id, behind.place_or_end());
}

pg::rows read_dated(pg::spi_connection &spi, const schema::table_catalog &where, const request &wanted,
                    std::uint64_t before) {
    const auto most = static_cast<std::uint64_t>(wanted.size) + 1;
    if (before == most)
        return {nullptr, 0};
    const std::uint64_t limit = most - before;
    listing &what = where.admins.keyed ? wanted.which().keyed : wanted.which().unkeyed;
    if (!wanted.bounded())
        return spi.run_limited(what.newest, where.schema, limit, wanted.action, wanted.user_id, wanted.customer);
    // Behind the cursor, or before `until` (exclusive), whichever is earlier.
    pg::timestamp at{PG_INT64_MAX};
    std::optional<std::string> id;
    ItemPointerData place{};
    if (wanted.cursor) {
        at = wanted.cursor->created_at.value_or(at);
        id = wanted.cursor->mg_id;
        place = wanted.cursor->place_or_end();
    }
    if (wanted.until && *wanted.until <= at) {
        at = *wanted.until;
        id = "";
        place = ledger::page_cursor{}.place_or_end();
    }
    const pg::timestamp since = wanted.since.value_or(pg::timestamp{PG_INT64_MIN});
    return spi.run_limited(what.bounded, where.schema, limit, wanted.action, wanted.user_id, wanted.customer, at, id,
                           place, since);
}

Datum admin_audits(FunctionCallInfo fcinfo) {
    using in = arguments::admin_audits;
    const pg::arguments given(fcinfo);
    request wanted{ledger::read_page_size(given.int4(in::page_size)),
                   ledger::read_cursor(given.text(in::page_cursor)),
                   given.text(in::action),
                   given.uuid(in::user_id),
                   std::nullopt,
                   given.time(in::since),
                   given.time(in::until)};
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    if (const auto pass_id = ledger::resolve_optional(where, given.text(in::actor_pass_id), pg::access::read_only))
        wanted.customer = ledger::pass_ids_meant(where, *pass_id);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows undated = read_undated(spi, where, wanted);
    ledger::add_page(result, undated, read_dated(spi, where, wanted, undated.count()), wanted.size);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_admin_audits, mega::admin::admin_audits);
