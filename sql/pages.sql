-- A page costs what it shows, however many rows its customer has beside others who have few: also from the sixth call of a
-- session on, when the server plans without knowing whose page it is.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS mega;
SET timezone = 'UTC';

INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:pages-' || n FROM generate_series(1, 400) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta)
SELECT 'credit_transaction:pages-' || n, 'pass:test:pages-' || CASE WHEN n <= 3000 THEN 1 ELSE n % 400 + 1 END, 1 FROM generate_series(1, 5000) n;
INSERT INTO mega_generations (mg_id, mg_pass_id)
SELECT 'generation:pages-' || n, 'pass:test:pages-' || CASE WHEN n <= 3000 THEN 1 ELSE n % 400 + 1 END FROM generate_series(1, 5000) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta)
SELECT 'mma_event:pages-' || n, 'pass:test:pages-' || CASE WHEN n <= 3000 THEN 1 ELSE n % 400 + 1 END, 'pages-' || n, '{"event_type": "like", "payload": {}}' FROM generate_series(1, 5000) n;
ANALYZE mega_generations;

-- What was read so far: entries of the index by which a customer's rows are found, and rows of whole tables.
CREATE FUNCTION pg_temp.read_so_far() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_stat_get_xact_tuples_returned('mega_generations_pass_recordtype_created'::regclass) + pg_stat_get_xact_tuples_returned('mega_generations'::regclass)
$$;
-- The most that a call read, each time it is made; the first page and the one behind it.
CREATE FUNCTION pg_temp.read_by(call text, calls integer) RETURNS TABLE (shown bigint, most bigint) LANGUAGE plpgsql AS $$
DECLARE
    behind text;
    before bigint;
BEGIN
    most := 0;
    FOR n IN 1..calls LOOP
        behind := NULL;
        FOR page IN 1..2 LOOP
            before := pg_temp.read_so_far();
            EXECUTE format('SELECT count(*), max(next_cursor) FROM %s(''pass:test:pages-1'', 20, %L)', call, behind) INTO shown, behind;
            most := greatest(most, pg_temp.read_so_far() - before);
        END LOOP;
    END LOOP;
    RETURN NEXT;
END
$$;
SELECT call, shown, CASE WHEN most BETWEEN 21 AND 100 THEN 'a page''s' ELSE most || ' rows' END AS read
FROM unnest('{mega_credit_statement,mega_generation_history,mega_mma_events,mega_likes}'::text[]) call, LATERAL pg_temp.read_by(call, 8);

-- Nor does a sweep look at all holds that wait before it takes the first ones.
ALTER TABLE mega_generations DISABLE TRIGGER mega_generations_check;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_status, mg_meta)
SELECT 'credit_transaction:hold:pages-' || n, 'credit_transaction', 'pass:test:pages-' || n % 400 + 1, -1, 'hold', 'pending', '{"mega": {"hold_expires_at": "2020-01-01T00:00:00Z"}}' FROM generate_series(1, 5000) n;
ALTER TABLE mega_generations ENABLE TRIGGER mega_generations_check;
ANALYZE mega_generations;
CREATE FUNCTION pg_temp.read_by_sweep(holds integer, OUT released integer, OUT read bigint) LANGUAGE plpgsql AS $$
DECLARE
    before CONSTANT bigint := pg_stat_get_xact_tuples_returned('mega_generations_pending_hold'::regclass);
BEGIN
    SELECT count(*) INTO released FROM mega_release_expired_holds(holds);
    read := pg_stat_get_xact_tuples_returned('mega_generations_pending_hold'::regclass) - before;
END
$$;
SELECT n, released, CASE WHEN read BETWEEN 1000 AND 3500 THEN 'some' ELSE read || ' holds' END AS read FROM generate_series(1, 3) n, LATERAL pg_temp.read_by_sweep(100 + 0 * n);
SELECT count(*) >= 4700 AS swept_the_rest FROM mega_release_expired_holds(10000);
