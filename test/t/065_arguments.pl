# Random values, good and nasty, in every argument of every function, as pg_proc lists them: no crash, no internal error,
# no SQLSTATE but those of the list below, and afterwards the rules hold.
# MEGA_SEED=<seed> repeats a run; MEGA_CALLS_PER_FUNCTION sets its length.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_faults;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{MEGA_CALLS_PER_FUNCTION} // 150;
my $together = 25; # calls that share a transaction
my $node = start_node('arguments', 'fsync = off', 'autovacuum = off', q{log_line_prefix = '%m [%p] %e '}, 'log_min_messages = panic', 'log_min_error_statement = panic');
my $directory = PostgreSQL::Test::Utils::tempdir();
my $seed = seed_of_storm();
srand $seed;
open_studio($node, $directory);

# What a caller may be told: the errors of the design, and what Postgres itself says of values that no type holds.
my %known = map { $_ => 1 } qw(00000 22023 23503 23505 23514 22003 MG001 MG002 MG003 MG004 MG007 MG008 MG009 MG010 MG011 MG012
    25001 42501 42704 42P01 22007 22008 22P02 54000 54001);

$node->safe_psql('postgres', q{
    CREATE ROLE somebody;
    CREATE FUNCTION attempt(statement text, keep boolean) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE statement;
        IF NOT keep THEN RAISE 'rolled back' USING ERRCODE = 'ZZ000'; END IF;
        RETURN '00000';
    EXCEPTION WHEN OTHERS THEN
        RETURN CASE SQLSTATE WHEN 'ZZ000' THEN '00000' ELSE SQLSTATE || ' ' || translate(SQLERRM, E'\n', ' ') END;
    END $$;
    SELECT mega_ensure_customer(shopify_customer_id => 'known', user_id => '00000000-0000-4000-8000-000000000001', email => 'a@example.com');
    SELECT mega_hold_credit('pass:shopify:5000', 5, 'hold-' || n) FROM generate_series(1, 9) n;
    SELECT mega_record_credit('pass:shopify:5001', -5, 'spend', txn_id => 'txn-' || n) FROM generate_series(1, 9) n;
    SELECT mega_start_session('pass:shopify:5000', 'session-1');
    UPDATE mega_customers SET mg_disabled = true WHERE mg_pass_id = 'pass:shopify:5003'});

my @functions = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', q{
    SELECT p.proname, p.prokind, coalesce((SELECT string_agg(p.proargnames[i] || ' ' || format_type(t, NULL), ',' ORDER BY i)
        FROM unnest(p.proargtypes) WITH ORDINALITY a (t, i)), ''), p.pronargdefaults
    FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega' ORDER BY 1});
cmp_ok(scalar @functions, '>', 30, scalar(@functions) . ' functions');

# Values of each type, as SQL.
my @nasty_texts = ('', ' ', "\t", "\x01", "a\nb", 'x' x 512, 'x' x 513, 'x' x 100_000, 'é' x 256, "\xc2\xa0", "\xe2\x80\xae", "\xf4\x8f\xbf\xbf", 'anonymous',
    ':', 'generation:', 'generation:generation:a', 'a:b:c', 'hold:hold-1', 'txn-1', 'pass:', 'pass:shopify:', 'pass:user:nobody', 'pass:anon:00000000-0000-4000-8000-000000000009',
    'pass:' . 'k' x 500, "'; --", '\\', '%', '_', '{}', '[1]', 'null', 'NaN', '-0', '1e400', '2147483648', '../..', 'http://[::1', 'https://a/%zz',
    'https://b.s3.amazonaws.com/k?X-Amz-Signature=0', 'https://user:word@example.com/', 'javascript:alert(1)', 'ftp://example.com/a', 'like', 'done', 'still');
my %values = (
    text => sub { return quoted(one_of(@nasty_texts)) },
    integer => sub { return one_of(0, 1, -1, 2, 5, 1000, 2147483647, -2147483648, 2147483646) . '::integer' },
    bigint => sub { return one_of(0, 1, -1, '9223372036854775807') . '::bigint' },
    name => sub { return quoted(one_of('public', 'nobody', 'pg_catalog')) . '::name' },
    boolean => sub { return one_of('true', 'false') },
    uuid => sub { return quoted(one_of('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '00000000-0000-4000-8000-00000000000' . int rand 4)) . '::uuid' },
    jsonb => sub { return '(' . quoted(document(0)) . ')::jsonb' },
    'timestamp with time zone' => sub {
        return '(' . one_of(q{'infinity'}, q{'-infinity'}, q{'4713-01-01 00:00:00 BC'}, q{'294276-12-31 23:59:59.999999'}, q{'epoch'}, 'now()', q{now() + interval '4 minutes'},
            q{now() - interval '1 year'}, q{'2024-02-29 23:59:60'}) . ')::timestamptz';
    },
    interval => sub {
        return one_of(map { quoted($_) } '0', '-1 second', '1 microsecond', '1 hour', '178000000 years', '-178000000 years', '1 month -30 days', '2147483647 days') . '::interval';
    },
    regrole => sub { return one_of(q{'somebody'}, q{'postgres'}, '0', '4000000000') . '::regrole' },
);

# What an argument of that name wants to have.
my %wanted = (
    pass_id => sub { return 'pass:shopify:' . (5000 + int rand 5) }, from_pass_id => sub { return 'pass:shopify:' . (5000 + int rand 4) },
    to_pass_id => sub { return 'pass:shopify:' . (5000 + int rand 4) }, source => sub { return 'pass:shopify:' . (5000 + int rand 4) }, target => sub { return 'pass:shopify:' . (5000 + int rand 4) },
    generation_id => sub { return one_of('shared-0', 'shared-1', 'generation:shared-2', 'new-' . int rand 50) }, parent_generation_id => sub { return 'shared-' . int rand 4 },
    hold_id => sub { return 'hold-' . int rand 12 }, txn_id => sub { return one_of('txn-', 'hold:hold-', 'mine-') . int rand 10 }, session_id => sub { return 'session-' . int rand 3 }, feedback_id => sub { return 'feedback-' . int rand 20 }, worker => sub { return 'worker-' . int rand 3 }, line => sub { return 'looking' },
    event_type => sub { return one_of(qw(like dislike download preference_set create tweak feedback)) }, mma_status => sub { return one_of(qw(queued scanning prompting generating postscan done error)) },
    mma_mode => sub { return one_of(qw(still video)) }, output_url => sub { return 'https://assets.example.com/a.png' }, level => sub { return one_of(qw(reader user app worker admin)) },
    step_type => sub { return 'scan' }, reason => sub { return one_of(qw(order gift)) }, shopify_customer_id => sub { return one_of('known', '77' . int rand 9) },
    email => sub { return 'b@example.com' }, record_type => sub { return one_of(qw(generation credit_transaction mma_step app_config)) }, ref_type => sub { return 'order' }, ref_id => sub { return 'order-' . int rand 20 },
    refund_id => sub { return 'refund-' . int rand 20 }, transfer_id => sub { return 'transfer-' . int rand 20 }, event_id => sub { return 'event-' . int rand 30 },
    error => sub { return 'broken' }, url => sub { return 'https://example.com/a' }, mg_id => sub { return 'generation:a' });
my @words = qw(step_type at_step event_id generation_id undo mma_status pass_id delta reason txn_id ref_type ref_id meta allow_negative expires_at source tag tags weight hard_block hard_blocks remove_hard_blocks tag_weights
    first_name locale timezone marketing_opt_in mg_status mg_prompt mg_output_url mg_error mg_width mg_meta payload event_type mg_credits positions updated_at);

# A document; entries of a batch, payloads and profiles among them.
sub document {
    my ($depth) = @_;
    my $dice = rand;
    return one_of('null', 'true', '0', '-1', '1', '1.5', '2.50', '1e308', '-0.0', '1e-400', '99999999999999999999', '1' x 400, '"pass:shopify:5000"', '"Europe/Berlin"', '""', '" "', '"x\u0001"',
        '"https://b.s3.amazonaws.com/k?X-Amz-Signature=0"', '"' . 'y' x 2000 . '"', '"\ud83d\udca5"', '"light"') if $depth > 3 || $dice < 0.3 && $depth;
    return '[' x 3000 . ']' x 3000 if $dice > 0.995;
    return '{"a":' x 500 . '1' . '}' x 500 if $dice > 0.99;
    return '[' . join(',', map { document($depth + 1) } 1 .. int rand 4) . ']' if $dice < 0.5;
    my %pairs = map { one_of(@words, '', 'x' x 600) => document($depth + 1) } 1 .. int rand 6;
    %pairs = (%pairs, pass_id => '"pass:shopify:5001"', delta => 1, reason => '"b"') if rand() < 0.3;
    return '{' . join(',', map { qq("$_":$pairs{$_}) } sort keys %pairs) . '}';
}

sub argument {
    my ($name, $type) = @_;
    return 'NULL' if rand() < 0.08;
    my $text = $type eq 'text' && $wanted{$name} && rand() < 0.75 ? $wanted{$name}->() : undef;
    return quoted($text) if defined $text;
    my $values = $values{$type} // die "$type: a type without values\n";
    return $values->();
}

# All arguments that must be there, and some of the others.
sub call_of {
    my ($name, $kind, $arguments, $defaults) = @_;
    my @arguments = split /,/, $arguments;
    my @given;
    for my $place (0 .. $#arguments) {
        my ($argument, $type) = split / /, $arguments[$place], 2;
        next if $place >= @arguments - $defaults && rand() < 0.4;
        push @given, "$argument => " . argument($argument, $type);
    }
    return "SELECT $name()" if $name =~ /^mega_trigger/;
    return 'SELECT * FROM ' . $name . '(' . join(', ', @given) . ')';
}

my (%states, @strange);
my $client = mega_client->connect($node, 'postgres', "$directory/errors");
my $sent = 0;
for my $function (@functions) {
    my ($name, $kind, $arguments) = @$function;
    my $many = $kind ne 'f' ? 0 : $arguments eq '' || $name =~ /^mega_(?:trigger|install|validate|open_books)/ ? 3 : $calls;
    while ($many > 0) {
        my @statements = map { call_of(@$function) } 1 .. ($many < $together ? $many : $together);
        $many -= @statements;
        $sent += @statements;
        my @attempts = map { sprintf '(%s, %s)', quoted($_), rand() < 0.5 ? 'true' : 'false' } @statements;
        my ($state, @told) = $client->run('SELECT attempt(s, k) FROM (VALUES ' . join(",\n", @attempts) . ') v (s, k)');
        if (($state // 'lost') ne '00000' || @told != @statements) {
            push @strange, ($state // 'the connection was lost') . ' in one of: ' . substr(join('; ', @statements), 0, 3000);
            last if !defined $state;
            next;
        }
        for my $place (0 .. $#told) {
            my $answer = substr $told[$place], 0, 5;
            $states{$answer}++;
            next if $known{$answer} || $name =~ /^mega_trigger/ && $answer eq '39P01' || $name eq 'mega_grant' && $answer eq '55000';
            push @strange, "$told[$place] in: " . (substr($statements[$place], 0, 1000) =~ s/([xy1])\1{9,}/$1…/gr);
        }
    }
}
note("$sent calls: ", join ', ', map { "$_ x $states{$_}" } sort keys %states);
is(join("\n", @strange[0 .. ($#strange < 5 ? $#strange : 5)]), '', 'every call is answered, with a state that a caller can expect');
cmp_ok($states{'00000'} // 0, '>', $sent / 20, 'calls went through');
cmp_ok(scalar keys %states, '>', 8, 'and others were refused for many reasons');
ok(defined(($client->run('SELECT 1'))[0]), 'the session lives on');
$client->close;
is(books_disagree($node, 'postgres'), '', 'the books agree (I1)');
is($node->safe_psql('postgres', 'SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', 'the preferences are the fold (I2)');
is($node->safe_psql('postgres', q{SELECT mg_id FROM mega_generations WHERE mega_has_expiring_url(mg_mma_vars) OR mg_record_type = 'mma_event' AND mega_has_expiring_url(mg_meta)
    OR NOT coalesce(mega_is_permanent_url(mg_output_url), true) OR NOT mega_is_record_id(mg_record_type, mg_id)}), '', 'ids have their shape (I6), no URL expires (I10)');
is(complaints(), '', 'the server has nothing to complain of');
$node->stop;
done_testing();
