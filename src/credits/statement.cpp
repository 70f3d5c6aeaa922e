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
    "SELECT g.mg_id, g.mg_created_at, g.mg_delta, g.mg_reason, g.mg_source, g.mg_ref_type, g.mg_ref_id "               \
    "FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "                              \
    "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
#define MEGA_NEWEST_FIRST "ORDER BY g.mg_created_at DESC, g.mg_id COLLATE pg_catalog.\"C\" DESC LIMIT 1001"

constinit pg::statement first_page(MEGA_CREDIT_ROWS MEGA_NEWEST_FIRST, pass_id_type);

constexpr Oid position_types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID};
constinit pg::statement
    next_page(MEGA_CREDIT_ROWS
              "AND g.mg_created_at OPERATOR(pg_catalog.<=) $2 AND (g.mg_created_at OPERATOR(pg_catalog.<) $2 "
              "OR g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.<) $3) " MEGA_NEWEST_FIRST,
              position_types);

// What the rows before the cursor add up to.
constinit pg::statement
    newer_sum("SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)::pg_catalog.int8 FROM ONLY @schema@.mega_generations g "
              "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
              "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
              "AND g.mg_created_at OPERATOR(pg_catalog.>=) $2 AND (g.mg_created_at OPERATOR(pg_catalog.>) $2 "
              "OR g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>=) $3)",
              position_types);

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
    if (!cursor)
        return page_of_credits{session.run_limited(first_page, where.schema, limit, pass_id), balance, version};
    if (cursor->version == version)
        balance = cursor->balance;
    else
        balance -=
            session.run(newer_sum, where.schema, pg::access::read_only, pass_id, cursor->created_at, cursor->mg_id)
                .int8(0, 0)
                .value_or(0);
    return page_of_credits{
        session.run_limited(next_page, where.schema, limit, pass_id, cursor->created_at, cursor->mg_id), balance,
        version};
}

std::optional<std::string> cursor_behind(const page_of_credits &page, std::uint64_t shown) {
    if (page.rows.count() <= shown)
        return std::nullopt;
    std::int64_t balance = page.balance;
    for (std::uint64_t i = 0; i < shown; ++i)
        balance -= page.rows.int4(i, 2).value_or(0);
    return ledger::write_cursor({page.rows.time(shown - 1, 1).value_or(ledger::undated),
                                 std::string(page.rows.text(shown - 1, 0).value_or(ledger::without_id)), balance,
                                 page.version});
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
