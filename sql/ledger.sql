-- The ledger under raw SQL: rules I4 to I10 and I12 for all record types and every way a row can get in.
-- Customers of this file: pass:test:ledger-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who';
CREATE FUNCTION pg_temp.rows_of(who text) RETURNS bigint LANGUAGE sql AS
    'SELECT count(*) FROM mega_generations WHERE mg_pass_id = who AND mg_record_type = ''credit_transaction''';

INSERT INTO mega_customers (mg_pass_id)
SELECT 'pass:test:ledger-' || name
FROM unnest(ARRAY['a', 'b', 'c', 'multi', 'copy', 'conflict', 'cte', 'fold', 'types', 'state', 'max', 'min', 'wide', 'defer', 'save'])
    AS name;

--
-- Every way in: each moves the balance by what was appended.
--
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta)
VALUES ('credit_transaction:ledger-a1', 'credit_transaction', 'pass:test:ledger-a', 10);
SELECT pg_temp.credits('pass:test:ledger-a');
-- a raw row may overdraw: the ledger records facts
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta)
VALUES ('credit_transaction:ledger-a2', 'credit_transaction', 'pass:test:ledger-a', -25);
SELECT pg_temp.credits('pass:test:ledger-a');

-- rows of several customers, mixed, in one statement
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta) VALUES
    ('credit_transaction:ledger-m1', 'credit_transaction', 'pass:test:ledger-c', 1),
    ('credit_transaction:ledger-m2', 'credit_transaction', 'pass:test:ledger-b', 20),
    ('credit_transaction:ledger-m3', 'credit_transaction', 'pass:test:ledger-c', 300),
    ('session:ledger-m4', 'session', 'pass:test:ledger-c', NULL),
    ('credit_transaction:ledger-m5', 'credit_transaction', 'pass:test:ledger-b', -5)
RETURNING mg_id, mg_pass_id, mg_delta;
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id IN ('pass:test:ledger-b', 'pass:test:ledger-c') ORDER BY 1;
-- sums that cancel out leave the balance alone
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES
    ('credit_transaction:ledger-m6', 'pass:test:ledger-b', 7), ('credit_transaction:ledger-m7', 'pass:test:ledger-b', -7);
SELECT pg_temp.credits('pass:test:ledger-b'), pg_temp.rows_of('pass:test:ledger-b');

INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta)
SELECT 'credit_transaction:ledger-s' || n, 'credit_transaction', 'pass:test:ledger-multi', n FROM generate_series(1, 1000) n;
SELECT pg_temp.credits('pass:test:ledger-multi'), pg_temp.rows_of('pass:test:ledger-multi');

COPY mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta) FROM stdin (DELIMITER '|');
credit_transaction:ledger-copy1|credit_transaction|pass:test:ledger-copy|100
credit_transaction:ledger-copy2|credit_transaction|pass:test:ledger-copy|-30
credit_transaction:ledger-copy3|credit_transaction|pass:test:ledger-a|5
\.
SELECT pg_temp.credits('pass:test:ledger-copy'), pg_temp.credits('pass:test:ledger-a');
-- one bad row, and nothing of the COPY is left
COPY mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta) FROM stdin (DELIMITER '|');
credit_transaction:ledger-copy4|credit_transaction|pass:test:ledger-copy|1
credit_transaction:ledger-copy5|credit_transaction|pass:test:nobody|1
\.
COPY mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta) FROM stdin (DELIMITER '|');
credit_transaction:ledger-copy6|credit_transaction|pass:test:ledger-copy|1
credit_transaction:ledger-copy7|credit_transaction|pass:test:ledger-copy|\N
\.
SELECT pg_temp.credits('pass:test:ledger-copy'), pg_temp.rows_of('pass:test:ledger-copy');

-- only rows that went in are projected
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-x1', 'pass:test:ledger-conflict', 10);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES
    ('credit_transaction:ledger-x1', 'pass:test:ledger-conflict', 10), ('credit_transaction:ledger-x2', 'pass:test:ledger-conflict', 5)
ON CONFLICT DO NOTHING RETURNING mg_id;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES
    ('credit_transaction:ledger-x1', 'pass:test:ledger-conflict', 10), ('credit_transaction:ledger-x3', 'pass:test:ledger-conflict', 1)
ON CONFLICT (mg_id) DO UPDATE SET mg_error = 'seen again' RETURNING mg_id, mg_error;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-x1', 'pass:test:ledger-conflict', 99)
ON CONFLICT (mg_id) DO UPDATE SET mg_delta = EXCLUDED.mg_delta;
SELECT pg_temp.credits('pass:test:ledger-conflict'), pg_temp.rows_of('pass:test:ledger-conflict');

MERGE INTO mega_generations g
USING (VALUES ('credit_transaction:ledger-x1', 50), ('credit_transaction:ledger-x4', 3)) v(id, delta) ON g.mg_id = v.id
WHEN MATCHED THEN UPDATE SET mg_error = 'merged'
WHEN NOT MATCHED THEN INSERT (mg_id, mg_pass_id, mg_delta) VALUES (v.id, 'pass:test:ledger-conflict', v.delta);
SELECT pg_temp.credits('pass:test:ledger-conflict'), pg_temp.rows_of('pass:test:ledger-conflict');
MERGE INTO mega_generations g USING (VALUES ('credit_transaction:ledger-x1')) v(id) ON g.mg_id = v.id
WHEN MATCHED THEN DELETE;
MERGE INTO mega_generations g USING (VALUES ('credit_transaction:ledger-x1')) v(id) ON g.mg_id = v.id
WHEN MATCHED THEN UPDATE SET mg_delta = 1;

-- writable CTEs: each INSERT counts once
WITH first AS (
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-w1', 'pass:test:ledger-cte', 100) RETURNING mg_delta
), second AS (
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-w2', 'pass:test:ledger-cte', 20) RETURNING mg_delta
)
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta)
SELECT 'credit_transaction:ledger-w3', 'pass:test:ledger-cte', -(first.mg_delta + second.mg_delta) / 2 FROM first, second
RETURNING mg_delta;
SELECT pg_temp.credits('pass:test:ledger-cte'), pg_temp.rows_of('pass:test:ledger-cte');
-- customer and first credits in one statement: foreign keys and projection see both
WITH customer AS (
    INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:ledger-new') RETURNING mg_pass_id
)
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) SELECT 'credit_transaction:ledger-w4', mg_pass_id, 12 FROM customer;
SELECT pg_temp.credits('pass:test:ledger-new');
WITH gone AS (DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:ledger-w4' RETURNING *) SELECT count(*) FROM gone;
WITH changed AS (UPDATE mega_generations SET mg_delta = 1 WHERE mg_id = 'credit_transaction:ledger-w4' RETURNING *) SELECT count(*) FROM changed;

PREPARE append(text, text, integer) AS INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:' || $1, $2, $3);
EXECUTE append('ledger-p1', 'pass:test:ledger-a', 1);
EXECUTE append('ledger-p2', 'pass:test:ledger-a', 2);
EXECUTE append('ledger-p1', 'pass:test:ledger-a', 1);
EXECUTE append('ledger-p3', 'pass:test:nobody', 2);
EXECUTE append('ledger-p4', 'pass:test:ledger-a', 4);
DEALLOCATE append;
SELECT pg_temp.credits('pass:test:ledger-a'), pg_temp.rows_of('pass:test:ledger-a');

--
-- Savepoints, rollbacks and exception blocks undo row and balance together.
--
BEGIN;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-v1', 'pass:test:ledger-save', 1);
SAVEPOINT one;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-v2', 'pass:test:ledger-save', 10);
SELECT pg_temp.credits('pass:test:ledger-save');
ROLLBACK TO one;
SELECT pg_temp.credits('pass:test:ledger-save');
SAVEPOINT two;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-v3', 'pass:test:ledger-save', NULL);
ROLLBACK TO two;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-v2', 'pass:test:ledger-save', 100);
RELEASE two;
COMMIT;
SELECT pg_temp.credits('pass:test:ledger-save'), pg_temp.rows_of('pass:test:ledger-save');
BEGIN;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-v4', 'pass:test:ledger-save', 1000);
ROLLBACK;
DO $$
BEGIN
    FOR i IN 1..20 LOOP
        BEGIN
            INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-v5-' || i, 'pass:test:ledger-save', 1);
            IF i % 2 = 0 THEN
                RAISE EXCEPTION 'undo this one';
            ELSIF i % 5 = 0 THEN
                DELETE FROM mega_generations;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END
$$;
SELECT pg_temp.credits('pass:test:ledger-save'), pg_temp.rows_of('pass:test:ledger-save');

--
-- I4: a movement is applied once, by id and by reference.
--
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('first', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r1', 'pass:test:ledger-a', 1, 'order', 'shop', '1')$$),
    ('same id', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-r1', 'pass:test:ledger-a', 1)$$),
    ('same reference', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r2', 'pass:test:ledger-a', 1, 'order', 'shop', '1')$$),
    ('same reference, other customer', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r2', 'pass:test:ledger-b', 1, 'order', 'shop', '1')$$),
    ('other reason', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r3', 'pass:test:ledger-a', 1, 'bonus', 'shop', '1')$$),
    ('no reason', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r4', 'pass:test:ledger-a', 1, 'shop', '1')$$),
    ('no reason again', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r5', 'pass:test:ledger-a', 1, 'shop', '1')$$),
    ('a reference of another type of row is free', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_reason, mg_ref_type, mg_ref_id) VALUES ('session:ledger-r6', 'pass:test:ledger-a', 'order', 'shop', '1')$$),
    ('twice in one statement', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r7', 'pass:test:ledger-a', 1, 'order', 'shop', '2'), ('credit_transaction:ledger-r8', 'pass:test:ledger-a', 1, 'order', 'shop', '2')$$),
    ('twice, once wanted', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:ledger-r9', 'pass:test:ledger-a', 1, 'order', 'shop', '2'), ('credit_transaction:ledger-r10', 'pass:test:ledger-a', 1, 'order', 'shop', '2') ON CONFLICT DO NOTHING$$)
) v(what, statement);
SELECT pg_temp.credits('pass:test:ledger-a'), pg_temp.rows_of('pass:test:ledger-a');

--
-- I5, I12: facts never change, rows never go.
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_session_id, mg_prompt, mg_meta, mg_step_type, mg_payload, mg_delta, mg_reason, mg_source) VALUES
    ('session:ledger-t', 'pass:test:ledger-types', NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL),
    ('generation:ledger-t', 'pass:test:ledger-types', 'ledger-t', 'a lamp', '{}', NULL, NULL, NULL, NULL, NULL),
    ('feedback:ledger-t', 'pass:test:ledger-types', 'ledger-t', 'nice', '{}', NULL, NULL, NULL, NULL, NULL),
    ('credit_transaction:ledger-t', 'pass:test:ledger-types', NULL, NULL, '{}', NULL, NULL, 50, 'order', 'shop'),
    ('credit_transaction:hold:ledger-t', 'pass:test:ledger-types', NULL, NULL, '{}', NULL, NULL, -5, 'hold', NULL),
    ('mma_step:ledger-t:0', 'pass:test:ledger-types', NULL, NULL, '{}', 'gpt_reader', '{"input": {}, "output": {}}', NULL, NULL, NULL),
    ('mma_event:ledger-t', 'pass:test:ledger-types', NULL, NULL, '{"event_type": "create"}', NULL, NULL, NULL, NULL, NULL);

-- each type, each column: may an UPDATE change it? Every value is one that the column could have had at the append.
CREATE TEMP TABLE writable AS
SELECT id, column_name, pg_temp.outcome(format('UPDATE mega_generations SET %I = %s WHERE mg_id = %L', column_name,
        CASE column_name
            WHEN 'mg_mma_mode' THEN '''still''' WHEN 'mg_mma_status' THEN '''error''' WHEN 'mg_record_type' THEN '''none'''
            WHEN 'mg_output_url' THEN '''https://a.example/1''' WHEN 'mg_image_url' THEN '''https://a.example/1''' WHEN 'mg_video_url' THEN '''https://a.example/1'''
            WHEN 'mg_pass_id' THEN '''pass:test:ledger-a''' ELSE
            CASE data_type WHEN 'integer' THEN '77' WHEN 'jsonb' THEN '''{"event_type": "like"}''' WHEN 'text' THEN '''other''' ELSE '''2020-02-02''' END
        END, id)) AS outcome
FROM unnest(ARRAY['session:ledger-t', 'generation:ledger-t', 'feedback:ledger-t', 'credit_transaction:ledger-t',
    'credit_transaction:hold:ledger-t', 'mma_step:ledger-t:0', 'mma_event:ledger-t']) AS id,
    LATERAL (SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'mega_generations' ORDER BY ordinal_position) c;
SELECT id, string_agg(column_name, ' ' ORDER BY column_name) AS may_change FROM writable WHERE outcome LIKE 'ok%' GROUP BY id ORDER BY id COLLATE "C";
SELECT id, left(outcome, 5) AS sqlstate, count(*) FROM writable WHERE outcome NOT LIKE 'ok%' GROUP BY 1, 2 ORDER BY id COLLATE "C";
SELECT outcome FROM writable WHERE (id, column_name) IN (('credit_transaction:ledger-t', 'mg_delta'), ('mma_event:ledger-t', 'mg_meta'),
    ('credit_transaction:hold:ledger-t', 'mg_status'), ('generation:ledger-t', 'mg_pass_id')) ORDER BY id COLLATE "C";
-- mg_updated_at follows the clock, whatever is written
SELECT mg_id, mg_updated_at > '2020-02-03' AS updated_now, mg_created_at > '2020-02-03' AS created_kept FROM mega_generations
WHERE mg_pass_id = 'pass:test:ledger-types' ORDER BY mg_id COLLATE "C";

-- an UPDATE that changes nothing passes, of every column at once
UPDATE mega_generations SET mg_id = mg_id, mg_record_type = mg_record_type, mg_pass_id = mg_pass_id, mg_delta = mg_delta, mg_reason = mg_reason,
    mg_meta = mg_meta, mg_payload = mg_payload, mg_created_at = mg_created_at
WHERE mg_pass_id = 'pass:test:ledger-types';

SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('delete one', $$DELETE FROM mega_generations WHERE mg_id = 'session:ledger-t'$$),
    ('delete using', $$DELETE FROM mega_generations g USING mega_customers c WHERE c.mg_pass_id = g.mg_pass_id$$),
    ('delete none', $$DELETE FROM mega_generations WHERE mg_id = 'no such row'$$),
    ('truncate ledger', $$TRUNCATE mega_generations$$),
    ('truncate customers', $$TRUNCATE mega_customers CASCADE$$),
    ('truncate all', $$TRUNCATE mega_admin, mega_generations, mega_customers$$),
    ('truncate admin', $$TRUNCATE mega_admin$$),
    ('delete customer', $$DELETE FROM mega_customers WHERE mg_pass_id = 'pass:test:ledger-new'$$),
    ('delete customer without rows', $$DELETE FROM mega_customers WHERE mg_pass_id = 'pass:test:ledger-fold'$$),
    ('change pass id', $$UPDATE mega_customers SET mg_pass_id = 'pass:test:ledger-fold2' WHERE mg_pass_id = 'pass:test:ledger-fold'$$)
) v(what, statement);
SELECT count(*) FROM mega_customers WHERE mg_pass_id = 'pass:test:ledger-fold';

-- audits, likewise; other records of the office may go
INSERT INTO mega_admin (mg_id, mg_record_type, mg_action, mg_actor_pass_id) VALUES ('admin_audit:ledger-1', 'admin_audit', 'look', 'pass:test:ledger-a');
INSERT INTO mega_admin (mg_id) VALUES ('admin_session:ledger-hash'), ('profile:c0ffee00-0000-4000-8000-000000000001'), ('runtime_config:-7'), ('app_config:ledger.key'), ('app_config:ledger.key.v3');
SELECT mg_id, mg_record_type, mg_session_hash, mg_profile_id, mg_runtime_id, mg_key, mg_created_at IS NOT NULL AS dated FROM mega_admin
WHERE mg_id ~ 'ledger|c0ffee00|-7' ORDER BY mg_id COLLATE "C";
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('change an audit', $$UPDATE mega_admin SET mg_action = 'other' WHERE mg_id = 'admin_audit:ledger-1'$$),
    ('audit of somebody else', $$UPDATE mega_admin SET mg_actor_pass_id = 'pass:test:ledger-b' WHERE mg_id = 'admin_audit:ledger-1'$$),
    ('delete an audit', $$DELETE FROM mega_admin WHERE mg_id = 'admin_audit:ledger-1'$$),
    ('truncate audits', $$TRUNCATE mega_admin$$),
    ('change a session', $$UPDATE mega_admin SET mg_last_seen_at = now() WHERE mg_id = 'admin_session:ledger-hash'$$),
    ('rename a session', $$UPDATE mega_admin SET mg_id = 'admin_session:other' WHERE mg_id = 'admin_session:ledger-hash'$$),
    ('change a setting', $$UPDATE mega_admin SET mg_value = '1' WHERE mg_id = 'app_config:ledger.key'$$),
    ('type of the ledger', $$INSERT INTO mega_admin (mg_id, mg_record_type) VALUES ('session:ledger', 'session')$$),
    ('no such type', $$INSERT INTO mega_admin (mg_id, mg_record_type) VALUES ('other:ledger', 'other')$$),
    ('type is not to be guessed', $$INSERT INTO mega_admin (mg_id) VALUES ('ledger')$$),
    ('shape of a profile', $$INSERT INTO mega_admin (mg_id) VALUES ('profile:ledger')$$),
    ('another spelling of a profile', $$INSERT INTO mega_admin (mg_id) VALUES ('profile:C0FFEE00-0000-4000-8000-00000000000A')$$),
    ('another spelling of its own', $$INSERT INTO mega_admin (mg_id, mg_record_type, mg_profile_id) VALUES ('profile:c0ffee00-0000-4000-8000-00000000000A', 'profile', 'c0ffee00-0000-4000-8000-00000000000a')$$),
    ('shape of a runtime id', $$INSERT INTO mega_admin (mg_id) VALUES ('runtime_config:01')$$),
    ('other runtime id', $$INSERT INTO mega_admin (mg_id, mg_runtime_id) VALUES ('runtime_config:8', 9)$$),
    ('other session hash', $$INSERT INTO mega_admin (mg_id, mg_session_hash) VALUES ('admin_session:ledger-2', 'ledger-3')$$),
    ('other key', $$INSERT INTO mega_admin (mg_id, mg_key) VALUES ('app_config:ledger.a', 'ledger.b')$$),
    ('other profile', $$INSERT INTO mega_admin (mg_id, mg_profile_id) VALUES ('profile:c0ffee00-0000-4000-8000-000000000002', 'c0ffee00-0000-4000-8000-000000000001')$$),
    ('version of its key', $$INSERT INTO mega_admin (mg_id, mg_key) VALUES ('app_config:ledger.key.v4', 'ledger.key')$$),
    ('a key that looks like a version', $$INSERT INTO mega_admin (mg_id, mg_key) VALUES ('app_config:ledger.v1', 'ledger.v1')$$),
    ('unknown customer', $$INSERT INTO mega_admin (mg_id, mg_actor_pass_id) VALUES ('admin_audit:ledger-2', 'pass:test:nobody')$$),
    ('delete a version', $$DELETE FROM mega_admin WHERE mg_id = 'app_config:ledger.key.v3'$$),
    ('delete others', $$DELETE FROM mega_admin WHERE mg_id ~ 'ledger.key$|ledger.v1|c0ffee00|-7|ledger-hash'$$)
) v(what, statement);

--
-- I6: ids and the columns that repeat them.
--
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('no id', $$INSERT INTO mega_generations (mg_record_type) VALUES ('session')$$),
    ('no namespace', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('ledger-1', 'session')$$),
    ('other namespace', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('generation:ledger-1', 'session')$$),
    ('no rest', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('session:', 'session')$$),
    ('blank rest', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('session:  ', 'session')$$),
    ('control character', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES (E'session:a\tb', 'session')$$),
    ('longest rest', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('session:' || repeat('x', 512), 'session')$$),
    ('too long', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('session:' || repeat('x', 513), 'session')$$),
    ('too long in bytes', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('session:' || repeat('ü', 257), 'session')$$),
    ('case matters', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('Session:ledger-1', 'Session')$$),
    ('type of the office', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('admin_audit:ledger-1', 'admin_audit')$$),
    ('no such type', $$INSERT INTO mega_generations (mg_id, mg_record_type) VALUES ('other:1', 'other')$$),
    ('type is not to be guessed', $$INSERT INTO mega_generations (mg_id) VALUES ('ledger-1')$$),
    ('other session', $$INSERT INTO mega_generations (mg_id, mg_session_id) VALUES ('session:ledger-1', 'ledger-2')$$),
    ('other generation', $$INSERT INTO mega_generations (mg_id, mg_generation_id) VALUES ('generation:ledger-1', 'ledger-2')$$),
    ('other generation of a step', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_generation_id, mg_payload) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-types', 'scan', 'ledger-2', '{"input": {}, "output": {}}')$$),
    ('other parent of a step', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_parent_id, mg_payload) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-types', 'scan', 'generation:ledger-2', '{"input": {}, "output": {}}')$$),
    ('parent without namespace', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_parent_id, mg_payload) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-types', 'scan', 'ledger-t', '{"input": {}, "output": {}}')$$),
    ('other number of a step', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_step_no, mg_payload) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-types', 'scan', 2, '{"input": {}, "output": {}}')$$),
    ('step without number', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}')$$),
    ('step with a zero before its number', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t:01', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}')$$),
    ('step below zero', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t:-1', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}')$$),
    ('step beyond int4', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t:2147483648', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}')$$),
    ('I7: step without type', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_payload) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-types', '{"input": {}, "output": {}}')$$),
    ('I7: number taken', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t:0', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}')$$),
    ('I8: credit without customer', $$INSERT INTO mega_generations (mg_id, mg_delta) VALUES ('credit_transaction:ledger-1', 1)$$),
    ('I8: credit without delta', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('credit_transaction:ledger-1', 'pass:test:ledger-a')$$),
    ('I8: event without customer', $$INSERT INTO mega_generations (mg_id, mg_meta) VALUES ('mma_event:ledger-1', '{"event_type": "like"}')$$),
    ('I8: event without type', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a')$$),
    ('I8: no meta', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a', NULL)$$),
    ('I8: other event type', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a', '{"event_type": "Like"}')$$),
    ('I8: event type is no text', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a', '{"event_type": ["like"]}')$$),
    ('I8: event type is null', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a', '{"event_type": null}')$$),
    ('I8: meta is a list', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a', '["event_type", "like"]')$$),
    ('I8: meta is a text', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a', '"like"')$$),
    ('I8: meta is null', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-1', 'pass:test:ledger-a', 'null')$$),
    ('vars are a list', $$INSERT INTO mega_generations (mg_id, mg_mma_vars) VALUES ('generation:ledger-1', '[]')$$),
    ('vars are null', $$INSERT INTO mega_generations (mg_id, mg_mma_vars) VALUES ('generation:ledger-1', 'null')$$),
    ('vars are a number', $$UPDATE mega_generations SET mg_mma_vars = '1' WHERE mg_id = 'generation:ledger-t'$$),
    ('pass id', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:ledger-1', 'leila')$$),
    ('pass id of a credit', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-1', 'pass:user:1', 1)$$),
    ('mode', $$INSERT INTO mega_generations (mg_id, mg_mma_mode) VALUES ('generation:ledger-1', 'Still')$$),
    ('status', $$INSERT INTO mega_generations (mg_id, mg_mma_status) VALUES ('generation:ledger-1', 'failed')$$)
) v(what, statement);

-- I7: every step has its generation, the generation's customer, input and output; events and children name generations that are there
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('step without input and output', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-types', 'scan')$$),
    ('step without output', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-types', 'scan', '{"input": {}}')$$),
    ('input and output in mg_meta', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_meta) VALUES ('mma_step:ledger-t:7', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}')$$),
    ('step of an unknown generation', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-none:0', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}')$$),
    ('step of another customer', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t:1', 'pass:test:ledger-a', 'scan', '{"input": {}, "output": {}}')$$),
    ('step without customer', $$INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-t:8', 'scan', '{"input": {}, "output": {}}')$$),
    ('event of an unknown generation', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta) VALUES ('mma_event:ledger-g', 'pass:test:ledger-types', 'ledger-none', '{"event_type": "like"}')$$),
    ('event of another customer''s generation', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta) VALUES ('mma_event:ledger-g', 'pass:test:ledger-a', 'ledger-t', '{"event_type": "like"}')$$),
    ('event of its generation', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta) VALUES ('mma_event:ledger-g', 'pass:test:ledger-types', 'ledger-t', '{"event_type": "like"}')$$),
    ('unknown parent', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_parent_id) VALUES ('generation:ledger-child', 'pass:test:ledger-types', 'generation:ledger-none')$$),
    ('parent of another customer', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_parent_id) VALUES ('generation:ledger-child', 'pass:test:ledger-a', 'generation:ledger-t')$$),
    ('parent', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_parent_id) VALUES ('generation:ledger-child', 'pass:test:ledger-types', 'generation:ledger-t')$$),
    ('generation and steps in one statement, steps first', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:ledger-one:0', 'pass:test:ledger-types', 'scan', '{"input": {}, "output": {}}'), ('generation:ledger-one', 'pass:test:ledger-types', NULL, NULL)$$)
) v(what, statement);
SELECT mg_id, mg_pass_id FROM mega_generations WHERE mg_id IN ('mma_step:ledger-t:7', 'mma_step:ledger-t:8', 'mma_step:ledger-one:0') ORDER BY mg_id COLLATE "C";

-- each event type, and each record type from its id alone
SELECT event_type, pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES (%L, ''pass:test:ledger-a'', %L)',
    'mma_event:ledger-' || event_type, jsonb_build_object('event_type', event_type)))
FROM unnest('{like,dislike,download,preference_set,create,tweak,feedback}'::text[]) event_type;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_record_type, mg_meta, mg_mma_vars, mg_created_at, mg_updated_at, mg_step_type, mg_payload, mg_delta) VALUES
    ('session:ledger-f', 'pass:test:ledger-fold', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('generation:ledger-f:with:colons', 'pass:test:ledger-fold', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('feedback:ledger-f', 'pass:test:ledger-fold', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('credit_transaction:ledger-f', 'pass:test:ledger-fold', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1),
    ('mma_step:ledger-f:with:colons:2147483647', 'pass:test:ledger-fold', NULL, NULL, NULL, NULL, NULL, 'postscan', '{"input": {}, "output": {}}', NULL),
    ('mma_event:ledger-f', 'pass:test:ledger-fold', NULL, '{"event_type": "tweak"}', NULL, NULL, NULL, NULL, NULL, NULL);
SELECT mg_id, mg_record_type, mg_session_id, mg_generation_id, mg_parent_id, mg_step_no, mg_mma_vars,
    mg_created_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute' AS created,
    mg_updated_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute' AS updated
FROM mega_generations WHERE mg_pass_id = 'pass:test:ledger-fold' ORDER BY mg_id COLLATE "C";
-- ids are bytes: unicode is welcome, and nothing is normalised
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_title) VALUES (U&'session:ledger-\00e9', 'pass:test:ledger-fold', 'naïve café ☕ 日本語'), (U&'session:ledger-e\0301', 'pass:test:ledger-fold', NULL);
SELECT mg_session_id, octet_length(mg_session_id), mg_title FROM mega_generations WHERE mg_id LIKE 'session:ledger-_%' AND octet_length(mg_session_id) > char_length(mg_session_id) ORDER BY mg_id COLLATE "C";
-- rows of one statement keep their order
INSERT INTO mega_generations (mg_id, mg_pass_id) SELECT 'session:ledger-order' || n, 'pass:test:ledger-fold' FROM generate_series(1, 50) n;
SELECT count(DISTINCT mg_created_at) > 1 AS clock_runs FROM mega_generations WHERE mg_id LIKE 'session:ledger-order%';

-- texts that are ids, references or reasons: at most 512 bytes, no control characters, not blank
SELECT column_name, what, left(pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, %I) VALUES (%L, ''pass:test:ledger-wide'', 1, %L)',
    column_name, 'credit_transaction:ledger-' || column_name || '-' || what, value)), 60)
FROM (VALUES ('mg_session_id'), ('mg_generation_id'), ('mg_parent_id'), ('mg_reason'), ('mg_ref_type'), ('mg_ref_id')) c(column_name),
    (VALUES ('longest', repeat('x', 512)), ('too long', repeat('x', 513)), ('bytes', repeat('€', 171)), ('blank', ' '), ('empty', ''),
        ('line break', E'a\nb'), ('delete', E'a\u007fb'), ('C1', E'a\u0085b'), ('unicode', 'käse 🧀')) v(what, value);
SELECT pg_temp.credits('pass:test:ledger-wide');

--
-- 23503: an unknown customer, also when the foreign key waits.
--
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('credit', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-n1', 'pass:test:nobody', 1)$$),
    ('session', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:ledger-n1', 'pass:test:nobody')$$),
    ('event', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:ledger-n1', 'pass:test:nobody', '{"event_type": "create"}')$$)
) v(what, statement);
ALTER TABLE mega_generations ALTER CONSTRAINT mega_generations_pass_id_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-n1', 'pass:test:nobody', 1)$$);
BEGIN;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-n2', 'pass:test:ledger-defer', 3);
INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:ledger-n2', 'pass:test:nobody');
COMMIT;
SELECT pg_temp.credits('pass:test:ledger-defer'), pg_temp.rows_of('pass:test:ledger-defer');
BEGIN;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-n2', 'pass:test:ledger-defer', 3);
COMMIT;
SELECT pg_temp.credits('pass:test:ledger-defer'), pg_temp.rows_of('pass:test:ledger-defer');
ALTER TABLE mega_generations ALTER CONSTRAINT mega_generations_pass_id_fkey NOT DEFERRABLE;

--
-- int4: deltas, balances and sums.
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-i1', 'pass:test:ledger-max', 2147483648);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES
    ('credit_transaction:ledger-i1', 'pass:test:ledger-max', 2147483647), ('credit_transaction:ledger-i2', 'pass:test:ledger-min', -2147483648);
SELECT pg_temp.credits('pass:test:ledger-max'), pg_temp.credits('pass:test:ledger-min');
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('above', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-i3', 'pass:test:ledger-max', 1)$$),
    ('below', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-i3', 'pass:test:ledger-min', -1)$$),
    ('one of two', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:ledger-i3', 'pass:test:ledger-a', 1), ('credit_transaction:ledger-i4', 'pass:test:ledger-max', 1)$$)
) v(what, statement);
COPY mega_generations (mg_id, mg_pass_id, mg_delta) FROM stdin (DELIMITER '|');
credit_transaction:ledger-i5|pass:test:ledger-min|2147483647
credit_transaction:ledger-i6|pass:test:ledger-min|2147483647
credit_transaction:ledger-i7|pass:test:ledger-min|2147483647
\.
-- a sum beyond int4 is fine while the balance is not
COPY mega_generations (mg_id, mg_pass_id, mg_delta) FROM stdin (DELIMITER '|');
credit_transaction:ledger-i5|pass:test:ledger-min|2147483647
credit_transaction:ledger-i6|pass:test:ledger-min|2147483647
\.
COPY mega_generations (mg_id, mg_pass_id, mg_delta) FROM stdin (DELIMITER '|');
credit_transaction:ledger-i8|pass:test:ledger-max|2147483647
credit_transaction:ledger-i9|pass:test:ledger-max|-2147483647
\.
SELECT pg_temp.credits('pass:test:ledger-max'), pg_temp.credits('pass:test:ledger-min'), pg_temp.rows_of('pass:test:ledger-max'), pg_temp.rows_of('pass:test:ledger-min');

--
-- Times have to be finite.
--
SELECT column_name, value, left(pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, %I) VALUES (''credit_transaction:ledger-time'', ''pass:test:ledger-a'', 1, %L)', column_name, value)), 70)
FROM (VALUES ('mg_created_at'), ('mg_updated_at'), ('mg_deleted_at')) c(column_name), (VALUES ('infinity'), ('-infinity')) v(value);
INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:ledger-time', 'pass:test:ledger-a');
INSERT INTO mega_admin (mg_id) VALUES ('admin_session:ledger-seen');
SELECT value, pg_temp.outcome(format('UPDATE mega_generations SET mg_deleted_at = %L WHERE mg_id = ''session:ledger-time''', value)) FROM unnest('{infinity,-infinity}'::text[]) value;
SELECT column_name, value, left(pg_temp.outcome(format('INSERT INTO mega_admin (mg_id, %I) VALUES (''admin_session:ledger-time'', %L)', column_name, value)), 70) AS inserted,
    left(pg_temp.outcome(format('UPDATE mega_admin SET %I = %L WHERE mg_id = ''admin_session:ledger-seen''', column_name, value)), 70) AS updated
FROM unnest('{mg_first_seen_at,mg_last_seen_at,mg_deleted_at,mg_created_at,mg_updated_at}'::text[]) column_name, unnest('{infinity,-infinity}'::text[]) value;

--
-- I9: the status moves forward only. Every pair, with and without an output.
--
CREATE TEMP TABLE moves AS
SELECT from_status, to_status, with_output, t AS position,
    pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status, mg_output_url) VALUES (%L, ''pass:test:ledger-state'', %L, %L)',
        'generation:ledger-' || coalesce(from_status, 'none') || '-' || to_status || '-' || with_output, from_status,
        CASE WHEN with_output THEN 'https://a.example/1' END)) AS made,
    left(pg_temp.outcome(format('UPDATE mega_generations SET mg_mma_status = %L WHERE mg_id = %L', to_status,
        'generation:ledger-' || coalesce(from_status, 'none') || '-' || to_status || '-' || with_output)), 5) AS moved
FROM unnest('{NULL,queued,scanning,prompting,generating,postscan,done,error}'::text[]) WITH ORDINALITY f(from_status, f),
    unnest('{queued,scanning,prompting,generating,postscan,done,error}'::text[]) WITH ORDINALITY t(to_status, t), (VALUES (false), (true)) o(with_output)
ORDER BY with_output, f, t;
SELECT from_status, with_output, string_agg(to_status, ' ' ORDER BY position) FILTER (WHERE moved = 'ok 1') AS may_move_to, string_agg(DISTINCT moved, ' ') FILTER (WHERE moved <> 'ok 1') AS else_gets
FROM moves WHERE made = 'ok 1' GROUP BY from_status, with_output
ORDER BY with_output, array_position('{queued,scanning,prompting,generating,postscan,done,error}', from_status);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:ledger-late', 'pass:test:ledger-state', 'error'), ('generation:ledger-back', 'pass:test:ledger-state', 'generating');
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('back', $$UPDATE mega_generations SET mg_mma_status = 'queued' WHERE mg_id = 'generation:ledger-back'$$),
    ('to nothing', $$UPDATE mega_generations SET mg_mma_status = NULL WHERE mg_id = 'generation:ledger-back'$$),
    ('to no status', $$UPDATE mega_generations SET mg_mma_status = 'lost' WHERE mg_id = 'generation:ledger-back'$$),
    ('late result without URL', $$UPDATE mega_generations SET mg_mma_status = 'done' WHERE mg_id = 'generation:ledger-late'$$),
    ('late result with URL', $$UPDATE mega_generations SET mg_mma_status = 'done', mg_output_url = 'https://a.example/late' WHERE mg_id = 'generation:ledger-late'$$),
    ('done is final', $$UPDATE mega_generations SET mg_mma_status = 'error' WHERE mg_id = 'generation:ledger-late'$$),
    ('mode once', $$UPDATE mega_generations SET mg_mma_mode = 'video' WHERE mg_id = 'generation:ledger-back'$$),
    ('mode twice', $$UPDATE mega_generations SET mg_mma_mode = 'still' WHERE mg_id = 'generation:ledger-back'$$),
    ('no mode again', $$UPDATE mega_generations SET mg_mma_mode = NULL WHERE mg_id = 'generation:ledger-back'$$),
    ('no such mode', $$UPDATE mega_generations SET mg_mma_mode = 'gif' WHERE mg_id = 'generation:ledger-late'$$),
    ('vars to nothing keeps them', $$UPDATE mega_generations SET mg_mma_vars = NULL, mg_created_at = NULL WHERE mg_id = 'generation:ledger-late'$$)
) v(what, statement);
SELECT mg_mma_status, mg_mma_mode, mg_mma_vars, mg_created_at IS NOT NULL AS dated FROM mega_generations WHERE mg_id IN ('generation:ledger-late', 'generation:ledger-back') ORDER BY mg_id COLLATE "C";

-- I1 at the end of it all
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:ledger-%';
