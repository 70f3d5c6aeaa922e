// What mega notes of lots (I15) in its own key: of a customer the open ones, of a credit row its end, what it drew and
// gave back, which gap was paid, and how much of it has ended.
#pragma once

#include "core/lots.hpp"
#include "ledger/customer.hpp"
#include "pg/jsonb.hpp"
#include "pg/spi.hpp"

namespace mega::ledger {

class store;

inline constexpr std::string_view lots_key = "lots", cover_key = "cover";

// Reads them from a customer's mg_meta. What nobody but mega can have written is none when it is not as mega writes it:
// mega_reconcile_lots tells, and mega_open_books makes it anew.
core::open_lots open_lots_of(pg::jsonb meta);

// Whether these lots are what it says, in a form that is read: what is not reads as none.
bool says_open_lots(pg::jsonb meta, const core::open_lots &lots);

// Notes in a customer what his mg_meta says; a copy of the document, because lots are written into it.
void note_meta(locked_customer &customer, pg::nullable_datum meta);

// The document; an empty object when there is none. It lives as long as the customer.
pg::jsonb meta_of(const locked_customer &customer);

// What he has, as the rules of lots see it: who is locked, and a row that a reader found, with mg_credits,
// mg_expires_at and mg_meta from the column `first` on.
core::holdings holdings_of(const locked_customer &customer);
core::holdings holdings_in(const pg::rows &found, std::uint64_t row, int first);

// A customer's mg_meta with these lots in it.
pg::jsonb with_open_lots(pg::jsonb meta, const core::open_lots &lots);

// The mg_meta of a customer with the lots that he has now; std::nullopt when these stood there before.
std::optional<pg::jsonb> meta_behind(const locked_customer &before, const locked_customer &after);

// Writes the lots of a customer who is locked, and nothing else.
void write_lots(store &store, locked_customer &customer, shared_lots lots);

// The same whatever stands there, be it nothing that is read as lots.
void rewrite_lots(store &store, locked_customer &customer, const core::open_lots &lots);

// An array of [name, left, ends].
pg::jsonb lots_document(const core::open_lots &lots);

// What a row that is to be appended says.
struct row_lots {
    std::optional<std::int64_t> ends; // it is a lot
    core::lot_changes lots, cover;

    bool any() const { return ends || !lots.empty() || !cover.empty(); }
};

// The application's document of a row with that in mega's own key, beside what else that notes.
pg::jsonb with_row_lots(pg::jsonb meta, std::optional<pg::jsonb> own, const row_lots &what);

// Whether mega's own key of a row says any of that.
bool says_of_lots(JsonbContainer *own);

// What a row's mg_meta says of lots. name: the row's, without what is before it.
core::lot_facts lot_facts_of(std::string name, std::int64_t delta, std::optional<pg::jsonb> meta);

// How much of a lot has ended; std::nullopt while its end is not settled.
std::optional<std::int64_t> ended_of(pg::jsonb meta);

// Marks a lot whose end is settled, and by how many credits; false when it had its mark. Locks its row. place: where
// that was seen last; a hint.
bool mark_ended(store &store, std::string_view name, std::int64_t credits, ItemPointerData place = {});

} // namespace mega::ledger
