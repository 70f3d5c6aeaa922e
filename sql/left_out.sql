-- Sweeps and claims go on where a rule of the application refuses one of many customers: he is left out with a WARNING. In
-- a database of its own.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_left_out TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_left_out
SET client_min_messages = warning;
CREATE EXTENSION mega;
\pset null NULL
\set VERBOSITY default
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:test:' || n FROM generate_series(1, 5) n;
SELECT count(mega_record_credit('pass:test:' || n, 100, 'grant')) FROM generate_series(1, 5) n;
CREATE FUNCTION books() RETURNS TABLE (pass_id text, credits integer, held bigint) LANGUAGE sql AS $$
    SELECT c.mg_pass_id, b.mg_credits, b.held FROM mega_customers c, LATERAL mega_balance(c.mg_pass_id) b ORDER BY 1 $$;

--
-- Holds: 2 breaks a CHECK, and 4 one on the ledger
--
SELECT count(mega_hold_credit('pass:test:' || n, 10, 'h' || n || m, '1 microsecond')) FROM generate_series(1, 5) n, generate_series(1, 2) m;
SELECT mg_credits FROM mega_record_credit('pass:test:2', 15, 'grant');
ALTER TABLE mega_customers ADD CONSTRAINT app_limit CHECK (mg_credits <= 110);
ALTER TABLE mega_generations ADD CONSTRAINT app_rows CHECK (mg_id <> 'credit_transaction:release:h42');
SELECT hold_id, amount FROM mega_release_expired_holds() ORDER BY hold_id;
SELECT hold_id, amount FROM mega_release_expired_holds(1) ORDER BY hold_id;
SELECT * FROM books();
ALTER TABLE mega_customers DROP CONSTRAINT app_limit;
ALTER TABLE mega_generations DROP CONSTRAINT app_rows;
SELECT hold_id, amount FROM mega_release_expired_holds() ORDER BY hold_id;
SELECT * FROM books();

--
-- Ends: 1 and 3 are refused, by a CHECK and by a trigger; others take their places
--
SELECT count(mega_record_credit('pass:test:' || n, n, 'lot', expires_at => clock_timestamp() + interval '300 milliseconds')) FROM generate_series(1, 5) n;
SELECT pg_sleep(0.35);
ALTER TABLE mega_generations ADD CONSTRAINT app_rows CHECK (mg_pass_id <> 'pass:test:1' OR mg_reason <> 'expired');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not he'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (OLD.mg_pass_id = 'pass:test:3') EXECUTE FUNCTION refuse();
SELECT * FROM mega_expire_credits(max_customers => 2);
SELECT * FROM mega_expire_credits();
-- nobody else is there: what refuses him is told as an error
\set VERBOSITY terse
SELECT * FROM mega_expire_credits();
\set VERBOSITY default
ALTER TABLE mega_generations DROP CONSTRAINT app_rows;
DROP TRIGGER refuse ON mega_customers;
SELECT * FROM mega_expire_credits();
SELECT * FROM books();

--
-- Top-ups
--
UPDATE mega_customers SET mg_auto_topup_enabled = true;
ALTER TABLE mega_customers ADD CONSTRAINT app_old CHECK (mg_pass_id NOT IN ('pass:test:2', 'pass:test:5')) NOT VALID;
SELECT mg_pass_id, packs FROM mega_claim_topups(1000, 2) ORDER BY 1;
SELECT mg_pass_id, packs FROM mega_claim_topups(1000) ORDER BY 1;
ALTER TABLE mega_customers DROP CONSTRAINT app_old;
SELECT mg_pass_id, packs FROM mega_claim_topups(1000) ORDER BY 1;

-- who may not read who they are is not told
SELECT count(mega_hold_credit('pass:test:' || n, 10, 'i' || n, '1 microsecond')) FROM generate_series(1, 2) n;
ALTER TABLE mega_customers ADD CONSTRAINT app_old CHECK (mg_pass_id <> 'pass:test:2') NOT VALID;
CREATE ROLE regress_mega_sweeper;
GRANT EXECUTE ON FUNCTION mega_release_expired_holds TO regress_mega_sweeper;
SET ROLE regress_mega_sweeper;
SELECT hold_id FROM mega_release_expired_holds();
RESET ROLE;
ALTER TABLE mega_customers DROP CONSTRAINT app_old;
-- a generation that a rule keeps as it is keeps no credits; a trigger refuses by whatever code it likes
SELECT count(mega_create_generation('pass:test:' || n, 'g' || n)) FROM generate_series(1, 3) n;
SELECT count(mega_hold_credit('pass:test:' || n, 1, 'g' || n, '1 microsecond', generation_id => 'g' || n)) FROM generate_series(1, 3) n;
ALTER TABLE mega_generations ADD CONSTRAINT app_rows CHECK (mg_id <> 'generation:g2' OR mg_status <> 'failed');
CREATE FUNCTION pay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'pay first' USING ERRCODE = 'PT402'; END $$;
CREATE TRIGGER pay BEFORE UPDATE ON mega_customers FOR EACH ROW WHEN (OLD.mg_pass_id = 'pass:test:3') EXECUTE FUNCTION pay();
SELECT hold_id FROM mega_release_expired_holds(fail_generations => true) ORDER BY 1;
DROP TRIGGER pay ON mega_customers;
SELECT hold_id FROM mega_release_expired_holds(fail_generations => true) ORDER BY 1;
SELECT mg_id, mg_status FROM mega_generations WHERE mg_record_type = 'generation' ORDER BY 1;
ALTER TABLE mega_generations DROP CONSTRAINT app_rows;
-- claims: the ones that are refused stand before the others
SELECT count(mega_create_generation('pass:test:1', 'w' || n)) FROM generate_series(1, 4) n;
ALTER TABLE mega_generations ADD CONSTRAINT app_rows CHECK (mg_id NOT IN ('generation:g2', 'generation:w1', 'generation:w3')) NOT VALID;
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker') ORDER BY 1;
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker', 10) ORDER BY 1;
\set VERBOSITY terse
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker', 10);
\set VERBOSITY default
ALTER TABLE mega_generations DROP CONSTRAINT app_rows;
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker', 10) ORDER BY 1;
SELECT mg_generation_id, attempt FROM mega_claim_generations('worker', 10);
-- what refuses everybody is told, however many wait
INSERT INTO mega_customers (mg_pass_id, mg_auto_topup_enabled) SELECT 'pass:test:many-' || n, true FROM generate_series(1, 1100) n;
SELECT count(mega_record_credit('pass:test:many-' || n, 10, 'grant')) FROM generate_series(1, 1100) n;
SELECT count(mega_hold_credit('pass:test:many-' || n, 10, 'many-' || n, '1 microsecond')) FROM generate_series(1, 1100) n;
SELECT count(mega_record_credit('pass:test:many-' || n, 1, 'lot', expires_at => clock_timestamp() + interval '1 second')) FROM generate_series(1, 1100) n;
SELECT pg_sleep(1.1);
\set VERBOSITY terse
ALTER TABLE mega_generations ADD CONSTRAINT app_rows CHECK (mg_reason NOT IN ('release', 'expired')) NOT VALID;
SELECT * FROM mega_release_expired_holds();
SELECT * FROM mega_release_expired_holds(1100);
SELECT * FROM mega_expire_credits(max_customers => 1100);
CREATE TRIGGER pay BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION pay();
SELECT * FROM mega_claim_topups(0, 10);
SELECT * FROM mega_claim_topups(0, 1100);
DROP TRIGGER pay ON mega_customers;
ALTER TABLE mega_generations DROP CONSTRAINT app_rows;
-- a rule against all is not tried on all who wait
INSERT INTO mega_customers (mg_pass_id, mg_auto_topup_enabled) SELECT 'pass:test:most-' || n, true FROM generate_series(1, 12000) n;
CREATE SEQUENCE tries;
CREATE FUNCTION count_and_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'nobody'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION count_and_refuse();
SELECT * FROM mega_claim_topups(0, 20000);
SELECT last_value BETWEEN 10000 AND 21000 AS tried_some FROM tries;
DROP TRIGGER refuse ON mega_customers;
UPDATE mega_customers SET mg_auto_topup_enabled = false WHERE mg_pass_id LIKE 'pass:test:most-%';
-- however many are refused first
ALTER TABLE mega_generations ADD CONSTRAINT app_rows CHECK (mg_pass_id NOT LIKE 'pass:test:many-1%' OR mg_reason NOT IN ('release', 'expired')) NOT VALID;
SET client_min_messages = error;
SELECT * FROM mega_expire_credits(max_customers => 1100);
SELECT count(*) FROM mega_release_expired_holds(1100);
RESET client_min_messages;
ALTER TABLE mega_generations DROP CONSTRAINT app_rows;
SELECT * FROM mega_expire_credits(max_customers => 1100);
SELECT count(*) FROM mega_release_expired_holds(1100);
-- what is not about a row ends the call
SELECT count(mega_hold_credit('pass:test:' || n, 1, 'last' || n, '1 microsecond')) FROM generate_series(1, 2) n;
\set VERBOSITY sqlstate
SET statement_timeout = 100;
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(10); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION slow();
SELECT hold_id FROM mega_release_expired_holds();
RESET statement_timeout;
SELECT * FROM mega_reconcile_credits();
SELECT * FROM mega_reconcile_lots();
\c :home
DROP DATABASE regress_mega_left_out;
DROP ROLE regress_mega_sweeper;
