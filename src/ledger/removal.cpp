// What a DELETE of ledger rows does (mega.deletes): refused, marked, or removed with an audit.
#include "ledger/removal.hpp"

#include "core/record_id.hpp"
#include "ledger/audit.hpp"
#include "ledger/cascade.hpp"
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
    const bool goes = !is_credit && deletes_setting() == deletes::allow && may_go(*type);
    // A row that stays would name what is not there, and no dump with the key could be restored.
    if (const std::string key = goes ? "" : key_without_other_end(call); !key.empty())
        throw pg::sql_error{"MG005", "a row of the ledger stays, and would name a row that is deleted",
                            "constraint=" + pg::quoted(key),
                            "Let the foreign key be ON DELETE SET NULL, or keep what it names."};
    if (is_credit) {
        pg::warn("a credit row is never deleted, and stays", which());
        return nullptr;
    }
    where.generations.may_be_written.require_good();
    if (goes)
        return call.tuple();
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
