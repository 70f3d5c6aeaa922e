// What the SQL store looks for by anything but one row's key: a reference, which of many keys there are, customers by
// identity, a customer's pending holds, a generation's last step.
#include "ledger/store_sql.hpp"

#include "ledger/checked.hpp"
#include "ledger/statement_texts.hpp"
#include "schema/pending_hold.hpp"

namespace mega::ledger {

namespace {

constexpr Oid look_types[] = {TEXTOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
// A row that was merged answers for its target.
constinit pg::statement look("SELECT DISTINCT coalesce(c.mg_meta OPERATOR(pg_catalog.#>>) '{mega,merged_into}', "
                             "c.mg_pass_id) FROM ONLY @schema@.mega_customers c WHERE "
                             "c.mg_pass_id OPERATOR(pg_catalog.=) ANY (ARRAY[$1, $4, $5, $6, $7]) "
                             "OR c.mg_shopify_customer_id OPERATOR(pg_catalog.=) $2 "
                             "OR c.mg_user_id OPERATOR(pg_catalog.=) $3 ORDER BY 1",
                             look_types);

constexpr Oid id_type[] = {TEXTOID};
#define MEGA_STEPS                                                                                                     \
    " FROM ONLY @schema@.mega_generations g WHERE g.mg_generation_id OPERATOR(pg_catalog.=) $1 "                       \
    "AND g.mg_record_type OPERATOR(pg_catalog.=) 'mma_step'"
// What adopted steps without a number say in their ids counts.
constinit pg::statement select_last_step =
    pg::statement("SELECT GREATEST((SELECT pg_catalog.max(g.mg_step_no)" MEGA_STEPS "), (SELECT pg_catalog.max("
                  "pg_catalog.substring(g.mg_id, ':([0-9]{1,9})$')::pg_catalog.int4)" MEGA_STEPS
                  " AND g.mg_step_no IS NULL))",
                  id_type)
        .by_key();

constinit pg::statement sum_pending_holds =
    pg::statement("SELECT coalesce(pg_catalog.sum(OPERATOR(pg_catalog.-) g.mg_delta::pg_catalog.int8), 0)"
                  "::pg_catalog.int8 FROM ONLY @schema@.mega_generations g "
                  "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
                  "AND " MEGA_PENDING_HOLD,
                  id_type)
        .by_key();

constexpr Oid ids_type[] = {TEXTARRAYOID};
constinit pg::statement ids_among = pg::statement("SELECT g.mg_id FROM ONLY @schema@.mega_generations g "
                                                  "WHERE g.mg_id OPERATOR(pg_catalog.=) ANY ($1)",
                                                  ids_type)
                                        .by_key();

constexpr Oid references_types[] = {TEXTOID, TEXTARRAYOID};
// One by one, so that each is looked for by the index, whatever the statistics say of a type that all of them share.
constinit pg::statement references_among =
    pg::statement("SELECT w.id FROM pg_catalog.unnest($2) AS w(id) CROSS JOIN LATERAL "
                  "(SELECT FROM ONLY @schema@.mega_generations g "
                  "WHERE g.mg_ref_type OPERATOR(pg_catalog.=) $1 "
                  "AND g.mg_ref_id OPERATOR(pg_catalog.=) w.id "
                  "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                  "AND g.mg_ref_type IS NOT NULL AND g.mg_ref_id IS NOT NULL LIMIT 1) AS one",
                  references_types)
        .by_key();

constinit pg::statement holders_among =
    pg::statement("SELECT w.id FROM pg_catalog.unnest($1) AS w(id) CROSS JOIN LATERAL "
                  "(SELECT FROM ONLY @schema@.mega_generations g "
                  "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) w.id "
                  "AND " MEGA_PENDING_HOLD " LIMIT 1) AS one",
                  ids_type)
        .by_key();

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

bool sql_store::read_by_reference(std::string_view ref_type, std::string_view ref_id, std::string_view reason,
                                  std::span<const schema::ledger> columns, std::span<pg::nullable_datum> values) {
    const auto by_reference = [&](bool first) {
        return run(where().generations, statements::select_by_reference(columns, first), ref_type, ref_id, reason);
    };
    const pg::rows found = by_reference(false);
    return take(found.count() > 1 ? by_reference(true) : found, values);
}

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

std::vector<std::string> sql_store::find_customers(const identities &known) {
    const pg::rows rows = run(where().customers, look, known.pass_ids[0], known.shopify_id, known.user_id,
                              known.pass_ids[1], known.pass_ids[2], known.pass_ids[3], known.pass_ids[4]);
    std::vector<std::string> found;
    for (std::uint64_t i = 0; i < rows.count(); ++i)
        found.emplace_back(require_column("mg_pass_id", rows.text(i, 0)));
    return found;
}

std::int64_t sql_store::pending_holds(std::string_view pass_id) {
    const pg::as_role owner(where().generations.owner);
    return spi().run(sum_pending_holds, where().schema, pg::access::latest, pass_id).int8(0, 0).value_or(0);
}

std::optional<std::int32_t> sql_store::last_step(std::string_view generation_id) {
    const pg::as_role owner(where().generations.owner);
    return spi().run(select_last_step, where().schema, pg::access::latest, generation_id).int4(0, 0);
}

} // namespace mega::ledger
