-- Steps: mega_append_mma_step, mega_generation_steps, raw step rows (I7).
-- Customers of this file: pass:test:steps-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.print_of(id text) RETURNS text LANGUAGE sql AS
    'SELECT md5(g::text) FROM mega_generations g WHERE mg_id = ''generation:'' || id';
-- The numbers of a generation's steps.
CREATE FUNCTION pg_temp.numbers(id text) RETURNS text LANGUAGE sql AS
    'SELECT string_agg(mg_step_no::text, '' '' ORDER BY mg_step_no) FROM mega_generations WHERE mg_generation_id = id AND mg_record_type = ''mma_step''';
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:steps-' || n FROM unnest('{a,b}'::text[]) n;
SELECT count(*) FROM unnest('{g,gaps,at,raw,status,last,a:b,multi}'::text[]) n, mega_create_generation('pass:test:steps-a', 'steps-' || n, 'still');
SELECT created FROM mega_create_generation('pass:test:steps-b', 'steps-other');

--
-- What a step looks like.
--
SELECT * FROM mega_append_mma_step('steps-g', 'scan_product', '{"assets": {"product": "https://assets.example.com/p.png"}}', '{"crt": "amber bottle"}', NULL,
    '2026-11-22 10:00:00.25+00', '2026-11-22 10:00:01.7509+00', NULL, 'openai', 'gpt-5');
SELECT mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no, mg_step_type, mg_provider, mg_model, mg_status, mg_error, mg_payload, mg_meta, mg_mma_mode, mg_mma_status,
    mg_mma_vars, mg_source_system, mg_updated_at = mg_created_at AS same
FROM mega_generations WHERE mg_id = 'mma_step:steps-g:0' \gx
-- only what must be given
SELECT * FROM mega_append_mma_step('generation:steps-g', 'gpt_reader');
SELECT mg_payload, mg_status FROM mega_generations WHERE mg_id = 'mma_step:steps-g:1';
SELECT * FROM mega_append_mma_step('steps-g', 'gpt_reader', NULL, NULL, 'null', pass_id => 'pass:test:steps-a');
SELECT mg_payload, mg_status, mg_error FROM mega_generations WHERE mg_id = 'mma_step:steps-g:2';
-- one that failed
SELECT * FROM mega_append_mma_step('steps-g', 'seedream_generate', error => '"timeout"', started_at => '2026-11-22 10:00:02+00');
SELECT * FROM mega_append_mma_step('steps-g', 'seedream_generate', error => '{"code": 502, "message": "bad gateway"}', ended_at => '2026-11-22 10:00:02+00');
SELECT * FROM mega_append_mma_step('steps-g', 'seedream_generate', error => '[1]');
SELECT mg_step_no, mg_status, mg_error, mg_payload FROM mega_generations WHERE mg_id IN ('mma_step:steps-g:3', 'mma_step:steps-g:4', 'mma_step:steps-g:5') ORDER BY mg_step_no;
-- signed URLs of raw payloads lose their secret part; the same call is a replay all the same
SELECT * FROM mega_append_mma_step('steps-g', 'seedream_generate', '{}', '{"image": "https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret"}', at_step => 6);
SELECT mg_payload -> 'output' AS output FROM mega_generations WHERE mg_id = 'mma_step:steps-g:6';
SELECT * FROM mega_append_mma_step('steps-g', 'seedream_generate', '{}', '{"image": "https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret"}', at_step => 6);
-- nor does what an error says of them stay beside its payload, in the step or in the generation that it ends
SELECT created FROM generate_series(1, 3) n, mega_create_generation('pass:test:steps-a', 'steps-secret-' || n);
SELECT replayed FROM mega_append_mma_step('steps-secret-1', 'generate', error => '{"message": "no https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret1&a=b"}', at_step => 0, mma_status => 'error');
SELECT replayed FROM mega_append_mma_step('steps-secret-1', 'generate', error => '{"message": "no https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret1&a=b"}', at_step => 0, mma_status => 'error');
SELECT * FROM mega_append_mma_steps('steps-secret-2', '[{"step_type": "generate", "error": "no https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret2", "mma_status": "error"}]');
SET mega.payload_urls = keep;
SELECT replayed FROM mega_append_mma_step('steps-secret-3', 'generate', error => '"no https://b.s3.amazonaws.com/k.png?X-Amz-Signature=secret3"', mma_status => 'error');
RESET mega.payload_urls;
SELECT mg_id, mg_error, mg_payload -> 'error' AS payload FROM mega_generations WHERE mg_generation_id LIKE 'steps-secret-%' ORDER BY 1;

--
-- Numbers: max + 1, from 0, or the one that is asked for.
--
SELECT mg_step_no FROM mega_append_mma_step('steps-gaps', 'a', at_step => 7);
SELECT mg_step_no FROM mega_append_mma_step('steps-gaps', 'b');
SELECT mg_step_no FROM mega_append_mma_step('steps-gaps', 'c', at_step => 3);
SELECT mg_step_no FROM mega_append_mma_step('steps-gaps', 'd');
SELECT mg_step_no FROM mega_append_mma_step('steps-gaps', 'e', at_step => 0);
SELECT pg_temp.numbers('steps-gaps');
-- a number that was rolled back is free again
BEGIN;
SELECT mg_step_no FROM mega_append_mma_step('steps-gaps', 'f');
ROLLBACK;
SELECT mg_step_no FROM mega_append_mma_step('steps-gaps', 'f');
-- several in one statement
SELECT array_agg(mg_step_no ORDER BY mg_step_no) FROM generate_series(1, 5) n, mega_append_mma_step('steps-multi', 'many-' || n);
-- the generation's id may hold colons
SELECT * FROM mega_append_mma_step('steps-a:b', 'x');
SELECT mg_generation_id, mg_parent_id FROM mega_generations WHERE mg_id = 'mma_step:steps-a:b:0';
-- the last number there is
SELECT mg_step_no FROM mega_append_mma_step('steps-last', 'a', at_step => 2147483647);
SELECT pg_temp.outcome($$SELECT * FROM mega_append_mma_step('steps-last', 'b')$$);
SELECT mg_step_no FROM mega_append_mma_step('steps-last', 'b', at_step => 2147483646);

--
-- at_step: the same content is a replay, other content MG002.
--
SELECT * FROM mega_append_mma_step('steps-at', 'scan_logo', '{"a": 1}', '{"b": [1.0]}', at_step => 2, started_at => '2026-01-01', mma_status => 'scanning');
SELECT * FROM mega_append_mma_step('steps-at', 'scan_logo', '{"a": 1}', '{"b": [1.00]}', at_step => 2, mma_status => 'prompting');
SELECT mg_mma_status FROM mega_generations WHERE mg_id = 'generation:steps-at'; -- a replay moves nothing
SELECT what, pg_temp.outcome('SELECT * FROM mega_append_mma_step(' || arguments || ')') FROM (VALUES
    ('other type', $$'steps-at', 'scan_product', '{"a": 1}', '{"b": [1.0]}', at_step => 2$$),
    ('other input', $$'steps-at', 'scan_logo', '{"a": 2}', '{"b": [1.0]}', at_step => 2$$),
    ('other output', $$'steps-at', 'scan_logo', '{"a": 1}', at_step => 2$$)
) v(what, arguments);
SELECT pg_temp.numbers('steps-at');

--
-- The generation's status moves with its step.
--
SELECT mg_step_no FROM mega_append_mma_step('steps-status', 'scan_product', mma_status => 'scanning');
SELECT mg_mma_status FROM mega_generations WHERE mg_id = 'generation:steps-status';
SELECT pg_temp.outcome($$SELECT * FROM mega_append_mma_step('steps-status', 'a', mma_status => 'queued')$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_append_mma_step('steps-status', 'a', mma_status => 'ready')$$);
SELECT mg_step_no FROM mega_append_mma_step('steps-status', 'gpt_reader', mma_status => 'generating');
SELECT mg_mma_status FROM mega_complete_generation('steps-status', 'https://assets.example.com/steps.png');
SELECT mg_step_no FROM mega_append_mma_step('steps-status', 'archive'); -- steps may follow the end, too
SELECT pg_temp.numbers('steps-status');

--
-- What is refused, and leaves nothing.
--
SELECT count(*) AS before FROM mega_generations \gset
SELECT what, pg_temp.outcome('SELECT * FROM mega_append_mma_step(' || arguments || ')') FROM (VALUES
    ('no generation', $$'steps-none', 'a'$$),
    ('NULL generation', $$NULL, 'a'$$),
    ('blank generation', $$'generation:', 'a'$$),
    ('another customer''s', $$'steps-other', 'a', pass_id => 'pass:test:steps-a'$$),
    ('NULL type', $$'steps-g', NULL$$),
    ('blank type', $$'steps-g', ' '$$),
    ('long type', $$'steps-g', repeat('x', 513)$$),
    ('input: a list', $$'steps-g', 'a', input => '[]'$$),
    ('output: a text', $$'steps-g', 'a', output => '"o"'$$),
    ('negative number', $$'steps-g', 'a', at_step => -1$$),
    ('ends before it starts', $$'steps-g', 'a', started_at => '2026-01-01 00:00:01Z', ended_at => '2026-01-01 00:00:00Z'$$),
    ('starts at infinity', $$'steps-g', 'a', started_at => '-infinity'$$),
    ('starts in the last years', $$'steps-g', 'a', started_at => '294270-01-01'$$),
    ('ends in the last years', $$'steps-g', 'a', started_at => '2026-01-01', ended_at => '294276-12-31 23:59:59.999999+00'$$),
    ('lasts too long', $$'steps-g', 'a', started_at => '4714-11-24 00:00:00+00 BC', ended_at => '294246-12-31 23:59:59+00'$$),
    ('ends at infinity', $$'steps-g', 'a', ended_at => 'infinity'$$)
) v(what, arguments);
SELECT :before = count(*) AS nothing_left FROM mega_generations;

--
-- Raw rows: what the id says is filled in; what differs is refused.
--
INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:steps-raw:0', 'scan', '{"input": {}, "output": null}');
SELECT mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no FROM mega_generations WHERE mg_id = 'mma_step:steps-raw:0';
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no, mg_step_type, mg_meta) VALUES
    ('mma_step:steps-raw:1', 'mma_step', 'pass:test:steps-a', 'steps-raw', 'generation:steps-raw', 1, 'scan', '{"input": 1, "output": 2}');
CREATE TEMP TABLE wrong AS SELECT * FROM (VALUES
    ('the same id', '{"mg_id": "mma_step:steps-raw:0"}'),
    ('other generation', '{"mg_generation_id": "steps-g"}'),
    ('other parent', '{"mg_parent_id": "generation:steps-g"}'),
    ('parent without its prefix', '{"mg_parent_id": "steps-raw"}'),
    ('other number', '{"mg_step_no": 3}'),
    ('other record type', '{"mg_record_type": "generation"}'),
    ('other customer', '{"mg_pass_id": "pass:test:steps-b"}'),
    ('unknown customer', '{"mg_pass_id": "pass:test:nobody"}'),
    ('no type', '{"mg_step_type": null}'),
    ('no payload', '{"mg_payload": null}'),
    ('no input', '{"mg_payload": {"output": {}}}'),
    ('no output', '{"mg_payload": {"input": {}}}'),
    ('a list', '{"mg_payload": ["input", "output"]}'),
    ('input here, output there', '{"mg_payload": {"input": {}}, "mg_meta": {"output": {}}}'),
    ('no such generation', '{"mg_id": "mma_step:steps-none:0"}'),
    ('number with a zero in front', '{"mg_id": "mma_step:steps-raw:07"}'),
    ('negative number', '{"mg_id": "mma_step:steps-raw:-1"}'),
    ('number too large', '{"mg_id": "mma_step:steps-raw:2147483648"}'),
    ('no number', '{"mg_id": "mma_step:steps-raw"}'),
    ('no generation', '{"mg_id": "mma_step::0"}'),
    ('word for a number', '{"mg_id": "mma_step:steps-raw:x"}'),
    ('a bad mode', '{"mg_mma_mode": "audio"}'),
    ('nothing wrong', '{}')
) v(what, members);
SELECT what, pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no, mg_step_type, mg_payload, mg_meta, mg_mma_mode)
    SELECT mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no, mg_step_type, mg_payload, mg_meta, mg_mma_mode FROM jsonb_populate_record(NULL::mega_generations, %L)',
    '{"mg_id": "mma_step:steps-raw:9", "mg_step_type": "scan", "mg_payload": {"input": {}, "output": {}}}'::jsonb || members::jsonb))
FROM wrong;
SELECT pg_temp.numbers('steps-raw');
SELECT mg_step_no FROM mega_append_mma_step('steps-raw', 'next');
-- a step at a number that a raw row took
SELECT * FROM mega_append_mma_step('steps-raw', 'scan', '{}', 'null', at_step => 0);
SELECT pg_temp.outcome($$SELECT * FROM mega_append_mma_step('steps-raw', 'scan', '{}', '{}', at_step => 0)$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_append_mma_step('steps-raw', 'scan', at_step => 9)$$);

--
-- A generation and its steps in one statement, whichever comes first.
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES
    ('generation:steps-one', 'pass:test:steps-a', NULL, NULL),
    ('mma_step:steps-one:0', NULL, 'scan', '{"input": {}, "output": {}}'),
    ('mma_step:steps-one:1', 'pass:test:steps-a', 'scan', '{"input": {}, "output": {}}');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES
    ('mma_step:steps-two:0', 'pass:test:steps-a', 'scan', '{"input": {}, "output": {}}'),
    ('generation:steps-two', 'pass:test:steps-a', NULL, NULL);
COPY mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) FROM stdin (DELIMITER '|');
mma_step:steps-three:1|pass:test:steps-a|scan|{"input": {}, "output": {}}
generation:steps-three|pass:test:steps-a|\N|\N
mma_step:steps-three:0|\N|scan|{"input": {}, "output": {}}
\.
WITH made AS (
    INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:steps-four', 'pass:test:steps-a') RETURNING mg_generation_id
)
INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload)
SELECT format('mma_step:%s:%s', mg_generation_id, n), 'scan', '{"input": {}, "output": {}}' FROM made, generate_series(0, 2) n;
SELECT mg_id, mg_pass_id, mg_parent_id, mg_step_no FROM mega_generations
WHERE mg_generation_id IN ('steps-one', 'steps-two', 'steps-three', 'steps-four') ORDER BY mg_generation_id, mg_record_type, mg_step_no;
-- and what does not fit takes all of it back
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES
    ('generation:steps-five', 'pass:test:steps-a', NULL, NULL), ('mma_step:steps-five:0', 'pass:test:steps-b', 'scan', '{"input": {}, "output": {}}')$$);
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES
    ('generation:steps-five', 'pass:test:steps-a', NULL, NULL), ('mma_step:steps-six:0', 'pass:test:steps-a', 'scan', '{"input": {}, "output": {}}')$$);
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES
    ('generation:steps-five', 'pass:test:steps-a', NULL, NULL), ('mma_step:steps-five:0', NULL, 'scan', '{"input": {}, "output": {}}'),
    ('mma_step:steps-five:0', NULL, 'scan', '{"input": {}, "output": {}}')$$);
SELECT count(*) FROM mega_generations WHERE mg_generation_id IN ('steps-five', 'steps-six');
-- steps of a generation that is nobody's are nobody's
INSERT INTO mega_generations (mg_id) VALUES ('generation:steps-nobody');
SELECT mg_step_no FROM mega_append_mma_step('steps-nobody', 'scan');
INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:steps-nobody:1', 'scan', '{"input": {}, "output": {}}');
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:steps-nobody:2', 'pass:test:steps-a', 'scan', '{"input": {}, "output": {}}')$$);
SELECT mg_id, mg_pass_id FROM mega_generations WHERE mg_generation_id = 'steps-nobody' ORDER BY mg_id;

--
-- A step is a fact (I5): an error may be noted, the mark of deletion set.
--
SELECT assignment, split_part(pg_temp.outcome(format('UPDATE mega_generations SET %s WHERE mg_id = ''mma_step:steps-g:0''', assignment)), ' | ', 1)
FROM unnest(ARRAY[$$mg_payload = '{"input": {}, "output": {}}'$$, $$mg_meta = '{"a": 1}'$$, $$mg_step_no = 9$$, $$mg_step_type = 'x'$$, $$mg_parent_id = NULL$$, $$mg_status = 'failed'$$, $$mg_provider = 'x'$$,
    $$mg_pass_id = 'pass:test:steps-b'$$, $$mg_mma_status = 'done'$$, $$mg_error = 'seen'$$, $$mg_deleted_at = '2026-01-01'$$]) assignment;
SELECT pg_temp.outcome($$DELETE FROM mega_generations WHERE mg_id = 'mma_step:steps-g:0'$$);

--
-- mega_generation_steps: the audit trail.
--
SELECT mg_step_no, mg_step_type, mg_created_at > now() - interval '1 hour' AS dated, mg_payload -> 'output' AS output, duration_ms FROM mega_generation_steps('steps-g');
SELECT mg_step_no, mg_step_type, duration_ms FROM mega_generation_steps('generation:steps-gaps', 'pass:test:steps-a');
SELECT count(*) FROM mega_generation_steps('steps-g', 'pass:test:steps-b');
SELECT count(*) FROM mega_generation_steps('steps-none');
SELECT pg_temp.outcome('SELECT * FROM mega_generation_steps(NULL)');
SELECT pg_temp.outcome('SELECT * FROM mega_generation_steps('''')');
-- what is marked is neither shown nor counted, nor the steps of a generation that is
SELECT FROM mega_create_generation('pass:test:steps-a', 'steps-marked'), mega_append_mma_steps('steps-marked', '[{"step_type": "a"}, {"step_type": "b"}, {"step_type": "c"}]');
UPDATE mega_generations SET mg_deleted_at = now() WHERE mg_id = 'mma_step:steps-marked:1';
SELECT s.mg_step_no, s.mg_step_type, g.steps FROM mega_generation('steps-marked') g, mega_generation_steps('steps-marked') s;
SELECT mg_step_no FROM mega_append_mma_step('steps-marked', 'd');
SELECT changed FROM mega_delete_generation('steps-marked');
SELECT (SELECT count(*) FROM mega_generation('steps-marked')) AS shown, (SELECT count(*) FROM mega_generation_steps('steps-marked')) AS steps;
-- whatever a raw row says about its timing
INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) SELECT 'mma_step:steps-raw:' || 20 + n, 'timing', jsonb_build_object('input', 1, 'output', 2, 'timing', timing::jsonb)
FROM unnest(ARRAY['{"duration_ms": 12.5}', '{"duration_ms": "12"}', '{"duration_ms": null}', '[]', '7', '{"duration_ms": -3}', '{"duration_ms": 1e20}']) WITH ORDINALITY t(timing, n);
SELECT mg_step_no, mg_payload -> 'timing' AS timing, duration_ms FROM mega_generation_steps('steps-raw') WHERE mg_step_no > 20;
-- The last status said twice in a batch: mg_status follows all the same.
SELECT count(*) FROM unnest('{twice,errors}'::text[]) n, mega_create_generation('pass:test:steps-a', 'steps-' || n, 'still');
SELECT * FROM mega_append_mma_steps('steps-twice', '[{"step_type": "a", "mma_status": "scanning"}, {"step_type": "b", "mma_status": "scanning"}, {"step_type": "c", "mma_status": "prompting"}]');
SELECT * FROM mega_append_mma_steps('steps-errors', '[{"step_type": "a", "mma_status": "error"}, {"step_type": "b", "mma_status": "error", "error": {"message": "E2"}}, {"step_type": "c", "mma_status": "error", "error": "E3"}]');
SELECT mg_generation_id, mg_mma_status, mg_status, mg_error FROM mega_generations WHERE mg_id IN ('generation:steps-twice', 'generation:steps-errors') ORDER BY mg_id;
SELECT count(*) AS claimed FROM mega_claim_generations('w', 1000) WHERE mg_generation_id = 'steps-errors';
-- A generation is named by its bare id or by its mg_id; stored is the bare one, and no id begins with another's prefix.
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_step_type, mg_payload, mg_meta) VALUES
    ('mma_step:steps-twice:9', 'pass:test:steps-a', 'generation:steps-twice', 'x', '{"input": 1, "output": 1}', NULL),
    ('mma_event:steps-named', 'pass:test:steps-a', 'generation:steps-twice', NULL, NULL, '{"event_type": "like"}'),
    ('feedback:steps-named', 'pass:test:steps-a', 'generation:steps-twice', NULL, NULL, NULL)
RETURNING mg_id, mg_generation_id, mg_parent_id;
SELECT mg_generation_id FROM mega_likes('pass:test:steps-a');
SELECT replayed FROM mega_record_mma_event('pass:test:steps-a', 'like', generation_id => 'steps-twice', event_id => 'steps-named');
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:generation:steps-twice:0', 'pass:test:steps-a', 'x', '{"input": 1, "output": 1}')$$);
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:generation:steps-twice', 'pass:test:steps-a')$$);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta) VALUES ('mma_event:steps-far', 'pass:test:steps-a', 'generation:generation:steps-twice', '{"event_type": "download"}') RETURNING mg_generation_id;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_parent_id) VALUES ('generation:steps-child', 'pass:test:steps-a', 'steps-twice') RETURNING mg_parent_id;
UPDATE mega_generations SET mg_generation_id = 'generation:steps-child', mg_parent_id = 'steps-twice' WHERE mg_id = 'generation:steps-child' RETURNING mg_generation_id, mg_parent_id;
SELECT pg_temp.outcome($$SELECT mega_create_generation('pass:test:steps-a', 'steps-self', parent_generation_id => 'steps-self')$$);
SELECT pg_temp.outcome($$SELECT mega_create_generation('pass:test:steps-a', 'generation:generation:steps-self')$$);
-- A step that stands before its generation in a statement has to name its customer.
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:steps-later:0', NULL, 'x', '{"input": 1, "output": 1}'), ('generation:steps-later', 'pass:test:steps-a', NULL, NULL)$$);
-- What a trigger of somebody else's writes of the generation between a step and its status stays.
BEGIN;
CREATE FUNCTION pg_temp.count_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mega_generations SET mg_latency_ms = coalesce(mg_latency_ms, 0) + 1 WHERE mg_id = NEW.mg_parent_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_steps AFTER INSERT ON mega_generations FOR EACH ROW WHEN (NEW.mg_record_type = 'mma_step') EXECUTE FUNCTION pg_temp.count_steps();
SELECT created FROM mega_create_generation('pass:test:steps-a', 'steps-counted', 'still');
SELECT mg_step_no FROM mega_append_mma_step('steps-counted', 'scan', mma_status => 'scanning');
SELECT written FROM mega_append_mma_steps('steps-counted', '[{"step_type": "a", "mma_status": "prompting"}, {"step_type": "b", "mma_status": "generating"}]');
SELECT mg_mma_status, mg_latency_ms FROM mega_generations WHERE mg_id = 'generation:steps-counted';
ROLLBACK;
-- Adopted steps without a number: those that have one count, and what their ids say. A default of one's own is nobody's.
BEGIN;
SELECT count(mega_create_generation('pass:test:steps-a', 'steps-' || which, 'still')) FROM unnest(ARRAY['adopted', 'unnumbered']) which;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_mma_step_requires_fields, DROP CONSTRAINT mega_generations_id_shape;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_step_no, mg_step_type, mg_payload)
SELECT 'mma_step:' || g || ':' || n, 'mma_step', 'pass:test:steps-a', g, 'generation:' || g, number, 'scan', '{"input": {}, "output": {}}'
FROM (VALUES ('steps-adopted', '0', 0), ('steps-adopted', '1', 1), ('steps-adopted', 'note', NULL), ('steps-unnumbered', '0', NULL), ('steps-unnumbered', '3', NULL)) v(g, n, number);
ALTER TABLE mega_generations ENABLE TRIGGER USER;
ALTER TABLE mega_generations ALTER mg_title SET DEFAULT 'app';
SELECT mg_step_no, replayed FROM mega_append_mma_step('steps-adopted', 'scan');
SELECT * FROM mega_append_mma_steps('steps-adopted', '[{"step_type": "scan"}, {"step_type": "scan"}]');
SELECT mg_step_no, replayed FROM mega_append_mma_step('steps-unnumbered', 'scan');
SELECT * FROM mega_append_mma_steps('steps-unnumbered', '[{"step_type": "scan"}]');
SELECT mg_id, mg_title FROM mega_generations WHERE mg_record_type = 'mma_step' AND mg_generation_id IN ('steps-adopted', 'steps-unnumbered') ORDER BY 1;
ROLLBACK;
-- An adopted generation whose customer is not there, and a foreign key that came behind it: nothing new names him.
BEGIN;
ALTER TABLE mega_generations DISABLE TRIGGER USER;
ALTER TABLE mega_generations DROP CONSTRAINT mega_generations_pass_id_fkey;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_mma_status) VALUES ('generation:steps-orphan', 'generation', 'pass:test:steps-nobody', 'queued');
ALTER TABLE mega_generations ADD CONSTRAINT mega_generations_pass_id_fkey FOREIGN KEY (mg_pass_id) REFERENCES mega_customers (mg_pass_id) NOT VALID;
ALTER TABLE mega_generations ENABLE TRIGGER USER;
SELECT pg_temp.outcome($$SELECT mega_append_mma_step('steps-orphan', 'scan')$$);
SELECT pg_temp.outcome($$SELECT mega_append_mma_steps('steps-orphan', '[{"step_type": "scan"}, {"step_type": "scan"}]')$$);
SELECT created FROM mega_create_generation('pass:test:steps-a', 'steps-theirs', 'still');
SELECT mg_step_no FROM mega_append_mma_step('steps-theirs', 'scan');
SELECT written FROM mega_append_mma_steps('steps-theirs', '[{"step_type": "scan"}]');
SELECT count(*) FROM mega_generations WHERE mg_generation_id = 'steps-orphan';
ROLLBACK;
