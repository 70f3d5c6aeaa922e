// mega_append_mma_step: a step of the pipeline, numbered under the lock of its generation (I7).
#include "studio/step.hpp"
#include "core/status.hpp"
#include "core/utc_time.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/url_rule.hpp"
#include "ledger/words.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement step_by_id("SELECT g.mg_step_type, g.mg_payload FROM ONLY @schema@.mega_generations g "
                                   "WHERE g.mg_id OPERATOR(pg_catalog.=) $1",
                                   id_type);

bool is_error(const std::optional<pg::jsonb> &error) { return error && !pg::is_null(*error); }

// The shape that the spec recommends (5.1).
pg::jsonb payload_of(const step &what) {
    const auto time = [](pg::json_builder &builder, const std::optional<pg::timestamp> &at) {
        if (at)
            builder.text(core::iso_utc(pg::unix_micros(*at)));
        else
            builder.null();
    };
    pg::json_builder builder;
    builder.begin_object();
    builder.key("input").document(what.input);
    builder.key("output").document(what.output);
    builder.key("timing").begin_object();
    time(builder.key("started_at"), what.started_at);
    time(builder.key("ended_at"), what.ended_at);
    builder.key("duration_ms");
    if (what.started_at && what.ended_at)
        builder.number((what.ended_at->value - what.started_at->value) / 1000);
    else
        builder.null();
    builder.end_object();
    builder.key("error");
    if (is_error(what.error))
        builder.document(*what.error);
    else
        builder.null();
    return builder.end_object().finish();
}

std::string error_text(pg::jsonb error) {
    if (std::string_view(pg::type_name(error)) == "string") {
        std::string text;
        pg::any_string(error, [&](std::string_view only) {
            text = only;
            return true;
        });
        return text;
    }
    return pg::call(
        [error] { return JsonbToCString(nullptr, &error.document->root, static_cast<int>(VARSIZE(error.document))); });
}

// As mg_payload will have it: what is cut out there stands in no other column.
pg::jsonb stored_error(const step &what) {
    return ledger::payload_to_store("mg_payload", *what.error).value_or(*what.error);
}

// What a person reads of it: its message when it has one.
std::string message_of(pg::jsonb error) {
    const auto message = pg::find(error, "message");
    return message && message->is_string() ? std::string(message->string()) : error_text(error);
}

// As it was given, or as it was stored when it was appended: without the secrets of its URLs.
bool says_the_same(const std::optional<pg::jsonb> &payload, std::string_view key, std::optional<pg::jsonb> given) {
    const auto member = payload ? pg::find(*payload, key) : std::nullopt;
    if (!member || member->is_null() || !given)
        return (!member || member->is_null()) && !given;
    const pg::jsonb stored = pg::json_builder::document_of(*member);
    if (pg::equal(pg::root_of(stored), pg::root_of(*given)))
        return true;
    const auto redacted = ledger::payload_to_store("mg_payload", *given);
    return redacted && pg::equal(pg::root_of(stored), pg::root_of(*redacted));
}

} // namespace

void check(const step &what) {
    ledger::check_text("step_type", what.type, ledger::bad_argument);
    ledger::check_writable("started_at", what.started_at);
    ledger::check_writable("ended_at", what.ended_at);
    const auto times = [&what] {
        return "started_at=" + core::iso_utc(pg::unix_micros(*what.started_at)) +
               " ended_at=" + core::iso_utc(pg::unix_micros(*what.ended_at));
    };
    if (what.started_at && what.ended_at && *what.ended_at < *what.started_at)
        throw pg::sql_error{ledger::bad_argument, "a step cannot end before it starts", times(), {}};
    if (std::int64_t took;
        what.started_at && what.ended_at && __builtin_sub_overflow(what.ended_at->value, what.started_at->value, &took))
        throw pg::sql_error{"22008", "the duration of a step is out of range", times(), {}};
    if (what.number && *what.number < 0)
        throw pg::sql_error{ledger::bad_argument, "at_step must not be negative",
                            "at_step=" + std::to_string(*what.number), "Steps count from 0."};
    if (read_status(what.status) == core::name(core::mma_status::done))
        throw pg::sql_error{ledger::bad_argument, "a step does not finish its generation",
                            "mma_status=" + pg::quoted(*what.status),
                            "Use mega_complete_generation, which stores the output."};
}

namespace {

void check_same(ledger::store &store, const std::string &mg_id, const step &what) {
    const pg::rows found = store.run(store.where().generations, step_by_id, mg_id);
    const auto payload = found.empty() ? std::nullopt : found.json(0, 1);
    if (found.empty())
        throw pg::sql_error{"40001", "the same step was written meanwhile", "mg_id=" + pg::quoted(mg_id), "Try again."};
    const std::string_view type = found.text(0, 0).value_or("");
    std::string other;
    const auto compare = [&](const char *key, std::optional<pg::jsonb> given) {
        if (!says_the_same(payload, key, given))
            other += std::string(other.empty() ? "" : ", ") + key;
    };
    compare("input", what.input);
    compare("output", what.output);
    compare("error", is_error(what.error) ? what.error : std::nullopt);
    if (type == what.type && other.empty())
        return;
    const std::string differs =
        type != what.type
            ? ledger::to_readers({column::mg_id, column::mg_step_type}, " recorded type=" + pg::quoted(type)) +
                  " given type=" + pg::quoted(what.type)
            : " type=" + pg::quoted(type) + ledger::to_readers({column::mg_id, column::mg_payload}, " other: " + other);
    throw pg::sql_error{"MG002", "this step was recorded with other content", "mg_id=" + pg::quoted(mg_id) + differs,
                        "Leave at_step out to append the next step."};
}

} // namespace

std::string mg_id_of(const locked_generation &generation, std::int32_t number) {
    return "mma_step:" + generation.id() + ":" + std::to_string(number);
}

bool is_replay(ledger::store &store, const locked_generation &generation, const step &what) {
    if (!may_be_there(what))
        return false; // checked when it was read
    const std::string mg_id = mg_id_of(generation, *what.number);
    constexpr column only[] = {column::mg_id};
    pg::nullable_datum id[1];
    if (!store.read_row(mg_id, only, id, nullptr)) {
        check(what);
        return false;
    }
    check_same(store, mg_id, what);
    return true;
}

std::int32_t next_number(ledger::store &store, const std::string &generation_id) {
    const auto last = store.last_step(generation_id);
    if (last == PG_INT32_MAX)
        throw pg::sql_error{
            "22003", "the generation has no step number left", "generation_id=" + pg::quoted(generation_id), {}};
    return last ? *last + 1 : 0;
}

ledger::new_row row_of(const step &what, const locked_generation &generation, std::int32_t number) {
    const pg::timestamp now = pg::clock_time();
    ledger::new_row row("mma_step", generation.id() + ":" + std::to_string(number));
    row.set(column::mg_pass_id, generation.pass_id())
        .set(column::mg_generation_id, generation.id())
        .set(column::mg_parent_id, generation.mg_id())
        .set(column::mg_step_no, number)
        .set(column::mg_step_type, what.type)
        .set(column::mg_provider, what.provider)
        .set(column::mg_model, what.model)
        .set(column::mg_status, is_error(what.error) ? "failed" : "succeeded")
        .set(column::mg_payload, payload_of(what))
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    // One of a setting that is gone stays the generation's alone: nothing new has it.
    if (const auto mode = generation.text(column::mg_mma_mode); mode && ledger::is_mode(*mode))
        row.set(column::mg_mma_mode, *mode);
    if (is_error(what.error))
        row.set(column::mg_error, error_text(stored_error(what)));
    return row;
}

void move(ledger::store &store, locked_generation &generation, const step &what) {
    if (!what.status)
        return;
    const bool says_more = is_error(what.error);
    if (generation.was_set() && !says_more && generation.text(column::mg_mma_status) == *what.status)
        return; // the step before said so
    generation.look_again(store);
    generation.set(column::mg_mma_status, *what.status);
    if (what.status == core::name(core::mma_status::error) && says_more && !generation.has_error())
        generation.set(column::mg_error, message_of(stored_error(what)));
    generation.write(store);
}

namespace {

// False when it is there already, MG002 when that one says something else.
bool append(ledger::store &store, locked_generation &generation, const step &what, std::int32_t number) {
    const ledger::new_row row = row_of(what, generation, number);
    if (!store.append(row)) {
        check_same(store, row.mg_id(), what);
        return false;
    }
    move(store, generation, what);
    return true;
}

step read_arguments(const pg::arguments &given) {
    using in = arguments::append_mma_step;
    step read;
    read.type = ledger::require("step_type", given.text(in::step_type));
    read.input = ledger::require_object("input", given.json(in::input));
    read.output = ledger::require_object("output", given.json(in::output));
    read.error = given.json(in::error);
    read.started_at = given.time(in::started_at);
    read.ended_at = given.time(in::ended_at);
    read.number = given.int4(in::at_step);
    read.provider = given.text(in::provider);
    read.model = given.text(in::model);
    read.status = given.text(in::mma_status);
    if (!may_be_there(read))
        check(read);
    return read;
}

Datum append_mma_step(FunctionCallInfo fcinfo) {
    using in = arguments::append_mma_step;
    const pg::arguments given(fcinfo);
    const std::string_view id = read_generation_id(given.text(in::generation_id));
    const step what = read_arguments(given);
    ledger::call call(fcinfo, schema::written::ledger);
    ledger::store &store = call.store();
    locked_generation generation(store, id, given.text(in::pass_id));
    const bool known = is_replay(store, generation, what);
    const std::int32_t number = what.number ? *what.number : next_number(store, generation.id());
    const bool appended = !known && append(store, generation, what, number);
    call.finish();
    return pg::return_row(fcinfo, mg_id_of(generation, number), number, !appended);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_append_mma_step, mega::studio::append_mma_step);
