-- One status: mg_status follows mg_mma_status; done and error come by mega_complete_generation and mega_fail_generation;
-- the first error and the finished output stay.
-- Customers of this file: pass:test:statuses
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS mega;
\set VERBOSITY sqlstate
\pset null NULL
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/outcome.psql'
\i :opening
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS
    'SELECT concat_ws('' '', coalesce(mg_mma_status, ''NULL''), coalesce(mg_status, ''NULL''), mg_error, mg_output_url) FROM mega_generations WHERE mg_id = ''generation:statuses-'' || id';
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:statuses');

--
-- A raw row: NULL is filled, a word is not
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status, mg_status)
SELECT 'generation:statuses-i-' || coalesce(s, 'none') || '-' || coalesce(o, 'none'), 'pass:test:statuses', s, o
FROM unnest('{NULL,queued,scanning,postscan,done,error}'::text[]) s, unnest('{NULL,pending,succeeded,failed,rendering,""}'::text[]) o;
SELECT mg_mma_status, string_agg(coalesce(nullif(split_part(mg_id, '-', 4), ''), 'empty') || ' -> ' || coalesce(quote_literal(mg_status), 'NULL'), ', ' ORDER BY mg_id COLLATE "C") AS given_and_stored
FROM mega_generations WHERE mg_id LIKE 'generation:statuses-i-%' GROUP BY 1 ORDER BY min(mg_created_at);
-- only generations have one
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('session:statuses', 'pass:test:statuses', 'queued');
SELECT mg_status FROM mega_generations WHERE mg_id = 'session:statuses';

--
-- A raw move: the three words follow, others stay, and who writes both is believed
--
CREATE TABLE pg_temp.ways AS SELECT row_number() OVER () AS n, came_from, goes_to, stored FROM (VALUES ('queued', 'scanning'), ('postscan', 'done'), ('generating', 'error'), ('error', 'done')) m(came_from, goes_to),
    unnest('{NULL,pending,succeeded,failed,rendering}'::text[]) stored;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status, mg_output_url) SELECT 'generation:statuses-u-' || n, 'pass:test:statuses', came_from, 'https://assets.example.com/u.png' FROM pg_temp.ways;
UPDATE mega_generations g SET mg_status = w.stored FROM pg_temp.ways w WHERE g.mg_id = 'generation:statuses-u-' || w.n;
UPDATE mega_generations g SET mg_mma_status = w.goes_to FROM pg_temp.ways w WHERE g.mg_id = 'generation:statuses-u-' || w.n;
SELECT came_from, goes_to, string_agg(coalesce(stored, 'NULL') || ' -> ' || coalesce(mg_status, 'NULL'), ', ' ORDER BY w.n) AS was_and_is
FROM pg_temp.ways w JOIN mega_generations g ON g.mg_id = 'generation:statuses-u-' || w.n GROUP BY 1, 2 ORDER BY min(w.n);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:statuses-both', 'pass:test:statuses', 'queued'), ('generation:statuses-null', 'pass:test:statuses', 'queued');
UPDATE mega_generations SET mg_mma_status = 'scanning', mg_status = 'scanning' WHERE mg_id = 'generation:statuses-both' RETURNING mg_status;
UPDATE mega_generations SET mg_mma_status = 'prompting' WHERE mg_id = 'generation:statuses-both' RETURNING mg_status;
UPDATE mega_generations SET mg_mma_status = 'error', mg_status = NULL WHERE mg_id = 'generation:statuses-null' RETURNING mg_status;
-- mg_status alone moves nothing, and nothing follows a status that stays
UPDATE mega_generations SET mg_status = 'failed' WHERE mg_id = 'generation:statuses-both' RETURNING mg_mma_status, mg_status;
UPDATE mega_generations SET mg_mma_status = 'prompting', mg_prompt = 'again' WHERE mg_id = 'generation:statuses-both' RETURNING mg_mma_status, mg_status;

--
-- mega_update_generation ends nothing
--
SELECT created FROM mega_create_generation('pass:test:statuses', 'statuses-1');
SELECT pg_temp.outcome($$SELECT mega_update_generation('statuses-1', 'done')$$);
SELECT pg_temp.outcome($$SELECT mega_update_generation('statuses-1', 'error', fields => '{"error": "no"}')$$);
SELECT pg_temp.told('1');
SELECT * FROM mega_update_generation('statuses-1', 'postscan');
SELECT * FROM mega_complete_generation('statuses-1', 'https://assets.example.com/1.png');
SELECT pg_temp.told('1');
SELECT pg_temp.outcome($$SELECT mega_update_generation('statuses-1', 'done')$$) AS not_even_where_it_stands;

--
-- The finished output stays; what else there is to say of it may change
--
SELECT what, pg_temp.outcome(format($$SELECT mega_update_generation('statuses-1', fields => '{"output_url": %s, "title": "%s"}')$$, url, what)) FROM (VALUES
    ('another', '"https://assets.example.com/2.png"'), ('none', 'null'), ('the same', '"https://assets.example.com/1.png"')) v(what, url);
SELECT pg_temp.outcome($$SELECT mega_update_generation('statuses-1', fields => '{"mg_output_url": "https://assets.example.com/2.png"}')$$);
SELECT pg_temp.outcome($$SELECT mega_complete_generation('statuses-1', 'https://assets.example.com/2.png')$$);
SELECT pg_temp.outcome($$SELECT mega_fail_generation('statuses-1', 'too late')$$);
SELECT pg_temp.told('1'), mg_title FROM mega_generations WHERE mg_id = 'generation:statuses-1';
-- not finished, or finished by a row that has none: it may be given
SELECT created FROM mega_create_generation('pass:test:statuses', 'statuses-2');
SELECT * FROM mega_update_generation('statuses-2', fields => '{"output_url": "https://assets.example.com/preview.png"}');
SELECT * FROM mega_update_generation('statuses-2', fields => '{"output_url": "https://assets.example.com/better.png"}');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:statuses-3', 'pass:test:statuses', 'done');
SELECT * FROM mega_update_generation('statuses-3', fields => '{"output_url": "https://assets.example.com/3.png"}');
SELECT pg_temp.outcome($$SELECT mega_update_generation('statuses-3', fields => '{"output_url": "https://assets.example.com/4.png"}')$$);

--
-- A step may say error, and does not finish
--
SELECT count(*) FROM generate_series(1, 6) n, mega_create_generation('pass:test:statuses', 'statuses-s' || n);
SELECT pg_temp.outcome($$SELECT mega_append_mma_step('statuses-s1', 'postscan', mma_status => 'done')$$), (SELECT count(*) FROM mega_generation_steps('statuses-s1')) AS steps;
SELECT mg_step_no FROM mega_append_mma_step('statuses-s1', 'seedream_generate', error => '{"message": "timed out", "code": 504}', mma_status => 'error');
SELECT mg_step_no FROM mega_append_mma_step('statuses-s2', 'seedream_generate', error => '{"code": 504}', mma_status => 'error');
SELECT mg_step_no FROM mega_append_mma_step('statuses-s3', 'seedream_generate', error => '"refused"', mma_status => 'error');
SELECT mg_step_no FROM mega_append_mma_step('statuses-s4', 'seedream_generate', mma_status => 'error');
SELECT mg_step_no FROM mega_append_mma_step('statuses-s5', 'seedream_generate', error => '{"message": "tried again"}'); -- the pipeline goes on
SELECT mg_step_no FROM mega_append_mma_step('statuses-s6', 'seedream_generate', error => '{"message": ["no", "text"]}', mma_status => 'error');
SELECT n, pg_temp.told('s' || n) FROM generate_series(1, 6) n;
-- another one has another error: the first stays
SELECT mg_step_no FROM mega_append_mma_step('statuses-s1', 'seedream_generate', error => '{"message": "again"}', mma_status => 'error');
SELECT pg_temp.told('s1');

--
-- mega_fail_generation behind a step or a row that said error
--
SELECT n, mg_mma_status, pg_temp.told('s' || n) AS before FROM generate_series(1, 5) n, mega_fail_generation('statuses-s' || n, 'given up');
SELECT n, pg_temp.told('s' || n) FROM generate_series(1, 5) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status, mg_status, mg_error) VALUES
    ('generation:statuses-r1', 'pass:test:statuses', 'error', 'pending', NULL),
    ('generation:statuses-r2', 'pass:test:statuses', 'error', 'error', 'the row said so'),
    ('generation:statuses-r3', 'pass:test:statuses', 'error', 'failed', ' ');
SELECT n, mg_mma_status FROM generate_series(1, 3) n, mega_fail_generation('statuses-r' || n, 'given up');
SELECT n, pg_temp.told('r' || n) FROM generate_series(1, 3) n;
-- again: no change
SELECT md5(g::text) AS before FROM mega_generations g WHERE mg_id = 'generation:statuses-r1' \gset
SELECT mg_mma_status FROM mega_fail_generation('statuses-r1', 'once more');
SELECT md5(g::text) = :'before' AS unchanged FROM mega_generations g WHERE mg_id = 'generation:statuses-r1';
-- a result that comes late clears it
SELECT mg_mma_status FROM mega_complete_generation('statuses-r1', 'https://assets.example.com/late.png');
SELECT pg_temp.told('r1');
