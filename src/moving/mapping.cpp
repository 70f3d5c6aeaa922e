// What becomes of a legacy row of the ledger: its columns, and what was mended.
#include "core/permanent_url.hpp"
#include "ledger/own_key.hpp"
#include "ledger/url_rule.hpp"
#include "ledger/words.hpp"
#include "moving/mapping_parts.hpp"

namespace mega::moving {

namespace {

using column = schema::ledger;

// Empty when it has none.
std::string_view fault_of(std::string_view url) {
    const core::url_verdict verdict = core::check_url(url);
    if (verdict.fault == core::url_fault::signature || verdict.fault == core::url_fault::credentials)
        return how::signed_url;
    if (verdict.fault != core::url_fault::none)
        return how::unfit_url;
    if (core::is_delivery_host(core::host_of(url)))
        return how::provider_url;
    try {
        ledger::check_asset_url("url", url, ledger::bad_column);
    } catch (const pg::sql_error &) {
        return how::unfit_url;
    }
    return {};
}

void set_url(const legacy_row &row, const char *name, column c, mapped<column> &out) {
    const auto url = row.text(name);
    const std::string_view fault = url && !core::is_blank(*url) ? fault_of(*url) : std::string_view();
    if (!fault.empty())
        out.mend(fault, std::string(name) + "=" + std::string(core::beginning_of(core::redact_url(*url), 200)));
    const bool kept = url && !core::is_blank(*url) && fault.empty();
    out.set(name, c, kept ? url : std::optional<std::string>());
}

// The application's document, and beside it members that no column has. Mega's own key is nobody else's (I17).
pg::jsonb meta_of(const legacy_row &row, std::span<const std::pair<const char *, std::string>> beside) {
    const auto meta = row.value("meta");
    if (!meta && beside.empty())
        return pg::empty_object();
    pg::json_builder builder;
    builder.begin_object();
    if (meta && meta->is_object())
        pg::for_each_member(meta->container(), [&](std::string_view key, const pg::json_value &value) {
            if (key != ledger::own_key)
                builder.key(key).value(value);
        });
    else if (meta)
        builder.key("meta").value(*meta);
    for (const auto &[key, text] : beside)
        builder.key(key).text(text);
    return redacted(builder.end_object().finish());
}

void set_texts(const legacy_row &row, mapped<column> &out,
               std::initializer_list<std::pair<const char *, column>> columns) {
    for (const auto &[name, c] : columns)
        out.set(name, c, row.text(name));
}

void map_session(const legacy_row &row, const terms &by, mapped<column> &out) {
    set_texts(row, out, {{"platform", column::mg_platform}, {"title", column::mg_title}});
    out.set("meta", column::mg_meta, meta_of(row, {}));
    set_times(row, by, out, column::mg_created_at, column::mg_updated_at);
}

// Of databases that have such columns: what is no word of the list stays in the payload.
void set_statuses(const legacy_row &row, mapped<column> &out) {
    const auto set = [&](const char *name, column c, auto is_word) {
        const auto word = row.text(name);
        const bool known = word && is_word(*word);
        if (word && !known)
            out.mend(how::unknown_status, std::string(name) + "=" + std::string(core::beginning_of(*word, 60)));
        if (known)
            out.set(name, c, word);
    };
    set("status", column::mg_status,
        [](std::string_view word) { return word == "pending" || word == "succeeded" || word == "failed"; });
    set("mma_status", column::mg_mma_status, [](std::string_view word) { return ledger::is_status(word); });
    set("mma_mode", column::mg_mma_mode, [](std::string_view word) { return ledger::is_mode(word); });
}

void map_generation(const legacy_row &row, const terms &by, mapped<column> &out) {
    set_texts(row, out,
              {{"type", column::mg_type},
               {"platform", column::mg_platform},
               {"prompt", column::mg_prompt},
               {"output_key", column::mg_output_key},
               {"provider", column::mg_provider},
               {"model", column::mg_model}});
    out.set("session_id", column::mg_session_id, fit(row, "session_id", out));
    set_url(row, "output_url", column::mg_output_url, out);
    out.set("latency_ms", column::mg_latency_ms, row.integer("latency_ms"));
    out.set("input_chars", column::mg_input_chars, row.integer("input_chars"));
    out.set("output_chars", column::mg_output_chars, row.integer("output_chars"));
    set_statuses(row, out);
    out.set("meta", column::mg_meta, meta_of(row, {}));
    set_times(row, by, out, column::mg_created_at, column::mg_updated_at);
}

void map_feedback(const legacy_row &row, const terms &by, mapped<column> &out) {
    set_texts(row, out,
              {{"result_type", column::mg_result_type},
               {"platform", column::mg_platform},
               {"prompt", column::mg_prompt},
               {"comment", column::mg_comment}});
    out.set("session_id", column::mg_session_id, fit(row, "session_id", out));
    out.set("generation_id", column::mg_generation_id, fit(row, "generation_id", out));
    set_url(row, "image_url", column::mg_image_url, out);
    set_url(row, "video_url", column::mg_video_url, out);
    set_times(row, by, out, column::mg_created_at, column::mg_updated_at);
}

std::optional<std::string> reason_of(const legacy_row &row, const terms &by, mapped<column> &out) {
    auto reason = fit(row, "reason", out);
    if (!reason || !by.reasons)
        return reason;
    const auto other = pg::find(*by.reasons, *reason);
    if (!other || !other->is_string() || other->string() == *reason)
        return reason;
    out.mend(how::mapped_reason, *reason + " -> " + std::string(other->string()));
    return std::string(other->string());
}

void map_credit(const legacy_row &row, const terms &by, mapped<column> &out) {
    const auto delta = row.integer("delta");
    if (!delta)
        out.refused = note{why::no_delta, {}};
    else if (*delta == 0)
        out.refused = note{why::zero_delta, {}};
    const std::string id = row.id();
    if (std::ranges::any_of(reserved_beginnings, [&](std::string_view prefix) { return id.starts_with(prefix); }))
        out.refused = note{why::reserved_id, {}};
    out.set("delta", column::mg_delta, delta);
    out.set("reason", column::mg_reason, reason_of(row, by, out));
    out.set("source", column::mg_source, row.text("source"));
    const auto ref_type = fit(row, "ref_type", out), ref_id = fit(row, "ref_id", out);
    std::vector<std::pair<const char *, std::string>> beside;
    const bool kept = by.keeps_reference || !ref_type || !ref_id;
    if (!kept) {
        out.mend(how::doubled_reference, *ref_type + " " + *ref_id);
        beside = {{"ref_type", *ref_type}, {"ref_id", *ref_id}};
    }
    out.set("ref_type", column::mg_ref_type, kept ? pg::to_datum(ref_type) : pg::nullable_datum{});
    out.set("ref_id", column::mg_ref_id, kept ? pg::to_datum(ref_id) : pg::nullable_datum{});
    out.set("", column::mg_status, "succeeded");
    out.set("", column::mg_meta, meta_of(row, beside));
    const pg::timestamp made = made_at(row, "created_at", nullptr, by, out);
    out.set("created_at", column::mg_created_at, made);
    out.set("", column::mg_updated_at, made);
}

} // namespace

std::optional<std::string> mega_id_of(const legacy_row &row) {
    const auto id = row.text(definition_of(row.table()).key);
    const auto type = definition_of(row.table()).becomes;
    if (!id || !type)
        return std::nullopt;
    const std::string mg_id = prefix_of(row.table()) + *id;
    return core::is_record_id(core::name(*type), mg_id) ? id : std::nullopt;
}

mapped<column> map_ledger_row(const legacy_row &row, const terms &by) {
    mapped<column> out;
    switch (row.table()) {
    case legacy::sessions:
        map_session(row, by, out);
        break;
    case legacy::generations:
        map_generation(row, by, out);
        break;
    case legacy::feedback:
        map_feedback(row, by, out);
        break;
    default:
        map_credit(row, by, out);
    }
    note_unfit_json(row, "meta", out);
    if (!mega_id_of(row))
        out.refused = note{why::bad_id, {}};
    return out;
}

} // namespace mega::moving
