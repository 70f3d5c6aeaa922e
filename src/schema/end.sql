-- What default privileges gave to others goes: EXECUTE is the gate of a function, and mega_grant hands it out. Only the
-- four predicates are everybody's, because a constraint runs them as whoever writes.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT DISTINCT p.oid::pg_catalog.regprocedure AS signature, p.proowner, a.grantee
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
            AND e.extname OPERATOR(pg_catalog.=) 'mega'
        JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid,
        LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
          AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.deptype OPERATOR(pg_catalog.=) 'e' AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM %s', one.signature,
            CASE WHEN one.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                ELSE one.grantee::pg_catalog.regrole::pg_catalog.text END);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION mega_is_pass_id(text), mega_is_record_id(text, text),
    mega_is_permanent_url(text), mega_has_expiring_url(jsonb) TO PUBLIC;

-- The tables belong to the user, not to the extension: a restore brings them, and DROP EXTENSION leaves them.
DO $$
DECLARE
    made record;
    one record;
BEGIN
    IF mega_is_restoring() THEN
        -- INFO: inside an extension's script Postgres keeps notices to itself.
        RAISE INFO 'mega: this is a restore, its tables are left to it'
            USING HINT = 'If it is not, create them with SELECT mega_install().';
        RETURN;
    END IF;
    IF NOT pg_catalog.current_setting('mega.install')::boolean THEN
        RAISE INFO 'mega: mega.install is off, the tables are left as they are'
            USING HINT = 'SELECT * FROM mega_install(dry_run => true) tells what SELECT * FROM mega_install() does.';
        RETURN;
    END IF;
    -- Told as warnings, because inside an extension's script Postgres keeps lesser messages to itself. Called with
    -- its argument: a function that takes none would be nearer.
    FOR one IN
        SELECT i.object, i.action, i.detail FROM mega_install(dry_run => false) i
        WHERE i.action OPERATOR(pg_catalog.=) ANY ('{grant,code of others,rename key}')
            OR i.action OPERATOR(pg_catalog.~~) 'skip %'
            -- of a table or a column; of other objects: something else does the same
            OR (i.action OPERATOR(pg_catalog.=) 'keep'
                AND pg_catalog.split_part(i.object, '.', 1) OPERATOR(pg_catalog.=)
                    ANY ('{mega_customers,mega_generations,mega_admin}'))
    LOOP
        RAISE WARNING 'mega: %: %: %', one.object, one.action, one.detail
            USING HINT = CASE WHEN one.action OPERATOR(pg_catalog.=) 'grant'
                THEN 'These roles reach the table itself; see docs/adopting.md.'
                WHEN one.action OPERATOR(pg_catalog.=) 'code of others'
                THEN 'The table is not written while it is there, unless mega.trusted_owners names the role.'
                WHEN one.action OPERATOR(pg_catalog.=) 'rename key'
                THEN 'The key mega in mg_meta is mega''s own from here on; see docs/adopting.md.'
                WHEN one.action OPERATOR(pg_catalog.=) 'keep'
                THEN 'It stays as it is, in the way of what is told; see docs/adopting.md.'
                ELSE 'New rows are checked all the same; see SELECT * FROM mega_validate().' END;
    END LOOP;
    FOR made IN
        SELECT c.oid, c.oid::pg_catalog.regclass AS name, c.relowner
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
            AND e.extname OPERATOR(pg_catalog.=) 'mega'
        JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objid
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
          AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.deptype OPERATOR(pg_catalog.=) 'e' AND c.relkind OPERATOR(pg_catalog.=) 'r'
    LOOP
        EXECUTE pg_catalog.format('ALTER EXTENSION mega DROP TABLE %s', made.name);
        EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO @extowner@', made.name);
    END LOOP;
END
$$;
