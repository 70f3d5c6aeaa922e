// mega_record_credit
#include "credits/posting.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

namespace mega::credits {

namespace {

std::optional<std::string> owned(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

posting read_arguments(FunctionCallInfo fcinfo) {
    const pg::arguments given(fcinfo);
    posting what;
    what.pass_id = ledger::require("pass_id", given.text(0));
    what.delta = ledger::require("delta", given.int4(1));
    what.reason = ledger::require("reason", given.text(2));
    what.source = owned(given.text(3));
    what.ref_type = owned(given.text(4));
    what.ref_id = owned(given.text(5));
    if (const auto txn_id = given.text(6))
        what.txn_id = read_txn_id(*txn_id);
    what.expires_at = given.time(7);
    what.meta = ledger::require_object("meta", given.json(8));
    what.allow_negative = given.boolean(9).value_or(false);
    what.overdraft_hint = may_allow_negative;
    check_posting(what);
    return what;
}

Datum record_credit(FunctionCallInfo fcinfo) {
    posting what = read_arguments(fcinfo);
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    what.pass_id.assign(ledger::spell_pass_id(store.where(), what.pass_id));
    const outcome done = post_once(store, what);
    call.finish();
    return pg::return_row(fcinfo, done.mg_id, done.credits, done.replayed);
}

} // namespace

} // namespace mega::credits

PG_ENTRY(mega_record_credit, mega::credits::record_credit);
