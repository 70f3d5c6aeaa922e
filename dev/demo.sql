-- mega keeps prepaid credits, customers and the log of generations inside the database. This is a day in a small
-- studio that sells images for credits.
--
-- One statement installs everything: the functions, and the three tables they look after.

CREATE EXTENSION mega;
SELECT * FROM mega_install(dry_run => true);

-- No row: nothing is left to install.
--
-- A customer buys
-- ---------------
--
-- Leila has paid for four packs of 50 credits. Shopify says so by a webhook, a JSON document like this:

\set ECHO none
\set document `cat :'samples'/shopify_orders_paid.json`
CREATE TABLE webhooks (topic text, document jsonb);
INSERT INTO webhooks VALUES ('orders/paid', :'document');
\set ECHO queries
SELECT document ->> 'name' AS "order", document ->> 'email' AS email, item ->> 'sku' AS sku,
    item ->> 'quantity' AS quantity
FROM webhooks, jsonb_array_elements(document -> 'line_items') item;

-- The studio turns such a document into a customer and credits. Two calls do it: mega_ensure_customer finds the customer
-- or makes one, mega_record_credit books the credits. The order's number is given as reference: it says what the
-- credits are for.

CREATE FUNCTION order_paid(document jsonb,
    OUT mg_pass_id text, OUT bought integer, OUT mg_credits integer, OUT replayed boolean)
LANGUAGE sql AS $$
    SELECT customer.mg_pass_id, packs.credits, booked.mg_credits, booked.replayed
    FROM (SELECT sum((item ->> 'quantity')::integer * split_part(item ->> 'sku', '-', 2)::integer)::integer AS credits
          FROM jsonb_array_elements(document -> 'line_items') item
          WHERE item ->> 'sku' LIKE 'MINA-%') packs,
        mega_ensure_customer(
            shopify_customer_id => document #>> '{customer,id}',
            email => document ->> 'email',
            profile => jsonb_build_object('first_name', document #>> '{customer,first_name}',
                'last_name', document #>> '{customer,last_name}', 'locale', document ->> 'customer_locale')) customer,
        mega_record_credit(customer.mg_pass_id, packs.credits, reason => 'order', source => 'shopify',
            ref_type => 'shopify_order', ref_id => document ->> 'id') booked
$$;
SELECT paid.* FROM webhooks, order_paid(document) paid;

-- Shopify delivers a webhook again when the answer took too long. Does Leila get 200 credits more?

SELECT paid.* FROM webhooks, order_paid(document) paid;

-- No: the second delivery is a replay. One order moves credits once, however often and from however many servers it is
-- told. The same goes for the customer; there is one row.

SELECT mg_pass_id, mg_email, mg_first_name, mg_last_name, mg_locale, mg_credits FROM mega_customers;

-- A customer spends
-- -----------------
--
-- A still costs 4 credits, a video 30. The reference names the generation that was paid for; the call can be repeated
-- here too, and its txn_id names the row.

SELECT * FROM mega_record_credit('pass:shopify:7204411506841', -4, 'still',
    ref_type => 'generation', ref_id => 'gen_trial_still', txn_id => 'trial-still');
SELECT * FROM mega_record_credit('pass:shopify:7204411506841', -30, 'video',
    ref_type => 'generation', ref_id => 'gen_trial_video', txn_id => 'trial-video');

-- What the database does not let happen
-- -------------------------------------
--
-- Six videos more would be 180 credits; 166 are left. However many ask at once, nobody spends what is not there.

\set ON_ERROR_STOP off
SELECT * FROM mega_record_credit('pass:shopify:7204411506841', -180, 'video');
\set refused :SQLSTATE

-- Somebody wants to help and writes the balance by hand. The balance is the sum of the ledger, so it cannot be written:

UPDATE mega_customers SET mg_credits = 1000 WHERE mg_pass_id = 'pass:shopify:7204411506841';
\set refused :refused ' ' :SQLSTATE

-- Somebody wants to undo the video by deleting its row. The ledger only grows:

DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:trial-video';
\set refused :refused ' ' :SQLSTATE

-- The video is ready, and its provider names a URL that is signed and works for a day. Stored today, it is a dead link
-- tomorrow:

\set ECHO none
\set document `cat :'samples'/kling_image2video_task.json`
INSERT INTO webhooks VALUES ('kling', :'document');
\set ECHO queries
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_type, mg_provider, mg_output_url)
SELECT 'generation:gen_trial_video', 'pass:shopify:7204411506841', 'motion', 'kling',
    document #>> '{data,task_result,videos,0,url}'
FROM webhooks WHERE topic = 'kling';
\set refused :refused ' ' :SQLSTATE
\set ON_ERROR_STOP on

-- Each was refused as a whole: the balance is what it was.

SELECT * FROM mega_balance('pass:shopify:7204411506841');

-- Rows that come past the functions
-- ---------------------------------
--
-- The rules are the tables', not the functions'. A script may write ledger rows itself, as it always did. It no longer
-- has to touch the balance:

INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES
    ('credit_transaction:gift-2025', 'pass:shopify:7204411506841', 10, 'gift'),
    ('credit_transaction:still-002', 'pass:shopify:7204411506841', -4, 'still');
SELECT mg_credits FROM mega_customers;

-- Nor does a COPY, here of three stills at 4 credits each:

COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) FROM STDIN (FORMAT csv);
credit_transaction:still-003,pass:shopify:7204411506841,-4,still
credit_transaction:still-004,pass:shopify:7204411506841,-4,still
credit_transaction:still-005,pass:shopify:7204411506841,-4,still
\.
SELECT mg_credits FROM mega_customers;

-- The books
-- ---------
--
-- The statement, newest first, each row with the balance behind it:

SELECT mg_delta, balance_after, mg_reason, mg_source, mg_ref_type, mg_ref_id
FROM mega_credit_statement('pass:shopify:7204411506841');

-- And whose balance differs from the sum of the ledger?

SELECT * FROM mega_reconcile_credits();

-- Nobody's. 200 bought, 10 given, 50 spent: 160 left.

-- Credits that end
-- ----------------
--
-- Noor bought 100 credits, which never end. Her subscription gives 30 for the month, and a trial 10 that end in a moment.
-- Each grant with an end is a lot of its own; what ends first is drawn first.

\set ECHO none
SELECT FROM mega_ensure_customer(shopify_customer_id => '7204411509999') \g /dev/null
\set ECHO queries
SELECT mg_credits FROM mega_record_credit('pass:shopify:7204411509999', 100, 'pack', txn_id => 'pack-noor');
SELECT mg_credits FROM mega_record_credit('pass:shopify:7204411509999', 30, 'subscription', txn_id => 'month-noor',
    expires_at => now() + interval '1 month');
SELECT mg_credits FROM mega_record_credit('pass:shopify:7204411509999', 10, 'trial', txn_id => 'trial-noor',
    expires_at => clock_timestamp() + interval '1 second');
SELECT mg_credits FROM mega_record_credit('pass:shopify:7204411509999', -4, 'still', txn_id => 'still-noor');
SELECT mg_id, granted, remaining FROM mega_credit_lots('pass:shopify:7204411509999');

-- The trial ends: 6 go, and nothing of what she paid for. A job that runs every hour writes that down.

\set ECHO none
SELECT FROM pg_sleep(1.1) \g /dev/null
\set ECHO queries
SELECT * FROM mega_expire_credits();
SELECT mg_id, granted, remaining FROM mega_credit_lots('pass:shopify:7204411509999');
SELECT mg_reason, mg_delta, balance_after, mg_meta #> '{mega,lots}' AS lots
FROM mega_credit_statement('pass:shopify:7204411509999');

\set ECHO none
\set document `cat :'samples'/mma_vars_still.json`
CREATE TABLE runs (generation_id text, vars jsonb);
INSERT INTO runs VALUES ('gen_still_001', :'document');
\set document `cat :'samples'/replicate_seedream_prediction.json`
INSERT INTO webhooks VALUES ('replicate', :'document');
\set ECHO queries
-- A still is made
-- ---------------
--
-- Leila uploads a perfume bottle and asks for a still. A worker will take half a minute and may fail, so the 4 credits
-- are set aside first; the hold has the generation's id. Then the generation begins, with what is known by now of its
-- variable map: the assets, the brief, the settings.

SELECT * FROM mega_hold_credit('pass:shopify:7204411506841', 4, 'gen_still_001');
SELECT created.* FROM runs, mega_create_generation('pass:shopify:7204411506841', 'gen_still_001', mma_mode => 'still',
    type => 'image', provider => 'seedream', model => 'bytedance/seedream-4',
    vars => vars - '{scans,prompts,userMessages,outputs}'::text[]) created;

-- Two workers ask for work at the same time. One gets it, for five minutes; there is nothing left for the other.

SELECT mg_generation_id, mg_mma_mode, mg_mma_status, mg_mma_vars -> 'inputs' ->> 'brief' AS brief, attempt
FROM mega_claim_generations('worker-1', lease => '5 minutes');
SELECT mg_generation_id FROM mega_claim_generations('worker-2', lease => '5 minutes');

-- Every stage of the pipeline leaves a step, numbered by the database, and moves the status forward. What a stage found
-- out is merged into the variable map. Leila watches: each scan line is there for her screen as soon as it is written.

SELECT step.* FROM runs, mega_append_mma_step('gen_still_001', 'scan_product', mma_status => 'scanning',
    input => jsonb_build_object('image', vars #> '{assets,product_image_url}'),
    output => jsonb_build_object('crt', vars #> '{scans,product_crt}'),
    started_at => '2025-12-19 06:03:02Z', ended_at => '2025-12-19 06:03:06Z',
    provider => 'openai', model => 'gpt-4o') step;
SELECT line, added.lines FROM runs, jsonb_array_elements_text(vars #> '{userMessages,scan_lines}') line,
    LATERAL mega_append_scan_line('gen_still_001', line) added;
SELECT step.* FROM runs, mega_append_mma_step('gen_still_001', 'gpt_reader', mma_status => 'prompting',
    input => jsonb_build_object('brief', vars #> '{inputs,brief}'),
    output => jsonb_build_object('prompt', vars #> '{prompts,clean_prompt}'),
    started_at => '2025-12-19 06:03:06Z', ended_at => '2025-12-19 06:03:19Z',
    provider => 'openai', model => 'gpt-4o') step;
SELECT moved.* FROM runs, mega_update_generation('gen_still_001',
    vars => jsonb_build_object('scans', vars -> 'scans', 'prompts', vars -> 'prompts')) moved;
SELECT mega_extend_claim('gen_still_001', 'worker-1', '5 minutes') AS still_mine;
SELECT step.* FROM webhooks, mega_append_mma_step('gen_still_001', 'seedream_generate', mma_status => 'generating',
    input => document -> 'input',
    output => jsonb_build_object('id', document -> 'id', 'output', document -> 'output'),
    started_at => (document ->> 'started_at')::timestamptz, ended_at => (document ->> 'completed_at')::timestamptz,
    provider => 'replicate', model => document ->> 'model') step
WHERE topic = 'replicate';
SELECT step.* FROM runs, mega_append_mma_step('gen_still_001', 'postscan', mma_status => 'postscan',
    input => jsonb_build_object('image', vars #> '{outputs,seedream_image_url}'),
    output => jsonb_build_object('userMessage', vars #> '{userMessages,final_line}'),
    started_at => '2025-12-19 06:03:43Z', ended_at => '2025-12-19 06:03:46Z',
    provider => 'openai', model => 'gpt-4o') step;

-- The image has been copied to the studio's own storage. One call ends the generation with its permanent URL and
-- captures the hold; either both happen or neither.

SELECT done.* FROM runs, mega_complete_generation('gen_still_001', vars #>> '{outputs,seedream_image_url}',
    prompt => vars #>> '{prompts,clean_prompt}', latency_ms => 44000,
    vars => jsonb_build_object('outputs', vars -> 'outputs',
        'userMessages', jsonb_build_object('final_line', vars #> '{userMessages,final_line}')),
    hold_id => 'gen_still_001') done;
SELECT mg_status, mg_mma_status, mg_output_url, mg_mma_vars = vars AS has_the_whole_map
FROM mega_generations JOIN runs ON mg_id = 'generation:' || generation_id;
SELECT * FROM mega_balance('pass:shopify:7204411506841');

-- Then a message that was under way for long arrives: the worker is still generating. Status moves forward only.

\set ON_ERROR_STOP off
SELECT * FROM mega_update_generation('gen_still_001', mma_status => 'generating');
\set refused :refused ' ' :SQLSTATE
\set ON_ERROR_STOP on

-- A tweak
-- -------
--
-- Leila wants a softer shadow. What she asked for is an event; the new image is a generation of its own, the child of the
-- first, which stays as it is. One call writes both, and sent twice it writes them once.

SELECT * FROM mega_hold_credit('pass:shopify:7204411506841', 4, 'gen_still_002');
SELECT * FROM mega_tweak_generation('gen_still_001', 'gen_still_002', '{"text": "softer shadow, please"}',
    event_id => 'tweak-1', provider => 'seedream', model => 'bytedance/seedream-4');
SELECT * FROM mega_tweak_generation('gen_still_001', 'gen_still_002', '{"text": "softer shadow, please"}',
    event_id => 'tweak-1', provider => 'seedream', model => 'bytedance/seedream-4');
SELECT * FROM mega_append_mma_step('gen_still_002', 'feedback_reader', mma_status => 'prompting',
    input => '{"feedback": "softer shadow, please"}', output => '{"prompt": "… soft, short shadow …"}');
SELECT * FROM mega_append_mma_step('gen_still_002', 'seedream_generate', mma_status => 'generating');
SELECT * FROM mega_complete_generation('gen_still_002', 'https://assets.example.com/generations/gen_still_002.png',
    hold_id => 'gen_still_002');

-- A video
-- -------
--
-- The still shall move. A video costs 30; Kling makes it from the still and tells by the webhook that was seen before.

SELECT * FROM mega_hold_credit('pass:shopify:7204411506841', 30, 'gen_video_001');
SELECT * FROM mega_create_generation('pass:shopify:7204411506841', 'gen_video_001', mma_mode => 'video', type => 'motion',
    parent_generation_id => 'gen_still_002', provider => 'kling', model => 'kling-v2-1');
SELECT * FROM mega_append_mma_step('gen_video_001', 'motion_suggestion', mma_status => 'prompting',
    input => '{"still": "https://assets.example.com/generations/gen_still_002.png"}',
    output => '{"prompt": "slow push in, light stays still"}');
SELECT step.* FROM webhooks, mega_append_mma_step(document #>> '{data,task_info,external_task_id}', 'kling_generate',
    input => '{"prompt": "slow push in, light stays still"}', output => document -> 'data',
    started_at => to_timestamp((document #>> '{data,created_at}')::numeric / 1000),
    ended_at => to_timestamp((document #>> '{data,updated_at}')::numeric / 1000),
    mma_status => 'generating', provider => 'kling') step
WHERE topic = 'kling';

-- The step keeps Kling's document as it came, but for what made the URL work, which nobody should keep:

SELECT split_part(mg_payload #>> '{output,task_result,videos,0,url}', '?', 2) AS parameters
FROM mega_generations WHERE mg_id = 'mma_step:gen_video_001:1';

-- As the generation's output that URL is refused, and nothing is captured. The one on the studio's storage is taken.

\set ON_ERROR_STOP off
SELECT done.* FROM webhooks, mega_complete_generation('gen_video_001',
    document #>> '{data,task_result,videos,0,url}', hold_id => 'gen_video_001') done
WHERE topic = 'kling';
\set refused :refused ' ' :SQLSTATE
\set ON_ERROR_STOP on
SELECT mg_credits, held FROM mega_balance('pass:shopify:7204411506841');
SELECT * FROM mega_complete_generation('gen_video_001', 'https://assets.example.com/generations/gen_video_001.mp4',
    hold_id => 'gen_video_001');
SELECT mg_credits, held FROM mega_balance('pass:shopify:7204411506841');

-- One that fails
-- --------------
--
-- The next video fails at the provider. Ending it with its error returns what was set aside.

SELECT * FROM mega_hold_credit('pass:shopify:7204411506841', 30, 'gen_video_002');
SELECT * FROM mega_create_generation('pass:shopify:7204411506841', 'gen_video_002', mma_mode => 'video', type => 'motion',
    parent_generation_id => 'gen_still_001', provider => 'kling', model => 'kling-v2-1');
SELECT * FROM mega_fail_generation('gen_video_002', 'kling: the image was refused by the safety check',
    hold_id => 'gen_video_002');
SELECT mg_credits, held FROM mega_balance('pass:shopify:7204411506841');

-- One that nobody ends
-- --------------------
--
-- The worker of the third video is gone, and no webhook comes. Its hold is for a moment only, so that the story need not
-- wait. A scheduler runs the sweep: the credits go back, and the generation fails with them, in one transaction. It says
-- whose they were.

SELECT * FROM mega_hold_credit('pass:shopify:7204411506841', 30, 'gen_video_003', expires_in => '1 millisecond',
    generation_id => 'gen_video_003');
SELECT * FROM mega_create_generation('pass:shopify:7204411506841', 'gen_video_003', mma_mode => 'video', type => 'motion',
    parent_generation_id => 'gen_still_001', provider => 'kling', model => 'kling-v2-1');
SELECT pg_sleep(0.01) AS "time goes by";
SELECT * FROM mega_release_expired_holds(fail_generations => true);
SELECT mg_mma_status, mg_status, mg_error FROM mega_generation('gen_video_003');
SELECT mg_credits, held FROM mega_balance('pass:shopify:7204411506841');

-- A worker that dies
-- ------------------
--
-- worker-1 takes the next still, for a moment again, and is not heard of any more. When its lease is over, worker-2 gets
-- the row, as the second try.

SELECT * FROM mega_hold_credit('pass:shopify:7204411506841', 4, 'gen_still_late', generation_id => 'gen_still_late');
SELECT * FROM mega_create_generation('pass:shopify:7204411506841', 'gen_still_late', mma_mode => 'still', type => 'image',
    provider => 'seedream', model => 'bytedance/seedream-4');
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker-1', lease => '1 millisecond');
SELECT pg_sleep(0.01) AS "time goes by";
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker-2', lease => '5 minutes');
SELECT mega_extend_claim('gen_still_late', 'worker-1', '5 minutes') AS still_mine;
SELECT * FROM mega_complete_generation('gen_still_late', 'https://assets.example.com/generations/gen_still_late.png',
    hold_id => 'gen_still_late');

-- worker-1 was only slow, and brings a picture of its own. There is one already:

\set ON_ERROR_STOP off
SELECT * FROM mega_complete_generation('gen_still_late', 'https://assets.example.com/generations/gen_still_late_b.png',
    hold_id => 'gen_still_late');
\set refused :refused ' ' :SQLSTATE
\set ON_ERROR_STOP on

-- What Leila likes
-- ----------------
--
-- Likes, dislikes and the rest are events. Each call returns the snapshot on the customer's row as it is now: what to
-- prefer, and what never to do again. Liking counts one for each tag, downloading a half.

SELECT preferences -> 'tag_weights' AS tag_weights, preferences -> 'hard_blocks' AS hard_blocks
FROM mega_record_mma_event('pass:shopify:7204411506841', 'like',
    '{"tags": ["style.minimal", "style.editorial_still_life"]}', 'gen_still_001', event_id => 'like-1');

-- The video flickers. A hard block shows as -999:

SELECT preferences -> 'tag_weights' AS tag_weights, preferences -> 'hard_blocks' AS hard_blocks
FROM mega_record_mma_event('pass:shopify:7204411506841', 'dislike',
    '{"tags": ["motion.push_in"], "hard_block": "motion.light_flicker"}', 'gen_video_001', event_id => 'dislike-1');
SELECT preferences -> 'tag_weights' AS tag_weights, preferences -> 'hard_blocks' AS hard_blocks
FROM mega_record_mma_event('pass:shopify:7204411506841', 'download',
    '{"tag": "style.minimal"}', 'gen_still_002', event_id => 'download-1');

-- She opens her settings, turns editorial up and allows the flicker again:

SELECT preferences -> 'tag_weights' AS tag_weights, preferences -> 'hard_blocks' AS hard_blocks
FROM mega_record_mma_event('pass:shopify:7204411506841', 'preference_set',
    '{"tag_weights": {"style.editorial_still_life": 2.5}, "remove_hard_blocks": ["motion.light_flicker"]}',
    event_id => 'preference-1');

-- Her phone was offline. Now it delivers a like of two hours ago, by an INSERT that knows nothing of the snapshot, and
-- because no answer came, once more by the function:

INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_created_at, mg_meta) VALUES ('mma_event:like-2',
    'pass:shopify:7204411506841', 'gen_still_002', now() - interval '2 hours',
    '{"event_type": "like", "payload": {"tag": "style.minimal"}}');
SELECT replayed, preferences -> 'tag_weights' AS tag_weights, preferences -> 'hard_blocks' AS hard_blocks
FROM mega_record_mma_event('pass:shopify:7204411506841', 'like', '{"tag": "style.minimal"}', 'gen_still_002',
    event_id => 'like-2');

-- What she likes now, newest like first:

SELECT mg_generation_id, mg_output_url FROM mega_likes('pass:shopify:7204411506841');

-- Then a slip of the finger, and it is taken back. The like is off the list again, and its weight with it:

SELECT preferences -> 'tag_weights' AS tag_weights FROM mega_record_mma_event('pass:shopify:7204411506841', 'like',
    '{"tag": "light.harsh"}', 'gen_still_late', event_id => 'like-3');
SELECT mg_generation_id FROM mega_likes('pass:shopify:7204411506841');
SELECT preferences -> 'tag_weights' AS tag_weights FROM mega_record_mma_event('pass:shopify:7204411506841', 'like',
    '{"tag": "light.harsh", "undo": true}', 'gen_still_late', event_id => 'like-3-undone');
SELECT mg_generation_id FROM mega_likes('pass:shopify:7204411506841');

-- She says why, and deletes the picture. Nobody is shown it any more; the ledger keeps what it was, and what it cost.

SELECT * FROM mega_record_feedback('pass:shopify:7204411506841', 'feedback-1', 'gen_still_late',
    comment => 'the light is too harsh', meta => '{"stars": 2}');
SELECT * FROM mega_delete_generation('gen_still_late', pass_id => 'pass:shopify:7204411506841');

-- Looking back
-- ------------
--
-- "My generations", newest first, and the audit trail of one of them:

SELECT mg_generation_id, mg_type, mg_provider, mg_mma_status, mg_output_url
FROM mega_generation_history('pass:shopify:7204411506841');
SELECT mg_step_no, mg_step_type, duration_ms, mg_payload -> 'output' -> 'userMessage' AS user_message
FROM mega_generation_steps('gen_still_001');

-- The tables are those of the MEGA document, so its queries (section 9) work as they are written there.

\pset format wrapped
\pset columns 172
\pset linestyle unicode
PREPARE latest_generations AS
select mg_id, mg_created_at, mg_type, mg_provider, mg_output_url, mg_mma_mode, mg_mma_status
from public.mega_generations
where mg_pass_id = $1
  and mg_record_type = 'generation'
order by mg_created_at desc
limit 50;
EXECUTE latest_generations('pass:shopify:7204411506841');
PREPARE mma_steps AS
select mg_step_no, mg_step_type, mg_created_at, mg_payload
from public.mega_generations
where mg_record_type='mma_step'
  and mg_generation_id = $1
order by mg_step_no asc;
EXECUTE mma_steps('gen_video_001');
PREPARE mma_events AS
select mg_created_at, mg_meta
from public.mega_generations
where mg_pass_id = $1
  and mg_record_type='mma_event'
order by mg_created_at desc
limit 100;
EXECUTE mma_events('pass:shopify:7204411506841');
PREPARE credit_reconciliation AS
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
EXECUTE credit_reconciliation('pass:shopify:7204411506841');
\pset format aligned
\pset linestyle ascii
-- Money goes back
-- ---------------
--
-- Omar has bought two packs. Then the shop refunds a part of his order, and later another part. It reports the total so far:
-- 20 credits' worth, then 50. So the second report takes 30.

SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '7204411508022', email => 'omar@example.com');
SELECT mg_credits FROM mega_record_topup('pass:shopify:7204411508022', 2, ref_type => 'shopify_order', ref_id => '5987214399001');
SELECT mg_credits, revoked FROM mega_revoke_credit('shop-refund-1', ref_type => 'shopify_order', ref_id => '5987214399001',
    up_to => 20, reason => 'order_refunded');
SELECT mg_credits, revoked FROM mega_revoke_credit('shop-refund-2', ref_type => 'shopify_order', ref_id => '5987214399001',
    up_to => 50, reason => 'order_refunded');

-- Another report that was under way for long still says 20. It takes nothing:

SELECT mg_credits, revoked FROM mega_revoke_credit('shop-refund-3', ref_type => 'shopify_order', ref_id => '5987214399001',
    up_to => 20, reason => 'order_refunded');

-- He spends 40 of the 50 that are left. Then his bank takes the rest of the payment back: he owes 40 credits.

SELECT mg_credits FROM mega_record_credit('pass:shopify:7204411508022', -40, 'video', txn_id => 'omar-video');
SELECT mg_credits, revoked FROM mega_revoke_credit('dispute-1', ref_type => 'shopify_order', ref_id => '5987214399001',
    reason => 'chargeback', allow_negative => true);

-- The studio disputes that and wins. What the bank took comes back, and no more:

SELECT mg_credits FROM mega_refund_credit('revoke:dispute-1', 'dispute-1-won', reason => 'chargeback_won');

-- Two that charge cards
-- ---------------------
--
-- Omar has his account topped up by itself when it runs low. Two workers look at the same time whom to charge. One gets him,
-- with a key for the payment provider; the other gets nobody, so that his card is charged once.

UPDATE mega_customers SET mg_auto_topup_enabled = true, mg_topup_default_packs = 1
WHERE mg_pass_id = 'pass:shopify:7204411508022';
CREATE TABLE charges AS SELECT * FROM mega_claim_topups(threshold => 10);
TABLE charges;
SELECT * FROM mega_claim_topups(threshold => 10);

-- The card was charged under that key:

SELECT booked.mg_credits, booked.replayed FROM charges, mega_record_topup(charges.mg_pass_id, ref_type => 'shopify_order',
    ref_id => '5987214399002', topup_id => charges.topup_id) booked;

-- The worker did not hear the answer, and says it again. The top-up is there:

SELECT booked.mg_credits, booked.replayed FROM charges, mega_record_topup(charges.mg_pass_id, ref_type => 'shopify_order',
    ref_id => '5987214399002', topup_id => charges.topup_id) booked;

-- The office
-- ----------
--
-- Ada signs in. Her session is known by a hash; when nothing was heard of it for half an hour, it is not found any more.

SELECT mg_id, created FROM mega_touch_admin_session('5d41402abc4b2a76', '0b9f3d2e-6a1c-4b8e-9f10-2c3d4e5f6a7b',
    'ada@studio.example', '2001:DB8:0:0::7', 'Firefox/131');
SELECT mg_email, mg_ip FROM mega_admin_session('5d41402abc4b2a76', max_idle => '30 minutes');

-- She sets the price list, and sets it again. Each is a version that stays.

SELECT * FROM mega_set_app_config('prices', '{"still": 4, "video": 30}', expected_version => 0, actor => 'ada@studio.example');
SELECT * FROM mega_set_app_config('prices', '{"still": 4, "video": 25}', expected_version => 1, actor => 'ada@studio.example');

-- Bob still looks at the first one, and saves his own. He is told, and Ada's stands:

\set ON_ERROR_STOP off
SELECT * FROM mega_set_app_config('prices', '{"still": 5, "video": 30}', expected_version => 1, actor => 'bob@studio.example');
\set refused :refused ' ' :SQLSTATE
\set ON_ERROR_STOP on
SELECT mega_app_config('prices') AS in_force;
SELECT version, mg_value, actor FROM mega_app_config_versions('prices');

-- What she did for Omar she writes down herself; what she did to the prices mega has written down:

SELECT * FROM mega_record_admin_audit('order.refunded', actor_pass_id => 'pass:shopify:7204411508022',
    user_id => '0b9f3d2e-6a1c-4b8e-9f10-2c3d4e5f6a7b', email => 'ada@studio.example', ip => '2001:db8::7',
    detail => '{"order": "5987214399001", "credits": 50}', audit_id => 'request-1');
SELECT mg_action, mg_actor_pass_id, mg_email, mg_detail FROM mega_admin_audits();
SELECT mega_end_admin_session('5d41402abc4b2a76');

-- Leila looks for herself. Behind PostgREST all people are one role of the database; who it is this time stands in the claims of
-- the request. Two calls, once, make the policies and give the role its rights:

\set ECHO none
SELECT 'CREATE ROLE people' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'people') \gexec
UPDATE mega_customers SET mg_user_id = 'fa000000-0000-4000-8000-000000000001' WHERE mg_pass_id = 'pass:shopify:7204411506841';
\set ECHO queries
SELECT DISTINCT action FROM mega_enable_rls('people') ORDER BY action;
SELECT mega_grant('people', 'user');

-- Her request. She sees her row, her generations and what she likes; of Omar she sees nothing, and is told no more of him than
-- of somebody who never was:

BEGIN;
SET LOCAL ROLE people;
SET LOCAL request.jwt.claims = '{"role": "people", "sub": "fa000000-0000-4000-8000-000000000001"}';
SELECT mega_current_pass_id();
SELECT mg_pass_id, mg_email, mg_credits FROM mega_customers;
SELECT count(*) > 0 AS some, count(DISTINCT mg_pass_id) AS customers, min(mg_pass_id) AS whose FROM mega_generations;
SELECT mg_generation_id, mg_mma_status FROM mega_generation_history(mega_current_pass_id());
\set ECHO none
SELECT count(DISTINCT mg_pass_id) AS customers, min(mg_pass_id) AS whose FROM mega_generations \gset seen_
\set ECHO queries
\set ON_ERROR_STOP off
SAVEPOINT curious;
SELECT * FROM mega_balance('pass:shopify:7204411508022');
\set refused :refused ' ' :SQLSTATE
ROLLBACK TO curious;
SELECT * FROM mega_record_credit('pass:shopify:7204411506841', 1000, 'gift');
\set refused :refused ' ' :SQLSTATE
ROLLBACK TO curious;
\set ON_ERROR_STOP on
COMMIT;

-- At the end of the day: is there a customer whose balance is not the sum of the ledger, or whose preferences are not
-- what the events say?

SELECT * FROM mega_reconcile_credits();
SELECT * FROM mega_reconcile_preferences();

-- None. Of Leila's 160 credits the three stills took 4 each and the video 30; the two that failed took nothing: 118 are
-- left. Omar has 60: of two packs 50 went back and 40 were spent, and one pack was added.

-- Who somebody is
-- ---------------
--
-- A visitor makes a still. She is a random id in a cookie, and has ten credits of welcome.

SELECT mg_pass_id, created FROM mega_ensure_customer(anon_id => 'd0d00000-0000-4000-8000-00000000000a');
SELECT mg_credits FROM mega_record_credit('pass:anon:d0d00000-0000-4000-8000-00000000000a', 10, 'welcome',
    txn_id => 'welcome-d0d0');
SELECT mg_generation_id FROM mega_create_generation('pass:anon:d0d00000-0000-4000-8000-00000000000a', 'gen_still_003', 'still');
SELECT mg_credits FROM mega_hold_credit('pass:anon:d0d00000-0000-4000-8000-00000000000a', 4, 'gen_still_003',
    generation_id => 'gen_still_003');

-- She signs in, to the account that she has in the shop. Her session and her cookie say that both are her: they become one
-- customer, and she keeps the still and the credits of both.

SELECT mg_credits FROM mega_ensure_customer(shopify_customer_id => '7204411506899', email => 'noor@example.com');
SELECT mg_credits FROM mega_record_credit('pass:shopify:7204411506899', 50, 'order', ref_type => 'shopify_order',
    ref_id => '5523');
SELECT * FROM mega_merge_customers('pass:anon:d0d00000-0000-4000-8000-00000000000a', 'pass:shopify:7204411506899',
    actor => 'sign-in');

-- The provider's webhook comes late and knows the visitor alone. It lands right.

SELECT mg_mma_status FROM mega_complete_generation('gen_still_003', 'https://assets.example.com/gen_still_003.png',
    hold_id => 'gen_still_003', pass_id => 'pass:anon:d0d00000-0000-4000-8000-00000000000a');
SELECT mg_pass_id, mg_mma_status, mg_output_url FROM mega_generation('gen_still_003');
SELECT mg_id, mg_delta, balance_after FROM mega_credit_statement('pass:shopify:7204411506899')
WHERE mg_reason <> 'order';

-- Support finds her by the beginning of her address, verifies her and changes it.

SELECT mg_pass_id, mg_email, mg_credits, mg_status FROM mega_find_customers('noor@');
SELECT * FROM mega_verify_customer('pass:shopify:7204411506899', 'email', actor => 'support@example.com');
SELECT * FROM mega_update_customer('pass:shopify:7204411506899', '{"email": "noor@example.org"}',
    actor => 'support@example.com');

-- A year later she asks to be erased. What is personal goes, of the visitor too; the books still balance.

SELECT mg_pass_id FROM mega_erase_customer('pass:shopify:7204411506899', 'privacy@example.com');
SELECT mg_pass_id, mg_email, mg_shopify_customer_id, mg_credits FROM mega_customer('pass:shopify:7204411506899');
SELECT mg_action, mg_detail FROM mega_admin_audits(actor_pass_id => 'pass:shopify:7204411506899', page_size => 1);
SELECT * FROM mega_reconcile_credits();
SELECT * FROM mega_reconcile_preferences();

-- A shop moves in
-- ---------------
--
-- The studio has bought a small shop, which kept its books in tables of its own: a balance beside its transactions, as
-- far as they agree; a reference that was booked twice; an image whose URL is signed.

CREATE SCHEMA shop;
CREATE TABLE shop.customers (shopify_customer_id text, email text, credits integer, created_at timestamptz);
CREATE TABLE shop.credit_transactions (id uuid, shopify_customer_id text, delta integer, reason text, ref_type text, ref_id text, created_at timestamptz);
CREATE TABLE shop.generations (id text, shopify_customer_id text, prompt text, output_url text, created_at timestamptz);
INSERT INTO shop.customers VALUES ('8001', 'omar@example.com', 42, '2025-01-01'), ('anonymous', NULL, 3, '2025-01-01');
INSERT INTO shop.credit_transactions VALUES
    ('5f000000-0000-4000-8000-000000000001', '8001', 50, 'purchase', 'order', '9001', '2025-01-02'),
    ('5f000000-0000-4000-8000-000000000002', '8001', 50, 'purchase', 'order', '9001', '2025-01-02'),
    ('5f000000-0000-4000-8000-000000000003', '8001', -4, 'still', 'generation', 'old_1', '2025-01-03');
INSERT INTO shop.generations VALUES ('old_1', '8001', 'a bottle on sand',
    'https://delivery.example.com/old_1.png?X-Amz-Expires=3600&X-Amz-Signature=5f0c', '2025-01-03');

-- One call brings all of it over, batch by batch, while both go on working. What is odd is mended by a rule and counted:

SET client_min_messages = warning;
CALL mega_import('shop', mapping => '{"purchase": "topup"}') \gset
SELECT t.key AS name, t.value -> 'read' AS read, t.value -> 'written' AS written, m.key AS mended, m.value -> 'rows' AS rows
FROM jsonb_each(:'report'::jsonb -> 'tables') t LEFT JOIN jsonb_each(t.value -> 'mended') m ON true ORDER BY 1, 4;

-- The balance is what the shop said it was; a row of reason opening says what the transactions did not explain.

SELECT mg_id, mg_delta, mg_reason, mg_ref_id FROM mega_credit_statement('pass:shopify:8001');

-- Somebody bought in the old shop meanwhile. Then its writes are off: once more, and both sides are held against each other.

INSERT INTO shop.credit_transactions VALUES ('5f000000-0000-4000-8000-000000000004', '8001', 10, 'purchase', 'order', '9002', '2025-02-01');
UPDATE shop.customers SET credits = 52 WHERE shopify_customer_id = '8001';
CALL mega_import('shop', mapping => '{"purchase": "topup"}') \gset
SELECT mega_parity_report('shop') ->> 'verdict' AS verdict;

-- From here on the studio writes. A webhook of the old shop that comes again moves nothing:

SELECT mg_credits, replayed FROM mega_record_credit('pass:shopify:8001', 10, 'topup', ref_type => 'order', ref_id => '9002');

\set ECHO none
    -- A story that did not go as told is not told to its end.
SELECT :'refused' = 'MG001 MG006 MG005 23514 MG007 MG008 MG002 MG011 23503 42501' AND
    (:seen_customers, :'seen_whose') = (1, 'pass:shopify:7204411506841') AS all_refused, mg_credits = 118 AND held = 0 AS paid,
    (SELECT mg_credits = 60 FROM mega_balance('pass:shopify:7204411508022')) AS omar_too,
    (SELECT string_agg(mg_mma_status || coalesce(': ' || mg_error, ''), ', ' ORDER BY mg_created_at) =
        'done, done, done, error: kling: the image was refused by the safety check, error: the hold expired'
     FROM mega_generation_history('pass:shopify:7204411506841')) AS ended,
    (SELECT string_agg(mg_generation_id, ' ') = 'gen_still_001 gen_still_002'
     FROM mega_likes('pass:shopify:7204411506841')) AS likes,
    (SELECT count(*) = 2 FROM mega_app_config_versions('prices')) AND
    (SELECT count(*) = 2 FROM mega_admin_audits(action => 'app_config.set')) AS office,
    (SELECT mg_mma_vars = vars FROM mega_generations, runs WHERE mg_id = 'generation:gen_still_001') AS has_vars,
    (SELECT mg_mma_preferences @> '{"hard_blocks": [], "tag_weights": {"style.minimal": 2.5, "motion.push_in": -1,
        "light.harsh": 0, "style.editorial_still_life": 2.5}}' AND NOT mg_mma_preferences -> 'tag_weights' ? 'motion.light_flicker'
     FROM mega_customers WHERE mg_pass_id = 'pass:shopify:7204411506841') AS has_preferences,
    (SELECT count(*) = 8 FROM mega_generations WHERE mg_record_type = 'mma_step') AS has_steps,
    (SELECT mg_credits = 56 AND mg_email IS NULL FROM mega_customers WHERE mg_pass_id = 'pass:shopify:7204411506899') AS is_erased,
    NOT EXISTS (SELECT FROM mega_reconcile_credits()) AND NOT EXISTS (SELECT FROM mega_reconcile_preferences())
    AND (SELECT o.mg_credits = 52 FROM mega_balance('pass:shopify:8001') o)
    AND mega_parity_report('shop') ->> 'verdict' LIKE 'clean: %' AS agree
FROM mega_balance('pass:shopify:7204411506841') \gset
SELECT :'all_refused' AND :'paid' AND :'omar_too' AND :'ended' AND :'likes' AND :'office' AND :'has_vars' AND
    :'has_preferences' AND :'has_steps' AND :'is_erased' AND :'agree' AS as_told \gset
\if :as_told
\else
\warn 'refused:' :refused
\warn 'refused as told' :all_refused 'paid' :paid 'variables' :has_vars
\warn 'preferences' :has_preferences 'steps' :has_steps 'erased' :is_erased 'books' :agree
\warn 'Omar' :omar_too 'generations' :ended 'likes' :likes 'office' :office
SELECT 1 / 0;
\endif
