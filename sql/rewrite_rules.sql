-- Rewrite rules (CREATE RULE) on the tables: with one ON INSERT or ON UPDATE Postgres refuses INSERT ... ON CONFLICT, by which
-- functions insert. They are refused with the rule's name, and only they: raw rows go on, and what changes rows alone. In a
-- database of its own, because it changes the tables.
\getenv tests PG_ABS_SRCDIR
\set outcome :tests '/sql/shared/outcome.psql'
\set here :DBNAME
CREATE DATABASE regress_rewrite_rules;
\c regress_rewrite_rules
SET client_min_messages = error;
SET search_path = public;
\set SHOW_CONTEXT never
\pset null NULL
\i :outcome
CREATE EXTENSION mega;
CREATE TABLE seen (what text);
SELECT count(*) FROM mega_ensure_customer('pass:test:a'), mega_record_credit('pass:test:a', 50, 'grant', txn_id => 'a'), mega_create_generation('pass:test:a', 'g', mma_mode => 'still');
SELECT count(*) FROM mega_set_app_config('rules', '1');

-- A function of each kind and a raw row for each table, while the rule is there.
CREATE TABLE what (nr integer GENERATED ALWAYS AS IDENTITY, what text, statement text);
INSERT INTO what (what, statement) VALUES
    ('inserts into the ledger', $$SELECT mega_record_credit('pass:test:a', 5, 'grant')$$),
    ('an event', $$SELECT mega_record_mma_event('pass:test:a', 'like', '{"tag": "cats"}')$$),
    ('a step', $$SELECT mega_append_mma_step('g', 'draw', '{}')$$),
    ('claims one', $$SELECT * FROM mega_claim_generations('w')$$),
    ('changes a generation', $$SELECT mega_update_generation('g', 'scanning')$$),
    ('inserts a customer', $$SELECT mega_ensure_customer('pass:test:new')$$),
    ('changes a customer', $$SELECT mega_disable_customer('pass:test:a')$$),
    ('and tells who did it', $$SELECT mega_update_customer('pass:test:a', '{"first_name": "Ada"}', actor => 'office')$$),
    ('inserts an admin record', $$SELECT mega_record_admin_audit('looked')$$),
    ('changes one', $$SELECT mega_set_app_config('rules', '2')$$),
    ('a customer', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:raw')$$),
    ('of a customer', $$UPDATE mega_customers SET mg_email = 'raw@example.com' WHERE mg_pass_id = 'pass:test:a'$$),
    ('a ledger row', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw', 'pass:test:a', 7)$$),
    ('of a ledger row', $$UPDATE mega_generations SET mg_title = 'raw' WHERE mg_id = 'generation:g'$$),
    ('an admin record', $$INSERT INTO mega_admin (mg_id) VALUES ('admin_audit:raw')$$);
CREATE FUNCTION pg_temp.with_rule(rules text) RETURNS TABLE (kind text, what text, outcome text) LANGUAGE plpgsql AS $$
DECLARE
    one what;
BEGIN
    BEGIN
        EXECUTE rules;
        FOR one IN SELECT * FROM what ORDER BY nr LOOP
            kind := CASE WHEN one.statement LIKE 'SELECT %' THEN 'function' ELSE 'raw row' END;
            what := one.what;
            outcome := pg_temp.outcome(one.statement);
            RETURN NEXT;
        END LOOP;
        PERFORM set_config('mega.write_path', 'auto', true);
        FOR kind, what, outcome IN SELECT 'written', w.table_name, CASE WHEN w.reason LIKE '%rule%' THEN concat_ws(': ', w.path, w.reason) ELSE '-' END FROM mega_write_path() w LOOP
            RETURN NEXT;
        END LOOP;
        FOR kind, what, outcome IN SELECT 'install', i.object, concat_ws(': ', i.action, i.detail) FROM mega_install(dry_run => true) i LOOP
            RETURN NEXT;
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'U0001';
    EXCEPTION WHEN SQLSTATE 'U0001' THEN NULL;
    END;
END
$$;
\pset format unaligned
\pset tuples_only on
SELECT kind, what, outcome FROM pg_temp.with_rule('SELECT');
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE "Also seen" AS ON INSERT TO mega_generations DO ALSO INSERT INTO seen VALUES (NEW.mg_id)');
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON UPDATE TO mega_generations DO ALSO INSERT INTO seen VALUES (NEW.mg_id)');
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON INSERT TO mega_customers DO ALSO INSERT INTO seen VALUES (NEW.mg_pass_id)');
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON UPDATE TO mega_customers DO ALSO INSERT INTO seen VALUES (NEW.mg_pass_id)');
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON UPDATE TO mega_admin WHERE NEW.mg_record_type = ''profile'' DO ALSO NOTHING');
-- in the place of the update: no function is told what became of its own
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON UPDATE TO mega_customers WHERE NEW.mg_email = ''x'' DO INSTEAD NOTHING') WHERE kind = 'function' OR outcome LIKE '%rule%';
-- one that is off: of those ON UPDATE Postgres asks nothing more
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON INSERT TO mega_generations DO ALSO NOTHING; ALTER TABLE mega_generations DISABLE RULE seen') WHERE outcome NOT LIKE 'ok %';
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON UPDATE TO mega_generations DO ALSO NOTHING; ALTER TABLE mega_generations DISABLE RULE seen') WHERE outcome NOT LIKE 'ok %';
-- ON DELETE stands in nobody's way
SELECT kind, what, outcome FROM pg_temp.with_rule('CREATE RULE seen AS ON DELETE TO mega_generations DO ALSO INSERT INTO seen VALUES (OLD.mg_id); CREATE RULE seen AS ON DELETE TO mega_customers DO ALSO NOTHING; CREATE RULE seen AS ON DELETE TO mega_admin DO ALSO NOTHING') WHERE outcome NOT LIKE 'ok %';
\pset tuples_only off
-- what comes and goes is seen by the next call, and an import begins nothing
CREATE RULE seen AS ON UPDATE TO mega_customers DO ALSO INSERT INTO seen VALUES (NEW.mg_pass_id);
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:b')$$);
CREATE SCHEMA legacy;
CREATE TABLE legacy.users (id uuid PRIMARY KEY, email text, credits integer);
CALL mega_import('legacy');
ALTER RULE seen ON mega_customers RENAME TO "also seen";
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:b')$$);
SELECT * FROM mega_install();
DROP RULE "also seen" ON mega_customers;
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:b')$$);
SELECT * FROM mega_install();
SELECT * FROM mega_reconcile_credits();
\c :here
DROP DATABASE regress_rewrite_rules;
