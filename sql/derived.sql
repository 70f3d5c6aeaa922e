-- The derived columns: mg_credits and the managed keys of mg_mma_preferences are written by the projection alone (I1, I2).
-- Customers of this file: pass:test:derived-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.customer(who text) RETURNS TABLE (mg_credits integer, mg_mma_preferences jsonb) LANGUAGE sql AS
    'SELECT c.mg_credits, c.mg_mma_preferences FROM mega_customers c WHERE c.mg_pass_id = who';
-- what somebody wrote while no rule was on stands here for a snapshot of events
CREATE FUNCTION pg_temp.stored_preferences(who text, document jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE mega_customers DISABLE TRIGGER USER;
    UPDATE mega_customers SET mg_mma_preferences = document WHERE mg_pass_id = who;
    ALTER TABLE mega_customers ENABLE TRIGGER USER;
END
$$;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:derived-' || n FROM unnest('{a,b,c}'::text[]) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-1', 'pass:test:derived-a', 10);
SELECT pg_temp.stored_preferences('pass:test:derived-a', '{"tag_weights": {"style.minimal": 1}, "hard_blocks": [], "theme": "dark"}');

--
-- reject, the default.
--
SHOW mega.derived_writes;
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('other balance', $$UPDATE mega_customers SET mg_credits = 11 WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('a balance that is read and written back', $$UPDATE mega_customers SET mg_credits = mg_credits - 1 WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('several customers', $$UPDATE mega_customers SET mg_credits = mg_credits + 1 WHERE mg_pass_id IN ('pass:test:derived-b', 'pass:test:derived-c')$$),
    ('the true value', $$UPDATE mega_customers SET mg_credits = 10, mg_email = 'a@example.com' WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('NULL keeps it', $$UPDATE mega_customers SET mg_credits = NULL WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('DEFAULT is a value', $$UPDATE mega_customers SET mg_credits = DEFAULT WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('a new customer with credits', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-new', 5)$$),
    ('a new customer with a debt', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-new', -5)$$),
    ('a new customer with 0', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-zero', 0)$$),
    ('a new customer with NULL', $$INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences) VALUES ('pass:test:derived-null', NULL, NULL)$$),
    ('upsert with the true value', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-a', 10) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits, mg_locale = 'en-AE'$$),
    ('upsert with another', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-a', 12) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits$$),
    ('upsert with another that is not taken over', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-a', 12) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_locale = 'ar-AE'$$),
    ('upsert that does nothing', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-a', 12) ON CONFLICT DO NOTHING$$),
    ('merge with the true value', $$MERGE INTO mega_customers c USING (VALUES ('pass:test:derived-a', 10)) v(id, n) ON c.mg_pass_id = v.id WHEN MATCHED THEN UPDATE SET mg_credits = v.n WHEN NOT MATCHED THEN INSERT (mg_pass_id, mg_credits) VALUES (v.id, v.n)$$),
    ('merge with another', $$MERGE INTO mega_customers c USING (VALUES ('pass:test:derived-a', 9)) v(id, n) ON c.mg_pass_id = v.id WHEN MATCHED THEN UPDATE SET mg_credits = v.n$$),
    ('tags', $$UPDATE mega_customers SET mg_mma_preferences = jsonb_set(mg_mma_preferences, '{tag_weights,style.minimal}', '2') WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('blocks', $$UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"hard_blocks": ["x"]}' WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('a managed key more', $$UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"positions": {}}' WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('a managed key less', $$UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences - 'hard_blocks' WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('nothing left', $$UPDATE mega_customers SET mg_mma_preferences = '{}' WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('source', $$UPDATE mega_customers SET mg_mma_preferences = '{"source": "me"}' WHERE mg_pass_id = 'pass:test:derived-b'$$),
    ('updated_at', $$UPDATE mega_customers SET mg_mma_preferences = '{"updated_at": null}' WHERE mg_pass_id = 'pass:test:derived-b'$$),
    ('no object', $$UPDATE mega_customers SET mg_mma_preferences = '[]' WHERE mg_pass_id = 'pass:test:derived-b'$$),
    ('keys of the application', $$UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences - 'theme' || '{"language": "ar", "tags": [1]}' WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('the same, written otherwise', $$UPDATE mega_customers SET mg_mma_preferences = '{"hard_blocks": [], "tag_weights": {"style.minimal": 1.0}, "language": "fa"}' WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('a new customer with tags', $$INSERT INTO mega_customers (mg_pass_id, mg_mma_preferences) VALUES ('pass:test:derived-new', '{"tag_weights": {}}')$$),
    ('a new customer with a theme', $$INSERT INTO mega_customers (mg_pass_id, mg_mma_preferences) VALUES ('pass:test:derived-theme', '{"theme": "dark"}')$$)
) v(what, statement);
SELECT * FROM pg_temp.customer('pass:test:derived-a');
COPY mega_customers (mg_pass_id, mg_credits) FROM stdin (DELIMITER '|');
pass:test:derived-copy|0
pass:test:derived-copy2|3
\.
SELECT count(*) FROM mega_customers WHERE mg_pass_id IN ('pass:test:derived-new', 'pass:test:derived-copy', 'pass:test:derived-copy2');

-- one statement that writes both: the ledger's row counts once, a foreign balance is refused
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('both, wrong', $$WITH row AS (INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-2', 'pass:test:derived-a', 5) RETURNING mg_delta) UPDATE mega_customers SET mg_credits = mg_credits + 5 WHERE mg_pass_id = 'pass:test:derived-a'$$),
    ('both, new customer', $$WITH customer AS (INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-new', 5)) INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-2', 'pass:test:derived-new', 5)$$),
    ('both, other columns', $$WITH row AS (INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-2', 'pass:test:derived-a', 5) RETURNING mg_delta) UPDATE mega_customers SET mg_last_active = now() WHERE mg_pass_id = 'pass:test:derived-a'$$)
) v(what, statement);
SELECT * FROM pg_temp.customer('pass:test:derived-a');
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:derived-%';

--
-- The guard is not to be talked round.
--
CREATE SCHEMA regress_derived;
-- a trigger of one's own, at any depth
CREATE FUNCTION regress_derived.pay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mega_customers SET mg_credits = 1000000 WHERE mg_pass_id = 'pass:test:derived-b';
    RETURN NEW;
END
$$;
CREATE TABLE regress_derived.own (id integer);
CREATE TRIGGER pay BEFORE INSERT ON regress_derived.own FOR EACH ROW EXECUTE FUNCTION regress_derived.pay();
SELECT pg_temp.outcome('INSERT INTO regress_derived.own VALUES (1)');
CREATE TRIGGER pay AFTER INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION regress_derived.pay();
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-3', 'pass:test:derived-a', 1)$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:derived-a', 1, 'grant')$$);
DROP TRIGGER pay ON mega_generations;
-- while a projection is under way, of this customer and of another
CREATE TRIGGER pay BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (NEW.mg_pass_id = 'pass:test:derived-a' AND NEW.mg_credits <> OLD.mg_credits) EXECUTE FUNCTION regress_derived.pay();
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:derived-a', 1, 'grant')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:derived-a', 1000000 - 15, 'grant')$$);
DROP TRIGGER pay ON mega_customers;
-- functions of the owner, settings of one's own
CREATE FUNCTION regress_derived.definer() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$UPDATE mega_customers SET mg_credits = 1000000 WHERE mg_pass_id = 'pass:test:derived-b'$$;
SELECT pg_temp.outcome('SELECT regress_derived.definer()');
SET regress.projection = 'on';
SELECT pg_temp.outcome($$UPDATE mega_customers SET mg_credits = 1000000 WHERE mg_pass_id = 'pass:test:derived-b'$$);
-- an error behind a projection leaves nothing in flight
DO $$
BEGIN
    BEGIN
        PERFORM mega_record_credit('pass:test:derived-b', 77, 'grant');
        RAISE EXCEPTION 'undo';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    UPDATE mega_customers SET mg_credits = 77 WHERE mg_pass_id = 'pass:test:derived-b';
END
$$;
DO $$
BEGIN
    BEGIN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-4', 'pass:test:derived-b', 78), ('credit_transaction:derived-5', 'pass:test:nobody', 1);
    EXCEPTION WHEN foreign_key_violation THEN
        NULL;
    END;
    UPDATE mega_customers SET mg_credits = 78 WHERE mg_pass_id = 'pass:test:derived-b';
END
$$;
SELECT * FROM pg_temp.customer('pass:test:derived-b');
-- mega's trigger functions on a table of one's own, or hung twice
CREATE TABLE regress_derived.ledger (LIKE mega_generations INCLUDING DEFAULTS);
CREATE TABLE regress_derived.customers (LIKE mega_customers INCLUDING DEFAULTS);
CREATE TABLE regress_derived.admin (LIKE mega_admin INCLUDING DEFAULTS);
INSERT INTO regress_derived.customers (mg_pass_id) VALUES ('pass:test:derived-b');
SELECT what, pg_temp.outcome(making) AS making, pg_temp.outcome(statement) AS statement FROM (VALUES
    ('project', 'CREATE TRIGGER t AFTER INSERT ON regress_derived.ledger REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION mega_trigger_ledger_project()',
        $$INSERT INTO regress_derived.ledger (mg_id, mg_record_type, mg_pass_id, mg_delta) VALUES ('credit_transaction:mint', 'credit_transaction', 'pass:test:derived-b', 1000)$$),
    ('project, by its name', 'DROP TRIGGER t ON regress_derived.ledger; CREATE TRIGGER mega_generations_project AFTER INSERT ON regress_derived.ledger REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION mega_trigger_ledger_project()',
        $$INSERT INTO regress_derived.ledger (mg_id, mg_record_type, mg_pass_id, mg_delta) VALUES ('credit_transaction:mint', 'credit_transaction', 'pass:test:derived-b', 1000)$$),
    ('project, by row', 'DROP TRIGGER mega_generations_project ON regress_derived.ledger; CREATE TRIGGER t AFTER INSERT ON regress_derived.ledger FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_project()',
        $$INSERT INTO regress_derived.ledger (mg_id, mg_record_type, mg_pass_id, mg_delta) VALUES ('credit_transaction:mint', 'credit_transaction', 'pass:test:derived-b', 1000)$$),
    ('check', 'DROP TRIGGER t ON regress_derived.ledger; CREATE TRIGGER t BEFORE INSERT ON regress_derived.ledger FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_check()',
        $$INSERT INTO regress_derived.ledger (mg_id, mg_record_type) VALUES ('session:x', 'session')$$),
    ('verify', 'DROP TRIGGER t ON regress_derived.ledger; CREATE TRIGGER t AFTER INSERT ON regress_derived.ledger FOR EACH ROW EXECUTE FUNCTION mega_trigger_ledger_verify()',
        $$INSERT INTO regress_derived.ledger (mg_id, mg_record_type) VALUES ('session:x', 'session')$$),
    ('customer check', 'CREATE TRIGGER t BEFORE UPDATE ON regress_derived.customers FOR EACH ROW EXECUTE FUNCTION mega_trigger_customer_check()', 'UPDATE regress_derived.customers SET mg_credits = 5'),
    ('customer verify', 'DROP TRIGGER t ON regress_derived.customers; CREATE TRIGGER t AFTER UPDATE ON regress_derived.customers FOR EACH ROW EXECUTE FUNCTION mega_trigger_customer_verify()', 'UPDATE regress_derived.customers SET mg_credits = 5'),
    ('keep', 'DROP TRIGGER t ON regress_derived.customers; CREATE TRIGGER t BEFORE DELETE ON regress_derived.customers FOR EACH ROW EXECUTE FUNCTION mega_trigger_keep_row()', 'DELETE FROM regress_derived.customers'),
    ('admin check', 'CREATE TRIGGER t BEFORE INSERT ON regress_derived.admin FOR EACH ROW EXECUTE FUNCTION mega_trigger_admin_check()', $$INSERT INTO regress_derived.admin (mg_id, mg_record_type) VALUES ('app_config:x', 'app_config')$$),
    ('admin verify', 'DROP TRIGGER t ON regress_derived.admin; CREATE TRIGGER t AFTER INSERT ON regress_derived.admin FOR EACH ROW EXECUTE FUNCTION mega_trigger_admin_verify()', $$INSERT INTO regress_derived.admin (mg_id, mg_record_type) VALUES ('app_config:x', 'app_config')$$),
    ('project twice', 'CREATE TRIGGER again AFTER INSERT ON mega_generations REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION mega_trigger_ledger_project()',
        $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-6', 'pass:test:derived-b', 1000)$$),
    ('project twice, before ours', 'DROP TRIGGER again ON mega_generations; CREATE TRIGGER a_first AFTER INSERT ON mega_generations REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION mega_trigger_ledger_project()',
        $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-6', 'pass:test:derived-b', 1000)$$),
    ('project at an update', 'DROP TRIGGER a_first ON mega_generations; CREATE TRIGGER again AFTER UPDATE ON mega_generations REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION mega_trigger_ledger_project()',
        $$UPDATE mega_generations SET mg_error = 'x' WHERE mg_id = 'credit_transaction:derived-1'$$),
    ('gone', 'DROP TRIGGER again ON mega_generations', $$UPDATE mega_generations SET mg_error = 'x' WHERE mg_id = 'credit_transaction:derived-1'$$)
) v(what, making, statement);
-- called by hand they are nothing
SELECT pg_temp.outcome('SELECT ' || name || '()') FROM unnest('{mega_trigger_ledger_project,mega_trigger_ledger_check,mega_trigger_ledger_verify,mega_trigger_customer_check,mega_trigger_customer_verify,mega_trigger_keep_row,mega_trigger_admin_check,mega_trigger_admin_verify}'::text[]) name;
SELECT * FROM pg_temp.customer('pass:test:derived-b');
DROP SCHEMA regress_derived CASCADE;

--
-- A trigger that is off, or a replica: functions stop.
--
SELECT relation, name, pg_temp.outcome(format('ALTER TABLE %s DISABLE TRIGGER %s', relation, name)) AS off,
    left(pg_temp.outcome($$SELECT mega_record_credit('pass:test:derived-c', 1, 'grant')$$), 70) AS credit,
    left(pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:derived-c')$$), 5) AS ensure,
    pg_temp.outcome(format('ALTER TABLE %s ENABLE TRIGGER %s', relation, name)) AS "on",
    left(pg_temp.outcome($$SELECT mega_record_credit('pass:test:derived-c', 1, 'grant')$$), 5) AS credit
FROM (SELECT tgrelid::regclass AS relation, tgname AS name FROM pg_trigger WHERE tgname LIKE 'mega\_%' AND NOT tgisinternal AND tgrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass) ORDER BY tgname) t;
SELECT * FROM pg_temp.customer('pass:test:derived-c');
SELECT how, pg_temp.outcome(format('ALTER TABLE mega_generations %s TRIGGER mega_generations_project', how)) AS alter,
    left(pg_temp.outcome($$SELECT mega_record_credit('pass:test:derived-c', 1, 'grant')$$), 5) AS credit
FROM unnest('{ENABLE REPLICA,ENABLE ALWAYS,ENABLE}'::text[]) how;
BEGIN;
DROP TRIGGER mega_generations_project ON mega_generations;
SELECT mega_record_credit('pass:test:derived-c', 1, 'grant');
ROLLBACK;
BEGIN;
ALTER TRIGGER mega_generations_project ON mega_generations RENAME TO other;
SELECT mega_record_credit('pass:test:derived-c', 1, 'grant');
ROLLBACK;
SET session_replication_role = replica;
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:derived-c', 1, 'grant')$$);
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:derived-c')$$);
SELECT mg_credits FROM mega_balance('pass:test:derived-c');
RESET session_replication_role;
SELECT mg_credits FROM mega_record_credit('pass:test:derived-c', 1, 'grant');

--
-- ignore: the ledger's value is kept, and a warning says so.
--
SET mega.derived_writes = 'ignore';
SET client_min_messages = notice;
\set VERBOSITY default
UPDATE mega_customers SET mg_credits = 11, mg_email = 'a2@example.com' WHERE mg_pass_id = 'pass:test:derived-a' RETURNING mg_credits, mg_email;
UPDATE mega_customers SET mg_credits = mg_credits WHERE mg_pass_id = 'pass:test:derived-a' RETURNING mg_credits;
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-a', 12) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits RETURNING mg_credits;
UPDATE mega_customers SET mg_mma_preferences = '{"tag_weights": {"evil": 9}, "source": "me", "theme": "light"}' WHERE mg_pass_id = 'pass:test:derived-a' RETURNING mg_mma_preferences;
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-ignore', 50);
INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-ignore', 50) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits;
COPY mega_customers (mg_pass_id, mg_credits) FROM stdin (DELIMITER '|');
pass:test:derived-ignore2|3
pass:test:derived-ignore3|-4
\.
-- an application that writes both places, old style
WITH row AS (INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-7', 'pass:test:derived-b', 5) RETURNING mg_delta)
UPDATE mega_customers SET mg_credits = mg_credits + 5 WHERE mg_pass_id = 'pass:test:derived-b';
WITH customer AS (INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:derived-ignore4', 5))
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-8', 'pass:test:derived-ignore4', 5);
BEGIN;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:derived-9', 'pass:test:derived-b', 20);
UPDATE mega_customers SET mg_credits = 25 WHERE mg_pass_id = 'pass:test:derived-b';
COMMIT;
\set VERBOSITY sqlstate
RESET mega.derived_writes;
SELECT mg_pass_id, mg_credits, mg_mma_preferences FROM mega_customers WHERE mg_pass_id ~ '^pass:test:derived-(a|b|ignore)' ORDER BY 1;
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:derived-%';
