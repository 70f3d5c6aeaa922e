// mega_set_runtime_config and mega_runtime_config: flat knobs, changed by merge patches.
#include "admin/person.hpp"
#include "admin/upsert.hpp"
#include "function_arguments.hpp"
#include "ledger/admin_look.hpp"
#include "ledger/audit.hpp"
#include "ledger/checked.hpp"
#include "ledger/new_admin_row.hpp"
#include "pg/entry.hpp"
#include "pg/merge_patch.hpp"
#include "pg/result.hpp"

namespace mega::admin {

namespace {

using column = schema::admin;

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement lock("SELECT a.mg_runtime_flat, a.mg_deleted_at IS NULL FROM ONLY @schema@.mega_admin a WHERE "
                             "a.mg_id OPERATOR(pg_catalog.=) $1 "
                             "AND a.mg_record_type OPERATOR(pg_catalog.=) 'runtime_config' FOR NO KEY UPDATE",
                             id_type);
constinit pg::statement
    find("SELECT a.mg_runtime_flat FROM ONLY @schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1 "
         "AND a.mg_record_type OPERATOR(pg_catalog.=) 'runtime_config' AND a.mg_deleted_at IS NULL",
         id_type);

constexpr Oid change_types[] = {TEXTOID, JSONBOID};
constinit pg::statement change("UPDATE ONLY @schema@.mega_admin a SET mg_runtime_flat = $2, mg_deleted_at = NULL "
                               "WHERE a.mg_id OPERATOR(pg_catalog.=) $1 "
                               "AND a.mg_record_type OPERATOR(pg_catalog.=) 'runtime_config'",
                               change_types);

void value_or_null(pg::json_builder &builder, const std::optional<pg::json_value> &value) {
    if (value)
        builder.value(*value);
    else
        builder.null();
}

// What an audit says of it: each knob that changed in what is in force, before and after; null is absent.
pg::jsonb difference(std::int32_t runtime_id, pg::jsonb before, pg::jsonb after) {
    pg::json_builder detail;
    detail.begin_object();
    detail.key("runtime_id").number(runtime_id);
    detail.key("changed").begin_object();
    const auto tell = [&](std::string_view knob) {
        const auto old_value = pg::find(before, knob), new_value = pg::find(after, knob);
        if (pg::equal(old_value, new_value))
            return;
        detail.key(knob).begin_object();
        value_or_null(detail.key("before"), old_value);
        value_or_null(detail.key("after"), new_value);
        detail.end_object();
    };
    pg::for_each_member(pg::root_of(before), [&](std::string_view knob, const pg::json_value &) { tell(knob); });
    pg::for_each_member(pg::root_of(after), [&](std::string_view knob, const pg::json_value &) {
        if (!pg::find(before, knob))
            tell(knob);
    });
    return detail.end_object().end_object().finish();
}

bool same(pg::jsonb left, pg::jsonb right) { return pg::equal(pg::root_of(left), pg::root_of(right)); }

Datum set_runtime_config(FunctionCallInfo fcinfo) {
    using in = arguments::set_runtime_config;
    const pg::arguments given(fcinfo);
    ledger::require("flat", given.json(in::flat));
    const pg::jsonb patch = ledger::require_object("flat", given.json(in::flat));
    const std::int32_t id = ledger::require("runtime_id", given.int4(in::runtime_id));
    const auto actor = read_actor(given.text(in::actor));
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid, schema::written::admins);
    ledger::new_admin_row row(core::record_type::runtime_config, std::to_string(id));
    pg::spi_connection spi;
    pg::jsonb before = pg::empty_object(), after = pg::merge_patch(before, patch);
    const auto change_it = [&] {
        const pg::as_role owner(where.admins.owner);
        const pg::rows found = spi.run(lock, where.schema, pg::access::read_write, row.mg_id());
        if (found.empty())
            return false;
        const bool is_in_force = found.boolean(0, 1).value_or(false);
        const pg::jsonb stored = found.json(0, 0).value_or(pg::empty_object());
        before = is_in_force ? stored : pg::empty_object();
        after = pg::merge_patch(stored, patch);
        return (same(before, after) && is_in_force) ||
               spi.run(change, where.schema, pg::access::read_write, row.mg_id(), after).count() > 0;
    };
    const auto make_it = [&] {
        before = pg::empty_object();
        after = pg::merge_patch(before, patch);
        row.set(column::mg_runtime_id, id).set(column::mg_runtime_flat, after);
        return ledger::append(spi, where, row);
    };
    const bool made = change_or_make(where, row.mg_id(), change_it, make_it);
    if (made || !same(before, after))
        ledger::audit_actor(spi, where, {"runtime_config.set", std::nullopt, difference(id, before, after)}, actor);
    after = spi.copy_out(after);
    spi.finish();
    return pg::return_row(fcinfo, row.mg_id(), after);
}

Datum runtime_config(FunctionCallInfo fcinfo) {
    using in = arguments::runtime_config;
    const std::int32_t id = ledger::require("runtime_id", pg::arguments(fcinfo).int4(in::runtime_id));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    pg::spi_connection spi;
    constexpr column flat[] = {column::mg_runtime_flat};
    pg::nullable_datum found[1];
    const ledger::admin_look look{core::record_type::runtime_config, flat, find};
    if (!ledger::look_at_admin_row(spi, where, look, "runtime_config:" + std::to_string(id), found) ||
        found[0].is_null) {
        spi.finish();
        return pg::return_null(fcinfo);
    }
    const pg::jsonb kept = spi.copy_out(pg::jsonb_of(found[0].value));
    spi.finish();
    return pg::to_datum(kept).value;
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_set_runtime_config, mega::admin::set_runtime_config);
PG_ENTRY(mega_runtime_config, mega::admin::runtime_config);
