-- Predicates for anybody's constraints. Those that CHECK constraints of mega call are frozen: what they let pass once
-- they let pass for ever, or a dump would not restore.

-- level: everybody
CREATE FUNCTION mega_is_pass_id(pass_id text) RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION mega_is_pass_id(text) IS
    'Whether the text is a pass id: pass:<kind>:<id>, a lower-case UUID behind user and anon (I11). NULL for NULL. Raises nothing.';

-- level: everybody
CREATE FUNCTION mega_is_record_id(record_type text, mg_id text) RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION mega_is_record_id(text, text) IS
    'Whether mg_id is <record_type>:<rest> in the shape of that type (I6). NULL for NULL. Raises nothing.';

-- level: everybody
CREATE FUNCTION mega_is_permanent_url(url text) RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION mega_is_permanent_url(text) IS
    'Whether the URL is http(s), carries no credentials and is not signed (I10). NULL for NULL. Raises nothing.';

-- level: everybody
CREATE FUNCTION mega_has_expiring_url(document jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION mega_has_expiring_url(jsonb) IS
    'Whether any text inside the document contains a URL that is signed or carries credentials (I10). NULL for NULL.';
