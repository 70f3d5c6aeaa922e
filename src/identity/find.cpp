// mega_find_customers: for support, by what somebody has at hand of a customer; read with the caller's rights and
// policies. A customer that was merged is found as the one that goes on.
#include "core/pass_id.hpp"
#include "core/text_rule.hpp"
#include "function_arguments.hpp"
#include "ledger/checked.hpp"
#include "ledger/page.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/names.hpp"
#include "schema/rules.hpp"

namespace mega::identity {

namespace {

constexpr int fewest_letters = 3;

[[noreturn]] void refuse_short(std::string_view search) {
    throw pg::sql_error{ledger::bad_argument, "search has fewer than three letters", "search=" + pg::quoted(search),
                        "Give a whole pass id, Shopify id or user id, or the beginning of an e-mail address or of a "
                        "name."};
}

// With fewer letters it can be a whole id only. What parts words is no letter; two of Chinese, Japanese or Korean,
// which take three bytes each, can be a whole name.
bool is_short(std::string_view search) {
    const auto spaces = static_cast<int>(std::ranges::count(search, ' '));
    const auto bytes = static_cast<int>(search.size());
    const int letters = pg::call([search, bytes] { return pg_mbstrlen_with_len(search.data(), bytes); }) - spaces;
    return letters < fewest_letters && bytes - spaces < 2 * 3;
}

std::string_view read_search(std::optional<std::string_view> given) {
    const std::string_view search = core::trim_spaces(ledger::require("search", given));
    if (search.empty())
        refuse_short(search);
    ledger::check_text("search", search, ledger::bad_argument);
    return search;
}

std::string escaped(std::string_view text, std::string_view special, char escape) {
    std::string result;
    for (const char c : text) {
        if (special.find(c) != std::string_view::npos)
            result += escape == '\0' ? c : escape;
        result += c;
    }
    return result;
}

// Each word of the search is the beginning of a word of a name.
std::string lexemes_of(std::string_view search) {
    std::string all;
    while (!search.empty()) {
        const std::size_t end = std::min(search.find(' '), search.size());
        if (end > 0) {
            const std::string word = escaped(escaped(search.substr(0, end), "\\", '\\'), "'", '\0');
            all += (all.empty() ? "'" : " & '") + word + "':*";
        }
        search.remove_prefix(std::min(end + 1, search.size()));
    }
    return all;
}

// With what is looked for in the text, so that each part has its index.
std::string text_of_search(const schema::table_catalog &where, std::string_view search, std::string_view behind,
                           std::int64_t most) {
    const auto literal = [](std::string_view text) { return schema::sql_literal(text); };
    const std::string table = "FROM ONLY " + pg::with_schema_name("@schema@.mega_customers", where.schema);
    const std::string_view pass_id = ledger::resolve_pass_id(where, search, pg::access::read_only);
    const std::string_view shopify_id = core::plain_shopify_id(search);
    const std::string pattern = escaped(search, "\\%_", '\\') + '%';
    // In the array a collation is no longer one that was asked for, and the default one gives way to the column's.
    std::string found = "SELECT coalesce(m.mg_meta OPERATOR(pg_catalog.#>>) '{mega,merged_into}', m.mg_pass_id) "
                        "COLLATE pg_catalog.\"default\" AS pass_id " +
                        table + " m WHERE m.mg_pass_id OPERATOR(pg_catalog.=) " + literal(pass_id);
    if (!is_short(search))
        found += " OR (m.mg_email IS NOT NULL AND pg_catalog.lower(m.mg_email) COLLATE pg_catalog.\"C\" "
                 "OPERATOR(pg_catalog.~~) pg_catalog.lower(" +
                 literal(pattern) +
                 ")) OR (" MEGA_HAS_A_NAME " AND " MEGA_WORDS_OF_NAMES " OPERATOR(pg_catalog.@@) pg_catalog.lower(" +
                 literal(lexemes_of(search)) + ")::pg_catalog.tsquery)";
    if (!shopify_id.empty())
        found += " OR m.mg_shopify_customer_id OPERATOR(pg_catalog.=) " + literal(shopify_id);
    if (core::is_uuid(search))
        found += " OR m.mg_user_id OPERATOR(pg_catalog.=) " + literal(search) + "::pg_catalog.uuid";
    return "SELECT c.mg_pass_id, c.mg_email, c.mg_display_name, c.mg_shopify_customer_id, c.mg_user_id, c.mg_credits, "
           "c.mg_last_active, CASE WHEN c.mg_deleted_at IS NOT NULL THEN 'deleted' WHEN c.mg_disabled THEN 'disabled' "
           "ELSE 'active' END " +
           table + " c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) ANY (ARRAY(" + found +
           ")) AND c.mg_pass_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>) " + literal(behind) +
           " ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" LIMIT " + std::to_string(most);
}

Datum find_customers(FunctionCallInfo fcinfo) {
    using in = arguments::find_customers;
    const pg::arguments given(fcinfo);
    const std::string_view search = read_search(given.text(in::search));
    const auto size = static_cast<std::uint64_t>(ledger::read_page_size(given.int4(in::page_size)));
    const auto cursor = ledger::read_cursor(given.text(in::page_cursor));
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    const std::string text =
        text_of_search(where, search, cursor ? cursor->mg_id.value_or("") : "", static_cast<std::int64_t>(size) + 1);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    const pg::rows found = spi.run_text(text, pg::access::read_only);
    if (found.count() == 0 && !cursor && is_short(search))
        refuse_short(search);
    const std::uint64_t shown = std::min(found.count(), size);
    std::optional<std::string> next_cursor;
    if (found.count() > shown)
        next_cursor = ledger::write_cursor({std::nullopt, std::string(*found.text(shown - 1, 0)), 0, 0});
    for (std::uint64_t i = 0; i < shown; ++i)
        result.add(found.column(i, 0), found.column(i, 1), found.column(i, 2), found.column(i, 3), found.column(i, 4),
                   found.column(i, 5), found.column(i, 6), found.column(i, 7), next_cursor);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_find_customers, mega::identity::find_customers);
