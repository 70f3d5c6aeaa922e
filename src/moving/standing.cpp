// Reads a customer's books as they are found, and words them for a report.
#include "moving/standing.hpp"

#include "core/preferences.hpp"
#include "ledger/json_tree.hpp"

namespace mega::moving {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement look("SELECT c.mg_credits, (SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)::pg_catalog.int8 "
                             "FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
                             "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction'), c.mg_mma_preferences "
                             "FROM ONLY @schema@.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                             pass_id_type);

} // namespace

std::optional<standing> stand(ledger::store &store, pg::row_set &report, const std::string &pass_id, pg::access how) {
    const pg::rows found = store.as_owner(store.where().customers,
                                          [&] { return store.spi().run(look, store.where().schema, how, pass_id); });
    if (found.count() > 1)
        report.add(pass_id, "customer", std::to_string(found.count()) + " rows have this pass id", std::nullopt);
    if (found.count() != 1)
        return std::nullopt;
    return standing{found.int4(0, 0), found.int8(0, 1).value_or(0), found.json(0, 2)};
}

std::string counted(const char *what, std::optional<std::int64_t> number) {
    return what + (number ? std::to_string(*number) : std::string("NULL"));
}

std::string books(std::optional<std::int32_t> balance, std::int64_t ledger_sum) {
    return counted("balance ", balance) + ", " + counted("ledger ", ledger_sum);
}

core::json managed_of(const std::optional<pg::jsonb> &preferences) {
    return preferences && pg::is_object(*preferences)
               ? ledger::members_of(pg::root_of(*preferences), core::managed_keys)
               : core::json::make_object();
}

std::string text_of(const core::json &managed) {
    constexpr std::string_view keys[] = {"hard_blocks", "tag_weights", "source"};
    core::json::members shown;
    for (const std::string_view key : keys)
        if (const core::json *value = managed.find(key))
            shown.emplace_back(std::string(key), *value);
    return text_of(document_of(core::json::make_object(std::move(shown))));
}

std::string text_of(pg::jsonb document) {
    return pg::call([document] {
        return static_cast<const char *>(
            JsonbToCString(nullptr, &document.document->root, static_cast<int>(VARSIZE(document.document))));
    });
}

bool same_document(const core::json &left, const core::json &right) {
    return pg::equal(pg::root_of(document_of(left)), pg::root_of(document_of(right)));
}

} // namespace mega::moving
