// A legacy row as a row of the ledger, and as it is held against the one that is there.
#pragma once

#include "moving/import_batch.hpp"

namespace mega::moving {

ledger::new_row new_row_of(const legacy_row &row, const mapped<schema::ledger> &made, const std::string &pass_id);

// Counts a row that was written, and what was mended of it.
void note_ledger_row(batch &into, const legacy_row &row, const mapped<schema::ledger> &made, std::string_view pass_id,
                     bool by_session);

// A row that is there as an import left it and is another one in legacy by now: where it may change and did not change
// in mega, it becomes what legacy says; else the columns that differ are listed. owner: of whom legacy says that it is;
// std::nullopt where it names nobody. may_bring: not for facts.
void compare_ledger_row(batch &into, const legacy_row &row, const mapped<schema::ledger> &made, const std::string &id,
                        std::optional<std::string_view> owner, bool may_bring);

} // namespace mega::moving
