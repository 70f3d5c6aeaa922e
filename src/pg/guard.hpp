// From C++ into Postgres. Postgres raises an error with longjmp, which would skip every destructor on its way; `call`
// turns the jump into a C++ exception. Any Postgres function that can raise goes through here while C++ objects live.
#pragma once

#include "pg/error.hpp"

namespace pg {

// The leave to call what is of Postgres' world. Functions of ours that may raise with a jump ask for it, and only
// `call` gives it, to a body that takes it: anywhere else such a call does not compile.
class inside {
    constexpr inside() = default;
    template <class F> friend decltype(auto) run_inside(F &body);
};

template <class F> decltype(auto) run_inside(F &body) {
    if constexpr (std::invocable<F &, inside>)
        return body(inside{});
    else
        return body();
}

template <class F> using result_inside = decltype(run_inside(std::declval<F &>()));

template <class F>
concept trivial_callable = (std::invocable<F &> || std::invocable<F &, inside>)&&std::is_trivially_destructible_v<F> &&
                           (std::is_void_v<result_inside<F>> || (std::is_trivially_copyable_v<result_inside<F>> &&
                                                                 std::is_trivially_destructible_v<result_inside<F>>));

// Takes the error that is current out of Postgres' error stack and throws it as pg_error. Used by `call` only.
[[noreturn]] void throw_current_error(MemoryContext context, sigjmp_buf *saved_stack,
                                      ErrorContextCallback *saved_callbacks);

// Runs body (one to five lines of Postgres calls, trivial locals only, no throw) and returns what it returns.
// Throws pg_error when Postgres raises.
template <trivial_callable F> auto call(F body) -> result_inside<F> {
    using result_type = result_inside<F>;
    sigjmp_buf here;
    sigjmp_buf *const saved_stack = PG_exception_stack;
    ErrorContextCallback *const saved_callbacks = error_context_stack;
    const MemoryContext context = CurrentMemoryContext;
    if (sigsetjmp(here, 0) != 0)
        throw_current_error(context, saved_stack, saved_callbacks);
    PG_exception_stack = &here;
    if constexpr (std::is_void_v<result_type>) {
        run_inside(body);
        PG_exception_stack = saved_stack;
        error_context_stack = saved_callbacks;
    } else {
        const result_type result = run_inside(body);
        PG_exception_stack = saved_stack;
        error_context_stack = saved_callbacks;
        return result;
    }
}

// Cancellation and termination are noticed here, in every loop of ours that may be long.
inline void check_for_interrupts() {
    if (INTERRUPTS_PENDING_CONDITION())
        call([] { CHECK_FOR_INTERRUPTS(); });
}

} // namespace pg
