-- mega_enable_rls and mega_grant('user'): which policies they make, what they refuse, and that whoever had rights before
-- goes on as before. In a database of its own.
\set VERBOSITY default
\pset null NULL
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE ROLE regress_mega_super SUPERUSER;
CREATE ROLE regress_mega_people;
CREATE ROLE regress_mega_more_people;
CREATE ROLE regress_mega_reader;
CREATE ROLE regress_mega_app;
CREATE ROLE regress_mega_admin;
CREATE ROLE regress_mega_raw;
CREATE ROLE regress_mega_late;
CREATE ROLE regress_mega_bypass BYPASSRLS;
CREATE ROLE regress_mega_owner;
CREATE ROLE regress_mega_stranger;
CREATE DATABASE regress_mega_rls TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_rls
SET client_min_messages = error;
SET lc_messages = 'C';
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
SET ROLE regress_mega_super;
CREATE EXTENSION mega;
RESET ROLE;
-- Runs a statement as a role, with claims; nothing of it stays.
CREATE FUNCTION public.outcome(who text, claims text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    said text;
    detail text;
    hint text;
BEGIN
    PERFORM set_config('role', who, true), set_config('request.jwt.claims', claims, true);
    EXECUTE statement INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = coalesce(answer, 'nothing');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN CASE SQLSTATE WHEN 'ZZ000' THEN said ELSE concat_ws(' | ', SQLSTATE || ' ' || said, nullif(detail, ''), nullif(hint, '')) END;
END
$$;
CREATE VIEW public.policies AS SELECT tablename, policyname, permissive, cmd, roles, qual, with_check FROM pg_policies WHERE tablename LIKE 'mega\_%' ORDER BY tablename, policyname;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:rls-1', user_id => '11111111-0000-4000-8000-000000000001');
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:rls-2', user_id => '11111111-0000-4000-8000-000000000002');
SELECT mg_credits FROM mega_record_credit('pass:test:rls-1', 10, 'order');
SELECT mg_credits FROM mega_record_credit('pass:test:rls-2', 20, 'order');
SELECT mg_id FROM mega_record_admin_audit('look', audit_id => 'rls-1');
SELECT mega_grant('regress_mega_reader', 'reader'), mega_grant('regress_mega_app', 'app'), mega_grant('regress_mega_admin', 'admin');
GRANT USAGE ON SCHEMA public TO regress_mega_raw;
GRANT SELECT, INSERT, UPDATE (mg_title) ON mega_generations TO regress_mega_raw;
GRANT SELECT (mg_pass_id, mg_credits) ON mega_customers TO regress_mega_raw;

--
-- Refused before there are policies, with the hint.
--
SELECT mega_grant('regress_mega_people', 'user');
SELECT mega_grant('regress_mega_people', 'people');
SELECT count(*) AS rights FROM information_schema.role_table_grants WHERE grantee = 'regress_mega_people';

--
-- Roles that row security does not hold, and rights that are everybody's.
--
SELECT mega_enable_rls(NULL);
SELECT mega_enable_rls('regress_mega_bypass');
SELECT mega_enable_rls('regress_mega_super');
BEGIN;
ALTER TABLE mega_generations OWNER TO regress_mega_owner;
GRANT regress_mega_owner TO regress_mega_stranger;
SELECT mega_enable_rls('regress_mega_stranger');
ROLLBACK;
BEGIN;
GRANT SELECT (mg_pass_id) ON mega_customers TO PUBLIC;
SELECT mega_enable_rls('regress_mega_people');
ROLLBACK;
-- one with the rights of the other
BEGIN;
GRANT regress_mega_reader TO regress_mega_more_people;
SELECT mega_enable_rls('regress_mega_more_people');
ROLLBACK;
BEGIN;
GRANT regress_mega_people TO regress_mega_reader;
SELECT mega_enable_rls('regress_mega_people');
ROLLBACK;
-- a caller who does not own the tables
GRANT EXECUTE ON FUNCTION mega_enable_rls(regrole) TO regress_mega_admin;
SELECT outcome('regress_mega_admin', '', $$SELECT mega_enable_rls('regress_mega_people')$$);
REVOKE EXECUTE ON FUNCTION mega_enable_rls(regrole) FROM regress_mega_admin;
SELECT outcome('regress_mega_admin', '', $$SELECT mega_enable_rls('regress_mega_people')$$);
SELECT * FROM policies;

--
-- Made once; who had rights goes on.
--
SELECT * FROM mega_enable_rls('regress_mega_people');
SELECT * FROM mega_enable_rls('regress_mega_people');
\x on
SELECT * FROM policies;
\x off
SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname IN ('mega_customers', 'mega_generations', 'mega_admin') ORDER BY 1;
SELECT mega_grant('regress_mega_people', 'user');
SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM information_schema.role_table_grants WHERE grantee = 'regress_mega_people' GROUP BY 1 ORDER BY 1;
SELECT string_agg(p.proname, ' ' ORDER BY p.proname) AS may_call FROM pg_proc p, aclexplode(p.proacl) a WHERE a.grantee = 'regress_mega_people'::regrole;
SELECT r.role, outcome(r.role, '', 'SELECT count(*) FROM mega_customers') AS customers, outcome(r.role, '', 'SELECT count(*) FROM mega_generations') AS ledger, outcome(r.role, '', 'SELECT count(*) FROM mega_admin') AS office
FROM unnest('{regress_mega_reader,regress_mega_app,regress_mega_admin,regress_mega_bypass}'::text[]) r(role);
SELECT outcome('regress_mega_raw', '', 'SELECT string_agg(mg_pass_id || mg_credits, $$ $$ ORDER BY 1) FROM mega_customers');
SELECT outcome('regress_mega_raw', '', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:rls-raw', 'pass:test:rls-2', 7) RETURNING mg_id$$);
SELECT outcome('regress_mega_raw', '', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:rls-raw', 'pass:test:rls-2') ON CONFLICT (mg_id) DO UPDATE SET mg_title = 'x' RETURNING mg_id$$);
SELECT outcome('regress_mega_app', '', $$SELECT mg_credits FROM mega_record_credit('pass:test:rls-2', -3, 'spend')$$);
SELECT outcome('regress_mega_admin', '', $$SELECT mg_action FROM mega_admin_audits()$$);
-- what errors tell them, too
SELECT outcome('regress_mega_app', '', $$SELECT mg_credits FROM mega_record_credit('pass:test:rls-2', -300, 'spend')$$);
BEGIN;
CREATE POLICY fewer ON mega_customers AS RESTRICTIVE TO regress_mega_app USING (mg_pass_id <> 'pass:test:rls-2');
SELECT outcome('regress_mega_app', '', $$SELECT mg_credits FROM mega_record_credit('pass:test:rls-2', -300, 'spend')$$);
ROLLBACK;
BEGIN;
ALTER POLICY mega_all_rows ON mega_customers USING (mg_pass_id <> 'pass:test:rls-2');
SELECT outcome('regress_mega_app', '', $$SELECT mg_credits FROM mega_record_credit('pass:test:rls-2', -300, 'spend')$$);
ROLLBACK;
BEGIN;
DROP POLICY mega_all_rows ON mega_customers;
CREATE POLICY fewer ON mega_customers FOR UPDATE TO regress_mega_app USING (true);
SELECT outcome('regress_mega_app', '', $$SELECT mg_credits FROM mega_record_credit('pass:test:rls-2', -300, 'spend')$$);
ROLLBACK;
-- the people see their own
SELECT outcome('regress_mega_people', c.claims, 'SELECT string_agg(mg_pass_id, $$ $$) FROM mega_customers') AS customers, outcome('regress_mega_people', c.claims, 'SELECT string_agg(DISTINCT mg_pass_id, $$ $$) FROM mega_generations') AS ledger
FROM (VALUES ('{"sub": "11111111-0000-4000-8000-000000000001"}'), ('{"sub": "11111111-0000-4000-8000-000000000002"}'), ('{}')) c(claims);

--
-- Roles that come later.
--
SELECT mega_grant('regress_mega_late', 'reader');
SELECT outcome('regress_mega_late', '', 'SELECT count(*) FROM mega_customers');
SELECT mega_grant('regress_mega_late', 'admin');
SELECT outcome('regress_mega_late', '', 'SELECT count(*) FROM mega_admin');
SELECT tablename, roles FROM policies WHERE policyname = 'mega_all_rows';
-- another role for people; one that was a reader
SELECT * FROM mega_enable_rls('regress_mega_late');
SELECT mega_grant('regress_mega_late', 'user');
SELECT outcome('regress_mega_late', '{"sub": "11111111-0000-4000-8000-000000000001"}', 'SELECT string_agg(mg_pass_id, $$ $$) FROM mega_customers'), outcome('regress_mega_late', '', 'SELECT count(*) FROM mega_admin');
SELECT * FROM mega_enable_rls('regress_mega_more_people');
-- no way back by mistake
SELECT mega_grant('regress_mega_late', 'reader');
SELECT mega_grant('regress_mega_late', 'app');
-- members
BEGIN;
GRANT regress_mega_late TO regress_mega_stranger;
SELECT mega_grant('regress_mega_stranger', 'reader');
ROLLBACK;
BEGIN;
GRANT regress_mega_stranger TO regress_mega_late;
SELECT mega_grant('regress_mega_stranger', 'reader');
ROLLBACK;
-- more than the level by other ways
BEGIN;
GRANT regress_mega_app TO regress_mega_late;
SELECT mega_grant('regress_mega_late', 'user');
ROLLBACK;
BEGIN;
GRANT INSERT ON mega_generations TO PUBLIC;
SELECT mega_grant('regress_mega_late', 'user');
ROLLBACK;
BEGIN;
GRANT SELECT (mg_id) ON mega_admin TO regress_mega_late;
GRANT ALL ON mega_generations TO regress_mega_late;
SELECT mega_grant('regress_mega_late', 'user');
SELECT table_name, privilege_type FROM information_schema.role_column_grants WHERE grantee = 'regress_mega_late' AND privilege_type <> 'SELECT';
SELECT outcome('regress_mega_late', '', 'SELECT mg_id FROM mega_admin');
ROLLBACK;
-- a membership, a policy for everybody or row security switched off that come behind it
BEGIN;
GRANT regress_mega_reader TO regress_mega_late;
CREATE POLICY "public read" ON mega_customers FOR SELECT USING (true);
SELECT outcome('regress_mega_late', '{"sub": "11111111-0000-4000-8000-000000000001"}', 'SELECT string_agg(mg_pass_id, $$ $$) FROM mega_customers'), outcome('regress_mega_late', '{"sub": "11111111-0000-4000-8000-000000000001"}', 'SELECT count(*) FROM mega_generations');
ROLLBACK;
BEGIN;
ALTER TABLE mega_customers DISABLE ROW LEVEL SECURITY;
SELECT mega_grant('regress_mega_late', 'user');
SELECT * FROM mega_enable_rls('regress_mega_late');
ROLLBACK;
-- what somebody changed of a policy is made good
BEGIN;
ALTER POLICY mega_own_rows_only ON mega_customers USING (true);
ALTER POLICY mega_own_rows ON mega_generations TO regress_mega_people;
SELECT mega_grant('regress_mega_late', 'user');
SELECT * FROM mega_enable_rls('regress_mega_late');
ROLLBACK;

-- one under policies of others that may run SET learns who is there by mega_current_pass_id, until the function is taken from it
BEGIN;
CREATE POLICY fewer ON mega_customers AS RESTRICTIVE TO regress_mega_reader USING (mg_pass_id <> 'pass:test:rls-2');
SET LOCAL mega.pass_id = 'pass:test:rls-2';
SELECT outcome('regress_mega_reader', '', 'SELECT string_agg(mg_pass_id, $$ $$) FROM mega_customers'), outcome('regress_mega_reader', '', 'SELECT mega_current_pass_id()');
REVOKE EXECUTE ON FUNCTION mega_current_pass_id() FROM regress_mega_reader;
SELECT outcome('regress_mega_reader', '', 'SELECT string_agg(mg_pass_id, $$ $$) FROM mega_customers'), outcome('regress_mega_reader', '', 'SELECT mega_current_pass_id()');
ROLLBACK;

--
-- Equal conditions are one: whom it is, is asked once a query, and the row found by its key.
--
\getenv tests PG_ABS_SRCDIR
\set plan :tests '/sql/shared/plan.psql'
\i :plan
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET ROLE regress_mega_people;
SELECT * FROM pg_temp.plan_of('SELECT * FROM mega_customers') plan;
SELECT * FROM pg_temp.plan_of($$SELECT * FROM mega_generations WHERE mg_record_type = 'generation' ORDER BY mg_created_at DESC LIMIT 10$$) plan;
RESET ROLE;
RESET enable_seqscan;
RESET enable_bitmapscan;

--
-- A function that writes answers for any customer: a role that may call one is told of.
--
BEGIN;
SELECT mega_grant('regress_mega_stranger', 'app');
SELECT * FROM mega_enable_rls('regress_mega_stranger') WHERE action = 'look';
ROLLBACK;

--
-- DROP EXTENSION takes the policies that ask mega, and leaves row security on: the people see nothing then.
--
DROP EXTENSION mega CASCADE;
SELECT tablename, policyname FROM policies;
SELECT outcome('regress_mega_people', '{"sub": "11111111-0000-4000-8000-000000000001"}', 'SELECT count(*) FROM mega_customers'), outcome('regress_mega_reader', '', 'SELECT count(*) FROM mega_customers');
CREATE EXTENSION mega;
SELECT mega_grant('regress_mega_people', 'user');
SELECT * FROM mega_enable_rls('regress_mega_people');
SELECT mega_grant('regress_mega_people', 'user');
SELECT outcome('regress_mega_people', '{"sub": "11111111-0000-4000-8000-000000000001"}', 'SELECT string_agg(mg_pass_id, $$ $$) FROM mega_customers');

--
-- Tables where row security was on: what others see is somebody else's to say.
--
DROP EXTENSION mega CASCADE;
DROP TABLE mega_admin, mega_generations, mega_customers;
DROP OWNED BY regress_mega_reader, regress_mega_late, regress_mega_people, regress_mega_more_people;
SET ROLE regress_mega_super;
CREATE EXTENSION mega;
RESET ROLE;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:rls-1', user_id => '11111111-0000-4000-8000-000000000001');
SELECT mega_grant('regress_mega_reader', 'reader');
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY none ON mega_customers TO regress_mega_reader USING (false);
SELECT * FROM mega_enable_rls('regress_mega_people');
SELECT * FROM mega_enable_rls('regress_mega_people');
SELECT mega_grant('regress_mega_reader', 'reader');
SELECT outcome('regress_mega_reader', '', 'SELECT count(*) FROM mega_customers');

--
-- Who may not grant is told so at once: Postgres only warns, and gives nothing.
--
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_mega_late;
GRANT ALL ON ALL ROUTINES IN SCHEMA public TO regress_mega_late;
SET client_min_messages = warning;
SELECT outcome('regress_mega_late', '', $$SELECT mega_grant('regress_mega_reader', 'admin')$$), outcome('regress_mega_late', '', $$SELECT mega_enable_rls('regress_mega_stranger')$$);
-- the owner of the tables who does not own the functions
BEGIN;
ALTER TABLE mega_customers OWNER TO regress_mega_late;
ALTER TABLE mega_generations OWNER TO regress_mega_late;
ALTER TABLE mega_admin OWNER TO regress_mega_late;
GRANT CREATE ON SCHEMA public TO regress_mega_late;
SELECT outcome('regress_mega_late', '', $$SELECT mega_grant('regress_mega_reader', 'app')$$), outcome('regress_mega_late', '', $$SELECT mega_enable_rls('regress_mega_stranger')$$);
ROLLBACK;
-- whom a grant option was given may grant; a schema of somebody else's is told
BEGIN;
ALTER TABLE mega_customers OWNER TO regress_mega_late;
ALTER TABLE mega_generations OWNER TO regress_mega_late;
ALTER TABLE mega_admin OWNER TO regress_mega_late;
GRANT USAGE, CREATE ON SCHEMA public TO regress_mega_late;
GRANT ALL ON ALL ROUTINES IN SCHEMA public TO regress_mega_late WITH GRANT OPTION;
SELECT outcome('regress_mega_late', '', $$SELECT mega_grant('regress_mega_stranger', 'app')$$);
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
SELECT outcome('regress_mega_late', '', $$SELECT mega_grant('regress_mega_stranger', 'app')$$);
ROLLBACK;
-- level user is for whom row security holds, by policies as they are made
SELECT mega_grant('regress_mega_people', 'user');
BEGIN;
ALTER ROLE regress_mega_people BYPASSRLS;
SELECT mega_grant('regress_mega_people', 'user');
ROLLBACK;
SELECT change, outcome('regress_mega_super', '', change || $$; SELECT mega_grant('regress_mega_people', 'user')$$) FROM (VALUES
    ('ALTER POLICY mega_own_rows ON mega_customers USING (true)'),
    ('ALTER POLICY mega_own_rows_only ON mega_generations USING (true)'),
    ('ALTER POLICY mega_own_rows_only ON mega_admin USING (true)'),
    ('DROP POLICY mega_own_rows_only ON mega_customers; CREATE POLICY mega_own_rows_only ON mega_customers TO regress_mega_people USING (mg_pass_id = (SELECT mega_current_pass_id()))'),
    ('DROP POLICY mega_own_rows_only ON mega_customers; CREATE POLICY mega_own_rows_only ON mega_customers AS RESTRICTIVE FOR DELETE TO regress_mega_people USING (mg_pass_id = (SELECT mega_current_pass_id()))'),
    ('ALTER POLICY mega_own_rows_only ON mega_generations TO PUBLIC')) v(change);

\c :home
DROP DATABASE regress_mega_rls;
DROP ROLE regress_mega_people, regress_mega_more_people, regress_mega_reader, regress_mega_app, regress_mega_admin, regress_mega_raw, regress_mega_late, regress_mega_bypass, regress_mega_super, regress_mega_owner, regress_mega_stranger;
