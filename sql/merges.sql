-- Two customers become one: mega_merge_customers, and whatever is written or read by the source's pass id from then on
-- (I1, I2, I5, I17). Customers of this file: pass:test:merge-*, Shopify ids 73…, user and anonymous ids 3e6e…
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE VIEW pg_temp.mine AS SELECT * FROM mega_customers WHERE mg_pass_id ~ '^pass:(test:merge-|shopify:73|(user|anon):3e6e)';
CREATE VIEW pg_temp.odd AS SELECT mg_pass_id FROM mega_reconcile_credits() WHERE mg_pass_id IN (SELECT mg_pass_id FROM pg_temp.mine)
    UNION ALL SELECT mg_pass_id FROM mega_reconcile_preferences() WHERE mg_pass_id IN (SELECT mg_pass_id FROM pg_temp.mine);

--
-- A visitor, and the account that she had.
--
SELECT mg_pass_id AS visitor FROM mega_ensure_customer(anon_id => '3e6e0000-0000-4000-8000-00000000000a', email => 'visitor@example.com', profile => '{"display_name": "Visitor", "marketing_opt_in": true}') \gset
SELECT mg_pass_id AS account FROM mega_ensure_customer(shopify_customer_id => '7301', email => 'ada@example.com') \gset
UPDATE mega_customers SET mg_meta = '{"theme": "dark"}', mg_mma_preferences = '{"app": {"a": 1}}', mg_auto_topup_enabled = true WHERE mg_pass_id = :'visitor';
UPDATE mega_customers SET mg_mma_preferences = '{"app": {"b": 2}}' WHERE mg_pass_id = :'account';
SELECT mg_credits FROM mega_record_credit(:'account', 100, 'order', txn_id => 'merge-order', ref_type => 'order', ref_id => '7301-1');
SELECT mega_record_mma_event(:'account', 'like', '{"tags": ["warm", "soft"]}', event_id => 'merge-a1', created_at => '2026-01-01T10:00Z') IS NOT NULL AS liked, mega_record_mma_event(:'account', 'like', '{"tag": "warm"}', event_id => 'merge-a2', created_at => '2026-01-03T10:00Z') IS NOT NULL;
SELECT mg_credits FROM mega_record_credit(:'visitor', 10, 'welcome', txn_id => 'merge-welcome', ref_type => 'welcome', ref_id => 'visitor');
SELECT mg_session_id FROM mega_start_session(:'visitor', 'merge-s');
SELECT mg_generation_id FROM mega_create_generation(:'visitor', 'merge-g', 'still', session_id => 'merge-s', meta => '{"a": 1}');
SELECT mg_id FROM mega_append_mma_step('merge-g', 'scan');
SELECT mg_credits FROM mega_hold_credit(:'visitor', 4, 'merge-h', generation_id => 'merge-g');
SELECT mg_id FROM mega_record_feedback(:'visitor', 'merge-f', 'merge-g', comment => 'nice');
-- a set between the two likes of the account: the fold of both histories is not the sum of both snapshots
SELECT mega_record_mma_event(:'visitor', 'preference_set', '{"tag_weights": {"warm": 5}, "hard_block": "neon"}', event_id => 'merge-v1', created_at => '2026-01-02T10:00Z') IS NOT NULL AS set;
SELECT mg_pass_id, mg_credits, mg_mma_preferences -> 'tag_weights' AS weights, mg_mma_preferences -> 'app' AS app FROM pg_temp.mine ORDER BY 1;
SELECT mg_id IS NOT NULL AS noted FROM mega_record_admin_audit('asked', :'visitor', audit_id => 'merge-asked');
SELECT clock_timestamp() AS before_the_merge \gset
SELECT * FROM mega_merge_customers(:'visitor', :'account', actor => 'support@example.com');
SELECT mg_pass_id, mg_credits, mg_email, mg_marketing_opt_in, mg_auto_topup_enabled, mg_mma_preferences - 'positions' - 'updated_at' AS preferences, mg_meta FROM pg_temp.mine ORDER BY 1 \gx
SELECT mg_id, mg_pass_id, mg_status, mg_meta #>> '{mega,from}' AS first_owner, mg_meta - 'mega' AS meta FROM mega_generations WHERE mg_pass_id IN (:'visitor', :'account') ORDER BY mg_id;
SELECT mg_action, mg_actor_pass_id, mg_detail FROM mega_admin_audits(actor_pass_id => :'account');
-- what was noted of the visitor before is found with the account, too
SELECT mg_action, mg_actor_pass_id FROM mega_admin_audits(actor_pass_id => :'account', page_size => 1);
SELECT mg_action, mg_actor_pass_id FROM mega_admin_audits(actor_pass_id => :'visitor', action => 'asked');
SELECT * FROM pg_temp.odd;
-- the target's past is both histories
SELECT mg_id, mg_delta, balance_after FROM mega_credit_statement(:'account');
SELECT mega_balance_at(:'account', :'before_the_merge'), mega_balance_at(:'visitor', :'before_the_merge');
-- again: a replay; and what cannot be
SELECT * FROM mega_merge_customers(:'visitor', :'account');
SELECT mega_ensure_customer('pass:test:merge-1'), mega_ensure_customer('pass:test:merge-2'), mega_ensure_customer('pass:test:merge-3'), mega_ensure_customer('pass:test:merge-4');
SELECT mega_disable_customer('pass:test:merge-3'), mega_delete_customer('pass:test:merge-4');
SELECT what, pg_temp.outcome(format('SELECT mega_merge_customers(%s)', arguments)) FROM (VALUES
    ('no source', $$NULL, 'pass:test:merge-1'$$), ('no target', $$'pass:test:merge-1', NULL$$), ('unknown source', $$'pass:test:merge-0', 'pass:test:merge-1'$$), ('unknown target', $$'pass:test:merge-1', 'pass:test:merge-0'$$),
    ('into itself', $$'pass:test:merge-1', 'pass:test:merge-1'$$), ('into who it was merged into', format('%L, %L', :'account', :'visitor')), ('merged elsewhere', format('%L, %L', :'visitor', 'pass:test:merge-1')),
    ('into a disabled one', $$'pass:test:merge-1', 'pass:test:merge-3'$$), ('into a deleted one', $$'pass:test:merge-1', 'pass:test:merge-4'$$), ('blank id', $$'pass:test:merge-1', 'pass:test:merge-2', ' '$$), ('blank actor', $$'pass:test:merge-1', 'pass:test:merge-2', NULL, ''$$)) v(what, arguments);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.outcome($$SELECT mega_merge_customers('pass:test:merge-1', 'pass:test:merge-2')$$);
ROLLBACK;

--
-- Reads by the source's pass id are of the target; only mega_customer and the table show its own row.
--
SELECT mg_pass_id, mg_credits FROM mega_customer(:'visitor');
SELECT mg_credits, held, spendable FROM mega_balance(:'visitor');
SELECT (SELECT count(*) FROM mega_credit_statement(:'visitor')) AS movements, (SELECT string_agg(mg_generation_id, ' ') FROM mega_generation_history(:'visitor')) AS history, (SELECT count(*) FROM mega_mma_events(:'visitor')) AS events,
    (SELECT count(*) FROM mega_generation_steps('merge-g', :'visitor')) AS steps, (SELECT granted FROM mega_usage(:'visitor', '2020-01-01', '2100-01-01', 'month')) AS granted, (SELECT mg_pass_id FROM mega_generation('merge-g', :'visitor')) AS of, (SELECT count(*) FROM mega_admin_audits(actor_pass_id => :'visitor')) AS audits;
SELECT mg_pass_id FROM mega_find_customers('visitor@') UNION ALL SELECT mg_pass_id FROM mega_find_customers(:'visitor');

--
-- Writes by the source's pass id land on the target.
--
SELECT mg_credits, replayed FROM mega_record_credit(:'visitor', 10, 'welcome', txn_id => 'merge-welcome', ref_type => 'welcome', ref_id => 'visitor');
SELECT mg_credits, replayed FROM mega_record_credit(:'account', 10, 'welcome', txn_id => 'merge-welcome', ref_type => 'welcome', ref_id => 'visitor');
SELECT outcome, mg_credits FROM mega_capture_credit('merge-h', pass_id => :'visitor');
SELECT mg_credits FROM mega_record_credit(:'visitor', 7, 'late', ref_type => 'order', ref_id => '7301-late');
SELECT * FROM mega_record_credits(format('[{"pass_id": "%s", "delta": 1, "reason": "batch"}, {"pass_id": "%s", "delta": 2, "reason": "batch"}]', :'visitor', :'account')::jsonb);
SELECT mg_credits FROM mega_hold_credit(:'visitor', 1, 'merge-h2');
SELECT outcome FROM mega_release_credit('merge-h2', pass_id => :'visitor');
SELECT mg_credits FROM mega_record_topup(:'visitor', 1, 10);
SELECT mg_id, mg_credits FROM mega_refund_credit('hold:merge-h', 'merge-r', 1, pass_id => :'visitor');
SELECT revoked FROM mega_revoke_credit('merge-v', 'merge-welcome', amount => 2, pass_id => :'visitor');
SELECT from_credits, to_credits FROM mega_transfer_credit(:'visitor', 'pass:test:merge-1', 3, 'merge-t');
SELECT from_credits, to_credits, replayed FROM mega_transfer_credit(:'account', 'pass:test:merge-1', 3, 'merge-t');
SELECT pg_temp.outcome(format('SELECT mega_transfer_credit(%L, %L, 1, %L)', :'visitor', :'account', 'merge-t2'));
SELECT replayed FROM mega_record_mma_event(:'visitor', 'preference_set', '{"tag_weights": {"warm": 5}, "hard_block": "neon"}', event_id => 'merge-v1');
SELECT preferences -> 'tag_weights' AS weights FROM mega_record_mma_event(:'visitor', 'like', '{"tag": "late"}', 'merge-g', 'merge-v2', '2026-01-04T10:00Z');
SELECT * FROM mega_record_mma_events(format('[{"pass_id": "%s", "event_type": "like", "payload": {"tag": "later"}, "event_id": "merge-v3"}]', :'visitor')::jsonb);
SELECT created FROM mega_start_session(:'visitor', 'merge-s');
SELECT created FROM mega_start_session(:'visitor', 'merge-s2');
SELECT created FROM mega_create_generation(:'visitor', 'merge-g');
SELECT created FROM mega_create_generation(:'visitor', 'merge-g2', 'still', parent_generation_id => 'merge-g');
SELECT created FROM mega_tweak_generation('merge-g', 'merge-g3', '{}', 'merge-v4', pass_id => :'visitor');
SELECT mg_step_no FROM mega_append_mma_step('merge-g', 'prompt', pass_id => :'visitor');
SELECT mg_mma_status FROM mega_update_generation('merge-g', 'generating', pass_id => :'visitor');
SELECT mg_mma_status FROM mega_complete_generation('merge-g', 'https://cdn.example.com/merge.png', pass_id => :'visitor');
SELECT created FROM mega_record_feedback(:'visitor', 'merge-f2', 'merge-g2');
SELECT mg_id IS NOT NULL AS audited FROM mega_record_admin_audit('looked', :'visitor', audit_id => 'merge-look');
SELECT changed FROM mega_update_customer(:'visitor', '{"display_name": "Ada"}');
-- raw rows of each type; RETURNING says whose they are
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_step_type, mg_delta, mg_reason, mg_meta, mg_payload) VALUES
    ('session:merge-raw', :'visitor', NULL, NULL, NULL, NULL, '{}', NULL), ('generation:merge-raw', :'visitor', NULL, NULL, NULL, NULL, '{}', NULL), ('mma_step:merge-raw:0', :'visitor', NULL, 'scan', NULL, NULL, '{}', '{"input": {}, "output": {}}'),
    ('mma_step:merge-g:9', NULL, NULL, 'scan', NULL, NULL, '{}', '{"input": {}, "output": {}}'), ('feedback:merge-raw', :'visitor', 'merge-g', NULL, NULL, NULL, '{}', NULL),
    ('credit_transaction:merge-raw', :'visitor', NULL, NULL, 5, 'raw', '{"mega": {"from": "pass:test:x"}}', NULL), ('mma_event:merge-raw', :'visitor', 'merge-g', NULL, NULL, NULL, '{"event_type": "like", "payload": {"tag": "raw"}}', NULL) RETURNING mg_id, mg_pass_id;
COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) FROM STDIN (DELIMITER ',');
credit_transaction:merge-copy-1,pass:anon:3e6e0000-0000-4000-8000-00000000000a,1,copy
credit_transaction:merge-copy-2,pass:shopify:7301,2,copy
\.
-- an application that writes all columns back, or an upsert with the old pass id: nothing changes; another pass id is a fact
UPDATE mega_generations SET mg_pass_id = :'visitor', mg_title = 'back' WHERE mg_id = 'session:merge-s' RETURNING mg_pass_id, mg_title;
INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:merge-s', :'visitor') ON CONFLICT (mg_id) DO UPDATE SET mg_pass_id = excluded.mg_pass_id, mg_title = 'upsert' RETURNING mg_pass_id, mg_title;
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_pass_id = 'pass:test:merge-1' WHERE mg_id = 'session:merge-s'$$), pg_temp.outcome($$UPDATE mega_customers SET mg_meta = '{}' WHERE mg_pass_id = 'pass:anon:3e6e0000-0000-4000-8000-00000000000a'$$);
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = :'visitor';
SELECT mg_record_type, count(*), count(*) FILTER (WHERE mg_pass_id = :'account') AS of_the_account FROM mega_generations WHERE mg_pass_id IN (:'visitor', :'account') GROUP BY 1 ORDER BY 1;
SELECT mg_credits, mg_mma_preferences -> 'tag_weights' AS weights FROM pg_temp.mine WHERE mg_pass_id IN (:'visitor', :'account') ORDER BY mg_pass_id;
SELECT * FROM pg_temp.odd;

--
-- Ensure, by whatever either of them had.
--
SELECT * FROM mega_ensure_customer(anon_id => '3e6e0000-0000-4000-8000-00000000000a');
SELECT * FROM mega_ensure_customer(:'visitor', '7301', '3e6e0000-0000-4000-8000-000000000001');
-- two accounts with two Shopify ids: one person, both ids are hers
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '7302', user_id => '3e6e0000-0000-4000-8000-000000000002');
SELECT pg_temp.outcome($$SELECT mega_ensure_customer(shopify_customer_id => '7302', user_id => '3e6e0000-0000-4000-8000-000000000001')$$);
SELECT mg_pass_id, mg_credits FROM mega_merge_customers('pass:shopify:gid://shopify/Customer/7302', 'pass:shopify:7301', 'merge-id-1', 'support@example.com');
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '7302', user_id => '3e6e0000-0000-4000-8000-000000000001');
SELECT mg_pass_id FROM mega_ensure_customer(user_id => '3e6e0000-0000-4000-8000-000000000002');
SELECT pg_temp.outcome(format('SELECT mega_ensure_customer(%L, %L)', :'account', '7309'));
SELECT mg_shopify_customer_id, mg_user_id FROM pg_temp.mine WHERE mg_pass_id IN ('pass:shopify:7301', 'pass:shopify:7302') ORDER BY mg_pass_id;

--
-- Chains, and circles.
--
SELECT mg_credits FROM mega_record_credit('pass:test:merge-1', 5, 'grant');
SELECT mg_pass_id, moved_rows, replayed FROM mega_merge_customers('pass:test:merge-1', 'pass:test:merge-2', 'merge-id-2');
SELECT mg_pass_id, moved_rows, replayed FROM mega_merge_customers('pass:test:merge-2', :'visitor', 'merge-id-3');
SELECT mg_pass_id, mg_meta -> 'mega' AS own FROM pg_temp.mine WHERE mg_meta ? 'mega' ORDER BY 1;
SELECT mg_id, mg_pass_id, mg_meta #>> '{mega,from}' AS first_owner FROM mega_generations WHERE mg_id LIKE 'credit_transaction:transfer:merge-t:%' ORDER BY 1;
SELECT mg_pass_id, moved_rows, replayed FROM mega_merge_customers('pass:test:merge-1', 'pass:test:merge-2', 'merge-id-2');
SELECT mg_pass_id, moved_rows, replayed FROM mega_merge_customers('pass:test:merge-1', :'account');
SELECT what, pg_temp.outcome(format('SELECT mega_merge_customers(%s)', arguments)) FROM (VALUES ('a circle', format('%L, %L', :'account', 'pass:test:merge-1')), ('another merge of this id', $$'pass:test:merge-3', 'pass:test:merge-1', 'merge-id-3'$$), ('this id, another target', $$'pass:test:merge-1', 'pass:test:merge-3', 'merge-id-2'$$)) v(what, arguments);
SELECT mg_id, mg_detail FROM mega_admin WHERE mg_id LIKE 'admin_audit:merge:merge-id-%' ORDER BY 1;
SELECT * FROM pg_temp.odd;

--
-- What has ended of either goes first; an end is of the credits that it was set for; a balance has its bounds.
--
SELECT mega_ensure_customer('pass:test:merge-e' || n) FROM generate_series(1, 8) n;
SELECT mega_record_credit('pass:test:merge-e' || n, 10 * n, 'grant') IS NOT NULL AS granted FROM generate_series(1, 6) n;
UPDATE mega_customers SET mg_expires_at = now() - interval '1 day' WHERE mg_pass_id = 'pass:test:merge-e1';
UPDATE mega_customers SET mg_expires_at = '2099-01-01' WHERE mg_pass_id IN ('pass:test:merge-e3', 'pass:test:merge-e4', 'pass:test:merge-e5');
UPDATE mega_customers SET mg_expires_at = '2098-01-01' WHERE mg_pass_id IN ('pass:test:merge-e7', 'pass:test:merge-e8');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-e1', 'pass:test:merge-e2');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-e3', 'pass:test:merge-e4');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-e5', 'pass:test:merge-e7');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-e8', 'pass:test:merge-e6');
SELECT mg_pass_id, mg_credits, mg_expires_at FROM pg_temp.mine WHERE mg_pass_id LIKE 'pass:test:merge-e%' ORDER BY 1;
SELECT mega_ensure_customer('pass:test:merge-full'), mega_ensure_customer('pass:test:merge-one');
SELECT mega_record_credit('pass:test:merge-full', 2147483640, 'grant') IS NOT NULL, mega_hold_credit('pass:test:merge-full', 5, 'merge-full') IS NOT NULL, mega_record_credit('pass:test:merge-one', 8, 'grant') IS NOT NULL;
SELECT pg_temp.outcome($$SELECT mega_merge_customers('pass:test:merge-one', 'pass:test:merge-full')$$);
SELECT mega_release_credit('merge-full');
SELECT pg_temp.outcome($$SELECT mega_merge_customers('pass:test:merge-one', 'pass:test:merge-full')$$);
SELECT * FROM pg_temp.odd;

--
-- Claims on top-ups: one that was handed out for the source is ended by the target's top-up, one of each is both.
--
SELECT mega_ensure_customer('pass:test:merge-c' || n) FROM generate_series(1, 4) n;
SELECT changed FROM unnest('{1,2,3,4}'::text[]) n, mega_update_customer('pass:test:merge-c' || n, '{"auto_topup_enabled": true, "auto_topup_monthly_limit_packs": 20, "topup_default_packs": 2}');
CREATE TEMP TABLE claims AS SELECT c.* FROM mega_claim_topups(0, 1000) c WHERE mg_pass_id LIKE 'pass:test:merge-c%';
SELECT mega_release_topup_claim(topup_id) FROM claims WHERE mg_pass_id = 'pass:test:merge-c2';
SELECT mg_pass_id FROM mega_merge_customers('pass:test:merge-c1', 'pass:test:merge-c2') UNION ALL SELECT mg_pass_id FROM mega_merge_customers('pass:test:merge-c3', 'pass:test:merge-c4');
SELECT mg_pass_id, jsonb_path_query_array(mg_meta, '$.mega.claim.packs') AS claimed, jsonb_array_length(mg_meta #> '{mega,claims}') AS others FROM pg_temp.mine WHERE mg_pass_id LIKE 'pass:test:merge-c%' ORDER BY 1;
SELECT count(*) AS handed_out_again FROM mega_claim_topups(0, 1000) WHERE mg_pass_id LIKE 'pass:test:merge-c%';
-- both stand in the month: 20 packs, 4 of them claimed
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:merge-c4', 17, automatic => true)$$);
SELECT c.mg_pass_id, t.mg_credits, replayed FROM claims c, mega_record_topup(c.mg_pass_id, topup_id => c.topup_id) t WHERE c.mg_pass_id IN ('pass:test:merge-c1', 'pass:test:merge-c3', 'pass:test:merge-c4') ORDER BY 1;
SELECT c.mg_pass_id, mega_release_topup_claim(c.topup_id) FROM claims c WHERE c.mg_pass_id IN ('pass:test:merge-c3', 'pass:test:merge-c4') ORDER BY 1;
SELECT mg_pass_id, (mg_meta -> 'mega') - 'sources'::text - 'merged_into'::text AS left_over FROM pg_temp.mine WHERE mg_pass_id IN ('pass:test:merge-c3', 'pass:test:merge-c4') ORDER BY 1;
-- one is declined: the other still stands (6), or lapsed and comes again (8); then the next one, not before it is time
SELECT mega_ensure_customer('pass:test:merge-c' || n) IS NOT NULL AS there FROM generate_series(5, 8) n;
CREATE FUNCTION pg_temp.claim(who text, retry interval) RETURNS bigint LANGUAGE sql AS $$
    UPDATE mega_customers SET mg_auto_topup_enabled = true WHERE mg_pass_id = who;
    WITH one AS (INSERT INTO claims SELECT * FROM mega_claim_topups(0, 1000, retry) c WHERE mg_pass_id = who RETURNING 1) SELECT count(*) FROM one $$;
SELECT n, pg_temp.claim('pass:test:merge-c' || n, retry) FROM (VALUES (5, '1 hour'::interval), (6, '2 hours'), (8, '1 hour'), (7, '1 microsecond')) v(n, retry);
SELECT mg_pass_id FROM mega_merge_customers('pass:test:merge-c5', 'pass:test:merge-c6') UNION ALL SELECT mg_pass_id FROM mega_merge_customers('pass:test:merge-c7', 'pass:test:merge-c8');
SELECT mega_release_topup_claim(topup_id) FROM claims WHERE mg_pass_id ~ 'merge-c[68]$';
SELECT t.mg_pass_id, c.mg_pass_id AS whose FROM mega_claim_topups(0, 1000) t LEFT JOIN claims c USING (topup_id) WHERE t.mg_pass_id ~ 'merge-c[5-8]$';
SELECT mega_release_topup_claim(topup_id, now() + interval '1 day') FROM claims WHERE mg_pass_id ~ 'merge-c7$';
SELECT t.mg_pass_id FROM mega_claim_topups(0, 1000) t WHERE t.mg_pass_id ~ 'merge-c[5-8]$';
UPDATE mega_customers SET mg_auto_topup_enabled = false WHERE mg_pass_id ~ 'merge-c[5-8]$';
SELECT * FROM pg_temp.odd;

--
-- Books that were never opened: what an adopted table says of one is not lost.
--
SELECT mega_ensure_customer('pass:test:merge-b' || n) FROM generate_series(1, 2) n;
SET session_replication_role = replica;
UPDATE mega_customers SET mg_credits = 40, mg_mma_preferences = '{"hard_blocks": [], "tag_weights": {"old": 3}, "source": "mma"}' WHERE mg_pass_id = 'pass:test:merge-b1';
UPDATE mega_customers SET mg_credits = 2, mg_mma_preferences = '{"hard_blocks": ["neon"], "tag_weights": {"neon": -999}, "source": "mma"}' WHERE mg_pass_id = 'pass:test:merge-b2';
RESET session_replication_role;
SELECT mg_pass_id, mg_credits, moved_rows FROM mega_merge_customers('pass:test:merge-b1', 'pass:test:merge-b2');
SELECT mg_pass_id, mg_credits, mg_mma_preferences -> 'tag_weights' AS weights FROM pg_temp.mine WHERE mg_pass_id LIKE 'pass:test:merge-b%' ORDER BY 1;
SELECT * FROM pg_temp.odd;

--
-- Open lots of both, by their ends (I15). Where what has no lot ends at different times, it becomes a lot on each side; a hold
-- of the source goes back to the lot that it was taken from.
--
SELECT mega_ensure_customer('pass:test:merge-l' || n) FROM generate_series(1, 6) n;
SELECT mega_record_credit('pass:test:merge-l' || n, 10 * n, 'grant', expires_at => '2098-01-01'::timestamptz - n * interval '1 day', txn_id => 'merge-l' || n) IS NOT NULL AS lot,
    mega_record_credit('pass:test:merge-l' || n, 100 * n, 'order', txn_id => 'merge-f' || n) IS NOT NULL AS rest FROM generate_series(1, 2) n;
UPDATE mega_customers SET mg_expires_at = '2099-01-01'::timestamptz + CASE mg_pass_id WHEN 'pass:test:merge-l1' THEN interval '0' ELSE '1 day' END WHERE mg_pass_id IN ('pass:test:merge-l1', 'pass:test:merge-l2');
SELECT mega_hold_credit('pass:test:merge-l1', 4, 'merge-lh') IS NOT NULL AS held;
SELECT mg_pass_id, mg_credits FROM mega_merge_customers('pass:test:merge-l1', 'pass:test:merge-l2');
SELECT mg_pass_id, mg_credits, mg_expires_at FROM pg_temp.mine WHERE mg_pass_id IN ('pass:test:merge-l1', 'pass:test:merge-l2') ORDER BY 1;
SELECT regexp_replace(mg_id, '[0-9a-f]{8}-[0-9a-f-]{27}', '…') AS mg_id, granted, remaining, ends FROM mega_credit_lots('pass:test:merge-l2');
SELECT mg_reason, mg_delta FROM mega_credit_statement('pass:test:merge-l2') WHERE mg_reason LIKE 'lot%' ORDER BY 2;
-- the audit tells what each of them had
SELECT side, mg_detail ->> (side || '_credits') AS credits, regexp_replace(mg_detail ->> (side || '_lots'), '[0-9a-f]{8}-[0-9a-f-]{27}', '…') AS lots FROM mega_admin_audits(actor_pass_id => 'pass:test:merge-l2'), unnest('{source,target}'::text[]) side;
SELECT * FROM mega_release_credit('merge-lh');
SELECT remaining FROM mega_credit_lots('pass:test:merge-l2') WHERE mg_id = 'credit_transaction:merge-l1';
-- one end of both stays; an end beside nothing is gone with it; a debt of one is paid by the other's lots
UPDATE mega_customers SET mg_expires_at = '2099-01-01' WHERE mg_pass_id IN ('pass:test:merge-l3', 'pass:test:merge-l4');
SELECT mega_record_credit('pass:test:merge-l' || n, n, 'order') IS NOT NULL AS rest FROM generate_series(3, 4) n;
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-l3', 'pass:test:merge-l4');
SELECT mg_credits, mg_expires_at, (SELECT count(*) FROM mega_credit_lots('pass:test:merge-l4')) AS lots FROM mega_customers WHERE mg_pass_id = 'pass:test:merge-l4';
UPDATE mega_customers SET mg_expires_at = '2099-01-01' WHERE mg_pass_id = 'pass:test:merge-l5';
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:merge-debt', 'pass:test:merge-l5', -8, 'raw');
SELECT mega_record_credit('pass:test:merge-l6', 20, 'grant', expires_at => '2098-01-01', txn_id => 'merge-l6') IS NOT NULL AS lot;
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-l5', 'pass:test:merge-l6');
SELECT granted, remaining FROM mega_credit_lots('pass:test:merge-l6');
SELECT mg_expires_at IS NULL AS no_end FROM mega_customers WHERE mg_pass_id = 'pass:test:merge-l6';
SELECT count(*) AS differ FROM mega_reconcile_lots();

--
-- A batch that names one customer by several of his pass ids, whichever comes first; its keys are looked for by all of them.
--
SELECT mega_ensure_customer('pass:test:merge-n' || n) FROM generate_series(1, 6) n;
SELECT mg_credits FROM mega_record_credit('pass:test:merge-n1', 10, 'order', txn_id => 'merge-n1');
SELECT mg_credits FROM mega_record_credit('pass:test:merge-n4', 20, 'order', ref_type => 'merge', ref_id => 'n4');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-n1', 'pass:test:merge-n3');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-n4', 'pass:test:merge-n3');
SELECT what, pg_temp.outcome(format('SELECT mega_record_credits(%L)', (SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:test:merge-n' || split_part(e, ' ', 1), 'delta', split_part(e, ' ', 2)::integer, 'reason', 'batch') || coalesce(jsonb_build_object('txn_id', 'merge-n-' || nullif(split_part(e, ' ', 3), '')), '{}')) FROM unnest(entries) e)))
FROM (VALUES (1, 'before and behind', '{"1 1", "2 2", "3 4", "4 8", "5 16"}'::text[]), (2, 'behind, drawing', '{"3 4", "4 -8"}'), (3, 'before, drawing', '{"1 -7", "3 1"}'), (4, 'drawing what came before', '{"3 50", "4 -70"}'), (5, 'too much', '{"3 10", "4 -5000"}'), (6, 'one key twice', '{"1 1 k", "3 1 k"}'), (7, 'the key again', '{"3 1 k", "4 1 k", "1 2"}'), (8, 'somebody else''s', '{"1 3 m", "2 3 m"}'), (9, 'other content', '{"1 3 m", "3 2 m"}'),
    (10, 'unknown', '{"1 1", "3 1", "9 1"}')) v(nr, what, entries) ORDER BY nr;
SELECT mega_record_credits('[{"pass_id": "pass:test:merge-n1", "delta": 10, "reason": "order", "txn_id": "merge-n1"}, {"pass_id": "pass:test:merge-n3", "delta": 20, "reason": "order", "ref_type": "merge", "ref_id": "n4"}, {"pass_id": "pass:test:merge-n3", "delta": 1, "reason": "batch"}]');
SELECT mega_record_mma_events('[{"pass_id": "pass:test:merge-n4", "event_type": "like", "payload": {"tag": "a"}}, {"pass_id": "pass:test:merge-n3", "event_type": "like", "payload": {"tag": "a"}}, {"pass_id": "pass:test:merge-n1", "event_type": "like", "payload": {"tag": "a"}, "event_id": "merge-n"},
    {"pass_id": "pass:test:merge-n4", "event_type": "like", "payload": {"tag": "a"}, "event_id": "merge-n"}, {"pass_id": "pass:test:merge-n3", "event_type": "like", "payload": {"tag": "a"}, "event_id": "merge-n"}]');
SELECT pg_temp.outcome($$SELECT mega_record_mma_events('[{"pass_id": "pass:test:merge-n1", "event_type": "like", "event_id": "merge-m"}, {"pass_id": "pass:test:merge-n2", "event_type": "like", "event_id": "merge-m"}]')$$);
-- to whom the source went is not told to whom may not read it
CREATE ROLE regress_mega_merge_caller;
GRANT EXECUTE ON FUNCTION mega_record_credit(text, integer, text, text, text, text, text, timestamptz, jsonb, boolean), mega_record_credits(jsonb), mega_hold_credit(text, integer, text, interval, text, jsonb, text), mega_transfer_credit(text, text, integer, text, text),
    mega_record_topup(text, integer, integer, text, text, text, boolean, timestamptz, text), mega_refund_credit(text, text, integer, text, text), mega_record_mma_event(text, text, jsonb, text, text, timestamptz), mega_make_lot(text, text, integer, timestamptz), mega_create_generation(text, text, text, text, text, text, text, text, text, jsonb, jsonb), mega_start_session(text, text, text, text, jsonb, jsonb),
    mega_record_feedback(text, text, text, text, text, text, text, text, text, jsonb), mega_append_mma_step(text, text, jsonb, jsonb, jsonb, timestamptz, timestamptz, integer, text, text, text, text), mega_ensure_customer(text, text, uuid, uuid, text, jsonb), mega_tweak_generation(text, text, jsonb, text, text, text, text, text, text, text, jsonb, jsonb, text) TO regress_mega_merge_caller;
SELECT mega_transfer_credit('pass:test:merge-n1', 'pass:test:merge-n2', 1, 'merge-n') IS NOT NULL AS transferred, mega_record_topup('pass:test:merge-n1', 1, 1, 'merge', 'topup') IS NOT NULL AS charged, mega_hold_credit('pass:test:merge-n1', 1, 'merge-n') IS NOT NULL AS held, mega_make_lot('pass:test:merge-n1', 'merge-n', 1, '2099-01-01') IS NOT NULL AS made, mega_create_generation('pass:test:merge-n1', 'merge-n') IS NOT NULL AS created;
SET ROLE regress_mega_merge_caller;
SELECT what, pg_temp.outcome('SELECT mega_' || call) FROM (VALUES (1, 'credit', $$record_credit('pass:test:merge-n1', 3, 'order', txn_id => 'merge-n1')$$), (2, 'batch', $$record_credits('[{"pass_id": "pass:test:merge-n1", "delta": 3, "reason": "order", "txn_id": "merge-n1"}]')$$),
    (3, 'two of a batch', $$record_credits('[{"pass_id": "pass:test:merge-n1", "delta": 3, "reason": "order", "txn_id": "merge-n2"}, {"pass_id": "pass:test:merge-n4", "delta": 2, "reason": "order", "txn_id": "merge-n2"}]')$$), (4, 'too much', $$record_credit('pass:test:merge-n1', -3000, 'order')$$),
    (5, 'hold', $$hold_credit('pass:test:merge-n1', 3, 'merge-n')$$), (6, 'transfer', $$transfer_credit('pass:test:merge-n1', 'pass:test:merge-n2', 3, 'merge-n')$$), (7, 'transfer to itself', $$transfer_credit('pass:test:merge-n1', 'pass:test:merge-n4', 3, 'merge-n4')$$), (8, 'top-up', $$record_topup('pass:test:merge-n1', 2, 1, 'merge', 'topup')$$),
    (9, 'event', $$record_mma_event('pass:test:merge-n1', 'dislike', event_id => 'merge-n')$$), (10, 'refund', $$refund_credit('merge-n1', 'merge-n', pass_id => 'pass:test:merge-n1')$$), (11, 'lot', $$make_lot('pass:test:merge-n1', 'merge-n', 2, '2099-01-01')$$), (12, 'lot without end', $$make_lot('pass:test:merge-n1', 'merge-n5')$$),
    (13, 'generation', $$create_generation('pass:test:merge-n1', 'merge-g')$$), (14, 'session', $$start_session('pass:test:merge-n1', 'merge-s')$$), (15, 'feedback', $$record_feedback('pass:test:merge-n1', 'merge-f')$$), (16, 'feedback about another''s', $$record_feedback('pass:test:merge-n1', generation_id => 'merge-g')$$), (17, 'parent', $$create_generation('pass:test:merge-n1', 'merge-n2', parent_generation_id => 'merge-g')$$),
    (18, 'hold for another''s', $$hold_credit('pass:test:merge-n1', 1, 'merge-n9', generation_id => 'merge-g')$$), (19, 'event about another''s', $$record_mma_event('pass:test:merge-n1', 'like', generation_id => 'merge-g', event_id => 'merge-n2')$$), (20, 'step', $$append_mma_step('merge-g', 'scan', pass_id => 'pass:test:merge-n1')$$), (21, 'ensure', $$ensure_customer('pass:test:merge-n1', shopify_customer_id => '7301')$$),
    (22, 'tweak', $$tweak_generation('merge-n', 'merge-g')$$)) v(nr, what, call) ORDER BY nr;
RESET ROLE;
DROP OWNED BY regress_mega_merge_caller;
DROP ROLE regress_mega_merge_caller;
-- who was merged is not charged for, whatever an application writes of him
SELECT FROM mega_ensure_customer('pass:test:merge-due') d, mega_ensure_customer('pass:test:merge-due-into') i;
SELECT mg_pass_id FROM mega_merge_customers('pass:test:merge-due', 'pass:test:merge-due-into');
UPDATE mega_customers SET mg_auto_topup_enabled = true WHERE mg_pass_id ~ '^pass:test:merge-due';
SELECT mg_pass_id FROM mega_topup_due(0) WHERE mg_pass_id ~ 'merge-due';
SELECT mg_pass_id FROM mega_claim_topups(0) WHERE mg_pass_id ~ 'merge-due';
UPDATE mega_customers SET mg_auto_topup_enabled = false WHERE mg_pass_id ~ '^pass:test:merge-due';
-- one of them has credits that end, or the other one is erased
SELECT mg_credits FROM mega_record_credit('pass:test:merge-n5', 3, 'grant', expires_at => clock_timestamp() + interval '20 ms', txn_id => 'merge-n5');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-n2', 'pass:test:merge-n5');
SELECT pg_sleep(0.03);
SELECT mega_record_credits('[{"pass_id": "pass:test:merge-n2", "delta": 1, "reason": "batch"}, {"pass_id": "pass:test:merge-n5", "delta": 2, "reason": "batch"}]');
-- what is told of one customer by two names goes in the order of the entries
SELECT pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:merge-n5", "delta": -1000, "reason": "batch"}, {"pass_id": "pass:test:merge-n2", "delta": 1000, "reason": "batch"}]')$$);
SELECT mega_record_credits('[{"pass_id": "pass:test:merge-n2", "delta": 1000, "reason": "batch"}, {"pass_id": "pass:test:merge-n5", "delta": -1000, "reason": "batch"}]');
SELECT mega_record_mma_events('[{"pass_id": "pass:test:merge-n5", "event_type": "like", "event_id": "merge-o1"}, {"pass_id": "pass:test:merge-n2", "event_type": "like", "event_id": "merge-o2"}, {"pass_id": "pass:test:merge-n5", "event_type": "like", "event_id": "merge-o3"}]');
SELECT mg_id FROM mega_generations WHERE mg_id LIKE 'mma\_event:merge-o%' ORDER BY mg_created_at;
SELECT mega_erase_customer('pass:test:merge-n6') IS NOT NULL AS erased;
SELECT pg_temp.outcome($$SELECT mega_record_credits('[{"pass_id": "pass:test:merge-n1", "delta": 1, "reason": "batch"}, {"pass_id": "pass:test:merge-n6", "delta": 2, "reason": "batch"}]')$$);
SELECT mg_pass_id, mg_credits, mg_mma_preferences -> 'tag_weights' AS weights FROM pg_temp.mine WHERE mg_pass_id LIKE 'pass:test:merge-n%' ORDER BY 1;
-- lots pay a debt that a merge left before the next one, in a row that says so
SELECT count(mega_ensure_customer('pass:test:merge-debt' || n)) FROM generate_series(1, 3) n;
SELECT mg_credits FROM mega_record_credit('pass:test:merge-debt1', -12, 'spend', allow_negative => true);
SELECT mg_credits FROM mega_record_credit('pass:test:merge-debt2', 6, 'grant', expires_at => '2099-01-01', txn_id => 'merge-debt2');
SELECT mg_credits FROM mega_record_credit('pass:test:merge-debt3', 32, 'grant');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-debt1', 'pass:test:merge-debt2');
SELECT count(*) FROM mega_credit_lots('pass:test:merge-debt2');
SELECT mg_credits FROM mega_merge_customers('pass:test:merge-debt2', 'pass:test:merge-debt3');
SELECT count(*) FROM mega_credit_lots('pass:test:merge-debt3');
SELECT split_part(mg_id, ':', 2) = 'expire' AS expiry, mg_delta, mg_meta FROM mega_generations WHERE mg_pass_id = 'pass:test:merge-debt3' AND mg_meta #> '{mega,cover}' IS NOT NULL;
SELECT count(*) AS differ FROM mega_reconcile_lots();
SELECT * FROM pg_temp.odd;
