-- Customers with no, five and fifty open lots, as many with a lot that is due and as many with a hold that is; and a
-- loop that times one spend of each. Variables: spenders, due.
CREATE FUNCTION bench.lots(kind text, calls integer, OUT p50 float8) LANGUAGE plpgsql AS $$
DECLARE
    took float8[] := array_fill(0::float8, ARRAY[calls]);
    began timestamptz;
    who text;
BEGIN
    FOR i IN 1..calls LOOP
        who := 'pass:' || kind || ':' || i;
        began := clock_timestamp();
        PERFORM * FROM mega_record_credit(who, -1, 'render', 'api');
        took[i] := extract(epoch FROM clock_timestamp() - began) * 1e6;
    END LOOP;
    p50 := (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(took) t);
END $$;
-- How many a second a statement does that returns how many it did.
CREATE FUNCTION bench.rate(statement text, wanted bigint) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    done bigint;
BEGIN
    EXECUTE statement INTO done;
    ASSERT done = wanted, done || ' of ' || wanted;
    RETURN done / extract(epoch FROM clock_timestamp() - began);
END $$;
SELECT count(mega_ensure_customer(pass_id => 'pass:' || kind || ':' || n))
FROM generate_series(1, :spenders) n, unnest('{none,five,fifty}'::text[]) kind;
SELECT count(mega_record_credit('pass:' || kind || ':' || n, 100000, 'grant'))
FROM generate_series(1, :spenders) n, unnest('{none,five,fifty}'::text[]) kind;
SELECT count(mega_record_credit('pass:' || kind || ':' || n, 1000, 'grant', expires_at => now() + lot * interval '1 day'))
FROM generate_series(1, :spenders) n, (VALUES ('five', 5), ('fifty', 50)) kinds(kind, lots), generate_series(1, lots) lot;
SELECT count(mega_ensure_customer(pass_id => 'pass:' || kind || ':' || n))
FROM generate_series(1, :due) n, unnest('{lot,hold}'::text[]) kind;
SELECT count(mega_record_credit('pass:hold:' || n, 100, 'grant')) FROM generate_series(1, :due) n;
SELECT count(mega_hold_credit('pass:hold:' || n, 5, 'due-' || n, '1 microsecond')) FROM generate_series(1, :due) n;
SELECT count(mega_record_credit('pass:lot:' || n, 100, 'grant', expires_at => clock_timestamp() + interval '1 second'))
FROM generate_series(1, :due) n;
VACUUM (FULL) mega_customers;
VACUUM (ANALYZE) mega_customers, mega_generations;
