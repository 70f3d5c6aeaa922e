// The direct path: rows written without SQL, where a table carries only what mega knows.
#pragma once

#include "schema/tables.hpp"

namespace mega::ledger::direct {

// Whether both tables may be written directly. The one place that decides.
bool possible(const schema::tables &where);

// Why it is not, in words that the tables' owner can act on; '' when it is.
std::string why_not(const schema::tables &where);

void watch_transactions(); // called once, when the library is loaded

} // namespace mega::ledger::direct
