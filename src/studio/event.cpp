// mega_record_mma_event: what a user did, projected onto the preference snapshot (I2, I8).
#include "studio/event.hpp"
#include "core/record_id.hpp"
#include "core/status.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/customer_note.hpp"
#include "ledger/erasure.hpp"
#include "ledger/held_key.hpp"
#include "ledger/once.hpp"
#include "ledger/own_key.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"
#include "ledger/url_rule.hpp"
#include "ledger/words.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement event_by_id("SELECT g.mg_pass_id, g.mg_meta, g.mg_generation_id "
                                    "FROM ONLY @schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) $1",
                                    id_type);

} // namespace

std::string read_event_id(std::string_view given) {
    std::string id(core::strip_prefix(core::record_type::mma_event, given));
    ledger::check_text("event_id", id, ledger::bad_argument);
    return id;
}

void check(const event &what) {
    if (!ledger::is_event_type(what.type))
        throw pg::sql_error{ledger::bad_argument, "event_type is not an event type",
                            "event_type=" + pg::quoted(what.type), ledger::use_event_types()};
    ledger::effects_of(what.type, what.payload, ledger::bad_argument);
    ledger::check_document_urls("payload", what.payload);
    ledger::check_not_ahead("created_at", what.created_at);
}

pg::jsonb meta_of(const event &what) {
    pg::json_builder builder;
    builder.begin_object();
    builder.key("event_type").text(what.type);
    builder.key("payload").document(what.payload);
    return builder.end_object().finish();
}

namespace {

bool is_payload(const std::optional<pg::json_value> &stored, pg::jsonb given) {
    return stored && stored->is_object() ? pg::equal(stored->container(), pg::root_of(given))
                                         : pg::is_empty_object(given);
}

} // namespace

bool is_replay(ledger::store &store, const event &what) {
    const std::string mg_id = "mma_event:" + *what.id;
    const pg::rows found = store.run(store.where().generations, event_by_id, mg_id);
    if (found.empty())
        return false;
    const auto meta = found.json(0, 1);
    const auto type = meta ? pg::find(*meta, "event_type") : std::nullopt;
    const auto payload = meta ? pg::find(*meta, "payload") : std::nullopt;
    const bool same_generation =
        found.text(0, 2) == (what.generation_id ? std::optional<std::string_view>(*what.generation_id) : std::nullopt);
    const std::string_view stored = found.text(0, 0).value_or("");
    const auto is_what_erasure_left = [&] {
        return ledger::own_member(ledger::meta_of(store, stored), "erased_at") &&
               is_payload(payload, ledger::payload_left(meta_of(what)));
    };
    const bool same_payload = is_payload(payload, what.payload) || is_what_erasure_left();
    if (!ledger::means_customer(store.where(), what.pass_id, stored) || !type || !type->is_string() ||
        type->string() != what.type || !same_payload || !same_generation)
        throw pg::sql_error{"MG002", "this event was recorded with other content", "mg_id=" + pg::quoted(mg_id),
                            "Repeat a call with the same arguments, or use another event_id."};
    return true;
}

ledger::new_row row_of(const event &what, pg::timestamp created_at) {
    ledger::new_row row = what.id ? ledger::new_row("mma_event", *what.id) : ledger::new_row::fresh("mma_event");
    row.set(column::mg_pass_id, what.pass_id)
        .set(column::mg_generation_id, what.generation_id)
        .set_meta(meta_of(what), what.own)
        .set(column::mg_created_at, created_at)
        .set(column::mg_updated_at, pg::clock_time());
    return row;
}

pg::timestamp behind_newest(ledger::store &store, const event &what) {
    const auto newest = ledger::newest_time(ledger::preferences_of(store, what.pass_id));
    return ledger::stamp_behind(newest.value_or(pg::timestamp{}));
}

namespace {

event read_arguments(const pg::arguments &given) {
    using in = arguments::record_mma_event;
    event read;
    read.pass_id = ledger::require_text("pass_id", given.text(in::pass_id));
    read.type = ledger::require("event_type", given.text(in::event_type));
    read.payload = ledger::require_object("payload", given.json(in::payload));
    if (!given.is_null(in::generation_id))
        read.generation_id = std::string(read_generation_id(given.text(in::generation_id)));
    if (const auto id = given.text(in::event_id))
        read.id = read_event_id(*id);
    read.created_at = given.time(in::created_at);
    return read;
}

Datum record_mma_event(FunctionCallInfo fcinfo) {
    event what = read_arguments(pg::arguments(fcinfo));
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    what.pass_id = ledger::spell_pass_id(store.where(), what.pass_id);
    if (ledger::key_locks keys(store.where()); what.id && keys.are_needed()) {
        keys.add("mma_event:" + *what.id);
        keys.take();
    }
    std::string mg_id;
    std::optional<ledger::locked_customer> customer;
    const bool replayed =
        ledger::once([&] { return what.id && is_replay(store, what); },
                     [&] {
                         check(what);
                         customer = ledger::require_locked_customer(store, what.pass_id);
                         what.pass_id = customer->pass_id; // who goes on, when he was merged meanwhile
                         return customer->changed_meanwhile;
                     },
                     [&] {
                         const ledger::new_row row =
                             row_of(what, what.created_at ? *what.created_at : behind_newest(store, what));
                         mg_id = row.mg_id();
                         return store.append(row);
                     },
                     [&] { ledger::refuse_appended_meanwhile("event", "event_id", *what.id); });
    if (replayed)
        what.pass_id = ledger::resolve_pass_id(store.where(), what.pass_id);
    const pg::jsonb preferences = store.spi().copy_out(ledger::preferences_of(store, what.pass_id));
    call.finish();
    return pg::return_row(fcinfo, replayed ? "mma_event:" + *what.id : mg_id, preferences, replayed);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_record_mma_event, mega::studio::record_mma_event);
