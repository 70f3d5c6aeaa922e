-- Adopted tables whose columns have collations of their own: pending holds, lists and joins go by the bytes of an id,
-- and a comparison of two columns that differ in it is none that Postgres cannot decide. In a database of its own.
\pset null NULL
\set SHOW_CONTEXT never
SELECT current_database() AS home \gset
-- one in which words are in another order than their bytes, where the server has such
SELECT coalesce((SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
    WHERE c.collencoding IN (-1, 6) AND (c.collprovider = 'i' AND c.collname = 'und-x-icu' OR c.collprovider = 'c' AND c.collname ~ '^(en|de|fr)_.*utf-?8$')
    ORDER BY c.collprovider DESC, c.collname LIMIT 1), 'pg_catalog."POSIX"') AS linguistic \gset
CREATE DATABASE regress_mega_collations TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_collations
SET client_min_messages = warning;
SET timezone = 'UTC';
-- What every function says, and whether the books agree behind it.
CREATE FUNCTION calls(prefix text) RETURNS TABLE (call text, ended text) LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    FOREACH call IN ARRAY ARRAY[
        $f$SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:%1$s')$f$, $f$SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:%1$sb', shopify_customer_id => '%1$s')$f$,
        $f$SELECT mg_credits FROM mega_record_credit('pass:test:%1$s', 50, 'grant', ref_type => 'order', ref_id => '%1$s')$f$,
        $f$SELECT replayed FROM mega_record_credit('pass:test:%1$s', 50, 'grant', ref_type => 'order', ref_id => '%1$s')$f$,
        $f$SELECT written FROM mega_record_credits('[{"pass_id": "pass:test:%1$s", "delta": 1, "reason": "b", "txn_id": "%1$s-a"}, {"pass_id": "pass:test:%1$sb", "delta": 1, "reason": "b", "txn_id": "%1$s-B"}]')$f$,
        $f$SELECT mg_credits FROM mega_hold_credit('pass:test:%1$s', 5, '%1$s-A')$f$, $f$SELECT mg_credits FROM mega_hold_credit('pass:test:%1$s', 6, '%1$s-b')$f$, $f$SELECT mg_credits FROM mega_hold_credit('pass:test:%1$s', 7, '%1$s-é')$f$,
        $f$SELECT mg_credits, held FROM mega_balance('pass:test:%1$s')$f$,
        $f$SELECT mg_credits FROM mega_capture_credit('%1$s-A', 3)$f$, $f$SELECT mg_credits FROM mega_release_credit('%1$s-b')$f$,
        $f$SELECT mg_credits FROM mega_refund_credit('hold:%1$s-A', '%1$s', 1)$f$,
        $f$SELECT from_credits, to_credits FROM mega_transfer_credit('pass:test:%1$s', 'pass:test:%1$sb', 1, '%1$s')$f$,
        $f$SELECT mg_credits FROM mega_hold_credit('pass:test:%1$s', 2, '%1$s-due', '1 microsecond')$f$, $f$SELECT hold_id, amount FROM mega_release_expired_holds()$f$,
        $f$SELECT mg_credits, held FROM mega_balance('pass:test:%1$s')$f$,
        $f$SELECT * FROM mega_expire_credits()$f$, $f$SELECT count(*) FROM mega_topup_due(1000)$f$, $f$SELECT mg_credits FROM mega_record_topup('pass:test:%1$s', 1)$f$,
        $f$SELECT created FROM mega_start_session('pass:test:%1$s', '%1$s')$f$, $f$SELECT created FROM mega_create_generation('pass:test:%1$s', '%1$s', session_id => '%1$s')$f$,
        $f$SELECT mg_step_no FROM mega_append_mma_step('%1$s', 'scan')$f$, $f$SELECT mg_mma_status FROM mega_complete_generation('%1$s', 'https://cdn.example.com/%1$s.png')$f$,
        $f$SELECT mg_id FROM mega_record_mma_event('pass:test:%1$s', 'like', '{"tag": "x"}', '%1$s', event_id => '%1$s-1')$f$,
        $f$SELECT mg_id FROM mega_record_mma_event('pass:test:%1$s', 'preference_set', '{"tag_weights": {"x": 3}}', event_id => '%1$s-2', created_at => now() - interval '1 day')$f$,
        $f$SELECT count(*) FROM mega_generation_steps('%1$s')$f$, $f$SELECT count(*) FROM mega_generation_history('pass:test:%1$s')$f$, $f$SELECT count(*), max(mg_output_url) FROM mega_likes('pass:test:%1$s')$f$,
        $f$SELECT count(*) FROM mega_mma_events('pass:test:%1$s')$f$, $f$SELECT count(*) FROM mega_credit_statement('pass:test:%1$s')$f$, $f$SELECT mega_balance_at('pass:test:%1$s', now()) IS NOT NULL$f$,
        $f$SELECT mg_id FROM mega_record_admin_audit('looked', 'pass:test:%1$s', audit_id => '%1$s')$f$, $f$SELECT count(*) FROM mega_admin_audits(actor_pass_id => 'pass:test:%1$s')$f$,
        $f$SELECT created FROM mega_touch_admin_session('%1$s')$f$, $f$SELECT mega_end_admin_session('%1$s')$f$, $f$SELECT created FROM mega_link_profile(md5('%1$s')::uuid, pass_id => 'pass:test:%1$s')$f$,
        $f$SELECT version FROM mega_set_app_config('%1$s', '1')$f$, $f$SELECT count(*) FROM mega_app_config_versions('%1$s')$f$,
        $f$SELECT mg_credits > 0 FROM mega_record_credit('pass:test:%1$s', 5, 'lot', expires_at => now() + interval '1 day')$f$, $f$SELECT mg_credits > 0 FROM mega_make_lot('pass:test:%1$sb', '%1$s-lot', 1, now() + interval '1 day')$f$,
        $f$SELECT revoked FROM mega_revoke_credit('%1$s-rv', '%1$s-a')$f$, $f$SELECT count(*) FROM mega_credit_lots('pass:test:%1$s')$f$, $f$SELECT * FROM mega_reconcile_lots()$f$,
        $f$SELECT count(*) FROM mega_usage('pass:test:%1$s', now() - interval '1 day', by => 'model')$f$, $f$SELECT count(*) FROM mega_claim_topups(1000)$f$, $f$SELECT count(*) FROM mega_claim_generations('w')$f$,
        $f$SELECT mg_pass_id FROM mega_update_customer('pass:test:%1$s', '{"email": "%1$s@example.com", "first_name": "Ann%1$s"}')$f$,
        $f$SELECT count(*) FROM mega_find_customers('pass:test:%1$s')$f$, $f$SELECT count(*) FROM mega_find_customers('%1$s@EX')$f$, $f$SELECT count(*) FROM mega_find_customers('ann%1$s')$f$,
        $f$SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:%1$sm')$f$, $f$SELECT mg_pass_id, created FROM mega_ensure_customer('pass:test:%1$se')$f$, $f$SELECT mg_pass_id FROM mega_merge_customers('pass:test:%1$sm', 'pass:test:%1$sb')$f$, $f$SELECT mg_pass_id FROM mega_erase_customer('pass:test:%1$se')$f$,
        $f$SELECT count(*) FROM mega_validate()$f$, $f$SELECT count(*) FROM mega_open_books(true)$f$, $f$SELECT count(*) FROM mega_open_books(true, 'ledger')$f$,
        $f$SELECT * FROM mega_reconcile_credits()$f$, $f$SELECT * FROM mega_reconcile_credits('pass:test:%1$s')$f$, $f$SELECT * FROM mega_reconcile_preferences()$f$] LOOP
        call := format(call, prefix);
        BEGIN
            EXECUTE 'SELECT t::text FROM (' || call || ') t' INTO ended;
        EXCEPTION WHEN OTHERS THEN
            ended := SQLSTATE || ' ' || SQLERRM;
        END;
        call := substr(call, strpos(call, 'mega_'));
        RETURN NEXT;
    END LOOP;
END $$;
-- raw rows, of two customers, each in a statement
CREATE FUNCTION raw(prefix text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:r-' || prefix, 'pass:test:' || prefix, 1), ('credit_transaction:R-' || prefix, 'pass:test:' || prefix || 'b', 2);
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:r-' || prefix, 'pass:test:' || prefix, '{"event_type": "like", "payload": {"tag": "y"}}');
    INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_status) SELECT 'credit_transaction:hold:r-' || prefix, 'credit_transaction', 'pass:test:' || prefix, -1, 'pending';
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

--
-- Every id in the collation of the application.
--
CREATE TABLE mega_customers (mg_pass_id text COLLATE :linguistic PRIMARY KEY, mg_shopify_customer_id text COLLATE :linguistic, mg_credits integer DEFAULT 0);
CREATE TABLE mega_generations (mg_id text COLLATE :linguistic PRIMARY KEY, mg_record_type text COLLATE :linguistic, mg_pass_id text COLLATE :linguistic REFERENCES mega_customers, mg_session_id text COLLATE :linguistic,
    mg_generation_id text COLLATE :linguistic, mg_parent_id text COLLATE :linguistic, mg_delta integer, mg_reason text COLLATE :linguistic, mg_ref_type text COLLATE :linguistic, mg_ref_id text COLLATE :linguistic, mg_status text COLLATE :linguistic, mg_created_at timestamptz);
CREATE EXTENSION mega;
SELECT * FROM calls('a');
SELECT raw('a');
SELECT mg_credits, held FROM mega_balance('pass:test:a');

--
-- Some in that of the application, those that mega added in its own.
--
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
DROP TABLE mega_generations, mega_customers, mega_admin;
CREATE TABLE mega_customers (mg_pass_id text COLLATE "POSIX" PRIMARY KEY, mg_credits integer DEFAULT 0);
CREATE EXTENSION mega;
SELECT * FROM calls('a');
SELECT raw('a');
SELECT mg_credits, held FROM mega_balance('pass:test:a');
SET client_min_messages = error;
DROP EXTENSION mega CASCADE;
SET client_min_messages = warning;
DROP TABLE mega_generations, mega_customers, mega_admin;
CREATE TABLE mega_generations (mg_id text COLLATE "POSIX" PRIMARY KEY, mg_record_type text, mg_pass_id text COLLATE "POSIX");
CREATE TABLE mega_admin (mg_id text COLLATE "POSIX" PRIMARY KEY, mg_record_type text COLLATE "POSIX", mg_actor_pass_id text COLLATE "POSIX");
CREATE EXTENSION mega;
SELECT * FROM calls('a');
SELECT raw('a');
SELECT mg_credits, held FROM mega_balance('pass:test:a');
-- names whose collations differ
DROP EXTENSION mega CASCADE;
ALTER TABLE mega_customers ALTER COLUMN mg_display_name TYPE text COLLATE "POSIX", ALTER COLUMN mg_first_name TYPE text COLLATE "C";
DROP INDEX mega_customers_names;
CREATE EXTENSION mega;
SELECT changed FROM mega_update_customer('pass:test:a', '{"display_name": "Leila", "first_name": "Layla"}');
SELECT mg_pass_id FROM mega_find_customers('layla');
SELECT * FROM mega_install();

\c :home
DROP DATABASE regress_mega_collations;
