// A customer's books as they are found, and how a report words them.
#pragma once

#include "core/json.hpp"
#include "ledger/json_tree.hpp"
#include "ledger/store.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"
#include "schema/table_catalog.hpp"

namespace mega::moving {

// A customer's row as it stands.
struct standing {
    std::optional<std::int32_t> credits; // an adopted row may have none
    std::int64_t ledger_sum;
    std::optional<pg::jsonb> preferences;
};

// Reads one customer's. std::nullopt when there is none, or more than one: a table without its key, which is reported,
// because nothing can be projected onto two rows.
std::optional<standing> stand(ledger::store &store, pg::row_set &report, const std::string &pass_id, pg::access how);

std::string counted(const char *what, std::optional<std::int64_t> number);
std::string books(std::optional<std::int32_t> balance, std::int64_t ledger_sum);

// The managed keys of a stored snapshot; an empty object when it is none.
core::json managed_of(const std::optional<pg::jsonb> &preferences);

using ledger::document_of;
bool same_document(const core::json &left, const core::json &right);

// What a snapshot shows, as text.
std::string text_of(const core::json &managed);

std::string text_of(pg::jsonb document);

} // namespace mega::moving
