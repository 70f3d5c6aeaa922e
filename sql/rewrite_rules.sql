-- Rewrite rules (CREATE RULE) on the tables: with one ON INSERT or ON UPDATE Postgres refuses INSERT ... ON CONFLICT, by which
-- functions insert. They are refused with the rule's name, and only they: raw rows go on, and what changes rows alone. In a
-- database of its own, because it changes the tables.
\getenv tests PG_ABS_SRCDIR
\set outcome :tests '/sql/shared/outcome.psql'
\set beside :tests '/sql/shared/beside.psql'
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

\i :beside
\pset format unaligned
\pset tuples_only on
SELECT kind, what, outcome FROM pg_temp.beside('SELECT');
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE "Also seen" AS ON INSERT TO mega_generations DO ALSO INSERT INTO seen VALUES (NEW.mg_id)');
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON UPDATE TO mega_generations DO ALSO INSERT INTO seen VALUES (NEW.mg_id)');
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON INSERT TO mega_customers DO ALSO INSERT INTO seen VALUES (NEW.mg_pass_id)');
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON UPDATE TO mega_customers DO ALSO INSERT INTO seen VALUES (NEW.mg_pass_id)');
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON UPDATE TO mega_admin WHERE NEW.mg_record_type = ''profile'' DO ALSO NOTHING');
-- in the place of the update: no function is told what became of its own
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON UPDATE TO mega_customers WHERE NEW.mg_email = ''x'' DO INSTEAD NOTHING') WHERE kind = 'function' OR outcome LIKE '%rule%';
-- one that is off: of those ON UPDATE Postgres asks nothing more
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON INSERT TO mega_generations DO ALSO NOTHING; ALTER TABLE mega_generations DISABLE RULE seen') WHERE outcome NOT LIKE 'ok %';
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON UPDATE TO mega_generations DO ALSO NOTHING; ALTER TABLE mega_generations DISABLE RULE seen') WHERE outcome NOT LIKE 'ok %';
-- ON DELETE stands in nobody's way
SELECT kind, what, outcome FROM pg_temp.beside('CREATE RULE seen AS ON DELETE TO mega_generations DO ALSO INSERT INTO seen VALUES (OLD.mg_id); CREATE RULE seen AS ON DELETE TO mega_customers DO ALSO NOTHING; CREATE RULE seen AS ON DELETE TO mega_admin DO ALSO NOTHING') WHERE outcome NOT LIKE 'ok %';
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
