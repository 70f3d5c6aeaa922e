// mega_customer: a customer's row, read with the caller's rights.
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "schema/table_catalog.hpp"

namespace mega::identity {

namespace {

constexpr auto make_select() {
    std::array<char, 1600> text{};
    std::size_t at = 0;
    const auto add = [&](std::string_view part) {
        for (const char c : part)
            text[at++] = c;
    };
    add("SELECT ");
    for (std::size_t i = 0; i < schema::customer_columns.size(); ++i) {
        add(i == 0 ? "c." : ", c.");
        add(schema::customer_columns[i].name);
    }
    add(" FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1");
    return text;
}

constinit const std::array<char, 1600> select_text = make_select();
constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement select_customer(select_text.data(), pass_id_type);

Datum customer(FunctionCallInfo fcinfo) {
    using in = arguments::customer;
    const std::string_view given = ledger::require_text("pass_id", pg::arguments(fcinfo).text(in::pass_id));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string_view pass_id = ledger::spell_pass_id(where, given, pg::access::read_only);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows found = spi.run(select_customer, where.schema, pg::access::read_only, pass_id);
    for (std::uint64_t i = 0; i < found.count(); ++i)
        result.add_row(found, i);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_customer, mega::identity::customer);
