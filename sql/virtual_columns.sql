-- Columns of mega's that are virtual generated ones, which PostgreSQL has from 18 on: Postgres takes no expression off them and
-- makes no index of them. In a database of its own.
\pset null NULL
\set SHOW_CONTEXT never
\getenv tests PG_ABS_SRCDIR
\set outcome :tests '/sql/shared/outcome.psql'
SELECT current_database() AS here, current_setting('server_version_num')::integer < 180000 AS has_none \gset
\if :has_none
\quit
\endif
CREATE DATABASE regress_virtual_columns;
\c regress_virtual_columns
SET client_min_messages = warning;
\pset format unaligned
\i :outcome
-- adopting is refused before anything is made
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_type text, mg_title text GENERATED ALWAYS AS (mg_type) VIRTUAL);
CREATE EXTENSION mega;
ALTER TABLE mega_generations DROP COLUMN mg_title, ADD COLUMN mg_title text;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_locale text, mg_email text GENERATED ALWAYS AS (mg_locale) VIRTUAL);
CREATE EXTENSION mega;
ALTER TABLE mega_customers DROP COLUMN mg_email;
-- one that no index names is told
ALTER TABLE mega_customers ADD COLUMN mg_timezone text GENERATED ALWAYS AS (mg_locale) VIRTUAL, ADD COLUMN mg_disabled boolean GENERATED ALWAYS AS (mg_locale = 'x') VIRTUAL;
CREATE EXTENSION mega;
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:a')$$);
SELECT substring(detail FROM 'ALTER TABLE .*') FROM mega_install() WHERE action = 'keep' \gexec
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:a')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:a', 5, 'grant')$$);
-- a computed end of somebody's account is read as it is computed
UPDATE mega_customers SET mg_locale = 'x' WHERE mg_pass_id = 'pass:test:a';
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:a', -1, 'still')$$);
-- a row of mega_admin that is read directly has what is computed, too
SELECT mg_id FROM mega_set_app_config('k', '1');
SELECT * FROM mega_app_config('k');
ALTER TABLE mega_admin DROP COLUMN mg_value, ADD COLUMN mg_value jsonb GENERATED ALWAYS AS (('"' || mg_key || '"')::jsonb) VIRTUAL;
SELECT * FROM mega_app_config('k');
SELECT pg_temp.outcome($$SELECT mega_set_app_config('k', '2')$$);
-- each column in its turn: what adopting says
CREATE FUNCTION pg_temp.installed(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    EXECUTE change;
    ended := pg_temp.outcome('SELECT mega_install()');
    RAISE EXCEPTION USING ERRCODE = 'U0001';
EXCEPTION WHEN SQLSTATE 'U0001' THEN
    RETURN regexp_replace(ended, ' \| Make it .*|[0-9]+$', '');
END
$$;
SELECT relation, outcome, string_agg(attname, ', ' ORDER BY attnum) AS columns
FROM (SELECT a.attrelid::regclass::text AS relation, a.attname, a.attnum, pg_temp.installed(format('ALTER TABLE %s DROP %I CASCADE, ADD %2$I %s GENERATED ALWAYS AS (NULL::%3$s) VIRTUAL', a.attrelid::regclass, a.attname, format_type(a.atttypid, NULL))) AS outcome
    FROM pg_attribute a WHERE a.attrelid = ANY (ARRAY['mega_customers'::regclass, 'mega_admin']) AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('mg_pass_id', 'mg_id')) t
GROUP BY relation, outcome ORDER BY relation COLLATE "C", outcome COLLATE "C";
-- and where one comes later mega_validate goes on
ALTER TABLE mega_customers DROP COLUMN mg_shopify_customer_id, ADD COLUMN mg_shopify_customer_id text GENERATED ALWAYS AS (mg_locale) VIRTUAL;
SELECT object, action FROM mega_validate();
\c :here
SET client_min_messages = warning;
DROP DATABASE regress_virtual_columns;
