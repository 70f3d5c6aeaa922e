// mega_install: creates what is missing of the three tables and leaves what is there. The installer of an empty
// database, the patch of one that has such tables already, and the upgrader, in one.
#include "function_arguments.hpp"
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "pg/role.hpp"
#include "pg/version.hpp"
#include "pg/writable.hpp"
#include "schema/install_plan.hpp"
#include "schema/key_adoption.hpp"
#include "schema/restore.hpp"

namespace mega::schema {

namespace {

// Who does not know whether it is for dry is not taken to mean that it is in earnest.
bool read_dry_run(std::optional<bool> given) {
    if (!given)
        throw pg::sql_error{"22023", "dry_run must not be NULL", {}, {}};
    return *given;
}

// Everything is looked at before the first lock that stops a writer: what is read under it is read while they wait.
Datum install(FunctionCallInfo fcinfo) {
    using in = arguments::install;
    pg::row_set report(fcinfo);
    pg::spi_connection spi;
    const bool dry_run = read_dry_run(pg::arguments(fcinfo).boolean(in::dry_run));
    if (!dry_run)
        pg::require_writable("mega_install"); // also where nothing would be left to do, as on a standby
    const Oid schema = pg::schema_of_function(fcinfo->flinfo->fn_oid);
    std::list<install_plan> plans;
    for (const blueprint &table : blueprints)
        plans.emplace_back(spi, table, schema);
    key_adoption keys(spi, schema);
    if (!dry_run) {
        keys.prepare();
        std::vector<table_lock> locks;
        for (install_plan &plan : plans) {
            plan.prepare();
            if (const auto lock = plan.lock())
                locks.push_back(*lock);
        }
        lock_tables(spi, locks);
        keys.finish();
        for (install_plan &plan : plans)
            plan.carry_out();
    }
    keys.tell(report);
    for (const install_plan &plan : plans)
        plan.tell(report);
    spi.finish();
    return pg::return_null(fcinfo);
}

// The settings that pg_dump and pg_restore set at the start of every restore, and ordinary sessions do not.
constinit pg::statement
    restore_settings("SELECT pg_catalog.count(*) FROM pg_catalog.pg_settings s WHERE s.name OPERATOR(pg_catalog.=) ANY "
                     "('{row_security,xmloption,statement_timeout,lock_timeout,idle_in_transaction_session_timeout}') "
                     "AND s.source OPERATOR(pg_catalog.=) 'session'");

Datum is_restoring(FunctionCallInfo) { return BoolGetDatum(restoring()); }

} // namespace

bool restoring() {
    pg::spi_connection spi;
    const std::int64_t set = spi.run(restore_settings, InvalidOid, pg::access::read_only).int8(0, 0).value_or(0);
    spi.finish();
    return set == 5;
}

// The settings are asked once for a transaction: it reads them all.
bool is_put_back(Oid owner) {
    Oid caller;
    int context;
    pg::as_role::caller(caller, context);
    // Settings are the session's, also within a function that lends another role's rights.
    if (!pg::call([=] { return has_privs_of_role(caller, owner) && has_privs_of_role(GetOuterUserId(), owner); }))
        return false;
    static LocalTransactionId asked = InvalidLocalTransactionId;
    static bool restores = false;
    if (const LocalTransactionId now = pg::local_transaction(); asked != now) {
        restores = restoring();
        asked = now;
    }
    return restores;
}

} // namespace mega::schema

PG_ENTRY(mega_install, mega::schema::install);
PG_ENTRY(mega_is_restoring, mega::schema::is_restoring);
