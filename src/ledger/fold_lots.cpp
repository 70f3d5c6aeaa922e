// Reads a customer's rows for what they say of lots.
#include "ledger/fold_lots.hpp"

#include "ledger/lots.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
// Revokes and what restores them bound what a lot may have left.
constinit pg::statement rows_of("SELECT pg_catalog.substr(g.mg_id, 20), g.mg_delta, g.mg_meta FROM ONLY "
                                "@schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 AND "
                                "g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' AND "
                                "(g.mg_meta OPERATOR(pg_catalog.->) 'mega') OPERATOR(pg_catalog.?|) "
                                "'{ends,lots,cover,revoke_of,refund_of}'::pg_catalog.text[]",
                                pass_id_type);

} // namespace

core::folded_lots fold_lots(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                            pg::access how) {
    const pg::rows found = spi.run(rows_of, where.schema, how, pass_id);
    std::vector<core::lot_facts> rows;
    rows.reserve(found.count());
    for (std::uint64_t i = 0; i < found.count(); ++i)
        rows.push_back(
            lot_facts_of(std::string(found.text(i, 0).value_or("")), found.int4(i, 1).value_or(0), found.json(i, 2)));
    return core::fold_lots(rows);
}

} // namespace mega::ledger
