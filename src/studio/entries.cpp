// Reads the entries of a batch of events or steps.
#include "studio/entries.hpp"

#include "pg/prefixed.hpp"

namespace mega::studio {

std::optional<pg::json_value> entry::find(std::string_view key) const {
    const auto found = pg::find(object_, key);
    return found && found->is_null() ? std::nullopt : found;
}

void entry::refuse_type(std::string_view key, const char *wanted, const pg::json_value &value) const {
    throw pg::sql_error{ledger::bad_argument, std::string(key) + " must be " + wanted,
                        std::string("It is of type ") + value.type_name() + ".",
                        "Positions count from 1; nothing was written."};
}

std::optional<std::string> entry::text(std::string_view key) const {
    const auto value = find(key);
    if (!value)
        return std::nullopt;
    if (!value->is_string())
        refuse_type(key, "a string", *value);
    return std::string(value->string());
}

std::optional<std::int32_t> entry::number(std::string_view key) const {
    const auto value = find(key);
    if (!value)
        return std::nullopt;
    const auto number = value->int4();
    if (!number)
        refuse_type(key, "a whole number that fits an integer", *value);
    return number;
}

std::optional<pg::timestamp> entry::time(std::string_view key) const {
    const auto said = text(key);
    if (!said)
        return std::nullopt;
    return pg::prefixed(std::string(key), [&said] {
        return pg::timestamp{pg::call([&said] {
            return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(said->c_str()),
                                                           ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
        })};
    });
}

std::optional<pg::jsonb> entry::document(std::string_view key) const {
    const auto value = find(key);
    return value ? std::optional(pg::json_builder::document_of(*value)) : std::nullopt;
}

void entry::refuse_others(std::span<const std::string_view> known) const {
    pg::for_each_member(object_, [&](std::string_view key, const pg::json_value &) {
        if (std::ranges::find(known, key) == known.end())
            throw pg::sql_error{ledger::bad_argument,
                                "there is no key " + pg::quoted(key),
                                {},
                                "Known are " + ledger::listed(known) + "."};
    });
}

} // namespace mega::studio
