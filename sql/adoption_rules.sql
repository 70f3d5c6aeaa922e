-- Adopting tables whose rows break rules: each rule of the three tables at least once. The rules are counted, not listed:
-- one that is new and has no row here fails the test. And what else an adopted table may bring: collations, row security,
-- default privileges, triggers that are off. In databases of its own.
\pset null NULL
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE ROLE regress_mega_rules_anon;
CREATE ROLE regress_mega_rules_app;
CREATE ROLE regress_mega_rules_owner;
CREATE DATABASE regress_mega_rules TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_rules
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET client_min_messages = error;

--
-- The rules that Postgres holds on tables of mega's own.
--
CREATE EXTENSION mega;
CREATE TABLE rules AS
    SELECT conrelid::regclass::text AS relation, conname::text AS object FROM pg_constraint
        WHERE conrelid::regclass::text ~ '^mega_' AND contype IN ('c', 'f', 'p')
    UNION ALL SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index
        WHERE indrelid::regclass::text ~ '^mega_' AND indisunique AND NOT indisprimary
    UNION ALL SELECT attrelid::regclass::text, attrelid::regclass || '.' || attname FROM pg_attribute
        WHERE attrelid::regclass::text IN ('mega_customers', 'mega_generations', 'mega_admin') AND attnotnull AND attnum > 0;
SELECT count(*) FROM rules;
-- the same tables with no rule at all
DROP EXTENSION mega CASCADE;
SELECT format('ALTER TABLE %I RENAME TO made_%s', relname, relname) FROM pg_class WHERE relname IN ('mega_customers', 'mega_generations', 'mega_admin') ORDER BY 1 \gexec
SELECT format('CREATE TABLE %s AS TABLE made_%s', relation, relation) FROM rules GROUP BY relation ORDER BY 1 \gexec
DROP TABLE made_mega_admin, made_mega_generations, made_mega_customers;

--
-- One row for each.
--
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_user_id, mg_credits, mg_mma_preferences, mg_created_at, mg_updated_at) VALUES
    ('pass:test:1', '1', NULL, 0, '{}', '2025-01-01', '2025-01-01'),
    (NULL, NULL, NULL, 0, '{}', '2025-01-01', '2025-01-01'),
    ('pass:test:twice', NULL, NULL, 0, '{}', '2025-01-01', '2025-01-01'), ('pass:test:twice', NULL, NULL, 0, '{}', '2025-01-01', '2025-01-01'),
    ('leila@example.com', NULL, NULL, 0, '{}', '2025-01-01', '2025-01-01'),
    ('pass:test:2', '1', NULL, 0, '{}', '2025-01-01', '2025-01-01'),
    ('pass:test:3', NULL, '00000000-0000-4000-8000-000000000003', 0, '{}', '2025-01-01', '2025-01-01'),
    ('pass:test:4', NULL, '00000000-0000-4000-8000-000000000003', 0, '{}', '2025-01-01', '2025-01-01'),
    ('pass:test:credits', NULL, NULL, NULL, '{}', '2025-01-01', '2025-01-01'),
    ('pass:test:preferences', NULL, NULL, 0, NULL, '2025-01-01', '2025-01-01'),
    ('pass:test:created', NULL, NULL, 0, '{}', NULL, '2025-01-01'),
    ('pass:test:updated', NULL, NULL, 0, '{}', '2025-01-01', NULL),
    ('pass:test:anonymous', ' Anonymous', NULL, 0, '{}', '2025-01-01', '2025-01-01'),
    ('pass:test:list', NULL, NULL, 0, '["style.minimal"]', '2025-01-01', '2025-01-01');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_mma_vars, mg_created_at, mg_updated_at) VALUES
    (NULL, 'session', 'pass:test:1', '{}', '2025-01-01', '2025-01-01'),
    ('session:twice', 'session', 'pass:test:1', '{}', '2025-01-01', '2025-01-01'), ('session:twice', 'session', 'pass:test:1', '{}', '2025-01-01', '2025-01-01'),
    ('session:type', NULL, 'pass:test:1', '{}', '2025-01-01', '2025-01-01'),
    ('gen-1', 'generation', 'pass:test:1', '{}', '2025-01-01', '2025-01-01'),
    ('session:lost', 'session', 'pass:test:gone', '{}', '2025-01-01', '2025-01-01'),
    ('session:vars', 'session', 'pass:test:1', NULL, '2025-01-01', '2025-01-01'),
    ('session:created', 'session', 'pass:test:1', '{}', NULL, '2025-01-01'),
    ('session:updated', 'session', 'pass:test:1', '{}', '2025-01-01', NULL);
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no, mg_step_type, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_output_url, mg_image_url, mg_video_url,
    mg_mma_mode, mg_mma_status, mg_mma_vars, mg_meta, mg_payload, mg_created_at, mg_updated_at)
SELECT r.mg_id, split_part(r.mg_id, ':', 1), r.mg_pass_id, r.mg_generation_id, r.mg_parent_id, r.mg_step_no, r.mg_step_type, r.mg_delta, r.mg_reason, r.mg_ref_type, r.mg_ref_id, r.mg_output_url, r.mg_image_url, r.mg_video_url,
    r.mg_mma_mode, r.mg_mma_status, coalesce(r.mg_mma_vars, '{}'), coalesce(r.mg_meta, '{}'), r.mg_payload, '2025-01-01', '2025-01-01'
FROM jsonb_populate_recordset(NULL::mega_generations, '[
    {"mg_id": "mma_step:g1:2", "mg_pass_id": "pass:test:1", "mg_generation_id": "g1", "mg_parent_id": "generation:g1", "mg_step_type": "scan", "mg_payload": {"input": {}, "output": {}}},
    {"mg_id": "mma_step:g1:1", "mg_pass_id": "pass:test:1", "mg_generation_id": "g1", "mg_parent_id": "generation:g1", "mg_step_no": 1, "mg_step_type": "scan"},
    {"mg_id": "credit_transaction:nobody", "mg_delta": 5},
    {"mg_id": "credit_transaction:nothing", "mg_pass_id": "pass:test:1"},
    {"mg_id": "credit_transaction:r1", "mg_pass_id": "pass:test:1", "mg_delta": 0, "mg_reason": "order", "mg_ref_type": "order", "mg_ref_id": "1"},
    {"mg_id": "credit_transaction:r2", "mg_pass_id": "pass:test:2", "mg_delta": 0, "mg_reason": "order", "mg_ref_type": "order", "mg_ref_id": "1"},
    {"mg_id": "mma_event:nobody", "mg_meta": {"event_type": "like"}},
    {"mg_id": "mma_event:odd", "mg_pass_id": "pass:test:1", "mg_meta": {"event_type": "adored"}},
    {"mg_id": "mma_event:link", "mg_pass_id": "pass:test:1", "mg_meta": {"event_type": "like", "payload": {"url": "https://h/a?X-Amz-Signature=1"}}},
    {"mg_id": "generation:output", "mg_pass_id": "pass:test:1", "mg_output_url": "https://h/a?X-Amz-Signature=1"},
    {"mg_id": "generation:mode", "mg_pass_id": "pass:test:1", "mg_mma_mode": "film"},
    {"mg_id": "generation:status", "mg_pass_id": "pass:test:1", "mg_mma_status": "finished"},
    {"mg_id": "generation:vars", "mg_pass_id": "pass:test:1", "mg_mma_vars": {"outputs": ["https://h/a?X-Amz-Signature=1"]}},
    {"mg_id": "feedback:image", "mg_pass_id": "pass:test:1", "mg_image_url": "ftp://h/a"},
    {"mg_id": "feedback:video", "mg_pass_id": "pass:test:1", "mg_video_url": "https://leila:secret@h/a"}]') r;
INSERT INTO mega_admin (mg_id, mg_record_type, mg_actor_pass_id, mg_created_at, mg_updated_at) VALUES
    (NULL, 'admin_audit', NULL, '2025-01-01', '2025-01-01'),
    ('admin_audit:twice', 'admin_audit', NULL, '2025-01-01', '2025-01-01'), ('admin_audit:twice', 'admin_audit', NULL, '2025-01-01', '2025-01-01'),
    ('admin_audit:type', NULL, NULL, '2025-01-01', '2025-01-01'),
    ('audit 1', 'admin_audit', NULL, '2025-01-01', '2025-01-01'),
    ('admin_audit:lost', 'admin_audit', 'pass:test:gone', '2025-01-01', '2025-01-01'),
    ('profile:C0FFEE00-0000-4000-8000-00000000000A', 'profile', NULL, '2025-01-01', '2025-01-01'),
    ('admin_audit:created', 'admin_audit', NULL, NULL, '2025-01-01'),
    ('admin_audit:updated', 'admin_audit', NULL, '2025-01-01', NULL);
CREATE TABLE files AS SELECT oid, relfilenode FROM pg_class WHERE relname IN ('mega_customers', 'mega_generations', 'mega_admin');
CREATE TABLE rows_before AS SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a;

--
-- Told, and left: a dry run, the run, and the run again.
--
SET mega.install = off;
CREATE EXTENSION mega;
CREATE VIEW catalogs AS
    SELECT 'a' AS what, to_jsonb(a) - '{attcacheoff}'::text[] AS entry FROM pg_attribute a WHERE attrelid IN (SELECT oid FROM files) UNION ALL SELECT 'k', to_jsonb(k) FROM pg_constraint k
    UNION ALL SELECT 'i', to_jsonb(i) FROM pg_index i WHERE indrelid IN (SELECT oid FROM files) UNION ALL SELECT 't', to_jsonb(t) FROM pg_trigger t UNION ALL SELECT 'd', to_jsonb(d) FROM pg_description d
    UNION ALL SELECT 'f', to_jsonb(f) FROM pg_attrdef f;
CREATE TABLE catalogs_before AS TABLE catalogs;
CREATE TABLE told AS SELECT * FROM mega_install(dry_run => true);
(TABLE catalogs_before EXCEPT TABLE catalogs) UNION ALL (TABLE catalogs EXCEPT TABLE catalogs_before);
CREATE TABLE done AS SELECT * FROM mega_install();
(TABLE told EXCEPT TABLE done) UNION ALL (TABLE done EXCEPT TABLE told);
SELECT action, count(*) FROM done GROUP BY 1 ORDER BY 1;
-- what is left is told again, and nothing else
(SELECT * FROM done WHERE action LIKE 'skip %' EXCEPT SELECT * FROM mega_install()) UNION ALL
    (SELECT object, action, detail FROM mega_install() EXCEPT SELECT * FROM done);
SELECT count(*) FROM files f WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = f.oid AND c.relfilenode = f.relfilenode);
SELECT count(*) FROM (TABLE rows_before EXCEPT (SELECT to_jsonb(c) FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a)) r;

--
-- Every rule has its offenders; and those that only triggers keep.
--
CREATE TABLE found AS SELECT * FROM mega_validate();
SELECT relation, object FROM rules WHERE object NOT IN (SELECT object FROM found WHERE offenders > 0) ORDER BY 1, 2;
SELECT object, rule, offenders, example FROM found ORDER BY object COLLATE "C", rule COLLATE "C";

--
-- A row that breaks a rule goes on in its other columns, and is mended in the one; another such row is refused.
--
CREATE FUNCTION pg_temp.briefly(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    touched bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN 'ok ' || touched;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT mg_id, pg_temp.briefly(format('UPDATE mega_generations SET mg_title = %L WHERE mg_id = %L', 'still', mg_id)) AS title,
    pg_temp.briefly(format('INSERT INTO mega_generations SELECT (jsonb_populate_record(NULL::mega_generations, to_jsonb(g) || %L)).* FROM mega_generations g WHERE mg_id = %L',
        jsonb_build_object('mg_id', mg_id || '9', 'mg_step_no', mg_step_no * 10 + 9), mg_id)) AS another
FROM (SELECT DISTINCT mg_id, mg_step_no FROM mega_generations WHERE mg_id NOT IN ('session:twice', 'session:created', 'session:updated', 'credit_transaction:r1')) g ORDER BY mg_id COLLATE "C";
SELECT mg_pass_id, pg_temp.briefly(format('UPDATE mega_customers SET mg_display_name = %L WHERE mg_pass_id = %L', 'still', mg_pass_id)) AS name,
    pg_temp.briefly(format('UPDATE mega_customers SET mg_credits = 9 WHERE mg_pass_id = %L', mg_pass_id)) AS credits
FROM (SELECT DISTINCT mg_pass_id FROM mega_customers WHERE mg_pass_id IS NOT NULL) c ORDER BY mg_pass_id COLLATE "C";
SELECT pg_temp.briefly($$UPDATE mega_admin SET mg_email = 'a@example.com', mg_profile_id = 'c0ffee00-0000-4000-8000-00000000000a' WHERE mg_id = 'profile:C0FFEE00-0000-4000-8000-00000000000A'$$) AS profile,
    pg_temp.briefly($$INSERT INTO mega_admin (mg_id) VALUES ('profile:C0FFEE00-0000-4000-8000-00000000000B')$$) AS another;

--
-- Triggers that are off, or somebody else's: told by name, and functions refuse to write.
--
ALTER TABLE mega_generations DISABLE TRIGGER mega_generations_project;
ALTER TABLE mega_customers ENABLE REPLICA TRIGGER mega_customers_verify;
DROP TRIGGER mega_admin_check ON mega_admin;
CREATE TRIGGER mega_admin_check BEFORE UPDATE ON mega_admin FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT * FROM mega_install() WHERE object IN ('mega_generations_project', 'mega_customers_verify', 'mega_admin_check');
SELECT pg_temp.briefly($$SELECT mega_record_credit('pass:test:1', 5, 'grant')$$);
ALTER TABLE mega_generations ENABLE TRIGGER mega_generations_project;
ALTER TABLE mega_customers ENABLE ALWAYS TRIGGER mega_customers_verify;
DROP TRIGGER mega_admin_check ON mega_admin;
SELECT object, action FROM mega_install() WHERE object IN ('mega_generations_project', 'mega_customers_verify', 'mega_admin_check');
SELECT pg_temp.briefly($$SELECT mega_record_credit('pass:test:1', 5, 'grant')$$);

--
-- Tables with other collations, row security and policies of their own, and default privileges for everybody.
--
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_rules;
CREATE DATABASE regress_mega_rules TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_rules
SET client_min_messages = warning;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO regress_mega_rules_anon, regress_mega_rules_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO regress_mega_rules_anon, regress_mega_rules_app;
CREATE TABLE mega_customers (mg_pass_id text COLLATE "POSIX" PRIMARY KEY, mg_shopify_customer_id text COLLATE "POSIX", mg_user_id uuid, mg_credits integer, mg_mma_preferences jsonb,
    mg_verified_any boolean GENERATED ALWAYS AS (mg_credits > 0) STORED);
CREATE TABLE mega_generations (mg_id text COLLATE "POSIX" PRIMARY KEY, mg_record_type text COLLATE "POSIX", mg_pass_id text COLLATE "POSIX" REFERENCES mega_customers, mg_delta integer, mg_ref_type text COLLATE "POSIX");
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mega_customers TO regress_mega_rules_app USING (mg_pass_id = 'pass:test:b');
INSERT INTO mega_customers VALUES ('pass:test:b', '1', NULL, 5), ('pass:test:B', '2', NULL, 7), ('pass:test:endless', NULL, NULL, NULL);
INSERT INTO mega_generations VALUES ('credit_transaction:b', 'credit_transaction', 'pass:test:b', 5), ('credit_transaction:B', 'credit_transaction', 'pass:test:B', 7),
    ('credit_transaction:e1', 'credit_transaction', 'pass:test:endless', 2000000000), ('credit_transaction:e2', 'credit_transaction', 'pass:test:endless', 2000000000);
SET mega.install = off;
CREATE EXTENSION mega;
SELECT object, action, detail FROM mega_install() WHERE action IN ('grant', 'keep', 'set default') OR action LIKE 'skip %';
SELECT object, action, detail FROM mega_install();
-- the table that it made is nobody's but the owner's; the others keep their grants, the functions have none
SELECT relname, relacl IS NULL OR relacl::text !~ 'regress_mega_rules' AS owner_only FROM pg_class WHERE relname IN ('mega_customers', 'mega_generations', 'mega_admin') ORDER BY 1;
SELECT count(*) FROM pg_proc WHERE proname ~ '^mega_' AND proacl::text ~ 'regress_mega_rules';
-- a ledger that no balance can follow does not stop the others
SELECT * FROM mega_open_books(dry_run => true);
SELECT * FROM mega_open_books();
SELECT mg_credits, replayed FROM (VALUES (1), (2)) v(i), mega_record_credit('pass:test:b', 5 + 0 * i, 'grant', ref_type => 'order', ref_id => '1') ORDER BY i;
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '2');
SELECT mega_grant('regress_mega_rules_app', 'app');
SET ROLE regress_mega_rules_app;
SELECT mg_pass_id, mg_credits FROM mega_customers;
SELECT mg_credits FROM mega_record_credit('pass:test:B', -4, 'still');
RESET ROLE;
SELECT polname FROM pg_policy;
SELECT * FROM mega_reconcile_credits();
-- an owner who forces row security on himself: his rows are looked at all the same
DROP EXTENSION mega CASCADE;
INSERT INTO mega_customers (mg_pass_id) VALUES ('mona@example.com');
RESET mega.install;
CREATE EXTENSION mega;
ALTER TABLE mega_customers OWNER TO regress_mega_rules_owner;
ALTER TABLE mega_generations OWNER TO regress_mega_rules_owner;
ALTER TABLE mega_admin OWNER TO regress_mega_rules_owner;
GRANT CREATE ON SCHEMA public TO regress_mega_rules_owner;
GRANT EXECUTE ON FUNCTION mega_install(boolean), mega_validate() TO regress_mega_rules_owner;
ALTER TABLE mega_customers FORCE ROW LEVEL SECURITY;
SET ROLE regress_mega_rules_owner;
SELECT count(*) FROM mega_customers;
SELECT object, action, detail FROM mega_install() WHERE action LIKE 'skip %';
SELECT object, offenders FROM mega_validate();
RESET ROLE;

--
-- Books that are odd: snapshots that are no objects, or whose members are not what they should be, or very many; pass ids
-- that are no part of an id; balances that are not there.
--
\c :home
SET client_min_messages = error;
DROP DATABASE regress_mega_rules;
CREATE DATABASE regress_mega_rules TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_rules
SET client_min_messages = error;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer, mg_mma_preferences jsonb);
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text, mg_pass_id text, mg_delta integer, mg_meta jsonb);
INSERT INTO mega_customers VALUES
    ('', 3, '{}'), (E'odd\nid', 3, '{"tag_weights": {"a": 1}}'), (repeat('long', 300), 3, '{"tag_weights": {"a": 1}}'),
    ('pass:test:endless', NULL, '{}'), ('pass:test:list', 5, '["x"]'), ('pass:test:null', 5, 'null'), ('pass:test:text', 5, '"x"'),
    ('pass:test:members', 0, '{"tag_weights": {"a": "1.8", "b": 1e400, "c": -5e3, "": 4, " d ": 2, "e": null}, "hard_blocks": [1, "x", null, "x"]}'),
    ('pass:test:shapes', 0, '{"tag_weights": [1], "hard_blocks": "x"}'), ('pass:test:source', 0, '{"source": "shop"}');
INSERT INTO mega_customers SELECT 'pass:test:huge', 0, jsonb_build_object('mine', 1, 'tag_weights', jsonb_object_agg('tag.' || i, i % 1000)) FROM generate_series(1, 5000) i;
INSERT INTO mega_generations SELECT 'credit_transaction:' || i, 'credit_transaction', 'pass:test:endless', 2000000000 FROM generate_series(1, 3) i;
INSERT INTO mega_generations VALUES ('credit_transaction:nothing', 'credit_transaction', 'pass:test:list', NULL, NULL),
    ('mma_event:1', 'mma_event', 'pass:test:list', NULL, '{"event_type": "like", "payload": {"tag": "z"}}');
CREATE EXTENSION mega;
CREATE TABLE snapshots AS SELECT mg_pass_id, mg_mma_preferences FROM mega_customers;
CREATE TABLE told AS SELECT * FROM mega_open_books(dry_run => true);
CREATE TABLE done AS SELECT * FROM mega_open_books();
(TABLE told EXCEPT TABLE done) UNION ALL (TABLE done EXCEPT TABLE told);
SELECT left(mg_pass_id, 20) AS mg_pass_id, kind, left(before, 60) AS before, left(after, 90) AS after FROM done;
SELECT * FROM mega_open_books();
SELECT * FROM mega_reconcile_credits();
SELECT * FROM mega_reconcile_preferences();
SELECT count(*), count(DISTINCT mg_pass_id) FROM mega_generations WHERE mg_id LIKE 'mma_event:opening:%';
SELECT count(*) FROM mega_customers c, snapshots s WHERE c.mg_pass_id = 'pass:test:huge' AND s.mg_pass_id = c.mg_pass_id
    AND c.mg_mma_preferences -> 'tag_weights' = s.mg_mma_preferences -> 'tag_weights' AND c.mg_mma_preferences -> 'mine' = '1';

\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_rules;
DROP ROLE regress_mega_rules_anon;
DROP ROLE regress_mega_rules_app;
DROP ROLE regress_mega_rules_owner;
