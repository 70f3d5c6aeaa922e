// Pages of a customer's rows: their cursor, their order, and which rows they end with.
#include "ledger/page.hpp"

#include "ledger/checked.hpp"

#include <charconv>

namespace mega::ledger {

namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::string_view mark = "m1";

// As they stand in a cursor: a time that is none, the id of a row without one, the offset of a place that is none.
constexpr std::int64_t undated = PG_INT64_MAX - 1;
constexpr const char *without_id = "\x7F";
constexpr std::int64_t no_place = 0;

std::string to_hex(std::string_view bytes) {
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
    if (hex.size() % 2 != 0)
        return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const std::size_t high = digits.find(hex[i]);
        const std::size_t low = digits.find(hex[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos)
            return std::nullopt;
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

// Takes one number and the bar behind it off the text.
bool take_number(std::string_view &text, std::int64_t &number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || used >= text.size() || text[used] != '|')
        return false;
    text.remove_prefix(used + 1);
    return true;
}

} // namespace

std::int32_t read_page_size(std::optional<std::int32_t> given) {
    const std::int32_t size = given.value_or(default_page_size);
    if (size < 1 || size > largest_page)
        throw pg::sql_error{bad_argument, "page_size is out of range", "page_size=" + std::to_string(size),
                            "Use 1 to 1000."};
    return size;
}

ItemPointerData page_cursor::place_or_end() const {
    ItemPointerData end;
    ItemPointerSet(&end, InvalidBlockNumber, PG_UINT16_MAX);
    return place.value_or(end);
}

page_cursor cursor_behind(const pg::rows &found, std::uint64_t shown, int created_at, int mg_id, int place) {
    const std::uint64_t last = shown - 1;
    page_cursor cursor{found.time(last, created_at), std::nullopt};
    if (const auto id = found.text(last, mg_id))
        cursor.mg_id = *id;
    if (found.time(last, created_at) == found.time(shown, created_at) &&
        found.text(last, mg_id) == found.text(shown, mg_id))
        if (!found.column(last, place).is_null) // of a table with a key
            cursor.place = found.place(last, place);
    return cursor;
}

std::string write_cursor(const page_cursor &cursor) {
    const auto number = [](std::int64_t value) { return std::to_string(value) + "|"; };
    const std::int64_t block = cursor.place ? ItemPointerGetBlockNumberNoCheck(&*cursor.place) : 0;
    const std::int64_t offset = cursor.place ? ItemPointerGetOffsetNumberNoCheck(&*cursor.place) : no_place;
    return std::string(mark) +
           to_hex(number(cursor.created_at ? cursor.created_at->value : undated) + number(cursor.balance) +
                  number(cursor.version) + number(block) + number(offset) + cursor.mg_id.value_or(without_id));
}

std::optional<page_cursor> read_cursor(std::optional<std::string_view> text) {
    if (!text)
        return std::nullopt;
    page_cursor cursor;
    const auto bytes = text->starts_with(mark) ? from_hex(text->substr(mark.size())) : std::nullopt;
    std::string_view rest = bytes ? std::string_view(*bytes) : std::string_view();
    std::int64_t created_at = 0, block = 0, offset = 0;
    const bool valid = take_number(rest, created_at) && take_number(rest, cursor.balance) &&
                       take_number(rest, cursor.version) && take_number(rest, block) && take_number(rest, offset) &&
                       std::in_range<BlockNumber>(block) && std::in_range<OffsetNumber>(offset) && !rest.empty() &&
                       pg_verify_mbstr(GetDatabaseEncoding(), rest.data(), static_cast<int>(rest.size()), true);
    if (!valid)
        throw pg::sql_error{bad_argument, "page_cursor is not a cursor", "value=" + pg::quoted(*text),
                            "Give the next_cursor of the page before, or NULL for the first page."};
    if (created_at != undated)
        cursor.created_at = pg::timestamp{created_at};
    if (rest != without_id)
        cursor.mg_id = rest;
    ItemPointerData place; // of its own: what sets it may be a macro that names it twice
    ItemPointerSet(&place, static_cast<BlockNumber>(block), static_cast<OffsetNumber>(offset));
    if (offset != no_place)
        cursor.place = place;
    return cursor;
}

namespace {

void add_rows(pg::row_set &result, const pg::rows &found, std::uint64_t count,
              const std::optional<std::string> &next_cursor) {
    const pg::nullable_datum cursor = pg::to_datum(next_cursor);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::vector<pg::nullable_datum> columns{found.column(i, 1), found.column(i, 0)};
        for (int c = 3; c < found.width(); ++c)
            columns.push_back(found.column(i, c));
        columns.push_back(cursor);
        result.add_columns(columns);
    }
}

page_cursor cursor_between(const pg::rows &without_time) {
    page_cursor cursor;
    if (const auto id = without_time.text(without_time.count() - 1, 1))
        cursor.mg_id = *id;
    return cursor;
}

} // namespace

void add_page(pg::row_set &result, const pg::rows &found, std::int32_t size) {
    add_page(result, pg::rows(nullptr, 0), found, size);
}

void add_page(pg::row_set &result, const pg::rows &without_time, const pg::rows &dated, std::int32_t size) {
    const auto room = static_cast<std::uint64_t>(size);
    const std::uint64_t first = std::min(without_time.count(), room);
    const std::uint64_t rest = std::min(dated.count(), room - first);
    std::optional<std::string> next_cursor;
    if (without_time.count() > first)
        next_cursor = write_cursor(cursor_behind(without_time, first, 0, 1, 2));
    else if (dated.count() > rest)
        next_cursor = write_cursor(rest == 0 ? cursor_between(without_time) : cursor_behind(dated, rest, 0, 1, 2));
    add_rows(result, without_time, first, next_cursor);
    add_rows(result, dated, rest, next_cursor);
}

} // namespace mega::ledger
