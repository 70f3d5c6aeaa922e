-- Other people's triggers: what a trigger behind ours does to a row meets the same rules, and rows that a trigger appends
-- count too. Customers of this file: pass:test:nested-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who';
CREATE SCHEMA regress_nested;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:nested-' || n FROM unnest('{a,b,c}'::text[]) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:nested-1', 'pass:test:nested-a', 'prompting');

--
-- A BEFORE trigger that comes after ours and changes the row: the row is judged as it is stored.
--
CREATE TABLE regress_nested.change (set_columns jsonb);
CREATE FUNCTION regress_nested.change_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted jsonb := (SELECT set_columns FROM regress_nested.change);
BEGIN
    IF wanted IS NOT NULL THEN
        NEW := jsonb_populate_record(NEW, wanted);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_nested.change_row();
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_nested.change_row();
CREATE FUNCTION pg_temp.changed_by_trigger(columns jsonb, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    INSERT INTO regress_nested.change VALUES (columns);
    ended := pg_temp.outcome(statement);
    DELETE FROM regress_nested.change;
    RETURN ended;
END
$$;
-- the trigger leaves the row alone: nothing changes for anybody
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-1', 'pass:test:nested-a', 10);
SELECT * FROM mega_record_credit('pass:test:nested-a', 5, 'grant', txn_id => 'nested-2');
UPDATE mega_generations SET mg_title = 'fine' WHERE mg_id = 'generation:nested-1' RETURNING mg_title;

SELECT what, pg_temp.changed_by_trigger(columns::jsonb, statement) FROM (VALUES
    ('another delta counts as stored', '{"mg_delta": 7}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-3', 'pass:test:nested-a', 1000)$$),
    ('another customer counts as stored', '{"mg_pass_id": "pass:test:nested-b"}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-4', 'pass:test:nested-a', 20)$$),
    ('no delta', '{"mg_delta": null}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-5', 'pass:test:nested-a', 1)$$),
    ('other namespace', '{"mg_id": "session:nested-5"}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-5', 'pass:test:nested-a', 1)$$),
    ('another type', '{"mg_record_type": "session"}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-5', 'pass:test:nested-a', 1)$$),
    ('signed URL', '{"mg_output_url": "https://a.example/x?se=1&sig=1"}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:nested-5', 'pass:test:nested-a')$$),
    ('delivery host', '{"mg_output_url": "https://replicate.delivery/x"}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:nested-5', 'pass:test:nested-a')$$),
    ('signed URL in vars', '{"mg_mma_vars": {"a": "https://a.example/x?se=1&sig=1"}}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:nested-5', 'pass:test:nested-a')$$),
    ('event type', '{"mg_meta": {"event_type": "nod"}}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:nested-5', 'pass:test:nested-a', '{"event_type": "like"}')$$),
    ('status', '{"mg_mma_status": "lost"}', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:nested-5', 'pass:test:nested-a')$$),
    ('step number', '{"mg_step_no": 3}', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:nested-1:0', 'pass:test:nested-a', 'scan', '{"input": {}, "output": {}}')$$),
    ('I5: delta of a stored row', '{"mg_delta": 1}', $$UPDATE mega_generations SET mg_error = 'x' WHERE mg_id = 'credit_transaction:nested-1'$$),
    ('I5: customer of a stored row', '{"mg_pass_id": "pass:test:nested-b"}', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'generation:nested-1'$$),
    ('I5: time of a stored row', '{"mg_created_at": "2020-01-01"}', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'generation:nested-1'$$),
    ('I9: status moved back', '{"mg_mma_status": "queued"}', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'generation:nested-1'$$),
    ('I10: signed URL, later', '{"mg_output_url": "https://a.example/x?se=1&sig=1"}', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'generation:nested-1'$$),
    ('I1: balance', '{"mg_credits": 1000}', $$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:nested-a'$$),
    ('I1: balance of a new customer', '{"mg_credits": 1000}', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:nested-new')$$),
    ('I1: balance during a projection', '{"mg_credits": 1000}', $$SELECT mega_record_credit('pass:test:nested-a', 1, 'grant', txn_id => 'nested-6')$$),
    ('I2: managed keys', '{"mg_mma_preferences": {"tag_weights": {"a": 1}}}', $$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:nested-a'$$),
    ('I11: pass id', '{"mg_pass_id": "pass:test:nested-other"}', $$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:nested-c'$$),
    ('I11: shape of a pass id', '{"mg_pass_id": "leila"}', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:nested-new')$$)
) v(what, columns, statement);
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:nested-%' ORDER BY 1;
SELECT mg_id, mg_pass_id, mg_delta FROM mega_generations WHERE mg_id LIKE 'credit_transaction:nested-%' ORDER BY mg_id COLLATE "C";
-- ignoring does not help who writes behind the guard
SET mega.derived_writes = 'ignore';
SELECT pg_temp.changed_by_trigger('{"mg_credits": 1000}', $$UPDATE mega_customers SET mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:nested-a'$$);
RESET mega.derived_writes;
DROP TRIGGER zzz ON mega_generations;
DROP TRIGGER zzz ON mega_customers;
-- a trigger that drops the row: nothing is appended and nothing moves
CREATE FUNCTION regress_nested.drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER zzz BEFORE INSERT ON mega_generations FOR EACH ROW WHEN (NEW.mg_reason = 'dropped') EXECUTE FUNCTION regress_nested.drop_row();
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:nested-7', 'pass:test:nested-a', 500, 'dropped'), ('credit_transaction:nested-8', 'pass:test:nested-a', 1, 'kept');
SELECT pg_temp.credits('pass:test:nested-a'), count(*) FROM mega_generations WHERE mg_id IN ('credit_transaction:nested-7', 'credit_transaction:nested-8');
DROP TRIGGER zzz ON mega_generations;

--
-- AFTER triggers that append more credits, by row and by statement, before and after ours by name.
--
CREATE FUNCTION regress_nested.add_bonus() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_reason = 'order' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES
            (NEW.mg_id || TG_NAME || '-bonus', NEW.mg_pass_id, 1, 'bonus'), (NEW.mg_id || TG_NAME || '-fee', 'pass:test:nested-c', 100, 'fee');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER aaa AFTER INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_nested.add_bonus();
CREATE TRIGGER zzz AFTER INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_nested.add_bonus();
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES
    ('credit_transaction:nested-9', 'pass:test:nested-b', 10, 'order'), ('credit_transaction:nested-10', 'pass:test:nested-a', 10, 'order');
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:nested-_' ORDER BY 1;
SELECT mg_id, replayed FROM mega_record_credit('pass:test:nested-a', 10, 'order', txn_id => 'nested-11');
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:nested-_' ORDER BY 1;
DROP TRIGGER aaa ON mega_generations;
DROP TRIGGER zzz ON mega_generations;

-- a trigger on the customer that appends while a projection is under way
CREATE FUNCTION regress_nested.cashback() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_credits < OLD.mg_credits THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:nested-cashback-' || NEW.mg_credits, NEW.mg_pass_id, 3, 'cashback');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_nested.cashback();
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-12', 'pass:test:nested-b', -10);
SELECT pg_temp.credits('pass:test:nested-b');
SELECT mg_id FROM mega_record_credit('pass:test:nested-b', -1, 'spend', txn_id => 'nested-13', allow_negative => true);
SELECT pg_temp.credits('pass:test:nested-b');
DROP TRIGGER zzz ON mega_customers;

-- a deferred trigger appends at commit
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON mega_generations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION regress_nested.add_bonus();
BEGIN;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:nested-14', 'pass:test:nested-a', 10, 'order');
SELECT pg_temp.credits('pass:test:nested-a');
COMMIT;
SELECT pg_temp.credits('pass:test:nested-a');
DROP TRIGGER late ON mega_generations;

-- an error in a trigger behind ours takes the whole statement back
CREATE FUNCTION regress_nested.fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0042'; END$$;
CREATE TRIGGER zzz AFTER INSERT ON mega_generations FOR EACH STATEMENT EXECUTE FUNCTION regress_nested.fail();
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-15', 'pass:test:nested-a', 10)$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:nested-a', 10, 'grant', txn_id => 'nested-16')$$);
DROP TRIGGER zzz ON mega_generations;
CREATE TRIGGER zzz AFTER UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_nested.fail();
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-15', 'pass:test:nested-a', 10)$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:nested-a', 10, 'grant', txn_id => 'nested-16')$$);
DROP TRIGGER zzz ON mega_customers;
-- a projection that a trigger swallows is an error, never a silent loss
CREATE TRIGGER zzz BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION regress_nested.drop_row();
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:nested-15', 'pass:test:nested-a', 10)$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:nested-a', 10, 'grant', txn_id => 'nested-16')$$);
DROP TRIGGER zzz ON mega_customers;

-- a trigger that appends the very row that a function is about to append: that row is projected, and the call is its replay
CREATE FUNCTION regress_nested.go_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES (NEW.mg_id, NEW.mg_pass_id, NEW.mg_delta, NEW.mg_reason);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER zzz BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_nested.go_before();
SELECT pg_temp.credits('pass:test:nested-c');
SELECT * FROM mega_record_credit('pass:test:nested-c', 7, 'grant', txn_id => 'nested-17');
SELECT pg_temp.credits('pass:test:nested-c');
DROP TRIGGER zzz ON mega_generations;
-- books that are opened behind the row of a function and before its projection
CREATE FUNCTION regress_nested.open_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        PERFORM mega_open_books();
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER zzz AFTER INSERT ON mega_generations FOR EACH STATEMENT EXECUTE FUNCTION regress_nested.open_books();
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:nested-c', 7, 'grant', txn_id => 'nested-18')$$);
DROP TRIGGER zzz ON mega_generations;

DROP SCHEMA regress_nested CASCADE;
SELECT pg_temp.credits('pass:test:nested-a'), count(*), sum(mg_delta) FROM mega_generations WHERE mg_pass_id = 'pass:test:nested-a' AND mg_record_type = 'credit_transaction';
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:nested-%';
