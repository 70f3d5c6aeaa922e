-- A hundred thousand errors in one session, and memory stays where it was.
CREATE FUNCTION many_errors(count integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    kinds CONSTANT text[] := ARRAY['postgres', 'ours', 'bad_alloc', 'exception', 'number'];
    seen integer := 0;
BEGIN
    FOR n IN 1..count LOOP
        BEGIN
            PERFORM border_fail(kinds[n % 5 + 1]);
        EXCEPTION WHEN OTHERS THEN
            seen := seen + 1;
        END;
    END LOOP;
    RETURN seen;
END $$;
CREATE FUNCTION many_errors_by_spi(count integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    seen integer := 0;
BEGIN
    FOR n IN 1..count LOOP
        BEGIN
            PERFORM border_run('SELECT border_fail(''ours'')');
        EXCEPTION WHEN OTHERS THEN
            seen := seen + 1;
        END;
    END LOOP;
    RETURN seen;
END $$;
-- what the first errors need is not given back
SELECT many_errors(1000), many_errors_by_spi(1000), border_swallow_often(1000);
SELECT border_peak_memory() AS peak, sum(used_bytes) AS used FROM pg_backend_memory_contexts
\gset
SELECT many_errors(80000);
SELECT many_errors_by_spi(10000);
SELECT border_swallow_often(10000) FROM generate_series(1, 2);
SELECT border_peak_memory() - :peak < 16384 AS peak_is_flat, abs(sum(used_bytes) - :used) < 262144 AS contexts_are_flat
FROM pg_backend_memory_contexts;
SELECT border_live_objects(), border_nothing_current();

-- On servers with assertions a block that was given back does not keep what was in it.
SELECT border_freed_block_is_overwritten();
