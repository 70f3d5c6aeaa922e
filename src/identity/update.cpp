// mega_update_customer: what somebody of the office changes of a customer; what is not named stays.
#include "core/text_rule.hpp"
#include "credits/customer_end.hpp"
#include "function_arguments.hpp"
#include "identity/change.hpp"
#include "identity/profile.hpp"
#include "ledger/checked.hpp"
#include "ledger/own_key.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/merge_patch.hpp"
#include "pg/prefixed.hpp"
#include "pg/result.hpp"

namespace mega::identity {

namespace {

using column = schema::customer;

struct fields {
    std::vector<ledger::customer_change> changes;
    std::optional<std::optional<pg::timestamp>> end; // given: to this time, or to none
    std::optional<std::optional<pg::jsonb>> meta;    // given: a patch, or nothing of the application's
    std::vector<std::string> names;                  // of what was given, in jsonb's order
};

[[noreturn]] void refuse_type(std::string_view key, const char *wanted, const pg::json_value &value) {
    throw pg::sql_error{ledger::bad_argument,
                        "fields." + std::string(key) + " must be " + wanted,
                        std::string("It is of type ") + value.type_name() + ".",
                        {}};
}

pg::nullable_datum read_email(const pg::json_value &value) {
    if (value.is_null())
        return {};
    if (!value.is_string())
        refuse_type("email", "a string", value);
    if (core::is_blank(value.string()))
        return {};
    const std::string_view email = core::trim_spaces(value.string());
    ledger::check_text("fields.email", email, ledger::bad_argument);
    return pg::to_datum(email);
}

pg::nullable_datum read_packs(std::string_view key, const pg::json_value &value, std::int32_t least) {
    if (value.is_null())
        return {};
    const auto packs = value.is_number() ? value.int4() : std::nullopt;
    if (!packs)
        refuse_type(key, "a whole number of packs", value);
    if (*packs < least)
        throw pg::sql_error{ledger::bad_argument, "fields." + std::string(key) + " is too small",
                            "value=" + std::to_string(*packs), "Use at least " + std::to_string(least) + "."};
    return pg::to_datum(*packs);
}

pg::nullable_datum read_flag(std::string_view key, const pg::json_value &value) {
    if (value.is_null())
        return {};
    if (!value.is_boolean())
        refuse_type(key, "true or false", value);
    return pg::to_datum(value.boolean());
}

std::optional<pg::timestamp> read_end(const pg::json_value &value) {
    if (value.is_null())
        return std::nullopt;
    if (!value.is_string())
        refuse_type("expires_at", "a time", value);
    const std::string text(value.string());
    const pg::timestamp end = pg::prefixed("fields.expires_at", [&text] { return pg::parse_time(text); });
    ledger::check_writable("fields.expires_at", end);
    return end;
}

void read_member(fields &read, std::string_view key, const pg::json_value &value) {
    read.names.emplace_back(key);
    if (const auto about = read_profile_member("fields", key, value, names::checked))
        read.changes.push_back(*about);
    else if (key == "email")
        read.changes.emplace_back(column::mg_email, read_email(value));
    else if (key == "topup_default_packs")
        read.changes.emplace_back(column::mg_topup_default_packs, read_packs(key, value, 1));
    else if (key == "auto_topup_monthly_limit_packs")
        read.changes.emplace_back(column::mg_auto_topup_monthly_limit_packs, read_packs(key, value, 0));
    else if (key == "auto_topup_enabled")
        read.changes.emplace_back(column::mg_auto_topup_enabled, read_flag(key, value));
    else if (key == "expires_at")
        read.end = read_end(value);
    else if (key == "meta" && value.is_null())
        read.meta = std::optional<pg::jsonb>();
    else if (key == "meta" && value.is_object())
        read.meta = pg::json_builder::document_of(value);
    else if (key == "meta")
        refuse_type(key, "an object", value);
    else
        throw pg::sql_error{ledger::bad_argument,
                            "fields has an unknown key " + pg::quoted(key),
                            {},
                            "Known are email, first_name, last_name, display_name, locale, timezone, marketing_opt_in, "
                            "product_updates_opt_in, topup_default_packs, auto_topup_enabled, "
                            "auto_topup_monthly_limit_packs, expires_at and meta."};
}

fields read_fields(std::optional<pg::jsonb> given) {
    ledger::require("fields", given);
    fields read;
    pg::for_each_member(pg::root_of(ledger::require_object("fields", given)),
                        [&](std::string_view key, const pg::json_value &value) { read_member(read, key, value); });
    return read;
}

// The application's document patched, with mega's own key as it stands (I17).
pg::jsonb patched(const pg::nullable_datum &stored, const std::optional<pg::jsonb> &patch) {
    const pg::jsonb before = stored.is_null ? pg::empty_object() : pg::jsonb_of(stored.value);
    const pg::jsonb base = patch && pg::is_object(before) ? before : pg::empty_object();
    const pg::jsonb after = pg::merge_patch(base, patch.value_or(pg::empty_object()));
    return ledger::with_key_of(after, before);
}

// What an audit says: which fields were told, not what they said.
pg::jsonb detail_of(const fields &told) {
    pg::json_builder detail;
    detail.begin_object().key("fields").begin_array();
    for (const std::string &name : told.names)
        detail.text(name);
    return detail.end_array().end_object().finish();
}

Datum update_customer(FunctionCallInfo fcinfo) {
    using in = arguments::update_customer;
    const pg::arguments given(fcinfo);
    fields told = read_fields(given.json(in::fields));
    change what(fcinfo, given.text(in::pass_id), given.text(in::actor),
                told.end ? schema::written::books : schema::written::customers);
    bool changed = told.end && credits::set_customer_end(what.store(), what.customer(), *told.end);
    if (told.meta)
        told.changes.emplace_back(column::mg_meta, pg::to_datum(patched(what.read(column::mg_meta), *told.meta)));
    changed = what.write(told.changes) || changed;
    if (changed)
        what.finish("customer.update", detail_of(told));
    else
        what.finish();
    return pg::return_row(fcinfo, what.pass_id(), changed);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_update_customer, mega::identity::update_customer);
