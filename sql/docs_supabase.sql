-- docs/supabase.md: every statement and output there is copied from what this prints. The roles, default privileges and
-- auth.users are those of a self-hosted Supabase; what PostgREST and Realtime send is sent by psql. In a database of its own.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
CREATE ROLE anon NOINHERIT;
CREATE ROLE authenticated NOINHERIT;
CREATE ROLE service_role NOINHERIT BYPASSRLS;
CREATE ROLE authenticator NOINHERIT;
GRANT anon, authenticated, service_role TO authenticator;
CREATE ROLE regress_mega_supabase_admin SUPERUSER;
CREATE DATABASE regress_mega_docs_supabase TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_docs_supabase
SET client_min_messages = warning;
SET lc_messages = 'C';
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
SET ROLE regress_mega_supabase_admin;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
SET client_min_messages = error; -- which of them a server warns of is another's matter
CREATE PUBLICATION supabase_realtime;
RESET client_min_messages;

--
-- 2. The extension.
--
CREATE EXTENSION mega SCHEMA public;
SELECT grantee, privilege_type FROM information_schema.role_table_grants WHERE table_name LIKE 'mega\_%' AND grantee IN ('anon', 'authenticated', 'service_role');

--
-- 3. Roles and policies.
--
SELECT mega_grant('authenticated', 'user');
SELECT object, action FROM mega_enable_rls('authenticated') WHERE object <> 'schema';
SELECT mega_grant('authenticated', 'user');
SELECT mega_grant('service_role', 'admin');
SELECT tablename, policyname, roles FROM pg_policies WHERE tablename = 'mega_customers' ORDER BY policyname;

--
-- 4. People.
--
CREATE FUNCTION public.customer_of_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM public.mega_ensure_customer(user_id => NEW.id, email => NEW.email);
    RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION public.customer_of_new_user() FROM PUBLIC, anon, authenticated;
CREATE TRIGGER customer_of_new_user AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.customer_of_new_user();
INSERT INTO auth.users VALUES
    ('1e11a000-0000-4000-8000-000000000001', 'leila@example.com'),
    ('0a4b0000-0000-4000-8000-000000000002', 'omar@example.com');
SELECT mg_pass_id, mg_user_id, mg_email FROM mega_customers ORDER BY mg_email;
ALTER TABLE mega_customers ADD CONSTRAINT mega_customers_user_id_fkey
    FOREIGN KEY (mg_user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
BEGIN;
SET LOCAL mega.write_path = auto;
SELECT path, reason FROM mega_write_path() WHERE table_name = 'mega_customers';
COMMIT;

--
-- 5. Edge functions: service_role, as PostgREST calls for it.
--
RESET ROLE;
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SELECT set_config('search_path', 'public', true), set_config('role', 'service_role', true), set_config('request.jwt.claims', '{"role": "service_role"}', true) IS NOT NULL AS claims;
WITH pgrst_source AS (
    SELECT pgrst_call.* FROM (SELECT '{"pass_id": "pass:user:1e11a000-0000-4000-8000-000000000001", "delta": 50, "reason": "order", "ref_type": "shopify_order", "ref_id": "5987214399001"}'::json AS json_data) pgrst_payload,
    LATERAL (SELECT "pass_id", "delta", "reason", "ref_type", "ref_id" FROM json_to_record(pgrst_payload.json_data) AS _("pass_id" text, "delta" integer, "reason" text, "ref_type" text, "ref_id" text) LIMIT 1) pgrst_body,
    LATERAL "public"."mega_record_credit"("pass_id" := pgrst_body."pass_id", "delta" := pgrst_body."delta", "reason" := pgrst_body."reason", "ref_type" := pgrst_body."ref_type", "ref_id" := pgrst_body."ref_id") pgrst_call)
SELECT json_agg(t) -> 0 -> 'mg_credits' AS mg_credits, json_agg(t) -> 0 -> 'replayed' AS replayed FROM (SELECT * FROM pgrst_source) t;
COMMIT;
BEGIN;
SET LOCAL ROLE service_role;
SELECT mg_id FROM mega_create_generation('pass:user:1e11a000-0000-4000-8000-000000000001', 'gen_1', 'still', prompt => 'a red chair');
SELECT mg_id FROM mega_create_generation('pass:user:0a4b0000-0000-4000-8000-000000000002', 'gen_2', 'still', prompt => 'a blue one');
COMMIT;

--
-- 6. What signed-in people ask for.
--
BEGIN;
SELECT set_config('search_path', 'public', true), set_config('role', 'authenticated', true), set_config('request.jwt.claims', '{"role": "authenticated", "sub": "1e11a000-0000-4000-8000-000000000001"}', true) IS NOT NULL AS claims;
WITH pgrst_source AS (SELECT "public"."mega_customers"."mg_pass_id", "public"."mega_customers"."mg_credits" FROM "public"."mega_customers")
SELECT coalesce(json_agg(t), '[]') AS body FROM (SELECT * FROM pgrst_source) t;
WITH pgrst_source AS (
    SELECT pgrst_call.* FROM (SELECT '{"pass_id": "pass:user:1e11a000-0000-4000-8000-000000000001"}'::json AS json_data) pgrst_payload,
    LATERAL (SELECT "pass_id" FROM json_to_record(pgrst_payload.json_data) AS _("pass_id" text) LIMIT 1) pgrst_body,
    LATERAL "public"."mega_generation_history"("pass_id" := pgrst_body."pass_id") pgrst_call)
SELECT coalesce(json_agg(t), '[]') AS body FROM (SELECT mg_generation_id, mg_prompt, mg_mma_status FROM pgrst_source) t;
SELECT mg_prompt FROM mega_generations WHERE mg_generation_id = 'gen_2' OR mg_id = 'generation:gen_2';
COMMIT;
BEGIN;
SET LOCAL ROLE authenticated;
SET LOCAL request.jwt.claims = '{"role": "authenticated", "sub": "1e11a000-0000-4000-8000-000000000001"}';
SELECT * FROM mega_balance('pass:user:0a4b0000-0000-4000-8000-000000000002');
ROLLBACK;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT * FROM mega_record_credit('pass:user:1e11a000-0000-4000-8000-000000000001', 1000, 'gift');
ROLLBACK;
BEGIN;
SET LOCAL ROLE anon;
SELECT * FROM mega_customers;
ROLLBACK;

--
-- 7. Realtime: whether a subscriber may see a row, asked as realtime.apply_rls does it.
--
RESET SESSION AUTHORIZATION;
SET ROLE regress_mega_supabase_admin;
ALTER PUBLICATION supabase_realtime ADD TABLE mega_generations;
BEGIN;
SET LOCAL ROLE authenticated;
PREPARE walrus_rls_stmt AS SELECT EXISTS (SELECT 1 FROM public.mega_generations WHERE mg_id = $1) AS may_see;
SET LOCAL request.jwt.claims = '{"role": "authenticated", "sub": "1e11a000-0000-4000-8000-000000000001"}';
EXECUTE walrus_rls_stmt('generation:gen_1');
SET LOCAL request.jwt.claims = '{"role": "authenticated", "sub": "0a4b0000-0000-4000-8000-000000000002"}';
EXECUTE walrus_rls_stmt('generation:gen_1');
COMMIT;

--
-- 8. An account goes.
--
SET ROLE regress_mega_supabase_admin;
DELETE FROM auth.users WHERE id = '0a4b0000-0000-4000-8000-000000000002';
SELECT mg_pass_id, mg_user_id, mg_email FROM mega_customers ORDER BY mg_email;
SELECT mg_pass_id, erased_rows FROM mega_erase_customer('pass:user:0a4b0000-0000-4000-8000-000000000002', actor => 'account deleted');
-- with CASCADE it could not go
BEGIN;
ALTER TABLE mega_customers DROP CONSTRAINT mega_customers_user_id_fkey, ADD CONSTRAINT mega_customers_user_id_fkey
    FOREIGN KEY (mg_user_id) REFERENCES auth.users (id) ON DELETE CASCADE;
DELETE FROM auth.users WHERE id = '1e11a000-0000-4000-8000-000000000001';
ROLLBACK;
-- without a key
ALTER TABLE mega_customers DROP CONSTRAINT mega_customers_user_id_fkey;
CREATE FUNCTION public.user_is_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    UPDATE public.mega_customers SET mg_user_id = NULL WHERE mg_user_id OPERATOR(pg_catalog.=) OLD.id;
    RETURN OLD;
END
$$;
REVOKE EXECUTE ON FUNCTION public.user_is_gone() FROM PUBLIC, anon, authenticated;
CREATE TRIGGER user_is_gone AFTER DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION public.user_is_gone();
DELETE FROM auth.users WHERE id = '1e11a000-0000-4000-8000-000000000001';
SELECT mg_pass_id, mg_user_id FROM mega_customers WHERE mg_email = 'leila@example.com';
BEGIN;
SET LOCAL mega.write_path = auto;
SELECT path FROM mega_write_path() WHERE table_name = 'mega_customers';
COMMIT;

\c :home
DROP DATABASE regress_mega_docs_supabase;
DROP ROLE anon, authenticated, service_role, authenticator, regress_mega_supabase_admin;
