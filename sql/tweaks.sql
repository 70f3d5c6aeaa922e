-- mega_tweak_generation, mega_append_scan_line, mega_record_feedback, mega_append_mma_steps, mega_record_mma_events;
-- mega_generation and mega_delete_generation.
-- Customers of this file: pass:test:tweaks-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SET datestyle = 'ISO';
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:tweaks-' || n FROM unnest('{a,b,c}'::text[]) n;
SELECT created FROM mega_create_generation('pass:test:tweaks-a', 'tweaks-1', 'still', 'image', 'tweaks-s', vars => '{"a": 1}');
SELECT created FROM mega_create_generation('pass:test:tweaks-b', 'tweaks-other');
INSERT INTO mega_generations (mg_id, mg_mma_status) VALUES ('generation:tweaks-nobody', 'queued');

--
-- A tweak: the event and the child in one call
--
SELECT * FROM mega_tweak_generation('tweaks-1', 'tweaks-2', '{"text": "warmer"}', 'tweaks-e1', provider => 'seedream', model => 'm', prompt => 'a warmer bottle', vars => '{"b": 2}', meta => '{"k": 1}');
SELECT mg_id, mg_pass_id, mg_parent_id, mg_mma_mode, mg_type, mg_session_id, mg_provider, mg_model, mg_prompt, mg_mma_vars, mg_meta, mg_mma_status, mg_status FROM mega_generations WHERE mg_id = 'generation:tweaks-2' \gx
SELECT mg_id, mg_pass_id, mg_generation_id, mg_meta FROM mega_generations WHERE mg_id = 'mma_event:tweaks-e1' \gx
-- again: nothing more, by the generation's id, by the event's, by both
CREATE FUNCTION pg_temp.rows() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM mega_generations WHERE mg_pass_id LIKE 'pass:test:tweaks-%'$$;
SELECT pg_temp.rows() AS before \gset
SELECT * FROM mega_tweak_generation('tweaks-1', 'tweaks-2', '{"text": "warmer"}', 'tweaks-e1');
SELECT * FROM mega_tweak_generation('tweaks-1', 'generation:tweaks-2', '{"text": "warmer"}');
SELECT * FROM mega_tweak_generation('generation:tweaks-1', payload => '{"text": "warmer"}', event_id => 'mma_event:tweaks-e1');
SELECT pg_temp.rows() - :before AS more;
-- what the parent has is the child's, unless the caller says otherwise; of a child, too
SELECT created FROM mega_tweak_generation('tweaks-2', 'tweaks-3', mma_mode => 'video', type => 'motion', session_id => 'tweaks-s2', pass_id => 'pass:test:tweaks-a');
SELECT mg_parent_id, mg_mma_mode, mg_type, mg_session_id FROM mega_generations WHERE mg_id = 'generation:tweaks-3';
SELECT mg_id ~ '^generation:[0-9a-f-]{36}$' AS fresh, mg_generation_id = substr(mg_id, 12) AS agree, created FROM mega_tweak_generation('tweaks-3');
SELECT what, pg_temp.outcome('SELECT mega_tweak_generation(' || arguments || ')') FROM (VALUES
    ('no parent', $$'tweaks-none'$$), ('NULL parent', 'NULL'), ('blank parent', $$'generation:'$$), ('nobody''s', $$'tweaks-nobody'$$),
    ('another customer''s', $$'tweaks-1', pass_id => 'pass:test:tweaks-b'$$),
    ('id of another generation', $$'tweaks-1', 'tweaks-3'$$), ('id of another customer', $$'tweaks-1', 'tweaks-other'$$), ('its own child', $$'tweaks-1', 'tweaks-1'$$),
    ('event with other content', $$'tweaks-1', 'tweaks-9', '{"text": "colder"}', 'tweaks-e1'$$), ('event with another child', $$'tweaks-1', 'tweaks-9', '{"text": "warmer"}', 'tweaks-e1'$$),
    ('event of another parent', $$'tweaks-2', payload => '{"text": "warmer"}', event_id => 'tweaks-e1'$$),
    ('mode', $$'tweaks-1', mma_mode => 'audio'$$), ('payload', $$'tweaks-1', payload => '[]'$$), ('an expiring URL', $$'tweaks-1', vars => '{"u": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}'$$),
    ('an expiring URL in the payload', $$'tweaks-1', payload => '{"u": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}'$$)
) v(what, arguments);
-- an event that is no tweak of these functions
SELECT replayed FROM mega_record_mma_event('pass:test:tweaks-a', 'tweak', '{}', 'tweaks-1', 'tweaks-e2');
SELECT pg_temp.outcome($$SELECT mega_tweak_generation('tweaks-1', 'tweaks-9', event_id => 'tweaks-e2')$$);

--
-- Scan lines
--
SELECT * FROM mega_append_scan_line('tweaks-1', 'looking at your product');
SELECT lines FROM mega_append_scan_line('tweaks-1', 'writing the prompt', 'pass:test:tweaks-a') lines;
SELECT mg_mma_vars FROM mega_generations WHERE mg_id = 'generation:tweaks-1';
SELECT mg_mma_status FROM mega_update_generation('tweaks-1', vars => '{"userMessages": {"final": "here it is"}}');
SELECT mega_append_scan_line('generation:tweaks-1', 'done');
SELECT mg_mma_vars FROM mega_generations WHERE mg_id = 'generation:tweaks-1';
SELECT count(*) FROM mega_update_generation('tweaks-2', vars => '{"userMessages": null}'), mega_update_generation('tweaks-3', vars => '{"userMessages": {"scan_lines": "one"}}') three;
SELECT mega_append_scan_line('tweaks-2', 'first');
SELECT what, pg_temp.outcome('SELECT mega_append_scan_line(' || arguments || ')') FROM (VALUES
    ('no generation', $$'tweaks-none', 'a'$$), ('NULL', $$NULL, 'a'$$), ('no line', $$'tweaks-1', NULL$$), ('blank', $$'tweaks-1', ' '$$), ('another customer''s', $$'tweaks-1', 'a', 'pass:test:tweaks-b'$$),
    ('no list', $$'tweaks-3', 'a'$$), ('an expiring URL', $$'tweaks-1', 'see https://b.s3.amazonaws.com/k?X-Amz-Signature=0'$$)
) v(what, arguments);
LISTEN mega_generation;
SET mega.notify = on;
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT mega_append_scan_line('tweaks-2', 'second');
\o
RESET mega.notify;
UNLISTEN *;

--
-- Feedback
--
SELECT * FROM mega_record_feedback('pass:test:tweaks-a', 'tweaks-f1', 'tweaks-1', 'tweaks-s', 'image', 'too dark', 'https://assets.example.com/f.png', NULL, 'brighter', '{"stars": 2}');
SELECT mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_session_id, mg_result_type, mg_comment, mg_image_url, mg_video_url, mg_prompt, mg_meta, mg_source_system FROM mega_generations WHERE mg_id = 'feedback:tweaks-f1' \gx
SELECT * FROM mega_record_feedback('pass:test:tweaks-a', 'feedback:tweaks-f1', comment => 'another');
SELECT mg_id ~ '^feedback:[0-9a-f-]{36}$' AS fresh, created FROM mega_record_feedback('pass:test:tweaks-a');
SELECT what, pg_temp.outcome('SELECT mega_record_feedback(' || arguments || ')') FROM (VALUES
    ('no customer', $$'pass:test:tweaks-none'$$), ('NULL', 'NULL'), ('another customer''s id', $$'pass:test:tweaks-b', 'tweaks-f1'$$), ('blank id', $$'pass:test:tweaks-a', ''$$),
    ('no generation', $$'pass:test:tweaks-a', 'tweaks-f2', 'tweaks-none'$$), ('another customer''s generation', $$'pass:test:tweaks-a', 'tweaks-f2', 'tweaks-other'$$), ('nobody''s', $$'pass:test:tweaks-a', 'tweaks-f2', 'tweaks-nobody'$$),
    ('expiring image', $$'pass:test:tweaks-a', 'tweaks-f2', image_url => 'https://b.s3.amazonaws.com/k?X-Amz-Signature=0'$$), ('blank video', $$'pass:test:tweaks-a', 'tweaks-f2', video_url => ' '$$), ('meta', $$'pass:test:tweaks-a', 'tweaks-f2', meta => '1'$$)
) v(what, arguments);

--
-- Steps by the batch
--
SELECT * FROM mega_append_mma_steps('tweaks-1', '[{"step_type": "scan_product", "input": {"a": 1}, "mma_status": "scanning"},
    {"step_type": "gpt_reader", "output": {"prompt": "p"}, "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:01.5Z", "provider": "openai", "model": "m", "mma_status": "prompting"},
    {"step_type": "late", "at_step": 7}, {"step_type": "behind", "error": "no"}]');
SELECT mg_step_no, mg_step_type, duration_ms, mg_payload -> 'error' AS error FROM mega_generation_steps('tweaks-1');
SELECT mg_mma_status, steps, scan_lines FROM mega_generation('tweaks-1');
-- again: those that say where they stand are there
SELECT * FROM mega_append_mma_steps('tweaks-1', '[{"step_type": "late", "at_step": 7}, {"step_type": "scan_product", "input": {"a": 1}, "at_step": 0}, {"step_type": "new"}, {"step_type": "new", "at_step": 9}]', 'pass:test:tweaks-a');
SELECT * FROM mega_append_mma_steps('tweaks-1', '[]');
-- twice in one call: the second is there already, however the first got its number
SELECT created FROM mega_create_generation('pass:test:tweaks-a', 'tweaks-twice');
SELECT * FROM mega_append_mma_steps('tweaks-twice', '[{"step_type": "a"}, {"step_type": "b", "at_step": 3}, {"step_type": "a", "at_step": 0}, {"step_type": "b", "at_step": 3}, {"step_type": "c"}, {"step_type": "c", "at_step": 4}]');
SELECT pg_temp.outcome($$SELECT mega_append_mma_steps('tweaks-twice', '[{"step_type": "d"}, {"step_type": "e", "at_step": 5}]')$$) AS other_content;
SELECT array_agg(mg_step_no || mg_step_type) FROM mega_generation_steps('tweaks-twice');
SET mega.payload_urls = reject;
SELECT pg_temp.outcome($$SELECT mega_append_mma_steps('tweaks-twice', '[{"step_type": "d"}, {"step_type": "e", "error": {"url": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}}]')$$) AS a_secret;
RESET mega.payload_urls;
-- more than are written at once
SELECT * FROM mega_append_mma_steps('tweaks-twice', (SELECT jsonb_agg(jsonb_build_object('step_type', 'many', 'at_step', 10 + n % 1100)) FROM generate_series(1, 1200) n));
SELECT count(*), max(mg_step_no), bool_and(mg_status = 'succeeded' AND mg_pass_id = 'pass:test:tweaks-a' AND mg_source_system = 'api') FROM mega_generations WHERE mg_generation_id = 'tweaks-twice' AND mg_record_type = 'mma_step' AND mg_step_type = 'many';
SELECT pg_temp.rows() AS before \gset
SELECT what, pg_temp.outcome(format('SELECT mega_append_mma_steps(%L, %L)', generation, steps)) FROM (VALUES
    ('no generation', 'tweaks-none', '[{"step_type": "a"}]'), ('no list', 'tweaks-1', '{}'), ('NULL', 'tweaks-1', NULL), ('no object', 'tweaks-1', '[{"step_type": "a"}, 1]'), ('no type', 'tweaks-1', '[{}]'),
    ('unknown key', 'tweaks-1', '[{"step_type": "a", "type": "b"}]'), ('other content', 'tweaks-1', '[{"step_type": "a"}, {"step_type": "b", "at_step": 7}]'), ('finishes', 'tweaks-1', '[{"step_type": "a", "mma_status": "done"}]'),
    ('backwards', 'tweaks-1', '[{"step_type": "a"}, {"step_type": "b", "mma_status": "scanning"}]'), ('input', 'tweaks-1', '[{"step_type": "a", "input": []}]'), ('number', 'tweaks-1', '[{"step_type": "a", "at_step": 1.5}]'),
    ('time', 'tweaks-1', '[{"step_type": "a", "started_at": "soon"}]'), ('provider', 'tweaks-1', '[{"step_type": "a", "provider": 1}]')
) v(what, generation, steps);
SELECT pg_temp.rows() - :before AS more;

--
-- Events by the batch
--
CREATE FUNCTION pg_temp.weights(who text) RETURNS jsonb LANGUAGE sql AS $$SELECT mg_mma_preferences -> 'tag_weights' FROM mega_customers WHERE mg_pass_id = who$$;
SELECT * FROM mega_record_mma_events('[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "payload": {"tag": "x"}, "event_id": "tweaks-b1"},
    {"pass_id": "pass:test:tweaks-a", "event_type": "dislike", "payload": {"tag": "y"}, "generation_id": "tweaks-1", "event_id": "mma_event:tweaks-b2"},
    {"pass_id": "pass:test:tweaks-c", "event_type": "preference_set", "payload": {"tag_weights": {"x": 5}}},
    {"pass_id": "pass:test:tweaks-c", "event_type": "like", "payload": {"tag": "x"}, "created_at": "2026-01-01"},
    {"pass_id": "pass:test:tweaks-c", "event_type": "like", "payload": {"tag": "x"}, "event_id": "tweaks-b1"},
    {"pass_id": "pass:test:tweaks-c", "event_type": "like", "payload": {"tag": "x", "weight": 0.5}}]');
SELECT pg_temp.weights('pass:test:tweaks-c') AS c, pg_temp.weights('pass:test:tweaks-a') AS a; -- in the order in which they were given
SELECT * FROM mega_record_mma_events('[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "payload": {"tag": "x"}, "event_id": "tweaks-b1"}, {"pass_id": "pass:test:tweaks-c", "event_type": "create", "event_id": "tweaks-b3"}]');
SELECT * FROM mega_record_mma_events('[]');
SELECT count(DISTINCT mg_created_at), count(*), min(mg_source_system) FROM mega_generations WHERE mg_pass_id = 'pass:test:tweaks-c' AND mg_record_type = 'mma_event';
SELECT * FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:tweaks-%';
-- each customer is projected once
CREATE TABLE pg_temp.projected (pass_id text);
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO pg_temp.projected VALUES (NEW.mg_pass_id); RETURN NULL; END';
CREATE TRIGGER zzz AFTER UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
SELECT written FROM mega_record_mma_events((SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:test:tweaks-' || (ARRAY['a', 'c'])[n % 2 + 1], 'event_type', 'like', 'payload', '{"tag": "z"}'::jsonb)) FROM generate_series(1, 50) n));
DROP TRIGGER zzz ON mega_customers;
SELECT pass_id, count(*) FROM pg_temp.projected GROUP BY 1 ORDER BY 1;
SELECT pg_temp.rows() AS before \gset
SELECT what, pg_temp.outcome(format('SELECT mega_record_mma_events(%L)', events)) FROM (VALUES
    ('no list', '{}'), ('NULL', NULL), ('no object', '[1]'), ('no customer', '[{"event_type": "like"}]'), ('nobody', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like"}, {"pass_id": "pass:test:tweaks-none", "event_type": "like"}]'),
    ('no type', '[{"pass_id": "pass:test:tweaks-c"}]'), ('another word', '[{"pass_id": "pass:test:tweaks-c", "event_type": "view"}]'), ('payload', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "payload": {"tags": "x"}}]'),
    ('other content', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "event_id": "tweaks-b1"}]'), ('twice, other content', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "event_id": "n"}, {"pass_id": "pass:test:tweaks-c", "event_type": "dislike", "event_id": "n"}]'),
    ('no generation', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "generation_id": "tweaks-none", "event_id": "n"}]'), ('another customer''s', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "generation_id": "tweaks-1", "event_id": "n"}]'),
    ('no generation, second', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like"}, {"pass_id": "pass:test:tweaks-a", "event_type": "like", "generation_id": "tweaks-none", "event_id": "n"}]'),
    ('another customer''s, third', '[{"pass_id": "pass:test:tweaks-a", "event_type": "like", "generation_id": "tweaks-1"}, {"pass_id": "pass:test:tweaks-c", "event_type": "like"}, {"pass_id": "pass:test:tweaks-c", "event_type": "like", "generation_id": "tweaks-1", "event_id": "n"}]'),
    ('ahead', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "created_at": "2100-01-01"}]'), ('unknown key', '[{"pass_id": "pass:test:tweaks-c", "event_type": "like", "tag": "x"}]')
) v(what, events);
SELECT pg_temp.rows() - :before AS more;

--
-- One generation, and none
--
SELECT * FROM mega_update_generation('tweaks-1', fields => '{"content_type": "image", "latency_ms": 5, "meta": {"m": 1}, "error": "e"}');
SELECT mg_id, mg_type, mg_provider, mg_output_url, mg_mma_mode, mg_mma_status, mg_generation_id, mg_prompt, mg_mma_vars ? 'userMessages' AS has_vars, mg_model, mg_error, mg_latency_ms, mg_parent_id, mg_content_type, mg_meta,
    mg_pass_id, mg_session_id, mg_status, steps, scan_lines, mg_updated_at > mg_created_at AS later FROM mega_generation('tweaks-1') \gx
SELECT (SELECT count(*) FROM mega_generation('generation:tweaks-1', 'pass:test:tweaks-a')) AS own, (SELECT count(*) FROM mega_generation('tweaks-1', 'pass:test:tweaks-b')) AS another, (SELECT count(*) FROM mega_generation('tweaks-none')) AS none,
    pg_temp.outcome('SELECT mega_generation(NULL)') AS no_id;
SELECT * FROM mega_delete_generation('tweaks-1');
SELECT * FROM mega_delete_generation('generation:tweaks-1', 'pass:test:tweaks-a');
SELECT (SELECT count(*) FROM mega_generation('tweaks-1')) AS shown, (SELECT count(*) FROM mega_generation_history('pass:test:tweaks-a') WHERE mg_generation_id = 'tweaks-1') AS listed, (SELECT count(*) FROM mega_generation_steps('tweaks-1')) AS steps,
    mg_deleted_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS marked FROM mega_generations WHERE mg_id = 'generation:tweaks-1';
SELECT what, pg_temp.outcome('SELECT mega_delete_generation(' || arguments || ')') FROM (VALUES ('none', $$'tweaks-none'$$), ('NULL', 'NULL'), ('another customer''s', $$'tweaks-2', 'pass:test:tweaks-b'$$)) v(what, arguments);
-- not by a field
SELECT pg_temp.outcome($$SELECT mega_update_generation('tweaks-2', fields => '{"deleted_at": "2026-01-01"}')$$);
-- a session is named by its id or by that of its row
SELECT mg_id FROM mega_start_session('pass:test:tweaks-c', 'tweaks-s');
SELECT mg_id FROM mega_create_generation('pass:test:tweaks-c', 'tweaks-s1', session_id => 'session:tweaks-s');
SELECT mg_id FROM mega_tweak_generation('tweaks-s1', 'tweaks-s2', event_id => 'tweaks-s2', session_id => 'session:tweaks-s');
SELECT mg_id FROM mega_record_feedback('pass:test:tweaks-c', 'tweaks-s', 'tweaks-s1', 'session:tweaks-s');
SELECT mg_id, mg_session_id FROM mega_generations WHERE mg_id ~ 'tweaks-s' AND mg_session_id IS NOT NULL ORDER BY 1;
SELECT pg_temp.outcome($$SELECT mega_create_generation('pass:test:tweaks-c', 'tweaks-s3', session_id => 'session:')$$), pg_temp.outcome($$SELECT mega_record_feedback('pass:test:tweaks-c', session_id => ' ')$$);
