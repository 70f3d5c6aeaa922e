// What several functions of the office are told of a person.
#pragma once

#include "pg/datum.hpp"

namespace mega::admin {

// An e-mail address as it is stored: trimmed; a blank one is absent. Raises 22023 when it is longer than 512 bytes or
// has a control character.
std::optional<std::string_view> read_email(std::optional<std::string_view> given);

// What a request may leave blank: nothing is told then.
std::optional<std::string_view> told(std::optional<std::string_view> given);

// The address in Postgres' spelling. Raises 22023 when it is none.
std::optional<std::string> read_address(std::optional<std::string_view> given);

// Who does it, as it stands in an audit's detail. Raises 22023 when it is blank, too long or has a control character.
std::optional<std::string_view> read_actor(std::optional<std::string_view> given);

} // namespace mega::admin
