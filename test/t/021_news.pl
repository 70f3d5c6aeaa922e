# Every writer beside a client that changes the catalogs as fast as it can: functions defined anew, roles altered, rights
# on schemas given and taken, tables analysed. Each of these makes every session look at the tables anew, in the middle
# of whatever it does. Nothing is read that is not there any more (on a server with the address sanitizer that would end
# the session), and the books stay together.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seconds = $ENV{MEGA_NEWS_SECONDS} // 5;
my $writers = 3;
my $customers = 4;
my $node = start_node('news', 'deadlock_timeout = 100ms', 'synchronous_commit = off');
my $files = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', qq{
    CREATE EXTENSION mega;
    SELECT mega_ensure_customer(pass_id => 'pass:test:' || n) FROM generate_series(1, $customers) n;
    SELECT mega_create_generation('pass:test:' || n, 'g' || n) FROM generate_series(1, $customers) n;
    SELECT mega_record_credit('pass:test:' || n, 1000000, 'grant') FROM generate_series(1, $customers) n;
    CREATE SCHEMA studio;
    CREATE ROLE studio_app;
    CREATE PROCEDURE studio.news(rounds integer) LANGUAGE plpgsql AS \$\$
    BEGIN
        FOR n IN 1..rounds LOOP
            EXECUTE 'CREATE OR REPLACE FUNCTION studio.nothing() RETURNS integer LANGUAGE sql AS ''SELECT ' || n || '''';
            COMMIT;
            CASE n % 8
            WHEN 0 THEN EXECUTE 'ALTER ROLE studio_app CONNECTION LIMIT ' || n;
            WHEN 1 THEN GRANT USAGE ON SCHEMA studio TO studio_app;
            WHEN 2 THEN ANALYZE mega_customers, mega_generations;
            WHEN 3 THEN REVOKE USAGE ON SCHEMA studio FROM studio_app;
            WHEN 4 THEN EXECUTE 'CREATE SCHEMA studio_of_' || n;
            WHEN 5 THEN EXECUTE 'DROP SCHEMA studio_of_' || n - 1;
            WHEN 6 THEN GRANT SELECT ON mega_customers, mega_generations TO studio_app;
            ELSE COMMENT ON TABLE mega_generations IS 'the ledger';
            END CASE;
            COMMIT;
        END LOOP;
    END \$\$;
});

my $seed = seed_of_storm();
my $end = time + $seconds;
my @processes = storm($seed, (map { my $number = $_; sub { write_until_end($number) } } 1 .. $writers), \&tell_news);
is(wait_for_storm(@processes), 0, 'every writer and the teller of news came to their end');
my ($calls, $refused) = (0, 0);
for my $file (glob "$files/counted.*") {
    my @counted = split ' ', slurp_file($file);
    $calls += $counted[0];
    $refused += $counted[1];
}
note("$calls statements, $refused of them lost against the news");
cmp_ok($calls, '>', 0, 'statements were answered');
is(books_disagree($node, 'postgres'), '', 'the books agree (I1)');
is($node->safe_psql('postgres', 'SELECT * FROM mega_reconcile_preferences()'), '', 'the snapshots are the folds (I2)');
my $log = slurp_file($node->logfile);
unlike($log, qr/terminated by signal|AddressSanitizer|TRAP:|runtime error:/, 'no session ended by itself');
$node->stop;
done_testing();

sub tell_news {
    my $client = mega_client->connect($node, 'postgres', "$files/errors");
    while (time < $end) {
        my ($state) = $client->run('CALL studio.news(80)');
        die "the connection was lost\n" if !defined $state;
        die "$state\n" if $state !~ /^(00000|40001|40P01|XX000)$/; # XX000: two news of one row at a time
    }
    $client->close;
    return;
}

sub statements {
    my ($number, $turn) = @_;
    my $customer = sub { 'pass:test:' . (1 + int rand $customers) };
    my ($one, $two, $key, $g) = ($customer->(), $customer->(), "$number-$turn", 'g' . (1 + int rand $customers));
    my @statements = (
        "SELECT mega_record_credit('$one', 5, 'order', ref_type => 'order', ref_id => '$key')",
        "SELECT mega_record_credit('$one', -1, 'spend', txn_id => 'spend-$key')",
        qq{SELECT mega_record_credits('[{"pass_id": "$one", "delta": 2, "reason": "a"}, {"pass_id": "$two", "delta": 3, "reason": "b"}]')},
        "SELECT mega_hold_credit('$one', 3, 'h-$key'), mega_capture_credit('h-$key', 2)",
        "SELECT mega_hold_credit('$one', 3, 'r-$key', expires_in => interval '1 millisecond'); SELECT mega_release_expired_holds()",
        "SELECT mega_record_credit('$one', -4, 'spend', txn_id => 'back-$key'), mega_refund_credit('back-$key', 'refund-$key')",
        "SELECT mega_transfer_credit('$one', '" . ($one eq 'pass:test:1' ? 'pass:test:2' : 'pass:test:1') . "', 1, 't-$key')",
        "SELECT mega_record_topup('$one', 1, ref_type => 'topup', ref_id => '$key')",
        "SELECT mega_expire_credits()",
        qq{SELECT mega_record_mma_event('$one', 'like', '{"tag": "t$turn"}', event_id => 'e-$key')},
        qq{SELECT mega_append_mma_step('$g', 'scan', '{"key": "$key"}')},
        qq{SELECT mega_update_generation('$g', vars => '{"turn": $turn}')},
        qq{SELECT mega_update_generation('$g', vars => '{"turn": $turn}', fields => '{"mg_title": "$key"}')},
        "SELECT mega_create_generation('$one', 'n-$key'), mega_complete_generation('n-$key', 'https://cdn.example.com/$key.png')",
        "SELECT mega_create_generation('$one', 'f-$key'), mega_fail_generation('f-$key', 'no')",
        "SELECT mega_start_session('$one')",
        "SELECT mega_ensure_customer(pass_id => 'pass:test:new-$key', email => 'a\@example.com')",
        "SELECT mega_ensure_customer(pass_id => '$one', shopify_customer_id => '" . substr($one, -1) . "')",
        "UPDATE mega_customers SET mg_first_name = 'n$turn' WHERE mg_pass_id = '$one'",
        qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) SELECT 'credit_transaction:raw-$key-' || n, 'pass:test:' || n, 1 FROM generate_series(1, $customers) n},
        qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta)
            VALUES ('mma_event:raw-$key', '$one', '{"event_type": "like", "payload": {"tag": "raw"}}')},
        "UPDATE mega_generations SET mg_title = 'n$turn' WHERE mg_id = 'generation:$g'",
        "SELECT count(*) FROM mega_credit_statement('$one'), mega_balance('$one'), mega_balance_at('$one', now())",
        "SELECT count(*) FROM mega_generation_history('$one'), mega_mma_events('$one'), mega_likes('$one')",
        "SELECT count(*) FROM mega_topup_due(); SELECT count(*) FROM mega_customer('$one')",
    );
    return $statements[ int rand @statements ];
}

sub write_until_end {
    my ($number) = @_;
    my $client = mega_client->connect($node, 'postgres', "$files/errors");
    my ($answered, $lost) = (0, 0);
    for (my $turn = 0; time < $end; $turn++) {
        my $statement = statements($number, $turn);
        my ($state) = $client->run($statement);
        die "the connection was lost in: $statement\n" if !defined $state;
        $answered++;
        $lost++ if $state ne '00000';
        die "$state in: $statement\n" if $state !~ /^(00000|40001|40P01)$/;
    }
    $client->close;
    open my $counted, '>', "$files/counted.$number" or die "counted: $!";
    print $counted "$answered $lost\n";
    close $counted;
    return;
}
