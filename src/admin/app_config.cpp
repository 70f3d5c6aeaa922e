// mega_app_config and mega_app_config_versions; read with the caller's rights and policies.
#include "admin/app_config.hpp"

#include "function_arguments.hpp"
#include "ledger/admin_look.hpp"
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"

namespace mega::admin {

namespace {

constexpr Oid text_type[] = {TEXTOID}, two_texts[] = {TEXTOID, TEXTOID};
// A mark takes a setting out of force; of a version it says nothing.
constinit pg::statement in_force("SELECT a.mg_value FROM ONLY @schema@.mega_admin a WHERE a.mg_id "
                                 "OPERATOR(pg_catalog.=) $1 AND a.mg_record_type OPERATOR(pg_catalog.=) 'app_config' "
                                 "AND a.mg_deleted_at IS NULL",
                                 text_type);
constinit pg::statement
    one_version("SELECT a.mg_value, a.mg_created_at, a.mg_meta OPERATOR(pg_catalog.#>>) '{mega,actor}' FROM ONLY "
                "@schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1 AND a.mg_key OPERATOR(pg_catalog.=) $2 "
                "AND a.mg_record_type OPERATOR(pg_catalog.=) 'app_config'",
                two_texts);
constinit pg::statement there_is("SELECT FROM ONLY @schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1",
                                 text_type);
constinit pg::statement
    ids_of_key("SELECT a.mg_id FROM ONLY @schema@.mega_admin a WHERE a.mg_key OPERATOR(pg_catalog.=) $1 "
               "AND a.mg_record_type OPERATOR(pg_catalog.=) 'app_config'",
               text_type);

bool is_there(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view key, std::int32_t number) {
    return !spi.run(there_is, where.schema, pg::access::read_write, mg_id_of_version(key, number)).empty();
}

} // namespace

std::string read_key(std::optional<std::string_view> given) {
    constexpr std::size_t room = core::max_id_bytes - std::string_view(".v2147483647").size();
    std::string key = read_id(core::record_type::app_config, "key", given, room);
    if (core::looks_like_version(key))
        throw pg::sql_error{ledger::bad_argument, "key looks like a version of another key", "key=" + pg::quoted(key),
                            "A key must not end in .v and a number; the version is an argument of its own."};
    return key;
}

std::vector<std::int32_t> versions_of(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view key,
                                      pg::access access) {
    const pg::rows found = spi.run(ids_of_key, where.schema, access, key);
    std::vector<std::int32_t> versions;
    for (std::uint64_t i = 0; i < found.count(); ++i) {
        const auto rest = core::rest_of(core::record_type::app_config, found.text(i, 0).value_or(""));
        if (const auto version = rest ? core::app_config_version(*rest, key) : std::nullopt)
            versions.push_back(*version);
    }
    std::ranges::sort(versions, std::greater{});
    return versions;
}

std::optional<std::int32_t> free_version(pg::spi_connection &spi, const schema::table_catalog &where,
                                         std::string_view key, std::int32_t behind) {
    for (std::int32_t number = behind; number < PG_INT32_MAX;)
        if (!is_there(spi, where, key, ++number))
            return number;
    return std::nullopt;
}

version_numbers numbers_of(pg::spi_connection &spi, const schema::table_catalog &where, std::string_view key,
                           std::optional<std::int32_t> expected) {
    if (expected && *expected > 0 && *expected < PG_INT32_MAX && is_there(spi, where, key, *expected) &&
        !is_there(spi, where, key, *expected + 1))
        return {*expected, *expected + 1};
    const std::vector<std::int32_t> versions = versions_of(spi, where, key, pg::access::read_write);
    const std::int32_t newest = versions.empty() ? 0 : versions.front();
    return {newest, free_version(spi, where, key, newest)};
}

namespace {

std::optional<pg::jsonb> value_in_force(pg::spi_connection &spi, const schema::table_catalog &where,
                                        const std::string &key) {
    constexpr schema::admin value[] = {schema::admin::mg_value};
    pg::nullable_datum found[1];
    const ledger::admin_look look{core::record_type::app_config, value, in_force};
    if (!ledger::look_at_admin_row(spi, where, look, mg_id_of_setting(key), found) || found[0].is_null)
        return std::nullopt;
    return pg::jsonb_of(found[0].value);
}

// A setting that was there before there were versions counts as the first one.
std::optional<pg::jsonb> read(pg::spi_connection &spi, const schema::table_catalog &where, const std::string &key,
                              std::optional<std::int32_t> version) {
    constexpr auto access = pg::access::read_only;
    if (!version)
        return value_in_force(spi, where, key);
    const pg::rows found = spi.run(one_version, where.schema, access, mg_id_of_version(key, *version), key);
    if (!found.empty())
        return found.json(0, 0);
    if (*version != 1 || !versions_of(spi, where, key, access).empty())
        return std::nullopt;
    return value_in_force(spi, where, key);
}

Datum app_config(FunctionCallInfo fcinfo) {
    using in = arguments::app_config;
    const pg::arguments given(fcinfo);
    const std::string key = read_key(given.text(in::key));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    pg::spi_connection spi;
    const auto value = read(spi, where, key, given.int4(in::version));
    if (!value) {
        spi.finish();
        return pg::return_null(fcinfo);
    }
    const pg::jsonb kept = spi.copy_out(*value);
    spi.finish();
    return pg::to_datum(kept).value;
}

Datum app_config_versions(FunctionCallInfo fcinfo) {
    using in = arguments::app_config_versions;
    const pg::arguments given(fcinfo);
    const std::string key = read_key(given.text(in::key));
    const auto size = static_cast<std::size_t>(ledger::read_page_size(given.int4(in::page_size)));
    const auto cursor = ledger::read_cursor(given.text(in::page_cursor));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const std::vector<std::int32_t> all = versions_of(spi, where, key, pg::access::read_only);
    const auto begin =
        cursor ? std::ranges::find_if(all, [&](std::int32_t n) { return n < cursor->version; }) : all.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(size, static_cast<std::size_t>(all.end() - begin)));
    std::optional<std::string> next;
    if (end != all.end())
        next = ledger::write_cursor({std::nullopt, mg_id_of_version(key, end[-1]), 0, end[-1]});
    for (auto at = begin; at != end; ++at) {
        pg::check_for_interrupts();
        const pg::rows found =
            spi.run(one_version, where.schema, pg::access::read_only, mg_id_of_version(key, *at), key);
        if (!found.empty())
            result.add(*at, found.column(0, 0), found.column(0, 1), found.column(0, 2), next);
    }
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_app_config, mega::admin::app_config);
PG_ENTRY(mega_app_config_versions, mega::admin::app_config_versions);
