# The model's room of the studio (mega_model.pm): generations, their steps, and who works at them (I7, I9).
package mega_model;

use strict;
use warnings;

my @stages = qw(queued scanning prompting generating postscan done error);
my %rank = map { $stages[$_] => $_ } 0 .. $#stages;

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
    my @waiting = grep { !$all->{$_}{deleted} && $all->{$_}{status} !~ /^(done|error)$/ && ($all->{$_}{claim} ? $all->{$_}{claim}{over} : $all->{$_}{status} eq 'queued') }
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
    my $stands = !$generation->{deleted} && $generation->{status} !~ /^(done|error)$/ && (($generation->{claim} // {})->{worker} // '') eq $operation->{worker};
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
    my $generation = $self->{generations}{ $operation->{id} } // return refused('MG003');
    my $settle;
    if (defined $operation->{hold}) {
        my $hold = $self->{rows}{"hold:$operation->{hold}"};
        return refused('23514') if $hold && $hold->{pass} ne $generation->{pass}; # whatever would become of it
        (my $state, undef, undef, $settle) = $self->settle($operation->{hold}, $way eq 'done' ? 'capture' : 'release');
        return refused($state) if $state;
    }
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

sub on_scan {
    my ($self, $operation) = @_;
    my $generation = $self->{generations}{ $operation->{id} } // return refused('MG003');
    my $lines = ($generation->{vars}{userMessages} // 0) + 1;
    return success($lines, sub { $generation->{vars}{userMessages} = $lines });
}

# Many steps of one generation, all or none: each as it would be alone.
sub on_steps {
    my ($self, $operation) = @_;
    my $id = $operation->{generation};
    my $generation = $self->{generations}{$id} // return refused('MG003', map { ($_->{number} // 0) < 0 || ($_->{status} // '') eq 'done' ? '22023' : () } @{ $operation->{entries} });
    my $copy = mega_model->new;
    $copy->{generations}{$id} = { %$generation, steps => { %{ $generation->{steps} } } };
    my ($written, $replayed, @faults) = (0, 0);
    for my $entry (@{ $operation->{entries} }) {
        my $expected = $copy->on_step({ %$entry, generation => $id });
        push @faults, $expected->{state} if $expected->{state} ne '00000';
        next if $expected->{state} ne '00000';
        $expected->{answer} =~ /t$/ ? $replayed++ : $written++;
        $expected->{commit}->();
    }
    return faults_of_batch($operation->{entries}, \@faults, 'number') if @faults;
    return success("$written|$replayed", sub { %$generation = %{ $copy->{generations}{$id} } });
}

# Deleting marks. The mark hides: the generation is shown, listed and handed out no more; what else there is to say of it is
# said as before. The application's own SQL takes the mark away.
sub on_delete {
    my ($self, $operation) = @_;
    my $generation = $self->{generations}{ $operation->{id} };
    return success('', sub { delete $generation->{deleted} if $generation }) if $operation->{back};
    return refused('MG003') if !$generation;
    return success(flag(!$generation->{deleted}), sub { $generation->{deleted} = 1 });
}

# mg_status follows.
sub word_of { my ($status) = @_; return { done => 'succeeded', error => 'failed' }->{$status} // 'pending' }

sub on_look {
    my ($self, $operation) = @_;
    my $generation = $self->{generations}{ $operation->{id} };
    return success('') if !$generation || $generation->{deleted} || defined $operation->{pass} && $operation->{pass} ne $generation->{pass};
    my $parent = defined $generation->{parent} ? "generation:$generation->{parent}" : '';
    return success(join '|', @$generation{qw(pass status)}, word_of($generation->{status}), $generation->{url} // '', $parent,
        scalar keys %{ $generation->{steps} }, $generation->{vars}{userMessages} // 0);
}

# Newest first.
sub on_history {
    my ($self, $operation) = @_;
    return refused('23503') if !defined $self->{credits}{ $operation->{pass} };
    my $all = $self->{generations};
    my @listed = grep { $all->{$_}{pass} eq $operation->{pass} && !$all->{$_}{deleted} && $all->{$_}{status} eq ($operation->{status} // $all->{$_}{status}) }
      sort { $all->{$b}{made} <=> $all->{$a}{made} } keys %$all;
    splice @listed, $operation->{most} if @listed > $operation->{most};
    return success(join "\n", @listed);
}

1;
