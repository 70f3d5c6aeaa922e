# The rules of credits, events, steps and generations once more, as simple as they can be said: plain Perl over lists in
# memory. It predicts what each operation answers, and what is in the tables afterwards. It shares nothing with the
# extension, so that the two have to agree by being right.
package mega_model;

use strict;
use warnings;

my @stages = qw(queued scanning prompting generating postscan done error);
my %rank = map { $stages[$_] => $_ } 0 .. $#stages;

sub new {
    my ($class, @customers) = @_;
    return bless {
        credits => { map { $_ => 0 } @customers },
        rows => {},        # credit rows by txn id: pass, delta, status, refund_of
        references => {},  # type|id|reason of credit rows
        events => {},      # by event id: pass, type, payload, generation, time (microseconds)
        generations => {}, # by id: pass, status, url, vars (of the lines of a scan how many), steps, parent
        feedback => {},    # by id: pass
        themes => {},      # the application's own key in the preferences
        roots => {},       # of who was merged: into whom
    }, $class;
}

# Who goes on for a pass id.
sub root { my ($self, $pass) = @_; return defined $pass ? $self->{roots}{$pass} // $pass : undef }

# The operation, its customers those who go on.
sub resolved {
    my ($self, $operation) = @_;
    my %copy = (%$operation, alike => ($operation->{from} // '') eq ($operation->{to} // ''));
    $copy{$_} = $self->root($copy{$_}) for grep { exists $copy{$_} } qw(pass from to);
    for my $list (grep { $copy{$_} } qw(entries rows)) {
        $copy{$list} = [ map { $self->resolved($_) } @{ $copy{$list} } ];
    }
    return \%copy;
}

# What the operation must answer: the SQLSTATE, and what it returns ('*' when that cannot be known). Success changes the
# model when `commit` is called with what came back.
sub predict {
    my ($self, $operation) = @_;
    my $method = "on_$operation->{kind}";
    return $self->$method($operation->{kind} eq 'merge' ? $operation : $self->resolved($operation));
}

# Of several faults in one statement any may be the one that is told.
sub refused { my (@states) = @_; return { state => $states[0], states => { map { $_ => 1 } @states } } }
sub success { my ($answer, $commit) = @_; return { state => '00000', states => { '00000' => 1 }, answer => $answer, commit => $commit // sub { } } }

sub flag { return $_[0] ? 't' : 'f' }

#
# Credits (I1, I3, I4)
#

sub write_row {
    my ($self, $txn, $pass, $delta, %more) = @_;
    $self->{rows}{$txn} = { pass => $pass, delta => $delta, names => $more{reference} // 'random', %more };
    $self->{references}{ $more{reference} } = $txn if $more{reference};
    $self->{credits}{$pass} += $delta;
    return;
}

# A movement by its txn id and its reference: new, the same again, or MG002: a repeat agrees in customer, delta, reason and
# reference.
sub on_record {
    my ($self, $operation) = @_;
    my ($pass, $delta, $txn, $reference) = @$operation{qw(pass delta txn reference)};
    return refused('22023') if $delta == 0;
    my @found = grep { defined } (defined $txn ? ($self->{rows}{$txn} && $txn) : ()), ($reference ? $self->{references}{$reference} : ());
    return refused('MG002') if @found == 2 && $found[0] ne $found[1];
    if (@found) {
        my $first = $self->{rows}{ $found[0] };
        return refused('MG002') if $first->{pass} ne $pass || $first->{delta} != $delta || $first->{names} ne ($reference // 'random');
        return refused('MG010') if ($operation->{status} // '') eq 'pending' && $first->{status} ne 'pending';
        return success("$self->{credits}{$pass}|t");
    }
    my $credits = $self->{credits}{$pass} // return refused('23503');
    return refused('MG001') if $delta < 0 && !$operation->{allow_negative} && $credits + $delta < 0;
    my %more = map { $_ => $operation->{$_} } grep { defined $operation->{$_} } qw(reference status);
    return success(($credits + $delta) . '|f', sub { $self->write_row($txn // $operation->{fresh}, $pass, $delta, %more) });
}

sub on_hold {
    my ($self, $operation) = @_;
    my ($pass, $amount, $id) = @$operation{qw(pass amount id)};
    return refused('22023') if $amount <= 0;
    return $self->on_record({ pass => $pass, delta => -$amount, txn => "hold:$id", reference => "hold|$id|hold", status => 'pending' });
}

# What a hold took in the end.
sub taken {
    my ($self, $id) = @_;
    my $sum = 0;
    $sum -= $_->{delta} for grep { defined } map { $self->{rows}{"$_:$id"} } qw(hold capture release);
    return $sum;
}

# Settling a hold: (outcome, rows to write, new status), or a SQLSTATE.
sub settle {
    my ($self, $id, $way, $amount) = @_;
    my $hold = $self->{rows}{"hold:$id"} // return 'MG003';
    my ($status, $held, $credits) = ($hold->{status}, -$hold->{delta}, $self->{credits}{ $hold->{pass} });
    my $done = sub {
        my ($outcome, $delta, $new_status) = @_;
        return ('', $outcome, $credits + $delta, sub {
            $self->write_row("$way:$id", $hold->{pass}, $delta, reference => "hold|$id|$way") if $delta != 0;
            $hold->{status} = $new_status;
        }, $hold->{pass});
    };
    if ($way eq 'release') {
        return $done->('already_captured', 0, $status) if $status eq 'succeeded';
        return $done->('already_released', 0, $status) if $status eq 'failed';
        return $done->('released', $held, 'failed');
    }
    if ($status eq 'succeeded') {
        return 'MG002' if defined $amount && $amount != $self->taken($id);
        return $done->('already_captured', 0, $status);
    }
    my $back = ($status eq 'failed' ? 0 : $held) - ($amount // $held);
    return 'MG001' if $back < 0 && $credits + $back < 0;
    return $done->($status eq 'failed' ? 'recaptured' : 'captured', $back, 'succeeded');
}

sub on_settle {
    my ($self, $operation) = @_;
    return refused('22023') if $operation->{way} eq 'capture' && ($operation->{amount} // 0) < 0;
    my ($state, $outcome, $credits, $commit) = $self->settle(@$operation{qw(id way amount)});
    return $state ? refused($state) : success("$outcome|$credits", $commit);
}

# A refund of a spend, or of a captured hold (txn hold:<id>); never more in sum than was spent.
sub on_refund {
    my ($self, $operation) = @_;
    my ($txn, $id, $amount) = @$operation{qw(txn id amount)};
    my $spend = $self->{rows}{$txn} // return refused('MG003');
    my $pass = $spend->{pass};
    if (my $first = $self->{rows}{"refund:$id"}) {
        return refused('MG002') if $first->{pass} ne $pass || $first->{delta} != ($amount // $first->{delta}) || $first->{refund_of} ne $txn;
        return success("$self->{credits}{$pass}|t");
    }
    my $of_hold = $txn =~ /^hold:(.*)/ ? $1 : undef;
    return refused('22023') if defined $of_hold ? $spend->{status} eq 'pending' : $spend->{delta} > 0;
    my $left = defined $of_hold ? $self->taken($of_hold) : -$spend->{delta};
    $left -= $_->{delta} for grep { ($_->{refund_of} // '') eq $txn } values %{ $self->{rows} };
    return refused('MG012') if $left <= 0 || ($amount // 0) > $left;
    my $back = $amount // $left;
    return success(($self->{credits}{$pass} + $back) . '|f',
        sub { $self->write_row("refund:$id", $pass, $back, refund_of => $txn, reference => "refund|$id|refund") });
}

# What was taken back of a grant and not restored.
sub revoked {
    my ($self, $txn) = @_;
    my $sum = 0;
    for my $id (grep { ($self->{rows}{$_}{revoke_of} // '') eq $txn } keys %{ $self->{rows} }) {
        $sum -= $self->{rows}{$id}{delta};
        $sum -= $_->{delta} for grep { ($_->{refund_of} // '') eq $id } values %{ $self->{rows} };
    }
    return $sum;
}

# A grant is taken back: an amount, up to a total, or what is left; never more in sum than was granted (I16).
sub on_revoke {
    my ($self, $operation) = @_;
    my ($txn, $id, $amount, $up_to) = @$operation{qw(txn id amount up_to)};
    if (my $first = $self->{rows}{"revoke:$id"}) {
        return refused('MG002') if $first->{revoke_of} ne $txn || defined $amount && $amount != -$first->{delta} || defined $up_to && $up_to != ($first->{up_to} // -1);
        return success("$self->{credits}{ $first->{pass} }|" . -$first->{delta} . '|t');
    }
    my $grant = $self->{rows}{$txn} // return refused('MG003');
    return refused('22023') if $grant->{delta} <= 0;
    my $revoked = $self->revoked($txn);
    my $left = $grant->{delta} - $revoked;
    return refused('MG012') if ($amount // 0) > $left || ($up_to // 0) > $grant->{delta};
    my $taken = $amount // (defined $up_to ? $up_to - $revoked : $left);
    $taken = 0 if $taken < 0;
    $taken = $left if $taken > $left;
    my $credits = $self->{credits}{ $grant->{pass} };
    return refused('MG001') if $taken > 0 && $credits < $taken;
    return success(($credits - $taken) . "|$taken|f",
        sub { $self->write_row("revoke:$id", $grant->{pass}, -$taken, revoke_of => $txn, up_to => $up_to, reference => "revoke|$id|revoke") });
}

sub on_transfer {
    my ($self, $operation) = @_;
    my ($from, $to, $amount, $id) = @$operation{qw(from to amount id)};
    return refused('22023') if $operation->{alike} || ($amount // 1) <= 0;
    my ($out, $in) = map { $self->{rows}{"transfer:$id:$_"} } qw(out in);
    if ($out) {
        return refused('MG002') if $out->{pass} ne $from || $in->{pass} ne $to || $in->{delta} != ($amount // $in->{delta});
        return success("$self->{credits}{$from}|$self->{credits}{$to}|t");
    }
    return refused('23503') if grep { !defined $self->{credits}{$_} } $from, $to;
    return refused('22023') if $from eq $to; # by now
    $amount //= $self->{credits}{$from} > 0 ? $self->{credits}{$from} : 1; # all that can be spent
    return refused('MG001') if $self->{credits}{$from} < $amount;
    return success(($self->{credits}{$from} - $amount) . '|' . ($self->{credits}{$to} + $amount) . '|f', sub {
        $self->write_row("transfer:$id:out", $from, -$amount, reference => "transfer|$id|transfer_out");
        $self->write_row("transfer:$id:in", $to, $amount, reference => "transfer|$id|transfer_in");
    });
}

# What was used adds up to the balance, and counts every movement.
sub on_usage {
    my ($self, $operation) = @_;
    my $credits = $self->{credits}{ $operation->{pass} } // return refused('23503');
    my @rows = grep { $_->{pass} eq $operation->{pass} } values %{ $self->{rows} };
    return success(@rows ? "$credits|" . @rows : '|');
}

# Many movements, all or none. Played on a copy of what they touch.
sub on_batch {
    my ($self, $operation) = @_;
    my $copy = mega_model->new;
    $copy->{$_} = { %{ $self->{$_} } } for qw(credits rows references);
    my ($written, $replayed) = (0, 0);
    my @faults;
    my @entries = sort { $a->{pass} cmp $b->{pass} } @{ $operation->{entries} };
    return refused('22023') if grep { $_->{delta} == 0 } @entries;
    for my $entry (@entries) {
        my $expected = $copy->on_record($entry);
        if ($expected->{state} ne '00000') {
            push @faults, $expected->{state};
            next;
        }
        $expected->{answer} =~ /t$/ ? $replayed++ : $written++;
        $expected->{commit}->();
    }
    return refused(@faults) if @faults;
    return success("$written|$replayed", sub { $self->{$_} = $copy->{$_} for qw(credits rows references) });
}

#
# A customer who comes, and one who turns out to be another one: what he has and did is the other's.
#

sub on_guest {
    my ($self, $operation) = @_;
    my $pass = $operation->{pass};
    return success('f') if defined $self->{credits}{$pass};
    return success('t', sub { $self->{credits}{$pass} = 0 });
}

sub on_merge {
    my ($self, $operation) = @_;
    my ($source, $target) = ($operation->{source}, $self->root($operation->{target}));
    return refused('22023') if $source eq $operation->{target};
    return refused('23503') if grep { !defined $self->{credits}{ $self->root($_) } } $source, $target;
    return refused('22023') if $source eq $target; # by now
    if (my $into = $self->{roots}{$source}) {
        return $into eq $target ? success("$self->{credits}{$target}|t") : refused('MG009');
    }
    my $credits = $self->{credits}{$source} + $self->{credits}{$target};
    return success("$credits|f", sub {
        $_->{pass} = $target for grep { $_->{pass} eq $source } map { values %{ $self->{$_} } } qw(rows events generations feedback);
        $self->{roots}{$_} = $target for $source, grep { $self->{roots}{$_} eq $source } keys %{ $self->{roots} };
        $self->{credits}{$target} = $credits;
        delete $self->{credits}{$source};
    });
}

#
# Raw rows of every type in one statement. A row may say what is wrong with it: `bad` is its SQLSTATE.
#

sub place_of {
    my ($row) = @_;
    return "step $row->{generation}:$row->{number}" if $row->{kind} eq 'step';
    return $row->{kind} eq 'credit' ? "credit $row->{txn}" : "event $row->{id}";
}

sub is_there {
    my ($self, $row) = @_;
    return $self->{rows}{ $row->{txn} } || ($row->{reference} && $self->{references}{ $row->{reference} }) if $row->{kind} eq 'credit';
    return $self->{events}{ $row->{id} } if $row->{kind} eq 'event';
    my $generation = $self->{generations}{ $row->{generation} };
    return $generation && $generation->{steps}{ $row->{number} };
}

sub on_raw {
    my ($self, $operation) = @_;
    my @rows = @{ $operation->{rows} };
    my (%seen, @faults);
    for my $row (@rows) {
        push @faults, $row->{bad} if $row->{bad};
        push @faults, '23514' if $row->{kind} eq 'credit' && $row->{delta} == 0;
        push @faults, '23505' if $self->is_there($row) || $seen{ place_of($row) }++ || ($row->{reference} && $seen{"reference $row->{reference}"}++);
        push @faults, '23503' if defined $row->{pass} ? !defined $self->{credits}{ $row->{pass} } : !$self->{generations}{ $row->{generation} };
    }
    return refused(@faults) if @faults;
    return success('', sub {
        for my $row (@rows) {
            if ($row->{kind} eq 'credit') { $self->write_row($row->{txn}, $row->{pass}, $row->{delta}, reference => $row->{reference}, names => $row->{reference} // 'raw') }
            elsif ($row->{kind} eq 'event') { $self->{events}{ $row->{id} } = {%$row} }
            else { $self->{generations}{ $row->{generation} }{steps}{ $row->{number} } = { type => $row->{type}, input => $row->{input} } }
        }
    });
}

#
# Generations and steps (I7, I9)
#

sub may_move {
    my ($from, $to, $has_url) = @_;
    return 1 if $from eq $to;
    return 0 if $from eq 'done';
    return $to eq 'done' && $has_url if $from eq 'error';
    return $rank{$from} < $rank{$to};
}

sub on_create {
    my ($self, $operation) = @_;
    my ($id, $pass) = @$operation{qw(id pass)};
    my $there = $self->{generations}{$id};
    return refused('23503') if !defined $self->{credits}{$pass};
    return refused('MG002') if $there && $there->{pass} ne $pass;
    return success('f') if $there;
    return success('t', sub { $self->{generations}{$id} = { pass => $pass, status => 'queued', vars => {}, steps => {}, made => ++$self->{made} } });
}

# Those that wait, oldest first: queued and never claimed, or claimed and the lease over.
sub on_claim {
    my ($self, $operation) = @_;
    my $all = $self->{generations};
    my @waiting = grep { $all->{$_}{status} !~ /^(done|error)$/ && ($all->{$_}{claim} ? $all->{$_}{claim}{over} : $all->{$_}{status} eq 'queued') }
      sort { $all->{$a}{made} <=> $all->{$b}{made} } keys %$all;
    splice @waiting, $operation->{most} if @waiting > $operation->{most};
    my @answers = map { "$_|$all->{$_}{status}|" . ((($all->{$_}{claim} // {})->{attempt} // 0) + 1) } @waiting;
    return success(join("\n", @answers), sub {
        $all->{$_}{claim} = { worker => $operation->{worker}, over => $operation->{over}, attempt => (($all->{$_}{claim} // {})->{attempt} // 0) + 1 } for @waiting;
    });
}

# A worker has a claim for longer, as long as nobody took it over.
sub on_extend {
    my ($self, $operation) = @_;
    my $generation = $self->{generations}{ $operation->{id} } // return refused('MG003');
    my $stands = $generation->{status} !~ /^(done|error)$/ && (($generation->{claim} // {})->{worker} // '') eq $operation->{worker};
    return success(flag($stands), sub { $generation->{claim}{over} = $operation->{over} if $stands });
}

sub on_update {
    my ($self, $operation) = @_;
    my $generation = $self->{generations}{ $operation->{id} };
    return refused('22023') if !$operation->{raw} && ($operation->{status} // '') =~ /^(done|error)$/;
    return $operation->{raw} ? success('') : refused('MG003') if !$generation;
    my $status = $operation->{status} // $generation->{status};
    return refused('MG007') if !may_move($generation->{status}, $status, defined $generation->{url});
    return success($operation->{raw} ? '' : $status, sub {
        $generation->{status} = $status;
        my $vars = $operation->{vars} // {};
        for my $key (keys %$vars) {
            if (defined $vars->{$key}) { $generation->{vars}{$key} = $vars->{$key} }
            else { delete $generation->{vars}{$key} }
        }
    });
}

# Completing and failing, with the hold that paid.
sub on_end {
    my ($self, $operation) = @_;
    my $way = $operation->{way};
    my ($hold_pass, $settle);
    if (defined $operation->{hold}) {
        (my $state, undef, undef, $settle, $hold_pass) = $self->settle($operation->{hold}, $way eq 'done' ? 'capture' : 'release');
        return refused($state) if $state;
    }
    my $generation = $self->{generations}{ $operation->{id} } // return refused('MG003');
    return refused('23514') if defined $hold_pass && $hold_pass ne $generation->{pass};
    my $done = $generation->{status} eq 'done';
    return refused('MG007') if $way eq 'error' && $done;
    return refused('MG002') if $way eq 'done' && $done && defined $generation->{url} && $generation->{url} ne $operation->{url};
    return success($way, sub {
        $settle->() if $settle;
        $generation->{status} = $way;
        $generation->{url} = $operation->{url} if $way eq 'done';
    });
}

sub on_step {
    my ($self, $operation) = @_;
    my $nonsense = ($operation->{status} // '') eq 'done';
    return refused('22023') if ($operation->{number} // 0) < 0 || $nonsense && !defined $operation->{number};
    my $generation = $self->{generations}{ $operation->{generation} } // return refused('MG003');
    my ($last) = sort { $b <=> $a } keys %{ $generation->{steps} };
    my $number = $operation->{number} // (defined $last ? $last + 1 : 0);
    if (my $there = $generation->{steps}{$number}) {
        return refused('MG002') if $there->{type} ne $operation->{type} || $there->{input} ne $operation->{input};
        return success("$number|t");
    }
    return refused('22023') if $nonsense; # of a new step: one that is there is looked for before
    my $status = $operation->{status} // $generation->{status};
    return refused('MG007') if !may_move($generation->{status}, $status, defined $generation->{url});
    return success("$number|f", sub {
        $generation->{steps}{$number} = { type => $operation->{type}, input => $operation->{input} };
        $generation->{status} = $status;
    });
}

# A tweak and the generation that follows from it: both, once by the event's id, or by the child's.
sub on_tweak {
    my ($self, $operation) = @_;
    my ($parent, $id, $event, $payload) = @$operation{qw(parent id event payload)};
    my $of = $self->{generations}{$parent} // return refused('MG003');
    my $pass = $of->{pass};
    if (my $there = $self->{events}{$event}) {
        my $same = $there->{pass} eq $pass && $there->{generation} eq $parent && $there->{child} eq $id && payload_text($there->{payload}) eq payload_text($payload);
        return $same ? success('f') : refused('MG002');
    }
    if (my $there = $self->{generations}{$id}) {
        return $there->{pass} eq $pass && ($there->{parent} // '') eq $parent ? success('f') : refused('MG002');
    }
    return success('t', sub {
        my ($time) = @_;
        $self->{generations}{$id} = { pass => $pass, status => 'queued', vars => {}, steps => {}, made => ++$self->{made}, parent => $parent };
        $self->{events}{$event} = { id => $event, pass => $pass, type => 'tweak', payload => $payload, generation => $parent, child => $id, time => $time };
    });
}

# The first word under an id stays, about the customer's own generation.
sub on_feedback {
    my ($self, $operation) = @_;
    my ($pass, $id, $generation) = @$operation{qw(pass id generation)};
    return refused('23503') if !defined $self->{credits}{$pass};
    if (my $there = $self->{feedback}{$id}) {
        return $there->{pass} eq $pass ? success('f') : refused('MG002');
    }
    if (defined $generation) {
        my $row = $self->{generations}{$generation} // return refused('23503');
        return refused('23514') if $row->{pass} ne $pass;
    }
    return success('t', sub { $self->{feedback}{$id} = { pass => $pass } });
}

sub on_scan {
    my ($self, $operation) = @_;
    my $generation = $self->{generations}{ $operation->{id} } // return refused('MG003');
    my $lines = ($generation->{vars}{userMessages} // 0) + 1;
    return success($lines, sub { $generation->{vars}{userMessages} = $lines });
}

#
# Events and the fold (I2). A payload is {tags => […], weight => micros, hard_blocks => […], tag_weights => {tag =>
# micros or undef}, remove_hard_blocks => […]}.
#

# The payload as JSON, members in order: also what makes two payloads the same.
sub decimal { my ($micros) = @_; return sprintf '%s%d.%06d', $micros < 0 ? '-' : '', abs($micros) / 1_000_000, abs($micros) % 1_000_000 }

sub payload_text {
    my ($payload) = @_;
    my $list = sub { return '[' . join(', ', map { qq("$_") } @_) . ']' };
    my @members;
    for my $key (sort keys %$payload) {
        my $value = $payload->{$key};
        my $text = $key eq 'weight' ? decimal($value)
          : $key eq 'tag_weights' ? '{' . join(', ', map { qq("$_": ) . (defined $value->{$_} ? decimal($value->{$_}) : 'null') } sort keys %$value) . '}'
          : $key eq 'tag' ? qq("$value") : $list->(@$value);
        push @members, qq("$key": $text);
    }
    return '{' . join(', ', @members) . '}';
}

sub on_event {
    my ($self, $operation) = @_;
    my ($pass, $id, $generation) = @$operation{qw(pass id generation)};
    return refused($operation->{bad}) if $operation->{bad};
    my $there = $self->{events}{$id};
    if ($there) {
        my $same = $there->{pass} eq $pass && $there->{type} eq $operation->{type}
          && payload_text($there->{payload}) eq payload_text($operation->{payload}) && ($there->{generation} // '') eq ($generation // '');
        return $same ? success('t') : refused('MG002');
    }
    return refused('23503') if !defined $self->{credits}{$pass};
    if (defined $generation) {
        my $row = $self->{generations}{$generation} // return refused('23503');
        return refused('23514') if $row->{pass} ne $pass;
    }
    return success('f', sub { my ($time) = @_; $self->{events}{$id} = { %$operation, time => $operation->{time} // $time } });
}

sub on_theme {
    my ($self, $operation) = @_;
    return success('', sub { $self->{themes}{ $operation->{pass} } = $operation->{theme} });
}

# What must never be let in: the SQLSTATE goes with it.
sub on_forbidden { return refused($_[1]{state}) }

sub trimmed { my %seen; return grep { !$seen{$_}++ } map { s/^ +| +$//gr } @_ }

# Blocks and weights (in millionths) of one customer, event by event in the order of their positions.
sub fold {
    my ($self, $pass) = @_;
    my @events = sort { $a->{time} <=> $b->{time} || $a->{id} cmp $b->{id} } grep { $_->{pass} eq $pass } values %{ $self->{events} };
    my (%blocked, %weight);
    for my $event (@events) {
        my ($type, $payload) = @$event{qw(type payload)};
        my @tags = trimmed(@{ $payload->{tags} // [] }, $payload->{tag} // ());
        my %block = map { $_ => 1 } trimmed(@{ $payload->{hard_blocks} // [] });
        if ($type =~ /^(?:like|dislike|download)$/) {
            my $weight = $payload->{weight} // ($type eq 'download' ? 500_000 : 1_000_000);
            $weight{$_} = ($weight{$_} // 0) + ($type eq 'dislike' ? -$weight : $weight) for @tags;
        }
        if ($type eq 'preference_set') {
            my $set = $payload->{tag_weights} // {};
            for my $tag (grep { !$block{$_} && !defined $set->{$_} } trimmed(@{ $payload->{remove_hard_blocks} // [] })) {
                $blocked{$tag} = 0;
                delete $weight{$tag};
            }
            for my $tag (grep { !$block{$_} } keys %$set) {
                if (defined $set->{$tag}) { $weight{$tag} = $set->{$tag} }
                else { delete $weight{$tag} }
            }
        }
        if ($type eq 'preference_set' || $type eq 'dislike') {
            $blocked{$_} = 1 for keys %block;
        }
    }
    my @blocks = sort grep { $blocked{$_} } keys %blocked;
    $weight{$_} = -999_000_000 for @blocks;
    return (\@blocks, \%weight, @events ? $events[-1]{time} : undef);
}

1;
