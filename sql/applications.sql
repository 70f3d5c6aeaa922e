-- Settings for applications as they are: words beyond the spec's, any pass ids, steps without input, DELETE, overdrafts.
-- In a database of its own, because some rows stay as strict ones would not be.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
CREATE DATABASE regress_mega_applications TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_applications
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SET datestyle = 'ISO';
-- no statistics come meanwhile: rows are deleted in the order in which they stand
ALTER TABLE mega_generations SET (autovacuum_enabled = off);
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:app:1'), ('pass:app:2');
CREATE FUNCTION pg_temp.credits(who text DEFAULT 'pass:app:1') RETURNS integer LANGUAGE sql AS 'SELECT mg_credits FROM mega_customers WHERE mg_pass_id = who';

-- a superuser's
CREATE ROLE regress_mega_settings;
SET ROLE regress_mega_settings;
SELECT name, split_part(pg_temp.outcome(format('SET mega.%s = %s', name, value)), ' ', 1) AS outcome FROM (VALUES ('extra_event_types', 'view'), ('extra_mma_statuses', 'suggested'), ('extra_mma_modes', 'fingertips'), ('extra_admin_record_types', 'error'),
    ('unkeyed_ref_types', 'admin'), ('deletes', 'mark'), ('raw_overdraft', 'refuse'), ('pass_ids', '''any'''), ('steps', 'fill')) v(name, value);
RESET ROLE;
DROP ROLE regress_mega_settings;
SELECT name, setting FROM pg_settings WHERE name ~ '^mega\.(extra_|unkeyed_|deletes|raw_|pass_ids|steps)' ORDER BY 1;
SELECT pg_temp.outcome('SET mega.deletes = truncate');

--
-- Events
--
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:a1', 'pass:app:1', '{"event_type": "view"}')$$);
SET mega.extra_event_types = 'view, share,unknown , ,';
SELECT word, split_part(pg_temp.outcome(format($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:w-%s', 'pass:app:1', '{"event_type": "%s", "payload": {"tag": "t"}}')$$, word, word)), ' ', 1) AS row,
    split_part(pg_temp.outcome(format($$SELECT mega_record_mma_event('pass:app:1', %L, '{"tag": "t"}')$$, word)), ' ', 1) AS function
FROM unnest('{view,share,unknown,View,"",viewshare,like}'::text[]) word;
SELECT mg_mma_preferences -> 'tag_weights' AS only_of_likes, (SELECT count(*) FROM mega_mma_events('pass:app:1', event_type => 'share')) AS shared FROM mega_customers WHERE mg_pass_id = 'pass:app:1';
-- no URL that expires, in these either
SELECT pg_temp.outcome($$SELECT mega_record_mma_event('pass:app:1', 'view', '{"u": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}')$$);
SELECT * FROM mega_reconcile_preferences();

--
-- Statuses and modes
--
SET mega.extra_mma_statuses = 'suggested,waiting';
SET mega.extra_mma_modes = 'fingertips';
SELECT * FROM mega_create_generation('pass:app:1', 'a1', 'fingertips');
SELECT pg_temp.outcome($$SELECT mega_create_generation('pass:app:1', 'a2', 'audio')$$);
SELECT mg_mma_mode FROM mega_generation_history('pass:app:1', mma_mode => 'fingertips');
CREATE FUNCTION pg_temp.move(came_from text, goes_to text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    stored text;
BEGIN
    INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:move', 'pass:app:1', came_from);
    UPDATE mega_generations SET mg_mma_status = goes_to WHERE mg_id = 'generation:move' RETURNING mg_status INTO stored;
    RAISE EXCEPTION '%', stored USING ERRCODE = 'P0042';
EXCEPTION WHEN SQLSTATE 'P0042' THEN
    RETURN SQLERRM;
WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT coalesce(f, 'none') AS came_from, pg_temp.move(f, 'queued') AS queued, pg_temp.move(f, 'scanning') AS scanning, pg_temp.move(f, 'done') AS done, pg_temp.move(f, 'error') AS error, pg_temp.move(f, 'suggested') AS suggested, pg_temp.move(f, 'waiting') AS waiting, pg_temp.move(f, 'other') AS other
FROM unnest('{NULL,queued,generating,done,error,suggested,waiting}'::text[]) WITH ORDINALITY u(f, n) ORDER BY n;
SELECT * FROM mega_update_generation('a1', 'suggested', fields => '{"prompt": "a slow pan"}');
SELECT mg_step_no FROM mega_append_mma_step('a1', 'scan', mma_status => 'waiting');
SELECT mg_generation_id, mg_status FROM mega_generation('a1');
SELECT * FROM mega_complete_generation('a1', 'https://assets.example.com/a.mp4');
-- a word that goes out of use: what stands there may be left
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_status) VALUES ('generation:a3', 'pass:app:1', 'suggested');
SELECT object, offenders, example FROM mega_validate();
SET mega.extra_mma_modes = ' fingertips , collage ';
SELECT object, offenders, example FROM mega_validate();
RESET mega.extra_mma_statuses;
RESET mega.extra_mma_modes;
SELECT object, offenders, example FROM mega_validate();
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_prompt = 'p' WHERE mg_id = 'generation:a3'$$), pg_temp.outcome($$UPDATE mega_generations SET mg_mma_status = 'generating' WHERE mg_id = 'generation:a3'$$);

--
-- Records of mega_admin
--
SELECT pg_temp.outcome($$INSERT INTO mega_admin (mg_id, mg_record_type, mg_detail) VALUES ('0d000000-0000-4000-8000-000000000001', 'error', '{"code": "E1"}')$$);
SET mega.extra_admin_record_types = 'error';
SELECT object, action, detail FROM mega_install();
INSERT INTO mega_admin (mg_id, mg_record_type, mg_detail) VALUES ('0d000000-0000-4000-8000-000000000001', 'error', '{"code": "E1"}') RETURNING mg_id, mg_record_type;
UPDATE mega_admin SET mg_detail = '{"code": "E2"}' WHERE mg_record_type = 'error' RETURNING mg_detail;
SELECT pg_temp.outcome($$INSERT INTO mega_admin (mg_id, mg_record_type) VALUES ('0d000000-0000-4000-8000-000000000002', 'fault')$$), pg_temp.outcome($$INSERT INTO mega_admin (mg_id, mg_record_type) VALUES ('x', 'admin_audit')$$);
-- and back: what is there keeps the constraint out, until it is gone
RESET mega.extra_admin_record_types;
SELECT object, rule, offenders, example FROM mega_validate() WHERE object LIKE 'mega_admin%';
DELETE FROM mega_admin WHERE mg_record_type = 'error';
SELECT object, action FROM mega_validate() WHERE object LIKE 'mega_admin%';

--
-- Pass ids
--
SELECT pg_temp.outcome($$INSERT INTO mega_customers (mg_pass_id) VALUES ('5b0a7f1e-0000-4000-8000-000000000001')$$);
SET mega.pass_ids = 'any';
SELECT object, action, detail FROM mega_install();
INSERT INTO mega_customers (mg_pass_id) VALUES ('5b0a7f1e-0000-4000-8000-000000000001');
SELECT mg_credits FROM mega_record_credit('5b0a7f1e-0000-4000-8000-000000000001', 5, 'gift');
SELECT mg_pass_id, created FROM mega_ensure_customer('a visitor');
SELECT r.mg_pass_id, r.created FROM unnest(ARRAY['pass:anon:visitor-17', 'pass:user:bob']) id, generate_series(1, 2) n, mega_ensure_customer(id || left('', n)) r;
SELECT created FROM mega_create_generation('a visitor', 'v1');
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:v1', 'a visitor', 3, 'gift');
SELECT mg_credits FROM mega_balance('a visitor');
SELECT what, split_part(pg_temp.outcome(format('INSERT INTO mega_customers (mg_pass_id) VALUES (%L)', id)), ' ', 1) AS row, split_part(pg_temp.outcome(format('SELECT mega_ensure_customer(%L)', id)), ' ', 1) AS function
FROM (VALUES ('blank', ''), ('long', repeat('x', 513)), ('control character', E'a\tb'), ('longest', repeat('x', 512))) v(what, id);
RESET mega.pass_ids;
SELECT pg_temp.outcome($$INSERT INTO mega_customers (mg_pass_id) VALUES ('another visitor')$$);
SELECT mg_credits FROM mega_record_credit('a visitor', 5, 'gift'); -- who is there stays

--
-- Steps
--
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:v1:0', 'override', '{"prompt": "p"}')$$);
SET mega.steps = fill;
INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:v1:0', 'override', '{"prompt": "p"}'), ('mma_step:v1:1', 'override', NULL), ('mma_step:v1:2', 'scan', '{"input": {"a": 1}}'), ('mma_step:v1:3', 'scan', '{"input": 1, "output": 2}')
RETURNING mg_step_no, mg_payload;
-- a payload that is no object stays as it is: input and output stand in mg_meta
INSERT INTO mega_generations (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:v1:4', 'override', '[1]'), ('mma_step:v1:6', 'override', '"x"') RETURNING mg_payload, mg_meta;
INSERT INTO mega_generations (mg_id, mg_step_type, mg_meta) VALUES ('mma_step:v1:5', 'scan', '{"input": 1, "output": 2}') RETURNING mg_payload, mg_meta;
RESET mega.steps;

--
-- Raw overdrafts
--
SELECT mg_credits FROM mega_record_credit('pass:app:1', 10, 'gift');
SET mega.raw_overdraft = refuse;
SELECT what, pg_temp.outcome(statement), pg_temp.credits() FROM (VALUES
    ('a row', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:o1', 'pass:app:1', -11)$$),
    ('two rows', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:o2', 'pass:app:1', -6), ('credit_transaction:o3', 'pass:app:1', -6)$$),
    ('rows that go up in sum', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:o4', 'pass:app:1', -30), ('credit_transaction:o5', 'pass:app:1', 31)$$),
    ('all there is', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:o6', 'pass:app:1', -11)$$),
    ('a function may, when it says so', $$SELECT mega_record_credit('pass:app:1', -5, 'fee', allow_negative => true)$$),
    ('a grant below zero', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:o7', 'pass:app:1', 3)$$),
    ('a function', $$SELECT mega_record_credit('pass:app:1', -5, 'fee')$$)) v(what, statement);
RESET mega.raw_overdraft;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:o8', 'pass:app:1', -11);
SELECT pg_temp.credits();
SELECT * FROM mega_reconcile_credits();

--
-- DELETE: rejected, marked, or really
--
SELECT created FROM mega_create_generation('pass:app:2', 'd1');
SELECT created FROM mega_create_generation('pass:app:2', 'd2');
SELECT created FROM mega_start_session('pass:app:2', 'd');
SELECT created FROM mega_record_feedback('pass:app:2', 'd', 'd1');
SELECT mg_step_no FROM mega_append_mma_step('d1', 'scan');
SELECT replayed FROM mega_record_mma_event('pass:app:2', 'like', '{"tag": "t"}', 'd1', 'd1');
SELECT pg_temp.outcome($$DELETE FROM mega_generations WHERE mg_id = 'generation:d1'$$);
SET mega.deletes = mark;
\set VERBOSITY default
DELETE FROM mega_generations WHERE mg_id = 'generation:d1' RETURNING mg_id;
DELETE FROM mega_generations WHERE mg_generation_id = 'd1' RETURNING mg_id;
DELETE FROM mega_generations WHERE mg_generation_id = 'd1';
-- what was held or paid for a generation is passed over: the statement means the generation
SELECT created FROM mega_create_generation('pass:app:2', 'd3');
SELECT replayed FROM mega_record_credit('pass:app:2', 9, 'gift', txn_id => 'd3');
SELECT replayed FROM mega_hold_credit('pass:app:2', 4, 'd3', generation_id => 'd3');
SELECT mg_step_no FROM mega_append_mma_step('d3', 'scan');
DELETE FROM mega_generations WHERE mg_generation_id = 'd3';
DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:d3';
\set VERBOSITY sqlstate
SELECT mg_id, mg_deleted_at IS NOT NULL AS marked FROM mega_generations WHERE mg_pass_id = 'pass:app:2' ORDER BY 1;
SELECT (SELECT count(*) FROM mega_generation_history('pass:app:2')) AS shown, (SELECT count(*) FROM mega_likes('pass:app:2')) AS liked;
SELECT what, pg_temp.outcome(statement) FROM (VALUES ('a credit row', $$DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:o7'$$), ('customers', 'DELETE FROM mega_customers'), ('truncate', 'TRUNCATE mega_generations')) v(what, statement);
SELECT outcome FROM mega_capture_credit('d3');
SET mega.deletes = allow;
DELETE FROM mega_generations WHERE mg_generation_id = 'd3' RETURNING mg_id;
DELETE FROM mega_generations WHERE mg_id = 'generation:d2' RETURNING mg_id;
DELETE FROM mega_generations WHERE mg_generation_id = 'd1' RETURNING mg_id;
DELETE FROM mega_generations WHERE mg_id IN ('session:d') RETURNING mg_id;
-- a generation takes its steps along
SELECT count(*) FROM mega_generations WHERE mg_generation_id = 'v1';
DELETE FROM mega_generations WHERE mg_id = 'generation:v1' RETURNING mg_id;
SELECT mg_id, mg_deleted_at IS NOT NULL AS marked FROM mega_generations WHERE mg_pass_id = 'pass:app:2' OR mg_generation_id = 'v1' ORDER BY 1;
SELECT mg_action, mg_actor_pass_id, mg_detail FROM mega_admin WHERE mg_record_type = 'admin_audit' ORDER BY mg_created_at;
-- so it does when a trigger of the application's deletes it
SELECT g.created, (SELECT mg_step_no FROM mega_append_mma_step('v2', 'scan')) AS step FROM mega_create_generation('pass:app:2', 'v2') g;
CREATE FUNCTION sweep_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM mega_generations WHERE mg_id = 'generation:v2'; RETURN NULL; END $$;
CREATE TABLE bin (n int);
CREATE TRIGGER sweep_up AFTER INSERT ON bin FOR EACH ROW EXECUTE FUNCTION sweep_up();
INSERT INTO bin VALUES (1);
SELECT count(*) FROM mega_generations WHERE mg_generation_id = 'v2';
SELECT mg_detail FROM mega_admin WHERE mg_action = 'delete' AND mg_detail ->> 'mg_id' = 'generation:v2';
-- what a foreign key of the application's would have go along goes, or nothing goes: a row that stayed would name what is gone
CREATE TABLE projects (id integer, region text, PRIMARY KEY (id, region));
INSERT INTO projects VALUES (1, 'eu'), (2, 'eu'), (3, 'eu'), (4, 'eu');
ALTER TABLE mega_generations ADD project integer, ADD region text,
    ADD CONSTRAINT of_project FOREIGN KEY (project, region) REFERENCES projects ON DELETE CASCADE;
CREATE ROLE regress_mega_projects; -- has no rights on the ledger, nor its owner on the projects
ALTER TABLE projects OWNER TO regress_mega_projects;
SELECT n, created FROM generate_series(1, 4) n, mega_create_generation('pass:app:2', 'p' || n);
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_meta, project, region) VALUES
    ('mma_event:p2', 'mma_event', 'pass:app:2', 'p2', '{"event_type": "like", "tag": "p"}', 2, 'eu');
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_delta, project, region) VALUES
    ('credit_transaction:p3', 'credit_transaction', 'pass:app:2', 'p3', 1, 3, 'eu');
UPDATE mega_generations SET project = right(mg_generation_id, 1)::integer, region = CASE mg_generation_id WHEN 'p4' THEN NULL ELSE 'eu' END
WHERE mg_id ~ '^generation:p[1-4]$' RETURNING mg_id, project, region;
SELECT id, pg_temp.outcome(format('DELETE FROM projects WHERE id = %s', id)) AS allow FROM projects ORDER BY id;
SELECT mg_id, project FROM mega_generations WHERE project > 0 ORDER BY mg_id COLLATE "C";
SET mega.deletes = mark;
SELECT id, pg_temp.outcome(format('DELETE FROM projects WHERE id = %s', id)) AS mark FROM projects ORDER BY id;
\set VERBOSITY default
DELETE FROM projects WHERE id = 2;
\set VERBOSITY sqlstate
-- what it names is there: a trigger's DELETE is one as any
CREATE OR REPLACE FUNCTION sweep_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM mega_generations WHERE mg_id = 'generation:p2'; RETURN NULL; END $$;
INSERT INTO bin VALUES (2);
SELECT mg_id, mg_deleted_at IS NOT NULL AS marked FROM mega_generations WHERE project = 2 ORDER BY mg_id COLLATE "C";
ALTER TABLE mega_generations DROP CONSTRAINT of_project,
    ADD CONSTRAINT of_project FOREIGN KEY (project, region) REFERENCES projects ON DELETE SET NULL;
DELETE FROM projects;
SELECT mg_id, project, region FROM mega_generations WHERE project > 0 ORDER BY mg_id COLLATE "C";
ALTER TABLE mega_generations DROP COLUMN project, DROP COLUMN region;
-- whatever the names, the types and the values are
CREATE DOMAIN "d%1$s" AS text CHECK (VALUE <> '');
CREATE TABLE "100% off" (id text PRIMARY KEY);
CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO "100% off" VALUES ('x" OR true --');
INSERT INTO parts VALUES (1);
ALTER TABLE mega_generations ADD sale "d%1$s", ADD part integer, ADD FOREIGN KEY (sale) REFERENCES "100% off" ON DELETE CASCADE,
    ADD FOREIGN KEY (part) REFERENCES parts ON DELETE CASCADE;
UPDATE mega_generations SET sale = 'x" OR true --', part = 1 WHERE mg_id IN ('generation:p3', 'generation:p4');
CREATE OR REPLACE FUNCTION sweep_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM mega_generations WHERE mg_id = 'generation:p3'; RETURN NULL; END $$;
INSERT INTO bin VALUES (3);
SELECT mg_id, mg_deleted_at IS NOT NULL AS marked FROM mega_generations WHERE part = 1 ORDER BY mg_id COLLATE "C";
SELECT pg_temp.outcome('DELETE FROM "100% off"') AS sale, pg_temp.outcome('DELETE FROM parts') AS part;
ALTER TABLE mega_generations DROP COLUMN sale, DROP COLUMN part;
DROP TABLE "100% off", parts;
DROP DOMAIN "d%1$s";
DROP TABLE projects;
DROP ROLE regress_mega_projects;
SET mega.deletes = allow;
-- nothing is told in the owner's name where a trigger of another's would run in it
SELECT created FROM mega_start_session('pass:app:2', 'e');
CREATE ROLE regress_mega_other;
GRANT TRIGGER ON mega_admin TO regress_mega_other;
GRANT CREATE ON SCHEMA public TO regress_mega_other;
SET ROLE regress_mega_other;
CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'runs as %', current_user; RETURN NEW; END $$;
CREATE TRIGGER aaa_look BEFORE INSERT ON mega_admin FOR EACH ROW EXECUTE FUNCTION public.look();
RESET ROLE;
SELECT pg_temp.outcome($$DELETE FROM mega_generations WHERE mg_id = 'session:e'$$);
DROP TRIGGER aaa_look ON mega_admin;
DROP FUNCTION public.look();
REVOKE CREATE ON SCHEMA public FROM regress_mega_other;
REVOKE ALL ON mega_admin FROM regress_mega_other;
DROP ROLE regress_mega_other;
SELECT what, pg_temp.outcome(statement) FROM (VALUES ('a credit row', $$DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:o7'$$), ('customers', 'DELETE FROM mega_customers'), ('truncate', 'TRUNCATE mega_generations')) v(what, statement);
RESET mega.deletes;
SELECT * FROM mega_reconcile_credits();
SELECT * FROM mega_reconcile_preferences();

--
-- A flag that the table computes by itself
--
ALTER TABLE mega_customers DROP COLUMN mg_verified_any, ADD COLUMN mg_verified_any boolean
    GENERATED ALWAYS AS (coalesce(mg_verified_email, false) OR coalesce(mg_verified_google, false) OR coalesce(mg_verified_apple, false)) STORED;
SELECT mg_pass_id, created FROM mega_ensure_customer('pass:app:3', email => 'x@example.com');
SELECT v.* FROM unnest('{manual,manual,email,email}'::text[]) m, mega_verify_customer('pass:app:3', m, actor => 'app') v;
SELECT mg_verified_email, mg_verified_any, mg_verification_method FROM mega_customer('pass:app:3');
SELECT mg_action, mg_detail FROM mega_admin WHERE mg_action = 'customer.verify' ORDER BY mg_created_at;
UPDATE mega_customers SET mg_verified_email = NULL WHERE mg_pass_id = 'pass:app:3' RETURNING mg_verified_any;
\c :home
DROP DATABASE regress_mega_applications;
