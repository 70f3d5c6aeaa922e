-- Functions that return other columns than they were declared with raise an error.
\getenv libdir PG_LIBDIR
\getenv dlsuffix PG_DLSUFFIX
\set module :libdir '/mega_border' :dlsuffix
CREATE FUNCTION border_row(count integer, OUT a integer, OUT b integer) AS :'module' LANGUAGE C;
CREATE FUNCTION border_row_of_any(count integer) RETURNS record AS :'module', 'border_row' LANGUAGE C;
CREATE FUNCTION border_row_alone(count integer) RETURNS integer AS :'module', 'border_row' LANGUAGE C;
CREATE FUNCTION border_rows(count integer, OUT a integer, OUT b integer) RETURNS SETOF record AS :'module' LANGUAGE C;
CREATE FUNCTION border_rows_of_any(count integer) RETURNS SETOF record AS :'module', 'border_rows' LANGUAGE C;
CREATE FUNCTION border_rows_alone(count integer) RETURNS SETOF integer AS :'module', 'border_rows' LANGUAGE C;
CREATE FUNCTION border_rows_once(count integer, OUT a integer, OUT b integer) AS :'module', 'border_rows' LANGUAGE C;
CREATE FUNCTION border_rows_of(command text, OUT a integer, OUT b text) RETURNS SETOF record AS :'module' LANGUAGE C;

SELECT * FROM border_row(2);
SELECT (border_row(2)).b;
SELECT * FROM border_row_of_any(2) AS r (a integer, b integer);
SELECT * FROM border_rows(2);
SELECT border_rows(2);
SELECT * FROM border_rows_of_any(2) AS r (a integer, b integer);
SELECT * FROM border_rows_of('VALUES (1, ''one''::text), (NULL, NULL), (3, repeat(''x'', 5))');
SELECT * FROM border_rows_of('SELECT 1, ''none''::text WHERE false');

SELECT * FROM border_row(1);
SELECT * FROM border_row(3);
SELECT * FROM border_row(0);
SELECT border_row_of_any(2);
SELECT border_row_alone(2);
SELECT * FROM border_rows(1);
SELECT * FROM border_rows(3);
SELECT * FROM border_rows(0);
SELECT border_rows_alone(2);
SELECT * FROM border_rows_of_any(3) AS r (a integer, b integer);
SELECT * FROM border_rows_once(2);
SELECT border_rows_once(2);
SELECT * FROM border_rows_of('SELECT 1');
SELECT * FROM border_rows_of('SELECT 1, ''two''::text, 3');
SELECT state, message, live, clean FROM caught('SELECT * FROM border_rows(3)');
SELECT border_live_objects(), border_nothing_current();
