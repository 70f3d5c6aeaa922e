-- The rivals' tables: the same columns, defaults, checks, indexes, fillfactor, foreign key and rows as mega's, without
-- its triggers. One schema for each rival, so that none of them pays for what another wrote.
DO $$
DECLARE
    rival text;
    name text;
    options text;
BEGIN
    FOREACH rival IN ARRAY ARRAY['handwritten', 'application', 'bare'] LOOP
        EXECUTE format('CREATE SCHEMA %I', rival);
        FOREACH name IN ARRAY ARRAY['mega_customers', 'mega_generations'] LOOP
            SELECT array_to_string(reloptions, ', ') INTO options FROM pg_class WHERE oid = ('public.' || name)::regclass;
            EXECUTE format('CREATE TABLE %I.%I (LIKE public.%I INCLUDING ALL) WITH (%s)', rival, name, name, options);
            EXECUTE format('INSERT INTO %I.%I SELECT * FROM public.%I', rival, name, name);
        END LOOP;
        EXECUTE format('ALTER TABLE %I.mega_generations ADD FOREIGN KEY (mg_pass_id) '
                       'REFERENCES %I.mega_customers (mg_pass_id)', rival, rival);
    END LOOP;
END $$;
VACUUM (ANALYZE);

-- What a careful engineer writes by hand: a replay is told by its reference, the balance is guarded in the UPDATE that
-- changes it, a race for one reference ends at the unique index.
CREATE FUNCTION handwritten.record_credit(pass_id text, delta integer, reason text, source text DEFAULT NULL,
    ref_type text DEFAULT NULL, ref_id text DEFAULT NULL, OUT mg_id text, OUT mg_credits integer, OUT replayed boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    first record;
BEGIN
    IF record_credit.delta = 0 OR record_credit.reason IS NULL THEN
        RAISE EXCEPTION 'a delta and a reason are needed' USING ERRCODE = '22023';
    END IF;
    IF record_credit.ref_id IS NOT NULL THEN
        SELECT g.mg_id, g.mg_pass_id, g.mg_delta INTO first FROM handwritten.mega_generations g
        WHERE g.mg_record_type = 'credit_transaction' AND g.mg_ref_type = record_credit.ref_type
          AND g.mg_ref_id = record_credit.ref_id AND coalesce(g.mg_reason, '') = record_credit.reason;
        IF FOUND THEN
            IF first.mg_pass_id <> record_credit.pass_id OR first.mg_delta <> record_credit.delta THEN
                RAISE EXCEPTION 'this reference was used for something else';
            END IF;
            SELECT c.mg_credits INTO record_credit.mg_credits FROM handwritten.mega_customers c
            WHERE c.mg_pass_id = record_credit.pass_id;
            record_credit.mg_id := first.mg_id;
            record_credit.replayed := true;
            RETURN;
        END IF;
    END IF;
    UPDATE handwritten.mega_customers c
    SET mg_credits = c.mg_credits + record_credit.delta, mg_updated_at = clock_timestamp()
    WHERE c.mg_pass_id = record_credit.pass_id
      AND (record_credit.delta > 0
           OR (c.mg_credits + record_credit.delta >= 0 AND c.mg_disabled IS NOT TRUE AND c.mg_deleted_at IS NULL))
    RETURNING c.mg_credits INTO record_credit.mg_credits;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'insufficient credits or unknown customer';
    END IF;
    record_credit.mg_id := 'credit_transaction:' || gen_random_uuid();
    record_credit.replayed := false;
    INSERT INTO handwritten.mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source,
                                              mg_ref_type, mg_ref_id, mg_status, mg_source_system)
    VALUES (record_credit.mg_id, 'credit_transaction', record_credit.pass_id, record_credit.delta, record_credit.reason,
            record_credit.source, record_credit.ref_type, record_credit.ref_id, 'succeeded', 'api');
END $$;

-- The same for many: one INSERT, one UPDATE of the sums.
CREATE FUNCTION handwritten.record_credits(entries jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    written integer;
BEGIN
    WITH entry AS (
        SELECT * FROM jsonb_to_recordset(entries)
            AS e (pass_id text, delta integer, reason text, source text, ref_type text, ref_id text)
    ), appended AS (
        INSERT INTO handwritten.mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source,
                                                  mg_ref_type, mg_ref_id, mg_status, mg_source_system)
        SELECT 'credit_transaction:' || gen_random_uuid(), 'credit_transaction', pass_id, delta, reason, source, ref_type,
               ref_id, 'succeeded', 'api'
        FROM entry
        ON CONFLICT DO NOTHING
        RETURNING mg_pass_id, mg_delta
    ), total AS (
        SELECT mg_pass_id, sum(mg_delta) AS delta, count(*) AS entries FROM appended GROUP BY mg_pass_id
    ), changed AS (
        UPDATE handwritten.mega_customers c SET mg_credits = c.mg_credits + t.delta, mg_updated_at = clock_timestamp()
        FROM total t
        WHERE c.mg_pass_id = t.mg_pass_id AND (t.delta > 0 OR c.mg_credits + t.delta >= 0)
        RETURNING t.entries
    )
    SELECT sum(c.entries) INTO written FROM changed c;
    RETURN written;
END $$;
