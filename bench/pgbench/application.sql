\set customer random(0, :customers - 1)
\set reference random(1, 9000000000000000)
BEGIN;
SELECT mg_id FROM application.mega_generations WHERE mg_record_type = 'credit_transaction' AND mg_ref_type = 'job' AND mg_ref_id = :reference::text;
SELECT mg_credits FROM application.mega_customers WHERE mg_pass_id = :prefix::text || :customer::text \gset
INSERT INTO application.mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id, mg_status, mg_source_system) VALUES ('credit_transaction:' || gen_random_uuid(), 'credit_transaction', :prefix::text || :customer::text, -1, 'render', 'api', 'job', :reference::text, 'succeeded', 'api');
UPDATE application.mega_customers SET mg_credits = :mg_credits - 1, mg_updated_at = clock_timestamp() WHERE mg_pass_id = :prefix::text || :customer::text;
COMMIT;
