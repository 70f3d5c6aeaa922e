-- What errors tell: values of rows only to callers who may read them, and whose another customer's row is to nobody.
-- Each error of the project as four roles: one that may read everything, one that may write and call but has no SELECT,
-- one that has it on a few columns, and one to whom a row policy applies. All that the rows hide is called hidden or has
-- three digits. In a database of its own.
SET client_min_messages = warning;
\pset null NULL
CREATE ROLE regress_mega_reads BYPASSRLS;
CREATE ROLE regress_mega_blind BYPASSRLS;
CREATE ROLE regress_mega_columns BYPASSRLS;
CREATE ROLE regress_mega_policed;
CREATE ROLE regress_mega_owns;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_errors TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_errors
SET client_min_messages = warning;
CREATE EXTENSION mega;

--
-- The rows. mine is the caller's own customer, whatever it is.
--
\o /dev/null
SELECT mega_ensure_customer('pass:test:mine', email => 'mine@example.com'),
    mega_ensure_customer('pass:test:hidden-a', shopify_customer_id => 'given-shop', email => 'hidden@example.com'),
    mega_ensure_customer('pass:test:hidden-b', user_id => '00000000-0000-4000-8000-0000000000b1'),
    mega_ensure_customer('pass:test:hidden-c', shopify_customer_id => 'hidden-shop', user_id => '00000000-0000-4000-8000-0000000000c1'),
    mega_ensure_customer('pass:test:hidden-full');
SELECT mega_record_credit('pass:test:mine', 731, 'grant', txn_id => 'given-mine'), mega_record_credit('pass:test:hidden-a', 841, 'grant', ref_type => 'order', ref_id => 'given-order', txn_id => 'hidden-txn'),
    mega_record_credit('pass:test:hidden-a', -111, 'spend', txn_id => 'given-spend'), mega_record_credit('pass:test:hidden-a', -112, 'spend', txn_id => 'hidden-spend'),
    mega_record_credit('pass:test:hidden-full', 2147483646, 'grant', txn_id => 'given-full');
SELECT mega_refund_credit('hidden-spend', 'given-refund', 101), mega_refund_credit('given-spend', 'hidden-refund', 11);
SELECT mega_hold_credit('pass:test:hidden-a', 121, 'given-hold'), mega_hold_credit('pass:test:hidden-a', 122, 'given-captured'), mega_hold_credit('pass:test:hidden-a', 123, 'given-released'),
    mega_hold_credit('pass:test:hidden-full', 124, 'given-full'), mega_hold_credit('pass:test:mine', 125, 'given-mine');
SELECT mega_capture_credit('given-captured', 105), mega_release_credit('given-released');
SELECT mega_record_credit('pass:test:hidden-a', -750, 'spend', txn_id => 'hidden-rest', allow_negative => true);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:hold:given-false', 'pass:test:hidden-a', 131);
UPDATE mega_customers SET mg_topup_default_packs = 777, mg_auto_topup_monthly_limit_packs = 776 WHERE mg_pass_id IN ('pass:test:mine', 'pass:test:hidden-a');
UPDATE mega_customers SET mg_topup_default_packs = -778 WHERE mg_pass_id = 'pass:test:hidden-c';
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:hidden-b';
SELECT mega_record_topup('pass:test:hidden-a', 3, 50, 'order', 'given-topup');
SELECT mega_record_credit('pass:test:hidden-a', 7, 'grant', txn_id => 'hidden-grant'), mega_revoke_credit('given-revoke', 'hidden-grant'),
    mega_record_credit('pass:test:hidden-c', 1, r, txn_id => 'hidden-' || r, ref_type => 'order', ref_id => 'given-several') FROM unnest('{several1,several2}'::text[]) r;
SELECT mega_transfer_credit('pass:test:hidden-full', 'pass:test:hidden-c', 141, 'given-transfer');
SELECT mega_record_credit('pass:test:hidden-full', 2147483523 - mg_credits, 'grant') FROM mega_customers WHERE mg_pass_id = 'pass:test:hidden-full';
SELECT mega_create_generation('pass:test:hidden-a', 'given', prompt => 'hidden prompt', mma_mode => 'still'), mega_create_generation('pass:test:mine', 'mine', mma_mode => 'still'), mega_create_generation('pass:test:hidden-a', 'vars'),
    mega_append_mma_step('given', 'hidden_step', '{"x": "hidden input"}'), mega_complete_generation('given', 'https://cdn.example/hidden.png'), mega_complete_generation('mine', 'https://cdn.example/hidden.png'),
    mega_record_mma_event('pass:test:hidden-a', 'like', '{"tag": "hidden"}', event_id => 'given-event');
SELECT mega_tweak_generation('given', 'hidden-tweaked', '{"text": "hidden"}', 'given-tweak', pass_id => 'pass:test:hidden-a'), mega_record_feedback('pass:test:hidden-a', 'given-feedback', comment => 'hidden'),
    mega_create_generation('pass:test:hidden-a', 'modeless'), mega_create_generation('pass:test:hidden-a', 'listless', vars => '{"userMessages": {"scan_lines": "hidden"}}');
\o
SELECT FROM mega_ensure_customer('pass:test:given-merged'), mega_merge_customers('pass:test:given-merged', 'pass:test:hidden-c', 'given-merge');
SELECT FROM mega_ensure_customer('pass:test:given-erased'), mega_create_generation('pass:test:given-erased', 'given-erased'), mega_erase_customer('pass:test:given-erased');
INSERT INTO mega_admin (mg_id, mg_detail) VALUES ('admin_audit:hidden', '{"x": "hidden"}'), ('admin_audit:given-audit', '{"x": "hidden"}');
INSERT INTO mega_admin (mg_id, mg_value) VALUES ('app_config:hidden', '{"x": "hidden"}');
INSERT INTO mega_admin (mg_id, mg_user_id, mg_ip, mg_deleted_at) VALUES ('admin_session:given-session', '00000000-0000-4000-8000-0000000000f0', 'hidden', NULL), ('admin_session:given-ended', '00000000-0000-4000-8000-0000000000f0', 'hidden', now());
\o /dev/null
SELECT mega_set_app_config('given-key', to_jsonb('hidden ' || n)) FROM generate_series(1, 321) n;
\o
-- what somebody wrote before there were rules: vars with a signed URL, a hold of nobody
SET session_replication_role = replica;
UPDATE mega_generations SET mg_mma_vars = '{"image": "https://hidden.s3.amazonaws.com/hidden.png?X-Amz-Credential=hidden&X-Amz-Signature=hidden"}' WHERE mg_id = 'generation:vars';
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_status) VALUES ('credit_transaction:hold:given-nobody', 'credit_transaction', 'pass:test:hidden-nobody', -151, 'pending');
UPDATE mega_generations SET mg_mma_mode = 'hidden_mode' WHERE mg_id = 'generation:modeless';
RESET session_replication_role;
-- the owner's own rules, which Postgres tells of in its own words
ALTER TABLE mega_customers ADD CONSTRAINT owner_check CHECK (mg_credits <> 600 OR mg_pass_id NOT LIKE '%mine'), ADD CONSTRAINT owner_check_of_hidden CHECK (mg_credits <> 700 OR mg_pass_id NOT LIKE '%hidden-a');
ALTER TABLE mega_generations ADD CONSTRAINT owner_reason CHECK (mg_reason <> 'never');
CREATE UNIQUE INDEX owner_unique ON mega_customers (mg_credits) WHERE mg_credits IN (126, 127);
SELECT mg_credits FROM mega_record_credit('pass:test:hidden-b', 126, 'grant');

--
-- The roles.
--
SELECT mega_grant(r, 'admin') FROM unnest('{regress_mega_reads,regress_mega_blind,regress_mega_columns,regress_mega_policed}'::regrole[]) r;
GRANT SELECT, INSERT, UPDATE, DELETE ON mega_customers, mega_generations, mega_admin TO regress_mega_reads, regress_mega_policed;
GRANT INSERT, UPDATE, DELETE ON mega_customers, mega_generations, mega_admin TO regress_mega_blind, regress_mega_columns;
REVOKE SELECT ON mega_customers, mega_generations, mega_admin FROM regress_mega_blind, regress_mega_columns;
GRANT SELECT (mg_pass_id, mg_credits) ON mega_customers TO regress_mega_columns;
GRANT SELECT (mg_id) ON mega_generations TO regress_mega_columns;
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE mega_generations ENABLE ROW LEVEL SECURITY;
ALTER TABLE mega_admin ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON mega_customers TO regress_mega_policed USING (mg_pass_id = 'pass:test:mine') WITH CHECK (true);
CREATE POLICY mine ON mega_generations TO regress_mega_policed USING (mg_pass_id = 'pass:test:mine') WITH CHECK (true);
CREATE POLICY all_of_it ON mega_admin TO regress_mega_policed USING (mg_id IS NOT NULL) WITH CHECK (true);

-- How a statement ended, in all that an error says; and what of it the statement did not say itself.
CREATE FUNCTION told(statement text, OUT state text, OUT said text, OUT leaked text) LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    context text;
BEGIN
    EXECUTE statement;
    state := 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    state := SQLSTATE;
    said := regexp_replace(concat_ws(' | ', message, nullif(regexp_replace(detail, '^Failing row.*', 'Failing row …'), '')), 'credit_transaction:[0-9a-f]{8}-[0-9a-f-]{27}', 'credit_transaction:…');
    leaked := (SELECT string_agg(DISTINCT m[1], ' ') FROM regexp_matches(concat_ws(' ', message, detail, hint, context), '[a-z_:-]*hidden[^" ]*|[0-9]{3,}', 'g') m WHERE strpos(statement, m[1]) = 0);
END
$$;
-- <<…>> is a condition by which a reader takes one of the rows; without SELECT there is none.
CREATE TABLE attempt (nr serial, what text, statement text);
INSERT INTO attempt (what, statement) VALUES
    ('two customers', $$SELECT mega_ensure_customer(shopify_customer_id => 'given-shop', user_id => '00000000-0000-4000-8000-0000000000b1')$$),
    ('another Shopify id', $$SELECT mega_ensure_customer(user_id => '00000000-0000-4000-8000-0000000000c1', shopify_customer_id => 'given-other')$$),
    ('another user id', $$SELECT mega_ensure_customer(shopify_customer_id => 'hidden-shop', user_id => '00000000-0000-4000-8000-0000000000d1')$$),
    ('overdraft', $$SELECT mega_record_credit('pass:test:mine', -99999, 'spend')$$),
    ('overdraft in a batch', $$SELECT mega_record_credits('[{"pass_id": "pass:test:mine", "delta": -99999, "reason": "spend"}]')$$),
    ('overdraft by a hold', $$SELECT mega_hold_credit('pass:test:mine', 99999, 'given-h2')$$),
    ('overdraft by a transfer', $$SELECT mega_transfer_credit('pass:test:mine', 'pass:test:hidden-b', 99999, 'given-t2')$$),
    ('overflow', $$SELECT mega_record_credit('pass:test:mine', 2147483647, 'grant')$$),
    ('overflow in a batch', $$SELECT mega_record_credits('[{"pass_id": "pass:test:mine", "delta": 2147483647, "reason": "grant"}]')$$),
    ('overflow by a transfer', $$SELECT mega_transfer_credit('pass:test:mine', 'pass:test:hidden-full', 600, 'given-t3')$$),
    ('overflow by what is pending', $$SELECT mega_record_credit('pass:test:hidden-full', 124, 'grant')$$),
    ('overflow by a raw row', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:given-raw', 'pass:test:mine', 2147483647)$$),
    ('overflow by a raw row of another', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:given-raw', 'pass:test:hidden-full', 1000)$$),
    ('txn_id of another', $$SELECT mega_record_credit('pass:test:mine', 5, 'spend', txn_id => 'given-spend')$$),
    ('txn_id in a batch', $$SELECT mega_record_credits('[{"pass_id": "pass:test:mine", "delta": 5, "reason": "grant", "txn_id": "given-spend"}]')$$),
    ('reference of another', $$SELECT mega_record_credit('pass:test:mine', 5, 'grant', ref_type => 'order', ref_id => 'given-order')$$),
    ('two rows', $$SELECT mega_record_credit('pass:test:mine', 5, 'grant', ref_type => 'order', ref_id => 'given-order', txn_id => 'given-mine')$$),
    ('hold id of another', $$SELECT mega_hold_credit('pass:test:mine', 5, 'given-hold')$$),
    ('hold of another', $$SELECT mega_capture_credit('given-hold', pass_id => 'pass:test:mine')$$),
    ('hold captured otherwise', $$SELECT mega_capture_credit('given-captured', 5)$$),
    ('hold drawn beyond', $$SELECT mega_capture_credit('given-hold', 5000)$$),
    ('hold drawn again', $$SELECT mega_capture_credit('given-released')$$),
    ('no hold', $$SELECT mega_release_credit('given-false')$$),
    ('hold of nobody', $$SELECT mega_release_credit('given-nobody')$$),
    ('refund of nobody', $$SELECT mega_refund_credit('hold:given-nobody', 'given-r1')$$),
    ('refund of another', $$SELECT mega_refund_credit('given-spend', 'given-r2', pass_id => 'pass:test:mine')$$),
    ('refund of more', $$SELECT mega_refund_credit('given-spend', 'given-r3', 5000)$$),
    ('refund of another spend', $$SELECT mega_refund_credit('given-spend', 'given-refund', 101)$$),
    ('refund with another amount', $$SELECT mega_refund_credit('hidden-spend', 'given-refund', 5)$$),
    ('hold that was settled', $$SELECT mega_hold_credit('pass:test:hidden-a', 122, 'given-captured')$$),
    ('revoke of more', $$SELECT mega_revoke_credit('given-v1', 'given-full', amount => 2147483647)$$),
    ('revoke of what was spent', $$SELECT mega_revoke_credit('given-v1', 'given-full')$$),
    ('revoke of another', $$SELECT mega_revoke_credit('given-v1', 'given-full', pass_id => 'pass:test:mine')$$),
    ('revoke of one of several', $$SELECT mega_revoke_credit('given-v1', ref_type => 'order', ref_id => 'given-several')$$),
    ('revoke of another grant', $$SELECT mega_revoke_credit('given-revoke', 'given-full')$$),
    ('revoke with another amount', $$SELECT mega_revoke_credit('given-revoke', 'hidden-grant', amount => 6)$$),
    ('spend of a disabled customer', $$SELECT mega_record_credit('pass:test:hidden-b', -5, 'spend')$$),
    ('month used up', $$SELECT mega_record_topup('pass:test:mine', automatic => true)$$),
    ('no packs', $$SELECT mega_record_topup('pass:test:hidden-c')$$),
    ('too many packs', $$SELECT mega_record_topup('pass:test:mine', credits_per_pack => 2147483647)$$),
    ('top-up of another', $$SELECT mega_record_topup('pass:test:mine', ref_type => 'order', ref_id => 'given-topup')$$),
    ('transfer with another amount', $$SELECT mega_transfer_credit('pass:test:hidden-full', 'pass:test:mine', 5, 'given-transfer')$$),
    ('generation id of another', $$SELECT mega_create_generation('pass:test:mine', 'given')$$),
    ('generation of another', $$SELECT mega_update_generation('given', pass_id => 'pass:test:mine')$$),
    ('status back', $$SELECT mega_update_generation('given', 'queued')$$),
    ('mode twice', $$SELECT mega_update_generation('given', fields => '{"mma_mode": "video"}')$$),
    ('signed URL that was there', $$SELECT mega_update_generation('vars', vars => '{"x": 1}')$$),
    ('another result', $$SELECT mega_complete_generation('given', 'https://cdn.example/given.png')$$),
    ('hold of another generation', $$SELECT mega_complete_generation('mine', 'https://cdn.example/hidden.png', hold_id => 'given-captured')$$),
    ('failed after all', $$SELECT mega_fail_generation('given', 'given')$$),
    ('step with other content', $$SELECT mega_append_mma_step('given', 'given_step', at_step => 0)$$),
    ('status by a step', $$SELECT mega_append_mma_step('given', 'given_step', mma_status => 'queued')$$),
    ('event with other content', $$SELECT mega_record_mma_event('pass:test:mine', 'like', event_id => 'given-event')$$),
    ('event of another''s generation', $$SELECT mega_record_mma_event('pass:test:mine', 'like', '{}', 'given', 'given-e1')$$),
    ('parent of another', $$SELECT mega_create_generation('pass:test:mine', 'given-child', parent_generation_id => 'given')$$),
    ('raw event of another''s generation', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_meta) VALUES ('mma_event:given-e2', 'pass:test:mine', 'given', '{"event_type": "like"}')$$),
    ('raw parent of another', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_parent_id) VALUES ('generation:given-c2', 'pass:test:mine', 'generation:given')$$),
    ('raw step of another', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:given:7', 'pass:test:mine', 'x', '{"input": {}, "output": {}}')$$),
    ('raw step, its number taken', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:given:0', NULL, 'x', '{"input": {}, "output": {}}')$$),
    ('raw step against the owner''s rule', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload, mg_reason) VALUES ('mma_step:given:7', NULL, 'x', '{"input": {}, "output": {}}', 'never')$$),
    ('a fact changed', $$UPDATE mega_generations SET mg_delta = 1 <<mg_id = 'credit_transaction:given-mine'>>$$),
    ('a type changed', $$UPDATE mega_generations SET mg_record_type = 'session' <<mg_id = 'credit_transaction:given-mine'>>$$),
    ('a hold settled by hand', $$UPDATE mega_generations SET mg_status = 'failed' <<mg_id = 'credit_transaction:hold:given-mine'>>$$),
    ('a status moved by hand', $$UPDATE mega_generations SET mg_mma_status = 'scanning' <<mg_id = 'generation:mine'>>$$),
    ('a row deleted', $$DELETE FROM mega_generations <<mg_id = 'generation:mine'>>$$),
    ('a balance written', $$UPDATE mega_customers SET mg_credits = 5 <<mg_pass_id = 'pass:test:mine'>>$$),
    ('a snapshot written', $$UPDATE mega_customers SET mg_mma_preferences = '{"source": "x"}' <<mg_pass_id = 'pass:test:mine'>>$$),
    ('a pass id written', $$UPDATE mega_customers SET mg_pass_id = 'pass:test:given' <<mg_pass_id = 'pass:test:mine'>>$$),
    ('a balance inserted', $$INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:given', 5)$$),
    ('an audit with other content', $$SELECT mega_record_admin_audit('given', audit_id => 'given-audit')$$),
    ('a session of another', $$SELECT mega_touch_admin_session('given-session', '00000000-0000-4000-8000-0000000000f1')$$),
    ('a session that ended', $$SELECT mega_touch_admin_session('given-ended')$$),
    ('an erased customer', $$SELECT mega_record_credit('pass:test:given-erased', 1, 'gift')$$),
    ('a generation of an erased customer', $$SELECT mega_update_generation('given-erased', 'scanning')$$),
    ('an erased customer, raw', $$INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:given-erased:0', 'x', '{"input": {}, "output": {}}')$$),
    ('a merge into itself', $$SELECT mega_merge_customers('pass:test:mine', 'pass:test:mine')$$),
    ('merged into another', $$SELECT mega_merge_customers('pass:test:given-merged', 'pass:test:mine')$$),
    ('into a disabled one', $$SELECT mega_merge_customers('pass:test:mine', 'pass:test:hidden-b')$$),
    ('another merge', $$SELECT mega_merge_customers('pass:test:mine', 'pass:test:hidden-a', 'given-merge')$$),
    ('an end that has passed', $$SELECT mega_update_customer('pass:test:mine', '{"expires_at": "2020-01-01"}')$$),
    ('a profile of two', $$SELECT mega_link_profile('00000000-0000-4000-8000-0000000000e1', '00000000-0000-4000-8000-0000000000b1', shopify_customer_id => 'given-shop')$$),
    ('another version', $$SELECT mega_set_app_config('given-key', '1', 7)$$),
    ('a version changed', $$UPDATE mega_admin SET mg_value = '1' <<mg_id = 'app_config:given-key.v1'>>$$),
    ('an audit changed', $$UPDATE mega_admin SET mg_detail = '{}' <<mg_id = 'admin_audit:hidden'>>$$),
    ('an audit deleted', $$DELETE FROM mega_admin <<mg_id = 'admin_audit:hidden'>>$$),
    ('a key that differs', $$UPDATE mega_admin SET mg_key = 'given' <<mg_id = 'app_config:hidden'>>$$),
    ('a reason of the owner''s', $$SELECT mega_record_credit('pass:test:mine', 5, 'never', txn_id => 'given-never')$$),
    ('a rule of the owner''s', $$SELECT mega_record_credit('pass:test:mine', 600 - mg_credits, 'spend') FROM mine$$),
    ('a rule of the owner''s, raw', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) SELECT 'credit_transaction:given-600', 'pass:test:mine', 600 - mg_credits FROM mine$$),
    ('a key of the owner''s', $$SELECT mega_record_credit('pass:test:mine', 126 - mg_credits, 'spend') FROM mine$$),
    ('a tweak of another''s', $$SELECT mega_tweak_generation('given', 'given-c3', pass_id => 'pass:test:mine')$$),
    ('a tweak with other content', $$SELECT mega_tweak_generation('given', 'given-c3', '{"text": "given"}', 'given-tweak')$$),
    ('a tweak with another child', $$SELECT mega_tweak_generation('given', 'given-c3', '{"text": "hidden"}', 'given-tweak')$$),
    ('a tweak under an event''s id', $$SELECT mega_tweak_generation('mine', 'given-c3', '{}', 'given-event')$$),
    ('a tweak under another''s id', $$SELECT mega_tweak_generation('mine', 'given')$$),
    ('a tweak of a mode that is none', $$SELECT mega_tweak_generation('modeless', 'given-c3')$$),
    ('a scan line of another''s', $$SELECT mega_append_scan_line('given', 'given', 'pass:test:mine')$$),
    ('scan lines that are no list', $$SELECT mega_append_scan_line('listless', 'given')$$),
    ('feedback of another', $$SELECT mega_record_feedback('pass:test:mine', 'given-feedback', comment => 'given')$$),
    ('feedback on another''s', $$SELECT mega_record_feedback('pass:test:mine', 'given-f2', 'given')$$),
    ('steps with other content', $$SELECT mega_append_mma_steps('given', '[{"step_type": "given_step", "at_step": 0}]')$$),
    ('steps with other input', $$SELECT mega_append_mma_steps('given', '[{"step_type": "hidden_step", "at_step": 0, "input": {"x": "given"}}]')$$),
    ('a status by steps', $$SELECT mega_append_mma_steps('given', '[{"step_type": "given_step"}, {"step_type": "given_step", "mma_status": "queued"}]')$$),
    ('steps of another''s', $$SELECT mega_append_mma_steps('given', '[{"step_type": "given_step"}]', 'pass:test:mine')$$),
    ('events with other content', $$SELECT mega_record_mma_events('[{"pass_id": "pass:test:mine", "event_type": "like", "event_id": "given-event"}]')$$),
    ('events of another''s generation', $$SELECT mega_record_mma_events('[{"pass_id": "pass:test:mine", "event_type": "like", "generation_id": "given", "event_id": "given-e3"}]')$$),
    ('another''s picture deleted', $$SELECT mega_delete_generation('given', 'pass:test:mine')$$),
    ('another output', $$SELECT mega_update_generation('given', fields => '{"output_url": "https://cdn.example/given.png"}')$$),
    ('done by an update', $$SELECT mega_update_generation('mine', 'done')$$),
    ('hold for another''s generation', $$SELECT mega_hold_credit('pass:test:mine', 1, 'given-h3', generation_id => 'given')$$),
    ('revoke up to more', $$SELECT mega_revoke_credit('given-v1', 'given-full', up_to => 2147483647)$$),
    ('revoke up to another total', $$SELECT mega_revoke_credit('given-revoke', 'hidden-grant', up_to => 5)$$),
    ('revoke of a spend', $$SELECT mega_revoke_credit('given-v1', 'hidden-spend')$$),
    ('revoke of no grant', $$SELECT mega_revoke_credit('given-v1', ref_type => 'order', ref_id => 'given-none')$$),
    ('topup under a claim of nobody', $$SELECT mega_record_topup('pass:test:mine', topup_id => 'given-claim')$$),
    ('usage of nobody', $$SELECT mega_usage('pass:test:given-none', '2026-01-01')$$),
    ('statement of nobody', $$SELECT mega_credit_statement('pass:test:given-none')$$),
    ('a row that ends nothing', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:given-0', 'pass:test:mine', 0)$$);
CREATE TABLE mine AS SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:test:mine';
GRANT SELECT ON attempt, mine TO PUBLIC;

-- The reader: everything is told, save whose another customer's row is.
SET ROLE regress_mega_reads;
SELECT a.nr, a.what, t.state, t.said FROM attempt a, told(regexp_replace(a.statement, '<<(.*)>>', 'WHERE \1')) t ORDER BY a.nr;
-- The others: nothing that the statement does not say itself.
SET ROLE regress_mega_blind;
SELECT a.nr, a.what, t.state, t.said, t.leaked FROM attempt a, told(regexp_replace(a.statement, '<<.*>>', '')) t ORDER BY a.nr;
SET ROLE regress_mega_policed;
SELECT a.nr, a.what, t.state, t.said, t.leaked FROM attempt a, told(regexp_replace(a.statement, '<<(.*)>>', 'WHERE \1')) t ORDER BY a.nr;
-- With a few columns: what these say.
SET ROLE regress_mega_columns;
SELECT a.nr, a.what, t.state, t.said FROM attempt a, told(regexp_replace(a.statement, '<<(.*)>>', 'WHERE \1')) t WHERE a.what IN ('overdraft', 'overflow', 'spend of a disabled customer', 'txn_id of another', 'a balance written', 'a status moved by hand', 'a fact changed', 'a rule of the owner''s') ORDER BY a.nr;
RESET ROLE;
-- An owner to whom a forced policy applies is a caller like any other; a superuser is not.
ALTER TABLE mega_customers OWNER TO regress_mega_owns;
ALTER TABLE mega_generations OWNER TO regress_mega_owns;
ALTER TABLE mega_admin OWNER TO regress_mega_owns;
SELECT mega_grant('regress_mega_owns', 'admin');
GRANT USAGE ON SCHEMA public TO regress_mega_owns;
SET ROLE regress_mega_owns;
SELECT (told($$SELECT mega_record_credit('pass:test:mine', -99999, 'spend')$$)).said;
ALTER TABLE mega_customers FORCE ROW LEVEL SECURITY;
SELECT (told($$SELECT mega_record_credit('pass:test:mine', -99999, 'spend')$$)).said;
ALTER TABLE mega_customers NO FORCE ROW LEVEL SECURITY;
RESET ROLE;
SELECT (told($$SELECT mega_record_credit('pass:test:mine', -99999, 'spend')$$)).said;
-- A function that runs as somebody who may read is told what that one may read: what it passes on is its own affair.
CREATE FUNCTION spend() RETURNS void SECURITY DEFINER LANGUAGE sql AS $$SELECT mega_record_credit('pass:test:mine', -99999, 'spend')$$;
ALTER FUNCTION spend() OWNER TO regress_mega_reads;
SET ROLE regress_mega_blind;
SELECT (told('SELECT spend()')).said;
-- Warnings.
SET mega.derived_writes = ignore;
BEGIN;
UPDATE mega_customers SET mg_credits = 5, mg_mma_preferences = '{"source": "x"}';
ROLLBACK;
RESET ROLE;
SET ROLE regress_mega_reads;
BEGIN;
UPDATE mega_customers SET mg_credits = 5 WHERE mg_pass_id = 'pass:test:mine';
ROLLBACK;
RESET ROLE;
RESET mega.derived_writes;
-- What a trigger of the owner's keeps away.
CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER a_keeps BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (OLD.mg_pass_id = 'pass:test:hidden-c') EXECUTE FUNCTION keeps();
SET ROLE regress_mega_reads;
SELECT t.state, t.said FROM told($$SELECT mega_ensure_customer(user_id => '00000000-0000-4000-8000-0000000000c1', email => 'given@example.com')$$) t;
SET ROLE regress_mega_blind;
SELECT t.state, t.said FROM told($$SELECT mega_ensure_customer(user_id => '00000000-0000-4000-8000-0000000000c1', email => 'given@example.com')$$) t;
RESET ROLE;
-- Nothing came of any of it.
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id <> 'pass:test:hidden-nobody';
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;

\c :home
DROP DATABASE regress_mega_errors;
DROP ROLE regress_mega_reads, regress_mega_blind, regress_mega_columns, regress_mega_policed, regress_mega_owns;
