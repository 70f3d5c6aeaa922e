# A storm of writers is cut off by an immediate shutdown. After the restart the books agree (I1), every write that was
# acknowledged is there exactly once (I4), and one that was not is there as a whole or not at all.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{MEGA_CRASH_ROUNDS} // 3;
my @customers = map { "pass:shopify:$_" } 1001 .. 1004;

# fsync as in earnest: the test's node has it off by default.
my $node = start_node('crash', 'fsync = on', 'synchronous_commit = on', 'full_page_writes = on');
$node->safe_psql('postgres', 'CREATE EXTENSION mega');
$node->safe_psql('postgres', "SELECT * FROM mega_ensure_customer(pass_id => '$_')") for @customers;
$node->safe_psql('postgres', "SELECT * FROM mega_record_credit('$_', 1000, 'opening')") for @customers;

my $seed = seed_of_storm();
my $logs = PostgreSQL::Test::Utils::tempdir();

# What a writer sends: the statements of one write, and the number of ledger rows it leaves. All rows of a write carry
# its name as reference.
sub call {
    my ($name, $number) = @_;
    my $pass_id = $customers[ $number % @customers ];
    my $delta = $number % 3 ? 1 + $number % 7 : -2;
    return qq{SELECT * FROM mega_record_credit('$pass_id', $delta, 'r0', 'storm', 'storm', '$name', '$name')};
}

sub raw_rows {
    my ($name, $number, $first, $last) = @_;
    my @rows = map {
        my $pass_id = $customers[ ($number + $_) % @customers ];
        my $delta = $_ - 1 || 5;
        "('credit_transaction:$name:$_', '$pass_id', $delta, 'r$_', 'storm', '$name')";
    } $first .. $last;
    return 'INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES '
      . join(', ', @rows);
}

my %kinds = (
    call        => sub { my ($name, $n) = @_; return (1, call($name, $n)) },
    rows        => sub { my ($name, $n) = @_; return (3, raw_rows($name, $n, 0, 2)) },
    transaction => sub {
        my ($name, $n) = @_;
        return (3, 'BEGIN', call($name, $n), raw_rows($name, $n, 1, 2), 'COMMIT');
    },
    customer => sub {
        my ($name, $n) = @_;
        return (1, qq{SELECT c.* FROM mega_ensure_customer(shopify_customer_id => '$name') e,
            LATERAL mega_record_credit(e.mg_pass_id, 10, 'r0', 'storm', 'storm', '$name', '$name') c});
    });
my @writers = qw(call call rows transaction customer);

# Writes until the server goes away, and keeps a log of what it tried and what it was told.
sub write_until_cut_off {
    my ($kind, $prefix, $log) = @_;
    my $client = mega_client->connect($node, 'postgres', "$log.errors");
    open my $journal, '>', $log or die "$log: $!";
    $journal->autoflush(1);
    for (my $number = 0;; $number++) {
        my $name = "$prefix$number";
        my ($rows, @statements) = $kinds{$kind}->($name, int rand 1000);
        print $journal "try $name $rows\n";
        my $outcome = 'ack';
        for my $statement (@statements) {
            my ($state) = $client->run($statement);
            return if !defined $state;
            # A deadlock or an overdraft leaves an open transaction failed; its COMMIT rolls it back.
            $outcome = 'refused' if $state ne '00000';
        }
        print $journal "$outcome $name\n";
    }
}

# Shuts the server down when that many writes are acknowledged, after a minute at the latest.
sub cut_off_after {
    my ($enough, @round_journals) = @_;
    for (1 .. 1200) {
        sleep(0.05);
        my $acknowledged = grep { /^ack / } map { split /\n/, slurp_file($_) } grep { -f } @round_journals;
        last if $acknowledged >= $enough;
    }
    $node->stop('immediate');
    return;
}

sub read_journals {
    my (%rows, %told);
    for my $journal (@_) {
        for my $line (split /\n/, slurp_file($journal)) {
            my ($word, $name, $rows) = split / /, $line;
            if ($word eq 'try') { $rows{$name} = $rows }
            else { $told{$name} = $word }
        }
    }
    return (\%rows, \%told);
}

my @journals;
for my $round (1 .. $rounds) {
    my @round_journals;
    my @processes = storm($seed + 100 * $round, map {
        my ($kind, $prefix) = ($writers[$_], "round$round-writer$_-");
        my $journal = "$logs/$prefix" . 'journal';
        push @round_journals, $journal;
        sub { write_until_cut_off($kind, $prefix, $journal) };
    } 0 .. $#writers);
    push @journals, @round_journals;
    cut_off_after(60 + int rand 60, @round_journals);
    is(wait_for_storm(@processes), 0, "round $round: every writer saw the connection end");
    $node->start;

    my ($tried, $told) = read_journals(@round_journals);
    my @acknowledged = grep { ($told->{$_} // '') eq 'ack' } keys %$tried;
    my @unknown = grep { !defined $told->{$_} } keys %$tried;
    note(sprintf 'round %d: %d tried, %d acknowledged, %d cut off', $round, scalar keys %$tried,
        scalar @acknowledged, scalar @unknown);
    cmp_ok(scalar @acknowledged, '>', 20, "round $round: it was a storm");
    cmp_ok(scalar @unknown, '>', 0, "round $round: writes were cut off in the middle");

    is(books_disagree($node, 'postgres'), '', "round $round: the books agree (I1)");
    is($node->safe_psql('postgres', 'SELECT * FROM mega_reconcile_credits()'),
        '', "round $round: mega_reconcile_credits finds nothing");

    # All rounds so far: what was there once must stay.
    ($tried, $told) = read_journals(@journals);
    my %found = map { split /\|/ } split /\n/, $node->safe_psql('postgres',
        q{SELECT mg_ref_id, count(*) FROM mega_generations WHERE mg_ref_type = 'storm' GROUP BY 1});
    my (@lost, @halved, @sprung);
    for my $name (sort keys %$tried) {
        my ($wanted, $is, $word) = ($tried->{$name}, $found{$name} // 0, $told->{$name} // 'unknown');
        push @lost, "$name $is/$wanted" if $word eq 'ack' && $is != $wanted;
        push @halved, "$name $is/$wanted" if $word eq 'unknown' && $is != 0 && $is != $wanted;
        push @sprung, "$name $is" if $word eq 'refused' && $is != 0;
    }
    push @sprung, grep { !defined $tried->{$_} } sort keys %found;
    is("@lost", '', "round $round: every acknowledged write is there exactly once");
    is("@halved", '', "round $round: a write that was cut off is there as a whole or not at all");
    is("@sprung", '', "round $round: nothing is there that was refused or never sent");

    # A client that cannot know whether its call arrived repeats it: it is applied once (I4).
    my @again = grep { /-writer[01]-/ } @unknown;
    my ($wrong, $client) = (0, mega_client->connect($node, 'postgres', "$logs/again.errors"));
    for my $name (@again) {
        my $arrived = $found{$name} // 0;
        my ($row) = $client->rows(q{SELECT coalesce((SELECT mg_pass_id || ' ' || mg_delta FROM mega_generations
            WHERE mg_id = 'credit_transaction:} . $name . q{'), 'pass:shopify:1001 1')});
        my ($pass_id, $delta) = split / /, $row;
        for my $time (0, 1) {
            my $replayed = $client->rows(qq{SELECT replayed FROM
                mega_record_credit('$pass_id', $delta, 'r0', 'storm', 'storm', '$name', '$name')});
            $wrong++ if $replayed ne ($arrived || $time ? 't' : 'f');
        }
    }
    $client->close;
    cmp_ok(scalar @again, '>', 0, "round $round: there are calls whose answer was cut off");
    is($wrong, 0, "round $round: a call whose answer was lost can be repeated (I4)");
}

my $customers_twice = $node->safe_psql('postgres', q{
    SELECT mg_shopify_customer_id FROM mega_customers GROUP BY 1 HAVING count(*) > 1 ORDER BY 1});
is($customers_twice, '', 'no customer was made twice (I11)');
is(books_disagree($node, 'postgres'), '', 'the books agree at the end (I1)');

$node->stop;
done_testing();
