// mega_credit_statement: a customer's credit rows, newest first, each with the balance behind it.
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "schema/tables.hpp"

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
    "SELECT g.mg_id, g.mg_created_at, g.mg_delta, g.mg_reason, g.mg_source, g.mg_ref_type, g.mg_ref_id, " place        \
    " " MEGA_CREDIT_ROWS
#define MEGA_CREDIT_SUM " coalesce((SELECT pg_catalog.sum(g.mg_delta) " MEGA_CREDIT_ROWS

constexpr Oid position_types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID, TIDOID};

// The pages, and what the rows before a cursor with and without a time add up to, by the index on a customer's rows.
struct listing {
    ledger::pages pages;
    pg::statement newer_sum, newer_undated_sum;
};
#define MEGA_LISTING(place, order, behind_id)                                                                          \
    {                                                                                                                  \
        {{MEGA_CREDIT_PAGE(place) order, pass_id_type},                                                                \
         {MEGA_CREDIT_PAGE(place) MEGA_BEHIND("$2", behind_id) order, position_types},                                 \
         {MEGA_CREDIT_PAGE(place) MEGA_BEHIND_UNDATED(behind_id) order, position_types}},                              \
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

struct page_of_credits {
    pg::rows rows;
    std::int64_t balance; // behind the page's first row
    std::int64_t version;
};

// The balance behind a cursor is noted in it. When the customer has changed since, rows may have come in at any place:
// then it is counted anew.
std::optional<page_of_credits> find_page(pg::session &session, const schema::tables &where, std::string_view pass_id,
                                         const std::optional<ledger::page_cursor> &cursor, std::int32_t size) {
    const pg::rows customer = session.run(select_customer, where.schema, pg::access::read_only, pass_id);
    if (customer.empty())
        return std::nullopt;
    std::int64_t balance = customer.int4(0, 0).value_or(0);
    const std::int64_t version = customer.time(0, 1).value_or(pg::timestamp{}).value;
    const auto limit = static_cast<std::uint64_t>(size) + 1;
    listing &what = where.generations.keyed ? keyed : unkeyed;
    if (!cursor)
        return page_of_credits{session.run_limited(what.pages.first, where.schema, limit, pass_id), balance, version};
    const auto read = [&](pg::statement &one, std::uint64_t most) {
        return session.run_limited(one, where.schema, most, pass_id, cursor->created_at, cursor->mg_id,
                                   cursor->place_or_end());
    };
    if (cursor->version == version)
        balance = cursor->balance;
    else
        balance -= read(cursor->created_at ? what.newer_sum : what.newer_undated_sum, 1).int8(0, 0).value_or(0);
    return page_of_credits{read(what.pages.behind(cursor), limit), balance, version};
}

std::optional<std::string> cursor_behind(const page_of_credits &page, std::uint64_t shown) {
    if (page.rows.count() <= shown)
        return std::nullopt;
    ledger::page_cursor cursor = ledger::cursor_behind(page.rows, shown, 1, 0, 7);
    cursor.balance = page.balance;
    for (std::uint64_t i = 0; i < shown; ++i)
        cursor.balance -= page.rows.int4(i, 2).value_or(0);
    cursor.version = page.version;
    return ledger::write_cursor(cursor);
}

Datum credit_statement(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    const std::string_view written = ledger::require_text("pass_id", given.text(0));
    const std::int32_t size = ledger::read_page_size(given.int4(1));
    const auto cursor = ledger::read_cursor(given.text(2));
    const schema::tables &where = schema::tables_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::resolve_pass_id(where, written, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::session session;
    if (const auto page = find_page(session, where, pass_id, cursor, size)) {
        const std::uint64_t shown = std::min<std::uint64_t>(page->rows.count(), static_cast<std::uint64_t>(size));
        const auto next_cursor = cursor_behind(*page, shown);
        std::int64_t balance = page->balance;
        for (std::uint64_t i = 0; i < shown; ++i) {
            const auto column = [&](int number) { return page->rows.column(i, number); };
            result.add(column(0), column(1), column(2), column(3), column(4), column(5), column(6), balance,
                       next_cursor);
            balance -= page->rows.int4(i, 2).value_or(0);
        }
    }
    session.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_credit_statement, mega::credits::credit_statement);
