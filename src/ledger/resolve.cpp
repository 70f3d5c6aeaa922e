// Finds the customer that a given pass id means.
#include "ledger/resolve.hpp"

#include "core/pass_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/merged.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement select_customer("SELECT FROM ONLY @schema@.mega_customers c "
                                        "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                        pass_id_type);

constexpr Oid user_id_type[] = {UUIDOID};
constinit pg::statement select_by_user("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c "
                                       "WHERE c.mg_user_id OPERATOR(pg_catalog.=) $1",
                                       user_id_type);

constinit pg::statement select_sources("SELECT c.mg_meta OPERATOR(pg_catalog.#>) '{mega,sources}' "
                                       "FROM ONLY @schema@.mega_customers c "
                                       "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                       pass_id_type);

// Who goes on for the customer of exactly this pass id; std::nullopt when there is none.
std::optional<std::string> meant_by(const schema::table_catalog &where, std::string_view pass_id, pg::access access) {
    std::optional<meant_customer> meant;
    if (access == pg::access::read_write) {
        pg::spi_connection spi;
        meant = customer_meant(*open_store(spi, where), pass_id);
        spi.finish();
    } else {
        meant = customer_meant_by_caller(where, pass_id);
    }
    return meant ? std::optional(std::move(meant->pass_id)) : std::nullopt;
}

std::string_view kept(const std::string &text) { return pg::text_of(pg::to_datum(text).value); }

} // namespace

std::string_view resolve_pass_id(const schema::table_catalog &where, std::string_view given, pg::access access) {
    auto meant = meant_by(where, given, access);
    if (meant)
        return *meant == given ? given : kept(*meant);
    const auto canonical = core::canonical_pass_id(given);
    if (!canonical)
        return given;
    meant = meant_by(where, *canonical, access);
    return kept(meant ? *meant : *canonical);
}

std::string_view spell_pass_id(const schema::table_catalog &where, std::string_view given, pg::access access) {
    const auto canonical = core::canonical_pass_id(given);
    return !canonical || meant_by(where, given, access) ? given : kept(*canonical);
}

std::optional<std::string_view> resolve_optional(const schema::table_catalog &where,
                                                 std::optional<std::string_view> given, pg::access access) {
    return given ? std::optional(resolve_pass_id(where, *given, access)) : std::nullopt;
}

std::vector<std::string> pass_ids_meant(const schema::table_catalog &where, std::string_view pass_id) {
    pg::spi_connection spi;
    std::vector<std::string> all;
    {
        const pg::as_role owner(where.customers.owner);
        const pg::rows found = spi.run(select_sources, where.schema, pg::access::read_only, pass_id);
        const auto sources = found.empty() ? std::nullopt : found.json(0, 0);
        if (sources && pg::is_array(*sources))
            pg::for_each_element(pg::root_of(*sources), [&](const pg::json_value &one) {
                if (one.is_string())
                    all.emplace_back(one.string());
            });
    }
    spi.finish();
    all.emplace_back(pass_id);
    return all;
}

std::vector<std::string> customers_of_user(const schema::table_catalog &where, const pg::uuid &user_id) {
    std::vector<std::string> roots;
    {
        pg::spi_connection spi;
        {
            const pg::as_role owner(where.customers.owner);
            const pg::rows found = spi.run(select_by_user, where.schema, pg::access::read_only, user_id);
            for (std::uint64_t i = 0; i < found.count(); ++i)
                roots.emplace_back(found.text(i, 0).value_or(""));
        }
        spi.finish();
    }
    for (std::string &one : roots)
        one = resolve_pass_id(where, one, pg::access::read_only);
    std::ranges::sort(roots);
    roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
    return roots;
}

bool customer_stands(const schema::table_catalog &where, std::string_view pass_id) {
    pg::spi_connection spi;
    bool stands = false;
    {
        const pg::as_role owner(where.customers.owner);
        stands = !spi.run(select_customer, where.schema, pg::access::read_only, pass_id).empty();
    }
    spi.finish();
    return stands;
}

void require_visible_customer(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view pass_id,
                              std::string_view given) {
    if (spi.run(select_customer, where.schema, pg::access::read_only, pass_id).empty())
        throw_unknown_customer(given);
}

bool means_customer(const schema::table_catalog &where, std::string_view given, std::string_view other) {
    return given == other || resolve_pass_id(where, given) == resolve_pass_id(where, other);
}

} // namespace mega::ledger
