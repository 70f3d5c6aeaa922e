-- The examples of docs/adopting.md: each block there is copied from what this prints. In a database of its own: a studio's
-- MEGA tables as its application made them.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
CREATE ROLE regress_studio_anon;
CREATE ROLE regress_studio_app;
CREATE DATABASE regress_mega_docs_adopting TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_adopting
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE TABLE mega_customers (
    mg_pass_id text PRIMARY KEY, mg_shopify_customer_id text, mg_user_id uuid, mg_email text, mg_first_name text, mg_last_name text,
    mg_display_name text, mg_locale text, mg_timezone text, mg_marketing_opt_in boolean DEFAULT false, mg_product_updates_opt_in boolean DEFAULT false,
    mg_credits integer DEFAULT 0, mg_expires_at timestamptz, mg_last_active timestamptz, mg_disabled boolean DEFAULT false,
    mg_verified_email boolean DEFAULT false, mg_verified_google boolean DEFAULT false, mg_verified_apple boolean DEFAULT false,
    mg_verified_any boolean DEFAULT false, mg_verification_method text, mg_verification_at timestamptz, mg_verification_keynumber text,
    mg_topup_default_packs integer DEFAULT 3, mg_auto_topup_enabled boolean DEFAULT false, mg_auto_topup_monthly_limit_packs integer,
    mg_last_topup_at timestamptz, mg_topup_source text, mg_meta jsonb DEFAULT '{}', mg_source_system text, mg_deleted_at timestamptz,
    mg_created_at timestamptz NOT NULL DEFAULT now(), mg_updated_at timestamptz NOT NULL DEFAULT now(),
    mg_mma_preferences jsonb NOT NULL DEFAULT '{}', mg_mma_preferences_updated_at timestamptz, mg_allow_listed boolean);
CREATE TABLE mega_generations (
    mg_id text PRIMARY KEY, mg_record_type text NOT NULL, mg_pass_id text REFERENCES mega_customers, mg_session_id text, mg_generation_id text,
    mg_platform text, mg_title text, mg_type text, mg_prompt text, mg_output_url text, mg_output_key text, mg_provider text, mg_model text,
    mg_latency_ms integer, mg_input_chars integer, mg_output_chars integer, mg_input_tokens integer, mg_output_tokens integer, mg_content_type text,
    mg_status text, mg_error text, mg_result_type text, mg_comment text, mg_image_url text, mg_video_url text, mg_delta integer, mg_reason text,
    mg_source text, mg_ref_type text, mg_ref_id text, mg_client_version text, mg_os text, mg_browser text, mg_device text, mg_meta jsonb DEFAULT '{}',
    mg_payload jsonb, mg_source_system text, mg_deleted_at timestamptz, mg_created_at timestamptz DEFAULT now(), mg_updated_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX history ON mega_generations (mg_pass_id, mg_record_type, mg_created_at DESC);
GRANT SELECT, INSERT, UPDATE ON mega_customers, mega_generations TO regress_studio_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mega_customers TO regress_studio_anon;
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_email, mg_credits, mg_mma_preferences) VALUES
    ('pass:shopify:1001', '1001', 'leila@example.com', 42, '{"hard_blocks": ["motion.flicker"], "tag_weights": {"style.minimal": 1.8}, "theme": "dark"}'),
    ('pass:shopify:1002', '1002', 'omar@example.com', 20, '{}'),
    ('pass:anon:00000000-0000-4000-8000-000000000003', 'anonymous', NULL, 5, '{}'),
    ('pass:anon:00000000-0000-4000-8000-000000000004', 'anonymous', NULL, 5, '{}'),
    ('mona@example.com', NULL, 'mona@example.com', -3, '{}');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_created_at) VALUES
    ('credit_transaction:1', 'credit_transaction', 'pass:shopify:1001', 20, 'signup', 'signup', '1001', 'succeeded', '2025-01-01'),
    ('credit_transaction:2', 'credit_transaction', 'pass:shopify:1001', 20, 'signup', 'signup', '1001', 'succeeded', '2025-01-01'),
    ('credit_transaction:3', 'credit_transaction', 'pass:shopify:1002', 20, 'signup', 'signup', '1002', 'succeeded', '2025-01-02'),
    ('credit_transaction:4', 'credit_transaction', 'pass:anon:00000000-0000-4000-8000-000000000003', 5, 'signup', NULL, NULL, 'succeeded', '2025-01-03'),
    ('credit_transaction:5', 'credit_transaction', 'pass:anon:00000000-0000-4000-8000-000000000004', 5, 'signup', NULL, NULL, 'succeeded', NULL),
    ('credit_transaction:6', 'credit_transaction', 'mona@example.com', -3, 'still', NULL, NULL, 'succeeded', '2025-01-04');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_type, mg_output_url, mg_status, mg_created_at) VALUES
    ('generation:a1', 'generation', 'pass:shopify:1001', 'a1', 'image', 'https://delivery.example.com/a1.png?X-Amz-Expires=3600&X-Amz-Signature=5f0c', 'done', '2025-01-05');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_type, mg_prompt, mg_output_url, mg_status, mg_created_at)
    SELECT 'generation:b' || i, 'generation', 'pass:shopify:1002', 'b' || i, 'image', repeat('perfume bottle, pale marble ', 20), 'https://assets.example.com/b' || i || '.png', 'done', '2025-02-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 4000) i;
VACUUM (ANALYZE) mega_customers, mega_generations;

--
-- 1. The functions first
--
SET mega.install = off;
CREATE EXTENSION mega;
RESET mega.install;

--
-- 2. What it would do
--
SELECT action, count(*), min(object COLLATE "C") AS first FROM mega_install(dry_run => true) GROUP BY action ORDER BY action;
SELECT object, action, detail FROM mega_install(dry_run => true) WHERE action IN ('grant', 'keep') OR action LIKE 'skip %';

--
-- 3. Who reaches the tables
--
REVOKE ALL ON mega_customers FROM regress_studio_anon;

--
-- 4. The application goes on
--
ALTER ROLE regress_studio_app SET mega.derived_writes = 'ignore';

--
-- 5. Columns and indexes before
--
\a
SELECT detail FROM mega_install(dry_run => true) WHERE action = 'add column';
\set ECHO none
SELECT detail FROM mega_install(dry_run => true) WHERE action = 'add column' \gexec
\set ECHO all
SELECT detail FROM mega_install(dry_run => true) WHERE action = 'create index' AND detail LIKE '%CONCURRENTLY%';
SELECT detail FROM mega_install(dry_run => true) WHERE action = 'create index' AND detail LIKE '%CONCURRENTLY%' \gexec
\a
SELECT count(*) FROM mega_install(dry_run => true) WHERE detail LIKE '%CONCURRENTLY%';

--
-- 6. Adopted
--
SELECT action, count(*), min(object COLLATE "C") AS first FROM mega_install() GROUP BY action ORDER BY action;
SELECT mega_grant('regress_studio_app', 'app');

--
-- 7. The books
--
SELECT * FROM mega_reconcile_credits();
SELECT * FROM mega_open_books(dry_run => true);
SELECT * FROM mega_open_books();
SELECT * FROM mega_open_books();
SELECT mg_id, mg_delta, mg_meta FROM mega_generations WHERE mg_reason = 'opening';
SELECT count(*) FROM mega_reconcile_credits();
SELECT count(*) FROM mega_reconcile_preferences();

--
-- 8. Rows that break rules
--
SELECT object, offenders, example, action FROM mega_validate();
UPDATE mega_customers SET mg_shopify_customer_id = NULL WHERE mg_shopify_customer_id = 'anonymous';
BEGIN;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
UPDATE mega_generations SET mg_ref_id = mg_ref_id || ':again' WHERE mg_id = 'credit_transaction:2';
UPDATE mega_generations SET mg_created_at = '2025-01-03' WHERE mg_id = 'credit_transaction:5';
UPDATE mega_generations SET mg_output_url = NULL WHERE mg_id = 'generation:a1';
ALTER TABLE mega_generations ENABLE TRIGGER USER;
COMMIT;
SELECT object, offenders, action FROM mega_validate();
SELECT object, offenders, action FROM mega_validate();
ALTER TABLE mega_generations RENAME CONSTRAINT mega_generations_mg_pass_id_fkey TO mega_generations_pass_id_fkey;
ALTER INDEX history RENAME TO mega_generations_pass_recordtype_created;
SELECT * FROM mega_install();

--
-- 9. The application moves
--
SET ROLE regress_studio_app;
SET mega.derived_writes = 'ignore';
SET client_min_messages = notice;
UPDATE mega_customers SET mg_credits = 500 WHERE mg_pass_id = 'pass:shopify:1002';
SELECT mg_credits FROM mega_record_credit('pass:shopify:1002', -4, 'still', txn_id => 'still-1');
RESET mega.derived_writes;
UPDATE mega_customers SET mg_credits = 500 WHERE mg_pass_id = 'pass:shopify:1002';
RESET ROLE;
SET client_min_messages = warning;
ALTER ROLE regress_studio_app RESET mega.derived_writes;

--
-- Settings for applications as they are
--
SET ROLE regress_studio_app;
SET client_min_messages = notice;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason)
VALUES ('credit_transaction:gift-7', 'credit_transaction', 'pass:shopify:1002', 10, 'gift');
SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:1002';
SET mega.derived_writes = 'ignore';
UPDATE mega_customers SET mg_credits = 26 + 10 WHERE mg_pass_id = 'pass:shopify:1002';
SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:1002';
RESET mega.derived_writes;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_meta)
VALUES ('mma_event:view-1', 'mma_event', 'pass:shopify:1002', 'b1', '{"event_type": "view"}');
RESET ROLE;
SET client_min_messages = warning;
ALTER DATABASE regress_mega_docs_adopting SET mega.extra_event_types = 'view, share';
ALTER DATABASE regress_mega_docs_adopting SET mega.extra_mma_statuses = 'suggested';
ALTER DATABASE regress_mega_docs_adopting SET mega.steps = 'fill';
ALTER DATABASE regress_mega_docs_adopting SET mega.deletes = 'mark';
ALTER DATABASE regress_mega_docs_adopting SET mega.raw_overdraft = 'refuse';
GRANT DELETE ON mega_generations TO regress_studio_app;
\c regress_mega_docs_adopting
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET ROLE regress_studio_app;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_meta)
VALUES ('mma_event:view-1', 'mma_event', 'pass:shopify:1002', 'b1', '{"event_type": "view"}');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_mma_mode, mg_mma_status)
VALUES ('generation:v1', 'generation', 'pass:shopify:1002', 'v1', 'video', 'queued');
UPDATE mega_generations SET mg_mma_status = 'suggested', mg_prompt = 'a slow pan' WHERE mg_id = 'generation:v1';
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_step_no, mg_step_type, mg_payload)
VALUES ('mma_step:v1:0', 'mma_step', 'pass:shopify:1002', 'v1', 0, 'override', '{"prompt": "a slow pan"}') RETURNING mg_payload;
DELETE FROM mega_generations WHERE mg_id = 'generation:b1' RETURNING mg_id;
SELECT mg_deleted_at IS NOT NULL AS marked FROM mega_generations WHERE mg_id = 'generation:b1';
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id)
VALUES ('credit_transaction:exp-1', 'credit_transaction', 'pass:shopify:1002', -26, 'expired', 'expiration', 'exp_1002_1764374400000');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id)
VALUES ('credit_transaction:exp-2', 'credit_transaction', 'pass:shopify:1002', -26, 'expired', 'expiration', 'exp_1002_1764374400007');
SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:1002';
RESET ROLE;
ALTER DATABASE regress_mega_docs_adopting SET mega.pass_ids = 'any';
SET mega.pass_ids = 'any';
INSERT INTO mega_customers (mg_pass_id) VALUES ('5b0a7f1e-0000-4000-8000-000000000001');
ALTER DATABASE regress_mega_docs_adopting RESET ALL;
\c regress_mega_docs_adopting
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
SELECT object, rule, offenders, example FROM mega_validate();

--
-- Back
--
DROP EXTENSION mega CASCADE;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY mg_pass_id COLLATE "C";

\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_docs_adopting;
DROP ROLE regress_studio_anon;
DROP ROLE regress_studio_app;
