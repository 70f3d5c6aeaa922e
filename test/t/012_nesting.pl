# Whatever is nested, the books stay together: raw rows, upserts, COPY and functions in one statement, in blocks that
# catch errors, between savepoints, in triggers of one's own on each table that act, change rows or drop them; merges,
# erasures and the office among them; under three isolation levels, with derived_writes reject and ignore. After each
# statement that came to its end I1, I2, I3 and I15 hold, what callers were told is true, who was merged owns nothing, and
# who was erased has nothing personal (test/t/nesting.sql says how). At the end a fold in plain Perl says the same.
# MEGA_SEED=<seed> repeats a run; MEGA_NESTING_SECONDS sets its length, MEGA_NESTING_TRANSACTIONS another. Where nobody
# says how long, as in a check, it is the same eight hundred transactions each time, and more until each kind of act was
# done; dev/soak draws others.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_model;
use mega_nesting;
use mega_test;

use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $is_check = !defined $ENV{MEGA_NESTING_SECONDS};
my $seconds = $ENV{MEGA_NESTING_SECONDS} // 900; # a check ends by its number, however slow the server
my $most = $ENV{MEGA_NESTING_TRANSACTIONS} // ($is_check ? 800 : 1_000_000);
$ENV{MEGA_SEED} //= 1796196731 if $is_check;
my $seed = seed_of_storm();
srand($seed);

my $node = start_node('nesting', 'fsync = off', 'autovacuum = off', "mega.notify = 'on'");
my $logs = PostgreSQL::Test::Utils::tempdir();
chmod 0777, $logs;
my @wrong;
my ($transactions, $committed, $statements, $databases) = (0, 0, 0, 0);
my (%states, %acts);
my %kinds; # what has to be done once at least; others are always refused

# As nest.may_end has it.
sub may_end { return $_[0] =~ /^(?:00000|MG...|23502|23503|23505|23514|22003|22023|25001|27000|55000|55006|P0042|21000|40001)$/ }

# A server with assertions has one that any table meets: a row is locked, changed in a subtransaction that is rolled back,
# and changed again when its page is full (docs/versions.md). True when that and nothing else stopped the server, which
# then runs again.
my $postgres_own = 0;
sub is_postgres_own {
    sleep 1 while -e $node->data_dir . '/postmaster.pid' && kill 0, slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
    my @traps = grep { /PANIC:|TRAP:/ } split /\n/, slurp_file($node->logfile);
    return 0 if !@traps || grep { !/HEAP_XMAX_IS_LOCKED_ONLY\(infomask_lock_old_tuple\)/ } @traps;
    $node->stop('immediate', fail_ok => 1);
    unlink $node->logfile;
    $node->start;
    $postgres_own++;
    return 1;
}

sub lost {
    my ($where) = @_;
    push @wrong, "$where: the connection is lost" if !is_postgres_own();
    return 'lost';
}

# Runs what is in the middle of one transaction; the transaction is over when it returns. 'lost' when the server is.
sub play {
    my ($client, $number) = @_;
    my ($plan, $commit) = random_transaction();
    my $failed = 0;
    for my $statement (@$plan) {
        my $acts = ref $statement;
        $statement = $$statement if $acts;
        next if $failed && $statement !~ /^ROLLBACK TO/;
        my ($state) = $client->run($statement);
        return lost("transaction $number: $statement") if !defined $state;
        $failed = $state ne '00000';
        next if !$acts;
        $states{$state}++;
        push @wrong, "transaction $number: $statement ended with $state" if !may_end($state);
        if (!$failed) {
            $statements++;
            push @wrong, map { "transaction $number, behind $statement: $_" } split /\n/, $client->rows('SELECT * FROM nest.wrong()');
        }
    }
    my $end = $commit && !$failed ? 'COMMIT' : 'ROLLBACK';
    my ($state) = $client->run($end);
    return lost("transaction $number: $end") if !defined $state;
    push @wrong, "transaction $number: its end was $state" if !may_end($state); # a deferred trigger may refuse
    $committed++ if $end eq 'COMMIT' && $state eq '00000';
    push @wrong, map { "transaction $number, behind its $end: $_" } split /\n/, $client->rows('SELECT * FROM nest.wrong()');
    return;
}

# What helps to see why: the triggers of one's own, and the newest rows.
sub tell_more {
    my ($client) = @_;
    diag($_) for split /\n/, $client->rows(q{SELECT pg_get_triggerdef(t.oid) || ' ' || b.does FROM pg_trigger t JOIN nest.behaviour b ON b.trigger = t.tgname});
    diag($_) for split /\n/, $client->rows(q{SELECT concat_ws(' ', xmin, cmin, mg_id, mg_pass_id, mg_delta, mg_created_at, mg_status, mg_meta) FROM mega_generations ORDER BY xmin::text::bigint DESC, ctid DESC LIMIT 30});
    return;
}

# I2 by another hand: the model folds what the ledger holds.
sub compare_with_model {
    my ($client) = @_;
    my $json = JSON::PP->new->utf8->allow_bignum;
    my %preferences = map { split /\|/, $_, 2 } split /\n/, $client->rows('SELECT mg_pass_id, mg_mma_preferences FROM mega_customers');
    my $model = mega_model->new(keys %preferences);
    for my $line (split /\n/, $client->rows(q{SELECT substr(mg_id, 11), mg_pass_id, (extract(epoch FROM mg_created_at) * 1000000)::bigint, mg_meta FROM mega_generations WHERE mg_record_type = 'mma_event'})) {
        my ($id, $pass, $time, $text) = split /\|/, $line, 4;
        my $meta = $json->decode($text);
        my %payload = %{ $meta->{payload} // {} };
        $payload{tag_weights} = { map { $_ => $payload{tag_weights}{$_} * 1_000_000 } keys %{ $payload{tag_weights} } } if $payload{tag_weights};
        $model->{events}{$id} = { id => $id, pass => $pass, time => $time, type => $meta->{event_type}, payload => \%payload };
    }
    for my $pass (sort keys %preferences) {
        my (undef, $weights) = $model->fold($pass);
        my $stored = $json->decode($preferences{$pass})->{tag_weights} // {};
        my $wanted = join ' ', map { "$_=" . $weights->{$_} / 1_000_000 } grep { $weights->{$_} != 0 } sort keys %$weights;
        my $found = join ' ', map { "$_=" . ($stored->{$_} + 0) } grep { $stored->{$_} != 0 } sort keys %$stored;
        push @wrong, "the model folds $pass to '$wanted', stored is '$found'" if $wanted ne $found;
    }
    return;
}

# A database for some hundred transactions: every look reads all of it.
sub play_in_new_database {
    my ($until) = @_;
    my $database = 'nest' . ++$databases;
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, 'CREATE EXTENSION mega');
    $node->safe_psql($database, setup_nesting($FindBin::RealBin));
    %kinds = map { $_ => 1 } split /\n/, $node->safe_psql($database, 'SELECT kind FROM nest.kinds WHERE NOT never') if !%kinds;
    my $client = mega_client->connect($node, $database, "$logs/client.log", options => '-c client_min_messages=error');
    my $standing = [];
    for my $number (1 .. 150) {
        if ($number % 6 == 1) {
            ($standing, my @changes) = random_triggers($standing);
            $client->rows($_) for @changes;
        }
        if ((play($client, ++$transactions) // '') eq 'lost') {
            $client->close;
            return;
        }
        tell_more($client) if @wrong;
        last if @wrong || $transactions >= $most || time >= $until;
    }
    compare_with_model($client);
    for my $line (split /\n/, $client->rows('SELECT kind, ended, times FROM nest.acts')) {
        my ($kind, $ended, $times) = split /\|/, $line;
        $acts{$kind}{ $ended eq '00000' ? 'done' : 'refused' } += $times;
    }
    $client->close;
    $node->safe_psql('postgres', "DROP DATABASE $database");
    return;
}

# Enough to say that each kind was done; of a short run it is not asked.
sub is_enough {
    return $committed > 20 && (($committed < 400 && !$is_check) || !grep { !$acts{$_}{done} } keys %kinds);
}

my $until = time + $seconds;
play_in_new_database($until) while !@wrong && $transactions < $most && time < $until;
# What is rare, or a slow machine, takes the time that it needs.
while (!@wrong && !is_enough() && time < $until + 120) {
    $most += 150;
    play_in_new_database($until + 120);
}

diag("seed $seed: $_") for @wrong;
is(scalar @wrong, 0, 'nothing is wrong, whatever was nested');
cmp_ok($committed, '>', 20, 'transactions were committed');
for my $kind (sort keys %kinds) {
    cmp_ok($acts{$kind}{done} // 0, '>', 0, "$kind was done") if $committed >= 400 || $is_check;
}
note("$postgres_own stops by an assertion of Postgres' own") if $postgres_own;
note("$databases databases, $transactions transactions, $committed committed, $statements statements looked at");
note('states: ' . join ', ', map { "$_ x $states{$_}" } sort keys %states);
note('acts: ' . join ', ', map { "$_ " . ($acts{$_}{done} // 0) . '+' . ($acts{$_}{refused} // 0) } sort keys %acts);

$node->stop;
my $server_log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
is(join("\n", grep { /PANIC:|TRAP:|terminated by signal|not given back|leak/i } split /\n/, $server_log), '', 'the server complains of nothing');
done_testing();
