-- The spine: what triggers do to every writer's rows.

-- level: owner
CREATE FUNCTION mega_trigger_ledger_check() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_ledger_check() IS
    'BEFORE INSERT OR UPDATE on mega_generations: fills and checks a row (I5 to I10).';

-- level: owner
CREATE FUNCTION mega_trigger_ledger_verify() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_ledger_verify() IS
    'AFTER UPDATE and DELETE on mega_generations: holds the row as stored against the same rules, and tells what went.';

-- level: owner
CREATE FUNCTION mega_trigger_ledger_project() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_ledger_project() IS
    'AFTER INSERT on mega_generations, by statement: projects the rows onto their customers (I1, I2). Locks each '
    'customer FOR NO KEY UPDATE, in byte order of pass id.';

-- level: owner
CREATE FUNCTION mega_trigger_keep_row() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_keep_row() IS
    'BEFORE DELETE and BEFORE TRUNCATE: raises MG005 for customers, ledger rows, audits and versions of settings (I5, '
    'I12); mega.deletes lets ledger rows be marked or removed.';

-- level: admin
CREATE FUNCTION mega_write_path(OUT table_name text, OUT path text, OUT reason text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 3;
COMMENT ON FUNCTION mega_write_path() IS
    'How functions write each of the tables in this session: direct, by sql, or not at all (refused), and why, in words '
    'that the owner of the tables can act on.';
