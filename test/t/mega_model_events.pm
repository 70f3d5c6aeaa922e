# The model's room of events (mega_model.pm): what customers say, and the fold of it (I2).
package mega_model;

use strict;
use warnings;

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
        my ($times) = @_;
        $self->{generations}{$id} = { pass => $pass, status => 'queued', vars => {}, steps => {}, made => ++$self->{made}, parent => $parent };
        $self->{events}{$event} = { id => $event, pass => $pass, type => 'tweak', payload => $payload, generation => $parent, child => $id, time => $times->{$event} };
    }, [ [ $event, $pass ] ]);
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

# A payload is {tags => […], weight => micros, undo => true or false, hard_blocks => […], tag_weights => {tag => micros or
# undef}, remove_hard_blocks => […]}. As JSON, members in order, it is what makes two payloads the same.
sub decimal { my ($micros) = @_; return sprintf '%s%d.%06d', $micros < 0 ? '-' : '', abs($micros) / 1_000_000, abs($micros) % 1_000_000 }

sub payload_text {
    my ($payload) = @_;
    my $list = sub { return '[' . join(', ', map { qq("$_") } @_) . ']' };
    my @members;
    for my $key (sort keys %$payload) {
        my $value = $payload->{$key};
        my $text = $key eq 'weight' ? decimal($value)
          : $key eq 'tag_weights' ? '{' . join(', ', map { qq("$_": ) . (defined $value->{$_} ? decimal($value->{$_}) : 'null') } sort keys %$value) . '}'
          : $key eq 'tag' ? qq("$value")
          : $key eq 'undo' ? ($value ? 'true' : 'false') : $list->(@$value);
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
    my $stamped = defined $operation->{time} ? [] : [ [ $id, $pass ] ];
    return success('f', sub { my ($times) = @_; $self->{events}{$id} = { %$operation, time => $operation->{time} // $times->{$id} } }, $stamped);
}

# Many events of any customers, all or none: each as it would be alone.
sub on_events {
    my ($self, $operation) = @_;
    my $copy = mega_model->new;
    $copy->{$_} = { %{ $self->{$_} } } for qw(credits generations events);
    my ($written, @faults, @expected) = (0);
    for my $entry (@{ $operation->{entries} }) {
        my $expected = $copy->on_event($entry);
        push @faults, $expected->{state}, defined $self->{credits}{ $entry->{pass} } ? () : '23503' if $expected->{state} ne '00000';
        next if $expected->{state} ne '00000' || $expected->{answer} eq 't';
        $written++;
        push @expected, $expected;
        $expected->{commit}->({});
    }
    return faults_of_batch($operation->{entries}, \@faults, 'id') if @faults;
    return success("$written|" . (@{ $operation->{entries} } - $written), sub {
        my ($times) = @_;
        $_->{commit}->($times) for @expected;
        $self->{events} = $copy->{events};
    }, [ map { @{ $_->{stamped} } } @expected ]);
}

# By their positions.
sub events_of {
    my ($self, $pass) = @_;
    return sort { $a->{time} <=> $b->{time} || $a->{id} cmp $b->{id} } grep { $_->{pass} eq $pass } values %{ $self->{events} };
}

# The generations whose last word is a like that was not taken back, newest like first, without deleted ones.
sub on_likes {
    my ($self, $operation) = @_;
    return refused('23503') if !defined $self->{credits}{ $operation->{pass} };
    my %last = map { $_->{generation} => $_ } grep { defined $_->{generation} && $_->{type} =~ /^(?:like|dislike)$/ } $self->events_of($operation->{pass});
    my @liked = reverse grep { my $word = $last{ $_->{generation} // '' }; $word && $word == $_ && $_->{type} eq 'like' && !$_->{payload}{undo} } $self->events_of($operation->{pass});
    @liked = grep { !$self->{generations}{ $_->{generation} }{deleted} } @liked;
    splice @liked, $operation->{most} if @liked > $operation->{most};
    return success(join "\n", map { "mma_event:$_->{id}|$_->{generation}" } @liked);
}

sub trimmed { my %seen; return grep { !$seen{$_}++ } map { s/^ +| +$//gr } @_ }

# Blocks and weights (in millionths) of one customer, event by event in the order of their positions.
sub fold {
    my ($self, $pass) = @_;
    my @events = $self->events_of($pass);
    my (%blocked, %weight);
    for my $event (@events) {
        my ($type, $payload) = @$event{qw(type payload)};
        my @tags = trimmed(@{ $payload->{tags} // [] }, $payload->{tag} // ());
        my %block = map { $_ => 1 } trimmed(@{ $payload->{hard_blocks} // [] });
        if ($type =~ /^(?:like|dislike|download)$/) {
            my $weight = $payload->{weight} // ($type eq 'download' ? 500_000 : 1_000_000);
            $weight = -$weight if $type eq 'dislike';
            $weight = -$weight if $payload->{undo} && $type ne 'download';
            $weight{$_} = ($weight{$_} // 0) + $weight for @tags;
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
        if ($type eq 'preference_set' || $type eq 'dislike' && !$payload->{undo}) {
            $blocked{$_} = 1 for keys %block;
        }
    }
    my @blocks = sort grep { $blocked{$_} } keys %blocked;
    $weight{$_} = -999_000_000 for @blocks;
    return (\@blocks, \%weight, @events ? $events[-1]{time} : undef);
}

1;
