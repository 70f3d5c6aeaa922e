# pgbouncer in transaction mode before a server, for the length of a test, however that ends.
package mega_pooler;

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);

our @EXPORT = qw(pooler_program start_pooler);

my $parent = $$;
my $pooler;

END {
    if ($pooler && $$ == $parent) {
        my $status = $?;
        kill 'INT', $pooler;
        waitpid($pooler, 0);
        $? = $status;
    }
}

# Nothing when there is none.
sub pooler_program {
    my ($program) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), qw(/usr/sbin /usr/local/sbin);
    return $program;
}

# On the node's port in a directory, whose user is who asks the server. settings: lines of its own; answers: tells, asked
# again and again, whether it is there.
sub start_pooler {
    my ($node, %with) = @_;
    my ($socket, $port, $directory) = ($node->host, $node->port, $with{directory});
    append_to_file("$directory/pgbouncer.ini", join "\n", '[databases]',
        "$with{database} = host=$socket port=$port dbname=$with{database} user=$with{user}", '[pgbouncer]', 'listen_addr =',
        "listen_port = $port", "unix_socket_dir = $directory", 'auth_type = any', 'pool_mode = transaction',
        "default_pool_size = $with{sessions}", 'ignore_startup_parameters = extra_float_digits',
        "logfile = $directory/pgbouncer.log", @{ $with{settings} // [] }, '');
    $pooler = fork() // die "fork: $!";
    if ($pooler == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec pooler_program(), "$directory/pgbouncer.ini" or POSIX::_exit(1);
    }
    for (1 .. 200) {
        return if $with{answers}->();
        sleep(0.05);
    }
    die 'pgbouncer does not start: ' . slurp_file("$directory/pgbouncer.log");
}

1;
