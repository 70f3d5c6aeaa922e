#include "ledger/direct.hpp"

#include "ledger/settings.hpp"
#include "pg/clock.hpp"
#include "pg/direct_table.hpp"
#include "pg/jsonb.hpp"
#include "pg/snapshot.hpp"
#include "schema/manifest.hpp"

namespace mega::ledger::direct {

namespace {

using schema::customer;
using column = schema::ledger;

constexpr Oid type_oid(std::string_view type) {
    if (type.starts_with("text"))
        return TEXTOID;
    if (type == "integer")
        return INT4OID;
    if (type == "boolean")
        return BOOLOID;
    if (type == "uuid")
        return UUIDOID;
    return type == "jsonb" ? JSONBOID : TIMESTAMPTZOID;
}

template <std::size_t N> constexpr auto columns_of(const std::array<schema::column, N> &described) {
    std::array<pg::direct_column, N> columns{};
    for (std::size_t i = 0; i < N; ++i)
        columns[i] = {described[i].name, type_oid(described[i].type)};
    return columns;
}

constexpr auto customer_columns = columns_of(schema::customer_columns);
constexpr auto record_columns = columns_of(schema::ledger_columns);

constexpr const char *customer_triggers[] = {"mega_customers_check", "mega_customers_keep", "mega_customers_keep_all",
                                             "mega_customers_verify"};
constexpr const char *record_triggers[] = {"mega_generations_check", "mega_generations_keep",
                                           "mega_generations_keep_all", "mega_generations_project",
                                           "mega_generations_verify"};
constexpr const char *customer_checks[] = {"mega_customers_pass_id_shape"};
constexpr const char *record_checks[] = {"mega_generations_id_shape", "mega_generations_output_url_permanent",
                                         "mega_generations_image_url_permanent",
                                         "mega_generations_video_url_permanent"};
constexpr pg::direct_index customer_probes[] = {
    {true, true, "btree (mg_pass_id)"},
    {false, true, "btree (mg_shopify_customer_id) WHERE (mg_shopify_customer_id IS NOT NULL)"},
    {false, true, "btree (mg_user_id) WHERE (mg_user_id IS NOT NULL)"}};
constexpr pg::direct_index record_probes[] = {
    {true, true, "btree (mg_id)"},
    {true, true,
     "btree (mg_ref_type, mg_ref_id, COALESCE(mg_reason, ''::text)) WHERE ((mg_record_type = "
     "'credit_transaction'::text) AND (mg_ref_type IS NOT NULL) AND (mg_ref_id IS NOT NULL))"},
    {true, false, "btree (mg_generation_id, mg_record_type, mg_step_no)"},
    {false, false,
     "btree (mg_pass_id) WHERE ((mg_record_type = 'credit_transaction'::text) AND (mg_status = 'pending'::text) "
     "AND (mg_id >= 'credit_transaction:hold:'::text) AND (mg_id < 'credit_transaction:hold;'::text))"}};
constexpr std::size_t by_key = 0; // of either table
constexpr std::size_t by_shopify_id = 1;
constexpr std::size_t by_user_id = 2;
constexpr std::size_t by_reference_key = 1;
constexpr std::size_t by_generation = 2;
constexpr std::size_t by_pending_hold = 3;

constinit pg::direct_table customers({customer_columns, customer_triggers, customer_checks, nullptr, customer_probes});
constinit pg::direct_table records({record_columns, record_triggers, record_checks, "mega_generations_pass_id_fkey",
                                    record_probes});

// Where a customer was written last. In one transaction that writes a customer again and again the version chain grows,
// and an index would lead to its beginning each time. Only a hint: what stands there is looked at before it is
// believed.
struct customer_place {
    std::array<char, 513> pass_id;
    ItemPointerData place;
    TransactionId transaction; // whose lock on the table keeps the page where it is
};
constinit customer_place last_place{};

void remember(std::string_view pass_id, ItemPointerData place) {
    if (pass_id.size() >= last_place.pass_id.size())
        return;
    std::memcpy(last_place.pass_id.data(), pass_id.data(), pass_id.size());
    last_place.pass_id[pass_id.size()] = '\0';
    last_place.place = place;
    last_place.transaction = GetTopTransactionIdIfAny();
}

// A subtransaction that is rolled back gives back the lock on the table that it took.
void forget_place(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (event == SUBXACT_EVENT_ABORT_SUB)
        last_place.transaction = InvalidTransactionId;
}

constexpr std::size_t number(customer c) { return static_cast<std::size_t>(c); }
constexpr std::size_t number(column c) { return static_cast<std::size_t>(c); }

[[noreturn]] void throw_changed() {
    throw pg::sql_error{"40001", "a table of mega was changed while it was being written", {}, "Try again."};
}

void open(pg::direct_table &table, LOCKMODE lock) {
    if (!table.open(lock))
        throw_changed();
}

bool stands_at(const ItemPointerData &place, std::string_view pass_id) {
    return customers.find_at(place) && pg::text_of(customers.column(number(customer::mg_pass_id)).value) == pass_id;
}

bool find_customer(std::string_view pass_id) {
    if (TransactionIdIsValid(last_place.transaction) && last_place.transaction == GetTopTransactionIdIfAny() &&
        pass_id == last_place.pass_id.data() && stands_at(last_place.place, pass_id))
        return true;
    const Datum key[] = {pg::to_datum(pass_id).value};
    return customers.find(by_key, key);
}

// place: where it was seen last; a hint only.
bool find_record(std::string_view mg_id, const ItemPointerData *place) {
    if (place != nullptr && ItemPointerIsValid(place) && records.find_at(*place) &&
        pg::text_of(records.column(number(column::mg_id)).value) == mg_id)
        return true;
    const Datum key[] = {pg::to_datum(mg_id).value};
    return records.find(by_key, key);
}

// A copy of a value that outlives the page it stands on.
pg::nullable_datum copied(pg::nullable_datum value, Oid type) {
    if (value.is_null)
        return value;
    return {pg::call([value, type] {
                int16 length;
                bool by_value;
                get_typlenbyval(type, &length, &by_value);
                return datumCopy(value.value, by_value, length);
            }),
            false};
}

template <class Column>
void copy_columns(const pg::direct_table &table, std::span<const pg::direct_column> described,
                  std::span<const Column> columns, std::span<pg::nullable_datum> values) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        values[i] = copied(table.column(number(columns[i])), described[number(columns[i])].type);
}

using written_columns = std::vector<std::pair<std::size_t, pg::nullable_datum>>;

// The columns to write into the row found. Without a time of its own mg_updated_at is `now`.
template <class Change>
written_columns numbered(std::span<const Change> changes, std::size_t updated_at, pg::timestamp now) {
    written_columns result;
    result.reserve(changes.size() + 1);
    bool stamped = false;
    for (const auto &[c, value] : changes) {
        result.emplace_back(number(c), value);
        stamped = stamped || number(c) == updated_at;
    }
    if (!stamped)
        result.emplace_back(updated_at, pg::to_datum(now));
    return result;
}

// mg_updated_at of a customer does not run back with the clock: rows are stamped behind it.
written_columns of_customer(std::span<const customer_change> changes) {
    constexpr std::size_t updated_at = number(customer::mg_updated_at);
    return numbered(changes, updated_at, stamp_behind(pg::timestamp_of(customers.column(updated_at).value)));
}

written_columns of_record(std::span<const ledger_change> changes) {
    return numbered(changes, number(column::mg_updated_at), pg::clock_time());
}

// The row of customers that is found.
locked_customer customer_found(std::string_view pass_id) {
    const auto at = [](customer c) { return customers.column(number(c)); };
    const auto flag = [&](customer c) { return !at(c).is_null && DatumGetBool(at(c).value); };
    locked_customer result;
    result.pass_id = pass_id;
    result.credits = DatumGetInt32(at(customer::mg_credits).value);
    if (!at(customer::mg_expires_at).is_null)
        result.expires_at = pg::timestamp_of(at(customer::mg_expires_at).value);
    result.may_spend = !flag(customer::mg_disabled) && at(customer::mg_deleted_at).is_null;
    result.updated_at = pg::timestamp_of(at(customer::mg_updated_at).value);
    result.place = customers.place();
    return result;
}

// Locks the row of customers that is found. std::nullopt when it is gone or, with LockWaitSkip, not free.
std::optional<locked_customer> lock_customer_found(std::string_view pass_id, LockWaitPolicy wait) {
    const pg::locked lock = customers.lock_found(LockTupleNoKeyExclusive, wait);
    if (lock != pg::locked::yes && lock != pg::locked::newer)
        return std::nullopt;
    locked_customer customer = customer_found(pass_id);
    customer.changed_meanwhile = lock == pg::locked::newer;
    remember(pass_id, customer.place);
    return customer;
}

bool may_read_every_row(Oid relation) {
    return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
           check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED;
}

} // namespace

void watch_transactions() { RegisterSubXactCallback(forget_place, nullptr); }

bool possible(const schema::tables &where) {
    return write_path_setting() == write_path::automatic && customers.eligible(where.customers.id) &&
           records.eligible(where.generations.id);
}

bool may_ensure(const schema::tables &where) {
    return possible(where) && customers.has_index(by_shopify_id) && customers.has_index(by_user_id);
}

bool may_read(const schema::tables &where) {
    return possible(where) && records.has_index(by_pending_hold) && pg::call([&where] {
               return may_read_every_row(where.customers.id) && may_read_every_row(where.generations.id);
           });
}

std::optional<locked_customer> lock_customer(std::string_view pass_id, LockWaitPolicy wait) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    std::optional<locked_customer> result;
    if (find_customer(pass_id))
        result = lock_customer_found(pass_id, wait);
    customers.close();
    snapshot.done();
    return result;
}

namespace {

std::optional<std::vector<customer_change>> try_change(const change_maker &change, const locked_customer &seen) {
    try {
        return change(seen);
    } catch (const pg::sql_error &) {
        return std::nullopt; // behind the lock it may be another customer; if not, the caller raises it again
    }
}

} // namespace

std::optional<visited_customer> change_or_lock_customer(std::string_view pass_id, const change_maker &change) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    std::optional<visited_customer> result;
    if (find_customer(pass_id)) {
        const auto changes = try_change(change, customer_found(pass_id));
        if (changes && customers.try_update_found(of_customer(*changes))) {
            remember(pass_id, customers.place());
            result.emplace();
        } else if (auto customer = lock_customer_found(pass_id, LockWaitBlock)) {
            result = visited_customer{std::move(customer)};
        }
    }
    customers.close();
    snapshot.done();
    return result;
}

void update_customer(std::string_view pass_id, std::span<const customer_change> changes, const ItemPointerData *place) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    const bool hinted = place != nullptr && ItemPointerIsValid(place) && stands_at(*place, pass_id);
    if (!hinted && !find_customer(pass_id))
        throw pg::sql_error{
            "XX000", "a projection touched 0 customers instead of one", "pass_id=" + pg::quoted(pass_id), {}};
    customers.update_found(of_customer(changes));
    remember(pass_id, customers.place());
    customers.close();
    snapshot.done();
}

namespace {

// Whom the row found answers for: a row that was merged, for its target.
void add_answer(std::set<std::string> &answers) {
    const pg::nullable_datum meta = customers.column(number(customer::mg_meta));
    if (!meta.is_null)
        if (const auto target = pg::find(pg::jsonb_of(meta.value), "merged_into"); target && target->is_string()) {
            answers.emplace(target->string());
            return;
        }
    answers.emplace(pg::text_of(customers.column(number(customer::mg_pass_id)).value));
}

} // namespace

std::set<std::string> find_customers(const std::set<std::string> &pass_ids,
                                     const std::optional<std::string> &shopify_id,
                                     const std::optional<pg::uuid> &user_id) {
    std::set<std::string> answers;
    pg::fresh_snapshot snapshot;
    open(customers, AccessShareLock);
    for (const std::string &pass_id : pass_ids)
        if (find_customer(pass_id))
            add_answer(answers);
    const auto look_by = [&](std::size_t index, const auto &id) {
        if (!id)
            return;
        const Datum key[] = {pg::to_datum(*id).value};
        if (customers.find(index, key))
            add_answer(answers);
    };
    look_by(by_shopify_id, shopify_id);
    look_by(by_user_id, user_id);
    customers.close();
    snapshot.done();
    return answers;
}

TupleDesc customer_shape() { return customers.shape(); }

void default_customer(std::span<pg::nullable_datum> columns) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        columns[i] = copied(customers.default_of(i), customer_columns[i].type);
}

bool insert_customer(std::span<const pg::nullable_datum> columns) {
    pg::fresh_snapshot snapshot;
    open(customers, RowExclusiveLock);
    const bool inserted = customers.insert(columns, true);
    customers.close();
    snapshot.done();
    return inserted;
}

bool read_customer(std::string_view pass_id, std::span<const customer> columns, std::span<pg::nullable_datum> values) {
    pg::fresh_snapshot snapshot;
    open(customers, AccessShareLock);
    const bool exists = find_customer(pass_id);
    if (exists)
        copy_columns(customers, customer_columns, columns, values);
    customers.close();
    snapshot.done();
    return exists;
}

bool read_record(std::string_view mg_id, std::span<const column> columns, std::span<pg::nullable_datum> values,
                 ItemPointerData *place) {
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    const bool exists = find_record(mg_id, place);
    if (exists) {
        copy_columns(records, record_columns, columns, values);
        if (place != nullptr)
            *place = records.place();
    }
    records.close();
    snapshot.done();
    return exists;
}

bool read_by_reference(std::string_view ref_type, std::string_view ref_id, std::string_view reason,
                       std::span<const column> columns, std::span<pg::nullable_datum> values) {
    const Datum key[] = {pg::to_datum(ref_type).value, pg::to_datum(ref_id).value, pg::to_datum(reason).value};
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    const bool exists = records.find(by_reference_key, key);
    if (exists)
        copy_columns(records, record_columns, columns, values);
    records.close();
    snapshot.done();
    return exists;
}

namespace {

void find_texts(std::size_t index, std::span<const Datum> keys, std::span<const std::string_view> texts,
                std::span<bool> found) {
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    records.find_texts(index, keys, texts, found);
    records.close();
    snapshot.done();
}

} // namespace

void find_ids(std::span<const std::string_view> mg_ids, std::span<bool> found) {
    find_texts(by_key, {}, mg_ids, found);
}

void find_references(std::string_view ref_type, std::span<const std::string_view> ref_ids, std::span<bool> found) {
    const Datum type[] = {pg::to_datum(ref_type).value};
    find_texts(by_reference_key, type, ref_ids, found);
}

std::optional<standing_balance> balance_of(std::string_view pass_id) {
    const pg::callers_moment by_the_callers_snapshot;
    constexpr customer columns[] = {customer::mg_credits, customer::mg_expires_at};
    pg::nullable_datum values[2];
    if (!read_customer(pass_id, columns, values))
        return std::nullopt;
    standing_balance result;
    result.credits = values[0].is_null ? 0 : DatumGetInt32(values[0].value);
    if (!values[1].is_null)
        result.expires_at = pg::timestamp_of(values[1].value);
    const Datum key[] = {pg::to_datum(pass_id).value};
    open(records, AccessShareLock);
    result.pending_holds = records.sum(by_pending_hold, key, number(column::mg_delta));
    records.close();
    return result;
}

bool update_record(std::string_view mg_id, std::span<const ledger_change> changes, const ItemPointerData *place) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    bool exists = find_record(mg_id, place);
    if (exists && !records.try_update_found(of_record(changes))) { // somebody changed it since: locked first, it stays
        exists = records.lock_found(LockTupleNoKeyExclusive, LockWaitBlock) != pg::locked::absent;
        if (exists)
            records.update_found(of_record(changes));
    }
    records.close();
    snapshot.done();
    return exists;
}

bool lock_record(std::string_view mg_id, LockTupleMode mode, std::span<const column> columns,
                 std::span<pg::nullable_datum> values) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    const bool exists = find_record(mg_id, nullptr) && records.lock_found(mode, LockWaitBlock) != pg::locked::absent;
    if (exists)
        copy_columns(records, record_columns, columns, values);
    records.close();
    snapshot.done();
    return exists;
}

std::optional<std::int32_t> last_step(std::string_view generation_id) {
    const Datum key[] = {pg::to_datum(generation_id).value, pg::to_datum("mma_step").value};
    pg::fresh_snapshot snapshot;
    open(records, AccessShareLock);
    std::optional<std::int32_t> number_found;
    if (records.find_last(by_generation, key))
        if (const auto value = records.column(number(column::mg_step_no)); !value.is_null)
            number_found = DatumGetInt32(value.value);
    records.close();
    snapshot.done();
    return number_found;
}

bool append(std::span<const pg::nullable_datum> columns, bool keyed) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    const bool appended = records.insert(columns, keyed);
    records.close();
    snapshot.done();
    return appended;
}

void append_many(std::span<const pg::nullable_datum> columns) {
    pg::fresh_snapshot snapshot;
    open(records, RowExclusiveLock);
    records.insert_many(columns, record_columns.size());
    records.close();
    snapshot.done();
}

TupleDesc record_shape() { return records.shape(); }

} // namespace mega::ledger::direct
