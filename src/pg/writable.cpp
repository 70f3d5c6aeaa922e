// Refuses to write where SQL would: in a read-only transaction and in parallel mode.
#include "pg/writable.hpp"

#include "pg/guard.hpp"

namespace pg {

void require_writable(const char *what) {
    call([what] {
        PreventCommandIfReadOnly(what);
        PreventCommandIfParallelMode(what);
    });
}

} // namespace pg
