-- The office: sessions of admins, profiles, runtime configuration and application settings (I5, I6).
-- Customers of this file: pass:test:office-*; sessions, keys and profiles named office or 0ff1ce…
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening

--
-- Sessions: begun once, seen again, ended for good.
--
SELECT mg_id, mg_first_seen_at = mg_last_seen_at AS at_once, created FROM mega_touch_admin_session('office-1', '0ff1ce00-0000-4000-8000-000000000001', ' ada@example.com', '10.0.0.1', 'Firefox');
SELECT mg_id, mg_session_hash, mg_user_id, mg_email, mg_ip, mg_user_agent, mg_source_system, mg_deleted_at FROM mega_admin WHERE mg_id = 'admin_session:office-1' \gx
-- what is told again replaces, what is not stays
SELECT t.mg_id, t.mg_first_seen_at < t.mg_last_seen_at AS later, created, a.mg_user_id, a.mg_email, a.mg_ip, a.mg_user_agent FROM mega_touch_admin_session('admin_session:office-1', ip => '2001:DB8::7') t, LATERAL mega_admin_session('office-1') a;
SELECT created FROM mega_touch_admin_session('office-1', email => ' ', user_agent => '');
SELECT mg_user_id, mg_email, mg_ip, mg_user_agent, mg_first_seen_at < mg_last_seen_at AS later FROM mega_admin_session('admin_session:office-1');
-- seen in the future by a clock that went wrong, first seen in the past: neither moves the wrong way, nor does an older request tell what it is now
UPDATE mega_admin SET mg_first_seen_at = '2020-01-01', mg_last_seen_at = '2099-01-01' WHERE mg_id = 'admin_session:office-1';
SELECT mg_first_seen_at, mg_last_seen_at, created FROM mega_touch_admin_session('office-1', ip => '10.0.0.9', user_agent => 'older');
SELECT mg_ip, mg_user_agent FROM mega_admin_session('office-1');
UPDATE mega_admin SET mg_first_seen_at = '2098-01-01', mg_last_seen_at = '2020-01-01', mg_ip = NULL WHERE mg_id = 'admin_session:office-1';
SELECT mg_first_seen_at < now() + interval '1 minute' AS first_came_back, mg_last_seen_at > now() - interval '1 minute' AS last_went_on FROM mega_touch_admin_session('office-1');
-- somebody else's, and what is no session
SELECT what, pg_temp.outcome('SELECT mega_touch_admin_session(' || arguments || ')') FROM (VALUES ('the same user', $$'office-1', '0ff1ce00-0000-4000-8000-000000000001'$$), ('another user', $$'office-1', '0ff1ce00-0000-4000-8000-000000000002'$$), ('no hash', 'NULL'), ('blank hash', $$' '$$), ('long hash', $$repeat('h', 513)$$), ('ip', $$'office-1', ip => 'here'$$)) v(what, arguments);
-- idle: the row stands, but is no session any more
UPDATE mega_admin SET mg_last_seen_at = clock_timestamp() - interval '20 minutes' WHERE mg_id = 'admin_session:office-1';
SELECT idle, count(s) FROM unnest('{NULL,1 hour,21 minutes,19 minutes,0}'::interval[]) idle LEFT JOIN LATERAL mega_admin_session('office-1', idle) s ON true GROUP BY idle ORDER BY idle;
SELECT pg_temp.outcome($$SELECT mega_admin_session('office-1', '-1 minute')$$), pg_temp.outcome($$SELECT mega_admin_session(NULL)$$), pg_temp.outcome($$SELECT mega_admin_session('office-1', '300000 years')$$) AS beyond_all_time;
SELECT count(*) FROM mega_admin_session('office-nobody');
-- ended
SELECT mega_end_admin_session('office-1') AS ended, mega_end_admin_session('office-1') AS again, mega_end_admin_session('office-nobody') AS nobody, mega_end_admin_session('admin_session:office-1') AS whole_id;
SELECT count(*) FROM mega_admin_session('office-1');
SELECT pg_temp.outcome($$SELECT mega_touch_admin_session('office-1', '0ff1ce00-0000-4000-8000-000000000001')$$), pg_temp.outcome('SELECT mega_end_admin_session(NULL)');
SELECT mg_last_seen_at < now() - interval '19 minutes' AS not_seen FROM mega_admin WHERE mg_id = 'admin_session:office-1';
-- nobody's yet: the first who says who he is
SELECT created FROM mega_touch_admin_session('office-2');
SELECT created FROM mega_touch_admin_session('office-2', '0ff1ce00-0000-4000-8000-000000000002');
SELECT mg_user_id FROM mega_admin_session('office-2');

--
-- Profiles.
--
SELECT mg_pass_id, created FROM (VALUES ('pass:test:office-1', NULL, '0ff1ce00-0000-4000-8000-0000000000a1'::uuid), ('pass:test:office-2', '909', NULL), ('pass:test:office-3', NULL, NULL)) v(pass_id, shop, user_id), LATERAL mega_ensure_customer(pass_id, shop, user_id) ORDER BY 1;
CREATE FUNCTION pg_temp.link(number integer, arguments text) RETURNS TABLE (created boolean, mg_user_id text, mg_email text, mg_shopify_customer_id text, mg_actor_pass_id text) LANGUAGE plpgsql AS $$
DECLARE
    id CONSTANT uuid := '0ff1ce00-0000-4000-9000-00000000000' || number;
BEGIN
    EXECUTE format('SELECT created FROM mega_link_profile(%L%s)', id, arguments) INTO created;
    SELECT right(p.mg_user_id::text, 2), p.mg_email, p.mg_shopify_customer_id, p.mg_actor_pass_id INTO link.mg_user_id, link.mg_email, link.mg_shopify_customer_id, link.mg_actor_pass_id FROM mega_profile(id) p;
    RETURN NEXT;
END
$$;
SELECT what, l.* FROM (VALUES (1, 1, 'nothing known', ''), (2, 1, 'a user who is a customer', $$, user_id => '0ff1ce00-0000-4000-8000-0000000000a1'$$), (3, 1, 'the same again', $$, user_id => '0ff1ce00-0000-4000-8000-0000000000a1'$$), (4, 1, 'an e-mail', $$, email => ' a@example.com '$$),
    (5, 1, 'another customer, said so', $$, pass_id => 'pass:test:office-3'$$), (6, 1, 'which stays, whatever else is told', $$, email => 'b@example.com'$$), (7, 1, 'another user, no customer', $$, user_id => '0ff1ce00-0000-4000-8000-0000000000a9'$$), (8, 2, 'by Shopify id', $$, shopify_customer_id => 'gid://shopify/Customer/909'$$),
    (9, 2, 'no Shopify id', $$, shopify_customer_id => 'anonymous'$$), (10, 3, 'by a pass id', $$, pass_id => 'pass:test:office-3', email => ''$$), (11, 3, 'which stays', $$, email => 'c@example.com'$$)) v(nr, number, what, arguments), LATERAL pg_temp.link(number, arguments) l ORDER BY nr;
SELECT what, pg_temp.outcome('SELECT mega_link_profile(' || arguments || ')') FROM (VALUES ('no id', 'NULL'), ('unknown customer', $$'0ff1ce00-0000-4000-9000-000000000004', pass_id => 'pass:test:office-nobody'$$), ('blank customer', $$'0ff1ce00-0000-4000-9000-000000000004', pass_id => ''$$),
    ('two customers', $$'0ff1ce00-0000-4000-9000-000000000004', '0ff1ce00-0000-4000-8000-0000000000a1', shopify_customer_id => '909'$$), ('the other one''s', $$'0ff1ce00-0000-4000-9000-000000000002', '0ff1ce00-0000-4000-8000-0000000000a1'$$), ('one of them, said so', $$'0ff1ce00-0000-4000-9000-000000000004', '0ff1ce00-0000-4000-8000-0000000000a1', shopify_customer_id => '909', pass_id => 'pass:test:office-2'$$),
    ('long Shopify id', $$'0ff1ce00-0000-4000-9000-000000000004', shopify_customer_id => repeat('9', 513)$$), ('e-mail', $$'0ff1ce00-0000-4000-9000-000000000004', email => E'a\nb'$$)) v(what, arguments);
SELECT what, p.* FROM (VALUES (1, 'by id', '0ff1ce00-0000-4000-9000-000000000001'::uuid, NULL::uuid), (2, 'by user', NULL, '0ff1ce00-0000-4000-8000-0000000000a1'), (3, 'by both', '0ff1ce00-0000-4000-9000-000000000004', '0ff1ce00-0000-4000-8000-0000000000a1'), (4, 'of another', '0ff1ce00-0000-4000-9000-000000000001', '0ff1ce00-0000-4000-8000-0000000000a1'),
    (5, 'nobody', '0ff1ce00-0000-4000-9000-00000000000f', NULL)) v(nr, what, id, user_id) LEFT JOIN LATERAL mega_profile(id, user_id) p ON true ORDER BY nr;
SELECT pg_temp.outcome('SELECT mega_profile()');
-- a mark hides a profile, and linking brings it back
UPDATE mega_admin SET mg_deleted_at = now() WHERE mg_id = 'profile:0ff1ce00-0000-4000-9000-000000000003';
SELECT count(*) FROM mega_profile('0ff1ce00-0000-4000-9000-000000000003');
SELECT created FROM mega_link_profile('0ff1ce00-0000-4000-9000-000000000003');
SELECT mg_email, mg_actor_pass_id FROM mega_profile('0ff1ce00-0000-4000-9000-000000000003');

--
-- What stands in the way is named.
--
CREATE FUNCTION pg_temp.in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER office_in_the_way BEFORE UPDATE ON mega_admin FOR EACH ROW EXECUTE FUNCTION pg_temp.in_the_way();
SELECT what, pg_temp.outcome('SELECT ' || call) FROM (VALUES ('session', $$mega_touch_admin_session('office-2')$$), ('end', $$mega_end_admin_session('office-2')$$), ('profile', $$mega_link_profile('0ff1ce00-0000-4000-9000-000000000003')$$)) v(what, call);
DROP TRIGGER office_in_the_way ON mega_admin;
-- a row that another trigger makes one that breaks a rule is not stored
CREATE FUNCTION pg_temp.changes() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.mg_session_hash := 'other'; RETURN NEW; END$$;
CREATE TRIGGER office_changes BEFORE INSERT ON mega_admin FOR EACH ROW EXECUTE FUNCTION pg_temp.changes();
SELECT pg_temp.outcome($$SELECT mega_touch_admin_session('office-3')$$), pg_temp.outcome($$INSERT INTO mega_admin (mg_id) VALUES ('admin_session:office-4')$$);
DROP TRIGGER office_changes ON mega_admin;
