// Imports the customer's own row: made, or brought where it is as it was imported.
#include "moving/import_person.hpp"

#include "core/pass_id.hpp"
#include "ledger/erasure.hpp"
#include "ledger/own_key.hpp"
#include "ledger/project.hpp"
#include "moving/legacy_sql.hpp"

namespace mega::moving {

namespace {

using column = schema::customer;
constexpr std::string_view shopify = "pass:shopify:";

// What is held against what legacy says.
constexpr column compared[] = {column::mg_user_id, column::mg_email, column::mg_expires_at, column::mg_disabled};
constexpr std::size_t fields = std::size(compared);

std::string hashed(const std::string &text) {
    return std::to_string(
        hash_bytes_extended(reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()), 0));
}

// Tells whether a customer's row is as an import left it.
std::string digest_of(std::span<const pg::nullable_datum> values, pg::jsonb application) {
    std::string text;
    for (std::size_t i = 0; i < fields; ++i)
        text += shown(compared[i], values[i]).value_or("\x01") + "\x02";
    return hashed(text + shown(column::mg_meta, pg::to_datum(application)).value_or(""));
}

std::vector<legacy_row> rows_of(std::span<const person_row> rows) {
    std::vector<legacy_row> all;
    for (const person_row &one : rows)
        all.push_back(one.row);
    return all;
}

// The document with {"keys": {key: digest}, "written": digest} noted in it, beside what is noted already.
pg::jsonb with_import_note(pg::jsonb meta, std::span<const person_row> rows, const std::optional<std::string> &written,
                           bool with_digests) {
    const auto before = ledger::own_member(meta, "import");
    const auto member = [&](std::string_view name) {
        return before && before->is_object() ? pg::find(before->container(), name) : std::nullopt;
    };
    return ledger::with_own_members(meta, {"import"}, [&](pg::json_builder &out) {
        out.key("import").begin_object();
        out.key("keys").begin_object();
        if (const auto keys = member("keys"); keys && keys->is_object())
            pg::for_each_member(keys->container(), [&](std::string_view key, const pg::json_value &value) {
                if (std::ranges::none_of(rows, [&](const person_row &one) { return one.key == key && with_digests; }))
                    out.key(key).value(value);
            });
        for (const person_row &one : rows)
            if (with_digests || !(member("keys") && pg::find(member("keys")->container(), one.key)))
                out.key(one.key).text(one.digest);
        out.end_object();
        if (written)
            out.key("written").text(*written);
        else if (const auto was = member("written"))
            out.key("written").value(*was);
        out.end_object();
    });
}

bool is_email(std::string_view key) { return key.find('@') != std::string_view::npos; }

void note_keys(batch &into, const std::string &pass_id, std::span<const person_row> rows) {
    table_report &counts = into.report.of(legacy::customers);
    for (const person_row &one : rows)
        if (is_email(one.key) && pass_id != anonymous_pass_id)
            counts.mend({how::email_key, {}}, one.key);
    if (rows.size() > 1 && pass_id != anonymous_pass_id)
        counts.mend({how::two_keys, pass_id}, rows[1].key);
    for (const person_row &one : rows)
        if (pass_id == anonymous_pass_id)
            counts.mend({how::anonymous, {}}, one.key);
}

std::optional<std::string> shopify_id_of(std::string_view pass_id) {
    return pass_id.starts_with(shopify) ? std::optional(std::string(pass_id.substr(shopify.size()))) : std::nullopt;
}

// Columns for a new customer. Identities that another one has are left out step by step.
std::vector<ledger::customer_change> columns_of(const std::string &pass_id, const mapped<column> &made, pg::jsonb meta,
                                                int identities) {
    std::vector<ledger::customer_change> row{{column::mg_pass_id, pg::to_datum(pass_id)},
                                             {column::mg_source_system, pg::to_datum("legacy")}};
    if (const auto id = shopify_id_of(pass_id); id && identities > 0)
        row.emplace_back(column::mg_shopify_customer_id, pg::to_datum(*id));
    for (const auto &one : made.fields) {
        if (one.column == column::mg_meta || (one.column == column::mg_user_id && identities < 2))
            continue;
        row.emplace_back(one.column, one.value);
    }
    row.emplace_back(column::mg_meta, pg::to_datum(meta));
    return row;
}

bool insert(batch &into, const std::string &pass_id, const mapped<column> &made, std::span<const person_row> rows,
            int identities) {
    const pg::nullable_datum *meta = made.find(column::mg_meta);
    const pg::jsonb application =
        meta != nullptr ? ledger::application_part(pg::jsonb_of(meta->value)) : pg::empty_object();
    std::array<pg::nullable_datum, fields> values;
    for (std::size_t i = 0; i < fields; ++i)
        if (const pg::nullable_datum *value = made.find(compared[i]); value != nullptr)
            if (compared[i] != column::mg_user_id || identities == 2)
                values[i] = *value;
    const pg::jsonb noted = with_import_note(application, rows, digest_of(values, application), true);
    const ledger::in_flight::own_key writing(pass_id, ledger::own_value_of(noted));
    const auto columns = columns_of(pass_id, made, noted, identities);
    return into.store.insert_customer(columns);
}

mapped<column> nobody_else(const std::string &pass_id, pg::timestamp since) {
    mapped<column> made;
    made.set("", column::mg_disabled, pass_id == anonymous_pass_id);
    made.set("", column::mg_created_at, since);
    made.set("", column::mg_updated_at, since);
    return made;
}

} // namespace

void make_person(batch &into, const std::string &pass_id, std::span<const person_row> rows, const terms &by,
                 pg::timestamp since) {
    table_report &counts = into.report.of(legacy::customers);
    mapped<column> made = rows.empty() ? nobody_else(pass_id, since) : map_customer(rows_of(rows), by);
    if (pass_id == anonymous_pass_id)
        for (auto &one : made.fields) { // many people's
            if (one.column == column::mg_disabled)
                one.value = pg::to_datum(true);
            if (one.column == column::mg_user_id)
                one.value = {};
        }
    if (rows.empty() && pass_id != anonymous_pass_id)
        counts.mend({how::missing_customer, {}}, pass_id);
    note_keys(into, pass_id, rows);
    for (const note &one : made.mended)
        counts.mend(one, rows.front().key);
    for (int identities = 2; identities >= 0; --identities) {
        if (insert(into, pass_id, made, rows, identities))
            return;
        const bool user =
            identities == 2 && made.find(column::mg_user_id) != nullptr && !made.find(column::mg_user_id)->is_null;
        if (user)
            counts.mend({how::taken_identity, "user_id=" + *shown(column::mg_user_id, *made.find(column::mg_user_id))},
                        pass_id);
    }
    throw pg::sql_error{
        "23505", "a unique key or a trigger keeps the customer out", "pass_id=" + pg::quoted(pass_id), {}};
}

namespace {

// A customer who is there, and what his legacy rows make of him.
class bringing {
public:
    bringing(batch &into, const known_person &person, const ledger::locked_customer &customer,
             std::span<const person_row> rows, const terms &by, bool changed)
        : into_(into), person_(person), customer_(customer), rows_(rows), made_(map_customer(rows_of(rows), by)),
          counts_(into.report.of(legacy::customers)), changed_(changed) {}

    void work() {
        if (!into_.store.read_customer(person_.pass_id, read_columns, stored_))
            return;
        const auto note = ledger::own_member(person_.meta, "import");
        const auto written = note && note->is_object() ? pg::find(note->container(), "written") : std::nullopt;
        const pg::jsonb application = ledger::application_part(person_.meta);
        if (!written || !written->is_string())
            fill_unknown(application);
        else if (written->string() == digest_of(std::span(stored_).first(fields), application))
            bring_all();
        else { // His row went its own way: what is noted stays, so that he is told again.
            differs(false);
            write(application, false, false);
        }
    }

private:
    static constexpr column read_columns[] = {column::mg_user_id,     column::mg_email,
                                              column::mg_expires_at,  column::mg_disabled,
                                              column::mg_last_active, column::mg_shopify_customer_id,
                                              column::mg_created_at};

    pg::nullable_datum made(column c) const { return made_.find(c) != nullptr ? *made_.find(c) : pg::nullable_datum{}; }
    // Of a column that legacy does not have any more, nothing is known.
    bool has_column(std::string_view name) const {
        return std::ranges::any_of(rows_, [&](const person_row &one) { return one.row.has(name); });
    }
    bool is_common(std::size_t i) const {
        return has_column(std::string_view(schema::name(compared[i])).substr(std::strlen("mg_")));
    }
    bool is_anonymous() const { return person_.pass_id == anonymous_pass_id; }

    // A person whom mega knew before: nothing that it has is overwritten.
    void fill_unknown(pg::jsonb application) {
        note_keys(into_, person_.pass_id, rows_);
        for (std::size_t i = 0; i < fields; ++i)
            if (stored_[i].is_null && !made(compared[i]).is_null && !is_anonymous())
                set(compared[i], made(compared[i]));
        if (!made(column::mg_disabled).is_null && DatumGetBool(made(column::mg_disabled).value) &&
            !(stored_[3].is_null ? false : DatumGetBool(stored_[3].value))) {
            set(column::mg_disabled, pg::to_datum(true));
            counts_.mend({how::disabled, {}}, person_.pass_id);
        }
        if (stored_[6].is_null ||
            pg::timestamp_of(made(column::mg_created_at).value) < pg::timestamp_of(stored_[6].value))
            set(column::mg_created_at, made(column::mg_created_at)); // he was a customer before mega knew him
        if (const auto id = core::plain_shopify_id(rows_.front().key); stored_[5].is_null && !id.empty())
            set(column::mg_shopify_customer_id, pg::to_datum(std::string(id)));
        pg::json_builder meta;
        meta.begin_object();
        ledger::add_application(meta, pg::jsonb_of(made(column::mg_meta).value));
        ledger::add_application(meta, application);
        differs(true); // told once, and once more whenever legacy's row changes
        write(meta.end_object().finish(), false, true);
    }

    void bring_all() {
        for (std::size_t i = 0; i < fields; ++i) {
            const bool own = compared[i] == column::mg_user_id || compared[i] == column::mg_disabled;
            if (is_common(i) && shown(compared[i], made(compared[i])) != shown(compared[i], stored_[i]) &&
                !(is_anonymous() && own))
                set(compared[i], made(compared[i]));
        }
        const pg::jsonb meta = pg::jsonb_of(made(column::mg_meta).value);
        write(ledger::application_part(has_column("meta") ? meta : with_former(meta, person_.meta)), true, true);
        counts_.brought += changed_ ? 1 : 0;
    }

    // Tells both values of each field in which legacy's row and what mega's is to be differ. known: and legacy's says
    // something.
    void differs(bool known) {
        for (std::size_t i = 0; i < fields; ++i) {
            const auto legacy = shown(compared[i], made(compared[i])), mega = shown(compared[i], to_be(i));
            if (legacy != mega && (legacy || !known) && is_common(i) && !is_anonymous())
                counts_.differ({rows_.front().key, schema::name(compared[i]), legacy, mega});
        }
    }

    pg::nullable_datum to_be(std::size_t i) const {
        const auto set = std::ranges::find(changes_, compared[i], &ledger::customer_change::first);
        return set == changes_.end() ? stored_[i] : set->second;
    }

    void set(column c, pg::nullable_datum value) { changes_.emplace_back(c, value); }

    // as_imported: what is written is what an import made of him.
    void write(pg::jsonb application, bool as_imported, bool with_digests) {
        if (!made(column::mg_last_active).is_null &&
            (stored_[4].is_null ||
             pg::timestamp_of(stored_[4].value) < pg::timestamp_of(made(column::mg_last_active).value)))
            set(column::mg_last_active, made(column::mg_last_active));
        std::array<pg::nullable_datum, fields> values;
        for (std::size_t i = 0; i < fields; ++i)
            values[i] = to_be(i);
        const pg::jsonb noted =
            with_import_note(ledger::with_key_of(application, person_.meta), rows_,
                             as_imported ? std::optional(digest_of(values, application)) : std::nullopt, with_digests);
        changes_.emplace_back(column::mg_meta, pg::to_datum(noted));
        claim_identities();
        const ledger::in_flight::own_key writing(person_.pass_id, ledger::own_value_of(noted));
        if (into_.store.change_customer(customer_, changes_) != 1)
            ledger::refuse_kept_out(into_.store, person_.pass_id);
    }

    // Each by itself: one that somebody else has is left to him.
    void claim_identities() {
        const auto identities =
            std::stable_partition(changes_.begin(), changes_.end(), [](const ledger::customer_change &one) {
                return one.first != column::mg_user_id && one.first != column::mg_shopify_customer_id;
            });
        for (const ledger::customer_change &one : std::span(identities, changes_.end()))
            if (!into_.store.claim_identity(customer_, std::span(&one, 1)))
                counts_.mend({how::taken_identity, schema::name(one.first)}, person_.pass_id);
        changes_.erase(identities, changes_.end());
    }

    batch &into_;
    const known_person &person_;
    const ledger::locked_customer &customer_;
    std::span<const person_row> rows_;
    const mapped<column> made_;
    table_report &counts_;
    const bool changed_;
    std::array<pg::nullable_datum, std::size(read_columns)> stored_;
    std::vector<ledger::customer_change> changes_;
};

} // namespace

void bring_person(batch &into, const known_person &person, const ledger::locked_customer &customer,
                  std::span<const person_row> rows, const terms &by, bool changed) {
    bringing(into, person, customer, rows, by, changed).work();
}

} // namespace mega::moving
