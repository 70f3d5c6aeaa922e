-- Names: what the owner of a database plants in the schema that mega goes to, or anybody in a schema that stands in a
-- search_path, never runs with the rights of who creates the extension or calls it, and makes nothing fail. Rivals of
-- every function, operator, type, cast and relation that mega's SQL names, in a database of its own.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_mega_mallory;
CREATE ROLE regress_mega_people;
SELECT current_database() AS home, quote_ident(current_user) AS superuser \gset
CREATE DATABASE regress_mega_names OWNER regress_mega_mallory TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_names
SET client_min_messages = warning;
CREATE SCHEMA witness;
GRANT USAGE ON SCHEMA witness TO PUBLIC;
CREATE SEQUENCE witness.runs MINVALUE 0; -- counts what rolls back, too
GRANT USAGE ON SEQUENCE witness.runs TO PUBLIC;
SELECT nextval('witness.runs');
-- every function of mega, called with simple arguments by whoever looks into nothing but pg_catalog
CREATE FUNCTION witness.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    touched bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN pg_catalog.concat('ok ', touched);
EXCEPTION WHEN OTHERS THEN
    RETURN pg_catalog.concat(SQLSTATE, ' ', SQLERRM);
END
$$;
CREATE FUNCTION witness.call(function oid, version text, bare boolean) RETURNS text LANGUAGE sql AS $$
SELECT pg_catalog.format('SELECT * FROM %s.%I(%s)', p.pronamespace::pg_catalog.regnamespace, p.proname,
    pg_catalog.string_agg(pg_catalog.format('%s::%s', CASE
        WHEN bare AND a.number OPERATOR(pg_catalog.>) (p.pronargs OPERATOR(pg_catalog.-) p.pronargdefaults) AND a.name OPERATOR(pg_catalog.~) '(_id|cursor|ref_type)$' THEN 'NULL'
        WHEN p.proname OPERATOR(pg_catalog.=) 'mega_erase_customer' AND a.name OPERATOR(pg_catalog.=) 'pass_id' THEN pg_catalog.quote_literal(pg_catalog.concat('pass:names:e', version))
        WHEN p.proname OPERATOR(pg_catalog.=) 'mega_merge_customers' AND a.name OPERATOR(pg_catalog.~) '^(source|target)$' THEN CASE WHEN a.name OPERATOR(pg_catalog.=) 'source' THEN '''pass:names:3''' ELSE '''pass:names:1''' END
        WHEN a.name OPERATOR(pg_catalog.~) '^(source|reason|level|dry_run|email|step_type|event_type|error|output_url|entries|steps|events|worker|line|lease|max_age|ref_type|at|as_of|expires_in|search|method|action|expected_version|profile_id|runtime_id|ip|trust)$' THEN
            pg_catalog.quote_literal(pg_catalog.jsonb_build_object('source', 'shopify', 'reason', 'names', 'level', 'reader', 'dry_run', 'false', 'trust', 'ledger', 'email', 'n@example.com',
                'step_type', 'gpt_reader', 'event_type', 'like', 'error', '{"message": "no"}', 'output_url', 'https://cdn.example.com/a.png', 'ref_type', 'order', 'at', '2030-01-01', 'as_of', '2020-01-01', 'expires_in', '1 hour', 'search', 'names', 'method', 'manual', 'worker', 'names', 'line', 'looking', 'lease', '1 hour', 'max_age', '1 hour',
                'steps', '[{"step_type": "a"}]', 'events', '[{"pass_id": "pass:names:1", "event_type": "like"}]',
                'action', 'names', 'expected_version', '0', 'profile_id', 'c0ffee00-0000-4000-8000-0000000000e5', 'runtime_id', '1', 'ip', '10.0.0.1',
                'entries', '[{"pass_id": "pass:names:1", "delta": 1, "reason": "names"}]') OPERATOR(pg_catalog.->>) a.name)
        WHEN p.proname OPERATOR(pg_catalog.=) 'mega_tweak_generation' AND a.name OPERATOR(pg_catalog.=) 'parent_generation_id' THEN pg_catalog.quote_literal(pg_catalog.concat('generation_id', version))
        WHEN a.name OPERATOR(pg_catalog.~) '^key$|_hash$' THEN pg_catalog.quote_literal(pg_catalog.concat(a.name, version))
        WHEN a.name OPERATOR(pg_catalog.~) 'pass_id$' THEN pg_catalog.quote_literal(CASE WHEN a.name OPERATOR(pg_catalog.~) '^to' THEN 'pass:names:2' ELSE 'pass:names:1' END)
        WHEN a.name OPERATOR(pg_catalog.~) '_(cursor|id)$' AND a.type OPERATOR(pg_catalog.~) 'uuid$' OR a.name OPERATOR(pg_catalog.~) '(cursor|shopify_customer_id|parent_generation_id|mma_status)$' THEN 'NULL'
        WHEN a.name OPERATOR(pg_catalog.~) '_id$' THEN pg_catalog.quote_literal(pg_catalog.concat(a.name, version))
        WHEN a.name OPERATOR(pg_catalog.=) 'role' THEN CASE WHEN p.proname OPERATOR(pg_catalog.=) 'mega_enable_rls' THEN '''regress_mega_people''' ELSE '''regress_mega_mallory''' END
        WHEN a.type OPERATOR(pg_catalog.=) 'integer' THEN '1' WHEN a.type OPERATOR(pg_catalog.~) 'jsonb$' THEN '''{}''' ELSE 'NULL' END,
        CASE WHEN a.type OPERATOR(pg_catalog.~) '^[a-z]+$' AND a.type OPERATOR(pg_catalog.!~) '^(integer|boolean|bigint|interval)$' THEN 'pg_catalog.' ELSE '' END OPERATOR(pg_catalog.||) a.type), ', ' ORDER BY a.number) FILTER (WHERE a.number IS NOT NULL))
FROM pg_catalog.pg_proc p LEFT JOIN LATERAL (
    SELECT t.number, p.proargnames[t.number] AS name, pg_catalog.format_type(t.type, NULL) AS type FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY t(type, number)) a ON true
WHERE p.oid OPERATOR(pg_catalog.=) function GROUP BY p.pronamespace, p.proname
$$;
CREATE TABLE witness.found (run text, what text, outcome text, PRIMARY KEY (run, what));
CREATE FUNCTION witness.everything(run text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one pg_catalog.record;
BEGIN
    FOR one IN
        SELECT v.what, v.statement FROM (
            SELECT 1 AS place, s.what, s.statement FROM (VALUES
                ('customers', 'INSERT INTO public.mega_customers (mg_pass_id, mg_email) VALUES (''pass:names:1'', ''n@example.com''), (''pass:names:2'', NULL), (''pass:names:3'', NULL), (''pass:names:e' OPERATOR(pg_catalog.||) run OPERATOR(pg_catalog.||) ''', NULL) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_locale = ''en'''),
                ('raw credit', 'INSERT INTO public.mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES (''credit_transaction:raw-' OPERATOR(pg_catalog.||) run OPERATOR(pg_catalog.||) ''', ''pass:names:1'', 100, ''grant'')'),
                ('raw event', 'INSERT INTO public.mega_generations (mg_id, mg_pass_id, mg_meta) VALUES (''mma_event:raw-' OPERATOR(pg_catalog.||) run OPERATOR(pg_catalog.||) ''', ''pass:names:1'', ''{"event_type": "like", "payload": {"tags": ["a"]}}'')'),
                ('raw update', 'UPDATE public.mega_generations SET mg_title = ''x'' WHERE mg_id OPERATOR(pg_catalog.=) ''credit_transaction:raw-' OPERATOR(pg_catalog.||) run OPERATOR(pg_catalog.||) ''''),
                ('raw customer', 'UPDATE public.mega_customers SET mg_display_name = ''' OPERATOR(pg_catalog.||) run OPERATOR(pg_catalog.||) ''' WHERE mg_pass_id OPERATOR(pg_catalog.=) ''pass:names:1'''),
                ('office', 'INSERT INTO public.mega_admin (mg_id, mg_action) VALUES (''admin_audit:' OPERATOR(pg_catalog.||) run OPERATOR(pg_catalog.||) ''', ''x'')'),
                ('statement, page 2', 'SELECT * FROM public.mega_credit_statement(''pass:names:1''::pg_catalog.text, 1, (SELECT next_cursor FROM public.mega_credit_statement(''pass:names:1''::pg_catalog.text, 1, NULL::pg_catalog.text)))'),
                ('events, page 2', 'SELECT * FROM public.mega_mma_events(''pass:names:1''::pg_catalog.text, 1, (SELECT next_cursor FROM public.mega_mma_events(''pass:names:1''::pg_catalog.text, 1, NULL::pg_catalog.text, NULL::pg_catalog.text)), NULL::pg_catalog.text)'),
                ('row deleted', 'DELETE FROM public.mega_generations'), ('truncate', 'TRUNCATE public.mega_admin')) s(what, statement)
            UNION ALL
            SELECT CASE WHEN p.proname OPERATOR(pg_catalog.~) 'ensure|start|touch' THEN 2 WHEN p.proname OPERATOR(pg_catalog.~) 'create' THEN 3 WHEN p.proname OPERATOR(pg_catalog.~) 'record|hold_credit|merge' THEN 4 WHEN p.proname OPERATOR(pg_catalog.~) 'release_credit|complete' THEN 6 WHEN p.proname OPERATOR(pg_catalog.~) 'fail' THEN 7 ELSE 5 END, p.proname OPERATOR(pg_catalog.||) CASE WHEN b.bare THEN ' in short' ELSE '' END, witness.call(p.oid, run, b.bare)
            FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid AND e.extname OPERATOR(pg_catalog.=) 'mega' JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid, (VALUES (false), (true)) b(bare)
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype OPERATOR(pg_catalog.=) 'e' AND p.prokind OPERATOR(pg_catalog.=) 'f' AND p.proname OPERATOR(pg_catalog.!~) '^mega_trigger_') v
        ORDER BY v.place, v.what COLLATE pg_catalog."C"
    LOOP
        INSERT INTO witness.found VALUES (run, one.what, pg_catalog.replace(witness.outcome(one.statement), run, '<run>'));
    END LOOP;
END
$$;

--
-- How everything ends where nobody planted anything.
--
CREATE EXTENSION mega SCHEMA public;
SELECT witness.everything('first'), witness.everything('calm');
SELECT what, outcome FROM witness.found WHERE run = 'calm' AND outcome NOT LIKE 'ok %' ORDER BY what COLLATE "C";
CREATE TABLE witness.members AS SELECT p.proname::text AS name, p.proargtypes::oid[] AS types, p.pronargdefaults AS defaults
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega' JOIN pg_proc p ON p.oid = d.objid WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e';
GRANT SELECT ON witness.members TO regress_mega_mallory;
DROP EXTENSION mega CASCADE;
DROP TABLE public.mega_admin, public.mega_generations, public.mega_customers;

--
-- The rivals. Each counts that it ran, and says so.
--
CREATE SCHEMA evil AUTHORIZATION regress_mega_mallory;
CREATE SCHEMA IF NOT EXISTS :superuser AUTHORIZATION regress_mega_mallory; -- "$user"
GRANT ALL ON SCHEMA public TO regress_mega_mallory;
CREATE FUNCTION witness.rival(place text, name text, arguments text, result text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION %s.%I(%s) RETURNS %s LANGUAGE plpgsql IMMUTABLE AS $_$BEGIN PERFORM pg_catalog.nextval(''witness.runs''); RAISE WARNING %L; RETURN NULL; END$_$',
        place, name, arguments, result, pg_catalog.format('planted: %s.%s(%s) runs', place, name, arguments));
END
$$;
-- What a rival answers: where it is not what the place needs, already its being chosen is an error.
CREATE FUNCTION witness.plant(place text, truth text, other text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog SET check_function_bodies = off AS $$
DECLARE
    types CONSTANT text[] := '{oid,regclass,regrole,regprocedure,name,text,"character varying","\"char\"",smallint,integer,bigint,numeric,boolean,jsonb,uuid,"timestamp with time zone",interval,text[],name[],aclitem[],int2vector,pg_node_tree}';
    few CONSTANT text[] := '{oid,regclass,name,text,"character varying","\"char\"",integer,jsonb,"timestamp with time zone",text[]}';
    functions CONSTANT text[] := '{quote_ident,has_any_column_privilege,has_function_privilege,has_schema_privilege,has_table_privilege,abs,acldefault,array_remove,array_to_tsvector,string_to_array,aclexplode,bit_xor,bool_or,btrim,cardinality,clock_timestamp,concat_ws,convert_to,count,current_setting,date_bin,date_trunc,encode,format,format_type,gen_random_uuid,getdatabaseencoding,hash_record_extended,hashtextextended,isfinite,json_build_object,jsonb_agg,jsonb_array_elements_text,jsonb_array_length,jsonb_build_array,jsonb_build_object,jsonb_each_text,jsonb_object_keys,jsonb_set,jsonb_typeof,lower,max,md5,min,now,octet_length,obj_description,pg_get_constraintdef,pg_get_expr,pg_get_indexdef,pg_sleep,regexp_replace,regexp_split_to_array,replace,round,row_number,set_config,sha256,split_part,starts_with,strpos,string_agg,substr,substring,sum,timezone,to_char,to_json,to_jsonb,unnest}';
    one record;
BEGIN
    PERFORM witness.rival(place, f.name, pg_catalog.concat_ws(', ', a.one), other) FROM unnest(functions) f(name), unnest(types || NULL) a(one);
    PERFORM witness.rival(place, f.name, a.one || ', ' || b.one, other) FROM unnest(functions) f(name), unnest(few) a(one), unnest(few) b(one)
        WHERE EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = f.name AND (p.pronargs = 2 OR p.provariadic <> 0));
    PERFORM witness.rival(place, p.proname, pg_catalog.oidvectortypes(p.proargtypes), other) FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (functions) AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) t(type), pg_catalog.pg_type y WHERE y.oid = t.type AND y.typtype = 'p');
    -- operators between all these types, exact ones and better ones
    PERFORM witness.rival(place, 'rival_operator', l.one || ', ' || r.one, truth) FROM unnest(types) l(one), unnest(types) r(one);
    FOR one IN SELECT l.one AS l, r.one AS r, o.name FROM unnest(types) l(one), unnest(types) r(one), unnest('{=,<>,<,<=,>,>=,||,~~,@@,@>}'::text[]) o(name)
        UNION ALL SELECT l.one, r.one, o.name FROM unnest(few) l(one), unnest(few) r(one), unnest('{->,->>,#>,#>>,?,?|,?&,~,+,-}'::text[]) o(name)
    LOOP
        EXECUTE pg_catalog.format('CREATE OPERATOR %s.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %s.rival_operator)', place, one.name, one.l, one.r, place);
    END LOOP;
    -- a type that everything becomes, with operators and functions of its own
    EXECUTE pg_catalog.format('CREATE TYPE %s.rival AS (x integer)', place);
    FOR one IN SELECT t.one AS type FROM unnest(types) t(one) LOOP
        PERFORM witness.rival(place, 'rival_cast', one.type, place || '.rival');
        EXECUTE pg_catalog.format('CREATE CAST (%s AS %s.rival) WITH FUNCTION %2$s.rival_cast(%1$s) AS IMPLICIT', one.type, place);
    END LOOP;
    PERFORM witness.rival(place, 'rival_operator', place || '.rival, ' || place || '.rival', truth);
    FOR one IN SELECT o.name FROM unnest('{=,<>,<,>,||}'::text[]) o(name) LOOP
        EXECUTE pg_catalog.format('CREATE OPERATOR %s.%s (LEFTARG = %1$s.rival, RIGHTARG = %1$s.rival, FUNCTION = %1$s.rival_operator)', place, one.name);
    END LOOP;
    -- overloads of mega's own: nearer ones for varchar, for fewer arguments, for other JSON and other numbers
    PERFORM witness.rival(place, m.name, '', 'text') FROM witness.members m WHERE cardinality(m.types) > 0;
    PERFORM witness.rival(place, m.name, (SELECT string_agg(CASE t.type WHEN 'text'::regtype THEN 'varchar' WHEN 'jsonb'::regtype THEN 'json' WHEN 'integer'::regtype THEN 'bigint' WHEN 'regrole'::regtype THEN 'text'
        WHEN 'boolean'::regtype THEN 'text' ELSE format_type(t.type, NULL) END, ', ' ORDER BY t.n) FROM unnest(m.types) WITH ORDINALITY t(type, n)), 'text')
    FROM witness.members m WHERE m.types && '{text,jsonb,integer,regrole,boolean}'::regtype[]::oid[];
    -- collations, and at last types and relations of Postgres' names
    EXECUTE pg_catalog.format('CREATE COLLATION %s."C" FROM "POSIX"', place);
    PERFORM witness.rival(place, 'rival_check', 'integer', 'boolean');
    FOR one IN SELECT t.name FROM unnest('{text,jsonb,uuid,timestamptz,timestamp,date,int2,int4,int8,bool,numeric,name,oid,regclass,regrole,regprocedure,record,interval,trigger,tsquery}'::text[]) t(name) LOOP
        EXECUTE pg_catalog.format('CREATE DOMAIN %s.%I AS integer CHECK (%1$s.rival_check(VALUE))', place, one.name);
    END LOOP;
    FOR one IN SELECT c.relname AS name, (SELECT string_agg('c.' || attname, ', ') FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND attname NOT IN ('attmissingval')) AS columns FROM pg_catalog.pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
        AND c.relname ~ '^pg_(policy|auth_members|attribute|attrdef|class|constraint|depend|description|index|settings|trigger|am|extension|proc|type|namespace|roles|authid)$' LOOP
        EXECUTE pg_catalog.format('CREATE VIEW %s.%I AS SELECT %3$s FROM pg_catalog.%2$I c WHERE %1$s.rival_check(1) IS NULL', place, one.name, one.columns);
    END LOOP;
END
$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA witness TO PUBLIC;
SET ROLE regress_mega_mallory;
SELECT witness.plant('public', 'boolean', 'text'), witness.plant('evil', 'macaddr', 'macaddr');
SELECT witness.plant(:'superuser', 'boolean', 'text');
RESET ROLE;
SET search_path = pg_catalog; -- for this script's own names, too
SELECT n.nspname = current_user AS of_the_user, count(*) > 2000 AS functions, (SELECT count(*) > 4000 FROM pg_operator o WHERE o.oprnamespace = n.oid) AS operators, bool_and(p.proowner = 'regress_mega_mallory'::regrole) AS planted
FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid WHERE n.nspname IN ('public', 'evil', current_user) GROUP BY n.oid, n.nspname ORDER BY n.nspname = current_user, n.nspname COLLATE "C";

--
-- A superuser creates the extension where all of that stands, and calls everything.
--
\c -
SET client_min_messages = warning;
CREATE EXTENSION mega SCHEMA public;
SELECT witness.everything('planted first'), witness.everything('planted');
SET search_path = pg_catalog;
SELECT last_value AS runs FROM witness.runs;

--
-- Paths that lead to the rivals first, on both ways of writing, in sessions that planned before and that did not.
--
CREATE FUNCTION witness.along(path text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    way pg_catalog.text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', path, false);
    FOREACH way IN ARRAY '{auto,sql}'::pg_catalog.text[] LOOP
        PERFORM pg_catalog.set_config('mega.write_path', way, false);
        PERFORM witness.everything(pg_catalog.concat(pg_catalog.md5(path), way));
    END LOOP;
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', false);
END
$$;
SELECT witness.along('evil, public'), witness.along('evil, public, pg_catalog');
\c -
SET client_min_messages = warning;
SELECT witness.along('"$user", evil, pg_catalog'), witness.along('public, pg_catalog');
\c -
-- what is temporary is found before pg_catalog, unless the path says where it stands
SET search_path = pg_catalog;
SET client_min_messages = warning;
CREATE DOMAIN pg_temp.text AS integer CHECK (public.rival_check(VALUE));
CREATE DOMAIN pg_temp.jsonb AS integer CHECK (public.rival_check(VALUE));
CREATE DOMAIN pg_temp.regclass AS integer CHECK (public.rival_check(VALUE));
CREATE VIEW pg_temp.pg_class AS SELECT c.* FROM pg_catalog.pg_class c WHERE public.rival_check(1) IS NULL;
CREATE VIEW pg_temp.pg_settings AS SELECT c.* FROM pg_catalog.pg_settings c WHERE public.rival_check(1) IS NULL;
CREATE TABLE pg_temp.mega_customers (mg_pass_id pg_catalog.text);
CREATE TABLE pg_temp.mega_generations (mg_id pg_catalog.text);
SELECT witness.along('public'), witness.along('pg_temp, evil, public, pg_catalog');
\c -
SET search_path = evil, public, pg_catalog;
SELECT pg_catalog.count(*) AS reports FROM public.mega_install(dry_run => true);
DROP EXTENSION mega CASCADE;
CREATE EXTENSION mega SCHEMA public;
SELECT last_value AS runs FROM witness.runs;

--
-- Tables that are adopted, with columns for which a planted function is nearer.
--
SET search_path = pg_catalog;
DROP EXTENSION mega CASCADE;
DROP TABLE public.mega_admin, public.mega_generations, public.mega_customers;
-- and none of which is nearer than another: what mega calls without saying which it means could not be told apart
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT p.oid::regprocedure AS function FROM pg_proc p JOIN witness.members m ON m.name = p.proname
        WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = 'regress_mega_mallory'::regrole AND cardinality(m.types) > 1 LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %s', one.function);
    END LOOP;
END
$$;
SET ROLE regress_mega_mallory;
SELECT count(witness.rival('public', m.name, (SELECT string_agg(CASE WHEN t.n <> place.n THEN format_type(t.type, NULL) WHEN t.type = 'text'::regtype THEN near.type
    WHEN t.type = 'integer'::regtype THEN 'bigint' WHEN t.type = 'jsonb'::regtype THEN 'json' END, ', ' ORDER BY t.n) FROM unnest(m.types) WITH ORDINALITY t(type, n)), 'text')) > 100 AS planted
FROM witness.members m, unnest(m.types) WITH ORDINALITY place(type, n), unnest('{varchar,name}'::text[]) near(type)
WHERE cardinality(m.types) > 1 AND place.type IN ('text'::regtype, 'integer'::regtype, 'jsonb'::regtype) AND (place.type = 'text'::regtype OR near.type = 'name');
RESET ROLE;
CREATE TABLE public.mega_customers (mg_pass_id varchar PRIMARY KEY, mg_shopify_customer_id varchar, mg_email varchar);
CREATE TABLE public.mega_generations (mg_id varchar PRIMARY KEY, mg_record_type varchar, mg_output_url varchar, mg_mma_mode varchar, mg_status varchar);
INSERT INTO public.mega_customers VALUES ('pass:names:1', 'anonymous');
INSERT INTO public.mega_generations VALUES ('generation:1', 'generation', 'https://cdn.example.com/a.png', 'neither');
RESET search_path;
CREATE EXTENSION mega SCHEMA public;
SET search_path = pg_catalog;
SELECT object, rule, offenders FROM public.mega_validate();
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname ~ '^mega_(customers|generations)_.*(shape|output)' ORDER BY 1;
SELECT witness.outcome($$INSERT INTO public.mega_customers (mg_pass_id) VALUES ('nobody')$$);
SELECT witness.everything('adopted first'), witness.everything('adopted, first');
SELECT what, outcome FROM witness.found WHERE run LIKE 'adopted%' AND outcome ~ '^42725';

--
-- Nothing ran, nothing ended otherwise.
--
SELECT last_value AS runs FROM witness.runs;
SELECT f.run, f.what, f.outcome, c.outcome AS calm FROM witness.found f LEFT JOIN witness.found c ON c.run = 'calm' AND c.what = f.what WHERE f.outcome IS DISTINCT FROM c.outcome AND f.run NOT LIKE '%first' ORDER BY f.run, f.what;
SELECT count(DISTINCT run) AS runs, count(*) = count(DISTINCT run) * count(DISTINCT what) AS complete FROM witness.found;
-- and the rivals do run, where a name has no schema
SET search_path = public;
SELECT witness.outcome($$SELECT 1 WHERE 1255::oid = 'pg_catalog.pg_proc'::regclass$$), witness.outcome($$SELECT 1 WHERE "char" 'a' = name 'a'$$);
SELECT witness.outcome($$SELECT * FROM public.mega_install()$$), witness.outcome($$SELECT public.mega_is_pass_id('a'::varchar)$$);
SELECT last_value AS runs FROM witness.runs;

\c :home
DROP DATABASE regress_mega_names;
DROP ROLE regress_mega_mallory, regress_mega_people;
