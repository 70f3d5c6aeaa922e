# Adopting tables of some size while an application goes on writing (design, section 4). Nothing of a large table is read
# under a lock that stops writers, but for indexes, which the report says how to build before; nothing queues behind a
# transaction that stays open. MEGA_ADOPTED_ROWS is the size of the ledger.
use strict;
use warnings;

use File::Basename;
use lib dirname(__FILE__);
use mega_test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $rows = $ENV{MEGA_ADOPTED_ROWS} // 200_000;
my $customers = $rows / 100;
my $node = start_node('adopting', 'fsync = off', 'max_wal_size = 4GB', 'autovacuum = off',
    'max_parallel_workers_per_gather = 0', 'max_parallel_maintenance_workers = 0'); # a worker's reading counts as its own
my $log = "$PostgreSQL::Test::Utils::log_path/adopting_clients.log";
$node->safe_psql('postgres', 'CREATE DATABASE shop');
sub sql { return $node->safe_psql('shop', $_[0]); }
sub client { return mega_client->connect($node, 'shop', $log); }

# As an application made them: without the MMA columns, without indexes, with a time that may be NULL and is not.
sql(qq{
    CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_email text, mg_credits integer DEFAULT 0, mg_created_at timestamptz DEFAULT now());
    CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text NOT NULL, mg_pass_id text, mg_delta integer, mg_reason text,
        mg_ref_type text, mg_ref_id text, mg_output_url text, mg_status text, mg_meta jsonb, mg_created_at timestamptz DEFAULT now());
    INSERT INTO mega_customers SELECT 'pass:test:' || i, i || '\@example.com', 100 FROM generate_series(1, $customers) i;
    INSERT INTO mega_generations SELECT 'credit_transaction:' || i, 'credit_transaction', 'pass:test:' || 1 + i % $customers, 1, 'grant',
        'order', 'o' || i, NULL, 'succeeded', '{"from": "shop"}' FROM generate_series(1, $rows) i;
    VACUUM (ANALYZE);
    CREATE TABLE files AS SELECT oid, relfilenode FROM pg_class WHERE relname IN ('mega_customers', 'mega_generations')});

# Writes both places until it is told to stop; keeps when it waited, and how long.
my $stop = "$PostgreSQL::Test::Utils::tmp_check/adopting_stop";
my $waits = "$PostgreSQL::Test::Utils::tmp_check/adopting_waits";
my ($application) = storm(1, sub {
    my $shop = client();
    $shop->rows("SET mega.derived_writes = 'ignore'");
    $shop->rows("SET client_min_messages = 'error'");
    my $written = 0;
    until (-e $stop) {
        my $pass_id = quoted('pass:test:' . (1 + $written % 10));
        my $begin = time;
        $shop->rows("INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason) VALUES ("
            . "'credit_transaction:live-$written', 'credit_transaction', $pass_id, 1, 'live')");
        $shop->rows("UPDATE mega_customers SET mg_credits = mg_credits + 1 WHERE mg_pass_id = $pass_id");
        PostgreSQL::Test::Utils::append_to_file($waits, "$begin " . time . "\n") if time - $begin > 0.005;
        $written++;
    }
    $shop->close;
});

#
# The functions first, and what they would do.
#
sql('SET mega.install = off; CREATE EXTENSION mega');
is(sql(q{SELECT count(*) FROM pg_trigger WHERE tgname ~ '^mega_'}), 0, 'with mega.install = off the tables are left as they are');
is(sql(q{SELECT to_regclass('mega_admin') IS NULL}), 't', 'and none is made');
my $catalogs = q{SELECT md5(string_agg(c::text, '' ORDER BY c::text)) FROM (
    SELECT a::text AS c FROM pg_attribute a UNION ALL SELECT k::text FROM pg_constraint k UNION ALL SELECT i::text FROM pg_index i
    UNION ALL SELECT t::text FROM pg_trigger t UNION ALL SELECT d::text FROM pg_description d UNION ALL SELECT f::text FROM pg_attrdef f) c};
my $before = sql($catalogs);
sql('SELECT count(*) FROM mega_install(dry_run => true)');
is(sql($catalogs), $before, 'a dry run changes nothing');

#
# The commands of the report, run before: columns, then indexes without a lock that stops writers.
#
my %phases = (columns => [time]);
my @columns = split /\n/, sql(q{SELECT detail FROM mega_install(true) WHERE action = 'add column'});
my @indexes = split /\n/, sql(q{SELECT detail FROM mega_install(true) WHERE action = 'create index' AND object !~ '^mega_admin'});
cmp_ok(scalar @columns, '>', 20, 'the report has a command for each column that is missing');
is(scalar(grep { /^CREATE (UNIQUE )?INDEX CONCURRENTLY \w+ ON public\.mega_generations / } @indexes), 10, 'and one for each index of the large table that stops no writer');
my $shop = client();
$shop->rows($_) for @columns;
push @{ $phases{columns} }, time;
$phases{indexes} = [time];
$shop->rows($_) for @indexes;
push @{ $phases{indexes} }, time;
$shop->close;
is(sql(q{SELECT count(*) FROM mega_install(true) WHERE action = 'create index' AND object !~ '^mega_admin'}), 0,
    'an index that was built before is not built again');

#
# What is read while a lock is held that stops writers: a witness looks at the begin and the end of every command.
#
sql(q{
    CREATE TABLE witnessed (run text, rows_read bigint, stops_writers boolean);
    CREATE FUNCTION witness() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.witnessed SELECT current_setting('shop.run', true),
            (SELECT s.seq_tup_read + coalesce(s.idx_tup_fetch, 0) FROM pg_stat_xact_user_tables s WHERE s.relname = 'mega_generations'),
            EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.relation = 'public.mega_generations'::regclass AND l.granted
                AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock'));
    END $$;
    CREATE EVENT TRIGGER begins ON ddl_command_start EXECUTE FUNCTION witness();
    CREATE EVENT TRIGGER ends ON ddl_command_end EXECUTE FUNCTION witness()});
sub read_under_lock {
    my ($run) = @_;
    return sql("SELECT count(*) > 3, max(rows_read) - min(rows_read), max(rows_read) >= $rows FROM witnessed WHERE run = '$run' AND stops_writers");
}

sql('VACUUM');
my $told = sql('SELECT * FROM mega_install(true)');
$phases{install} = [time];
my $done = sql("SET shop.run = 'install'; SELECT * FROM mega_install()");
push @{ $phases{install} }, time;
is($done, $told, 'the report is that of the dry run');
is(read_under_lock('install'), 't|0|t', 'mega_install reads a large table before it locks it, and not behind that');
like($done, qr/^mega_generations_id_shape\|add constraint\|.*NOT VALID -- then SELECT \* FROM mega_validate\(\)$/m, 'it says what is left');
is(sql(q{SELECT count(*) FILTER (WHERE NOT convalidated) > 7 FROM pg_constraint WHERE conrelid = 'mega_generations'::regclass}), 't',
    'what rows of before were not looked at for is NOT VALID');
$phases{validate} = [time];
is(sql(q{SET shop.run = 'validate'; SELECT sum(offenders), string_agg(DISTINCT action, ', ') FROM mega_validate()}), '0|added', 'no row breaks a rule');
push @{ $phases{validate} }, time;
is(read_under_lock('validate'), 't|0|t', 'mega_validate, too, reads a large table before it locks it');
is(sql(q{SELECT count(*) FROM pg_constraint WHERE conrelid = 'mega_generations'::regclass AND NOT convalidated}), 0,
    'mega_validate looks at them');
is(sql(q{SELECT attnotnull FROM pg_attribute WHERE attrelid = 'mega_generations'::regclass AND attname = 'mg_created_at'}), 't', 'and sets NOT NULL');
is(sql(q{SELECT count(*) FROM pg_constraint WHERE conname ~ '_there$'}), 0, 'of which no witness is left');
is(sql('SELECT count(*) FROM mega_install()'), 0, 'nothing is left to install');
is(sql('SELECT count(*) FROM mega_validate()'), 0, 'and nothing to validate');
is(sql('SELECT count(*) FROM files f WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = f.oid AND c.relfilenode = f.relfilenode)'), 0,
    'no table was written anew');

PostgreSQL::Test::Utils::append_to_file($stop, 'stop');
is(wait_for_storm($application), 0, 'no request of the application was refused');
for my $phase (sort keys %phases) {
    my ($begin, $end) = @{ $phases{$phase} };
    my $longest = 0;
    for (split /\n/, slurp_file($waits)) {
        my ($from, $to) = split / /;
        $longest = $to - $from if $to > $begin && $from < $end && $to - $from > $longest;
    }
    diag(sprintf("longest wait of a writer during %s (%.1f s): %.0f ms", $phase, $end - $begin, 1000 * $longest));
}
#
# A transaction that stays open: mega_install waits for it, writers do not wait for mega_install.
#
sql('DROP TRIGGER mega_generations_verify ON mega_generations');
my $open = client();
$open->rows('BEGIN');
$open->rows(q{UPDATE mega_generations SET mg_status = 'open' WHERE mg_id = 'credit_transaction:1'});
my $patient = client();
$patient->rows(q{SET lock_timeout = '200ms'});
my ($state) = $patient->run('SELECT * FROM mega_install()');
is($state, '55P03', 'it gives up after lock_timeout');
$patient->rows('RESET lock_timeout');
is($patient->rows(q{SELECT count(*) FROM pg_locks WHERE relation = 'mega_generations'::regclass AND pid = pg_backend_pid()}), 0, 'and holds nothing');

my ($installer) = storm(1, sub { client()->rows('SELECT * FROM mega_install()') });
$node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'mega_generations'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted});
$patient->rows(q{SET lock_timeout = '5s'});
my @states = map {
    ($patient->run("INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:meanwhile-$_', 'pass:test:1', 1)"))[0]
} 1 .. 20;
is_deeply(\@states, [ ('00000') x 20 ], 'writers go on while mega_install waits for a transaction that stays open');
is(sql(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'mega_generations_verify'}), 0, 'which it does');
$open->rows('COMMIT');
is(wait_for_storm($installer), 0, 'and then it goes on');
is(sql(q{SELECT count(*) FROM pg_trigger WHERE tgname = 'mega_generations_verify'}), 1, 'and is done');
$_->close for $open, $patient;

$node->stop;
done_testing();
