// Profiles: mega_link_profile ties a profile to the person it is and to the customer, mega_profile finds it.
#include "admin/person.hpp"
#include "admin/upsert.hpp"
#include "core/pass_id.hpp"
#include "function_arguments.hpp"
#include "ledger/admin_look.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/merged.hpp"
#include "ledger/new_admin_row.hpp"
#include "ledger/resolve.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"

#include <set>

namespace mega::admin {

namespace {

using column = schema::admin;

// Who a profile is.
struct person {
    std::optional<pg::uuid> user_id;
    std::optional<std::string> shopify_id;

    bool operator==(const person &) const = default;
};

struct link {
    person who;
    std::optional<std::string_view> email;
    std::optional<std::string> customer; // whom the caller named
};

constexpr Oid id_type[] = {TEXTOID};
#define MEGA_STORED_PROFILE                                                                                            \
    "SELECT a.mg_user_id, a.mg_shopify_customer_id, a.mg_actor_pass_id FROM ONLY @schema@.mega_admin a "               \
    "WHERE a.mg_id OPERATOR(pg_catalog.=) $1 AND a.mg_record_type OPERATOR(pg_catalog.=) 'profile'"
constinit pg::statement see_profile(MEGA_STORED_PROFILE, id_type);
constinit pg::statement lock_profile(MEGA_STORED_PROFILE " FOR NO KEY UPDATE", id_type);

constexpr Oid change_types[] = {TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID};
constinit pg::statement
    change("UPDATE ONLY @schema@.mega_admin a SET mg_user_id = $2, mg_email = coalesce($3, a.mg_email), "
           "mg_shopify_customer_id = $4, mg_actor_pass_id = $5, mg_deleted_at = NULL "
           "WHERE a.mg_id OPERATOR(pg_catalog.=) $1 AND a.mg_record_type OPERATOR(pg_catalog.=) 'profile'",
           change_types);

constexpr Oid person_types[] = {UUIDOID, TEXTOID};
constinit pg::statement customers_of("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c "
                                     "WHERE c.mg_pass_id IS NOT NULL AND (c.mg_user_id OPERATOR(pg_catalog.=) $1 "
                                     "OR c.mg_shopify_customer_id OPERATOR(pg_catalog.=) $2) "
                                     "ORDER BY c.mg_pass_id COLLATE pg_catalog.\"C\"",
                                     person_types);

#define MEGA_PROFILES                                                                                                  \
    "SELECT a.mg_id, a.mg_profile_id, a.mg_user_id, a.mg_email, a.mg_shopify_customer_id, a.mg_actor_pass_id "         \
    "FROM ONLY @schema@.mega_admin a WHERE a.mg_record_type OPERATOR(pg_catalog.=) 'profile' "                         \
    "AND a.mg_deleted_at IS NULL "
constexpr column shown[] = {column::mg_id,    column::mg_profile_id,          column::mg_user_id,
                            column::mg_email, column::mg_shopify_customer_id, column::mg_actor_pass_id};
constinit pg::statement by_id(MEGA_PROFILES "AND a.mg_id OPERATOR(pg_catalog.=) $1", id_type);
constexpr Oid user_type[] = {UUIDOID};
constinit pg::statement by_user(MEGA_PROFILES "AND a.mg_user_id OPERATOR(pg_catalog.=) $1 "
                                              "ORDER BY a.mg_id COLLATE pg_catalog.\"C\"",
                                user_type);

std::string mg_id_of(const pg::uuid &id) { return "profile:" + pg::format_uuid(id); }

std::optional<std::string> owned(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

link read_arguments(const pg::arguments &given) {
    using in = arguments::link_profile;
    link read;
    read.who.user_id = given.uuid(in::user_id);
    read.email = read_email(given.text(in::email));
    if (const std::string_view id = core::plain_shopify_id(given.text(in::shopify_customer_id).value_or(""));
        !id.empty()) {
        ledger::check_text("shopify_customer_id", id, ledger::bad_argument);
        read.who.shopify_id = id;
    }
    read.customer = owned(ledger::optional_text("pass_id", given.text(in::pass_id)));
    return read;
}

// Who goes on of the customers with one of these identities, in byte order as others lock them.
using people = std::set<std::string, std::less<>>;
people customers_with(pg::spi_connection &spi, const schema::table_catalog &where, const person &who) {
    if (!who.user_id && !who.shopify_id)
        return {};
    const pg::as_role owner(where.customers.owner);
    const pg::rows found = spi.run(customers_of, where.schema, pg::access::read_write, who.user_id, who.shopify_id);
    people all;
    for (std::uint64_t i = 0; i < found.count(); ++i)
        all.emplace(ledger::resolve_pass_id(where, *found.text(i, 0)));
    return all;
}

// The customer with one of these identities. Raises MG009 when they are two customers'.
std::optional<std::string> customer_of(pg::spi_connection &spi, const schema::table_catalog &where, const person &who) {
    const people all = customers_with(spi, where, who);
    if (all.size() > 1)
        throw pg::sql_error{
            "MG009", "these identities belong to two customers",
            ledger::to_readers(
                {schema::customer::mg_pass_id, schema::customer::mg_user_id, schema::customer::mg_shopify_customer_id},
                "pass ids: " + pg::quoted(*all.begin()) + ", " + pg::quoted(*std::next(all.begin()))),
            "Make them one with mega_merge_customers, or say with pass_id whose profile it is."};
    return all.empty() ? std::nullopt : std::optional(*all.begin());
}

// A profile as it is stored, with what was given put in its place.
struct profile_row {
    person stored, who;
    std::optional<std::string> customer;

    bool is_same_person() const { return who == stored; }
};

std::optional<profile_row> read_profile(pg::spi_connection &spi, const schema::table_catalog &where,
                                        pg::statement &statement, const std::string &mg_id, const link &given) {
    const pg::as_role owner(where.admins.owner);
    const pg::rows found = spi.run(statement, where.schema, pg::access::read_write, mg_id);
    if (found.empty())
        return std::nullopt;
    profile_row row{{found.uuid(0, 0), owned(found.text(0, 1))}, given.who, owned(found.text(0, 2))};
    if (!row.who.user_id)
        row.who.user_id = row.stored.user_id;
    if (!row.who.shopify_id)
        row.who.shopify_id = row.stored.shopify_id;
    return row;
}

// The customers whom the profile names or may come to name, before it is locked: whoever erases or merges customers
// locks them and then what is noted about them.
void share_customers(pg::spi_connection &spi, const schema::table_catalog &where, const std::string &mg_id,
                     link &given) {
    const auto store = ledger::open_store(spi, where);
    if (given.customer) {
        given.customer = ledger::require_shared_customer(*store, *given.customer);
        return;
    }
    people all;
    const auto row = read_profile(spi, where, see_profile, mg_id, given);
    if (row && row->customer)
        all.emplace(ledger::resolve_pass_id(where, *row->customer));
    if (all.empty() || !row->is_same_person())
        all.merge(customers_with(spi, where, row ? row->who : given.who));
    for (const std::string &one : all)
        ledger::share_customer_meant(*store, one);
}

// Changes the profile where it stands: what was not given stays, and so does its customer as long as it is the same
// person.
bool change_profile(pg::spi_connection &spi, const schema::table_catalog &where, const std::string &mg_id,
                    const link &given) {
    const auto row = read_profile(spi, where, lock_profile, mg_id, given);
    if (!row)
        return false;
    std::optional<std::string> customer = row->customer;
    if (given.customer)
        customer = given.customer;
    else if (!customer || !row->is_same_person())
        customer = customer_of(spi, where, row->who);
    const pg::as_role owner(where.admins.owner);
    return spi.run(change, where.schema, pg::access::read_write, mg_id, row->who.user_id, given.email,
                   row->who.shopify_id, customer)
               .count() > 0;
}

bool make_profile(pg::spi_connection &spi, const schema::table_catalog &where, const pg::uuid &id, const link &given) {
    ledger::new_admin_row row(core::record_type::profile, pg::format_uuid(id));
    row.set(column::mg_profile_id, id)
        .set(column::mg_user_id, given.who.user_id)
        .set(column::mg_email, given.email)
        .set(column::mg_shopify_customer_id, given.who.shopify_id)
        .set(column::mg_actor_pass_id, given.customer ? given.customer : customer_of(spi, where, given.who));
    return ledger::append(spi, where, row);
}

Datum link_profile(FunctionCallInfo fcinfo) {
    using in = arguments::link_profile;
    const pg::arguments given(fcinfo);
    const pg::uuid id = ledger::require("profile_id", given.uuid(in::profile_id));
    link wanted = read_arguments(given);
    const schema::table_catalog &where = schema::guarded_catalog_of(fcinfo->flinfo->fn_oid, schema::written::admins);
    if (wanted.customer)
        wanted.customer = std::string(ledger::resolve_pass_id(where, *wanted.customer));
    const std::string mg_id = mg_id_of(id);
    pg::spi_connection spi;
    share_customers(spi, where, mg_id, wanted);
    const bool created = change_or_make(
        where, mg_id, [&] { return change_profile(spi, where, mg_id, wanted); },
        [&] { return make_profile(spi, where, id, wanted); });
    spi.finish();
    return pg::return_row(fcinfo, mg_id, created);
}

// The profile with this id, when it is that user's, should one be asked for.
void add_by_id(pg::row_set &result, pg::spi_connection &spi, const schema::table_catalog &where, const pg::uuid &id,
               const std::optional<pg::uuid> &user_id) {
    std::array<pg::nullable_datum, std::size(shown)> columns;
    const ledger::admin_look look{core::record_type::profile, shown, by_id};
    if (!ledger::look_at_admin_row(spi, where, look, mg_id_of(id), columns))
        return;
    const pg::nullable_datum &whose = columns[2];
    if (!user_id || (!whose.is_null && pg::uuid_of(whose.value) == *user_id))
        result.add_columns(columns);
}

void add_by_user(pg::row_set &result, pg::spi_connection &spi, const schema::table_catalog &where,
                 const pg::uuid &user_id) {
    const pg::rows found = spi.run(by_user, where.schema, pg::access::read_only, user_id);
    for (std::uint64_t i = 0; i < found.count(); ++i)
        result.add_row(found, i);
}

Datum profile(FunctionCallInfo fcinfo) {
    using in = arguments::profile;
    const pg::arguments given(fcinfo);
    const auto id = given.uuid(in::profile_id), user_id = given.uuid(in::user_id);
    if (!id && !user_id)
        throw pg::sql_error{ledger::bad_argument, "a profile is found by its id or by a user id",
                            "profile_id and user_id are NULL.", "Give one of them."};
    const schema::table_catalog &where = schema::catalog_of(fcinfo->flinfo->fn_oid);
    pg::row_set result(fcinfo);
    pg::spi_connection spi;
    if (id)
        add_by_id(result, spi, where, *id, user_id);
    else
        add_by_user(result, spi, where, *user_id);
    spi.finish();
    return pg::return_null(fcinfo);
}

} // namespace

} // namespace mega::admin

PG_ENTRY(mega_link_profile, mega::admin::link_profile);
PG_ENTRY(mega_profile, mega::admin::profile);
