-- Lots: every grant with an end ends by itself, soonest first (I15).
-- Customers of this file: pass:test:lots-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
\set lots :tests '/sql/shared/lots.psql'
\i :lots
SET test.prefix = 'lots-';
-- A raw row.
CREATE FUNCTION pg_temp.raw(who text, name text, amount integer) RETURNS void LANGUAGE sql AS
    'INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES (''credit_transaction:lots-'' || who || ''-'' || name, pg_temp.id(who), amount, ''raw'')';
-- A lot's end comes: it lies in 2020 now, in its row and at its customer.
CREATE FUNCTION pg_temp.pass(who text, VARIADIC names text[]) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    told text;
    ended bigint;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    FOREACH told IN ARRAY names LOOP
        UPDATE mega_generations SET mg_meta = jsonb_set(mg_meta, '{mega,ends}', to_jsonb((mg_meta #>> '{mega,ends}')::bigint - 70 * 365 * 86400000000))
        WHERE mg_id = 'credit_transaction:lots-' || who || '-' || told RETURNING mg_meta #>> '{mega,ends}' INTO ended;
        UPDATE mega_customers SET mg_meta = jsonb_set(mg_meta, '{mega,lots}', (SELECT jsonb_agg(l ORDER BY (l ->> 2)::bigint, (l ->> 0) COLLATE "C")
            FROM (SELECT CASE WHEN v ->> 0 = 'lots-' || who || '-' || told THEN jsonb_set(v, '{2}', to_jsonb(ended)) ELSE v END FROM jsonb_array_elements(mg_meta #> '{mega,lots}') e(v)) s(l)))
        WHERE mg_pass_id = pg_temp.id(who) AND mg_meta #> '{mega,lots}' IS NOT NULL;
    END LOOP;
    PERFORM set_config('session_replication_role', 'origin', true);
END
$$;
-- The credit rows of a customer in their order, with what they say of lots; ids without what is random.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, lots text, cover text, ended text, balance bigint) LANGUAGE sql AS $$
    SELECT regexp_replace(substr(mg_id, 20), '[0-9a-f]{8}-[0-9a-f-]{27}', '…'), mg_delta, mg_meta #>> '{mega,lots}', mg_meta #>> '{mega,cover}',
        CASE WHEN mg_meta #> '{mega,ends}' IS NOT NULL THEN coalesce(mg_meta #>> '{mega,ended}', 'open') END, sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = pg_temp.id(who) AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.open(who text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s: %s to spend, %s end %s; ', b.mg_credits, b.spendable, coalesce(b.next_ending, 0), coalesce(to_char(b.next_end, 'DD Mon YYYY'), 'never')) ||
        coalesce((SELECT string_agg(format('%s %s/%s', substr(mg_id, 20), remaining, granted), ', ' ORDER BY number) FROM mega_credit_lots(pg_temp.id(who)) WITH ORDINALITY l(mg_id, at, granted, remaining, ends, source, number)), 'no lot')
    FROM mega_balance(pg_temp.id(who)) b
$$;

--
-- A trial of 20 that ends beside 500 that were paid: 500 are left.
--
SELECT pg_temp.make('trial', 'two', 'equal', 'hold', 'refund', 'revoke', 'raw', 'debt', 'late', 'many', 'twice', 'mine', 'ids', 'from', 'to', 'make', 'sweep', 'free', 'cut');
SELECT pg_temp.give('trial', 'paid', 500), pg_temp.give('trial', 'trial', 20, 1);
SELECT pg_temp.open('trial');
SELECT mg_id, mg_created_at IS NOT NULL AS at, granted, remaining, ends, mg_source FROM mega_credit_lots(pg_temp.id('trial'));
SELECT * FROM mega_balance(pg_temp.id('trial'));
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = pg_temp.id('trial');
SELECT mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:lots-trial-trial';
SELECT pg_temp.pass('trial', 'trial');
SELECT pg_temp.open('trial');
SELECT pg_temp.outcome($$SELECT pg_temp.spend('trial', 'x', 501)$$);
SELECT pg_temp.spend('trial', 'all', 500);
SELECT * FROM pg_temp.ledger('trial');
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = pg_temp.id('trial');
SELECT mg_id ~ '^credit_transaction:expire:[0-9a-f-]{36}$' AS id, mg_reason, mg_ref_type, mg_ref_id, mg_status FROM mega_generations WHERE mg_pass_id = pg_temp.id('trial') AND mg_reason = 'expired';

-- two ends, and a spend across both; what has no lot at its end's place
SELECT pg_temp.give('two', 'none', 10), pg_temp.give('two', 'b', 10, 20), pg_temp.give('two', 'a', 10, 10);
SELECT pg_temp.spend('two', 's', 15);
SELECT pg_temp.open('two');
UPDATE mega_customers SET mg_expires_at = '2090-01-15' WHERE mg_pass_id = pg_temp.id('two');
SELECT pg_temp.open('two');
SELECT pg_temp.give('two', 'c', 5, 15);
SELECT pg_temp.open('two');
SELECT pg_temp.spend('two', 't', 12);
SELECT * FROM pg_temp.ledger('two');
SELECT pg_temp.open('two');

-- equal ends: by the bytes of their names
SELECT pg_temp.give('equal', 'a', 5, 3), pg_temp.give('equal', 'B', 5, 3), pg_temp.give('equal', 'é', 5, 3);
SELECT pg_temp.open('equal');
SELECT pg_temp.spend('equal', 's', 7);
SELECT pg_temp.open('equal');

--
-- A hold of 10 from a lot that ends before capture: captured in part, the rest is gone, with its row.
--
SELECT pg_temp.give('hold', 'a', 10, 1), pg_temp.give('hold', 'b', 10, 2);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('hold'), 10, 'lots-1');
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('hold'), 6, 'lots-2');
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('hold'), 4, 'lots-3');
SELECT pg_temp.open('hold');
SELECT pg_temp.pass('hold', 'a');
SELECT * FROM mega_capture_credit('lots-1', 4);
SELECT * FROM mega_capture_credit('lots-1', 4);
SELECT pg_temp.pass('hold', 'b');
SELECT * FROM mega_release_credit('lots-2');
SELECT pg_temp.give('hold', 'c', 3, 30);
SELECT * FROM mega_capture_credit('lots-2', 2);
SELECT * FROM pg_temp.ledger('hold');
SELECT pg_temp.open('hold');
-- nobody answers: the sweep
SELECT count(*) FROM mega_generations WHERE mg_id = 'credit_transaction:hold:lots-3' AND mg_status = 'pending';
CREATE FUNCTION pg_temp.over(hold text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    UPDATE mega_generations SET mg_meta = jsonb_set(mg_meta, '{mega,hold_expires_at}', '"2020-01-01T00:00:00Z"') WHERE mg_id = 'credit_transaction:hold:' || hold;
    PERFORM set_config('session_replication_role', 'origin', true);
END
$$;
SELECT pg_temp.over('lots-3');
SELECT hold_id, amount FROM mega_release_expired_holds() WHERE mg_pass_id = pg_temp.id('hold');
SELECT * FROM pg_temp.ledger('hold') OFFSET 11;
-- a hold from a lot that lives goes back to it, from one without a lot to none, whole and in part
SELECT pg_temp.give('free', 'a', 10, 5), pg_temp.give('free', 'none', 10);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('free'), 14, 'lots-4');
SELECT outcome FROM mega_capture_credit('lots-4', 3);
SELECT pg_temp.open('free');
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('free'), 12, 'lots-5');
SELECT outcome FROM mega_release_credit('lots-5');
SELECT pg_temp.open('free');
SELECT pg_temp.over(h) FROM (SELECT 'lots-6' FROM mega_hold_credit(pg_temp.id('free'), 12, 'lots-6')) s(h);
SELECT hold_id, amount FROM mega_release_expired_holds() WHERE mg_pass_id = pg_temp.id('free');
SELECT * FROM pg_temp.ledger('free');
SELECT pg_temp.open('free');

--
-- A refund of a spend whose lot has ended; in parts, to the latest end first; never above what was granted.
--
SELECT pg_temp.give('refund', 'a', 10, 1), pg_temp.give('refund', 'b', 10, 2), pg_temp.give('refund', 'none', 10);
SELECT pg_temp.spend('refund', 's', 25);
SELECT mg_credits FROM mega_refund_credit('lots-refund-s', 'lots-r1', 8);
SELECT pg_temp.open('refund');
SELECT pg_temp.pass('refund', 'a');
SELECT mg_credits FROM mega_refund_credit('lots-refund-s', 'lots-r2', 10);
SELECT pg_temp.open('refund');
SELECT mg_credits FROM mega_refund_credit('lots-refund-s', 'lots-r3');
SELECT pg_temp.outcome($$SELECT mega_refund_credit('lots-refund-s', 'lots-r4')$$);
SELECT * FROM pg_temp.ledger('refund');
SELECT pg_temp.open('refund');

--
-- Hold, revoke of the lot, release: no revoked credit comes back as a lot.
--
SELECT pg_temp.give('revoke', 'a', 10, 1), pg_temp.give('revoke', 'none', 10);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('revoke'), 10, 'lots-7');
SELECT mg_credits, revoked FROM mega_revoke_credit('lots-v1', 'lots-revoke-a');
SELECT * FROM mega_release_credit('lots-7');
SELECT pg_temp.open('revoke');
-- its own lot first, then as any draw; of one without a lot what has none first
SELECT pg_temp.give('revoke', 'b', 10, 2), pg_temp.give('revoke', 'c', 10, 3);
SELECT mg_credits, revoked FROM mega_revoke_credit('lots-v2', 'lots-revoke-c', amount => 4);
SELECT pg_temp.open('revoke');
SELECT mg_credits, revoked FROM mega_revoke_credit('lots-v3', 'lots-revoke-none', amount => 10);
SELECT pg_temp.open('revoke');
-- what is restored of a revoke comes back as anything
SELECT mg_credits FROM mega_refund_credit('revoke:lots-v2', 'lots-r5', 3);
SELECT pg_temp.open('revoke');
-- what has ended is not revoked any more, and a number that was cut is the same call again
SELECT pg_temp.spend('revoke', 's', 2), pg_temp.pass('revoke', 'b');
SELECT mg_credits, revoked FROM mega_revoke_credit('lots-v4', 'lots-revoke-b', amount => 9);
SELECT mg_credits, revoked, replayed FROM mega_revoke_credit('lots-v4', 'lots-revoke-b', amount => 9);
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('lots-v4', 'lots-revoke-b', amount => 8)$$);
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('lots-v5', 'lots-revoke-b', amount => 10)$$);
SELECT mg_credits, revoked FROM mega_revoke_credit('lots-v6', 'lots-revoke-b');
SELECT * FROM pg_temp.ledger('revoke');

--
-- A raw -5 beside a lot of 10 that then ends: 0, never a debt made by an end. Debts are paid by lots, and by a grant
-- with an end from itself.
--
SELECT pg_temp.give('raw', 'a', 10, 1), pg_temp.raw('raw', 'r', -5);
SELECT pg_temp.open('raw');
SELECT pg_temp.pass('raw', 'a');
SELECT pg_temp.open('raw');
SELECT expired, credits FROM mega_expire_credits();
SELECT * FROM pg_temp.ledger('raw');
SELECT pg_temp.open('raw');
SELECT pg_temp.spend('debt', 'owe', 4, true), pg_temp.give('debt', 'a', 10, 2);
SELECT pg_temp.open('debt');
SELECT pg_temp.raw('debt', 'r', -3), pg_temp.give('debt', 'none', 1);
SELECT pg_temp.open('debt');
SELECT pg_temp.spend('debt', 's', 20, true), pg_temp.give('debt', 'b', 10, 3), pg_temp.give('debt', 'c', 10, 4);
SELECT * FROM pg_temp.ledger('debt');
SELECT pg_temp.open('debt');
-- a lot that paid with all it had comes to its end with nothing
SELECT pg_temp.raw('debt', 'r2', -4), pg_temp.pass('debt', 'c');
SELECT expired, credits FROM mega_expire_credits();
SELECT * FROM pg_temp.ledger('debt') OFFSET 7;
-- a late raw grant has no lot, whatever its date
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_created_at, mg_meta)
VALUES ('credit_transaction:lots-late-r', pg_temp.id('late'), 7, 'raw', '2019-01-01', '{"mega": {"ends": 5, "lots": [["lots-late-a", 3]]}, "own": 1}') RETURNING mg_meta;
SELECT pg_temp.give('late', 'a', 3, 1);
SELECT pg_temp.open('late');

--
-- Given twice by one reference, the second time after its end; an end that has passed is refused otherwise.
--
CREATE FUNCTION pg_temp.bonus(ahead interval) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s', mg_credits, replayed) FROM mega_record_credit(pg_temp.id('twice'), 9, 'bonus', ref_type => 'campaign', ref_id => 'lots-twice', expires_at => clock_timestamp() + ahead) $$;
SELECT pg_temp.bonus('1 hour'), pg_temp.bonus('-1 hour');
SELECT pg_temp.outcome($$SELECT mega_record_credit(pg_temp.id('twice'), 9, 'bonus', expires_at => '2020-01-01')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credit(pg_temp.id('twice'), -9, 'spend', expires_at => '2090-01-01')$$);

--
-- At most a thousand open lots.
--
SELECT written FROM mega_record_credits((SELECT jsonb_agg(jsonb_build_object('pass_id', pg_temp.id('many'), 'delta', 1, 'reason', 'grant', 'txn_id', 'lots-many-' || n, 'expires_at', '2090-01-01'::timestamptz + n * interval '1 minute')) FROM generate_series(1, 1000) n));
SELECT pg_temp.outcome($$SELECT pg_temp.give('many', 'x', 1, 1)$$);
SELECT pg_temp.outcome($$SELECT mega_record_credits(jsonb_build_array(jsonb_build_object('pass_id', pg_temp.id('many'), 'delta', 1, 'reason', 'grant', 'expires_at', '2090-01-01'::timestamptz)))$$);
SELECT pg_temp.give('many', 'none', 1), pg_temp.spend('many', 's', 999);
SELECT pg_temp.give('many', 'x', 1, 1), pg_temp.open('many');
-- ids as long as they can be
SELECT mg_credits FROM mega_record_credit(pg_temp.id('ids'), 5, 'grant', txn_id => repeat('é', 256), expires_at => '2090-01-01');
SELECT mg_credits FROM mega_record_credit(pg_temp.id('ids'), -2, 'spend');
SELECT octet_length(mg_id), remaining FROM mega_credit_lots(pg_temp.id('ids'));

--
-- Mega's own key: the application's keys are its own.
--
SELECT pg_temp.give('mine', 'a', 5, 1);
UPDATE mega_customers SET mg_meta = '{"theme": 1, "mega": {"lots": []}}' WHERE mg_pass_id = pg_temp.id('mine') RETURNING mg_meta;
SELECT pg_temp.spend('mine', 's', 2);
UPDATE mega_customers SET mg_meta = NULL WHERE mg_pass_id = pg_temp.id('mine') RETURNING mg_meta;
UPDATE mega_generations SET mg_meta = '{"note": 1}' WHERE mg_id = 'credit_transaction:lots-mine-a' RETURNING mg_meta;
SELECT pg_temp.pass('mine', 'a'), pg_temp.outcome($$UPDATE mega_customers SET mg_meta = '{"theme": 2}' WHERE mg_pass_id = pg_temp.id('mine')$$);
SELECT expired, credits FROM mega_expire_credits();
SELECT c.mg_meta AS of_customer, g.mg_meta AS of_lot FROM mega_customers c JOIN mega_generations g USING (mg_pass_id) WHERE g.mg_id = 'credit_transaction:lots-mine-a';

--
-- A transfer: one row per end at the receiver, in the order they were drawn, what has none last.
--
SELECT pg_temp.give('from', 'none', 10), pg_temp.give('from', 'b', 5, 20), pg_temp.give('from', 'a', 5, 10), pg_temp.give('from', 'a2', 5, 10);
SELECT * FROM mega_transfer_credit(pg_temp.id('from'), pg_temp.id('to'), 18, 'lots-t1');
SELECT * FROM mega_transfer_credit(pg_temp.id('from'), pg_temp.id('to'), 18, 'lots-t1');
SELECT pg_temp.open('from'), pg_temp.open('to');
SELECT mg_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id FROM mega_generations WHERE mg_ref_id = 'lots-t1' ORDER BY mg_id COLLATE "C" DESC;
SELECT * FROM mega_transfer_credit(pg_temp.id('from'), pg_temp.id('to'), NULL, 'lots-t2');
SELECT pg_temp.outcome($$SELECT mega_transfer_credit(pg_temp.id('from'), pg_temp.id('to'), 17, 'lots-t1')$$);
-- the end of what has no lot goes with it
UPDATE mega_customers SET mg_expires_at = '2090-02-01' WHERE mg_pass_id = pg_temp.id('to');
SELECT * FROM mega_transfer_credit(pg_temp.id('to'), pg_temp.id('from'), NULL, 'lots-t3');
SELECT pg_temp.open('from'), pg_temp.open('to');

--
-- What has no lot becomes one.
--
SELECT pg_temp.give('make', 'none', 30);
SELECT pg_temp.outcome($$SELECT mega_make_lot(pg_temp.id('make'), 'lots-m0')$$);
UPDATE mega_customers SET mg_expires_at = '294276-12-31' WHERE mg_pass_id = pg_temp.id('make'); -- no lot can end then
SELECT pg_temp.outcome($$SELECT mega_make_lot(pg_temp.id('make'), 'lots-m0')$$);
UPDATE mega_customers SET mg_expires_at = NULL WHERE mg_pass_id = pg_temp.id('make');
UPDATE mega_customers SET mg_expires_at = '2090-01-31' WHERE mg_pass_id = pg_temp.id('make');
SELECT * FROM mega_make_lot(pg_temp.id('make'), 'lots-m1', 10, '2090-03-01');
SELECT * FROM mega_make_lot(pg_temp.id('make'), 'lots-m1', 10, '2090-03-01');
SELECT pg_temp.open('make');
SELECT * FROM mega_make_lot(pg_temp.id('make'), 'lots-m2');
SELECT * FROM mega_make_lot(pg_temp.id('make'), 'lots-m2');
SELECT pg_temp.open('make'), mg_expires_at FROM mega_customers WHERE mg_pass_id = pg_temp.id('make');
SELECT mg_id, mg_delta, mg_reason, mg_ref_type, mg_meta FROM mega_generations WHERE mg_pass_id = pg_temp.id('make') ORDER BY mg_created_at, mg_id COLLATE "C";
SELECT what, pg_temp.outcome(format('SELECT mega_make_lot(%s)', arguments)) FROM (VALUES ('nothing left', $$pg_temp.id('make'), 'lots-m3', NULL, '2090-01-01'$$), ('more than there is', $$pg_temp.id('make'), 'lots-m3', 1, '2090-01-01'$$),
    ('other amount', $$pg_temp.id('make'), 'lots-m1', 11$$), ('another customer', $$pg_temp.id('mine'), 'lots-m1'$$), ('an end that has passed', $$pg_temp.id('make'), 'lots-m3', 1, '2020-01-01'$$), ('nobody', $$'pass:test:nobody', 'lots-m3', 1, '2090-01-01'$$),
    ('no id', $$pg_temp.id('make'), NULL$$), ('zero', $$pg_temp.id('make'), 'lots-m3', 0$$), ('infinite', $$pg_temp.id('make'), 'lots-m3', 1, 'infinity'$$)) v(what, arguments);

--
-- The sweep: lots and what has none, each customer once; a lot without anything left gets its mark, and no row.
--
SELECT pg_temp.give('sweep', 'a', 5, 1), pg_temp.give('sweep', 'b', 5, 2), pg_temp.give('sweep', 'none', 5), pg_temp.spend('sweep', 's', 5);
SELECT pg_temp.pass('sweep', 'a');
SELECT * FROM mega_expire_credits();
SELECT * FROM pg_temp.ledger('sweep');
UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = pg_temp.id('sweep');
SELECT pg_temp.pass('sweep', 'b');
SELECT pg_temp.open('sweep');
SELECT * FROM mega_expire_credits('2020-01-01');
SELECT * FROM mega_expire_credits();
SELECT * FROM mega_expire_credits();
SELECT * FROM pg_temp.ledger('sweep');
SELECT pg_temp.outcome($$SELECT * FROM mega_expire_credits(now() + interval '1 day')$$) ~ '22023 as_of lies ahead' AS refused;

--
-- Reads by whom there is nothing; what does not reconcile is found, and mended from the ledger.
--
SELECT pg_temp.outcome($$SELECT mega_credit_lots('pass:test:nobody')$$), pg_temp.outcome($$SELECT mega_reconcile_lots('pass:test:nobody')$$), pg_temp.outcome($$SELECT mega_credit_lots(NULL)$$);
SELECT * FROM mega_reconcile_lots() WHERE mg_pass_id LIKE 'pass:test:lots-%';
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:lots-%';
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE mega_customers SET mg_meta = '{"theme": 1}' WHERE mg_pass_id = pg_temp.id('equal');
UPDATE mega_customers SET mg_meta = jsonb_set(mg_meta, '{mega,lots,0,1}', '4') WHERE mg_pass_id = pg_temp.id('from');
UPDATE mega_customers SET mg_meta = '{"mega": {"lots": [["nowhere", 5, 1]]}}' WHERE mg_pass_id = pg_temp.id('late');
UPDATE mega_generations SET mg_meta = '{"mega": {"lots": [["lots-two-a", -11]]}}' WHERE mg_id = 'credit_transaction:lots-two-s';
SET LOCAL session_replication_role = origin;
SELECT * FROM mega_reconcile_lots() WHERE mg_pass_id LIKE 'pass:test:lots-%';
SELECT * FROM mega_reconcile_lots(pg_temp.id('late'));
SELECT * FROM mega_open_books(trust => 'ledger') WHERE mg_pass_id LIKE 'pass:test:lots-%';
SELECT mg_pass_id FROM mega_reconcile_lots() WHERE mg_pass_id LIKE 'pass:test:lots-%';
SELECT mg_detail FROM mega_admin WHERE mg_actor_pass_id = pg_temp.id('equal');
SELECT pg_temp.open('equal');
ROLLBACK;

-- the moment of an end is over
SELECT mg_credits FROM mega_record_credit(pg_temp.id('cut'), 5, 'grant', txn_id => 'lots-cut-a', expires_at => clock_timestamp() + interval '300 milliseconds');
SELECT pg_sleep(0.35);
SELECT pg_temp.open('cut');
SELECT pg_temp.outcome($$SELECT pg_temp.spend('cut', 's', 1)$$);
SELECT pg_temp.give('cut', 'b', 1);
SELECT * FROM pg_temp.ledger('cut');

--
-- What a caller's own document says in mega's key is dropped where mega notes lots, too (I17).
--
SELECT pg_temp.make('forged');
SELECT mg_credits FROM mega_record_credit(pg_temp.id('forged'), 10, 'grant', txn_id => 'lots-forged-a', expires_at => '2090-01-01', meta => '{"mega": {"revoke_of": "lots-two-a", "ended": 3}, "a": 1}');
SELECT mg_credits FROM mega_record_credit(pg_temp.id('forged'), -4, 'spend', txn_id => 'lots-forged-s', meta => '{"mega": {"refund_of": "lots-two-a", "lots": [["lots-two-a", 9]], "cover": [["x", -1]]}, "b": 2}');
SELECT mg_credits FROM mega_refund_credit('lots-forged-s', 'lots-forged-r', 1);
SELECT mg_id, mg_meta FROM mega_generations WHERE mg_pass_id = pg_temp.id('forged') ORDER BY mg_created_at;
SELECT pg_temp.open('forged');

-- numbers and names of every length are read as they are stored
SELECT pg_temp.make('long', 'broken');
SELECT mg_credits FROM (VALUES (1, 1, timestamptz '2090-01-01 00:00:00Z'), (2, 9999, '2090-01-01 00:00:00.000001Z'), (3, 10000, '2090-01-01 00:00:00.01Z'), (4, 10001, '2090-01-01 01:00:00Z'),
    (5, 20000000, '2286-11-20 17:46:39.999999Z'), (6, 100010000, '2286-11-20 17:46:40Z'), (7, 123456789, '9999-12-31 00:00:00Z')) l(number, amount, ends),
    mega_record_credit(pg_temp.id('long'), amount, 'grant', txn_id => 'lots-long-' || number, expires_at => ends);
SELECT mg_credits FROM unnest('{36,47,48,512}'::int[]) length, mega_record_credit(pg_temp.id('long'), 1, 'grant', txn_id => rpad('lots-long-' || length || '-', length, 'x'), expires_at => '2100-01-01');
SELECT left(mg_id, 35) AS mg_id, length(mg_id) - 19 AS length, remaining, ends AT TIME ZONE 'UTC' AS ends FROM mega_credit_lots(pg_temp.id('long'));
SELECT pg_temp.spend('long', 's', 20002);
SELECT left(mg_id, 35) AS mg_id, remaining FROM mega_credit_lots(pg_temp.id('long')) LIMIT 3;
SELECT count(*) FROM mega_reconcile_lots(pg_temp.id('long'));
-- what mega does not write is no lot
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE mega_customers SET mg_credits = 9 WHERE mg_pass_id = pg_temp.id('broken');
CREATE FUNCTION pg_temp.read(lots jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mega_customers SET mg_meta = jsonb_build_object('mega', jsonb_build_object('lots', lots)) WHERE mg_pass_id = pg_temp.id('broken');
    RETURN (SELECT string_agg(remaining || ' until ' || to_char(ends AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ', ') FROM mega_credit_lots(pg_temp.id('broken')));
END $$;
SELECT lots, pg_temp.read(lots::jsonb) FROM unnest(ARRAY['[["x", 5, 3786912000000000]]', '[["x", 5.0, 3786912000000000]]', '[["x", 5.5, 3786912000000000]]', '[["x", -5, 3786912000000000]]',
    '[["x", 0, 3786912000000000]]', '[["x", "5", 3786912000000000]]', '[["x", null, 3786912000000000]]', '[[5, 5, 3786912000000000]]', '[["x", 5]]', '[["x", 5, 3786912000000000, 1]]', '[["x", [5], 3786912000000000]]',
    '[["x", 5, 3786912000000000], 5]', '["x", 5, 3786912000000000]', '[{"x": 5}]', '[["x", 2147483648, 3786912000000000]]', '[["x", 5, 37869120000000000000000]]', '[]', '{"x": 5}', '5']) lots;
ROLLBACK;
