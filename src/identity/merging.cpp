// Merging: locks, the move of the rows, and what source and target are behind it.
#include "identity/merging.hpp"

#include "credits/joining.hpp"
#include "identity/locked_rows.hpp"
#include "ledger/checked.hpp"
#include "ledger/customer_note.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/in_flight.hpp"
#include "ledger/lots.hpp"
#include "ledger/own_key.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/project.hpp"
#include "ledger/unprojected.hpp"
#include "schema/interference.hpp"

#include <set>

namespace mega::identity {

namespace {

using column = schema::customer;

constexpr Oid move_types[] = {TEXTOID, TEXTOID};
#define MEGA_MOVE(which)                                                                                               \
    "WITH moved AS (UPDATE ONLY @schema@.mega_generations g SET mg_pass_id = $2 "                                      \
    "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1" which " RETURNING g.mg_record_type) "                               \
    "SELECT m.mg_record_type, pg_catalog.count(*) FROM moved m GROUP BY m.mg_record_type"
// Generations first: whoever appends a step waits for his generation, and its customer is looked up behind that.
constinit pg::statement move_generations(MEGA_MOVE(" AND g.mg_record_type OPERATOR(pg_catalog.=) 'generation'"),
                                         move_types);
constinit pg::statement move_rest(MEGA_MOVE(""), move_types);

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement ledger_sum("SELECT coalesce(pg_catalog.sum(g.mg_delta), 0)::pg_catalog.int8 FROM ONLY "
                                   "@schema@.mega_generations g WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 AND "
                                   "g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction'",
                                   id_type);
constinit pg::statement open_all_books("SELECT FROM @schema@.mega_open_books(dry_run => false, "
                                       "trust => 'stored'::pg_catalog.text)");
constinit pg::statement left_behind("SELECT FROM ONLY @schema@.mega_generations g "
                                    "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 LIMIT 1",
                                    id_type);

} // namespace

merging::merging(ledger::store &store, Oid opener, std::string source, std::string target)
    : store_(store), opener_(opener) {
    lock(std::move(source), std::move(target));
}

// What is locked says who else has to be: behind the lock the target may have been merged, or the source have sources.
void merging::lock(std::string source, std::string target) {
    std::set<std::string> wanted{source, target};
    for (bool all = false; !all;) {
        pg::check_for_interrupts();
        const auto rows = lock_customers(store_, wanted);
        for (const std::string &one : {source, target})
            if (!rows.contains(one))
                ledger::throw_unknown_customer(one);
        const std::size_t before = wanted.size();
        if (auto into = target_in(rows.find(target)->second))
            wanted.insert(target = *std::move(into));
        sources_ = sources_in(rows.find(source)->second);
        wanted.insert(sources_.begin(), sources_.end());
        all = wanted.size() == before;
    }
    sources_.push_back(source);
    source_ = ledger::require_locked_row(store_, source);
    target_ = ledger::require_locked_row(store_, target);
}

void merging::refuse_merged_elsewhere() const {
    throw pg::sql_error{"MG009", "the source was merged into another customer",
                        "source=" + pg::quoted(source_.pass_id) +
                            ledger::to_readers({column::mg_pass_id, column::mg_meta},
                                               " merged_into=" + pg::quoted(*source_.merged_into)),
                        "Merge the customer that it was merged into."};
}

void merging::join() {
    open_books();
    const ledger::in_flight::under_way joining(ledger::in_flight::act::merge);
    credits::settle_both(store_, source_, target_);
    move_rows();
    // Triggers of others fired for each row, and will for the source: what they moved of either counts, too.
    ledger::see_what_others_did(store_, source_);
    ledger::see_what_others_did(store_, target_);
    source_credits_ = source_.credits;
    target_credits_ = target_.credits;
    const pg::jsonb source_meta = ledger::meta_of(store_, source_.pass_id);
    source_lots_ = source_.lots;
    target_lots_ = target_.lots;
    write_source();
    ledger::see_what_others_did(store_, target_);
    credits_ = ledger::balance_after(target_, source_credits_);
    write_target(source_meta);
    for (const std::string &one : sources_)
        if (one != source_.pass_id)
            relink(one);
    target_.credits = credits_;
    ledger::see_what_others_did(store_, target_);
    credits_ = target_.credits;
}

void merging::look_again() {
    target_ = ledger::require_locked_or_erased_customer(store_, target_.pass_id);
    credits_ = target_.credits;
}

// A table that was adopted may say of one what its rows do not; what is moved would be lost.
void merging::open_books() {
    const auto agree = [&](const ledger::locked_customer &customer) {
        const pg::rows sum = store_.run(store_.where().generations, ledger_sum, customer.pass_id);
        const pg::jsonb stored = ledger::managed_keys_of(ledger::preferences_of(store_, customer.pass_id));
        const pg::jsonb folded =
            ledger::with_managed_keys(pg::empty_object(), ledger::fold_from_ledger(store_, customer.pass_id));
        return sum.int8(0, 0) == customer.credits && pg::equal(pg::root_of(stored), pg::root_of(folded));
    };
    if (agree(source_) && agree(target_))
        return;
    if (ledger::unprojected::may_wait()) // they are in the ledger, and what is stored knows nothing of them
        throw pg::sql_error{"55006", "customers are not merged while rows wait for their projection",
                            ledger::to_readers({column::mg_pass_id}, "source=" + pg::quoted(source_.pass_id) +
                                                                         " target=" + pg::quoted(target_.pass_id)),
                            "Merge them in a statement of its own."};
    (void)store_.run_as(opener_, open_all_books); // the owner of the tables need not own the function
    source_ = ledger::require_locked_row(store_, source_.pass_id);
    target_ = ledger::require_locked_row(store_, target_.pass_id);
}

void merging::move_rows() {
    const ledger::in_flight::move moving(source_.pass_id, target_.pass_id);
    for (pg::statement *what : {&move_generations, &move_rest}) {
        const pg::rows moved = store_.run(store_.where().generations, *what, source_.pass_id, target_.pass_id);
        for (std::uint64_t i = 0; i < moved.count(); ++i)
            moved_[std::string(moved.text(i, 0).value_or(""))] += moved.int8(i, 1).value_or(0);
    }
    if (!store_.run(store_.where().generations, left_behind, source_.pass_id).empty())
        schema::refuse_interference(store_.where().generations.id, schema::writing::update,
                                    "leaves a row with the customer who is merged",
                                    ledger::to_readers({column::mg_pass_id}, "source=" + pg::quoted(source_.pass_id)));
}

std::int64_t merging::moved_rows() const {
    std::int64_t all = 0;
    for (const auto &one : moved_)
        all += one.second;
    return all;
}

// Who it was stays; what it had is the target's.
void merging::write_source() {
    ledger::locked_customer after = source_;
    after.credits = 0;
    after.expires_at.reset();
    after.updated_at = ledger::stamp_behind(source_.updated_at);
    const pg::jsonb preferences =
        ledger::with_managed_keys(ledger::preferences_of(store_, source_.pass_id), core::json::make_object());
    auto changes = ledger::projection(source_, after, std::nullopt, preferences.document);
    changes.emplace_back(column::mg_auto_topup_enabled, pg::to_datum(false));
    pg::json_builder own;
    own.begin_object();
    if (const auto kept = pg::find(ledger::meta_of(store_, source_.pass_id), ledger::own_key);
        kept && kept->is_object())
        pg::for_each_member(kept->container(), [&](std::string_view key, const pg::json_value &value) {
            if (key == "import")
                own.key(key).value(value);
        });
    own.key("merged_into").text(target_.pass_id);
    ledger::write_noted(store_, source_, std::move(changes),
                        ledger::with_own_key(ledger::meta_of(store_, source_.pass_id), own.end_object().finish()));
}

void merging::write_target(pg::jsonb source_meta) {
    ledger::locked_customer after = target_;
    after.credits = credits_;
    after.updated_at = ledger::stamp_behind(target_.updated_at);
    ledger::require_room(after, store_.pending_holds(target_.pass_id));
    const pg::jsonb preferences = ledger::with_managed_keys(ledger::preferences_of(store_, target_.pass_id),
                                                            ledger::fold_from_ledger(store_, target_.pass_id));
    const pg::jsonb meta = ledger::meta_of(store_, target_.pass_id);
    std::set<std::string> all(sources_.begin(), sources_.end());
    const std::vector<std::string> before = sources_in(meta);
    all.insert(before.begin(), before.end());
    const pg::jsonb joined =
        ledger::with_own_members(credits::joined_meta(source_meta, meta), {"sources"}, [&](pg::json_builder &builder) {
            builder.key("sources").begin_array();
            for (const std::string &one : all)
                builder.text(one);
            builder.end_array();
        });
    ledger::write_noted(store_, target_, ledger::projection(target_, after, std::nullopt, preferences.document),
                        joined);
}

// Chains are one step long.
void merging::relink(const std::string &pass_id) {
    const auto customer = store_.lock_customer(pass_id);
    if (!customer)
        return;
    ledger::write_noted(
        store_, *customer, {},
        ledger::with_own_members(ledger::meta_of(store_, pass_id), {"merged_into"},
                                 [&](pg::json_builder &builder) { builder.key("merged_into").text(target_.pass_id); }));
}

pg::jsonb merging::detail(const std::optional<std::string> &merge_id) const {
    pg::json_builder detail;
    detail.begin_object();
    detail.key("source").text(source_.pass_id);
    detail.key("target").text(target_.pass_id);
    detail.key("source_credits").number(source_credits_).key("target_credits").number(target_credits_);
    const pg::jsonb source_lots = ledger::lots_document(*source_lots_),
                    target_lots = ledger::lots_document(*target_lots_);
    detail.key("source_lots").value(pg::value_of(source_lots));
    detail.key("target_lots").value(pg::value_of(target_lots));
    detail.key("moved").begin_object();
    for (const auto &[type, count] : moved_)
        detail.key(type).number(count);
    detail.end_object();
    if (merge_id)
        detail.key("merge_id").text(*merge_id);
    return detail.end_object().finish();
}

} // namespace mega::identity
