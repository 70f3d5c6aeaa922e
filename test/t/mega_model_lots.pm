# The model's room of lots (mega_model.pm): a grant with an end of its own is a lot, what has none is the rest (I15). Ends lie
# far ahead here, so that nothing ends. A row knows what it took from lots and gave back to them.
package mega_model;

use strict;
use warnings;

# Open lots of a customer, in the order in which they are drawn.
sub lots_of {
    my ($self, $pass) = @_;
    my $rows = $self->{rows};
    return sort { $rows->{$a}{ends} <=> $rows->{$b}{ends} || $a cmp $b } grep { $rows->{$_}{pass} eq $pass && $rows->{$_}{left} } keys %$rows;
}

sub rest_of {
    my ($self, $pass) = @_;
    my $rest = $self->{credits}{$pass};
    $rest -= $self->{rows}{$_}{left} for $self->lots_of($pass);
    return $rest;
}

sub least { my ($one, $two) = @_; return $one < $two ? $one : $two }

# Takes up to n from a lot; what it took.
sub take {
    my ($self, $lot, $n) = @_;
    my $taken = least($self->{rows}{$lot}{left}, $n);
    $self->{rows}{$lot}{left} -= $taken;
    return $taken;
}

# Debts are paid by lots before anything else is done; how much.
sub stand {
    my ($self, $pass) = @_;
    my $paid = 0;
    for my $lot ($self->lots_of($pass)) {
        my $debt = -$self->rest_of($pass);
        last if $debt <= 0;
        $paid += $self->take($lot, $debt);
    }
    return $paid;
}

# What a row takes: from lots, soonest end first, then from the rest. A revoke takes from its own grant first.
sub draw {
    my ($self, $row, $n, $own) = @_;
    if (defined $own) {
        my $rest = $self->rest_of($row->{pass});
        my $first = defined $self->{rows}{$own}{ends} ? $self->take($own, $n) : least($rest > 0 ? $rest : 0, $n);
        push @{ $row->{lots} }, [ $own, -$first ] if defined $self->{rows}{$own}{ends} && $first;
        $n -= $first;
    }
    for my $lot ($self->lots_of($row->{pass})) {
        my $taken = $self->take($lot, $n);
        push @{ $row->{lots} }, [ $lot, -$taken ] if $taken;
        $n -= $taken;
    }
    return;
}

# What comes back of a movement goes where it came from: to the rest, then to lots, latest end first, none above what was
# granted and not revoked; what no lot takes is the rest's.
sub give_back {
    my ($self, $row, $n, @family) = @_;
    my ($taken, %of) = (0);
    for my $one (grep { defined } @family) {
        $taken -= $one->{delta};
        $of{ $_->[0] } -= $_->[1] for @{ $one->{lots} // [] };
    }
    $taken -= $_ for values %of;
    $n -= least($taken > 0 ? $taken : 0, $n);
    my $rows = $self->{rows};
    for my $lot (sort { $rows->{$b}{ends} <=> $rows->{$a}{ends} || $b cmp $a } keys %of) {
        my $room = least($of{$lot}, $rows->{$lot}{delta} - $self->revoked($lot) - $rows->{$lot}{left});
        my $back = least($room > 0 ? $room : 0, $n);
        next if $back <= 0;
        $rows->{$lot}{left} += $back;
        push @{ $row->{lots} }, [ $lot, $back ];
        $n -= $back;
    }
    return;
}

# Looked at, debts are as good as paid.
sub on_lots {
    my ($self, $operation) = @_;
    my $pass = $operation->{pass};
    return refused('23503') if !defined $self->{credits}{$pass};
    my $copy = $self->copy;
    $copy->stand($pass);
    return success(join "\n", map { "credit_transaction:$_|$copy->{rows}{$_}{delta}|$copy->{rows}{$_}{left}" } $copy->lots_of($pass));
}

# Another one with the same credits, to play on.
sub copy {
    my ($self) = @_;
    my $copy = mega_model->new;
    $copy->{$_} = { %{ $self->{$_} } } for qw(credits references);
    $copy->{rows} = { map { $_ => { %{ $self->{rows}{$_} } } } keys %{ $self->{rows} } };
    return $copy;
}

1;
