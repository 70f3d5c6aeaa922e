-- What the measurements use on the server's side.
CREATE SCHEMA bench;

CREATE FUNCTION bench.make_loop(name text, prepare text, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Every statement is planned once and timed on its own; what prepares its values is not.
    EXECUTE format($f$
        CREATE OR REPLACE FUNCTION bench.%I(tag text, calls integer, customers integer, OUT mean float8, OUT p50 float8,
                                            OUT p99 float8, OUT first_tenth float8, OUT last_tenth float8)
        LANGUAGE plpgsql AS $l$
        DECLARE
            took float8[] := array_fill(0::float8, ARRAY[calls]);
            began timestamptz;
            who text;
            id text;
            result record;
            row_ public.mega_generations;
        BEGIN
            FOR i IN 1..calls LOOP
                who := 'pass:shopify:' || (i * 7919::bigint) %% customers;
                id := tag || i;
                %s
                began := clock_timestamp();
                %s
                took[i] := extract(epoch FROM clock_timestamp() - began) * 1e6;
            END LOOP;
            SELECT avg(t), percentile_cont(0.5) WITHIN GROUP (ORDER BY t), percentile_cont(0.99) WITHIN GROUP (ORDER BY t),
                   avg(t) FILTER (WHERE n <= calls / 10), avg(t) FILTER (WHERE n > calls - calls / 10)
            INTO mean, p50, p99, first_tenth, last_tenth
            FROM unnest(took) WITH ORDINALITY AS u (t, n);
        END $l$ $f$, name, prepare, statement);
END $$;

-- Batches of one size, each a transaction of its own; rows per second. A batch names its customers behind the first.
CREATE PROCEDURE bench.batches(statement text, tag text, batch integer, batches integer, customers integer, first integer,
                               INOUT rows_per_second float8) LANGUAGE plpgsql AS $$
DECLARE
    entries jsonb[];
    took float8 := 0;
    began timestamptz;
BEGIN
    FOR b IN 1..batches LOOP
        entries[b] := (SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:shopify:' || ((n + first) * 7919::bigint) % customers,
                                            'delta', 1, 'reason', 'grant', 'source', 'bench', 'ref_type', 'batch',
                                            'ref_id', tag || n))
                       FROM generate_series((b - 1) * batch + 1, b * batch) n);
    END LOOP;
    COMMIT;
    FOR b IN 1..batches LOOP
        began := clock_timestamp();
        EXECUTE statement USING entries[b];
        COMMIT;
        took := took + extract(epoch FROM clock_timestamp() - began);
    END LOOP;
    rows_per_second := batch * batches / took;
END $$;

-- How long statements take that each are a transaction of their own, in milliseconds.
CREATE PROCEDURE bench.timed(statement text, runs integer, INOUT milliseconds float8) LANGUAGE plpgsql AS $$
DECLARE
    took float8[];
    began timestamptz;
BEGIN
    FOR n IN 1..runs LOOP
        began := clock_timestamp();
        EXECUTE statement;
        COMMIT;
        took[n] := extract(epoch FROM clock_timestamp() - began) * 1000;
    END LOOP;
    milliseconds := (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(took) t);
END $$;

-- Sweeps until nothing is left; holds per second.
CREATE PROCEDURE bench.sweep(batch integer, INOUT released integer, INOUT seconds float8) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    more integer;
BEGIN
    released := 0;
    LOOP
        SELECT count(*) INTO more FROM mega_release_expired_holds(batch) swept;
        COMMIT;
        EXIT WHEN more = 0;
        released := released + more;
    END LOOP;
    seconds := extract(epoch FROM clock_timestamp() - began);
END $$;
