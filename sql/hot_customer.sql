-- A customer whom one transaction writes again and again: each look for him by his key walks all versions that there are
-- by then, so functions look where he stood last, and leave one look to Postgres, that of the ledger's key. The plans are
-- made while the tables are small. In a database of its own.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_hot TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_hot
SET client_min_messages = warning;
CREATE EXTENSION mega;
CREATE FUNCTION looks() RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_numscans('mega_customers'::regclass)
        + (SELECT sum(pg_stat_get_xact_numscans(indexrelid)) FROM pg_index WHERE indrelid = 'mega_customers'::regclass)::bigint
$$;
-- each call in a block that catches errors; of every fourth call the block is rolled back, and the next has to find him anew
CREATE PROCEDURE again(calls integer, undone boolean) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..calls LOOP
        BEGIN
            PERFORM mega_record_credit('pass:test:hot', 1, 'again');
            IF undone AND i % 4 = 0 THEN RAISE EXCEPTION 'undone' USING ERRCODE = 'P0099'; END IF;
        EXCEPTION WHEN SQLSTATE 'P0099' THEN NULL;
        END;
    END LOOP;
END $$;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:hot');
ANALYZE mega_customers, mega_generations;
BEGIN;
SELECT mg_credits FROM mega_record_credit('pass:test:hot', 10, 'first');
SELECT looks() AS before \gset
CALL again(20, false);
SELECT looks() - :before <= 20 AS one_look_for_each_call;
CALL again(20, true);
COMMIT;
SELECT mg_credits FROM mega_customers;
-- one transaction writes him where others of it moved him: by a raw row, by an UPDATE, back to a savepoint
BEGIN;
SELECT mg_credits FROM mega_record_credit('pass:test:hot', 1, 'a');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw', 'pass:test:hot', 100);
SELECT mg_credits FROM mega_record_credit('pass:test:hot', 1, 'b');
UPDATE mega_customers SET mg_email = 'hot@example.com';
SAVEPOINT here;
SELECT mg_credits FROM mega_record_credit('pass:test:hot', 1000, 'c');
ROLLBACK TO here;
SELECT mg_credits FROM mega_record_credit('pass:test:hot', 1, 'd');
COMMIT;
SELECT mg_credits, mg_email FROM mega_customers;
-- another one's row where he stood, and another one's place in the same transaction
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:cold');
BEGIN;
SELECT mg_credits FROM mega_record_credit('pass:test:hot', -1, 'e');
SELECT mg_credits FROM mega_record_credit('pass:test:cold', 7, 'e');
SELECT mg_credits FROM mega_record_credit('pass:test:hot', -1, 'f');
COMMIT;
-- a trigger of others keeps a write back once, not twice
CREATE FUNCTION keep_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'kept back'; RETURN NULL; END $$;
CREATE TRIGGER zz_keep BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION keep_back();
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT mg_credits FROM mega_record_credit('pass:test:cold', 1, 'g');
DROP TRIGGER zz_keep ON mega_customers;
SELECT * FROM mega_reconcile_credits();
\c :home
DROP DATABASE regress_mega_hot;
