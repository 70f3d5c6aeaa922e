-- Top-ups: mega_record_topup and mega_topup_due: packs of credits, automatic ones within a monthly limit.
-- Customers of this file: pass:test:topups-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- The credit rows of a customer in their order, each with the balance behind it.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$
    SELECT substr(mg_id, 20), mg_delta, mg_reason, mg_ref_type || ' ' || mg_ref_id, mg_status, mg_meta #- '{mega,hold_expires_at}',
        sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = 'pass:test:topups-' || who AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:topups-'' || who';
INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:topups-' || n FROM unnest('{a,b,limit,raw,full,expired,due1,due2,due3,due4,due5,due6,due7,due8,due9}'::text[]) n;
--
-- Packs of credits: three of fifty unless something else is said.
--
SELECT mg_id ~ '^credit_transaction:[0-9a-f]{8}-[0-9a-f]{4}-7' AS uuid_v7, mg_credits, replayed FROM mega_record_topup('pass:test:topups-a');
SELECT mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id, mg_status, mg_meta FROM mega_generations WHERE mg_pass_id = 'pass:test:topups-a';
SELECT mg_last_topup_at > now() - interval '1 minute' AS dated, mg_topup_source FROM mega_customers WHERE mg_pass_id = 'pass:test:topups-a';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-a', 2);
SELECT mg_credits FROM mega_record_topup('pass:test:topups-a', credits_per_pack => 10, packs => 4, source => 'manual');
SELECT mg_topup_source FROM mega_customers WHERE mg_pass_id = 'pass:test:topups-a';
UPDATE mega_customers SET mg_topup_default_packs = 5 WHERE mg_pass_id = 'pass:test:topups-a';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-a');
UPDATE mega_customers SET mg_topup_default_packs = NULL WHERE mg_pass_id = 'pass:test:topups-a';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-a', NULL, 1);
UPDATE mega_customers SET mg_topup_default_packs = 0 WHERE mg_pass_id = 'pass:test:topups-a';
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:topups-a')$$);
SELECT mg_credits FROM mega_record_topup('pass:test:topups-a', 1, 1);
SELECT delta, reason, reference, meta, balance FROM pg_temp.ledger('a');
-- with an expiry, which extends the customer's
SELECT mg_credits FROM mega_record_topup('pass:test:topups-a', 1, 1, expires_at => '2098-01-01');
SELECT mg_credits FROM mega_record_topup('pass:test:topups-a', 1, 1, expires_at => '2097-01-01');
SELECT * FROM mega_balance('pass:test:topups-a');

--
-- Once per reference (I4).
--
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:topups-b', 2, 50, 'shopify_order', 'topups-1');
SELECT mg_last_topup_at AS first FROM mega_customers WHERE mg_pass_id = 'pass:test:topups-b' \gset
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:topups-b', 2, 50, 'shopify_order', 'topups-1', 'manual');
SELECT mg_last_topup_at = :'first' AS same, mg_topup_source FROM mega_customers WHERE mg_pass_id = 'pass:test:topups-b';
-- the same number of credits is the same; packs that are not named are what they were, and what each of them has must agree
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:topups-b', 1, 100, 'shopify_order', 'topups-1');
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:topups-b', ref_type => 'shopify_order', ref_id => 'topups-1');
SELECT what, regexp_replace(pg_temp.outcome('SELECT mega_record_topup(' || arguments || ')'), '[0-9a-f]{8}-[0-9a-f-]{27}', '…') FROM (VALUES
    ('other packs', $$'pass:test:topups-b', 3, 50, 'shopify_order', 'topups-1'$$), ('other credits', $$'pass:test:topups-b', 2, 51, 'shopify_order', 'topups-1'$$),
    ('other credits, no packs', $$'pass:test:topups-b', credits_per_pack => 51, ref_type => 'shopify_order', ref_id => 'topups-1'$$),
    ('beyond an integer, no packs', $$'pass:test:topups-b', credits_per_pack => 2147483647, ref_type => 'shopify_order', ref_id => 'topups-1'$$),
    ('beyond an integer', $$'pass:test:topups-b', 2147483647, 51, 'shopify_order', 'topups-1'$$),
    ('other customer', $$'pass:test:topups-a', 2, 50, 'shopify_order', 'topups-1'$$), ('other customer, no packs', $$'pass:test:topups-a', ref_type => 'shopify_order', ref_id => 'topups-1'$$)) v(what, arguments);
-- an order may hold a top-up and something else
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:topups-b', 5, 'gift', ref_type => 'shopify_order', ref_id => 'topups-1');
-- a raw row of the same reference
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:topups-raw', 'pass:test:topups-b', 50, 'topup', 'shopify_order', 'topups-2');
SELECT mg_id, mg_credits, replayed FROM mega_record_topup('pass:test:topups-b', 1, 50, 'shopify_order', 'topups-2');

--
-- What is refused, and that it leaves nothing behind.
--
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
SELECT what, pg_temp.outcome('SELECT mega_record_topup(' || arguments || ')') FROM (VALUES
    ('no packs', $$'pass:test:topups-b', 0$$), ('less than none', $$'pass:test:topups-b', -1$$), ('no credits', $$'pass:test:topups-b', 1, 0$$), ('less than no credits', $$'pass:test:topups-b', 1, -1$$), ('credits NULL', $$'pass:test:topups-b', 1, NULL$$),
    ('packs beyond an integer', $$'pass:test:topups-b', 2147483647, 2$$), ('a balance beyond an integer', $$'pass:test:topups-b', 2147483647, 1$$),
    ('nobody', $$'pass:test:nobody', 1$$), ('no pass id', $$'leila', 1$$), ('NULL', $$NULL, 1$$), ('type without id', $$'pass:test:topups-b', 1, ref_type => 'order'$$), ('id without type', $$'pass:test:topups-b', 1, ref_id => '1'$$),
    ('blank id', $$'pass:test:topups-b', 1, ref_type => 'order', ref_id => ' '$$), ('blank source', $$'pass:test:topups-b', 1, source => ''$$), ('no source', $$'pass:test:topups-b', 1, source => NULL$$),
    ('infinite expiry', $$'pass:test:topups-b', 1, expires_at => 'infinity'$$)) v(what, arguments);
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left, pg_temp.credits('b') FROM before;
SELECT mg_last_topup_at = :'first' AS same FROM mega_customers WHERE mg_pass_id = 'pass:test:topups-b';
-- disabled and deleted customers paid, so they get their packs
UPDATE mega_customers SET mg_disabled = true, mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:topups-b';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-b', 1, 1);
-- what has expired goes before the packs come
SELECT mg_credits FROM mega_record_topup('pass:test:topups-expired', 1, 10);
UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:topups-expired';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-expired', 1, 7);
SELECT delta, reason, balance FROM pg_temp.ledger('expired');

--
-- The monthly limit of automatic top-ups.
--
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = 5 WHERE mg_pass_id = 'pass:test:topups-limit';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-limit', 3, 10, 'order', 'topups-l1', automatic => true);
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:topups-limit', 3, 10, 'order', 'topups-l2', automatic => true)$$);
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:topups-limit', NULL, 10, automatic => true)$$);
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:topups-limit', 2147483647, 1, automatic => true)$$);
SELECT mg_credits FROM mega_record_topup('pass:test:topups-limit', 2, 10, 'order', 'topups-l3', automatic => true);
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:topups-limit', 1, 10, automatic => true)$$);
-- a replay is no top-up, those by hand do not count, and without a limit there is none
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:topups-limit', 3, 10, 'order', 'topups-l1', automatic => true);
SELECT mg_credits FROM mega_record_topup('pass:test:topups-limit', 100, 10);
SELECT mg_credits FROM mega_record_topup('pass:test:topups-limit', 1, 10, automatic => NULL);
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = 0 WHERE mg_pass_id = 'pass:test:topups-limit';
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:topups-limit', 1, 10, automatic => true)$$);
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = NULL WHERE mg_pass_id = 'pass:test:topups-limit';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-limit', 1, 10, automatic => true);
-- what it counts by never changes (I5)
SELECT what, left(pg_temp.outcome('UPDATE mega_generations SET mg_meta = mg_meta ' || change || $$ WHERE mg_ref_id = 'topups-l1'$$), 64) FROM (VALUES
    ('packs', $$|| '{"mega": {"packs": 0}}'$$), ('automatic', $$|| '{"mega": {"automatic": false}}'$$), ('removed', $$- 'mega'$$), ('beside', $$|| '{"packs": 0, "automatic": false}'$$), ('more', $$|| '{"note": 1}'$$)) v(what, change);
-- a raw row may say of packs what it likes: it counts nothing and stops nothing
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_meta)
SELECT 'credit_transaction:topups-raw' || n, 'pass:test:topups-raw', 1, 'topup', meta FROM (VALUES (1, '{"automatic": true, "packs": 2}'::jsonb), (2, '{"automatic": true, "packs": "two"}'), (3, '{"automatic": true, "packs": 1e300}'),
    (4, '{"automatic": true, "packs": -9}'), (5, '{"automatic": true, "packs": {"a": 1}}'), (6, '{"automatic": true}'), (7, '{"automatic": "true", "packs": 9}'), (8, '{"automatic": false, "packs": 9}'), (9, '{"packs": 9}'), (10, '{"mega": {"automatic": true, "packs": 9}}')) v(n, meta);
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = 4 WHERE mg_pass_id = 'pass:test:topups-raw';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-raw', 3, 10, automatic => true);
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:topups-raw', 2, 10, automatic => true)$$);

--
-- The month begins at midnight where the customer lives.
--
CREATE FUNCTION pg_temp.month_of(zone text) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT date_trunc('month', clock_timestamp() AT TIME ZONE zone) AT TIME ZONE zone
$$;
CREATE TEMP TABLE zones AS SELECT n, zone, coalesce(nullif(zone, 'Mars/Base'), 'UTC') AS counted FROM unnest('{UTC,Pacific/Kiritimati,Pacific/Pago_Pago,America/St_Johns,Asia/Dubai,null,Mars/Base}'::text[]) WITH ORDINALITY v(zone, n);
INSERT INTO mega_customers (mg_pass_id, mg_timezone, mg_auto_topup_monthly_limit_packs) SELECT 'pass:test:topups-zone' || n, zone, 10 FROM zones;
ALTER TABLE mega_generations DISABLE TRIGGER mega_generations_check; -- which would not store the key that is mega's own
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_meta, mg_created_at)
SELECT format('credit_transaction:topups-zone%s-%s', n, packs), 'credit_transaction', 'pass:test:topups-zone' || n, 1, 'topup', jsonb_build_object('mega', jsonb_build_object('automatic', true, 'packs', packs)), pg_temp.month_of(counted) + shift
FROM zones, (VALUES (1, interval '0'), (2, interval '-1 microsecond'), (4, interval '-1 month')) v(packs, shift);
ALTER TABLE mega_generations ENABLE TRIGGER mega_generations_check;
SELECT zone, pg_temp.outcome(format('SELECT mega_record_topup(%L, 10, 1, automatic => true)', 'pass:test:topups-zone' || n)), mg_credits AS after_nine
FROM zones, LATERAL mega_record_topup('pass:test:topups-zone' || n, 9, 1, automatic => true) ORDER BY n;
-- the session's own zone does not matter
SET timezone = 'Pacific/Kiritimati';
SELECT zone, pg_temp.outcome(format('SELECT mega_record_topup(%L, 1, 1, automatic => true)', 'pass:test:topups-zone' || n)) FROM zones WHERE n <= 3 ORDER BY n;
SET timezone = 'UTC';

--
-- Who is due: automatic top-ups switched on, and few credits left or none that are alive.
--
UPDATE mega_customers SET mg_auto_topup_enabled = true WHERE mg_pass_id LIKE 'pass:test:topups-due%';
SELECT count(mega_record_credit('pass:test:topups-due' || n, n, 'grant', txn_id => 'topups-due' || n)) FROM generate_series(1, 9) n WHERE n NOT IN (1);
UPDATE mega_customers SET mg_auto_topup_enabled = NULL WHERE mg_pass_id = 'pass:test:topups-due2';
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = 2 WHERE mg_pass_id = 'pass:test:topups-due3';
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = 5, mg_topup_default_packs = 2 WHERE mg_pass_id = 'pass:test:topups-due4';
SELECT mg_credits FROM mega_record_topup('pass:test:topups-due4', 4, 1, automatic => true);
SELECT mg_credits FROM mega_record_credit('pass:test:topups-due4', -4, 'spend');
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = 0 WHERE mg_pass_id = 'pass:test:topups-due5';
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:topups-due6';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:topups-due7';
UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:topups-due8';
UPDATE mega_customers SET mg_expires_at = '2099-01-01', mg_topup_default_packs = NULL WHERE mg_pass_id = 'pass:test:topups-due9';
-- a debt is due too
SELECT mg_credits FROM mega_record_credit('pass:test:topups-due1', -3, 'spend', allow_negative => true);
CREATE FUNCTION pg_temp.due(threshold integer, size integer DEFAULT 1000) RETURNS TABLE (page integer, who text, credits integer, packs integer, packs_left integer, more boolean) LANGUAGE plpgsql AS $$
DECLARE
    cursor text;
    number integer := 1;
BEGIN
    LOOP
        RETURN QUERY SELECT number, substr(d.mg_pass_id, 18), d.mg_credits, d.packs, d.packs_left, d.next_cursor IS NOT NULL FROM mega_topup_due(threshold, size, cursor) d WHERE d.mg_pass_id LIKE 'pass:test:topups-%';
        SELECT d.next_cursor INTO cursor FROM mega_topup_due(threshold, size, cursor) d LIMIT 1;
        EXIT WHEN cursor IS NULL;
        number := number + 1;
    END LOOP;
END
$$;
SELECT who, credits, packs, packs_left, more FROM pg_temp.due(0);
SELECT who, credits, packs, packs_left FROM pg_temp.due(4);
SELECT who, credits, packs, packs_left FROM pg_temp.due(100);
SELECT who, credits, packs, packs_left FROM pg_temp.due(-1);
SELECT who FROM pg_temp.due(-4);
-- page by page it is the same, at every size
SELECT size, array_agg(who) = (SELECT array_agg(who) FROM pg_temp.due(100)) AS same, count(DISTINCT page) >= 5 / size AS in_pages FROM generate_series(1, 7) size, LATERAL pg_temp.due(100, size) GROUP BY size ORDER BY size;
-- the last page that is full knows that it is the last
SELECT bool_or(next_cursor IS NOT NULL) AS more FROM (SELECT count(*)::int AS size FROM mega_topup_due(100)) v, LATERAL mega_topup_due(100, size);
-- charged and topped up, a customer is due no more
SELECT due.who, topup.mg_credits FROM pg_temp.due(4) due, LATERAL mega_record_topup('pass:test:topups-' || due.who, due.packs, 50, 'auto', 'topups-' || due.who, automatic => true) topup;
SELECT who FROM pg_temp.due(4);
SELECT what, pg_temp.outcome('SELECT * FROM mega_topup_due(' || arguments || ')') FROM (VALUES
    ('no threshold', 'NULL'), ('size 0', '0, 0'), ('size 1001', '0, 1001'), ('no size', '0, NULL'), ('cursor', $$0, 10, 'next'$$), ('empty cursor', $$0, 10, ''$$)) v(what, arguments);

SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:topups-%';
