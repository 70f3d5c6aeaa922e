# Every writer beside a client that changes the catalogs as fast as it can: functions defined anew, roles altered, rights
# on schemas given and taken, tables analysed, commented on, given statistics, indexes, rules and triggers. Each of these
# makes every session look at the tables anew, in the middle of whatever it does. Nothing is read that is not there any
# more (on a server with the address sanitizer that would end the session), and the books stay together.
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
    CREATE FUNCTION studio.pass() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RETURN NEW; END \$\$;
    CREATE PROCEDURE studio.news(rounds integer) LANGUAGE plpgsql AS \$\$
    DECLARE
        ours text[] := '{mega_customers,mega_generations}';
        news text[] := ARRAY[
            'ALTER ROLE studio_app CONNECTION LIMIT %1\$s',
            'GRANT USAGE ON SCHEMA studio TO studio_app',
            'REVOKE USAGE ON SCHEMA studio FROM studio_app',
            'CREATE SCHEMA studio_of_%1\$s',
            'DROP SCHEMA IF EXISTS studio_of_%2\$s',
            'GRANT SELECT ON mega_customers, mega_generations TO studio_app',
            'ANALYZE mega_customers, mega_generations',
            'COMMENT ON TABLE %3\$s IS ''%1\$s''',
            'ALTER TABLE %3\$s ALTER mg_pass_id SET STATISTICS %1\$s',
            'CREATE STATISTICS studio.together (ndistinct) ON mg_pass_id, mg_updated_at FROM %3\$s',
            'DROP STATISTICS studio.together',
            'CREATE INDEX studio_index ON %3\$s (mg_updated_at)',
            'CREATE INDEX studio_documents ON %3\$s USING gin (mg_meta)',
            'DROP INDEX IF EXISTS studio_index, studio_documents',
            'ALTER TABLE %3\$s ADD CONSTRAINT studio_rule CHECK (mg_updated_at > ''2000-01-01'')',
            'ALTER TABLE %3\$s DROP CONSTRAINT IF EXISTS studio_rule',
            'CREATE TRIGGER studio_trigger BEFORE INSERT OR UPDATE ON %3\$s FOR EACH ROW EXECUTE FUNCTION studio.pass()',
            'DROP TRIGGER IF EXISTS studio_trigger ON %3\$s',
            'SELECT mega_grant(''studio_app'', ''app'')',
            'SELECT mega_install()'];
    BEGIN
        FOR n IN 1..rounds LOOP
            EXECUTE 'CREATE OR REPLACE FUNCTION studio.nothing() RETURNS integer LANGUAGE sql AS ''SELECT ' || n || '''';
            COMMIT;
            BEGIN
                EXECUTE format(news[1 + floor(random() * array_length(news, 1))], n, n - 1,
                    ours[1 + floor(random() * 2)]);
            EXCEPTION WHEN duplicate_object OR duplicate_table OR duplicate_schema OR undefined_object THEN NULL;
            END;
            COMMIT;
        END LOOP;
    END \$\$;
});

is(forgotten_writers(), '', 'every function that writes is among the statements');
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
    $client->rows('SELECT setseed(' . rand() . ')');
    while (time < $end) {
        my ($state) = $client->run('CALL studio.news(80)');
        die "the connection was lost\n" if !defined $state;
        die "$state\n" if $state !~ /^(00000|40001|40P01|XX000)$/; # XX000: two news of one row at a time
    }
    $client->close;
    return;
}

# One of each kind, for some customer, another, and a generation; $key is new for each turn.
sub statements {
    my ($one, $two, $g, $key, $turn) = @_;
    my $other = $one eq 'pass:test:1' ? 'pass:test:2' : 'pass:test:1';
    return (
        "SELECT mega_record_credit('$one', 5, 'order', ref_type => 'order', ref_id => '$key')",
        "SELECT mega_record_credit('$one', -1, 'spend', txn_id => 'spend-$key')",
        "SELECT mega_ensure_customer(pass_id => 'pass:test:short-$key'); SELECT mega_record_credit('pass:test:short-$key', 2, 'bonus', expires_at => clock_timestamp() + interval '50 milliseconds'); SELECT mega_expire_credits()",
        qq{SELECT mega_record_credits('[{"pass_id": "$one", "delta": 2, "reason": "a"}, {"pass_id": "$two", "delta": 3, "reason": "b"}]')},
        "SELECT mega_hold_credit('$one', 3, 'h-$key'), mega_capture_credit('h-$key', 2)",
        "SELECT mega_hold_credit('$one', 3, 'l-$key'), mega_release_credit('l-$key')",
        "SELECT mega_hold_credit('$one', 3, 'r-$key', expires_in => interval '1 millisecond'); SELECT mega_release_expired_holds()",
        "SELECT mega_record_credit('$one', -4, 'spend', txn_id => 'back-$key'), mega_refund_credit('back-$key', 'refund-$key')",
        "SELECT mega_transfer_credit('$one', '$other', 1, 't-$key')",
        "SELECT mega_make_lot('$one', 'lot-$key', 1, clock_timestamp() + interval '1 hour')",
        "SELECT mega_record_topup('$one', 1, ref_type => 'topup', ref_id => '$key')",
        "UPDATE mega_customers SET mg_auto_topup_enabled = true WHERE mg_pass_id = '$one'; SELECT mega_release_topup_claim(topup_id) FROM mega_claim_topups(1000000000, 2)",
        qq{SELECT mega_record_mma_event('$one', 'like', '{"tag": "t$turn"}', event_id => 'e-$key')},
        qq{SELECT mega_record_mma_event('$one', 'preference_set', '{"hard_block": "b$turn"}', event_id => 'p-$key', created_at => now() - interval '1 hour')},
        qq{SELECT mega_append_mma_step('$g', 'scan', '{"key": "$key"}')},
        qq{SELECT mega_append_mma_steps('$g', '[{"step_type": "a"}, {"step_type": "b"}]'), mega_append_scan_line('$g', '$key')},
        qq{SELECT mega_tweak_generation('$g', 't-$key', '{"turn": $turn}'), mega_delete_generation('t-$key')},
        "SELECT mega_create_generation('$one', 'c-$key', 'still'), mega_claim_generations('$key', mma_mode => 'still'), mega_extend_claim('c-$key', '$key', '1 hour')",
        "SELECT mega_record_feedback('$one', 'f-$key')",
        qq{SELECT mega_record_mma_events('[{"pass_id": "$two", "event_type": "like", "event_id": "m-$key"}, {"pass_id": "$one", "event_type": "like"}]')},
        "SELECT mega_record_credit('$one', 4, 'grant', txn_id => 'given-$key'), mega_revoke_credit('v-$key', 'given-$key', amount => 1)",
        qq{SELECT mega_update_generation('$g', vars => '{"turn": $turn}', fields => '{"mg_title": "$key"}')},
        qq{SELECT mega_update_generation('$g', mma_status => 'generating', vars => '{"turn": $turn}')},
        "SELECT mega_create_generation('$one', 'n-$key'), mega_complete_generation('n-$key', 'https://cdn.example.com/$key.png')",
        "SELECT mega_create_generation('$one', 'f-$key'), mega_fail_generation('f-$key', 'no')",
        "SELECT mega_start_session('$one')",
        "SELECT mega_ensure_customer(pass_id => 'pass:test:new-$key', email => 'a\@example.com')",
        "SELECT mega_ensure_customer(pass_id => '$one', shopify_customer_id => '" . substr($one, -1) . "')",
        # in one statement each: news may take the customer away with the first of several
        "SELECT mega_update_customer(c.mg_pass_id, '{\"email\": \"l\@example.com\"}', 'news'), mega_verify_customer(c.mg_pass_id, 'manual', actor => 'news'), mega_disable_customer(c.mg_pass_id), mega_enable_customer(c.mg_pass_id), mega_delete_customer(c.mg_pass_id), mega_restore_customer(c.mg_pass_id) FROM mega_ensure_customer(pass_id => 'pass:test:life-$key') c",
        "SELECT mega_record_credit(c.mg_pass_id, 2, 'welcome'), mega_start_session(c.mg_pass_id), mega_merge_customers(c.mg_pass_id, '$one') FROM mega_ensure_customer(pass_id => 'pass:test:from-$key') c",
        "SELECT mega_record_credit(c.mg_pass_id, 2, 'welcome'), mega_create_generation(c.mg_pass_id, prompt => 'gone'), mega_erase_customer(c.mg_pass_id) FROM mega_ensure_customer(pass_id => 'pass:test:gone-$key') c",
        'SELECT mega_open_books()',
        "SELECT mega_record_admin_audit('look', audit_id => '$key')",
        "SELECT mega_touch_admin_session('$key'), mega_end_admin_session('$key')",
        "SELECT mega_link_profile(md5('$key')::uuid, pass_id => '$one')",
        qq{SELECT mega_set_runtime_config('{"turn": $turn}')},
        "SELECT mega_set_app_config('k$turn', '$turn')",
        "UPDATE mega_customers SET mg_first_name = 'n$turn' WHERE mg_pass_id = '$one'",
        "UPDATE mega_generations SET mg_title = 'n$turn' WHERE mg_id = 'generation:$g'",
        qq{INSERT INTO mega_customers (mg_pass_id, mg_email) VALUES ('pass:test:raw-$key', 'b\@example.com'), ('$one', 'c\@example.com') ON CONFLICT (mg_pass_id) DO UPDATE SET mg_email = EXCLUDED.mg_email},
        "COPY mega_customers (mg_pass_id) FROM PROGRAM 'echo pass:test:copy-$key'",
        qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) SELECT 'credit_transaction:raw-$key-' || n, 'pass:test:' || n, 1 FROM generate_series(1, $customers) n},
        "COPY mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) FROM PROGRAM 'echo credit_transaction:copy-$key,$one,1,copy' (FORMAT csv)",
        qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta)
            VALUES ('mma_event:raw-$key', '$one', '{"event_type": "like", "payload": {"tag": "raw"}}')
            ON CONFLICT (mg_id) DO UPDATE SET mg_title = 'again'},
        qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id) VALUES ('generation:raw-$key', '$one', 'raw-$key')},
        "SELECT count(*) FROM mega_credit_statement('$one'), mega_balance('$one'), mega_balance_at('$one', now())",
        "SELECT count(*) FROM mega_generation_history('$one'), mega_mma_events('$one'), mega_likes('$one')",
        "SELECT count(*) FROM mega_topup_due(); SELECT count(*) FROM mega_customer('$one')",
    );
}

# No function that writes is forgotten; these are called by the teller of news, and mega_validate and mega_import elsewhere.
sub forgotten_writers {
    my $called = join ' ', statements('', '', '', '', 0), 'mega_install( mega_grant( mega_enable_rls( mega_validate( mega_import(';
    return join ' ', grep { $called !~ /\b\Q$_\E\(/ } split /\n/, $node->safe_psql('postgres', q{
        SELECT DISTINCT proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega'
        WHERE p.provolatile = 'v' AND p.prorettype <> 'trigger'::regtype ORDER BY 1});
}

sub write_until_end {
    my ($number) = @_;
    my $client = mega_client->connect($node, 'postgres', "$files/errors");
    my ($answered, $lost) = (0, 0);
    for (my $turn = 0; !$turn || time < $end; $turn++) { # once, however slow the machine is
        my ($one, $two) = map { 'pass:test:' . (1 + int rand $customers) } 1 .. 2;
        my @statements = statements($one, $two, 'g' . (1 + int rand $customers), "$number-$turn", $turn);
        my $statement = $statements[ int rand @statements ];
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
