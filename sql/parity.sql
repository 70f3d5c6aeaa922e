-- Moving in: legacy and mega side by side, and what a bad schema, table or right gets.
\set VERBOSITY terse
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO';
DROP EXTENSION IF EXISTS mega CASCADE;
DROP TABLE IF EXISTS mega_customers, mega_generations, mega_admin;
CREATE EXTENSION mega;
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text PRIMARY KEY, user_id uuid, email text, credits int DEFAULT 0, expires_at timestamptz, disabled bool, created_at timestamptz);
CREATE TABLE old_shop.credit_transactions (id uuid PRIMARY KEY, shopify_customer_id text, delta int, reason text, ref_type text, ref_id text, created_at timestamptz);
CREATE TABLE old_shop.generations (id text PRIMARY KEY, shopify_customer_id text, prompt text, output_url text, meta jsonb, created_at timestamptz, updated_at timestamptz);
CREATE TABLE old_shop.admin_audit (id text PRIMARY KEY, created_at timestamptz, action text, status int, detail jsonb);
CREATE FUNCTION pg_temp.id(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO old_shop.customers SELECT n, NULL, 'c' || n || '@example.com', n, NULL, n = 3, timestamptz '2025-01-01 23:30Z' + n * interval '20 minutes' FROM generate_series(1, 5) n;
INSERT INTO old_shop.credit_transactions SELECT pg_temp.id(n), 1 + n % 5, 1, 'gift', NULL, NULL, timestamptz '2025-01-01 22:00Z' + n * interval '5 hours' FROM generate_series(1, 9) n;
INSERT INTO old_shop.generations SELECT 'g' || n, 1 + n % 5, 'p' || n, 'https://assets.example.com/' || n || '.png', '{"a": 1}', CASE n WHEN 1 THEN NULL WHEN 2 THEN '2999-01-01' ELSE timestamptz '2025-01-02Z' END, '2025-01-03Z' FROM generate_series(1, 4) n;
INSERT INTO old_shop.generations VALUES ('signed', '1', 'p', 'https://b.s3.amazonaws.com/k.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=5f0c2b', NULL, '2025-01-02Z', '2025-01-02Z'), (E'bad\x01', '1', 'p', NULL, NULL, '2025-01-02Z', NULL);
INSERT INTO old_shop.admin_audit VALUES ('a1', '2025-01-05Z', 'login', 200, '{"ok": true}');
-- Before: nothing is there.
SELECT * FROM mega_parity_counts('old_shop');
SELECT record_type, id, field, mega FROM mega_parity_sample('old_shop', 2, 7);
SELECT r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
CALL mega_import('old_shop') \gset
-- After it, in whatever zone: all but the row that cannot be.
SET TIME ZONE 'Asia/Dubai';
SELECT * FROM mega_parity_counts('old_shop');
SELECT * FROM mega_parity_sample('old_shop');
SELECT jsonb_pretty(mega_parity_report('old_shop'));
-- Both go on: live rows are not counted, differences are told.
SELECT mg_credits FROM mega_record_credit('pass:shopify:1', 100, 'topup', txn_id => 'live');
SELECT count(*) FROM mega_create_generation('pass:shopify:1', 'live');
UPDATE old_shop.customers SET credits = 7, disabled = true WHERE shopify_customer_id = '2';
INSERT INTO old_shop.credit_transactions VALUES (pg_temp.id(20), '4', 2, 'gift', NULL, NULL, '2025-01-09Z');
UPDATE mega_generations SET mg_prompt = 'other' WHERE mg_id = 'generation:g3';
UPDATE old_shop.generations SET created_at = '2025-02-01Z' WHERE id = 'g4';
SELECT * FROM mega_parity_counts('old_shop') WHERE legacy <> mega;
SELECT * FROM mega_parity_sample('old_shop', 1000, 1);
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
SELECT count(*) FROM mega_parity_sample('old_shop', 1, 42) a FULL JOIN mega_parity_sample('old_shop', 1, 42) b USING (record_type, id, field) WHERE a.id IS NULL OR b.id IS NULL;
-- A customer that was brought by an application's own backfill counts by its ids.
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:shopify:6', '6');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_created_at) VALUES ('credit_transaction:' || pg_temp.id(30), 'pass:shopify:6', 4, 'gift', '2025-01-09Z');
INSERT INTO old_shop.customers VALUES ('6', NULL, 'six@example.com', 5, NULL, false, '2025-01-02Z');
INSERT INTO old_shop.credit_transactions VALUES (pg_temp.id(30), '6', 4, 'gift', NULL, NULL, '2025-01-09Z');
CALL mega_import('old_shop') \gset
SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:6';
SELECT r #> '{credits,differing}' AS credits, r #> '{counts,differing}' AS counts FROM mega_parity_report('old_shop') r;
--
-- Bad input.
--
CREATE SCHEMA bare;
CALL mega_import('nowhere');
CALL mega_import('bare');
CALL mega_import(NULL);
CALL mega_import('old_shop', 0);
CALL mega_import('old_shop', tables => '{customers,orders}');
CALL mega_import('old_shop', tables => '{sessions}');
CALL mega_import('old_shop', mapping => '{"a": 1}');
CALL mega_import('old_shop', mapping => '[]');
SELECT * FROM mega_parity_counts('nowhere');
SELECT * FROM mega_parity_sample('bare');
SELECT mega_parity_report(NULL);
SELECT * FROM mega_parity_sample('old_shop', 0);
BEGIN;
CALL mega_import('old_shop');
ROLLBACK;
DO $$ DECLARE r jsonb; BEGIN CALL mega_import('old_shop', report => r); EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', SQLSTATE; END $$;
CREATE TABLE bare.sessions (title text);
CALL mega_import('bare');
DROP TABLE bare.sessions;
CREATE TABLE bare.credit_transactions (id text, shopify_customer_id bigint, delta boolean, created_at timestamptz);
CALL mega_import('bare');
-- What can be cast is: numbers as text, times without a zone (UTC), dates; what cannot is told with its row.
DROP TABLE bare.credit_transactions;
CREATE TABLE bare.credit_transactions (id bigint, shopify_customer_id bigint, delta text, reason varchar(20), created_at timestamp);
INSERT INTO bare.credit_transactions VALUES (1, 71, ' 5 ', 'gift', '2025-01-01 12:00'), (2, 71, '-2', 'spend', '2025-01-02');
CREATE VIEW bare.customers AS SELECT 71::bigint AS shopify_customer_id, 3.0::numeric AS credits, date '2025-01-01' AS created_at, 'yes'::text AS disabled;
CALL mega_import('bare') \gset
SELECT mg_pass_id, mg_credits, mg_disabled, mg_created_at AT TIME ZONE 'UTC' AS made FROM mega_customers WHERE mg_shopify_customer_id = '71';
SELECT mg_id, mg_delta, mg_created_at AT TIME ZONE 'UTC' AS made FROM mega_generations WHERE mg_pass_id = 'pass:shopify:71' ORDER BY mg_id;
INSERT INTO bare.credit_transactions VALUES (3, 71, '1.5', 'gift', '2025-01-03');
\set VERBOSITY default
CALL mega_import('bare');
\set VERBOSITY terse
SELECT count(*) FROM mega_generations WHERE mg_pass_id = 'pass:shopify:71';
DELETE FROM bare.credit_transactions WHERE id = 3;
-- A unique key of somebody's: that row is set aside, the batch goes on.
CREATE UNIQUE INDEX mine ON mega_generations (mg_prompt) WHERE mg_prompt IS NOT NULL;
INSERT INTO old_shop.generations VALUES ('h1', '1', 'twice', NULL, NULL, '2025-01-02Z', NULL), ('h2', '2', 'twice', NULL, NULL, '2025-01-02Z', NULL), ('h3', '3', 'once', NULL, NULL, '2025-01-02Z', NULL);
CREATE UNIQUE INDEX mine_too ON mega_generations (mg_source) WHERE mg_source <> 'import';
CREATE VIEW bare.generations AS SELECT * FROM old_shop.generations;
ALTER TABLE bare.credit_transactions ADD source text;
INSERT INTO bare.credit_transactions VALUES (4, 71, '1', 'gift', '2025-01-04', 'twice'), (5, 71, '2', 'gift', '2025-01-05', 'twice'), (6, 72, '3', 'gift', '2025-01-06', 'once');
CALL mega_import('bare') \gset
SELECT t.key, m.key AS why, m.value FROM jsonb_each(:'report'::jsonb -> 'tables') t, jsonb_each(t.value -> 'refused') m ORDER BY 1, 2;
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_shopify_customer_id IN ('71', '72') ORDER BY 1;
SELECT mg_id FROM mega_generations WHERE mg_prompt IN ('twice', 'once') ORDER BY 1;
SELECT * FROM mega_reconcile_credits();
DROP INDEX mine, mine_too;
-- Whoever may import still needs to read what is read, and all of it.
CREATE ROLE regress_mega_mover;
SELECT mega_grant('regress_mega_mover', 'admin');
SET ROLE regress_mega_mover;
\set VERBOSITY sqlstate
CALL mega_import('old_shop');
\set VERBOSITY terse
RESET ROLE;
GRANT USAGE ON SCHEMA old_shop TO regress_mega_mover;
GRANT SELECT ON old_shop.customers, old_shop.generations, old_shop.admin_audit TO regress_mega_mover;
SET ROLE regress_mega_mover;
CALL mega_import('old_shop');
SELECT * FROM mega_parity_counts('old_shop');
RESET ROLE;
GRANT SELECT ON old_shop.credit_transactions TO regress_mega_mover;
ALTER TABLE old_shop.generations ENABLE ROW LEVEL SECURITY;
SET ROLE regress_mega_mover;
CALL mega_import('old_shop');
SELECT * FROM mega_parity_counts('old_shop');
RESET ROLE;
ALTER TABLE old_shop.generations DISABLE ROW LEVEL SECURITY;
SET ROLE regress_mega_mover;
CALL mega_import('old_shop', tables => '{admin_audit,generations}') \gset
SELECT t.key, t.value -> 'read' AS read, t.value -> 'there' AS there, t.value -> 'written' AS written FROM jsonb_each(:'report'::jsonb -> 'tables') t ORDER BY 1;
RESET ROLE;
DROP OWNED BY regress_mega_mover;
DROP ROLE regress_mega_mover;
DROP SCHEMA old_shop, bare CASCADE;

-- Days begin at midnight in UTC, before the year 2000 and before the first one, too; both ways of counting them agree.
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, created_at timestamptz);
CREATE TABLE old_shop.sessions (id text PRIMARY KEY, shopify_customer_id text, created_at timestamptz);
INSERT INTO old_shop.sessions SELECT 'parity-day-' || n, '7701', at FROM unnest('{1999-12-31 23:59:59.999999Z,2000-01-01 00:00Z,1970-01-01 00:00Z,1969-12-31 23:59Z,0044-03-15 00:00Z BC,0044-03-15 23:59Z BC,-infinity,infinity,2999-01-01Z,NULL}'::timestamptz[]) WITH ORDINALITY a(at, n);
CALL mega_import('old_shop') \gset
SET timezone = 'Asia/Tokyo';
SELECT * FROM mega_parity_counts('old_shop');
DELETE FROM old_shop.sessions WHERE id IN ('parity-day-2', 'parity-day-5');
INSERT INTO old_shop.sessions SELECT 'parity-day-more-' || n, '7701', at FROM unnest('{2000-01-01 23:59Z,0044-03-15 12:00Z BC}'::timestamptz[]) WITH ORDINALITY a(at, n);
SELECT * FROM mega_parity_counts('old_shop');
RESET timezone;
DROP SCHEMA old_shop CASCADE;
