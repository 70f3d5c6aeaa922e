-- What mega_install tells of tables as they are, beside what it does: defaults that are a time without a zone, and who may
-- write the tables raw. In a database of its own.
\getenv tests PG_ABS_SRCDIR
\set outcome :tests '/sql/shared/outcome.psql'
\set here :DBNAME
SET client_min_messages = warning;
CREATE ROLE regress_mega_told_anon;
CREATE ROLE regress_mega_told_app;
CREATE ROLE regress_mega_told_user;
CREATE DATABASE regress_mega_told;
\c regress_mega_told
SET client_min_messages = warning;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\pset null NULL
\i :outcome

--
-- Defaults that are a time without a zone.
--
CREATE FUNCTION clock() RETURNS timestamp LANGUAGE sql STABLE AS $$SELECT now() AT TIME ZONE 'utc'$$;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer, mg_created_at timestamptz NOT NULL DEFAULT timezone('utc', now()), mg_updated_at timestamptz DEFAULT (now() AT TIME ZONE 'utc'),
    mg_last_active timestamptz DEFAULT clock(), mg_expires_at timestamptz DEFAULT (date_trunc('day', now() AT TIME ZONE INTERVAL '2 hours') + interval '1 year')::timestamptz, theirs_at timestamptz DEFAULT timezone('utc', now()));
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text, mg_pass_id text, mg_delta integer, mg_created_at timestamptz(6) DEFAULT coalesce((now() AT TIME ZONE 'utc')::timestamptz, now()), mg_updated_at timestamptz DEFAULT LOCALTIMESTAMP, mg_deleted_at timestamptz);
CREATE TABLE mega_admin (mg_id text PRIMARY KEY, mg_record_type text, mg_created_at timestamptz DEFAULT now(), mg_updated_at timestamptz DEFAULT timezone('utc', timezone('utc', now())),
    mg_first_seen_at timestamptz DEFAULT now()::timestamp, mg_last_seen_at timestamptz DEFAULT '2025-01-01'::timestamp, mg_deleted_at timestamptz DEFAULT date_trunc('day', now()));
ALTER TABLE mega_admin ALTER mg_deleted_at DROP DEFAULT;
SET mega.install = off;
CREATE EXTENSION mega;
CREATE TABLE told AS SELECT * FROM mega_install(dry_run => true);
SELECT * FROM told WHERE action = 'keep' ORDER BY object;
SELECT count(*) FROM (SELECT * FROM mega_install() EXCEPT TABLE told) t;
-- told once
SELECT * FROM mega_install();
-- why: a session west of UTC
SELECT count(*) FROM mega_ensure_customer('pass:test:told');
SET timezone = 'America/Los_Angeles';
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:told', 'pass:test:told', 5)$$);
SELECT detail AS mended FROM told WHERE object = 'mega_generations.mg_created_at' AND action = 'keep' \gset
SELECT substring(:'mended' FROM 'ALTER TABLE .*') \gexec
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:told', 'pass:test:told', 5)$$);
SELECT substring(detail FROM 'ALTER TABLE .*') FROM told WHERE action = 'keep' ORDER BY 1 \gexec

--
-- Who may write the tables raw. A restore makes them anew, and Postgres gives what default privileges say.
--
SELECT mega_grant('regress_mega_told_app', 'admin');
SELECT count(*) > 0 FROM mega_enable_rls('regress_mega_told_user');
SELECT mega_grant('regress_mega_told_user', 'user');
SELECT * FROM mega_install();
GRANT ALL ON mega_customers, mega_admin TO regress_mega_told_anon;
SELECT * FROM mega_install();
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT, UPDATE ON TABLES TO regress_mega_told_anon;
ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO regress_mega_told_anon;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO PUBLIC;
GRANT REFERENCES, TRIGGER ON mega_generations TO regress_mega_told_anon;
GRANT INSERT (mg_id, mg_pass_id), UPDATE (mg_title), REFERENCES (mg_id) ON mega_generations TO PUBLIC;
SELECT * FROM mega_install(dry_run => true);
REVOKE ALL ON mega_customers, mega_admin FROM regress_mega_told_anon;
REVOKE ALL ON mega_generations FROM PUBLIC;
SELECT * FROM mega_install();

--
-- A row without an id keeps the primary key out, also where no two rows share one; until then its index is made.
--
DROP EXTENSION mega CASCADE;
DROP TABLE mega_customers, mega_generations, mega_admin, told;
CREATE TABLE mega_customers (mg_pass_id text, mg_credits integer NOT NULL DEFAULT 0);
INSERT INTO mega_customers VALUES (NULL), ('pass:test:told');
SET mega.install = off;
CREATE EXTENSION mega;
CREATE TABLE told AS SELECT * FROM mega_install(dry_run => true);
CREATE TABLE done AS SELECT * FROM mega_install();
SELECT count(*) FROM (TABLE told EXCEPT TABLE done) t;
SELECT * FROM done WHERE object ~ '^mega_customers(.mg_pass_id|_pkey|_pass_id)$';
SELECT object, offenders, example, action FROM mega_validate() WHERE object ~ '^mega_customers(.mg_pass_id|_pkey)$';
BEGIN;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
DELETE FROM mega_customers WHERE mg_pass_id IS NULL;
ALTER TABLE mega_customers ENABLE TRIGGER USER;
COMMIT;
SELECT object, offenders, example, action FROM mega_validate() WHERE object ~ '^mega_customers(.mg_pass_id|_pkey)$';
\c :here
SET client_min_messages = warning;
DROP DATABASE regress_mega_told;
DROP ROLE regress_mega_told_anon;
DROP ROLE regress_mega_told_app;
DROP ROLE regress_mega_told_user;
