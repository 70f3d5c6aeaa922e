-- The office.

CREATE FUNCTION mega_trigger_admin_check() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_admin_check() IS
    'BEFORE INSERT OR UPDATE on mega_admin: fills and checks a row; an audit never changes (I5, I6).';

CREATE FUNCTION mega_trigger_admin_verify() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_admin_verify() IS
    'AFTER UPDATE on mega_admin: holds the row as stored against the same rules.';

CREATE FUNCTION mega_record_admin_audit(action text, actor_pass_id text DEFAULT NULL, user_id uuid DEFAULT NULL,
    email text DEFAULT NULL, ip text DEFAULT NULL, user_agent text DEFAULT NULL, route text DEFAULT NULL,
    method text DEFAULT NULL, status integer DEFAULT NULL, detail jsonb DEFAULT '{}', audit_id text DEFAULT NULL,
    OUT mg_id text, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_admin_audit(text, text, uuid, text, text, text, text, text, integer, jsonb, text) IS
    'Appends what an admin did (user_id, email, ip), once per audit_id; actor_pass_id is the customer acted on. ip is '
    'stored as Postgres writes an address. Raises 22023 for a blank action or an ip that is no address, 23503 unknown '
    'customer, MG002 when audit_id was recorded with other content. Locks the customer FOR KEY SHARE.';

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
