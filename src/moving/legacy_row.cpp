// Reads one row of a legacy table, whatever its columns are.
#include "moving/legacy_row.hpp"

#include "core/pass_id.hpp"
#include "core/permanent_url.hpp"
#include "core/text_rule.hpp"

#include <charconv>

namespace mega::moving {

namespace {

std::string json_text(pg::jsonb document) {
    return pg::call([document] {
        return static_cast<const char *>(
            JsonbToCString(nullptr, &document.document->root, static_cast<int>(VARSIZE(document.document))));
    });
}

// A time without a zone is one of UTC.
pg::timestamp parse_time(std::string text) {
    const std::size_t clock = text.find('T');
    if (clock == std::string::npos && text.size() == 10 && text[4] == '-') // a date
        text += "T00:00:00+00";
    else if (clock != std::string::npos && text.find_first_of("+-Z", clock) == std::string::npos) {
        const std::size_t era = text.find(" BC");
        text.insert(era == std::string::npos ? text.size() : era, "+00");
    }
    return {pg::call([&text] {
        return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text.c_str()),
                                                       ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    })};
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

pg::jsonb redacted(pg::jsonb document) {
    return pg::replace_strings(document,
                               [](std::string_view text) -> std::optional<std::string> {
                                   if (text.find("://") == std::string_view::npos)
                                       return std::nullopt;
                                   return core::redact_urls(text);
                               })
        .value_or(document);
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
