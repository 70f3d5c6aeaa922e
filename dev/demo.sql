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
    ref_type => 'generation', ref_id => 'gen_still_001', txn_id => 'still-001');
SELECT * FROM mega_record_credit('pass:shopify:7204411506841', -30, 'video',
    ref_type => 'generation', ref_id => 'gen_video_001', txn_id => 'video-001');

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

DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:video-001';
\set refused :refused ' ' :SQLSTATE

-- The video is ready, and its provider names a URL that is signed and works for a day. Stored today, it is a dead link
-- tomorrow:

\set ECHO none
\set document `cat :'samples'/kling_image2video_task.json`
INSERT INTO webhooks VALUES ('kling', :'document');
\set ECHO queries
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_type, mg_provider, mg_output_url)
SELECT 'generation:gen_video_001', 'pass:shopify:7204411506841', 'motion', 'kling',
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

\set ECHO none
    -- A story whose refusals did not happen is not told to its end.
SELECT :'refused' = 'MG001 MG006 MG005 23514' AS all_refused,
    mg_credits = 160 AS as_told FROM mega_balance('pass:shopify:7204411506841') \gset
\if :all_refused
\else
\warn 'the refusals should be MG001 MG006 MG005 23514, they were' :refused
SELECT 1 / 0;
\endif
\if :as_told
\else
\warn 'the balance should be 160'
SELECT 1 / 0;
\endif
