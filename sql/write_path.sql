-- The two ways to write: what functions do directly and what they do through SQL leave the same in the tables and answer
-- the same. Customers of this file: pass:test:path-dir-*, pass:test:path-sql-*
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS mega;
\set VERBOSITY sqlstate
\pset null NULL
SET timezone = 'UTC';

-- Rows as JSON, or how the statement failed.
CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows jsonb;
    said text;
    detail text;
    hint text;
BEGIN
    IF statement LIKE 'SELECT %' THEN
        EXECUTE 'SELECT jsonb_agg(to_jsonb(answered)) FROM (' || statement || ') answered' INTO rows;
        RETURN coalesce(rows, '[]');
    END IF;
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || said, nullif(detail, ''), nullif(hint, ''));
END
$$;
-- A text without what must differ: the way's name, fresh ids, times from 2021 on. Times given by the test lie before, or
-- in 2099.
CREATE FUNCTION pg_temp.masked(said text, way text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(replace(said, 'path-' || way, 'path-@'),
        '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '<uuid>', 'g'),
        '20(2[1-9]|[3-8]\d)-\d\d-\d\d[T ][0-9:.]+(Z|\+00:00|\+00)?', '<time>', 'g'),
        '\m(16[1-9]|1[7-9]\d)\d{13}\M', '<epoch>', 'g')
$$;

-- What is done, in this order, once each way; path-@ stands for path-dir and path-sql.
CREATE TEMP TABLE operation (number integer GENERATED ALWAYS AS IDENTITY, statement text);
INSERT INTO operation (statement) VALUES
    -- customers
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-a', email => 'a@example.com', profile => '{"locale": "de-DE"}')$$),
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-a', profile => '{"first_name": "Ada"}')$$),
    ($$SELECT * FROM mega_ensure_customer(shopify_customer_id => 'path-@-1')$$),
    ($$SELECT * FROM mega_ensure_customer(shopify_customer_id => 'path-@-1', user_id => ('00000000-0000-7000-8000-' || left(md5('path-@'), 12))::uuid)$$),
    ($$SELECT * FROM mega_ensure_customer(user_id => ('00000000-0000-7000-8000-' || left(md5('path-@'), 12))::uuid, email => '  b@example.com ', profile => '{"marketing_opt_in": false}')$$),
    ($$SELECT * FROM mega_ensure_customer(user_id => ('00000000-0000-7000-8000-' || left(md5('path-@'), 12))::uuid, email => 'c@example.com', profile => '{"marketing_opt_in": true, "product_updates_opt_in": true}')$$),
    ($$SELECT * FROM mega_ensure_customer(user_id => ('00000000-0000-7000-8000-' || left(md5('path-@-other'), 12))::uuid, profile => '{"first_name": "Ä", "last_name": "B", "display_name": "C", "locale": "fa-IR", "timezone": "Asia/Tehran", "marketing_opt_in": true}')$$),
    ($$SELECT * FROM mega_ensure_customer(shopify_customer_id => 'path-@-2', anon_id => ('00000000-0000-7000-8000-' || left(md5('path-@-anon'), 12))::uuid)$$),
    ($$SELECT * FROM mega_ensure_customer(anon_id => ('00000000-0000-7000-8000-' || left(md5('path-@-anon'), 12))::uuid)$$),
    ($$SELECT * FROM mega_ensure_customer(shopify_customer_id => 'path-@-2', anon_id => ('00000000-0000-7000-8000-' || left(md5('path-@-anon'), 12))::uuid)$$),
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-a', shopify_customer_id => 'path-@-3')$$),
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-a', shopify_customer_id => 'path-@-4')$$),
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-a', shopify_customer_id => 'path-@-1')$$),
    ($$SELECT * FROM mega_ensure_customer(user_id => ('00000000-0000-7000-8000-' || left(md5('path-@-third'), 12))::uuid, shopify_customer_id => 'path-@-1')$$),
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-merged')$$),
    ($$UPDATE mega_customers SET mg_meta = '{"mine": 1, "mega": {"merged_into": "pass:test:path-@-a"}}' WHERE mg_pass_id = 'pass:test:path-@-merged'$$),
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-merged')$$),
    ($op$DO $do$ BEGIN
        ALTER TABLE mega_customers DISABLE TRIGGER mega_customers_check;
        UPDATE mega_customers SET mg_meta = '{"mega": {"merged_into": "pass:test:path-@-a"}}' WHERE mg_pass_id = 'pass:test:path-@-merged';
        ALTER TABLE mega_customers ENABLE TRIGGER mega_customers_check;
    END $do$$op$),
    ($$SELECT * FROM mega_ensure_customer(pass_id => 'pass:test:path-@-merged', email => 'merged@example.com')$$),
    ($$INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:path-@-' || n FROM unnest('{b,c,disabled,expiring,holder,artist}'::text[]) n$$),
    ($$UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:path-@-disabled'$$),
    -- credits, their replays and refusals
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 100, 'grant')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 50, 'grant', 'shop', txn_id => 'path-@-1', meta => '{"why": ["x", {"y": 1}], "mega": {"refund_of": "x"}}')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 50, 'grant', 'shop', txn_id => 'path-@-1')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 51, 'grant', 'shop', txn_id => 'path-@-1')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-b', 50, 'grant', 'shop', txn_id => 'path-@-1')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 20, 'order', 'shop', 'order', 'path-@-2')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 20, 'order', 'shop', 'order', 'path-@-2')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-b', 20, 'order', 'shop', 'order', 'path-@-2')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 2, 'bonus', 'shop', 'order', 'path-@-2')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 20, 'order', 'shop', 'order', 'path-@-2', txn_id => 'path-@-3')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 50, 'grant', 'shop', 'order', 'path-@-2', txn_id => 'path-@-1')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', -1000, 'spend')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', -1000, 'spend', txn_id => 'path-@-4', allow_negative => true)$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 2147483647, 'grant', txn_id => 'path-@-5')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 2147483647, 'grant', txn_id => 'path-@-6')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', -2147480000, 'correction', txn_id => 'path-@-7')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-nobody', 5, 'grant')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-disabled', 5, 'grant', txn_id => 'path-@-8')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-disabled', -1, 'spend')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 0, 'grant')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 1, 'grant', txn_id => 'hold:path-@')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 1, repeat('r', 513))$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 1, 'grant', txn_id => E'path-@-\n')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-a', 1, 'grant', txn_id => 'path-@-9', meta => jsonb_build_object('long', repeat('x', 20000)))$$),
    -- batches
    ($$SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:path-@-b", "delta": 10, "reason": "grant", "txn_id": "path-@-b1"}, {"pass_id": "pass:test:path-@-a", "delta": 3, "reason": "grant"},
        {"pass_id": "pass:test:path-@-b", "delta": -4, "reason": "spend"}, {"pass_id": "pass:test:path-@-b", "delta": 10, "reason": "grant", "txn_id": "path-@-b1"}]')$$),
    ($$SELECT * FROM mega_record_credits('[{"pass_id": "pass:test:path-@-b", "delta": 10, "reason": "grant", "txn_id": "path-@-b2"}, {"pass_id": "pass:test:path-@-b", "delta": -1000, "reason": "spend"}]')$$),
    -- holds
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-holder', 100, 'grant')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-holder', 10, 'path-@-h1', meta => '{"for": "video"}')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-holder', 10, 'path-@-h1')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-holder', 11, 'path-@-h1')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-holder', 1000, 'path-@-h2')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-holder', 20, 'path-@-h3', reason => 'render')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-holder', 5, 'path-@-h4', '1 millisecond')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-holder', 6, 'path-@-h5')$$),
    ($$SELECT * FROM mega_capture_credit('path-@-h1', 7)$$),
    ($$SELECT * FROM mega_capture_credit('path-@-h1', 7)$$),
    ($$SELECT * FROM mega_capture_credit('path-@-h1', 8)$$),
    ($$SELECT * FROM mega_capture_credit('path-@-h3', 25, 'pass:test:path-@-holder')$$),
    ($$SELECT * FROM mega_release_credit('path-@-h3')$$),
    ($$SELECT * FROM mega_release_credit('path-@-h5', 'cancelled')$$),
    ($$SELECT * FROM mega_release_credit('path-@-h5', 'cancelled')$$),
    ($$SELECT * FROM mega_capture_credit('path-@-h5')$$),
    ($$SELECT * FROM mega_capture_credit('path-@-nothing')$$),
    ($$SELECT * FROM mega_capture_credit('path-@-h4', pass_id => 'pass:test:path-@-a')$$),
    ($$UPDATE mega_generations SET mg_status = 'succeeded' WHERE mg_id = 'credit_transaction:hold:path-@-h4'$$),
    ($$SELECT mega_release_expired_holds()$$),
    -- refunds and transfers
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-holder', -9, 'spend', txn_id => 'path-@-s1')$$),
    ($$SELECT * FROM mega_refund_credit('path-@-s1', 'path-@-r1', 4)$$),
    ($$SELECT * FROM mega_refund_credit('path-@-s1', 'path-@-r1', 4)$$),
    ($$SELECT * FROM mega_refund_credit('path-@-s1', 'path-@-r2', 6)$$),
    ($$SELECT * FROM mega_refund_credit('path-@-s1', 'path-@-r3', reason => 'goodwill')$$),
    ($$SELECT * FROM mega_refund_credit('path-@-nothing', 'path-@-r4')$$),
    ($$SELECT * FROM mega_transfer_credit('pass:test:path-@-holder', 'pass:test:path-@-c', 12, 'path-@-t1')$$),
    ($$SELECT * FROM mega_transfer_credit('pass:test:path-@-holder', 'pass:test:path-@-c', 12, 'path-@-t1')$$),
    ($$SELECT * FROM mega_transfer_credit('pass:test:path-@-holder', 'pass:test:path-@-c', 13, 'path-@-t1')$$),
    ($$SELECT * FROM mega_transfer_credit('pass:test:path-@-c', 'pass:test:path-@-holder', 1200, 'path-@-t2')$$),
    -- top-ups
    ($$SELECT * FROM mega_record_topup('pass:test:path-@-c', ref_type => 'shopify_order', ref_id => 'path-@-o1')$$),
    ($$SELECT * FROM mega_record_topup('pass:test:path-@-c', ref_type => 'shopify_order', ref_id => 'path-@-o1')$$),
    ($$SELECT * FROM mega_record_topup('pass:test:path-@-c', 1, 10, 'shopify_order', 'path-@-o2', automatic => true)$$),
    ($$UPDATE mega_customers SET mg_auto_topup_enabled = true, mg_auto_topup_monthly_limit_packs = 2 WHERE mg_pass_id = 'pass:test:path-@-c'$$),
    ($$SELECT * FROM mega_record_topup('pass:test:path-@-c', 2, 10, 'shopify_order', 'path-@-o3', automatic => true, expires_at => '2099-01-01')$$),
    ($$SELECT * FROM mega_record_topup('pass:test:path-@-c', 1, 10, 'shopify_order', 'path-@-o4', automatic => true)$$),
    -- credits that expire
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-expiring', 30, 'grant', txn_id => 'path-@-e1', expires_at => '2099-01-01')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-expiring', 5, 'grant', txn_id => 'path-@-e2', expires_at => '2098-01-01')$$),
    ($$SELECT * FROM mega_balance('pass:test:path-@-expiring')$$),
    ($$UPDATE mega_customers SET mg_expires_at = '2019-01-01' WHERE mg_pass_id = 'pass:test:path-@-expiring'$$),
    ($$SELECT * FROM mega_balance('pass:test:path-@-expiring')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-expiring', -1, 'spend', txn_id => 'path-@-e3')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-expiring', 40, 'grant', txn_id => 'path-@-e4')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-expiring', -1, 'spend', txn_id => 'path-@-e3')$$),
    ($$UPDATE mega_customers SET mg_expires_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:path-@-expiring'$$),
    ($$SELECT * FROM mega_expire_credits()$$),
    -- sessions and generations
    ($$SELECT * FROM mega_start_session('pass:test:path-@-artist', 'path-@-s', 'web', 'Spring', '{"os": "linux", "browser": "firefox"}', '{"k": 1}')$$),
    ($$SELECT * FROM mega_start_session('pass:test:path-@-artist', 'path-@-s')$$),
    ($$SELECT * FROM mega_start_session('pass:test:path-@-a', 'path-@-s')$$),
    ($$SELECT * FROM mega_start_session('pass:test:path-@-nobody')$$),
    ($$SELECT created FROM mega_start_session('pass:test:path-@-artist')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-artist', 'path-@-g1', 'still', 'image', 'path-@-s', provider => 'seedream', model => 'v4', prompt => 'a cat', vars => '{"a": {"b": 1}}')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-artist', 'path-@-g1', 'still')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-a', 'path-@-g1')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-artist', 'path-@-g2', 'video', parent_generation_id => 'path-@-g1')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-artist', 'path-@-g3', parent_generation_id => 'path-@-none')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-artist', 'path-@-g4', 'drawing')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-artist', 'path-@-g4', vars => '{"u": "https://a.example/x?X-Amz-Signature=1"}')$$),
    ($$SELECT created FROM mega_create_generation('pass:test:path-@-artist')$$),
    ($$SELECT * FROM mega_update_generation('path-@-g1', 'scanning', '{"a": {"b": null, "c": [1, 2.50]}}', '{"title": "Cat", "latency_ms": 12, "payload": {"url": "https://a.example/x?X-Amz-Signature=1"}}')$$),
    ($$SELECT * FROM mega_update_generation('path-@-g1', 'queued')$$),
    ($$SELECT * FROM mega_update_generation('path-@-g1', fields => '{"unknown": 1}')$$),
    ($$SELECT * FROM mega_update_generation('path-@-g1', pass_id => 'pass:test:path-@-a')$$),
    ($$SELECT * FROM mega_update_generation('path-@-none', 'scanning')$$),
    ($$SELECT * FROM mega_update_generation('path-@-g1')$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-g1', 'scan_product', '{"image": "x"}', '{"found": ["cat"]}', started_at => '2020-01-01 10:00:00', ended_at => '2020-01-01 10:00:02.5', mma_status => 'prompting')$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-g1', 'gpt_reader', '{"q": 1}', '{"a": 2}', provider => 'openai', model => 'm')$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-g1', 'gpt_reader', '{"q": 1}', '{"a": 2}', at_step => 1)$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-g1', 'gpt_reader', '{"q": 1}', '{"a": 3}', at_step => 1)$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-g1', 'seedream_generate', error => '{"code": "E1"}', at_step => 5)$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-g1', 'again')$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-none', 'scan')$$),
    ($$SELECT * FROM mega_append_mma_step('path-@-g1', 'back', mma_status => 'queued')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-c', 3, 'path-@-gh1')$$),
    ($$SELECT * FROM mega_hold_credit('pass:test:path-@-c', 3, 'path-@-gh2')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-c', 'path-@-g5')$$),
    ($$SELECT * FROM mega_create_generation('pass:test:path-@-c', 'path-@-g6')$$),
    ($$SELECT * FROM mega_complete_generation('path-@-g5', 'https://assets.example/5.png', 'k/5', 'said', 900, '{"n": 1}', '{"output_tokens": 7}', hold_id => 'path-@-gh1')$$),
    ($$SELECT * FROM mega_complete_generation('path-@-g5', 'https://assets.example/5.png')$$),
    ($$SELECT * FROM mega_complete_generation('path-@-g5', 'https://assets.example/other.png')$$),
    ($$SELECT * FROM mega_complete_generation('path-@-g1', 'https://assets.example/1.png', hold_id => 'path-@-gh2')$$),
    ($$SELECT * FROM mega_fail_generation('path-@-g6', 'timeout', 'path-@-gh2')$$),
    ($$SELECT * FROM mega_fail_generation('path-@-g6', 'again')$$),
    ($$SELECT * FROM mega_complete_generation('path-@-g6', 'https://assets.example/6.png', hold_id => 'path-@-gh2')$$),
    ($$SELECT * FROM mega_fail_generation('path-@-g5', 'too late')$$),
    -- events, in order and late
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'like', '{"tags": ["cat", "blue"]}', 'path-@-g1', 'path-@-v1')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'like', '{"tags": ["cat", "blue"]}', 'path-@-g1', 'path-@-v1')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'like', '{"tags": ["dog"]}', 'path-@-g1', 'path-@-v1')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'dislike', '{"tag": "red", "hard_block": "neon"}', event_id => 'path-@-v2', created_at => '2020-01-02')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'preference_set', '{"tag_weights": {"cat": 3.25}}', event_id => 'path-@-v3', created_at => '2020-01-01')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'preference_set', '{"remove_hard_blocks": ["neon"]}', event_id => 'path-@-v4', created_at => '2020-01-03')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'download', '{"tag": "cat", "weight": 0.125}', event_id => 'path-@-v5', created_at => '2019-12-31')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'tweak', '{"note": "x"}', event_id => 'path-@-v6')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'nod', '{}')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-artist', 'like', '{"tags": 7}')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-nobody', 'like', '{"tag": "x"}')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-a', 'like', '{"tag": "x"}', 'path-@-g1')$$),
    ($$SELECT * FROM mega_record_mma_event('pass:test:path-@-a', 'like', '{"tag": "x"}', 'path-@-none')$$),
    ($$SELECT preferences, replayed FROM mega_record_mma_event('pass:test:path-@-a', 'like', '{"tag": "x"}')$$),
    -- several in one transaction, one of them taken back
    ($op$DO $do$ BEGIN
        PERFORM mega_record_credit('pass:test:path-@-b', 1, 'grant', txn_id => 'path-@-x1');
        BEGIN
            PERFORM mega_record_credit('pass:test:path-@-b', 2, 'grant', txn_id => 'path-@-x2');
            PERFORM mega_hold_credit('pass:test:path-@-b', 2, 'path-@-x2');
            PERFORM mega_record_mma_event('pass:test:path-@-b', 'like', '{"tag": "lost"}', event_id => 'path-@-x2');
            PERFORM mega_record_credit('pass:test:path-@-b', -100000, 'spend');
        EXCEPTION WHEN SQLSTATE 'MG001' THEN
            NULL;
        END;
        PERFORM mega_record_credit('pass:test:path-@-b', 4, 'grant', txn_id => 'path-@-x2');
        PERFORM mega_record_mma_event('pass:test:path-@-b', 'like', '{"tag": "kept"}', event_id => 'path-@-x3');
    END $do$$op$),
    -- rows that no function writes meet those that functions wrote
    ($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:path-@-y1', 'pass:test:path-@-b', 20, 'order', 'order', 'path-@-2')$$),
    ($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:path-@-y2', 'pass:test:path-@-b', 20, 'order', 'order', 'path-@-y2')$$),
    ($$SELECT * FROM mega_record_credit('pass:test:path-@-b', 20, 'order', ref_type => 'order', ref_id => 'path-@-y2')$$),
    -- what readers see of it
    ($$SELECT mg_reason, mg_delta, balance_after FROM mega_credit_statement('pass:test:path-@-holder')$$),
    ($$SELECT * FROM mega_balance('pass:test:path-@-holder')$$),
    ($$SELECT * FROM mega_topup_due(1000) WHERE mg_pass_id LIKE 'pass:test:path-@-%'$$),
    ($$SELECT mg_step_no, mg_step_type, mg_payload FROM mega_generation_steps('path-@-g1')$$),
    ($$SELECT mg_generation_id, mg_mma_status, mg_mma_vars FROM mega_generation_history('pass:test:path-@-c')$$),
    ($$SELECT c.mg_pass_id, r.* FROM mega_customers c, mega_reconcile_credits(c.mg_pass_id) r WHERE c.mg_pass_id LIKE 'pass:test:path-@-%'$$),
    ($$SELECT c.mg_pass_id, r.* FROM mega_customers c, mega_reconcile_preferences(c.mg_pass_id) r WHERE c.mg_pass_id LIKE 'pass:test:path-@-%'$$);

-- what other tests left to be released or to expire is not counted here
SELECT (SELECT count(*) FROM mega_release_expired_holds()) >= 0 AS released, expired >= 0 AS expired FROM mega_expire_credits();

-- each in a transaction of its own
CREATE TEMP TABLE answer (way text, number integer, said text);
\set ECHO none
SET mega.write_path = 'auto';
SELECT format('INSERT INTO answer SELECT %L, %s, pg_temp.answer(%L)', 'dir', number, replace(statement, 'path-@', 'path-dir'))
FROM operation ORDER BY number \gexec
SET mega.write_path = 'sql';
SELECT format('INSERT INTO answer SELECT %L, %s, pg_temp.answer(%L)', 'sql', number, replace(statement, 'path-@', 'path-sql'))
FROM operation ORDER BY number \gexec
RESET mega.write_path;
\set ECHO all

-- What was answered. Every statement means something: a typing error would be an answer of 42601 or 42883.
SELECT number, left(split_part(statement, E'\n', 1), 90) AS statement, left(pg_temp.masked(said, way), 160) AS said
FROM answer JOIN operation USING (number) WHERE way = 'dir' ORDER BY number;
-- both ways the same
SELECT count(*) AS operations, count(*) FILTER (WHERE pg_temp.masked(d.said, 'dir') = pg_temp.masked(s.said, 'sql')) AS same
FROM answer d JOIN answer s ON d.way = 'dir' AND s.way = 'sql' AND d.number = s.number;
SELECT number, pg_temp.masked(d.said, 'dir') AS directly, pg_temp.masked(s.said, 'sql') AS by_sql
FROM answer d JOIN answer s USING (number)
WHERE d.way = 'dir' AND s.way = 'sql' AND pg_temp.masked(d.said, 'dir') IS DISTINCT FROM pg_temp.masked(s.said, 'sql') ORDER BY 1;

-- What stands in the tables, column by column. Rows of a table are compared in the order in which they were written:
-- by their time, which the operations take care to make differ, else by their id.
CREATE TEMP VIEW stored AS
SELECT 'mega_customers' AS relation, substr(mg_pass_id, 16, 3) AS way, mg_pass_id AS id, to_jsonb(c) AS columns, mg_created_at AS made_at, mg_updated_at AS changed_at
FROM mega_customers c WHERE mg_pass_id LIKE 'pass:test:path-%'
UNION ALL
SELECT 'mega_customers', substr(mg_shopify_customer_id, 6, 3), mg_pass_id, to_jsonb(c), mg_created_at, mg_updated_at
FROM mega_customers c WHERE mg_shopify_customer_id LIKE 'path-%'
UNION ALL
SELECT 'mega_generations', substr(mg_pass_id, 16, 3), mg_id, to_jsonb(g), mg_created_at, mg_updated_at
FROM mega_generations g WHERE mg_pass_id LIKE 'pass:test:path-%'
UNION ALL
SELECT 'mega_admin', substr(mg_actor_pass_id, 16, 3), mg_id, to_jsonb(a), mg_created_at, mg_updated_at
FROM mega_admin a WHERE mg_actor_pass_id LIKE 'pass:test:path-%';
CREATE TEMP TABLE cell AS
SELECT relation, way, row_number() OVER (PARTITION BY relation, way, key ORDER BY made_at, id COLLATE "C") AS number, relation || ' ' || pg_temp.masked(id, way) AS row,
    key AS column, pg_temp.masked(value, way) AS value
FROM stored, jsonb_each_text(columns);
SELECT relation, way, count(DISTINCT number) AS rows, count(*) AS cells, count(value) AS filled FROM cell GROUP BY 1, 2 ORDER BY 1, 2;
SELECT coalesce(d.row, s.row) AS row, coalesce(d.column, s.column) AS column, d.value AS directly, s.value AS by_sql
FROM (SELECT * FROM cell WHERE way = 'dir') d
FULL JOIN (SELECT * FROM cell WHERE way = 'sql') s ON d.relation = s.relation AND d.number = s.number AND d.column = s.column
WHERE (d.row, d.value) IS DISTINCT FROM (s.row, s.value) OR d.way IS NULL OR s.way IS NULL ORDER BY 1, 2;
-- columns that are filled somewhere, so that there was something to compare
SELECT relation, string_agg(DISTINCT cell.column, ' ' ORDER BY cell.column) AS columns
FROM cell WHERE way = 'dir' AND value IS NOT NULL GROUP BY 1 ORDER BY 1;
-- times go forward in both
SELECT way, count(*) FILTER (WHERE changed_at < made_at AND made_at > '2021-01-01') AS changed_before_made,
    count(*) FILTER (WHERE changed_at < now() - interval '1 hour') AS changed_long_ago FROM stored GROUP BY 1 ORDER BY 1;

--
-- Which way was it? Directly no trigger of mega fires: Postgres counts the calls of their functions.
--
CREATE FUNCTION pg_temp.trigger_calls() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions WHERE funcname LIKE 'mega_trigger_%'
$$;
-- The calls that a statement makes; nothing of it stays.
CREATE FUNCTION pg_temp.fired(way text, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    fired bigint;
BEGIN
    PERFORM set_config('mega.write_path', way, true), set_config('track_functions', 'all', true);
    before := pg_temp.trigger_calls();
    EXECUTE statement;
    fired := pg_temp.trigger_calls() - before;
    RAISE EXCEPTION USING ERRCODE = 'P0042';
EXCEPTION WHEN SQLSTATE 'P0042' THEN
    RETURN fired;
END
$$;
SELECT name, pg_temp.fired('auto', statement) AS auto, pg_temp.fired('sql', statement) > 0 AS sql_fires FROM (VALUES
    ('mega_record_credit', $$SELECT mega_record_credit('pass:test:path-dir-a', 1, 'grant')$$),
    ('mega_record_credit, its key', $$SELECT mega_record_credit('pass:test:path-dir-a', 1, 'grant', ref_type => 'order', ref_id => 'path-z', txn_id => 'path-z', expires_at => '2099-02-01')$$),
    ('mega_record_credits', $$SELECT mega_record_credits('[{"pass_id": "pass:test:path-dir-a", "delta": 1, "reason": "grant"}, {"pass_id": "pass:test:path-dir-b", "delta": 1, "reason": "grant"}]')$$),
    ('mega_hold_credit', $$SELECT mega_hold_credit('pass:test:path-dir-c', 1, 'path-z')$$),
    ('mega_capture_credit', $$SELECT mega_hold_credit('pass:test:path-dir-c', 5, 'path-z'), mega_capture_credit('path-z', 3)$$),
    ('mega_release_credit', $$SELECT mega_hold_credit('pass:test:path-dir-c', 5, 'path-z'), mega_release_credit('path-z')$$),
    ('mega_refund_credit', $$SELECT mega_record_credit('pass:test:path-dir-c', -5, 'spend', txn_id => 'path-z'), mega_refund_credit('path-z', 'path-z')$$),
    ('mega_transfer_credit', $$SELECT mega_transfer_credit('pass:test:path-dir-c', 'pass:test:path-dir-a', 5, 'path-z')$$),
    ('mega_start_session', $$SELECT mega_start_session('pass:test:path-dir-c')$$),
    ('mega_create_generation', $$SELECT mega_create_generation('pass:test:path-dir-c')$$),
    ('mega_update_generation', $$SELECT mega_update_generation('path-dir-g2', 'generating', '{"x": 1}')$$),
    ('mega_complete_generation', $$SELECT mega_complete_generation('path-dir-g2', 'https://assets.example/z.png')$$),
    ('mega_fail_generation', $$SELECT mega_fail_generation('path-dir-g2', 'no')$$),
    ('mega_append_mma_step', $$SELECT mega_append_mma_step('path-dir-g1', 'scan')$$),
    ('mega_record_mma_event', $$SELECT mega_record_mma_event('pass:test:path-dir-c', 'like', '{"tag": "z"}', 'path-dir-g5')$$)
) v(name, statement);
-- raw rows fire them, whatever the setting says
SELECT pg_temp.fired('auto', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:path-z', 'pass:test:path-dir-a', 1)$$) > 0 AS raw_fires;

-- The setting is anybody's, by its two words.
SET mega.write_path = 'fast';
SELECT context, enumvals, boot_val FROM pg_settings WHERE name = 'mega.write_path';

-- What a session has set of how Postgres words definitions decides nothing.
CREATE SCHEMA path_own;
CREATE DOMAIN path_own.text AS integer;
\c -
SET mega.write_path = 'auto';
SET search_path = path_own, pg_catalog, public;
SET quote_all_identifiers = on;
SELECT table_name, path FROM mega_write_path();
DROP DOMAIN path_own.text;
DROP SCHEMA path_own;

-- What keeps every function from writing is told of all tables.
BEGIN;
ALTER TABLE mega_generations DISABLE TRIGGER mega_generations_project;
SELECT * FROM mega_write_path();
SAVEPOINT refused;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:path-none');
ROLLBACK TO SAVEPOINT refused;
ALTER TABLE mega_generations ENABLE TRIGGER mega_generations_project;
DROP TRIGGER mega_customers_keep ON mega_customers;
SELECT table_name, path, reason FROM mega_write_path();
ROLLBACK;
SET session_replication_role = replica;
SELECT * FROM mega_write_path();
RESET session_replication_role;
SELECT table_name, path FROM mega_write_path();
