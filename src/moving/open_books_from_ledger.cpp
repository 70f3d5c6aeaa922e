// mega_open_books(trust => 'ledger'): the books of a customer set right from the ledger.
#include "moving/open_books_from_ledger.hpp"

#include "core/text_rule.hpp"
#include "ledger/audit.hpp"
#include "ledger/checked.hpp"
#include "ledger/fold_lots.hpp"
#include "ledger/lots.hpp"
#include "ledger/own_key.hpp"
#include "ledger/preference_fold.hpp"
#include "ledger/project.hpp"
#include "ledger/unprojected.hpp"

namespace mega::moving {

namespace {

constexpr Oid pass_id_type[] = {TEXTOID};
constinit pg::statement select_meta("SELECT c.mg_meta FROM ONLY @schema@.mega_customers c "
                                    "WHERE c.mg_pass_id OPERATOR(pg_catalog.=) $1",
                                    pass_id_type);

// What was set: one kind's line of the report and member of the audit.
struct correction {
    const char *kind;
    std::optional<std::string> before;
    std::string after;
};

class repair {
public:
    repair(ledger::store &store, pg::row_set &report, const std::string &pass_id, bool dry_run)
        : store_(store), report_(report), pass_id_(pass_id), dry_run_(dry_run) {}

    void work() {
        if (!dry_run_ && !store_.lock_customer(pass_id_))
            return;
        const auto now = stand(store_, report_, pass_id_, access());
        if (!now)
            return;
        set_credits(*now);
        set_lots();
        set_preferences(*now);
        if (made_.empty())
            return;
        if (!dry_run_)
            audit();
        for (const correction &one : made_)
            report_.add(pass_id_, one.kind, one.before, one.after);
    }

private:
    pg::access access() const { return dry_run_ ? pg::access::read_only : pg::access::read_write; }

    // The row itself: who was merged into another one, or erased, has books as well.
    ledger::locked_customer locked() {
        auto customer = store_.lock_customer(pass_id_);
        if (!customer)
            ledger::throw_unknown_customer(pass_id_);
        return *std::move(customer);
    }

    void set_credits(const standing &now) {
        if (now.credits == now.ledger_sum)
            return;
        if (!std::in_range<std::int32_t>(now.ledger_sum)) // one such customer must not stop the others
            return report_.add(pass_id_, "customer",
                               books(now.credits, now.ledger_sum) + ": more than a balance can be", std::nullopt);
        if (!dry_run_) {
            ledger::unprojected::note_opening(pass_id_); // rows that wait are in the sum
            ledger::project_credits(store_, locked(), now.ledger_sum - now.credits.value_or(0));
        }
        made_.push_back({"credits", books(now.credits, now.ledger_sum),
                         books(static_cast<std::int32_t>(now.ledger_sum), now.ledger_sum)});
    }

    void set_lots() {
        const core::open_lots folded = store_.as_owner(store_.where().generations, [&] {
            return ledger::fold_lots(store_.spi(), store_.where(), pass_id_, access()).lots;
        });
        const pg::rows found = store_.as_owner(store_.where().customers, [&] {
            return store_.spi().run(select_meta, store_.where().schema, access(), pass_id_);
        });
        const auto meta = found.empty() ? std::nullopt : found.json(0, 0);
        if (meta ? ledger::says_open_lots(*meta, folded) : folded.empty())
            return;
        const auto stored = meta ? ledger::own_member(*meta, "lots") : std::nullopt;
        const pg::jsonb before = stored ? pg::json_builder::document_of(*stored) : ledger::lots_document({});
        if (!dry_run_) {
            ledger::locked_customer customer = locked();
            ledger::rewrite_lots(store_, customer, folded);
        }
        made_.push_back({"lots", text_of(before), text_of(ledger::lots_document(folded))});
    }

    void set_preferences(const standing &now) {
        const core::json stored = managed_of(now.preferences);
        const core::json folded = folded_now();
        if (now.preferences && same_document(stored, folded))
            return;
        if (!dry_run_)
            ledger::refold_preferences(store_, locked());
        made_.push_back(
            {"preferences", now.preferences ? std::optional(text_of(stored)) : std::nullopt, text_of(folded)});
    }

    core::json folded_now() {
        return store_.as_owner(store_.where().generations, [&] {
            return ledger::fold_from_ledger(store_.spi(), store_.where(), pass_id_, access());
        });
    }

    void audit() {
        pg::json_builder detail;
        detail.begin_object();
        detail.key("pass_id").text(pass_id_);
        detail.key("role").text(pg::call([] { return GetUserNameFromId(GetSessionUserId(), false); }));
        detail.key("trust").text("ledger");
        for (const correction &one : made_) {
            detail.key(one.kind).begin_object();
            detail.key("before").text_or_null(one.before).key("after").text(one.after).end_object();
        }
        // A pass id of somebody's own making may be nothing that an audit's column takes.
        const bool fits = core::check_text(pass_id_) == core::text_fault::none;
        ledger::append_audit(store_.spi(), store_.where(),
                             {"open_books", fits ? std::optional<std::string_view>(pass_id_) : std::nullopt,
                              detail.end_object().finish()},
                             std::nullopt);
    }

    ledger::store &store_;
    pg::row_set &report_;
    const std::string &pass_id_;
    bool dry_run_;
    std::vector<correction> made_;
};

} // namespace

void set_from_ledger(ledger::store &store, pg::row_set &report, const std::string &pass_id, bool dry_run) {
    repair(store, report, pass_id, dry_run).work();
}

} // namespace mega::moving
