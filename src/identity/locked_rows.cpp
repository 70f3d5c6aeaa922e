// Locks customers FOR UPDATE together, and reads what is noted of merges.
#include "identity/locked_rows.hpp"

#include "ledger/own_key.hpp"

namespace mega::identity {

namespace {

constexpr Oid ids_type[] = {TEXTARRAYOID};
constinit pg::statement lock_rows("SELECT c.mg_pass_id, c.mg_meta FROM ONLY @schema@.mega_customers c "
                                  "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) ANY ($1) "
                                  "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\" FOR UPDATE",
                                  ids_type);

} // namespace

std::map<std::string, std::optional<pg::jsonb>, std::less<>> lock_customers(ledger::store &store,
                                                                            const std::set<std::string> &pass_ids) {
    const pg::rows found =
        store.run(store.where().customers, lock_rows, std::vector<std::string>(pass_ids.begin(), pass_ids.end()));
    std::map<std::string, std::optional<pg::jsonb>, std::less<>> rows;
    for (std::uint64_t i = 0; i < found.count(); ++i)
        rows.emplace(found.text(i, 0).value_or(""), found.json(i, 1));
    return rows;
}

std::vector<std::string> sources_in(const std::optional<pg::jsonb> &meta) {
    std::vector<std::string> sources;
    const auto listed = meta ? ledger::own_member(*meta, "sources") : std::nullopt;
    if (listed && listed->is_array())
        pg::for_each_element(listed->container(), [&](const pg::json_value &one) {
            if (one.is_string())
                sources.emplace_back(one.string());
        });
    return sources;
}

std::optional<std::string> target_in(const std::optional<pg::jsonb> &meta) {
    const auto into = meta ? ledger::own_member(*meta, "merged_into") : std::nullopt;
    return into && into->is_string() ? std::optional(std::string(into->string())) : std::nullopt;
}

} // namespace mega::identity
