-- The studio's rows once per id: whether one is there already is looked for before anything that is given is refused, and
-- a step that is there says the same in its type, input, output and error.
-- Customers of this file: pass:test:again-*
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS mega;
\set VERBOSITY sqlstate
\pset null NULL
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.answered(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    detail text;
    answer text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || said, nullif(detail, ''));
END
$$;
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:again-a'), ('pass:test:again-b');

--
-- The same id again, with what would be refused of a new row: what is there answers. The second call is of an id that is
-- new, the third another customer's.
--
SELECT created FROM mega_start_session('pass:test:again-a', 'again-s');
SELECT created FROM mega_create_generation('pass:test:again-a', 'again-g', 'still');
SELECT created FROM mega_record_feedback('pass:test:again-a', 'again-f', 'again-g');
SELECT created FROM mega_tweak_generation('again-g', 'again-t', '{"say": "warmer"}', 'again-te');
SELECT replayed FROM mega_record_mma_event('pass:test:again-a', 'like', '{"tag": "t"}', 'again-g', 'again-e');
SELECT what, pg_temp.answered(format(call, 'pass:test:again-a', id)) AS again, pg_temp.answered(format(call, 'pass:test:again-a', id || '-new')) AS new, pg_temp.answered(format(call, 'pass:test:again-b', id)) AS others
FROM (VALUES
    ('session, client', 'again-s', $$SELECT created FROM mega_start_session(%L, %L, client => '{"wheels": 4}')$$),
    ('session, meta', 'again-s', $$SELECT created FROM mega_start_session(%L, %L, meta => '[]')$$),
    ('generation, mode', 'again-g', $$SELECT created FROM mega_create_generation(%L, %L, 'audio')$$),
    ('generation, vars', 'again-g', $$SELECT created FROM mega_create_generation(%L, %L, vars => '{"u": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}')$$),
    ('generation, parent', 'again-g', $$SELECT created FROM mega_create_generation(%L, %L, parent_generation_id => 'again-nobody')$$),
    ('feedback, generation', 'again-f', $$SELECT created FROM mega_record_feedback(%L, %L, 'again-nobody')$$),
    ('feedback, url', 'again-f', $$SELECT created FROM mega_record_feedback(%L, %L, image_url => 'ftp://a.example/x')$$),
    ('tweak, mode', 'again-t', $$SELECT created FROM mega_tweak_generation('again-g', pass_id => %L, generation_id => %L, mma_mode => 'audio')$$),
    ('tweak, payload', 'again-t', $$SELECT created FROM mega_tweak_generation('again-g', pass_id => %L, generation_id => %L, payload => '{"u": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}')$$)) v(what, id, call);
-- an event has to say the same; only when and which words there are is asked of new ones
SELECT what, pg_temp.answered(format(call, 'again-e')) AS again, pg_temp.answered(format(call, 'again-e-new')) AS new
FROM (VALUES
    ('time', $$SELECT replayed FROM mega_record_mma_event('pass:test:again-a', 'like', '{"tag": "t"}', 'again-g', %L, now() + interval '1 year')$$),
    ('time, of many', $$SELECT mega_record_mma_events(jsonb_build_array(jsonb_build_object('pass_id', 'pass:test:again-a', 'event_type', 'like', 'payload', '{"tag": "t"}'::jsonb, 'generation_id', 'again-g', 'event_id', %L, 'created_at', now() + interval '1 year')))$$),
    ('type', $$SELECT replayed FROM mega_record_mma_event('pass:test:again-a', 'love', '{"tag": "t"}', 'again-g', %L)$$)) v(what, call);
SET mega.extra_event_types = 'view, share';
SELECT replayed FROM mega_record_mma_event('pass:test:again-a', 'view', '{}', NULL, 'again-v');
RESET mega.extra_event_types;
SELECT replayed FROM mega_record_mma_event('pass:test:again-a', 'view', '{}', NULL, 'again-v');

--
-- Steps.
--
SELECT mg_step_no FROM mega_append_mma_step('again-g', 'scan', '{"a": 1}', '{"b": 2}', '{"code": 502, "url": "https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret"}', at_step => 0);
SELECT mg_step_no FROM mega_append_mma_step('again-g', 'scan', at_step => 1);
SELECT what, pg_temp.answered('SELECT replayed FROM mega_append_mma_step(' || arguments || ')') AS one
FROM (VALUES
    ('the same', $$'again-g', 'scan', '{"a": 1}', '{"b": 2}', '{"code": 502, "url": "https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret"}', at_step => 0$$),
    ('another error', $$'again-g', 'scan', '{"a": 1}', '{"b": 2}', '{"code": 503}', at_step => 0$$),
    ('no error', $$'again-g', 'scan', '{"a": 1}', '{"b": 2}', at_step => 0$$),
    ('an error where there was none', $$'again-g', 'scan', error => '"timeout"', at_step => 1$$),
    ('null is none', $$'again-g', 'scan', error => 'null', at_step => 1$$),
    ('input and output', $$'again-g', 'scan', '{"a": 2}', '{"b": 3}', '{"code": 502, "url": "https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret"}', at_step => 0$$),
    ('type', $$'again-g', 'read', at_step => 1$$),
    ('ends before it starts', $$'again-g', 'scan', at_step => 1, started_at => '2026-01-02', ended_at => '2026-01-01'$$),
    ('ends before it starts, new', $$'again-g', 'scan', at_step => 2, started_at => '2026-01-02', ended_at => '2026-01-01'$$),
    ('done', $$'again-g', 'scan', at_step => 1, mma_status => 'done'$$),
    ('done, new', $$'again-g', 'scan', at_step => 2, mma_status => 'done'$$),
    ('below zero', $$'again-g', 'scan', at_step => -1$$)) v(what, arguments);
SELECT what, pg_temp.answered(format('SELECT mega_append_mma_steps(''again-g'', %L)', steps)) AS many
FROM (VALUES
    ('the same', '[{"step_type": "scan", "at_step": 1}]'),
    ('another error', '[{"step_type": "scan", "at_step": 1}, {"step_type": "scan", "at_step": 1, "error": "timeout"}]'),
    ('done', '[{"step_type": "scan", "at_step": 1, "mma_status": "done"}]'),
    ('done, new', '[{"step_type": "scan", "at_step": 2, "mma_status": "done"}]'),
    ('new', '[{"step_type": "scan", "at_step": 2, "error": "timeout"}, {"step_type": "scan"}, {"step_type": "scan", "at_step": 2, "error": "timeout"}]')) v(what, steps);
SELECT mg_step_no, mg_error FROM mega_generation_steps('again-g') JOIN mega_generations USING (mg_step_no) WHERE mg_id = 'mma_step:again-g:' || mg_step_no ORDER BY 1;

--
-- Hints name the words that settings add.
--
SET mega.extra_event_types = 'view, share';
SET mega.extra_mma_statuses = 'suggested';
SET mega.extra_mma_modes = 'fingertips';
\set VERBOSITY default
SELECT mega_record_mma_event('pass:test:again-a', 'love');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:again-x', 'pass:test:again-a', '{"event_type": "love"}');
SELECT mega_create_generation('pass:test:again-a', 'again-x', 'audio');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_mode) VALUES ('generation:again-x', 'pass:test:again-a', 'audio');
SELECT mega_update_generation('again-g', 'ready');
UPDATE mega_generations SET mg_mma_status = 'ready' WHERE mg_id = 'generation:again-g';
\set VERBOSITY sqlstate
SELECT created FROM mega_create_generation('pass:test:again-a', 'again-mode', 'fingertips');
SELECT mg_mma_status FROM mega_update_generation('again-mode', 'suggested');
SELECT created FROM mega_tweak_generation('again-mode', 'again-mode-1');
SELECT mg_step_no FROM mega_append_mma_step('again-mode', 'scan');
RESET mega.extra_event_types;
RESET mega.extra_mma_statuses;
RESET mega.extra_mma_modes;
-- Words of settings that are gone: what has them goes on, what is new has others.
SELECT mg_step_no FROM mega_append_mma_step('again-mode', 'read', mma_status => 'scanning');
SELECT * FROM mega_append_mma_steps('again-mode', '[{"step_type": "draw"}, {"step_type": "look", "mma_status": "postscan"}]');
SELECT mg_step_no, mg_step_type, mg_mma_mode FROM mega_generations WHERE mg_generation_id = 'again-mode' AND mg_record_type = 'mma_step' ORDER BY 1;
SELECT mega_append_scan_line('again-mode', 'nearly there') AS lines, pg_temp.answered($$SELECT mega_tweak_generation('again-mode', 'again-mode-2')$$) AS inherited;
SELECT pg_temp.answered($$SELECT mega_tweak_generation('again-mode', 'again-mode-2', mma_mode => 'fingertips')$$) AS given;
SELECT pg_temp.answered($$SELECT mega_tweak_generation('again-mode', 'again-mode-1')$$) AS a_replay, created FROM mega_tweak_generation('again-mode', 'again-mode-2', mma_mode => 'video');
SELECT mg_mma_status FROM mega_complete_generation('again-mode', 'https://cdn.example.com/m.png');
SELECT mg_mma_mode, mg_mma_status, mg_status FROM mega_generation('again-mode');
SELECT * FROM mega_reconcile_preferences('pass:test:again-a');
