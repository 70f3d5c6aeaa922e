// Sessions of admins: mega_touch_admin_session, mega_admin_session, mega_end_admin_session. One that has ended has its
// deletion mark.
#include "admin/person.hpp"
#include "admin/upsert.hpp"
#include "core/text_rule.hpp"
#include "function_arguments.hpp"
#include "ledger/admin_look.hpp"
#include "ledger/checked.hpp"
#include "ledger/new_admin_row.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/prefixed.hpp"
#include "pg/result.hpp"

namespace mega::admin {

namespace {

using column = schema::admin;
constexpr auto session_type = core::record_type::admin_session;

struct request {
    std::string hash;
    std::optional<pg::uuid> user_id;
    std::optional<std::string_view> email;
    std::optional<std::string> ip;
    std::optional<std::string_view> user_agent;
};

// What the request at the later time told of itself stands; what only the other one told is kept.
#define MEGA_LATER(column, number)                                                                                     \
    "CASE WHEN a.mg_last_seen_at OPERATOR(pg_catalog.>) $2 THEN coalesce(a." column ", $" number                       \
    ") ELSE coalesce($" number ", a." column ") END"

constexpr Oid touch_types[] = {TEXTOID, TIMESTAMPTZOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID};
// Requests come in whatever order: each time is held against the one that stands in the row when it is locked.
constinit pg::statement
    seen_again("UPDATE ONLY @schema@.mega_admin a SET mg_first_seen_at = least(a.mg_first_seen_at, $2), "
               "mg_last_seen_at = greatest(a.mg_last_seen_at, $2), mg_user_id = coalesce(a.mg_user_id, "
               "$3), mg_email = " MEGA_LATER("mg_email", "4") ", mg_ip = " MEGA_LATER(
                   "mg_ip", "5") ", mg_user_agent = " MEGA_LATER("mg_user_agent",
                                                                 "6") " WHERE a.mg_id OPERATOR(pg_catalog.=) $1 AND "
                                                                      "a.mg_record_type OPERATOR(pg_catalog.=) "
                                                                      "'admin_session' "
                                                                      "AND a.mg_deleted_at IS NULL AND ($3 IS NULL OR "
                                                                      "a.mg_user_id IS NULL OR a.mg_user_id "
                                                                      "OPERATOR(pg_catalog.=) $3) RETURNING "
                                                                      "a.mg_first_seen_at, a.mg_last_seen_at",
               touch_types);

constexpr Oid look_types[] = {TEXTOID, UUIDOID};
constinit pg::statement
    look("SELECT a.mg_deleted_at IS NOT NULL, a.mg_user_id OPERATOR(pg_catalog.<>) $2 FROM ONLY @schema@.mega_admin a "
         "WHERE a.mg_id OPERATOR(pg_catalog.=) $1 AND a.mg_record_type OPERATOR(pg_catalog.=) 'admin_session'",
         look_types);

constexpr column shown[] = {column::mg_id,         column::mg_user_id,       column::mg_email,       column::mg_ip,
                            column::mg_user_agent, column::mg_first_seen_at, column::mg_last_seen_at};
constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement
    find("SELECT a.mg_id, a.mg_user_id, a.mg_email, a.mg_ip, a.mg_user_agent, a.mg_first_seen_at, a.mg_last_seen_at "
         "FROM ONLY @schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1 "
         "AND a.mg_record_type OPERATOR(pg_catalog.=) 'admin_session' AND a.mg_deleted_at IS NULL",
         id_type);

constexpr Oid key_types[] = {TEXTOID, TIMESTAMPTZOID};
constinit pg::statement end_session("UPDATE ONLY @schema@.mega_admin a SET mg_deleted_at = $2 "
                                    "WHERE a.mg_id OPERATOR(pg_catalog.=) $1 "
                                    "AND a.mg_record_type OPERATOR(pg_catalog.=) 'admin_session' "
                                    "AND a.mg_deleted_at IS NULL",
                                    key_types);

// The three functions begin with it.
std::string read_hash(const pg::arguments &given) {
    using in = arguments::touch_admin_session;
    static_assert(in::session_hash == arguments::admin_session::session_hash &&
                  in::session_hash == arguments::end_admin_session::session_hash);
    return read_id(session_type, "session_hash", given.text(in::session_hash), core::max_id_bytes);
}

std::string mg_id_of(std::string_view hash) { return "admin_session:" + std::string(hash); }

// Why a session was not seen again; nothing for one that is not there, or that somebody made meanwhile.
void refuse_ended(pg::spi_connection &spi, const schema::table_catalog &where, const std::string &mg_id,
                  const request &asked) {
    const pg::rows found = spi.run(look, where.schema, pg::access::read_write, mg_id, asked.user_id);
    if (found.empty())
        return;
    if (found.boolean(0, 0).value_or(false))
        throw pg::sql_error{"MG010", "the session has ended", "session_hash=" + pg::quoted(asked.hash),
                            "Begin another one, with another hash."};
    if (found.boolean(0, 1).value_or(false))
        throw pg::sql_error{"MG002", "this session is another user's",
                            "session_hash=" + pg::quoted(asked.hash) + " user_id=" + pg::format_uuid(*asked.user_id),
                            "Begin another one, with another hash."};
}

Datum touch_admin_session(FunctionCallInfo fcinfo) {
    using in = arguments::touch_admin_session;
    const pg::arguments given(fcinfo);
    const request asked{read_hash(given), given.uuid(in::user_id), read_email(given.text(in::email)),
                        read_address(given.text(in::ip)), told(given.text(in::user_agent))};
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid, schema::written::admins);
    const std::string mg_id = mg_id_of(asked.hash);
    const pg::timestamp now = pg::clock_time();
    std::optional<pg::timestamp> first(now), last(now);
    pg::spi_connection spi;
    const auto touch = [&] {
        const pg::as_role owner(where.admins.owner);
        const pg::rows touched = spi.run(seen_again, where.schema, pg::access::read_write, mg_id, now, asked.user_id,
                                         asked.email, asked.ip, asked.user_agent);
        if (touched.empty()) {
            refuse_ended(spi, where, mg_id, asked);
            return false;
        }
        first = touched.time(0, 0);
        last = touched.time(0, 1);
        return true;
    };
    const auto begin = [&] {
        ledger::new_admin_row row(session_type, asked.hash);
        row.set(column::mg_session_hash, asked.hash)
            .set(column::mg_user_id, asked.user_id)
            .set(column::mg_email, asked.email)
            .set(column::mg_ip, asked.ip)
            .set(column::mg_user_agent, asked.user_agent)
            .set(column::mg_first_seen_at, now)
            .set(column::mg_last_seen_at, now);
        return ledger::append(spi, where, row);
    };
    const bool created = change_or_make(where, mg_id, touch, begin);
    spi.finish();
    return pg::return_row(fcinfo, mg_id, first, last, created);
}

// The time since which a session must have been seen.
std::optional<pg::timestamp> oldest(std::optional<const Interval *> max_idle) {
    if (!max_idle)
        return std::nullopt;
    const pg::timestamp now = pg::clock_time();
    const pg::timestamp at = pg::prefixed("max_idle", [&] { return pg::moved(now, *max_idle, -1); });
    if (at > now)
        throw pg::sql_error{
            ledger::bad_argument, "max_idle must not be negative", {}, "Use for example interval '30 minutes'."};
    return at;
}

bool was_seen_since(const pg::nullable_datum &last_seen, pg::timestamp since) {
    return !last_seen.is_null && pg::timestamp_of(last_seen.value) >= since;
}

Datum admin_session(FunctionCallInfo fcinfo) {
    using in = arguments::admin_session;
    const pg::arguments given(fcinfo);
    const std::string mg_id = mg_id_of(read_hash(given));
    const auto since = oldest(given.interval(in::max_idle));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    std::array<pg::nullable_datum, std::size(shown)> columns;
    const bool found = ledger::look_at_admin_row(spi, where, {session_type, shown, find}, mg_id, columns);
    if (found && (!since || was_seen_since(columns.back(), *since)))
        result.add_columns(columns);
    spi.finish();
    return pg::return_null(fcinfo);
}

Datum end_admin_session(FunctionCallInfo fcinfo) {
    const std::string mg_id = mg_id_of(read_hash(pg::arguments(fcinfo)));
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid, schema::written::admins);
    pg::spi_connection spi;
    const pg::as_role owner(where.admins.owner);
    const bool ended = !spi.run(end_session, where.schema, pg::access::read_write, mg_id, pg::clock_time()).empty();
    if (!ended) {
        const pg::rows found = spi.run(look, where.schema, pg::access::read_write, mg_id, std::optional<pg::uuid>());
        if (!found.empty() && !found.boolean(0, 0).value_or(false))
            give_up(where, mg_id);
    }
    spi.finish();
    return BoolGetDatum(ended);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_touch_admin_session, mega::admin::touch_admin_session);
PG_ENTRY(mega_admin_session, mega::admin::admin_session);
PG_ENTRY(mega_end_admin_session, mega::admin::end_admin_session);
