# Eight connections write to four customers at once: through functions, as raw rows, by COPY; they repeat each other's
# transaction ids and references, overdraw, roll savepoints back, under READ COMMITTED and REPEATABLE READ. Afterwards
# the books agree (I1), no function overdrew (I3), each movement is there once (I4), and the ledger holds what the
# clients were told, row by row.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $writers = 8;
my $operations = $ENV{MEGA_TRANSACTIONS} // 100;
my $attempts = 300;
# Only functions write to the first two; raw rows may take the others below zero.
my @by_functions = map { "pass:shopify:$_" } 2001 .. 2002;
my @by_anyone = map { "pass:shopify:$_" } 2003 .. 2004;
my @customers = (@by_functions, @by_anyone);

my $node = start_node('concurrency', 'deadlock_timeout = 20ms');
$node->safe_psql('postgres', 'CREATE EXTENSION mega');
$node->safe_psql('postgres', "SELECT * FROM mega_ensure_customer(pass_id => '$_')") for @customers;

my $seed = seed_of_storm();
my $logs = PostgreSQL::Test::Utils::tempdir();

sub one_of { return $_[ int rand @_ ] }

# Every row carries the name of its operation in mg_meta.
sub call {
    my ($name, $pass_id, $delta, $key) = @_;
    return [ $name, "SELECT replayed FROM mega_record_credit('$pass_id', $delta, "
          . ($key // "'storm'") . ", meta => '{\"op\": \"$name\"}')" ];
}

sub raw {
    my ($name, $count) = @_;
    my @rows = map { sprintf "('credit_transaction:%s:%d', '%s', %d, 'raw', '{\"op\": \"%s:%d\"}')",
        $name, $_, one_of(@by_anyone), one_of(-40, -7, 3, 25), $name, $_ } 1 .. $count;
    return [ join(' ', map { "$name:$_" } 1 .. $count),
        'INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_meta) VALUES ' . join(', ', @rows) ];
}

sub copied {
    my ($name, $file) = @_;
    open my $rows, '>', $file or die "$file: $!";
    printf $rows "credit_transaction:%s:%d\t%s\t%d\tcopy\t{\"op\": \"%s:%d\"}\n", $name, $_, one_of(@by_anyone),
        one_of(-11, 4, 9), $name, $_ for 1 .. 5;
    close $rows;
    return [ join(' ', map { "$name:$_" } 1 .. 5),
        "COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_meta) FROM '$file'" ];
}

# Keys that all connections share: what a key means does not depend on who sends it.
sub shared_by_txn {
    my $number = int rand 40;
    return call("txn-$number", $customers[ $number % 4 ], 1 + $number % 9, "'shared', txn_id => 'txn-$number'");
}

sub shared_by_reference {
    my ($number) = @_;
    return call("order-$number", $customers[ $number % 4 ], 5 + $number % 4,
        "'order', ref_type => 'order', ref_id => 'order-$number'");
}

# A raw row that meets the function on one reference, under an id of its own (I4).
sub raw_by_reference {
    my ($number, $name) = @_;
    my ($pass_id, $delta) = ($customers[ $number % 4 ], 5 + $number % 4);
    return [ "order-$number", qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type,
        mg_ref_id, mg_meta) VALUES ('credit_transaction:$name', '$pass_id', $delta, 'order', 'order', 'order-$number',
        '{"op": "order-$number"}')} ];
}

# One transaction: [names of rows, statement] pairs, and '-' in place of the names for statements that leave none.
sub transaction {
    my ($name, $file) = @_;
    my $kind = int rand 10;
    return call($name, one_of(@customers), 1 + int rand 20) if $kind == 0;
    return call($name, one_of(@customers), -1 - int rand 60) if $kind <= 2;
    return shared_by_txn() if $kind == 3;
    return shared_by_reference(int rand 40) if $kind == 4;
    return raw_by_reference(int rand 40, $name) if $kind == 5;
    return raw($name, 1 + int rand 4) if $kind == 6;
    return copied($name, $file) if $kind == 7;
    return (
        call("$name-a", one_of(@customers), 3), [ '-', 'SAVEPOINT s' ],
        [ '-', call("$name-b", one_of(@customers), 7)->[1] ], [ '-', raw("$name-c", 2)->[1] ],
        [ '-', 'ROLLBACK TO SAVEPOINT s' ], call("$name-d", one_of(@customers), -1)) if $kind == 8;
    return (call("$name-a", one_of(@customers), 2), raw($name, 2), shared_by_txn());
}

my %retry = map { $_ => 1 } qw(40001 40P01);
my %expected = map { $_ => 1 } qw(MG001 23505);

# Runs the statements as one transaction: '00000' and what it wrote, or the SQLSTATE that ended it.
sub attempt {
    my ($client, $isolation, @statements) = @_;
    my (@wrote, @replayed);
    my $refused;
    ($refused) = $client->run("BEGIN ISOLATION LEVEL $isolation");
    for my $one (@statements) {
        my ($names, $statement) = @$one;
        my ($state, $replayed) = $client->run($statement);
        if ($state ne '00000') {
            $refused = $state;
            last;
        }
        next if $names eq '-';
        if (($replayed // 'f') eq 't') { push @replayed, $names }
        else { push @wrote, split / /, $names }
    }
    my ($state) = $client->run($refused eq '00000' ? 'COMMIT' : 'ROLLBACK');
    return ($refused ne '00000' ? $refused : $state, \@wrote, \@replayed);
}

sub write_operations {
    my ($writer, $log) = @_;
    my $client = mega_client->connect($node, 'postgres', "$log.errors");
    open my $journal, '>', $log or die "$log: $!";
    for my $number (1 .. $operations) {
        my $isolation = one_of('READ COMMITTED', 'REPEATABLE READ');
        my @statements = transaction("w$writer-$number", "$log.copy");
        for my $time (1 .. $attempts) {
            my ($state, $wrote, $replayed) = attempt($client, $isolation, @statements);
            if ($state eq '00000') {
                print $journal "wrote $_\n" for @$wrote;
                print $journal "replayed $_\n" for @$replayed;
            } else {
                print $journal "state $state\n";
            }
            last if !$retry{$state};
            print $journal "gave_up $state $isolation ", join('; ', map { $_->[1] =~ s/\s+/ /gr } @statements), "\n"
              if $time == $attempts;
            sleep(rand 0.02);
        }
    }
    close $journal;
    $client->close;
}

my @journals = map { "$logs/writer$_" } 1 .. $writers;
my @processes = storm($seed, map {
    my $writer = $_;
    sub { write_operations($writer, $journals[ $writer - 1 ]) };
} 1 .. $writers);
is(wait_for_storm(@processes), 0, 'every writer came to its end');

my (%wrote, %replayed, %states);
my $given_up = 0;
for my $line (map { split /\n/, slurp_file($_) } @journals) {
    my ($word, $name) = split / /, $line, 2;
    if ($word eq 'wrote') { $wrote{$name}++ }
    elsif ($word eq 'replayed') { $replayed{$name}++ }
    elsif ($word eq 'state') { $states{$name}++ }
    else { $given_up++; diag("gave up: $name") }
}
note('answers other than success: ' . join(', ', map { "$_ x $states{$_}" } sort keys %states));
is($given_up, 0, 'a transaction that is tried again comes through');
is(join(' ', grep { !$retry{$_} && !$expected{$_} } sort keys %states), '', 'no error that a writer cannot expect');
cmp_ok($states{MG001} // 0, '>', 0, 'there were overdrafts to refuse');
cmp_ok(scalar keys %replayed, '>', 10, 'there were replays');

is(books_disagree($node, 'postgres'), '', 'the books agree (I1)');
is($node->safe_psql('postgres', 'SELECT * FROM mega_reconcile_credits()'), '', 'mega_reconcile_credits finds nothing');

my $functions = join ', ', map { quoted($_) } @by_functions;
is($node->safe_psql('postgres', "SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_credits < 0
        AND mg_pass_id IN ($functions)"), '', 'no balance that only functions wrote is below zero (I3)');
is($node->safe_psql('postgres', qq{SELECT mg_pass_id, min(balance) FROM (
        SELECT mg_pass_id,
            sum(mg_delta) OVER (PARTITION BY mg_pass_id ORDER BY mg_created_at, mg_id COLLATE "C") AS balance
        FROM mega_generations WHERE mg_pass_id IN ($functions)) b GROUP BY 1 HAVING min(balance) < 0}),
    '', 'nor was it at any time, in the order of the ledger (I3)');

is(join(' ', grep { $wrote{$_} > 1 } sort keys %wrote), '', 'nobody but one was told that a movement was new (I4)');
is(join(' ', grep { !$wrote{$_} } sort keys %replayed), '', 'what was replayed had been written');
is($node->safe_psql('postgres', q{SELECT mg_ref_type, mg_ref_id, mg_reason FROM mega_generations
        WHERE mg_ref_id IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1}), '', 'each reference is there once (I4)');

my %found;
$found{$_}++ for split /\n/, $node->safe_psql('postgres',
    q{SELECT mg_meta ->> 'op' FROM mega_generations WHERE mg_record_type = 'credit_transaction'});
is(join(' ', grep { ($found{$_} // 0) != 1 } sort keys %wrote), '', 'every acknowledged row is in the ledger once');
is(join(' ', grep { !$wrote{$_} } sort keys %found), '', 'nothing else is: neither refused nor rolled back rows');

$node->stop;
done_testing();
