-- An office of many years: audits by ten admins, a thousand about each customer, sessions, settings with a hundred versions.
-- Variable: audits.
SET session_replication_role = replica;
INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:shopify:o' || n FROM generate_series(0, :audits / 1000 - 1) n;
INSERT INTO mega_admin (mg_id, mg_record_type, mg_action, mg_actor_pass_id, mg_user_id, mg_detail, mg_meta, mg_created_at, mg_updated_at)
SELECT 'admin_audit:a-' || n, 'admin_audit', (ARRAY['credits.grant', 'customer.update', 'login'])[1 + n % 3], 'pass:shopify:o' || n % (:audits / 1000),
    ('00000000-0000-4000-8000-' || lpad((n % 10)::text, 12, '0'))::uuid, '{}', '{}', timestamptz '2020-01-01Z' + n * interval '1 minute', timestamptz '2020-01-01Z' + n * interval '1 minute'
FROM generate_series(1, :audits) n;
INSERT INTO mega_admin (mg_id, mg_record_type, mg_session_hash, mg_user_id, mg_email, mg_first_seen_at, mg_last_seen_at, mg_meta, mg_created_at, mg_updated_at)
SELECT 'admin_session:' || n, 'admin_session', n::text, ('00000000-0000-4000-8000-' || lpad((n % 10)::text, 12, '0'))::uuid, 'ada@studio.example', now(), now(), '{}', now(), now()
FROM generate_series(0, :audits / 10 - 1) n;
RESET session_replication_role;
SELECT count(*) FROM (SELECT mega_set_app_config('prices', to_jsonb(n)) FROM generate_series(1, 100) n) made;
VACUUM (ANALYZE) mega_admin, mega_customers;
