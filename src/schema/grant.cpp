// mega_grant: who may call what. EXECUTE is the gate of a function; reads need SELECT besides, because they run with
// the caller's rights and row policies.
#include "ledger/checked.hpp"
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "pg/spi.hpp"

namespace mega::schema {

namespace {

enum class level { reader, app, worker, admin };

constexpr std::pair<std::string_view, level> level_names[] = {
    {"reader", level::reader}, {"app", level::app}, {"worker", level::worker}, {"admin", level::admin}};

// What each level adds. A function that is in no list is the owner's alone.
constexpr std::string_view reads[] = {"mega_version",          "mega_pass_id",    "mega_customer",
                                      "mega_balance",          "mega_balance_at", "mega_usage",
                                      "mega_credit_statement", "mega_generation", "mega_generation_history",
                                      "mega_generation_steps", "mega_mma_events", "mega_likes"};
constexpr std::string_view writes[] = {
    "mega_ensure_customer",     "mega_record_credit",    "mega_hold_credit",       "mega_capture_credit",
    "mega_release_credit",      "mega_refund_credit",    "mega_revoke_credit",     "mega_transfer_credit",
    "mega_record_topup",        "mega_start_session",    "mega_create_generation", "mega_update_generation",
    "mega_complete_generation", "mega_fail_generation",  "mega_append_scan_line",  "mega_append_mma_step",
    "mega_record_mma_event",    "mega_record_feedback",  "mega_verify_customer",   "mega_record_credits",
    "mega_delete_generation",   "mega_append_mma_steps", "mega_record_mma_events", "mega_tweak_generation"};
constexpr std::string_view works[] = {"mega_release_expired_holds", "mega_expire_credits", "mega_claim_generations",
                                      "mega_extend_claim",          "mega_claim_topups",   "mega_release_topup_claim"};
constexpr std::string_view office[] = {"mega_reconcile_credits",
                                       "mega_reconcile_preferences",
                                       "mega_topup_due",
                                       "mega_merge_customers",
                                       "mega_record_admin_audit",
                                       "mega_touch_admin_session",
                                       "mega_link_profile",
                                       "mega_set_runtime_config",
                                       "mega_set_app_config",
                                       "mega_disable_customer",
                                       "mega_delete_customer",
                                       "mega_restore_customer",
                                       "mega_erase_customer",
                                       "mega_import",
                                       "mega_parity_counts",
                                       "mega_parity_sample",
                                       "mega_parity_report",
                                       "mega_admin_audits",
                                       "mega_admin_session",
                                       "mega_end_admin_session",
                                       "mega_profile",
                                       "mega_runtime_config",
                                       "mega_app_config",
                                       "mega_app_config_versions",
                                       "mega_write_path",
                                       "mega_update_customer",
                                       "mega_enable_customer",
                                       "mega_find_customers"};

std::optional<level> level_of(std::string_view name) {
    for (const auto &[word, value] : level_names)
        if (word == name)
            return value;
    return std::nullopt;
}

bool includes(level granted, std::string_view function) {
    const auto has = [&](std::span<const std::string_view> names) {
        return std::ranges::find(names, function) != names.end();
    };
    return has(reads) || (granted >= level::app && has(writes)) || (granted >= level::worker && has(works)) ||
           (granted >= level::admin && has(office));
}

constexpr Oid schema_type[] = {OIDOID};
// The extension's functions that are not everybody's.
constinit pg::statement
    member_functions("SELECT p.proname::pg_catalog.text, p.oid::pg_catalog.regprocedure::pg_catalog.text, p.prokind "
                     "OPERATOR(pg_catalog.=) 'p' FROM pg_catalog.pg_depend d "
                     "JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid AND e.extname "
                     "OPERATOR(pg_catalog.=) 'mega' "
                     "JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid WHERE d.classid "
                     "OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass "
                     "AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass AND "
                     "d.deptype OPERATOR(pg_catalog.=) 'e' AND p.pronamespace OPERATOR(pg_catalog.=) $1 "
                     "AND p.proname OPERATOR(pg_catalog.<>) ALL "
                     "('{mega_is_pass_id,mega_is_record_id,mega_is_permanent_url,mega_has_expiring_url}')",
                     schema_type);

Datum grant(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    const Oid role = ledger::require("role", given.oid(0));
    const std::string_view word = ledger::require("level", given.text(1));
    const auto wanted = level_of(word);
    if (!wanted)
        throw pg::sql_error{
            ledger::bad_argument, pg::quoted(word) + " is not a level", {}, "Use reader, app, worker or admin."};
    const Oid schema = pg::schema_of_function(fcinfo->flinfo->fn_oid);
    const std::string grantee = pg::call([role] { return quote_identifier(GetUserNameFromId(role, false)); });
    pg::spi_connection spi;
    const pg::rows functions =
        spi.run(member_functions, schema, pg::access::read_write, pg::nullable_datum{ObjectIdGetDatum(schema), false});
    std::vector<std::string> commands;
    for (std::uint64_t i = 0; i < functions.count(); ++i) {
        const std::string target =
            (functions.boolean(i, 2).value_or(false) ? "PROCEDURE " : "FUNCTION ") + std::string(*functions.text(i, 1));
        const bool granted = includes(*wanted, *functions.text(i, 0));
        commands.push_back((granted ? "GRANT EXECUTE ON " : "REVOKE EXECUTE ON ") + target +
                           (granted ? " TO " : " FROM ") + grantee);
    }
    const std::string place = pg::with_schema_name("@schema@", schema);
    commands.push_back("GRANT USAGE ON SCHEMA " + place + " TO " + grantee);
    commands.push_back("GRANT SELECT ON " + place + ".mega_customers, " + place + ".mega_generations TO " + grantee);
    if (*wanted == level::admin)
        commands.push_back("GRANT SELECT ON " + place + ".mega_admin TO " + grantee);
    else
        commands.push_back("REVOKE SELECT ON " + place + ".mega_admin FROM " + grantee);
    for (const std::string &command : commands)
        spi.run_text(command);
    spi.finish();
    PG_RETURN_VOID();
}

} // namespace

} // namespace mega::schema

PG_ENTRY(mega_grant, mega::schema::grant);
