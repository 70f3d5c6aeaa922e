-- What t/012_nesting plays with: one random act, which may hold others, and triggers of one's own that act, change rows
-- or drop them. Randomness comes from random(), so that setseed() repeats it. What is found to be untrue goes to
-- nest.lies, what was told to nest.told; both are rolled back with what they tell about.
CREATE SCHEMA nest;
CREATE TABLE nest.lies (what text);
CREATE TABLE nest.told (mg_id text);
CREATE TABLE nest.behaviour (trigger text PRIMARY KEY, does text);
CREATE SEQUENCE nest.ids;
CREATE TABLE nest.acts (kind text, ended text, times bigint, PRIMARY KEY (kind, ended)); -- written at the end of a statement

CREATE FUNCTION nest.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql AS
    'SELECT choices[1 + floor(random() * array_length(choices, 1))::integer]';
CREATE FUNCTION nest.customer() RETURNS text LANGUAGE sql AS
    $$SELECT 'pass:test:nest-' || nest.one_of('a', 'b', 'c')$$;
CREATE FUNCTION nest.id() RETURNS text LANGUAGE sql AS $$SELECT 'n' || nextval('nest.ids')$$;
-- One that was used, mostly.
CREATE FUNCTION nest.old_id() RETURNS text LANGUAGE sql AS
    $$SELECT 'n' || greatest(1, (SELECT last_value FROM nest.ids) - floor(random() * 30)::bigint)$$;
-- The id of a row of a kind, or 'none'. In an order that another run has, too: generated ids follow each other in time.
CREATE FUNCTION nest.row_of(kind text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT (array_agg(mg_id ORDER BY mg_id COLLATE "C"))[1 + floor(random() * count(*))::integer] FROM mega_generations
        WHERE CASE kind WHEN 'hold' THEN mg_id LIKE 'credit\_transaction:hold:%' WHEN 'spend' THEN mg_record_type = 'credit_transaction' AND mg_delta < 0 ELSE mg_record_type = kind END), kind || ':none')
$$;
CREATE FUNCTION nest.hold() RETURNS text LANGUAGE sql AS $$SELECT replace(nest.row_of('hold'), 'credit_transaction:hold:', '')$$;
CREATE FUNCTION nest.generation() RETURNS text LANGUAGE sql AS $$SELECT replace(nest.row_of('generation'), 'generation:', '')$$;
CREATE FUNCTION nest.payload() RETURNS jsonb LANGUAGE sql AS
    $$SELECT jsonb_build_object('tags', jsonb_build_array(nest.one_of('u', 'v', 'w')))$$;

-- What the caller was told is held against the tables, at once.
CREATE FUNCTION nest.check_balance(kind text, who text, credits integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stored integer := (SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who);
BEGIN
    IF stored IS DISTINCT FROM credits THEN
        INSERT INTO nest.lies VALUES (format('%s told %s the balance %s, stored is %s', kind, who, credits, stored));
    END IF;
END
$$;
CREATE FUNCTION nest.check_row(kind text, id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM mega_generations WHERE mg_id = id) THEN
        INSERT INTO nest.lies VALUES (format('%s told of %s, which is not there', kind, id));
    END IF;
    INSERT INTO nest.told VALUES (id);
END
$$;
CREATE FUNCTION nest.check_hold(hold text, outcome text, who text, credits integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted text := CASE WHEN outcome IN ('captured', 'already_captured', 'recaptured') THEN 'succeeded' ELSE 'failed' END;
    stored text := (SELECT mg_status FROM mega_generations WHERE mg_id = 'credit_transaction:hold:' || hold);
BEGIN
    IF stored IS DISTINCT FROM wanted THEN
        INSERT INTO nest.lies VALUES (format('hold %s was told to be %s, stored is %s', hold, outcome, stored));
    END IF;
    PERFORM nest.check_balance(outcome, who, credits);
END
$$;

-- One function of mega.
CREATE FUNCTION nest.call(kind text, who text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r record;
    other text;
    amount integer := 1 + floor(random() * 40)::integer;
BEGIN
    CASE kind
    WHEN 'grant' THEN
        SELECT * INTO r FROM mega_record_credit(who, amount, 'grant', txn_id => nest.one_of(nest.id(), nest.id(), NULL));
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'grant with an end' THEN
        SELECT * INTO r FROM mega_record_credit(who, amount, 'promo', txn_id => nest.id(), expires_at => clock_timestamp() + nest.one_of('1 hour', '100 milliseconds')::interval);
        PERFORM pg_sleep(0.002); -- over in every run, or in none
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'spend' THEN
        SELECT * INTO r FROM mega_record_credit(who, -amount, 'video', ref_type => 'job', ref_id => nest.one_of(nest.id(), nest.old_id()));
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'spend all' THEN
        SELECT * INTO r FROM mega_record_credit(who, -greatest(1, (SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who)), 'all', txn_id => nest.id());
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'batch' THEN
        SELECT * INTO r FROM mega_record_credits(jsonb_build_array(jsonb_build_object('pass_id', who, 'delta', amount, 'reason', 'batch', 'txn_id', nest.id()),
            jsonb_build_object('pass_id', nest.customer(), 'delta', -3, 'reason', 'batch', 'txn_id', nest.one_of(nest.id(), nest.old_id()))));
    WHEN 'hold' THEN
        SELECT * INTO r FROM mega_hold_credit(who, amount, nest.id(), expires_in => nest.one_of('1 hour', '100 milliseconds')::interval);
        PERFORM pg_sleep(0.002);
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'capture' THEN
        other := nest.hold();
        SELECT * INTO r FROM mega_capture_credit(other, nest.one_of(NULL, '1', amount::text)::integer);
        PERFORM nest.check_hold(other, r.outcome, (SELECT mg_pass_id FROM mega_generations WHERE mg_id = 'credit_transaction:hold:' || other), r.mg_credits);
    WHEN 'release' THEN
        other := nest.hold();
        SELECT * INTO r FROM mega_release_credit(other);
        IF r.outcome <> 'already_captured' THEN
            PERFORM nest.check_hold(other, r.outcome, (SELECT mg_pass_id FROM mega_generations WHERE mg_id = 'credit_transaction:hold:' || other), r.mg_credits);
        END IF;
    WHEN 'sweep' THEN
        PERFORM mega_release_expired_holds();
    WHEN 'expire' THEN
        PERFORM mega_expire_credits();
    WHEN 'refund' THEN
        other := replace(nest.row_of('spend'), 'credit_transaction:', '');
        SELECT * INTO r FROM mega_refund_credit(other, nest.id());
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, (SELECT mg_pass_id FROM mega_generations WHERE mg_id = 'credit_transaction:' || other), r.mg_credits);
    WHEN 'transfer' THEN
        other := nest.customer();
        SELECT * INTO r FROM mega_transfer_credit(who, other, amount, nest.id());
        PERFORM nest.check_balance(kind, who, r.from_credits), nest.check_balance(kind, other, r.to_credits);
    WHEN 'topup' THEN
        SELECT * INTO r FROM mega_record_topup(who, 1, 5, 'order', nest.id());
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'like' THEN
        SELECT * INTO r FROM mega_record_mma_event(who, 'like', nest.payload(), event_id => nest.one_of(nest.id(), nest.id(), NULL));
        PERFORM nest.check_row(kind, r.mg_id);
        IF r.preferences IS DISTINCT FROM (SELECT mg_mma_preferences FROM mega_customers WHERE mg_pass_id = who) THEN
            INSERT INTO nest.lies VALUES ('like told other preferences than are stored');
        END IF;
    WHEN 'late set' THEN
        SELECT * INTO r FROM mega_record_mma_event(who, 'preference_set', jsonb_build_object('tag_weights', jsonb_build_object(nest.one_of('u', 'v', 'w'), amount)),
            event_id => nest.id(), created_at => clock_timestamp() - random() * interval '10 minutes');
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'session' THEN
        SELECT * INTO r FROM mega_start_session(who, nest.one_of(nest.id(), nest.old_id(), NULL));
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'generation' THEN
        SELECT * INTO r FROM mega_create_generation(who, nest.one_of(nest.id(), nest.id(), NULL), mma_mode => 'still');
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'step' THEN
        SELECT * INTO r FROM mega_append_mma_step(nest.generation(), 'scan', mma_status => nest.one_of(NULL, 'scanning', 'prompting'));
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'update' THEN
        SELECT * INTO r FROM mega_update_generation(nest.generation(), nest.one_of('scanning', 'generating'), vars => '{"a": 1}');
        IF r.mg_mma_status IS DISTINCT FROM (SELECT mg_mma_status FROM mega_generations WHERE mg_id = r.mg_id) THEN
            INSERT INTO nest.lies VALUES ('update told another status than is stored');
        END IF;
    WHEN 'ensure' THEN
        SELECT * INTO r FROM mega_ensure_customer(nest.one_of(who, who, 'pass:test:nest-new-' || nest.id()), email => nest.one_of('a@example.com', NULL));
        PERFORM nest.check_balance(kind, r.mg_pass_id, r.mg_credits);
    WHEN 'open books' THEN -- finds nothing, or is refused
        PERFORM mega_open_books();
    END CASE;
END
$$;

-- One statement of SQL.
CREATE FUNCTION nest.write(kind text, who text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id text := nest.id();
    event jsonb := jsonb_build_object('event_type', nest.one_of('like', 'dislike'), 'payload', nest.payload());
BEGIN
    CASE kind
    WHEN 'credit row' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:' || id, who, 7);
    WHEN 'rows' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta)
            SELECT CASE i % 2 WHEN 0 THEN 'credit_transaction:' ELSE 'mma_event:' END || id || '-' || i, nest.customer(), CASE i % 2 WHEN 0 THEN i END, event FROM generate_series(1, 4) i;
    WHEN 'rows or nothing' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES ('mma_event:' || nest.old_id(), who, NULL, event), ('credit_transaction:' || nest.old_id(), who, 2, event), ('mma_event:' || id, who, NULL, event) ON CONFLICT DO NOTHING;
    WHEN 'copy' THEN
        EXECUTE format($s$COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) FROM PROGRAM 'printf "credit_transaction:%1$s|%2$s|3|{}\nmma_event:%1$s|%2$s|\\\\N|%3$s\n"' (DELIMITER '|')$s$, id, who, replace(event::text, '"', '\"'));
    WHEN 'both in one' THEN
        WITH raw AS (INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES ('mma_event:' || id, who, NULL, event), ('credit_transaction:' || id, who, 9, '{}') RETURNING mg_id)
        SELECT count(*) FROM raw, LATERAL (SELECT nest.call(nest.one_of('late set', 'late set', 'like', 'spend', 'spend all', 'grant', 'hold', 'expire', 'open books'), who)) c INTO STRICT id;
    WHEN 'customer and function' THEN
        WITH c AS (INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences, mg_expires_at) VALUES ('pass:test:nest-new-' || id, 500, '{"tag_weights": {"u": 3}, "theme": 1}', nest.one_of(NULL, '2020-01-01')::timestamptz) RETURNING mg_pass_id)
        SELECT count(*) FROM c, LATERAL (SELECT nest.call(nest.one_of('spend', 'spend all', 'late set', 'like', 'grant', 'hold'), c.mg_pass_id)) f INTO STRICT id;
    WHEN 'customer and rows' THEN
        WITH c AS (INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences) VALUES ('pass:test:nest-new-' || id, 500, '{"tag_weights": {"u": 3}, "theme": 1}') RETURNING mg_pass_id)
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES ('mma_event:' || id, 'pass:test:nest-new-' || id, NULL, event), ('credit_transaction:' || id, 'pass:test:nest-new-' || id, 9, '{}');
    WHEN 'upsert' THEN
        INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_email) VALUES (nest.one_of(who, 'pass:test:nest-new-' || id), nest.one_of((SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who)::text, '0', '9')::integer, 'b@example.com')
            ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits, mg_email = EXCLUDED.mg_email;
    WHEN 'merge' THEN
        MERGE INTO mega_customers c USING (VALUES (nest.one_of(who, 'pass:test:nest-new-' || id), 4)) v(who, credits) ON c.mg_pass_id = v.who
            WHEN MATCHED THEN UPDATE SET mg_credits = v.credits, mg_locale = 'fa' WHEN NOT MATCHED THEN INSERT (mg_pass_id, mg_credits) VALUES (v.who, v.credits);
    WHEN 'own key' THEN
        UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"theme": 2}' WHERE mg_pass_id = who;
    WHEN 'foreign values' THEN
        UPDATE mega_customers SET mg_credits = mg_credits + 1, mg_mma_preferences = '{"tag_weights": {"w": 9}}' WHERE mg_pass_id = who;
    WHEN 'row update' THEN
        UPDATE mega_generations SET mg_error = 'x' WHERE mg_id = ANY (ARRAY(SELECT nest.row_of(k) FROM unnest('{credit_transaction,mma_event,hold}'::text[]) k));
    WHEN 'hold row' THEN -- never, not even while it is being settled
        UPDATE mega_generations SET mg_status = CASE mg_status WHEN 'pending' THEN 'failed' ELSE 'pending' END WHERE mg_id = 'credit_transaction:hold:' || nest.hold();
    WHEN 'title' THEN
        UPDATE mega_generations SET mg_title = 'x', mg_status = 'x' WHERE mg_record_type = 'generation';
    END CASE;
END
$$;

CREATE FUNCTION nest.count(kind text, ended text) RETURNS void LANGUAGE sql AS
    'INSERT INTO nest.acts VALUES (kind, ended, 1) ON CONFLICT ON CONSTRAINT acts_pkey DO UPDATE SET times = nest.acts.times + 1';

-- One act of any kind, by itself, in a block that takes back whatever failed, or in one that is always taken back.
CREATE FUNCTION nest.act() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    who text := nest.customer();
    dice float := random();
    kind text;
    state text;
    message text;
    left_over integer := current_setting('nest.budget')::integer - 1;
BEGIN
    PERFORM set_config('nest.budget', left_over::text, true);
    IF left_over < 0 THEN
        RETURN;
    END IF;
    IF current_setting('nest.at_end', true) = 'on' THEN
        PERFORM nest.call(nest.one_of('grant', 'spend', 'like', 'late set'), who);
        RETURN;
    END IF;
    IF dice < 0.15 THEN -- two in one block, which goes on behind an error
        BEGIN
            PERFORM nest.act();
            PERFORM nest.act();
            IF random() < 0.4 THEN
                RAISE EXCEPTION 'back' USING ERRCODE = 'P0042';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            IF NOT nest.may_end(state) THEN
                INSERT INTO nest.lies VALUES ('a block ended with ' || state || ' ' || message);
            END IF;
        END;
        RETURN;
    END IF;
    kind := CASE WHEN dice < 0.6
        THEN nest.one_of('grant', 'grant with an end', 'spend', 'spend', 'spend all', 'batch', 'hold', 'hold', 'capture', 'capture', 'release', 'sweep', 'expire', 'refund', 'transfer', 'topup',
            'like', 'like', 'late set', 'late set', 'session', 'generation', 'step', 'update', 'ensure')
        ELSE nest.one_of('credit row', 'rows', 'rows or nothing', 'copy', 'both in one', 'both in one', 'customer and function', 'customer and rows', 'upsert', 'merge', 'own key', 'foreign values', 'row update', 'hold row', 'title') END;
    IF random() < 0.3 THEN
        PERFORM CASE WHEN dice < 0.6 THEN nest.call(kind, who) ELSE nest.write(kind, who) END;
        PERFORM nest.count(kind, '00000');
        RETURN;
    END IF;
    BEGIN
        PERFORM CASE WHEN dice < 0.6 THEN nest.call(kind, who) ELSE nest.write(kind, who) END;
        PERFORM nest.count(kind, '00000');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        IF NOT nest.may_end(state) THEN
            INSERT INTO nest.lies VALUES (kind || ' ended with ' || state || ' ' || message);
        END IF;
        PERFORM nest.count(kind, state);
    END;
END
$$;

-- How an act may end: rules, keys, and what Postgres says of a row that a trigger writes under its statement.
CREATE FUNCTION nest.may_end(state text) RETURNS boolean LANGUAGE sql AS
    $$SELECT state ~ '^(MG|23502|23503|23505|23514|22003|22023|27000|55000|P0042|21000|40001)'$$;

-- Triggers of one's own. What one does stands in nest.behaviour by its name.
CREATE FUNCTION nest.fire() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    does text := (SELECT b.does FROM nest.behaviour b WHERE b.trigger = TG_NAME);
    old_preferences jsonb;
BEGIN
    IF random() < 0.4 THEN
        does := 'nothing';
    END IF;
    IF does = 'act at the end' THEN
        -- Without blocks: a server with assertions stops at any block that catches an error while it commits.
        PERFORM set_config('nest.at_end', 'on', true);
    END IF;
    IF does LIKE 'act%' THEN
        PERFORM nest.act();
    END IF;
    IF TG_LEVEL = 'STATEMENT' OR TG_WHEN = 'AFTER' THEN
        RETURN NULL;
    END IF;
    IF does = 'drop' THEN
        RETURN NULL;
    ELSIF does = 'old' AND TG_OP = 'UPDATE' THEN
        RETURN OLD;
    ELSIF does = 'change' AND TG_TABLE_NAME = 'mega_customers' THEN
        CASE nest.one_of('credits', 'clamp', 'nothing left', 'key', 'tags', 'locale', 'pass')
            WHEN 'credits' THEN NEW.mg_credits := 1000;
            WHEN 'clamp' THEN NEW.mg_credits := least(NEW.mg_credits, 60);
            WHEN 'nothing left' THEN NEW.mg_mma_preferences := '{}';
            WHEN 'key' THEN NEW.mg_mma_preferences := NEW.mg_mma_preferences || '{"language": "ar"}';
            WHEN 'tags' THEN NEW.mg_mma_preferences := NEW.mg_mma_preferences || '{"tag_weights": {"u": 1}}';
            WHEN 'pass' THEN NEW.mg_pass_id := NEW.mg_pass_id || 'x';
            ELSE NEW.mg_locale := 'en-AE';
        END CASE;
    ELSIF does = 'change' THEN
        CASE nest.one_of('delta', 'customer', 'id', 'meta', 'time', 'status', 'type', 'title')
            WHEN 'delta' THEN NEW.mg_delta := 2 * NEW.mg_delta;
            WHEN 'customer' THEN NEW.mg_pass_id := nest.customer();
            WHEN 'id' THEN NEW.mg_id := NEW.mg_id || 'x';
            WHEN 'meta' THEN NEW.mg_meta := jsonb_build_object('event_type', 'like', 'payload', nest.payload());
            WHEN 'time' THEN NEW.mg_created_at := NEW.mg_created_at - interval '1 hour';
            WHEN 'status' THEN NEW.mg_status := 'pending';
            WHEN 'type' THEN
                IF NEW.mg_record_type = 'session' THEN
                    NEW.mg_record_type := 'mma_event';
                    NEW.mg_id := 'mma_event:' || NEW.mg_session_id;
                    NEW.mg_meta := jsonb_build_object('event_type', 'like', 'payload', nest.payload());
                END IF;
            ELSE NEW.mg_title := 'y';
        END CASE;
    END IF;
    RETURN NEW;
END
$$;

-- What is wrong, one line each: the books (I1, I2), a balance below zero though nobody may take it there (I3), what was
-- told.
CREATE FUNCTION nest.wrong() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('I1: %s has %s, its rows say %s', c.mg_pass_id, c.mg_credits, coalesce(sum(g.mg_delta), 0)) FROM mega_customers c
        LEFT JOIN mega_generations g ON g.mg_pass_id = c.mg_pass_id AND g.mg_record_type = 'credit_transaction'
        GROUP BY c.mg_pass_id, c.mg_credits HAVING c.mg_credits <> coalesce(sum(g.mg_delta), 0)
    UNION ALL SELECT format('mega_reconcile_credits: %s', r) FROM mega_reconcile_credits() r
    UNION ALL SELECT format('I2: %s', r) FROM mega_reconcile_preferences() r
    UNION ALL SELECT format('I15: %s', r) FROM mega_reconcile_lots() r
    UNION ALL SELECT format('I3: %s has %s', mg_pass_id, mg_credits) FROM mega_customers WHERE mg_credits < 0
    UNION ALL SELECT what FROM nest.lies
    UNION ALL SELECT format('%s was told of and is not there', mg_id) FROM nest.told t WHERE NOT EXISTS (SELECT FROM mega_generations g WHERE g.mg_id = t.mg_id)
$$;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:nest-' || n FROM unnest('{a,b,c}'::text[]) n;
