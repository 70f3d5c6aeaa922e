// The direct path: rows written without SQL, where a table carries only what mega knows.
#pragma once

#include "schema/table_catalog.hpp"

namespace mega::ledger::direct {

// Whether both tables may be written directly. The one place that decides.
bool possible(const schema::table_catalog &where);

// Why it is not, in words that the tables' owner can act on; '' when it is.
std::string why_not(const schema::table_catalog &where);

void watch_transactions(); // called once, when the library is loaded

} // namespace mega::ledger::direct
