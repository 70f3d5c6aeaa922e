-- Triggers of one's own on the tables, that act or change rows while two customers become one, one is erased, or the
-- office changes one: the books stay together, facts stay, and what callers are told is so. In a database of its own,
-- because it changes the tables.
\set here :DBNAME
CREATE DATABASE regress_others_triggers;
\c regress_others_triggers
SET client_min_messages = error;
CREATE EXTENSION mega;
\pset null ''
\pset format unaligned
CREATE SCHEMA own;
-- What a trigger does, once: a statement.
CREATE TABLE own.acted (what text);
CREATE FUNCTION own.act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM own.acted) THEN
        INSERT INTO own.acted VALUES (TG_ARGV[0]);
        EXECUTE TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;
-- What a trigger makes of a row: other values of columns, nothing, or what stood there.
CREATE FUNCTION own.make() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE TG_ARGV[0] WHEN 'nothing' THEN NULL WHEN 'old' THEN OLD WHEN 'note' THEN jsonb_populate_record(NEW, jsonb_build_object('mg_meta', to_jsonb(NEW) -> 'mg_meta' || '{"note": "my cat"}'))
        WHEN 'theme' THEN jsonb_populate_record(NEW, jsonb_build_object('mg_mma_preferences', to_jsonb(NEW) -> 'mg_mma_preferences' || '{"theme": "my cat"}')) ELSE jsonb_populate_record(NEW, TG_ARGV[0]::jsonb) END;
END
$$;
SELECT a.created, b.created FROM mega_ensure_customer('pass:test:a', email => 'ada@example.com') a, mega_ensure_customer('pass:test:b') b;
SELECT mg_credits FROM mega_record_credit('pass:test:a', 50, 'grant', txn_id => 'a');
SELECT mg_credits FROM mega_record_credit('pass:test:b', 7, 'grant', txn_id => 'b');
SELECT mg_id FROM mega_hold_credit('pass:test:a', 5, 'h');
SELECT mg_id FROM mega_create_generation('pass:test:a', 'g', prompt => 'my cat');
SELECT mg_id FROM mega_record_mma_event('pass:test:a', 'like', '{"tag": "cats"}', event_id => 'e');
SELECT mg_id FROM mega_record_admin_audit('looked', 'pass:test:a', email => 'ada@example.com', audit_id => 'l');

-- Says how a statement ended while the trigger was there, what became of the customers and of their books, and takes
-- all of it back.
CREATE FUNCTION pg_temp.try(trigger text, statement text, OUT outcome text, OUT a text, OUT b text, OUT books text, OUT told text) LANGUAGE plpgsql AS $$
DECLARE
    of text := (regexp_match(trigger, ' ON (\w+)'))[1];
    detail text;
BEGIN
    BEGIN
        EXECUTE 'CREATE TRIGGER ' || trigger;
        BEGIN
            EXECUTE 'SELECT f::text FROM ' || statement || ' f' INTO told;
            SET CONSTRAINTS ALL IMMEDIATE;
            outcome := 'ok';
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            outcome := SQLSTATE || ' ' || SQLERRM || ' (' || detail || ')';
        END;
        SELECT string_agg(concat_ws(' ', mg_credits, mg_mma_preferences -> 'tag_weights', mg_meta #> '{mega,merged_into}', mg_email, CASE WHEN mg_disabled THEN 'disabled' END), '') FILTER (WHERE mg_pass_id = 'pass:test:a'),
            string_agg(concat_ws(' ', mg_credits, mg_mma_preferences -> 'tag_weights', mg_meta #> '{mega,merged_into}'), '') FILTER (WHERE mg_pass_id = 'pass:test:b') INTO a, b FROM mega_customers;
        books := CASE WHEN EXISTS (SELECT FROM mega_reconcile_credits()) OR EXISTS (SELECT FROM mega_reconcile_preferences()) OR EXISTS (SELECT FROM mega_reconcile_lots()) THEN 'apart' ELSE 'together' END
            || coalesce((SELECT ', left with a source: ' || string_agg(g.mg_id, ' ' ORDER BY g.mg_id) FROM mega_generations g JOIN mega_customers c USING (mg_pass_id) WHERE c.mg_meta #> '{mega,merged_into}' IS NOT NULL), '');
        RAISE EXCEPTION USING ERRCODE = 'U0001';
    EXCEPTION WHEN SQLSTATE 'U0001' THEN NULL;
    END;
END
$$;

--
-- While two become one, triggers move credits of either, or write rows of the one who goes.
--
SELECT what, does, t.* FROM (VALUES
    (1, 'row by row', 'x AFTER UPDATE ON mega_generations FOR EACH ROW'), (2, 'before rows', 'x BEFORE UPDATE ON mega_generations FOR EACH ROW'), (3, 'statement', 'x AFTER UPDATE ON mega_generations FOR EACH STATEMENT'),
    (4, 'before the statement', 'x BEFORE UPDATE ON mega_generations FOR EACH STATEMENT'), (5, 'customers', 'x AFTER UPDATE ON mega_customers FOR EACH ROW'), (6, 'before customers', 'x BEFORE UPDATE ON mega_customers FOR EACH ROW')) w(nr, what, fires),
    (VALUES (1, 'mega_record_credit(''pass:test:a'', 1, ''gift'', txn_id => ''again'')'), (2, 'mega_record_credit(''pass:test:b'', 1, ''gift'', txn_id => ''again'')'), (3, 'mega_revoke_credit(''r'', txn_id => ''a'', amount => 20)'), (4, 'mega_record_mma_event(''pass:test:b'', ''like'', ''{"tag": "dogs"}'', event_id => ''again'')')) d(nr, does),
    LATERAL pg_temp.try(format('%s EXECUTE FUNCTION own.act(%L)', fires, 'SELECT FROM ' || does), 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')') t
    ORDER BY w.nr, d.nr;
-- one that is the last to write of the source, and triggers that keep rows from moving
SELECT * FROM pg_temp.try(format('x AFTER UPDATE ON mega_generations FOR EACH ROW WHEN (NEW.mg_record_type = ''mma_event'') EXECUTE FUNCTION own.act(%L)', $$SELECT FROM mega_record_credit('pass:test:a', 1, 'gift')$$), 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')');
SELECT * FROM pg_temp.try('x BEFORE UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.make(''nothing'')', 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')');
SELECT * FROM pg_temp.try('x BEFORE UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.make(''{"mg_delta": 3}'')', 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')');
-- Books differ in the middle of a merge: nobody opens them then.
SELECT fires, trust, t.* FROM unnest(ARRAY['AFTER UPDATE ON mega_customers', 'AFTER UPDATE ON mega_generations']) fires, unnest(ARRAY['stored', 'ledger']) trust,
    LATERAL pg_temp.try(format('x %s FOR EACH ROW EXECUTE FUNCTION own.act(%L)', fires, format('SELECT FROM mega_open_books(trust => %L)', trust)), 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')') t ORDER BY 1, 2 DESC;

--
-- In the middle of another write nobody is merged or erased: it has looked up already who answers for a customer.
--
SELECT what, does, on_table, t.* FROM (VALUES
    (1, 'credit', 'mega_record_credit(''pass:test:a'', 1, ''gift'', txn_id => ''c'')'), (2, 'lot', 'mega_record_credit(''pass:test:a'', 1, ''gift'', txn_id => ''c'', expires_at => ''2099-01-01'')'), (3, 'transfer', 'mega_transfer_credit(''pass:test:b'', ''pass:test:a'', 1, ''t'')'),
    (4, 'capture', 'mega_capture_credit(''h'', 2)'), (5, 'event', 'mega_record_mma_event(''pass:test:a'', ''like'', ''{"tag": "cats"}'')'), (6, 'step', 'mega_append_mma_step(''g'', ''scan'')'), (7, 'feedback', 'mega_record_feedback(''pass:test:a'', ''f'')'),
    (8, 'merge', 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')'), (9, 'disable', 'mega_disable_customer(''pass:test:a'')')) w(nr, what, statement),
    (VALUES ('mega_merge_customers(''pass:test:a'', ''pass:test:b'')', 'mega_generations'), ('mega_erase_customer(''pass:test:b'')', 'mega_generations'), ('mega_merge_customers(''pass:test:a'', ''pass:test:b'')', 'mega_customers')) d(does, on_table),
    LATERAL pg_temp.try(format('x AFTER INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION own.act(%L)', on_table, 'SELECT FROM ' || does), statement) t
    ORDER BY w.nr, does, on_table;
-- behind it they are
BEGIN;
CREATE CONSTRAINT TRIGGER x AFTER INSERT ON mega_generations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION own.act('SELECT FROM mega_merge_customers(''pass:test:a'', ''pass:test:b'')');
SELECT mg_credits FROM mega_record_credit('pass:test:a', 1, 'gift', txn_id => 'c');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
ROLLBACK;
-- and while a raw row comes in: it goes to whom the merge leaves
BEGIN;
CREATE TRIGGER x BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.act('SELECT FROM mega_merge_customers(''pass:test:a'', ''pass:test:b'')');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw', 'pass:test:a', 1);
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
ROLLBACK;
-- behind the row, before its projection, what is stored and the ledger differ
CREATE FUNCTION pg_temp.raw_row(kind text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    IF kind = 'credit' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw', 'pass:test:a', 1);
    ELSE
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:raw', 'pass:test:a', '{"event_type": "like", "payload": {"tag": "dogs"}}');
    END IF;
    RETURN 1;
END
$$;
SELECT kind, t.* FROM (VALUES ('credit'), ('event')) k(kind), LATERAL pg_temp.try(format('x AFTER INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.act(%L)', $$SELECT FROM mega_merge_customers('pass:test:a', 'pass:test:b')$$), format('pg_temp.raw_row(%L)', kind)) t;

--
-- A customer is erased: facts stay facts, and nothing of a person is kept back without a word.
--
SELECT name, makes, t.* FROM unnest(ARRAY['{"mg_pass_id": "pass:test:b"}', '{"mg_delta": 9}', '{"mg_reason": "other"}', '{"mg_created_at": "2020-01-01Z"}', '{"mg_id": "generation:other"}', '{"mg_ref_type": "x", "mg_ref_id": "y"}', '{"mg_step_no": 5}', '{"mg_status": "failed"}', '{"mg_prompt": "your cat"}', 'old', 'nothing']) WITH ORDINALITY m(makes, nr),
    unnest(ARRAY['a', 'x']) name, LATERAL pg_temp.try(format('%s BEFORE UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.make(%L)', name, makes), 'mega_erase_customer(''pass:test:a'')') t ORDER BY m.nr, name;
SELECT name, makes, t.* FROM unnest(ARRAY['{"mg_action": "other"}', '{"mg_id": "admin_audit:other"}', '{"mg_email": "ada@example.com"}', 'old', 'nothing']) WITH ORDINALITY m(makes, nr),
    unnest(ARRAY['a', 'x']) name, LATERAL pg_temp.try(format('%s BEFORE UPDATE ON mega_admin FOR EACH ROW EXECUTE FUNCTION own.make(%L)', name, makes), 'mega_erase_customer(''pass:test:a'')') t ORDER BY m.nr, name;
SELECT name, makes, t.* FROM unnest(ARRAY['{"mg_email": "ada@example.com"}', '{"mg_deleted_at": null}', '{"mg_auto_topup_enabled": true}', 'note', 'theme', 'old', 'nothing']) WITH ORDINALITY m(makes, nr),
    unnest(ARRAY['a', 'x']) name, LATERAL pg_temp.try(format('%s BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION own.make(%L)', name, makes), 'mega_erase_customer(''pass:test:a'')') t ORDER BY m.nr, name;

--
-- What the office changes of a customer has changed, or it is an error. A value may become another one on its way.
--
SELECT what, makes, t.* FROM (VALUES (1, 'disable', 'mega_disable_customer(''pass:test:a'')'), (2, 'delete', 'mega_delete_customer(''pass:test:a'')'), (3, 'verify', 'mega_verify_customer(''pass:test:a'', ''email'')'), (4, 'update', 'mega_update_customer(''pass:test:a'', ''{"email": "Ada@Example.org"}'')')) w(nr, what, statement),
    unnest(ARRAY['old', '{"mg_disabled": false, "mg_deleted_at": null}', '{"mg_email": "ada@example.org"}']) WITH ORDINALITY m(makes, nr),
    LATERAL pg_temp.try(format('x BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION own.make(%L)', makes), statement) t ORDER BY w.nr, m.nr;

--
-- Triggers behind the audit: what they move counts, and what they take back was not done.
--
SELECT statement, does, t.* FROM (VALUES (1, 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')', 'SELECT FROM mega_record_credit(''pass:test:b'', -2, ''fee'')'), (2, 'mega_disable_customer(''pass:test:a'', actor => ''office'')', 'SELECT FROM mega_enable_customer(''pass:test:a'')'),
    (3, 'mega_update_customer(''pass:test:a'', ''{"email": "ada@example.org"}'', ''office'')', 'UPDATE mega_customers SET mg_email = ''ada@example.com'' WHERE mg_pass_id = ''pass:test:a''')) w(nr, statement, does),
    LATERAL pg_temp.try(format('x AFTER INSERT ON mega_admin FOR EACH ROW EXECUTE FUNCTION own.act(%L)', does), statement) t ORDER BY w.nr;

--
-- Whoever is being erased is not written of anew, whichever row a trigger fires with.
--
CREATE FUNCTION pg_temp.erase(OUT kept text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mega_erase_customer('pass:test:a');
    kept := 'kept:' || coalesce((SELECT string_agg(' ' || mg_id, '' ORDER BY mg_id) FROM mega_generations g WHERE to_jsonb(g)::text ~ 'her cat'), '');
END
$$;
SELECT fires, what, t.outcome, t.told FROM (VALUES (1, 'BEFORE UPDATE ON mega_generations'), (2, 'AFTER UPDATE ON mega_generations'), (3, 'BEFORE UPDATE ON mega_admin'), (4, 'AFTER INSERT ON mega_admin'), (5, 'BEFORE UPDATE ON mega_customers'), (6, 'AFTER UPDATE ON mega_customers')) w(nr, fires),
    (VALUES (1, 'row', 'INSERT INTO mega_generations (mg_id, mg_pass_id, mg_title) VALUES (''session:late'', ''pass:test:a'', ''her cat'')'), (2, 'function', 'SELECT FROM mega_record_feedback(''pass:test:a'', ''late'', comment => ''her cat'')'), (3, 'update', 'UPDATE mega_generations SET mg_error = ''her cat'' WHERE mg_id = ''mma_event:e''')) d(nr, what, does),
    LATERAL pg_temp.try(format('x %s FOR EACH ROW EXECUTE FUNCTION own.act(%L)', fires, does), 'pg_temp.erase()') t ORDER BY w.nr, d.nr;

--
-- A trigger gives a row that a function writes another customer: it is asked what a raw row of his is asked.
--
CREATE FUNCTION pg_temp.behind(fate text, statement text, OUT told text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT FROM ' || fate;
    EXECUTE 'SELECT f::text FROM ' || statement || ' f' INTO told;
END
$$;
SELECT name, what, to_whom, t.outcome, t.a, t.b, t.books FROM (VALUES (1, 'credit', 'mega_record_credit(''pass:test:b'', 3, ''gift'', txn_id => ''new'')'), (2, 'event', 'mega_record_mma_event(''pass:test:b'', ''like'', ''{"tag": "dogs"}'')'), (3, 'feedback', 'mega_record_feedback(''pass:test:b'', ''f'', comment => ''my cat'')')) w(nr, what, statement),
    (VALUES ('merged', 'mega_merge_customers(''pass:test:a'', ''pass:test:b'')'), ('erased', 'mega_erase_customer(''pass:test:a'')')) f(to_whom, fate), unnest(ARRAY['a', 'x']) name,
    LATERAL pg_temp.try(format('%s BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.make(''{"mg_pass_id": "pass:test:a"}'')', name), format('pg_temp.behind(%L, %L)', fate, statement)) t ORDER BY w.nr, to_whom, name;
-- and an audit
SELECT name, t.outcome FROM unnest(ARRAY['a', 'x']) name, LATERAL pg_temp.try(format('%s BEFORE INSERT ON mega_admin FOR EACH ROW WHEN (NEW.mg_action = ''looked'') EXECUTE FUNCTION own.make(''{"mg_actor_pass_id": "pass:test:a"}'')', name), $$pg_temp.behind('mega_erase_customer(''pass:test:a'')', 'mega_record_admin_audit(''looked'', ''pass:test:b'', email => ''ada@example.com'')')$$) t ORDER BY name;

-- A profile that was tied to her stays, and nothing is written into it; tied to somebody else it is his.
CREATE FUNCTION pg_temp.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
BEGIN;
SELECT created FROM mega_link_profile('00000000-0000-4000-8000-000000000001', email => 'ada@example.com', pass_id => 'pass:test:a');
SELECT mg_pass_id FROM mega_erase_customer('pass:test:a');
SELECT statement, pg_temp.state_of(statement) FROM unnest(ARRAY[$$SELECT mega_link_profile('00000000-0000-4000-8000-000000000001', email => 'ada@example.com')$$, $$UPDATE mega_admin SET mg_email = 'ada@example.com' WHERE mg_record_type = 'profile'$$, $$UPDATE mega_admin SET mg_meta = '{"note": "my cat"}' WHERE mg_id = 'admin_audit:l'$$,
    $$UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_record_type = 'profile'$$, $$SELECT mega_link_profile('00000000-0000-4000-8000-000000000001', email => 'bob@example.com', pass_id => 'pass:test:b')$$]) statement;
ROLLBACK;

--
-- The tables may be another role's than the extension is: books that differ are opened all the same.
--
CREATE ROLE regress_others_owner;
ALTER TABLE mega_customers OWNER TO regress_others_owner;
ALTER TABLE mega_generations OWNER TO regress_others_owner;
ALTER TABLE mega_admin OWNER TO regress_others_owner;
GRANT ALL ON SCHEMA public TO regress_others_owner;
SELECT mega_grant('regress_others_owner', 'admin');
SET ROLE regress_others_owner;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_credits = 60 WHERE mg_pass_id = 'pass:test:a';
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT mg_pass_id, mg_credits FROM mega_merge_customers('pass:test:a', 'pass:test:b');
SELECT count(*) FROM mega_reconcile_credits();
RESET ROLE;

-- What goes on for a customer who was erased says nothing of her, whatever a trigger would have it say.
SELECT mg_credits FROM mega_record_credit('pass:test:a', -3, 'spend', txn_id => 's');
SELECT mg_credits FROM mega_hold_credit('pass:test:a', 2, 'due', '1 microsecond');
SELECT what, name, fires, t.outcome, t.told FROM (VALUES (1, 'refund', 'mega_refund_credit(''s'', ''r'')'), (2, 'release', 'mega_release_credit(''h'')'), (3, 'part', 'mega_capture_credit(''h'', 1)'), (4, 'sweep', 'mega_release_expired_holds()')) w(nr, what, statement),
    (VALUES ('INSERT', 'NEW.mg_reason IN (''refund'', ''release'', ''capture'')'), ('UPDATE', 'NEW.mg_status IS DISTINCT FROM OLD.mg_status')) f(fires, condition), unnest(ARRAY['a', 'x']) name,
    LATERAL pg_temp.try(format('%s BEFORE %s ON mega_generations FOR EACH ROW WHEN (%s) EXECUTE FUNCTION own.make(''{"mg_title": "Ada"}'')', name, fires, condition), format('pg_temp.behind(%L, %L)', 'mega_erase_customer(''pass:test:a'')', statement)) t ORDER BY w.nr, fires, name;

-- A trigger that names columns fires whatever becomes of them: mega's UPDATE names all that may change.
CREATE TABLE own.fired (what text);
CREATE FUNCTION own.fire() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO own.fired VALUES (concat_ws(' ', TG_ARGV[0], CASE WHEN to_jsonb(OLD) -> TG_ARGV[0] = to_jsonb(NEW) -> TG_ARGV[0] THEN 'stays' ELSE 'changes' END));
    RETURN NULL;
END
$$;
SELECT count(*) FROM mega_ensure_customer('pass:test:fires'), mega_create_generation('pass:test:fires', 'fires');
CREATE TRIGGER url AFTER UPDATE OF mg_output_url ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.fire('mg_output_url');
CREATE TRIGGER status AFTER UPDATE OF mg_status ON mega_generations FOR EACH ROW EXECUTE FUNCTION own.fire('mg_status');
CREATE TRIGGER credits AFTER UPDATE OF mg_credits ON mega_customers FOR EACH ROW EXECUTE FUNCTION own.fire('mg_credits');
CREATE TRIGGER url_when AFTER UPDATE OF mg_output_url ON mega_generations FOR EACH ROW WHEN (OLD.mg_output_url IS DISTINCT FROM NEW.mg_output_url) EXECUTE FUNCTION own.fire('when');
SELECT count(*) FROM mega_update_generation('fires', 'scanning');
SELECT count(*) FROM mega_record_mma_event('pass:test:fires', 'like', '{"tag": "cats"}');
SELECT * FROM own.fired ORDER BY what COLLATE "C";

\c :here
DROP DATABASE regress_others_triggers;
DROP ROLE regress_others_owner;
