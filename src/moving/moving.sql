-- Moving in: tables that applications filled before mega kept their books. Owner only: mega_grant hands out none of these.

CREATE FUNCTION mega_validate(
    OUT object text, OUT rule text, OUT offenders bigint, OUT example text, OUT action text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION mega_validate() IS
    'The rules that Postgres does not hold yet because rows of adopted tables break them: how many rows, and one of '
    'them. A NOT NULL, a constraint or a unique key that no row breaks any more is added. No rows: everything is held. '
    'Raises 42501 for anybody but the owner of the tables. Locks a table to which something is added. Of a large table '
    'nothing is read under a lock that stops writers, so a rule may take two calls; a unique index lets them wait.';

CREATE FUNCTION mega_open_books(dry_run boolean DEFAULT false, trust text DEFAULT 'stored',
    OUT mg_pass_id text, OUT kind text, OUT before text, OUT after text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION mega_open_books(boolean, text) IS
    'Makes the books of adopted tables agree: what is stored stays, and the ledger is brought to it by facts that say '
    'so. A balance that differs from the ledger''s sum gets a credit row credit_transaction:opening:<pass id>:<n>; a '
    'snapshot that differs from the fold of the events gets preference_set events mma_event:opening:<pass id>:<n>; where '
    'nothing was stored, the ledger''s own result is. With trust => ''ledger'' it is the other way round, for balances '
    'and snapshots that were damaged: they are set to what the ledger says, each customer with an admin_audit row. One '
    'row per customer and kind; a second run finds nothing. Raises 22023 for another trust, '
    '42501 for anybody but the owner of the tables. Locks those customers, in byte order of pass id, to the end of the '
    'transaction.';
