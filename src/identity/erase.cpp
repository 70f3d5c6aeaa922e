// mega_erase_customer: what somebody wrote of a person goes from the customer's row, those of who was merged into it,
// the ledger and mega_admin; what the books need stays.
#include "core/mentions.hpp"
#include "core/pass_id.hpp"
#include "core/utc_time.hpp"
#include "function_arguments.hpp"
#include "identity/locked_rows.hpp"
#include "ledger/audit.hpp"
#include "ledger/call.hpp"
#include "ledger/checked.hpp"
#include "ledger/customer_note.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/erasure.hpp"
#include "ledger/own_key.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/project.hpp"
#include "ledger/resolve.hpp"
#include "pg/clock.hpp"
#include "pg/entry.hpp"
#include "pg/result.hpp"
#include "schema/interference.hpp"

namespace mega::identity {

namespace {

using column = schema::customer;

// The triggers make of each row what is left of it. How many rows there were, and how many came to that.
constexpr Oid ids_type[] = {TEXTARRAYOID};
#define MEGA_ERASE(table, which)                                                                                       \
    "WITH met AS MATERIALIZED (SELECT FROM ONLY @schema@." table " WHERE " which "), erased AS (UPDATE ONLY "          \
    "@schema@." table " SET mg_updated_at = pg_catalog.clock_timestamp() WHERE " which " RETURNING 1) "                \
    "SELECT (SELECT pg_catalog.count(*) FROM met), (SELECT pg_catalog.count(*) FROM erased)"
// Generations first: whoever appends a step waits for his generation and looks at its customer behind that.
constinit pg::statement erase_generations(
    MEGA_ERASE("mega_generations",
               "mg_pass_id OPERATOR(pg_catalog.=) ANY ($1) AND mg_record_type OPERATOR(pg_catalog.=) 'generation'"),
    ids_type);
constinit pg::statement erase_rest(
    MEGA_ERASE("mega_generations",
               "mg_pass_id OPERATOR(pg_catalog.=) ANY ($1) AND mg_record_type OPERATOR(pg_catalog.<>) 'generation'"),
    ids_type);

// The other side of each transfer, by the reference that both have.
constinit pg::statement erase_counterparts(
    MEGA_ERASE("mega_generations",
               "mg_ref_type OPERATOR(pg_catalog.=) 'transfer' AND mg_record_type OPERATOR(pg_catalog.=) "
               "'credit_transaction' AND mg_ref_id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT g.mg_ref_id FROM ONLY "
               "@schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) ANY ($1) AND g.mg_record_type "
               "OPERATOR(pg_catalog.=) 'credit_transaction' AND g.mg_ref_type OPERATOR(pg_catalog.=) 'transfer')) "
               "AND NOT mg_pass_id OPERATOR(pg_catalog.=) ANY ($1)"),
    ids_type);

// About them, of their profiles, audits of others in which a pass id stands, also as JSON spells it, and what an import
// refused of them, which it kept as it was. The trigger leaves alone where it is but part of another's.
constexpr Oid admin_types[] = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
constinit pg::statement erase_admin(
    MEGA_ERASE(
        "mega_admin",
        "mg_actor_pass_id OPERATOR(pg_catalog.=) ANY ($1) OR (mg_record_type OPERATOR(pg_catalog.=) 'profile' "
        "AND (mg_shopify_customer_id OPERATOR(pg_catalog.=) ANY ($2) OR mg_user_id::pg_catalog.text "
        "OPERATOR(pg_catalog.=) ANY ($3))) OR (mg_record_type OPERATOR(pg_catalog.=) 'admin_audit' "
        "AND coalesce(mg_action, '') OPERATOR(pg_catalog.<>) 'import_refused' "
        "AND EXISTS (SELECT FROM pg_catalog.unnest($5 OPERATOR(pg_catalog.||) ARRAY(SELECT pg_catalog.btrim("
        "pg_catalog.to_jsonb(p.pass_id)::pg_catalog.text, '\"') FROM pg_catalog.unnest($1) p(pass_id))) s(spelling) "
        "WHERE "
        "pg_catalog.strpos(pg_catalog.concat_ws(' ', mg_route, mg_detail, mg_meta, mg_payload), s.spelling) "
        "OPERATOR(pg_catalog.>) 0)) OR (mg_record_type "
        "OPERATOR(pg_catalog.=) 'admin_audit' AND mg_action OPERATOR(pg_catalog.=) 'import_refused' "
        "AND (EXISTS (SELECT FROM pg_catalog.unnest($1) p(pass_id) WHERE pg_catalog.strpos(mg_detail::pg_catalog.text, "
        "pg_catalog.to_jsonb(p.pass_id)::pg_catalog.text) OPERATOR(pg_catalog.>) 0) "
        "OR (mg_detail OPERATOR(pg_catalog.#>>) '{row,shopify_customer_id}') OPERATOR(pg_catalog.=) ANY ($4) "
        "OR (mg_detail OPERATOR(pg_catalog.#>>) '{row,customer_id}') OPERATOR(pg_catalog.=) ANY ($4) "
        "OR pg_catalog.lower(mg_detail OPERATOR(pg_catalog.#>>) '{row,user_id}') OPERATOR(pg_catalog.=) ANY ($3) "
        "OR EXISTS (SELECT FROM ONLY @schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) ANY ($1) "
        "AND g.mg_id COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) ANY (ARRAY['session:' OPERATOR(pg_catalog.||) "
        "(mg_detail OPERATOR(pg_catalog.#>>) '{row,session_id}'), 'generation:' OPERATOR(pg_catalog.||) "
        "(mg_detail OPERATOR(pg_catalog.#>>) '{row,generation_id}')]))))"),
    admin_types);

constexpr column texts[] = {column::mg_email,
                            column::mg_first_name,
                            column::mg_last_name,
                            column::mg_display_name,
                            column::mg_locale,
                            column::mg_timezone,
                            column::mg_verification_keynumber};
constexpr column ids[] = {column::mg_shopify_customer_id, column::mg_user_id};

class erasing {
public:
    erasing(ledger::store &store, std::string pass_id) : store_(store), root_(std::move(pass_id)) { lock(); }

    const std::string &root() const { return root_; }

    // False when it was done before.
    bool is_to_be_done() const { return !done_; }

    // Customers first: then no trigger of somebody's that their rows fire writes anything of them anew.
    std::int64_t run() {
        read_identities();
        for (const std::string &one : all_)
            erase_customer(one);
        std::int64_t rows = std::ssize(all_);
        const ledger::erasure under_way(all_);
        for (pg::statement *what : {&erase_generations, &erase_rest, &erase_counterparts})
            rows += erase(under_way, store_.where().generations, *what, all_);
        return rows + erase(under_way, store_.where().admins, erase_admin, all_, shopify_ids_, user_ids_, legacy_keys_,
                            spellings());
    }

private:
    // Behind the locks of the customer and of who was merged into it.
    void lock() {
        std::set<std::string> wanted{root_};
        for (bool all = false; !all;) {
            pg::check_for_interrupts();
            const auto rows = lock_customers(store_, wanted);
            const auto root = rows.find(root_);
            if (root == rows.end())
                ledger::throw_unknown_customer(root_);
            const std::size_t before = wanted.size();
            if (const auto target = target_in(root->second)) // merged meanwhile
                wanted.insert(root_ = *target);
            const std::vector<std::string> sources = sources_in(root->second);
            wanted.insert(sources.begin(), sources.end());
            all = wanted.size() == before;
            done_ = root->second && ledger::own_member(*root->second, "erased_at");
        }
        all_.assign(wanted.begin(), wanted.end());
    }

    // Raises 55000 when a trigger of somebody's keeps a row as it is.
    template <class Column, class... Arguments>
    std::int64_t erase(const ledger::erasure &under_way, const schema::table_entry<Column> &of, pg::statement &what,
                       const Arguments &...arguments) {
        const std::int64_t left_alone = under_way.left_alone();
        const pg::rows counts = store_.run(of, what, arguments...);
        const std::int64_t met = counts.int8(0, 0).value_or(0), erased = counts.int8(0, 1).value_or(0);
        // One that is missing though nobody is there to keep it was deleted meanwhile.
        if (erased + under_way.left_alone() - left_alone < met &&
            !schema::who_interferes(of.id, schema::writing::update).empty())
            schema::refuse_interference(of.id, schema::writing::update, "keeps a row from being erased",
                                        ledger::to_readers({column::mg_pass_id}, "pass_id=" + pg::quoted(root_)));
        return erased;
    }

    std::vector<std::string> spellings() const {
        std::vector<std::string> all;
        for (const std::string &one : all_)
            std::ranges::move(core::spellings_of(one), std::back_inserter(all));
        return all;
    }

    void read_identities() {
        for (const std::string &one : all_) {
            pg::nullable_datum stored[std::size(ids)];
            store_.read_customer(one, ids, stored);
            if (!stored[0].is_null)
                shopify_ids_.emplace_back(pg::text_of(stored[0].value));
            const auto note = ledger::own_member(ledger::meta_of(store_, one), "import");
            const auto keys = note && note->is_object() ? pg::find(note->container(), "keys") : std::nullopt;
            if (keys && keys->is_object())
                pg::for_each_member(keys->container(), [&](std::string_view key, const pg::json_value &) {
                    legacy_keys_.emplace_back(key);
                });
            if (!stored[1].is_null)
                user_ids_.push_back(pg::format_uuid(pg::uuid_of(stored[1].value)));
        }
        for (const std::string &one : shopify_ids_) {
            legacy_keys_.push_back(one);
            legacy_keys_.push_back("gid://shopify/Customer/" + one);
        }
    }

    // The pass ids that her legacy keys stand for, save those that stay.
    pg::jsonb digests() {
        std::set<std::string> names;
        for (const std::string &key : legacy_keys_)
            if (const std::string_view id = core::plain_shopify_id(key); !id.empty())
                names.insert("pass:shopify:" + std::string(id));
        for (const std::string &one : all_)
            names.erase(one);
        pg::json_builder builder;
        builder.begin_array();
        for (const std::string &name : names)
            builder.text(ledger::digest_of_erased(name));
        return builder.end_array().finish();
    }

    void erase_customer(const std::string &pass_id) {
        const ledger::locked_customer customer = ledger::require_locked_row(store_, pass_id);
        std::vector<ledger::customer_change> changes;
        for (const column c : texts)
            changes.emplace_back(c, pg::nullable_datum{});
        for (const column c : ids)
            changes.emplace_back(c, pg::nullable_datum{});
        changes.emplace_back(column::mg_auto_topup_enabled, pg::to_datum(false));
        const pg::timestamp now = pg::clock_time();
        constexpr column columns[] = {column::mg_deleted_at};
        pg::nullable_datum deleted[1];
        store_.read_customer(pass_id, columns, deleted);
        if (deleted[0].is_null)
            changes.emplace_back(column::mg_deleted_at, pg::to_datum(now));
        changes.emplace_back(column::mg_mma_preferences,
                             pg::to_datum(ledger::managed_keys_of(ledger::preferences_of(store_, pass_id))));
        const pg::jsonb own =
            own_key_left(ledger::meta_of(store_, pass_id), now, pass_id == root_ ? digests() : pg::empty_object());
        ledger::write_noted(store_, customer, std::move(changes), ledger::with_own_key(pg::empty_object(), own));
        require_erased(pass_id);
    }

    void require_erased(const std::string &pass_id) {
        constexpr std::size_t count = std::size(texts) + std::size(ids);
        column columns[count];
        std::ranges::copy(ids, std::ranges::copy(texts, columns).out);
        pg::nullable_datum stored[count];
        store_.read_customer(pass_id, columns, stored);
        if (!std::ranges::all_of(stored, &pg::nullable_datum::is_null) || !is_marked(pass_id))
            ledger::refuse_kept_out(store_, pass_id);
    }

    // Whether it is deleted and has nothing of the application's.
    bool is_marked(const std::string &pass_id) {
        constexpr column columns[] = {column::mg_deleted_at, column::mg_auto_topup_enabled};
        pg::nullable_datum stored[std::size(columns)];
        store_.read_customer(pass_id, columns, stored);
        const pg::jsonb meta = ledger::meta_of(store_, pass_id), preferences = ledger::preferences_of(store_, pass_id);
        const auto same = [](pg::jsonb left, pg::jsonb right) {
            return pg::equal(pg::root_of(left), pg::root_of(right));
        };
        return !stored[0].is_null && (stored[1].is_null || !DatumGetBool(stored[1].value)) &&
               same(meta, ledger::with_key_of(pg::empty_object(), meta)) &&
               same(preferences, ledger::managed_keys_of(preferences));
    }

    static pg::jsonb own_key_left(pg::jsonb meta, pg::timestamp now, pg::jsonb keys) {
        constexpr std::string_view traces[] = {"merged_into", "sources", "import", "from", "erased_at", "erased_keys"};
        pg::json_builder own;
        own.begin_object();
        if (const auto kept = pg::find(meta, ledger::own_key); kept && kept->is_object())
            pg::for_each_member(kept->container(), [&](std::string_view key, const pg::json_value &value) {
                if (std::ranges::find(traces, key) == std::end(traces))
                    own.key(key).value(value);
            });
        own.key("erased_at").text(core::iso_utc(pg::unix_micros(now)));
        if (pg::is_array(keys) && JB_ROOT_COUNT(keys.document) > 0)
            own.key("erased_keys").document(keys);
        return own.end_object().finish();
    }

    ledger::store &store_;
    std::string root_;
    std::vector<std::string> all_, shopify_ids_, user_ids_, legacy_keys_;
    bool done_ = false;
};

Datum erase_customer(FunctionCallInfo fcinfo) {
    using in = arguments::erase_customer;
    const pg::arguments given(fcinfo);
    if (pg::keeps_its_snapshot())
        throw pg::sql_error{"25001", "a customer is erased at READ COMMITTED only",
                            "The transaction would not see what is written before the customer is locked.",
                            "BEGIN ISOLATION LEVEL READ COMMITTED."};
    ledger::in_flight::require_none(ledger::in_flight::act::call,
                                    "a customer is not erased in the middle of another write of mega");
    const std::string_view pass_id = ledger::require_text("pass_id", given.text(in::pass_id));
    const auto actor = ledger::optional_text("actor", given.text(in::actor));
    ledger::call call(fcinfo, schema::written::all);
    ledger::store &store = call.store();
    erasing what(store, std::string(ledger::resolve_pass_id(store.where(), pass_id)));
    std::int64_t rows = 0;
    if (what.is_to_be_done()) {
        rows = what.run();
        const pg::jsonb detail = pg::json_builder().begin_object().key("rows").number(rows).end_object().finish();
        ledger::append_audit(store.spi(), store.where(), {"customer.erase", what.root(), detail}, actor);
    }
    call.finish();
    return pg::return_row(fcinfo, what.root(), rows);
}

} // namespace

} // namespace mega::identity

PG_ENTRY(mega_erase_customer, mega::identity::erase_customer);
