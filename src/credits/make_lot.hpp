// What has no lot becomes one.
#pragma once

#include "credits/posting.hpp"

namespace mega::credits {

// Under the lock of a customer whose ends are settled: the rows `lot:<lot_id>:out` and `:in`. Returns the id of the
// lot; std::nullopt when the first one's key is taken. Raises 54000, save for a merge, which lots never stop.
std::optional<std::string> make_lot(ledger::store &store, ledger::locked_customer &customer, std::string_view lot_id,
                                    std::int32_t amount, pg::timestamp ends, bool of_merge = false);

} // namespace mega::credits
