// mega_update_generation, mega_complete_generation, mega_fail_generation: a generation on its way (I9); and
// mega_delete_generation.
#include "core/record_id.hpp"
#include "core/status.hpp"
#include "credits/hold.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/parent_check.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/merge_patch.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

// Columns that arguments of their own write, so that `fields` may not; and those that completing decides.
constexpr column not_fields[] = {column::mg_mma_status, column::mg_mma_vars, column::mg_deleted_at};
constexpr column decided_by_completing[] = {column::mg_output_url, column::mg_status, column::mg_error};

constexpr std::string_view column_prefix = "mg_";
std::string_view field_name(column c) { return std::string_view(schema::name(c)).substr(column_prefix.size()); }
bool is_field(column c) { return std::ranges::find(not_fields, c) == std::end(not_fields); }

[[noreturn]] void refuse_field(std::string_view key) {
    std::vector<std::string_view> known;
    for (const column c : writable)
        if (is_field(c))
            known.push_back(field_name(c));
    throw pg::sql_error{ledger::bad_argument,
                        "fields has an unknown key " + pg::quoted(key),
                        {},
                        "Known are " + ledger::listed(known) + "; mma_status and vars have arguments of their own."};
}

column field_named(std::string_view key) {
    const std::string_view bare = key.starts_with(column_prefix) ? key.substr(column_prefix.size()) : key;
    for (const column c : writable)
        if (field_name(c) == bare && is_field(c))
            return c;
    refuse_field(key);
}

[[noreturn]] void refuse_type(std::string_view key, const char *wanted, const pg::json_value &value) {
    throw pg::sql_error{ledger::bad_argument,
                        "fields." + std::string(key) + " must be " + wanted,
                        std::string("It is of type ") + value.type_name() + ".",
                        {}};
}

const std::string_view done = core::name(core::mma_status::done);
const std::string_view failed = core::name(core::mma_status::error);

// A finished generation keeps its output, whoever has seen it. url: what would be stored.
void keep_output(const locked_generation &generation, std::optional<std::string_view> url) {
    const auto stored = generation.text(column::mg_output_url);
    if (generation.text(column::mg_mma_status) != done || !stored || stored == url)
        return;
    throw pg::sql_error{
        "MG002", "the generation is done with another output URL",
        "mg_id=" + pg::quoted(generation.mg_id()) +
            ledger::to_readers({column::mg_id, column::mg_output_url}, " stored=" + pg::quoted(*stored)) +
            " given=" + (url ? pg::quoted(*url) : "NULL"),
        "A finished generation keeps its output; create a new one for another."};
}

void set_field(locked_generation &generation, std::string_view key, const pg::json_value &value,
               std::span<const column> decided) {
    const column c = field_named(key);
    if (std::ranges::find(decided, c) != decided.end())
        throw pg::sql_error{ledger::bad_argument,
                            "fields must not name " + pg::quoted(key),
                            {},
                            "mega_complete_generation writes this column itself."};
    const std::string_view type = schema::ledger_columns[static_cast<std::size_t>(c)].type;
    if (value.is_null() && c != column::mg_mma_mode) {
        if (c == column::mg_output_url)
            keep_output(generation, std::nullopt);
        generation.set(c, std::nullopt);
    } else if (type == "integer") {
        const auto number = value.int4();
        if (!number)
            refuse_type(key, "a whole number that fits an integer", value);
        generation.set(c, *number);
    } else if (type == "jsonb") {
        if (!value.is_object() && !(c == column::mg_payload && value.is_array()))
            refuse_type(key, "a JSON object", value);
        generation.set(c, pg::json_builder::document_of(value));
    } else {
        if (!value.is_string())
            refuse_type(key, "a string", value);
        if (c == column::mg_output_url) {
            check_output_url("fields.output_url", value.string());
            keep_output(generation, value.string());
        }
        if (c == column::mg_mma_mode)
            read_mode(value.string());
        generation.set(c, value.string());
    }
}

void set_fields(locked_generation &generation, std::optional<pg::jsonb> fields, std::span<const column> decided = {}) {
    pg::for_each_member(
        pg::root_of(ledger::require_object("fields", fields)),
        [&](std::string_view key, const pg::json_value &value) { set_field(generation, key, value, decided); });
}

void patch_vars(locked_generation &generation, std::optional<pg::jsonb> vars) {
    if (vars && !pg::is_empty_object(ledger::require_object("vars", vars)))
        generation.set(column::mg_mma_vars,
                       pg::merge_patch(generation.json(column::mg_mma_vars).value_or(pg::empty_object()), *vars));
}

std::optional<std::string> read_hold(std::optional<std::string_view> given) {
    return given ? std::optional(credits::read_hold_id(given)) : std::nullopt;
}

[[noreturn]] void refuse_others_hold(const std::string &mg_id) {
    throw pg::sql_error{ledger::bad_column,
                        "the hold belongs to another customer than the generation",
                        "mg_id=" + pg::quoted(mg_id),
                        {}};
}

// A hold and the generation that it paid for are one customer's, and his whom the caller names. Asked as both are seen,
// before credits move, so that nothing of another customer's is told; asked again behind the locks.
void require_same_customer(ledger::store &store, std::string_view id, const std::optional<std::string> &hold_id,
                           std::optional<std::string_view> pass_id) {
    if (!hold_id)
        return;
    const std::string_view bare = core::strip_prefix(core::record_type::generation, id);
    const std::string mg_id = "generation:" + std::string(bare);
    const auto of_generation = ledger::owner_seen(store, mg_id);
    if (!of_generation)
        refuse_unknown_generation(bare);
    if (pass_id && !ledger::means_customer(store.where(), *pass_id, *of_generation))
        refuse_others_generation(bare, *pass_id);
    const auto of_hold = ledger::owner_seen(store, "credit_transaction:hold:" + *hold_id);
    if (of_hold && !ledger::means_customer(store.where(), *of_hold, *of_generation))
        refuse_others_hold(mg_id);
}

void require_same_customer(const locked_generation &generation, const std::optional<credits::settlement> &hold) {
    if (hold && generation.pass_id() != hold->pass_id)
        refuse_others_hold(generation.mg_id());
}

// A hold is settled on its customer, too.
schema::written tables_written(const std::optional<std::string> &hold_id) {
    return hold_id ? schema::written::books : schema::written::generations;
}

Datum update_generation(FunctionCallInfo fcinfo) {
    using in = arguments::update_generation;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    const auto status = read_status(given.text(in::mma_status));
    if (status == done || status == failed)
        throw pg::sql_error{ledger::bad_argument, "mega_update_generation does not end a generation",
                            "mma_status=" + pg::quoted(*status),
                            "Use mega_complete_generation, which stores the output, or mega_fail_generation, which "
                            "stores the error."};
    ledger::call call(fcinfo, schema::written::generations);
    ledger::store &store = call.store();
    locked_generation generation(store, id, given.text(in::pass_id));
    if (status)
        generation.set(column::mg_mma_status, *status);
    patch_vars(generation, given.json(in::vars));
    set_fields(generation, given.json(in::fields));
    generation.write(store);
    const std::optional<std::string> stored = generation.status_to_tell(store);
    call.finish();
    return pg::return_row(fcinfo, generation.mg_id(), stored);
}

Datum complete_generation(FunctionCallInfo fcinfo) {
    using in = arguments::complete_generation;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    const std::string_view url = ledger::require("output_url", given.text(in::output_url));
    check_output_url("output_url", url);
    const auto hold_id = read_hold(given.text(in::hold_id));
    ledger::call call(fcinfo, tables_written(hold_id));
    ledger::store &store = call.store();
    require_same_customer(store, id, hold_id, given.text(in::pass_id));
    // The customer is locked before the generation, as everywhere.
    const auto hold =
        hold_id ? std::optional(credits::capture(store, *hold_id, std::nullopt, std::nullopt)) : std::nullopt;
    locked_generation generation(store, id, given.text(in::pass_id));
    require_same_customer(generation, hold);
    keep_output(generation, url);
    if (generation.text(column::mg_mma_status) != done || !generation.text(column::mg_output_url)) {
        generation.set(column::mg_mma_status, done);
        generation.set(column::mg_status, "succeeded");
        generation.set(column::mg_error, std::nullopt);
        generation.set(column::mg_output_url, url);
        if (const auto key = given.text(in::output_key))
            generation.set(column::mg_output_key, *key);
        if (const auto prompt = given.text(in::prompt))
            generation.set(column::mg_prompt, *prompt);
        if (const auto latency = given.int4(in::latency_ms))
            generation.set(column::mg_latency_ms, *latency);
        patch_vars(generation, given.json(in::vars));
        set_fields(generation, given.json(in::fields), decided_by_completing);
        generation.write(store);
    }
    call.finish();
    return pg::return_row(fcinfo, generation.mg_id(), done);
}

// Marks it: it is shown no more, and its facts stay.
Datum delete_generation(FunctionCallInfo fcinfo) {
    using in = arguments::delete_generation;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    ledger::call call(fcinfo, schema::written::generations);
    locked_generation generation(call.store(), id, given.text(in::pass_id));
    const bool changed = !generation.is_deleted();
    if (changed)
        generation.set(column::mg_deleted_at, pg::clock_time());
    generation.write(call.store());
    call.finish();
    return pg::return_row(fcinfo, generation.mg_id(), changed);
}

Datum fail_generation(FunctionCallInfo fcinfo) {
    using in = arguments::fail_generation;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    const std::string_view error = ledger::require("error", given.text(in::error));
    const auto hold_id = read_hold(given.text(in::hold_id));
    ledger::call call(fcinfo, tables_written(hold_id));
    ledger::store &store = call.store();
    require_same_customer(store, id, hold_id, given.text(in::pass_id));
    // The customer is locked before the generation, as everywhere.
    const auto hold = hold_id ? std::optional(credits::release(store, *hold_id, "failed", std::nullopt)) : std::nullopt;
    locked_generation generation(store, id, given.text(in::pass_id));
    require_same_customer(generation, hold);
    // A step or a row may have moved it there before, and said why or not: the first text there is stays.
    const bool failed_before = generation.text(column::mg_mma_status) == failed;
    if (!failed_before)
        generation.set(column::mg_mma_status, failed);
    if (!failed_before || !generation.has_error())
        generation.set(column::mg_error, error);
    if (generation.text(column::mg_status) != "failed")
        generation.set(column::mg_status, "failed");
    generation.write(store);
    call.finish();
    return pg::return_row(fcinfo, generation.mg_id(), failed);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_update_generation, mega::studio::update_generation);
PG_ENTRY(mega_complete_generation, mega::studio::complete_generation);
PG_ENTRY(mega_fail_generation, mega::studio::fail_generation);
PG_ENTRY(mega_delete_generation, mega::studio::delete_generation);
