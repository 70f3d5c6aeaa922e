-- The studio: sessions, generations, their steps, and what users say about them.

-- level: app
CREATE FUNCTION mega_start_session(pass_id text, session_id text DEFAULT NULL, platform text DEFAULT NULL,
    title text DEFAULT NULL, client jsonb DEFAULT '{}', meta jsonb DEFAULT '{}',
    OUT mg_id text, OUT mg_session_id text, OUT created boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_start_session(text, text, text, text, jsonb, jsonb) IS
    'Appends a session, once per id. client: version, os, browser, device. Call it as SELECT * FROM. Raises 23503 '
    'unknown customer, 22023 bad argument, MG002 when the id is another customer''s.';

-- level: app
CREATE FUNCTION mega_create_generation(pass_id text, generation_id text DEFAULT NULL, mma_mode text DEFAULT NULL,
    type text DEFAULT NULL, session_id text DEFAULT NULL, parent_generation_id text DEFAULT NULL,
    provider text DEFAULT NULL, model text DEFAULT NULL, prompt text DEFAULT NULL, vars jsonb DEFAULT '{}',
    meta jsonb DEFAULT '{}', OUT mg_id text, OUT mg_generation_id text, OUT created boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_create_generation(text, text, text, text, text, text, text, text, text, jsonb, jsonb) IS
    'Appends a generation, once per id, with status queued and mg_status pending. Call it as SELECT * FROM. Raises '
    '23503 unknown customer or parent, 23514 a parent of another customer, 22023 bad argument, MG002 when the id is '
    'another customer''s, MG008 an expiring URL in vars.';

-- level: app
CREATE FUNCTION mega_update_generation(generation_id text, mma_status text DEFAULT NULL, vars jsonb DEFAULT NULL,
    fields jsonb DEFAULT '{}', pass_id text DEFAULT NULL, OUT mg_id text, OUT mg_mma_status text)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_update_generation(text, text, jsonb, jsonb, text) IS
    'Moves a generation''s status forward (I9), merges vars into its variable map (RFC 7396) and sets the columns that '
    'fields names; done and error are for mega_complete_generation and mega_fail_generation. Call it as SELECT * FROM. '
    'Raises MG003 no such generation, MG002 another output URL for a finished one, MG004 erased, MG007 status backwards, MG008 an '
    'expiring URL, 22023 bad argument, 23514 another customer''s. Locks the generation FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_complete_generation(generation_id text, output_url text, output_key text DEFAULT NULL,
    prompt text DEFAULT NULL, latency_ms integer DEFAULT NULL, vars jsonb DEFAULT NULL, fields jsonb DEFAULT '{}',
    hold_id text DEFAULT NULL, pass_id text DEFAULT NULL, OUT mg_id text, OUT mg_mma_status text)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_complete_generation(text, text, text, text, integer, jsonb, jsonb, text, text) IS
    'Ends a generation with its permanent URL: status done, mg_status succeeded; captures the hold that paid for it. '
    'Again with the same URL: no change. Call it as SELECT * FROM. Raises MG003 no such generation or hold, MG002 done '
    'with another URL, MG004 erased, MG008 a URL that expires, MG001 when a released hold cannot be drawn again, 23514 '
    'another customer''s generation or hold, 22023 bad argument. '
    'Locks the hold''s customer, then the generation, FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_fail_generation(generation_id text, error text, hold_id text DEFAULT NULL,
    pass_id text DEFAULT NULL, OUT mg_id text, OUT mg_mma_status text)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_fail_generation(text, text, text, text) IS
    'Ends a generation with an error: status error, mg_status failed; releases the hold that paid for it. Again, or '
    'behind a step or a row that said error: the first error stays. Call it as SELECT * FROM. Raises MG003 no such '
    'generation or hold, MG004 erased, MG007 when it is done, 23514 another customer''s generation or hold, 22023 bad '
    'argument. Locks the hold''s customer, then the generation, FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_append_mma_step(generation_id text, step_type text, input jsonb DEFAULT '{}',
    output jsonb DEFAULT '{}', error jsonb DEFAULT NULL, started_at timestamptz DEFAULT NULL,
    ended_at timestamptz DEFAULT NULL, at_step integer DEFAULT NULL, provider text DEFAULT NULL,
    model text DEFAULT NULL, mma_status text DEFAULT NULL, pass_id text DEFAULT NULL,
    OUT mg_id text, OUT mg_step_no integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_append_mma_step(text, text, jsonb, jsonb, jsonb, timestamptz, timestamptz, integer, text, text,
    text, text) IS
    'Appends a step with the next number, or at at_step, and may move the generation''s status (I7), not to done; one '
    'that moves it to error gives it its error, if there is none. Call it as SELECT * FROM. Raises MG003 no such '
    'generation, MG002 when at_step is taken by another step, MG007 status backwards, MG004 erased, 22023 bad argument. Locks the '
    'generation FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_append_mma_steps(generation_id text, steps jsonb, pass_id text DEFAULT NULL,
    OUT written integer, OUT replayed integer)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_append_mma_steps(text, jsonb, text) IS
    'Appends steps, all or none: an array of objects with the arguments of mega_append_mma_step. Call it as SELECT * '
    'FROM. Raises what that raises, with the entry''s position. Locks the generation FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_append_scan_line(generation_id text, line text, pass_id text DEFAULT NULL, OUT lines integer)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_append_scan_line(text, text, text) IS
    'Appends a line to mg_mma_vars.userMessages.scan_lines and tells how many there are; with mega.notify, channel '
    'mega_generation hears it. Raises MG003 no such generation, 22023 bad argument, 23514 another customer''s or no list '
    'of lines, MG004 erased, MG008 an expiring URL. Locks the generation FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_tweak_generation(parent_generation_id text, generation_id text DEFAULT NULL,
    payload jsonb DEFAULT '{}', event_id text DEFAULT NULL, mma_mode text DEFAULT NULL, type text DEFAULT NULL,
    session_id text DEFAULT NULL, provider text DEFAULT NULL, model text DEFAULT NULL, prompt text DEFAULT NULL,
    vars jsonb DEFAULT '{}', meta jsonb DEFAULT '{}', pass_id text DEFAULT NULL,
    OUT mg_id text, OUT mg_generation_id text, OUT created boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_tweak_generation(text, text, jsonb, text, text, text, text, text, text, text, jsonb, jsonb, text)
    IS
    'Records what a user wants otherwise, an event of type tweak about the parent, and appends the generation that '
    'follows, once per generation_id or event_id; mode, type and session are the parent''s where they are NULL. Call '
    'it as SELECT * FROM. Raises MG003 no such parent, MG002 an id that says something else, 22023 bad argument, 23514 '
    'another customer''s, MG008 an expiring URL. Locks the customer FOR NO KEY UPDATE and the parent FOR SHARE.';

-- level: worker
CREATE FUNCTION mega_claim_generations(worker text, max_rows integer DEFAULT 1, lease interval DEFAULT '15 minutes',
    mma_mode text DEFAULT NULL, max_age interval DEFAULT '1 day',
    OUT mg_generation_id text, OUT mg_pass_id text, OUT mg_mma_mode text, OUT mg_mma_status text, OUT mg_mma_vars jsonb,
    OUT mg_meta jsonb, OUT attempt integer)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION mega_claim_generations(text, integer, interval, text, interval) IS
    'Hands out generations to a worker, oldest first, none to two at once: those that are queued and were never '
    'claimed, and those whose lease is over and that did not end. Skips what others have locked, and leaves out, with a '
    'WARNING, what a rule of your own refuses to have changed. Call it as SELECT * FROM. Raises 22023, and what refused '
    'them when there is nothing else to hand out. Locks what it hands out FOR NO KEY UPDATE.';

-- level: worker
CREATE FUNCTION mega_extend_claim(generation_id text, worker text, lease interval) RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_extend_claim(text, text, interval) IS
    'Lets a worker''s claim last for lease from now; false when the generation ended or another worker took it over. '
    'Raises MG003 no such generation, MG004 erased, 22023 bad argument. Locks the generation FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_record_mma_event(pass_id text, event_type text, payload jsonb DEFAULT '{}',
    generation_id text DEFAULT NULL, event_id text DEFAULT NULL, created_at timestamptz DEFAULT NULL,
    OUT mg_id text, OUT preferences jsonb, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_mma_event(text, text, jsonb, text, text, timestamptz) IS
    'Records what a user did, once per event_id, and folds it into the preference snapshot, which it returns (I2). '
    'Call it as SELECT * FROM. Raises 23503 unknown customer or generation, 23514 another customer''s generation, '
    '22023 bad argument or payload, MG002 replay with other content, MG008 an expiring URL. Locks the customer FOR NO '
    'KEY UPDATE and the generation FOR SHARE.';

-- level: app
CREATE FUNCTION mega_record_mma_events(events jsonb, OUT written integer, OUT replayed integer)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_mma_events(jsonb) IS
    'Records events, all or none: an array of objects with the arguments of mega_record_mma_event. Each customer is '
    'projected once. Call it as SELECT * FROM. Raises what that raises, with the entry''s position. Locks the '
    'customers FOR NO KEY UPDATE in byte order of pass id.';

-- level: app
CREATE FUNCTION mega_record_feedback(pass_id text, feedback_id text DEFAULT NULL, generation_id text DEFAULT NULL,
    session_id text DEFAULT NULL, result_type text DEFAULT NULL, comment text DEFAULT NULL,
    image_url text DEFAULT NULL, video_url text DEFAULT NULL, prompt text DEFAULT NULL, meta jsonb DEFAULT '{}',
    OUT mg_id text, OUT created boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_feedback(text, text, text, text, text, text, text, text, text, jsonb) IS
    'Appends what a user says about a generation or a session, once per id. Call it as SELECT * FROM. Raises 23503 '
    'unknown customer or generation, 23514 another customer''s generation, 22023 bad argument, MG002 when the id is '
    'another customer''s, MG008 a URL that expires. Locks the generation FOR SHARE.';

-- level: user
CREATE FUNCTION mega_generation_history(pass_id text, page_size integer DEFAULT 50, page_cursor text DEFAULT NULL,
    mma_mode text DEFAULT NULL, mma_status text DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    OUT mg_id text, OUT mg_created_at timestamptz, OUT mg_type text, OUT mg_provider text, OUT mg_output_url text,
    OUT mg_mma_mode text, OUT mg_mma_status text, OUT mg_generation_id text, OUT mg_prompt text, OUT mg_mma_vars jsonb,
    OUT mg_model text, OUT mg_error text, OUT mg_latency_ms integer, OUT mg_parent_id text, OUT mg_content_type text,
    OUT mg_meta jsonb, OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50
    SET enable_sort = off; -- a page comes from the index, however many rows its customer has
COMMENT ON FUNCTION mega_generation_history(text, integer, text, text, text, timestamptz, timestamptz) IS
    'A customer''s generations, newest first, without those marked deleted; since is inclusive, until exclusive. '
    'next_cursor, the same in every row, asks for the next page; NULL on the last. Raises 23503 unknown customer, 22023 bad '
    'argument. Reads with the caller''s rights and policies.';

-- level: user
CREATE FUNCTION mega_generation(generation_id text, pass_id text DEFAULT NULL,
    OUT mg_id text, OUT mg_created_at timestamptz, OUT mg_type text, OUT mg_provider text, OUT mg_output_url text,
    OUT mg_mma_mode text, OUT mg_mma_status text, OUT mg_generation_id text, OUT mg_prompt text, OUT mg_mma_vars jsonb,
    OUT mg_model text, OUT mg_error text, OUT mg_latency_ms integer, OUT mg_parent_id text, OUT mg_content_type text,
    OUT mg_meta jsonb, OUT mg_pass_id text, OUT mg_session_id text, OUT mg_status text, OUT steps integer,
    OUT scan_lines integer, OUT mg_updated_at timestamptz)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_generation(text, text) IS
    'One generation, with how many steps and scan lines it has; no row when there is none, it is marked deleted or '
    'another customer''s than pass_id. Raises 22023. Reads with the caller''s rights and policies.';

-- level: app
CREATE FUNCTION mega_delete_generation(generation_id text, pass_id text DEFAULT NULL, OUT mg_id text,
    OUT changed boolean) AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_delete_generation(text, text) IS
    'Marks a generation deleted: reads show it no more, the ledger keeps it. Again: no change. Call it as SELECT * '
    'FROM. Raises MG003 no such generation, 23514 another customer''s, MG004 erased, 22023 bad argument. Locks the '
    'generation FOR NO KEY UPDATE.';

-- level: user
CREATE FUNCTION mega_generation_steps(generation_id text, pass_id text DEFAULT NULL,
    OUT mg_step_no integer, OUT mg_step_type text, OUT mg_created_at timestamptz, OUT mg_payload jsonb,
    OUT duration_ms bigint)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION mega_generation_steps(text, text) IS
    'The audit trail of a generation: its steps in order; none that is marked deleted, and none of a generation that is. '
    'Raises 22023. Reads with the caller''s rights and policies.';

-- level: user
CREATE FUNCTION mega_mma_events(pass_id text, page_size integer DEFAULT 50, page_cursor text DEFAULT NULL,
    event_type text DEFAULT NULL,
    OUT mg_id text, OUT mg_created_at timestamptz, OUT mg_event_type text, OUT mg_generation_id text, OUT mg_meta jsonb,
    OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50
    SET enable_sort = off; -- a page comes from the index, however many rows its customer has
COMMENT ON FUNCTION mega_mma_events(text, integer, text, text) IS
    'A customer''s events, newest first, of one type or of all. next_cursor as in mega_generation_history. Raises '
    '23503 unknown customer, 22023 bad argument. Reads with the caller''s rights and policies.';

-- level: user
CREATE FUNCTION mega_likes(pass_id text, page_size integer DEFAULT 50, page_cursor text DEFAULT NULL,
    OUT mg_id text, OUT mg_created_at timestamptz, OUT mg_generation_id text, OUT mg_type text, OUT mg_provider text,
    OUT mg_output_url text, OUT mg_prompt text, OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50
    SET enable_sort = off; -- a page comes from the index, however many rows its customer has
COMMENT ON FUNCTION mega_likes(text, integer, text) IS
    'The generations that a customer likes, newest like first: those whose last like or dislike is a like that was not '
    'taken back, without deleted ones. next_cursor as in mega_generation_history. Raises 23503 unknown customer, 22023 bad '
    'argument. Reads with the caller''s rights and policies.';

-- level: admin
CREATE FUNCTION mega_reconcile_preferences(pass_id text DEFAULT NULL,
    OUT mg_pass_id text, OUT stored jsonb, OUT folded jsonb)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_reconcile_preferences(text) IS
    'The customers whose snapshot differs from the fold of their events, or whether one does; there should be none '
    '(I2). Reads with the caller''s rights and policies.';
