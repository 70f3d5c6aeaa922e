// Carries a Postgres error from longjmp to throw.
#include "pg/guard.hpp"

namespace pg {

void throw_current_error(MemoryContext context, sigjmp_buf *saved_stack, ErrorContextCallback *saved_callbacks) {
    error_context_stack = saved_callbacks;
    MemoryContextSwitchTo(context);
    ErrorData *copy = nullptr;
    // Copying needs memory and can raise in its turn; then the error goes on without its text.
    sigjmp_buf here;
    if (sigsetjmp(here, 0) == 0) {
        PG_exception_stack = &here;
        copy = CopyErrorData();
    } else {
        MemoryContextSwitchTo(context);
        copy = nullptr;
    }
    PG_exception_stack = saved_stack;
    FlushErrorState();
    throw pg_error{copy};
}

} // namespace pg
