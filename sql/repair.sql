-- What was damaged behind the triggers' back is set right from the ledger by one call; and rows dated ahead, which would
-- damage what comes after them, are refused. In a database of its own.
\pset null NULL
\set SHOW_CONTEXT never
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_repair TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_repair
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION mega;
SELECT count(*) FROM unnest(ARRAY['a', 'b', 'c', 'd']) n, mega_ensure_customer('pass:test:' || n);
SELECT mg_credits FROM unnest(ARRAY['a', 'b', 'c', 'd']) n, mega_record_credit('pass:test:' || n, 100, 'seed', txn_id => 'seed-' || n);
SELECT count(*) FROM mega_record_mma_event('pass:test:a', 'like', '{"tag": "x"}', event_id => 'a1', created_at => '2026-01-01') a, mega_record_mma_event('pass:test:b', 'dislike', '{"hard_block": "y"}', event_id => 'b1', created_at => '2026-01-01') b;
-- A balance, a snapshot, both, and one of a key that is the application's.
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_credits = 999 WHERE mg_pass_id = 'pass:test:a';
UPDATE mega_customers SET mg_credits = -2147483648, mg_mma_preferences = '{"tag_weights": {"x": 9}, "mine": 1}' WHERE mg_pass_id = 'pass:test:b';
UPDATE mega_customers SET mg_mma_preferences = '{"hard_blocks": ["q"]}' WHERE mg_pass_id = 'pass:test:c';
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT * FROM mega_reconcile_credits();
-- an UPDATE does not mend it
UPDATE mega_customers SET mg_credits = 100 WHERE mg_pass_id = 'pass:test:a';
SELECT * FROM mega_open_books(dry_run => true, trust => 'ledger');
SELECT count(*) FROM mega_reconcile_credits();
SELECT * FROM mega_open_books(trust => 'ledger');
SELECT * FROM mega_reconcile_credits();
SELECT * FROM mega_reconcile_preferences();
SELECT mg_pass_id, mg_credits, mg_mma_preferences - 'updated_at' - 'positions' AS snapshot FROM mega_customers ORDER BY 1;
SELECT count(*) AS no_new_rows FROM mega_generations WHERE mg_id LIKE '%:opening:%';
-- who was set, from what to what, and by whom
SELECT mg_id ~ '^admin_audit:[0-9a-f-]{36}$' AS id, mg_actor_pass_id, mg_action, mg_detail - 'role' AS detail, mg_detail ->> 'role' = session_user AS role FROM mega_admin ORDER BY mg_actor_pass_id;
SELECT * FROM mega_open_books(trust => 'ledger');
SELECT count(*) FROM mega_admin;
-- the books of who was erased, and of who was merged into another one, are theirs
SELECT count(*) FROM unnest(ARRAY['erased', 'source', 'target']) n, mega_ensure_customer('pass:test:' || n);
SELECT mg_credits FROM mega_record_credit('pass:test:erased', 40, 'seed', txn_id => 'seed-erased', expires_at => now() + interval '1 day');
SELECT count(*) FROM mega_record_mma_event('pass:test:erased', 'like', '{"tag": "x"}', event_id => 'erased1', created_at => '2026-01-01') e, mega_record_mma_event('pass:test:target', 'like', '{"tag": "x"}', event_id => 'target1', created_at => '2026-01-01') t;
SELECT mg_credits FROM mega_record_credit('pass:test:target', 50, 'seed', txn_id => 'seed-target', expires_at => now() + interval '1 day');
SELECT mg_credits, moved_rows FROM mega_merge_customers('pass:test:source', 'pass:test:target');
SELECT mg_pass_id FROM mega_erase_customer('pass:test:erased');
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_credits = 7, mg_mma_preferences = '{"tag_weights": {"x": 9}}', mg_meta = mg_meta #- '{mega,lots}' WHERE mg_pass_id IN ('pass:test:erased', 'pass:test:source');
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT * FROM mega_open_books(dry_run => true);
SELECT * FROM mega_open_books();
SELECT mg_pass_id, kind, before, CASE kind WHEN 'lots' THEN left(after, 20) ELSE after END AS after FROM mega_open_books(trust => 'ledger');
SELECT (SELECT count(*) FROM mega_reconcile_credits()) AS credits, (SELECT count(*) FROM mega_reconcile_preferences()) AS preferences, (SELECT count(*) FROM mega_reconcile_lots()) AS lots;
SELECT mg_pass_id, mg_credits, mg_mma_preferences -> 'tag_weights' AS weights, mg_meta ? 'mega' AS noted FROM mega_customers WHERE mg_pass_id ~ '(erased|source|target)$' ORDER BY 1;
SELECT mg_actor_pass_id, mg_action, jsonb_object_keys(mg_detail) AS said FROM mega_admin WHERE mg_actor_pass_id ~ '(erased|source|target)$' AND mg_action = 'open_books' ORDER BY 1, 3;
-- the other way round it is what it was
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_credits = 7 WHERE mg_pass_id = 'pass:test:d';
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT * FROM mega_open_books(true, 'stored');
-- lots that nothing reads as lots are not those of the rows, also where the rows have none
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_meta = jsonb_set(mg_meta, '{mega,lots,0,1}', '40.0') WHERE mg_pass_id = 'pass:test:erased';
UPDATE mega_customers SET mg_meta = '{"mine": 1, "mega": {"lots": "junk"}}' WHERE mg_pass_id = 'pass:test:c';
UPDATE mega_customers SET mg_meta = '{"mega": {"lots": [["seed-b", 5]]}}' WHERE mg_pass_id = 'pass:test:b';
ALTER TABLE mega_customers ENABLE TRIGGER USER;
SELECT mg_pass_id, left(stored #>> '{}', 19) AS stored, left(folded::text, 19) AS folded FROM mega_reconcile_lots();
SELECT mg_pass_id, kind, left(before, 24) AS before, left(after, 19) AS after FROM mega_open_books(trust => 'ledger');
SELECT * FROM mega_reconcile_lots();
SELECT mg_pass_id, mg_meta #- '{mega,erased_at}' #- '{mega,lots,0,2}' AS meta FROM mega_customers WHERE mg_pass_id ~ ':(b|c|erased)$' ORDER BY 1;
-- a ledger that says more than a balance can be stops no other
ALTER TABLE mega_generations DISABLE TRIGGER USER;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta) SELECT 'credit_transaction:much' || n, 'credit_transaction', 'pass:test:c', 2147483647 FROM generate_series(1, 2) n;
ALTER TABLE mega_generations ENABLE TRIGGER USER;
SELECT * FROM mega_open_books(trust => 'ledger');
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
\set VERBOSITY sqlstate
SELECT mega_open_books(trust => 'both');
SELECT mega_open_books(trust => NULL);
SELECT mega_open_books(dry_run => NULL);
CREATE ROLE regress_mega_repair;
GRANT EXECUTE ON FUNCTION mega_open_books(boolean, text) TO regress_mega_repair;
SET ROLE regress_mega_repair;
SELECT mega_open_books(true, 'ledger');
RESET ROLE;
\set VERBOSITY default

--
-- A credit row or an event is dated at most five minutes ahead; other records are not facts of the books.
--
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES ('mma_event:ahead', 'pass:test:a', now() + interval '1 year', '{"event_type": "preference_set", "payload": {"hard_block": "z", "tag_weights": {"x": 3}}}');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_delta) VALUES ('credit_transaction:ahead', 'pass:test:a', clock_timestamp() + interval '301 seconds', 5);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_delta) VALUES ('credit_transaction:near', 'pass:test:a', clock_timestamp() + interval '290 seconds', 5);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at) VALUES ('session:ahead', 'pass:test:a', '2100-01-01'), ('feedback:ahead', 'pass:test:a', '2100-01-01');
SELECT preferences -> 'hard_blocks' AS blocks, preferences -> 'tag_weights' AS weights FROM mega_record_mma_event('pass:test:a', 'preference_set', '{"remove_hard_blocks": ["z"], "tag_weights": {"x": 9}}');
-- a trigger of one's own that dates it behind mega's
CREATE FUNCTION pg_temp.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.mg_created_at := '2100-01-01'; RETURN NEW; END $$;
CREATE TRIGGER z BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION pg_temp.later();
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:dated', 'pass:test:a', 5);
SELECT mega_record_credit('pass:test:a', 5, 'dated');
DROP TRIGGER z ON mega_generations;
-- a restore brings what was right where it comes from: data alone, the triggers at work
SET row_security = off; SET xmloption = content; SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_delta) VALUES ('credit_transaction:restored', 'pass:test:a', '2100-01-01', 1);
RESET row_security; RESET xmloption; RESET statement_timeout; RESET lock_timeout; RESET idle_in_transaction_session_timeout;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_delta) VALUES ('credit_transaction:again', 'pass:test:a', '2100-01-01', 1);
-- and so does a subscription, whatever fires there
ALTER TABLE mega_generations ENABLE ALWAYS TRIGGER mega_generations_check;
SET session_replication_role = replica;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_created_at, mg_delta) VALUES ('credit_transaction:replicated', 'credit_transaction', 'pass:test:a', '2100-01-01', 1);
RESET session_replication_role;
-- stored rows that lie ahead change as others do, and the books of such a customer can be opened
UPDATE mega_generations SET mg_error = 'seen' WHERE mg_id = 'credit_transaction:replicated';
SELECT mg_pass_id, kind, after FROM mega_open_books(trust => 'ledger') WHERE kind <> 'customer';
SELECT mg_credits, mg_credits = (SELECT sum(mg_delta) FROM mega_generations WHERE mg_pass_id = 'pass:test:a') AS agrees FROM mega_customers WHERE mg_pass_id = 'pass:test:a';
-- lots that were noted with the triggers off are told of, and made anew
SELECT mg_credits FROM mega_record_credit('pass:test:a', 5, 'lot', expires_at => '2100-01-01');
BEGIN;
ALTER TABLE mega_customers DISABLE TRIGGER USER;
UPDATE mega_customers SET mg_meta = jsonb_set(mg_meta, '{mega,lots}', '[]') WHERE mg_pass_id = 'pass:test:a';
ALTER TABLE mega_customers ENABLE TRIGGER USER;
COMMIT;
SELECT object, rule, offenders, example, action FROM mega_validate() WHERE object = 'mega_customers.mg_meta';
SELECT mg_pass_id, kind FROM mega_open_books(trust => 'ledger') WHERE kind <> 'customer';
SELECT object, offenders FROM mega_validate() WHERE object = 'mega_customers.mg_meta';
\c :home
DROP DATABASE regress_mega_repair;
DROP ROLE regress_mega_repair;
