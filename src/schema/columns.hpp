// The columns of the three tables, written down once: name, type, default, whether NULL is barred, and the comment that
// the table carries. Names and types are those of the specification (sections 1 to 3); NOT NULL and defaults are
// mega's.
#pragma once

#include <array>
#include <cstddef>

namespace mega::schema {

struct column {
    const char *name;
    const char *type;
    const char *default_value; // nullptr: none
    bool not_null;
    const char *comment;
};

// An id: compared and ordered by bytes.
#define MEGA_ID "text COLLATE pg_catalog.\"C\""
#define MEGA_NOW "pg_catalog.clock_timestamp()"
#define MEGA_EMPTY "'{}'::pg_catalog.jsonb"

#define MEGA_CUSTOMER_COLUMNS(X)                                                                                       \
    X(mg_pass_id, MEGA_ID, nullptr, true, "Pass ID: pass:<kind>:<id>. Never changes.")                                 \
    X(mg_shopify_customer_id, MEGA_ID, nullptr, false, "Shopify customer id; one customer per id.")                    \
    X(mg_user_id, "uuid", nullptr, false, "Auth user id; one customer per id.")                                        \
    X(mg_email, "text", nullptr, false, "Primary contact e-mail.")                                                     \
    X(mg_first_name, "text", nullptr, false, "Given name.")                                                            \
    X(mg_last_name, "text", nullptr, false, "Family name.")                                                            \
    X(mg_display_name, "text", nullptr, false, "Name shown in the UI.")                                                \
    X(mg_locale, "text", nullptr, false, "BCP 47 locale, for example en-US.")                                          \
    X(mg_timezone, "text", nullptr, false, "IANA time zone.")                                                          \
    X(mg_marketing_opt_in, "boolean", "false", false, "Consent to marketing.")                                         \
    X(mg_product_updates_opt_in, "boolean", "false", false, "Consent to product updates.")                             \
    X(mg_credits, "integer", "0", true, "Current balance: the sum of the ledger, written by its projection only.")     \
    X(mg_expires_at, "timestamptz", nullptr, false, "When what has no end of its own expires.")                        \
    X(mg_last_active, "timestamptz", nullptr, false, "Last activity.")                                                 \
    X(mg_disabled, "boolean", "false", false, "The account is disabled: it cannot spend.")                             \
    X(mg_verified_email, "boolean", "false", false, "The e-mail is verified.")                                         \
    X(mg_verified_google, "boolean", "false", false, "Verified by Google login.")                                      \
    X(mg_verified_apple, "boolean", "false", false, "Verified by Apple login.")                                        \
    X(mg_verified_any, "boolean", "false", false, "Whether any verification succeeded; computed.")                     \
    X(mg_verification_method, "text", nullptr, false, "email, google, apple or manual.")                               \
    X(mg_verification_at, "timestamptz", nullptr, false, "When it was verified.")                                      \
    X(mg_verification_keynumber, "text", nullptr, false, "Keynumber or token issued for the verification.")            \
    X(mg_topup_default_packs, "integer", "3", false, "Packs of a top-up when none are named.")                         \
    X(mg_auto_topup_enabled, "boolean", "false", false, "Automatic top-ups are on.")                                   \
    X(mg_auto_topup_monthly_limit_packs, "integer", nullptr, false, "Packs an automatic top-up may buy in a month.")   \
    X(mg_last_topup_at, "timestamptz", nullptr, false, "Last successful top-up.")                                      \
    X(mg_topup_source, "text", nullptr, false, "Where the last top-up came from.")                                     \
    X(mg_meta, "jsonb", MEGA_EMPTY, false, "Free metadata.")                                                           \
    X(mg_source_system, "text", nullptr, false, "Provenance, for example legacy or api.")                              \
    X(mg_deleted_at, "timestamptz", nullptr, false, "Soft-delete mark; the row stays.")                                \
    X(mg_created_at, "timestamptz", MEGA_NOW, true, "When the row was made.")                                          \
    X(mg_updated_at, "timestamptz", MEGA_NOW, true, "When the row last changed.")                                      \
    X(mg_mma_preferences, "jsonb", MEGA_EMPTY, true,                                                                   \
      "Preference snapshot: the fold of the customer's events, beside keys of the application's own.")                 \
    X(mg_mma_preferences_updated_at, "timestamptz", nullptr, false, "When the snapshot was written.")

#define MEGA_LEDGER_COLUMNS(X)                                                                                         \
    X(mg_id, MEGA_ID, nullptr, true, "<record type>:<id>.")                                                            \
    X(mg_record_type, MEGA_ID, nullptr, true,                                                                          \
      "session, generation, feedback, credit_transaction, mma_step or mma_event.")                                     \
    X(mg_pass_id, MEGA_ID, nullptr, false, "The customer.")                                                            \
    X(mg_session_id, MEGA_ID, nullptr, false, "The session.")                                                          \
    X(mg_generation_id, MEGA_ID, nullptr, false, "The generation a row is, or belongs to.")                            \
    X(mg_parent_id, MEGA_ID, nullptr, false, "Of a step or a tweak: generation:<id>.")                                 \
    X(mg_step_no, "integer", nullptr, false, "Of a step: its number, from 0.")                                         \
    X(mg_step_type, "text", nullptr, false, "Of a step: scan_product, gpt_reader, seedream_generate and so on.")       \
    X(mg_platform, "text", nullptr, false, "Platform: web, ios and so on.")                                            \
    X(mg_title, "text", nullptr, false, "Title of a session.")                                                         \
    X(mg_type, "text", nullptr, false, "Type of a generation: image, motion, text.")                                   \
    X(mg_prompt, "text", nullptr, false, "The prompt, or the user's text.")                                            \
    X(mg_output_url, "text", nullptr, false, "Public URL of the output that does not expire.")                         \
    X(mg_output_key, "text", nullptr, false, "Storage key of the output.")                                             \
    X(mg_provider, "text", nullptr, false, "Provider: openai, replicate, seedream, kling and so on.")                  \
    X(mg_model, "text", nullptr, false, "Model and version.")                                                          \
    X(mg_latency_ms, "integer", nullptr, false, "Latency in milliseconds.")                                            \
    X(mg_input_chars, "integer", nullptr, false, "Characters in.")                                                     \
    X(mg_output_chars, "integer", nullptr, false, "Characters out.")                                                   \
    X(mg_input_tokens, "integer", nullptr, false, "Tokens in.")                                                        \
    X(mg_output_tokens, "integer", nullptr, false, "Tokens out.")                                                      \
    X(mg_content_type, "text", nullptr, false, "text, image or video.")                                                \
    X(mg_status, "text", nullptr, false, "pending, succeeded or failed.")                                              \
    X(mg_error, "text", nullptr, false, "What went wrong.")                                                            \
    X(mg_result_type, "text", nullptr, false, "Of feedback: the type of result.")                                      \
    X(mg_comment, "text", nullptr, false, "Of feedback: the comment.")                                                 \
    X(mg_image_url, "text", nullptr, false, "Of feedback: public URL of an image.")                                    \
    X(mg_video_url, "text", nullptr, false, "Of feedback: public URL of a video.")                                     \
    X(mg_delta, "integer", nullptr, false, "Of a credit row: credits added (+) or taken (-).")                         \
    X(mg_reason, MEGA_ID, nullptr, false, "Of a credit row: why, a code.")                                             \
    X(mg_source, "text", nullptr, false, "Of a credit row: where from.")                                               \
    X(mg_ref_type, MEGA_ID, nullptr, false, "Of a credit row: type of what it refers to.")                             \
    X(mg_ref_id, MEGA_ID, nullptr, false, "Of a credit row: id of what it refers to.")                                 \
    X(mg_client_version, "text", nullptr, false, "Version of the client.")                                             \
    X(mg_os, "text", nullptr, false, "Operating system of the client.")                                                \
    X(mg_browser, "text", nullptr, false, "Browser of the client.")                                                    \
    X(mg_device, "text", nullptr, false, "Device of the client.")                                                      \
    X(mg_meta, "jsonb", MEGA_EMPTY, false, "Metadata of the record; of an event: event_type and payload.")             \
    X(mg_payload, "jsonb", nullptr, false, "Raw legacy row or provider payload; of a step: input, output, timing.")    \
    X(mg_source_system, "text", nullptr, false, "Provenance, for example legacy or api.")                              \
    X(mg_deleted_at, "timestamptz", nullptr, false, "Soft-delete mark.")                                               \
    X(mg_created_at, "timestamptz", MEGA_NOW, true, "When it happened; with mg_id the row's position.")                \
    X(mg_updated_at, "timestamptz", MEGA_NOW, true, "When the row last changed.")                                      \
    X(mg_mma_mode, "text", nullptr, false, "still or video.")                                                          \
    X(mg_mma_status, "text", nullptr, false,                                                                           \
      "queued, scanning, prompting, generating, postscan, done or error; moves forward only.")                         \
    X(mg_mma_vars, "jsonb", MEGA_EMPTY, true, "Of a generation: the canonical variable map.")

#define MEGA_ADMIN_COLUMNS(X)                                                                                          \
    X(mg_id, MEGA_ID, nullptr, true, "<record type>:<id>.")                                                            \
    X(mg_record_type, MEGA_ID, nullptr, true, "admin_session, admin_audit, profile, runtime_config or app_config.")    \
    X(mg_actor_pass_id, MEGA_ID, nullptr, false, "The customer acted on.")                                             \
    X(mg_session_hash, MEGA_ID, nullptr, false, "Hash of an admin session.")                                           \
    X(mg_user_id, "uuid", nullptr, false, "Auth user id, of a profile the customer's.")                                \
    X(mg_email, "text", nullptr, false, "E-mail, of a profile the customer's.")                                        \
    X(mg_ip, "text", nullptr, false, "IP address.")                                                                    \
    X(mg_user_agent, "text", nullptr, false, "User agent.")                                                            \
    X(mg_first_seen_at, "timestamptz", nullptr, false, "First seen.")                                                  \
    X(mg_last_seen_at, "timestamptz", nullptr, false, "Last seen.")                                                    \
    X(mg_profile_id, "uuid", nullptr, false, "Id of a profile.")                                                       \
    X(mg_shopify_customer_id, MEGA_ID, nullptr, false, "Shopify id in a profile mapping.")                             \
    X(mg_action, "text", nullptr, false, "What was done.")                                                             \
    X(mg_route, "text", nullptr, false, "Route.")                                                                      \
    X(mg_method, "text", nullptr, false, "HTTP method.")                                                               \
    X(mg_status, "integer", nullptr, false, "HTTP status.")                                                            \
    X(mg_detail, "jsonb", nullptr, false, "Detail of an audit.")                                                       \
    X(mg_runtime_id, "integer", nullptr, false, "Id of a runtime configuration.")                                      \
    X(mg_runtime_flat, "jsonb", nullptr, false, "Runtime knobs, flat.")                                                \
    X(mg_key, MEGA_ID, nullptr, false, "Key of an application setting.")                                               \
    X(mg_value, "jsonb", nullptr, false, "Value of an application setting.")                                           \
    X(mg_meta, "jsonb", MEGA_EMPTY, false, "Free metadata.")                                                           \
    X(mg_payload, "jsonb", nullptr, false, "Raw legacy row.")                                                          \
    X(mg_source_system, "text", nullptr, false, "Provenance, for example legacy or api.")                              \
    X(mg_deleted_at, "timestamptz", nullptr, false, "Soft-delete mark.")                                               \
    X(mg_created_at, "timestamptz", MEGA_NOW, true, "When the row was made.")                                          \
    X(mg_updated_at, "timestamptz", MEGA_NOW, true, "When the row last changed.")

#define MEGA_ENUMERATOR(name, ...) name,
#define MEGA_DESCRIPTION(name, type, default_value, not_null, comment)                                                 \
    column{#name, type, default_value, not_null, comment},

enum class customer : std::size_t { MEGA_CUSTOMER_COLUMNS(MEGA_ENUMERATOR) count };
enum class ledger : std::size_t { MEGA_LEDGER_COLUMNS(MEGA_ENUMERATOR) count };
enum class admin : std::size_t { MEGA_ADMIN_COLUMNS(MEGA_ENUMERATOR) count };

inline constexpr std::array customer_columns{MEGA_CUSTOMER_COLUMNS(MEGA_DESCRIPTION)};
inline constexpr std::array ledger_columns{MEGA_LEDGER_COLUMNS(MEGA_DESCRIPTION)};
inline constexpr std::array admin_columns{MEGA_ADMIN_COLUMNS(MEGA_DESCRIPTION)};

#undef MEGA_ENUMERATOR
#undef MEGA_DESCRIPTION

inline constexpr auto every_ledger_column = [] {
    std::array<ledger, ledger_columns.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<ledger>(i);
    return all;
}();

static_assert(customer_columns.size() == 34 && ledger_columns.size() == 46 && admin_columns.size() == 27);

} // namespace mega::schema
