# Behind pgbouncer in transaction mode: more clients than sessions, so that a session serves one client after the other,
# with and without statements prepared in the protocol; then while sessions are terminated. What a client was told is
# what the tables hold.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_faults;
use mega_pooler;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $program = pooler_program();
plan skip_all => 'pgbouncer is not installed' if !$program;
my ($major, $minor) = `$program --version` =~ /(\d+)\.(\d+)/;
my $prepares = $major > 1 || $minor >= 21; # since then it follows statements that are prepared in the protocol

my $clients = 8;
my $sessions = 3;
my $seconds = $ENV{MEGA_FAULT_SECONDS} // 1.5;
my $node = start_node('pooled', 'deadlock_timeout = 20ms', q{log_line_prefix = '%m [%p] %e '});
my $directory = PostgreSQL::Test::Utils::tempdir();
my $seed = seed_of_storm();
my $parent = $$;
open_studio($node, $directory);
start_pooler($node, directory => $directory, database => 'postgres', user => 'postgres', sessions => $sessions,
    settings => [ ('max_prepared_statements = 100') x !!$prepares ],
    answers => sub { my $client = pooled() or return 0; $client->close; return 1 });

for my $way ('simple', 'extended', 'prepared') {
  SKIP: {
        skip "pgbouncer $major.$minor cannot follow prepared statements", 2 if $way eq 'prepared' && !$prepares;
        by_pgbench($way);
    }
}
storm_of_clients(1, 'pooled');
storm_of_clients(2, 'pooled, sessions terminated', sub {
    $node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle' ORDER BY random() LIMIT 1});
    sleep(0.1);
});
hold_to_account('at the end', 1, 2);
is(complaints(), '', 'the server has nothing to complain of');

$node->stop;
done_testing();

# A client behind the pooler, or nothing.
sub pooled {
    my $client = mega_client->connect($node, 'postgres', "$directory/errors", host => $directory);
    return $client if defined +($client->run('SELECT 1'))[0];
    $client->close;
    return;
}

# pgbench counts the transactions that came to their end, the ledger counts rows. It takes :shopify for a variable, in quotes,
# too, so that the pass id is put together.
sub by_pgbench {
    my ($way) = @_;
    my $each = 200;
    my $script = "$directory/$way.sql";
    append_to_file($script, <<"SQL");
\\set n random(0, 3)
\\set name random(1, 9000000000000000)
SELECT * FROM mega_record_credit(concat_ws(chr(58), 'pass', 'shopify', 5000 + :n::integer), -1, 'bench', txn_id => '$way-' || (:name::bigint)::text);
SQL
    my $output = `pgbench -n -h $directory -p @{[ $node->port ]} -U postgres -M $way -c $clients -j 2 -t $each -f $script postgres 2>&1`;
    my ($processed) = $output =~ /transactions actually processed: (\d+)/;
    is($processed, $clients * $each, "$way: calls went through") or diag($output);
    is($node->safe_psql('postgres', "SELECT count(*) FROM mega_generations WHERE mg_id LIKE 'credit\\_transaction:$way-%'"), $processed, "$way: each call is in the ledger once");
    return;
}

sub storm_of_clients {
    my ($storm, $what, $disturb) = @_;
    my $stop = "$directory/stop-$storm";
    my @processes = storm($seed + 100 * $storm, map {
        my $writer = $_;
        sub { write_until($storm, $writer, sub { return -e $stop || getppid != $parent }, connect => \&pooled) };
    } 1 .. $clients);
    my $begin = time;
    my ($noted, $disturbed) = ({}, 0);
    until (time - $begin > $seconds && ($noted->{ack} // 0) > 100 && $disturbed > 5 || time - $begin > 120) {
        if ($disturb) { $disturb->() }
        else { sleep(0.1) }
        $disturbed++;
        $noted = noted($storm);
    }
    open my $file, '>', $stop or die "$stop: $!";
    close $file;
    is(wait_for_storm(@processes), 0, "$what: every client came to its end");
    $noted = noted($storm);
    note("$what: ", join ', ', map { "$_ x $noted->{$_}" } sort keys %$noted);
    cmp_ok($noted->{ack} // 0, '>', 100, "$what: it was a storm");
    my $unexpected = $disturb ? qr/^(?:ack|lost|40001|40P01|57P01|08P01)$/ : qr/^(?:ack|40001|40P01)$/;
    is(join(' ', grep { !/$unexpected/ } sort keys %$noted), '', "$what: no answer that a client cannot expect");
    hold_to_account($what, $storm);
    return;
}
