-- Errors keep what they say on their way through the border, and leave nothing behind.
\x on
SELECT * FROM caught($$SELECT border_fail('postgres')$$);
SELECT * FROM caught($$SELECT border_fail('ours')$$);
SELECT * FROM caught($$SELECT border_fail('bare')$$);
SELECT * FROM caught($$SELECT border_fail('bad_alloc')$$);
SELECT * FROM caught($$SELECT border_fail('impossible_allocation')$$);
SELECT * FROM caught($$SELECT border_fail('exception')$$);
SELECT state, message, length(detail), live, clean FROM caught($$SELECT border_fail('long_exception')$$);
SELECT state, message, detail ~ 'basic_string::at' AS names_it, live, clean FROM caught($$SELECT border_fail('out_of_range')$$);
SELECT * FROM caught($$SELECT border_fail('number')$$);
\x off

-- The same at top level, without a subtransaction around it.
SELECT border_fail('postgres');
\echo :LAST_ERROR_SQLSTATE
SELECT border_fail('ours');
\echo :LAST_ERROR_SQLSTATE
SELECT border_fail('bad_alloc');
\echo :LAST_ERROR_SQLSTATE
SELECT border_fail('exception');
\echo :LAST_ERROR_SQLSTATE
SELECT border_fail('number');
\echo :LAST_ERROR_SQLSTATE
SELECT border_live_objects(), border_nothing_current();

-- Any SQLSTATE comes through.
SELECT state, message, detail, hint FROM caught($$SELECT border_raise_postgres('57P03', 'm', 'd', 'h')$$);
SELECT state, message, detail, hint FROM caught($$SELECT border_raise_postgres('ZZ999', 'm', '', '')$$);

-- Other fields of a Postgres error are kept: table, constraint, context.
DO $$
DECLARE
    of_table text; of_constraint text; context text;
BEGIN
    PERFORM border_run('SELECT border_fail(''postgres'')');
EXCEPTION WHEN division_by_zero THEN
    GET STACKED DIAGNOSTICS of_table = TABLE_NAME, of_constraint = CONSTRAINT_NAME, context = PG_EXCEPTION_CONTEXT;
    RAISE NOTICE 'table %, constraint %, context: %', of_table, of_constraint, context;
END $$;

-- A message of a megabyte: a Postgres error keeps all of it, ours is cut.
SELECT state, length(message), md5(message) = md5(repeat('m', 1048576)) AS whole, length(detail) AS detail, live, clean
FROM caught($$SELECT border_raise_postgres('22000', repeat('m', 1048576), repeat('d', 1048576), 'h')$$);
SELECT state, length(message) AS message, length(detail) AS detail, length(hint) AS hint, live, clean
FROM caught($$SELECT border_throw_ours(repeat('m', 1048576), repeat('d', 1048576), repeat('h', 1048576))$$);
SELECT state, octet_length(message) AS message, right(message, 1) AS ends FROM caught($$SELECT border_throw_ours(repeat('€', 400), '', '')$$);

-- A format character in a text is a character.
SELECT message, detail, hint FROM caught($$SELECT border_throw_ours('100% %s %n', '%d', '50 %')$$);
SELECT message, detail, hint FROM caught($$SELECT border_raise_postgres('22000', '100% %s %n', '%d', '50 %')$$);

-- Text of bounded length is cut at the end of a character.
SELECT text, border_cut(text), octet_length(border_cut(text))
FROM (VALUES (1, ''), (2, 'a'), (3, '0123456789'), (4, '0123456789a'), (5, '012345678é'), (6, '01234567é9'), (7, '0123456é€'),
    (8, '01234567€'), (9, '0123456€a'), (10, '012345😀'), (11, '0123456😀'), (12, '012345678😀'), (13, '😀😀😀'), (14, 'éééééé')) v (n, text)
ORDER BY n;
SELECT border_quoted(''), border_quoted('a"b'), border_quoted(repeat('a', 100)) = '"' || repeat('a', 100) || '"' AS whole,
    border_quoted(repeat('a', 101)) = '"' || repeat('a', 100) || '..."' AS cut,
    border_quoted(repeat('é', 51)) = '"' || repeat('é', 50) || '..."' AS at_100,
    border_quoted('a' || repeat('é', 51)) = '"a' || repeat('é', 49) || '..."' AS before_100;

-- An exception that no C++ code threw. The C++ library counts such a one as in flight ever after when it is thrown
-- again, so this stands at the end.
SELECT state, message, detail, live FROM caught($$SELECT border_fail('foreign')$$);
SELECT state, message, detail, live FROM caught($$SELECT border_nest(50, 'foreign')$$);
SELECT state, message, detail, live FROM caught($$SELECT border_fail('ours')$$);
