-- mg_meta.mega is mega's own key on customers and on every ledger row (I17): nobody else's write makes or changes it, by
-- whatever way it comes; every other key is the application's.
\set VERBOSITY terse
\pset null 'NULL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS mega;
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/outcome.psql'
\i :opening
-- What stands in the rows of this test, times left out.
CREATE FUNCTION pg_temp.stored(pattern text) RETURNS TABLE (id text, meta jsonb) LANGUAGE sql AS $$
    SELECT mg_pass_id, mg_meta FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:own-' || pattern UNION ALL
    SELECT mg_id, CASE WHEN mg_meta #>> '{mega,hold_expires_at}' IS NULL THEN mg_meta ELSE jsonb_set(mg_meta, '{mega,hold_expires_at}', '"<time>"') END
    FROM mega_generations WHERE mg_id LIKE '%own-' || pattern ORDER BY 1
$$;

--
-- Rows that are new: without the key, however the document is written.
--
INSERT INTO mega_customers (mg_pass_id, mg_meta) SELECT 'pass:test:own-' || n, meta FROM (VALUES
    (1, '{"mega": {"merged_into": "pass:test:own-2"}}'::jsonb), (2, '{"a": 1, "mega": {"lots": []}, "z": {"mega": 1}}'), (3, '{}'), (4, NULL), (5, '["mega"]'), (6, '"mega"'), (7, '{"\u006dega": 1, "mega": 2, "mega ": 3, "Mega": 4}'), (8, '{"mega": null}')) v(n, meta);
SELECT * FROM pg_temp.stored('_');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_delta, mg_reason, mg_status, mg_step_type, mg_payload, mg_meta) VALUES
    ('session:own-a', NULL, 'pass:test:own-1', NULL, NULL, NULL, NULL, NULL, NULL, '{"mega": {"from": "x"}}'),
    ('generation:own-a', NULL, 'pass:test:own-1', NULL, NULL, NULL, NULL, NULL, NULL, '{"mega": {"claim": 1}, "kept": true}'),
    ('feedback:own-a', NULL, 'pass:test:own-1', NULL, NULL, NULL, NULL, NULL, NULL, '{"mega": 7}'),
    ('credit_transaction:own-a', NULL, 'pass:test:own-1', NULL, 100, 'grant', NULL, NULL, NULL, '{"mega": {"ends": 1}}'),
    ('credit_transaction:hold:own-a', NULL, 'pass:test:own-1', NULL, -1, 'hold', 'pending', NULL, NULL, '{"mega": {"hold_expires_at": "2020-01-01T00:00:00Z"}}'),
    ('mma_step:own-a:0', NULL, 'pass:test:own-1', NULL, NULL, NULL, NULL, 'scan', '{"input": {}, "output": {}}', '{"mega": {"from": "x"}}'),
    ('mma_event:own-a', NULL, 'pass:test:own-1', NULL, NULL, NULL, NULL, NULL, NULL, '{"event_type": "like", "payload": {"tag": "own", "mega": 1}, "mega": {"from": "x", "u": "https://a.example/x?X-Amz-Signature=1"}}');
SELECT * FROM pg_temp.stored('a%');
SELECT count(*) >= 0 AS swept FROM mega_release_expired_holds();
SELECT mg_status FROM mega_generations WHERE mg_id = 'credit_transaction:hold:own-a';
COPY mega_customers (mg_pass_id, mg_meta) FROM stdin (DELIMITER '|');
pass:test:own-copy1|{"mega": {"merged_into": "pass:test:own-2"}, "a": 1}
pass:test:own-copy2|{}
\.
COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) FROM stdin (DELIMITER '|');
credit_transaction:own-copy1|pass:test:own-1|1|{"mega": {"refund_of": "x"}, "a": 1}
credit_transaction:own-copy2|pass:test:own-1|1|\N
\.
SELECT * FROM pg_temp.stored('copy%');
-- every function that takes a document: the key is not the caller's to give
SELECT mg_credits FROM mega_record_credit('pass:test:own-1', 50, 'grant', txn_id => 'own-f1', meta => '{"mega": {"ends": 1}, "a": 1}');
SELECT written FROM mega_record_credits('[{"pass_id": "pass:test:own-1", "delta": 1, "reason": "grant", "txn_id": "own-f2", "meta": {"mega": {"refund_of": "own-f1"}, "a": 1}}, {"pass_id": "pass:test:own-1", "delta": 1, "reason": "grant", "txn_id": "own-f3", "meta": {"mega": []}}]');
SELECT mg_credits FROM mega_hold_credit('pass:test:own-1', 1, 'own-f4', meta => '{"mega": {"hold_expires_at": "2999-01-01T00:00:00Z", "ends": 1}, "hold_expires_at": "mine"}');
SELECT created FROM mega_start_session('pass:test:own-1', 'own-f5', meta => '{"mega": {"from": "x"}, "a": 1}');
SELECT created FROM mega_create_generation('pass:test:own-1', 'own-f6', meta => '{"mega": {"from": "x"}, "a": 1}', vars => '{"mega": "a variable"}');
SELECT mg_mma_status FROM mega_update_generation('own-f6', 'scanning', fields => '{"meta": {"mega": {"from": "x"}, "b": 1}}');
SELECT mg_mma_status FROM mega_complete_generation('own-f6', 'https://assets.example/own.png', fields => '{"meta": {"mega": 1, "c": 1}}');
SELECT mg_step_no FROM mega_append_mma_step('own-f6', 'scan', '{"mega": 1}', '{"mega": 2}');
SELECT replayed FROM mega_record_mma_event('pass:test:own-1', 'like', '{"mega": {"from": "x"}}', event_id => 'own-f7');
SELECT mg_credits FROM mega_record_topup('pass:test:own-1', 2, 5, 'order', 'own-f8');
SELECT mg_credits FROM mega_record_credit('pass:test:own-1', -7, 'spend', txn_id => 'own-f9');
SELECT mg_credits FROM mega_refund_credit('own-f9', 'own-f10', 3);
SELECT pg_temp.outcome($$SELECT mega_ensure_customer('pass:test:own-1', profile => '{"mega": {"merged_into": "pass:test:own-2"}}')$$) AS profile,
    pg_temp.outcome($$SELECT mega_start_session('pass:test:own-1', client => '{"mega": 1}')$$) AS client,
    pg_temp.outcome($$SELECT mega_update_generation('own-f6', fields => '{"mega": 1}')$$) AS fields;
SELECT * FROM pg_temp.stored('f%');
SELECT mg_meta FROM mega_generations WHERE mg_ref_id = 'own-f8';

--
-- A key that is there stays as it is, silently, whatever an UPDATE writes. Mega's functions make it; where none of them
-- does yet, the triggers are off for a moment.
--
CREATE FUNCTION pg_temp.own(id text, meta jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE mega_customers SET mg_meta = meta WHERE mg_pass_id = id;
    UPDATE mega_generations SET mg_meta = meta WHERE mg_id = id;
    SET LOCAL session_replication_role = origin;
END
$$;
SELECT pg_temp.own(id, '{"mega": {"n": 1.50, "deep": [{"x": null}]}, "mine": 1}') FROM unnest('{pass:test:own-1,session:own-a,generation:own-a,feedback:own-a,credit_transaction:own-a,mma_step:own-a:0}'::text[]) id;
SELECT pg_temp.own('mma_event:own-a', '{"event_type": "like", "payload": {"tag": "own"}, "mega": {"n": 1}}');
CREATE TEMP TABLE changes (n integer, what text, change text);
INSERT INTO changes VALUES (1, 'other value', $$mg_meta || '{"mega": {"n": 2}}'$$), (2, 'a part of it', $$jsonb_set(mg_meta, '{mega,n}', '2')$$), (3, 'removed', $$mg_meta - 'mega'$$), (4, 'emptied', $$'{}'$$), (5, 'NULL', 'NULL'),
    (6, 'an array', $$'["mega"]'$$), (7, 'a string', $$'"mega"'$$), (8, 'JSON null', $$'null'$$), (9, 'as it is', 'mg_meta'), (10, 'mine', $$'{"mine": 2}'$$), (11, 'mine and mega''s', $$'{"mega": null, "mine": {"a": [1, 2]}}'$$);
-- in both modes
CREATE FUNCTION pg_temp.updated(relation regclass, id text, change text, OUT said text, OUT meta jsonb) LANGUAGE plpgsql AS $$
BEGIN
    said := pg_temp.outcome(format('UPDATE %s SET mg_meta = %s WHERE %I = %L', relation, change, CASE relation WHEN 'mega_customers'::regclass THEN 'mg_pass_id' ELSE 'mg_id' END, id));
    EXECUTE format('SELECT mg_meta FROM %s WHERE %I = %L', relation, CASE relation WHEN 'mega_customers'::regclass THEN 'mg_pass_id' ELSE 'mg_id' END, id) INTO meta;
END
$$;
SELECT what, u.* FROM changes, LATERAL pg_temp.updated('mega_customers', 'pass:test:own-1', change) u ORDER BY n;
SET mega.derived_writes = 'ignore';
SELECT what, u.* FROM changes, LATERAL pg_temp.updated('mega_customers', 'pass:test:own-1', change) u ORDER BY n;
RESET mega.derived_writes;
SELECT what, u.* FROM changes, LATERAL pg_temp.updated('mega_generations', 'credit_transaction:own-a', change) u ORDER BY n;
SELECT what, u.* FROM changes, LATERAL pg_temp.updated('mega_generations', 'generation:own-a', change) u ORDER BY n;
SELECT what, u.* FROM changes, LATERAL pg_temp.updated('mega_generations', 'session:own-a', change) u WHERE n <= 5 ORDER BY n;
-- where mg_meta is a fact, a write of the key alone changes nothing and is none
SELECT id, what, left(said, 90) AS said, meta FROM unnest('{feedback:own-a,mma_step:own-a:0,mma_event:own-a,credit_transaction:hold:own-f4}'::text[]) id, changes, LATERAL pg_temp.updated('mega_generations', id, change) u WHERE n IN (1, 2, 3, 10) AND id !~ 'f4' ORDER BY id, n;
SELECT what, left(said, 90) AS said FROM changes, LATERAL pg_temp.updated('mega_generations', 'credit_transaction:hold:own-f4', change) u WHERE n IN (1, 3, 4, 5, 10) ORDER BY n;
SELECT * FROM pg_temp.stored('f4');
-- where there is none, none comes, and what is no object may stand
SELECT what, u.* FROM changes, LATERAL pg_temp.updated('mega_customers', 'pass:test:own-2', change) u WHERE n IN (1, 2, 5, 6, 7, 11) ORDER BY n;
-- an upsert, MERGE, and a change of another column
INSERT INTO mega_customers (mg_pass_id, mg_meta) VALUES ('pass:test:own-1', '{"mega": {"n": 9}, "upsert": 1}') ON CONFLICT (mg_pass_id) DO UPDATE SET mg_meta = excluded.mg_meta;
INSERT INTO mega_customers (mg_pass_id, mg_meta) VALUES ('pass:test:own-3', '{"mega": {"n": 9}, "upsert": 1}') ON CONFLICT (mg_pass_id) DO UPDATE SET mg_meta = mega_customers.mg_meta || '{"mega": 1, "upsert": 2}';
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES ('credit_transaction:own-a', 'pass:test:own-1', 100, '{"mega": {"n": 9}, "upsert": 1}') ON CONFLICT (mg_id) DO UPDATE SET mg_meta = excluded.mg_meta;
SELECT * FROM pg_temp.stored('1'), pg_temp.stored('3') c (other, its_meta);
MERGE INTO mega_customers c USING (VALUES ('pass:test:own-1'), ('pass:test:own-merge')) v(id) ON c.mg_pass_id = v.id
WHEN MATCHED THEN UPDATE SET mg_meta = '{"mega": {"n": 9}, "merge": 1}' WHEN NOT MATCHED THEN INSERT (mg_pass_id, mg_meta) VALUES (id, '{"mega": {"n": 9}, "merge": 1}');
MERGE INTO mega_generations g USING (VALUES ('credit_transaction:own-a'), ('credit_transaction:own-amerge')) v(id) ON g.mg_id = v.id
WHEN MATCHED THEN UPDATE SET mg_meta = '{"mega": {"n": 9}, "merge": 1}' WHEN NOT MATCHED THEN INSERT (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES (id, 'pass:test:own-1', 1, '{"mega": {"n": 9}, "merge": 1}');
UPDATE mega_customers SET mg_display_name = 'x' WHERE mg_pass_id = 'pass:test:own-1';
SELECT * FROM pg_temp.stored('1'), pg_temp.stored('merge') c (other, its_meta);
SELECT * FROM pg_temp.stored('a') WHERE id ~ 'credit';
SELECT * FROM pg_temp.stored('amerge');
-- functions leave it as well: of a generation they write every key but this one
SELECT mg_mma_status FROM mega_update_generation('own-a', 'queued', fields => '{"meta": {"mega": {"n": 9}, "fields": 1}}');
SELECT mg_meta FROM mega_generations WHERE mg_id = 'generation:own-a';
SELECT mg_mma_status FROM mega_update_generation('own-a', 'scanning', fields => '{"meta": null}');
SELECT mg_meta FROM mega_generations WHERE mg_id = 'generation:own-a';
SELECT mg_credits >= 0 AS found FROM mega_ensure_customer('pass:test:own-1', email => 'own@example.com');
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = 'pass:test:own-1';
-- a large document, moved out of its row
UPDATE mega_customers SET mg_meta = (SELECT jsonb_object_agg('k' || n, md5(n::text)) FROM generate_series(1, 2000) n) WHERE mg_pass_id = 'pass:test:own-1';
SELECT pg_column_size(mg_meta) > 10000 AS large, mg_meta -> 'mega' AS own FROM mega_customers WHERE mg_pass_id = 'pass:test:own-1';
UPDATE mega_customers SET mg_meta = mg_meta - 'mega' || '{"more": 1}' WHERE mg_pass_id = 'pass:test:own-1';
UPDATE mega_customers SET mg_display_name = 'y' WHERE mg_pass_id = 'pass:test:own-1';
INSERT INTO mega_customers (mg_pass_id, mg_meta) SELECT 'pass:test:own-large', mg_meta FROM mega_customers WHERE mg_pass_id = 'pass:test:own-1';
SELECT mg_pass_id, (SELECT count(*) FROM jsonb_object_keys(mg_meta)) AS keys, mg_meta -> 'mega' AS own FROM mega_customers WHERE mg_pass_id IN ('pass:test:own-1', 'pass:test:own-large') ORDER BY 1;

--
-- What mega reads there is nobody else's word: no key of a row makes one customer another.
--
SELECT pg_temp.outcome($$UPDATE mega_customers SET mg_meta = '{"merged_into": "pass:test:own-1", "mega": {"merged_into": "pass:test:own-1"}}' WHERE mg_pass_id = 'pass:test:own-2'$$);
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:own-2', user_id => '0a000000-0000-4000-8000-00000000000b');
SELECT mg_pass_id FROM mega_ensure_customer(user_id => '0a000000-0000-4000-8000-00000000000b');
SELECT pg_temp.own('pass:test:own-2', '{"mega": {"merged_into": "pass:test:own-1"}}');
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:own-2');
-- refunds are counted by what mega noted, not by what looks like one
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_meta) VALUES
    ('credit_transaction:refund:own-g1', 'pass:test:own-1', 7, 'refund', 'refund', 'own-g1', '{"refund_of": "own-f9", "mega": {"refund_of": "own-f9"}}');
SELECT replayed FROM mega_refund_credit('own-f9', 'own-g2', 4);
SELECT pg_temp.outcome($$SELECT mega_refund_credit('own-f9', 'own-g3', 1)$$);
-- nor does a refund's own reference hide it
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_meta = '{}' WHERE mg_ref_type = 'refund' AND mg_ref_id LIKE 'own-%'$$);
SELECT pg_temp.outcome($$SELECT mega_refund_credit('own-f9', 'own-g3', 1)$$);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT sum(mg_delta) FROM mega_generations WHERE mg_meta #>> '{mega,refund_of}' = 'own-f9';
RESET enable_seqscan;
RESET enable_bitmapscan;
-- a change of mg_meta stays HOT: nothing on customers leads through it
SELECT indexname FROM pg_indexes WHERE tablename = 'mega_customers' AND indexdef ~ 'mg_meta';

--
-- Triggers of others, before and behind mega's. Theirs is a write like any.
--
CREATE FUNCTION pg_temp.forge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.mg_meta := coalesce(NEW.mg_meta, '{}') || '{"mega": {"merged_into": "pass:test:own-3", "refund_of": "own-f1"}}';
    RETURN NEW;
END
$$;
CREATE FUNCTION pg_temp.try_all() RETURNS TABLE (what text, said text) LANGUAGE sql AS $$
    SELECT what, pg_temp.outcome(statement) FROM (VALUES
        (1, 'customer', $s$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:own-t' || nextval('own_numbers'))$s$),
        (2, 'customer, changed', $s$UPDATE mega_customers SET mg_display_name = 'z' WHERE mg_pass_id IN ('pass:test:own-3', 'pass:test:own-merge')$s$),
        (3, 'ensured', $s$SELECT mega_ensure_customer('pass:test:own-e' || nextval('own_numbers'))$s$),
        (4, 'row', $s$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:own-t' || nextval('own_numbers'), 'pass:test:own-4', 10)$s$),
        (5, 'row, changed', $s$UPDATE mega_generations SET mg_error = '{}' WHERE mg_id IN ('credit_transaction:own-a', 'credit_transaction:own-copy1')$s$),
        (6, 'credit', $s$SELECT mega_record_credit('pass:test:own-4', 10, 'grant', meta => '{"mine": 1}')$s$),
        (7, 'hold', $s$SELECT mega_hold_credit('pass:test:own-4', 1, 'own-t' || nextval('own_numbers'), '1 microsecond')$s$),
        (8, 'generation', $s$SELECT mega_create_generation('pass:test:own-4')$s$)) v(n, what, statement) ORDER BY n
$$;
CREATE TEMP SEQUENCE own_numbers;
CREATE FUNCTION pg_temp.forged() RETURNS bigint LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM mega_customers WHERE mg_meta #>> '{mega,merged_into}' = 'pass:test:own-3') + (SELECT count(*) FROM mega_generations WHERE mg_meta #>> '{mega,merged_into}' = 'pass:test:own-3')
$$;
CREATE TRIGGER aa_forge BEFORE INSERT OR UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION pg_temp.forge();
CREATE TRIGGER aa_forge BEFORE INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION pg_temp.forge();
SELECT * FROM pg_temp.try_all();
SELECT pg_temp.forged();
ALTER TRIGGER aa_forge ON mega_customers RENAME TO zz_forge;
ALTER TRIGGER aa_forge ON mega_generations RENAME TO zz_forge;
SELECT what, regexp_replace(said, '\[[0-9]+\]|own-[te][0-9]+', '<id>') AS said FROM pg_temp.try_all();
SELECT pg_temp.forged();
DROP TRIGGER zz_forge ON mega_customers;
DROP TRIGGER zz_forge ON mega_generations;
-- what mega itself writes there is stored as it is, or not at all
CREATE FUNCTION pg_temp.strip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.mg_meta := NEW.mg_meta - ''mega''; RETURN NEW; END';
CREATE TRIGGER zz_strip BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION pg_temp.strip();
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:own-4', 1, 'own-s1')$$) AS behind, pg_temp.outcome($$SELECT mega_record_credit('pass:test:own-4', 1, 'grant')$$) AS no_key;
ALTER TRIGGER zz_strip ON mega_generations RENAME TO aa_strip;
SELECT pg_temp.outcome($$SELECT mega_hold_credit('pass:test:own-4', 1, 'own-s1')$$) AS before;
DROP TRIGGER aa_strip ON mega_generations;
-- the same of a row that is there: a lot that ends
SELECT mg_credits FROM mega_record_credit('pass:test:own-4', 5, 'grant', expires_at => clock_timestamp() + interval '20 ms', txn_id => 'own-s2') \gset before_
SELECT pg_sleep(0.03);
CREATE TRIGGER zz_strip BEFORE UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION pg_temp.strip();
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:own-4', 1, 'grant')$$) AS behind;
ALTER TRIGGER zz_strip ON mega_generations RENAME TO aa_strip;
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:own-4', 1, 'grant')$$) AS before;
DROP TRIGGER aa_strip ON mega_generations;
SELECT mg_credits - :before_mg_credits AS ended FROM mega_record_credit('pass:test:own-4', 1, 'grant');
SELECT mg_meta #> '{mega,ended}' AS ended FROM mega_generations WHERE mg_id = 'credit_transaction:own-s2';
-- one that writes a row of its own while a function writes the same: it does not borrow the function's key
CREATE FUNCTION pg_temp.borrow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_id LIKE '%hold:own-b%' AND pg_trigger_depth() = 1 THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_status, mg_meta) VALUES (CASE WHEN NEW.mg_id ~ 'same' THEN NEW.mg_id ELSE NEW.mg_id || '-other' END, NEW.mg_pass_id, NEW.mg_delta, NEW.mg_reason, NEW.mg_status, NEW.mg_meta);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER zz_borrow BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION pg_temp.borrow();
SELECT replayed FROM mega_hold_credit('pass:test:own-4', 1, 'own-b1');
SELECT replayed FROM mega_hold_credit('pass:test:own-4', 1, 'own-b-same');
ALTER TRIGGER zz_borrow ON mega_generations RENAME TO aa_borrow;
SELECT replayed FROM mega_hold_credit('pass:test:own-4', 1, 'own-b2');
SELECT replayed FROM mega_hold_credit('pass:test:own-4', 1, 'own-b2-same');
SELECT * FROM pg_temp.stored('b%');
DROP TRIGGER aa_borrow ON mega_generations;
-- one that leaves it alone costs nothing but the direct path
CREATE FUNCTION pg_temp.harmless() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.mg_meta := NEW.mg_meta || ''{"touched": 1}''; RETURN NEW; END';
CREATE TRIGGER zz_harmless BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION pg_temp.harmless();
SELECT mg_credits >= 0 AS held FROM mega_hold_credit('pass:test:own-4', 1, 'own-h1');
SELECT * FROM pg_temp.stored('h1');
DROP TRIGGER zz_harmless ON mega_generations;
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:own-%';

-- An application's document that is no object goes on under "value" when mega notes something; an empty list says nothing.
INSERT INTO mega_customers (mg_pass_id, mg_meta) SELECT 'pass:test:own-v' || n, meta FROM (VALUES (1, '[1, {"a": 2}]'::jsonb), (2, '"text"'), (3, '7'), (4, '[]'), (5, 'null'), (6, 'false')) v(n, meta);
SELECT count(mega_record_credit('pass:test:own-v' || n, 5, 'grant', expires_at => '2100-01-01')) FROM generate_series(1, 6) n;
SELECT mg_pass_id, mg_meta - 'mega' AS mg_meta, jsonb_array_length(mg_meta #> '{mega,lots}') AS lots FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:own-v%' ORDER BY 1;

--
-- Adoption: a key that tables bring along is not mega's. It is renamed once, and told.
--
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_own TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_own
SET client_min_messages = warning;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer NOT NULL DEFAULT 0, mg_meta jsonb);
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text NOT NULL, mg_pass_id text, mg_delta integer, mg_reason text, mg_ref_type text, mg_ref_id text, mg_meta jsonb);
INSERT INTO mega_customers (mg_pass_id, mg_meta) VALUES ('pass:test:1', '{"mega": {"merged_into": "pass:test:2"}, "a": 1}'), ('pass:test:2', '{"a": 1}'), ('pass:test:3', '["mega"]'), ('pass:test:4', NULL), ('pass:test:5', '{"mega": 1, "mega_before": 2}'), ('pass:test:6', '"mega"');
INSERT INTO mega_generations VALUES ('credit_transaction:1', 'credit_transaction', 'pass:test:1', -5, 'spend', NULL, NULL, '{}'), ('credit_transaction:2', 'credit_transaction', 'pass:test:1', 5, 'refund', 'refund', '2', '{"mega": {"refund_of": "1"}}');
SET mega.install = off;
CREATE EXTENSION mega;
SELECT object, action, detail FROM mega_install(dry_run => true) WHERE action IN ('rename key', 'rename index');
SELECT mg_meta FROM mega_customers WHERE mg_meta::text ~ 'mega' ORDER BY mg_pass_id;
DROP EXTENSION mega;
RESET mega.install;
CREATE EXTENSION mega;
SELECT mg_pass_id, mg_meta FROM mega_customers ORDER BY 1;
SELECT mg_id, mg_meta FROM mega_generations ORDER BY 1;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:1');
SELECT mg_credits FROM mega_refund_credit('1', '3', 5);
-- what mega wrote since is its own, however often it comes back
SELECT mega_install();
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
UPDATE mega_customers SET mg_meta = '{"mega": {"merged_into": "pass:test:2"}}' WHERE mg_pass_id = 'pass:test:4'; -- the owner, without mega
CREATE EXTENSION mega;
SELECT mg_id, mg_meta FROM mega_generations WHERE mg_id ~ 'refund' ORDER BY 1;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:4');
-- nor is it another's when the ledger has to be made anew: the customers are on guard
DROP TABLE mega_generations;
SELECT action FROM mega_install() WHERE action = 'rename key';
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = 'pass:test:4';
-- nor in a ledger that was built anew, nor where tables were restored without their indexes and triggers
SELECT mg_credits FROM mega_record_credit('pass:test:1', 50, 'grant', txn_id => 'kept', expires_at => '2100-01-01');
SELECT mg_credits FROM mega_record_credit('pass:test:1', -20, 'spend', txn_id => 'spent');
SELECT mg_credits FROM mega_refund_credit('spent', 'r1', 15);
BEGIN;
CREATE TABLE built (LIKE mega_generations INCLUDING ALL);
INSERT INTO built SELECT * FROM mega_generations;
DROP TABLE mega_generations;
ALTER TABLE built RENAME TO mega_generations;
COMMIT;
SELECT action FROM mega_install() WHERE action = 'rename key';
CREATE TABLE restored_customers (LIKE mega_customers INCLUDING CONSTRAINTS INCLUDING DEFAULTS);
CREATE TABLE restored_generations (LIKE mega_generations INCLUDING CONSTRAINTS INCLUDING DEFAULTS);
INSERT INTO restored_customers SELECT * FROM mega_customers;
INSERT INTO restored_generations SELECT * FROM mega_generations;
DROP TABLE mega_generations, mega_admin, mega_customers;
ALTER TABLE restored_customers RENAME TO mega_customers;
ALTER TABLE restored_generations RENAME TO mega_generations;
SELECT action FROM mega_install() WHERE action = 'rename key';
SELECT remaining FROM mega_credit_lots('pass:test:1');
\set VERBOSITY default
SELECT mega_refund_credit('spent', 'r2', 15);
\set VERBOSITY terse
-- large tables are renamed before the lock; the report has the command to do it in parts before
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
DROP TABLE mega_generations, mega_customers, mega_admin;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_meta jsonb);
INSERT INTO mega_customers SELECT 'pass:test:' || n, jsonb_build_object('pad', repeat('x', 400), CASE WHEN n % 1000 = 0 THEN 'mega' ELSE 'mine' END, n) FROM generate_series(1, 10000) n;
CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text, mg_pass_id text, mg_delta integer, mg_status text, mg_meta jsonb);
INSERT INTO mega_generations SELECT 'credit_transaction:' || n, 'credit_transaction', 'pass:test:' || n, 1, NULL, jsonb_build_object('pad', repeat('x', 400), CASE WHEN n % 5000 = 0 THEN 'mega' ELSE 'mine' END, n) FROM generate_series(1, 10000) n;
-- an index of the same work gets the name by which mega knows its ledger
CREATE INDEX "Theirs" ON mega_generations (mg_pass_id) WHERE mg_record_type = 'credit_transaction' AND mg_status = 'pending' AND starts_with(mg_id COLLATE "C", 'credit_transaction:hold:');
SET mega.install = off;
CREATE EXTENSION mega;
SELECT object, action, left(detail, 150) AS detail FROM mega_install(dry_run => true) WHERE action IN ('rename key', 'rename index') ORDER BY 1;
SELECT object, action, detail FROM mega_install() WHERE action IN ('rename key', 'rename index') ORDER BY 1;
SELECT count(*) FILTER (WHERE mg_meta ? 'mega') AS mega, count(*) FILTER (WHERE mg_meta ? 'mega_before') AS before FROM (SELECT mg_meta FROM mega_customers UNION ALL SELECT mg_meta FROM mega_generations) t;
SELECT indexname FROM pg_indexes WHERE indexname ~* 'theirs|pending_hold';
SELECT count(*) FROM mega_install() WHERE action LIKE 'rename %';
-- a name that something else has
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
DROP INDEX mega_generations_pending_hold;
CREATE TABLE mega_generations_pending_hold ();
CREATE EXTENSION mega;
SELECT pg_catalog.count(*) FROM mega_install();
DROP TABLE mega_generations_pending_hold;
UPDATE mega_generations SET mg_meta = '{"mega": 1}' WHERE mg_id = 'credit_transaction:1';
SELECT object, detail FROM mega_install() WHERE action = 'rename key';
RESET mega.install;
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_mega_own;
