-- The examples of docs/identity.md: each block there is copied from what this prints. In a database of its own.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
CREATE DATABASE regress_mega_docs_identity TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_identity
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION mega;

-- a visitor
SELECT mg_pass_id, created FROM mega_ensure_customer(anon_id => 'b7e1f0aa-5c1d-4c3e-9a51-0d6f6b1c2e01');
SELECT mg_credits FROM mega_record_credit('pass:anon:b7e1f0aa-5c1d-4c3e-9a51-0d6f6b1c2e01', 10, 'welcome',
    txn_id => 'welcome-b7e1');
SELECT mg_generation_id FROM mega_create_generation('pass:anon:b7e1f0aa-5c1d-4c3e-9a51-0d6f6b1c2e01', 'gen_31', 'still');
-- she signs up: the same customer
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:anon:b7e1f0aa-5c1d-4c3e-9a51-0d6f6b1c2e01',
    user_id => '3f0d9c1e-77aa-4f0e-8a0b-5f1f6f0f0c22', email => 'noor@example.com');
SELECT mg_pass_id, mg_credits FROM mega_ensure_customer(user_id => '3f0d9c1e-77aa-4f0e-8a0b-5f1f6f0f0c22');
-- another visitor, who has an account
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '5501', email => 'iris@example.com');
SELECT mg_credits FROM mega_record_credit('pass:shopify:5501', 50, 'order', ref_type => 'order', ref_id => '9001',
    txn_id => 'order-9001');
SELECT mg_pass_id FROM mega_ensure_customer(anon_id => 'c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02');
SELECT mg_credits FROM mega_record_credit('pass:anon:c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02', 10, 'welcome',
    txn_id => 'welcome-c2a9');
SELECT mg_generation_id FROM mega_create_generation('pass:anon:c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02', 'gen_32', 'still');
SELECT mg_credits FROM mega_hold_credit('pass:anon:c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02', 4, 'gen_32',
    generation_id => 'gen_32');
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '5501',
    anon_id => 'c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02');
SELECT * FROM mega_merge_customers('pass:anon:c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02', 'pass:shopify:5501',
    merge_id => 'sign-in-77', actor => 'api');
-- what comes late
SELECT outcome, mg_credits FROM mega_capture_credit('gen_32', pass_id => 'pass:anon:c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02');
SELECT mg_pass_id, mg_mma_status FROM mega_generation('gen_32');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta)
VALUES ('mma_event:late-1', 'pass:anon:c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02', 'gen_32',
    '{"event_type": "like", "payload": {"tag": "light.soft"}}')
RETURNING mg_pass_id;
SELECT mg_pass_id FROM mega_ensure_customer(anon_id => 'c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02');
SELECT mg_pass_id, mg_credits, mg_meta FROM mega_customer('pass:anon:c2a9d4bb-1111-4c3e-9a51-0d6f6b1c2e02');
SELECT mg_id, mg_delta, balance_after FROM mega_credit_statement('pass:shopify:5501');
-- the office
SELECT mg_pass_id, mg_email, mg_credits, mg_status FROM mega_find_customers('iris@');
SELECT * FROM mega_verify_customer('pass:shopify:5501', 'email', actor => 'support@example.com');
SELECT * FROM mega_update_customer('pass:shopify:5501', '{"email": "iris@example.org", "timezone": "Asia/Dubai"}',
    actor => 'support@example.com');
SELECT * FROM mega_disable_customer('pass:shopify:5501', 'chargeback 44', 'support@example.com');
SELECT * FROM mega_record_credit('pass:shopify:5501', -1, 'spend');
SELECT * FROM mega_enable_customer('pass:shopify:5501', 'chargeback 44 was won', 'support@example.com');
SELECT mg_action, mg_detail - 'source' - 'target' AS detail FROM mega_admin_audits(actor_pass_id => 'pass:shopify:5501');
-- erasure
SELECT * FROM mega_erase_customer('pass:shopify:5501', 'privacy@example.com');
SELECT mg_pass_id, mg_email, mg_shopify_customer_id, mg_credits, mg_deleted_at IS NOT NULL AS deleted
FROM mega_customer('pass:shopify:5501');
SELECT count(*) AS movements, sum(mg_delta) AS sum FROM mega_credit_statement('pass:shopify:5501');
SELECT mg_credits FROM mega_record_credit('pass:shopify:5501', 5, 'gift');
SELECT starts_with(mg_pass_id, 'pass:anon:') AS a_new_one, mg_credits, created
FROM mega_ensure_customer(shopify_customer_id => '5501', email => 'iris@example.org');
SELECT (SELECT count(*) FROM mega_reconcile_credits()) AS credits_off,
    (SELECT count(*) FROM mega_reconcile_preferences()) AS preferences_off;

\c :home
DROP DATABASE regress_mega_docs_identity;
