-- Adopting MEGA tables that an application made: what is there stays, what is missing comes, rows that break a rule are
-- told and kept; the books are opened by facts; docs/adopting.md shows the first part. In databases of its own.
\pset null NULL
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE ROLE regress_mega_adopt_anon;
CREATE ROLE regress_mega_adopt_app;
CREATE ROLE regress_mega_adopt_owner;
CREATE DATABASE regress_mega_adoption TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_adoption
SET timezone = 'UTC';
SET datestyle = 'ISO';
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/outcome.psql'
\i :opening

--
-- The tables of an application: without the MMA columns, with columns, defaults, names and types of its own.
--
CREATE TABLE mega_customers (
    mg_pass_id text CONSTRAINT customers_pk PRIMARY KEY, mg_shopify_customer_id text, mg_user_id uuid, mg_email varchar(200),
    mg_credits integer DEFAULT 10, mg_expires_at timestamptz, mg_disabled boolean, mg_meta jsonb, mg_allow_listed boolean DEFAULT false,
    mg_created_at timestamptz DEFAULT now(), mg_updated_at timestamptz DEFAULT now());
CREATE TABLE mega_generations (
    mg_id text PRIMARY KEY, mg_record_type text, mg_pass_id text, mg_session_id text, mg_generation_id text, mg_type text, mg_title text,
    mg_output_url text, mg_image_url text, mg_video_url text, mg_status text, mg_delta integer, mg_reason text, mg_source text,
    mg_ref_type text, mg_ref_id text, mg_meta jsonb, mg_payload jsonb, mg_event_at timestamptz, mg_cost jsonb, mg_created_at timestamptz DEFAULT now());
CREATE TABLE mega_admin (mg_id text PRIMARY KEY, mg_record_type text, mg_key text, mg_value jsonb, mg_detail jsonb, mg_created_at timestamptz DEFAULT now());
CREATE INDEX customers_by_mail ON mega_customers (lower(mg_email));
CREATE UNIQUE INDEX customers_by_user ON mega_customers (mg_user_id);
CREATE INDEX history ON mega_generations (mg_pass_id, mg_record_type, mg_created_at DESC);
CREATE INDEX half_a_session ON mega_generations (mg_session_id, mg_created_at); -- does not do the same
CREATE TABLE invoices (id integer PRIMARY KEY, mg_pass_id text REFERENCES mega_customers);
GRANT SELECT, INSERT ON mega_customers TO regress_mega_adopt_anon;
GRANT UPDATE (mg_email) ON mega_customers TO regress_mega_adopt_app;
GRANT SELECT ON mega_generations TO PUBLIC;
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_email, mg_credits, mg_allow_listed, mg_created_at) VALUES
    ('pass:shopify:1001', '1001', 'leila@example.com', 42, true, '2025-01-01'),
    ('pass:shopify:1002', '1002', 'mona@example.com', 7, false, '2025-01-02'),
    ('pass:anon:00000000-0000-4000-8000-000000000003', 'anonymous', NULL, 10, false, '2025-01-03'),
    ('pass:anon:00000000-0000-4000-8000-000000000004', 'anonymous', NULL, -3, false, NULL),
    ('omar@example.com', '1005', 'omar@example.com', 0, false, '2025-01-05'),
    ('pass:user:00000000-0000-4000-8000-000000000006', '1002', NULL, NULL, false, '2025-01-06');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_created_at) VALUES
    ('credit_transaction:1', 'credit_transaction', 'pass:shopify:1001', 30, 'signup', 'signup', '1001', 'succeeded', '2025-01-01'),
    ('credit_transaction:2', 'credit_transaction', 'pass:shopify:1001', 30, 'signup', 'signup', '1001', 'succeeded', '2025-01-01'),
    ('credit_transaction:3', 'credit_transaction', 'pass:shopify:1002', 7, 'signup', NULL, NULL, 'pending', '2025-01-02'),
    ('credit_transaction:4', 'credit_transaction', 'pass:shopify:gone', 5, 'signup', NULL, NULL, 'succeeded', '2025-01-02'),
    ('credit_transaction:5', 'credit_transaction', NULL, 5, 'signup', NULL, NULL, 'succeeded', '2025-01-02'),
    ('tx-6', 'credit_transaction', 'omar@example.com', 4, 'signup', NULL, NULL, 'succeeded', '2025-01-02'),
    ('credit_transaction:7', 'credit_transaction', 'omar@example.com', -4, 'expired', NULL, NULL, 'succeeded', '2025-01-02'),
    ('credit_transaction:8', 'credit_transaction', 'pass:user:00000000-0000-4000-8000-000000000006', 12, 'signup', NULL, NULL, 'succeeded', NULL);
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_output_url, mg_image_url, mg_video_url, mg_status, mg_created_at) VALUES
    ('generation:1', 'generation', 'pass:shopify:1001', '1', 'https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=abc', NULL, NULL, 'finished', '2025-01-01'),
    ('generation:2', 'generation', 'pass:shopify:1001', '2', 'https://cdn.example.com/b.png', NULL, NULL, 'finished', '2025-01-01'),
    ('feedback:1', 'feedback', 'pass:shopify:1001', '1', NULL, 'ftp://example.com/a.png', 'https://user:secret@example.com/v.mp4', NULL, '2025-01-01');
INSERT INTO mega_admin (mg_id, mg_record_type, mg_key, mg_created_at) VALUES
    ('app_config:theme.v2', 'app_config', 'theme', '2025-01-01'), ('app_config:rates', 'app_config', 'prices', '2025-01-01'), ('audit 7', 'admin_audit', NULL, NULL);
CREATE TABLE files AS SELECT oid, relname, relfilenode FROM pg_class WHERE relname IN ('mega_customers', 'mega_generations', 'mega_admin');
CREATE TABLE rows_before AS
    SELECT 'c' AS relation, mg_pass_id AS key, to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT 'g', mg_id, to_jsonb(g) FROM mega_generations g UNION ALL SELECT 'a', mg_id, to_jsonb(a) FROM mega_admin a;

--
-- Adopted: warnings say what needs an eye.
--
CREATE EXTENSION mega;
-- nothing was rewritten, and no row says anything else than before
SELECT relname FROM files f WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = f.oid AND c.relfilenode = f.relfilenode);
SELECT count(*) FROM rows_before b WHERE NOT EXISTS (
    SELECT FROM (SELECT 'c' AS relation, mg_pass_id AS key, to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT 'g', mg_id, to_jsonb(g) FROM mega_generations g UNION ALL SELECT 'a', mg_id, to_jsonb(a) FROM mega_admin a) n
    WHERE n.relation = b.relation AND n.key = b.key AND n.row @> b.row);
-- what stays undone, at any time; the same in a dry run
SELECT * FROM mega_install();
(SELECT * FROM mega_install(true) EXCEPT SELECT * FROM mega_install()) UNION ALL (SELECT * FROM mega_install() EXCEPT SELECT * FROM mega_install(true));
SELECT * FROM mega_validate();
-- the application's own default of the balance is gone: it would be credits that no row explains
SELECT mg_pass_id, mg_credits FROM mega_ensure_customer('pass:shopify:2000');

--
-- The books: a dry run, the run, and nothing for a second run.
--
SELECT mg_pass_id, mg_credits, ledger_sum FROM mega_reconcile_credits();
SELECT * FROM mega_open_books(dry_run => true);
SELECT * FROM mega_open_books();
SELECT * FROM mega_open_books();
SELECT * FROM mega_reconcile_credits();
SELECT mg_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_source, mg_status, mg_meta FROM mega_generations WHERE mg_reason = 'opening' ORDER BY 1;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY mg_pass_id COLLATE "C";

--
-- Where a rule could not be added, triggers keep it for what is new; what is old may stay as it is.
--
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('odd customer, other columns', $$UPDATE mega_customers SET mg_email = 'o@example.com' WHERE mg_pass_id = 'omar@example.com'$$),
    ('odd customer, credits', $$SELECT mega_record_credit('omar@example.com', 5, 'grant')$$),
    ('odd customer, raw credits', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:20', 'omar@example.com', 1)$$),
    ('odd credit row, status', $$UPDATE mega_generations SET mg_status = 'noted' WHERE mg_id = 'tx-6'$$),
    ('odd credit row, delta', $$UPDATE mega_generations SET mg_delta = 1 WHERE mg_id = 'tx-6'$$),
    ('credit row of nobody, status', $$UPDATE mega_generations SET mg_status = 'noted' WHERE mg_id = 'credit_transaction:5'$$),
    ('credit row of a lost customer, status', $$UPDATE mega_generations SET mg_status = 'noted' WHERE mg_id = 'credit_transaction:4'$$),
    ('signed URL, title', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'generation:1'$$),
    ('signed URL, another', $$UPDATE mega_generations SET mg_output_url = 'https://h/a?X-Amz-Signature=2' WHERE mg_id = 'generation:1'$$),
    ('odd admin row', $$UPDATE mega_admin SET mg_value = '1' WHERE mg_id = 'app_config:rates'$$),
    ('odd audit', $$UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id = 'audit 7'$$),
    ('new customer', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('mina@example.com')$$),
    ('new id', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('tx-9', 'session')$$),
    ('new credit row of nobody', $$INSERT INTO mega_generations (mg_id, mg_delta) VALUES ('credit_transaction:9', 5)$$),
    ('new credit row of a lost customer', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:9', 'pass:shopify:gone', 5)$$),
    ('new session of a lost customer', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:9', 'pass:shopify:gone')$$),
    ('new event of nobody', $$INSERT INTO mega_generations (mg_id, mg_meta) VALUES ('mma_event:9', '{"event_type": "like"}')$$),
    ('new signed URL', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES ('generation:9', 'pass:shopify:1001', 'https://h/a?X-Amz-Signature=2')$$),
    ('anonymous', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:9', 'Anonymous')$$),
    ('another theme', $$INSERT INTO mega_admin (mg_id) VALUES ('app_config:theme.v3')$$)
) v(what, statement);
-- without the key of references a function still sees a replay
SELECT delta, mg_credits, replayed FROM (VALUES (5), (5)) v(delta), mega_record_credit('pass:shopify:1002', delta, 'order', txn_id => 'adopted-1', ref_type => 'order', ref_id => 'o1');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:shopify:1002', 6, 'order', ref_type => 'order', ref_id => 'o1')$$);
SELECT mg_credits FROM mega_record_credit('pass:shopify:1001', -2, 'still');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:shopify:1001', -200, 'still')$$);
SELECT mg_id, mg_credits FROM mega_hold_credit('pass:shopify:1001', 10, 'h1');
SELECT * FROM mega_capture_credit('h1', 4);
SELECT mg_id, mg_mma_status FROM mega_complete_generation('1', 'https://cdn.example.com/a.png');
SELECT mg_generation_id, mg_output_url FROM mega_generation_history('pass:shopify:1001') ORDER BY 1;
SELECT mg_delta, mg_reason, balance_after FROM mega_credit_statement('pass:user:00000000-0000-4000-8000-000000000006', 1);
SELECT * FROM mega_reconcile_credits();

--
-- Mending: customers by UPDATE, facts with the triggers off; then Postgres holds the rules, one by one.
--
UPDATE mega_customers SET mg_shopify_customer_id = NULL WHERE mg_shopify_customer_id = 'anonymous' OR mg_pass_id LIKE 'pass:user:%';
UPDATE mega_customers SET mg_created_at = '2025-01-01' WHERE mg_created_at IS NULL;
SELECT object, rule, action FROM mega_validate() WHERE offenders = 0;
BEGIN;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
ALTER TABLE mega_admin DISABLE TRIGGER USER;
UPDATE mega_generations SET mg_created_at = '2025-01-01' WHERE mg_created_at IS NULL;
UPDATE mega_generations SET mg_id = 'credit_transaction:' || mg_id WHERE mg_id = 'tx-6';
UPDATE mega_generations SET mg_ref_id = mg_ref_id || ' again' WHERE mg_id = 'credit_transaction:2';
UPDATE mega_generations SET mg_image_url = NULL, mg_video_url = NULL WHERE mg_id = 'feedback:1';
UPDATE mega_admin SET mg_id = 'admin_audit:7', mg_created_at = '2025-01-01' WHERE mg_id = 'audit 7';
ALTER TABLE mega_generations ENABLE TRIGGER USER;
ALTER TABLE mega_admin ENABLE TRIGGER USER;
COMMIT;
SELECT * FROM mega_validate();
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:shopify:gone');
SELECT * FROM mega_validate();
-- the customer who came back has a credit row that nothing projected
SELECT * FROM mega_open_books();
SELECT * FROM mega_reconcile_credits();
SELECT object, action FROM mega_install();

--
-- Snapshots of an application: its blocks and weights stand, whatever events there are, and become a fact.
--
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
INSERT INTO mega_customers (mg_pass_id, mg_mma_preferences) VALUES
    ('pass:test:plain', '{"hard_blocks": ["motion.flicker", "motion.flare"], "tag_weights": {"style.minimal": 1.8, "motion.flicker": -999}, "updated_at": "2025-12-19T10:00:00Z", "source": "mma", "theme": "dark"}'),
    ('pass:test:empty', '{"hard_blocks": [], "tag_weights": {}}'),
    ('pass:test:own', '{"theme": "light"}'),
    ('pass:test:events', '{}'),
    ('pass:test:both', '{"tag_weights": {"kept": 3, "big": 5000, "odd": "much"}, "notes": [1, 2]}'),
    ('pass:test:unblocked', '{"hard_blocks": ["still"], "tag_weights": {"freed": 0.5}}'),
    ('pass:test:list', '{}');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_meta, mg_created_at) VALUES
    ('mma_event:e1', 'mma_event', 'pass:test:events', '{"event_type": "like", "payload": {"tags": ["a", "b"]}}', '2025-01-01'),
    ('mma_event:e2', 'mma_event', 'pass:test:events', '{"event_type": "like", "payload": {"tags": ["a"]}}', '2025-01-02'),
    ('mma_event:e3', 'mma_event', 'pass:test:events', '{"event_type": "like", "payload": "nothing"}', '2025-01-02'),
    ('mma_event:e4', 'mma_event', 'pass:test:events', '{"event_type": "adored"}', '2025-01-02'),
    ('mma_event:b1', 'mma_event', 'pass:test:both', '{"event_type": "like", "payload": {"tags": ["kept", "gone"]}}', '2025-01-01'),
    ('mma_event:b2', 'mma_event', 'pass:test:both', '{"event_type": "dislike", "payload": {"hard_block": "gone too"}}', '2025-01-01'),
    ('mma_event:u1', 'mma_event', 'pass:test:unblocked', '{"event_type": "preference_set", "payload": {"hard_blocks": ["still", "freed"]}}', '2025-01-01');
CREATE EXTENSION mega;
CREATE VIEW snapshots AS SELECT mg_pass_id, mg_mma_preferences - 'positions' - 'updated_at' AS snapshot FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:%' AND mg_mma_preferences <> '{}' ORDER BY mg_pass_id COLLATE "C";
TABLE snapshots;
CREATE TABLE told AS SELECT * FROM mega_open_books(true);
CREATE TABLE done AS SELECT * FROM mega_open_books();
(TABLE told EXCEPT TABLE done) UNION ALL (TABLE done EXCEPT TABLE told);
TABLE done;
TABLE snapshots;
SELECT mg_id, mg_meta FROM mega_generations WHERE mg_id LIKE 'mma_event:opening:%' ORDER BY mg_created_at, mg_id COLLATE "C";
SELECT * FROM mega_open_books();
SELECT * FROM mega_reconcile_preferences();
-- from here on events go on
SELECT preferences -> 'tag_weights' AS weights, preferences -> 'theme' AS theme FROM mega_record_mma_event('pass:test:plain', 'like', '{"tag": "style.minimal"}');
SELECT preferences -> 'tag_weights' AS weights, preferences -> 'hard_blocks' AS blocks FROM mega_record_mma_event('pass:test:plain', 'preference_set', '{"remove_hard_blocks": ["motion.flare"]}');
SELECT * FROM mega_reconcile_preferences();

--
-- A balance further from the ledger than a row can say; one that cannot be said twice.
--
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:far', -2000000000);
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta) SELECT 'credit_transaction:far' || i, 'credit_transaction', 'pass:test:far', 2000000000 FROM generate_series(1, 2) i;
CREATE EXTENSION mega;
SELECT * FROM mega_open_books();
SELECT mg_id, mg_delta FROM mega_generations WHERE mg_id LIKE 'credit_transaction:opening:pass:test:far:%' ORDER BY 1;
-- again apart: the next number
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
UPDATE mega_customers SET mg_credits = 8 WHERE mg_pass_id = 'pass:test:far';
CREATE EXTENSION mega;
SELECT * FROM mega_open_books();
SELECT mg_id, mg_delta FROM mega_generations WHERE mg_id LIKE 'credit_transaction:opening:pass:test:far:%' ORDER BY 1;
SELECT * FROM mega_reconcile_credits();
-- the ids are the function's
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:far', 1, 'grant', txn_id => 'opening:pass:test:far:9')$$);
-- a raw row under such an id moves the balance like any other
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:opening:pass:test:far:9', 'pass:test:far', 2);
SELECT mg_credits FROM mega_balance('pass:test:far');

--
-- A trigger that changes the rows: nothing is minted, and the run says that it failed.
--
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
UPDATE mega_customers SET mg_credits = 30 WHERE mg_pass_id = 'pass:test:far';
CREATE EXTENSION mega;
CREATE FUNCTION greedy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.mg_delta := NEW.mg_delta + 1000; RETURN NEW; END $$;
CREATE TRIGGER a_greedy BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION greedy();
SELECT pg_temp.outcome('SELECT mega_open_books()');
DROP TRIGGER a_greedy ON mega_generations;
-- one that adds rows of its own: they move the balance, the opening does not
CREATE FUNCTION generous() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.mg_reason = 'opening' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES (NEW.mg_id || ' bonus', NEW.mg_pass_id, 5);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_generous BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION generous();
SELECT * FROM mega_open_books();
SELECT mg_credits FROM mega_balance('pass:test:far');
SELECT * FROM mega_reconcile_credits();
DROP TRIGGER a_generous ON mega_generations;

--
-- The owner's alone.
--
SELECT mega_grant('regress_mega_adopt_app', 'admin');
SET ROLE regress_mega_adopt_app;
SELECT pg_temp.outcome('SELECT mega_open_books()'), pg_temp.outcome('SELECT mega_validate()');
RESET ROLE;
GRANT EXECUTE ON FUNCTION mega_open_books(boolean, text), mega_validate() TO regress_mega_adopt_app;
SET ROLE regress_mega_adopt_app;
SELECT pg_temp.outcome('SELECT mega_open_books()');
SELECT pg_temp.outcome('SELECT mega_open_books(true)');
SELECT pg_temp.outcome('SELECT mega_validate()');
RESET ROLE;
-- another owner, with row security forced on himself
ALTER TABLE mega_customers OWNER TO regress_mega_adopt_owner;
ALTER TABLE mega_generations OWNER TO regress_mega_adopt_owner;
ALTER TABLE mega_admin OWNER TO regress_mega_adopt_owner;
GRANT EXECUTE ON FUNCTION mega_open_books(boolean, text), mega_validate(), mega_install(boolean), mega_reconcile_credits(text) TO regress_mega_adopt_owner;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_credits = 31 WHERE mg_pass_id = 'pass:test:far';
SELECT pg_temp.outcome('SELECT mega_open_books()');
ALTER TABLE mega_customers ENABLE TRIGGER USER;
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET ROLE regress_mega_adopt_owner;
SELECT * FROM mega_open_books();
RESET ROLE;
ALTER TABLE mega_customers DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
SELECT * FROM mega_reconcile_credits();
BEGIN READ ONLY;
SELECT pg_temp.outcome('SELECT mega_validate()'), pg_temp.outcome('SELECT mega_open_books()');
SELECT * FROM mega_open_books(dry_run => true);
ROLLBACK;

--
-- The specification's own patch before the extension, on tables without the MMA columns.
--
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_adoption;
CREATE DATABASE regress_mega_adoption TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_adoption
SET client_min_messages = warning;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer NOT NULL DEFAULT 0);
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text NOT NULL, mg_pass_id text REFERENCES mega_customers, mg_generation_id text, mg_created_at timestamptz NOT NULL DEFAULT now());
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
CREATE EXTENSION mega;
SELECT * FROM mega_install();
SELECT * FROM mega_validate();
-- what the patch made has comments now, like everything else
SELECT c.relname FROM pg_class c WHERE c.relname ~ '^mega_' AND c.relkind IN ('r', 'i') AND c.relname !~ '_pkey$' AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT conname FROM pg_constraint WHERE conname ~ '^mega_' AND contype = 'c' AND obj_description(oid, 'pg_constraint') IS NULL;
SELECT attrelid::regclass, attname FROM pg_attribute WHERE attrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass) AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
SELECT mg_credits FROM mega_record_credit((mega_ensure_customer('pass:test:1')).mg_pass_id, 5, 'grant');

--
-- An index of the same work under another name is kept; one that only looks alike is not; names that are taken.
--
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
DROP INDEX mega_customers_auto_topup, mega_generations_mma_vars_gin, mega_generations_credit_reference_key, mega_generations_refund_of, mega_generations_pending_hold,
    mega_customers_user_id_key, mega_generations_session, mega_admin_key, mega_customers_email_lower, mega_customers_shopify_customer_id_key;
CREATE INDEX alike_1 ON mega_customers (mg_pass_id) WHERE mg_auto_topup_enabled;
CREATE INDEX alike_2 ON mega_generations USING gin (mg_mma_vars);
CREATE UNIQUE INDEX alike_3 ON mega_generations (mg_ref_type, mg_ref_id, coalesce(mg_reason, '')) INCLUDE (mg_delta) WHERE (mg_record_type = 'credit_transaction' AND mg_ref_type IS NOT NULL AND mg_ref_id IS NOT NULL);
CREATE INDEX alike_4 ON mega_generations ((mg_meta #>> '{mega,refund_of}')) WITH (fillfactor = 70) WHERE mg_meta #>> '{mega,refund_of}' IS NOT NULL;
CREATE INDEX alike_5 ON mega_generations (mg_session_id);
CREATE INDEX other_1 ON mega_customers (mg_user_id) WHERE mg_user_id IS NOT NULL; -- not unique
CREATE INDEX other_2 ON mega_generations (mg_pass_id) WHERE mg_record_type = 'credit_transaction' AND mg_status = 'pending';
CREATE INDEX other_3 ON mega_admin (mg_key) WHERE mg_key <> '';
CREATE INDEX other_4 ON mega_customers (lower(mg_email) DESC) WHERE mg_email IS NOT NULL;
CREATE INDEX mega_customers_shopify_customer_id_key ON mega_admin (mg_id); -- its name
CREATE EXTENSION mega;
SELECT * FROM mega_install();
SELECT indexname FROM pg_indexes WHERE tablename ~ '^mega_' ORDER BY indexname COLLATE "C";
SELECT mg_credits, replayed FROM (VALUES (1), (2)) v(i), mega_record_credit('pass:test:1', 5 + 0 * i, 'order', ref_type => 'order', ref_id => 'o1') ORDER BY i;
SELECT * FROM mega_validate();

--
-- Tables without their keys, keys on other columns, columns that nobody fills.
--
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
DROP TABLE mega_generations, mega_customers, mega_admin;
CREATE TABLE mega_customers (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mg_pass_id text, mg_credits integer);
CREATE TABLE mega_generations (mg_id text, mg_record_type text, mg_pass_id text, mg_delta integer, mg_own text NOT NULL DEFAULT '', mg_must text NOT NULL);
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:1', 5), ('pass:test:2', 5), ('pass:test:2', 6), (NULL, 1);
INSERT INTO mega_generations VALUES ('credit_transaction:1', 'credit_transaction', 'pass:test:1', 5, '', ''), ('session:2', 'session', 'pass:test:3', NULL, '', ''), ('session:2', 'session', 'pass:test:1', NULL, '', ''), (NULL, 'session', 'pass:test:1', NULL, '', ''), ('x', NULL, NULL, NULL, '', '');
\set VERBOSITY terse
CREATE EXTENSION mega;
\set VERBOSITY default
SELECT * FROM mega_install();
SELECT * FROM mega_open_books();
ALTER TABLE mega_generations ALTER mg_must SET DEFAULT '';
UPDATE mega_customers SET mg_pass_id = mg_pass_id WHERE mg_pass_id IS NULL;
SELECT mg_credits FROM mega_record_credit('pass:test:1', 5, 'grant');
SELECT * FROM mega_reconcile_credits();
ALTER TABLE mega_customers DISABLE TRIGGER USER;
DELETE FROM mega_customers WHERE mg_pass_id IS NULL OR mg_credits = 6;
ALTER TABLE mega_customers ENABLE TRIGGER USER;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
DELETE FROM mega_generations WHERE mg_id IS NULL OR mg_id IN ('x', 'session:2');
ALTER TABLE mega_generations ENABLE TRIGGER USER;
SELECT * FROM mega_validate();
SELECT * FROM mega_install();
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass) AND contype IN ('p', 'u', 'f') ORDER BY 1;
SELECT mg_credits FROM mega_record_credit('pass:test:2', 5, 'grant');

--
-- Types that mega cannot read are refused before anything is done, and when they come later. varchar and domains do.
--
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
DROP TABLE mega_generations, mega_customers, mega_admin;
CREATE DOMAIN address AS text CHECK (VALUE <> '');
CREATE DOMAIN to_the_second AS timestamptz(0);
CREATE TABLE mega_customers (mg_pass_id varchar(100) PRIMARY KEY, mg_email address, mg_credits bigint, mg_meta json,
    mg_created_at timestamptz(6), mg_updated_at timestamptz(3), mg_last_active to_the_second);
\set VERBOSITY default
CREATE EXTENSION mega;
ALTER TABLE mega_customers ALTER COLUMN mg_credits TYPE integer;
CREATE EXTENSION mega;
ALTER TABLE mega_customers ALTER COLUMN mg_meta TYPE jsonb USING mg_meta::jsonb;
CREATE EXTENSION mega; -- times that are stored rounded are not those that were compared
ALTER TABLE mega_customers ALTER COLUMN mg_updated_at TYPE timestamptz;
CREATE EXTENSION mega;
ALTER TABLE mega_customers ALTER COLUMN mg_last_active TYPE timestamptz;
CREATE EXTENSION mega;
SELECT * FROM mega_install();
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:1', email => 'a@example.com');
ALTER TABLE mega_customers ALTER COLUMN mg_meta DROP DEFAULT, ALTER COLUMN mg_meta TYPE json;
SELECT mg_credits FROM mega_record_credit('pass:test:1', 5, 'grant');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:1', 'pass:test:1', 5);
SELECT * FROM mega_install();
ALTER TABLE mega_customers ALTER COLUMN mg_meta TYPE jsonb;
SELECT mg_credits FROM mega_record_credit('pass:test:1', 5, 'grant');
ALTER TABLE mega_generations ALTER COLUMN mg_created_at TYPE timestamptz(3);
SELECT mg_credits FROM mega_record_credit('pass:test:1', 5, 'grant');
ALTER TABLE mega_generations ALTER COLUMN mg_created_at TYPE timestamptz;
SELECT mg_credits FROM mega_record_credit('pass:test:1', 5, 'grant');

--
-- Owned by somebody else, and tables that are not ours in the same schema.
--
ALTER TABLE mega_customers OWNER TO regress_mega_adopt_owner;
GRANT EXECUTE ON FUNCTION mega_install(boolean), mega_validate() TO regress_mega_adopt_owner, regress_mega_adopt_app;
SET ROLE regress_mega_adopt_owner;
SELECT * FROM mega_install();
SELECT * FROM mega_validate();
RESET ROLE;
CREATE TABLE mega_invoices (mg_pass_id text);
SELECT * FROM mega_install();
SELECT tgname FROM pg_trigger WHERE tgrelid = 'mega_invoices'::regclass;

\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_adoption;
DROP ROLE regress_mega_adopt_anon;
DROP ROLE regress_mega_adopt_app;
DROP ROLE regress_mega_adopt_owner;
