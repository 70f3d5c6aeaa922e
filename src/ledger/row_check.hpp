// What a ledger row must be when it is appended, and what of it may change later (I5 to I10).
#pragma once

#include "ledger/in_flight.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

using ledger_row = schema::named_row<schema::ledger>;

// The columns of sessions and generations that may change behind the append, mg_updated_at apart.
inline constexpr schema::ledger changeable_columns[] = {
    schema::ledger::mg_title,         schema::ledger::mg_platform,       schema::ledger::mg_type,
    schema::ledger::mg_prompt,        schema::ledger::mg_output_url,     schema::ledger::mg_output_key,
    schema::ledger::mg_provider,      schema::ledger::mg_model,          schema::ledger::mg_latency_ms,
    schema::ledger::mg_input_chars,   schema::ledger::mg_output_chars,   schema::ledger::mg_input_tokens,
    schema::ledger::mg_output_tokens, schema::ledger::mg_content_type,   schema::ledger::mg_status,
    schema::ledger::mg_error,         schema::ledger::mg_client_version, schema::ledger::mg_os,
    schema::ledger::mg_browser,       schema::ledger::mg_device,         schema::ledger::mg_meta,
    schema::ledger::mg_payload,       schema::ledger::mg_mma_mode,       schema::ledger::mg_mma_status,
    schema::ledger::mg_mma_vars,      schema::ledger::mg_deleted_at};

// A new row: fills what its id tells and what was left NULL, cuts secrets out of its payload and what is not its own to
// write out of its mg_meta, and raises 23514 or MG008 when a rule is broken.
void check_new_row(const schema::table_catalog &where, ledger_row &row, in_flight::moment when);

// A changed row: raises MG005 when a fact changed, MG007 when the status moved backwards, 23514 or MG008 when a new
// value breaks a rule; keeps columns that may not be NULL, and mega's own key in mg_meta.
void check_changed_row(const ledger_row &old_row, ledger_row &new_row, in_flight::moment when);

// Without its key an adopted table may have a row without an id.
inline std::string_view id_of(const ledger_row &row) { return row.text(schema::ledger::mg_id).value_or(""); }

// Raises 23514.
[[noreturn]] void refuse(const std::string &message, const std::string &detail, const std::string &hint = {});

// Whether rows come from where they were right, in a restore or by replication.
bool is_copied();

// Which stored row an update met, for readers: a role may update rows that it may not read.
std::string which(const ledger_row &row);

} // namespace mega::ledger
