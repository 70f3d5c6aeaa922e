# mega.derived_writes = ignore: an application that still writes both places, as it did before mega. Thirty of its workers
# at once (test/client/legacy.js, through node's pg), each on a connection of its own, never retrying a lost update because
# it knows of none. The ledger decides the balance (I1) and the events decide the managed keys (I2); the application's own
# keys are as it last wrote them.
use strict;
use warnings;

use File::Basename;
use JSON::PP;
use lib dirname(__FILE__);
use mega_test;
use PostgreSQL::Test::Utils;
use Test::More;

my $workers = 30;
my $rounds = $ENV{MEGA_IGNORE_ROUNDS} // 8;
my $customers = 5;
my $seed = seed_of_storm();
my $node = start_node('ignore', 'max_connections = 60', 'fsync = off');
$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('app', 'CREATE EXTENSION mega');

# The role is told to let it pass; nothing about the application changes.
$node->safe_psql('app', q{
    CREATE ROLE shop LOGIN;
    GRANT SELECT, INSERT, UPDATE ON mega_customers, mega_generations TO shop;
    ALTER ROLE shop SET mega.derived_writes = 'ignore';
    ALTER ROLE shop SET client_min_messages = 'error'});

# What the application prints, and how it ended.
sub application {
    my @arguments = @_;
    local $ENV{PGHOST} = $node->host;
    local $ENV{PGPORT} = $node->port;
    local $ENV{PGUSER} = 'shop';
    local $ENV{PGDATABASE} = 'app';
    my ($printed, $complaints) = ('', '');
    my $done = IPC::Run::run([ 'node', dirname(__FILE__) . '/../client/legacy.js', @arguments ], '>', \$printed, '2>', \$complaints);
    diag($complaints) if $complaints ne '';
    return ($done, $printed eq '' ? {} : decode_json($printed));
}

my $missing = '';
eval { IPC::Run::run([ 'node', '-e', 'require("pg")' ], '2>', \$missing) }
    or die "node and its module pg are wanted; dev/setup installs both. $@$missing\n";

#
# One worker alone: every step as the application does it, and what the database made of it.
#
my ($done, $told) = application('alone');
ok($done, 'no request of one worker was refused');
is_deeply($told->{seen}, [ 20, 13, 0, 0, 0 ],
    'a bonus written twice counts once, so do a spend and an expiry; a balance that no row explains does not stay');
is($node->safe_psql('app', q{SELECT mg_status, mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:alone-1'}),
    'succeeded|{"read": 13, "after": 13, "before": 20}', 'the row carries the status and notes of the application');
is($node->safe_psql('app', q{SELECT mg_mma_preferences -> 'tag_weights', mg_mma_preferences -> 'seen', mg_mma_preferences -> 'upserted',
    mg_mma_preferences -> 'theme', mg_mma_preferences -> 'source' FROM mega_customers WHERE mg_pass_id = 'pass:test:alone'}),
    '{"style.minimal": 2}|"alone-3"|"alone-4"|"light"|"mma"', 'weights are the fold, keys of its own are the application\'s');

#
# Thirty at once: few customers, so that they meet; one more for each worker, so that a lost key shows.
#
$node->safe_psql('app', "SELECT mega_ensure_customer('pass:test:' || i) FROM generate_series(1, $customers) i");
($done, $told) = application('storm', $workers, $rounds, $customers, $seed);
ok($done, 'no request of thirty workers was refused');
is(books_disagree($node, 'app'), '', 'every balance is the sum of its ledger (I1)');
is($node->safe_psql('app', 'SELECT * FROM mega_reconcile_preferences()'), '', 'every snapshot is the fold of its events (I2)');

# Weights counted here, from what the workers sent: a like is one.
is($node->safe_psql('app', q{
    SELECT c.mg_pass_id FROM mega_customers c
    JOIN (SELECT mg_pass_id, jsonb_object_agg(tag, likes) AS weights FROM (
        SELECT mg_pass_id, mg_meta #>> '{payload,tags,0}' AS tag, count(*) AS likes
        FROM mega_generations WHERE mg_record_type = 'mma_event' GROUP BY 1, 2) l GROUP BY 1) w USING (mg_pass_id)
    WHERE c.mg_mma_preferences -> 'tag_weights' <> w.weights}), '', 'no like was lost, none counted twice');
my $moved = 2 * $workers * $rounds;
is($node->safe_psql('app', q{SELECT count(*), count(*) FILTER (WHERE mg_status = 'succeeded' AND mg_meta ? 'after')
    FROM mega_generations WHERE mg_reason = 'job' AND mg_pass_id <> 'pass:test:alone'}), "$moved|$moved",
    'every movement is there once, with its notes');
my $events = 3 * $workers * $rounds + 2;
is($node->safe_psql('app', q{SELECT count(*) FROM mega_generations WHERE mg_record_type = 'mma_event'}), $events, 'and every event');

# The newest write of each customer, as the application saw it.
my %there = map { split /\|/, $_, 2 } split /\n/, $node->safe_psql('app', q{SELECT mg_pass_id,
    mg_mma_preferences - '{hard_blocks,tag_weights,updated_at,source,positions}'::text[] FROM mega_customers
    WHERE mg_pass_id <> 'pass:test:alone'});
is(scalar keys %{ $told->{last} }, $workers + $customers, 'every customer was written to');
is_deeply({ map { $_ => decode_json($there{$_}) } keys %there }, { map { $_ => $told->{last}{$_}{keys} } keys %{ $told->{last} } },
    'the keys of the application are as it last wrote them');

# Turned round: the same writes are refused, and refusing changed nothing.
$node->safe_psql('app', 'ALTER ROLE shop RESET mega.derived_writes');
my $log = "$PostgreSQL::Test::Utils::log_path/ignore_clients.log";
$ENV{PGUSER} = 'shop';
my $shop = mega_client->connect($node, 'app', $log);
my ($state) = $shop->run(q{UPDATE mega_customers SET mg_credits = mg_credits + 1 WHERE mg_pass_id = 'pass:test:1'});
is($state, 'MG006', 'without the setting a foreign balance is refused');
($state) = $shop->run(q{UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"theme": "dark"}' WHERE mg_pass_id = 'pass:test:1'});
is($state, '00000', 'keys of its own are still the application\'s');
$shop->close;
$ENV{PGUSER} = 'postgres';
is(books_disagree($node, 'app'), '', 'the books still agree');

$node->stop;
done_testing();
