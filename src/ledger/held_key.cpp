// Holds keys by a lock and a look.
#include "ledger/held_key.hpp"

#include "core/record_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/lock_kinds.hpp"
#include "ledger/parent_check.hpp"
#include "ledger/statement_texts.hpp"
#include "ledger/words.hpp"
#include "pg/own_lock.hpp"
#include "pg/version.hpp"
#include "schema/restore.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;
using schema::customer;

// Several keys share a lock, so that a COPY of any size takes no more of them than a server has room for.
constexpr std::uint32_t locks = 1024;

constexpr Oid text_type[] = {TEXTOID}, two_texts[] = {TEXTOID, TEXTOID}, uuid_and_text[] = {UUIDOID, TEXTOID};
constinit pg::statement admin_row_with_id =
    pg::statement("SELECT FROM ONLY @schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1 LIMIT 1", text_type)
        .by_key();
constinit pg::statement customer_with_shopify_id =
    pg::statement("SELECT FROM ONLY @schema@.mega_customers c WHERE c.mg_shopify_customer_id OPERATOR(pg_catalog.=) $1 "
                  "AND c.mg_pass_id OPERATOR(pg_catalog.<>) $2 LIMIT 1",
                  two_texts)
        .by_key();
constinit pg::statement customer_with_user_id =
    pg::statement("SELECT FROM ONLY @schema@.mega_customers c WHERE c.mg_user_id OPERATOR(pg_catalog.=) $1 AND "
                  "c.mg_pass_id OPERATOR(pg_catalog.<>) $2 LIMIT 1",
                  uuid_and_text)
        .by_key();

// Of what is restored or replicated the keys were right where it comes from.
bool holds_nothing(const schema::table_catalog &where) {
    return SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA || schema::is_put_back(where.generations.owner);
}

// kind: which key it is.
std::uint32_t number_of(std::string_view kind, std::initializer_list<std::string_view> parts) {
    std::string key(kind);
    for (const std::string_view part : parts)
        key.append(1, '\0').append(part);
    return hash_bytes(reinterpret_cast<const unsigned char *>(key.data()), static_cast<int>(key.size())) % locks;
}

// In order, so that those who take several at once do not wait for each other.
void lock(std::vector<std::uint32_t> numbers) {
    std::ranges::sort(numbers);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    for (const std::uint32_t number : numbers)
        pg::call([number] {
            const LOCKTAG wanted = pg::own_lock(lock_kind::key, number);
            LockAcquire(&wanted, ExclusiveLock, false, false);
        });
}

// Whether a row is found that is one of these, by the latest there is, whoever asks.
template <class IsOne, class... Bound>
bool finds(const schema::table_catalog &where, Oid owner, pg::statement &look, IsOne is_one, const Bound &...bound) {
    pg::spi_connection spi;
    bool found = false;
    {
        const pg::as_role as_owner(owner);
        const pg::rows rows = spi.run(look, where.schema, pg::access::latest, bound...);
        for (std::uint64_t i = 0; i < rows.count() && !found; ++i)
            found = is_one(rows, i);
    }
    spi.finish();
    return found;
}

template <class... Bound>
bool finds_none(const schema::table_catalog &where, Oid owner, pg::statement &look, const Bound &...bound) {
    return !finds(
        where, owner, look, [](const pg::rows &, std::uint64_t) { return true; }, bound...);
}

bool is_kept_by_index(const schema::table_catalog &where, std::string_view ref_type) {
    return where.generations.reference_key &&
           std::ranges::find(where.generations.left_out, ref_type) == where.generations.left_out.end();
}

// The keys of a credit row, or another row of the ledger, that are held.
struct row_keys {
    std::optional<std::string_view> mg_id;
    std::optional<std::array<std::string_view, 3>> reference; // type, id, reason
    std::optional<std::string_view> of;                       // the row that may have it, for Postgres holds its id

    void add_reference(const schema::table_catalog &where, std::optional<std::string_view> ref_type,
                       std::optional<std::string_view> ref_id, std::optional<std::string_view> reason) {
        if (ref_type && ref_id && !is_kept_by_index(where, *ref_type) && is_keyed(*ref_type))
            reference = {*ref_type, *ref_id, reason.value_or("")};
    }

    bool any() const { return mg_id || reference; }

    void add_numbers(std::vector<std::uint32_t> &numbers) const {
        if (mg_id)
            numbers.push_back(number_of("row", {*mg_id}));
        if (reference)
            numbers.push_back(number_of("reference", {(*reference)[0], (*reference)[1], (*reference)[2]}));
    }
};

bool is_anothers(const schema::table_catalog &where, const std::array<std::string_view, 3> &reference,
                 std::optional<std::string_view> mg_id) {
    constexpr column id[] = {column::mg_id};
    const auto anothers = [mg_id](const pg::rows &rows, std::uint64_t i) { return !mg_id || rows.text(i, 0) != mg_id; };
    return finds(where, where.generations.owner, statements::select_by_reference(id), anothers, reference[0],
                 reference[1], reference[2]);
}

enum class taken { nothing, id, reference };

taken claim(const schema::table_catalog &where, const row_keys &keys) {
    if (!keys.any() || holds_nothing(where))
        return taken::nothing;
    std::vector<std::uint32_t> numbers;
    keys.add_numbers(numbers);
    lock(std::move(numbers));
    constexpr column id[] = {column::mg_id};
    if (keys.mg_id &&
        !finds_none(where, where.generations.owner, statements::select(id, statements::locking::none), *keys.mg_id))
        return taken::id;
    return keys.reference && is_anothers(where, *keys.reference, keys.of) ? taken::reference : taken::nothing;
}

// A foreign key would hold it where it could be made.
void require_customer(const schema::table_catalog &where, std::optional<std::string_view> pass_id) {
    if (pass_id && !where.customers.id_key && !holds_nothing(where) && !customer_exists(where, *pass_id))
        throw_unknown_customer(*pass_id);
}

constexpr const char *mend_doubles = "Old rows that share ids keep the unique index out: mega_validate lists them.";

// Which of them somebody else has; nullptr when nobody has one.
const char *taken_identity(const schema::table_catalog &where, const claimed_identities &of) {
    const auto &table = where.customers;
    const bool pass_id = of.is_new && !table.id_key, shopify_id = of.shopify_id && !table.shopify_id_key,
               user_id = of.user_id && !table.user_id_key;
    if ((!pass_id && !shopify_id && !user_id) || holds_nothing(where))
        return nullptr;
    std::vector<std::uint32_t> numbers;
    if (pass_id)
        numbers.push_back(number_of("customer", {of.pass_id}));
    if (shopify_id)
        numbers.push_back(number_of("shopify id", {*of.shopify_id}));
    if (user_id)
        numbers.push_back(number_of("user id", {pg::format_uuid(*of.user_id)}));
    lock(std::move(numbers));
    constexpr customer id[] = {customer::mg_pass_id};
    if (pass_id && !finds_none(where, table.owner, statements::select(id, statements::locking::none), of.pass_id))
        return "pass id";
    if (shopify_id && !finds_none(where, table.owner, customer_with_shopify_id, *of.shopify_id, of.pass_id))
        return "Shopify id";
    if (user_id && !finds_none(where, table.owner, customer_with_user_id, *of.user_id, of.pass_id))
        return "user id";
    return nullptr;
}

} // namespace

bool leaves_out_keys(const schema::table_catalog &where) {
    return std::ranges::any_of(where.generations.left_out, [](const std::string &type) { return is_keyed(type); });
}

bool claim_keys(const schema::table_catalog &where, const new_row &row) {
    row_keys keys;
    if (!where.generations.id_key && row.keyed())
        keys.mg_id = row.mg_id();
    keys.add_reference(where, row.text(column::mg_ref_type), row.text(column::mg_ref_id), row.text(column::mg_reason));
    return claim(where, keys) == taken::nothing;
}

void require_free_keys(const schema::table_catalog &where, const ledger_row &row) {
    row_keys keys;
    // What a function writes was claimed before, or has an id that was made for it.
    if (const auto mg_id = row.text(column::mg_id);
        mg_id && !where.generations.id_key && !in_flight::is_written(*mg_id))
        keys.mg_id = *mg_id;
    else
        keys.of = mg_id;
    const auto ref_type = row.text(column::mg_ref_type), ref_id = row.text(column::mg_ref_id),
               reason = row.text(column::mg_reason);
    if (row.text(column::mg_record_type) == core::name(core::record_type::credit_transaction))
        keys.add_reference(where, ref_type, ref_id, reason);
    switch (claim(where, keys)) {
    case taken::nothing:
        return require_customer(where, row.text(column::mg_pass_id));
    case taken::id:
        throw pg::sql_error{"23505", "another row of the ledger has this id", "mg_id=" + pg::quoted(*keys.mg_id),
                            mend_doubles};
    case taken::reference:
        throw pg::sql_error{
            "23505", "another credit row has this reference",
            "mg_ref_type=" + pg::quoted(*ref_type) + " mg_ref_id=" + pg::quoted(*ref_id) +
                " mg_reason=" + (reason ? pg::quoted(*reason) : "NULL"),
            "A reference moves credits once for a reason. Old rows that share references keep the unique "
            "index out: mega_validate lists them."};
    }
}

bool key_locks::are_needed() const {
    return !where_.generations.id_key || !where_.generations.reference_key || !where_.generations.left_out.empty();
}

void key_locks::add(std::string_view mg_id, std::optional<std::string_view> ref_type,
                    std::optional<std::string_view> ref_id, std::optional<std::string_view> reason) {
    row_keys keys;
    if (!where_.generations.id_key && !mg_id.empty())
        keys.mg_id = mg_id;
    keys.add_reference(where_, ref_type, ref_id, reason);
    keys.add_numbers(numbers_);
}

void key_locks::take() {
    if (!numbers_.empty() && !holds_nothing(where_))
        lock(std::exchange(numbers_, {}));
}

bool claim_admin_id(const schema::table_catalog &where, std::string_view mg_id) {
    if (where.admins.id_key || holds_nothing(where))
        return true;
    lock({number_of("admin row", {mg_id})});
    return finds_none(where, where.admins.owner, admin_row_with_id, mg_id);
}

void require_free_keys(const schema::table_catalog &where, const schema::named_row<schema::admin> &row) {
    if (const auto mg_id = row.text(schema::admin::mg_id); mg_id && !claim_admin_id(where, *mg_id))
        throw pg::sql_error{"23505", "another row of mega_admin has this id", "mg_id=" + pg::quoted(*mg_id),
                            mend_doubles};
    require_customer(where, row.text(schema::admin::mg_actor_pass_id));
}

bool claim_identities(const schema::table_catalog &where, const claimed_identities &of) {
    return taken_identity(where, of) == nullptr;
}

void require_free_identities(const schema::table_catalog &where, const customer_row *old_row, const customer_row &row) {
    if (where.customers.id_key && where.customers.shopify_id_key && where.customers.user_id_key)
        return;
    const auto changed = [&](customer c) { return old_row == nullptr || !old_row->same(row, c); };
    claimed_identities of{std::string(row.text(customer::mg_pass_id).value_or("")), old_row == nullptr, {}, {}};
    if (const auto id = row.text(customer::mg_shopify_customer_id); id && changed(customer::mg_shopify_customer_id))
        of.shopify_id = *id;
    if (changed(customer::mg_user_id))
        of.user_id = row.uuid(customer::mg_user_id);
    if (const char *taken = taken_identity(where, of))
        throw pg::sql_error{"23505", std::string("another customer has this ") + taken,
                            to_readers({customer::mg_pass_id}, "pass_id=" + pg::quoted(of.pass_id)), mend_doubles};
}

} // namespace mega::ledger
