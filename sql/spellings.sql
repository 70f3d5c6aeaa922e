-- One pass id in several spellings, on tables that were adopted with UUIDs in capitals: functions look for a pass id as
-- written, then in its canonical spelling. In a database of its own.
\pset null NULL
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_spellings TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_spellings
SET timezone = 'UTC';
SET client_min_messages = error;
CREATE EXTENSION mega;
DROP EXTENSION mega CASCADE;
-- as an application made it: a and c in capitals, b in both spellings, d with the long Shopify id
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id, mg_credits) VALUES
    ('pass:user:AAAAAAAA-0000-4000-8000-00000000000A', NULL, 0),
    ('pass:user:BBBBBBBB-0000-4000-8000-00000000000B', NULL, 0), ('pass:user:bbbbbbbb-0000-4000-8000-00000000000b', NULL, 0),
    ('pass:anon:CCCCCCCC-0000-4000-8000-00000000000C', NULL, 0),
    ('pass:shopify:gid://shopify/Customer/1301', 'gid://shopify/Customer/1301', 0);
CREATE EXTENSION mega;
SELECT object, offenders, example FROM mega_validate() WHERE object = 'mega_customers_pass_id_shape';
\set VERBOSITY terse

\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/outcome.psql'
\i :opening

--
-- What is there goes on, as written; what is not is meant in lower case.
--
SELECT * FROM mega_ensure_customer('pass:user:AAAAAAAA-0000-4000-8000-00000000000A', email => 'a@example.com');
SELECT mg_pass_id, mg_user_id, mg_email FROM mega_customer('pass:user:AAAAAAAA-0000-4000-8000-00000000000A');
-- nobody is made a second time
SELECT mg_pass_id, created FROM mega_ensure_customer(user_id => 'aaaaaaaa-0000-4000-8000-00000000000a');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:user:aaaaaaaa-0000-4000-8000-00000000000a');
SELECT mg_pass_id, created FROM mega_ensure_customer(anon_id => 'cccccccc-0000-4000-8000-00000000000c');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:anon:CCCCCCCC-0000-4000-8000-00000000000C');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:user:EEEEEEEE-0000-4000-8000-00000000000E');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:user:EEEEEEEE-0000-4000-8000-00000000000e');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:anon:FFFFFFFF-0000-4000-8000-00000000000F');
SELECT mg_pass_id, created FROM mega_ensure_customer(anon_id => 'ffffffff-0000-4000-8000-00000000000f');
-- both are there: MG009
SELECT given, pg_temp.outcome(format('SELECT mega_ensure_customer(%L)', given)) FROM (VALUES ('pass:user:BBBBBBBB-0000-4000-8000-00000000000B'), ('pass:user:BBBBBBBB-0000-4000-8000-00000000000b'), ('pass:user:bbbbbbbb-0000-4000-8000-00000000000b')) g(given);
-- a Shopify id
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:shopify:gid://shopify/Customer/1301');
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => 'gid://shopify/Customer/1302');
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '1302');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:shopify:gid://shopify/Customer/1302');
SELECT pass_id, pg_temp.outcome(format('SELECT mega_ensure_customer(%L)', pass_id)) FROM unnest('{pass:shopify:undefined,pass:shopify:[object Object],pass:shopify:null}'::text[]) pass_id;
SELECT mg_pass_id, mg_shopify_customer_id FROM mega_customers ORDER BY 1;

--
-- Every function that takes a pass id.
--
CREATE FUNCTION pg_temp.every(stored text, given text) RETURNS TABLE (what text, outcome text) LANGUAGE plpgsql AS $$
DECLARE
    tag text := md5(given);
BEGIN
    FOR what, outcome IN SELECT v.what, format(v.statement, given, tag) FROM (VALUES
        ('record_credit', 'SELECT mega_record_credit(%1$L, 10, ''grant'', txn_id => ''r-%2$s'')'),
        ('record_credits', 'SELECT mega_record_credits(jsonb_build_array(jsonb_build_object(''pass_id'', %1$L, ''delta'', 2, ''reason'', ''grant'', ''txn_id'', ''b-%2$s'')))'),
        ('the same again', 'SELECT mega_record_credit(%1$L, 10, ''grant'', txn_id => ''r-%2$s'')'),
        ('hold_credit', 'SELECT mega_hold_credit(%1$L, 1, ''h-%2$s'')'),
        ('capture_credit', 'SELECT mega_capture_credit(''h-%2$s'', pass_id => %1$L)'),
        ('release_credit', 'SELECT mega_release_credit(''h-%2$s'', pass_id => %1$L)'),
        ('revoke_credit', 'SELECT mega_revoke_credit(''v-%2$s'', ''r-%2$s'', amount => 1, pass_id => %1$L)'),
        ('refund_credit', 'SELECT mega_refund_credit(''hold:h-%2$s'', ''f-%2$s'', pass_id => %1$L)'),
        ('transfer_credit', 'SELECT mega_transfer_credit(%1$L, ''pass:shopify:1302'', 1, ''t-%2$s'')'),
        ('transfer back', 'SELECT mega_transfer_credit(''pass:shopify:1302'', %1$L, 1, ''u-%2$s'')'),
        ('record_topup', 'SELECT mega_record_topup(%1$L, 1, 5, ''order'', ''o-%2$s'')'),
        ('balance', 'SELECT mega_balance(%1$L)'),
        ('balance_at', 'SELECT mega_balance_at(%1$L, now())'),
        ('credit_statement', 'SELECT mega_credit_statement(%1$L)'),
        ('reconcile_credits', 'SELECT mega_reconcile_credits(%1$L)'),
        ('start_session', 'SELECT mega_start_session(%1$L, ''s-%2$s'')'),
        ('create_generation', 'SELECT mega_create_generation(%1$L, ''g-%2$s'')'),
        ('update_generation', 'SELECT mega_update_generation(''g-%2$s'', ''scanning'', pass_id => %1$L)'),
        ('append_mma_step', 'SELECT mega_append_mma_step(''g-%2$s'', ''scan'', pass_id => %1$L)'),
        ('generation_steps', 'SELECT * FROM mega_generation_steps(''g-%2$s'', %1$L)'),
        ('append_mma_steps', 'SELECT mega_append_mma_steps(''g-%2$s'', ''[{"step_type": "scan"}]'', %1$L)'),
        ('append_scan_line', 'SELECT mega_append_scan_line(''g-%2$s'', ''looking'', %1$L)'),
        ('generation', 'SELECT * FROM mega_generation(''g-%2$s'', %1$L)'),
        ('tweak_generation', 'SELECT mega_tweak_generation(''g-%2$s'', ''g2-%2$s'', pass_id => %1$L)'),
        ('record_feedback', 'SELECT mega_record_feedback(%1$L, ''f-%2$s'', ''g-%2$s'')'),
        ('complete_generation', 'SELECT mega_complete_generation(''g-%2$s'', ''https://a.example/x.png'', pass_id => %1$L)'),
        ('record_mma_event', 'SELECT mega_record_mma_event(%1$L, ''like'', ''{"tag": "t"}'', ''g-%2$s'', ''e-%2$s'')'),
        ('record_mma_events', 'SELECT mega_record_mma_events(jsonb_build_array(jsonb_build_object(''pass_id'', %1$L, ''event_type'', ''like'', ''generation_id'', ''g-%2$s'')))'),
        ('generation_history', 'SELECT * FROM mega_generation_history(%1$L)'),
        ('mma_events', 'SELECT * FROM mega_mma_events(%1$L)'),
        ('likes', 'SELECT * FROM mega_likes(%1$L)'),
        ('reconcile_preferences', 'SELECT mega_reconcile_preferences(%1$L)'),
        ('delete_generation', 'SELECT mega_delete_generation(''g-%2$s'', %1$L)'),
        ('customer', 'SELECT * FROM mega_customer(%1$L)')) v(what, statement)
    LOOP
        outcome := pg_temp.outcome(outcome);
        RETURN NEXT;
    END LOOP;
    what := 'balance';
    outcome := (SELECT mg_credits::text FROM mega_customers WHERE mg_pass_id = stored);
    RETURN NEXT;
END
$$;
-- in capitals and stored so; in capitals where lower case is stored; with GraphQL's words where they are not stored
SELECT a.what, a.outcome AS as_stored, e.outcome AS lower_case, s.outcome AS shopify
FROM pg_temp.every('pass:user:AAAAAAAA-0000-4000-8000-00000000000A', 'pass:user:AAAAAAAA-0000-4000-8000-00000000000A') WITH ORDINALITY a(what, outcome, n)
JOIN pg_temp.every('pass:user:eeeeeeee-0000-4000-8000-00000000000e', 'pass:user:EEEEEEEE-0000-4000-8000-00000000000E') WITH ORDINALITY e(what, outcome, n) USING (n)
JOIN pg_temp.every('pass:shopify:1302', 'pass:shopify:gid://shopify/Customer/1302') WITH ORDINALITY s(what, outcome, n) USING (n) ORDER BY n;
SELECT mg_pass_id, count(*) FROM mega_generations GROUP BY 1 ORDER BY 1;
-- a transfer from one spelling to the other of one customer; a pass id of nobody; another customer's
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:user:EEEEEEEE-0000-4000-8000-00000000000E', 'pass:user:eeeeeeee-0000-4000-8000-00000000000e', 1, 'x')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:user:DDDDDDDD-0000-4000-8000-00000000000D', 1, 'grant')$$);
SELECT pg_temp.outcome($$SELECT mega_capture_credit('h-' || md5('pass:user:EEEEEEEE-0000-4000-8000-00000000000E'), pass_id => 'pass:user:AAAAAAAA-0000-4000-8000-00000000000A')$$);
BEGIN READ ONLY;
SELECT mg_credits FROM mega_balance('pass:user:EEEEEEEE-0000-4000-8000-00000000000E');
SELECT mg_pass_id FROM mega_customer('pass:user:EEEEEEEE-0000-4000-8000-00000000000E');
COMMIT;

--
-- Raw rows: who is adopted goes on, nobody new comes so; a Shopify id is stored in one spelling.
--
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('row of an adopted one', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:raw-a', 'pass:user:AAAAAAAA-0000-4000-8000-00000000000A')$$),
    ('row in capitals', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:raw-e', 'pass:user:EEEEEEEE-0000-4000-8000-00000000000E')$$),
    ('an adopted one changes', $$UPDATE mega_customers SET mg_first_name = 'A', mg_display_name = 'D' WHERE mg_pass_id IN ('pass:user:AAAAAAAA-0000-4000-8000-00000000000A', 'pass:shopify:gid://shopify/Customer/1301')$$),
    ('customer in capitals', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:user:DDDDDDDD-0000-4000-8000-00000000000D')$$),
    ('long Shopify id', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:1', ' gid://shopify/Customer/1310')$$),
    ('the same, short', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:2', '1310')$$),
    ('nobody', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:3', 'undefined'), ('pass:test:4', 'undefined')$$)
) v(what, statement);
SELECT mg_pass_id, mg_shopify_customer_id FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:%' OR mg_pass_id LIKE '%gid%' ORDER BY 1;
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_spellings;
