#pragma once

#include "pg/jsonb.hpp"

namespace mega::studio {

// The document with the patch applied (RFC 7396): members of the patch replace or, when null, remove; objects are
// merged member by member. Both are objects.
pg::jsonb merge_patch(pg::jsonb document, pg::jsonb patch);

} // namespace mega::studio
