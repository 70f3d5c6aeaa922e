# Random operations on few customers, with few ids, good and bad: what they are, for mega_model.pm to predict and for
# mega_statements.pm to say in SQL.
package mega_operations;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(start_space customers guests leavers random_operation one_of connect_client fresh know_claims);

my ($node, $logs);
my $space;      # a name in front of every id: parts of a test share nothing
my $serial = 0;
my @recent;     # operations that may come again
my @claims;     # on top-ups, that were handed out lately: [customer, id]

# Makes the customers of a part. What clients complain of goes to the directory.
sub start_space {
    ($node, $logs, $space) = @_;
    @recent = @claims = ();
    $node->safe_psql('postgres', "INSERT INTO mega_customers (mg_pass_id) VALUES ('$_')") for customers();
    return;
}

sub connect_client { my ($name) = @_; return mega_client->connect($node, 'postgres', "$logs/$name.errors") }

sub one_of { return $_[ int rand @_ ] }
sub chance { return rand() < $_[0] }
sub customers { return map { "pass:test:$space-$_" } 1 .. 4 }
sub guests { return map { "pass:test:$space-guest-$_" } 1 .. 9 } # they come, and are merged
sub leavers { return map { "pass:test:$space-leaver-$_" } 1 .. 3 } # they come, and are erased
sub customer { return chance(0.02) ? 'pass:test:nobody' : chance(0.15) ? one_of(guests()) : one_of(customers()) }
sub id { my ($kind, $many) = @_; return "$space-$kind" . int rand $many }
sub fresh { return "$space-$$-" . ++$serial }

my @tags = (qw(style.minimal style.bold light.soft light.hard motion.pan), 'ж');
my @moments = map { 1_700_000_000_000_000 + $_ * 500_000 } 0 .. 40; # few, so that ties are frequent

sub some_tags { return [ map { chance(0.1) ? ' ' . one_of(@tags) . ' ' : one_of(@tags) } 0 .. int rand 3 ] }

sub payload {
    my ($type) = @_;
    my %payload;
    $payload{tags} = some_tags() if chance(0.8);
    $payload{tag} = one_of(@tags) if chance(0.2);
    $payload{weight} = one_of(1, 100_000, 2_500_000, 333_333, 1_000_000_000) if $type =~ /like|download/ && chance(0.4);
    $payload{undo} = chance(0.8) if $type =~ /like/ && chance(0.25);
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
    $event{generation} = id('generation', 30) if chance(0.3);
    $event{time} = one_of(@moments) if chance(0.5);
    $event{time} = (time() + 60 + int rand 100) * 1_000_000 if chance(0.01); # a clock that is ahead
    return \%event;
}

sub movement {
    my %row = (kind => 'record', pass => customer(), delta => chance(0.02) ? 0 : chance(0.45) ? 1 + int rand 30 : -1 - int rand 40, fresh => fresh());
    $row{txn} = id('txn', 300) if chance(0.5);
    $row{reference} = 'order|' . id('order', 200) . '|paid' if chance(0.2);
    $row{allow_negative} = 1 if chance(0.03);
    if ($row{delta} > 0 && chance(0.4)) { # a lot, whose id is known
        $row{ends} = (4_000_000_000 + int rand 3) * 1_000_000;
        $row{txn} //= fresh();
    }
    return \%row;
}

sub step {
    my %step = (type => one_of(qw(scan prompt)), input => int rand 2, number => chance(0.3) ? -1 + int rand 40 : undef);
    $step{status} = one_of(qw(queued scanning prompting generating postscan done error)) if chance(0.1);
    return \%step;
}

sub bad_event {
    my ($pass) = @_;
    my %event = (kind => 'event', pass => $pass, type => 'like', id => fresh(), payload => {}, bad => '22023');
    return { %event, one_of([ text => '{"tags": "x"}' ], [ type => 'view' ], [ text => '{"u": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0"}', bad => 'MG008' ])->@* };
}

# Of what mega_claim_topups answered.
sub know_claims {
    push @claims, map { [ (split /\|/)[ 0, 2 ] ] } @_;
    splice @claims, 0, @claims - 12 if @claims > 12;
    return;
}

# A charge, mostly of a claim that was handed out: how it begins and how it ends.
sub charge {
    my ($who, $claim) = @claims && chance(0.95) ? $claims[ -1 - int rand(@claims > 3 && chance(0.7) ? 3 : @claims) ]->@* : (customer(), fresh());
    my %topup = (kind => 'topup', pass => chance(0.9) ? $who : customer(), per => one_of(1, 10, 10), packs => chance(0.5) ? 1 + int rand 3 : undef, fresh => fresh());
    return one_of(
        { kind => 'auto', pass => chance(0.3) ? one_of(guests()) : one_of(customers()), on => chance(0.9), packs => one_of(undef, 1, 2), limit => one_of(undef, 4, 8, 20) },
        { kind => 'charge', threshold => one_of(0, 20, 60), most => one_of(1, 2, 100), over => chance(0.4) },
        { kind => 'charge', threshold => one_of(20, 60, 1000), most => 100, over => chance(0.4) },
        { kind => 'decline', claim => $claim, later => chance(0.3) },
        { %topup, reference => 'order|' . id('paid', 200) . '|topup', automatic => chance(0.5) },
        { %topup, claim => $claim, reference => chance(0.3) ? 'order|' . id('paid', 200) . '|topup' : undef },
        { %topup, claim => $claim });
}

sub raw_row {
    my $kind = one_of(qw(credit credit event step));
    if ($kind eq 'event') {
        my $event = event();
        $event->{about} = delete $event->{generation};
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

# A new one, a read, or one that was there lately, as clients repeat what they sent.
sub random_operation {
    my $dice = rand;
    return random_read() if $dice < 0.08;
    return again(one_of(@recent)) if $dice < 0.12 && @recent;
    my $operation = new_operation();
    push @recent, $operation;
    shift @recent if @recent > 40;
    return $operation;
}

# What has no id of its own gets another one from the server.
sub again {
    my ($operation) = @_;
    my %copy = %$operation;
    $copy{fresh} = fresh() if defined $copy{fresh};
    $copy{entries} = [ map { again($_) } @{ $copy{entries} } ] if $copy{entries};
    return \%copy;
}

sub random_read {
    return one_of(
        { kind => 'balance', pass => customer() },
        { kind => 'lots', pass => customer() },
        { kind => 'lots', pass => customer() },
        { kind => 'usage', pass => customer(), by => one_of(qw(day month reason source model)) },
        { kind => 'likes', pass => customer(), most => one_of(1, 3, 1000) },
        { kind => 'likes', pass => customer(), most => one_of(1, 3, 1000) },
        { kind => 'due', threshold => one_of(0, 30, 1000) },
        { kind => 'history', pass => customer(), most => one_of(2, 5, 1000), status => chance(0.3) ? one_of(qw(queued generating done error)) : undef },
        { kind => 'look', id => id('generation', 60), pass => chance(0.3) ? customer() : undef },
        { kind => 'look', id => id('generation', 30) });
}

sub new_operation {
    my $dice = rand 100;
    return movement() if $dice < 15;
    return { kind => 'hold', pass => customer(), amount => int rand 20, id => id('hold', 120) } if $dice < 23;
    return { kind => 'settle', way => one_of(qw(capture capture release)), id => id('hold', 130), amount => chance(0.3) ? -1 + int rand 25 : undef } if $dice < 31;
    return { kind => 'refund', txn => one_of('hold:' . id('hold', 130), id('txn', 300), 'hold:' . id('hold', 130), id('txn', 300), 'revoke:' . id('revoke', 120)), id => id('refund', 150), amount => chance(0.5) ? 1 + int rand 12 : undef } if $dice < 38;
    return { kind => 'revoke', txn => id('txn', 300), id => id('revoke', 150), one_of([ amount => 1 + int rand 12 ], [ up_to => int rand 30 ], [])->@* } if $dice < 41;
    return { kind => 'transfer', from => customer(), to => customer(), amount => chance(0.1) ? undef : int rand 15, id => id('transfer', 120) } if $dice < 45;
    return { kind => 'batch', entries => [ map { movement() } 1 .. 1 + int rand 4 ] } if $dice < 48;
    return { kind => 'raw', copied => chance(0.3), rows => [ map { raw_row() } 1 .. 1 + int rand 5 ] } if $dice < 58;
    return event() if $dice < 67;
    return charge() if $dice < 71.5;
    return one_of(
        { kind => 'tweak', parent => id('generation', 30), id => id('generation', 60), event => id('tweak', 60), payload => payload('tweak') },
        { kind => 'feedback', pass => customer(), id => id('feedback', 60), generation => chance(0.3) ? id('generation', 30) : undef },
        { kind => 'delete', id => id('generation', 40) }, { kind => 'delete', id => id('generation', 40), back => 1 },
        { kind => 'scan', id => id('generation', 30) }) if $dice < 75;
    return { kind => 'create', id => id('generation', 30), pass => customer() } if $dice < 79;
    my $status = one_of(qw(queued scanning prompting generating postscan done error));
    my @vars = chance(0.5) ? (vars => { map { 'k' . int(rand 6) => chance(0.3) ? undef : int rand 100 } 0 .. int rand 3 }) : ();
    return { kind => 'update', id => id('generation', 30), status => chance(0.4) ? $status : undef, @vars } if $dice < 83;
    return { kind => 'update', raw => 1, id => id('generation', 30), status => $status } if $dice < 84.5;
    return { kind => 'end', way => one_of(qw(done error)), id => id('generation', 30), hold => chance(0.3) ? id('hold', 130) : undef, url => 'https://assets.example.com/' . int(rand 3) . '.png' } if $dice < 86;
    return { kind => 'step', generation => id('generation', 32), step()->%* } if $dice < 93;
    return { kind => 'steps', generation => id('generation', 32), entries => [ map { step() } 1 .. 1 + int rand 5 ] } if $dice < 94.5;
    return { kind => 'events', entries => [ map { chance(0.02) ? bad_event(customer()) : event() } 1 .. 1 + int rand 6 ] } if $dice < 96;
    return { kind => 'theme', pass => one_of(customers()), theme => int rand 100 } if $dice < 96.6;
    return { kind => 'guest', pass => one_of(guests()) } if $dice < 97.2;
    return { kind => 'merge', source => one_of(guests()), target => one_of(customers(), guests()) } if $dice < 97.7;
    return one_of(
        { kind => 'claim', worker => one_of(qw(w1 w2)), most => 1 + int rand 3, over => chance(0.6) },
        { kind => 'extend', worker => one_of(qw(w1 w2)), id => id('generation', 30), over => chance(0.5) }) if $dice < 99;
    my $who = one_of(customers());
    return one_of(
        { kind => 'forbidden', state => 'MG006', sql => "UPDATE mega_customers SET mg_credits = mg_credits + 1 WHERE mg_pass_id = '$who'" },
        { kind => 'forbidden', state => 'MG006', sql => "UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{\"source\": \"me\"}' WHERE mg_pass_id = '$who'" },
        { kind => 'forbidden', state => 'MG005', sql => "DELETE FROM mega_customers WHERE mg_pass_id = '$who'" },
        { kind => 'forbidden', state => 'MG005', sql => 'TRUNCATE mega_generations' },
        bad_event($who), bad_event($who), bad_event($who));
}

1;
