-- Moving in from tables of other shapes, and from such as change their shape: keys that nothing keeps unique, columns that
-- are dropped, rows that change hands, times without a zone, tables by themselves.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, user_id uuid, email text, credits int DEFAULT 0, expires_at timestamptz, last_active timestamptz, disabled bool, meta jsonb, created_at timestamptz DEFAULT '2025-01-01', plan text);
CREATE TABLE old_shop.credit_transactions (id text, shopify_customer_id text, delta int, reason text, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.sessions (id text, shopify_customer_id text, title text, meta jsonb, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.app_config (key text, value jsonb, updated_by text, updated_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.profiles (user_id uuid, email text, shopify_customer_id text, created_at timestamptz DEFAULT '2025-01-01');

-- Several rows have one key: the first that came stays, and every call says the same of the others.
INSERT INTO old_shop.customers (shopify_customer_id, email, credits, meta, created_at) VALUES ('1', 'one@example.com', 3, '{"a": 1}', '2025-01-01'), ('1', 'uno@example.com', 4, '{"a": 2, "b": 2}', '2025-01-02'), (NULL, NULL, 1, NULL, '2025-01-01'), ('anonymous', NULL, 2, NULL, '2025-01-01');
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta, created_at) VALUES ('t', '1', 1, '2025-01-01'), ('t', '1', 2, '2025-01-02'), ('t', 'anonymous', 3, '2025-01-01');
INSERT INTO old_shop.sessions (id, shopify_customer_id, title) VALUES ('s', '1', 'a'), ('s', '1', 'b'), ('s', '2', 'c'), ('s1', '1', 'd');
INSERT INTO old_shop.app_config (key, value) VALUES ('k', '1'), ('k', '2');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, brought, refused FROM pg_temp.counts(:'report');
CREATE TEMP TABLE before AS SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a;
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, brought, refused FROM pg_temp.counts(:'report');
CALL mega_import('old_shop', batch_size => 1) \gset
SELECT name, read, written, there, changed, brought, refused FROM pg_temp.counts(:'report');
SELECT count(*) AS changed FROM (SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a EXCEPT SELECT row FROM before) x;
-- A customer's rows of one key are one: each counts, and when one of them changes he is brought.
UPDATE old_shop.customers SET credits = 5, email = 'due@example.com' WHERE email = 'uno@example.com';
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, brought FROM pg_temp.counts(:'report') WHERE name = 'customers';
SELECT mg_pass_id, mg_email, mg_credits, mg_meta - 'mega' AS meta FROM mega_customers ORDER BY 1;
SELECT mg_detail ->> 'table' AS name, mg_detail ->> 'reason' AS reason, mg_detail -> 'row' ->> 'title' AS title FROM mega_admin_audits(action => 'import_refused') ORDER BY mg_detail ->> 'table', mg_detail -> 'row' ->> 'title';

-- What a merge brought together: his own row says who he is, and no row of the other's is new.
TRUNCATE old_shop.customers, old_shop.credit_transactions, old_shop.sessions, old_shop.app_config;
INSERT INTO old_shop.customers (shopify_customer_id, email, credits) VALUES ('5', 'five@example.com', 5), ('6', 'six@example.com', 6);
CALL mega_import('old_shop') \gset
SELECT mg_credits FROM mega_merge_customers('pass:shopify:5', 'pass:shopify:6');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, brought FROM pg_temp.counts(:'report') WHERE name = 'customers';
UPDATE old_shop.customers SET email = 'new.' || email, credits = credits + 1;
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, brought FROM pg_temp.counts(:'report') WHERE name = 'customers';
SELECT mg_pass_id, mg_email, mg_credits FROM mega_customers WHERE mg_pass_id IN ('pass:shopify:5', 'pass:shopify:6') ORDER BY 1;

-- A column that is dropped takes nothing with it.
INSERT INTO old_shop.customers (shopify_customer_id, user_id, email, disabled, meta, plan) VALUES ('7', pg_temp.id(7), 'seven@example.com', true, '{"a": 1}', 'pro');
INSERT INTO old_shop.sessions (id, shopify_customer_id, title, meta) VALUES ('s7', '7', 'a title', '{"b": 1}');
INSERT INTO old_shop.profiles (user_id, email) VALUES (pg_temp.id(7), 'seven@example.com');
CALL mega_import('old_shop') \gset
ALTER TABLE old_shop.customers DROP COLUMN email, DROP COLUMN disabled, DROP COLUMN meta, DROP COLUMN user_id;
ALTER TABLE old_shop.sessions DROP COLUMN title, DROP COLUMN meta;
ALTER TABLE old_shop.profiles DROP COLUMN email;
UPDATE old_shop.customers SET plan = 'max' WHERE shopify_customer_id = '7';
CALL mega_import('old_shop') \gset
SELECT name, read, there, changed, brought FROM pg_temp.counts(:'report') WHERE name IN ('customers', 'sessions', 'profiles');
SELECT mg_user_id, mg_email, mg_disabled, mg_meta - 'mega' AS meta FROM mega_customers WHERE mg_pass_id = 'pass:shopify:7';
SELECT mg_title, mg_meta - 'mega' AS meta, mg_payload FROM mega_generations WHERE mg_id = 'session:s7';
SELECT mg_email, mg_payload FROM mega_admin WHERE mg_id = 'profile:' || pg_temp.id(7);
CALL mega_import('old_shop', batch_size => 1) \gset
SELECT name, read, there, changed, brought FROM pg_temp.counts(:'report') WHERE name IN ('customers', 'sessions', 'profiles');

-- A row that changes hands stays whose it is, and every call says so; what else changes is brought.
ALTER TABLE old_shop.sessions ADD COLUMN title text;
UPDATE old_shop.sessions SET shopify_customer_id = '6', title = 'another title' WHERE id = 's7';
CALL mega_import('old_shop') \gset
SELECT name, read, there, changed, brought FROM pg_temp.counts(:'report') WHERE name = 'sessions';
CALL mega_import('old_shop') \gset
SELECT name, read, there, changed, brought FROM pg_temp.counts(:'report') WHERE name = 'sessions';
SELECT :'report'::jsonb #> '{tables,sessions,differing}' AS differing;
SELECT mg_pass_id, mg_title FROM mega_generations WHERE mg_id = 'session:s7';
UPDATE old_shop.sessions SET shopify_customer_id = '7' WHERE id = 's7';
CALL mega_import('old_shop') \gset
SELECT name, read, there, changed, brought FROM pg_temp.counts(:'report') WHERE name = 'sessions';

-- He was seen last when any of his keys was; minus infinity is never.
INSERT INTO old_shop.customers (shopify_customer_id, credits, last_active, created_at) VALUES ('8', 0, '2025-01-03', '2025-01-01'), ('gid://shopify/Customer/8', 0, '2025-02-03', '2025-01-02'), ('9', 0, '-infinity', '2025-01-01');
CALL mega_import('old_shop') \gset
SELECT m.key AS mended, m.value AS what FROM jsonb_each(:'report'::jsonb #> '{tables,customers,mended}') m ORDER BY 1;
SELECT mg_pass_id, mg_last_active FROM mega_customers WHERE mg_pass_id IN ('pass:shopify:8', 'pass:shopify:9') ORDER BY 1;

-- A customer's balance goes by his row and his credit rows: they come together, whichever of the tables is asked for.
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('10', 10), ('11', 5);
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('c10', '10', 4), ('c11', '11', 5);
CALL mega_import('old_shop', tables => '{customers}') \gset
SELECT name, written FROM pg_temp.counts(:'report');
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('d10', '10', 6);
CALL mega_import('old_shop', tables => '{credit_transactions}') \gset
SELECT name, written FROM pg_temp.counts(:'report');
SELECT mg_id, mg_delta FROM mega_generations WHERE mg_pass_id IN ('pass:shopify:10', 'pass:shopify:11') ORDER BY 1;
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id IN ('pass:shopify:10', 'pass:shopify:11') ORDER BY 1;
SELECT * FROM mega_reconcile_credits();

-- A time without a zone is of UTC, however it is written and whatever the session's zone is.
DROP SCHEMA old_shop CASCADE;
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.sessions (id text PRIMARY KEY, created_at text, updated_at date);
INSERT INTO old_shop.sessions VALUES ('z1', '2025-01-01 23:30:00', '0044-03-15 BC'), ('z2', '2025-01-01T23:30:00.5', '20000-01-01'), ('z3', '2025-01-01 23:30+05', '2025-01-02'), ('z4', '2025-01-01', 'infinity');
SET timezone = 'America/New_York';
CALL mega_import('old_shop') \gset
SET timezone = 'UTC';
SELECT mg_id, mg_created_at, mg_updated_at FROM mega_generations WHERE mg_id ~ '^session:z' ORDER BY 1;
SELECT * FROM mega_parity_counts('old_shop') ORDER BY 1;
SELECT * FROM mega_parity_sample('old_shop');
DROP SCHEMA old_shop CASCADE;

-- Credits without a column that says whose they are, are nobody's, with a warning; a table without its key is refused. It can
-- be left out, or a view has what is missing.
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, credits int, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.credit_transactions (id text, customer_id text, delta int, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.app_config (name text, value jsonb);
INSERT INTO old_shop.customers VALUES ('12', 7);
INSERT INTO old_shop.credit_transactions VALUES ('c12', '12', 7);
\set VERBOSITY default
\set SHOW_CONTEXT never
CALL mega_import('old_shop', tables => '{customers}') \gset
SELECT name, written FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_delta FROM mega_generations WHERE mg_id = 'credit_transaction:c12';
CREATE SCHEMA old_views;
CREATE VIEW old_views.customers AS TABLE old_shop.customers;
CREATE VIEW old_views.credit_transactions AS SELECT 'c13' AS id, customer_id AS shopify_customer_id, delta, created_at FROM old_shop.credit_transactions;
CREATE VIEW old_views.app_config AS TABLE old_shop.app_config;
CALL mega_import('old_views');
CALL mega_import('old_views', tables => '{customers, app_config}');
CALL mega_import('old_views', tables => '{customers, sessions}');
CALL mega_import('old_views', tables => '{customers}') \gset
SELECT name, written FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_delta FROM mega_generations WHERE mg_id = 'credit_transaction:c13';
DROP SCHEMA old_views, old_shop CASCADE;
