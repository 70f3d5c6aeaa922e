-- The examples of README.md: each of its SQL blocks stands here, and with its output in expected/readme.out; dev/check
-- compares. In a database of its own, where nobody else's customers are.
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_readme TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_readme

--
-- Start
--
CREATE EXTENSION mega;

SELECT * FROM mega_ensure_customer(shopify_customer_id => '1001', email => 'leila@example.com');

SELECT * FROM mega_record_credit('pass:shopify:1001', 50, 'order',
    ref_type => 'shopify_order', ref_id => '5987214', txn_id => 'order-5987214');

SELECT * FROM mega_record_credit('pass:shopify:1001', 50, 'order',   -- the webhook comes again
    ref_type => 'shopify_order', ref_id => '5987214', txn_id => 'order-5987214');

SELECT * FROM mega_record_credit('pass:shopify:1001', -80, 'video');

UPDATE mega_customers SET mg_credits = 1000 WHERE mg_pass_id = 'pass:shopify:1001';

--
-- Calling
--
SELECT c.mg_pass_id, r.mg_credits
FROM (VALUES ('pass:shopify:1001')) AS c(mg_pass_id),
    LATERAL mega_record_credit(c.mg_pass_id, -4, 'still', txn_id => 'still-1') AS r;

INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
VALUES ('credit_transaction:gift-1', 'pass:shopify:1001', 10, 'gift');

SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:1001';

--
-- Identity
--
SELECT mega_pass_id(shopify_customer_id => 'gid://shopify/Customer/1001'), mega_pass_id(shopify_customer_id => 'undefined',
    user_id => '6f1b0a52-3c1e-4a57-9d0c-1f6f0f0b7a11');

SELECT * FROM mega_ensure_customer(user_id => '6f1b0a52-3c1e-4a57-9d0c-1f6f0f0b7a11',
    profile => '{"first_name": "Omar", "locale": "en-AE", "timezone": "Asia/Dubai"}');

SELECT * FROM mega_ensure_customer(shopify_customer_id => '1001', user_id => '6f1b0a52-3c1e-4a57-9d0c-1f6f0f0b7a11');

SELECT mg_pass_id, mg_first_name, mg_locale, mg_credits, mg_verified_any
FROM mega_customer('pass:user:6f1b0a52-3c1e-4a57-9d0c-1f6f0f0b7a11');

--
-- Credits
--
SELECT * FROM mega_record_credit('pass:shopify:1001', -5, 'still', txn_id => 'still-2', source => 'web');

SELECT * FROM mega_record_credits('[
    {"pass_id": "pass:shopify:1001", "delta": 20, "reason": "gift", "txn_id": "gift-2"},
    {"pass_id": "pass:shopify:1001", "delta": 20, "reason": "gift", "txn_id": "gift-2"}]');

SELECT * FROM mega_hold_credit('pass:shopify:1001', 30, 'video-1', expires_in => '20 minutes');

SELECT * FROM mega_capture_credit('video-1', amount => 25);
SELECT * FROM mega_capture_credit('video-1', amount => 25);

SELECT * FROM mega_hold_credit('pass:shopify:1001', 30, 'video-2');
SELECT * FROM mega_release_credit('video-2');

SELECT * FROM mega_hold_credit('pass:shopify:1001', 30, 'video-3', expires_in => '1 millisecond');
SELECT pg_sleep(0.2);
SELECT * FROM mega_release_expired_holds();

SELECT * FROM mega_refund_credit('still-1', refund_id => 'complaint-7');

SELECT * FROM mega_transfer_credit('pass:shopify:1001', 'pass:user:6f1b0a52-3c1e-4a57-9d0c-1f6f0f0b7a11',
    10, transfer_id => 'present-1');

SELECT mg_credits, replayed
FROM mega_record_topup('pass:shopify:1001', packs => 2, ref_type => 'shopify_order', ref_id => '5987300');

UPDATE mega_customers SET mg_auto_topup_enabled = true, mg_auto_topup_monthly_limit_packs = 5
WHERE mg_pass_id = 'pass:shopify:1001';
SELECT * FROM mega_topup_due(threshold => 200);

SELECT mg_pass_id, packs FROM mega_claim_topups(threshold => 200, max_customers => 10);

SELECT mg_credits FROM mega_record_credit('pass:user:6f1b0a52-3c1e-4a57-9d0c-1f6f0f0b7a11', 5, 'trial',
    expires_at => clock_timestamp() + interval '500 milliseconds');
SELECT pg_sleep(0.6);
SELECT * FROM mega_expire_credits();

SELECT * FROM mega_hold_credit('pass:shopify:1001', 30, 'video-4');
SELECT * FROM mega_balance('pass:shopify:1001');

SELECT mg_id, granted, remaining, ends FROM mega_credit_lots('pass:shopify:1001');

BEGIN;
SELECT mg_id, mg_credits FROM mega_make_lot('pass:shopify:1001', 'gift-1001', 10, '2099-12-31');
ROLLBACK;

SELECT * FROM mega_reconcile_lots();
SELECT * FROM mega_release_credit('video-4');

SELECT mega_balance_at('pass:shopify:1001', now() - interval '1 day') AS yesterday,
    mega_balance_at('pass:shopify:1001', clock_timestamp()) AS now;

SELECT mg_delta, balance_after, mg_reason, mg_ref_type, mg_ref_id, next_cursor IS NOT NULL AS more
FROM mega_credit_statement('pass:shopify:1001', page_size => 4);

SELECT * FROM mega_usage('pass:shopify:1001', since => '2020-01-01', until => '2100-01-01', by => 'source');

SELECT * FROM mega_reconcile_credits();

--
-- Studio
--
SELECT * FROM mega_start_session('pass:shopify:1001', 'visit-1', platform => 'web',
    client => '{"os": "iOS 18", "browser": "Safari"}');

SELECT * FROM mega_create_generation('pass:shopify:1001', 'gen_1', mma_mode => 'still', type => 'image',
    session_id => 'visit-1', provider => 'seedream', vars => '{"inputs": {"brief": "perfume on marble"}}');

SELECT * FROM mega_append_mma_step('gen_1', 'gpt_reader', mma_status => 'prompting',
    input => '{"brief": "perfume on marble"}', output => '{"prompt": "perfume bottle, pale marble"}',
    started_at => '2025-12-19 10:00:00Z', ended_at => '2025-12-19 10:00:02.5Z');

SELECT * FROM mega_update_generation('gen_1', mma_status => 'generating',
    vars => '{"prompts": {"clean_prompt": "perfume bottle, pale marble"}}', fields => '{"model": "seedream-4"}');

SELECT * FROM mega_complete_generation('gen_1', 'https://cdn.example.com/x.png?X-Amz-Expires=60&X-Amz-Signature=5f0c');

SELECT * FROM mega_hold_credit('pass:shopify:1001', 4, 'gen_1');
SELECT * FROM mega_complete_generation('gen_1', 'https://assets.example.com/gen_1.png', hold_id => 'gen_1');

SELECT * FROM mega_create_generation('pass:shopify:1001', 'gen_2', parent_generation_id => 'gen_1');
SELECT * FROM mega_hold_credit('pass:shopify:1001', 30, 'gen_2');
SELECT * FROM mega_fail_generation('gen_2', 'the provider timed out', hold_id => 'gen_2');

SELECT mg_id, replayed, preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:1001', 'like', '{"tags": ["style.minimal"]}', 'gen_1', event_id => 'e1');
SELECT preferences -> 'tag_weights' AS tag_weights, preferences -> 'hard_blocks' AS hard_blocks
FROM mega_record_mma_event('pass:shopify:1001', 'dislike', '{"hard_block": "motion.flicker"}', event_id => 'e2');

SELECT mg_generation_id, mg_mma_status, mg_output_url FROM mega_generation_history('pass:shopify:1001');

SELECT mg_step_no, mg_step_type, duration_ms, mg_payload -> 'output' AS output FROM mega_generation_steps('gen_1');

SELECT mg_id, mg_event_type, mg_generation_id FROM mega_mma_events('pass:shopify:1001');

SELECT mg_generation_id, mg_type, mg_output_url FROM mega_likes('pass:shopify:1001');

SELECT * FROM mega_tweak_generation('gen_1', 'gen_3', '{"text": "warmer light"}', event_id => 'e3');

SELECT mg_generation_id, mg_mma_mode, mg_mma_status, attempt FROM mega_claim_generations('worker-1');
SELECT mega_extend_claim('gen_3', 'worker-1', '15 minutes');

SELECT mega_append_scan_line('gen_3', 'Looking at your bottle') AS lines;

SELECT * FROM mega_append_mma_steps('gen_3', '[{"step_type": "feedback_reader", "mma_status": "prompting"},
    {"step_type": "seedream_generate", "mma_status": "generating"}]');

SELECT * FROM mega_record_mma_events('[{"pass_id": "pass:shopify:1001", "event_type": "download", "event_id": "e4"},
    {"pass_id": "pass:shopify:1001", "event_type": "like", "generation_id": "gen_1", "payload": {"undo": true}}]');

SELECT * FROM mega_record_feedback('pass:shopify:1001', 'f1', 'gen_1', comment => 'a little dark');

SELECT mg_generation_id, mg_mma_status, mg_parent_id, steps, scan_lines FROM mega_generation('gen_3');

SELECT * FROM mega_delete_generation('gen_2');

SELECT * FROM mega_reconcile_preferences();

SELECT * FROM mega_revoke_credit('shop-refund-9', txn_id => 'gift-2', amount => 5);

--
-- Office
--
SELECT * FROM mega_record_admin_audit('credits.grant', 'pass:shopify:1001', email => 'ada@studio.example', ip => '203.0.113.7',
    detail => '{"delta": 20}', audit_id => 'request-1');

SELECT mg_action, mg_actor_pass_id, mg_ip, mg_detail FROM mega_admin_audits(action => 'credits.grant');

SELECT mg_id, created FROM mega_touch_admin_session('5d41402abc4b2a76', email => 'ada@studio.example');

SELECT mg_email FROM mega_admin_session('5d41402abc4b2a76', max_idle => '30 minutes');

SELECT mega_end_admin_session('5d41402abc4b2a76');

SELECT * FROM mega_link_profile('0b9f3d2e-6a1c-4b8e-9f10-2c3d4e5f6a7b', shopify_customer_id => '1001');

SELECT mg_shopify_customer_id, mg_actor_pass_id FROM mega_profile('0b9f3d2e-6a1c-4b8e-9f10-2c3d4e5f6a7b');

SELECT * FROM mega_set_runtime_config('{"still.timeout_s": 90}', actor => 'ada@studio.example');

SELECT mega_runtime_config();

SELECT * FROM mega_set_app_config('prices', '{"still": 4}', expected_version => 0, actor => 'ada@studio.example');

SELECT mega_app_config('prices');

SELECT version, mg_value, actor FROM mega_app_config_versions('prices');

--
-- Tools
--
SELECT mega_is_pass_id('pass:anon:1001') AS pass_id, mega_is_record_id('mma_step', 'mma_step:gen_1:0') AS record_id,
    mega_is_permanent_url('https://cdn.example.com/x.png') AS permanent,
    mega_has_expiring_url('{"a": ["https://cdn.example.com/x.png?X-Amz-Signature=5f0c"]}') AS expiring;

SELECT mega_version(), mega_is_restoring();

SELECT * FROM mega_install();

CREATE ROLE regress_studio_api;
SELECT mega_grant('regress_studio_api', 'app');

CREATE ROLE regress_studio_people;
SELECT object, action FROM mega_enable_rls('regress_studio_people') WHERE object <> 'schema';
SELECT mega_grant('regress_studio_people', 'user');
UPDATE mega_customers SET mg_user_id = '5a1e0000-0000-4000-8000-000000000001' WHERE mg_pass_id = 'pass:shopify:1001';
BEGIN;
SET LOCAL ROLE regress_studio_people;
SET LOCAL request.jwt.claims = '{"sub": "5a1e0000-0000-4000-8000-000000000001"}';
SELECT mega_current_pass_id(), (SELECT count(*) FROM mega_customers) AS customers;
COMMIT;

GRANT INSERT ON mega_generations TO regress_studio_api;   -- for raw rows

\c :home
DROP DATABASE regress_mega_readme;
DROP ROLE regress_studio_api, regress_studio_people;
