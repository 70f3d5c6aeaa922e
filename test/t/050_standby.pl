# A physical standby. While writers are at work it shows, at every moment, books that agree; every reading function works
# there and every writing one is refused with 25006. Then the primary dies in mid-storm and the standby is promoted: every
# write that was acknowledged is there exactly once, the books agree (I1, I2, I14), and the node goes on.
# MEGA_STANDBY_SECONDS says how long the storm lasts, MEGA_STANDBY_ROUNDS how often the primary dies.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{MEGA_STANDBY_SECONDS} // 1;
my $rounds = $ENV{MEGA_STANDBY_ROUNDS} // 1;
my $seed = seed_of_storm();
my $logs = PostgreSQL::Test::Utils::tempdir();
my @customers = map { "pass:shopify:$_" } 7001, 7002, 7005, 7006;

my $primary = start_replicating_node('primary', 'physical');
start_dumps($primary);
make_source('studio');

my (%rows, %told);
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
        mega_balance => q{'pass:shopify:7001'}, mega_balance_at => q{'pass:shopify:7001', 'now'},
        mega_credit_statement => q{'pass:shopify:7001'}, mega_customer => q{'pass:shopify:7001'},
        mega_generation_history => q{'pass:shopify:7001'}, mega_generation_steps => q{'gen_1'},
        mega_has_expiring_url => q{'{"url": "https://a.example.com/x.png?X-Amz-Signature=5f0c2b"}'},
        mega_is_pass_id => q{'pass:shopify:7001'}, mega_is_permanent_url => q{'https://assets.example.com/gen_1.png'},
        mega_is_record_id => q{'session', 'session:s-1'}, mega_is_restoring => '', mega_likes => q{'pass:shopify:7001'},
        mega_mma_events => q{'pass:shopify:7001'}, mega_pass_id => q{'7001'}, mega_reconcile_credits => '',
        mega_reconcile_preferences => '', mega_topup_due => '50', mega_version => '');
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
        mega_append_mma_step => q{'gen_2', 'gpt_reader'}, mega_capture_credit => q{'h-1'},
        mega_complete_generation => q{'gen_2', 'https://assets.example.com/gen_2.png'},
        mega_create_generation => $customer, mega_ensure_customer => $customer, mega_expire_credits => '',
        mega_fail_generation => q{'gen_2', 'timeout'}, mega_grant => q{'shop_app', 'app'},
        mega_hold_credit => "$customer, 1, 'h-2'", mega_install => '', mega_open_books => '',
        mega_record_credit => "$customer, 1, 'gift'",
        mega_record_credits => q{'[{"pass_id": "pass:shopify:7001", "delta": 1, "reason": "gift"}]'},
        mega_record_mma_event => "$customer, 'like'", mega_record_topup => "$customer, 1",
        mega_refund_credit => q{'spend-1', 'r-1'}, mega_release_credit => q{'h-1'}, mega_release_expired_holds => '',
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

sub one_of { return $_[ int rand @_ ] }

# What a writer sends under a name, and the ledger rows it leaves, each with the name as reference.
sub write_of {
    my ($name) = @_;
    my $pass_id = one_of(@customers);
    my $kind = int rand 4;
    return (1, credit_of($name)) if $kind <= 1;
    return (1, qq{SELECT * FROM mega_record_mma_event('$pass_id', '} . one_of(qw(like dislike download)) . qq{',
        '{"tags": ["style.minimal", "light.soft"]}', event_id => '$name')}) if $kind == 2;
    return (4, qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
        SELECT 'credit_transaction:$name:' || n, (ARRAY['} . join("', '", @customers) . qq{'])[n], n - 2, 'raw'
        FROM generate_series(1, 4) n});
}

# A movement that depends on its name only, so that it can be repeated.
sub credit_of {
    my ($name) = @_;
    my ($number) = $name =~ /(\d+)$/;
    my $pass_id = $customers[ $number % @customers ];
    return qq{SELECT replayed FROM mega_record_credit('$pass_id', } . (1 + $number % 9) . qq{, 'grant', txn_id => '$name')};
}

# Writes until the server goes away, and keeps a log of what it tried and what it was told.
sub write_until_cut_off {
    my ($prefix, $log) = @_;
    my $client = mega_client->connect($primary, 'studio', "$log.errors");
    open my $journal, '>', $log or die "$log: $!";
    $journal->autoflush(1);
    for (my $number = 0;; $number++) {
        my ($count, $statement) = write_of("$prefix$number");
        print $journal "try $prefix$number $count\n";
        my ($state) = $client->run($statement);
        return if !defined $state;
        die "$state: $statement\n" if $state ne '00000';
        print $journal "ack $prefix$number\n";
    }
}

sub fail_over {
    my ($round, $standby) = @_;
    my @journals = map { "$logs/round$round-$_" } 1 .. 4;
    my @writers = storm($seed + 100 * $round,
        map { my $writer = $_; sub { write_until_cut_off("r$round-w$writer-", $journals[ $writer - 1 ]) } } 1 .. 4);
    start_dumps($standby);
    my ($looks, $until) = (0, time + $seconds);
    my $disagreeing = '';
    while (time < $until || acknowledged(@journals) < 50) {
        $disagreeing ||= books_disagree($standby, 'studio')
          . $standby->safe_psql('studio', 'SELECT mg_pass_id FROM mega_reconcile_preferences()');
        $looks++;
        sleep(0.05);
    }
    is($disagreeing, '', "round $round: the standby's books agreed whenever they were looked at (I1, I2)");
    $primary->stop('immediate');
    is(wait_for_storm(@writers), 0, "round $round: every writer saw the connection end");
    $standby->promote;
    read_journals(@journals);
    note(sprintf 'round %d: %d writes tried, %d acknowledged, %d looks', $round, scalar keys %rows, scalar keys %told, $looks);
    check_promoted($round, $standby);
    return $standby;
}

sub acknowledged { return scalar grep { /^ack / } map { split /\n/, slurp_file($_) } grep { -f } @_ }

sub read_journals {
    for my $line (map { split /\n/, slurp_file($_) } @_) {
        my ($word, $name, $count) = split / /, $line;
        if ($word eq 'try') { $rows{$name} = $count }
        else { $told{$name} = 1 }
    }
    return;
}

sub check_promoted {
    my ($round, $node) = @_;
    my $name = "round $round, promoted";
    check_books('studio', $name);
    my %found;
    $found{$_}++ for split /\n/, $node->safe_psql('studio', q{
        SELECT substring(mg_id from '^[a-z_]+:(r\d+-w\d+-\d+)') FROM mega_generations WHERE mg_id ~ ':r\d+-w\d+-\d+'});
    is(join(' ', grep { ($found{$_} // 0) != $rows{$_} } sort keys %told), '', "$name: every acknowledged write is there once");
    is(join(' ', grep { $found{$_} && $found{$_} != ($rows{$_} // 0) } sort keys %found), '',
        "$name: a write that was cut off is there as a whole or not at all");
    my @unknown = grep { !$told{$_} } sort keys %rows;
    cmp_ok(scalar @unknown, '>', 0, "$name: writes were cut off");
    # A client that cannot know whether its call arrived repeats it (I4); so does one that forgot its answer.
    my @again = grep { !$found{$_} || $node->safe_psql('studio', "SELECT count(*) FROM mega_generations WHERE mg_id =
        'credit_transaction:$_'") } @unknown, (sort keys %told)[ 0 .. 4 ];
    my $wrong = 0;
    for my $write (@again) {
        for my $time (0, 1) {
            $wrong++ if $node->safe_psql('studio', credit_of($write)) ne ($found{$write} || $time ? 't' : 'f');
        }
        $told{$write} = $rows{$write} = 1;
    }
    is($wrong, 0, "$name: a call whose answer was lost can be repeated (I4)");
    is($node->safe_psql('studio', q{SELECT preferences -> 'tag_weights' -> 'new.tag' FROM
        mega_record_mma_event('pass:shopify:7001', 'preference_set', '{"tag_weights": {"new.tag": 3}}')}), 3, "$name: events go on");
    check_books('studio', "$name, written to");
    is($node->safe_psql('studio', 'SELECT * FROM mega_install()'), '', "$name: nothing is left to install");
    return;
}
