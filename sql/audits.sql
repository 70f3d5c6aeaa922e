-- Audits: mega_record_admin_audit, mega_admin_audits (I5).
-- Customers of this file: pass:test:audits-*; actions audits.*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SELECT count(*) FROM (SELECT mega_ensure_customer('pass:test:audits-' || c) FROM unnest('{a,b}'::text[]) c) made;

--
-- An audit, with all that can be told and with as little as can be.
--
SELECT * FROM mega_record_admin_audit('audits.credit', 'pass:test:audits-a', 'a0d10000-0000-4000-8000-000000000001', ' Ada@Example.com ', '2001:DB8:0:0::1', 'curl/8', '/admin/credits', 'POST', 200, '{"delta": 50}', 'audits-1');
SELECT mg_id ~ '^admin_audit:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS fresh_id, replayed FROM mega_record_admin_audit('audits.look');
SELECT mg_id, mg_record_type, mg_actor_pass_id, mg_user_id, mg_email, mg_ip, mg_user_agent, mg_action, mg_route, mg_method, mg_status, mg_detail, mg_meta, mg_source_system, mg_created_at = mg_updated_at AND mg_created_at <= clock_timestamp() AS dated
FROM mega_admin WHERE mg_id = 'admin_audit:audits-1' \gx
SELECT mg_actor_pass_id, mg_detail FROM mega_admin WHERE mg_action = 'audits.look';

--
-- Once per audit_id: the same again is a replay, anything else is told.
--
SELECT * FROM mega_record_admin_audit('audits.credit', 'pass:test:audits-a', 'a0d10000-0000-4000-8000-000000000001', 'Ada@Example.com', '2001:db8::1', 'curl/8', '/admin/credits', 'POST', 200, '{"delta": 50.0}', 'admin_audit:audits-1');
SELECT what, pg_temp.outcome(format('SELECT mega_record_admin_audit(%s, audit_id => ''audits-1'')', (SELECT string_agg(key || ' => ' || coalesce(quote_literal(value), 'NULL'), ', ' ORDER BY key) FROM jsonb_each_text(
    '{"action": "audits.credit", "actor_pass_id": "pass:test:audits-a", "user_id": "a0d10000-0000-4000-8000-000000000001", "email": "Ada@Example.com", "ip": "2001:db8::1", "user_agent": "curl/8", "route": "/admin/credits", "method": "POST", "status": 200, "detail": {"delta": 50}}' || other))))
FROM (VALUES ('the same', '{}'::jsonb), ('action', '{"action": "audits.other"}'), ('customer', '{"actor_pass_id": "pass:test:audits-b"}'), ('no customer', '{"actor_pass_id": null}'), ('user', '{"user_id": "a0d10000-0000-4000-8000-000000000002"}'), ('email', '{"email": "bob@example.com"}'),
    ('ip', '{"ip": "2001:db8::2"}'), ('user agent', '{"user_agent": null}'), ('route', '{"route": "/"}'), ('method', '{"method": "GET"}'), ('status', '{"status": 201}'), ('detail', '{"detail": {"delta": 51}}')) v(what, other);
-- blank is not told
SELECT replayed FROM mega_record_admin_audit('audits.blank', user_agent => ' ', route => '', method => '', email => ' ', audit_id => 'audits-blank') UNION ALL SELECT replayed FROM mega_record_admin_audit('audits.blank', audit_id => 'audits-blank');
SELECT mg_user_agent, mg_route, mg_method, mg_email FROM mega_admin WHERE mg_id = 'admin_audit:audits-blank';
-- of a customer that was merged since, by whichever pass id; of another one it is told
SELECT count(*) FROM (SELECT mega_ensure_customer('pass:test:audits-' || c) FROM unnest('{source,target}'::text[]) c) made;
SELECT * FROM mega_record_admin_audit('audits.merged', 'pass:test:audits-source', audit_id => 'audits-merged');
SELECT mg_pass_id FROM mega_merge_customers('pass:test:audits-source', 'pass:test:audits-target');
SELECT who, pg_temp.outcome(format($$SELECT mega_record_admin_audit('audits.merged', %L, audit_id => 'audits-merged')$$, 'pass:test:audits-' || who)) FROM unnest('{source,target,a}'::text[]) who;
SELECT mg_actor_pass_id FROM mega_admin WHERE mg_id = 'admin_audit:audits-merged';
SELECT count(*) FROM mega_admin WHERE mg_action LIKE 'audits.%';

--
-- What is refused.
--
SELECT what, pg_temp.outcome('SELECT mega_record_admin_audit(' || arguments || ')') FROM (VALUES
    ('no action', 'NULL'), ('blank action', $$' '$$), ('action with a line feed', $$E'a\nb'$$), ('unknown customer', $$'audits.x', 'pass:test:audits-nobody'$$), ('no pass id', $$'audits.x', 'nobody'$$), ('blank pass id', $$'audits.x', ' '$$),
    ('ip', $$'audits.x', ip => 'localhost'$$), ('empty ip', $$'audits.x', ip => ''$$), ('ip with a port', $$'audits.x', ip => '10.0.0.1:443'$$), ('ip of a network', $$'audits.x', ip => '10.0.0.0/8'$$), ('a host as a network', $$'audits.x', ip => '10.0.0.1/32'$$),
    ('half an ip', $$'audits.x', ip => '10.1'$$), ('too much ip', $$'audits.x', ip => '10.0.0.256'$$), ('several', $$'audits.x', ip => '10.0.0.1, 10.0.0.2'$$), ('with a zone', $$'audits.x', ip => 'fe80::1%eth0'$$),
    ('detail', $$'audits.x', detail => '[]'$$), ('long email', $$'audits.x', email => repeat('a', 513)$$), ('blank audit_id', $$'audits.x', audit_id => ' '$$), ('long audit_id', $$'audits.x', audit_id => repeat('a', 513)$$)) v(what, arguments);
SELECT count(r) FROM (VALUES ('127.0.0.1'), ('::1'), ('::ffff:10.0.0.1'), ('FE80:0:0:0:0:0:0:1'), ('1:2:3:4:5:6:7:8')) v(given), LATERAL mega_record_admin_audit('audits.ip', ip => given, detail => jsonb_build_object('given', given)) r;
SELECT mg_detail ->> 'given' AS given, mg_ip FROM mega_admin WHERE mg_action = 'audits.ip' ORDER BY mg_created_at;
-- an audit stays what it is (I5)
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('changed', $$UPDATE mega_admin SET mg_detail = '{}' WHERE mg_id = 'admin_audit:audits-1'$$), ('dated otherwise', $$UPDATE mega_admin SET mg_created_at = now() WHERE mg_id = 'admin_audit:audits-1'$$),
    ('deleted', $$DELETE FROM mega_admin WHERE mg_id = 'admin_audit:audits-1'$$), ('marked', $$UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id = 'admin_audit:audits-1'$$)) v(what, statement);
SELECT mg_id FROM mega_admin_audits(action => 'audits.credit');

--
-- What stands in the way is named.
--
CREATE FUNCTION pg_temp.in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mg_action = 'audits.kept out' THEN
        RETURN NULL;
    ELSIF NEW.mg_action = 'audits.renamed' THEN
        NEW.mg_id := NEW.mg_id || '-other';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audits_in_the_way BEFORE INSERT ON mega_admin FOR EACH ROW EXECUTE FUNCTION pg_temp.in_the_way();
CREATE UNIQUE INDEX audits_key ON mega_admin (mg_status) WHERE mg_action = 'audits.keyed';
SELECT what, pg_temp.outcome(format('SELECT mega_record_admin_audit(%L, status => 418, audit_id => %L)', 'audits.' || what, 'audits-' || what || nr)) FROM (VALUES (1, 'kept out'), (2, 'renamed')) v(nr, what);
DROP TRIGGER audits_in_the_way ON mega_admin;
SELECT pg_temp.outcome(format('SELECT mega_record_admin_audit(''audits.keyed'', status => 418, audit_id => %L)', 'audits-keyed-' || n)) FROM generate_series(1, 2) n;
DROP INDEX audits_key;

--
-- Pages, newest first: all that is asked for, each audit once.
--
SELECT count(*) FROM (SELECT mega_record_admin_audit('audits.page ' || n % 3, CASE WHEN n % 2 = 0 THEN 'pass:test:audits-b' END, ('a0d10000-0000-4000-8000-00000000010' || n % 5)::uuid, audit_id => 'audits-page-' || n) FROM generate_series(1, 30) n) made;
-- several at one time
INSERT INTO mega_admin (mg_id, mg_action, mg_user_id, mg_created_at) SELECT 'admin_audit:audits-at-' || n, 'audits.at once', 'a0d10000-0000-4000-8000-000000000100', '2025-06-01 12:00' FROM generate_series(1, 9) n;
CREATE FUNCTION pg_temp.pages(size integer, arguments text) RETURNS TABLE (pages integer, rows integer, distinct_rows integer, in_order boolean, as_the_table boolean) LANGUAGE plpgsql AS $$
DECLARE
    seen text[] := '{}';
    page text[];
    behind text;
    condition text := (SELECT coalesce(string_agg(CASE key WHEN 'action' THEN 'mg_action = ' WHEN 'user_id' THEN 'mg_user_id = ' WHEN 'actor_pass_id' THEN 'mg_actor_pass_id = ' WHEN 'since' THEN 'mg_created_at >= ' WHEN 'until' THEN 'mg_created_at < ' END || quote_literal(value), ' AND '), 'true') FROM jsonb_each_text(arguments::jsonb));
BEGIN
    pages := 0;
    LOOP
        EXECUTE format('SELECT array_agg(mg_id), max(next_cursor) FROM mega_admin_audits(%s, %L%s)', size, behind, (SELECT coalesce(string_agg(', ' || key || ' => ' || quote_literal(value), ''), '') FROM jsonb_each_text(arguments::jsonb))) INTO page, behind;
        pages := pages + 1;
        seen := seen || coalesce(page, '{}');
        EXIT WHEN behind IS NULL;
    END LOOP;
    rows := coalesce(cardinality(seen), 0);
    distinct_rows := (SELECT count(DISTINCT id) FROM unnest(seen) id);
    in_order := seen IS NOT DISTINCT FROM (SELECT coalesce(array_agg(id ORDER BY mg_created_at DESC, mg_id COLLATE "C" DESC), '{}') FROM unnest(seen) id JOIN mega_admin ON mg_id = id);
    EXECUTE format('SELECT coalesce(array_agg(mg_id ORDER BY mg_created_at DESC, mg_id COLLATE "C" DESC), ''{}'') IS NOT DISTINCT FROM $1 FROM mega_admin WHERE mg_record_type = ''admin_audit'' AND %s', condition) USING seen INTO as_the_table;
    RETURN NEXT;
END
$$;
SELECT what, CASE WHEN what <> 'all' THEN p.pages END AS pages, CASE WHEN what !~ '^all' THEN p.rows END AS rows, p.rows = p.distinct_rows AS each_once, p.in_order, p.as_the_table FROM (VALUES
    ('all', 7, '{}'), ('all, large pages', 1000, '{}'), ('of an action', 4, '{"action": "audits.page 1"}'), ('of a user', 2, '{"user_id": "a0d10000-0000-4000-8000-000000000103"}'), ('about a customer', 4, '{"actor_pass_id": "pass:test:audits-b"}'),
    ('of a user''s action', 1, '{"action": "audits.page 0", "user_id": "a0d10000-0000-4000-8000-000000000100"}'), ('about a customer by a user', 1, '{"actor_pass_id": "pass:test:audits-b", "user_id": "a0d10000-0000-4000-8000-000000000100"}'),
    ('of a time', 2, '{"since": "2025-06-01 12:00", "until": "2025-06-01 12:00:00.000001"}'), ('before it', 2, '{"until": "2025-06-01 12:00"}'), ('of a user''s time', 4, '{"user_id": "a0d10000-0000-4000-8000-000000000100", "since": "2025-06-01", "until": "2025-06-02"}'),
    ('of a backward time', 2, '{"since": "2025-06-02", "until": "2025-06-01"}'), ('of nobody', 5, '{"user_id": "a0d10000-0000-4000-8000-00000000ffff"}')) v(what, size, arguments), LATERAL pg_temp.pages(size, arguments) p;
SELECT mg_id, mg_action, mg_actor_pass_id, mg_user_id, mg_email, mg_ip, mg_route, mg_method, mg_status, mg_detail, mg_created_at IS NOT NULL AS dated, next_cursor FROM mega_admin_audits(action => 'audits.credit') \gx
-- a customer is found as everywhere, however the pass id is written
SELECT count(*) FROM (SELECT mega_ensure_customer('pass:user:a0d10000-0000-4000-8000-00000000000c')) made;
SELECT mg_id FROM mega_record_admin_audit('audits.capitals', 'pass:user:A0D10000-0000-4000-8000-00000000000C', audit_id => 'audits-capitals');
SELECT mg_id, mg_actor_pass_id FROM mega_admin_audits(actor_pass_id => 'pass:user:A0D10000-0000-4000-8000-00000000000C');
SELECT what, pg_temp.outcome('SELECT mega_admin_audits(' || arguments || ')') FROM (VALUES ('no page', '0'), ('too large', '1001'), ('no cursor', $$page_cursor => 'x'$$)) v(what, arguments);

--
-- A page costs what it shows, by each of the ways in which audits are found, also of an admin with few beside others with many,
-- and when the server plans without knowing whose.
--
INSERT INTO mega_admin (mg_id, mg_action, mg_user_id, mg_actor_pass_id)
SELECT 'admin_audit:audits-many-' || n, 'audits.many ' || CASE WHEN n <= 30 THEN 1 ELSE 0 END, ('a0d10000-0000-4000-8000-00000000020' || CASE WHEN n <= 30 THEN 3 ELSE n % 3 END)::uuid, 'pass:test:audits-' || CASE WHEN n <= 30 THEN 'b' ELSE 'a' END FROM generate_series(1, 6000) n;
INSERT INTO mega_admin (mg_id, mg_user_id) SELECT 'admin_session:audits-' || n, ('a0d10000-0000-4000-8000-00000000020' || n % 4)::uuid FROM generate_series(1, 2000) n;
ANALYZE mega_admin;
CREATE FUNCTION pg_temp.read_so_far() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_stat_get_xact_tuples_returned('mega_admin'::regclass) + sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index WHERE indrelid = 'mega_admin'::regclass
$$;
CREATE FUNCTION pg_temp.read_by(arguments text, calls integer) RETURNS TABLE (shown bigint, most bigint) LANGUAGE plpgsql AS $$
DECLARE
    behind text;
    before bigint;
BEGIN
    most := 0;
    FOR n IN 1..calls LOOP
        behind := NULL;
        FOR page IN 1..2 LOOP
            before := pg_temp.read_so_far();
            EXECUTE format('SELECT count(*), max(next_cursor) FROM mega_admin_audits(20, %L%s)', behind, arguments) INTO shown, behind;
            most := greatest(most, pg_temp.read_so_far() - before);
        END LOOP;
    END LOOP;
    RETURN NEXT;
END
$$;
SELECT what, shown, CASE WHEN most BETWEEN 21 AND 100 THEN 'a page''s' ELSE most || ' rows' END AS read FROM (VALUES ('all', ''), ('an action', $$, action => 'audits.many 1'$$), ('a user', $$, user_id => 'a0d10000-0000-4000-8000-000000000203'$$),
    ('a customer', $$, actor_pass_id => 'pass:test:audits-b'$$), ('before now', ', until => now()'), ('a user, before now', $$, user_id => 'a0d10000-0000-4000-8000-000000000203', until => now(), since => '2020-01-01'$$)) v(what, arguments), LATERAL pg_temp.read_by(arguments, 8);
