// mega_ensure_customer: one row per person, however many ask at once.
#include "core/pass_id.hpp"
#include "identity/wanted.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/merged.hpp"
#include "ledger/project.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"
#include "schema/interference.hpp"

namespace mega::identity {

namespace {

constexpr std::size_t written_count = 12;

// What ensure writes of a customer: its identities, and what was told about it.
std::array<ledger::customer_change, written_count> written(const std::string &pass_id, const wanted &person) {
    using column = schema::customer;
    const auto told = [&person](column c) {
        const auto found = std::ranges::find(person.about, c, &ledger::customer_change::first);
        return ledger::customer_change{c, found == person.about.end() ? pg::nullable_datum{} : found->second};
    };
    return {{{column::mg_pass_id, pg::to_datum(pass_id)},
             {column::mg_shopify_customer_id, pg::to_datum(person.shopify_id)},
             {column::mg_user_id, pg::to_datum(person.user_id)},
             {column::mg_email, pg::to_datum(person.email)},
             told(column::mg_first_name),
             told(column::mg_last_name),
             told(column::mg_display_name),
             told(column::mg_locale),
             told(column::mg_timezone),
             told(column::mg_marketing_opt_in),
             told(column::mg_product_updates_opt_in),
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

    ensuring(ledger::store &store, const wanted &person) : store_(store), person_(person) {}

    ensured run() {
        // A few rounds: between a look and a write somebody else may create or claim what was missing.
        const int rounds = pg::keeps_its_snapshot() ? 1 : 100; // what others do is not seen in the next round, either
        for (int round = 0; round < rounds; ++round) {
            pg::check_for_interrupts();
            const std::vector<std::string> found = find_anybody();
            if (found.size() > 1)
                refuse_two(found[0], found[1]);
            if (found.empty()) {
                std::string pass_id = person_.fresh_pass_id();
                if (is_erased(pass_id)) // its identities go on under another one
                    pass_id = "pass:anon:" + pg::format_uuid(pg::random_uuid());
                if (create(pass_id))
                    return {pass_id, ledger::require_locked_customer(store_, pass_id).credits, true, "active"};
            } else if (const auto customer = fill_in(found[0])) {
                return *customer;
            }
        }
        throw pg::sql_error{"40001", "the customer is being created by others meanwhile", {}, "Try again."};
    }

private:
    // Nobody is made twice because the table has another spelling of the same UUID, and of two spellings that are both
    // there neither is taken for the person.
    std::vector<std::string> find_anybody() {
        std::vector<std::string> found = find(person_.pass_ids());
        if (found.size() > 1 || (!person_.user_id && !person_.anon_id))
            return found;
        for (std::string &other : find(person_.pass_ids_in_capitals()))
            if (std::ranges::find(found, other) == found.end())
                found.push_back(std::move(other));
        std::ranges::sort(found);
        return found;
    }

    std::vector<std::string> find(const wanted::pass_id_list &known) {
        std::vector<std::string> found = store_.find_customers({known, person_.shopify_id, person_.user_id});
        // A pass id that nobody named and whose customer was erased is nobody's.
        std::erase_if(found, [&](const std::string &one) {
            const bool erased = is_erased(one);
            if (erased && person_.names(one))
                ledger::refuse_erased(one);
            return erased;
        });
        return found;
    }

    bool is_erased(const std::string &pass_id) {
        const auto meant = ledger::customer_meant(store_, pass_id);
        return meant && meant->erased;
    }

    // False when somebody else has one of the identities by now.
    bool create(const std::string &pass_id) {
        const auto all = written(pass_id, person_);
        std::vector<ledger::customer_change> row(all.begin(), all.end());
        row.emplace_back(schema::customer::mg_source_system, pg::to_datum("api"));
        if (store_.insert_customer(row))
            return true;
        // Who has one of the identities is found in the next round; who is kept out would never be.
        if (find_anybody().empty())
            refuse_kept_out(pass_id);
        return false;
    }

    // Nobody has the identities: a trigger keeps the customer out, or a unique key that is not mega's, such as one on
    // the e-mail address.
    void refuse_kept_out(const std::string &pass_id) {
        if (const std::string who = schema::who_interferes(store_.where().customers.id, schema::writing::insert);
            !who.empty())
            throw pg::sql_error{"55000", who + " keeps a new customer out", "pass_id=" + pg::quoted(pass_id),
                                "Drop the trigger, or let it leave these rows alone."};
        // Once that may be who gave an identity away between the write and the look.
        if (!std::exchange(kept_out_, true) && !pg::keeps_its_snapshot())
            return;
        throw pg::sql_error{"23505", "a unique key of mega_customers that is not mega's keeps the customer out",
                            "pass_id=" + pg::quoted(pass_id), "See which unique indexes beside mega's the table has."};
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
        auto customer = store_.lock_customer(pass_id);
        if (!customer || customer->merged_into) // the next round finds who goes on
            return std::nullopt;
        if (customer->erased)
            ledger::refuse_erased(pass_id);
        const auto all = written(pass_id, person_);
        stored_columns stored;
        const standing now = read(pass_id, all, stored);
        const auto [shopify_id, user_id] = new_identities(pass_id, now);
        std::vector<ledger::customer_change> unknown;
        for (std::size_t i = 0; i < all.size(); ++i)
            if ((all[i].first == schema::customer::mg_shopify_customer_id && !shopify_id) ||
                (all[i].first == schema::customer::mg_user_id && !user_id))
                continue;
            else if (all[i].first == schema::customer::mg_last_active || (stored[i].is_null && !all[i].second.is_null))
                unknown.push_back(all[i]);
        if (shopify_id || user_id) { // by themselves: a key on anything else says nothing of who has an identity
            const auto identities =
                std::stable_partition(unknown.begin(), unknown.end(), [](const ledger::customer_change &one) {
                    return one.first != schema::customer::mg_shopify_customer_id &&
                           one.first != schema::customer::mg_user_id;
                });
            if (!store_.claim_identity(*customer, std::span(identities, unknown.end())))
                return std::nullopt;
            unknown.erase(identities, unknown.end());
        }
        if (store_.change_customer(*customer, unknown) != 1)
            ledger::refuse_kept_out(store_, pass_id);
        store_.refresh(*customer);
        return ensured{pass_id, customer->credits, false, now.status()};
    }

    // What `written` names, and behind that whether the customer is disabled or deleted.
    using stored_columns = std::array<pg::nullable_datum, 14>;

    standing read(const std::string &pass_id, std::span<const ledger::customer_change> all, stored_columns &stored) {
        std::array<schema::customer, 14> columns;
        std::ranges::transform(all, columns.begin(), &ledger::customer_change::first);
        columns[12] = schema::customer::mg_disabled;
        columns[13] = schema::customer::mg_deleted_at;
        store_.read_customer(pass_id, columns, stored);
        if (!stored[1].is_null && core::plain_shopify_id(pg::text_of(stored[1].value)).empty())
            stored[1] = {}; // adopted with a word that means nobody
        standing now;
        if (!stored[1].is_null)
            now.shopify_id = std::string(pg::text_of(stored[1].value));
        if (!stored[2].is_null)
            now.user_id = pg::uuid_of(stored[2].value);
        now.disabled = !stored[12].is_null && DatumGetBool(stored[12].value);
        now.deleted = !stored[13].is_null;
        return now;
    }

    struct identities_to_add {
        bool shopify_id, user_id;
    };

    // Which identities that were given are unknown yet: those of customers who were merged into this one are its own.
    // Raises MG009 when the customer has another one of that kind.
    identities_to_add new_identities(const std::string &pass_id, const standing &now) {
        identities_to_add add{person_.shopify_id.has_value(), person_.user_id.has_value()};
        if (add.shopify_id && now.shopify_id && core::plain_shopify_id(*now.shopify_id) == *person_.shopify_id)
            add.shopify_id = false;
        if (add.user_id && now.user_id == person_.user_id)
            add.user_id = false;
        add.shopify_id = add.shopify_id && !has_by_merge(pass_id, {{}, person_.shopify_id, std::nullopt});
        add.user_id = add.user_id && !has_by_merge(pass_id, {{}, std::nullopt, person_.user_id});
        if (add.shopify_id && now.shopify_id && person_.shopify_id_given)
            refuse_other(pass_id, "Shopify id", *now.shopify_id, *person_.shopify_id);
        if (add.user_id && now.user_id && person_.user_id_given)
            refuse_other(pass_id, "user id", pg::format_uuid(*now.user_id), pg::format_uuid(*person_.user_id));
        // What a pass id says of him is not told by himself: he may have another one, which stays.
        return {add.shopify_id && !now.shopify_id, add.user_id && !now.user_id};
    }

    bool has_by_merge(const std::string &pass_id, const ledger::identities &one) {
        const std::vector<std::string> who = store_.find_customers(one);
        return who.size() == 1 && who.front() == pass_id;
    }

    [[noreturn]] static void refuse_two(const std::string &first, const std::string &second) {
        throw pg::sql_error{
            "MG009", "these identities belong to two customers",
            ledger::to_readers(
                {schema::customer::mg_pass_id, schema::customer::mg_shopify_customer_id, schema::customer::mg_user_id},
                "pass ids: " + pg::quoted(first) + " and " + pg::quoted(second)),
            "Merge them with mega_merge_customers if they are one person, or give the identities of one of them."};
    }

    [[noreturn]] static void refuse_other(const std::string &pass_id, const char *kind, std::string_view stored,
                                          std::string_view given) {
        throw pg::sql_error{
            "MG009", std::string("this customer has another ") + kind,
            ledger::to_readers(
                {schema::customer::mg_pass_id, schema::customer::mg_shopify_customer_id, schema::customer::mg_user_id},
                "pass_id=" + pg::quoted(pass_id) + " stored=" + pg::quoted(stored) + " ") +
                "given=" + pg::quoted(given),
            "Look up each identity by itself, and merge the customers with mega_merge_customers if they are one "
            "person."};
    }

    ledger::store &store_;
    const wanted &person_;
    bool kept_out_ = false;
};

Datum ensure_customer(FunctionCallInfo fcinfo) {
    const wanted person = read_wanted(pg::arguments(fcinfo));
    ledger::call call(fcinfo, schema::written::new_customers);
    const ensuring::ensured customer = ensuring(call.store(), person).run();
    call.finish();
    return pg::return_row(fcinfo, customer.pass_id, customer.credits, customer.created, customer.status);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_ensure_customer, mega::identity::ensure_customer);
