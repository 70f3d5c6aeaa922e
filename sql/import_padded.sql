-- Moving in from tables with columns of char(n): a value is its text without the padding, in keys, look-ups and payloads.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
CREATE DOMAIN old_shop.code AS char(10);
CREATE TABLE old_shop.customers (shopify_customer_id char(20) PRIMARY KEY, user_id char(40), email char(30), credits int, disabled char(8), meta char(20), created_at char(30) DEFAULT '2025-01-01', "the@plan" char(6), tags char(4)[]);
CREATE TABLE old_shop.credit_transactions (id char(12) PRIMARY KEY, shopify_customer_id char(40), delta int, reason char(10), source old_shop.code, ref_type old_shop.code, ref_id char(20), created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.sessions (id char(12) PRIMARY KEY, shopify_customer_id char(20), title char(10), created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.generations (id char(12) PRIMARY KEY, session_id char(36), prompt char(20), meta json, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.feedback (id char(12), shopify_customer_id char(20), generation_id char(20), comment char(20), created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.app_config (key char(12) PRIMARY KEY, value char(12), updated_at timestamptz DEFAULT '2025-01-01');
INSERT INTO old_shop.customers VALUES ('1', pg_temp.id(1)::text, 'One@example.com', 50, 'false', '', DEFAULT, 'pro', '{a,b}'), ('2', '', '', 0, 'yes', 'x', DEFAULT, NULL, NULL), ('3', pg_temp.id(1)::text, 'one@example.com', 0, '', NULL, DEFAULT, NULL, NULL);
INSERT INTO old_shop.credit_transactions VALUES ('a', '1', 50, 'purchase', 'web', 'order', '7001'), ('b', '2', 5, 'purchase', '', 'order', '7001'), ('c', 'undefined', 1, ' lead', NULL, NULL, NULL);
INSERT INTO old_shop.sessions VALUES ('s', '1', 'a title'), ('', '1', 'none');
INSERT INTO old_shop.generations VALUES ('g', 's', 'a prompt', '{"a": "\u0000"}'), ('h', 'of nobody', '', NULL);
INSERT INTO old_shop.feedback VALUES ('f', '1', 'g', 'good'), ('f', '1', 'g', 'better');
INSERT INTO old_shop.app_config VALUES ('k', 'v');
CALL mega_import('old_shop', mapping => '{"purchase": "topup"}') \gset
SELECT name, read, written, mended, refused FROM pg_temp.counts(:'report');
SELECT e AS one_person FROM jsonb_array_elements(:'report'::jsonb #> '{persons,examples}') e;
SELECT mg_pass_id, mg_shopify_customer_id, mg_user_id, mg_email, mg_disabled, mg_credits, mg_meta - 'mega' AS meta FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_pass_id, mg_reason, mg_source, mg_ref_type, mg_ref_id, mg_session_id, mg_generation_id FROM mega_generations WHERE mg_reason IS DISTINCT FROM 'opening' ORDER BY 1;
SELECT mg_id, mg_payload FROM mega_generations WHERE mg_id IN ('credit_transaction:a', 'generation:g', 'session:s') ORDER BY 1;
SELECT mg_id, mg_value, mg_payload FROM mega_admin WHERE mg_record_type = 'app_config';
SELECT mg_detail ->> 'table' AS name, mg_detail ->> 'id' AS id, mg_detail ->> 'reason' AS reason FROM mega_admin_audits(action => 'import_refused') ORDER BY 1;

-- A webhook that comes again is a replay.
SELECT mg_id, mg_credits, replayed FROM mega_record_credit('pass:shopify:1', 50, 'topup', ref_type => 'order', ref_id => '7001');

-- What is there stays, what is new is found, and both sides are the same.
CALL mega_import('old_shop', mapping => '{"purchase": "topup"}') \gset
SELECT name, read, written, there, changed FROM pg_temp.counts(:'report');
INSERT INTO old_shop.credit_transactions VALUES ('d', '1', 2, 'gift');
UPDATE old_shop.customers SET credits = 52 WHERE shopify_customer_id = '1';
UPDATE old_shop.sessions SET title = 'another' WHERE id = 's';
CALL mega_import('old_shop', mapping => '{"purchase": "topup"}') \gset
SELECT name, read, written, there, changed, brought FROM pg_temp.counts(:'report');
SELECT mg_id, mg_title FROM mega_generations WHERE mg_id = 'session:s';
SELECT * FROM mega_parity_counts('old_shop') ORDER BY 1, 2;
SELECT * FROM mega_parity_sample('old_shop');
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;
DROP SCHEMA old_shop CASCADE;
