// The triggers of mega_customers: they fill and compute columns, check shapes (I11, I13) and guard what is derived
// (I1, I2).
#include "ledger/bound_trigger.hpp"
#include "ledger/customer_check.hpp"
#include "ledger/held_key.hpp"
#include "pg/entry.hpp"

namespace mega::identity {

namespace {

using column = schema::customer;

// BEFORE INSERT OR UPDATE, by row.
Datum check(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = ledger::bound_catalog(call, &schema::table_catalog::customers);
    pg::row first(call.tuple(), call.shape());
    ledger::customer_row row(where.customers, first);
    if (call.on_insert()) {
        ledger::check_new_customer(row, ledger::in_flight::moment::before);
        ledger::ignore_derived_of_new_customer(where, row);
        ledger::require_free_identities(where, nullptr, row);
        return call.keep(first.changed());
    }
    pg::row second(call.new_tuple(), call.shape());
    ledger::customer_row changed(where.customers, second);
    ledger::check_changed_customer(where, row, changed, true);
    ledger::require_free_identities(where, &row, changed);
    return call.keep(second.changed());
}

// AFTER INSERT OR UPDATE, by row. An inserted row is judged here, so that an upsert which finds its customer and
// carries the true value passes; an update because somebody else's BEFORE trigger may have changed the row after
// `check` saw it.
Datum verify(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = ledger::bound_catalog(call, &schema::table_catalog::customers);
    if (call.on_update() && !where.customers.foreign_before_row)
        return call.keep(nullptr);
    pg::row first(call.tuple(), call.shape());
    ledger::customer_row row(where.customers, first);
    if (call.on_insert()) {
        if (where.customers.foreign_before_row) {
            ledger::check_new_customer(row, ledger::in_flight::moment::after);
            ledger::require_untouched(call, first, 0);
        }
        ledger::guard_new_customer(row);
    } else if (call.on_update()) {
        pg::row second(call.new_tuple(), call.shape());
        ledger::customer_row changed(where.customers, second);
        ledger::check_changed_customer(where, row, changed, false);
        ledger::require_untouched(call, second, where.customers.at(column::mg_updated_at));
    }
    return call.keep(nullptr);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_trigger_customer_check, mega::identity::check);
PG_ENTRY(mega_trigger_customer_verify, mega::identity::verify);
