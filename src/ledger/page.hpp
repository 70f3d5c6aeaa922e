// Pages of a customer's rows, newest first: a cursor says where the last page ended.
#pragma once

#include "pg/result.hpp"

namespace mega::ledger {

inline constexpr std::int32_t default_page_size = 50;
inline constexpr std::int32_t largest_page = 1000;

// NULL counts as 50; raises 22023 for anything that is not between 1 and 1000.
std::int32_t read_page_size(std::optional<std::int32_t> given);

// Behind the row at (created_at, mg_id). Adopted tables have rows without a time, which come first, and at each time
// rows without an id, which come first there. place: where that row is stored, when another one stands at the same
// position. A page may note numbers of its own beside it.
struct page_cursor {
    std::optional<pg::timestamp> created_at;
    std::optional<std::string> mg_id;
    std::int64_t balance = 0; // of a credit statement: the balance behind that row
    std::int64_t version = 0; // of a credit statement: when the customer had last changed
    std::optional<ItemPointerData> place = std::nullopt;

    // As it is bound to a statement: behind every place when there is none.
    ItemPointerData place_or_end() const;
};

// The position behind the rows shown of those that were found, which are more. The columns of time, id and place.
page_cursor cursor_behind(const pg::rows &found, std::uint64_t shown, int created_at, int mg_id, int place);

// The statements of a list: its first page, and those behind a position with and without a time.
struct pages {
    pg::statement first, next, undated;

    pg::statement &behind(const std::optional<page_cursor> &cursor) {
        return !cursor ? first : cursor->created_at ? next : undated;
    }
};

// The order of rows g of a table, and what is behind a position in it, whose time, id and place are the parameters. Of
// a keyed table; and of one in which several rows may stand at one position: only there a row's place is read, for
// which a role needs SELECT on the whole table.
#define MEGA_KEYED_ORDER "ORDER BY g.mg_created_at DESC, g.mg_id COLLATE pg_catalog.\"C\" DESC LIMIT 1001"
#define MEGA_KEYED_BEHIND(id, place) "g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.<) " id
#define MEGA_UNKEYED_ORDER "ORDER BY g.mg_created_at DESC, g.mg_id COLLATE pg_catalog.\"C\" DESC, g.ctid LIMIT 1001"
#define MEGA_UNKEYED_BEHIND(id, place)                                                                                 \
    "CASE WHEN " id " IS NULL THEN g.mg_id IS NOT NULL OR g.ctid OPERATOR(pg_catalog.>) " place                        \
    " WHEN g.mg_id IS NULL THEN false ELSE g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.<) " id                \
    " OR (g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) " id " AND g.ctid OPERATOR(pg_catalog.>) " place     \
    ") END"
#define MEGA_BEHIND(time, behind_id)                                                                                   \
    " AND g.mg_created_at OPERATOR(pg_catalog.<=) " time " AND (g.mg_created_at OPERATOR(pg_catalog.<) " time          \
    " OR " behind_id ") "
#define MEGA_BEHIND_UNDATED(behind_id) " AND (g.mg_created_at IS NOT NULL OR " behind_id ") "

// The cursor as text, safe in a URL.
std::string write_cursor(const page_cursor &cursor);

// Raises 22023 for a text that write_cursor did not make.
std::optional<page_cursor> read_cursor(std::optional<std::string_view> text);

// Adds the rows of a page to the result, at most `size`; one more that was found means that another page follows. A
// found row begins with its position, mg_created_at, mg_id and ctid; shown are mg_id, mg_created_at, the rest and the
// cursor.
void add_page(pg::row_set &result, const pg::rows &found, std::int32_t size);

// The same of rows without a time and of those behind them, which were looked for apart.
void add_page(pg::row_set &result, const pg::rows &without_time, const pg::rows &dated, std::int32_t size);

} // namespace mega::ledger
