-- References as keys where an adopted table does not let them be one: rows that share a reference keep the unique index
-- out, and the key is held for what is new; types of mega.unkeyed_ref_types identify nothing. In a database of its own.
\getenv tests PG_ABS_SRCDIR
\set answered :tests '/sql/shared/answered.psql'
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_references TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_references
SET client_min_messages = warning;
CREATE EXTENSION mega;
DROP EXTENSION mega CASCADE;
\set VERBOSITY sqlstate
\pset null NULL
\i :answered
-- a year old: one order twice, an admin who granted twice under his own id
DROP INDEX mega_generations_credit_reference_key;
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:a', 130), ('pass:test:b', 0);
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status) VALUES
    ('credit_transaction:1', 'credit_transaction', 'pass:test:a', 50, 'order', 'shopify_order', '1001', 'succeeded'),
    ('credit_transaction:2', 'credit_transaction', 'pass:test:a', 50, 'order', 'shopify_order', '1001', 'succeeded'),
    ('credit_transaction:3', 'credit_transaction', 'pass:test:a', 10, 'manual', 'admin', 'admin-7', 'succeeded'),
    ('credit_transaction:4', 'credit_transaction', 'pass:test:a', 20, 'manual', 'admin', 'admin-7', 'succeeded');
CREATE EXTENSION mega;
SELECT object, action, detail FROM mega_install();
SELECT indexdef FROM pg_indexes WHERE indexname ~ 'credit_reference';
SELECT object, offenders, example, action FROM mega_validate();

--
-- Held: a row, two in one statement, a function, many by function, a hold, a null reason; with other rows there
--
PREPARE raw(text, text, text, text) AS INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ($1, 'pass:test:a', 5, $2, $3, $4) RETURNING mg_delta;
SELECT what, pg_temp.answered(statement) FROM (VALUES
    ('new', $$EXECUTE raw('credit_transaction:n1', 'order', 'shopify_order', '1002')$$),
    ('again', $$EXECUTE raw('credit_transaction:n2', 'order', 'shopify_order', '1002')$$),
    ('the row itself', $$EXECUTE raw('credit_transaction:n1', 'order', 'shopify_order', '1002')$$),
    ('which may be there', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:n1', 'pass:test:a', 5, 'order', 'shopify_order', '1002') ON CONFLICT (mg_id) DO NOTHING RETURNING mg_delta$$),
    ('which may be changed', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:n1', 'pass:test:a', 5, 'order', 'shopify_order', '1002') ON CONFLICT (mg_id) DO UPDATE SET mg_meta = jsonb_build_object('again', true) RETURNING mg_meta$$),
    ('another reason', $$EXECUTE raw('credit_transaction:n3', 'bonus', 'shopify_order', '1002')$$),
    ('no reason', $$EXECUTE raw('credit_transaction:n4', NULL, 'shopify_order', '1002')$$),
    ('no reason, again', $$EXECUTE raw('credit_transaction:n5', NULL, 'shopify_order', '1002')$$),
    ('half a reference', $$EXECUTE raw('credit_transaction:n6', 'order', 'shopify_order', NULL)$$),
    ('one of the old', $$EXECUTE raw('credit_transaction:n7', 'order', 'shopify_order', '1001')$$),
    ('twice in a statement', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) SELECT 'credit_transaction:t' || n, 'pass:test:a', 5, 'order', 'shopify_order', '1003' FROM generate_series(1, 2) n RETURNING mg_delta$$),
    ('function', $$SELECT replayed FROM mega_record_credit('pass:test:a', 5, 'order', ref_type => 'shopify_order', ref_id => '1004', txn_id => 'f1')$$),
    ('function again', $$SELECT replayed FROM mega_record_credit('pass:test:a', 5, 'order', ref_type => 'shopify_order', ref_id => '1004')$$),
    ('function, other content', $$SELECT replayed FROM mega_record_credit('pass:test:b', 5, 'order', ref_type => 'shopify_order', ref_id => '1004', txn_id => 'x')$$),
    ('function, of a row', $$SELECT replayed FROM mega_record_credit('pass:test:a', 5, 'order', ref_type => 'shopify_order', ref_id => '1002')$$),
    ('row, of a function', $$EXECUTE raw('credit_transaction:n8', 'order', 'shopify_order', '1004')$$),
    ('many', $$SELECT mega_record_credits('[{"pass_id": "pass:test:a", "delta": 5, "reason": "order", "ref_type": "shopify_order", "ref_id": "1004"}, {"pass_id": "pass:test:a", "delta": 5, "reason": "order", "ref_type": "shopify_order", "ref_id": "1005"}]')$$),
    ('top-up', $$SELECT replayed FROM mega_record_topup('pass:test:a', 1, 5, 'shopify_order', '1006')$$),
    ('top-up again', $$SELECT replayed FROM mega_record_topup('pass:test:a', 1, 5, 'shopify_order', '1006')$$),
    ('hold', $$SELECT replayed FROM mega_hold_credit('pass:test:a', 5, 'h1')$$),
    ('a row with the hold''s', $$EXECUTE raw('credit_transaction:n9', 'hold', 'hold', 'h1')$$),
    ('hold again', $$SELECT replayed FROM mega_hold_credit('pass:test:a', 5, 'h1')$$)) v(what, statement);
SELECT * FROM mega_reconcile_credits();
-- what is restored or replicated was right where it comes from
SET session_replication_role = replica;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:copied', 'credit_transaction', 'pass:test:b', 5, 'order', 'shopify_order', '1004');
SET session_replication_role = origin;
BEGIN;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:copied';
ALTER TABLE mega_generations ENABLE TRIGGER USER;
COMMIT;

--
-- Types that identify nothing: by functions, as rows, and left out of the index.
--
SELECT pg_temp.answered($$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-7')$$) AS keyed;
SELECT pg_temp.answered(format('SET mega.unkeyed_ref_types = %L', word)) FROM unnest(ARRAY['a{b', 'a"b', 'a\b', 'a''b']) word;
SET mega.unkeyed_ref_types = 'admin, two words ,admin,, null';
SELECT what, pg_temp.answered(statement) FROM (VALUES
    ('function', $$SELECT replayed, mg_credits FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-7')$$),
    ('function again', $$SELECT replayed, mg_credits FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-7')$$),
    ('by its id', $$SELECT replayed, mg_credits FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-7', txn_id => 'x1')$$),
    ('by its id, again', $$SELECT replayed, mg_credits FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-7', txn_id => 'x1')$$),
    ('by its id, another reference', $$SELECT replayed, mg_credits FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-8', txn_id => 'x1')$$),
    ('row', $$EXECUTE raw('credit_transaction:m1', 'manual', 'admin', 'admin-7')$$),
    ('many', $$SELECT mega_record_credits('[{"pass_id": "pass:test:a", "delta": 5, "reason": "manual", "ref_type": "admin", "ref_id": "admin-7"}, {"pass_id": "pass:test:a", "delta": 6, "reason": "manual", "ref_type": "admin", "ref_id": "admin-7"}]')$$),
    ('revoke by reference', $$SELECT mega_revoke_credit('v1', ref_type => 'admin', ref_id => 'admin-7')$$),
    ('revoke by id', $$SELECT revoked FROM mega_revoke_credit('v1', txn_id => 'x1')$$),
    ('others are keys', $$SELECT replayed FROM mega_record_credit('pass:test:a', 5, 'order', ref_type => 'shopify_order', ref_id => '1004')$$)) v(what, statement);
-- of several the first in time is the one that is repeated, wherever they stand
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_created_at) VALUES
    ('credit_transaction:later', 'credit_transaction', 'pass:test:a', 8, 'signup', 'signup', 's1', 'succeeded', '2025-02-01'),
    ('credit_transaction:first', 'credit_transaction', 'pass:test:a', 7, 'signup', 'signup', 's1', 'succeeded', '2025-01-01');
UPDATE mega_customers SET mg_credits = mg_credits + 15 WHERE mg_pass_id = 'pass:test:a';
SET LOCAL session_replication_role = origin;
SELECT mg_id, replayed FROM mega_record_credit('pass:test:a', 7, 'signup', ref_type => 'signup', ref_id => 's1');
UPDATE mega_generations SET mg_meta = '{"moved": true}' WHERE mg_id = 'credit_transaction:first';
SELECT mg_id, replayed FROM mega_record_credit('pass:test:a', 7, 'signup', ref_type => 'signup', ref_id => 's1');
SELECT pg_temp.answered($$SELECT replayed FROM mega_record_credit('pass:test:a', 8, 'signup', ref_type => 'signup', ref_id => 's1')$$);
ROLLBACK;
-- the order that is there twice is mended; then the index can be built, without that type
BEGIN;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
UPDATE mega_generations SET mg_ref_id = '1001:again' WHERE mg_id = 'credit_transaction:2';
ALTER TABLE mega_generations ENABLE TRIGGER USER;
COMMIT;
SELECT object, offenders, example, action FROM mega_validate();
SELECT indexdef FROM pg_indexes WHERE indexname ~ 'credit_reference';
SELECT what, pg_temp.answered(statement) FROM (VALUES
    ('function', $$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-7')$$),
    ('row', $$EXECUTE raw('credit_transaction:m2', 'manual', 'admin', 'admin-7')$$),
    ('row of another type', $$EXECUTE raw('credit_transaction:m3', 'order', 'shopify_order', '1004')$$)) v(what, statement);
SELECT * FROM mega_install();
-- another list: the index is built anew; where rows do not let it be, the one that is there stays
SET mega.unkeyed_ref_types = 'admin,staff';
SELECT action, detail FROM mega_install(true);
SELECT action FROM mega_install();
SELECT indexdef FROM pg_indexes WHERE indexname ~ 'credit_reference';
RESET mega.unkeyed_ref_types;
SELECT action, detail FROM mega_install();
SELECT indexdef ~ 'staff' AS as_before FROM pg_indexes WHERE indexname ~ 'credit_reference_key';
-- what the index leaves out is a key all the same, for whom the setting does not name it
SELECT what, pg_temp.answered(statement) FROM (VALUES
    ('there twice', $$SELECT replayed FROM mega_record_credit('pass:test:a', 11, 'manual', ref_type => 'admin', ref_id => 'admin-7')$$),
    ('function', $$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'staff', ref_id => 'staff-1', txn_id => 'staff-a')$$),
    ('again', $$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'staff', ref_id => 'staff-1')$$),
    ('again, another amount', $$SELECT replayed FROM mega_record_credit('pass:test:a', 11, 'manual', ref_type => 'staff', ref_id => 'staff-1')$$),
    ('top-up', $$SELECT replayed FROM mega_record_topup('pass:test:a', 1, ref_type => 'staff', ref_id => 'staff-1')$$),
    ('top-up again', $$SELECT replayed FROM mega_record_topup('pass:test:a', 1, ref_type => 'staff', ref_id => 'staff-1')$$),
    ('many', $$SELECT mega_record_credits('[{"pass_id": "pass:test:a", "delta": 10, "reason": "manual", "ref_type": "staff", "ref_id": "staff-1"}, {"pass_id": "pass:test:a", "delta": 6, "reason": "manual", "ref_type": "staff", "ref_id": "staff-2"}]')$$),
    ('row', $$EXECUTE raw('credit_transaction:s1', 'manual', 'staff', 'staff-1')$$),
    ('row of its own', $$EXECUTE raw('credit_transaction:s2', 'manual', 'staff', 'staff-3')$$),
    ('type that is in the index', $$SELECT replayed FROM mega_record_credit('pass:test:a', 5, 'order', ref_type => 'shopify_order', ref_id => '1004')$$)) v(what, statement);
BEGIN;
ALTER INDEX mega_generations_credit_reference_key RENAME TO own;
SELECT pg_temp.answered($$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'staff', ref_id => 'staff-1')$$) AS under_another_name;
ROLLBACK;
SET mega.unkeyed_ref_types = 'admin,staff';
SELECT pg_temp.answered($$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'staff', ref_id => 'staff-4')$$);
RESET mega.unkeyed_ref_types;
-- a table whose index has all types: the setting without mega_install says so
BEGIN;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
UPDATE mega_generations SET mg_ref_id = mg_id WHERE mg_ref_type = 'admin';
ALTER TABLE mega_generations ENABLE TRIGGER USER;
COMMIT;
SELECT action FROM mega_install();
SET mega.unkeyed_ref_types = 'admin';
SELECT n, pg_temp.answered($$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-9')$$) FROM generate_series(1, 2) n;
SELECT n, pg_temp.answered($$SELECT replayed FROM mega_record_topup('pass:test:a', 1, ref_type => 'admin', ref_id => 'admin-9')$$) FROM generate_series(1, 2) n;
SELECT split_part(pg_temp.answered($$SELECT mega_record_credits('[{"pass_id": "pass:test:a", "delta": 5, "reason": "manual", "ref_type": "admin", "ref_id": "admin-9"}]')$$), ' ', 1) AS many;
SELECT action FROM mega_install();
SELECT n, pg_temp.answered($$SELECT replayed FROM mega_record_topup('pass:test:a', 1, ref_type => 'admin', ref_id => 'admin-9')$$) FROM generate_series(1, 2) n;
SELECT n, pg_temp.answered($$SELECT replayed FROM mega_record_credit('pass:test:a', 10, 'manual', ref_type => 'admin', ref_id => 'admin-9')$$) FROM generate_series(1, 2) n;
-- SQL finds its way by the index that leaves types out
SET enable_seqscan = off;
SET plan_cache_mode = force_custom_plan;
PREPARE look(text, text, text) AS SELECT FROM mega_generations WHERE mg_ref_type = $1 AND mg_ref_id = $2 AND coalesce(mg_reason, '') = $3 AND mg_record_type = 'credit_transaction' AND mg_ref_type IS NOT NULL AND mg_ref_id IS NOT NULL;
EXPLAIN (COSTS OFF) EXECUTE look('shopify_order', '1004', 'order');
SELECT * FROM mega_reconcile_credits();
\c :home
DROP DATABASE regress_mega_references;
