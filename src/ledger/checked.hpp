// The rules for single values, turned into errors. `state` is 22023 for a function's argument and 23514 for a column
// that raw SQL writes.
#pragma once

#include "core/text_rule.hpp"
#include "pg/datum.hpp"

namespace mega::ledger {

inline constexpr pg::sql_state bad_argument{"22023"};
inline constexpr pg::sql_state bad_column{"23514"};

// A text that is an id, reference, reason or e-mail: raises `state` when it is blank, longer than 512 bytes or has a
// control character. An id from which longer ones are made has fewer.
void check_text(const char *name, std::string_view value, pg::sql_state state,
                std::size_t longest = core::max_id_bytes);

// The same for an argument that has to be there: raises 22023 when it is NULL too.
std::string_view require_text(const char *name, std::optional<std::string_view> value,
                              std::size_t longest = core::max_id_bytes);

// For an optional argument: absent stays absent.
std::optional<std::string_view> optional_text(const char *name, std::optional<std::string_view> value);

// An argument that has to be there.
template <class Value> Value require(const char *name, const std::optional<Value> &value) {
    if (!value)
        throw pg::sql_error{bad_argument, std::string(name) + " must not be NULL", {}, {}};
    return *value;
}

// Raises 23502: the column is NULL where an adopted table allows it and the rules do not.
[[noreturn]] void throw_null_column(const char *name);

// A column that has to be there.
template <class Value> Value require_column(const char *name, const std::optional<Value> &value) {
    if (!value)
        throw_null_column(name);
    return *value;
}

// "a, b and c", for a hint.
std::string listed(std::span<const std::string_view> names);

// How far ahead of the server's clock a fact may be dated: clocks differ.
inline constexpr std::int64_t most_ahead = 5 * 60 * std::int64_t{1'000'000};

// A timestamp that may be missing, and is not infinite; raises 22008.
void check_finite(const char *name, std::optional<pg::timestamp> value);

// A finite time that may be missing, and is not more ahead than that; raises 22008, 22023.
void check_not_ahead(const char *name, std::optional<pg::timestamp> value);

// A time that has to be there, and is not infinite; raises 22023, 22008.
pg::timestamp require_time(const char *name, std::optional<pg::timestamp> value);

// One that may be missing, and a time that can be written down as ISO text: those counted from 1970. Raises 22008.
void check_writable(const char *name, std::optional<pg::timestamp> value);

// The time that an interval argument lies ahead of now; raises 22023 when it lies nowhere or behind.
pg::timestamp require_ahead(const char *name, const std::optional<const Interval *> &given, pg::timestamp now);

// Two ends of a stretch of time, of which either may be missing: raises 22008 for an infinite one, 22023 when the first
// lies behind the second.
void check_span(std::optional<pg::timestamp> since, std::optional<pg::timestamp> until);

// A jsonb argument that has to be an object; NULL counts as '{}'. Raises 22023.
pg::jsonb require_object(const char *name, std::optional<pg::jsonb> value);

// Raises `state` for a text that is no pass id, and says why. name: of the column or argument.
[[noreturn]] void refuse_pass_id(const char *name, std::string_view value, pg::sql_state state);

// Raises 23503.
[[noreturn]] void throw_unknown_customer(std::string_view pass_id);

} // namespace mega::ledger
