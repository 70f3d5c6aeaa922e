-- Many customers with automatic top-ups, one in a thousand of whom is due. Variable: customers.
SET session_replication_role = replica;
INSERT INTO mega_customers (mg_pass_id, mg_auto_topup_enabled, mg_auto_topup_monthly_limit_packs, mg_credits)
SELECT 'pass:shopify:t' || n, n % 10 = 0, 5, CASE WHEN n % 10000 = 0 THEN 0 ELSE 500 END
FROM generate_series(1, :customers) n;
RESET session_replication_role;
VACUUM (ANALYZE) mega_customers;
