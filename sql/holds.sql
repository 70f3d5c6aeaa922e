-- Holds: mega_hold_credit, mega_capture_credit, mega_release_credit, mega_release_expired_holds (I1, I3, I4).
-- Customers of this file: pass:test:holds-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- The credit rows of a customer in their order, each with the balance behind it.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, reason text, reference text, status text, meta jsonb, balance bigint)
    LANGUAGE sql AS $$
    SELECT substr(mg_id, 20), mg_delta, mg_reason, mg_ref_type || ' ' || mg_ref_id, mg_status, mg_meta #- '{mega,hold_expires_at}',
        sum(mg_delta) OVER (ORDER BY mg_created_at, mg_id COLLATE "C")
    FROM mega_generations WHERE mg_pass_id = 'pass:test:holds-' || who AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ''pass:test:holds-'' || who';
INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:holds-' || n FROM unnest('{a,b,c,order,late,disabled,deleted,sweep1,sweep2,sweep3,refused,raw,long}'::text[]) n;
SELECT count(mega_record_credit('pass:test:holds-' || n, 100, 'grant', txn_id => 'holds-' || n)) FROM unnest('{a,b,c,late,disabled,deleted,sweep1,sweep2,sweep3,refused,raw,long}'::text[]) n;

--
-- Hold, then capture all of it: nothing moves twice, so there is no second row.
--
SELECT * FROM mega_hold_credit('pass:test:holds-a', 10, 'holds-1');
SELECT mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_meta #- '{mega,hold_expires_at}' AS meta,
    (mg_meta #>> '{mega,hold_expires_at}')::timestamptz - mg_created_at BETWEEN interval '59 minutes 59 seconds' AND interval '1 hour' AS in_an_hour
FROM mega_generations WHERE mg_id = 'credit_transaction:hold:holds-1' \gx
SELECT * FROM mega_balance('pass:test:holds-a');
SELECT * FROM mega_capture_credit('holds-1');
SELECT * FROM mega_balance('pass:test:holds-a');
-- less: the rest flows back
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-a', 10, 'holds-2', '5 minutes', 'video', '{"model": "kling", "hold_expires_at": "never"}');
SELECT mg_meta ->> 'model' AS model, mg_meta ->> 'hold_expires_at' AS beside, (mg_meta #>> '{mega,hold_expires_at}')::timestamptz > mg_created_at AS dated FROM mega_generations WHERE mg_id = 'credit_transaction:hold:holds-2';
SELECT * FROM mega_capture_credit('holds-2', 7);
-- nothing: all of it flows back
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-a', 10, 'holds-3');
SELECT * FROM mega_capture_credit('holds-3', 0);
-- more: the difference is drawn
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-a', 10, 'holds-4');
SELECT * FROM mega_capture_credit('holds-4', 15);
-- to the last credit, and not one beyond
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-a', 10, 'holds-5');
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-5', 79)$$);
SELECT * FROM mega_balance('pass:test:holds-a');
SELECT * FROM mega_capture_credit('holds-5', 68);
-- release
SELECT mg_credits FROM mega_record_credit('pass:test:holds-a', 100, 'grant', txn_id => 'holds-a2');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-a', 100, 'holds-6');
SELECT * FROM mega_release_credit('holds-6');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-a', 100, 'holds-7');
SELECT * FROM mega_release_credit('holds-7', 'provider_failed');
SELECT * FROM pg_temp.ledger('a');

--
-- Every order in which the answers of a provider may come (design, section 6).
--
-- success twice
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-b', 10, 'holds-b1');
SELECT * FROM mega_capture_credit('holds-b1');
SELECT * FROM mega_capture_credit('holds-b1');
SELECT * FROM mega_capture_credit('holds-b1', 10);
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-b1', 9)$$);
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-b1', 0)$$);
-- success twice, of a part
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-b', 10, 'holds-b2');
SELECT * FROM mega_capture_credit('holds-b2', 4);
SELECT * FROM mega_capture_credit('holds-b2', 4);
SELECT * FROM mega_capture_credit('holds-b2');
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-b2', 10)$$);
-- failure twice
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-b', 10, 'holds-b3');
SELECT * FROM mega_release_credit('holds-b3');
SELECT * FROM mega_release_credit('holds-b3');
SELECT * FROM mega_release_credit('holds-b3', 'another_reason');
-- failure after success: the first decides
SELECT * FROM mega_release_credit('holds-b1');
SELECT * FROM mega_release_credit('holds-b2');
-- success after failure: the work was delivered after all
SELECT * FROM mega_capture_credit('holds-b3');
SELECT * FROM mega_capture_credit('holds-b3');
SELECT * FROM mega_release_credit('holds-b3');
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-b3', 9)$$);
-- of a part, of more, of nothing
SELECT h, amount, held.mg_credits AS held, released.mg_credits AS released, captured.outcome, captured.mg_credits AS captured
FROM (VALUES ('holds-b4', 3), ('holds-b5', 12), ('holds-b6', 0)) v(h, amount), LATERAL mega_hold_credit('pass:test:holds-b', 10, h) held,
    LATERAL mega_release_credit(held.mg_id) released, LATERAL mega_capture_credit(CASE WHEN released.outcome = 'released' THEN h END, amount) captured;
SELECT * FROM mega_capture_credit('holds-b6', 0);
-- no credits are left to draw again: MG001, the hold stays released, and later it works
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-late', 60, 'holds-late');
SELECT outcome, mg_credits FROM mega_release_credit('holds-late');
SELECT mg_credits FROM mega_record_credit('pass:test:holds-late', -50, 'spend', txn_id => 'holds-late2');
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-late')$$);
SELECT * FROM mega_capture_credit('holds-late', 50);
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-late', 60)$$);
SELECT * FROM pg_temp.ledger('late');
SELECT * FROM pg_temp.ledger('b');
-- settled without a hold
SELECT what, pg_temp.outcome(call) FROM (VALUES
    ('capture', $$SELECT mega_capture_credit('holds-nowhere')$$), ('release', $$SELECT mega_release_credit('holds-nowhere')$$),
    ('capture of a spend', $$SELECT mega_capture_credit('holds-late2')$$), ('release of a capture', $$SELECT mega_release_credit('capture:holds-b2')$$)) v(what, call);

--
-- The same hold again; the same id for something else.
--
SELECT mg_id, mg_credits, replayed FROM mega_hold_credit('pass:test:holds-c', 10, 'holds-c1');
SELECT mg_id, mg_credits, replayed FROM mega_hold_credit('pass:test:holds-c', 10, 'holds-c1');
SELECT mg_id, mg_credits, replayed FROM mega_hold_credit('pass:test:holds-c', 10, 'holds-c1', '2 days', meta => '{"other": 1}');
SELECT what, pg_temp.outcome('SELECT mega_hold_credit(' || arguments || ')') FROM (VALUES
    ('other amount', $$'pass:test:holds-c', 11, 'holds-c1'$$), ('other customer', $$'pass:test:holds-b', 10, 'holds-c1'$$),
    ('other reason', $$'pass:test:holds-c', 10, 'holds-c1', reason => 'other'$$)) v(what, arguments);
-- ids with their prefixes are the same ids
SELECT mg_id, replayed FROM mega_hold_credit('pass:test:holds-c', 10, 'hold:holds-c1');
SELECT mg_id, replayed FROM mega_hold_credit('pass:test:holds-c', 10, 'credit_transaction:hold:holds-c1');
SELECT * FROM mega_capture_credit('holds-c1');
-- a hold that was settled does not hold: who asks again is told, and with other content it is another fault
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:holds-c', 10, 'holds-c1')$$);
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:holds-c', 11, 'holds-c1')$$);
BEGIN;
SELECT outcome FROM mega_hold_credit('pass:test:holds-c', 10, 'holds-c0') h, LATERAL mega_release_credit(h.mg_id);
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:holds-c', 10, 'holds-c0')$$);
SELECT outcome FROM mega_capture_credit('holds-c0');
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:holds-c', 10, 'holds-c0')$$);
ROLLBACK;
-- before anything else is asked: the customer cannot spend any more, and the hold holds
BEGIN;
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-c', 90, 'holds-c0');
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:holds-c';
SELECT mg_credits, replayed FROM mega_hold_credit('pass:test:holds-c', 90, 'holds-c0');
ROLLBACK;
SELECT outcome FROM mega_capture_credit('holds-c1');
-- ids with their prefixes are the same ids, in every function
SELECT id, outcome FROM unnest('{holds-c1,hold:holds-c1,credit_transaction:holds-c1,credit_transaction:hold:holds-c1}'::text[]) id, LATERAL mega_capture_credit(id);
-- the customer may be named, and has to be the hold's
SELECT outcome FROM mega_capture_credit('holds-c1', pass_id => 'pass:test:holds-c');
SELECT outcome FROM mega_release_credit('holds-c1', pass_id => 'pass:test:holds-c');
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-c1', pass_id => 'pass:test:holds-b')$$);
SELECT pg_temp.outcome($$SELECT mega_release_credit('holds-c1', pass_id => 'pass:test:holds-b')$$);
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-c', 10, 'holds-c2');
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-c2', pass_id => 'pass:test:nobody')$$);
SELECT * FROM mega_balance('pass:test:holds-c');
-- all in one transaction, and taken back with it
BEGIN;
SELECT outcome FROM mega_capture_credit('holds-c2', 4);
SAVEPOINT s;
SELECT mega_capture_credit('holds-c2', 5);
ROLLBACK TO s;
SELECT outcome FROM mega_release_credit('holds-c2');
ROLLBACK;
SELECT * FROM mega_balance('pass:test:holds-c');
SELECT outcome, mg_credits FROM mega_release_credit('holds-c2');
-- ids in any script, and as long as the ledger allows
SELECT mg_id, mg_credits FROM mega_hold_credit('pass:test:holds-c', 1, 'видео № 7 ☕: 50%');
SELECT outcome, mg_credits FROM mega_capture_credit('видео № 7 ☕: 50%', 0);
SELECT length(mg_id), mg_credits FROM mega_hold_credit('pass:test:holds-long', 10, repeat('x', 480));
SELECT outcome, mg_credits FROM mega_capture_credit(repeat('x', 480), 3);
SELECT length(mg_id), mg_credits FROM mega_refund_credit('hold:' || repeat('x', 480), repeat('y', 480));

--
-- What is refused, and that it leaves nothing behind.
--
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-refused', 10, 'holds-refused');
CREATE TEMP TABLE before AS SELECT count(*), max(mg_created_at) FROM mega_generations;
SELECT what, pg_temp.outcome('SELECT mega_hold_credit(' || arguments || ')') FROM (VALUES
    ('zero', $$'pass:test:holds-refused', 0, 'h'$$), ('below zero', $$'pass:test:holds-refused', -1, 'h'$$), ('least integer', $$'pass:test:holds-refused', -2147483648, 'h'$$),
    ('more than there is', $$'pass:test:holds-refused', 91, 'h'$$), ('largest integer', $$'pass:test:holds-refused', 2147483647, 'h'$$),
    ('no amount', $$'pass:test:holds-refused', NULL, 'h'$$), ('no hold id', $$'pass:test:holds-refused', 1, NULL$$), ('no customer', $$NULL, 1, 'h'$$),
    ('blank hold id', $$'pass:test:holds-refused', 1, ' '$$), ('nothing behind the prefix', $$'pass:test:holds-refused', 1, 'hold:'$$), ('hold id with a line break', $$'pass:test:holds-refused', 1, E'a\nb'$$),
    ('unknown customer', $$'pass:test:nobody', 1, 'h'$$), ('no pass id', $$'leila', 1, 'h'$$),
    ('expires now', $$'pass:test:holds-refused', 1, 'h', '0'$$), ('expired', $$'pass:test:holds-refused', 1, 'h', '-1 hour'$$),
    ('never expires', $$'pass:test:holds-refused', 1, 'h', '$$ || CASE WHEN current_setting('server_version_num')::int >= 170000 THEN 'infinity' ELSE '-1 us' END || $$'$$), ('no expiry', $$'pass:test:holds-refused', 1, 'h', NULL$$),
    ('an expiry beyond all time', $$'pass:test:holds-refused', 1, 'h', '300000 years'$$),
    ('blank reason', $$'pass:test:holds-refused', 1, 'h', reason => ''$$), ('no reason', $$'pass:test:holds-refused', 1, 'h', reason => NULL$$),
    ('reason capture', $$'pass:test:holds-refused', 1, 'h', reason => 'capture'$$), ('reason release', $$'pass:test:holds-refused', 1, 'h', reason => 'release'$$),
    ('meta is a list', $$'pass:test:holds-refused', 1, 'h', meta => '[]'$$)
) v(what, arguments);
SELECT left(pg_temp.outcome($$SELECT mega_hold_credit('pass:test:holds-refused', 1, repeat('x', 513))$$), 90);
SELECT what, pg_temp.outcome('SELECT mega_' || call) FROM (VALUES
    ('capture below zero', $$capture_credit('holds-refused', -1)$$), ('capture more than there is', $$capture_credit('holds-refused', 101)$$),
    ('capture the largest integer', $$capture_credit('holds-refused', 2147483647)$$),
    ('capture nothing named', $$capture_credit(NULL)$$), ('capture blank', $$capture_credit('')$$),
    ('release nothing named', $$release_credit(NULL)$$), ('release blank', $$release_credit('hold:')$$),
    ('release without a reason', $$release_credit('holds-refused', NULL)$$), ('release with a blank reason', $$release_credit('holds-refused', ' ')$$),
    ('sweep none', $$release_expired_holds(0)$$), ('sweep less than none', $$release_expired_holds(-1)$$), ('sweep NULL', $$release_expired_holds(NULL)$$)
) v(what, call);
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left FROM before;
SELECT mg_credits FROM mega_record_credit('pass:test:holds-long', -3, 'spend', txn_id => 'holds-long-spend');
-- the longest ids from which those of the rows can be made, and one byte more
SELECT kind, bytes, left(pg_temp.outcome(format('SELECT mega_' || call, repeat('z', bytes))), 60) AS outcome FROM (VALUES
    ('hold', $$hold_credit('pass:test:holds-long', 1, %L)$$, 504), ('release', 'release_credit(%L)', 504),
    ('transfer', $$transfer_credit('pass:test:holds-long', 'pass:test:holds-a', 1, %L)$$, 499),
    ('refund', $$refund_credit('holds-long-spend', %L, 1)$$, 505),
    ('transaction', $$record_credit('pass:test:holds-long', 1, 'grant', txn_id => %L)$$, 512)
) v(kind, call, longest), LATERAL (VALUES (longest), (longest + 1)) b(bytes);
SELECT * FROM mega_balance('pass:test:holds-refused');
-- the transaction ids of holds belong to their functions
SELECT word, pg_temp.outcome(format('SELECT mega_record_credit(''pass:test:holds-refused'', 1, ''grant'', txn_id => %L)', word || ':holds-refused')) FROM unnest('{hold,capture,release}'::text[]) word;
-- a hold's status and content change by its functions alone (I5)
SELECT what, pg_temp.outcome('UPDATE mega_generations SET ' || change || $$ WHERE mg_id = 'credit_transaction:hold:holds-refused'$$) FROM (VALUES
    ('status', $$mg_status = 'succeeded'$$), ('expiry beside', $$mg_meta = mg_meta || '{"hold_expires_at": "2020-01-01T00:00:00Z"}'$$), ('expiry, which stays', $$mg_meta = jsonb_set(mg_meta, '{mega,hold_expires_at}', '"2020-01-01T00:00:00Z"')$$), ('other meta', $$mg_meta = mg_meta || '{"k": 1}'$$),
    ('amount', 'mg_delta = -1'), ('error', $$mg_error = '{"code": 1}'$$), ('nothing', 'mg_status = mg_status')) v(what, change);
-- reading is not writing
BEGIN READ ONLY;
SELECT mega_capture_credit('holds-refused');
ROLLBACK;
SELECT * FROM mega_capture_credit('holds-refused');

--
-- Who is disabled or deleted cannot hold; a hold from before is settled, but nothing more is drawn.
--
SELECT who, h, mg_credits FROM unnest('{disabled,deleted}'::text[]) who, generate_series(1, 4) h, LATERAL mega_hold_credit('pass:test:holds-' || who, 10, 'holds-' || who || h);
SELECT outcome FROM unnest('{disabled,deleted}'::text[]) who, LATERAL mega_release_credit('holds-' || who || '4');
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:holds-disabled';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:holds-deleted';
SELECT who, what, pg_temp.outcome(replace('SELECT mega_' || call, '*', who)) FROM unnest('{disabled,deleted}'::text[]) who, (VALUES
    (1, 'hold', $$hold_credit('pass:test:holds-*', 1, 'holds-*5')$$), (2, 'the same hold again', $$hold_credit('pass:test:holds-*', 10, 'holds-*1')$$), (3, 'capture of more', $$capture_credit('holds-*1', 11)$$),
    (4, 'capture', $$capture_credit('holds-*1')$$), (5, 'capture of less', $$capture_credit('holds-*2', 5)$$), (6, 'release', $$release_credit('holds-*3')$$),
    (7, 'capture after release', $$capture_credit('holds-*4')$$)) v(n, what, call) ORDER BY who DESC, n;
SELECT who, pg_temp.credits(who) FROM unnest('{disabled,deleted}'::text[]) who;

--
-- The sweep: holds whose provider never answered.
--
SELECT count(*) >= 0 AS swept_what_others_left FROM mega_release_expired_holds();
SELECT count(mega_hold_credit('pass:test:holds-sweep' || c, 10 * c, format('holds-sweep%s-%s', c, h), '1 microsecond')) FROM generate_series(1, 3) c, generate_series(1, 2) h;
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-sweep1', 7, 'holds-sweep1-alive');
SELECT mega_release_expired_holds(1);
SELECT mega_release_expired_holds(max_holds => 2);
SELECT who, credits, held FROM unnest('{sweep1,sweep2,sweep3}'::text[]) who, LATERAL (SELECT mg_credits AS credits, held FROM mega_balance('pass:test:holds-' || who)) b;
SELECT mega_release_expired_holds();
SELECT mega_release_expired_holds();
SELECT who, credits, held FROM unnest('{sweep1,sweep2,sweep3}'::text[]) who, LATERAL (SELECT mg_credits AS credits, held FROM mega_balance('pass:test:holds-' || who)) b;
SELECT * FROM pg_temp.ledger('sweep1');
-- what was swept is released: late answers meet the same rules
SELECT * FROM mega_release_credit('holds-sweep1-1');
SELECT * FROM mega_capture_credit('holds-sweep1-1');
SELECT * FROM mega_capture_credit('holds-sweep1-1');
-- a hold that was settled is left alone, however old
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-sweep2', 10, 'holds-sweep2-3', '1 microsecond');
SELECT outcome FROM mega_capture_credit('holds-sweep2-3');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-sweep2', 10, 'holds-sweep2-4', '1 microsecond');
SELECT outcome FROM mega_release_credit('holds-sweep2-4');
SELECT mega_release_expired_holds();
-- a hold that is over and not yet swept can still be captured: the credits are set aside
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-sweep2', 10, 'holds-sweep2-5', '1 microsecond');
SELECT outcome, mg_credits FROM mega_capture_credit('holds-sweep2-5');
-- holds that reach into a far future
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-sweep3', 1, 'holds-far', '7000 years');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-sweep3', 1, 'holds-farther', '100000 years');
SELECT mega_release_expired_holds();
-- rows that were written raw have no time: what says so beside is the application's own, and in mega's key it is not stored (I17)
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_status, mg_meta)
SELECT 'credit_transaction:hold:holds-own' || n, 'pass:test:holds-raw', -1, 'hold', 'pending', meta FROM (VALUES
    (1, '{}'::jsonb), (2, '{"hold_expires_at": "2020-01-01T00:00:00Z"}'), (3, '{"mega": {"hold_expires_at": "2020-01-01T00:00:00Z"}}')) v(n, meta);
SELECT mega_release_expired_holds();
SELECT mg_id, mg_status, mg_meta FROM mega_generations WHERE mg_id LIKE 'credit_transaction:hold:holds-own%' ORDER BY mg_id COLLATE "C";
SELECT outcome, mg_credits FROM mega_release_credit('holds-own3');
-- nor do broken times stop the sweep, which the owner can write with the triggers off
ALTER TABLE mega_generations DISABLE TRIGGER mega_generations_check;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_status, mg_meta)
SELECT 'credit_transaction:hold:holds-raw' || n, 'credit_transaction', 'pass:test:holds-raw', -1, 'hold', 'pending', jsonb_build_object('mega', meta) FROM (VALUES
    (1, '{}'::jsonb), (2, '{"hold_expires_at": "yesterday"}'), (3, '{"hold_expires_at": 1}'), (4, '{"hold_expires_at": "2020-13-45T99:99:99Z"}'), (5, '{"hold_expires_at": "2020-01-01T00:00:00Z"}'),
    (6, '{"hold_expires_at": "2020-01-01T00:00:00.5Z"}'), (7, '{"hold_expires_at": "2020-02-30T00:00:00.123456Z"}'), (8, '{"hold_expires_at": "999999-01-01T00:00:00Z"}')) v(n, meta);
ALTER TABLE mega_generations ENABLE TRIGGER mega_generations_check;
SELECT mega_release_expired_holds();
SELECT mg_id, mg_status FROM mega_generations WHERE mg_id LIKE 'credit_transaction:hold:holds-raw%' ORDER BY mg_id COLLATE "C";
-- rows whose release could have no id wait; one that gives is no hold
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:holds-broken');
ALTER TABLE mega_generations DISABLE TRIGGER mega_generations_check;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_status, mg_meta)
SELECT 'credit_transaction:hold:' || id, 'credit_transaction', 'pass:test:holds-broken', delta, 'hold', 'pending', '{"mega": {"hold_expires_at": "2020-01-01T00:00:00Z"}}' FROM (VALUES
    ('', -1), (' ', -1), (repeat('x', 505), -1), (repeat('x', 504), -1), ('holds-gives', 10), ('holds-nothing', 0), ('holds-least', -2147483648)) v(id, delta);
ALTER TABLE mega_generations ENABLE TRIGGER mega_generations_check;
SELECT mega_release_expired_holds();
SELECT left(mg_id, 40) AS mg_id, octet_length(mg_id), mg_delta, mg_status FROM mega_generations WHERE mg_pass_id = 'pass:test:holds-broken' AND mg_id ~ '^credit_transaction:hold:' ORDER BY mg_id COLLATE "C";
SELECT pg_temp.outcome($$SELECT mega_capture_credit('holds-gives', 2147483647)$$);
SELECT pg_temp.outcome($$SELECT mega_release_credit('holds-gives')$$);
SELECT pg_temp.outcome($$SELECT mega_release_credit('holds-least')$$);
-- a row in the way of a settlement jams it in no function: the release is recorded without its reference, a row of the
-- customer's own with its id is taken for it, and one of another customer's makes it take another id
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-raw', 5, 'holds-taken1', '1 microsecond');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-raw', 5, 'holds-taken2', '1 microsecond');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-raw', 5, 'holds-taken3', '1 microsecond');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:holds-taken', 'pass:test:holds-raw', 1, 'release', 'hold', 'holds-taken1');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:release:holds-taken2', 'pass:test:holds-raw', 1);
SELECT mega_release_expired_holds(1);
SELECT mega_release_expired_holds();
SELECT mg_id, mg_status FROM mega_generations WHERE mg_id LIKE 'credit_transaction:hold:holds-taken%' ORDER BY mg_id COLLATE "C";
SELECT txn_id, delta, reason, reference, meta FROM pg_temp.ledger('raw') WHERE txn_id LIKE '%holds-taken%';
SELECT outcome FROM mega_release_credit('holds-taken1');
SELECT outcome FROM mega_release_credit('holds-taken2');
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:holds-way');
SELECT mg_credits FROM mega_record_credit('pass:test:holds-way', 100, 'grant');
SELECT count(mega_hold_credit('pass:test:holds-way', 10, 'holds-way' || n)) FROM generate_series(1, 9) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES
    ('credit_transaction:holds-way1', 'pass:test:holds-raw', 1, 'release', 'hold', 'holds-way1'), ('credit_transaction:release:holds-way2', 'pass:test:holds-way', 1, NULL, NULL, NULL),
    ('credit_transaction:release:holds-way3', 'pass:test:holds-raw', 1, NULL, NULL, NULL), ('credit_transaction:release:holds-way3:2', 'pass:test:holds-raw', 1, NULL, NULL, NULL),
    ('credit_transaction:holds-way4', 'pass:test:holds-way', 1, 'capture', 'hold', 'holds-way4'), ('credit_transaction:capture:holds-way5', 'pass:test:holds-way', 1, NULL, NULL, NULL),
    ('credit_transaction:capture:holds-way6', 'pass:test:holds-raw', -1, 'capture', 'hold', 'holds-way6');
\set VERBOSITY terse
SELECT n, outcome, mg_credits FROM unnest('{1,2,3}'::text[]) n, LATERAL mega_release_credit('holds-way' || n);
SELECT n, outcome, mg_credits FROM unnest('{4,5,6}'::text[]) n, LATERAL mega_capture_credit('holds-way' || n, 8);
SELECT n, outcome, mg_credits FROM unnest('{4,6}'::text[]) n, LATERAL mega_capture_credit('holds-way' || n, 8);
\set VERBOSITY sqlstate
SELECT txn_id, delta, reason, reference, status FROM pg_temp.ledger('way') WHERE reason IS DISTINCT FROM 'grant';
SELECT held FROM mega_balance('pass:test:holds-way');
-- what was captured is what the rows say, wherever they stand: so much can be refunded
SELECT pg_temp.outcome($$SELECT mega_refund_credit('hold:holds-way6', 'holds-way6', 9)$$), pg_temp.outcome($$SELECT mega_refund_credit('hold:holds-way6', 'holds-way6', 8)$$);
-- a function's words are nobody's: a reference type of mega's, an id of mega's
SELECT word, left(pg_temp.outcome(format('SELECT mega_record_credit(''pass:test:holds-way'', 1, ''grant'', ref_type => %L, ref_id => ''x'')', word)), 28) FROM unnest('{hold,expiry,refund,transfer,revoke,opening,Hold}'::text[]) word;
SELECT word, left(pg_temp.outcome(format('SELECT mega_record_credits(''[{"pass_id": "pass:test:holds-way", "delta": 1, "reason": "grant", "txn_id": "%s:x"}]'')', word)), 60) FROM unnest('{revoke,topup,lot}'::text[]) word;
-- ... of new rows; one that is there already is what it is
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:topup:holds-way', 'pass:test:holds-way', 5, 'topup', 'opening', 'holds-way');
SELECT mg_id, replayed FROM mega_record_credit('pass:test:holds-way', 5, 'topup', ref_type => 'opening', ref_id => 'holds-way', txn_id => 'topup:holds-way');
SELECT left(pg_temp.outcome($$SELECT mega_record_credit('pass:test:holds-way', 6, 'topup', ref_type => 'opening', ref_id => 'holds-way', txn_id => 'topup:holds-way')$$), 60);
-- a raw row that is a hold by its id is pending when it says nothing, and can be settled; a row of nothing is none
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:hold:holds-way-raw1', 'pass:test:holds-way', -3), ('credit_transaction:hold:holds-way-raw2', 'pass:test:holds-way', -4);
SELECT mg_id, mg_status FROM mega_generations WHERE mg_id LIKE '%holds-way-raw%' ORDER BY 1;
SELECT r.outcome, c.outcome FROM mega_release_credit('holds-way-raw1') r, mega_capture_credit('holds-way-raw2') c;
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES ('credit_transaction:holds-way-zero', 'pass:test:holds-way', 0, '{"mega": {"revoke_of": "x"}}')$$);
-- a hold names its generation, which may come later and is the customer's
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-way', 1, 'holds-way-g', generation_id => 'generation:holds-g1');
SELECT mg_generation_id FROM mega_generations WHERE mg_id = 'credit_transaction:hold:holds-way-g';
SELECT a.created, b.created FROM mega_create_generation('pass:test:holds-way', 'holds-g1') a, mega_create_generation('pass:test:holds-raw', 'holds-g2') b;
SELECT replayed FROM mega_hold_credit('pass:test:holds-way', 1, 'holds-way-g', generation_id => 'holds-g2');
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:holds-way', 1, 'holds-way-g2', generation_id => 'holds-g2')$$);
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:holds-way', 1, 'holds-way-g2', generation_id => ' ')$$);
SELECT outcome FROM unnest('{-g,7,8,9}'::text[]) n, LATERAL mega_release_credit('holds-way' || n);
-- the sweep fails what its holds paid for: of the hold's customer, and not what has ended
SELECT count(mega_create_generation('pass:test:holds-way', 'holds-s' || n)) FROM generate_series(1, 4) n;
SELECT mg_mma_status FROM mega_complete_generation('holds-s2', 'https://cdn.example/holds.png');
SELECT mg_mma_status FROM mega_fail_generation('holds-s3', 'first error');
SELECT count(mega_hold_credit('pass:test:holds-way', 1, 'holds-s' || n, '1 microsecond', generation_id => 'holds-s' || n)) FROM generate_series(1, 5) n;
SELECT created FROM mega_create_generation('pass:test:holds-raw', 'holds-s5');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-way', 1, 'holds-s6', '1 microsecond');
SELECT * FROM mega_release_expired_holds(1, fail_generations => false);
SELECT * FROM mega_release_expired_holds(fail_generations => true);
SELECT mg_id, mg_mma_status, mg_status, mg_error FROM mega_generations WHERE mg_id LIKE 'generation:holds-s%' ORDER BY mg_id COLLATE "C";
SELECT mg_credits, held FROM mega_balance('pass:test:holds-way');
-- the balance keeps room for what is pending: every hold can go back
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:holds-full');
SELECT mg_credits FROM mega_record_credit('pass:test:holds-full', 2147483647, 'grant', txn_id => 'holds-full1');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-full', 10, 'holds-full1', '1 microsecond');
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-full', 10, 'holds-full2', '1 microsecond');
SELECT what, pg_temp.outcome(call) FROM (VALUES ('grant', $$SELECT mega_record_credit('pass:test:holds-full', 1, 'grant', txn_id => 'holds-full2')$$),
    ('batch', $$SELECT mega_record_credits('[{"pass_id": "pass:test:holds-full", "delta": 1, "reason": "grant"}]')$$),
    ('batch that ends where it began', $$SELECT mega_record_credits('[{"pass_id": "pass:test:holds-full", "delta": 1, "reason": "grant"}, {"pass_id": "pass:test:holds-full", "delta": -1, "reason": "spend"}]')$$),
    ('top-up', $$SELECT mega_record_topup('pass:test:holds-full', 1, 1)$$), ('transfer', $$SELECT mega_transfer_credit('pass:test:holds-raw', 'pass:test:holds-full', 1, 'holds-full')$$),
    ('raw row', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:holds-full-raw', 'pass:test:holds-full', 1)$$),
    ('raw rows', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:hold:holds-full-raw', 'pass:test:holds-full', -1), ('credit_transaction:holds-full-raw', 'pass:test:holds-full', 1)$$)) v(what, call);
SELECT mg_credits FROM mega_hold_credit('pass:test:holds-raw', 5, 'holds-room', '1 microsecond');
SELECT mega_release_expired_holds(1), mega_release_expired_holds();
SELECT mg_id, mg_status FROM mega_generations WHERE mg_id LIKE 'credit_transaction:hold:holds-full%' OR mg_id = 'credit_transaction:hold:holds-room' ORDER BY mg_id COLLATE "C";
SELECT outcome, mg_credits FROM mega_capture_credit('holds-full2');
-- holds of before there were rules may be more than there is room for: what has room goes back, by call and by sweep
SET session_replication_role = replica;
INSERT INTO mega_customers (mg_pass_id, mg_credits) SELECT 'pass:test:holds-old' || n, 2147483632 FROM generate_series(1, 2) n;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_status, mg_meta)
SELECT 'credit_transaction:' || kind || 'holds-old' || n, 'credit_transaction', 'pass:test:holds-old' || n, delta, status,
       jsonb_build_object('mega', jsonb_build_object('hold_expires_at', ends))
FROM generate_series(1, 2) n, (VALUES ('', 2147483647, 'succeeded', ''), ('more-', 5, 'succeeded', ''), ('hold:due-', -10, 'pending', '2020-01-01T00:00:00Z'), ('hold:', -10, 'pending', '2099-01-01T00:00:00Z')) v(kind, delta, status, ends);
RESET session_replication_role;
SELECT hold_id, amount FROM mega_release_expired_holds(1);
SELECT outcome, mg_credits FROM mega_release_credit('due-holds-old2');
SELECT pg_temp.outcome($$SELECT mega_release_credit('holds-old2')$$);
-- what a hold took is what its own settlement left of it, whoever else has rows under such ids: a merge may bring one, and a long
-- id has no room for a number behind it
SELECT FROM mega_ensure_customer('pass:test:holds-from') f, mega_ensure_customer('pass:test:holds-to') t;
SELECT mg_credits FROM mega_record_credit('pass:test:holds-to', 20, 'grant');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) SELECT 'credit_transaction:release:' || id, 'pass:test:holds-from', 3, 'odd' FROM unnest(ARRAY['holds-odd', repeat('h', 503)]) id;
SELECT h.mg_credits AS held, r.mg_credits AS released FROM unnest(ARRAY['holds-odd', repeat('h', 503)]) id, mega_hold_credit('pass:test:holds-to', 10, id) h, mega_release_credit(left(id || left('', h.mg_credits), 503)) r;
SELECT pg_temp.outcome(format('SELECT mega_refund_credit(%L, %L)', 'hold:' || id, 'before')) FROM unnest(ARRAY['holds-odd', repeat('h', 503)]) id;
SELECT mg_credits FROM mega_merge_customers('pass:test:holds-from', 'pass:test:holds-to');
SELECT pg_temp.outcome(format('SELECT mega_refund_credit(%L, %L)', 'hold:' || id, 'after')) FROM unnest(ARRAY['holds-odd', repeat('h', 503)]) id;
SELECT length(mg_id), mg_delta, left(mg_ref_id, 9) AS refers FROM mega_generations WHERE mg_pass_id = 'pass:test:holds-to' AND mg_reason = 'release' ORDER BY 1;
-- nor is another hold's settlement taken for its own: holds-n:2 is a hold, too
SELECT FROM mega_ensure_customer('pass:test:holds-n1') f, mega_ensure_customer('pass:test:holds-n2') t;
SELECT mg_credits FROM mega_record_credit('pass:test:holds-n2', 20, 'grant');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:release:holds-n', 'pass:test:holds-n1', 3, 'odd');
SELECT mg_credits FROM unnest(ARRAY['holds-n', 'holds-n:2']) id, mega_hold_credit('pass:test:holds-n2', 10, id);
SELECT outcome, mg_credits FROM mega_release_credit('holds-n:2');
SELECT outcome, mg_credits FROM mega_release_credit('holds-n');
SELECT mg_id, mg_delta, mg_ref_id FROM mega_generations WHERE mg_pass_id = 'pass:test:holds-n2' AND mg_reason = 'release' ORDER BY mg_id COLLATE "C";
SELECT pg_temp.outcome(format('SELECT mega_refund_credit(%L, %L)', 'hold:' || id, 'again')) FROM unnest(ARRAY['holds-n', 'holds-n:2']) id;

-- A raw row that gives credits is no hold, and one that could not go back is refused.
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:holds-gift');
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_status) VALUES ('credit_transaction:hold:holds-plus', 'pass:test:holds-gift', 1000, 'pending')$$);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:hold:holds-gift', 'pass:test:holds-gift', 1000) RETURNING mg_status;
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:hold:holds-least', 'pass:test:holds-gift', -2147483648)$$);
SELECT mg_credits, held, spendable FROM mega_balance('pass:test:holds-gift');

SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:holds-%';
-- a settlement that somebody wrote by hand settled the hold, whichever way it is settled then: what was released is drawn
-- again, what was captured is neither given back nor drawn twice
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:holds-hand');
SELECT mg_credits FROM mega_record_credit('pass:test:holds-hand', 100, 'grant');
SELECT count(mega_hold_credit('pass:test:holds-hand', 5, 'holds-hand' || n, CASE WHEN n < 5 THEN '1 hour' ELSE '1 microsecond' END::interval)) FROM generate_series(1, 6) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES
    ('credit_transaction:release:holds-hand1', 'pass:test:holds-hand', 5, 'release', 'hold', 'holds-hand1'), ('credit_transaction:capture:holds-hand2', 'pass:test:holds-hand', 2, 'capture', 'hold', 'holds-hand2'),
    ('credit_transaction:capture:holds-hand3', 'pass:test:holds-hand', 2, 'capture', 'hold', 'holds-hand3'), ('credit_transaction:release:holds-hand4', 'pass:test:holds-hand', 5, 'release', 'hold', 'holds-hand4'),
    ('credit_transaction:capture:holds-hand5', 'pass:test:holds-hand', 2, 'capture', 'hold', 'holds-hand5'), ('credit_transaction:capture:holds-hand6', 'pass:test:holds-raw', -2, NULL, NULL, NULL);
\set VERBOSITY terse
SELECT outcome, mg_credits FROM mega_capture_credit('holds-hand1', 5);
SELECT outcome, mg_credits FROM mega_capture_credit('holds-hand2');
SELECT outcome, mg_credits FROM mega_release_credit('holds-hand3');
SELECT outcome, mg_credits FROM mega_release_credit('holds-hand4');
SELECT hold_id, amount FROM mega_release_expired_holds() WHERE mg_pass_id = 'pass:test:holds-hand';
\set VERBOSITY sqlstate
SELECT outcome, mg_credits FROM mega_capture_credit('holds-hand1', 5);
SELECT outcome, mg_credits FROM mega_capture_credit('holds-hand2', 3);
SELECT txn_id, delta, status FROM pg_temp.ledger('hand') WHERE reason <> 'grant';
SELECT mg_credits, held FROM mega_balance('pass:test:holds-hand');
-- a hold by hand has an id that its settlement can have, too
SELECT left(pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES (%L, ''pass:test:holds-hand'', -1)', 'credit_transaction:hold:' || id)), 60) FROM unnest(ARRAY['', ' ', repeat('h', 505), E'a\x01']) id;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:hold:' || repeat('g', 504), 'pass:test:holds-hand', -1) RETURNING mg_status;
SELECT outcome FROM mega_release_credit(repeat('g', 504));
-- one that is no hold may have any
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_status) VALUES ('credit_transaction:hold:' || repeat('h', 505), 'pass:test:holds-hand', -1, 'succeeded') RETURNING mg_status;
