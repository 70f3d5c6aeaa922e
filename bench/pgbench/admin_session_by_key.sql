\set session random(0, :customers - 1)
SELECT mg_id, mg_user_id, mg_email, mg_ip, mg_user_agent, mg_first_seen_at, mg_last_seen_at FROM mega_admin WHERE mg_id = 'admin_session:' || :session::text;
