-- Adopted tables whose columns do not take what functions write there: NOT NULL where mega writes NULL, blank defaults, and
-- generated columns. mega_install tells them beforehand, and CREATE EXTENSION does. In a database of its own.
\getenv tests PG_ABS_SRCDIR
\set outcome :tests '/sql/shared/outcome.psql'
\set here :DBNAME
SET client_min_messages = warning;
CREATE DATABASE regress_mega_columns;
\c regress_mega_columns
SET client_min_messages = warning;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\pset null NULL
\pset format unaligned
\i :outcome

--
-- NOT NULL with a default, as applications declare it.
--
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_email text NOT NULL DEFAULT '', mg_display_name text NOT NULL DEFAULT '', mg_marketing_opt_in boolean NOT NULL DEFAULT false,
    mg_disabled boolean NOT NULL DEFAULT false, mg_topup_default_packs integer NOT NULL DEFAULT 3, mg_topup_source text NOT NULL, mg_credits integer NOT NULL DEFAULT 0, mg_meta jsonb NOT NULL DEFAULT '{}', mg_created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE mega_generations (mg_id text, mg_record_type text NOT NULL, mg_pass_id text, mg_delta integer, mg_source text NOT NULL DEFAULT 'app', mg_ref_id text DEFAULT '', mg_step_no integer NOT NULL DEFAULT 0, mg_meta jsonb NOT NULL DEFAULT '{}', mg_created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mg_id, mg_step_no));
CREATE TABLE mega_admin (mg_id text PRIMARY KEY, mg_record_type text NOT NULL, mg_action text NOT NULL DEFAULT 'none', mg_source_system text NOT NULL DEFAULT 'app');
CREATE EXTENSION mega;
SELECT object, detail FROM mega_install(dry_run => true) WHERE action = 'keep';
SELECT count(*) FROM (SELECT * FROM mega_install(dry_run => true) EXCEPT SELECT * FROM mega_install()) t;
CREATE FUNCTION pg_temp.all_of_them() RETURNS TABLE (statement text, outcome text) LANGUAGE sql AS $$
    SELECT s, pg_temp.outcome(s) FROM unnest(ARRAY[$f$SELECT mega_ensure_customer('pass:test:a', profile => '{"display_name": "Ada"}')$f$, $f$INSERT INTO mega_customers (mg_pass_id, mg_topup_source) VALUES ('pass:test:raw', 'app')$f$,
        $f$INSERT INTO mega_customers (mg_pass_id, mg_email, mg_topup_source) VALUES ('pass:test:mail', 'raw@example.com', 'app')$f$, $f$SELECT mega_erase_customer('pass:test:mail')$f$,
        $f$SELECT mega_record_credit('pass:test:mail', 5, 'grant')$f$, $f$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw', 'pass:test:mail', 7)$f$, $f$SELECT mega_set_app_config('key', '1')$f$]) s
$$;
SELECT * FROM pg_temp.all_of_them();
-- as the report says
SELECT substring(detail FROM 'ALTER TABLE .*') FROM mega_install(dry_run => true) WHERE action = 'keep' AND detail LIKE '%ALTER TABLE%' \gexec
SELECT object, detail FROM mega_install(dry_run => true) WHERE action = 'keep';
SELECT * FROM pg_temp.all_of_them();

--
-- Each nullable column in its turn NOT NULL with a default, and in its turn without one: no function stumbles over one
-- that is not told.
--
\c :here
DROP DATABASE regress_mega_columns;
CREATE DATABASE regress_mega_columns;
\c regress_mega_columns
SET client_min_messages = error;
SET timezone = 'UTC';
\pset null NULL
CREATE EXTENSION mega;
CREATE TABLE call (nr integer, statement text);
INSERT INTO call SELECT nr, 'SELECT * FROM ' || s FROM unnest(ARRAY[
    $f$mega_ensure_customer('pass:test:a')$f$, $f$mega_ensure_customer('pass:test:b')$f$, $f$mega_record_credit('pass:test:a', 50, 'grant', txn_id => 'f1')$f$, $f$mega_record_credit('pass:test:a', 5, 'grant', expires_at => now() + interval '1 day')$f$,
    $f$mega_record_credits('[{"pass_id": "pass:test:a", "delta": 1, "reason": "b"}, {"pass_id": "pass:test:b", "delta": 1, "reason": "b"}]')$f$,
    $f$mega_hold_credit('pass:test:a', 5, 'h')$f$, $f$mega_capture_credit('h', 3)$f$, $f$mega_record_credit('pass:test:a', -5, 'still', txn_id => 'still')$f$, $f$mega_refund_credit('still', 'r')$f$, $f$mega_revoke_credit('v', 'f1')$f$, $f$mega_transfer_credit('pass:test:a', 'pass:test:b', 1, 't')$f$,
    $f$mega_record_topup('pass:test:a', 1)$f$, $f$mega_start_session('pass:test:a', 's')$f$, $f$mega_create_generation('pass:test:a', 'g')$f$, $f$mega_update_generation('g', 'scanning', vars => '{"a": 1}')$f$,
    $f$mega_append_mma_step('g', 'scan')$f$, $f$mega_complete_generation('g', 'https://cdn.example.com/1.png')$f$, $f$mega_record_mma_event('pass:test:a', 'like', '{"tag": "y"}')$f$,
    $f$mega_update_customer('pass:test:a', '{"expires_at": "2099-01-01T00:00:00Z"}')$f$, $f$mega_update_customer('pass:test:a', '{"expires_at": null}')$f$,
    $f$mega_update_customer('pass:test:a', '{"topup_default_packs": null, "auto_topup_monthly_limit_packs": null, "auto_topup_enabled": null}', actor => 'office')$f$,
    $f$mega_verify_customer('pass:test:a', 'email')$f$, $f$mega_disable_customer('pass:test:a')$f$, $f$mega_enable_customer('pass:test:a')$f$, $f$mega_delete_customer('pass:test:a')$f$, $f$mega_restore_customer('pass:test:a')$f$,
    $f$mega_record_admin_audit('looked')$f$, $f$mega_set_app_config('k', '1')$f$, $f$mega_merge_customers('pass:test:b', 'pass:test:a')$f$, $f$mega_erase_customer('pass:test:a')$f$]) WITH ORDINALITY c(s, nr);
-- How the calls end, the first that says this state, while the tables are so.
CREATE FUNCTION while_so(change text, state text) RETURNS TABLE (told boolean, refused text) LANGUAGE plpgsql AS $$
DECLARE
    one call;
BEGIN
    EXECUTE change;
    told := EXISTS (SELECT FROM mega_install() i WHERE i.action = 'keep' AND i.detail LIKE '%' || state || '%');
    FOR one IN SELECT * FROM call ORDER BY nr LOOP
        BEGIN
            EXECUTE one.statement;
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE LIKE state THEN
                refused := coalesce(refused, substring(one.statement FROM 'mega_[a-z_]*'), SQLERRM);
            END IF;
        END;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'U0001';
EXCEPTION WHEN SQLSTATE 'U0001' THEN
    RETURN NEXT;
END
$$;
CREATE VIEW nullable AS
SELECT a.attrelid::regclass AS relation, a.attname, a.attnum, format_type(a.atttypid, NULL) AS type,
    CASE format_type(a.atttypid, NULL) WHEN 'text' THEN quote_literal('x') WHEN 'integer' THEN '1' WHEN 'boolean' THEN 'false' WHEN 'jsonb' THEN quote_literal('{}') WHEN 'uuid' THEN 'gen_random_uuid()' ELSE 'now()' END AS value
FROM pg_attribute a WHERE a.attrelid = ANY (ARRAY['mega_customers'::regclass, 'mega_generations', 'mega_admin']) AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull;
SELECT * FROM while_so('SELECT', '%');
CREATE TABLE met AS SELECT n.relation, n.attname, n.attnum, d.what, w.told, w.refused
FROM nullable n, (VALUES ('default'), ('none')) d(what), LATERAL while_so(format('ALTER TABLE %s ALTER %I SET NOT NULL, ALTER %2$I %s', n.relation, n.attname, CASE d.what WHEN 'default' THEN 'SET DEFAULT ' || n.value ELSE 'DROP DEFAULT' END), '23502') w
WHERE d.what = 'default' OR n.relation = 'mega_customers'::regclass;
SELECT relation, what, count(*) AS columns, count(*) FILTER (WHERE told) AS told, count(refused) AS refused FROM met GROUP BY relation, what ORDER BY relation, what;
SELECT relation, attname, what, told, refused FROM met WHERE told <> (refused IS NOT NULL) ORDER BY relation, attnum, what;
SELECT relation, what, string_agg(attname, ', ' ORDER BY attnum) AS never_null FROM met WHERE NOT told GROUP BY relation, what ORDER BY relation, what;
DROP TABLE met;
-- and the same of each that is a generated one
CREATE TABLE met AS SELECT n.relation, n.attname, n.attnum, w.told, w.refused
FROM nullable n, LATERAL while_so(format('ALTER TABLE %s DROP %I, ADD %2$I %s GENERATED ALWAYS AS (NULL::%3$s) STORED', n.relation, n.attname, n.type), '428C9') w
WHERE n.relation <> 'mega_generations'::regclass;
SELECT relation, count(*) AS columns, count(*) FILTER (WHERE told) AS told, count(refused) AS refused FROM met GROUP BY relation ORDER BY relation;
SELECT relation, attname, told, refused FROM met WHERE told <> (refused IS NOT NULL) ORDER BY relation, attnum;
SELECT relation, string_agg(attname, ', ' ORDER BY attnum) AS not_told FROM met WHERE NOT told GROUP BY relation ORDER BY relation;
DROP TABLE met;

--
-- Generated columns that keep every write off: adopting is refused, and where one comes later writers are, and readers go on.
--
CREATE FUNCTION adopting(change text) RETURNS TABLE (what text, outcome text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE change;
    RETURN QUERY SELECT s.what, pg_temp.outcome(s.statement) FROM (VALUES ('dry run', 'SELECT mega_install(dry_run => true)'), ('install', 'SELECT mega_install()'), ('function', $f$SELECT mega_record_credit('pass:test:a', 5, 'grant')$f$),
        ('raw row', $f$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw', 'pass:test:a', 7)$f$), ('read', $f$SELECT mega_balance('pass:test:a')$f$), ('validate', 'SELECT mega_validate()')) s(what, statement);
    RETURN QUERY SELECT w.table_name, concat_ws(': ', w.path, w.reason) FROM mega_write_path() w WHERE w.path = 'refused';
    RAISE EXCEPTION USING ERRCODE = 'U0001';
EXCEPTION WHEN SQLSTATE 'U0001' THEN
    RETURN;
END
$$;
\i :outcome
SELECT count(*) FROM mega_ensure_customer('pass:test:a');
SELECT * FROM adopting('SELECT');
SELECT * FROM adopting('ALTER TABLE mega_generations DROP mg_title, ADD mg_title text GENERATED ALWAYS AS (mg_type) STORED');
SELECT * FROM adopting('ALTER TABLE mega_customers DROP mg_updated_at, ADD mg_updated_at timestamptz GENERATED ALWAYS AS (mg_created_at) STORED');
SELECT * FROM adopting('ALTER TABLE mega_admin DROP mg_updated_at, ADD mg_updated_at timestamptz GENERATED ALWAYS AS (mg_created_at) STORED');
-- nothing was made of tables that are refused
DROP VIEW nullable;
DROP EXTENSION mega CASCADE;
DROP TABLE mega_customers, mega_generations, mega_admin;
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_type text, mg_title text GENERATED ALWAYS AS (mg_type) STORED);
CREATE EXTENSION mega;
SELECT count(*) FROM pg_attribute WHERE attrelid = 'mega_generations'::regclass AND attnum > 0;
ALTER TABLE mega_generations ALTER COLUMN mg_title DROP EXPRESSION;
CREATE EXTENSION mega;
--
-- What a crash empties.
--
DROP EXTENSION mega CASCADE;
DROP TABLE mega_customers, mega_generations, mega_admin;
SET client_min_messages = warning;
CREATE UNLOGGED TABLE mega_customers (mg_pass_id text PRIMARY KEY);
CREATE EXTENSION mega; -- the other tables would be made so that none of them is lost
CREATE UNLOGGED TABLE mega_generations (mg_id text PRIMARY KEY);
CREATE UNLOGGED TABLE mega_admin (mg_id text PRIMARY KEY);
CREATE EXTENSION mega;
ALTER TABLE mega_customers SET LOGGED;
SELECT object, detail FROM mega_install();
ALTER TABLE mega_generations SET LOGGED;
ALTER TABLE mega_admin SET LOGGED;
SELECT object, detail FROM mega_install();
\c :here
SET client_min_messages = warning;
DROP DATABASE regress_mega_columns;
