// What a generation's mode and status may be and become (I9). old_row: null for a new row.
#pragma once

#include "core/record_id.hpp"
#include "ledger/record_check.hpp"

namespace mega::ledger {

// Raises 23514 for a word that is none. What an adopted row says already is left to it.
void check_status_words(const ledger_record *old_row, const ledger_record &row);

// Raises MG005 for another mode, MG007 for a status that moves backwards.
void check_status_move(const ledger_record &old_row, const ledger_record &new_row);

// One status: mg_status says of a generation what mg_mma_status does, unless its writer says more.
void follow_status(const ledger_record *old_row, ledger_record &row, std::optional<core::record_type> type);

} // namespace mega::ledger
