// From Postgres into C++. Every function that SQL can call is entered through `entry`: it catches whatever the body
// throws, leaves the catch block, and only then raises, so that no C++ exception is current while longjmp runs.
#pragma once

#include "pg/error.hpp"

namespace pg {

template <auto Body>
concept body_function = std::is_invocable_r_v<Datum, decltype(Body), FunctionCallInfo>;

struct failure {
    ErrorData *postgres_error;
    sql_error error;
};

// Inside a catch block: describes the exception that is current. Never throws, never raises.
failure describe_current_exception() noexcept;

// The only ereport(ERROR) of the project.
[[noreturn]] void raise(const failure &what);

template <auto Body>
requires body_function<Body> Datum entry(FunctionCallInfo fcinfo) {
    static_assert(std::is_trivially_destructible_v<failure>);
    failure what{nullptr, {"XX000", {}, {}, {}}};
    try {
        return Body(fcinfo);
    } catch (...) {
        what = describe_current_exception();
    }
    raise(what);
}

} // namespace pg

// Declares the SQL-callable C function `name`, whose body is the C++ function `body`.
#define PG_ENTRY(name, body)                                                                                           \
    extern "C" {                                                                                                       \
    extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                                   \
    PG_FUNCTION_INFO_V1(name);                                                                                         \
    Datum name(PG_FUNCTION_ARGS) { return pg::entry<body>(fcinfo); }                                                   \
    }                                                                                                                  \
    static_assert(true)
