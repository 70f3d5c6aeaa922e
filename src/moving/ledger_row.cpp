// Makes a new row of the ledger of a legacy row, and tells in what one that is there is another.
#include "moving/ledger_row.hpp"

#include "ledger/own_key.hpp"
#include "moving/legacy_sql.hpp"

namespace mega::moving {

namespace {

using column = schema::ledger;

// By which a row says whose it is. Nothing but a merge changes that in mega.
constexpr const char *owner_columns[] = {"shopify_customer_id", "customer_id"};

// Times are what they are; the others may change.
bool is_compared(column c) { return c != column::mg_created_at && c != column::mg_updated_at; }

class comparison {
public:
    comparison(batch &into, const legacy_row &row, const mapped<column> &made, const std::string &id,
               std::optional<std::string_view> owner)
        : into_(into), row_(row), made_(made), id_(id), mg_id_(prefix_of(row.table()) + id), owner_(owner),
          counts_(into.report.of(row.table())), now_(redacted(row.document())) {}

    void run(bool may_bring) {
        if (!into_.store.lock_row(mg_id_, LockTupleNoKeyExclusive, schema::every_ledger_column, stored_))
            return;
        moved_ = owner_ && *owner_ != stored_text(column::mg_pass_id);
        const bool has_payload = !stored(column::mg_payload).is_null;
        const pg::jsonb payload = has_payload ? pg::jsonb_of(stored(column::mg_payload).value) : pg::empty_object();
        if (has_payload)
            now_ = with_former(now_, payload, moved_ ? std::span(owner_columns) : std::span<const char *const>());
        const bool same = has_payload && pg::equal(pg::root_of(payload), pg::root_of(now_));
        if (same && !moved_) {
            ++counts_.there;
            return;
        }
        if (into_.doubled.has(row_.table(), id_))
            return into_.refuse(row_.table(), id_, row_.document(), {why::id_taken, {}});
        ++counts_.changed;
        if (moved_)
            counts_.differ({id_, "shopify_customer_id", std::string(*owner_), stored_text(column::mg_pass_id)});
        if (same)
            return;
        if (may_bring && has_payload && is_as_imported(payload))
            bring();
        else
            list();
    }

private:
    pg::nullable_datum stored(column c) const { return stored_[static_cast<std::size_t>(c)]; }

    pg::nullable_datum stored_by_application(column c) const {
        const pg::nullable_datum value = stored(c);
        if (c == column::mg_meta && !value.is_null && pg::is_object(pg::jsonb_of(value.value)))
            return pg::to_datum(ledger::application_part(pg::jsonb_of(value.value)));
        return value;
    }
    std::optional<std::string> stored_text(column c) const { return shown(c, stored_by_application(c)); }
    std::optional<std::string> stored_without_secrets(column c) const {
        return shown_without_secrets(c, stored_by_application(c));
    }

    bool is_as_imported(pg::jsonb payload) const {
        const legacy_row before(row_.table(), payload);
        const terms by = into_.terms_for([] { return std::optional<pg::timestamp>(); });
        const auto was = map_ledger_row(before, by);
        return std::ranges::all_of(was.fields, [&](const field<column> &one) {
            return !is_compared(one.column) ||
                   shown_without_secrets(one.column, one.value) == stored_without_secrets(one.column);
        });
    }

    // Of a column that legacy does not have any more, nothing is known.
    bool is_common(const field<column> &one) const { return *one.from == '\0' || row_.has(one.from); }
    bool has_meta() const { return row_.has("meta"); }

    // What legacy says of it as the application's document, with the note that this is the row which was brought.
    pg::jsonb noted_meta() const {
        const pg::nullable_datum before = stored(column::mg_meta), *legacy = made_.find(column::mg_meta);
        const pg::jsonb stored_meta = before.is_null ? pg::empty_object() : pg::jsonb_of(before.value);
        const pg::jsonb meta = legacy != nullptr && has_meta() ? pg::jsonb_of(legacy->value) : stored_meta;
        return ledger::with_own_key(meta, pg::find(stored_meta, ledger::own_key), {"import"}, [&](auto &own) {
            own.key("import").begin_object();
            if (const auto was = ledger::own_member(stored_meta, "import"); was && was->is_object())
                pg::for_each_member(was->container(), [&](std::string_view key, const pg::json_value &value) {
                    if (key != "digest" || moved_) // whose it is is told again
                        own.key(key).value(value);
                });
            if (!moved_)
                own.key("digest").text(row_.digest());
            own.end_object();
        });
    }

    void bring() {
        const pg::jsonb meta = noted_meta();
        const ledger::in_flight::own_key writing(mg_id_, ledger::own_value_of(meta));
        std::vector<column> columns{column::mg_mma_status, column::mg_payload, column::mg_meta};
        std::vector<pg::nullable_datum> values{stored(column::mg_mma_status), pg::to_datum(now_), pg::to_datum(meta)};
        for (const field<column> &one : made_.fields)
            if (is_compared(one.column) && one.column != column::mg_meta && is_common(one) &&
                shown(one.column, one.value) != stored_text(one.column)) {
                if (one.column == column::mg_mma_status) {
                    values.front() = one.value;
                    continue;
                }
                columns.push_back(one.column);
                values.push_back(one.value);
            }
        const auto change = [&] { into_.store.change_generation(mg_id_, columns, values); };
        std::optional<std::string> fault;
        if (into_.mode == care::none)
            change();
        else
            fault = fault_of_row(change);
        if (fault)
            return list();
        ++counts_.brought;
    }

    void list() {
        bool any = false;
        for (const field<column> &one : made_.fields) {
            const auto legacy = shown(one.column, one.value), mega = stored_text(one.column);
            if (*one.from == '\0' || one.column == column::mg_updated_at || legacy == mega || !is_common(one))
                continue;
            any = true;
            counts_.differ(
                {id_, one.from, shown_without_secrets(one.column, one.value), stored_without_secrets(one.column)});
        }
        if (!any && !moved_) // a column that mega does not read
            counts_.differ(
                {id_, "row", shown(column::mg_payload, pg::to_datum(now_)), stored_text(column::mg_payload)});
    }

    batch &into_;
    const legacy_row &row_;
    const mapped<column> &made_;
    const std::string &id_;
    const std::string mg_id_;
    const std::optional<std::string_view> owner_; // of whom legacy says that it is
    bool moved_ = false;                          // mega has it of another one
    table_report &counts_;
    pg::jsonb now_;
    std::array<pg::nullable_datum, schema::every_ledger_column.size()> stored_;
};

} // namespace

ledger::new_row new_row_of(const legacy_row &row, const mapped<column> &made, const std::string &pass_id) {
    ledger::new_row fresh(core::name(*definition_of(row.table()).becomes), *mega_id_of(row));
    pg::jsonb meta = pg::empty_object();
    for (const field<column> &one : made.fields)
        if (one.column == column::mg_meta)
            meta = pg::jsonb_of(one.value.value);
        else
            fresh.set(one.column, one.value);
    fresh.set_noted(noted(meta, row, made.mended))
        .set(column::mg_pass_id, pass_id)
        .set(column::mg_payload, redacted(row.document()))
        .set(column::mg_source_system, "legacy");
    return fresh;
}

void note_ledger_row(batch &into, const legacy_row &row, const mapped<column> &made, std::string_view pass_id,
                     bool by_session) {
    table_report &counts = into.report.of(row.table());
    ++counts.written;
    const std::string id = row.id();
    for (const note &one : made.mended)
        counts.mend(one, id);
    if (by_session)
        counts.mend({how::by_session, {}}, id);
    else if (pass_id == anonymous_pass_id)
        counts.mend({how::anonymous, {}}, id);
}

void compare_ledger_row(batch &into, const legacy_row &row, const mapped<column> &made, const std::string &id,
                        std::optional<std::string_view> owner, bool may_bring) {
    comparison(into, row, made, id, owner).run(may_bring);
}

} // namespace mega::moving
