-- Whom a session speaks for, and what a role of level user reads then: its own customer's rows, by tables and by functions,
-- called as PostgREST calls them; nobody else's, whatever it tries. In a database of its own.
\set VERBOSITY default
\pset null NULL
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE ROLE regress_mega_pool NOINHERIT;
CREATE ROLE regress_mega_people;
GRANT regress_mega_people TO regress_mega_pool;
CREATE DATABASE regress_mega_who TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_who
SET client_min_messages = warning;
SET lc_messages = 'C';
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
-- set before the library is loaded
SET mega.pass_id = 'pass:test:who-ben';
CREATE EXTENSION mega;
SELECT mega_current_pass_id() AS nobody_yet;
-- Ada came as a guest, bought, signed in later: two customers, merged. Ben is somebody else.
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:who-guest', user_id => 'aaaaaaaa-0000-4000-8000-000000000001');
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:who-ada', email => 'ada@example.com');
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:who-ben', user_id => 'bbbbbbbb-0000-4000-8000-000000000002', email => 'ben@example.com');
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:who-bens-guest', anon_id => NULL);
SELECT mega_current_pass_id() AS by_setting;
RESET mega.pass_id;
SELECT mg_credits FROM mega_record_credit('pass:test:who-guest', 50, 'order', ref_type => 'order', ref_id => 'who-1');
SELECT mg_credits FROM mega_record_credit('pass:test:who-ben', 70, 'order', ref_type => 'order', ref_id => 'who-2');
SELECT mg_id FROM mega_create_generation('pass:test:who-guest', 'who-g1', 'still', prompt => 'a red chair');
SELECT mg_id FROM mega_create_generation('pass:test:who-ben', 'who-g2', 'still', prompt => 'the secret of ben');
SELECT mg_id FROM mega_append_mma_step('who-g1', 'scan', '{"in": 1}', '{"out": 1}');
SELECT mg_id FROM mega_append_mma_step('who-g2', 'scan', '{"in": "secret"}', '{"out": 2}');
SELECT count(*) FROM mega_record_mma_event('pass:test:who-guest', 'like', '{"tag": "red"}', 'who-g1');
SELECT count(*) FROM mega_record_mma_event('pass:test:who-ben', 'like', '{"tag": "secret"}', 'who-g2');
SELECT count(*) FROM mega_record_admin_audit('look', actor_pass_id => 'pass:test:who-ada');
SELECT mg_credits, moved_rows > 0 AS moved FROM mega_merge_customers('pass:test:who-guest', 'pass:test:who-ada');
SELECT mg_credits FROM mega_merge_customers('pass:test:who-bens-guest', 'pass:test:who-ben');
SELECT count(*) > 5 AS made FROM mega_enable_rls('regress_mega_people');
SELECT mega_grant('regress_mega_people', 'user');

--
-- Whom a session speaks for.
--
CREATE FUNCTION speaks_for(claims text, setting text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true), set_config('mega.pass_id', setting, true);
    RETURN mega_current_pass_id();
END
$$;
SELECT what, speaks_for(claims, coalesce(setting, '')) FROM (VALUES
    (1, 'claims', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002", "role": "authenticated"}', NULL),
    (2, 'of one who was merged', '{"sub":"aaaaaaaa-0000-4000-8000-000000000001"}', NULL),
    (3, 'in capitals', '{"sub": "BBBBBBBB-0000-4000-8000-000000000002"}', NULL),
    (4, 'escaped', '{"\u0073ub": "\u0062bbbbbbb-0000-4000-8000-000000000002"}', NULL),
    (5, 'and a setting that agrees', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}', 'pass:test:who-ben'),
    (6, 'and one of a merged customer', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}', 'pass:test:who-bens-guest'),
    (7, 'and a setting that differs', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}', 'pass:test:who-ada'),
    (8, 'and a setting of nobody', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}', 'pass:test:nobody'),
    (9, 'of nobody', '{"sub": "cccccccc-0000-4000-8000-000000000003"}', NULL),
    (10, 'of nobody, and a setting', '{"sub": "cccccccc-0000-4000-8000-000000000003"}', 'pass:test:who-ben'),
    (11, 'a setting', '', 'pass:test:who-ben'), (12, 'of one who was merged', '', 'pass:test:who-guest'), (13, 'of nobody', '', 'pass:test:nobody'), (14, 'that is no pass id', '', 'ben'),
    (15, 'without a user, and a setting', '{"role": "anon"}', 'pass:test:who-ben'), (16, 'a user that is none, and a setting', '{"sub": "auth0|123"}', 'pass:test:who-ben'),
    (17, 'neither', '', NULL)
) v(nr, what, claims, setting) ORDER BY nr;
-- malformed claims are no claims, and no error
SELECT what, speaks_for(claims) AS speaks_for, speaks_for(claims, 'pass:test:who-ada') AS with_a_setting FROM (VALUES
    (1, 'no JSON', 'bbbbbbbb-0000-4000-8000-000000000002'), (2, 'null', 'null'), (3, 'a number', '42'), (4, 'a string', '"bbbbbbbb-0000-4000-8000-000000000002"'), (5, 'an array', '[{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}]'),
    (6, 'nested', '{"user": {"sub": "bbbbbbbb-0000-4000-8000-000000000002"}}'), (7, 'sub null', '{"sub": null}'), (8, 'sub a number', '{"sub": 2}'), (9, 'sub an object', '{"sub": {"sub": "bbbbbbbb-0000-4000-8000-000000000002"}}'),
    (10, 'sub an array', '{"sub": ["bbbbbbbb-0000-4000-8000-000000000002"]}'), (11, 'sub twice', '{"sub": "aaaaaaaa-0000-4000-8000-000000000001", "sub": "bbbbbbbb-0000-4000-8000-000000000002"}'), (12, 'cut', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002"'),
    (13, 'more behind', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002"} x'), (14, 'a comma too many', '{"sub": "bbbbbbbb-0000-4000-8000-000000000002",}'), (15, 'single quotes', $${'sub': 'bbbbbbbb-0000-4000-8000-000000000002'}$$),
    (16, 'blanks in it', '{"sub": " bbbbbbbb-0000-4000-8000-000000000002"}'), (17, 'braces', '{"sub": "{bbbbbbbb-0000-4000-8000-000000000002}"}'), (18, 'other letters', U&'{"sub": "bbbbbbbb-0000-4000-8000-00000000000\FF12"}'), (19, 'SQL', $${"sub": "' OR true --"}$$),
    (20, 'huge', '{"x": "' || repeat('y', 1000000) || '"'), (21, 'deep', repeat('[', 200000)), (22, 'deep inside', '{"x": ' || repeat('{"sub":', 100000)), (23, 'empty', '{}'), (24, 'a NUL', '{"sub": "\u0000"}')
) v(nr, what, claims) ORDER BY nr;
SELECT what, speaks_for(claims) FROM (VALUES
    (1, 'huge and well', '{"x": "' || repeat('y', 1000000) || '", "sub": "bbbbbbbb-0000-4000-8000-000000000002"}'), (2, 'deep and well', '{"x": ' || repeat('[', 50000) || repeat(']', 50000) || ', "sub": "bbbbbbbb-0000-4000-8000-000000000002"}'),
    (3, 'of a real issuer', '{"aal":"aal1","amr":[{"method":"password","timestamp":1764400000}],"app_metadata":{"provider":"email","providers":["email"]},"aud":"authenticated","email":"ben@example.com","exp":1764403600,"iat":1764400000,"is_anonymous":false,"iss":"https:\/\/x.example\/auth\/v1","phone":"","role":"authenticated","session_id":"0d6a2c4e-5f5b-4a11-9d4b-0a1f3b9f2e11","sub":"bbbbbbbb-0000-4000-8000-000000000002","user_metadata":{"name":"B\u00e9n \ud83d\ude00","sub":"aaaaaaaa-0000-4000-8000-000000000001"}}')
) v(nr, what, claims) ORDER BY nr;

--
-- As PostgREST does it: one transaction, the role and the claims set local; tables by name, functions by named arguments out
-- of a JSON body.
--
\set as_ada 'BEGIN; SELECT set_config(''search_path'', ''public'', true), set_config(''role'', ''regress_mega_people'', true), set_config(''request.jwt.claims'', ''{"role":"regress_mega_people","sub":"aaaaaaaa-0000-4000-8000-000000000001"}'', true) IS NULL AS ada \\gset'
\set as_ben 'BEGIN; SELECT set_config(''search_path'', ''public'', true), set_config(''role'', ''regress_mega_people'', true), set_config(''request.jwt.claims'', ''{"role":"regress_mega_people","sub":"bbbbbbbb-0000-4000-8000-000000000002"}'', true) IS NULL AS ben \\gset'
SET SESSION AUTHORIZATION regress_mega_pool;
:as_ada
WITH pgrst_source AS (SELECT "public"."mega_customers"."mg_pass_id", "public"."mega_customers"."mg_credits" FROM "public"."mega_customers") SELECT pg_catalog.count(t) AS page_total, coalesce(json_agg(t), '[]') AS body FROM (SELECT * FROM pgrst_source) t;
SELECT count(*) AS rows, count(DISTINCT mg_pass_id) AS customers, string_agg(DISTINCT mg_record_type, ' ') AS types FROM mega_generations;
WITH pgrst_source AS (SELECT pgrst_call.* FROM (SELECT '{"pass_id": "pass:test:who-ada"}'::json AS json_data) pgrst_payload, LATERAL (SELECT "pass_id" FROM json_to_record(pgrst_payload.json_data) AS _("pass_id" text) LIMIT 1) pgrst_body, LATERAL "public"."mega_balance"("pass_id" := pgrst_body."pass_id") pgrst_call)
SELECT coalesce(json_agg(t), '[]') AS body FROM (SELECT mg_credits, held, spendable FROM pgrst_source) t;
WITH pgrst_source AS (SELECT pgrst_call.pgrst_scalar FROM (SELECT "public"."mega_current_pass_id"() pgrst_scalar) pgrst_call) SELECT coalesce(json_agg(t.pgrst_scalar) -> 0, 'null') AS body FROM (SELECT * FROM pgrst_source) t;
WITH pgrst_source AS (SELECT pgrst_call.* FROM (SELECT '{"pass_id": "pass:test:who-guest", "page_size": 5}'::json AS json_data) pgrst_payload, LATERAL (SELECT "pass_id", "page_size" FROM json_to_record(pgrst_payload.json_data) AS _("pass_id" text, "page_size" integer) LIMIT 1) pgrst_body,
    LATERAL "public"."mega_generation_history"("pass_id" := pgrst_body."pass_id", "page_size" := pgrst_body."page_size") pgrst_call)
SELECT coalesce(json_agg(t), '[]') AS body FROM (SELECT mg_generation_id, mg_prompt FROM pgrst_source) t;
COMMIT;
SELECT current_user, current_setting('request.jwt.claims') = '' AS no_claims_left;

--
-- Every function of the level: one's own, and somebody else's.
--
\set reads 'SELECT f.what, f.rows, f.said FROM (VALUES (1, ''customer''), (2, ''balance''), (3, ''balance_at''), (4, ''statement''), (5, ''usage''), (6, ''history''), (7, ''generation''), (8, ''steps''), (9, ''events''), (10, ''likes''), (11, ''generation of''), (12, ''lots'')) v(nr, word), LATERAL tried(v.word, :of, :generation) f ORDER BY v.nr'
RESET SESSION AUTHORIZATION;
CREATE FUNCTION tried(word text, of text, generation text, OUT what text, OUT rows bigint, OUT said text) LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    what := word;
    EXECUTE 'SELECT count(*) FROM ' || CASE word WHEN 'customer' THEN 'mega_customer($1)' WHEN 'balance' THEN 'mega_balance($1)' WHEN 'balance_at' THEN 'mega_balance_at($1, now())' WHEN 'statement' THEN 'mega_credit_statement($1)'
        WHEN 'usage' THEN 'mega_usage($1, now() - interval ''1 day'', now() + interval ''1 day'')' WHEN 'history' THEN 'mega_generation_history($1)' WHEN 'generation' THEN 'mega_generation($2)' WHEN 'steps' THEN 'mega_generation_steps($2)'
        WHEN 'events' THEN 'mega_mma_events($1)' WHEN 'likes' THEN 'mega_likes($1)' WHEN 'generation of' THEN 'mega_generation($2, $1)' WHEN 'lots' THEN 'mega_credit_lots($1)' END INTO rows USING of, generation;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    said := SQLSTATE || ' ' || SQLERRM || ' | ' || detail;
END
$$;
GRANT EXECUTE ON FUNCTION tried(text, text, text) TO regress_mega_people;
-- none of the level is forgotten here
SELECT p.proname FROM pg_proc p WHERE has_function_privilege('regress_mega_people', p.oid, 'EXECUTE') AND p.proname LIKE 'mega\_%'
    AND p.proname <> ALL ('{mega_customer,mega_balance,mega_balance_at,mega_credit_lots,mega_credit_statement,mega_usage,mega_generation_history,mega_generation,mega_generation_steps,mega_mma_events,mega_likes,mega_current_pass_id,mega_pass_id,mega_version,mega_is_pass_id,mega_is_record_id,mega_is_permanent_url,mega_has_expiring_url}');
SET SESSION AUTHORIZATION regress_mega_pool;
\set of '''pass:test:who-ada'''
\set generation '''who-g1'''
:as_ada
:reads;
\set of '''pass:test:who-guest'''
:reads;
-- Ben's, Ben's as a guest, and nobody's read alike: what is refused is what was given
\set of '''pass:test:who-ben'''
\set generation '''who-g2'''
:reads;
\set of '''pass:test:who-bens-guest'''
:reads;
\set of '''pass:test:nobody'''
\set generation '''no-such'''
:reads;
COMMIT;

--
-- What it may not: write, look into the office, and learn of others by what it tries.
--
:as_ada
SELECT count(*) FROM mega_admin;
SELECT count(*) FROM mega_record_credit('pass:test:who-ada', 100, 'gift');
SELECT count(*) FROM mega_ensure_customer('pass:test:who-ben');
SELECT count(*) FROM mega_find_customers('ben');
SELECT count(*) FROM mega_reconcile_credits();
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:who', 'pass:test:who-ada', 100);
UPDATE mega_customers SET mg_display_name = 'x';
DELETE FROM mega_generations;
TRUNCATE mega_generations;
SELECT FROM mega_customers FOR UPDATE;
COPY (SELECT mg_pass_id FROM mega_customers) TO STDOUT;
MERGE INTO mega_customers c USING (VALUES ('pass:test:who-ben')) v(id) ON c.mg_pass_id = v.id WHEN MATCHED THEN UPDATE SET mg_display_name = 'x';
SET LOCAL row_security = off;
SELECT count(*) FROM mega_customers;
SELECT count(*) FROM mega_balance('pass:test:who-ada');
SET LOCAL row_security = on;
ALTER TABLE mega_customers DISABLE ROW LEVEL SECURITY;
SELECT mega_enable_rls('regress_mega_people');
SELECT mega_grant('regress_mega_people', 'reader');
COMMIT;
-- functions that tell what they are shown: not asked before the policy
RESET SESSION AUTHORIZATION;
GRANT CREATE, TEMPORARY ON DATABASE regress_mega_who TO regress_mega_people;
:as_ada
CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$BEGIN RAISE WARNING 'saw %', $1; RETURN true; END$$;
SET LOCAL client_min_messages = warning;
SELECT count(*) FROM mega_customers WHERE pg_temp.tell(mg_pass_id);
SELECT count(*) FROM mega_customers WHERE mg_email LIKE 'b%' OR pg_temp.tell(mg_email);
SELECT DISTINCT mg_prompt FROM mega_generations WHERE pg_temp.tell(mg_prompt) AND mg_record_type = 'generation';
SELECT count(*) FROM mega_generations g JOIN mega_customers c ON pg_temp.tell(c.mg_pass_id) AND c.mg_pass_id = g.mg_pass_id WHERE g.mg_record_type = 'generation';
SELECT count(*) FROM mega_customers WHERE 1 / (length(mg_email) - length('ben@example.com')) > 0 OR true;
CREATE TEMP VIEW mine AS SELECT * FROM mega_customers;
SELECT mg_pass_id FROM mine WHERE pg_temp.tell(mg_pass_id);
CREATE TEMP TABLE taken AS SELECT mg_pass_id FROM mega_customers;
TABLE taken;
CREATE FUNCTION pg_temp.of(text) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT mg_prompt FROM mega_generations WHERE mg_pass_id = $1 AND mg_prompt IS NOT NULL';
SELECT pg_temp.of('pass:test:who-ben'), pg_temp.of('pass:test:who-ada');
-- leakproof it cannot say
CREATE FUNCTION pg_temp.quiet(text) RETURNS boolean LANGUAGE plpgsql LEAKPROOF AS $$BEGIN RAISE WARNING 'saw %', $1; RETURN true; END$$;
-- statistics
SELECT count(*) FROM pg_stats WHERE tablename LIKE 'mega\_%';
SELECT count(*) FROM pg_statistic;
ROLLBACK;

--
-- A statement that was prepared, a cursor, a view of the owner's, over a change of claims and of roles.
--
SET SESSION AUTHORIZATION regress_mega_pool;
PREPARE mine AS SELECT mg_pass_id FROM public.mega_customers;
PREPARE history AS SELECT mg_prompt FROM public.mega_generations WHERE mg_record_type = $$generation$$;
:as_ada
EXECUTE mine;
EXECUTE history;
DECLARE open CURSOR FOR SELECT mg_pass_id FROM mega_customers;
DECLARE kept CURSOR WITH HOLD FOR SELECT mg_pass_id FROM mega_customers;
SET LOCAL request.jwt.claims = '{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}';
EXECUTE mine;
EXECUTE history;
FETCH ALL FROM open;
SET LOCAL request.jwt.claims = '';
EXECUTE mine;
EXECUTE history;
COMMIT;
CLOSE kept;
:as_ben
EXECUTE mine;
EXECUTE history;
COMMIT;
EXECUTE mine;
RESET SESSION AUTHORIZATION;
EXECUTE mine;
:as_ada
EXECUTE mine;
COMMIT;
-- a function with the owner's rights is the owner, as everywhere: it sees all, and says for whom it asks itself
CREATE FUNCTION all_customers() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM mega_customers';
CREATE FUNCTION my_rows() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM mega_generations WHERE mg_pass_id = mega_current_pass_id()';
GRANT EXECUTE ON FUNCTION all_customers(), my_rows() TO regress_mega_people;
:as_ada
SELECT all_customers(), my_rows();
COMMIT;
:as_ben
SELECT all_customers(), my_rows();
COMMIT;

--
-- EXPLAIN ANALYZE counts no row of others where the key leads to one's own.
--
\getenv tests PG_ABS_SRCDIR
\set plan :tests '/sql/shared/plan.psql'
\i :plan
:as_ada
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT * FROM pg_temp.plan_of('SELECT mg_pass_id FROM mega_customers', ', ANALYZE, TIMING OFF, SUMMARY OFF') plan;
SELECT * FROM pg_temp.plan_of($$SELECT mg_pass_id FROM mega_customers WHERE mg_pass_id = 'pass:test:who-ben'$$, ', ANALYZE, TIMING OFF, SUMMARY OFF') plan;
COMMIT;

--
-- Two customers of one user, as adopted tables may have them: nobody is meant, unless they are one by now.
--
DROP INDEX mega_customers_user_id_key;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:who-second');
SET session_replication_role = replica;
UPDATE mega_customers SET mg_user_id = 'bbbbbbbb-0000-4000-8000-000000000002' WHERE mg_pass_id = 'pass:test:who-second';
SET session_replication_role = origin;
SELECT speaks_for('{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}');
-- one who was erased is nobody's any more
SELECT mg_pass_id FROM mega_erase_customer('pass:test:who-second');
SELECT speaks_for('{"sub": "bbbbbbbb-0000-4000-8000-000000000002"}');
SELECT mg_pass_id FROM mega_erase_customer('pass:test:who-ada');
SELECT speaks_for('{"sub": "aaaaaaaa-0000-4000-8000-000000000001"}');

\c :home
DROP DATABASE regress_mega_who;
DROP ROLE regress_mega_pool, regress_mega_people;
