-- The examples of docs/admin.md: each block there is copied from what this prints. In a database of its own, because audits
-- and settings are one list for all.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
CREATE DATABASE regress_mega_docs_admin TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_admin
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION mega;
SELECT mg_pass_id FROM mega_ensure_customer('pass:shopify:7301', shopify_customer_id => '7301', user_id => '11111111-1111-4111-8111-111111111111');
SELECT mg_pass_id FROM mega_ensure_customer('pass:shopify:7302', shopify_customer_id => '7302');

-- Sessions
SELECT mg_id, created FROM mega_touch_admin_session('9f86d081884c7d65', '22222222-2222-4222-8222-222222222222',
    'ada@studio.example', '203.0.113.7', 'Firefox/131');
SELECT mg_id, created FROM mega_touch_admin_session('9f86d081884c7d65', ip => '2001:DB8:0:0::7');
SELECT mg_user_id, mg_email, mg_ip, mg_user_agent FROM mega_admin_session('9f86d081884c7d65', max_idle => '30 minutes');
SELECT count(*) FROM mega_admin_session('no such hash');
SELECT mega_touch_admin_session('9f86d081884c7d65', '33333333-3333-4333-8333-333333333333');
SELECT mega_end_admin_session('9f86d081884c7d65');
SELECT mega_end_admin_session('9f86d081884c7d65') AS again;
SELECT * FROM mega_touch_admin_session('9f86d081884c7d65');

-- Audits
SELECT * FROM mega_record_admin_audit('credits.grant', actor_pass_id => 'pass:shopify:7301',
    user_id => '22222222-2222-4222-8222-222222222222', email => 'ada@studio.example', ip => '203.0.113.7',
    route => '/admin/credits', method => 'POST', status => 200, detail => '{"delta": 50, "why": "late delivery"}', audit_id => 'req-81f2');
SELECT * FROM mega_record_admin_audit('credits.grant', actor_pass_id => 'pass:shopify:7301',
    user_id => '22222222-2222-4222-8222-222222222222', email => 'ada@studio.example', ip => '203.0.113.7',
    route => '/admin/credits', method => 'POST', status => 200, detail => '{"delta": 50, "why": "late delivery"}', audit_id => 'req-81f2');
SELECT * FROM mega_record_admin_audit('credits.grant', detail => '{"delta": 500}', audit_id => 'req-81f2');
SELECT * FROM mega_record_admin_audit('login.failed', ip => 'behind a proxy');
SELECT replayed FROM mega_record_admin_audit('customer.looked_at', 'pass:shopify:7301', '22222222-2222-4222-8222-222222222222', audit_id => 'req-81f3');
SELECT mg_action, mg_email, mg_ip, mg_status, mg_detail FROM mega_admin_audits(actor_pass_id => 'pass:shopify:7301');
SELECT mg_id, next_cursor IS NOT NULL AS more FROM mega_admin_audits(page_size => 1, user_id => '22222222-2222-4222-8222-222222222222',
    since => now() - interval '1 day');
DELETE FROM mega_admin WHERE mg_id = 'admin_audit:req-81f2';

-- Profiles
SELECT * FROM mega_link_profile('44444444-4444-4444-8444-444444444444', user_id => '11111111-1111-4111-8111-111111111111',
    email => 'leila@example.com');
SELECT mg_profile_id, mg_email, mg_actor_pass_id FROM mega_profile(user_id => '11111111-1111-4111-8111-111111111111');
SELECT created FROM mega_link_profile('44444444-4444-4444-8444-444444444444', email => 'leila@studio.example');
SELECT mg_email, mg_actor_pass_id FROM mega_profile('44444444-4444-4444-8444-444444444444');
SELECT * FROM mega_link_profile('55555555-5555-4555-8555-555555555555', user_id => '11111111-1111-4111-8111-111111111111',
    shopify_customer_id => '7302');

-- The runtime's knobs
SELECT * FROM mega_set_runtime_config('{"still.timeout_s": 90, "video.enabled": true}', actor => 'ada@studio.example');
SELECT * FROM mega_set_runtime_config('{"still.timeout_s": 120, "video.enabled": null}', actor => 'ada@studio.example');
SELECT mega_runtime_config();
SELECT jsonb_pretty(mg_detail) AS mg_detail FROM mega_admin_audits(page_size => 1, action => 'runtime_config.set');

-- Settings and their versions
SELECT * FROM mega_set_app_config('prices', '{"pack": 9}', expected_version => 0, actor => 'ada@studio.example');
SELECT * FROM mega_set_app_config('prices', '{"pack": 12}', expected_version => 1, actor => 'ada@studio.example');
SELECT mega_app_config('prices') AS in_force, mega_app_config('prices', 1) AS first;
SELECT * FROM mega_set_app_config('prices', '{"pack": 10}', expected_version => 1, actor => 'bob@studio.example');
SELECT version, mg_value, actor FROM mega_app_config_versions('prices');
SELECT mg_id, mg_value FROM mega_admin WHERE mg_key = 'prices' ORDER BY mg_id;
UPDATE mega_admin SET mg_value = '{"pack": 1}' WHERE mg_id = 'app_config:prices.v1';
SELECT * FROM mega_set_app_config('prices.v3', '{"pack": 9}');
SELECT * FROM mega_set_app_config('prices', mega_app_config('prices', 1), expected_version => 2, actor => 'bob@studio.example');
SELECT mg_action, mg_detail FROM mega_admin_audits(page_size => 1, action => 'app_config.set');

-- Who listens
LISTEN mega_app_config;
LISTEN mega_runtime_config;
SET mega.notify = on;
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT version FROM mega_set_app_config('prices', '{"pack": 11}');
\o
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT mg_id FROM mega_set_runtime_config('{"video.enabled": false}');
\o
RESET mega.notify;
UNLISTEN *;

-- Who may
CREATE ROLE regress_studio_office;
SELECT mega_grant('regress_studio_office', 'app');
SET ROLE regress_studio_office;
SELECT mega_app_config('prices');
RESET ROLE;
SELECT mega_grant('regress_studio_office', 'admin');
SET ROLE regress_studio_office;
SELECT mega_app_config('prices');
RESET ROLE;

\c :"home"
DROP DATABASE regress_mega_docs_admin;
DROP ROLE regress_studio_office;
