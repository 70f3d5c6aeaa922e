// The SQL store looks which of many keys there may be, all in one statement.
#include "ledger/store_sql.hpp"

#include "schema/pending_hold.hpp"

namespace mega::ledger {

namespace {

constexpr Oid ids_type[] = {TEXTARRAYOID};
constinit pg::statement ids_among("SELECT g.mg_id FROM ONLY @schema@.mega_generations g "
                                  "WHERE g.mg_id OPERATOR(pg_catalog.=) ANY ($1)",
                                  ids_type);

constexpr Oid references_types[] = {TEXTOID, TEXTARRAYOID};
// One by one, so that each is looked for by the index, whatever the statistics say of a type that all of them share.
constinit pg::statement references_among("SELECT w.id FROM pg_catalog.unnest($2) AS w(id) CROSS JOIN LATERAL "
                                         "(SELECT FROM ONLY @schema@.mega_generations g "
                                         "WHERE g.mg_ref_type OPERATOR(pg_catalog.=) $1 "
                                         "AND g.mg_ref_id OPERATOR(pg_catalog.=) w.id "
                                         "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                                         "AND g.mg_ref_type IS NOT NULL AND g.mg_ref_id IS NOT NULL LIMIT 1) AS one",
                                         references_types);

constinit pg::statement holders_among("SELECT w.id FROM pg_catalog.unnest($1) AS w(id) CROSS JOIN LATERAL "
                                      "(SELECT FROM ONLY @schema@.mega_generations g "
                                      "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) w.id "
                                      "AND " MEGA_PENDING_HOLD " LIMIT 1) AS one",
                                      ids_type);

std::vector<std::string> texts_of(std::span<const std::string_view> texts) { return {texts.begin(), texts.end()}; }

// A column with a collation of its own may find what is not the same to the byte: then all may be there.
void mark(const pg::rows &among, std::span<const std::string_view> texts, std::span<bool> found) {
    for (std::uint64_t i = 0; i < among.count(); ++i) {
        const auto [first, last] = std::equal_range(texts.begin(), texts.end(), among.text(i, 0).value_or(""));
        std::fill(found.begin() + (first - texts.begin()), found.begin() + (last - texts.begin()), true);
        if (first == last)
            std::ranges::fill(found, true);
    }
}

} // namespace

void sql_store::may_have_ids(std::span<const std::string_view> mg_ids, std::span<bool> found) {
    mark(run(where().generations, ids_among, texts_of(mg_ids)), mg_ids, found);
}

void sql_store::may_have_references(std::string_view ref_type, std::span<const std::string_view> ref_ids,
                                    std::span<bool> found) {
    mark(run(where().generations, references_among, ref_type, texts_of(ref_ids)), ref_ids, found);
}

void sql_store::may_have_pending_holds(std::span<const std::string_view> pass_ids, std::span<bool> found) {
    const pg::as_role owner(where().generations.owner);
    mark(spi().run(holders_among, where().schema, pg::access::latest, texts_of(pass_ids)), pass_ids, found);
}

} // namespace mega::ledger
