// Checks a generation's mode, status and outcome (I9).
#include "ledger/status_check.hpp"

#include "core/status.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/words.hpp"

namespace mega::ledger {

using column = schema::ledger;

void check_status_words(const ledger_row *old_row, const ledger_row &row) {
    const auto changed = [&](column c) { return old_row == nullptr || !old_row->same(row, c); };
    const auto mode = row.text(column::mg_mma_mode);
    if (mode && changed(column::mg_mma_mode) && !is_mode(*mode))
        throw pg::sql_error{bad_column, "mg_mma_mode is not a mode", "mg_mma_mode=" + pg::quoted(*mode), use_modes()};
    const auto status = row.text(column::mg_mma_status);
    if (status && changed(column::mg_mma_status) && !is_status(*status))
        throw pg::sql_error{bad_column, "mg_mma_status is not a status", "mg_mma_status=" + pg::quoted(*status),
                            use_statuses()};
}

void check_status_move(const ledger_row &old_row, const ledger_row &new_row) {
    if (!old_row.same(new_row, column::mg_mma_mode) && !old_row.is_null(column::mg_mma_mode))
        throw pg::sql_error{"MG005", "mg_mma_mode is set once", which(old_row), "Append a new generation."};
    if (old_row.same(new_row, column::mg_mma_status))
        return;
    const auto from = old_row.text(column::mg_mma_status);
    const auto to = new_row.text(column::mg_mma_status);
    if (!to || !may_move(from, *to, !new_row.is_null(column::mg_output_url)))
        throw pg::sql_error{
            "MG007",
            "mg_mma_status cannot move" +
                to_readers({column::mg_mma_status}, " from " + pg::quoted(from.value_or(""))) + " to " +
                (to ? pg::quoted(*to) : "NULL"),
            which(old_row),
            "It moves forward only: queued, scanning, prompting, generating, postscan, done; error from "
            "any but done."};
}

void follow_status(const ledger_row *old_row, ledger_row &row, std::optional<core::record_type> type) {
    if (type != core::record_type::generation)
        return;
    const auto word = row.text(column::mg_mma_status);
    const auto said = word ? outcome_of(*word) : std::nullopt;
    const auto stored = row.text(column::mg_status);
    if (!said || (stored && (old_row == nullptr || !core::is_outcome(*stored))))
        return;
    if (old_row != nullptr && (old_row->same(row, column::mg_mma_status) || !old_row->same(row, column::mg_status)))
        return;
    if (stored != said)
        row.set(column::mg_status, *said);
}

} // namespace mega::ledger
