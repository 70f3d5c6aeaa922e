// The triggers of the ledger. Each refuses to run on any relation but the extension's own: hung on another table, it
// would mint credits.
#include "ledger/admin_fact.hpp"
#include "ledger/bound_trigger.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/held_key.hpp"
#include "ledger/merged.hpp"
#include "ledger/notify.hpp"
#include "ledger/parent_check.hpp"
#include "ledger/removal.hpp"
#include "ledger/row_check.hpp"
#include "ledger/statement_effects.hpp"
#include "ledger/unprojected.hpp"
#include "pg/entry.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;

// BEFORE INSERT OR UPDATE, by row.
Datum check(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = bound_catalog(call, &schema::table_catalog::generations);
    pg::row first(call.tuple(), call.shape());
    ledger_row row(where.generations, first);
    if (call.on_insert()) {
        check_new_row(where, row, in_flight::moment::before);
        fill_pass_id_of_step(where, row);
        store_under_root(where, row);
        require_free_keys(where, row);
        unprojected::row_ids one;
        one.add(row.text(column::mg_id).value_or(""));
        unprojected::expect(one);
        return call.keep(first.changed());
    }
    pg::row second(call.new_tuple(), call.shape());
    ledger_row changed(where.generations, second);
    keep_pass_id(where, row, changed);
    refuse_text_of_erased(where, row, changed);
    check_changed_row(row, changed, in_flight::moment::before);
    return call.keep(second.changed());
}

// AFTER UPDATE OR DELETE, by row: a BEFORE trigger of somebody else may have changed the row after `check` saw it.
// Tells listeners of a new status.
Datum verify(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = bound_catalog(call, &schema::table_catalog::generations);
    if (call.on_delete())
        tell_removed(where, call);
    if (!call.on_update() || (!where.generations.foreign_before_row && !notify_setting()))
        return call.keep(nullptr);
    pg::row first(call.tuple(), call.shape());
    pg::row second(call.new_tuple(), call.shape());
    const ledger_row old_row(where.generations, first);
    ledger_row new_row(where.generations, second);
    if (where.generations.foreign_before_row) {
        refuse_text_of_erased(where, old_row, new_row);
        check_changed_row(old_row, new_row, in_flight::moment::after);
        require_untouched(call, second, where.generations.at(column::mg_updated_at));
    }
    if (!old_row.same(new_row, column::mg_mma_status))
        notify_status(new_row);
    return call.keep(nullptr);
}

// AFTER INSERT, by statement: one update per customer, customers in order.
Datum project_statement(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = bound_catalog(call, &schema::table_catalog::generations);
    if (call.new_table() == nullptr)
        throw pg::sql_error{"39P01",
                            "this trigger has no transition table",
                            "It was called for the trigger " + pg::quoted(call.name()) + ".",
                            {}};
    // Rows that are replicated come with their balances: a trigger set to fire always would add them once more.
    if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
        throw pg::sql_error{"55000", "mega does not project in a session that is a replica",
                            "session_replication_role = replica",
                            "Set the trigger right: ALTER TABLE ... ENABLE TRIGGER mega_generations_project."};
    statement_effects all;
    pg::for_each_row(call.new_table(), call.shape(), [&](pg::row appended) {
        ledger_row row(where.generations, appended);
        if (where.generations.foreign_before_row) {
            check_new_row(where, row, in_flight::moment::after);
            refuse_text_by_others(where, row);
            require_untouched(call, appended, 0);
        }
        all.add_waiting(row);
    });
    pg::spi_connection spi;
    all.apply_raw(*open_store(spi, where));
    spi.finish();
    return call.keep(nullptr);
}

// BEFORE DELETE by row and BEFORE TRUNCATE by statement, on all three tables.
Datum keep_row(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = schema::catalog_of(call.function());
    const Oid relation = RelationGetRelid(call.relation());
    if (relation == where.customers.id)
        throw pg::sql_error{
            "MG005", "a customer is never deleted, only marked", {}, "Mark the customer: set mg_deleted_at."};
    if (relation == where.generations.id && call.by_row())
        return call.keep(delete_or_mark(where, call));
    if (relation == where.generations.id)
        throw pg::sql_error{"MG005",
                            "the ledger is append-only: its rows are never deleted",
                            {},
                            "Record a new row that corrects the old one; mark other rows with mg_deleted_at."};
    require_own(call, where.admins);
    where.admins.may_be_written.require_good();
    if (!call.by_row())
        throw pg::sql_error{"MG005", "audits are never deleted", {}, "Delete other admin records by DELETE."};
    pg::row columns(call.tuple(), call.shape());
    const schema::named_row<schema::admin> row(where.admins, columns);
    if (const std::string_view fact = fact_of(row); !fact.empty())
        throw pg::sql_error{
            "MG005",
            std::string(fact) + " is never deleted",
            to_readers({schema::admin::mg_id}, "mg_id=" + pg::quoted(row.text(schema::admin::mg_id).value_or(""))),
            {}};
    return call.keep(call.tuple());
}

} // namespace

} // namespace mega::ledger

PG_ENTRY(mega_trigger_ledger_check, mega::ledger::check);
PG_ENTRY(mega_trigger_ledger_verify, mega::ledger::verify);
PG_ENTRY(mega_trigger_ledger_project, mega::ledger::project_statement);
PG_ENTRY(mega_trigger_keep_row, mega::ledger::keep_row);
