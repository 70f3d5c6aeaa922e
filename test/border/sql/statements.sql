-- Kept statements survive errors, a rename of their schema, and new plans for their tables.
\getenv libdir PG_LIBDIR
\getenv dlsuffix PG_DLSUFFIX
\set module :libdir '/mega_border' :dlsuffix
CREATE SCHEMA border_first;
CREATE TABLE border_first.border_kept_rows (id integer PRIMARY KEY, divisor integer);
INSERT INTO border_first.border_kept_rows VALUES (1, 5), (2, 0), (3, NULL);
CREATE FUNCTION border_first.border_run_kept(id integer) RETURNS integer AS :'module' LANGUAGE C;
SELECT border_first.border_run_kept(1), border_first.border_run_kept(3), border_first.border_run_kept(4),
    border_first.border_run_kept(NULL);
SELECT border_first.border_run_kept(2);
SELECT border_first.border_run_kept(1);
SELECT state, message, live, clean FROM caught('SELECT border_first.border_run_kept(2)');
SELECT border_first.border_run_kept(1);

-- another name for the schema
ALTER SCHEMA border_first RENAME TO "border ""Second""";
SELECT "border ""Second""".border_run_kept(1);
SELECT "border ""Second""".border_run_kept(2);
SELECT "border ""Second""".border_run_kept(1);

-- a name that was another schema's before
CREATE SCHEMA border_first;
CREATE TABLE border_first.border_kept_rows (id integer PRIMARY KEY, divisor integer);
INSERT INTO border_first.border_kept_rows VALUES (1, 50);
CREATE FUNCTION border_first.border_run_kept(id integer) RETURNS integer AS :'module' LANGUAGE C;
SELECT border_first.border_run_kept(1), "border ""Second""".border_run_kept(1), border_first.border_run_kept(1);

-- renamed inside a transaction that is rolled back
BEGIN;
ALTER SCHEMA border_first RENAME TO border_third;
SELECT border_third.border_run_kept(1);
ROLLBACK;
SELECT border_first.border_run_kept(1);

-- the table changes its shape, is gone, and comes back
ALTER TABLE border_first.border_kept_rows ADD COLUMN more text;
SELECT border_first.border_run_kept(1);
ALTER TABLE border_first.border_kept_rows ALTER COLUMN divisor TYPE bigint;
SELECT border_first.border_run_kept(1);
DROP TABLE border_first.border_kept_rows;
SELECT border_first.border_run_kept(1);
CREATE TABLE border_first.border_kept_rows (id integer PRIMARY KEY, divisor integer);
INSERT INTO border_first.border_kept_rows VALUES (1, 25);
SELECT border_first.border_run_kept(1);
DISCARD PLANS;
SELECT border_first.border_run_kept(1);

-- a rule makes nothing of a statement, as long as it is there
CREATE FUNCTION border_first.border_change_kept(id integer) RETURNS bigint AS :'module' LANGUAGE C;
SELECT border_first.border_change_kept(1);
CREATE RULE nothing AS ON UPDATE TO border_first.border_kept_rows DO INSTEAD NOTHING;
SELECT border_first.border_change_kept(1), border_first.border_change_kept(1);
DROP RULE nothing ON border_first.border_kept_rows;
SELECT border_first.border_change_kept(1);

-- the schema gets another name while a statement runs, and the statement runs again inside itself
ALTER TABLE border_first.border_kept_rows RENAME TO rows;
CREATE FUNCTION public.border_rename_and_run(id integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    schema_now name := (SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'border_kept_rows' AND relkind = 'v');
    quotient integer;
BEGIN
    IF id <= 0 THEN
        RETURN 50;
    END IF;
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', schema_now, 'border_depth_' || id);
    EXECUTE format('SELECT %I.border_run_kept(%s)', 'border_depth_' || id, id - 1) INTO quotient;
    RETURN quotient + 1;
END $$;
CREATE VIEW border_first.border_kept_rows AS
    SELECT id, public.border_rename_and_run(id) AS divisor FROM generate_series(0, 9) id;
SELECT border_first.border_run_kept(5);
SELECT border_depth_1.border_run_kept(0);
ALTER SCHEMA border_depth_1 RENAME TO border_first;

-- plans of names that passed are freed; news of other schemas have nothing prepared anew
DROP VIEW border_first.border_kept_rows;
ALTER TABLE border_first.rows RENAME TO border_kept_rows;
CREATE VIEW plans AS SELECT count(*) AS plans FROM pg_backend_memory_contexts WHERE name LIKE 'CachedPlan%' OR name = 'SPI Plan';
CREATE PROCEDURE border_news(change text) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1..100 LOOP
        EXECUTE replace(change, '%', n::text);
        PERFORM border_first.border_run_kept(1);
        COMMIT;
    END LOOP;
END $$;
CALL border_news('CREATE SCHEMA IF NOT EXISTS border_other_%');
SELECT plans FROM plans
\gset
CALL border_news('DROP SCHEMA border_other_%');
CALL border_news('GRANT USAGE ON SCHEMA border_first TO pg_monitor');
SELECT plans - :plans AS more FROM plans;
DO $$
BEGIN
    FOR n IN 1..100 LOOP
        ALTER SCHEMA border_first RENAME TO border_then;
        PERFORM border_then.border_run_kept(1);
        ALTER SCHEMA border_then RENAME TO border_first;
        PERFORM border_first.border_run_kept(1);
    END LOOP;
END $$;
SELECT plans - :plans < 20 AS few_more FROM plans;
DROP VIEW plans;
DROP PROCEDURE border_news;
SELECT border_live_objects(), border_nothing_current();
SET client_min_messages = warning;
DROP SCHEMA border_first, "border ""Second""" CASCADE;
