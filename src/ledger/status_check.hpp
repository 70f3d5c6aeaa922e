// What a generation's mode and status may be and become (I9). old_row: null for a new row.
#pragma once

#include "core/record_id.hpp"
#include "ledger/row_check.hpp"

namespace mega::ledger {

// Raises 23514 for a word that is none. What an adopted row says already is left to it.
void check_status_words(const ledger_row *old_row, const ledger_row &row);

// Raises MG005 for another mode, MG007 for a status that moves backwards.
void check_status_move(const ledger_row &old_row, const ledger_row &new_row);

// One status: mg_status says of a generation what mg_mma_status does, unless its writer says more.
void follow_status(const ledger_row *old_row, ledger_row &row, std::optional<core::record_type> type);

} // namespace mega::ledger
