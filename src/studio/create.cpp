// mega_start_session and mega_create_generation: a row once per id.
#include "core/record_id.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/merged.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"
#include "studio/new_generation.hpp"

namespace mega::studio {

using column = schema::ledger;

bool is_there(ledger::store &store, const std::string &mg_id, std::string_view pass_id, named_by by) {
    constexpr column pass_id_column[] = {column::mg_pass_id};
    pg::nullable_datum owner[1];
    if (!store.read_row(mg_id, pass_id_column, owner, nullptr))
        return false;
    if (owner[0].is_null || !ledger::means_customer(store.where(), pass_id, pg::text_of(owner[0].value)))
        throw pg::sql_error{"MG002", "this id was used for another customer",
                            "mg_id=" + pg::quoted(mg_id) +
                                (by == named_by::caller
                                     ? " pass_id=" + pg::quoted(pass_id)
                                     : ledger::to_readers({column::mg_pass_id}, " pass_id=" + pg::quoted(pass_id))),
                            "Use another id."};
    return true;
}

bool create_once(ledger::store &store, const ledger::new_row &row, std::string_view pass_id, named_by by) {
    if (store.append(row))
        return true;
    if (!is_there(store, row.mg_id(), pass_id, by))
        throw pg::sql_error{"40001", "the same row was written meanwhile", "mg_id=" + pg::quoted(row.mg_id()),
                            "Try again."};
    return false;
}

std::string read_new_generation_id(std::optional<std::string_view> given) {
    std::string id = given ? std::string(read_generation_id(given)) : ledger::new_id();
    constexpr std::size_t room =
        core::max_id_bytes - std::string_view(":2147483647").size(); // behind it in a step's id
    ledger::check_text("generation_id", id, ledger::bad_argument, room);
    return id;
}

ledger::new_row row_of(const new_generation &what) {
    const pg::timestamp now = pg::clock_time();
    ledger::new_row row("generation", what.id);
    row.set(column::mg_pass_id, what.pass_id)
        .set(column::mg_generation_id, what.id)
        .set(column::mg_mma_mode, what.mode)
        .set(column::mg_type, what.type)
        .set(column::mg_session_id, what.session_id)
        .set(column::mg_parent_id, what.parent)
        .set(column::mg_provider, what.provider)
        .set(column::mg_model, what.model)
        .set(column::mg_prompt, what.prompt)
        .set(column::mg_mma_vars, what.vars)
        .set(column::mg_meta, what.meta)
        .set(column::mg_mma_status, "queued")
        .set(column::mg_status, "pending")
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    return row;
}

namespace {

void set_client(ledger::new_row &row, pg::jsonb client) {
    pg::for_each_member(pg::root_of(client), [&](std::string_view key, const pg::json_value &value) {
        constexpr std::pair<std::string_view, column> known[] = {{"version", column::mg_client_version},
                                                                 {"os", column::mg_os},
                                                                 {"browser", column::mg_browser},
                                                                 {"device", column::mg_device}};
        const auto found = std::ranges::find(known, key, [](const auto &one) { return one.first; });
        if (found == std::end(known))
            throw pg::sql_error{ledger::bad_argument,
                                "client has an unknown key " + pg::quoted(key),
                                {},
                                "Known are version, os, browser and device."};
        if (!value.is_null() && !value.is_string())
            throw pg::sql_error{ledger::bad_argument,
                                "client." + std::string(key) + " must be a string",
                                std::string("It is of type ") + value.type_name() + ".",
                                {}};
        if (value.is_string())
            row.set(found->second, value.string());
    });
}

Datum start_session(FunctionCallInfo fcinfo) {
    using in = arguments::start_session;
    const pg::arguments given(fcinfo);
    ledger::call call(fcinfo, schema::written::ledger);
    ledger::store &store = call.store();
    const std::string_view asked =
        ledger::spell_pass_id(store.where(), ledger::require_text("pass_id", given.text(in::pass_id)));
    const std::string pass_id = ledger::require_shared_customer(store, asked);
    const auto named = given.text(in::session_id);
    const std::string id(named ? core::strip_prefix(core::record_type::session, *named) : ledger::new_id());
    ledger::check_text("session_id", id, ledger::bad_argument);
    if (named && is_there(store, "session:" + id, asked)) {
        call.finish();
        return pg::return_row(fcinfo, "session:" + id, id, false);
    }
    const pg::timestamp now = pg::clock_time();
    ledger::new_row row("session", id);
    row.set(column::mg_pass_id, pass_id)
        .set(column::mg_session_id, id)
        .set(column::mg_platform, given.text(in::platform))
        .set(column::mg_title, given.text(in::title))
        .set(column::mg_meta, ledger::require_object("meta", given.json(in::meta)))
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    set_client(row, ledger::require_object("client", given.json(in::client)));
    const bool created = create_once(store, row, asked);
    call.finish();
    return pg::return_row(fcinfo, row.mg_id(), id, created);
}

void read_rest(new_generation &what, const pg::arguments &given) {
    using in = arguments::create_generation;
    what.mode = read_mode(given.text(in::mma_mode));
    what.type = given.text(in::type);
    what.session_id = read_session_id(given.text(in::session_id));
    if (const auto parent = ledger::optional_text("parent_generation_id", given.text(in::parent_generation_id)))
        what.parent = "generation:" + std::string(core::strip_prefix(core::record_type::generation, *parent));
    what.provider = given.text(in::provider);
    what.model = given.text(in::model);
    what.prompt = given.text(in::prompt);
    what.vars = ledger::require_object("vars", given.json(in::vars));
    what.meta = ledger::require_object("meta", given.json(in::meta));
}

Datum create_generation(FunctionCallInfo fcinfo) {
    using in = arguments::create_generation;
    const pg::arguments given(fcinfo);
    ledger::call call(fcinfo, schema::written::ledger);
    ledger::store &store = call.store();
    new_generation what;
    what.id = read_new_generation_id(given.text(in::generation_id));
    const std::string_view asked =
        ledger::spell_pass_id(store.where(), ledger::require_text("pass_id", given.text(in::pass_id)));
    what.pass_id = ledger::require_shared_customer(store, asked);
    bool created = false;
    if (given.is_null(in::generation_id) || !is_there(store, "generation:" + what.id, asked)) {
        read_rest(what, given);
        created = create_once(store, row_of(what), asked);
    }
    call.finish();
    return pg::return_row(fcinfo, "generation:" + what.id, what.id, created);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_start_session, mega::studio::start_session);
PG_ENTRY(mega_create_generation, mega::studio::create_generation);
