# Logical replication to another mega: rows arrive once, by the first copy and by the stream, and triggers project nothing
# a second time: balances and preferences come as they are (I1, I2, I14). Conflicts stop the stream and double nothing.
# The publisher dies in mid-storm: the subscriber has every acknowledged write and goes on.
# MEGA_SUBSCRIBER_SECONDS says how long each storm lasts.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_failover;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{MEGA_SUBSCRIBER_SECONDS} // 1;
my $seed = seed_of_storm();
my $logs = PostgreSQL::Test::Utils::tempdir();

my $publisher = start_replicating_node('publisher', 'logical', 'logical_decoding_work_mem = 64kB');
my $subscriber = start_replicating_node('subscriber', 'logical', 'wal_retrieve_retry_interval = 100ms');
start_dumps($publisher);
make_source('studio');
$publisher->safe_psql('studio', 'CREATE PUBLICATION books FOR TABLE mega_customers, mega_generations');
start_dumps($subscriber);
subscribe('studio');

first_copy_in_the_storm();
all_three_tables();
changes_of_every_kind();
replica_identities();
sessions_on_the_subscriber();
triggers_that_fire_always();
conflicts();
publisher_dies();

$subscriber->stop;
done_testing();

# A database with mega and the columns that users of the source have added.
sub subscribe {
    my ($database, $before) = @_;
    new_database($database);
    $subscriber->safe_psql($database, q{CREATE EXTENSION mega;
        ALTER TABLE mega_customers ADD studio_note text, ADD studio_score int;} . ($before // ''));
    $subscriber->safe_psql($database, "CREATE SUBSCRIPTION $database CONNECTION " . quoted($publisher->connstr('studio'))
          . " PUBLICATION books WITH (streaming = on, disable_on_error = on)");
    return;
}

# Every table is copied, and what was written until now has arrived.
sub caught_up {
    my ($database) = @_;
    $subscriber->poll_query_until($database, q{SELECT count(*) > 1 AND bool_and(r.srsubstate = 'r')
        FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE s.subname = current_database()})
      or die "the tables of $database are not copied";
    $publisher->wait_for_catchup($database);
    return;
}

# The rows of the publisher, seen from the subscriber's side.
sub same_as_published {
    my ($name, @tables) = @_;
    caught_up('studio');
    start_dumps($publisher);
    my $wanted = rows_of('studio', @tables);
    start_dumps($subscriber);
    same_text(rows_of('studio', @tables), $wanted, "$name: every row is as it was published");
    check_books('studio', $name);
    return;
}

sub first_copy_in_the_storm {
    my $stop = start_failover_storm($publisher, $seed, $logs);
    caught_up('studio');
    watch_storm($subscriber, $seconds, 'the subscriber');
    open my $file, '>', $stop or die "$stop: $!";
    close $file;
    end_failover_storm('the first storm');
    same_as_published('copy and stream', qw(mega_customers mega_generations));
    is($subscriber->safe_psql('studio', q{SELECT DISTINCT tgenabled FROM pg_trigger WHERE NOT tgisinternal}), 'O',
        'the triggers are enabled, for those who write here');
    return;
}

sub all_three_tables {
    $publisher->safe_psql('studio', 'ALTER PUBLICATION books ADD TABLE mega_admin');
    $subscriber->safe_psql('studio', 'ALTER SUBSCRIPTION studio REFRESH PUBLICATION');
    same_as_published('all three tables');
    return;
}

# Updates, a transaction so large that it is streamed, values that are stored out of line and do not change.
sub changes_of_every_kind {
    $publisher->safe_psql('studio', q{
        INSERT INTO mega_admin (mg_id, mg_actor_pass_id, mg_action) VALUES ('admin_audit:a-2', 'pass:shopify:7001', 'look');
        UPDATE mega_admin SET mg_value = '"light"' WHERE mg_id = 'app_config:theme';
        DELETE FROM mega_admin WHERE mg_id = 'admin_session:5f0c';
        SELECT mega_create_generation('pass:shopify:7001', 'large', 'still', vars =>
            (SELECT jsonb_object_agg(n, md5(n::text)) FROM generate_series(1, 3000) n));
        SELECT mega_update_generation('large', 'scanning');
        UPDATE mega_generations SET mg_title = 'seen' WHERE mg_id = 'generation:large';
        SELECT mega_hold_credit('pass:shopify:7001', 5, 'h-1');
        SELECT mega_complete_generation('large', 'https://assets.example.com/large.png', hold_id => 'h-1');
        BEGIN;
        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
            SELECT 'credit_transaction:many-' || n, 'pass:shopify:7002', 1, 'gift' FROM generate_series(1, 3000) n;
        SAVEPOINT s;
        SELECT mega_record_credit('pass:shopify:7002', 1000, 'gift');
        ROLLBACK TO s;
        SELECT mega_record_credit('pass:shopify:7002', -17, 'spend');
        COMMIT;
        UPDATE mega_customers SET mg_email = 'new@example.com', studio_score = 7 WHERE mg_pass_id = 'pass:shopify:7001'});
    same_as_published('changes of every kind');
    cmp_ok($publisher->safe_psql('studio', q{SELECT stream_txns FROM pg_stat_replication_slots WHERE slot_name = 'studio'}),
        '>', 0, 'a large transaction was streamed') if $publisher->poll_query_until('studio',
        q{SELECT stream_txns > 0 FROM pg_stat_replication_slots WHERE slot_name = 'studio'});
    return;
}

# What the primary key does by default, a full row does too; without an identity nothing is written at all.
sub replica_identities {
    my @tables = qw(mega_customers mega_generations);
    $publisher->safe_psql('studio', "ALTER TABLE $_ REPLICA IDENTITY FULL") for @tables;
    $publisher->safe_psql('studio', q{SELECT mega_record_credit('pass:shopify:7001', 3, 'gift', txn_id => 'full');
        SELECT mega_hold_credit('pass:shopify:7001', 2, 'h-2'); SELECT mega_release_credit('h-2')});
    same_as_published('full rows as identity');
    start_dumps($publisher);
    $publisher->safe_psql('studio', "ALTER TABLE $_ REPLICA IDENTITY NOTHING") for @tables;
    my $rows = rows_of('studio');
    is(refusal('studio', $_), '55000', 'without an identity nothing is written: ' . substr($_, 0, 30)) for
      q{SELECT mega_record_credit('pass:shopify:7001', 3, 'gift')}, q{SELECT mega_record_mma_event('pass:shopify:7001', 'like')},
      q{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
        VALUES ('credit_transaction:raw', 'pass:shopify:7001', 1, 'gift')};
    same_text(rows_of('studio'), $rows, 'without an identity every row is as before');
    $publisher->safe_psql('studio', "ALTER TABLE $_ REPLICA IDENTITY DEFAULT") for @tables;
    $publisher->safe_psql('studio', q{SELECT mega_record_credit('pass:shopify:7001', 3, 'gift')});
    same_as_published('the key as identity again');
    return;
}

# A session that is a replica itself is refused; a database that is read-only for its clients follows all the same.
sub sessions_on_the_subscriber {
    start_dumps($subscriber);
    my $rows = rows_of('studio');
    is(refusal('studio', "SET session_replication_role = replica; $_"), '55000', 'a replica session does not write: ' . substr($_, 0, 30)) for
      q{SELECT mega_record_credit('pass:shopify:7001', 3, 'gift')}, q{SELECT mega_ensure_customer('pass:shopify:7001')},
      q{SELECT mega_record_mma_event('pass:shopify:7001', 'like')}, q{SELECT mega_create_generation('pass:shopify:7001')},
      q{SELECT mega_release_expired_holds()}, q{SELECT mega_open_books()};
    same_text(rows_of('studio'), $rows, 'replica sessions have changed nothing');
    $subscriber->safe_psql('postgres', 'ALTER DATABASE studio SET default_transaction_read_only = on');
    is(refusal('studio', q{SELECT mega_record_credit('pass:shopify:7001', 3, 'gift')}), '25006', 'clients of a read-only subscriber do not write');
    $subscriber->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'logical replication worker'});
    $publisher->safe_psql('studio', q{SELECT mega_record_credit('pass:shopify:7002', 3, 'gift')});
    same_as_published('a read-only subscriber');
    $subscriber->safe_psql('postgres', 'ALTER DATABASE studio RESET default_transaction_read_only');
    return;
}

# Triggers set to fire for replicated rows would project them a second time.
sub triggers_that_fire_always {
    subscribe('always', 'ALTER TABLE mega_generations ENABLE ALWAYS TRIGGER mega_generations_project;');
    $subscriber->poll_query_until('always', q{SELECT NOT subenabled FROM pg_subscription WHERE subname = 'always'})
      or die 'the copy does not stop';
    is($subscriber->safe_psql('always', 'SELECT count(*) FROM mega_generations'), 0,
        'a projection that fires always stops the copy');
    $subscriber->safe_psql('always', 'ALTER TABLE mega_generations ENABLE TRIGGER mega_generations_project;
        ALTER SUBSCRIPTION always ENABLE');
    caught_up('always');
    start_dumps($subscriber);
    check_books('always', 'the trigger set right');
    $subscriber->safe_psql('always', 'DROP SUBSCRIPTION always');
    return;
}

# Both sides write the same movement: the stream stops, and nothing is there twice. Skipped, both sides agree.
sub conflicts {
    my $write = q{SELECT mg_credits FROM mega_record_credit('pass:shopify:7002', 30, 'order', ref_type => 'order',
        ref_id => 'o-1', txn_id => 'both')};
    my $here = $subscriber->safe_psql('studio', $write);
    my $log = -s $subscriber->logfile;
    my $there = $publisher->safe_psql('studio', $write);
    is($here, $there, 'both sides write the same movement');
    $subscriber->poll_query_until('studio', q{SELECT NOT subenabled FROM pg_subscription WHERE subname = 'studio'})
      or die 'the conflict does not stop the stream';
    my $said = substr(slurp_file($subscriber->logfile), $log);
    like($said, qr/duplicate key value violates unique constraint "mega_generations_pkey"|conflict detected on relation "public\.mega_generations"/,
        'the conflict is told');
    is($subscriber->safe_psql('studio', q{SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:7002'}),
        $here, 'the balance is not doubled');
    my ($finish) = $said =~ m{finished at ([0-9A-F]+/[0-9A-F]+)};
    $subscriber->safe_psql('studio', "ALTER SUBSCRIPTION studio SKIP (lsn = '$finish')");
    $subscriber->safe_psql('studio', 'ALTER SUBSCRIPTION studio ENABLE');
    $publisher->safe_psql('studio', q{SELECT mega_record_credit('pass:shopify:7002', 1, 'gift')});
    caught_up('studio');
    check_books('studio', 'a conflict that was skipped');
    my $books = 'SELECT mg_pass_id, mg_credits, mg_mma_preferences FROM mega_customers ORDER BY 1';
    is($subscriber->safe_psql('studio', $books), $publisher->safe_psql('studio', $books),
        'a conflict that was skipped: both sides have the same balances');
    return;
}

# The subscriber is synchronous now: what is acknowledged has arrived when the publisher dies.
sub publisher_dies {
    $publisher->append_conf('postgresql.conf', "synchronous_standby_names = 'studio'\n");
    $publisher->reload;
    $publisher->poll_query_until('studio', q{SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'})
      or die 'the subscriber does not become synchronous';
    start_failover_storm($publisher, $seed, $logs);
    watch_storm($subscriber, $seconds, 'the synchronous subscriber');
    $publisher->stop('immediate');
    end_failover_storm('the publisher dies');
    $subscriber->safe_psql('studio', $_) for 'ALTER SUBSCRIPTION studio DISABLE',
      'ALTER SUBSCRIPTION studio SET (slot_name = NONE)', 'DROP SUBSCRIPTION studio';
    check_survivor($subscriber, 'the subscriber on its own', cut_off => 1);
    start_dumps($subscriber);
    is(refusal('studio', 'DELETE FROM mega_generations'), 'MG005', 'the subscriber on its own: the ledger stays append-only');
    is($subscriber->safe_psql('studio', q{SELECT replayed FROM mega_record_credit('pass:shopify:7001', 200, 'order', 'shopify',
        'shopify_order', '5987214360921')}), 't', 'the subscriber on its own: an order from before is a replay (I4)');
    return;
}
