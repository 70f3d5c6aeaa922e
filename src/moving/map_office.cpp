// What becomes of the office's tables.
#include "moving/mapping_parts.hpp"

namespace mega::moving {

namespace {

// Who changed a setting stands in its metadata.
template <class Column> void set_actor(const legacy_row &row, mapped<Column> &out, Column meta) {
    pg::json_builder builder;
    builder.begin_object();
    if (const auto who = row.text("updated_by"))
        builder.key("actor").text(*who);
    out.set("updated_by", meta, builder.end_object().finish());
}

using office = schema::admin;

void set_changed(const legacy_row &row, const terms &by, mapped<office> &out) {
    const pg::timestamp at =
        sane(row, "updated_at", by) ? *sane(row, "updated_at", by) : made_at(row, "updated_at", nullptr, by, out);
    out.set("updated_at", office::mg_created_at, at);
    out.set("updated_at", office::mg_updated_at, at);
}

void set_user(const legacy_row &row, mapped<office> &out) {
    const auto user = row.uuid("user_id");
    if (const auto written = row.text("user_id"); written && !user)
        out.mend(how::unfit_user_id, "user_id=" + std::string(core::beginning_of(*written, 60)));
    out.set("user_id", office::mg_user_id, user);
}

void map_runtime(const legacy_row &row, const terms &by, mapped<office> &out) {
    pg::json_builder flat;
    flat.begin_object();
    pg::for_each_member(pg::root_of(row.document()), [&](std::string_view key, const pg::json_value &value) {
        if (key != "id" && key != "updated_at" && key != "updated_by")
            flat.key(key).value(value);
    });
    out.set("knobs", office::mg_runtime_flat, flat.end_object().finish());
    set_actor(row, out, office::mg_meta);
    set_changed(row, by, out);
}

void map_app_config(const legacy_row &row, const terms &by, mapped<office> &out) {
    out.set("key", office::mg_key, row.text("key"));
    const auto value = row.value("value");
    out.set("value", office::mg_value,
            value ? std::optional(pg::json_builder::document_of(*value)) : std::optional<pg::jsonb>());
    set_actor(row, out, office::mg_meta);
    set_changed(row, by, out);
}

void map_profile(const legacy_row &row, const terms &by, mapped<office> &out) {
    set_user(row, out);
    out.set("email", office::mg_email, fit(row, "email", out));
    out.set("shopify_customer_id", office::mg_shopify_customer_id, fit(row, "shopify_customer_id", out));
    set_times(row, by, out, office::mg_created_at, office::mg_updated_at);
}

void map_admin_session(const legacy_row &row, const terms &by, mapped<office> &out) {
    set_user(row, out);
    out.set("email", office::mg_email, fit(row, "email", out));
    out.set("ip", office::mg_ip, row.text("ip"));
    out.set("user_agent", office::mg_user_agent, row.text("user_agent"));
    const pg::timestamp made = made_at(row, "first_seen_at", "updated_at", by, out);
    out.set("first_seen_at", office::mg_first_seen_at, made);
    out.set("last_seen_at", office::mg_last_seen_at, time_of(row, "last_seen_at", made, by, out));
    out.set("", office::mg_created_at, made);
    out.set("updated_at", office::mg_updated_at, time_of(row, "updated_at", made, by, out).value_or(made));
}

void map_audit(const legacy_row &row, const terms &by, mapped<office> &out) {
    for (const auto &[name, c] : {std::pair{"action", office::mg_action}, std::pair{"route", office::mg_route},
                                  std::pair{"method", office::mg_method}})
        out.set(name, c, row.text(name));
    out.set("status", office::mg_status, row.integer("status"));
    set_user(row, out);
    out.set("email", office::mg_email, fit(row, "email", out));
    const auto detail = row.value("detail");
    out.set("detail", office::mg_detail,
            detail ? std::optional(redacted(pg::json_builder::document_of(*detail))) : std::optional<pg::jsonb>());
    const pg::timestamp made = made_at(row, "created_at", nullptr, by, out);
    out.set("created_at", office::mg_created_at, made);
    out.set("", office::mg_updated_at, made);
}

} // namespace

mapped<office> map_admin(const legacy_row &row, const terms &by) {
    mapped<office> out;
    switch (row.table()) {
    case legacy::runtime_config:
        map_runtime(row, by, out);
        break;
    case legacy::app_config:
        map_app_config(row, by, out);
        break;
    case legacy::profiles:
        map_profile(row, by, out);
        break;
    case legacy::admin_sessions:
        map_admin_session(row, by, out);
        break;
    default:
        map_audit(row, by, out);
    }
    note_unfit_json(row, row.table() == legacy::app_config ? "value" : "detail", out);
    if (!mega_id_of(row))
        out.refused = note{why::bad_id, {}};
    return out;
}

} // namespace mega::moving
