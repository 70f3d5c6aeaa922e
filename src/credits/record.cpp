// mega_record_credit
#include "credits/movement.hpp"
#include "ledger/checked.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

std::optional<std::string> owned(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

movement read_arguments(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    movement what;
    what.pass_id = ledger::require_text("pass_id", given.text(0));
    what.delta = ledger::require("delta", given.int4(1));
    if (what.delta == 0)
        throw pg::sql_error{ledger::bad_argument, "delta must not be zero", "delta=0",
                            "Grant with a positive delta, spend with a negative one."};
    what.reason = ledger::require_text("reason", given.text(2));
    what.source = owned(ledger::optional_text("source", given.text(3)));
    what.ref_type = owned(ledger::optional_text("ref_type", given.text(4)));
    what.ref_id = owned(ledger::optional_text("ref_id", given.text(5)));
    if (what.ref_type.has_value() != what.ref_id.has_value())
        throw pg::sql_error{ledger::bad_argument, "a reference needs both ref_type and ref_id",
                            "ref_type=" + pg::quoted(what.ref_type.value_or("NULL")) +
                                " ref_id=" + pg::quoted(what.ref_id.value_or("NULL")),
                            "Give both or neither."};
    if (const auto txn_id = given.text(6))
        what.txn_id = read_txn_id(*txn_id);
    what.expires_at = given.time(7);
    ledger::check_finite("expires_at", what.expires_at);
    if (what.expires_at && what.delta < 0)
        throw pg::sql_error{ledger::bad_argument, "only a grant can have expires_at",
                            "delta=" + std::to_string(what.delta), "Leave expires_at out when you spend."};
    what.meta = ledger::require_object("meta", given.json(8));
    what.allow_negative = given.boolean(9).value_or(false);
    return what;
}

Datum record_credit(FunctionCallInfo fcinfo) {
    const movement what = read_arguments(fcinfo);
    const schema::tables &where = schema::guarded_tables_of(fcinfo->flinfo->fn_oid);
    pg::session session;
    const outcome done = record(session, where, what);
    session.finish();
    return pg::return_row(fcinfo, done.mg_id, done.credits, done.replayed);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_record_credit, mega::credits::record_credit);
