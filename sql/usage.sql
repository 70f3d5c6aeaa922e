-- Reads of credits: mega_usage, the statement between two times, what can be spent, customers that are not there.
-- Customers of this file: pass:test:usage-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
INSERT INTO mega_customers (mg_pass_id, mg_timezone) VALUES ('pass:test:usage-a', 'Asia/Dubai'), ('pass:test:usage-b', NULL), ('pass:test:usage-c', 'Mars/Base'),
    ('pass:test:usage-disabled', NULL), ('pass:test:usage-deleted', NULL), ('pass:test:usage-debt', NULL);

--
-- Every kind of row, and what it counts as.
--
SELECT mg_credits FROM mega_record_credit('pass:test:usage-a', 100, 'order', 'shopify', 'order', 'usage-1', 'usage-1');
SELECT mg_credits FROM mega_record_credit('pass:test:usage-a', 20, 'gift', 'office', txn_id => 'usage-2');
SELECT mg_credits FROM mega_revoke_credit('usage-r1', 'usage-1', amount => 30);
SELECT mg_credits FROM mega_refund_credit('revoke:usage-r1', 'usage-won', 10);
SELECT a.created, b.created FROM mega_create_generation('pass:test:usage-a', 'usage-g1', model => 'seedream') a, mega_create_generation('pass:test:usage-a', 'usage-g2', model => 'kling') b;
SELECT mg_credits FROM mega_hold_credit('pass:test:usage-a', 12, 'usage-h1', generation_id => 'usage-g1');
SELECT mg_credits FROM mega_capture_credit('usage-h1', 7);
SELECT mg_credits FROM mega_hold_credit('pass:test:usage-a', 9, 'usage-h2', generation_id => 'usage-g2');
SELECT mg_credits FROM mega_release_credit('usage-h2');
SELECT mg_credits FROM mega_record_credit('pass:test:usage-a', -6, 'video', ref_type => 'generation', ref_id => 'usage-g2', txn_id => 'usage-3');
SELECT mg_credits FROM mega_refund_credit('usage-3', 'usage-f1', 2), mega_refund_credit('hold:usage-h1', 'usage-f2', 3) f2 (id, credits, again);
SELECT from_credits FROM mega_transfer_credit('pass:test:usage-a', 'pass:test:usage-b', 5, 'usage-t1');
UPDATE mega_customers SET mg_expires_at = now() - interval '1 second' WHERE mg_pass_id = 'pass:test:usage-a';
SELECT mg_credits FROM mega_record_credit('pass:test:usage-a', 1, 'after', txn_id => 'usage-4');
-- in the past, about midnight in Dubai
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_created_at) VALUES ('credit_transaction:usage-old1', 'pass:test:usage-a', 3, 'old', '2025-01-31 19:59:59.999999+00'),
    ('credit_transaction:usage-old2', 'pass:test:usage-a', 4, 'old', '2025-01-31 20:00:00+00'), ('credit_transaction:usage-old3', 'pass:test:usage-a', -2, NULL, '2025-02-28 19:59:59+00');
SELECT by, u.granted - u.spent + u.returned - u.expired = (SELECT sum(mg_delta) FROM mega_generations WHERE mg_pass_id = 'pass:test:usage-a' AND mg_record_type = 'credit_transaction') AS sum_of_deltas, u.*
FROM unnest('{day,month,reason,source,model}'::text[]) by, LATERAL (SELECT sum(granted) AS granted, sum(spent) AS spent, sum(returned) AS returned, sum(expired) AS expired, sum(movements) AS movements
    FROM mega_usage('pass:test:usage-a', '2000-01-01', clock_timestamp() + interval '1 hour', by)) u;
SELECT * FROM mega_usage('pass:test:usage-a', '2000-01-01', clock_timestamp() + interval '1 hour', 'reason');
SELECT * FROM mega_usage('pass:test:usage-a', '2000-01-01', clock_timestamp() + interval '1 hour', 'source');
SELECT * FROM mega_usage('pass:test:usage-a', '2000-01-01', clock_timestamp() + interval '1 hour', by => 'model');
-- days and months in the customer's zone, between two times, of which the second is out
SELECT * FROM mega_usage('pass:test:usage-a', '2025-01-01', '2025-03-01', 'day');
SELECT * FROM mega_usage('pass:test:usage-a', '2025-01-01', '2025-03-01', 'month');
SELECT * FROM mega_usage('pass:test:usage-a', '2025-01-31 20:00:00+00', '2025-02-28 19:59:59+00');
SELECT count(*) FROM mega_usage('pass:test:usage-a', '2025-01-01', '2025-01-01');
SELECT bucket = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS in_utc, granted FROM unnest('{b}'::text[]) who, LATERAL mega_usage('pass:test:usage-' || who, now() - interval '1 day', clock_timestamp() + interval '1 hour', 'month');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at) VALUES ('credit_transaction:usage-old4', 'pass:test:usage-c', 4, '2025-01-31 23:59:59+00');
SELECT bucket FROM mega_usage('pass:test:usage-c', '2025-01-01', '2025-03-01');
SELECT what, pg_temp.outcome('SELECT mega_usage(' || arguments || ')') FROM (VALUES
    ('nobody', $$'pass:test:nobody', '2025-01-01'$$), ('no customer', $$NULL, '2025-01-01'$$), ('no since', $$'pass:test:usage-a', NULL$$), ('no until', $$'pass:test:usage-a', '2025-01-01', NULL$$),
    ('since after until', $$'pass:test:usage-a', '2025-01-02', '2025-01-01'$$), ('for ever', $$'pass:test:usage-a', '-infinity'$$), ('by week', $$'pass:test:usage-a', '2025-01-01', by => 'week'$$),
    ('by nothing', $$'pass:test:usage-a', '2025-01-01', by => NULL$$)) v(what, arguments);

--
-- The statement: status, generation and meta; between two times, page by page, each with the balance behind it.
--
SELECT mg_id, mg_delta, mg_status, mg_generation_id, mg_meta #- '{mega,hold_expires_at}' AS meta, balance_after FROM mega_credit_statement('pass:test:usage-a', since => '2026-01-01') WHERE mg_id ~ 'usage-(h|3)';
CREATE TEMP VIEW whole AS SELECT * FROM mega_credit_statement('pass:test:usage-a', 1000);
CREATE FUNCTION pg_temp.walk(size integer, since timestamptz, until timestamptz) RETURNS TABLE (mg_id text, balance_after bigint) LANGUAGE plpgsql AS $$
DECLARE
    cursor text;
BEGIN
    LOOP
        RETURN QUERY SELECT s.mg_id, s.balance_after FROM mega_credit_statement('pass:test:usage-a', size, cursor, since, until) s;
        SELECT s.next_cursor INTO cursor FROM mega_credit_statement('pass:test:usage-a', size, cursor, since, until) s LIMIT 1;
        EXIT WHEN cursor IS NULL;
    END LOOP;
END
$$;
SELECT size, since IS NOT NULL AS since, until IS NOT NULL AS until, (SELECT array_agg(w.mg_id || w.balance_after) FROM pg_temp.walk(size, since, until) w)
    IS NOT DISTINCT FROM (SELECT array_agg(w.mg_id || w.balance_after) FROM whole w WHERE coalesce(w.mg_created_at >= since, true) AND coalesce(w.mg_created_at < until, true)) AS as_filtered
FROM unnest('{1,2,3,1000}'::integer[]) size, (SELECT mg_created_at FROM whole WHERE mg_id = 'credit_transaction:usage-3') a (since), (SELECT mg_created_at FROM whole WHERE mg_id = 'credit_transaction:expire' OR mg_delta = 1) b (until)
UNION ALL SELECT size, false, true, (SELECT array_agg(w.mg_id || w.balance_after) FROM pg_temp.walk(size, NULL, '2025-02-01') w) IS NOT DISTINCT FROM
    (SELECT array_agg(w.mg_id || w.balance_after) FROM whole w WHERE w.mg_created_at < '2025-02-01') FROM unnest('{1,2,1000}'::integer[]) size
UNION ALL SELECT size, true, false, (SELECT array_agg(w.mg_id || w.balance_after) FROM pg_temp.walk(size, '2025-02-01', NULL) w) IS NOT DISTINCT FROM
    (SELECT array_agg(w.mg_id || w.balance_after) FROM whole w WHERE w.mg_created_at >= '2025-02-01') FROM unnest('{1,2,1000}'::integer[]) size;
SELECT mg_id, balance_after FROM mega_credit_statement('pass:test:usage-a', until => '2025-02-01');
-- a balance of a day is the balance of its last row
SELECT balance_after = mega_balance_at('pass:test:usage-a', '2025-01-31 23:00:00+00') AS same FROM mega_credit_statement('pass:test:usage-a', 1, until => '2025-02-01');
SELECT what, pg_temp.outcome('SELECT mega_credit_statement(' || arguments || ')') FROM (VALUES
    ('nobody', $$'pass:test:nobody'$$), ('since after until', $$'pass:test:usage-a', since => '2025-01-02', until => '2025-01-01'$$),
    ('for ever', $$'pass:test:usage-a', until => 'infinity'$$), ('nothing', $$'pass:test:usage-a', since => '2025-01-01', until => '2025-01-01'$$)) v(what, arguments);

--
-- What can be spent is what the next call can use.
--
SELECT count(mega_record_credit('pass:test:usage-' || n, 50, 'gift')) FROM unnest('{disabled,deleted}'::text[]) n;
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:usage-disabled';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:usage-deleted';
SELECT mg_credits FROM mega_record_credit('pass:test:usage-debt', -5, 'debt', allow_negative => true);
SELECT who, mg_credits, spendable FROM unnest('{disabled,deleted,debt,b}'::text[]) who, LATERAL mega_balance('pass:test:usage-' || who);

--
-- Whoever is not there is nobody to every read.
--
SELECT read, left(pg_temp.outcome('SELECT * FROM ' || read), 55) FROM unnest(ARRAY[$$mega_balance('pass:test:nobody')$$, $$mega_balance_at('pass:test:nobody', now())$$, $$mega_credit_statement('pass:test:nobody')$$,
    $$mega_usage('pass:test:nobody', '2025-01-01')$$, $$mega_reconcile_credits('pass:test:nobody')$$, $$mega_reconcile_preferences('pass:test:nobody')$$, $$mega_generation_history('pass:test:nobody')$$,
    $$mega_mma_events('pass:test:nobody')$$, $$mega_likes('pass:test:nobody')$$]) read;
