// mega_record_admin_audit: what an admin did, once per audit_id.
#include "admin/person.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/new_admin_row.hpp"
#include "ledger/new_row.hpp"
#include "ledger/parent_check.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::admin {

namespace {

using column = schema::admin;

struct audit {
    std::string_view action;
    std::optional<std::string_view> customer; // acted on
    std::optional<pg::uuid> user_id;
    std::optional<std::string_view> email;
    std::optional<std::string> ip;
    std::optional<std::string_view> user_agent, route, method;
    std::optional<std::int32_t> status;
    pg::jsonb detail;
};

audit read_arguments(const pg::arguments &given) {
    using in = arguments::record_admin_audit;
    audit read{};
    read.action = ledger::require_text("action", given.text(in::action));
    read.customer = ledger::optional_text("actor_pass_id", given.text(in::actor_pass_id));
    read.user_id = given.uuid(in::user_id);
    read.email = read_email(given.text(in::email));
    read.ip = read_address(given.text(in::ip));
    read.user_agent = told(given.text(in::user_agent));
    read.route = told(given.text(in::route));
    read.method = told(given.text(in::method));
    read.status = given.int4(in::status);
    read.detail = ledger::require_object("detail", given.json(in::detail));
    return read;
}

ledger::new_admin_row row_of(const audit &what, std::string_view id) {
    const pg::timestamp now = pg::clock_time();
    ledger::new_admin_row row(core::record_type::admin_audit, id);
    row.set(column::mg_action, what.action)
        .set(column::mg_actor_pass_id, what.customer)
        .set(column::mg_user_id, what.user_id)
        .set(column::mg_email, what.email)
        .set(column::mg_ip, what.ip)
        .set(column::mg_user_agent, what.user_agent)
        .set(column::mg_route, what.route)
        .set(column::mg_method, what.method)
        .set(column::mg_status, what.status)
        .set(column::mg_detail, what.detail)
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    return row;
}

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement
    stored("SELECT a.mg_action, a.mg_actor_pass_id, a.mg_user_id, a.mg_email, a.mg_ip, a.mg_user_agent, a.mg_route, "
           "a.mg_method, a.mg_status, a.mg_detail FROM ONLY @schema@.mega_admin a "
           "WHERE a.mg_id OPERATOR(pg_catalog.=) $1",
           id_type);

// An audit keeps the pass id under which it was written, whoever goes on for that customer.
bool is_about(const schema::table_catalog &where, std::optional<std::string_view> named, const audit &what) {
    return named && what.customer ? ledger::means_customer(where, *named, *what.customer) : named == what.customer;
}

// The first column in which the stored audit is another one; '' for the same.
std::string difference(const schema::table_catalog &where, const pg::rows &found, const audit &what) {
    const auto detail = found.json(0, 9);
    const std::pair<column, bool> same[] = {
        {column::mg_action, found.text(0, 0) == what.action},
        {column::mg_actor_pass_id, is_about(where, found.text(0, 1), what)},
        {column::mg_user_id, found.uuid(0, 2) == what.user_id},
        {column::mg_email, found.text(0, 3) == what.email},
        {column::mg_ip, found.text(0, 4) == what.ip},
        {column::mg_user_agent, found.text(0, 5) == what.user_agent},
        {column::mg_route, found.text(0, 6) == what.route},
        {column::mg_method, found.text(0, 7) == what.method},
        {column::mg_status, found.int4(0, 8) == what.status},
        {column::mg_detail, detail && pg::equal(pg::root_of(*detail), pg::root_of(what.detail))}};
    const auto other = std::ranges::find(same, false, [](const auto &one) { return one.second; });
    return other == std::end(same) ? std::string() : schema::name(other->first);
}

void check_replay(pg::spi_connection &spi, const schema::table_catalog &where, const std::string &mg_id,
                  const audit &what) {
    const pg::as_role owner(where.admins.owner);
    const pg::rows found = spi.run(stored, where.schema, pg::access::read_write, mg_id);
    if (found.empty())
        throw pg::sql_error{"40001", "the same audit was written meanwhile", "mg_id=" + pg::quoted(mg_id),
                            "Try again."};
    if (const std::string other = difference(where, found, what); !other.empty())
        throw pg::sql_error{"MG002", "this audit was recorded with other content",
                            "mg_id=" + pg::quoted(mg_id) +
                                ledger::to_readers({column::mg_id, column::mg_detail}, " differs in " + other),
                            "Use another audit_id for another deed."};
}

Datum record_admin_audit(FunctionCallInfo fcinfo) {
    using in = arguments::record_admin_audit;
    const pg::arguments given(fcinfo);
    audit what = read_arguments(given);
    const auto named = given.text(in::audit_id);
    const std::string id(named ? core::strip_prefix(core::record_type::admin_audit, *named) : ledger::new_id());
    ledger::check_text("audit_id", id, ledger::bad_argument);
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid, schema::written::admins);
    what.customer = ledger::resolve_optional(where, what.customer);
    if (what.customer && !ledger::customer_exists(where, *what.customer))
        ledger::throw_unknown_customer(*what.customer);
    const ledger::new_admin_row row = row_of(what, id);
    pg::spi_connection spi;
    const bool appended = ledger::append(spi, where, row);
    if (!appended)
        check_replay(spi, where, row.mg_id(), what);
    spi.finish();
    return pg::return_row(fcinfo, row.mg_id(), !appended);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_record_admin_audit, mega::admin::record_admin_audit);
