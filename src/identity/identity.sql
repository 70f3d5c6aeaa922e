-- Who a customer is.

-- level: owner
CREATE FUNCTION mega_trigger_customer_check() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_customer_check() IS
    'BEFORE INSERT OR UPDATE on mega_customers: fills, computes and checks a row, keeps derived columns (I1, I2, I11, I13).';

-- level: owner
CREATE FUNCTION mega_trigger_customer_verify() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_customer_verify() IS
    'AFTER INSERT OR UPDATE on mega_customers: holds the row as stored against the rules for derived columns.';

-- level: user
CREATE FUNCTION mega_pass_id(shopify_customer_id text DEFAULT NULL, user_id uuid DEFAULT NULL,
    anon_id uuid DEFAULT pg_catalog.gen_random_uuid()) RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION mega_pass_id(text, uuid, uuid) IS
    'The pass id of the first identity that is there: Shopify id, user id, anonymous id (spec 0.1). A '
    'Shopify id is trimmed and loses gid://shopify/Customer/; '''', anonymous, undefined, null, nan, none and [object '
    'Object] in any case are absent. Raises 22023 when all are absent or the Shopify id is no id.';

-- level: user
CREATE FUNCTION mega_current_pass_id() RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION mega_current_pass_id() IS
    'Whom this session speaks for: the customer whose mg_user_id is the sub of request.jwt.claims, or else the one that '
    'mega.pass_id names; merges are followed. NULL when neither is there, when there is no such customer, and when both are '
    'there and differ; claims that are malformed are none. Row policies call it, so it looks as the owner of the tables. '
    'Locks nothing.';

-- level: app
CREATE FUNCTION mega_ensure_customer(pass_id text DEFAULT NULL, shopify_customer_id text DEFAULT NULL,
    user_id uuid DEFAULT NULL, anon_id uuid DEFAULT NULL, email text DEFAULT NULL, profile jsonb DEFAULT '{}',
    OUT mg_pass_id text, OUT mg_credits integer, OUT created boolean, OUT mg_status text)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_ensure_customer(text, text, uuid, uuid, text, jsonb) IS
    'Finds the customer of these identities or creates it; fills what is unknown of it and sets mg_last_active. '
    'mg_status is active, disabled or deleted. Call it as SELECT * FROM. Raises MG004 by a pass id that was erased, MG009 when the identities belong to two customers, 22023 for a bad argument or an unknown '
    'profile key. Locks the customer FOR NO KEY UPDATE.';

-- level: user
CREATE FUNCTION mega_customer(pass_id text,
    OUT mg_pass_id text, OUT mg_shopify_customer_id text, OUT mg_user_id uuid, OUT mg_email text,
    OUT mg_first_name text, OUT mg_last_name text, OUT mg_display_name text, OUT mg_locale text, OUT mg_timezone text,
    OUT mg_marketing_opt_in boolean, OUT mg_product_updates_opt_in boolean, OUT mg_credits integer,
    OUT mg_expires_at timestamptz, OUT mg_last_active timestamptz, OUT mg_disabled boolean,
    OUT mg_verified_email boolean, OUT mg_verified_google boolean, OUT mg_verified_apple boolean,
    OUT mg_verified_any boolean, OUT mg_verification_method text, OUT mg_verification_at timestamptz,
    OUT mg_verification_keynumber text, OUT mg_topup_default_packs integer, OUT mg_auto_topup_enabled boolean,
    OUT mg_auto_topup_monthly_limit_packs integer, OUT mg_last_topup_at timestamptz, OUT mg_topup_source text,
    OUT mg_meta jsonb, OUT mg_source_system text, OUT mg_deleted_at timestamptz, OUT mg_created_at timestamptz,
    OUT mg_updated_at timestamptz, OUT mg_mma_preferences jsonb, OUT mg_mma_preferences_updated_at timestamptz)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_customer(text) IS
    'The customer''s row, column by column; no row when there is none. Reads with the caller''s rights and policies.';

-- level: admin
CREATE FUNCTION mega_update_customer(pass_id text, fields jsonb, actor text DEFAULT NULL,
    OUT mg_pass_id text, OUT changed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_update_customer(text, jsonb, text) IS
    'Changes what fields names of a customer: email, the keys of a profile, topup_default_packs, auto_topup_enabled, '
    'auto_topup_monthly_limit_packs, expires_at (of credits that have no end of their own) and meta (a merge patch); '
    'null clears. What stands so already is no change. With an actor an audit customer.update names the fields. Call '
    'it as SELECT * FROM. Raises 22023 for an unknown field or a bad value, 23503, and MG004 for an erased customer. '
    'Locks the customer FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_verify_customer(pass_id text, method text, keynumber text DEFAULT NULL,
    verified_at timestamptz DEFAULT NULL, actor text DEFAULT NULL, OUT mg_pass_id text, OUT mg_verified_any boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_verify_customer(text, text, text, timestamptz, text) IS
    'Notes by which way a customer was verified: email, google, apple or manual (I13); the same again without a time '
    'or a key number is no change. Call it as SELECT * FROM. Raises 22023 for another method or a time ahead, 23503, '
    'and MG004 for an erased customer. Locks the customer FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_disable_customer(pass_id text, reason text DEFAULT NULL, actor text DEFAULT NULL,
    OUT mg_pass_id text, OUT changed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_disable_customer(text, text, text) IS
    'A disabled customer spends nothing; grants and refunds still work. Disabled already: no change. Call it as SELECT '
    '* FROM. Raises 22023, 23503, and MG004 for an erased customer. Locks the customer FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_enable_customer(pass_id text, reason text DEFAULT NULL, actor text DEFAULT NULL,
    OUT mg_pass_id text, OUT changed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_enable_customer(text, text, text) IS
    'Undoes mega_disable_customer; a deleted customer stays deleted. Not disabled: no change. Call it as SELECT * '
    'FROM. Raises 22023, 23503, and MG004 for an erased customer. Locks the customer FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_delete_customer(pass_id text, reason text DEFAULT NULL, actor text DEFAULT NULL,
    OUT mg_pass_id text, OUT changed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_delete_customer(text, text, text) IS
    'Marks a customer deleted (I12): the row stays, and nothing is spent. Marked already: no change, the first time '
    'stands. Call it as SELECT * FROM. Raises 22023, 23503, and MG004 for an erased customer. Locks the customer FOR '
    'NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_restore_customer(pass_id text, reason text DEFAULT NULL, actor text DEFAULT NULL,
    OUT mg_pass_id text, OUT changed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_restore_customer(text, text, text) IS
    'Takes the mark of mega_delete_customer off; a disabled customer stays disabled. Not marked: no change. Call it as '
    'SELECT * FROM. Raises 22023, 23503, and MG004 for an erased customer. Locks the customer FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_find_customers(search text, page_size integer DEFAULT 50, page_cursor text DEFAULT NULL,
    OUT mg_pass_id text, OUT mg_email text, OUT mg_display_name text, OUT mg_shopify_customer_id text,
    OUT mg_user_id uuid, OUT mg_credits integer, OUT mg_last_active timestamptz, OUT mg_status text,
    OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50;
COMMENT ON FUNCTION mega_find_customers(text, integer, text) IS
    'Customers by a whole pass id, Shopify id or user id, or by the beginning of an e-mail address or of the words of a '
    'name, in any case; in the order of their pass ids, a page at a time. mg_status is active, disabled or deleted. Reads '
    'with the caller''s rights and policies. Raises 22023 for fewer than three letters (two of Chinese, Japanese or Korean) that are '
    'nobody''s id.';

-- level: admin
CREATE FUNCTION mega_merge_customers(source text, target text, merge_id text DEFAULT NULL, actor text DEFAULT NULL,
    OUT mg_pass_id text, OUT mg_credits integer, OUT moved_rows bigint, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION mega_merge_customers(text, text, text, text) IS
    'Makes two customers one: the source''s rows, credits and preferences go to the target, and from then on the '
    'source''s pass id and identities mean the target (mega.merged_into); mega_customer alone shows its own row. Again '
    'it is a replay; an audit customer.merge tells of it. Call it as SELECT * FROM. Raises 22023 for a customer into '
    'itself, 23503, MG002 for another merge under this merge_id, MG004 for a target that is not active or an erased '
    'source, MG009 for a source that was merged elsewhere, 22003, and 25001 above READ COMMITTED. Locks source, target '
    'and the source''s own sources FOR UPDATE, in byte order.';

-- level: admin
CREATE FUNCTION mega_erase_customer(pass_id text, actor text DEFAULT NULL,
    OUT mg_pass_id text, OUT erased_rows bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION mega_erase_customer(text, text) IS
    'Takes what is personal out of a customer''s row, those of who was merged into it, the ledger and mega_admin: '
    'names, addresses, identities, prompts, titles, comments, documents, URLs. Credits, counts, dates, ids, '
    'references, codes and the weights of tags stay. Then capture, release, the sweeps, expiry, refund and revoke go '
    'on; every other write is MG004. Again it is no change; an audit customer.erase tells of it. Call it as SELECT * '
    'FROM. Raises 22023, 23503, and 25001 above READ COMMITTED. Locks the customers FOR UPDATE, in byte order.';
