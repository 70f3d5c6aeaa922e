-- Many customers with names of their own, and for each round two customers with as many rows as are to move: mostly
-- credits, some generations and events. Triggers are off while they are made; the balances are written here.
-- Variables: people, rows, rounds.
SET session_replication_role = replica;
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_user_id, mg_email, mg_first_name, mg_last_name, mg_display_name)
SELECT 'pass:shopify:p' || n, 'p' || n, md5(n::text)::uuid, left(md5('e' || n), 12) || '@example.com', left(md5('f' || n), 10), left(md5('l' || n), 10),
    left(md5('f' || n), 10) || ' ' || left(md5('l' || n), 10)
FROM generate_series(1, :people) n;
INSERT INTO mega_customers (mg_pass_id, mg_credits)
SELECT 'pass:shopify:' || who, CASE WHEN who LIKE 'mega-%' THEN :rows - 2 * (:rows / 20) ELSE 0 END
FROM (SELECT kind || '-' || round AS who FROM unnest('{mega,bare}'::text[]) kind, generate_series(0, :rounds) round UNION ALL VALUES ('target'), ('bare')) w;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_delta, mg_reason, mg_mma_mode, mg_mma_status, mg_mma_vars, mg_meta, mg_status, mg_created_at)
SELECT type || ':' || who || '-' || n, type, 'pass:shopify:' || who, CASE type WHEN 'generation' THEN who || '-' || n END,
    CASE type WHEN 'credit_transaction' THEN 1 END, CASE type WHEN 'credit_transaction' THEN 'grant' END, CASE type WHEN 'generation' THEN 'still' END, CASE type WHEN 'generation' THEN 'queued' END, '{}',
    CASE type WHEN 'mma_event' THEN '{"event_type": "create", "payload": {}}'::jsonb ELSE '{}' END, CASE type WHEN 'generation' THEN 'pending' ELSE 'succeeded' END, now() - interval '1 day' + n * interval '1 microsecond'
FROM (SELECT kind || '-' || round AS who FROM unnest('{mega,bare}'::text[]) kind, generate_series(0, :rounds) round) w, generate_series(1, :rows) n,
    LATERAL (SELECT CASE WHEN n <= :rows / 20 THEN 'generation' WHEN n <= 2 * (:rows / 20) THEN 'mma_event' ELSE 'credit_transaction' END AS type) t;
RESET session_replication_role;
VACUUM (ANALYZE) mega_customers, mega_generations;
SELECT count(*) FROM mega_open_books(trust => 'stored');
