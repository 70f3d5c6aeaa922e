#include "ledger/checked.hpp"
#include "ledger/direct_tables.hpp"
#include "ledger/own_key.hpp"
#include "pg/jsonb.hpp"
#include "pg/snapshot.hpp"

namespace mega::ledger::direct {

using schema::customer;
using column = schema::ledger;

namespace {

// Whom the row found answers for: a row that was merged, for its target.
void add_answer(std::set<std::string> &answers) {
    const pg::nullable_datum meta = customers.column(number(customer::mg_meta));
    if (!meta.is_null && !pg::has_no_member(meta.value))
        if (const auto target = own_member(pg::jsonb_of(meta.value), "merged_into"); target && target->is_string()) {
            answers.emplace(target->string());
            return;
        }
    const pg::nullable_datum own = customers.column(number(customer::mg_pass_id));
    if (own.is_null)
        throw_null_column(schema::name(customer::mg_pass_id));
    answers.emplace(pg::text_of(own.value));
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

} // namespace mega::ledger::direct
