// mega's own key in mg_meta (I17): put beside the application's document, kept from others.
#include "ledger/own_key.hpp"

#include "ledger/checked.hpp"

namespace mega::ledger {

namespace {

// Whether a document that is no object says nothing: null, or the empty list that PHP makes of an empty object.
bool is_void(pg::jsonb meta) { return pg::is_null(meta) || (pg::is_array(meta) && JB_ROOT_COUNT(meta.document) == 0); }

// The other keys of an object, and then this one.
pg::jsonb replaced(pg::jsonb meta, const std::optional<pg::json_value> &own) {
    pg::json_builder builder;
    builder.begin_object();
    add_application(builder, meta);
    if (own)
        builder.key(own_key).value(*own);
    return builder.end_object().finish();
}

} // namespace

void add_application(pg::json_builder &builder, pg::jsonb meta) {
    if (pg::is_object(meta))
        pg::for_each_member(pg::root_of(meta), [&](std::string_view key, const pg::json_value &value) {
            if (key != own_key)
                builder.key(key).value(value);
        });
    else if (pg::is_array(meta) && !is_void(meta))
        builder.key("value").document(meta);
    else if (!is_void(meta))
        builder.key("value").value(*pg::element(pg::root_of(meta), 0)); // a scalar is kept as a list of one
}

pg::jsonb application_part(pg::jsonb meta) { return replaced(meta, std::nullopt); }

pg::jsonb with_own_key(pg::jsonb meta, pg::jsonb own) { return replaced(meta, pg::value_of(own)); }

pg::jsonb with_key_of(pg::jsonb meta, pg::jsonb other) { return replaced(meta, pg::find(other, own_key)); }

JsonbContainer *own_value_of(pg::jsonb meta) {
    const auto own = pg::find(meta, own_key);
    return own && own->is_object() ? own->container() : nullptr;
}

std::optional<pg::json_value> own_member(pg::jsonb meta, std::string_view name) {
    const auto own = pg::find(meta, own_key);
    return own && own->is_object() ? pg::find(own->container(), name) : std::nullopt;
}

std::optional<pg::jsonb> without_foreign_key(pg::jsonb meta, std::string_view row, in_flight::moment when) {
    const auto given = pg::find(meta, own_key);
    if (!given || in_flight::writes_own_key(row, *given, when))
        return std::nullopt;
    return application_part(meta);
}

std::optional<pg::jsonb> with_stored_key(pg::jsonb stored, std::optional<pg::jsonb> written, std::string_view row,
                                         in_flight::moment when) {
    const auto kept = pg::find(stored, own_key);
    const auto given = written ? pg::find(*written, own_key) : std::nullopt;
    if (pg::equal(kept, given) || (given && in_flight::writes_own_key(row, *given, when)))
        return std::nullopt;
    if (written && !pg::is_object(*written)) // there is a key that has to stay
        throw pg::sql_error{bad_column, "mg_meta must be a JSON object",
                            std::string("It is of type ") + pg::type_name(*written) + ".",
                            "mega has a key of its own in this row's mg_meta, which stays."};
    return replaced(written.value_or(pg::empty_object()), kept);
}

} // namespace mega::ledger
