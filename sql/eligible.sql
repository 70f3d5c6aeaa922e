-- What a table carries decides which way functions write: with only what mega knows they write directly, with anything
-- else through SQL; either way what the table carries has its effect. In a database of its own, because it changes the
-- tables.
\set here :DBNAME
CREATE DATABASE regress_eligible;
\c regress_eligible
SET client_min_messages = error;
CREATE EXTENSION mega;
\set VERBOSITY sqlstate
\pset null NULL
SET timezone = 'UTC';
SET mega.write_path = 'auto';
CREATE SCHEMA regress_eligible;
CREATE SEQUENCE regress_eligible.number;
CREATE TABLE regress_eligible.seen (what text);
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:eligible'), ('pass:test:eligible-probe');
SELECT mg_mma_status FROM mega_create_generation('pass:test:eligible', 'eligible'), mega_update_generation('eligible', 'queued');

-- Which way a credit, a hold's capture and an event take: directly no trigger function of mega is called.
CREATE FUNCTION pg_temp.way() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    fired bigint;
    called CONSTANT text := 'SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE funcname LIKE ''mega\_trigger\_%''';
BEGIN
    PERFORM set_config('track_functions', 'all', true);
    EXECUTE called INTO before;
    PERFORM mega_record_credit('pass:test:eligible-probe', 5, 'grant');
    PERFORM mega_hold_credit('pass:test:eligible-probe', 2, 'eligible-probe');
    PERFORM mega_capture_credit('eligible-probe', 1);
    PERFORM mega_record_mma_event('pass:test:eligible-probe', 'like', '{"tag": "probe"}');
    PERFORM mega_ensure_customer(shopify_customer_id => 'eligible-probe');
    PERFORM mega_ensure_customer(shopify_customer_id => 'eligible-probe', email => 'probe@example.com');
    EXECUTE called INTO fired;
    RAISE EXCEPTION USING ERRCODE = 'P0042';
EXCEPTION
    WHEN SQLSTATE 'P0042' THEN
        RETURN CASE WHEN fired = before THEN 'direct' ELSE 'sql' END;
    WHEN OTHERS THEN
        RETURN SQLSTATE;
END
$$;

-- Works through the functions and tells what is wrong: 'ok', or how it ended.
CREATE FUNCTION pg_temp.works() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    who CONSTANT text := 'pass:test:eligible';
    n CONSTANT text := 'eligible-' || nextval('regress_eligible.number');
    before CONSTANT integer := (SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who);
    rows_before CONSTANT bigint := (SELECT count(*) FROM mega_generations WHERE mg_pass_id = who);
    answered integer;
    replay boolean;
    stored integer;
    summed bigint;
BEGIN
    PERFORM mega_record_credit(who, 10, 'grant');
    PERFORM mega_record_credit(who, -3, 'order', ref_type => 'order', ref_id => n);
    SELECT r.replayed INTO replay FROM mega_record_credit(who, -3, 'order', ref_type => 'order', ref_id => n) r;
    PERFORM mega_hold_credit(who, 2, n);
    SELECT r.mg_credits INTO answered FROM mega_capture_credit(n, 1) r;
    PERFORM mega_record_mma_event(who, 'like', '{"tag": "cat"}', event_id => n);
    PERFORM mega_append_mma_step('eligible', 'scan');
    SELECT c.mg_credits INTO stored FROM mega_customers c WHERE c.mg_pass_id = who;
    SELECT sum(g.mg_delta) INTO summed FROM mega_generations g WHERE g.mg_pass_id = who AND g.mg_record_type = 'credit_transaction';
    IF answered <> before + 6 OR stored <> answered OR summed <> stored THEN
        RETURN format('before %s, answered %s, stored %s, summed %s', before, answered, stored, summed);
    ELSIF NOT replay THEN
        RETURN 'no replay';
    ELSIF (SELECT count(*) FROM mega_generations WHERE mg_pass_id = who) <> rows_before + 6 THEN
        RETURN 'rows are missing';
    ELSIF (SELECT mg_status FROM mega_generations WHERE mg_id = 'credit_transaction:hold:' || n) <> 'succeeded' THEN
        RETURN 'the hold is not settled';
    ELSIF EXISTS (SELECT FROM mega_reconcile_preferences(who)) OR EXISTS (SELECT FROM mega_reconcile_credits(who)) THEN
        RETURN 'the books disagree';
    END IF;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
-- Does it, looks which way and whether it works, asks a question, and takes all of it back. afterwards: the way that is
-- taken then.
CREATE FUNCTION pg_temp.try(change text, question text DEFAULT NULL, OUT way text, OUT works text, OUT answer text, OUT afterwards text) LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        EXECUTE change;
        way := pg_temp.way();
        works := pg_temp.works();
        IF question IS NOT NULL THEN
            EXECUTE question INTO answer;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'P0042';
    EXCEPTION
        WHEN SQLSTATE 'P0042' THEN NULL;
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
            answer := SQLSTATE || ' ' || said;
    END;
    afterwards := pg_temp.way();
END
$$;
-- How a statement ends.
CREATE FUNCTION pg_temp.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
-- Whether an index finds as many rows as the table has.
CREATE FUNCTION pg_temp.found_by_index(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    by_index bigint;
    by_table bigint;
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true);
    EXECUTE 'SELECT count(*) FROM ' || condition INTO by_index;
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true),
        set_config('enable_bitmapscan', 'off', true), set_config('enable_indexonlyscan', 'off', true);
    EXECUTE 'SELECT count(*) FROM ' || condition INTO by_table;
    PERFORM set_config(name, 'on', true) FROM unnest('{enable_indexscan,enable_bitmapscan,enable_indexonlyscan}'::text[]) name;
    RETURN CASE WHEN by_index = by_table AND by_table > 0 THEN 'all found' ELSE by_index || ' of ' || by_table || ' found' END;
END
$$;
CREATE FUNCTION regress_eligible.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_eligible.seen VALUES (TG_WHEN || ' ' || TG_OP || ' ' || TG_LEVEL);
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE FUNCTION regress_eligible.is_small(number integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(abs(number) < 1000000, true)';
CREATE FUNCTION regress_eligible.shout(said text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN upper(said); END';
CREATE FUNCTION regress_eligible.is_spend(number integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN number < 0; END';
CREATE FUNCTION regress_eligible.inlined(said text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(said)';

-- nothing but what mega knows
SELECT pg_temp.way(), pg_temp.works();
SET mega.write_path = 'sql';
SELECT pg_temp.way(), pg_temp.works();
SET mega.write_path = 'auto';

--
-- Triggers of others fire.
--
SELECT name, t.* FROM (VALUES
    ('before row', 'BEFORE INSERT OR UPDATE ON mega_generations FOR EACH ROW'),
    ('after row', 'AFTER INSERT OR UPDATE ON mega_generations FOR EACH ROW'),
    ('before statement', 'BEFORE INSERT ON mega_generations FOR EACH STATEMENT'),
    ('after statement', 'AFTER UPDATE ON mega_generations FOR EACH STATEMENT'),
    ('customers, before row', 'BEFORE UPDATE ON mega_customers FOR EACH ROW'),
    ('customers, after statement', 'AFTER UPDATE ON mega_customers FOR EACH STATEMENT'),
    ('on a column', 'AFTER UPDATE OF mg_credits ON mega_customers FOR EACH ROW'),
    ('with a condition', 'AFTER INSERT ON mega_generations FOR EACH ROW WHEN (NEW.mg_reason = ''capture'')'),
    ('on delete only', 'BEFORE DELETE ON mega_customers FOR EACH ROW')
) v(name, trigger), LATERAL pg_temp.try('CREATE TRIGGER zzz ' || trigger || ' EXECUTE FUNCTION regress_eligible.note()',
    $$SELECT string_agg(what || ' ' || times, ', ' ORDER BY what) FROM (SELECT what, count(*) AS times FROM regress_eligible.seen GROUP BY 1) s$$) t;
SELECT * FROM pg_temp.try('CREATE TRIGGER zzz AFTER INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_eligible.note(); ALTER TABLE mega_generations DISABLE TRIGGER zzz',
    'SELECT count(*) FROM regress_eligible.seen');
SELECT * FROM pg_temp.try('CREATE CONSTRAINT TRIGGER zzz AFTER INSERT ON mega_generations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION regress_eligible.note()',
    'SET CONSTRAINTS ALL IMMEDIATE; SELECT count(*) > 0 FROM regress_eligible.seen');

--
-- Columns.
--
SELECT name, t.* FROM (VALUES
    ('nullable', 'ALTER TABLE mega_generations ADD COLUMN extra text', 'SELECT count(extra) FROM mega_generations WHERE mg_pass_id = ''pass:test:eligible'''),
    ('dropped again', 'ALTER TABLE mega_generations ADD COLUMN extra text; ALTER TABLE mega_generations DROP COLUMN extra; ALTER TABLE mega_customers ADD COLUMN extra integer DEFAULT 1; ALTER TABLE mega_customers DROP COLUMN extra', NULL),
    ('default', 'ALTER TABLE mega_generations ADD COLUMN extra text DEFAULT ''x''', 'SELECT bool_and(extra = ''x'') FROM mega_generations WHERE mg_pass_id = ''pass:test:eligible'''),
    ('default of customers', 'ALTER TABLE mega_customers ADD COLUMN extra text DEFAULT ''x''', 'SELECT extra FROM mega_customers WHERE mg_pass_id = ''pass:test:eligible'''),
    ('default for what was there only', 'ALTER TABLE mega_customers ADD COLUMN extra text DEFAULT ''x''; ALTER TABLE mega_customers ALTER COLUMN extra DROP DEFAULT', 'SELECT extra FROM mega_customers WHERE mg_pass_id = ''pass:test:eligible'''),
    ('the same in the ledger', 'ALTER TABLE mega_generations ADD COLUMN extra text DEFAULT ''x''; ALTER TABLE mega_generations ALTER COLUMN extra DROP DEFAULT', 'SELECT count(*) FILTER (WHERE extra = ''x'') > 0 AND count(*) FILTER (WHERE extra IS NULL) > 0 FROM mega_generations WHERE mg_pass_id = ''pass:test:eligible'''),
    ('generated', 'ALTER TABLE mega_generations ADD COLUMN extra text GENERATED ALWAYS AS (mg_reason || ''!'') STORED', 'SELECT string_agg(DISTINCT extra, '' '' ORDER BY extra) FROM mega_generations WHERE mg_pass_id = ''pass:test:eligible'''),
    ('generated of customers', 'ALTER TABLE mega_customers ADD COLUMN extra integer GENERATED ALWAYS AS (mg_credits * 2) STORED', 'SELECT extra = 2 * mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:eligible'''),
    ('identity', 'ALTER TABLE mega_generations ADD COLUMN extra bigint GENERATED BY DEFAULT AS IDENTITY', 'SELECT count(extra) = count(*) FROM mega_generations'),
    ('not null', 'ALTER TABLE mega_generations ADD COLUMN extra text; UPDATE mega_generations SET extra = ''x''; ALTER TABLE mega_generations ALTER COLUMN extra SET NOT NULL', NULL),
    ('not null with a default', 'ALTER TABLE mega_generations ADD COLUMN extra text NOT NULL DEFAULT ''x''', 'SELECT bool_and(extra = ''x'') FROM mega_generations'),
    ('another default of a column of the spec', 'ALTER TABLE mega_generations ALTER COLUMN mg_platform SET DEFAULT ''web''', 'SELECT string_agg(DISTINCT mg_platform, '' '') FROM mega_generations WHERE mg_pass_id = ''pass:test:eligible'''),
    ('a column of the spec that is not null', 'ALTER TABLE mega_customers ALTER COLUMN mg_meta SET NOT NULL', NULL),
    ('varchar', 'ALTER TABLE mega_generations ALTER COLUMN mg_source TYPE varchar(40)', NULL),
    ('domain', 'CREATE DOMAIN regress_eligible.word AS text CHECK (VALUE <> ''''); ALTER TABLE mega_generations ALTER COLUMN mg_source TYPE regress_eligible.word', NULL),
    ('domain with a default', 'CREATE DOMAIN regress_eligible.word AS text DEFAULT ''x''; ALTER TABLE mega_generations ADD COLUMN extra regress_eligible.word', 'SELECT bool_and(extra = ''x'') FROM mega_generations')
) v(name, change, question), LATERAL pg_temp.try(change, question) t;

--
-- Constraints are kept.
--
SELECT name, t.* FROM (VALUES
    ('check through a domain', 'CREATE DOMAIN regress_eligible.word AS text CHECK (regress_eligible.shout(VALUE) <> ''''); ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (coalesce(mg_reason::regress_eligible.word, ''x'') <> '''')', $$SELECT mega_record_credit('pass:test:eligible', 1, 'grant')$$),
    ('another check of a known name', 'ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_id_shape; ALTER TABLE mega_generations ADD CONSTRAINT mega_generations_id_shape CHECK (regress_eligible.is_small(mg_delta))', $$SELECT mega_record_credit('pass:test:eligible', 1000000, 'grant')$$),
    ('check', 'ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (mg_delta < 500)', $$SELECT mega_record_credit('pass:test:eligible', 500, 'grant')$$),
    ('check that is not valid', 'ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (mg_delta < 1) NOT VALID', $$SELECT mega_record_credit('pass:test:eligible', 500, 'grant')$$),
    ('check of customers', 'ALTER TABLE mega_customers ADD CONSTRAINT own CHECK (mg_credits >= 0) NOT VALID', $$SELECT mega_record_credit('pass:test:eligible', -5000, 'spend', allow_negative => true)$$),
    ('check with a function', 'ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (regress_eligible.is_small(mg_delta))', $$SELECT mega_record_credit('pass:test:eligible', 1000000, 'grant')$$),
    ('check of customers with a function', 'ALTER TABLE mega_customers ADD CONSTRAINT own CHECK (regress_eligible.is_small(mg_credits)) NOT VALID', $$SELECT mega_record_credit('pass:test:eligible', 1000000, 'grant')$$),
    ('ours by another name', 'ALTER TABLE mega_generations RENAME CONSTRAINT mega_generations_id_shape TO own', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:', 'pass:test:eligible')$$),
    ('foreign key', 'CREATE TABLE regress_eligible.source (name text PRIMARY KEY); ALTER TABLE mega_generations ADD FOREIGN KEY (mg_source) REFERENCES regress_eligible.source', $$SELECT mega_record_credit('pass:test:eligible', 1, 'grant', source => 'nowhere')$$),
    ('foreign key of customers', 'CREATE TABLE regress_eligible.source (name text PRIMARY KEY); ALTER TABLE mega_customers ADD FOREIGN KEY (mg_topup_source) REFERENCES regress_eligible.source', $$UPDATE mega_customers SET mg_topup_source = 'nowhere' WHERE mg_pass_id = 'pass:test:eligible'$$),
    ('referenced by others', 'CREATE TABLE regress_eligible.liked (mg_id text REFERENCES mega_generations, mg_pass_id text REFERENCES mega_customers)', $$INSERT INTO regress_eligible.liked VALUES ('session:none', NULL)$$),
    ('referenced by others by what never changes', 'ALTER TABLE mega_generations ADD UNIQUE (mg_id, mg_record_type); CREATE TABLE regress_eligible.liked (mg_id text COLLATE "C", kind text, FOREIGN KEY (mg_id, kind) REFERENCES mega_generations (mg_id, mg_record_type))', $$INSERT INTO regress_eligible.liked VALUES ('session:none', 'session')$$),
    ('referenced by others by their own column', 'ALTER TABLE mega_generations ADD COLUMN extra integer UNIQUE; CREATE TABLE regress_eligible.liked (extra integer REFERENCES mega_generations (extra))', $$INSERT INTO regress_eligible.liked VALUES (1)$$),
    ('another foreign key of our name', 'CREATE TABLE regress_eligible.customers (mg_pass_id text COLLATE "C" PRIMARY KEY); ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_pass_id_fkey; ALTER TABLE mega_generations ADD CONSTRAINT mega_generations_pass_id_fkey FOREIGN KEY (mg_pass_id) REFERENCES regress_eligible.customers NOT VALID', $$SELECT mega_record_credit('pass:test:eligible', 1, 'grant')$$),
    ('another one beside ours', 'CREATE TABLE regress_eligible.mega_customers (mg_pass_id text COLLATE "C" PRIMARY KEY); ALTER TABLE mega_generations ADD FOREIGN KEY (mg_pass_id) REFERENCES regress_eligible.mega_customers NOT VALID', $$SELECT mega_record_credit('pass:test:eligible', 1, 'grant')$$),
    ('a key of other columns', 'ALTER TABLE mega_customers ADD UNIQUE (mg_pass_id, mg_display_name); ALTER TABLE mega_generations ADD FOREIGN KEY (mg_pass_id, mg_title) REFERENCES mega_customers (mg_pass_id, mg_display_name)', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_title) VALUES ('session:eligible', 'pass:test:eligible', 'x')$$),
    ('our foreign key by another name', 'ALTER TABLE mega_generations RENAME CONSTRAINT mega_generations_pass_id_fkey TO own', $$SELECT mega_record_credit('pass:test:eligible-nobody', 1, 'grant')$$),
    ('our foreign key, deferred', 'ALTER TABLE mega_generations ALTER CONSTRAINT mega_generations_pass_id_fkey DEFERRABLE INITIALLY DEFERRED', $$SELECT mega_record_credit('pass:test:eligible-nobody', 1, 'grant')$$),
    ('no foreign key', 'ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_pass_id_fkey', $$SELECT mega_record_credit('pass:test:eligible-nobody', 1, 'grant')$$),
    ('unique', 'CREATE UNIQUE INDEX own ON mega_generations (mg_pass_id) WHERE mg_reason = ''signup''', $$SELECT mega_record_credit('pass:test:eligible', 1, 'signup'), mega_record_credit('pass:test:eligible', 1, 'signup')$$),
    ('unique on customers', 'CREATE UNIQUE INDEX own ON mega_customers (mg_credits) WHERE mg_credits = 4711', $$SELECT mega_record_credit('pass:test:eligible', 4711 - c.mg_credits, 'grant'), mega_record_credit('pass:test:eligible-probe', 4711 - d.mg_credits, 'grant') FROM mega_customers c, mega_customers d WHERE c.mg_pass_id = 'pass:test:eligible' AND d.mg_pass_id = 'pass:test:eligible-probe'$$)
) v(name, change, refused), LATERAL pg_temp.try(change, format('SELECT pg_temp.state_of(%L)', refused)) t;

-- Rows of others that follow a column of ours.
SELECT name, t.* FROM (VALUES
    ('status of a generation', 'ALTER TABLE mega_generations ADD UNIQUE (mg_id, mg_mma_status); CREATE TABLE regress_eligible.job (mg_id text COLLATE "C", status text, FOREIGN KEY (mg_id, status) REFERENCES mega_generations (mg_id, mg_mma_status) ON UPDATE CASCADE); INSERT INTO regress_eligible.job VALUES (''generation:eligible'', ''queued'')',
        'SELECT mega_update_generation(''eligible'', ''scanning''); SELECT status FROM regress_eligible.job'),
    ('balance', 'ALTER TABLE mega_customers ADD UNIQUE (mg_pass_id, mg_credits); CREATE TABLE regress_eligible.copied (mg_pass_id text COLLATE "C", balance integer, FOREIGN KEY (mg_pass_id, balance) REFERENCES mega_customers (mg_pass_id, mg_credits) ON UPDATE CASCADE DEFERRABLE); INSERT INTO regress_eligible.copied SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:eligible''',
        'SELECT bool_and(balance = mg_credits) FROM regress_eligible.copied JOIN mega_customers USING (mg_pass_id)')
) v(name, change, question), LATERAL pg_temp.try(change, question) t;

--
-- Indexes get their entries.
--
SELECT name, t.* FROM (VALUES
    ('plain', 'CREATE INDEX own ON mega_generations (mg_delta)', 'mega_generations WHERE mg_delta = -3'),
    ('several columns', 'CREATE INDEX own ON mega_generations (mg_pass_id, mg_delta DESC) INCLUDE (mg_reason)', 'mega_generations WHERE mg_pass_id = ''pass:test:eligible'' AND mg_delta = -3'),
    ('partial', 'CREATE INDEX own ON mega_generations (mg_pass_id) WHERE mg_delta < 0', 'mega_generations WHERE mg_pass_id = ''pass:test:eligible'' AND mg_delta < 0'),
    ('expression', 'CREATE INDEX own ON mega_generations (lower(mg_reason))', 'mega_generations WHERE lower(mg_reason) = ''order'''),
    ('expression with a function of somebody', 'CREATE INDEX own ON mega_generations (regress_eligible.shout(mg_reason))', 'mega_generations WHERE regress_eligible.shout(mg_reason) = ''ORDER'''),
    ('condition with a function of somebody', 'CREATE INDEX own ON mega_generations (mg_reason) WHERE regress_eligible.is_spend(mg_delta)', 'mega_generations WHERE mg_reason = ''order'' AND regress_eligible.is_spend(mg_delta)'),
    ('a function that Postgres takes apart', 'CREATE INDEX own ON mega_generations (regress_eligible.inlined(mg_reason))', 'mega_generations WHERE regress_eligible.inlined(mg_reason) = ''ORDER'''),
    ('hash', 'CREATE INDEX own ON mega_generations USING hash (mg_reason)', 'mega_generations WHERE mg_reason = ''order'''),
    ('gin', 'CREATE INDEX own ON mega_generations USING gin (mg_meta jsonb_path_ops)', 'mega_generations WHERE mg_meta @> ''{"event_type": "like"}'''),
    ('brin', 'CREATE INDEX own ON mega_generations USING brin (mg_created_at)', 'mega_generations WHERE mg_created_at > now() - interval ''1 hour'''),
    ('customers, the balance', 'CREATE INDEX own ON mega_customers (mg_credits)', 'mega_customers WHERE mg_credits = (SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:eligible'')'),
    ('customers, an expression of the balance', 'CREATE INDEX own ON mega_customers ((mg_credits / 2)) WHERE mg_credits > 5', 'mega_customers WHERE mg_credits / 2 = (SELECT mg_credits / 2 FROM mega_customers WHERE mg_pass_id = ''pass:test:eligible'') AND mg_credits > 5'),
    ('customers, brin on what changes', 'CREATE INDEX own ON mega_customers USING brin (mg_updated_at); CREATE INDEX own_too ON mega_customers USING brin (mg_credits)', 'mega_customers WHERE mg_updated_at > now() - interval ''1 hour'''),
    ('customers, gin on the preferences', 'CREATE INDEX own ON mega_customers USING gin (mg_mma_preferences)', 'mega_customers WHERE mg_mma_preferences @> ''{"source": "mma"}'' AND mg_pass_id = ''pass:test:eligible''')
) v(name, change, condition), LATERAL pg_temp.try(change, format('SELECT pg_temp.found_by_index(%L)', condition)) t;
-- The keys that functions look by.
SELECT name, t.* FROM (VALUES
    ('no reference key', 'DROP INDEX mega_generations_credit_reference_key'),
    ('reference key by another name', 'ALTER INDEX mega_generations_credit_reference_key RENAME TO own; ALTER TABLE mega_generations SET (autovacuum_enabled = true)'),
    ('reference key of another shape', 'DROP INDEX mega_generations_credit_reference_key; CREATE UNIQUE INDEX mega_generations_credit_reference_key ON mega_generations (mg_ref_type, mg_ref_id, coalesce(mg_reason, '''')) WHERE mg_record_type = ''credit_transaction'' AND mg_ref_id > ''m'''),
    ('reference key that is not unique', 'DROP INDEX mega_generations_credit_reference_key; CREATE INDEX mega_generations_credit_reference_key ON mega_generations (mg_ref_type, mg_ref_id, coalesce(mg_reason, '''')) WHERE mg_record_type = ''credit_transaction'' AND mg_ref_type IS NOT NULL AND mg_ref_id IS NOT NULL'),
    ('reference key that leaves out types', 'SET LOCAL mega.unkeyed_ref_types = ''admin,null,two words''; SELECT mega_install()'),
    ('reference key that leaves out a type that is a key', 'SET LOCAL mega.unkeyed_ref_types = ''admin,null,two words''; SELECT mega_install(); SET LOCAL mega.unkeyed_ref_types = ''two words,null'''),
    ('no index of pending holds', 'DROP INDEX mega_generations_pending_hold'),
    ('no primary key', 'ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_pkey'),
    ('no primary key of customers', 'ALTER TABLE mega_customers DROP CONSTRAINT mega_customers_pkey CASCADE'),
    ('no key of Shopify ids', 'DROP INDEX mega_customers_shopify_customer_id_key'),
    ('no key of user ids', 'DROP INDEX mega_customers_user_id_key')
) v(name, change), LATERAL pg_temp.try(change, 'SELECT mega_balance(''pass:test:eligible-probe'')') t;
-- Defaults of customers, other than ours.
CREATE FUNCTION regress_eligible.packs() RETURNS integer LANGUAGE sql RETURN 7;
CREATE FUNCTION regress_eligible.credited() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RETURN r.mg_credits - r.mg_credits + 9 FROM mega_record_credit('pass:test:eligible-probe', 1, 'grant') r;
END
$$;
CREATE FUNCTION regress_eligible.made() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    new_one boolean;
BEGIN
    SELECT e.created INTO new_one FROM mega_ensure_customer(pass_id => 'pass:test:eligible-new') e;
    RETURN (SELECT (c.mg_topup_default_packs, c.mg_verified_any, c.mg_source_system, new_one) FROM mega_customer('pass:test:eligible-new') c);
END
$$;
SELECT name, t.* FROM (VALUES
    ('another value', 'ALTER TABLE mega_customers ALTER mg_topup_default_packs SET DEFAULT 5'),
    ('none', 'ALTER TABLE mega_customers ALTER mg_topup_default_packs DROP DEFAULT'),
    ('a function', 'ALTER TABLE mega_customers ALTER mg_topup_default_packs SET DEFAULT regress_eligible.packs()'),
    ('a function that writes here', 'ALTER TABLE mega_customers ALTER mg_topup_default_packs SET DEFAULT regress_eligible.credited()'),
    ('verified', 'ALTER TABLE mega_customers ALTER mg_verified_email SET DEFAULT true'),
    ('credits', 'ALTER TABLE mega_customers ALTER mg_credits SET DEFAULT 5')
) v(name, change), LATERAL pg_temp.try(change, 'SELECT regress_eligible.made()') t;
-- Keys that are checked late, and rules: SQL's ON CONFLICT, by which a key is claimed, is refused with some of them.
SELECT name, t.* FROM (VALUES
    ('deferrable unique', 'ALTER TABLE mega_generations ADD CONSTRAINT own UNIQUE (mg_output_key) DEFERRABLE'),
    ('exclusion', 'ALTER TABLE mega_generations ADD CONSTRAINT own EXCLUDE USING btree (mg_output_key WITH =)'),
    ('exclusion of customers', 'ALTER TABLE mega_customers ADD CONSTRAINT own EXCLUDE USING btree (mg_verification_keynumber WITH =)'),
    ('rule on insert', 'CREATE RULE own AS ON INSERT TO mega_generations DO ALSO INSERT INTO regress_eligible.seen VALUES (NEW.mg_id)'),
    ('rule on update of customers', 'CREATE RULE own AS ON UPDATE TO mega_customers DO ALSO INSERT INTO regress_eligible.seen VALUES (NEW.mg_pass_id)')
) v(name, change), LATERAL pg_temp.try(change, 'SELECT count(*) > 0 FROM regress_eligible.seen') t;

--
-- Tables.
--
SELECT name, t.* FROM (VALUES
    ('a child', 'CREATE TABLE regress_eligible.child () INHERITS (mega_generations)', NULL),
    ('a child that is gone', 'CREATE TABLE regress_eligible.child () INHERITS (mega_generations); SELECT pg_temp.way(); DROP TABLE regress_eligible.child', NULL),
    ('a child that was taken out', 'CREATE TABLE regress_eligible.child () INHERITS (mega_generations); SELECT pg_temp.way(); ALTER TABLE regress_eligible.child NO INHERIT mega_generations', NULL),
    ('a partition that was taken out', 'CREATE TABLE regress_eligible.parent (LIKE mega_generations) PARTITION BY LIST (mg_source_system); ALTER TABLE regress_eligible.parent ATTACH PARTITION mega_generations DEFAULT; SELECT pg_temp.way(); ALTER TABLE regress_eligible.parent DETACH PARTITION mega_generations', NULL),
    ('a child of customers', 'CREATE TABLE regress_eligible.child () INHERITS (mega_customers)', NULL),
    ('a parent', 'CREATE TABLE regress_eligible.parent (mg_id text COLLATE "C"); ALTER TABLE mega_generations INHERIT regress_eligible.parent', 'SELECT count(*) > 0 FROM regress_eligible.parent'),
    ('a partition', 'CREATE TABLE regress_eligible.parent (LIKE mega_generations) PARTITION BY LIST (mg_source_system); ALTER TABLE regress_eligible.parent ATTACH PARTITION mega_generations DEFAULT', 'SELECT count(*) > 0 FROM regress_eligible.parent'),
    ('row security', 'ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY; ALTER TABLE mega_generations ENABLE ROW LEVEL SECURITY', NULL),
    ('forced row security', 'ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY; ALTER TABLE mega_customers FORCE ROW LEVEL SECURITY', NULL),
    ('not logged', 'ALTER TABLE mega_generations SET UNLOGGED', NULL),
    ('replica identity full', 'ALTER TABLE mega_customers REPLICA IDENTITY FULL; ALTER TABLE mega_generations REPLICA IDENTITY FULL', NULL),
    ('replica identity nothing', 'ALTER TABLE mega_customers REPLICA IDENTITY NOTHING', NULL),
    ('replica identity full, published', 'ALTER TABLE mega_customers REPLICA IDENTITY FULL; CREATE PUBLICATION regress_eligible FOR TABLE mega_customers, mega_generations', NULL),
    ('replica identity nothing, published', 'ALTER TABLE mega_customers REPLICA IDENTITY NOTHING; CREATE PUBLICATION regress_eligible FOR TABLE mega_customers', NULL),
    ('ledger with replica identity nothing, published', 'ALTER TABLE mega_generations REPLICA IDENTITY NOTHING; CREATE PUBLICATION regress_eligible FOR TABLE mega_generations', NULL),
    ('the same, only what is inserted', 'ALTER TABLE mega_customers REPLICA IDENTITY NOTHING; CREATE PUBLICATION regress_eligible FOR TABLE mega_customers WITH (publish = ''insert'')', NULL)
) v(name, change, question), LATERAL pg_temp.try(change, question) t;

-- Rows that come into the ledger by a partitioned table would not be projected, and those of a child keep no rule:
-- nothing is written, and a child's rows are not counted.
BEGIN;
CREATE TABLE regress_eligible.parent (LIKE mega_generations INCLUDING DEFAULTS) PARTITION BY LIST (mg_record_type);
ALTER TABLE regress_eligible.parent ATTACH PARTITION mega_generations DEFAULT;
SELECT pg_temp.state_of(statement) FROM (VALUES
    ($$INSERT INTO regress_eligible.parent (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:eligible', 'pass:test:eligible', 7)$$),
    ($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:eligible', 'pass:test:eligible', 7)$$),
    ($$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'generation:eligible'$$),
    ($$SELECT mega_update_generation('eligible', 'scanning')$$), ($$SELECT mega_start_session('pass:test:eligible')$$),
    ($$SELECT mega_ensure_customer('pass:test:eligible')$$), ($$SELECT mega_balance('pass:test:eligible')$$)) v(statement);
ROLLBACK;
BEGIN;
CREATE TABLE regress_eligible.child () INHERITS (mega_generations);
CREATE TABLE regress_eligible.customers () INHERITS (mega_customers);
INSERT INTO regress_eligible.customers (mg_pass_id) VALUES ('pass:test:eligible');
INSERT INTO regress_eligible.child (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_status, mg_meta) VALUES
    ('credit_transaction:hold:child', 'credit_transaction', 'pass:test:eligible', -7, 'pending', '{}'),
    ('mma_event:child', 'mma_event', 'pass:test:eligible', NULL, NULL, '{"event_type": "like", "payload": {"tag": "child"}}');
SELECT pg_temp.state_of(statement) FROM (VALUES
    ($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:eligible', 'pass:test:eligible', 7)$$),
    ($$SELECT mega_record_credit('pass:test:eligible', 7, 'grant')$$)) v(statement);
SELECT (SELECT count(*) FROM mega_reconcile_credits()) + (SELECT count(*) FROM mega_reconcile_credits('pass:test:eligible')) AS credits,
    (SELECT count(*) FROM mega_reconcile_preferences()) + (SELECT count(*) FROM mega_reconcile_preferences('pass:test:eligible')) AS preferences,
    (SELECT held FROM mega_balance('pass:test:eligible')), (SELECT count(*) FROM mega_customer('pass:test:eligible')) AS customers,
    (SELECT count(*) FROM mega_credit_statement('pass:test:eligible') WHERE mg_id LIKE '%child') AS statement, (SELECT count(*) FROM mega_mma_events('pass:test:eligible') WHERE mg_id LIKE '%child') AS events;
ROLLBACK;

--
-- Functions of mega's triggers, hung on its tables a second time.
--
SELECT name, t.* FROM (VALUES
    ('check', 'BEFORE INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_check()'),
    ('check, on condition', 'BEFORE INSERT ON mega_generations FOR EACH ROW WHEN (NEW.mg_delta > 0) EXECUTE FUNCTION mega_trigger_ledger_check()'),
    ('check, of a column', 'BEFORE UPDATE OF mg_status ON mega_generations FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_check()'),
    ('verify', 'AFTER INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_verify()'),
    ('project', 'AFTER INSERT ON mega_generations REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION mega_trigger_ledger_project()'),
    ('check of customers', 'BEFORE INSERT OR UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION mega_trigger_customer_check()'),
    ('verify of customers', 'AFTER INSERT OR UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION mega_trigger_customer_verify()'),
    ('verify of customers, late', 'AFTER INSERT OR UPDATE ON mega_customers DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION mega_trigger_customer_verify()')
) v(name, trigger), LATERAL pg_temp.try(format('CREATE %s TRIGGER %s %s', CASE WHEN trigger LIKE '%DEFERRABLE%' THEN 'CONSTRAINT' END, CASE WHEN name LIKE 'verify%' THEN 'a_first' ELSE 'zzz' END, trigger),
    $$SELECT pg_temp.state_of('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES (''credit_transaction:eligible-twice'', ''pass:test:eligible'', 7)')$$) t;
SELECT * FROM pg_temp.try('CREATE TRIGGER zzz BEFORE INSERT ON mega_admin FOR EACH ROW EXECUTE FUNCTION mega_trigger_admin_check()', $$SELECT pg_temp.state_of('INSERT INTO mega_admin (mg_id) VALUES (''runtime_config:1'')')$$);

--
-- Changes of functions that an index or a constraint calls.
--
CREATE FUNCTION regress_eligible.allowed(number integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (regress_eligible.allowed(mg_delta));
SELECT pg_temp.way(), pg_temp.state_of($$SELECT mega_record_credit('pass:test:eligible', 77, 'grant')$$);
CREATE OR REPLACE FUNCTION regress_eligible.allowed(number integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN number IS DISTINCT FROM 77; END';
SELECT pg_temp.way(), pg_temp.state_of($$SELECT mega_record_credit('pass:test:eligible', 77, 'grant')$$);
ALTER TABLE mega_generations DROP CONSTRAINT own;
SELECT pg_temp.way(), pg_temp.state_of($$SELECT mega_record_credit('pass:test:eligible', 77, 'grant')$$);

--
-- Errors in the midst of a write leave nothing behind, and the session goes on.
--
ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (mg_reason <> 'refused');
ALTER TABLE mega_customers ADD CONSTRAINT own CHECK (mg_credits <> 987654);
CREATE UNIQUE INDEX own ON mega_generations (mg_pass_id) WHERE mg_reason = 'once';
SELECT mg_credits AS before FROM mega_customers WHERE mg_pass_id = 'pass:test:eligible' \gset
BEGIN;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 1, 'once');
SAVEPOINT a;
SELECT mega_record_credit('pass:test:eligible', 2, 'refused');
ROLLBACK TO a;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 3, 'grant');
SAVEPOINT b;
SELECT mega_record_credit('pass:test:eligible', 4, 'once');
ROLLBACK TO b;
-- behind the ledger row: the projection fails
SELECT mega_record_credit('pass:test:eligible', 987654 - :before - 4, 'grant');
ROLLBACK TO b;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 5, 'grant');
-- a subtransaction that is given up behind what it wrote
SAVEPOINT c;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 100, 'grant', txn_id => 'eligible-c');
SELECT mg_credits - :before AS moved FROM mega_hold_credit('pass:test:eligible', 10, 'eligible-c');
ROLLBACK TO c;
SELECT mg_credits - :before AS moved, replayed FROM mega_record_credit('pass:test:eligible', 6, 'grant', txn_id => 'eligible-c');
SELECT outcome FROM mega_capture_credit('eligible-c');
ROLLBACK TO c;
SELECT mg_credits - :before AS moved, replayed FROM mega_record_credit('pass:test:eligible', 7, 'grant', txn_id => 'eligible-c');
-- and one that is kept
SAVEPOINT d;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 8, 'grant');
RELEASE d;
COMMIT;
SELECT mg_credits - :before AS moved FROM mega_customers WHERE mg_pass_id = 'pass:test:eligible';
BEGIN;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 1000, 'grant');
ROLLBACK;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 1, 'grant');
ALTER TABLE mega_generations DROP CONSTRAINT own;
ALTER TABLE mega_customers DROP CONSTRAINT own;
DROP INDEX own;

-- A cursor that was opened before sees what was there then; one row at a time writes, too.
BEGIN;
DECLARE before_writes CURSOR FOR SELECT mg_credits - :before AS moved FROM mega_customers WHERE mg_pass_id = 'pass:test:eligible';
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', 50, 'grant');
FETCH before_writes;
DECLARE writes CURSOR FOR SELECT (mega_record_credit('pass:test:eligible', n, 'grant')).mg_credits - :before AS moved FROM generate_series(1, 3) n;
FETCH 1 FROM writes;
SELECT mg_credits - :before AS moved FROM mega_record_credit('pass:test:eligible', -60, 'grant');
FETCH 2 FROM writes;
CLOSE writes;
ROLLBACK;
-- one call for each row of a query that reads what they write: its snapshot is older than they are
SELECT c.mg_credits - :before AS seen, r.mg_credits - :before AS moved
FROM mega_customers c, generate_series(1, 3) n, mega_record_credit(c.mg_pass_id, n, 'grant') r WHERE c.mg_pass_id = 'pass:test:eligible' ORDER BY n;

-- Where nothing may be written.
BEGIN READ ONLY;
SELECT mega_record_credit('pass:test:eligible', 1, 'grant');
ROLLBACK;
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT mega_hold_credit('pass:test:eligible', 1, 'eligible-ro');
ROLLBACK;
SET default_transaction_read_only = on;
SELECT mega_record_mma_event('pass:test:eligible', 'like', '{"tag": "a"}');
RESET default_transaction_read_only;
-- functions that write are for the leader: no plan gives them to a worker
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT proname, proparallel FROM pg_proc WHERE proname ~ '^mega_(record|hold|capture|release|refund|transfer|start|create|update|complete|fail|append|ensure|expire)' AND proparallel <> 'u';
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- called by a function that says it does not write
CREATE FUNCTION pg_temp.stable_grant() RETURNS integer LANGUAGE plpgsql STABLE AS 'BEGIN RETURN mg_credits FROM mega_record_credit(''pass:test:eligible'', 1, ''grant''); END';
SELECT pg_temp.stable_grant() - mg_credits AS granted FROM mega_customers WHERE mg_pass_id = 'pass:test:eligible';
-- the three levels of isolation, two calls in each
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT b.mg_credits - a.mg_credits AS moved FROM mega_record_credit('pass:test:eligible', 1, 'grant') a, mega_record_credit('pass:test:eligible', 2, 'grant') b;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT b.mg_credits - a.mg_credits AS moved FROM mega_record_credit('pass:test:eligible', 1, 'grant') a, mega_record_credit('pass:test:eligible', 2, 'grant') b;
COMMIT;

-- The tables are written anew between two calls of one session: where a customer stood is forgotten.
INSERT INTO mega_customers (mg_pass_id, mg_meta) SELECT 'pass:test:eligible-filler-' || n, jsonb_build_object('filler', repeat('x', 500)) FROM generate_series(1, 2000) n;
SELECT mg_credits FROM mega_record_credit('pass:test:eligible-filler-2000', 1, 'grant');
BEGIN;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
DELETE FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:eligible-filler-%' AND mg_pass_id <> 'pass:test:eligible-filler-2000';
ALTER TABLE mega_customers ENABLE TRIGGER USER;
COMMIT;
VACUUM FULL mega_customers;
SELECT mg_credits FROM mega_record_credit('pass:test:eligible-filler-2000', 1, 'grant');
CLUSTER mega_generations USING mega_generations_pkey;
REINDEX TABLE mega_customers;
REINDEX TABLE CONCURRENTLY mega_generations;
SELECT mg_credits FROM mega_record_credit('pass:test:eligible-filler-2000', 1, 'grant');
SELECT pg_temp.way(), pg_temp.works();

-- Changes of the balance stay on the page (HOT): no index gets an entry.
SELECT pg_stat_force_next_flush();
SELECT FROM pg_stat_reset_single_table_counters('mega_customers'::regclass);
DO $$
BEGIN
    FOR n IN 1 .. 50 LOOP
        PERFORM mega_record_credit('pass:test:eligible', 1, 'grant');
        COMMIT;
    END LOOP;
END
$$;
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd >= 50 AS updated, n_tup_hot_upd >= 0.7 * n_tup_upd AS hot FROM pg_stat_user_tables WHERE relid = 'mega_customers'::regclass;

-- What access methods remember of an index from row to row is forgotten when the index changes alone: GIN remembers where
-- the session keeps what it knows of the index, and other relations may be kept there now.
DO $$
BEGIN
    FOR n IN 1 .. 50 LOOP
        EXECUTE format('CREATE TABLE regress_eligible.t%s (c jsonb); CREATE INDEX ON regress_eligible.t%1$s USING gin (c)', n);
    END LOOP;
END
$$;
\c
SET client_min_messages = error;
SELECT mg_mma_status FROM mega_update_generation('eligible', vars => '{"b": 1}');
SELECT replayed FROM mega_record_mma_event('pass:test:eligible', 'like', '{"tag": "before"}');
ALTER INDEX mega_generations_mma_vars_gin SET (fastupdate = off);
ALTER INDEX mega_customers_mma_preferences_gin SET (fastupdate = off);
DO $$
BEGIN
    FOR n IN 1 .. 50 LOOP
        EXECUTE format('INSERT INTO regress_eligible.t%s VALUES (''{}'')', n);
    END LOOP;
END
$$;
SELECT mg_mma_status FROM mega_update_generation('eligible', vars => '{"c": 1}');
SELECT replayed FROM mega_record_mma_event('pass:test:eligible', 'like', '{"tag": "behind"}');
SET enable_seqscan = off;
SELECT mg_mma_vars FROM mega_generations WHERE mg_mma_vars @> '{"c": 1}';
SELECT mg_pass_id FROM mega_customers WHERE mg_mma_preferences @> '{"tag_weights": {"behind": 1}}';

DROP SCHEMA regress_eligible CASCADE;
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:eligible%';
SELECT * FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:eligible%';
\c :here
DROP DATABASE regress_eligible;
