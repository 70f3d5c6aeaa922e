# The model's room of top-ups (mega_model.pm): whom to charge, once, and what was charged. A customer has claims, each with an
# id, packs, and whether it stands, lapsed or was released; after a merge both customers'.
package mega_model;

use strict;
use warnings;

sub month { return (gmtime)[4] }

# The application says in its own SQL who is topped up.
sub on_auto {
    my ($self, $operation) = @_;
    my $pass = $operation->{pass};
    my $is_there = defined $self->{credits}{$pass} && $operation->{given} eq $pass; # who was merged is asked no more
    return success('', sub { $self->{auto}{$pass} = { map { $_ => $operation->{$_} } qw(on packs limit) } if $is_there });
}

sub default_packs { my ($self, $pass) = @_; return ($self->{auto}{$pass} // {})->{packs} // 3 }
sub claims { my ($self, $pass) = @_; return @{ $self->{claims}{$pass} // [] } }

# Packs that the month has left, without those of claims that stand.
sub packs_left {
    my ($self, $pass) = @_;
    my $left = ($self->{auto}{$pass} // {})->{limit} // return 1_000_000;
    $left -= $_->{automatic} for grep { $_->{automatic} && $_->{pass} eq $pass && $_->{month} == month() } values %{ $self->{rows} };
    $left -= $_->{packs} for grep { $_->{stands} } $self->claims($pass);
    return $left;
}

# A grant like any other, whose packs are the claim's or the customer's where nobody says. Of a claim the limit is not asked
# again; without one an automatic top-up keeps within the month.
sub on_topup {
    my ($self, $operation) = @_;
    my ($pass, $per, $id) = @$operation{qw(pass per claim)};
    return refused('22023') if $per <= 0 || ($operation->{packs} // 1) <= 0;
    my ($claim) = grep { defined $id && $_->{id} eq $id } $self->claims($pass);
    my $first = defined $id ? $self->{rows}{"topup:$id"} : undef;
    $first //= $self->{rows}{ $self->{references}{ $operation->{reference} } // '' } if $operation->{reference};
    my $packs = $operation->{packs} // ($first ? $first->{packs} : $claim ? $claim->{packs} : $self->default_packs($pass));
    my $names = $operation->{reference} // 'topup';
    my $expected = $self->on_record({ pass => $pass, delta => $packs * $per, txn => defined $id ? "topup:$id" : undef, reference => $operation->{reference}, fresh => $operation->{fresh}, names => $names });
    return $expected if $expected->{state} ne '00000';
    my $is_replay = $expected->{answer} =~ /t$/;
    my $automatic = $operation->{automatic} || defined $id;
    return refused('22023') if defined $id && !$claim && !$is_replay;
    return refused('MG012') if $automatic && !defined $id && !$is_replay && $packs > $self->packs_left($pass);
    return success($expected->{answer}, sub {
        $expected->{commit}->();
        $self->{claims}{$pass} = [ grep { !$claim || $_ != $claim } $self->claims($pass) ];
        return if $is_replay;
        my $row = $self->{rows}{ defined $id ? "topup:$id" : $operation->{fresh} };
        @$row{qw(packs automatic month)} = ($packs, $automatic ? $packs : 0, month());
    });
}

# Who is low, has packs left, and nobody is at work for.
sub due {
    my ($self, $threshold) = @_;
    my %due;
    for my $pass (grep { $self->{auto}{$_}{on} } keys %{ $self->{auto} }) {
        next if $self->{roots}{$pass} || $self->{credits}{$pass} > $threshold || grep { $_->{stands} || $_->{waits} } $self->claims($pass);
        my ($left, $wanted) = ($self->packs_left($pass), $self->default_packs($pass));
        my $packs = $left < $wanted ? $left : $wanted;
        my @lapsed = grep { !$_->{released} } $self->claims($pass);
        next if @lapsed ? !grep { $_->{packs} <= $left } @lapsed : $packs <= 0; # beyond what the month allows
        $due{$pass} = { lapsed => \@lapsed, packs => $packs };
    }
    return \%due;
}

# Each who is due is handed out, under the id and with the packs of a claim that lapsed, or under a new one.
sub on_charge {
    my ($self, $operation) = @_;
    my $due = $self->due($operation->{threshold});
    my @due = keys %$due;
    my $many = @due < $operation->{most} ? @due : $operation->{most};
    my $is_right = sub {
        return "$many of " . join ' ', map { "$_|$due->{$_}{packs}" } sort @due if !@_;
        my %handed = map { my ($pass, $packs, $id) = split /\|/; ($pass => [ $packs, $id ]) } split /\n/, $_[0];
        return 0 if keys %handed != $many || $many != split /\n/, $_[0];
        for my $pass (keys %handed) {
            my ($packs, $id) = @{ $handed{$pass} };
            my $one = $due->{$pass} // return 0;
            my @lapsed = @{ $one->{lapsed} };
            return 0 if @lapsed ? !grep { $_->{id} eq $id && $_->{packs} == $packs } @lapsed : $packs != $one->{packs} || grep { $_->{id} eq $id } map { $self->claims($_) } keys %{ $self->{claims} };
        }
        return 1;
    };
    return success($is_right, sub {
        for my $line (split /\n/, $_[1]) {
            my ($pass, $packs, $id) = split /\|/, $line;
            my ($claim) = grep { $_->{id} eq $id } $self->claims($pass);
            if (!$claim) { # all there are were released: the newest are known on
                my @released = sort { $b->{id} cmp $a->{id} } $self->claims($pass);
                $#released = 19 if @released > 20;
                $self->{claims}{$pass} = [ @released, $claim = { id => $id, packs => $packs } ];
            }
            $claim->{stands} = !$operation->{over};
        }
    });
}

# The charge was declined: the claim stands no more, and the next one may have to wait. Until then it may still be recorded.
sub on_decline {
    my ($self, $operation) = @_;
    my ($claim) = grep { $_->{id} eq $operation->{claim} && !$_->{released} } map { $self->claims($_) } keys %{ $self->{claims} };
    return success(flag($claim), sub { @$claim{qw(released stands waits)} = (1, 0, $operation->{later}) if $claim });
}

# Who would be charged, by pass id.
sub on_due {
    my ($self, $operation) = @_;
    my @lines;
    for my $pass (sort grep { $self->{auto}{$_}{on} && !$self->{roots}{$_} } keys %{ $self->{auto} }) {
        my ($left, $wanted) = ($self->packs_left($pass), $self->default_packs($pass));
        my $packs = $left < $wanted ? $left : $wanted;
        push @lines, "$pass|$self->{credits}{$pass}|$packs" if $packs > 0 && $self->{credits}{$pass} <= $operation->{threshold};
    }
    return success(join "\n", @lines);
}

1;
