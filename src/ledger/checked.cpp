// Checks of single values, and the errors that every room raises.
#include "ledger/checked.hpp"

#include "core/pass_id.hpp"
#include "core/utc_time.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
#include "pg/prefixed.hpp"

namespace mega::ledger {

void check_text(const char *name, std::string_view value, pg::sql_state state, std::size_t longest) {
    const core::text_fault fault = core::check_text(value);
    switch (fault == core::text_fault::none && value.size() > longest ? core::text_fault::too_long : fault) {
    case core::text_fault::none:
        return;
    case core::text_fault::blank:
        throw pg::sql_error{state, std::string(name) + " must not be blank", "value=" + pg::quoted(value), {}};
    case core::text_fault::too_long:
        throw pg::sql_error{state, std::string(name) + " is too long",
                            "It has " + std::to_string(value.size()) + " bytes: " + pg::quoted(value),
                            "At most " + std::to_string(longest) + " bytes are allowed."};
    case core::text_fault::control_character:
        throw pg::sql_error{state, std::string(name) + " has a control character", "value=" + pg::quoted(value),
                            "Remove line breaks, tabs and other control characters."};
    }
}

std::string_view require_text(const char *name, std::optional<std::string_view> value, std::size_t longest) {
    if (!value)
        throw pg::sql_error{bad_argument, std::string(name) + " must not be NULL", {}, {}};
    check_text(name, *value, bad_argument, longest);
    return *value;
}

std::optional<std::string_view> optional_text(const char *name, std::optional<std::string_view> value) {
    if (value)
        check_text(name, *value, bad_argument);
    return value;
}

void throw_null_column(const char *name) {
    throw pg::sql_error{"23502",
                        std::string(name) + " must not be NULL",
                        {},
                        "The table allows it because rows from before mega have none; new rows need it."};
}

std::string listed(std::span<const std::string_view> names) {
    std::string list;
    for (std::size_t i = 0; i < names.size(); ++i)
        list.append(i == 0 ? "" : i + 1 < names.size() ? ", " : " and ").append(names[i]);
    return list;
}

static void check_finite(const char *name, pg::timestamp value, const char *hint) {
    if (!pg::is_finite(value))
        throw pg::sql_error{"22008", std::string(name) + " must be a finite time", {}, hint};
}

void check_finite(const char *name, std::optional<pg::timestamp> value) {
    if (value)
        check_finite(name, *value, "Use NULL for no time.");
}

void check_not_ahead(const char *name, std::optional<pg::timestamp> value) {
    check_finite(name, value);
    if (value && value->value > pg::clock_time().value + most_ahead)
        throw pg::sql_error{bad_argument, std::string(name) + " lies in the future",
                            "It is more than five minutes ahead of the server's clock.",
                            "Leave it out, or correct the client's clock."};
}

pg::timestamp require_time(const char *name, std::optional<pg::timestamp> value) {
    const pg::timestamp at = require(name, value);
    check_finite(name, at, "Give a time, for example now().");
    return at;
}

void check_writable(const char *name, std::optional<pg::timestamp> value) {
    check_finite(name, value);
    if (value && pg::from_unix_micros(pg::unix_micros(*value)) != *value)
        throw pg::sql_error{"22008", std::string(name) + " is out of range",
                            "It lies in the last years of the calendar, which mega cannot write down.",
                            "Use a time before the year 294247."};
}

pg::timestamp require_ahead(const char *name, const std::optional<const Interval *> &given, pg::timestamp now) {
    const Interval *interval = require(name, given);
    const pg::timestamp at = pg::prefixed(name, [&] { return pg::moved(now, interval); });
    if (!pg::is_finite(at) || at <= now)
        throw pg::sql_error{
            bad_argument, std::string(name) + " must be a finite time ahead", {}, "Use for example interval '1 hour'."};
    return at;
}

void check_span(std::optional<pg::timestamp> since, std::optional<pg::timestamp> until) {
    check_finite("since", since);
    check_finite("until", until);
    if (since && until && *until < *since)
        throw pg::sql_error{bad_argument,
                            "since lies behind until",
                            "since=" + core::iso_utc(pg::unix_micros(*since)) +
                                " until=" + core::iso_utc(pg::unix_micros(*until)),
                            {}};
}

pg::jsonb require_object(const char *name, std::optional<pg::jsonb> value) {
    if (!value)
        return pg::empty_object();
    if (!pg::is_object(*value))
        throw pg::sql_error{bad_argument,
                            std::string(name) + " must be a JSON object",
                            std::string("It is of type ") + pg::type_name(*value) + ".",
                            {}};
    return *value;
}

void refuse_pass_id(const char *name, std::string_view value, pg::sql_state state) {
    const core::pass_id_fault fault = core::check_pass_id(value);
    throw pg::sql_error{state, std::string(name) + " has not the shape of a pass id",
                        std::string(core::sentence(fault)) + " " + name + "=" + pg::quoted(value),
                        fault == core::pass_id_fault::capitals
                            ? "Write the UUID in lower case, as mega_pass_id does."
                            : "A pass id is pass:<kind>:<id>, as mega_pass_id builds it."};
}

void throw_unknown_customer(std::string_view pass_id) {
    throw pg::sql_error{"23503", "there is no customer " + pg::quoted(pass_id), "pass_id=" + pg::quoted(pass_id),
                        core::is_pass_id(pass_id) ? "Create the customer with mega_ensure_customer first."
                                                  : "A pass id is pass:<kind>:<id>, as mega_pass_id builds it."};
}

} // namespace mega::ledger
