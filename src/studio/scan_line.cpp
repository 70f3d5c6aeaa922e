// mega_append_scan_line: one more line of what a frontend shows while it waits (spec 6.2), under the generation's lock.
#include "core/text_rule.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/notify.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

constexpr std::string_view messages_key = "userMessages", lines_key = "scan_lines";

// The member of an object that is an object itself, or an array; null when it is absent or null.
JsonbContainer *member(const locked_generation &generation, JsonbContainer *object, std::string_view key,
                       bool is_array) {
    const auto found = pg::find(object, key);
    if (!found || found->is_null())
        return nullptr;
    if (is_array ? !found->is_array() : !found->is_object())
        throw pg::sql_error{ledger::bad_column, std::string(key) + " must be " + (is_array ? "an array" : "an object"),
                            "mg_id=" + pg::quoted(generation.mg_id()),
                            "Set mg_mma_vars right with mega_update_generation, whose vars are a merge patch."};
    return found->container();
}

// The other members of an object, and then one that build(builder) makes.
template <class Build>
void replace_member(pg::json_builder &builder, JsonbContainer *object, std::string_view name, Build build) {
    builder.begin_object();
    if (object != nullptr)
        pg::for_each_member(object, [&](std::string_view key, const pg::json_value &value) {
            if (key != name)
                builder.key(key).value(value);
        });
    builder.key(name);
    build();
    builder.end_object();
}

// Appends the line and tells how many there are.
std::int32_t append(locked_generation &generation, std::string_view line) {
    const pg::jsonb vars = generation.json(column::mg_mma_vars).value_or(pg::empty_object());
    JsonbContainer *root = pg::is_object(vars) ? pg::root_of(vars) : pg::root_of(pg::empty_object()); // as a patch does
    JsonbContainer *messages = member(generation, root, messages_key, false);
    JsonbContainer *lines = messages != nullptr ? member(generation, messages, lines_key, true) : nullptr;
    std::int32_t count = 1;
    pg::json_builder builder;
    replace_member(builder, root, messages_key, [&] {
        replace_member(builder, messages, lines_key, [&] {
            builder.begin_array();
            if (lines != nullptr)
                pg::for_each_element(lines, [&](const pg::json_value &value) {
                    builder.value(value);
                    ++count;
                });
            builder.text(line).end_array();
        });
    });
    generation.set(column::mg_mma_vars, builder.finish());
    return count;
}

Datum append_scan_line(FunctionCallInfo fcinfo) {
    using in = arguments::append_scan_line;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    const std::string_view line = ledger::require("line", given.text(in::line));
    if (core::trim(line).empty())
        throw pg::sql_error{ledger::bad_argument, "line must not be blank", "value=" + pg::quoted(line), {}};
    ledger::call call(fcinfo, schema::written::generations);
    locked_generation generation(call.store(), id, given.text(in::pass_id));
    const std::int32_t lines = append(generation, line);
    generation.write(call.store());
    ledger::notify_scan_lines(generation.id(), generation.pass_id(), generation.text(column::mg_mma_status), lines);
    call.finish();
    return pg::to_datum(lines).value;
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_append_scan_line, mega::studio::append_scan_line);
