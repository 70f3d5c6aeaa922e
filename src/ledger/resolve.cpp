// Finds the customer that a given pass id means.
#include "ledger/resolve.hpp"

#include "core/pass_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/parent_check.hpp"

namespace mega::ledger {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement select_customer("SELECT FROM ONLY @schema@.mega_customers c "
                                        "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                        pass_id_type);

bool is_there(const schema::table_catalog &where, std::string_view pass_id, pg::access access) {
    if (access == pg::access::read_write)
        return customer_exists(where, pass_id);
    pg::spi_connection spi;
    const pg::as_role owner(where.customers.owner);
    const bool exists = !spi.run(select_customer, where.schema, access, pass_id).empty();
    spi.finish();
    return exists;
}

} // namespace

std::string_view resolve_pass_id(const schema::table_catalog &where, std::string_view given, pg::access access) {
    const auto canonical = core::canonical_pass_id(given);
    if (!canonical || is_there(where, given, access))
        return given;
    return pg::text_of(pg::to_datum(*canonical).value);
}

std::optional<std::string_view> resolve_optional(const schema::table_catalog &where,
                                                 std::optional<std::string_view> given, pg::access access) {
    return given ? std::optional(resolve_pass_id(where, *given, access)) : std::nullopt;
}

void require_visible_customer(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id) {
    if (spi.run(select_customer, where.schema, pg::access::read_only, pass_id).empty())
        throw_unknown_customer(pass_id);
}

bool means_customer(const schema::table_catalog &where, std::string_view given, std::string_view stored) {
    return given == stored || resolve_pass_id(where, given) == stored;
}

} // namespace mega::ledger
