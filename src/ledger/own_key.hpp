// mg_meta.mega, on customers and on every ledger row, is mega's own key: what functions of mega note there, nobody
// else's write makes or changes (I17). Every other key of mg_meta is the application's.
#pragma once

#include "ledger/in_flight.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

inline constexpr std::string_view own_key = "mega";

// Adds the application's part of a document to an object: its keys, or all of one that is no object under "value".
void add_application(pg::json_builder &builder, pg::jsonb meta);

// That part as a document of its own.
pg::jsonb application_part(pg::jsonb meta);

// An application's document with what mega notes of the row beside it.
pg::jsonb with_own_key(pg::jsonb meta, pg::jsonb own);

// An application's document with the key of another one: none when that has none.
pg::jsonb with_key_of(pg::jsonb meta, pg::jsonb other);

// Mega's own key in a document; null when it has none.
JsonbContainer *own_value_of(pg::jsonb meta);

// A member of mega's own key; std::nullopt when there is none.
std::optional<pg::json_value> own_member(pg::jsonb meta, std::string_view name);

// A document in which mega's own key is `own` with `add(builder)` in the place of some of its members.
template <class Add>
pg::jsonb with_own_key(pg::jsonb meta, const std::optional<pg::json_value> &own,
                       std::initializer_list<std::string_view> names, Add add) {
    pg::json_builder builder;
    builder.begin_object();
    add_application(builder, meta);
    builder.key(own_key).begin_object();
    if (own && own->is_object())
        pg::for_each_member(own->container(), [&](std::string_view key, const pg::json_value &value) {
            if (std::ranges::find(names, key) == names.end())
                builder.key(key).value(value);
        });
    add(builder);
    return builder.end_object().end_object().finish();
}

// The same of the key that the document has: its other members stay.
template <class Add>
pg::jsonb with_own_members(pg::jsonb meta, std::initializer_list<std::string_view> names, Add add) {
    return with_own_key(meta, pg::find(meta, own_key), names, add);
}

// What is stored in place of the document that a row brings, or std::nullopt when that may stay. row: its mg_id or
// pass id, by which a write of mega's own is told.

// Of a new row: the document without the key.
std::optional<pg::jsonb> without_foreign_key(pg::jsonb meta, std::string_view row, in_flight::moment when);

// Of a changed row: the document with the key as it is stored. Raises 23514 when there is one and the new document is
// no object.
std::optional<pg::jsonb> with_stored_key(pg::jsonb stored, std::optional<pg::jsonb> written, std::string_view row,
                                         in_flight::moment when);

// The same for the columns of a row. Documents without a member cost nothing.
template <class Row, class Column> void protect_new_key(Row &stored, Column meta, Column id, in_flight::moment when) {
    const pg::nullable_datum given = stored.get(meta);
    if (given.is_null || pg::has_no_member(given.value))
        return;
    if (const auto other = without_foreign_key(pg::jsonb_of(given.value), stored.text(id).value_or(""), when))
        stored.set(meta, *other);
}

template <class Row, class Column>
void protect_stored_key(const Row &old_row, Row &new_row, Column meta, Column id, in_flight::moment when) {
    if (old_row.same(new_row, meta))
        return;
    const auto stored = old_row.json(meta).value_or(pg::empty_object());
    if (const auto other = with_stored_key(stored, new_row.json(meta), old_row.text(id).value_or(""), when))
        new_row.set(meta, *other);
}

} // namespace mega::ledger
