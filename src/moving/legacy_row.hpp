// One row of a legacy table, as the document that Postgres makes of it, whatever its columns are.
#pragma once

#include "moving/legacy.hpp"
#include "pg/jsonb.hpp"

namespace mega::moving {

class legacy_row {
public:
    legacy_row(legacy table, pg::jsonb document, std::optional<std::string_view> digest = std::nullopt)
        : table_(table), document_(document), digest_(digest.value_or("")) {}

    legacy table() const { return table_; }
    pg::jsonb document() const { return document_; }
    const std::string &digest() const { return digest_; } // empty where it was not asked for

    // The getters give std::nullopt for NULL and for a column that is not there. What cannot become the type without
    // loss raises 42804; a uuid that is none is std::nullopt.
    bool has(std::string_view column) const { return pg::find(document_, column).has_value(); }
    bool is_null(std::string_view column) const { return !value(column); }
    std::optional<std::string> text(std::string_view column) const;
    std::optional<std::int32_t> integer(std::string_view column) const;
    std::optional<bool> boolean(std::string_view column) const;
    std::optional<pg::timestamp> time(std::string_view column) const; // infinite ones too
    std::optional<pg::uuid> uuid(std::string_view column) const;
    std::optional<pg::json_value> value(std::string_view column) const;

    // What names the row in messages and reports.
    std::string id() const { return text(definition_of(table_).key).value_or("NULL"); }

private:
    [[noreturn]] void refuse(std::string_view column, const char *wanted) const;

    legacy table_;
    pg::jsonb document_;
    std::string digest_;
};

// The text of a JSON value: a string's own, else as JSON writes it.
std::string text_of(const pg::json_value &value);

// The row, and of what was brought before the columns that it does not have any more; those that are kept are as they
// were brought.
pg::jsonb with_former(pg::jsonb row, pg::jsonb former, std::span<const char *const> kept = {});

// The document without the secrets of its URLs.
pg::jsonb redacted(pg::jsonb document);

} // namespace mega::moving
