// Imports customers, each with his credit rows and the row that opens his balance.
#include "moving/import_customers.hpp"

#include "core/pass_id.hpp"
#include "ledger/checked.hpp"
#include "ledger/lots.hpp"
#include "ledger/own_key.hpp"
#include "ledger/words.hpp"
#include "moving/ledger_row.hpp"
#include "moving/legacy_sql.hpp"
#include "moving/said_credits.hpp"

namespace mega::moving {

namespace {

using column = schema::ledger;

constexpr Oid pass_id_type[] = {TEXTOID};
// How often imports opened a customer's balance.
constinit pg::statement openings =
    pg::statement("SELECT pg_catalog.count(*) FROM ONLY @schema@.mega_generations g "
                  "WHERE g.mg_pass_id OPERATOR(pg_catalog.=) $1 "
                  "AND g.mg_record_type OPERATOR(pg_catalog.=) 'credit_transaction' "
                  "AND g.mg_meta OPERATOR(pg_catalog.#>) '{mega,import,opening}' IS NOT NULL",
                  pass_id_type)
        .by_key();

void note_doubled(std::span<person_row *const> rows) {
    std::set<std::string_view> contents;
    for (const person_row *one : rows)
        contents.insert(content_of(one->digest));
    std::string all;
    for (const std::string_view one : contents)
        all += (all.empty() ? "" : "+") + std::string(one);
    for (person_row *one : rows)
        one->digest = all + doubled_mark;
}

said_credits said_of(std::span<const person_row> rows) {
    said_credits all;
    for (const person_row &one : rows) {
        const auto credits = one.row.integer("credits");
        ++(credits ? all.said : all.unsaid);
        all.sum += credits.value_or(0);
    }
    return all;
}

pg::jsonb opening_note() {
    pg::json_builder own;
    own.begin_object().key("import").begin_object();
    return own.key("opening").boolean(true).end_object().end_object().finish();
}

} // namespace

terms import_customers::terms_of(const batch &into, legacy table) const {
    return into.terms_for([this, table] { return newest_(table); });
}

void import_customers::take(batch &into, const legacy_line &line) {
    if (!unit_ || line.pass_id != unit_->named) {
        end(into);
        if (line.pass_id)
            start(into, *line.pass_id);
    }
    const legacy table = line.kind == 0 ? legacy::customers : legacy::credit_transactions;
    ++into.report.of(table).read;
    if (!unit_) {
        if (line.document)
            into.refuse(table, std::string(line.id.value_or("NULL")), *line.document, {why::bad_customer, {}});
        return;
    }
    if (unit_->person.erased)
        return into.leave_out(table, line.id);
    if (into.mode == care::refuse && line.document) {
        hold_person(into, unit_->person);
        return into.refuse(table, std::string(line.id.value_or("NULL")), *line.document, {why::refused, into.refusal});
    }
    if (line.kind == 0)
        take_person(line);
    else
        take_credit(into, line);
}

void import_customers::start(batch &into, std::string_view pass_id) {
    unit_.emplace();
    unit_->named = pass_id;
    unit_->person = look_for_person(into, pass_id);
    unit_->person.meta = unit_->documents.keep(unit_->person.meta);
}

void import_customers::take_person(const legacy_line &line) {
    unit_->written_before = line.delta.value_or(0);
    const std::string digest(line.digest.value_or(""));
    unit_->rows.push_back({std::string(line.id.value_or("anonymous")), digest,
                           legacy_row(legacy::customers, unit_->documents.keep(*line.document), digest)});
}

// Once all of the customer's rows have come: several of one key are told by one digest.
void import_customers::count_person(batch &into) {
    unit &one = *unit_;
    table_report &counts = into.report.of(legacy::customers);
    std::map<std::string, std::vector<person_row *>, std::less<>> keys;
    for (person_row &row : one.rows)
        keys[row.key].push_back(&row);
    for (auto &[key, rows] : keys) {
        if (rows.size() > 1)
            note_doubled(rows);
        const std::string_view content = content_of(rows.front()->digest);
        const auto before = digest_of_key(one.person, key);
        const bool same = before && content_of(*before) == content;
        const auto at_source = before ? std::nullopt : digest_of_source(into, one.person, key);
        const bool there = same || (at_source && content_of(*at_source) == content);
        const auto count = static_cast<std::int64_t>(rows.size());
        (there ? counts.there : before || at_source ? counts.changed : counts.written) += count;
        one.news += same ? 0 : rows.size();
        one.changed += !there && (before || at_source) ? rows.size() : 0;
    }
}

void import_customers::refuse_credit(batch &into, const std::string &id, pg::jsonb document, const note &reason) {
    hold_person(into, unit_->person);
    into.refuse(legacy::credit_transactions, id, document, reason);
}

void import_customers::take_credit(batch &into, const legacy_line &line) {
    table_report &counts = into.report.of(legacy::credit_transactions);
    if (line.there && !line.imported) { // an application's own backfill
        if (!line.delta)
            return refuse_credit(into, std::string(*line.id), *line.document, {why::id_taken, {}});
        ++counts.there;
        unit_->foreign += *line.delta;
        return;
    }
    if (!line.document) {
        ++counts.there;
        return;
    }
    const legacy_row row(legacy::credit_transactions, *line.document, line.digest);
    if (line.there)
        compare_credit(into, line, row);
    else
        append_credit(into, line, row);
}

// A fact never changes: what legacy made of it since is told.
void import_customers::compare_credit(batch &into, const legacy_line &line, const legacy_row &row) {
    terms by = terms_of(into, legacy::credit_transactions);
    const auto made = map_ledger_row(row, by);
    if (made.refused) // its id is one of mega's own rows
        return refuse_credit(into, row.id(), row.document(), *made.refused);
    if (into.doubled.has(row.table(), row.id()))
        hold_person(into, unit_->person);
    const std::string &pass_id = unit_->person.pass_id;
    const auto owner = pass_id == anonymous_pass_id ? std::nullopt : std::optional<std::string_view>(pass_id);
    compare_ledger_row(into, row, made, std::string(line.id.value_or("")), owner, false);
}

void import_customers::append_credit(batch &into, const legacy_line &line, const legacy_row &row) {
    terms by = terms_of(into, legacy::credit_transactions);
    // What identifies nothing cannot be doubled.
    by.keeps_reference = line.keeps_reference || !ledger::is_keyed(row.text("ref_type").value_or(""));
    for (int attempt = 0;; ++attempt) {
        const auto made = map_ledger_row(row, by);
        if (made.refused)
            return refuse_credit(into, row.id(), row.document(), *made.refused);
        unit_->since = pg::timestamp_of(made.find(column::mg_created_at)->value);
        open_customer(into);
        ledger::new_row fresh = new_row_of(row, made, unit_->customer.pass_id);
        const std::int32_t delta = DatumGetInt32(made.find(column::mg_delta)->value);
        bool written = false;
        const auto put = [&] { written = write(into, fresh, delta); };
        std::optional<std::string> fault;
        if (into.mode == care::none)
            put();
        else
            fault = fault_of_row(put);
        if (fault)
            return refuse_credit(into, row.id(), row.document(), {why::refused, *fault});
        if (written) {
            note_ledger_row(into, row, made, unit_->customer.pass_id, line.by_session);
            return;
        }
        if (attempt > 0 || !by.keeps_reference)
            return refuse_credit(into, row.id(), row.document(), {why::id_taken, {}});
        by.keeps_reference = false; // somebody wrote it meanwhile
    }
}

// False when one of its keys is taken.
bool import_customers::write(batch &into, const ledger::new_row &row, std::int32_t delta) {
    const std::string &pass_id = unit_->customer.pass_id;
    const auto how = into.mode == care::none ? into.store.append_one_of_many(row, pass_id, delta, nullptr)
                                             : into.store.append_credit(row, pass_id, delta, nullptr);
    if (how == ledger::appended::no)
        return false;
    if (how == ledger::appended::unprojected)
        unit_->waiting.add(row, delta, nullptr, delta > 0);
    unit_->appended += delta;
    return true;
}

// The customer's own row, once all of legacy's that make it have come.
void import_customers::settle_person(batch &into) {
    unit &one = *unit_;
    if (one.settled)
        return;
    one.settled = true;
    count_person(into);
    if (one.person.exists && one.news == 0)
        return;
    const terms by = terms_of(into, legacy::customers);
    if (!one.person.exists) {
        make_person(into, one.person.pass_id, one.rows, by, one.since);
        one.fresh = one.person.exists = true;
        open_customer(into);
    } else {
        open_customer(into);
        one.person.meta = one.documents.keep(ledger::meta_of(one.customer)); // as it stands behind the lock
        bring_person(into, one.person, one.customer, one.rows, by, one.changed > 0);
        // What is written behind it goes by the row as it stands now.
        one.customer = ledger::require_locked_customer(into.store, one.person.pass_id);
    }
}

void import_customers::open_customer(batch &into) {
    unit &one = *unit_;
    if (one.open)
        return;
    if (one.settled) { // called from there
        one.customer = ledger::require_locked_customer(into.store, one.person.pass_id);
        if (one.customer.pass_id != one.person.pass_id)
            refuse_who_moved(one.person.pass_id);
        one.open = true;
        return;
    }
    settle_person(into);
    if (!one.open)
        open_customer(into);
}

void import_customers::end(batch &into) {
    if (!unit_)
        return;
    if (!unit_->person.erased && into.mode != care::refuse) {
        settle_person(into);
        if (unit_->open)
            open_balance(into);
    }
    unit_.reset();
}

// What legacy says the balance is, less what its own rows make and what was opened before.
void import_customers::open_balance(batch &into) {
    unit &one = *unit_;
    std::int64_t number = 0;
    if (!one.rows.empty()) {
        table_report &counts = into.report.of(legacy::customers);
        const said_credits legacy = said_of(one.rows);
        if (legacy.unsaid > 0)
            counts.mend({how::unsaid_balance, {}}, one.rows[0].key);
        if (legacy.sum < 0)
            counts.mend({how::negative_balance, std::to_string(legacy.sum)}, one.rows[0].key);
        const std::int64_t written = one.written_before + one.appended + one.foreign;
        if (!one.fresh) {
            into.store.append_rest(); // what is counted
            number = into.store.run(into.where.generations, openings, one.customer.pass_id).int8(0, 0).value_or(0);
        }
        const std::int64_t missing = legacy.missing_beside(written);
        if (missing != 0)
            counts.mend(
                {how::opened_balance, "credits=" + std::to_string(legacy.sum) + " rows=" + std::to_string(written)},
                one.rows[0].key);
        for (std::int64_t left = missing; left != 0;) {
            pg::check_for_interrupts();
            const auto delta = static_cast<std::int32_t>(std::clamp<std::int64_t>(left, -PG_INT32_MAX, PG_INT32_MAX));
            if (append_opening(into, ++number, delta))
                left -= delta;
        }
        if (missing != 0)
            into.report.open(missing);
    }
    ledger::locked_customer after = one.customer;
    after.credits = one.waiting.any ? one.waiting.credits.balance_behind(into.store, one.customer) : after.credits;
    if (one.waiting.any)
        project_appended(into.store, one.customer, after, one.waiting);
}

bool import_customers::append_opening(batch &into, std::int64_t number, std::int32_t delta) {
    const std::string &pass_id = unit_->customer.pass_id;
    constexpr std::size_t longest = 480;
    const std::string id =
        pass_id.size() <= longest ? "opening:" + pass_id + ":" + std::to_string(number) : "opening:" + ledger::new_id();
    ledger::new_row row("credit_transaction", id);
    const pg::timestamp now = ledger::stamp_behind(unit_->customer.updated_at);
    unit_->customer.updated_at = now;
    row.set_meta(pg::empty_object(), opening_note())
        .set(column::mg_pass_id, pass_id)
        .set(column::mg_delta, delta)
        .set(column::mg_reason, "opening")
        .set(column::mg_source, "import")
        .set(column::mg_ref_type, "opening")
        .set(column::mg_ref_id, id.substr(std::string_view("opening:").size()))
        .set(column::mg_status, "succeeded")
        .set(column::mg_source_system, "legacy")
        .set(column::mg_created_at, now)
        .set(column::mg_updated_at, now);
    // Nobody has rows of a customer who was made here.
    const auto how = unit_->fresh && into.mode == care::none
                         ? into.store.append_one_of_many(row, pass_id, delta, nullptr)
                         : into.store.append_credit(row, pass_id, delta, nullptr);
    if (how == ledger::appended::unprojected)
        unit_->waiting.add(row, delta, nullptr, delta > 0);
    return how != ledger::appended::no;
}

} // namespace mega::moving
