-- Credits: mega_record_credit, mega_balance, mega_credit_statement, mega_reconcile_credits (I1, I3, I4).
-- Customers of this file: pass:test:credits-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who';
INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:credits-' || n FROM unnest('{a,b,disabled,deleted,expiry,page,max,ties,atomic}'::text[]) n;

--
-- A grant, a spend, and what the row looks like.
--
SELECT * FROM mega_record_credit('pass:test:credits-a', 100, 'order', 'shopify', 'shopify_order', 'credits-1', 'credits-1', NULL, '{"k": [1]}');
SELECT mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id, mg_status, mg_meta, mg_payload, mg_source_system, mg_deleted_at, mg_mma_vars,
    mg_created_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute' AS dated, mg_updated_at = mg_created_at AS same
FROM mega_generations WHERE mg_id = 'credit_transaction:credits-1' \gx
SELECT * FROM mega_record_credit('pass:test:credits-a', -30, 'spend', txn_id => 'credits-2');
-- named arguments in any order, and an id of its own
SELECT mg_id ~ '^credit_transaction:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS uuid_v7, mg_credits, replayed
FROM mega_record_credit(reason => 'grant', delta => 1, pass_id => 'pass:test:credits-a');
-- generated ids rise in a session
SELECT bool_and(larger) FROM (SELECT mg_id > lag(mg_id) OVER (ORDER BY n) AS larger FROM generate_series(1, 50) n, LATERAL mega_record_credit('pass:test:credits-b', n, 'grant')) ids;
SELECT count(*), bool_and(rises) AS times_rise FROM (SELECT mg_created_at > lag(mg_created_at, 1, '-infinity') OVER (ORDER BY mg_id COLLATE "C") AS rises
    FROM mega_generations WHERE mg_pass_id = 'pass:test:credits-b') rows;
-- all NULL
SELECT pg_temp.outcome('SELECT mega_record_credit(NULL, NULL, NULL)');

--
-- What is refused, and that it leaves nothing behind.
--
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
SELECT what, pg_temp.outcome('SELECT mega_record_credit(' || arguments || ')') FROM (VALUES
    ('no pass id', $$NULL, 1, 'grant'$$),
    ('no delta', $$'pass:test:credits-a', NULL, 'grant'$$),
    ('no reason', $$'pass:test:credits-a', 1, NULL$$),
    ('unknown customer', $$'pass:test:nobody', 1, 'grant'$$),
    ('no pass id at all', $$'leila', 1, 'grant'$$),
    ('blank pass id', $$' ', 1, 'grant'$$),
    ('zero', $$'pass:test:credits-a', 0, 'grant'$$),
    ('blank reason', $$'pass:test:credits-a', 1, ' '$$),
    ('empty reason', $$'pass:test:credits-a', 1, ''$$),
    ('long reason', $$'pass:test:credits-a', 1, repeat('x', 513)$$),
    ('control character in a reason', $$'pass:test:credits-a', 1, E'a\u0001b'$$),
    ('type without id', $$'pass:test:credits-a', 1, 'grant', ref_type => 'order'$$),
    ('id without type', $$'pass:test:credits-a', 1, 'grant', ref_id => '1'$$),
    ('blank reference type', $$'pass:test:credits-a', 1, 'grant', ref_type => '', ref_id => '1'$$),
    ('blank reference id', $$'pass:test:credits-a', 1, 'grant', ref_type => 'order', ref_id => ' '$$),
    ('long reference id', $$'pass:test:credits-a', 1, 'grant', ref_type => 'order', ref_id => repeat('x', 513)$$),
    ('blank txn_id', $$'pass:test:credits-a', 1, 'grant', txn_id => ''$$),
    ('long txn_id', $$'pass:test:credits-a', 1, 'grant', txn_id => repeat('x', 513)$$),
    ('meta is a list', $$'pass:test:credits-a', 1, 'grant', meta => '[]'$$),
    ('meta is a text', $$'pass:test:credits-a', 1, 'grant', meta => '"a"'$$),
    ('infinite expiry', $$'pass:test:credits-a', 1, 'grant', expires_at => 'infinity'$$),
    ('expiry of a spend', $$'pass:test:credits-a', -1, 'spend', expires_at => '2099-01-01'$$),
    ('overdraft', $$'pass:test:credits-a', -72, 'spend'$$),
    ('overflow', $$'pass:test:credits-a', 2147483647, 'grant'$$),
    ('underflow', $$'pass:test:credits-max', -2147483648, 'spend', txn_id => 'credits-deep', allow_negative => true), mega_record_credit('pass:test:credits-max', -1, 'spend', allow_negative => true$$)
) v(what, arguments);
SELECT word, left(pg_temp.outcome(format('SELECT mega_record_credit(''pass:test:credits-a'', 1, ''grant'', txn_id => %L)', word || 'x')), 58)
FROM unnest('{hold:,capture:,release:,refund:,transfer:,expire:,opening:,credit_transaction:hold:}'::text[]) word;
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left, pg_temp.credits('pass:test:credits-a'), pg_temp.credits('pass:test:credits-max') FROM before;
-- to the last credit, and below zero where the caller says so
SELECT mg_credits FROM mega_record_credit('pass:test:credits-a', -71, 'spend', txn_id => 'credits-3');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:credits-a', -1, 'spend')$$);
SELECT mg_credits FROM mega_record_credit('pass:test:credits-a', -1, 'spend', txn_id => 'credits-4', allow_negative => true);
SELECT mg_credits FROM mega_record_credit('pass:test:credits-a', -5, 'spend', txn_id => 'credits-5', allow_negative => true);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:credits-a', -1, 'spend', allow_negative => NULL)$$);
SELECT mg_credits FROM mega_record_credit('pass:test:credits-a', 10, 'grant', txn_id => 'credits-6', meta => NULL);
SELECT mg_credits FROM mega_record_credit('pass:test:credits-max', 2147483647, 'grant', txn_id => 'credits-max');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:credits-max', 1, 'grant')$$);
-- ids may come with their namespace, reasons and references in any script
SELECT mg_id, mg_credits FROM mega_record_credit('pass:test:credits-a', 1, 'подарок', 'магазин', 'заказ', '№ 7 ☕', 'credit_transaction:credits-7');

--
-- I4: a replay returns the first row and the balance of now; other content is MG002.
--
SELECT * FROM mega_record_credit('pass:test:credits-a', 100, 'order', 'shopify', 'shopify_order', 'credits-1', 'credits-1');
SELECT what, pg_temp.outcome('SELECT mega_record_credit(' || arguments || ')') FROM (VALUES
    ('other delta', $$'pass:test:credits-a', 101, 'order', txn_id => 'credits-1'$$),
    ('other customer', $$'pass:test:credits-b', 100, 'order', txn_id => 'credits-1'$$),
    ('unknown customer', $$'pass:test:nobody', 100, 'order', txn_id => 'credits-1'$$),
    ('other reason', $$'pass:test:credits-a', 100, 'other', NULL, 'shopify_order', 'credits-1', 'credits-1'$$),
    ('no reference', $$'pass:test:credits-a', 100, 'order', txn_id => 'credits-1'$$),
    ('other reference', $$'pass:test:credits-a', 100, 'order', NULL, 'shopify_order', 'credits-other', 'credits-1'$$),
    ('reference: other delta', $$'pass:test:credits-a', 99, 'order', NULL, 'shopify_order', 'credits-1'$$),
    ('reference: other customer', $$'pass:test:credits-b', 100, 'order', NULL, 'shopify_order', 'credits-1'$$),
    ('txn_id of one row, reference of another', $$'pass:test:credits-a', -30, 'order', NULL, 'shopify_order', 'credits-1', 'credits-2'$$)
) v(what, arguments);
SELECT what, mg_id, mg_credits, replayed FROM (VALUES
    ('by txn_id', 'order', 'shopify_order', 'credits-1', 'credits-1'),
    ('by reference', 'order', 'shopify_order', 'credits-1', NULL), ('by reference, other txn_id', 'order', 'shopify_order', 'credits-1', 'credits-new')
) v(what, reason, ref_type, ref_id, txn_id), LATERAL mega_record_credit('pass:test:credits-a', 100, reason, NULL, ref_type, ref_id, txn_id);
-- another reason is another movement
SELECT mg_id, mg_credits, replayed FROM mega_record_credit('pass:test:credits-a', 100, 'bonus', NULL, 'shopify_order', 'credits-1', 'credits-8');
-- a spend is replayed though nothing is left, and though the customer is disabled since
SELECT mg_credits FROM mega_record_credit('pass:test:credits-a', -105, 'spend', txn_id => 'credits-9');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-a', -105, 'spend', txn_id => 'credits-9');
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:credits-a';
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-a', -105, 'spend', txn_id => 'credits-9');
UPDATE mega_customers SET mg_disabled = false WHERE mg_pass_id = 'pass:test:credits-a';
-- a raw row is replayed like one of a function
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:credits-10', 'pass:test:credits-a', 2, 'order', 'shop', 'credits-10');
SELECT mg_id, mg_credits, replayed FROM mega_record_credit('pass:test:credits-a', 2, 'order', NULL, 'shop', 'credits-10');
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:credits-11', 'pass:test:credits-a', 100, 'bonus', 'shopify_order', 'credits-1')$$);
-- twice in one statement
SELECT n, mg_id, mg_credits, replayed FROM generate_series(1, 3) n, LATERAL mega_record_credit('pass:test:credits-a', 10, 'grant', txn_id => 'credits-12-' || n % 2) ORDER BY n;

--
-- All or nothing.
--
BEGIN;
SELECT mg_credits FROM mega_record_credit('pass:test:credits-atomic', 10, 'grant', txn_id => 'credits-13');
SAVEPOINT s;
SELECT mg_credits FROM mega_record_credit('pass:test:credits-atomic', 10, 'grant', txn_id => 'credits-14');
SELECT mega_record_credit('pass:test:credits-atomic', -21, 'spend');
ROLLBACK TO s;
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-atomic', 10, 'grant', txn_id => 'credits-13');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-atomic', 5, 'grant', txn_id => 'credits-14');
COMMIT;
BEGIN;
SELECT mg_credits FROM mega_record_credit('pass:test:credits-atomic', 1000, 'grant', txn_id => 'credits-15');
ROLLBACK;
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-atomic', 15, 'grant', txn_id => 'credits-15');
-- one refused call of many takes the statement back
SELECT mega_record_credit('pass:test:credits-atomic', d, 'batch') FROM (VALUES (1), (2), (-1000)) v(d);
SELECT pg_temp.credits('pass:test:credits-atomic');
-- read-only transactions and prepared statements
BEGIN READ ONLY;
SELECT mega_record_credit('pass:test:credits-atomic', 1, 'grant');
ROLLBACK;
PREPARE spend(integer, text) AS SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-atomic', $1, 'spend', txn_id => $2);
EXECUTE spend(-1, 'credits-p1');
EXECUTE spend(-2, 'credits-p2');
EXECUTE spend(-2, 'credits-p2');
EXECUTE spend(-100, 'credits-p3');
EXECUTE spend(-3, 'credits-p3');
EXECUTE spend(0, 'credits-p4');
EXECUTE spend(-4, 'credits-p5');
EXECUTE spend(-5, 'credits-p6');
EXECUTE spend(-6, 'credits-p7');
DEALLOCATE spend;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT mg_credits FROM mega_record_credit('pass:test:credits-atomic', 1, 'grant', txn_id => 'credits-16');
SELECT mg_credits FROM mega_record_credit('pass:test:credits-atomic', 1, 'grant', txn_id => 'credits-17');
COMMIT;

--
-- Who is disabled or deleted cannot spend; grants still work.
--
SELECT mg_credits FROM mega_record_credit('pass:test:credits-disabled', 10, 'grant');
SELECT mg_credits FROM mega_record_credit('pass:test:credits-deleted', 10, 'grant');
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:credits-disabled';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:credits-deleted';
SELECT who, pg_temp.outcome(format('SELECT mega_record_credit(%L, -1, ''spend'')', 'pass:test:credits-' || who)) FROM (VALUES ('disabled'), ('deleted')) v(who);
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:credits-disabled', -1, 'spend', allow_negative => true)$$);
SELECT who, mg_credits FROM (VALUES ('disabled'), ('deleted')) v(who), LATERAL mega_record_credit('pass:test:credits-' || who, 5, 'grant');
UPDATE mega_customers SET mg_disabled = NULL WHERE mg_pass_id = 'pass:test:credits-disabled';
SELECT mg_credits FROM mega_record_credit('pass:test:credits-disabled', -1, 'spend');

--
-- each grant with an end ends by itself (sql/lots.sql).
--
SELECT * FROM mega_balance('pass:test:credits-expiry');
SELECT mg_credits FROM mega_record_credit('pass:test:credits-expiry', 10, 'grant', txn_id => 'credits-e1', expires_at => '2098-01-01');
SELECT * FROM mega_balance('pass:test:credits-expiry');
SELECT mg_credits FROM mega_record_credit('pass:test:credits-expiry', 10, 'grant', txn_id => 'credits-e2', expires_at => '2099-01-01');
SELECT mg_credits FROM mega_record_credit('pass:test:credits-expiry', 10, 'grant', txn_id => 'credits-e3', expires_at => '2097-01-01');
SELECT mg_credits FROM mega_record_credit('pass:test:credits-expiry', 10, 'grant', txn_id => 'credits-e4');
SELECT * FROM mega_balance('pass:test:credits-expiry');
-- a replay extends nothing, a refused call neither
SELECT replayed FROM mega_record_credit('pass:test:credits-expiry', 10, 'grant', txn_id => 'credits-e1', expires_at => '2100-01-01');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:credits-expiry', 2147483647, 'grant', expires_at => '2100-01-01')$$);
SELECT * FROM mega_balance('pass:test:credits-expiry');

-- past its time what has no lot expires before anything else moves: a spend does not find it, and a refused call writes nothing
UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:credits-expiry';
SELECT * FROM mega_balance('pass:test:credits-expiry');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:credits-expiry', -31, 'spend')$$);
SELECT * FROM mega_balance('pass:test:credits-expiry');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-expiry', 10, 'grant', txn_id => 'credits-e1');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:credits-expiry', 3, 'grant', txn_id => 'credits-e5');
SELECT * FROM mega_balance('pass:test:credits-expiry');
SELECT regexp_replace(mg_id, 'expire:.*', 'expire') AS mg_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, balance_after FROM mega_credit_statement('pass:test:credits-expiry', 2);
SELECT mg_credits FROM mega_record_credit('pass:test:credits-expiry', -3, 'spend', txn_id => 'credits-e6');

--
-- The balance, and what holds set aside of it.
--
SELECT * FROM mega_balance('pass:test:credits-a');
SELECT pg_temp.outcome($$SELECT mega_balance('pass:test:nobody')$$);
SELECT pg_temp.outcome($$SELECT mega_balance('leila')$$);
SELECT pg_temp.outcome('SELECT mega_balance(NULL)');
SELECT pg_temp.outcome($$SELECT mega_balance('')$$);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_status) VALUES
    ('credit_transaction:hold:credits-1', 'pass:test:credits-b', -100, 'hold', 'pending'), ('credit_transaction:hold:credits-2', 'pass:test:credits-b', -50, 'hold', 'pending'),
    ('credit_transaction:hold:credits-3', 'pass:test:credits-b', -7, 'hold', 'succeeded'), ('credit_transaction:credits-pending', 'pass:test:credits-b', -1, 'spend', 'pending');
SELECT * FROM mega_balance('pass:test:credits-b');
-- nothing can be spent of a debt, or after the expiry
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:credits-debt', 'pass:test:credits-b', -5000);
SELECT * FROM mega_balance('pass:test:credits-b');
UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:credits-max';
SELECT * FROM mega_balance('pass:test:credits-max');

--
-- The statement: newest first, each row with the balance behind it; pages join without a gap.
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id, mg_created_at)
SELECT 'credit_transaction:credits-page' || n, 'pass:test:credits-page', CASE WHEN n % 3 = 0 THEN -n ELSE n END, 'r' || n, 's', 'page', n, timestamptz '2025-01-01' + n * interval '1 hour' FROM generate_series(1, 7) n;
SELECT mg_id, mg_created_at, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id, balance_after, next_cursor FROM mega_credit_statement('pass:test:credits-page');
SELECT mg_id, mg_delta, balance_after, next_cursor IS NOT NULL AS more FROM mega_credit_statement('pass:test:credits-page', 3);
SELECT next_cursor FROM mega_credit_statement('pass:test:credits-page', 3) LIMIT 1 \gset one_
SELECT mg_id, mg_delta, balance_after, next_cursor IS NOT NULL AS more FROM mega_credit_statement('pass:test:credits-page', 3, :'one_next_cursor');
SELECT next_cursor FROM mega_credit_statement('pass:test:credits-page', 3, :'one_next_cursor') LIMIT 1 \gset two_
SELECT mg_id, mg_delta, balance_after, next_cursor IS NOT NULL AS more FROM mega_credit_statement('pass:test:credits-page', 3, :'two_next_cursor');
-- the last page that is full knows that it is the last
SELECT count(*), bool_or(next_cursor IS NOT NULL) AS more FROM mega_credit_statement('pass:test:credits-page', 7);
-- a page of another size goes on behind the same row
SELECT mg_id, balance_after FROM mega_credit_statement('pass:test:credits-page', 1, :'two_next_cursor');
-- rows that come in between pages: newer ones do not shift a page, older ones appear, and every balance is right
SELECT mg_credits FROM mega_record_credit('pass:test:credits-page', 1000, 'late', txn_id => 'credits-page-new');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at) VALUES ('credit_transaction:credits-page-old', 'pass:test:credits-page', 10000, '2025-01-01 02:30');
SELECT mg_id, mg_delta, balance_after, next_cursor IS NOT NULL AS more FROM mega_credit_statement('pass:test:credits-page', 3, :'one_next_cursor');
SELECT mg_id, mg_delta, balance_after, next_cursor IS NOT NULL AS more FROM mega_credit_statement('pass:test:credits-page', 3, :'two_next_cursor');
SELECT mg_id, balance_after FROM mega_credit_statement('pass:test:credits-page');
-- rows at one time are ordered by the bytes of their ids
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at)
SELECT 'credit_transaction:credits-ties-' || id, 'pass:test:credits-ties', 1, '2025-01-01' FROM unnest('{a,B,b,A,é,_,1}'::text[]) id;
WITH RECURSIVE pages AS (
    SELECT 1 AS page, mg_id, balance_after, next_cursor FROM (SELECT * FROM mega_credit_statement('pass:test:credits-ties', 2)) p
    UNION ALL
    SELECT pages.page + 1, p.mg_id, p.balance_after, p.next_cursor FROM (SELECT DISTINCT page, next_cursor FROM pages WHERE page < 2) pages, LATERAL mega_credit_statement('pass:test:credits-ties', 2, pages.next_cursor) p
)
SELECT page, mg_id, balance_after FROM pages;
SELECT mg_id, balance_after FROM mega_credit_statement('pass:test:credits-ties');
-- walked page by page, the statement is the statement
CREATE FUNCTION pg_temp.walk(who text, size integer) RETURNS TABLE (mg_id text, balance_after bigint) LANGUAGE plpgsql AS $$
DECLARE
    cursor text;
BEGIN
    LOOP
        RETURN QUERY SELECT s.mg_id, s.balance_after FROM mega_credit_statement(who, size, cursor) s;
        SELECT s.next_cursor INTO cursor FROM mega_credit_statement(who, size, cursor) s LIMIT 1;
        EXIT WHEN cursor IS NULL;
    END LOOP;
END
$$;
SELECT size, who, count(*) = (SELECT count(*) FROM mega_credit_statement('pass:test:credits-' || who, 1000)) AS complete,
    array_agg(mg_id || balance_after) = (SELECT array_agg(mg_id || balance_after) FROM mega_credit_statement('pass:test:credits-' || who, 1000)) AS same
FROM unnest('{1,2,3,7,50}'::int[]) size, unnest('{b,page,ties}'::text[]) who, LATERAL pg_temp.walk('pass:test:credits-' || who, size) GROUP BY 1, 2 ORDER BY 2, 1;
-- the oldest row's balance is its delta
SELECT DISTINCT ON (who) who, mg_delta = balance_after AS begins_at_zero FROM unnest('{a,b,page,ties,expiry}'::text[]) who, LATERAL mega_credit_statement('pass:test:credits-' || who, 1000) WITH ORDINALITY s ORDER BY who, ordinality DESC;
-- nobody, nothing yet, and arguments that are none
SELECT count(*) FROM mega_credit_statement('pass:test:nobody');
SELECT what, regexp_replace(pg_temp.outcome('SELECT * FROM mega_credit_statement(' || arguments || ')'), 'value="[mM]1.{30,}"', 'value=…') FROM (VALUES
    ('no size', $$'pass:test:credits-page', NULL$$), ('size 0', $$'pass:test:credits-page', 0$$), ('size -1', $$'pass:test:credits-page', -1$$), ('size 1000', $$'pass:test:credits-page', 1000$$), ('size 1001', $$'pass:test:credits-page', 1001$$),
    ('no pass id', 'NULL'), ('cursor: empty', $$'pass:test:credits-page', 3, ''$$), ('cursor: words', $$'pass:test:credits-page', 3, 'next'$$), ('cursor: mark only', $$'pass:test:credits-page', 3, 'm1'$$),
    ('cursor: odd', $$'pass:test:credits-page', 3, 'm1abc'$$), ('cursor: hex of nothing', $$'pass:test:credits-page', 3, 'm1313233'$$), ('cursor: no id', $$'pass:test:credits-page', 3, 'm1' || encode('1|2|3|', 'hex')$$),
    ('cursor: numbers too large', $$'pass:test:credits-page', 3, 'm1' || encode('99999999999999999999|2|3|x', 'hex')$$), ('cursor: cut off', $$'pass:test:credits-page', 3, left('$$ || :'one_next_cursor' || $$', -80)$$),
    ('cursor: byte 0 inside', $$'pass:test:credits-page', 3, 'm1' || encode('1|2|3|a\000b', 'hex')$$), ('cursor: no UTF-8', $$'pass:test:credits-page', 3, 'm1' || encode('1|2|3|\377', 'hex')$$),
    ('cursor: upper case', $$'pass:test:credits-page', 3, upper('$$ || :'one_next_cursor' || $$')$$)
) v(what, arguments);

--
-- Reconciliation finds what was written while the rules were off, and nothing else.
--
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:credits-%';
SELECT * FROM mega_reconcile_credits('pass:test:credits-a');
SELECT * FROM mega_reconcile_credits('pass:test:nobody');
BEGIN;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_credits = mg_credits + 7 WHERE mg_pass_id IN ('pass:test:credits-atomic', 'pass:test:credits-ties');
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:credits-%';
SELECT * FROM mega_reconcile_credits('pass:test:credits-ties');
SELECT * FROM mega_reconcile_credits('pass:test:credits-a');
ROLLBACK;
