// mega_record_credit
#include "credits/posting.hpp"
#include "function_arguments.hpp"
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
    using in = arguments::record_credit;
    const pg::arguments given(fcinfo);
    posting what;
    what.pass_id = ledger::require("pass_id", given.text(in::pass_id));
    what.delta = ledger::require("delta", given.int4(in::delta));
    what.reason = ledger::require("reason", given.text(in::reason));
    what.source = owned(given.text(in::source));
    what.ref_type = owned(given.text(in::ref_type));
    what.ref_id = owned(given.text(in::ref_id));
    if (const auto txn_id = given.text(in::txn_id))
        what.txn_id = read_txn_id(*txn_id);
    what.expires_at = given.time(in::expires_at);
    what.meta = ledger::require_object("meta", given.json(in::meta));
    what.allow_negative = given.boolean(in::allow_negative).value_or(false);
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
