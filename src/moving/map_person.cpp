// What becomes of a customer's rows, and how values are shown.
#include "core/permanent_url.hpp"
#include "core/utc_time.hpp"
#include "moving/mapping_parts.hpp"

namespace mega::moving {

namespace {

using person = schema::customer;

// The first of the customer's rows that says it.
template <class Read> auto first_of(std::span<const legacy_row> rows, Read read) -> decltype(read(rows.front())) {
    for (const legacy_row &row : rows)
        if (auto value = read(row))
            return value;
    return std::nullopt;
}

// What its column does not take: there is no payload that would keep it.
bool is_unfit(const legacy_row &row, std::string_view column) {
    const auto text = column == "user_id" || column == "email" ? row.text(column) : std::nullopt;
    if (!text || core::is_blank(*text))
        return false;
    return column == "user_id" ? !row.uuid(column) : core::check_text(*text) != core::text_fault::none;
}

// What has no column of its own, or does not fit it, stands in mg_meta, beside what the application's meta says.
pg::jsonb meta_of_customer(std::span<const legacy_row> rows) {
    std::map<std::string, pg::json_value, std::less<>> members;
    for (const legacy_row &row : rows) {
        if (const auto meta = row.value("meta"); meta && meta->is_object())
            pg::for_each_member(meta->container(), [&](std::string_view key, const pg::json_value &value) {
                members.emplace(std::string(key), value);
            });
        else if (meta)
            members.emplace("meta", *meta);
        const auto columns = definition_of(legacy::customers).columns;
        pg::for_each_member(pg::root_of(row.document()), [&](std::string_view key, const pg::json_value &value) {
            const auto is_it = [&](const legacy_column &one) { return key == one.name; };
            if (!value.is_null() && (std::ranges::none_of(columns, is_it) || is_unfit(row, key)))
                members.emplace(std::string(key), value);
        });
    }
    pg::json_builder builder;
    builder.begin_object();
    for (const auto &[key, value] : members)
        builder.key(key).value(value);
    return redacted(builder.end_object().finish());
}

std::optional<pg::timestamp> end_of(const legacy_row &row) {
    const auto end = row.time("expires_at");
    return end && pg::is_finite(*end) ? end : std::nullopt; // never ends
}

// When any of his keys was seen last.
std::optional<pg::timestamp> last_of(std::span<const legacy_row> rows, pg::timestamp made, const terms &by,
                                     mapped<person> &out) {
    std::optional<pg::timestamp> last;
    for (const legacy_row &row : rows)
        if (const auto time = time_of(row, "last_active", made, by, out); time && (!last || last->value < time->value))
            last = time;
    return last;
}

} // namespace

mapped<person> map_customer(std::span<const legacy_row> rows, const terms &by) {
    mapped<person> out;
    const legacy_row &first = rows.front();
    const auto user = first_of(rows, [](const legacy_row &row) { return row.uuid("user_id"); });
    if (const auto written = first.text("user_id"); written && !first.uuid("user_id"))
        out.mend(how::unfit_user_id, "user_id=" + std::string(core::beginning_of(*written, 60)));
    out.set("user_id", person::mg_user_id, user);
    out.set("email", person::mg_email, first_of(rows, [&](const legacy_row &row) { return fit(row, "email", out); }));
    out.set("expires_at", person::mg_expires_at, first_of(rows, end_of));
    const bool disabled =
        std::ranges::any_of(rows, [](const legacy_row &row) { return row.boolean("disabled").value_or(false); });
    out.set("disabled", person::mg_disabled, disabled);
    out.set("meta", person::mg_meta, meta_of_customer(rows));
    for (const legacy_row &row : rows)
        note_unfit_json(row, "meta", out);
    const pg::timestamp made = made_at(first, "created_at", "updated_at", by, out);
    out.set("last_active", person::mg_last_active, last_of(rows, made, by, out));
    out.set("created_at", person::mg_created_at, made);
    out.set("updated_at", person::mg_updated_at, time_of(first, "updated_at", made, by, out).value_or(made));
    return out;
}

namespace {

std::string json_text(pg::jsonb document) {
    return pg::call([document] {
        return static_cast<const char *>(
            JsonbToCString(nullptr, &document.document->root, static_cast<int>(VARSIZE(document.document))));
    });
}

std::string shown_as(std::string_view type, Datum value) {
    if (type == "integer")
        return std::to_string(DatumGetInt32(value));
    if (type == "boolean")
        return DatumGetBool(value) ? "true" : "false";
    if (type == "uuid")
        return pg::format_uuid(pg::uuid_of(value));
    if (type == "jsonb")
        return json_text(pg::jsonb_of(value));
    if (type == "timestamptz")
        return core::iso_utc(pg::unix_micros(pg::timestamp_of(value)));
    return std::string(pg::text_of(value));
}

template <class Column> std::string_view type_of(Column column);
template <> std::string_view type_of(schema::customer c) {
    return schema::customer_columns[static_cast<std::size_t>(c)].type;
}
template <> std::string_view type_of(schema::ledger c) {
    return schema::ledger_columns[static_cast<std::size_t>(c)].type;
}
template <> std::string_view type_of(schema::admin c) {
    return schema::admin_columns[static_cast<std::size_t>(c)].type;
}

} // namespace

template <class Column> std::optional<std::string> shown(Column column, const pg::nullable_datum &value) {
    return value.is_null ? std::nullopt : std::optional(shown_as(type_of(column), value.value));
}

template <class Column>
std::optional<std::string> shown_without_secrets(Column column, const pg::nullable_datum &value) {
    if (type_of(column) == "jsonb" && !value.is_null)
        return shown(column, pg::to_datum(redacted(pg::jsonb_of(value.value))));
    const auto text = shown(column, value);
    return text ? core::redact_urls(*text).value_or(*text) : text;
}

template std::optional<std::string> shown(schema::customer, const pg::nullable_datum &);
template std::optional<std::string> shown(schema::ledger, const pg::nullable_datum &);
template std::optional<std::string> shown(schema::admin, const pg::nullable_datum &);
template std::optional<std::string> shown_without_secrets(schema::customer, const pg::nullable_datum &);
template std::optional<std::string> shown_without_secrets(schema::ledger, const pg::nullable_datum &);
template std::optional<std::string> shown_without_secrets(schema::admin, const pg::nullable_datum &);

} // namespace mega::moving
