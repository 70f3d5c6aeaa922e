-- Holds whose time is over, spread over all customers. Variables: holds, customers.
SET session_replication_role = replica;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status,
                              mg_meta, mg_source_system)
SELECT 'credit_transaction:hold:sweep' || n, 'credit_transaction', 'pass:shopify:' || n % :customers, -1, 'hold', 'hold',
       'sweep' || n, 'pending', '{"mega": {"hold_expires_at": "2020-01-01T00:00:00Z"}}', 'api'
FROM generate_series(1, :holds) n;
UPDATE mega_customers c SET mg_credits = c.mg_credits - h.held
FROM (SELECT mg_pass_id, count(*) AS held FROM mega_generations WHERE mg_id LIKE 'credit_transaction:hold:sweep%'
      GROUP BY mg_pass_id) h
WHERE c.mg_pass_id = h.mg_pass_id;
RESET session_replication_role;
VACUUM (ANALYZE) mega_customers, mega_generations;
