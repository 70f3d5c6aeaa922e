-- Credits: every movement is a row of the ledger, the balance is its sum.

CREATE FUNCTION mega_record_credit(pass_id text, delta integer, reason text, source text DEFAULT NULL,
    ref_type text DEFAULT NULL, ref_id text DEFAULT NULL, txn_id text DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL, meta jsonb DEFAULT '{}', allow_negative boolean DEFAULT false,
    OUT mg_id text, OUT mg_credits integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_credit(text, integer, text, text, text, text, text, timestamptz, jsonb, boolean) IS
    'Records a credit movement once, by txn_id and by (ref_type, ref_id, reason), and returns the balance (I1, I3, I4). '
    'Call it as SELECT * FROM. Raises 23503 unknown customer, 22023 bad argument, MG001 not enough credits, MG002 replay '
    'with other content, MG004 spend of a disabled customer, 22003 overflow. Locks the customer FOR NO KEY UPDATE.';

CREATE FUNCTION mega_balance(pass_id text, OUT mg_credits integer, OUT held integer, OUT spendable integer,
    OUT expires_at timestamptz)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION mega_balance(text) IS
    'The balance, what of it was set aside by holds that are pending, and what can be spent now: 0 once expired. Raises '
    '23503 for an unknown customer. Reads with the caller''s rights and policies.';

CREATE FUNCTION mega_credit_statement(pass_id text, page_size integer DEFAULT 50, page_cursor text DEFAULT NULL,
    OUT mg_id text, OUT mg_created_at timestamptz, OUT mg_delta integer, OUT mg_reason text, OUT mg_source text,
    OUT mg_ref_type text, OUT mg_ref_id text, OUT balance_after bigint, OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50;
COMMENT ON FUNCTION mega_credit_statement(text, integer, text) IS
    'A customer''s credit rows, newest first, each with the balance behind it. next_cursor, the same in every row of a '
    'page, asks for the next page; it is NULL on the last. Raises 22023 for a bad page size or cursor. Reads with the '
    'caller''s rights and policies.';

CREATE FUNCTION mega_reconcile_credits(pass_id text DEFAULT NULL,
    OUT mg_pass_id text, OUT mg_credits integer, OUT ledger_sum bigint)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_reconcile_credits(text) IS
    'The customers whose balance differs from the sum of their ledger, or whether one does; there should be none (I1). '
    'Reads with the caller''s rights and policies.';
