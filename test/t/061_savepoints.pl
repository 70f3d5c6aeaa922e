# Each function that writes: first behind a savepoint that is rolled back, which leaves the three tables as they were, then
# in earnest; one by one, all in one transaction, in blocks of plpgsql that catch an error, and prepared for two phases. A
# function that writes and is not named here fails the test.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('savepoints', 'max_prepared_transactions = 5');
my $directory = PostgreSQL::Test::Utils::tempdir();
my ($one, $two) = ('pass:shopify:1', 'pass:shopify:2');

# Calls in an order in which each works; %s is a name that is new for each round.
my @calls = (
    "mega_ensure_customer(shopify_customer_id => '%s', profile => '{\"first_name\": \"Leila\"}')",
    "mega_ensure_customer(pass_id => '$one', email => '%s\@example.com')",
    "mega_record_credit('$one', 40, 'grant', txn_id => '%s')",
    "mega_record_credit('$one', -2, 'order', ref_type => 'order', ref_id => '%s')",
    "mega_record_credits('[{\"pass_id\": \"$one\", \"delta\": 1, \"reason\": \"b\", \"txn_id\": \"%s-1\"}, {\"pass_id\": \"$two\", \"delta\": 9, \"reason\": \"b\", \"txn_id\": \"%s-2\"}]')",
    "mega_hold_credit('$one', 5, '%s-captured')",
    "mega_hold_credit('$one', 5, '%s-released')",
    "mega_hold_credit('$one', 3, '%s-expired', '1 microsecond')",
    "mega_hold_credit('$one', 3, '%s-done')",
    "mega_hold_credit('$one', 3, '%s-failed')",
    "mega_capture_credit('%s-captured', 2)",
    "mega_release_credit('%s-released')",
    'mega_release_expired_holds()',
    "mega_refund_credit('hold:%s-captured', '%s', 1)",
    "mega_revoke_credit('%s', '%s', amount => 1)",
    "mega_transfer_credit('$one', '$two', 2, '%s')",
    "mega_make_lot('$one', '%s', 1, '2099-01-01')",
    "mega_record_topup('$one', 1, ref_type => 'shopify', ref_id => '%s')",
    "mega_claim_topups(1000000, 10, '1 microsecond')",
    "mega_release_topup_claim((SELECT mg_meta #>> '{mega,claim,id}' FROM mega_customers WHERE mg_pass_id = '$one'))",
    "mega_record_credit('$two', 3, 'bonus', txn_id => '%s-short', expires_at => clock_timestamp() + interval '100 milliseconds')",
    "mega_expire_credits((SELECT clock_timestamp() FROM pg_sleep(0.11)))",
    "mega_start_session('$one', '%s')",
    "mega_create_generation('$one', '%s', 'still', session_id => '%s')",
    "mega_create_generation('$one', '%s-bad')",
    "mega_update_generation('%s', 'generating', '{\"a\": 1}')",
    "mega_append_mma_step('%s', 'scan', '{\"n\": 1}', at_step => 0)",
    "mega_append_mma_step('%s', 'prompt', '{\"n\": 2}')",
    "mega_record_mma_event('$one', 'like', '{\"tag\": \"light\"}', '%s', '%s')",
    "mega_record_mma_event('$one', 'preference_set', '{\"hard_block\": \"%s\"}', event_id => '%s-set', created_at => now() - interval '1 hour')",
    "mega_complete_generation('%s', 'https://assets.example.com/%s.png', hold_id => '%s-done')",
    "mega_fail_generation('%s-bad', 'broken', hold_id => '%s-failed')",
    "mega_append_mma_steps('%s', '[{\"step_type\": \"a\"}, {\"step_type\": \"b\"}]')",
    "mega_append_scan_line('%s', 'looking')",
    "mega_tweak_generation('%s', '%s-tweak', '{\"n\": 1}', '%s-tweak')",
    "mega_claim_generations('%s', mma_mode => 'still')",
    "mega_extend_claim('%s-tweak', '%s', '1 hour')",
    "mega_record_feedback('$one', '%s', '%s')",
    "mega_record_mma_events('[{\"pass_id\": \"$two\", \"event_type\": \"like\", \"event_id\": \"%s-a\"}, {\"pass_id\": \"$one\", \"event_type\": \"like\"}]')",
    "mega_delete_generation('%s')",
    'mega_open_books()',
    "mega_update_customer('$one', '{\"display_name\": \"%s\"}', 'savepoints')",
    "mega_verify_customer('$one', 'manual', '%s', actor => 'savepoints')",
    "mega_disable_customer('$one')",
    "mega_enable_customer('$one')",
    "mega_delete_customer('$one')",
    "mega_restore_customer('$one')",
    "mega_erase_customer((SELECT coalesce((SELECT mg_pass_id FROM mega_customers WHERE mg_pass_id = 'pass:test:%s-gone'), (SELECT mg_pass_id FROM mega_ensure_customer('pass:test:%s-gone')))))",
    "mega_merge_customers((SELECT 'pass:test:%s' FROM mega_ensure_customer('pass:test:%s')), '$one')",
    "mega_record_admin_audit('look', audit_id => '%s')",
    "mega_touch_admin_session('%s')",
    "mega_end_admin_session('%s')",
    "mega_link_profile(md5('%s')::uuid)",
    "mega_set_runtime_config('{\"%s\": 1}', actor => 'savepoints')",
    "mega_set_app_config('%s', '1', actor => 'savepoints')",
);
# Other writers, and why they are not called here.
my %elsewhere = (
    mega_install => 'makes tables: t 020_ddl, sql/adoption',
    mega_validate => 'adds constraints: sql/adoption',
    mega_grant => 'rights: sql/rights',
    mega_enable_rls => 'makes policies: sql/rls',
    mega_import => 'moves in: sql/import',
);

$node->safe_psql('postgres', 'CREATE EXTENSION mega');
$node->safe_psql('postgres', "SELECT * FROM mega_ensure_customer(pass_id => '$_')") for $one, $two;
$node->safe_psql('postgres', "SELECT * FROM mega_record_credit('$one', 100, 'opening'); UPDATE mega_customers SET mg_auto_topup_enabled = true WHERE mg_pass_id = '$one'");

my %called = map { /^(\w+)\(/ => 1 } @calls;
my @writers = split /\n/, $node->safe_psql('postgres', q{
    SELECT DISTINCT proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega'
    WHERE p.provolatile = 'v' AND p.prorettype <> 'trigger'::regtype ORDER BY 1});
is(join(' ', grep { !$called{$_} && !$elsewhere{$_} } @writers), '', 'every function that writes is called here (' . @writers . ')');

my $client = mega_client->connect($node, 'postgres', "$directory/errors");

# All that the three tables hold, in order; a customer's last activity and time of change included.
sub tables {
    my ($reader) = @_;
    return $reader->rows(q{SELECT (SELECT md5(string_agg(c::text, '|' ORDER BY mg_pass_id)) FROM mega_customers c) || ' '
        || (SELECT coalesce(md5(string_agg(g::text, '|' ORDER BY mg_id)), '') FROM mega_generations g) || ' '
        || (SELECT coalesce(md5(string_agg(a::text, '|' ORDER BY mg_id)), '') FROM mega_admin a)});
}

sub named { my ($call, $name) = @_; return 'SELECT * FROM ' . $call =~ s/%s/$name/gr }

# each() gets a call and its name, and says where the call is made.
sub round {
    my ($name, $each) = @_;
    my (@changed, @idle);
    for my $call (@calls) {
        my $before = tables($client);
        $each->(named($call, $name), $before, \@changed);
        push @idle, $call if tables($client) eq $before && $call !~ /open_books/;
    }
    is("@changed", '', "$name: what was rolled back left the three tables as they were");
    is("@idle", '', "$name: in earnest, every call wrote");
    books("$name: in the session");
    return;
}

sub books {
    my ($what) = @_;
    is($client->rows('SELECT mg_pass_id FROM mega_reconcile_credits()'), '', "$what: the books agree (I1)");
    is($client->rows('SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', "$what: the preferences are the fold (I2)");
    is($client->rows('SELECT mg_pass_id FROM mega_reconcile_lots()'), '', "$what: the lots are what rows make (I15)");
    return;
}

# Each call is a transaction of its own, tried in one that is rolled back before.
round('apart', sub {
    my ($call, $before, $changed) = @_;
    $client->rows($_) for 'BEGIN', 'SAVEPOINT s', $call, 'ROLLBACK TO s';
    push @$changed, $call if tables($client) ne $before;
    $client->rows($_) for 'COMMIT';
    push @$changed, "$call, committed" if tables($client) ne $before;
    $client->rows($_) for 'BEGIN', $call, 'ROLLBACK';
    push @$changed, "$call, as a transaction" if tables($client) ne $before;
    $client->rows($call);
});

# All in one transaction: what was rolled back and what was not lie side by side.
$client->rows('BEGIN');
round('together', sub {
    my ($call, $before, $changed) = @_;
    $client->rows($_) for 'SAVEPOINT s', $call, 'SAVEPOINT t', $call, 'ROLLBACK TO s';
    push @$changed, $call if tables($client) ne $before;
    $client->run('SELECT 1 / 0');
    $client->rows($_) for 'ROLLBACK TO s', 'SAVEPOINT u', $call, 'RELEASE u';
});
$client->rows('COMMIT');
books('together: committed');

# In plpgsql, where an error ends a block; the block before it is lost, the one behind it stays.
round('caught', sub {
    my ($call, $before, $changed) = @_;
    my $perform = $call =~ s/^SELECT \* FROM /PERFORM * FROM /r;
    $client->rows("DO \$\$ BEGIN BEGIN $perform; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; END \$\$");
    push @$changed, $call if tables($client) ne $before;
    $client->rows("DO \$\$ BEGIN BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END; $perform; END \$\$");
});

# In two phases: each call is prepared and rolled back by another session, then prepared and committed.
my $other = mega_client->connect($node, 'postgres', "$directory/errors");
round('phased', sub {
    my ($call, $before, $changed) = @_;
    $client->rows($_) for 'BEGIN', $call, "PREPARE TRANSACTION 'p'";
    $other->rows("ROLLBACK PREPARED 'p'");
    push @$changed, $call if tables($client) ne $before;
    $client->rows($_) for 'BEGIN', $call, "PREPARE TRANSACTION 'p'";
    $other->rows("COMMIT PREPARED 'p'");
});

is(books_disagree($node, 'postgres'), '', 'the books agree (I1)');
$_->close for $client, $other;
$node->stop;
done_testing();
