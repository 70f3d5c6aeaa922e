-- Reading: mega_generation_history, the spec's queries (section 9) word for word, and notices of status (mega.notify).
-- Customers of this file: pass:test:history-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SET datestyle = 'ISO';
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:history-' || n FROM unnest('{a,b,none,told}'::text[]) n;
-- Twelve generations, two at a time of one moment; the third is marked deleted.
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_type, mg_provider, mg_prompt, mg_output_url, mg_mma_mode, mg_mma_status, mg_mma_vars, mg_deleted_at)
SELECT 'generation:history-' || to_char(n, 'FM00'), 'pass:test:history-a', '2024-05-01 00:00:00Z'::timestamptz + n / 2 * interval '1 minute',
    CASE WHEN n % 3 = 0 THEN 'motion' ELSE 'image' END, CASE WHEN n % 3 = 0 THEN 'kling' ELSE 'seedream' END, 'prompt ' || n,
    CASE WHEN n % 4 = 0 THEN 'https://assets.example.com/' || n || '.png' END, CASE WHEN n % 3 = 0 THEN 'video' ELSE 'still' END,
    CASE WHEN n % 4 = 0 THEN 'done' WHEN n % 4 = 1 THEN 'error' ELSE 'queued' END, jsonb_build_object('n', n), CASE WHEN n = 3 THEN '2024-06-01Z'::timestamptz END
FROM generate_series(1, 12) n;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at) VALUES ('generation:history-other', 'pass:test:history-b', '2024-05-01 00:03:00Z'), ('session:history-s', 'pass:test:history-a', '2024-05-01 00:03:00Z');

--
-- The whole history, and a part of it.
--
SELECT * FROM mega_generation_history('pass:test:history-a');
SELECT mg_id, mg_mma_mode FROM mega_generation_history('pass:test:history-a', mma_mode => 'video');
SELECT mg_id, mg_mma_status FROM mega_generation_history('pass:test:history-a', mma_status => 'done');
SELECT mg_id, mg_mma_mode, mg_mma_status FROM mega_generation_history('pass:test:history-a', mma_mode => 'still', mma_status => 'queued');
SELECT count(*) FROM mega_generation_history('pass:test:history-none');
SELECT count(*) FROM mega_generation_history('pass:test:nobody');

-- since is inclusive, until exclusive
SELECT s.since, u.until, (SELECT string_agg(split_part(mg_id, '-', 2), ' ') FROM mega_generation_history('pass:test:history-a', since => s.since, until => u.until)) AS found
FROM unnest('{NULL,2024-05-01 00:02:00Z,2024-05-01 00:04:00Z}'::timestamptz[]) s(since), unnest('{NULL,2024-05-01 00:04:00Z,2024-05-01 00:02:00Z,infinity}'::timestamptz[]) u(until);

--
-- Pages: every size gives every row once, in order.
--
CREATE FUNCTION pg_temp.pages(size integer, more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    cursor_now text;
    cursors integer;
    page text;
    said text := '';
BEGIN
    LOOP
        EXECUTE format('SELECT string_agg(split_part(mg_id, ''-'', 2), '' ''), min(next_cursor), count(DISTINCT coalesce(next_cursor, '''')) FROM mega_generation_history(''pass:test:history-a'', %s, %L%s)', size, cursor_now, more)
        INTO page, cursor_now, cursors;
        said := said || format('[%s]', page) || CASE WHEN cursors > 1 THEN ' cursors differ' ELSE '' END;
        EXIT WHEN cursor_now IS NULL;
    END LOOP;
    RETURN said;
END
$$;
SELECT size, pg_temp.pages(size) FROM unnest('{1,2,3,5,10,11,12,1000}'::integer[]) size;
SELECT pg_temp.pages(2, $$, since => '2024-05-01 00:02:00Z', until => '2024-05-01 00:05:00Z'$$), pg_temp.pages(1, $$, until => '2024-05-01 00:02:00Z'$$);
SELECT pg_temp.pages(2, ', ''still'''), pg_temp.pages(1, ', NULL, ''done'''), pg_temp.pages(2, ', ''video'', ''queued''');
-- what comes in meanwhile does not move the pages behind the cursor
SELECT next_cursor FROM mega_generation_history('pass:test:history-a', 4) LIMIT 1 \gset
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at) VALUES ('generation:history-99', 'pass:test:history-a', '2024-05-02 00:00:00Z');
SELECT mg_id FROM mega_generation_history('pass:test:history-a', 4, :'next_cursor');
-- a cursor tells a place, so that it serves another size and another filter as well
SELECT mg_id FROM mega_generation_history('pass:test:history-a', 3, :'next_cursor', 'video');
SELECT what, pg_temp.outcome('SELECT * FROM mega_generation_history(' || arguments || ')') FROM (VALUES
    ('no pass id', 'NULL'),
    ('blank pass id', ''''''),
    ('size 0', '''pass:test:history-a'', 0'),
    ('size -1', '''pass:test:history-a'', -1'),
    ('size 1001', '''pass:test:history-a'', 1001'),
    ('size NULL', '''pass:test:history-a'', NULL'),
    ('no cursor', '''pass:test:history-a'', 5, ''x'''),
    ('half a cursor', '''pass:test:history-a'', 5, ''m16'''),
    ('a cursor without its end', '''pass:test:history-a'', 5, ''m1307c'''),
    ('another mode', '''pass:test:history-a'', mma_mode => ''audio'''),
    ('another status', '''pass:test:history-a'', mma_status => ''ready''')
) v(what, arguments);
-- it is read with the caller's rights
CREATE ROLE regress_history_reader;
SET ROLE regress_history_reader;
SELECT count(*) FROM mega_generation_history('pass:test:history-a');
RESET ROLE;
DROP ROLE regress_history_reader;

--
-- The spec's queries, as they stand there.
--
INSERT INTO mega_generations (mg_id, mg_created_at, mg_step_type, mg_payload) VALUES
    ('mma_step:history-04:1', '2024-05-01 00:02:02Z', 'seedream_generate', '{"input": {"prompt": "p"}, "output": {"url": "https://assets.example.com/4.png"}, "timing": {"duration_ms": 1234}, "error": null}'),
    ('mma_step:history-04:0', '2024-05-01 00:02:01Z', 'scan_product', '{"input": {}, "output": {"crt": "amber"}}');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_generation_id, mg_meta) VALUES
    ('mma_event:history-1', 'pass:test:history-a', '2024-05-01 01:00:00Z', 'history-04', '{"event_type": "like", "payload": {"tags": ["style.minimal"]}}'),
    ('mma_event:history-2', 'pass:test:history-a', '2024-05-01 02:00:00Z', NULL, '{"event_type": "download"}');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_delta, mg_reason) VALUES
    ('credit_transaction:history-1', 'pass:test:history-a', '2024-05-01 00:00:00Z', 50, 'topup'), ('credit_transaction:history-2', 'pass:test:history-a', '2024-05-01 00:01:00Z', -8, 'spend');
PREPARE latest_generations(text) AS
select mg_id, mg_created_at, mg_type, mg_provider, mg_output_url, mg_mma_mode, mg_mma_status
from public.mega_generations
where mg_pass_id = $1
  and mg_record_type = 'generation'
order by mg_created_at desc
limit 50;
PREPARE steps_of_a_generation(text) AS
select mg_step_no, mg_step_type, mg_created_at, mg_payload
from public.mega_generations
where mg_record_type='mma_step'
  and mg_generation_id = $1
order by mg_step_no asc;
PREPARE events_of_a_user(text) AS
select mg_created_at, mg_meta
from public.mega_generations
where mg_pass_id = $1
  and mg_record_type='mma_event'
order by mg_created_at desc
limit 100;
PREPARE reconciliation(text) AS
select
  c.mg_pass_id,
  c.mg_credits as current_credits,
  coalesce(sum(g.mg_delta), 0) as ledger_sum
from public.mega_customers c
left join public.mega_generations g
  on g.mg_pass_id = c.mg_pass_id
 and g.mg_record_type = 'credit_transaction'
where c.mg_pass_id = $1
group by c.mg_pass_id, c.mg_credits;
EXECUTE latest_generations('pass:test:history-b');
EXECUTE steps_of_a_generation('history-04');
EXECUTE events_of_a_user('pass:test:history-a');
EXECUTE reconciliation('pass:test:history-a');
EXECUTE reconciliation('pass:test:history-none');
-- mega's own functions say the same
SELECT mg_step_no, mg_step_type, mg_created_at, mg_payload, duration_ms FROM mega_generation_steps('history-04');
SELECT mg_created_at, mg_meta, mg_event_type, mg_generation_id FROM mega_mma_events('pass:test:history-a');
SELECT mg_created_at, mg_generation_id, mg_type, mg_output_url FROM mega_likes('pass:test:history-a');
SELECT * FROM mega_reconcile_credits('pass:test:history-a');
-- what the frontend replays when the user comes back (section 6.2)
UPDATE mega_generations SET mg_mma_vars = '{"userMessages": {"scan_lines": ["looking at your product", "writing the prompt"]}}' WHERE mg_id = 'generation:history-04';
SELECT mg_mma_vars #> '{userMessages,scan_lines}' AS scan_lines FROM mega_generations WHERE mg_id = 'generation:history-04';

--
-- mega.notify: who listens hears of every status. psql tells the sender's process id, which is cut out here.
--
LISTEN mega_generation;
-- off by default
SELECT created FROM mega_create_generation('pass:test:history-told', 'history-told');
SET mega.notify = on;
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT mg_mma_status FROM mega_update_generation('history-told', 'scanning');
\o
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT mg_step_no FROM mega_append_mma_step('history-told', 'scan', mma_status => 'prompting');
\o
-- nothing new, nothing told
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT mg_mma_status FROM mega_update_generation('history-told', 'prompting', '{"a": 1}');
\o
-- raw SQL, and a new generation; in one transaction what is told comes with its commit, in order
\o | sed 's/ received from server process with PID [0-9]*//'
BEGIN;
UPDATE mega_generations SET mg_mma_status = 'generating' WHERE mg_id = 'generation:history-told';
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:history-raw', 'pass:test:history-told', 'queued'), ('generation:history-silent', 'pass:test:history-told', NULL);
SELECT mg_mma_status FROM mega_complete_generation('history-told', 'https://assets.example.com/told.png');
COMMIT;
\o
-- what is rolled back was never said
\o | sed 's/ received from server process with PID [0-9]*//'
BEGIN;
SELECT mg_mma_status FROM mega_fail_generation('history-raw', 'no');
ROLLBACK;
\o
-- a generation that is nobody's; sessions and steps are no news
\o | sed 's/ received from server process with PID [0-9]*//'
INSERT INTO mega_generations (mg_id, mg_mma_status) VALUES ('generation:history-nobody', 'queued'), ('session:history-quiet', 'queued');
\o
RESET mega.notify;
SELECT mg_mma_status FROM mega_fail_generation('history-raw', 'no');
UNLISTEN *;
