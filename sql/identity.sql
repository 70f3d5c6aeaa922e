-- Who a customer is: mega_pass_id, mega_ensure_customer, mega_customer (I11, I13).
-- Customers of this file: Shopify ids 71…, user and anonymous ids 1de0…, pass:test:identity-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
--
-- mega_pass_id: Shopify id, user id, anonymous id, in this order.
--
SELECT mega_pass_id('7101', '1de00000-0000-4000-8000-000000000001', '1de00000-0000-4000-8000-00000000000a') AS all_three,
    mega_pass_id(NULL, '1de00000-0000-4000-8000-000000000001', '1de00000-0000-4000-8000-00000000000a') AS user_id,
    mega_pass_id(NULL, NULL, '1de00000-0000-4000-8000-00000000000a') AS anon_id,
    mega_pass_id() ~ '^pass:anon:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS made_up,
    mega_pass_id() <> mega_pass_id() AS each_its_own,
    mega_pass_id(anon_id => '1DE00000-0000-4000-8000-00000000000A') AS lower_case \gx
SELECT given, mega_pass_id(given, '1de00000-0000-4000-8000-000000000001')
FROM (VALUES ('  7101 '), (E'\t7101\n'), (''), ('   '), ('anonymous'), ('Anonymous'), (' ANONYMOUS '), ('anonymous1'), ('gid://shopify/Customer/7101'), ('a:b'), ('é')) v(given);
SELECT what, pg_temp.outcome('SELECT mega_pass_id(' || arguments || ')') FROM (VALUES
    ('nothing', 'NULL, NULL, NULL'), ('anonymous and nothing else', $$'anonymous', NULL, NULL$$), ('empty and nothing else', $$'', NULL, NULL$$),
    ('longest', $$repeat('x', 499)$$), ('too long', $$repeat('x', 500)$$), ('far too long', $$repeat('x', 513)$$), ('line break inside', $$E'71\n01'$$), ('control character', $$E'71\u0085'$$),
    ('bad user id', $$NULL, 'leila'$$)
) v(what, arguments);

-- What has no width is written out: psql's of different versions disagree on it.
SELECT replace(replace(given, E'\ufeff', '<U+FEFF>'), E'\u200b', '<U+200B>') AS given, mega_pass_id(given) AS pass_id FROM (VALUES (E'7101\u00a0'), (E'\u202f7101'), (E'\ufeff7101\u200b'), ('GID://shopify/customer/7101'), (' gid://shopify/Customer/ 7101'), ('gid://shopify/Order/7101')) v(given);
SELECT given, pg_temp.outcome(format('SELECT mega_pass_id(%L, anon_id => NULL)', given))
FROM (VALUES ('undefined'), ('Undefined'), ('null'), ('NaN'), ('None'), ('[object Object]'), (E'\u00a0null\u202f'), ('gid://shopify/Customer/'), ('gid://shopify/Customer/null'), (E'\u00a0')) v(given);

--
-- I11: the shape of a pass id, and that it never changes.
--
SELECT replace(pass_id, E'\ufeff', '<U+FEFF>') AS pass_id, pg_temp.outcome(format('INSERT INTO mega_customers (mg_pass_id) VALUES (%L)', pass_id))
FROM (VALUES ('pass:test:identity-1'), ('pass:test:identity:with:colons'), ('pass:shopify:7101000'), ('pass:user:1de00000-0000-4000-8000-0000000000f1'), ('pass:anon:1de00000-0000-4000-8000-0000000000f2'), ('pass:test:identity é'),
    ('leila'), ('pass:'), ('pass::x'), ('pass:test:'), ('pass:test'), ('pass:Test:x'), ('pass:t3st:x'), ('pass:te_st:x'), ('Pass:test:x'), ('pass:test: x'), ('pass:test:x '), (E'pass:test:x\ny'), ('pass:user:1'), ('pass:anon:leila'),
    ('pass:user:1de00000-0000-4000-8000-0000000000f'), ('pass:user:{1de00000-0000-4000-8000-0000000000f1}'), ('pass:user:1DE00000-0000-4000-8000-0000000000F1'), (E'pass:test:x\u00a0'), (E'pass:test:\ufeffx'), (''), (NULL)) v(pass_id);
SELECT pg_temp.outcome($$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:' || repeat('x', 502))$$) AS longest, pg_temp.outcome($$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:' || repeat('y', 503))$$) AS too_long;
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('rename', $$UPDATE mega_customers SET mg_pass_id = 'pass:test:identity-2' WHERE mg_pass_id = 'pass:test:identity-1'$$),
    ('to NULL', $$UPDATE mega_customers SET mg_pass_id = NULL WHERE mg_pass_id = 'pass:test:identity-1'$$),
    ('to itself', $$UPDATE mega_customers SET mg_pass_id = mg_pass_id WHERE mg_pass_id = 'pass:test:identity-1'$$),
    ('Shopify id', $$UPDATE mega_customers SET mg_shopify_customer_id = '7102', mg_user_id = '1de00000-0000-4000-8000-000000000002' WHERE mg_pass_id = 'pass:test:identity-1'$$),
    ('same Shopify id', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:identity-3', '7102')$$),
    ('same user id', $$INSERT INTO mega_customers (mg_pass_id, mg_user_id) VALUES ('pass:test:identity-3', '1de00000-0000-4000-8000-000000000002')$$),
    ('same pass id', $$INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:identity-1')$$),
    ('anonymous', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:identity-4', 'anonymous')$$),
    ('anonymous again', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:identity-5', ' Anonymous ')$$),
    ('long Shopify id', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:identity-7', repeat('7', 513))$$),
    ('Shopify id with a line break', $$INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:identity-7', E'7\n1')$$),
    ('long e-mail', $$INSERT INTO mega_customers (mg_pass_id, mg_email) VALUES ('pass:test:identity-7', repeat('x', 501) || '@example.com')$$),
    ('e-mail with a line break', $$INSERT INTO mega_customers (mg_pass_id, mg_email) VALUES ('pass:test:identity-7', E'a@example.com\nBcc: b@example.com')$$)
) v(what, statement);
SELECT mg_pass_id, mg_shopify_customer_id, mg_user_id FROM mega_customers WHERE mg_pass_id ~ '^pass:test:identity-[0-9]' ORDER BY 1;
SELECT column_name, value, pg_temp.outcome(format('UPDATE mega_customers SET %I = %L WHERE mg_pass_id = ''pass:test:identity-1''', column_name, value))
FROM unnest('{mg_expires_at,mg_last_active,mg_verification_at,mg_last_topup_at,mg_deleted_at,mg_created_at,mg_mma_preferences_updated_at}'::text[]) column_name, unnest('{infinity,-infinity}'::text[]) value;

-- defaults, and what an explicit NULL becomes
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:identity-8');
INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences, mg_created_at, mg_updated_at, mg_verified_any) VALUES ('pass:test:identity-9', NULL, NULL, NULL, NULL, NULL);
SELECT mg_pass_id, mg_credits, mg_mma_preferences, mg_verified_any, mg_topup_default_packs, mg_meta, mg_marketing_opt_in, mg_product_updates_opt_in, mg_disabled, mg_auto_topup_enabled, mg_created_at IS NOT NULL AND mg_updated_at IS NOT NULL AS dated
FROM mega_customers WHERE mg_pass_id IN ('pass:test:identity-8', 'pass:test:identity-9') ORDER BY 1 \gx
-- mg_updated_at follows every update, and is nobody's to write
UPDATE mega_customers SET mg_updated_at = '2020-01-01' WHERE mg_pass_id = 'pass:test:identity-8' RETURNING mg_updated_at > mg_created_at AS follows;

--
-- I13: mg_verified_any is computed, whatever was written.
--
CREATE TEMP TABLE verified AS
SELECT email, google, apple, method, at, written, 'pass:test:identity-v' || row_number() OVER () AS pass_id
FROM unnest('{NULL,f,t}'::boolean[]) email, unnest('{NULL,t}'::boolean[]) google, unnest('{f,t}'::boolean[]) apple, unnest('{NULL,manual,email,Manual}'::text[]) method,
    unnest('{NULL,2025-01-01}'::timestamptz[]) at, unnest('{NULL,f,t}'::boolean[]) written;
INSERT INTO mega_customers (mg_pass_id, mg_verified_email, mg_verified_google, mg_verified_apple, mg_verification_method, mg_verification_at, mg_verified_any)
SELECT pass_id, email, google, apple, method, at, written FROM verified;
SELECT count(*), count(*) FILTER (WHERE mg_verified_any = (coalesce(email, false) OR coalesce(google, false) OR coalesce(apple, false) OR (coalesce(method, '') = 'manual' AND at IS NOT NULL))) AS right_at_insert
FROM verified JOIN mega_customers ON mg_pass_id = pass_id;
UPDATE mega_customers SET mg_verified_any = NOT mg_verified_any WHERE mg_pass_id LIKE 'pass:test:identity-v%';
SELECT count(*) FILTER (WHERE mg_verified_any = (coalesce(email, false) OR coalesce(google, false) OR coalesce(apple, false) OR (coalesce(method, '') = 'manual' AND at IS NOT NULL))) AS right_after_update
FROM verified JOIN mega_customers ON mg_pass_id = pass_id;
UPDATE mega_customers SET mg_verified_email = false, mg_verified_google = false, mg_verified_apple = NULL, mg_verification_method = 'manual' WHERE mg_pass_id LIKE 'pass:test:identity-v%';
SELECT mg_verification_at IS NOT NULL AS by_hand, mg_verified_any, count(*) FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:identity-v%' GROUP BY 1, 2 ORDER BY 1;

--
-- mega_ensure_customer: by each identity, again, and filling in what is unknown.
--
SELECT * FROM mega_ensure_customer(shopify_customer_id => ' 7110 ', email => ' leila@example.com ', profile => '{"first_name": " Leila ", "last_name": "Haddad", "display_name": "ليلى", "locale": "en-AE", "timezone": "Asia/Dubai", "marketing_opt_in": true, "product_updates_opt_in": false}');
SELECT mg_shopify_customer_id, mg_user_id, mg_email, mg_first_name, mg_last_name, mg_display_name, mg_locale, mg_timezone, mg_marketing_opt_in, mg_product_updates_opt_in, mg_credits, mg_source_system, mg_last_active IS NOT NULL AS active, mg_verified_any, mg_topup_default_packs
FROM mega_customer('pass:shopify:7110') \gx
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7110');
SELECT * FROM mega_ensure_customer('pass:shopify:7110');
-- what is known stays, what is unknown comes in
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7110', user_id => '1de00000-0000-4000-8000-000000000011', email => 'other@example.com', profile => '{"first_name": "Other", "locale": "ar"}');
SELECT mg_user_id, mg_email, mg_first_name, mg_locale FROM mega_customer('pass:shopify:7110');
SELECT * FROM mega_ensure_customer(user_id => '1de00000-0000-4000-8000-000000000011');
SELECT * FROM mega_ensure_customer(user_id => '1de00000-0000-4000-8000-000000000012', profile => '{}');
SELECT * FROM mega_ensure_customer(user_id => '1de00000-0000-4000-8000-000000000012', email => '', profile => '{"first_name": null, "marketing_opt_in": null}');
SELECT * FROM mega_ensure_customer(user_id => '1de00000-0000-4000-8000-000000000012', shopify_customer_id => '7112', email => 'mona@example.com', profile => '{"first_name": "Mona"}');
SELECT mg_shopify_customer_id, mg_email, mg_first_name, mg_marketing_opt_in FROM mega_customer('pass:user:1de00000-0000-4000-8000-000000000012');
-- a pass id once given stays: who was anonymous keeps it
SELECT * FROM mega_ensure_customer(anon_id => '1de00000-0000-4000-8000-000000000013');
SELECT * FROM mega_ensure_customer(anon_id => '1de00000-0000-4000-8000-000000000013', shopify_customer_id => 'anonymous');
SELECT * FROM mega_ensure_customer(anon_id => '1de00000-0000-4000-8000-000000000013', shopify_customer_id => '7113');
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7113');
SELECT * FROM mega_ensure_customer(pass_id => 'pass:anon:1de00000-0000-4000-8000-000000000013', user_id => '1de00000-0000-4000-8000-000000000014');
SELECT * FROM mega_ensure_customer(user_id => '1de00000-0000-4000-8000-000000000014');
-- a pass id says who it is
SELECT * FROM mega_ensure_customer('pass:user:1de00000-0000-4000-8000-000000000015');
SELECT mg_user_id FROM mega_customer('pass:user:1de00000-0000-4000-8000-000000000015');
SELECT * FROM mega_ensure_customer(user_id => '1de00000-0000-4000-8000-000000000015');
SELECT * FROM mega_ensure_customer('pass:shopify:7115');
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7115');
SELECT * FROM mega_ensure_customer('pass:test:identity-e1');
SELECT * FROM mega_ensure_customer('pass:test:identity-e1', '7116');
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7116');
-- a row that raw SQL made
INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('pass:test:identity-e2', '7117');
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7117', email => 'raw@example.com');
SELECT mg_email FROM mega_customer('pass:test:identity-e2');
-- credits come along, and the balance is the true one
SELECT mg_credits FROM mega_record_credit('pass:shopify:7110', 25, 'grant');
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7110');
-- two identities of two customers
SELECT what, pg_temp.outcome('SELECT mega_ensure_customer(' || arguments || ')') FROM (VALUES
    ('Shopify id and user id', $$shopify_customer_id => '7110', user_id => '1de00000-0000-4000-8000-000000000012'$$),
    ('pass id and Shopify id', $$'pass:test:identity-e1', '7110'$$),
    ('anonymous id and Shopify id', $$shopify_customer_id => '7110', anon_id => '1de00000-0000-4000-8000-000000000013'$$),
    ('three', $$'pass:test:identity-e1', '7110', '1de00000-0000-4000-8000-000000000012'$$),
    ('one customer, another Shopify id', $$'pass:shopify:7110', '7119'$$),
    ('one customer, another user id', $$shopify_customer_id => '7110', user_id => '1de00000-0000-4000-8000-000000000019'$$)
) v(what, arguments);
SELECT count(*) FROM mega_customers WHERE mg_shopify_customer_id = '7119' OR mg_user_id = '1de00000-0000-4000-8000-000000000019';
-- what is refused
SELECT what, pg_temp.outcome('SELECT mega_ensure_customer(' || arguments || ')') FROM (VALUES
    ('nothing', ''),
    ('NULLs', 'NULL, NULL, NULL, NULL'),
    ('anonymous', $$shopify_customer_id => 'anonymous'$$),
    ('empty', $$shopify_customer_id => ''$$),
    ('an e-mail is no identity', $$email => 'leila@example.com'$$),
    ('pass id', $$'leila'$$),
    ('pass id of a user', $$'pass:user:7'$$),
    ('long Shopify id', $$shopify_customer_id => repeat('7', 513)$$),
    ('long e-mail', $$shopify_customer_id => '7118', email => repeat('x', 513)$$),
    ('e-mail with a line break', $$shopify_customer_id => '7118', email => E'a@example.com\nb'$$),
    ('unknown key', $$shopify_customer_id => '7118', profile => '{"first_name": "A", "nickname": "B"}'$$),
    ('key of a column', $$shopify_customer_id => '7118', profile => '{"mg_credits": 5}'$$),
    ('profile is a list', $$shopify_customer_id => '7118', profile => '[]'$$),
    ('profile is a text', $$shopify_customer_id => '7118', profile => '"A"'$$),
    ('name is a number', $$shopify_customer_id => '7118', profile => '{"first_name": 5}'$$),
    ('opt-in is a text', $$shopify_customer_id => '7118', profile => '{"marketing_opt_in": "yes"}'$$),
    ('time zone', $$shopify_customer_id => '7118', profile => '{"timezone": "Dubai"}'$$),
    ('POSIX zone of an area', $$shopify_customer_id => '7118', profile => '{"timezone": "Asia/Dubai4"}'$$),
    ('too far from GMT', $$shopify_customer_id => '7118', profile => '{"timezone": "Etc/GMT+13"}'$$),
    ('POSIX time zone', $$shopify_customer_id => '7118', profile => '{"timezone": "FOO3"}'$$),
    ('time zone with a path', $$shopify_customer_id => '7118', profile => '{"timezone": "../../etc/passwd"}'$$),
    ('locale', $$shopify_customer_id => '7118', profile => '{"locale": "en US"}'$$),
    ('empty subtag', $$shopify_customer_id => '7118', profile => '{"locale": "en-"}'$$),
    ('long subtag', $$shopify_customer_id => '7118', profile => '{"locale": "en-abcdefghi"}'$$)
) v(what, arguments);
SELECT count(*) FROM mega_customers WHERE mg_shopify_customer_id = '7118';
-- a blank value is unknown, and no reason to refuse a customer
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '7130', email => E'\u00a0', profile => '{"first_name": "", "last_name": " Haddad ", "display_name": "\u202f", "locale": "", "timezone": " ", "marketing_opt_in": "", "product_updates_opt_in": null}');
SELECT mg_email, mg_first_name, mg_last_name, mg_display_name, mg_locale, mg_timezone, mg_marketing_opt_in FROM mega_customer('pass:shopify:7130');
-- what was pasted into a form stops no sign-up; an office is told of it
SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '7134', profile => '{"first_name": "\tLeila\r\n", "last_name": "Al\r\n\tHaddad", "display_name": "\u0085\n "}');
SELECT mg_first_name, mg_last_name, mg_display_name FROM mega_customer('pass:shopify:7134');
SELECT pg_temp.outcome($$SELECT mega_ensure_customer(shopify_customer_id => '7135', profile => jsonb_build_object('first_name', repeat('x', 513)))$$) ~ '^22023 profile.first_name is too long' AS too_long,
    pg_temp.outcome($$SELECT mega_update_customer('pass:shopify:7134', '{"last_name": "Al\nHaddad"}')$$) AS updated;
SELECT created FROM mega_ensure_customer(shopify_customer_id => '7130', profile => '{"locale": "en_US"}');
SELECT created FROM mega_ensure_customer(shopify_customer_id => '7131', profile => '{"locale": "zh_Hant-TW"}');
SELECT mg_pass_id, mg_locale FROM mega_customers WHERE mg_pass_id IN ('pass:shopify:7130', 'pass:shopify:7131') ORDER BY 1;
SELECT locale, pg_temp.outcome(format('SELECT mega_ensure_customer(%L, profile => %L)', 'pass:test:identity-l-' || lower(locale), jsonb_build_object('locale', locale))) FROM unnest('{en,en-US,zh-Hant-TW,sr-Latn,es-419,de-DE-1996,de-CH-x-phonebk}'::text[]) locale;
SELECT zone, pg_temp.outcome(format('SELECT mega_ensure_customer(%L, profile => %L)', 'pass:test:identity-z-' || lower(zone), jsonb_build_object('timezone', zone))) FROM unnest('{UTC,Asia/Dubai,America/Argentina/Buenos_Aires,Etc/GMT+4,asia/dubai}'::text[]) zone;
-- disabled and deleted customers are found, not made again
UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:shopify:7115';
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:test:identity-e1';
SELECT * FROM mega_ensure_customer(shopify_customer_id => '7115');
SELECT * FROM mega_ensure_customer('pass:test:identity-e1');
UPDATE mega_customers SET mg_deleted_at = now() WHERE mg_pass_id = 'pass:shopify:7115';
SELECT * FROM mega_ensure_customer('pass:shopify:7115');
SELECT * FROM mega_ensure_customer('pass:shopify:7115', user_id => '1de00000-0000-4000-8000-000000000018');
-- a customer that was merged answers for its target
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:identity-m1');
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:identity-m2');
-- nobody but mega says so (I17): not the application, in a key of its own or in mega's
UPDATE mega_customers SET mg_meta = '{"merged_into": "pass:test:identity-m1", "mega": {"merged_into": "pass:test:identity-m1"}}' WHERE mg_pass_id = 'pass:test:identity-m2';
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:identity-m2');
ALTER TABLE mega_customers DISABLE TRIGGER mega_customers_check;
UPDATE mega_customers SET mg_meta = '{"mega": {"merged_into": "pass:test:identity-m1"}}' WHERE mg_pass_id = 'pass:test:identity-m2';
ALTER TABLE mega_customers ENABLE TRIGGER mega_customers_check;
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:identity-m2');
-- many times in a statement: one row, one `created`
SELECT count(*), count(*) FILTER (WHERE created), count(DISTINCT e.mg_pass_id) FROM generate_series(1, 100) n, LATERAL mega_ensure_customer(shopify_customer_id => '71' || 20 + n * 0) e;
BEGIN READ ONLY;
SELECT mega_ensure_customer(shopify_customer_id => '7120');
ROLLBACK;
BEGIN;
SELECT created FROM mega_ensure_customer(shopify_customer_id => '7121');
ROLLBACK;
SELECT created FROM mega_ensure_customer(shopify_customer_id => '7121');
-- mg_last_active moves
SELECT mg_last_active AS before FROM mega_customer('pass:shopify:7121') \gset
SELECT created FROM mega_ensure_customer(shopify_customer_id => '7121');
SELECT mg_last_active > :'before' AS moved FROM mega_customer('pass:shopify:7121');
-- a key of somebody's own is told, and is nobody's identity
CREATE UNIQUE INDEX identity_email ON mega_customers (mg_email) WHERE mg_pass_id LIKE 'pass:test:identity-k%';
SELECT created FROM mega_ensure_customer('pass:test:identity-k1', email => 'k@example.com');
\set VERBOSITY default
SELECT created FROM mega_ensure_customer('pass:test:identity-k2', email => 'k@example.com');
\echo :LAST_ERROR_SQLSTATE
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT created FROM mega_ensure_customer('pass:test:identity-k2', email => 'k@example.com');
ROLLBACK;
SELECT created FROM mega_ensure_customer('pass:test:identity-k2');
\set VERBOSITY terse
SELECT created FROM mega_ensure_customer('pass:test:identity-k2', shopify_customer_id => '71988', email => 'k@example.com');
SELECT created FROM mega_ensure_customer('pass:test:identity-k2', shopify_customer_id => '71988');
SELECT mg_shopify_customer_id FROM mega_customer('pass:test:identity-k2');
DROP INDEX identity_email;

--
-- mega_customer
--
SELECT count(*) FROM mega_customer('pass:test:nobody');
SELECT pg_temp.outcome('SELECT * FROM mega_customer(NULL)'), pg_temp.outcome($$SELECT * FROM mega_customer('')$$);
SELECT to_jsonb(f) = to_jsonb(c) AS same FROM mega_customer('pass:shopify:7110') f, mega_customers c WHERE c.mg_pass_id = 'pass:shopify:7110';
SELECT mega_version() = (SELECT extversion FROM pg_extension WHERE extname = 'mega') AS version;
-- who was made with a pass id that says another identity than his is found by it all the same
SELECT what, pg_temp.outcome(call) FROM (VALUES
    ('made', $$SELECT created FROM mega_ensure_customer('pass:shopify:9412', shopify_customer_id => '9413')$$),
    ('by his pass id', $$SELECT mg_pass_id, created FROM mega_ensure_customer('pass:shopify:9412')$$),
    ('by his Shopify id', $$SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '9413')$$),
    ('by the other', $$SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '9412')$$),
    ('by both', $$SELECT mg_pass_id FROM mega_ensure_customer('pass:shopify:9412', shopify_customer_id => '9412')$$),
    ('made by user id', $$SELECT created FROM mega_ensure_customer('pass:user:94120000-0000-4000-8000-000000000001', user_id => '94120000-0000-4000-8000-000000000002')$$),
    ('by his pass id', $$SELECT mg_pass_id, created FROM mega_ensure_customer('pass:user:94120000-0000-4000-8000-000000000001')$$)) v(what, call);
SELECT mg_shopify_customer_id FROM mega_customers WHERE mg_pass_id = 'pass:shopify:9412';
