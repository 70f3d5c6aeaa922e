// Reads one row of a legacy table, whatever its columns are.
#include "moving/legacy_row.hpp"

#include "core/pass_id.hpp"
#include "core/permanent_url.hpp"
#include "core/text_rule.hpp"
#include "core/utc_time.hpp"
#include "pg/clock.hpp"

#include <charconv>

namespace mega::moving {

namespace {

std::string json_text(pg::jsonb document) {
    return pg::call([document] {
        return static_cast<const char *>(
            JsonbToCString(nullptr, &document.document->root, static_cast<int>(VARSIZE(document.document))));
    });
}

// While it lives, the session is one in UTC, and months come before days.
class in_utc {
public:
    in_utc() : before_(session_timezone), order_before_(DateOrder) {
        session_timezone = pg::call([] { return pg_tzset("GMT"); });
        DateOrder = DATEORDER_MDY;
    }
    in_utc(const in_utc &) = delete;
    in_utc &operator=(const in_utc &) = delete;
    ~in_utc() {
        session_timezone = before_;
        DateOrder = order_before_;
    }

private:
    pg_tz *before_;
    int order_before_;
};

// A time without a zone is one of UTC, whatever the session's is and however it is written.
pg::timestamp parse_time(const std::string &text) {
    const in_utc here;
    return pg::parse_time(text);
}

} // namespace

std::string text_of(const pg::json_value &value) {
    if (value.is_string())
        return std::string(value.string());
    if (value.is_number())
        return value.number();
    if (value.is_boolean())
        return value.boolean() ? "true" : "false";
    return value.is_null() ? "null" : json_text(pg::json_builder::document_of(value));
}

pg::jsonb redacted(pg::jsonb document) { return pg::replace_strings(document, core::redact_urls).value_or(document); }

pg::jsonb with_former(pg::jsonb row, pg::jsonb former, std::span<const char *const> kept) {
    const auto is_kept = [&](std::string_view name) {
        return std::ranges::any_of(kept, [&](const char *one) { return name == one; });
    };
    pg::json_builder builder;
    builder.begin_object();
    pg::for_each_member(pg::root_of(row), [&](std::string_view name, const pg::json_value &value) {
        const auto before = is_kept(name) ? pg::find(former, name) : std::nullopt;
        builder.key(name).value(before ? *before : value);
    });
    if (pg::is_object(former))
        pg::for_each_member(pg::root_of(former), [&](std::string_view name, const pg::json_value &value) {
            if (!pg::find(row, name))
                builder.key(name).value(value);
        });
    return builder.end_object().finish();
}

std::optional<pg::json_value> legacy_row::value(std::string_view column) const {
    auto found = pg::find(document_, column);
    if (found && found->is_null())
        return std::nullopt;
    return found;
}

std::optional<std::string> legacy_row::text(std::string_view column) const {
    const auto found = value(column);
    return found ? std::optional(text_of(*found)) : std::nullopt;
}

std::optional<std::int32_t> legacy_row::integer(std::string_view column) const {
    const auto found = value(column);
    if (!found)
        return std::nullopt;
    if (const auto number = found->int4())
        return number;
    if (!found->is_string())
        refuse(column, "an integer");
    const std::string_view digits = core::trim(found->string());
    std::int32_t number = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (fault != std::errc() || end != digits.data() + digits.size())
        refuse(column, "an integer");
    return number;
}

std::optional<bool> legacy_row::boolean(std::string_view column) const {
    const auto found = value(column);
    if (!found)
        return std::nullopt;
    if (found->is_boolean())
        return found->boolean();
    const std::string text = text_of(*found);
    for (const char *yes : {"true", "t", "1", "yes", "on"})
        if (text == yes)
            return true;
    for (const char *no : {"false", "f", "0", "no", "off", ""})
        if (text == no)
            return false;
    refuse(column, "a boolean");
}

std::optional<pg::timestamp> legacy_row::time(std::string_view column) const {
    const auto found = value(column);
    if (!found)
        return std::nullopt;
    if (!found->is_string())
        refuse(column, "a timestamp");
    if (const auto micros = core::read_iso_utc(found->string()))
        return pg::from_unix_micros(*micros);
    return parse_time(std::string(found->string()));
}

std::optional<pg::uuid> legacy_row::uuid(std::string_view column) const {
    const auto found = text(column);
    return found && core::is_uuid(*found) ? std::optional(pg::parse_uuid(*found)) : std::nullopt;
}

void legacy_row::refuse(std::string_view column, const char *wanted) const {
    throw pg::sql_error{"42804", "a value of the column " + std::string(column) + " cannot be read",
                        "table=" + pg::quoted(definition_of(table_).name) + " id=" + pg::quoted(id()) +
                            " value=" + pg::quoted(text(column).value_or("NULL")) + "; " + wanted + " is needed.",
                        "Mend the value, or cast the column in a view of the table."};
}

} // namespace mega::moving
