// Configurations, profiles, sessions and audits of administrators.
#include "ledger/new_admin_row.hpp"
#include "moving/import_studio.hpp"

namespace mega::moving {

namespace {

using column = schema::admin;

// What may change of a row that is no fact.
constexpr column changing[] = {column::mg_user_id,
                               column::mg_email,
                               column::mg_ip,
                               column::mg_user_agent,
                               column::mg_first_seen_at,
                               column::mg_last_seen_at,
                               column::mg_shopify_customer_id,
                               column::mg_runtime_flat,
                               column::mg_value};
constexpr std::size_t width = std::size(changing);

constexpr Oid id_type[] = {TEXTOID};
constinit pg::statement
    stored_row("SELECT a.mg_payload, a.mg_user_id, a.mg_email, a.mg_ip, a.mg_user_agent, a.mg_first_seen_at, "
               "a.mg_last_seen_at, a.mg_shopify_customer_id, a.mg_runtime_flat, a.mg_value FROM ONLY "
               "@schema@.mega_admin a WHERE a.mg_id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
               id_type);

constexpr Oid change_types[] = {TEXTOID,        JSONBOID,       UUIDOID, TEXTOID,  TEXTOID,  TEXTOID,
                                TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, JSONBOID, JSONBOID, TEXTOID};
constinit pg::statement
    change_row("UPDATE ONLY @schema@.mega_admin a SET mg_payload = $2, mg_user_id = $3, mg_email = $4, mg_ip = $5, "
               "mg_user_agent = $6, mg_first_seen_at = $7, mg_last_seen_at = $8, mg_shopify_customer_id = $9, "
               "mg_runtime_flat = $10, mg_value = $11, mg_meta = pg_catalog.jsonb_set(a.mg_meta, "
               "'{mega,import,digest}', pg_catalog.to_jsonb($12)) WHERE a.mg_id OPERATOR(pg_catalog.=) $1",
               change_types);

bool append_row(batch &into, const legacy_row &row, const mapped<column> &made, std::optional<std::string_view> actor) {
    ledger::new_admin_row fresh(*definition_of(row.table()).becomes, *mega_id_of(row));
    for (const field<column> &one : made.fields)
        fresh.set(one.column, one.value);
    const pg::nullable_datum *meta = made.find(column::mg_meta);
    fresh
        .set(column::mg_meta, noted(meta != nullptr ? pg::jsonb_of(meta->value) : pg::empty_object(), row, made.mended))
        .set(column::mg_payload, redacted(row.document()))
        .set(column::mg_source_system, "legacy")
        .set(column::mg_actor_pass_id, actor);
    return ledger::append(into.store.spi(), into.where, fresh);
}

class comparison {
public:
    comparison(batch &into, const legacy_row &row, const mapped<column> &made, const std::string &id)
        : into_(into), row_(row), made_(made), id_(id), mg_id_(prefix_of(row.table()) + id),
          counts_(into.report.of(row.table())) {}

    void run() {
        const pg::rows found = into_.store.run(into_.where.admins, stored_row, mg_id_);
        if (found.empty())
            return;
        const auto payload = found.json(0, 0);
        pg::jsonb now = redacted(row_.document());
        if (payload)
            now = with_former(now, *payload);
        if (payload && pg::equal(pg::root_of(*payload), pg::root_of(now))) {
            ++counts_.there;
            return;
        }
        if (into_.doubled.has(row_.table(), id_))
            return into_.refuse(row_.table(), id_, row_.document(), {why::id_taken, {}});
        ++counts_.changed;
        for (std::size_t i = 0; i < width; ++i)
            stored_[i] = found.column(0, static_cast<int>(i) + 1);
        if (row_.table() != legacy::admin_audit && payload && is_as_imported(*payload))
            bring(now);
        else
            list(payload, now);
    }

private:
    pg::nullable_datum made(const mapped<column> &by, column c) const {
        return by.find(c) != nullptr ? *by.find(c) : pg::nullable_datum{};
    }

    // Of a column that legacy does not have any more, nothing is known.
    bool is_common(column c) const {
        return std::ranges::any_of(made_.fields, [&](const field<column> &one) {
            return one.column == c && (std::string_view(one.from) == "knobs" || row_.has(one.from));
        });
    }

    bool is_as_imported(pg::jsonb payload) const {
        const auto was = map_admin(legacy_row(row_.table(), payload),
                                   into_.terms_for([] { return std::optional<pg::timestamp>(); }));
        for (std::size_t i = 0; i < width; ++i)
            if (changing[i] != column::mg_first_seen_at &&
                shown_without_secrets(changing[i], made(was, changing[i])) !=
                    shown_without_secrets(changing[i], stored_[i])) // the payload has none
                return false;
        return true;
    }

    void bring(pg::jsonb now) {
        std::array<pg::nullable_datum, width + 3> values;
        values[0] = pg::to_datum(mg_id_);
        values[1] = pg::to_datum(now);
        for (std::size_t i = 0; i < width; ++i)
            values[i + 2] = is_common(changing[i]) ? made(made_, changing[i]) : stored_[i];
        values[width + 2] = pg::to_datum(row_.digest());
        into_.store.as_owner(into_.where.admins, [&] {
            into_.store.spi().execute(change_row, into_.where.schema, pg::access::read_write, values);
        });
        ++counts_.brought;
    }

    void list(const std::optional<pg::jsonb> &payload, pg::jsonb now) {
        bool any = false;
        for (std::size_t i = 0; i < width && row_.table() != legacy::admin_audit; ++i)
            for (const field<column> &one : made_.fields)
                if (one.column == changing[i] && is_common(one.column) &&
                    shown(one.column, one.value) != shown(one.column, stored_[i])) {
                    any = true;
                    counts_.differ({id_, one.from, shown_without_secrets(one.column, one.value),
                                    shown_without_secrets(one.column, stored_[i])});
                }
        if (!any)
            counts_.differ({id_, "row", shown(column::mg_payload, pg::to_datum(now)),
                            payload ? shown(column::mg_payload, pg::to_datum(*payload)) : std::nullopt});
    }

    batch &into_;
    const legacy_row &row_;
    const mapped<column> &made_;
    const std::string &id_;
    const std::string mg_id_;
    table_report &counts_;
    std::array<pg::nullable_datum, width> stored_;
};

} // namespace

void import_office::take(batch &into, const legacy_line &line) {
    table_report &counts = into.report.of(table_);
    ++counts.read;
    if (!line.document || (line.there && !line.imported)) {
        ++counts.there;
        return;
    }
    const legacy_row row(table_, *line.document, line.digest);
    std::optional<std::string> actor;
    if (line.pass_id) {
        const known_person person = look_for_person(into, *line.pass_id);
        if (person.erased) // nothing of theirs is kept, not even why it is refused
            return into.leave_out(table_, line.id);
        hold_person(into, person);
        if (person.exists && !row.is_null("shopify_customer_id"))
            actor = person.pass_id;
    }
    if (into.mode == care::refuse)
        return into.refuse(table_, row.id(), row.document(), {why::refused, into.refusal});
    const auto made = map_admin(row, into.terms_for([this] { return newest_(table_); }));
    if (made.refused)
        return into.refuse(table_, row.id(), row.document(), *made.refused);
    const std::string id(*line.id);
    if (line.there)
        return comparison(into, row, made, id).run();
    if (!append_row(into, row, made, actor))
        return into.refuse(table_, row.id(), row.document(), {why::id_taken, {}});
    ++counts.written;
    for (const note &one : made.mended)
        counts.mend(one, id);
}

} // namespace mega::moving
