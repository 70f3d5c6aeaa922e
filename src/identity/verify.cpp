// mega_verify_customer: by which way somebody showed who he is (I13).
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

// A way, and the flag that says it was gone; `manual` has none, its time says it.
constexpr std::pair<std::string_view, std::optional<column>> methods[] = {{"email", column::mg_verified_email},
                                                                          {"google", column::mg_verified_google},
                                                                          {"apple", column::mg_verified_apple},
                                                                          {"manual", std::nullopt}};

struct verification {
    std::string_view method;
    std::optional<column> flag;
    std::optional<std::string_view> keynumber;
    std::optional<pg::timestamp> at;
};

verification read_arguments(const pg::arguments &given) {
    using in = arguments::verify_customer;
    const std::string_view method = ledger::require("method", given.text(in::method));
    const auto known = std::ranges::find(methods, method, [](const auto &one) { return one.first; });
    if (known == std::end(methods))
        throw pg::sql_error{ledger::bad_argument, pg::quoted(method) + " is not a way to verify a customer",
                            "method=" + pg::quoted(method), "Use email, google, apple or manual."};
    const auto at = given.time(in::verified_at);
    ledger::check_not_ahead("verified_at", at);
    return {known->first, known->second, ledger::optional_text("keynumber", given.text(in::keynumber)), at};
}

// The verification that stands is the newest that was told. The same way again, with no time or key of its own, is the
// one that stands.
std::vector<ledger::customer_change> changes_of(change &what, const verification &told) {
    const pg::nullable_datum method = what.read(column::mg_verification_method);
    const pg::nullable_datum at = what.read(column::mg_verification_at);
    const bool again = !method.is_null && pg::text_of(method.value) == told.method && !at.is_null;
    std::vector<ledger::customer_change> changes{{column::mg_verification_method, pg::to_datum(told.method)},
                                                 {column::mg_verification_at, told.at ? pg::to_datum(*told.at)
                                                                              : again
                                                                                  ? at
                                                                                  : pg::to_datum(pg::clock_time())}};
    if (!what.store().where().customers.computes_verified)
        changes.emplace_back(column::mg_verified_any, pg::to_datum(true));
    if (told.flag)
        changes.emplace_back(*told.flag, pg::to_datum(true));
    if (told.keynumber || !again)
        changes.emplace_back(column::mg_verification_keynumber, pg::to_datum(told.keynumber));
    return changes;
}

Datum verify_customer(FunctionCallInfo fcinfo) {
    using in = arguments::verify_customer;
    const pg::arguments given(fcinfo);
    const verification told = read_arguments(given);
    change what(fcinfo, given.text(in::pass_id), given.text(in::actor));
    const bool written = what.write(changes_of(what, told));
    const pg::nullable_datum verified = what.read(column::mg_verified_any); // of an adopted table what it computes
    if (written)
        what.finish("customer.verify",
                    pg::json_builder().begin_object().key("method").text(told.method).end_object().finish());
    else
        what.finish();
    return pg::return_row(fcinfo, what.pass_id(), verified);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_verify_customer, mega::identity::verify_customer);
