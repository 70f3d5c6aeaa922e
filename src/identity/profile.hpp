// What is told of a person, beside who it is: to mega_ensure_customer as a profile, to mega_update_customer as fields.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

namespace mega::identity {

// What becomes of control characters in names: an office is told of them, a form at a sign-up sends what was pasted.
enum class names { checked, cleaned };

// A member and its column; NULL for null and blank. std::nullopt when the key is none of a profile. document: how
// errors name it. A locale may be written with underscores (en_US). Raises 22023 for a value of another type, a
// malformed locale or an unknown time zone, and names it.
std::optional<ledger::customer_change> read_profile_member(const char *document, std::string_view key,
                                                           const pg::json_value &value, names how);

// Reads a profile, its names cleaned. Raises what that raises, and 22023 for a key it does not know.
std::vector<ledger::customer_change> read_profile(pg::jsonb document);

} // namespace mega::identity
