// Merge patches of JSON documents (RFC 7396).
#pragma once

#include "pg/jsonb.hpp"

namespace pg {

// The document with the patch applied (RFC 7396): members of the patch replace or, when null, remove; objects are
// merged member by member. Both are objects.
jsonb merge_patch(jsonb document, jsonb patch);

} // namespace pg
