-- Errors that cross the border more than once.
SELECT kind, c.* FROM unnest(ARRAY['postgres', 'ours', 'bad_alloc', 'exception', 'number']) WITH ORDINALITY k (kind, n),
    caught(format('SELECT border_nest(50, %L)', kind)) c ORDER BY n;

-- C++, SPI, C++, and again.
SELECT kind, c.* FROM unnest(ARRAY['postgres', 'ours', 'bad_alloc', 'exception', 'number']) WITH ORDINALITY k (kind, n),
    caught(format('SELECT border_run(%L)', format('SELECT border_run(%L)', format('SELECT border_fail(%L)', kind)))) c ORDER BY n;
SELECT state, message, live, clean FROM caught($$SELECT border_run('SELECT 1/0')$$);
SELECT state, message, live, clean FROM caught($$SELECT border_run('SELEC 1')$$);
SELECT border_run('SELECT border_run(''SELECT border_fail(''''ours'''')'')');
SELECT border_live_objects(), border_nothing_current();

-- An error that plpgsql catches further down is gone when it comes back.
SELECT border_run($$SELECT * FROM caught('SELECT border_fail(''ours'')')$$), border_run('SELECT generate_series(1, 3)');

-- An EXCEPTION block between two borders.
DO $$
BEGIN
    BEGIN
        PERFORM border_run('SELECT border_fail(''exception'')');
    EXCEPTION WHEN internal_error THEN
        RAISE NOTICE 'first: %, % alive', SQLERRM, border_live_objects();
        PERFORM border_fail('ours'); -- an error while one is being handled
    END;
EXCEPTION WHEN SQLSTATE 'MG001' THEN
    RAISE NOTICE 'second: %, % alive, nothing current: %', SQLERRM, border_live_objects(), border_nothing_current();
END $$;

-- Inside a trigger.
CREATE TABLE border_things (id integer PRIMARY KEY);
CREATE TRIGGER border_none BEFORE INSERT ON border_things FOR EACH ROW EXECUTE FUNCTION border_trigger();
INSERT INTO border_things VALUES (1);
DO $$
DECLARE
    failure text;
    seen record;
BEGIN
    FOREACH failure IN ARRAY ARRAY['postgres', 'ours', 'bad_alloc', 'exception', 'number'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON border_things FOR EACH ROW EXECUTE FUNCTION border_trigger()',
            'border_' || failure);
        SELECT * INTO seen FROM caught('INSERT INTO border_things VALUES (2), (3)');
        RAISE NOTICE '% %: %, % alive, nothing current: %', seen.state, failure, seen.message, seen.live, seen.clean;
        SELECT * INTO seen FROM caught($c$SELECT border_run('INSERT INTO border_things VALUES (2), (3)')$c$);
        RAISE NOTICE '% %: %, % alive, nothing current: %', seen.state, failure, seen.message, seen.live, seen.clean;
        EXECUTE format('DROP TRIGGER %I ON border_things', 'border_' || failure);
    END LOOP;
END $$;
TABLE border_things;
SELECT state, message FROM caught('SELECT border_trigger()');
DROP TABLE border_things;

-- A function that SQL calls as one row of many: the statement fails whole.
SELECT CASE WHEN n = 500 THEN border_nest(2, 'postgres')::text END FROM generate_series(1, 1000) n;
SELECT border_live_objects(), border_nothing_current();
