-- The examples of docs/studio.md: each block there is copied from what this prints. In a database of its own, because claims
-- and sweeps look at every customer.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
CREATE DATABASE regress_mega_docs_studio TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_studio
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION mega;
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '7301');
SELECT mg_credits FROM mega_record_credit('pass:shopify:7301', 100, 'order', ref_type => 'shopify_order', ref_id => '5987301');

-- A still
SELECT * FROM mega_start_session('pass:shopify:7301', 'visit-1', platform => 'web', client => '{"os": "iOS 18", "browser": "Safari"}');
SELECT mg_credits FROM mega_hold_credit('pass:shopify:7301', 4, 'gen_1', generation_id => 'gen_1');
SELECT * FROM mega_create_generation('pass:shopify:7301', 'gen_1', mma_mode => 'still', type => 'image', session_id => 'visit-1',
    provider => 'seedream', vars => '{"inputs": {"brief": "perfume on marble"}}');
SELECT * FROM mega_create_generation('pass:shopify:7301', 'gen_1', mma_mode => 'still', type => 'image', session_id => 'visit-1',
    provider => 'seedream', vars => '{"inputs": {"brief": "perfume on marble"}}');
SELECT mg_generation_id, mg_mma_mode, mg_mma_status, mg_mma_vars, attempt FROM mega_claim_generations('worker-1', lease => '5 minutes');
SELECT count(*) FROM mega_claim_generations('worker-2');
SELECT * FROM mega_append_mma_step('gen_1', 'scan_product', mma_status => 'scanning', at_step => 0,
    input => '{"image": "https://assets.example.com/bottle.png"}', output => '{"crt": "a square bottle, amber"}',
    started_at => '2025-12-19 10:00:00Z', ended_at => '2025-12-19 10:00:04Z', provider => 'openai', model => 'gpt-4o');
SELECT * FROM mega_append_scan_line('gen_1', 'Looking at your bottle');
SELECT * FROM mega_append_scan_line('gen_1', 'Square, amber: it will like marble');
SELECT * FROM mega_append_mma_step('gen_1', 'gpt_reader', mma_status => 'prompting', at_step => 1,
    input => '{"brief": "perfume on marble"}', output => '{"prompt": "amber bottle, pale marble"}',
    started_at => '2025-12-19 10:00:04Z', ended_at => '2025-12-19 10:00:17Z');
SELECT * FROM mega_update_generation('gen_1', mma_status => 'generating',
    vars => '{"prompts": {"clean_prompt": "amber bottle, pale marble"}}', fields => '{"model": "seedream-4"}');
SELECT mega_extend_claim('gen_1', 'worker-1', '5 minutes');
SELECT * FROM mega_complete_generation('gen_1', 'https://assets.example.com/gen_1.png', prompt => 'amber bottle, pale marble',
    latency_ms => 44000, hold_id => 'gen_1');
SELECT mg_credits, held FROM mega_balance('pass:shopify:7301');
SELECT mg_mma_status, mg_status, mg_output_url, mg_mma_vars, steps, scan_lines FROM mega_generation('gen_1') \gx
SELECT mg_step_no, mg_step_type, duration_ms, mg_payload -> 'output' AS output FROM mega_generation_steps('gen_1');

-- Status
SELECT * FROM mega_update_generation('gen_1', mma_status => 'generating');
SELECT * FROM mega_update_generation('gen_1', mma_status => 'done');
SELECT * FROM mega_complete_generation('gen_1', 'https://assets.example.com/gen_1.png', hold_id => 'gen_1');
SELECT * FROM mega_complete_generation('gen_1', 'https://assets.example.com/another.png');

-- A video
SELECT mg_credits FROM mega_hold_credit('pass:shopify:7301', 30, 'gen_2', generation_id => 'gen_2');
SELECT created FROM mega_create_generation('pass:shopify:7301', 'gen_2', mma_mode => 'video', type => 'motion',
    parent_generation_id => 'gen_1', session_id => 'visit-1', provider => 'kling');
SELECT * FROM mega_append_mma_step('gen_2', 'kling_generate', mma_status => 'generating', at_step => 0,
    input => '{"image": "https://assets.example.com/gen_1.png"}',
    output => '{"url": "https://v16.example.com/a.mp4?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Expires=86400&X-Tos-Signature=5f0c"}');
SELECT mg_payload -> 'output' AS output FROM mega_generation_steps('gen_2');
SELECT * FROM mega_complete_generation('gen_2',
    'https://v16.example.com/a.mp4?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Expires=86400&X-Tos-Signature=5f0c', hold_id => 'gen_2');
SELECT * FROM mega_fail_generation('gen_2', 'kling: no answer for ten minutes', hold_id => 'gen_2');
SELECT * FROM mega_fail_generation('gen_2', 'the watchdog gave up', hold_id => 'gen_2');
SELECT mg_mma_status, mg_status, mg_error FROM mega_generation('gen_2');
SELECT mg_credits, held FROM mega_balance('pass:shopify:7301');
SELECT * FROM mega_complete_generation('gen_2', 'https://assets.example.com/gen_2.mp4', hold_id => 'gen_2');
SELECT mg_credits, held FROM mega_balance('pass:shopify:7301');

-- Steps
SELECT * FROM mega_append_mma_step('gen_1', 'gpt_reader', at_step => 1,
    input => '{"brief": "perfume on marble"}', output => '{"prompt": "amber bottle, pale marble"}');
SELECT * FROM mega_append_mma_step('gen_1', 'gpt_reader', at_step => 1, output => '{"prompt": "another"}');
SELECT * FROM mega_append_mma_steps('gen_2', '[
    {"step_type": "postscan", "output": {"ok": true}, "at_step": 1},
    {"step_type": "upload", "error": {"message": "retried once"}, "at_step": 2}]');
SELECT * FROM mega_append_mma_steps('gen_2', '[
    {"step_type": "postscan", "output": {"ok": true}, "at_step": 1},
    {"step_type": "upload", "output": {"key": "gen_2.mp4"}, "at_step": 2}]');

-- Claims and leases
SELECT created FROM mega_create_generation('pass:shopify:7301', 'gen_3', mma_mode => 'still', type => 'image');
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker-1', lease => '1 millisecond');
SELECT pg_sleep(0.01);
SELECT mg_generation_id, mg_mma_status, attempt FROM mega_claim_generations('worker-2', lease => '5 minutes');
SELECT mega_extend_claim('gen_3', 'worker-1', '5 minutes') AS still_mine;
SELECT * FROM mega_complete_generation('gen_3', 'https://assets.example.com/gen_3-by-worker-1.png');
SELECT * FROM mega_complete_generation('gen_3', 'https://assets.example.com/gen_3-by-worker-2.png');
SELECT mega_extend_claim('gen_3', 'worker-2', '5 minutes') AS still_mine;

-- A tweak
SELECT * FROM mega_tweak_generation('gen_1', 'gen_4', '{"text": "warmer light"}', event_id => 'tweak-1');
SELECT * FROM mega_tweak_generation('gen_1', 'gen_4', '{"text": "warmer light"}', event_id => 'tweak-1');
SELECT mg_mma_status, mg_mma_mode, mg_type, mg_session_id, mg_parent_id FROM mega_generation('gen_4');

-- What the customer says
SELECT * FROM mega_record_feedback('pass:shopify:7301', 'feedback-1', 'gen_1', comment => 'a little dark', meta => '{"stars": 3}');
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7301', 'like', '{"tags": ["style.minimal"]}', 'gen_1', event_id => 'like-1');
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7301', 'like', '{"tags": ["style.minimal"]}', 'gen_3', event_id => 'like-2');
SELECT mg_generation_id, mg_output_url FROM mega_likes('pass:shopify:7301');
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7301', 'like', '{"tags": ["style.minimal"], "undo": true}', 'gen_3', event_id => 'like-2-undone');
SELECT mg_generation_id FROM mega_likes('pass:shopify:7301');
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7301', 'dislike', '{"tags": ["style.minimal"]}', 'gen_1', event_id => 'dislike-1');
SELECT count(*) FROM mega_likes('pass:shopify:7301');
SELECT * FROM mega_record_mma_events('[
    {"pass_id": "pass:shopify:7301", "event_type": "download", "generation_id": "gen_1", "event_id": "download-1", "payload": {"tag": "style.minimal"}},
    {"pass_id": "pass:shopify:7301", "event_type": "like", "generation_id": "gen_2", "event_id": "like-3", "payload": {"tag": "motion.pan"}}]');
SELECT mg_event_type, mg_generation_id, mg_meta -> 'payload' AS payload FROM mega_mma_events('pass:shopify:7301', page_size => 3);

-- Deleting
SELECT * FROM mega_delete_generation('gen_3', pass_id => 'pass:shopify:7301');
SELECT * FROM mega_delete_generation('gen_3');
SELECT count(*) FROM mega_generation('gen_3');
SELECT mg_output_url, mg_deleted_at IS NOT NULL AS deleted FROM mega_generations WHERE mg_id = 'generation:gen_3';

-- Looking back
SELECT mg_generation_id, mg_mma_status, mg_parent_id, mg_output_url, mg_latency_ms FROM mega_generation_history('pass:shopify:7301');
SELECT mg_generation_id FROM mega_generation_history('pass:shopify:7301', mma_mode => 'still', since => now() - interval '1 day', until => now() + interval '1 day');
SELECT mg_generation_id FROM mega_generation_history('pass:shopify:7301', page_size => 2);
SELECT max(next_cursor) AS cursor FROM mega_generation_history('pass:shopify:7301', page_size => 2) \gset
SELECT mg_generation_id, next_cursor FROM mega_generation_history('pass:shopify:7301', page_size => 2, page_cursor => :'cursor');

-- A session that is told what happens
LISTEN mega_generation;
SET mega.notify = on;
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT * FROM mega_update_generation('gen_4', mma_status => 'scanning');
\o
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT * FROM mega_append_scan_line('gen_4', 'Looking at the light');
\o
RESET mega.notify;
UNLISTEN *;

-- What is refused
SELECT * FROM mega_create_generation('pass:shopify:7301', 'gen_5', vars => '{"image": "https://b.s3.amazonaws.com/k?X-Amz-Signature=5f0c"}');
SELECT * FROM mega_append_mma_step('gen_5', 'scan_product');
SELECT * FROM mega_reconcile_preferences();
SELECT * FROM mega_reconcile_credits();

\c :"home"
DROP DATABASE regress_mega_docs_studio;
