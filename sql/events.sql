-- Events and the preference snapshot: mega_record_mma_event, raw event rows, mega_mma_events, mega_likes,
-- mega_reconcile_preferences (I2, I8).
-- Customers of this file: pass:test:events-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SET datestyle = 'ISO, YMD';
-- The fold once more, the slow way: what a customer's events say, tag by tag, in plain SQL (I2).
CREATE FUNCTION pg_temp.model(who text) RETURNS jsonb LANGUAGE sql AS $$
    WITH event AS (
        SELECT row_number() OVER (ORDER BY mg_created_at, mg_id COLLATE "C") AS at, mg_created_at, mg_meta ->> 'event_type' AS type, mg_meta -> 'payload' AS payload
        FROM mega_generations WHERE mg_pass_id = who AND mg_record_type = 'mma_event'
    ), named AS ( -- every tag that a list or a single member names
        SELECT DISTINCT at, type, key, btrim(tag) AS tag
        FROM event, unnest('{tag,tags,hard_block,hard_blocks,remove_hard_blocks}'::text[]) key,
            jsonb_array_elements_text(CASE jsonb_typeof(payload -> key) WHEN 'array' THEN payload -> key WHEN 'string' THEN jsonb_build_array(payload -> key) ELSE '[]' END) tag
    ), blocks AS (
        SELECT DISTINCT at, tag FROM named WHERE type IN ('preference_set', 'dislike') AND key IN ('hard_block', 'hard_blocks')
    ), weights AS (
        SELECT at, btrim(key) AS tag, CASE jsonb_typeof(value) WHEN 'number' THEN round(value::numeric, 6) END AS weight
        FROM event, jsonb_each(CASE jsonb_typeof(payload -> 'tag_weights') WHEN 'object' THEN payload -> 'tag_weights' ELSE '{}' END) WHERE type = 'preference_set'
    ), sets AS (
        SELECT at, tag, weight FROM weights w WHERE weight IS NOT NULL AND NOT EXISTS (SELECT FROM blocks b WHERE (b.at, b.tag) = (w.at, w.tag))
    ), unblocks AS (
        SELECT DISTINCT at, tag FROM named n WHERE type = 'preference_set' AND key = 'remove_hard_blocks'
            AND NOT EXISTS (SELECT FROM blocks b WHERE (b.at, b.tag) = (n.at, n.tag)) AND NOT EXISTS (SELECT FROM sets s WHERE (s.at, s.tag) = (n.at, n.tag))
    ), drops AS (
        SELECT at, tag FROM unblocks UNION SELECT at, tag FROM weights w WHERE weight IS NULL AND NOT EXISTS (SELECT FROM blocks b WHERE (b.at, b.tag) = (w.at, w.tag))
    ), additions AS (
        SELECT DISTINCT n.at, tag, CASE WHEN e.type = 'dislike' THEN -1 ELSE 1 END
            * coalesce(CASE jsonb_typeof(payload -> 'weight') WHEN 'number' THEN round((payload -> 'weight')::numeric, 6) END, CASE WHEN e.type = 'download' THEN 0.5 ELSE 1 END) AS weight
        FROM named n JOIN event e USING (at) WHERE e.type IN ('like', 'dislike', 'download') AND key IN ('tag', 'tags')
    ), tags AS (
        SELECT tag FROM blocks UNION SELECT tag FROM sets UNION SELECT tag FROM drops UNION SELECT tag FROM unblocks UNION SELECT tag FROM additions
    ), registers AS (
        SELECT tag,
            coalesce((SELECT max(at) FROM blocks b WHERE b.tag = t.tag) > coalesce((SELECT max(at) FROM unblocks u WHERE u.tag = t.tag), 0), false) AS blocked,
            base.weight AS base,
            (SELECT sum(weight) FROM additions a WHERE a.tag = t.tag AND a.at > coalesce(base.at, 0)) AS added
        FROM tags t LEFT JOIN LATERAL (
            SELECT at, weight FROM (SELECT * FROM sets UNION ALL SELECT at, tag, NULL FROM drops) s WHERE s.tag = t.tag ORDER BY at DESC LIMIT 1) base ON true
    )
    SELECT CASE WHEN NOT EXISTS (SELECT FROM event) THEN '{}' ELSE jsonb_build_object(
        'hard_blocks', (SELECT coalesce(jsonb_agg(tag ORDER BY tag COLLATE "C") FILTER (WHERE blocked), '[]') FROM registers),
        'tag_weights', (SELECT coalesce(jsonb_object_agg(tag, CASE WHEN blocked THEN -999 ELSE coalesce(base, 0) + coalesce(added, 0) END)
            FILTER (WHERE blocked OR base IS NOT NULL OR added IS NOT NULL), '{}') FROM registers),
        'updated_at', (SELECT regexp_replace(to_char(max(mg_created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '\.?0+$', '') || 'Z' FROM event),
        'source', 'mma') END
$$;
-- The managed keys as they are stored; positions aside, they are for mega to read.
CREATE FUNCTION pg_temp.snapshot(who text) RETURNS jsonb LANGUAGE sql AS
    'SELECT coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(mg_mma_preferences) WHERE key IN (''hard_blocks'', ''tag_weights'', ''updated_at'', ''source'')), ''{}'')
     FROM mega_customers WHERE mg_pass_id = who';
CREATE FUNCTION pg_temp.say(who text) RETURNS text LANGUAGE sql AS
    'SELECT concat(''blocks '', s -> ''hard_blocks'', '' weights '', s -> ''tag_weights'') FROM pg_temp.snapshot(''pass:test:events-'' || who) s';
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:events-' || n FROM unnest('{a,b,spec,order,tie,late,app,payload,raw,copy,both,types,future,times,page,none,diff}'::text[]) n;
SELECT created FROM mega_create_generation('pass:test:events-a', 'events-g', type => 'image', provider => 'seedream', prompt => 'a bottle');
SELECT created FROM mega_create_generation('pass:test:events-b', 'events-other');

--
-- The spec's snapshot, made by events.
--
SELECT mg_id, preferences, replayed FROM mega_record_mma_event('pass:test:events-spec', 'like', '{"tags": ["style.minimal"], "weight": 1.8}', event_id => 'events-s1', created_at => '2025-12-19 09:58:00Z');
SELECT mg_id, preferences, replayed FROM mega_record_mma_event('pass:test:events-spec', 'like', '{"tag": "style.editorial_still_life", "weight": 1.4}', event_id => 'events-s2', created_at => '2025-12-19 09:59:00Z');
SELECT mg_id, preferences, replayed FROM mega_record_mma_event('pass:test:events-spec', 'preference_set', '{"hard_blocks": ["motion.light_flicker", "motion.light_flare"]}', event_id => 'events-s3', created_at => '2025-12-19 10:00:00Z');
SELECT mg_mma_preferences, mg_mma_preferences_updated_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS written_now FROM mega_customers WHERE mg_pass_id = 'pass:test:events-spec';
-- the row
SELECT * FROM mega_record_mma_event('pass:test:events-a', 'like', '{"tag": "x", "ui": {"button": 1}}', 'events-g', 'events-1', '2024-01-01 00:00:00Z');
SELECT mg_record_type, mg_pass_id, mg_generation_id, mg_parent_id, mg_meta, mg_payload, mg_mma_vars, mg_status, mg_source_system, mg_created_at = '2024-01-01 00:00:00Z' AS at_its_time, mg_updated_at > '2024-01-02' AS written_now
FROM mega_generations WHERE mg_id = 'mma_event:events-1';
-- nothing but what must be given; ids of its own, times behind one another
SELECT mg_id ~ '^mma_event:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS uuid_v7, preferences -> 'tag_weights' AS weights, replayed FROM mega_record_mma_event('pass:test:events-a', 'create');
SELECT count(*) FROM generate_series(1, 20) n, mega_record_mma_event('pass:test:events-a', 'like', jsonb_build_object('tag', 'n' || n));
SELECT count(*) AS twenty, bool_and(rises) AS times_rise FROM (
    SELECT mg_created_at > lag(mg_created_at, 1, '-infinity') OVER (ORDER BY mg_id COLLATE "C") AS rises FROM mega_generations
    WHERE mg_pass_id = 'pass:test:events-a' AND mg_meta @> '{"event_type": "like"}' AND mg_id <> 'mma_event:events-1') ids;

--
-- The seven types, each with everything in its payload: only what belongs to it has an effect.
--
SELECT type, pg_temp.outcome(format('SELECT * FROM mega_record_mma_event(''pass:test:events-types'', %L, %L)', type,
    jsonb_build_object('tags', jsonb_build_array(type || '.a', ' ' || type || '.a ', type || '.b'), 'tag', type || '.c', 'hard_block', type || '.d', 'hard_blocks', jsonb_build_array(type || '.e'),
        'tag_weights', jsonb_build_object(type || '.f', 7), 'remove_hard_blocks', jsonb_build_array('dislike.d'))))
FROM unnest('{like,dislike,download,create,tweak,feedback,preference_set}'::text[]) type;
SELECT jsonb_pretty(pg_temp.snapshot('pass:test:events-types') - 'updated_at');
SELECT type, pg_temp.outcome(format('SELECT * FROM mega_record_mma_event(''pass:test:events-none'', %L)', type)) FROM unnest('{Like,"like ","",view,NULL}'::text[]) type;
SELECT pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES (''mma_event:events-x'', ''pass:test:events-none'', %L)', meta))
FROM unnest(ARRAY['{"event_type": "view"}', '{"event_type": null}', '{"event_type": ["like"]}', '{"event_type": 1}', '{"type": "like"}', '{}', '[]', '"like"', 'null', NULL]) meta;
-- a payload that is missing, null or an empty object says nothing, and any of an event without effect
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES
    ('mma_event:events-n1', 'pass:test:events-none', '2024-01-01 00:00:01Z', '{"event_type": "like"}'),
    ('mma_event:events-n2', 'pass:test:events-none', '2024-01-01 00:00:02Z', '{"event_type": "like", "payload": null}'),
    ('mma_event:events-n3', 'pass:test:events-none', '2024-01-01 00:00:03Z', '{"event_type": "like", "payload": {}}');
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES ('mma_event:events-n4', 'pass:test:events-none', '2024-01-01 00:00:04Z', '{"event_type": "create", "payload": []}')$$);
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:events-n5', 'pass:test:events-none', '{"event_type": "like", "payload": []}')$$);
SELECT mg_mma_preferences FROM mega_customers WHERE mg_pass_id = 'pass:test:events-none';

--
-- Payloads: what the function says to each, and the SQLSTATE of a raw row that says the same.
--
CREATE TEMP TABLE said AS
SELECT n, what, type, pg_temp.outcome(format('SELECT * FROM mega_record_mma_event(''pass:test:events-payload'', %L, %L, event_id => %L)', type, payload, 'events-f' || n)) AS by_function,
    left(pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES (%L, ''pass:test:events-payload'', %L)',
        'mma_event:events-r' || n, jsonb_build_object('event_type', type, 'payload', payload))), 5) AS raw
FROM (VALUES
    (1, 'tags: a number among them', 'like', '{"tags": ["a", 1]}'::jsonb),
    (2, 'tags: a list in the list', 'like', '{"tags": [["a"]]}'),
    (3, 'tags: an object', 'like', '{"tags": {"a": 1}}'),
    (4, 'tags: an object among them', 'like', '{"tags": [{"a": 1}]}'),
    (5, 'tags: null among them', 'like', '{"tags": [null]}'),
    (6, 'tags: a text', 'dislike', '{"tags": "a"}'),
    (7, 'tags: true', 'download', '{"tags": true}'),
    (8, 'tag: a number', 'like', '{"tag": 5}'),
    (9, 'tag: a list', 'like', '{"tag": ["a"]}'),
    (10, 'tag: empty', 'like', '{"tag": ""}'),
    (11, 'tag: blank', 'like', '{"tags": ["a", "  "]}'),
    (12, 'tag: a control character', 'like', '{"tag": "a\u0007b"}'),
    (13, 'tag: a line break inside', 'like', '{"tag": "a\nb"}'),
    (14, 'tag: 513 bytes', 'like', jsonb_build_object('tag', repeat('x', 513))),
    (15, 'tag: 512 bytes', 'like', jsonb_build_object('tag', repeat('x', 512))),
    (16, 'tag: 512 letters of two bytes', 'like', jsonb_build_object('tag', repeat('ж', 512))),
    (17, 'tags: 1000', 'like', jsonb_build_object('tags', (SELECT jsonb_agg('t' || i) FROM generate_series(1, 1000) i))),
    (18, 'tags: 1001', 'like', jsonb_build_object('tags', (SELECT jsonb_agg('t' || i) FROM generate_series(1, 1001) i))),
    (19, 'tags: 1000 and a tag', 'like', jsonb_build_object('tag', 't'::text, 'tags', (SELECT jsonb_agg('t' || i) FROM generate_series(1, 1000) i))),
    (20, 'tags: 10000', 'like', jsonb_build_object('tags', (SELECT jsonb_agg('t' || i) FROM generate_series(1, 10000) i))),
    (21, 'tags: the same 1001 times', 'like', jsonb_build_object('tags', (SELECT jsonb_agg('t'::text) FROM generate_series(1, 1001) i))),
    (22, 'weights: 600, blocks: 600', 'preference_set', jsonb_build_object('hard_blocks', (SELECT jsonb_agg('t' || i) FROM generate_series(1, 600) i), 'tag_weights', (SELECT jsonb_object_agg('t' || i, 1) FROM generate_series(1, 600) i))),
    (23, 'weight: 0', 'like', '{"tag": "a", "weight": 0}'),
    (24, 'weight: negative', 'like', '{"tag": "a", "weight": -1}'),
    (25, 'weight: above 1000', 'like', '{"tag": "a", "weight": 1000.000001}'),
    (26, 'weight: 1000 when rounded', 'like', '{"tag": "a", "weight": 1000.0000004}'),
    (27, 'weight: 0 when rounded', 'like', '{"tag": "a", "weight": 0.0000004}'),
    (28, 'weight: the smallest', 'like', '{"tag": "a", "weight": 0.0000005}'),
    (29, 'weight: 1e400', 'like', '{"tag": "a", "weight": 1e400}'),
    (30, 'weight: 1e-400', 'dislike', '{"tag": "a", "weight": 1e-400}'),
    (31, 'weight: a text', 'download', '{"tag": "a", "weight": "1"}'),
    (32, 'weight: NaN', 'like', '{"tag": "a", "weight": "NaN"}'),
    (33, 'weight: a boolean', 'like', '{"tag": "a", "weight": true}'),
    (34, 'weight: null', 'like', '{"tag": "a", "weight": null}'),
    (35, 'weight without a tag', 'like', '{"weight": -5}'),
    (36, 'tag_weights: a list', 'preference_set', '{"tag_weights": ["a"]}'),
    (37, 'tag_weights: a text', 'preference_set', '{"tag_weights": {"a": "1"}}'),
    (38, 'tag_weights: NaN', 'preference_set', '{"tag_weights": {"a": "NaN"}}'),
    (39, 'tag_weights: an object', 'preference_set', '{"tag_weights": {"a": {"b": 1}}}'),
    (40, 'tag_weights: 1000 and -1000', 'preference_set', '{"tag_weights": {"a": 1000, "b": -1000}}'),
    (41, 'tag_weights: above 1000', 'preference_set', '{"tag_weights": {"a": 1001}}'),
    (42, 'tag_weights: below -1000', 'preference_set', '{"tag_weights": {"a": -1000.000001}}'),
    (43, 'tag_weights: 1e400', 'preference_set', '{"tag_weights": {"a": 1e400}}'),
    (44, 'tag_weights: -1e400', 'preference_set', '{"tag_weights": {"a": -1e400}}'),
    (45, 'tag_weights: no tag', 'preference_set', '{"tag_weights": {"": 1}}'),
    (46, 'hard_block: a list', 'preference_set', '{"hard_block": ["a"]}'),
    (47, 'hard_blocks: a text', 'dislike', '{"hard_blocks": "a"}'),
    (48, 'hard_blocks: a number among them', 'dislike', '{"hard_blocks": ["a", 3]}'),
    (49, 'remove_hard_blocks: a text', 'preference_set', '{"remove_hard_blocks": "a"}'),
    (50, 'remove_hard_blocks: blank', 'preference_set', '{"remove_hard_blocks": [""]}'),
    (51, 'all members null', 'preference_set', '{"tag_weights": null, "hard_block": null, "hard_blocks": null, "remove_hard_blocks": null}'),
    (52, 'members that do not belong to it', 'like', '{"tag": "a", "hard_blocks": 5, "tag_weights": "x", "remove_hard_blocks": {}}'),
    (53, 'members of a type without effect', 'tweak', '{"tags": 5, "weight": -1, "hard_block": 7}'),
    (54, 'a URL that expires', 'like', '{"tag": "a", "image": "https://b.s3.amazonaws.com/k.png?X-Amz-Signature=0"}'),
    (55, 'a URL that expires, in a type without effect', 'feedback', '{"deep": [{"er": "https://x.supabase.co/storage/v1/object/sign/b/a.png?token=e"}]}'),
    (56, 'a delivery host', 'create', '{"image": "https://replicate.delivery/a.png"}'),
    (57, 'a URL that stays', 'create', '{"image": "https://assets.example.com/a.png"}')
) v(n, what, type, payload);
SELECT n, what, type, by_function, raw FROM said ORDER BY n;
-- what was let in is folded in, and nothing else
SELECT pg_temp.snapshot('pass:test:events-payload') = pg_temp.model('pass:test:events-payload') AS agree,
    (SELECT count(*) FROM mega_generations WHERE mg_pass_id = 'pass:test:events-payload') AS rows, (SELECT count(*) FILTER (WHERE by_function LIKE 'ok%') + count(*) FILTER (WHERE raw LIKE 'ok%') FROM said) AS let_in,
    pg_temp.snapshot('pass:test:events-payload') #> '{tag_weights,a}' AS a;

--
-- Other arguments.
--
SELECT count(*) AS before FROM mega_generations \gset
SELECT what, pg_temp.outcome('SELECT * FROM mega_record_mma_event(' || arguments || ')') FROM (VALUES
    ('unknown customer', $$'pass:test:nobody', 'like'$$),
    ('no pass id', $$NULL, 'like'$$),
    ('blank pass id', $$' ', 'like'$$),
    ('payload: a list', $$'pass:test:events-a', 'like', '["a"]'$$),
    ('payload: JSON null', $$'pass:test:events-a', 'like', 'null'$$),
    ('unknown generation', $$'pass:test:events-a', 'like', generation_id => 'events-none', event_id => 'events-x'$$),
    ('another customer''s generation', $$'pass:test:events-a', 'like', generation_id => 'events-other', event_id => 'events-x'$$),
    ('blank generation', $$'pass:test:events-a', 'like', generation_id => ''$$),
    ('blank event_id', $$'pass:test:events-a', 'like', event_id => ''$$),
    ('long event_id', $$'pass:test:events-a', 'like', event_id => repeat('x', 513)$$),
    ('ten minutes ahead', $$'pass:test:events-a', 'like', created_at => now() + interval '10 minutes'$$),
    ('infinity', $$'pass:test:events-a', 'like', created_at => 'infinity'$$),
    ('-infinity', $$'pass:test:events-a', 'like', created_at => '-infinity'$$)
) v(what, arguments);
SELECT :before = count(*) AS nothing_left FROM mega_generations;
SELECT pg_temp.outcome($$SELECT * FROM mega_record_mma_event('pass:test:events-a', 'like', created_at => now() + interval '4 minutes')$$);
SELECT pg_temp.outcome($$SELECT * FROM mega_record_mma_event('pass:test:events-a', 'like', NULL, 'generation:events-g', 'mma_event:events-2')$$);
SELECT mg_generation_id, mg_meta FROM mega_generations WHERE mg_id = 'mma_event:events-2';
-- raw rows: the customer, the generation, the time
SELECT what, pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_created_at, mg_meta) VALUES (%L, %L, %L, %L, ''{"event_type": "like"}'')', id, who, generation, at))
FROM (VALUES
    ('no customer', 'mma_event:events-x', NULL, NULL, '2024-01-01'),
    ('unknown customer', 'mma_event:events-x', 'pass:test:nobody', NULL, '2024-01-01'),
    ('unknown generation', 'mma_event:events-x', 'pass:test:events-a', 'events-none', '2024-01-01'),
    ('another customer''s generation', 'mma_event:events-x', 'pass:test:events-a', 'events-other', '2024-01-01'),
    ('infinity', 'mma_event:events-x', 'pass:test:events-a', NULL, 'infinity'),
    ('-infinity', 'mma_event:events-x', 'pass:test:events-a', NULL, '-infinity'),
    ('no id', 'mma_event:', 'pass:test:events-a', NULL, '2024-01-01'),
    ('taken id', 'mma_event:events-1', 'pass:test:events-a', NULL, '2024-01-01')
) v(what, id, who, generation, at);

--
-- Replays: the same content under the same id, whatever the time said.
--
SELECT mg_id, preferences #> '{tag_weights,x}' AS x, replayed FROM mega_record_mma_event('pass:test:events-a', 'like', '{"ui": {"button": 1.0}, "tag": "x"}', 'events-g', 'events-1', now() - interval '1 day');
SELECT mg_id, replayed FROM mega_record_mma_event('pass:test:events-none', 'like', event_id => 'events-n1');
SELECT mg_id, replayed FROM mega_record_mma_event('pass:test:events-none', 'like', event_id => 'events-n2');
SELECT what, pg_temp.outcome('SELECT * FROM mega_record_mma_event(' || arguments || ')') FROM (VALUES
    ('other customer', $$'pass:test:events-b', 'like', '{"tag": "x", "ui": {"button": 1}}', 'events-other', event_id => 'events-1'$$),
    ('other type', $$'pass:test:events-a', 'dislike', '{"tag": "x", "ui": {"button": 1}}', 'events-g', event_id => 'events-1'$$),
    ('other payload', $$'pass:test:events-a', 'like', '{"tag": "x"}', 'events-g', event_id => 'events-1'$$),
    ('no payload', $$'pass:test:events-a', 'like', NULL, 'events-g', event_id => 'events-1'$$),
    ('no generation', $$'pass:test:events-a', 'like', '{"tag": "x", "ui": {"button": 1}}', event_id => 'events-1'$$)
) v(what, arguments);

--
-- Order of arrival leaves no trace (I2): the same events forwards, backwards, in one statement.
--
CREATE TEMP TABLE story AS SELECT * FROM (VALUES
    (1, 'like', '{"tags": ["a", "b", "c"]}'::jsonb), (2, 'like', '{"tag": "a", "weight": 0.1}'), (3, 'like', '{"tag": "a", "weight": 0.2}'),
    (4, 'preference_set', '{"tag_weights": {"b": 3.5, "d": -2}}'), (5, 'dislike', '{"tags": ["b", "d"]}'), (6, 'dislike', '{"tag": "c", "hard_block": "c"}'),
    (7, 'like', '{"tag": "c", "weight": 5}'), (8, 'preference_set', '{"remove_hard_blocks": ["c"], "hard_block": "e"}'), (9, 'like', '{"tags": ["c", "e"]}'),
    (10, 'preference_set', '{"tag_weights": {"a": null, "e": 4}, "hard_blocks": ["f"]}'), (11, 'download', '{"tag": "a"}'), (12, 'preference_set', '{"tag_weights": {"f": 2}, "remove_hard_blocks": ["f"]}'),
    (13, 'feedback', '{}')
) v(n, type, payload);
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:events-' || way FROM unnest('{forwards,backwards,mixed,once,odd}'::text[]) way;
SELECT way, count(*) FROM unnest('{forwards,backwards,mixed}'::text[]) way,
    LATERAL (SELECT * FROM story ORDER BY CASE way WHEN 'forwards' THEN n WHEN 'backwards' THEN -n ELSE n * 7 % 13 END) s,
    LATERAL mega_record_mma_event('pass:test:events-' || way, type, payload, event_id => format('events-%s-%s', way, n), created_at => '2024-02-01 00:00:00Z'::timestamptz + n * interval '1 second')
GROUP BY way ORDER BY way;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta)
SELECT format('mma_event:events-once-%s', n), 'pass:test:events-once', '2024-02-01 00:00:00Z'::timestamptz + n * interval '1 second', jsonb_build_object('event_type', type, 'payload', payload) FROM story ORDER BY n % 4, n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta)
SELECT format('mma_event:events-odd-%s', n), 'pass:test:events-odd', '2024-02-01 00:00:00Z'::timestamptz + n * interval '1 second', jsonb_build_object('event_type', type, 'payload', payload) FROM story WHERE n % 2 = 1;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta)
SELECT format('mma_event:events-odd-%s', n), 'pass:test:events-odd', '2024-02-01 00:00:00Z'::timestamptz + n * interval '1 second', jsonb_build_object('event_type', type, 'payload', payload) FROM story WHERE n % 2 = 0;
SELECT way, pg_temp.say(way), pg_temp.snapshot('pass:test:events-' || way) = pg_temp.model('pass:test:events-' || way) AS agree FROM unnest('{forwards,backwards,mixed,once,odd}'::text[]) way;
-- positions too are the same, ids aside
SELECT count(DISTINCT replace((mg_mma_preferences -> 'positions')::text, 'events-' || split_part(mg_pass_id, '-', 2), '')) FROM mega_customers
WHERE mg_pass_id IN ('pass:test:events-forwards', 'pass:test:events-backwards', 'pass:test:events-mixed', 'pass:test:events-once', 'pass:test:events-odd');
-- ties: of two events of one moment the one with the larger id comes last, by bytes: B before a, a before ä
SELECT mg_id FROM mega_record_mma_event('pass:test:events-tie', 'preference_set', '{"tag_weights": {"t": 1}, "hard_block": "u"}', event_id => 'events-tie-a', created_at => '2024-03-01');
SELECT mg_id FROM mega_record_mma_event('pass:test:events-tie', 'preference_set', '{"tag_weights": {"t": 2}, "remove_hard_blocks": ["u"]}', event_id => 'events-tie-B', created_at => '2024-03-01');
SELECT pg_temp.say('tie');
SELECT mg_id FROM mega_record_mma_event('pass:test:events-tie', 'preference_set', '{"tag_weights": {"t": 3}, "remove_hard_blocks": ["u"]}', event_id => 'events-tie-ä', created_at => '2024-03-01');
SELECT pg_temp.say('tie');
SELECT mg_id FROM mega_record_mma_event('pass:test:events-tie', 'like', '{"tag": "t"}', event_id => 'events-tie-C', created_at => '2024-03-01'); -- before the set: void
SELECT mg_id FROM mega_record_mma_event('pass:test:events-tie', 'like', '{"tag": "t"}', event_id => 'events-tie-ö', created_at => '2024-03-01');
SELECT pg_temp.say('tie'), pg_temp.snapshot('pass:test:events-tie') = pg_temp.model('pass:test:events-tie') AS agree;
-- Raw rows may be dated far ahead only in a restore, which pg_dump's output is told by.
\set begin_restore 'SET row_security = off; SET xmloption = content; SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;'
\set end_restore 'RESET row_security; RESET xmloption; RESET statement_timeout; RESET lock_timeout; RESET idle_in_transaction_session_timeout;'
-- an event far ahead: those that follow are late, and additions are none the worse for it
:begin_restore
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES
    ('mma_event:events-far', 'pass:test:events-future', '2999-01-01Z', '{"event_type": "preference_set", "payload": {"tag_weights": {"set": 5}, "hard_block": "blocked"}}');
:end_restore
SELECT preferences -> 'tag_weights' AS weights, preferences ->> 'updated_at' AS updated_at
FROM mega_record_mma_event('pass:test:events-future', 'like', '{"tags": ["new", "set", "blocked"]}');
SELECT preferences -> 'tag_weights' AS weights FROM mega_record_mma_event('pass:test:events-future', 'preference_set', '{"tag_weights": {"set": 1, "blocked": 2, "new": 3}, "remove_hard_blocks": ["blocked"]}');
SELECT pg_temp.say('future'), pg_temp.snapshot('pass:test:events-future') = pg_temp.model('pass:test:events-future') AS agree,
    (SELECT max(mg_created_at) < now() + interval '1 minute' FROM mega_generations WHERE mg_pass_id = 'pass:test:events-future' AND mg_id <> 'mma_event:events-far') AS stamped_by_the_clock;
-- times at the ends of the calendar, fractions of a second
:begin_restore
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta)
SELECT 'mma_event:events-time-' || n, 'pass:test:events-times', at, '{"event_type": "like", "payload": {"tag": "a", "weight": 0.000001}}'
FROM unnest(ARRAY['4714-11-24 00:00:00+00 BC', '0001-01-01 00:00:00+00', '1969-12-31 23:59:59.999999+00', '2000-02-29 12:00:00.5+02', '9999-12-31 23:59:59.999999+00', '294246-12-31 23:59:59.999999+00']::timestamptz[]) WITH ORDINALITY t(at, n);
:end_restore
SELECT mg_mma_preferences FROM mega_customers WHERE mg_pass_id = 'pass:test:events-times';
SELECT (mg_mma_preferences ->> 'updated_at')::timestamptz FROM mega_customers WHERE mg_pass_id = 'pass:test:events-times';
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:events-bc'), ('pass:test:events-end');
SELECT preferences FROM mega_record_mma_event('pass:test:events-bc', 'like', '{"tag": "a"}', event_id => 'events-bc', created_at => '4714-11-24 00:00:00+00 BC');
-- the last years of the calendar lie beyond what counts from 1970: they are one moment, in the order of ids
:begin_restore
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES
    ('mma_event:events-end-2', 'pass:test:events-end', '294276-01-01Z', '{"event_type": "preference_set", "payload": {"tag_weights": {"a": 2}}}'),
    ('mma_event:events-end-1', 'pass:test:events-end', '294276-12-31 23:59:59.999999Z', '{"event_type": "preference_set", "payload": {"tag_weights": {"a": 1}}}');
:end_restore
SELECT preferences FROM mega_record_mma_event('pass:test:events-end', 'like', '{"tag": "a"}');

--
-- Within one event: block beats set beats unblock; a tag named twice counts once; an addition may stand beside a block.
--
SELECT preferences - 'positions' - 'updated_at' AS preferences FROM mega_record_mma_event('pass:test:events-b', 'preference_set',
    '{"hard_blocks": ["p", "q"], "tag_weights": {"p": 1, "r": 2, " r2 ": 2.50}, "remove_hard_blocks": ["p", "q", "r", "s"]}');
SELECT preferences - 'positions' - 'updated_at' AS preferences FROM mega_record_mma_event('pass:test:events-b', 'dislike', '{"tags": ["p", "v", "v", " v"], "tag": "v", "hard_block": "v", "weight": 1.5}');
SELECT preferences - 'positions' - 'updated_at' AS preferences FROM mega_record_mma_event('pass:test:events-b', 'preference_set', '{"tag_weights": {"r": null}, "remove_hard_blocks": ["q"]}');
SELECT preferences - 'positions' - 'updated_at' AS preferences FROM mega_record_mma_event('pass:test:events-b', 'like', '{"tags": ["p", "q", "r", "v"]}');
-- what stood under a block: v was -1.5 and is given 1 since; unblocking drops it
SELECT preferences #> '{positions,tags,v,weight}' AS under_the_block FROM mega_record_mma_event('pass:test:events-b', 'tweak');
SELECT preferences - 'positions' - 'updated_at' AS preferences FROM mega_record_mma_event('pass:test:events-b', 'preference_set', '{"remove_hard_blocks": ["v", "p"]}');
SELECT preferences - 'positions' - 'updated_at' AS preferences FROM mega_record_mma_event('pass:test:events-b', 'like', '{"tags": ["v", "p"], "weight": 0.1}');
SELECT pg_temp.snapshot('pass:test:events-b') = pg_temp.model('pass:test:events-b') AS agree;
-- exact decimals, in shortest form
SELECT preferences -> 'tag_weights' AS weights FROM generate_series(1, 10) n, LATERAL mega_record_mma_event('pass:test:events-order', 'like', '{"tag": "tenth", "weight": 0.1}', event_id => 'events-tenth-' || n) ORDER BY n DESC LIMIT 1;
SELECT preferences -> 'tag_weights' AS weights FROM mega_record_mma_event('pass:test:events-order', 'dislike', '{"tags": ["tenth", "half"], "weight": 1.0000005}');
SELECT preferences -> 'tag_weights' AS weights FROM mega_record_mma_event('pass:test:events-order', 'preference_set', '{"tag_weights": {"e": 1.5e2, "z": 0.00, "m": -0.0000001, "n": 12.340}}');

--
-- The application's own keys are left alone; the managed ones are nobody's to write (MG006).
--
UPDATE mega_customers SET mg_mma_preferences = '{"theme": "dark", "nested": {"hard_blocks": [1]}}' WHERE mg_pass_id = 'pass:test:events-app';
SELECT preferences - 'positions' AS preferences FROM mega_record_mma_event('pass:test:events-app', 'like', '{"tag": "a"}', event_id => 'events-app-1', created_at => '2024-01-01 00:00:00Z');
UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"theme": "light", "more": 1}' WHERE mg_pass_id = 'pass:test:events-app';
SELECT preferences - 'positions' AS preferences FROM mega_record_mma_event('pass:test:events-app', 'like', '{"tag": "a"}', event_id => 'events-app-2', created_at => '2024-01-01 00:00:01Z');
UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences - 'more' WHERE mg_pass_id = 'pass:test:events-app';
SELECT what, left(pg_temp.outcome(format('UPDATE mega_customers SET mg_mma_preferences = %s WHERE mg_pass_id = ''pass:test:events-app''', value)), 80) FROM (VALUES
    ('a weight', $$jsonb_set(mg_mma_preferences, '{tag_weights,a}', '9')$$),
    ('blocks', $$mg_mma_preferences || '{"hard_blocks": ["a"]}'$$),
    ('updated_at', $$mg_mma_preferences || '{"updated_at": "2024-01-01T00:00:02Z"}'$$),
    ('source', $$mg_mma_preferences - 'source'$$),
    ('positions', $$mg_mma_preferences - 'positions'$$),
    ('all of it', $$'{}'$$),
    ('the same', $$mg_mma_preferences || '{"tag_weights": {"a": 2.0}}'$$)
) v(what, value);
SELECT mg_mma_preferences - 'positions' AS preferences FROM mega_customers WHERE mg_pass_id = 'pass:test:events-app';

--
-- Raw rows, several at once and together with credits; COPY; upserts.
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at, mg_meta) VALUES
    ('mma_event:events-both-1', 'pass:test:events-both', NULL, '2024-01-01 00:00:03Z', '{"event_type": "like", "payload": {"tag": "a"}}'),
    ('credit_transaction:events-both-1', 'pass:test:events-both', 7, '2024-01-01 00:00:02Z', '{}'),
    ('mma_event:events-both-2', 'pass:test:events-both', NULL, '2024-01-01 00:00:01Z', '{"event_type": "preference_set", "payload": {"tag_weights": {"a": 10}}}'),
    ('mma_event:events-raw-1', 'pass:test:events-raw', NULL, '2024-01-01 00:00:01Z', '{"event_type": "like", "payload": {"tag": "b"}}'),
    ('credit_transaction:events-both-2', 'pass:test:events-both', -2, '2024-01-01 00:00:02Z', '{}'),
    ('generation:events-both', 'pass:test:events-both', NULL, '2024-01-01 00:00:00Z', '{}');
SELECT mg_pass_id, mg_credits, mg_mma_preferences -> 'tag_weights' AS weights, mg_mma_preferences ->> 'updated_at' AS updated_at FROM mega_customers WHERE mg_pass_id IN ('pass:test:events-both', 'pass:test:events-raw') ORDER BY 1;
COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_created_at, mg_meta) FROM stdin (DELIMITER '|');
mma_event:events-copy-1|pass:test:events-copy|\N|2024-01-01 00:00:03Z|{"event_type": "dislike", "payload": {"tags": ["a", "b"], "hard_block": "c"}}
credit_transaction:events-copy-1|pass:test:events-copy|5|2024-01-01 00:00:03Z|{}
mma_event:events-copy-2|pass:test:events-raw|\N|2024-01-01 00:00:00Z|{"event_type": "preference_set", "payload": {"tag_weights": {"b": 4}}}
mma_event:events-copy-3|pass:test:events-copy|\N|2024-01-01 00:00:04Z|{"event_type": "preference_set", "payload": {"remove_hard_blocks": ["c"]}}
\.
SELECT mg_pass_id, mg_credits, mg_mma_preferences - 'positions' AS preferences FROM mega_customers WHERE mg_pass_id IN ('pass:test:events-copy', 'pass:test:events-raw') ORDER BY 1;
-- one bad event, and nothing of the statement is left, credits neither
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES
    ('credit_transaction:events-bad', 'pass:test:events-both', 100, '{}'), ('mma_event:events-bad', 'pass:test:events-both', NULL, '{"event_type": "like", "payload": {"weight": 0, "tag": "a"}}')$$);
COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta) FROM stdin (DELIMITER '|');
credit_transaction:events-bad|pass:test:events-copy|5|{}
mma_event:events-bad|pass:test:events-copy|\N|{"event_type": "like", "payload": {"tags": [1]}}
\.
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id IN ('pass:test:events-both', 'pass:test:events-copy') ORDER BY 1;
-- an upsert counts what goes in, not what is there
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES
    ('mma_event:events-raw-1', 'pass:test:events-raw', '2024-01-01 00:00:01Z', '{"event_type": "like", "payload": {"tag": "b"}}'),
    ('mma_event:events-raw-2', 'pass:test:events-raw', '2024-01-01 00:00:05Z', '{"event_type": "like", "payload": {"tag": "b"}}')
ON CONFLICT DO NOTHING;
WITH first AS (
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES ('mma_event:events-raw-3', 'pass:test:events-raw', '2024-01-01 00:00:07Z', '{"event_type": "like", "payload": {"tag": "c"}}') RETURNING mg_id
)
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) SELECT 'mma_event:events-raw-4', 'pass:test:events-raw', '2024-01-01 00:00:06Z', '{"event_type": "preference_set", "payload": {"tag_weights": {"c": 2}}}' FROM first;
SELECT pg_temp.say('raw');
-- a savepoint rolled back takes its events along
BEGIN;
SELECT mg_id FROM mega_record_mma_event('pass:test:events-raw', 'like', '{"tag": "kept"}', event_id => 'events-raw-5');
SAVEPOINT s;
SELECT mg_id FROM mega_record_mma_event('pass:test:events-raw', 'like', '{"tag": "gone"}', event_id => 'events-raw-6');
ROLLBACK TO SAVEPOINT s;
SELECT mg_id, preferences -> 'tag_weights' AS weights FROM mega_record_mma_event('pass:test:events-raw', 'like', '{"tag": "kept"}', event_id => 'events-raw-7');
COMMIT;
SELECT pg_temp.say('raw');
-- an event is a fact: its mark of deletion changes nothing of its effect
UPDATE mega_generations SET mg_deleted_at = '2024-04-01' WHERE mg_id = 'mma_event:events-raw-7';
SELECT assignment, split_part(pg_temp.outcome(format('UPDATE mega_generations SET %s WHERE mg_id = ''mma_event:events-raw-7''', assignment)), ' | ', 1)
FROM unnest(ARRAY[$$mg_meta = '{"event_type": "like"}'$$, $$mg_meta = mg_meta || '{"note": 1}'$$, $$mg_created_at = now()$$, $$mg_generation_id = 'events-g'$$, $$mg_pass_id = 'pass:test:events-a'$$, $$mg_error = 'e'$$]) assignment;
SELECT pg_temp.say('raw');
-- many tags, many events
SELECT count(*) FROM generate_series(1, 300) n, LATERAL mega_record_mma_event('pass:test:events-late', 'like', jsonb_build_object('tags', (SELECT jsonb_agg('t' || (n * i) % 97) FROM generate_series(1, 20) i), 'weight', 0.25 + n % 3),
    created_at => '2024-01-01 00:00:00Z'::timestamptz + (n * 37 % 301) * interval '1 second');
SELECT count(*) FROM generate_series(1, 40) n, LATERAL mega_record_mma_event('pass:test:events-late', 'preference_set', jsonb_build_object('tag_weights', jsonb_build_object('t' || n, n), 'hard_block', 't' || (n + 40)),
    created_at => '2024-01-01 00:00:00Z'::timestamptz + (n * 7) * interval '1 second');
SELECT pg_temp.snapshot('pass:test:events-late') = pg_temp.model('pass:test:events-late') AS agree;

--
-- mega_mma_events and mega_likes
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_type, mg_provider, mg_prompt, mg_output_url) VALUES
    ('generation:events-p1', 'pass:test:events-page', 'image', 'seedream', 'one', 'https://assets.example.com/1.png'), ('generation:events-p2', 'pass:test:events-page', 'motion', 'kling', 'two', NULL);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_generation_id, mg_meta)
SELECT 'mma_event:events-p' || n, 'pass:test:events-page', '2024-05-01 00:00:00Z'::timestamptz + n / 2 * interval '1 minute', -- two at a time
    CASE WHEN n < 5 THEN 'events-p' || n % 2 + 1 END, jsonb_build_object('event_type', (ARRAY['like', 'dislike', 'like', 'download'])[n % 4 + 1], 'payload', jsonb_build_object('tag', 't' || n))
FROM generate_series(1, 9) n;
SELECT mg_id, mg_created_at, mg_event_type, mg_generation_id, mg_meta, next_cursor FROM mega_mma_events('pass:test:events-page');
SELECT mg_id, mg_event_type FROM mega_mma_events('pass:test:events-page', event_type => 'like');
SELECT mg_id, mg_created_at, mg_generation_id, mg_type, mg_provider, mg_output_url, mg_prompt, next_cursor FROM mega_likes('pass:test:events-page');
-- page by page: all of it, once, in order
CREATE FUNCTION pg_temp.pages(function text, size integer, more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    cursor_now text;
    page text;
    said text := '';
BEGIN
    LOOP
        EXECUTE format('SELECT string_agg(split_part(mg_id, ''-'', 2), '' ''), min(next_cursor) FROM %s(''pass:test:events-page'', %s, %L%s)', function, size, cursor_now, more) INTO page, cursor_now;
        said := said || '[' || coalesce(page, '') || ']';
        EXIT WHEN cursor_now IS NULL;
    END LOOP;
    RETURN said;
END
$$;
SELECT function, size, pg_temp.pages(function, size) FROM unnest('{mega_mma_events,mega_likes}'::text[]) function, unnest('{1,2,3,4,5,8,9,10}'::integer[]) size;
SELECT pg_temp.pages('mega_mma_events', 2, ', ''dislike''');
UPDATE mega_generations SET mg_deleted_at = '2024-06-01' WHERE mg_id IN ('mma_event:events-p4', 'mma_event:events-p6');
SELECT function, pg_temp.pages(function, 3) FROM unnest('{mega_mma_events,mega_likes}'::text[]) function;
SELECT what, pg_temp.outcome('SELECT * FROM ' || call) FROM (VALUES
    ('no pass id', 'mega_mma_events(NULL)'), ('blank pass id', 'mega_likes('''')'), ('size 0', 'mega_likes(''pass:test:events-page'', 0)'), ('size 1001', 'mega_mma_events(''pass:test:events-page'', 1001)'),
    ('size NULL', 'mega_mma_events(''pass:test:events-page'', NULL)'), ('no cursor', 'mega_mma_events(''pass:test:events-page'', page_cursor => ''x'')'), ('empty cursor', 'mega_likes(''pass:test:events-page'', page_cursor => '''')'),
    ('unknown type', 'mega_mma_events(''pass:test:events-page'', event_type => ''view'')'), ('nobody', 'mega_likes(''pass:test:nobody'')')
) v(what, call);

--
-- mega_reconcile_preferences: nothing, until somebody goes behind mega's back.
--
SELECT * FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:events-%';
-- nor does plain SQL find a difference
SELECT mg_pass_id FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:events-%' AND mg_pass_id NOT IN ('pass:test:events-bc', 'pass:test:events-end') AND pg_temp.snapshot(mg_pass_id) IS DISTINCT FROM pg_temp.model(mg_pass_id) ORDER BY 1;
SELECT mg_id FROM mega_record_mma_event('pass:test:events-diff', 'like', '{"tag": "a"}', event_id => 'events-diff', created_at => '2024-01-01 00:00:00Z');
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE mega_customers SET mg_mma_preferences = jsonb_set(mg_mma_preferences, '{tag_weights,a}', '2') || '{"theme": "dark"}' WHERE mg_pass_id = 'pass:test:events-diff';
UPDATE mega_customers SET mg_mma_preferences = '{}' WHERE mg_pass_id = 'pass:test:events-app';
SET LOCAL session_replication_role = origin;
SELECT mg_pass_id, stored, folded FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:events-%';
SELECT mg_pass_id FROM mega_reconcile_preferences('pass:test:events-diff');
SELECT mg_pass_id FROM mega_reconcile_preferences('pass:test:events-spec');
SELECT mg_pass_id FROM mega_reconcile_preferences('pass:test:nobody');
ROLLBACK;
SELECT * FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:events-%';
SELECT * FROM mega_reconcile_credits();
