-- The guards themselves: what triggers of others try behind ours, guards that are replaced, and what never gets into a
-- row or a message. Customers of this file: pass:test:guards-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who';
CREATE SCHEMA regress_guards;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:guards-' || n FROM unnest('{a,b,c}'::text[]) n;

--
-- A projected value is written once. What a trigger writes after more was appended is not it any more.
--
CREATE TABLE regress_guards.answer (said text);
CREATE FUNCTION regress_guards.write_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_credits <> OLD.mg_credits AND pg_trigger_depth() < 3 THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:guards-' || gen_random_uuid(), NEW.mg_pass_id, 100);
        INSERT INTO regress_guards.answer
        SELECT pg_temp.outcome(format('UPDATE mega_customers SET mg_credits = %s WHERE mg_pass_id = %L', NEW.mg_credits, NEW.mg_pass_id));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_guards.write_back();
SELECT mg_credits FROM mega_record_credit('pass:test:guards-a', 10, 'grant', txn_id => 'guards-1');
SELECT said FROM regress_guards.answer;
SELECT * FROM mega_reconcile_credits('pass:test:guards-a');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:guards-2', 'pass:test:guards-a', 1);
SELECT said FROM regress_guards.answer;
SELECT pg_temp.credits('pass:test:guards-a'), sum(mg_delta) FROM mega_generations WHERE mg_pass_id = 'pass:test:guards-a';
DROP TRIGGER zzz ON mega_customers;
-- the value that stands there already is nobody's harm
CREATE FUNCTION regress_guards.write_same() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_credits <> OLD.mg_credits THEN
        UPDATE mega_customers SET mg_credits = NEW.mg_credits WHERE mg_pass_id = NEW.mg_pass_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_guards.write_same();
SELECT mg_credits FROM mega_record_credit('pass:test:guards-a', 10, 'grant', txn_id => 'guards-3');
DROP TRIGGER zzz ON mega_customers;
-- a trigger that appends more: the balance that is answered is the one that stands
CREATE FUNCTION regress_guards.add_bonus() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_reason = 'order' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES (NEW.mg_id || '-bonus', NEW.mg_pass_id, 7, 'bonus');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_guards.add_bonus();
SELECT r.mg_credits = 7 + 30 AS with_bonus FROM mega_record_credit('pass:test:guards-b', 30, 'order', txn_id => 'guards-4') r;
SELECT r.mg_credits, r.mg_credits = pg_temp.credits('pass:test:guards-b') AS stands FROM mega_record_credit('pass:test:guards-b', 10, 'order', 'shop', 'order', 'guards-5', expires_at => '2099-01-01') r;
SELECT pg_temp.credits('pass:test:guards-b');
DROP TRIGGER zzz ON mega_generations;

--
-- A guard that was replaced is no guard: functions stop.
--
CREATE FUNCTION regress_guards.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(NEW, OLD); END';
CREATE FUNCTION regress_guards.mega_trigger_ledger_project() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT pg_get_triggerdef(oid) AS project FROM pg_trigger WHERE tgname = 'mega_generations_project' \gset
SELECT pg_get_triggerdef(oid) AS verify FROM pg_trigger WHERE tgname = 'mega_customers_verify' \gset
CREATE FUNCTION pg_temp.replaced(relation text, name text, definition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    EXECUTE format('DROP TRIGGER %I ON %s', name, relation);
    EXECUTE definition;
    ended := pg_temp.outcome($x$SELECT mega_record_credit('pass:test:guards-c', 1, 'grant')$x$);
    RAISE EXCEPTION USING ERRCODE = 'P0042';
EXCEPTION WHEN SQLSTATE 'P0042' THEN
    RETURN ended;
END
$$;
SELECT what, pg_temp.replaced(relation, name, definition) FROM (VALUES
    ('the same', 'mega_generations', 'mega_generations_project', :'project'),
    ('missing', 'mega_generations', 'mega_generations_project', 'SELECT 1'),
    ('another function', 'mega_generations', 'mega_generations_project', replace(:'project', 'mega_trigger_ledger_project', 'regress_guards.nothing')),
    ('a function of the same name', 'mega_generations', 'mega_generations_project', replace(:'project', 'mega_trigger_ledger_project', 'regress_guards.mega_trigger_ledger_project')),
    ('another function of ours', 'mega_generations', 'mega_generations_project', replace(:'project', 'mega_trigger_ledger_project', 'mega_trigger_keep_row')),
    ('at another event', 'mega_generations', 'mega_generations_check', 'CREATE TRIGGER mega_generations_check BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_check()'),
    ('behind instead of before', 'mega_generations', 'mega_generations_check', 'CREATE TRIGGER mega_generations_check AFTER INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_check()'),
    ('by statement', 'mega_customers', 'mega_customers_check', 'CREATE TRIGGER mega_customers_check BEFORE INSERT OR UPDATE ON mega_customers FOR EACH STATEMENT EXECUTE FUNCTION mega_trigger_customer_check()'),
    ('with a condition', 'mega_customers', 'mega_customers_verify', replace(:'verify', 'FOR EACH ROW', 'FOR EACH ROW WHEN (false)')),
    ('of one column', 'mega_customers', 'mega_customers_verify', replace(:'verify', 'UPDATE ON', 'UPDATE OF mg_email ON')),
    ('disabled', 'mega_customers', 'mega_customers_check', 'ALTER TABLE mega_customers DISABLE TRIGGER mega_customers_verify')
) v(what, relation, name, definition);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:guards-c', 1, 'grant')$$);

-- So do raw rows, while one of mega's triggers is left to tell: the right TRIGGER is enough to replace them.
CREATE ROLE regress_guards_trigger;
GRANT TRIGGER ON mega_customers, mega_generations, mega_admin TO regress_guards_trigger;
CREATE FUNCTION pg_temp.shortly(statement text) RETURNS text LANGUAGE sql AS $$SELECT concat_ws(' ', split_part(ended, ' ', 1), substring(ended, '\| ([^|]*) \|')) FROM pg_temp.outcome(statement) ended$$;
CREATE FUNCTION pg_temp.replaced_in_place(relation regclass, name text, OUT functions text, OUT raw_insert text, OUT raw_update text, OUT customer text, OUT office text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE regress_guards_trigger;
    EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', name, relation);
    RESET ROLE;
    functions := pg_temp.shortly($x$SELECT mega_record_credit('pass:test:guards-c', 1, 'grant')$x$);
    raw_insert := pg_temp.shortly($x$INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_mma_vars) VALUES ('credit_transaction:guards-in-place', 'credit_transaction', 'pass:test:guards-c', 1, '{}')$x$);
    raw_update := pg_temp.shortly($x$UPDATE mega_generations SET mg_error = 'x' WHERE mg_id = 'credit_transaction:guards-3'$x$);
    customer := pg_temp.shortly($x$UPDATE mega_customers SET mg_email = 'guards@example.com' WHERE mg_pass_id = 'pass:test:guards-c'$x$);
    office := pg_temp.shortly($x$INSERT INTO mega_admin (mg_id, mg_record_type) VALUES ('admin_audit:00000000-0000-4000-8000-000000000001', 'admin_audit')$x$);
    RAISE EXCEPTION USING ERRCODE = 'P0042';
EXCEPTION WHEN SQLSTATE 'P0042' THEN NULL;
END
$$;
\x on
SELECT t.tgname, r.* FROM pg_trigger t, LATERAL pg_temp.replaced_in_place(t.tgrelid::regclass, t.tgname) r
WHERE t.tgname LIKE 'mega\_%' AND NOT t.tgisinternal ORDER BY t.tgname COLLATE "C";
\x off
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:guards-in-place', 'pass:test:guards-c', 1)$$);
-- which one it is
BEGIN;
CREATE OR REPLACE TRIGGER mega_generations_project BEFORE UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SAVEPOINT a;
SELECT mg_credits FROM mega_record_credit('pass:test:guards-c', 1, 'grant');
ROLLBACK TO a;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:guards-in-place-2', 'pass:test:guards-c', 1);
ROLLBACK;
DROP OWNED BY regress_guards_trigger;
DROP ROLE regress_guards_trigger;

--
-- A page cursor notices rows that came in later at an earlier place, though the balance is the same.
--
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:guards-pages');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at)
SELECT 'credit_transaction:guards-p' || n, 'pass:test:guards-pages', n, '2020-01-01'::timestamptz + n * interval '1 day' FROM generate_series(1, 6) n;
SELECT mg_id, mg_delta, balance_after FROM mega_credit_statement('pass:test:guards-pages', 2);
SELECT next_cursor FROM mega_credit_statement('pass:test:guards-pages', 2) LIMIT 1 \gset
SELECT mg_id, mg_delta, balance_after FROM mega_credit_statement('pass:test:guards-pages', 2, :'next_cursor');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at) VALUES
    ('credit_transaction:guards-p7', 'pass:test:guards-pages', 1000, '2020-01-02 12:00'), ('credit_transaction:guards-p8', 'pass:test:guards-pages', -1000, '2020-01-06 12:00');
SELECT pg_temp.credits('pass:test:guards-pages');
SELECT mg_id, mg_delta, balance_after FROM mega_credit_statement('pass:test:guards-pages', 5, :'next_cursor');

--
-- What our check filled in or cut out is not to be undone behind it.
--
CREATE TABLE regress_guards.change (set_columns jsonb);
CREATE FUNCTION regress_guards.change_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN jsonb_populate_record(NEW, (SELECT set_columns FROM regress_guards.change));
END
$$;
INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:guards-1', 'pass:test:guards-a');
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_guards.change_row();
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_guards.change_row();
CREATE FUNCTION pg_temp.changed_by_trigger(columns jsonb, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    INSERT INTO regress_guards.change VALUES (columns);
    ended := pg_temp.outcome(statement);
    DELETE FROM regress_guards.change;
    RETURN ended;
END
$$;
SELECT what, pg_temp.changed_by_trigger(columns::jsonb, statement) FROM (VALUES
    ('nothing', '{}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:guards-1', 'pass:test:guards-a')$$),
    ('session id taken away', '{"mg_session_id": null}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:guards-2', 'pass:test:guards-a')$$),
    ('generation id taken away', '{"mg_generation_id": null}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:guards-2', 'pass:test:guards-a')$$),
    ('parent of a step taken away', '{"mg_parent_id": null}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:guards-1:0', 'pass:test:guards-a', 'scan', '{"input": {}, "output": {}}')$$),
    ('customer of a step taken away', '{"mg_pass_id": null}', $$INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:guards-1:0', 'scan', '{"input": {}, "output": {}}')$$),
    ('a signed payload', '{"mg_payload": {"u": "https://a.example/x?X-Amz-Signature=secret"}}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:guards-2', 'pass:test:guards-a')$$),
    ('a signed payload, by a function', '{"mg_payload": {"u": "https://a.example/x?X-Amz-Signature=secret"}}', $$SELECT mega_start_session('pass:test:guards-a', 'guards-2')$$),
    ('a signed payload, later', '{"mg_payload": {"u": "https://a.example/x?X-Amz-Signature=secret"}}', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'generation:guards-1'$$),
    ('verified, but by nothing', '{"mg_verified_any": true}', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:guards-new')$$),
    ('verified, but by nothing, later', '{"mg_verified_any": true}', $$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:guards-a'$$),
    ('by e-mail, but not at all', '{"mg_verified_email": true}', $$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:guards-a'$$),
    ('Shopify id, empty', '{"mg_shopify_customer_id": ""}', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:guards-new')$$),
    ('no preferences', '{"mg_mma_preferences": null}', $$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:guards-a'$$)
) v(what, columns, statement);
DROP TRIGGER zzz ON mega_generations;
DROP TRIGGER zzz ON mega_customers;
SELECT mg_id, mg_session_id FROM mega_generations WHERE mg_id LIKE '%:guards-2' ORDER BY 1;

--
-- '' and 'anonymous' are no Shopify ids, whoever writes them.
--
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:guards-s1', ''), ('pass:test:guards-s2', ''), ('pass:test:guards-s3', 'Anonymous'), ('pass:test:guards-s4', 'guards-42')
RETURNING mg_pass_id, mg_shopify_customer_id;
UPDATE mega_customers SET mg_shopify_customer_id = '' WHERE mg_pass_id = 'pass:test:guards-s1' RETURNING mg_shopify_customer_id;
UPDATE mega_customers SET mg_shopify_customer_id = 'anonymous' WHERE mg_pass_id = 'pass:test:guards-s2' RETURNING mg_shopify_customer_id;

--
-- Customers from before mega keep the pass ids they have, and get credits like anybody.
--
BEGIN;
ALTER TABLE mega_customers DROP CONSTRAINT mega_customers_pass_id_shape;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
INSERT INTO mega_customers (mg_pass_id) VALUES ('leila'), ('Omar 7');
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT mg_credits FROM mega_record_credit('leila', 5, 'grant');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:guards-old', 'leila', 3);
SELECT mg_credits FROM mega_hold_credit('leila', 2, 'guards-old');
SELECT outcome, mg_credits FROM mega_capture_credit('guards-old', 1);
SELECT to_credits FROM mega_transfer_credit('leila', 'Omar 7', 4, 'guards-old');
SELECT preferences -> 'tag_weights' AS weights FROM mega_record_mma_event('leila', 'like', '{"tag": "cat"}');
SELECT created FROM mega_create_generation('leila', 'guards-old');
SELECT mg_step_no FROM mega_append_mma_step('guards-old', 'scan');
SELECT * FROM mega_reconcile_credits('leila');
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:guards-none', 'layla', 3)$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('layla', 3, 'grant')$$);
SELECT pg_temp.outcome($$INSERT INTO mega_customers (mg_pass_id) VALUES ('layla')$$);
ROLLBACK;

--
-- Secrets of URLs: cut out of payloads, their keys too; never in a message.
--
SELECT mg_step_no FROM mega_append_mma_step('guards-1', 'scan', '{"https://a.example/x?X-Amz-Signature=secret": {"list": ["see https://b.example/y?se=1&sig=secret&a=1"]}}');
SELECT mg_payload FROM mega_generations WHERE mg_id = 'mma_step:guards-1:0';
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_payload) VALUES ('session:guards-keys', 'pass:test:guards-a', '{"https://a.example/x?X-Amz-Signature=secret": 1, "a": {"https://b.example/?X-Goog-Signature=secret&k=1": "https://c.example/?X-Goog-Signature=secret"}}') RETURNING mg_payload;
SELECT what, pg_temp.outcome(statement) AS said, pg_temp.outcome(statement) ~ 'secret' AS told FROM (VALUES
    ('column', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES ('generation:guards-u', 'pass:test:guards-a', 'https://a.example/x?X-Amz-Signature=secret')$$),
    ('column, credentials', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES ('generation:guards-u', 'pass:test:guards-a', 'https://me:secret@a.example/x')$$),
    ('column, later', $$UPDATE mega_generations SET mg_output_url = 'https://a.example/x?se=1&sig=secret' WHERE mg_id = 'generation:guards-1'$$),
    ('vars', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_vars) VALUES ('generation:guards-u', 'pass:test:guards-a', '{"a": ["https://a.example/x?X-Amz-Signature=secret"]}')$$),
    ('a key of vars', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_vars) VALUES ('generation:guards-u', 'pass:test:guards-a', '{"https://a.example/x?X-Amz-Signature=secret": 1}')$$),
    ('vars, by a function', $$SELECT mega_create_generation('pass:test:guards-a', 'guards-u', vars => '{"a": "https://a.example/x?X-Goog-Signature=secret"}')$$),
    ('event', $$SELECT mega_record_mma_event('pass:test:guards-a', 'like', '{"tag": "x", "seen": "https://a.example/x?X-Goog-Signature=secret"}')$$),
    ('output', $$SELECT mega_complete_generation('guards-1', 'https://a.example/x?Signature=secret&Key-Pair-Id=K1')$$),
    ('delivery host', $$SELECT mega_complete_generation('guards-1', 'https://replicate.delivery/x?token=secret')$$),
    ('fields', $$SELECT mega_update_generation('guards-1', fields => '{"output_url": "https://a.example/x?se=1&sig=secret"}')$$)
) v(what, statement);

DROP SCHEMA regress_guards CASCADE;
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:guards-%';

--
-- CREATE EXTENSION in a restore says that the tables are left to it; in a session that sets less it makes them.
--
\set here :DBNAME
CREATE DATABASE regress_guards;
\c regress_guards
\set VERBOSITY default
SET client_min_messages = warning;
SET row_security = off;
SET xmloption = content;
SET statement_timeout = 0;
SET lock_timeout = 0;
CREATE EXTENSION mega;
SELECT count(*) AS tables FROM pg_class WHERE relname LIKE 'mega\_%' AND relkind = 'r';
DROP EXTENSION mega CASCADE;
DROP TABLE mega_admin, mega_generations, mega_customers;
SET idle_in_transaction_session_timeout = 0;
CREATE EXTENSION mega;
SELECT count(*) AS tables FROM pg_class WHERE relname LIKE 'mega\_%' AND relkind = 'r';
\c :here
DROP DATABASE regress_guards;
