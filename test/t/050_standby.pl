# A physical standby. While writers are at work it shows, at every moment, books that agree; every reading function works
# there and every writing one is refused with 25006. Then the primary dies in mid-storm and the standby is promoted: every
# write that was acknowledged is there exactly once, the books agree (I1, I2, I14), and the node goes on.
# MEGA_STANDBY_SECONDS says how long the storm lasts, MEGA_STANDBY_ROUNDS how often the primary dies.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_failover;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{MEGA_STANDBY_SECONDS} // 1;
my $rounds = $ENV{MEGA_STANDBY_ROUNDS} // 1;
my $seed = seed_of_storm();
my $logs = PostgreSQL::Test::Utils::tempdir();

my $primary = start_replicating_node('primary', 'physical');
start_dumps($primary);
make_source('studio');
$primary->safe_psql('studio', q{ALTER DATABASE studio SET mega.pass_id = 'pass:shopify:7001'}); # whom the sessions speak for
$primary->safe_psql('studio', q{CREATE SCHEMA old_shop; CREATE TABLE old_shop.customers (shopify_customer_id text, credits int, created_at timestamptz);
    INSERT INTO old_shop.customers VALUES ('7001', 5, '2025-01-01Z'), ('7999', 5, '2025-01-01Z')});

for my $round (1 .. $rounds) {
    my $standby = attach_standby("standby$round");
    if ($round == 1) {
        reading_functions_work($standby);
        writing_functions_are_refused($standby);
    }
    $primary = fail_over($round, $standby);
}
$primary->stop;
done_testing();

# A synchronous standby of the primary: what is acknowledged has reached it.
sub attach_standby {
    my ($name) = @_;
    $primary->backup($name);
    my $standby = PostgreSQL::Test::Cluster->new($name);
    $standby->init_from_backup($primary, $name, has_streaming => 1);
    $standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nsynchronous_standby_names = ''\n");
    $standby->start;
    $primary->append_conf('postgresql.conf', "synchronous_standby_names = '*'\nsynchronous_commit = remote_apply\n");
    $primary->reload;
    $primary->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'})
      or die 'the standby does not become synchronous';
    return $standby;
}

# The members of the extension, each with a call of nothing but NULLs.
sub calls_of {
    my ($node, $condition) = @_;
    return map { [ split /\|/, $_, 2 ] } split /\n/, $node->safe_psql('studio', qq{
        SELECT p.proname, format(CASE p.prokind WHEN 'p' THEN 'CALL %s(%s)' ELSE 'SELECT * FROM %s(%s)' END, p.proname,
            (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n)
             FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n)))
        FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega'
        WHERE p.prorettype <> 'trigger'::regtype AND $condition ORDER BY p.oid});
}

# The calls that read: answers have to be those of the primary. A function that is new needs its call here.
sub reading_functions_work {
    my ($standby) = @_;
    my %arguments = (
        mega_admin_session => q{'5f0c'}, mega_app_config => q{'theme'}, mega_app_config_versions => q{'theme'},
        mega_profile => q{'7c000000-0000-4000-8000-000000000004'}, mega_runtime_config => '', mega_write_path => '',
        mega_balance => q{'pass:shopify:7001'}, mega_credit_lots => q{'pass:shopify:7002'}, mega_reconcile_lots => '', mega_balance_at => q{'pass:shopify:7001', 'now'},
        mega_credit_statement => q{'pass:shopify:7001'}, mega_current_pass_id => '', mega_customer => q{'pass:shopify:7001'},
        mega_generation => q{'gen_1'}, mega_generation_history => q{'pass:shopify:7001'}, mega_generation_steps => q{'gen_1'},
        mega_has_expiring_url => q{'{"url": "https://a.example.com/x.png?X-Amz-Signature=5f0c2b"}'},
        mega_is_pass_id => q{'pass:shopify:7001'}, mega_is_permanent_url => q{'https://assets.example.com/gen_1.png'},
        mega_is_record_id => q{'session', 'session:s-1'}, mega_is_restoring => '', mega_likes => q{'pass:shopify:7001'},
        mega_mma_events => q{'pass:shopify:7001'}, mega_find_customers => q{'pass:shopify:7001'}, mega_parity_counts => q{'old_shop'}, mega_parity_report => q{'old_shop'}, mega_parity_sample => q{'old_shop', 10, 1}, mega_pass_id => q{'7001'}, mega_reconcile_credits => '',
        mega_reconcile_preferences => '', mega_usage => q{'pass:shopify:7001', '2020-01-01', '2100-01-01', 'reason'}, mega_topup_due => '50', mega_version => '');
    $primary->wait_for_catchup($standby);
    for my $call (calls_of($standby, q{p.provolatile <> 'v'})) {
        my ($function, $with_nulls) = @$call;
        my $statement = defined $arguments{$function} ? "SELECT * FROM $function($arguments{$function})" : $with_nulls;
        my ($status, $output, $error) = $standby->psql('studio', $statement);
        is($error, '', "the standby answers $function");
        is($output, $primary->safe_psql('studio', $statement), "as the primary does: $function");
        next if $function =~ /reconcile/;
        isnt($output, '', "and says something: $function");
    }
    # The dry runs of writers only look.
    is($standby->safe_psql('studio', "SELECT * FROM $_(dry_run => true)"), '', "the standby answers $_ when it is a dry run")
      for qw(mega_install mega_open_books);
    return;
}

# Refused for what they are; with nothing but NULLs at the latest for their arguments.
sub writing_functions_are_refused {
    my ($standby) = @_;
    my $customer = q{'pass:shopify:7001'};
    my %arguments = (
        mega_end_admin_session => q{'5f0c'}, mega_link_profile => q{'7c000000-0000-4000-8000-000000000005'},
        mega_record_admin_audit => q{'look'}, mega_set_app_config => q{'theme', '"light"'}, mega_set_runtime_config => q{'{"a": 1}'},
        mega_touch_admin_session => q{'5f0c'}, mega_update_customer => qq{$customer, '{}'}, mega_verify_customer => "$customer, 'email'", mega_erase_customer => $customer, mega_merge_customers => "$customer, 'pass:shopify:7002'",
        map({ ("mega_${_}_customer" => $customer) } qw(disable enable delete restore)),
        mega_append_mma_step => q{'gen_2', 'gpt_reader'}, mega_append_mma_steps => q{'gen_2', '[{"step_type": "gpt_reader"}]'},
        mega_append_scan_line => q{'gen_2', 'looking'}, mega_claim_generations => q{'w'}, mega_delete_generation => q{'gen_2'},
        mega_extend_claim => q{'gen_2', 'w', '1 hour'}, mega_record_feedback => $customer,
        mega_record_mma_events => q{'[{"pass_id": "pass:shopify:7001", "event_type": "like"}]'}, mega_tweak_generation => q{'gen_1'}, mega_capture_credit => q{'h-1'},
        mega_complete_generation => q{'gen_2', 'https://assets.example.com/gen_2.png'},
        mega_create_generation => $customer, mega_ensure_customer => $customer, mega_expire_credits => '',
        mega_fail_generation => q{'gen_2', 'timeout'}, mega_enable_rls => q{'shop_app'}, mega_grant => q{'shop_app', 'app'},
        mega_hold_credit => "$customer, 1, 'h-2'", mega_install => '', mega_open_books => '',
        mega_record_credit => "$customer, 1, 'gift'",
        mega_record_credits => q{'[{"pass_id": "pass:shopify:7001", "delta": 1, "reason": "gift"}]'},
        mega_record_mma_event => "$customer, 'like'", mega_record_topup => "$customer, 1",
        mega_refund_credit => q{'spend-1', 'r-1'}, mega_release_credit => q{'h-1'}, mega_release_expired_holds => '',
        mega_revoke_credit => q{'v-1', 'gift-1'}, mega_make_lot => q{'pass:shopify:7001', 'l-1', 1, '2099-01-01'}, mega_claim_topups => '', mega_release_topup_claim => q{'c-1'},
        mega_start_session => $customer, mega_transfer_credit => "$customer, 'pass:shopify:7002', 1, 't-1'",
        mega_update_generation => q{'gen_2', 'postscan'}, mega_validate => '');
    start_dumps($standby);
    for my $call (calls_of($standby, q{p.provolatile = 'v'})) {
        my ($function, $with_nulls) = @$call;
        like(refusal('studio', $with_nulls), qr/^(25006|22023)$/, "the standby refuses $function without arguments");
        is(refusal('studio', "SELECT * FROM $function($arguments{$function})"), '25006', "the standby refuses $function")
          if defined $arguments{$function};
    }
    is(refusal('studio', "INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
        VALUES ('credit_transaction:raw', $customer, 1, 'gift')"), '25006', 'the standby refuses raw rows');
    return;
}

sub fail_over {
    my ($round, $standby) = @_;
    start_failover_storm($primary, $seed, $logs);
    watch_storm($standby, $seconds, "round $round, the standby");
    $primary->stop('immediate');
    end_failover_storm("round $round");
    $standby->promote;
    check_survivor($standby, "round $round, promoted", cut_off => 1);
    return $standby;
}
