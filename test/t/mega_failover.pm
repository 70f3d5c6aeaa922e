# What the tests share in which a node dies in mid-storm and another takes over: writers that keep a log of what they
# tried and of what was acknowledged, and what the survivor has to hold.
package mega_failover;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use mega_dump;
use mega_test;

our @EXPORT = qw(start_failover_storm watch_storm end_failover_storm check_survivor);

# Customers of mega_dump's source.
my @customers = map { "pass:shopify:$_" } 7001, 7002, 7005, 7006;
my (@journals, @writers, %rows, %told);
my $storms = 0;

# Four writers to the database 'studio' of a node. Returns at once.
sub start_failover_storm {
    my ($node, $seed, $logs) = @_;
    my $storm = ++$storms;
    @journals = map { "$logs/storm$storm-$_" } 1 .. 4;
    @writers = storm($seed + 100 * $storm,
        map { my $writer = $_; sub { write_until_cut_off($node, "s$storm-w$writer-", $journals[ $writer - 1 ], "$logs/stop$storm") } } 1 .. 4);
    return "$logs/stop$storm";
}

sub one_of { return $_[ int rand @_ ] }

# What a writer sends under a name, and the ledger rows it leaves, each with the name in its id. Writers share some
# transactions, to meet on them.
sub write_of {
    my ($name) = @_;
    my $pass_id = one_of(@customers);
    my $kind = int rand 6;
    return (1, credit_of($name)) if $kind <= 2;
    return (0, credit_of('shared-' . int rand 500)) if $kind == 3;
    return (1, qq{SELECT * FROM mega_record_mma_event('$pass_id', '} . one_of(qw(like dislike download)) . qq{',
        '{"tags": ["style.minimal", "light.soft"]}', event_id => '$name')}) if $kind == 4;
    return (4, qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
        SELECT 'credit_transaction:$name:' || n, (ARRAY['} . join("', '", @customers) . qq{'])[n], 2 * n - 5, 'raw'
        FROM generate_series(1, 4) n});
}

# A movement that depends on its name only, so that it can be repeated.
sub credit_of {
    my ($name) = @_;
    my ($number) = $name =~ /(\d+)$/;
    my $pass_id = $customers[ $number % @customers ];
    my $delta = $number % 4 == 1 ? -2 : 1 + $number % 9;
    my $more = $delta < 0 ? 'allow_negative => true' : $number % 3 == 0 ? q{expires_at => clock_timestamp() + interval '3 seconds'} : '';
    return qq{SELECT replayed FROM mega_record_credit('$pass_id', $delta, 'grant', txn_id => '$name'} . ($more && ", $more") . ')';
}

# Writes until the server goes away, or the file is there.
sub write_until_cut_off {
    my ($node, $prefix, $log, $stop) = @_;
    my $client = mega_client->connect($node, 'studio', "$log.errors");
    open my $journal, '>', $log or die "$log: $!";
    $journal->autoflush(1);
    for (my $number = 0; !-e $stop; $number++) {
        my ($count, $statement) = write_of("$prefix$number");
        print $journal "try $prefix$number $count\n";
        my ($state) = $client->run($statement);
        return if !defined $state;
        die "$state: $statement\n" if $state ne '00000';
        print $journal "ack $prefix$number\n";
    }
    return;
}

# Looks at the books of a node that follows, for that long and until there was a storm: they agree at every moment.
sub watch_storm {
    my ($node, $seconds, $name) = @_;
    my ($looks, $until, $disagreeing) = (0, time + $seconds, '');
    while (time < $until || acknowledged() < 50) {
        $disagreeing ||= books_disagree($node, 'studio')
          . $node->safe_psql('studio', 'SELECT mg_pass_id FROM mega_reconcile_preferences()');
        $looks++;
        sleep(0.05);
    }
    is($disagreeing, '', "$name: its books agreed whenever they were looked at (I1, I2)");
    note("$name: looked at $looks times");
    return;
}

sub acknowledged { return scalar grep { /^ack / } map { split /\n/, slurp_file($_) } grep { -f } @journals }

# Waits for the writers, whose server went away or who were told to stop, and reads their logs.
sub end_failover_storm {
    my ($name) = @_;
    is(wait_for_storm(@writers), 0, "$name: every writer came to its end");
    for my $line (map { split /\n/, slurp_file($_) } @journals) {
        my ($word, $write, $count) = split / /, $line;
        if ($word eq 'try') { $rows{$write} = $count }
        else { $told{$write} = 1 }
    }
    note(sprintf '%s: %d writes tried so far, %d acknowledged', $name, scalar keys %rows, scalar keys %told);
    return;
}

# The node that took over has every write that was acknowledged, and goes on. cut_off: the storm was ended by a crash.
sub check_survivor {
    my ($node, $name, %options) = @_;
    start_dumps($node);
    check_books('studio', $name);
    my %found;
    $found{$_}++ for split /\n/, $node->safe_psql('studio', q{
        SELECT substring(mg_id from '^[a-z_]+:(s\d+-w\d+-\d+)') FROM mega_generations WHERE mg_id ~ ':s\d+-w\d+-\d+'});
    is(join(' ', grep { ($found{$_} // 0) != $rows{$_} } sort keys %told), '', "$name: every acknowledged write is there once");
    is(join(' ', grep { $found{$_} != ($rows{$_} // 0) } sort keys %found), '',
        "$name: a write that was cut off is there as a whole or not at all");
    my @unknown = grep { !$told{$_} && $rows{$_} == 1 } sort keys %rows;
    cmp_ok(scalar(grep { !$told{$_} } keys %rows), '>', 0, "$name: writes were cut off") if $options{cut_off};
    # A client that cannot know whether its call arrived repeats it (I4); so does one that forgot its answer.
    my $credits = $node->safe_psql('studio', q{SELECT mg_id FROM mega_generations WHERE mg_record_type = 'credit_transaction'});
    my %is_credit = map { $_ => 1 } $credits =~ /^credit_transaction:(\S+)$/mg;
    my @known = grep { $is_credit{$_} } sort keys %told;
    my $wrong = 0;
    for my $write ((grep { !$found{$_} || $is_credit{$_} } @unknown), @known[ 0 .. 4 ]) {
        for my $time (0, 1) {
            $wrong++ if $node->safe_psql('studio', credit_of($write)) ne ($found{$write} || $time ? 't' : 'f');
        }
        $told{$write} = $rows{$write} = 1;
    }
    is($wrong, 0, "$name: a call whose answer was lost can be repeated (I4)");
    is($node->safe_psql('studio', q{SELECT preferences -> 'tag_weights' -> 'new.tag' FROM
        mega_record_mma_event('pass:shopify:7001', 'preference_set', '{"tag_weights": {"new.tag": 3}}')}), 3, "$name: events go on");
    check_books('studio', "$name, written to");
    is($node->safe_psql('studio', 'SELECT * FROM mega_install()'), '', "$name: nothing is left to install");
    return;
}

1;
