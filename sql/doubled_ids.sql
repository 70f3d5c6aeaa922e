-- Ids as keys where an adopted table does not let them be one: rows that share an id, customers that share an identity
-- keep the unique index out, and each key is held for what is new. In a database of its own.
\getenv tests PG_ABS_SRCDIR
\set answered :tests '/sql/shared/answered.psql'
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_doubled_ids TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_doubled_ids
SET client_min_messages = warning;
CREATE EXTENSION mega;
DROP EXTENSION mega CASCADE;
\set VERBOSITY sqlstate
\pset null NULL
\i :answered
-- a year old: every key is there twice
ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_pass_id_fkey, DROP CONSTRAINT mega_generations_pkey;
ALTER TABLE mega_admin DROP CONSTRAINT mega_admin_actor_pass_id_fkey, DROP CONSTRAINT mega_admin_pkey;
ALTER TABLE mega_customers DROP CONSTRAINT mega_customers_pkey;
DROP INDEX mega_customers_shopify_customer_id_key, mega_customers_user_id_key;
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_user_id) VALUES
    ('pass:test:a', NULL, NULL), ('pass:test:b', NULL, NULL), ('pass:test:twice', NULL, NULL), ('pass:test:twice', NULL, NULL),
    ('pass:shopify:7', 'anonymous', '00000000-0000-4000-8000-00000000000a'), ('pass:shopify:8', 'anonymous', '00000000-0000-4000-8000-00000000000a');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_status) VALUES
    ('credit_transaction:old', 'credit_transaction', 'pass:test:a', 5, 'order', 'succeeded'), ('credit_transaction:old', 'credit_transaction', 'pass:test:a', 6, 'order', 'succeeded');
-- an index of one's own that has a name of mega's
CREATE INDEX mega_customers_user_id ON mega_customers (mg_user_id, mg_created_at);
INSERT INTO mega_admin (mg_id, mg_record_type, mg_action) VALUES ('admin_audit:old', 'admin_audit', 'old'), ('admin_audit:old', 'admin_audit', 'old');
CREATE EXTENSION mega;
SELECT object, action, detail FROM mega_install();
SELECT indexdef FROM pg_indexes WHERE tablename ~ '^mega_' AND indexdef !~ 'gin|lower|WHERE \(\(' AND indexname ~ '(_id|_key|pkey)$' ORDER BY indexname;
SELECT object, offenders, example, action FROM mega_validate() WHERE object ~ '(pkey|_key|_fkey)$';

--
-- Customers: their own ids, Shopify ids, user ids; new rows and changed columns
--
SELECT what, pg_temp.answered(statement) FROM (VALUES
    ('row', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_user_id) VALUES ('pass:test:new', '1001', '00000000-0000-4000-8000-000000000001') RETURNING mg_pass_id$$),
    ('its pass id', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:new')$$),
    ('its Shopify id', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:other', '1001')$$),
    ('its Shopify id, spelt otherwise', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:other', ' 1001 ')$$),
    ('its user id', $$INSERT INTO mega_customers (mg_pass_id, mg_user_id) VALUES ('pass:test:other', '00000000-0000-4000-8000-000000000001')$$),
    ('twice in a statement', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:t1', '1002'), ('pass:test:t2', '1002')$$),
    ('nobody''s', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:n1', 'anonymous'), ('pass:test:n2', 'anonymous') RETURNING mg_shopify_customer_id$$),
    ('everybody gets one', $$UPDATE mega_customers SET mg_shopify_customer_id = '1003'$$),
    ('somebody gets his', $$UPDATE mega_customers SET mg_user_id = '00000000-0000-4000-8000-000000000001' WHERE mg_pass_id = 'pass:test:a'$$),
    ('his own again', $$UPDATE mega_customers SET mg_shopify_customer_id = ' 1001', mg_user_id = mg_user_id WHERE mg_pass_id = 'pass:test:new' RETURNING mg_shopify_customer_id$$),
    ('an old double is changed otherwise', $$UPDATE mega_customers SET mg_locale = 'de' WHERE mg_pass_id = 'pass:shopify:7' RETURNING mg_shopify_customer_id$$),
    ('ensure finds him', $$SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '1001')$$),
    ('ensure makes one', $$SELECT created FROM mega_ensure_customer(shopify_customer_id => '1004', user_id => '00000000-0000-4000-8000-000000000004')$$),
    ('and finds him', $$SELECT created FROM mega_ensure_customer(user_id => '00000000-0000-4000-8000-000000000004')$$),
    ('ensure, two people''s', $$SELECT created FROM mega_ensure_customer(shopify_customer_id => '1001', user_id => '00000000-0000-4000-8000-000000000004')$$),
    ('ensure of one who has a word for nobody', $$SELECT mg_pass_id FROM mega_ensure_customer('pass:shopify:8', shopify_customer_id => '1008')$$),
    ('and by it', $$SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '1008')$$),
    ('ensure of an old double', $$SELECT created FROM mega_ensure_customer(user_id => '00000000-0000-4000-8000-00000000000a')$$),
    ('credits of one who is there twice', $$SELECT mega_record_credit('pass:test:twice', 1, 'x')$$)) v(what, statement);
SELECT mg_shopify_customer_id, mg_user_id, count(*) FROM mega_customers WHERE mg_shopify_customer_id ~ '^1' OR mg_user_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;

--
-- Rows of the ledger: credits, generations, events, many; with and without a customer
--
SELECT what, pg_temp.answered(statement) FROM (VALUES
    ('row', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:1', 'pass:test:a', 5, 'x') RETURNING mg_delta$$),
    ('again', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:1', 'pass:test:b', 5, 'x')$$),
    ('twice in a statement', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:2', 'pass:test:b', 5, 'x'), ('credit_transaction:2', 'pass:test:b', 5, 'x')$$),
    ('function, of a row', $$SELECT replayed FROM mega_record_credit('pass:test:a', 5, 'x', txn_id => '1')$$),
    ('function', $$SELECT replayed FROM mega_record_credit('pass:test:a', 5, 'x', txn_id => '3')$$),
    ('again, another''s', $$SELECT replayed FROM mega_record_credit('pass:test:b', 5, 'x', txn_id => '3')$$),
    ('row, of a function', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:3', 'pass:test:a', 5, 'x')$$),
    ('generation', $$SELECT created FROM mega_create_generation('pass:test:a', 'g1')$$),
    ('another''s', $$SELECT created FROM mega_create_generation('pass:test:b', 'g1')$$),
    ('events', $$SELECT written, replayed FROM mega_record_mma_events('[{"pass_id": "pass:test:a", "event_type": "download", "event_id": "e1"}]')$$),
    ('events again', $$SELECT written, replayed FROM mega_record_mma_events('[{"pass_id": "pass:test:a", "event_type": "download", "event_id": "e1"}, {"pass_id": "pass:test:a", "event_type": "download", "event_id": "e2"}]')$$),
    ('generation of nobody', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:2', 'pass:test:nobody')$$),
    ('session of nobody', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:2', 'pass:test:nobody')$$),
    ('audit of nobody', $$INSERT INTO mega_admin (mg_id, mg_actor_pass_id) VALUES ('admin_audit:2', 'pass:test:nobody')$$),
    ('audit', $$SELECT mega_record_admin_audit('x', audit_id => '1')$$),
    ('again', $$SELECT mega_record_admin_audit('x', audit_id => '1')$$),
    ('row', $$INSERT INTO mega_admin (mg_id, mg_action) VALUES ('admin_audit:1', 'x')$$)) v(what, statement);
SELECT mg_id, count(*) FROM mega_generations GROUP BY 1 HAVING count(*) > 1;
SELECT mg_id, count(*) FROM mega_admin GROUP BY 1 HAVING count(*) > 1;

--
-- Mended: the keys are built, what stood in for them goes
--
BEGIN;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
ALTER TABLE mega_admin DISABLE TRIGGER USER;
DELETE FROM mega_customers WHERE ctid = (SELECT max(ctid) FROM mega_customers WHERE mg_pass_id = 'pass:test:twice');
UPDATE mega_generations SET mg_id = mg_id || ':again' WHERE ctid = (SELECT max(ctid) FROM mega_generations WHERE mg_id = 'credit_transaction:old');
UPDATE mega_admin SET mg_id = mg_id || ':again' WHERE ctid = (SELECT max(ctid) FROM mega_admin WHERE mg_id = 'admin_audit:old');
ALTER TABLE mega_customers ENABLE TRIGGER USER;
ALTER TABLE mega_generations ENABLE TRIGGER USER;
ALTER TABLE mega_admin ENABLE TRIGGER USER;
COMMIT;
UPDATE mega_customers SET mg_shopify_customer_id = NULL WHERE mg_shopify_customer_id = 'anonymous';
UPDATE mega_customers SET mg_user_id = NULL WHERE mg_pass_id = 'pass:shopify:8';
SELECT object, offenders, example, action FROM mega_validate() WHERE object ~ '(pkey|_key|_fkey)$';
SELECT object, offenders, example, action FROM mega_validate() WHERE object ~ '(pkey|_key|_fkey)$';
SELECT indexdef FROM pg_indexes WHERE tablename ~ '^mega_' AND indexdef !~ 'gin|lower|WHERE \(\(' AND indexname ~ '(_id|_key|pkey)$' ORDER BY indexname;
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:a') ON CONFLICT DO NOTHING;
\c :home
DROP DATABASE regress_mega_doubled_ids;
