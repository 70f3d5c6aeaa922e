// mega_current_pass_id: whom this session speaks for, as the row policies of mega_enable_rls ask it.
#include "core/claims.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "schema/settings.hpp"
#include "schema/table_catalog.hpp"

namespace mega::identity {

namespace {

std::string_view claims() {
    const char *value = pg::call([] { return GetConfigOption("request.jwt.claims", true, false); });
    return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::string> customer_named(const schema::table_catalog &where, std::string_view given) {
    const std::string_view pass_id = ledger::resolve_pass_id(where, given, pg::access::read_only);
    return ledger::customer_stands(where, pass_id) ? std::optional<std::string>(pass_id) : std::nullopt;
}

// Where several customers have the user id, nobody is meant.
std::optional<std::string> customer_of_user(const schema::table_catalog &where, std::string_view user_id) {
    const std::vector<std::string> found = ledger::customers_of_user(where, pg::parse_uuid(user_id));
    return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

// Claims that name a user, and a setting that names a customer, have to mean the same one.
Datum current_pass_id(FunctionCallInfo fcinfo) {
    const auto user_id = core::subject_of_claims(claims());
    const std::string_view named = pass_id_setting();
    if (!user_id && named.empty())
        return pg::return_null(fcinfo);
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    std::optional<std::string> meant = user_id ? customer_of_user(where, *user_id) : customer_named(where, named);
    if (user_id && !named.empty() && meant != customer_named(where, named))
        meant.reset();
    return meant ? pg::to_datum(*meant).value : pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_current_pass_id, mega::identity::current_pass_id);
