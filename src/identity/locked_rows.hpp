// Rows of customers that are locked together: FOR UPDATE, so that nothing is appended to them meanwhile, in byte order
// of pass id.
#pragma once

#include "ledger/store.hpp"
#include "pg/jsonb.hpp"

#include <set>

namespace mega::identity {

// Locks customers and returns their mg_meta as it stands behind the locks, std::nullopt for NULL. One that does not
// exist is not among them. What is returned lives as long as the call.
std::map<std::string, std::optional<pg::jsonb>, std::less<>> lock_customers(ledger::store &store,
                                                                            const std::set<std::string> &pass_ids);

// Who was merged into the customer with this mg_meta, and into whom it was merged itself.
std::vector<std::string> sources_in(const std::optional<pg::jsonb> &meta);
std::optional<std::string> target_in(const std::optional<pg::jsonb> &meta);

} // namespace mega::identity
