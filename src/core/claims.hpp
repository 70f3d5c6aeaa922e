// The claims of a signed-in request, as PostgREST hands them on: a JSON text that anybody may have written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mega::core {

// The member `sub` of the claims when it is a UUID, as it stands there. std::nullopt for claims without such a member,
// for one that is something else, and for what is no JSON object or names sub twice: two readers could tell it apart.
// Goes through the text once, without recursion, however deep it is. Raises std::bad_alloc only.
std::optional<std::string> subject_of_claims(std::string_view claims);

} // namespace mega::core
