// What a DELETE of ledger rows does (mega.deletes): refused, marked, or removed with an audit.
#include "ledger/removal.hpp"

#include "core/record_id.hpp"
#include "ledger/audit.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/row_check.hpp"
#include "pg/warning.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;
using core::record_type;

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement mark_row("UPDATE ONLY @schema@.mega_generations SET mg_deleted_at = "
                                 "pg_catalog.clock_timestamp() WHERE mg_id OPERATOR(pg_catalog.=) $1 "
                                 "AND mg_deleted_at IS NULL",
                                 id_type);
constinit pg::statement mark_events("UPDATE ONLY @schema@.mega_generations SET mg_deleted_at = "
                                    "pg_catalog.clock_timestamp() WHERE mg_generation_id OPERATOR(pg_catalog.=) $1 "
                                    "AND mg_record_type OPERATOR(pg_catalog.=) 'mma_event' AND mg_deleted_at IS NULL",
                                    id_type);
constinit pg::statement delete_steps("DELETE FROM ONLY @schema@.mega_generations WHERE mg_generation_id "
                                     "OPERATOR(pg_catalog.=) $1 AND mg_record_type OPERATOR(pg_catalog.=) 'mma_step'",
                                     id_type);

// Keys of somebody's ON DELETE CASCADE: their names, whose the table is that they name, and what makes the look for
// what the row with the id $2 names there; it finds no row that names nothing.
constexpr Oid key_types[] = {INT8OID, TEXTOID};
constinit pg::statement cascading_keys(
    "SELECT k.conname::pg_catalog.text, r.relowner::pg_catalog.int8, pg_catalog.format('SELECT pg_catalog.format(%L, "
    "%s) FROM ONLY %s c WHERE c.mg_id OPERATOR(pg_catalog.=) %L AND %s', pg_catalog.format('SELECT FROM %s p WHERE ', "
    "k.confrelid::pg_catalog.regclass) OPERATOR(pg_catalog.||) pg_catalog.string_agg(pg_catalog.format('p.%I "
    "OPERATOR(%I.%s) %%L::%s', p.attname, n.nspname, o.oprname, pg_catalog.format_type(c.atttypid, c.atttypmod)), "
    "' AND ' ORDER BY x.own), pg_catalog.string_agg(pg_catalog.format('c.%I', c.attname), ', ' ORDER BY x.own), "
    "k.conrelid::pg_catalog.regclass, $2, pg_catalog.string_agg(pg_catalog.format('c.%I IS NOT NULL', c.attname), "
    "' AND ')) FROM pg_catalog.pg_constraint k, ROWS FROM (pg_catalog.unnest(k.conkey), "
    "pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop)) AS x(own, named, equal), pg_catalog.pg_class r, "
    "pg_catalog.pg_attribute c, pg_catalog.pg_attribute p, pg_catalog.pg_operator o, pg_catalog.pg_namespace n WHERE "
    "k.conrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND k.contype OPERATOR(pg_catalog.=) 'f' AND k.confdeltype "
    "OPERATOR(pg_catalog.=) 'c' AND r.oid OPERATOR(pg_catalog.=) k.confrelid AND c.attrelid OPERATOR(pg_catalog.=) "
    "k.conrelid AND c.attnum OPERATOR(pg_catalog.=) x.own AND p.attrelid OPERATOR(pg_catalog.=) k.confrelid AND "
    "p.attnum OPERATOR(pg_catalog.=) x.named AND o.oid OPERATOR(pg_catalog.=) x.equal AND n.oid "
    "OPERATOR(pg_catalog.=) o.oprnamespace GROUP BY k.oid, k.conname, k.conrelid, k.confrelid, r.relowner ORDER BY "
    "k.conname",
    key_types);

// On the stack while the steps of a generation that goes go along: it tells of them.
class along : in_flight::stacked<along> {
    friend stacked;

public:
    static bool under_way() noexcept { return top_for_trigger() != nullptr; }
};

std::optional<record_type> type_of(const ledger_row &row) {
    return core::parse_record_type(row.text(column::mg_record_type).value_or(""));
}

bool may_go(record_type type) {
    return type == record_type::session || type == record_type::generation || type == record_type::feedback ||
           type == record_type::mma_step;
}

std::uint64_t run(pg::spi_connection &spi, const schema::table_catalog &where, pg::statement &what,
                  std::string_view id) {
    const pg::as_role owner(where.generations.owner);
    return spi.run(what, where.schema, pg::access::read_write, id).count();
}

std::uint64_t delete_along(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view generation) {
    const along going;
    return run(spi, where, delete_steps, generation);
}

// A DELETE that a key of somebody's brings is for a row whose other end is gone: a row that stays would name what is
// not there, and no dump with the key could be restored. Postgres' triggers for keys bring it, so it is one in another.
// As they do, it looks at each table as its owner.
void require_not_cascaded(const schema::table_catalog &where, std::string_view mg_id) {
    if (pg::trigger_depth() < 2)
        return;
    pg::spi_connection spi;
    const pg::as_role owner(where.generations.owner);
    const pg::rows keys =
        spi.run(cascading_keys, where.schema, pg::access::read_write, std::int64_t{where.generations.id}, mg_id);
    for (std::uint64_t i = 0; i < keys.count(); ++i) {
        const pg::rows named = spi.run_text(std::string(*keys.text(i, 2)));
        if (named.empty())
            continue;
        const pg::as_role other(static_cast<Oid>(*keys.int8(i, 1)));
        if (spi.run_text(std::string(*named.text(0, 0))).empty())
            throw pg::sql_error{"MG005", "a row of the ledger stays, and would name a row that is deleted",
                                "constraint=" + pg::quoted(*keys.text(i, 0)),
                                "Let the foreign key be ON DELETE SET NULL, or keep what it names."};
    }
    spi.finish();
}

} // namespace

HeapTuple delete_or_mark(const schema::table_catalog &where, const pg::trigger_call &call) {
    pg::row columns(call.tuple(), call.shape());
    const ledger_row row(where.generations, columns);
    const auto type = type_of(row);
    const std::string_view mg_id = row.text(column::mg_id).value_or("");
    const auto which = [&] { return to_readers({column::mg_id}, "mg_id=" + pg::quoted(mg_id)); };
    const bool rejects = deletes_setting() == deletes::reject;
    // The hold or charge of a generation is met by a DELETE that means the generation.
    const bool is_credit = type == record_type::credit_transaction;
    if (rejects || !type || (is_credit && row.is_null(column::mg_generation_id)) || mg_id.empty())
        throw pg::sql_error{"MG005", "the ledger is append-only: its rows are never deleted", rejects ? "" : which(),
                            "Record a new row that corrects the old one; mark other rows with mg_deleted_at."};
    where.generations.may_be_written.require_good();
    if (!is_credit && deletes_setting() == deletes::allow && may_go(*type))
        return call.tuple();
    require_not_cascaded(where, mg_id);
    if (is_credit) {
        pg::warn("a credit row is never deleted, and stays", which());
        return nullptr;
    }
    pg::spi_connection spi;
    if (run(spi, where, mark_row, mg_id) > 0)
        pg::warn("a row of the ledger was marked deleted, and stays", which());
    spi.finish();
    return nullptr;
}

void tell_removed(const schema::table_catalog &where, const pg::trigger_call &call) {
    if (deletes_setting() != deletes::allow || along::under_way())
        return;
    pg::row columns(call.tuple(), call.shape());
    const ledger_row row(where.generations, columns);
    const auto type = type_of(row);
    if (!type || !may_go(*type))
        return;
    where.admins.may_be_written.require_good_for_functions(true); // before anything is done there in the owner's name
    pg::spi_connection spi;
    std::uint64_t steps = 0;
    if (const auto id = row.text(column::mg_generation_id); id && *type == record_type::generation) {
        steps = delete_along(spi, where, *id);
        run(spi, where, mark_events, *id);
    }
    pg::json_builder detail;
    detail.begin_object().key("mg_id").text(row.text(column::mg_id).value_or(""));
    detail.key("record_type").text(core::name(*type));
    if (*type == record_type::generation)
        detail.key("steps").number(steps);
    append_audit(spi, where, {"delete", row.text(column::mg_pass_id), detail.end_object().finish()}, std::nullopt);
    spi.finish();
}

} // namespace mega::ledger
