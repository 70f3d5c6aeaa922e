-- mega_likes: what a customer likes now; an undo takes a like or dislike back; deleted generations and words are gone.
-- Customers of this file: pass:test:likes-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SET datestyle = 'ISO';
CREATE FUNCTION pg_temp.liked(who text DEFAULT 'a') RETURNS text LANGUAGE sql AS
    $$SELECT coalesce(string_agg(split_part(mg_generation_id, '-', 2), ' '), 'nothing') FROM mega_likes('pass:test:likes-' || who)$$;
CREATE FUNCTION pg_temp.weights(who text DEFAULT 'a') RETURNS jsonb LANGUAGE sql AS
    $$SELECT mg_mma_preferences -> 'tag_weights' FROM mega_customers WHERE mg_pass_id = 'pass:test:likes-' || who$$;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:likes-' || n FROM unnest('{a,b,many,one}'::text[]) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_type, mg_prompt, mg_output_url) SELECT 'generation:likes-' || n, 'pass:test:likes-a', 'image', 'p' || n, 'https://assets.example.com/' || n || '.png' FROM generate_series(1, 4) n;

--
-- The last word counts, and each generation is there once
--
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t"}', 'likes-1');
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t"}', 'likes-2');
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t"}', 'likes-1'); -- twice
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t"}'); -- of nothing
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'download', '{}', 'likes-2'); -- is no word on it
SELECT mg_generation_id, mg_type, mg_provider, mg_output_url, mg_prompt, next_cursor FROM mega_likes('pass:test:likes-a');
SELECT pg_temp.weights();
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'dislike', '{"tag": "t"}', 'likes-1');
SELECT pg_temp.liked(), pg_temp.weights();
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t"}', 'likes-1');
SELECT pg_temp.liked(), pg_temp.weights();
-- an event that comes late is not the last word
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'dislike', '{}', 'likes-2', created_at => now() - interval '1 day');
SELECT pg_temp.liked();

--
-- An undo: out of the list, the opposite weight, and no word of its own
--
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t", "undo": true}', 'likes-1');
SELECT pg_temp.liked(), pg_temp.weights();
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'dislike', '{"tags": ["t", "u"], "weight": 2.5}', 'likes-3');
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'dislike', '{"tags": ["t", "u"], "weight": 2.5, "undo": true}', 'likes-3');
SELECT pg_temp.liked(), pg_temp.weights();
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t", "undo": false}', 'likes-3');
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-a', 'like', '{"tag": "t", "undo": null}', 'likes-4');
SELECT pg_temp.liked(), pg_temp.weights();
-- an undo blocks nothing
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-b', 'dislike', '{"tag": "v", "hard_block": "w"}');
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-b', 'dislike', '{"tag": "v", "hard_block": "x", "undo": true}');
SELECT pg_temp.weights('b');
-- elsewhere it means nothing, and it is true or false
SELECT count(*) FROM mega_record_mma_event('pass:test:likes-b', 'download', '{"tag": "v", "undo": "yes"}');
SELECT pg_temp.weights('b');
SELECT pg_temp.outcome($$SELECT mega_record_mma_event('pass:test:likes-b', 'like', '{"tag": "v", "undo": "yes"}')$$);
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:likes-bad', 'pass:test:likes-b', '{"event_type": "dislike", "payload": {"undo": 1}}')$$);
-- raw rows say the same
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta) VALUES
    ('mma_event:likes-r1', 'pass:test:likes-a', 'likes-4', '{"event_type": "like", "payload": {"tag": "t", "undo": true}}');
SELECT pg_temp.liked(), pg_temp.weights();
SELECT * FROM mega_reconcile_preferences() WHERE mg_pass_id LIKE 'pass:test:likes-%';

--
-- Deleted: the generation, or the word
--
SELECT * FROM mega_delete_generation('likes-2');
SELECT pg_temp.liked();
UPDATE mega_generations SET mg_deleted_at = NULL WHERE mg_id = 'generation:likes-2';
SELECT pg_temp.liked();
UPDATE mega_generations SET mg_deleted_at = now() WHERE mg_id = 'mma_event:likes-r1'; -- the undo is gone, the like stands again
SELECT pg_temp.liked();

--
-- Pages: many words on few generations, and very many on one
--
INSERT INTO mega_generations (mg_id, mg_pass_id) SELECT 'generation:likes-m' || n, 'pass:test:likes-many' FROM generate_series(1, 60) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_generation_id, mg_meta)
SELECT 'mma_event:likes-m' || n, 'pass:test:likes-many', '2024-05-01 00:00:00Z'::timestamptz + n / 2 * interval '1 minute', 'likes-m' || n * 7 % 60 + 1,
    jsonb_build_object('event_type', (ARRAY['like', 'dislike', 'like', 'download', 'like'])[n * 11 % 5 + 1], 'payload', jsonb_build_object('undo', n % 9 = 0)) FROM generate_series(1, 3000) n;
INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:likes-o', 'pass:test:likes-one');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_generation_id, mg_meta)
SELECT 'mma_event:likes-o' || n, 'pass:test:likes-one', '2024-05-01 00:00:00Z'::timestamptz + n * interval '1 minute', 'likes-o', '{"event_type": "like"}' FROM generate_series(1, 2500) n;
SELECT mg_id, next_cursor FROM mega_likes('pass:test:likes-one', 1);
-- what the list should be, said in SQL
CREATE TEMP TABLE wanted AS SELECT DISTINCT ON (mg_generation_id) mg_id, mg_created_at, mg_meta FROM mega_generations
WHERE mg_pass_id = 'pass:test:likes-many' AND mg_record_type = 'mma_event' AND mg_meta ->> 'event_type' IN ('like', 'dislike') ORDER BY mg_generation_id, mg_created_at DESC, mg_id COLLATE "C" DESC;
DELETE FROM wanted WHERE mg_meta ->> 'event_type' <> 'like' OR mg_meta #> '{payload,undo}' = 'true';
CREATE FUNCTION pg_temp.pages(size integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    cursor_now text;
    said text := '';
    page text;
BEGIN
    LOOP
        SELECT string_agg(mg_id, ' '), min(next_cursor) INTO page, cursor_now FROM mega_likes('pass:test:likes-many', size, cursor_now);
        said := concat_ws(' ', nullif(said, ''), page);
        EXIT WHEN cursor_now IS NULL;
    END LOOP;
    RETURN said;
END
$$;
SELECT count(*) BETWEEN 10 AND 50 AS some FROM wanted;
SELECT size, pg_temp.pages(size) = (SELECT string_agg(mg_id, ' ' ORDER BY mg_created_at DESC, mg_id COLLATE "C" DESC) FROM wanted) AS as_wanted FROM unnest('{1,2,3,7,20,50,1000}'::integer[]) size;
