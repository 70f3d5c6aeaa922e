// Holds what is noted of lots against the fold of the ledger.
#include "ledger/differing_lots.hpp"

#include "ledger/fold_lots.hpp"
#include "ledger/lots.hpp"
#include "ledger/own_key.hpp"
#include "pg/role.hpp"
#include "pg/rounds.hpp"

namespace mega::ledger {

namespace {

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement
    select_meta("SELECT c.mg_meta FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                id_type);

// Customers with lots, as they are noted or as rows say, in order, a page at a time.
constinit pg::statement customers_behind(
    "SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id COLLATE pg_catalog.\"C\" "
    "OPERATOR(pg_catalog.>) $1 AND ((c.mg_meta OPERATOR(pg_catalog.#>) '{mega,lots}') IS NOT NULL OR EXISTS (SELECT "
    "FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) c.mg_pass_id COLLATE "
    "pg_catalog.\"C\" AND " MEGA_LOT_ROW ")) ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT 1000",
    id_type);

} // namespace

void compare_lots(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                  const tell_lots &tell) {
    const pg::rows customer = spi.run(select_meta, where.schema, pg::access::read_only, pass_id);
    if (customer.empty())
        return;
    const core::folded_lots folded = fold_lots(spi, where, pass_id, pg::access::read_only);
    const auto meta = customer.json(0, 0);
    const auto stored = meta ? own_member(*meta, lots_key) : std::nullopt;
    const bool same = meta ? says_open_lots(*meta, folded.lots) : folded.lots.empty();
    if (!same || !folded.sound)
        tell(pass_id, stored ? pg::json_builder::document_of(*stored) : lots_document({}), lots_document(folded.lots));
}

void compare_all_lots(const schema::table_catalog &where, const tell_lots &tell) {
    pg::rounds customers;
    std::string last;
    for (bool more = true; more;) {
        std::vector<std::string> page;
        customers.run([&](pg::spi_connection &spi) {
            const pg::rows found = spi.run(customers_behind, where.schema, pg::access::read_only, last);
            for (std::uint64_t i = 0; i < found.count(); ++i)
                page.emplace_back(*found.text(i, 0));
        });
        for (const std::string &one : page)
            customers.run([&](pg::spi_connection &spi) { compare_lots(spi, where, one, tell); });
        more = page.size() == 1000;
        if (more)
            last = page.back();
    }
}

void compare_all_lots_as_owner(const schema::table_catalog &where, const tell_lots &tell) {
    pg::as_owner owner(where.customers.owner);
    compare_all_lots(where, tell);
    owner.end();
}

} // namespace mega::ledger
