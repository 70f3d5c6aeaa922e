-- Lists of adopted tables whose rows have no time, no id, or the same one twice: page by page of any size each row is told
-- once, in one order, and a statement's balances are the same as on one page. In a database of its own.
\pset null NULL
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_pages TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_pages
SET client_min_messages = error;
SET timezone = 'UTC';
-- Every row of a list, page by page. touch: the customer changes between pages, so that balances are counted anew.
CREATE FUNCTION paged(list text, size integer, touch boolean DEFAULT false) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE place text; page text[]; every text[] := '{}';
BEGIN
    FOR round IN 1..200 LOOP
        EXECUTE format('SELECT array_agg(concat_ws(''/'', mg_id, mg_created_at::date, %s) ORDER BY ordinality), max(next_cursor) FROM %s(''pass:test:a'', %s, %L) WITH ORDINALITY',
            CASE list WHEN 'mega_credit_statement' THEN 'mg_reason, balance_after' WHEN 'mega_generation_history' THEN 'mg_prompt' ELSE 'mg_generation_id' END, list, size, place) INTO page, place;
        every := every || page;
        EXIT WHEN place IS NULL;
        IF touch THEN UPDATE mega_customers SET mg_email = round || '@example.com'; END IF;
    END LOOP;
    RETURN every;
END $$;
-- Whether pages of each size say what one page says, and how many rows that is.
CREATE VIEW compared AS
SELECT list, cardinality(whole) AS told, cardinality(ARRAY(SELECT DISTINCT unnest(whole))) AS once,
    (SELECT array_agg(size || CASE WHEN touch THEN ' touched' ELSE '' END ORDER BY touch, size) FROM unnest(ARRAY[1, 2, 3, 5, 8]) size, unnest(ARRAY[false, true]) touch
     WHERE paged(list, size, touch) IS DISTINCT FROM whole) AS otherwise
FROM unnest(ARRAY['mega_credit_statement', 'mega_generation_history', 'mega_mma_events', 'mega_likes']) list, LATERAL (SELECT paged(list, 1000) AS whole) o;
CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer);
CREATE TABLE mega_generations (mg_id text, mg_record_type text, mg_pass_id text, mg_generation_id text, mg_prompt text, mg_delta integer, mg_reason text, mg_created_at timestamptz, mg_meta jsonb);
INSERT INTO mega_customers VALUES ('pass:test:a', NULL), ('pass:test:b', NULL);
CREATE TABLE mega_admin (mg_id text, mg_record_type text, mg_created_at timestamptz, mg_detail jsonb);
INSERT INTO mega_admin SELECT CASE WHEN n % 6 < 3 THEN NULL WHEN n % 6 < 5 THEN 'admin_audit:twice' ELSE 'admin_audit:own' END, 'admin_audit', at, jsonb_build_object('n', n)
FROM unnest(ARRAY[NULL, '2025-01-01']::timestamptz[]) WITH ORDINALITY time(at, t), LATERAL generate_series(t * 6 - 6, t * 6 - 1) n;
CREATE FUNCTION audits(size integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE place text; page text[]; every text[] := '{}';
BEGIN
    FOR round IN 1..50 LOOP
        SELECT array_agg(mg_detail ->> 'n' ORDER BY ordinality), max(next_cursor) INTO page, place FROM mega_admin_audits(size, place) WITH ORDINALITY;
        every := every || page;
        EXIT WHEN place IS NULL;
    END LOOP;
    RETURN every;
END $$;
-- of each type at each of four times, none and for ever among them: three rows without an id, two of one id, two of their own
INSERT INTO mega_generations
SELECT CASE WHEN n <= 3 THEN NULL WHEN n <= 5 THEN type || ':twice' ELSE type || ':' || n || '-' || t END, type, 'pass:test:a', 'g' || t || '-' || n, 'p' || t || '-' || n,
    CASE type WHEN 'credit_transaction' THEN 10 * t + n END, 'r' || t || '-' || n, at, CASE type WHEN 'mma_event' THEN '{"event_type": "like", "payload": {"tag": "x"}}'::jsonb END
FROM unnest(ARRAY['credit_transaction', 'generation', 'mma_event']) type, unnest(ARRAY[NULL, 'infinity', '2025-01-02', '2025-01-01']::timestamptz[]) WITH ORDINALITY time(at, t), generate_series(1, 7) n;
CREATE EXTENSION mega;
SELECT mg_pass_id, kind FROM mega_open_books();
SELECT * FROM compared;
SELECT entry FROM unnest(paged('mega_credit_statement', 3)) WITH ORDINALITY e(entry, n) WHERE n <= 10;
-- audits, whose table has no key either
SELECT bool_and(told = (SELECT array_agg(mg_detail ->> 'n' ORDER BY ordinality) FROM mega_admin_audits(1000) WITH ORDINALITY) AND cardinality(told) = 12) AS each_once
FROM unnest(ARRAY[1, 2, 4, 5, 6, 7]) size, LATERAL audits(size) told;
SELECT audits(1000);
SELECT count(*) FILTER (WHERE mg_created_at IS NULL) AS undated, count(*) FROM mega_admin_audits(since => '2024-01-01');
-- with a key, times are missing all the same
ALTER TABLE mega_generations DISABLE TRIGGER USER;
DELETE FROM mega_generations WHERE mg_id IS NULL OR mg_id LIKE '%:twice';
ALTER TABLE mega_generations ENABLE TRIGGER USER;
SELECT count(*) FROM mega_open_books(trust => 'ledger');
ALTER TABLE mega_generations ADD PRIMARY KEY (mg_id);
SELECT * FROM compared;
-- a role that may read the columns alone reads them, where rows have a key
CREATE ROLE regress_mega_columns;
GRANT SELECT (mg_pass_id, mg_credits, mg_updated_at) ON mega_customers TO regress_mega_columns;
GRANT SELECT (mg_id, mg_created_at, mg_pass_id, mg_record_type, mg_delta, mg_reason, mg_source, mg_ref_type, mg_ref_id, mg_status, mg_generation_id, mg_meta) ON mega_generations TO regress_mega_columns;
GRANT EXECUTE ON FUNCTION mega_credit_statement TO regress_mega_columns;
SET ROLE regress_mega_columns;
SELECT count(*) FROM mega_credit_statement('pass:test:a');
RESET ROLE;
\c :home
DROP DATABASE regress_mega_pages;
DROP ROLE regress_mega_columns;
