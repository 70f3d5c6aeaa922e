#include "ledger/notify.hpp"

#include "core/record_id.hpp"
#include "ledger/settings.hpp"
#include "pg/jsonb.hpp"

namespace mega::ledger {

void notify_status(const ledger_record &row) {
    using column = schema::ledger;
    const auto status = row.text(column::mg_mma_status);
    if (!notify_setting() || !status || row.text(column::mg_record_type) != core::name(core::record_type::generation))
        return;
    pg::json_builder message;
    message.begin_object();
    for (const column c : {column::mg_generation_id, column::mg_pass_id, column::mg_mma_status})
        if (const auto value = row.text(c))
            message.key(schema::name(c)).text(*value);
    const pg::jsonb payload = message.end_object().finish();
    pg::call([payload] {
        Async_Notify("mega_generation",
                     JsonbToCString(nullptr, &payload.document->root, static_cast<int>(VARSIZE(payload.document))));
    });
}

} // namespace mega::ledger
