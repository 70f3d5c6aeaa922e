-- Expiry: no spend, hold or balance sees expired credits, each expiry is written once, mega_expire_credits (I1, I3, I4).
-- Customers of this file: pass:test:expiry-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- The credit rows of a customer in their order, each with the balance behind it.
CREATE FUNCTION pg_temp.rows(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$
    SELECT substr(mg_id, 20), mg_delta, mg_reason, mg_ref_type || ' ' || mg_ref_id, mg_status, mg_meta #- '{mega,hold_expires_at}',
        sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = 'pass:test:expiry-' || who AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
-- The same for the eye: the id of an expiry is random.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$SELECT regexp_replace(txn_id, '[0-9a-f]{8}-[0-9a-f-]{27}', '…'), delta, reason, reference, status, meta, balance FROM pg_temp.rows(who)$$;
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:expiry-'' || who';
INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:expiry-' || n FROM unnest('{a,b,hold,refund,topup,debt,disabled,once,refused,raw,long,sweep1,sweep2,sweep3,sweep4,walk}'::text[]) n;
SELECT expired >= 0 AS swept_what_others_left FROM mega_expire_credits();
SELECT count(mega_record_credit('pass:test:expiry-' || n, 100, 'grant', txn_id => 'expiry-' || n)) FROM unnest('{a,b,hold,refund,topup,disabled,once,refused,raw,sweep1,sweep2,sweep3,sweep4,walk}'::text[]) n;
-- Lets a customer's credits expire at a time; NULL: never.
CREATE FUNCTION pg_temp.expire(who text, moment timestamptz DEFAULT '2020-01-01') RETURNS timestamptz LANGUAGE sql AS
    'UPDATE mega_customers SET mg_expires_at = moment WHERE mg_pass_id = ''pass:test:expiry-'' || who RETURNING mg_expires_at';
CREATE FUNCTION pg_temp.balance(who text) RETURNS text LANGUAGE sql AS
    'SELECT format(''%s, %s held, %s to spend, until %s'', mg_credits, held, spendable, expires_at) FROM mega_balance(''pass:test:expiry-'' || who)';

--
-- Expired credits are not spent, not held, not moved; and a refused call writes nothing.
--
SELECT pg_temp.expire('refused');
SELECT pg_temp.balance('refused');
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
SELECT what, pg_temp.outcome(call) FROM (VALUES
    ('spend', $$SELECT mega_record_credit('pass:test:expiry-refused', -1, 'spend')$$), ('hold', $$SELECT mega_hold_credit('pass:test:expiry-refused', 1, 'expiry-refused')$$),
    ('transfer', $$SELECT mega_transfer_credit('pass:test:expiry-refused', 'pass:test:expiry-a', 1, 'expiry-refused')$$), ('batch', $$SELECT mega_record_credits('[{"pass_id": "pass:test:expiry-refused", "delta": -1, "reason": "spend"}]')$$),
    ('zero', $$SELECT mega_record_credit('pass:test:expiry-refused', 0, 'spend')$$), ('too much', $$SELECT mega_hold_credit('pass:test:expiry-refused', 101, 'expiry-refused')$$)) v(what, call);
SELECT pg_temp.balance('refused'), before.count = (SELECT count(*) FROM mega_generations) AS nothing_left FROM before;
-- a debt may be made, of nothing
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-refused', -5, 'spend', txn_id => 'expiry-debt', allow_negative => true);
SELECT txn_id, delta, reason, reference, status, meta, balance FROM pg_temp.ledger('refused');
-- the last moment: a time that has come is over
SELECT pg_temp.expire('a', clock_timestamp()) IS NOT NULL;
SELECT spendable FROM mega_balance('pass:test:expiry-a');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:expiry-a', -1, 'spend')$$);
SELECT pg_temp.expire('a', clock_timestamp() + interval '1 day') > now();
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-a', -1, 'spend');
SELECT spendable FROM mega_balance('pass:test:expiry-a');

--
-- A grant after the expiry revives nothing.
--
SELECT pg_temp.expire('b');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-b', 10, 'grant', txn_id => 'expiry-b2');
SELECT pg_temp.balance('b');
SELECT pg_temp.expire('b', '2021-01-01');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-b', 7, 'grant', txn_id => 'expiry-b3', expires_at => '2099-01-01');
SELECT pg_temp.balance('b');
-- a replay writes nothing, before and after
SELECT pg_temp.expire('b', '2022-01-01');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:expiry-b', 10, 'grant', txn_id => 'expiry-b2');
SELECT pg_temp.balance('b');
SELECT txn_id, delta, reason, reference, balance FROM pg_temp.ledger('b');
-- an end that has passed already: what was there stays as it is
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:expiry-b', 9, 'grant', txn_id => 'expiry-b4', expires_at => '2023-01-01')$$);
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-b', 9, 'grant', txn_id => 'expiry-b4');
SELECT pg_temp.expire('b', '2023-01-01');
SELECT pg_temp.balance('b');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:expiry-b', -1, 'spend')$$);

--
-- Holds from before the expiry: what flows back afterwards comes without one.
--
SELECT h, mg_credits FROM generate_series(1, 6) h, LATERAL mega_hold_credit('pass:test:expiry-hold', 10, 'expiry-h' || h);
SELECT outcome FROM mega_release_credit('expiry-h6');
SELECT pg_temp.expire('hold');
SELECT pg_temp.balance('hold');
-- nothing moves, so nothing is written
SELECT * FROM mega_capture_credit('expiry-h1');
SELECT pg_temp.balance('hold');
SELECT * FROM mega_release_credit('expiry-h2', 'provider_failed');
SELECT pg_temp.balance('hold');
SELECT * FROM mega_capture_credit('expiry-h3', 4);
SELECT pg_temp.balance('hold');
-- expired again: more cannot be drawn, neither beyond the hold nor after a release
SELECT pg_temp.expire('hold', '2021-01-01');
SELECT pg_temp.outcome($$SELECT mega_capture_credit('expiry-h4', 11)$$);
SELECT pg_temp.outcome($$SELECT mega_capture_credit('expiry-h6')$$);
SELECT pg_temp.balance('hold');
SELECT * FROM mega_release_credit('expiry-h4');
-- by the sweep
SELECT mg_credits FROM mega_hold_credit('pass:test:expiry-hold', 8, 'expiry-h7', '1 microsecond');
SELECT pg_temp.expire('hold', '2022-01-01');
SELECT count(*) >= 1 AS swept FROM mega_release_expired_holds();
SELECT pg_temp.balance('hold');
SELECT txn_id, delta, reason, status, balance FROM pg_temp.ledger('hold');

--
-- Refunds and top-ups after the expiry.
--
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-refund', -40, 'spend', txn_id => 'expiry-spend');
SELECT pg_temp.expire('refund');
SELECT mg_credits FROM mega_refund_credit('expiry-spend', 'expiry-r1', 15);
SELECT pg_temp.balance('refund');
SELECT pg_temp.outcome($$SELECT mega_refund_credit((SELECT txn_id FROM pg_temp.rows('refund') WHERE reason = 'expired'), 'expiry-r2')$$) ~ '22023 only a spend can be refunded' AS refused;
SELECT pg_temp.expire('topup');
SELECT mg_credits FROM mega_record_topup('pass:test:expiry-topup', 1, 50, expires_at => '2099-01-01');
SELECT pg_temp.balance('topup');
SELECT who, txn_id, delta, reason, balance FROM unnest('{refund,topup}'::text[]) who, LATERAL pg_temp.ledger(who) WHERE reason <> 'topup';

--
-- Each expiry is written once.
--
SELECT pg_temp.expire('once', '2020-06-01 12:34:56.789012');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-once', 1, 'grant', txn_id => 'expiry-once1');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-once', 1, 'grant', txn_id => 'expiry-once2');
-- the same moment is set again by hand: the rows have numbers
SELECT pg_temp.expire('once', '2020-06-01 12:34:56.789012');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-once', 3, 'grant', txn_id => 'expiry-once3');
SELECT pg_temp.expire('once', '2020-06-01 12:34:56.789012');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-once', 4, 'grant', txn_id => 'expiry-once4');
SELECT txn_id, delta, reference, balance FROM pg_temp.ledger('once');
-- taken back with its transaction
SELECT pg_temp.expire('once');
BEGIN;
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-once', 5, 'grant', txn_id => 'expiry-once5');
ROLLBACK;
SELECT pg_temp.balance('once');
-- there is nothing to expire: only the time goes
SELECT pg_temp.expire('debt');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-debt', 1, 'grant', txn_id => 'expiry-debt1');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-debt', -9, 'spend', txn_id => 'expiry-debt2', allow_negative => true);
SELECT pg_temp.expire('debt', '2021-01-01');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-debt', 1, 'grant', txn_id => 'expiry-debt3');
SELECT txn_id, delta, balance FROM pg_temp.ledger('debt');
SELECT pg_temp.balance('debt');
-- the credits of a disabled customer expire too
SELECT pg_temp.expire('disabled');
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:expiry-disabled';
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-disabled', 2, 'grant', txn_id => 'expiry-disabled2');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:expiry-disabled', -1, 'spend')$$);
-- raw rows record facts: they expire nothing, and what they grant before the expiry is written goes with it
SELECT pg_temp.expire('raw');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:expiry-raw1', 'pass:test:expiry-raw', 5, 'gift');
SELECT pg_temp.balance('raw');
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-raw', 1, 'grant', txn_id => 'expiry-raw2');
SELECT txn_id, delta, balance FROM pg_temp.ledger('raw');
-- the row of an expiry belongs to its function
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:expiry-a', -1, 'expired', txn_id => 'expire:pass:test:expiry-a:1')$$);
-- pass ids as long as they can be
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:expiry-' || repeat('é', 240) || n FROM generate_series(1, 2) n;
SELECT n, mg_credits FROM generate_series(1, 2) n, LATERAL mega_record_credit('pass:test:expiry-' || repeat('é', 240) || n, 10, 'grant');
SELECT pg_temp.expire(repeat('é', 240) || n) FROM generate_series(1, 2) n;
SELECT n, mg_credits FROM generate_series(1, 2) n, LATERAL mega_record_credit('pass:test:expiry-' || repeat('é', 240) || n, n, 'grant');
SELECT n, regexp_replace(mg_id, '[0-9a-f]{8}-[0-9a-f-]{27}', '…') AS mg_id, mg_delta FROM generate_series(1, 2) n, LATERAL mega_credit_statement('pass:test:expiry-' || repeat('é', 240) || n) WHERE mg_reason = 'expired';

--
-- The sweep: mega_expire_credits.
--
SELECT expired >= 0 AS swept_what_is_left_of_above FROM mega_expire_credits();
SELECT pg_temp.expire('sweep' || n, timestamptz '2020-01-01' + n * interval '1 day') FROM generate_series(1, 4) n;
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-sweep3', -100, 'spend', txn_id => 'expiry-sweep3s', allow_negative => true);
SELECT pg_temp.expire('sweep3', '2020-01-04');
SELECT * FROM mega_expire_credits('2020-01-01');
SELECT * FROM mega_expire_credits('2020-01-02', 1);
SELECT * FROM mega_expire_credits('2020-01-02');
SELECT * FROM mega_expire_credits(max_customers => 1);
SELECT * FROM mega_expire_credits(max_customers => 1);
SELECT who, pg_temp.balance(who) FROM unnest('{sweep1,sweep2,sweep3,sweep4}'::text[]) who;
SELECT * FROM mega_expire_credits();
SELECT * FROM mega_expire_credits();
SELECT who, txn_id, delta, reason, balance FROM generate_series(1, 4) n, LATERAL (SELECT 'sweep' || n) w(who), LATERAL pg_temp.ledger(who) ORDER BY n, balance DESC;
-- an expiry ahead is left alone
SELECT pg_temp.expire('sweep1', '2099-01-01');
SELECT * FROM mega_expire_credits();
SELECT what, pg_temp.outcome('SELECT * FROM mega_expire_credits(' || arguments || ')') FROM (VALUES
    ('no time', 'NULL'), ('infinite', $$'infinity'$$), ('before all time', $$'-infinity'$$), ('nobody', 'now(), 0'), ('less than nobody', 'now(), -1'), ('NULL', 'now(), NULL')) v(what, arguments);

--
-- mega_balance_at and mega_credit_statement agree with the ledger, row by row, at every page size.
--
SELECT mg_credits FROM mega_hold_credit('pass:test:expiry-walk', 20, 'expiry-walk1');
SELECT outcome FROM mega_capture_credit('expiry-walk1', 15);
SELECT pg_temp.expire('walk');
SELECT mg_credits FROM mega_record_topup('pass:test:expiry-walk', 2, 10, 'order', 'expiry-walk');
SELECT mg_credits FROM mega_refund_credit('hold:expiry-walk1', 'expiry-walk', 6);
SELECT from_credits, to_credits FROM mega_transfer_credit('pass:test:expiry-walk', 'pass:test:expiry-b', 3, 'expiry-walk');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_created_at) VALUES ('credit_transaction:expiry-walk-old', 'pass:test:expiry-walk', 1000, 'moved_in', '2019-01-01'), ('credit_transaction:expiry-walk-old2', 'pass:test:expiry-walk', -1000, 'moved_in', '2019-01-01');
CREATE FUNCTION pg_temp.walk(who text, size integer) RETURNS TABLE (mg_id text, mg_delta integer, balance_after bigint, mg_created_at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    cursor text;
BEGIN
    LOOP
        RETURN QUERY SELECT s.mg_id, s.mg_delta, s.balance_after, s.mg_created_at FROM mega_credit_statement('pass:test:expiry-' || who, size, cursor) s;
        SELECT s.next_cursor INTO cursor FROM mega_credit_statement('pass:test:expiry-' || who, size, cursor) s LIMIT 1;
        EXIT WHEN cursor IS NULL;
    END LOOP;
END
$$;
SELECT size, count(*) AS rows, count(*) FILTER (WHERE w.balance_after = l.balance AND w.mg_delta = l.delta) AS right
FROM unnest('{a,b,hold,refund,topup,debt,disabled,once,refused,raw,sweep1,sweep2,sweep3,sweep4,walk}'::text[]) who, unnest('{1,2,3,4,5,7,1000}'::int[]) size, LATERAL pg_temp.walk(who, size) w, LATERAL (SELECT balance, delta FROM pg_temp.rows(who) l WHERE 'credit_transaction:' || l.txn_id = w.mg_id) l
GROUP BY size ORDER BY size;
SELECT regexp_replace(mg_id, '[0-9a-f]{8}-[0-9a-f-]{27}', '…') AS mg_id, mg_delta, balance_after, mega_balance_at('pass:test:expiry-walk', mg_created_at) AS balance_at FROM mega_credit_statement('pass:test:expiry-walk');
SELECT who, bool_and(mega_balance_at('pass:test:expiry-' || who, mg_created_at) = balance_after) AS all_at_their_time
FROM unnest('{a,b,hold,refund,topup,debt,disabled,once,refused,raw,sweep3}'::text[]) who, LATERAL pg_temp.walk(who, 1000) GROUP BY who ORDER BY who;
SELECT mega_balance_at('pass:test:expiry-walk', '2018-12-31') AS before, mega_balance_at('pass:test:expiry-walk', '2019-01-01') AS then, mega_balance_at('pass:test:expiry-walk', '2099-01-01') AS after, mega_balance_at('pass:test:expiry-long', now()) AS none;
SELECT what, pg_temp.outcome('SELECT mega_balance_at(' || arguments || ')') FROM (VALUES
    ('nobody', $$'pass:test:nobody', now()$$), ('no pass id', $$'leila', now()$$), ('NULL', 'NULL, now()'), ('no time', $$'pass:test:expiry-a', NULL$$),
    ('infinite', $$'pass:test:expiry-a', 'infinity'$$), ('before all time', $$'pass:test:expiry-a', '-infinity'$$)) v(what, arguments);

-- a pass id from before there were rules does not stop the expiry of everybody
BEGIN;
ALTER TABLE mega_customers DROP CONSTRAINT mega_customers_pass_id_shape;
SET LOCAL session_replication_role = replica;
INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_expires_at) VALUES (E'shop\x07\u0085old', 10, '2020-01-01');
SET LOCAL session_replication_role = origin;
SELECT credits >= 10 AS expired FROM mega_expire_credits();
SELECT mg_pass_id, mg_delta FROM mega_generations WHERE mg_pass_id ~ 'shop.*old';
ROLLBACK;

-- max_customers counts customers: many spent lots of one do not keep the next one waiting, call after call
BEGIN;
SELECT * FROM mega_expire_credits();
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:expiry-many'), ('pass:test:expiry-next');
SELECT count(*) FROM generate_series(1, 6), mega_record_credit('pass:test:expiry-many', 1, 'grant', expires_at => clock_timestamp() + interval '1 second') g, mega_record_credit('pass:test:expiry-many', -1, 'spend') s;
SELECT mg_credits FROM mega_record_credit('pass:test:expiry-next', 7, 'grant', expires_at => clock_timestamp() + interval '1.1 seconds');
SELECT pg_sleep(1.2);
SELECT * FROM mega_expire_credits(clock_timestamp(), 1);
SELECT * FROM mega_expire_credits(clock_timestamp(), 1);
SELECT * FROM mega_expire_credits(clock_timestamp(), 1);
ROLLBACK;
-- an end in the last years of the calendar could not be written down
SELECT pg_temp.outcome(format($$SELECT mega_record_credit('pass:shopify:1', 1, 'grant', expires_at => %L)$$, '294276-12-31 23:59:59.999999Z'));

SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:expiry-%';
