# What the TAP tests share: nodes that suit them, clients that know the SQLSTATE of each answer, and storms of writers.
package mega_test;

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

our @EXPORT = qw(start_node start_replicating_node seed_of_storm storm wait_for_storm kill_backend books_disagree quoted takes_at_most is_sanitized);

# Whether the server runs with the address sanitizer, which keeps freed memory back and needs its own.
sub is_sanitized { return !!$ENV{ASAN_OPTIONS} }

# Asserts that a process took no more of the system's memory than that, both in kB.
sub takes_at_most {
    my ($taken, $most, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
  SKIP: {
        skip 'the address sanitizer keeps memory back', 1 if is_sanitized();
        cmp_ok($taken, '<=', $most, $name);
    }
    return;
}

# A running node. Each further argument is a line of postgresql.conf. MEGA_WRITE_PATH says how functions write.
sub start_node {
    my ($name, @settings) = @_;
    return start_node_with($name, {}, @settings);
}

# A running node from which others replicate: 'physical' or 'logical'.
sub start_replicating_node {
    my ($name, $how, @settings) = @_;
    return start_node_with($name, { allows_streaming => $how eq 'logical' ? 'logical' : 1 }, @settings);
}

sub start_node_with {
    my ($name, $options, @settings) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init(%$options, extra => [ '--encoding=UTF8', '--locale=C', '-U', 'postgres' ]);
    push @settings, "mega.write_path = $ENV{MEGA_WRITE_PATH}" if $ENV{MEGA_WRITE_PATH};
    $node->append_conf('postgresql.conf', join("\n", 'log_statement = none', "timezone = 'UTC'", @settings) . "\n");
    $ENV{PGUSER} = 'postgres';
    $node->start;
    return $node;
}

# The seed of this run, printed so that a run can be repeated: MEGA_SEED=… prove …
sub seed_of_storm {
    my $seed = $ENV{MEGA_SEED} // (time ^ ($$ << 8)) & 0x7fffffff;
    diag("seed $seed");
    return $seed;
}

# Runs each piece of code in a process of its own, with random numbers of its own. Returns the process ids.
sub storm {
    my ($seed, @writers) = @_;
    my @processes;
    for my $writer (@writers) {
        my $number = scalar @processes;
        my $process = fork() // die "fork: $!";
        if ($process == 0) {
            srand($seed + $number);
            my $done = eval { $writer->(); 1 };
            print STDERR "# writer $number: $@" if !$done;
            # _exit, because the node belongs to the parent: its END block stops it.
            POSIX::_exit($done ? 0 : 1);
        }
        push @processes, $process;
    }
    return @processes;
}

# Waits for the writers; the number of those that failed.
sub wait_for_storm {
    my $failed = 0;
    for my $process (@_) {
        waitpid($process, 0);
        $failed++ if $? != 0;
    }
    return $failed;
}

# Kills a backend as the kernel does when memory is short, and waits until the server has started anew. False when the
# backend was about to end by itself.
sub kill_backend {
    my ($node, $process, $log) = @_;
    my $witness = mega_client->connect($node, 'postgres', $log);
    $witness->rows('SELECT');
    kill 'KILL', $process;
    Time::HiRes::sleep(0.01) while kill 0, $process; # until the postmaster has taken it off
    my ($lives) = $witness->run('SELECT pg_sleep(1)'); # if it was killed, the postmaster ends all others
    $witness->close;
    return 0 if defined $lives;
    # not poll_query_until: a psql that cannot connect does not read its standard input, which ends the test (EPIPE)
    for (1 .. 1200) {
        my $client = mega_client->connect($node, 'postgres', $log);
        my ($state) = $client->run('SELECT');
        $client->close;
        return 1 if defined $state;
        Time::HiRes::sleep(0.05);
    }
    die "the server did not come back\n";
}

# The customers whose balance is not the sum of their ledger (I1), computed here, not by the code under test.
sub books_disagree {
    my ($node, $database) = @_;
    return $node->safe_psql($database, q{
        SELECT c.mg_pass_id, c.mg_credits, coalesce(sum(g.mg_delta), 0)
        FROM mega_customers c
        LEFT JOIN mega_generations g ON g.mg_pass_id = c.mg_pass_id AND g.mg_record_type = 'credit_transaction'
        GROUP BY 1, 2 HAVING c.mg_credits <> coalesce(sum(g.mg_delta), 0) ORDER BY 1});
}

sub quoted {
    my ($text) = @_;
    $text =~ s/'/''/g;
    return "'$text'";
}

# A client on one connection: psql, fed statement by statement.
package mega_client;

use strict;
use warnings;

use IPC::Open2;

# Settings of the connection other than the node's may follow.
sub connect {
    my ($class, $node, $database, $log, %other) = @_;
    my $self = bless {}, $class;
    $SIG{PIPE} = 'IGNORE';
    $self->{process} = open2($self->{answers}, $self->{questions}, 'sh', '-c', 'exec "$0" "$@" 2>>' . $log,
        'psql', '-XqAt', '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=0', '-d', join(' ', $node->connstr($database), map { "$_='$other{$_}'" } sort keys %other));
    return $self;
}

# Runs one statement. Returns its SQLSTATE and its rows, or nothing when the connection is lost.
sub run {
    my ($self, $statement) = @_;
    my @rows;
    print { $self->{questions} } "$statement\n;\n\\echo answered :SQLSTATE\n";
    $self->{questions}->flush;
    while (defined(my $line = readline($self->{answers}))) {
        chomp $line;
        return ($1, @rows) if $line =~ /^answered (\w{5})$/;
        return if $line eq 'answered '; # an error that the server did not send: it went away
        push @rows, $line;
    }
    return;
}

# The rows of a statement that must succeed, one a line.
sub rows {
    my ($self, $statement) = @_;
    my ($state, @rows) = $self->run($statement);
    die "connection lost in: $statement\n" if !defined $state;
    die "$state in: $statement\n" if $state ne '00000';
    return join "\n", @rows;
}

sub close {
    my ($self) = @_;
    close $self->{questions};
    close $self->{answers};
    waitpid($self->{process}, 0);
    return;
}

1;
