// Which rows of mega_admin never change (I5).
#pragma once

#include "core/record_id.hpp"
#include "schema/table_catalog.hpp"

namespace mega::ledger {

// What the row is, in a message's words: "an audit", "a version of a setting"; '' for one that may change and go.
inline std::string_view fact_of(const schema::named_row<schema::admin> &row) {
    using column = schema::admin;
    const auto type = core::parse_record_type(row.text(column::mg_record_type).value_or(""));
    if (type == core::record_type::admin_audit)
        return "an audit";
    const auto key = row.text(column::mg_key);
    if (type != core::record_type::app_config || !key)
        return "";
    const auto rest = core::rest_of(*type, row.text(column::mg_id).value_or(""));
    return rest && core::app_config_version(*rest, *key) ? "a version of a setting" : "";
}

} // namespace mega::ledger
