// The SQL store: rows of the tables by statements, under marks that mega's triggers know.
#include "ledger/store_sql.hpp"

#include "ledger/checked.hpp"
#include "ledger/direct_writers.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/held_key.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/lots.hpp"
#include "ledger/merged.hpp"
#include "ledger/own_key.hpp"
#include "ledger/project.hpp"
#include "ledger/statement_texts.hpp"
#include "pg/subtransaction.hpp"
#include "schema/interference.hpp"
#include "schema/pending_hold.hpp"

namespace mega::ledger {

namespace {

using schema::customer;
using column = schema::ledger;
using statements::locking;

constexpr Oid key_types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID};
constinit pg::statement taken_by("SELECT FROM ONLY @schema@.mega_generations g WHERE g.mg_id OPERATOR(pg_catalog.=) $1 "
                                 "UNION ALL SELECT FROM ONLY @schema@.mega_generations g "
                                 "WHERE g.mg_ref_type OPERATOR(pg_catalog.=) $2 "
                                 "AND g.mg_ref_id OPERATOR(pg_catalog.=) $3 "
                                 "AND coalesce(g.mg_reason, '') OPERATOR(pg_catalog.=) coalesce($4, '') "
                                 "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                                 "AND g.mg_ref_type IS NOT NULL AND g.mg_ref_id IS NOT NULL LIMIT 1",
                                 key_types);

constexpr customer locked_columns[] = {customer::mg_credits,    customer::mg_expires_at, customer::mg_disabled,
                                       customer::mg_deleted_at, customer::mg_updated_at, customer::mg_meta};
constexpr customer standing_columns[] = {customer::mg_credits, customer::mg_expires_at, customer::mg_meta};

struct split_changes {
    explicit split_changes(std::span<const customer_change> changes, std::vector<pg::nullable_datum> keys)
        : values(std::move(keys)) {
        for (const auto &[c, value] : changes) {
            columns.push_back(c);
            values.push_back(value);
        }
    }

    std::vector<customer> columns;
    std::vector<pg::nullable_datum> values;
};

// What a change projects, in flight while it is written; nothing when it leaves the balance alone.
void project_in_flight(std::optional<in_flight::projection> &projecting, std::string_view pass_id,
                       std::span<const customer_change> changes) {
    const auto written = [&](customer c) { return std::ranges::find(changes, c, &customer_change::first); };
    const auto balance = written(customer::mg_credits), snapshot = written(customer::mg_mma_preferences);
    if (balance != changes.end())
        projecting.emplace(pass_id, DatumGetInt32(balance->second.value),
                           snapshot == changes.end() ? nullptr : pg::jsonb_of(snapshot->second.value).document);
}

bool same_own_key(const pg::nullable_datum &left, const pg::nullable_datum &right) {
    const auto own = [](const pg::nullable_datum &meta) {
        return meta.is_null ? std::nullopt : pg::find(pg::jsonb_of(meta.value), own_key);
    };
    return pg::equal(own(left), own(right));
}

ItemPointerData place_in(const pg::rows &found, std::size_t column) {
    return *reinterpret_cast<ItemPointer>(DatumGetPointer(found.column(0, static_cast<int>(column)).value));
}

// Whether a customer may be looked for where he stood last: one row has his key, and who is not found there is no row
// that a trigger of others kept back. In a transaction that writes one customer again and again each look by key walks
// all versions of him that there are by then.
bool has_one_place() {
    const auto &known = schema::known_entry<customer>();
    return known.keyed && !known.others_act;
}

std::optional<locked_customer> locked_of(const pg::rows &found, std::string_view pass_id) {
    if (found.empty())
        return std::nullopt;
    if (found.count() > 1) // an adopted table without a key
        throw pg::sql_error{"55000", "the customer stands in mega_customers more than once",
                            "pass_id=" + pg::quoted(pass_id),
                            "Make one row of them, then call mega_validate, which adds the key."};
    locked_customer locked;
    locked.pass_id = pass_id;
    locked.credits = found.int4(0, 0).value_or(0);
    locked.expires_at = found.time(0, 1);
    locked.may_spend = !found.boolean(0, 2).value_or(false) && !found.time(0, 3);
    locked.updated_at = found.time(0, 4).value_or(pg::timestamp{});
    locked.place = place_in(found, std::size(locked_columns));
    direct::remember(pass_id, locked.place);
    note_meta(locked, found.column(0, 5));
    read_fate(locked, meta_of(locked));
    return locked;
}

} // namespace

std::optional<locked_customer> sql_store::lock_customer(std::string_view pass_id, LockWaitPolicy wait) {
    const locking how = wait == LockWaitSkip ? locking::no_key_update_skip_locked : locking::no_key_update;
    if (const ItemPointerData *seen = direct::last_seen(pass_id); seen != nullptr && has_one_place()) {
        const ItemPointerData place = *seen;
        const pg::rows there = run(where().customers, statements::select_at(locked_columns, how), pass_id, place);
        if (!there.empty())
            return locked_of(there, pass_id);
    }
    return locked_of(run(where().customers, statements::select(locked_columns, how), pass_id), pass_id);
}

std::optional<locked_customer> sql_store::share_customer(std::string_view pass_id) {
    return locked_of(run(where().customers, statements::select(locked_columns, locking::key_share), pass_id), pass_id);
}

bool sql_store::read_customer(std::string_view pass_id, std::span<const customer> columns,
                              std::span<pg::nullable_datum> values) {
    return take(run(where().customers, statements::select(columns, locking::none), pass_id), values);
}

std::uint64_t sql_store::change_customer(const locked_customer &locked, std::span<const customer_change> changes) {
    const split_changes split(changes, {pg::to_datum(locked.pass_id)});
    // An end and mega's own key have to be stored as written; a trigger behind the write may move them on.
    const auto end = std::ranges::find(changes, customer::mg_expires_at, &customer_change::first);
    const bool ends = end != changes.end();
    const customer returned = ends ? customer::mg_expires_at : customer::mg_pass_id;
    const pg::as_role owner(where().customers.owner);
    std::optional<in_flight::projection> projecting;
    project_in_flight(projecting, locked.pass_id, changes);
    pg::rows stored(nullptr, 0);
    if (ItemPointerIsValid(&locked.place) && has_one_place()) {
        const split_changes there(changes, {pg::to_datum(locked.pass_id), pg::to_datum(locked.place)});
        stored = spi().execute(statements::update_at(split.columns, returned), where().schema, pg::access::read_write,
                               there.values);
    }
    if (stored.empty())
        stored = spi().execute(statements::update(split.columns, returned), where().schema, pg::access::read_write,
                               split.values);
    if (!stored.empty())
        direct::remember(locked.pass_id, place_in(stored, 1));
    if (ends && !stored.empty()) {
        const pg::nullable_datum found = stored.column(0, 0);
        const bool same_time = !found.is_null && !end->second.is_null &&
                               pg::timestamp_of(found.value) == pg::timestamp_of(end->second.value);
        if (!same_time && !(found.is_null && end->second.is_null))
            schema::refuse_interference(where().customers.id, schema::writing::update,
                                        "keeps mg_expires_at from a customer",
                                        to_readers({customer::mg_pass_id}, "pass_id=" + pg::quoted(locked.pass_id)));
    }
    const auto meta = std::ranges::find(changes, customer::mg_meta, &customer_change::first);
    if (meta != changes.end() && !stored.empty() && !same_own_key(meta->second, stored.column(0, 2)))
        schema::refuse_interference(where().customers.id, schema::writing::update, "keeps mg_meta.mega from a customer",
                                    to_readers({customer::mg_pass_id}, "pass_id=" + pg::quoted(locked.pass_id)));
    return stored.count();
}

bool sql_store::claim_identity(const locked_customer &locked, std::span<const customer_change> changes) {
    // Another session may insert the same identity right now: its unique index decides.
    spi().connect();
    std::uint64_t touched = 0;
    const auto failed = pg::in_subtransaction([&] {
        touched = sql_store::change_customer(locked, changes);
        if (touched != 1)
            refuse_kept_out(*this, locked.pass_id);
    });
    if (failed && (failed->data == nullptr || failed->data->sqlerrcode != ERRCODE_UNIQUE_VIOLATION))
        throw *failed;
    return !failed;
}

std::optional<visited_customer> sql_store::change_or_lock_customer(std::string_view pass_id, const change_maker &) {
    auto locked = lock_customer(pass_id, LockWaitBlock);
    if (!locked)
        return std::nullopt;
    return visited_customer{std::move(locked)};
}

void sql_store::refresh(locked_customer &locked) {
    const pg::rows found = run(where().customers, statements::select(standing_columns, locking::none), locked.pass_id);
    locked.credits = found.empty() ? 0 : found.int4(0, 0).value_or(0);
    locked.expires_at = found.empty() ? std::nullopt : found.time(0, 1);
    note_meta(locked, found.empty() ? pg::nullable_datum{} : found.column(0, 2));
}

bool sql_store::insert_customer(std::span<const customer_change> row) {
    const split_changes split(row, {});
    const std::string_view pass_id = pg::text_of(row.front().second.value);
    claimed_identities claimed{std::string(pass_id), true, {}, {}};
    for (const auto &[c, value] : row)
        if (c == customer::mg_shopify_customer_id && !value.is_null)
            claimed.shopify_id = pg::text_of(value.value);
        else if (c == customer::mg_user_id && !value.is_null)
            claimed.user_id = pg::uuid_of(value.value);
    if (!claim_identities(where(), claimed)) {
        if (pg::keeps_its_snapshot()) // who has it is not seen, as of a unique index
            throw pg::sql_error{"40001", "the customer is being created by others meanwhile", {}, "Try again."};
        return false;
    }
    pg::statement &insert = statements::insert(split.columns);
    const pg::as_role owner(where().customers.owner);
    const pg::rows inserted = spi().execute(insert, where().schema, pg::access::read_write, split.values);
    if (inserted.empty())
        return false;
    if (inserted.text(0, 0) != pass_id)
        schema::refuse_interference(
            where().customers.id, schema::writing::insert, "gives a new customer another pass id",
            "pass_id=" + pg::quoted(pass_id) +
                to_readers({customer::mg_pass_id}, " stored: " + pg::quoted(inserted.text(0, 0).value_or("NULL"))));
    return true;
}

bool sql_store::read_row(std::string_view mg_id, std::span<const column> columns, std::span<pg::nullable_datum> values,
                         ItemPointerData *) {
    return take(run(where().generations, statements::select(columns, locking::none), mg_id), values);
}

bool sql_store::lock_row(std::string_view mg_id, LockTupleMode mode, std::span<const column> columns,
                         std::span<pg::nullable_datum> values, ItemPointerData *) {
    const locking how = mode == LockTupleShare ? locking::share : locking::no_key_update;
    return take(run(where().generations, statements::select(columns, how), mg_id), values);
}

void sql_store::change_generation(std::string_view mg_id, std::span<const column> columns,
                                  std::span<const pg::nullable_datum> values) {
    std::vector<pg::nullable_datum> bound{pg::to_datum(mg_id)};
    bound.insert(bound.end(), values.begin(), values.end());
    const auto at = static_cast<std::size_t>(std::ranges::find(columns, column::mg_mma_status) - columns.begin());
    const pg::as_role owner(where().generations.owner);
    const pg::rows stored = spi().execute(statements::update(columns, column::mg_mma_status), where().schema,
                                          pg::access::read_write, bound);
    const bool is_null = stored.empty() || stored.column(0, 0).is_null;
    if (stored.empty() || is_null != values[at].is_null ||
        (!is_null && *stored.text(0, 0) != pg::text_of(values[at].value)))
        schema::refuse_interference(where().generations.id, schema::writing::update, "keeps a change from a generation",
                                    "mg_id=" + pg::quoted(mg_id));
}

void sql_store::settle_hold(const std::string &mg_id, std::string_view status, const ItemPointerData &) {
    constexpr column columns[] = {column::mg_status};
    const in_flight::settlement settling(std::span(&mg_id, 1));
    const pg::rows stored = run(where().generations, statements::update(columns, column::mg_status), mg_id, status);
    if (stored.empty() || stored.text(0, 0) != status)
        schema::refuse_interference(where().generations.id, schema::writing::update, "keeps a hold from being settled",
                                    "mg_id=" + pg::quoted(mg_id));
}

void sql_store::note_in_row(const std::string &mg_id, pg::jsonb meta, const ItemPointerData &) {
    constexpr column columns[] = {column::mg_meta};
    const in_flight::own_key writing(mg_id, own_value_of(meta));
    const pg::rows stored = run(where().generations, statements::update(columns, column::mg_id), mg_id, meta);
    if (stored.empty() || !writing.was_kept(schema::known_entry<column>().foreign_before_row))
        schema::refuse_interference(where().generations.id, schema::writing::update,
                                    "changes mg_meta.mega of a row that mega writes", "mg_id=" + pg::quoted(mg_id));
}

void sql_store::refuse_other_id(const new_row &row, std::optional<std::string_view> stored) {
    schema::refuse_interference(where().generations.id, schema::writing::insert, "gives a row of the ledger another id",
                                to_readers({column::mg_id}, "mg_id=" + pg::quoted(row.mg_id()) +
                                                                " stored: " + pg::quoted(stored.value_or("NULL"))));
}

bool sql_store::append(const new_row &row) {
    if (!claim_keys(where(), row))
        return false;
    const in_flight::own_key writing(row.mg_id(), row.own(), row.text(column::mg_pass_id).value_or(""));
    const pg::as_role owner(where().generations.owner);
    const pg::rows stored = spi().execute(statements::insert(schema::every_ledger_column), where().schema,
                                          pg::access::read_write, row.columns());
    if (stored.empty()) {
        require_taken(row);
        return false;
    }
    if (stored.text(0, 0) != row.mg_id())
        refuse_other_id(row, stored.text(0, 0));
    // As the row's own triggers knew the table: others may have come or gone between the beginning of the call and its
    // lock.
    if (!writing.was_kept(schema::known_entry<column>().foreign_before_row))
        schema::refuse_interference(where().generations.id, schema::writing::insert,
                                    "changes mg_meta.mega of a row that mega writes",
                                    to_readers({column::mg_id}, "mg_id=" + pg::quoted(row.mg_id())));
    return true;
}

appended sql_store::append_credit(const new_row &row, std::string_view pass_id, std::int32_t delta,
                                  const char *overdraft_hint) {
    const in_flight::credit credit(row.mg_id(), pass_id, delta, overdraft_hint);
    if (!append(row))
        return appended::no;
    if (credit.is_left())
        return appended::unprojected;
    // A trigger made it another row. What it says of lots is of the credits that it had.
    if (row.own() != nullptr && says_of_lots(row.own()))
        schema::refuse_interference(where().generations.id, schema::writing::insert,
                                    "changes the credits of a row that mega writes of a lot",
                                    to_readers({column::mg_id}, "mg_id=" + pg::quoted(row.mg_id())));
    return appended::projected;
}

// As the triggers that ran last knew the tables: others may have come between the beginning of the call and its locks.
bool sql_store::others_act() const {
    return schema::known_entry<customer>().others_act || schema::known_entry<column>().others_act;
}

pg::rounds &sql_store::run_on(const std::function<void()> &part) {
    if (!parts_)
        parts_.emplace(memory_);
    parts_->run_on([&](pg::spi_connection &its_own) {
        const use_of inside(*this, its_own);
        part();
    });
    return *parts_;
}

void sql_store::apart(const std::function<void()> &part) { run_on(part).forget(); }

void sql_store::require_taken(const new_row &row) {
    const pg::as_role owner(where().generations.owner);
    if (!spi()
             .run(taken_by, where().schema, pg::access::latest, row.mg_id(), row.text(column::mg_ref_type),
                  row.text(column::mg_ref_id), row.text(column::mg_reason))
             .empty())
        return;
    // The id of an expiry tells whose it is.
    const std::string detail = to_readers({column::mg_id}, "mg_id=" + pg::quoted(row.mg_id()));
    if (schema::who_interferes(where().generations.id, schema::writing::insert).empty())
        throw pg::sql_error{"23505", "a unique key of mega_generations that is not mega's keeps the row out", detail,
                            "See which unique indexes beside mega's the table has."};
    schema::refuse_interference(where().generations.id, schema::writing::insert, "keeps a row out of the ledger",
                                detail);
}

} // namespace mega::ledger
