-- A customer is erased: nothing that somebody wrote of a person is left in the three tables or in their statistics, and
-- the books are as before. In a database of its own, so that the statistics are of these rows.
SET client_min_messages = warning;
\pset null NULL
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_erasures TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_erasures
SET client_min_messages = warning;
\set VERBOSITY sqlstate
SET timezone = 'UTC';
CREATE EXTENSION mega;
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/outcome.psql'
\i :opening

--
-- Who is erased: an account, into which a visitor was merged; somebody else, to whom she gave credits.
--
SELECT FROM mega_ensure_customer(anon_id => 'e4a50000-0000-4000-8000-00000000000a');
SELECT FROM mega_ensure_customer(shopify_customer_id => '7401', user_id => 'e4a50000-0000-4000-8000-000000000001', email => 'ada@example.com', profile => '{"display_name": "Ada", "first_name": "A", "last_name": "L", "locale": "en", "timezone": "Europe/London"}');
SELECT FROM mega_ensure_customer('pass:test:friend');
SELECT mega_record_credit('pass:shopify:7401', 100, 'order', 'shopify', 'order', '7401-1', 'grant') IS NOT NULL AS granted, mega_record_credit('pass:anon:e4a50000-0000-4000-8000-00000000000a', 10, 'welcome', txn_id => 'welcome') IS NOT NULL;
SELECT mega_record_credit('pass:shopify:7401', -20, 'spend', txn_id => 'spent', meta => '{"for": "me"}') IS NOT NULL AS spent, mega_hold_credit('pass:shopify:7401', 5, 'held') IS NOT NULL AS held, mega_hold_credit('pass:shopify:7401', 6, 'held too') IS NOT NULL,
    mega_hold_credit('pass:shopify:7401', 7, 'overdue', expires_in => '1 microsecond', generation_id => 'g2') IS NOT NULL;
SELECT from_credits, to_credits FROM mega_transfer_credit('pass:shopify:7401', 'pass:test:friend', 3, 'gift');
SELECT from_credits, to_credits FROM mega_transfer_credit('pass:test:friend', 'pass:shopify:7401', 1, 'back');
SELECT mg_id FROM mega_start_session('pass:shopify:7401', 's');
SELECT mg_id FROM mega_create_generation('pass:shopify:7401', 'g', 'still', 'image', 's', provider => 'seedream', model => 'v4') UNION ALL SELECT mg_id FROM mega_create_generation('pass:shopify:7401', 'g2', 'still') ORDER BY 1;
SELECT mg_id FROM mega_append_mma_step('g', 'scan', '{"a": 1}', '{"b": 2}');
SELECT mg_id FROM mega_record_feedback('pass:shopify:7401', 'f', 'g', comment => 'nice');
SELECT mega_record_mma_event('pass:shopify:7401', 'like', '{"tags": ["warm", "soft"], "weight": 2}', 'g', 'liked') IS NOT NULL AS liked, mega_record_mma_event('pass:shopify:7401', 'preference_set', '{"tag_weights": {"cold": -3}, "hard_block": "neon"}', event_id => 'set') IS NOT NULL,
    mega_record_mma_event('pass:anon:e4a50000-0000-4000-8000-00000000000a', 'dislike', '{"tag": "soft"}', event_id => 'disliked') IS NOT NULL;
SELECT mg_pass_id, mg_credits, moved_rows FROM mega_merge_customers('pass:anon:e4a50000-0000-4000-8000-00000000000a', 'pass:shopify:7401', actor => 'support@example.com');
SELECT mega_record_admin_audit('looked', 'pass:shopify:7401', email => 'admin@example.com', ip => '10.0.0.1', user_agent => 'Firefox', route => '/customers/ada', detail => '{"why": "ticket"}', audit_id => 'of-ada') IS NOT NULL AS audited,
    mega_record_admin_audit('compared', 'pass:test:friend', detail => '{"with": ["pass:shopify:7401", "pass:test:friend"]}', audit_id => 'of-friend') IS NOT NULL,
    mega_link_profile('e4a50000-0000-4000-9000-000000000001', 'e4a50000-0000-4000-8000-000000000001', 'ada@example.com', '7401', 'pass:shopify:7401') IS NOT NULL AS linked;

--
-- A marker in every text and JSON column of the three tables, save keys, references and codes.
--
CREATE TABLE kept (relation text, columns text[]);
INSERT INTO kept VALUES ('mega_customers', '{mg_pass_id,mg_shopify_customer_id,mg_verification_method,mg_topup_source,mg_source_system}'),
    ('mega_generations', '{mg_id,mg_record_type,mg_pass_id,mg_session_id,mg_generation_id,mg_parent_id,mg_step_type,mg_type,mg_provider,mg_model,mg_content_type,mg_status,mg_result_type,mg_reason,mg_source,mg_ref_type,mg_ref_id,mg_source_system,mg_mma_mode,mg_mma_status}'),
    ('mega_admin', '{mg_id,mg_record_type,mg_actor_pass_id,mg_session_hash,mg_action,mg_method,mg_key,mg_source_system}');
CREATE TABLE marked AS SELECT c.table_name::text AS relation, c.column_name::text AS name, c.data_type::text AS type FROM information_schema.columns c JOIN kept k ON k.relation = c.table_name
    WHERE c.table_schema = 'public' AND c.data_type IN ('text', 'jsonb') AND c.column_name <> ALL (k.columns);
SELECT relation, string_agg(name, ' ' ORDER BY name COLLATE "C") AS marked FROM marked GROUP BY relation ORDER BY 1;
-- as rows of before there were rules may have it: what the fold reads stays beside it
SET session_replication_role = replica;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT relation, string_agg(format('%I = %s', name, CASE
            WHEN name ~ '_url$' THEN '''https://cdn.example.com/MARKER'''
            WHEN type = 'text' THEN '''MARKER'''
            WHEN name = 'mg_meta' AND relation = 'mega_generations' THEN $x$ jsonb_set(coalesce(mg_meta, '{}') || '{"MARKER": "MARKER", "list": ["MARKER"]}', '{payload}', coalesce(mg_meta -> 'payload', '{}') || '{"MARKER": 1, "note": {"deep": ["MARKER"]}}') $x$
            ELSE format($x$coalesce(%I, '{}') || '{"MARKER": "MARKER", "list": ["MARKER"]}'$x$, name) END), ', ') AS changes FROM marked GROUP BY relation LOOP
        EXECUTE format('UPDATE %I SET %s WHERE %s', one.relation, one.changes, CASE one.relation WHEN 'mega_admin' THEN $x$mg_actor_pass_id <> 'pass:test:friend'$x$ ELSE $x$mg_pass_id <> 'pass:test:friend'$x$ END);
    END LOOP;
END
$$;
RESET session_replication_role;
CREATE VIEW found AS SELECT 'mega_customers' AS place, count(*) FROM mega_customers c WHERE c::text ~ 'MARKER' UNION ALL SELECT 'mega_generations', count(*) FROM mega_generations g WHERE g::text ~ 'MARKER'
    UNION ALL SELECT 'mega_admin', count(*) FROM mega_admin a WHERE a::text ~ 'MARKER' UNION ALL SELECT 'pg_stats', count(*) FROM pg_stats s WHERE s.schemaname = 'public' AND s.tablename LIKE 'mega\_%' AND s::text ~ 'MARKER';
ANALYZE mega_customers, mega_generations, mega_admin;
SELECT place, count > 0 AS marked FROM found;
CREATE TABLE as_before AS SELECT g.mg_id, g.mg_record_type, g.mg_pass_id, g.mg_session_id, g.mg_generation_id, g.mg_parent_id, g.mg_step_no, g.mg_step_type, g.mg_type, g.mg_provider, g.mg_model, g.mg_status, g.mg_delta, g.mg_reason, g.mg_source, g.mg_ref_type, g.mg_ref_id, g.mg_mma_mode, g.mg_mma_status, g.mg_latency_ms, g.mg_created_at FROM mega_generations g;
CREATE TABLE people_before AS SELECT mg_pass_id, mg_credits, mg_mma_preferences - 'MARKER' - 'list' AS preferences, mg_expires_at, mg_created_at, mg_verified_any FROM mega_customers;
CREATE TABLE statement_before AS SELECT * FROM mega_credit_statement('pass:shopify:7401');
CREATE TABLE likes_before AS SELECT mg_generation_id FROM mega_likes('pass:shopify:7401');

--
-- Erased, by whichever pass id.
--
SELECT * FROM mega_erase_customer('pass:anon:e4a50000-0000-4000-8000-00000000000a', 'privacy@example.com');
ANALYZE mega_customers, mega_generations, mega_admin;
SELECT * FROM found;
SELECT mg_pass_id, mg_shopify_customer_id, mg_user_id, mg_email, mg_display_name, mg_deleted_at IS NOT NULL AS deleted, mg_meta - 'mega' AS meta, (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(mg_meta -> 'mega') k) AS own, mg_mma_preferences - 'positions' - 'updated_at' AS preferences FROM mega_customers ORDER BY mg_pass_id COLLATE "C";
SELECT mg_id, CASE WHEN mg_id ~ ':hold:' THEN mg_meta #- '{mega,hold_expires_at}' ELSE mg_meta END AS mg_meta, mg_payload, mg_mma_vars FROM mega_generations ORDER BY mg_id COLLATE "C";
SELECT mg_action, mg_actor_pass_id, mg_email, mg_ip, mg_user_agent, mg_route, mg_user_id, mg_shopify_customer_id, mg_detail FROM mega_admin ORDER BY mg_created_at, mg_id;
-- the books, the folds and the counts are as before
SELECT count(*) AS other_rows FROM ((TABLE as_before EXCEPT SELECT g.mg_id, g.mg_record_type, g.mg_pass_id, g.mg_session_id, g.mg_generation_id, g.mg_parent_id, g.mg_step_no, g.mg_step_type, g.mg_type, g.mg_provider, g.mg_model, g.mg_status, g.mg_delta, g.mg_reason, g.mg_source, g.mg_ref_type, g.mg_ref_id, g.mg_mma_mode, g.mg_mma_status, g.mg_latency_ms, g.mg_created_at FROM mega_generations g)
    UNION ALL (SELECT g.mg_id, g.mg_record_type, g.mg_pass_id, g.mg_session_id, g.mg_generation_id, g.mg_parent_id, g.mg_step_no, g.mg_step_type, g.mg_type, g.mg_provider, g.mg_model, g.mg_status, g.mg_delta, g.mg_reason, g.mg_source, g.mg_ref_type, g.mg_ref_id, g.mg_mma_mode, g.mg_mma_status, g.mg_latency_ms, g.mg_created_at FROM mega_generations g EXCEPT TABLE as_before)) s;
SELECT count(*) AS other_people FROM (TABLE people_before EXCEPT SELECT mg_pass_id, mg_credits, mg_mma_preferences, mg_expires_at, mg_created_at, mg_verified_any FROM mega_customers) s;
SELECT count(*) AS other_statement FROM (SELECT mg_id, balance_after FROM statement_before EXCEPT SELECT mg_id, balance_after FROM mega_credit_statement('pass:shopify:7401')) s;
SELECT count(*) AS other_likes FROM (TABLE likes_before EXCEPT SELECT mg_generation_id FROM mega_likes('pass:shopify:7401')) s;
SELECT (SELECT count(*) FROM mega_reconcile_credits()) AS credits, (SELECT count(*) FROM mega_reconcile_preferences()) AS preferences;
-- again: no change
CREATE TABLE erased AS SELECT 'c' AS t, c::text AS row FROM mega_customers c UNION ALL SELECT 'g', g::text FROM mega_generations g UNION ALL SELECT 'a', a::text FROM mega_admin a;
SELECT * FROM mega_erase_customer('pass:shopify:7401', 'privacy@example.com');
SELECT count(*) AS changed FROM ((SELECT 'c', c::text FROM mega_customers c UNION ALL SELECT 'g', g::text FROM mega_generations g UNION ALL SELECT 'a', a::text FROM mega_admin a) EXCEPT TABLE erased) s;
SELECT pg_temp.outcome($$SELECT mega_erase_customer('pass:test:nobody')$$), pg_temp.outcome($$SELECT mega_erase_customer(NULL)$$), pg_temp.outcome($$SELECT mega_erase_customer('pass:test:friend', ' ')$$);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.outcome($$SELECT mega_erase_customer('pass:test:friend')$$);
ROLLBACK;

--
-- What goes on, and stores no text.
--
SELECT pg_temp.outcome($$SELECT mega_capture_credit('held', 9)$$); -- more than was held: he spends no more
SELECT outcome FROM mega_capture_credit('held', 2);
SELECT outcome FROM mega_release_credit('held too', 'ada@example.com asked');
SELECT hold_id FROM mega_release_expired_holds(fail_generations => true);
SELECT mg_id FROM mega_refund_credit('spent', 'refund', 2);
SELECT revoked FROM mega_revoke_credit('revoke', 'grant', amount => 3);
UPDATE mega_customers SET mg_expires_at = now() - interval '1 day' WHERE mg_pass_id = 'pass:shopify:7401';
SELECT * FROM mega_expire_credits();
SELECT mg_credits, spendable FROM mega_balance('pass:shopify:7401');
SELECT count(*) AS texts FROM mega_generations g WHERE g::text ~ 'ada@' OR g.mg_error IS NOT NULL;
SELECT (SELECT count(*) FROM mega_reconcile_credits()) AS credits, (SELECT count(*) FROM mega_reconcile_preferences()) AS preferences;
CREATE FUNCTION passes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- so do lots, and where somebody's own trigger has customers written by SQL
SELECT FROM mega_ensure_customer('pass:test:lots') l, mega_ensure_customer('pass:test:ended') e;
SELECT mega_record_credit('pass:test:lots', 40, 'order', txn_id => 'lots-1', expires_at => now() + interval '1 day') IS NOT NULL AS granted, mega_record_credit('pass:test:lots', 30, 'order', txn_id => 'lots-2', expires_at => clock_timestamp() + interval '400 milliseconds') IS NOT NULL,
    mega_hold_credit('pass:test:lots', 6, 'lots held') IS NOT NULL AS held, mega_hold_credit('pass:test:lots', 7, 'lots held too') IS NOT NULL, mega_hold_credit('pass:test:lots', 8, 'lots overdue', expires_in => '1 microsecond') IS NOT NULL,
    mega_record_credit('pass:test:lots', -20, 'spend', txn_id => 'lots spent') IS NOT NULL AS spent;
SELECT mg_credits FROM mega_record_credit('pass:test:ended', 5, 'order', expires_at => clock_timestamp() + interval '300 milliseconds');
SELECT l.erased_rows, e.erased_rows FROM mega_erase_customer('pass:test:lots') l, mega_erase_customer('pass:test:ended') e;
SELECT pg_sleep(0.42);
CREATE TRIGGER passes BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION passes();
BEGIN;
SELECT hold_id FROM mega_release_expired_holds();
ROLLBACK;
DROP TRIGGER passes ON mega_generations;
SELECT outcome, mg_credits FROM mega_capture_credit('lots held', 2);
SELECT outcome, mg_credits FROM mega_release_credit('lots held too');
SELECT hold_id FROM mega_release_expired_holds();
CREATE TRIGGER passes BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION passes();
SELECT mg_id, mg_credits FROM mega_refund_credit('lots spent', 'lots refund', 10);
DROP TRIGGER passes ON mega_customers;
SELECT mg_id, mg_credits, revoked FROM mega_revoke_credit('lots revoke', 'lots-1', amount => 3);
SELECT expired, credits FROM mega_expire_credits();
SELECT mg_credits, mg_meta #> '{mega,lots}' -> 0 -> 1 AS left_of_lots_1 FROM mega_customers WHERE mg_pass_id = 'pass:test:lots';
-- a lot of a counterparty's that is named like her keeps its name
SELECT FROM mega_ensure_customer('pass:test:named') n, mega_ensure_customer('pass:test:giver') g;
SELECT mega_record_credit('pass:test:giver', 10, 'referral', txn_id => 'referral/pass:test:named', expires_at => now() + interval '1 day') IS NOT NULL AS granted, mega_transfer_credit('pass:test:giver', 'pass:test:named', 4, 'named') IS NOT NULL AS given;
SELECT erased_rows FROM mega_erase_customer('pass:test:named');
SELECT mg_meta -> 'mega' AS note FROM mega_generations WHERE mg_id = 'credit_transaction:transfer:named:out';
SELECT FROM mega_ensure_customer('pass:test:named2') n;
SELECT mega_record_credit('pass:test:giver', 10, 'referral', txn_id => 'referral/pass:test:named2', expires_at => now() + interval '1 hour') IS NOT NULL AS granted;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:raw', 'pass:test:giver', -3, 'raw');
SELECT mega_transfer_credit('pass:test:giver', 'pass:test:named2', 4, 'named2') IS NOT NULL AS given;
SELECT erased_rows FROM mega_erase_customer('pass:test:named2');
SELECT mg_meta -> 'mega' AS note FROM mega_generations WHERE mg_id = 'credit_transaction:transfer:named2:out';
SELECT mg_reason, mg_delta, mg_meta #> '{mega,lots}' AS lots FROM mega_generations WHERE mg_pass_id = 'pass:test:lots' ORDER BY mg_created_at, mg_id COLLATE "C";
SELECT (SELECT count(*) FROM mega_reconcile_credits()) AS credits, (SELECT count(*) FROM mega_reconcile_lots()) AS lots;
--
-- Every other write is refused.
--
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('grant', $$SELECT mega_record_credit('pass:shopify:7401', 1, 'gift')$$), ('grant by the source', $$SELECT mega_record_credit('pass:anon:e4a50000-0000-4000-8000-00000000000a', 1, 'gift')$$), ('spend', $$SELECT mega_record_credit('pass:shopify:7401', -1, 'spend')$$),
    ('batch', $$SELECT mega_record_credits('[{"pass_id": "pass:shopify:7401", "delta": 1, "reason": "gift"}]')$$), ('hold', $$SELECT mega_hold_credit('pass:shopify:7401', 1, 'h')$$), ('top-up', $$SELECT mega_record_topup('pass:shopify:7401', 1)$$),
    ('transfer to', $$SELECT mega_transfer_credit('pass:test:friend', 'pass:shopify:7401', 1, 't')$$), ('transfer from', $$SELECT mega_transfer_credit('pass:shopify:7401', 'pass:test:friend', 1, 't')$$), ('session', $$SELECT mega_start_session('pass:shopify:7401')$$),
    ('generation', $$SELECT mega_create_generation('pass:shopify:7401')$$), ('tweak', $$SELECT mega_tweak_generation('g')$$), ('update', $$SELECT mega_update_generation('g', 'generating')$$), ('complete', $$SELECT mega_complete_generation('g', 'https://cdn.example.com/x.png')$$),
    ('fail', $$SELECT mega_fail_generation('g', 'no')$$), ('line', $$SELECT mega_append_scan_line('g', 'looking')$$), ('step', $$SELECT mega_append_mma_step('g', 'scan')$$), ('steps', $$SELECT mega_append_mma_steps('g', '[{"step_type": "a"}]')$$), ('deleted', $$SELECT mega_delete_generation('g')$$),
    ('event', $$SELECT mega_record_mma_event('pass:shopify:7401', 'like')$$), ('events', $$SELECT mega_record_mma_events('[{"pass_id": "pass:shopify:7401", "event_type": "like"}]')$$), ('feedback', $$SELECT mega_record_feedback('pass:shopify:7401')$$),
    ('update of the customer', $$SELECT mega_update_customer('pass:shopify:7401', '{"email": "x@example.com"}')$$), ('verify', $$SELECT mega_verify_customer('pass:shopify:7401', 'email')$$), ('restore', $$SELECT mega_restore_customer('pass:shopify:7401')$$), ('enable', $$SELECT mega_enable_customer('pass:shopify:7401')$$),
    ('disable', $$SELECT mega_disable_customer('pass:shopify:7401')$$), ('delete', $$SELECT mega_delete_customer('pass:shopify:7401')$$), ('merge from', $$SELECT mega_merge_customers('pass:shopify:7401', 'pass:test:friend')$$), ('merge into', $$SELECT mega_merge_customers('pass:test:friend', 'pass:shopify:7401')$$),
    ('audit', $$SELECT mega_record_admin_audit('looked', 'pass:shopify:7401')$$), ('profile', $$SELECT mega_link_profile('e4a50000-0000-4000-9000-000000000002', pass_id => 'pass:shopify:7401')$$),
    ('raw credit', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:raw', 'pass:shopify:7401', 1)$$), ('raw session', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:raw', 'pass:anon:e4a50000-0000-4000-8000-00000000000a')$$),
    ('raw step', $$INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:g:5', 'scan', '{"input": {}, "output": {}}')$$), ('raw title', $$UPDATE mega_generations SET mg_title = 'x' WHERE mg_id = 'session:s'$$), ('raw vars', $$UPDATE mega_generations SET mg_mma_vars = '{"a": 1}' WHERE mg_id = 'generation:g'$$),
    ('raw e-mail', $$UPDATE mega_customers SET mg_email = 'x@example.com' WHERE mg_pass_id = 'pass:shopify:7401'$$), ('raw restore', $$UPDATE mega_customers SET mg_deleted_at = NULL WHERE mg_pass_id = 'pass:shopify:7401'$$), ('raw meta', $$UPDATE mega_customers SET mg_meta = '{"a": 1}' WHERE mg_pass_id = 'pass:shopify:7401'$$),
    ('raw meta of who has lots', $$UPDATE mega_customers SET mg_meta = mg_meta || '{"a": 1}' WHERE mg_pass_id = 'pass:test:lots'$$), ('raw key beside the snapshot', $$UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"theme": "Ada"}' WHERE mg_pass_id = 'pass:shopify:7401'$$),
    ('raw profile', $$UPDATE mega_admin SET mg_actor_pass_id = NULL WHERE mg_record_type = 'profile' AND mg_actor_pass_id = 'pass:shopify:7401'$$),
    ('claims', $$SELECT FROM mega_claim_generations('w', 10)$$), ('top-up claims', $$SELECT FROM mega_claim_topups(1000)$$),
    ('ensure by pass id', $$SELECT mega_ensure_customer('pass:shopify:7401')$$), ('ensure by the anonymous id', $$SELECT mega_ensure_customer(anon_id => 'e4a50000-0000-4000-8000-00000000000a')$$)) v(what, statement);
-- what was recorded before is a repeat, one by one and in a batch; beside something new the batch is refused, and says which
SELECT replayed FROM mega_record_mma_event('pass:shopify:7401', 'like', '{"tags": ["warm", "soft"], "weight": 2}', 'g', 'liked');
SELECT * FROM mega_record_mma_events('[{"pass_id": "pass:shopify:7401", "event_type": "like", "payload": {"tags": ["warm", "soft"], "weight": 2}, "generation_id": "g", "event_id": "liked"}]');
SELECT pg_temp.outcome($$SELECT * FROM mega_record_mma_events('[{"pass_id": "pass:shopify:7401", "event_type": "like", "payload": {"tags": ["warm", "soft"], "weight": 2}, "generation_id": "g", "event_id": "liked"},
    {"pass_id": "pass:shopify:7401", "event_type": "like"}]')$$);
-- a merge that is repeated behind the erasure of both is refused for that; its id is used
SELECT count(e) FROM generate_series(1, 4) n, mega_ensure_customer('pass:test:merged-' || n) e;
SELECT replayed FROM mega_merge_customers('pass:test:merged-1', 'pass:test:merged-2', 'merge-1');
SELECT mg_pass_id FROM mega_erase_customer('pass:test:merged-2');
SELECT what, pg_temp.outcome(format('SELECT mega_merge_customers(%L, %L, %L)', source, target, 'merge-1')) FROM (VALUES
    ('the same', 'pass:test:merged-1', 'pass:test:merged-2'), ('another', 'pass:test:merged-3', 'pass:test:merged-4')) v(what, source, target);
-- by an identity that she had she is somebody new
SELECT mg_pass_id ~ '^pass:anon:' AS anonymous, mg_pass_id, mg_credits, created FROM mega_ensure_customer(shopify_customer_id => '7401', email => 'ada@example.com') \gset
SELECT :'anonymous' AS anonymous, :'mg_credits' AS mg_credits, :'created' AS created, mg_shopify_customer_id, mg_email FROM mega_customers WHERE mg_pass_id = :'mg_pass_id';
SELECT mg_pass_id = :'mg_pass_id' AS same, created FROM mega_ensure_customer(shopify_customer_id => '7401');
SELECT mg_pass_id, created FROM mega_ensure_customer(user_id => 'e4a50000-0000-4000-8000-000000000001');
--
-- An audit about somebody else that names the customer: whatever JSON makes of the id, and no id that only begins so.
--
SELECT mega_ensure_customer('pass:ad:CORP\ada') IS NOT NULL AS backslash, mega_ensure_customer('pass:ad:CORP\adam') IS NOT NULL AS longer;
SELECT mega_record_admin_audit('compared', 'pass:test:friend', detail => '{"with": "pass:ad:CORP\\ada"}', audit_id => 'of-ad') IS NOT NULL AS named,
    mega_record_admin_audit('compared', 'pass:test:friend', detail => '{"credits": {"pass:ad:CORP\\ada": 3, "pass:ad:CORP\\adam": 4}, "in": ["x", {"pass:ad:CORP\\ada": {"of": "pass:ad:CORP\\ada"}}]}', audit_id => 'of-ad-as-key') IS NOT NULL AS named_as_key,
    mega_record_admin_audit('compared', 'pass:test:friend', detail => '{"with": "pass:ad:CORP\\adam"}', audit_id => 'of-adam') IS NOT NULL AS longer_named;
SELECT erased_rows FROM mega_erase_customer('pass:ad:CORP\ada');
SELECT mg_id, mg_detail FROM mega_admin WHERE mg_id IN ('admin_audit:of-ad', 'admin_audit:of-ad-as-key', 'admin_audit:of-adam') ORDER BY mg_id;
-- in sentences and in paths, also as a URL spells it, in what an application noted, in a legacy row; who did it stays, and what names another is not touched
SELECT mega_ensure_customer('pass:shopify:74') IS NOT NULL AS named, mega_ensure_customer('pass:shopify:740') IS NOT NULL AS begins_so;
SET session_replication_role = replica;
INSERT INTO mega_admin (mg_id, mg_record_type, mg_action, mg_actor_pass_id, mg_email, mg_ip, mg_user_agent, mg_route, mg_detail, mg_meta, mg_payload, mg_updated_at) VALUES
    ('admin_audit:n-route', 'admin_audit', 'looked', 'pass:test:friend', 'admin@example.com', '10.0.0.1', 'Firefox', '/customers/pass%3Ashopify%3A74/credits?next=pass:shopify:740', '{}', '{}', NULL, '2020-01-01'),
    ('admin_audit:n-detail', 'admin_audit', 'looked', NULL, NULL, NULL, NULL, NULL, '{"note": "same card as pass:shopify:74, says pass:shopify:740", "url": "/c/pass%3ashopify%3a74"}', '{}', NULL, '2020-01-01'),
    ('admin_audit:n-meta', 'admin_audit', 'looked', NULL, NULL, NULL, NULL, NULL, '{}', '{"ticket": {"of": "pass:shopify:74"}}', '{"path": "/pass:shopify:74"}', '2020-01-01'),
    ('admin_audit:n-other', 'admin_audit', 'looked', 'pass:test:friend', NULL, NULL, NULL, '/customers/pass:shopify:740', '{"of": "pass:shopify:740", "and": "x pass:shopify:740 y"}', '{"a": "pass%3Ashopify%3A740"}', NULL, '2020-01-01'),
    ('app_config:testers', 'app_config', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', NULL, '2020-01-01');
UPDATE mega_admin SET mg_value = '["pass:shopify:74"]', mg_key = 'testers' WHERE mg_id = 'app_config:testers';
RESET session_replication_role;
-- where somebody's trigger comes behind, the rows are looked at once more
CREATE FUNCTION pg_temp.looks_on() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER zz_looks_on BEFORE UPDATE ON mega_admin FOR EACH ROW EXECUTE FUNCTION pg_temp.looks_on();
SELECT erased_rows FROM mega_erase_customer('pass:shopify:74');
DROP TRIGGER zz_looks_on ON mega_admin;
SELECT mg_id, mg_email, mg_ip, mg_user_agent, mg_route, mg_detail, mg_meta, mg_payload, mg_updated_at > '2020-01-01' AS changed FROM mega_admin WHERE mg_id LIKE 'admin_audit:n-%' OR mg_id = 'app_config:testers' ORDER BY mg_id;
SELECT mega_app_config('testers') AS settings_are_the_applications_own;
-- a pass id that is any word, or that goes on behind another's, is found alone only
ALTER TABLE mega_customers DROP CONSTRAINT mega_customers_pass_id_shape;
SET mega.pass_ids = 'any';
SELECT mega_ensure_customer('refund') IS NOT NULL AS any_word, mega_ensure_customer('pass:shopify:740 was refunded') IS NOT NULL AS goes_on;
SELECT mega_record_admin_audit('looked', 'pass:test:friend', route => '/refund/pass:shopify:740', detail => '{"note": "refund: pass:shopify:740 was refunded", "of": "refund", "and": "pass:shopify:740 was refunded"}', audit_id => 'of-words') IS NOT NULL AS noted;
SELECT (SELECT erased_rows FROM mega_erase_customer('refund')) AS word, (SELECT erased_rows FROM mega_erase_customer('pass:shopify:740 was refunded')) AS goes_on;
SELECT mg_route, mg_detail FROM mega_admin WHERE mg_id = 'admin_audit:of-words';
RESET mega.pass_ids;

-- Of an event stays what the fold of its type reads; of one without effect nothing.
SELECT FROM mega_ensure_customer('pass:test:words');
SELECT count(*) FROM (VALUES ('feedback', '{"tag": "my name", "text": "gone"}'), ('create', '{"tags": ["my street 5"], "hard_block": "call me"}'),
    ('like', '{"tag": "a.b", "hard_block": "my name", "tag_weights": {"me": 1}}'), ('dislike', '{"tag": "a.c", "hard_block": "a.d", "remove_hard_blocks": ["me"]}'),
    ('preference_set', '{"tag": "me", "tag_weights": {"a.e": 2}, "weight": 3}')) e(type, payload), mega_record_mma_event('pass:test:words', type, payload::jsonb, event_id => 'words-' || type);
SELECT FROM mega_erase_customer('pass:test:words');
SELECT mg_meta FROM mega_generations WHERE mg_id LIKE 'mma_event:words-%' ORDER BY mg_id COLLATE "C";
SELECT * FROM mega_reconcile_preferences('pass:test:words');
-- An event that was recorded is a repeat, whatever of it went, alone and in a batch; one that says something else is not.
SELECT type, replayed FROM (VALUES ('feedback', '{"tag": "my name", "text": "gone"}'), ('create', '{"tags": ["my street 5"], "hard_block": "call me"}'),
    ('like', '{"tag": "a.b", "hard_block": "my name", "tag_weights": {"me": 1}}')) e(type, payload), mega_record_mma_event('pass:test:words', type, payload::jsonb, event_id => 'words-' || type);
SELECT * FROM mega_record_mma_events('[{"pass_id": "pass:test:words", "event_type": "dislike", "event_id": "words-dislike", "payload": {"tag": "a.c", "hard_block": "a.d", "remove_hard_blocks": ["me"]}},
    {"pass_id": "pass:test:friend", "event_type": "like", "payload": {"tag": "a.b"}}]');
SELECT pg_temp.outcome($$SELECT mega_record_mma_event('pass:test:words', 'like', '{"tag": "a.c", "hard_block": "my name"}', event_id => 'words-like')$$);
SELECT pg_temp.outcome($$SELECT mega_record_mma_event('pass:test:words', 'feedback', '{"tag": "a.b"}', event_id => 'words-like')$$);
SELECT pg_temp.outcome($$SELECT mega_record_mma_event('pass:test:friend', 'like', '{"tag": "a.b", "hard_block": "my name"}', event_id => 'words-like')$$);
-- what somebody who is there said is compared whole
SELECT replayed FROM mega_record_mma_event('pass:test:friend', 'like', '{"tag": "a.b", "note": "x"}', event_id => 'friend-like');
SELECT pg_temp.outcome($$SELECT mega_record_mma_event('pass:test:friend', 'like', '{"tag": "a.b"}', event_id => 'friend-like')$$);

\c :home
DROP DATABASE regress_mega_erasures;
