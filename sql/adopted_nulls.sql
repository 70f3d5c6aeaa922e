-- Adopted tables of every shape with NULLs wherever their columns allow them: no write gets past a rule by leaving a key
-- NULL, no function reads what is not there, one customer's odd rows stop no other's. In a database of its own.
\pset null NULL
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_nulls TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_nulls
SET client_min_messages = error;
SET timezone = 'UTC';
CREATE SCHEMA probe;
-- How a statement ends.
CREATE FUNCTION probe.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE touched bigint; said text;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN 'ok ' || touched;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
    RETURN SQLSTATE || ' ' || said;
END $$;
-- A row of each record type; each of its keys is NULL in turn, as all columns are that it does not name.
CREATE VIEW probe.attempts AS
WITH whole(type, document) AS (VALUES
    ('session', '{"mg_id": "session:n1", "mg_pass_id": "pass:test:a", "mg_session_id": "n1"}'::jsonb),
    ('generation', '{"mg_id": "generation:n1", "mg_pass_id": "pass:test:a", "mg_generation_id": "n1", "mg_mma_mode": "still", "mg_mma_status": "queued", "mg_mma_vars": {}}'),
    ('feedback', '{"mg_id": "feedback:n1", "mg_pass_id": "pass:test:a"}'),
    ('credit_transaction', '{"mg_id": "credit_transaction:n1", "mg_pass_id": "pass:test:a", "mg_delta": 5, "mg_reason": "r", "mg_ref_type": "t", "mg_ref_id": "1"}'),
    ('mma_step', '{"mg_id": "mma_step:there:7", "mg_pass_id": "pass:test:a", "mg_generation_id": "there", "mg_parent_id": "generation:there", "mg_step_no": 7, "mg_step_type": "x", "mg_payload": {"input": {}, "output": {}}}'),
    ('mma_event', '{"mg_id": "mma_event:n1", "mg_pass_id": "pass:test:a", "mg_meta": {"event_type": "like", "payload": {"tag": "n"}}}')),
typed AS (SELECT type, document || jsonb_build_object('mg_record_type', type) AS document FROM whole)
SELECT type || ' without ' || key AS what, document - key AS document FROM typed, jsonb_object_keys(document) key
UNION ALL SELECT type || ' without an id and a type', document - 'mg_id' - 'mg_record_type' FROM typed
UNION ALL SELECT 'nothing at all', '{}';
-- One after the other, each taken back, and what they would leave.
CREATE FUNCTION probe.rows() RETURNS TABLE (what text, ended text) LANGUAGE plpgsql AS $$
DECLARE document jsonb;
BEGIN
    FOR what, document IN SELECT a.what, a.document FROM probe.attempts a ORDER BY a.what COLLATE "C" LOOP
        BEGIN
            ended := probe.outcome(format('INSERT INTO public.mega_generations SELECT (jsonb_populate_record(NULL::public.mega_generations, %L)).*', document));
            IF ended LIKE 'ok%' THEN
                SELECT concat_ws(', ', ended, 'I1 ' || nullif((SELECT count(*) FROM mega_reconcile_credits('pass:test:a')), 0), 'I2 ' || nullif((SELECT count(*) FROM mega_reconcile_preferences('pass:test:a')), 0)) INTO ended;
                RAISE EXCEPTION 'taken back' USING ERRCODE = 'P0099';
            END IF;
        EXCEPTION WHEN SQLSTATE 'P0099' THEN
            NULL;
        END;
        RETURN NEXT;
    END LOOP;
END $$;
-- Every page of a list, one row a page: how many rows there are.
CREATE FUNCTION probe.pages(list text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE place text; found integer := 0; rows integer;
BEGIN
    FOR round IN 1..100 LOOP
        EXECUTE format('SELECT count(*), max(next_cursor) FROM %s(%L, 1, %L)', list, 'pass:test:a', place) INTO rows, place;
        found := found + rows;
        IF place IS NULL THEN RETURN found; END IF;
    END LOOP;
    RETURN -1;
END $$;
-- What the functions make of it: every one that takes a customer, a hold, a generation, or sweeps all.
CREATE FUNCTION probe.functions() RETURNS TABLE (call text, ended text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH call IN ARRAY ARRAY[
        $f$mega_reconcile_credits()$f$, $f$mega_reconcile_preferences()$f$, $f$mega_open_books(true)$f$, $f$mega_open_books(true, 'ledger')$f$,
        $f$mega_open_books()$f$, $f$mega_open_books()$f$, $f$mega_open_books(trust => 'ledger')$f$, $f$mega_reconcile_credits()$f$, $f$mega_reconcile_preferences()$f$,
        $f$mega_validate()$f$, $f$mega_install()$f$,
        $f$mega_ensure_customer('pass:test:a')$f$, $f$mega_ensure_customer(shopify_customer_id => 'lost')$f$, $f$mega_customer('pass:test:a')$f$,
        $f$mega_balance('pass:test:a')$f$, $f$mega_balance_at('pass:test:a', now())$f$,
        $f$mega_record_credit('pass:test:a', 5, 'grant', ref_type => 'order', ref_id => 'lost')$f$, $f$mega_record_credit('pass:test:a', 50, 'grant', txn_id => 'f1')$f$,
        $f$mega_record_credits('[{"pass_id": "pass:test:a", "delta": 1, "reason": "b"}, {"pass_id": "pass:test:b", "delta": 1, "reason": "b"}]')$f$,
        $f$mega_hold_credit('pass:test:a', 5, 'fh')$f$, $f$mega_capture_credit('fh', 3)$f$, $f$mega_release_credit('lost')$f$,
        $f$mega_refund_credit('f1', 'fr')$f$, $f$mega_revoke_credit('fv', 'f1')$f$, $f$mega_transfer_credit('pass:test:a', 'pass:test:b', 1, 'ft')$f$, $f$mega_record_topup('pass:test:a', 1)$f$,
        $f$mega_topup_due(1000000)$f$, $f$mega_release_expired_holds()$f$, $f$mega_expire_credits()$f$,
        $f$mega_start_session('pass:test:a', 'fs')$f$, $f$mega_create_generation('pass:test:a', 'fg')$f$, $f$mega_update_generation('there', vars => '{"a": 1}')$f$,
        $f$mega_claim_generations('worker', 10)$f$, $f$mega_claim_topups(1000000)$f$, $f$mega_find_customers('lost')$f$, $f$mega_credit_lots('pass:test:a')$f$, $f$mega_reconcile_lots()$f$,
        $f$mega_append_mma_step('there', 'scan')$f$, $f$mega_append_mma_steps('there', '[{"step_type": "scan"}, {"step_type": "scan"}]')$f$, $f$mega_generation_steps('there')$f$, $f$mega_complete_generation('there', 'https://cdn.example.com/1.png')$f$, $f$mega_fail_generation('fg', 'no')$f$,
        $f$mega_record_mma_event('pass:test:a', 'preference_set', '{"tag_weights": {"x": 3}}', created_at => now() - interval '1 day')$f$,
        $f$mega_record_mma_event('pass:test:a', 'like', '{"tag": "y"}')$f$,
        $f$mega_reconcile_credits()$f$, $f$mega_reconcile_preferences()$f$] LOOP
        ended := probe.outcome('SELECT * FROM public.' || call);
        RETURN NEXT;
    END LOOP;
    FOREACH call IN ARRAY ARRAY['mega_credit_statement', 'mega_generation_history', 'mega_mma_events', 'mega_likes'] LOOP
        ended := probe.pages('public.' || call);
        call := call || ', a row a page';
        RETURN NEXT;
    END LOOP;
END $$;

--
-- Bare columns: no key, no NOT NULL, and rows that have nothing.
--
CREATE TABLE mega_customers (mg_pass_id text, mg_credits integer DEFAULT 0, mg_shopify_customer_id text, mg_expires_at timestamptz, mg_mma_preferences jsonb, mg_auto_topup_enabled boolean);
CREATE TABLE mega_generations (mg_id text, mg_record_type text, mg_pass_id text, mg_generation_id text, mg_delta integer, mg_ref_type text, mg_ref_id text, mg_reason text, mg_status text, mg_created_at timestamptz, mg_meta jsonb, mg_mma_vars jsonb);
CREATE TABLE mega_admin (mg_id text, mg_record_type text, mg_detail jsonb);
INSERT INTO mega_customers VALUES (NULL, 0, 'lost', '2020-01-01', NULL, true), (NULL, NULL, NULL, NULL, NULL, NULL), ('pass:test:a', NULL, NULL, NULL, NULL, NULL), ('pass:test:b', 3, NULL, '2020-01-01', '[]', true);
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_delta, mg_ref_type, mg_ref_id, mg_reason, mg_status, mg_created_at, mg_meta) VALUES
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 'credit_transaction', NULL, NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 'credit_transaction', 'pass:test:a', NULL, 5, 'order', 'lost', 'grant', NULL, NULL, NULL),
    (NULL, 'credit_transaction', 'pass:test:a', NULL, NULL, NULL, NULL, NULL, 'pending', '2025-01-01', NULL),
    ('credit_transaction:hold:lost', 'credit_transaction', NULL, NULL, -5, 'hold', 'lost', 'hold', 'pending', '2025-01-01', NULL),
    ('credit_transaction:twice', 'credit_transaction', 'pass:test:a', NULL, 1, NULL, NULL, NULL, NULL, '2025-01-01', NULL),
    ('credit_transaction:twice', 'credit_transaction', 'pass:test:a', NULL, 1, NULL, NULL, NULL, NULL, '2025-01-01', NULL),
    (NULL, 'mma_event', 'pass:test:a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"event_type": "like", "payload": {"tag": "x"}}'),
    (NULL, 'mma_event', 'pass:test:a', 'there', NULL, NULL, NULL, NULL, NULL, '2025-01-01', '{"event_type": "like", "payload": {"tag": "x"}}'),
    (NULL, 'mma_event', 'pass:test:a', NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-01', '{"event_type": "preference_set", "payload": {"tag_weights": {"x": 7}}}'),
    (NULL, 'mma_event', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 'mma_event', 'pass:test:a', NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-02', NULL),
    ('generation:there', NULL, 'pass:test:a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 'generation', 'pass:test:a', NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-02', NULL),
    (NULL, 'generation', 'pass:test:a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 'mma_step', NULL, 'there', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO mega_admin VALUES (NULL, NULL, NULL), (NULL, 'admin_audit', NULL);
CREATE EXTENSION mega;
-- a hold whose time is over, as mega itself notes it
SET session_replication_role = replica;
UPDATE mega_generations SET mg_meta = '{"mega": {"hold_expires_at": "2025-01-01T00:00:00Z"}}' WHERE mg_id = 'credit_transaction:hold:lost';
-- and work that waits, without an id
UPDATE mega_generations SET mg_status = 'pending', mg_mma_status = 'queued', mg_created_at = clock_timestamp() WHERE mg_record_type = 'generation';
RESET session_replication_role;
SELECT mg_pass_id, kind, before, after FROM mega_open_books() ORDER BY 1, 2;
SELECT * FROM probe.rows();
SET mega.derived_writes = ignore;
SELECT * FROM probe.rows();
RESET mega.derived_writes;
SELECT probe.outcome('INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES (NULL, 500)'), probe.outcome('INSERT INTO mega_customers (mg_pass_id) VALUES (NULL)');
SET mega.derived_writes = ignore;
SELECT probe.outcome('INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES (NULL, 500)'), probe.outcome($$INSERT INTO mega_customers (mg_pass_id, mg_mma_preferences) VALUES (NULL, '{"tag_weights": {}}')$$);
RESET mega.derived_writes;
-- nobody is found by the Shopify id of a customer without a pass id
SELECT probe.outcome($$SELECT created FROM mega_link_profile('00000000-0000-4000-9000-0000000000ad', shopify_customer_id => 'lost')$$);
-- an adopted row may be changed as any other, and NULL is a value that it keeps
SELECT probe.outcome($$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id IS NULL$$), probe.outcome($$UPDATE mega_customers SET mg_credits = 9 WHERE mg_pass_id IS NULL$$),
    probe.outcome($$UPDATE mega_generations SET mg_error = 'x'$$), probe.outcome($$UPDATE mega_generations SET mg_meta = '{}' WHERE mg_id IS NULL$$), probe.outcome($$UPDATE mega_generations SET mg_mma_status = 'queued' WHERE mg_id IS NULL$$);
SELECT probe.outcome('INSERT INTO mega_admin (mg_id) VALUES (NULL)'), probe.outcome($$INSERT INTO mega_admin (mg_record_type) VALUES ('admin_audit')$$), probe.outcome($$UPDATE mega_admin SET mg_detail = '{}' WHERE mg_id IS NULL$$), probe.outcome('DELETE FROM mega_admin WHERE mg_id IS NULL');
SELECT * FROM probe.functions();
SELECT * FROM mega_reconcile_credits();
-- a trigger of one's own that takes a key away behind mega's
CREATE FUNCTION probe.take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], NULL)); RETURN NEW; END $$;
CREATE FUNCTION probe.taken(what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER z BEFORE INSERT ON public.mega_generations FOR EACH ROW EXECUTE FUNCTION probe.take(%L)', what);
    RETURN QUERY SELECT what || ': ' || probe.outcome(replace(s, '@', what)) FROM unnest(ARRAY[$q$INSERT INTO public.mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:@', 'pass:test:a', 1)$q$,
        $q$INSERT INTO public.mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:@', 'pass:test:a', '{"event_type": "like", "payload": {"tag": "t"}}')$q$,
        $q$SELECT public.mega_record_credit('pass:test:a', 1, 'taken')$q$, $q$SELECT public.mega_record_mma_event('pass:test:a', 'like', '{"tag": "t"}')$q$]) s;
    DROP TRIGGER z ON public.mega_generations;
END $$;
SELECT t FROM unnest(ARRAY['mg_id', 'mg_record_type', 'mg_pass_id', 'mg_delta', 'mg_created_at', 'mg_meta', 'mg_mma_vars']) c, probe.taken(c) t;
SELECT count(*) FROM mega_reconcile_credits('pass:test:a');

--
-- Keys, and the type that repeats a part of them left NULL.
--
DROP EXTENSION mega CASCADE;
DROP TABLE mega_customers, mega_generations, mega_admin;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer);
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text, mg_pass_id text REFERENCES mega_customers, mg_generation_id text, mg_step_no integer, mg_delta integer, mg_meta jsonb, mg_created_at timestamptz);
INSERT INTO mega_customers VALUES ('pass:test:a', NULL), ('pass:test:b', 2);
INSERT INTO mega_generations VALUES ('generation:there', NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('mma_step:there:0', 'mma_step', NULL, 'there', NULL, NULL, NULL, NULL),
    ('credit_transaction:c', NULL, 'pass:test:b', NULL, NULL, 2, NULL, NULL), ('credit_transaction:d', 'credit_transaction', 'pass:test:a', NULL, NULL, NULL, NULL, NULL), ('mma_event:e', 'mma_event', 'pass:test:a', NULL, NULL, NULL, NULL, NULL);
CREATE EXTENSION mega;
SELECT mg_pass_id, kind, before, after FROM mega_open_books() ORDER BY 1, 2;
SELECT * FROM probe.rows();
SELECT * FROM probe.functions();

--
-- A column that mega writes and Postgres computes: every write says so.
--
DROP EXTENSION mega CASCADE;
DROP TABLE mega_customers, mega_generations, mega_admin;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer);
CREATE TABLE mega_generations (key text, mg_record_type text, mg_id text GENERATED ALWAYS AS (mg_record_type || ':' || key) STORED, mg_pass_id text, mg_meta jsonb);
CREATE EXTENSION mega; -- adopting does, too
ALTER TABLE mega_generations ALTER COLUMN mg_id DROP EXPRESSION;
CREATE EXTENSION mega;
ALTER TABLE mega_generations DROP COLUMN mg_id CASCADE, ADD COLUMN mg_id text GENERATED ALWAYS AS (mg_record_type || ':' || key) STORED;
SELECT probe.outcome(s) FROM unnest(ARRAY[$$INSERT INTO mega_generations (key, mg_record_type, mg_pass_id, mg_meta) VALUES ('x', 'mma_event', 'pass:test:a', '{"event_type": "bogus"}')$$, $$SELECT mega_record_credit('pass:test:a', 5, 'x')$$, $$SELECT mega_ensure_customer('pass:test:a')$$]) s;
ALTER TABLE mega_generations ALTER COLUMN mg_id DROP EXPRESSION;
SELECT probe.outcome($$INSERT INTO mega_generations (key, mg_record_type, mg_pass_id, mg_meta) VALUES ('x', 'mma_event', 'pass:test:a', '{"event_type": "bogus"}')$$), probe.outcome($$SELECT mega_ensure_customer('pass:test:a')$$);
--
-- A customer who stands twice, in a table without a key: whoever writes for him is told, nobody else.
--
DROP EXTENSION mega CASCADE;
DROP TABLE mega_customers, mega_generations, mega_admin;
CREATE TABLE mega_customers (mg_pass_id text, mg_credits integer DEFAULT 0);
INSERT INTO mega_customers VALUES ('pass:test:a', 0), ('pass:test:a', 0), ('pass:test:b', 0);
CREATE EXTENSION mega;
SELECT call, probe.outcome('SELECT * FROM ' || call) FROM unnest(ARRAY[$f$mega_record_credit('pass:test:a', 5, 'x')$f$, $f$mega_record_credit('pass:test:b', 5, 'x')$f$, $f$mega_hold_credit('pass:test:a', 5, 'h')$f$,
    $f$mega_record_credits('[{"pass_id": "pass:test:b", "delta": 1, "reason": "x"}, {"pass_id": "pass:test:a", "delta": 1, "reason": "x"}]')$f$, $f$mega_transfer_credit('pass:test:b', 'pass:test:a', 1, 't')$f$,
    $f$mega_record_topup('pass:test:a', 1)$f$, $f$mega_record_mma_event('pass:test:a', 'like', '{"tag": "x"}')$f$, $f$mega_ensure_customer('pass:test:a', email => 'a@example.com')$f$, $f$mega_balance('pass:test:a')$f$, $f$mega_open_books()$f$]) call;
SELECT probe.outcome(s) FROM unnest(ARRAY[$f$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:r', 'pass:test:a', 5)$f$,
    $f$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:r', 'pass:test:a', '{"event_type": "like"}')$f$]) s;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT object, offenders, example FROM mega_validate() WHERE offenders > 0;
\c :home
DROP DATABASE regress_mega_nulls;
