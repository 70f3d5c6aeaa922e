// mega_ensure_customer: one row per person, however many ask at once.
#include "core/pass_id.hpp"
#include "identity/customer_check.hpp"
#include "identity/wanted.hpp"
#include "ledger/checked.hpp"
#include "ledger/direct.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/project.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"
#include "pg/subtransaction.hpp"
#include "schema/others.hpp"

namespace mega::identity {

namespace {

constexpr Oid look_types[] = {TEXTOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
// A row that was merged answers for its target.
constinit pg::statement look("SELECT DISTINCT coalesce(c.mg_meta OPERATOR(pg_catalog.#>>) '{mega,merged_into}', "
                             "c.mg_pass_id) FROM ONLY @schema@.mega_customers c WHERE "
                             "c.mg_pass_id OPERATOR(pg_catalog.=) ANY (ARRAY[$1, $4, $5, $6, $7]) "
                             "OR c.mg_shopify_customer_id OPERATOR(pg_catalog.=) $2 "
                             "OR c.mg_user_id OPERATOR(pg_catalog.=) $3 ORDER BY 1",
                             look_types);

constexpr Oid insert_types[] = {TEXTOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID,
                                TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID, TIMESTAMPTZOID};
constinit pg::statement
    insert("INSERT INTO @schema@.mega_customers (mg_pass_id, mg_shopify_customer_id, mg_user_id, mg_email, "
           "mg_first_name, mg_last_name, mg_display_name, mg_locale, mg_timezone, mg_marketing_opt_in, "
           "mg_product_updates_opt_in, mg_last_active, mg_source_system) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
           "$10, $11, $12, 'api') ON CONFLICT DO NOTHING RETURNING mg_pass_id",
           insert_types);

constinit pg::statement
    fill("UPDATE ONLY @schema@.mega_customers c SET mg_shopify_customer_id = coalesce(c.mg_shopify_customer_id, $2), "
         "mg_user_id = coalesce(c.mg_user_id, $3), mg_email = coalesce(c.mg_email, $4), "
         "mg_first_name = coalesce(c.mg_first_name, $5), mg_last_name = coalesce(c.mg_last_name, $6), "
         "mg_display_name = coalesce(c.mg_display_name, $7), mg_locale = coalesce(c.mg_locale, $8), "
         "mg_timezone = coalesce(c.mg_timezone, $9), mg_marketing_opt_in = coalesce(c.mg_marketing_opt_in, $10), "
         "mg_product_updates_opt_in = coalesce(c.mg_product_updates_opt_in, $11), mg_last_active = $12 "
         "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
         insert_types);

constexpr Oid identity_types[] = {TEXTOID};
constinit pg::statement standing_of("SELECT c.mg_shopify_customer_id, c.mg_user_id, c.mg_disabled, c.mg_deleted_at IS "
                                    "NOT NULL FROM ONLY @schema@.mega_customers c "
                                    "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                    identity_types);

// What ensure writes of a customer: its identities, and what was told about it.
struct writing {
    schema::customer column;
    pg::nullable_datum value;
};

std::array<writing, 12> written(const std::string &pass_id, const wanted &person) {
    using column = schema::customer;
    const profile &about = person.about;
    return {{{column::mg_pass_id, pg::to_datum(pass_id)},
             {column::mg_shopify_customer_id, pg::to_datum(person.shopify_id)},
             {column::mg_user_id, pg::to_datum(person.user_id)},
             {column::mg_email, pg::to_datum(person.email)},
             {column::mg_first_name, pg::to_datum(about.first_name)},
             {column::mg_last_name, pg::to_datum(about.last_name)},
             {column::mg_display_name, pg::to_datum(about.display_name)},
             {column::mg_locale, pg::to_datum(about.locale)},
             {column::mg_timezone, pg::to_datum(about.timezone)},
             {column::mg_marketing_opt_in, pg::to_datum(about.marketing_opt_in)},
             {column::mg_product_updates_opt_in, pg::to_datum(about.product_updates_opt_in)},
             {column::mg_last_active, pg::to_datum(pg::clock_time())}}};
}

class ensuring {
public:
    struct ensured {
        std::string pass_id;
        std::int32_t credits;
        bool created;
        std::string_view status; // active, disabled or deleted
    };

    ensuring(pg::session &session, const schema::tables &where, const wanted &person)
        : session_(session), where_(where), person_(person) {}

    ensured run() {
        // A few rounds: between a look and a write somebody else may create or claim what was missing.
        const int rounds = pg::keeps_its_snapshot() ? 1 : 100; // what others do is not seen in the next round, either
        for (int round = 0; round < rounds; ++round) {
            pg::check_for_interrupts();
            const std::vector<std::string> found = find_anybody();
            if (found.size() > 1)
                refuse_two(found[0], found[1]);
            if (found.empty()) {
                const std::string pass_id = person_.fresh_pass_id();
                if (create(pass_id))
                    return {pass_id, ledger::require_locked_customer(session_, where_, pass_id).credits, true,
                            "active"};
            } else if (const auto customer = fill_in(found[0])) {
                return *customer;
            }
        }
        throw pg::sql_error{"40001", "the customer is being created by others meanwhile", {}, "Try again."};
    }

private:
    // Nobody is made twice because the table has another spelling of the same UUID.
    std::vector<std::string> find_anybody() {
        std::vector<std::string> found = find(person_.pass_ids());
        return found.empty() && (person_.user_id || person_.anon_id) ? find(person_.pass_ids_in_capitals()) : found;
    }

    std::vector<std::string> find(const wanted::pass_id_list &known) {
        if (ledger::direct::may_ensure(where_)) {
            std::set<std::string> given;
            for (const auto &pass_id : known)
                if (pass_id)
                    given.insert(*pass_id);
            const auto answers = ledger::direct::find_customers(given, person_.shopify_id, person_.user_id);
            return {answers.begin(), answers.end()};
        }
        const pg::as_role owner(where_.customers.owner);
        const pg::rows rows = session_.run(look, where_.schema, pg::access::read_write, known[0], person_.shopify_id,
                                           person_.user_id, known[1], known[2], known[3], known[4]);
        std::vector<std::string> found;
        for (std::uint64_t i = 0; i < rows.count(); ++i)
            found.emplace_back(ledger::require_column("mg_pass_id", rows.text(i, 0)));
        return found;
    }

    pg::rows write(pg::statement &what, const std::string &pass_id) {
        const pg::as_role owner(where_.customers.owner);
        std::array<pg::nullable_datum, 12> bound;
        std::ranges::transform(written(pass_id, person_), bound.begin(), &writing::value);
        return session_.execute(what, where_.schema, pg::access::read_write, bound);
    }

    // The update of a customer that is locked finds it, or somebody keeps it out.
    void write_fill(const std::string &pass_id) {
        if (write(fill, pass_id).count() != 1)
            schema::refuse_interference(
                where_.customers.id, schema::writing::update, "keeps a change from a customer",
                ledger::to_readers({schema::customer::mg_pass_id}, "pass_id=" + pg::quoted(pass_id)));
    }

    // False when somebody else has one of the identities by now.
    bool create(const std::string &pass_id) {
        if (!ledger::direct::may_ensure(where_))
            return insert_through_sql(pass_id);
        std::array<pg::nullable_datum, schema::customer_columns.size()> row;
        {
            const pg::as_role owner(where_.customers.owner); // a default may call a function of the owner's
            ledger::direct::default_customer(row);
        }
        for (const writing &one : written(pass_id, person_))
            row[static_cast<std::size_t>(one.column)] = one.value;
        row[static_cast<std::size_t>(schema::customer::mg_source_system)] = pg::to_datum("api");
        return insert_directly(row);
    }

    bool insert_through_sql(const std::string &pass_id) {
        const pg::rows inserted = write(insert, pass_id);
        if (inserted.empty()) {
            // Who has one of the identities is found in the next round; who is kept out would never be.
            if (const std::string who = schema::who_interferes(where_.customers.id, schema::writing::insert);
                !who.empty() && find_anybody().empty())
                throw pg::sql_error{"55000", who + " keeps a new customer out", "pass_id=" + pg::quoted(pass_id),
                                    "Drop the trigger, or let it leave these rows alone."};
            return false;
        }
        if (inserted.text(0, 0) != pass_id)
            schema::refuse_interference(
                where_.customers.id, schema::writing::insert, "gives a new customer another pass id",
                "pass_id=" + pg::quoted(pass_id) +
                    ledger::to_readers({schema::customer::mg_pass_id},
                                       " stored: " + pg::quoted(inserted.text(0, 0).value_or("NULL"))));
        return true;
    }

    // What the triggers do for SQL, done here.
    bool insert_directly(std::span<pg::nullable_datum> row) {
        const pg::pinned_shape shape = ledger::direct::customer_shape();
        pg::row columns(shape.get());
        ledger::customer_record record(where_.customers, columns);
        for (std::size_t i = 0; i < row.size(); ++i)
            record.set(static_cast<schema::customer>(i), row[i]);
        check_new_customer(record, ledger::in_flight::moment::before);
        ledger::ignore_derived_of_new_customer(where_, record);
        for (std::size_t i = 0; i < row.size(); ++i)
            row[i] = record.get(static_cast<schema::customer>(i));
        if (!ledger::direct::insert_customer(row))
            return false;
        ledger::guard_new_customer(record);
        return true;
    }

    // What a customer has already.
    struct standing {
        std::optional<std::string> shopify_id;
        std::optional<pg::uuid> user_id;
        bool disabled = false, deleted = false;

        std::string_view status() const { return deleted ? "deleted" : disabled ? "disabled" : "active"; }
    };

    // Fills what is unknown of a customer that exists; std::nullopt when an identity was claimed by another row
    // meanwhile.
    std::optional<ensured> fill_in(const std::string &pass_id) {
        const auto customer = ledger::lock_customer(session_, where_, pass_id);
        if (!customer)
            return std::nullopt;
        const bool direct = ledger::direct::may_ensure(where_);
        stored_columns stored;
        const standing now = direct ? read_directly(pass_id, stored) : read(pass_id);
        const auto answer = [&] { return ensured{pass_id, balance_to_tell(*customer), false, now.status()}; };
        if (!adds_identity(pass_id, now)) {
            direct ? fill_directly(pass_id, stored) : write_fill(pass_id);
            return answer();
        }
        // Another session may insert the same identity right now: its unique index decides.
        session_.connect();
        const auto failed = pg::in_subtransaction([&] { write_fill(pass_id); });
        if (failed && (failed->data == nullptr || failed->data->sqlerrcode != ERRCODE_UNIQUE_VIOLATION))
            throw *failed;
        return failed ? std::nullopt : std::optional(answer());
    }

    // Through SQL triggers of somebody's may have moved it on.
    std::int32_t balance_to_tell(const ledger::locked_customer &customer) {
        return ledger::direct::may_ensure(where_)
                   ? customer.credits
                   : ledger::require_locked_customer(session_, where_, customer.pass_id).credits;
    }

    // What `written` names, and behind that whether the customer is disabled or deleted.
    using stored_columns = std::array<pg::nullable_datum, 14>;

    standing read_directly(const std::string &pass_id, stored_columns &stored) {
        std::array<schema::customer, 14> columns;
        std::ranges::transform(written(pass_id, person_), columns.begin(), &writing::column);
        columns[12] = schema::customer::mg_disabled;
        columns[13] = schema::customer::mg_deleted_at;
        ledger::direct::read_customer(pass_id, columns, stored);
        standing now;
        if (!stored[1].is_null)
            now.shopify_id = std::string(pg::text_of(stored[1].value));
        if (!stored[2].is_null)
            now.user_id = pg::uuid_of(stored[2].value);
        now.disabled = !stored[12].is_null && DatumGetBool(stored[12].value);
        now.deleted = !stored[13].is_null;
        return now;
    }

    standing read(const std::string &pass_id) {
        const pg::as_role owner(where_.customers.owner);
        const pg::rows row = session_.run(standing_of, where_.schema, pg::access::read_write, pass_id);
        standing now;
        if (const auto shopify_id = row.text(0, 0))
            now.shopify_id = std::string(*shopify_id);
        now.user_id = row.uuid(0, 1);
        now.disabled = row.boolean(0, 2).value_or(false);
        now.deleted = row.boolean(0, 3).value_or(false);
        return now;
    }

    void fill_directly(const std::string &pass_id, std::span<const pg::nullable_datum> stored) {
        std::vector<ledger::direct::customer_change> changes;
        const auto all = written(pass_id, person_);
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].column == schema::customer::mg_last_active || (stored[i].is_null && !all[i].value.is_null))
                changes.emplace_back(all[i].column, all[i].value);
        ledger::direct::update_customer(pass_id, changes);
    }

    // Whether an identity that was given is unknown yet. Raises MG009 when the customer has another one of that kind.
    bool adds_identity(const std::string &pass_id, const standing &now) {
        if (person_.shopify_id && now.shopify_id && core::plain_shopify_id(*now.shopify_id) != *person_.shopify_id)
            refuse_other(pass_id, "Shopify id", *now.shopify_id, *person_.shopify_id);
        if (person_.user_id && now.user_id && *now.user_id != *person_.user_id)
            refuse_other(pass_id, "user id", pg::format_uuid(*now.user_id), pg::format_uuid(*person_.user_id));
        return (person_.shopify_id && !now.shopify_id) || (person_.user_id && !now.user_id);
    }

    [[noreturn]] static void refuse_two(const std::string &first, const std::string &second) {
        throw pg::sql_error{"MG009", "these identities belong to two customers",
                            ledger::to_readers({schema::customer::mg_pass_id, schema::customer::mg_shopify_customer_id,
                                                schema::customer::mg_user_id},
                                               "pass ids: " + pg::quoted(first) + " and " + pg::quoted(second)),
                            "Give the identities of one of them; they stay two customers."};
    }

    [[noreturn]] static void refuse_other(const std::string &pass_id, const char *kind, std::string_view stored,
                                          std::string_view given) {
        throw pg::sql_error{
            "MG009", std::string("this customer has another ") + kind,
            ledger::to_readers(
                {schema::customer::mg_pass_id, schema::customer::mg_shopify_customer_id, schema::customer::mg_user_id},
                "pass_id=" + pg::quoted(pass_id) + " stored=" + pg::quoted(stored) + " ") +
                "given=" + pg::quoted(given),
            "Look up each identity by itself, and merge the customers if they are one person."};
    }

    pg::session &session_;
    const schema::tables &where_;
    const wanted &person_;
};

Datum ensure_customer(FunctionCallInfo fcinfo) {
    const wanted person = read_wanted(pg::arguments(fcinfo));
    const schema::tables &where = schema::guarded_tables_of(fcinfo->flinfo->fn_oid, schema::written::customers);
    pg::session session;
    const ensuring::ensured customer = ensuring(session, where, person).run();
    session.finish();
    return pg::return_row(fcinfo, customer.pass_id, customer.credits, customer.created, customer.status);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_ensure_customer, mega::identity::ensure_customer);
