// The triggers of mega_admin: ids agree with the columns that repeat them (I6), audits and versions of settings never
// change (I5).
#include "core/record_id.hpp"
#include "ledger/admin_fact.hpp"
#include "ledger/bound_trigger.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/erasure.hpp"
#include "ledger/held_key.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/merged.hpp"
#include "ledger/notify.hpp"
#include "ledger/url_rule.hpp"
#include "ledger/words.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/relation.hpp"
#include "schema/settings.hpp"

#include <charconv>

namespace mega::admin {

namespace {

using column = schema::admin;
using core::record_type;
using admin_row = schema::named_row<column>;
using schema::name;

constexpr column bounded_texts[] = {column::mg_actor_pass_id, column::mg_session_hash, column::mg_email,
                                    column::mg_shopify_customer_id, column::mg_key};
constexpr const char *admin_types = "admin_session, admin_audit, profile, runtime_config or app_config.";
constexpr column times[] = {column::mg_first_seen_at, column::mg_last_seen_at, column::mg_deleted_at,
                            column::mg_created_at, column::mg_updated_at};

// Without its key an adopted table may have a row without an id.
std::string_view id_of(const admin_row &row) { return row.text(column::mg_id).value_or(""); }

[[noreturn]] void refuse_difference(const admin_row &row, column c, std::string_view value) {
    // Of an update the one or the other stood in the row before.
    throw pg::sql_error{ledger::bad_column,
                        std::string(name(c)) + " does not agree with mg_id",
                        ledger::to_readers({c, column::mg_id}, std::string(name(c)) + "=" + pg::quoted(value) +
                                                                   " mg_id=" + pg::quoted(id_of(row))),
                        {}};
}

// std::nullopt for a type that only a setting knows: its ids are the application's.
std::optional<record_type> check_id(admin_row &row) {
    const std::string_view id = id_of(row);
    auto type_name = row.text(column::mg_record_type);
    if (!type_name) {
        type_name = id.substr(0, id.find(':'));
        if (core::parse_record_type(*type_name))
            row.set(column::mg_record_type, *type_name);
    }
    const auto type = core::parse_record_type(*type_name);
    if (!type && ledger::lists(extra_admin_record_types_setting(), *type_name)) {
        ledger::check_text(name(column::mg_id), id, ledger::bad_column);
        return std::nullopt;
    }
    if (!type && row.is_null(column::mg_record_type))
        throw pg::sql_error{ledger::bad_column, "mg_id does not begin with a record type", "mg_id=" + pg::quoted(id),
                            std::string("Use <record type>:<id>, of ") + admin_types};
    if (!type || core::is_ledger_type(*type))
        throw pg::sql_error{ledger::bad_column, "mg_record_type is not a record type of mega_admin",
                            "mg_record_type=" + pg::quoted(*type_name), std::string("Use ") + admin_types};
    if (!core::is_record_id(*type_name, id))
        throw pg::sql_error{ledger::bad_column, "mg_id has not the shape of its record type",
                            "mg_id=" + pg::quoted(id) + " mg_record_type=" + pg::quoted(*type_name),
                            "Use <record type>:<id>."};
    return type;
}

// The key of an app_config id: what stands before a version `.v<n>`.
std::string_view key_of(std::string_view rest) {
    const std::size_t dot = rest.rfind(".v");
    if (dot == std::string_view::npos || dot == 0 || !core::app_config_key_matches(rest, rest.substr(0, dot)))
        return rest;
    return rest.substr(0, dot);
}

void agree_with_id(admin_row &row, record_type type) {
    const std::string_view rest = core::rest_of(type, id_of(row)).value_or("");
    if (type == record_type::admin_session) {
        const auto hash = row.text(column::mg_session_hash);
        if (!hash)
            row.set(column::mg_session_hash, rest);
        else if (*hash != rest)
            refuse_difference(row, column::mg_session_hash, *hash);
    } else if (type == record_type::app_config) {
        const auto key = row.text(column::mg_key);
        if (!key)
            row.set(column::mg_key, key_of(rest));
        else if (!core::app_config_key_matches(rest, *key))
            refuse_difference(row, column::mg_key, *key);
    } else if (type == record_type::runtime_config) {
        std::int32_t id = 0;
        std::from_chars(rest.data(), rest.data() + rest.size(), id);
        const auto stored = row.int4(column::mg_runtime_id);
        if (!stored)
            row.set(column::mg_runtime_id, id);
        else if (*stored != id)
            refuse_difference(row, column::mg_runtime_id, std::to_string(*stored));
    } else if (type == record_type::profile) {
        const pg::uuid id = pg::parse_uuid(rest);
        const auto stored = row.uuid(column::mg_profile_id);
        if (!stored)
            row.set(column::mg_profile_id, id);
        else if (*stored != id)
            refuse_difference(row, column::mg_profile_id, pg::format_uuid(*stored));
    }
}

// An adopted row whose id has no shape, or whose columns said something else before, is left as it is.
bool keeps_its_disagreement(const admin_row &old_row, const admin_row &new_row) {
    constexpr column repeated[] = {column::mg_session_hash, column::mg_key, column::mg_runtime_id,
                                   column::mg_profile_id};
    const bool shaped =
        core::is_record_id(new_row.text(column::mg_record_type).value_or(""), new_row.text(column::mg_id).value_or(""));
    return !shaped || std::ranges::all_of(repeated, [&](column c) { return old_row.same(new_row, c); });
}

void check_values(const admin_row *old_row, admin_row &row) {
    for (const column c : bounded_texts)
        if (const auto value = row.text(c); value && (old_row == nullptr || !old_row->same(row, c)))
            ledger::check_text(name(c), *value, ledger::bad_column);
    for (const column c : times)
        if (old_row == nullptr || !old_row->same(row, c))
            ledger::check_finite(name(c), row.time(c));
    if (const auto payload = row.json(column::mg_payload);
        payload && (old_row == nullptr || !old_row->same(row, column::mg_payload)))
        if (const auto other = ledger::payload_to_store(name(column::mg_payload), *payload))
            row.set(column::mg_payload, *other);
}

// Another spelling would be another row of the same profile, which no function finds.
void require_canonical_uuid(std::string_view id) {
    const std::string_view rest = core::rest_of(record_type::profile, id).value_or("");
    if (const std::string canonical = pg::format_uuid(pg::parse_uuid(rest)); rest != canonical)
        throw pg::sql_error{ledger::bad_column, "mg_id does not spell the UUID of its profile as Postgres does",
                            "mg_id=" + pg::quoted(id), "Use " + pg::quoted("profile:" + canonical) + "."};
}

void check_new(admin_row &row) {
    if (row.is_null(column::mg_id))
        return; // the column's own NOT NULL answers
    const auto type = check_id(row);
    if (type == record_type::profile)
        require_canonical_uuid(id_of(row));
    for (const column c : {column::mg_created_at, column::mg_updated_at})
        if (row.is_null(c))
            row.set(c, pg::clock_time());
    if (type)
        agree_with_id(row, *type);
    check_values(nullptr, row);
}

// False when an erasure has nothing to take from the row.
bool check_changed(const admin_row &old_row, admin_row &new_row) {
    const ledger::erasure *erased = ledger::erasure::under_way();
    const bool changes = erased == nullptr || ledger::erase_admin_row(*erased, old_row, new_row);
    const std::string_view fact = ledger::fact_of(old_row);
    for (std::size_t i = 0; i < static_cast<std::size_t>(column::count); ++i) {
        const auto c = static_cast<column>(i);
        const bool stays = c == column::mg_id || c == column::mg_record_type ||
                           (!fact.empty() && c != column::mg_updated_at && c != column::mg_deleted_at &&
                            (erased == nullptr || !ledger::erases(c)));
        if (stays && !old_row.same(new_row, c))
            throw pg::sql_error{
                "MG005",
                (fact.empty() ? std::string("a record keeps its ") : std::string(fact) + " never changes: ") + name(c),
                ledger::to_readers({column::mg_id}, "mg_id=" + pg::quoted(id_of(old_row))), "Append a new record."};
    }
    if (new_row.is_null(column::mg_created_at))
        new_row.set(column::mg_created_at, old_row.get(column::mg_created_at));
    if (!keeps_its_disagreement(old_row, new_row))
        if (const auto type = core::parse_record_type(new_row.text(column::mg_record_type).value_or("")))
            agree_with_id(new_row, *type);
    check_values(&old_row, new_row);
    new_row.set(column::mg_updated_at, pg::clock_time());
    return changes;
}

// A new row about a customer who was erased, unless mega writes it and about nobody else.
void refuse_of_erased(const schema::table_catalog &where, const admin_row &row) {
    const auto about = row.text(column::mg_actor_pass_id);
    if (about && !ledger::in_flight::is_written_for(id_of(row), *about))
        ledger::refuse_if_erased(where, about);
}

// Whether a change writes what an erasure takes away.
bool writes_text(const admin_row &old_row, const admin_row &new_row) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(column::count); ++i)
        if (const auto c = static_cast<column>(i);
            ledger::erases(c) && !new_row.is_null(c) && !old_row.same(new_row, c))
            return true;
    return false;
}

// A row leaves her for somebody else only: it would be written to without her then.
void refuse_text_of_erased(const schema::table_catalog &where, const admin_row &old_row, const admin_row &new_row) {
    if (ledger::erasure::under_way() != nullptr)
        return;
    const auto before = old_row.text(column::mg_actor_pass_id), now = new_row.text(column::mg_actor_pass_id);
    if ((before && !now) || writes_text(old_row, new_row))
        ledger::refuse_if_erased(where, now ? now : before);
}

// BEFORE INSERT OR UPDATE, by row.
Datum check(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = ledger::bound_catalog(call, &schema::table_catalog::admins);
    pg::row first(call.tuple(), call.shape());
    admin_row row(where.admins, first);
    if (call.on_insert()) {
        refuse_of_erased(where, row);
        if (row.is_null(column::mg_id) && !pg::bars_null(call.shape(), where.admins.at(column::mg_id)))
            ledger::throw_null_column(name(column::mg_id));
        check_new(row);
        ledger::require_free_keys(where, row);
        return call.keep(first.changed());
    }
    pg::row second(call.new_tuple(), call.shape());
    admin_row changed(where.admins, second);
    refuse_text_of_erased(where, row, changed);
    if (check_changed(row, changed))
        return call.keep(second.changed());
    ledger::erasure::under_way()->leave_alone();
    return call.keep(nullptr);
}

// What a stored row must still be, although a BEFORE trigger of somebody else may have changed it after `check` saw it.
void check_stored(const pg::trigger_call &call, const admin_row *old_row, admin_row &row, const pg::row &columns,
                  AttrNumber updated_at) {
    if (old_row != nullptr)
        check_changed(*old_row, row);
    else
        check_new(row);
    ledger::require_untouched(call, columns, old_row != nullptr ? updated_at : AttrNumber{0});
}

// AFTER INSERT OR UPDATE, by row. Tells listeners of a setting that changed.
Datum verify(FunctionCallInfo fcinfo) {
    const pg::trigger_call call(fcinfo);
    const schema::table_catalog &where = ledger::bound_catalog(call, &schema::table_catalog::admins);
    if ((!call.on_update() && !call.on_insert()) || (!where.admins.foreign_before_row && !notify_setting()))
        return call.keep(nullptr);
    pg::row first(call.tuple(), call.shape());
    if (call.on_insert()) {
        admin_row row(where.admins, first);
        if (where.admins.foreign_before_row) {
            refuse_of_erased(where, row);
            check_stored(call, nullptr, row, first, 0);
        }
        ledger::notify_setting_changed(nullptr, row);
        return call.keep(nullptr);
    }
    pg::row second(call.new_tuple(), call.shape());
    const admin_row old_row(where.admins, first);
    admin_row new_row(where.admins, second);
    if (where.admins.foreign_before_row) {
        refuse_text_of_erased(where, old_row, new_row);
        check_stored(call, &old_row, new_row, second, where.admins.at(column::mg_updated_at));
    }
    ledger::notify_setting_changed(&old_row, new_row);
    return call.keep(nullptr);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_trigger_admin_check, mega::admin::check);
PG_ENTRY(mega_trigger_admin_verify, mega::admin::verify);
