# Holds are settled, credits refunded, moved, topped up and expired by many connections at once. Each caller is told
# what is true, the end is what the order of the answers allows, and the books agree (I1, I3, I4).
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $holds = $ENV{MEGA_HOLDS} // 40;
my $amount = 10;

my $node = start_node('settlement', 'deadlock_timeout = 20ms');
$node->safe_psql('postgres', 'CREATE EXTENSION mega');
my $seed = seed_of_storm();
my $logs = PostgreSQL::Test::Utils::tempdir();

sub sql { return $node->safe_psql('postgres', @_) }

sub make_customers {
    my ($credits, @pass_ids) = @_;
    for my $pass_id (@pass_ids) {
        sql("SELECT * FROM mega_ensure_customer(pass_id => '$pass_id')");
        next if !$credits;
        sql("SELECT * FROM mega_record_credit('$pass_id', $credits, 'opening', txn_id => 'first-$pass_id')");
    }
    return;
}

# Runs the workers at once, each on a connection of its own. A worker gets its client, a function that notes a line for
# the parent, and the time at which all of them begin. Returns the lines by worker.
sub together {
    my ($name, @workers) = @_;
    my @journals = map { "$logs/" . $name =~ s/ /_/gr . "-$_" } 0 .. $#workers;
    my $begin = time + 0.5;
    my @processes = storm($seed, map {
        my ($worker, $journal) = ($workers[$_], $journals[$_]);
        sub {
            my $client = mega_client->connect($node, 'postgres', "$journal.errors");
            open my $file, '>', $journal or die "$journal: $!";
            $client->rows('SELECT 1');
            sleep($begin - time) if time < $begin;
            $worker->($client, sub { print $file "@_\n" }, $begin);
            close $file;
            $client->close;
        };
    } 0 .. $#workers);
    is(wait_for_storm(@processes), 0, "$name: every worker came to its end");
    is(books_disagree($node, 'postgres'), '', "$name: the books agree (I1)");
    return map { [ split /\n/, slurp_file($_) ] } @journals;
}

# How often each line was noted.
sub tally {
    my %count;
    $count{$_}++ for map { @$_ } @_;
    return \%count;
}

sub shown {
    my ($count) = @_;
    return join ', ', map { "$_ x $count->{$_}" } sort keys %$count;
}

captures_and_releases();
two_answers_each();
sweeps();
expiry_sweeps();
opposite_transfers();
refunds();
automatic_topups();
clicks();

is(sql('SELECT * FROM mega_reconcile_credits()'), '', 'mega_reconcile_credits finds nothing at the end (I1)');
is(sql(q{SELECT mg_ref_type, mg_ref_id, mg_reason FROM mega_generations WHERE mg_ref_id IS NOT NULL
        GROUP BY 1, 2, 3 HAVING count(*) > 1}), '', 'each reference is there once (I4)');

$node->stop;
done_testing();

# One connection captures, the other releases; they meet at each hold at an agreed time, each a little late at every
# other one.
sub captures_and_releases {
    my $pass_id = 'pass:test:race';
    make_customers($holds * $amount, $pass_id);
    sql("SELECT count(mega_hold_credit('$pass_id', $amount, 'race-' || n)) FROM generate_series(1, $holds) n");
    my $settle = sub {
        my ($function, $late) = @_;
        return sub {
            my ($client, $note, $begin) = @_;
            for my $number (1 .. $holds) {
                my $wait = $begin + 0.02 * $number + rand(0.002) + ($number % 2 == $late ? 0.002 : 0) - time;
                sleep($wait) if $wait > 0;
                $note->($client->rows("SELECT outcome FROM $function('race-$number')"));
            }
        };
    };
    my ($captures, $releases) =
      together('capture and release', $settle->('mega_capture_credit', 0),
        $settle->('mega_release_credit', 1));

    my (%met, @untrue, $released);
    my %row = map { split /\|/ } split /\n/, sql(q{SELECT mg_ref_id, string_agg(
        split_part(mg_id, ':', 2) || ' ' || mg_delta || ' ' || mg_status, ', ' ORDER BY mg_created_at)
        FROM mega_generations WHERE mg_ref_id LIKE 'race-%' GROUP BY 1});
    # What the two callers were told, and the rows that it takes to make it true.
    my %truth = (
        'captured already_captured' => "hold -$amount succeeded",
        'recaptured released' =>
          "hold -$amount succeeded, release $amount succeeded, capture -$amount succeeded");
    for my $number (1 .. $holds) {
        my $told = "$captures->[$number - 1] $releases->[$number - 1]";
        $met{$told}++;
        my $is = $row{"race-$number"};
        push @untrue, "race-$number: $told; $is" if ($truth{$told} // '') ne $is;
    }
    note('capture and release: ' . shown(\%met));
    is(join("\n", @untrue), '', 'capture and release: each caller was told what the ledger says');
    is(scalar keys %met, 2, 'capture and release: each was the first at times');
    is(sql("SELECT mg_credits, held FROM mega_balance('$pass_id')"),
        '0|0', 'capture and release: the work was delivered, so it is paid for, once');
    return;
}

# Four connections: success and failure, each twice, in any order.
sub two_answers_each {
    my $pass_id = 'pass:test:twice';
    make_customers($holds * $amount, $pass_id);
    sql("SELECT count(mega_hold_credit('$pass_id', $amount, 'twice-' || n)) FROM generate_series(1, $holds) n");
    my $settle = sub {
        my ($function) = @_;
        return sub {
            my ($client, $note) = @_;
            for my $number (shuffle(1 .. $holds)) {
                $note->("$number " . $client->rows("SELECT outcome FROM $function('twice-$number')"));
            }
        };
    };
    my @told = together('two answers each', map { $settle->($_) }
          qw(mega_capture_credit mega_capture_credit mega_release_credit mega_release_credit));
    my %outcomes;
    for my $line (map { @$_ } @told) {
        my ($number, $outcome) = split / /, $line;
        push @{ $outcomes{$number} }, $outcome;
    }
    # Exactly one capture took the credits; a release came before it or not at all.
    my @wrong;
    for my $number (1 .. $holds) {
        my %times;
        $times{$_}++ for @{ $outcomes{$number} // [] };
        my $took = ($times{captured} // 0) + ($times{recaptured} // 0);
        push @wrong, "$number: @{ $outcomes{$number} // [] }"
          if $took != 1 || ($times{released} // 0) != ($times{recaptured} // 0);
    }
    is(join("\n", @wrong), '', 'two answers each: of four callers one captured, and at most one released before it');
    is(sql("SELECT mg_credits, held FROM mega_balance('$pass_id')"), '0|0', 'two answers each: each hold is paid once');
    return;
}

# Two sweeps at once, and answers that come late. A hold is released by one of them.
sub sweeps {
    my @pass_ids = map { "pass:test:sweep$_" } 1 .. 8;
    make_customers(100, @pass_ids);
    for my $pass_id (@pass_ids) {
        sql("SELECT count(mega_hold_credit('$pass_id', $amount, '$pass_id-' || n, '1 microsecond'))
            FROM generate_series(1, 10) n");
    }
    my $sweep = sub {
        my ($client, $note) = @_;
        my ($swept, $idle) = (0, 0);
        while ($idle < 20) {
            my ($state, $released) = $client->run('SELECT count(*) FROM mega_release_expired_holds(7)');
            die "$state\n" if $state ne '00000';
            $swept += $released;
            $idle = $released ? 0 : $idle + 1;
        }
        $note->($swept);
    };
    my $answer = sub {
        my ($client, $note) = @_;
        for my $pass_id (@pass_ids[ 0 .. 3 ]) {
            $note->($client->rows("SELECT outcome FROM mega_capture_credit('$pass_id-$_')")) for 1 .. 10;
        }
    };
    my ($one, $two, $answers) = together('sweeps', $sweep, $sweep, $answer);
    my $count = tally($answers);
    note("sweeps: $one->[0] and $two->[0] released; " . shown($count));
    is(($count->{captured} // 0) + ($count->{recaptured} // 0), 40, 'sweeps: every late answer was paid for');
    is($one->[0] + $two->[0], 80 - ($count->{captured} // 0),
        'sweeps: what they say they released is what nobody had captured');
    is(sql(q{SELECT count(*) FROM mega_generations WHERE mg_id LIKE 'credit_transaction:release:pass:test:sweep%'}),
        $one->[0] + $two->[0], 'sweeps: each release is in the ledger once');
    is(sql(q{SELECT count(*) FROM mega_generations WHERE mg_id LIKE 'credit_transaction:hold:pass:test:sweep%'
            AND mg_status = 'pending'}), '0', 'sweeps: no hold is left behind');
    is(sql(q{SELECT DISTINCT mg_credits FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:sweep%' ORDER BY 1}),
        "0\n100", 'sweeps: the credits are back, or spent on what was delivered');
    return;
}

# Two expiry sweeps at once, while grants come in: each expiry is written once.
sub expiry_sweeps {
    my @pass_ids = map { "pass:test:expiry$_" } 1 .. 60;
    make_customers(0, @pass_ids);
    sql(q{SELECT count(mega_record_credit(mg_pass_id, 7, 'grant', expires_at => clock_timestamp() + interval '1 second')) FROM mega_customers
        WHERE mg_pass_id LIKE 'pass:test:expiry%'});
    sql('SELECT pg_sleep(1.5)');
    my $sweep = sub {
        my ($client, $note) = @_;
        my $idle = 0;
        while ($idle < 20) {
            my ($expired, $credits) =
              split /\|/, $client->rows('SELECT * FROM mega_expire_credits(max_customers => 7)');
            $note->("$expired $credits") if $expired;
            $idle = $expired ? 0 : $idle + 1;
        }
    };
    my $grant = sub {
        my ($client, $note) = @_;
        for my $pass_id (@pass_ids[ 0 .. 19 ]) {
            $client->rows("SELECT * FROM mega_record_credit('$pass_id', 5, 'grant', txn_id => '$pass_id')");
        }
    };
    my ($one, $two) = together('expiry', $sweep, $sweep, $grant);
    my ($expired, $credits) = (0, 0);
    for my $line (@$one, @$two) {
        my ($customers, $of) = split / /, $line;
        ($expired, $credits) = ($expired + $customers, $credits + $of);
    }
    note("expiry: $expired of 60 by the sweeps");
    is($credits, 7 * $expired, 'expiry: the sweeps say what they took');
    is(sql(q{SELECT count(*), sum(mg_delta) FROM mega_generations WHERE mg_reason = 'expired'
            AND mg_pass_id LIKE 'pass:test:expiry%'}), '60|-420', 'expiry: each is written once');
    is(sql(q{SELECT mg_credits, count(*) FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:expiry%'
            GROUP BY 1 ORDER BY 1}), "0|40\n5|20", 'expiry: what was granted since is there, nothing else');
    return;
}

# Transfers in all directions among four customers: no two wait for each other, and no credit appears or is lost.
sub opposite_transfers {
    my @pass_ids = map { "pass:test:$_" } qw(to-a to-B to-b to-C);
    make_customers(50, @pass_ids);
    my $give = sub {
        my ($worker) = @_;
        return sub {
            my ($client, $note) = @_;
            for my $number (1 .. 80) {
                my ($from, $to) = (int rand 4, int rand 3);
                $to++ if $to >= $from;
                my ($state) = $client->run(sprintf q{SELECT * FROM mega_transfer_credit('%s', '%s', %d, '%s')},
                    $pass_ids[$from], $pass_ids[$to], 1 + int rand 20, "storm-$worker-$number");
                $note->($state);
            }
        };
    };
    my $count = tally(together('transfers', map { $give->($_) } 1 .. 6));
    note('transfers: ' . shown($count));
    is($count->{'40P01'} // 0, 0, 'transfers: no deadlock');
    is(join(' ', grep { $_ ne '00000' && $_ ne 'MG001' } sort keys %$count),
        '', 'transfers: nothing but overdrafts is refused');
    is(sql(q{SELECT count(*) FROM mega_generations WHERE mg_ref_id LIKE 'storm-%'}), 2 * $count->{'00000'},
        'transfers: two rows of each that was made, none of the others');
    is(sql(q{SELECT sum(mg_credits), min(mg_credits) >= 0 FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:to-%'}),
        '200|t', 'transfers: no credit appeared or was lost, nobody is below zero (I3)');
    return;
}

# Four agents refund one spend after the other in parts: never more than was spent.
sub refunds {
    my $pass_id = 'pass:test:refund';
    make_customers(1000, $pass_id);
    sql("SELECT count(mega_record_credit('$pass_id', -10, 'spend', txn_id => 'spent-' || n))
        FROM generate_series(1, 20) n");
    my $refund = sub {
        my ($worker) = @_;
        return sub {
            my ($client, $note) = @_;
            for my $number (1 .. 20) {
                my ($state) =
                  $client->run("SELECT * FROM mega_refund_credit('spent-$number', 'refund-$number-$worker', 4)");
                $note->("$number $state");
            }
        };
    };
    my @told = together('refunds', map { $refund->($_) } 1 .. 4);
    my %count;
    for my $line (map { @$_ } @told) {
        my ($number, $state) = split / /, $line;
        $count{$number}{$state}++;
    }
    is(join("\n", grep { shown($count{$_} // {}) ne '00000 x 2, MG012 x 2' } 1 .. 20),
        '', 'refunds: of four parts of four two fit into ten, the others are refused');
    is(sql(q{SELECT mg_meta #>> '{mega,refund_of}', sum(mg_delta) FROM mega_generations WHERE mg_ref_id LIKE 'refund-%'
            GROUP BY 1 HAVING sum(mg_delta) <> 8}), '', 'refunds: never more in sum than was spent');
    return;
}

# Four workers charge one customer automatically: never beyond the month's limit.
sub automatic_topups {
    my $pass_id = 'pass:test:topup';
    make_customers(0, $pass_id);
    sql("UPDATE mega_customers SET mg_auto_topup_enabled = true, mg_auto_topup_monthly_limit_packs = 25
        WHERE mg_pass_id = '$pass_id'");
    my $charge = sub {
        my ($worker) = @_;
        return sub {
            my ($client, $note) = @_;
            for my $number (1 .. 10) {
                my ($state) = $client->run("SELECT * FROM mega_record_topup('$pass_id', 2, 1, 'order',
                    'top-$worker-$number', automatic => true)");
                $note->($state);
            }
        };
    };
    my $count = tally(together('top-ups', map { $charge->($_) } 1 .. 4));
    is(shown($count), '00000 x 12, MG012 x 28', 'top-ups: twelve times two packs fit into twenty-five');
    is(sql("SELECT mg_credits FROM mega_balance('$pass_id')"), '24', 'top-ups: the limit holds');
    return;
}

# Four impatient customers' clicks: each click is sent by all connections, and there is not enough for all.
sub clicks {
    my $pass_id = 'pass:test:clicks';
    make_customers(25, $pass_id);
    my $click = sub {
        my ($client, $note) = @_;
        for my $number (1 .. 10) {
            my ($state, $replayed) =
              $client->run("SELECT replayed FROM mega_hold_credit('$pass_id', 10, 'click-$number')");
            $note->($state eq '00000' ? "$number $replayed" : "$number $state");
        }
    };
    my $count = tally(together('clicks', ($click) x 4));
    is(shown($count), join(', ', sort('1 f x 1', '1 t x 3', '2 f x 1', '2 t x 3', map { "$_ MG001 x 4" } 3 .. 10)),
        'clicks: two holds are made, each once, and the others are refused (I3, I4)');
    is(sql("SELECT mg_credits, held, spendable FROM mega_balance('$pass_id')"), '5|20|5', 'clicks: five are left');
    return;
}
