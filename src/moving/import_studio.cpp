// Imports sessions, generations and feedback.
#include "moving/import_studio.hpp"

#include "moving/ledger_row.hpp"
#include "moving/legacy_sql.hpp"

namespace mega::moving {

namespace {

// Of whom the row itself says that it is.
std::optional<std::string_view> owner_of(const legacy_line &line) {
    return line.by_session || line.pass_id == anonymous_pass_id ? std::nullopt : line.pass_id;
}

} // namespace

void import_studio::take(batch &into, const legacy_line &line) {
    table_report &counts = into.report.of(table_);
    ++counts.read;
    if (!line.document || (line.there && !line.imported)) {
        ++counts.there;
        return;
    }
    const legacy_row row(table_, *line.document, line.digest);
    if (line.pass_id && belongs_to_erased(into, *line.pass_id))
        return into.leave_out(table_, line.id);
    if (into.mode == care::refuse)
        return into.refuse(table_, row.id(), row.document(), {why::refused, into.refusal});
    const auto made = map_ledger_row(row, into.terms_for([this] { return newest_(table_); }));
    if (made.refused)
        return into.refuse(table_, row.id(), row.document(), *made.refused);
    if (!line.pass_id)
        return into.refuse(table_, row.id(), row.document(), {why::bad_customer, {}});
    if (line.there)
        return compare_ledger_row(into, row, made, std::string(*line.id), owner_of(line), table_ != legacy::feedback);
    require_person(into, pg::timestamp_of(made.find(schema::ledger::mg_created_at)->value));
    append(into, line, row, made);
}

// Nothing of theirs is kept, not even why it is refused. The rows come by customer, and customers in order: each is
// locked once, so that none is merged or erased meanwhile.
bool import_studio::belongs_to_erased(batch &into, std::string_view pass_id) {
    if (named_ == pass_id)
        return person_.erased;
    person_ = look_for_person(into, pass_id);
    person_.meta = {}; // goes with what was read
    named_ = pass_id;
    if (person_.exists)
        lock_person(into);
    return person_.erased;
}

void import_studio::lock_person(batch &into) {
    const auto customer = into.store.lock_customer(person_.pass_id);
    if (!customer)
        throw pg::sql_error{"23503", "a customer is gone", "pass_id=" + pg::quoted(person_.pass_id), {}};
    if (customer->merged_into || customer->erased != person_.erased)
        refuse_who_moved(person_.pass_id);
}

// Whose row it is, when he is not there yet.
void import_studio::require_person(batch &into, pg::timestamp since) {
    if (person_.exists)
        return;
    make_person(into, person_.pass_id, {}, into.terms_for([this] { return newest_(table_); }), since);
    lock_person(into);
    person_.exists = true;
}

void import_studio::append(batch &into, const legacy_line &line, const legacy_row &row,
                           const mapped<schema::ledger> &made) {
    const ledger::new_row fresh = new_row_of(row, made, person_.pass_id);
    bool written = true;
    if (into.mode == care::none)
        written = into.store.append_one_of_many(fresh, person_.pass_id, 0, nullptr) != ledger::appended::no;
    else
        written = into.store.append(fresh);
    if (written)
        note_ledger_row(into, row, made, person_.pass_id, line.by_session);
    else
        into.refuse(table_, row.id(), row.document(), {why::id_taken, {}});
}

} // namespace mega::moving
