// The blueprints of the three tables: constraints, indexes, triggers, each with its comment.
#include "schema/blueprints.hpp"

#include "schema/due_lot.hpp"
#include "schema/names.hpp"
#include "schema/pending_hold.hpp"

namespace mega::schema {

namespace {

constexpr named_definition customer_constraints[] = {
    {"mega_customers_pkey", "PRIMARY KEY (mg_pass_id)", nullptr},
    {"mega_customers_pass_id_shape", "CHECK (@schema@.mega_is_pass_id(mg_pass_id::pg_catalog.text) IS NOT FALSE)",
     "A pass id is pass:<kind>:<id>.", true},
};

// No key or predicate mentions mg_credits, mg_updated_at, mg_last_active or mg_meta: a balance change
// stays HOT.
constexpr named_definition customer_indexes[] = {
    {"mega_customers_shopify_customer_id_key",
     "UNIQUE INDEX # ON @table@ (mg_shopify_customer_id) WHERE mg_shopify_customer_id IS NOT NULL",
     "One customer per Shopify id."},
    {"mega_customers_user_id_key", "UNIQUE INDEX # ON @table@ (mg_user_id) WHERE mg_user_id IS NOT NULL",
     "One customer per user id."},
    {"mega_customers_email_lower", "INDEX # ON @table@ (pg_catalog.lower(mg_email)) WHERE mg_email IS NOT NULL",
     "Look-up by e-mail, whatever its case."},
    {"mega_customers_email_prefix",
     "INDEX # ON @table@ (pg_catalog.lower(mg_email) COLLATE pg_catalog.\"C\") WHERE mg_email IS NOT NULL",
     "Look-up by the beginning of an e-mail address."},
    {"mega_customers_names", "INDEX # ON @table@ USING gin (" MEGA_WORDS_OF_NAMES ") WHERE " MEGA_HAS_A_NAME,
     "Look-up by the beginning of a name."},
    {"mega_customers_auto_topup", "INDEX # ON @table@ (mg_pass_id) WHERE mg_auto_topup_enabled",
     "Customers who top up by themselves."},
    {"mega_customers_expires_at", "INDEX # ON @table@ (mg_expires_at) WHERE mg_expires_at IS NOT NULL",
     "When credits without a lot end."},
    {"mega_customers_mma_preferences_gin", "INDEX # ON @table@ USING gin (mg_mma_preferences)",
     "Search in preference snapshots."},
};

constexpr named_definition customer_triggers[] = {
    {"mega_customers_check",
     "BEFORE INSERT OR UPDATE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_customer_check()",
     "Fills, computes and checks a customer's columns; keeps derived columns derived."},
    {"mega_customers_keep", "BEFORE DELETE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_keep_row()",
     "A customer is never deleted."},
    {"mega_customers_keep_all",
     "BEFORE TRUNCATE ON @table@ FOR EACH STATEMENT EXECUTE FUNCTION @schema@.mega_trigger_keep_row()",
     "Customers are never deleted."},
    {"mega_customers_verify",
     "AFTER INSERT OR UPDATE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_customer_verify()",
     "Holds the row as stored against the rules for derived columns."},
};

constexpr named_definition ledger_constraints[] = {
    {"mega_generations_pkey", "PRIMARY KEY (mg_id)", nullptr},
    {"mega_generations_pass_id_fkey",
     "FOREIGN KEY (mg_pass_id) REFERENCES @schema@.mega_customers (mg_pass_id) ON DELETE NO ACTION ON UPDATE NO ACTION",
     "Every row that names a customer belongs to one."},
    {"mega_generations_id_shape",
     "CHECK (@schema@.mega_is_record_id(mg_record_type::pg_catalog.text, mg_id::pg_catalog.text) IS NOT FALSE)",
     "mg_id is <record type>:<id>.", true},
    {"mega_generations_mma_step_requires_fields",
     "CHECK (mg_record_type OPERATOR(pg_catalog.<>) 'mma_step' OR (mg_step_no IS NOT NULL AND mg_step_type IS NOT NULL "
     "AND "
     "mg_parent_id OPERATOR(pg_catalog.~~) 'generation:%' AND mg_generation_id IS NOT NULL))",
     "A step has its number, type, parent and generation."},
    {"mega_generations_credit_requires_fields",
     "CHECK (mg_record_type OPERATOR(pg_catalog.<>) 'credit_transaction' OR (mg_pass_id IS NOT NULL AND mg_delta IS "
     "NOT NULL))",
     "A credit row has its customer and its delta."},
    {"mega_generations_mma_event_requires_fields",
     "CHECK (mg_record_type OPERATOR(pg_catalog.<>) 'mma_event' OR mg_pass_id IS NOT NULL)",
     "An event has its customer."},
    {"mega_generations_output_url_permanent",
     "CHECK (@schema@.mega_is_permanent_url(mg_output_url::pg_catalog.text) IS NOT FALSE)",
     "The output's URL does not expire.", true},
    {"mega_generations_image_url_permanent",
     "CHECK (@schema@.mega_is_permanent_url(mg_image_url::pg_catalog.text) IS NOT FALSE)",
     "The image's URL does not expire.", true},
    {"mega_generations_video_url_permanent",
     "CHECK (@schema@.mega_is_permanent_url(mg_video_url::pg_catalog.text) IS NOT FALSE)",
     "The video's URL does not expire.", true},
};

constexpr named_definition ledger_indexes[] = {
    {"mega_generations_generation_recordtype_stepno",
     "INDEX # ON @table@ (mg_generation_id, mg_record_type, mg_step_no)", "The steps of a generation."},
    {"mega_generations_pass_recordtype_created", "INDEX # ON @table@ (mg_pass_id, mg_record_type, mg_created_at DESC)",
     "A customer's rows, newest first."},
    {"mega_generations_mma_vars_gin", "INDEX # ON @table@ USING gin (mg_mma_vars)", "Search in variable maps."},
    {"mega_generations_session", "INDEX # ON @table@ (mg_session_id) WHERE mg_session_id IS NOT NULL",
     "The rows of a session."},
    {"mega_generations_credit_reference_key",
     "UNIQUE INDEX # ON @table@ (mg_ref_type, mg_ref_id, coalesce(mg_reason, '')) WHERE mg_record_type "
     "OPERATOR(pg_catalog.=) "
     "'credit_transaction' AND mg_ref_type IS NOT NULL AND mg_ref_id IS NOT NULL@keyed@",
     "A reference moves credits once for a reason."},
    {"mega_generations_pending_hold", "INDEX # ON @table@ (mg_pass_id) WHERE " MEGA_PENDING_HOLD_IN_INDEX,
     "Holds that are neither captured nor released."},
    // What workers claim. A generation leaves it when its mg_status does, so that its moves before that stay HOT.
    {"mega_generations_claimable",
     "INDEX # ON @table@ (mg_created_at, mg_id) WHERE mg_record_type OPERATOR(pg_catalog.=) 'generation' AND mg_status "
     "OPERATOR(pg_catalog.=) 'pending' AND mg_deleted_at IS NULL",
     "Generations that wait for a worker, oldest first."},
    {"mega_generations_refund_of",
     "INDEX # ON @table@ ((mg_meta OPERATOR(pg_catalog.#>>) '{mega,refund_of}')) WHERE (mg_meta "
     "OPERATOR(pg_catalog.#>>) '{mega,refund_of}') IS NOT NULL",
     "What was refunded of a movement."},
    {"mega_generations_revoke_of",
     "INDEX # ON @table@ ((mg_meta OPERATOR(pg_catalog.#>>) '{mega,revoke_of}')) WHERE (mg_meta "
     "OPERATOR(pg_catalog.#>>) '{mega,revoke_of}') IS NOT NULL",
     "What was taken back of a grant."},
    {"mega_generations_due_lot", "INDEX # ON @table@ (" MEGA_LOT_ENDS_OF("") ") WHERE " MEGA_DUE_LOT_OF(""),
     "Lots whose end is not settled."},
};

constexpr named_definition ledger_triggers[] = {
    {"mega_generations_check",
     "BEFORE INSERT OR UPDATE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_ledger_check()",
     "Fills and checks a row; a fact never changes."},
    {"mega_generations_keep", "BEFORE DELETE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_keep_row()",
     "The ledger is append-only."},
    {"mega_generations_keep_all",
     "BEFORE TRUNCATE ON @table@ FOR EACH STATEMENT EXECUTE FUNCTION @schema@.mega_trigger_keep_row()",
     "The ledger is append-only."},
    {"mega_generations_project",
     "AFTER INSERT ON @table@ REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION "
     "@schema@.mega_trigger_ledger_project()",
     "Projects the rows of a statement onto their customers."},
    {"mega_generations_verify",
     "AFTER UPDATE OR DELETE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_ledger_verify()",
     "Holds the row as stored against the rules: a fact never changes, and what went is told."},
};

constexpr named_definition admin_constraints[] = {
    {"mega_admin_pkey", "PRIMARY KEY (mg_id)", nullptr},
    {"mega_admin_actor_pass_id_fkey",
     "FOREIGN KEY (mg_actor_pass_id) REFERENCES @schema@.mega_customers (mg_pass_id) ON DELETE NO ACTION ON UPDATE NO "
     "ACTION",
     "The customer acted on exists."},
    {"mega_admin_id_shape",
     "CHECK (@schema@.mega_is_record_id(mg_record_type::pg_catalog.text, mg_id::pg_catalog.text) IS NOT FALSE)",
     "mg_id is <record type>:<id>.", true},
};

constexpr named_definition admin_indexes[] = {
    {"mega_admin_recordtype_created", "INDEX # ON @table@ (mg_record_type, mg_created_at DESC)",
     "Records of a type, newest first."},
    {"mega_admin_session_hash", "INDEX # ON @table@ (mg_session_hash) WHERE mg_session_hash IS NOT NULL",
     "Look-up by session hash."},
    {"mega_admin_key", "INDEX # ON @table@ (mg_key) WHERE mg_key IS NOT NULL", "Look-up by setting."},
    {"mega_admin_action_created",
     "INDEX # ON @table@ (mg_action, mg_created_at DESC NULLS LAST) WHERE mg_action IS NOT NULL",
     "Audits of an action, newest first."},
    {"mega_admin_user_created",
     "INDEX # ON @table@ (mg_user_id, mg_record_type, mg_created_at DESC NULLS LAST) WHERE mg_user_id IS NOT NULL",
     "An admin's records of a type, newest first; a user's profile."},
    {"mega_admin_customer_created",
     "INDEX # ON @table@ (mg_actor_pass_id, mg_record_type, mg_created_at DESC NULLS LAST) WHERE mg_actor_pass_id IS "
     "NOT NULL",
     "Records of a type about a customer, newest first."},
};

constexpr named_definition admin_triggers[] = {
    {"mega_admin_check",
     "BEFORE INSERT OR UPDATE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_admin_check()",
     "Fills and checks a row; an audit never changes."},
    {"mega_admin_keep", "BEFORE DELETE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_keep_row()",
     "An audit is never deleted."},
    {"mega_admin_keep_all",
     "BEFORE TRUNCATE ON @table@ FOR EACH STATEMENT EXECUTE FUNCTION @schema@.mega_trigger_keep_row()",
     "Audits are never deleted."},
    {"mega_admin_verify",
     "AFTER INSERT OR UPDATE ON @table@ FOR EACH ROW EXECUTE FUNCTION @schema@.mega_trigger_admin_verify()",
     "Holds the row as stored against the rules: audits and versions of settings never change."},
};

} // namespace

constinit const std::array<blueprint, 3> blueprints{{
    {customers_name,
     "One row per customer: identity, balance, verification, billing and preference snapshot. mg_credits and "
     "mg_mma_preferences are projections of mega_generations.",
     "fillfactor = 70", // room for a new version on the same page: a balance change stays HOT
     "mg_meta",         // with many open lots each credit writes it anew
     customer_columns, customer_constraints, customer_indexes, customer_triggers},
    {generations_name,
     "The append-only ledger: sessions, generations, feedback, credit transactions, pipeline steps and user events.",
     "fillfactor = 95", // generations move through their statuses
     nullptr, ledger_columns, ledger_constraints, ledger_indexes, ledger_triggers},
    {admin_name, "Admin sessions, audits, profile mappings, runtime and application settings.", "fillfactor = 100",
     nullptr, admin_columns, admin_constraints, admin_indexes, admin_triggers},
}};

} // namespace mega::schema
