-- Moving in: what a balance is made of.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, user_id uuid, credits int, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.credit_transactions (id text, shopify_customer_id text, delta int, reason text, ref_type text, ref_id text, created_at timestamptz DEFAULT '2025-01-01');

-- Credits that legacy does not say take nothing: the balance is that of the rows, and of what came before. Where another of
-- the customer's rows says something, he has that at least.
INSERT INTO old_shop.customers (shopify_customer_id, user_id, credits) VALUES ('101', NULL, 70), ('102', NULL, NULL), ('103', NULL, 40), ('gid://shopify/Customer/103', NULL, NULL), ('104', NULL, 5), ('gid://shopify/Customer/104', NULL, NULL);
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('a1', '101', 50), ('a2', '102', 30), ('a3', '103', 30), ('a4', '104', 5), ('b4', 'gid://shopify/Customer/104', 30), ('a5', '105', -3);
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
SELECT mg_credits FROM mega_record_credit('pass:shopify:101', 7, 'gift', txn_id => 'live-101');
ALTER TABLE old_shop.customers DROP COLUMN credits;
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('c2', '102', -4);
INSERT INTO old_shop.customers (shopify_customer_id) VALUES ('105');
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
ALTER TABLE old_shop.customers ADD COLUMN credits int;
UPDATE old_shop.customers SET credits = 31 WHERE shopify_customer_id = '102';
CALL mega_import('old_shop') \gset
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
SELECT * FROM mega_reconcile_credits();
DROP SCHEMA old_shop CASCADE;
