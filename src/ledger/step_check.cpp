// Checks how a row names a generation, and what a step has to have (I6, I7).
#include "ledger/step_check.hpp"

#include "ledger/checked.hpp"
#include "ledger/own_key.hpp"
#include "ledger/url_rule.hpp"
#include "pg/jsonb.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;
using core::record_type;
using schema::name;

constexpr std::string_view generation_prefix = "generation:";

// An id within which another begins would be taken for that one.
void require_bare(const ledger_row &row, std::string_view generation_id) {
    if (generation_id.starts_with(generation_prefix) && !is_copied())
        refuse("a generation's id does not begin with generation:", "mg_id=" + pg::quoted(id_of(row)),
               "Its mg_id has that word once; mg_generation_id is what stands behind it.");
}

bool has_input_and_output(const std::optional<pg::jsonb> &document) {
    return document && pg::find(*document, "input") && pg::find(*document, "output");
}

pg::jsonb with_input_and_output(pg::jsonb document) {
    pg::json_builder builder;
    builder.begin_object();
    if (pg::is_object(document))
        pg::for_each_member(pg::root_of(document),
                            [&](std::string_view key, const pg::json_value &value) { builder.key(key).value(value); });
    else
        add_application(builder, document);
    for (const char *key : {"input", "output"})
        if (!pg::find(document, key))
            builder.key(key).document(pg::empty_object());
    return builder.end_object().finish();
}

void store_payload(ledger_row &row, column c) {
    if (const auto payload = row.json(c))
        if (const auto other = payload_to_store(name(c), *payload))
            row.set(c, *other);
}

// Beside what the payload has; in mg_meta where that is no object.
void fill_step(ledger_row &row) {
    const auto payload = row.json(column::mg_payload);
    const bool has_room = !payload || pg::is_null(*payload) || pg::is_object(*payload);
    const column c = has_room ? column::mg_payload : column::mg_meta;
    row.set(c, with_input_and_output(row.json(c).value_or(pg::empty_object())));
}

} // namespace

void agree(ledger_row &row, column c, std::string_view from_id) {
    const auto value = row.text(c);
    if (!value)
        row.set(c, from_id);
    else if (*value != from_id)
        refuse(std::string(name(c)) + " does not agree with mg_id",
               std::string(name(c)) + "=" + pg::quoted(*value) + " mg_id says " + pg::quoted(from_id));
}

void name_generation(ledger_row &row, std::optional<record_type> type) {
    if (const auto named = row.text(column::mg_generation_id);
        named && named->starts_with(generation_prefix) && !is_copied()) {
        std::string_view bare = *named;
        while (bare.starts_with(generation_prefix))
            bare.remove_prefix(generation_prefix.size());
        row.set(column::mg_generation_id, std::string(bare));
    }
    if (const auto parent = row.text(column::mg_parent_id);
        parent && type == record_type::generation && !parent->starts_with(generation_prefix) && !is_copied())
        row.set(column::mg_parent_id, std::string(generation_prefix) + std::string(*parent));
}

void check_generation(ledger_row &row) {
    const std::string_view id = *core::rest_of(record_type::generation, id_of(row));
    require_bare(row, id);
    agree(row, column::mg_generation_id, id);
    if (row.text(column::mg_parent_id) == id_of(row))
        refuse("a generation is not its own parent", "mg_id=" + pg::quoted(id_of(row)), "Leave mg_parent_id NULL.");
}

void check_step(ledger_row &row) {
    const auto key = core::parse_step_id(id_of(row));
    if (!key)
        return; // check_id has refused it
    require_bare(row, key->generation_id);
    agree(row, column::mg_generation_id, key->generation_id);
    agree(row, column::mg_parent_id, "generation:" + std::string(key->generation_id));
    const auto number = row.int4(column::mg_step_no);
    if (!number)
        row.set(column::mg_step_no, key->step_no);
    else if (*number != key->step_no)
        refuse("mg_step_no does not agree with mg_id",
               "mg_step_no=" + std::to_string(*number) + " mg_id=" + pg::quoted(id_of(row)));
    if (row.is_null(column::mg_step_type))
        refuse("a step needs its type", "mg_step_type is NULL in " + pg::quoted(id_of(row)),
               "Use scan_product, gpt_reader, seedream_generate and the like.");
    if (has_input_and_output(row.json(column::mg_payload)))
        return;
    if (has_input_and_output(row.json(column::mg_meta)))
        return store_payload(row, column::mg_meta); // it stands there
    if (steps_setting() == steps::fill)
        fill_step(row);
    else
        refuse("a step needs its input and output", "They are missing in " + pg::quoted(id_of(row)),
               "Put the members input and output into mg_payload (or mg_meta).");
}

void store_texts(const ledger_row *old_row, ledger_row &row) {
    const auto changed = [&](column c) { return old_row == nullptr || !old_row->same(row, c); };
    if (changed(column::mg_payload))
        store_payload(row, column::mg_payload);
    if (const auto error = row.text(column::mg_error); error && changed(column::mg_error))
        if (const auto other = text_to_store(*error))
            row.set(column::mg_error, *other);
}

} // namespace mega::ledger
