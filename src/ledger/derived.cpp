// The guard of derived columns: what a write of theirs that is no projection gets.
#include "ledger/derived.hpp"

#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/json_tree.hpp"
#include "ledger/parent_check.hpp"
#include "ledger/preference_fold.hpp"
#include "pg/jsonb.hpp"
#include "pg/warning.hpp"
#include "schema/interference.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

using column = schema::customer;

constexpr const char *credits_hint = "Use mega_record_credit, or append a credit_transaction row to mega_generations. "
                                     "An ORM that writes all columns of a "
                                     "row is to leave this one out.";
constexpr const char *preferences_hint =
    "Use mega_record_mma_event, or append an mma_event row to mega_generations. Keys of your own are yours to write. "
    "An "
    "ORM that writes all columns of a row is to leave this one out, or to change keys of its own only.";

// Without its key an adopted table may have a row without a pass id.
std::string_view pass_id_of(const customer_row &row) { return row.text(column::mg_pass_id).value_or(""); }

bool same_managed_keys(pg::jsonb left, pg::jsonb right) {
    return std::ranges::all_of(
        core::managed_keys, [&](std::string_view key) { return pg::equal(pg::find(left, key), pg::find(right, key)); });
}

bool has_managed_key(pg::jsonb document) {
    return std::ranges::any_of(core::managed_keys,
                               [&](std::string_view key) { return pg::find(document, key).has_value(); });
}

[[noreturn]] void refuse_credits(std::string_view pass_id, std::int32_t stored, std::int32_t written) {
    throw pg::sql_error{"MG006", "mg_credits is derived from the ledger and cannot be written",
                        to_readers({column::mg_pass_id, column::mg_credits}, "pass_id=" + pg::quoted(pass_id) +
                                                                                 " stored=" + std::to_string(stored) +
                                                                                 " written=" + std::to_string(written)),
                        credits_hint};
}

[[noreturn]] void refuse_preferences(std::string_view pass_id) {
    throw pg::sql_error{"MG006",
                        "the managed keys of mg_mma_preferences are derived from the events and cannot be "
                        "written",
                        to_readers({column::mg_pass_id}, "pass_id=" + pg::quoted(pass_id) + " ") +
                            "managed keys: hard_blocks, tag_weights, updated_at, source, positions",
                        preferences_hint};
}

void warn(const char *kept, std::string_view pass_id) {
    pg::warn(std::string(kept) + " is derived from the ledger: the value written was ignored",
             to_readers({column::mg_pass_id}, "pass_id=" + pg::quoted(pass_id)));
}

// Not the projection's value, nor an old one beside a warning: balance and ledger would part.
[[noreturn]] void refuse_other_projection(const schema::table_catalog &where, std::string_view pass_id,
                                          const std::string &values) {
    schema::refuse_interference(
        where.customers.id, schema::writing::update, "changes what a projection writes",
        to_readers({column::mg_pass_id, column::mg_credits}, "pass_id=" + pg::quoted(pass_id) + values));
}

void guard_credits(const schema::table_catalog &where, const customer_row &old_row, customer_row &new_row,
                   bool may_replace, const in_flight::look &own) {
    const std::string_view pass_id = pass_id_of(old_row);
    const std::int32_t written = new_row.int4(column::mg_credits).value_or(0);
    if (own.is_projection() && written != own.credits())
        refuse_other_projection(where, pass_id,
                                " mg_credits=" + std::to_string(own.credits()) + " made " + std::to_string(written));
    if (own.is_projection() || old_row.same(new_row, column::mg_credits))
        return;
    const std::int32_t stored = old_row.int4(column::mg_credits).value_or(0);
    if (!may_replace || derived_writes_setting() == derived_writes::reject)
        refuse_credits(pass_id, stored, written);
    warn("mg_credits", pass_id);
    new_row.set(column::mg_credits, stored);
}

void guard_preferences(const schema::table_catalog &where, const customer_row &old_row, customer_row &new_row,
                       bool may_replace, const in_flight::look &own) {
    const std::string_view pass_id = pass_id_of(old_row);
    const pg::jsonb written = new_row.json(column::mg_mma_preferences).value_or(pg::empty_object());
    if (own.projects_preferences()) {
        if (!same_managed_keys(pg::jsonb{const_cast<Jsonb *>(own.preferences())}, written))
            refuse_other_projection(where, pass_id, " of mg_mma_preferences");
        return; // keys of the application's own are anybody's
    }
    if (old_row.same(new_row, column::mg_mma_preferences))
        return;
    const pg::jsonb stored = old_row.json(column::mg_mma_preferences).value_or(pg::empty_object()); // adopted: NULL
    if (same_managed_keys(stored, written))
        return;
    if (!may_replace || derived_writes_setting() == derived_writes::reject)
        refuse_preferences(pass_id);
    warn("mg_mma_preferences", pass_id);
    new_row.set(column::mg_mma_preferences,
                with_managed_keys(written, members_of(pg::root_of(stored), core::managed_keys)));
}

} // namespace

void guard_changed_customer(const schema::table_catalog &where, const customer_row &old_row, customer_row &new_row,
                            bool may_replace) {
    const in_flight::look own(pass_id_of(old_row), may_replace ? in_flight::moment::before : in_flight::moment::after);
    guard_credits(where, old_row, new_row, may_replace, own);
    guard_preferences(where, old_row, new_row, may_replace, own);
}

void ignore_derived_of_new_customer(const schema::table_catalog &where, customer_row &row) {
    if (derived_writes_setting() == derived_writes::reject || row.is_null(column::mg_pass_id))
        return;
    const pg::jsonb preferences = row.json(column::mg_mma_preferences).value_or(pg::empty_object());
    const bool credits = row.int4(column::mg_credits).value_or(0) != 0, managed = has_managed_key(preferences);
    const std::string_view pass_id = pass_id_of(row);
    // A row that is there already meets its upsert's values as they were given: `guard_changed_customer` judges them.
    if ((!credits && !managed) || customer_exists(where, pass_id))
        return;
    if (credits) {
        warn("mg_credits", pass_id);
        row.set(column::mg_credits, 0);
    }
    if (managed) {
        warn("mg_mma_preferences", pass_id);
        row.set(column::mg_mma_preferences, with_managed_keys(preferences, core::json::make_object()));
    }
}

void guard_new_customer(const customer_row &row) {
    require_column(schema::name(column::mg_pass_id), row.text(column::mg_pass_id));
    const std::int32_t written = row.int4(column::mg_credits).value_or(0);
    if (written != 0)
        refuse_credits(pass_id_of(row), 0, written);
    if (const auto preferences = row.json(column::mg_mma_preferences); preferences && has_managed_key(*preferences))
        refuse_preferences(pass_id_of(row));
}

} // namespace mega::ledger
