// mega_tweak_generation: what a user wants otherwise, and the generation that follows from it, in one call.
#include "core/record_id.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/once.hpp"
#include "ledger/own_key.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"
#include "ledger/words.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/event.hpp"
#include "studio/generation.hpp"
#include "studio/new_generation.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

struct tweak {
    event said;
    new_generation child;
    bool is_named;   // whether the caller gave the child its id
    bool names_mode; // and its mode
};

// What a child takes over from its parent where the caller says nothing.
void inherit(ledger::store &store, tweak &what, std::string_view parent, std::optional<std::string_view> pass_id) {
    constexpr column wanted[] = {column::mg_pass_id, column::mg_mma_mode, column::mg_type, column::mg_session_id};
    pg::nullable_datum values[std::size(wanted)];
    what.child.parent = "generation:" + std::string(parent);
    if (!store.read_row(*what.child.parent, wanted, values, nullptr))
        refuse_unknown_generation(parent);
    const auto text = [&values](std::size_t i) {
        return values[i].is_null ? std::nullopt : std::optional(std::string(pg::text_of(values[i].value)));
    };
    const std::string owner = text(0).value_or("");
    if (pass_id && !ledger::means_customer(store.where(), *pass_id, owner))
        refuse_others_generation(parent, *pass_id);
    if (owner.empty())
        throw pg::sql_error{ledger::bad_column, "the generation is nobody's", "mg_id=" + pg::quoted(*what.child.parent),
                            "A tweak is an event of a customer."};
    what.child.pass_id = owner;
    const auto take = [](std::optional<std::string> &given, std::optional<std::string> of_parent) {
        if (!given)
            given = std::move(of_parent);
    };
    take(what.child.mode, text(1));
    take(what.child.type, text(2));
    take(what.child.session_id, text(3));
}

tweak read_arguments(const pg::arguments &given) {
    using in = arguments::tweak_generation;
    tweak read;
    read.is_named = !given.is_null(in::generation_id);
    read.child.id = read_new_generation_id(given.text(in::generation_id));
    read.said.type = "tweak";
    read.said.payload = ledger::require_object("payload", given.json(in::payload));
    if (const auto id = given.text(in::event_id))
        read.said.id = read_event_id(*id);
    read.child.mode = given.text(in::mma_mode);
    read.names_mode = read.child.mode.has_value();
    read.child.type = given.text(in::type);
    read.child.session_id = read_session_id(given.text(in::session_id));
    read.child.provider = given.text(in::provider);
    read.child.model = given.text(in::model);
    read.child.prompt = given.text(in::prompt);
    read.child.vars = ledger::require_object("vars", given.json(in::vars));
    read.child.meta = ledger::require_object("meta", given.json(in::meta));
    return read;
}

// One that is taken over may have been a word of a setting that is gone: the caller names another.
void check_mode(const tweak &what) {
    if (what.names_mode || !what.child.mode || ledger::is_mode(*what.child.mode))
        return void(read_mode(what.child.mode));
    throw pg::sql_error{
        ledger::bad_argument, "the mode of the parent is none any more",
        "parent_generation_id=" + pg::quoted(core::strip_prefix(core::record_type::generation, *what.child.parent)) +
            ledger::to_readers({column::mg_id, column::mg_mma_mode}, " mg_mma_mode=" + pg::quoted(*what.child.mode)),
        "Give the child its mma_mode. " + ledger::use_modes()};
}

[[noreturn]] void refuse_other_child(const tweak &what) {
    throw pg::sql_error{"MG002", "this tweak was recorded with another generation",
                        "mg_id=" + pg::quoted("mma_event:" + *what.said.id) +
                            " generation_id=" + pg::quoted(what.child.id),
                        "Repeat a call with the same arguments, or use another event_id."};
}

// The child of a tweak that was appended, which its event knows; false when there is no such event.
bool find_appended(ledger::store &store, tweak &what) {
    if (!what.said.id || !is_replay(store, what.said))
        return false;
    constexpr column meta[] = {column::mg_meta};
    pg::nullable_datum value[1];
    const bool found = store.read_row("mma_event:" + *what.said.id, meta, value, nullptr) && !value[0].is_null;
    const auto child = found ? ledger::own_member(pg::jsonb_of(value[0].value), "child") : std::nullopt;
    if (!child || !child->is_string() || (what.is_named && child->string() != what.child.id))
        refuse_other_child(what);
    what.child.id = child->string();
    return true;
}

// A generation that has the child's id is this parent's, or MG002.
void require_child(ledger::store &store, const tweak &what) {
    constexpr column parent[] = {column::mg_parent_id};
    pg::nullable_datum value[1];
    const std::string mg_id = "generation:" + what.child.id;
    if (!store.read_row(mg_id, parent, value, nullptr) || value[0].is_null ||
        pg::text_of(value[0].value) != *what.child.parent)
        throw pg::sql_error{"MG002", "this id was used for another generation",
                            "mg_id=" + pg::quoted(mg_id) + " parent_generation_id=" +
                                pg::quoted(core::strip_prefix(core::record_type::generation, *what.child.parent)),
                            "Use another id."};
}

// Under the customer's lock. False when the child was there.
bool append(ledger::store &store, tweak &what) {
    if (find_appended(store, what))
        return false;
    if (what.is_named && is_there(store, "generation:" + what.child.id, what.child.pass_id, named_by::row)) {
        require_child(store, what);
        return false;
    }
    check(what.said);
    check_mode(what);
    if (!create_once(store, row_of(what.child), what.child.pass_id, named_by::row)) {
        require_child(store, what);
        return false;
    }
    what.said.own = pg::json_builder().begin_object().key("child").text(what.child.id).end_object().finish();
    if (!store.append(row_of(what.said, behind_newest(store, what.said))))
        ledger::refuse_appended_meanwhile("event", "event_id", what.said.id.value_or(""));
    return true;
}

Datum tweak_generation(FunctionCallInfo fcinfo) {
    using in = arguments::tweak_generation;
    const pg::arguments given(fcinfo);
    const std::string_view named = ledger::require("parent_generation_id", given.text(in::parent_generation_id));
    const std::string_view parent = core::strip_prefix(core::record_type::generation, named);
    ledger::check_text("parent_generation_id", parent, ledger::bad_argument);
    tweak what = read_arguments(given);
    ledger::call call(fcinfo);
    ledger::store &store = call.store();
    inherit(store, what, parent, given.text(in::pass_id));
    what.said.pass_id = what.child.pass_id;
    what.said.generation_id = std::string(parent);
    const ledger::locked_customer customer = ledger::require_locked_customer(store, what.child.pass_id);
    what.said.pass_id = what.child.pass_id = customer.pass_id; // who goes on, when he was merged meanwhile
    const bool created = append(store, what);
    call.finish();
    return pg::return_row(fcinfo, "generation:" + what.child.id, what.child.id, created);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_tweak_generation, mega::studio::tweak_generation);
