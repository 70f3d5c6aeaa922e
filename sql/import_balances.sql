-- Moving in: what a balance is made of.
\getenv tests PG_ABS_SRCDIR
\set moving :tests '/sql/shared/moving.psql'
\i :moving
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.customers (shopify_customer_id text, user_id uuid, credits int, created_at timestamptz DEFAULT '2025-01-01');
CREATE TABLE old_shop.credit_transactions (id text, shopify_customer_id text, delta int, reason text, ref_type text, ref_id text, created_at timestamptz DEFAULT '2025-01-01');

-- Credits that legacy does not say take nothing: the balance is that of the rows, and of what came before. Where another of
-- the customer's rows says something, he has that at least.
INSERT INTO old_shop.customers (shopify_customer_id, user_id, credits) VALUES ('101', NULL, 70), ('102', NULL, NULL), ('103', NULL, 40), ('gid://shopify/Customer/103', NULL, NULL), ('104', NULL, 5), ('gid://shopify/Customer/104', NULL, NULL);
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('a1', '101', 50), ('a2', '102', 30), ('a3', '103', 30), ('a4', '104', 5), ('b4', 'gid://shopify/Customer/104', 30), ('a5', '105', -3);
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
SELECT mg_credits FROM mega_record_credit('pass:shopify:101', 7, 'gift', txn_id => 'live-101');
ALTER TABLE old_shop.customers DROP COLUMN credits;
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('c2', '102', -4);
INSERT INTO old_shop.customers (shopify_customer_id) VALUES ('105');
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
ALTER TABLE old_shop.customers ADD COLUMN credits int;
UPDATE old_shop.customers SET credits = 31 WHERE shopify_customer_id = '102';
CALL mega_import('old_shop') \gset
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
SELECT * FROM mega_reconcile_credits();

-- A row that mega has of somebody else under its id is no row of his: it is refused, and takes nothing. One of his own that
-- was written by hand is counted, also when he was merged.
TRUNCATE old_shop.customers, old_shop.credit_transactions;
SELECT created FROM mega_ensure_customer(shopify_customer_id => '209');
SELECT mg_credits FROM mega_record_credit('pass:shopify:209', 30, 'topup', txn_id => 'd1');
SELECT mg_credits FROM mega_record_credit('pass:shopify:209', 777, 'gift', txn_id => 'd2');
SELECT created FROM mega_ensure_customer(shopify_customer_id => '203');
SELECT mg_credits FROM mega_record_credit('pass:shopify:203', 3, 'gift', txn_id => 'd3');
SELECT created FROM mega_ensure_customer(shopify_customer_id => '204');
SELECT mg_credits FROM mega_record_credit('pass:shopify:204', 4, 'gift', txn_id => 'd4');
SELECT created FROM mega_ensure_customer('pass:test:account');
SELECT mg_credits FROM mega_merge_customers('pass:shopify:204', 'pass:test:account');
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('201', 50), ('202', 30), ('203', 13), ('204', 14), ('209', 0);
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta, reason) VALUES ('d1', '202', 30, 'topup'), ('d2', '201', 7, 'topup'), ('d3', '203', 3, 'gift'), ('d4', '204', 4, 'gift'), ('d5', NULL, 1, 'gift');
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');
CALL mega_import('old_shop') \gset
SELECT * FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id ~ ':2' OR mg_pass_id = 'pass:test:account' ORDER BY 1;
SELECT mg_detail ->> 'id' AS id, mg_detail ->> 'reason' AS reason FROM mega_admin_audits(action => 'import_refused') ORDER BY 1;
SELECT mega_parity_report('old_shop') -> 'credits' AS credits;

-- Nor is one that legacy took from a customer who was erased since.
TRUNCATE old_shop.customers, old_shop.credit_transactions;
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('306', 13), ('308', 50);
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta, reason) VALUES ('e1', '308', 23, 'topup');
CALL mega_import('old_shop') \gset
UPDATE old_shop.credit_transactions SET shopify_customer_id = '306';
SELECT mg_pass_id FROM mega_erase_customer('pass:shopify:308');
UPDATE old_shop.customers SET credits = 14 WHERE shopify_customer_id = '306';
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, refused FROM pg_temp.counts(:'report');
SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_pass_id ~ ':30' ORDER BY 1;
SELECT mega_parity_report('old_shop') -> 'credits' AS credits;

-- Who was erased and is a customer again has what legacy says, less what came for her before; by whichever pass id she was known.
TRUNCATE old_shop.customers, old_shop.credit_transactions;
SELECT created FROM mega_ensure_customer('pass:test:first', shopify_customer_id => '402');
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('401', 6), ('402', 6);
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('f1', '401', 6), ('f2', 'gid://shopify/Customer/402', 6);
CALL mega_import('old_shop') \gset
SELECT mg_pass_id FROM mega_erase_customer('pass:shopify:401');
SELECT mg_pass_id FROM mega_erase_customer('pass:test:first');
INSERT INTO old_shop.credit_transactions (id, shopify_customer_id, delta) VALUES ('g1', '401', 10), ('g2', '402', 10);
UPDATE old_shop.customers SET credits = 16;
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, refused FROM pg_temp.counts(:'report');
SELECT created FROM mega_ensure_customer(shopify_customer_id => '401');
SELECT created FROM mega_ensure_customer(shopify_customer_id => '402');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, changed, refused FROM pg_temp.counts(:'report');
SELECT mg_shopify_customer_id, mg_credits FROM mega_customers WHERE mg_shopify_customer_id ~ '^40' ORDER BY 1;
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;

-- A row that is refused keeps no reference: the first that comes in does, and the webhook that comes again is a replay.
TRUNCATE old_shop.customers, old_shop.credit_transactions;
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('501', 60);
INSERT INTO old_shop.credit_transactions VALUES ('h0', '501', 0, 'topup', 'order', '1', '2025-01-01'), ('h1', '501', 10, 'topup', 'order', '1', '2025-01-02'), ('i0', '501', NULL, 'topup', 'order', '2', '2025-01-01'), ('i1', '501', 10, 'topup', 'order', '2', '2025-01-02'),
    (E'j\n0', '501', 10, 'topup', 'order', '3', '2025-01-01'), ('j1', '501', 10, 'topup', 'order', '3', '2025-01-02'), ('k0', E'\x01', 10, 'topup', 'order', '4', '2025-01-01'), ('k1', '501', 10, 'topup', 'order', '4', '2025-01-02'),
    ('hold:l0', '501', 10, 'topup', 'order', '5', '2025-01-01'), ('l1', '501', 10, 'topup', 'order', '5', '2025-01-02'), ('d1', '501', 10, 'topup', 'order', '6', '2025-01-01'), ('m1', '501', 10, 'topup', 'order', '6', '2025-01-02'), ('m2', '501', 10, 'topup', 'order', '6', '2025-01-03');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, mended, refused FROM pg_temp.counts(:'report');
SELECT n AS ref_id, r.mg_id, r.replayed FROM generate_series(1, 6) n, LATERAL mega_record_credit('pass:shopify:501', 10, 'topup', ref_type => 'order', ref_id => n::text) r ORDER BY n;
SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:501';

-- Nor is a row of a customer who was erased, which does not come in.
TRUNCATE old_shop.customers, old_shop.credit_transactions;
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '551');
SELECT mg_pass_id FROM mega_erase_customer('pass:shopify:551');
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('551', 10), ('552', 10);
INSERT INTO old_shop.credit_transactions VALUES ('e1', '551', 10, 'topup', 'order', '21', '2025-01-01'), ('e2', '552', 10, 'topup', 'order', '21', '2025-01-02');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, mended, refused FROM pg_temp.counts(:'report');
SELECT mg_id, mg_credits, replayed FROM mega_record_credit('pass:shopify:552', 10, 'topup', ref_type => 'order', ref_id => '21');

-- Times that are texts come in the order of what they mean. One that is none is refused, and stops no comparison; counts know
-- the days of those that ISO 8601 would have.
TRUNCATE old_shop.customers, old_shop.credit_transactions;
ALTER TABLE old_shop.credit_transactions ALTER COLUMN created_at TYPE text;
INSERT INTO old_shop.customers (shopify_customer_id, credits) VALUES ('601', 31), ('602', 0);
INSERT INTO old_shop.credit_transactions VALUES ('n1', '601', 10, 'topup', 'order', '11', '2025-01-05T09:00:00+00:00'), ('n0', '601', 10, 'topup', 'order', '11', '2025-01-05T10:00:00+05:00'), ('o1', '601', 10, 'topup', 'order', '12', '2025-01-31 23:00:00.5'), ('o0', '601', 10, 'topup', 'order', '12', '2025-02-01 00:00+0230'),
    ('p1', '601', 1, 'gift', NULL, NULL, '03/04/2025 10:00'), ('p2', '602', 1, 'gift', NULL, NULL, 'n/a'), ('p3', '602', 1, 'gift', NULL, NULL, '2025-02-30'), ('p4', '602', 1, 'gift', NULL, NULL, '2025-02-28');
CALL mega_import('old_shop') \gset
SELECT name, read, written, there, mended, refused FROM pg_temp.counts(:'report');
SELECT mg_id, mg_ref_id, mg_created_at FROM mega_generations WHERE mg_id ~ '^credit_transaction:[nop][0-9]' ORDER BY 1;
SELECT * FROM mega_parity_counts('old_shop') WHERE record_type = 'credit_transaction';
SELECT * FROM mega_parity_sample('old_shop');
SELECT r -> 'credits' AS credits, r ->> 'verdict' AS verdict FROM mega_parity_report('old_shop') r;
SELECT * FROM mega_reconcile_credits();
DROP SCHEMA old_shop CASCADE;
