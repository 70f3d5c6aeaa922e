-- Claims on top-ups: mega_claim_topups, mega_record_topup with topup_id, mega_release_topup_claim (I4).
-- Customers of this file: pass:test:claims-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
-- Only customers of this file are due.
UPDATE mega_customers SET mg_auto_topup_enabled = false WHERE mg_auto_topup_enabled;
INSERT INTO mega_customers (mg_pass_id, mg_auto_topup_enabled, mg_topup_default_packs, mg_auto_topup_monthly_limit_packs, mg_meta) VALUES
    ('pass:test:claims-a', true, NULL, NULL, '{"kept": 1}'), ('pass:test:claims-b', true, 2, 5, '{}'), ('pass:test:claims-c', true, 4, 3, NULL), ('pass:test:claims-rich', true, 1, NULL, '{}'),
    ('pass:test:claims-none', true, 2, 0, '{}'), ('pass:test:claims-off', false, 2, NULL, '{}'), ('pass:test:claims-disabled', true, 2, NULL, '{}'), ('pass:test:claims-deleted', true, 2, NULL, '{}');
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:test:claims-disabled';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:claims-deleted';
SELECT mg_credits FROM mega_record_credit('pass:test:claims-rich', 100, 'gift');
CREATE TEMP TABLE claim (who text, topup_id text, packs integer);
CREATE FUNCTION pg_temp.claim(most integer DEFAULT 100, retry interval DEFAULT '1 hour') RETURNS TABLE (who text, packs integer, same boolean) LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM mega_claim_topups(10, most, retry) LOOP
        RETURN QUERY SELECT one.mg_pass_id, one.packs, EXISTS (SELECT FROM claim c WHERE c.who = one.mg_pass_id AND c.topup_id = one.topup_id);
        INSERT INTO claim VALUES (one.mg_pass_id, one.topup_id, one.packs);
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.id(customer text) RETURNS text LANGUAGE sql AS 'SELECT topup_id FROM claim WHERE who = ''pass:test:claims-'' || customer ORDER BY ctid DESC LIMIT 1';

--
-- Whom to charge: the customer's packs, at most what the month allows; nobody twice while a claim stands.
--
SELECT * FROM pg_temp.claim(1);
SELECT * FROM pg_temp.claim();
SELECT * FROM pg_temp.claim();
SELECT mg_pass_id, jsonb_set(mg_meta, '{mega,claim}', (mg_meta #> '{mega,claim}') - 'id' - 'until') AS meta FROM mega_customers WHERE mg_pass_id ~ 'claims-[abc]$' ORDER BY 1;
SELECT count(DISTINCT topup_id), bool_and(topup_id ~ '^[0-9a-f-]{36}$') FROM claim;
-- a standing claim counts towards the month, and only there
SELECT mg_pass_id, packs, packs_left FROM mega_topup_due(10) WHERE mg_pass_id LIKE 'pass:test:claims-%';
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:claims-b', 4, 10, automatic => true)$$);
SELECT mg_credits FROM mega_record_topup('pass:test:claims-b', 1, 1, 'order', 'claims-by-hand');
-- recorded: the claim's packs, once, without asking the limit again; then it is over
SELECT mg_id = 'credit_transaction:topup:' || pg_temp.id('b') AS named, mg_credits, replayed FROM mega_record_topup('pass:test:claims-b', credits_per_pack => 10, ref_type => 'order', ref_id => 'claims-1', topup_id => pg_temp.id('b'));
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:claims-b', credits_per_pack => 10, ref_type => 'order', ref_id => 'claims-1', topup_id => pg_temp.id('b'));
SELECT mg_meta, mg_topup_source FROM mega_customers WHERE mg_pass_id = 'pass:test:claims-b';
SELECT mg_delta, mg_reason, mg_ref_id, mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:topup:' || pg_temp.id('b');
SELECT what, regexp_replace(pg_temp.outcome(format('SELECT mega_record_topup(%s)', arguments)), '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>', 'g') AS outcome FROM (VALUES ('other packs', format($$'pass:test:claims-b', 3, 10, 'order', 'claims-1', topup_id => %L$$, pg_temp.id('b'))),
    ('other credits', format($$'pass:test:claims-b', credits_per_pack => 11, ref_type => 'order', ref_id => 'claims-1', topup_id => %L$$, pg_temp.id('b'))),
    ('other reference', format($$'pass:test:claims-b', 2, 10, 'order', 'claims-2', topup_id => %L$$, pg_temp.id('b'))), ('another customer', format($$'pass:test:claims-a', topup_id => %L$$, pg_temp.id('c'))),
    ('nobody', $$'pass:test:claims-a', topup_id => '01890000-0000-7000-8000-000000000000'$$), ('blank', $$'pass:test:claims-a', topup_id => ' '$$), ('too long', format($$'pass:test:claims-a', topup_id => %L$$, repeat('x', 507)))) v(what, arguments);

-- released, claimed again, and then the first charge comes: both are recorded, each once
BEGIN;
UPDATE mega_customers SET mg_auto_topup_monthly_limit_packs = 50 WHERE mg_pass_id = 'pass:test:claims-b';
SELECT mg_credits FROM mega_record_credit('pass:test:claims-b', -21, 'spend');
SELECT * FROM pg_temp.claim(1);
SELECT mega_release_topup_claim(pg_temp.id('b')), mega_release_topup_claim(pg_temp.id('b')) AS again;
SELECT pg_temp.id('b') AS first \gset
SELECT * FROM pg_temp.claim(1);
SELECT pg_temp.id('b') <> :'first' AS another;
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:claims-b', credits_per_pack => 1, topup_id => :'first');
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:claims-b', credits_per_pack => 1, topup_id => :'first');
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:claims-b', credits_per_pack => 1, topup_id => pg_temp.id('b'));
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = 'pass:test:claims-b';
-- the newest twenty that were released are known
DO $$ BEGIN
    FOR n IN 1 .. 25 LOOP
        PERFORM pg_temp.claim(1);
        PERFORM mega_release_topup_claim(pg_temp.id('b'));
    END LOOP;
END $$;
SELECT jsonb_array_length(mg_meta #> '{mega,claims}') FROM mega_customers WHERE mg_pass_id = 'pass:test:claims-b';
SELECT n, count(*) FROM (SELECT row_number() OVER (ORDER BY topup_id DESC) AS n, topup_id FROM claim WHERE who = 'pass:test:claims-b') c WHERE n IN (1, 21, 22)
    AND pg_temp.outcome(format('SELECT mega_record_topup(%L, credits_per_pack => 1, topup_id => %L)', 'pass:test:claims-b', topup_id)) !~ '22023' GROUP BY n ORDER BY n;
ROLLBACK;

--
-- Lapsed: handed out again under its id, with its packs; recorded late, it counts.
--
SELECT mg_credits FROM mega_record_credit('pass:test:claims-b', -15, 'spend');
SELECT * FROM pg_temp.claim(retry => '1 microsecond');
UPDATE mega_customers SET mg_topup_default_packs = 9 WHERE mg_pass_id = 'pass:test:claims-b';
SELECT * FROM pg_temp.claim(retry => '1 microsecond');
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:claims-b', credits_per_pack => 1, topup_id => pg_temp.id('b'));
-- of the month's five packs four are used
SELECT * FROM pg_temp.claim();
SELECT pg_temp.outcome(format('SELECT mega_record_topup(%L, topup_id => %L)', 'pass:test:claims-b', pg_temp.id('b')));
SELECT mg_credits FROM mega_record_topup('pass:test:claims-b', 4, 1, topup_id => (SELECT mg_meta #>> '{mega,claim,id}' FROM mega_customers WHERE mg_pass_id = 'pass:test:claims-b'));
-- recorded by its order alone: the repeat with the claim ends it
SELECT mg_credits FROM mega_record_topup('pass:test:claims-a', 3, 1, 'order', 'claims-3');
SELECT mg_credits, replayed FROM mega_record_topup('pass:test:claims-a', 3, 1, 'order', 'claims-3', topup_id => pg_temp.id('a'));
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = 'pass:test:claims-a';

--
-- Declined: the next one has another id, not before it is time.
--
SELECT * FROM mega_release_topup_claim(pg_temp.id('c'), now() + interval '1 day');
SELECT * FROM mega_release_topup_claim(pg_temp.id('c'));
SELECT * FROM pg_temp.claim() WHERE who = 'pass:test:claims-c';
SELECT mg_pass_id, packs, packs_left FROM mega_topup_due(10) WHERE mg_pass_id = 'pass:test:claims-c';
-- it went through after all
SELECT mg_credits FROM mega_record_topup('pass:test:claims-c', credits_per_pack => 1, topup_id => pg_temp.id('c'));
SELECT mega_record_credit('pass:test:claims-a', -3, 'spend') IS NOT NULL AS spent;
SELECT * FROM pg_temp.claim() WHERE who = 'pass:test:claims-a';
SELECT * FROM mega_release_topup_claim('topup:' || pg_temp.id('a'));
SELECT * FROM pg_temp.claim() WHERE who = 'pass:test:claims-a';
SELECT * FROM mega_release_topup_claim('01890000-0000-7000-8000-000000000000');
SELECT what, pg_temp.outcome('SELECT ' || call) FROM (VALUES ('at once', $$mega_claim_topups(retry_after => '0')$$), ('back in time', $$mega_claim_topups(retry_after => '-1 hour')$$), ('no time', $$mega_claim_topups(retry_after => NULL)$$),
    ('nobody', $$mega_claim_topups(max_customers => 0)$$), ('no threshold', $$mega_claim_topups(NULL)$$), ('for ever', $$mega_claim_topups(retry_after => '300000 years')$$), ('no id', $$mega_release_topup_claim(NULL)$$),
    ('never', $$mega_release_topup_claim('x', 'infinity')$$)) v(what, call);
-- what stands there is mega's own
UPDATE mega_customers SET mg_meta = '{"mega": {"claim": {"id": "mine"}}}' WHERE mg_pass_id = 'pass:test:claims-a';
SELECT mg_meta #>> '{mega,claim,id}' = pg_temp.id('a') AS kept FROM mega_customers WHERE mg_pass_id = 'pass:test:claims-a';
-- two that a merge brought together are both of the month
SELECT FROM mega_ensure_customer('pass:test:claims-from') f, mega_ensure_customer('pass:test:claims-to') t;
SELECT FROM unnest(ARRAY['from', 'to']) who, mega_update_customer('pass:test:claims-' || who, '{"auto_topup_enabled": true, "auto_topup_monthly_limit_packs": 10, "topup_default_packs": 3}');
SELECT mg_pass_id, packs FROM mega_claim_topups() WHERE mg_pass_id ~ 'claims-(from|to)' ORDER BY 1;
SELECT mg_credits FROM mega_merge_customers('pass:test:claims-from', 'pass:test:claims-to');
SELECT packs, packs_left FROM mega_topup_due() WHERE mg_pass_id = 'pass:test:claims-to';
SELECT pg_temp.outcome($$SELECT mega_record_topup('pass:test:claims-to', 5, 1, automatic => true)$$);
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:claims-%';
