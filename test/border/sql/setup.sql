-- The functions of the module, and a way to look at an error.
\getenv libdir PG_LIBDIR
\getenv dlsuffix PG_DLSUFFIX
\set module :libdir '/mega_border' :dlsuffix
CREATE FUNCTION border_fail(kind text) RETURNS void AS :'module' LANGUAGE C;
CREATE FUNCTION border_raise_postgres(state text, message text, detail text, hint text) RETURNS void
    AS :'module' LANGUAGE C;
CREATE FUNCTION border_throw_ours(message text, detail text, hint text) RETURNS void AS :'module' LANGUAGE C;
CREATE FUNCTION border_nest(depth integer, kind text) RETURNS void AS :'module' LANGUAGE C;
CREATE FUNCTION border_run(command text) RETURNS bigint AS :'module' LANGUAGE C;
CREATE FUNCTION border_trigger() RETURNS trigger AS :'module' LANGUAGE C;
CREATE FUNCTION border_live_objects() RETURNS integer AS :'module' LANGUAGE C;
CREATE FUNCTION border_nothing_current() RETURNS boolean AS :'module' LANGUAGE C;
CREATE FUNCTION border_cut(value text) RETURNS text AS :'module' LANGUAGE C;
CREATE FUNCTION border_quoted(value text) RETURNS text AS :'module' LANGUAGE C;
CREATE FUNCTION border_swallow(first text, second text, apart boolean) RETURNS text AS :'module' LANGUAGE C;
CREATE FUNCTION border_throw_in_subtransaction(command text) RETURNS void AS :'module' LANGUAGE C;
CREATE FUNCTION border_swallow_often(count integer) RETURNS integer AS :'module' LANGUAGE C;
CREATE FUNCTION border_loop() RETURNS void AS :'module' LANGUAGE C;
CREATE FUNCTION border_cancel_in_loop() RETURNS void AS :'module' LANGUAGE C;
CREATE FUNCTION border_freed_block_is_overwritten() RETURNS boolean AS :'module' LANGUAGE C;
CREATE FUNCTION border_peak_memory() RETURNS bigint AS :'module' LANGUAGE C;

-- Runs a command and says how it failed, and what the error left behind: objects alive, and whether the C++ runtime
-- has nothing in hand.
CREATE FUNCTION caught(command text, OUT state text, OUT message text, OUT detail text, OUT hint text,
    OUT live integer, OUT clean boolean) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    state := '00000';
EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    live := border_live_objects();
    clean := border_nothing_current();
END $$;
SELECT border_live_objects(), border_nothing_current();
