// What the caller's snapshot shows of a customer: by the direct path, or by SQL.
#include "ledger/direct_writers.hpp"
#include "ledger/lots.hpp"
#include "ledger/merged.hpp"
#include "ledger/store.hpp"
#include "pg/snapshot.hpp"
#include "schema/pending_hold.hpp"

namespace mega::ledger {

namespace {

using schema::customer;
using namespace direct;

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement
    select_balance("SELECT c.mg_credits, c.mg_expires_at, (SELECT pg_catalog.sum(g.mg_delta) FROM ONLY "
                   "@schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 AND " MEGA_PENDING_HOLD
                   ")::pg_catalog.int8, c.mg_meta "
                   "FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                   pass_id_type);

// Whether the customer may spend is a rule's look-up, by whoever asks what can be spent.
constinit pg::statement select_may_spend("SELECT NOT coalesce(c.mg_disabled, false) AND c.mg_deleted_at IS NULL "
                                         "FROM ONLY @schema@.mega_customers c "
                                         "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                         pass_id_type);

bool may_spend(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id) {
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = spi.run(select_may_spend, where.schema, pg::access::read_only, pass_id);
    return !found.empty() && found.boolean(0, 0).value_or(false);
}

std::optional<current_balance> look_directly(std::string_view pass_id) {
    const pg::callers_moment by_the_callers_snapshot;
    current_balance result{};
    open(customers, AccessShareLock);
    const bool exists = find_customer(pass_id);
    if (exists) {
        const auto credits = customers.column(number(customer::mg_credits));
        const auto expires_at = customers.column(number(customer::mg_expires_at));
        result.credits = credits.is_null ? 0 : DatumGetInt32(credits.value);
        if (!expires_at.is_null)
            result.expires_at = pg::timestamp_of(expires_at.value);
        const auto disabled = customers.column(number(customer::mg_disabled));
        if (const auto meta = customers.column(number(customer::mg_meta));
            !meta.is_null && !pg::has_no_member(meta.value))
            result.lots = open_lots_of(pg::jsonb_of(meta.value));
        result.may_spend = (disabled.is_null || !DatumGetBool(disabled.value)) &&
                           customers.column(number(customer::mg_deleted_at)).is_null;
    }
    customers.close();
    if (!exists)
        return std::nullopt;
    const Datum key[] = {pg::to_datum(pass_id).value};
    open(ledger_rows, AccessShareLock);
    result.pending_holds = ledger_rows.sum(by_pending_hold, key, number(schema::ledger::mg_delta));
    ledger_rows.close();
    return result;
}

constinit pg::statement select_meta("SELECT c.mg_meta FROM ONLY @schema@.mega_customers c "
                                    "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                    pass_id_type);

} // namespace

std::optional<meant_customer> customer_meant_by_caller(const schema::table_catalog &where, std::string_view pass_id) {
    std::optional<meant_customer> meant;
    if (possible(where)) {
        const pg::callers_moment by_the_callers_snapshot;
        open(customers, AccessShareLock);
        meant = follow_merges(pass_id, [](std::string_view one, pg::nullable_datum &meta) {
            if (!find_customer(one))
                return false;
            meta = customers.column(number(customer::mg_meta));
            return true;
        });
        customers.close();
        return meant;
    }
    pg::spi_connection spi;
    {
        const pg::as_role owner(where.customers.owner);
        meant = follow_merges(pass_id, [&](std::string_view one, pg::nullable_datum &meta) {
            const pg::rows found = spi.run(select_meta, where.schema, pg::access::read_only, one);
            if (!found.empty())
                meta = found.column(0, 0);
            return !found.empty();
        });
    }
    spi.finish();
    return meant;
}

std::optional<current_balance> balance_of(const schema::table_catalog &where, std::string_view pass_id) {
    if (possible(where) && may_read(where))
        return look_directly(pass_id);
    pg::spi_connection spi;
    const pg::rows found = spi.run(select_balance, where.schema, pg::access::read_only, pass_id);
    if (found.empty())
        return std::nullopt;
    const auto meta = found.json(0, 3);
    const current_balance now{found.int4(0, 0).value_or(0), found.int8(0, 2).value_or(0), found.time(0, 1),
                              may_spend(spi, where, pass_id), meta ? open_lots_of(*meta) : core::open_lots()};
    spi.finish();
    return now;
}

} // namespace mega::ledger
