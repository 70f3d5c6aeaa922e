// mega_admin_audits: what admins did, newest first, a page at a time; read with the caller's rights and policies.
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/tables.hpp"

namespace mega::admin {

namespace {

// One statement for each index by which audits are found, and for pages with and without bounds: which one runs decides
// which index is read. The other filters are held against the rows on the way.
#define MEGA_IF_GIVEN(number, column)                                                                                  \
    " AND CASE WHEN $" number " IS NULL THEN true ELSE a." column " OPERATOR(pg_catalog.=) $" number " END"
#define MEGA_AUDITS(lead)                                                                                              \
    "SELECT a.mg_created_at, a.mg_id, NULL, a.mg_action, a.mg_actor_pass_id, a.mg_user_id, a.mg_email, a.mg_ip, "      \
    "a.mg_route, a.mg_method, a.mg_status, a.mg_detail FROM ONLY @schema@.mega_admin a "                               \
    "WHERE a.mg_record_type OPERATOR(pg_catalog.=) 'admin_audit' AND a.mg_created_at IS NOT NULL" lead MEGA_IF_GIVEN(  \
        "1", "mg_action") MEGA_IF_GIVEN("2", "mg_user_id") MEGA_IF_GIVEN("3", "mg_actor_pass_id")
#define MEGA_NEWEST_FIRST(nulls)                                                                                       \
    " ORDER BY a.mg_created_at DESC" nulls ", a.mg_id COLLATE pg_catalog.\"C\" DESC LIMIT 1001"
// $4 and $5: the position behind which the page begins, without an id the time itself is in it. $6: not before.
#define MEGA_BOUNDED                                                                                                   \
    " AND a.mg_created_at OPERATOR(pg_catalog.<=) $4 AND ($5 IS NULL OR a.mg_created_at OPERATOR(pg_catalog.<) $4 "    \
    "OR a.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.<) $5) AND a.mg_created_at OPERATOR(pg_catalog.>=) $6"

constexpr Oid filter_types[] = {TEXTOID, UUIDOID, TEXTOID};
constexpr Oid bounded_types[] = {TEXTOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID};

struct listing {
    pg::statement newest;
    pg::statement bounded;
};

// The order of the index decides, too: that of all audits by their time has no NULLS LAST, and is not read through for
// the few of a user.
#define MEGA_LISTING(lead, nulls)                                                                                      \
    {                                                                                                                  \
        {MEGA_AUDITS(lead) MEGA_NEWEST_FIRST(nulls), filter_types},                                                    \
            {MEGA_AUDITS(lead) MEGA_BOUNDED MEGA_NEWEST_FIRST(nulls), bounded_types},                                  \
    }
constinit listing all = MEGA_LISTING("", "");
constinit listing of_action = MEGA_LISTING(" AND a.mg_action OPERATOR(pg_catalog.=) $1", " NULLS LAST");
constinit listing of_user = MEGA_LISTING(" AND a.mg_user_id OPERATOR(pg_catalog.=) $2", " NULLS LAST");
constinit listing of_customer = MEGA_LISTING(" AND a.mg_actor_pass_id OPERATOR(pg_catalog.=) $3", " NULLS LAST");

struct request {
    std::int32_t size;
    std::optional<ledger::page_cursor> cursor;
    std::optional<std::string_view> action;
    std::optional<pg::uuid> user_id;
    std::optional<std::string_view> customer;
    std::optional<pg::timestamp> since, until;

    bool bounded() const { return cursor || since || until; }

    // Who narrows most: a customer has fewer audits than an admin, an admin fewer than an action.
    listing &which() const { return customer ? of_customer : user_id ? of_user : action ? of_action : all; }
};

pg::rows read(pg::session &session, Oid schema, const request &wanted) {
    const auto limit = static_cast<std::uint64_t>(wanted.size) + 1;
    listing &what = wanted.which();
    if (!wanted.bounded())
        return session.run_limited(what.newest, schema, limit, wanted.action, wanted.user_id, wanted.customer);
    // Behind the cursor, or before `until` (exclusive), whichever is earlier.
    pg::timestamp at{PG_INT64_MAX};
    std::optional<std::string> id;
    if (wanted.cursor) {
        at = wanted.cursor->created_at.value_or(at);
        id = wanted.cursor->mg_id;
    }
    if (wanted.until && *wanted.until <= at) {
        at = *wanted.until;
        id = "";
    }
    const pg::timestamp since = wanted.since.value_or(pg::timestamp{PG_INT64_MIN});
    return session.run_limited(what.bounded, schema, limit, wanted.action, wanted.user_id, wanted.customer, at, id,
                               since);
}

Datum admin_audits(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    request wanted{ledger::read_page_size(given.int4(0)),
                   ledger::read_cursor(given.text(1)),
                   given.text(2),
                   given.uuid(3),
                   given.text(4),
                   given.time(5),
                   given.time(6)};
    const schema::tables &where = schema::tables_of(fcinfo->flinfo->fn_oid);
    wanted.customer = ledger::resolve_optional(where, wanted.customer, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::session session;
    ledger::add_page(result, read(session, where.schema, wanted), wanted.size);
    session.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_admin_audits, mega::admin::admin_audits);
