// The rules of a customer's row (I11 to I13): filled, computed, checked.
#include "ledger/customer_check.hpp"

#include "core/pass_id.hpp"
#include "core/text_rule.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/merged.hpp"
#include "ledger/own_key.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/project.hpp"
#include "ledger/words.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

namespace {

using column = schema::customer;

constexpr column times[] = {
    column::mg_expires_at, column::mg_last_active, column::mg_verification_at,           column::mg_last_topup_at,
    column::mg_deleted_at, column::mg_created_at,  column::mg_mma_preferences_updated_at};

// A Shopify id is stored in one spelling; a row that was adopted keeps the one it has.
void fill_shopify_id(customer_row &row) {
    const auto written = row.text(column::mg_shopify_customer_id);
    if (!written)
        return;
    const std::string_view id = core::plain_shopify_id(*written);
    if (id.empty())
        row.set(column::mg_shopify_customer_id, std::nullopt);
    else if (id != *written)
        row.set(column::mg_shopify_customer_id, std::string(id));
}

void fill(customer_row &row) {
    const bool by_hand =
        row.text(column::mg_verification_method) == "manual" && !row.is_null(column::mg_verification_at);
    const bool verified = row.boolean(column::mg_verified_email).value_or(false) ||
                          row.boolean(column::mg_verified_google).value_or(false) ||
                          row.boolean(column::mg_verified_apple).value_or(false) || by_hand;
    if (row.boolean(column::mg_verified_any) != verified)
        row.set(column::mg_verified_any, verified); // I13
}

void check_pass_id(const customer_row &row) {
    const std::string_view pass_id = require_column(schema::name(column::mg_pass_id), row.text(column::mg_pass_id));
    if (!may_be_pass_id(pass_id))
        refuse_pass_id(schema::name(column::mg_pass_id), pass_id, bad_column);
}

// Checks what is new: old_row is null for an insert.
void check_values(const customer_row *old_row, const customer_row &row) {
    const auto changed = [&](column c) { return old_row == nullptr || !old_row->same(row, c); };
    for (const column c : {column::mg_shopify_customer_id, column::mg_email})
        if (const auto value = row.text(c); value && changed(c))
            check_text(schema::name(c), *value, bad_column);
    for (const column c : times)
        if (changed(c))
            check_finite(schema::name(c), row.time(c));
    const auto preferences = row.json(column::mg_mma_preferences);
    if (preferences && changed(column::mg_mma_preferences) && !pg::is_object(*preferences))
        throw pg::sql_error{bad_column,
                            "mg_mma_preferences must be a JSON object",
                            std::string("It is of type ") + pg::type_name(*preferences) + ".",
                            {}};
}

} // namespace

namespace {

// What a document has of the application's.
pg::jsonb keys_of_application(column c, pg::jsonb document) {
    return c == column::mg_meta ? application_part(document) : with_managed_keys(document, core::json::make_object());
}

// Whether these change: beside them settlements write of customers who were erased, too.
bool writes_keys(const customer_row &old_row, const customer_row &new_row, column c) {
    const auto stored = old_row.json(c), written = new_row.json(c);
    if (!stored || !written || old_row.same(new_row, c))
        return false;
    return !pg::equal(pg::root_of(keys_of_application(c, *stored)), pg::root_of(keys_of_application(c, *written)));
}

// Nothing that an erasure took away is written anew.
void refuse_text_of_erased(const customer_row &old_row, const customer_row &new_row) {
    constexpr column gone[] = {column::mg_email,
                               column::mg_first_name,
                               column::mg_last_name,
                               column::mg_display_name,
                               column::mg_locale,
                               column::mg_timezone,
                               column::mg_verification_keynumber,
                               column::mg_shopify_customer_id,
                               column::mg_user_id};
    const auto meta = old_row.json(column::mg_meta);
    if (!meta || !own_member(*meta, "erased_at"))
        return;
    const bool written =
        std::ranges::any_of(gone, [&](column c) { return !old_row.same(new_row, c) && !new_row.is_null(c); });
    if (written || new_row.is_null(column::mg_deleted_at) || writes_keys(old_row, new_row, column::mg_meta) ||
        writes_keys(old_row, new_row, column::mg_mma_preferences))
        refuse_erased(old_row.text(column::mg_pass_id).value_or(""));
}

} // namespace

void check_new_customer(customer_row &row, in_flight::moment when) {
    protect_new_key(row, column::mg_meta, column::mg_pass_id, when);
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

void check_changed_customer(const schema::table_catalog &where, const customer_row &old_row, customer_row &new_row,
                            bool may_replace) {
    if (!old_row.same(new_row, column::mg_pass_id))
        throw pg::sql_error{
            "MG005", "a pass id never changes",
            to_readers({column::mg_pass_id},
                       "pass_id=" + pg::quoted(old_row.text(column::mg_pass_id).value_or("NULL")) + " ") +
                "written=" + pg::quoted(new_row.text(column::mg_pass_id).value_or("NULL")),
            "Make another customer with mega_ensure_customer."};
    for (const column c : {column::mg_credits, column::mg_mma_preferences, column::mg_created_at})
        if (new_row.is_null(c) && !old_row.is_null(c))
            new_row.set(c, old_row.get(c));
    protect_stored_key(old_row, new_row, column::mg_meta, column::mg_pass_id,
                       may_replace ? in_flight::moment::before : in_flight::moment::after);
    refuse_text_of_erased(old_row, new_row);
    if (!old_row.same(new_row, column::mg_shopify_customer_id))
        fill_shopify_id(new_row);
    fill(new_row);
    check_values(&old_row, new_row);
    guard_changed_customer(where, old_row, new_row, may_replace);
    new_row.set(column::mg_updated_at, stamp_behind(old_row.time(column::mg_updated_at).value_or(pg::timestamp{})));
}

} // namespace mega::ledger
