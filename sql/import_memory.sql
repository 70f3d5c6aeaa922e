-- What an import's session takes does not grow with its batches: what rows leave behind goes every few rows, whatever the
-- batch and however many rows one customer has. Queries are not compiled, because the compiler keeps what it took.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_import_memory TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_import_memory
SET client_min_messages = error;
CREATE EXTENSION mega;
CREATE SCHEMA legacy;
CREATE TABLE legacy.customers (shopify_customer_id text PRIMARY KEY, credits int, meta jsonb);
CREATE TABLE legacy.credit_transactions (id text PRIMARY KEY, shopify_customer_id text, delta int, reason text, ref_type text, ref_id text, created_at timestamptz DEFAULT '2024-01-01');
CREATE TABLE legacy.generations (id text PRIMARY KEY, shopify_customer_id text, prompt text, meta jsonb, created_at timestamptz DEFAULT '2024-01-01');
CREATE VIEW legacy.sessions AS SELECT 'compiled' AS id, '2' AS shopify_customer_id, 'jit ' || current_setting('jit') AS title;
INSERT INTO legacy.customers SELECT n::text, 7, '{"tier": "gold"}' FROM generate_series(1, 3) n;
INSERT INTO legacy.credit_transactions SELECT 'c' || n, '2', 1 + n % 3, 'gift', 'order', n::text FROM generate_series(1, 2500) n;
INSERT INTO legacy.generations SELECT 'g' || lpad(n::text, 5, '0'), '2', 'a bottle of scent in the morning light, number ' || n, '{"size": "1k"}' FROM generate_series(1, 2500) n;
-- Before the others and behind them, in one batch with them, comes a row that is refused: then the memory is measured.
INSERT INTO legacy.credit_transactions VALUES ('first', '1', 0), ('last', '3', 0);
INSERT INTO legacy.generations VALUES (E'first\x01', '1'), (E'last\x01', '3');
CREATE TABLE measured (row text, bytes bigint);
CREATE FUNCTION measure() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN
    INSERT INTO public.measured SELECT (NEW.mg_detail ->> 'table') || ' ' || substring(NEW.mg_detail ->> 'id' FROM '^[a-z]+'), sum(total_bytes) FROM pg_backend_memory_contexts;
    RETURN NULL;
END$$;
CREATE TRIGGER measure AFTER INSERT ON mega_admin FOR EACH ROW WHEN (NEW.mg_action = 'import_refused') EXECUTE FUNCTION measure();
SET jit = on;
CALL mega_import('legacy', batch_size => 100000) \gset
SELECT l.row, l.bytes - f.bytes < 4000000 AS flat FROM measured l JOIN measured f ON f.row = replace(l.row, ' last', ' first') WHERE l.row LIKE '% last' ORDER BY 1;
SELECT mg_title FROM mega_generations WHERE mg_id = 'session:compiled';
SELECT mg_pass_id, mg_credits, mg_meta - 'mega' AS meta FROM mega_customers ORDER BY 1;
SELECT count(*), count(DISTINCT mg_payload) AS payloads, count(DISTINCT mg_ref_id) AS references FROM mega_generations WHERE mg_pass_id = 'pass:shopify:2';
SELECT mega_parity_report('legacy') ->> 'verdict' AS verdict;
\c :home
DROP DATABASE regress_mega_import_memory;
