-- Moving in: tables that applications filled before mega kept their books. What changes what is stored is the owner's
-- alone, mega_grant hands it out to nobody; the import and what compares is of level admin.

-- level: owner
CREATE FUNCTION mega_validate(
    OUT object text, OUT rule text, OUT offenders bigint, OUT example text, OUT action text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION mega_validate() IS
    'The rules that Postgres does not hold yet because rows of adopted tables break them: how many rows, and one of '
    'them. A NOT NULL, a constraint or a unique key that no row breaks any more is added. And how many customers '
    'have other lots noted than the ledger records. No rows: everything is held. '
    'Call it as SELECT * FROM. Raises 42501 for anybody but the owner of the tables. Locks a table to which something '
    'is added. Of a large table nothing is read under a lock that stops writers, so a rule may take two calls; a '
    'unique index lets them wait.';

-- level: owner
CREATE FUNCTION mega_open_books(dry_run boolean DEFAULT false, trust text DEFAULT 'stored',
    OUT mg_pass_id text, OUT kind text, OUT before text, OUT after text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION mega_open_books(boolean, text) IS
    'Makes the books of adopted tables agree: what is stored stays, and the ledger is brought to it by facts that say '
    'so. A balance that differs from the ledger''s sum gets a credit row credit_transaction:opening:<pass id>:<n>; a '
    'snapshot that differs from the fold of the events gets preference_set events mma_event:opening:<pass id>:<n>; '
    'where nothing was stored, the ledger''s own result is. With trust => ''ledger'' it is the other way round, for '
    'balances and snapshots that were damaged: they are set to what the ledger says, each customer with an admin_audit '
    'row. One row per customer and kind; a second run finds nothing. Call it as SELECT * FROM. Raises 22023 for '
    'another trust, 42501 for anybody but the owner of the tables. Locks those customers, in byte order of pass id, to '
    'the end of the transaction.';

-- level: admin
CREATE PROCEDURE mega_import(legacy_schema name, batch_size integer DEFAULT 5000, tables text[] DEFAULT NULL,
    mapping jsonb DEFAULT '{}', INOUT report jsonb DEFAULT NULL)
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE mega_import(name, integer, text[], jsonb, jsonb) IS
    'Brings the ten legacy tables of a schema over, in batches that commit: a customer, all his credit rows and the row '
    'that opens his balance together, then sessions, generations, feedback and the office''s tables. Rows that are there '
    'stay, so it can be called again, after a kill too, and beside writers. mapping: legacy reason to the reason that '
    'live calls use. tables: the names of some; customers and credit_transactions come together. What cannot be is kept '
    'as an audit import_refused; report tells what was read, written, there, '
    'changed, mended and refused. Raises 25001 inside a transaction block, 55006 while another session imports, 42P01 '
    'for a schema without such tables, 42703 and 42804 for columns that cannot be read, 42501 where the '
    'caller may not read them, or row security hides rows of them. Locks the customers of a batch until it commits.';

-- level: admin
CREATE FUNCTION mega_parity_counts(legacy_schema name,
    OUT day date, OUT record_type text, OUT legacy bigint, OUT mega bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION mega_parity_counts(name) IS
    'Rows of the legacy tables and those of mega that have their ids, by day (UTC) and record type; customer counts '
    'keys. No day: the time had to be mended. Reads with the caller''s rights; raises 42501 where row security would hide '
    'rows, 42P01 for a schema without such tables.';

-- level: admin
CREATE FUNCTION mega_parity_sample(legacy_schema name, rows_per_type integer DEFAULT 100, seed bigint DEFAULT NULL,
    OUT record_type text, OUT id text, OUT field text, OUT legacy text, OUT mega text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION mega_parity_sample(name, integer, bigint) IS
    'Compares rows of each legacy table, chosen by the seed, with those of mega, after the same mapping and redaction, '
    'times in UTC: one row for each column that differs. Reads with the caller''s rights, as mega_parity_counts.';

-- level: admin
CREATE FUNCTION mega_parity_report(legacy_schema name) RETURNS jsonb
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION mega_parity_report(name) IS
    'Counts, a sample of 100 rows a type, credits (imported + openings = legacy), preferences, what was mended and '
    'refused, and a verdict in one line. Reads with the caller''s rights, as mega_parity_counts.';
