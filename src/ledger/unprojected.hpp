// Rows that are in the ledger while the statement that appended them has not projected them yet. Whatever reads the
// ledger meanwhile (a function in the same statement, a trigger of somebody's) finds them there and folds them in; the
// projection at the statement's end must not add them once more.
//
// Which rows wait is known by a sum over their ids, in constant memory: what the trigger `check` saw and `project` has
// not seen. A row that was seen and never came (ON CONFLICT DO NOTHING, a trigger that dropped it, a subtransaction
// that was rolled back) waits until the client's next command. So the answer "none" is always true, and "some" costs no
// more than a fold that was not needed.
#pragma once

#include "pg/postgres.hpp"

#include <string_view>

namespace mega::ledger::unprojected {

// The ids of some rows.
class row_ids {
public:
    void add(std::string_view mg_id) noexcept;
    void add(row_ids others) noexcept {
        sum_ += others.sum_;
        rows_ += others.rows_;
    }

private:
    friend void expect(row_ids) noexcept;
    friend void arrived(row_ids) noexcept;

    std::uint64_t sum_ = 0;
    std::int64_t rows_ = 0;
};

// Rows are on their way into the ledger through SQL; rows that came this way are about to be projected: those of one
// customer, because the projection of another may have triggers that look at this one.
void expect(row_ids ids) noexcept;
void arrived(row_ids ids) noexcept;

// Whether rows may wait.
bool may_wait() noexcept;

// The customer's events are folded from the ledger. When rows wait, whatever projects events of this customer in this
// command folds them from the ledger, too.
void note_fold(std::string_view pass_id);
bool was_folded(std::string_view pass_id);

// The same for books that were opened: the balance is looked at once more behind the projection.
void note_opening(std::string_view pass_id);
bool was_opened(std::string_view pass_id);

} // namespace mega::ledger::unprojected
