-- The office.

CREATE FUNCTION mega_trigger_admin_check() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_admin_check() IS
    'BEFORE INSERT OR UPDATE on mega_admin: fills and checks a row; an audit never changes (I5, I6).';

CREATE FUNCTION mega_trigger_admin_verify() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_admin_verify() IS
    'AFTER UPDATE on mega_admin: holds the row as stored against the same rules.';
