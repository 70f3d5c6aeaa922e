-- A database for sqlsmith: customers with a history, and a role that may do what an admin may and write the tables.
-- sqlsmith calls no function that returns a row of several columns: each function of mega has a sister here that returns
-- the row as text.
CREATE EXTENSION mega;
SELECT count(mega_ensure_customer(shopify_customer_id => n::text, email => n || '@example.com'))
FROM generate_series(1, 500) n;
SELECT count(mega_record_credit('pass:shopify:' || n, 100 + m, 'grant', txn_id => n || '-' || m))
FROM generate_series(1, 500) n, generate_series(1, 10) m;
SELECT count(mega_create_generation('pass:shopify:' || n, 'g' || n)), count(mega_hold_credit('pass:shopify:' || n, 5, 'h' || n))
FROM generate_series(1, 500) n;
SELECT count(mega_append_mma_step('g' || n, 'scan')) FROM generate_series(1, 500) n, generate_series(1, 3) m;
SELECT count(mega_record_mma_event('pass:shopify:' || n, 'like', '{"tag": "light"}', 'g' || n))
FROM generate_series(1, 500) n;
CREATE ROLE smith LOGIN;
SELECT mega_grant('smith', 'admin');
GRANT SELECT, INSERT, UPDATE, DELETE ON mega_customers, mega_generations, mega_admin TO smith;
ALTER ROLE smith SET statement_timeout = '2s';
ALTER ROLE smith SET client_min_messages = 'error';
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.proname, oidvectortypes(p.proargtypes) AS types,
            (SELECT string_agg('$' || i, ', ' ORDER BY i) FROM generate_series(1, p.pronargs) i) AS arguments
        FROM pg_proc p
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega'
        WHERE p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype AND has_function_privilege('smith', p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('CREATE FUNCTION smith_%s(%s) RETURNS text LANGUAGE sql AS %L', f.proname, f.types,
            format('SELECT f::text FROM %s(%s) f LIMIT 1', f.proname, f.arguments));
    END LOOP;
END
$$;
-- From here on the calls are counted.
SELECT pg_stat_reset();
