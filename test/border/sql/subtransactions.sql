-- in_subtransaction swallows one error and goes on; what the error left half done is undone.
CREATE TABLE border_rows_written (id integer PRIMARY KEY);
SELECT border_swallow('INSERT INTO border_rows_written VALUES (1), (2), (1)', 'INSERT INTO border_rows_written VALUES (3)', false);
SELECT border_swallow('INSERT INTO border_rows_written VALUES (4)', 'INSERT INTO border_rows_written VALUES (5), (4)', false);
SELECT border_swallow('SELECT border_fail(''ours'')', 'SELECT border_fail(''exception'')', false);
TABLE border_rows_written ORDER BY id;
SELECT border_live_objects(), border_nothing_current();

-- The same when the session is opened inside, and so ends with the subtransaction.
SELECT border_swallow('INSERT INTO border_rows_written VALUES (6), (7), (6)', 'INSERT INTO border_rows_written VALUES (8)', true);
SELECT border_swallow('INSERT INTO border_rows_written VALUES (9)', 'INSERT INTO border_rows_written VALUES (10), (9)', true);
TABLE border_rows_written ORDER BY id;

-- What the error says outlives the subtransaction, whatever it weighs.
SELECT border_swallow($$SELECT border_raise_postgres('22000', repeat('m', 1048576), '', '')$$,
    $$SELECT border_raise_postgres('22001', 'short', repeat('d', 1048576), '')$$, false);
SELECT border_swallow($$SELECT border_raise_postgres('22000', repeat('m', 1048576), '', '')$$,
    $$SELECT border_raise_postgres('22001', 'short', repeat('d', 1048576), '')$$, true);

-- Nested: an error is swallowed inside a command whose own error is swallowed.
SELECT border_swallow($$SELECT border_swallow('SELECT 1/0', 'SELECT border_fail(''ours'')', false), 1/0$$,
    $$SELECT border_swallow('SELECT 1/0', 'INSERT INTO border_rows_written VALUES (11)', false)$$, false);
TABLE border_rows_written ORDER BY id;

-- An error of ours inside the subtransaction is not swallowed. Whoever catches it further up has all of it undone.
DO $$
BEGIN
    BEGIN
        INSERT INTO border_rows_written VALUES (12);
        PERFORM border_throw_in_subtransaction('INSERT INTO border_rows_written VALUES (13)');
    EXCEPTION WHEN SQLSTATE 'MG003' THEN
        RAISE NOTICE 'caught: %, % alive', SQLERRM, border_live_objects();
    END;
    INSERT INTO border_rows_written VALUES (14);
END $$;
TABLE border_rows_written ORDER BY id;
BEGIN;
SAVEPOINT before;
INSERT INTO border_rows_written VALUES (15);
SELECT border_throw_in_subtransaction('INSERT INTO border_rows_written VALUES (16)');
ROLLBACK TO before;
INSERT INTO border_rows_written VALUES (17);
COMMIT;
TABLE border_rows_written ORDER BY id;
DROP TABLE border_rows_written;
