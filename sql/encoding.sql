-- Bytes that are no text of the server's encoding are refused with 22021 and lose nothing; text of any script comes back as it went in.
-- Customers of this file: pass:test:encoding*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
SHOW server_encoding;
SELECT mg_credits FROM mega_ensure_customer('pass:test:encoding');
SELECT mg_credits FROM mega_record_credit('pass:test:encoding', 10, 'grant', txn_id => 'encoding-1');
SELECT what, left(pg_temp.outcome(statement), 5) AS sqlstate FROM (VALUES
    ('literal', $$SELECT mega_record_credit('pass:test:encoding', -1, E'a\xff')$$),
    ('cut off', $$SELECT mega_record_credit('pass:test:encoding', -1, E'a\xe2\x82')$$),
    ('surrogate', $$SELECT mega_record_credit('pass:test:encoding', -1, E'\xed\xa0\x80')$$),
    ('overlong', $$SELECT mega_record_credit('pass:test:encoding', -1, E'\xc0\xaf')$$),
    ('beyond Unicode', $$SELECT mega_record_credit('pass:test:encoding', -1, E'\xf4\x90\x80\x80')$$),
    ('converted', $$SELECT mega_record_credit('pass:test:encoding', -1, convert_from('\x61ff', 'UTF8'))$$),
    ('byte 0', $$SELECT mega_record_credit('pass:test:encoding', -1, convert_from('\x6100', 'UTF8'))$$),
    ('Shopify id', $$SELECT mega_ensure_customer(shopify_customer_id => E'\xff')$$),
    ('profile', $$SELECT mega_ensure_customer('pass:test:encoding', profile => E'{"first_name": "\xff"}')$$),
    ('byte 0 in JSON', $$SELECT mega_ensure_customer('pass:test:encoding', profile => '{"first_name": "\u0000"}')$$),
    ('half a pair in JSON', $$SELECT mega_ensure_customer('pass:test:encoding', profile => '{"first_name": "\ud83e"}')$$),
    ('cursor', $$SELECT * FROM mega_credit_statement('pass:test:encoding', 10, E'\xff')$$),
    ('predicate', $$SELECT mega_is_pass_id(E'pass:test:\xff')$$),
    ('row', $$INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES (E'session:\xff', 'pass:test:encoding')$$)
) v(what, statement);
COPY mega_generations (mg_id, mg_pass_id, mg_delta) FROM stdin (DELIMITER '|');
credit_transaction:encoding-2|pass:test:encoding|5
credit_transaction:encoding-\xff|pass:test:encoding|5
\.
SELECT mg_credits, (SELECT count(*) FROM mega_generations WHERE mg_pass_id = 'pass:test:encoding') FROM mega_balance('pass:test:encoding');
-- a cursor that decodes to no text
SELECT pg_temp.outcome($$SELECT * FROM mega_credit_statement('pass:test:encoding', 10, 'm1' || encode('1|2|3|credit_transaction:\377\376', 'hex'))$$);
-- every script comes back as it went in, from arguments, rows and JSON, and messages are cut between characters
CREATE TEMP TABLE scripts AS SELECT n, t FROM unnest(ARRAY['ascii', 'Größe', 'ελληνικά', 'русский', 'العربية', 'עברית', 'हिन्दी', '日本語', '🧀👩‍👩‍👧', U&'e\0301', U&'\FEFFbom', U&'a\200Bb', U&'\+010FFFD']) WITH ORDINALITY u(t, n);
SELECT count(*), bool_and(mg_id = 'credit_transaction:encoding-' || t) AS same
FROM scripts, LATERAL mega_record_credit('pass:test:encoding', 1, t, t, 'encoding', t, 'encoding-' || t, meta => jsonb_build_object('t', t));
SELECT count(*), bool_and(mg_reason = t AND mg_source = t AND mg_ref_id = t AND mg_meta ->> 't' = t) AS same FROM scripts JOIN mega_generations ON mg_id = 'credit_transaction:encoding-' || t;
SELECT count(*), bool_and(mg_reason = ANY (SELECT t FROM scripts)) AS same FROM mega_credit_statement('pass:test:encoding', 1000) WHERE mg_ref_type = 'encoding';
SELECT count(*), bool_and(created) AS created FROM scripts, LATERAL mega_ensure_customer('pass:test:encoding-' || t, profile => jsonb_build_object('display_name', t));
SELECT count(*), bool_and(mg_display_name = t) AS same FROM scripts, LATERAL mega_customer('pass:test:encoding-' || t);
SELECT n, length(pg_temp.outcome(format('SELECT mega_record_credit(%L, 1, ''grant'')', 'pass:test:nobody' || repeat(t, 60)))) > 0 AS answered FROM scripts ORDER BY n;
SELECT pg_temp.outcome(format('SELECT mega_balance(%L)', 'pass:test:' || repeat('日', 100)));
SELECT * FROM mega_reconcile_credits('pass:test:encoding');
