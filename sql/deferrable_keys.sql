-- Keys that are DEFERRABLE on the tables: with one Postgres refuses INSERT ... ON CONFLICT, by which functions insert. They are
-- refused with the constraint's name, and only they: raw rows go on, and what changes rows alone. In a database of its own.
\getenv tests PG_ABS_SRCDIR
\set outcome :tests '/sql/shared/outcome.psql'
\set beside :tests '/sql/shared/beside.psql'
\set here :DBNAME
CREATE DATABASE regress_deferrable_keys;
\c regress_deferrable_keys
SET client_min_messages = warning;
SET search_path = public;
\set SHOW_CONTEXT never
\pset null NULL
\pset format unaligned
\i :outcome
-- there before mega: each key of the tables' own, and what CREATE EXTENSION says
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_email text, mg_credits integer DEFAULT 0, mg_locale text UNIQUE DEFERRABLE);
CREATE TABLE mega_generations (mg_id text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, mg_pass_id text REFERENCES mega_customers);
CREATE EXTENSION mega;
SELECT object, action, detail FROM mega_install() WHERE action = 'keep';
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:a')$$);
SELECT substring(detail FROM 'ALTER TABLE .*') FROM mega_install(dry_run => true) WHERE action = 'keep' AND detail LIKE '%ALTER TABLE%' \gexec
SELECT object, action, detail FROM mega_install() WHERE action = 'keep';
SELECT count(*) FROM mega_ensure_customer('pass:test:a'), mega_record_credit('pass:test:a', 50, 'grant', txn_id => 'a'), mega_create_generation('pass:test:a', 'g', mma_mode => 'still');
SELECT count(*) FROM mega_set_app_config('keys', '1');

\i :beside
\pset tuples_only on
SELECT * FROM pg_temp.beside('SELECT');
SELECT * FROM pg_temp.beside('ALTER TABLE mega_generations ADD CONSTRAINT "One title" UNIQUE (mg_pass_id, mg_title) DEFERRABLE');
SELECT * FROM pg_temp.beside('ALTER TABLE mega_customers ADD UNIQUE (mg_email) DEFERRABLE INITIALLY DEFERRED');
SELECT * FROM pg_temp.beside('ALTER TABLE mega_admin ADD CONSTRAINT apart EXCLUDE USING btree (mg_route WITH =) WHERE (mg_method = ''a DEFERRABLE one'') DEFERRABLE');
-- one that is not deferrable stands in nobody's way, an exclusion constraint neither
SELECT * FROM pg_temp.beside('ALTER TABLE mega_generations ADD CONSTRAINT "One title" UNIQUE (mg_pass_id, mg_title); ALTER TABLE mega_customers ADD CONSTRAINT apart EXCLUDE USING btree (mg_email WITH =)') WHERE outcome NOT LIKE 'ok %';
-- a foreign key that is deferrable is no key of the table
SELECT * FROM pg_temp.beside('ALTER TABLE mega_admin ADD FOREIGN KEY (mg_actor_pass_id) REFERENCES mega_customers DEFERRABLE') WHERE outcome NOT LIKE 'ok %';
\pset tuples_only off
-- what comes and goes is seen by the next call
ALTER TABLE mega_generations ADD CONSTRAINT titles UNIQUE (mg_pass_id, mg_title) DEFERRABLE;
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:a', 5, 'grant')$$);
ALTER TABLE mega_generations RENAME CONSTRAINT titles TO one_title;
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:a', 5, 'grant')$$);
ALTER TABLE mega_generations DROP CONSTRAINT one_title, ADD CONSTRAINT one_title UNIQUE (mg_pass_id, mg_title);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:a', 5, 'grant')$$);
SELECT * FROM mega_reconcile_credits();
\c :here
SET client_min_messages = warning;
DROP DATABASE regress_deferrable_keys;
