#include "ledger/page.hpp"

#include "ledger/checked.hpp"

#include <charconv>

namespace mega::ledger {

namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::string_view mark = "m1";

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

std::string write_cursor(const page_cursor &cursor) {
    const auto number = [](std::int64_t value) { return std::to_string(value) + "|"; };
    return std::string(mark) +
           to_hex(number(cursor.created_at.value) + number(cursor.balance) + number(cursor.version) + cursor.mg_id);
}

std::optional<page_cursor> read_cursor(std::optional<std::string_view> text) {
    if (!text)
        return std::nullopt;
    page_cursor cursor;
    const auto bytes = text->starts_with(mark) ? from_hex(text->substr(mark.size())) : std::nullopt;
    std::string_view rest = bytes ? std::string_view(*bytes) : std::string_view();
    const bool valid = take_number(rest, cursor.created_at.value) && take_number(rest, cursor.balance) &&
                       take_number(rest, cursor.version) && !rest.empty() &&
                       pg_verify_mbstr(GetDatabaseEncoding(), rest.data(), static_cast<int>(rest.size()), true);
    if (!valid)
        throw pg::sql_error{bad_argument, "page_cursor is not a cursor", "value=" + pg::quoted(*text),
                            "Give the next_cursor of the page before, or NULL for the first page."};
    cursor.mg_id = rest;
    return cursor;
}

void add_page(pg::row_set &result, const pg::rows &found, std::int32_t size) {
    const std::uint64_t shown = std::min<std::uint64_t>(found.count(), static_cast<std::uint64_t>(size));
    std::optional<std::string> next_cursor;
    if (found.count() > shown)
        next_cursor = write_cursor({found.time(shown - 1, 0).value_or(undated),
                                    std::string(found.text(shown - 1, 1).value_or(without_id)), 0, 0});
    const pg::nullable_datum cursor = pg::to_datum(next_cursor);
    for (std::uint64_t i = 0; i < shown; ++i) {
        std::vector<pg::nullable_datum> columns{found.column(i, 1), found.column(i, 0)};
        for (int c = 2; c < found.width(); ++c)
            columns.push_back(found.column(i, c));
        columns.push_back(cursor);
        result.add_columns(columns);
    }
}

} // namespace mega::ledger
