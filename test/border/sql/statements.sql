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
SELECT border_live_objects(), border_nothing_current();
SET client_min_messages = warning;
DROP SCHEMA border_first, "border ""Second""" CASCADE;
