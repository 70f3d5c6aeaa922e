-- The three tables: columns by the customer's specification, constraints, indexes, triggers and comments; mega_install as
-- installer, patch and repair; what DROP EXTENSION leaves and CREATE EXTENSION takes up again. In databases of its own.
\set VERBOSITY sqlstate
\pset null NULL
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE ROLE regress_mega_schema_owner;
CREATE DATABASE regress_mega_schema TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_schema
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION mega;
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/outcome.psql'
\i :opening
--
-- Columns: name, place, type, NOT NULL and default, written down by hand from the specification.
--
CREATE TABLE wanted (relation text, place integer, name text, type text, required boolean, default_value text);
INSERT INTO wanted VALUES
    ('mega_customers', 1, 'mg_pass_id', 'text', true, NULL),
    ('mega_customers', 2, 'mg_shopify_customer_id', 'text', false, NULL),
    ('mega_customers', 3, 'mg_user_id', 'uuid', false, NULL),
    ('mega_customers', 4, 'mg_email', 'text', false, NULL),
    ('mega_customers', 5, 'mg_first_name', 'text', false, NULL),
    ('mega_customers', 6, 'mg_last_name', 'text', false, NULL),
    ('mega_customers', 7, 'mg_display_name', 'text', false, NULL),
    ('mega_customers', 8, 'mg_locale', 'text', false, NULL),
    ('mega_customers', 9, 'mg_timezone', 'text', false, NULL),
    ('mega_customers', 10, 'mg_marketing_opt_in', 'boolean', false, 'false'),
    ('mega_customers', 11, 'mg_product_updates_opt_in', 'boolean', false, 'false'),
    ('mega_customers', 12, 'mg_credits', 'integer', true, '0'),
    ('mega_customers', 13, 'mg_expires_at', 'timestamp with time zone', false, NULL),
    ('mega_customers', 14, 'mg_last_active', 'timestamp with time zone', false, NULL),
    ('mega_customers', 15, 'mg_disabled', 'boolean', false, 'false'),
    ('mega_customers', 16, 'mg_verified_email', 'boolean', false, 'false'),
    ('mega_customers', 17, 'mg_verified_google', 'boolean', false, 'false'),
    ('mega_customers', 18, 'mg_verified_apple', 'boolean', false, 'false'),
    ('mega_customers', 19, 'mg_verified_any', 'boolean', false, 'false'),
    ('mega_customers', 20, 'mg_verification_method', 'text', false, NULL),
    ('mega_customers', 21, 'mg_verification_at', 'timestamp with time zone', false, NULL),
    ('mega_customers', 22, 'mg_verification_keynumber', 'text', false, NULL),
    ('mega_customers', 23, 'mg_topup_default_packs', 'integer', false, '3'),
    ('mega_customers', 24, 'mg_auto_topup_enabled', 'boolean', false, 'false'),
    ('mega_customers', 25, 'mg_auto_topup_monthly_limit_packs', 'integer', false, NULL),
    ('mega_customers', 26, 'mg_last_topup_at', 'timestamp with time zone', false, NULL),
    ('mega_customers', 27, 'mg_topup_source', 'text', false, NULL),
    ('mega_customers', 28, 'mg_meta', 'jsonb', false, '''{}''::jsonb'),
    ('mega_customers', 29, 'mg_source_system', 'text', false, NULL),
    ('mega_customers', 30, 'mg_deleted_at', 'timestamp with time zone', false, NULL),
    ('mega_customers', 31, 'mg_created_at', 'timestamp with time zone', true, 'clock_timestamp()'),
    ('mega_customers', 32, 'mg_updated_at', 'timestamp with time zone', true, 'clock_timestamp()'),
    ('mega_customers', 33, 'mg_mma_preferences', 'jsonb', true, '''{}''::jsonb'),
    ('mega_customers', 34, 'mg_mma_preferences_updated_at', 'timestamp with time zone', false, NULL),
    ('mega_generations', 1, 'mg_id', 'text', true, NULL),
    ('mega_generations', 2, 'mg_record_type', 'text', true, NULL),
    ('mega_generations', 3, 'mg_pass_id', 'text', false, NULL),
    ('mega_generations', 4, 'mg_session_id', 'text', false, NULL),
    ('mega_generations', 5, 'mg_generation_id', 'text', false, NULL),
    ('mega_generations', 6, 'mg_parent_id', 'text', false, NULL),
    ('mega_generations', 7, 'mg_step_no', 'integer', false, NULL),
    ('mega_generations', 8, 'mg_step_type', 'text', false, NULL),
    ('mega_generations', 9, 'mg_platform', 'text', false, NULL),
    ('mega_generations', 10, 'mg_title', 'text', false, NULL),
    ('mega_generations', 11, 'mg_type', 'text', false, NULL),
    ('mega_generations', 12, 'mg_prompt', 'text', false, NULL),
    ('mega_generations', 13, 'mg_output_url', 'text', false, NULL),
    ('mega_generations', 14, 'mg_output_key', 'text', false, NULL),
    ('mega_generations', 15, 'mg_provider', 'text', false, NULL),
    ('mega_generations', 16, 'mg_model', 'text', false, NULL),
    ('mega_generations', 17, 'mg_latency_ms', 'integer', false, NULL),
    ('mega_generations', 18, 'mg_input_chars', 'integer', false, NULL),
    ('mega_generations', 19, 'mg_output_chars', 'integer', false, NULL),
    ('mega_generations', 20, 'mg_input_tokens', 'integer', false, NULL),
    ('mega_generations', 21, 'mg_output_tokens', 'integer', false, NULL),
    ('mega_generations', 22, 'mg_content_type', 'text', false, NULL),
    ('mega_generations', 23, 'mg_status', 'text', false, NULL),
    ('mega_generations', 24, 'mg_error', 'text', false, NULL),
    ('mega_generations', 25, 'mg_result_type', 'text', false, NULL),
    ('mega_generations', 26, 'mg_comment', 'text', false, NULL),
    ('mega_generations', 27, 'mg_image_url', 'text', false, NULL),
    ('mega_generations', 28, 'mg_video_url', 'text', false, NULL),
    ('mega_generations', 29, 'mg_delta', 'integer', false, NULL),
    ('mega_generations', 30, 'mg_reason', 'text', false, NULL),
    ('mega_generations', 31, 'mg_source', 'text', false, NULL),
    ('mega_generations', 32, 'mg_ref_type', 'text', false, NULL),
    ('mega_generations', 33, 'mg_ref_id', 'text', false, NULL),
    ('mega_generations', 34, 'mg_client_version', 'text', false, NULL),
    ('mega_generations', 35, 'mg_os', 'text', false, NULL),
    ('mega_generations', 36, 'mg_browser', 'text', false, NULL),
    ('mega_generations', 37, 'mg_device', 'text', false, NULL),
    ('mega_generations', 38, 'mg_meta', 'jsonb', false, '''{}''::jsonb'),
    ('mega_generations', 39, 'mg_payload', 'jsonb', false, NULL),
    ('mega_generations', 40, 'mg_source_system', 'text', false, NULL),
    ('mega_generations', 41, 'mg_deleted_at', 'timestamp with time zone', false, NULL),
    ('mega_generations', 42, 'mg_created_at', 'timestamp with time zone', true, 'clock_timestamp()'),
    ('mega_generations', 43, 'mg_updated_at', 'timestamp with time zone', true, 'clock_timestamp()'),
    ('mega_generations', 44, 'mg_mma_mode', 'text', false, NULL),
    ('mega_generations', 45, 'mg_mma_status', 'text', false, NULL),
    ('mega_generations', 46, 'mg_mma_vars', 'jsonb', true, '''{}''::jsonb'),
    ('mega_admin', 1, 'mg_id', 'text', true, NULL),
    ('mega_admin', 2, 'mg_record_type', 'text', true, NULL),
    ('mega_admin', 3, 'mg_actor_pass_id', 'text', false, NULL),
    ('mega_admin', 4, 'mg_session_hash', 'text', false, NULL),
    ('mega_admin', 5, 'mg_user_id', 'uuid', false, NULL),
    ('mega_admin', 6, 'mg_email', 'text', false, NULL),
    ('mega_admin', 7, 'mg_ip', 'text', false, NULL),
    ('mega_admin', 8, 'mg_user_agent', 'text', false, NULL),
    ('mega_admin', 9, 'mg_first_seen_at', 'timestamp with time zone', false, NULL),
    ('mega_admin', 10, 'mg_last_seen_at', 'timestamp with time zone', false, NULL),
    ('mega_admin', 11, 'mg_profile_id', 'uuid', false, NULL),
    ('mega_admin', 12, 'mg_shopify_customer_id', 'text', false, NULL),
    ('mega_admin', 13, 'mg_action', 'text', false, NULL),
    ('mega_admin', 14, 'mg_route', 'text', false, NULL),
    ('mega_admin', 15, 'mg_method', 'text', false, NULL),
    ('mega_admin', 16, 'mg_status', 'integer', false, NULL),
    ('mega_admin', 17, 'mg_detail', 'jsonb', false, NULL),
    ('mega_admin', 18, 'mg_runtime_id', 'integer', false, NULL),
    ('mega_admin', 19, 'mg_runtime_flat', 'jsonb', false, NULL),
    ('mega_admin', 20, 'mg_key', 'text', false, NULL),
    ('mega_admin', 21, 'mg_value', 'jsonb', false, NULL),
    ('mega_admin', 22, 'mg_meta', 'jsonb', false, '''{}''::jsonb'),
    ('mega_admin', 23, 'mg_payload', 'jsonb', false, NULL),
    ('mega_admin', 24, 'mg_source_system', 'text', false, NULL),
    ('mega_admin', 25, 'mg_deleted_at', 'timestamp with time zone', false, NULL),
    ('mega_admin', 26, 'mg_created_at', 'timestamp with time zone', true, 'clock_timestamp()'),
    ('mega_admin', 27, 'mg_updated_at', 'timestamp with time zone', true, 'clock_timestamp()')
;
CREATE VIEW found AS
SELECT c.relname::text AS relation, a.attnum::integer AS place, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required, pg_get_expr(d.adbin, d.adrelid) AS default_value
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.oid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass);
SELECT relation, count(*) AS wanted, (SELECT count(*) FROM found f WHERE f.relation = w.relation) AS found FROM wanted w GROUP BY relation ORDER BY relation;
(TABLE wanted EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE wanted) ORDER BY 1, 2;
-- ids are compared by bytes
SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum) AS by_bytes FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relname LIKE 'mega\_%' AND c.relkind = 'r' AND a.attcollation = '"C"'::regcollation GROUP BY 1 ORDER BY 1;

--
-- Constraints, indexes, triggers; everything has its comment, only primary keys speak for themselves.
--
SELECT conrelid::regclass AS relation, conname, contype, convalidated AS valid, condeferrable AS deferrable, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE conrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass) AND contype IN ('p', 'f', 'c', 'u') ORDER BY conrelid::regclass::text, conname;
SELECT indrelid::regclass AS relation, pg_get_indexdef(indexrelid) AS definition FROM pg_index
WHERE indrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass) ORDER BY indrelid::regclass::text, indexrelid::regclass::text;
-- a balance change stays HOT: no index on customers looks at what it writes, save at an end that is reached
SELECT count(*) FROM pg_index WHERE indrelid = 'mega_customers'::regclass AND pg_get_indexdef(indexrelid) ~ 'mg_credits|mg_updated_at|mg_last_active|mg_meta';
SELECT tgrelid::regclass AS relation, regexp_replace(pg_get_triggerdef(oid), '^CREATE TRIGGER ', '') AS definition, tgenabled FROM pg_trigger
WHERE tgrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass) AND NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname;
SELECT 'relation' AS kind, relname::text AS name FROM pg_class WHERE relname ~ '^mega_' AND relkind IN ('r', 'v', 'S') AND obj_description(oid, 'pg_class') IS NULL
UNION ALL SELECT 'index', indexrelid::regclass::text FROM pg_index WHERE indexrelid::regclass::text ~ '^mega_' AND NOT indisprimary AND obj_description(indexrelid, 'pg_class') IS NULL
UNION ALL SELECT 'column', attrelid::regclass || '.' || attname FROM pg_attribute WHERE attrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass) AND attnum > 0 AND col_description(attrelid, attnum) IS NULL
UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE conname ~ '^mega_' AND contype IN ('f', 'c', 'u') AND obj_description(oid, 'pg_constraint') IS NULL
UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE tgname ~ '^mega_' AND NOT tgisinternal AND obj_description(oid, 'pg_trigger') IS NULL
UNION ALL SELECT 'function', p.oid::regprocedure::text FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'mega' AND obj_description(p.oid, 'pg_proc') IS NULL
UNION ALL SELECT 'extension', extname FROM pg_extension WHERE extname = 'mega' AND obj_description(oid, 'pg_extension') IS NULL
ORDER BY 1, 2;
-- `(f(…)).*` calls a function once for each column: whatever writes and returns columns says how to call it
SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'mega' AND p.prokind = 'f' AND p.provolatile = 'v' AND p.prorettype = 'record'::regtype AND obj_description(p.oid, 'pg_proc') NOT LIKE '%. Call it as SELECT * FROM. %' ORDER BY 1;

--
-- What the extension owns: functions only, all of them C, none that names a table's row type, none in SQL.
--
SELECT d.classid::regclass AS catalog, bool_and(p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')) AS in_c, bool_or(EXISTS (SELECT FROM pg_type t WHERE t.typrelid <> 0 AND t.oid = ANY (p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}') || p.prorettype) AND t.oid <> 'record'::regtype)) AS names_a_row_type
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid LEFT JOIN pg_proc p ON p.oid = d.objid WHERE e.extname = 'mega' AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass GROUP BY 1;
SELECT c.relname, c.relowner = e.extowner AS extension_owners, EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') AS member FROM pg_class c, pg_extension e WHERE e.extname = 'mega' AND c.relkind = 'r' AND c.relname ~ '^mega_' ORDER BY 1;
-- no overloads
SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'mega' GROUP BY 1 HAVING count(*) > 1;
-- reads are STABLE, writers VOLATILE and never parallel; predicates are frozen
SELECT p.proname, p.provolatile AS volatility, p.proparallel AS parallel, p.proisstrict AS strict, p.prosecdef AS definer, p.proconfig FROM pg_proc p
WHERE p.proname IN ('mega_is_pass_id', 'mega_is_record_id', 'mega_is_permanent_url', 'mega_has_expiring_url', 'mega_pass_id', 'mega_ensure_customer', 'mega_customer', 'mega_version', 'mega_install', 'mega_grant', 'mega_record_credit', 'mega_balance', 'mega_credit_statement', 'mega_reconcile_credits', 'mega_is_restoring') ORDER BY 1;
-- argument names and OUT columns are part of the contract
SELECT p.proname, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result FROM pg_proc p
WHERE p.proname IN ('mega_pass_id', 'mega_ensure_customer', 'mega_version', 'mega_install', 'mega_grant', 'mega_record_credit', 'mega_balance', 'mega_credit_statement', 'mega_reconcile_credits') ORDER BY 1;
-- mega_customer returns the customer's columns
SELECT count(*) FROM (SELECT n, t FROM (SELECT unnest(proargnames[2:]) AS n, unnest(proallargtypes[2:]) AS t FROM pg_proc WHERE proname = 'mega_customer') o
    INTERSECT SELECT attname::text, atttypid FROM pg_attribute WHERE attrelid = 'mega_customers'::regclass AND attnum > 0) same;

--
-- mega_install: nothing to do; what is missing comes back; a dry run only tells.
--
SELECT * FROM mega_install();
SELECT * FROM mega_install(true);
SELECT * FROM mega_install(NULL);
SET quote_all_identifiers = on;
SELECT * FROM mega_install();
RESET quote_all_identifiers;
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:1');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at) VALUES ('credit_transaction:1', 'pass:test:1', 5, '2025-01-01');
CREATE VIEW definitions AS
SELECT conname::text AS name, pg_get_constraintdef(oid) || coalesce(obj_description(oid, 'pg_constraint'), '') AS definition FROM pg_constraint WHERE conname ~ '^mega_' AND contype IN ('p', 'f', 'c', 'u')
UNION ALL SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) || coalesce(obj_description(indexrelid, 'pg_class'), '') FROM pg_index WHERE indexrelid::regclass::text ~ '^mega_'
UNION ALL SELECT tgname, pg_get_triggerdef(oid) || coalesce(obj_description(oid, 'pg_trigger'), '') FROM pg_trigger WHERE tgname ~ '^mega_'
UNION ALL SELECT relation || '.' || name, concat_ws(' ', type, required, default_value, col_description(relation::regclass, place)) FROM found WHERE name <> 'mg_comment';
CREATE TABLE definitions_before AS TABLE definitions;
ALTER TABLE mega_generations DROP COLUMN mg_comment, ALTER mg_created_at DROP DEFAULT, ALTER mg_meta DROP DEFAULT, ALTER mg_updated_at DROP NOT NULL;
DROP INDEX mega_generations_session, mega_generations_credit_reference_key, mega_customers_mma_preferences_gin;
DROP TRIGGER mega_generations_project ON mega_generations;
DROP TRIGGER mega_customers_check ON mega_customers;
ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_pass_id_fkey, DROP CONSTRAINT mega_generations_mma_step_requires_fields, DROP CONSTRAINT mega_generations_output_url_permanent;
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:1', 1, 'grant')$$);
SELECT object, action, detail FROM mega_install(true);
SELECT count(*) FROM mega_install(true);
SELECT object, action FROM mega_install();
SELECT * FROM mega_install();
(TABLE definitions_before EXCEPT TABLE definitions) UNION ALL (TABLE definitions EXCEPT TABLE definitions_before);
SELECT mg_credits FROM mega_record_credit('pass:test:1', 1, 'grant', txn_id => '2');
-- a constraint and an index of the same name that the user changed are left as they are
ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_mma_event_requires_fields, ADD CONSTRAINT mega_generations_mma_event_requires_fields CHECK (true);
DROP INDEX mega_generations_session;
CREATE INDEX mega_generations_session ON mega_generations (mg_session_id, mg_created_at);
SELECT object, action FROM mega_install();
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'mega_generations_mma_event_requires_fields';
SELECT pg_get_indexdef('mega_generations_session'::regclass);
ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_mma_event_requires_fields;
DROP INDEX mega_generations_session;
SELECT object, action FROM mega_install();
-- in a transaction that is rolled back nothing stays, in a read-only one nothing is done
BEGIN;
DROP TRIGGER mega_generations_project ON mega_generations;
SELECT object, action FROM mega_install();
ROLLBACK;
BEGIN;
DROP INDEX mega_generations_session;
SET TRANSACTION READ ONLY;
SELECT object, action FROM mega_install();
ROLLBACK;

--
-- The specification's own patch, twice: it finds everything there.
--
SET client_min_messages = error;
CREATE TABLE definitions_now AS TABLE definitions;
CREATE FUNCTION pg_temp.patch() RETURNS void LANGUAGE plpgsql AS $patch$
BEGIN
    alter table if exists public.mega_customers
      add column if not exists mg_mma_preferences jsonb not null default '{}'::jsonb,
      add column if not exists mg_mma_preferences_updated_at timestamptz;
    create index if not exists mega_customers_mma_preferences_gin
      on public.mega_customers using gin (mg_mma_preferences);
    alter table if exists public.mega_generations
      add column if not exists mg_parent_id text,
      add column if not exists mg_step_no int,
      add column if not exists mg_step_type text,
      add column if not exists mg_mma_mode text,
      add column if not exists mg_mma_status text,
      add column if not exists mg_mma_vars jsonb not null default '{}'::jsonb;
    create index if not exists mega_generations_generation_recordtype_stepno
      on public.mega_generations (mg_generation_id, mg_record_type, mg_step_no);
    create index if not exists mega_generations_pass_recordtype_created
      on public.mega_generations (mg_pass_id, mg_record_type, mg_created_at desc);
    create index if not exists mega_generations_mma_vars_gin
      on public.mega_generations using gin (mg_mma_vars);
    begin
      alter table public.mega_generations
        add constraint mega_generations_mma_step_requires_fields
        check (
          mg_record_type <> 'mma_step'
          or (
            mg_step_no is not null
            and mg_step_type is not null
            and mg_parent_id like 'generation:%'
            and mg_generation_id is not null
          )
        );
    exception when duplicate_object then
      null;
    end;
end $patch$;
SELECT pg_temp.patch();
SELECT pg_temp.patch();
RESET client_min_messages;
(TABLE definitions_now EXCEPT TABLE definitions) UNION ALL (TABLE definitions EXCEPT TABLE definitions_now);
SELECT * FROM mega_install();

--
-- DROP EXTENSION takes functions, triggers and the CHECKs that use functions; every row stays, and CREATE EXTENSION adopts them.
--
SELECT left(pg_temp.outcome('DROP EXTENSION mega'), 5);
SET client_min_messages = warning;
CREATE TABLE rows_before AS SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g;
DROP EXTENSION mega CASCADE;
SELECT count(*) FROM rows_before;
(TABLE rows_before EXCEPT (SELECT to_jsonb(c) FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g));
SELECT conname FROM pg_constraint WHERE conname ~ '^mega_' AND contype IN ('p', 'f', 'c', 'u') ORDER BY 1;
SELECT count(*) FROM pg_trigger WHERE tgname ~ '^mega_';
SELECT count(*) FROM pg_proc WHERE proname ~ '^mega_';
CREATE EXTENSION mega;
(TABLE definitions_now EXCEPT TABLE definitions) UNION ALL (TABLE definitions EXCEPT TABLE definitions_now);
(TABLE rows_before EXCEPT (SELECT to_jsonb(c) FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g));
SELECT relname FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e' WHERE relname ~ '^mega_';
SELECT * FROM mega_install();
SELECT mg_credits FROM mega_record_credit('pass:test:1', 1, 'grant', txn_id => '3');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:1', 1, 'grant', txn_id => '3');
SELECT pg_temp.outcome('DELETE FROM mega_generations');
SELECT * FROM mega_reconcile_credits();

--
-- Rows that broke a rule while nothing kept it: the CHECK stays away and the report says why; the trigger keeps the rule for what is new.
--
DROP EXTENSION mega CASCADE;
INSERT INTO mega_customers (mg_pass_id) VALUES ('leila'), ('mona');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_output_url, mg_delta) VALUES ('x1', 'generation', 'leila', 'https://h/a?se=1&sig=1', NULL), ('x2', 'credit_transaction', 'leila', NULL, 40), ('x3', 'credit_transaction', 'mona', NULL, 2);
UPDATE mega_customers SET mg_credits = 40 WHERE mg_pass_id = 'leila';
CREATE EXTENSION mega;
SELECT object, action, detail FROM mega_install();
SELECT conname FROM pg_constraint WHERE conname IN ('mega_customers_pass_id_shape', 'mega_generations_id_shape', 'mega_generations_output_url_permanent', 'mega_generations_image_url_permanent') ORDER BY 1;
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('old customer, other columns', $$UPDATE mega_customers SET mg_email = 'leila@example.com' WHERE mg_pass_id = 'leila'$$),
    ('old row, other columns', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'x1'$$),
    ('old row, other signed URL', $$UPDATE mega_generations SET mg_output_url = 'https://h/b?se=1&sig=1' WHERE mg_id = 'x1'$$),
    ('new customer', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('mina')$$),
    ('new row', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('x4', 'generation')$$)
) v(what, statement);
-- what the books do not agree on is shown, not mended in silence
SELECT * FROM mega_reconcile_credits();

--
-- Tables as applications of this family made them: plain types, no keys but the primary ones, rows in them.
--
\c :home
SET client_min_messages = warning;
CREATE DATABASE regress_mega_schema2 TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_schema2
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_email varchar(200), mg_credits integer, mg_own_column text);
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text, mg_pass_id text, mg_delta integer, mg_created_at timestamptz);
INSERT INTO mega_customers VALUES ('pass:test:1', 'a@example.com', 7, 'mine'), ('pass:test:2', NULL, NULL, NULL);
INSERT INTO mega_generations VALUES ('credit_transaction:1', 'credit_transaction', 'pass:test:1', 7, '2024-01-01'), ('session:1', 'session', 'pass:test:1', NULL, NULL);
CREATE EXTENSION mega;
SELECT * FROM mega_install();
SELECT mg_pass_id, mg_email, mg_credits, mg_own_column, mg_mma_preferences, mg_created_at IS NOT NULL AS dated FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_pass_id, mg_delta, mg_created_at, mg_mma_vars FROM mega_generations ORDER BY 1;
SELECT mg_credits FROM mega_record_credit('pass:test:1', 1, 'grant', txn_id => '2');
SELECT mg_credits FROM mega_record_credit('pass:test:2', 1, 'grant', txn_id => '3');
SELECT * FROM mega_reconcile_credits();
-- the projection has filled one hole: what was left out is added
SELECT object, action FROM mega_install();

--
-- An empty schema: a dry run tells what it would make and makes nothing.
--
DROP EXTENSION mega CASCADE;
DROP TABLE mega_generations, mega_admin, mega_customers;
CREATE EXTENSION mega;
DROP TABLE mega_generations, mega_admin, mega_customers;
SELECT object, action, detail FROM mega_install(true) WHERE action = 'create table';
CREATE TABLE told AS SELECT object, action, detail FROM mega_install(true);
SELECT action, count(*) > 2 AS some FROM told GROUP BY 1 ORDER BY 1;
SELECT to_regclass('mega_customers'), to_regclass('mega_generations'), to_regclass('mega_admin');
\set VERBOSITY default
SELECT mega_balance('pass:test:1');
SELECT mega_record_credit('pass:test:1', 1, 'grant');
\set VERBOSITY sqlstate
-- what it does is what it told
CREATE TABLE done AS SELECT object, action, detail FROM mega_install();
(TABLE told EXCEPT TABLE done) UNION ALL (TABLE done EXCEPT TABLE told);
SELECT * FROM mega_install();
-- tables that somebody else owns are not adopted
ALTER TABLE mega_admin OWNER TO regress_mega_schema_owner;
GRANT EXECUTE ON FUNCTION mega_install(boolean) TO regress_mega_schema_owner;
SET ROLE regress_mega_schema_owner;
SELECT * FROM mega_install();
RESET ROLE;
ALTER TABLE mega_customers OWNER TO regress_mega_schema_owner;
ALTER TABLE mega_generations OWNER TO regress_mega_schema_owner;
SET ROLE regress_mega_schema_owner;
SELECT * FROM mega_install();
RESET ROLE;
-- a view, or a partitioned table, is no table of ours
DROP TABLE mega_admin;
CREATE VIEW mega_admin AS SELECT 1 AS mg_id;
SELECT * FROM mega_install();
DROP VIEW mega_admin;
CREATE TABLE mega_admin (mg_id text) PARTITION BY LIST (mg_id);
SELECT * FROM mega_install();
DROP TABLE mega_admin;

--
-- A schema of its own, with a name that has to be quoted, renamed later.
--
DROP EXTENSION mega CASCADE;
CREATE SCHEMA "My ""Studio's""; x";
CREATE EXTENSION mega SCHEMA "My ""Studio's""; x";
SELECT count(*) FROM pg_class WHERE relnamespace = '"My ""Studio''s""; x"'::regnamespace AND relkind = 'r';
SELECT mg_pass_id FROM "My ""Studio's""; x".mega_ensure_customer('pass:test:1');
SELECT mg_credits FROM "My ""Studio's""; x".mega_record_credit('pass:test:1', 5, 'grant', txn_id => '1');
BEGIN;
SELECT count(*) > 0 AS told FROM "My ""Studio's""; x".mega_enable_rls('regress_mega_schema_owner');
SELECT "My ""Studio's""; x".mega_grant('regress_mega_schema_owner', 'user');
ROLLBACK;
ALTER SCHEMA "My ""Studio's""; x" RENAME TO studio;
SELECT mg_credits, replayed FROM studio.mega_record_credit('pass:test:1', 5, 'grant', txn_id => '1');
SELECT mg_credits FROM studio.mega_record_credit('pass:test:1', 5, 'grant', txn_id => '2');
INSERT INTO studio.mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:3', 'pass:test:1', 1);
SELECT mg_credits FROM studio.mega_balance('pass:test:1');
SELECT * FROM studio.mega_install();
SELECT * FROM studio.mega_reconcile_credits();

--
-- A restore is told by the five settings that it begins with: then the tables are left to it.
--
SELECT studio.mega_is_restoring();
SET row_security = off;
SET xmloption = content;
SET statement_timeout = 0;
SET lock_timeout = 0;
SELECT studio.mega_is_restoring();
SET idle_in_transaction_session_timeout = 0;
SELECT studio.mega_is_restoring();
DROP EXTENSION mega CASCADE;
DROP SCHEMA studio CASCADE;
DROP TABLE mega_generations, mega_customers;
CREATE EXTENSION mega;
SELECT count(*) FROM pg_class WHERE relname IN ('mega_customers', 'mega_generations', 'mega_admin') AND relkind = 'r' AND relnamespace = (SELECT extnamespace FROM pg_extension WHERE extname = 'mega');

\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_schema;
DROP DATABASE regress_mega_schema2;
DROP ROLE regress_mega_schema_owner;
