-- Lots where triggers of others act: what they move while a function of mega is under way is drawn and told once (I15).
-- Customers of this file: pass:test:lots-others-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
\set lots :tests '/sql/shared/lots.psql'
\i :lots
SET test.prefix = 'lots-others-';
-- What stands: the balance, the open lots, and what does not reconcile.
CREATE FUNCTION pg_temp.stands(who text) RETURNS text LANGUAGE sql AS $$
    SELECT c.mg_credits || ' credits, lots ' || coalesce((SELECT string_agg(regexp_replace(l.mg_id, '.*-', '') || ' ' || l.remaining, ', ') FROM mega_credit_lots(c.mg_pass_id) l), 'none') ||
        (SELECT coalesce(string_agg('; stored ' || r.stored::text || ', folded ' || r.folded::text, ''), '') FROM mega_reconcile_lots(c.mg_pass_id) r) ||
        (SELECT coalesce(string_agg('; ledger ' || r.ledger_sum, ''), '') FROM mega_reconcile_credits(c.mg_pass_id) r)
    FROM mega_customers c WHERE c.mg_pass_id = pg_temp.id(who)
$$;
-- What the trigger of somebody's does, once, when a row of this id comes or is changed.
CREATE TABLE lots_others_does (mg_id text, statement text);
CREATE FUNCTION lots_others_act() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    does text;
BEGIN
    DELETE FROM public.lots_others_does d WHERE NEW.mg_id LIKE d.mg_id RETURNING statement INTO does;
    IF does IS NOT NULL THEN
        EXECUTE does;
    END IF;
    RETURN NULL;
END
$$;
-- For the length of a transaction the tables carry it.
CREATE PROCEDURE pg_temp.watch(moment text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER lots_others AFTER %s ON public.mega_generations FOR EACH ROW EXECUTE FUNCTION public.lots_others_act()', moment);
END
$$;

SELECT count(mega_ensure_customer(pg_temp.id(who))) FROM unnest(ARRAY['spend', 'batch', 'end', 'sweep', 'hold', 'back', 'from', 'to']) who;

\echo 'a spend comes between the row of another one and its projection: no credit of a lot is drawn twice'
SELECT pg_temp.give('spend', 'a', 10, 1);
BEGIN;
CALL pg_temp.watch('INSERT');
INSERT INTO lots_others_does VALUES ('credit_transaction:lots-others-outer', $$SELECT mega_record_credit('pass:test:lots-others-spend', -4, 'spend')$$);
SELECT mg_credits FROM mega_record_credit(pg_temp.id('spend'), -6, 'spend', txn_id => 'lots-others-outer');
SELECT pg_temp.stands('spend');
ROLLBACK;
BEGIN;
CALL pg_temp.watch('INSERT');
INSERT INTO lots_others_does VALUES ('credit_transaction:lots-others-outer', $$SELECT mega_record_credit('pass:test:lots-others-spend', -4, 'spend')$$);
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:lots-others-spend", "delta": -5, "reason": "spend", "txn_id": "lots-others-outer"}, {"pass_id": "pass:test:lots-others-spend", "delta": -1, "reason": "spend"}]');
SELECT pg_temp.stands('spend');
ROLLBACK;

\echo 'the mark of a lot that ended sets off a grant: it is told, and is there'
SELECT mg_credits FROM mega_record_credit(pg_temp.id('end'), 10, 'grant', txn_id => 'lots-others-end-a', expires_at => clock_timestamp() + interval '300 milliseconds');
SELECT pg_temp.give('end', 'b', 5, 2);
SELECT mega_hold_credit(pg_temp.id('end'), 6, 'lots-others-end');
SELECT mg_credits FROM mega_record_credit(pg_temp.id('sweep'), 10, 'grant', txn_id => 'lots-others-sweep-a', expires_at => clock_timestamp() + interval '300 milliseconds');
SELECT pg_sleep(0.4);
BEGIN;
CALL pg_temp.watch('UPDATE');
INSERT INTO lots_others_does VALUES ('credit_transaction:lots-others-end-a', $$SELECT mega_record_credit('pass:test:lots-others-end', 7, 'gift', txn_id => 'lots-others-end-c', expires_at => '2090-01-03')$$);
SELECT mg_credits FROM mega_record_credit(pg_temp.id('end'), -1, 'spend');
SELECT pg_temp.stands('end');
ROLLBACK;
BEGIN;
CALL pg_temp.watch('UPDATE');
INSERT INTO lots_others_does VALUES ('credit_transaction:lots-others-sweep-a', $$SELECT mega_record_credit('pass:test:lots-others-sweep', 7, 'gift', txn_id => 'lots-others-sweep-c', expires_at => '2090-01-03')$$);
SELECT expired > 0 AS expired FROM mega_expire_credits();
SELECT pg_temp.stands('sweep');
ROLLBACK;

\echo 'what comes back ends again, and its mark sets off a spend'
SELECT mg_credits FROM mega_record_credit(pg_temp.id('end'), -1, 'spend'); -- the first mark is set
BEGIN;
CALL pg_temp.watch('UPDATE');
INSERT INTO lots_others_does VALUES ('credit_transaction:lots-others-end-a', $$SELECT mega_record_credit('pass:test:lots-others-end', -2, 'spend')$$);
SELECT * FROM mega_release_credit('lots-others-end');
SELECT pg_temp.stands('end');
ROLLBACK;

\echo 'the settlement of a hold sets off a spend of the lot that gets credits back'
SELECT pg_temp.give('hold', 'a', 10, 1);
SELECT mega_hold_credit(pg_temp.id('hold'), 4, 'lots-others-hold', expires_in => '1 millisecond');
BEGIN;
CALL pg_temp.watch('UPDATE');
INSERT INTO lots_others_does VALUES ('credit_transaction:hold:lots-others-hold', $$SELECT mega_record_credit('pass:test:lots-others-hold', -5, 'spend')$$);
SELECT * FROM mega_capture_credit('lots-others-hold', 1);
SELECT pg_temp.stands('hold');
ROLLBACK;
BEGIN;
CALL pg_temp.watch('UPDATE');
INSERT INTO lots_others_does VALUES ('credit_transaction:hold:lots-others-hold', $$SELECT mega_record_credit('pass:test:lots-others-hold', -5, 'spend')$$);
SELECT count(*) FROM mega_release_expired_holds() WHERE mg_pass_id = pg_temp.id('hold');
SELECT pg_temp.stands('hold');
ROLLBACK;
\echo 'or its revoke: no revoked credit comes back as a lot'
BEGIN;
CALL pg_temp.watch('UPDATE');
INSERT INTO lots_others_does VALUES ('credit_transaction:hold:lots-others-hold', $$SELECT mega_revoke_credit('lots-others-back', txn_id => 'lots-others-hold-a', allow_negative => true)$$);
SELECT * FROM mega_release_credit('lots-others-hold');
SELECT pg_temp.stands('hold');
ROLLBACK;

\echo 'what goes in a transfer sets off a spend of who gets it'
SELECT pg_temp.give('from', 'a', 10, 1), pg_temp.give('to', 'b', 10, 2), pg_temp.give('to', 'c', 10, 3);
BEGIN;
CALL pg_temp.watch('INSERT');
INSERT INTO lots_others_does VALUES ('credit_transaction:transfer:lots-others:out', $$SELECT mega_record_credit('pass:test:lots-others-to', -4, 'spend')$$);
SELECT * FROM mega_transfer_credit(pg_temp.id('from'), pg_temp.id('to'), 6, 'lots-others');
SELECT pg_temp.stands('from');
SELECT pg_temp.stands('to');
ROLLBACK;

DROP FUNCTION lots_others_act();
DROP TABLE lots_others_does;

\echo 'a trigger that keeps what mega notes of a customer from being stored: the statement fails and names it'
CREATE FUNCTION lots_others_keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.mg_meta := OLD.mg_meta; RETURN NEW; END';
CREATE TRIGGER a_keeper BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION lots_others_keep();
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:lots-others-to', 5, 'grant', txn_id => 'lots-others-kept', expires_at => '2090-01-01')$$);
SELECT pg_temp.outcome($$SELECT mega_merge_customers('pass:test:lots-others-from', 'pass:test:lots-others-to')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:lots-others-to', 5, 'grant', txn_id => 'lots-others-free')$$);
DROP TRIGGER a_keeper ON mega_customers;
DROP FUNCTION lots_others_keep();
SELECT pg_temp.stands('to');

\echo 'a trigger that makes more of a grant with an end, or of a spend that draws it: the statement fails and names it'
CREATE FUNCTION lots_others_double() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.mg_delta := 2 * NEW.mg_delta; RETURN NEW; END';
CREATE TRIGGER doubles BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION lots_others_double();
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:lots-others-to', 5, 'grant', txn_id => 'lots-others-double', expires_at => '2090-01-01')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:lots-others-to', -3, 'spend', txn_id => 'lots-others-half')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:lots-others-to", "delta": -3, "reason": "spend", "txn_id": "lots-others-third"}]')$$);
SELECT mg_credits FROM mega_record_credit('pass:test:lots-others-to', 5, 'grant', txn_id => 'lots-others-ten');
DROP TRIGGER doubles ON mega_generations;
DROP FUNCTION lots_others_double();
SELECT pg_temp.stands('to');
