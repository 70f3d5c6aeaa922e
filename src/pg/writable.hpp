// Whether this transaction may write at all.
#pragma once

namespace pg {

// Raises what SQL raises: 25006 in a read-only transaction, and in parallel mode.
void require_writable(const char *what);

} // namespace pg
