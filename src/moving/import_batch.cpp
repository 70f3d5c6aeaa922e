// A batch of an import: what its rows share, how they are gone through, and what becomes of one that is refused.
#include "moving/import_batch.hpp"

#include "ledger/new_admin_row.hpp"
#include "ledger/own_key.hpp"
#include "moving/legacy_sql.hpp"
#include "pg/clock.hpp"
#include "pg/subtransaction.hpp"

namespace mega::moving {

legacy_line legacy_line::read(const pg::rows &from, std::uint64_t row) {
    const auto at = [](legacy_result column) { return static_cast<int>(column); };
    legacy_line line;
    line.pass_id = from.text(row, at(legacy_result::pass_id));
    line.kind = from.int4(row, at(legacy_result::kind)).value_or(0);
    line.id = from.text(row, at(legacy_result::id));
    line.document = from.json(row, at(legacy_result::document));
    line.there = from.boolean(row, at(legacy_result::there)).value_or(false);
    line.imported = from.boolean(row, at(legacy_result::imported)).value_or(false);
    line.keeps_reference = from.boolean(row, at(legacy_result::keeps)).value_or(true);
    line.by_session = from.boolean(row, at(legacy_result::by_session)).value_or(false);
    line.delta = from.int8(row, at(legacy_result::delta));
    line.digest = from.text(row, at(legacy_result::digest));
    return line;
}

void batch::leave_out(legacy table, std::optional<std::string_view> id) {
    tally &left_out = report.of(table).refused[why::erased];
    const auto type = definition_of(table).becomes;
    if (id && type && core::is_record_id(core::name(*type), prefix_of(table) + std::string(*id)))
        left_out.add(std::string(*id));
    else
        ++left_out.rows;
}

void batch::refuse(legacy table, const std::string &id, pg::jsonb document, const note &reason) {
    table_report &counts = report.of(table);
    counts.refused[reason.what].add(reason.example.empty() ? id : id + ": " + reason.example);
    const std::string name = definition_of(table).name;
    const std::string row_text = shown(schema::admin::mg_detail, pg::to_datum(document)).value_or("");
    const std::uint64_t mark = hash_bytes_extended(reinterpret_cast<const unsigned char *>(row_text.data()),
                                                   static_cast<int>(row_text.size()), 0);
    pg::json_builder detail;
    detail.begin_object();
    detail.key("table").text(name).key("id").text(id).key("reason").text(reason.what);
    if (!reason.example.empty())
        detail.key("detail").text(reason.example);
    detail.key("row").document(redacted(document)).end_object();
    ledger::new_admin_row row(core::record_type::admin_audit, "import_refused:" + name + ":" + std::to_string(mark));
    const pg::timestamp now = pg::clock_time();
    row.set(schema::admin::mg_action, "import_refused")
        .set(schema::admin::mg_detail, detail.finish())
        .set(schema::admin::mg_source_system, "legacy")
        .set(schema::admin::mg_created_at, now)
        .set(schema::admin::mg_updated_at, now);
    if (ledger::append(store.spi(), where, row)) // refused before, it stays refused
        report.note_refusal();
}

namespace {

// The next few of the rows that were fetched. False when the batch is full before all of them are taken.
bool take_some(table_import &rows, const pg::rows &found, std::uint64_t &next, batch &into, std::uint64_t limit,
               std::uint64_t &done) {
    constexpr std::uint64_t few = 20;
    if (into.mode != care::none) // subtransactions come
        into.store.spi().connect();
    for (const std::uint64_t end = std::min(found.count(), next + few); next < end; ++next) {
        pg::check_for_interrupts();
        const legacy_line line = legacy_line::read(found, next);
        if (done >= limit && rows.ends_before(line))
            return false;
        ++done;
        rows.take(into, line);
    }
    return true;
}

} // namespace

void go_through(table_import &rows, pg::held_rows &source, batch &into, std::uint64_t limit, std::uint64_t &done) {
    constexpr std::uint64_t stretch = 1000;
    rows.begin();
    for (bool full = false; !full;) {
        const pg::rows found = source.fetch(std::min(stretch, limit));
        full = found.empty();
        for (std::uint64_t next = 0; next < found.count() && !full;)
            into.store.apart([&] { full = !take_some(rows, found, next, into, limit, done); });
        into.store.append_rest(); // rows that wait to go in together point into what is freed
        source.free();
    }
    into.store.apart([&] {
        rows.end(into);
        into.store.append_rest();
    });
}

void refuse_who_moved(const std::string &pass_id) {
    throw pg::sql_error{"40001", "a customer was merged or erased meanwhile", "pass_id=" + pg::quoted(pass_id),
                        "Try again."};
}

bool is_fault_of_data(int state) noexcept {
    const int kind = ERRCODE_TO_CATEGORY(state);
    constexpr int mega = MAKE_SQLSTATE('M', 'G', '0', '0', '0');
    return state != ERRCODE_DATATYPE_MISMATCH &&
           (kind == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) ||
            kind == ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION) ||
            kind == ERRCODE_TO_CATEGORY(ERRCODE_RAISE_EXCEPTION) || kind == ERRCODE_TO_CATEGORY(mega) ||
            state == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE || state == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
            state == ERRCODE_UNTRANSLATABLE_CHARACTER);
}

std::string told(int state, const char *message) {
    return std::string(unpack_sql_state(state)) + " " + (message == nullptr ? "" : message);
}

std::optional<std::string> fault_of_row(const std::function<void()> &write) {
    try {
        const auto failed = pg::in_subtransaction(write);
        if (!failed)
            return std::nullopt;
        if (failed->data == nullptr || !is_fault_of_data(failed->data->sqlerrcode))
            throw *failed;
        return told(failed->data->sqlerrcode, failed->data->message);
    } catch (const pg::sql_error &error) {
        if (!is_fault_of_data(error.state.code))
            throw;
        return told(error.state.code, error.message.c_str());
    }
}

pg::jsonb noted(pg::jsonb meta, const legacy_row &row, const std::vector<note> &mended) {
    return ledger::with_own_key(meta, std::nullopt, {}, [&](pg::json_builder &own) {
        own.key("import").begin_object();
        own.key("table").text(definition_of(row.table()).name).key("digest").text(row.digest());
        if (!mended.empty()) {
            own.key("mended").begin_array();
            for (const note &one : mended)
                own.text(one.what);
            own.end_array();
        }
        own.end_object();
    });
}

} // namespace mega::moving
