-- A collation that calls different texts equal is none for ids: adopting such a table is refused, and so is every write
-- when a column gets one later. In a database of its own; a server without ICU has no such collations.
\pset null NULL
\set SHOW_CONTEXT never
SELECT current_database() AS home, NOT EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') AS no_icu \gset
\if :no_icu
\quit
\endif
CREATE DATABASE regress_mega_spellings TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_spellings
SET client_min_messages = warning;
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE mega_customers (mg_pass_id text COLLATE any_case PRIMARY KEY, mg_email text COLLATE any_case, mg_credits integer DEFAULT 0);
CREATE EXTENSION mega;
ALTER TABLE mega_customers ALTER COLUMN mg_pass_id TYPE text COLLATE "C";
-- an e-mail address may have one: no row is found by it
CREATE EXTENSION mega;
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:a', email => 'A@example.com');
SELECT mg_credits FROM mega_record_credit('pass:test:a', 5, 'grant', txn_id => 'g');
-- and a name, which is found by its words
DROP EXTENSION mega CASCADE;
DROP INDEX mega_customers_names;
ALTER TABLE mega_customers ALTER COLUMN mg_display_name TYPE text COLLATE any_case;
CREATE EXTENSION mega;
SELECT changed FROM mega_update_customer('pass:test:a', '{"display_name": "Leila"}');
SELECT mg_pass_id FROM mega_find_customers('LEIL');
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE touched bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN 'ok ' || touched;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- each column in turn: what functions, a batch of two spellings, raw rows and mega_install say, and what reads
CREATE FUNCTION told(relation regclass, name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE text COLLATE any_case', relation, name);
    RETURN QUERY SELECT relation || '.' || name || ': ' || outcome(s) FROM unnest(ARRAY[
        $q$SELECT mega_record_credit('pass:test:A', 1, 'x')$q$,
        $q$SELECT mega_record_credits('[{"pass_id": "pass:test:a", "delta": 1, "reason": "x"}, {"pass_id": "pass:test:A", "delta": 2, "reason": "x"}]')$q$,
        $q$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:r', 'pass:test:A', 1)$q$,
        $q$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:B')$q$, $q$SELECT mega_record_admin_audit('x')$q$,
        $q$SELECT mega_install()$q$, $q$SELECT FROM mega_balance('pass:test:a')$q$, $q$SELECT FROM mega_credit_statement('pass:test:a')$q$]) s;
    RAISE EXCEPTION 'taken back' USING ERRCODE = 'P0099';
EXCEPTION WHEN SQLSTATE 'P0099' THEN
    RETURN;
END $$;
ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_pass_id_fkey;
ALTER TABLE mega_admin DROP CONSTRAINT mega_admin_actor_pass_id_fkey;
SELECT t FROM told('mega_customers', 'mg_pass_id') t;
SELECT t FROM told('mega_generations', 'mg_id') t;
SELECT t FROM told('mega_generations', 'mg_pass_id') t;
SELECT t FROM told('mega_generations', 'mg_ref_id') t;
SELECT t FROM told('mega_generations', 'mg_status') t;
SELECT t FROM told('mega_generations', 'mg_title') t;
SELECT t FROM told('mega_admin', 'mg_key') t;
ALTER TABLE mega_customers ALTER COLUMN mg_pass_id TYPE text COLLATE any_case;
\set VERBOSITY default
SELECT mega_record_credit('pass:test:A', 1, 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT table_name, reason FROM mega_write_path() WHERE path = 'refused';
\c :home
DROP DATABASE regress_mega_spellings;
