// DELETEs of ledger rows that an application's foreign key ON DELETE CASCADE brings.
#pragma once

#include "pg/trigger.hpp"

namespace mega::ledger {

// BEFORE DELETE, by row: the name of such a key by which the row names what is not there any more; '' for none. Looks
// for what it names as foreign keys do, as the owner of that table.
std::string key_without_other_end(const pg::trigger_call &call);

} // namespace mega::ledger
