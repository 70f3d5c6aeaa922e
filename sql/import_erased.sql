-- Moving in again after somebody was erased: nothing of her comes back, by whichever key the legacy tables have her, and what
-- an import had refused of her is gone with her.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, user_id uuid, email text, credits int DEFAULT 0, created_at timestamptz DEFAULT '2025-01-01', updated_at timestamptz);
CREATE TABLE old_shop.credit_transactions (id text, shopify_customer_id text, delta int, reason text, source text, ref_type text, ref_id text, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.sessions (id uuid, shopify_customer_id text, platform text, title text, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.feedback (id text, shopify_customer_id text, session_id uuid, generation_id text, comment text, created_at timestamptz DEFAULT '2025-01-01');
-- Every row of the three tables that has the word in it.
CREATE FUNCTION pg_temp.rows_with(word text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT r.id FROM (SELECT c.mg_pass_id AS id, to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT g.mg_id, to_jsonb(g) FROM mega_generations g UNION ALL SELECT regexp_replace(a.mg_id, '([0-9a-f]{8}-[-0-9a-f]+|[-0-9]{5,})$', '…'), to_jsonb(a) FROM mega_admin a) r
    WHERE strpos(r.row::text, word) > 0 ORDER BY r.id COLLATE "C" $$;
-- 1: by her own pass id; 2: by her user id, her key is another; 3: an e-mail as key; 4: merged into an account; 5: somebody else.
SELECT mg_pass_id FROM mega_ensure_customer(user_id => pg_temp.id(2));
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:account');
INSERT INTO old_shop.customers (shopify_customer_id, user_id, email, credits) VALUES ('7601', pg_temp.id(1), 'secret-1@example.com', 11), ('gid://shopify/Customer/7602', pg_temp.id(2), 'secret-2@example.com', 12), ('secret-3@example.com', NULL, 'secret-3@example.com', 13),
    ('7604', NULL, 'secret-4@example.com', 14), ('7605', NULL, 'other-5@example.com', 15);
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta, reason) VALUES ('a1', '7601', 1, 'gift'), ('a2', '7602', 2, 'gift'), ('a3', 'secret-3@example.com', 3, 'gift'), ('a4', '7604', 4, 'gift'), ('a5', '7605', 5, 'gift'),
    ('z1', '7601', 0, 'secret-z1'), ('z2', '7602', 0, 'secret-z2'), ('z3', 'secret-3@example.com', 0, 'z3'), ('z4', 'gid://shopify/Customer/7604', 0, 'secret-z4'), ('z5', '7605', 0, 'other-z5');
INSERT INTO old_shop.sessions (id, shopify_customer_id, platform, title) SELECT pg_temp.id(20 + n), '760' || n, 'web', CASE n WHEN 5 THEN 'other' ELSE 'secret' END || '-title-' || n FROM unnest('{1,2,4,5}'::int[]) n;
INSERT INTO old_shop.feedback (id, shopify_customer_id, session_id, comment) VALUES ('late', '7602', NULL, 'secret-comment-2'), (E'f\x01', NULL, pg_temp.id(22), 'secret-comment-2'), (E'g\x01', NULL, pg_temp.id(25), 'other-comment-5');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, refused FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_shopify_customer_id, mg_email, mg_credits FROM mega_customers ORDER BY 1;
SELECT mg_credits FROM mega_merge_customers('pass:shopify:7604', 'pass:test:account');
SELECT pg_temp.rows_with('secret');
SELECT mg_pass_id FROM mega_customers WHERE mg_email IN ('secret-1@example.com', 'secret-2@example.com', 'secret-3@example.com') OR mg_pass_id = 'pass:test:account' ORDER BY 1;
SELECT e.mg_pass_id FROM (SELECT mg_pass_id FROM mega_customers WHERE mg_email IN ('secret-1@example.com', 'secret-2@example.com', 'secret-3@example.com') OR mg_pass_id = 'pass:test:account' ORDER BY 1) c, mega_erase_customer(c.mg_pass_id) e;
SELECT pg_temp.rows_with('secret');
SELECT mg_detail FROM mega_admin WHERE mg_action = 'import_refused' ORDER BY mg_detail::text;
SELECT mg_pass_id, mg_credits, mg_meta -> 'mega' -> 'erased_keys' AS erased_keys FROM mega_customers WHERE mg_meta #> '{mega,erased_at}' IS NOT NULL ORDER BY 1;
CREATE TEMP TABLE before AS SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a;
-- again, with rows that came since: nothing of them comes back, in no table
INSERT INTO old_shop.sessions (id, shopify_customer_id, platform, title) SELECT pg_temp.id(30 + n), '760' || n, 'web', 'secret-late-' || n FROM unnest('{1,2,4}'::int[]) n;
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta, reason) VALUES ('b2', 'gid://shopify/Customer/7602', 20, 'secret-gift');
CREATE TABLE old_shop.profiles (user_id text, email text, shopify_customer_id text, created_at timestamptz DEFAULT '2025-01-01');
INSERT INTO old_shop.profiles VALUES (pg_temp.id(1), 'secret-1@example.com', '7601'), (pg_temp.id(8), 'secret-2@example.com', 'gid://shopify/Customer/7602'), (pg_temp.id(2), 'secret-2@example.com', NULL), (pg_temp.id(5), 'other-5@example.com', '7605'), (pg_temp.id(6), 'other-6@example.com', NULL);
-- what would be refused of them is not kept for that: an id that cannot be, one that another's row has, a rule
INSERT INTO old_shop.feedback (id, shopify_customer_id, session_id, comment) VALUES (E'h\x01', '7601', NULL, 'secret-bad-id'), (repeat('i', 600), NULL, pg_temp.id(22), 'secret-bad-id'),
    ('j', '7605', NULL, 'other-j'), ('j', 'secret-3@example.com', NULL, 'secret-taken-id'), (E'k\x01', '7605', NULL, 'other-k');
INSERT INTO old_shop.profiles VALUES ('secret-no-uuid', 'secret-1@example.com', '7601'), (pg_temp.id(5), 'secret-3@example.com', 'secret-3@example.com'), ('no-uuid', 'other-7@example.com', '7605');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, refused FROM pg_temp.counts(:'report');
SELECT pg_temp.rows_with('secret');
SELECT mg_id, mg_actor_pass_id FROM mega_admin WHERE mg_record_type = 'profile' ORDER BY 1;
SELECT mega_parity_report('old_shop') ->> 'verdict' AS verdict;
SELECT count(*) AS changed FROM (SELECT to_jsonb(c) AS row FROM mega_customers c UNION ALL SELECT to_jsonb(g) FROM mega_generations g UNION ALL SELECT to_jsonb(a) FROM mega_admin a EXCEPT SELECT row FROM before) x;
SELECT * FROM mega_reconcile_credits();
DROP SCHEMA old_shop CASCADE;
