-- Databases in the encodings of a server: what mega says is text of the database, cut between characters; limits count
-- the database's bytes; control characters and blanks are what they are there. In databases of its own.
-- Every answer goes through the conversion to the client's encoding, which refuses what is no text.
\pset null NULL
\set SHOW_CONTEXT never
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
SELECT current_database() AS home \gset
SELECT $body$
SET client_encoding = 'UTF8';
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS mega;
CREATE OR REPLACE FUNCTION pg_temp.briefly(statement text) RETURNS text LANGUAGE plpgsql AS $fn$
DECLARE said text; detail text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || said, nullif(detail, ''));
END $fn$;
SELECT mg_pass_id FROM mega_ensure_customer('pass:test:a');
-- whatever stands before the characters, the cut falls between two
SELECT n, pg_temp.briefly(format('SELECT mega_balance_at(%L, now())', repeat('x', n) || repeat(:'character', 100))) FROM generate_series(0, 3) n;
SELECT what, pg_temp.briefly(format(statement, repeat(:'character', 600))) FROM (VALUES
    ('pass id', 'SELECT mega_record_credit(%L, 1, ''r'')'),
    ('reason', 'SELECT mega_record_credit(''pass:test:a'', 1, %L)'),
    ('entries', 'SELECT mega_record_credits(jsonb_build_array(jsonb_build_object(''pass_id'', ''pass:test:a'', ''delta'', 1, ''reason'', %L)))'),
    ('profile key', 'SELECT mega_ensure_customer(''pass:test:a'', profile => jsonb_build_object(%L, 1))'),
    ('tag', 'SELECT mega_record_mma_event(''pass:test:a'', ''like'', jsonb_build_object(''tag'', %L))'),
    ('event type', 'SELECT mega_record_mma_event(''pass:test:a'', %L)'),
    ('field', 'SELECT mega_update_generation(%L)'),
    ('cursor', 'SELECT * FROM mega_likes(''pass:test:a'', 1, %L)'),
    ('row', 'INSERT INTO mega_generations (mg_id) VALUES (''session:'' || %L)'),
    ('step', 'INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_no) VALUES (''mma_step:'' || left(%L, 200) || '':1'', ''pass:test:a'', 2)'),
    ('customer', 'INSERT INTO mega_customers (mg_pass_id) VALUES (%L)'),
    ('URL', 'INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES (''generation:u'', ''pass:test:a'', ''ftp://'' || %L)'),
    ('trust', 'SELECT mega_open_books(true, %L)')) v(what, statement);
-- 512 bytes of the database, not characters and not bytes of anybody else
SELECT octet_length(r) AS bytes, pg_temp.briefly(format('SELECT mega_record_credit(''pass:test:a'', 1, %L)', r)) AS ended FROM (VALUES
    (repeat(:'character', 512 / octet_length(:'character'))), (repeat(:'character', 512 / octet_length(:'character')) || 'xxx')) v(r);
SELECT count(*) AS same FROM mega_credit_statement('pass:test:a') WHERE mg_reason = repeat(:'character', 512 / octet_length(:'character'));
-- a URL may say bytes that are no text, and be signed all the same
SELECT what, pg_temp.briefly(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES (''generation:'' || clock_timestamp(), ''pass:test:a'', %L)', url)) FROM (VALUES
    ('host', 'https://%FF%FE.example.com/a.png'), ('parameter', 'https://b.s3.amazonaws.com/a.png?X-Amz-Signature=1&%FF=%FE'), ('name', 'https://b.example.com/a.png?%FFsig=1&se=%FE'),
    ('character', 'https://cdn.example.com/' || repeat(:'character', 100) || '?X-Amz-Signature=1'), ('inside', 'https://p.example.com/?url=https%3A%2F%2F%FF.s3.amazonaws.com%2F%FE%3FX-Amz-Signature%3D1')) v(what, url);
SET mega.asset_hosts = 'cdn.example.com';
SELECT pg_temp.briefly('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES (''generation:o'', ''pass:test:a'', ''https://%FF%FE.example.com/a.png'')');
RESET mega.asset_hosts;
-- control characters and blanks
SELECT pg_temp.briefly(format('SELECT mega_record_credit(''pass:test:a'', 1, %L)', 'a' || :next_line)) AS next_line, mega_is_pass_id('pass:test:' || :next_line) AS is_pass_id,
    pg_temp.briefly(format('SELECT mega_record_credit(''pass:test:a'', 1, %L)', :blank)) AS blank, pg_temp.briefly(format('SELECT mega_record_credit(''pass:test:a'', 1, %L)', E'a\tb')) AS tab;
SELECT * FROM mega_reconcile_credits();
$body$ AS body \gset

CREATE DATABASE regress_mega_encodings TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_encodings
\set character 日
\set next_line 'U&''\\0085'''
\set blank 'U&''\\00A0\\3000'''
:body
\c :home
DROP DATABASE regress_mega_encodings;

CREATE DATABASE regress_mega_encodings TEMPLATE template0 ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_encodings
\set next_line 'E''\\x7f'''
\set blank 'U&''\\3000\\3000'''
:body
-- characters of three bytes, and those whose second byte is nobody's blank
\set character 丂
:body
SELECT pg_temp.briefly(format('SELECT mega_record_credit(''pass:test:a'', 1, %L)', '、a、'));
\c :home
DROP DATABASE regress_mega_encodings;

CREATE DATABASE regress_mega_encodings TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_encodings
\set character é
\set next_line chr(133)
\set blank chr(160)
:body
\c :home
DROP DATABASE regress_mega_encodings;

-- here that byte is three dots
CREATE DATABASE regress_mega_encodings TEMPLATE template0 ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_encodings
\set character €
:body
\c :home
DROP DATABASE regress_mega_encodings;

-- no encoding at all: what clients send is taken for UTF-8
CREATE DATABASE regress_mega_encodings TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_mega_encodings
\set character 日
\set next_line 'E''\\xc2\\x85'''
\set blank 'E''\\xc2\\xa0\\xe3\\x80\\x80'''
:body
\c :home
DROP DATABASE regress_mega_encodings;
