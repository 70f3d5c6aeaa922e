-- A loop that looks for interrupts can be stopped, and is left by its destructors.
SET statement_timeout = '100ms';
SELECT border_loop();
\echo :LAST_ERROR_SQLSTATE
SELECT border_run('SELECT border_loop()');
\echo :LAST_ERROR_SQLSTATE
SELECT border_live_objects(), border_nothing_current();
RESET statement_timeout;
SELECT border_cancel_in_loop();
\echo :LAST_ERROR_SQLSTATE
SELECT border_run('SELECT border_cancel_in_loop()');
\echo :LAST_ERROR_SQLSTATE
SELECT border_live_objects(), border_nothing_current();

-- Caught like any other error.
SELECT * FROM caught('SELECT border_cancel_in_loop()');
SELECT * FROM caught('SELECT border_run(''SELECT border_cancel_in_loop()'')');
SELECT border_swallow('SELECT border_cancel_in_loop()', 'SELECT 1', false);

-- What comes after is not cancelled.
SELECT count(*) FROM generate_series(1, 100000);
SELECT border_live_objects(), border_nothing_current();
