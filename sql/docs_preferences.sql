-- The examples of docs/preferences.md: each block there is copied from what this prints.
-- Customers of this file: pass:shopify:7215
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION IF NOT EXISTS mega;
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '7215');

-- Monday
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7215', 'like', '{"tags": ["style.minimal", "light.soft"]}',
    event_id => 'e1', created_at => '2025-12-15 10:00:00Z');
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7215', 'like', '{"tags": ["style.minimal"], "weight": 0.3}',
    event_id => 'e2', created_at => '2025-12-15 10:05:00Z');
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7215', 'download', '{"tags": ["style.minimal"]}',
    event_id => 'e3', created_at => '2025-12-15 10:06:00Z');

-- Tuesday
SELECT preferences -> 'hard_blocks' AS hard_blocks, preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7215', 'dislike',
    '{"tags": ["motion.pan"], "hard_blocks": ["motion.light_flicker", "motion.light_flare"]}',
    event_id => 'e4', created_at => '2025-12-16 09:00:00Z');

-- Wednesday
SELECT preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7215', 'preference_set', '{"tag_weights": {"light.soft": 3}}',
    event_id => 'e5', created_at => '2025-12-17 12:00:00Z');

-- Monday evening, told on Thursday; and once more
SELECT preferences -> 'tag_weights' AS tag_weights, replayed
FROM mega_record_mma_event('pass:shopify:7215', 'like', '{"tags": ["style.minimal", "light.soft"]}',
    event_id => 'e6', created_at => '2025-12-15 20:00:00Z');
SELECT preferences -> 'tag_weights' AS tag_weights, replayed
FROM mega_record_mma_event('pass:shopify:7215', 'like', '{"tags": ["style.minimal", "light.soft"]}',
    event_id => 'e6', created_at => '2025-12-15 20:00:00Z');

-- Thursday
SELECT preferences -> 'hard_blocks' AS hard_blocks, preferences -> 'tag_weights' AS tag_weights
FROM mega_record_mma_event('pass:shopify:7215', 'preference_set', '{"remove_hard_blocks": ["motion.light_flicker"]}',
    event_id => 'e7', created_at => '2025-12-18 08:00:00Z');

-- A plain INSERT
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_created_at, mg_meta)
VALUES ('mma_event:e8', 'mma_event', 'pass:shopify:7215', '2025-12-18 09:00:00Z',
    '{"event_type": "like", "payload": {"tag": "motion.pan", "weight": 2.5}}');
SELECT mg_mma_preferences -> 'tag_weights' AS tag_weights
FROM mega_customers WHERE mg_pass_id = 'pass:shopify:7215';

-- Keys of the application's own
UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"theme": "dark"}'
WHERE mg_pass_id = 'pass:shopify:7215';
UPDATE mega_customers SET mg_mma_preferences = jsonb_set(mg_mma_preferences, '{tag_weights,light.soft}', '9')
WHERE mg_pass_id = 'pass:shopify:7215';
SELECT jsonb_pretty(mg_mma_preferences) AS mg_mma_preferences
FROM mega_customers WHERE mg_pass_id = 'pass:shopify:7215';

-- Refused
SELECT * FROM mega_record_mma_event('pass:shopify:7215', 'like', '{"tags": "style.minimal"}');
SELECT * FROM mega_record_mma_event('pass:shopify:7215', 'like', '{"tags": ["style.minimal"], "weight": 5000}');
SELECT * FROM mega_record_mma_event('pass:shopify:7215', 'like', '{"tags": ["style.bold"]}', event_id => 'e1');

-- Checked
SELECT * FROM mega_reconcile_preferences('pass:shopify:7215');
