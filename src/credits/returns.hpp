// Where credits that go back were taken from.
#pragma once

#include "credits/posting.hpp"

namespace mega::credits {

// A hold that nobody has settled: what its row took is all.
core::taken taken_by_hold(ledger::store &store, const credit_row &hold);

// A posting and its family, which is the rows of a hold and what settled it or the one row, less what refunds gave
// back. of: its txn_id, as refunds name it. restored: what this refund restores of a revoke counts as not revoked.
core::taken taken_by(ledger::store &store, std::span<const credit_row> family, std::string_view of,
                     std::int64_t restored);

// What mega noted of a grant: what was taken back of it and not restored, and how much of it has ended.
std::int64_t revoked_of(ledger::store &store, std::string_view txn_id);

} // namespace mega::credits
