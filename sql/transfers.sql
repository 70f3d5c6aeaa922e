-- Transfers: mega_transfer_credit (I1, I3, I4): two rows, or none.
-- Customers of this file: pass:test:transfers-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- The credit rows of a customer in their order, each with the balance behind it.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$
    SELECT regexp_replace(substr(mg_id, 20), 'expire:.*', 'expire'), mg_delta, mg_reason, mg_ref_type || ' ' || mg_ref_id, mg_status, mg_meta #- '{mega,hold_expires_at}',
        sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = 'pass:test:transfers-' || who AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:transfers-'' || who';
INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:transfers-' || n FROM unnest('{a,b,B,empty,disabled,deleted,full,expired,other}'::text[]) n;
SELECT mg_credits FROM mega_record_credit('pass:test:transfers-a', 100, 'grant', txn_id => 'transfers-a');
SELECT * FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 30, 'transfers-1');
SELECT mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_meta FROM mega_generations WHERE mg_ref_id = 'transfers-1' ORDER BY mg_id COLLATE "C" DESC \gx
-- back, to the last credit, with a reason
SELECT * FROM mega_transfer_credit('pass:test:transfers-b', 'pass:test:transfers-a', 30, 'transfers-2', 'gift');
SELECT mg_id, mg_meta FROM mega_generations WHERE mg_ref_id = 'transfers-2' ORDER BY mg_id COLLATE "C";
SELECT * FROM mega_transfer_credit(from_pass_id => 'pass:test:transfers-a', to_pass_id => 'pass:test:transfers-B', amount => 1, transfer_id => 'transfers-3');
-- the same again, and the same id for something else (I4)
SELECT * FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 30, 'transfers-1');
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 30, 'transfers-1', 'another reason')$$);
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
SELECT what, pg_temp.outcome('SELECT mega_transfer_credit(' || arguments || ')') FROM (VALUES
    ('other amount', $$'pass:test:transfers-a', 'pass:test:transfers-b', 31, 'transfers-1'$$), ('the other way', $$'pass:test:transfers-b', 'pass:test:transfers-a', 30, 'transfers-1'$$),
    ('to somebody else', $$'pass:test:transfers-a', 'pass:test:transfers-B', 30, 'transfers-1'$$), ('from somebody else', $$'pass:test:transfers-B', 'pass:test:transfers-b', 30, 'transfers-1'$$),
    ('to oneself', $$'pass:test:transfers-a', 'pass:test:transfers-a', 1, 'transfers-x'$$), ('zero', $$'pass:test:transfers-a', 'pass:test:transfers-b', 0, 'transfers-x'$$),
    ('below zero', $$'pass:test:transfers-a', 'pass:test:transfers-b', -1, 'transfers-x'$$),
    ('more than there is', $$'pass:test:transfers-a', 'pass:test:transfers-b', 100, 'transfers-x'$$), ('from nobody', $$'pass:test:nobody', 'pass:test:transfers-b', 1, 'transfers-x'$$),
    ('to nobody', $$'pass:test:transfers-a', 'pass:test:nobody', 1, 'transfers-x'$$), ('no pass id', $$'pass:test:transfers-a', 'leila', 1, 'transfers-x'$$),
    ('from NULL', $$NULL, 'pass:test:transfers-b', 1, 'transfers-x'$$), ('to NULL', $$'pass:test:transfers-a', NULL, 1, 'transfers-x'$$),
    ('no id', $$'pass:test:transfers-a', 'pass:test:transfers-b', 1, NULL$$), ('blank id', $$'pass:test:transfers-a', 'pass:test:transfers-b', 1, ' '$$),
    ('no reason', $$'pass:test:transfers-a', 'pass:test:transfers-b', 1, 'transfers-x', NULL$$), ('blank reason', $$'pass:test:transfers-a', 'pass:test:transfers-b', 1, 'transfers-x', ''$$)) v(what, arguments);
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left, pg_temp.credits('a'), pg_temp.credits('b'), pg_temp.credits('B') FROM before;
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:transfers-a', -1, 'spend', txn_id => 'transfer:transfers-9:out')$$);
-- the receiver's balance stays within an integer: both rows or none
SELECT mg_credits FROM mega_record_credit('pass:test:transfers-full', 2147483647, 'grant', txn_id => 'transfers-full');
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-full', 1, 'transfers-4')$$);
SELECT pg_temp.credits('a'), pg_temp.credits('full'), count(*) FROM mega_generations WHERE mg_ref_id = 'transfers-4';
-- a row that somebody wrote in between
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:transfers-taken', 'pass:test:transfers-b', 5, 'transfer_in', 'transfer', 'transfers-5');
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 6, 'transfers-5')$$);
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-B', 5, 'transfers-5')$$);
-- all that can be spent: the same again is a replay, whatever is there then; of nothing it is refused
BEGIN;
SELECT * FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', NULL, 'transfers-all');
SELECT mg_credits FROM mega_record_credit('pass:test:transfers-a', 7, 'grant');
SELECT * FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', NULL, 'transfers-all');
SELECT * FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 99, 'transfers-all');
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 7, 'transfers-all')$$);
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-B', NULL, 'transfers-all')$$);
SELECT mg_credits FROM mega_record_credit('pass:test:transfers-a', -7, 'spend');
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', NULL, 'transfers-none')$$);
ROLLBACK;
-- who is disabled or deleted can get, not give
SELECT mg_credits FROM unnest('{disabled,deleted}'::text[]) who, LATERAL mega_record_credit('pass:test:transfers-' || who, 10, 'grant', txn_id => 'transfers-' || who);
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:transfers-disabled';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:transfers-deleted';
SELECT who, pg_temp.outcome(format('SELECT mega_transfer_credit(%L, ''pass:test:transfers-a'', 1, ''transfers-6'')', 'pass:test:transfers-' || who)) FROM unnest('{disabled,deleted}'::text[]) who;
SELECT who, from_credits, to_credits FROM unnest('{disabled,deleted}'::text[]) who, LATERAL mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-' || who, 1, 'transfers-7-' || who);
-- in a transaction, taken back
BEGIN;
SELECT from_credits, to_credits FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 5, 'transfers-8');
SELECT from_credits, to_credits, replayed FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 5, 'transfers-8');
ROLLBACK;
SELECT from_credits, to_credits, replayed FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 5, 'transfers-8');
-- expired credits do not travel; what arrives at somebody whose credits have expired is not lost with them
SELECT mg_credits FROM mega_record_credit('pass:test:transfers-expired', 10, 'grant', txn_id => 'transfers-expired');
UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:transfers-expired';
SELECT pg_temp.outcome($$SELECT mega_transfer_credit('pass:test:transfers-expired', 'pass:test:transfers-a', 1, 'transfers-9')$$);
SELECT pg_temp.credits('expired'), mg_expires_at FROM mega_customers WHERE mg_pass_id = 'pass:test:transfers-expired';
SELECT from_credits, to_credits FROM mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-expired', 3, 'transfers-10');
SELECT txn_id, delta, reason, balance FROM pg_temp.ledger('expired');
SELECT * FROM mega_balance('pass:test:transfers-expired');
SELECT txn_id, delta, reason, reference, status, balance FROM pg_temp.ledger('a');

-- half of one that somebody wrote by hand is not taken for all of it
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES
    ('credit_transaction:transfer:transfers-half1:in', 'pass:test:transfers-b', 4, 'transfer_in', 'transfer', 'transfers-half1'),
    ('credit_transaction:transfer:transfers-half2:out', 'pass:test:transfers-a', -4, 'transfer_out', 'transfer', 'transfers-half2'),
    ('credit_transaction:lot:transfers-half3:out', 'pass:test:transfers-a', -4, 'lot_out', NULL, NULL);
SELECT pg_temp.outcome(format($$SELECT mega_transfer_credit('pass:test:transfers-a', 'pass:test:transfers-b', 4, %L)$$, id)) FROM unnest('{transfers-half1,transfers-half2}'::text[]) id;
SELECT pg_temp.outcome($$SELECT mega_make_lot('pass:test:transfers-a', 'transfers-half3', 4, now() + interval '1 year')$$);

SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:transfers-%';
