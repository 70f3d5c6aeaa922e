// The identities by which a customer is found.
#pragma once

#include "pg/datum.hpp"

namespace mega::identity {

// A Shopify id as it is stored: trimmed; '' and 'anonymous' in any case are absent. Raises 22023 when it is no id.
std::optional<std::string_view> present_shopify_id(std::optional<std::string_view> given);

} // namespace mega::identity
