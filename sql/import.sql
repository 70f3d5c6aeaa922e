-- Moving in: the ten legacy tables, their oddities, and what is refused.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
SET TIME ZONE 'Asia/Dubai';
CREATE SCHEMA legacy;
CREATE TABLE legacy.customers (shopify_customer_id text PRIMARY KEY, user_id uuid, email text, credits int DEFAULT 0, expires_at timestamptz, last_active timestamptz, disabled bool, meta jsonb, created_at timestamptz, updated_at timestamptz, vip bool);
CREATE TABLE legacy.credit_transactions (id uuid PRIMARY KEY, shopify_customer_id text, delta int, reason text, source text, ref_type text, ref_id text, created_at timestamptz);
CREATE TABLE legacy.sessions (id uuid PRIMARY KEY, shopify_customer_id text, platform text, title text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE legacy.generations (id text PRIMARY KEY, type text, session_id uuid, customer_id text, shopify_customer_id text, platform text, prompt text, output_url text, output_key text, provider text, model text, latency_ms int, input_chars int, output_chars int, meta jsonb, created_at timestamptz, updated_at timestamptz, status text);
CREATE TABLE legacy.feedback (id uuid PRIMARY KEY, shopify_customer_id text, session_id uuid, generation_id text, result_type text, platform text, prompt text, comment text, image_url text, video_url text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE legacy.runtime_config (id int PRIMARY KEY DEFAULT 1, updated_at timestamptz, updated_by text, max_tokens int, model text, temperature numeric, enabled bool);
CREATE TABLE legacy.app_config (key text PRIMARY KEY, value jsonb, updated_at timestamptz, updated_by text);
CREATE TABLE legacy.profiles (user_id uuid PRIMARY KEY, email text, shopify_customer_id text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE legacy.admin_sessions (session_hash text PRIMARY KEY, user_id uuid, email text, ip text, user_agent text, first_seen_at timestamptz, last_seen_at timestamptz, updated_at timestamptz);
CREATE TABLE legacy.admin_audit (id text PRIMARY KEY, created_at timestamptz, action text, route text, method text, status int, user_id uuid, email text, detail jsonb);


-- A clean shop.
INSERT INTO legacy.customers VALUES ('1001', pg_temp.id(1), 'ada@example.com', 12, NULL, '2025-03-01Z', false, '{"tier": "gold", "mega": {"lots": []}}', '2025-01-01Z', '2025-03-01Z', true),
    ('1002', NULL, 'bob@example.com', 5, '2040-01-01Z', NULL, true, NULL, '2025-01-02Z', '2025-01-02Z', NULL);
INSERT INTO legacy.credit_transactions VALUES (pg_temp.id(11), '1001', 10, 'signup_bonus', 'app', 'signup', '1001', '2025-01-01 00:00:01Z'),
    (pg_temp.id(12), '1001', -3, 'generation', 'app', 'generation', 'gen_1', '2025-01-03Z'), (pg_temp.id(13), '1002', 5, 'purchase', 'shopify', 'order', '77', '2025-01-02Z');
INSERT INTO legacy.sessions VALUES (pg_temp.id(21), '1001', 'web', 'Perfume', '2025-01-03 22:00Z', '2025-01-03 23:00Z');
INSERT INTO legacy.generations VALUES ('gen_1', 'image', pg_temp.id(21), '1001', '1001', 'web', 'a bottle', 'https://assets.example.com/gen_1.png', 'gen_1.png', 'seedream', 'v4', 1200, 8, 0, '{"size": "1k"}', '2025-01-03Z', '2025-01-03Z', 'succeeded');
INSERT INTO legacy.feedback VALUES (pg_temp.id(31), '1001', pg_temp.id(21), 'gen_1', 'image', 'web', 'a bottle', 'nice', 'https://assets.example.com/gen_1.png', NULL, '2025-01-04Z', '2025-01-04Z');
INSERT INTO legacy.runtime_config VALUES (1, '2025-01-05Z', 'ops', 100, 'v4', 0.7, true);
INSERT INTO legacy.app_config VALUES ('style.presets', '{"a": 1}', '2025-01-05Z', 'ops');
INSERT INTO legacy.profiles VALUES (pg_temp.id(1), 'ada@example.com', '1001', '2025-01-01Z', '2025-01-01Z');
INSERT INTO legacy.admin_sessions VALUES ('hash1', pg_temp.id(41), 'ops@example.com', '10.0.0.1', 'UA', '2025-01-01Z', '2025-01-02Z', '2025-01-02Z');
INSERT INTO legacy.admin_audit VALUES ('audit1', '2025-01-02Z', 'login', '/admin', 'POST', 200, pg_temp.id(41), 'ops@example.com', '{"ok": true}');
CALL mega_import('legacy') \gset first_
SELECT * FROM pg_temp.counts(:'first_report');
SELECT mg_pass_id, mg_shopify_customer_id, mg_user_id, mg_email, mg_credits, mg_disabled, mg_expires_at, mg_last_active, mg_source_system, mg_created_at, mg_meta - 'mega' AS meta, mg_meta #> '{mega,lots}' AS lots FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_session_id, mg_generation_id, mg_status, mg_meta #- '{mega,import,digest}' AS mg_meta FROM mega_generations ORDER BY 1;
SELECT mg_id, mg_actor_pass_id, mg_user_id, mg_runtime_flat, mg_value, mg_meta - 'mega' AS meta FROM mega_admin WHERE mg_action IS DISTINCT FROM 'import' ORDER BY 1;
SET TIME ZONE 'UTC';
SELECT g.mg_payload = to_jsonb(l) AS whole, g.mg_created_at = l.created_at AS kept, g.mg_source_system FROM mega_generations g JOIN legacy.generations l ON g.mg_id = 'generation:' || l.id;
SELECT * FROM mega_reconcile_credits();

-- Again: nothing is read but what is there, and nothing changes, whatever the session's zone is.
SET TIME ZONE 'America/New_York';
CREATE TEMP TABLE before AS SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a;
CALL mega_import(legacy_schema => 'legacy', batch_size => 1) \gset again_
SELECT name, read, written, there, changed FROM pg_temp.counts(:'again_report');
SELECT count(*) FROM (SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a EXCEPT SELECT row FROM before) x;
SET TIME ZONE 'UTC';

-- Legacy goes on: a new balance without a row, a new row without a balance, a generation that got its output, a changed
-- setting; and one that mega went on with is left, with both values told.
SELECT mg_credits FROM mega_record_credit('pass:shopify:1001', -2, 'spend', txn_id => 'live-1');
UPDATE legacy.customers SET credits = 20, email = 'ada@shop.example' WHERE shopify_customer_id = '1001';
UPDATE legacy.customers SET email = 'bob@shop.example' WHERE shopify_customer_id = '1002';
UPDATE mega_customers SET mg_email = 'robert@example.com' WHERE mg_pass_id = 'pass:shopify:1002';
INSERT INTO legacy.credit_transactions VALUES (pg_temp.id(14), '1001', 3, 'gift', 'app', NULL, NULL, '2025-02-01Z');
UPDATE legacy.credit_transactions SET delta = 11 WHERE id = pg_temp.id(11);
UPDATE legacy.generations SET output_url = 'https://assets.example.com/gen_1b.png' WHERE id = 'gen_1';
UPDATE legacy.feedback SET comment = 'very nice' WHERE id = pg_temp.id(31);
UPDATE legacy.sessions SET title = 'Scent' WHERE id = pg_temp.id(21);
UPDATE mega_generations SET mg_title = 'Flacon' WHERE mg_id = 'session:' || pg_temp.id(21);
UPDATE legacy.runtime_config SET max_tokens = 200;
UPDATE legacy.app_config SET value = '{"a": 2}';
SELECT version FROM mega_set_app_config('style.presets', '{"a": 3}');
CALL mega_import('legacy') \gset third_
SELECT name, read, written, there, changed, brought FROM pg_temp.counts(:'third_report');
SELECT t.key, d ->> 'id' AS id, d ->> 'field' AS field, d ->> 'legacy' AS legacy, d ->> 'mega' AS mega FROM jsonb_each(:'third_report'::jsonb -> 'tables') t, jsonb_array_elements(t.value -> 'differing') d ORDER BY 1, 2, 3;
SELECT mg_pass_id, mg_email, mg_credits FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_delta FROM mega_generations WHERE mg_record_type = 'credit_transaction' AND mg_pass_id = 'pass:shopify:1001' ORDER BY mg_id;
SELECT mg_output_url, mg_title, mg_payload ->> 'title' AS payload FROM mega_generations WHERE mg_record_type IN ('session', 'generation') ORDER BY mg_id;
SELECT mg_runtime_flat, mg_value FROM mega_admin WHERE mg_id IN ('runtime_config:1', 'app_config:style.presets') ORDER BY mg_id;
SELECT * FROM mega_reconcile_credits();
DROP SCHEMA legacy CASCADE;
