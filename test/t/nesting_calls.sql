-- The acts of t/012_nesting, each once, with what nesting.sql holds of its answer against the tables.

-- Functions of the credits.
CREATE FUNCTION nest.call_credits(kind text, who text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r record;
    other text;
    amount integer := 1 + floor(random() * 40)::integer;
BEGIN
    CASE kind
    WHEN 'grant' THEN
        SELECT * INTO r FROM mega_record_credit(who, amount, 'grant', txn_id => nest.one_of(nest.id(), nest.id(), NULL), meta => '{"note": "personal"}');
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'grant with an end' THEN
        SELECT * INTO r FROM mega_record_credit(who, amount, 'promo', txn_id => nest.id(), expires_at => clock_timestamp() + nest.one_of('1 hour', '100 milliseconds')::interval);
        PERFORM pg_sleep(0.002); -- over in every run, or in none
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'spend' THEN
        SELECT * INTO r FROM mega_record_credit(who, -amount, 'video', ref_type => 'job', ref_id => nest.one_of(nest.id(), nest.old_id()));
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'spend all' THEN
        SELECT * INTO r FROM mega_record_credit(who, -greatest(1, (SELECT mg_credits FROM mega_customers WHERE mg_pass_id = nest.root(who))), 'all', txn_id => nest.id());
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'batch' THEN
        SELECT * INTO r FROM mega_record_credits(jsonb_build_array(jsonb_build_object('pass_id', who, 'delta', amount, 'reason', 'batch', 'txn_id', nest.id()),
            jsonb_build_object('pass_id', nest.customer(), 'delta', -3, 'reason', 'batch', 'txn_id', nest.one_of(nest.id(), nest.old_id()))));
    WHEN 'hold' THEN
        SELECT * INTO r FROM mega_hold_credit(who, amount, nest.id(), expires_in => nest.one_of('1 hour', '100 milliseconds')::interval, meta => '{"note": "personal"}', generation_id => nest.one_of(NULL, nest.generation()));
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
    WHEN 'open books' THEN -- finds nothing, or is refused
        PERFORM mega_open_books();
    WHEN 'revoke' THEN
        other := replace(nest.row_of('grant'), 'credit_transaction:', '');
        SELECT * INTO r FROM mega_revoke_credit(nest.one_of(nest.id(), nest.old_id()), other, amount => nest.one_of(NULL, '1')::integer);
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, (SELECT mg_pass_id FROM mega_generations WHERE mg_id = 'credit_transaction:' || other), r.mg_credits);
    WHEN 'transfer all' THEN
        other := nest.customer();
        SELECT * INTO r FROM mega_transfer_credit(who, other, NULL, nest.id());
        PERFORM nest.check_balance(kind, who, r.from_credits), nest.check_balance(kind, other, r.to_credits);
    WHEN 'make lot' THEN
        SELECT * INTO r FROM mega_make_lot(who, nest.id(), nest.one_of(NULL, amount::text)::integer, nest.one_of(NULL, (clock_timestamp() + interval '1 hour')::text, (clock_timestamp() + interval '100 milliseconds')::text)::timestamptz);
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'automatic' THEN
        PERFORM mega_update_customer(who, '{"auto_topup_enabled": true, "auto_topup_monthly_limit_packs": 50}');
    WHEN 'claim' THEN
        PERFORM mega_update_customer(who, '{"auto_topup_enabled": true}');
        INSERT INTO nest.claims (topup_id, mg_pass_id) SELECT c.topup_id, c.mg_pass_id FROM mega_claim_topups(1000, 2) c ORDER BY c.mg_pass_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'nobody is due' USING ERRCODE = 'P0042';
        END IF;
    WHEN 'topup of a claim' THEN
        SELECT c.* INTO r FROM nest.claims c ORDER BY number DESC LIMIT 1;
        who := r.mg_pass_id;
        SELECT * INTO r FROM mega_record_topup(who, topup_id => r.topup_id);
        PERFORM nest.check_row(kind, r.mg_id), nest.check_balance(kind, who, r.mg_credits);
    WHEN 'end of a claim' THEN
        PERFORM mega_release_topup_claim((SELECT topup_id FROM nest.claims ORDER BY number DESC LIMIT 1));
    END CASE;
END
$$;

-- Functions of the studio.
CREATE FUNCTION nest.call_studio(kind text, who text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r record;
    other text;
    amount integer := 1 + floor(random() * 40)::integer;
BEGIN
    CASE kind
    WHEN 'like' THEN
        SELECT * INTO r FROM mega_record_mma_event(who, 'like', nest.payload(), event_id => nest.one_of(nest.id(), nest.id(), NULL));
        PERFORM nest.check_row(kind, r.mg_id);
        IF r.preferences IS DISTINCT FROM (SELECT mg_mma_preferences FROM mega_customers WHERE mg_pass_id = nest.root(who)) THEN
            INSERT INTO nest.lies VALUES ('like told other preferences than are stored');
        END IF;
    WHEN 'late set' THEN
        SELECT * INTO r FROM mega_record_mma_event(who, 'preference_set', jsonb_build_object('tag_weights', jsonb_build_object(nest.one_of('u', 'v', 'w'), amount)),
            event_id => nest.id(), created_at => clock_timestamp() - random() * interval '10 minutes');
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'session' THEN
        SELECT * INTO r FROM mega_start_session(who, nest.one_of(nest.id(), nest.old_id(), NULL), title => 'personal', client => '{"os": "personal"}');
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'generation' THEN
        SELECT * INTO r FROM mega_create_generation(who, nest.one_of(nest.id(), nest.id(), NULL), mma_mode => 'still', prompt => 'personal', vars => '{"personal": 1}', meta => '{"personal": 1}');
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'step' THEN
        SELECT * INTO r FROM mega_append_mma_step(nest.generation(), 'scan', '{"personal": 1}', mma_status => nest.one_of(NULL, 'scanning', 'prompting'));
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'update' THEN
        SELECT * INTO r FROM mega_update_generation(nest.generation(), nest.one_of('scanning', 'generating'), vars => '{"personal": 2}');
        IF r.mg_mma_status IS DISTINCT FROM (SELECT mg_mma_status FROM mega_generations WHERE mg_id = r.mg_id) THEN
            INSERT INTO nest.lies VALUES ('update told another status than is stored');
        END IF;
    WHEN 'events' THEN
        SELECT * INTO r FROM mega_record_mma_events(jsonb_build_array(jsonb_build_object('pass_id', who, 'event_type', 'like', 'event_id', nest.id(), 'payload', nest.payload()),
            jsonb_build_object('pass_id', nest.customer(), 'event_type', 'dislike', 'event_id', nest.one_of(nest.id(), nest.old_id()), 'payload', nest.payload() || '{"note": "personal"}')));
    WHEN 'steps' THEN
        SELECT * INTO r FROM mega_append_mma_steps(nest.generation(), '[{"step_type": "scan", "input": {"personal": 1}}, {"step_type": "prompt"}]');
    WHEN 'complete' THEN
        SELECT * INTO r FROM mega_complete_generation(nest.generation(), 'https://assets.example.com/personal.png', prompt => 'personal', hold_id => nest.one_of(NULL, NULL, nest.hold()));
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'fail' THEN
        SELECT * INTO r FROM mega_fail_generation(nest.generation(), 'personal', hold_id => nest.one_of(NULL, NULL, nest.hold()));
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'tweak' THEN
        SELECT * INTO r FROM mega_tweak_generation(nest.generation(), nest.id(), nest.payload(), prompt => 'personal');
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'feedback' THEN
        SELECT * INTO r FROM mega_record_feedback(who, nest.one_of(nest.id(), nest.old_id()), generation_id => nest.one_of(NULL, NULL, nest.generation()), comment => 'personal', meta => '{"personal": 1}');
        PERFORM nest.check_row(kind, r.mg_id);
    WHEN 'scan line' THEN
        PERFORM mega_append_scan_line(nest.generation(), 'personal');
    WHEN 'work' THEN
        FOR r IN SELECT * FROM mega_claim_generations('worker', 2, '1 millisecond') LOOP
            PERFORM nest.check_customer(kind, r.mg_pass_id, (SELECT mg_pass_id FROM mega_generations WHERE mg_id = 'generation:' || r.mg_generation_id));
            PERFORM mega_extend_claim(r.mg_generation_id, 'worker', '1 second');
        END LOOP;
    WHEN 'delete generation' THEN
        SELECT * INTO r FROM mega_delete_generation(nest.generation());
        PERFORM nest.check_row(kind, r.mg_id);
    END CASE;
END
$$;

-- Functions of the office, those that make customers among them.
CREATE FUNCTION nest.call_office(kind text, who text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r record;
    other text;
    doer text := 'office-' || nest.id();
    there bigint;
    had boolean;
BEGIN
    CASE kind
    WHEN 'merge customers' THEN
        other := nest.one_of(who, who, nest.customer('active'), nest.customer('merged'), nest.customer());
        who := nest.customer();
        there := (SELECT count(*) FROM mega_generations WHERE mg_pass_id = other);
        had := (SELECT mg_meta #> '{mega,sources}' FROM mega_customers WHERE mg_pass_id = other) IS NOT NULL;
        SELECT * INTO r FROM mega_merge_customers(other, who, nest.one_of(NULL, NULL, nest.id(), nest.old_id()), doer);
        PERFORM nest.check_customer(kind, who, r.mg_pass_id), nest.check_customer(kind, other, r.mg_pass_id), nest.check_balance(kind, r.mg_pass_id, r.mg_credits);
        INSERT INTO nest.told_merged VALUES (other, r.mg_pass_id);
        IF r.moved_rows < there OR r.replayed AND there > 0 THEN
            INSERT INTO nest.lies VALUES (format('a merge told of %s rows of %s', r.moved_rows, there));
        END IF;
        IF NOT r.replayed AND NOT EXISTS (SELECT FROM mega_admin a WHERE a.mg_action = 'customer.merge' AND a.mg_detail ->> 'actor' = doer) THEN
            INSERT INTO nest.lies VALUES ('a merge without an audit');
        END IF;
        IF r.replayed OR had THEN
            PERFORM nest.count(CASE WHEN r.replayed THEN 'merge again' ELSE 'merge in a chain' END, '00000');
        END IF;
    WHEN 'erase', 'erase again' THEN
        IF kind = 'erase again' THEN
            who := nest.customer('erased');
        END IF;
        SELECT * INTO r FROM mega_erase_customer(who, doer);
        INSERT INTO nest.told_erased VALUES (who), (r.mg_pass_id);
        IF r.erased_rows > 0 AND NOT EXISTS (SELECT FROM mega_admin a WHERE a.mg_action = 'customer.erase' AND a.mg_actor_pass_id = r.mg_pass_id) THEN
            INSERT INTO nest.lies VALUES ('an erasure without an audit');
        END IF;
    WHEN 'ensure' THEN
        SELECT * INTO r FROM mega_ensure_customer(nest.one_of(who, who, 'pass:test:nest-new-' || nest.id()), email => nest.one_of('personal@example.com', NULL), profile => '{"last_name": "personal"}');
        PERFORM nest.check_balance(kind, r.mg_pass_id, r.mg_credits);
    WHEN 'ensure by identity' THEN
        other := nest.one_of(nest.old_id(), substr(nest.customer(), 16), substr(nest.customer(), 16));
        SELECT * INTO r FROM mega_ensure_customer(shopify_customer_id => substring(other, '[0-9]+'), user_id => nest.one_of(NULL, md5(other))::uuid, anon_id => md5('anon' || other)::uuid);
        PERFORM nest.check_balance(kind, r.mg_pass_id, r.mg_credits);
    WHEN 'change' THEN
        SELECT * INTO r FROM mega_update_customer(who, nest.one_of('{"email": "personal@example.org", "last_name": "personal"}', '{"display_name": null, "timezone": "Asia/Dubai"}', '{"expires_at": "2099-01-01T00:00:00Z", "meta": {"note": "personal"}}', '{"topup_default_packs": 2}')::jsonb, doer);
        PERFORM nest.check_office(kind, 'customer.update', doer, who, r, true);
    WHEN 'verify' THEN
        SELECT v.mg_pass_id, v.mg_verified_any, false AS changed INTO r FROM mega_verify_customer(who, nest.one_of('email', 'google', 'manual'), nest.one_of(NULL, 'personal'), actor => doer) v;
        PERFORM nest.check_office(kind, 'customer.verify', doer, who, r, (SELECT mg_verified_any = r.mg_verified_any FROM mega_customers WHERE mg_pass_id = r.mg_pass_id));
    WHEN 'disable' THEN
        SELECT * INTO r FROM mega_disable_customer(who, 'reason', doer);
        PERFORM nest.check_office(kind, 'customer.disable', doer, who, r, (SELECT mg_disabled FROM mega_customers WHERE mg_pass_id = r.mg_pass_id));
    WHEN 'enable' THEN
        who := nest.one_of(who, nest.customer('stopped'));
        SELECT * INTO r FROM mega_enable_customer(who, NULL, doer);
        PERFORM nest.check_office(kind, 'customer.enable', doer, who, r, (SELECT mg_disabled IS NOT TRUE FROM mega_customers WHERE mg_pass_id = r.mg_pass_id));
    WHEN 'delete' THEN
        SELECT * INTO r FROM mega_delete_customer(who, NULL, doer);
        PERFORM nest.check_office(kind, 'customer.delete', doer, who, r, (SELECT mg_deleted_at IS NOT NULL FROM mega_customers WHERE mg_pass_id = r.mg_pass_id));
    WHEN 'restore' THEN
        who := nest.one_of(who, nest.customer('stopped'));
        SELECT * INTO r FROM mega_restore_customer(who, NULL, doer);
        PERFORM nest.check_office(kind, 'customer.restore', doer, who, r, (SELECT mg_deleted_at IS NULL FROM mega_customers WHERE mg_pass_id = r.mg_pass_id));
    WHEN 'audit' THEN
        SELECT * INTO r FROM mega_record_admin_audit('looked', nest.one_of(who, who, NULL), email => 'personal@example.com', ip => '10.0.0.1', user_agent => 'personal', detail => jsonb_build_object('of', (SELECT mg_pass_id FROM nest.customers WHERE mg_pass_id = who AND stands <> 'erased'), 'note', 'seen'), audit_id => nest.one_of(nest.id(), nest.old_id(), NULL));
        IF NOT EXISTS (SELECT FROM mega_admin a WHERE a.mg_id = r.mg_id) THEN
            INSERT INTO nest.lies VALUES ('an audit is told that is not there');
        END IF;
    WHEN 'profile' THEN
        SELECT * INTO r FROM mega_link_profile(md5(nest.one_of(nest.id(), nest.old_id()))::uuid, user_id => nest.one_of(NULL, md5(substr(who, 16)))::uuid, email => 'personal@example.com', pass_id => nest.one_of(NULL, who));
        IF NOT EXISTS (SELECT FROM mega_admin a WHERE a.mg_id = r.mg_id) THEN
            INSERT INTO nest.lies VALUES ('a profile is told that is not there');
        END IF;
    WHEN 'admin session' THEN
        SELECT * INTO r FROM mega_touch_admin_session(encode(sha256(nest.one_of(nest.id(), nest.old_id())::bytea), 'hex'), user_agent => 'browser');
        PERFORM mega_end_admin_session(encode(sha256(nest.old_id()::bytea), 'hex'));
    WHEN 'settings' THEN
        PERFORM mega_set_app_config(nest.one_of('k1', 'k2'), '{"a": 1}', actor => doer), mega_set_runtime_config('{"b": 2}', actor => doer);
    END CASE;
END
$$;

-- One function of mega.
CREATE FUNCTION nest.call(kind text, who text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CASE (SELECT k.room FROM nest.kinds k WHERE k.kind = call.kind)
    WHEN 'credits' THEN PERFORM nest.call_credits(kind, who);
    WHEN 'studio' THEN PERFORM nest.call_studio(kind, who);
    WHEN 'office' THEN PERFORM nest.call_office(kind, who);
    END CASE;
    IF EXISTS (SELECT FROM nest.customers WHERE mg_pass_id = who AND stands = 'merged') THEN
        PERFORM nest.count('pass id of a source', '00000');
    END IF;
END
$$;
CREATE FUNCTION nest.call(who text) RETURNS void LANGUAGE sql AS
    $$SELECT nest.call(nest.kind('credits', 'studio', 'office'), who)$$;

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
        SELECT count(*) FROM raw, LATERAL (SELECT nest.call(nest.one_of(nest.kind('credits', 'studio', 'office'), 'late set', 'spend all', 'merge customers', 'erase', 'open books'), who)) c INTO STRICT id;
    WHEN 'customer and function' THEN
        WITH c AS (INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences, mg_expires_at) VALUES ('pass:test:nest-new-' || id, 500, '{"tag_weights": {"u": 3}, "theme": 1}', nest.one_of(NULL, '2020-01-01')::timestamptz) RETURNING mg_pass_id)
        SELECT count(*) FROM c, LATERAL (SELECT nest.call(nest.one_of('spend', 'spend all', 'late set', 'like', 'grant', 'hold', 'merge customers', 'erase', 'disable'), c.mg_pass_id)) f INTO STRICT id;
    WHEN 'customer and rows' THEN
        WITH c AS (INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences) VALUES ('pass:test:nest-new-' || id, 500, '{"tag_weights": {"u": 3}, "theme": 1}') RETURNING mg_pass_id)
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES ('mma_event:' || id, 'pass:test:nest-new-' || id, NULL, event), ('credit_transaction:' || id, 'pass:test:nest-new-' || id, 9, '{}');
    WHEN 'upsert' THEN
        INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_email) VALUES (nest.one_of(who, 'pass:test:nest-new-' || id), nest.one_of((SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who)::text, '0', '9')::integer, 'personal-b@example.com')
            ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = EXCLUDED.mg_credits, mg_email = EXCLUDED.mg_email;
    WHEN 'merge into' THEN
        MERGE INTO mega_customers c USING (VALUES (nest.one_of(who, 'pass:test:nest-new-' || id), 4)) v(who, credits) ON c.mg_pass_id = v.who
            WHEN MATCHED THEN UPDATE SET mg_credits = v.credits, mg_locale = 'fa' WHEN NOT MATCHED THEN INSERT (mg_pass_id, mg_credits) VALUES (v.who, v.credits);
    WHEN 'own key' THEN
        UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"theme": 2}' WHERE mg_pass_id = who;
    WHEN 'foreign values' THEN
        UPDATE mega_customers SET mg_credits = mg_credits + 1, mg_mma_preferences = '{"tag_weights": {"w": 9}}' WHERE mg_pass_id = who;
    WHEN 'row update' THEN
        UPDATE mega_generations SET mg_error = 'personal' WHERE mg_id = ANY (ARRAY(SELECT nest.row_of(k) FROM unnest('{credit_transaction,mma_event,hold}'::text[]) k));
    WHEN 'hold row' THEN -- never, not even while it is being settled
        UPDATE mega_generations SET mg_status = CASE mg_status WHEN 'pending' THEN 'failed' ELSE 'pending' END WHERE mg_id = 'credit_transaction:hold:' || nest.hold();
    WHEN 'title' THEN
        UPDATE mega_generations SET mg_title = 'personal', mg_status = 'x' WHERE mg_id = nest.row_of('generation');
    WHEN 'one beside another' THEN
        EXECUTE 'SELECT nest.call($1), nest.call($1), nest.call(nest.customer())' USING who;
    WHEN 'row update that calls' THEN -- in the middle of a scan
        UPDATE mega_generations SET mg_error = 'personal' WHERE mg_id = nest.row_of(nest.one_of('generation', 'mma_event', 'mma_event')) AND nest.call(nest.kind('credits', 'studio', 'office'), who) IS NOT NULL;
    WHEN 'customer update that calls' THEN
        UPDATE mega_customers SET mg_locale = 'en' WHERE mg_pass_id = who AND nest.call(nest.one_of(nest.kind('credits', 'studio', 'office'), 'merge customers'), nest.one_of(who, nest.customer())) IS NOT NULL;
    WHEN 'loop that calls' THEN
        FOR id IN SELECT mg_pass_id FROM mega_generations WHERE mg_id = ANY (ARRAY(SELECT nest.row_of(k) FROM unnest('{credit_transaction,mma_event,generation}'::text[]) k)) FOR UPDATE LOOP
            PERFORM nest.call(id);
        END LOOP;
    WHEN 'person' THEN
        UPDATE mega_customers SET mg_email = 'personal@example.com', mg_display_name = 'personal', mg_disabled = nest.one_of('t', 'f', 'f')::boolean, mg_meta = '{"note": "personal"}' WHERE mg_pass_id = who;
    WHEN 'session row' THEN
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_title, mg_comment) VALUES (nest.one_of('session:', 'feedback:') || id, who, 'personal', 'personal');
    WHEN 'audit row' THEN
        INSERT INTO mega_admin (mg_id, mg_action, mg_actor_pass_id, mg_email, mg_detail) VALUES ('admin_audit:' || id, 'raw', who, 'personal@example.com', '{"note": "personal"}');
    WHEN 'rows away' THEN
        DELETE FROM mega_generations WHERE mg_id = nest.row_of(nest.one_of('hold', 'mma_event', 'generation'));
    WHEN 'rows of others' THEN
        UPDATE mega_generations SET mg_pass_id = nest.customer('active') WHERE mg_id = ANY (ARRAY(SELECT mg_id FROM mega_generations WHERE mg_pass_id <> who ORDER BY mg_id COLLATE "C" LIMIT 2)) AND mg_pass_id <> nest.customer('active');
    END CASE;
END
$$;
