# mega.derived_writes = ignore: an application that still writes both places, as it did before mega. Thirty of its workers
# at once, each on a connection of its own, never retrying a lost update because it knows of none. The ledger decides the
# balance (I1) and the events decide the managed keys (I2); the application's own keys are as it last wrote them.
use strict;
use warnings;

use File::Basename;
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
my $log = "$PostgreSQL::Test::Utils::log_path/ignore_clients.log";

# The application tells its sessions so; nothing else about it changes.
$node->safe_psql('app', q{
    CREATE ROLE shop LOGIN;
    GRANT SELECT, INSERT, UPDATE ON mega_customers, mega_generations TO shop;
    ALTER ROLE shop SET mega.derived_writes = 'ignore';
    ALTER ROLE shop SET client_min_messages = 'error'});

sub client {
    local $ENV{PGUSER} = 'shop';
    return mega_client->connect($node, 'app', $log);
}

sub balance_of {
    my ($shop, $pass_id) = @_;
    return $shop->rows('SELECT mg_credits FROM mega_customers WHERE mg_pass_id = ' . quoted($pass_id));
}

# A sign-up: the customer comes with a balance, then the row that explains it.
sub sign_up {
    my ($shop, $pass_id, $bonus) = @_;
    $shop->rows("INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences) VALUES (" . quoted($pass_id)
        . qq{, $bonus, '{"hard_blocks": [], "tag_weights": {}, "theme": "light"}')});
    $shop->rows("INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ("
        . quoted("credit_transaction:signup-$pass_id") . ", 'credit_transaction', " . quoted($pass_id)
        . ", $bonus, 'signup', 'signup', " . quoted($pass_id) . ')');
    return;
}

# A movement in six requests: read, insert 'pending', read again, write its own arithmetic, mark it with notes.
sub move {
    my ($shop, $pass_id, $id, $delta) = @_;
    my $before = balance_of($shop, $pass_id);
    $shop->rows("INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_status) VALUES ("
        . quoted("credit_transaction:$id") . ", 'credit_transaction', " . quoted($pass_id) . ", $delta, 'job', 'pending')");
    my $read = balance_of($shop, $pass_id);
    $shop->rows('UPDATE mega_customers SET mg_credits = ' . ($before + $delta) . ' WHERE mg_pass_id = ' . quoted($pass_id));
    $shop->rows("UPDATE mega_generations SET mg_status = 'succeeded', mg_meta = "
        . quoted(qq({"before": $before, "read": $read, "after": ) . ($before + $delta) . '}')
        . ' WHERE mg_id = ' . quoted("credit_transaction:$id"));
    return;
}

# Expiry: the balance is zeroed, then the row is written for what had been read.
sub expire {
    my ($shop, $pass_id, $id) = @_;
    my $rest = balance_of($shop, $pass_id);
    return if $rest <= 0;
    $shop->rows('UPDATE mega_customers SET mg_credits = 0, mg_expires_at = NULL WHERE mg_pass_id = ' . quoted($pass_id));
    $shop->rows("INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_status) VALUES ("
        . quoted("credit_transaction:$id") . ", 'credit_transaction', " . quoted($pass_id) . ", -$rest, 'expired', 'succeeded')");
    return;
}

# A like: the event, then the snapshot read, merged in the application and written back whole, with a key of its own.
# jsonb_set stands for the application's merge; what it knows of weights is what it read.
sub like {
    my ($shop, $pass_id, $id, $tag, $key) = @_;
    my $read = $shop->rows('SELECT mg_mma_preferences FROM mega_customers WHERE mg_pass_id = ' . quoted($pass_id));
    $shop->rows("INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_meta) VALUES ("
        . quoted("mma_event:$id") . ", 'mma_event', " . quoted($pass_id) . ', '
        . quoted(qq({"event_type": "like", "payload": {"tags": ["$tag"]}})) . ')');
    $shop->rows('UPDATE mega_customers SET mg_mma_preferences = ' . quoted($read) . "::jsonb || jsonb_build_object('tag_weights', "
        . "coalesce(" . quoted($read) . "::jsonb -> 'tag_weights', '{}') || " . quoted(qq({"$tag": 99, "theirs": 1}))
        . ", 'updated_at', 'now', 'source', 'shop', '$key', '$id') WHERE mg_pass_id = " . quoted($pass_id));
    return;
}

#
# One worker alone: every step as the application does it, and what the database made of it.
#
my $shop = client();
sign_up($shop, 'pass:test:alone', 20);
is(balance_of($shop, 'pass:test:alone'), 20, 'a sign-up bonus counts once, though written twice');
move($shop, 'pass:test:alone', 'alone-1', -7);
is(balance_of($shop, 'pass:test:alone'), 13, 'a spend counts once');
is($node->safe_psql('app', q{SELECT mg_status, mg_meta FROM mega_generations WHERE mg_id = 'credit_transaction:alone-1'}),
    'succeeded|{"read": 13, "after": 13, "before": 20}', 'the row carries the status and notes of the application');
expire($shop, 'pass:test:alone', 'alone-2');
is(balance_of($shop, 'pass:test:alone'), 0, 'expired credits go once');
like($shop, 'pass:test:alone', 'alone-like', 'style.minimal', 'seen');
is($node->safe_psql('app', q{SELECT mg_mma_preferences -> 'tag_weights', mg_mma_preferences -> 'seen', mg_mma_preferences -> 'theme',
    mg_mma_preferences -> 'source' FROM mega_customers WHERE mg_pass_id = 'pass:test:alone'}),
    '{"style.minimal": 1}|"alone-like"|"light"|"mma"', 'weights are the fold, keys of its own are the application\'s');
$shop->run("UPDATE mega_customers SET mg_credits = 1000000 WHERE mg_pass_id = 'pass:test:alone'");
is(balance_of($shop, 'pass:test:alone'), 0, 'a balance that no row explains does not stay');
$shop->close;

#
# Thirty at once: few customers, so that they meet; keys of each worker's own, so that a lost one shows.
#
$node->safe_psql('app', "SELECT mega_ensure_customer('pass:test:' || i) FROM generate_series(1, $customers) i");
my @processes = storm($seed, map {
    my $worker = $_;
    sub {
        my $client = client();
        sign_up($client, "pass:test:own-$worker", 50);
        for my $round (1 .. $rounds) {
            my $pass_id = 'pass:test:' . (1 + int(rand($customers)));
            my $id = "w$worker-$round";
            move($client, $pass_id, "$id-grant", 5 + int(rand(20)));
            move($client, $pass_id, "$id-spend", -1 - int(rand(10)));
            expire($client, $pass_id, "$id-expired") if $round % 4 == 0;
            like($client, $pass_id, "$id-like", 'tag.' . int(rand(3)), "seen_by_$worker");
            like($client, "pass:test:own-$worker", "$id-own", 'tag.own', 'last');
        }
        $client->close;
    }
} 1 .. $workers);
is(wait_for_storm(@processes), 0, 'no request of thirty workers was refused');
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

# Each worker was alone on its own customer: its key is what it wrote last.
is($node->safe_psql('app', qq{SELECT count(*) FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:own-%'
    AND mg_credits = 50 AND mg_mma_preferences ->> 'last' = 'w' || substr(mg_pass_id, 15) || '-$rounds-own'
    AND mg_mma_preferences ->> 'theme' = 'light' AND mg_mma_preferences -> 'tag_weights' = '{"tag.own": $rounds}'}), $workers,
    'the keys of the application are as it last wrote them');

# Turned round: the same writes are refused, and refusing changed nothing.
$node->safe_psql('app', 'ALTER ROLE shop RESET mega.derived_writes');
$shop = client();
my ($state) = $shop->run(q{UPDATE mega_customers SET mg_credits = mg_credits + 1 WHERE mg_pass_id = 'pass:test:1'});
is($state, 'MG006', 'without the setting a foreign balance is refused');
($state) = $shop->run(q{UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{"theme": "dark"}' WHERE mg_pass_id = 'pass:test:1'});
is($state, '00000', 'keys of its own are still the application\'s');
$shop->close;
is(books_disagree($node, 'app'), '', 'the books still agree');

$node->stop;
done_testing();
