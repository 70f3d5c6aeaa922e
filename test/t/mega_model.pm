# The rules of credits, events, steps and generations once more, as simple as they can be said: plain Perl over lists in
# memory. It predicts what each operation answers, and what is in the tables afterwards. It shares nothing with the
# extension, so that the two have to agree by being right.
package mega_model;

use strict;
use warnings;

use mega_model_credits;
use mega_model_events;
use mega_model_lots;
use mega_model_studio;
use mega_model_topups;

sub new {
    my ($class, @customers) = @_;
    return bless {
        credits => { map { $_ => 0 } @customers },
        rows => {},        # credit rows by txn id: pass, delta, status, refund_of; of lots ends and left
        references => {},  # type|id|reason of credit rows
        events => {},      # by event id: pass, type, payload, generation, time (microseconds)
        generations => {}, # by id: pass, status, url, vars (of the lines of a scan how many), steps, parent
        feedback => {},    # by id: pass
        auto => {},        # who is topped up: on, packs, limit
        claims => {},      # by customer: those on his top-ups
        themes => {},      # the application's own key in the preferences
        roots => {},       # of who was merged: into whom
    }, $class;
}

# Who goes on for a pass id.
sub root { my ($self, $pass) = @_; return defined $pass ? $self->{roots}{$pass} // $pass : undef }

# The operation, its customers those who go on.
sub resolved {
    my ($self, $operation) = @_;
    my %copy = (%$operation, alike => ($operation->{from} // '') eq ($operation->{to} // ''), given => $operation->{pass});
    $copy{$_} = $self->root($copy{$_}) for grep { exists $copy{$_} } qw(pass from to);
    for my $list (grep { $copy{$_} } qw(entries rows)) {
        $copy{$list} = [ map { $self->resolved($_) } @{ $copy{$list} } ];
    }
    return \%copy;
}

# What the operation must answer: the SQLSTATE, and what it returns ('*' when that cannot be known). Success changes the
# model when `commit` is called.
sub predict {
    my ($self, $operation) = @_;
    my $method = "on_$operation->{kind}";
    return $self->$method($operation->{kind} eq 'merge' ? $operation : $self->resolved($operation));
}

# Of several faults in one statement any may be the one that is told.
sub refused { my (@states) = @_; return { state => $states[0], states => { map { $_ => 1 } @states } } }

# The answer is a text, or what tells whether one is right. stamped: the events that get their time from the server, each
# [id, customer]; commit is called with their times and the answer.
sub success {
    my ($answer, $commit, $stamped) = @_;
    return { state => '00000', states => { '00000' => 1 }, answer => $answer, commit => $commit // sub { }, stamped => $stamped // [] };
}

# Of a batch with a fault: when two entries go by one name, that may be told as well.
sub faults_of_batch {
    my ($entries, $faults, @names) = @_;
    my %seen;
    return refused(@$faults, map { my $name = $_; (grep { defined $_->{$name} && $seen{"$name $_->{$name}"}++ } @$entries) ? 'MG002' : () } @names);
}

sub flag { return $_[0] ? 't' : 'f' }

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
        for my $pass ($source, $target) { # a row of its own says what lots paid
            $self->{rows}{ 'expire:' . keys %{ $self->{rows} } } = { pass => $pass, delta => 0 } if $self->stand($pass);
        }
        $_->{pass} = $target for grep { $_->{pass} eq $source } map { values %{ $self->{$_} } } qw(rows events generations feedback);
        $self->{roots}{$_} = $target for $source, grep { $self->{roots}{$_} eq $source } keys %{ $self->{roots} };
        $self->{credits}{$target} = $credits;
        delete $self->{credits}{$source};
        push @{ $self->{claims}{$target} }, @{ delete $self->{claims}{$source} // [] };
        delete $self->{auto}{$source};
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
        my $about = defined $row->{pass} && defined $row->{about} ? $self->{generations}{ $row->{about} } : undef;
        push @faults, '23503' if defined $row->{about} && !$about;
        push @faults, '23514' if $about && $about->{pass} ne $row->{pass};
        push @faults, '23503' if defined $row->{pass} ? !defined $self->{credits}{ $row->{pass} } : !$self->{generations}{ $row->{generation} };
    }
    return refused(@faults) if @faults;
    return success('', sub {
        for my $row (@rows) {
            if ($row->{kind} eq 'credit') { $self->write_row($row->{txn}, $row->{pass}, $row->{delta}, raw => 1, reference => $row->{reference}, names => $row->{reference} // 'raw') }
            elsif ($row->{kind} eq 'event') { $self->{events}{ $row->{id} } = { %$row, generation => $row->{about} } }
            else { $self->{generations}{ $row->{generation} }{steps}{ $row->{number} } = { type => $row->{type}, input => $row->{input} } }
        }
    });
}

sub on_theme {
    my ($self, $operation) = @_;
    return success('', sub { $self->{themes}{ $operation->{pass} } = $operation->{theme} });
}

# What must never be let in: the SQLSTATE goes with it.
sub on_forbidden { return refused($_[1]{state}) }

1;
