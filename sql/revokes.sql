-- Revokes: mega_revoke_credit (I1, I4, I16).
-- Customers of this file: pass:test:revokes-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- The credit rows of a customer in their order, each with the balance behind it.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$
    SELECT substr(mg_id, 20), mg_delta, mg_reason, mg_ref_type || ' ' || mg_ref_id, mg_status, mg_meta,
        sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = 'pass:test:revokes-' || who AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:revokes-' || n FROM unnest('{a,b,c,total,debt,disabled,deleted,many}'::text[]) n;
SELECT count(mega_record_credit('pass:test:revokes-' || n, 100, 'order', ref_type => 'order', ref_id => 'revokes-' || n, txn_id => 'revokes-' || n)) FROM unnest('{a,b,c,total,debt,disabled,deleted}'::text[]) n;

--
-- In parts, and what is left; by txn_id, by its prefix, by reference.
--
SELECT * FROM mega_revoke_credit('revokes-a1', txn_id => 'revokes-a', amount => 20);
SELECT mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:revoke:revokes-a1' \gx
SELECT * FROM mega_revoke_credit('revokes-a2', txn_id => 'credit_transaction:revokes-a', amount => 20, reason => 'order_refunded');
SELECT * FROM mega_revoke_credit('revokes-a3', ref_type => 'order', ref_id => 'revokes-a', amount => 30);
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-a4', 'revokes-a', amount => 31)$$);
SELECT * FROM mega_revoke_credit('revokes-a4', 'revokes-a');
-- nothing is left: a revoke of nothing is recorded, so that its id is decided
SELECT * FROM mega_revoke_credit('revokes-a5', 'revokes-a');
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-a6', 'revokes-a', amount => 1)$$);
SELECT * FROM pg_temp.ledger('a');
-- the same again: the same grant however it is named, and the number when one is named
SELECT * FROM mega_revoke_credit('revokes-a1', txn_id => 'revokes-a', amount => 20);
SELECT * FROM mega_revoke_credit('revokes-a1', ref_type => 'order', ref_id => 'revokes-a');
SELECT * FROM mega_revoke_credit('revokes-a5', 'revokes-a');
SELECT what, pg_temp.outcome('SELECT mega_revoke_credit(' || arguments || ')') FROM (VALUES
    ('other amount', $$'revokes-a1', 'revokes-a', amount => 21$$), ('other grant', $$'revokes-a1', 'revokes-b', amount => 20$$), ('no grant', $$'revokes-a1', 'revokes-nowhere'$$),
    ('other reference', $$'revokes-a1', ref_type => 'order', ref_id => 'revokes-b'$$), ('other reason', $$'revokes-a1', 'revokes-a', reason => 'chargeback'$$),
    ('a total', $$'revokes-a1', 'revokes-a', up_to => 20$$), ('other customer', $$'revokes-a1', 'revokes-a', pass_id => 'pass:test:revokes-b'$$)) v(what, arguments);

--
-- A growing total, in whatever order its reports come.
--
SELECT * FROM mega_revoke_credit('revokes-total-30', 'revokes-total', up_to => 30);
SELECT * FROM mega_revoke_credit('revokes-total-70', 'revokes-total', up_to => 70);
SELECT * FROM mega_revoke_credit('revokes-total-50', 'revokes-total', up_to => 50);
SELECT * FROM mega_revoke_credit('revokes-total-0', 'revokes-total', up_to => 0);
SELECT * FROM mega_revoke_credit('revokes-total-70', 'revokes-total', up_to => 70);
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-total-70', 'revokes-total', up_to => 71)$$);
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-total-101', 'revokes-total', up_to => 101)$$);
SELECT * FROM mega_revoke_credit('revokes-total-100', 'revokes-total', up_to => 100);
SELECT txn_id, delta, meta, balance FROM pg_temp.ledger('total');

--
-- What was spent meanwhile: MG001, or a debt; a dispute that is won.
--
SELECT mg_credits FROM mega_record_credit('pass:test:revokes-debt', -90, 'spend', txn_id => 'revokes-spend');
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-chargeback', 'revokes-debt')$$);
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-chargeback', 'revokes-debt', amount => 11)$$);
SELECT * FROM mega_revoke_credit('revokes-chargeback', 'revokes-debt', reason => 'chargeback', allow_negative => true);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:revokes-debt', -1, 'spend')$$);
SELECT * FROM mega_refund_credit('revoke:revokes-chargeback', 'revokes-won', 60, reason => 'chargeback_won');
-- what was restored may be taken again, and no more
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-again', 'revokes-debt', amount => 61, allow_negative => true)$$);
SELECT * FROM mega_revoke_credit('revokes-again', 'revokes-debt', allow_negative => true);
SELECT * FROM mega_refund_credit('revoke:revokes-chargeback', 'revokes-won2');
SELECT * FROM mega_refund_credit('revoke:revokes-again', 'revokes-won3');
SELECT pg_temp.outcome($$SELECT mega_refund_credit('revoke:revokes-again', 'revokes-won4')$$), pg_temp.outcome($$SELECT mega_refund_credit('revoke:revokes-a5', 'revokes-won4')$$);
SELECT txn_id, delta, reason, balance FROM pg_temp.ledger('debt');

--
-- Who cannot spend is not asked.
--
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:revokes-disabled';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:revokes-deleted';
SELECT who, r.mg_credits, r.revoked FROM unnest('{disabled,deleted}'::text[]) who, LATERAL mega_revoke_credit('revokes-' || who, 'revokes-' || who, amount => 40, pass_id => 'pass:test:revokes-' || who) r;

--
-- What makes no sense, and what is no grant.
--
SELECT mg_credits FROM mega_record_credit('pass:test:revokes-b', -10, 'spend', txn_id => 'revokes-b-spend');
SELECT mg_credits FROM mega_refund_credit('revokes-b-spend', 'revokes-b-refund', 5);
SELECT mg_credits FROM mega_hold_credit('pass:test:revokes-b', 10, 'revokes-b-hold');
SELECT outcome FROM mega_release_credit('revokes-b-hold');
SELECT from_credits FROM mega_transfer_credit('pass:test:revokes-b', 'pass:test:revokes-c', 5, 'revokes-gift');
SELECT mg_credits FROM mega_record_credit('pass:test:revokes-b', 10, 'bonus', ref_type => 'order', ref_id => 'revokes-b', txn_id => 'revokes-b-bonus');
SELECT mg_credits FROM mega_record_credit('pass:test:revokes-b', -1, 'paid', ref_type => 'order', ref_id => 'revokes-b-paid', txn_id => 'revokes-b-paid');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:revokes-raw', 'pass:test:revokes-b', 7, 'raw', 'order', 'revokes-raw');
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
SELECT what, pg_temp.outcome('SELECT mega_revoke_credit(' || arguments || ')') FROM (VALUES
    ('no id', $$NULL, 'revokes-b'$$), ('blank id', $$' ', 'revokes-b'$$), ('no grant', $$'revokes-x'$$), ('half a reference', $$'revokes-x', ref_type => 'order'$$),
    ('both names', $$'revokes-x', 'revokes-b', 'order', 'revokes-b'$$), ('amount and up_to', $$'revokes-x', 'revokes-b', amount => 1, up_to => 1$$), ('zero', $$'revokes-x', 'revokes-b', amount => 0$$),
    ('below zero', $$'revokes-x', 'revokes-b', amount => -1$$), ('a total below zero', $$'revokes-x', 'revokes-b', up_to => -1$$), ('no reason', $$'revokes-x', 'revokes-b', reason => NULL$$),
    ('unknown', $$'revokes-x', 'revokes-nowhere'$$), ('unknown reference', $$'revokes-x', ref_type => 'order', ref_id => 'revokes-nowhere'$$), ('a spend', $$'revokes-x', 'revokes-b-spend'$$),
    ('a refund', $$'revokes-x', 'refund:revokes-b-refund'$$), ('a hold', $$'revokes-x', 'hold:revokes-b-hold'$$), ('a release', $$'revokes-x', 'release:revokes-b-hold'$$),
    ('a transfer', $$'revokes-x', 'transfer:revokes-gift:in'$$), ('a revoke', $$'revokes-x', 'revoke:revokes-a1'$$), ('a reference of a spend', $$'revokes-x', ref_type => 'order', ref_id => 'revokes-b-paid'$$),
    ('a reference of several grants', $$'revokes-x', ref_type => 'order', ref_id => 'revokes-b'$$), ('more than was granted', $$'revokes-x', 'revokes-b', amount => 101$$),
    ('the largest integer', $$'revokes-x', 'revokes-b', up_to => 2147483647$$), ('another customer', $$'revokes-x', 'revokes-b', pass_id => 'pass:test:revokes-a'$$)) v(what, arguments);
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left FROM before;
-- a raw grant is a grant; a row that took the reference of the revoke does not stop it
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:revokes-way', 'pass:test:revokes-b', 1, 'revoke', 'revoke', 'revokes-raw');
\set VERBOSITY terse
SELECT * FROM mega_revoke_credit('revokes-raw', ref_type => 'order', ref_id => 'revokes-raw');
\set VERBOSITY sqlstate
-- in a transaction, taken back
BEGIN;
SELECT mg_credits, revoked FROM mega_revoke_credit('revokes-b1', 'revokes-b', amount => 10);
SELECT mg_credits, revoked, replayed FROM mega_revoke_credit('revokes-b1', 'revokes-b', amount => 10);
ROLLBACK;
SELECT mg_credits, revoked, replayed FROM mega_revoke_credit('revokes-b1', 'revokes-b', amount => 10);
-- nobody writes a revoke of mega's own: the bound goes by what mega noted
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_meta) VALUES ('credit_transaction:revokes-forged', 'pass:test:revokes-b', -1, 'revoke', 'order', 'revokes-forged', '{"mega": {"revoke_of": "revokes-b"}}');
SELECT mg_credits, revoked FROM mega_revoke_credit('revokes-b2', 'revokes-b', up_to => 11);

--
-- Whatever is revoked and restored in whatever order: never more than was granted (I16).
--
CREATE FUNCTION pg_temp.storm() RETURNS TABLE (revokes bigint, refunds bigint, refused bigint, beyond bigint) LANGUAGE plpgsql AS $$
DECLARE
    n integer;
    done text;
BEGIN
    revokes := 0; refunds := 0; refused := 0; beyond := 0;
    PERFORM setseed(0.16);
    FOR n IN 1 .. 12 LOOP PERFORM mega_record_credit('pass:test:revokes-many', 50, 'order', txn_id => 'revokes-many-' || n); END LOOP;
    FOR n IN 1 .. 400 LOOP
        BEGIN
            CASE floor(random() * 4)::integer
                WHEN 0 THEN PERFORM mega_revoke_credit('revokes-many-' || n, 'revokes-many-' || 1 + floor(random() * 12)::integer, amount => 1 + floor(random() * 30)::integer, allow_negative => true); revokes := revokes + 1;
                WHEN 1 THEN PERFORM mega_revoke_credit('revokes-many-' || n, 'revokes-many-' || 1 + floor(random() * 12)::integer, up_to => floor(random() * 60)::integer, allow_negative => true); revokes := revokes + 1;
                WHEN 2 THEN PERFORM mega_revoke_credit('revokes-many-' || n, 'revokes-many-' || 1 + floor(random() * 12)::integer, allow_negative => true); revokes := revokes + 1;
                ELSE PERFORM mega_refund_credit('revoke:revokes-many-' || 1 + floor(random() * n)::integer, 'revokes-many-' || n, 1 + floor(random() * 20)::integer); refunds := refunds + 1;
            END CASE;
        EXCEPTION WHEN SQLSTATE 'MG012' OR SQLSTATE 'MG003' OR SQLSTATE 'MG001' THEN refused := refused + 1;
        END;
    END LOOP;
    SELECT count(*) INTO beyond FROM (
        SELECT g.mg_delta AS granted, (SELECT coalesce(sum(-r.mg_delta - coalesce((SELECT sum(u.mg_delta) FROM mega_generations u WHERE u.mg_meta #>> '{mega,refund_of}' = substr(r.mg_id, 20)), 0)), 0)
            FROM mega_generations r WHERE r.mg_meta #>> '{mega,revoke_of}' = substr(g.mg_id, 20)) AS revoked
        FROM mega_generations g WHERE g.mg_id LIKE 'credit_transaction:revokes-many-%') s WHERE revoked < 0 OR revoked > granted;
    RETURN NEXT;
END
$$;
SELECT revokes > 50 AS revokes, refunds > 10 AS refunds, refused > 10 AS refused, beyond FROM pg_temp.storm();
SELECT mg_credits BETWEEN 0 AND 600 AS within FROM mega_customers WHERE mg_pass_id = 'pass:test:revokes-many';
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:revokes-%';

--
-- A part of a transfer whose own id a raw row has is no grant under another one.
--
BEGIN;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:revokes-t' || n FROM generate_series(1, 3) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:transfer:revokes-t:in:2', 'pass:test:revokes-t3', 1, 'raw');
SELECT count(mega_record_credit('pass:test:revokes-t1', 10, 'gift', txn_id => 'revokes-t' || n, expires_at => ends)) FROM (VALUES (1, NULL), (2, clock_timestamp() + interval '1 day')) v(n, ends);
SELECT from_credits, to_credits FROM mega_transfer_credit('pass:test:revokes-t1', 'pass:test:revokes-t2', 15, 'revokes-t');
SELECT substr(mg_id, 20) AS part FROM mega_generations WHERE mg_reason = 'transfer_in_2' AND mg_ref_id = 'revokes-t' \gset
SELECT pg_temp.outcome(format('SELECT mega_revoke_credit(%L, %L)', 'revokes-t1', :'part')) ~ '^22023 only a grant can be revoked' AS by_id;
SELECT pg_temp.outcome($$SELECT mega_revoke_credit('revokes-t2', ref_type => 'transfer', ref_id => 'revokes-t')$$) AS by_reference;
ROLLBACK;

--
-- What was revoked and refunded before is found by indexes, whatever collations the columns have.
--
\c -
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT revoked FROM mega_record_credit('pass:test:revokes-a', 10, 'gift', txn_id => 'revokes-planned') g, LATERAL mega_revoke_credit('revokes-p1', CASE WHEN g.replayed THEN NULL ELSE 'revokes-planned' END, amount => 1);
SELECT revoked FROM mega_revoke_credit('revokes-p2', 'revokes-planned', amount => 1);
SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'mega_generations'::regclass;
ROLLBACK;
