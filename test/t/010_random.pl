# Thousands of random operations on few customers, by functions and by raw SQL, along both write paths, good and bad.
# First one after the other from several connections: each answer, and then every table, is what a model in plain Perl
# predicts (mega_model.pm and its rooms). Then from all connections at once: afterwards the ledger itself shows that the
# rules held (mega_rules.pm).
# MEGA_SEED=<seed> repeats the first part exactly; MEGA_OPERATIONS sets its length.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_model;
use mega_operations;
use mega_rules;
use mega_statements;
use mega_test;

use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $operations = $ENV{MEGA_OPERATIONS} // 4000;
my $writers = 6;
my $per_writer = $ENV{MEGA_OPERATIONS_AT_ONCE} // 250;
my $seed = seed_of_storm();
srand($seed);

my $node = start_node('random', 'deadlock_timeout = 20ms');
$node->safe_psql('postgres', 'CREATE EXTENSION mega');
my $logs = PostgreSQL::Test::Utils::tempdir();
chmod 0777, $logs;
copy_from($logs);

#
# Part one: one after the other.
#

start_space($node, $logs, 'one');
my $model = mega_model->new(customers());
my @clients = map { connect_client("client$_") } 1 .. 3;
my %answers;
my @surprises;

sub surprise {
    my ($what) = @_;
    push @surprises, $what;
    diag("seed $seed: $what") if @surprises <= 5;
    return;
}

# Sends one operation and compares; true when it did what the model says.
sub send_operation {
    my ($client, $operation, $expected) = @_;
    my $statement = sql_of($operation);
    my ($state, @rows) = $client->run($statement);
    my $answer = join "\n", @rows;
    $answers{"$operation->{kind} $state"}++;
    know_claims(@rows) if $operation->{kind} eq 'charge';
    $expected->{given} = $answer;
    my $wanted = $expected->{answer} // '';
    my $is_right = ref $wanted ? $wanted->($answer) : $answer eq $wanted;
    return 1 if $expected->{states}{$state} && ($state ne '00000' || $is_right);
    surprise("$statement\n  answered $state '$answer'\n  expected $expected->{state} '" . (ref $wanted ? $wanted->() : $wanted) . q('));
    return 0;
}

# The model learns of a success; the times of events that were stamped have to be read.
sub commit_operation {
    my ($client, $expected) = @_;
    my (%times, %newest);
    for my $stamped (@{ $expected->{stamped} }) {
        my ($id, $pass) = @$stamped;
        my $time = $times{$id} = $client->rows("SELECT (extract(epoch FROM mg_created_at) * 1000000)::bigint FROM mega_generations WHERE mg_id = 'mma_event:$id'");
        my $newest = $newest{$pass} // ($model->fold($pass))[2];
        # behind the newest one, unless that lies five seconds ahead of the clock
        surprise("the event $id was stamped $time, before the newest one at $newest") if defined $newest && $time <= $newest && $newest - $time < 5_000_000;
        $newest{$pass} = $time if $time > ($newest // 0);
    }
    $expected->{commit}->(\%times, $expected->{given});
    return;
}

sub play_one {
    my ($operation) = @_;
    my $client = one_of(@clients);
    my $expected = $model->predict($operation);
    my $dice = $operation->{kind} eq 'merge' ? 1 : rand(); # at READ COMMITTED only
    if ($dice < 0.05) { # rolled back: it leaves nothing
        $client->run('BEGIN');
        send_operation($client, $operation, $expected);
        $client->run('ROLLBACK');
    } elsif ($dice < 0.12) { # a savepoint rolled back, and another operation after it
        $client->run('BEGIN ISOLATION LEVEL ' . one_of('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'));
        $client->run('SET LOCAL mega.write_path = ' . one_of('auto', 'sql'));
        $client->run('SAVEPOINT s');
        send_operation($client, $operation, $expected);
        $client->run('ROLLBACK TO SAVEPOINT s');
        $client->run('SET LOCAL mega.write_path = ' . one_of('auto', 'sql'));
        my $second = random_operation();
        $second = random_operation() while $second->{kind} eq 'merge';
        my $then = $model->predict($second);
        my $agreed = send_operation($client, $second, $then);
        my $committed = $agreed && $then->{state} eq '00000';
        commit_operation($client, $then) if $committed;
        $client->run($committed ? 'COMMIT' : 'ROLLBACK');
    } else {
        $client->run('SET mega.write_path = ' . one_of('auto', 'sql')) if $dice > 0.95;
        my $agreed = send_operation($client, $operation, $expected);
        commit_operation($client, $expected) if $agreed && $expected->{state} eq '00000';
    }
    return;
}

# Everything the tables say about a customer, as the model says it.
sub told_by_model {
    my ($pass) = @_;
    my ($blocks, $weights, $newest) = $model->fold($pass);
    my @lines = ("credits $model->{credits}{$pass}", 'theme ' . ($model->{themes}{$pass} // ''), "blocks @$blocks", 'newest ' . ($newest // ''));
    push @lines, "weight $_ $weights->{$_}" for sort keys %$weights;
    push @lines, join ' ', 'lots', split /\n/, $model->on_lots({ pass => $pass })->{answer};
    push @lines, join ' ', 'feedback', sort grep { $model->{feedback}{$_}{pass} eq $pass } keys %{ $model->{feedback} };
    for my $id (sort grep { $model->{generations}{$_}{pass} eq $pass } keys %{ $model->{generations} }) {
        my $generation = $model->{generations}{$id};
        push @lines, join ' ', 'generation', $id, $generation->{status}, mega_model::word_of($generation->{status}), $generation->{deleted} ? 't' : 'f', $generation->{url} // '', map { "$_=$generation->{vars}{$_}" } sort keys %{ $generation->{vars} };
        push @lines, join ' ', 'steps', map { "$_:$generation->{steps}{$_}{type}" } sort { $a <=> $b } keys %{ $generation->{steps} };
    }
    return join "\n", @lines;
}

sub told_by_tables {
    my ($client, $pass) = @_;
    my ($credits, $text) = split /\|/, $client->rows("SELECT mg_credits, mg_mma_preferences FROM mega_customers WHERE mg_pass_id = '$pass'"), 2;
    my $stored = JSON::PP->new->utf8->allow_bignum->decode($text);
    my $newest = $stored->{positions}{newest} ? $stored->{positions}{newest}[0] : '';
    my @lines = ("credits $credits", 'theme ' . ($stored->{theme} // ''), 'blocks ' . join(' ', map { bytes_of($_) } @{ $stored->{hard_blocks} // [] }), "newest $newest");
    my %weights = map { bytes_of($_) => sprintf('%.0f', $stored->{tag_weights}{$_} * 1_000_000) } keys %{ $stored->{tag_weights} // {} };
    push @lines, "weight $_ $weights{$_}" for sort keys %weights;
    push @lines, join ' ', 'lots', split /\n/, $client->rows("SELECT mg_id, granted, remaining FROM mega_credit_lots('$pass')");
    push @lines, join ' ', 'feedback', split / /, $client->rows("SELECT string_agg(substr(mg_id, 10), ' ' ORDER BY mg_id COLLATE \"C\") FROM mega_generations WHERE mg_pass_id = '$pass' AND mg_record_type = 'feedback'");
    for my $row (split /\n/, $client->rows("SELECT mg_generation_id, mg_mma_status, mg_status, mg_deleted_at IS NOT NULL, mg_output_url, mg_mma_vars FROM mega_generations WHERE mg_pass_id = '$pass' AND mg_record_type = 'generation' ORDER BY mg_generation_id COLLATE \"C\"")) {
        my ($id, $status, $word, $deleted, $url, $vars) = split /\|/, $row, 6;
        my $map = decode_json($vars);
        push @lines, join ' ', 'generation', $id, $status, $word, $deleted, $url, map { "$_=" . (ref $map->{$_} ? @{ $map->{$_}{scan_lines} } : $map->{$_}) } sort keys %$map;
        push @lines, join ' ', 'steps', split / /, $client->rows("SELECT string_agg(mg_step_no || ':' || mg_step_type, ' ' ORDER BY mg_step_no) FROM mega_generations WHERE mg_generation_id = '$id' AND mg_record_type = 'mma_step'");
    }
    return join "\n", @lines;
}
sub bytes_of { my ($text) = @_; utf8::encode($text); return $text }

sub compare_everything {
    my ($when) = @_;
    for my $pass (customers(), grep { defined $model->{credits}{$_} } guests()) {
        my ($wanted, $found) = (told_by_model($pass), told_by_tables($clients[0], $pass));
        surprise("$pass $when:\n--- model\n$wanted\n--- tables\n$found") if $wanted ne $found;
    }
    return;
}

# What a run must have seen: how often each kind succeeds, and for how many reasons something was refused.
my %least = (merge => 3, map { $_ => 6 } qw(record hold settle refund revoke transfer batch raw event create update end step tweak feedback scan guest
    auto charge decline topup due steps events claim extend delete likes look history balance lots usage));
my $least_refusals = 21;
sub succeeded { my ($kind) = @_; return $answers{"$kind 00000"} // 0 }
sub refusals { return scalar grep { !/ 00000$/ } keys %answers }

# The next operation that brings the run nearer to that, or nothing. Who is merged has to come first.
sub operation_that_lacks {
    my %lacks = map { $_ => 1 } grep { succeeded($_) < $least{$_} } keys %least;
    return if !%lacks && refusals() >= $least_refusals;
    $lacks{guest} = 1 if $lacks{merge};
    my $operation = random_operation();
    $operation = random_operation() while %lacks && !$lacks{ $operation->{kind} };
    return $operation;
}

for my $number (1 .. $operations) {
    play_one(random_operation());
    compare_everything("after $number operations") if $number % 500 == 0;
    last if @surprises > 20;
}
# What has not come often enough by luck comes now.
for (1 .. ($operations >= 2000 ? 3000 : 0)) {
    my $operation = operation_that_lacks() // last;
    play_one($operation);
    last if @surprises > 20;
}
compare_everything('at the end');
is($clients[0]->rows('SELECT mg_pass_id, mg_credits, mg_mma_preferences, EXISTS (SELECT FROM mega_generations g WHERE g.mg_pass_id = c.mg_pass_id) FROM mega_customers c'
        . q( WHERE mg_meta #>> '{mega,merged_into}' IS NOT NULL ORDER BY mg_pass_id)),
    join("\n", map { "$_|0|{}|f" } sort keys %{ $model->{roots} }), 'who was merged has nothing');
is(scalar @surprises, 0, "the model agrees with every answer and every table of $operations operations");
note(join ', ', map { "$_ x $answers{$_}" } sort keys %answers);
if ($operations >= 2000) {
    cmp_ok(succeeded($_), '>=', $least{$_}, "operations of kind $_ succeeded") for sort keys %least;
    cmp_ok(refusals(), '>=', $least_refusals, 'there was much to refuse');
}

my $rows = sprintf '%d|%d', scalar(keys %{ $model->{rows} }), scalar(keys %{ $model->{events} });
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE mg_record_type = 'credit_transaction'), count(*) FILTER (WHERE mg_record_type = 'mma_event') FROM mega_generations}),
    $rows, 'the ledger holds as many rows as the model');
is($node->safe_psql('postgres', 'SELECT * FROM mega_reconcile_credits()'), '', 'mega_reconcile_credits finds nothing');
is($node->safe_psql('postgres', 'SELECT * FROM mega_reconcile_preferences()'), '', 'mega_reconcile_preferences finds nothing');
is($node->safe_psql('postgres', 'SELECT * FROM mega_reconcile_lots()'), '', 'mega_reconcile_lots finds nothing (I15)');
$_->close for @clients;

#
# Part two: all at once.
#

start_space($node, $logs, 'two');
my @by_functions = ((customers())[ 0, 1 ], guests()); # raw credits go to the other two, so that these never fall below zero

sub allowed_at_once {
    my ($operation) = @_;
    my %own = map { $_ => 1 } @by_functions;
    return 0 if $operation->{allow_negative} || grep { $_->{allow_negative} } @{ $operation->{entries} // [] };
    return 0 if grep { $_->{kind} eq 'credit' && $own{ $_->{pass} } } @{ $operation->{rows} // [] };
    return 1;
}

# The operation, about one who will be erased: who has to come first, and may be another guest as well.
sub of_leaver {
    my ($operation, $number) = @_;
    my $pass = one_of(leavers());
    return { kind => 'guest', pass => $pass } if $number < 20;
    return { kind => 'merge', source => one_of((guests())[ 6 .. 8 ]), target => $pass } if $number == 61;
    $operation = { kind => 'create', id => fresh(), pass => $pass } if !exists $operation->{pass};
    return { %$operation, pass => $pass };
}

sub write_operations {
    my ($writer) = @_;
    my $client = connect_client("writer$writer");
    $client->run('SET mega.notify = on');
    open my $journal, '>', "$logs/journal$writer" or die "journal: $!";
    for my $number (1 .. $per_writer) {
        my $operation = random_operation();
        redo if !allowed_at_once($operation) || $number % 10 == 3 && $operation->{kind} ne 'event';
        $operation = of_leaver($operation, $number) if $number % 6 == 1;
        $operation = { kind => 'step', generation => 'two-dense', type => 'scan', input => $number } if $number % 20 == 0;
        $operation = { kind => 'guest', pass => one_of(guests()) } if $number % 20 == 5;
        $operation = { kind => 'merge', source => one_of(guests()), target => one_of(customers(), guests()) } if $number % 50 == 26;
        $operation = { kind => 'claim', worker => "w$writer", most => 2, over => $number % 40 == 10 } if $number % 20 == 10;
        $operation = { kind => 'charge', threshold => 1_000_000, most => 2, over => $number % 40 == 15 } if $number % 20 == 15;
        # each writer has a guest of its own who is merged for certain
        $operation = { kind => 'guest', pass => (guests())[ $writer - 1 ] } if $number == 25;
        $operation = { kind => 'merge', source => (guests())[ $writer - 1 ], target => one_of(customers()) } if $number == 26;
        $operation = { kind => 'erase', pass => (leavers())[ $writer % 3 ] } if $number == 20 * $writer + 81;
        my $statement = sql_of($operation);
        my $isolation = $operation->{kind} =~ /^(?:merge|erase)$/ ? 'READ COMMITTED' : one_of('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
        for my $time (1 .. 300) {
            my ($state) = $client->run("BEGIN ISOLATION LEVEL $isolation");
            $client->run('SET LOCAL mega.write_path = ' . one_of('auto', 'sql'));
            ($state, my @answer) = $client->run($statement);
            know_claims(@answer) if $operation->{kind} eq 'charge';
            my ($end) = $client->run($state eq '00000' ? 'COMMIT' : 'ROLLBACK');
            $state = $end if $state eq '00000';
            print $journal "$state $operation->{kind}" . ($operation->{over} ? '-over ' : ' ') . join(' ', @answer, $operation->{kind} eq 'scan' ? $operation->{id} : ()) . "\n";
            last if $state !~ /^40/;
        }
    }
    close $journal;
    $client->close;
    return;
}

$node->safe_psql('postgres', "SELECT mega_create_generation('pass:test:two-1', n) FROM unnest('{two-gone,two-dense}'::text[]) n");
$node->safe_psql('postgres', q{UPDATE mega_customers SET mg_auto_topup_enabled = true WHERE mg_pass_id LIKE 'pass:test:two-%'});
# Nobody takes the mark from this one, which was liked and would be the first to be worked at.
$node->safe_psql('postgres', q{SELECT mega_record_mma_event('pass:test:two-1', 'like', generation_id => 'two-gone'), mega_delete_generation('two-gone')});
my $listener = connect_client('listener');
$listener->rows('LISTEN mega_generation');
my @processes = storm($seed, map { my $writer = $_; sub { write_operations($writer) } } 1 .. $writers);
is(wait_for_storm(@processes), 0, 'every writer came to its end');

my @journal = map { split /\n/, slurp_file("$logs/journal$_") } 1 .. $writers;
my %states;
$states{ substr $_, 0, 5 }++ for @journal;
note('states: ' . join ', ', map { "$_ x $states{$_}" } sort keys %states);
my %expected = map { $_ => 1 } qw(00000 22023 23503 23505 23514 40001 40P01 MG001 MG002 MG003 MG004 MG005 MG006 MG007 MG008 MG009 MG010 MG012);
is(join(' ', grep { !$expected{$_} } sort keys %states), '', 'no answer that a writer cannot expect');

my $erased = q{SELECT mg_pass_id FROM mega_customers WHERE mg_meta #>> '{mega,erased_at}' IS NOT NULL};
my $merged = $node->safe_psql('postgres', q{SELECT count(*) FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:two-guest-%' AND mg_meta #>> '{mega,merged_into}' IS NOT NULL});
cmp_ok($merged, '>', 2, 'guests were merged');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM ($erased) e"), '>=', leavers(), 'leavers were erased');
isnt(scalar(grep { /^MG004/ } @journal), 0, 'nobody writes of them any more');

# Each time that a generation was handed out is another attempt.
my %handed;
for my $line (grep { /^00000 claim/ } @journal) {
    $handed{"$1 $2"}++ while $line =~ /(\S+)\|\w+\|(\d+)/g;
}
isnt(scalar keys %handed, 0, 'workers took generations');
is(join(', ', grep { $handed{$_} > 1 } sort keys %handed), '', 'none was taken twice in one attempt');

# Whom to charge: a claim that stands is not handed out again.
my %charged;
for my $line (grep { /^00000 charge / } @journal) {
    $charged{$1}++ while $line =~ /\|\d+\|(\S+)/g;
}
isnt(scalar keys %charged, 0, 'top-ups were handed out');
is(join(', ', grep { $charged{$_} > 1 } sort keys %charged), '', 'none of them twice while the claim stood');

my %of_erased = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', "SELECT mg_generation_id FROM mega_generations WHERE mg_record_type = 'generation' AND mg_pass_id IN ($erased)");
my $lines = grep { /^00000 scan .*?(\S+)$/ && !$of_erased{$1} } @journal;
is($node->safe_psql('postgres', qq{SELECT coalesce(sum(jsonb_array_length(mg_mma_vars #> '{userMessages,scan_lines}')), 0) FROM mega_generations WHERE mg_id LIKE 'generation:two-%' AND mg_pass_id NOT IN ($erased)}),
    $lines, 'no line of a scan is lost');

# One query after the other, each about one rule; none may find a row.
my %rules = rules_of_ledger(@by_functions);
is($node->safe_psql('postgres', $rules{$_}), '', $_) for sort keys %rules;
is($node->safe_psql('postgres', q{SELECT count(*) FROM mega_generations WHERE mg_generation_id = 'two-dense' AND mg_record_type = 'mma_step'}),
    $writers * int($per_writer / 20), 'each step is there once');

# I2 once more: the model folds what the ledger holds.
my $after = mega_model->new(customers());
for my $line (split /\n/, $node->safe_psql('postgres', q{SELECT substr(mg_id, 11), mg_pass_id, (extract(epoch FROM mg_created_at) * 1000000)::bigint, mg_meta FROM mega_generations
        WHERE mg_record_type = 'mma_event' AND mg_pass_id LIKE 'pass:test:two-%'})) {
    my ($id, $pass, $time, $text) = split /\|/, $line, 4;
    my $meta = JSON::PP->new->utf8->decode($text);
    my $payload = $meta->{payload} // {};
    my $micros = sub { return defined $_[0] ? sprintf('%.0f', $_[0] * 1_000_000) : undef };
    my %read = map { my $key = $_; $key => [ map { bytes_of($_) } @{ $payload->{$key} } ] } grep { $payload->{$_} } qw(tags hard_blocks remove_hard_blocks);
    $read{tag} = bytes_of($payload->{tag}) if defined $payload->{tag};
    $read{undo} = $payload->{undo} if defined $payload->{undo};
    $read{weight} = $micros->($payload->{weight}) if defined $payload->{weight};
    $read{tag_weights} = { map { bytes_of($_) => $micros->($payload->{tag_weights}{$_}) } keys %{ $payload->{tag_weights} } } if $payload->{tag_weights};
    $after->{events}{$id} = { id => $id, pass => $pass, type => $meta->{event_type}, time => $time, payload => \%read };
}
cmp_ok(scalar keys %{ $after->{events} }, '>', 50, 'there were events to fold');
$after->{credits}{$_} = $node->safe_psql('postgres', "SELECT sum(mg_delta) FROM mega_generations WHERE mg_pass_id = '$_' AND mg_record_type = 'credit_transaction'") || 0 for customers(), guests();
$model = $after;
sub without_generations { return join "\n", grep { !/^(?:generation|steps|theme|feedback|lots)\b/ } split /\n/, $_[0] }
my $reader = connect_client('reader');
is(without_generations(told_by_tables($reader, $_)), without_generations(told_by_model($_)), "the model folds the events of $_ to the same preferences (I2)")
  for customers(), split /\n/, $reader->rows(q{SELECT mg_pass_id FROM mega_customers WHERE mg_pass_id LIKE 'pass:test:two-guest-%' AND mg_meta #>> '{mega,merged_into}' IS NULL ORDER BY 1});
$reader->close;

# I9: the notices tell every change of status in the order of the commits.
my %last;
my %rank = do { my $n = 0; map { $_ => $n++ } qw(queued scanning prompting generating postscan done error) };
my ($changes, $backwards) = (0, '');
for my $line (grep { /^Asynchronous notification/ && !/"scan_lines"/ } split /\n/, $listener->rows('SELECT 1')) {
    my ($id, $status) = $line =~ /"mg_mma_status": "(\w+)"/ ? ($line =~ /"mg_generation_id": "([^"]+)"/, $line =~ /"mg_mma_status": "(\w+)"/) : next;
    $changes++;
    my $from = $last{$id};
    $backwards .= "$id: $from to $status\n" if defined $from && !($rank{$from} < $rank{$status} && $from ne 'done' || "$from $status" eq 'error done');
    $last{$id} = $status;
}
cmp_ok($changes, '>', 10, 'there were changes of status');
is($backwards, '', 'no status moved backwards (I9)');
$listener->close;

$node->stop;
done_testing();
