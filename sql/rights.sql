-- Who may do what: a database that gives everything away by default privileges, as hosted ones do, the four levels of
-- mega_grant, roles without EXECUTE, row policies, and search_path attacks. In a database of its own.
\set VERBOSITY sqlstate
\pset null NULL
SET client_min_messages = warning;
CREATE ROLE regress_mega_anon;
CREATE ROLE regress_mega_authenticated;
CREATE ROLE regress_mega_service BYPASSRLS;
CREATE ROLE regress_mega_worker;
CREATE ROLE regress_mega_other;
CREATE ROLE regress_mega_owner;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_rights TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_rights
SET client_min_messages = warning;
GRANT USAGE, CREATE ON SCHEMA public TO regress_mega_anon, regress_mega_authenticated, regress_mega_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO regress_mega_anon, regress_mega_authenticated, regress_mega_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO regress_mega_anon, regress_mega_authenticated, regress_mega_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO regress_mega_anon, regress_mega_authenticated, regress_mega_service;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_mega_other WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_mega_other WITH GRANT OPTION;
CREATE EXTENSION mega;
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/outcome.psql'
\i :opening
CREATE VIEW public.callable AS
SELECT r.rolname::text AS role, p.proname::text AS function, has_function_privilege(r.oid, p.oid, 'EXECUTE') AS may
FROM pg_roles r, pg_proc p WHERE r.rolname LIKE 'regress\_mega\_%' AND r.rolname <> 'regress_mega_owner' AND p.proname LIKE 'mega\_%';
CREATE VIEW public.readable AS
SELECT r.rolname::text AS role, c.relname::text AS relation, string_agg(p, ' ' ORDER BY p) FILTER (WHERE has_table_privilege(r.oid, c.oid, p)) AS may
FROM pg_roles r, pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
WHERE r.rolname LIKE 'regress\_mega\_%' AND r.rolname <> 'regress_mega_owner' AND c.relname IN ('mega_customers', 'mega_generations', 'mega_admin') GROUP BY 1, 2;
REVOKE ALL ON public.callable, public.readable FROM regress_mega_other, regress_mega_anon;

--
-- After CREATE EXTENSION nobody but the owner may do anything, save call the four predicates.
--
SELECT role, string_agg(function, ' ' ORDER BY function) FILTER (WHERE may) AS may_call, count(*) FILTER (WHERE NOT may) > 10 AS others_not FROM callable GROUP BY role ORDER BY role;
SELECT relation, count(*) AS roles, count(may) AS may FROM readable GROUP BY relation ORDER BY relation;
SELECT c.relname, c.relacl IS NULL OR NOT EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner) AS owner_only, c.relowner = e.extowner AS extension_owners
FROM pg_class c, pg_extension e WHERE e.extname = 'mega' AND c.relname IN ('mega_customers', 'mega_generations', 'mega_admin') ORDER BY 1;
SET ROLE regress_mega_anon;
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('read', 'SELECT FROM mega_customers'), ('append', $$INSERT INTO mega_generations (mg_id) VALUES ('session:1')$$), ('customer', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:1')$$), ('office', 'SELECT FROM mega_admin'),
    ('credit', $$SELECT mega_record_credit('pass:test:1', 1, 'grant')$$), ('ensure', $$SELECT mega_ensure_customer('pass:test:1')$$), ('balance', $$SELECT mega_balance('pass:test:1')$$), ('install', 'SELECT mega_install()'), ('grant', $$SELECT mega_grant('regress_mega_anon', 'admin')$$),
    ('version', 'SELECT mega_version()'), ('predicate', $$SELECT mega_is_pass_id('pass:a:b')$$), ('trigger function', 'CREATE TEMP TABLE t (i int); CREATE TRIGGER t AFTER INSERT ON t EXECUTE FUNCTION mega_trigger_ledger_project()')
) v(what, statement);
RESET ROLE;

--
-- The levels, and what changing one takes away.
--
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('no such level', $$SELECT mega_grant('regress_mega_anon', 'root')$$), ('upper case', $$SELECT mega_grant('regress_mega_anon', 'App')$$), ('no level', $$SELECT mega_grant('regress_mega_anon', NULL)$$), ('no role', $$SELECT mega_grant(NULL, 'app')$$), ('no such role', $$SELECT mega_grant('regress_mega_nobody', 'app')$$)
) v(what, statement);
SELECT mega_grant('regress_mega_anon', 'reader'), mega_grant('regress_mega_authenticated', 'app'), mega_grant('regress_mega_worker', 'worker'), mega_grant('regress_mega_service', 'admin');
-- each function at the lowest level that may call it; what no level may call is the owner's
CREATE TABLE level_of (function text, level text);
INSERT INTO level_of SELECT f, 'reader' FROM unnest('{mega_version,mega_pass_id,mega_customer,mega_balance,mega_credit_lots,mega_balance_at,mega_credit_statement,mega_usage,mega_generation,mega_generation_history,mega_generation_steps,mega_mma_events,mega_likes,mega_current_pass_id}'::text[]) f;
INSERT INTO level_of SELECT f, 'app' FROM unnest('{mega_ensure_customer,mega_record_credit,mega_record_credits,mega_hold_credit,mega_capture_credit,mega_release_credit,mega_refund_credit,mega_revoke_credit,mega_transfer_credit,mega_make_lot,mega_record_topup,mega_start_session,mega_create_generation,mega_update_generation,mega_complete_generation,mega_fail_generation,mega_append_scan_line,mega_append_mma_step,mega_record_mma_event,mega_record_feedback,mega_verify_customer,mega_delete_generation,mega_append_mma_steps,mega_record_mma_events,mega_tweak_generation}'::text[]) f;
INSERT INTO level_of SELECT f, 'worker' FROM unnest('{mega_release_expired_holds,mega_expire_credits,mega_claim_generations,mega_extend_claim,mega_claim_topups,mega_release_topup_claim}'::text[]) f;
INSERT INTO level_of SELECT f, 'admin' FROM unnest('{mega_reconcile_credits,mega_reconcile_lots,mega_reconcile_preferences,mega_topup_due,mega_merge_customers,mega_record_admin_audit,mega_admin_audits,mega_touch_admin_session,mega_admin_session,mega_end_admin_session,mega_profile,mega_runtime_config,mega_app_config,mega_app_config_versions,mega_link_profile,mega_set_runtime_config,mega_set_app_config,mega_disable_customer,mega_delete_customer,mega_restore_customer,mega_erase_customer,mega_update_customer,mega_enable_customer,mega_find_customers,mega_import,mega_parity_counts,mega_parity_sample,mega_parity_report,mega_write_path}'::text[]) f;
SELECT c.function, l.level AS wanted, coalesce(max(g.level) FILTER (WHERE c.may), 'owner') AS found
FROM (SELECT function, min(CASE role WHEN 'regress_mega_anon' THEN 1 WHEN 'regress_mega_authenticated' THEN 2 WHEN 'regress_mega_worker' THEN 3 WHEN 'regress_mega_service' THEN 4 END) FILTER (WHERE may) AS lowest, bool_or(may) AS may FROM callable WHERE role <> 'regress_mega_other' GROUP BY function) c
    LEFT JOIN (VALUES (1, 'reader'), (2, 'app'), (3, 'worker'), (4, 'admin')) g(number, level) ON g.number = c.lowest LEFT JOIN level_of l ON l.function = c.function
WHERE c.function NOT IN ('mega_is_pass_id', 'mega_is_record_id', 'mega_is_permanent_url', 'mega_has_expiring_url')
GROUP BY c.function, l.level HAVING coalesce(l.level, 'owner') <> coalesce(max(g.level) FILTER (WHERE c.may), 'owner') ORDER BY 1;
-- a higher level may call what a lower one may
SELECT r.function FROM callable r JOIN callable a USING (function) JOIN callable w USING (function) JOIN callable s USING (function)
WHERE r.role = 'regress_mega_anon' AND a.role = 'regress_mega_authenticated' AND w.role = 'regress_mega_worker' AND s.role = 'regress_mega_service' AND (r.may > a.may OR a.may > w.may OR w.may > s.may);
SELECT role, count(*) FILTER (WHERE may) > 4 AS may_call_more FROM callable GROUP BY role ORDER BY role;
SELECT * FROM readable ORDER BY role, relation;
SELECT mega_grant('regress_mega_service', 'reader');
SELECT (SELECT array_agg(function ORDER BY function) FROM callable WHERE may AND role = 'regress_mega_service') = (SELECT array_agg(function ORDER BY function) FROM callable WHERE may AND role = 'regress_mega_anon') AS as_the_reader;
SELECT relation, may FROM readable WHERE role = 'regress_mega_service' ORDER BY 1;
SELECT mega_grant('regress_mega_service', 'app'), mega_grant('regress_mega_service', 'admin'), mega_grant('regress_mega_service', 'admin');
SELECT mega_grant('regress_mega_anon', 'reader');
-- grants nothing to whoever may not grant
SET ROLE regress_mega_service;
SELECT pg_temp.outcome($$SELECT mega_grant('regress_mega_service', 'admin')$$);
SELECT pg_temp.outcome('SELECT mega_install()');
RESET ROLE;
GRANT EXECUTE ON FUNCTION mega_grant(regrole, text), mega_install(boolean) TO regress_mega_service;
SET ROLE regress_mega_service;
SELECT left(pg_temp.outcome($$SELECT mega_grant('regress_mega_other', 'admin')$$), 5);
SELECT pg_temp.outcome('SELECT mega_install()');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION mega_grant(regrole, text), mega_install(boolean) FROM regress_mega_service;
-- a name that has to be quoted
CREATE ROLE "regress_mega_ ""Quoted""; x";
SELECT mega_grant('"regress_mega_ ""Quoted""; x"', 'reader');
SELECT count(*) > 4 AS granted FROM callable WHERE may AND role = 'regress_mega_ "Quoted"; x';
DROP OWNED BY "regress_mega_ ""Quoted""; x";
DROP ROLE "regress_mega_ ""Quoted""; x";

--
-- Functions of the app work without rights on the tables; the reader's and the app's reads need SELECT.
--
REVOKE ALL ON mega_customers, mega_generations, mega_admin FROM regress_mega_authenticated;
SET ROLE regress_mega_authenticated;
SELECT * FROM mega_ensure_customer('pass:test:1');
SELECT * FROM mega_record_credit('pass:test:1', 100, 'grant', txn_id => 'rights-1', expires_at => '2099-01-01');
SELECT * FROM mega_record_credit('pass:test:1', 100, 'grant', txn_id => 'rights-1', expires_at => '2099-01-01');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:1', -101, 'spend')$$);
SELECT current_user, pg_temp.outcome($$SELECT mega_record_credit('pass:test:1', -101, 'spend')$$) LIKE 'MG001%' AS refused, current_user AS still;
SELECT what, pg_temp.outcome(statement) FROM (VALUES ('balance', $$SELECT mega_balance('pass:test:1')$$), ('statement', $$SELECT mega_credit_statement('pass:test:1')$$), ('customer', $$SELECT mega_customer('pass:test:1')$$), ('reconcile', 'SELECT mega_reconcile_credits()'), ('read', 'SELECT FROM mega_customers')) v(what, statement);
RESET ROLE;
-- SELECT on one of the tables is not enough, SELECT on the columns that are read is
GRANT SELECT ON mega_customers TO regress_mega_authenticated;
SET ROLE regress_mega_authenticated;
SELECT pg_temp.outcome($$SELECT mega_balance('pass:test:1')$$);
RESET ROLE;
REVOKE SELECT ON mega_customers FROM regress_mega_authenticated;
GRANT SELECT (mg_pass_id, mg_credits, mg_expires_at, mg_meta) ON mega_customers TO regress_mega_authenticated;
GRANT SELECT (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_status) ON mega_generations TO regress_mega_authenticated;
SET ROLE regress_mega_authenticated;
SELECT mg_credits, held, spendable FROM mega_balance('pass:test:1');
RESET ROLE;
REVOKE ALL ON mega_customers, mega_generations FROM regress_mega_authenticated;
SELECT mega_grant('regress_mega_authenticated', 'app');
SET ROLE regress_mega_authenticated;
SELECT mg_credits, spendable FROM mega_balance('pass:test:1');
RESET ROLE;

--
-- A role that writes raw rows: rights on the tables are enough, and are needed.
--
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON mega_customers, mega_generations TO regress_mega_other;
GRANT USAGE ON SCHEMA public TO regress_mega_other;
SET ROLE regress_mega_other;
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('customer', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:2')$$),
    ('credits', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-2', 'pass:test:2', 7), ('credit_transaction:rights-3', 'pass:test:1', -7)$$),
    ('balance', $$UPDATE mega_customers SET mg_credits = 1000 WHERE mg_pass_id = 'pass:test:2'$$),
    ('delete', 'DELETE FROM mega_generations'), ('truncate', 'TRUNCATE mega_generations'),
    ('function', $$SELECT mega_record_credit('pass:test:2', 1, 'grant')$$),
    ('switch off', 'ALTER TABLE mega_generations DISABLE TRIGGER ALL'), ('be a replica', 'SET session_replication_role = replica'), ('drop', 'DROP TABLE mega_generations'),
    ('hang a trigger', 'CREATE TRIGGER t AFTER INSERT ON mega_generations EXECUTE FUNCTION suppress_redundant_updates_trigger()')
) v(what, statement);
RESET ROLE;
-- appending needs INSERT on the ledger only: the projection is the owner's
REVOKE ALL ON mega_customers FROM regress_mega_other;
SET ROLE regress_mega_other;
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-4', 'pass:test:2', 1)$$);
SELECT pg_temp.outcome($$UPDATE mega_customers SET mg_email = 'x@example.com'$$);
RESET ROLE;
REVOKE INSERT ON mega_generations FROM regress_mega_other;
SET ROLE regress_mega_other;
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-5', 'pass:test:2', 1)$$);
RESET ROLE;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT * FROM mega_reconcile_credits();

--
-- Row policies by pass id: own rows only, and a projection is never lost to them.
--
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE mega_generations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mega_customers FOR SELECT TO regress_mega_authenticated USING (mg_pass_id = current_setting('app.pass_id', true));
CREATE POLICY own ON mega_generations TO regress_mega_authenticated USING (mg_pass_id = current_setting('app.pass_id', true)) WITH CHECK (mg_pass_id = current_setting('app.pass_id', true));
GRANT INSERT, UPDATE, DELETE ON mega_generations TO regress_mega_authenticated;
SET ROLE regress_mega_authenticated;
SET app.pass_id = 'pass:test:1';
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-6', 'pass:test:1', 10);
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-7', 'pass:test:2', 10)$$);
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT DISTINCT mg_pass_id FROM mega_generations;
SELECT mg_credits FROM mega_balance('pass:test:1');
SELECT pg_temp.outcome($$SELECT mega_balance('pass:test:2')$$);
SELECT count(*) FROM mega_credit_statement('pass:test:1');
SELECT count(*) FROM mega_credit_statement('pass:test:2');
SELECT count(*) FROM mega_customer('pass:test:2');
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_error = 'x' WHERE mg_pass_id = 'pass:test:2'$$), pg_temp.outcome('DELETE FROM mega_generations');
-- EXECUTE is the gate of a function: it reaches every customer, and sees replays of rows that the policy hides
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:2', 5, 'grant', NULL, 'order', 'rights-8', 'rights-8');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:2', 5, 'grant', NULL, 'order', 'rights-8');
SELECT mg_pass_id, mg_credits, created FROM mega_ensure_customer('pass:test:2');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:3');
-- row_security = off makes reads fail, not writes
SET row_security = off;
SELECT mg_credits FROM mega_record_credit('pass:test:2', 1, 'grant', txn_id => 'rights-9');
SELECT left(pg_temp.outcome($$SELECT mega_balance('pass:test:1')$$), 5);
RESET row_security;
-- a policy on the ledger alone: what it hides is not held
RESET ROLE;
SELECT mg_credits FROM mega_hold_credit('pass:test:1', 5, 'rights-11');
ALTER TABLE mega_customers DISABLE ROW LEVEL SECURITY;
SET ROLE regress_mega_authenticated;
SET app.pass_id = 'pass:test:2';
SELECT mg_credits, held FROM mega_balance('pass:test:1');
SET app.pass_id = 'pass:test:1';
SELECT mg_credits, held FROM mega_balance('pass:test:1');
RESET ROLE;
SELECT outcome FROM mega_release_credit('rights-11');
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
-- a policy that forbids everything
CREATE POLICY nothing ON mega_customers AS RESTRICTIVE TO regress_mega_authenticated USING (false);
SET ROLE regress_mega_authenticated;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-10', 'pass:test:1', 10);
SELECT pg_temp.outcome($$SELECT mega_balance('pass:test:1')$$);
RESET ROLE;
DROP POLICY nothing ON mega_customers;
-- policies that bind the owner too, who is no superuser
GRANT USAGE ON SCHEMA public TO regress_mega_owner;
ALTER TABLE mega_customers OWNER TO regress_mega_owner;
ALTER TABLE mega_generations OWNER TO regress_mega_owner;
ALTER TABLE mega_admin OWNER TO regress_mega_owner;
ALTER TABLE mega_customers FORCE ROW LEVEL SECURITY;
ALTER TABLE mega_generations FORCE ROW LEVEL SECURITY;
SET ROLE regress_mega_authenticated;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-11', 'pass:test:1', 10);
SELECT mg_credits FROM mega_record_credit('pass:test:2', 1, 'grant', txn_id => 'rights-12');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:2', 1, 'grant', txn_id => 'rights-12');
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '8101');
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '8101', email => 'a@example.com');
RESET ROLE;
-- an owner whom his own policies bind reads by them, and what mega writes in his name is folded from every row
SELECT count(mega_record_mma_event('pass:test:1', 'like', '{"tag": "cat"}', created_at => at)) FROM unnest('{2024-01-01Z,2024-03-01Z}'::timestamptz[]) at;
BEGIN;
CREATE POLICY of_the_owner ON mega_generations TO regress_mega_owner USING (mg_pass_id = current_setting('app.pass', true)) WITH CHECK (true);
CREATE POLICY of_the_owner ON mega_customers TO regress_mega_owner USING (true);
GRANT EXECUTE ON FUNCTION mega_reconcile_preferences(text), mega_record_mma_event(text, text, jsonb, text, text, timestamptz) TO regress_mega_owner;
SET LOCAL ROLE regress_mega_owner;
SET LOCAL app.pass = 'pass:test:other';
SELECT count(*) AS seen FROM mega_generations;
SELECT stored #> '{tag_weights,cat}' AS stored, folded AS of_what_he_sees FROM mega_reconcile_preferences('pass:test:1');
SELECT preferences -> 'tag_weights' AS folded FROM mega_record_mma_event('pass:test:1', 'preference_set', '{"tag_weights": {"cat": 5}}', created_at => '2024-02-01Z');
SELECT stored #> '{tag_weights,cat}' AS stored, folded AS of_what_he_sees FROM mega_reconcile_preferences('pass:test:1');
RESET ROLE;
SELECT mg_mma_preferences -> 'tag_weights' AS stored FROM mega_customers WHERE mg_pass_id = 'pass:test:1';
SELECT * FROM mega_reconcile_preferences('pass:test:1');
ROLLBACK;
-- the settings of a restore are anybody's: rows are put back by who has the rights of the owner
\set begin_restore 'SET row_security = off; SET xmloption = content; SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;'
\set end_restore 'RESET row_security; RESET xmloption; RESET statement_timeout; RESET lock_timeout; RESET idle_in_transaction_session_timeout;'
BEGIN;
ALTER TABLE mega_generations DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
ALTER TABLE mega_customers DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
:begin_restore
SET LOCAL ROLE regress_mega_authenticated;
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at) VALUES ('credit_transaction:rights-ahead', 'pass:test:1', 1, '2999-01-01Z')$$);
-- also within a function that lends them the owner's rights
RESET ROLE;
CREATE FUNCTION public.lent() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$INSERT INTO public.mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at) VALUES ('credit_transaction:rights-lent', 'pass:test:1', 1, '2999-01-01Z')$$;
ALTER FUNCTION public.lent() OWNER TO regress_mega_owner;
SET LOCAL ROLE regress_mega_authenticated;
SELECT pg_temp.outcome('SELECT public.lent()');
SET LOCAL ROLE regress_mega_owner;
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at) VALUES ('credit_transaction:rights-ahead', 'pass:test:1', 1, '2999-01-01Z')$$);
ROLLBACK;
:end_restore
-- the owner of the functions keeps what he may call
BEGIN;
ALTER FUNCTION mega_delete_customer(text, text, text) OWNER TO regress_mega_owner;
SELECT mega_grant('regress_mega_owner', 'reader');
SELECT has_function_privilege('regress_mega_owner', 'mega_delete_customer(text, text, text)', 'EXECUTE') AS his_own, has_function_privilege('regress_mega_owner', 'mega_merge_customers(text, text, text, text)', 'EXECUTE') AS anothers;
ROLLBACK;
-- the owner of a table keeps what he has there, whatever level he is given: mega writes in his name
SELECT mega_grant('regress_mega_owner', 'app');
SELECT has_table_privilege('regress_mega_owner', 'mega_admin', 'SELECT') AS reads_admin, has_function_privilege('regress_mega_owner', 'mega_balance(text)', 'EXECUTE') AS calls;
SELECT mg_pass_id FROM mega_verify_customer('pass:test:1', 'email', actor => 'office');
SELECT mega_grant('regress_mega_owner', 'user');
SET ROLE regress_mega_owner;
SELECT count(*) AS hidden_from_the_owner FROM mega_customers;
RESET ROLE;
ALTER TABLE mega_customers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE mega_generations NO FORCE ROW LEVEL SECURITY;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT * FROM mega_reconcile_credits();

--
-- search_path: what lies first in it is never asked.
--
CREATE SCHEMA evil;
GRANT ALL ON SCHEMA evil TO PUBLIC;
CREATE TABLE evil.calls (what text);
GRANT ALL ON evil.calls TO PUBLIC;
SET client_min_messages = error;
CREATE FUNCTION evil.note(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO evil.calls VALUES (what)';
CREATE FUNCTION evil.same(a text, b text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('text ='); RETURN true; END$$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE OPERATOR evil.< (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE OPERATOR evil.>= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE FUNCTION evil.same(a bigint, b bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('bigint'); RETURN true; END$$;
CREATE OPERATOR evil.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.same);
CREATE FUNCTION evil.same(a timestamptz, b timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('timestamptz'); RETURN true; END$$;
CREATE OPERATOR evil.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.same);
CREATE FUNCTION evil.arrow(a jsonb, b text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('->>'); RETURN 'pass:test:evil'; END$$;
CREATE OPERATOR evil.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.arrow);
CREATE AGGREGATE evil.sum(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '1000000');
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$SELECT timestamptz '1999-01-01'$$;
CREATE FUNCTION evil.lower(a text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('lower'); RETURN a; END$$;
CREATE FUNCTION evil.mega_is_pass_id(pass_id text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('predicate'); RETURN true; END$$;
CREATE DOMAIN evil.text AS integer;
CREATE DOMAIN evil.int8 AS boolean;
CREATE DOMAIN evil.timestamptz AS integer;
CREATE TABLE evil.mega_customers (mg_pass_id pg_catalog.text, mg_credits integer DEFAULT 1000000);
CREATE TABLE evil.mega_generations (LIKE public.mega_generations);
CREATE TABLE evil.mega_admin (LIKE public.mega_admin);
CREATE TABLE evil.pg_class (LIKE pg_catalog.pg_class);
CREATE TABLE evil.pg_settings (name pg_catalog.text);
GRANT ALL ON ALL TABLES IN SCHEMA evil TO PUBLIC;
CREATE FUNCTION pg_temp.attacked() RETURNS TABLE (path pg_catalog.text, credit pg_catalog.text, spend pg_catalog.text, ensure pg_catalog.text, balance pg_catalog.text, statement pg_catalog.text, customer pg_catalog.text, reconcile bigint, raw pg_catalog.text)
LANGUAGE plpgsql AS $$
BEGIN
    path := pg_catalog.current_setting('search_path');
    credit := (SELECT (r.mg_credits, r.replayed)::pg_catalog.text FROM public.mega_record_credit('pass:test:4', 10, 'grant', NULL, 'order', 'rights-' || path) r);
    credit := credit || (SELECT (r.mg_credits, r.replayed)::pg_catalog.text FROM public.mega_record_credit('pass:test:4', 10, 'grant', NULL, 'order', 'rights-' || path, expires_at => '2098-01-01') r);
    spend := (SELECT (r.mg_credits, r.replayed)::pg_catalog.text FROM public.mega_record_credit('pass:test:4', -1, 'spend') r);
    ensure := (SELECT r::pg_catalog.text FROM public.mega_ensure_customer(shopify_customer_id => '8104') r);
    balance := (SELECT (r.mg_credits, r.held, r.spendable)::pg_catalog.text FROM public.mega_balance('pass:test:4') r);
    statement := (SELECT pg_catalog.string_agg((r.mg_delta, r.balance_after)::pg_catalog.text, ' ') FROM public.mega_credit_statement('pass:test:4', 2) r);
    statement := statement || ' ' || (SELECT pg_catalog.string_agg((r.mg_delta, r.balance_after)::pg_catalog.text, ' ') FROM public.mega_credit_statement('pass:test:4', 1, (SELECT next_cursor FROM public.mega_credit_statement('pass:test:4', 1))) r);
    customer := (SELECT r.mg_pass_id FROM public.mega_customer('pass:test:4') r);
    reconcile := (SELECT pg_catalog.count(*) FROM public.mega_reconcile_credits()) + (SELECT pg_catalog.count(*) FROM public.mega_reconcile_credits('pass:test:4'));
    INSERT INTO public.mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rights-raw-' || path, 'pass:test:4', 2), ('session:rights-' || path, 'pass:test:4', NULL);
    UPDATE public.mega_generations SET mg_title = 'x' WHERE mg_id OPERATOR(pg_catalog.=) ('session:rights-' || path);
    raw := (SELECT (c.mg_credits, c.mg_created_at OPERATOR(pg_catalog.>) '2020-01-01'::pg_catalog.timestamptz)::pg_catalog.text FROM public.mega_customers c WHERE c.mg_pass_id OPERATOR(pg_catalog.=) 'pass:test:4');
    RETURN NEXT;
END
$$;
SELECT created FROM mega_ensure_customer('pass:test:4');
\x on
SET search_path = evil, public;
SELECT * FROM pg_temp.attacked();
SET search_path = evil, public, pg_catalog;
SELECT * FROM pg_temp.attacked();
SET search_path = '';
SELECT * FROM pg_temp.attacked();
SET search_path = no_such_schema, evil;
SELECT * FROM pg_temp.attacked();
\x off
-- and in a session that begins like this, with nothing planned before
\c -
SET search_path = evil, public, pg_catalog;
SELECT mg_credits, replayed FROM public.mega_record_credit('pass:test:4', 10, 'grant', NULL, 'order', 'rights-' || pg_catalog.current_setting('search_path'));
SELECT mg_credits FROM public.mega_record_credit('pass:test:4', -1, 'spend');
SELECT mg_credits, held, spendable FROM public.mega_balance('pass:test:4');
SELECT mg_delta, balance_after FROM public.mega_credit_statement('pass:test:4', 1);
SELECT * FROM public.mega_install();
SELECT public.mega_grant('regress_mega_other', 'reader');
SELECT public.mega_is_restoring();
RESET search_path;
-- temporary tables hide nothing
CREATE TEMP TABLE mega_customers (mg_pass_id text, mg_credits integer);
CREATE TEMP TABLE mega_generations (mg_id text);
SELECT mg_credits FROM mega_record_credit('pass:test:4', -1, 'spend');
SELECT mg_credits FROM mega_balance('pass:test:4');
DROP TABLE mega_customers, mega_generations;
SELECT count(*) AS calls FROM evil.calls;
SELECT count(*) AS rows_elsewhere FROM evil.mega_generations;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT * FROM mega_reconcile_credits();

\c :home
DROP DATABASE regress_mega_rights;
DROP ROLE regress_mega_anon;
DROP ROLE regress_mega_authenticated;
DROP ROLE regress_mega_service, regress_mega_worker;
DROP ROLE regress_mega_other;
DROP ROLE regress_mega_owner;
