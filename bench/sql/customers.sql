-- The database every measurement begins with: customers, a ledger of credits that agrees with their balances, and a
-- generation each for the first of them. Triggers are off while it is made, so the balances are written here.
-- Variables: customers, credits, generations.
SET session_replication_role = replica;

INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_email, mg_display_name, mg_locale, mg_timezone,
                            mg_marketing_opt_in, mg_credits, mg_meta, mg_source_system)
SELECT 'pass:shopify:' || n, n::text, 'customer' || n || '@example.com', 'Customer ' || n, 'en-US', 'Europe/Berlin',
       n % 2 = 0, 1000000 * (SELECT count(*) FROM generate_series(n, :credits - 1, :customers)),
       jsonb_build_object('campaign', 'spring', 'referrer', 'https://shop.example.com/start', 'plan', 'studio'), 'api'
FROM generate_series(0, :customers - 1) n;

INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id,
                              mg_status, mg_source_system, mg_created_at)
SELECT 'credit_transaction:' || gen_random_uuid(), 'credit_transaction', 'pass:shopify:' || n % :customers, 1000000,
       'grant', 'seed', 'seed', n::text, 'succeeded', 'api', now() - interval '1 day' + n * interval '1 microsecond'
FROM generate_series(0, :credits - 1) n;

INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_type, mg_prompt, mg_mma_mode,
                              mg_mma_status, mg_mma_vars, mg_status, mg_source_system)
SELECT 'generation:g' || n, 'generation', 'pass:shopify:' || n, 'g' || n, 'image', 'a vase in the morning light', 'still',
       'queued', '{"assets": {}, "prompts": {"clean_prompt": "a vase"}}', 'pending', 'api'
FROM generate_series(0, :generations - 1) n;

RESET session_replication_role;
VACUUM (ANALYZE) mega_customers, mega_generations;
