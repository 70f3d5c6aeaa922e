-- A write that enters mega again while one is under way on the same table takes the other way or is an error. What a table
-- carries can do that: by a function of Postgres' own that runs SQL, in a CHECK, an index, a default or a domain. In a
-- database of its own, because it changes the tables and what Postgres says of its functions.
\set here :DBNAME
CREATE DATABASE regress_reentry;
\c regress_reentry
SET client_min_messages = error;
CREATE EXTENSION mega;
\pset null ''
\set VERBOSITY terse
CREATE SCHEMA own;
CREATE SEQUENCE own.number;
-- What is called again: once, unless it is told to go on for ever.
CREATE TABLE own.again (statement text);
CREATE FUNCTION own.enter() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    what text := (SELECT statement FROM own.again);
BEGIN
    IF what IS NULL THEN
        RETURN 'a';
    END IF;
    IF what NOT LIKE '%for ever%' THEN
        UPDATE own.again SET statement = NULL;
    END IF;
    EXECUTE what;
    RETURN 'a';
END
$$;
CREATE FUNCTION own.caught() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN own.enter();
EXCEPTION WHEN OTHERS THEN
    RETURN 'a';
END
$$;
INSERT INTO own.again VALUES (NULL);
SELECT a.created, b.created FROM mega_ensure_customer('pass:test:one') a, mega_ensure_customer('pass:test:two') b;
SELECT mg_id FROM mega_create_generation('pass:test:one', 'one');

-- Says how a statement ended while the table entered again with another one, what became of the books, and takes it back.
CREATE FUNCTION pg_temp.try(carried text, statement text, again text, OUT outcome text, OUT one integer, OUT two integer, OUT rows bigint, OUT books text, OUT afterwards text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE carried;
        UPDATE own.again a SET statement = try.again;
        BEGIN
            EXECUTE statement;
            outcome := CASE WHEN EXISTS (SELECT FROM own.again a WHERE a.statement IS NULL) THEN 'entered, ok' ELSE 'ok' END;
        EXCEPTION WHEN OTHERS THEN
            outcome := SQLSTATE || ' ' || SQLERRM;
        END;
        UPDATE own.again SET statement = NULL;
        SELECT mg_credits INTO one FROM mega_customers WHERE mg_pass_id = 'pass:test:one';
        SELECT mg_credits INTO two FROM mega_customers WHERE mg_pass_id = 'pass:test:two';
        SELECT count(*) INTO rows FROM mega_generations;
        books := CASE WHEN EXISTS (SELECT FROM mega_reconcile_credits()) OR EXISTS (SELECT FROM mega_reconcile_preferences()) THEN 'apart' ELSE 'together' END;
        BEGIN
            PERFORM mega_record_credit('pass:test:one', 1, 'afterwards');
            afterwards := 'ok';
        EXCEPTION WHEN OTHERS THEN
            afterwards := SQLSTATE || ' ' || SQLERRM;
        END;
        RAISE EXCEPTION USING ERRCODE = 'P0042';
    EXCEPTION WHEN SQLSTATE 'P0042' THEN NULL;
    END;
END
$$;
CREATE VIEW pg_temp.cases AS
SELECT c.nr, s.nr AS s, a.nr AS a, c.carried, s.statement, a.again, c.name AS carries, s.name AS writes, a.name AS enters FROM (VALUES
    (1, 'check of the ledger', $c$ALTER TABLE mega_generations ADD CHECK (query_to_xml('SELECT own.enter()', true, true, '') IS NOT NULL) NOT VALID$c$),
    (2, 'check that rewrites', $c$ALTER TABLE mega_generations ADD CHECK (ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, own.enter()::tsquery') IS NOT NULL) NOT VALID$c$),
    (3, 'check of customers', $c$ALTER TABLE mega_customers ADD CHECK (query_to_xml('SELECT own.enter()', true, true, '') IS NOT NULL) NOT VALID$c$),
    (4, 'check that catches', $c$ALTER TABLE mega_generations ADD CHECK (query_to_xml('SELECT own.caught()', true, true, '') IS NOT NULL) NOT VALID$c$)
) c(nr, name, carried), (VALUES
    (1, 'credit', $s$SELECT mega_record_credit('pass:test:one', 5, 'grant', txn_id => 'outer')$s$),
    (2, 'batch', $s$SELECT mega_record_credits('[{"pass_id": "pass:test:one", "delta": 5, "reason": "grant"}, {"pass_id": "pass:test:two", "delta": 5, "reason": "grant"}]')$s$),
    (3, 'event', $s$SELECT mega_record_mma_event('pass:test:one', 'like', '{"tag": "cat"}')$s$),
    (4, 'raw', $s$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:outer', 'pass:test:one', 5, 'grant')$s$)
) s(nr, name, statement), (VALUES
    (1, 'the same customer', $a$SELECT mega_record_credit('pass:test:one', 1, 'inner')$a$),
    (2, 'another customer', $a$SELECT mega_record_credit('pass:test:two', 1, 'inner')$a$),
    (3, 'the same movement', $a$SELECT mega_record_credit('pass:test:one', 5, 'grant', txn_id => 'outer')$a$),
    (4, 'a raw row', $a$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:inner', 'pass:test:one', 1)$a$),
    (5, 'what fails', $a$SELECT mega_record_credit('pass:test:one', -1000, 'inner')$a$),
    (6, 'a read', $a$SELECT mega_balance('pass:test:one')$a$)
) a(nr, name, again);
SELECT carries, writes, enters, t.* FROM pg_temp.cases c, LATERAL pg_temp.try(c.carried, c.statement, c.again) t ORDER BY c.nr, c.s, c.a;

-- The same where Postgres is told that these functions never change: nothing shows then that they run SQL, and what is
-- written directly is entered again. Whoever enters takes the other way, and what he came into is an error.
SET mega.write_path = 'auto';
ALTER FUNCTION pg_catalog.query_to_xml(text, boolean, boolean, text) IMMUTABLE;
ALTER FUNCTION pg_catalog.ts_rewrite(tsquery, text) IMMUTABLE;
SELECT carries, writes, enters, t.* FROM pg_temp.cases c, LATERAL pg_temp.try(c.carried, c.statement, c.again) t ORDER BY c.nr, c.s, c.a;
-- and an index
SELECT writes, enters, t.* FROM pg_temp.cases c, LATERAL pg_temp.try($c$CREATE INDEX own ON mega_generations ((query_to_xml('SELECT own.enter()' || left(mg_id, 0), true, true, '')::text)) WHERE mg_reason IS NOT NULL$c$, c.statement, c.again) t WHERE c.nr = 1 ORDER BY c.s, c.a;

-- For ever: an error, or the end of patience.
SET statement_timeout = '10s';
SELECT carries, writes, split_part(t.outcome, ' ', 1) AS outcome, t.one, t.books, t.afterwards FROM pg_temp.cases c, LATERAL pg_temp.try(c.carried, c.statement, $$SELECT mega_record_credit('pass:test:one', 1, 'for ever')$$) t WHERE c.a = 1 ORDER BY c.nr, c.s;
-- and a cancel in the midst of it, after which the session goes on
ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (query_to_xml('SELECT own.enter()', true, true, '') IS NOT NULL) NOT VALID;
UPDATE own.again SET statement = 'SELECT mega_balance(''pass:test:one''), pg_sleep(60), ''for ever''';
SET statement_timeout = '100ms';
SELECT mega_record_credit('pass:test:one', 5, 'grant');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:outer', 'pass:test:one', 5);
RESET statement_timeout;
UPDATE own.again SET statement = NULL;
SELECT mg_credits FROM mega_record_credit('pass:test:one', 5, 'grant');
ALTER TABLE mega_generations DROP CONSTRAINT own;
SELECT mg_credits FROM mega_record_credit('pass:test:one', 5, 'grant');
SELECT * FROM mega_reconcile_credits();

-- The extension goes while a function of it runs: nothing is written, and it says why.
CREATE FUNCTION own.drop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DROP EXTENSION mega CASCADE; RETURN NULL; END $$;
CREATE TRIGGER zzz AFTER UPDATE ON mega_customers FOR EACH STATEMENT EXECUTE FUNCTION own.drop();
SELECT mega_record_credit('pass:test:one', 5, 'grant');
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER zzz ON mega_customers;
SELECT mg_credits FROM mega_record_credit('pass:test:one', 5, 'grant');

\c :here
DROP DATABASE regress_reentry;
