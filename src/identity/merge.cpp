// mega_merge_customers: two customers become one. The source's rows go to the target, with whatever they sum up to; the
// source keeps who it was and answers for the target from then on.
#include "function_arguments.hpp"
#include "identity/merging.hpp"
#include "ledger/audit.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/resolve.hpp"
#include "pg/code.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

namespace mega::identity {

namespace {

struct request {
    std::string_view given;     // the target, as the caller named it
    std::string source, target; // as they stand in mega_customers, the target followed to who goes on
    std::optional<std::string> merge_id;
    std::optional<std::string_view> actor;
};

struct merged {
    std::string pass_id;
    std::int32_t credits = 0;
    std::int64_t moved_rows = 0;
    bool replayed = false;
};

constexpr std::string_view audit_prefix = "merge:";

[[noreturn]] void refuse_itself(std::string_view pass_id) {
    throw pg::sql_error{ledger::bad_argument, "a customer cannot be merged into itself",
                        "pass_id=" + pg::quoted(pass_id), "Name two customers."};
}

request read_arguments(const schema::table_catalog &where, const pg::arguments &given) {
    using in = arguments::merge_customers;
    request asked;
    asked.source = ledger::spell_pass_id(where, ledger::require_text("source", given.text(in::source)));
    asked.given = ledger::require_text("target", given.text(in::target));
    if (ledger::spell_pass_id(where, asked.given) == asked.source)
        refuse_itself(asked.source);
    asked.target = ledger::resolve_pass_id(where, asked.given);
    constexpr std::size_t room = core::max_id_bytes - audit_prefix.size();
    if (const auto id = given.text(in::merge_id)) {
        ledger::check_text("merge_id", *id, ledger::bad_argument, room);
        asked.merge_id = std::string(*id);
    }
    asked.actor = ledger::optional_text("actor", given.text(in::actor));
    return asked;
}

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement select_audit("SELECT a.mg_detail OPERATOR(pg_catalog.->>) 'source', "
                                     "a.mg_detail OPERATOR(pg_catalog.->>) 'target' FROM ONLY @schema@.mega_admin a "
                                     "WHERE a.mg_id OPERATOR(pg_catalog.=) $1",
                                     id_type);

[[noreturn]] void refuse_other_merge(const request &asked) {
    throw pg::sql_error{"MG002", "this merge was recorded for other customers",
                        "merge_id=" + pg::quoted(*asked.merge_id) + " source=" + pg::quoted(asked.source) +
                            " target=" + pg::quoted(asked.given),
                        "Repeat a call with the same arguments, or use another merge_id."};
}

// Whether this merge_id was done. Raises MG002 when it was another merge.
bool was_done(ledger::store &store, const request &asked) {
    if (!asked.merge_id)
        return false;
    const pg::rows found =
        store.run(store.where().admins, select_audit, "admin_audit:" + std::string(audit_prefix) + *asked.merge_id);
    if (found.empty())
        return false;
    const auto source = found.text(0, 0), target = found.text(0, 1);
    if (!source && !target) // of somebody erased: that is what tells of the call that is repeated
        return false;
    if (source != asked.source || !target || !ledger::means_customer(store.where(), *target, asked.target))
        refuse_other_merge(asked);
    return true;
}

[[noreturn]] void refuse_not_active(const char *whom, std::string_view given, const ledger::locked_customer &customer) {
    throw pg::sql_error{
        "MG004", std::string("the ") + whom + " of a merge is " + (customer.erased ? "erased" : "disabled or deleted"),
        std::string(whom) + "=" + pg::quoted(given),
        customer.erased ? "What was erased does not come back." : "Enable or restore the customer first."};
}

void append_audit(ledger::store &store, const request &asked, const merging &done) {
    const ledger::deed what{"customer.merge", done.target_pass_id(), done.detail(asked.merge_id)};
    pg::spi_connection &spi = store.spi();
    if (!asked.merge_id)
        ledger::append_audit(spi, store.where(), what, asked.actor);
    else if (!ledger::append_audit_once(spi, store.where(), std::string(audit_prefix) + *asked.merge_id, what,
                                        asked.actor))
        refuse_other_merge(asked);
}

merged merge(ledger::store &store, Oid opener, const request &asked) {
    merging both(store, opener, asked.source, asked.target);
    const ledger::locked_customer &source = both.source(), &target = both.target();
    if (source.pass_id == target.pass_id)
        refuse_itself(source.pass_id);
    const bool done = was_done(store, asked);
    if (source.merged_into && *source.merged_into == target.pass_id)
        return {target.pass_id, target.credits, 0, true};
    if (source.merged_into)
        both.refuse_merged_elsewhere();
    if (source.erased)
        refuse_not_active("source", asked.source, source);
    if (!target.may_spend || target.erased)
        refuse_not_active("target", asked.given, target);
    if (done)
        refuse_other_merge(asked);
    both.join();
    append_audit(store, asked, both);
    both.look_again();
    return {target.pass_id, both.credits(), both.moved_rows(), false};
}

Datum merge_customers(FunctionCallInfo fcinfo) {
    if (pg::keeps_its_snapshot())
        throw pg::sql_error{"25001", "customers are merged at READ COMMITTED only",
                            "The transaction would see neither of them as they are behind the locks.",
                            "BEGIN ISOLATION LEVEL READ COMMITTED."};
    ledger::in_flight::require_none(ledger::in_flight::act::call,
                                    "customers are not merged in the middle of another write of mega");
    ledger::call call(fcinfo, schema::written::all);
    const request asked = read_arguments(call.store().where(), pg::arguments(fcinfo));
    const Oid function = fcinfo->flinfo->fn_oid;
    const Oid opener = pg::call([function] { return pg::owner_of_function(function); });
    const merged result = merge(call.store(), opener, asked);
    call.finish();
    return pg::return_row(fcinfo, result.pass_id, result.credits, result.moved_rows, result.replayed);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_merge_customers, mega::identity::merge_customers);
