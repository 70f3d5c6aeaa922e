-- The examples of docs/credits.md: each block there is copied from what this prints. In a database of its own, because
-- sweeps and lists look at every customer.
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_docs_credits TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_credits
SET client_min_messages = warning;
SET lc_messages = 'C';
SET datestyle = 'ISO';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION mega;
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '8801', email => 'leila@example.com');
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '8802', email => 'omar@example.com');

-- Credits come in
SELECT * FROM mega_record_credit('pass:shopify:8801', 20, 'welcome', txn_id => 'welcome-8801');
SELECT * FROM mega_record_credit('pass:shopify:8801', 20, 'welcome', txn_id => 'welcome-8801');
SELECT * FROM mega_record_credit('pass:shopify:8801', 25, 'welcome', txn_id => 'welcome-8801');
SELECT mg_credits, replayed
FROM mega_record_topup('pass:shopify:8801', packs => 2, ref_type => 'shopify_order', ref_id => '5987214360921');
UPDATE mega_customers SET mg_auto_topup_enabled = true, mg_auto_topup_monthly_limit_packs = 4
WHERE mg_pass_id = 'pass:shopify:8802';
SELECT * FROM mega_topup_due(threshold => 10);
SELECT mg_credits FROM mega_record_topup('pass:shopify:8802', 3, ref_type => 'shopify_order', ref_id => '5987214361001', automatic => true);
SELECT mg_credits FROM mega_record_topup('pass:shopify:8802', 3, ref_type => 'shopify_order', ref_id => '5987214361002', automatic => true);
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '8803');
UPDATE mega_customers SET mg_auto_topup_enabled = true WHERE mg_pass_id = 'pass:shopify:8803';
SELECT mg_pass_id, packs, topup_id FROM mega_claim_topups() \gset
SELECT count(*) FROM mega_claim_topups();
SELECT mg_credits, replayed FROM mega_record_topup(:'mg_pass_id', ref_type => 'shopify_order', ref_id => '5987214361009', topup_id => :'topup_id');
SELECT * FROM mega_record_credits('[
    {"pass_id": "pass:shopify:8801", "delta": 5, "reason": "spring_gift", "txn_id": "spring-8801"},
    {"pass_id": "pass:shopify:8802", "delta": 5, "reason": "spring_gift", "txn_id": "spring-8802"}]');

-- Credits are spent
SELECT mg_credits FROM mega_record_credit('pass:shopify:8801', -3, 'upscale', ref_type => 'generation', ref_id => 'gen_1');
SELECT * FROM mega_hold_credit('pass:shopify:8801', 10, 'gen_2', expires_in => '30 minutes');
SELECT * FROM mega_balance('pass:shopify:8801');
SELECT * FROM mega_capture_credit('gen_2', 8);
SELECT * FROM mega_hold_credit('pass:shopify:8801', 500, 'gen_3');
SELECT mg_credits FROM mega_hold_credit('pass:shopify:8801', 10, 'gen_4');
SELECT * FROM mega_release_credit('gen_4', reason => 'provider_failed');
SELECT * FROM mega_release_credit('gen_4');
SELECT * FROM mega_capture_credit('gen_4');
SELECT mg_credits FROM mega_hold_credit('pass:shopify:8801', 10, 'gen_5', expires_in => '1 millisecond');
SELECT pg_sleep(0.01);
SELECT * FROM mega_release_expired_holds();

-- Credits go back, or to somebody else
SELECT mg_credits, replayed FROM mega_refund_credit('hold:gen_2', 'ticket-4711', 5, reason => 'bad_hands');
SELECT mg_credits, replayed FROM mega_refund_credit('hold:gen_2', 'ticket-4712', 5);
SELECT * FROM mega_transfer_credit('pass:shopify:8801', 'pass:shopify:8802', 30, 'gift-77');

-- Credits expire
SELECT mg_pass_id FROM mega_ensure_customer(shopify_customer_id => '8804');
SELECT mg_credits FROM mega_record_credit('pass:shopify:8804', 500, 'pack', txn_id => 'pack-31');
SELECT mg_credits FROM mega_record_credit('pass:shopify:8804', 300, 'subscription', txn_id => 'jan-8804', expires_at => '2099-02-01');
SELECT mg_credits FROM mega_record_credit('pass:shopify:8804', 20, 'trial', txn_id => 'trial-8804', expires_at => clock_timestamp() + interval '1 second');
SELECT mg_id, granted, remaining FROM mega_credit_lots('pass:shopify:8804');
SELECT mg_credits FROM mega_hold_credit('pass:shopify:8804', 30, 'gen_31');
SELECT pg_sleep(1.01);
SELECT * FROM mega_release_credit('gen_31');
SELECT mg_credits FROM mega_record_credit('pass:shopify:8804', -100, 'video', txn_id => 'video-32');
SELECT mg_credits FROM mega_refund_credit('video-32', 'video-32-late', 40);
SELECT regexp_replace(mg_id, 'expire:.*', 'expire:…') AS mg_id, mg_delta, mg_meta #> '{mega,lots}' AS lots, balance_after FROM mega_credit_statement('pass:shopify:8804');
SELECT * FROM mega_balance('pass:shopify:8804');
SELECT mg_id, mg_credits FROM mega_make_lot('pass:shopify:8804', 'gift-8804', 50, '2099-12-31');
SELECT mg_id, granted, remaining, ends FROM mega_credit_lots('pass:shopify:8804');
SELECT * FROM mega_reconcile_lots();
UPDATE mega_customers SET mg_expires_at = '2025-06-30' WHERE mg_pass_id = 'pass:shopify:8802';
SELECT * FROM mega_balance('pass:shopify:8802');
SELECT * FROM mega_expire_credits();
SELECT * FROM mega_balance('pass:shopify:8802');

-- What has happened
SELECT mg_id, mg_delta, mg_reason, balance_after FROM mega_credit_statement('pass:shopify:8801', page_size => 5);
SELECT * FROM mega_usage('pass:shopify:8801', since => '2020-01-01', until => '2100-01-01', by => 'reason');
SELECT mega_balance_at('pass:shopify:8801', '2025-01-01');
SELECT * FROM mega_reconcile_credits();

-- Disputes and chargebacks
SELECT mg_credits FROM mega_record_topup('pass:shopify:8802', 2, ref_type => 'shopify_order', ref_id => '5987214361003');
SELECT * FROM mega_revoke_credit('shop-refund-1', ref_type => 'shopify_order', ref_id => '5987214361003', amount => 20, reason => 'order_refunded');
SELECT * FROM mega_revoke_credit('shop-refund-2', ref_type => 'shopify_order', ref_id => '5987214361003', amount => 20, reason => 'order_refunded');
SELECT * FROM mega_revoke_credit('shop-refund-3', ref_type => 'shopify_order', ref_id => '5987214361003', amount => 70, reason => 'order_refunded');
SELECT mg_credits FROM mega_record_topup('pass:shopify:8802', 1, ref_type => 'shopify_order', ref_id => '5987214361004');
SELECT mg_credits, revoked FROM mega_revoke_credit('evt-902', ref_type => 'shopify_order', ref_id => '5987214361004', up_to => 20);
SELECT mg_credits, revoked FROM mega_revoke_credit('evt-901', ref_type => 'shopify_order', ref_id => '5987214361004', up_to => 10);
SELECT mg_credits FROM mega_record_credit('pass:shopify:8802', -85, 'video', ref_type => 'generation', ref_id => 'gen_9');
SELECT * FROM mega_revoke_credit('dispute-1', ref_type => 'shopify_order', ref_id => '5987214361003', reason => 'chargeback');
SELECT mg_credits, revoked FROM mega_revoke_credit('dispute-1', ref_type => 'shopify_order', ref_id => '5987214361003', reason => 'chargeback',
    allow_negative => true);
SELECT * FROM mega_refund_credit('revoke:dispute-1', 'dispute-1-won', reason => 'chargeback_won');
SELECT * FROM mega_reconcile_credits();

\c :"home"
DROP DATABASE regress_mega_docs_credits;
