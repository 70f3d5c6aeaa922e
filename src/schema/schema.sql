-- The three tables.

-- level: user
CREATE FUNCTION mega_version() RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION mega_version() IS 'The version of the library that is loaded.';

-- level: owner
CREATE FUNCTION mega_install(dry_run boolean DEFAULT false,
    OUT object text, OUT action text, OUT detail text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 50
    SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off; -- it reads how Postgres words what is there
COMMENT ON FUNCTION mega_install(boolean) IS
    'Creates what is missing of the three tables and leaves what is there: tables, columns, defaults, constraints, '
    'indexes, triggers, comments; one row per thing created, or with dry_run per thing that would be, and per '
    'thing that needs an eye. Nothing of both: no rows. Call it as SELECT * FROM. Raises 42501 for tables of another '
    'role, and 55P03 when the tables stay in use '
    'for lock_timeout or 15 seconds. Locks each table it changes, after everything was looked at: of a large table '
    'nothing is read under the lock, unless an index is built, and constraints come NOT VALID: mega_validate looks at '
    'the rows that were there.';

-- level: owner
CREATE FUNCTION mega_is_restoring() RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION mega_is_restoring() IS
    'Whether this session is a restore by pg_dump''s output or pg_restore, told by the settings they begin with.';
