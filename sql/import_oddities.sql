-- Moving in: what real databases of this kind contain. Each oddity has its rule and its count.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, user_id uuid, email text, credits int DEFAULT 0, expires_at timestamptz, last_active timestamptz, disabled bool, created_at timestamptz, updated_at timestamptz);
CREATE TABLE old_shop.credit_transactions (id text, shopify_customer_id text, delta int, reason text, source text, ref_type text, ref_id text, created_at timestamptz);
CREATE TABLE old_shop.sessions (id uuid, shopify_customer_id text, platform text, title text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE old_shop.generations (id text, session_id uuid, customer_id text, shopify_customer_id text, output_url text, created_at timestamptz, updated_at timestamptz, status text, mma_status text);
CREATE TABLE old_shop.feedback (id uuid, shopify_customer_id text, session_id uuid, generation_id text, comment text, image_url text, video_url text, created_at timestamptz);
-- Whom mega knows already: by his user id, by a row that was merged, erased.
SELECT mg_pass_id, created FROM mega_ensure_customer(user_id => pg_temp.id(9), email => 'live@example.com');
SELECT mg_credits FROM mega_record_credit('pass:user:' || pg_temp.id(9), 7, 'topup', ref_type => 'order', ref_id => '900', txn_id => 'live-9');
INSERT INTO old_shop.customers (shopify_customer_id, user_id, email, credits, created_at) VALUES
    ('anonymous', pg_temp.id(7), 'shared@example.com', 40, '2025-01-01'),
    ('eve@example.com', NULL, 'eve@example.com', 3, '2025-01-01'),
    ('2001', NULL, 'two@example.com', 4, '2025-01-01'), ('gid://shopify/Customer/2001', NULL, NULL, 6, '2025-01-02'),
    ('3001', pg_temp.id(3), 'Twin@example.com', 1, '2025-01-01'), ('3002', pg_temp.id(3), 'twin@example.com', 2, '2025-01-02'),
    ('4001', NULL, NULL, -9, '2025-01-01'), ('5001', pg_temp.id(9), 'live@example.com', 10, '2025-01-01'),
    (repeat('9', 600), NULL, NULL, 8, '2025-01-01'), (E'60\x0101', NULL, NULL, 8, '2025-01-01'),
    ('7001', NULL, E'bad\x01mail', 0, NULL), ('7002', NULL, '', NULL, '2999-01-01');
INSERT INTO old_shop.credit_transactions VALUES
    ('a1', 'anonymous', 5, 'bonus', NULL, NULL, NULL, '2025-01-01'), ('a2', NULL, 6, 'bonus', NULL, NULL, NULL, '2025-01-01'), ('a3', 'undefined', 1, 'bonus', NULL, NULL, NULL, '2025-01-01'),
    ('b2', '2001', 4, 'signup_bonus', 'app', 'signup', '2001', '2025-01-02'), ('b1', 'gid://shopify/Customer/2001', 6, 'signup_bonus', 'app', 'signup', '2001', '2025-01-02'),
    ('c1', '3001', 1, 'purchase', 'shopify', 'order', '77', '2025-01-01'), ('c2', '5001', 10, 'purchase', 'shopify', 'order', '900', '2025-01-01'),
    ('d1', '8001', 25, 'gift', NULL, NULL, NULL, '2025-01-01'), ('e1', '3001', 0, 'nothing', NULL, NULL, NULL, '2025-01-01'), ('e2', '3001', NULL, 'nothing', NULL, NULL, NULL, '2025-01-01'),
    ('hold:x', '3001', -1, 'hold', NULL, NULL, NULL, '2025-01-01'), (E'f\x011', '3001', -1, 'spend', NULL, NULL, NULL, '2025-01-01'), (repeat('f', 513), '3001', -1, 'spend', NULL, NULL, NULL, '2025-01-01'),
    ('g1', '4001', -9, E'two\nlines', NULL, 'order', E'x\x01', '2025-01-01'), ('h1', '7002', 2, 'gift', NULL, NULL, NULL, '2999-01-01'), ('h2', '7002', -2, 'spend', NULL, NULL, NULL, NULL),
    ('i1', repeat('9', 600), 8, 'gift', NULL, NULL, NULL, '2025-01-01');
INSERT INTO old_shop.sessions VALUES (pg_temp.id(21), '3001', 'web', 'a', '2025-01-03', '2025-01-03'), (pg_temp.id(22), NULL, 'web', 'b', '2025-01-03', NULL),
    (pg_temp.id(23), 'null', 'web', 'c', NULL, '2025-01-05'), (pg_temp.id(24), '3002', 'web', 'd', '2999-01-01', '2025-01-06'), (pg_temp.id(25), '3002', 'web', 'e', '-infinity', 'infinity');
INSERT INTO old_shop.generations VALUES
    ('g1', pg_temp.id(21), NULL, NULL, 'https://assets.example.com/1.png', '2025-01-03', '2025-01-03', 'succeeded', 'done'),
    ('g2', pg_temp.id(22), NULL, 'anonymous', 'https://b.s3.amazonaws.com/k.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=5f0c2b', '2025-01-03', '2025-01-03', 'COMPLETED', 'finished'),
    ('g3', NULL, NULL, NULL, 'https://replicate.delivery/pbxt/a/out.png', '2025-01-03', '2025-01-03', 'failed', 'error'),
    ('g4', NULL, '3002', NULL, 'data:image/png;base64,AAAA', '2025-01-03', '2025-01-03', NULL, NULL),
    ('g5', NULL, '3002', '8002', '', '2025-01-03', '2025-01-03', NULL, NULL), ('', NULL, NULL, '3001', NULL, '2025-01-03', NULL, NULL, NULL), (NULL, NULL, NULL, '3001', NULL, '2025-01-03', NULL, NULL, NULL),
    (E'g\t6', NULL, NULL, '3001', NULL, '2025-01-03', NULL, NULL, NULL);
INSERT INTO old_shop.feedback VALUES (pg_temp.id(31), NULL, pg_temp.id(21), 'g1', 'his', 'https://x.example.com/a.png?AWSAccessKeyId=AKIA&Signature=abc&Expires=1760000000', NULL, '2025-01-04'), (pg_temp.id(32), '9001', NULL, E'g\n1', 'gone', NULL, NULL, '2025-01-04');
CALL mega_import('old_shop', mapping => '{"purchase": "topup"}') \gset
SELECT name, read, written, there, changed, mended, refused FROM pg_temp.counts(:'report');
SELECT t.key, m.key AS how, e AS example FROM jsonb_each(:'report'::jsonb -> 'tables') t, jsonb_each(t.value -> 'mended') m, jsonb_array_elements_text(m.value -> 'examples') e ORDER BY t.key, m.key, e COLLATE "C";
SELECT jsonb_pretty(:'report'::jsonb -> 'persons'), :'report'::jsonb -> 'openings' AS openings;
SELECT left(mg_pass_id, 50) AS mg_pass_id, mg_shopify_customer_id, mg_user_id, mg_email, mg_credits, mg_disabled, CASE WHEN mg_source_system = 'legacy' THEN mg_created_at END AS made, mg_source_system FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, CASE WHEN mg_source_system = 'legacy' THEN mg_created_at END AS made, mg_meta - 'mega' AS meta FROM mega_generations WHERE mg_record_type = 'credit_transaction' AND mg_reason <> 'opening' ORDER BY mg_id;
SELECT mg_id, mg_delta FROM mega_generations WHERE mg_reason = 'opening' ORDER BY mg_id;
SELECT mg_id, mg_pass_id, mg_output_url, mg_image_url, mg_generation_id, mg_status, mg_mma_status, mg_created_at, mg_updated_at, mg_meta #> '{mega,import,mended}' AS mended FROM mega_generations WHERE mg_record_type <> 'credit_transaction' ORDER BY mg_id;
SELECT mg_id, coalesce(mg_payload ->> 'output_url', mg_payload ->> 'image_url') AS url FROM mega_generations WHERE mg_id IN ('generation:g2', 'generation:g3', 'feedback:' || pg_temp.id(31)) ORDER BY mg_id;
SELECT * FROM mega_reconcile_credits();
-- What was refused is kept, once.
SELECT mg_detail ->> 'table' AS name, left(mg_detail ->> 'id', 20) AS id, mg_detail ->> 'reason' AS reason, left((mg_detail -> 'row')::text, 60) AS row FROM mega_admin_audits(action => 'import_refused') ORDER BY mg_detail ->> 'table', mg_detail ->> 'id' COLLATE "C";
CREATE TEMP TABLE before AS SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a;
CALL mega_import('old_shop', mapping => '{"purchase": "topup"}') \gset
SELECT name, read, written, there, changed, mended, refused FROM pg_temp.counts(:'report');
SELECT count(*) FROM (SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a EXCEPT SELECT row FROM before) x;
-- A webhook that is sent again after the cutover is a replay.
SELECT mg_id, replayed FROM mega_record_topup('pass:shopify:3001', packs => 1, credits_per_pack => 1, ref_type => 'order', ref_id => '77');
SELECT mg_id, replayed FROM mega_record_credit('pass:shopify:3001', 1, 'topup', ref_type => 'order', ref_id => '77');
-- What a column does not take is kept: of customers, who have no payload, beside the application's document.
SELECT mg_id, mg_payload ->> 'ref_id' AS ref_id, mg_payload ->> 'generation_id' AS generation_id, mg_payload ->> 'status' AS status FROM mega_generations
    WHERE mg_meta #> '{mega,import,mended}' ?| '{unfit_text,unknown_status}' ORDER BY mg_id;
SELECT mg_email, mg_meta - 'mega' AS meta FROM mega_customers WHERE mg_pass_id = 'pass:shopify:7001';
CREATE SCHEMA other_shop;
CREATE TABLE other_shop.customers (shopify_customer_id text, user_id text, email text, first_name text, meta jsonb);
INSERT INTO other_shop.customers VALUES ('11001', 'auth0|4711', repeat('e', 600) || '@example.com', 'Fay', '{"plan": "pro"}'), ('11002', pg_temp.id(12), ' ', NULL, '{"email": "hers"}'),
    ('11003', 'auth0|4713', NULL, NULL, NULL), ('gid://shopify/Customer/11003', pg_temp.id(13), NULL, NULL, NULL);
CALL mega_import('other_shop') \gset
SELECT mended FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_user_id, mg_email, mg_meta - 'mega' - 'email' AS meta, left(mg_meta ->> 'email', 20) AS unfit FROM mega_customers WHERE mg_pass_id LIKE 'pass:shopify:1100%' ORDER BY 1;
SELECT mega_parity_report('other_shop') ->> 'verdict' AS verdict;
CALL mega_import('other_shop') \gset
SELECT name, read, there, changed FROM pg_temp.counts(:'report');
DROP SCHEMA old_shop, other_shop CASCADE;
