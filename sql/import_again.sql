-- Moving in again: what an import brought is told by a digest of its row and not read again; what is new or changed is, with
-- all that its customer has.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
CREATE TYPE old_shop.colour AS ENUM ('red', 'green');
CREATE DOMAIN old_shop.short AS text;
CREATE TABLE old_shop.customers (shopify_customer_id text, user_id uuid, email text, credits int DEFAULT 0, created_at timestamptz DEFAULT '2025-01-01', "Odd column" text);
CREATE TABLE old_shop.credit_transactions (id bigint, shopify_customer_id text, delta int, reason text, ref_type text, ref_id text, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.sessions (id uuid, shopify_customer_id varchar, title text, created_at timestamptz DEFAULT '2025-01-01', f float8, r real, n numeric, b bytea, i interval, t time, d date, ts timestamp, j json, jb jsonb, a int[], c old_shop.colour, s old_shop.short, ch char(5), o bool, at timestamptz);
CREATE TABLE old_shop.generations (id text, session_id uuid, shopify_customer_id text, prompt text, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.app_config (key text, value jsonb, updated_at timestamptz DEFAULT '2025-01-01');
INSERT INTO old_shop.customers SELECT n::text, pg_temp.id(n), 'p' || n || '@example.com', 3, '2025-01-01', 'x' FROM generate_series(101, 103) n;
INSERT INTO old_shop.credit_transactions SELECT n * 10, n::text, 3, 'gift', 'order', n::text FROM generate_series(101, 103) n;
INSERT INTO old_shop.sessions SELECT pg_temp.id(n), '101', 'a', '2025-01-01', 0.30000000000000004, 1.5, 1.10, '\x01ff', '1 mon', '10:00', '2025-02-01', '2025-02-01 10:00', '{"b": 1, "a": 2}', '{"a": [1, 2]}', '{1,2}', 'red', 'short', 'ab', true, '2025-02-01 10:00Z' FROM generate_series(1, 20) n;
INSERT INTO old_shop.generations VALUES ('g1', pg_temp.id(1), NULL, 'a bottle'), ('g2', NULL, '102', 'a glass');
INSERT INTO old_shop.app_config VALUES ('style', '{"a": 1}');
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');

-- No setting of the session makes another digest: were these rows read, their payloads would tell that they changed.
SET session_replication_role = replica;
UPDATE mega_generations SET mg_payload = '{}' WHERE mg_source_system = 'legacy';
RESET session_replication_role;
SET timezone = 'Asia/Dubai';
SET datestyle = 'German';
SET intervalstyle = 'iso_8601';
SET bytea_output = 'escape';
SET extra_float_digits = -5;
CALL mega_import('old_shop', batch_size => 1) \gset
SELECT name, read, written, there, changed FROM pg_temp.counts(:'report');
SET timezone = 'UTC';
RESET datestyle;
SET intervalstyle = 'postgres';
RESET bytea_output;
RESET extra_float_digits;
-- What was brought by an import that noted no digest, or another one, is compared.
SET session_replication_role = replica;
UPDATE mega_generations g SET mg_payload = to_jsonb(l) || jsonb_build_object('ch', l.ch::text) FROM old_shop.sessions l WHERE g.mg_id = 'session:' || l.id;
UPDATE mega_generations g SET mg_meta = jsonb_set(mg_meta, '{mega,import,digest}', '"older"') FROM old_shop.sessions l WHERE g.mg_id = 'session:' || l.id AND l.id > pg_temp.id(17);
UPDATE mega_generations g SET mg_payload = to_jsonb(l), mg_meta = mg_meta #- '{mega,import,digest}' FROM old_shop.generations l WHERE g.mg_id = 'generation:' || l.id;
UPDATE mega_generations g SET mg_payload = to_jsonb(l), mg_meta = mg_meta #- '{mega,import,digest}' FROM old_shop.credit_transactions l WHERE g.mg_id = 'credit_transaction:' || l.id;
RESET session_replication_role;
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed FROM pg_temp.counts(:'report');

-- A value of each type changes, one in each row: each is seen, and brought, and then nothing is new.
UPDATE old_shop.sessions SET title = 'b' WHERE id = pg_temp.id(1);
UPDATE old_shop.sessions SET f = 0.3 WHERE id = pg_temp.id(2);
UPDATE old_shop.sessions SET r = 1.6 WHERE id = pg_temp.id(3);
UPDATE old_shop.sessions SET n = 1.11 WHERE id = pg_temp.id(4);
UPDATE old_shop.sessions SET b = '\x01fe' WHERE id = pg_temp.id(5);
UPDATE old_shop.sessions SET i = '30 days' WHERE id = pg_temp.id(6);
UPDATE old_shop.sessions SET t = '10:01' WHERE id = pg_temp.id(7);
UPDATE old_shop.sessions SET d = '2025-02-02' WHERE id = pg_temp.id(8);
UPDATE old_shop.sessions SET ts = '2025-02-01 10:01' WHERE id = pg_temp.id(9);
UPDATE old_shop.sessions SET j = '{"b": 1, "a": 3}' WHERE id = pg_temp.id(10);
UPDATE old_shop.sessions SET jb = '{"a": [2, 1]}' WHERE id = pg_temp.id(11);
UPDATE old_shop.sessions SET a = '{{1,2}}' WHERE id = pg_temp.id(12);
UPDATE old_shop.sessions SET c = 'green' WHERE id = pg_temp.id(13);
UPDATE old_shop.sessions SET s = 'SHORT' WHERE id = pg_temp.id(14);
UPDATE old_shop.sessions SET ch = 'AB' WHERE id = pg_temp.id(15);
UPDATE old_shop.sessions SET o = NULL WHERE id = pg_temp.id(16);
UPDATE old_shop.sessions SET at = '2025-02-01 10:01Z' WHERE id = pg_temp.id(17);
UPDATE old_shop.app_config SET value = '{"a": 2}';
UPDATE old_shop.customers SET "Odd column" = 'y' WHERE shopify_customer_id = '102';
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, brought FROM pg_temp.counts(:'report');
SELECT mg_meta - 'mega' AS meta FROM mega_customers WHERE mg_pass_id = 'pass:shopify:102';
SELECT l.id AS not_brought FROM mega_generations g JOIN old_shop.sessions l ON g.mg_id = 'session:' || l.id WHERE g.mg_payload <> to_jsonb(l) || jsonb_build_object('ch', l.ch::text);
SET session_replication_role = replica;
UPDATE mega_generations SET mg_payload = '{}' WHERE mg_record_type = 'session';
UPDATE mega_admin SET mg_payload = '{}' WHERE mg_id = 'app_config:style';
RESET session_replication_role;
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed FROM pg_temp.counts(:'report');
SET session_replication_role = replica;
UPDATE mega_generations g SET mg_payload = to_jsonb(l) || jsonb_build_object('ch', l.ch::text) FROM old_shop.sessions l WHERE g.mg_id = 'session:' || l.id;
UPDATE mega_admin g SET mg_payload = to_jsonb(l) FROM old_shop.app_config l WHERE g.mg_id = 'app_config:' || l.key;
RESET session_replication_role;

-- Few new rows: of another spelling of a known key, of nobody, of a customer of whom nothing was there, with a reference that
-- another row has; of a session by whom its generation is.
INSERT INTO old_shop.customers VALUES ('gid://shopify/Customer/103', NULL, NULL, 4);
INSERT INTO old_shop.credit_transactions VALUES (1, '103', 1, 'gift', 'order', '101'), (2, NULL, 2, 'gift', 'order', '2'), (3, '104', 5, 'gift', 'order', '2'), (4, '104', 0, 'gift', NULL, NULL), (NULL, '104', 1, 'gift', NULL, NULL);
INSERT INTO old_shop.generations VALUES ('g3', pg_temp.id(2), NULL, 'a cup');
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_pass_id, mg_delta, mg_ref_id, mg_meta - 'mega' AS meta FROM mega_generations WHERE mg_id ~ '^(credit_transaction:[0-9]$|generation:g3)' ORDER BY 1;
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, refused FROM pg_temp.counts(:'report');
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;
SELECT * FROM mega_reconcile_credits();
DROP SCHEMA old_shop CASCADE;

-- Settings of the session and of the database: text is a time as it stands in whatever order its days are written, types that
-- identify nothing are not doubled, and a row with a secret is brought again when it changes; no report tells the secret.
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, email text, created_at text DEFAULT '03/04/2025 10:00');
CREATE TABLE old_shop.credit_transactions (id bigint, shopify_customer_id text, delta int, reason text, ref_type text, ref_id text, created_at text DEFAULT '03/04/2025 10:00');
CREATE TABLE old_shop.generations (id text, shopify_customer_id text, prompt text, created_at text DEFAULT '03/04/2025 10:00');
CREATE TABLE old_shop.app_config (key text, value jsonb, updated_at text DEFAULT '03/04/2025 10:00');
INSERT INTO old_shop.customers VALUES ('201', 'a@example.com');
INSERT INTO old_shop.credit_transactions SELECT n, '201', 3, 'manual', 'admin', 'admin-7' FROM generate_series(301, 303) n;
INSERT INTO old_shop.generations VALUES ('h1', '201', 'like https://a.example/x.png?X-Amz-Signature=hush'), ('h2', '201', 'like https://a.example/x.png?X-Amz-Signature=hush');
INSERT INTO old_shop.app_config VALUES ('store', '{"url": "https://u:hush@a.example/x"}'), ('logo', '{"url": "/object/sign/b/a.png?token=hush"}');
SET mega.unkeyed_ref_types = 'admin';
SELECT count(*) > 0 AS installed FROM mega_install();
SET datestyle = 'SQL, DMY';
CALL mega_import('old_shop') \gset
RESET datestyle;
SELECT * FROM pg_temp.counts(:'report');
SELECT mg_id, mg_ref_type, mg_ref_id, mg_created_at FROM mega_generations WHERE mg_pass_id = 'pass:shopify:201' AND mg_reason = 'manual' ORDER BY 1;
SET datestyle = 'German';
SELECT count(*) AS differing FROM mega_parity_sample('old_shop');
RESET datestyle;
UPDATE old_shop.generations SET prompt = prompt || ' but warmer';
UPDATE old_shop.app_config SET value = value || '{"n": 1}';
UPDATE mega_generations SET mg_title = 'mine', mg_prompt = 'mine' WHERE mg_id = 'generation:h2';
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, brought, refused FROM pg_temp.counts(:'report');
SELECT :'report' ~ 'hush' AS tells, :'report' ~ 'REDACTED' AS cut;
SELECT mg_id, mg_prompt FROM mega_generations WHERE mg_id ~ '^generation:h' ORDER BY 1;
SELECT mg_value FROM mega_admin WHERE mg_id IN ('app_config:store', 'app_config:logo') ORDER BY mg_id;
RESET mega.unkeyed_ref_types;
SELECT count(*) > 0 AS installed FROM mega_install();
-- Whom mega knew before: what legacy has otherwise is told, at first and whenever it changes, and not brought.
TRUNCATE old_shop.customers, old_shop.credit_transactions;
SELECT created FROM mega_ensure_customer('pass:test:live', shopify_customer_id => '120', email => 'live@example.com');
INSERT INTO old_shop.customers (shopify_customer_id, email) VALUES ('120', 'old@example.com');
CALL mega_import('old_shop', tables => '{customers}') \gset
SELECT :'report'::jsonb #> '{tables,customers,differing}' AS differing;
CALL mega_import('old_shop', tables => '{customers}') \gset
SELECT :'report'::jsonb #> '{tables,customers,differing}' AS differing;
UPDATE old_shop.customers SET email = NULL;
CALL mega_import('old_shop', tables => '{customers}') \gset
SELECT :'report'::jsonb #> '{tables,customers,differing}' AS differing;
UPDATE old_shop.customers SET email = 'older@example.com';
CALL mega_import('old_shop', tables => '{customers}') \gset
SELECT :'report'::jsonb #> '{tables,customers,differing}' AS differing, mg_email FROM mega_customers WHERE mg_pass_id = 'pass:test:live';
CALL mega_import('old_shop', tables => '{customers}') \gset
SELECT :'report'::jsonb #> '{tables,customers,differing}' AS differing;
DROP SCHEMA old_shop CASCADE;
