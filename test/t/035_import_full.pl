# A large legacy shop moves in: cut off on the way, called again, held against legacy. What each step takes is told, and the
# session that imports does not grow with the shop. dev/soak runs it with 100,000 customers and 1,900,000 rows of theirs.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $people = $ENV{MEGA_IMPORT_PEOPLE} // 300;
my $rows = int($people * 9.5);
my $files = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('large', 'fsync = on', 'restart_after_crash = on', 'shared_buffers = 512MB', 'max_wal_size = 4GB');
my (@steps, $all);

sub step {
    my ($what, $code) = @_;
    my $began = time;
    my $found = $code->();
    push @steps, sprintf '| %-60s | %8.1f |', $what, time - $began;
    return $found;
}

# Imports in a process of its own; calls $watch->(its backend) now and then. Returns whether it came to its end.
sub import_watched {
    my ($watch) = @_;
    my $caller = fork() // die "fork: $!";
    if ($caller == 0) {
        open STDERR, '>', '/dev/null';
        exec 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('shop'), '-c', "CALL mega_import('legacy')" or POSIX::_exit(1);
    }
    my $process = '';
    while (waitpid($caller, POSIX::WNOHANG) == 0) {
        $process ||= $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL mega_import%' AND state = 'active'});
        $watch->($process) if $process;
        sleep 0.1;
    }
    return $? == 0;
}

sub moved { return $node->safe_psql('shop', 'SELECT count(*) FROM mega_generations'); }

$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION mega');
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('shop'), '-v', "people=$people", '-v', "credits=$rows", '-v', "generations=$rows",
    '-f', "$FindBin::RealBin/../../bench/sql/moving.sql" ], "a shop of $people customers, $rows credit rows, $rows generations");

my $cut = 0;
step('import, until it is killed', sub {
    import_watched(sub {
        my ($process) = @_;
        return if $cut || moved() < $rows / 2;
        $cut = 1;
        kill_backend($node, $process, "$files/errors");
    });
});
SKIP: {
    skip 'it was too quick to be killed', 1 if !$cut;
    is(books_disagree($node, 'shop'), '', 'killed: the books agree (I1)');
}
my ($least, $most) = (0, 0);
my $ended = step('import once more, to the end', sub {
    return import_watched(sub {
        my ($process) = @_;
        my $status = eval { slurp_file("/proc/$process/status") } // '';
        return if $status !~ /^RssAnon:\s+(\d+) kB/m;
        $least = $1 if !$least || $1 < $least;
        $most = $1 if $1 > $most;
    });
});
ok($ended, 'called again, it comes to its end');
takes_at_most($most - $least, 64 * 1024 - 1, "the session took $most kB at most");
step('VACUUM ANALYZE', sub { $node->safe_psql('shop', 'VACUUM ANALYZE mega_customers, mega_generations'); });
my ($again, $shown);
step('import once more, nothing new', sub { $node->psql('shop', "CALL mega_import('legacy')", stdout => \$again, stderr => \$shown, on_error_die => 1); });
unlike($again, qr/"(written|changed|brought)": [1-9]/, 'a further call writes nothing');
like($shown, qr{generations, (\d+) of \1 rows, 100 %, 0 rows/s, 0 s left}, 'rows that need not be read count as done, and for no rate');
step('a join of the tables by key', sub {
    $node->safe_psql('shop', q{SELECT count(m.mg_pass_id) FROM legacy.customers l LEFT JOIN mega_customers m ON m.mg_pass_id = 'pass:shopify:' || l.shopify_customer_id;
        SELECT count(m.mg_id) FROM legacy.credit_transactions l LEFT JOIN mega_generations m ON m.mg_id = 'credit_transaction:' || l.id;
        SELECT count(m.mg_id) FROM legacy.generations l LEFT JOIN mega_generations m ON m.mg_id = 'generation:' || l.id});
});
my $missing = step('mega_parity_counts', sub { return $node->safe_psql('shop', q{SELECT count(*) FROM mega_parity_counts('legacy') WHERE legacy <> mega}); });
is($missing, 0, 'each day has what legacy has');
my $verdict = step('mega_parity_report', sub { return $node->safe_psql('shop', q{SELECT mega_parity_report('legacy') ->> 'verdict'}); });
$all = $people + 2 * $rows;
is($verdict, "clean: $all of $all rows are there, 0 were refused", 'parity is clean');
is(books_disagree($node, 'shop'), '', 'the books agree (I1)');
diag("$_") for sprintf('| %-60s | %8s |', 'step', 'seconds'), @steps;
$node->stop;
done_testing();
