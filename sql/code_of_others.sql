-- Whose code may run with the rights of the tables' owner: his own, a superuser's, that of roles who have his rights or
-- whom mega.trusted_owners names. Code of anybody else stops every writer of the table that carries it, and is named.
-- In a database of its own, because it gives the tables away.
\set here :DBNAME
CREATE DATABASE regress_code;
\c regress_code
SET client_min_messages = error;
CREATE EXTENSION mega;
CREATE ROLE regress_code_owner;
CREATE ROLE regress_code_other;
CREATE ROLE regress_code_app;
CREATE ROLE regress_code_group;
CREATE SCHEMA own AUTHORIZATION regress_code_owner;
CREATE SCHEMA other AUTHORIZATION regress_code_other;
GRANT USAGE ON SCHEMA own, other TO PUBLIC;
GRANT CREATE ON SCHEMA public TO regress_code_owner;
ALTER TABLE mega_customers OWNER TO regress_code_owner;
ALTER TABLE mega_generations OWNER TO regress_code_owner;
ALTER TABLE mega_admin OWNER TO regress_code_owner;
SELECT mega_grant('regress_code_app', 'app');
GRANT SELECT, INSERT, UPDATE ON mega_customers, mega_generations, mega_admin TO regress_code_app;
CREATE TABLE own.ran (what text, who name);
GRANT INSERT ON own.ran TO PUBLIC;
CREATE FUNCTION own.note(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO own.ran VALUES (what, current_user)';
-- Every function notes as whom it runs.
DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY '{own,other}'::text[] LOOP
        EXECUTE format('SET ROLE regress_code_%s', replace(place, 'own', 'owner'));
        EXECUTE format('CREATE FUNCTION %s.t() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO own.ran VALUES (TG_NAME, current_user); RETURN NEW; END $f$', place);
        EXECUTE format('CREATE FUNCTION %s.f(a text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM own.note(a); RETURN a; END $f$', place);
        EXECUTE format('CREATE FUNCTION %s.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN ''k''; END $f$', place);
        EXECUTE format('CREATE FUNCTION %s.yes(a text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN true; END $f$', place);
        RESET ROLE;
    END LOOP;
END
$$;
SET ROLE regress_code_other;
CREATE FUNCTION other.same(a text, b text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE OPERATOR other.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = other.same);
CREATE DOMAIN other.word AS text CHECK (other.yes(VALUE));
CREATE DOMAIN other.loose AS text CHECK (query_to_xml('SELECT 1', true, true, '') IS NOT NULL);
CREATE DOMAIN other.tight AS text CHECK (VALUE <> '');
CREATE TYPE other.pair AS (a other.word, b integer);
CREATE TYPE other.plain AS (a text);
CREATE FUNCTION other.as_json(a other.plain) RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN '1'; END$$;
CREATE FUNCTION other.as_json(a other.pair) RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN '1'; END$$;
RESET ROLE;

CREATE FUNCTION pg_temp.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
-- Changes something as a superuser, then writes as the application by functions and by raw rows, tells how that ended
-- and as whom what ran, and takes it all back.
CREATE FUNCTION pg_temp.try(change text, OUT functions text, OUT raw text, OUT session text, OUT admin text, OUT ran text, OUT afterwards text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE change;
        TRUNCATE own.ran;
        SET LOCAL ROLE regress_code_app;
        functions := pg_temp.state_of($s$SELECT mega_ensure_customer('pass:test:code', email => 'a@example.com'), mega_record_credit('pass:test:code', 5, 'grant')$s$);
        raw := pg_temp.state_of($s$WITH a AS (INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:code', 'pass:test:code', 1)) UPDATE mega_customers SET mg_display_name = 'x'$s$);
        session := pg_temp.state_of($s$SELECT mega_start_session('pass:test:code')$s$);
        admin := pg_temp.state_of($s$INSERT INTO mega_admin (mg_id) VALUES ('runtime_config:1')$s$);
        RESET ROLE;
        SELECT string_agg(DISTINCT replace(r.who, 'regress_code_', ''), ' ') INTO ran FROM own.ran r WHERE r.who <> 'regress_code_app';
        RAISE EXCEPTION USING ERRCODE = 'P0042';
    EXCEPTION
        WHEN SQLSTATE 'P0042' THEN NULL;
        WHEN OTHERS THEN functions := SQLSTATE || ' ' || SQLERRM;
    END;
    SET LOCAL ROLE regress_code_app;
    afterwards := pg_temp.state_of($s$SELECT mega_record_credit('pass:test:code', 5, 'grant')$s$);
    RESET ROLE;
END
$$;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:code');
\pset null ''
\x on
-- What a table may carry, of somebody else's.
SELECT name, t.* FROM (VALUES
    ('nothing', ''),
    ('trigger', 'CREATE TRIGGER a_mine BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION other.t()'),
    ('trigger of the ledger', 'CREATE TRIGGER zzz AFTER INSERT ON mega_generations FOR EACH STATEMENT EXECUTE FUNCTION other.t()'),
    ('trigger of the office', 'CREATE TRIGGER zzz BEFORE INSERT ON mega_admin FOR EACH ROW EXECUTE FUNCTION other.t()'),
    ('trigger, disabled', 'CREATE TRIGGER a_mine BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION other.t(); ALTER TABLE mega_customers DISABLE TRIGGER a_mine'),
    ('trigger of the owner', 'CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION own.t()'),
    ('trigger of a superuser', 'CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    ('condition of a trigger', 'CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (other.yes(NEW.mg_email)) EXECUTE FUNCTION own.t()'),
    ('condition of a trigger that runs SQL', 'CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (query_to_xml(''SELECT other.f(''''x'''')'', true, true, '''') IS NOT NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    ('condition of a trigger that reads a view', 'CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (table_to_xml(''pg_class'', true, true, '''') IS NOT NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    ('condition of a trigger that makes JSON', 'CREATE CAST (other.pair AS json) WITH FUNCTION other.as_json(other.pair); CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (to_json(NULL::other.pair) IS NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    ('condition of a trigger that makes JSON later', 'CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (to_json(NULL::other.plain) IS NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger(); SELECT mega_record_credit(''pass:test:code'', 5, ''grant''); CREATE CAST (other.plain AS json) WITH FUNCTION other.as_json(other.plain)'),
    ('condition of a trigger that looks at the clock', 'CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (NEW.mg_updated_at < clock_timestamp() AND current_setting(''a.b'', true) IS NULL) EXECUTE FUNCTION own.t()'),
    ('check', 'ALTER TABLE mega_generations ADD CHECK (other.yes(mg_reason)) NOT VALID'),
    ('check by an operator', 'ALTER TABLE mega_generations ADD CHECK (mg_reason OPERATOR(other.===) mg_source) NOT VALID'),
    ('check by a cast to a domain', 'ALTER TABLE mega_generations ADD CHECK (mg_reason::other.word IS NOT NULL OR mg_reason IS NULL) NOT VALID'),
    ('check by a cast to a row', 'ALTER TABLE mega_generations ADD CHECK (mg_source::other.pair IS NULL) NOT VALID'),
    ('check of the owner', 'ALTER TABLE mega_generations ADD CHECK (own.f(''check'') IS NOT NULL) NOT VALID'),
    ('default', 'ALTER TABLE mega_customers ALTER mg_topup_source SET DEFAULT other.f(''default'')'),
    ('default of a column of theirs', 'ALTER TABLE mega_generations ADD extra text; ALTER TABLE mega_generations ALTER extra SET DEFAULT other.f(''default'')'),
    ('default of the owner', 'ALTER TABLE mega_customers ALTER mg_topup_source SET DEFAULT own.f(''default'')'),
    ('generated column', 'ALTER TABLE mega_generations ADD extra text GENERATED ALWAYS AS (other.f(mg_reason)) STORED'),
    ('index', 'CREATE INDEX zzz ON mega_generations (other.f(mg_reason))'),
    ('index of some rows', 'CREATE INDEX zzz ON mega_customers (mg_email) WHERE other.yes(mg_email)'),
    ('index that asks what is constant', 'CREATE INDEX zzz ON mega_customers ((mg_meta ->> other.k())); CREATE OR REPLACE FUNCTION other.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM own.note(''k''); RETURN ''k''; END $f$'),
    ('index of some rows that asks what is constant', 'CREATE INDEX zzz ON mega_customers (mg_email) WHERE mg_email > other.k(); CREATE OR REPLACE FUNCTION other.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM own.note(''k''); RETURN ''k''; END $f$'),
    ('statistics', 'CREATE STATISTICS zzz ON (mg_email || other.k()), mg_topup_source FROM mega_customers; CREATE OR REPLACE FUNCTION other.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM own.note(''k''); RETURN ''k''; END $f$'),
    ('partition by what is constant', 'CREATE TABLE zzz (LIKE mega_customers) PARTITION BY LIST ((mg_pass_id || other.k())); ALTER TABLE zzz ATTACH PARTITION mega_customers DEFAULT; CREATE OR REPLACE FUNCTION other.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM own.note(''k''); RETURN ''k''; END $f$'),
    ('index of the owner that asks what is constant', 'CREATE INDEX zzz ON mega_customers ((mg_meta ->> own.k())); CREATE OR REPLACE FUNCTION own.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM own.note(''k''); RETURN ''k''; END $f$'),
    ('index of the owner', 'CREATE INDEX zzz ON mega_generations (own.f(mg_reason))'),
    ('rule', 'CREATE RULE zzz AS ON UPDATE TO mega_customers WHERE other.yes(NEW.mg_email) DO ALSO NOTHING'),
    ('rule that does more', 'CREATE RULE zzz AS ON UPDATE TO mega_customers DO ALSO SELECT other.f(''rule'')'),
    ('column of a domain', 'ALTER TABLE mega_generations ADD extra other.word'),
    ('column of an array of a domain', 'ALTER TABLE mega_generations ADD extra other.word[]'),
    ('column of a domain that runs SQL', 'ALTER TABLE mega_generations ADD extra other.loose'),
    ('column of a harmless domain', 'ALTER TABLE mega_generations ADD extra other.tight'),
    ('domain that changes later', 'ALTER TABLE mega_generations ADD extra other.tight; SELECT mega_record_credit(''pass:test:code'', 5, ''grant''); ALTER DOMAIN other.tight ADD CHECK (other.yes(VALUE))'),
    ('domain with another default', 'ALTER TABLE mega_generations ADD extra other.tight; SELECT mega_record_credit(''pass:test:code'', 5, ''grant''); ALTER DOMAIN other.tight SET DEFAULT other.f(''domain'')'),
    ('policy', 'ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY; CREATE POLICY zzz ON mega_customers USING (other.yes(mg_email))'),
    ('policy, forced', 'ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY zzz ON mega_customers USING (other.yes(mg_email))'),
    ('policy for what is written, forced', 'ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY zzz ON mega_customers FOR INSERT WITH CHECK (other.yes(mg_email))'),
    ('policy with a subquery, forced', 'ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY zzz ON mega_customers USING (EXISTS (SELECT FROM pg_class WHERE other.yes(relname::text)))')
) v(name, change), LATERAL pg_temp.try(change) t;
\x off

--
-- The verdict follows what it rests on: owners, rights, memberships, names, the setting.
--
CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION other.t();
CREATE FUNCTION pg_temp.now() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE regress_code_app;
    RETURN pg_temp.state_of($s$SELECT mega_record_credit('pass:test:code', 5, 'grant')$s$);
END
$$;
SELECT pg_temp.now(); RESET ROLE;
SET mega.trusted_owners = 'postgres, regress_code_other';
SELECT pg_temp.now(); RESET ROLE;
ALTER ROLE regress_code_other RENAME TO regress_code_renamed;
SELECT pg_temp.now(); RESET ROLE;
SET mega.trusted_owners = 'regress_code_nobody, "regress_code_renamed"';
SELECT pg_temp.now(); RESET ROLE;
ALTER ROLE regress_code_renamed RENAME TO regress_code_other;
RESET mega.trusted_owners;
SELECT pg_temp.now(); RESET ROLE;
BEGIN;
SET LOCAL mega.trusted_owners = regress_code_other;
SELECT pg_temp.now(); RESET ROLE;
ROLLBACK;
SELECT pg_temp.now(); RESET ROLE;
ALTER ROLE regress_code_other SUPERUSER;
SELECT pg_temp.now(); RESET ROLE;
ALTER ROLE regress_code_other NOSUPERUSER;
SELECT pg_temp.now(); RESET ROLE;
-- who has the owner's rights borrows none
GRANT regress_code_owner TO regress_code_group;
GRANT regress_code_group TO regress_code_other;
SELECT pg_temp.now(); RESET ROLE;
REVOKE regress_code_group FROM regress_code_other;
SELECT pg_temp.now(); RESET ROLE;
ALTER FUNCTION other.t() OWNER TO regress_code_owner;
SELECT pg_temp.now(); RESET ROLE;
ALTER FUNCTION other.t() OWNER TO regress_code_other;
SELECT pg_temp.now(); RESET ROLE;
ALTER TABLE mega_customers OWNER TO regress_code_other;
SELECT pg_temp.now(); RESET ROLE;
ALTER TABLE mega_customers OWNER TO regress_code_owner;
SELECT pg_temp.now(); RESET ROLE;
-- the setting is the superuser's
SET ROLE regress_code_owner;
SET mega.trusted_owners = regress_code_other;
RESET ROLE;
SET mega.trusted_owners = '"unfinished';

--
-- What is found is told: the report of mega_install, and which way functions write.
--
SET mega.write_path = 'auto';
CREATE INDEX zzz_too ON mega_customers (other.f(mg_email));
SELECT * FROM mega_install() WHERE action = 'code of others';
SELECT * FROM mega_install(dry_run => true) WHERE action = 'code of others';
SELECT * FROM mega_write_path();
DROP INDEX zzz_too;
DROP TRIGGER zzz ON mega_customers;
SELECT * FROM mega_install() WHERE action = 'code of others';
SELECT * FROM mega_write_path();
CREATE TRIGGER own BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.t();
SELECT * FROM mega_write_path();
DROP TRIGGER own ON mega_generations;
SET mega.write_path = 'sql';
SELECT * FROM mega_write_path();
RESET mega.write_path;
SET ROLE regress_code_app;
SELECT * FROM mega_write_path();
RESET ROLE;

-- a domain's check that goes with the operator in it: of the domain and of functions there is no news
BEGIN;
SET LOCAL ROLE regress_code_other;
CREATE DOMAIN other.gone AS text CHECK ((VALUE OPERATOR(other.===) '') IS NOT NULL);
RESET ROLE;
ALTER TABLE mega_generations ADD extra other.gone;
SELECT pg_temp.now(); RESET ROLE;
DROP OPERATOR other.=== (text, text) CASCADE;
SELECT pg_temp.now(); RESET ROLE;
ROLLBACK;

--
-- What the owner's own code sees is the same on both ways: himself.
--
SET ROLE regress_code_owner;
CREATE FUNCTION own.is_owner() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM own.note('check'); RETURN true; END$$;
RESET ROLE;
TRUNCATE own.ran;
ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (query_to_xml('SELECT own.is_owner()', true, true, '') IS NOT NULL) NOT VALID, ADD CONSTRAINT who CHECK (current_user <> 'regress_code_app') NOT VALID;
-- a function of Postgres' own that the caller may not execute, and the owner may
REVOKE EXECUTE ON FUNCTION lower(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lower(text) TO regress_code_owner;
SELECT pg_temp.now(); RESET ROLE;
ALTER TABLE mega_generations DROP CONSTRAINT own, DROP CONSTRAINT who;
CREATE INDEX own ON mega_generations (lower(mg_reason));
SET ROLE regress_code_app;
SELECT pg_temp.state_of($$SELECT mega_record_credit('pass:test:code', 5, 'Grant')$$);
SELECT pg_temp.state_of($$SELECT mega_ensure_customer('pass:test:code-new', email => 'New@example.com')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION lower(text) TO PUBLIC;
SELECT DISTINCT what, who FROM own.ran;
SELECT * FROM mega_reconcile_credits();

--
-- The owner's code runs on the owner's terms: what it names is looked up where the extension is, wherever the caller looks;
-- a plan made for it, with values of rows in it, is not shown; and it leaves nothing that would run as a superuser later.
--
CREATE SCHEMA app AUTHORIZATION regress_code_app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
SET ROLE regress_code_app;
CREATE FUNCTION app.note(what text) RETURNS void LANGUAGE sql AS $$SELECT own.note('planted by app')$$;
CREATE FUNCTION app.upper(what text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM own.note('planted by app'); RETURN 'x'; END$$;
SET ROLE regress_code_owner;
CREATE FUNCTION public.note(what text) RETURNS void LANGUAGE sql AS 'SELECT own.note(what)';
CREATE FUNCTION own.by_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note(TG_TABLE_NAME || ' ' || upper('by name') || ', plans ' || current_setting('debug_print_plan') || ', path ' || current_setting('search_path'));
    RETURN NEW;
END
$$;
CREATE TRIGGER own AFTER INSERT OR UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION own.by_name();
CREATE TRIGGER own AFTER INSERT ON mega_admin FOR EACH ROW EXECUTE FUNCTION own.by_name();
RESET ROLE;
CREATE FUNCTION app.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$BEGIN EXECUTE statement; RETURN 'ok'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END$$;
CREATE FUNCTION app.ran() RETURNS TABLE (what text, who name) LANGUAGE sql AS 'DELETE FROM own.ran RETURNING what, who';
TRUNCATE own.ran;
SELECT mega_grant('regress_code_app', 'admin');
SET ROLE regress_code_app;
SET search_path = app, pg_catalog, public;
SET debug_print_plan = on;
SELECT app.state_of($$SELECT public.mega_record_credit('pass:test:code', 5, 'grant')$$) AS function,
    app.state_of($$INSERT INTO public.mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:by-name', 'pass:test:code', 1)$$) AS raw,
    app.state_of($$SELECT public.mega_ensure_customer('pass:test:by-name')$$) AS customer, app.state_of($$SELECT public.mega_record_admin_audit('x')$$) AS audit,
    current_setting('debug_print_plan') AS plans, current_setting('search_path') AS path;
RESET debug_print_plan;
RESET ROLE;
SELECT r.* FROM (SELECT DISTINCT what, who FROM app.ran()) r ORDER BY what COLLATE "C";
RESET search_path;
DROP TRIGGER own ON mega_customers;
DROP TRIGGER own ON mega_admin;
-- later: a trigger that is deferred, whatever table it is on, and settings
SET ROLE regress_code_owner;
CREATE TABLE own.deferred (i integer);
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON own.deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION own.t();
CREATE FUNCTION own.plant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', 'own', false);
    IF NEW.mg_email = 'later@example.com' THEN
        INSERT INTO own.deferred VALUES (1);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER own BEFORE INSERT OR UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION own.plant();
RESET ROLE;
SELECT pg_temp.state_of($$SELECT mega_ensure_customer('pass:test:later', email => 'later@example.com')$$);
SELECT pg_temp.state_of($$SELECT mega_ensure_customer('pass:test:later')$$);
SHOW search_path;
SET ROLE regress_code_owner;
DROP TRIGGER own ON mega_customers;
CREATE CONSTRAINT TRIGGER own AFTER UPDATE ON mega_customers DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION own.t();
RESET ROLE;
SELECT pg_temp.state_of($$SELECT mega_record_credit('pass:test:code', 5, 'grant')$$);
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT pg_temp.state_of($$SELECT mega_record_credit('pass:test:code', 5, 'grant')$$);
COMMIT;
-- for whom the superuser's is no more than his own
SET ROLE regress_code_app;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT pg_temp.state_of($$SELECT mega_record_credit('pass:test:code', 5, 'grant')$$);
COMMIT;
RESET ROLE;
SELECT DISTINCT what, who FROM app.ran() WHERE who <> 'regress_code_app';
DROP TRIGGER own ON mega_customers;

--
-- A view in the place of a table would run what its owner says as whoever reads it.
--
CREATE FUNCTION pg_temp.with_a_view(name text) RETURNS TABLE (statement text, ended text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE regress_code_owner;
    EXECUTE format('ALTER TABLE %I RENAME TO kept', name);
    EXECUTE format('CREATE VIEW %I AS SELECT * FROM kept WHERE own.is_owner()', name);
    RESET ROLE;
    FOREACH statement IN ARRAY ARRAY[$s$mega_balance('pass:test:code')$s$, $s$mega_customer('pass:test:code')$s$, $s$mega_likes('pass:test:code')$s$, 'mega_reconcile_credits()', 'mega_admin_audits()',
        'mega_validate()', 'mega_open_books()', 'mega_install()', 'mega_write_path()', $s$mega_record_credit('pass:test:code', 5, 'grant')$s$, 'mega_topup_due()'] LOOP
        ended := pg_temp.state_of('SELECT ' || statement);
        RETURN NEXT;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'P0042', MESSAGE = (SELECT coalesce(string_agg(DISTINCT r.what || ' as ' || r.who, ', '), 'nothing ran') FROM own.ran r);
EXCEPTION WHEN SQLSTATE 'P0042' THEN
    statement := 'what ran';
    ended := SQLERRM;
    RETURN NEXT;
END
$$;
SELECT v.* FROM pg_temp.with_a_view('mega_customers') v;
SELECT v.* FROM pg_temp.with_a_view('mega_generations') v;
SELECT v.* FROM pg_temp.with_a_view('mega_admin') v;

-- In a session that has not looked yet no look as the owner is planned: what an index or statistics ask with constants would
-- run then.
CREATE INDEX of_others ON mega_customers ((mg_meta ->> other.k()));
CREATE STATISTICS of_others ON (mg_reason || other.k()), mg_source FROM mega_generations;
CREATE OR REPLACE FUNCTION other.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM own.note('k'); RETURN 'k'; END$$;
TRUNCATE own.ran;
\c -
SET client_min_messages = error;
SET ROLE regress_code_app;
SELECT app.state_of($$SELECT mega_start_session('pass:test:code')$$) AS session, app.state_of($$SELECT mega_record_credit('pass:test:code', 5, 'grant')$$) AS credit, app.state_of($$SELECT mega_ensure_customer('pass:test:code')$$) AS customer;
SELECT app.state_of($$SELECT mega_record_admin_audit('x')$$) AS audit;
RESET ROLE;
SELECT table_name, path, reason FROM mega_write_path();
SELECT DISTINCT what, who FROM own.ran WHERE who <> 'regress_code_app';
DROP INDEX of_others;
DROP STATISTICS of_others;
SELECT app.state_of($$SELECT mega_start_session('pass:test:code')$$) AS session;

--
-- The owner's terms hold in a default, which a function that writes directly asks for itself, and in what an index asks.
--
SET ROLE regress_code_owner;
CREATE FUNCTION own.by_default() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note('default ' || upper('by name') || ', plans ' || current_setting('debug_print_plan') || ', path ' || current_setting('search_path'));
    PERFORM set_config('search_path', 'own', false);
    RETURN 'x';
END
$$;
ALTER TABLE mega_customers ALTER mg_topup_source SET DEFAULT own.by_default();
CREATE INDEX by_name ON mega_customers ((mg_meta ->> own.k()));
CREATE OR REPLACE FUNCTION own.k() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM note('index ' || upper('by name') || ', path ' || current_setting('search_path')); RETURN 'k'; END$$;
\c -
SET client_min_messages = error;
TRUNCATE own.ran;
SET ROLE regress_code_app;
SET search_path = app, pg_catalog, public;
SET debug_print_plan = on;
SELECT app.state_of($$SELECT public.mega_ensure_customer('pass:test:by-default')$$) AS function,
    current_setting('debug_print_plan') AS plans;
RESET debug_print_plan;
RESET ROLE;
RESET search_path;
SELECT r.* FROM (SELECT DISTINCT what, who FROM app.ran()) r ORDER BY what COLLATE "C";
-- a superuser's settings stay what they are
SELECT app.state_of($$SELECT mega_ensure_customer('pass:test:by-default-2')$$);
SHOW search_path;
SELECT mg_pass_id, mg_topup_source FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:by-default%' ORDER BY 1;
DROP INDEX by_name;
ALTER TABLE mega_customers ALTER mg_topup_source DROP DEFAULT;

--
-- Tables of another role that a superuser adopts: what they carry runs as their owner.
--
DROP EXTENSION mega CASCADE;
DROP INDEX mega_generations_pending_hold; -- as if they had never been mega's
SET ROLE regress_code_owner;
UPDATE mega_customers SET mg_meta = '{"mega": {"a": 1}}' WHERE mg_pass_id = 'pass:test:code';
UPDATE mega_generations SET mg_meta = '{"mega": {"a": 1}}';
CREATE FUNCTION own.always(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM own.note(what); RETURN true; END$$;
CREATE TRIGGER own BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION own.t();
CREATE TRIGGER own BEFORE UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.t();
ALTER TABLE mega_customers ADD CONSTRAINT own CHECK (own.always('check ' || mg_pass_id));
CREATE INDEX own_some ON mega_generations (mg_reason) WHERE own.always('index');
ALTER TABLE mega_customers DROP COLUMN mg_updated_at;
RESET ROLE;
TRUNCATE own.ran;
CREATE EXTENSION mega;
SELECT r.* FROM (SELECT DISTINCT what, who FROM own.ran) r ORDER BY what COLLATE "C";
TRUNCATE own.ran;
\c
SET client_min_messages = error;
SELECT count(*) FROM mega_install();
SELECT count(*) FROM mega_validate();
SELECT mg_credits > 0 AS credits FROM mega_record_credit('pass:test:code', 5, 'grant');
SELECT r.* FROM (SELECT DISTINCT what, who FROM own.ran) r ORDER BY what COLLATE "C";

\c :here
DROP DATABASE regress_code;
DROP ROLE regress_code_owner;
DROP ROLE regress_code_other;
DROP ROLE regress_code_app;
DROP ROLE regress_code_group;
