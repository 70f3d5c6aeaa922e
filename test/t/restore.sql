-- What 001_restore dumps: rows of every kind, and what users add to tables that are theirs: columns, an index, a view,
-- comments, a policy, grants.
CREATE EXTENSION mega;
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7001', email => 'leïla@example.com',
    profile => '{"first_name": "Leïla", "last_name": "حداد", "display_name": "L🌙", "locale": "ar-AE",
        "timezone": "Asia/Dubai", "marketing_opt_in": true}');
SELECT * FROM mega_ensure_customer(user_id => '7a000000-0000-4000-8000-000000000001', email => 'O''Brien@example.com');
SELECT * FROM mega_ensure_customer(anon_id => '7b000000-0000-4000-8000-000000000002');
SELECT * FROM mega_ensure_customer(pass_id => 'pass:legacy:old 17\one');
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7002', user_id => '7a000000-0000-4000-8000-000000000003');
INSERT INTO mega_customers (mg_pass_id, mg_disabled, mg_meta) VALUES
    ('pass:shopify:7003', true, '{"why": "line\nbreak\ttab"}');
INSERT INTO mega_customers (mg_pass_id, mg_deleted_at) VALUES ('pass:shopify:7004', '2025-12-19 10:00+04');
INSERT INTO mega_customers (mg_pass_id, mg_verified_google, mg_verification_method) VALUES
    ('pass:shopify:7005', true, 'google');
INSERT INTO mega_customers (mg_pass_id, mg_auto_topup_enabled, mg_topup_source) VALUES
    ('pass:shopify:7006', true, 'shopify');

SELECT * FROM mega_record_credit('pass:shopify:7001', 200, 'order', 'shopify', 'shopify_order', '5987214360921');
SELECT * FROM mega_record_credit('pass:shopify:7001', -3, 'spend', meta => '{"prompt": "amber \"bottle\" \\ 香水"}');
SELECT * FROM mega_record_credit('pass:shopify:7002', 50, 'grant', txn_id => 'welcome-7002',
    expires_at => '2099-01-01');
SELECT * FROM mega_record_credit('pass:legacy:old 17\one', 1, 'grant');
-- Lots: one that was drawn and given back to; one that a pending hold has drawn, and whose end has come and been settled.
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7008');
SELECT * FROM mega_record_credit('pass:shopify:7008', 30, 'pack', txn_id => 'pack-7008');
SELECT * FROM mega_record_credit('pass:shopify:7008', 15, 'trial', txn_id => 'trial-7008', expires_at => '2098-01-01');
SELECT * FROM mega_record_credit('pass:shopify:7008', 20, 'month', txn_id => 'month-7008', expires_at => '2099-01-01');
SELECT * FROM mega_hold_credit('pass:shopify:7008', 12, 'video-7008');
SET session_replication_role = replica; -- its end lies in 2020 now
UPDATE mega_generations SET mg_meta = jsonb_set(mg_meta, '{mega,ends}', '1577836800000000') WHERE mg_id = 'credit_transaction:trial-7008';
UPDATE mega_customers SET mg_meta = jsonb_set(mg_meta, '{mega,lots,0,2}', '1577836800000000') WHERE mg_pass_id = 'pass:shopify:7008';
SET session_replication_role = origin;
SELECT * FROM mega_record_credit('pass:shopify:7008', -5, 'image', txn_id => 'image-7008');
SELECT * FROM mega_refund_credit('image-7008', 'image-7008', 2);
SELECT mega_record_credit('pass:user:7a000000-0000-4000-8000-000000000001', n % 5 + 1, 'grant', txn_id => 'bulk-' || n)
    FROM generate_series(1, 300) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES
    ('credit_transaction:raw-1', 'pass:shopify:7005', -20, 'correction'),
    ('credit_transaction:raw-2', 'pass:shopify:7005', 5, 'correction'),
    ('credit_transaction:raw-3', 'pass:shopify:7001', -7, E'tab\tless'::varchar(3));
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_session_id, mg_title, mg_platform) VALUES
    ('session:s-1', 'pass:shopify:7001', 's-1', E'A title of\ntwo lines \\.', 'web');
INSERT INTO mega_generations
    (mg_id, mg_pass_id, mg_type, mg_prompt, mg_output_url, mg_mma_mode, mg_mma_status, mg_mma_vars, mg_payload) VALUES
    ('generation:gen_1', 'pass:shopify:7001', 'image', 'Luxury perfume bottle', 'https://assets.example.com/gen_1.png',
        'still', 'done', '{"mode": "still", "inputs": {"ratio": "1:1"}}',
        '{"url": "https://a.example.com/x.png?X-Amz-Signature=5f0c2b&x=1"}'),
    ('generation:gen_2', 'pass:shopify:7001', 'motion', NULL, NULL, 'video', 'generating', DEFAULT, NULL);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES
    ('mma_step:gen_1:0', 'pass:shopify:7001', 'scan_product',
        '{"input": {}, "output": {"crt": "amber"}, "timing": {}, "error": null}'),
    ('mma_step:gen_1:1', 'pass:shopify:7001', 'gpt_reader',
        '{"input": {}, "output": {"prompt": "…"}, "timing": {}, "error": null}');
-- The events are not in the order of their times.
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_created_at, mg_meta) VALUES
    ('mma_event:e-1', 'pass:shopify:7001', 'gen_1', '2025-12-19 10:00Z',
        '{"event_type": "like", "payload": {"tags": ["style.minimal"]}}'),
    ('mma_event:e-2', 'pass:shopify:7001', NULL, '2025-12-19 10:01Z',
        '{"event_type": "dislike", "payload": {"hard_block": "motion.flare"}}'),
    ('mma_event:e-0', 'pass:shopify:7001', NULL, '2025-12-19 09:00Z',
        '{"event_type": "like", "payload": {"tags": ["style.minimal"], "weight": 0.3}}');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_comment, mg_image_url) VALUES
    ('feedback:f-1', 'pass:shopify:7001', 'gen_1', 'lovely — très joli', 'https://assets.example.com/gen_1.png');
INSERT INTO mega_admin (mg_id, mg_record_type, mg_actor_pass_id, mg_action, mg_detail) VALUES
    ('admin_audit:a-1', 'admin_audit', 'pass:shopify:7003', 'disable', '{"note": "chargeback ✗"}');
INSERT INTO mega_admin (mg_id, mg_record_type, mg_session_hash, mg_ip) VALUES
    ('admin_session:5f0c', 'admin_session', '5f0c', '::1');
INSERT INTO mega_admin (mg_id, mg_record_type, mg_profile_id) VALUES
    ('profile:7c000000-0000-4000-8000-000000000004', 'profile', '7c000000-0000-4000-8000-000000000004');
INSERT INTO mega_admin (mg_id, mg_record_type, mg_runtime_id, mg_runtime_flat) VALUES
    ('runtime_config:1', 'runtime_config', 1, '{"a.b": 1}');
INSERT INTO mega_admin (mg_id, mg_record_type, mg_key, mg_value) VALUES
    ('app_config:theme', 'app_config', 'theme', '"dark"'), ('app_config:theme.v1', 'app_config', 'theme', '"light"');

ALTER TABLE mega_customers ADD COLUMN studio_note text DEFAULT 'none', ADD COLUMN studio_score int;
UPDATE mega_customers SET studio_note = 'vip ⭐', studio_score = 5 WHERE mg_pass_id = 'pass:shopify:7001';
CREATE INDEX studio_by_score ON mega_customers (studio_score) WHERE studio_score > 0;
CREATE VIEW studio_balances AS SELECT mg_pass_id, mg_credits FROM mega_customers;
COMMENT ON COLUMN mega_customers.studio_note IS 'The studio''s own words.';
COMMENT ON TABLE mega_generations IS 'The studio has described its ledger itself.';
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_row ON mega_customers FOR SELECT TO shop_reader
    USING (mg_pass_id = current_setting('studio.pass', true));
SELECT mega_grant('shop_reader', 'reader');
SELECT mega_grant('shop_app', 'app');
SELECT mega_grant('shop_admin', 'admin');
GRANT INSERT ON mega_generations TO shop_app;
