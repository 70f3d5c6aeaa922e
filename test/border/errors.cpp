// Functions that fail: by an error of Postgres, by one of ours, by every kind of C++ exception.
#include "pg/datum.hpp"
#include "pg/entry.hpp"
#include "pg/spi.hpp"
#include "pg/trigger.hpp"
#include "witness.hpp"

#include <stdexcept>
#include <unwind.h>

extern "C" {

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void _PG_init(void) { pg::watch_namespaces(); }

} // extern "C"

namespace border {

namespace {

// What an error says, as text arguments: SQLSTATE, message, detail, hint.
struct complaint {
    const char *state, *message, *detail, *hint;
};

[[noreturn]] void raise_in_postgres(const complaint &what) {
    const witness outside;
    pg::call([&what] {
        const char *s = what.state;
        ereport(ERROR, (errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])), errmsg_internal("%s", what.message),
                        errdetail_internal("%s", what.detail), errhint("%s", what.hint),
                        err_generic_string(PG_DIAG_TABLE_NAME, "some_table"),
                        err_generic_string(PG_DIAG_CONSTRAINT_NAME, "some_constraint")));
    });
    pg_unreachable();
}

// An exception that no C++ code threw.
[[noreturn]] void throw_foreign() {
    static constinit _Unwind_Exception thrown{};
    std::memcpy(&thrown.exception_class, "NOTCPP\0\0", sizeof thrown.exception_class);
    thrown.exception_cleanup = nullptr;
    _Unwind_RaiseException(&thrown);
    throw pg::sql_error{"XX000", "the foreign exception came back", {}, {}};
}

[[noreturn]] void fail(std::string_view kind) {
    const witness alive;
    const std::string long_text(2000, 'y');
    if (kind == "postgres")
        raise_in_postgres({"22012", "a message of Postgres", "a detail of Postgres", "a hint of Postgres"});
    if (kind == "ours")
        throw pg::sql_error{"MG001", "a message of ours", "a detail of ours", "a hint of ours"};
    if (kind == "bare")
        throw pg::sql_error{"MG002", "a message alone", {}, {}};
    if (kind == "bad_alloc")
        throw std::bad_alloc();
    if (kind == "impossible_allocation") {
#ifdef __SANITIZE_ADDRESS__
        throw std::bad_alloc(); // the sanitizer's operator new ends the process instead
#else
        static_cast<void>(std::string(std::string().max_size() / 2, 'z'));
#endif
    }
    if (kind == "exception")
        throw std::runtime_error("the text of the exception");
    if (kind == "long_exception")
        throw std::runtime_error(long_text);
    if (kind == "out_of_range")
        static_cast<void>(std::string().at(1));
    if (kind == "number")
        throw 42;
    if (kind == "foreign")
        throw_foreign();
    throw pg::sql_error{"22023", "there is no such failure", "kind=" + pg::quoted(kind), {}};
}

Datum fail_as(FunctionCallInfo fcinfo) {
    const std::string kind(pg::arguments(fcinfo).text(0).value_or("postgres"));
    fail(kind);
}

// SQLSTATE, message, detail and hint as given, raised by Postgres.
Datum raise_postgres(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    std::array<std::string, 4> texts;
    for (int i = 0; i < 4; ++i)
        texts[static_cast<std::size_t>(i)] = given.text(i).value_or("");
    raise_in_postgres({texts[0].c_str(), texts[1].c_str(), texts[2].c_str(), texts[3].c_str()});
}

// Message, detail and hint as given, thrown as an error of ours.
Datum throw_ours(FunctionCallInfo fcinfo) {
    const witness alive;
    const pg::arguments given(fcinfo);
    throw pg::sql_error{"MG001", given.text(0).value_or(""), given.text(1).value_or(""), given.text(2).value_or("")};
}

// Calls itself through Postgres, an object alive at every level, and fails at the bottom.
Datum nest(FunctionCallInfo fcinfo) {
    const std::array<witness, 3> alive;
    const pg::arguments given(fcinfo);
    const std::int32_t depth = *given.int4(0);
    if (depth == 0)
        fail(*given.text(1));
    const Datum kind = fcinfo->args[1].value;
    const Oid self = fcinfo->flinfo->fn_oid;
    return pg::call([self, depth, kind] { return OidFunctionCall2(self, Int32GetDatum(depth - 1), kind); });
}

// Runs a command through SPI; how many rows it returned or wrote.
Datum run(FunctionCallInfo fcinfo) {
    const witness alive;
    const std::string command(*pg::arguments(fcinfo).text(0));
    pg::spi_connection spi;
    const std::uint64_t count = spi.run_text(command).count();
    spi.finish();
    return pg::to_datum(static_cast<std::int64_t>(count)).value;
}

// A trigger that fails as its name says: border_<kind>; one named border_none lets the row pass.
Datum failing_trigger(FunctionCallInfo fcinfo) {
    const witness alive;
    const pg::trigger_call call(fcinfo);
    const std::string kind = std::string(call.name()).substr(std::string_view("border_").size());
    if (kind != "none")
        fail(kind);
    return call.keep(call.tuple());
}

Datum live_objects(FunctionCallInfo) { return pg::to_datum(std::int32_t{witness::live}).value; }

// Whether no exception is current or in flight.
Datum nothing_current(FunctionCallInfo) {
    return pg::to_datum(std::uncaught_exceptions() == 0 && std::current_exception() == nullptr).value;
}

// What an error text of at most ten bytes keeps of its argument.
Datum cut(FunctionCallInfo fcinfo) {
    const pg::fixed_text<10> kept(pg::arguments(fcinfo).text(0).value_or(""));
    return pg::to_datum(kept.c_str()).value;
}

Datum quote(FunctionCallInfo fcinfo) {
    return pg::to_datum(pg::quoted(pg::arguments(fcinfo).text(0).value_or(""))).value;
}

} // namespace

} // namespace border

PG_ENTRY(border_fail, border::fail_as);
PG_ENTRY(border_raise_postgres, border::raise_postgres);
PG_ENTRY(border_throw_ours, border::throw_ours);
PG_ENTRY(border_nest, border::nest);
PG_ENTRY(border_run, border::run);
PG_ENTRY(border_trigger, border::failing_trigger);
PG_ENTRY(border_live_objects, border::live_objects);
PG_ENTRY(border_nothing_current, border::nothing_current);
PG_ENTRY(border_cut, border::cut);
PG_ENTRY(border_quoted, border::quote);
