// How a row names its generation, and what a step has to have (I6, I7).
#pragma once

#include "core/record_id.hpp"
#include "ledger/row_check.hpp"

namespace mega::ledger {

// Fills a column that repeats a part of the row's id; raises 23514 where it says something else.
void agree(ledger_row &row, schema::ledger column, std::string_view from_id);

// Whoever names a generation may do so by its bare id or by its mg_id. Stored is the bare one in mg_generation_id, the
// other in a generation's mg_parent_id.
void name_generation(ledger_row &row, std::optional<core::record_type> type);

// A new generation, a new step: raise 23514.
void check_generation(ledger_row &row);
void check_step(ledger_row &row);

// What providers say is stored without the secrets of its URLs (I10): mg_payload, where a step keeps its input and
// output, and mg_error. old_row: null for a new row. Raises MG008 as payload_to_store does.
void store_texts(const ledger_row *old_row, ledger_row &row);

} // namespace mega::ledger
