// Pages of a customer's rows, newest first: a cursor says where the last page ended.
#pragma once

#include "pg/result.hpp"

namespace mega::ledger {

inline constexpr std::int32_t default_page_size = 50;
inline constexpr std::int32_t largest_page = 1000;

// NULL counts as 50; raises 22023 for anything that is not between 1 and 1000.
std::int32_t read_page_size(std::optional<std::int32_t> given);

// Behind the row at (created_at, mg_id). A page may note numbers of its own beside it.
struct page_cursor {
    pg::timestamp created_at{};
    std::string mg_id;
    std::int64_t balance = 0; // of a credit statement: the balance behind that row
    std::int64_t version = 0; // of a credit statement: when the customer had last changed
};

// Where a row stands that an adopted table has without a time: it comes first.
inline constexpr pg::timestamp undated{PG_INT64_MAX};

// The id of a row that an adopted table has without one: behind all others, as NULL is.
inline constexpr std::string_view without_id = "\x7F";

// The cursor as text, safe in a URL.
std::string write_cursor(const page_cursor &cursor);

// Raises 22023 for a text that write_cursor did not make.
std::optional<page_cursor> read_cursor(std::optional<std::string_view> text);

// Adds the rows of a page to the result, at most `size`; one more that was found means that another page follows. A
// found row begins with its position, mg_created_at and mg_id; shown are mg_id, mg_created_at, the rest and the cursor.
void add_page(pg::row_set &result, const pg::rows &found, std::int32_t size);

} // namespace mega::ledger
