-- One customer with very many credit rows and another with very many generations. Variable: rows.
SET session_replication_role = replica;
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:shopify:credits', :rows), ('pass:shopify:history', 0);
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id,
                              mg_status, mg_source_system, mg_created_at)
SELECT 'credit_transaction:' || gen_random_uuid(), 'credit_transaction', 'pass:shopify:credits', 1, 'grant', 'seed',
       'whale', n::text, 'succeeded', 'api', now() - interval '1 year' + n * interval '10 seconds'
FROM generate_series(1, :rows) n;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_type, mg_prompt, mg_mma_mode,
                              mg_mma_status, mg_mma_vars, mg_status, mg_source_system, mg_created_at)
SELECT 'generation:w' || n, 'generation', 'pass:shopify:history', 'w' || n, 'image', 'a vase in the morning light', 'still',
       'done', '{"prompts": {"clean_prompt": "a vase"}}', 'succeeded', 'api',
       now() - interval '1 year' + n * interval '10 seconds'
FROM generate_series(1, :rows) n;
RESET session_replication_role;
VACUUM (ANALYZE) mega_customers, mega_generations;
