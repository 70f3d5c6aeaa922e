-- The books stay together whatever shares a statement: rows that wait for their projection while somebody folds, balances
-- that are only claimed, triggers that drop or change what mega writes. Customers of this file: pass:test:together-*
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS mega;
SELECT expired >= 0 AND (SELECT count(*) FROM mega_release_expired_holds()) >= 0 AS swept_what_others_left FROM mega_expire_credits();
\set VERBOSITY sqlstate
\pset null NULL
SET timezone = 'UTC';
SELECT expired >= 0 AS swept_what_others_left FROM mega_expire_credits();

-- Runs a statement in a block of its own and tells how it ended.
CREATE FUNCTION pg_temp.briefly(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || said, CASE WHEN detail NOT LIKE 'Failing row%' THEN nullif(regexp_replace(detail, '[0-9]{16}', '…'), '') END);
END
$$;
-- Empty, or what is wrong with the books (I1, I2) of this file's customers.
CREATE FUNCTION pg_temp.books() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('; ', (SELECT string_agg(mg_pass_id || ' ' || mg_credits || ' is not ' || ledger_sum, ', ') FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:together-%'),
        (SELECT string_agg(mg_pass_id || ' ' || (stored -> 'tag_weights')::text || ' is not ' || (folded -> 'tag_weights')::text, ', ') FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:together-%'))
$$;
CREATE FUNCTION pg_temp.weights(who text) RETURNS jsonb LANGUAGE sql AS
    $$SELECT mg_mma_preferences -> 'tag_weights' FROM mega_customers WHERE mg_pass_id = who$$;
CREATE SCHEMA regress_together;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:together-' || n FROM unnest('{a,b,c,d,e}'::text[]) n;
-- What other tests left is no work of this one's sweeps.
SELECT count(*) >= 0 AS swept FROM mega_expire_credits(max_customers => 1000000), mega_release_expired_holds(1000000);

--
-- Folds while rows of the same statement wait. A late set folds its tag from the ledger.
--
SELECT replayed FROM mega_record_mma_event('pass:test:together-a', 'like', '{"tags": ["u"]}', event_id => 'together-0');
WITH raw AS (
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta)
    VALUES ('mma_event:together-1', 'pass:test:together-a', '{"event_type": "like", "payload": {"tags": ["u"]}}') RETURNING mg_id)
SELECT replayed FROM raw, LATERAL mega_record_mma_event('pass:test:together-a', 'preference_set', '{"tag_weights": {"u": 5}}',
    event_id => 'together-late-1', created_at => now() - interval '1 hour');
SELECT pg_temp.weights('pass:test:together-a'), pg_temp.books();
-- a like behind the fold, in the same statement: neither lost nor counted twice
WITH raw AS (
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta)
    SELECT 'mma_event:together-2-' || i, 'pass:test:together-b', '{"event_type": "like", "payload": {"tags": ["u", "v"]}}' FROM generate_series(1, 3) i RETURNING mg_id)
SELECT count(*) FROM (SELECT (mega_record_mma_event('pass:test:together-b', 'preference_set', '{"tag_weights": {"u": 5}}',
        event_id => 'late-' || mg_id, created_at => now() - interval '1 hour')).replayed,
    (mega_record_mma_event('pass:test:together-b', 'like', '{"tags": ["u"]}', event_id => 'like-' || mg_id)).replayed FROM raw) r;
SELECT pg_temp.weights('pass:test:together-b'), pg_temp.books();
-- another statement behind that one folds no more than it has to, and right
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:together-3', 'pass:test:together-b', '{"event_type": "like", "payload": {"tags": ["v"]}}');
SELECT pg_temp.weights('pass:test:together-b'), pg_temp.books();

-- a trigger of one's own that records events while rows wait, by row and by statement, before and behind ours
CREATE FUNCTION regress_together.set_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        PERFORM mega_record_mma_event('pass:test:together-c', 'preference_set', '{"tag_weights": {"u": 7}}', created_at => now() - interval '1 hour');
        IF TG_LEVEL = 'ROW' THEN -- a row that never comes waits for ever
            INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:together-0', 'pass:test:together-a', '{"event_type": "like"}') ON CONFLICT DO NOTHING;
        END IF;
    END IF;
    RETURN NEW;
END
$$;
SELECT word || ' ' || level AS trigger, name, pg_temp.briefly(format('CREATE TRIGGER %s %s INSERT ON mega_generations FOR EACH %s EXECUTE FUNCTION regress_together.set_late()', name, word, level)) AS making,
    pg_temp.briefly(format($s$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) SELECT 'mma_event:together-%s-%s-%s-' || i, 'pass:test:together-c', '{"event_type": "like", "payload": {"tags": ["u"]}}' FROM generate_series(1, 2) i$s$, name, word, level)) AS inserting,
    pg_temp.books() AS books, pg_temp.briefly(format('DROP TRIGGER %s ON mega_generations', name)) AS dropping
FROM unnest('{aaa,zzz}'::text[]) name, unnest('{BEFORE,AFTER}'::text[]) word, unnest('{ROW,STATEMENT}'::text[]) level;
SELECT pg_temp.weights('pass:test:together-c'), pg_temp.books();

-- customers are projected one after the other: behind the first one a trigger folds the second, whose rows wait still
CREATE FUNCTION regress_together.set_other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 2 AND NEW.mg_pass_id = 'pass:test:together-a' THEN
        PERFORM mega_record_mma_event('pass:test:together-b', 'preference_set', '{"tag_weights": {"u": 5}}', created_at => now() - interval '1 hour');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_together.set_other();
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) SELECT 'mma_event:together-3-' || n, 'pass:test:together-' || n, '{"event_type": "like", "payload": {"tags": ["u"]}}' FROM unnest('{a,b}'::text[]) n;
DROP TRIGGER zzz ON mega_customers;
SELECT pg_temp.weights('pass:test:together-b'), pg_temp.books();

-- a customer and its events and credits in one statement, with derived columns that are ignored
SET mega.derived_writes = 'ignore';
WITH customer AS (INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences)
    VALUES ('pass:test:together-new', 50, '{"tag_weights": {"u": 9}, "theme": "dark"}') RETURNING mg_pass_id, mg_credits, mg_mma_preferences),
rows AS (INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES
    ('credit_transaction:together-new', 'pass:test:together-new', 20, '{}'), ('mma_event:together-new', 'pass:test:together-new', NULL, '{"event_type": "like", "payload": {"tags": ["u"]}}'))
SELECT * FROM customer;
SELECT mg_credits, pg_temp.weights(mg_pass_id), mg_mma_preferences -> 'theme' AS theme, pg_temp.books() FROM mega_customers WHERE mg_pass_id = 'pass:test:together-new';
-- what is only claimed cannot be spent (I3)
SELECT pg_temp.briefly($$WITH c AS (INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:together-rich', 1000) RETURNING mg_pass_id)
    SELECT r.* FROM c, LATERAL mega_record_credit(c.mg_pass_id, -1000, 'video', txn_id => 'together-rich') r$$);
WITH c AS (INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_expires_at) VALUES ('pass:test:together-poor', 1000, now() - interval '1 day') RETURNING mg_pass_id)
SELECT r.mg_credits FROM c, LATERAL mega_record_credit(c.mg_pass_id, 5, 'grant', txn_id => 'together-poor') r;
SELECT mg_credits, pg_temp.books() FROM mega_customers WHERE mg_pass_id = 'pass:test:together-poor';
-- an upsert that finds its customer means what it says
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:together-poor', 5) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits, mg_locale = 'en-AE' RETURNING mg_credits;
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:together-poor', 6) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits RETURNING mg_credits;
-- a trigger behind ours claims a balance: refused in this mode, too
CREATE FUNCTION regress_together.rich() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.mg_credits := 1000; RETURN NEW; END';
CREATE TRIGGER zzz BEFORE INSERT ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_together.rich();
SELECT pg_temp.briefly($$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:together-rich')$$);
SELECT pg_temp.briefly($$SELECT mega_ensure_customer('pass:test:together-rich')$$);
DROP TRIGGER zzz ON mega_customers;
RESET mega.derived_writes;

-- books are not opened between a row and its projection
SELECT pg_temp.briefly($$WITH raw AS (INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:together-4', 'pass:test:together-d', 5) RETURNING mg_id)
    SELECT o.* FROM raw, LATERAL (SELECT raw.mg_id, b.* FROM mega_open_books() b) o$$);
SELECT mg_credits, pg_temp.books() FROM mega_customers WHERE mg_pass_id = 'pass:test:together-d';

--
-- A balance that a trigger has spent already, when the function comes to it (I3).
--
SELECT mg_credits FROM mega_record_credit('pass:test:together-d', 100, 'order', txn_id => 'together-order');
CREATE FUNCTION regress_together.fee() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_reason = 'video' THEN
        PERFORM mega_record_credit(NEW.mg_pass_id, -60, 'fee', txn_id => TG_NAME || '-' || substr(NEW.mg_id, 20));
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER zzz BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_together.fee();
SELECT pg_temp.briefly($$SELECT mega_record_credit('pass:test:together-d', -60, 'video', txn_id => 'together-5')$$);
SELECT pg_temp.briefly($$SELECT mega_record_credits('[{"pass_id": "pass:test:together-d", "delta": -60, "reason": "video", "txn_id": "together-5"}]')$$);
SELECT pg_temp.briefly($$SELECT mega_hold_credit('pass:test:together-d', 60, 'together-5', reason => 'video')$$);
SELECT mg_credits FROM mega_record_credit('pass:test:together-d', -40, 'video', txn_id => 'together-6');
DROP TRIGGER zzz ON mega_generations;
-- or takes more than the function asked for
SELECT mg_credits FROM mega_record_credit('pass:test:together-d', 200, 'order', txn_id => 'together-order-2');
CREATE FUNCTION regress_together.dearer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.mg_delta := 10 * NEW.mg_delta; RETURN NEW; END';
CREATE TRIGGER zzz BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_together.dearer();
SELECT pg_temp.briefly($$SELECT mega_record_credit('pass:test:together-d', -60, 'video', txn_id => 'together-8')$$);
SELECT mg_credits FROM mega_record_credit('pass:test:together-d', -1, 'video', txn_id => 'together-9');
DROP TRIGGER zzz ON mega_generations;
SELECT pg_temp.books();

--
-- A trigger that changes what the projection writes: the projection stands, or the statement fails and names it.
--
CREATE TABLE regress_together.change (nature text);
CREATE FUNCTION regress_together.change_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE (SELECT nature FROM regress_together.change)
        WHEN 'clamp' THEN NEW.mg_credits := greatest(NEW.mg_credits, 0);
        WHEN 'old balance' THEN NEW.mg_credits := OLD.mg_credits;
        WHEN 'no balance' THEN NEW.mg_credits := NULL;
        WHEN 'old row' THEN NEW := OLD;
        WHEN 'own key' THEN NEW.mg_mma_preferences := NEW.mg_mma_preferences || '{"theme": "dark"}';
        WHEN 'old tags' THEN NEW.mg_mma_preferences := OLD.mg_mma_preferences;
        WHEN 'other tags' THEN NEW.mg_mma_preferences := NEW.mg_mma_preferences || '{"tag_weights": {"x": 1}}';
        WHEN 'no tags' THEN NEW.mg_mma_preferences := NULL;
        WHEN 'nested' THEN DELETE FROM regress_together.change; UPDATE mega_customers SET mg_locale = 'en' WHERE mg_pass_id = NEW.mg_pass_id;
        WHEN 'nested balance' THEN DELETE FROM regress_together.change; UPDATE mega_customers SET mg_credits = NEW.mg_credits WHERE mg_pass_id = NEW.mg_pass_id;
        WHEN 'dropped' THEN RETURN NULL;
        ELSE NULL;
    END CASE;
    RETURN NEW;
END
$$;
CREATE FUNCTION pg_temp.with_change(nature text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    INSERT INTO regress_together.change VALUES (nature);
    ended := pg_temp.briefly(statement);
    DELETE FROM regress_together.change;
    RETURN ended;
END
$$;
SELECT mg_credits FROM mega_record_credit('pass:test:together-e', 10, 'order', txn_id => 'together-order-e');
SET client_min_messages = error; -- what is ignored is told: derived.sql
CREATE TABLE regress_together.said AS SELECT NULL::text AS mode, NULL::text AS name, NULL::text AS nature, NULL::text AS function, NULL::text AS raw, NULL::text AS event, NULL::text AS books WHERE false;
DO $$
DECLARE
    mode text;
    name text;
    nature text;
BEGIN
    FOREACH name IN ARRAY '{aaa,zzz}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER %s BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_together.change_customer()', name);
        FOREACH mode IN ARRAY '{reject,ignore}'::text[] LOOP
            PERFORM set_config('mega.derived_writes', mode, true);
            FOREACH nature IN ARRAY '{clamp,old balance,no balance,old row,own key,old tags,other tags,no tags,nested,nested balance,dropped,nothing}'::text[] LOOP
                INSERT INTO regress_together.said VALUES (mode, name, nature,
                    pg_temp.with_change(nature, format($s$SELECT mega_record_credit('pass:test:together-e', -20, 'x', txn_id => 'together-%s-%s-%s', allow_negative => true)$s$, mode, name, nature)),
                    pg_temp.with_change(nature, format($s$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:together-raw-%s-%s-%s', 'pass:test:together-e', -20)$s$, mode, name, nature)),
                    pg_temp.with_change(nature, format($s$SELECT mega_record_mma_event('pass:test:together-e', 'like', '{"tag": "a"}', event_id => 'together-%s-%s-%s')$s$, mode, name, nature)),
                    pg_temp.books());
            END LOOP;
        END LOOP;
        EXECUTE format('DROP TRIGGER %s ON mega_customers', name);
    END LOOP;
END
$$;
SET client_min_messages = warning;
SELECT nature, name, string_agg(DISTINCT left(function, 5), ' ') AS function, string_agg(DISTINCT left(raw, 5), ' ') AS raw, string_agg(DISTINCT left(event, 5), ' ') AS event, string_agg(DISTINCT books, ' ') AS books
FROM regress_together.said GROUP BY nature, name ORDER BY nature, name;
SELECT DISTINCT regexp_replace(t.text, '=-?\d+( made | written=)-?\d+', '=…\1…') COLLATE "C" AS said FROM regress_together.said s, unnest(ARRAY[s.function, s.raw, s.event]) t(text) WHERE t.text <> 'ok' ORDER BY 1;
SELECT pg_temp.books();

--
-- A trigger that drops a row: no function tells of a row that is not there, and none looks for ever.
--
SELECT created FROM mega_create_generation('pass:test:together-e', 'together-g', mma_mode => 'still');
SELECT mg_credits FROM mega_record_credit('pass:test:together-e', 5000, 'order', txn_id => 'together-order-f');
SELECT h.mg_credits FROM generate_series(1, 3) n, LATERAL mega_hold_credit('pass:test:together-e', 5, 'together-' || n) h ORDER BY n;
CREATE FUNCTION regress_together.drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION regress_together.change_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.mg_id := NEW.mg_id || '-other';
        IF NEW.mg_record_type = 'session' THEN NEW.mg_session_id := NEW.mg_session_id || '-other'; END IF;
        IF NEW.mg_record_type = 'generation' THEN NEW.mg_generation_id := NEW.mg_generation_id || '-other'; END IF;
    ELSE
        NEW.mg_status := OLD.mg_status;
        NEW.mg_mma_status := OLD.mg_mma_status;
    END IF;
    RETURN NEW;
END
$$;
CREATE TABLE regress_together.calls (number integer, statement text);
INSERT INTO regress_together.calls SELECT row_number() OVER (), s FROM unnest(ARRAY[
    $$SELECT mega_record_credit('pass:test:together-e', 5, 'a', txn_id => 'together-x')$$,
    $$SELECT mega_record_credit('pass:test:together-e', 5, 'a', ref_type => 'order', ref_id => 'together-x', txn_id => 'together-x')$$,
    $$SELECT mega_record_credits('[{"pass_id": "pass:test:together-e", "delta": 5, "reason": "a", "txn_id": "together-x"}]')$$,
    $$SELECT mega_hold_credit('pass:test:together-e', 5, 'together-x')$$,
    $$SELECT mega_capture_credit('together-1')$$,
    $$SELECT mega_capture_credit('together-1', 3)$$,
    $$SELECT mega_release_credit('together-2')$$,
    $$SELECT mega_refund_credit('together-9', 'together-x')$$,
    $$SELECT mega_revoke_credit('together-x', 'together-order-f', amount => 1)$$,
    $$SELECT mega_transfer_credit('pass:test:together-e', 'pass:test:together-a', 5, 'together-x')$$,
    $$SELECT mega_record_topup('pass:test:together-e', 1, ref_type => 'order', ref_id => 'together-top')$$,
    $$SELECT mega_start_session('pass:test:together-e', 'together-x')$$,
    $$SELECT mega_create_generation('pass:test:together-e', 'together-x')$$,
    $$SELECT mega_update_generation('together-g', 'scanning')$$,
    $$SELECT mega_complete_generation('together-g', 'https://cdn.example.com/a.png')$$,
    $$SELECT mega_fail_generation('together-g', 'no')$$,
    $$SELECT mega_append_mma_step('together-g', 'scan')$$,
    $$SELECT mega_append_mma_step('together-g', 'scan', mma_status => 'scanning')$$,
    $$SELECT mega_record_mma_event('pass:test:together-e', 'like', event_id => 'together-x')$$,
    $$SELECT mega_ensure_customer('pass:test:together-e', email => 'e@example.com')$$,
    $$SELECT mega_ensure_customer('pass:test:together-e', shopify_customer_id => '7700')$$,
    $$SELECT mega_ensure_customer('pass:test:together-x')$$,
    $$SELECT mega_expire_credits()$$,
    $$SELECT mega_release_expired_holds()$$,
    $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:together-x', 'pass:test:together-e', 5)$$,
    $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:together-x', 'pass:test:together-e', '{"event_type": "like"}')$$,
    $$SELECT mega_append_mma_steps('together-g', '[{"step_type": "scan", "mma_status": "scanning"}, {"step_type": "read"}]')$$,
    $$SELECT mega_record_mma_events('[{"pass_id": "pass:test:together-e", "event_type": "like", "event_id": "together-x"}, {"pass_id": "pass:test:together-e", "event_type": "like"}]')$$,
    $$SELECT mega_tweak_generation('together-g', 'together-x', event_id => 'together-x')$$,
    $$SELECT mega_append_scan_line('together-g', 'a line')$$]) s;
-- Runs every call, takes it back, and tells how each ended.
CREATE FUNCTION pg_temp.all_calls() RETURNS TABLE (number integer, call text, ended text) LANGUAGE plpgsql AS $$
BEGIN
    FOR number, call IN SELECT c.number, c.statement FROM regress_together.calls c ORDER BY 1 LOOP
        BEGIN
            ended := regexp_replace(replace(pg_temp.briefly(call), ' | ', E'\n  '), '[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{16}', '…', 'g');
            RAISE EXCEPTION 'back' USING ERRCODE = 'P0042';
        EXCEPTION WHEN SQLSTATE 'P0042' THEN
            NULL;
        END;
        call := left(call, 60);
        RETURN NEXT;
    END LOOP;
END
$$;
-- one hold and one customer whose time is over: the sweeps have something to do
ALTER TABLE mega_generations DISABLE TRIGGER USER;
UPDATE mega_generations SET mg_meta = jsonb_set(mg_meta, '{mega,hold_expires_at}', '"2020-01-01T00:00:00Z"') WHERE mg_id = 'credit_transaction:hold:together-3';
ALTER TABLE mega_generations ENABLE TRIGGER USER;
UPDATE mega_customers SET mg_expires_at = now() - interval '1 day' WHERE mg_pass_id = 'pass:test:together-d';
SET statement_timeout = '20s';
\pset format unaligned
\pset tuples_only on
\echo without a trigger
SELECT number, call, left(ended, 30) FROM pg_temp.all_calls() WHERE ended <> 'ok';
\echo ledger, insert dropped
CREATE TRIGGER zzz BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_together.drop_row();
SELECT * FROM pg_temp.all_calls();
DROP TRIGGER zzz ON mega_generations;
\echo ledger, update dropped
CREATE TRIGGER zzz BEFORE UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_together.drop_row();
SELECT * FROM pg_temp.all_calls() WHERE ended <> 'ok';
DROP TRIGGER zzz ON mega_generations;
\echo ledger, rows changed
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_together.change_row();
SELECT * FROM pg_temp.all_calls() WHERE ended <> 'ok';
DROP TRIGGER zzz ON mega_generations;
\echo a hold that a trigger writes back while it is settled
CREATE FUNCTION regress_together.write_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        UPDATE mega_generations SET mg_status = OLD.mg_status WHERE mg_id = NEW.mg_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_together.write_back();
SELECT * FROM pg_temp.all_calls() WHERE ended <> 'ok';
DROP TRIGGER zzz ON mega_generations;
\echo a hold that a trigger captures while it is released
CREATE FUNCTION regress_together.capture_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mega_capture_credit(substr(NEW.mg_id, 25), 1);
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER UPDATE ON mega_generations FOR EACH ROW WHEN (NEW.mg_status = 'failed' AND OLD.mg_status = 'pending') EXECUTE FUNCTION regress_together.capture_late();
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:together-late');
SELECT mg_credits FROM mega_record_credit('pass:test:together-late', 10, 'grant');
SELECT mg_credits FROM mega_hold_credit('pass:test:together-late', 5, 'together-late');
SELECT outcome, mg_credits FROM mega_release_credit('together-late');
SELECT mg_status FROM mega_generations WHERE mg_id = 'credit_transaction:hold:together-late';
DROP TRIGGER zzz ON mega_generations;
\echo customers, insert dropped
CREATE TRIGGER zzz BEFORE INSERT ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_together.drop_row();
SELECT * FROM pg_temp.all_calls() WHERE ended <> 'ok';
DROP TRIGGER zzz ON mega_customers;
\echo customers, update dropped
CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_together.drop_row();
SELECT * FROM pg_temp.all_calls() WHERE ended <> 'ok';
DROP TRIGGER zzz ON mega_customers;
\echo customers, what goes beside a projection dropped
CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (NEW.mg_last_topup_at IS DISTINCT FROM OLD.mg_last_topup_at OR NEW.mg_expires_at IS DISTINCT FROM OLD.mg_expires_at)
    EXECUTE FUNCTION regress_together.drop_row();
SELECT * FROM pg_temp.all_calls() WHERE ended <> 'ok';
DROP TRIGGER zzz ON mega_customers;
\echo another unique key
CREATE UNIQUE INDEX regress_together_key ON mega_generations (mg_record_type, mg_reason) WHERE mg_reason = 'expired' AND mg_pass_id LIKE 'pass:test:together-%';
SELECT regexp_replace(pg_temp.briefly('SELECT mega_expire_credits()'), '[0-9a-f]{8}-[0-9a-f-]{27}', '…');
UPDATE mega_customers SET mg_expires_at = now() - interval '1 day' WHERE mg_pass_id = 'pass:test:together-poor';
SELECT regexp_replace(pg_temp.briefly('SELECT mega_expire_credits()'), '[0-9a-f]{8}-[0-9a-f-]{27}', '…');
DROP INDEX regress_together_key;
RESET statement_timeout;
DROP SCHEMA regress_together CASCADE;
SELECT pg_temp.books();
