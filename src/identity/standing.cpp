// mega_disable_customer, mega_enable_customer, mega_delete_customer, mega_restore_customer: whether a customer may
// spend. What stands already is no change.
#include "function_arguments.hpp"
#include "identity/change.hpp"
#include "ledger/checked.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::identity {

namespace {

using column = schema::customer;

// The reason, as an audit tells it.
pg::jsonb detail_of(std::optional<std::string_view> reason) {
    pg::json_builder detail;
    detail.begin_object();
    if (reason)
        detail.key("reason").text(*reason);
    return detail.end_object().finish();
}

// The four functions have the same arguments.
template <class Wanted> Datum set(FunctionCallInfo fcinfo, std::string_view action, Wanted wanted) {
    using in = arguments::disable_customer;
    static_assert(in::pass_id == arguments::enable_customer::pass_id &&
                  in::reason == arguments::enable_customer::reason && in::actor == arguments::enable_customer::actor);
    static_assert(in::pass_id == arguments::delete_customer::pass_id &&
                  in::reason == arguments::delete_customer::reason && in::actor == arguments::delete_customer::actor);
    static_assert(in::pass_id == arguments::restore_customer::pass_id &&
                  in::reason == arguments::restore_customer::reason && in::actor == arguments::restore_customer::actor);
    const pg::arguments given(fcinfo);
    const auto reason = ledger::optional_text("reason", given.text(in::reason));
    change what(fcinfo, given.text(in::pass_id), given.text(in::actor));
    const std::optional<ledger::customer_change> one = wanted(what);
    const bool changed = one && what.write(std::span(&*one, 1));
    if (changed)
        what.finish(action, detail_of(reason));
    else
        what.finish();
    return pg::return_row(fcinfo, what.pass_id(), changed);
}

std::optional<ledger::customer_change> disabled(change &what, bool wanted) {
    const pg::nullable_datum now = what.read(column::mg_disabled);
    if ((!now.is_null && DatumGetBool(now.value)) == wanted) // adopted: NULL is not disabled
        return std::nullopt;
    return ledger::customer_change{column::mg_disabled, pg::to_datum(wanted)};
}

Datum disable_customer(FunctionCallInfo fcinfo) {
    return set(fcinfo, "customer.disable", [](change &what) { return disabled(what, true); });
}

Datum enable_customer(FunctionCallInfo fcinfo) {
    return set(fcinfo, "customer.enable", [](change &what) { return disabled(what, false); });
}

Datum delete_customer(FunctionCallInfo fcinfo) {
    return set(fcinfo, "customer.delete", [](change &what) -> std::optional<ledger::customer_change> {
        if (!what.read(column::mg_deleted_at).is_null) // the first time stands
            return std::nullopt;
        return ledger::customer_change{column::mg_deleted_at, pg::to_datum(pg::clock_time())};
    });
}

Datum restore_customer(FunctionCallInfo fcinfo) {
    return set(fcinfo, "customer.restore", [](change &) {
        return std::optional(ledger::customer_change{column::mg_deleted_at, pg::nullable_datum{}});
    });
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_disable_customer, mega::identity::disable_customer);
PG_ENTRY(mega_enable_customer, mega::identity::enable_customer);
PG_ENTRY(mega_delete_customer, mega::identity::delete_customer);
PG_ENTRY(mega_restore_customer, mega::identity::restore_customer);
