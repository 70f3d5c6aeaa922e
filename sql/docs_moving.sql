-- The examples of docs/moving.md: each block there is copied from what this prints. In a database of its own: a shop as it
-- was before mega.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
CREATE ROLE shop_app;
CREATE DATABASE regress_mega_docs_moving TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_moving
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION mega;
CREATE SCHEMA legacy;
CREATE TABLE legacy.customers (shopify_customer_id text PRIMARY KEY, user_id uuid, email text, credits integer DEFAULT 0, disabled boolean, meta jsonb, created_at timestamptz);
CREATE TABLE legacy.credit_transactions (id uuid PRIMARY KEY, shopify_customer_id text, delta integer, reason text, source text, ref_type text, ref_id text, created_at timestamptz);
CREATE TABLE legacy.sessions (id uuid PRIMARY KEY, shopify_customer_id text, platform text, title text, created_at timestamptz);
CREATE TABLE legacy.generations (id text PRIMARY KEY, type text, session_id uuid, shopify_customer_id text, prompt text, output_url text, created_at timestamptz, updated_at timestamptz);
GRANT INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA legacy TO shop_app;
INSERT INTO legacy.customers VALUES ('1001', '5f000000-0000-4000-8000-000000000001', 'leila@example.com', 42, false, '{"tier": "gold"}', '2025-01-01'), ('1002', NULL, 'omar@example.com', 20, false, NULL, '2025-01-02'),
    ('1003', '5f000000-0000-4000-8000-000000000001', 'leila@example.com', 3, false, NULL, '2025-02-01'), ('anonymous', NULL, NULL, 15, NULL, NULL, '2025-01-01');
INSERT INTO legacy.credit_transactions VALUES ('5f000000-0000-4000-8000-0000000000a1', '1001', 50, 'purchase', 'shopify', 'order', '7001', '2025-01-02'), ('5f000000-0000-4000-8000-0000000000a2', '1001', -4, 'still', 'app', 'generation', 'g1', '2025-01-03'),
    ('5f000000-0000-4000-8000-0000000000a3', '1002', 20, 'signup_bonus', 'app', 'signup', '1002', '2025-01-02'), ('5f000000-0000-4000-8000-0000000000a4', '1002', 20, 'signup_bonus', 'app', 'signup', '1002', '2025-01-02'),
    ('5f000000-0000-4000-8000-0000000000a5', '1002', 0, 'nothing', 'app', NULL, NULL, '2025-01-03');
INSERT INTO legacy.sessions VALUES ('5f000000-0000-4000-8000-0000000000b1', '1001', 'web', 'Perfume', '2025-01-03');
INSERT INTO legacy.generations VALUES ('g1', 'image', '5f000000-0000-4000-8000-0000000000b1', 'anonymous', 'perfume bottle on marble', 'https://assets.example.com/g1.png', '2025-01-03', '2025-01-03'),
    ('g2', 'image', NULL, '1002', 'perfume bottle in rain', 'https://delivery.example.com/g2.png?X-Amz-Expires=3600&X-Amz-Signature=5f0c', NULL, '2025-01-04');
--
-- 1. The import
--
CALL mega_import('legacy', mapping => '{"purchase": "topup"}') \gset
SELECT t.key AS name, t.value -> 'read' AS read, t.value -> 'written' AS written, t.value -> 'there' AS there, m.key AS mended, m.value -> 'rows' AS rows
FROM jsonb_each(:'report'::jsonb -> 'tables') t LEFT JOIN jsonb_each(t.value -> 'mended') m ON true ORDER BY 1, 5;
SELECT e AS one_person FROM jsonb_array_elements(:'report'::jsonb #> '{persons,examples}') e;
SELECT mg_pass_id, mg_credits, mg_disabled FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_delta FROM mega_generations WHERE mg_reason = 'opening' ORDER BY 1;
SELECT mg_detail ->> 'table' AS name, mg_detail ->> 'reason' AS reason, mg_detail #>> '{row,id}' AS id FROM mega_admin_audits(action => 'import_refused');
--
-- 2. Parity
--
SELECT * FROM mega_parity_counts('legacy') WHERE legacy <> mega;
SELECT * FROM mega_parity_sample('legacy');
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('legacy') r;
--
-- 3. The cutover
--
INSERT INTO legacy.credit_transactions VALUES ('5f000000-0000-4000-8000-0000000000a6', '1002', -4, 'still', 'app', 'generation', 'g3', '2025-03-01');
UPDATE legacy.customers SET credits = credits - 4 WHERE shopify_customer_id = '1002';
SELECT mega_parity_report('legacy') ->> 'verdict' AS verdict;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA legacy FROM shop_app;
CALL mega_import('legacy', mapping => '{"purchase": "topup"}') \gset
SELECT mega_parity_report('legacy') ->> 'verdict' AS verdict;
SELECT mg_credits FROM mega_balance('pass:shopify:1002');
SELECT mg_id, mg_credits, replayed FROM mega_record_credit('pass:shopify:1001', 50, 'topup', ref_type => 'order', ref_id => '7001');
SELECT * FROM mega_reconcile_credits();
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_docs_moving;
DROP ROLE shop_app;
