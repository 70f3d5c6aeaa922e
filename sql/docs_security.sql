-- docs/security.md: the matrices there are copied from what this prints, cell by cell a statement that was tried, and so
-- are its examples. In a database of its own.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
CREATE ROLE regress_mega_nobody;
CREATE ROLE regress_mega_user;
CREATE ROLE regress_mega_reader;
CREATE ROLE regress_mega_app;
CREATE ROLE regress_mega_worker;
CREATE ROLE regress_mega_admin;
CREATE ROLE visitor;
CREATE ROLE writer;
CREATE DATABASE regress_mega_docs_security TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_security
SET client_min_messages = warning;
SET lc_messages = 'C';
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION mega;
GRANT USAGE ON SCHEMA public TO regress_mega_nobody;
CREATE SCHEMA elsewhere;
GRANT ALL ON SCHEMA elsewhere TO PUBLIC;
SELECT mega_grant('regress_mega_reader', 'reader'), mega_grant('regress_mega_app', 'app'), mega_grant('regress_mega_worker', 'worker'), mega_grant('regress_mega_admin', 'admin');

-- Whether a role may run a statement: nothing of it stays, and every answer but "permission denied" is a yes.
CREATE FUNCTION may(who text, statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', who, true);
    EXECUTE statement;
    RAISE 'tried' USING ERRCODE = 'ZZ000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE <> '42501' OR SQLERRM NOT LIKE 'permission denied for %';
END
$$;
CREATE VIEW called AS
SELECT p.proname, (CASE p.prokind WHEN 'p' THEN 'CALL ' ELSE 'SELECT ' END) || p.oid::regproc || '(' ||
    coalesce((SELECT string_agg('NULL::' || format_type(a.t, NULL), ', ' ORDER BY a.i) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, i)), '') || ')' AS statement
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega'
WHERE p.prorettype <> 'trigger'::regtype;
CREATE FUNCTION yes(boolean) RETURNS text LANGUAGE sql AS $$SELECT CASE WHEN $1 THEN 'yes' ELSE '' END$$;
BEGIN; -- row security is for the level user alone here
SELECT count(*) > 0 AS done FROM mega_enable_rls('regress_mega_user');
SELECT mega_grant('regress_mega_user', 'user');
\pset format unaligned
\pset tuples_only on
-- functions: everybody, user, reader, app, worker, admin
SELECT format('| `%s` | %s | %s | %s | %s | %s | %s |', proname, yes(may('regress_mega_nobody', statement)), yes(may('regress_mega_user', statement)), yes(may('regress_mega_reader', statement)), yes(may('regress_mega_app', statement)), yes(may('regress_mega_worker', statement)), yes(may('regress_mega_admin', statement)))
FROM called ORDER BY proname;
-- tables: what each may do
SELECT format('| `%s` %s | %s | %s | %s | %s | %s | %s |', t.name, a.what, yes(may('regress_mega_nobody', statement)), yes(may('regress_mega_user', statement)), yes(may('regress_mega_reader', statement)), yes(may('regress_mega_app', statement)), yes(may('regress_mega_worker', statement)), yes(may('regress_mega_admin', statement)))
FROM (VALUES (1, 'mega_customers'), (2, 'mega_generations'), (3, 'mega_admin')) t(nr, name),
    LATERAL (VALUES (1, 'SELECT', 'SELECT FROM ' || t.name), (2, 'INSERT', 'INSERT INTO ' || t.name || ' DEFAULT VALUES'), (3, 'UPDATE', 'UPDATE ' || t.name || ' SET mg_meta = NULL'), (4, 'DELETE', 'DELETE FROM ' || t.name),
        (5, 'TRUNCATE', 'TRUNCATE ' || t.name || ' CASCADE'), (6, 'TRIGGER', 'CREATE TRIGGER t AFTER INSERT ON ' || t.name || ' EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()'),
        (7, 'REFERENCES', 'CREATE TABLE elsewhere.r (i text REFERENCES ' || t.name || ')')) a(nr, what, statement)
ORDER BY t.nr, a.nr;
\pset tuples_only off
\pset format aligned
ROLLBACK;
-- trigger functions can be hung on a table by nobody but the owner
SELECT count(*) AS trigger_functions, count(*) FILTER (WHERE has_function_privilege(r, p.oid, 'EXECUTE')) AS others_may
FROM pg_proc p, unnest('{regress_mega_nobody,regress_mega_reader,regress_mega_app,regress_mega_worker,regress_mega_admin}'::text[]) r WHERE p.proname LIKE 'mega\_trigger\_%';

--
-- The examples.
--
SELECT mg_pass_id FROM mega_ensure_customer('pass:shopify:1001');
SELECT mg_pass_id FROM mega_ensure_customer('pass:shopify:1002');
SELECT mg_credits FROM mega_record_credit('pass:shopify:1001', 50, 'order');
SELECT mg_credits FROM mega_record_credit('pass:shopify:1002', 70, 'order');
SELECT mg_id FROM mega_create_generation('pass:shopify:1002', 'gen_7');
SELECT mega_grant('visitor', 'app');
SET ROLE visitor;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
RESET ROLE;
ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE mega_generations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mega_customers TO visitor USING (mg_pass_id = current_setting('shop.customer', true));
CREATE POLICY own ON mega_generations TO visitor USING (mg_pass_id = current_setting('shop.customer', true));
SET ROLE visitor;
SET shop.customer = 'pass:shopify:1001';
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;
SELECT mg_credits FROM mega_balance('pass:shopify:1002');
SELECT mg_credits FROM mega_record_credit('pass:shopify:1002', -10, 'spend');
SELECT mg_credits FROM mega_record_credit('pass:shopify:1002', -80, 'spend');
SELECT * FROM mega_update_generation('gen_7', 'scanning', pass_id => 'pass:shopify:1001');
RESET ROLE;
GRANT USAGE ON SCHEMA public TO writer;
GRANT INSERT, SELECT ON mega_generations TO writer;
CREATE POLICY writes ON mega_generations TO writer USING (true) WITH CHECK (true);
SET ROLE writer;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
VALUES ('credit_transaction:gift-1', 'pass:shopify:1001', 5, 'gift');
UPDATE mega_customers SET mg_credits = 1000;
RESET ROLE;
SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1;

\c :home
DROP DATABASE regress_mega_docs_security;
DROP ROLE regress_mega_nobody, regress_mega_user, regress_mega_reader, regress_mega_app, regress_mega_worker, regress_mega_admin, visitor, writer;
