// mega_record_feedback: what a user says about a generation or a session, once per id.
#include "core/record_id.hpp"
#include "function_arguments.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/merged.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "studio/generation.hpp"
#include "studio/new_generation.hpp"

namespace mega::studio {

namespace {

using column = schema::ledger;

// Feedback is about the customer's own generation.
// asked: as the caller named the customer.
void require_own(ledger::store &store, std::string_view generation, std::string_view pass_id, std::string_view asked) {
    const std::string mg_id = "generation:" + std::string(generation);
    constexpr column owner_column[] = {column::mg_pass_id};
    pg::nullable_datum owner[1];
    if (!store.lock_row(mg_id, LockTupleShare, owner_column, owner))
        throw pg::sql_error{"23503", "there is no generation " + pg::quoted(generation), "mg_id=" + pg::quoted(mg_id),
                            "Create it with mega_create_generation."};
    if (owner[0].is_null || pg::text_of(owner[0].value) != pass_id)
        throw pg::sql_error{ledger::bad_column,
                            "the generation belongs to another customer",
                            "mg_id=" + pg::quoted(mg_id) + " pass_id=" + pg::quoted(asked),
                            {}};
}

void set_url(ledger::new_row &row, column to, const char *name, std::optional<std::string_view> url) {
    if (!url)
        return;
    check_output_url(name, *url);
    row.set(to, *url);
}

bool append(ledger::store &store, const pg::arguments &given, const std::string &id, const std::string &pass_id,
            std::string_view asked) {
    using in = arguments::record_feedback;
    std::optional<std::string_view> generation;
    if (!given.is_null(in::generation_id))
        generation = read_generation_id(given.text(in::generation_id));
    const pg::timestamp now = pg::clock_time();
    ledger::new_row row("feedback", id);
    row.set(column::mg_pass_id, pass_id)
        .set(column::mg_generation_id, generation)
        .set(column::mg_session_id, read_session_id(given.text(in::session_id)))
        .set(column::mg_result_type, given.text(in::result_type))
        .set(column::mg_comment, given.text(in::comment))
        .set(column::mg_prompt, given.text(in::prompt))
        .set(column::mg_meta, ledger::require_object("meta", given.json(in::meta)))
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    set_url(row, column::mg_image_url, "image_url", given.text(in::image_url));
    set_url(row, column::mg_video_url, "video_url", given.text(in::video_url));
    if (generation)
        require_own(store, *generation, pass_id, asked);
    return create_once(store, row, asked);
}

Datum record_feedback(FunctionCallInfo fcinfo) {
    using in = arguments::record_feedback;
    const pg::arguments given(fcinfo);
    ledger::call call(fcinfo, schema::written::ledger);
    ledger::store &store = call.store();
    const std::string_view asked =
        ledger::spell_pass_id(store.where(), ledger::require_text("pass_id", given.text(in::pass_id)));
    const std::string pass_id = ledger::require_shared_customer(store, asked);
    const auto named = given.text(in::feedback_id);
    const std::string id(named ? core::strip_prefix(core::record_type::feedback, *named) : ledger::new_id());
    ledger::check_text("feedback_id", id, ledger::bad_argument);
    const bool created =
        (!named || !is_there(store, "feedback:" + id, asked)) && append(store, given, id, pass_id, asked);
    call.finish();
    return pg::return_row(fcinfo, "feedback:" + id, created);
}

} // namespace

} // namespace mega::studio

PG_ENTRY(mega_record_feedback, mega::studio::record_feedback);
