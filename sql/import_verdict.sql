-- Moving in: what jsonb does not take, and what a verdict goes by.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
-- A json document with \u0000, half a surrogate pair or a number beyond numeric is kept as its text; one that only looks so is not.
CREATE DOMAIN old_shop.document AS json;
CREATE TABLE old_shop.customers (shopify_customer_id text PRIMARY KEY, email text, credits int, meta json, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.generations (id text PRIMARY KEY, shopify_customer_id text, meta old_shop.document, "More" json, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.app_config (key text PRIMARY KEY, value json, updated_at timestamptz DEFAULT '2025-01-01');
INSERT INTO old_shop.customers VALUES ('1', 'one@example.com', 0, '{"a": "\u0000"}'), ('2', NULL, 0, '{"a": "\\u0000"}');
INSERT INTO old_shop.generations VALUES ('g1', '1', '{"a": "\ud83d\ude00", "b": "\\\\\ud83d\ude00"}', NULL), ('g2', '1', '{"a": "\ud83d"}', NULL), ('g3', '1', '{"a": "\\\u0000"}', NULL), ('g4', '1', '{"a": 1e200000}', NULL),
    ('g5', '1', '{"a": "7e200000", "b": "\"1e200000"}', '"\u0000 https://b.s3.amazonaws.com/k.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=5f0c2b"'),
    ('g7', '1', NULL, '"\u0000 https:\/\/b.s3.amazonaws.com\/k.png?X-Amz-Algorithm=AWS4-HMAC-SHA256\u0026X-Amz-Signature=5f0c2b"');
INSERT INTO old_shop.app_config VALUES ('text', '"abc"'), ('digits', '"12"'), ('number', '12'), ('null', 'null'), ('list', '[1, "a"]'), ('bad', '"\u0000"');
CALL mega_import('old_shop') \gset
SELECT name, read, written, mended FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_meta - 'mega' AS meta FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_meta - 'mega' AS meta, mg_payload -> 'More' AS more FROM mega_generations ORDER BY 1;
SELECT mg_id, mg_value FROM mega_admin WHERE mg_record_type = 'app_config' ORDER BY 1;
SELECT * FROM mega_parity_sample('old_shop');
CALL mega_import('old_shop') \gset
SELECT name, read, there, changed FROM pg_temp.counts(:'report');
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;

-- What was refused and came since does not stand for what is missing.
CREATE TABLE old_shop.sessions (id text PRIMARY KEY, shopify_customer_id text, title text, created_at timestamptz DEFAULT '2025-01-01');
ALTER TABLE mega_generations ADD CONSTRAINT no_bad_title CHECK (mg_title <> 'bad');
INSERT INTO old_shop.sessions SELECT 's' || n, '2', 'bad' FROM generate_series(1, 3) n;
CALL mega_import('old_shop') \gset
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;
ALTER TABLE mega_generations DROP CONSTRAINT no_bad_title;
CALL mega_import('old_shop') \gset
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;
INSERT INTO old_shop.sessions SELECT 't' || n, '2', 'good' FROM generate_series(1, 2) n;
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('3', 0);
SELECT mega_parity_report('old_shop') ->> 'verdict' LIKE '%: 3 in counts,%' AS missing;
CALL mega_import('old_shop') \gset
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;

-- Customers who were erased are left out on both sides.
CREATE TABLE old_shop.credit_transactions (id text PRIMARY KEY, shopify_customer_id text, delta int, created_at timestamptz DEFAULT '2025-01-01');
SELECT mg_pass_id FROM mega_erase_customer('pass:shopify:1');
UPDATE old_shop.customers SET credits = 5, email = 'again@example.com' WHERE shopify_customer_id = '1';
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('c1', '1', 5), ('c2', '2', 1);
UPDATE old_shop.customers SET credits = 1 WHERE shopify_customer_id = '2';
INSERT INTO old_shop.sessions (id, shopify_customer_id) VALUES ('late', '1');
CALL mega_import('old_shop') \gset
SELECT r ->> 'verdict' AS verdict, r -> 'credits' AS credits FROM mega_parity_report('old_shop') r;

-- Where nothing keeps keys unique, the rows behind the first are refused: their kind is told, and no sample is held against them.
CREATE TABLE old_shop.feedback (id text, shopify_customer_id text, comment text, created_at timestamptz DEFAULT '2025-01-01');
INSERT INTO old_shop.feedback VALUES ('f', '2', 'a'), ('f', '2', 'b'), ('f1', '2', 'c');
CALL mega_import('old_shop') \gset
SELECT * FROM mega_parity_counts('old_shop') WHERE record_type = 'feedback';
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;

-- A row with the id of one that mega wrote stays refused, and is not taken for it.
UPDATE old_shop.customers SET credits = 4 WHERE shopify_customer_id = '3';
CALL mega_import('old_shop') \gset
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('opening:pass:shopify:3:1', '3', 4);
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, refused FROM pg_temp.counts(:'report') WHERE name = 'credit_transactions';
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;

-- Refused is what a refusal that was kept tells of. A row that comes twice, word for word, is there once and was not refused.
INSERT INTO old_shop.feedback VALUES ('f1', '2', 'c');
CALL mega_import('old_shop') \gset
SELECT * FROM mega_parity_counts('old_shop') WHERE record_type = 'feedback';
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;
DELETE FROM old_shop.feedback WHERE id = 'f1';
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;
-- Nor does one stand for another: rows that never came, of each table.
CREATE SCHEMA second_shop;
CREATE TABLE second_shop.customers (shopify_customer_id text, credits int);
CREATE TABLE second_shop.credit_transactions (id text, shopify_customer_id text, delta int);
CREATE TABLE second_shop.sessions (id text);
CREATE TABLE second_shop.profiles (user_id text, email text);
CREATE TABLE second_shop.admin_audit (id text);
CALL mega_import('second_shop') \gset
INSERT INTO second_shop.customers VALUES (NULL, 0), (E'\x01', 0);
INSERT INTO second_shop.credit_transactions VALUES (NULL, '2', 1), ('n0', '2', 0);
INSERT INTO second_shop.sessions VALUES (NULL);
INSERT INTO second_shop.profiles VALUES (NULL);
INSERT INTO second_shop.admin_audit VALUES (NULL);
CALL mega_import('second_shop') \gset
SELECT mega_parity_report('second_shop') ->> 'verdict' AS verdict;
INSERT INTO second_shop.customers VALUES ('n1', 0);
INSERT INTO second_shop.credit_transactions VALUES ('n1', '2', 1);
INSERT INTO second_shop.sessions VALUES ('n1'), ('n1');
INSERT INTO second_shop.profiles VALUES (pg_temp.id(5));
INSERT INTO second_shop.admin_audit VALUES ('n1');
SELECT mega_parity_report('second_shop') ->> 'verdict' LIKE '%: 6 in counts,%' AS missing;
DROP SCHEMA second_shop CASCADE;

-- An id of a type that is cast otherwise than it is written is one id on both sides.
CREATE TYPE old_shop.number AS ENUM ('one', 'two', 'three', 'zero');
CREATE FUNCTION old_shop.written(old_shop.number) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'number ' || array_position(enum_range(NULL::old_shop.number), $1) $$;
CREATE CAST (old_shop.number AS text) WITH FUNCTION old_shop.written(old_shop.number);
DROP TABLE old_shop.customers, old_shop.credit_transactions, old_shop.sessions, old_shop.generations, old_shop.feedback, old_shop.app_config;
CREATE TABLE old_shop.customers (shopify_customer_id old_shop.number, credits int, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.credit_transactions (id old_shop.number, shopify_customer_id old_shop.number, delta int, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.sessions (id old_shop.number, shopify_customer_id text, title text, created_at timestamptz DEFAULT '2025-01-01');
INSERT INTO old_shop.customers VALUES ('one', 3), ('two', 0);
INSERT INTO old_shop.credit_transactions VALUES ('one', 'one', 1), ('two', 'one', 2), ('zero', 'two', 0);
INSERT INTO old_shop.sessions VALUES ('one', 'one', 'a'), ('one', 'one', 'b'), ('two', 'two', 'c');
CALL mega_import('old_shop') \gset
SELECT name, read, written, refused FROM pg_temp.counts(:'report');
SELECT mg_id FROM mega_generations WHERE mg_id ~ ':(one|two|number)' ORDER BY 1;
SELECT * FROM mega_parity_counts('old_shop');
SELECT * FROM mega_parity_sample('old_shop');
SELECT r ->> 'verdict' AS verdict, r -> 'credits' AS credits FROM mega_parity_report('old_shop') r;
INSERT INTO old_shop.sessions VALUES ('three', 'one', 'd');
SELECT mega_parity_report('old_shop') ->> 'verdict' LIKE '%: 1 in counts,%' AS missing;
DROP SCHEMA old_shop CASCADE;
