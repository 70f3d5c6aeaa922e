# The model's room of credits (mega_model.pm): rows of the ledger, and what functions make of them (I1, I3, I4, I16).
package mega_model;

use strict;
use warnings;

# Raw rows move what has no lot. family: the rows of which this one gives something back.
sub write_row {
    my ($self, $txn, $pass, $delta, %more) = @_;
    my ($is_raw, $family) = delete @more{qw(raw family)};
    my $row = { pass => $pass, delta => $delta, names => $more{reference} // 'random', %more };
    $self->stand($pass) if !$is_raw;
    $self->draw($row, -$delta, $more{revoke_of}) if $delta < 0 && !$is_raw;
    $self->{rows}{$txn} = $row;
    $self->{references}{ $more{reference} } = $txn if $more{reference};
    $self->{credits}{$pass} += $delta;
    $row->{left} = $delta if defined $row->{ends};
    $self->give_back($row, $delta, @$family) if $family && $delta > 0;
    $self->stand($pass) if !$is_raw;
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
        return refused('MG002') if $first->{pass} ne $pass || $first->{delta} != $delta || $first->{names} ne ($reference // $operation->{names} // 'random');
        return refused('MG010') if ($operation->{status} // '') eq 'pending' && $first->{status} ne 'pending';
        return success("$self->{credits}{$pass}|t");
    }
    my $credits = $self->{credits}{$pass} // return refused('23503');
    return refused('MG001') if $delta < 0 && !$operation->{allow_negative} && $credits + $delta < 0;
    my %more = map { $_ => $operation->{$_} } grep { defined $operation->{$_} } qw(reference status names ends);
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
            my @family = map { $self->{rows}{"$_:$id"} } qw(hold capture release);
            $self->write_row("$way:$id", $hold->{pass}, $delta, reference => "hold|$id|$way", family => [ @family, $self->refunds_of("hold:$id") ]) if $delta != 0;
            $hold->{status} = $new_status;
        });
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

sub refunds_of { my ($self, $txn) = @_; return grep { ($_->{refund_of} // '') eq $txn } values %{ $self->{rows} } }

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
    $left -= $_->{delta} for $self->refunds_of($txn);
    my @family = defined $of_hold ? map { $self->{rows}{"$_:$of_hold"} } qw(hold capture release) : $spend;
    return refused('MG012') if $left <= 0 || ($amount // 0) > $left;
    my $back = $amount // $left;
    return success(($self->{credits}{$pass} + $back) . '|f',
        sub { $self->write_row("refund:$id", $pass, $back, refund_of => $txn, reference => "refund|$id|refund", family => [ @family, $self->refunds_of($txn) ]) });
}

# What was taken back of a grant and not restored.
sub revoked {
    my ($self, $txn) = @_;
    my $sum = 0;
    for my $id (grep { ($self->{rows}{$_}{revoke_of} // '') eq $txn } keys %{ $self->{rows} }) {
        $sum -= $self->{rows}{$id}{delta};
        $sum -= $_->{delta} for $self->refunds_of($id);
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
        return refused('MG002') if $out->{pass} ne $from || $in->{pass} ne $to || -$out->{delta} != ($amount // -$out->{delta});
        return success("$self->{credits}{$from}|$self->{credits}{$to}|t");
    }
    return refused('23503') if grep { !defined $self->{credits}{$_} } $from, $to;
    return refused('22023') if $from eq $to; # by now
    $amount //= $self->{credits}{$from} > 0 ? $self->{credits}{$from} : 1; # all that can be spent
    return refused('MG001') if $self->{credits}{$from} < $amount;
    return success(($self->{credits}{$from} - $amount) . '|' . ($self->{credits}{$to} + $amount) . '|f', sub {
        $self->write_row("transfer:$id:out", $from, -$amount, reference => "transfer|$id|transfer_out");
        # each end that was drawn goes with its credits, in the order drawn; what has none comes last
        my (@ends, %many);
        for (@{ $self->{rows}{"transfer:$id:out"}{lots} // [] }) {
            my $end = $self->{rows}{ $_->[0] }{ends};
            push @ends, $end if !$many{$end};
            $many{$end} -= $_->[1];
            $amount += $_->[1];
        }
        my $number = 0;
        for my $end (@ends, $amount > 0 ? undef : ()) {
            my $which = ++$number > 1 ? $number : '';
            my %lot = defined $end ? (ends => $end) : ();
            $self->write_row("transfer:$id:in" . ($which && ":$which"), $to, defined $end ? $many{$end} : $amount, reference => "transfer|$id|transfer_in" . ($which && "_$which"), %lot);
        }
    });
}

# What was used adds up to the balance, and counts every movement.
sub on_usage {
    my ($self, $operation) = @_;
    my $credits = $self->{credits}{ $operation->{pass} } // return refused('23503');
    my @rows = grep { $_->{pass} eq $operation->{pass} } values %{ $self->{rows} };
    return success(@rows ? "$credits|" . @rows : '|');
}

# What holds have set aside is told beside what is left.
sub on_balance {
    my ($self, $operation) = @_;
    my $credits = $self->{credits}{ $operation->{pass} } // return refused('23503');
    my $held = 0;
    $held -= $_->{delta} for grep { $_->{pass} eq $operation->{pass} && ($_->{status} // '') eq 'pending' } values %{ $self->{rows} };
    return success("$credits|$held|" . ($credits > 0 ? $credits : 0));
}

# Many movements, all or none. Played on a copy of what they touch.
sub on_batch {
    my ($self, $operation) = @_;
    my $copy = $self->copy;
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
    return faults_of_batch(\@entries, \@faults, qw(txn reference)) if @faults;
    return success("$written|$replayed", sub { $self->{$_} = $copy->{$_} for qw(credits rows references) });
}

1;
