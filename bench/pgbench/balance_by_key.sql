\set customer random(0, :customers - 1)
SELECT mg_credits, mg_expires_at FROM mega_customers WHERE mg_pass_id = :prefix::text || :customer::text;
