// The row check of the ledger (I5 to I10): new rows filled and checked, changed rows kept to what may change.
#include "ledger/row_check.hpp"

#include "core/pass_id.hpp"
#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/erasure.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/own_key.hpp"
#include "ledger/parent_check.hpp"
#include "ledger/status_check.hpp"
#include "ledger/step_check.hpp"
#include "ledger/url_rule.hpp"
#include "ledger/words.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
#include "schema/restore.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;
using core::record_type;
using schema::name;

constexpr std::string_view hold_prefix = "credit_transaction:hold:";
constexpr column bounded_texts[] = {column::mg_session_id, column::mg_generation_id, column::mg_parent_id,
                                    column::mg_reason,     column::mg_ref_type,      column::mg_ref_id};
constexpr column url_columns[] = {column::mg_output_url, column::mg_image_url, column::mg_video_url};

// What may change behind the append of other rows. mg_updated_at always may.
constexpr column changeable_of_credits[] = {column::mg_status, column::mg_error, column::mg_meta};
constexpr column changeable_of_facts[] = {column::mg_error, column::mg_deleted_at};

std::span<const column> changeable_of(record_type type) {
    switch (type) {
    case record_type::session:
    case record_type::generation:
        return changeable_columns;
    case record_type::credit_transaction:
        return changeable_of_credits;
    default:
        return changeable_of_facts;
    }
}

constexpr const char *ledger_types = "session, generation, feedback, credit_transaction, mma_step or mma_event.";

record_type check_id(ledger_row &row) {
    const std::string_view id = row.text(column::mg_id).value_or("");
    const auto given = row.text(column::mg_record_type);
    const std::string_view type_name = given ? *given : id.substr(0, id.find(':'));
    const auto type = core::parse_record_type(type_name);
    if (!given && !type)
        refuse("mg_id does not begin with a record type", "mg_id=" + pg::quoted(id),
               std::string("Use <record type>:<id>, of ") + ledger_types);
    if (!given)
        row.set(column::mg_record_type, type_name);
    if (!type || !core::is_ledger_type(*type))
        refuse("mg_record_type is not a record type of the ledger", "mg_record_type=" + pg::quoted(type_name),
               std::string("Use ") + ledger_types);
    if (!core::is_record_id(type_name, id))
        refuse("mg_id has not the shape of its record type",
               "mg_id=" + pg::quoted(id) + " mg_record_type=" + pg::quoted(type_name),
               *type == record_type::mma_step ? "Use mma_step:<generation id>:<step number>."
                                              : "Use <record type>:<id>.");
    return *type;
}

void check_pass_id(const schema::table_catalog &where, const ledger_row &row, record_type type) {
    const auto pass_id = row.text(column::mg_pass_id);
    if (!pass_id) {
        if (type == record_type::credit_transaction || type == record_type::mma_event)
            refuse("a row of this type needs its customer", "mg_pass_id is NULL in " + pg::quoted(id_of(row)));
        return;
    }
    if (!may_be_pass_id(*pass_id) && !customer_exists(where, *pass_id)) // adopted customers keep the id they have
        refuse_pass_id(name(column::mg_pass_id), *pass_id, bad_column);
}

void check_event(const ledger_row &row) {
    const auto meta = row.json(column::mg_meta);
    const auto type = meta ? pg::find(*meta, "event_type") : std::nullopt;
    if (!type || !type->is_string() || !is_event_type(type->string()))
        refuse("an event needs one of the seven event types in mg_meta.event_type",
               type && type->is_string() ? "event_type=" + pg::quoted(type->string()) : "There is none.",
               use_event_types());
    check_document_urls(name(column::mg_meta), *meta);
}

// Whether mega notes something of the row: a key of somebody else's was taken off before.
bool is_noted(const ledger_row &row) {
    const auto meta = row.json(column::mg_meta);
    return meta && pg::find(*meta, own_key);
}

// A hold takes credits that can go back. Without a status it is pending.
void check_new_hold(ledger_row &row) {
    const auto delta = row.int4(column::mg_delta).value_or(0);
    if (delta < 0 && row.is_null(column::mg_status))
        row.set(column::mg_status, "pending");
    const std::string_view id = id_of(row).substr(hold_prefix.size());
    const bool can_be_named = core::check_text(id) == core::text_fault::none &&
                              id.size() + std::string_view("release:").size() <= core::max_id_bytes;
    const bool can_go_back = delta < 0 && delta != PG_INT32_MIN;
    if ((can_go_back && can_be_named) || row.text(column::mg_status) != "pending" || is_copied())
        return;
    if (delta >= 0)
        refuse("a hold takes credits", "mg_delta=" + std::to_string(delta) + " mg_id=" + pg::quoted(id_of(row)),
               "Use another id for what gives credits; hold: is for those that are set aside.");
    if (delta == PG_INT32_MIN)
        throw pg::sql_error{"22003",
                            "a hold of so many credits could not go back",
                            "mg_delta=" + std::to_string(delta) + " mg_id=" + pg::quoted(id_of(row)),
                            {}};
    refuse("a hold with this id could not be settled", "mg_id=" + pg::quoted(id_of(row)),
           "Behind hold: give it an id that is not blank and has at most 504 bytes.");
}

// Only what mega itself notes may move nothing: a revoke that found nothing left.
void check_credit(ledger_row &row) {
    if (row.is_null(column::mg_delta))
        refuse("a credit row needs its delta", "mg_delta is NULL in " + pg::quoted(id_of(row)));
    if (row.int4(column::mg_delta) == 0 && !is_noted(row) && !is_copied())
        refuse("a credit row moves credits", "mg_delta is 0 in " + pg::quoted(id_of(row)),
               "Leave the row out; a delta is a whole number of credits.");
    if (id_of(row).starts_with(hold_prefix))
        check_new_hold(row);
}

// Vars that were stored before stay under a patch: what is wrong with them is told to readers.
void check_vars(const ledger_row &row, bool patched) {
    const auto vars = row.json(column::mg_mma_vars);
    if (!vars)
        return;
    if (!pg::is_object(*vars))
        refuse("mg_mma_vars must be a JSON object", std::string("It is of type ") + pg::type_name(*vars) + ".");
    try {
        check_document_urls(name(column::mg_mma_vars), *vars);
    } catch (pg::sql_error &error) {
        if (patched && !caller_may_read({column::mg_id, column::mg_mma_vars}))
            error.detail = {};
        throw;
    }
}

void fill_times(ledger_row &row) {
    if (row.is_null(column::mg_created_at))
        row.set(column::mg_created_at, pg::clock_time());
    if (row.is_null(column::mg_updated_at))
        row.set(column::mg_updated_at, pg::clock_time());
    for (const column c : {column::mg_created_at, column::mg_updated_at, column::mg_deleted_at})
        check_finite(name(c), row.time(c));
}

// A credit row or an event far ahead of the clock would stand before whatever comes until then: a set of it would void
// every like, a balance of a past time would be wrong. What is restored or replicated was right where it comes from.
void check_not_ahead(const ledger_row &row, record_type type) {
    if (type != record_type::credit_transaction && type != record_type::mma_event)
        return;
    const auto at = row.time(column::mg_created_at);
    if (!at || at->value <= pg::clock_time().value + most_ahead || is_copied())
        return;
    refuse("mg_created_at lies in the future", "It is more than five minutes ahead of the server's clock.",
           "Leave it out, or correct the client's clock.");
}

void check_type_columns(ledger_row &row, record_type type) {
    const std::string_view id = id_of(row);
    switch (type) {
    case record_type::session:
        return agree(row, column::mg_session_id, *core::rest_of(type, id));
    case record_type::generation:
        return check_generation(row);
    case record_type::mma_step:
        return check_step(row);
    case record_type::mma_event:
        return check_event(row);
    case record_type::credit_transaction:
        return check_credit(row);
    default:
        return;
    }
}

// Its type; of an adopted row without one what its id says.
std::optional<record_type> type_of(const ledger_row &row) {
    const std::string_view id = id_of(row);
    return core::parse_record_type(row.text(column::mg_record_type).value_or(id.substr(0, id.find(':'))));
}

bool may_change(column c, std::optional<record_type> type) {
    const auto columns = type ? changeable_of(*type) : std::span<const column>(changeable_of_facts);
    return c == column::mg_updated_at || std::ranges::find(columns, c) != columns.end();
}

void refuse_changed_fact(const ledger_row &row, column c, std::optional<record_type> type) {
    const bool told = caller_may_read({column::mg_id, column::mg_record_type});
    const std::string kind = !told ? "row" : type ? std::string(core::name(*type)) : "row of no known type";
    throw pg::sql_error{
        "MG005", std::string("the ledger is append-only: ") + name(c) + " of a " + kind + " never changes", which(row),
        std::string(told && type == record_type::credit_transaction
                        ? "Record a new credit row that corrects this one, for example with mega_record_credit."
                        : "Append a new row.") +
            " An ORM that writes all columns of a row is to leave this one out."};
}

// A hold is settled by capture and release alone: they write its status.
void check_hold(const ledger_row &old_row, const ledger_row &new_row, bool may_change_meta) {
    const std::string_view id = id_of(old_row);
    if (!id.starts_with(hold_prefix) || in_flight::settles(id))
        return;
    if (!old_row.same(new_row, column::mg_status) || (!may_change_meta && !old_row.same(new_row, column::mg_meta)))
        throw pg::sql_error{"MG005", "a hold is settled by its functions only", which(old_row),
                            "Use mega_capture_credit or mega_release_credit."};
}

// A row that goes from a merged customer to the one that goes on keeps whose it was first.
bool is_moved(const ledger_row &old_row, const ledger_row &new_row) {
    const auto from = old_row.text(column::mg_pass_id), to = new_row.text(column::mg_pass_id);
    return from && to && *from != *to && in_flight::moves(*from, *to);
}

void note_first_owner(const ledger_row &old_row, ledger_row &new_row) {
    const pg::jsonb meta = old_row.json(column::mg_meta).value_or(pg::empty_object());
    if (!pg::is_object(meta) || own_member(meta, "from"))
        return;
    const pg::jsonb noted = with_own_members(meta, {"from"}, [&](pg::json_builder &builder) {
        builder.key("from").text(*old_row.text(column::mg_pass_id));
    });
    const auto stored = new_row.json(column::mg_meta);
    if (!stored || !pg::equal(pg::root_of(*stored), pg::root_of(noted)))
        new_row.set(column::mg_meta, noted);
}

} // namespace

void refuse(const std::string &message, const std::string &detail, const std::string &hint) {
    throw pg::sql_error{bad_column, message, detail, hint};
}

bool is_copied() {
    return SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ||
           schema::is_put_back(schema::known_entry<column>().owner);
}

std::string which(const ledger_row &row) { return to_readers({column::mg_id}, "mg_id=" + pg::quoted(id_of(row))); }

void check_new_row(const schema::table_catalog &where, ledger_row &row, in_flight::moment when) {
    protect_new_key(row, column::mg_meta, column::mg_id, when);
    if (row.is_null(column::mg_mma_vars))
        row.set(column::mg_mma_vars, pg::empty_object());
    if (row.is_null(
            column::mg_id)) // the column's own NOT NULL answers, or `statement_effects`, when nobody fills it in
        return fill_times(row);
    const record_type type = check_id(row);
    fill_times(row);
    check_not_ahead(row, type);
    check_pass_id(where, row, type);
    name_generation(row, type);
    check_type_columns(row, type);
    for (const column c : bounded_texts)
        if (const auto value = row.text(c))
            check_text(name(c), *value, bad_column);
    for (const column c : url_columns)
        if (const auto url = row.text(c))
            check_asset_url(name(c), *url, bad_column);
    check_status_words(nullptr, row);
    follow_status(nullptr, row, type);
    check_vars(row, false);
    store_texts(nullptr, row);
}

void check_changed_row(const ledger_row &old_row, ledger_row &new_row, in_flight::moment when) {
    const auto type = type_of(old_row);
    const erasure *erased = erasure::under_way();
    const bool moved = is_moved(old_row, new_row);
    if (erased != nullptr)
        erase_row(*erased, old_row, new_row);
    else if (moved)
        note_first_owner(old_row, new_row);
    else
        protect_stored_key(old_row, new_row, column::mg_meta, column::mg_id, when);
    const auto is_own_change = [&](column c) {
        return (moved && (c == column::mg_pass_id || c == column::mg_meta)) ||
               (erased != nullptr && erases(*erased, old_row, c));
    };
    for (const column c : {column::mg_mma_vars, column::mg_created_at})
        if (new_row.is_null(c) && !old_row.is_null(c))
            new_row.set(c, old_row.get(c));
    if (!old_row.same(new_row, column::mg_generation_id) || !old_row.same(new_row, column::mg_parent_id))
        name_generation(new_row, type);
    for (std::size_t i = 0; i < static_cast<std::size_t>(column::count); ++i) {
        const auto c = static_cast<column>(i);
        if (!old_row.same(new_row, c) && !may_change(c, type) && !is_own_change(c))
            refuse_changed_fact(old_row, c, type);
    }
    new_row.set(column::mg_updated_at, pg::clock_time());
    if (!old_row.same(new_row, column::mg_deleted_at))
        check_finite(name(column::mg_deleted_at), new_row.time(column::mg_deleted_at));
    for (const column c : url_columns)
        if (const auto url = new_row.text(c); url && !old_row.same(new_row, c))
            check_asset_url(name(c), *url, bad_column);
    if (type == record_type::credit_transaction && !moved)
        check_hold(old_row, new_row, is_own_change(column::mg_meta));
    check_status_words(&old_row, new_row);
    check_status_move(old_row, new_row);
    follow_status(&old_row, new_row, type);
    if (!old_row.same(new_row, column::mg_mma_vars))
        check_vars(new_row, true);
    store_texts(&old_row, new_row);
}

} // namespace mega::ledger
