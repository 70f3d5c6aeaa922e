# Thirty signed-in people and thirty admins at once over one pool of few sessions, each transaction with SET LOCAL ROLE and
# claims, as PostgREST makes them: nobody ever sees a row of another, whatever stood in the session before, while balances
# change, guests are merged into customers and transactions fail half-way; admins go on seeing everything. Then policies
# go through dumps.
# MEGA_SEED=<seed> repeats a run; MEGA_TRANSACTIONS sets how many transactions each one makes.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_pooler;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $people = 30;
my $sessions = 6;
my $transactions = $ENV{MEGA_TRANSACTIONS} // 25;
my $seed = seed_of_storm();
my $directory = PostgreSQL::Test::Utils::tempdir();
my $program = pooler_program();
my $node = start_node('people', 'fsync = off', "deadlock_timeout = '50ms'");

set_up();
start_pooler($node, directory => $directory, database => 'shop', user => 'pool', sessions => $sessions,
    settings => ['max_client_conn = 200'],
    answers => sub { my $client = client('first'); my ($state) = $client->run('SELECT 1'); $client->close; return defined $state })
  if $program;
my @processes = storm($seed, (map { my $n = $_; sub { person($n) } } 1 .. $people), (map { my $n = $_; sub { admin($n) } } 1 .. $people));
is(wait_for_storm(@processes), 0, 'everybody saw what is his, nobody anything else' . ($program ? ', over one pool' : ', each on a session of his own'));
hold_to_account('shop');
through_dumps();
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC:|TRAP:|AddressSanitizer|runtime error/, 'nothing crashed');
$node->stop;
done_testing();

sub user_id { return sprintf 'abcd0000-0000-4000-8000-%012d', $_[0] }

# Every person has a customer, user-<n>, who says so in every text, and one from before signing in, guest-<n>.
sub set_up {
    $node->safe_psql('postgres', 'CREATE DATABASE shop; CREATE ROLE pool LOGIN NOINHERIT; CREATE ROLE people; CREATE ROLE office; GRANT people, office TO pool');
    $node->safe_psql('shop', 'CREATE EXTENSION mega; SELECT mega_grant($$office$$, $$admin$$)');
    $node->safe_psql('shop', join ';', map {
        my $n = $_;
        ("SELECT mega_ensure_customer('pass:test:user-$n', user_id => '@{[ user_id($n) ]}', email => 'user-$n\@example.com'), mega_ensure_customer('pass:test:guest-$n')",
            map { my $who = "$_-$n"; ("SELECT mega_record_credit('pass:test:$who', 100 + $n, 'order', txn_id => 'order-of-$who')",
                "SELECT mega_create_generation('pass:test:$who', 'gen-of-$who', 'still', prompt => 'secret of $who')",
                "SELECT mega_append_mma_step('gen-of-$who', 'scan', '{\"secret\": \"$who\"}')",
                "SELECT mega_record_mma_event('pass:test:$who', 'like', '{\"tag\": \"tag-of-$who\"}', 'gen-of-$who')") } 'user', 'guest')
    } 1 .. $people);
    $node->safe_psql('shop', 'SELECT mega_enable_rls($$people$$); SELECT mega_grant($$people$$, $$user$$); ANALYZE mega_customers, mega_generations');
    return;
}

sub client {
    my ($name) = @_;
    return mega_client->connect($node, 'shop', "$directory/$name", ($program ? (host => $directory) : ()), user => 'pool');
}

# One transaction as PostgREST makes it. Its answer, rows joined; dies on an error that was not expected.
sub request {
    my ($client, $role, $claims, $statement, $expected) = @_;
    $client->rows('BEGIN');
    $client->rows("SELECT set_config('search_path', 'public', true), set_config('role', '$role', true), set_config('request.jwt.claims', '$claims', true)");
    my ($state, @rows) = $client->run($statement);
    die "connection lost in: $statement\n" if !defined $state;
    die "$state in: $statement\n" if $state !~ /^(?:00000|40P01|40001)$/ && $state !~ ($expected // qr/^$/);
    $client->rows($state eq '00000' ? 'COMMIT' : 'ROLLBACK');
    return ($state, join "\n", @rows);
}

# All that a person can ask for, of himself and of somebody else.
sub person {
    my ($n) = @_;
    my $client = client("person-$n");
    my $claims = '{"role":"people","aud":"authenticated","sub":"' . user_id($n) . '"}';
    for my $round (1 .. $transactions) {
        my $other = 1 + int rand $people;
        my ($own, $others) = ("'pass:test:user-$n'", "'pass:test:" . (rand() < 0.5 ? 'user' : 'guest') . "-$other'");
        my $unknown = $other == $n ? undef : qr/^23503$/;
        my @all = (
            [ 'SELECT mg_pass_id, mg_email FROM mega_customers', 1 ], [ 'SELECT mg_pass_id, mg_prompt, mg_payload FROM mega_generations', 1 ],
            [ 'SELECT mega_current_pass_id()', 1 ], [ "SELECT mg_pass_id FROM mega_customer($own)", 1 ], [ "SELECT mg_prompt FROM mega_generation_history($own)", 1 ],
            [ "SELECT mg_credits >= 100 + $n, 'user-$n' FROM mega_balance($own)", 1 ], [ "SELECT mg_id FROM mega_credit_statement($own)", 1 ],
            [ "SELECT mg_generation_id FROM mega_likes($own)", 1 ], [ "SELECT mg_payload FROM mega_generation_steps('gen-of-user-$n')", 1 ],
            [ "SELECT count(*) > 0 OR error, 'user-$n' FROM mega_generations, (SELECT 1 / 0 = 1) x(error) GROUP BY error", 0, qr/^22012$/ ], # fails half-way
        );
        push @all, [ "SELECT mg_id FROM mega_credit_statement($others)", 0, $unknown ], [ "SELECT mg_credits FROM mega_balance($others)", 0, $unknown ],
          [ "SELECT mg_payload FROM mega_generation_steps('gen-of-user-$other')", 0 ], [ "SELECT mg_prompt FROM mega_generations WHERE mg_pass_id = $others", 0 ],
          [ "SELECT mg_pass_id FROM mega_customers WHERE mg_email = 'user-$other\@example.com'", 0 ] if $other != $n;
        my ($statement, $some, $expected) = @{ $all[ int rand @all ] };
        my ($state, $answer) = request($client, 'people', $claims, $statement, $expected);
        next if $state =~ /^40/;
        my @seen = $answer =~ /(?:user|guest)-(\d+)/g;
        die "person $n saw $_ in: $statement\n" for grep { $_ != $n } @seen;
        die "person $n saw nothing in: $statement\n" if $some && !@seen;
        die "person $n was answered '$answer' to: $statement\n" if !$some && $state eq '00000' && $answer ne '';
        # one who is not signed in, on the same session perhaps
        my (undef, $nothing) = request($client, 'people', rand() < 0.5 ? '{"role":"people"}' : '', 'SELECT mg_pass_id FROM mega_customers UNION ALL SELECT mg_pass_id FROM mega_generations');
        die "without claims somebody saw: $nothing\n" if $nothing ne '';
    }
    $client->close;
    return;
}

# An admin sees everybody, moves credits, merges the guest of one person, and writes down what he did.
sub admin {
    my ($n) = @_;
    my $client = client("admin-$n");
    my $claims = '{"role":"office","sub":"' . user_id(1 + $n % $people) . '"}'; # a customer's, too: that is no matter here
    for my $round (1 .. $transactions) {
        my $one = 1 + int rand $people;
        my ($state, $answer) = request($client, 'office', $claims, 'SELECT count(*) FROM mega_customers');
        die "admin $n saw $answer customers\n" if $answer != 2 * $people;
        request($client, 'office', $claims, "SELECT mg_id FROM mega_touch_admin_session('session-$n', ip => '10.0.0.$n')");
        request($client, 'office', $claims, "SELECT mg_credits FROM mega_record_credit('pass:test:user-$one', 1, 'gift', txn_id => 'gift-$n-$round')");
        request($client, 'office', $claims, "SELECT mg_id FROM mega_record_admin_audit('gift', actor_pass_id => 'pass:test:user-$one', audit_id => 'gift-$n-$round')");
        next if $round != 1 + int($transactions / 2);
        for (1 .. 50) {
            ($state) = request($client, 'office', $claims, "SELECT mg_credits FROM mega_merge_customers('pass:test:guest-$n', 'pass:test:user-$n', actor => 'admin $n')");
            last if $state eq '00000';
        }
    }
    $client->close;
    return;
}

# Whom each person sees in the end, and how much: all that is his, the guest's included.
sub seen_by_people {
    my ($database) = @_;
    return $node->safe_psql($database, join ' ', map {
        "BEGIN; SET LOCAL ROLE people; SELECT set_config('request.jwt.claims', '{\"sub\": \"@{[ user_id($_) ]}\"}', true) IS NULL; "
          . "SELECT mega_current_pass_id(), (SELECT string_agg(mg_pass_id || mg_credits, ' ') FROM mega_customers), (SELECT count(*) FROM mega_generations), (SELECT string_agg(mg_prompt, ' ' ORDER BY mg_prompt) FROM mega_generations); COMMIT;"
    } 1 .. $people);
}

sub hold_to_account {
    my ($database) = @_;
    my $seen = seen_by_people($database) =~ s/^f\n//mgr;
    my $all = $node->safe_psql($database, q{SELECT c.mg_pass_id, c.mg_pass_id || c.mg_credits, (SELECT count(*) FROM mega_generations g WHERE g.mg_pass_id = c.mg_pass_id),
        (SELECT string_agg(mg_prompt, ' ' ORDER BY mg_prompt) FROM mega_generations g WHERE g.mg_pass_id = c.mg_pass_id)
        FROM mega_customers c WHERE c.mg_user_id IS NOT NULL ORDER BY c.mg_user_id});
    is($seen, $all, "$database: each sees all of his own");
    is(scalar(() = $all =~ /secret of guest/g), $people, "$database: the guests' history is theirs");
    is($node->safe_psql($database, q{SELECT count(*) FROM mega_admin WHERE mg_record_type = 'admin_audit' AND mg_action = 'gift'}),
        $node->safe_psql($database, q{SELECT count(*) FROM mega_generations WHERE mg_reason = 'gift'}), "$database: no gift without its audit");
    is(books_disagree($node, $database), '', "$database: the books agree (I1)");
    return;
}

sub policies {
    my ($database) = @_;
    return $node->safe_psql($database, q{SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies UNION ALL SELECT relname, NULL, NULL, NULL, NULL, relrowsecurity::text, NULL FROM pg_class WHERE relname ~ '^mega_(customers|generations|admin)$' ORDER BY 1, 2});
}

# As one script, and in parallel out of an archive.
sub through_dumps {
    my ($host, $port) = ($node->host, $node->port);
    $node->safe_psql('postgres', "CREATE DATABASE $_") for qw(script archive);
    $node->command_ok([ 'pg_dump', '-f', "$directory/dump.sql", 'shop' ], 'dumped as a script');
    $node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'script', '-f', "$directory/dump.sql" ], 'restored from it');
    $node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/dump", 'shop' ], 'dumped as an archive');
    $node->command_ok([ 'pg_restore', '-j', '3', '-d', 'archive', "$directory/dump" ], 'restored from it, in parallel');
    for my $copy (qw(script archive)) {
        is(policies($copy), policies('shop'), "$copy: the policies came along");
        is(seen_by_people($copy), seen_by_people('shop'), "$copy: each sees what he saw");
        is($node->safe_psql($copy, q{SELECT * FROM mega_enable_rls('people')}), '', "$copy: nothing is left to do");
        is($node->safe_psql($copy, q{SELECT mega_grant('people', 'user')}), '', "$copy: the level stands");
    }
    return;
}
