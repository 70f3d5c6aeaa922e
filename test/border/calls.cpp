// Functions that go on after an error, that wait, that keep statements, and that return what they were not declared to.
#include "pg/entry.hpp"
#include "pg/relation.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "pg/subtransaction.hpp"
#include "witness.hpp"

#include <csignal>
#include <sys/resource.h>
#include <unistd.h>

namespace border {

// Leave to call what is of Postgres' world comes from `call` alone, and goes to a body that asks for it.
static_assert(!std::is_default_constructible_v<pg::inside>);
static_assert(pg::trivial_callable<decltype([](pg::inside) { return 1; })>);
static_assert(!pg::trivial_callable<decltype([](pg::inside) { return std::string(); })>);

namespace {

// SQLSTATE and message of an error that was swallowed; a long message by its length.
std::string told(const pg::pg_error &error) {
    if (error.data == nullptr)
        return "an error without its text";
    const std::string state = pg::call([&error] { return unpack_sql_state(error.data->sqlerrcode); });
    const std::string message = error.data->message == nullptr ? "" : error.data->message;
    return state + " " + (message.size() <= 100 ? message : std::to_string(message.size()) + " bytes");
}

// Runs a command in a subtransaction, in a session that was open before.
std::string outcome(pg::spi_connection &spi, const std::string &command) {
    spi.connect();
    const auto failed = pg::in_subtransaction([&] {
        const witness alive;
        spi.run_text(command);
    });
    return failed ? told(*failed) : "done";
}

// The same in a session of its own.
std::string outcome_apart(const std::string &command) {
    const auto failed = pg::in_subtransaction([&] {
        const witness alive;
        pg::spi_connection spi;
        spi.run_text(command);
        spi.finish();
    });
    return failed ? told(*failed) : "done";
}

// Runs two commands, each in a subtransaction, in one session or each in its own; what became of them.
Datum swallow(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    const std::string first(*given.text(0));
    const std::string second(*given.text(1));
    std::string result;
    if (given.boolean(2).value_or(false)) {
        result = outcome_apart(first) + " | ";
        result += outcome_apart(second);
    } else {
        pg::spi_connection spi;
        result = outcome(spi, first) + " | ";
        result += outcome(spi, second);
        spi.finish();
    }
    return pg::to_datum(result).value;
}

// Runs a command in a subtransaction, then throws an error of ours inside it.
Datum throw_in_subtransaction(FunctionCallInfo fcinfo) {
    const std::string command(*pg::arguments(fcinfo).text(0));
    const witness alive;
    pg::spi_connection spi;
    spi.connect();
    pg::in_subtransaction([&] {
        spi.run_text(command);
        throw pg::sql_error{"MG003", "an error of ours inside a subtransaction", {}, {}};
    });
    spi.finish();
    return pg::return_null(fcinfo);
}

// Swallows an error again and again in one call.
Datum swallow_often(FunctionCallInfo fcinfo) {
    const std::int32_t count = *pg::arguments(fcinfo).int4(0);
    std::int32_t swallowed = 0;
    pg::spi_connection spi;
    for (; swallowed < count; ++swallowed) {
        const auto failed = pg::in_subtransaction([] {
            const witness alive;
            pg::call([] { ereport(ERROR, (errmsg_internal("once more"))); });
        });
        if (!failed)
            break;
    }
    spi.finish();
    return pg::to_datum(swallowed).value;
}

[[noreturn]] void loop() {
    const witness alive;
    for (;;)
        pg::check_for_interrupts();
}

Datum loop_forever(FunctionCallInfo) { loop(); }

// Asks for the cancellation of this statement, then waits for it.
Datum cancel_in_loop(FunctionCallInfo) {
    kill(getpid(), SIGINT);
    loop();
}

constexpr Oid key_types[] = {INT4OID};
constinit pg::statement kept("SELECT 100 / t.divisor FROM @schema@.border_kept_rows t "
                             "WHERE t.id OPERATOR(pg_catalog.=) $1",
                             key_types);

// A kept statement; raises 22012 where the row says so.
Datum run_kept(FunctionCallInfo fcinfo) {
    const witness alive;
    const auto key = pg::arguments(fcinfo).int4(0);
    const Oid schema = pg::schema_of_function(fcinfo->flinfo->fn_oid);
    pg::spi_connection spi;
    const auto quotient = spi.run(kept, schema, pg::access::read_only, key);
    const std::optional<std::int32_t> found = quotient.empty() ? std::nullopt : quotient.int4(0, 0);
    spi.finish();
    return found ? pg::to_datum(*found).value : pg::return_null(fcinfo);
}

constinit pg::statement kept_change("UPDATE @schema@.border_kept_rows SET divisor = divisor "
                                    "WHERE id OPERATOR(pg_catalog.=) $1",
                                    key_types);

// How many rows a kept statement changes.
Datum change_kept(FunctionCallInfo fcinfo) {
    const Oid schema = pg::schema_of_function(fcinfo->flinfo->fn_oid);
    pg::spi_connection spi;
    const auto changed = spi.run(kept_change, schema, pg::access::read_write, pg::arguments(fcinfo).int4(0));
    spi.finish();
    return pg::to_datum(static_cast<std::int64_t>(changed.count())).value;
}

// Whether a server that overwrites what it frees has overwritten a block that was given back, behind the bytes in which
// the C library keeps its own books. A server that does not promise it is believed.
Datum freed_block_is_overwritten(FunctionCallInfo) {
    bool overwritten = true;
#if defined(USE_ASSERT_CHECKING) && !defined(__SANITIZE_ADDRESS__)
    constexpr Size size = 65536; // a block of its own, which the C library keeps
    overwritten = pg::call([] {
        auto *block = static_cast<unsigned char *>(palloc0(size));
        pfree(block);
        const volatile unsigned char *freed = block;
        bool all = true;
        for (Size i = 64; i < size; ++i)
            all = all && freed[i] == 0x7F;
        return all;
    });
#endif
    return pg::to_datum(overwritten).value;
}

// One row of as many integers as asked for.
Datum one_row(FunctionCallInfo fcinfo) {
    const witness alive;
    const std::vector<pg::nullable_datum> columns(static_cast<std::size_t>(*pg::arguments(fcinfo).int4(0)),
                                                  pg::to_datum(std::int32_t{7}));
    return pg::return_columns(fcinfo, columns);
}

// Two such rows.
Datum two_rows(FunctionCallInfo fcinfo) {
    const witness alive;
    const std::vector<pg::nullable_datum> columns(static_cast<std::size_t>(*pg::arguments(fcinfo).int4(0)),
                                                  pg::to_datum(std::int32_t{7}));
    pg::row_set result(fcinfo);
    result.add_columns(columns);
    result.add_columns(columns);
    return pg::return_null(fcinfo);
}

// The rows of a command as they are.
Datum rows_of(FunctionCallInfo fcinfo) {
    const witness alive;
    const std::string command(*pg::arguments(fcinfo).text(0));
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows found = spi.run_text(command);
    for (std::uint64_t i = 0; i < found.count(); ++i)
        result.add_row(found, i);
    spi.finish();
    return pg::return_null(fcinfo);
}

// The most memory this process ever had, in kilobytes; the address sanitizer keeps for a while what is freed, on
// purpose.
Datum peak_memory(FunctionCallInfo) {
    rusage used{};
#ifndef __SANITIZE_ADDRESS__
    getrusage(RUSAGE_SELF, &used);
#endif
    return pg::to_datum(static_cast<std::int64_t>(used.ru_maxrss)).value;
}

} // namespace

} // namespace border

PG_ENTRY(border_swallow, border::swallow);
PG_ENTRY(border_throw_in_subtransaction, border::throw_in_subtransaction);
PG_ENTRY(border_swallow_often, border::swallow_often);
PG_ENTRY(border_loop, border::loop_forever);
PG_ENTRY(border_cancel_in_loop, border::cancel_in_loop);
PG_ENTRY(border_run_kept, border::run_kept);
PG_ENTRY(border_change_kept, border::change_kept);
PG_ENTRY(border_freed_block_is_overwritten, border::freed_block_is_overwritten);
PG_ENTRY(border_row, border::one_row);
PG_ENTRY(border_rows, border::two_rows);
PG_ENTRY(border_rows_of, border::rows_of);
PG_ENTRY(border_peak_memory, border::peak_memory);
