-- The office.

-- level: owner
CREATE FUNCTION mega_trigger_admin_check() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_admin_check() IS
    'BEFORE INSERT OR UPDATE on mega_admin: fills and checks a row; audits and versions of settings never change (I5, I6).';

-- level: owner
CREATE FUNCTION mega_trigger_admin_verify() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_admin_verify() IS
    'AFTER INSERT OR UPDATE on mega_admin: holds the row as stored against the same rules; tells listeners of settings '
    '(mega.notify).';

-- level: admin
CREATE FUNCTION mega_record_admin_audit(action text, actor_pass_id text DEFAULT NULL, user_id uuid DEFAULT NULL,
    email text DEFAULT NULL, ip text DEFAULT NULL, user_agent text DEFAULT NULL, route text DEFAULT NULL,
    method text DEFAULT NULL, status integer DEFAULT NULL, detail jsonb DEFAULT '{}', audit_id text DEFAULT NULL,
    OUT mg_id text, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_admin_audit(text, text, uuid, text, text, text, text, text, integer, jsonb, text) IS
    'Appends what an admin did (user_id, email, ip), once per audit_id; actor_pass_id is the customer acted on. ip is '
    'stored as Postgres writes an address. Call it as SELECT * FROM. Raises 22023 for a blank action or an ip that is '
    'no address, 23503 unknown customer, MG004 for one who was erased, MG002 when audit_id was recorded with other '
    'content. Locks the customer FOR KEY SHARE.';

-- level: admin
CREATE FUNCTION mega_admin_audits(page_size integer DEFAULT 50, page_cursor text DEFAULT NULL, action text DEFAULT NULL,
    user_id uuid DEFAULT NULL, actor_pass_id text DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    OUT mg_id text, OUT mg_created_at timestamptz, OUT mg_action text, OUT mg_actor_pass_id text, OUT mg_user_id uuid,
    OUT mg_email text, OUT mg_ip text, OUT mg_route text, OUT mg_method text, OUT mg_status integer,
    OUT mg_detail jsonb, OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50
    SET enable_sort = off; -- a page comes from the index, however many audits there are
COMMENT ON FUNCTION mega_admin_audits(integer, text, text, uuid, text, timestamptz, timestamptz) IS
    'Audits, newest first: all, or those of an action, of an admin''s user_id, about a customer; from since on, before '
    'until. A deletion mark hides none. next_cursor as in mega_generation_history. Raises 22023. Reads with the '
    'caller''s rights and policies; locks nothing.';

-- level: admin
CREATE FUNCTION mega_touch_admin_session(session_hash text, user_id uuid DEFAULT NULL, email text DEFAULT NULL,
    ip text DEFAULT NULL, user_agent text DEFAULT NULL,
    OUT mg_id text, OUT mg_first_seen_at timestamptz, OUT mg_last_seen_at timestamptz, OUT created boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_touch_admin_session(text, uuid, text, text, text) IS
    'Begins an admin''s session, or notes that it was seen again: first and last seen never move the wrong way; '
    'e-mail, ip and user agent are those of the latest request that told them. Call it as SELECT * FROM. Raises MG010 '
    'when the session has ended, MG002 when it is another user''s, 22023 for a bad hash or an ip that is no address. '
    'Locks the session FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_admin_session(session_hash text, max_idle interval DEFAULT NULL,
    OUT mg_id text, OUT mg_user_id uuid, OUT mg_email text, OUT mg_ip text, OUT mg_user_agent text,
    OUT mg_first_seen_at timestamptz, OUT mg_last_seen_at timestamptz)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_admin_session(text, interval) IS
    'The session with this hash; no row when there is none, when it has ended, or when it was last seen longer ago than '
    'max_idle. Raises 22023 for a bad hash or a negative max_idle. Reads with the caller''s rights and policies; locks '
    'nothing.';

-- level: admin
CREATE FUNCTION mega_end_admin_session(session_hash text) RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_end_admin_session(text) IS
    'Ends a session for good: it gets its deletion mark. Whether it was this call that ended it; false when it had ended or '
    'never was. Raises 22023 for a bad hash. Locks the session FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_link_profile(profile_id uuid, user_id uuid DEFAULT NULL, email text DEFAULT NULL,
    shopify_customer_id text DEFAULT NULL, pass_id text DEFAULT NULL, OUT mg_id text, OUT created boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_link_profile(uuid, uuid, text, text, text) IS
    'Ties a profile to a person: what is given replaces what stood there, the rest stays. Its customer is that of '
    'pass_id, or else, for a new person or where there was none, the one with its user id or Shopify id. Call it as '
    'SELECT * FROM. Raises 23503 unknown customer, MG004 for one who was erased, MG009 when the identities belong to '
    'two customers, 22023 bad argument. Locks the profile FOR NO KEY UPDATE and the customer FOR KEY SHARE.';

-- level: admin
CREATE FUNCTION mega_profile(profile_id uuid DEFAULT NULL, user_id uuid DEFAULT NULL,
    OUT mg_id text, OUT mg_profile_id uuid, OUT mg_user_id uuid, OUT mg_email text, OUT mg_shopify_customer_id text,
    OUT mg_actor_pass_id text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_profile(uuid, uuid) IS
    'The profile with this id, or those of a user id; mg_actor_pass_id is its customer. No row when there is none. Raises '
    '22023 when both are NULL. Reads with the caller''s rights and policies; locks nothing.';

-- level: admin
CREATE FUNCTION mega_set_runtime_config(flat jsonb, runtime_id integer DEFAULT 1, actor text DEFAULT NULL,
    OUT mg_id text, OUT mg_runtime_flat jsonb)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_set_runtime_config(jsonb, integer, text) IS
    'Changes the runtime''s knobs by a merge patch (RFC 7396) and returns them all. An actor gets an audit that tells '
    'what changed, when something did. Call it as SELECT * FROM. Raises 22023 when flat is no object. Locks the '
    'configuration FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_runtime_config(runtime_id integer DEFAULT 1) RETURNS jsonb
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION mega_runtime_config(integer) IS
    'The runtime''s knobs; NULL when none were set. Reads with the caller''s rights and policies; locks nothing.';

-- level: admin
CREATE FUNCTION mega_set_app_config(key text, value jsonb, expected_version integer DEFAULT NULL,
    actor text DEFAULT NULL, OUT mg_id text, OUT version integer)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_set_app_config(text, jsonb, integer, text) IS
    'Puts a setting in force, app_config:<key>, and keeps it as its next version, app_config:<key>.v<n>, which never '
    'changes (I5). A value in force that is not that of its newest version is kept as a version first. '
    'expected_version is the one that the caller has seen, 0 for a new key. An actor gets an audit. Call it as '
    'SELECT * FROM. Raises MG011 when another version stands, 22023 for a bad key or one that ends in .v<number>. '
    'Locks the setting FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_app_config(key text, version integer DEFAULT NULL) RETURNS jsonb
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION mega_app_config(text, integer) IS
    'The setting in force, or a version of it; NULL when there is none. Raises 22023 for a bad key. Reads with the caller''s '
    'rights and policies; locks nothing.';

-- level: admin
CREATE FUNCTION mega_app_config_versions(key text, page_size integer DEFAULT 50, page_cursor text DEFAULT NULL,
    OUT version integer, OUT mg_value jsonb, OUT mg_created_at timestamptz, OUT actor text, OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50;
COMMENT ON FUNCTION mega_app_config_versions(text, integer, text) IS
    'The versions of a setting, newest first. next_cursor as in mega_generation_history. Raises 22023. Reads with the '
    'caller''s rights and policies; locks nothing.';

-- level: owner
CREATE FUNCTION mega_grant(role regrole, level text) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION mega_grant(regrole, text) IS
    'Gives a role what a level needs: reader (read), user (read, its own customer alone, behind mega_enable_rls), app '
    '(reader, and the functions that write), worker (app, the sweeps and the claims), admin (worker, and the office and the '
    'tools). Calling it again with another level changes the level. Raises 22023 for an unknown level and for level user of '
    'a role that row security does not hold, 55000 for level user before there are policies, where the role has more by '
    'other ways, and for another level of a role that has policies; 42501 for a caller who does not own the tables and '
    'the functions. Waits for other calls of it and of mega_enable_rls.';

-- level: owner
CREATE FUNCTION mega_enable_rls(role regrole, OUT object text, OUT action text, OUT detail text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION mega_enable_rls(regrole) IS
    'Switches row security on for the three tables, with policies by which the role reads the rows of '
    'mega_current_pass_id() alone and nothing of mega_admin; roles that have rights on the tables get one that lets '
    'them go on as before. Returns what it did; a second call changes nothing. Call it as SELECT * FROM. Raises 22023 '
    'for a role that row security does not hold, 55000 where everybody has rights on a table or where one role has the '
    'rights of the other, 42501 for a caller who does not own the tables, 55P03 when they are in use. Waits for other '
    'calls of it and of mega_grant, and locks the tables ACCESS EXCLUSIVE.';
