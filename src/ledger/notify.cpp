// Notifies of new statuses and settings (mega.notify).
#include "ledger/notify.hpp"

#include "ledger/admin_fact.hpp"
#include "ledger/own_key.hpp"
#include "pg/jsonb.hpp"
#include "schema/settings.hpp"

namespace mega::ledger {

namespace {

void send(const char *channel, pg::jsonb message) {
    pg::call([channel, message] {
        Async_Notify(channel,
                     JsonbToCString(nullptr, &message.document->root, static_cast<int>(VARSIZE(message.document))));
    });
}

} // namespace

void notify_status(const ledger_row &row) {
    using column = schema::ledger;
    const auto status = row.text(column::mg_mma_status);
    if (!notify_setting() || !status || row.text(column::mg_record_type) != core::name(core::record_type::generation))
        return;
    pg::json_builder message;
    message.begin_object();
    for (const column c : {column::mg_generation_id, column::mg_pass_id, column::mg_mma_status})
        if (const auto value = row.text(c))
            message.key(schema::name(c)).text(*value);
    send("mega_generation", message.end_object().finish());
}

void notify_scan_lines(std::string_view generation_id, std::optional<std::string_view> pass_id,
                       std::optional<std::string_view> status, std::int32_t lines) {
    if (!notify_setting())
        return;
    pg::json_builder message;
    message.begin_object().key("mg_generation_id").text(generation_id);
    if (pass_id)
        message.key("mg_pass_id").text(*pass_id);
    if (status)
        message.key("mg_mma_status").text(*status);
    message.key("scan_lines").number(lines);
    send("mega_generation", message.end_object().finish());
}

void notify_setting_changed(const schema::named_row<schema::admin> *old_row,
                            const schema::named_row<schema::admin> &row) {
    using column = schema::admin;
    const auto type = core::parse_record_type(row.text(column::mg_record_type).value_or(""));
    const bool of_application = type == core::record_type::app_config && fact_of(row).empty();
    if (!notify_setting() || (!of_application && type != core::record_type::runtime_config))
        return;
    if (old_row != nullptr && old_row->same(row, of_application ? column::mg_value : column::mg_runtime_flat) &&
        old_row->same(row, column::mg_meta) && old_row->same(row, column::mg_deleted_at))
        return;
    pg::json_builder message;
    message.begin_object();
    if (of_application) {
        message.key("mg_key").text(row.text(column::mg_key).value_or(""));
        const auto meta = row.json(column::mg_meta);
        if (const auto version = meta ? own_member(*meta, "version") : std::nullopt; version && version->int4())
            message.key("version").number(*version->int4());
    } else {
        message.key("mg_runtime_id").number(row.int4(column::mg_runtime_id).value_or(0));
    }
    send(of_application ? "mega_app_config" : "mega_runtime_config", message.end_object().finish());
}

} // namespace mega::ledger
