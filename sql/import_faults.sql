-- Rows of a legacy table that constraints of the application's own keep out: each is set aside and found quickly, the others go in.
\set VERBOSITY sqlstate
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_import_faults TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_import_faults
SET client_min_messages = error;
CREATE EXTENSION mega;
CREATE SCHEMA legacy;
CREATE TABLE legacy.customers (shopify_customer_id text PRIMARY KEY, credits int, created_at timestamptz);
CREATE TABLE legacy.sessions (id uuid PRIMARY KEY, shopify_customer_id text, title text, created_at timestamptz);
INSERT INTO legacy.customers VALUES ('1', 0, '2024-01-01');
INSERT INTO legacy.sessions SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '1', 'session ' || n, '2024-01-01'::timestamptz + n * interval '1 s' FROM generate_series(1, 3000) n;
ALTER TABLE mega_generations ADD CHECK (mg_title NOT IN ('session 1777', 'session 2990', 'session 2991'));

-- How often a row was on its way in, whether it stayed or not.
CREATE SEQUENCE tried;
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('public.tried'); RETURN NEW; END$$;
CREATE TRIGGER count_it BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION count_it();
CALL mega_import(legacy_schema => 'legacy', batch_size => 1000);
SELECT count(*) AS sessions FROM mega_generations WHERE mg_record_type = 'session';
SELECT mg_detail #>> '{row,title}' AS title, mg_detail ->> 'reason' AS reason FROM mega_admin_audits(action => 'import_refused') ORDER BY 1;
SELECT last_value BETWEEN 3000 AND 9000 AS every_row_a_few_times FROM tried;

-- Again: those that were refused are looked at again, nothing else is written.
SELECT setval('tried', 1) > 0 AS from_the_start;
CALL mega_import(legacy_schema => 'legacy', batch_size => 1000);
SELECT count(*) AS sessions FROM mega_generations WHERE mg_record_type = 'session';
SELECT last_value < 30 AS only_those FROM tried;

-- Where the note of a refused row is kept out, too, the import says so and ends.
ALTER TABLE mega_admin ADD CHECK (mg_action <> 'import_refused') NOT VALID;
INSERT INTO legacy.sessions VALUES ('00000000-0000-4000-8000-000000009999', '1', 'session 1777', '2024-02-01');
\set VERBOSITY default
CALL mega_import(legacy_schema => 'legacy', batch_size => 1000);
\c :home
DROP DATABASE regress_mega_import_faults;
