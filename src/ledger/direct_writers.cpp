// The two heap writers of the direct path: what mega knows of customers and ledger, and where their rows are.
#include "ledger/direct_writers.hpp"

#include "ledger/held_key.hpp"
#include "ledger/recent.hpp"
#include "pg/version.hpp"
#include "schema/blueprints.hpp"
#include "schema/pending_hold.hpp"
#include "schema/settings.hpp"
#include "schema/types.hpp"

namespace mega::ledger::direct {

namespace {

using schema::customer;
using column = schema::ledger;

constexpr auto described_customer = columns_of(schema::customer_columns);
constexpr auto described_ledger = columns_of(schema::ledger_columns);

// What no update changes. A ledger row's customer is not among them: a merge moves rows.
constexpr const char *fixed_of_customer[] = {"mg_pass_id"};
constexpr const char *fixed_of_ledger[] = {"mg_id", "mg_record_type", "mg_generation_id", "mg_step_no"};
constexpr pg::heap_reference ledger_customer{"mg_pass_id", schema::customers_name, "mg_pass_id"};

constexpr const char *customer_triggers[] = {"mega_customers_check", "mega_customers_keep", "mega_customers_keep_all",
                                             "mega_customers_verify"};
constexpr const char *ledger_triggers[] = {"mega_generations_check", "mega_generations_keep",
                                           "mega_generations_keep_all", "mega_generations_project",
                                           "mega_generations_verify"};
constexpr const char *customer_checks[] = {"mega_customers_pass_id_shape"};
constexpr const char *ledger_checks[] = {"mega_generations_id_shape", "mega_generations_output_url_permanent",
                                         "mega_generations_image_url_permanent",
                                         "mega_generations_video_url_permanent"};
constexpr pg::heap_index customer_probes[] = {
    {true, true, "btree (mg_pass_id)"},
    {false, true, "btree (mg_shopify_customer_id) WHERE (mg_shopify_customer_id IS NOT NULL)"},
    {false, true, "btree (mg_user_id) WHERE (mg_user_id IS NOT NULL)"}};
constexpr pg::heap_index ledger_probes[] = {
    {true, true, "btree (mg_id)"},
    {true, true,
     "btree (mg_ref_type, mg_ref_id, COALESCE(mg_reason, ''::text)) WHERE ((mg_record_type = "
     "'credit_transaction'::text) AND (mg_ref_type IS NOT NULL) AND (mg_ref_id IS NOT NULL))",
     "mg_ref_type"},
    {true, false, "btree (mg_generation_id, mg_record_type, mg_step_no)"},
    {false, false, schema::pending_hold_index},
    {false, false,
     "btree (((mg_meta #>> '{mega,revoke_of}'::text[]))) WHERE ((mg_meta #>> '{mega,revoke_of}'::text[]) IS NOT "
     "NULL)"}};

// Where this transaction saw or wrote customers last. In one transaction that writes a customer again and again the
// version chain grows, and an index would lead to its beginning each time; and a call that looks twice descends once.
// Only hints: what stands at a place is looked at before it is believed. As long as the transaction lasts its lock on
// the table keeps the page where it is.
constinit recent<ItemPointerData, pg::local_transaction> places;

// A subtransaction that is rolled back gives back the lock on the table that it took.
void forget_places(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (event == SUBXACT_EVENT_ABORT_SUB)
        places.forget_all();
}

bool stands_at(const ItemPointerData &place, std::string_view pass_id) {
    return customers.find_at(place) && pg::text_of(customers.column(number(customer::mg_pass_id)).value) == pass_id;
}

} // namespace

constinit pg::heap_writer customers({described_customer, fixed_of_customer, customer_triggers, customer_checks, nullptr,
                                     customer_probes});
constinit pg::heap_writer ledger_rows({described_ledger, fixed_of_ledger, ledger_triggers, ledger_checks,
                                       &ledger_customer, ledger_probes});

void remember(std::string_view pass_id, ItemPointerData place) { places.note(pass_id, place); }

const ItemPointerData *last_seen(std::string_view pass_id) { return places.find(pass_id); }

void watch_transactions() { RegisterSubXactCallback(forget_places, nullptr); }

bool possible(const schema::table_catalog &where) {
    if (where.customers.may_be_written.of_looks != nullptr || where.generations.may_be_written.of_looks != nullptr)
        return false; // to look at such an index runs it
    return write_path_setting() == write_path::automatic && customers.eligible(where.customers.id) &&
           ledger_rows.eligible(where.generations.id) && !leaves_out_keys(where);
}

std::string why_not(const schema::table_catalog &where) {
    if (possible(where))
        return {};
    if (write_path_setting() != write_path::automatic)
        return "mega.write_path is sql";
    for (const schema::verdict *one : {&where.customers.may_be_written, &where.generations.may_be_written})
        if (one->of_looks != nullptr)
            return one->of_looks->message.c_str();
    const bool of_customers = !customers.eligible(where.customers.id);
    if (!of_customers && ledger_rows.eligible(where.generations.id))
        return std::string(schema::generations_name) +
               ": its index of references leaves out types that are keys (mega.unkeyed_ref_types)";
    return std::string(of_customers ? schema::customers_name : schema::generations_name) + ": " +
           (of_customers ? customers : ledger_rows).obstacle();
}

bool may_read_every_row(Oid relation) {
    return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
           check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED;
}

bool finds_identities() { return customers.has_index(by_shopify_id) && customers.has_index(by_user_id); }

bool may_read(const schema::table_catalog &where) {
    return ledger_rows.has_index(by_pending_hold) && pg::call([&where] {
               return may_read_every_row(where.customers.id) && may_read_every_row(where.generations.id);
           });
}

void open(pg::heap_writer &table, LOCKMODE lock) {
    if (!table.open(lock))
        throw pg::sql_error{"40001", "a table of mega was changed while it was being written", {}, "Try again."};
}

bool find_customer(std::string_view pass_id, const ItemPointerData *place) {
    if (place != nullptr && ItemPointerIsValid(place) && stands_at(*place, pass_id))
        return true;
    if (const ItemPointerData *seen = last_seen(pass_id); seen != nullptr && stands_at(*seen, pass_id))
        return true;
    const Datum key[] = {pg::to_datum(pass_id).value};
    if (!customers.find(by_key, key))
        return false;
    remember(pass_id, customers.place());
    return true;
}

bool find_row(std::string_view mg_id, const ItemPointerData *place) {
    if (place != nullptr && ItemPointerIsValid(place) && ledger_rows.find_at(*place) &&
        pg::text_of(ledger_rows.column(number(column::mg_id)).value) == mg_id)
        return true;
    const Datum key[] = {pg::to_datum(mg_id).value};
    return ledger_rows.find(by_key, key);
}

} // namespace mega::ledger::direct
