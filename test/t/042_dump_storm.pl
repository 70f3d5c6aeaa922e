# Dumps of a database that is being written to: each holds one moment, in which the books agree (I1, I2, I14). And a dump
# of the whole cluster, with roles, grants and settings, into another one. MEGA_DUMP_ROUNDS says how many dumps.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{MEGA_DUMP_ROUNDS} // 2;
my $logs = PostgreSQL::Test::Utils::tempdir();
my $seed = seed_of_storm();
my @customers = map { "pass:shopify:$_" } 7001, 7002, 7005, 7006;

my $node = start_node('dump_storm');
start_dumps($node);
make_source('source');

my $stop = "$logs/stop";
my @writers = storm($seed, map { my $writer = $_; sub { write_until_stopped($writer) } } 1 .. 3);
for my $round (1 .. $rounds) {
    dump_in_the_storm($round);
}
open my $file, '>', $stop or die "$stop: $!";
close $file;
is(wait_for_storm(@writers), 0, 'every writer came to its end');
check_books('source', 'the source behind the storm');

whole_cluster();

$node->stop;
done_testing();

sub one_of { return $_[ int rand @_ ] }

# Movements, holds, raw rows of several customers, events and generations with their steps, each a transaction.
sub statement_of {
    my ($name) = @_;
    my $pass_id = one_of(@customers);
    my $kind = int rand 6;
    return "SELECT mega_record_credit('$pass_id', " . (1 + int rand 20) . ", 'grant', txn_id => '$name')" if $kind == 0;
    return "SELECT mega_hold_credit('$pass_id', 1, '$name'), mega_capture_credit('$name')" if $kind == 1;
    return qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
        SELECT 'credit_transaction:$name:' || n, (ARRAY['} . join("', '", @customers) . qq{'])[n], 2 * n - 5, 'raw'
        FROM generate_series(1, 4) n} if $kind == 2;
    return qq{SELECT mega_record_mma_event('$pass_id', '} . one_of(qw(like dislike download)) . qq{',
        '{"tags": ["style.minimal", "light.soft"]}')} if $kind == 3;
    return qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_created_at, mg_meta) VALUES ('mma_event:$name',
        '$pass_id', '2025-01-01Z', '{"event_type": "preference_set", "payload": {"tag_weights": {"light.soft": 2}}}')}
      if $kind == 4;
    return qq{SELECT mega_create_generation('$pass_id', '$name', 'still');
        SELECT mega_append_mma_step('$name', 'scan_product', '{}', '{}', mma_status => 'scanning')};
}

sub write_until_stopped {
    my ($writer) = @_;
    my $client = mega_client->connect($node, 'source', "$logs/$writer.errors");
    for (my $number = 0; !-e $stop; $number++) {
        my ($state) = $client->run(statement_of("w$writer-$number"));
        die "connection lost\n" if !defined $state;
        die "$state\n" if $state !~ /^(00000|MG001)$/;
    }
    $client->close;
    return;
}

# The lines of a dump, sorted: Postgres fills gaps in the pages of a larger table, so its rows come in another order.
sub lines_of { return join "\n", sort grep { /\S/ && !/^\\(un)?restrict / } split /\n/, $_[0] }

sub ledger_rows { return $node->safe_psql($_[0], 'SELECT count(*) FROM mega_generations') }

# Dumps until writes fell into the dump: as a rule they do at once.
sub dump_in_the_storm {
    my ($round) = @_;
    my $by_jobs = $round % 2;
    my $name = $by_jobs ? "dump $round, a directory by 2 jobs" : "dump $round, plain";
    my ($before, $after, $dump, $database);
    for my $attempt (1 .. 20) {
        $database = new_database("copy${round}_$attempt");
        forget_dumps();
        $before = ledger_rows('source');
        $dump = dumped_as('source', $by_jobs ? ('directory', '--jobs=2') : ('plain'));
        $after = ledger_rows('source');
        my ($output, $said) = run_command($by_jobs
            ? [ qw(pg_restore --exit-on-error --jobs=2 -d), $node->connstr($database), $dump ]
            : [ qw(psql -Xq -v ON_ERROR_STOP=1 -d), $node->connstr($database), '-f', $dump ]);
        said_nothing($said, $name);
        last if ledger_rows($database) < $after;
    }
    my $dumped = ledger_rows($database);
    note("$name: $before rows before it, $dumped in it, $after behind it");
    cmp_ok($dumped, '>=', $before, "$name: it holds what was there before it");
    cmp_ok($dumped, '<', $after, "$name: writes went on");
    check_books($database, $name);
    is(triggers_of($database), triggers_of('source'), "$name: the triggers are there and enabled");
    my ($text) = $by_jobs ? run_command([ 'pg_restore', '--file=-', $dump ]) : slurp_file($dump);
    same_text(lines_of(dump_of($database)), lines_of($text), "$name: the second dump holds the lines of the first");
    is($node->safe_psql($database, q{SELECT replayed FROM mega_record_credit('pass:shopify:7001', 200, 'order', 'shopify',
        'shopify_order', '5987214360921')}), 't', "$name: what was written before it is a replay (I4)");
    is($node->safe_psql($database, q{SELECT replayed FROM mega_record_credit('pass:shopify:7001', 1, 'gift')}), 'f',
        "$name: the next write goes on");
    check_books($database, "$name, written to");
    return;
}

# pg_dumpall into another cluster: settings of mega come before its library is loaded there.
sub whole_cluster {
    my $cluster = "$logs/cluster.sql";
    $node->safe_psql('postgres', "DROP DATABASE $_")
      for split /\n/, $node->safe_psql('postgres', q{SELECT datname FROM pg_database WHERE datname LIKE 'copy%'});
    $node->safe_psql('postgres', q{ALTER DATABASE source SET mega.derived_writes = 'ignore'});
    $node->safe_psql('postgres', q{ALTER DATABASE source SET mega.asset_hosts = 'assets.example.com'});
    $node->safe_psql('postgres', q{ALTER ROLE shop_app SET mega.notify = on});
    $node->command_ok([ 'pg_dumpall', '--no-sync', '--file', $cluster, '-d', $node->connstr('postgres') ], 'pg_dumpall');
    my $other = start_node('whole_cluster');
    my ($output, $said) = run_command([ qw(psql -Xq -d), $other->connstr('postgres'), '-f', $cluster ]);
    unlike($said =~ s/.*ERROR:  role "postgres" already exists\n//r, qr/ERROR|FATAL|WARNING/,
        'the whole cluster: nothing goes wrong but that its superuser is there');
    my $first = lines_of(dump_of('source'));
    my $settings = q{SELECT d.datname, r.rolname, s.setconfig FROM pg_db_role_setting s
        LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole ORDER BY 1, 2};
    my $wanted = $node->safe_psql('postgres', $settings);
    like($wanted, qr/mega\.derived_writes=ignore.*mega\.notify=on/s, 'the whole cluster has settings of mega');
    is($other->safe_psql('postgres', $settings), $wanted, 'the whole cluster: settings are there');
    my $triggers = triggers_of('source');
    start_dumps($other);
    same_text(lines_of(dump_of('source')), $first, 'the whole cluster: the second dump holds the lines of the first');
    is(triggers_of('source'), $triggers, 'the whole cluster: the triggers are there and enabled');
    my ($books) = $other->safe_psql('source', 'SELECT * FROM mega_reconcile_credits()');
    is($books, '', 'the whole cluster: the books agree (I1)');
    $other->safe_psql('source', q{SET ROLE shop_app; SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')});
    is(refusal('source', q{SET ROLE shop_reader; SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')}),
        '42501', 'the whole cluster: grants are there');
    $other->safe_psql('source', q{UPDATE mega_customers SET mg_credits = 5 WHERE mg_pass_id = 'pass:shopify:7001'});
    check_books('source', 'the whole cluster, where derived writes are ignored');
    $other->stop;
    return;
}
