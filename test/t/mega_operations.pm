# Random operations on few customers, with few ids, good and bad: what they are, for mega_model.pm to predict, and the
# SQL that says so.
package mega_operations;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use POSIX ();

use mega_model;

our @EXPORT = qw(start_space customers guests random_operation sql_of one_of connect_client);

my ($node, $logs);
my $space;      # a name in front of every id: parts of a test share nothing
my $serial = 0;

# Makes the customers of a part. Files to copy from go to the directory.
sub start_space {
    ($node, $logs, $space) = @_;
    $node->safe_psql('postgres', "INSERT INTO mega_customers (mg_pass_id) VALUES ('$_')") for customers();
    return;
}

sub connect_client { my ($name) = @_; return mega_client->connect($node, 'postgres', "$logs/$name.errors") }

sub one_of { return $_[ int rand @_ ] }
sub chance { return rand() < $_[0] }
sub customers { return map { "pass:test:$space-$_" } 1 .. 4 }
sub guests { return map { "pass:test:$space-guest-$_" } 1 .. 9 } # they come, and are merged
sub customer { return chance(0.02) ? 'pass:test:nobody' : chance(0.15) ? one_of(guests()) : one_of(customers()) }
sub id { my ($kind, $many) = @_; return "$space-$kind" . int rand $many }
sub fresh { return "$space-$$-" . ++$serial }
sub literal { return defined $_[0] ? mega_test::quoted("$_[0]") : 'NULL' }
sub argument { my ($name, $value) = @_; return defined $value ? ", $name => $value" : '' }

#
# Operations: what they are, in random numbers …
#

my @tags = (qw(style.minimal style.bold light.soft light.hard motion.pan), 'ж');
my @moments = map { 1_700_000_000_000_000 + $_ * 500_000 } 0 .. 40; # few, so that ties are frequent

sub some_tags { return [ map { chance(0.1) ? ' ' . one_of(@tags) . ' ' : one_of(@tags) } 0 .. int rand 3 ] }

sub payload {
    my ($type) = @_;
    my %payload;
    $payload{tags} = some_tags() if chance(0.8);
    $payload{tag} = one_of(@tags) if chance(0.2);
    $payload{weight} = one_of(1, 100_000, 2_500_000, 333_333, 1_000_000_000) if $type =~ /like|download/ && chance(0.4);
    $payload{hard_blocks} = some_tags() if chance(0.15);
    if ($type eq 'preference_set') {
        $payload{tag_weights} = { map { one_of(@tags) => chance(0.25) ? undef : one_of(-1000, -1.5, 0, 0.000001, 2.8, 1000) * 1_000_000 } 0 .. int rand 3 } if chance(0.6);
        $payload{remove_hard_blocks} = some_tags() if chance(0.4);
    }
    return \%payload;
}

sub event {
    my $type = one_of(qw(like like dislike download preference_set preference_set create tweak feedback));
    my %event = (kind => 'event', pass => customer(), type => $type, id => id('event', 900), payload => payload($type));
    $event{generation} = id('generation', 30) if chance(0.1);
    $event{time} = one_of(@moments) if chance(0.5);
    $event{time} = (time() + 60 + int rand 100) * 1_000_000 if chance(0.01); # a clock that is ahead
    return \%event;
}

sub movement {
    my %row = (kind => 'record', pass => customer(), delta => chance(0.02) ? 0 : chance(0.45) ? 1 + int rand 30 : -1 - int rand 40, fresh => fresh());
    $row{txn} = id('txn', 300) if chance(0.5);
    $row{reference} = 'order|' . id('order', 200) . '|paid' if chance(0.2);
    $row{allow_negative} = 1 if chance(0.03);
    return \%row;
}

sub raw_row {
    my $kind = one_of(qw(credit credit event step));
    if ($kind eq 'event') {
        my $event = event();
        delete $event->{generation};
        $event->{time} //= one_of(@moments);
        @$event{qw(bad text)} = ('23514', one_of('{"tags": [1]}', '{"weight": 0}', '{"tag": " "}')) if $event->{type} =~ /like/ && chance(0.05);
        return $event;
    }
    if ($kind eq 'step') {
        my %step = (kind => 'step', generation => id('generation', 30), number => int rand 40, type => one_of(qw(scan prompt)), input => int rand 2);
        $step{bad} = '23514' if chance(0.05);
        return \%step;
    }
    my %row = (kind => 'credit', pass => customer(), delta => -20 + int rand 45, txn => chance(0.1) ? id('txn', 300) : fresh());
    $row{reference} = 'order|' . id('order', 200) . '|paid' if chance(0.2);
    $row{bad} = '23514' if chance(0.03);
    return \%row;
}

sub random_operation {
    my $dice = rand 100;
    return movement() if $dice < 15;
    return { kind => 'hold', pass => customer(), amount => int rand 20, id => id('hold', 120) } if $dice < 23;
    return { kind => 'settle', way => one_of(qw(capture capture release)), id => id('hold', 130), amount => chance(0.3) ? -1 + int rand 25 : undef } if $dice < 31;
    return { kind => 'refund', txn => one_of('hold:' . id('hold', 130), id('txn', 300), 'hold:' . id('hold', 130), id('txn', 300), 'revoke:' . id('revoke', 120)), id => id('refund', 150), amount => chance(0.5) ? 1 + int rand 12 : undef } if $dice < 38;
    return { kind => 'revoke', txn => id('txn', 300), id => id('revoke', 150), one_of([ amount => 1 + int rand 12 ], [ up_to => int rand 30 ], [])->@* } if $dice < 41;
    return { kind => 'transfer', from => customer(), to => customer(), amount => chance(0.1) ? undef : int rand 15, id => id('transfer', 120) } if $dice < 45;
    return { kind => 'batch', entries => [ map { movement() } 1 .. 1 + int rand 4 ] } if $dice < 48;
    return { kind => 'raw', copied => chance(0.3), rows => [ map { raw_row() } 1 .. 1 + int rand 5 ] } if $dice < 58;
    return event() if $dice < 70;
    return one_of(
        { kind => 'tweak', parent => id('generation', 30), id => id('generation', 60), event => id('tweak', 60), payload => payload('tweak') },
        { kind => 'feedback', pass => customer(), id => id('feedback', 60), generation => chance(0.3) ? id('generation', 30) : undef },
        { kind => 'scan', id => id('generation', 30) }) if $dice < 73;
    return { kind => 'create', id => id('generation', 30), pass => customer() } if $dice < 78;
    my $status = one_of(qw(queued scanning prompting generating postscan done error));
    my @vars = chance(0.5) ? (vars => { map { 'k' . int(rand 6) => chance(0.3) ? undef : int rand 100 } 0 .. int rand 3 }) : ();
    return { kind => 'update', id => id('generation', 30), status => chance(0.4) ? $status : undef, @vars } if $dice < 82;
    return { kind => 'update', raw => 1, id => id('generation', 30), status => $status } if $dice < 84;
    return { kind => 'end', way => one_of(qw(done error)), id => id('generation', 30), hold => chance(0.3) ? id('hold', 130) : undef, url => 'https://assets.example.com/' . int(rand 3) . '.png' } if $dice < 86;
    return { kind => 'step', generation => id('generation', 32), type => one_of(qw(scan prompt)), input => int rand 2, number => chance(0.3) ? -1 + int rand 40 : undef,
        status => chance(0.1) ? $status : undef } if $dice < 96;
    return { kind => 'theme', pass => one_of(customers()), theme => int rand 100 } if $dice < 96.6;
    return { kind => 'guest', pass => one_of(guests()) } if $dice < 97.2;
    return { kind => 'merge', source => one_of(guests()), target => one_of(customers(), guests()) } if $dice < 97.7;
    return one_of(
        { kind => 'claim', worker => one_of(qw(w1 w2)), most => 1 + int rand 3, over => chance(0.6) },
        { kind => 'extend', worker => one_of(qw(w1 w2)), id => id('generation', 30), over => chance(0.5) },
        { kind => 'usage', pass => customer(), by => one_of(qw(day month reason source model)) }) if $dice < 99;
    my $who = one_of(customers());
    return one_of(
        { kind => 'forbidden', state => 'MG006', sql => "UPDATE mega_customers SET mg_credits = mg_credits + 1 WHERE mg_pass_id = '$who'" },
        { kind => 'forbidden', state => 'MG006', sql => "UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{\"source\": \"me\"}' WHERE mg_pass_id = '$who'" },
        { kind => 'forbidden', state => 'MG005', sql => "DELETE FROM mega_customers WHERE mg_pass_id = '$who'" },
        { kind => 'forbidden', state => 'MG005', sql => 'TRUNCATE mega_generations' },
        { kind => 'event', pass => $who, type => 'like', id => fresh(), payload => {}, text => '{"tags": "x"}', bad => '22023' },
        { kind => 'event', pass => $who, type => 'like', id => fresh(), payload => {}, text => '{"u": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}', bad => 'MG008' },
        { kind => 'event', pass => $who, type => 'view', id => fresh(), payload => {}, bad => '22023' });
}

#
# … and in SQL.
#

sub moment { my ($time) = @_; return defined $time ? sprintf "timestamptz 'epoch' + %d * interval '1 microsecond'", $time : undef }
sub lease { my ($o) = @_; return $o->{over} ? '1 microsecond' : '1 hour' }
sub vars_text { my ($vars) = @_; return '{' . join(', ', map { qq("$_": ) . ($vars->{$_} // 'null') } sort keys %$vars) . '}' }

sub entry {
    my ($row) = @_;
    my ($ref_type, $ref_id, $reason) = split /\|/, $row->{reference} // '';
    my %entry = (pass_id => $row->{pass}, delta => $row->{delta} + 0, reason => $reason // 'random');
    @entry{qw(ref_type ref_id)} = ($ref_type, $ref_id) if $row->{reference};
    $entry{txn_id} = $row->{txn} if defined $row->{txn};
    $entry{allow_negative} = JSON::PP::true if $row->{allow_negative};
    return \%entry;
}

# A raw row as the columns that raw_sql names.
sub columns_of {
    my ($row) = @_;
    if ($row->{kind} eq 'credit') {
        my ($type, $id, $reason) = split /\|/, $row->{reference} // '';
        return ("credit_transaction:$row->{txn}", $row->{pass}, $row->{bad} ? undef : $row->{delta}, $reason // 'raw', $type, $id, undef, undef, '{}', undef);
    }
    if ($row->{kind} eq 'event') {
        my $meta = sprintf '{"event_type": "%s", "payload": %s}', $row->{type}, $row->{text} // mega_model::payload_text($row->{payload});
        my $second = sprintf '%.6f', $row->{time} / 1_000_000;
        return ("mma_event:$row->{id}", $row->{pass}, undef, undef, undef, undef, POSIX::strftime('%Y-%m-%d %H:%M:%S', gmtime int $second) . substr($second, -7) . '+00', undef, $meta, undef);
    }
    my $payload = $row->{bad} ? qq({"input": $row->{input}}) : qq({"input": {"n": $row->{input}}, "output": {}});
    return ("mma_step:$row->{generation}:$row->{number}", undef, undef, undef, undef, undef, undef, $row->{type}, '{}', $payload);
}

sub raw_sql {
    my ($operation) = @_;
    my $into = 'mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_created_at, mg_step_type, mg_meta, mg_payload)';
    my @rows = map { [ columns_of($_) ] } @{ $operation->{rows} };
    return "INSERT INTO $into VALUES " . join(', ', map { my @values = @$_; '(' . join(', ', map { literal($_) } @values) . ')' } @rows) if !$operation->{copied};
    my $file = "$logs/copy-" . fresh();
    open my $out, '>', $file or die "$file: $!";
    print $out join("\t", map { defined $_ ? $_ : '\N' } @$_), "\n" for @rows;
    close $out;
    return "COPY $into FROM '$file'";
}

my %sql = (
    record => sub {
        my ($o) = @_;
        my ($type, $id, $reason) = map { literal($_) } split /\|/, $o->{reference} // 'a|b|random';
        return "SELECT mg_credits, replayed FROM mega_record_credit('$o->{pass}', $o->{delta}, $reason"
          . ($o->{reference} ? ", ref_type => $type, ref_id => $id" : '') . argument('txn_id', defined $o->{txn} ? literal($o->{txn}) : undef)
          . ($o->{allow_negative} ? ', allow_negative => true' : '') . ')';
    },
    hold => sub { my ($o) = @_; return "SELECT mg_credits, replayed FROM mega_hold_credit('$o->{pass}', $o->{amount}, '$o->{id}')" },
    settle => sub {
        my ($o) = @_;
        return "SELECT outcome, mg_credits FROM mega_capture_credit('$o->{id}'" . argument('amount', $o->{amount}) . ')' if $o->{way} eq 'capture';
        return "SELECT outcome, mg_credits FROM mega_release_credit('$o->{id}')";
    },
    refund => sub { my ($o) = @_; return "SELECT mg_credits, replayed FROM mega_refund_credit('$o->{txn}', '$o->{id}'" . argument('amount', $o->{amount}) . ')' },
    revoke => sub {
        my ($o) = @_;
        return "SELECT mg_credits, revoked, replayed FROM mega_revoke_credit('$o->{id}', '$o->{txn}'" . argument('amount', $o->{amount}) . argument('up_to', $o->{up_to}) . ')';
    },
    transfer => sub { my ($o) = @_; return "SELECT * FROM mega_transfer_credit('$o->{from}', '$o->{to}', " . ($o->{amount} // 'NULL') . ", '$o->{id}')" },
    batch => sub { my ($o) = @_; return 'SELECT * FROM mega_record_credits(' . mega_test::quoted(encode_json([ map { entry($_) } @{ $o->{entries} } ])) . ')' },
    raw => \&raw_sql,
    event => sub {
        my ($o) = @_;
        return "SELECT replayed FROM mega_record_mma_event('$o->{pass}', '$o->{type}', " . mega_test::quoted($o->{text} // mega_model::payload_text($o->{payload}))
          . argument('generation_id', defined $o->{generation} ? literal($o->{generation}) : undef) . ", event_id => '$o->{id}'" . argument('created_at', moment($o->{time})) . ')';
    },
    create => sub { my ($o) = @_; return "SELECT created FROM mega_create_generation('$o->{pass}', '$o->{id}')" },
    update => sub {
        my ($o) = @_;
        return "UPDATE mega_generations SET mg_mma_status = '$o->{status}' WHERE mg_id = 'generation:$o->{id}'" if $o->{raw};
        return "SELECT mg_mma_status FROM mega_update_generation('$o->{id}', " . literal($o->{status}) . argument('vars', $o->{vars} ? mega_test::quoted(vars_text($o->{vars})) : undef) . ')';
    },
    end => sub {
        my ($o) = @_;
        my $hold = argument('hold_id', defined $o->{hold} ? literal($o->{hold}) : undef);
        return "SELECT mg_mma_status FROM mega_complete_generation('$o->{id}', '$o->{url}'$hold)" if $o->{way} eq 'done';
        return "SELECT mg_mma_status FROM mega_fail_generation('$o->{id}', 'broken'$hold)";
    },
    step => sub {
        my ($o) = @_;
        return "SELECT mg_step_no, replayed FROM mega_append_mma_step('$o->{generation}', '$o->{type}', '{\"n\": $o->{input}}'" . argument('at_step', $o->{number})
          . argument('mma_status', defined $o->{status} ? literal($o->{status}) : undef) . ')';
    },
    claim => sub { my ($o) = @_; return "SELECT mg_generation_id, mg_mma_status, attempt FROM mega_claim_generations('$o->{worker}', $o->{most}, '" . lease($o) . "')" },
    extend => sub { my ($o) = @_; return "SELECT mega_extend_claim('$o->{id}', '$o->{worker}', '" . lease($o) . "')" },
    usage => sub {
        my ($o) = @_;
        return "SELECT sum(granted - spent + returned - expired), sum(movements) FROM mega_usage('$o->{pass}', now() - interval '1 day', now() + interval '1 minute', '$o->{by}')";
    },
    tweak => sub {
        my ($o) = @_;
        return "SELECT created FROM mega_tweak_generation('$o->{parent}', '$o->{id}', " . mega_test::quoted(mega_model::payload_text($o->{payload})) . ", '$o->{event}')";
    },
    feedback => sub {
        my ($o) = @_;
        return "SELECT created FROM mega_record_feedback('$o->{pass}', '$o->{id}'" . argument('generation_id', defined $o->{generation} ? literal($o->{generation}) : undef) . ", comment => 'dark')";
    },
    scan => sub { my ($o) = @_; return "SELECT mega_append_scan_line('$o->{id}', 'a line')" },
    guest => sub { my ($o) = @_; return "SELECT created FROM mega_ensure_customer('$o->{pass}')" },
    merge => sub { my ($o) = @_; return "SELECT mg_credits, replayed FROM mega_merge_customers('$o->{source}', '$o->{target}')" },
    theme => sub { my ($o) = @_; return "UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{\"theme\": $o->{theme}}' WHERE mg_pass_id = '$o->{pass}'" },
    forbidden => sub { return $_[0]{sql} },
);
sub sql_of { my ($operation) = @_; return $sql{ $operation->{kind} }->($operation) }

1;
