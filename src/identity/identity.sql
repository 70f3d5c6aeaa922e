-- Who a customer is.

CREATE FUNCTION mega_trigger_customer_check() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_customer_check() IS
    'BEFORE INSERT OR UPDATE on mega_customers: fills, computes and checks a row, keeps derived columns (I1, I2, I11, I13).';

CREATE FUNCTION mega_trigger_customer_verify() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION mega_trigger_customer_verify() IS
    'AFTER INSERT OR UPDATE on mega_customers: holds the row as stored against the rules for derived columns.';

CREATE FUNCTION mega_pass_id(shopify_customer_id text DEFAULT NULL, user_id uuid DEFAULT NULL,
    anon_id uuid DEFAULT pg_catalog.gen_random_uuid()) RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION mega_pass_id(text, uuid, uuid) IS
    'The pass id of the first identity that is there: Shopify id, user id, anonymous id (spec 0.1). A '
    'Shopify id is trimmed and loses gid://shopify/Customer/; '''', anonymous, undefined, null, nan, none and [object '
    'Object] in any case are absent. Raises 22023 when all are absent or the Shopify id is no id.';

CREATE FUNCTION mega_ensure_customer(pass_id text DEFAULT NULL, shopify_customer_id text DEFAULT NULL,
    user_id uuid DEFAULT NULL, anon_id uuid DEFAULT NULL, email text DEFAULT NULL, profile jsonb DEFAULT '{}',
    OUT mg_pass_id text, OUT mg_credits integer, OUT created boolean, OUT mg_status text)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_ensure_customer(text, text, uuid, uuid, text, jsonb) IS
    'Finds the customer of these identities or creates it; fills what is unknown of it and sets mg_last_active. '
    'mg_status is active, disabled or deleted. Call it as SELECT * FROM. Raises MG009 when the identities belong to two customers, 22023 for a bad argument or an unknown '
    'profile key. Locks the customer FOR NO KEY UPDATE.';

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
