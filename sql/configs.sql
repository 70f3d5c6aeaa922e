-- Runtime configuration and application settings: mega_set_runtime_config, mega_set_app_config and their reads (I5).
-- Keys of this file: configs.*; runtime ids 71…
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
CREATE FUNCTION pg_temp.audits() RETURNS TABLE (mg_action text, mg_detail jsonb) LANGUAGE sql AS $$
    SELECT mg_action, mg_detail FROM mega_admin WHERE mg_record_type = 'admin_audit' AND (mg_detail ->> 'runtime_id' LIKE '71%' OR mg_detail ->> 'key' LIKE 'configs.%') ORDER BY mg_created_at
$$;

--
-- Runtime configuration: merge patches, and who changed what.
--
SELECT mega_runtime_config(71) AS not_set;
SELECT what, c.* FROM (VALUES (1, 'made', '{"limits": {"credits": 5, "steps": 9}, "theme": "dark", "none": null}', 'ada'), (2, 'changed', '{"limits": {"credits": 6, "steps": null}, "theme": null, "new": [1]}', 'ada'), (3, 'the same again', '{"limits": {"credits": 6}, "theme": null}', 'ada'), (4, 'by nobody', '{"new": [2]}', NULL), (5, 'nothing', '{}', 'ada')) v(nr, what, flat, actor),
    LATERAL mega_set_runtime_config(flat::jsonb, 71, actor) c ORDER BY nr;
SELECT mega_runtime_config(71);
SELECT mg_id, mg_runtime_id, mg_runtime_flat, mg_source_system FROM mega_admin WHERE mg_id = 'runtime_config:71';
SELECT * FROM pg_temp.audits();
SELECT what, pg_temp.outcome('SELECT mega_set_runtime_config(' || arguments || ')') FROM (VALUES ('no object', $$'[]'$$), ('nothing', 'NULL'), ('no id', $$'{}', NULL$$), ('blank actor', $$'{}', 71, ' '$$)) v(what, arguments);
SELECT mg_id FROM mega_set_runtime_config('{"a": 1}', -71);
SELECT mega_runtime_config(-71), mega_runtime_config();
-- a mark puts it out of force, and the next change in force again
UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id = 'runtime_config:71';
SELECT mega_runtime_config(71);
SELECT * FROM mega_set_runtime_config('{"more": 1}', 71, 'ada');
SELECT mega_runtime_config(71);
-- and the audit says what came into force
SELECT mg_detail -> 'changed' AS changed FROM mega_admin WHERE mg_action = 'runtime_config.set' AND mg_detail -> 'changed' ? 'more';

--
-- Application settings: the one in force and its versions.
--
SELECT mega_app_config('configs.prices') AS not_set, mega_app_config('configs.prices', 1) AS no_version;
SELECT * FROM mega_set_app_config('configs.prices', '{"pack": 9}', 0, 'ada');
SELECT * FROM mega_set_app_config('app_config:configs.prices', '{"pack": 12}', 1, 'bob');
SELECT * FROM mega_set_app_config('configs.prices', 'null');
SELECT mega_app_config('configs.prices') AS in_force, mega_app_config('configs.prices', 1) AS first, mega_app_config('app_config:configs.prices', 2) AS second, mega_app_config('configs.prices', 4) AS none;
SELECT version, mg_value, actor, mg_created_at <= now() + interval '1 hour' AS dated, next_cursor FROM mega_app_config_versions('configs.prices');
SELECT mg_id, mg_record_type, mg_key, mg_value, mg_meta, mg_source_system FROM mega_admin WHERE mg_key = 'configs.prices' ORDER BY mg_id;
SELECT * FROM pg_temp.audits() WHERE mg_action = 'app_config.set';
-- another version stands: nothing is written
SELECT what, pg_temp.outcome('SELECT mega_set_app_config(' || arguments || ')') FROM (VALUES ('one too few', $$'configs.prices', '1', 2$$), ('new, it was thought', $$'configs.prices', '1', 0$$), ('one too many', $$'configs.prices', '1', 4$$), ('of no setting', $$'configs.none', '1', 1$$),
    ('no key', $$NULL, '1'$$), ('blank key', $$'', '1'$$), ('long key', $$repeat('k', 501), '1'$$), ('the longest key', $$'configs.' || repeat('k', 492), '1'$$), ('no value', $$'configs.x', NULL$$), ('a version', $$'configs.x.v1', '1'$$), ('a version with a nought', $$'configs.x.v01', '1'$$), ('only a version', $$'.v7', '1'$$),
    ('no version', $$'configs.x.v', '1'$$), ('no version either', $$'configs.xv1', '1'$$), ('nor this', $$'configs.v1.x', '1'$$), ('blank actor', $$'configs.x', '1', NULL, ''$$)) v(what, arguments);
SELECT what, pg_temp.outcome('SELECT ' || call) FROM (VALUES ('read a version by its id', $$mega_app_config('configs.prices.v1')$$), ('list a version', $$mega_app_config_versions('configs.prices.v1')$$), ('no page', $$mega_app_config_versions('configs.prices', 0)$$), ('no cursor', $$mega_app_config_versions('configs.prices', 5, 'x')$$)) v(what, call);
SELECT mega_app_config('configs.prices'), count(*) FROM mega_app_config_versions('configs.prices');
-- a version never changes and never goes (I5); the one in force may
SELECT what, pg_temp.outcome(statement) FROM (VALUES ('a version changed', $$UPDATE mega_admin SET mg_value = '0' WHERE mg_id = 'app_config:configs.prices.v1'$$), ('its note', $$UPDATE mega_admin SET mg_meta = '{}' WHERE mg_id = 'app_config:configs.prices.v1'$$), ('its key', $$UPDATE mega_admin SET mg_key = 'configs.prices.v1' WHERE mg_id = 'app_config:configs.prices.v1'$$),
    ('its time', $$UPDATE mega_admin SET mg_created_at = now() WHERE mg_id = 'app_config:configs.prices.v1'$$), ('a version deleted', $$DELETE FROM mega_admin WHERE mg_id = 'app_config:configs.prices.v1'$$), ('a version marked', $$UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id = 'app_config:configs.prices.v1'$$),
    ('the one in force changed', $$UPDATE mega_admin SET mg_value = '"by hand"' WHERE mg_id = 'app_config:configs.prices'$$), ('all', 'TRUNCATE mega_admin')) v(what, statement);
-- and becomes a version of its own, of nobody: who goes by the one before is told
SELECT pg_temp.outcome($$SELECT mega_set_app_config('configs.prices', '{"pack": 13}', 3)$$);
SELECT mega_app_config('configs.prices', 1) AS first, mega_app_config('configs.prices') AS in_force, (SELECT version FROM mega_set_app_config('configs.prices', '{"pack": 13}', 4, 'ada')) AS next;
SELECT version, mg_value, actor FROM mega_app_config_versions('configs.prices', 3);
-- out of force by a mark, deleted: numbers go on
UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id = 'app_config:configs.prices';
SELECT mega_app_config('configs.prices'), mega_app_config('configs.prices', 5) AS stays;
SELECT version FROM mega_set_app_config('configs.prices', '14', 5);
SELECT mega_app_config('configs.prices');
DELETE FROM mega_admin WHERE mg_id = 'app_config:configs.prices';
SELECT mega_app_config('configs.prices');
SELECT version FROM mega_set_app_config('configs.prices', '15', 6);
SELECT mega_app_config('configs.prices'), mega_app_config('configs.prices', 6) AS before;
-- a key of an application's own that looks like a version of it takes a number, and jams nothing
SELECT version FROM mega_set_app_config('configs.theme', '1');
INSERT INTO mega_admin (mg_id, mg_key, mg_value) VALUES ('app_config:configs.theme.v2', 'configs.theme.v2', '"ours"'), ('app_config:configs.theme.v3', 'configs.theme.v3', '"ours"');
SELECT version FROM mega_set_app_config('configs.theme', '2', 1);
SELECT version FROM mega_set_app_config('configs.theme', '3', 4);
SELECT version, mg_value FROM mega_app_config_versions('configs.theme');
SELECT mega_app_config('configs.theme', 2) AS not_of_theme;
-- nor does it jam one that was there before there were versions: that takes the first number which is free
INSERT INTO mega_admin (mg_id, mg_key, mg_value) VALUES ('app_config:configs.fees', 'configs.fees', '1'), ('app_config:configs.fees.v1', 'configs.fees.v1', '0');
SELECT mega_app_config('configs.fees', 1) AS first, pg_temp.outcome($$SELECT mega_set_app_config('configs.fees', '2', 0)$$) AS new_it_was_thought;
SELECT version FROM mega_set_app_config('configs.fees', '2', 2);
SELECT version, mg_value FROM mega_app_config_versions('configs.fees');
SELECT mega_app_config('configs.fees') AS in_force, mega_app_config('configs.fees', 1) AS first;
SELECT mg_id, mg_key, mg_value FROM mega_admin WHERE mg_id = 'app_config:configs.fees.v1';
-- one that an application had before there were versions is the first of them, and keeps what the application noted
INSERT INTO mega_admin (mg_id, mg_value, mg_meta) VALUES ('app_config:configs.old', '"old"', '{"note": "ours", "version": "2024-11", "actor": {"team": "web"}}');
SELECT mega_app_config('configs.old'), mega_app_config('configs.old', 1) AS first, mega_app_config('configs.old', 2) AS second;
SELECT pg_temp.outcome($$SELECT mega_set_app_config('configs.old', '"new"', 0)$$), pg_temp.outcome($$SELECT mega_set_app_config('configs.old', '"new"', 1)$$);
SELECT version, mg_value, actor FROM mega_app_config_versions('configs.old');
SELECT mega_app_config('configs.old'), mg_meta FROM mega_admin WHERE mg_id = 'app_config:configs.old';
SELECT version FROM mega_set_app_config('configs.old', '"newer"', 2, actor => 'ada');
SELECT mg_id, mg_meta FROM mega_admin WHERE mg_id IN ('app_config:configs.old', 'app_config:configs.old.v1', 'app_config:configs.old.v3') ORDER BY mg_id;
-- a value that somebody put past the versions, by an upsert too, is kept before the next one; the same value written again is
-- the version that stands, whatever else of the row was written, and no value is one, too
SELECT version FROM mega_set_app_config('configs.past', '{"a": 1}');
INSERT INTO mega_admin (mg_id, mg_record_type, mg_key, mg_value) VALUES ('app_config:configs.past', 'app_config', 'configs.past', '{"a": 99}') ON CONFLICT (mg_id) DO UPDATE SET mg_value = excluded.mg_value;
SELECT pg_temp.outcome($$SELECT mega_set_app_config('configs.past', '{"a": 3}', expected_version => 1)$$), mega_app_config('configs.past');
SELECT version FROM mega_set_app_config('configs.past', '{"a": 3}', expected_version => 2, actor => 'ada');
SELECT version, mg_value, actor FROM mega_app_config_versions('configs.past');
UPDATE mega_admin SET mg_value = '{"a": 3.0}', mg_meta = NULL, mg_deleted_at = now() WHERE mg_id = 'app_config:configs.past';
SELECT version FROM mega_set_app_config('configs.past', '{"a": 4}', expected_version => 3);
UPDATE mega_admin SET mg_value = NULL WHERE mg_id = 'app_config:configs.past';
SELECT version FROM mega_set_app_config('configs.past', '{"a": 5}');
SELECT version, mg_value, actor FROM mega_app_config_versions('configs.past', 3);
-- where the next number is a key of an application's own, it takes the one behind
INSERT INTO mega_admin (mg_id, mg_key, mg_value) VALUES ('app_config:configs.past.v7', 'configs.past.v7', '"ours"');
UPDATE mega_admin SET mg_value = '{"a": 6}' WHERE mg_id = 'app_config:configs.past';
SELECT version FROM mega_set_app_config('configs.past', '{"a": 7}');
SELECT version, mg_value, actor FROM mega_app_config_versions('configs.past', 3);
-- a key within another one's, and pages past the tenth version
SELECT count(*) FROM (SELECT mega_set_app_config('configs.many', to_jsonb(n)) FROM generate_series(1, 23) n) made;
SELECT * FROM mega_set_app_config('configs.many.more', '1');
CREATE FUNCTION pg_temp.pages(size integer) RETURNS TABLE (page integer[]) LANGUAGE plpgsql AS $$
DECLARE
    behind text;
BEGIN
    LOOP
        SELECT array_agg(v.version ORDER BY ordinality), max(v.next_cursor) INTO page, behind FROM ROWS FROM (mega_app_config_versions('configs.many', size, behind)) WITH ORDINALITY v(version, mg_value, mg_created_at, actor, next_cursor, ordinality) WHERE v.mg_value = to_jsonb(v.version);
        RETURN NEXT;
        EXIT WHEN behind IS NULL;
    END LOOP;
END
$$;
SELECT page FROM pg_temp.pages(10);
SELECT count(*) FROM mega_app_config_versions('configs.none');

-- The next number is found by key, however many versions there are: of 400 rows of the key hardly any is read.
SELECT count(*) FROM (SELECT mega_set_app_config('configs.busy', to_jsonb(n)) FROM generate_series(1, 400) n) made;
SET enable_seqscan = off;
ANALYZE mega_admin;
DISCARD PLANS;
SELECT pg_stat_force_next_flush() IS NOT NULL AS counted_from_here;
BEGIN;
SELECT version FROM mega_set_app_config('configs.busy', '401', 400);
SELECT sum(idx_tup_fetch + seq_tup_read) < 20 AS few FROM pg_stat_xact_user_tables WHERE relname = 'mega_admin';
COMMIT;
RESET enable_seqscan;
DISCARD PLANS;
-- what somebody wrote beside the one in force is held against the versions that are there
UPDATE mega_admin SET mg_meta = '{"mega": {"version": 7}}' WHERE mg_id = 'app_config:configs.busy';
SELECT pg_temp.outcome($$SELECT mega_set_app_config('configs.busy', '1', 7)$$);
SELECT version FROM mega_set_app_config('configs.busy', '402', 401);
UPDATE mega_admin SET mg_meta = '{"mega": {"version": 9000}}' WHERE mg_id = 'app_config:configs.busy';
SELECT version FROM mega_set_app_config('configs.busy', '403', 402);
UPDATE mega_admin SET mg_meta = '{"mega": {"version": "404"}, "note": "ours"}' WHERE mg_id = 'app_config:configs.busy';
SELECT version FROM mega_set_app_config('configs.busy', '404', 403);
UPDATE mega_admin SET mg_meta = '[2147483647]' WHERE mg_id = 'app_config:configs.busy';
SELECT version FROM mega_set_app_config('configs.busy', '405', 404);
UPDATE mega_admin SET mg_meta = NULL WHERE mg_id = 'app_config:configs.busy';
SELECT version FROM mega_set_app_config('configs.busy', '406', 405);
INSERT INTO mega_admin (mg_id, mg_value) VALUES ('app_config:configs.busy.v407', '407');
-- a version that somebody wrote without putting it in force: what stands comes behind it
SELECT pg_temp.outcome($$SELECT mega_set_app_config('configs.busy', '409', 407)$$);
SELECT version FROM mega_set_app_config('configs.busy', '409', 408);
SELECT version, mg_value FROM mega_app_config_versions('configs.busy', 3);



--
-- mega.notify: who listens hears of what is in force, whoever wrote it. psql tells the sender's process id, which is cut out here.
--
LISTEN mega_app_config;
LISTEN mega_runtime_config;
-- off by default
SELECT version FROM mega_set_app_config('configs.told', '1');
SET mega.notify = on;
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT version FROM mega_set_app_config('configs.told', '2');
\o
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT mg_id FROM mega_set_runtime_config('{"told": 1}', 712);
\o
-- nothing new, nothing told; nor of versions, audits, sessions
\o | sed 's/ received from server process with PID [0-9]*//'
SELECT mg_id FROM mega_set_runtime_config('{"told": 1}', 712, 'ada');
\o
\o | sed 's/ received from server process with PID [0-9]*//'
INSERT INTO mega_admin (mg_id, mg_value) VALUES ('app_config:configs.silent.v7', '1'), ('admin_session:configs', NULL), ('admin_audit:configs', NULL);
\o
-- raw SQL
\o | sed 's/ received from server process with PID [0-9]*//'
BEGIN;
INSERT INTO mega_admin (mg_id, mg_value) VALUES ('app_config:configs.raw', '1');
UPDATE mega_admin SET mg_value = '3' WHERE mg_id = 'app_config:configs.told';
UPDATE mega_admin SET mg_payload = '{}' WHERE mg_id = 'app_config:configs.told';
UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id = 'runtime_config:712';
COMMIT;
\o
-- what is rolled back was never said
\o | sed 's/ received from server process with PID [0-9]*//'
BEGIN;
SELECT version FROM mega_set_app_config('configs.told', '4');
ROLLBACK;
\o
RESET mega.notify;
UNLISTEN *;
