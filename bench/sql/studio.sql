-- A large studio: many generations, of which a hundred wait; a customer with many likes; a generation with a large variable
-- map; many customers, of whom few are due. Variables: population, likes.
SET session_replication_role = replica;
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:studio'), ('pass:test:fan'), ('pass:test:viewer');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_mma_mode, mg_mma_status, mg_status, mg_mma_vars,
    mg_meta, mg_created_at, mg_updated_at)
SELECT 'generation:studio' || n, 'generation', 'pass:test:studio', 'studio' || n, 'still', CASE WHEN n <= 100 THEN 'queued' ELSE 'done' END,
    CASE WHEN n <= 100 THEN 'pending' ELSE 'succeeded' END, '{}', '{}', now() - n * interval '10 milliseconds', now()
FROM generate_series(1, :population) n;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_mma_mode, mg_mma_status, mg_status, mg_mma_vars,
    mg_meta, mg_created_at, mg_updated_at)
SELECT 'generation:update-' || n, 'generation', 'pass:test:studio', 'update-' || n, 'still', 'scanning', 'working', '{}', '{}',
    now() - n * interval '10 milliseconds', now()
FROM generate_series(1, 5000) n;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_meta, mg_mma_vars, mg_created_at, mg_updated_at)
SELECT 'mma_event:studio' || n, 'mma_event', 'pass:test:fan', 'studio' || 1 + n % (:likes / 2),
    jsonb_build_object('event_type', CASE WHEN n % 7 = 0 THEN 'dislike' ELSE 'like' END), '{}', now() - n * interval '1 second', now()
FROM generate_series(1, :likes) n;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_mma_status, mg_status, mg_mma_vars, mg_meta,
    mg_created_at, mg_updated_at)
SELECT 'generation:large', 'generation', 'pass:test:studio', 'large', 'scanning', 'working',
    jsonb_build_object('assets', (SELECT jsonb_agg(jsonb_build_object('url', 'https://assets.example.com/' || md5(n::text) || '.png',
        'note', md5((n * 7)::text))) FROM generate_series(1, 1500) n)), '{}', now(), now();
INSERT INTO mega_customers (mg_pass_id, mg_auto_topup_enabled, mg_auto_topup_monthly_limit_packs, mg_topup_default_packs, mg_credits)
SELECT 'pass:shopify:t' || n, n % 100 = 0, 50, 1, CASE WHEN n % (:population / 10) = 0 THEN 0 ELSE 500 END
FROM generate_series(1, :population) n;
RESET session_replication_role;
VACUUM (ANALYZE) mega_customers, mega_generations;
