-- The store's contract: each of its operations, through both stores, on tables of every shape. What was answered, the
-- errors and the rows that stand there afterwards are those of the direct store on mega's own tables. In a database of
-- its own.
\pset null NULL
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_store TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_store
SET client_min_messages = error; -- what adoption has to say is told elsewhere
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET mega.write_path = auto;

-- Which operation of the store each call is to reach; the calls run in this order.
CREATE TABLE public.call (number integer GENERATED ALWAYS AS IDENTITY, operation text, statement text);
INSERT INTO public.call (operation, statement) VALUES
    ('find_customers, insert_customer', $$SELECT * FROM mega_ensure_customer('pass:test:a', email => 'a@example.com')$$),
    ('find_customers, insert_customer', $$SELECT * FROM mega_ensure_customer(shopify_customer_id => '77', profile => '{"locale": "de"}')$$),
    ('claim_identity', $$SELECT * FROM mega_ensure_customer('pass:test:a', user_id => '00000000-0000-4000-8000-000000000001')$$),
    ('claim_identity, taken', $$SELECT * FROM mega_ensure_customer('pass:test:a', shopify_customer_id => '77')$$),
    ('insert_customer by a raw row', $$INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:' || n FROM unnest('{b,c,off,over,ends}'::text[]) n$$),
    ('raw change', $$UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:off'$$),
    ('lock_customer, append_movement', $$SELECT * FROM mega_record_credit('pass:test:a', 100, 'grant', 'shop', 'order', '1', 't1', meta => '{"k": [1, null]}')$$),
    ('read_record', $$SELECT * FROM mega_record_credit('pass:test:a', 100, 'grant', 'shop', 'order', '1', 't1')$$),
    ('read_by_reference', $$SELECT * FROM mega_record_credit('pass:test:a', 100, 'grant', 'shop', 'order', '1')$$),
    ('read_by_reference, other content', $$SELECT * FROM mega_record_credit('pass:test:b', 100, 'grant', 'shop', 'order', '1')$$),
    ('lock_customer, none', $$SELECT * FROM mega_record_credit('pass:test:nobody', 1, 'grant')$$),
    ('append_movement, uncovered', $$SELECT * FROM mega_record_credit('pass:test:a', -101, 'spend')$$),
    ('append_movement, allowed below zero', $$SELECT * FROM mega_record_credit('pass:test:over', -5, 'spend', txn_id => 't2', allow_negative => true)$$),
    ('append_movement, disabled', $$SELECT * FROM mega_record_credit('pass:test:off', -1, 'spend')$$),
    ('append_movement, no room', $$SELECT * FROM mega_record_credit('pass:test:a', 2147483647, 'grant', txn_id => 't3')$$),
    ('balance and end in one change', $$SELECT * FROM mega_record_credit('pass:test:ends', 30, 'grant', txn_id => 't4', expires_at => '2099-01-01')$$),
    ('another end', $$SELECT * FROM mega_record_credit('pass:test:ends', 3, 'grant', txn_id => 't5', expires_at => '2098-01-01')$$),
    ('raw change', $$UPDATE mega_customers SET mg_expires_at = '2019-01-01' WHERE mg_pass_id IN ('pass:test:ends', 'pass:test:over')$$),
    ('expiry: balance and end in one change', $$SELECT * FROM mega_record_credit('pass:test:ends', 4, 'grant', txn_id => 't6')$$),
    ('expiry of nothing', $$SELECT * FROM mega_expire_credits()$$),
    ('append_one_of_many, may_have', $$SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:b", "delta": 9, "reason": "grant", "txn_id": "m1"},
        {"pass_id": "pass:test:a", "delta": -4, "reason": "spend", "ref_type": "job", "ref_id": "j1"}, {"pass_id": "pass:test:b", "delta": -2, "reason": "spend", "txn_id": "m2", "expires_at": null},
        {"pass_id": "pass:test:b", "delta": 9, "reason": "grant", "txn_id": "m1"}, {"pass_id": "pass:test:a", "delta": 100, "reason": "grant", "txn_id": "t1", "ref_type": "order", "ref_id": "1"},
        {"pass_id": "pass:test:c", "delta": 5, "reason": "grant", "txn_id": "m3", "expires_at": "2099-02-02"}]')$$),
    ('append_one_of_many, expiry first', $$SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:over", "delta": 6, "reason": "grant", "txn_id": "m4"}, {"pass_id": "pass:test:over", "delta": -1, "reason": "spend", "txn_id": "m5"}]')$$),
    ('append_one_of_many, uncovered on the way', $$SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:b", "delta": -8, "reason": "spend", "txn_id": "m6"}, {"pass_id": "pass:test:b", "delta": 100, "reason": "grant", "txn_id": "m7"}]')$$),
    ('append_one_of_many, one key of each of two rows', $$SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:a", "delta": 100, "reason": "grant", "txn_id": "m1", "ref_type": "order", "ref_id": "1"}]')$$),
    ('append_one_of_many, below zero behind a spend that is covered', $$SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:c", "delta": -5, "reason": "spend", "txn_id": "m8"}, {"pass_id": "pass:test:c", "delta": -9, "reason": "spend", "txn_id": "m9", "allow_negative": true}]')$$),
    ('append_movement of a hold', $$SELECT * FROM mega_hold_credit('pass:test:a', 10, 'h1', meta => '{"for": "x"}')$$),
    ('append_movement of a hold', $$SELECT (mega_hold_credit('pass:test:a', h, 'h' || h, '1 microsecond')).mg_credits FROM generate_series(2, 4) h$$),
    ('settle_hold', $$SELECT * FROM mega_capture_credit('h1', 7)$$),
    ('settle_hold, done', $$SELECT * FROM mega_capture_credit('h1', 7)$$),
    ('settle_hold of many', $$SELECT hold_id, amount FROM mega_release_expired_holds()$$),
    ('settle_hold, released before', $$SELECT * FROM mega_capture_credit('h2')$$),
    ('refund', $$SELECT * FROM mega_refund_credit('hold:h1', 'r1', 3)$$),
    ('two customers', $$SELECT * FROM mega_transfer_credit('pass:test:a', 'pass:test:b', 12, 'x1')$$),
    ('two customers, done', $$SELECT * FROM mega_transfer_credit('pass:test:a', 'pass:test:b', 12, 'x1')$$),
    ('change_customer', $$SELECT * FROM mega_record_topup('pass:test:c', 2, 10, 'shop', 'o1', expires_at => '2099-03-03')$$),
    ('append', $$SELECT * FROM mega_create_generation('pass:test:a', 'g1', 'still', 'image', vars => '{"a": 1}')$$),
    ('append, another customer''s', $$SELECT * FROM mega_create_generation('pass:test:b', 'g1')$$),
    ('append, no such parent', $$SELECT * FROM mega_create_generation('pass:test:b', 'g2', parent_generation_id => 'g9')$$),
    ('lock_record, change_generation', $$SELECT * FROM mega_update_generation('g1', 'scanning', '{"b": null, "c": 2.50}', '{"title": "T"}')$$),
    ('change_generation, backwards', $$SELECT * FROM mega_update_generation('g1', 'queued')$$),
    ('last_step', $$SELECT * FROM mega_append_mma_step('g1', 'scan', '{"i": 1}', '{"o": 2}', mma_status => 'prompting')$$),
    ('last_step', $$SELECT * FROM mega_append_mma_step('g1', 'read', error => '"broken"')$$),
    ('append of a step, taken', $$SELECT * FROM mega_append_mma_step('g1', 'scan', '{"i": 2}', at_step => 0)$$),
    ('append of an event', $$SELECT preferences, replayed FROM mega_record_mma_event('pass:test:a', 'like', '{"tags": ["x", "y"]}', 'g1', 'e1', '2020-01-02')$$),
    ('append of an event, late', $$SELECT preferences, replayed FROM mega_record_mma_event('pass:test:a', 'preference_set', '{"tag_weights": {"x": 3}}', event_id => 'e2', created_at => '2020-01-01')$$),
    ('append of an event, done', $$SELECT preferences, replayed FROM mega_record_mma_event('pass:test:a', 'like', '{"tags": ["x", "y"]}', 'g1', 'e1', '2020-01-02')$$),
    ('append of an event, another customer''s generation', $$SELECT * FROM mega_record_mma_event('pass:test:b', 'like', '{"tag": "x"}', 'g1')$$),
    ('raw rows beside', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw1', 'pass:test:b', 5), ('credit_transaction:raw2', 'pass:test:a', -5), ('credit_transaction:raw3', 'pass:test:b', 1)$$),
    ('a raw row with the key', $$SELECT * FROM mega_record_credit('pass:test:b', 5, 'grant', txn_id => 'raw1')$$),
    ('the books', $$SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id <> 'pass:test:old' UNION ALL SELECT mg_pass_id, 0, 0 FROM mega_reconcile_preferences()$$);

CREATE FUNCTION public.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows jsonb;
    said text;
    detail text;
    hint text;
BEGIN
    IF statement LIKE 'SELECT %' THEN
        EXECUTE 'SELECT jsonb_agg(to_jsonb(answered)) FROM (' || statement || ') answered' INTO rows;
        RETURN coalesce(rows, '[]');
    END IF;
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || said, nullif(detail, ''), nullif(hint, ''));
END
$$;

-- A text without fresh ids and without times from 2021 on; times given by the calls lie before, or in 2098 and 2099.
CREATE FUNCTION public.masked(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(said,
        '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '<uuid>', 'g'),
        '20(2[1-9]|[3-8]\d)-\d\d-\d\d[T ][0-9:.]+(Z|\+00:00|\+00)?', '<time>', 'g'),
        '\m(16[1-9]|1[7-9]\d)\d{13}\M', '<epoch>', 'g')
$$;

-- Makes all calls one way on the tables of a schema and takes them back: what was answered, and the rows of MEGA's
-- columns that stood there in the end and not before.
CREATE FUNCTION public.run(shape text, way text) RETURNS TABLE (number integer, operation text, said text) LANGUAGE plpgsql AS $$
DECLARE
    one public.call;
    found record;
    seen text[] := '{}';
    what text[] := '{}';
BEGIN
    BEGIN
        PERFORM set_config('search_path', shape || ', public', true), set_config('mega.write_path', way, true);
        FOR one IN SELECT * FROM public.call ORDER BY call.number LOOP
            what := what || one.operation;
            seen := seen || public.masked(public.answer(one.statement));
        END LOOP;
        FOR found IN EXECUTE format($q$
            SELECT * FROM (SELECT 'row of ' || mg_pass_id AS key, to_jsonb(c) AS row FROM %1$I.mega_customers c WHERE mg_pass_id IS NOT NULL AND mg_source_system IS DISTINCT FROM 'old'
            UNION ALL SELECT 'row ' || mg_id, to_jsonb(g) FROM %1$I.mega_generations g WHERE mg_id IS NOT NULL AND mg_source_system IS DISTINCT FROM 'old') of_all ORDER BY key COLLATE "C"$q$, shape) LOOP
            what := what || public.masked(found.key);
            seen := seen || public.masked((SELECT jsonb_object_agg(key, value) FROM jsonb_each(found.row) WHERE key LIKE 'mg\_%')::text);
        END LOOP;
        RAISE EXCEPTION 'back' USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        NULL;
    END;
    RETURN QUERY SELECT n::integer, what[n], seen[n] FROM generate_subscripts(what, 1) n;
END
$$;

-- The shapes: a table's columns are written down from those of mega's own, each in its place; others beside them.
CREATE FUNCTION public.columns_of(relation regclass, sorting text, changed text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%I %s%s', attname,
        CASE changed WHEN 'varchar' THEN replace(format_type(atttypid, atttypmod), 'text', 'varchar(2000)') ELSE format_type(atttypid, atttypmod) END,
        CASE WHEN atttypid <> 'text'::regtype THEN '' WHEN changed = 'collation' THEN ' COLLATE "ucs_basic"' WHEN changed = 'varchar' THEN ''
            WHEN attcollation = 'pg_catalog."C"'::regcollation THEN ' COLLATE "C"' ELSE '' END), ', '
        ORDER BY CASE sorting WHEN 'reversed' THEN -attnum WHEN 'mixed' THEN hashint4(attnum) ELSE attnum END)
    FROM pg_attribute WHERE attrelid = relation AND attnum > 0
$$;
CREATE TABLE public.shape (number integer GENERATED ALWAYS AS IDENTITY, name text, sorting text, changed text, customers text, generations text, old_rows text);
INSERT INTO public.shape (name, sorting, changed, customers, generations, old_rows) VALUES
    ('reversed', 'reversed', NULL, '%s', '%s', NULL),
    ('extra', 'mixed', NULL, 'note text, %s, seen integer, tags text[]', 'note text, %s, seen point', NULL),
    ('dropped', 'mixed', NULL, 'gone text, %s, gone2 int', 'gone jsonb, %s', $$ALTER TABLE mega_customers DROP COLUMN gone, DROP COLUMN gone2; ALTER TABLE mega_generations DROP COLUMN gone$$),
    ('nulls', NULL, NULL, '%s', '%s', $$INSERT INTO mega_customers (mg_pass_id, mg_source_system, mg_updated_at) VALUES ('pass:test:old', 'old', NULL);
        INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_source_system) VALUES ('session:old', 'session', NULL, 'old'), ('mma_step:old', NULL, NULL, 'old')$$),
    ('bigint_id', NULL, NULL, 'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, %s', 'id bigserial PRIMARY KEY, %s', NULL),
    ('uuid_id', 'reversed', NULL, '%s, id uuid PRIMARY KEY DEFAULT gen_random_uuid()', '%s, id uuid PRIMARY KEY DEFAULT gen_random_uuid()', NULL),
    ('varchar', NULL, 'varchar', '%s', '%s', NULL),
    ('collation', NULL, 'collation', '%s', '%s', NULL);
CREATE TABLE public.paths (shape text, table_name text, path text, reason text);
CREATE TABLE public.answers (shape text, way text, number integer, operation text, said text);

-- Mega's own tables: what is expected of all others.
CREATE SCHEMA own;
CREATE EXTENSION mega SCHEMA own;
SELECT * FROM own.mega_write_path();
INSERT INTO answers SELECT 'own', way, r.* FROM unnest('{auto,sql}'::text[]) way, public.run('own', way) r;
SELECT number, operation, left(said, 150) AS said FROM answers WHERE shape = 'own' AND way = 'auto' AND operation NOT LIKE 'row %' ORDER BY number;
DROP EXTENSION mega CASCADE;

DO $$
DECLARE
    one public.shape;
BEGIN
    FOR one IN SELECT * FROM public.shape ORDER BY number LOOP
        EXECUTE format('CREATE SCHEMA %I', one.name);
        PERFORM set_config('search_path', one.name || ', public', true);
        EXECUTE format('CREATE TABLE mega_customers (' || one.customers || ')', public.columns_of('own.mega_customers', one.sorting, one.changed));
        EXECUTE format('CREATE TABLE mega_generations (' || one.generations || ')', public.columns_of('own.mega_generations', one.sorting, one.changed));
        IF one.old_rows IS NOT NULL THEN
            EXECUTE one.old_rows;
        END IF;
        EXECUTE format('CREATE EXTENSION mega SCHEMA %I', one.name);
        INSERT INTO public.paths SELECT one.name, p.* FROM mega_write_path() p;
        INSERT INTO public.answers SELECT one.name, way, r.* FROM unnest('{auto,sql}'::text[]) way, public.run(one.name, way) r;
        DROP EXTENSION mega CASCADE;
    END LOOP;
END
$$;
SELECT * FROM paths WHERE table_name <> 'mega_admin';

-- Whatever differs from them; nothing does.
SELECT shape, way, count(*) AS same FROM answers a JOIN (SELECT number, operation, said FROM answers WHERE shape = 'own' AND way = 'auto') o USING (number, operation, said) GROUP BY shape, way ORDER BY shape, way DESC;
SELECT a.shape, a.way, a.number, a.operation, o.said AS expected, a.said FROM answers a FULL JOIN (SELECT * FROM answers WHERE shape = 'own' AND way = 'auto') o USING (number)
    WHERE (a.operation, a.said) IS DISTINCT FROM (o.operation, o.said) ORDER BY a.shape, a.way, a.number LIMIT 20;
\c :home
DROP DATABASE regress_mega_store;
