# Writers use every function that writes while they are cancelled, terminated, timed out, deadlocked, killed, and while the
# server is stopped at once. After each storm the projections are those of the ledger (I1, I2), every acknowledged write
# is there exactly once, what was refused is not, and a call whose answer was lost can be repeated (I4).
# MEGA_FAULT_SECONDS says how long each storm lasts at least.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_faults;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{MEGA_FAULT_SECONDS} // 1;
my $patience = 120; # for faults that a slow machine takes its time to meet
my $writers = 5;
my $node = start_node('faults', 'fsync = on', 'synchronous_commit = on', 'full_page_writes = on', 'restart_after_crash = on',
    'deadlock_timeout = 10ms', q{log_line_prefix = '%m [%p] %e '});
my $parent = $$;
my $directory = PostgreSQL::Test::Utils::tempdir();
my $seed = seed_of_storm();
my $storms = 0;
open_studio($node, $directory);

# How the answers of a storm are: what the fault looks like to a client.
my $common = qr/^(?:ack|lost|40P01|40001)$/;

weather('cancels', qr/^57014$/, disturb => sub { disturb_by('pg_cancel_backend', 0.004, @_) });
weather('terminations', qr/^lost$/, disturb => sub { disturb_by('pg_terminate_backend', 0.05, @_) });
weather('timeouts', qr/^(?:57014|55P03)$/, before => \&random_timeouts, disturb => \&hold_locks);
weather('deadlocks', qr/^40P01$/, kinds => [qw(opposite opposite transfer batch rows record event)]);
weather('killed backends', qr/^lost$/, disturb => \&kill_backends, least => 2);
weather('immediate stops', qr/^lost$/, disturb => \&stop_at_once, least => 2);

hold_to_account('at the end', 1 .. $storms);
is(complaints(allowed => qr/\(PID \d+\) was terminated by signal 9: Killed/), '', 'the server has nothing to complain of');
$node->stop;
done_testing();

# A storm: writers write while the parent disturbs them, until the fault was met three times. disturb is called again and
# again, with a client of its own, kinds are the writes, before comes in front of each.
sub weather {
    my ($what, $fault, %options) = @_;
    my $storm = ++$storms;
    my $stop = "$directory/stop-$storm";
    my $least = $options{least} // 3;
    my @processes = storm($seed + 100 * $storm, map {
        my $writer = $_;
        sub { write_until($storm, $writer, sub { return -e $stop || getppid != $parent }, %options) };
    } 1 .. $writers);
    my $begin = time;
    my ($met, $acknowledged, $disturbed) = (0, 0, 0);
    until (time - $begin > $seconds && $met >= $least && $disturbed >= $least && $acknowledged > 50 || time - $begin > $seconds + $patience) {
        if ($options{disturb}) { $disturbed += $options{disturb}->($stop) }
        else { sleep(0.1), $disturbed++ }
        my $noted = noted($storm);
        $acknowledged = $noted->{ack} // 0;
        $met = 0;
        $met += $noted->{$_} for grep { /$fault/ } keys %$noted;
    }
    open my $file, '>', $stop or die "$stop: $!";
    close $file;
    is(wait_for_storm(@processes), 0, "$what: every writer came to its end");
    my $noted = noted($storm);
    note("$what: ", join ', ', map { "$_ x $noted->{$_}" } sort keys %$noted);
    cmp_ok($met, '>=', $least, "$what: writers met the fault");
    cmp_ok($acknowledged, '>', 50, "$what: it was a storm");
    is(join(' ', grep { !/$common|$fault/ } sort keys %$noted), '', "$what: no answer but those of the fault");
    hold_to_account($what, $storm);
    return;
}

sub own_client { return mega_client->connect($node, 'postgres', "$directory/disturbing.errors") }

# Calls the function for writers that are at work, for a while.
sub disturb_by {
    my ($function, $pause) = @_;
    my $client = own_client();
    my $count = 0;
    for (1 .. 20) {
        $count += $client->rows(qq{SELECT count(*) FROM (SELECT $function(pid) FROM (SELECT pid FROM pg_stat_activity
            WHERE application_name = 'writer' AND state <> 'idle' ORDER BY random() LIMIT 1) w) c});
        sleep(rand 2 * $pause);
    }
    $client->close;
    return $count;
}

sub random_timeouts {
    my ($client) = @_;
    my ($state) = $client->run(sprintf q{SET statement_timeout = '%dms'}, one_of(0, 1, 1, 2, 3, 5, 20));
    return $state if !defined $state;
    return ($client->run(sprintf q{SET lock_timeout = '%dms'}, one_of(0, 1, 2, 5)))[0];
}

# Somebody keeps customers locked for longer than the writers wait.
sub hold_locks {
    my $client = own_client();
    for (1 .. 5) {
        $client->rows(q{BEGIN; SELECT count(*) FROM (SELECT FROM mega_customers WHERE mg_pass_id LIKE 'pass:shopify:500_' ORDER BY random() LIMIT 1 FOR UPDATE) c});
        sleep(0.03);
        $client->rows('ROLLBACK');
        sleep(0.03);
    }
    $client->close;
    return 1;
}

# Kills a backend that is writing, as the kernel does when memory is short; the server starts anew.
sub kill_backends {
    sleep(0.3 + rand 0.3);
    my $client = own_client();
    my ($state, $process) = $client->run(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'writer' AND state = 'active'
        AND query ~ 'mega_|INSERT|COMMIT' AND wait_event_type IS DISTINCT FROM 'Lock' ORDER BY random() LIMIT 1});
    $client->close;
    return $process && kill_backend($node, $process, "$directory/killer.errors");
}

sub stop_at_once {
    sleep(0.3 + rand 0.3);
    $node->stop('immediate');
    $node->start;
    return 1;
}
