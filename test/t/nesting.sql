-- What t/012_nesting plays with: one random act, which may hold others, and triggers of one's own that act, change rows
-- or drop them. Randomness comes from random(), so that setseed() repeats it. What is found to be untrue goes to
-- nest.lies, what was told to nest.told; both are rolled back with what they tell about.
-- nesting_calls.sql has the acts themselves.
CREATE SCHEMA nest;
CREATE TABLE nest.lies (what text);
CREATE TABLE nest.told (mg_id text);
CREATE TABLE nest.told_merged (source text, target text);
CREATE TABLE nest.told_erased (mg_pass_id text);
CREATE TABLE nest.claims (number integer GENERATED ALWAYS AS IDENTITY, topup_id text, mg_pass_id text);
CREATE TABLE nest.behaviour (trigger text PRIMARY KEY, does text);
CREATE SEQUENCE nest.ids;
CREATE TABLE nest.acts (kind text, ended text, times bigint, PRIMARY KEY (kind, ended)); -- written at the end of a statement

-- What can be done, and how often one is drawn among those of its room. Of some it is known that they are refused.
CREATE TABLE nest.kinds (room text, kind text PRIMARY KEY, times integer DEFAULT 1, never boolean DEFAULT false);
INSERT INTO nest.kinds (room, kind, times) VALUES ('credits', 'grant', 2), ('credits', 'grant with an end', 2), ('credits', 'spend', 2), ('credits', 'spend all', 2), ('credits', 'batch', 1), ('credits', 'hold', 3), ('credits', 'capture', 2),
    ('credits', 'release', 2), ('credits', 'sweep', 1), ('credits', 'expire', 1), ('credits', 'refund', 2), ('credits', 'revoke', 2), ('credits', 'transfer', 2), ('credits', 'transfer all', 2), ('credits', 'make lot', 2), ('credits', 'topup', 1),
    ('credits', 'automatic', 1), ('credits', 'claim', 2), ('credits', 'topup of a claim', 2), ('credits', 'end of a claim', 1), ('credits', 'open books', 1);
INSERT INTO nest.kinds (room, kind, times) VALUES ('studio', 'like', 3), ('studio', 'late set', 3), ('studio', 'events', 3), ('studio', 'session', 1), ('studio', 'generation', 3), ('studio', 'step', 2), ('studio', 'steps', 2), ('studio', 'update', 2),
    ('studio', 'complete', 2), ('studio', 'fail', 2), ('studio', 'tweak', 2), ('studio', 'feedback', 2), ('studio', 'scan line', 1), ('studio', 'work', 1), ('studio', 'delete generation', 1);
INSERT INTO nest.kinds (room, kind, times) VALUES ('office', 'merge customers', 6), ('office', 'erase', 2), ('office', 'erase again', 1), ('office', 'ensure', 2), ('office', 'ensure by identity', 1), ('office', 'change', 1), ('office', 'verify', 1), ('office', 'disable', 1),
    ('office', 'enable', 2), ('office', 'delete', 1), ('office', 'restore', 2), ('office', 'audit', 1), ('office', 'profile', 1), ('office', 'admin session', 1), ('office', 'settings', 1);
INSERT INTO nest.kinds (room, kind, times) VALUES ('raw', 'credit row', 1), ('raw', 'rows', 1), ('raw', 'rows or nothing', 1), ('raw', 'copy', 1), ('raw', 'both in one', 3), ('raw', 'one beside another', 2), ('raw', 'row update that calls', 1), ('raw', 'customer update that calls', 1), ('raw', 'loop that calls', 1),
    ('raw', 'customer and function', 1), ('raw', 'customer and rows', 1), ('raw', 'upsert', 1), ('raw', 'merge into', 1), ('raw', 'own key', 1), ('raw', 'person', 1), ('raw', 'foreign values', 1), ('raw', 'row update', 1), ('raw', 'title', 1), ('raw', 'session row', 1), ('raw', 'audit row', 1);
INSERT INTO nest.kinds VALUES ('raw', 'hold row', 1, true), ('raw', 'rows away', 1, true), ('raw', 'rows of others', 1, true);
-- What else there has to be of them.
INSERT INTO nest.kinds VALUES ('', 'merge again'), ('', 'merge in a chain'), ('', 'pass id of a source');

CREATE FUNCTION nest.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql AS
    'SELECT choices[1 + floor(random() * array_length(choices, 1))::integer]';
CREATE FUNCTION nest.kind(VARIADIC rooms text[]) RETURNS text LANGUAGE sql AS
    'SELECT nest.one_of(VARIADIC array_agg(kind ORDER BY kind)) FROM nest.kinds, generate_series(1, times) WHERE room = ANY (rooms)';
CREATE FUNCTION nest.id() RETURNS text LANGUAGE sql AS $$SELECT 'n' || nextval('nest.ids')$$;

CREATE VIEW nest.customers AS SELECT mg_pass_id, mg_meta #>> '{mega,merged_into}' AS target,
    CASE WHEN mg_meta #> '{mega,merged_into}' IS NOT NULL THEN 'merged' WHEN mg_meta #> '{mega,erased_at}' IS NOT NULL THEN 'erased' WHEN mg_disabled OR mg_deleted_at IS NOT NULL THEN 'stopped' ELSE 'active' END AS stands FROM mega_customers;
-- One who stands so; of those who are active one of a few, so that acts meet.
CREATE FUNCTION nest.customer(wanted text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(who[1 + floor(random() * CASE wanted WHEN 'active' THEN least(4, array_length(who, 1)) ELSE array_length(who, 1) END)::integer], 'pass:test:nest-a')
        FROM (SELECT array_agg(mg_pass_id ORDER BY mg_pass_id COLLATE "C") AS who FROM nest.customers WHERE stands = wanted) w
$$;
CREATE FUNCTION nest.customer() RETURNS text LANGUAGE sql AS $$
    SELECT nest.customer(CASE WHEN dice < 0.8 THEN 'active' WHEN dice < 0.94 THEN 'merged' WHEN dice < 0.97 THEN 'erased' ELSE 'stopped' END) FROM (SELECT random() OFFSET 0) r(dice)
$$;
-- Who goes on for a pass id.
CREATE FUNCTION nest.root(who text) RETURNS text LANGUAGE sql AS
    'SELECT coalesce((SELECT target FROM nest.customers WHERE mg_pass_id = who), who)';
-- Four who are active, with all that is a person's. What is personal has the word in it.
CREATE FUNCTION nest.refill() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id text;
BEGIN
    WHILE (SELECT count(*) < 4 FROM nest.customers WHERE stands = 'active') LOOP
        id := nest.id();
        PERFORM mega_ensure_customer('pass:test:nest-' || id, shopify_customer_id => substr(id, 2), user_id => md5(id)::uuid, email => 'personal-' || id || '@example.com', profile => '{"first_name": "personal", "display_name": "personal", "locale": "fa"}');
        PERFORM mega_record_credit('pass:test:nest-' || id, 20, 'welcome');
    END LOOP;
END
$$;
-- One that was used, mostly.
CREATE FUNCTION nest.old_id() RETURNS text LANGUAGE sql AS
    $$SELECT 'n' || greatest(1, (SELECT last_value FROM nest.ids) - floor(random() * 30)::bigint)$$;
-- The id of a row of a kind, or 'none'; seldom one of somebody who was erased. In an order that another run has, too:
-- generated ids follow each other in time.
CREATE FUNCTION nest.row_of(kind text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT (array_agg(mg_id ORDER BY mg_id COLLATE "C"))[1 + floor(random() * count(*))::integer] FROM mega_generations
        WHERE CASE kind WHEN 'hold' THEN mg_id LIKE 'credit\_transaction:hold:%' WHEN 'spend' THEN mg_record_type = 'credit_transaction' AND mg_delta < 0 WHEN 'grant' THEN mg_record_type = 'credit_transaction' AND mg_delta > 0 ELSE mg_record_type = kind END
            AND (any_at_all OR mg_pass_id NOT IN (SELECT mg_pass_id FROM nest.customers WHERE stands = 'erased'))), kind || ':none') FROM (SELECT random() < 0.1 OFFSET 0) d(any_at_all)
$$;
CREATE FUNCTION nest.hold() RETURNS text LANGUAGE sql AS $$SELECT replace(nest.row_of('hold'), 'credit_transaction:hold:', '')$$;
CREATE FUNCTION nest.generation() RETURNS text LANGUAGE sql AS $$SELECT replace(nest.row_of('generation'), 'generation:', '')$$;
CREATE FUNCTION nest.payload() RETURNS jsonb LANGUAGE sql AS
    $$SELECT jsonb_build_object('tags', jsonb_build_array(nest.one_of('u', 'v', 'w')))$$;

-- What the caller was told is held against the tables, at once.
CREATE FUNCTION nest.check_balance(kind text, who text, credits integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stored integer := (SELECT mg_credits FROM mega_customers WHERE mg_pass_id = nest.root(who));
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
CREATE FUNCTION nest.check_customer(kind text, who text, told text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF told IS DISTINCT FROM nest.root(who) THEN
        INSERT INTO nest.lies VALUES (format('%s of %s told of %s, not of %s', kind, who, told, nest.root(who)));
    END IF;
END
$$;
-- What the office told of a customer: whether something changed, as an audit says, and what there is now.
CREATE FUNCTION nest.check_office(kind text, action text, doer text, who text, told record, is_so boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nest.check_customer(kind, who, told.mg_pass_id);
    IF is_so IS NOT TRUE THEN
        INSERT INTO nest.lies VALUES (format('%s of %s is not so', kind, who));
    END IF;
    IF told.changed AND NOT EXISTS (SELECT FROM mega_admin a WHERE a.mg_action = action AND a.mg_detail ->> 'actor' = doer) THEN
        INSERT INTO nest.lies VALUES (format('%s of %s told of a change that no audit tells of', kind, who));
    END IF;
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
CREATE FUNCTION nest.count(kind text, ended text) RETURNS void LANGUAGE sql AS
    'INSERT INTO nest.acts VALUES (kind, ended, 1) ON CONFLICT ON CONSTRAINT acts_pkey DO UPDATE SET times = nest.acts.times + 1';

-- One act of any kind, by itself, in a block that takes back whatever failed, or in one that is always taken back.
CREATE FUNCTION nest.act() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    who text := nest.customer();
    dice float := random();
    room text := nest.one_of('credits', 'credits', 'studio', 'office', 'office', 'raw', 'raw');
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
        PERFORM nest.call(nest.one_of('grant', 'spend', 'like', 'late set', 'merge customers', 'merge customers', 'erase', 'disable', 'hold', 'feedback'), who);
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
    kind := nest.kind(room);
    IF random() < 0.3 THEN
        PERFORM CASE room WHEN 'raw' THEN nest.write(kind, who) ELSE nest.call(kind, who) END;
        PERFORM nest.count(kind, '00000');
        RETURN;
    END IF;
    BEGIN
        PERFORM CASE room WHEN 'raw' THEN nest.write(kind, who) ELSE nest.call(kind, who) END;
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
    $$SELECT state ~ '^(MG...|23502|23503|23505|23514|22003|22023|25001|27000|55000|55006|P0042|21000|40001)$'$$;

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
    ELSIF does = 'change' AND TG_TABLE_NAME = 'mega_admin' AND TG_OP = 'INSERT' THEN
        IF random() < 0.5 THEN
            NEW.mg_detail := NEW.mg_detail || '{"tenant": "t"}'; -- what a new row says is its writer's, and his triggers'
        ELSIF NEW.mg_action LIKE 'customer.%' IS NOT TRUE THEN
            NEW.mg_actor_pass_id := nest.customer();
        END IF;
    ELSIF does = 'change' AND TG_TABLE_NAME = 'mega_admin' THEN
        CASE nest.one_of('mail', 'detail', 'customer', 'action')
            WHEN 'mail' THEN NEW.mg_email := 'personal@example.com';
            WHEN 'detail' THEN NEW.mg_detail := '{"note": "personal"}';
            WHEN 'customer' THEN NEW.mg_actor_pass_id := nest.customer();
            ELSE NEW.mg_action := 'other';
        END CASE;
    ELSIF does = 'change' AND TG_TABLE_NAME = 'mega_customers' THEN
        CASE nest.one_of('credits', 'clamp', 'nothing left', 'key', 'tags', 'locale', 'pass', 'mail', 'off', 'on', 'meta', 'end')
            WHEN 'mail' THEN NEW.mg_email := 'personal@example.com';
            WHEN 'off' THEN NEW.mg_disabled := true;
            WHEN 'on' THEN
                NEW.mg_disabled := false;
                NEW.mg_deleted_at := NULL;
            WHEN 'meta' THEN NEW.mg_meta := '{"note": "personal"}';
            WHEN 'end' THEN NEW.mg_expires_at := NULL;
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
            WHEN 'customer' THEN
                IF NEW.mg_ref_type IS DISTINCT FROM 'transfer' THEN -- an erasure finds who a transfer names by his row of it
                    NEW.mg_pass_id := nest.customer();
                END IF;
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
            ELSE NEW.mg_title := 'personal';
        END CASE;
    END IF;
    RETURN NEW;
END
$$;

-- What is wrong, one line each: the books (I1, I2, I15), a balance below zero though nobody may take it there (I3), what
-- was told, who was merged and still has something, who was erased and is still known.
CREATE FUNCTION nest.wrong_of_merged() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s was merged and has %s', mg_pass_id, to_jsonb(c)) FROM mega_customers c WHERE mg_meta #> '{mega,merged_into}' IS NOT NULL
        AND (mg_credits <> 0 OR mg_mma_preferences ?| '{tag_weights,hard_blocks,positions}' OR mg_meta -> 'mega' <> jsonb_build_object('merged_into', mg_meta #> '{mega,merged_into}'))
    UNION ALL SELECT format('%s is still with %s, who was merged', g.mg_id, g.mg_pass_id) FROM mega_generations g JOIN nest.customers c USING (mg_pass_id) WHERE c.stands = 'merged'
    UNION ALL SELECT format('%s was merged into %s, who does not know it', c.mg_pass_id, c.target) FROM nest.customers c LEFT JOIN mega_customers t ON t.mg_pass_id = c.target
        WHERE c.stands = 'merged' AND (t.mg_meta #> '{mega,sources}' ? c.mg_pass_id) IS NOT TRUE
    UNION ALL SELECT format('%s knows %s, who was not merged into it', t.mg_pass_id, s) FROM mega_customers t, jsonb_array_elements_text(t.mg_meta #> '{mega,sources}') s WHERE nest.root(s) <> t.mg_pass_id
    UNION ALL SELECT format('%s was told to be merged into %s', m.source, m.target) FROM nest.told_merged m JOIN nest.customers s ON s.mg_pass_id = m.source WHERE s.stands <> 'erased' AND nest.root(m.source) <> nest.root(m.target)
$$;
CREATE FUNCTION nest.wrong_of_erased() RETURNS SETOF text LANGUAGE sql AS $$
    WITH erased AS MATERIALIZED (SELECT mg_pass_id FROM nest.customers WHERE stands = 'erased'),
        mentions AS (SELECT mg_id, (regexp_matches((to_jsonb(a) - 'mg_actor_pass_id')::text, '"(pass:[^"]*)"', 'g'))[1] AS mg_pass_id FROM mega_admin a
            UNION ALL SELECT mg_id, (regexp_matches(mg_meta::text, '"(pass:[^"]*)"', 'g'))[1] FROM mega_generations WHERE mg_meta::text LIKE '%"pass:%')
    SELECT format('%s was erased and is %s', c.mg_pass_id, to_jsonb(c)) FROM mega_customers c JOIN erased USING (mg_pass_id)
        WHERE to_jsonb(c)::text ~ 'personal' OR num_nonnulls(mg_email, mg_first_name, mg_last_name, mg_display_name, mg_locale, mg_timezone, mg_verification_keynumber, mg_shopify_customer_id, mg_user_id) > 0
            OR mg_deleted_at IS NULL OR mg_auto_topup_enabled OR mg_meta - 'mega' <> '{}' OR mg_meta -> 'mega' ?| '{sources,merged_into,import,from}'
    UNION ALL SELECT format('%s of %s, who was erased, is %s', mg_id, mg_pass_id, to_jsonb(g)) FROM mega_generations g JOIN erased USING (mg_pass_id) WHERE to_jsonb(g)::text LIKE '%personal%'
    UNION ALL SELECT format('%s about %s, who was erased, is %s', mg_id, mg_actor_pass_id, to_jsonb(a)) FROM mega_admin a JOIN erased e ON e.mg_pass_id = a.mg_actor_pass_id WHERE to_jsonb(a)::text LIKE '%personal%'
    UNION ALL SELECT format('%s tells of %s, who was erased', mg_id, mg_pass_id) FROM mentions JOIN erased USING (mg_pass_id)
    UNION ALL SELECT format('%s was told to be erased', mg_pass_id) FROM nest.told_erased JOIN nest.customers c USING (mg_pass_id) WHERE c.stands <> 'erased'
$$;
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
    UNION ALL SELECT nest.wrong_of_merged()
    UNION ALL SELECT nest.wrong_of_erased()
$$;
SELECT nest.refill();
