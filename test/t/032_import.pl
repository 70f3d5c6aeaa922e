# Moving in: a database made from a seed comes over with every oddity counted; an import that is killed anywhere and called
# again ends the same; beside writers of both sides, and beside merges, nothing is lost; from another server; one importer at a time.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_legacy;
use mega_test;

use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $customers = $ENV{MEGA_IMPORT_CUSTOMERS} // 120;
my $kills = $ENV{MEGA_IMPORT_KILLS} // 20;
my $seed = seed_of_storm();
my $directory = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('import', 'fsync = on', 'restart_after_crash = on', 'client_min_messages = warning');
my ($rows, $told) = make_legacy('legacy', $seed, $customers);

sub make_database {
    my ($name) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $name");
    $node->safe_psql($name, "CREATE EXTENSION mega; SET client_min_messages = error; " . legacy_tables('legacy'));
    PostgreSQL::Test::Utils::append_to_file("$directory/$name.sql", $rows);
    $node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($name), '-f', "$directory/$name.sql" ], "$name is filled");
    return;
}

sub import_into { my ($name, $arguments) = @_; return decode_json($node->safe_psql($name, "CALL mega_import('legacy'$arguments)")); }

# The report says what the generator counted.
sub check_report {
    my ($report) = @_;
    for my $table (sort keys %{ $report->{tables} }) {
        my ($found, $expected) = ($report->{tables}{$table}, $told->{$table});
        is($found->{$_}, $expected->{$_} // 0, "$table: $_") for qw(read written);
        is($found->{there}, 0, "$table: nothing was there");
        for my $what (qw(mended refused)) {
            is_deeply({ map { $_ => $found->{$what}{$_}{rows} } keys %{ $found->{$what} } }, $expected->{$what} // {}, "$table: $what");
        }
    }
    is($report->{persons}{rows}, $told->{persons}, 'persons under two ids');
    return;
}

sub check_balances {
    my ($name) = @_;
    my %found = map { split /\|/ } split /\n/, $node->safe_psql($name, 'SELECT mg_pass_id, mg_credits FROM mega_customers');
    my @wrong = grep { ($found{$_} // 'none') ne $told->{balance}{$_} } sort keys %{ $told->{balance} };
    is("@wrong", '', "$name: each balance is legacy's");
    is(books_disagree($node, $name), '', "$name: the books agree (I1)");
    return;
}

make_database('calm');
my $began = time;
check_report(import_into('calm', ''));
my $took = time - $began;
check_balances('calm');
my $end = $node->safe_psql('calm', end_of_import());
my $again = import_into('calm', ', batch_size => 7');
is_deeply([ grep { $_->{written} || $_->{brought} || $_->{changed} } values %{ $again->{tables} } ], [], 'a second call writes nothing');
is($node->safe_psql('calm', end_of_import()), $end, 'and changes nothing');
like($node->safe_psql('calm', q{SELECT mega_parity_report('legacy') ->> 'verdict'}), qr/^clean: /, 'parity: clean');
is($node->safe_psql('calm', q{SELECT count(*) FROM mega_parity_sample('legacy', 100000, 1)}), 0, 'no column of any row differs');

# Killed at random moments, in each way a backend can go, and called again.
make_database('killed');
my $cut = 0;
for my $round (1 .. $kills) {
    my $caller = fork() // die "fork: $!";
    if ($caller == 0) {
        open STDERR, '>', '/dev/null';
        exec 'psql', '-XqAt', '-d', $node->connstr('killed'), '-c', "CALL mega_import('legacy', batch_size => 5)" or POSIX::_exit(1);
    }
    # Behind its beginning, and soon, so that it takes many of them, however fast the machine is.
    my $watch = mega_client->connect($node, 'postgres', "$directory/errors");
    my $process;
    for (1 .. 400) {
        $process = $watch->rows(q{SELECT pid FROM pg_stat_activity WHERE datname = 'killed' AND query LIKE 'CALL mega_import%' AND state = 'active'});
        last if $process;
        sleep 0.005;
    }
    sleep rand $took / 10;
    $watch->close;
    $process = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE datname = 'killed' AND query LIKE 'CALL mega_import%' AND state = 'active'});
    if ($round % 4 == 0) {
        $node->stop('immediate');
        $node->start;
    } elsif ($round % 4 == 1 && $process) {
        $node->safe_psql('postgres', "SELECT pg_terminate_backend($process)");
    } elsif ($process) {
        kill_backend($node, $process, "$directory/errors");
    }
    $cut++ if $process;
    waitpid $caller, 0;
    is(books_disagree($node, 'killed'), '', "round $round: the books agree (I1)");
}
cmp_ok($cut, '>', $kills / 4, "the import was cut off $cut times");
import_into('killed', '');
is($node->safe_psql('killed', end_of_import()), $end, 'the end is the same');
check_balances('killed');

# Two at once: the second is refused, and the lock goes with the session.
my $first = mega_client->connect($node, 'calm', "$directory/errors");
$first->rows('SELECT pg_advisory_lock(1)');
$node->safe_psql('calm', q{CREATE SCHEMA slow; CREATE FUNCTION slow.wait() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN 'x'; END $$;
    CREATE VIEW slow.sessions AS SELECT md5('x')::uuid AS id, slow.wait() AS title, NULL::text AS shopify_customer_id});
my $waiting = fork() // die "fork: $!";
if ($waiting == 0) { open STDERR, '>', '/dev/null'; exec 'psql', '-XqAt', '-d', $node->connstr('calm'), '-c', "CALL mega_import('slow')" or POSIX::_exit(1); }
$node->poll_query_until('calm', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE 'CALL%'}) or die 'nobody waits';
is($node->safe_psql('calm', q{SELECT application_name FROM pg_stat_activity WHERE wait_event = 'advisory'}), 'mega_import: reads sessions', 'what it does is seen from outside');
my $second = mega_client->connect($node, 'calm', "$directory/errors");
is(($second->run("CALL mega_import('legacy')"))[0], '55006', 'one import at a time');
$first->rows('SELECT pg_advisory_unlock(1)');
waitpid $waiting, 0;
is(($second->run("CALL mega_import('nowhere')"))[0], '42P01', 'an import that fails');
is(($second->run("CALL mega_import('slow')"))[0], '00000', 'leaves no lock');
is($second->rows(q{SELECT application_name = current_setting('application_name') FROM pg_stat_activity WHERE pid = pg_backend_pid()}), 't', 'and the name of the application is what it was');
$_->close for $first, $second;

# From another server.
my $other = start_node('other', 'client_min_messages = warning');
$other->safe_psql('postgres', 'CREATE DATABASE shop');
$other->safe_psql('shop', legacy_tables('legacy'));
$other->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $other->connstr('shop'), '-f', "$directory/calm.sql" ], 'the other server is filled');
$node->safe_psql('postgres', 'CREATE DATABASE far');
SKIP: {
    skip 'no postgres_fdw here', 3 if ($node->psql('far', 'CREATE EXTENSION postgres_fdw'))[0] != 0;
    $node->safe_psql('far', "CREATE EXTENSION mega; CREATE SERVER old FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '" . $other->host . "', port '" . $other->port . "', dbname 'shop');
        CREATE USER MAPPING FOR postgres SERVER old OPTIONS (user 'postgres'); CREATE SCHEMA legacy; IMPORT FOREIGN SCHEMA legacy FROM SERVER old INTO legacy");
    check_report(import_into('far', ''));
    is($node->safe_psql('far', end_of_import()), $end, 'from another server: the end is the same');
    like($node->safe_psql('far', q{SELECT mega_parity_report('legacy') ->> 'verdict'}), qr/^clean: /, 'and parity is clean');
}
$other->stop;

# Beside writers of both sides; then legacy's stop, and one more call.
make_database('busy');
my $stop = "$directory/stop";
my @keys = map { 5000 + $_ } grep { $_ % 17 } 1 .. 40;
my @processes = storm($seed,
    (map { my $n = $_; sub {
        my $client = mega_client->connect($node, 'busy', "$directory/errors");
        for (my $turn = 0; !-e $stop; $turn++) {
            my $key = $keys[ rand @keys ];
            my ($state) = $client->run("SELECT mega_ensure_customer(shopify_customer_id => '$key'), mega_record_credit('pass:shopify:$key', 3, 'live', txn_id => 'live-$n-$turn')");
            ($state) = $client->run("SELECT mega_record_credit('pass:shopify:$key', 3, 'live', txn_id => 'live-$n-$turn')") if $state ne '00000';
            die "$state\n" if $state !~ /^(00000|23505|23503|40P01)$/;
        }
    } } 1 .. 8),
    (map { my $n = $_; sub {
        my $client = mega_client->connect($node, 'busy', "$directory/errors");
        for (my $turn = 0; !-e $stop; $turn++) {
            my $key = $keys[ rand @keys ];
            $client->rows("BEGIN; INSERT INTO legacy.credit_transactions VALUES (gen_random_uuid(), '$key', 2, 'late', 'app', 'late', '$n-$turn', clock_timestamp()); UPDATE legacy.customers SET credits = credits + 2 WHERE shopify_customer_id = '$key'; COMMIT");
            $client->rows("UPDATE legacy.generations SET output_url = 'https://assets.example.com/$n-$turn.png' WHERE id = 'g" . (1 + int rand 50) . "'") if $turn % 3 == 0;
            sleep 0.01;
        }
    } } 1 .. 4));
import_into('busy', ', batch_size => 50') for 1 .. 3;
PostgreSQL::Test::Utils::append_to_file($stop, 'x');
is(wait_for_storm(@processes), 0, 'all writers went through');
import_into('busy', '');
is($node->safe_psql('busy', q{SELECT * FROM mega_parity_sample('legacy', 100000, 1)}), '', 'writes of legacy off, once more: no column of any row differs');
like($node->safe_psql('busy', q{SELECT mega_parity_report('legacy') ->> 'verdict'}), qr/^clean: /, 'writes of legacy off, once more: parity is clean');
is(books_disagree($node, 'busy'), '', 'the books agree (I1)');
is($node->safe_psql('busy', q{SELECT count(*) FROM legacy.customers l JOIN mega_customers c ON c.mg_pass_id = 'pass:shopify:' || l.shopify_customer_id
    WHERE c.mg_credits <> l.credits + coalesce((SELECT sum(g.mg_delta) FROM mega_generations g WHERE g.mg_pass_id = c.mg_pass_id AND g.mg_reason = 'live'), 0)
        + coalesce((SELECT sum(o.credits) FROM legacy.customers o WHERE o.shopify_customer_id = 'gid://shopify/Customer/' || l.shopify_customer_id), 0)}), 0, 'each balance is that of legacy and the live rows');

# Beside merges of customers that are on their way.
make_database('merged');
my @pairs = map { my $n = 5000 + $_; [ "pass:shopify:$n", 'pass:shopify:' . ($n + 1) ] } grep { $_ % 17 && ($_ + 1) % 17 } map { 3 * $_ } 1 .. $customers / 4;
my @merged = map { "$directory/merged-$_" } 1, 2;
my $patience = time + 300;
my @merging = storm($seed + 1, map { my $half = $_; sub {
    my $client = mega_client->connect($node, 'merged', "$directory/errors");
    my @left = grep { ($_->[0] =~ /(\d)$/)[0] % 2 == $half } @pairs;
    while (@left && time < $patience) { # an import on a slow machine takes its time to bring them
        my $pair = shift @left;
        my ($state) = $client->run("SELECT mega_merge_customers('$pair->[0]', '$pair->[1]')");
        die "$state\n" if $state !~ /^(00000|23503|40P01|MG004)$/;
        push @left, $pair if $state =~ /^(23503|40P01)$/; # not there yet; a target that is disabled (MG004) takes nobody
        sleep 0.002;
    }
    PostgreSQL::Test::Utils::append_to_file($merged[$half], 'x') if !@left;
} } 0, 1);
import_into('merged', ', batch_size => 5');
is(wait_for_storm(@merging), 0, 'all merges went through');
is((grep { -e } @merged), 2, 'each pair was there at last');
cmp_ok($node->safe_psql('merged', q{SELECT count(*) FROM mega_customers WHERE mg_meta #> '{mega,merged_into}' IS NOT NULL}), '>', @pairs / 4, 'and many of them are one');
import_into('merged', '');
is($node->safe_psql('merged', q{SELECT * FROM mega_parity_sample('legacy', 100000, 1)}), '', 'beside merges, once more: no column of any row differs');
like($node->safe_psql('merged', q{SELECT mega_parity_report('legacy') ->> 'verdict'}), qr/^clean: /, 'beside merges, once more: parity is clean');
is(books_disagree($node, 'merged'), '', 'the books agree (I1)');
$again = import_into('merged', '');
is_deeply([ grep { $_->{written} || $_->{brought} || $_->{changed} } values %{ $again->{tables} } ], [], 'and one more call writes nothing');
$node->stop;
done_testing();
