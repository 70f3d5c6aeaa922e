#include "ledger/append.hpp"

#include "core/uuid_v7.hpp"
#include "ledger/consequences.hpp"
#include "ledger/direct.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/notify.hpp"
#include "ledger/own_key.hpp"
#include "pg/clock.hpp"
#include "pg/jsonb.hpp"
#include "schema/others.hpp"

namespace mega::ledger {

namespace {

constexpr std::size_t width = schema::ledger_columns.size();

constexpr Oid type_oid(std::string_view type) {
    if (type.starts_with("text"))
        return TEXTOID;
    if (type == "integer")
        return INT4OID;
    return type == "jsonb" ? JSONBOID : TIMESTAMPTZOID;
}

constexpr auto make_types() {
    std::array<Oid, width> types{};
    for (std::size_t i = 0; i < width; ++i)
        types[i] = type_oid(schema::ledger_columns[i].type);
    return types;
}

// INSERT INTO … (every column) VALUES ($1, …) ON CONFLICT DO NOTHING RETURNING mg_id, put together while compiling.
constexpr auto make_insert() {
    std::array<char, 2400> text{};
    std::size_t at = 0;
    const auto add = [&](std::string_view part) {
        for (const char c : part)
            text[at++] = c;
    };
    add("INSERT INTO @schema@.mega_generations (");
    for (std::size_t i = 0; i < width; ++i) {
        add(i == 0 ? "" : ", ");
        add(schema::ledger_columns[i].name);
    }
    add(") VALUES (");
    for (std::size_t i = 0; i < width; ++i) {
        const std::size_t number = i + 1;
        add(i == 0 ? "$" : ", $");
        if (number >= 10)
            text[at++] = static_cast<char>('0' + number / 10);
        text[at++] = static_cast<char>('0' + number % 10);
    }
    add(") ON CONFLICT DO NOTHING RETURNING mg_id");
    return text;
}

constinit const std::array<Oid, width> insert_types = make_types();
constinit const std::array<char, 2400> insert_text = make_insert();
constinit pg::statement insert_row(insert_text.data(), insert_types);

constexpr Oid key_types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID};
constinit pg::statement taken_by("SELECT FROM ONLY @schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) $1 "
                                 "UNION ALL SELECT FROM ONLY @schema@.mega_generations g "
                                 "WHERE g.mg_ref_type OPERATOR(pg_catalog.=) $2 "
                                 "AND g.mg_ref_id OPERATOR(pg_catalog.=) $3 "
                                 "AND coalesce(g.mg_reason, '') OPERATOR(pg_catalog.=) coalesce($4, '') "
                                 "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                                 "AND g.mg_ref_type IS NOT NULL AND g.mg_ref_id IS NOT NULL LIMIT 1",
                                 key_types);

constinit core::uuid_v7_source ids;

} // namespace

new_row::new_row(std::string_view record_type, std::string_view id)
    : mg_id_(std::string(record_type) + ":" + std::string(id)) {
    using column = schema::ledger;
    set(column::mg_id, mg_id_);
    set(column::mg_record_type, record_type);
    set(column::mg_meta, pg::empty_object());
    set(column::mg_mma_vars, pg::empty_object());
    set(column::mg_source_system, "api");
}

new_row new_row::fresh(std::string_view record_type) {
    new_row row(record_type, new_id());
    row.keyed_ = false;
    return row;
}

new_row &new_row::set_meta(pg::jsonb meta, std::optional<pg::jsonb> own) {
    own_ = own;
    return set(schema::ledger::mg_meta, own ? with_own_key(meta, *own) : meta);
}

namespace {

// The row as its rules want it stored.
void check(const schema::tables &where, const new_row &row, ledger_record &record) {
    for (std::size_t i = 0; i < width; ++i)
        record.set(static_cast<schema::ledger>(i), row.columns()[i]);
    const in_flight::own_key writing(row.mg_id(), row.own());
    check_new_record(where, record, in_flight::moment::before);
    fill_pass_id_of_step(where, record);
}

bool insert_checked(const schema::tables &where, const new_row &row, ledger_record &record) {
    check(where, row, record);
    std::array<pg::nullable_datum, width> checked;
    for (std::size_t i = 0; i < width; ++i)
        checked[i] = record.get(static_cast<schema::ledger>(i));
    return direct::append(checked, row.keyed());
}

// A row that was not written: somebody has its id or its reference. Or it was kept out otherwise, and a caller that
// looks who has the key would find nobody and look for ever.
void require_taken(pg::session &session, const schema::tables &where, const new_row &row) {
    using column = schema::ledger;
    const auto key = [&row](column c) { return row.columns()[static_cast<std::size_t>(c)]; };
    const pg::nullable_datum bound[] = {key(column::mg_id), key(column::mg_ref_type), key(column::mg_ref_id),
                                        key(column::mg_reason)};
    const pg::as_role owner(where.generations.owner);
    if (!session.execute(taken_by, where.schema, pg::access::latest, bound).empty())
        return;
    // The id of an expiry tells whose it is.
    const std::string detail = to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(row.mg_id()));
    if (schema::who_interferes(where.generations.id, schema::writing::insert).empty())
        throw pg::sql_error{"23505", "a unique key of mega_generations that is not mega's keeps the row out", detail,
                            "See which unique indexes beside mega's the table has."};
    schema::refuse_interference(where.generations.id, schema::writing::insert, "keeps a row out of the ledger", detail);
}

// What the triggers do for SQL, done here: check, insert, and settle what follows.
bool append_directly(pg::session &session, const schema::tables &where, const new_row &row) {
    const pg::pinned_shape shape = direct::record_shape();
    pg::row columns(shape.get());
    ledger_record record(where.generations, columns);
    if (!insert_checked(where, row, record)) {
        require_taken(session, where, row);
        return false;
    }
    consequences all;
    all.add(record);
    all.settle(session, where);
    return true;
}

} // namespace

bool append(pg::session &session, const schema::tables &where, const new_row &row) {
    if (direct::possible(where))
        return append_directly(session, where, row);
    const pg::as_role owner(where.generations.owner);
    const in_flight::own_key writing(row.mg_id(), row.own());
    const pg::rows stored = session.execute(insert_row, where.schema, pg::access::read_write, row.columns());
    if (stored.empty()) {
        require_taken(session, where, row);
        return false;
    }
    if (stored.text(0, 0) != row.mg_id())
        schema::refuse_interference(
            where.generations.id, schema::writing::insert, "gives a row of the ledger another id",
            to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(row.mg_id()) +
                                                    " stored: " + pg::quoted(stored.text(0, 0).value_or("NULL"))));
    if (!writing.was_kept(where.generations.foreign_before_row))
        schema::refuse_interference(where.generations.id, schema::writing::insert,
                                    "changes mg_meta.mega of a row that mega writes",
                                    to_readers({schema::ledger::mg_id}, "mg_id=" + pg::quoted(row.mg_id())));
    return true;
}

bool append_unprojected(pg::session &session, const schema::tables &where, const new_row &row) {
    const pg::pinned_shape shape = direct::record_shape();
    pg::row columns(shape.get());
    ledger_record record(where.generations, columns);
    if (insert_checked(where, row, record))
        return true;
    require_taken(session, where, row);
    return false;
}

void bulk::add(const new_row &row) {
    const pg::pinned_shape shape = direct::record_shape();
    pg::row columns(shape.get());
    ledger_record record(where_.generations, columns);
    check(where_, row, record);
    for (std::size_t i = 0; i < width; ++i)
        checked_.push_back(record.get(static_cast<schema::ledger>(i)));
    if (checked_.size() == direct::most_appended * width)
        append();
}

void bulk::append() {
    if (checked_.empty())
        return;
    direct::append_many(checked_);
    checked_.clear();
}

void change_record(const schema::tables &where, std::string_view mg_id, std::span<const schema::ledger> columns,
                   std::span<const pg::nullable_datum> values) {
    std::array<schema::ledger, width> all{};
    for (std::size_t i = 0; i < width; ++i)
        all[i] = static_cast<schema::ledger>(i);
    std::array<pg::nullable_datum, width> stored;
    if (!direct::read_record(mg_id, all, stored))
        throw pg::sql_error{"XX000", "a row that was locked is gone", "mg_id=" + pg::quoted(mg_id), {}};
    const pg::pinned_shape shape = direct::record_shape();
    pg::row before(shape.get()), after(shape.get());
    ledger_record old_row(where.generations, before), new_row(where.generations, after);
    for (std::size_t i = 0; i < width; ++i) {
        old_row.set(all[i], stored[i]);
        new_row.set(all[i], stored[i]);
    }
    for (std::size_t i = 0; i < columns.size(); ++i)
        new_row.set(columns[i], values[i]);
    check_changed_record(old_row, new_row, in_flight::moment::before);
    std::vector<direct::ledger_change> changes;
    for (const schema::ledger c : all)
        if (!old_row.same(new_row, c))
            changes.emplace_back(c, new_row.get(c));
    direct::update_record(mg_id, changes);
    if (!old_row.same(new_row, schema::ledger::mg_mma_status))
        notify_status(new_row);
}

namespace {

// Random bytes, drawn for many ids at once.
constinit std::array<std::uint8_t, 640> drawn{};
constinit std::size_t used = drawn.size();

std::span<const std::uint8_t, 10> draw() {
    if (used == drawn.size()) {
        if (!pg::call([] { return pg_strong_random(drawn.data(), drawn.size()); }))
            throw pg::sql_error{"58000", "no random bytes are to be had", {}, {}};
        used = 0;
    }
    const std::size_t at = std::exchange(used, used + 10);
    return std::span(drawn).subspan(at).first<10>();
}

} // namespace

std::string new_id() {
    const auto text = core::format_uuid(ids.next(pg::unix_micros(pg::clock_time()), draw()));
    return {text.data(), text.size()};
}

} // namespace mega::ledger
