-- What an office does to a customer: update, verify, disable, enable, delete, restore, find (I12, I13, I17).
-- Customers of this file: pass:test:life-*, Shopify ids 72…, user ids 11fe…
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE ROLE regress_mega_support;
SELECT mega_grant('regress_mega_support', 'admin');
CREATE VIEW pg_temp.told AS SELECT mg_action, mg_actor_pass_id, mg_detail FROM mega_admin WHERE mg_actor_pass_id LIKE 'pass:test:life-%' ORDER BY mg_created_at, mg_id;

SELECT mega_ensure_customer('pass:test:life-1', '7201', '11fe0000-0000-4000-8000-000000000001', email => 'Ada@example.com', profile => '{"first_name": "Ada", "last_name": "Lovelace", "locale": "en"}');
UPDATE mega_customers SET mg_meta = '{"plan": "free", "tags": {"a": 1}}' WHERE mg_pass_id = 'pass:test:life-1';

--
-- Update: what is named changes, the rest stays; null and blank clear; again it is no change.
--
SELECT * FROM mega_update_customer('pass:test:life-1', '{"email": " ada@lovelace.example ", "display_name": "Ada L.", "last_name": null, "first_name": " ", "locale": "en_GB", "timezone": "Europe/London",
    "marketing_opt_in": true, "topup_default_packs": 2, "auto_topup_enabled": true, "auto_topup_monthly_limit_packs": 0, "meta": {"plan": "studio", "tags": {"b": 2}, "mega": {"merged_into": "pass:test:life-2"}}}', 'support@example.com');
SELECT mg_email, mg_first_name, mg_last_name, mg_display_name, mg_locale, mg_timezone, mg_marketing_opt_in, mg_topup_default_packs, mg_auto_topup_enabled, mg_auto_topup_monthly_limit_packs, mg_meta FROM mega_customers WHERE mg_pass_id = 'pass:test:life-1' \gx
SELECT * FROM mega_update_customer('pass:test:life-1', '{"email": "ada@lovelace.example", "locale": "en-GB", "meta": {"tags": {"a": 1}}}', 'support@example.com');
SELECT * FROM mega_update_customer('pass:test:life-1', '{}', 'support@example.com');
SELECT * FROM mega_update_customer('pass:test:life-1', '{"meta": {"tags": null}, "auto_topup_monthly_limit_packs": null, "topup_default_packs": null, "auto_topup_enabled": null}');
SELECT mg_meta, mg_topup_default_packs, mg_auto_topup_enabled, mg_auto_topup_monthly_limit_packs FROM mega_customers WHERE mg_pass_id = 'pass:test:life-1';
SELECT * FROM mega_update_customer('pass:test:life-1', '{"meta": null}');
SELECT mg_meta FROM mega_customers WHERE mg_pass_id = 'pass:test:life-1';
-- an audit for what an actor changed, and for nothing else; it names the fields and not what they say
SELECT * FROM pg_temp.told;
-- what is refused says which field
SELECT given, pg_temp.outcome(format('SELECT mega_update_customer(%L, %L)', 'pass:test:life-1', given)) FROM (VALUES
    ('{"e_mail": "x"}'), ('{"email": 5}'), ('{"email": "a\u0007"}'), ('{"locale": "english language"}'), ('{"timezone": "Mars"}'), ('{"marketing_opt_in": "yes"}'), ('{"topup_default_packs": 0}'), ('{"topup_default_packs": 1.5}'),
    ('{"auto_topup_monthly_limit_packs": -1}'), ('{"auto_topup_enabled": 1}'), ('{"expires_at": "someday"}'), ('{"expires_at": 5}'), ('{"expires_at": "infinity"}'), ('{"expires_at": "2020-01-01"}'), ('{"meta": []}'), ('{"mg_credits": 5}'), ('[]')) v(given);
SELECT pg_temp.outcome($$SELECT mega_update_customer('pass:test:life-1', NULL)$$), pg_temp.outcome($$SELECT mega_update_customer('pass:test:life-0', '{}')$$), pg_temp.outcome($$SELECT mega_update_customer(NULL, '{}')$$),
    pg_temp.outcome($$SELECT mega_update_customer('pass:test:life-1', '{}', ' ')$$);

--
-- An end of what has none of its own: what has ended goes first.
--
SELECT mg_credits FROM mega_record_credit('pass:test:life-1', 30, 'grant');
SELECT changed FROM mega_update_customer('pass:test:life-1', '{"expires_at": "2099-01-01T00:00:00Z"}');
SELECT changed FROM mega_update_customer('pass:test:life-1', '{"expires_at": "2099-01-01T01:00:00+01"}');
SELECT mg_credits, expires_at FROM mega_balance('pass:test:life-1');
UPDATE mega_customers SET mg_expires_at = now() - interval '1 day' WHERE mg_pass_id = 'pass:test:life-1';
SELECT changed FROM mega_update_customer('pass:test:life-1', '{"expires_at": "2099-01-01T00:00:00Z"}');
SELECT mg_credits, expires_at FROM mega_balance('pass:test:life-1');
SELECT changed FROM mega_update_customer('pass:test:life-1', '{"expires_at": null}');

--
-- Verify (I13).
--
SELECT * FROM mega_verify_customer('pass:test:life-1', 'email', 'key-1', '2026-01-02', 'support@example.com');
SELECT mg_verified_email, mg_verified_google, mg_verified_apple, mg_verified_any, mg_verification_method, mg_verification_at, mg_verification_keynumber FROM mega_customers WHERE mg_pass_id = 'pass:test:life-1';
CREATE TEMP TABLE before AS SELECT * FROM mega_customers WHERE mg_pass_id = 'pass:test:life-1';
SELECT * FROM mega_verify_customer('pass:test:life-1', 'email', actor => 'support@example.com');
SELECT * FROM mega_verify_customer('pass:test:life-1', 'email', 'key-1', '2026-01-02', 'support@example.com');
SELECT count(*) AS as_it_was FROM (TABLE before INTERSECT SELECT * FROM mega_customers WHERE mg_pass_id = 'pass:test:life-1') s;
SELECT * FROM mega_verify_customer('pass:test:life-1', 'apple');
SELECT mg_verified_email, mg_verified_google, mg_verified_apple, mg_verified_any, mg_verification_method, mg_verification_at > now() - interval '1 hour' AS now, mg_verification_keynumber FROM mega_customers WHERE mg_pass_id = 'pass:test:life-1';
-- by hand: there is no flag for it, the time says it
SELECT mega_ensure_customer('pass:test:life-2', email => 'grace@example.com', profile => '{"display_name": "Grace O''Hopper \\ 100%"}');
SELECT * FROM mega_verify_customer('pass:test:life-2', 'manual', verified_at => now() + interval '4 minutes');
SELECT mg_verified_email, mg_verified_google, mg_verified_apple, mg_verified_any, mg_verification_method, mg_verification_at IS NOT NULL AS at FROM mega_customers WHERE mg_pass_id = 'pass:test:life-2';
SELECT what, pg_temp.outcome('SELECT mega_verify_customer(' || arguments || ')') FROM (VALUES ('no method', $$'pass:test:life-1', NULL$$), ('another method', $$'pass:test:life-1', 'sms'$$), ('upper case', $$'pass:test:life-1', 'Email'$$),
    ('in the future', $$'pass:test:life-1', 'email', verified_at => now() + interval '1 hour'$$), ('infinite', $$'pass:test:life-1', 'email', verified_at => '-infinity'$$), ('blank key', $$'pass:test:life-1', 'email', ''$$), ('nobody', $$'pass:test:life-0', 'email'$$)) v(what, arguments);

--
-- Disable, enable, delete, restore: each no change when it stands so already.
--
SELECT * FROM mega_disable_customer('pass:test:life-2', 'chargeback', 'support@example.com');
SELECT * FROM mega_disable_customer('pass:test:life-2', 'chargeback', 'support@example.com');
SELECT mg_status FROM mega_ensure_customer('pass:test:life-2');
SELECT pg_temp.outcome($$SELECT mega_record_credit('pass:test:life-2', -1, 'spend')$$);
SELECT mg_status FROM mega_find_customers('grace@');
SELECT * FROM mega_delete_customer('pass:test:life-2', actor => 'support@example.com');
SELECT mg_status FROM mega_ensure_customer('pass:test:life-2');
CREATE TEMP TABLE deleted AS SELECT mg_deleted_at FROM mega_customers WHERE mg_pass_id = 'pass:test:life-2';
SELECT * FROM mega_delete_customer('pass:test:life-2', actor => 'support@example.com');
SELECT count(*) AS the_first_time_stands FROM deleted NATURAL JOIN mega_customers WHERE mg_pass_id = 'pass:test:life-2';
SELECT * FROM mega_enable_customer('pass:test:life-2', 'won', 'support@example.com');
SELECT * FROM mega_enable_customer('pass:test:life-2', 'won', 'support@example.com');
SELECT * FROM mega_restore_customer('pass:test:life-2', 'asked for it', 'support@example.com');
SELECT * FROM mega_restore_customer('pass:test:life-2', 'asked for it', 'support@example.com');
SELECT mg_status FROM mega_ensure_customer('pass:test:life-2');
SELECT what, pg_temp.outcome(format('SELECT mega_%s_customer(%s)', what, arguments)) FROM unnest('{disable,enable,delete,restore}'::text[]) what, unnest(ARRAY[$$'pass:test:life-0'$$, $$NULL$$, $$'pass:test:life-2', ''$$, $$'pass:test:life-2', 'x', E'\x01'$$]) arguments;
SELECT * FROM pg_temp.told WHERE mg_action <> 'customer.update';

--
-- Find: by whole ids, or by the beginning of an e-mail address or of the words of a name.
--
SELECT mega_ensure_customer('pass:test:life-3', email => 'ada_x@example.com', profile => '{"first_name": "Emile", "last_name": "van der Lovelock"}'),
    mega_ensure_customer('pass:test:life-4', email => 'adaax@example.com', profile => '{"display_name": "  "}');
SELECT search, (SELECT string_agg(f.mg_pass_id, ' ' ORDER BY f.mg_pass_id) FROM mega_find_customers(search) f WHERE f.mg_pass_id LIKE 'pass:test:life-%') AS found
FROM (VALUES ('pass:test:life-1'), ('pass:test:life-'), ('7201'), ('gid://shopify/Customer/7201'), ('720'), ('11fe0000-0000-4000-8000-000000000001'), ('11FE0000-0000-4000-8000-000000000001'), ('11fe0000'), ('ADA'), ('ada_'), ('ada@lovelace.example'),
    ('example.com'), ('love'), ('VAN lov'), ('van love'), ('O''H'), ('grace \ 100%'), ('100%'), ('1%'), (' emi '), ('l.''&|!:*'), ('''''''')) v(search) WHERE length(trim(search)) > 2;
SELECT f.mg_pass_id, mg_email, mg_display_name, mg_shopify_customer_id, mg_user_id, mg_credits, mg_last_active IS NOT NULL AS active, mg_status, next_cursor FROM mega_find_customers('7201') f;
SELECT what, pg_temp.outcome('SELECT mega_find_customers(' || arguments || ')') FROM (VALUES ('nothing', 'NULL'), ('two letters', $$' ad '$$), ('two letters apart', $$'a  d'$$), ('two letters of four bytes', $$'éé'$$), ('control character', $$E'ada\x01'$$), ('page of none', $$'ada', 0$$), ('no cursor', $$'ada', 5, 'x'$$)) v(what, arguments);
-- a whole id may be short, the beginning of something else not
SELECT mega_ensure_customer('pass:test:life-5', shopify_customer_id => 'z7', email => 'z7x@example.com'), mega_ensure_customer('pass:test:life-6', email => 'z7y@example.com');
SELECT mg_pass_id, next_cursor FROM mega_find_customers(' z7 ', 1);
SELECT pg_temp.outcome($$SELECT mega_find_customers('z8')$$), pg_temp.outcome($$SELECT mega_find_customers(' ')$$), pg_temp.outcome($$SELECT mega_find_customers(E'z\x01')$$);
-- a name of two letters is a whole one in some scripts
SELECT mega_ensure_customer('pass:test:life-7', profile => '{"display_name": "李明", "first_name": "수진"}');
SELECT search, (SELECT mg_display_name FROM mega_find_customers(search)) AS found FROM (VALUES ('李明'), (' 수진'), ('李 明'), ('明李')) v(search);
SELECT pg_temp.outcome($$SELECT mega_find_customers('李')$$);
-- a page at a time
SELECT mega_ensure_customer('pass:test:life-many-' || n, email => 'manylife' || n || '@example.com') FROM generate_series(1, 7) n;
WITH RECURSIVE page AS (SELECT 1 AS number, NULL::text AS this, f.* FROM mega_find_customers('manyLIFE', 3) f UNION ALL
    SELECT p.number + 1, p.next_cursor, f.* FROM (SELECT DISTINCT number, next_cursor FROM page) p, mega_find_customers('manyLIFE', 3, p.next_cursor) f WHERE p.next_cursor IS NOT NULL AND p.number < 9)
SELECT DISTINCT number, mg_pass_id, next_cursor IS NULL AS last FROM page ORDER BY 1, 2;

--
-- Level admin, without any right on the tables but to read what is found; the writers need not even that.
--
SET ROLE regress_mega_support;
SELECT count(*) FROM mega_find_customers('manylife');
RESET ROLE;
REVOKE SELECT ON mega_customers, mega_generations, mega_admin FROM regress_mega_support;
SET ROLE regress_mega_support;
SELECT call, pg_temp.outcome('SELECT ' || call) FROM (VALUES ($$mega_update_customer('pass:test:life-3', '{"email": "emile@example.com"}', 'x')$$), ($$mega_verify_customer('pass:test:life-3', 'google', actor => 'x')$$), ($$mega_disable_customer('pass:test:life-3', 'y', 'x')$$),
    ($$mega_enable_customer('pass:test:life-3', 'y', 'x')$$), ($$mega_delete_customer('pass:test:life-3', 'y', 'x')$$), ($$mega_restore_customer('pass:test:life-3', 'y', 'x')$$), ($$mega_find_customers('manylife')$$)) v(call);
RESET ROLE;
SELECT mg_action, mg_detail FROM pg_temp.told WHERE mg_actor_pass_id = 'pass:test:life-3';

--
-- Found by its indexes, whatever the collation of the database.
--
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE one text;
BEGIN
    SET LOCAL enable_seqscan = off;
    FOR one IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF one ~ 'Index' THEN RETURN NEXT regexp_replace(one, '^.*(Bitmap )?Index (Only )?Scan (using|on) (\w+).*$|^.*$', '\4'); END IF;
    END LOOP;
END
$$;
SELECT p FROM pg_temp.plan($q$SELECT FROM mega_customers WHERE mg_email IS NOT NULL AND lower(mg_email) COLLATE "C" LIKE lower('ada%')$q$) p WHERE p <> '';
SELECT p FROM pg_temp.plan($q$SELECT FROM mega_customers WHERE mg_email IS NOT NULL AND lower(mg_email) = lower('ada@example.com')$q$) p WHERE p <> '';
SET enable_seqscan = off;
SELECT s.idx_scan FROM pg_stat_get_numscans('mega_customers_names'::regclass) s(idx_scan) \gset before_
SELECT mg_pass_id FROM mega_find_customers('van lovelock');
RESET enable_seqscan;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_get_numscans('mega_customers_names'::regclass) > :before_idx_scan AS names_by_index;
REVOKE ALL ON SCHEMA public FROM regress_mega_support;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA public FROM regress_mega_support;
DROP ROLE regress_mega_support;

--
-- Each set of columns that is changed has a plan of its own; not all of very many are kept.
--
\c -
CREATE TEMP TABLE field AS SELECT row_number() OVER () - 1 AS n, key, value FROM jsonb_each('{"email": "many@example.com", "display_name": "d", "first_name": "f", "last_name": "l", "locale": "de", "timezone": "UTC",
    "topup_default_packs": 2, "auto_topup_enabled": false, "auto_topup_monthly_limit_packs": 9, "expires_at": "2100-01-01"}');
SELECT count(mg_pass_id) FROM mega_ensure_customer('pass:test:customers-many');
SELECT count((SELECT mega_update_customer('pass:test:customers-many', (SELECT jsonb_object_agg(key, CASE WHEN s % 2 = 0 THEN value ELSE 'null' END) FROM field WHERE s >> n::integer & 1 = 1)))) FROM generate_series(1, 1023) s, generate_series(1, 2);
SELECT count(*) < 1500 AS few FROM pg_backend_memory_contexts WHERE name LIKE 'CachedPlan%';
