-- A legacy shop, made from a number, and what an import of it is held against: tables with the same columns, keys, checks
-- and indexes, without triggers. Variables: people, credits, generations.
CREATE SCHEMA legacy;
CREATE TABLE legacy.customers (shopify_customer_id text PRIMARY KEY, user_id uuid, email text, credits int DEFAULT 0, expires_at timestamptz, last_active timestamptz, disabled bool, meta jsonb, created_at timestamptz, updated_at timestamptz);
CREATE TABLE legacy.credit_transactions (id uuid PRIMARY KEY, shopify_customer_id text, delta int, reason text, source text, ref_type text, ref_id text, created_at timestamptz);
CREATE TABLE legacy.generations (id text PRIMARY KEY, type text, session_id uuid, customer_id text, shopify_customer_id text, platform text, prompt text, output_url text, output_key text, provider text, model text, latency_ms int, input_chars int, output_chars int, meta jsonb, created_at timestamptz, updated_at timestamptz);
CREATE FUNCTION legacy.dice(what text, n bigint, sides bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT abs(hashtextextended(what || n, 7) % sides) $$;
CREATE FUNCTION legacy.day(what text, n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$ SELECT '2025-01-01Z'::timestamptz + interval '1 second' * legacy.dice(what, n, 300 * 86400) $$;
INSERT INTO legacy.customers
    SELECT (5000 + n)::text, md5('user' || n)::uuid, 'p' || n || '@example.com', legacy.dice('credits', n, 60), NULL,
        legacy.day('active', n), n % 50 = 0, CASE WHEN n % 3 = 0 THEN '{"tier": "gold"}'::jsonb END, legacy.day('customer', n), legacy.day('active', n)
    FROM generate_series(1, :people) n;
INSERT INTO legacy.credit_transactions
    SELECT md5('credit' || n)::uuid, (5001 + legacy.dice('owner', n, :people))::text, 1 + legacy.dice('delta', n, 9), 'signup_bonus', 'app',
        CASE WHEN n % 2 = 0 THEN 'order' END, CASE WHEN n % 2 = 0 THEN n::text END, legacy.day('credit', n)
    FROM generate_series(1, :credits) n;
INSERT INTO legacy.generations
    SELECT 'g' || n, 'image', md5('session' || n % 1000)::uuid, (5001 + legacy.dice('maker', n, :people))::text,
        (5001 + legacy.dice('maker', n, :people))::text, 'web', 'a bottle of scent in the morning light, number ' || n,
        'https://assets.example.com/' || md5('url' || n) || '.png', md5('url' || n) || '.png', 'seedream', 'v4', 1 + legacy.dice('latency', n, 9000),
        40 + legacy.dice('in', n, 400), 0, '{"size": "1k"}', legacy.day('made', n), legacy.day('made', n) + interval '20 s'
    FROM generate_series(1, :generations) n;
CREATE SCHEMA bare;
CREATE TABLE bare.customers (LIKE mega_customers INCLUDING ALL);
CREATE TABLE bare.generations (LIKE mega_generations INCLUDING ALL);
VACUUM ANALYZE;
