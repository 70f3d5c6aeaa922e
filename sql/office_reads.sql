-- What is read of mega_admin by its id: mega_admin_session, mega_app_config, mega_runtime_config, mega_profile. With the
-- caller's rights and policies, by the caller's snapshot, alike on both write paths and whatever the table carries.
-- Sessions, settings and profiles of this file: reads.*, runtime 72.
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.reads() RETURNS TABLE (session text, setting jsonb, knobs jsonb, profile text) LANGUAGE sql AS $$
    SELECT (SELECT mg_email FROM mega_admin_session('reads.s')), mega_app_config('reads.k'), mega_runtime_config(72), (SELECT mg_email FROM mega_profile('4ead0000-0000-4000-8000-000000000001'))
$$;
SELECT * FROM pg_temp.reads();
SELECT created FROM mega_touch_admin_session('reads.s', '4ead0000-0000-4000-8000-00000000000a', 'ada@example.com', '10.0.0.1', 'Firefox');
SELECT mg_id, version FROM mega_set_app_config('reads.k', '{"a": 1}');
SELECT mg_id FROM mega_set_runtime_config('{"b": 2}', 72);
SELECT created FROM mega_link_profile('4ead0000-0000-4000-8000-000000000001', '4ead0000-0000-4000-8000-00000000000b', 'eve@example.com');
SELECT * FROM pg_temp.reads();
SELECT mg_id, mg_user_id, mg_email, mg_ip, mg_user_agent, mg_first_seen_at = mg_last_seen_at AS seen_once FROM mega_admin_session('reads.s', '1 hour');
SELECT count(*) AS idle FROM pg_sleep(0.01), mega_admin_session('reads.s', '1 microsecond');
SELECT mg_id, mg_profile_id, mg_user_id, mg_email, mg_shopify_customer_id, mg_actor_pass_id FROM mega_profile('4ead0000-0000-4000-8000-000000000001', '4ead0000-0000-4000-8000-00000000000b');
SELECT count(*) AS of_another_user FROM mega_profile('4ead0000-0000-4000-8000-000000000001', '4ead0000-0000-4000-8000-00000000000a');
SELECT mega_admin_session('reads.s') IS NOT NULL AS in_the_list, (mega_profile('4ead0000-0000-4000-8000-000000000001')).mg_email;

--
-- The caller's snapshot: what the statement itself writes is not there yet, what the one before it wrote is.
--
WITH written AS MATERIALIZED (SELECT version FROM mega_set_app_config('reads.k', '{"a": 2}')) SELECT version, mega_app_config('reads.k') FROM written;
SELECT mega_app_config('reads.k');
BEGIN;
DECLARE before CURSOR FOR SELECT mega_app_config('reads.k');
SELECT version FROM mega_set_app_config('reads.k', '{"a": 3}');
FETCH before;
SELECT mega_app_config('reads.k');
ROLLBACK;
SELECT mega_app_config('reads.k');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM pg_temp.reads();
COMMIT;

--
-- Values of every size, and none.
--
SELECT mg_id FROM mega_set_app_config('reads.large', to_jsonb((SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) n)));
SELECT pg_column_size(mg_value) > 8192 AS stored_apart, mega_app_config('reads.large') = mg_value AS same, length(mega_app_config('reads.large') #>> '{}') FROM mega_admin WHERE mg_id = 'app_config:reads.large';
CREATE TEMPORARY TABLE kept AS SELECT mega_app_config('reads.large') AS value;
SELECT length(value #>> '{}') FROM kept;
INSERT INTO mega_admin (mg_id) VALUES ('app_config:reads.null'), ('admin_session:reads.never'), ('runtime_config:720');
SELECT mega_app_config('reads.null'), mega_runtime_config(720);
SELECT count(*) FROM mega_admin_session('reads.never');
SELECT count(*) AS never_seen FROM mega_admin_session('reads.never', '1 hour');

--
-- A mark hides, and so does another record type under an id.
--
BEGIN;
UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id IN ('admin_session:reads.s', 'app_config:reads.k', 'runtime_config:72', 'profile:4ead0000-0000-4000-8000-000000000001');
SELECT * FROM pg_temp.reads();
ROLLBACK;
BEGIN;
ALTER TABLE mega_admin DROP CONSTRAINT mega_admin_id_shape;
SET LOCAL session_replication_role = replica;
INSERT INTO mega_admin (mg_id, mg_record_type, mg_value, mg_email) VALUES ('app_config:reads.other', 'profile', '1', 'x'), ('admin_session:reads.other', 'profile', '1', 'x');
SELECT mega_app_config('reads.other'), (SELECT count(*) FROM mega_admin_session('reads.other'));
ROLLBACK;

--
-- Rights: SELECT on the table, on the columns that are shown, on none. They count from one statement to the next.
--
CREATE ROLE regress_mega_reader;
GRANT EXECUTE ON FUNCTION mega_admin_session, mega_app_config, mega_runtime_config, mega_profile, pg_temp.reads, pg_temp.outcome TO regress_mega_reader;
SET ROLE regress_mega_reader;
SELECT what, pg_temp.outcome(statement) FROM (VALUES ('session', $$SELECT FROM mega_admin_session('reads.s')$$), ('setting', $$SELECT mega_app_config('reads.k')$$), ('knobs', $$SELECT mega_runtime_config(72)$$), ('profile', $$SELECT FROM mega_profile('4ead0000-0000-4000-8000-000000000001')$$)) v(what, statement);
RESET ROLE;
GRANT SELECT (mg_id, mg_record_type, mg_value, mg_deleted_at) ON mega_admin TO regress_mega_reader;
SET ROLE regress_mega_reader;
SELECT what, pg_temp.outcome(statement) FROM (VALUES ('session', $$SELECT FROM mega_admin_session('reads.s')$$), ('setting', $$SELECT mega_app_config('reads.k')$$), ('knobs', $$SELECT mega_runtime_config(72)$$)) v(what, statement);
SELECT mega_app_config('reads.k');
RESET ROLE;
GRANT SELECT ON mega_admin TO regress_mega_reader;
SET ROLE regress_mega_reader;
SELECT * FROM pg_temp.reads();
RESET ROLE;
REVOKE SELECT ON mega_admin FROM regress_mega_reader;
SET ROLE regress_mega_reader;
SELECT pg_temp.outcome($$SELECT mega_app_config('reads.k')$$);
RESET ROLE;
GRANT SELECT ON mega_admin TO regress_mega_reader;

--
-- Policies: of the reader, and of the owner himself when they are forced on him.
--
BEGIN;
ALTER TABLE mega_admin ENABLE ROW LEVEL SECURITY;
SET LOCAL ROLE regress_mega_reader;
SELECT * FROM pg_temp.reads();
RESET ROLE;
CREATE POLICY settings_alone ON mega_admin FOR SELECT TO regress_mega_reader USING (mg_record_type = 'app_config' AND mg_key <> 'reads.large');
SET LOCAL ROLE regress_mega_reader;
SELECT * FROM pg_temp.reads();
SELECT mega_app_config('reads.large') IS NULL AS hidden;
RESET ROLE;
SELECT * FROM pg_temp.reads();
CREATE ROLE regress_mega_owner;
GRANT regress_mega_owner TO CURRENT_USER;
GRANT CREATE ON SCHEMA public TO regress_mega_owner;
ALTER TABLE mega_admin OWNER TO regress_mega_owner;
ALTER TABLE mega_admin FORCE ROW LEVEL SECURITY;
GRANT EXECUTE ON FUNCTION mega_admin_session, mega_app_config, mega_runtime_config, mega_profile, pg_temp.reads TO regress_mega_owner;
SET LOCAL ROLE regress_mega_owner;
SELECT * FROM pg_temp.reads();
RESET ROLE;
ALTER TABLE mega_admin NO FORCE ROW LEVEL SECURITY;
SET LOCAL ROLE regress_mega_owner;
SELECT * FROM pg_temp.reads();
RESET ROLE;
ROLLBACK;
SELECT * FROM pg_temp.reads();

--
-- Whatever the table carries: a child, a column and a trigger of somebody's, no primary key, ids of another type.
--
BEGIN;
CREATE TABLE child () INHERITS (mega_admin);
INSERT INTO child (mg_id, mg_record_type, mg_value) VALUES ('app_config:reads.child', 'app_config', '1');
SELECT mega_app_config('reads.child'), mega_app_config('reads.k');
ROLLBACK;
BEGIN;
ALTER TABLE mega_admin ADD COLUMN tenant integer NOT NULL DEFAULT 7;
CREATE FUNCTION pg_temp.looks_on() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER looks_on AFTER UPDATE ON mega_admin FOR EACH ROW EXECUTE FUNCTION pg_temp.looks_on();
SELECT * FROM pg_temp.reads();
ROLLBACK;
BEGIN;
ALTER TABLE mega_admin DROP CONSTRAINT mega_admin_pkey;
SELECT * FROM pg_temp.reads();
ALTER TABLE mega_admin ALTER mg_email TYPE varchar(200);
SELECT * FROM pg_temp.reads();
ROLLBACK;
SELECT * FROM pg_temp.reads();
UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id IN ('admin_session:reads.s', 'admin_session:reads.never', 'app_config:reads.k', 'app_config:reads.null', 'runtime_config:72', 'runtime_config:720', 'profile:4ead0000-0000-4000-8000-000000000001');
REVOKE ALL ON mega_admin FROM regress_mega_reader;
REVOKE EXECUTE ON FUNCTION mega_admin_session, mega_app_config, mega_runtime_config, mega_profile FROM regress_mega_reader;
DROP OWNED BY regress_mega_reader;
DROP ROLE regress_mega_reader;
