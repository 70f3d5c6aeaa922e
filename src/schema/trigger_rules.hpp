// The rules that only triggers keep, for rows that are new or change.
#pragma once

#include "schema/blueprints.hpp"

namespace mega::schema {

// `broken` is true of a row that breaks the rule.
struct trigger_rule {
    const char *table;
    const char *column;
    const char *demand;
    const char *broken;
};

// The words of a setting; split, an empty list would be one empty word.
#define MEGA_NOT_EXTRA(list)                                                                                           \
    "OPERATOR(pg_catalog.<>) ALL (CASE WHEN pg_catalog.current_setting('mega.extra_" list                              \
    "') OPERATOR(pg_catalog.=) '' THEN '{}'::pg_catalog.text[] ELSE "                                                  \
    "pg_catalog.regexp_split_to_array(pg_catalog.regexp_replace(pg_catalog.current_setting('mega.extra_" list          \
    "'), '^\\s+|\\s+$', '', 'g'), '\\s*,\\s*') END)"

inline constexpr trigger_rule trigger_rules[] = {
    {customers_name, "mg_shopify_customer_id", "'' and anonymous are stored as NULL.",
     "pg_catalog.lower(pg_catalog.btrim(mg_shopify_customer_id)) OPERATOR(pg_catalog.=) ANY ('{\"\",anonymous}')"},
    {customers_name, "mg_mma_preferences", "The snapshot is a JSON object.",
     "pg_catalog.jsonb_typeof(mg_mma_preferences) OPERATOR(pg_catalog.<>) 'object'"},
    {generations_name, "mg_mma_mode", "still or video.",
     "mg_mma_mode OPERATOR(pg_catalog.<>) ALL ('{still,video}') AND mg_mma_mode " MEGA_NOT_EXTRA("mma_modes")},
    {generations_name, "mg_mma_status", "One of the seven statuses.",
     "mg_mma_status OPERATOR(pg_catalog.<>) ALL ('{@statuses@}') "
     "AND mg_mma_status " MEGA_NOT_EXTRA("mma_statuses")},
    {generations_name, "mg_mma_vars", "A JSON object without URLs that expire.",
     "pg_catalog.jsonb_typeof(mg_mma_vars) OPERATOR(pg_catalog.<>) 'object' OR "
     "@schema@.mega_has_expiring_url(mg_mma_vars::pg_catalog.jsonb)"},
    {generations_name, "mg_meta", "An event has one of the seven event types, and no URL that expires.",
     "mg_record_type OPERATOR(pg_catalog.=) 'mma_event' AND ((coalesce(mg_meta OPERATOR(pg_catalog.->>) 'event_type', "
     "'') OPERATOR(pg_catalog.<>) ALL "
     "('{@event_types@}') AND coalesce(mg_meta OPERATOR(pg_catalog.->>) "
     "'event_type', '') " MEGA_NOT_EXTRA("event_types") ") OR "
                                                        "@schema@.mega_has_expiring_url(mg_meta::pg_catalog.jsonb))"},
    {generations_name, "mg_payload", "A step has its input and output.",
     "mg_record_type OPERATOR(pg_catalog.=) 'mma_step' AND NOT coalesce(mg_payload OPERATOR(pg_catalog.?&) "
     "'{input,output}', false) "
     "AND NOT coalesce(mg_meta OPERATOR(pg_catalog.?&) '{input,output}', false)"},
    {admin_name, "mg_id", "The UUID of a profile in lower case.",
     "mg_record_type OPERATOR(pg_catalog.=) 'profile' AND mg_id OPERATOR(pg_catalog.<>) pg_catalog.lower(mg_id)"},
};

#undef MEGA_NOT_EXTRA

} // namespace mega::schema
