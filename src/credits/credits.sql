-- Credits: every movement is a row of the ledger, the balance is its sum.

-- level: app
CREATE FUNCTION mega_record_credit(pass_id text, delta integer, reason text, source text DEFAULT NULL,
    ref_type text DEFAULT NULL, ref_id text DEFAULT NULL, txn_id text DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL, meta jsonb DEFAULT '{}', allow_negative boolean DEFAULT false,
    OUT mg_id text, OUT mg_credits integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_credit(text, integer, text, text, text, text, text, timestamptz, jsonb, boolean) IS
    'Records a credit movement once, by txn_id and by (ref_type, ref_id, reason), and returns the balance (I1, I3, I4). '
    'Call it as SELECT * FROM. Raises 23503 unknown customer, 22023 bad argument, MG001 not enough credits, MG002 replay '
    'with other content, MG004 erased, or spend of a disabled customer, 22003 overflow, 54000 too many lots. Locks the customer FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_record_credits(entries jsonb, OUT written integer, OUT replayed integer)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION mega_record_credits(jsonb) IS
    'Records an array of movements, objects with the argument names of mega_record_credit, all or none. Call it as '
    'SELECT * FROM. An error names the entry''s position, from 1; errors are those of mega_record_credit. Locks the '
    'customers in byte order of pass id.';

-- level: app
CREATE FUNCTION mega_hold_credit(pass_id text, amount integer, hold_id text,
    expires_in interval DEFAULT '1 hour', reason text DEFAULT 'hold', meta jsonb DEFAULT '{}',
    generation_id text DEFAULT NULL, OUT mg_id text, OUT mg_credits integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_hold_credit(text, integer, text, interval, text, jsonb, text) IS
    'Sets credits aside before the work, once per hold_id; they are settled by mega_capture_credit or '
    'mega_release_credit, or swept when expires_in is over. generation_id: what it pays for, which may come later. '
    'Call it as SELECT * FROM. Raises 23503, 22023, 23514 another customer''s generation, MG001 not enough credits, '
    'MG002 replay with other content, MG004, MG010 settled already. Locks the customer FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_capture_credit(hold_id text, amount integer DEFAULT NULL, pass_id text DEFAULT NULL,
    OUT outcome text, OUT mg_credits integer)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_capture_credit(text, integer, text) IS
    'Settles a hold after the work: takes amount of it, all when NULL; less flows back, more is drawn. outcome: '
    'captured, already_captured, or recaptured when it had been released before. Call it as SELECT * FROM. Raises '
    'MG003 no such hold, MG001 not enough credits, MG002 captured with another amount, MG004, 22023. Locks the '
    'customer FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_release_credit(hold_id text, reason text DEFAULT 'release', pass_id text DEFAULT NULL,
    OUT outcome text, OUT mg_credits integer)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_release_credit(text, text, text) IS
    'Returns a hold when the work failed. outcome: released, already_released, or already_captured, which does '
    'nothing. Call it as SELECT * FROM. Raises MG003 no such hold, 22023. Locks the customer FOR NO KEY UPDATE.';

-- level: worker
CREATE FUNCTION mega_release_expired_holds(max_holds integer DEFAULT 1000, fail_generations boolean DEFAULT false,
    OUT hold_id text, OUT mg_pass_id text, OUT amount integer, OUT mg_generation_id text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION mega_release_expired_holds(integer, boolean) IS
    'Releases pending holds whose time is over, at most max_holds, and returns a row for each that went back. With '
    'fail_generations the unfinished generations of these holds, where they are the hold''s customer''s, become error '
    'in the same transaction. Customers that are locked are left to the next run; any number of sweeps may run at '
    'once. A customer whom a rule of the application''s refuses is left out with a WARNING; its error is raised when '
    'nothing else could be done. Call it as SELECT * FROM. Raises 22023.';

-- level: app
CREATE FUNCTION mega_refund_credit(txn_id text, refund_id text, amount integer DEFAULT NULL,
    reason text DEFAULT 'refund', pass_id text DEFAULT NULL,
    OUT mg_id text, OUT mg_credits integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_refund_credit(text, text, integer, text, text) IS
    'Returns what a spend took, all that is left when amount is NULL, once per refund_id; of a captured hold by its '
    'txn_id hold:<hold_id>. Never more in sum than was spent. Call it as SELECT * FROM. Raises MG003 no such '
    'transaction, 22023 a grant, MG012 more than is left, MG002 replay with other content, 22003. Locks the customer FOR NO '
    'KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_revoke_credit(revoke_id text, txn_id text DEFAULT NULL, ref_type text DEFAULT NULL,
    ref_id text DEFAULT NULL, amount integer DEFAULT NULL, up_to integer DEFAULT NULL, reason text DEFAULT 'revoke',
    allow_negative boolean DEFAULT false, pass_id text DEFAULT NULL,
    OUT mg_id text, OUT mg_credits integer, OUT revoked integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_revoke_credit(text, text, text, text, integer, integer, text, boolean, text) IS
    'Takes back what was granted, once per revoke_id: amount, or as much as makes up_to in sum, or all that is left. '
    'Never more in sum than was granted (I16); a refund of the revoke restores it. revoked is what this call took, '
    'possibly 0. Call it as SELECT * FROM. Raises MG003 no such transaction, 22023 no grant or several, MG012 more '
    'than is left of it, MG001 spent already, MG002 replay with other content. Locks the customer FOR NO KEY UPDATE.';

-- level: app
CREATE FUNCTION mega_transfer_credit(from_pass_id text, to_pass_id text, amount integer, transfer_id text,
    reason text DEFAULT 'transfer', OUT from_credits integer, OUT to_credits integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_transfer_credit(text, text, integer, text, text) IS
    'Moves credits from one customer to another, once per transfer_id. Call it as SELECT * FROM. Raises 23503, 22023, '
    'MG001, MG002, MG004, 22003, 54000 too many lots. Locks both customers FOR NO KEY UPDATE, in byte order of pass id.';

-- level: app
CREATE FUNCTION mega_record_topup(pass_id text, packs integer DEFAULT NULL, credits_per_pack integer DEFAULT 50,
    ref_type text DEFAULT NULL, ref_id text DEFAULT NULL, source text DEFAULT 'shopify',
    automatic boolean DEFAULT false, expires_at timestamptz DEFAULT NULL, topup_id text DEFAULT NULL,
    OUT mg_id text, OUT mg_credits integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_record_topup(text, integer, integer, text, text, text, boolean, timestamptz, text) IS
    'Grants packs of credits, the customer''s default number when NULL, once per reference; notes mg_last_topup_at and '
    'mg_topup_source. An automatic one keeps within the customer''s monthly limit, counted in its time zone. topup_id: '
    'of the claim that it ends, also late; its packs when NULL, and the limit is not asked again. Call it as SELECT * '
    'FROM. Raises 23503, 22023, MG012 beyond the limit, MG002, MG004 erased, 22003, 54000 too many lots. Locks the customer FOR NO KEY UPDATE.';

-- level: worker
CREATE FUNCTION mega_claim_topups(threshold integer DEFAULT 0, max_customers integer DEFAULT 100,
    retry_after interval DEFAULT '1 hour', OUT mg_pass_id text, OUT topup_id text, OUT packs integer)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION mega_claim_topups(integer, integer, interval) IS
    'Whom to charge now: customers as mega_topup_due has them, each to one caller while the claim stands, for '
    'retry_after. topup_id is the key for the payment provider; a claim that lapsed is handed out again with the same. '
    'Standing claims count towards the month. Customers that are locked are left to the next call. A '
    'customer whom a rule of the application''s refuses is left out with a WARNING; its error is raised when nothing '
    'else could be done. Call it as SELECT * FROM. Raises 22023.';

-- level: worker
CREATE FUNCTION mega_release_topup_claim(topup_id text, retry_at timestamptz DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION mega_release_topup_claim(text, timestamptz) IS
    'Ends a claim whose charge was declined; the customer''s next one has another id, and is not handed out before '
    'retry_at. False when no such claim is there. Raises 22023 and 22008. Locks the customer FOR NO KEY UPDATE.';

-- level: admin
CREATE FUNCTION mega_topup_due(threshold integer DEFAULT 0, page_size integer DEFAULT 1000,
    page_cursor text DEFAULT NULL, OUT mg_pass_id text, OUT mg_credits integer, OUT packs integer,
    OUT packs_left integer, OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION mega_topup_due(integer, integer, text) IS
    'The customers with automatic top-ups whose balance is at most threshold, or has expired, with the packs to charge '
    'and those left this month (NULL without a limit). next_cursor asks for the next page. Raises 22023. Reads with the '
    'caller''s rights and policies.';

-- level: worker
CREATE FUNCTION mega_expire_credits(as_of timestamptz DEFAULT pg_catalog.now(), max_customers integer DEFAULT 1000,
    OUT expired integer, OUT credits bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION mega_expire_credits(timestamptz, integer) IS
    'Writes off what has ended, lots and credits without one, of at most max_customers, and returns how many customers '
    'and credits. Customers that are locked are left to the next run; any number of sweeps may run at once. A '
    'customer whom a rule of the application''s refuses is left out with a WARNING; its error is raised when nothing '
    'else could be done. Call it as SELECT * FROM. Raises 22023, also for a time ahead, and 22008.';

-- level: user
CREATE FUNCTION mega_balance_at(pass_id text, at timestamptz) RETURNS bigint
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION mega_balance_at(text, timestamptz) IS
    'The sum of the customer''s ledger up to and including a time. Raises 23503 for an unknown customer, 22008 for an '
    'infinite time. Reads with the caller''s rights and policies.';

-- level: user
CREATE FUNCTION mega_balance(pass_id text, OUT mg_credits integer, OUT held integer, OUT spendable integer,
    OUT expires_at timestamptz, OUT next_end timestamptz, OUT next_ending integer)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION mega_balance(text) IS
    'The balance, what of it was set aside by holds that are pending, what can be spent now, without what has ended, when '
    'what has no lot ends, and when something ends next and how much. Raises 23503 for an unknown customer. Reads with '
    'the caller''s rights and policies.';

-- level: user
CREATE FUNCTION mega_credit_lots(pass_id text, OUT mg_id text, OUT mg_created_at timestamptz, OUT granted integer,
    OUT remaining integer, OUT ends timestamptz, OUT mg_source text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 5;
COMMENT ON FUNCTION mega_credit_lots(text) IS
    'The customer''s open lots, which are grants with an end of their own, in the order they are drawn (I15). Raises 23503 '
    'for an unknown customer. Reads with the caller''s rights and policies.';

-- level: app
CREATE FUNCTION mega_make_lot(pass_id text, lot_id text, amount integer DEFAULT NULL, ends timestamptz DEFAULT NULL,
    OUT mg_id text, OUT mg_credits integer, OUT replayed boolean)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION mega_make_lot(text, text, integer, timestamptz) IS
    'Makes a lot of credits that have none, of amount or all, once per lot_id. Without ends it ends when these credits '
    'do, and mg_expires_at is cleared. Call it as SELECT * FROM. Raises 23503, 22023 no end or one that has passed, '
    'MG001 more than there is, MG002 replay with other content, 54000 too many lots. Locks the customer FOR NO KEY '
    'UPDATE.';

-- level: user
CREATE FUNCTION mega_credit_statement(pass_id text, page_size integer DEFAULT 50, page_cursor text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    OUT mg_id text, OUT mg_created_at timestamptz, OUT mg_delta integer, OUT mg_reason text, OUT mg_source text,
    OUT mg_ref_type text, OUT mg_ref_id text, OUT mg_status text, OUT mg_generation_id text, OUT mg_meta jsonb,
    OUT balance_after bigint, OUT next_cursor text)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50
    SET enable_sort = off; -- a page comes from the index, however many rows its customer has
COMMENT ON FUNCTION mega_credit_statement(text, integer, text, timestamptz, timestamptz) IS
    'A customer''s credit rows, newest first, each with the balance behind it, from since on and before until. '
    'next_cursor, the same in every row of a page, asks for the next page; it is NULL on the last. Raises 23503 for an '
    'unknown customer, 22023 for a bad page size or cursor. Reads with the caller''s rights and policies.';

-- level: user
CREATE FUNCTION mega_usage(pass_id text, since timestamptz, until timestamptz DEFAULT pg_catalog.now(),
    by text DEFAULT 'day', OUT bucket text, OUT granted bigint, OUT spent bigint, OUT returned bigint,
    OUT expired bigint, OUT movements bigint)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 50;
COMMENT ON FUNCTION mega_usage(text, timestamptz, timestamptz, text) IS
    'What a customer was granted (less what was revoked), spent (holds too), got back and lost by expiry, from since on and '
    'before until, by day or month in its time zone, reason, source or model: granted - spent + returned - expired is the '
    'sum of the deltas. Raises 23503 for an unknown customer, 22023. Reads with the caller''s rights and policies.';

-- level: admin
CREATE FUNCTION mega_reconcile_credits(pass_id text DEFAULT NULL,
    OUT mg_pass_id text, OUT mg_credits integer, OUT ledger_sum bigint)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_reconcile_credits(text) IS
    'The customers whose balance differs from the sum of their ledger, or whether one does; there should be none (I1). '
    'Reads with the caller''s rights and policies.';

-- level: admin
CREATE FUNCTION mega_reconcile_lots(pass_id text DEFAULT NULL, OUT mg_pass_id text, OUT stored jsonb, OUT folded jsonb)
    RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION mega_reconcile_lots(text) IS
    'The customers whose open lots, arrays of [name, left, ends], differ from what their rows make, or whose rows say of a '
    'lot what cannot be; there should be none (I15). Reads with the caller''s rights and policies.';
