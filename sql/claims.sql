-- mega_claim_generations and mega_extend_claim: workers, leases, attempts.
-- Customers of this file: pass:test:claims
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SET datestyle = 'ISO';
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:claims');
CREATE FUNCTION pg_temp.claim(worker text, max_rows integer DEFAULT 1, lease interval DEFAULT '15 minutes', mode text DEFAULT 'video', max_age interval DEFAULT '1 day') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s', mg_generation_id, coalesce(mg_mma_status, 'NULL'), attempt), ', '), 'none') FROM mega_claim_generations(worker, max_rows, lease, mode, max_age) c
$$;
-- what other files left waiting is none of this one's
UPDATE mega_generations SET mg_deleted_at = now() WHERE mg_record_type = 'generation' AND mg_status = 'pending' AND mg_mma_mode = 'video';
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_mma_mode, mg_mma_status, mg_status, mg_mma_vars, mg_meta, mg_deleted_at) VALUES
    ('generation:claims-3', 'pass:test:claims', now() - interval '3 minutes', 'video', 'queued', NULL, '{"n": 3}', '{"app": 1}', NULL),
    ('generation:claims-2', 'pass:test:claims', now() - interval '4 minutes', 'video', 'queued', NULL, '{"n": 2}', NULL, NULL),
    ('generation:claims-1', 'pass:test:claims', now() - interval '5 minutes', 'video', 'queued', NULL, '{"n": 1}', '{}', NULL),
    ('generation:claims-still', 'pass:test:claims', now() - interval '3 years', 'still', 'queued', NULL, '{}', '{}', NULL),
    ('generation:claims-busy', 'pass:test:claims', now() - interval '9 minutes', 'video', 'generating', NULL, '{}', '{}', NULL),
    ('generation:claims-none', 'pass:test:claims', now() - interval '9 minutes', 'video', NULL, 'pending', '{}', '{}', NULL),
    ('generation:claims-word', 'pass:test:claims', now() - interval '9 minutes', 'video', 'queued', 'waiting', '{}', '{}', NULL),
    ('generation:claims-gone', 'pass:test:claims', now() - interval '9 minutes', 'video', 'queued', NULL, '{}', '{}', now()),
    ('generation:claims-old', 'pass:test:claims', now() - interval '2 days', 'video', 'queued', NULL, '{}', '{}', NULL),
    ('generation:claims-end', 'pass:test:claims', now() - interval '9 minutes', 'video', 'done', NULL, '{}', '{}', NULL);
-- oldest first, each once
SELECT mg_generation_id, mg_pass_id, mg_mma_mode, mg_mma_status, mg_mma_vars, mg_meta #- '{mega,claim,until}' AS mg_meta, attempt FROM mega_claim_generations('w1', mma_mode => 'video');
SELECT pg_temp.claim('w2', 10);
SELECT pg_temp.claim('w3', 10);
SELECT pg_temp.claim('w3', 10, max_age => '3 days') AS older;
SELECT pg_temp.claim('w3', 1, mode => 'still', max_age => '4 years') AS still;
-- the claim is mega's own: nobody else's write makes or changes it
SELECT mg_id, mg_meta #- '{mega,claim,until}' AS mg_meta, (mg_meta #>> '{mega,claim,until}')::bigint BETWEEN extract(epoch FROM now() + interval '14 minutes') * 1e6 AND extract(epoch FROM now() + interval '16 minutes') * 1e6 AS ends
FROM mega_generations WHERE mg_id IN ('generation:claims-1', 'generation:claims-2', 'generation:claims-3') ORDER BY 1;
UPDATE mega_generations SET mg_meta = '{"app": 2, "mega": {"claim": {"worker": "thief", "until": 0, "attempt": 9}}}' WHERE mg_id = 'generation:claims-3';
SELECT mg_meta #- '{mega,claim,until}' AS mg_meta FROM mega_generations WHERE mg_id = 'generation:claims-3';
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_mode, mg_mma_status, mg_meta) VALUES ('generation:claims-thief', 'pass:test:claims', 'still', 'queued', '{"mega": {"claim": {"worker": "thief", "until": 9e18, "attempt": 9}}}') RETURNING mg_meta;
-- a move and whatever the application writes leave it
SELECT mg_mma_status FROM mega_update_generation('claims-3', 'generating', fields => '{"meta": {"app": 3}}');
SELECT mg_meta #- '{mega,claim,until}' AS mg_meta FROM mega_generations WHERE mg_id = 'generation:claims-3';

--
-- A worker that died: its lease ends, and attempts are counted
--
SELECT mega_extend_claim('claims-1', 'w1', '1 microsecond'), mega_extend_claim('claims-2', 'w2', '1 microsecond');
SELECT pg_temp.claim('w4', 10);
SELECT mg_mma_status FROM mega_update_generation('claims-1', 'scanning');
SELECT mega_extend_claim('claims-1', 'w4', '1 microsecond');
SELECT pg_temp.claim('w5', 10) AS where_it_stands;
-- whose it is not any more; whose it is, late or not, as long as nobody took it
SELECT mega_extend_claim('claims-1', 'w1', '1 hour') AS w1, mega_extend_claim('claims-1', 'w4', '1 hour') AS w4, mega_extend_claim('claims-1', 'w5', '1 microsecond') AS w5;
SELECT mega_extend_claim('claims-1', 'w5', '1 hour') AS late;
SELECT mega_extend_claim('claims-busy', 'w5', '1 hour') AS never_claimed;
-- the first one to complete wins; what ended is no more to be had
SELECT mg_mma_status FROM mega_complete_generation('claims-1', 'https://assets.example.com/of-w4.mp4');
SELECT pg_temp.outcome($$SELECT mega_complete_generation('claims-1', 'https://assets.example.com/of-w5.mp4')$$);
SELECT mega_extend_claim('claims-1', 'w5', '1 hour') AS ended;
SELECT mega_extend_claim('claims-2', 'w4', '1 microsecond');
SELECT mg_mma_status FROM mega_fail_generation('claims-2', 'no');
SELECT mega_extend_claim('claims-3', 'w2', '1 microsecond');
SELECT changed FROM mega_delete_generation('claims-3');
SELECT mega_extend_claim('claims-3', 'w2', '1 hour') AS deleted, pg_temp.claim('w6', 10) AS nothing_left;
-- nor when an application puts the word for how it stands back, as one that writes all it once read does
UPDATE mega_generations SET mg_status = 'pending' WHERE mg_id IN ('generation:claims-1', 'generation:claims-2') RETURNING mg_id, mg_mma_status;
SELECT mega_extend_claim('claims-1', 'w5', '1 hour') AS ended, mega_extend_claim('claims-2', 'w4', '1 hour') AS failed, pg_temp.claim('w6', 10) AS nothing_left;
-- arguments
SELECT what, pg_temp.outcome('SELECT mega_' || call) FROM (VALUES
    ('no worker', $$claim_generations(NULL)$$), ('blank worker', $$claim_generations(' ')$$), ('no rows', $$claim_generations('w', 0)$$), ('too many', $$claim_generations('w', 1001)$$),
    ('no lease', $$claim_generations('w', lease => NULL)$$), ('over at once', $$claim_generations('w', lease => '0')$$), ('over before', $$claim_generations('w', lease => '-1 minute')$$),
    ('no mode', $$claim_generations('w', mma_mode => 'audio')$$), ('no age', $$claim_generations('w', max_age => '0')$$), ('any age', $$claim_generations('w', max_age => NULL)$$),
    ('no generation', $$extend_claim('claims-nobody', 'w', '1 hour')$$), ('no id', $$extend_claim(NULL, 'w', '1 hour')$$), ('no worker', $$extend_claim('claims-1', NULL, '1 hour')$$), ('no lease', $$extend_claim('claims-1', 'w', '0')$$)
) v(what, call);

--
-- Moves of the status stay HOT: no index mentions where a generation stands.
--
SELECT i.indexrelid::regclass AS index, a.attname AS mentions FROM pg_index i JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid WHERE i.indrelid = 'mega_generations'::regclass AND a.attname IN ('mg_mma_status', 'mg_updated_at');
SELECT pg_get_expr(indpred, indrelid) AS claimable FROM pg_index WHERE indexrelid = 'mega_generations_claimable'::regclass;
-- a document that is no object makes room for the claim; an empty list says nothing
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status, mg_created_at, mg_meta) VALUES
    ('generation:claims-list', 'pass:test:claims', 'queued', now() - interval '5 hours', '[1]'),
    ('generation:claims-void', 'pass:test:claims', 'queued', now() - interval '4 hours', '[]'),
    ('generation:claims-null', 'pass:test:claims', 'queued', now() - interval '3 hours', 'null'),
    ('generation:claims-text', 'pass:test:claims', 'queued', now() - interval '2 hours', '"x"');
SELECT mg_generation_id, mg_meta #- '{mega,claim,until}' AS mg_meta, attempt FROM mega_claim_generations('w', 100) WHERE mg_generation_id ~ 'list|void|null|text';
SELECT mg_id, mg_meta - 'mega' AS mg_meta, mega_extend_claim(mg_generation_id, 'w', '1 hour') AS extended FROM mega_generations WHERE mg_id ~ 'claims-(list|void|null|text)$' ORDER BY mg_id;
