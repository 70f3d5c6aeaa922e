// Changes for those who wait for them (mega.notify).
#pragma once

#include "ledger/row_check.hpp"

namespace mega::ledger {

// Sends the status of a generation to channel mega_generation as JSON, delivered when the transaction commits. Does
// nothing for other rows, without a status, or when mega.notify is off.
void notify_status(const ledger_row &row);

// Sends how many scan lines a generation has to the same channel, beside its status.
void notify_scan_lines(std::string_view generation_id, std::optional<std::string_view> pass_id,
                       std::optional<std::string_view> status, std::int32_t lines);

// Sends a setting that was made or changed, before (null when it was made) and after: of the application's settings key
// and version to channel mega_app_config, of the runtime's the id to mega_runtime_config. Nothing for other rows, for
// versions, or when mega.notify is off.
void notify_setting_changed(const schema::named_row<schema::admin> *old_row,
                            const schema::named_row<schema::admin> &row);

} // namespace mega::ledger
