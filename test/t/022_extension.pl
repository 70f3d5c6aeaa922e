# DROP EXTENSION, CREATE EXTENSION and DROP TABLE while others write: whoever is in the way waits, tries again or is told so
# in words; nobody meets an error of the server's insides, no movement that was answered is lost while the tables stay, and
# the books agree once they are opened again.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{MEGA_EXTENSION_ROUNDS} // 3;
my $writers = 3;
my $customers = 4;
my $node = start_node('extension', 'deadlock_timeout = 100ms', 'synchronous_commit = off', 'log_error_verbosity = verbose');
my $files = PostgreSQL::Test::Utils::tempdir();
my $seed = seed_of_storm();

# Of the tables: what they hold at the beginning, and again whenever they were made anew.
my $content = qq{
    SELECT mega_ensure_customer(pass_id => 'pass:shopify:' || n) FROM generate_series(1, $customers) n;
    SELECT mega_create_generation('pass:shopify:' || n, 'g' || n) FROM generate_series(1, $customers) n;
    SELECT mega_record_credit('pass:shopify:' || n, 100000, 'grant') FROM generate_series(1, $customers) n;
};
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', "CREATE EXTENSION mega; $content");

# What a call may end in beside success: no function is there between DROP and CREATE; tables, columns and triggers change
# under whoever looked at them a moment ago.
my @told = qw(00000 40001 40P01 42883 42P01 55000);
# Postgres looks a function up when it reads a statement and calls it without a lock: what is dropped in between is an
# internal error of its own, and no function of ours is called any more.
my $gone_before_the_call = qr/cache lookup failed for function \d+/;

sub statements {
    my ($turn, $pass_id, $key) = @_;
    return (
        "SELECT 1 FROM mega_record_credit('$pass_id', 1, 'order', txn_id => '$key')",
        "SELECT 1 FROM mega_hold_credit('$pass_id', 1, '$key'), mega_release_credit('$key')",
        qq{SELECT 1 FROM mega_record_mma_event('$pass_id', 'like', '{"tag": "t"}', event_id => '$key')},
        "SELECT 1 FROM mega_append_mma_step('g' || (1 + $turn % $customers), 'scan')",
        "INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta) VALUES ('credit_transaction:$key', 'credit_transaction', '$pass_id', 1) RETURNING 1",
        "UPDATE mega_customers SET mg_email = 'a\@example.com' WHERE mg_pass_id = '$pass_id' RETURNING 1",
        qq{SELECT 1 FROM mega_record_credits('[{"pass_id": "$pass_id", "delta": 2, "reason": "b"}, {"pass_id": "pass:shopify:1", "delta": 1, "reason": "b"}]')},
        "SELECT 1 FROM mega_ensure_customer(pass_id => 'pass:shopify:new-$key')",
        "SELECT 1 FROM mega_record_admin_audit('looked', audit_id => '$key')",
        "SELECT count(*) FROM mega_credit_statement('$pass_id')",
        "SELECT count(*) FROM mega_reconcile_credits('$pass_id')",
        "SELECT count(*) FROM mega_generation_history('$pass_id')",
        "SELECT count(*) FROM mega_balance('$pass_id')",
        "SELECT count(*) FROM mega_release_expired_holds()",
    );
}

# Writes until the file says so. Notes which movements were answered, how often each state came, and with its words each
# that is not told.
sub writer {
    my ($phase, $number, %expected) = @_;
    my $client = mega_client->connect($node, 'shop', "$files/errors.$phase.$number");
    open my $noted, '>', "$files/noted.$phase.$number" or die "noted: $!";
    open my $odd, '>', "$files/odd.$phase.$number" or die "odd: $!";
    $noted->autoflush(1);
    my %states;
    for (my $turn = 0; !-e "$files/stop.$phase"; $turn++) {
        my $key = "$phase-$number-$turn";
        my @statements = statements($turn, 'pass:shopify:' . (1 + int rand $customers), $key);
        my $kind = int rand @statements;
        my @answer = $client->run($statements[$kind]);
        die "the connection was lost at $statements[$kind]\n" if !@answer;
        $states{ $answer[0] }++;
        print $odd "$answer[0] $statements[$kind]\n" if !$expected{ $answer[0] } && !was_gone($answer[0], "$files/errors.$phase.$number");
        select undef, undef, undef, 0.01 if $answer[0] =~ /^42/; # nothing is there: whoever brings it back needs the processor
        print $noted "$key\n" if $answer[0] eq '00000' && ($kind == 0 || $kind == 4);
    }
    close $_ for $noted, $odd;
    $client->close;
    open my $summary, '>', "$files/states.$phase.$number" or die "states: $!";
    print $summary join ' ', map { "$_=$states{$_}" } sort keys %states;
    close $summary;
    return;
}

# Whether the last error was Postgres' own: the function went before it was called.
sub was_gone {
    my ($state, $errors) = @_;
    return 0 if $state ne 'XX000';
    my ($last) = reverse grep { /ERROR:/ } split /\n/, slurp_file($errors);
    return $last =~ /ERROR:\s+XX000: $gone_before_the_call/;
}

my $least = 11; # movements that are written beside the changes

sub noted_in { my ($phase) = @_; return map { split /\n/, slurp_file($_) } grep { -e } map { "$files/noted.$phase.$_" } 1 .. $writers }

# One storm beside somebody who makes these changes, round after round, until there was one.
sub storm_beside {
    my ($phase, $changes, @expected) = @_;
    my %expected = map { $_ => 1 } @expected;
    my @processes = storm($seed, map { my $number = $_; sub { writer($phase, $number, %expected) } } 1 .. $writers);
    my $owner = mega_client->connect($node, 'shop', "$files/errors.$phase.owner");
    $owner->rows($_) for "SET lock_timeout = '5s'", 'SET client_min_messages = error';
    my (@lost, %retries);
    for (my $round = 0; $round < $rounds || $round < 20 * $rounds && noted_in($phase) < $least; $round++) {
        for my $change (@$changes) {
            my @answer;
            for my $try (1 .. 30) {
                @answer = $owner->run($change);
                last if !@answer || $answer[0] !~ /^(40P01|55P03|40001)$/;
                $retries{ $answer[0] }++;
            }
            push @lost, "$change: @answer" if !@answer || $answer[0] ne '00000';
        }
    }
    $owner->close;
    open my $stop, '>', "$files/stop.$phase" or die "stop: $!";
    close $stop;
    is(wait_for_storm(@processes), 0, "$phase: every writer kept its connection");
    is(join("\n", @lost), '', "$phase: what was to be changed was changed");
    note("$phase, owner tried again: ", join ' ', map { "$_=$retries{$_}" } sort keys %retries);
    note("$phase, writer $_: ", slurp_file("$files/states.$phase.$_")) for 1 .. $writers;
    is(slurp_file("$files/odd.$phase.$_"), '', "$phase: writer $_ met only what says what it is") for 1 .. $writers;
    return;
}

storm_beside('extension', [ 'DROP EXTENSION mega CASCADE', 'CREATE EXTENSION mega', 'ALTER EXTENSION mega UPDATE', 'SELECT mega_install()' ], @told);
my %stored = map { $_ => 1 } split /\n/, $node->safe_psql('shop', q{SELECT substr(mg_id, 20) FROM mega_generations WHERE mg_record_type = 'credit_transaction'});
my @noted = noted_in('extension');
cmp_ok(scalar @noted, '>=', $least, 'they wrote meanwhile: ' . scalar(@noted) . ' movements');
is(join(' ', grep { !$stored{$_} } @noted), '', 'every movement that was answered stands');
# Rows that came while nothing kept the books are there and not in a balance: the ledger is what to trust.
$node->safe_psql('shop', q{SELECT mega_open_books(trust => 'ledger')});
is(books_disagree($node, 'shop'), '', 'the books agree once they are opened (I1)');
is($node->safe_psql('shop', 'SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', 'and so do the snapshots (I2)');

# Customers, generations and what was recorded go with the tables.
storm_beside('tables', [ 'DROP TABLE mega_generations, mega_admin, mega_customers CASCADE', 'SELECT mega_install()', "DO \$\$ BEGIN PERFORM $content END \$\$" =~ s/SELECT mega_ensure/mega_ensure/r =~ s/;\s*SELECT/; PERFORM/gr,
    'ALTER TABLE mega_generations RENAME TO elsewhere', 'ALTER TABLE elsewhere RENAME TO mega_generations' ], @told, qw(23503 MG001 MG003));
is(books_disagree($node, 'shop'), '', 'the books of new tables agree (I1)');
is($node->safe_psql('shop', 'SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', 'and so do their snapshots (I2)');

my $log = slurp_file($node->logfile);
my @insides = $log =~ /(.*(?:could not open relation|terminated by signal|TRAP:).*)/g;
is(join("\n", @insides), '', "no word of the server's insides in its log");
my @internal = grep { !/$gone_before_the_call/ } $log =~ /(ERROR:\s+XX000.*|ERROR:\s+cache lookup failed.*)/g;
is(join("\n", @internal), '', 'nor an internal error but for functions that went before they were called');
$node->stop;
done_testing();
