// What is left of a row when its customer is erased: credits, counts, dates, ids, references, codes and what a fold
// needs stay, whatever somebody wrote goes. The triggers make it of the rows that an erasure touches.
#pragma once

#include "ledger/row_check.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

// Whose rows are being erased, for the length of a scope: pushed by mega_erase_customer alone. What it points to must
// outlive it.
class erasure {
public:
    explicit erasure(std::span<const std::string> pass_ids) noexcept;
    ~erasure();
    erasure(const erasure &) = delete;
    erasure &operator=(const erasure &) = delete;

    // The erasure under way in this subtransaction, asked for by a trigger of its own statement; null when there is
    // none.
    static const erasure *under_way() noexcept;

    bool is_of(std::string_view pass_id) const noexcept;

    // Rows in which the trigger found nothing to erase.
    void leave_alone() const noexcept { ++left_alone_; }
    std::int64_t left_alone() const noexcept { return left_alone_; }

    std::span<const std::string> pass_ids() const noexcept { return pass_ids_; }

private:
    std::span<const std::string> pass_ids_;
    SubTransactionId subtransaction_;
    int depth_; // of triggers
    mutable std::int64_t left_alone_ = 0;
    erasure *below_;
};

// The changed row of an update that an erasure makes: of its customer, without what somebody wrote; of another one,
// without the pass ids in mg_meta. May be asked twice.
void erase_row(const erasure &what, const ledger_row &old_row, ledger_row &new_row);

// Whether that is among what it changes of the row.
bool erases(const erasure &what, const ledger_row &old_row, schema::ledger column);

// Of the payload in an event's mg_meta what the fold reads; nothing of one that says nothing intelligible.
pg::jsonb payload_left(pg::jsonb event_meta);

// Whether this mg_meta is of a generation whose customer was erased.
bool is_marked_erased(const std::optional<pg::jsonb> &meta);

// Whether a row has what an erasure takes away, and whether a change of one writes it.
bool has_text(const ledger_row &row);
bool writes_text(const ledger_row &old_row, const ledger_row &new_row);

using admin_row_seen = schema::named_row<schema::admin>;

// The same of mega_admin: a row about the customer, or an audit of others that names it. False when it does not.
bool erase_admin_row(const erasure &what, const admin_row_seen &old_row, admin_row_seen &new_row);
bool erases(schema::admin column);

// By what an erased customer's row knows a pass id that one of the person's legacy keys would make: SHA-256, in
// hexadecimal digits.
std::string digest_of_erased(std::string_view pass_id);

// A document in which no string has one of the pass ids that are erased.
pg::jsonb without_mentions(const erasure &what, pg::jsonb document);

} // namespace mega::ledger
