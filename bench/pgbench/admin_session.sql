\set session random(0, :customers - 1)
SELECT * FROM mega_admin_session(:session::text);
