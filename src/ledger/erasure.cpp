// Erasure: what is left of rows of the ledger and of mega_admin.
#include "ledger/erasure.hpp"

#include "core/mentions.hpp"
#include "core/record_id.hpp"
#include "ledger/lots.hpp"
#include "ledger/own_key.hpp"
#include "ledger/preference_fold.hpp"
#include "pg/digest.hpp"
#include "pg/trigger.hpp"

namespace mega::ledger {

namespace {

using column = schema::ledger;

constinit erasure *erasures = nullptr;

constexpr column texts[] = {
    column::mg_title,   column::mg_prompt,    column::mg_output_url, column::mg_output_key, column::mg_error,
    column::mg_comment, column::mg_image_url, column::mg_video_url,  column::mg_platform,   column::mg_client_version,
    column::mg_os,      column::mg_browser,   column::mg_device};
constexpr column documents[] = {column::mg_meta, column::mg_payload, column::mg_mma_vars};

// What of mega's own notes says where a row came from.
constexpr std::string_view erased_mark = "erased";
constexpr std::string_view traces[] = {"from", "import"};

bool is_among(std::string_view word, std::span<const std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

// marks: generations, so that whoever has one need not look for its customer.
void add_own_key(pg::json_builder &builder, const std::optional<pg::jsonb> &meta, bool marks) {
    const auto own = meta ? pg::find(*meta, own_key) : std::nullopt;
    bool begun = false;
    const auto begin = [&] {
        if (!std::exchange(begun, true))
            builder.key(own_key).begin_object();
    };
    if (own && own->is_object())
        pg::for_each_member(own->container(), [&](std::string_view key, const pg::json_value &value) {
            if (is_among(key, traces) || (marks && key == erased_mark))
                return;
            begin();
            builder.key(key).value(value);
        });
    if (marks) {
        begin();
        builder.key(erased_mark).boolean(true);
    }
    if (begun)
        builder.end_object();
}

void add_event(pg::json_builder &builder, pg::jsonb meta) {
    const auto type = pg::find(meta, "event_type");
    if (type && type->is_string())
        builder.key("event_type").text(type->string());
    builder.key("payload").document(payload_left(meta));
}

pg::jsonb meta_left(const ledger_row &row, std::optional<core::record_type> type) {
    const auto meta = row.json(column::mg_meta);
    pg::json_builder builder;
    builder.begin_object();
    if (meta && type == core::record_type::mma_event)
        add_event(builder, *meta);
    add_own_key(builder, meta, type == core::record_type::generation);
    return builder.end_object().finish();
}

pg::jsonb empty_step() {
    return pg::json_builder()
        .begin_object()
        .key("input")
        .document(pg::empty_object())
        .key("output")
        .document(pg::empty_object())
        .end_object()
        .finish();
}

template <class Record, class Column> void set_document(Record &row, Column c, pg::jsonb wanted) {
    const auto stored = row.json(c);
    if (!stored || !pg::equal(pg::root_of(*stored), pg::root_of(wanted)))
        row.set(c, wanted);
}

template <class Record, class Column> void clear(Record &row, Column c) {
    if (!row.is_null(c))
        row.set(c, std::nullopt);
}

} // namespace

erasure::erasure(std::span<const std::string> pass_ids) noexcept
    : pass_ids_(pass_ids), subtransaction_(GetCurrentSubTransactionId()), depth_(pg::trigger_depth()),
      below_(erasures) {
    erasures = this;
}

erasure::~erasure() { erasures = below_; }

const erasure *erasure::under_way() noexcept {
    return erasures != nullptr && erasures->subtransaction_ == GetCurrentSubTransactionId() &&
                   pg::trigger_depth() == erasures->depth_ + 1
               ? erasures
               : nullptr;
}

bool erasure::is_of(std::string_view pass_id) const noexcept {
    return std::ranges::find(pass_ids_, pass_id) != pass_ids_.end();
}

pg::jsonb without_mentions(const erasure &what, pg::jsonb document) {
    const auto other = pg::replace_strings(
        document, [&](std::string_view text) { return core::without_mentions(text, what.pass_ids()); });
    return other.value_or(document);
}

namespace {

// Of what a counterparty's lots took part in, the names stay: they are ids of the counterparty's own rows.
pg::jsonb note_left(const erasure &what, pg::jsonb meta) {
    const pg::jsonb left = without_mentions(what, meta);
    if (!own_member(meta, lots_key) && !own_member(meta, cover_key))
        return left;
    return with_own_members(left, {lots_key, cover_key}, [&](pg::json_builder &out) {
        for (const std::string_view key : {lots_key, cover_key})
            if (const auto named = own_member(meta, key))
                out.key(key).value(*named);
    });
}

} // namespace

pg::jsonb payload_left(pg::jsonb event_meta) {
    const auto type = pg::find(event_meta, "event_type"), payload = pg::find(event_meta, "payload");
    if (!payload || !payload->is_object() || !is_intelligible(event_meta))
        return pg::empty_object();
    pg::json_builder builder;
    builder.begin_object();
    pg::for_each_member(payload->container(), [&](std::string_view key, const pg::json_value &value) {
        if (is_among(key, core::members_read(type->string())))
            builder.key(key).value(value);
    });
    return builder.end_object().finish();
}

void erase_row(const erasure &what, const ledger_row &old_row, ledger_row &new_row) {
    if (!what.is_of(old_row.text(column::mg_pass_id).value_or(""))) { // a counterparty's note of a transfer
        if (const auto meta = old_row.json(column::mg_meta))
            set_document(new_row, column::mg_meta, note_left(what, *meta));
        return;
    }
    const auto type = core::parse_record_type(old_row.text(column::mg_record_type).value_or(""));
    for (const column c : texts)
        clear(new_row, c);
    set_document(new_row, column::mg_meta, meta_left(old_row, type));
    set_document(new_row, column::mg_mma_vars, pg::empty_object());
    if (type == core::record_type::mma_step)
        set_document(new_row, column::mg_payload, empty_step());
    else
        clear(new_row, column::mg_payload);
}

bool erases(const erasure &what, const ledger_row &old_row, column c) {
    if (!what.is_of(old_row.text(column::mg_pass_id).value_or("")))
        return c == column::mg_meta;
    return std::ranges::find(texts, c) != std::end(texts) || std::ranges::find(documents, c) != std::end(documents);
}

bool is_marked_erased(const std::optional<pg::jsonb> &meta) {
    return meta && own_member(*meta, erased_mark).has_value();
}

namespace {

// Whether the application's part of two documents is the same.
bool same_beside_own_key(const std::optional<pg::jsonb> &left, pg::jsonb right) {
    return pg::equal(pg::root_of(with_key_of(left.value_or(pg::empty_object()), right)), pg::root_of(right));
}

} // namespace

bool has_text(const ledger_row &row) {
    return std::ranges::any_of(texts, [&](column c) { return !row.is_null(c); }) ||
           std::ranges::any_of(documents, [&](column c) {
               const auto document = row.json(c);
               return document && !same_beside_own_key(std::nullopt, *document);
           });
}

bool writes_text(const ledger_row &old_row, const ledger_row &new_row) {
    const auto written = [&](column c) { return !old_row.same(new_row, c) && !new_row.is_null(c); };
    return std::ranges::any_of(texts, written) || std::ranges::any_of(documents, [&](column c) {
               return written(c) && !same_beside_own_key(old_row.json(c), *new_row.json(c));
           });
}

namespace {

using admin = schema::admin;

constexpr admin admin_texts[] = {admin::mg_email, admin::mg_ip,      admin::mg_user_agent,
                                 admin::mg_route, admin::mg_payload, admin::mg_shopify_customer_id};

// Of a legacy row that an import refused: that it did, and why.
pg::jsonb refusal_left(pg::jsonb detail) {
    pg::json_builder builder;
    builder.begin_object();
    for (const std::string_view name : {"table", "reason"})
        if (const auto value = pg::find(detail, name))
            builder.key(name).value(*value);
    return builder.end_object().finish();
}

// An audit of others: who did it stays, whom it names does not. Asked again, it finds nothing left to set.
bool erase_mentions(const erasure &what, admin_row_seen &new_row) {
    bool any = false;
    const auto replace = [&](admin c, const auto &left) {
        new_row.set(c, left);
        any = true;
    };
    if (const auto detail = new_row.json(admin::mg_detail);
        new_row.text(admin::mg_action) == "import_refused" && detail) {
        set_document(new_row, admin::mg_detail, refusal_left(*detail));
        any = true;
    }
    if (const auto left = core::without_mentions(new_row.text(admin::mg_route).value_or(""), what.pass_ids()))
        replace(admin::mg_route, *left);
    for (const admin c : {admin::mg_detail, admin::mg_meta, admin::mg_payload})
        if (const auto stored = new_row.json(c))
            if (const pg::jsonb left = without_mentions(what, *stored); left.document != stored->document)
                replace(c, left);
    return any;
}

} // namespace

bool erase_admin_row(const erasure &what, const admin_row_seen &old_row, admin_row_seen &new_row) {
    const auto type = core::parse_record_type(old_row.text(admin::mg_record_type).value_or(""));
    const bool own = what.is_of(old_row.text(admin::mg_actor_pass_id).value_or(""));
    if (!own && type != core::record_type::profile)
        return erase_mentions(what, new_row);
    for (const admin c : admin_texts)
        clear(new_row, c);
    if (type == core::record_type::profile) // whose user id it is
        clear(new_row, admin::mg_user_id);
    const bool is_setting = type == core::record_type::app_config || type == core::record_type::runtime_config;
    for (const admin c : {admin::mg_value, admin::mg_runtime_flat})
        if (!is_setting)
            clear(new_row, c);
    for (const admin c : {admin::mg_detail, admin::mg_meta})
        if (!old_row.is_null(c))
            set_document(new_row, c, pg::empty_object());
    return true;
}

bool erases(admin c) {
    constexpr admin others[] = {admin::mg_user_id, admin::mg_value, admin::mg_runtime_flat, admin::mg_detail,
                                admin::mg_meta};
    return std::ranges::find(admin_texts, c) != std::end(admin_texts) ||
           std::ranges::find(others, c) != std::end(others);
}

std::string digest_of_erased(std::string_view pass_id) { return pg::sha256_of(pass_id); }

} // namespace mega::ledger
