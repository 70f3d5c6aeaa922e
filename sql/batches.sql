-- Batches: mega_record_credits: all or nothing, once each, and errors that name the entry (I1, I3, I4).
-- Customers of this file: pass:test:batches-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- The credit rows of a customer in their order, each with the balance behind it.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$
    SELECT regexp_replace(substr(mg_id, 20), 'expire:.*', 'expire'), mg_delta, mg_reason, mg_ref_type || ' ' || mg_ref_id, mg_status, mg_meta #- '{mega,hold_expires_at}',
        sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = 'pass:test:batches-' || who AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:batches-'' || who';
INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:batches-' || n FROM unnest('{a,b,B,c,disabled,one,expired}'::text[]) n;
SELECT * FROM mega_record_credits('[
    {"pass_id": "pass:test:batches-b", "delta": 20, "reason": "grant", "txn_id": "batches-1"},
    {"pass_id": "pass:test:batches-a", "delta": 10, "reason": "order", "source": "shopify", "ref_type": "order", "ref_id": "batches-1", "txn_id": "credit_transaction:batches-2", "expires_at": "2099-01-01T00:00:00Z", "meta": {"k": [1]}},
    {"pass_id": "pass:test:batches-a", "delta": -4, "reason": "spend", "txn_id": "batches-3"},
    {"pass_id": "pass:test:batches-B", "delta": -5, "reason": "spend", "txn_id": "batches-4", "allow_negative": true}]');
SELECT who, l.* FROM unnest('{a,b,B}'::text[]) who, LATERAL pg_temp.ledger(who) l;
SELECT mg_source, mg_status FROM mega_generations WHERE mg_id = 'credit_transaction:batches-2';
SELECT expires_at FROM mega_balance('pass:test:batches-a');
-- nothing to do
SELECT * FROM mega_record_credits('[]');
-- a key that is null is as if it were not there
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "source": null, "ref_type": null, "ref_id": null, "txn_id": null, "expires_at": null, "meta": null, "allow_negative": null}]');
-- a number is a number, however it is written
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-c", "delta": 2.0, "reason": "grant"}, {"pass_id": "pass:test:batches-c", "delta": 3e0, "reason": "grant"}]');
SELECT delta, balance FROM pg_temp.ledger('c');

--
-- Replays: across batches, inside of one, by txn_id and by reference; with other content MG002.
--
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-b", "delta": 20, "reason": "grant", "txn_id": "batches-1"}, {"pass_id": "pass:test:batches-b", "delta": 1, "reason": "grant", "txn_id": "batches-5"}]');
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-b", "delta": 1, "reason": "grant", "txn_id": "batches-6"}, {"pass_id": "pass:test:batches-a", "delta": 1, "reason": "order", "ref_type": "order", "ref_id": "batches-2"},
    {"pass_id": "pass:test:batches-b", "delta": 1, "reason": "grant", "txn_id": "batches-6"}, {"pass_id": "pass:test:batches-a", "delta": 1, "reason": "order", "ref_type": "order", "ref_id": "batches-2"}, {"pass_id": "pass:test:batches-a", "delta": 1, "reason": "bonus", "ref_type": "order", "ref_id": "batches-2"}]');
SELECT mg_credits, replayed FROM mega_record_credit('pass:test:batches-b', 1, 'grant', txn_id => 'batches-6');
SELECT pg_temp.credits('a'), pg_temp.credits('b');
-- a whole batch again, after the balance was spent
SELECT mg_credits FROM mega_record_credit('pass:test:batches-a', -8, 'spend', txn_id => 'batches-7');
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-a", "delta": -4, "reason": "spend", "txn_id": "batches-3"}, {"pass_id": "pass:test:batches-a", "delta": -8, "reason": "spend", "txn_id": "batches-7"}]');
-- a customer's entries are applied in their order: what comes first can be spent
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-a", "delta": 5, "reason": "grant", "txn_id": "batches-8"}, {"pass_id": "pass:test:batches-b", "delta": 1, "reason": "grant", "txn_id": "batches-9"}, {"pass_id": "pass:test:batches-a", "delta": -5, "reason": "spend", "txn_id": "batches-10"}]');
SELECT delta, reason, reference, balance FROM pg_temp.ledger('a');

--
-- What is refused names its position, from 1, and takes everything back.
--
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
CREATE FUNCTION pg_temp.batch(entry text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.outcome(format('SELECT mega_record_credits(%L)', '[{"pass_id": "pass:test:batches-a", "delta": 1, "reason": "grant"}, {"pass_id": "pass:test:batches-b", "delta": 1, "reason": "grant"}, '
        || entry || ', {"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant"}]'))
$$;
SELECT what, pg_temp.batch(entry) FROM (VALUES
    ('overdraft', '{"pass_id": "pass:test:batches-c", "delta": -100, "reason": "spend"}'), ('overdraft, locked first', '{"pass_id": "pass:test:batches-B", "delta": -1, "reason": "spend"}'),
    ('overflow', '{"pass_id": "pass:test:batches-c", "delta": 2147483647, "reason": "grant"}'), ('nobody', '{"pass_id": "pass:test:nobody", "delta": 1, "reason": "grant"}'), ('no pass id', '{"pass_id": "leila", "delta": 1, "reason": "grant"}'),
    ('other content', '{"pass_id": "pass:test:batches-b", "delta": 21, "reason": "grant", "txn_id": "batches-1"}'), ('of another customer', '{"pass_id": "pass:test:batches-c", "delta": 20, "reason": "grant", "txn_id": "batches-1"}'),
    ('pass id missing', '{"delta": 1, "reason": "grant"}'), ('delta missing', '{"pass_id": "pass:test:batches-c", "reason": "grant"}'), ('reason missing', '{"pass_id": "pass:test:batches-c", "delta": 1}'), ('pass id null', '{"pass_id": null, "delta": 1, "reason": "grant"}'),
    ('delta zero', '{"pass_id": "pass:test:batches-c", "delta": 0, "reason": "grant"}'), ('delta a fraction', '{"pass_id": "pass:test:batches-c", "delta": 1.5, "reason": "grant"}'), ('delta a text', '{"pass_id": "pass:test:batches-c", "delta": "1", "reason": "grant"}'),
    ('delta too large', '{"pass_id": "pass:test:batches-c", "delta": 2147483648, "reason": "grant"}'), ('delta beyond all', '{"pass_id": "pass:test:batches-c", "delta": 1e300, "reason": "grant"}'), ('delta true', '{"pass_id": "pass:test:batches-c", "delta": true, "reason": "grant"}'),
    ('blank reason', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": " "}'), ('reason a number', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": 1}'), ('pass id a list', '{"pass_id": ["pass:test:batches-c"], "delta": 1, "reason": "grant"}'),
    ('half a reference', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "ref_id": "1"}'), ('reference a number', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "ref_type": "order", "ref_id": 1}'),
    ('reserved txn_id', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "txn_id": "hold:1"}'), ('txn_id an object', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "txn_id": {}}'),
    ('expiry of a spend', '{"pass_id": "pass:test:batches-c", "delta": -1, "reason": "spend", "expires_at": "2099-01-01"}'), ('expiry infinite', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "expires_at": "infinity"}'),
    ('expiry a number', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "expires_at": 2099}'), ('meta a list', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "meta": []}'),
    ('allow_negative a text', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "allow_negative": "true"}'), ('unknown key', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "amount": 1}'), ('unknown key of null', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "amount": null}'), ('key in capitals', '{"Pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant"}'),
    ('a number', '1'), ('a text', '"pass:test:batches-c"'), ('a list', '[]'), ('null', 'null'), ('an empty object', '{}')) v(what, entry);
-- a time that is none is Postgres' own error
SELECT pg_temp.batch('{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "expires_at": "soon"}');
SELECT pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant"}, {"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "expires_at": "2020-02-30"}]')$$);
SELECT what, pg_temp.outcome(format('SELECT mega_record_credits(%L)', entries)) FROM (VALUES
    ('an object', '{}'), ('an entry', '{"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant"}'), ('a text', '"[]"'), ('a number', '1'), ('null', 'null'), ('NULL', NULL)) v(what, entries);
-- who is disabled
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:batches-disabled';
SELECT pg_temp.batch('{"pass_id": "pass:test:batches-disabled", "delta": -1, "reason": "spend"}');
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left, pg_temp.credits('a'), pg_temp.credits('b'), pg_temp.credits('B'), pg_temp.credits('c') FROM before;
-- of two errors that of the first customer is told, where the entries themselves are right
SELECT pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:batches-c", "delta": -100, "reason": "spend"}, {"pass_id": "pass:test:batches-a", "delta": -100, "reason": "spend"}]')$$);
SELECT pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:batches-c", "delta": -100, "reason": "spend"}, {"pass_id": "pass:test:batches-a", "delta": 0, "reason": "spend"}]')$$);
-- expired credits go first, once
SELECT mg_credits FROM mega_record_credit('pass:test:batches-expired', 10, 'grant', txn_id => 'batches-expired');
UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:batches-expired';
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-expired", "delta": 1, "reason": "grant", "txn_id": "batches-expired1"}, {"pass_id": "pass:test:batches-expired", "delta": 2, "reason": "grant", "txn_id": "batches-expired2"}]');
SELECT txn_id, delta, balance FROM pg_temp.ledger('expired');
-- one key for two customers: neither is written
SELECT pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:batches-b", "delta": 1, "reason": "grant", "txn_id": "batches-two"}, {"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "txn_id": "batches-two"}]')$$);
SELECT left(pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:batches-b", "delta": 1, "reason": "grant", "ref_type": "order", "ref_id": "batches-two"}, {"pass_id": "pass:test:batches-c", "delta": 1, "reason": "grant", "ref_type": "order", "ref_id": "batches-two"}]')$$), 67);
SELECT count(*) FROM mega_generations WHERE mg_id = 'credit_transaction:batches-two' OR mg_ref_id = 'batches-two';

--
-- Ten thousand entries, of a hundred customers and of one.
--
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:batches-many-' || n FROM generate_series(0, 99) n;
CREATE TEMP TABLE many AS SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:test:batches-many-' || n % 100, 'delta', n % 7 + 1, 'reason', 'grant', 'txn_id', 'batches-many-' || n) ORDER BY n) AS entries FROM generate_series(1, 10000) n;
SELECT r.* FROM many, LATERAL mega_record_credits(entries) r;
SELECT count(*), sum(mg_delta), (SELECT sum(mg_credits) FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:batches-many-%') AS credits FROM mega_generations WHERE mg_id LIKE 'credit_transaction:batches-many-%';
SELECT r.* FROM many, LATERAL mega_record_credits(entries) r;
-- the last one is wrong: none is written
SELECT pg_temp.outcome(format('SELECT mega_record_credits(%L)', jsonb_agg(jsonb_build_object('pass_id', 'pass:test:batches-one', 'delta', CASE WHEN n = 10000 THEN -10000 ELSE 1 END, 'reason', 'grant', 'txn_id', 'batches-one-' || n) ORDER BY n))) FROM generate_series(1, 10000) n;
SELECT pg_temp.credits('one'), count(*) FROM mega_generations WHERE mg_id LIKE 'credit_transaction:batches-one-%';
SELECT r.* FROM (SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:test:batches-one', 'delta', CASE WHEN n % 2 = 0 THEN -1 ELSE 1 END, 'reason', 'grant', 'txn_id', 'batches-one-' || n) ORDER BY n) AS entries FROM generate_series(1, 10000) n) e, LATERAL mega_record_credits(entries) r;
SELECT pg_temp.credits('one'), count(*), min(balance), max(balance) FROM pg_temp.ledger('one');

--
-- Keys are looked for many at once: whatever lies between them, whatever they look like, in whatever order an index has
-- them, what is there is found. Each row: entries again, beside one that is new.
--
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:batches-keys');
CREATE FUNCTION pg_temp.entry(reference text, txn text DEFAULT NULL, type text DEFAULT 'order', reason text DEFAULT 'grant') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('pass_id', 'pass:test:batches-keys', 'delta', 1, 'reason', reason, 'txn_id', 'batches-key' || txn,
        'ref_type', CASE WHEN reference IS NOT NULL THEN type END, 'ref_id', 'batches-key' || reference)) $$;
CREATE TEMP TABLE keys AS
    SELECT '300 numbers' AS what, jsonb_agg(pg_temp.entry('-' || n)) AS entries FROM generate_series(1, 300) n UNION ALL
    SELECT '300 numbers as ids', jsonb_agg(pg_temp.entry(NULL, '-' || n)) FROM generate_series(1, 300) n UNION ALL
    SELECT 'both', jsonb_agg(pg_temp.entry('+' || n, '+' || n)) FROM generate_series(1, 130) n UNION ALL
    SELECT 'letters', jsonb_agg(pg_temp.entry(c)) FROM unnest('{a,B,b,A,ä,é,z,Z,_,~,日本,😀}'::text[]) c UNION ALL
    SELECT 'long', jsonb_agg(pg_temp.entry(repeat(c, 500))) FROM unnest('{a,b,c}'::text[]) c UNION ALL
    SELECT 'types and reasons', jsonb_agg(pg_temp.entry('t', NULL, type, reason)) FROM unnest('{order,Order,pack}'::text[]) type, unnest('{grant,bonus}'::text[]) reason;
SELECT what, r.* FROM keys, LATERAL mega_record_credits(entries) r;
CREATE FUNCTION pg_temp.again() RETURNS TABLE (what text, entries integer, written integer, replayed integer) LANGUAGE sql AS $$
    SELECT what, jsonb_array_length(entries), r.* FROM (
        SELECT what, entries || pg_temp.entry(what || clock_timestamp()::text) AS entries FROM keys UNION ALL
        SELECT 'the first and the last of many', jsonb_build_array(pg_temp.entry('-1'), pg_temp.entry(NULL, '-99'), pg_temp.entry('-99'), pg_temp.entry('-10x' || clock_timestamp()::text)) UNION ALL
        SELECT 'every tenth', jsonb_agg(pg_temp.entry('-' || n || CASE WHEN n % 10 = 0 THEN '' ELSE clock_timestamp()::text END)) FROM generate_series(1, 300) n) k, LATERAL mega_record_credits(entries) r
$$;
SELECT * FROM pg_temp.again();
-- with rows that were rolled back between them
DO $$ BEGIN PERFORM mega_record_credits(jsonb_agg(pg_temp.entry('-5' || n))) FROM generate_series(1000, 2000) n; RAISE EXCEPTION 'gone'; EXCEPTION WHEN raise_exception THEN NULL; END $$;
SELECT * FROM pg_temp.again();
SELECT * FROM mega_record_credits((SELECT jsonb_agg(pg_temp.entry('-5' || n)) FROM generate_series(1000, 2000) n));
BEGIN;
ALTER TABLE mega_generations ALTER mg_ref_id TYPE text COLLATE "POSIX", ALTER mg_id TYPE text COLLATE "POSIX";
SELECT * FROM pg_temp.again();
ROLLBACK;
-- an entry that is a replay writes none of its keys: what has another of them alone is new
CREATE FUNCTION pg_temp.batch(VARIADIC entries jsonb[]) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.outcome(format('SELECT * FROM mega_record_credits(%L)', to_jsonb(entries))) || coalesce(' ' || (SELECT jsonb_agg(jsonb_build_array(mg_id, mg_ref_id) ORDER BY mg_id)
        FROM mega_generations WHERE mg_id LIKE 'credit_transaction:batches-keyw%' OR mg_ref_id LIKE 'batches-keyr%')::text, '') $$;
SELECT pg_temp.batch(pg_temp.entry('r1', 'w1'), pg_temp.entry('r1', 'w2'), pg_temp.entry('r1', 'w2'));
SELECT pg_temp.batch(pg_temp.entry('r1', 'w1'), pg_temp.entry('r1', 'w2'), pg_temp.entry(NULL, 'w2'));
SELECT pg_temp.batch(pg_temp.entry('r1', 'w3'), pg_temp.entry('r1'), pg_temp.entry('r1', 'w1'));
-- the txn_id alone says something else
SELECT left(pg_temp.batch(pg_temp.entry(NULL, 'w1')), 67);
-- one key of one row and one of another: refused, be they of the ledger or of the call
SELECT pg_temp.batch(pg_temp.entry('r1', 'w2'));
SELECT pg_temp.batch(pg_temp.entry(NULL, 'w4'), pg_temp.entry('r1', 'w4'));
SELECT left(pg_temp.batch(pg_temp.entry('r4'), pg_temp.entry('r4', 'w1')), 67);
SELECT pg_temp.outcome(format('SELECT mega_record_credits(%L)', jsonb_build_array(pg_temp.entry('x1', 'x1'), pg_temp.entry('x2', 'x2'), pg_temp.entry('x2', 'x1'))));

--
-- GIN indexes take the rows of a batch together, where they collect them in a list: each finds what the table has.
--
BEGIN;
CREATE INDEX ON mega_generations USING gin (mg_meta);
CREATE INDEX ON mega_generations USING gin (mg_meta jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX ON mega_generations USING gin (mg_meta) WHERE mg_delta > 1;
CREATE INDEX ON mega_generations USING gin (mg_mma_vars, mg_meta);
CREATE INDEX ON mega_generations USING gin (to_tsvector('simple'::regconfig, mg_reason));
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:batches-gin');
SELECT r.* FROM (SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:test:batches-gin', 'delta', n % 3 + 1, 'reason', 'batch ' || n % 5,
    'meta', CASE WHEN n % 50 = 0 THEN (SELECT jsonb_object_agg('key ' || n || ' ' || k, k) FROM generate_series(1, 1000) k) WHEN n % 4 > 0 THEN jsonb_build_object('n', n % 7, 'long', repeat('x', n)) END)) AS entries FROM generate_series(1, 300) n) e, LATERAL mega_record_credits(entries) r;
CREATE FUNCTION pg_temp.found(condition text, OUT by_index bigint, OUT by_table bigint, OUT indexed boolean) LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    SET LOCAL enable_seqscan = off;
    indexed := false;
    FOR line IN EXECUTE 'EXPLAIN SELECT count(*) FROM mega_generations WHERE ' || condition LOOP
        indexed := indexed OR line LIKE '%Bitmap Index Scan on mega_generations%';
    END LOOP;
    EXECUTE 'SELECT count(*) FROM mega_generations WHERE ' || condition INTO by_index;
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_bitmapscan = off;
    EXECUTE 'SELECT count(*) FROM mega_generations WHERE ' || condition INTO by_table;
    SET LOCAL enable_bitmapscan = on;
END $$;
SELECT condition, by_index > 0 AS any, by_index = by_table AS same, indexed FROM (VALUES ($$mg_mma_vars @> '{}'$$), ($$mg_meta ? 'long'$$), ($$mg_meta ? 'key 250 77'$$), ($$mg_meta @> '{"n": 3}'$$), ($$mg_meta @> '{"n": 3}' AND mg_delta > 1$$),
    ($$mg_mma_vars @> '{}' AND mg_meta ? 'n'$$), ($$to_tsvector('simple'::regconfig, mg_reason) @@ to_tsquery('simple', 'batch & 3')$$)) v(condition), LATERAL pg_temp.found(condition);
ROLLBACK;

--
-- Rows wait for those behind them while statements run, as the look for pending holds does without its index.
--
BEGIN;
DROP INDEX mega_generations_pending_hold;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:batches-wait' || n FROM generate_series(1, 40) n;
SELECT count(mega_record_credit('pass:test:batches-wait' || n, 9, 'grant')), count(mega_hold_credit('pass:test:batches-wait' || n, 2, 'batches-wait' || n)) FROM generate_series(1, 40) n;
SELECT r.* FROM (SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:test:batches-wait' || n, 'delta', 3, 'reason', 'row ' || n || ' ' || m, 'meta', jsonb_build_object('n', n)) ORDER BY n, m) AS entries
    FROM generate_series(1, 40) n, generate_series(1, 3) m) e, LATERAL mega_record_credits(entries) r;
SELECT count(*), count(*) FILTER (WHERE mg_reason ~ ('^row ' || substr(mg_pass_id, 23) || ' [123]$') AND mg_meta ->> 'n' = substr(mg_pass_id, 23)) AS as_given
FROM mega_generations WHERE mg_pass_id LIKE 'pass:test:batches-wait%' AND mg_delta = 3;
ROLLBACK;

--
-- The clock may run back: rows are stamped behind the last one all the same, and so is the customer.
--
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:batches-clock');
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_updated_at = clock_timestamp() + interval '4.9 seconds' WHERE mg_pass_id = 'pass:test:batches-clock';
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT mg_credits FROM mega_record_credit('pass:test:batches-clock', 1, 'first');
SELECT mg_credits FROM mega_record_credit('pass:test:batches-clock', 1, 'second', expires_at => '2099-01-01');
SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:batches-clock", "delta": 1, "reason": "third"}, {"pass_id": "pass:test:batches-clock", "delta": 1, "reason": "fourth"}]');
UPDATE mega_customers SET mg_locale = 'sr' WHERE mg_pass_id = 'pass:test:batches-clock';
SELECT mg_credits FROM mega_record_credit('pass:test:batches-clock', 1, 'fifth');
SELECT mg_reason, mg_created_at > lag(mg_created_at) OVER (ORDER BY mg_id) AS rises FROM mega_generations WHERE mg_pass_id = 'pass:test:batches-clock' ORDER BY mg_id;

SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:batches-%';
