-- Refunds: mega_refund_credit (I1, I4): never more in sum than was spent.
-- Customers of this file: pass:test:refunds-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- The credit rows of a customer in their order, each with the balance behind it.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$
    SELECT substr(mg_id, 20), mg_delta, mg_reason, mg_ref_type || ' ' || mg_ref_id, mg_status, mg_meta #- '{mega,hold_expires_at}',
        sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = 'pass:test:refunds-' || who AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:refunds-'' || who';
INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:refunds-' || n FROM unnest('{a,b,c,holds,disabled,deleted,full}'::text[]) n;
SELECT count(mega_record_credit('pass:test:refunds-' || n, 100, 'grant', txn_id => 'refunds-grant-' || n)) FROM unnest('{a,b,c,holds,disabled,deleted}'::text[]) n;

--
-- All of a spend, and parts of one.
--
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-a', -30, 'spend', txn_id => 'refunds-1');
SELECT * FROM mega_refund_credit('refunds-1', 'refunds-r1');
SELECT mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:refund:refunds-r1' \gx
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-a', -30, 'spend', txn_id => 'refunds-2');
SELECT mg_id, mg_credits FROM mega_refund_credit('refunds-2', 'refunds-r2', 10);
SELECT mg_id, mg_credits FROM mega_refund_credit('credit_transaction:refunds-2', 'refunds-r3', 5, 'goodwill');
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-2', 'refunds-r4', 16)$$);
SELECT mg_id, mg_credits FROM mega_refund_credit(txn_id => 'refunds-2', refund_id => 'refunds-r4');
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-2', 'refunds-r5', 1)$$);
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-2', 'refunds-r5')$$);
-- a raw spend, and one that had no id of its own
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:refunds-raw', 'pass:test:refunds-a', -5, 'spend');
SELECT mg_id, mg_credits FROM mega_refund_credit('refunds-raw', 'refunds-r6');
SELECT refund.mg_credits FROM mega_record_credit('pass:test:refunds-a', -5, 'spend') spend, LATERAL mega_refund_credit(spend.mg_id, 'refunds-r7') refund;
SELECT txn_id, delta, reason, reference, meta #- '{mega,refund_of}' AS meta, balance FROM pg_temp.ledger('a') WHERE txn_id LIKE '%refunds-%';

--
-- The same refund again; the same id for something else (I4).
--
SELECT * FROM mega_refund_credit('refunds-1', 'refunds-r1');
SELECT * FROM mega_refund_credit('refunds-1', 'refunds-r1', 30);
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-1', 'refunds-r1', 30, 'another_reason')$$);
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-a', -30, 'spend', txn_id => 'refunds-3');
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-b', -30, 'spend', txn_id => 'refunds-4');
SELECT what, pg_temp.outcome('SELECT mega_refund_credit(' || arguments || ')') FROM (VALUES
    ('other amount', $$'refunds-1', 'refunds-r1', 29$$), ('another spend of this customer', $$'refunds-3', 'refunds-r1', 30$$),
    ('another spend, amount not named', $$'refunds-3', 'refunds-r1'$$), ('a spend of another customer', $$'refunds-4', 'refunds-r1', 30$$)) v(what, arguments);
SELECT pg_temp.credits('a'), pg_temp.credits('b');
-- a reference that a raw row took: the refund is recorded without, and says so
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:refunds-taken', 'pass:test:refunds-b', 1, 'refund', 'refund', 'refunds-r8');
SELECT mg_id, mg_credits, replayed FROM mega_refund_credit('refunds-4', 'refunds-r8', 1);
SELECT mg_id, mg_credits, replayed FROM mega_refund_credit('refunds-4', 'refunds-r8', 1);
SELECT mg_delta, mg_ref_type, mg_ref_id, mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:refund:refunds-r8';
-- an amount that was not named the first time is what it was
SELECT mg_credits, replayed FROM mega_refund_credit('refunds-4', 'refunds-r9');
SELECT mg_credits, replayed FROM mega_refund_credit('refunds-4', 'refunds-r9');
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-4', 'refunds-r9', 28)$$);

--
-- Holds: what they took in the end can be refunded.
--
SELECT count(mega_hold_credit('pass:test:refunds-holds', 10, 'refunds-h' || n)) FROM generate_series(1, 6) n;
SELECT pg_temp.outcome($$SELECT mega_refund_credit('hold:refunds-h1', 'refunds-h1')$$);
SELECT h, outcome, mg_credits FROM (VALUES ('refunds-h1', NULL), ('refunds-h2', 4), ('refunds-h3', 15), ('refunds-h4', 0)) v(h, amount), LATERAL mega_capture_credit(h, amount);
SELECT h, outcome FROM (VALUES ('refunds-h5'), ('refunds-h6')) v(h), LATERAL mega_release_credit(h);
SELECT outcome FROM mega_capture_credit('refunds-h6', 7);
SELECT n, id, refund, pg_temp.outcome(format('SELECT mega_refund_credit(%L, %L, %L)', id, 'refunds-' || n, refund)) FROM (VALUES
    (1, 'hold:refunds-h1', 11), (2, 'hold:refunds-h1', 10), (3, 'hold:refunds-h1', 1), (4, 'hold:refunds-h2', 5), (5, 'capture:refunds-h2', 3), (6, 'hold:refunds-h2', 2), (7, 'credit_transaction:hold:refunds-h2', 1), (8, 'hold:refunds-h2', NULL),
    (9, 'capture:refunds-h3', 16), (10, 'capture:refunds-h3', 15), (11, 'hold:refunds-h4', 1), (12, 'hold:refunds-h4', NULL), (13, 'hold:refunds-h5', 1), (14, 'hold:refunds-h5', NULL), (15, 'hold:refunds-h6', 8), (16, 'hold:refunds-h6', 7)) v(n, id, refund) ORDER BY n;
SELECT txn_id, delta, reason, meta, balance FROM pg_temp.ledger('holds') WHERE txn_id LIKE 'refund:%';
-- what was refunded stays captured
SELECT outcome, mg_credits FROM mega_capture_credit('refunds-h1');
SELECT outcome, mg_credits FROM mega_release_credit('refunds-h1');

--
-- What is refused, and that it leaves nothing behind.
--
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-c', -20, 'spend', txn_id => 'refunds-c');
SELECT from_credits, to_credits FROM mega_transfer_credit('pass:test:refunds-c', 'pass:test:refunds-b', 5, 'refunds-t');
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
SELECT what, pg_temp.outcome('SELECT mega_refund_credit(' || arguments || ')') FROM (VALUES
    ('a grant', $$'refunds-grant-c', 'refunds-c1'$$), ('no such transaction', $$'refunds-nowhere', 'refunds-c1'$$), ('no such hold', $$'hold:refunds-nowhere', 'refunds-c1'$$), ('no such capture', $$'capture:refunds-nowhere', 'refunds-c1'$$),
    ('a refund', $$'refund:refunds-r1', 'refunds-c1'$$), ('a transfer, outgoing', $$'transfer:refunds-t:out', 'refunds-c1'$$), ('a transfer, incoming', $$'transfer:refunds-t:in', 'refunds-c1'$$), ('a release', $$'release:refunds-h5', 'refunds-c1'$$),
    ('more than was spent', $$'refunds-c', 'refunds-c1', 21$$), ('the largest integer', $$'refunds-c', 'refunds-c1', 2147483647$$), ('zero', $$'refunds-c', 'refunds-c1', 0$$), ('below zero', $$'refunds-c', 'refunds-c1', -1$$),
    ('another customer', $$'refunds-c', 'refunds-c1', pass_id => 'pass:test:refunds-b'$$), ('nobody', $$'refunds-c', 'refunds-c1', pass_id => 'pass:test:nobody'$$),
    ('no transaction', $$NULL, 'refunds-c1'$$), ('blank transaction', $$'credit_transaction:', 'refunds-c1'$$), ('no refund id', $$'refunds-c', NULL$$), ('blank refund id', $$'refunds-c', ' '$$),
    ('no reason', $$'refunds-c', 'refunds-c1', reason => NULL$$), ('blank reason', $$'refunds-c', 'refunds-c1', reason => ''$$)) v(what, arguments);
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left, pg_temp.credits('c') FROM before;
SELECT mg_credits FROM mega_refund_credit('refunds-c', 'refunds-c2', pass_id => 'pass:test:refunds-c');
-- what a refund refers to never changes (I5): it is what later refunds count by
SELECT what, pg_temp.outcome('UPDATE mega_generations SET mg_meta = ' || change || $$ WHERE mg_id = 'credit_transaction:refund:refunds-c2'$$) FROM (VALUES
    ('removed', $$'{}'$$), ('other', $$mg_meta || '{"mega": {"refund_of": "refunds-1"}}'$$), ('beside', $$mg_meta || '{"refund_of": "refunds-1"}'$$), ('more', $$mg_meta || '{"agent": "sam"}'$$)) v(what, change);
SELECT mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:refund:refunds-c2';
-- and a raw row that looks like a refund counts nothing
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_meta) SELECT 'credit_transaction:refund:refunds-raw' || n, 'pass:test:refunds-c', n, 'refund', 'refund', 'refunds-raw' || n, meta
FROM (VALUES (-1, '{"refund_of": "refunds-raw"}'::jsonb), (1, '{"mega": {"refund_of": "refunds-raw"}}')) v(n, meta);
SELECT mg_id, mg_meta FROM mega_generations WHERE mg_ref_id LIKE 'refunds-raw%' ORDER BY 1;
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-c', 'refunds-c3')$$);
-- an id of a function's own movement may be given as its row has it: the same movement, not another one
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-c', 100, 'grant', txn_id => 'refunds-own1');
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-c', -40, 'spend', txn_id => 'refunds-own2');
SELECT id, r.mg_id, replayed FROM unnest('{refunds-own,refund:refunds-own,credit_transaction:refund:refunds-own}'::text[]) id, mega_refund_credit('refunds-own2', id, 5) r;
SELECT id, r.mg_id, revoked, replayed FROM unnest('{refunds-own,revoke:refunds-own,credit_transaction:revoke:refunds-own}'::text[]) id, mega_revoke_credit(id, 'refunds-own1', amount => 5) r;
SELECT id, from_credits, replayed FROM unnest('{refunds-own,transfer:refunds-own,credit_transaction:transfer:refunds-own}'::text[]) id, mega_transfer_credit('pass:test:refunds-c', 'pass:test:refunds-disabled', 5, id);
SELECT id, r.mg_id, replayed FROM unnest('{refunds-own,hold:refunds-own,credit_transaction:hold:refunds-own}'::text[]) id, mega_hold_credit('pass:test:refunds-c', 5, id) r;
SELECT id, r.mg_id, replayed FROM unnest('{refunds-own,lot:refunds-own,credit_transaction:lot:refunds-own}'::text[]) id, mega_make_lot('pass:test:refunds-c', id, 5, '2099-01-01') r;
-- a refund that would leave the range of an integer
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-full', 10, 'grant', txn_id => 'refunds-full1');
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-full', -10, 'spend', txn_id => 'refunds-full2');
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-full', 2147483647, 'grant', txn_id => 'refunds-full3');
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-full2', 'refunds-full')$$);

--
-- Customers that are disabled or deleted get their credits back.
--
SELECT mg_credits FROM unnest('{disabled,deleted}'::text[]) who, LATERAL mega_record_credit('pass:test:refunds-' || who, -40, 'spend', txn_id => 'refunds-' || who);
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:refunds-disabled';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:refunds-deleted';
SELECT who, mg_credits, replayed FROM unnest('{disabled,deleted}'::text[]) who, LATERAL mega_refund_credit('refunds-' || who, 'refunds-' || who, 15);

-- All of the largest spend that there can be is more than one movement.
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:refunds-most');
SELECT mg_credits FROM mega_record_credit('pass:test:refunds-most', -2147483648, 'spend', txn_id => 'refunds-most', allow_negative => true);
SELECT pg_temp.outcome($$SELECT mega_refund_credit('refunds-most', 'refunds-most')$$);
SELECT mg_credits FROM mega_refund_credit('refunds-most', 'refunds-most', 2147483647);
SELECT mg_credits FROM mega_refund_credit('refunds-most', 'refunds-rest');

SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:refunds-%';
