// The triggers of mega_customers: they fill and compute columns, check shapes (I11, I13) and guard what is derived
// (I1, I2).
#include "identity/customer_check.hpp"

#include "core/pass_id.hpp"
#include "core/text_rule.hpp"
#include "ledger/bound_trigger.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/own_key.hpp"
#include "ledger/project.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"

namespace mega::identity {

namespace {

using column = schema::customer;
using ledger::customer_record;

constexpr column times[] = {
    column::mg_expires_at, column::mg_last_active, column::mg_verification_at,           column::mg_last_topup_at,
    column::mg_deleted_at, column::mg_created_at,  column::mg_mma_preferences_updated_at};

// A Shopify id is stored in one spelling; a row that was adopted keeps the one it has.
void fill_shopify_id(customer_record &row) {
    const auto written = row.text(column::mg_shopify_customer_id);
    if (!written)
        return;
    const std::string_view id = core::plain_shopify_id(*written);
    if (id.empty())
        row.set(column::mg_shopify_customer_id, std::nullopt);
    else if (id != *written)
        row.set(column::mg_shopify_customer_id, std::string(id));
}

void fill(customer_record &row) {
    const bool by_hand =
        row.text(column::mg_verification_method) == "manual" && !row.is_null(column::mg_verification_at);
    const bool verified = row.boolean(column::mg_verified_email).value_or(false) ||
                          row.boolean(column::mg_verified_google).value_or(false) ||
                          row.boolean(column::mg_verified_apple).value_or(false) || by_hand;
    if (row.boolean(column::mg_verified_any) != verified)
        row.set(column::mg_verified_any, verified); // I13
}

void check_pass_id(const customer_record &row) {
    const std::string_view pass_id =
        ledger::require_column(schema::name(column::mg_pass_id), row.text(column::mg_pass_id));
    if (!core::is_pass_id(pass_id))
        ledger::refuse_pass_id(schema::name(column::mg_pass_id), pass_id, ledger::bad_column);
}

// Checks what is new: old_row is null for an insert.
void check_values(const customer_record *old_row, const customer_record &row) {
    const auto changed = [&](column c) { return old_row == nullptr || !old_row->same(row, c); };
    for (const column c : {column::mg_shopify_customer_id, column::mg_email})
        if (const auto value = row.text(c); value && changed(c))
            ledger::check_text(schema::name(c), *value, ledger::bad_column);
    for (const column c : times)
        if (changed(c))
            ledger::check_finite(schema::name(c), row.time(c));
    const auto preferences = row.json(column::mg_mma_preferences);
    if (preferences && changed(column::mg_mma_preferences) && !pg::is_object(*preferences))
        throw pg::sql_error{ledger::bad_column,
                            "mg_mma_preferences must be a JSON object",
                            std::string("It is of type ") + pg::type_name(*preferences) + ".",
                            {}};
}

} // namespace

void check_new_customer(customer_record &row, ledger::in_flight::moment when) {
    ledger::protect_new_key(row, column::mg_meta, column::mg_pass_id, when);
    if (row.is_null(column::mg_pass_id))
        return; // the column's own NOT NULL answers, or `guard_new_customer`, when nobody fills it in
    if (row.is_null(column::mg_credits))
        row.set(column::mg_credits, 0);
    if (row.is_null(column::mg_mma_preferences))
        row.set(column::mg_mma_preferences, pg::empty_object());
    for (const column c : {column::mg_created_at, column::mg_updated_at})
        if (row.is_null(c))
            row.set(c, pg::clock_time());
    fill_shopify_id(row);
    fill(row);
    check_pass_id(row);
    check_values(nullptr, row);
}

namespace {

void check_changed(const schema::tables &where, const customer_record &old_row, customer_record &new_row,
                   bool may_replace) {
    if (!old_row.same(new_row, column::mg_pass_id))
        throw pg::sql_error{
            "MG005", "a pass id never changes",
            ledger::to_readers({column::mg_pass_id},
                               "pass_id=" + pg::quoted(old_row.text(column::mg_pass_id).value_or("NULL")) + " ") +
                "written=" + pg::quoted(new_row.text(column::mg_pass_id).value_or("NULL")),
            "Make another customer with mega_ensure_customer."};
    for (const column c : {column::mg_credits, column::mg_mma_preferences, column::mg_created_at})
        if (new_row.is_null(c) && !old_row.is_null(c))
            new_row.set(c, old_row.get(c));
    ledger::protect_stored_key(old_row, new_row, column::mg_meta, column::mg_pass_id,
                               may_replace ? ledger::in_flight::moment::before : ledger::in_flight::moment::after);
    if (!old_row.same(new_row, column::mg_shopify_customer_id))
        fill_shopify_id(new_row);
    fill(new_row);
    check_values(&old_row, new_row);
    ledger::guard_changed_customer(where, old_row, new_row, may_replace);
    new_row.set(column::mg_updated_at,
                ledger::stamp_behind(old_row.time(column::mg_updated_at).value_or(pg::timestamp{})));
}

// BEFORE INSERT OR UPDATE, by row.
Datum check(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::tables &where = ledger::bound_tables(call, &schema::tables::customers);
    pg::row first(call.tuple(), call.shape());
    customer_record row(where.customers, first);
    if (call.on_insert()) {
        check_new_customer(row, ledger::in_flight::moment::before);
        ledger::ignore_derived_of_new_customer(where, row);
        return call.keep(first.changed());
    }
    pg::row second(call.new_tuple(), call.shape());
    customer_record changed(where.customers, second);
    check_changed(where, row, changed, true);
    return call.keep(second.changed());
}

// AFTER INSERT OR UPDATE, by row. An inserted row is judged here, so that an upsert which finds its customer and
// carries the true value passes; an update because somebody else's BEFORE trigger may have changed the row after
// `check` saw it.
Datum verify(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::tables &where = ledger::bound_tables(call, &schema::tables::customers);
    if (call.on_update() && !where.customers.foreign_before_row)
        return call.keep(nullptr);
    pg::row first(call.tuple(), call.shape());
    customer_record row(where.customers, first);
    if (call.on_insert()) {
        if (where.customers.foreign_before_row) {
            check_new_customer(row, ledger::in_flight::moment::after);
            ledger::require_untouched(call, first, 0);
        }
        ledger::guard_new_customer(row);
    } else if (call.on_update()) {
        pg::row second(call.new_tuple(), call.shape());
        customer_record changed(where.customers, second);
        check_changed(where, row, changed, false);
        ledger::require_untouched(call, second, where.customers.at(column::mg_updated_at));
    }
    return call.keep(nullptr);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_trigger_customer_check, mega::identity::check);
PG_ENTRY(mega_trigger_customer_verify, mega::identity::verify);
