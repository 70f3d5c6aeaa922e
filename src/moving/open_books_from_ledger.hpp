#pragma once

#include "moving/standing.hpp"

namespace mega::moving {

// Sets a customer's balance and snapshot to what the ledger says, with an audit row, and reports what it set; a dry run
// only reports. Locks the customer. For what was damaged behind the triggers' back.
void set_from_ledger(ledger::store &store, pg::row_set &report, const std::string &pass_id, bool dry_run);

} // namespace mega::moving
