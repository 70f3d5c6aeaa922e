-- Sessions and generations: mega_start_session, mega_create_generation, mega_update_generation, mega_complete_generation,
-- mega_fail_generation (I6, I9, I10, I11).
-- Customers of this file: pass:test:studio-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- Everything a row says, so that "no change" can be shown.
CREATE FUNCTION pg_temp.print_of(id text) RETURNS text LANGUAGE sql AS
    'SELECT md5(g::text) FROM mega_generations g WHERE mg_id = ''generation:'' || id';
CREATE FUNCTION pg_temp.vars_of(id text) RETURNS jsonb LANGUAGE sql AS
    'SELECT mg_mma_vars FROM mega_generations WHERE mg_id = ''generation:'' || id';
CREATE FUNCTION pg_temp.status_of(id text) RETURNS text LANGUAGE sql AS
    'SELECT mg_mma_status || '' '' || mg_status FROM mega_generations WHERE mg_id = ''generation:'' || id';
CREATE FUNCTION pg_temp.credits(who text) RETURNS integer LANGUAGE sql AS
    'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who';
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:studio-' || n FROM unnest('{a,b,holds}'::text[]) n;

--
-- Sessions
--
SELECT * FROM mega_start_session('pass:test:studio-a', 'studio-s1', 'web', 'First light',
    '{"version": "1.4.2", "os": "iOS 19", "browser": "Safari", "device": null}', '{"campaign": "spring"}');
SELECT mg_id, mg_record_type, mg_pass_id, mg_session_id, mg_platform, mg_title, mg_client_version, mg_os, mg_browser, mg_device, mg_meta, mg_mma_vars, mg_mma_status,
    mg_created_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS dated, mg_updated_at = mg_created_at AS same
FROM mega_generations WHERE mg_id = 'session:studio-s1' \gx
-- once per id: the first one stays
SELECT * FROM mega_start_session('pass:test:studio-a', 'session:studio-s1', 'ios', 'Another title');
SELECT mg_platform, mg_title FROM mega_generations WHERE mg_id = 'session:studio-s1';
SELECT mg_id ~ '^session:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS uuid_v7, mg_id = 'session:' || mg_session_id AS agree, created
FROM mega_start_session('pass:test:studio-a');
SELECT what, pg_temp.outcome('SELECT * FROM mega_start_session(' || arguments || ')') FROM (VALUES
    ('another customer''s id', $$'pass:test:studio-b', 'studio-s1'$$),
    ('unknown customer', $$'pass:test:nobody', 'studio-s2'$$),
    ('no pass id', $$NULL, 'studio-s2'$$),
    ('blank pass id', $$'', 'studio-s2'$$),
    ('blank id', $$'pass:test:studio-a', ' '$$),
    ('only the prefix', $$'pass:test:studio-a', 'session:'$$),
    ('long id', $$'pass:test:studio-a', repeat('x', 513)$$),
    ('control character', $$'pass:test:studio-a', E'a\nb'$$),
    ('client: unknown key', $$'pass:test:studio-a', 'studio-s2', client => '{"browsr": "Safari"}'$$),
    ('client: no string', $$'pass:test:studio-a', 'studio-s2', client => '{"os": 19}'$$),
    ('client: a list', $$'pass:test:studio-a', 'studio-s2', client => '["os"]'$$),
    ('meta: a text', $$'pass:test:studio-a', 'studio-s2', meta => '"m"'$$),
    ('NULL client and meta', $$'pass:test:studio-a', 'studio-s2', client => NULL, meta => NULL$$)
) v(what, arguments);
SELECT mg_client_version, mg_meta FROM mega_generations WHERE mg_id = 'session:studio-s2';

--
-- Generations: what a new one looks like.
--
SELECT * FROM mega_create_generation('pass:test:studio-a', 'studio-g1', 'still', 'image', 'studio-s1', NULL, 'seedream', 'seedream-4', 'a bottle on marble',
    '{"inputs": {"brief": "A bottle"}, "assets": {"product": "https://assets.example.com/p.png"}}', '{"k": 1}');
SELECT mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_session_id, mg_parent_id, mg_type, mg_provider, mg_model, mg_prompt, mg_mma_mode, mg_mma_status, mg_status, mg_mma_vars,
    mg_meta, mg_output_url, mg_error, mg_source_system, mg_updated_at = mg_created_at AS same
FROM mega_generations WHERE mg_id = 'generation:studio-g1' \gx
SELECT pg_temp.print_of('studio-g1') AS before \gset
-- once per id
SELECT * FROM mega_create_generation('pass:test:studio-a', 'generation:studio-g1', 'video', vars => '{"other": true}');
SELECT :'before' = pg_temp.print_of('studio-g1') AS unchanged;
SELECT mg_id ~ '^generation:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS uuid_v7, mg_id = 'generation:' || mg_generation_id AS agree, created
FROM mega_create_generation('pass:test:studio-a');
-- parents: with the prefix or without it
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-g2', parent_generation_id => 'studio-g1');
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-g3', parent_generation_id => 'generation:studio-g2');
SELECT mg_id, mg_parent_id FROM mega_generations WHERE mg_id IN ('generation:studio-g2', 'generation:studio-g3') ORDER BY mg_id;
-- the longest id: its steps have ids, too
SELECT created FROM mega_create_generation('pass:test:studio-a', repeat('x', 501));
SELECT mg_step_no FROM mega_append_mma_step(repeat('x', 501), 'scan', at_step => 2147483647);
CREATE TEMP TABLE before AS SELECT count(*) FROM mega_generations;
SELECT what, pg_temp.outcome('SELECT * FROM mega_create_generation(' || arguments || ')') FROM (VALUES
    ('an id too long for its steps', $$'pass:test:studio-a', repeat('x', 502)$$),
    ('another customer''s id', $$'pass:test:studio-b', 'studio-g1'$$),
    ('unknown customer', $$'pass:test:nobody', 'studio-x'$$),
    ('no pass id', $$NULL, 'studio-x'$$),
    ('blank id', $$'pass:test:studio-a', ''$$),
    ('long id', $$'pass:test:studio-a', repeat('x', 513)$$),
    ('control character', $$'pass:test:studio-a', E'a\tb'$$),
    ('another mode', $$'pass:test:studio-a', 'studio-x', 'audio'$$),
    ('empty mode', $$'pass:test:studio-a', 'studio-x', ''$$),
    ('blank session', $$'pass:test:studio-a', 'studio-x', session_id => ' '$$),
    ('unknown parent', $$'pass:test:studio-a', 'studio-x', parent_generation_id => 'studio-none'$$),
    ('another customer''s parent', $$'pass:test:studio-b', 'studio-x', parent_generation_id => 'studio-g1'$$),
    ('blank parent', $$'pass:test:studio-a', 'studio-x', parent_generation_id => ''$$),
    ('vars: a list', $$'pass:test:studio-a', 'studio-x', vars => '[]'$$),
    ('vars: null', $$'pass:test:studio-a', 'studio-x', vars => 'null'$$),
    ('meta: a number', $$'pass:test:studio-a', 'studio-x', meta => '1'$$),
    ('vars: a signed URL', $$'pass:test:studio-a', 'studio-x', vars => '{"a": [{"b": "https://b.s3.amazonaws.com/k.png?X-Amz-Signature=00&X-Amz-Date=1"}]}'$$),
    ('vars: a delivery host', $$'pass:test:studio-a', 'studio-x', vars => '{"out": "https://replicate.delivery/pbxt/out.png"}'$$)
) v(what, arguments);
SELECT before.count = (SELECT count(*) FROM mega_generations) AS nothing_left FROM before;
-- NULL documents are empty ones
SELECT mg_mma_vars, mg_meta FROM mega_create_generation('pass:test:studio-a', 'studio-g4', vars => NULL, meta => NULL) made
JOIN mega_generations g USING (mg_id); -- the row of the same statement is not seen
SELECT mg_mma_vars, mg_meta, mg_mma_mode FROM mega_generations WHERE mg_id = 'generation:studio-g4';

--
-- I9: every move, by function, by raw UPDATE, by both with an output URL; an update ends nothing, a step does not finish. From no status at all every move is a first one.
--
CREATE SEQUENCE pg_temp.moves;
CREATE FUNCTION pg_temp.move(way text, came_from text, goes_to text, url text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id text := 'studio-move-' || nextval('pg_temp.moves');
BEGIN
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:' || id, 'pass:test:studio-a', came_from);
    CASE way
        WHEN 'function' THEN
            PERFORM mega_update_generation(id, goes_to, fields => CASE WHEN url IS NULL THEN '{}' ELSE jsonb_build_object('output_url', url) END);
        WHEN 'raw' THEN
            UPDATE mega_generations SET mg_mma_status = goes_to, mg_output_url = url WHERE mg_id = 'generation:' || id;
        WHEN 'step' THEN
            PERFORM mega_append_mma_step(id, 'postscan', mma_status => goes_to);
        WHEN 'complete' THEN
            PERFORM mega_complete_generation(id, url);
        WHEN 'fail' THEN
            PERFORM mega_fail_generation(id, 'broken');
    END CASE;
    IF (SELECT mg_mma_status FROM mega_generations WHERE mg_id = 'generation:' || id) IS DISTINCT FROM goes_to THEN
        RETURN 'not moved';
    END IF;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
CREATE TEMP TABLE stages AS SELECT * FROM unnest('{NULL,queued,scanning,prompting,generating,postscan,done,error}'::text[]) WITH ORDINALITY s(stage, n);
CREATE TEMP TABLE tried AS
SELECT way, url IS NOT NULL AS with_url, f.n AS from_n, f.stage AS came_from, t.n AS to_n, t.stage AS goes_to, pg_temp.move(way, f.stage, t.stage, url) AS outcome
FROM unnest('{function,raw,step}'::text[]) way, unnest('{NULL,https://assets.example.com/o.png}'::text[]) url, stages f, stages t
WHERE t.stage IS NOT NULL AND NOT (way = 'step' AND url IS NOT NULL);
SELECT way, with_url, coalesce(came_from, 'none') AS came_from,
    max(outcome) FILTER (WHERE goes_to = 'queued') AS queued, max(outcome) FILTER (WHERE goes_to = 'scanning') AS scanning, max(outcome) FILTER (WHERE goes_to = 'prompting') AS prompting,
    max(outcome) FILTER (WHERE goes_to = 'generating') AS generating, max(outcome) FILTER (WHERE goes_to = 'postscan') AS postscan, max(outcome) FILTER (WHERE goes_to = 'done') AS done,
    max(outcome) FILTER (WHERE goes_to = 'error') AS error
FROM tried GROUP BY way, with_url, from_n, came_from ORDER BY way, with_url, from_n;
-- the same, said once more in the words of I9
SELECT count(*) AS moves, count(*) FILTER (WHERE outcome = 'ok') AS allowed, count(*) FILTER (WHERE (outcome = 'ok') IS DISTINCT FROM
    CASE
        WHEN goes_to = 'done' AND way <> 'raw' OR goes_to = 'error' AND way = 'function' THEN false
        WHEN came_from IS NULL OR came_from = goes_to THEN true
        WHEN came_from = 'done' THEN false
        WHEN came_from = 'error' THEN goes_to = 'done' AND with_url
        WHEN goes_to = 'error' THEN true
        ELSE to_n > from_n
    END) AS surprises
FROM tried;
-- functions that end a generation, from every stage
SELECT coalesce(stage, 'none') AS came_from, pg_temp.move('complete', stage, 'done', 'https://assets.example.com/o.png') AS complete, pg_temp.move('fail', stage, 'error', NULL) AS fail
FROM stages ORDER BY n;
-- a status once given stays; other words are no status
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_mma_status = NULL WHERE mg_id = 'generation:studio-g1'$$);
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_mma_status = 'ready' WHERE mg_id = 'generation:studio-g1'$$);
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_mma_status = 'DONE' WHERE mg_id = 'generation:studio-g1'$$);
SELECT pg_temp.outcome($$SELECT mega_update_generation('studio-g1', 'ready')$$);
SELECT pg_temp.outcome($$SELECT mega_update_generation('studio-g1', '')$$);
-- a refused move, in words
SELECT * FROM mega_update_generation('studio-g1', 'generating');
SELECT pg_temp.outcome($$SELECT mega_update_generation('studio-g1', 'scanning')$$);
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_mma_status = 'queued' WHERE mg_id = 'generation:studio-g1'$$);
-- one row that may not move takes the whole statement back
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES
    ('generation:studio-m1', 'pass:test:studio-a', 'queued'), ('generation:studio-m2', 'pass:test:studio-a', 'done');
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_mma_status = 'postscan' WHERE mg_id IN ('generation:studio-m1', 'generation:studio-m2')$$);
SELECT mg_id, mg_mma_status FROM mega_generations WHERE mg_id IN ('generation:studio-m1', 'generation:studio-m2') ORDER BY mg_id;

--
-- vars: a merge patch. First the cases of RFC 7396, appendix A, one member down, so that values of every type are targets.
--
CREATE TEMP TABLE appendix AS SELECT * FROM (VALUES
    (1, '{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    (2, '{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    (3, '{"a":"b"}', '{"a":null}', '{}'),
    (4, '{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    (5, '{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    (6, '{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    (7, '{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    (8, '{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    (9, '["a","b"]', '["c","d"]', '["c","d"]'),
    (10, '{"a":"b"}', '["c"]', '["c"]'),
    (11, '{"a":"foo"}', 'null', NULL),
    (12, '{"a":"foo"}', '"bar"', '"bar"'),
    (13, '{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    (14, '[1,2]', '{"a":"b","c":null}', '{"a":"b"}'),
    (15, '{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')
) v(n, original, patch, result);
SELECT count(*) FROM appendix, mega_create_generation('pass:test:studio-a', 'studio-rfc-' || n, vars => jsonb_build_object('x', original::jsonb, 'y', 1));
SELECT count(*) FROM appendix, mega_update_generation('studio-rfc-' || n, vars => jsonb_build_object('x', patch::jsonb));
SELECT n, original, patch, pg_temp.vars_of('studio-rfc-' || n) AS vars,
    pg_temp.vars_of('studio-rfc-' || n) = CASE WHEN result IS NULL THEN '{"y":1}' ELSE jsonb_build_object('x', result::jsonb, 'y', 1) END AS as_the_rfc_says
FROM appendix ORDER BY n;
-- and at the top, where document and patch are objects
SELECT count(*) FROM appendix, mega_create_generation('pass:test:studio-a', 'studio-top-' || n, vars => original::jsonb) WHERE original LIKE '{%' AND patch LIKE '{%';
SELECT count(*) FROM appendix, mega_update_generation('studio-top-' || n, vars => patch::jsonb) WHERE original LIKE '{%' AND patch LIKE '{%';
SELECT count(*), bool_and(pg_temp.vars_of('studio-top-' || n) = result::jsonb) AS as_the_rfc_says FROM appendix WHERE original LIKE '{%' AND patch LIKE '{%';
-- patch by patch
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-v', vars => '{"scans": {"product": "amber"}, "n": 1.50, "list": [1, null]}');
SELECT mg_mma_status FROM mega_update_generation('studio-v', 'scanning', '{"scans": {"logo": "serif"}, "userMessages": {"scan_lines": ["looking"]}}');
SELECT mg_mma_status FROM mega_update_generation('studio-v', vars => '{"scans": {"product": null}, "list": [null, {"a": null}], "n": 12345678901234567890.123}');
SELECT pg_temp.vars_of('studio-v');
SELECT pg_temp.print_of('studio-v') AS before \gset
-- nothing to do: nothing written, not even mg_updated_at
SELECT * FROM mega_update_generation('studio-v');
SELECT * FROM mega_update_generation('studio-v', vars => '{}', fields => NULL);
SELECT :'before' = pg_temp.print_of('studio-v') AS unchanged;
SELECT what, pg_temp.outcome('SELECT * FROM mega_update_generation(' || arguments || ')') FROM (VALUES
    ('vars: a list', $$'studio-v', vars => '[1]'$$),
    ('vars: a text', $$'studio-v', vars => '"a"'$$),
    ('vars: null', $$'studio-v', vars => 'null'$$),
    ('vars: a signed URL', $$'studio-v', vars => '{"out": {"url": "https://x.supabase.co/storage/v1/object/sign/a.png?token=eyJ"}}'$$),
    ('vars: a signed URL in a sentence', $$'studio-v', vars => '{"line": "see https://storage.googleapis.com/b/o.png?X-Goog-Signature=aa for it"}'$$),
    ('vars: a delivery host', $$'studio-v', vars => '{"l": ["https://replicate.delivery/pbxt/out.png"]}'$$),
    ('vars: a URL that stays', $$'studio-v', vars => '{"url": "https://assets.example.com/a.png?v=2"}'$$)
) v(what, arguments);
SELECT pg_temp.vars_of('studio-v') -> 'url' AS url, pg_temp.vars_of('studio-v') ? 'out' AS has_out;
-- raw SQL writes the whole column, under the same rule of URLs
SELECT what, pg_temp.outcome(format('UPDATE mega_generations SET mg_mma_vars = %L WHERE mg_id = ''generation:studio-v''', vars)) FROM (VALUES
    ('a list', '[]'), ('a text', '"a"'), ('a signed URL', '{"u": "https://a.blob.core.windows.net/c/b?sv=2021&se=2030-01-01&sig=abc"}'), ('an object', '{"raw": true}')
) v(what, vars);
UPDATE mega_generations SET mg_mma_vars = NULL WHERE mg_id = 'generation:studio-v';
SELECT pg_temp.vars_of('studio-v');
-- deep and wide
SELECT mg_id FROM mega_update_generation('studio-v', vars => (repeat('{"d":', 500) || '1' || repeat('}', 500))::jsonb);
SELECT mg_id FROM mega_update_generation('studio-v', vars => (SELECT jsonb_object_agg('k' || n, n) FROM generate_series(1, 5000) n));
SELECT (SELECT count(*) FROM jsonb_object_keys(pg_temp.vars_of('studio-v'))) AS keys, pg_temp.vars_of('studio-v') #>> array_fill('d'::text, '{500}') AS deep;

--
-- fields: the columns that may change, with their prefix or without it.
--
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-f', 'still', vars => '{"kept": 1}');
SELECT mg_id FROM mega_update_generation('studio-f', fields => '{"type": "image", "mg_provider": "seedream", "model": "m", "prompt": "p", "output_url": "https://assets.example.com/f.png",
    "output_key": "f.png", "latency_ms": 1200, "input_chars": 1, "output_chars": 2, "input_tokens": 3, "output_tokens": 4, "content_type": "image", "title": "t", "platform": "web",
    "client_version": "1", "os": "o", "browser": "b", "device": "d", "status": "pending", "error": "e", "meta": {"m": 1}, "payload": {"raw": [1]}, "mma_mode": "still"}');
SELECT mg_type, mg_provider, mg_model, mg_prompt, mg_output_url, mg_output_key, mg_latency_ms, mg_input_chars, mg_output_chars, mg_input_tokens, mg_output_tokens, mg_content_type, mg_title,
    mg_platform, mg_client_version, mg_os, mg_browser, mg_device, mg_status, mg_error, mg_meta, mg_payload, mg_mma_mode, mg_mma_status, mg_mma_vars
FROM mega_generations WHERE mg_id = 'generation:studio-f' \gx
SELECT mg_id FROM mega_update_generation('studio-f', fields => '{"type": null, "latency_ms": null, "meta": null, "payload": [1, 2], "error": null}');
SELECT mg_type, mg_latency_ms, mg_meta, mg_payload, mg_error, mg_provider FROM mega_generations WHERE mg_id = 'generation:studio-f';
SELECT pg_temp.print_of('studio-f') AS before \gset
SELECT what, pg_temp.outcome('SELECT * FROM mega_update_generation(' || arguments || ')') FROM (VALUES
    ('a list', $$'studio-f', fields => '[]'$$),
    ('unknown key', $$'studio-f', fields => '{"colour": "red"}'$$),
    ('status has its own argument', $$'studio-f', fields => '{"mma_status": "done"}'$$),
    ('vars have their own argument', $$'studio-f', fields => '{"mg_mma_vars": {}}'$$),
    ('a fact: pass id', $$'studio-f', fields => '{"pass_id": "pass:test:studio-b"}'$$),
    ('a fact: created_at', $$'studio-f', fields => '{"created_at": "2020-01-01"}'$$),
    ('a fact: delta', $$'studio-f', fields => '{"delta": 5}'$$),
    ('an id', $$'studio-f', fields => '{"id": "generation:x"}'$$),
    ('number for a text', $$'studio-f', fields => '{"model": 4}'$$),
    ('text for a number', $$'studio-f', fields => '{"latency_ms": "12"}'$$),
    ('fraction', $$'studio-f', fields => '{"latency_ms": 1.5}'$$),
    ('too large', $$'studio-f', fields => '{"latency_ms": 2147483648}'$$),
    ('meta: a list', $$'studio-f', fields => '{"meta": []}'$$),
    ('payload: a text', $$'studio-f', fields => '{"payload": "x"}'$$),
    ('output_url: expires', $$'studio-f', fields => '{"output_url": "https://d.cloudfront.net/o.png?Expires=1&Signature=a&Key-Pair-Id=b"}'$$),
    ('output_url: blank', $$'studio-f', fields => '{"output_url": ""}'$$),
    ('mode: another word', $$'studio-f', fields => '{"mma_mode": "audio"}'$$),
    ('mode: set before', $$'studio-f', fields => '{"mma_mode": "video"}'$$),
    ('mode: removed', $$'studio-f', fields => '{"mma_mode": null}'$$),
    ('one good, one bad', $$'studio-f', fields => '{"model": "good", "latency_ms": "bad"}'$$),
    ('no generation', $$'studio-none', 'scanning'$$),
    ('NULL generation', $$NULL, 'scanning'$$),
    ('blank generation', $$'', 'scanning'$$),
    ('another customer''s', $$'studio-f', 'scanning', pass_id => 'pass:test:studio-b'$$)
) v(what, arguments);
SELECT :'before' = pg_temp.print_of('studio-f') AS unchanged;
SELECT mg_id, mg_mma_status FROM mega_update_generation('generation:studio-f', 'postscan', pass_id => 'pass:test:studio-a');
-- the mode, when it was left open
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-mode');
SELECT mg_id FROM mega_update_generation('studio-mode', fields => '{"mma_mode": "video"}');
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_mma_mode = 'still' WHERE mg_id = 'generation:studio-mode'$$);
-- a provider's raw answer may carry signed URLs: their secret part is cut out
SELECT mg_id FROM mega_update_generation('studio-mode', fields => '{"payload": {"output": ["https://b.s3.amazonaws.com/k.png?X-Amz-Date=1&X-Amz-Signature=secret"]}}');
SELECT mg_payload FROM mega_generations WHERE mg_id = 'generation:studio-mode';
-- facts of a generation (I5), its customer (I11)
SELECT assignment, split_part(pg_temp.outcome(format('UPDATE mega_generations SET %s WHERE mg_id = ''generation:studio-mode''', assignment)), ' | ', 1)
FROM unnest(ARRAY[$$mg_pass_id = 'pass:test:studio-b'$$, $$mg_generation_id = 'x'$$, $$mg_parent_id = 'generation:studio-g1'$$, $$mg_session_id = 's'$$, $$mg_created_at = now()$$,
    $$mg_delta = 1$$, $$mg_comment = 'c'$$, $$mg_record_type = 'session'$$, $$mg_id = 'generation:studio-other'$$, $$mg_deleted_at = '2026-01-01'$$]) assignment;

--
-- Completing
--
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-c', 'still', vars => '{"outputs": {}, "a": 1}');
SELECT * FROM mega_complete_generation('studio-c', 'https://assets.example.com/c.png', 'c.png', 'the final prompt', 4200, '{"outputs": {"url": "https://assets.example.com/c.png"}}', '{"output_tokens": 7}');
SELECT mg_mma_status, mg_status, mg_output_url, mg_output_key, mg_prompt, mg_latency_ms, mg_mma_vars, mg_output_tokens, mg_error, mg_updated_at > mg_created_at AS later
FROM mega_generations WHERE mg_id = 'generation:studio-c' \gx
SELECT pg_temp.print_of('studio-c') AS before \gset
-- again: no change, whatever else is said
SELECT * FROM mega_complete_generation('studio-c', 'https://assets.example.com/c.png', 'other-key', 'other', 1, '{"b": 2}', '{"output_tokens": 8}');
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-c', 'https://assets.example.com/other.png')$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_fail_generation('studio-c', 'too late')$$);
SELECT :'before' = pg_temp.print_of('studio-c') AS unchanged;
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-d');
SELECT pg_temp.print_of('studio-d') AS before \gset
SELECT what, pg_temp.outcome('SELECT * FROM mega_complete_generation(' || arguments || ')') FROM (VALUES
    ('no generation', $$'studio-none', 'https://assets.example.com/d.png'$$),
    ('NULL generation', $$NULL, 'https://assets.example.com/d.png'$$),
    ('NULL URL', $$'studio-d', NULL$$),
    ('blank URL', $$'studio-d', ''$$),
    ('no URL', $$'studio-d', 'd.png'$$),
    ('another scheme', $$'studio-d', 'data:image/png;base64,AAAA'$$),
    ('credentials', $$'studio-d', 'https://u:p@assets.example.com/d.png'$$),
    ('S3 v4', $$'studio-d', 'https://b.s3.eu-west-1.amazonaws.com/d.png?x-amz-signature=00'$$),
    ('delivery host', $$'studio-d', 'https://replicate.delivery/pbxt/d.png'$$),
    ('vars: expiring URL', $$'studio-d', 'https://assets.example.com/d.png', vars => '{"o": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}'$$),
    ('vars: a list', $$'studio-d', 'https://assets.example.com/d.png', vars => '[]'$$),
    ('fields: unknown', $$'studio-d', 'https://assets.example.com/d.png', fields => '{"x": 1}'$$),
    ('fields: another URL', $$'studio-d', 'https://assets.example.com/d.png', fields => '{"output_url": "https://assets.example.com/e.png"}'$$),
    ('fields: another status', $$'studio-d', 'https://assets.example.com/d.png', fields => '{"mg_status": "failed"}'$$),
    ('fields: an error', $$'studio-d', 'https://assets.example.com/d.png', fields => '{"error": "e"}'$$),
    ('another customer''s', $$'studio-d', 'https://assets.example.com/d.png', pass_id => 'pass:test:studio-b'$$),
    ('no hold', $$'studio-d', 'https://assets.example.com/d.png', hold_id => 'studio-nohold'$$),
    ('blank hold', $$'studio-d', 'https://assets.example.com/d.png', hold_id => ''$$)
) v(what, arguments);
SELECT :'before' = pg_temp.print_of('studio-d') AS unchanged;
-- the setting of allowed hosts
SET mega.asset_hosts = 'cdn.example.org, *.example.net';
SELECT url, pg_temp.outcome(format('SELECT mega_update_generation(''studio-d'', fields => %L)', jsonb_build_object('output_url', url)))
FROM unnest('{https://assets.example.com/d.png,https://cdn.example.org/d.png,https://a.example.net/d.png}'::text[]) url;
RESET mega.asset_hosts;

--
-- Failing; a result that comes late.
--
SELECT * FROM mega_fail_generation('studio-d', 'the provider timed out');
SELECT mg_mma_status, mg_status, mg_error FROM mega_generations WHERE mg_id = 'generation:studio-d';
SELECT pg_temp.print_of('studio-d') AS before \gset
SELECT * FROM mega_fail_generation('studio-d', 'another story', pass_id => 'pass:test:studio-a');
SELECT :'before' = pg_temp.print_of('studio-d') AS unchanged;
SELECT what, pg_temp.outcome('SELECT * FROM mega_fail_generation(' || arguments || ')') FROM (VALUES
    ('no generation', $$'studio-none', 'e'$$), ('NULL error', $$'studio-d', NULL$$), ('another customer''s', $$'studio-d', 'e', pass_id => 'pass:test:studio-b'$$)
) v(what, arguments);
-- an error may be a long text of several lines
SELECT created FROM mega_create_generation('pass:test:studio-a', 'studio-e');
SELECT mg_mma_status FROM mega_fail_generation('studio-e', E'Traceback\n  line 1\n' || repeat('x', 2000));
SELECT length(mg_error) FROM mega_generations WHERE mg_id = 'generation:studio-e';
SELECT * FROM mega_complete_generation('studio-e', 'https://assets.example.com/e.png');
SELECT mg_mma_status, mg_status, mg_error, mg_output_url FROM mega_generations WHERE mg_id = 'generation:studio-e';

--
-- The hold that paid for it: captured with the result, released with the failure, in the same transaction.
--
SELECT mg_credits FROM mega_record_credit('pass:test:studio-holds', 10, 'grant', txn_id => 'studio-grant');
CREATE FUNCTION pg_temp.books(generation text, hold text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', g.mg_mma_status, g.mg_status, '| hold', coalesce(h.mg_status, 'none'), '| credits', c.mg_credits, '| rows',
        (SELECT string_agg(split_part(mg_id, ':', 2) || ' ' || mg_delta, ', ' ORDER BY mg_created_at, mg_id) FROM mega_generations WHERE mg_ref_type = 'hold' AND mg_ref_id = hold))
    FROM mega_generations g JOIN mega_customers c USING (mg_pass_id) LEFT JOIN mega_generations h ON h.mg_id = 'credit_transaction:hold:' || hold
    WHERE g.mg_id = 'generation:' || generation
$$;
CREATE FUNCTION pg_temp.order_image(name text, amount integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mega_hold_credit('pass:test:studio-holds', amount, name);
    PERFORM mega_create_generation('pass:test:studio-holds', name);
    RETURN pg_temp.books(name, name);
END
$$;
SELECT pg_temp.order_image('studio-h1', 4);
SELECT * FROM mega_complete_generation('studio-h1', 'https://assets.example.com/h1.png', hold_id => 'studio-h1');
SELECT pg_temp.books('studio-h1', 'studio-h1');
-- again; and a failure that comes after it changes nothing
SELECT * FROM mega_complete_generation('studio-h1', 'https://assets.example.com/h1.png', hold_id => 'studio-h1');
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-h1', 'https://assets.example.com/other.png', hold_id => 'studio-h1')$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_fail_generation('studio-h1', 'late', hold_id => 'studio-h1')$$);
SELECT pg_temp.books('studio-h1', 'studio-h1');
-- failed: released; again; then the result comes after all: drawn again
SELECT pg_temp.order_image('studio-h2', 5);
SELECT * FROM mega_fail_generation('studio-h2', 'timeout', 'studio-h2');
SELECT pg_temp.books('studio-h2', 'studio-h2');
SELECT * FROM mega_fail_generation('studio-h2', 'timeout', 'studio-h2');
SELECT pg_temp.books('studio-h2', 'studio-h2');
SELECT * FROM mega_complete_generation('studio-h2', 'https://assets.example.com/h2.png', hold_id => 'studio-h2');
SELECT pg_temp.books('studio-h2', 'studio-h2');
SELECT * FROM mega_complete_generation('studio-h2', 'https://assets.example.com/h2.png', hold_id => 'studio-h2');
SELECT pg_temp.books('studio-h2', 'studio-h2');
-- released, and the credits are spent meanwhile: MG001, and the generation stays as it was
SELECT pg_temp.order_image('studio-h3', 1);
SELECT mg_mma_status FROM mega_fail_generation('studio-h3', 'timeout', 'studio-h3');
SELECT mg_credits FROM mega_record_credit('pass:test:studio-holds', -1, 'spend', txn_id => 'studio-spend');
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-h3', 'https://assets.example.com/h3.png', hold_id => 'studio-h3')$$);
SELECT pg_temp.books('studio-h3', 'studio-h3');
SELECT * FROM mega_complete_generation('studio-h3', 'https://assets.example.com/h3.png'); -- without the hold: given away
SELECT pg_temp.books('studio-h3', 'studio-h3');
-- what is refused settles nothing
SELECT mg_credits FROM mega_record_credit('pass:test:studio-holds', 5, 'grant', txn_id => 'studio-grant-2');
SELECT pg_temp.order_image('studio-h4', 2);
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('no generation', $$SELECT * FROM mega_complete_generation('studio-none', 'https://assets.example.com/h4.png', hold_id => 'studio-h4')$$),
    ('no generation', $$SELECT * FROM mega_fail_generation('studio-none', 'e', 'studio-h4')$$),
    ('another customer''s generation', $$SELECT * FROM mega_complete_generation('studio-g1', 'https://assets.example.com/h4.png', hold_id => 'studio-h4')$$),
    ('another customer''s generation', $$SELECT * FROM mega_fail_generation('studio-g1', 'e', 'studio-h4')$$),
    ('expiring URL', $$SELECT * FROM mega_complete_generation('studio-h4', 'https://replicate.delivery/h4.png', hold_id => 'studio-h4')$$),
    ('bad vars', $$SELECT * FROM mega_complete_generation('studio-h4', 'https://assets.example.com/h4.png', vars => '[]', hold_id => 'studio-h4')$$),
    ('pass id of another', $$SELECT * FROM mega_complete_generation('studio-h4', 'https://assets.example.com/h4.png', hold_id => 'studio-h4', pass_id => 'pass:test:studio-a')$$),
    ('no hold', $$SELECT * FROM mega_fail_generation('studio-h4', 'e', 'studio-nohold')$$),
    ('blank hold', $$SELECT * FROM mega_fail_generation('studio-h4', 'e', ' ')$$)
) v(what, statement);
SELECT pg_temp.books('studio-h4', 'studio-h4');
-- captured by hand for less: completing later with the hold leaves that as it is
SELECT * FROM mega_capture_credit('studio-h4', 1);
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-h4', 'https://assets.example.com/h4.png', hold_id => 'studio-h4')$$);
SELECT pg_temp.books('studio-h4', 'studio-h4');
-- failing after the capture: the generation fails, the credits stay taken
SELECT pg_temp.order_image('studio-h5', 1);
SELECT outcome FROM mega_capture_credit('studio-h5');
SELECT * FROM mega_fail_generation('studio-h5', 'broken output', 'studio-h5');
SELECT pg_temp.books('studio-h5', 'studio-h5');
-- another customer's hold is refused before anything of it is settled or told, released as it may be
SELECT count(*) FROM mega_ensure_customer('pass:test:studio-other'), mega_record_credit('pass:test:studio-other', 3, 'grant');
SELECT mg_credits FROM mega_hold_credit('pass:test:studio-other', 3, 'studio-theirs');
SELECT outcome FROM mega_release_credit('studio-theirs');
SELECT mg_credits FROM mega_record_credit('pass:test:studio-other', -2, 'spend');
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-h5', 'https://assets.example.com/n.png', hold_id => 'studio-theirs')$$);
-- nor whose the caller says that both are
SELECT count(*) FROM mega_create_generation('pass:test:studio-other', 'studio-theirs');
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-theirs', 'https://assets.example.com/n.png', hold_id => 'studio-theirs', pass_id => 'pass:test:studio-a')$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-none', 'https://assets.example.com/n.png', hold_id => 'studio-theirs')$$);
SELECT count(*) FROM mega_disable_customer('pass:test:studio-other');
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-theirs', 'https://assets.example.com/n.png', hold_id => 'studio-theirs', pass_id => 'pass:test:studio-a')$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-h5', 'https://assets.example.com/n.png', hold_id => 'studio-theirs')$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_fail_generation('studio-h5', 'e', 'studio-theirs')$$);
-- an id with its prefix twice means the same with a hold and without
SELECT count(*) FROM mega_create_generation('pass:test:studio-holds', 'studio-twice'), mega_hold_credit('pass:test:studio-holds', 1, 'studio-twice');
SELECT mg_id, mg_mma_status FROM mega_complete_generation('generation:generation:studio-twice', 'https://assets.example.com/t.png', hold_id => 'studio-twice');
SELECT mg_id, mg_mma_status FROM mega_complete_generation('generation:generation:studio-twice', 'https://assets.example.com/t.png');
-- a generation that is nobody's cannot be paid by anyone
INSERT INTO mega_generations (mg_id) VALUES ('generation:studio-nobody');
SELECT mg_mma_status FROM mega_update_generation('studio-nobody', 'scanning');
SELECT pg_temp.outcome($$SELECT * FROM mega_complete_generation('studio-nobody', 'https://assets.example.com/n.png', hold_id => 'studio-h5')$$);
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:studio-%';
SELECT * FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:studio-%';
