# A backend that may not have more memory: whatever needed it is refused with 53200, nothing of it is written, the backend
# lives on, and with memory again the same call works. The limit is lowered step by step, so that memory ends at ever
# other places.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_faults;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'the address sanitizer ends a process that gets no memory' if is_sanitized();
plan skip_all => 'there is no prlimit' if system('prlimit --version >/dev/null 2>&1') != 0;

my $steps = $ENV{MEGA_MEMORY_STEPS} // 8;
my $entries = 2000;
my $node = start_node('memory_limit', 'jit = off', 'max_parallel_workers_per_gather = 0', q{log_line_prefix = '%m [%p] %e '});
my $directory = PostgreSQL::Test::Utils::tempdir();
open_studio($node, $directory);
$node->safe_psql('postgres', qq{
    CREATE FUNCTION entries(name text, number integer) RETURNS jsonb LANGUAGE sql AS \$\$
        SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:shopify:' || (5000 + n % 4), 'delta', 1, 'reason', 'batch', 'txn_id', name || n))
        FROM generate_series(1, number) n \$\$;
    CREATE TABLE long AS SELECT jsonb_build_object('tag', 'light', 'notes', jsonb_agg('note ' || n)) AS payload,
        jsonb_object_agg('key' || n, repeat('https://example.com/a b ', 20)) AS vars FROM generate_series(1, 20000) n;
    CREATE TABLE batch AS SELECT entries('many-', $entries) AS entries});

my %needy = (
    'a batch' => q{SELECT written FROM batch, mega_record_credits(entries)},
    'an event' => q{SELECT replayed FROM long, mega_record_mma_event('pass:shopify:5000', 'like', payload, event_id => 'needy')},
    'variables' => q{SELECT mg_id FROM long, mega_update_generation('shared-0', vars => vars)},
    'raw rows' => qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_meta)
        SELECT 'credit_transaction:raw-' || n, 'pass:shopify:' || (5000 + n % 4), 1, jsonb_build_object('n', n) FROM generate_series(1, $entries) n},
);

for my $what (sort keys %needy) {
    my ($refused, @wrong) = (0);
    for my $step (1 .. $steps) {
        # a session of its own: memory that another call left would be used again
        my $client = mega_client->connect($node, 'postgres', "$directory/errors");
        my $process = $client->rows('SELECT pg_backend_pid()');
        $client->rows("BEGIN; SELECT * FROM mega_record_credit('pass:shopify:5000', 1, 'first'); ROLLBACK"); # loads the library
        my $before = tables($client);
        my ($size) = slurp_file("/proc/$process/status") =~ /^VmSize:\s+(\d+) kB/m;
        limit($process, ($size + 400 * ($step - 1)) * 1024);
        my ($state) = $client->run("BEGIN; $needy{$what}");
        limit($process, 'unlimited');
        push @wrong, "step $step: " . ($state // 'the connection was lost') if ($state // '') !~ /^(?:53200|00000)$/;
        next if !defined $state;
        $client->rows('ROLLBACK');
        $refused++ if $state eq '53200';
        push @wrong, "step $step: something was written" if tables($client) ne $before;
        push @wrong, "step $step: the session is not as it was" if ($client->run("BEGIN; $needy{$what}; ROLLBACK"))[0] ne '00000';
        $client->close;
    }
    is(join('; ', @wrong), '', "$what: without memory it is refused, and works with memory in the same session");
    cmp_ok($refused, '>=', 1, "$what: memory ended $refused times");
}

my $client = mega_client->connect($node, 'postgres', "$directory/errors");
is(($client->run($needy{'a batch'}))[1], $entries, 'in the end the batch is written');
is(($client->run($needy{$_}))[0], '00000', "and so is what else was asked for: $_") for sort keys %needy;
$client->close;
is(books_disagree($node, 'postgres'), '', 'the books agree (I1)');
is($node->safe_psql('postgres', 'SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', 'the preferences are the fold (I2)');
is(complaints(), '', 'the server has nothing to complain of');
$node->stop;
done_testing();

sub tables {
    my ($reader) = @_;
    return $reader->rows(q{SELECT count(*), sum(mg_delta) FROM mega_generations}) . ' '
        . $reader->rows(q{SELECT md5(string_agg(c::text, '|' ORDER BY mg_pass_id)) FROM mega_customers c});
}

# Lets the process have that many bytes of address space.
sub limit {
    my ($process, $bytes) = @_;
    system('prlimit', "--pid=$process", "--as=$bytes:") == 0 or die "prlimit: $?\n";
    return;
}
