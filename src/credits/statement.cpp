// mega_credit_statement: a customer's credit rows, newest first, each with the balance behind it.
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::credits {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement select_customer("SELECT c.mg_credits, c.mg_updated_at FROM ONLY @schema@.mega_customers c "
                                        "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                        pass_id_type);

// The limits are the largest page and one row: a plan for a page, whatever its size.
#define MEGA_CREDIT_ROWS                                                                                               \
    "FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "                              \
    "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
#define MEGA_CREDIT_PAGE(place)                                                                                        \
    "SELECT g.mg_id, g.mg_created_at, g.mg_delta, g.mg_reason, g.mg_source, g.mg_ref_type, g.mg_ref_id, "              \
    "g.mg_status, g.mg_generation_id, g.mg_meta, " place " " MEGA_CREDIT_ROWS
#define MEGA_CREDIT_SUM " coalesce((SELECT pg_catalog.sum(g.mg_delta) " MEGA_CREDIT_ROWS

constexpr Oid since_types[] = {TEXTOID, TIMESTAMPTZOID};
constexpr Oid position_types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID, TIDOID};
constexpr Oid position_since_types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID, TIDOID, TIMESTAMPTZOID};

// The pages, those that end at a time, and what the rows before a position with and without a time add up to; those
// that an adopted table has without a time come first.
struct listing {
    ledger::pages pages;
    pg::statement first_since, next_since, newer_sum, newer_undated_sum;
};
#define MEGA_LISTING(place, order, behind_id)                                                                          \
    {                                                                                                                  \
        {{MEGA_CREDIT_PAGE(place) order, pass_id_type},                                                                \
         {MEGA_CREDIT_PAGE(place) MEGA_BEHIND("$2", behind_id) order, position_types},                                 \
         {MEGA_CREDIT_PAGE(place) MEGA_BEHIND_UNDATED(behind_id) order, position_types}},                              \
            {MEGA_CREDIT_PAGE(place) "AND g.mg_created_at OPERATOR(pg_catalog.>=) $2 " order, since_types},            \
            {MEGA_CREDIT_PAGE(place)                                                                                   \
                 MEGA_BEHIND("$2", behind_id) "AND g.mg_created_at OPERATOR(pg_catalog.>=) $5 " order,                 \
             position_since_types},                                                                                    \
            {"SELECT " MEGA_CREDIT_SUM "AND g.mg_created_at OPERATOR(pg_catalog.>=) $2 "                               \
             "AND (g.mg_created_at OPERATOR(pg_catalog.>) $2 OR NOT (" behind_id                                       \
             "))), 0) OPERATOR(pg_catalog.+) " MEGA_CREDIT_SUM "AND g.mg_created_at IS NULL), 0)",                     \
             position_types},                                                                                          \
        {                                                                                                              \
            "SELECT " MEGA_CREDIT_SUM "AND g.mg_created_at IS NULL AND NOT (" behind_id ")), 0)", position_types       \
        }                                                                                                              \
    }
constinit listing keyed = MEGA_LISTING("NULL", MEGA_KEYED_ORDER, MEGA_KEYED_BEHIND("$3", "$4"));
constinit listing unkeyed = MEGA_LISTING("g.ctid", MEGA_UNKEYED_ORDER, MEGA_UNKEYED_BEHIND("$3", "$4"));

constexpr int place_column = 10;

// What a call asks for. until is a position, too: in front of all rows of its time.
struct request {
    std::string_view written; // as the caller gave it
    std::string_view pass_id;
    std::int32_t size;
    std::optional<ledger::page_cursor> behind;
    std::optional<pg::timestamp> since;
};

struct page_of_credits {
    pg::rows rows;
    std::int64_t balance; // behind the page's first row
    std::int64_t version;
};

// A row without a time is not since any.
pg::rows rows_of(pg::spi_connection &spi, const schema::table_catalog &where, listing &what, const request &asked) {
    const auto limit = static_cast<std::uint64_t>(asked.size) + 1;
    const auto &behind = asked.behind;
    if (asked.since && (!behind || !behind->created_at))
        return spi.run_limited(what.first_since, where.schema, limit, asked.pass_id, *asked.since);
    if (!behind)
        return spi.run_limited(what.pages.first, where.schema, limit, asked.pass_id);
    if (!asked.since)
        return spi.run_limited(what.pages.behind(behind), where.schema, limit, asked.pass_id, behind->created_at,
                               behind->mg_id, behind->place_or_end());
    return spi.run_limited(what.next_since, where.schema, limit, asked.pass_id, behind->created_at, behind->mg_id,
                           behind->place_or_end(), *asked.since);
}

// The balance behind a cursor is noted in it. When the customer has changed since, rows may have come in at any place:
// then it is counted anew.
page_of_credits find_page(pg::spi_connection &spi, const schema::table_catalog &where, const request &asked) {
    const pg::rows customer = spi.run(select_customer, where.schema, pg::access::read_only, asked.pass_id);
    if (customer.empty())
        ledger::throw_unknown_customer(asked.written);
    std::int64_t balance = customer.int4(0, 0).value_or(0);
    const std::int64_t version = customer.time(0, 1).value_or(pg::timestamp{}).value;
    listing &what = where.generations.keyed ? keyed : unkeyed;
    const auto &behind = asked.behind;
    if (behind && behind->version == version)
        balance = behind->balance;
    else if (behind)
        balance -= spi.run_limited(behind->created_at ? what.newer_sum : what.newer_undated_sum, where.schema, 1,
                                   asked.pass_id, behind->created_at, behind->mg_id, behind->place_or_end())
                       .int8(0, 0)
                       .value_or(0);
    return {rows_of(spi, where, what, asked), balance, version};
}

std::optional<std::string> cursor_behind(const page_of_credits &page, std::uint64_t shown) {
    if (page.rows.count() <= shown)
        return std::nullopt;
    ledger::page_cursor cursor = ledger::cursor_behind(page.rows, shown, 1, 0, place_column);
    cursor.balance = page.balance;
    for (std::uint64_t i = 0; i < shown; ++i)
        cursor.balance -= page.rows.int4(i, 2).value_or(0);
    cursor.version = page.version;
    return ledger::write_cursor(cursor);
}

// Until is exclusive; a cursor that is behind it says more.
std::optional<ledger::page_cursor> read_position(const pg::arguments &given, std::optional<pg::timestamp> until) {
    using in = arguments::credit_statement;
    auto cursor = ledger::read_cursor(given.text(in::page_cursor));
    if (!until || (cursor && cursor->created_at && *cursor->created_at < *until))
        return cursor;
    ledger::page_cursor at_until;
    at_until.created_at = *until;
    at_until.mg_id = "";   // in front of all rows of its time
    at_until.version = -1; // of no customer: its balance is counted
    return at_until;
}

Datum credit_statement(FunctionCallInfo fcinfo) {
    using in = arguments::credit_statement;
    const pg::arguments given(fcinfo);
    const std::string_view written = ledger::require_text("pass_id", given.text(in::pass_id));
    request asked{written, {}, ledger::read_page_size(given.int4(in::page_size)), {}, given.time(in::since)};
    const auto until = given.time(in::until);
    ledger::check_span(asked.since, until);
    asked.behind = read_position(given, until);
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    asked.pass_id = ledger::resolve_pass_id(where, written, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const page_of_credits page = find_page(spi, where, asked);
    const std::uint64_t shown = std::min<std::uint64_t>(page.rows.count(), static_cast<std::uint64_t>(asked.size));
    const auto next_cursor = cursor_behind(page, shown);
    std::int64_t balance = page.balance;
    for (std::uint64_t i = 0; i < shown; ++i) {
        const auto column = [&](int number) { return page.rows.column(i, number); };
        result.add(column(0), column(1), column(2), column(3), column(4), column(5), column(6), column(7), column(8),
                   column(9), balance, next_cursor);
        balance -= page.rows.int4(i, 2).value_or(0);
    }
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_credit_statement, mega::credits::credit_statement);
