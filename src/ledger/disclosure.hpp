// What an error tells: DETAIL repeats what the caller gave; values of rows it shows only to a
// caller who may read them, not where SELECT is missing or row security applies; and whose another customer's row is,
// it does not say at all. What costs a look into the catalogs here costs it on the way of an error only.
#pragma once

#include "pg/disclosure.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

// Whether the caller may read these columns of every row of their table.
template <class Column> bool caller_may_read(std::initializer_list<Column> columns) {
    const schema::table_entry<Column> &table = schema::known_entry<Column>();
    std::array<AttrNumber, 8> attributes;
    std::size_t count = 0;
    for (const Column c : columns)
        attributes[count++] = table.at(c);
    return pg::caller_may_read(table.id, std::span(attributes).first(count));
}

// The text, when the caller may read the columns whose values it tells; '' otherwise.
template <class Column> std::string to_readers(std::initializer_list<Column> columns, std::string text) {
    return caller_may_read(columns) ? std::move(text) : std::string();
}

} // namespace mega::ledger
