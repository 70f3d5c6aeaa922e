// Status changes for those who wait for them (mega.notify).
#pragma once

#include "ledger/record_check.hpp"

namespace mega::ledger {

// Sends the status of a generation to channel mega_generation as JSON, delivered when the transaction commits. Does
// nothing for other rows, without a status, or when mega.notify is off.
void notify_status(const ledger_record &row);

} // namespace mega::ledger
