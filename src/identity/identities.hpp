// The identities by which a customer is found.
#pragma once

#include "pg/datum.hpp"

namespace mega::identity {

// A Shopify id as it is stored, see core::plain_shopify_id; words for nobody are absent. Raises 22023 when it is no id.
std::optional<std::string_view> present_shopify_id(std::optional<std::string_view> given);

} // namespace mega::identity
